"""bench.py BENCH_TA - CPU per row of every function that TA-Lib has, ours beside TA-Lib's own C loops.

Both run over the same made-up candles in turns with their own standard parameters; the least of all turns counts. TA-Lib
is the wheel's build: its compiler and flags are not ours, so this tells the order of things; bench_ta.c's plain loops are the
judge. Python's part of a call is some microseconds of a quarter of a million rows."""

import os, random, subprocess, sys, tempfile, time

import numpy as np
import talib
from talib import abstract

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from made_candles import COLUMNS

ROWS, TURNS = 250000, 15


def made():
    rng, price, rows = random.Random(5), 10000, []
    for _ in range(ROWS):
        opened = max(price + rng.randrange(-3, 4), 5000)
        close = max(opened + int(rng.gauss(0, 30)), 5000)
        rows.append([opened, max(opened, close) + rng.randrange(20), min(opened, close) - rng.randrange(20), close,
                     100 * rng.randrange(1, 100000)])
        price = close
    return np.array(rows) / 100.0


def columns_of(name, data):
    out = []
    for key, value in abstract.Function(name).info["input_names"].items():
        out += [data["periods"]] if key == "periods" else [data[v] for v in value] if isinstance(value, list) \
            else [data["low" if key == "price1" else "close" if key == "price0" else value]]
    return out


def main():
    rows = made()
    data = {k: rows[:, i].copy() for i, k in enumerate(COLUMNS)}
    data["periods"] = 2.0 + np.arange(ROWS) % 28
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "made.csv")
        with open(path, "w") as f:
            f.write("ts,%s\n" % ",".join(COLUMNS))
            for i, row in enumerate(rows.tolist()):
                f.write("%d,%s\n" % (i, ",".join("%.2f" % x for x in row)))
        said = subprocess.run([sys.argv[1], "--csv", path], capture_output=True, text=True, check=True).stdout
    ours = {name: float(ns) for name, ns in (line.split() for line in said.splitlines())}
    table = []
    for name in talib.get_functions():
        columns, call, best = columns_of(name, data), getattr(talib, name), float("inf")
        for _ in range(TURNS):
            begun = time.process_time_ns()
            call(*columns)
            best = min(best, time.process_time_ns() - begun)
        if name.lower() in ours:
            table.append((ours[name.lower()] / (best / ROWS), name, ours[name.lower()], best / ROWS))
    for ratio, name, a, b in sorted(table, reverse=True):
        print("%-22s %8.2f %8.2f  %.2f" % (name, a, b, ratio))
    patterns = [row for row in table if row[1].startswith("CDL")]
    for words, part in (("candle patterns", patterns), ("the others", [row for row in table if row not in patterns])):
        a, b = sum(row[2] for row in part), sum(row[3] for row in part)
        print("%d %s: %.0f ns a row together, TA-Lib %s %.0f" %
              (len(part), words, a, talib.__ta_version__.decode().split(" ")[0], b))


main()
