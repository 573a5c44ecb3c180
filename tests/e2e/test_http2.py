#!/usr/bin/env python3
"""HTTP/2 from outside: peers nobody here wrote (curl, h2load, openssl), and attacks made by hand, each bounded in time.
usage: test_http2.py HTTP_TEST_SERVER WS_TEST_SERVER"""
import hashlib
import json
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, PROTOCOL_ERROR, CANCEL, CALM = 0, 1, 8, 11


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header field without the tables, so that nothing depends on state. Lengths below 127."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(method=b"GET", path=b"/health", *more):
    fields = [(b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"x"), *more]
    return b"".join(literal(n, v) for n, v in fields)


class Server:
    def __init__(self, program=None, **limits):
        args = [x for k, v in limits.items() for x in (f"--{k}", str(v))]
        self.process = subprocess.Popen([program or SERVER, *args], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        status = self.process.wait(10)
        self.process.stdout.close()
        assert error[0] or status == 0, f"the server ended with {status}"

    def get(self, path):
        with socket.create_connection(("127.0.0.1", self.port), 5) as s:
            s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())
            out = b""
            while piece := s.recv(65536):
                out += piece
            return out.split(b"\r\n\r\n", 1)[1]

    def stats(self):
        return json.loads(self.get("/stats"))

    def rss_kb(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1])

    def settled(self):
        """The counts add up once the connections of the test are gone."""
        end = time.monotonic() + 5
        while True:
            st = self.stats()
            if st["in_flight"] == 1 and st["requests"] == st["replied"] + st["aborted"] + 1:
                return st
            assert time.monotonic() < end, st
            time.sleep(0.02)


class Conn:
    def __init__(self, server, settings=b"", hello=True):
        self.s = socket.create_connection(("127.0.0.1", server.port), 5)
        self.buf = b""
        self.gone = None
        if hello:
            self.s.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, data):
        self.s.sendall(data)

    def frames(self, seconds=2.0):
        """Frames as they come, until the connection ends or the time is up."""
        end = time.monotonic() + seconds
        while True:
            while len(self.buf) >= 9 and len(self.buf) >= 9 + int.from_bytes(self.buf[:3], "big"):
                n = int.from_bytes(self.buf[:3], "big")
                f = (self.buf[3], self.buf[4], int.from_bytes(self.buf[5:9], "big"), self.buf[9:9 + n])
                self.buf = self.buf[9 + n:]
                if f[0] == GOAWAY:
                    self.gone = struct.unpack(">II", f[3][:8])[1]
                yield f
            left = end - time.monotonic()
            if left <= 0:
                return
            self.s.settimeout(left)
            try:
                piece = self.s.recv(65536)
            except (TimeoutError, ConnectionResetError):
                return
            if not piece:
                return
            self.buf += piece

    def wait(self, kind, stream=None, seconds=2.0):
        for f in self.frames(seconds):
            if f[0] == kind and (stream is None or f[2] == stream):
                return f
        raise AssertionError(f"no frame of kind {kind}" + (f" on stream {stream}" if stream else ""))

    def flood(self, make, seconds=3.0):
        """Sends make(i) again and again until the server has had enough; gives how many were sent."""
        self.s.setblocking(False)
        end, n, pending, dead = time.monotonic() + seconds, 0, b"", False
        while not dead and self.gone is None and time.monotonic() < end:
            if not pending:
                pending = b"".join(make(n + k) for k in range(100))
                n += 100
            readable, writable, _ = select.select([self.s], [self.s], [], 0.2)
            try:
                if writable:
                    pending = pending[self.s.send(pending):]
                if readable:
                    piece = self.s.recv(65536)
                    dead = not piece
                    self.buf += piece
                    self.s.setblocking(True)
                    for _ in self.frames(0.0):
                        pass
                    self.s.setblocking(False)
            except (ConnectionResetError, BrokenPipeError):
                dead = True
        self.s.setblocking(True)
        if self.gone is None:
            for _ in self.frames(1.0):
                pass
        return n


def status_of(f):
    """:status of a HEADERS frame of ours: the static table has the common ones, others are literals."""
    static = {0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}
    block = f[3]
    while block[0] & 0xe0 == 0x20:  # table size update
        block = block[1:]
    if block[0] in static:
        return static[block[0]]
    n = block[1] & 0x7f
    if not block[1] & 0x80:
        return int(block[2:2 + n])
    codes = {"0": "00000", "1": "00001", "2": "00010", "3": "011001", "4": "011010", "5": "011011", "6": "011100",
             "7": "011101", "8": "011110", "9": "011111"}
    bits, out = "".join(f"{b:08b}" for b in block[2:2 + n]), ""
    while len(out) < 3:
        for digit, code in codes.items():
            if bits.startswith(code):
                out, bits = out + digit, bits[len(code):]
                break
        else:
            raise AssertionError(f"no status in {f[3][:20]}")
    return int(out)


