#!/usr/bin/env python3
"""The role prediction from outside (TOP-07): models taught over the API, registered, served by its own way and by the open
inference protocol; what is killed or damaged meanwhile."""
import json
import math
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal, wait_for  # noqa: E402

HOURS, LONG = 1500, 120


def write_waves(path, rows=HOURS, seed=3):
    rng = random.Random(seed)
    with open(path, "w") as f:
        f.write("ts,open,high,low,close,volume\n")
        last = 100.0
        for i in range(rows):
            c = 100 + 5 * math.sin(i * math.tau / 24) + rng.gauss(0, 0.4)
            f.write(f"{1704067200 + 3600 * i},{last:.4f},{max(last, c) + .2:.4f},{min(last, c) - .2:.4f},{c:.4f},10\n")
            last = c
    return path


ASK = {"symbol": "BTCUSDT", "timeframe": "1h"}
TEACH = {**ASK, "name": "btc-1h", "model": "nlinear", "horizon": 12, "look_back": 48, "epochs": 3, "promote": True}


class Cases(rig.Suite):
    extra = {}

    def environment(self):
        return {**super().environment(), **self.extra}

    def stock(self):
        self.cli("import", write_waves(self.root / "waves.csv"), "--symbol", "BTCUSDT", "--timeframe", "1h", "--exchange", "file")

    def post(self, server, path, body=None, status=200):
        headers = {"X-API-Key": self.key(), "Content-Type": "application/json"}
        reply = server.request("POST", path, None if body is None else json.dumps(body), headers)
        equal(reply.status, status, (path, reply.body))
        return reply.json

    def get(self, server, path, status=200):
        reply = server.request("GET", path)
        equal(reply.status, status, (path, reply.body))
        return reply.json

    def training(self, server, id):
        return self.get(server, f"/api/v1/training/{id}")

    def ended(self, server, id):
        wait_for(lambda: self.training(server, id)["state"] in ("succeeded", "failed", "cancelled"), LONG, f"{id} to end")
        return self.training(server, id)

    def teach(self, server, **more):
        row = self.ended(server, self.post(server, "/api/v1/training", {**TEACH, **more}, 202)["training"])
        equal(row["state"], "succeeded", row)
        return row

    def predict(self, server, path="/api/v1/predictions/horizon", status=200, **more):
        return self.post(server, path, {**ASK, **more}, status)

    # PRD-01, PRD-06: submitted, followed, read, registered, put to work; the next request is served by it
    def test_a_model_is_taught_and_served(self):
        self.stock()
        server = self.serve()
        equal(self.predict(server)["fallback"], "naive")
        row = self.teach(server)
        equal(row["progress"], 1)
        check(row["message"].startswith("btc-1h version 1 registered, promoted"), row)
        lines = self.get(server, f"/api/v1/training/{row['training']}/logs")["lines"]
        check(len(lines) == 3 and "epoch 3 of 3" in lines[2] and "validation" in lines[2], lines)
        p = self.predict(server)
        equal((p["model"], p["version"], p["fallback"], p["interval"]), ("btc-1h", "1", "none", "adaptive"), p)
        equal(len(p["forecasts"]), 12)
        equal(p["forecasts"][0]["time"], "2024-03-03T12:00:00Z")
        check(p["beats_naive"] and p["val_vs_naive"] < 0.9, p)
        self.teach(server, seed=7)
        equal(self.predict(server)["version"], "2", "the promoted one is served at once")
        equal(self.predict(server, model="btc-1h/1")["version"], "1")
        equal([t["state"] for t in self.get(server, "/training")["trainings"]], ["succeeded"] * 2)
        told = json.loads(self.cli("events", "queues", "--json").stdout)
        queues = {q["queue"]: q for q in told["queues"]}
        wait_for(lambda: queues["prediction_queue"]["ready"] == 0, LONG, "events to be heard")

    # PRD-04: the admin router of the prediction service: in the contract, for administrators, and what it says is so
    def test_the_admin_router(self):
        self.stock()
        server = self.serve()
        admin = {"X-API-Key": self.key()}
        ways = [("GET", "health"), ("GET", "stats"), ("GET", "tasks"), ("POST", "cache/clear")]
        paths = self.get(server, "/openapi.json")["paths"]
        for method, way in ways:
            for path in (f"/api/v1/prediction/admin/{way}", f"/prediction/admin/{way}"):
                equal(server.request(method, path).status, 401, f"{path} without a key")
            check(method.lower() in paths[f"/api/v1/prediction/admin/{way}"], way)
        ask = lambda way, method="GET": server.request(method, f"/api/v1/prediction/admin/{way}", headers=admin).json  # noqa: E731
        equal(ask("health"), {"status": "healthy", "registry": True, "trainings": True})
        equal((ask("stats")["models"], ask("tasks")["trainings"]), (0, []))
        self.teach(server)
        self.predict(server)
        stats = ask("stats")
        equal((stats["models"], stats["series"], stats["trainings"], stats["succeeded"], stats["running"]), (1, 1, 1, 1, 0), stats)
        check(stats["bytes"] > 0 and stats["forecasts"] > 0, stats)
        equal([t["state"] for t in ask("tasks")["trainings"]], ["succeeded"])
        cleared = ask("cache/clear", "POST")
        equal((cleared["success"], cleared["unloaded"], cleared["freed_bytes"]), (True, 1, stats["bytes"]), cleared)
        equal(ask("stats")["models"], 0)
        equal(self.predict(server)["version"], "1", "it is loaded again")

    # FUT-10: a series that left what its model was taught with raises an alert, and says so in the metrics
    def test_drift_raises_an_alert(self):
        self.stock()
        server = self.serve("--alerts.every", "200ms")
        self.teach(server)
        drifted = lambda: [a for a in server.request("GET", "/api/v1/admin/alerts", headers={"X-API-Key": self.key()}).json["alerts"]  # noqa: E731
                           if a["alert"] == "ModelDrift"]  # fmt: skip
        check(not self.predict(server)["drifted"])
        time.sleep(1)
        equal(drifted(), [])
        stamp = lambda i: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1704067200 + 3600 * (HOURS + i)))  # noqa: E731
        far = [{"timestamp": stamp(i), "open": 300, "high": 302, "low": 298, "close": 300 + i % 3, "volume": 1} for i in range(250)]
        self.post(server, "/api/v1/market/candles", {**ASK, "exchange": "file", "candles": far})
        check(self.predict(server)["drifted"])
        [alert] = wait_for(drifted, LONG, "the alert")
        equal((alert["of"], alert["label"], alert["severity"], alert["state"]), ("btc-1h/1 file:BTCUSDT:1h", "series", "warning", "pending"))
        metrics = server.request("GET", "/metrics").body.decode()
        check("finsight_models_drifted 1" in metrics and "finsight_model_load_seconds_count 1" in metrics, metrics)

    # the folder in front of a bucket cannot be made: words, and nothing is closed twice on the way out
    def test_a_cache_folder_that_cannot_be_made_is_told(self):
        self.extra = {"FINSIGHT_OBJECTS_S3_ACCESS_KEY": "a", "FINSIGHT_OBJECTS_S3_SECRET_KEY": "b"}
        self.data.mkdir(exist_ok=True)
        (self.data / "object-cache").write_text("in the way")
        done = self.cli("serve", "--data-dir", self.data, "--port", 0, "--objects.store", "s3", "--objects.s3_endpoint",
                        "http://127.0.0.1:9", "--objects.s3_bucket", "abc", status=4)  # fmt: skip
        check("object-cache" in done.stderr, done.stderr)

    # PRD-01: what is cancelled registers nothing; what cannot be taught says why
    def test_cancelled_and_refused(self):
        self.stock()
        server = self.serve()
        id = self.post(server, "/train", {**TEACH, "model": "lstm", "epochs": 10000, "patience": 0}, 202)["training"]
        wait_for(lambda: self.training(server, id)["progress"] > 0, LONG, "progress")
        self.post(server, f"/api/v1/training/{id}/cancel")
        equal(self.ended(server, id)["state"], "cancelled")
        equal(self.predict(server, model="btc-1h", strict=True, status=404)["error"]["code"], "not_found")
        row = self.ended(server, self.post(server, "/api/v1/training", {**TEACH, "look_back": 5000}, 202)["training"])
        check(row["state"] == "failed" and "too short" in row["error"], row)
        row = self.ended(server, self.post(server, "/api/v1/training", {**TEACH, "symbol": "NOSUCH"}, 202)["training"])
        check(row["state"] == "failed" and "NOSUCH" in row["error"], row)
        self.post(server, "/api/v1/training", {**TEACH, "preset": "moon"}, 422)
        equal(self.get(server, "/api/v1/training/nosuch", 404)["error"]["code"], "not_found")

    # PRD-02, PRD-20: single, horizon, interval, batch; candles of the caller; what is refused
    def test_ways_to_ask(self):
        self.stock()
        server = self.serve()
        self.teach(server)
        whole = self.predict(server)
        one = self.predict(server, "/predict", step=3)
        equal(one["forecasts"], whole["forecasts"][2:3])
        equal(self.predict(server, steps=5)["forecasts"], whole["forecasts"][:5])
        narrow = self.predict(server, "/api/v1/predictions/interval", level=0.5)
        for a, b in zip(narrow["forecasts"], whole["forecasts"]):
            check(b["low"] < a["low"] < a["value"] < a["high"] < b["high"], a, b)
        batch = self.post(server, "/api/v1/predictions/batch", {"requests": [ASK, {**ASK, "symbol": "NOSUCH"}, ASK]})
        equal((batch["count"], batch["failed"], [r["ok"] for r in batch["results"]]), (3, 1, [True, False, True]))
        equal(batch["results"][0]["prediction"][0]["forecasts"], whole["forecasts"])
        check("NOSUCH" in batch["results"][1]["message"], batch["results"][1])
        rows = server.get("/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&order=latest&limit=300").json["candles"]
        equal([f["value"] for f in self.predict(server, candles=rows)["forecasts"]],
              [f["value"] for f in whole["forecasts"]], "the same candles, sent along")
        short = self.predict(server, candles=rows[:20], strict=True, status=422)
        check("looks at 48 rows, there are 20" in short["error"]["message"], short)
        equal(self.predict(server, candles=rows[:30])["fallback"], "naive")
        self.predict(server, level=0.77, status=422)
        self.predict(server, "/predict", step=13, status=422)
        self.predict(server, model="btc-1h/9", strict=True, status=404)
        ladder = self.predict(server, model="btc-1h/9")["ladder"]
        equal([r["rung"] for r in ladder], ["none", "version"])

    # the open inference protocol: metadata, tensors, errors in its own shape; the same numbers as our own way
    def test_open_inference(self):
        self.stock()
        server = self.serve()
        self.teach(server)
        equal(self.get(server, "/v2/health/live"), {"live": True})
        equal(self.get(server, "/v2/health/ready"), {"ready": True})
        equal(self.get(server, "/v2")["name"], "finsight")
        equal(self.get(server, "/v2/models/btc-1h/ready"), {"name": "btc-1h", "ready": True})
        model = self.get(server, "/v2/models/btc-1h/versions/1")
        equal(model["inputs"], [{"name": "x", "datatype": "FP64", "shape": [-1, 48, 1]}])
        equal([o["name"] for o in model["outputs"]], ["forecast", "low", "high"])
        rows = server.get("/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&order=latest&limit=48").json["candles"]
        flat = [r["close"] for r in rows]
        want = [f["value"] for f in self.predict(server)["forecasts"]]
        for type, data, n in (("FP64", flat * 2, 2), ("FP32", [[[v] for v in flat]], 1)):
            q = {"id": "a1", "inputs": [{"name": "x", "datatype": type, "shape": [n, 48, 1], "data": data}]}
            a = self.post(server, "/v2/models/btc-1h/infer", q)
            equal((a["model_name"], a["model_version"], a["id"]), ("btc-1h", "1", "a1"))
            out = a["outputs"][0]
            equal((out["name"], out["datatype"], out["shape"], len(a["outputs"])), ("forecast", type, [n, 12, 1], 1))
            for k in range(n):
                for got, value in zip(out["data"][12 * k:], want):
                    check(abs(got - value) < 1e-4, got, value)
        q = {"inputs": [{"name": "x", "datatype": "INT64", "shape": [1, 48, 1], "data": [100] * 48}], "parameters": {"level": 0.9},
             "outputs": [{"name": "high"}]}
        equal([o["name"] for o in self.post(server, "/v2/models/btc-1h/versions/1/infer", q)["outputs"]], ["high"])
        good = q["inputs"][0]
        for name, bad, words, status in (
                ("type", {**good, "datatype": "BYTES"}, "BYTES", 501), ("shape", {**good, "shape": [1, 47, 1]}, "[1 to", 422),
                ("count", {**good, "data": [1] * 47}, "asks for 48", 422), ("words", {**good, "data": ["a"] * 48}, "not numbers", 422),
                ("null", {**good, "data": [None] * 48}, "not numbers", 422), ("name", {**good, "name": "y"}, "one input", 422)):
            error = self.post(server, "/v2/models/btc-1h/infer", {"inputs": [bad]}, status)
            equal(list(error), ["error"], name)
            check(words in error["error"], name, error)
        equal(list(self.get(server, "/v2/models/nosuch", 404)), ["error"])
        equal(self.post(server, "/v2/repository/index", {"ready": True})[0]["state"], "READY")
        self.post(server, "/v2/repository/models/btc-1h/unload", {"parameters": {"unload_dependents": False}})
        equal(self.post(server, "/v2/repository/index", {}), [])
        self.post(server, "/v2/repository/models/btc-1h/load", {})
        equal(self.get(server, "/api/v1/serving/models")["count"], 1)

    # a kill in serving and in training: the same answers after, the training ends, and registers once
    def test_killed_and_started_again(self):
        self.stock()
        server = self.serve()
        self.teach(server)
        before = self.predict(server)
        slow = {**TEACH, "name": "slow", "model": "lstm", "epochs": 12, "patience": 0, "promote": False}
        id = self.post(server, "/api/v1/training", slow, 202)["training"]
        wait_for(lambda: self.get(server, f"/api/v1/training/{id}/logs")["lines"], LONG, "an epoch")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server = self.serve()
        equal(self.predict(server)["forecasts"], before["forecasts"])
        row = self.ended(server, id)
        equal((row["state"], row["message"]), ("succeeded", "slow version 1 registered"), row)
        lines = self.get(server, f"/api/v1/training/{id}/logs")["lines"]
        equal([line.split()[2] for line in lines].count("12"), 1, lines)

    # PRD-08: weights that were changed on disk are refused by their hash, and the ladder says so
    def test_changed_weights_are_not_served(self):
        self.stock()
        server = self.serve()
        self.teach(server)
        self.teach(server, seed=7)
        equal(self.predict(server)["version"], "2")
        self.post(server, "/api/v1/serving/unload", {"model": "btc-1h"})
        files = [p for p in (self.data / "models").rglob("*") if p.is_file() and p.stat().st_size > 2000]
        newest = max(files, key=lambda p: p.stat().st_mtime_ns)
        raw = bytearray(newest.read_bytes())
        raw[len(raw) // 2] ^= 1
        newest.write_bytes(raw)
        error = self.predict(server, strict=True, status=500)
        equal(error["error"]["code"], "corrupt", error)
        p = self.predict(server)
        equal((p["version"], p["fallback"]), ("1", "version"), p)
        equal([r["rung"] for r in p["ladder"]], ["none", "version"])

    # TOP-07, FLW-08: a process of its own; the market is killed, and the candles seen last answer
    def test_a_role_of_its_own(self):
        self.stock()
        market = self.start("serve", "--data-dir", self.data, "--roles", "market", "--port", 0)
        self.extra = {"FINSIGHT_AUTH_ADMIN_KEY": self.key()}
        at = f"market=127.0.0.1:{market.port}"
        alone = self.start("serve", "--data-dir", self.root / "alone", "--roles", "prediction", "--port", 0, "--services", at)
        gateway = self.start("serve", "--data-dir", self.root / "gate", "--roles", "gateway", "--port", 0,
                             "--services", f"{at},prediction=127.0.0.1:{alone.port}")
        self.teach(gateway)
        p = self.predict(gateway)
        equal((p["model"], p["fallback"], p["missing"]), ("btc-1h", "without_sentiment", ["sentiment"]), p)
        equal(list(self.get(gateway, "/v2/models/nosuch", 404)), ["error"])
        market.process.send_signal(signal.SIGKILL)
        market.process.wait()
        again = self.predict(gateway)
        equal(again["fallback"], "kept_candles", again)
        check("market" in again["missing"], again)
        equal([f["value"] for f in again["forecasts"]], [f["value"] for f in p["forecasts"]])


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
