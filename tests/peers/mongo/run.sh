#!/bin/bash
# run.sh BUILD_DIR - fetches mongo-java-server with Maven, starts it on a free loopback port and runs the contract suite of
# the article store of BUILD_DIR against it (NWS-11). 0: passed; 77: skipped, with the reason.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-build}" && pwd) || exit 1
libs=$here/../../../.cache/peers/mongo/libs
work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

command -v java >/dev/null && command -v mvn >/dev/null || { echo "skipped: needs java and mvn"; exit 77; }
if [ ! -f "$libs/complete" ]; then
    timeout 600 mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$libs" >"$work/mvn.log" 2>&1 ||
        { echo "skipped: Maven cannot fetch mongo-java-server:"; tail -3 "$work/mvn.log"; exit 77; }
    touch "$libs/complete"
fi

java -Xmx512m -cp "$libs/*" "$here/Serve.java" >"$work/port" 2>"$work/server.log" &
server=$!
for _ in $(seq 120); do
    [ -s "$work/port" ] && break
    kill -0 "$server" 2>/dev/null || { echo "mongo: the server ended:"; tail -5 "$work/server.log"; exit 1; }
    sleep 0.5
done
FINSIGHT_TEST_MONGO=mongodb://127.0.0.1:$(head -1 "$work/port") timeout 600 "$build/tests/contract/test_article_store_mongo" \
    >"$work/test.log" 2>&1
status=$?
grep -E '^\[  (PASSED|FAILED|ERROR)|^#' "$work/test.log" | grep -v skipped
echo "mongo-java-server 1.47, the article store contract: $(grep -c '^\[       OK' "$work/test.log") passed, exit $status"
exit $status
