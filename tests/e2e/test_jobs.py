"""Jobs of the real server: seeded kills, restarts, memory caps, worker processes' queues, administration.

MDS-41 (double start 409, stop < 1 s), MDS-42 (no double fire after a restart), MDS-43 (resume at the checkpoint after a
kill; a memory cap kills that job alone), MDS-01 and MDS-44 (each action audited). Kills: FINSIGHT_KILLS (25)."""
import calendar
import json
import os
import random
import signal
import sys
import time

import platform_rig as rig
from platform_rig import check, equal

KILLS = int(os.environ.get("FINSIGHT_KILLS", "25"))


class Cases(rig.Suite):
    def call(self, server, method, path, body=None, want=200):
        reply = server.request(method, path, json.dumps(body) if body is not None else None,
                               {"X-API-Key": self.key(), "Content-Type": "application/json"})
        equal(reply.status, want, f"{method} {path}: {reply.body[:300]!r}")
        return reply.json

    def test_a_server_killed_again_and_again_answers_each_fire_once(self):
        rng = random.Random(7)
        server = self.serve()
        self.call(server, "PUT", "/api/v1/jobs/tick",
                  {"kind": "operation", "schedule": "@every 1s", "params": {"operation": "market.verify"}, "start": True})
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.02, 0.5))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server.process.stdout.close()
            server = self.serve()
        time.sleep(1.5)
        runs = self.call(server, "GET", "/api/v1/jobs/runs?job=tick&limit=1000")["runs"]
        fires = [r["scheduled_for"] for r in runs]
        equal(len(fires), len(set(fires)), "a fire answered twice")
        check(len(fires) > KILLS // 10, "hardly anything ran", len(fires))
        over = [r for r in runs[1:] if r["state"] != "succeeded"]
        equal(over, [], "runs that never came to their end")
        equal(self.call(server, "GET", "/api/v1/jobs/tick")["armed"], True)
        server.stop()

    def test_a_server_killed_while_it_collects_and_follows_loses_nothing_acknowledged(self):
        """Live candles, a collecting job and a client that saves, all at once; the venue is the judge at the end."""
        rng = random.Random(11)
        exchange = self.exchange("--seed", 7)
        flags = ["--live-series", "binance:ETHUSDT:1s", "--jobs.collect", "BTCUSDT", "--jobs.collect-timeframes", "1m",
                 "--jobs.collect-interval", "1s"]
        shown, saved, kept = {}, {}, 0

        def page(server, query):
            reply = server.get(f"/api/v1/market/candles?{query}&order=latest&limit=1000")
            return {c["timestamp"]: c for c in reply.json["candles"] if "open" not in c.get("flags", [])} \
                if reply.status == 200 else {}

        live, mine = "symbol=ETHUSDT&timeframe=1s&exchange=binance", "symbol=OWN&timeframe=1m&exchange=test"
        server = self.serve(*flags, exchange=exchange)

        def seen():
            shown.update((t, c["close"]) for t, c in page(server, live).items())
            return shown
        # A life of half a second may be too short for a candle to close in it on a slow machine: the first life is not.
        rig.wait_for(seen, 60, "the first live candle")
        for kill in range(KILLS):
            deadline = time.monotonic() + rng.uniform(0.02, 0.5)
            while time.monotonic() < deadline:
                minute = len(saved)
                at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1704067200 + 60 * minute))
                candle = {"timestamp": at, "open": 1, "high": 1000 + minute, "low": 1, "close": 1 + minute, "volume": 5}
                self.call(server, "POST", "/api/v1/market/candles",
                          {"exchange": "test", "symbol": "OWN", "timeframe": "1m", "candles": [candle]})
                saved[at] = candle["close"]
                seen()
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server.process.stdout.close()
            server = self.serve(*flags, exchange=exchange)
            if kill % 20 == 19 or kill == KILLS - 1:
                now = page(server, mine)
                for at, close in list(saved.items())[-900:]:
                    check(at in now and now[at]["close"] == close, "acknowledged and lost:", at)
                    kept += 1

        def ran_well():
            runs = self.call(server, "GET", "/api/v1/jobs/runs?job=collect&limit=1")["runs"]
            return runs and runs[0]["state"] == "succeeded"
        rig.wait_for(ran_well, 30, "the collecting job after the last kill")
        newest = max(shown)
        rig.wait_for(lambda: sum(t > newest for t in page(server, live)) >= 3, 60, "live candles after the last kill")
        rows = page(server, live)
        first = min(shown)
        times = sorted(t for t in rows if t >= first)
        venue = {}
        for ask in range(calendar.timegm(time.strptime(times[0], "%Y-%m-%dT%H:%M:%SZ")) * 1000,
                         calendar.timegm(time.strptime(times[-1], "%Y-%m-%dT%H:%M:%SZ")) * 1000 + 1, 1000000):
            for r in exchange.get(f"/api/v3/klines?symbol=ETHUSDT&interval=1s&startTime={ask}&limit=1000").json:
                venue[time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(r[0] // 1000))] = float(r[4])
        equal({t: rows[t]["close"] for t in times}, {t: c for t, c in venue.items() if times[0] <= t <= times[-1]},
              "what is stored, and what the venue has")
        for t, close in shown.items():
            check(t < times[0] or rows[t]["close"] == close, "shown as closed and changed or lost:", t)
        check(kept and len(saved) >= KILLS // 2, "hardly anything was saved", len(saved))
        server.stop()

    def test_a_memory_cap_ends_that_job_and_nothing_else(self):
        server = self.serve()
        self.call(server, "PUT", "/api/v1/jobs/small",
                  {"kind": "command", "memory_max": 1000000, "params": {"args": ["version"]}})
        self.call(server, "PUT", "/api/v1/jobs/roomy", {"kind": "command", "params": {"args": ["version"]}})
        for name, state in (("small", "failed"), ("roomy", "succeeded")):
            self.call(server, "POST", "/jobs/run", {"job": name})
            deadline = time.time() + 10
            while self.call(server, "GET", "/jobs/" + name).get("last_state") != state:
                check(time.time() < deadline, name, "is not", state)
                time.sleep(0.05)
        equal(server.get("/health").status, 200)
        server.stop()

    def test_start_stop_and_what_is_on_record(self):
        server = self.serve()
        self.call(server, "PUT", "/api/v1/jobs/j", {"kind": "operation", "schedule": "0 0 1 1 *",
                                                            "params": {"operation": "market.verify"}})
        self.call(server, "POST", "/jobs/start", {"job": "j"})
        self.call(server, "POST", "/jobs/start", {"job": "j"}, want=409)
        began = time.time()
        equal(self.call(server, "POST", "/jobs/stop", {"job": "j"})["job"]["state"], "stopped")
        check(time.time() - began < 1, "stop took", time.time() - began)
        for method, path in (("GET", "/admin/stats"), ("GET", "/admin/health"), ("POST", "/admin/cache/clear"),
                             ("GET", "/admin/config")):
            self.call(server, method, path)
            equal(server.request(method, path).status, 401, path + " without a key")
        rows = self.call(server, "GET", "/admin/audit?limit=50")["rows"]
        actions = [r["action"] for r in rows]
        for action in ("admin.stats", "admin.health", "cache.clear", "admin.config", "job.start", "job.stop", "job.define"):
            check(action in actions, action, "is not on record")
        check(any(r["action"] == "job.start" and r["outcome"] == "conflict" for r in rows), "the refused start")
        equal(self.call(server, "GET", "/jobs/health")["jobs"], 1)
        server.stop()


    def test_the_command_line_says_the_same(self):
        csv = "time,open,high,low,close,volume\n" + "".join(
            f"2024-01-{d:02d}T00:00:00Z,1,40,1,{d},5\n" for d in range(1, 31) if d not in (10, 11))
        self.cli("import", "-", "--symbol", "AAPL", "--exchange", "nasdaq", stdin=csv)
        check("2 candles" in self.cli("fill", "AAPL", "1d", "--not-fetched").stdout, "fill says what it filled")
        equal(self.cli("resample", "AAPL", "1d", "1w").stdout.count("\n"), 6)
        equal(json.loads(self.cli("unfill", "AAPL", "1d", "--json").stdout)["removed"], 2)
        self.cli("actions", "AAPL", "--ex", "2024-01-15", "--value", "2")
        page = json.loads(self.cli("query", "AAPL", "1d", "--adjust", "splits", "--json").stdout)
        equal((page["actions"], page["candles"][0]["close"]), (1, 0.5))
        self.cli("jobs", "define", "j", "--schedule", "@daily", "--params", '{"symbols":["BTCUSDT"]}')
        check("scheduled" in self.cli("jobs", "start", "j").stdout)
        self.cli("jobs", "start", "j", status=5)
        equal(json.loads(self.cli("jobs", "--json").stdout)["count"], 1)


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
