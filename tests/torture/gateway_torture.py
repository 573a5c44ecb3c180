#!/usr/bin/env python3
"""make torture-gateway: the gateway and its services, while things die, lie, dawdle and come in floods.

    gateway_torture.py FINSIGHT [NAME...]

Every line of the table is PASS or FAIL with what was measured; it ends with a status that says the same. All of it is on
loopback, each part bounded in time, the whole in eight minutes; every process is started and stopped here.
"""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import platform_rig as rig  # noqa: E402
from test_gateway import Stub  # noqa: E402

PART_S = 90  # no part may take longer
SOON = 60


class Load:
    """Clients that ask one path again and again, and keep every answer that was not as it should be."""

    def __init__(self, port, path, clients, good=(200,), every=0.0):
        self.port, self.path, self.good, self.every = port, path, good, every  # every: seconds from one call of a client to its next
        self.n, self.served, self.bad, self.slowest, self.stop = 0, 0, [], 0.0, threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def run(self):
        connection = None
        while not self.stop.is_set():
            begin = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("GET", self.path)
                reply = connection.getresponse()
                body = reply.read()
                said = reply.status if reply.status in self.good else (reply.status, body[:200])
            except (OSError, http.client.HTTPException) as e:
                said, connection = f"{type(e).__name__}: {e}", None
            took = time.monotonic() - begin
            with self.lock:
                self.n += 1
                self.served += said == 200
                self.slowest = max(self.slowest, took)
                if said not in self.good:
                    self.bad.append(said)
            if self.every > took:
                self.stop.wait(self.every - took)

    def wait(self, more, seconds=SOON):
        target = self.n + more
        rig.wait_for(lambda: self.n >= target, seconds, f"{more} calls of {self.path}")

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(40)
        return self

    def check(self, what):
        rig.check(not self.bad, f"{what}: {len(self.bad)} of {self.n} calls failed, first {self.bad[:3]}")


class Lying:
    """A service that misbehaves in one way on all its paths but /health."""

    def __init__(self, way):
        self.way, self.listener = way, socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with s:
            try:
                s.settimeout(60)
                while True:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        more = s.recv(65536)
                        if not more:
                            return
                        head += more
                    if head.startswith(b"GET /health"):
                        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    elif not self.misbehave(s):
                        return
            except OSError:
                pass

    def misbehave(self, s):
        reset = lambda: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # noqa: E731
        if self.way == "slow":  # a byte now and then, for longer than the route's time
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            for _ in range(100):
                s.sendall(b"x")
                time.sleep(0.1)
        elif self.way == "silent":
            time.sleep(5)
        elif self.way == "reset":
            reset()
        elif self.way == "reset in the body":
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            time.sleep(0.05)
            reset()
        elif self.way == "half closed":
            s.shutdown(socket.SHUT_WR)
            time.sleep(0.2)
        elif self.way == "too short":  # promises more than comes
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        elif self.way == "too long":  # and less
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            return True
        elif self.way == "two lengths":
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x")
        elif self.way == "bad chunks":
            s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n0\r\n\r\n")
        elif self.way == "no HTTP":
            s.sendall(b"\x16\x03\x01\x02\x00 hello there\r\n\r\n")
        elif self.way == "a long head":
            s.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n")
        return False

    def close(self):
        self.listener.close()