def run(*args, data=None, timeout=60):
    return subprocess.run([str(a) for a in args], input=data, capture_output=True, timeout=timeout)


# --- peers ---

def curl_gets_what_http1_gets():
    with Server() as server:
        base = f"http://127.0.0.1:{server.port}"
        for path in ("/health", "/big", "/stream?n=40", "/slow?ms=50", "/nowhere"):
            got = [run("curl", "-sS", how, "-w", "%{http_code} %{http_version}", base + path).stdout
                   for how in ("--http1.1", "--http2-prior-knowledge")]
            assert got[0][:-4] == got[1][:-2], path
            assert got[1].endswith(b" 2"), got[1][-20:]
        body = os.urandom(3_000_000)
        got = run("curl", "-sS", "--http2-prior-knowledge", "--data-binary", "@-", base + "/echo", data=body).stdout
        assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()
        headed = run("curl", "-sS", "--http2-prior-knowledge", "-I", base + "/big").stdout
        assert b"content-length: 1048576" in headed, headed


def h2load_loses_nothing():
    if not shutil.which("h2load"):
        return "h2load is not installed"
    with Server() as server:
        # One at a time for /slow: its lane says 503 when work has waited for 100 ms, which a busy machine brings about.
        for path, n, at_once in (("/health", 20000, 20), ("/big", 100, 20), ("/slow?ms=0", 100, 1)):
            out = run("h2load", "-n", n, "-c", 4 if at_once == 1 else 10, "-m", at_once,
                      f"http://127.0.0.1:{server.port}{path}").stdout.decode()
            assert f"{n} succeeded, 0 failed, 0 errored" in out, out
        st = server.settled()
        assert st["replied"] >= 20200 and st["h2_floods"] == 0, st


def alpn_chooses():
    with tempfile.TemporaryDirectory() as at:
        cert, key = pathlib.Path(at) / "c.pem", pathlib.Path(at) / "k.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
            "-keyout", key, "-out", cert, "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        with Server(WS_SERVER, cert=cert, key=key) as server:
            base = f"https://localhost:{server.port}/x"
            for how, want in (("--http2", b"plain HTTP\n2"), ("--http1.1", b"plain HTTP\n1.1"), ("--no-alpn", b"plain HTTP\n1.1")):
                got = run("curl", "-sS", "--cacert", cert, how, "-w", "%{http_version}", base)
                assert got.stdout == want, (how, got)
            said = run("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-alpn", "spdy/1", data=b"")
            assert b"no application protocol" in said.stderr, said.stderr[-300:]
            if shutil.which("h2load"):
                out = run("h2load", "-n", 2000, "-c", 4, "-m", 10, base).stdout.decode()
                assert "2000 succeeded" in out and "h2" in out, out


# --- the protocol by hand ---

def the_preface_may_come_in_pieces():
    with Server() as server, Conn(server, hello=False) as c:
        for b in PREFACE + frame(SETTINGS, 0, 0):
            c.send(bytes([b]))
            time.sleep(0.001)
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head()))
        assert status_of(c.wait(HEADERS, 1)) == 200


def refusals_are_those_of_http1():
    big = [(b"x-%d" % i, b"a" * 120) for i in range(150)]
    rows = {
        "unknown path": (head(path=b"/nowhere"), 404), "unknown method": (head(b"BREW"), 501),
        "too large a head": (head(b"GET", b"/health", *big), 431),
        "too many fields": (head(b"GET", b"/health", *[(b"x-%d" % i, b"") for i in range(101)]), 431),
        "fragment": (head(path=b"/health#x"), 400), "expectation": (head(b"GET", b"/health", (b"expect", b"miracle")), 417),
        "body too large": (head(b"POST", b"/echo", (b"content-length", b"2000000")), 413),
    }
    with Server(max_body=1000000) as server:
        for name, (block, want) in rows.items():
            with Conn(server) as c:
                pieces = [block[i:i + 16000] for i in range(0, len(block), 16000)]
                flags = lambda i: END_HEADERS if i == len(pieces) - 1 else 0
                end = 0 if name == "body too large" else END_STREAM
                c.send(b"".join(frame(CONTINUATION if i else HEADERS, flags(i) | (0 if i else end), 1, p)
                                for i, p in enumerate(pieces)))
                assert status_of(c.wait(HEADERS, 1)) == want, name
                c.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, head()))
                assert status_of(c.wait(HEADERS, 3)) == 200, f"{name}: the connection goes on"
        with Conn(server) as c:  # a length nobody told
            c.send(frame(HEADERS, END_HEADERS, 1, head(b"POST", b"/echo")))
            try:
                for _ in range(70):
                    c.send(frame(DATA, 0, 1, b"x" * 16000))
            except (ConnectionResetError, BrokenPipeError):
                pass
            assert status_of(c.wait(HEADERS, 1)) == 413
        server.settled()


