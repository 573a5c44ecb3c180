#!/bin/sh
# run.sh BUILD [RUNS] - the real Backtrader (PyPI) over made-up candles: orders of every type at random, and the golden
# cases' rules with other numbers; the engine must give the same trades, orders, account and analyzers.
# 0: equal; 77: skipped, with the reason.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: run.sh BUILD [RUNS]}
runs=${2:-60}
golden=$build/tests/golden/golden_backtest
[ -x "$golden" ] || { echo "skipped: build $golden first"; exit 77; }
command -v python3 >/dev/null || { echo "skipped: needs python3"; exit 77; }
cache=$here/../../../.cache/peers
venv=$cache/backtrader
mkdir -p "$cache"
if ! "$venv/bin/python" -c 'import backtrader' 2>/dev/null; then
    { python3 -m venv "$venv" && timeout 300 "$venv/bin/pip" install -q backtrader==1.9.78.123; } >"$cache/backtrader.log" 2>&1 ||
        { echo "skipped: backtrader 1.9.78.123 cannot be installed:"; tail -2 "$cache/backtrader.log"; exit 77; }
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" -B "$here/peer.py" "$work" "${FIRST_SEED:-1}" "$runs"
"$golden" "$work/cases" "$work/data"
"$venv/bin/python" -B "$here/rules.py" "$work/rules" "$work/data" $(cd "$work/data" && ls | head -4 | sed 's/\.csv$//')
"$golden" "$work/rules/cases" "$work/data"
