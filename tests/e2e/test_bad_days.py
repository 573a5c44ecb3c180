#!/usr/bin/env python3
"""Bad input and bad days: every failure names its place, stores nothing half, and the next command works."""
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import Skip, check, equal  # noqa: E402

HEAD = "ts,open,high,low,close,volume\n"
START = 1_600_000_000_000
MINUTE = 60_000


def minutes(n, start=START, base=10):
    return "".join(f"{start + i * MINUTE},{i % 90 + base},{i % 90 + base + 2},{i % 90 + base - 1},{i % 90 + base + 1},{i}\n"
                   for i in range(n))


def small_files(n):
    def apply():
        resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past it fails, as on a full disk
    return apply


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Cases(rig.Suite):
    def file(self, text, name="a.csv"):
        path = self.root / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def series(self):
        return {r["series"]: r["candles"] for r in json.loads(self.cli("list", "--json").stdout)["series"]}

    def raw(self, *words, **more):
        return subprocess.run([self.binary, *map(str, words), "--data-dir", str(self.data)], env=self.environment(),
                              capture_output=True, text=True, timeout=60, **more)

    # --- bad input ---

    # MDS-10, MDS-14: the words name file, line and column; nothing is stored
    def test_malformed_files_name_the_place(self):
        good = "2024-01-01T00:00:00Z,1,2,1,2,5\n"
        rows = [
            ("not a number", HEAD + good + "2024-01-01T01:00:00Z,1,abc,1,2,5\n", "line 3", "high"),
            ("high below low", HEAD + good + "2024-01-01T01:00:00Z,1,0.5,1,2,5\n", "line 3", "high"),
            ("negative volume", HEAD + good + "2024-01-01T01:00:00Z,1,2,1,2,-5\n", "line 3", "volume"),
            ("infinite", HEAD + good + "2024-01-01T01:00:00Z,1,inf,1,2,5\n", "line 3", "high"),
            ("not a number at all", HEAD + good + "2024-01-01T01:00:00Z,nan,2,1,2,5\n", "line 3", "open"),
            ("no such day", HEAD + good + "2024-02-30T00:00:00Z,1,2,1,2,5\n", "line 3", "time"),
            ("a field missing", HEAD + good + "2024-01-01T01:00:00Z,1,2\n", "line 3", ""),
            ("a quote left open", HEAD + good + '2024-01-01T01:00:00Z,1,2,1,2,"5\n', "line 3", ""),
            ("no column for close", "ts,open,high,low\n2024-01-01,1,2,1\n", "line 1", "close"),
            ("no rows", HEAD, "", ""),
            ("nothing", "", "empty", ""),
            ("garbage", bytes(range(256)) * 64, "line 1", ""),
            ("noughts", b"\0" * 5000, "line 1", ""),
            ("UTF-16", (HEAD + good).encode("utf-16"), "line 1", ""),
            ("a huge line", "ts," + "9" * 3_000_000 + "\n", "line 1", ""),
            ("a huge field in row 3", HEAD + good + "2024-01-01T01:00:00Z," + "1" * 2_000_000 + ",2,1,2,5\n", "line 3", ""),
        ]
        for name, text, *places in rows:
            path = self.file(text, "bad.csv")
            for words, shown, stdin in (([path], "bad.csv", None), (["-"], "standard input", path)):
                with open(stdin or os.devnull) as f:
                    done = self.raw("import", *words, "--symbol", "BAD", stdin=f)
                check(done.returncode in (3, 7), name, done.returncode, done.stderr)
                for place in (shown, *places):
                    check(place in done.stderr, f"{name}: {place!r} is not in", done.stderr[:300])
                check(len(done.stderr) < 600 and done.stderr.isprintable() or done.stderr.rstrip("\n").isprintable(),
                      name, "words fit for a screen", done.stderr[:300])
        equal(self.series(), {})

    def test_a_bad_row_in_the_middle_stores_nothing(self):
        text = HEAD + minutes(150_000) + "oops,1,2,1,2,5\n" + minutes(100, START + 150_000 * MINUTE)
        path = self.file(text)
        done = self.cli("import", path, "--symbol", "A", status=3)
        check("a.csv: line 150002" in done.stderr and "time" in done.stderr, done.stderr)
        done = self.cli("import", "-", "--symbol", "A", status=3, stdin=text)
        check("standard input: line 150002" in done.stderr, done.stderr)
        equal(self.series(), {})
        # what the server is given is all or nothing too
        server = self.serve()
        self.cli("import", path, "--symbol", "A", status=3)
        equal(self.series(), {})
        told = json.loads(self.cli("import", path, "--symbol", "A", "--skip-bad", "--json").stdout)
        equal((told["rows"], told["skipped"], told["inserted"]), (150_100, 1, 150_100))
        equal(server.get("/health").status, 200)

    def test_skip_bad_counts_and_shows_the_first_ones(self):
        rows = [HEAD]
        for i in range(1000):
            rows.append(f"{START + i * MINUTE},10,{'x' if i % 10 == 3 else 12},9,11,{i}\n")
        done = self.cli("import", self.file("".join(rows)), "--symbol", "A", "--skip-bad")
        check("100 faulty rows left out" in done.stderr and "line 5, column high" in done.stderr, done.stderr)
        equal(done.stderr.count("column high"), 5)
        equal(self.series(), {"file:A:1m": 900})
        report = json.loads(self.cli("gaps", "A", "1m", "--json").stdout)
        equal((report["gaps"], report["missing"]), (100, 100))

    def test_what_is_no_file(self):
        rows = [(self.root, 9, "is a directory"), (self.root / "none.csv", 4, "no such file"),
                (self.root / "none" / "none.csv", 4, "no such file"), (self.file("", "x") / "y", 9, "not a directory")]
        for path, status, words in rows:
            done = self.raw("import", path, "--symbol", "A")
            check(done.returncode in (status, 4, 9), path, done.returncode, done.stderr)
            check(words in done.stderr.lower() and str(path) in done.stderr, done.stderr)

    def test_malformed_configuration_names_file_and_line(self):
        rows = [("server:\n  prot: 1\n", "c.yaml:2:3", "server.port"), ("server:\n  port: abc\n", "c.yaml:2", "server.port"),
                ("a: [\n", "c.yaml:2", "YAML"), ("server:\n  port: 70000\n", "c.yaml:2", "server.port"),
                ("log:\n  level: loud\n", "c.yaml:2", "warning")]
        for text, place, word in rows:
            done = self.raw("list", "--config", self.file(text, "c.yaml"))
            equal(done.returncode, 2, done.stderr)
            check(place in done.stderr and word in done.stderr, text, done.stderr)
        done = subprocess.run([self.binary, "list"], capture_output=True, text=True,
                              env={**self.environment(), "FINSIGHT_SERVER_PORTT": "1", "FINSIGHT_DATA_DIR": str(self.data)})
        check(done.returncode == 2 and "FINSIGHT_SERVER_PORTT" in done.stderr, done.returncode, done.stderr)
        check(not self.data.exists(), "a bad configuration makes nothing")

    def test_malformed_requests_leave_the_server_alive(self):
        server = self.serve()
        key = {"X-API-Key": self.key(), "Content-Type": "application/json"}
        rng = random.Random(3)
        row = {"timestamp": "2024-01-01T00:00:00Z", "open": 1, "high": 2, "low": 1, "close": 2, "volume": 1}
        body = {"exchange": "file", "symbol": "A", "timeframe": "1h", "candles": [row] * 3}
        for field in ("open", "high", "low", "close", "volume", "timestamp"):
            for bad in ("x", None, [], {}, True):
                rows = [dict(row, timestamp=f"2024-01-01T0{i}:00:00Z") for i in range(3)]
                rows[1][field] = bad
                reply = server.request("POST", "/api/v1/market/candles", json.dumps({**body, "candles": rows}), key)
                equal(reply.status, 422, (field, bad, reply.body))
                check(reply.json["error"]["field"].startswith("candles[1]"), reply.body)
        text = json.dumps(body)
        for _ in range(200):
            at = rng.randrange(len(text))
            broken = text[:at] + chr(rng.randrange(32, 127)) * rng.randrange(3) + text[at + rng.randrange(1, 5):]
            reply = server.request("POST", "/api/v1/market/candles", broken, key)
            check(reply.status in (200, 400, 422), reply.status, broken)
            check(reply.status == 200 or reply.json["error"]["message"], broken)
        equal(server.get("/health").json["status"], "healthy")

    # --- bad days ---

    def test_read_only_folder(self):
        self.cli("import", self.file(HEAD + minutes(100)), "--symbol", "A")
        # the binary where an ordinary user can read it
        self.root.chmod(0o755)
        self.data.chmod(0o755)
        for path in self.data.iterdir():
            path.chmod(0o644)
        binary = self.root / "finsight"
        shutil.copy(self.binary, binary)
        binary.chmod(0o755)
        source = self.file(HEAD + minutes(10))
        source.chmod(0o644)
        argv = [str(binary)]
        if os.getuid() == 0:
            if not shutil.which("setpriv"):
                raise Skip("root may write everywhere, and setpriv is not there")
            argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
        else:
            self.data.chmod(0o555)
        before = digest(self.data / "market.db")
        try:
            for words in (["import", source, "--symbol", "B"], ["serve", "--port", "0"], ["list"]):
                done = subprocess.run([*argv, *map(str, words), "--data-dir", str(self.data)], env=self.environment(),
                                      capture_output=True, text=True, timeout=30)
                check(done.returncode in (6, 9), words, done.returncode, done.stderr)
                check(str(self.data) in done.stderr, words, done.stderr)
                check("permission denied" in done.stderr.lower() or "read-only" in done.stderr.lower(), done.stderr)
        finally:
            self.data.chmod(0o755)
        equal(digest(self.data / "market.db"), before)
        done = subprocess.run([*argv, "list", "--data-dir", "/proc/finsight"], env=self.environment(), capture_output=True, text=True)
        check(done.returncode in (4, 6, 9) and "/proc/finsight" in done.stderr, done.stderr)

    # RES-20: no room is said, and what was there stays
    def full_disk(self, kilobytes):
        """A small file system at self.data; without the right to mount, a limit on the size of files stands in."""
        self.data.mkdir()
        if os.getuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", self.data],
                                               capture_output=True).returncode == 0:
            self.mounted = True
            return None
        return small_files(kilobytes * 1000)

    def more_room(self):
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,size=100m", self.data], check=True)

    def close(self):
        super_problem = None
        try:
            for server in self.servers:
                if server.process.poll() is None:
                    server.stop()
        except AssertionError as e:
            super_problem = e
        if self.mounted:
            subprocess.run(["umount", self.data], check=True)
        super().close()
        if super_problem:
            raise super_problem

    mounted = False

    def test_disk_full_in_an_import(self):
        limit = self.full_disk(1500)
        self.cli("import", self.file(HEAD + minutes(1000)), "--symbol", "KEPT")
        big = self.file(HEAD + "".join(f"{START + i * MINUTE},{100 + (i * 7919 % 9973) / 7},{5000 + i / 3},{1 / (3 + i % 97)},{100 + i / 9},{i * 1.37}\n"
                                       for i in range(100_000)), "big.csv")
        for _ in range(3):
            done = self.raw("import", big, "--symbol", "BIG", preexec_fn=limit)
            equal(done.returncode, 9, done.stderr)
            check(not self.mounted or "the disk is full" in done.stderr, done.stderr)
            equal(len(done.stderr.splitlines()), 1, done.stderr)
            self.cli("verify")
            equal(self.series()["file:KEPT:1m"], 1000)
        self.more_room()
        self.cli("import", big, "--symbol", "BIG")
        equal(self.series(), {"file:KEPT:1m": 1000, "file:BIG:1m": 100_000})

    def test_disk_full_in_a_server(self):
        limit = self.full_disk(1500)
        argv = [self.binary, "serve", "--data-dir", str(self.data), "--port", "0", "--json"]
        with open(self.root / "log", "wb") as log:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, env=self.environment(), preexec_fn=limit)
        server = rig.Server(process, json.loads(process.stdout.readline()))
        self.servers.append(server)
        key = {"X-API-Key": self.key(), "Content-Type": "text/csv"}

        def save(k):
            rows = HEAD + "".join(f"{START + (k * 2000 + i) * MINUTE},{(i * 7919 % 9973) / 7 + 10},{9000 + i / 3},{1 / (3 + i)},{i / 9 + 1},{i * 1.37}\n"
                                  for i in range(2000))
            return server.request("POST", "/api/v1/market/candles?exchange=file&symbol=A&timeframe=1m", rows, key)

        saved, refused = 0, None
        for k in range(200):
            reply = save(k)
            if reply.status != 200:
                refused = reply
                break
            saved += 2000
        check(refused is not None and saved >= 2000, "the disk did not get full", saved)
        if self.mounted:
            equal((refused.status, refused.json["error"]["code"]), (507, "storage_error"), refused.body)
        equal(server.get("/health").status, 200)
        page = server.get("/api/v1/market/candles?symbol=A&timeframe=1m&limit=10")
        equal((page.status, page.json["count"]), (200, 10), "what is stored is still served")
        if self.mounted:
            self.more_room()
            equal(save(k).status, 200, "with room again it goes on")
            saved += 2000
        equal(server.stop(), 0)
        self.cli("verify")
        check(self.series()["file:A:1m"] >= saved, "acknowledged rows", saved, self.series())

    def test_port_in_use(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen(1)
            port = s.getsockname()[1]
            for words in (["serve", "--port", port], ["exchange-sim", "--port", port]):
                done = self.raw(*words)
                equal(done.returncode, 5, done.stderr)
                check(f"127.0.0.1:{port}" in done.stderr and "in use" in done.stderr, done.stderr)
        self.serve().stop()

    # STO-01: one owner
    def test_the_second_owner_is_told_who_the_first_is(self):
        server = self.serve()
        done = self.raw("serve", "--port", 0)
        check(done.returncode in (5, 8, 9), done.returncode, done.stderr)
        check(str(server.process.pid) in done.stderr, "the words name the process", done.stderr)
        equal(self.raw("list").returncode, 0, "a command goes through the first")
        server.stop(signal.SIGKILL)
        self.cli("list")  # a dead owner's lock and socket stop nobody
        self.serve().stop()

    # --- other versions ---

    def test_a_store_of_a_newer_version_is_left_alone(self):
        self.cli("import", self.file(HEAD + minutes(3000)), "--symbol", "A")
        db = self.data / "market.db"
        with sqlite3.connect(db) as connection:
            connection.execute("UPDATE meta SET value=value+1000 WHERE name='schema_version'")
        connection.close()
        before = digest(db)
        for words in (["list"], ["import", self.root / "a.csv", "--symbol", "A"], ["serve", "--port", 0], ["verify"]):
            done = self.raw(*words)
            equal(done.returncode, 9, (words, done.stderr))
            check("newer" in done.stderr and "market.db" in done.stderr, done.stderr)
        equal(digest(db), before, "the file is untouched")

    # What was begun at the start is under way while all is taken down
    def test_a_stop_in_the_moment_of_the_start_is_clean(self):
        for i in range(12):
            process = subprocess.Popen([self.binary, "serve", "--port", "0", "--data-dir", self.root / f"brief{i}"],
                                       stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=self.environment())
            said = ""
            for line in process.stderr:
                said += line
                if '"serving"' in line:
                    break
            process.terminate()
            said += process.stderr.read()
            equal((process.wait(60), "ERROR" in said), (0, False), said[-2000:])

    def test_a_store_of_an_older_version_is_brought_up(self):
        self.cli("import", self.file(HEAD + minutes(3000)), "--symbol", "A")
        db = self.data / "market.db"
        with sqlite3.connect(db) as connection:  # the way down of steps 3 and 2
            equal(connection.execute("SELECT value FROM meta WHERE name='schema_version'").fetchone()[0], 3)
            connection.executescript("DROP TABLE outbox; DROP TABLE inbox; DROP TABLE corporate_action; ALTER TABLE coverage DROP COLUMN source;"
                                     "UPDATE meta SET value=1 WHERE name='schema_version'")
        connection.close()
        equal(self.series(), {"file:A:1m": 3000})
        self.cli("verify")
        with sqlite3.connect(db) as connection:
            equal(connection.execute("SELECT value FROM meta WHERE name='schema_version'").fetchone()[0], 3)
        connection.close()
        check([p for p in self.data.iterdir() if p.name.startswith("market.db") and p.name not in
               ("market.db", "market.db-wal", "market.db-shm")], "the file as it was lies beside it", list(self.data.iterdir()))

    def test_a_file_that_is_no_store(self):
        self.data.mkdir()
        db = self.data / "market.db"
        db.write_bytes(b"this is a letter to my aunt, not a database. " * 100)
        before = digest(db)
        done = self.raw("list")
        check(done.returncode == 9 and "market.db" in done.stderr, done.returncode, done.stderr)
        equal(digest(db), before)
        db.unlink()
        with sqlite3.connect(db) as connection:
            connection.execute("CREATE TABLE recipes(name)")
        connection.close()
        done = self.raw("list")
        check(done.returncode == 9 and "another program" in done.stderr, done.returncode, done.stderr)

    # --- damage ---

    # A flipped bit is found, named, and stands in nobody's way but its own block's.
    def test_bit_flips_in_stored_blocks(self):
        self.cli("import", self.file(HEAD + minutes(20_000)), "--symbol", "A")
        self.cli("import", self.file(HEAD + minutes(5000)), "--symbol", "B")
        whole = self.cli("export", "A", "1m", "--times", "ms").stdout.splitlines()[1:]
        db = self.data / "market.db"
        rng = random.Random(11)
        with sqlite3.connect(db) as connection:
            blocks = connection.execute("SELECT b.rowid, b.t0, b.t1, b.data FROM candle_block b JOIN series s ON s.id=b.series_id"
                                        " WHERE s.symbol='A' ORDER BY b.t0").fetchall()
        connection.close()
        check(len(blocks) >= 10, "blocks", len(blocks))
        for rowid, t0, t1, data in (blocks[1], blocks[len(blocks) // 2], blocks[-2]):
            for _ in range(4):
                broken = bytearray(data)
                broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
                with sqlite3.connect(db) as connection:
                    connection.execute("UPDATE candle_block SET data=? WHERE rowid=?", (bytes(broken), rowid))
                connection.close()
                done = self.cli("query", "A", "1m", "--start", t0, "--end", t0 + 10 * MINUTE, status=9)
                check("A:1m" in done.stderr and "block" in done.stderr, "series and block are named", done.stderr)
                equal(done.stdout, "", "nothing of it is served")
                done = self.cli("verify", status=9)
                check("A:1m" in done.stderr and "block" in done.stderr, done.stderr)
                self.cli("export", "A", "1m", status=9)
                equal(self.cli("export", "A", "1m", "--times", "ms", "--end", t0).stdout.splitlines()[1:],
                      [l for l in whole if int(l.split(",")[0]) < t0], "before it")
                equal(self.cli("export", "A", "1m", "--times", "ms", "--start", t1 + 1).stdout.splitlines()[1:],
                      [l for l in whole if int(l.split(",")[0]) > t1], "behind it")
                equal(len(self.cli("export", "B", "1m").stdout.splitlines()), 5001)
            with sqlite3.connect(db) as connection:
                connection.execute("UPDATE candle_block SET data=? WHERE rowid=?", (data, rowid))
            connection.close()
        self.cli("verify")

    # RES-12: kill -9 at 25 seeded moments; each store is whole, and the same import again completes it
    def test_kills_during_an_import(self):
        rng = random.Random(25)
        path = self.file(HEAD + minutes(1_000_000))
        argv = [self.binary, "import", str(path), "--symbol", "A", "--data-dir", str(self.data), "--quiet"]
        self.cli("list")

        wal = self.data / "market.db-wal"

        def storing():  # the import has begun to write: a kill before that proves little
            return wal.exists() and wal.stat().st_size > 100_000
        middle = 0
        for k in range(25):
            self.cli("remove", "A", "1m", "--yes", status=None)
            process = subprocess.Popen(argv, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if k % 5:
                while process.poll() is None and not storing():
                    time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.2))
            process.kill()
            process.wait()
            self.cli("verify")
            stored = self.series().get("file:A:1m", 0)
            middle += 0 < stored < 1_000_000
            check(0 <= stored <= 1_000_000, stored)
            if k % 5 == 4:
                told = json.loads(self.cli("import", path, "--symbol", "A", "--json").stdout)
                equal((told["unchanged"], told["inserted"]), (stored, 1_000_000 - stored))
                equal(json.loads(self.cli("gaps", "A", "1m", "--json").stdout)["missing"], 0)
        print(f"# {middle} of 25 kills in the middle of storing")

    # --- the demo on people's files ---

    def test_demo_on_awkward_files(self):
        rows = [
            ("my prices (2024).csv", HEAD + minutes(500), 0, "500 candles of MY_PRICES"),
            ("semicolons.csv", "date;open;high;low;close\n2024-01-02;1;2;1;2\n2024-01-03;2;3;2;3\n2024-01-04;2;3;2;3\n", 0, "3 candles"),
            ("backwards.csv", "date,close,open,high,low\n2024-01-04,2,2,3,1\n2024-01-03,2,2,3,1\n2024-01-02,2,2,3,1\n", 0, "3 candles"),
            ("one.csv", HEAD + minutes(1), None, "one.csv"),
            ("empty.csv", "", 3, "empty.csv"),
            ("words.csv", "hello\nworld\n", 3, "words.csv"),
            ("bad.csv", HEAD + minutes(10) + "x,1,2,1,2,3\n", 3, "bad.csv: line 12"),
            ("...csv", HEAD + minutes(10), 0, "10 candles"),
        ]
        for name, text, status, words in rows:
            done = self.raw("demo", "--data", self.file(text, name))
            check(status is None or done.returncode == status, name, done.returncode, done.stderr)
            check(words in done.stdout + done.stderr, name, done.stdout[-800:], done.stderr)
            check(done.returncode in (0, 3), name, done.returncode, done.stderr)
            split = re.findall(r"300 requests by 4 clients .* kill -9 of market :\d+ at the 100th: (\d+) failed", done.stdout)
            equal(split, ["0"] if done.returncode == 0 else [], name)
            check("nan" not in done.stdout.lower().replace("finance", ""), name, done.stdout)


sys.exit(rig.main(Cases))