FLOOD = """
import select, socket, struct, sys
port, h2, clients = int(sys.argv[1]), sys.argv[2] == "h2", int(sys.argv[3])
def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
field = lambda n, v: b"\\0" + bytes([len(n)]) + n + bytes([len(v)]) + v
head = b"".join(field(n, v) for n, v in ((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/health"), (b":authority", b"a")))
class Client:
    def __init__(self):
        self.s = socket.create_connection(("127.0.0.1", port))
        self.s.setblocking(False)
        self.out, self.came, self.open, self.next = b"", b"", 0, 1
        if h2:  # credit for all there is
            self.out = b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(4, 0, 0, struct.pack(">HI", 4, 1 << 30)) + frame(8, 0, 0, struct.pack(">I", 1 << 30))
    def more(self):
        if not h2:
            self.out = self.out or b"GET /health HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" * 400
        elif self.open == 0:
            self.out += b"".join(frame(1, 5, self.next + 2 * i, head) for i in range(90))
            self.next, self.open = self.next + 180, 90
        if self.out:
            self.out = self.out[self.s.send(self.out):]
    def take(self):
        got = self.s.recv(1 << 18)
        if not got:
            raise SystemExit("the server closed a connection")
        self.came += got if h2 else b""
        while len(self.came) >= 9:
            n = int.from_bytes(self.came[:3], "big")
            if len(self.came) < 9 + n:
                break
            if self.came[3] in (3, 7):
                raise SystemExit("the server refused a stream")
            self.open -= self.came[3] in (0, 1) and self.came[4] & 1
            if self.came[3] == 4 and not self.came[4] & 1:
                self.out += frame(4, 1, 0)
            self.came = self.came[9 + n:]
all = [Client() for _ in range(clients)]
print("flooding", flush=True)
by = {c.s: c for c in all}
while True:
    r, w, _ = select.select(by, [c.s for c in all if not h2 or c.out or c.open == 0], [])
    for c in r:
        by[c].take()
    for c in w:
        try:
            by[c].more()
        except BlockingIOError:
            pass
"""


