# tests/peers/lib.sh - what scripts of this folder share; to be sourced. Servers run on loopback, on free ports, in a
# directory of their own, and end with the script.
peers=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.cache/peers" 2>/dev/null && pwd) || peers=
work=$(mktemp -d)
servers=()
finish() {
    for p in "${servers[@]}"; do
        kill -- "-$p" 2>/dev/null && wait "$p" 2>/dev/null
    done
    rm -rf "$work"
}
trap finish EXIT

free_ports() { # N -> N free ports
    python3 -c '
import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*(x.getsockname()[1] for x in s))' "$1"
}

start() { # NAME COMMAND... : in the background, a group of its own with what it starts; its output in $work/NAME.log
    local name=$1
    shift
    setsid "$@" >"$work/$name.log" 2>&1 &
    servers+=($!)
}

await() { # NAME URL : until it answers, at most two minutes
    local i
    for i in $(seq 240); do
        curl -s -o /dev/null --noproxy '*' --max-time 2 "$2" && return 0
        kill -0 "${servers[-1]}" 2>/dev/null || break
        sleep 0.5
    done
    echo "$1 does not come up:"
    tail -5 "$work/$1.log"
    return 1
}

contract() { # WORDS PROGRAM : runs it, says how it went
    timeout 600 "$2" >"$work/test.log" 2>&1
    local status=$?
    grep -E '^\[  (FAILED|ERROR)|^# [^s]' "$work/test.log"
    echo "$1: $(grep -c '^\[       OK' "$work/test.log") passed, exit $status"
    return $status
}
