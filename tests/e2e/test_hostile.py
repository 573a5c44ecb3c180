#!/usr/bin/env python3
"""The platform among enemies: malformed bytes, slow and vanishing clients, floods, a venue that hangs, and signals.

What must hold each time: the process lives, other clients are served, every refusal is the uniform JSON, memory is flat.
"""
import json
import random
import signal
import socket
import struct
import sys
import threading
import time

import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402

H = b"Host: x\r\n"
SERIES = "symbol=BTCUSDT&timeframe=1h"
STALL = ("--fault", "stall:n=60000,path=klines")


def talk(server, data, wait=5.0, pieces=65536):
    """Sends bytes, reads until the server closes or has said nothing for a moment."""
    out = b""
    with socket.create_connection(("127.0.0.1", server.port), wait) as s:
        try:
            for i in range(0, len(data), pieces):
                s.sendall(data[i:i + pieces])
        except OSError:
            pass  # refused and closed before it was all sent: what was answered is still to be read
        s.settimeout(wait)
        try:
            while True:
                got = s.recv(65536)
                if not got:
                    break
                out += got
                s.settimeout(0.3)
        except OSError:
            pass
    return out


def replies(data, head=False):
    """[(status, headers, body)] of a stream of replies with Content-Length. Raises on anything else."""
    found = []
    while data:
        head_part, blank, rest = data.partition(b"\r\n\r\n")
        check(blank, "a head without an end", head_part[:200])
        lines = head_part.split(b"\r\n")
        check(lines[0].startswith(b"HTTP/1.1 "), "not a status line", lines[0])
        status = int(lines[0].split()[1])
        headers = dict((k.strip().lower().decode(), v.strip().decode("latin-1")) for k, _, v in
                       (line.partition(b":") for line in lines[1:]))
        n = 0 if head or status in (100, 204) else int(headers["content-length"])
        check(len(rest) >= n, "a cut body")
        found.append((status, headers, rest[:n]))
        data = rest[n:]
    return found


def uniform(body):
    error = json.loads(body)["error"]
    check(error["code"] and error["message"], "code and message", body[:300])
    return error


