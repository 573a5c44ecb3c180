"""bench/servers.py - what benches of whole servers share: processes, CPU time, nginx, wrk, a client that costs little."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
started = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Client:
    """One keep-alive connection; answers with Content-Length only."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = bytearray(1 << 22)

    def get(self, path):
        self.s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        n, end, whole = 0, -1, -1
        while whole < 0 or n < whole:
            got = self.s.recv_into(memoryview(self.buf)[n:])
            assert got > 0, "the server closed the connection"
            n += got
            if end < 0 and (end := self.buf.find(b"\r\n\r\n", 0, n)) >= 0:
                head = bytes(self.buf[:end])
                assert head.startswith(b"HTTP/1.1 200"), bytes(self.buf[:n])
                whole = end + 4 + int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        return bytes(self.buf[end + 4 : whole])


class Process:
    """A server on a free port ({port} in its arguments), and how long it took from exec to its first 200."""

    def __init__(self, args, root, env=None):
        self.port = free_port()
        with open(root / "stderr", "ab") as err:
            t = time.perf_counter()
            self.p = subprocess.Popen([a.replace("{port}", str(self.port)) for a in args], stdout=subprocess.DEVNULL,
                                      stderr=err, env=env)  # fmt: skip
        started.append(self)
        self.pid = self.p.pid
        while True:
            try:
                Client(self.port).get("/health")
                break
            except OSError:
                assert self.p.poll() is None and time.perf_counter() - t < 20, f"{args[0]} did not start"
                time.sleep(0.0005)
        self.ready_s = time.perf_counter() - t

    def cpu(self):
        """(user, system) seconds of all its threads, in ticks of the kernel."""
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) / TICK, int(fields[12]) / TICK

    def cpu_s(self):
        """CPU seconds of the threads alive, in nanoseconds where the kernel counts them."""
        try:
            tasks = os.listdir(f"/proc/{self.pid}/task")
            return sum(int(open(f"/proc/{self.pid}/task/{t}/schedstat").read().split()[0]) for t in tasks) / 1e9
        except OSError:
            return sum(self.cpu())

    def stop(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
            self.p.wait(20)


def stop_all():
    for server in started:
        server.stop()


NGINX = """daemon off; master_process off; worker_processes 1; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {d}/b; proxy_temp_path {d}/p;
  fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u; scgi_temp_path {d}/s;
  server {{ listen 127.0.0.1:{port}; location = /health {{ default_type application/json; return 200 '{body}'; }} }} }}
"""


def nginx_path():
    return shutil.which("nginx") or ("/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else None)


def nginx(root, body):
    """One worker, no log, the same bytes as body."""
    d = root / "nginx"
    d.mkdir()
    port = free_port()
    (d / "conf").write_text(NGINX.format(d=d, port=port, body=body.strip().replace("'", "")))
    p = Process.__new__(Process)
    p.port = port
    p.p = subprocess.Popen([nginx_path(), "-c", str(d / "conf"), "-e", str(d / "error.log")], stderr=subprocess.DEVNULL)
    p.pid = p.p.pid
    started.append(p)
    for _ in range(200):
        try:
            Client(port).get("/health")
            return p
        except OSError:
            assert p.p.poll() is None, "nginx did not start"
            time.sleep(0.02)
    raise AssertionError("nginx does not answer")


def wrk(server, path, connections, seconds):
    """Load for some seconds; what a request cost the server."""
    user, system = server.cpu()
    out = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", str(seconds),
                          f"http://127.0.0.1:{server.port}{path}"], capture_output=True, text=True, timeout=seconds + 30).stdout  # fmt: skip
    user2, system2 = server.cpu()
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    n = int(re.search(r"(\d+) requests in", out).group(1))
    return {"user_us": (user2 - user) * 1e6 / n, "sys_us": (system2 - system) * 1e6 / n,
            "cpu_us": (user2 - user + system2 - system) * 1e6 / n, "requests_per_s": n / seconds}  # fmt: skip
