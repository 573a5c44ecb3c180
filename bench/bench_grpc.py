#!/usr/bin/env python3
"""CPU of a unary call of gRPC in the real server, as the scheduler counts it (/proc/PID/schedstat), per call.

usage: bench_grpc.py FINSIGHT PROTO_DIR [CALLS [ROUNDS]]
h2load sends prepared bodies over four connections, with many calls at a time on each; the server's own counters say that
every one ended well. Every call passes the gateway's stages
(address limit, route, key, role, limit) and has its ids in the answer.
  health    grpc.health.v1.Health/Check: answered on the loop
  candles   finsight.market.MarketDataService/GetOHLCV, one candle: a turn on the CPU lane, the operation itself
  json      the same candle by GET /api/v1/market/candles over HTTP/2: what the operation costs in its other form
The figure is that of the fastest round of three, the median beside it. Exit code 1 when health costs more than 8 µs.
"""

import json
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import urllib.request

import servers

LIMIT_US = 8.0
KEY = "grpc-bench-key"


def frame(message):
    return b"\0" + struct.pack(">I", len(message)) + message


def encode(proto, kind, text):
    done = subprocess.run(["protoc-c", f"-I{proto}", f"--encode={kind}", f"{proto}/market.proto"], input=text.encode(),
                          stdout=subprocess.PIPE, check=True)
    return done.stdout


def ended_well(server):
    text = servers.Client(server.port).get("/metrics").decode()
    return sum(int(float(n)) for n in re.findall(r'finsight_grpc_calls_total\{[^}]*status="OK"\} ([0-9.e+]+)', text))


def load(server, path, calls, at_once, body=None, fields=()):
    args = ["h2load", "-n", str(calls), "-c", "4", "-m", str(at_once), *[x for f in fields for x in ("-H", f)]]
    well = ended_well(server)
    before = server.cpu_s()
    done = subprocess.run([*args, *(["-d", str(body)] if body else []), f"http://127.0.0.1:{server.port}{path}"],
                          capture_output=True, text=True, check=True)
    used = server.cpu_s() - before
    good = int(re.search(r"(\d+) succeeded", done.stdout).group(1))
    assert good == calls, done.stdout
    assert not body or ended_well(server) - well == calls, "calls were refused"
    return used * 1e6 / calls


def save(server):
    candle = {"timestamp": "2024-01-01T00:00:00Z", "open": 1, "high": 2, "low": 1, "close": 2, "volume": 3}
    body = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "candles": [candle]}).encode()
    ask = urllib.request.Request(f"http://127.0.0.1:{server.port}/api/v1/market/candles", body,
                                 {"Content-Type": "application/json", "X-API-Key": KEY})
    urllib.request.urlopen(ask).read()


def main():
    finsight, proto = sys.argv[1:3]
    calls = int(sys.argv[3]) if len(sys.argv) > 3 else 100000
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    for tool in ("h2load", "protoc-c"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not here")
            return 0
    root = pathlib.Path(tempfile.mkdtemp(prefix="finsight-bench-grpc-"))
    try:
        env = {**os.environ, "FINSIGHT_AUTH_ADMIN_KEY": KEY}
        server = servers.Process([finsight, "serve", "--data-dir", str(root / "data"), "--port", "{port}", "--log-level",
                                  "error"], root, env)
        save(server)
        (root / "empty").write_bytes(frame(b""))
        (root / "ask").write_bytes(frame(encode(proto, "finsight.market.OHLCVRequest",
                                                'symbol: "BTCUSDT" timeframe: "1h" limit: 1')))
        rpc = ("content-type: application/grpc", "te: trailers", "user-agent: grpc-bench")
        rows = {
            "health": lambda: load(server, "/grpc.health.v1.Health/Check", calls, 50, root / "empty", rpc),
            "candles": lambda: load(server, "/finsight.market.MarketDataService/GetOHLCV", calls, 8, root / "ask", rpc),
            "json": lambda: load(server, "/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&limit=1", calls, 8),
        }
        best = {}
        for name, run in rows.items():
            run()
            took = [run() for _ in range(rounds)]
            best[name] = min(took)
            print(json.dumps({"bench": "grpc_unary", "which": name, "cpu_us_a_call": round(min(took), 2), "median": round(statistics.median(took), 2),
                              "calls": calls, "load": os.getloadavg()[0]}))
        good = best["health"] <= LIMIT_US
        print(f"a unary call: {best['health']:.2f} us of CPU (at most {LIMIT_US}): {'PASS' if good else 'FAIL'}")
        return 0 if good else 1
    finally:
        servers.stop_all()
        shutil.rmtree(root)


sys.exit(main())
