#!/usr/bin/env python3
"""Answers that are kept: told again while they are so, never after an acknowledged write; with Redis and without."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import Skip, check, equal  # noqa: E402

HOUR = 3600_000
START = 1_672_531_200_000  # 2023-01-01


def candle(hour, close):
    return {"timestamp": START + hour * HOUR, "open": close, "high": close, "low": close, "close": close, "volume": 1}


def save(server, key, hours, close, symbol="BTCUSDT"):
    body = {"exchange": "binance", "symbol": symbol, "timeframe": "1h", "candles": [candle(h, close) for h in hours]}
    r = server.request("POST", "/api/v1/market/candles", json.dumps(body), {"X-API-Key": key, "Content-Type": "application/json"})
    equal(r.status, 200, r.body)
    return r.json


def page(server, first, last, more=""):
    path = f"/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&start={START + first * HOUR}&end={START + last * HOUR}{more}"
    return server.get(path)


def metric(server, name):
    total = 0.0
    for line in server.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " ") or line.startswith(name + "{"):
            total += float(line.rsplit(" ", 1)[1])
    return total


class Redis:
    def __init__(self, port=None):
        if not shutil.which("redis-server"):
            raise Skip("redis-server is not installed")
        for _ in range(20):
            self.port = port or random.randrange(20000, 30000)
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.answers():
                return
        raise AssertionError("redis-server does not come up")

    def answers(self):
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if self.say("PING").startswith("+PONG"):
                    return True
            except OSError:
                time.sleep(0.02)
        return False

    def say(self, command):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
            s.sendall(command.encode() + b"\r\nQUIT\r\n")
            answer = b""
            while piece := s.recv(65536):
                answer += piece
        return answer.decode()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Cases(rig.Suite):
    redis_url = None

    def environment(self):  # a secret is not for the command line
        env = super().environment()
        return {**env, "FINSIGHT_REDIS_URL": self.redis_url} if self.redis_url else env

    # CAC-13, CAC-09, FLW-10, FLW-19: a miss fills, a hit reads no store, a write spoils what covers it and no more
    def test_answers_are_kept_until_something_in_their_range_changes(self):
        server, key = self.serve(), self.key()
        save(server, key, range(48), 10)
        first = page(server, 0, 24)
        equal(first.headers.get("x-cache"), "MISS")
        again = page(server, 0, 24)
        equal(again.headers.get("x-cache"), "HIT")
        equal(again.body, first.body)
        equal(page(server, 24, 48).headers.get("x-cache"), "MISS")
        saved = save(server, key, [30], 11)
        old = page(server, 0, 24)
        equal(old.headers.get("x-cache"), "HIT", "its range was not touched")
        equal(old.json["revision"], saved["revision"], "an answer says the revision at which it is true")
        equal(old.json["candles"], first.json["candles"])
        new = page(server, 24, 48)
        equal(new.headers.get("x-cache"), "MISS")
        equal(new.json["candles"][6]["close"], 11)
        equal(page(server, 0, 24, "&limit=5").headers.get("x-cache"), "MISS", "another question")
        csv = server.get(f"/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&start={START}&end={START + 24 * HOUR}", Accept="text/csv")
        equal(csv.headers.get("x-cache"), "MISS", "another form of the answer")
        check(csv.body.startswith(b"ts,open"), csv.body[:50])

    def test_statistics_and_numbers_of_the_store_follow_each_write(self):
        server, key = self.serve(), self.key()
        save(server, key, range(10), 10)
        for n in (10, 11, 12):
            for word in ("MISS", "HIT"):
                stats = server.get("/api/v1/market/statistics?symbol=BTCUSDT&timeframe=1h")
                equal((stats.headers.get("x-cache"), stats.json["count"]), (word, n))
                store = server.get("/api/v1/market/storage")
                equal((store.headers.get("x-cache"), store.json["candles"]), (word, n))
            save(server, key, [n], 10)

    def test_a_series_that_comes_or_goes_changes_what_a_question_means(self):
        server, key = self.serve(), self.key()
        save(server, key, range(24), 10)
        equal(page(server, 0, 24).status, 200)
        equal(page(server, 0, 24).headers.get("x-cache"), "HIT")
        body = {"exchange": "kraken", "symbol": "BTCUSDT", "timeframe": "1h", "candles": [candle(0, 5)]}
        server.request("POST", "/api/v1/market/candles", json.dumps(body), {"X-API-Key": key, "Content-Type": "application/json"})
        equal(page(server, 0, 24).status, 409, "which of the two?")
        gone = server.request("DELETE", "/api/v1/market/candles?exchange=binance&symbol=BTCUSDT&timeframe=1h", None, {"X-API-Key": key})
        equal(gone.status, 200, gone.body)
        equal(page(server, 0, 24).json["exchange"], "kraken")

    # MDS-44, CAC-09, OBS-12
    def test_an_administrator_clears_it_and_the_metrics_count(self):
        server, key = self.serve(), self.key()
        save(server, key, range(24), 10)
        hits, misses = metric(server, "python_services_cache_hits_total"), metric(server, "python_services_cache_misses_total")
        for _ in range(5):
            page(server, 0, 24)
        equal(metric(server, "python_services_cache_hits_total") - hits, 4)
        equal(metric(server, "python_services_cache_misses_total") - misses, 1)
        equal(metric(server, "finsight_cache_requests_total"), 5)
        cleared = server.request("POST", "/admin/cache/clear", None, {"X-API-Key": key})
        equal(cleared.status, 200, cleared.body)
        check(cleared.json["freed_bytes"] > 1000, cleared.body)
        equal(page(server, 0, 24).headers.get("x-cache"), "MISS")

    def test_none_are_kept_where_none_are_wanted(self):
        server, key = self.serve("--cache.memory", "0"), self.key()
        save(server, key, range(24), 10)
        check("x-cache" not in page(server, 0, 24).headers)

    def purge(self, server, key, *names, status=200):
        r = server.request("POST", "/api/v1/admin/cache/purge", json.dumps({"keys": names}), {"X-API-Key": key, "Content-Type": "application/json"})
        equal(r.status, status, r.body)
        return r.json.get("purged")

    # CAC-14: an answer tells its names, its validator and for whom it may be kept; by a name it goes from both levels at once
    def test_answers_go_by_their_surrogate_keys(self):
        redis = Redis()
        try:
            self.redis_url = f"redis://127.0.0.1:{redis.port}"
            server, key = self.serve(), self.key()
            for symbol in ("BTCUSDT", "ETHUSDT"):
                save(server, key, range(24), 10, symbol)
            eth = "/api/v1/market/statistics?symbol=ETHUSDT&timeframe=1h"
            names = "role:market route:/api/v1/market/candles exchange:binance symbol:BTCUSDT series:binance:BTCUSDT:1h"
            for word in ("MISS", "HIT"):
                reply = page(server, 0, 24)
                equal((reply.headers["x-cache"], reply.headers["surrogate-key"]), (word, names))
                equal((reply.headers["cache-control"], reply.headers["etag"][:3]), ("no-cache", 'W/"'))
                again = server.get(f"/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&start={START}&end={START + 24 * HOUR}",
                                   If_None_Match=reply.headers["etag"])
                equal((again.status, again.body, again.headers["etag"]), (304, b"", reply.headers["etag"]))
                equal(server.get(eth).headers["x-cache"], word)
            check("surrogate-key" not in server.request("GET", "/api/v1/admin/stats", None, {"X-API-Key": key}).headers)
            shared = lambda: sum("finsight:k:" in line for line in redis.say("KEYS *").splitlines())
            equal(shared(), 2)
            for name in names.split():
                equal(page(server, 0, 24).headers["x-cache"], "HIT", name)
                check(self.purge(server, key, name) >= 1, name)
                equal("BTCUSDT:1h:" in redis.say("KEYS *"), False, name)
                equal(page(server, 0, 24).headers["x-cache"], "MISS", name)
            server.get(eth)
            equal(self.purge(server, key, "symbol:BTCUSDT"), 1)
            equal(server.get(eth).headers["x-cache"], "HIT", "another symbol's stays")
            equal(self.purge(server, key, "symbol:BTC", "series:binance:BTC:1h", "route:/none", "none"), 0)
            for bad in ("", "a b", "symbol:*", "x" * 257):
                self.purge(server, key, bad, status=422)
            self.purge(server, key, status=422)
            equal(server.request("POST", "/api/v1/admin/cache/purge", '{"keys":["a"]}', {"Content-Type": "application/json"}).status, 401)
            page(server, 0, 24)
            check("purged, 2 answers" in self.cli("cache", "purge", "role:market").stdout)
            equal(shared(), 0)
        finally:
            redis.stop()

    # CAC-14: the layer in front of ours
    def test_an_edge_may_keep_what_all_may_read(self):
        server, key = self.serve("--cache.edge", "30s"), self.key()
        save(server, key, range(24), 10)
        equal(page(server, 0, 24).headers["cache-control"], "public, max-age=0, s-maxage=30, stale-while-revalidate=30")
        path = "/api/v1/market/statistics?symbol=BTCUSDT&timeframe=1h"
        for who in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            equal(server.request("GET", path, None, who).headers["cache-control"], "no-cache", "it came for a key")
        equal(server.request("GET", "/api/v1/admin/stats", None, {"X-API-Key": key}).headers["cache-control"], "no-store")
        check("cache-control" not in server.get("/api/v1/market/candles?symbol=NONE&timeframe=1h").headers, "a refusal is nobody's to keep")

    # CAC-13: readers beside a writer; each reads at least what was acknowledged before it asked
    def test_no_read_is_older_than_an_acknowledged_write(self):
        server, key = self.serve(), self.key()
        save(server, key, range(24), 0)
        acknowledged, over, stale, hits = [0] * 24, threading.Event(), [], [0]

        def read(seed):
            rng = random.Random(seed)
            while not over.is_set():
                first = rng.randrange(24)
                last = rng.randrange(first + 1, 25)
                least = acknowledged[first:last]
                reply = page(server, first, last)
                hits[0] += reply.headers.get("x-cache") == "HIT"
                got = [c["close"] for c in reply.json["candles"]]
                if len(got) != len(least) or any(g < w for g, w in zip(got, least)):
                    stale.append((first, last, least, got))

        readers = [threading.Thread(target=read, args=(i,)) for i in range(4)]
        for t in readers:
            t.start()
        rng = random.Random(5)
        for n in range(1, 120):
            hour = rng.randrange(24)
            save(server, key, [hour], n)
            acknowledged[hour] = n
        over.set()
        for t in readers:
            t.join()
        equal(stale, [])
        check(hits[0] > 0, "nothing was ever told again")

    # CAC-01, CAC-02, STO-09, STO-17's single node: what one life kept the next one finds; a Redis that dies is no error
    def test_redis_is_the_second_level_and_may_die(self):
        redis = Redis()
        try:
            self.redis_url = f"redis://127.0.0.1:{redis.port}"
            server, key = self.serve(), self.key()
            save(server, key, range(48), 10)
            first = page(server, 0, 24)
            check("finsight:k:ohlcv::BTCUSDT:1h:2023-01-01T00:00:00Z:2023-01-02T00:00:00Z#json" in redis.say("KEYS finsight:k:*"))
            server.stop()
            server = self.serve()
            again = page(server, 0, 24)
            equal((again.headers.get("x-cache"), again.body), ("HIT", first.body))
            equal(metric(server, 'finsight_cache_requests_total{outcome="hit_l2"}'), 1)
            save(server, key, [3], 11)
            equal(page(server, 0, 24).headers.get("x-cache"), "MISS")
            equal(page(server, 0, 24).json["candles"][3]["close"], 11)
            server.stop()
            server = self.serve()
            equal(page(server, 0, 24).json["candles"][3]["close"], 11)

            redis.stop()
            for i in range(20):
                reply = page(server, 0, 20 + i % 20)
                equal(reply.status, 200)
            save(server, key, [5], 12)
            equal(page(server, 0, 24).json["candles"][5]["close"], 12)
            check(metric(server, "finsight_cache_shared_errors_total") > 0)
            redis = Redis(redis.port)
            server.request("POST", "/admin/cache/clear", None, {"X-API-Key": key})

            def is_back():
                page(server, 0, 24, f"&limit={random.randrange(1, 20000)}")
                return ":0" not in redis.say("DBSIZE").splitlines()
            rig.wait_for(is_back, 60, "the server using Redis again")
        finally:
            redis.stop()

    def test_a_url_of_redis_that_is_none_is_said_at_the_start(self):
        self.redis_url = "http://x:secret@h"
        out = self.cli("serve", "--port", "0", status=3)
        check("redis://" in out.stderr and "secret" not in out.stderr, out.stderr)


if __name__ == "__main__":
    rig.main(Cases)
