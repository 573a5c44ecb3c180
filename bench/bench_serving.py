#!/usr/bin/env python3
"""Forecasts served: how long one takes, what ten models cost, and what candle reads feel of a training beside them.

usage: bench_serving.py FINSIGHT [ROUNDS]
Times are of the service itself (`took_ms`) and of a client on loopback. Every forecast is of another candle: none is told
from the cache. Memory is what the server has for itself (private), and beside it what is resident with the shared libraries;
weights are what the registry keeps of the ten models.
"""
import http.client
import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HOURS = 4000
TEACH = {"symbol": "BTCUSDT", "timeframe": "1h", "model": "dlinear", "horizon": 96, "look_back": 336, "epochs": 1,
         "promote": True, "force": True}  # fmt: skip


def say(name, **values):
    print(json.dumps({"bench": name, **values}), flush=True)


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, math.ceil(q * len(values)) - 1)]


class Bench:
    def __init__(self, binary):
        self.binary, self.root = binary, pathlib.Path(tempfile.mkdtemp(prefix="finsight-bench-"))
        self.data = self.root / "data"
        self.rng = random.Random(1)

    def candle(self, i):
        c = 100 + 5 * math.sin(i * math.tau / 24) + self.rng.gauss(0, 0.4)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1672531200 + 3600 * i))
        return {"timestamp": stamp, "open": c, "high": c + 1, "low": c - 1, "close": c, "volume": 10}

    def start(self):
        rows = [self.candle(i) for i in range(HOURS)]
        path = self.root / "waves.csv"
        lines = [",".join(str(r[k]) for k in r) for r in rows]
        path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
        common = ["--data-dir", str(self.data)]
        subprocess.run([self.binary, "import", str(path), "--symbol", "BTCUSDT", "--timeframe", "1h", "--exchange", "file",
                        *common], check=True, capture_output=True)  # fmt: skip
        self.server = subprocess.Popen([self.binary, "serve", *common, "--port", "0", "--json", "--log-level", "warning"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        url = json.loads(self.server.stdout.readline())["url"]
        self.http = http.client.HTTPConnection("127.0.0.1", int(url.rsplit(":", 1)[1]), timeout=120)
        self.key = (self.data / "admin.key").read_text().strip()

    def call(self, method, path, body=None):
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        for _ in range(100):
            self.http.request(method, path, None if body is None else json.dumps(body), headers)
            reply = self.http.getresponse()
            text = reply.read()
            if reply.status != 503:  # a machine that others keep busy
                break
            time.sleep(0.2)
        if reply.status >= 300:
            raise SystemExit(f"{path}: {reply.status} {text[:300]}")
        return json.loads(text)

    def rss_mb(self):
        rows = pathlib.Path(f"/proc/{self.server.pid}/smaps_rollup").read_text().splitlines()
        kb = {r.split(":")[0]: int(r.split()[1]) for r in rows[1:]}
        return kb["Rss"] / 1024, (kb["Private_Clean"] + kb["Private_Dirty"]) / 1024

    def teach(self, name, **more):
        id = self.call("POST", "/api/v1/training", {**TEACH, "name": name, **more})["training"]
        while (row := self.call("GET", f"/api/v1/training/{id}"))["state"] not in ("succeeded", "failed"):
            time.sleep(0.05)
        if row["state"] != "succeeded":
            raise SystemExit(row)

    def predict(self, rounds):
        ask = {"symbol": "BTCUSDT", "timeframe": "1h", "model": "m0"}
        self.call("POST", "/api/v1/predictions/horizon", ask)
        service, client = [], []
        for i in range(rounds):
            save = {"exchange": "file", "symbol": "BTCUSDT", "timeframe": "1h", "candles": [self.candle(HOURS + i)]}
            self.call("POST", "/api/v1/market/candles", save)
            begun = time.perf_counter()
            p = self.call("POST", "/api/v1/predictions/horizon", ask)
            client.append(1e3 * (time.perf_counter() - begun))
            service.append(p["took_ms"])
            assert p["fallback"] == "none" and p["interval"] == "adaptive" and not p["cached"], p
        say("serving_predict", which="service", p50_ms=quantile(service, 0.5), p99_ms=quantile(service, 0.99), n=rounds)
        say("serving_predict", which="client", p50_ms=quantile(client, 0.5), p99_ms=quantile(client, 0.99), n=rounds)

    def infer(self, rounds):
        x = {"name": "x", "datatype": "FP32", "shape": [1, 336, 1], "data": [self.candle(i)["close"] for i in range(336)]}
        client = []
        for _ in range(rounds):
            begun = time.perf_counter()
            self.call("POST", "/v2/models/m0/infer", {"inputs": [x]})
            client.append(1e3 * (time.perf_counter() - begun))
        say("serving_infer", which="client", p50_ms=quantile(client, 0.5), p99_ms=quantile(client, 0.99), n=rounds)

    def memory(self, before):
        for i in range(10):
            self.call("POST", "/api/v1/serving/warm", {"model": f"m{i}"})
            self.call("POST", "/api/v1/predictions", {"symbol": "BTCUSDT", "timeframe": "1h", "model": f"m{i}"})
        rss, private = self.rss_mb()
        files = [p.stat().st_size for p in (self.data / "models").rglob("*") if p.is_file() and p.stat().st_size > 100000]
        weights = sum(files) / 2**20
        say("serving_memory", models=10, weights_mb=weights, rss_mb=rss, private_mb=private, before_mb=before,
            allowed_mb=1.2 * weights + 20)  # fmt: skip

    def reads(self, rounds):
        path = "/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&limit=1000"
        took = []
        for _ in range(rounds):
            begun = time.perf_counter()
            self.call("GET", path)
            took.append(1e3 * (time.perf_counter() - begun))
        return took

    def beside_training(self, rounds):
        self.reads(50)
        idle = self.reads(rounds)
        id = self.call("POST", "/api/v1/training", {**TEACH, "name": "slow", "model": "lstm", "epochs": 1000, "patience": 0,
                                                    "promote": False})["training"]  # fmt: skip
        while self.call("GET", f"/api/v1/training/{id}")["progress"] <= 0:
            time.sleep(0.05)
        busy = self.reads(rounds)
        self.call("POST", f"/api/v1/training/{id}/cancel")
        say("serving_reads_beside_training", idle_p99_ms=quantile(idle, 0.99), busy_p99_ms=quantile(busy, 0.99),
            idle_p50_ms=quantile(idle, 0.5), busy_p50_ms=quantile(busy, 0.5),
            ratio=quantile(busy, 0.99) / quantile(idle, 0.99), n=rounds)  # fmt: skip

    def close(self):
        self.server.terminate()
        self.server.wait(30)
        shutil.rmtree(self.root, ignore_errors=True)


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    b = Bench(str(pathlib.Path(sys.argv[1]).resolve()))
    b.start()
    try:
        before = b.rss_mb()[1]
        for i in range(10):
            b.teach(f"m{i}", seed=i)
        b.memory(before)
        b.predict(rounds)
        b.infer(rounds)
        b.beside_training(rounds)
    finally:
        b.close()


if __name__ == "__main__":
    main()