def bodies_and_trailers_of_requests():
    with Server() as server, Conn(server) as c:
        c.send(frame(HEADERS, END_HEADERS, 1, head(b"POST", b"/echo")) + frame(DATA, 0, 1, b"ab") +
               frame(DATA, 0, 1, b"c") + frame(HEADERS, END_STREAM | END_HEADERS, 1, literal(b"x-sum", b"1")))
        assert c.wait(DATA, 1)[3] == b"abc"
        c.send(frame(HEADERS, END_HEADERS, 3, head(b"POST", b"/echo", (b"content-length", b"5"))) +
               frame(DATA, END_STREAM, 3, b"ab"))  # shorter than told
        assert c.wait(RST, 3)[3] == struct.pack(">I", PROTOCOL_ERROR)


def a_reply_waits_for_credit():
    with Server() as server, Conn(server, settings=struct.pack(">HI", 4, 1000)) as c:
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head(path=b"/big")))
        got = sum(len(f[3]) for f in c.frames(0.3) if f[0] == DATA)
        assert got == 1000, got
        c.send(frame(WINDOW, 0, 1, struct.pack(">I", 500)))
        got = sum(len(f[3]) for f in c.frames(0.3) if f[0] == DATA)
        assert got == 500, got
        c.send(frame(WINDOW, 0, 1, struct.pack(">I", 2000000)) + frame(WINDOW, 0, 0, struct.pack(">I", 2000000)))
        got = sum(len(f[3]) for f in c.frames(1) if f[0] == DATA)
        assert got == 1048576 - 1500, got


def streams_are_limited():
    with Server(h2_max_streams=5) as server, Conn(server) as c:
        eight = b"".join(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, head(path=b"/slow?ms=300")) for i in range(8))
        c.send(eight)  # before it has seen our SETTINGS a client cannot know: refused, safe to try again
        refused = {f[2] for f in c.frames(0.2) if f[0] == RST}
        assert refused == {11, 13, 15}, refused
        answered = {f[2] for f in c.frames(1) if f[0] == HEADERS}
        assert answered == {1, 3, 5, 7, 9}, answered
        with Conn(server) as knows:
            knows.wait(SETTINGS)
            knows.send(frame(SETTINGS, ACK, 0) + eight)
            list(knows.frames(1))
            assert knows.gone == PROTOCOL_ERROR, knows.gone
        server.settled()


def deadlines_are_absolute():
    with Server(header_ms=400, body_ms=400, idle_ms=600) as server:
        with Conn(server, hello=False) as c:  # half a preface
            c.send(PREFACE[:10])
            t0 = time.monotonic()
            list(c.frames(3))
            assert 0.3 < time.monotonic() - t0 < 2, "half a preface"
        with Conn(server, hello=False) as c:  # no SETTINGS
            c.send(PREFACE)
            t0 = time.monotonic()
            list(c.frames(3))
            assert c.gone is not None and 0.3 < time.monotonic() - t0 < 2.9, "no SETTINGS"
        with Conn(server) as c:  # a head that never ends
            c.send(frame(HEADERS, END_STREAM, 1, head()))
            list(c.frames(3))
            assert c.gone == PROTOCOL_ERROR, c.gone
        with Conn(server) as c:  # a body that drips
            c.send(frame(HEADERS, END_HEADERS, 1, head(b"POST", b"/echo")))
            for _ in range(8):
                c.send(frame(DATA, 0, 1, b"x"))
                time.sleep(0.1)
            assert status_of(c.wait(HEADERS, 1)) == 408
        with Conn(server) as c:  # idle
            list(c.frames(3))
            assert c.gone == NO_ERROR, c.gone
        server.settled()


def a_stopping_server_finishes_what_it_has():
    server = Server()
    with server, Conn(server) as c:
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head(path=b"/slow?ms=400")))
        time.sleep(0.1)
        server.process.terminate()
        seen = list(c.frames(2))
        assert c.gone == NO_ERROR, c.gone
        assert any(f[0] == DATA and f[3] == b"slow\n" for f in seen), seen


# --- attacks ---

def attack(make, at_most, **limits):
    with Server(**limits) as server:
        before = server.rss_kb()
        with Conn(server) as c:
            t0 = time.monotonic()
            n = c.flood(make)
            took = time.monotonic() - t0
            assert c.gone == CALM, f"{n} frames in {took:.1f} s: GOAWAY {c.gone}"
            assert n <= at_most, f"{n} frames were let through"
            t0 = time.monotonic()
            assert server.get("/health"), "others are served meanwhile"
            assert time.monotonic() - t0 < 1
        st = server.settled()
        assert st["h2_floods"] == 1, st
        assert server.rss_kb() - before < 20000, f"{server.rss_kb() - before} KB"


