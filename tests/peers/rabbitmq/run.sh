#!/bin/bash
# run.sh BUILD_DIR - RabbitMQ 4 beside Debian 12's 3.10 (MSG-40): a bare Debian 13 with its rabbitmq-server is made in
# .cache with debootstrap, and the tests of BUILD_DIR that start a broker start that one, in a chroot, on free loopback
# ports: the event bus contract, broken connections and brokers, and the chain of news that is killed. 0: passed; 77:
# skipped, with the reason. Needs root; about 400 MB.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-build}" && pwd) || exit 1
cache=$here/../../../.cache/peers/rabbitmq-4
suite=trixie
[ "$(id -u)" = 0 ] || { echo "skipped: debootstrap and chroot need root"; exit 77; }
command -v debootstrap >/dev/null || { echo "skipped: needs debootstrap"; exit 77; }

if [ ! -f "$cache/complete" ]; then
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' 2>/dev/null | head -n 1)
    rm -rf --one-file-system "$cache" && mkdir -p "$cache"
    timeout 600 debootstrap --variant=minbase --include=rabbitmq-server "$suite" "$cache/root" ${mirror:+"$mirror"} \
        >"$cache/log" 2>&1 || { echo "skipped: debootstrap cannot make a Debian 13:"; tail -3 "$cache/log"; exit 77; }
    touch "$cache/complete"
fi
root=$(cd "$cache/root" && pwd)
chmod 755 "$root" # it becomes "/": the port mapper and the broker must be able to look around in it
version=$(basename "$root"/usr/lib/rabbitmq/lib/rabbitmq_server-*)

failed=0 passed=0
for program in contract/test_event_bus_amqp contract/test_event_bus_amqp_breaks property/test_property_news_chain; do
    command=("$build/tests/$program")
    [ "${program%%/*}" = property ] && command=("$here/../../lib/shards.py" 8 "${command[@]}") # 30 starts of the broker
    FINSIGHT_RABBIT_ROOT=$root TMPDIR=$root/tmp CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 600 "${command[@]}" \
        >"$cache/test.log" 2>&1 || { failed=1; echo "$program:"; grep -vE '^\[( RUN|       OK)' "$cache/test.log" | tail -20; }
    passed=$((passed + $(grep -c '^\[       OK' "$cache/test.log")))
done
echo "${version/_server-/ }, the event bus contract, breaks and the killed chain: $passed passed, $([ $failed = 0 ] && echo none || echo some) failed"
exit $failed
