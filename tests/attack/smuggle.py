"""tests/attack/smuggle.py - mutations through a chain of hops to a raw far side, and what must not be seen there.

Desynchronised is a chain in which
  - the request inside the body arrived as a request of its own,
  - a request arrived that the hop before does not know of (its log has no line of that id and path), or arrived twice,
  - a body arrived that is not the one that was sent,
  - something arrived that no hop may send (far.py: odd),
  - another client's request, sent beside, was answered with anything but its own answer.
"""
import concurrent.futures
import json
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import frames
import mutations
from far import Far
from platform_rig import Skip, check, equal, wait_for

READ_S = 0.7  # how long a client waits for more; nothing is judged by it
ROUTES = "/far/*=far;role=none,/big/*=far;role=none;max_body=67108864,/other.example/*=far;role=none"
TIMES = ["--server.header-timeout", "1s", "--server.body-timeout", "1s", "--limit.flood", 0, "--limit.anonymous", 0]


def talk(port, data, wait=READ_S):
    """Sends it all, then whatever comes until the end or a silence."""
    out = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as s:
            try:
                s.sendall(data)
            except OSError:
                pass  # refused before it was all sent
            s.settimeout(wait)
            while piece := s.recv(65536):
                out += piece
    except OSError:
        pass
    return out


def targets(answer):
    """Whose answers these are, in their order."""
    return [t.decode() for t in re.findall(rb'\{"target": "([^"]*)"', answer)]


class Chain:
    """One way to the far side. front_log() gives {id: path} as the hop before the far side wrote it down, when all is over."""

    def __init__(self, port, far, front_id, front_log, strict):
        self.port, self.far, self.front_id, self.front_log, self.strict = port, far, front_id, front_log, strict
        self.faults, self.answered, self.refused, self.lock = [], 0, 0, threading.Lock()

    def fault(self, *words):
        with self.lock:
            self.faults.append(" ".join(map(str, words)))

    def attack(self, m):
        victim = b"GET /far/victim-%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % m.number
        answer = talk(self.port, m.data + victim)
        got = targets(answer)
        if self.strict and any("/smuggled-" in t for t in got):
            self.fault(m.family, m.number, "its second request was answered", m.data[:300])
        if "/far/victim-%d" % m.number in got and got[-1] != "/far/victim-%d" % m.number:
            self.fault(m.family, m.number, "answers out of order", got)
        with self.lock:
            self.answered += bool(got)
            self.refused += not got
        if m.answered and len(got) != 2:
            self.fault(m.family, m.number, "an ordinary request was not answered", answer[:300])
        self.beside(m.number)

    def beside(self, n):
        """Another client, on connections to the far side that the attack may have spoilt."""
        path = "/far/beside-%d" % n
        answer = talk(self.port, b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode(), 30)
        if targets(answer) != [path]:
            self.fault("the client beside", n, "was told", targets(answer), answer[:200])

    def attack_h2(self, m):
        frames.talk(self.port, m.data, READ_S)
        self.beside(m.number)

    def judge(self, sent):
        """After all is sent: what arrived against what was."""
        log = self.front_log()
        seen, bodies = {}, {m.number: m for m in sent}
        for r in self.far.seen:
            name = re.search(r"/(attack|victim|beside|smuggled)-(\d+)", r.target)
            if not name:
                if not r.target.startswith("/far/"):
                    self.fault("a request for", r.target)
                continue
            if name[1] == "smuggled" and self.strict:
                self.fault("desync: arrived", r.target, r.headers)
            if name[1] == "attack":
                m = bodies.get(int(name[2]))
                if m and m.body is not None and r.body != m.body and self.strict:
                    self.fault("desync: body of", m.family, m.number, f"{len(r.body)} bytes of {len(m.body)}")
            who = r.headers.get(self.front_id)
            if who in seen:
                self.fault("desync: arrived twice", r.target, who)
            seen[who] = r
            path = r.target.partition("?")[0]
            if who not in log:
                self.fault("desync: the hop before knows nothing of", r.target)
            elif log[who].partition("?")[0] != path:
                self.fault("desync: the hop before calls it", log[who], "and it is", r.target)
        for words in self.far.odd:
            self.fault("no hop may send", words)
        check(len(seen) > len(sent), "too little arrived", len(seen))
        return len(seen)


def run(chain, list_, attack=None, workers=12):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(attack or chain.attack, list_))


def verdict(chain, n, seen, what):
    check(not chain.faults, f"{len(chain.faults)} faults of {n} mutations, first:", *chain.faults[:5])
    return f"{n} mutations {what}, {chain.answered} passed on and {chain.refused} refused, {seen} requests seen, 0 desync"


def gateway(suite, far, name):
    """The platform with a route to the far side, and its log as a dictionary."""
    log = suite.root / f"{name}.log"
    server = suite.start("serve", "--data-dir", suite.root / name, "--port", 0, "--services", f"far=127.0.0.1:{far.port}", "--routes", ROUTES,
                         "--log-format", "json", *TIMES, log=log)

    def read():
        server.stop()
        lines = [json.loads(line) for line in log.read_text().splitlines() if '"message":"request"' in line]
        return {x.get("correlation_id", x.get("request_id")): x["metadata"].get("path", "") for x in lines}

    return server, read


