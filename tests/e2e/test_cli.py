#!/usr/bin/env python3
"""The command line as a person and as a script meet it: help, words, exit codes, pipes, terminals, Ctrl-C,
completion; and every file of the shared data through it and back."""
import csv
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import Skip, check, equal  # noqa: E402

SHARED = pathlib.Path(os.environ.get("FINSIGHT_SHARED") or pathlib.Path(__file__).resolve().parents[2] / ".." / "shared")
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
MINUTE = 60_000


def write_minutes(path, n, start=1_600_000_000_000):
    """n one-minute candles whose numbers say which they are."""
    with open(path, "w") as f:
        f.write("ts,open,high,low,close,volume\n")
        f.writelines(f"{start + i * MINUTE},{i % 90 + 10},{i % 90 + 12},{i % 90 + 9},{i % 90 + 11},{i}\n" for i in range(n))
    return path


class Screen:
    """A command on a terminal of its own; what it drew is kept."""

    def __init__(self, argv, env, columns=100):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(argv, env=env, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.text = b""

    def read(self, until=None, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until and until in self.text:
                return True
            if not select.select([self.master], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # the other side is closed
                return False
            if not piece:
                return False
            self.text += piece
        raise AssertionError(f"the terminal waits for {until!r}; it shows {self.text[-500:]!r}")

    def finish(self):
        self.read()
        self.process.wait(20)
        os.close(self.master)
        return self.text.decode()


class Cases(rig.Suite):
    def screen(self, *args, columns=100, **more):
        env = {**self.environment(), "TERM": "xterm-256color", **more}
        if "NO_COLOR" not in more:
            env.pop("NO_COLOR")
        return Screen([self.binary, *map(str, args), "--data-dir", str(self.data)], env, columns)

    def commands(self):
        listing = self.cli("help").stdout
        return re.findall(r"^  ([a-z][a-z0-9-]*) {2,}\S", listing, re.M)

    def stored(self, symbol, timeframe="1m"):
        done = self.cli("stats", symbol, timeframe, "--json", status=None)
        return json.loads(done.stdout).get("count", 0)

    # --- help and words ---

    def test_help_of_every_command_fits_the_screen_and_has_examples(self):
        names = self.commands()
        check(len(names) >= 20 and {"import", "query", "serve", "config", "doctor", "version"} <= set(names), names)
        for name in names:
            text = self.cli("help", name).stdout
            check("Usage: finsight " + name in text, name)
            check("Examples:\n  " in text and f"finsight {name}" in text.split("Examples:")[1], name, "has no example")
            for line in text.splitlines():
                check(len(line) <= 80, f"help {name}: {len(line)} columns: {line}")
            equal(self.cli(name, "--help").stdout, text, f"{name} --help and help {name}")
        for line in self.cli("help").stdout.splitlines():
            check(len(line) <= 80, line)
        check("--port" in self.cli("help", "serve").stdout and "--data-dir" in self.cli("help", "config").stdout)

    def test_examples_of_the_help_are_lines_the_program_takes(self):
        """Every flag shown in an example exists; the words are not run."""
        for name in self.commands():
            text = self.cli("help", name).stdout
            known = set(re.findall(r"--[a-z][a-z-]*", text.split("Examples:")[0]))
            known |= {"--" + word for word in re.findall(r"^  <([a-z-]+)>", text, re.M)}  # by place or by name
            known |= set(re.findall(r"--[a-z][a-z-]*", self.cli("help", "config").stdout + self.cli("help").stdout))
            for flag in re.findall(r"--[a-z][a-z-]*", text.split("Examples:")[1]):
                check(flag in known, f"help {name} shows {flag}, which is nowhere explained")

    def test_names_of_the_documents_in_the_environment(self):  # MDS-21
        def config(**environment):
            return subprocess.run([self.binary, "config", "--json"], env={**self.environment(), **environment},
                                  capture_output=True, text=True, timeout=20)

        def value(done, key):
            equal(done.returncode, 0, done.stderr)
            return next(o["value"] for o in json.loads(done.stdout) if o["key"] == key)

        equal(value(config(), "jobs.collect_interval"), "300s", "the default of the documents")
        equal(value(config(COLLECTION_INTERVAL="120"), "jobs.collect_interval"), "120s")
        both = config(COLLECTION_INTERVAL="120", FINSIGHT_JOBS_COLLECT_INTERVAL="60s")
        equal(value(both, "jobs.collect_interval"), "60s", "our own name beats theirs")
        equal(value(config(VNSTOCK_SOURCE="VCI"), "jobs.vnstock_source"), "VCI")
        for name, wrong, words in (("VNSTOCK_SOURCE", "TCBS", "not one of VCI"), ("COLLECTION_INTERVAL", "0", "outside 1s")):
            done = config(**{name: wrong})
            equal(done.returncode, 2, name)
            check(name in done.stderr and words in done.stderr, done.stderr)

    def test_near_names(self):
        rows = [
            (["imprt"], "import"), (["qurey"], "query"), (["help", "exprot"], "export"),
            (["query", "A", "1h", "--ordr", "asc"], "--order"), (["import", "x.csv", "--symbl", "A"], "--symbol"),
            (["serve", "--prot", "1"], "--port"), (["list", "--data-dri", "x"], "--data-dir"),
        ]
        for words, near in rows:
            done = self.cli(*words, status=2)
            check("did you mean " + near in done.stderr, words, done.stderr)
            check(done.stderr.count("did you mean") == 1 and len(done.stderr.splitlines()) == 1, done.stderr)
        check("did you mean" not in self.cli("xyzzy", status=2).stderr, "nothing is near xyzzy")

    # base/err.h's table, as scripts see it
    def test_exit_codes(self):
        bad = self.root / "bad.csv"
        bad.write_text("ts,open,high,low,close\n2024-01-01,1,2,1,x\n")
        rows = [
            (0, ["list"]), (0, ["version"]), (0, ["--version"]), (0, ["--help"]), (0, ["help"]),
            (2, []), (2, ["nothing"]), (2, ["query"]), (2, ["query", "A", "1h", "--wrong", "1"]),
            (2, ["query", "A", "1h", "--limit"]), (2, ["list", "--port", "abc"]),
            (3, ["query", "A", "7x"]), (3, ["query", "A", "1h", "--limit", "0"]), (3, ["import", bad, "--symbol", "A"]),
            (4, ["query", "A", "1h"]), (4, ["import", self.root / "none.csv", "--symbol", "A"]),
            (4, ["list", "--config", self.root / "none.yaml"]),
        ]
        for status, words in rows:
            done = subprocess.run([self.binary, *map(str, words), *(["--data-dir", str(self.data)] if words else [])],
                                  env=self.environment(), capture_output=True, text=True)
            equal(done.returncode, status, f"{words}: {done.stderr}")
            check(status == 0 or not words or done.stderr.startswith("finsight: "), words, done.stderr)

    def test_failures_as_json(self):
        done = self.cli("query", "A", "1h", "--json", status=4)
        error = json.loads(done.stdout)["error"]
        equal((error["code"], error["field"], done.stderr), ("not_found", "symbol", ""))
        check("no candles of A:1h are" in error["message"], error["message"])
        error = json.loads(self.cli("query", "A", "1h", "--json", "--limit", "0", status=3).stdout)["error"]
        equal((error["code"], error["field"]), ("validation_error", "--limit"))

    def test_a_command_s_flag_wins_over_the_program_s(self):
        ports = {self.exchange().port, self.exchange().port}  # --port 0
        check(len(ports) == 2 and 9090 not in ports, ports)

    # --- pipes ---

    def test_a_pipe_gets_results_and_nothing_else(self):
        source = write_minutes(self.root / "a.csv", 2000)
        done = self.cli("import", source, "--symbol", "A", "--quiet")
        equal(done.stderr, "", "a quiet import")
        for words in (["list"], ["stats", "A", "1m"], ["gaps", "A", "1m"], ["quality", "A", "1m"], ["query", "A", "1m"],
                      ["export", "A", "1m"], ["storage"], ["verify"], ["config"], ["exchanges"], ["version"]):
            done = self.cli(*words)
            equal(done.stderr, "", words)
            check(done.stdout and "\x1b" not in done.stdout and "\r" not in done.stdout, words)
            done = self.cli(*words, "--json")
            equal(done.stderr, "", words)
            if words[0] != "export":  # its form is --format
                json.loads(done.stdout)
        done = self.cli("import", source, "--symbol", "B")
        check("\r" not in done.stderr and len(done.stderr.splitlines()) == 1, "one note, no progress", done.stderr)

    def test_a_reader_that_leaves_is_no_error(self):
        self.cli("import", write_minutes(self.root / "a.csv", 60_000), "--symbol", "A")
        for words in ("query A 1m --limit 20000", "query A 1m --limit 20000 --json", "export A 1m",
                      "export A 1m --format jsonl", "export A 1m --format json"):
            line = f"'{self.binary}' {words} --data-dir '{self.data}' | head -c 100"
            done = subprocess.run(["bash", "-c", line + "; code=${PIPESTATUS[0]}; echo; echo $code"], env=self.environment(),
                                  capture_output=True, text=True, timeout=60)
            equal(done.stderr, "", words)
            equal(done.stdout.splitlines()[-1], "141", words)
        self.cli("verify")

    def test_results_that_cannot_be_written_are_a_failure(self):
        self.cli("import", write_minutes(self.root / "a.csv", 30_000), "--symbol", "A")
        full = pathlib.Path("/dev/full")
        if not full.is_char_device():
            raise Skip("there is no /dev/full")
        for words in (["list"], ["query", "A", "1m"], ["export", "A", "1m"], ["list", "--json"], ["help"]):
            with open(full, "w") as out:
                done = subprocess.run([self.binary, *words, "--data-dir", str(self.data)], env=self.environment(), stdout=out,
                                      stderr=subprocess.PIPE, text=True)
            equal(done.returncode, 9, words)
            check("cannot write standard output" in done.stderr, words, done.stderr)

    def test_export_to_a_file_is_whole_or_not_there(self):
        self.cli("import", write_minutes(self.root / "a.csv", 30_000), "--symbol", "A")
        out = self.root / "out.csv"
        out.write_text("the old content\n")
        done = subprocess.run([self.binary, "export", "A", "1m", "--out", str(out), "--data-dir", str(self.data)],
                              env=self.environment(), capture_output=True, text=True, preexec_fn=limit_file_size(100_000))
        check(done.returncode == 9 and "out.csv" in done.stderr, done.returncode, done.stderr)
        equal(out.read_text(), "the old content\n")
        equal(sorted(p.name for p in self.root.iterdir() if p.name.startswith("out")), ["out.csv"], "nothing left beside it")
        self.cli("export", "A", "1m", "--out", out)
        equal(len(out.read_text().splitlines()), 30_001)
        # what is not an ordinary file is written to, never replaced
        fifo = self.root / "fifo"
        os.mkfifo(fifo)
        copy = self.root / "copy"
        with open(copy, "wb") as f:
            reader = subprocess.Popen(["cat", fifo], stdout=f)
            self.cli("export", "A", "1m", "--out", fifo)
            reader.wait(20)
        equal(copy.read_bytes(), out.read_bytes())
        check(fifo.is_fifo(), "still a pipe")

    def test_import_from_a_pipe(self):
        source = write_minutes(self.root / "a.csv", 120_000)
        for words in (f"cat '{source}' | '{self.binary}' import - --symbol STDIN", f"'{self.binary}' import <(cat '{source}') --symbol FD"):
            subprocess.run(["bash", "-c", f"{words} --data-dir '{self.data}'"], env=self.environment(), check=True,
                           capture_output=True, timeout=60)
        equal((self.stored("STDIN"), self.stored("FD")), (120_000, 120_000))

    # --- terminals ---

    def test_progress_with_rate_and_eta_on_a_terminal(self):
        source = write_minutes(self.root / "a.csv", 3_000_000)  # a second or more: a rate needs some time to be one
        screen = self.screen("import", source, "--symbol", "A")
        text = screen.finish()
        equal(screen.process.returncode, 0, text)
        plain = ESCAPE.sub("", text)
        check(re.search(r"(reading|storing)  \S+ *\d+ %", plain), "a bar with its share", plain[:400])
        check(re.search(r"candles  [\d,]+/s", plain), "a rate", plain[:400])
        check("3,000,000 new" in plain and "candles a second" in plain, plain[-400:])
        check(text.rindex("\x1b[K") < text.index("3,000,000 new"), "the progress line is taken away before the result")
        quiet = self.screen("import", source, "--symbol", "A", "--quiet").finish()
        check("\r\x1b[K" not in quiet and "reading" not in quiet, quiet)

    def test_eta_of_a_long_collection(self):
        exchange = self.exchange("--fault", "trickle:n=40000,path=klines")
        server = self.serve(exchange=exchange)
        screen = self.screen("ensure", "BTCUSDT", "1m", "--start", "2023-01-01", "--end", "2023-02-01")
        plain = ESCAPE.sub("", screen.finish())
        equal(screen.process.returncode, 0, plain)
        check(re.search(r"ETA [\d.]+ m?s", plain), "time to go", plain[:600])
        check("SIMULATED" in plain and "44,640" in plain, plain[-600:])
        server.stop()

    def test_colours_on_a_terminal_only(self):
        self.cli("import", write_minutes(self.root / "a.csv", 3000), "--symbol", "A")
        check("\x1b[" in self.screen("list").finish(), "colour on a terminal")
        for more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            check("\x1b[" not in self.screen("list", **more).finish(), more)
        check("\x1b[" not in self.screen("list", "--no-color").finish(), "--no-color")
        check("\x1b[" not in self.screen("query", "A", "1m", "--json").finish(), "--json")
        check("\x1b[" in self.screen("list", NO_COLOR="").finish(), "an empty NO_COLOR says nothing")
        piped = subprocess.run([self.binary, "import", str(self.root / "none.csv"), "--symbol", "A"], capture_output=True, text=True,
                               env={k: v for k, v in self.environment().items() if k != "NO_COLOR"})
        check("\x1b" not in piped.stderr, piped.stderr)

    # --- Ctrl-C ---

    def interrupt(self, process, text_of):
        process.send_signal(signal.SIGINT)
        process.wait(20)
        equal(process.returncode, 130, text_of())

    def test_ctrl_c_in_an_import(self):
        source = write_minutes(self.root / "a.csv", 1_500_000)
        env = {**self.environment(), "TERM": "xterm"}
        for phase in (b"reading", b"storing"):
            screen = Screen([self.binary, "import", str(source), "--symbol", "A", "--data-dir", str(self.data)], env)
            check(screen.read(until=phase), "it came to " + phase.decode())
            screen.process.send_signal(signal.SIGINT)
            text = screen.finish()
            equal(screen.process.returncode, 130, text[-300:])
            check("cancelled" in text, text[-300:])
            self.cli("verify")
        check(self.stored("A") < 1_500_000, "it was in the middle")
        self.cli("import", source, "--symbol", "A")
        equal(self.stored("A"), 1_500_000)
        equal(json.loads(self.cli("gaps", "A", "1m", "--json").stdout)["gaps"], 0)

    def test_ctrl_c_in_a_collection(self):
        exchange = self.exchange("--fault", "trickle:n=60000,path=klines")
        flags = ["--binance-url", exchange.url, "--binance-simulated", "--binance-private"]
        words = ["ensure", "BTCUSDT", "1m", "--start", "2023-01-01", "--end", "2023-02-01", *flags]
        process = subprocess.Popen([self.binary, *words, "--data-dir", str(self.data)], env=self.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        rig.wait_for(lambda: exchange.get("/sim/stats").json.get("requests", 0) > 15, 20, "the collection's middle")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        equal(process.returncode, 130, err)
        check(b"cancelled" in err, err)
        self.cli("verify")
        self.cli(*words, timeout=120)
        equal(self.stored("BTCUSDT"), 31 * 1440)
        again = json.loads(self.cli(*words, "--json").stdout)
        equal(again[0]["requests"], 0)

    # --- completion ---

    def complete(self, *words):
        """What bash offers for the last word."""
        script = self.cli("completion", "bash").stdout
        line = "COMP_WORDS=(%s); COMP_CWORD=%d; _finsight; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
            " ".join(f"'{w}'" for w in ("finsight", *words)), len(words))
        done = subprocess.run(["bash", "-c", script + "\n" + line], capture_output=True, text=True, cwd=self.root, timeout=20)
        equal((done.returncode, done.stderr), (0, ""), words)
        return set(done.stdout.split())

    def test_bash_completion_offers_commands_flags_and_files(self):
        (self.root / "prices.csv").write_text("")
        equal(self.complete(""), set(self.commands()) | {"help"})
        equal(self.complete("im"), {"import"})
        equal(self.complete("help", "exp"), {"export"})
        equal(self.complete("import", "--sta"), {"--stamp"})
        equal(self.complete("import", "pri"), {"prices.csv"})
        equal(self.complete("export", "--format", ""), {"csv", "json", "jsonl"})
        equal(self.complete("export", "--format", "json"), {"json", "jsonl"})
        equal(self.complete("completion", ""), {"bash", "zsh", "fish"})
        check({"--port", "--host", "--json"} <= self.complete("serve", "--"))
        for name in self.commands():
            for flag in re.findall(r"^  (--[a-z-]+)", self.cli("help", name).stdout, re.M):
                check(flag in self.complete(name, flag), name, flag)

    def test_zsh_and_fish_completion(self):
        zsh, fish = self.cli("completion", "zsh").stdout, self.cli("completion", "fish").stdout
        for name in self.commands():
            check(f"'{name}:" in zsh and f" -a {name} " in fish, name)
        missing = []
        for shell, text in (("zsh", zsh), ("fish", fish)):
            path = self.root / shell
            path.write_text(text)
            if shutil.which(shell):
                subprocess.run([shell, "-n", path], check=True, timeout=20)
            else:
                missing.append(shell)
        if missing:
            raise Skip("the syntax of what is not installed is not checked: " + ", ".join(missing))

    # --- every file of the shared data ---

    # MDS-14, MDS-27: import, gaps with class and evidence, and back, equal in every number
    def test_every_shared_file_goes_in_and_comes_back(self):
        if not (SHARED / "data" / "ohlcv").is_dir():
            raise Skip("the shared data are not there")
        ends = {"fesx_m1", "ethusd_cb_d1", "ethusd_bus_m5"}  # PROVENANCE.md: stamped at the END
        options = {"fesx_m1": ["--tz", "Europe/Berlin"],
                   "spx_w1": ["--timeframe", "1w"], "btcusd_mn1": ["--timeframe", "1M"]}
        gaps = {"fesx_m1": (765, None), "unittest_btc_m1": (538, 717), "eurusd_h1": (42, 2063),
                "gbpusd_m1_bid": (111, None), "btcusdt_h1": (1, None), "binanceus_btcusdt_m1_202303": (0, 0)}
        files = sorted((SHARED / "data" / "ohlcv").glob("*.csv")) + sorted((SHARED / "data" / "xexch").glob("*.csv"))
        equal(len(files), 30, "files in ohlcv and xexch")
        for path in files:
            stem = path.stem
            symbol = stem.upper().replace("_", "-")
            flags = options.get(stem, []) + (["--stamp", "end"] if stem in ends else [])
            told = json.loads(self.cli("import", path, "--symbol", symbol, *flags, "--json").stdout)
            same_numbers(path, self.cli("export", symbol, told["timeframe"], "--times", "ms").stdout, told)
            report = json.loads(self.cli("gaps", symbol, told["timeframe"], "--limit", 10000, "--json").stdout)
            if stem in gaps:
                equal(report["gaps"], gaps[stem][0], stem + " gaps")
                equal(report["missing"], gaps[stem][1] if gaps[stem][1] is not None else report["missing"], stem + " missing")
            equal(len(report["items"]), report["gaps"], stem)
            equal(sum(g["missing"] for g in report["items"]), report["missing"], stem)
            for gap in report["items"]:
                check(gap["class"] in ("no-trade", "venue-down", "market-closed", "not-fetched", "unknown"), gap)
                check(gap["evidence"].strip(), stem, gap)
        self.cli("verify")


def limit_file_size(n):
    def apply():
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails with EFBIG instead
    return apply


def same_numbers(path, exported, told):
    """The five numbers of every row, source against export, in order of time."""
    with open(path, newline="") as f:
        rows = list(csv.reader(f))
    head = [c.strip().lower() for c in rows[0]]
    if head[0][0].isdigit():
        columns = [1, 2, 3, 4, 5]
    else:
        columns = [next((i for i, c in enumerate(head) if c == name), None)
                   for name in ("open", "high", "low", "close", "volume")]
        rows = rows[1:]
    source = [[0.0 if c is None else float(row[c]) for c in columns] for row in rows if row]
    back = [row.split(",") for row in exported.splitlines()[1:]]
    equal(len(back), len(source), f"{path.name}: rows")
    equal(told["rows"], len(source), path.name)
    times = [int(r[0]) for r in back]
    check(all(a < b for a, b in zip(times, times[1:])), path.name, "times ascend")
    wrong = [(i, s, b[1:6]) for i, (s, b) in enumerate(zip(source, back)) if s != [float(x) for x in b[1:6]]]
    if wrong:  # a source that is not sorted
        equal(sorted(source), sorted([float(x) for x in b[1:6]] for b in back), f"{path.name}: first {wrong[0]}")


sys.exit(rig.main(Cases))
