#!/usr/bin/env python3
"""Tries the HTTP server from outside, over real sockets: raw bytes, slow clients, curl, wrk, and the shared probe.

usage: test_http_probe.py SERVER SOURCE_ROOT
Speaks TAP. Deadlines are shortened by the server's options; every wait is bounded.
"""

import ast
import json
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

SERVER, ROOT = sys.argv[1], sys.argv[2]
SANITIZED = any(mark in open(SERVER, "rb").read() for mark in (b"__asan_init", b"__tsan_init"))  # memory tells nothing
H = b"Host: x\r\n"


class Server:
    def __init__(self, **options):
        args = [SERVER]
        for name, value in options.items():
            args += ["--" + name, str(value)]
        self.p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.p.stdout.readline().split()
        assert line and line[0] == "port", "the server did not start: " + self.p.stderr.read()
        self.port = int(line[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
        try:
            self.code = self.p.wait(10)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.code = self.p.wait()
        self.p.stdout.close()
        self.errors = self.p.stderr.read()
        self.p.stderr.close()
        assert self.code == 0, f"the server ended with {self.code}: {self.errors[:2000]}"

    def connect(self, timeout=5):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def stats(self):
        return json.loads(talk(self, b"GET /stats HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n").split(b"\r\n\r\n")[1])

    def rss_kb(self):
        for line in open(f"/proc/{self.p.pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1])


def read_all(s):
    out = b""
    while True:
        try:
            d = s.recv(65536)
        except ConnectionResetError:
            return out + b"<reset>"
        if not d:
            return out
        out += d


def talk(server, data):
    with server.connect() as s:
        s.sendall(data)
        return read_all(s)


def statuses(out):
    return [int(part[2:5]) for part in out.split(b"HTTP/1.")[1:] if part[1:2] == b" " and part[2:5].isdigit()]


def refusals():
    """Each refusal arrives whole, and is followed by the end of the connection, not by a reset."""
    rows = {
        "CL and TE": (b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        "bare LF": (b"GET /health HTTP/1.1\nHost: x\n\n", 400),
        "no Host": (b"GET /health HTTP/1.1\r\n\r\n", 400),
        "space before colon": (b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        "big header": (b"GET /health HTTP/1.1\r\n" + H + b"X: " + b"a" * 40000 + b"\r\n\r\n", 431),
        "big target": (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n" + H + b"\r\n", 414),
        "big body": (b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 3000000\r\n\r\n" + b"a" * 3000000, 413),
        "coding": (b"POST /echo HTTP/1.1\r\n" + H + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        "version": (b"GET / HTTP/2.0\r\n\r\n", 505),
        "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 4, 400),
    }
    with Server(max_body=1000000, linger_ms=500) as server:
        for name, (data, want) in rows.items():
            out = talk(server, data)
            assert statuses(out) == [want], f"{name}: {out[:200]}"
            assert b'{"error":{"code":"' in out and not out.endswith(b"<reset>"), f"{name}: {out[:300]}"


def slow_clients():
    with Server(header_ms=600, body_ms=800) as server:
        for start, want_s in ((b"GET /health HTTP/1.1\r\nHost: x\r\nX: ", 0.6), (b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 1000\r\n\r\n", 0.8)):
            with server.connect() as s:
                t0 = time.monotonic()
                s.sendall(start)
                s.settimeout(0.05)
                out = b""
                while time.monotonic() - t0 < 4 and not out:
                    try:
                        s.sendall(b"a")
                        out = s.recv(4096)
                    except TimeoutError:
                        pass
                took = time.monotonic() - t0
                assert statuses(out) == [408], out
                assert want_s - 0.05 <= took < want_s + 1.5, f"cut after {took:.2f} s, not {want_s}"


def half_close():
    with Server() as server, server.connect() as s:
        s.sendall(b"GET /slow?ms=200 HTTP/1.1\r\n" + H + b"\r\n")
        s.shutdown(socket.SHUT_WR)
        assert read_all(s).endswith(b"\r\n\r\nslow\n")


def pipelining():
    with Server() as server, server.connect() as s:
        wait = [100, 0, 50, 0, 0, 20]
        s.sendall(b"".join(b"GET /slow?ms=%d HTTP/1.1\r\n" % ms + H + b"\r\n" for ms in wait) * 3)
        s.shutdown(socket.SHUT_WR)
        bodies = [r.split(b"\r\n\r\n")[1] for r in read_all(s).split(b"HTTP/1.1 200 OK")[1:]]
        assert bodies == [b"slow\n" if ms else b"lane\n" for ms in wait] * 3, bodies


def counts_are_exact():
    """OBS-08: 1,000 requests, a third of them from clients that leave with a reset, are 1,000 counted."""
    with Server() as server:
        leavers = []
        for i in range(1000):
            s = server.connect()
            if i % 3 == 0:
                s.sendall(b"GET /slow?ms=20 HTTP/1.1\r\n" + H + b"\r\n")
                leavers.append(s)
            else:
                s.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
                s.recv(1000)
                s.close()
        for s in leavers:  # they have been read by now: the last answers came after them
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        asked, deadline = 0, time.monotonic() + 60
        while True:
            n = server.stats()
            asked += 1
            if n["in_flight"] == 1 or time.monotonic() > deadline:  # the one that asks
                break
            time.sleep(0.05)
        assert n["requests"] == 1000 + asked, (asked, n)
        assert n["requests"] == n["replied"] + n["aborted"] + 1, n
        # How many of the leavers were answered before they left is a matter of the machine's load.
        assert n["replied"] >= 666 and n["aborted"] >= 1, n


def too_many_connections():
    with Server(max_connections=3) as server:
        kept = [server.connect() for _ in range(3)]
        for s in kept:
            s.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
            assert statuses(s.recv(1000)) == [200]
        assert statuses(talk(server, b"GET /health HTTP/1.1\r\n" + H + b"\r\n")) == [503]
        kept.pop().close()
        time.sleep(0.1)
        with server.connect() as s:
            s.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
            assert statuses(s.recv(1000)) == [200], "a place that was freed is not given away"
        for s in kept:
            s.close()


def idle_memory():
    """5,000 idle connections that each had a request, at most 2 KB of the server's memory apiece."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = min(5000, (hard if hard != resource.RLIM_INFINITY else 1 << 20) - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 100), hard))
    with Server() as server:
        talk(server, b"GET /health HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n")
        before = server.rss_kb()
        conns = []
        for _ in range(n):
            s = server.connect()
            s.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
            s.recv(1000)
            conns.append(s)
        each = (server.rss_kb() - before) * 1024 / n
        print(f"# {n} idle connections, {each:.0f} bytes each")
        assert server.stats()["connections"] == n + 1
        assert each <= 2048 or SANITIZED, f"{each:.0f} bytes a connection"
        for s in conns:
            s.close()


def drain():
    """SIGTERM: the request in flight is answered, idle connections end, new ones are refused, exit code 0."""
    with Server() as server:
        busy, idle = server.connect(), server.connect()
        idle.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
        idle.recv(1000)
        busy.sendall(b"GET /slow?ms=500 HTTP/1.1\r\n" + H + b"\r\n")
        time.sleep(0.1)
        server.p.send_signal(signal.SIGTERM)
        assert idle.recv(1000) == b""
        try:
            server.connect(1)
            raise AssertionError("a new connection was taken while draining")
        except ConnectionRefusedError:
            pass
        out = read_all(busy)
        assert out.endswith(b"slow\n") and b"Connection: close" in out, out
        busy.close()
        idle.close()


def slow_reader():
    """A stream to a client that reads slowly stays whole, and does not pile up in the server."""
    with Server() as server, server.connect(20) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        before = server.rss_kb()
        s.sendall(b"GET /stream?n=300 HTTP/1.1\r\n" + H + b"Connection: close\r\n\r\n")
        time.sleep(0.5)
        grown = server.rss_kb() - before
        assert grown < 8000 or SANITIZED, f"the server holds {grown} KB of a stream nobody reads"
        out = read_all(s).split(b"\r\n\r\n", 1)[1]
        assert out.endswith(b"0\r\n\r\n")
        body = at = 0
        while True:
            end = out.index(b"\r\n", at)
            n = int(out[at:end], 16)
            if n == 0:
                break
            body, at = body + n, end + 2 + n + 2
        assert body == 300 * 65536, body


def who_reads_nothing():
    """Replies that nobody reads have a ceiling together: past it the oldest are cut, and those who read have theirs."""
    ceiling = 20 << 20
    with Server(reply_total=ceiling, unread_ms=300) as server:
        deaf = []
        for _ in range(60):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(10)
            s.connect(("127.0.0.1", server.port))
            s.sendall((b"GET /big HTTP/1.1\r\n" + H + b"\r\n") * 8)  # more than the kernel's buffers take
            deaf.append(s)
        end = time.monotonic() + 30
        while not server.stats()["cut_unread"]:
            assert time.monotonic() < end, f"nobody was cut: {server.stats()}"
            time.sleep(0.05)
        while server.stats()["connections"] > 1 + (ceiling >> 20):  # each that is left has a reply of a megabyte
            assert time.monotonic() < end, f"too few were cut: {server.stats()}"
            time.sleep(0.05)
        for _ in range(5):
            body = talk(server, b"GET /big HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n").split(b"\r\n\r\n", 1)[1]
            assert len(body) == 1 << 20, len(body)
        assert server.stats()["connections"] > 1, "nobody is left: those under the ceiling may be slow"
        for s in deaf:
            s.close()


def unix_socket():
    with tempfile.TemporaryDirectory() as d:
        path = d + "/s"
        with Server(unix=path):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            second = subprocess.run([SERVER, "--unix", path], capture_output=True, text=True, timeout=10)
            assert second.returncode == 1 and "another server listens there" in second.stderr, second.stderr
        assert not os.path.exists(path)
        dead = socket.socket(socket.AF_UNIX)  # what a killed server leaves behind
        dead.bind(path)
        dead.close()
        with Server(unix=path):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.sendall(b"GET /health HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n")
                assert statuses(read_all(s)) == [200]
        open(path, "w").write("precious")
        third = subprocess.run([SERVER, "--unix", path], capture_output=True, text=True, timeout=10)
        assert third.returncode == 1 and "is not a socket" in third.stderr
        assert open(path).read() == "precious"


def port_in_use():
    with Server() as server:
        second = subprocess.run([SERVER, "--port", str(server.port)], capture_output=True, text=True, timeout=10)
        assert second.returncode == 1 and "in use by another program" in second.stderr, second.stderr


def out_of_descriptors():
    """At the process's limit of descriptors the server sheds connections, does not spin, and recovers."""
    with Server() as server:
        import resource

        resource.prlimit(server.p.pid, resource.RLIMIT_NOFILE, (32, 32))
        conns = [server.connect() for _ in range(60)]
        time.sleep(0.3)
        before = sum(map(int, open(f"/proc/{server.p.pid}/stat").read().split()[13:15]))
        time.sleep(0.5)
        spent = sum(map(int, open(f"/proc/{server.p.pid}/stat").read().split()[13:15])) - before
        assert spent < 20, f"{spent * 10} ms of CPU in half a second of nothing to do"
        for s in conns:
            s.close()
        time.sleep(0.2)
        assert statuses(talk(server, b"GET /health HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n")) == [200]


def curl():
    if not shutil.which("curl"):
        return "curl is not installed"
    run = lambda *a, **k: subprocess.run(["curl", "-sS", "-m", "20", *a], capture_output=True, timeout=30, **k)
    with Server() as server:
        base = f"http://127.0.0.1:{server.port}"
        assert json.loads(run(base + "/health").stdout)["status"] == "ok"
        data = os.urandom(3000000)
        for how in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"], ["-0"]):
            r = run("--data-binary", "@-", *how, base + "/echo", input=data)
            assert r.stdout == data, f"{how}: {len(r.stdout)} bytes, {r.stderr}"
        assert len(run(base + "/stream?n=50").stdout) == 50 * 65536
        assert len(run("-0", base + "/stream?n=50").stdout) == 50 * 65536
        assert b"Content-Length: 1048576" in run("-I", base + "/big").stdout
        assert run("-x", base, "http://elsewhere.example/target").stdout == b"elsewhere.example"  # absolute form
        two = run("-w", "%{num_connects}\n", "-o", "/dev/null", base + "/health", "-o", "/dev/null", base + "/health")
        assert two.stdout.split() == [b"1", b"0"], two.stdout


def wrk():
    if not shutil.which("wrk"):
        return "wrk is not installed"
    with Server() as server:
        r = subprocess.run(["wrk", "-t", "1", "-c", "64", "-d", "1", f"http://127.0.0.1:{server.port}/health"], capture_output=True, text=True, timeout=20)
        assert "requests in" in r.stdout and "Socket errors" not in r.stdout and "Non-2xx" not in r.stdout, r.stdout
        done = int(r.stdout.split(" requests in")[0].split()[-1])
        n = server.stats()
        assert n["requests"] >= done and n["refused_400"] == 0, (done, n)


def shared_probe():
    path = os.path.join(os.environ.get("FINSIGHT_SHARED", ROOT + "/../shared"), "prototypes/http_probe.py")
    if not os.path.exists(path):
        return "the shared probe is not here"
    want = {
        "pipelined3": "200,200,200", "chunked POST": "200", "CL+TE": "400 EOF", "dup CL differ": "400 EOF",
        "no Host": "400 EOF", "hdr name space": "400 EOF", "bare LF": "400 EOF", "hdr 9KB": "200",
        "hdr 40KB": "431 EOF", "hdr 1MB": "431 EOF", "200 hdrs": "431 EOF", "body 3MB": "413 EOF", "garbage": "400 EOF",
    }  # fmt: skip
    with Server(max_body=1000000, header_ms=2000, body_ms=2000, linger_ms=300) as server:
        r = subprocess.run([sys.executable, path, "finsight", str(server.port), "8"], capture_output=True, text=True, timeout=60)
        got = ast.literal_eval(r.stdout[r.stdout.index("{") :])
        for name, value in want.items():
            assert got[name] == value, f"{name}: {got[name]}, not {value}"
        for name in ("slow header cut", "slow body cut"):
            assert got[name] in ("2s", "3s", "4s"), f"{name}: {got[name]}"
        assert len(got) == len(want) + 2, got


TESTS = [
    refusals, slow_clients, half_close, pipelining, counts_are_exact, too_many_connections, idle_memory, drain,
    slow_reader, who_reads_nothing, unix_socket, port_in_use, out_of_descriptors, curl, wrk, shared_probe,
]  # fmt: skip

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    try:
        skipped = test()
        print(f"ok {number} - {test.__name__}" + (f" # SKIP {skipped}" if skipped else ""))
    except Exception as e:  # a test that breaks is a test that fails
        failed += 1
        print(f"not ok {number} - {test.__name__}\n# {type(e).__name__}: {e}")
    sys.stdout.flush()
sys.exit(failed > 0)
