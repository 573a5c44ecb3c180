#!/usr/bin/env python3
"""The platform from outside: one server, its HTTP API, and the CLI beside it."""
import gzip
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import Skip, check, equal  # noqa: E402

DAY = "start=2023-01-01&end=2023-01-02"
SERIES = "symbol=BTCUSDT&timeframe=1h"


def ensure(server, key, symbol="BTCUSDT", timeframe="1h", start="2023-01-01", end="2023-02-01", path="/api/v1/market/ensure"):
    body = json.dumps({"symbol": symbol, "timeframe": timeframe, "start": start, "end": end})
    return server.request("POST", path, body, {"X-API-Key": key, "Content-Type": "application/json"})


class Cases(rig.Suite):
    # FLW-01, FLW-02, MDS-49: the documents' own path, all the way to the venue and back
    def test_ensure_collects_once_and_answers_from_the_store(self):
        exchange = self.exchange("--seed", 7)
        server = self.serve(exchange=exchange)
        first = ensure(server, self.key(), path="/admin/data/ensure").json
        equal(first["success"], True)
        equal(first["records_collected"], 31 * 24)
        equal(first["simulated"], True)
        check("SIMULATED" in first["message"])
        asked = exchange.get("/sim/stats").json
        second = ensure(server, self.key()).json
        equal(second["fetched"], False)
        equal(second["candles"], 31 * 24)
        equal(second["requests"], 0)
        klines = lambda s: s["klines"] if "klines" in s else json.dumps(s)
        equal(klines(exchange.get("/sim/stats").json), klines(asked), "calls made by the second ensure")

    def test_candles_are_those_of_the_venue(self):
        exchange = self.exchange("--seed", 7)
        server = self.serve(exchange=exchange)
        ensure(server, self.key())
        page = server.get(f"/api/v1/market/candles?{SERIES}&{DAY}").json
        equal(page["count"], 24)
        check(page["simulated"], "the page says that it is simulated")
        rows = exchange.get("/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=1672531200000&limit=24").json
        for mine, theirs in zip(page["candles"], rows):
            for k, name in enumerate(("open", "high", "low", "close", "volume"), 1):
                equal(mine[name], float(theirs[k]), name)
        equal(page["candles"][0]["timestamp"], "2023-01-01T00:00:00Z")

    # MDS-02: every route of the documents' market router, and its canonical path
    def test_the_documents_paths_answer_like_the_canonical_ones(self):
        server = self.serve(exchange=self.exchange())
        ensure(server, self.key())
        for old, new in (("ohlcv", "candles"), ("statistics", "statistics"), ("symbols", "symbols"),
                         ("timeframes", "timeframes"), ("exchanges", "exchanges")):
            query = f"?{SERIES}&{DAY}" if new in ("candles", "statistics") else ""
            a = server.get(f"/market-data/{old}{query}")
            b = server.get(f"/api/v1/market/{new}{query}")
            equal((a.status, b.status), (200, 200), old)
            if new != "exchanges":  # its counters move
                equal(a.json, b.json, old)

    def test_forms_and_codings(self):
        server = self.serve(exchange=self.exchange())
        ensure(server, self.key())
        path = f"/api/v1/market/candles?{SERIES}&limit=500"
        plain = server.get(path)
        packed = server.get(path, Accept_Encoding="gzip")
        equal(packed.headers["content-encoding"], "gzip")
        equal(gzip.decompress(packed.body), plain.body)
        check(len(packed.body) < len(plain.body) / 2, "gzip makes it smaller")
        equal(server.get(path, Accept_Encoding="zstd").headers.get("content-encoding"), "zstd")
        csv = server.get(path, Accept="text/csv")
        check(csv.headers["content-type"].startswith("text/csv"))
        lines = csv.body.decode().splitlines()
        equal(len(lines), 501)
        first = plain.json["candles"][0]
        equal([float(x) for x in lines[1].split(",")[1:6]], [first[k] for k in ("open", "high", "low", "close", "volume")])
        equal(server.get(path, Accept="image/png").status, 406)

    # MDS-17, RES-17: one JSON shape for every refusal, with the field
    def test_refusals_are_uniform_and_name_the_field(self):
        server = self.serve()
        rows = [
            ("GET", "/api/v1/market/candles?timeframe=1h", 422, "symbol"),
            ("GET", "/api/v1/market/candles?symbol=BTCUSDT", 422, "timeframe"),
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=0", 422, "limit"),
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=x", 422, "limit"),
            ("GET", "/api/v1/market/candles?symbol=BTCUSDT&timeframe=7x", 422, "timeframe"),
            ("GET", f"/api/v1/market/candles?{SERIES}&start=2024-13-01", 422, "start"),
            ("GET", f"/api/v1/market/candles?{SERIES}&start=2024-02-01&end=2024-01-01", 422, "end"),
            ("GET", f"/api/v1/market/candles?{SERIES}&limti=5", 422, "limti"),
            ("GET", f"/api/v1/market/candles?{SERIES}", 404, "symbol"),
            ("GET", "/api/v1/market/nothing", 404, ""),
            ("PUT", "/api/v1/market/candles", 405, ""),
            ("POST", "/api/v1/market/ensure", 401, ""),
        ]
        for method, path, status, field in rows:
            reply = server.request(method, path)
            equal(reply.status, status, path)
            error = reply.json["error"]
            equal(error.get("field") or "", field, path)
            check(error["code"] and error["message"] and error["request_id"], "code, message and request id", path)
        check("limit" in server.get(f"/api/v1/market/candles?{SERIES}&limti=5").json["error"]["message"], "nearest name")
        bad_key = server.request("POST", "/api/v1/market/ensure", "{}", {"X-API-Key": "wrong"})
        equal(bad_key.status, 403)
        broken = server.request("POST", "/api/v1/market/ensure", "{not json", {"X-API-Key": self.key()})
        equal(broken.status, 400)
        equal(server.get("/health").json["status"], "healthy", "the process lives")

    # MDS-09: upsert, refusal with place, CSV and JSON in
    def test_saving_over_http(self):
        server = self.serve()
        key = {"X-API-Key": self.key()}
        row = {"timestamp": "2024-01-01T00:00:00Z", "open": 1.5, "high": 2, "low": 1, "close": 1.25, "volume": 10}
        body = {"exchange": "file", "symbol": "ABC", "timeframe": "1h", "candles": [row]}
        post = lambda b, **h: server.request("POST", "/api/v1/market/candles", b, {**key, **h})
        reply = post(json.dumps(body))
        equal((reply.status, reply.json["inserted"]), (200, 1), reply.body)
        equal(post(json.dumps(body)).json["unchanged"], 1)
        body["candles"] = [row, {**row, "timestamp": "2024-01-01T01:00:00Z", "high": 0.5}]
        reply = post(json.dumps(body))
        equal((reply.status, reply.json["error"]["field"]), (422, "candles[1].high"), reply.body)
        csv = "ts,open,high,low,close,volume\n2024-01-01T02:00:00Z,1,2,1,2,5\n2024-01-01T03:00:00Z,2,3,2,3,6\n"
        path = "/api/v1/market/candles?exchange=file&symbol=ABC&timeframe=1h"
        reply = server.request("POST", path, csv, {**key, "Content-Type": "text/csv"})
        equal((reply.status, reply.json.get("inserted")), (200, 2), reply.body)
        page = server.get("/market-data/ohlcv?symbol=ABC&timeframe=1h").json
        equal([c["close"] for c in page["candles"]], [1.25, 2, 3])
        gone = server.request("DELETE", path, headers=key)
        equal(gone.json["removed"], 3)
        equal(server.get("/market-data/ohlcv?symbol=ABC&timeframe=1h").status, 404)

    # OBS-08, GOV-03, TOP-04: metrics count, the description is the tables', pages are there
    def test_pages_beside_the_operations(self):
        server = self.serve()
        health = server.get("/health").json
        equal((health["status"], health["service"]), ("healthy", "finsight"))
        check(health["timestamp"].endswith("Z") and "services" in health)
        served = server.get("/openapi.json").json
        equal(served["openapi"][:3], "3.1")
        equal(served, json.loads(self.cli("docs", "openapi").stdout), "served = generated")
        docs = server.get("/docs")
        check(b"/docs.css" in docs.body and b"http://" not in docs.body.replace(b"http://127.0.0.1", b"").replace(b"http://localhost", b""),
              "the page asks no third party")
        check("default-src 'self'" in docs.headers["content-security-policy"])
        equal(server.get("/docs.css").status, 200)
        for _ in range(10):
            server.get("/api/v1/market/series")
        text = server.get("/metrics").body.decode()
        line = [l for l in text.splitlines() if l.startswith("finsight_http_requests_total") and "market.series" in l and '"2xx"' in l]
        equal(float(line[0].split()[-1]), 10.0)
        snapshot = server.get("/api/v1/system/requests").json
        check(snapshot["request_count"] >= 14 and snapshot["error_rate"] == 0, snapshot)
        equal(server.request("HEAD", "/health").body, b"")
        equal(server.request("DELETE", "/health").status, 405)

    def test_ids_travel(self):
        server = self.serve()
        reply = server.get("/health", X_Correlation_ID="job-42")
        equal(reply.headers["x-correlation-id"], "job-42")
        check(len(reply.headers["x-request-id"]) == 36)
        reply = server.get("/health", X_Correlation_ID="evil\tvalue with spaces")
        equal(reply.headers["x-correlation-id"], reply.headers["x-request-id"])

    # While a server owns the store, the CLI works through it; afterwards on its own.
    def test_cli_through_the_server_and_alone(self):
        exchange = self.exchange()
        server = self.serve(exchange=exchange)
        csv = self.root / "abc.csv"
        csv.write_text("ts,open,high,low,close,volume\n" +
                       "".join(f"2024-01-{d:02}T00:00:00,{d},{d + 1},{d},{d + 0.5},100\n" for d in range(1, 31)))
        self.cli("import", csv, "--symbol", "ABC")
        equal(json.loads(self.cli("query", "ABC", "1d", "--json").stdout)["count"], 30)
        out = json.loads(self.cli("ensure", "BTCUSDT", "1d", "--start", "2023-01-01", "--end", "2023-03-01", "--json").stdout)
        equal((out[0]["candles"], out[0]["simulated"]), (59, True))
        through = self.cli("export", "ABC", "1d").stdout
        equal(server.stop(), 0)
        alone = self.cli("export", "ABC", "1d").stdout
        equal(alone, through)
        equal(len(alone.splitlines()), 31)
        check("ABC" in self.cli("list").stdout and "BTCUSDT" in self.cli("list").stdout)
        self.cli("verify")

    # GOV-07: a store has one writing process; another is told whose it is, and commands work through the owner
    def test_a_store_has_one_writer(self):
        server = self.serve()
        csv = self.root / "abc.csv"
        csv.write_text("ts,open,high,low,close,volume\n2024-01-01T00:00:00,1,2,1,1,100\n2024-01-02T00:00:00,1,2,1,1,100\n")
        self.cli("import", csv, "--symbol", "ABC")
        equal(server.get("/market-data/ohlcv?symbol=ABC&timeframe=1d").json["count"], 2, "imported through the owner")
        socket_file = self.data / "finsight.sock"
        socket_file.rename(self.root / "hidden.sock")
        for command in (("import", csv, "--symbol", "ABC"), ("list",), ("verify",)):
            done = self.cli(*command, status=None)
            equal(done.returncode, 5, command)
            check(str(server.process.pid) in done.stderr and "market.db" in done.stderr, done.stderr)
        equal(server.stop(), 0)
        self.cli("verify")

    def test_a_long_data_folder_still_serves(self):
        self.data = self.root / ("long" * 30)
        server = self.serve()
        equal(server.get("/health").status, 200)
        check("cannot work through" in (self.root / "log-0").read_text())

    # OBS-18: one id finds the whole story; OBS-17: each line is JSON; OBS-30: production says nothing at DEBUG
    def test_one_id_finds_the_whole_story(self):
        exchange = self.exchange()
        server = self.serve(exchange=exchange)
        body = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-01-01", "end": "2023-01-02"})
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        reply = server.request("POST", "/admin/data/ensure", body,
                               {"X-API-Key": self.key(), "X-Correlation-ID": "story-7", "traceparent": trace})
        equal(reply.status, 200, reply.body)
        server.get("/nothing", X_Correlation_ID="story-8")
        equal(server.stop(), 0)
        lines = [json.loads(line) for line in (self.root / "log-1").read_text().splitlines()]
        check(all(line["level"] in ("INFO", "WARNING", "ERROR", "CRITICAL") for line in lines), "no DEBUG")
        story = [line for line in lines if line.get("correlation_id") == "story-7"]
        said = [line["message"] for line in story]
        check("Collected 24 price records for BTCUSDT (SIMULATED)" in said and "data ensured" in said and said[-1] == "request", said)
        equal({line["request_id"] for line in story}, {reply.headers["x-request-id"]})
        equal(story[-1]["metadata"]["trace_id"], trace[3:35])
        equal(story[-1]["user_id"], "admin")
        check(story[-1]["duration_ms"] > 0 and story[-1]["metadata"]["status"] == 200)
        equal([line["metadata"]["status"] for line in lines if line.get("correlation_id") == "story-8"], [404])

    def test_a_timeframe_or_range_the_venue_has_not(self):
        exchange = self.exchange()
        server = self.serve(exchange=exchange)
        key = self.key()
        reply = ensure(server, key, timeframe="7m")
        equal((reply.status, reply.json["error"]["field"]), (422, "timeframe"), reply.body)
        check("15m" in reply.json["error"]["message"], "it names those there are", reply.body)
        reply = ensure(server, key, symbol="NOSUCHUSDT")
        equal((reply.status, reply.json["error"]["field"]), (404, "symbol"), reply.body)
        reply = ensure(server, key, start="2199-01-01", end="2199-02-01")
        equal((reply.status, reply.json["error"]["field"]), (422, "start"), reply.body)
        before = exchange.get("/sim/stats").json["requests"]
        reply = ensure(server, key, timeframe="1d", start="1990-01-01", end="2199-01-01")
        equal(reply.status, 200, reply.body)
        check(exchange.get("/sim/stats").json["requests"] - before < 20, "years before the listing cost next to nothing")
        check(reply.json["candles"] > 1000 and reply.json["end"] < "2100", reply.body)

    # A simulator behind the market's own configuration is refused, and leaves nothing in the store.
    def test_a_simulator_configured_as_a_market_is_refused(self):
        exchange = self.exchange()
        server = self.serve("--binance-url", exchange.url, "--binance-private")
        reply = ensure(server, self.key())
        equal(reply.status, 502, reply.body)
        check("simulat" in reply.json["error"]["message"], reply.body)
        equal(server.get("/api/v1/market/series").json["count"], 0)

    # The configured address decides who may read without a key.
    def test_another_address_than_loopback_needs_the_key_for_reading(self):
        server = self.start("serve", "--data-dir", self.data, "--port", 0, "--host", "0.0.0.0")
        equal(server.get("/api/v1/market/series").status, 401)
        equal(server.get("/api/v1/market/series", X_API_Key=self.key()).status, 200)
        equal(server.get("/health").status, 200)

    # GWY-41: a role without the gateway before it lets nobody in from outside either; the stages of the gateway and their
    # order are shown by test_security's test_each_layer_blocks_its_own_and_in_their_order
    def test_a_role_alone_refuses_who_comes_past_the_gateway(self):
        server = self.start("serve", "--roles", "market", "--data-dir", self.data, "--port", 0, "--host", "0.0.0.0")
        for path in ("/api/v1/market/series", "/api/v1/market/candles?symbol=A&timeframe=1h", "/api/v1/jobs"):
            equal(server.get(path).status, 401, path)
        equal(server.get("/api/v1/market/series", X_API_Key="wrong").status, 403)
        equal(server.get("/api/v1/market/series", X_API_Key=self.key()).status, 200)

    def test_two_owners_are_refused(self):
        self.serve()
        try:
            self.serve()
        except AssertionError as e:
            check("did not start" in str(e), e)
        else:
            raise AssertionError("a second server opened the same store")

    # TOP-04: the market role alone listens on 8000 unless told otherwise
    def test_the_market_role_has_its_port(self):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", 8000))
            except OSError:
                raise Skip("another program listens on port 8000")
        server = self.start("serve", "--data-dir", self.data, "--roles", "market")
        equal(server.port, 8000)
        equal(server.get("/api/v1/market/series").status, 200)
        equal(server.stop(), 0)
        server = self.start("serve", "--data-dir", self.data, "--roles", "market", "--port", 0)
        check(server.port not in (0, 8000), "a port that was asked for is taken")
        done = self.cli("serve", "--roles", "nosuch", status=2)
        check("market" in done.stderr, done.stderr)

    def test_a_port_in_use_is_said_plainly(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen(1)
            done = self.cli("serve", "--port", s.getsockname()[1], status=None)
        check(done.returncode != 0 and str(s) and "in use" in done.stderr, done.stderr)

    def test_sigterm_lets_requests_in_flight_end(self):
        exchange = self.exchange("--fault", "stall:n=1500,count=1,path=klines")
        server = self.serve(exchange=exchange)
        answers = []
        worker = threading.Thread(target=lambda: answers.append(ensure(server, self.key(), end="2023-01-03")))
        worker.start()
        rig.wait_for(lambda: exchange.get("/sim/stats").json.get("requests", 0) > 1 or not worker.is_alive(), 10, "the call to the venue")
        equal(server.stop(), 0)
        worker.join(20)
        equal(answers[0].status, 200, answers[0].body)

    def test_a_kill_leaves_the_store_whole(self):
        rng = random.Random(5)
        server = self.serve(exchange=self.exchange())
        key = self.key()
        saved = []

        def writer():
            for day in range(1, 200):
                rows = [{"timestamp": 1700000000000 + (day * 24 + h) * 3600000, "open": 1, "high": 2, "low": 1, "close": 2,
                         "volume": day} for h in range(24)]
                body = json.dumps({"exchange": "file", "symbol": "KILL", "timeframe": "1h", "candles": rows})
                try:
                    reply = server.request("POST", "/api/v1/market/candles", body, {"X-API-Key": key})
                except OSError:
                    return
                except Exception:
                    return
                if reply.status == 200:
                    saved.append(day)

        worker = threading.Thread(target=writer)
        worker.start()
        rig.wait_for(lambda: len(saved) >= 3 + rng.randrange(5), 20, "some saves")
        server.stop(signal.SIGKILL)
        worker.join(20)
        self.cli("verify")
        page = json.loads(self.cli("query", "KILL", "1h", "--limit", 20000, "--json").stdout)
        have = {int(c["volume"]) for c in page["candles"]}
        check(set(saved) <= have, "acknowledged days are missing", set(saved) - have)
        check(page["count"] % 24 == 0, "a save is all or nothing")

    def test_read_only_data_folder(self):
        if os.getuid() == 0:
            raise Skip("root may write everywhere: the read-only case needs an ordinary user")
        self.data.mkdir()
        self.data.chmod(0o500)
        done = self.cli("list", status=None)
        check(done.returncode not in (0, 1) and str(self.data) in done.stderr, done.stderr)

    # DEP-16
    def test_config_shows_origins_and_masks_secrets(self):
        conf = self.root / "finsight.yaml"
        conf.write_text("server:\n  port: 9999\nauth:\n  admin_key: very-secret-key-value\n")
        env = {**self.environment(), "FINSIGHT_LOG_LEVEL": "warning"}
        done = subprocess.run([self.binary, "config", "--config", conf, "--host", "127.0.0.2"], env=env, capture_output=True, text=True)
        equal(done.returncode, 0, done.stderr)
        text = done.stdout
        check("finsight.yaml:2" in text and "FINSIGHT_LOG_LEVEL" in text and "127.0.0.2" in text, text)
        check("very-secret" not in text, "the secret is masked")
        bad = subprocess.run([self.binary, "config", "--prot", "1"], env=env, capture_output=True, text=True)
        check(bad.returncode == 2 and "port" in bad.stderr, bad.stderr)


sys.exit(rig.main(Cases))
