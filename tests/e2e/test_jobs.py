"""Jobs of the real server: seeded kills, restarts, memory caps, worker processes' queues, administration.

MDS-41 (double start 409, stop < 1 s), MDS-42 (no double fire after a restart), MDS-43 (resume at the checkpoint after a
kill; a memory cap kills that job alone), MDS-01 and MDS-44 (each action audited). Kills: FINSIGHT_KILLS (25)."""
import calendar
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import platform_rig as rig
from platform_rig import check, equal

# the shadow of a sanitizer counts as memory: there the default cap is left out
SANITIZED = b"__asan_init" in pathlib.Path(sys.argv[1]).read_bytes() or b"__tsan_init" in pathlib.Path(sys.argv[1]).read_bytes()
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

    def put_command(self, server, job, *args, **more):
        self.call(server, "PUT", "/api/v1/jobs/" + job, {"kind": "command", "params": {"args": list(map(str, args))}, **more})
        self.call(server, "POST", "/jobs/run", {"job": job})

    def wait_state(self, server, job, state, seconds=60):
        return rig.wait_for(lambda: (r := self.call(server, "GET", "/jobs/" + job)).get("last_state") == state and r, seconds,
                            f"{job} {state}")  # fmt: skip

    def test_a_child_has_the_lowest_priority_a_cap_and_ends_when_it_is_stopped_MDS_43(self):
        """An import that waits for a pipe holds still to be looked at."""
        server = self.serve("--jobs.memory", "1GiB")
        os.mkfifo(self.root / "pipe")
        self.put_command(server, "wait", "import", self.root / "pipe", "--symbol", "P", "--exchange", "test")

        def child():
            for pid in os.listdir("/proc"):
                try:
                    if pid.isdigit() and str(self.root / "pipe") in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
                        return int(pid)
                except OSError:
                    pass
            return None

        pid = rig.wait_for(child, 60, "the child")
        rig.wait_for(lambda: os.sched_getscheduler(pid) == os.SCHED_IDLE, 60, "the lowest class")
        check(pathlib.Path(f"/proc/{pid}/cmdline").read_text().startswith("finsight-job\0"), "its name")
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        equal(re.search(r"Max data size +(\S+)", limits).group(1), str(1 << 30) if not SANITIZED else "unlimited", "the cap")
        if os.geteuid() == 0:  # who is not dumpable shows its files to root alone
            equal(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null", "its input")
        began = time.monotonic()
        self.call(server, "POST", "/jobs/stop", {"job": "wait"})
        self.wait_state(server, "wait", "stopped")
        check(time.monotonic() - began < 30 and not child(), "the child is still there")
        server.stop()

    def test_a_child_tells_how_far_it_is(self):
        server = self.serve()
        rows = "".join(f"{1_600_000_000_000 + i * 60_000},1,2,1,{1 + i % 2},5\n" for i in range(50_000))
        (self.root / "rows.csv").write_text("ts,open,high,low,close,volume\n" + rows)
        self.put_command(server, "load", "import", self.root / "rows.csv", "--symbol", "L", "--exchange", "test")
        row = self.wait_state(server, "load", "succeeded")
        equal((row["done"], row["total"]), (1000, 1000), "thousandths")
        bad = {"kind": "command", "params": {"args": ["serve"]}}  # it would not end
        check("serve" in self.call(server, "PUT", "/api/v1/jobs/bad", bad, want=422)["error"]["message"])
        server.stop()

    def test_a_backup_is_a_job_with_progress(self):
        server = self.serve()
        self.call(server, "PUT", "/api/v1/jobs/nightly", {"kind": "backup", "schedule": "30 3 * * *", "params": {"keep": 2}})
        for _ in range(3):
            run = self.call(server, "POST", "/jobs/run", {"job": "nightly"})
            run = run.get("run", run)
            rig.wait_for(lambda: self.call(server, "GET", "/jobs/nightly")["last_state"] == "succeeded"
                         and self.call(server, "GET", "/jobs/nightly").get("state") != "running", 60, "the backup")  # fmt: skip
        row = self.call(server, "GET", "/jobs/nightly")
        check(row["done"] > 0 and "Backup 20" in row["last_message"], row)
        equal(self.call(server, "GET", "/api/v1/storage/backups")["count"], 2)
        server.stop()

    def test_workers_drain_a_queue_each_item_once_STO_18(self):
        server = self.serve()
        n = 24
        items = [json.dumps(["import", str(self.root / "one.csv"), "--symbol", f"Q{i}", "--exchange", "test", "--timeframe", "1m"])
                 for i in range(n)]  # fmt: skip
        (self.root / "one.csv").write_text("ts,open,high,low,close,volume\n1600000020000,1,2,1,1,5\n")
        self.call(server, "POST", "/api/v1/queues/put", {"queue": "load", "items": [*items, '["serve"]', "no JSON"]})
        start = lambda *a: subprocess.Popen([self.binary, "--data-dir", str(self.data), "worker", "load", *a],  # noqa: E731
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                            env=self.environment())  # fmt: skip
        killed = start("--lease", "5")
        rig.wait_for(lambda: self.call(server, "GET", "/api/v1/queues/load")["claimed"] > 0, 60, "a claim")
        killed.kill()  # with an item in its hands, more likely than not: its lease ends, others get it
        killed.communicate()
        workers = [start("--once", "--lease", "60") for _ in range(3)]
        said = [w.communicate(timeout=200)[0] for w in workers]
        status = self.call(server, "GET", "/api/v1/queues/load")
        equal((status["waiting"], status["claimed"], status["done"], status["failed"]), (0, 0, n, 2), said)
        equal(len(self.call(server, "GET", "/api/v1/market/series")["series"]), n, "series")
        equal(sorted(w.returncode for w in workers)[-1], 1, "a worker of a failed item says so")
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
