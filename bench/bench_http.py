#!/usr/bin/env python3
"""CPU a request of our HTTP server against nginx `return 200`, in the same run, on the same bytes.

usage: bench_http.py SERVER [ROUNDS [SECONDS]]
Both serve one small JSON document over keep-alive on loopback, one worker each; wrk makes the load, in turns. CPU is
user + system time of the server process from /proc/PID/stat, so a busy machine blurs it less than wall time would.
Prints a JSON line a result, then a table. Exit code 1 when the median is over 1.1 times nginx's.
The limit of any such server: one epoll_wait (shared), one recv, one send a request; `strace -c` shows no more.
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BODY = '{"status":"ok","service":"finsight","version":"1.0.0"}'
TICK = os.sysconf("SC_CLK_TCK")
NGINX = """daemon off; master_process off; worker_processes 1; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {d}/b; proxy_temp_path {d}/p;
  fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u; scgi_temp_path {d}/s;
  server {{ listen 127.0.0.1:{port}; location = /health {{ default_type application/json; return 200 '{body}'; }} }} }}
"""


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICK, int(fields[12]) / TICK


def load(name, pid, port, connections, seconds):
    user, system = cpu_s(pid)
    out = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", str(seconds), f"http://127.0.0.1:{port}/health"],
                         capture_output=True, text=True, timeout=seconds + 30).stdout  # fmt: skip
    user2, system2 = cpu_s(pid)
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    n = int(re.search(r"(\d+) requests in", out).group(1))
    return {"user_us": (user2 - user) * 1e6 / n, "sys_us": (system2 - system) * 1e6 / n, "requests": n,
            "cpu_us": (user2 - user + system2 - system) * 1e6 / n, "wall_rps": n / seconds}  # fmt: skip


def wait_for(port, process):
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as r:
                return r.read().decode()
        except OSError:
            assert process.poll() is None, "a server did not start"
            time.sleep(0.02)
    raise AssertionError("a server does not answer")


def main():
    server, rounds, seconds = sys.argv[1], int((sys.argv[2:] or [5])[0]), int((sys.argv[3:] or [2])[0])
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(nginx) or not shutil.which("wrk"):
        print(json.dumps({"bench": "http_json", "skipped": "nginx or wrk is not installed"}))
        return 0
    with tempfile.TemporaryDirectory() as d:
        port = free_port()
        open(d + "/nginx.conf", "w").write(NGINX.format(d=d, port=port, body=BODY))
        ng = subprocess.Popen([nginx, "-c", d + "/nginx.conf", "-e", d + "/error.log"], stderr=subprocess.DEVNULL)
        us = subprocess.Popen([server], stdout=subprocess.PIPE, text=True)
        our_port = int(us.stdout.readline().split()[1])
        try:
            assert wait_for(port, ng) == wait_for(our_port, us) == BODY
            ratios, rows = [], []
            for connections in (16, 128):
                sides = {"nginx": [], "finsight": []}
                for _ in range(rounds):
                    for name, pid, p in (("nginx", ng.pid, port), ("finsight", us.pid, our_port)):
                        sides[name].append(load(name, pid, p, connections, seconds))
                for name, runs in sides.items():
                    row = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
                    row = {"bench": "http_json", "server": name, "connections": connections, **row}
                    rows.append(row)
                    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}))
                # turn by turn: what disturbs one run disturbs its neighbour as well
                ratio = statistics.median(o["cpu_us"] / n["cpu_us"] for o, n in zip(sides["finsight"], sides["nginx"]))
                ratios.append(ratio)
                print(json.dumps({"bench": "http_json_ratio", "connections": connections, "cpu_vs_nginx": round(ratio, 3),
                                  "must": 1.1, "stretch": 0.9}))  # fmt: skip
        finally:
            for p in (ng, us):
                p.send_signal(signal.SIGTERM)
                p.wait(10)
        print(f"\n{'server':10} {'conns':>6} {'user µs':>8} {'sys µs':>8} {'CPU µs':>8} {'req/s':>9}")
        for r in rows:
            print(f"{r['server']:10} {r['connections']:6} {r['user_us']:8.2f} {r['sys_us']:8.2f} {r['cpu_us']:8.2f} {r['wall_rps']:9.0f}")
        print("CPU a request, finsight / nginx: " + ", ".join(f"{r:.2f}" for r in ratios) + " (must <= 1.10, stretch <= 0.90)")
        return int(max(ratios) > 1.1)


sys.exit(main())
