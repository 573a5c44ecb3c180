#!/usr/bin/env python3
"""finsight collect --follow against the simulated exchange: candles as they close, a clean end, and what was shown is stored.

    test_follow.py FINSIGHT
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FINSIGHT = sys.argv[1]
DIR = tempfile.mkdtemp(prefix="finsight-follow-")
FAILURES = []
N = 0


def check(name, ok, more=""):
    global N
    N += 1
    print(f"{'ok' if ok else 'not ok'} {N} - {name}")
    if not ok:
        FAILURES.append(name)
        print("\n".join(f"# {line}" for line in str(more)[-1500:].splitlines()))


def start_sim():
    sim = subprocess.Popen([FINSIGHT, "exchange-sim", "--port", "0", "--seed", "7", "--json"], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True)
    return sim, json.loads(sim.stdout.readline())["url"]


def options(url):
    return ["--data-dir", DIR, "--binance-url", url, "--binance-simulated", "--binance-private", "--no-color"]


def follow(url, *args, seconds):
    p = subprocess.Popen([FINSIGHT, "collect", "BTCUSDT,ETHUSDT", "1s", "--follow", *args, *options(url)],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    began = time.monotonic()
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    return p.returncode, out, err, time.monotonic() - began


sim, url = start_sim()
try:
    code, out, err, took = follow(url, "--json", seconds=7)
    events = [json.loads(line) for line in out.splitlines()]
    closed = [e for e in events if e["event"] == "closed"]
    check("Ctrl-C ends it cleanly and soon", code == 0 and took < 5, f"code {code} after {took:.1f} s: {err}")
    check("candles close and run, as JSON lines", len(closed) >= 4 and all(e["simulated"] for e in events), out)
    check("each closes once and in order", all(
        [e["open_time"] for e in closed if e["symbol"] == s]
        == sorted({e["open_time"] for e in closed if e["symbol"] == s}) for s in ("BTCUSDT", "ETHUSDT")), closed)
    rows = json.loads(subprocess.run(
        [FINSIGHT, "query", "BTCUSDT", "1s", "--order", "latest", "--limit", "100", "--json", "--data-dir", DIR],
        capture_output=True, text=True, check=True).stdout)
    text = json.dumps(rows)
    last = [e for e in closed if e["symbol"] == "BTCUSDT"][-1]
    check("what was shown as closed is stored", all(str(last[k]) in text for k in ("open", "high", "low", "close")), text)

    code, out, err, _ = follow(url, seconds=5)
    lines = out.splitlines()
    check("in a pipe: a line a closed candle", code == 0 and lines and all(
        re.match(r"\d{4}-\d\d-\d\dT[\d:]+Z  (BTC|ETH)USDT 1s .* SIMULATED$", line) for line in lines), out + err)
    check("a word at the end", re.search(r"\d+ candles closed, \d+ of them caught up by REST; 0 interruptions", err), err)

    server = subprocess.Popen([FINSIGHT, "serve", "--port", "0", "--json", "--live-series", "binance:ETHUSDT:1s",
                               *options(url)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    server.stdout.readline()
    p = subprocess.run([FINSIGHT, "collect", "ETHUSDT,BTCUSDT", "1s", "--follow", *options(url)], capture_output=True, text=True)
    check("beside a server that does not follow it: the whole command that would",
          p.returncode == 5 and "finsight serve --live-series binance:ETHUSDT:1s,binance:BTCUSDT:1s`" in p.stderr, p.stderr)
    p = subprocess.Popen([FINSIGHT, "collect", "ETHUSDT", "1s", "--follow", "--json", *options(url)], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    events = [json.loads(p.stdout.readline()) for _ in range(3)]
    p.send_signal(signal.SIGINT)
    err = p.communicate(timeout=60)[1]
    times = [e["open_time"] for e in events]
    check("beside a server that follows it: candles as the server stores them", p.returncode == 0 and times == sorted(set(times))
          and all(e["event"] == "closed" and e["symbol"] == "ETHUSDT" and e["revision"] > 0 and e["simulated"] for e in events),
          f"{p.returncode} {events} {err}")
    server.send_signal(signal.SIGTERM)
    check("a server that follows ends cleanly", server.wait(timeout=30) == 0)
    rows = subprocess.run([FINSIGHT, "query", "ETHUSDT", "1s", "--order", "latest", "--limit", "3", "--json", "--data-dir",
                           DIR], capture_output=True, text=True, check=True).stdout
    newest = max(time.mktime(time.strptime(t, "%Y-%m-%dT%H:%M:%S")) - time.timezone
                 for t in re.findall(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z", rows))
    check("what it followed is stored", time.time() - newest < 20, rows)

    p = subprocess.run([FINSIGHT, "collect", "BTCUSDT", "1s", "--follow", "--exchange", "nowhere", *options(url)],
                       capture_output=True, text=True)
    check("an unknown venue is refused in words", p.returncode == 4 and "nowhere" in p.stderr, p.stderr)
finally:
    sim.send_signal(signal.SIGTERM)
    sim.wait(timeout=20)
    shutil.rmtree(DIR, ignore_errors=True)
print(f"1..{N}")
sys.exit(1 if FAILURES else 0)
