#!/bin/sh
# indicators.sh BUILD [ROUNDS] - fetches TA-Lib and Backtrader from PyPI and has each compared with ta/ on made-up
# candles and drawn parameters, through golden_indicators. 0: equal; 77: skipped, with the reason.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
golden=$(cd "$1" && pwd)/tests/golden/golden_indicators
rounds=${2:-160}
at=$here/../../.cache/peers/indicators
if [ ! -x "$at/bin/python" ] || ! "$at/bin/python" -c 'import talib, backtrader' 2>/dev/null; then
    command -v python3 >/dev/null || { echo "skipped: needs python3"; exit 77; }
    mkdir -p "$at"
    { python3 -m venv "$at" && timeout 300 "$at/bin/pip" install -q "TA-Lib==0.6.8" "backtrader==1.9.78.123"; } \
        >"$at/setup.log" 2>&1 || { echo "skipped: TA-Lib and Backtrader cannot be fetched:"; tail -3 "$at/setup.log"; exit 77; }
fi
[ -x "$golden" ] || { echo "skipped: build it first: ninja -C $1 tests/golden/golden_indicators"; exit 77; }
status=0
"$at/bin/python" "$here/talib/differ.py" "$golden" "$rounds" || status=1
"$at/bin/python" "$here/backtrader/differ.py" "$golden" $((rounds / 20)) || status=1
exit $status
