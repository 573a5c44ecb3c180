#!/usr/bin/env python3
"""Backtesting from outside: candles in by the program's own import, then every operation over HTTP, and every command
alone on the data folder and through a server; what was answered is there after a kill."""
import csv
import io
import json
import math
import os
import pathlib
import random
import re
import shlex
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import Skip, check, equal  # noqa: E402

SHARED = pathlib.Path(os.environ.get("FINSIGHT_SHARED") or pathlib.Path(__file__).resolve().parents[2] / ".." / "shared")
HOURS = 480
RUN = "/api/v1/backtesting/run"
RESULTS = "/api/v1/backtesting/results"
WALL = ("created_at", "execution_time_seconds")  # all else of an answer is told by the request


def price(i):
    return round(100 + 20 * math.sin(i / 15) + i / 40, 2)


def write_waves(path):
    """Hours whose prices swing, so that averages cross."""
    with open(path, "w") as f:
        f.write("ts,open,high,low,close,volume\n")
        for i in range(HOURS):
            a, b = price(i), price(i + 1)
            f.write(f"2024-01-{i // 24 + 1:02}T{i % 24:02}:00:00,{a},{max(a, b) + 1:.2f},{min(a, b) - 1:.2f},{b},10\n")
    return path


def request(**more):
    return {"symbol": "WAVE", "timeframe": "1h", "strategy_type": "moving_average_crossover", **more}


def untimed(answer):
    return {k: v for k, v in answer.items() if k not in WALL}