def direct(suite, seed, count):
    """us -> far side"""
    far = Far()
    server, log = gateway(suite, far, "direct")
    chain = Chain(server.port, far, "x-correlation-id", log, strict=True)
    list_ = mutations.make(seed, count)
    run(chain, list_)
    list2 = frames.make(seed, count)
    run(chain, list2, chain.attack_h2)
    seen = chain.judge(list_)
    far.close()
    return verdict(chain, len(list_) + len(list2), seen, f"({len(list2)} of HTTP/2) to us")


NGINX = """
daemon off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/nginx-error.log crit;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3; uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  log_format ids '$request_id $request_uri'; access_log {root}/nginx.log ids;
  client_header_timeout 1s; client_body_timeout 1s; client_max_body_size 8m;
  upstream us {{ server 127.0.0.1:{port}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{listen};
    location / {{
      proxy_pass http://us; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Front-Id $request_id;
      proxy_request_buffering off; proxy_next_upstream off; proxy_read_timeout 30s;
    }}
  }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def behind_nginx(suite, seed, count):
    """nginx -> us -> far side. What nginx sent to us is what its log says; each of it arrives once, under its own name."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        raise Skip("nginx is not here")
    far = Far()
    server, our_log = gateway(suite, far, "behind")
    listen = free_port()
    config = suite.root / "nginx.conf"
    config.write_text(NGINX.format(root=suite.root, port=server.port, listen=listen))
    nginx = subprocess.Popen([program, "-p", str(suite.root), "-e", str(suite.root / "nginx-start.log"), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: talk(listen, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 30).startswith(b"HTTP/1.1 200"), 60, "nginx")

        def log():
            nginx.terminate()
            nginx.wait(30)
            ours = our_log()
            for r in far.seen:  # the hop between: it knows each by its own id
                who = r.headers.get("x-correlation-id")
                if ours.get(who, "").partition("?")[0] != r.target.partition("?")[0]:
                    chain.fault("desync: we know nothing of", r.target)
            lines = (suite.root / "nginx.log").read_text(errors="replace").splitlines()
            return dict(line.split(" ", 1) for line in lines if " " in line)

        # what nginx takes for two requests is two: its own log says how many it sent, and that is what is compared
        chain = Chain(listen, far, "x-front-id", log, strict=False)
        list_ = mutations.make(seed, count)
        run(chain, list_)
        seen = chain.judge(list_)
    finally:
        if nginx.poll() is None:
            nginx.terminate()
            nginx.wait(30)
    far.close()
    return verdict(chain, len(list_), seen, "through nginx to us")


class Naive:
    """A hop that does what a hop must not: it believes the first Content-Length and passes everything on as it came. The
    checks above must find it out, or they would find out nobody."""

    def __init__(self, far):
        self.far, self.log, self.n = far, {}, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
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
        with s, socket.create_connection(("127.0.0.1", self.far.port)) as up:
            try:
                s.settimeout(0.5)
                data = b""
                while True:
                    while b"\r\n\r\n" not in data:
                        piece = s.recv(65536)
                        if not piece:
                            return
                        data += piece
                    head, _, rest = data.partition(b"\r\n\r\n")
                    length = re.search(rb"(?i)content-length: *(\d+)", head)
                    n = min(int(length[1]), 1 << 20) if length else 0
                    while len(rest) < n:
                        rest += s.recv(65536) or b"\0" * n
                    self.n += 1
                    self.log[str(self.n)] = (head.split() + [b"", b""])[1].decode("latin-1")
                    up.sendall(head + b"\r\nX-Naive: %d\r\n\r\n" % self.n + rest[:n])
                    data = rest[n:]
                    up.settimeout(0.3)
                    try:
                        s.sendall(up.recv(65536))
                    except TimeoutError:
                        return
            except OSError:
                pass

    def close(self):
        self.listener.close()


def naive(suite, seed, count):
    """The checks see a desynchronised chain where there is one."""
    far = Far()
    hop = Naive(far)
    chain = Chain(hop.port, far, "x-naive", lambda: hop.log, strict=True)
    list_ = [m for m in mutations.make(seed, count) if m.family in ("length and coding", "two lengths", "name of length", "plain")]
    run(chain, list_)
    time.sleep(0.2)
    chain.judge(list_)
    kinds = {k: sum(k in f for f in chain.faults) for k in ("arrived /far/smuggled", "no hop may send", "knows nothing of", "was answered")}
    for k, n in kinds.items():
        check(n > 0, f"a careless hop was not found out by '{k}'", kinds)
    hop.close()
    far.close()
    return "a careless hop in our place: " + ", ".join(f"{n} × '{k}'" for k, n in kinds.items())