class Torture(rig.Suite):
    environment_more = {}

    def environment(self):
        return {**super().environment(), **self.environment_more}

    def gateway(self, services, routes=(), *more):
        flags = ["--roles", "gateway", "--data-dir", self.root / "gateway", "--port", 0, "--no-access-log"]
        for option, items in (("--services", services), ("--routes", routes)):
            if items:
                flags += [option, ",".join(items)]
        return self.start("serve", *flags, "--gateway.fast", *more)

    def role(self, role, port=0, name=None):
        return self.start("serve", "--roles", role, "--data-dir", self.root / (name or role), "--port", port, "--no-access-log")

    def rss_kb(self, server):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1])

    # each role in turn is killed and started again, under load; what does not need it does not notice
    def test_each_role_killed_in_turn(self):
        roles = {r: self.role(r) for r in ("market", "backtest")}
        stub = Stub(lambda h: h.reply(200, {"ok": True}))
        gateway = self.gateway([f"{r}=127.0.0.1:{s.port}" for r, s in roles.items()] + [f"other=127.0.0.1:{stub.port}"],
                               ["/other/*=other;role=none"])
        paths = {"market": "/api/v1/market/series", "backtest": "/api/v1/backtesting/strategies", "other": "/other/x"}
        for path in paths.values():
            rig.equal(gateway.get(path).status, 200, path)
        said = []
        for victim in roles:
            others = {r: Load(gateway.port, p, 2) for r, p in paths.items() if r != victim}
            own = Load(gateway.port, paths[victim], 2, good=(200, 502, 503, 504))
            for load in others.values():
                load.wait(100)
            port = roles[victim].port
            roles[victim].process.kill()
            roles[victim].process.wait()
            rig.wait_for(lambda v=victim: gateway.get(paths[v]).status == 503, SOON, f"{victim} to be refused plainly")
            for load in others.values():
                load.wait(300)
            roles[victim] = self.role(victim, port)
            rig.wait_for(lambda v=victim: gateway.get(paths[v]).status == 200, SOON, f"{victim} to be back")
            own.end().check(f"answers of {victim} but 200 and 5xx")
            for r, load in others.items():
                load.end().check(f"{r} while {victim} was dead")
            said.append(f"{victim}: {sum(l.n for l in others.values())} others' calls, 0 errors")
        stub.close()
        return "; ".join(said)

    # two instances of a role, one killed again and again: no client error at all
    def test_one_of_two_instances_killed_again_and_again(self):
        two = [self.role("market", 0, f"m{i}") for i in range(2)]
        gateway = self.gateway([f"market=127.0.0.1:{s.port}" for s in two])
        load = Load(gateway.port, "/api/v1/market/series", 4)
        load.wait(100)
        for round in range(6):
            i = round % 2
            two[i].process.kill()
            two[i].process.wait()
            load.wait(200)
            two[i] = self.role("market", two[i].port, f"m{i}")
            whole = lambda: all(x["healthy"] and not x["ejected"]  # noqa: E731
                                for x in gateway.get("/health").json["services"]["market"]["instances"])
            rig.wait_for(whole, SOON, "it to be back in the routing")
        load.end().check("a call with an instance alive")
        return f"{load.n} calls over 6 kills, 0 errors"

    # upstreams that are slow, resetting, half closed, lying: their callers get a refusal in time, others notice nothing
    def test_upstreams_that_lie(self):
        ways = ["slow", "silent", "reset", "reset in the body", "half closed", "too short", "too long", "two lengths", "bad chunks",
                "no HTTP", "a long head"]  # fmt: skip
        bad = {w: Lying(w) for w in ways}
        good = Stub(lambda h: h.reply(200, {"ok": True}))
        names = {w: f"bad{i}" for i, w in enumerate(ways)}
        gateway = self.gateway([f"{names[w]}=127.0.0.1:{s.port}" for w, s in bad.items()] + [f"good=127.0.0.1:{good.port}"],
                               [f"/{names[w]}/*={names[w]};role=none;timeout_ms=1500" for w in ways] + ["/good/*=good;role=none"])
        load = Load(gateway.port, "/good/x", 2)
        load.wait(50)
        before = self.rss_kb(gateway)
        end = time.monotonic() + 25
        said = {w: {} for w in ways}

        def ask(way):
            n = 0
            while time.monotonic() < end and n < 60:
                n += 1
                c = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
                begin = time.monotonic()
                try:
                    c.request("GET", f"/{names[way]}/x")
                    r = c.getresponse()
                    body = r.read()
                    key = r.status
                    rig.check(b"forged" not in body, "bytes behind a reply were given to a client")
                    if key == 200 and way not in ("too long",):
                        key = f"200 with {len(body)} bytes"
                except (http.client.HTTPException, OSError) as e:
                    key = type(e).__name__  # a reply that had begun is cut
                finally:
                    c.close()
                took = time.monotonic() - begin
                rig.check(took < 15, f"{way}: an answer after {took:.1f} s")
                said[way][key] = said[way].get(key, 0) + 1

        with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
            for f in [pool.submit(ask, w) for w in ways]:
                f.result()
        load.end().check("a good service beside bad ones")
        for w in ways:
            fine = {200} if w == "too long" else {"200 with 100 bytes"} if w == "slow" else set()
            wrong = [k for k in said[w] if k not in fine | {502, 503, 504, "IncompleteRead", "RemoteDisconnected", "ConnectionResetError"}]
            rig.check(not wrong, f"{w}: {said[w]}")
        rig.check(load.slowest < 10, f"a good call took {load.slowest:.1f} s")
        rig.check(self.rss_kb(gateway) < before + 100 * 1024, f"memory grew from {before} to {self.rss_kb(gateway)} KiB")
        for s in bad.values():
            s.close()
        good.close()
        return f"{sum(sum(v.values()) for v in said.values())} bad calls of {len(ways)} kinds refused, {load.n} good ones unharmed"

    # a thousand reloads, the routes other ones each time: no failure, no connection closed
    def test_a_thousand_reloads(self):
        good = Stub(lambda h: h.reply(200, {"ok": True}))
        config = self.root / "gateway.yaml"

        def write(i):
            more = "".join(f', "/r{i}-{k}/*=good/x"' for k in range(i % 5))
            text = f'gateway:\n  services: ["good=127.0.0.1:{good.port}"]\n  routes: ["/good/*=good;role=none"{more}]\n'
            if i % 10 == 9:
                text = "gateway:\n  routes: [nonsense]\n"  # one that is no good changes nothing
            other = config.with_suffix(".new")
            other.write_text(text)
            other.rename(config)

        write(0)
        gateway = self.gateway((), (), "--config", config)
        keep = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)

        def status(path):  # all on one connection, which no reload may close
            keep.request("GET", path)
            reply = keep.getresponse()
            reply.read()
            return reply.status

        load = Load(gateway.port, "/good/x", 3)
        load.wait(50)
        status("/good/kept")
        socket_of, seen, begin = keep.sock, 0, time.monotonic()
        for i in range(1, 1001):
            write(i)
            gateway.process.send_signal(signal.SIGHUP)
            if i % 5 and i % 10 != 9:
                rig.wait_for(lambda n=i: status(f"/r{n}-0/x") == 200, 20, f"reload {i}")
                rig.check(status(f"/r{i - 1}-0/x") == 404 or i % 5 == 1 or i % 10 == 0, "an old route is still there")
                seen += 1
        rig.check(keep.sock is socket_of, "a connection was closed by a reload")
        keep.close()
        load.end().check("a call during reloads")
        good.close()
        return f"1000 reloads in {time.monotonic() - begin:.0f} s, {seen} seen to take, {load.n} calls, 0 failures"

    # five times what a service can do: what gets through stays near what it can do, the rest is refused plainly
    def test_five_times_overload(self):
        service = rig.SlowService(places=4, seconds=0.02)  # 200 a second at most
        gateway = self.gateway([f"busy=127.0.0.1:{service.port}"], ["/busy/*=busy;role=none;timeout_ms=500"])

        def measure(clients, seconds, every):
            load = Load(gateway.port, "/busy/x", clients, good=(200, 429, 502, 503, 504), every=every)
            time.sleep(2)
            before, begin = load.served, time.monotonic()
            time.sleep(seconds)
            rate = (load.served - before) / (time.monotonic() - begin)
            load.end().check("an answer that is neither good nor a plain refusal")
            return rate, load

        try:
            alone, _ = measure(8, 6, 0)  # as many as are at work and as many that wait: what it can do
            clients = 100
            five, load = measure(clients, 10, clients / (5 * alone))
        finally:
            service.close()
        rig.check(five >= 0.9 * alone, f"goodput {five:.0f}/s under overload, {alone:.0f}/s without")
        refused = 100 * (1 - load.served / load.n)
        return f"{alone:.0f}/s at capacity, {five:.0f}/s at 5 times ({100 * five / alone:.0f} %), {refused:.0f} % refused plainly"

    # five thousand clients that send a byte now and then: others are served as before, and memory is bounded
    def test_five_thousand_slow_clients(self):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        want = 5000
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
        if min(hard, 16384) < want + 500:
            raise rig.Skip(f"only {hard} descriptors")
        good = Stub(lambda h: h.reply(200, {"ok": True}))
        gateway = self.gateway([f"good=127.0.0.1:{good.port}"], ["/good/*=good;role=none"])
        load = Load(gateway.port, "/good/x", 2)
        load.wait(200)
        calm, load.slowest = load.slowest, 0.0
        before = self.rss_kb(gateway)
        slow = []
        for i in range(want):
            s = socket.create_connection(("127.0.0.1", gateway.port), timeout=30)
            s.setblocking(False)
            s.send(b"GET /good/slow HTTP/1.1\r\nHost: a\r\nX-Slow: ")
            slow.append(s)
        held = self.rss_kb(gateway)
        end = time.monotonic() + 6
        while time.monotonic() < end:
            for s in slow[:: max(1, len(slow) // 500)]:
                try:
                    s.send(b"x")
                except OSError:
                    pass
            time.sleep(0.05)
        load.wait(200)
        slowest = load.slowest
        rig.wait_for(lambda: self.open_connections(gateway) < 500, SOON, "the slow ones to be timed out")
        load.end().check("a call beside slow clients")
        for s in slow:
            s.close()
        good.close()
        rig.check(slowest < max(2.0, 20 * calm), f"a good call took {slowest:.2f} s, {calm:.3f} s before")
        rig.check(held - before < 150 * 1024, f"{(held - before) / want:.1f} KiB a slow client")
        return f"{want} held {(held - before) / want:.1f} KiB each, slowest good call {1000 * slowest:.0f} ms; all timed out"

    # five thousand clients that ask for the largest page and read nothing of it: it lies in memory once, not once a client
    def test_five_thousand_that_do_not_read(self):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        want = 5000
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
        if min(hard, 16384) < want + 500:
            raise rig.Skip(f"only {hard} descriptors")
        gateway = self.role("market")
        page = len(gateway.get("/openapi.json").body)
        before, deaf = self.rss_kb(gateway), []
        try:
            for _ in range(want):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.settimeout(30)
                s.connect(("127.0.0.1", gateway.port))
                s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 4)
                deaf.append(s)
            rig.wait_for(lambda: self.answered(gateway) >= want, SOON, "all of them to be answered")
            held = self.rss_kb(gateway) - before
            begin = time.monotonic()
            rig.equal(gateway.get("/health").status, 200, "another client's call")
            took = time.monotonic() - begin
        finally:
            for s in deaf:
                s.close()
        rig.check(page > 200_000, f"the page has only {page} bytes")
        rig.check(held < 100 * 1024, f"{held} KiB for {want} clients that do not read {page} bytes")
        rig.check(took < 5, f"another client's call took {took:.1f} s")
        return f"{want} hold {held / 1024:.0f} MiB together, {held / want:.1f} KiB each, of a page of {page / 1024:.0f} KiB"

    # sixty clients that pipeline without end, over HTTP/1.1 and over HTTP/2: another one is served as if they were few
    def test_floods_that_pipeline(self):
        gateway = self.role("market")
        keep = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)

        def calls(n):
            took = []
            for _ in range(n):
                begin = time.monotonic()
                keep.request("GET", "/health")
                reply = keep.getresponse()
                reply.read()
                rig.equal(reply.status, 200, "the other client's call")
                took.append(1000 * (time.monotonic() - begin))
            return sorted(took)

        calm, said = calls(200), []
        for way in ("h1", "h2"):
            flood = subprocess.Popen([sys.executable, "-c", FLOOD, str(gateway.port), way, "60"], stdout=subprocess.PIPE, text=True)
            try:
                flood.stdout.readline()
                before = self.answered(gateway)
                took = calls(400)
                answered = self.answered(gateway) - before
                rig.equal(flood.poll(), None, "the flood goes on")
            finally:
                flood.kill()
                flood.wait()
                flood.stdout.close()
            p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
            rig.check(answered > 20 * len(took), f"{way}: no flood: {answered} requests beside {len(took)}")
            rig.check(p99 < 200, f"{way}: the other client's calls took {p50:.0f} ms, p99 {p99:.0f} ms, worst {took[-1]:.0f} ms")
            said.append(f"{way}: p50 {p50:.1f} ms, p99 {p99:.1f} ms beside {answered} others")
        return f"alone p50 {calm[100]:.1f} ms; " + "; ".join(said)

    def answered(self, server):
        return int(server.get("/api/v1/system/requests").json["request_count"])

    def open_connections(self, server):
        return int(server.get("/api/v1/system/requests").json["active_connections"])


def main():
    binary, only = sys.argv[1], sys.argv[2:]
    names = [n for n in vars(Torture) if n.startswith("test_") and (not only or any(o in n for o in only))]
    failed = 0
    print(f"{'':34s} {'':5s} {'time':>6s}  what was seen", flush=True)
    for name in names:
        suite, begin, verdict = Torture(binary), time.monotonic(), "PASS"
        try:
            try:
                words = getattr(suite, name)()
            finally:
                suite.close()
        except rig.Skip as e:
            verdict, words = "SKIP", str(e)
        except Exception as e:  # noqa: BLE001
            verdict, words, failed = "FAIL", f"{type(e).__name__}: {e}", failed + 1
        took = time.monotonic() - begin
        if verdict == "PASS" and took > PART_S:
            verdict, words, failed = "FAIL", f"took {took:.0f} s: {words}", failed + 1
        print(f"{name[5:].replace('_', ' '):34s} {verdict:5s} {took:5.0f} s  {words}", flush=True)
    print(f"{len(names) - failed} of {len(names)} held" if failed else f"all {len(names)} held; load {os.getloadavg()[0]:.1f}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
