#!/usr/bin/env python3
"""test_lake.py FINSIGHT: files of candles as other programs see them, and SQL over the lake.

DuckDB (in the program's child process) and, where they are installed, pyarrow and zstd read what we wrote with every
value the same (MDS-28, MDS-39); the child may read the lake and nothing else. Without DuckDB its tests are skipped."""

import csv
import datetime
import gzip
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

FINSIGHT = sys.argv.pop(1) if len(sys.argv) > 1 else "build/src/app/finsight"
FOREIGN = pathlib.Path(__file__).parent / "parquet"
SANITIZED = any(name in pathlib.Path(FINSIGHT).read_bytes() for name in (b"__asan_init", b"__tsan_init"))
N = 3000
UTC = datetime.timezone.utc


def rows():
    for i in range(N):
        price = 42000 + (i * 7919 % 10007) / 100
        flags = "synthetic" if i % 50 == 3 else "open+simulated" if i % 50 == 4 else ""
        yield (1700000000 // 60 * 60000 + i * 60000, price, price + 1.1, price - 0.3, price + 0.7, i / 7, flags)


class Server:
    """`finsight serve` on a data folder, and JSON to it with its key."""

    def __init__(self, data):
        self.data = data

    def __enter__(self):
        self.process = subprocess.Popen([FINSIGHT, "serve", "--data-dir", str(self.data), "--port", "0", "--json"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        self.url = json.loads(self.process.stdout.readline())["url"]
        return self

    def post(self, path, body):
        key = (self.data / "admin.key").read_text().strip()
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(),
                                         {"X-API-Key": key, "Content-Type": "application/json"})  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


class Lake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="finsight-lake-"))
        cls.rows = list(rows())
        with open(cls.dir / "in.csv", "w") as f:
            f.write("ts,open,high,low,close,volume,flags,series_key\n")
            for r in cls.rows:
                f.write(",".join(map(repr, r[:6])) + f",{r[6]},binance:BTCUSDT:1m@sim\n")
        cls.ok("convert", cls.dir / "in.csv", cls.dir / "a.parquet")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    @classmethod
    def run_(cls, *args, **env):
        return subprocess.run([FINSIGHT, "--data-dir", str(cls.dir / "data"), *map(str, args)], capture_output=True, text=True,
                              timeout=120, env={**os.environ, **env})  # fmt: skip

    @classmethod
    def ok(cls, *args, **env):
        p = cls.run_(*args, **env)
        if p.returncode != 0:
            raise AssertionError(f"{args}: {p.returncode}: {p.stderr}")
        return p.stdout

    def sql(self, query, *args):
        return self.answered(self.run_("sql", query, *args))

    def answered(self, p):
        """Skips where DuckDB cannot be asked at all."""
        if "DuckDB is not installed" in p.stderr + p.stdout:
            self.skipTest("DuckDB is not installed")
        if "ERROR: Failed to mmap" in p.stderr or "FATAL: ThreadSanitizer" in p.stderr:
            self.skipTest("the shadow memory of a sanitizer does not fit under the child's memory cap")
        return p

    def check(self, got):
        """got: (ms, open, high, low, close, volume, flags number)"""
        bits = {"": 0, "synthetic": 2, "open+simulated": 5}
        self.assertEqual(len(got), N)
        for a, b in zip(got, self.rows):
            self.assertEqual(tuple(a), (*b[:6], bits[b[6]]))

    def test_duckdb_reads_every_value_MDS_28(self):
        path = self.dir / "a.parquet"
        p = self.sql(f"SELECT epoch_ms(ts) t, open, high, low, close, volume, flags FROM '{path}' ORDER BY t", "--allow", path)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.check([(int(r[0]), *map(float, r[1:6]), int(r[6])) for r in list(csv.reader(p.stdout.splitlines()))[1:]])

    def test_pyarrow_reads_every_value_MDS_28(self):
        try:
            import pyarrow.parquet
        except ImportError:
            self.skipTest("pyarrow is not installed")
        f = pyarrow.parquet.ParquetFile(self.dir / "a.parquet", page_checksum_verification=True)
        self.assertEqual(f.schema_arrow.metadata[b"symbol"], b"BTCUSDT")
        self.assertEqual(f.schema_arrow.metadata[b"simulated"], b"true")
        t = f.read()
        names = ("open", "high", "low", "close", "volume", "flags")
        columns = [t["ts"].cast("int64").to_pylist()] + [t[n].to_pylist() for n in names]
        self.check(list(zip(*columns)))

    def test_every_format_and_back_MDS_38(self):
        names = ["b.json", "c.lp.gz", "d.parquet", "e.csv.zst", "f.lp", "g.json.gz", "h.parquet"]
        had = "a.parquet"
        for name in names:
            self.ok("convert", self.dir / had, self.dir / name)
            had = name
        self.assertEqual((self.dir / "h.parquet").read_bytes(), (self.dir / "a.parquet").read_bytes())
        doc = json.loads(gzip.decompress((self.dir / "g.json.gz").read_bytes()))  # MDS-39: another decoder
        self.assertEqual((doc["series"], len(doc["candles"])), ("binance:BTCUSDT:1m@sim", N))
        if shutil.which("zstd"):
            out = subprocess.run(["zstd", "-dc", self.dir / "e.csv.zst"], capture_output=True, check=True).stdout
            self.assertEqual(out.count(b"\n"), N + 1)

    def test_the_lake_follows_the_store(self):
        self.ok("import", self.dir / "in.csv", "--symbol", "BTC/USD", "--exchange", "kraken", "--timeframe", "1m")
        query = "SELECT exchange, symbol, timeframe, count(*) AS n FROM candles WHERE exchange='kraken' GROUP BY ALL"
        p = self.sql(query, "--json")
        self.assertEqual(json.loads(p.stdout), [{"exchange": "kraken", "symbol": "BTC/USD", "timeframe": "1m", "n": N}])
        self.ok("remove", "BTC/USD", "1m", "--yes")
        self.assertEqual(json.loads(self.sql(query, "--json").stdout), [])

    def test_the_child_reads_the_lake_and_nothing_else(self):
        secret = self.dir / "secret.txt"
        secret.write_text("secret")
        evil = self.dir / "evil.csv"
        for query, words in (
            (f"SELECT * FROM read_text('{secret}')", "disabled"),
            (f"SELECT * FROM glob('{self.dir}/*')", "disabled"),
            (f"SELECT * FROM '{self.dir}/data/lake/../../secret.txt'", ""),
            (f"COPY (SELECT 1) TO '{evil}'", ""),
            (f"COPY (SELECT 1) TO '{self.dir}/data/lake/evil.csv'", "only SELECT"),
            ("SET enable_external_access=true", "only SELECT"),
            ("SELECT 1; SELECT 2", "one statement"),
            (f"ATTACH '{self.dir}/data/market.db'", "only SELECT"),
            ("INSTALL httpfs", "only SELECT"),
            ("SELEC", "syntax"),
        ):
            p = self.sql(query, "--stale")
            self.assertNotEqual(p.returncode, 0, query)
            self.assertIn(words, p.stderr, query)
            self.assertNotIn("secret\n", p.stdout)
        self.assertFalse(evil.exists() or (self.dir / "data/lake/evil.csv").exists())

    def converted(self, path, name, *args):
        p = self.run_("convert", path, self.dir / name, *args)
        return self.answered(p)

    def test_parquet_files_of_others_are_read_by_their_names_of_columns(self):
        """tests/e2e/parquet: pyarrow's own, in the forms it has (make.py)."""
        want = None
        for name in ("snappy_us", "gzip_ns_naive", "plain_v2_ints", "decimals_seconds", "int96", "texts", "many_groups"):
            p = self.converted(FOREIGN / f"{name}.parquet", f"{name}.csv", "--series", "test:X:1m")
            self.assertEqual(p.returncode, 0, (name, p.stderr))
            got = (self.dir / f"{name}.csv").read_text()
            want = want or got
            self.assertEqual(got, want, name)
        self.assertIn("2023-11-14T22:13:00Z,106.23,107.23,105.23,106.48,0,,,test:X:1m\n", want)
        self.assertEqual(want.count("\n"), 61)
        p = self.converted(FOREIGN / "days.parquet", "days.csv", "--series", "test:X:1d")
        self.assertIn("\n2024-02-29T00:00:00Z,", (self.dir / "days.csv").read_text())
        p = self.converted(FOREIGN / "flags.parquet", "flags.json")  # what a label says goes on with the candles
        rows = json.loads((self.dir / "flags.json").read_text())
        self.assertEqual(rows["series"], "binance:ETHUSDT:1m@sim")
        self.assertEqual(rows["candles"][4]["flags"], "open+simulated")
        self.assertIn("SIMULATED", p.stderr)

    def test_parquet_files_that_are_no_candles_are_told_what_is_missing(self):
        for name, words in (("no_prices", "no column for open"), ("null_price", "close: is empty"), ("nested", "is not a number"),
                            ("empty", "no row"), ("high_below_low", "high is below low")):  # fmt: skip
            p = self.converted(FOREIGN / f"{name}.parquet", f"{name}.csv", "--series", "test:X:1m")
            self.assertEqual(p.returncode, 3, (name, p.stderr))
            self.assertIn(words, p.stderr)
            self.assertIn(f"{name}.parquet", p.stderr)
            self.assertFalse((self.dir / f"{name}.csv").exists())

    def test_damaged_parquet_files_end_in_words(self):
        """Cuts and changed bytes of files of others, by DuckDB, and of ours, by our own reader."""
        rng, n = random.Random(41317), 0
        for name in ("snappy_us", "plain_v2_ints", "own"):
            whole = (self.dir / "a.parquet" if name == "own" else FOREIGN / f"{name}.parquet").read_bytes()
            for i in range(9):
                if i < 3:
                    bad = whole[: rng.randrange(len(whole))]
                elif i < 6:  # in the footer: counts, sizes, types, places
                    at = len(whole) - 8 - rng.randrange(1, min(400, len(whole) // 4))
                    bad = whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
                else:  # in a page
                    at = rng.randrange(4, len(whole) * 3 // 4)
                    bad = whole[:at] + rng.randbytes(3) + whole[at + 3 :]
                (self.dir / "bad.parquet").write_bytes(bad)
                p = self.converted(self.dir / "bad.parquet", "bad.csv", "--series", "test:X:1m")
                self.assertIn(p.returncode, (0, 3, 7, 8, 9), (name, i, p.returncode, p.stderr))
                if p.returncode == 0:  # what was changed is nothing a reader looks at
                    os.unlink(self.dir / "bad.csv")
                else:
                    n += 1
                    self.assertIn("bad.parquet", p.stderr)
                    self.assertFalse((self.dir / "bad.csv").exists())
        self.assertGreater(n, 15)

    def test_sql_over_http(self):
        data = self.dir / "http"
        self.ok("--data-dir", data, "import", self.dir / "in.csv", "--symbol", "S", "--exchange", "test", "--timeframe", "1m")
        with Server(data) as server:
            ask = lambda query, **more: server.post("/api/v1/storage/sql", {"query": query, **more})  # noqa: E731
            status, r = ask("SELECT symbol, count(*) n, min(ts) t, bool_or(high > low) b FROM candles GROUP BY ALL")
            if status == 503 and "DuckDB is not installed" in str(r):
                self.skipTest("DuckDB is not installed")
            if status == 503 and "ended without an answer" in str(r) and SANITIZED:
                self.skipTest("the shadow memory of a sanitizer does not fit under the child's memory cap")
            self.assertEqual(status, 200, r)
            self.assertEqual([c["type"] for c in r["columns"]], ["text", "number", "moment", "boolean"])
            self.assertEqual((r["rows"][0][:2], r["rows"][0][3], r["truncated"]), (["S", N], True, False))
            status, r = ask("SELECT ts, close FROM candles ORDER BY ts", limit=10)
            self.assertEqual((r["count"], r["truncated"], r["rows"][0][1]), (10, True, self.rows[0][4]))
            for query, want, words in (("SELEC", 422, "syntax"), ("COPY (SELECT 1) TO 'x'", 422, ""), ("SET threads=9", 403, "only SELECT"), ("", 422, ""),
                                       ("SELECT * FROM read_text('/etc/passwd')", 422, "disabled"),
                                       ("SELECT 1; SELECT 2", 422, "one statement")):  # fmt: skip
                status, r = ask(query, stale=True)
                self.assertEqual(status, want, r)
                self.assertIn(words, json.dumps(r))
            status, r = ask("SELECT sum(a.range * b.range) FROM range(1000000000) a, range(1000) b", stale=True, timeout_ms=500)
            self.assertEqual(status, 504, r)
            actions = [row["action"] for row in server.post("/admin/audit?limit=100", None)[1]["rows"]]
            self.assertNotIn("storage.upload", actions)  # the lake's own traffic is nobody's doing

    def test_a_query_without_end_is_ended(self):
        p = self.run_("sql", "--stale", "SELECT sum(a.range * b.range) FROM range(1000000000) a, range(1000) b",
                      FINSIGHT_SQL_TIMEOUT="1s")  # fmt: skip
        self.answered(p)
        self.assertEqual(p.returncode, 8)
        self.assertIn("sql.timeout", p.stderr)

    def test_a_query_for_all_memory_is_ended(self):
        p = self.run_("sql", "--stale", "SELECT string_agg(repeat('x', 1000000), '') FROM range(1000000)",
                      FINSIGHT_SQL_MEMORY="64MiB")  # fmt: skip
        self.answered(p)
        self.assertNotEqual(p.returncode, 0)
        self.assertRegex(p.stderr, "(?i)memory")

    def test_without_duckdb_it_is_said_what_to_do(self):
        for command in (("sql", "--stale", "SELECT 1"), ("convert", FOREIGN / "snappy_us.parquet", self.dir / "none.csv")):
            p = self.run_(*command, FINSIGHT_SQL_LIBRARY=str(self.dir / "none.so"))
            if SANITIZED and "ERROR: Failed to mmap" in p.stderr:
                self.skipTest("the shadow memory of a sanitizer does not fit under the child's memory cap")
            self.assertEqual(p.returncode, 8)
            self.assertIn("tools/setup peers", p.stderr)
        self.assertFalse((self.dir / "none.csv").exists())

    def test_results_of_backtests_are_read_by_duckdb_as_json_tells_them(self):
        data = self.dir / "results"
        with open(self.dir / "wave.csv", "w") as f:
            f.write("ts,open,high,low,close,volume\n")
            for i in range(2000):
                p = 100 + 10 * math.sin(i / 30) + i % 7
                f.write(f"{1_700_000_000_000 + i * 3_600_000},{p},{p + 1},{p - 1},{p + 0.5},1\n")
        ok = lambda *a: self.ok("--data-dir", data, *a)  # noqa: E731
        ok("import", self.dir / "wave.csv", "--symbol", "W", "--exchange", "test", "--timeframe", "1h")
        ok("backtest", "W", "1h", "--id", "wave", "--cash", "150", "--sizing", "fixed", "--size", "1", "--out", self.dir / "equity.parquet")
        told = json.loads(ok("show", "wave", "--orders", "all", "--equity-points", "1000000", "--json"))
        ok("sweep", "W", "1h", "--grid", "short_period=3:9:1,long_period=20:60:10", "--top", "1", "--out", self.dir / "sweep.parquet")
        for table in ("trades", "orders"):
            ok("results", "wave", table, "--out", self.dir / f"{table}.parquet")
            ok("results", "wave", table, "--out", self.dir / f"{table}.csv")
        self.assertGreater(len(told["trades"]), 10)
        for table, member in (("equity", "equity_curve"), ("trades", "trades"), ("orders", "orders")):
            path = self.dir / f"{table}.parquet"
            p = self.sql(f"FROM '{path}'", "--json", "--stale", "--allow", path)
            self.assertEqual(p.returncode, 0, p.stderr)
            got = json.loads(p.stdout)
            self.assertEqual(len(got), len(told[member]))
            for a, b in zip(got, told[member]):
                for name, v in a.items():
                    want = b.get(name, 0 if v == 0 else None)  # zeros may be left out of JSON
                    if v is not None and ("time" in name or name.endswith("_at")):
                        v = datetime.datetime.fromisoformat(v.replace("+00", "+00:00"))
                        want = datetime.datetime.fromisoformat(want.replace("Z", "+00:00"))
                    self.assertEqual(v if v != "" else None, want if want != "" else None, (table, name, b))
        path = self.dir / "sweep.parquet"
        p = self.sql(f"SELECT count(*) n, max(short_period) m, min(rank) r FROM '{path}'", "--json", "--stale", "--allow", path)
        self.assertEqual(json.loads(p.stdout), [{"n": 35, "m": 9.0, "r": 1}])
        with open(self.dir / "trades.csv") as f:
            self.assertEqual([r["trade_id"] for r in csv.DictReader(f)], [str(t["trade_id"]) for t in told["trades"]])
        p = self.run_("--data-dir", data, "results", "wave", "--out", "x.txt")
        self.assertEqual((p.returncode, ".parquet" in p.stderr), (2, True))

    def test_commands_work_through_a_server_MDS_37(self):
        data = self.dir / "served"
        run = lambda *a: subprocess.run([FINSIGHT, "--data-dir", str(data), *map(str, a)], capture_output=True, timeout=120)  # noqa: E731
        self.assertEqual(run("import", self.dir / "in.csv", "--symbol", "S", "--exchange", "test", "--timeframe", "1m").returncode, 0)
        server = subprocess.Popen([FINSIGHT, "serve", "--data-dir", str(data), "--port", "0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            server.stdout.readline()  # it listens
            for args in (("upload", "S", "1m", "--format", "csv", "--compression", "gzip"), ("backup",)):
                p = run(*args)
                self.assertEqual(p.returncode, 0, p.stderr)
            p = run("download", "test/S/1m.csv.gz", "--out", "-")
            self.assertEqual(gzip.decompress(p.stdout).count(b"\n"), N + 1)
        finally:
            server.terminate()
            server.wait(30)
            server.stdout.close()
        p = run("restore", "--check")
        self.assertEqual(p.returncode, 0, p.stderr)

    def test_a_full_disk_leaves_no_half_file(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        os.symlink("/dev/full", self.dir / "full.parquet.part")
        p = self.run_("convert", self.dir / "a.parquet", self.dir / "full.parquet")
        self.assertEqual(p.returncode, 9)
        self.assertIn("No space".lower(), p.stderr.lower())
        self.assertFalse((self.dir / "full.parquet").exists())


def main():
    """Runs the cases and tells each in TAP, so that what was skipped is counted and its reason shown."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Lake)
    cases = list(suite)
    names = [case.id().rsplit(".", 1)[1] for case in cases]
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(suite)
    skipped = {case.id().rsplit(".", 1)[1]: why for case, why in result.skipped}
    failed = {case.id().rsplit(".", 1)[1] for case, _ in result.failures + result.errors}
    print(f"1..{len(names)}")
    for i, name in enumerate(names, 1):
        print(f"{'not ok' if name in failed else 'ok'} {i} - {name}" + (f" # SKIP {skipped[name]}" if name in skipped else ""))
        if name in skipped:
            print(f"# skipped: {skipped[name]}")
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