class Cases(rig.Suite):
    def waves(self):
        self.cli("import", write_waves(self.root / "waves.csv"), "--symbol", "WAVE", "--exchange", "file")

    def stocked(self):
        self.waves()
        return self.serve()

    def post(self, server, path, body, **headers):
        headers = {"X-API-Key": self.key(), "Content-Type": "application/json", **headers}
        return server.request("POST", path, json.dumps(body), headers)

    def run_one(self, server, **more):
        reply = self.post(server, RUN, request(**more))
        equal(reply.status, 200, reply.body)
        return reply.json

    def remove(self, server, id):
        return server.request("DELETE", f"{RESULTS}/{id}", headers={"X-API-Key": self.key()})

    # MDS-03, MDS-33, STO-03: the documents' strategy with its own parameter names, run by the documents' path
    def test_a_run_over_http(self):
        server = self.stocked()
        body = request(backtest_id="bt_first", parameters={"short_window": 10, "long_window": 30}, orders="all")
        reply = self.post(server, "/backtesting/run", body)
        equal(reply.status, 200, reply.body)
        b = reply.json
        equal((b["backtest_id"], b["symbol"], b["timeframe"], b["engine"]), ("bt_first", "WAVE", "1h", "backtrader"))
        equal((b["candles"], b["start_date"], b["initial_capital"]), (HOURS, "2024-01-01T00:00:00Z", 10000))
        equal({k: b["parameters"][k] for k in ("short_period", "long_period")}, {"short_period": 10, "long_period": 30})
        equal((b["simulated"], b["synthetic"]), (False, 0))
        # a swing is 94 hours long: a crossing up, and one down, in each
        closed = [t for t in b["trades"] if t["status"] == "closed"]
        check(4 <= len(closed) <= 6, len(closed), "trades")
        equal(b["metrics"]["total_trades"], len(closed))
        for t in b["trades"]:
            at = round((_hours(t["entry_time"])))
            equal(t["entry_price"], price(at), "an entry fills at the open of its candle")
            check(t["exit_time"] is None or t["entry_time"] < t["exit_time"])
            check(abs(t["pnl"] - t["fees"] - t["costs"] - t["pnl_net"]) < 1e-9, t)
        equal(len(b["orders"]), b["orders_submitted"])
        for o in b["orders"]:
            check(o["created_at"] < o["changed_at"], "no order fills in the candle of its signal", o)
        check(abs(b["equity_curve"][-1]["value"] - b["final_capital"]) < 1e-9)
        equal(len(b["equity_curve"]), HOURS)
        growth = b["final_capital"] / b["initial_capital"] - 1
        check(abs(b["metrics"]["total_return"] - growth) < 1e-12)
        check(b["assumptions"] and any("0.1" in a or "0.001" in a for a in b["assumptions"]), b["assumptions"])

    # FLW-04: GET gives what run answered, by every name of the path; lists and removal see it
    def test_results_are_kept_listed_and_removed(self):
        server = self.stocked()
        first = self.run_one(server, backtest_id="one", note="by hand")
        second = self.run_one(server, backtest_id="two", strategy_type="rsi", engine="zoot")
        check(re.fullmatch(r"bt_[0-9a-f]{24}", self.run_one(server, strategy_type="buy_and_hold")["backtest_id"]), "a made id")
        for path in (f"{RESULTS}/one", "/backtesting/results/one", "/backtesting/get/one"):
            equal(server.get(path).json, first, path)
        equal(len(server.get(f"{RESULTS}/one?equity_points=3").json["equity_curve"]), 3)
        equal(server.get(f"{RESULTS}/one?orders=none").json["orders"], [])
        for path in (RESULTS, "/backtesting/results", "/backtesting/list"):
            page = server.get(path).json
            equal((page["total"], len(page["backtests"])), (3, 3), path)
        rows = server.get(f"{RESULTS}?strategy_type=rsi").json["backtests"]
        equal([(r["backtest_id"], r["engine"], r["final_capital"]) for r in rows], [("two", "zoot", second["final_capital"])])
        equal([r["note"] for r in server.get(f"{RESULTS}?engine=backtrader").json["backtests"] if "note" in r], ["by hand"])
        equal(server.get(f"{RESULTS}?symbol=OTHER").json, {"total": 0, "backtests": []})
        best = [r["total_return"] for r in server.get(f"{RESULTS}?sort=return").json["backtests"]]
        equal(best, sorted(best, reverse=True))
        page = server.get(f"{RESULTS}?sort=return&offset=1&limit=1").json
        equal((page["total"], [r["total_return"] for r in page["backtests"]]), (3, best[1:2]))
        equal(self.remove(server, "one").json, {"success": True})
        for reply in (server.get(f"{RESULTS}/one"), self.remove(server, "one")):
            equal((reply.status, reply.json["error"]["field"]), (404, "id"), reply.body)
        equal(server.get(RESULTS).json["total"], 2)
        equal(self.run_one(server, save=False)["final_capital"], first["final_capital"])
        equal(server.get(RESULTS).json["total"], 2, "one that is not to be kept")

    # MDS-03, MDS-32
    def test_strategies_comparison_and_recommendations(self):
        server = self.stocked()
        page = server.get("/backtesting/strategies").json
        equal(page, server.get("/api/v1/backtesting/strategies").json)
        known = {s["strategy_type"]: s for s in page["strategies"]}
        check({"moving_average_crossover", "rsi", "macd", "buy_and_hold"} <= set(known), sorted(known))
        standard = {p["name"]: p["standard"] for p in known["moving_average_crossover"]["parameters"]}
        equal((standard["short_period"], standard["long_period"]), (10, 30))
        check({"backtrader", "zoot"} <= {e["name"] for e in page["engines"]}, page["engines"])
        for name in ("rsi", "macd", "moving_average_crossover"):
            self.run_one(server, backtest_id=name, strategy_type=name)
        body = {"backtest_ids": ["rsi", "macd"], "requests": [request(backtest_id="slow", parameters={"long_period": 60})],
                "sort": "return"}
        reply = self.post(server, "/backtesting/compare", body)
        equal(reply.status, 200, reply.body)
        rows = reply.json["backtests"]
        equal({r["backtest_id"] for r in rows}, {"rsi", "macd", "slow"})
        returns = [r["total_return"] for r in rows]
        equal(returns, sorted(returns, reverse=True))
        equal(reply.json["best"], rows[0]["backtest_id"])
        equal(server.get(f"{RESULTS}/slow").status, 200, "a run of a comparison is kept")
        for path in ("/backtesting/recommendations/WAVE", "/api/v1/backtesting/recommendations/WAVE?timeframe=1h"):
            advice = server.get(path).json
            check(advice["formula"], advice)
            equal(advice["recommendations"], [], "twenty days are too few for a score")
        equal(server.get("/backtesting/recommendations/WAVE?timeframe=1d").json["recommendations"], [])

    # MDS-34, MDS-47, RES-17: one shape, the field, and what to do
    def test_refusals_name_the_field(self):
        server = self.stocked()
        self.run_one(server, backtest_id="taken")
        rows = [
            (request(strategy_type="nope"), 422, "strategy_type", "moving_average_crossover"),
            (request(parameters={"short_period": 30, "long_period": 30}), 422, "parameters.short_period", "long"),
            (request(parameters={"short_perod": 5}), 422, "parameters.short_perod", "short_period"),
            (request(parameters={"short_period": [5]}), 422, "parameters.short_period", "number"),
            (request(parameters=[5]), 422, "parameters", "object"),
            (request(position_size=1.5), 422, "position_size", "1"),
            (request(position_size=-1), 422, "position_size", "0"),
            (request(engine="lean"), 422, "engine", "backtrader"),
            (request(timeframe="7x"), 422, "timeframe", ""),
            (request(start_date="2024-02-01", end_date="2024-01-01"), 422, "end_date", "later"),
            (request(start_date="2024-13-01"), 422, "start_date", ""),
            (request(commission=-0.1), 422, "commission", ""),
            (request(leverage=0.5), 422, "leverage", ""),
            (request(orders="some"), 422, "orders", "refused"),
            (request(comission=0), 422, "comission", "commission"),
            (request(backtest_id="a/b"), 422, "backtest_id", "letters"),
            (request(symbols=["WAVE"]), 422, "symbols[0]", "already"),
            ({"timeframe": "1h", "strategy_type": "rsi"}, 422, "symbol", ""),
            ({"symbol": "WAVE", "strategy_type": "rsi"}, 422, "timeframe", ""),
            ({"symbol": "WAVE", "timeframe": "1h"}, 422, "strategy_type", ""),
            (request(symbol="NONE"), 404, "symbol", "ensure"),
            (request(start_date="2030-01-01"), 404, "symbol", "range"),
            (request(backtest_id="taken"), 409, "backtest_id", "taken"),
        ]
        for body, status, field, words in rows:
            reply = self.post(server, RUN, body)
            equal(reply.status, status, f"{body} {reply.body}")
            error = reply.json["error"]
            equal(error.get("field"), field, f"{body} {reply.body}")
            check(words in error["message"], body, error["message"])
            check(error["code"] and error["request_id"])
            if status == 422 and field != "backtest_id":
                checked = self.post(server, "/backtesting/validate", body)
                equal((checked.status, checked.json["error"].get("field")), (status, field), f"validate {body}")
        equal(self.post(server, "/backtesting/validate", request()).json, {"success": True})
        equal(server.get(RESULTS).json["total"], 1, "nothing of a refused run is kept")
        for body, field in (({}, "backtest_ids"), ({"backtest_ids": ["none"]}, "id")):
            error = self.post(server, "/backtesting/compare", body).json["error"]
            equal(error["field"], field, error)
        bad = self.post(server, "/backtesting/compare", {"requests": [request(), request(strategy_type="nope")]})
        check(bad.status == 422 and "requests[1]" in bad.body.decode(), bad.body)
        equal(self.post(server, RUN, request(), **{"X-API-Key": "wrong"}).status, 403)
        equal(server.request("POST", RUN, json.dumps(request())).status, 401)
        equal(server.request("DELETE", f"{RESULTS}/taken").status, 401)
        equal(server.request("GET", "/api/v1/backtesting/recommendations/WAVE?limit=0").json["error"]["field"], "limit")

    # a run without trades says why
    def test_no_trade_is_explained(self):
        server = self.stocked()
        b = self.run_one(server, parameters={"short_period": 10, "long_period": 400}, end_date="2024-01-05")
        equal((b["trades"], b["final_capital"], b["metrics"]["win_rate"]), ([], 10000, None))
        check("96" in b["explanation"] or "400" in b["explanation"], b["explanation"])
        b = self.run_one(server, initial_capital=1, position_sizing="fixed", position_size=100)
        check(b["orders_refused"] > 0 and b["orders"] and b["explanation"] and b["warnings"], b["explanation"])
        check(all(o["reason"] and o["needed"] > 0 for o in b["orders"] if o["status"] == "Margin"), b["orders"][:1])

    # the same request gives the same answer: again, in another process, through the socket and without a server
    def test_answers_are_deterministic(self):
        server = self.stocked()
        for strategy in ("moving_average_crossover", "rsi", "macd"):
            words = ("backtest", "WAVE", "1h", "--strategy", strategy, "--id", "same", "--no-save", "--json")
            a = self.run_one(server, backtest_id="same", strategy_type=strategy, save=False)
            b = self.run_one(server, backtest_id="same", strategy_type=strategy, save=False)
            through = json.loads(self.cli(*words).stdout)
            equal(untimed(a), untimed(b), strategy)
            equal(untimed(through), untimed(a), f"{strategy} by the command through the server")
            a_text = json.dumps(untimed(a))
        equal(server.stop(), 0)
        equal(json.dumps(untimed(json.loads(self.cli(*words).stdout))), a_text, "by the command alone")

    # --- commands ---

    def commands(self):
        """Every command once; what it printed, without what the clock told."""
        said = []

        def say(*words, status=0):
            done = self.cli(*words, status=status)
            said.append((words, re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\"execution_time_seconds\":[^,}]*", "T", done.stdout)))
            return done

        trades = self.root / "trades.csv"
        done = say("backtest", "WAVE", "1h", "--id", "ma", "--trades", trades)
        text = done.stdout
        check("moving_average_crossover on " in text and "WAVE" in text and "10,000.00" in text, text)
        check("\x1b" not in text and "ma" in done.stderr, "a pipe gets no colours; the id is said")
        for label in ("parameters", "candles", "account", "return", "risk", "trades", "assumed"):
            check(re.search(rf"^ *{label} ", text, re.M), f"no line '{label}'", text)
        rows = list(csv.DictReader(io.StringIO(trades.read_text())))
        shown = json.loads(say("show", "ma", "--json").stdout)
        equal([float(r["pnl_net"]) for r in rows], [t["pnl_net"] for t in shown["trades"]])
        equal([r["exit_time"] or None for r in rows], [t["exit_time"] for t in shown["trades"]])
        equal(say("show", "ma").stdout.splitlines()[0], text.splitlines()[0])
        other = json.loads(say("backtest", "WAVE", "1h", "--strategy", "rsi", "--set", "period=7,oversold=25", "--engine",
                               "zoot", "--id", "rsi7", "--json").stdout)
        equal((other["parameters"]["period"], other["parameters"]["oversold"], other["engine"]), (7, 25, "zoot"))
        listed = say("backtests", "--sort", "return").stdout
        check("ma" in listed and "rsi7" in listed, listed)
        page = json.loads(say("backtests", "--json").stdout)
        equal({b["backtest_id"] for b in page["backtests"]}, {"ma", "rsi7"})
        compared = json.loads(say("compare", "ma,rsi7", "--sort", "return", "--json").stdout)
        equal([b["total_return"] for b in compared["backtests"]],
              sorted((shown["metrics"]["total_return"], other["metrics"]["total_return"]), reverse=True))
        check("rsi7" in say("compare", "ma,rsi7").stdout)
        check(re.search(r"^    short_period +10 ", say("strategies").stdout, re.M))
        check(json.loads(say("strategies", "--json").stdout)["engines"])
        check("no kept backtest of WAVE has a score" in say("recommend", "WAVE").stderr)
        equal(json.loads(say("recommend", "WAVE", "--json").stdout)["recommendations"], [])
        for words, status, near in (
                (("show", "none"), 4, "none"), (("backtest", "NONE", "1h"), 4, "NONE"), (("compare", "none"), 4, "none"),
                (("backtest", "WAVE", "1h", "--strategy", "nope"), 3, "moving_average_crossover"),
                (("backtest", "WAVE", "1h", "--set", "short_period=30"), 3, "short_period"),
                (("backtest", "WAVE", "1h", "--set", "nonsense"), 2, "NAME=VALUE"),
                (("backtest", "WAVE", "1h", "--set", "a=1", "--parameters", "{}"), 2, "not both"),
                (("backtest", "WAVE"), 2, "timeframe"), (("backtest", "WAVE", "1h", "--cash", "0"), 3, "cash"),
                (("backtests", "--sort", "luck"), 3, "sort")):
            done = say(*words, status=status)
            check(done.stderr.startswith("finsight: ") and near in done.stderr, words, done.stderr)
        taken = self.cli("backtest", "WAVE", "1h", "--id", "ma", "--json", status=None)
        check(taken.returncode not in (0, 2), "an id that is taken")
        equal(json.loads(taken.stdout)["error"]["field"], "backtest_id")
        return said

    def test_commands_alone_and_through_a_server(self):
        self.waves()
        alone = self.commands()
        one = self.data
        self.data = self.root / "served"
        server = self.stocked()
        through = self.commands()
        for (words, a), (_, b) in zip(alone, through):
            equal(b, a, f"through the server: {words}")
        equal(server.get(RESULTS).json["total"], 2)
        equal(server.stop(), 0)
        equal(json.loads(self.cli("backtests", "--json").stdout)["total"], 2, "without the server again")
        self.data = one

    # every example that the help prints is run as it is printed
    def test_examples_of_the_help_work(self):
        csv_file = write_waves(self.root / "waves.csv")
        for symbol in ("BTCUSDT", "AAPL"):
            for timeframe in ("1h", "1d"):
                more = [] if timeframe == "1h" else ["--timeframe", "1d"]
                path = csv_file if timeframe == "1h" else self.root / "days.csv"
                if timeframe == "1d":
                    with open(path, "w") as f:
                        f.write("ts,open,high,low,close,volume\n")
                        for i in range(120):
                            a, b = price(4 * i), price(4 * i + 4)
                            f.write(f"2024-{i // 28 + 1:02}-{i % 28 + 1:02},{a},{max(a, b) + 1},{min(a, b) - 1},{b},10\n")
                self.cli("import", path, "--symbol", symbol, "--exchange", "file", *more)
        for id in ("bt_123456789", "bt_1", "bt_2"):
            self.cli("backtest", "BTCUSDT", "1h", "--id", id)
        listing = self.cli("help").stdout
        ran = 0
        for name in re.findall(r"^  ([a-z-]+) {2,}\S", listing, re.M):
            if name not in ("backtest", "backtests", "show", "compare", "strategies", "recommend", "sweep",
                            "walkforward", "montecarlo", "prove"):
                continue
            for line in self.cli("help", name).stdout.split("Examples:")[1].splitlines():
                if not line.strip() or line.startswith("   "):  # what an example is for stands below it
                    continue
                words = shlex.split(line)
                equal(words[0], "finsight", line)
                done = subprocess.run([self.binary, *words[1:], "--data-dir", str(self.data)], env=self.environment(),
                                      cwd=self.root, capture_output=True, text=True, timeout=60)
                equal(done.returncode, 0, f"{line}\n{done.stderr}")
                check(done.stdout, line, "printed nothing")
                if "--json" in words:
                    json.loads(done.stdout)
                ran += 1
        check(ran >= 9, ran, "examples")

    # --- the numbers ---

    # the figures of a run by Backtrader itself, through import, store, engine, API and commands
    def test_the_known_run_through_the_whole_stack(self):
        path = SHARED / "data/ohlcv/goog_d1.csv"
        if not path.exists():
            raise Skip(f"no {path}")
        self.cli("import", path, "--symbol", "GOOG", "--exchange", "file")
        words = ("backtest", "GOOG", "1d", "--size", "0.95", "--commission", "0.001", "--json")
        alone = json.loads(self.cli(*words, "--id", "alone").stdout)
        server = self.serve()
        through = json.loads(self.cli(*words, "--id", "through").stdout)
        posted = self.run_one(server, symbol="GOOG", timeframe="1d", position_size=0.95, commission=0.001,
                              parameters={"short_window": 10, "long_window": 30})
        advice = server.get("/backtesting/recommendations/GOOG").json["recommendations"]
        scores = [b["score"] for b in server.get(RESULTS).json["backtests"]]
        equal([(r["strategy_type"], r["score"], r["backtests"]) for r in advice], [("moving_average_crossover", max(scores), 3)])
        check(advice[0]["why"] and "1. moving_average_crossover" in self.cli("recommend", "GOOG").stdout)
        for b in (alone, through, posted, server.get(f"{RESULTS}/alone").json):
            check(abs(b["final_capital"] / 51175.0298696486 - 1) < 1e-12, b["final_capital"])
            equal((b["candles"], b["metrics"]["total_trades"]), (2148, 32))
            equal(sum(t["status"] == "closed" for t in b["trades"]), 32)
            check(abs(b["metrics"]["max_drawdown"] - 0.29294756) < 1e-8, b["metrics"]["max_drawdown"])

    # --- sweeps ---

    def test_a_sweep_ranks_what_single_runs_give(self):
        server = self.stocked()
        body = {"backtest": request(), "grid": {"short_period": [5, 10], "long_period": {"from": 20, "to": 40, "step": 10}},
                "objective": "total_return"}
        for path in ("/backtesting/sweep", "/api/v1/backtesting/sweep"):
            reply = self.post(server, path, body)
            equal(reply.status, 200, reply.body)
        best = reply.json["best"]
        equal((reply.json["combinations"], len(best)), (6, 6))
        returns = [r["total_return"] for r in best]
        equal(returns, sorted(returns, reverse=True))
        for row in (best[0], best[-1]):
            one = self.run_one(server, parameters=row["parameters"], save=False)
            check(abs(one["metrics"]["total_return"] - row["total_return"]) < 1e-9, row)
            equal(one["metrics"]["total_trades"], row["total_trades"])
        equal(server.get(RESULTS).json["total"], 0, "a sweep keeps nothing")
        equal((reply.json["heat"]["x_values"], reply.json["heat"]["y_values"]), ([5, 10], [20, 30, 40]))
        said = self.cli("sweep", "WAVE", "1h", "--grid", "short_period=5|10,long_period=20:40:10", "--objective",
                        "total_return", "--json")
        equal([r["parameters"] for r in json.loads(said.stdout)["best"]], [r["parameters"] for r in best])
        said = self.cli("sweep", "WAVE", "1h", "--grid", "short_period=5|10,long_period=20:40:10").stdout
        check("short_period" in said and "overfit" in said.lower(), said)
        for bad, status in (("short_period", 2), ("short_period=5:1:1", 3), ("nope=1|2", 3)):
            equal(self.cli("sweep", "WAVE", "1h", "--grid", bad, status=None).returncode, status, bad)
        for grid, field in (({"nope": [1]}, "grid"), ({}, "grid"), ({"short_period": []}, "grid.short_period")):
            reply = self.post(server, "/backtesting/sweep", {**body, "grid": grid})
            equal((reply.status, reply.json["error"].get("field")), (422, field), reply.body)

    # --- kills ---

    # FLW-04: killed right after the answer, the result is there
    def test_a_result_survives_a_kill_right_after_its_answer(self):
        server = self.stocked()
        answer = self.run_one(server, backtest_id="last")
        server.stop(signal.SIGKILL)
        again = self.serve()
        equal(again.get(f"{RESULTS}/last").json, answer)
        equal(again.get(RESULTS).json["total"], 1)

    def test_ten_kills_while_runs_are_posted(self):
        self.waves()
        rng = random.Random(11)
        answered = {}
        for round in range(10):
            server = self.serve()
            key = {"X-API-Key": self.key()}
            stop_after = rng.randrange(1, 6)
            enough = threading.Event()

            def post_runs(worker):
                for k in range(50):
                    id = f"k{round}-{worker}-{k}"
                    try:
                        reply = server.request("POST", RUN, json.dumps(request(backtest_id=id)), key)
                    except Exception:  # the server is gone
                        return
                    if reply.status == 200:
                        answered[id] = reply.json
                        if k >= stop_after:
                            enough.set()

            workers = [threading.Thread(target=post_runs, args=(w,)) for w in range(2)]
            for w in workers:
                w.start()
            check(enough.wait(30), "no run was answered")
            server.stop(signal.SIGKILL)
            for w in workers:
                w.join(30)
        server = self.serve()
        kept = server.get(f"{RESULTS}?limit=1000").json
        listed = {b["backtest_id"] for b in kept["backtests"]}
        equal(set(answered) - listed, set(), "answered and lost")
        check(len(answered) >= 20, len(answered), "runs were answered")
        want = untimed(next(iter(answered.values())))
        for id in sorted(listed):  # also those that were kept and never answered: whole, or not there
            got = server.get(f"{RESULTS}/{id}").json
            equal({**untimed(got), "backtest_id": ""}, {**want, "backtest_id": ""}, id)
            if id in answered:
                equal(got, answered[id], id)


def _hours(iso):
    """Hours since the first candle."""
    day, hour = re.fullmatch(r"2024-01-(\d\d)T(\d\d):00:00Z", iso).groups()
    return (int(day) - 1) * 24 + int(hour)


sys.exit(rig.main(Cases))
