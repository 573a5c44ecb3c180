#!/usr/bin/env python3
"""Beyond one backtest, from outside: walk-forward, Monte Carlo, the proof, comparison, recommendations, tear sheets and
columns beside the candles; over HTTP, by the command alone and through a server, on a terminal and interrupted."""
import fcntl
import json
import math
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402

HOURS = 3600  # five months: long enough for a score
API = "/api/v1/backtesting"
GRID = "short_period=4|8,long_period=20|40"
JSON_GRID = {"short_period": [4, 8], "long_period": [20, 40]}


def price(i):
    return round(100 + 20 * math.sin(i / 15) + 6 * math.sin(i / 4.3) + i / 60, 2)


def stamp(i):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1704067200 + i * 3600))


def untimed(answer):
    return {k: v for k, v in answer.items() if k not in ("seconds", "created_at", "execution_time_seconds")}


class Cases(rig.Suite):
    def stocked(self, hours=HOURS):
        path = self.root / "waves.csv"
        with open(path, "w") as f:
            f.write("ts,open,high,low,close,volume\n")
            for i in range(hours):
                a, b = price(i), price(i + 1)
                f.write(f"{stamp(i)},{a},{max(a, b) + 1:.2f},{min(a, b) - 1:.2f},{b},10\n")
        self.cli("import", path, "--symbol", "WAVE", "--exchange", "file")

    def post(self, server, path, body):
        headers = {"X-API-Key": self.key(), "Content-Type": "application/json"}
        return server.request("POST", path, json.dumps(body), headers, timeout=60)

    def three_ways(self, path, body, *words):
        """The operation over HTTP, by the command through the server, and by the command alone: one answer."""
        server = self.serve()
        reply = self.post(server, API + path, body)
        equal(reply.status, 200, reply.body)
        equal(untimed(self.post(server, "/backtesting" + path, body).json), untimed(reply.json), "by the documents' path")
        through = json.loads(self.cli(*words, "--json").stdout)
        server.stop()
        alone = json.loads(self.cli(*words, "--json").stdout)
        equal(untimed(through), untimed(reply.json), "by the command through the server")
        equal(untimed(alone), untimed(reply.json), "by the command alone")
        return reply.json

    def request(self, **more):
        return {"symbol": "WAVE", "timeframe": "1h", "strategy_type": "moving_average_crossover", **more}

    def test_walk_forward(self):
        self.stocked()
        w = self.three_ways("/walkforward", {"backtest": self.request(), "grid": JSON_GRID, "purge": 24, "embargo": 12},
                            "walkforward", "WAVE", "1h", "--grid", GRID, "--purge", "24", "--embargo", "12")
        check(len(w["windows"]) >= 4, w["windows"])
        for k, window in enumerate(w["windows"]):
            check(window["train_start"] < window["train_end"] < window["test_start"] < window["test_end"], window)
            check(window["parameters"]["short_period"] in (4, 8), window)
            check(k == 0 or w["windows"][k - 1]["test_end"] <= window["test_start"], "no test shares a candle")
        total = math.prod(1 + window["test_return"] for window in w["windows"]) - 1
        check(abs(total - w["metrics"]["total_return"]) < 1e-9, total, w["metrics"]["total_return"])
        text = self.cli("walkforward", "WAVE", "1h", "--grid", GRID, "--anchored").stdout
        check("all tests" in text and "efficiency" in text, text)
        for words, status, near in ((("--grid", "nope=1|2"), 3, "nope"), (("--grid", "short_period"), 2, "NAME=FROM:TO:STEP"),
                                    (("--grid", GRID, "--train", "99999"), 3, "candles")):
            done = self.cli("walkforward", "WAVE", "1h", *words, status=status)
            check(near in done.stderr and not done.stdout, done.stderr)

    def test_monte_carlo(self):
        self.stocked()
        self.cli("backtest", "WAVE", "1h", "--id", "mc")
        m = self.three_ways("/montecarlo", {"id": "mc", "paths": 500, "seed": 7}, "montecarlo", "mc", "--paths", "500",
                            "--seed", "7")
        shown = json.loads(self.cli("show", "mc", "--json").stdout)
        check(abs(m["total_return"]["observed"] - shown["metrics"]["total_return"]) < 1e-9, m["total_return"])
        for figure in ("total_return", "max_drawdown"):
            bands = [m[figure][q] for q in ("p05", "p25", "p50", "p75", "p95")]
            equal(bands, sorted(bands), figure)
        other = json.loads(self.cli("montecarlo", "mc", "--paths", "500", "--seed", "8", "--json").stdout)
        check(other["total_return"] != m["total_return"], "another seed draws other paths")
        check("deepest drawdown" in self.cli("montecarlo", "mc", "--paths", "100").stdout)
        check("none" in self.cli("montecarlo", "none", status=4).stderr)
        check("paths" in self.cli("montecarlo", "mc", "--paths", "1", status=3).stderr)

    def column(self):
        """Moods every five hours, two of them a date alone; the same as a file and as JSON."""
        moods = [(stamp(5 * i), round(math.sin(i * 1.7), 3)) for i in range(HOURS // 5)]
        with open(self.root / "mood.csv", "w") as f:
            f.write("known_at,mood\n" + "".join(f"{t},{v}\n" for t, v in moods))
        return {"name": "mood", "max_age": "6h", "values": [{"timestamp": t, "value": v} for t, v in moods]}

    def test_the_proof_and_columns_beside_the_candles(self):
        self.stocked()
        rules = {"entry": "mood > 0.2 and close > sma(close, 5)", "exit": "mood < 0"}
        column = self.column()
        body = self.request(strategy_type="rules", parameters=rules, columns=[column])
        typed = ("--strategy", "rules", "--parameters", json.dumps(rules), "--column", f"mood={self.root / 'mood.csv'}",
                 "--max-age", "6h")
        p = self.three_ways("/prove", {"backtest": body, "cuts": 20}, "prove", "WAVE", "1h", *typed, "--cuts", "20")
        check(p["proved"] and p["decisions"] > 100 and p["cuts"] >= 20, p)
        check("no look-ahead" in self.cli("prove", "WAVE", "1h", *typed).stdout)
        b = self.three_ways("/run", {**body, "backtest_id": "m", "save": False}, "backtest", "WAVE", "1h", *typed, "--id",
                            "m", "--no-save")
        check(b["trades"] and any("mood" in a for a in b["assumptions"]), b["assumptions"])
        # what became known after a time changes no trade before it
        cut = len(column["values"]) // 2
        when = column["values"][cut]["timestamp"]
        body["columns"] = [{**column, "values": column["values"][:cut] +
                            [{**v, "value": -v["value"]} for v in column["values"][cut:]]}]
        server = self.serve()
        changed = self.post(server, API + "/run", {**body, "save": False}).json
        before = [t for t in b["trades"] if t["exit_time"] and t["exit_time"] < when]
        equal([t for t in changed["trades"] if t["exit_time"] and t["exit_time"] < when], before)
        check(len(before) > 20 and changed["trades"] != b["trades"], len(before))
        for columns, field in (([{**column, "name": "close"}], "columns[0]"), ([column, column], "columns[1]"),
                               ([{**column, "symbol": "OTHER"}], "columns[0].symbol"),
                               ([{**column, "values": column["values"][::-1]}], "columns[0]"), ([], "parameters.entry")):
            reply = self.post(server, API + "/run", {**body, "columns": columns})
            equal((reply.status, reply.json["error"].get("field")), (422, field), reply.body[:200])
        server.stop()
        (self.root / "bad.csv").write_text("known_at,mood\n2024-01-02,1\n2024-01-01,2\n")
        done = self.cli("backtest", "WAVE", "1h", "--strategy", "rules", "--set", "entry=mood > 0", "--column",
                        f"mood={self.root / 'bad.csv'}", status=3)
        check("bad.csv" in done.stderr and "line 3" in done.stderr, done.stderr)
        for words in (("--column", "mood"), ("--max-age", "3h")):
            self.cli("backtest", "WAVE", "1h", *words, status=2)

    def test_comparison_recommendations_and_tear_sheets(self):
        self.stocked()
        for id, words in (("slow", ("--set", "short_period=20,long_period=60")), ("rsi", ("--strategy", "rsi")),
                          ("don", ("--strategy", "donchian_breakout")), ("fast", ("--set", "short_period=4,long_period=9"))):
            self.cli("backtest", "WAVE", "1h", "--id", id, *words)
        c = self.three_ways("/compare", {"backtest_ids": ["slow", "rsi", "don", "fast"], "sort": "sharpe"}, "compare",
                            "slow,rsi,don,fast", "--sort", "sharpe")
        ratios = [b["sharpe_ratio"] for b in c["backtests"]]
        equal(ratios, sorted(ratios, reverse=True))
        equal(c["best"], c["backtests"][0]["backtest_id"])
        advice = json.loads(self.cli("recommend", "WAVE", "--json").stdout)
        rows = advice["recommendations"]
        check(rows, "a run that earned something has a score")
        best = {}
        for b in c["backtests"]:
            if b["score"] is not None:
                best[b["strategy_type"]] = max(best.get(b["strategy_type"], -math.inf), b["score"])
        equal({r["strategy_type"]: r["score"] for r in rows}, best, "the best of each strategy")
        equal([r["score"] for r in rows], sorted((r["score"] for r in rows), reverse=True))
        check(rows[0]["strategy_type"] in self.cli("recommend", "WAVE").stdout)
        server = self.serve()
        equal(server.get(API + "/recommendations/WAVE").json, advice)
        page = server.get(f"{API}/results/slow/report")
        equal(page.status, 200)
        check("text/html" in page.headers.get("content-type", ""), page.headers)
        through = self.root / "through.html"
        self.cli("report", "slow", "--file", through)
        server.stop()
        alone = self.root / "alone.html"
        self.cli("report", "slow", "--file", alone)
        text = alone.read_text()
        equal(through.read_text(), text)
        equal(page.body.decode(), text)
        check(not re.search(r"(src|href)=[\"']?(https?:)?//", text), "the page asks nobody for anything")
        for words in ("Assumptions", "Drawdown", "prefers-color-scheme", "WAVE"):
            check(words.lower() in text.lower(), words, "is not on the page")
        self.cli("report", "none", "--file", self.root / "none.html", status=4)
        check(not (self.root / "none.html").exists())

    # --- a terminal ---

    def on_terminal(self, *words, interrupt_at=None):
        """stderr is a terminal, stdout a pipe. Returns status, stdout and what the terminal showed."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        process = subprocess.Popen([self.binary, *map(str, words), "--data-dir", str(self.data)], stdin=slave,
                                   stdout=subprocess.PIPE, stderr=slave, env={**self.environment(), "TERM": "xterm"})
        os.close(slave)
        shown, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            if interrupt_at and interrupt_at in shown:
                process.send_signal(signal.SIGINT)
                interrupt_at = None
            if not select.select([master], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        out = process.communicate(timeout=60)[0]
        os.close(master)
        return process.returncode, out.decode(), shown.decode()

    def test_progress_on_a_terminal_alone_and_nothing_half_after_an_interrupt(self):
        self.stocked()
        self.cli("backtest", "WAVE", "1h", "--id", "kept")
        # the engine ta4j takes the slow way: long enough to be interrupted anywhere
        sweep = ("sweep", "WAVE", "1h", "--engine", "ta4j", "--grid", "short_period=2:60:1,long_period=61:900:1")
        walk = ("walkforward", "WAVE", "1h", "--engine", "ta4j", "--grid", "short_period=2:60:1,long_period=61:900:1")
        draw = ("montecarlo", "kept", "--paths", "100000")
        for words, what in ((sweep, "sweeping"), (walk, "walking"), (draw, "drawing")):
            status, out, shown = self.on_terminal(*words, interrupt_at=what.encode())
            equal((status, out), (130, ""), f"{words}: {shown[-300:]}")
            check(what in shown and "%" in shown, shown[-300:])
            check(shown.rstrip().endswith("cancelled") or "\x1b[K" in shown, "the bar is taken away", shown[-300:])
        equal(json.loads(self.cli("backtests", "--json").stdout)["total"], 1, "nothing half is kept")
        small = ("sweep", "WAVE", "1h", "--grid", GRID)
        status, out, shown = self.on_terminal(*small)
        check(status == 0 and "sweeping" in shown and "sweeping" not in out, shown)
        status, out, shown = self.on_terminal(*small, "--json")
        equal((status, shown), (0, ""), "--json draws nothing")
        equal(json.loads(out)["combinations"], 4)
        check("sweeping" not in self.cli(*small).stderr, "a pipe gets no bar")
        report = self.root / "r.html"
        status, out, _ = self.on_terminal("backtest", "WAVE", "1h", "--report", report, "--quiet")
        check(status == 0 and report.read_text().rstrip().endswith("</html>"), out)



sys.exit(rig.main(Cases))
