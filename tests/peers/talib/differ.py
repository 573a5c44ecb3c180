"""differ.py GOLDEN_INDICATORS [ROUNDS [SEED]] - TA-Lib itself against ta/, any legal parameters.

Each round makes candles, draws parameters for every function of TA-Lib's, writes what TA-Lib says of them as a dump of
the form that `make golden-indicators` reads, and has GOLDEN_INDICATORS compare. Exit status 0: all equal."""

import json, math, os, random, subprocess, sys, tempfile

import numpy as np
import talib
from talib import abstract

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from made_candles import COLUMNS, TEMPERS, candles, write_csv

PERIODS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 20, 21, 26, 30, 50, 64, 100]


def draw(rng, name, standard):
    """A legal value, or one that TA-Lib itself refuses."""
    if "matype" in name:
        return rng.randrange(0, 9)
    if "period" in name and name != "periods":
        return rng.choice(PERIODS)
    if name in ("nbdev", "nbdevup", "nbdevdn"):
        return rng.choice([1.0, 2.0, 0.5, 2.5, 0.0, -1.0, 3.0])
    if name == "vfactor":
        return rng.choice([0.0, 0.7, 1.0, round(rng.random(), 3)])
    if name == "penetration":
        return rng.choice([0.0, 0.3, 0.5, round(rng.random(), 3)])
    if name in ("fastlimit", "slowlimit"):
        return rng.choice([standard, 0.01, 0.99, round(0.01 + 0.98 * rng.random(), 3)])
    if name == "startvalue":
        return rng.choice([0.0, 0.0, 95.0, -105.0])
    if name == "offsetonreverse":
        return rng.choice([0.0, 0.01, 0.1])
    if name.startswith("acceleration") or name == "maximum":
        return rng.choice([standard, standard / 2, 0.0, 0.3, round(rng.random(), 3)])
    return standard


def broken(name, p):
    """What TA-Lib itself gets wrong: there is nothing to be equal to."""
    MAMA, TRIMA = 7, 5
    if name in ("MACD", "MACDFIX") and p["signalperiod"] == 1 or name == "TRIX" and p["timeperiod"] == 1:
        return True  # it writes before its buffer; 0.6.4 dies of that
    if name == "MAVP" and p["minperiod"] > p["maxperiod"] or \
            name == "BBANDS" and p["matype"] == MAMA and p["timeperiod"] > 33:
        return True  # it reads rows after the one it is at
    return name == "STOCH" and (p["slowk_matype"], p["slowd_matype"]) == (TRIMA, MAMA)  # a phase of rounding


def camel(name):
    """Of python's words for a parameter those of TA-Lib's own description, for half of the dumps."""
    words = {"timeperiod": "optInTimePeriod", "matype": "MAType", "nbdevup": "nbDevUp", "nbdevdn": "nbDevDn",
             "fastperiod": "fastPeriod", "slowperiod": "optInSlowPeriod", "fastk_period": "fastK_Period",
             "vfactor": "VFactor", "signalperiod": "Signal_Period", "minperiod": "minPeriod", "nbdev": "nbDev"}
    return words.get(name, name)


def inputs_of(name, info, data):
    names = []
    for key, value in info["input_names"].items():
        names += ["inPeriods"] if key == "periods" else list(value) if isinstance(value, list) else [value]
    if key.startswith("price") and key != "prices" and len(names) == 1:
        return ["inReal"], [data["close"]]
    if len(names) == 2 and names == ["high", "low"] and "price0" in info["input_names"]:
        return ["inReal0", "inReal1"], [data["high"], data["low"]]
    return ["inReal" if n == "close" and len(names) == 2 and key != "prices" else n for n in names], \
        [data[n] for n in names]


def one(rng, name, data):
    function = abstract.Function(name)
    params = {k: draw(rng, k, v) for k, v in function.info["parameters"].items()}
    names, columns = inputs_of(name, function.info, data)
    if broken(name, params):
        return None
    try:
        function.parameters = params
        out = getattr(talib, name)(*columns, **params)
        begin = function.lookback
    except Exception as e:
        if "Bad Parameter" in str(e) or "out of range" in str(e) or "wrong" in str(e):
            return None
        raise
    out = out if isinstance(out, (list, tuple)) else [out]
    n = len(data["close"])
    lines = {}
    for line, values in zip(function.info["output_names"], out):
        values = [None if not math.isfinite(v) else float(v) for v in values.tolist()]
        lines[line] = values[begin:] if begin < n else []
    return {"inputs": names, "params": {camel(k) if rng.random() < 0.5 else k: v for k, v in params.items()},
            "begin": begin, "outputs": lines}


def main():
    program, rounds, seed = sys.argv[1], int((sys.argv + [0, "40"])[2] if len(sys.argv) > 2 else 40), \
        int(sys.argv[3]) if len(sys.argv) > 3 else 1
    passed = failed = 0
    for r in range(rounds):
        rng = random.Random(seed * 1000003 + r)
        rows = candles(rng, TEMPERS[r % len(TEMPERS)])
        with tempfile.TemporaryDirectory() as work:
            write_csv(work, rows)
            array = np.array(rows)
            data = {k: array[:, i].copy() for i, k in enumerate(COLUMNS)}
            data["inPeriods"] = np.array([2.0 + i % 28 for i in range(len(rows))])
            functions = {}
            for name in talib.get_functions():
                entry = one(rng, name, data)
                if entry:
                    functions[name] = entry
            path = os.path.join(work, "dump.json")
            with open(path, "w") as f:
                json.dump({"dataset": "made.csv", "functions": functions}, f)
            said = subprocess.run([program, work, path], capture_output=True, text=True)
            last = said.stdout.strip().split("\n")[-1].split()
            passed, failed = passed + int(last[0]), failed + int(last[2])
            if int(last[2]):
                print("round %d (%s), seed %d:" % (r, TEMPERS[r % len(TEMPERS)], seed))
                for line in said.stdout.split("\n")[:-2]:
                    name = line.split(":")[0].split(" ")[0]
                    print("  ", line, functions.get(name, {}).get("params", "") if ":" in line else "")
    print("TA-Lib %s: %d passed, %d failed" % (talib.__ta_version__.decode().split(" ")[0], passed, failed))
    return failed > 0


sys.exit(main())
