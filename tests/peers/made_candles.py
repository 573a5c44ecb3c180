"""Candles for the differential tests, of several tempers: agreement on smooth prices says little. Ticks so coarse that
values tie, prices that rest, no volume, one price throughout, prices of a thousandth and of a million, a few rows."""

import os

TEMPERS = ["usual", "coarse", "resting", "still", "tiny", "huge", "rising", "short"]
COLUMNS = ["open", "high", "low", "close", "volume"]


def candles(rng, temper):
    n = rng.randrange(1, 70) if temper == "short" else rng.randrange(200, 700)
    scale = {"tiny": 1e-3, "huge": 1e6}.get(temper, 1.0)
    tick = {"coarse": 1.0, "resting": 0.5, "still": 1.0}.get(temper, 0.01)
    rows, price = [], 100.0
    for i in range(n):
        rests = temper == "still" or (temper == "resting" and (i // 40) % 2 == 1)
        step = lambda size: 0.0 if rests else round(rng.gauss(0, size) / tick) * tick
        opened, move = max(price + step(0.3), 10 * tick), step(1.2)
        close = max(opened + (abs(move) if temper == "rising" else move), 10 * tick)
        high, low = max(opened, close) + abs(step(0.6)), max(min(opened, close) - abs(step(0.6)), tick)
        no_volume = temper == "still" or (temper == "coarse" and rng.random() < 0.3)
        rows.append([opened * scale, high * scale, low * scale, close * scale, 0 if no_volume else rng.randrange(100000)])
        price = close
    return [[float("%.10g" % x) for x in row] for row in rows]


def write_csv(folder, rows):
    with open(os.path.join(folder, "made.csv"), "w") as f:
        f.write("ts,%s\n" % ",".join(COLUMNS))
        for i, row in enumerate(rows):
            f.write("%d,%s\n" % (i, ",".join(repr(x) for x in row)))
