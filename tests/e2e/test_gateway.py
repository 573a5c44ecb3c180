#!/usr/bin/env python3
"""The gateway with its services in other processes: equal answers, foreign services, hostile ones, and their death."""
import http.client
import http.server
import json
import pathlib
import re
import shutil
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402

SERIES = "symbol=BTCUSDT&timeframe=1h"
VOLATILE = re.compile(rb'"(request_id|correlation_id|backtest_id|id|timestamp|created_at|started_at|finished_at|elapsed_ms|execution_time_seconds|'
                      rb'duration_ms|took_ms|uptime_seconds|requests|connections|error_rate|avg_response_ms|max_response_ms|'
                      rb'location)":("[^"]*"|[-0-9.e+]+|null)')  # fmt: skip


class Stub:
    """A service in another language: thirty lines of Python (PRI-02). answer(handler) writes the reply."""

    def __init__(self, answer):
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.sent = self.rfile.read(length)
                stub.seen.append((self.path, self.client_address))  # of now: one handler serves a whole connection
                answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

            def reply(self, status, body, **headers):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.seen = []
        http.server.ThreadingHTTPServer.request_queue_size = 256
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None  # a client that left
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def paths(self):
        return [path for path, _ in self.seen if path != "/health"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Raw:
    """A service that answers every request with given bytes, and then does as it is told with the connection."""

    def __init__(self, reply, then="close", wait=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.reply, self.then, self.wait = reply, then, wait
        self.requests, self.closed = 0, threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with s:
            data = b""
            while b"\r\n\r\n" not in data:
                more = s.recv(65536)
                if not more:
                    return
                data += more
            self.requests += 1
            try:
                for piece in self.reply if isinstance(self.reply, list) else [self.reply]:
                    s.sendall(piece)
                if self.then == "reset":
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif self.then == "half":
                    s.shutdown(socket.SHUT_WR)
                    self.wait and self.wait.wait(30)
                elif self.then == "hold":
                    while s.recv(65536):
                        pass
            except OSError:
                pass
            self.closed.set()

    def close(self):
        self.listener.close()


def answered(reply):
    """What must be equal wherever it is answered: the status, the body without clocks and ids, the fields that matter."""
    fields = {k: reply.headers.get(k) for k in ("content-type", "allow", "link", "www-authenticate", "x-frame-options")}
    return reply.status, fields, VOLATILE.sub(rb'"\1":0', reply.body)


class Cases(rig.Suite):
    extra = {}

    def environment(self):
        return {**super().environment(), **self.extra}

    def gateway(self, *services, routes=(), flags=(), fast=True):
        args = ["--data-dir", self.root / "gateway", "--roles", "gateway", "--port", 0]
        if fast:
            args.append("--gateway.fast")
        if services:
            args += ["--services", ",".join(services)]
        if routes:
            args += ["--routes", ",".join(routes)]
        return self.start("serve", *args, *flags)

    def stub_gateway(self, stub, *routes, flags=()):
        return self.gateway(f"stub=127.0.0.1:{stub.port}", routes=routes or ["/stub/*=stub/;role=none"], flags=flags)

    # TOP-13, PRI-01, DEP-06: one process or four, the same answers
    def test_the_roles_as_processes_answer_like_one_process(self):
        exchange = self.exchange("--seed", 7)
        venue = ["--binance-url", exchange.url, "--binance-simulated", "--binance-private"]
        first = self.serve(exchange=exchange)
        body = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-01-01", "end": "2023-03-01"})
        key = self.key()
        equal(first.request("POST", "/api/v1/market/ensure", body, {"X-API-Key": key}).status, 200)
        equal(first.stop(), 0)
        split = self.root / "split"
        shutil.copytree(self.data, split, ignore=shutil.ignore_patterns("*.sock"))
        whole = self.start("serve", "--data-dir", self.data, "--port", 0, *venue)
        market = self.start("serve", "--data-dir", split, "--roles", "market", "--port", 0, *venue)
        at_market = f"market=127.0.0.1:{market.port}"
        backtest = self.start("serve", "--data-dir", split, "--roles", "backtest", "--port", 0, "--services", at_market)
        (self.root / "gateway").mkdir()
        shutil.copy(split / "admin.key", self.root / "gateway")
        gateway = self.gateway(at_market, f"backtest=127.0.0.1:{backtest.port}")
        run = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "strategy_type": "moving_average_crossover"})
        keyed, json_type = {"X-API-Key": key}, {"X-API-Key": key, "Content-Type": "application/json"}
        for method, path, sent, headers in (
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=500", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=5000", None, {"Accept-Encoding": "gzip"}),
            ("GET", f"/api/v1/market/candles?{SERIES}&limit=10", None, {"Accept": "text/csv"}),
            ("HEAD", f"/api/v1/market/candles?{SERIES}&limit=10", None, {}),
            ("GET", f"/market-data/ohlcv?{SERIES}&limit=10", None, {}),
            ("GET", f"/api/python/market/candles?{SERIES}&limit=10", None, {}),
            ("GET", f"/api/v1/market/statistics?{SERIES}", None, {}),
            ("GET", f"/api/v1/market/gaps?{SERIES}", None, {}),
            ("GET", "/api/v1/market/series", None, {}),
            ("GET", "/api/v1/market/candles?symbol=BTCUSDT", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}&limti=1", None, {}),
            ("GET", f"/api/v1/market/candles?{SERIES}", None, {"Accept": "image/png"}),
            ("GET", "/api/v1/market/nothing", None, {}),
            ("PUT", "/api/v1/market/candles", None, {}),
            ("POST", "/api/v1/market/ensure", body, {}),
            ("POST", "/api/v1/market/ensure", "{not json", json_type),
            ("POST", "/api/v1/market/ensure", body, json_type),
            ("GET", "/api/v1/jobs", None, keyed),
            ("GET", "/api/v1/admin/health", None, keyed),
            ("GET", "/api/v1/admin/health", None, {}),
            ("POST", "/api/v1/backtesting/run", run, json_type),
            ("POST", "/api/v1/backtesting/run", "{}", json_type),
            ("OPTIONS", "/api/v1/market/candles", None, {}),
        ):
            a, b = (s.request(method, path, sent, headers) for s in (whole, gateway))
            left, right = answered(a), answered(b)
            if right[0] >= 400:  # only a gateway has stages
                left, right = ((r[0], r[1], re.sub(rb',"stage":"[a-z]+"', b"", r[2])) for r in (left, right))
            equal(right, left, f"{method} {path}")
            check(a.status != 500, path)
            for reply in (a, b):
                check(reply.headers["x-correlation-id"], "a correlation id", path)
        # PRI-01: alone, a role serves its own routes and no others
        equal(market.get(f"/api/v1/market/candles?{SERIES}&limit=1").status, 200)
        equal(market.request("POST", "/api/v1/backtesting/run", run, json_type).status, 404)
        equal(backtest.get(f"/api/v1/market/candles?{SERIES}&limit=1").status, 404)

    # PRI-02: a role is replaced by thirty lines of another language; the gateway still checks what is asked of it
    def test_a_role_is_replaced_by_a_stub_in_another_language(self):
        page = {"exchange": "binance", "symbol": "BTCUSDT", "candles": [], "count": 0}
        stub = Stub(lambda h: h.reply(200, page if h.path.startswith("/api/v1/market/candles") else {"status": "ok"}))
        gateway = self.gateway(f"market=127.0.0.1:{stub.port}")
        reply = gateway.get(f"/api/v1/market/candles?{SERIES}&limit=2")
        equal((reply.status, reply.json), (200, page))
        equal(stub.paths(), [f"/api/v1/market/candles?{SERIES}&limit=2"])
        # GWY-23: bad input costs no call
        refused = gateway.get(f"/api/v1/market/candles?{SERIES}&limit=0")
        equal((refused.status, refused.json["error"]["stage"], refused.json["error"]["field"]), (422, "validation", "limit"))
        equal(gateway.request("POST", "/api/v1/market/ensure", "{}").json["error"]["stage"], "role")
        equal(len(stub.paths()), 1)
        stub.close()

    # GWY-07, GWY-17, GWY-32: what goes on with a request, and what comes back
    def test_fields_of_one_hop_stay_and_those_of_the_way_go_on(self):
        def echo(h):
            h.reply(200, {"path": h.path, "headers": {k.lower(): v for k, v in h.headers.items()}, "sent": h.sent.decode()},
                    Content_Type="application/json", Connection="x-private", X_Private="1", Server="stub", X_Frame_Options="ALLOW",
                    Set_Cookie="a=1", ETag='"7"')  # fmt: skip

        stub = Stub(echo)
        gateway = self.stub_gateway(stub, flags=["--server.trusted-hops", "10.0.0.0/8"])
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        reply = gateway.request("POST", "/stub/a%20b/c?x=1&y=%2F", "body", {
            "Connection": "keep-alive, X-Mine", "X-Mine": "1", "TE": "trailers", "Upgrade": "h2c", "X-Forwarded-For": "6.6.6.6",
            "X-Correlation-ID": "abc-1", "traceparent": trace, "X-FinSight-Principal": "3 root", "X-Yours": "2"})  # fmt: skip
        got = reply.json
        equal((got["path"], got["sent"]), ("/a%20b/c?x=1&y=%2F", "body"))
        headers = got["headers"]
        for name in ("x-mine", "te", "upgrade", "x-finsight-principal", "connection"):
            check(name not in headers, name, "went on")
        equal(headers["x-yours"], "2")
        equal(headers["x-forwarded-for"], "127.0.0.1", "what a client says of itself is not believed")
        equal((headers["x-forwarded-proto"], headers["x-correlation-id"]), ("http", "abc-1"))
        check(headers["traceparent"].startswith(trace[:36]) and headers["traceparent"] != trace, headers["traceparent"])
        check(0 < int(headers["x-deadline-ms"]) <= 30000, headers["x-deadline-ms"])
        equal(headers["host"], f"127.0.0.1:{gateway.port}")
        equal((reply.headers["x-correlation-id"], reply.headers["etag"], reply.headers["set-cookie"]), ("abc-1", '"7"', "a=1"))
        equal((reply.headers["server"], reply.headers["x-frame-options"]), ("finsight", "DENY"))
        check("x-private" not in reply.headers, "a field of one hop came back")
        # dots that a service would climb by never reach it (SEC-08)
        n = len(stub.paths())
        for path in ("/stub/../api", "/stub/%2e%2e/api", "/stub/a%2f..%2f..%2fb", "/stub//a"):
            reply = gateway.get(path)
            check(reply.status == 404 or (reply.status, reply.json["error"]["stage"]) == (403, "refusal"), path, reply.body)
        equal(len(stub.paths()), n)
        stub.close()

    # Bodies and heads of every size go through as they are, both ways, over kept connections
    def test_bodies_and_heads_of_every_size_go_through(self):
        def echo(h):
            h.reply(200, h.sent, X_Long="y" * int(h.headers.get("X-Size") or 0))

        stub = Stub(echo)
        gateway = self.stub_gateway(stub, "/stub/*=stub/;role=none;max_body=3000000")
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        for size in (0, 1, 1023, 16383, 16384, 65535, 65536, 131072, 200001, 2999999):
            body = bytes(i % 251 for i in range(min(size, 251))) * (size // 251 + 1)
            connection.request("POST", "/stub/x", body[:size], {"X-Size": str(size % 30000)})
            reply = connection.getresponse()
            equal((reply.status, len(reply.getheader("X-Long"))), (200, size % 30000), size)
            check(reply.read() == body[:size], "the body came back changed", size)
        connection.request("HEAD", "/stub/x")
        reply = connection.getresponse()
        equal((reply.status, reply.read(), reply.getheader("Content-Length")), (200, b"", "0"))
        equal(gateway.request("POST", "/stub/x", b"x" * 3000001).status, 413)
        check(len({address for _, address in stub.seen}) <= 3, "connections are kept")  # a health check may have one of its own
        # pipelined: answers in the order of the requests
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as s:
            s.sendall(b"".join(b"POST /stub/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n%02d" % i for i in range(30)))
            data = b""
            while data.count(b"HTTP/1.1 200") < 30 or not data.endswith(b"29"):
                more = s.recv(65536)
                check(more, "the connection was closed", data[-200:])
                data += more
        equal([int(part[-2:]) for part in data.split(b"HTTP/1.1 200")[1:]], list(range(30)))
        stub.close()

    # RES-03, RES-23: whatever a service does to its connection, the client gets an answer of ours or sees the cut
    def test_hostile_services_cost_an_answer_and_nothing_else(self):
        release = threading.Event()
        ok = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
        rows = [
            ("a good one", ok, "close", 200, b"hello"),
            ("no length, closed", b"HTTP/1.1 200 OK\r\n\r\nhello", "close", 200, b"hello"),
            ("half closed behind it", ok, "half", 200, b"hello"),
            ("longer than it says", ok + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "close", 200, b"hello"),
            ("in pieces", [b"HTT", b"P/1.1 200 OK\r\nTransfer-Encoding: chu", b"nked\r\nConnection: close\r\n\r\n5\r\nhe", b"llo\r\n0\r\n\r\n"], "close", 200, b"hello"),
            ("no answer", b"", "close", 503, None),
            ("reset", b"", "reset", 503, None),
            ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le", "close", 503, None),
            ("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "close", 502, None),
            ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "close", 502, None),
            ("length and chunks", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "close", 502, None),
            ("a switch nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "close", 502, None),
            ("a head without end", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200000, "close", 502, None),
            ("a status that is none", b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", "close", 502, None),
        ]  # fmt: skip
        raws = [Raw(reply, then, release) for _, reply, then, _, _ in rows]
        services = [f"s{i}=127.0.0.1:{r.port}" for i, r in enumerate(raws)]
        routes = [f"/s{i}=s{i};role=none" for i in range(len(raws))]
        gateway = self.gateway(*services, routes=routes, flags=["--gateway.health-path", ""])
        for i, (name, _, _, status, body) in enumerate(rows):
            for method in ("GET", "POST"):
                reply = gateway.request(method, f"/s{i}", timeout=60)
                equal(reply.status, status, f"{name} {method}: {reply.body!r}")
                if body is not None:
                    equal(reply.body, body, name)
                else:
                    check(reply.json["error"]["stage"] in ("upstream", "breaker", "balance"), reply.body)
        release.set()
        # shorter than it says: the client sees the cut, not a body that looks whole
        for text in (b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"x" * 300000,
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186A0\r\n" + b"x" * 90000):  # fmt: skip
            raw = Raw(text, "close")
            other = self.gateway(f"cut=127.0.0.1:{raw.port}", routes=["/cut=cut;role=none"], flags=["--gateway.health-path", ""])
            try:
                reply = other.get("/cut")
                check(reply.status == 503, "a cut body was passed on as whole")
            except http.client.HTTPException:
                pass
            raw.close()
        for raw in raws:
            raw.close()

    # GWY-21: a service that does not answer is given up at the set time
    def test_a_silent_service_costs_its_timeout(self):
        raw = Raw(b"", "hold")
        gateway = self.gateway(f"stub=127.0.0.1:{raw.port}", routes=["/stub=stub;role=none;timeout_ms=700"], flags=["--gateway.health-path", ""])
        began = time.monotonic()
        reply = gateway.request("POST", "/stub", "x")
        took = time.monotonic() - began
        equal((reply.status, reply.json["error"]["stage"]), (504, "upstream"))
        check(0.65 <= took < 5, f"took {took:.3f} s")
        rig.wait_for(raw.closed.is_set, 60, "the service's connection to be closed")
        raw.close()

    # architecture 6: streaming both ways with bounded memory; a client that leaves takes its call along
    def test_large_replies_stream_and_a_client_that_leaves_ends_the_call(self):
        size = 96 << 20
        sent = {"n": 0}

        def big(h):
            h.send_response(200)
            h.send_header("Content-Length", str(size))
            h.end_headers()
            block = b"0123456789abcdef" * 4096
            try:
                for _ in range(size // len(block)):
                    h.wfile.write(block)
                    sent["n"] += len(block)
            except OSError:
                sent["cut"] = True

        stub = Stub(lambda h: big(h) if h.path == "/big" else h.reply(200, b"ok"))
        gateway = self.stub_gateway(stub)
        reply = gateway.get("/stub/big")
        equal((reply.status, len(reply.body), reply.headers["content-length"]), (200, size, str(size)))
        check(reply.body == b"0123456789abcdef" * (size // 16), "the bytes are those of the service")
        status = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1])
        if not any(word in self.binary for word in ("asan", "tsan")):
            check(peak < 64 << 10, f"{peak} kB for a reply of {size} bytes")
        # a client that reads nothing stops the service; one that leaves cuts it
        sent["n"] = 0
        with socket.create_connection(("127.0.0.1", gateway.port)) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b"GET /stub/big HTTP/1.1\r\nHost: a\r\n\r\n")
            s.recv(100)
            rig.wait_for(lambda: sent["n"] > 0, 60, "the reply to begin")
            time.sleep(0.3)
            check(sent["n"] < size, "the service is held back by a client that does not read")
        rig.wait_for(lambda: sent.get("cut"), 60, "the service to see the cut")
        equal(gateway.get("/stub/x").body, b"ok")
        stub.close()

    # GWY-04, GWY-20, GWY-29, PRI-03: instances share the calls; one that dies costs no client anything
    def test_one_instance_dies_and_no_client_notices(self):
        stubs = [Stub(lambda h, i=i: h.reply(200, str(i).encode())) for i in range(3)]
        gateway = self.gateway(*[f"stub=127.0.0.1:{s.port}" for s in stubs], routes=["/stub/*=stub/;role=none"])
        got = [gateway.get("/stub/x").body for _ in range(30)]
        equal(sorted(got.count(b"%d" % i) for i in range(3)), [10, 10, 10])
        stubs[1].close()
        for _ in range(60):
            equal(gateway.get("/stub/x").status, 200)
        services = lambda: gateway.get("/health").json["services"]["stub"]
        rig.wait_for(lambda: sum(i["healthy"] for i in services()["instances"]) == 2, 60, "the dead one to be found out")
        rig.wait_for(lambda: services()["status"] == "degraded", 60, "the service to say so")
        for stub in (stubs[0], stubs[2]):
            stub.close()
        reply = rig.wait_for(lambda: next((r for r in [gateway.get("/stub/x")] if r.status == 503), None), 60, "nobody to be left")
        check(reply.json["error"]["stage"] in ("upstream", "balance", "breaker"), reply.body)
        check("retry-after" in reply.headers or reply.json["error"]["retryable"], reply.headers)
        rig.wait_for(lambda: gateway.get("/health").json["status"] == "degraded", 60, "the platform to say so")

    # A role's own 502 is a venue's failure: the gateway does not have the venue asked again
    def test_what_a_role_answers_is_not_asked_twice(self):
        error = {"error": {"code": "collection_error", "message": "the venue is down", "field": None, "request_id": "1", "correlation_id": "1", "retryable": True}}
        stub = Stub(lambda h: h.reply(502, error) if h.command == "POST" else h.reply(200, b"ok"))
        gateway = self.gateway(f"market=127.0.0.1:{stub.port}")
        key = (self.root / "gateway" / "admin.key").read_text().strip()
        body = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-01-01", "end": "2023-02-01"})
        reply = gateway.request("POST", "/api/v1/market/ensure", body, {"X-API-Key": key, "Content-Type": "application/json"})
        equal((reply.status, reply.json["error"]["message"]), (502, "the venue is down"))
        equal(len(stub.paths()), 1)
        stub.close()

    # GWY-20: what is not idempotent is sent once, unless it carries a key of its own
    def test_a_post_is_repeated_only_with_a_key(self):
        raw = Raw(b"", "close")
        stub = Stub(lambda h: h.reply(200, b"ok"))
        gateway = self.gateway(f"stub=127.0.0.1:{raw.port}", f"stub=127.0.0.1:{stub.port}", routes=["/stub/*=stub/;role=none"],
                               flags=["--gateway.health-path", ""])  # fmt: skip
        statuses = [gateway.request("POST", "/stub/x", "1").status for _ in range(4)]
        check(503 in statuses and raw.requests >= 1, statuses)
        before = raw.requests
        for _ in range(4):
            equal(gateway.request("POST", "/stub/x", "1", {"Idempotency-Key": "k"}).status, 200)
        check(raw.requests > before, "the broken instance was asked too")
        raw.close()
        stub.close()

    # SEC-03, GWY-08 .. GWY-12: limits refuse before anything is asked of a service, and say so
    def test_limits_by_address_and_by_key(self):
        stub = Stub(lambda h: h.reply(200, b"ok"))
        gateway = self.stub_gateway(stub, flags=["--limit.anonymous", 5, "--limit.key", 7])
        replies = [gateway.get("/stub/x") for _ in range(7)]
        equal([r.status for r in replies], [200] * 5 + [429] * 2)
        equal([r.headers["ratelimit-remaining"] for r in replies[:5]], ["4", "3", "2", "1", "0"])
        error = replies[6].json["error"]
        equal((error["message"], error["stage"], error["code"]), ("Rate limit exceeded", "address", "limit_exceeded"))
        check(0 < int(replies[6].headers["retry-after"]) <= 60, replies[6].headers)
        equal(len(stub.paths()), 5)
        key = (self.root / "gateway" / "admin.key").read_text().strip()
        keyed = [gateway.get("/stub/x", X_API_Key=key) for _ in range(9)]
        equal([r.status for r in keyed], [200] * 7 + [429] * 2)
        equal(keyed[8].json["error"]["stage"], "limit")
        equal(gateway.get("/health").status, 200, "probes are not counted")
        stub.close()

    # DEP-14: services and routes are read again on HUP; no request fails meanwhile, whatever the file says
    def test_reloads_change_routes_without_a_failed_request(self):
        stubs = [Stub(lambda h, i=i: h.reply(200, str(i).encode())) for i in range(2)]
        conf = self.root / "gateway.yaml"

        def write(*items, text=None):
            fresh = self.root / "gateway.yaml.new"
            fresh.write_text(text or json.dumps({"gateway": {"fast": True, "services": [f"s=127.0.0.1:{stubs[0].port}", f"t=127.0.0.1:{stubs[1].port}"],
                                                             "routes": list(items)}}))  # fmt: skip
            fresh.rename(conf)

        write("/a/*=s/;role=none")
        gateway = self.start("serve", "--config", conf, "--data-dir", self.root / "g", "--roles", "gateway", "--port", 0)
        bad, stop = [], threading.Event()

        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
            while not stop.is_set():
                connection.request("GET", "/a/x")
                reply = connection.getresponse()
                if (reply.status, reply.read()) not in ((200, b"0"), (200, b"1")):
                    bad.append(reply.status)

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for c in clients:
            c.start()
        for i in range(40):
            write("/a/*=%s/;role=none" % "st"[i % 2], f"/b{i}=t;role=none")
            gateway.process.send_signal(signal.SIGHUP)
            rig.wait_for(lambda i=i: gateway.get(f"/b{i}").status == 200, 60, "the new route")
        equal(gateway.get("/b1").status, 404, "an old route")
        for text in ("gateway: [", '{"gateway": {"routes": ["/a=nobody"]}}', '{"gateway": {"services": ["s=1.2.3"]}}', '{"nosuch": 1}'):
            write(text=text)
            gateway.process.send_signal(signal.SIGHUP)
        write("/a/*=s/;role=none", "/last=t;role=none")
        gateway.process.send_signal(signal.SIGHUP)
        rig.wait_for(lambda: gateway.get("/last").status == 200, 60, "the last file")
        stop.set()
        for c in clients:
            c.join()
        equal(bad, [])
        for s in stubs:
            s.close()

    # GWY-15, SEC-09, SEC-13 .. SEC-17: pages of other origins, and the headers of every answer
    def test_origins_and_security_headers(self):
        stub = Stub(lambda h: h.reply(200, b"ok"))
        gateway = self.stub_gateway(stub, flags=["--cors.origins", "https://app.example", "--cors.credentials"])
        asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
        reply = gateway.request("OPTIONS", "/stub/x", headers=asks)
        equal(reply.status, 204)
        equal((reply.headers["access-control-allow-origin"], reply.headers["access-control-allow-credentials"], reply.headers["access-control-max-age"]),
              ("https://app.example", "true", "600"))  # fmt: skip
        check("X-API-Key" in reply.headers["access-control-allow-headers"] and "GET" in reply.headers["access-control-allow-methods"])
        equal(len(stub.paths()), 0, "a preflight costs no call")
        refused = gateway.request("OPTIONS", "/stub/x", headers={**asks, "Origin": "https://evil.example"})
        equal((refused.status, refused.json["error"]["stage"]), (403, "origin"))
        equal(gateway.get("/stub/x", Origin="https://app.example").headers["access-control-allow-origin"], "https://app.example")
        check("access-control-allow-origin" not in gateway.get("/stub/x", Origin="https://evil.example").headers)
        for reply in (gateway.get("/stub/x"), gateway.get("/nothing"), gateway.get("/health"), gateway.get("/docs"),
                      gateway.request("GET", "/stub/x", headers={"Content-Length": "x"})):  # fmt: skip
            for name, value in (("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("x-xss-protection", "1; mode=block")):
                equal(reply.headers.get(name), value, f"{reply.status} {name}")
            check(reply.headers["content-security-policy"].startswith("default-src 'self'"))
            check("strict-transport-security" not in reply.headers, "it is for TLS alone")
        stub.close()

    # GWY-06, GWY-25, GWY-27, OBS-01: health and metrics under the documents' names
    def test_health_and_metrics_have_the_documents_names(self):
        stub = Stub(lambda h: h.reply(200, {"status": "ok"}))
        gateway = self.gateway(f"market=127.0.0.1:{stub.port}", f"backtest=127.0.0.1:{stub.port}")
        health = gateway.get("/health").json
        equal((health["status"], health["services"]["market_data"]["status"]), ("healthy", "healthy"))
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", health["timestamp"]), health["timestamp"])
        equal(gateway.get("/api/health/backtest").json["status"], "healthy")
        missing = gateway.get("/api/health/nosuch")
        equal((missing.status, missing.json["error"]["message"]), (404, "Service not found"))
        check("request_count" in gateway.get("/api/metrics").json, "metrics as JSON")
        check(b"finsight_upstream_healthy_instances{service=\"market\"} 1" in gateway.get("/api/metrics/prometheus").body)
        stub.close()
        rig.wait_for(lambda: gateway.get("/api/health/market_data").json["status"] == "unhealthy", 60, "the death to be seen")
        equal(gateway.get("/health").json["status"], "degraded")

    # RES-01, RES-02, GWY-19: who keeps failing is not asked any more, and is asked again with one call
    def test_a_breaker_opens_and_closes_again(self):
        broken = {"now": True}
        stub = Stub(lambda h: h.reply(500 if broken["now"] else 200, b"x"))
        gateway = self.gateway(f"stub=127.0.0.1:{stub.port}", routes=["/stub/*=stub/;role=none"], flags=["--gateway.health-path", ""])
        equal([gateway.get("/stub/x").status for _ in range(3)], [500] * 3, "an answer is passed on, also a bad one")
        refused = gateway.get("/stub/x")
        equal((refused.status, refused.json["error"]["stage"]), (503, "breaker"))
        check(refused.json["error"]["message"].startswith("Circuit breaker is OPEN") and "retry-after" in refused.headers, refused.body)
        n = len(stub.paths())
        equal(gateway.get("/stub/x").status, 503)
        equal(len(stub.paths()), n, "an open breaker costs no call")
        broken["now"] = False
        rig.wait_for(lambda: gateway.get("/stub/x").status == 200, 60, "the breaker to close")
        equal([gateway.get("/stub/x").status for _ in range(5)], [200] * 5)
        stub.close()

    # SEC-06, FLW-17: the gateway vouches for who asks; a stranger who claims to be one does not
    def test_the_gateway_vouches_for_its_callers(self):
        self.extra = {"FINSIGHT_AUTH_INTERNAL_KEY": "between-us"}
        market = self.start("serve", "--data-dir", self.data, "--roles", "market", "--port", 0)
        gateway = self.gateway(f"market=127.0.0.1:{market.port}")
        key = (self.root / "gateway" / "admin.key").read_text().strip()
        check(key != self.key(), "each process has its own keys")
        equal(gateway.get("/api/v1/admin/health", X_API_Key=key).status, 200)
        equal(market.get("/api/v1/admin/health", X_API_Key=key).status, 403)
        rows = gateway.get("/api/v1/admin/audit", X_API_Key=key)
        equal(rows.status, 200)
        for claim in ({"X-FinSight-Internal": "guess", "X-FinSight-Principal": "3 root"}, {"X-FinSight-Principal": "3 root"}):
            check(market.request("GET", "/api/v1/admin/health", headers=claim).status in (401, 403), claim)
            check(gateway.request("GET", "/api/v1/admin/health", headers=claim).status in (401, 403), claim)

    # GOV-08, U01: roles that are not there are said plainly
    def test_roles_are_named(self):
        for roles, words in (("nosuch", "gateway, market, backtest"), ("chain", "not in this build")):
            done = self.cli("serve", "--roles", roles, "--port", 0, status=None)
            check(done.returncode != 0 and words in done.stderr, done.stderr)
        for flags, words in ((["--services", "market"], "NAME=ADDRESS"), (["--routes", "/a=nobody"], "no service"),
                             (["--services", "a=127.0.0.1:1", "--routes", "GET /api/v1/market/candles=a"], "twice"),
                             (["--services", "a=localhost:x"], "address")):  # fmt: skip
            done = self.cli("serve", "--roles", "gateway", "--port", 0, *flags, status=None)
            check(done.returncode != 0 and words in done.stderr, flags, done.stderr)


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