def rapid_reset():  # CVE-2023-44487
    attack(lambda i: frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, head(path=b"/slow?ms=20")) +
           frame(RST, 0, 1 + 2 * i, struct.pack(">I", CANCEL)), 20000)


def settings_flood():  # CVE-2019-9515
    attack(lambda i: frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)), 20000)


def ping_flood():  # CVE-2019-9512
    attack(lambda i: frame(PING, 0, 0, struct.pack(">Q", i)), 20000)


def priority_flood():
    attack(lambda i: frame(PRIORITY, 0, 1 + 2 * (i % 1000), struct.pack(">IB", 0, 16)), 20000)


def empty_data_flood():  # CVE-2019-9518
    attack(lambda i: (frame(HEADERS, END_HEADERS, 1, head(b"POST", b"/echo")) if i == 0 else b"") + frame(DATA, 0, 1), 20000)


def window_update_flood():
    attack(lambda i: frame(WINDOW, 0, 0, struct.pack(">I", 1)), 20000)


def unknown_frames_flood():
    attack(lambda i: frame(0xbb, 0, 0, b"x"), 20000)


def continuation_flood():  # CVE-2024-27316
    with Server() as server, Conn(server) as c:
        before = server.rss_kb()
        n = c.flood(lambda i: frame(CONTINUATION if i else HEADERS, 0, 1, literal(b"x-%d" % i, b"a" * 100)))
        assert c.gone is not None and n <= 5000, f"{n} frames: GOAWAY {c.gone}"
        assert server.rss_kb() - before < 10000


def header_bomb():
    """One field in the table, then named a thousand times a frame: small on the wire, large in memory."""
    with Server() as server:
        before = server.rss_kb()
        with Conn(server, settings=struct.pack(">HI", 1, 0)) as c:  # its own table stays empty: see status_of
            first = head() + b"\x40\x01a" + b"\x7f\x80\x1e" + b"b" * 3967
            c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, first))
            assert status_of(c.wait(HEADERS, 1)) == 200
            c.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, 3 + 2 * i, head() + b"\xbe" * 10000) for i in range(50)))
            for _ in c.frames(10):
                if c.gone is not None:
                    break
            assert c.gone == CALM, c.gone
        server.settled()
        assert server.rss_kb() - before < 20000, server.rss_kb() - before


def who_does_not_read_is_cut():
    """No credit, and credit by the byte: either way a reply that does not move is cut by its deadline."""
    with Server(write_ms=400) as server:
        with Conn(server, settings=struct.pack(">HI", 4, 0)) as c:
            c.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, head(path=b"/big")) for i in range(20)))
            cut = {f[2] for f in c.frames(1.5) if f[0] == RST}
            assert len(cut) == 20, cut
        with Conn(server, settings=struct.pack(">HI", 4, 0)) as c:
            c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head(path=b"/big")))
            rst, t0 = False, time.monotonic()
            while not rst and time.monotonic() - t0 < 3:
                c.send(frame(WINDOW, 0, 1, struct.pack(">I", 1)))
                rst = any(f[0] == RST for f in c.frames(0.02))
            assert rst and time.monotonic() - t0 < 2, "a byte at a time"
        with Conn(server) as c:  # reads nothing of the socket
            c.send(frame(WINDOW, 0, 0, struct.pack(">I", 2 ** 30)))
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for i in range(20):
                c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, head(path=b"/big")) +
                       frame(WINDOW, 0, 1 + 2 * i, struct.pack(">I", 2 ** 20)))
            time.sleep(1.5)
            st = server.stats()
            assert st["connections"] == 1, st
        assert server.settled()["h2_slow"] >= 21


TESTS = [curl_gets_what_http1_gets, h2load_loses_nothing, alpn_chooses, the_preface_may_come_in_pieces,
         refusals_are_those_of_http1, bodies_and_trailers_of_requests, a_reply_waits_for_credit, streams_are_limited,
         deadlines_are_absolute, a_stopping_server_finishes_what_it_has, rapid_reset, settings_flood, ping_flood,
         priority_flood, empty_data_flood, window_update_flood, unknown_frames_flood, continuation_flood, header_bomb,
         who_does_not_read_is_cut]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for i, test in enumerate(TESTS, 1):
        try:
            skipped = test()
            print(f"ok {i} - {test.__name__}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except Exception as e:  # noqa: BLE001 - a test may fail in any way
            failed += 1
            import traceback
            print(f"not ok {i} - {test.__name__}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line[:600]}", flush=True)
    sys.exit(failed > 0)


SERVER, WS_SERVER = sys.argv[1:3]
main()
