#!/usr/bin/env python3
"""CPU of one hop: our gateway against nginx's proxy_pass, the same upstream, the same requests, in the same run.

usage: bench_gateway.py FINSIGHT [ROUNDS [SECONDS]]
The upstream is an nginx that answers `return 200`. Three ways in front of it, one worker each, in turns under wrk:
  nginx bare    proxy_pass over kept connections, nothing else
  nginx equal   with the work ours always does: limit_req by key, a map of keys, a buffered access log of JSON lines with
                ids, the security headers, X-Forwarded-For, a request id and a trace passed on
  finsight      `serve --roles gateway` with a key, limits, breaker, balance, metrics, log and trace
The ratio is GWY-38's target: the gateway's row of the budget, and the exit code says whether it holds.
CPU is what the scheduler gave the process (/proc/PID/schedstat), per request: other load on the machine blurs it less than
wall time, which stands beside it. Answers are compared first. The last rows: the same with 10,000 routes more, and
answers over 64 KB, and answers that are kept: their median is to be at most 150 µs, one at a time. Prints a JSON line a result, then a table; exit code 1 when the gateway costs more than nginx equal.
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

TICK = os.sysconf("SC_CLK_TCK")
BODY = '{"status":"ok","service":"finsight","version":"1.0.0"}'
KEY = "fsk_bench-0123456789abcdef0123456789abcdef"
COMMON = """daemon off; master_process off; worker_processes 1; pid {d}/{n}.pid; error_log {d}/{n}.log;
events {{ worker_connections 4096; }}
http {{ keepalive_requests 1000000000; client_body_temp_path {d}/b; proxy_temp_path {d}/p; fastcgi_temp_path {d}/f;
  uwsgi_temp_path {d}/u; scgi_temp_path {d}/s; default_type application/json;
"""
BACKEND = COMMON + """ access_log off; server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }}
  location /kept {{ add_header Cache-Control 'public, max-age=3600'; return 200 '{body}'; }}
  location /large {{ root {d}; }} }} }}"""
PROXY = " upstream up {{ server 127.0.0.1:{up}; keepalive 256; keepalive_requests 1000000000; }}\n"
PASS = " proxy_http_version 1.1; proxy_set_header Connection ''; "
BARE = COMMON + PROXY + """ access_log off; server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://up;""" + PASS + """ }} }} }}"""
EQUAL = COMMON + PROXY + """
  map $http_x_api_key $who {{ default ''; '{key}' 'admin'; }}
  limit_req_zone $http_x_api_key zone=keys:10m rate=1000000r/s;
  limit_req_zone $binary_remote_addr zone=ips:10m rate=1000000r/s;
  log_format j escape=json '{{"timestamp":"$time_iso8601","level":"INFO","message":"request","request_id":"$request_id",'
    '"method":"$request_method","path":"$uri","status":$status,"bytes":$body_bytes_sent,"peer":"$remote_addr",'
    '"took":"$request_time","upstream":"$upstream_response_time","who":"$who"}}';
  access_log {d}/equal.access j buffer=64k flush=1s;
  server {{ listen 127.0.0.1:{port};
    location / {{
      if ($who = '') {{ return 401; }}
      limit_req zone=ips burst=100000 nodelay; limit_req zone=keys burst=100000 nodelay;
      add_header X-Request-ID $request_id always; add_header X-Correlation-ID $request_id always;
      add_header X-Content-Type-Options nosniff always; add_header X-Frame-Options DENY always;
      add_header X-XSS-Protection '1; mode=block' always; add_header Referrer-Policy no-referrer always;
      add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'; base-uri 'none'" always;
      proxy_pass http://up;""" + PASS + """ proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Correlation-ID $request_id; proxy_set_header traceparent "00-$request_id-$request_id-01";
      proxy_next_upstream error timeout http_502 http_503 http_504; }} }} }}"""  # fmt: skip


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_s(pid):
    """User, system (in ticks of 10 ms) and their sum (in ns, of all threads)."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    ran = sum(int(open(f"/proc/{pid}/task/{t}/schedstat").read().split()[0]) for t in os.listdir(f"/proc/{pid}/task"))
    return int(fields[11]) / TICK, int(fields[12]) / TICK, ran * 1e-9


def ask(port, path="/x/1"):
    rq = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"X-API-Key": KEY})
    with urllib.request.urlopen(rq, timeout=5) as r:
        return r.read()


class Side:
    def __init__(self, name, process, port):
        self.name, self.process, self.port, self.runs = name, process, port, []

    def load(self, path, connections, seconds):
        user, system, total = cpu_s(self.process.pid)
        out = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", str(seconds), "--latency", "-H", f"X-API-Key: {KEY}",
                              f"http://127.0.0.1:{self.port}{path}"], capture_output=True, text=True, timeout=seconds + 60).stdout  # fmt: skip
        user2, system2, total2 = cpu_s(self.process.pid)
        assert "Non-2xx" not in out, f"{self.name}: {out}"
        n = int(re.search(r"(\d+) requests in", out).group(1))
        p50 = re.search(r"50%\s+([\d.]+)(us|ms|s)", out)
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
        return {"user_us": (user2 - user) * 1e6 / n, "sys_us": (system2 - system) * 1e6 / n,
                "cpu_us": (total2 - total) * 1e6 / n, "rps": n / seconds, "requests": n,
                "p50_us": float(p50[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[p50[2]],
                "p99_ms": float(p99[1]) * {"us": 1e-3, "ms": 1, "s": 1e3}[p99[2]]}  # fmt: skip


class Bench:
    def __init__(self, finsight, folder):
        self.finsight, self.d, self.processes, self.n = finsight, folder, [], 0

    def nginx(self, template, **words):
        self.n += 1
        port, conf = free_port(), f"{self.d}/{self.n}.conf"
        open(conf, "w").write(template.format(d=self.d, n=self.n, port=port, body=BODY, key=KEY, **words))
        p = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", conf, "-e", f"{self.d}/{self.n}.err"],
                             stderr=subprocess.DEVNULL)  # fmt: skip
        self.processes.append(p)
        return p, port

    def gateway(self, up, extra_routes=0):
        self.n += 1
        routes = ["/*=up/;role=read"] + [f"/svc{i % 97}/part{i}/{{id}}/item=up;role=read" for i in range(extra_routes)]
        conf = f"{self.d}/gateway{self.n}.yaml"
        json.dump({"gateway": {"services": [f"up=127.0.0.1:{up}", "market=127.0.0.1:1", "backtest=127.0.0.1:1"], "routes": routes},
                   "limit": {"flood": 60000000, "anonymous": 60, "key": 60000000}, "auth": {"admin_key": KEY},
                   "log": {"file": f"{self.d}/gateway{self.n}.log"}}, open(conf, "w"))  # fmt: skip
        p = subprocess.Popen([self.finsight, "serve", "--config", conf, "--roles", "gateway", "--port", "0", "--data-dir",
                              f"{self.d}/data{self.n}", "--json"], stdout=subprocess.PIPE, text=True)  # fmt: skip
        self.processes.append(p)
        return p, int(json.loads(p.stdout.readline())["url"].rsplit(":", 1)[1])

    def close(self):
        for p in self.processes:
            p.send_signal(signal.SIGTERM)
            p.wait(20)


def wait_for(side):
    for _ in range(300):
        try:
            return ask(side.port).decode()
        except OSError:
            assert side.process.poll() is None, f"{side.name} did not start"
            time.sleep(0.02)
    raise AssertionError(f"{side.name} does not answer")


def compare(sides, path, connections, rounds, seconds, what):
    for s in sides:
        s.runs = []
    for _ in range(rounds):
        for s in sides:
            s.runs.append(s.load(path, connections, seconds))
    rows = []
    for s in sides:
        row = {key: statistics.median(r[key] for r in s.runs) for key in s.runs[0]}
        row = {"bench": "gateway_hop", "what": what, "server": s.name, "connections": connections, **row}
        rows.append(row)
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}), flush=True)
    return rows


def ratio(a, b):
    """Turn by turn: what disturbs one run disturbs its neighbour as well."""
    return statistics.median(x["cpu_us"] / y["cpu_us"] for x, y in zip(a.runs, b.runs))


def main():
    finsight, rounds, seconds = sys.argv[1], int((sys.argv[2:] or [5])[0]), int((sys.argv[3:] or [2])[0])
    if not os.path.exists(shutil.which("nginx") or "/usr/sbin/nginx") or not shutil.which("wrk"):
        print(json.dumps({"bench": "gateway_hop", "skipped": "nginx or wrk is not installed"}))
        return 0
    with tempfile.TemporaryDirectory() as d:
        open(d + "/large", "w").write("x" * 262144)
        b = Bench(finsight, d)
        try:
            _, up = b.nginx(BACKEND)
            sides = [Side("nginx bare", *b.nginx(BARE, up=up)), Side("nginx equal", *b.nginx(EQUAL, up=up)),
                     Side("finsight", *b.gateway(up))]  # fmt: skip
            assert {wait_for(s) for s in sides} == {BODY}, "the answers differ"
            bare, equal, ours = sides
            rows = compare(sides, "/x/1", 64, rounds, seconds, "small")
            hop, stretch = ratio(ours, equal), ratio(ours, bare)
            rows += compare(sides, "/large", 32, max(rounds // 2, 1), seconds, "256 KB")
            large = ratio(ours, equal)
            rows += compare([ours], "/kept", 1, rounds, seconds, "kept")
            kept_us = rows[-1]["p50_us"]
            many = Side("finsight, 10,000 routes more", *b.gateway(up, 10000))
            assert wait_for(many) == BODY
            rows += compare([ours, many], "/x/1", 64, 3 * rounds, min(seconds, 1), "routes")  # a small difference: many short turns
            routes = ratio(many, ours)
        finally:
            b.close()
        print(json.dumps({"bench": "gateway_hop_ratio", "cpu_vs_nginx_equal": round(hop, 3), "cpu_vs_nginx_bare": round(stretch, 3),
                          "kept_p50_us": round(kept_us, 1), "large_vs_nginx_equal": round(large, 3), "cpu_10k_routes": round(routes, 3),
                          "load": os.getloadavg()[0]}))  # fmt: skip
        print(f"\n{'':8} {'server':30} {'user µs':>8} {'sys µs':>8} {'CPU µs':>8} {'req/s':>9} {'p99 ms':>8}")
        for r in rows:
            print(f"{r['what']:8} {r['server']:30} {r['user_us']:8.2f} {r['sys_us']:8.2f} {r['cpu_us']:8.2f} {r['rps']:9.0f} {r['p99_ms']:8.2f}")
        print(f"CPU of a hop, finsight / nginx doing equal work: {hop:.2f} (must <= 1.00); / bare nginx: {stretch:.2f} (stretch <= 1.00); "
              f"256 KB: {large:.2f}; 10,000 routes more: {routes:.3f} (must <= 1.05); "
              f"a kept answer, median: {kept_us:.0f} µs (must <= 150); load {os.getloadavg()[0]:.1f}")  # fmt: skip
        return int(hop > 1.0 or routes > 1.05 or kept_us > 150)


sys.exit(main())
