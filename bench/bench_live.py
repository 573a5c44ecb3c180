#!/usr/bin/env python3
"""Live candles: a tick's way from the save's request to a thousand WebSockets; memory of idle sockets.

usage: bench_live.py FINSIGHT LIVE_CLIENTS [CLIENTS [TICKS]]
One JSON line a figure; tools/bench makes the table. The server is a process of its own on loopback; CPU is its own.
Three ways to look at the same thousand: all on one series until the frame can be read, the same until one process on the
same cores has read them all, and twenty series of fifty clients that tick at one time (live_clients.c says more). Each a
second time, where that is allowed, in the class SCHED_FIFO: what else runs on the machine then waits ("alone").
"""

import json
import os
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
import time

KEY = "bench-live-key"
HANDSHAKE = (b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


class Server:
    def __init__(self, finsight, root, alone=False):
        env = {k: v for k, v in os.environ.items() if not k.startswith("FINSIGHT_")}
        env |= {"HOME": root, "FINSIGHT_AUTH_ADMIN_KEY": KEY, "FINSIGHT_LIVE_MAX_CONNECTIONS": "20000",
                "FINSIGHT_SERVER_MAX_CONNECTIONS": "20000"}
        self.process = subprocess.Popen([finsight, "serve", "--data-dir", root + "/data", "--port", "0", "--json",
                                         "--access-log=false", "--log-level", "warning"], stdout=subprocess.PIPE, env=env, preexec_fn=go_alone if alone else None)
        self.port = int(json.loads(self.process.stdout.readline())["url"].rsplit(":", 1)[1])

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return [int(v) / os.sysconf("SC_CLK_TCK") for v in fields[11:13]]  # user, system

    def rss_mb(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0


def idle_memory(server, want):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    want = min(want, hard - 500)
    before, sockets = server.rss_mb(), []
    for i in range(want):
        s = socket.create_connection(("127.0.0.1", server.port), source_address=(f"127.0.0.{1 + i % 4}", 0))
        s.sendall(HANDSHAKE)
        assert s.recv(200).startswith(b"HTTP/1.1 101")
        sockets.append(s)
    time.sleep(0.3)
    after = server.rss_mb()
    print(json.dumps({"bench": "live_idle", "sockets": want, "rss_mb": round(after, 1),
                      "kb_a_socket": round((after - before) * 1024 / want, 2)}), flush=True)
    for s in sockets:
        s.close()


def go_alone():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


def may_go_alone():
    try:
        subprocess.run(["true"], preexec_fn=go_alone, check=True)
        return True
    except (OSError, subprocess.SubprocessError):
        return False


def tick_rows(server, program, clients, ticks, alone):
    for series, how in ((1, "stamp"), (1, "read"), (20, "stamp")):
        cpu = server.cpu_s()
        out = subprocess.run([program, str(server.port), KEY, str(clients), str(ticks), str(series), how], check=True,
                             stdout=subprocess.PIPE, preexec_fn=go_alone if alone else None).stdout
        row = json.loads(out) | {"alone": alone, "load": round(os.getloadavg()[0], 1)}
        for name, before, after in zip(("user_us", "sys_us"), cpu, server.cpu_s()):
            row[name + "_a_message"] = round((after - before) * 1e6 / (clients * (ticks + 5)), 2)
        print(json.dumps(row), flush=True)


def main():
    finsight, clients_program = sys.argv[1:3]
    clients, ticks = (int(v) for v in (sys.argv[3:] + ["1000", "100"])[:2])
    for alone in (False, True) if may_go_alone() else (False,):
        with tempfile.TemporaryDirectory(prefix="finsight-bench-live-") as root:
            server = Server(finsight, root, alone)
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
            tick_rows(server, clients_program, clients, ticks, alone)
            if not alone:
                idle_memory(server, 10000)
            server.stop()


main()
