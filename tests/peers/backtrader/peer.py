#!/usr/bin/env python3
"""Random runs of the real Backtrader, dumped in the form of the golden cases.

    peer.py FOLDER FIRST_SEED N [KIND]      writes FOLDER/cases/*.json and FOLDER/data/*.csv

Each seed makes candles, a broker and a strategy that sends orders of every type at random: brackets, OCO groups,
cancels, expiries, trailing stops with and without a limit, reversals, orders that cash does not cover. What it sent is
recorded one by one as `script`, with what Backtrader made of it. Prices lie on coarse ticks, so that ties are common.
"""
import collections
import csv
import datetime
import itertools
import json
import math
import os
import random
import sys

import backtrader as bt

KINDS = ("plain", "futures", "costs", "short", "tight")


def make_candles(rng, path, daily):
    tick = rng.choice([0.01, 0.25, 0.5])
    price = rng.choice([20.0, 100.0, 350.0])
    start = datetime.datetime(rng.randint(2009, 2019), rng.randint(1, 12), rng.randint(1, 28))
    when = start if daily else start + datetime.timedelta(hours=9)
    step = datetime.timedelta(days=1) if daily else datetime.timedelta(minutes=rng.choice([5, 30, 60]))
    snap = lambda v: max(round(v / tick) * tick, tick)
    with open(path, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["ts", "open", "high", "low", "close", "volume"])
        for _ in range(rng.choice([120, 260, 420])):
            o = snap(price * math.exp(rng.gauss(0, 0.02 if rng.random() < 0.1 else 0.004)))
            c = snap(o * math.exp(rng.gauss(0, 0.015)))
            h = snap(max(o, c) * (1 + abs(rng.gauss(0, 0.006)) * (rng.random() < 0.7)))
            l = snap(min(o, c) * (1 - abs(rng.gauss(0, 0.006)) * (rng.random() < 0.7)))
            h, l = max(h, o, c), min(l, o, c)
            out.writerow([when.isoformat(), repr(o), repr(h), repr(l), repr(c), rng.randint(0, 5000)])
            price = c
            when += step
            if daily and when.weekday() >= 5 and rng.random() < 0.9:
                when += datetime.timedelta(days=7 - when.weekday())
            if daily and rng.random() < 0.03:
                when += datetime.timedelta(days=rng.randint(2, 40))
            if not daily and (when.hour >= 17 or rng.random() < 0.01):
                when = (when + datetime.timedelta(days=rng.choice([1, 1, 1, 3]))).replace(hour=9, minute=0)


def make_broker(rng, kind):
    b = {"cash": rng.choice([10000.0, 100000.0]), "commission": {"kind": "percent", "rate": rng.choice([0.0, 0.001, 0.0125]), "sides": "both"},
         "slippage": None, "leverage": 1, "margin": None, "multiplier": 1, "interest": None, "cheat_on_close": False,
         "shortcash": True}
    if kind == "tight":
        b["cash"] = rng.choice([500.0, 2000.0])
    if kind == "futures":
        b["margin"] = rng.choice([50.0, 500.0])
        b["multiplier"] = rng.choice([1.0, 2.5, 10.0])
        if rng.random() < 0.7:
            b["commission"] = {"kind": "fixed per contract", "rate": rng.choice([0.0, 2.0]), "sides": "both"}
    elif rng.random() < 0.2:
        b["commission"] = {"kind": "fixed per contract", "rate": 0.75, "sides": "both"}
    if kind in ("costs", "futures") and rng.random() < 0.7:
        b["slippage"] = {"kind": rng.choice(["percent", "fixed"]), "value": 0.0, "on_open": rng.random() < 0.7,
                         "on_limit": rng.random() < 0.5, "match_high_low": rng.random() < 0.7, "out": rng.random() < 0.3}
        b["slippage"]["value"] = rng.choice([0.001, 0.01]) if b["slippage"]["kind"] == "percent" else rng.choice([0.05, 0.5])
    if kind == "costs" or rng.random() < 0.15:
        b["cheat_on_close"] = rng.random() < 0.5
    if kind in ("short", "costs"):
        b["interest"] = {"annual": rng.choice([0.05, 0.4]), "long": rng.random() < 0.4, "day_count": 365}
        b["shortcash"] = rng.random() < 0.7
    if kind in ("short", "tight") and rng.random() < 0.5:
        b["leverage"] = rng.choice([2, 3.5])
    return b


