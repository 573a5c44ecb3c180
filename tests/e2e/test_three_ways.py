#!/usr/bin/env python3
"""One question, three ways: in one process, in one process through the form of the wire, and across processes (TOP-13)."""
import json
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402
from test_gateway import SERIES, VOLATILE, Cases as Gateway  # noqa: E402

RUN = {"symbol": "BTCUSDT", "timeframe": "1h", "strategy_type": "moving_average_crossover", "start_date": "2023-01-01", "end_date": "2023-03-01"}
NUMBERS = re.compile(rb'"(revision|at|updated_at|took_ms|elapsed_ms|execution_time_ms|execution_time|execution_time_seconds|computed_at|age_ms)":("[^"]*"|[-0-9.e+]+|null)')
FIELDS = ("content-type", "allow", "link", "www-authenticate", "cache-control", "deprecation", "sunset", "content-encoding")


def said(reply):
    """What must be equal wherever it is answered: status, fields, and the body without clocks, ids and stages."""
    body = NUMBERS.sub(rb'"\1":0', VOLATILE.sub(rb'"\1":0', reply.body))
    if reply.headers.get("content-encoding"):
        body = b"coded"
    if reply.status >= 400:
        body = re.sub(rb',"stage":"[a-z]+"', b"", body)
    return reply.status, {k: reply.headers.get(k) for k in FIELDS}, body


