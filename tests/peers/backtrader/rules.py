#!/usr/bin/env python3
"""Real Backtrader over the rules of the golden cases, on other data and with other numbers.

    rules.py FOLDER DATA NAME...            writes FOLDER/cases/*.json for DATA/NAME.csv
"""
import os
import random
import sys

import backtrader as bt

import peer


class Rules(peer.Recorder):
    params = dict(rule="smax", p=None, sizing="pct95", bracket=None)

    def __init__(self):
        super().__init__()
        p, close, ind = self.p.p, self.data.close, bt.indicators
        rule = self.p.rule
        if rule in ("bbrev", "bbbrk"):
            self.bands = ind.BollingerBands(close, period=p["period"], devfactor=p["dev"])
        elif rule == "macd":
            macd = ind.MACD(close, period_me1=p["f"], period_me2=p["s"], period_signal=p["g"])
            self.cross = ind.CrossOver(macd.macd, macd.signal)
        elif rule == "rsi":
            self.rsi = ind.RSI(close, period=p["period"], safediv=True)
        elif rule != "buyhold":
            self.cross = ind.CrossOver(ind.SMA(close, period=p["fast"]), ind.SMA(close, period=p["slow"]))
        self.entry, self.exits, self.pending_trail = None, None, False

    def size(self):
        return float(self.p.sizing[5:]) if self.p.sizing.startswith("fixed") else \
            self.broker.getcash() * (int(self.p.sizing[3:]) / 100) / self.data.close[0]

    def decide(self):
        rule, close, flat = self.p.rule, self.data.close[0], not self.position.size
        keep = self.remember
        if rule == "buyhold":
            if len(self) == 1:
                keep(self.buy(size=self.size()))
        elif rule in ("bbrev", "bbbrk"):
            b = self.bands
            enter = close < b.bot[0] if rule == "bbrev" else close > b.top[0]
            leave = close > b.mid[0] if rule == "bbrev" else close < b.mid[0]
            if flat and enter:
                keep(self.buy(size=self.size()))
            elif not flat and leave:
                keep(self.close())
        elif rule == "rsi":
            if flat and self.rsi[0] < self.p.p["lo"]:
                keep(self.buy(size=self.size()))
            elif not flat and self.rsi[0] > self.p.p["hi"]:
                keep(self.close())
        elif rule in ("smax", "macd"):
            if flat and self.cross[0] > 0:
                keep(self.buy(size=self.size()))
            elif not flat and self.cross[0] < 0:
                keep(self.close())
        elif rule == "short":
            if flat and self.cross[0] < 0:
                keep(self.sell(size=self.size()))
            elif not flat and self.cross[0] > 0:
                keep(self.close())
        elif rule == "reverse":
            if self.cross[0]:
                order = self.order_target_percent(target=0.6 if self.cross[0] > 0 else -0.6)
                if order:
                    keep(order)
        elif rule == "bracket":
            if flat and self.cross[0] > 0:
                for order in self.buy_bracket(size=self.size(), exectype=bt.Order.Market, stopprice=0.96 * close,
                                              limitprice=1.08 * close):
                    keep(order)
        elif rule == "trail":
            if flat and self.cross[0] > 0:
                keep(self.buy(size=self.size()))
                self.pending_trail = True
            elif not flat and self.pending_trail:
                keep(self.sell(size=self.position.size, exectype=bt.Order.StopTrail, trailpercent=0.03))
                self.pending_trail = False


WORDS = {
    "smax": "flat and CrossOver(SMA(close,{fast}), SMA(close,{slow}))>0: buy; in position and <0: close",
    "rsi": "flat and RSI({period}, Wilder, safediv)<{lo}: buy; in position and >{hi}: close",
    "bbrev": "flat and close<lower Bollinger({period},2): buy; in position and close>middle: close",
    "bbbrk": "flat and close>upper Bollinger({period},2): buy; in position and close<middle: close",
    "macd": "flat and CrossOver(MACD, signal)>0: buy; in position and <0: close",
    "buyhold": "on the first candle: buy once; never sell",
    "short": "flat and CrossOver(SMA(close,{fast}), SMA(close,{slow}))<0: sell short; in position and >0: close",
    "reverse": "CrossOver(SMA(close,{fast}), SMA(close,{slow}))>0: order_target_percent(+0.6); <0: "
               "order_target_percent(-0.6); whole-unit target sizes",
    "bracket": "flat and CrossOver(SMA(close,{fast}), SMA(close,{slow}))>0: bracket: market buy, stop at 0.96*close, "
               "limit at 1.08*close of the signal candle",
    "trail": "flat and CrossOver(SMA(close,{fast}), SMA(close,{slow}))>0: market buy; on the first candle in position: "
             "StopTrail sell of the position, trailpercent 0.03",
}
NUMBERS = {
    "rsi": [dict(period=14, lo=30, hi=70), dict(period=5, lo=25, hi=60)],
    "bbrev": [dict(period=20, dev=2.0), dict(period=12, dev=1.5)], "bbbrk": [dict(period=20, dev=2.0)],
    "macd": [dict(f=12, s=26, g=9), dict(f=5, s=13, g=4)], "buyhold": [dict()],
}
SMAX = [dict(fast=10, slow=30), dict(fast=3, slow=8)]


def sizing_words(sizing):
    return sizing[5:] if sizing.startswith("fixed") else "%g*cash/close of the signal candle" % (int(sizing[3:]) / 100)


def main():
    folder, data = sys.argv[1:3]
    os.makedirs(os.path.join(folder, "cases"), exist_ok=True)
    n = 0
    for name in sys.argv[3:]:
        rng = random.Random(name)
        for rule in WORDS:
            for p in NUMBERS.get(rule, SMAX):
                sizing = rng.choice(["pct95", "pct50", "fixed1"])
                broker = peer.make_broker(rng, rng.choice(["plain", "plain", "costs"]))
                s, account, analyzers = peer.backtest(os.path.join(data, name + ".csv"), name, broker, Rules, rule=rule,
                                                      p=p, sizing=sizing)
                label = "%s__%s_%s__%s" % (name, rule, "_".join("%g" % v for v in p.values()), sizing)
                words = "target" if rule == "reverse" else sizing_words(sizing)
                peer.save(folder, label, s, account, analyzers, dataset=name, strategy=rule, broker=broker,
                          rules=WORDS[rule].format(**p), sizing=words, params=dict(p, sizing=sizing))
                n += 1
    print("backtrader: %d runs of rules" % n)


if __name__ == "__main__":
    main()
