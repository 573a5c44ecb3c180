#!/usr/bin/env python3
"""finsight watch against a running server: what is stored, then what changes, through cuts; and its ways to fail.

    test_watch.py FINSIGHT [TEST]
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

import platform_rig as rig
from platform_rig import check, equal

T0 = 1704067200000  # 2024-01-01
PATIENCE_S = 60
LINE = re.compile(r"2024-01-01T\d\d:\d\d:00Z  BTCUSDT 1m  open \S+  high \S+  low \S+  close (\S+)  volume \S+$")


class Watcher:
    def __init__(self, suite, *args):
        self.p = subprocess.Popen([suite.binary, "watch", *map(str, args)], env=suite.environment(), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self):
        line = self.p.stdout.readline()
        if not line:
            raise AssertionError(f"it ended: {self.p.wait()} {self.p.stderr.read()}")
        return line.rstrip("\n")

    def lines(self, n):
        return [self.line() for _ in range(n)]

    def until_told(self, word):
        """Reads notes until one has the word."""
        while True:
            line = self.p.stderr.readline()
            if not line:
                raise AssertionError(f"it ended before it said '{word}'")
            if word in line:
                return line

    def interrupt(self):
        self.p.send_signal(signal.SIGINT)
        out, err = self.p.communicate(timeout=PATIENCE_S)
        return self.p.returncode, out, err


class Watch(rig.Suite):
    def save(self, first, n, close, symbol="BTCUSDT"):
        rows = [{"timestamp": T0 + (first + i) * 60000, "open": close, "high": close, "low": close, "close": close, "volume": 1}
                for i in range(n)]
        reply = self.server.request(
            "POST", "/api/v1/market/candles", headers={"X-API-Key": self.key(), "Content-Type": "application/json"},
            body=json.dumps({"exchange": "binance", "symbol": symbol, "timeframe": "1m", "candles": rows}))
        equal(reply.status, 200, reply.body)
        return reply.json

    def start_server(self, *args):
        self.server = self.serve(*args)
        return self.server

    def watch(self, *args):
        watcher = Watcher(self, *args, "--data-dir", self.data)
        self.watchers.append(watcher)
        return watcher

    def __init__(self, binary):
        super().__init__(binary)
        self.watchers = []

    def close(self):
        for w in self.watchers:
            if w.p.poll() is None:
                w.p.kill()
            w.p.communicate()
        super().close()

    def test_what_is_stored_then_what_changes_until_ctrl_c(self):
        self.start_server()
        self.save(0, 5, 100)
        w = self.watch("BTCUSDT", "1m", "--limit", 3)
        closes = [LINE.match(line).group(1) for line in w.lines(3)]
        equal(closes, ["100.00"] * 3)
        check("live" in w.until_told("binance:BTCUSDT:1m"))
        self.save(5, 1, 101)
        self.save(5, 1, 102)
        equal([LINE.match(line).group(1) for line in w.lines(2)], ["101.00", "102.00"])
        code, out, err = w.interrupt()
        equal((code, out, err), (0, "", ""), "Ctrl-C ends it with nothing left to say")

    def test_json_is_the_messages_of_the_server_several_series_at_once(self):
        self.start_server()
        self.save(0, 5, 100)
        self.save(0, 5, 100, "ETHUSDT")
        w = self.watch("BTCUSDT,ETHUSDT", "1m", "--json", "--limit", 2)
        first = [json.loads(line) for line in w.lines(2)]
        equal(sorted(m["series"] for m in first), ["binance:BTCUSDT:1m", "binance:ETHUSDT:1m"])
        check(all(m["type"] == "snapshot" and len(m["candles"]) == 2 for m in first), first)
        for k in range(3):
            self.save(5 + k, 1, 101 + k, "ETHUSDT")
        deltas = [json.loads(line) for line in w.lines(3)]
        check(all(m["type"] == "delta" and m["series"] == "binance:ETHUSDT:1m" for m in deltas), deltas)
        equal([m["candles"][0]["close"] for m in deltas], [101, 102, 103])
        equal([m["seq"] for m in deltas], sorted({m["seq"] for m in deltas}))
        equal(w.interrupt()[0], 0)

    def test_a_server_that_is_killed_and_comes_back_is_watched_on_from_the_last_sequence(self):
        self.start_server()
        self.save(0, 5, 100)
        w = self.watch("BTCUSDT", "1m", "--json", "--limit", 1)
        shown = [json.loads(w.line())]
        for round_nr in range(3):
            at = 10 * (round_nr + 1)
            self.save(at, 1, at)
            shown.append(json.loads(w.line()))
            self.server.stop(signal.SIGKILL)
            # What is imported while no server runs is what the watcher has missed.
            csv = "timestamp,open,high,low,close,volume\n" + f"{T0 + (at + 1) * 60000},1,1,1,{1},1\n"
            (self.root / "missed.csv").write_text(csv)
            self.cli("import", self.root / "missed.csv", "--symbol", "BTCUSDT", "--timeframe", "1m", "--exchange", "binance")
            self.start_server()
            back = json.loads(w.line())
            equal(back["type"], "resumed")
            equal([c["timestamp"] for c in back["candles"]],
                  [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(T0 / 1000 + (at + 1) * 60))])
            shown.append(back)
        equal([m["seq"] for m in shown], sorted({m["seq"] for m in shown}), "no sequence comes twice")
        equal(w.interrupt()[0], 0)

    def test_what_cannot_get_better_ends_it_with_words(self):
        none = self.cli("watch", "BTCUSDT", "1m", status=8)
        check("finsight serve" in none.stderr and "--url" in none.stderr, none.stderr)
        dead = self.cli("watch", "BTCUSDT", "1m", "--url", "http://127.0.0.1:1", status=8)
        check("no live API answers at ws://127.0.0.1:1/ws" in dead.stderr, dead.stderr)
        self.start_server()
        unknown = self.cli("watch", "BTCUSDT", "1m", status=4)
        check("BTCUSDT" in unknown.stderr and "ensure" in unknown.stderr, unknown.stderr)
        as_json = self.cli("watch", "BTCUSDT", "1m", "--json", status=4)
        equal(json.loads(as_json.stdout)["error"]["code"], "not_found", as_json.stdout)
        bad = self.cli("watch", "BTCUSDT", "1minute", status=3)
        check("timeframe" in bad.stderr, bad.stderr)
        equal(self.cli("watch", "BTCUSDT", status=2).returncode, 2)
        other = self.cli("watch", "BTCUSDT", "1m", "--url", "ftp://127.0.0.1", status=None)
        check(other.returncode != 0 and other.stderr, other.stderr)

    def test_another_server_by_its_url_with_a_key(self):
        self.start_server("--host", "0.0.0.0")
        self.save(0, 5, 100)
        url = f"http://127.0.0.1:{self.server.port}"
        keyless = self.cli("watch", "BTCUSDT", "1m", "--url", url, status=6)
        check("--key" in keyless.stderr, keyless.stderr)
        wrong = self.cli("watch", "BTCUSDT", "1m", "--url", url, "--key", "no", status=6)
        check("--key" in wrong.stderr, wrong.stderr)
        for form in (url, url + "/", f"127.0.0.1:{self.server.port}", f"ws://127.0.0.1:{self.server.port}/ws"):
            w = self.watch("BTCUSDT", "1m", "--url", form, "--key", self.key(), "--limit", 1)
            check(LINE.match(w.line()))
            equal(w.interrupt()[0], 0)

    def test_a_series_that_is_removed_and_a_reader_that_leaves(self):
        self.start_server()
        self.save(0, 5, 100)
        w = self.watch("BTCUSDT", "1m", "--limit", 1)
        w.line()
        self.cli("remove", "BTCUSDT", "1m", "--exchange", "binance", "--yes")
        err = w.p.stderr.read()
        equal(w.p.wait(PATIENCE_S), 4, err)
        check("removed" in err, err)
        self.save(0, 5, 100)
        w = self.watch("BTCUSDT", "1m", "--limit", 1)
        w.line()
        w.p.stdout.close()
        self.save(6, 1, 100)
        err = w.p.stderr.read()
        equal(w.p.wait(PATIENCE_S), 128 + signal.SIGPIPE, err)
        check("finsight:" not in err, err)
        w.p.stdout = open(os.devnull)

    def test_help_has_examples(self):
        text = self.cli("watch", "--help").stdout
        check("finsight watch BTCUSDT 1m" in text and "Ctrl-C" in self.cli("help").stdout, text)


sys.exit(rig.main(Watch))
