#!/usr/bin/env python3
"""The running platform: import, start, memory, /health against nginx, a window of candles over HTTP.

usage: bench_platform.py FINSIGHT MAKE_CANDLES [ROWS_IN_MILLIONS [PART...]]    parts: import start health window
Whole processes only, on loopback and on a folder of their own. CPU is user + system time of the process measured (all
its threads), wall time is beside it. What rivals do is checked against what we do before a clock starts. One JSON line a
figure; tools/bench makes the table.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import servers

SERIES, STEP_MS, FIRST_MS, WINDOW = 5, 60_000, 1_500_000_000_000, 1000


def say(bench, **fields):
    row = {"bench": bench, **{k: round(v, 4) if isinstance(v, float) else v for k, v in fields.items()}}
    print(json.dumps(row), flush=True)
    return row


def run_timed(args, **more):
    """(wall s, CPU s, output) of a process from its start to its end."""
    wall = time.perf_counter()
    p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    out, err = p.stdout.read(), p.stderr.read()
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    assert status == 0, f"{args}: {err[-2000:]}{out[-2000:]}"
    return time.perf_counter() - wall, used.ru_utime + used.ru_stime, out


def medians(runs):
    return [statistics.median(column) for column in zip(*runs)]


class Bench:
    def __init__(self, finsight, make_candles, rows):
        self.finsight, self.make_candles, self.rows = finsight, make_candles, rows
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="finsight-bench-"))
        self.data, self.csv = self.root / "data", self.root / "candles.csv"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FINSIGHT_")} | {"HOME": str(self.root)}

    def serve(self):
        return servers.Process([self.finsight, "serve", "--data-dir", str(self.data), "--port", "{port}", "--json",
                                "--access-log=false", "--log-level", "warning"], self.root, self.env)  # fmt: skip

    def csv_rows(self, first, n):
        """Rows of the CSV as the API gives them, without reading through the whole of it: lines are about one size."""
        with open(self.csv) as f:
            f.readline()
            for _ in range(first):
                f.readline()
            return [[float(x) for x in f.readline().split(",")] for _ in range(n)]

    # --- CSV import ---

    def make_csv(self):
        with open(self.csv, "wb") as f:
            subprocess.run([self.make_candles, str(self.rows)], stdout=f, check=True)

    def import_one(self, i):
        wall, cpu, out = run_timed([self.finsight, "import", str(self.csv), "--symbol", f"S{i}", "--exchange", "bench",
                                    "--json", "--data-dir", str(self.data)], env=self.env)  # fmt: skip
        assert json.loads(out)["inserted"] == self.rows, out
        return wall, cpu

    def fill(self):
        for i in range(SERIES):
            self.import_one(i)

    def bench_import(self):
        ours, rival = [], []
        for i in range(SERIES):
            ours.append(self.import_one(i))
            if i < 3 and shutil.which("sqlite3"):
                rival.append(self.sqlite_import())
        n = self.rows
        wall, cpu = medians(ours)
        say("import_csv", server="finsight", rows=n, rounds=len(ours), per_s=n / wall, per_cpu_s=n / cpu,
            mb_per_s=self.csv.stat().st_size / wall / 1e6)  # fmt: skip
        if rival:
            wall, cpu = medians(rival)
            say("import_csv", server="sqlite3 .import, plain rows", rows=n, rounds=len(rival), per_s=n / wall,
                per_cpu_s=n / cpu)  # fmt: skip

    def sqlite_import(self):
        path = self.root / "rows.db"
        path.unlink(missing_ok=True)
        script = f"""PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
            CREATE TABLE candle(t INTEGER PRIMARY KEY, open REAL, high REAL, low REAL, close REAL, volume REAL);
            \n.mode csv\n.import --skip 1 {self.csv} candle\nSELECT count(*) FROM candle;\n"""
        (self.root / "import.sql").write_text(script)
        with open(self.root / "import.sql") as f:
            wall, cpu, out = run_timed(["sqlite3", "-batch", str(path)], stdin=f)
        assert out.split()[-1].strip() == str(self.rows), out
        return wall, cpu

    # --- the start, and memory at rest ---

    def bench_start(self):
        ready, cpu = [], []
        for _ in range(15):
            server = self.serve()
            ready.append(server.ready_s)
            cpu.append(server.cpu_s())
            server.stop()
        say("ready", rounds=len(ready), candles=SERIES * self.rows, median_ms=statistics.median(ready) * 1e3,
            best_ms=min(ready) * 1e3, worst_ms=max(ready) * 1e3, cpu_ms=statistics.median(cpu) * 1e3)  # fmt: skip
        server = self.serve()
        time.sleep(1)
        self.say_memory("idle_memory", server)
        server.stop()

    @staticmethod
    def say_memory(name, server):
        kb = {}
        for line in open(f"/proc/{server.pid}/smaps_rollup"):
            words = line.split()
            if words[-1] == "kB":
                kb[words[0].rstrip(":")] = int(words[1])
        say(name, rss_mb=kb["Rss"] / 1024, private_mb=(kb["Private_Clean"] + kb["Private_Dirty"]) / 1024,
            pss_mb=kb["Pss"] / 1024)  # fmt: skip

    # --- /health against nginx ---

    def bench_health(self, rounds, seconds):
        ours = self.serve()
        client = servers.Client(ours.port)
        body = client.get("/health")
        nginx = servers.nginx(self.root, body.decode()) if servers.nginx_path() and shutil.which("wrk") else None
        if not nginx:
            say("service_json", skipped="nginx or wrk is not installed")
            ours.stop()
            return
        assert json.loads(servers.Client(nginx.port).get("/health")).keys() == json.loads(body).keys()
        for connections in (64,):
            turns = [(servers.wrk(nginx, "/health", connections, seconds), servers.wrk(ours, "/health", connections, seconds))
                     for _ in range(rounds)]  # fmt: skip
            for k, name in enumerate(("nginx return 200", "finsight /health")):
                row = {key: statistics.median(t[k][key] for t in turns) for key in turns[0][k]}
                say("service_json", server=name, connections=connections, rounds=rounds, **row)
            # turn by turn: what disturbs one run disturbs its neighbour as well
            say("service_json_ratio", connections=connections,
                cpu_vs_nginx=statistics.median(o["cpu_us"] / n["cpu_us"] for n, o in turns),
                user_vs_nginx=statistics.median(o["user_us"] / n["user_us"] for n, o in turns))  # fmt: skip
        nginx.stop()
        ours.stop()

    # --- a thousand candles ---

    def window_path(self, series, first):
        return f"/api/v1/market/candles?symbol=S{series}&timeframe=1m&exchange=bench&start={FIRST_MS + first * STEP_MS}&limit={WINDOW}"

    def bench_window(self):
        server = self.serve()
        client = servers.Client(server.port)
        rows = self.sqlite_rows()
        first = min(1234, self.rows - WINDOW)
        got = json.loads(client.get(self.window_path(0, first)))["candles"]
        want = self.csv_rows(first, WINDOW)
        assert [[c[k] for k in ("open", "high", "low", "close", "volume")] for c in got] == [w[1:] for w in want]
        assert [list(r) for r in rows.execute(self.window_sql, (want[0][0],))] == want
        rng = random.Random(1)
        # Each in its own block of its own place: 10 M decoded candles are 35 times the cache of 16 MiB.
        cold = [self.window_path(rng.randrange(SERIES), rng.randrange(self.rows - WINDOW)) for _ in range(1500)]
        hot = [self.window_path(0, first)] * 3000
        for name, paths in (("cold", cold), ("hot", hot)):
            self.say_window(server, client, name, paths)
        for path in ("/health",):
            self.say_window(server, client, "round_trip_health", [path] * 3000)
        self.say_memory("memory_after_load", server)
        server.stop()
        self.python_window(rows, rng)

    @staticmethod
    def say_window(server, client, name, paths):
        took, size = [], 0
        for path in paths[:200]:
            client.get(path)
        cpu, own = server.cpu_s(), time.process_time()
        for path in paths:
            t = time.perf_counter()
            size = len(client.get(path))
            took.append(time.perf_counter() - t)
        cpu, own = server.cpu_s() - cpu, time.process_time() - own
        took.sort()
        say("window_http", which=name, server="finsight", requests=len(paths), bytes=size,
            wall_ms=statistics.median(took) * 1e3, p99_ms=took[len(took) * 99 // 100] * 1e3,
            cpu_ms=cpu / len(paths) * 1e3, client_cpu_ms=own / len(paths) * 1e3)  # fmt: skip

    window_sql = "SELECT t, open, high, low, close, volume FROM candle WHERE t >= ? ORDER BY t LIMIT 1000"

    def sqlite_rows(self):
        """The rival: plain rows, made by the sqlite3 program if it was there, else here."""
        path = self.root / "rows.db"
        if not path.exists():
            db = sqlite3.connect(path)
            db.execute("CREATE TABLE candle(t INTEGER PRIMARY KEY, open REAL, high REAL, low REAL, close REAL, volume REAL)")
            with open(self.csv) as f:
                next(f)
                db.executemany("INSERT INTO candle VALUES(?,?,?,?,?,?)", (line.split(",") for line in f))
            db.commit()
            return db
        return sqlite3.connect(path)

    def python_window(self, db, rng):
        """What a service in Python spends on the same bytes, HTTP not counted."""
        names = ("timestamp", "open", "high", "low", "close", "volume")
        starts = [FIRST_MS + rng.randrange(self.rows - WINDOW) * STEP_MS for _ in range(300)]
        for which, windows in (("cold", starts), ("hot", [starts[0]] * 300)):
            took, own, n = [], time.process_time(), 0
            for start in windows:
                t = time.perf_counter()
                fetched = db.cursor().execute(self.window_sql, (start,)).fetchall()
                n = len(json.dumps({"candles": [dict(zip(names, r)) for r in fetched]}))
                took.append(time.perf_counter() - t)
            own = time.process_time() - own
            say("window_http", which=which, server="Python fetchall + json.dumps, no HTTP", requests=len(windows), bytes=n,
                wall_ms=statistics.median(took) * 1e3, cpu_ms=own / len(windows) * 1e3)  # fmt: skip
        db.close()


def main():
    finsight, make_candles = sys.argv[1:3]
    rows = int(float((sys.argv[3:] or [2])[0]) * 1e6)
    parts = sys.argv[4:] or ["import", "start", "health", "window"]
    b = Bench(finsight, make_candles, rows)
    try:
        b.make_csv()
        if "import" in parts:
            b.bench_import()
        elif set(parts) & {"start", "window"}:
            b.fill()
        if "start" in parts:
            b.bench_start()
        if "health" in parts:
            b.bench_health(rounds=7, seconds=2)
        if "window" in parts:
            b.bench_window()
    finally:
        servers.stop_all()
        shutil.rmtree(b.root, ignore_errors=True)


main()