class Cases(Gateway):
    def data_folders(self):
        """Three folders with the same candles and the same key."""
        exchange = self.exchange("--seed", 7)
        self.venue = ["--binance-url", exchange.url, "--binance-simulated", "--binance-private"]
        first = self.serve(exchange=exchange)
        body = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-01-01", "end": "2023-03-01"})
        self.keyed = {"X-API-Key": self.key(), "Content-Type": "application/json"}
        equal(first.request("POST", "/api/v1/market/ensure", body, self.keyed).status, 200)
        equal(first.stop(), 0)
        folders = [self.data, self.root / "wired", self.root / "split"]
        for folder in folders[1:]:
            shutil.copytree(self.data, folder, ignore=shutil.ignore_patterns("*.sock"))
        (self.root / "gateway").mkdir()
        shutil.copy(self.data / "admin.key", self.root / "gateway")
        return folders

    def ways(self):
        whole_data, wired_data, split_data = self.data_folders()
        whole = self.start("serve", "--data-dir", whole_data, "--port", 0, *self.venue)
        wired = self.start("serve", "--data-dir", wired_data, "--port", 0, "--server.wire", *self.venue)
        market = self.start("serve", "--data-dir", split_data, "--roles", "market", "--port", 0, *self.venue)
        at_market = f"market=127.0.0.1:{market.port}"
        backtest = self.start("serve", "--data-dir", split_data, "--roles", "backtest", "--port", 0, "--services", at_market)
        gateway = self.gateway(at_market, f"backtest=127.0.0.1:{backtest.port}")
        return whole, wired, gateway

    # TOP-13, PRI-01, GWY-24, GWY-28, GWY-30: readings, writings, refusals, forms, old names, and the documents' prefix
    def test_the_same_answers_three_ways(self):
        whole, wired, split = self.ways()
        keyed, key = self.keyed, {"X-API-Key": self.keyed["X-API-Key"]}
        saved = json.dumps({"symbol": "ETHUSDT", "timeframe": "1h", "candles": [
            {"timestamp": f"2023-01-01T{h:02}:00:00Z", "open": 1, "high": 2, "low": 0.5, "close": 1.5, "volume": 3} for h in range(3)]})  # fmt: skip
        job = json.dumps({"name": "hourly", "kind": "market.collect", "cron": "0 * * * *", "spec": {}})
        rows = [
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=500", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}&start=2023-01-05&end=2023-01-06", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=5000", None, {"Accept-Encoding": "gzip"}),
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=10", None, {"Accept": "text/csv"}),
            ("HEAD", f"/api/v1/market/candles?{SERIES}&limit=10", None, {}),
            ("GET", f"/market-data/ohlcv?{SERIES}&limit=10", None, {}),
            ("GET", f"/api/python/market/candles?{SERIES}&limit=10", None, {}),
            ("GET", "/api/python/market/series", None, {}),
            ("GET", "/api/python/backtesting/strategies", None, {}),
            ("GET", f"/api/v1/market/statistics?{SERIES}", None, {}),
            ("GET", f"/api/v1/market/gaps?{SERIES}", None, {}),
            ("GET", f"/api/v1/market/quality?{SERIES}", None, {}),
            ("GET", "/api/v1/market/series", None, {}),
            ("GET", "/api/v1/market/exchanges", None, {}),
            ("GET", "/api/v1/market/candles?symbol=BTCUSDT", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}&limti=1", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=many", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}", None, {"Accept": "image/png"}),
            ("GET", "/api/v1/market/candles?symbol=NOSUCH&timeframe=1h", None, {}),
            ("GET", "/api/v1/market/nothing", None, {}),
            ("PUT", "/api/v1/market/candles", None, {}),
            ("POST", "/api/v1/market/ensure", saved, {}),
            ("POST", "/api/v1/market/ensure", saved, {"X-API-Key": "wrong"}),
            ("POST", "/api/v1/market/ensure", "{not json", keyed),
            ("POST", "/api/v1/market/ensure", json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-01-01", "end": "2023-01-02"}), keyed),
            ("POST", "/api/v1/market/candles", saved, keyed),
            ("GET", "/api/v1/market/candles?symbol=ETHUSDT&timeframe=1h", None, {}),
            ("GET", "/api/v1/jobs", None, key),
            ("POST", "/api/v1/jobs", job, keyed),
            ("GET", "/api/v1/jobs", None, key),
            ("GET", "/api/v1/datasets", None, {}),
            ("GET", "/api/v1/admin/health", None, key),
            ("GET", "/api/v1/admin/health", None, {}),
            ("GET", "/admin/health", None, {}),
            ("GET", "/api/v1/backtesting/strategies", None, {}),
            ("POST", "/api/v1/backtesting/validate", json.dumps(RUN), keyed),
            ("POST", "/api/v1/backtesting/run", json.dumps(RUN), keyed),
            ("POST", "/backtesting/run", json.dumps(RUN), keyed),
            ("POST", "/api/v1/backtesting/run", "{}", keyed),
            ("POST", "/api/v1/backtesting/run", json.dumps({**RUN, "symbol": "NOSUCH"}), keyed),
            ("GET", "/api/v1/backtesting/results", None, {}),
            ("GET", "/api/v1/backtesting/results/nosuch", None, {}),
            ("OPTIONS", "/api/v1/market/candles", None, {}),
            ("GET", "/docs", None, {}),
        ]
        statuses = set()
        for method, path, sent, headers in rows:
            a, b, c = (said(s.request(method, path, sent, headers)) for s in (whole, wired, split))
            for way, other in (("through the wire", b), ("across processes", c)):
                if other != a:
                    at = next((i for i, (x, y) in enumerate(zip(a[2], other[2])) if x != y), min(len(a[2]), len(other[2])))
                    check(False, f"{way}: {method} {path}: {a[:2]} {a[2][at - 80:at + 80]} is {other[:2]} {other[2][at - 80:at + 80]}")
            check(a[0] != 500, method, path, a)
            statuses.add(a[0])
        check({200, 400, 401, 403, 404, 405, 406, 422} <= statuses, statuses)

    # GWY-01, GWY-34: one description, the same bytes however many processes there are
    def test_the_description_is_the_same_bytes(self):
        whole, wired, split = self.ways()
        bodies = [s.get("/openapi.json").body for s in (whole, wired, split)]
        check(bodies[0] == bodies[1] == bodies[2], "the descriptions differ")
        info = json.loads(bodies[0])["info"]
        equal((info["title"], info["version"]), ("FinSight API Gateway", "1.0.0"))
        check("/api/v1/batch" in json.loads(bodies[0])["paths"])

    # GWY-18: whoever refuses, the error has one form
    def test_every_refusal_has_one_form(self):
        whole, _, split = self.ways()
        for server in (whole, split):
            for method, path, sent, headers in (("GET", "/nothing", None, {}), ("PUT", "/health", None, {}), ("GET", "/api/v1/market/candles?limit=x", None, {}),
                                                ("POST", "/api/v1/market/ensure", "{", {}), ("GET", "/api/v1/jobs", None, {"X-API-Key": "no"}),
                                                ("GET", "/api/v1/market/series", None, {"Content-Length": "x"}), ("BREW", "/", None, {})):  # fmt: skip
                reply = server.request(method, path, sent, headers)
                error = reply.json["error"]
                check(reply.status >= 400 and error["code"] and error["message"] and error["request_id"] and "correlation_id" in error, method, path)
                equal(sorted(reply.json), ["error"])


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