class Recorder(bt.Strategy):
    """Keeps what a golden case tells of orders, trades and the account."""

    def __init__(self):
        self.events, self.trades, self.equity, self.created, self.first_next = [], {}, [], {}, None

    def prenext(self):
        self.equity.append(self.broker.getvalue())

    def next(self):
        self.equity.append(self.broker.getvalue())
        if self.first_next is None:
            self.first_next = len(self) - 1
        self.decide()

    def remember(self, order):
        self.created[order.ref] = len(self) - 1
        return order

    def notify_order(self, o):
        if o.status in (o.Created, o.Submitted, o.Accepted):
            return
        event = {"ref": o.ref, "side": "buy" if o.isbuy() else "sell", "type": o.getordername(),
                 "status": o.getstatusname(), "created_bar": self.created[o.ref], "bar": len(self) - 1,
                 "size_req": o.created.size, "created_price": o.created.price}
        if o.executed.size:
            event.update(exec_size=o.executed.size, exec_price=o.executed.price, exec_value=o.executed.value,
                         exec_comm=o.executed.comm, exec_pnl=o.executed.pnl)
        self.events.append(event)

    def notify_trade(self, t):
        if t.justopened:
            self.trades[t.ref] = {"ref": t.ref, "dir": "long" if t.long else "short", "entry_bar": t.baropen - 1,
                                  "entry_price": t.price, "size": t.size, "entry_comm": t.commission, "closed": False}
        if t.isclosed:
            row = self.trades[t.ref]
            row.update(closed=True, exit_bar=t.barclose - 1, pnl=t.pnl, pnlcomm=t.pnlcomm, commission=t.commission,
                       barlen=t.barlen)

class Random(Recorder):
    params = dict(rng=None, size=10.0, tight=False)

    def __init__(self):
        super().__init__()
        self.script, self.orders = [], []

    def send(self, size, kind, **kw):
        item = {"bar": len(self) - 1, "size": size, "type": kind}
        item.update({k: v for k, v in kw.items() if v is not None})
        call = dict(size=abs(size), exectype=getattr(bt.Order, kind))
        for key in ("price", "plimit", "trailamount", "trailpercent", "transmit"):
            if kw.get(key) is not None:
                call[key] = kw[key]
        if kw.get("valid_ms"):
            call["valid"] = self.data.datetime.datetime(0) + datetime.timedelta(milliseconds=kw["valid_ms"])
        for key in ("parent", "oco"):
            if kw.get(key) is not None:
                call[key] = self.orders[kw[key]]
        order = self.remember(self.buy(**call) if size > 0 else self.sell(**call))
        self.script.append(item)
        self.orders.append(order)
        return len(self.orders) - 1

    def cancel_item(self, place):
        self.script.append({"bar": len(self) - 1, "cancel": place})
        self.orders.append(None)
        self.cancel(self.orders[place])

    def near(self, spread):
        return round(self.data.close[0] * (1 + self.p.rng.uniform(-spread, spread)), 2)

    def amount(self):
        rng = self.p.rng
        if self.p.tight and rng.random() < 0.5:
            return self.broker.getcash() * rng.choice([0.5, 0.95, 1.0, 1.2]) / self.data.close[0] or 1.0
        return rng.choice([1.0, self.p.size, round(rng.uniform(0.1, 3) * self.p.size, 3)])

    def prices(self, kind, size):
        rng = self.p.rng
        kw = {}
        if kind in ("Limit", "Stop"):
            kw["price"] = self.near(0.03)
        elif kind == "StopLimit":
            kw["price"] = self.near(0.03)
            kw["plimit"] = round(kw["price"] * (1 + rng.uniform(-0.01, 0.01)), 2)
        elif kind in ("StopTrail", "StopTrailLimit"):
            if rng.random() < 0.5:
                kw["trailamount"] = round(self.data.close[0] * rng.uniform(0.002, 0.05), 2) or 0.01
            else:
                kw["trailpercent"] = rng.choice([0.005, 0.02, 0.05])
            if rng.random() < 0.4 or kind == "StopTrailLimit":
                kw["price"] = self.near(0.02)
            if kind == "StopTrailLimit":
                kw["plimit"] = round(kw["price"] * (1 + rng.uniform(-0.01, 0.01)), 2)
        if kind != "Market" and rng.random() < 0.3:
            kw["valid_ms"] = rng.choice([0.2, 1, 1, 2, 5, 9.5]) * 86400000
        return kw

    def bracket(self, side):
        rng, close, size = self.p.rng, self.data.close[0], self.amount()
        first = rng.choice(["Market", "Market", "Limit", "Stop", "StopLimit"])
        parent = self.send(side * size, first, transmit=False, **self.prices(first, side))
        kinds = [rng.choice(["Stop", "StopTrail"]), "Limit"]
        if rng.random() < 0.2:
            kinds.reverse()
        for n, kind in enumerate(kinds):
            kw = self.prices(kind, -side)
            if kind == "Stop":
                kw["price"] = round(close * (1 - side * rng.uniform(0.005, 0.03)), 2)
            elif kind == "Limit":
                kw["price"] = round(close * (1 + side * rng.uniform(0.005, 0.03)), 2)
            self.send(-side * size, kind, parent=parent, transmit=n == len(kinds) - 1, **kw)

    def group(self):
        rng, first = self.p.rng, None
        for _ in range(rng.choice([2, 3, 3])):
            kind = rng.choice(["Limit", "Stop", "StopLimit", "StopTrail"])
            size = rng.choice([-1, 1]) * self.amount()
            place = self.send(size, kind, oco=first, **self.prices(kind, size))
            first = place if first is None else first

    def decide(self):
        rng = self.p.rng
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            side = rng.choice([-1, 1])
            what = rng.random()
            if what < 0.45:
                kind = rng.choice(["Market", "Market", "Close", "Limit", "Stop", "StopLimit", "StopTrail", "StopTrailLimit"])
                size = side * self.amount()
                self.send(size, kind, **self.prices(kind, size))
            elif what < 0.60:
                self.bracket(side)
            elif what < 0.70:
                self.group()
            elif what < 0.85:
                alive = [i for i, o in enumerate(self.orders) if o is not None and o.alive()]
                if alive:
                    self.cancel_item(rng.choice(alive))
            elif self.position.size:
                self.script.append({"bar": len(self) - 1, "close": True})
                self.orders.append(self.remember(self.close()))


