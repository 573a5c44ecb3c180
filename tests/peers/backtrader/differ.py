"""differ.py GOLDEN_INDICATORS [ROUNDS [SEED]] - Backtrader's indicators against ta/, with other parameters.

Each round makes candles, draws parameters, runs Backtrader over them, writes a dump of the form that
`make golden-indicators` reads, and has GOLDEN_INDICATORS compare. Exit status 0: all equal."""

import datetime, json, math, os, random, subprocess, sys, tempfile

import backtrader as bt

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from made_candles import TEMPERS, candles, write_csv

I = bt.indicators
PERIODS = [2, 3, 4, 5, 7, 9, 10, 13, 14, 20, 21, 26, 30, 50]

# name, class, names of the parameters in the order of the dump's name, what is fed in
ONE = [("SMA", I.SMA), ("EMA", I.EMA), ("SMMA", I.SMMA), ("WMA", I.WMA), ("HMA", I.HMA), ("DEMA", I.DEMA),
       ("TEMA", I.TEMA), ("KAMA", I.KAMA), ("ZLEMA", I.ZLEMA), ("STDDEV", I.StandardDeviation),
       ("MEANDEV", I.MeanDeviation), ("ATR", I.ATR), ("DM", I.DM), ("WILLR", I.WilliamsR), ("CCI", I.CCI),
       ("MOM", I.Momentum), ("ROC", I.ROC), ("AROON", I.AroonUpDownOscillator), ("TRIX", I.Trix), ("DPO", I.DPO),
       ("HIGHEST", I.Highest), ("LOWEST", I.Lowest), ("VORTEX", I.Vortex), ("PCTRANK", I.PercentRank)]
MORE = [("RSI", I.RSI_Safe, ["period"]), ("RSI_SMA", I.RSI_SMA, ["period"]), ("RSI_EMA", I.RSI_EMA, ["period"]),
        ("MACD", I.MACD, ["period_me1", "period_me2", "period_signal"]),
        ("MACDHisto", I.MACDHisto, ["period_me1", "period_me2", "period_signal"]),
        ("BBANDS", I.BollingerBands, ["period", "devfactor"]), ("TR", I.TrueRange, []),
        ("STOCH", I.Stochastic, ["period", "period_dfast", "period_dslow"]),
        ("STOCHFAST", I.StochasticFast, ["period", "period_dfast"]),
        ("STOCHFULL", I.StochasticFull, ["period", "period_dfast", "period_dslow"]),
        ("PSAR", I.PSAR, ["af", "afmax"]), ("ULTOSC", I.UltimateOscillator, ["p1", "p2", "p3"]),
        ("PPO", I.PPO, ["period1", "period2", "period_signal"]),
        ("ICHIMOKU", I.Ichimoku, ["tenkan", "kijun", "senkou", "senkou_lead", "chikou"]),
        ("TSI", I.TrueStrengthIndicator, ["period1", "period2"]), ("AO", I.AwesomeOscillator, ["fast", "slow"]),
        ("KST", I.KST, []), ("HEIKINASHI", I.HeikinAshi, [])]
SAFEDIV = {"RSI_SMA", "RSI_EMA", "STOCH", "STOCHFAST", "STOCHFULL"}  # else they die of prices at rest


def draw(rng, name, params):
    out = []
    for p in params:
        out.append({"devfactor": rng.choice([1, 1.5, 2, 3]), "af": rng.choice([0.01, 0.02, 0.05]),
                    "afmax": rng.choice([0.1, 0.2, 0.3])}.get(p, rng.choice(PERIODS)))
    if name in ("MACD", "MACDHisto", "PPO", "AO") and out[0] >= out[1]:
        out[1] = out[0] + rng.choice(PERIODS)
    if name == "ULTOSC":
        out.sort()
    if name == "ICHIMOKU":
        out = sorted(out[:3]) + [rng.choice(PERIODS)] * 2
    return out


class Dump(bt.Strategy):
    params = (("rng", None), ("columns", None), ("only", None))

    def __init__(self):
        self.made = {}
        for name, make in ONE:
            self.add(name, make, ["period"], self.data)
        for name, make, params in MORE:
            self.add(name, make, params, self.data)
        fast, slow = sorted(self.p.rng.sample(PERIODS, 2))
        for word, make in (("SMA", I.SMA), ("EMA", I.EMA)) if self.p.only in (None, "CROSS") else ():
            self.made["CROSS_%s%d_%d" % (word, fast, slow)] = I.CrossOver(make(self.data, period=fast),
                                                                          make(self.data, period=slow))

    def add(self, name, make, params, data):
        values = draw(self.p.rng, name, params)
        if self.p.only not in (None, name):
            return
        if name in ("ZLEMA", "DPO", "HMA"):
            values = [max(values[0], 3 if name != "HMA" else 4)]
        kwargs = dict(zip(params, values))
        if name in SAFEDIV:
            kwargs["safediv"] = True
        data = data.high if name == "HIGHEST" else data.low if name == "LOWEST" else data
        self.made["_".join([name] + ["%g" % v for v in values])] = make(data, **kwargs)

    def stop(self):
        for name, made in self.made.items():
            lines = {"minperiod": made._minperiod}
            for line in made.lines._getlines():
                values = getattr(made.lines, line).array[:len(self.data)]
                lines[line] = [None if not math.isfinite(v) else v for v in values]
                if line == "chikou_span":  # its last rows are of the ring's turn before, now and then
                    known = max(len(self.data) - made.p.chikou, 0)
                    lines[line][known:] = [None] * (len(self.data) - known)
            self.p.columns[name] = lines


def feed(folder, rows):
    path, day = os.path.join(folder, "days.csv"), datetime.date(2000, 1, 1)
    with open(path, "w") as f:
        for i, row in enumerate(rows):
            f.write("%s,%s\n" % (day + datetime.timedelta(days=i), ",".join(repr(x) for x in row)))
    return bt.feeds.GenericCSVData(dataname=path, dtformat="%Y-%m-%d", openinterest=-1, headers=False)


def run(rng, folder, rows):
    """All at once; one at a time where one of them dies, as Backtrader's do of prices at rest: those are left out."""
    columns, seed = {}, rng.random()
    for only in [None] + [name for name, *_ in ONE + MORE] + ["CROSS"]:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(feed(folder, rows))
        cerebro.addstrategy(Dump, rng=random.Random(seed), columns=columns, only=only)
        try:
            cerebro.run()
        except ZeroDivisionError:
            continue
        if only is None:
            break
    return columns


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 16
    seed, passed, failed = int(sys.argv[3]) if len(sys.argv) > 3 else 1, 0, 0
    for r in range(rounds):
        rng = random.Random(seed * 1000003 + r)
        temper = [t for t in TEMPERS if t != "short"][r % (len(TEMPERS) - 1)]  # Backtrader wants its minimum period
        rows = candles(rng, temper)
        with tempfile.TemporaryDirectory() as work:
            write_csv(work, rows)
            path = os.path.join(work, "dump.json")
            with open(path, "w") as f:
                json.dump({"dataset": "made", "indicators": run(rng, work, rows)}, f)
            said = subprocess.run([program, work, path], capture_output=True, text=True).stdout
        last = said.strip().split("\n")[-1].split()
        passed, failed = passed + int(last[0]), failed + int(last[2])
        if int(last[2]):
            print("round %d (%s), seed %d:\n%s" % (r, temper, seed, "\n".join(said.split("\n")[:-2])))
    print("Backtrader %s: %d passed, %d failed" % (bt.__version__, passed, failed))
    return failed > 0


sys.exit(main())
