#!/bin/sh
# run.sh - fetches ta4j with Maven, runs it over the made-up candles and compares what it prints with the tables of
# tests/unit/backtest/test_ta4j.c. 0: equal; 77: skipped, with the reason.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v mvn >/dev/null && command -v javac >/dev/null || { echo "skipped: needs mvn and javac"; exit 77; }
timeout 300 mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib" \
    >"$work/mvn.log" 2>&1 || { echo "skipped: Maven cannot fetch ta4j:"; tail -3 "$work/mvn.log"; exit 77; }
javac -cp "$work/lib/*" -d "$work/out" "$here/Peer.java"
java -cp "$work/lib/*:$work/out" Peer 2>/dev/null >"$work/peer.txt"
python3 - "$work/peer.txt" "$here/../../unit/backtest/test_ta4j.c" <<'PY'
import re, sys
def rows(path):
    return [l.strip().rstrip(",").replace("NAN", "NaN") for l in open(path) if re.match(r'\s*\{ ("|\d+, \d+)', l)]
def values(row):
    return [x if x.startswith('"') else float(x) for x in row.strip("{} ").split(", ")]
peer, ours = rows(sys.argv[1]), rows(sys.argv[2])
bad = [(a, b) for a, b in zip(peer, ours) if values(a) != values(b)]
for a, b in bad:
    print(f"ta4j {a}, the test {b}")
print(f"ta4j 0.17: {len(peer)} rows, {len(bad) + abs(len(peer) - len(ours))} differ")
sys.exit(1 if bad or len(peer) != len(ours) else 0)
PY