def plain(v):
    if isinstance(v, (dict, collections.OrderedDict)):
        return {(k.isoformat() if hasattr(k, "isoformat") else str(k)): plain(x) for k, x in v.items()}
    return v


def frame_of(name):
    """Timeframe by the end of the data set's name, as the golden cases have it."""
    for end, frame in (("_d1", bt.TimeFrame.Days), ("_w1", bt.TimeFrame.Weeks), ("_mn1", bt.TimeFrame.Months)):
        if name.endswith(end):
            return frame
    return bt.TimeFrame.Minutes


def backtest(path, name, broker, strategy, ratios=True, **params):
    """Runs it; the strategy, the broker and the analyses."""
    bt.Order.refbasis = bt.order.OrderBase.refbasis = itertools.count(1)
    bt.Trade.refbasis = itertools.count(1)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.GenericCSVData(
        dataname=path, dtformat="%Y-%m-%dT%H:%M:%S", timeframe=frame_of(name), openinterest=-1))
    cerebro.broker.setcash(broker["cash"])
    commission, interest, slip = broker["commission"], broker["interest"] or {}, broker["slippage"]
    cerebro.broker.setcommission(
        commission=commission["rate"], margin=broker["margin"], mult=broker["multiplier"],
        commtype=bt.CommInfoBase.COMM_PERC if commission["kind"] == "percent" else bt.CommInfoBase.COMM_FIXED,
        stocklike=broker["margin"] is None, leverage=broker["leverage"], interest=interest.get("annual", 0.0),
        interest_long=interest.get("long", False))
    cerebro.broker.set_shortcash(broker["shortcash"])
    if broker["cheat_on_close"]:
        cerebro.broker.set_coc(True)
    if slip:
        (cerebro.broker.set_slippage_perc if slip["kind"] == "percent" else cerebro.broker.set_slippage_fixed)(
            slip["value"], slip_open=slip["on_open"], slip_limit=slip.get("on_limit", True),
            slip_match=slip["match_high_low"], slip_out=slip.get("out", False))
    cerebro.addstrategy(strategy, **params)
    cerebro.addobserver(bt.observers.Broker)
    A, days = bt.analyzers, dict(timeframe=bt.TimeFrame.Days)
    for label, analyzer, kw in (
            ("trades", A.TradeAnalyzer, {}), ("drawdown", A.DrawDown, {}), ("sqn", A.SQN, {}), ("vwr", A.VWR, days),
            ("annual", A.AnnualReturn, {}), ("returns", A.Returns, days),
            ("tr_days", A.TimeReturn, days), ("tr_months", A.TimeReturn, dict(timeframe=bt.TimeFrame.Months)),
            ("tr_years", A.TimeReturn, dict(timeframe=bt.TimeFrame.Years)),
            ("sharpe_default_years", A.SharpeRatio, {}), ("sharpe_days", A.SharpeRatio, days),
            ("sharpe_days_annualized", A.SharpeRatio, dict(days, annualize=True)),
            ("sharpe_days_annualized_rf0_sample", A.SharpeRatio,
             dict(days, annualize=True, riskfreerate=0.0, stddev_sample=True)),
            ("sharpe_days_annualized_365", A.SharpeRatio, dict(days, annualize=True, factor=365)),
            ("timedrawdown_months", A.TimeDrawDown, dict(timeframe=bt.TimeFrame.Months)),
            ("periodstats_years", A.PeriodStats, dict(timeframe=bt.TimeFrame.Years))):
        if ratios or label in ("trades", "drawdown", "sqn"):
            cerebro.addanalyzer(analyzer, _name=label, **kw)
    try:
        s = cerebro.run()[0]
    except (ZeroDivisionError, ValueError):  # its own analyzers fail on an account at or below zero
        if not ratios or "rng" in params:
            raise
        return backtest(path, name, broker, strategy, ratios=False, **params)
    analyzers = {n: plain(a.get_analysis()) for n, a in s.analyzers.getitems()}
    if not analyzers["trades"].get("total", {}).get("closed"):
        del analyzers["trades"]
    return s, cerebro.broker, analyzers


