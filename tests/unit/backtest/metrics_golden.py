#!/usr/bin/env python3
"""Prints the figures that test_metrics.c expects, computed with numpy and scipy by empyrical's formulas.

    python3 tests/unit/backtest/metrics_golden.py

The series is the one of the test: a little congruential generator gives the returns, weekdays the times."""

import numpy as np
from scipy import stats

DAY = 86400000


def series(n=750):
    seed, equity, bench, t, value, price = 12345, [], [], [], 10000.0, 100.0
    for i in range(n):
        seed = (seed * 1103515245 + 12345) % 2**31
        r = (seed / 2**31 - 0.48) * 0.04
        seed = (seed * 1103515245 + 12345) % 2**31
        b = (seed / 2**31 - 0.49) * 0.03
        value *= 1 + (r + b if i > 20 else 0.0)
        price *= 1 + b
        equity.append(value)
        bench.append(price)
        t.append((i // 5 * 7 + i % 5) * DAY)
    return np.array(equity), np.array(bench), np.array(t, dtype=float)


def main():
    e, b, t = series()
    n = len(e)
    P = (n - 1) * 365.25 * DAY / (t[-1] - t[0])
    full = np.concatenate([[10000.0], e])
    r = full[1:] / full[:-1] - 1
    f = (1 + 0.02) ** (1 / P) - 1
    peak = np.maximum.accumulate(full)
    down = full / peak - 1
    x = r - f
    rb = b[1:] / b[:-1] - 1
    r2 = r[1:]
    beta = np.cov(r2 - f, rb - f)[0, 1] / np.var(rb - f, ddof=1)
    cut = int((n - 1) * 0.05)
    annual = (e[-1] / 10000.0) ** (P / n) - 1
    rows = {
        "TOTAL_RETURN": np.prod(1 + r) - 1,
        "ANNUAL_RETURN": annual,
        "CANDLES_PER_YEAR": P,
        "VOLATILITY": np.std(r, ddof=1) * np.sqrt(P),
        "SHARPE": np.mean(x) / np.std(x, ddof=1) * np.sqrt(P),
        "SORTINO": np.mean(x) * P / (np.sqrt(np.mean(np.minimum(x, 0) ** 2)) * np.sqrt(P)),
        "CALMAR": annual / abs(down.min()),
        "OMEGA": x[x > 0].sum() / -x[x < 0].sum(),
        "VAR_95": np.percentile(r, 5),
        "ES_95": np.mean(np.partition(r, cut)[: cut + 1]),
        "SKEW": stats.skew(r),
        "KURTOSIS": stats.kurtosis(r),
        "TAIL_RATIO": abs(np.percentile(r, 95)) / abs(np.percentile(r, 5)),
        "MAX_DRAWDOWN": -down.min(),
        "UNDER_WATER": np.mean(down[1:] < 0),
        "BEST_CANDLE": r.max(),
        "WORST_CANDLE": r.min(),
        "BENCHMARK_RETURN": b[-1] / b[0] - 1,
        "BETA": beta,
        "ALPHA": (1 + np.mean(r2 - f - beta * (rb - f))) ** P - 1,
        "CORRELATION": np.corrcoef(r2, rb)[0, 1],
        "INFORMATION_RATIO": np.mean(r2 - rb) / np.std(r2 - rb, ddof=1) * np.sqrt(P),
    }
    for name, v in rows.items():
        print(f"    {{ METRIC_{name}, {v:.17g} }},")


main()
