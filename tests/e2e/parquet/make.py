"""make.py: writes the files of this folder, in the forms pyarrow has. They are kept, so that tests need no pyarrow."""

import datetime as dt
import os
import random
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

N = 60
START = 1_700_000_000_000 // 60000 * 60000
MS = [START + i * 60000 for i in range(N)]
rng = random.Random(5)
OPEN = [round(100 + rng.random() * 10, 2) for _ in range(N)]
HIGH, LOW = [round(p + 1, 2) for p in OPEN], [round(p - 1, 2) for p in OPEN]
CLOSE, VOLUME = [round(p + 0.25, 2) for p in OPEN], [float(i) for i in range(N)]
PRICES = dict(open=OPEN, high=HIGH, low=LOW, close=CLOSE, volume=VOLUME)
MICROS = pa.array([m * 1000 for m in MS], pa.timestamp("us", "UTC"))


def write(name, columns, **options):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.parquet")
    pq.write_table(pa.table(columns), path, **options)


def decimals(v):
    return pa.array([Decimal(f"{x:.2f}") for x in v], pa.decimal128(18, 2))


def floats(v):
    return pa.array(v, pa.float32())


# candles, each a way of its own
write("snappy_us", dict(timestamp=MICROS, **PRICES), compression="snappy")
nanos = pa.array([m * 1000000 for m in MS], pa.timestamp("ns"))
write("gzip_ns_naive", dict(Date=nanos, Open=OPEN, High=HIGH, Low=LOW, Close=CLOSE, Volume=VOLUME), compression="gzip")
write("plain_v2_ints", dict(open_time=pa.array(MS, pa.int64()), o=floats(OPEN), h=floats(HIGH), l=floats(LOW), c=floats(CLOSE), v=VOLUME),
      compression="none", use_dictionary=False, data_page_version="2.0")  # fmt: skip
seconds = pa.array([m // 1000 for m in MS], pa.int64())
write("decimals_seconds", dict(unix=seconds, **{k: decimals(v) for k, v in PRICES.items()}), compression="zstd")
naive = pa.array([m * 1000 for m in MS], pa.timestamp("us"))
write("int96", dict(ts=naive, **PRICES), use_deprecated_int96_timestamps=True)
minutes = [dt.datetime.fromtimestamp(m / 1000, dt.timezone.utc).strftime("%Y-%m-%d %H:%M") for m in MS]
write("texts", dict(time=minutes, **{k: [repr(x) for x in v] for k, v in PRICES.items()}))
flags = pa.array([5 if i % 20 == 4 else 2 if i % 20 == 3 else 0 for i in range(N)], pa.uint8())
write("flags", dict(ts=MICROS, **PRICES, flags=flags, series_key=["binance:ETHUSDT:1m@sim"] * N))
days = pa.array([dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(N)], pa.date32())
write("days", dict(date=days, **PRICES))
write("many_groups", dict(ts=MICROS, **PRICES), row_group_size=9)

# no candles
write("no_prices", dict(ts=MICROS, price_of_tea=OPEN, colour=["red"] * N))
write("null_price", dict(ts=MICROS, **{**PRICES, "close": [None if i == 30 else x for i, x in enumerate(CLOSE)]}))
write("nested", dict(ts=MICROS, **{**PRICES, "open": [[x] for x in OPEN]}))
write("high_below_low", dict(ts=MICROS, **{**PRICES, "high": LOW, "low": HIGH}))
write("empty", dict(ts=MICROS[:0], **{k: pa.array([], pa.float64()) for k in PRICES}))