def save(folder, case, s, account, analyzers, **more):
    """What the run came to, in the form of a golden case."""
    position = s.position
    whole = {"case": case, "cash": more["broker"]["cash"], "engine": "backtrader " + bt.__version__,
             "bars": len(s.equity), "first_next_bar": s.first_next, "final_value": account.getvalue(),
             "final_cash": account.getcash(),
             "open_position": {"size": position.size, "price": position.price} if position.size else None,
             "n_trades_closed": sum(t["closed"] for t in s.trades.values()), "trades": list(s.trades.values()),
             "orders": s.events, "analyzers": analyzers, "equity": s.equity}
    whole.update(more)
    with open(os.path.join(folder, "cases", case + ".json"), "w") as f:
        json.dump(whole, f)


def run(folder, seed, kind, ratios=True):
    rng = random.Random(seed)
    daily = rng.random() < 0.5
    name = "peer_%d_%s" % (seed, "d1" if daily else "intraday")
    path = os.path.join(folder, "data", name + ".csv")
    make_candles(rng, path, daily)
    broker = make_broker(rng, kind)
    size = rng.choice([5.0, 20.0])
    try:
        s, account, analyzers = backtest(path, name, broker, Random, ratios, rng=rng, size=size, tight=kind == "tight")
    except (ZeroDivisionError, ValueError):
        if not ratios:
            raise
        return run(folder, seed, kind, ratios=False)
    save(folder, "%s_%s" % (name, kind), s, account, analyzers, dataset=name, strategy="script", script=s.script,
         broker=broker)
    return len(s.events), len(s.trades)


def main():
    folder, first, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for sub in ("cases", "data"):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    totals = [0, 0]
    for seed in range(first, first + n):
        kind = sys.argv[4] if len(sys.argv) > 4 else KINDS[seed % len(KINDS)]
        for i, v in enumerate(run(folder, seed, kind)):
            totals[i] += v
    print("backtrader %s: %d runs, %d order events, %d trades" % (bt.__version__, n, *totals))


if __name__ == "__main__":
    main()
