#!/bin/bash
# run.sh BUILD_DIR - fetches Apache Kafka with Maven, starts one broker (KRaft, loopback, free ports, a directory of its
# own) and runs the event bus contract of BUILD_DIR against it. 0: passed; 77: skipped, with the reason.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-build}" && pwd) || exit 1
libs=$here/../../../.cache/peers/kafka/libs
work=$(mktemp -d)
broker=
finish() {
    [ -z "$broker" ] || { kill "$broker" && wait "$broker"; } 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

command -v java >/dev/null && command -v mvn >/dev/null || { echo "skipped: needs java and mvn"; exit 77; }
if [ ! -f "$libs/complete" ]; then
    timeout 600 mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$libs" >"$work/mvn.log" 2>&1 ||
        { echo "skipped: Maven cannot fetch Kafka:"; tail -3 "$work/mvn.log"; exit 77; }
    touch "$libs/complete"
fi

read -r port controller < <(python3 -c '
import socket
s = [socket.socket() for _ in range(2)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*(x.getsockname()[1] for x in s))')
cat >"$work/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$work/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=200
auto.create.topics.enable=false
END
id=$(java -cp "$libs/*" kafka.tools.StorageTool random-uuid) &&
    java -cp "$libs/*" kafka.tools.StorageTool format -t "$id" -c "$work/server.properties" >"$work/format.log" 2>&1 ||
    { echo "kafka: no storage:"; cat "$work/format.log"; exit 1; }
java -Xmx512m -cp "$libs/*" kafka.Kafka "$work/server.properties" >"$work/broker.log" 2>&1 &
broker=$!
for _ in $(seq 120); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$broker" 2>/dev/null || { echo "kafka: the broker ended:"; tail -5 "$work/broker.log"; exit 1; }
    sleep 0.5
done
FINSIGHT_TEST_KAFKA=127.0.0.1:$port timeout 900 "$build/tests/contract/test_event_bus_kafka" >"$work/test.log" 2>&1
status=$?
grep -E '^\[  (PASSED|FAILED|ERROR)|^#' "$work/test.log" | grep -v skipped
echo "kafka 3.7.1, the event bus contract: $(grep -c '^\[       OK' "$work/test.log") passed, exit $status"
exit $status