def rss_kb(server):
    for line in open(f"/proc/{server.process.pid}/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1])


def alive(server):
    equal(server.get("/health").status, 200, "health")


def get(path, more=b""):
    return b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\n" + H + more + b"\r\n"


def ensure_body(symbol="BTCUSDT", start="2023-01-01", end="2023-01-03"):
    return json.dumps({"symbol": symbol, "timeframe": "1h", "start": start, "end": end})


def ensure(server, key, timeout=30, **args):
    return server.request("POST", "/api/v1/market/ensure", ensure_body(**args), {"X-API-Key": key}, timeout=timeout)


class Cases(rig.Suite):
    def test_malformed_bytes_have_their_status(self):
        server = self.serve()
        post = b"POST /api/v1/market/ensure HTTP/1.1\r\n" + H
        rows = [
            ("three in a row", get("/health") * 3, [200, 200, 200]),
            ("chunked", post + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", [401]),
            ("length and chunked", post + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
            ("two lengths", post + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", [400]),
            ("two equal lengths", post + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", [400]),
            ("negative length", post + b"Content-Length: -1\r\n\r\n", [400]),
            ("no host", b"GET /health HTTP/1.1\r\n\r\n", [400]),
            ("two hosts", b"GET /health HTTP/1.1\r\n" + H + H + b"\r\n", [400]),
            ("space before the colon", b"GET /health HTTP/1.1\r\n" + H + b"Content-Length : 0\r\n\r\n", [400]),
            ("bare LF", b"GET /health HTTP/1.1\nHost: x\n\n", [400]),
            ("folded header", b"GET /health HTTP/1.1\r\n" + H + b"A: b\r\n c\r\n\r\n", [400]),
            ("NUL in a header", b"GET /health HTTP/1.1\r\n" + H + b"A: b\0c\r\n\r\n", [400]),
            ("NUL in the target", b"GET /hea\0lth HTTP/1.1\r\n" + H + b"\r\n", [400]),
            ("9 kB of header", get("/health", b"X: " + b"a" * 9000 + b"\r\n"), [200]),
            ("40 kB of header", get("/health", b"X: " + b"a" * 40000 + b"\r\n"), [431]),
            ("1 MB of header", get("/health", b"X: " + b"a" * 1000000 + b"\r\n"), [431]),
            ("200 headers", get("/health", b"".join(b"X%d: a\r\n" % i for i in range(200))), [431]),
            ("a long target", get("/" + "a" * 40000), [414]),
            ("3 MB of body", post + b"Content-Length: 3000000\r\n\r\n" + b"a" * 3000000, [413]),
            ("a chunk too large", post + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"a" * 200000, [413]),
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 4, [400]),
            ("another version", b"GET /health HTTP/3.0\r\n" + H + b"\r\n", [505]),
            ("an unknown method", b"BREW /health HTTP/1.1\r\n" + H + b"\r\n", [501]),
            ("an expectation", get("/health", b"Expect: tea\r\n"), [417]),
            ("HTTP/2's preface, cut short", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", [505]),
        ]
        for name, data, want in rows:
            got = replies(talk(server, data))
            equal([status for status, _, _ in got], want, name)
            for status, headers, body in got:
                if status >= 400:
                    uniform(body)
                    equal(headers["content-type"], "application/json", name)
        alive(server)

    def test_paths_and_queries_with_tricks(self):
        server = self.serve()
        candles = "/api/v1/market/candles"
        pairs = lambda n: "&".join(f"a{i}=1" for i in range(n))
        rows = [
            (f"/api/v1/market/%63andles?{SERIES}", (404,)),  # an escaped letter is the letter: an unknown series
            (f"{candles}%00?{SERIES}", (400,)),
            (f"{candles}%2f?{SERIES}", (404,)),
            (f"/api/v1/market%2fcandles?{SERIES}", (404,)),
            (f"/api/v1//market/candles?{SERIES}", (404,)),
            (f"/api/v1/market/../market/candles?{SERIES}", (404,)),
            ("/../../etc/passwd", (404,)),
            ("/%2e%2e/%2e%2e/etc/passwd", (404,)),
            (f"{candles}%?{SERIES}", (400,)),
            (f"{candles}%zz?{SERIES}", (400,)),
            (f"{candles}?{SERIES}&limit=%", (400, 422)),
            (f"{candles}?symbol=%00&timeframe=1h", (400, 422)),
            (f"{candles}?symbol=BTC%0d%0aX:y&timeframe=1h", (422,)),
            (f"{candles}?symbol=%ff%fe&timeframe=1h", (400, 422)),
            (f"{candles}?{SERIES}&symbol=ETHUSDT", (400, 422)),
            (f"{candles}?{SERIES}&{pairs(62)}", (422,)),
            (f"{candles}?{SERIES}&{pairs(63)}", (400,)),
            (f"{candles}?{SERIES}&{pairs(1500)}", (400,)),
            (f"{candles}?{SERIES}&limit=20001", (422,)),
            (f"{candles}?{SERIES}&limit=99999999999999999999", (422,)),
            (f"{candles}?{SERIES}&limit=-1", (422,)),
            (f"{candles}?{SERIES}&limit=1e3x", (422,)),
            (f"{candles}?{SERIES}&start=99999-01-01", (422,)),
            (f"{candles}?{SERIES}&start=99999999999999999999", (422,)),
            (f"{candles}?{SERIES}&start=nan", (422,)),
            (f"{candles}?symbol={'A' * 5000}&timeframe=1h", (422,)),
            (f"{candles}?symbol=../../etc/passwd&timeframe=1h", (422, 404)),
            (f"{candles}?symbol=a'%20OR%20'1'='1&timeframe=1h", (422,)),
            (f"{candles}?symbol=BTCUSDT&timeframe=99999999999999999999m", (422,)),
            (f"{candles}?symbol=BTCUSDT&timeframe=0m", (422,)),
            (f"{candles}?{SERIES}&=1", (422, 400)),
            (f"{candles}?&&&", (422,)),
            (f"{candles}?{'&' * 3000}", (422, 400)),
        ]
        # what has the form of an attack is refused before anything is looked up (SEC-19)
        attacks = [path for path, _ in rows if any(x in path for x in ("..", "%2e%2e", "%00", "'", "%0d%0a", "%ff%fe"))]
        for path, want in rows:
            (status, _, body), = replies(talk(server, get(path)))
            refused = status == 403 and json.loads(body)["error"].get("stage") == "refusal"
            check(status in want or (refused and path in attacks), path, "answered", status, body[:300])
            uniform(body)
        alive(server)

    def test_bodies_with_tricks(self):
        server = self.serve()
        key = self.key()
        row = '{"timestamp":"2024-01-01T00:00:00Z","open":1,"high":2,"low":1,"close":1,"volume":1}'
        head = '{"symbol":"A","timeframe":"1h","candles":'
        save, ensure_path = "/api/v1/market/candles", "/api/v1/market/ensure"
        rows = [
            (save, "[" * 100000, (400, 413, 422)),
            (save, '{"a":' * 100000, (400, 413, 422)),
            (save, head + "[" * 50000 + "]" * 50000 + "}", (400, 413, 422)),
            (save, head + "[" + row + "]", (400,)),
            (save, head + "[" + row + "]} {}", (400,)),
            (save, head + "[" + row.replace("1,", "1e400,", 1) + "]}", (400, 422)),
            (save, head + "[" + row.replace("1,", "NaN,", 1) + "]}", (400, 422)),
            (save, head + "[" + row.replace("1,", '"1",', 1).replace("2024-01-01T00:00:00Z", "2024-02-30") + "]}", (422,)),
            (save, head + "[null]}", (400, 422)),
            (save, head + "null}", (400, 422)),
            (save, '{"symbol":"A","symbol":"B","timeframe":"1h","candles":[' + row + "]}", (400, 422)),
            (save, '{"symbol":"A\\u0000","timeframe":"1h","candles":[' + row + "]}", (400, 422)),
            (save, '{"symbol":"\\ud800","timeframe":"1h","candles":[' + row + "]}", (400, 422)),
            (save, b'{"symbol":"\xff","timeframe":"1h","candles":[]}', (400, 422)),
            (save, head + "[" + row.replace("}", ',"flags":["no such flag"]}') + "]}", (400, 422)),
            (save, "", (400, 422)),
            (save, "\ufeff{}", (400, 422)),
            (ensure_path, "{}", (422,)),
            (ensure_path, "[]", (400, 422)),
            (ensure_path, '"x"', (400, 422)),
            (ensure_path, ensure_body()[:-1] + ',"nothing":1}', (422,)),
            (ensure_path, "x" * 65537, (413,)),
            ("/api/v1/market/verify", "[]", (400, 422)),
        ]
        for path, body, want in rows:
            body = body if isinstance(body, bytes) else body.encode()
            reply = server.request("POST", path, body, {"X-API-Key": key})
            check(reply.status in want, path, body[:80], "answered", reply.status, reply.body[:300])
            uniform(reply.body)
        for kind, want in (("text/plain", 415), ("application/xml", 415), ("", 422), ("application/vnd.x+json", 422),
                           ("multipart/form-data; boundary=x", 415), ("application/json;charset=utf-8", 422)):
            reply = server.request("POST", ensure_path, "{}", {"X-API-Key": key, "Content-Type": kind})
            equal(reply.status, want, kind)
            uniform(reply.body)
        # A refusal is JSON also for who asked for CSV, and CSV that cannot be read names its line.
        refused = server.get("/api/v1/market/candles?timeframe=1h", Accept="text/csv")
        equal((refused.status, refused.headers["content-type"]), (422, "application/json"))
        query = save + "?symbol=A&timeframe=1h"
        bad = server.request("POST", query, "time,open,high,low,close,volume\n2024-01-01,1,2,1,x,5\n",
                             {"X-API-Key": key, "Content-Type": "text/csv"})
        equal(bad.status, 422, bad.body)
        check("line 2" in json.dumps(uniform(bad.body)), bad.body)
        alive(server)

    def test_headers_cannot_be_forged(self):
        server = self.serve()
        for value in (b"a b", b"a\tb", b"x" * 65, b"\xc3\xa9", b'"', b"a;b", b"%0d%0aSet-Cookie: x"):
            (status, headers, _), = replies(talk(server, get("/health", b"X-Correlation-ID: " + value + b"\r\n")))
            equal((status, headers["x-correlation-id"]), (200, headers["x-request-id"]), value)
            check("set-cookie" not in headers)
        for value in (b"-1", b"x", b"1.5", b"99999999999999999999"):
            (status, _, body), = replies(talk(server, get("/api/v1/market/series", b"X-Deadline-MS: " + value + b"\r\n")))
            equal((status, uniform(body)["field"]), (400, "x-deadline-ms"), value)
        (status, _, body), = replies(talk(server, get("/api/v1/market/series", b"X-Deadline-MS: 0\r\n")))
        equal((status, uniform(body)["code"]), (504, "timeout"))
        for method in ("GET", "HEAD", "OPTIONS"):
            for path in ("/health", "/metrics", "/openapi.json", "/docs", "/api/v1/market/series", "/api/v1/market/storage"):
                (status, headers, body), = replies(talk(server, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()),
                                                   head=method == "HEAD")
                equal(status, 204 if method == "OPTIONS" else 200, method + path)
                if method == "OPTIONS":
                    check({"GET", "HEAD", "OPTIONS"} <= set(headers["allow"].split(", ")), headers)
                if method != "GET":
                    equal(body, b"", method + path)
        (status, headers, _), = replies(talk(server, b"PATCH /api/v1/market/series HTTP/1.1\r\n" + H + b"\r\n"))
        equal((status, headers["allow"]), (405, "GET, HEAD, OPTIONS"))

    def test_slow_clients_are_cut_and_hold_nobody_up(self):
        server = self.serve("--server.header_timeout", "1s", "--server.body_timeout", "1s")
        slow = []
        for first in (b"GET /health HTTP/1.1\r\nHost: x\r\nX",
                      b"POST /api/v1/market/ensure HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"):
            for _ in range(20):
                s = socket.create_connection(("127.0.0.1", server.port), 5)
                s.sendall(first)
                slow.append(s)
        end = time.monotonic() + 10
        cut = {}
        while len(cut) < len(slow) and time.monotonic() < end:
            alive(server)
            for s in slow:
                if s in cut:
                    continue
                try:
                    s.settimeout(0.001)
                    got = s.recv(4096)
                    cut[s] = got
                except socket.timeout:
                    try:
                        s.sendall(b"a")
                    except OSError:
                        cut[s] = b""
                except OSError:
                    cut[s] = b""
        equal(len(cut), len(slow), "cut")
        said = [c for c in cut.values() if c]
        check(said and all(c.startswith(b"HTTP/1.1 408") for c in said), [c[:40] for c in said][:5])
        for s in slow:
            s.close()

    def test_two_thousand_mutated_requests(self):
        server = self.serve()
        rng = random.Random(20240101)
        key = self.key().encode()
        row = b'{"timestamp":1704067200000,"open":1,"high":2,"low":1,"close":1,"volume":1}'
        body = b'{"symbol":"AB","timeframe":"1h","candles":[' + row + b"]}"
        seeds = [
            get(f"/api/v1/market/candles?{SERIES}&start=2023-01-01&limit=10", b"Accept: text/csv;q=0.5, */*;q=0.1\r\n"),
            get(f"/market-data/statistics?{SERIES}", b"Accept-Encoding: zstd, gzip;q=0.5\r\n"),
            get("/api/v1/market/changes?after=0&limit=5", b"X-Correlation-ID: abc\r\nTraceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01\r\n"),
            b"POST /api/v1/market/candles HTTP/1.1\r\n" + H + b"X-API-Key: " + key + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
            b"POST /api/v1/market/candles?symbol=AB&timeframe=1h HTTP/1.1\r\n" + H + b"Authorization: Bearer " + key + b"\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4c\r\ntime,open,high,low,close,volume\n2024-01-01T00:00:00Z,1,2,1,1,1\n2024-01-01T01:0\r\n0\r\n\r\n",
            b"DELETE /api/v1/market/candles?symbol=AB&timeframe=1h HTTP/1.1\r\n" + H + b"X-API-Key: " + key + b"\r\n\r\n",
            get("/openapi.json", b"Accept-Encoding: gzip\r\n"),
            get("/metrics"),
        ]
        spice = [b"\0", b"\r\n", b"\n", b"%", b"%00", b"%2f", b"&", b"=", b"{", b"[", b'"', b"\\u", b"\xff", b"-", b"9" * 30, b" ",
                 b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n", b"e999", b"/", b"..", b";q=2", b","]

        def mutate(data):
            data = bytearray(data)
            for _ in range(rng.randrange(1, 5)):
                at = rng.randrange(len(data))
                what = rng.randrange(5)
                if what == 0:
                    data[at] = rng.randrange(256)
                elif what == 1:
                    data[at:at] = rng.choice(spice)
                elif what == 2:
                    del data[at:at + rng.randrange(1, 20)]
                elif what == 3:
                    data[at:at] = data[at:at + rng.randrange(1, 40)]
                else:
                    data[at:] = data[at:][:rng.randrange(0, 200)]
                if not data:
                    data = bytearray(b"\r\n")
            return bytes(data)

        def one(data):
            with socket.create_connection(("127.0.0.1", server.port), 5) as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                s.settimeout(10)
                out = b""
                try:
                    while True:
                        got = s.recv(65536)
                        if not got:
                            return out
                        out += got
                except ConnectionResetError:
                    return out

        before, seen = None, {}
        for i in range(2000):
            if i == 500:
                before = rss_kb(server)
            data = mutate(rng.choice(seeds))
            answer = one(data)
            try:
                for status, headers, content in replies(answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b""), data.startswith(b"HEAD")):
                    seen[status] = seen.get(status, 0) + 1
                    check(status in (200, 204, 400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 417, 422, 431, 501, 505), status)
                    if status >= 400:
                        uniform(content)
            except Exception:
                print(f"# request {i}: {data!r}\n# answer: {answer!r}")
                raise
        print(f"# answers by status: {dict(sorted(seen.items()))}; anonymous memory {before} -> {rss_kb(server)} kB")
        check(len(seen) >= 6 and seen.get(200, 0) > 100, "the mutations reach many ends", seen)
        program = pathlib.Path(self.binary).read_bytes()
        if b"__asan_init" in program or b"__tsan_init" in program:
            print("# memory is not judged: a sanitizer keeps what is freed, or a shadow of it")
        else:
            check(rss_kb(server) < before + 4096, "memory grows", before, rss_kb(server))
        alive(server)
        self.cli("verify")

    # FLW-01: one collection, however many ask at once
    def test_fifty_clients_make_one_collection(self):
        exchange = self.exchange("--fault", "trickle:n=20000,path=klines")  # a page takes half a second
        server = self.serve(exchange=exchange)
        key = self.key()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ensure(server, key, end="2023-02-01"))) for _ in range(50)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        equal([a.status for a in answers], [200] * 50, [a.body for a in answers if a.status != 200][:2])
        equal(sum(a.json["fetched"] for a in answers), 1, "collections")
        equal({a.json["candles"] for a in answers}, {31 * 24})
        equal(sum(a.json["records_collected"] for a in answers), 31 * 24)

    def test_a_venue_that_is_down_is_not_asked_once_a_caller(self):
        exchange = self.exchange("--fault", "500:path=klines")
        server = self.serve("--server.feed_threads", 20, exchange=exchange)
        key = self.key()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ensure(server, key))) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        equal([a.status for a in answers], [503] * 20, [a.body for a in answers][:2])
        equal(len({uniform(a.body)["message"] for a in answers}), 1, "one failure for all")
        asked = exchange.get("/sim/stats").json["requests"]
        check(asked < 20, "calls to a venue that is down", asked)

    def test_a_venue_that_hangs_keeps_nobody_waiting(self):
        exchange = self.exchange(*STALL)
        server = self.serve("--server.feed_threads", 2, "--server.queue", 2, exchange=exchange)
        key = self.key()
        answers, lock = [], threading.Lock()

        def ask(i):
            try:
                reply = ensure(server, key, timeout=4, symbol=["BTCUSDT", "ETHUSDT", "SOLUSDT"][i % 3], start=f"2023-01-{i % 20 + 1:02}", end="2023-02-01")
                with lock:
                    answers.append(reply)
            except OSError:
                pass  # still waiting when we gave up: so it should

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(30)]
        for t in threads:
            t.start()
        rig.wait_for(lambda: len(answers) >= 10, 10, "some are refused")
        for reply in answers[:10]:
            equal(reply.status, 503, reply.body)
            check(int(reply.headers["retry-after"]) >= 1)
            error = uniform(reply.body)
            equal((error["code"], error["retryable"]), ("busy", True))
        row = {"timestamp": "2024-01-01T00:00:00Z", "open": 1, "high": 2, "low": 1, "close": 1, "volume": 1}
        body = json.dumps({"exchange": "file", "symbol": "ABC", "timeframe": "1h", "candles": [row]})
        slowest = 0
        for _ in range(20):
            started = time.monotonic()
            equal(server.get("/api/v1/market/series").status, 200, "a read beside it")
            equal(server.request("POST", "/api/v1/market/candles", body, {"X-API-Key": key}).status, 200, "a save beside it")
            slowest = max(slowest, time.monotonic() - started)
        check(slowest < 2, "reads and saves wait for the venue", slowest)
        equal(server.get("/health").json["services"]["collecting"]["running"], 2)
        for t in threads:
            t.join(30)

    def test_a_client_that_leaves_ends_its_collection(self):
        exchange = self.exchange(*STALL)
        server = self.serve(exchange=exchange)
        request = ensure_body().encode()
        head = b"POST /api/v1/market/ensure HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n" % (self.key().encode(), len(request))
        running = lambda: server.get("/health").json["services"]["collecting"]["running"]
        for reset in (True, False):
            s = socket.create_connection(("127.0.0.1", server.port), 5)
            s.sendall(head + request)
            rig.wait_for(lambda: running() == 1, 5, "the collection")
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
            started = time.monotonic()
            rig.wait_for(lambda: running() == 0, 12, "the end of the collection")
            check(not reset or time.monotonic() - started < 3, "a reset is seen at once")
        equal(server.stop(), 0)

    def test_stopping_with_a_hundred_requests_in_flight(self):
        exchange = self.exchange(*STALL)
        server = self.serve("--server.drain", "500ms", exchange=exchange)
        key = self.key()
        ends = []

        def ask(i):
            try:
                if i % 2:
                    ends.append(ensure(server, key, symbol=["BTCUSDT", "ETHUSDT"][i % 4 // 2]).status)
                else:
                    while True:
                        reply = server.get("/metrics")
                        ends.append(reply.status)
                        if reply.status != 200:
                            break
            except (OSError, Exception) as e:  # cut, or nobody listens any more
                ends.append(type(e).__name__)

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(100)]
        for t in threads:
            t.start()
        rig.wait_for(lambda: server.get("/health").json["services"]["collecting"]["running"] >= 8, 10, "work in flight")
        started = time.monotonic()
        equal(server.stop(), 0)
        took = time.monotonic() - started
        for t in threads:
            t.join(20)
        check(not any(t.is_alive() for t in threads), "every client has an end")
        check(took < 5, "the drain is bounded", took)
        check(all(e in (200, 499, 503) or isinstance(e, str) for e in ends), set(ends))
        self.cli("verify")

    def test_a_second_signal_ends_it_at_once(self):
        exchange = self.exchange(*STALL)
        server = self.serve("--server.drain", "60s", exchange=exchange)
        worker = threading.Thread(target=lambda: self._quietly(server))
        worker.start()
        rig.wait_for(lambda: server.get("/health").json["services"]["collecting"]["running"] == 1, 10, "work in flight")
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        check(server.process.poll() is None, "it drains")
        equal(server.stop(signal.SIGINT, timeout=5), 128 + signal.SIGINT)
        worker.join(20)
        self.cli("verify")

    def _quietly(self, server):
        try:
            ensure(server, self.key())
        except Exception:
            pass  # cut by the end of the server: expected here


sys.exit(rig.main(Cases))
