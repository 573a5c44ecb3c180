#!/usr/bin/env python3
"""A process replaced by the next one: no connection is refused, no request fails, stores have one owner at a time."""
import http.client
import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402
from test_gateway import Cases as Gateway, Stub  # noqa: E402

LIST_FDS = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.set_inheritable(3, True)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Load:
    """Clients that ask all the time, each request over a new connection or, every other client, over a kept one."""

    def __init__(self, port, path, clients=4):
        self.port, self.path, self.bad, self.n, self.stop = port, path, [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(i % 2 == 1,)) for i in range(clients)]
        for t in self.threads:
            t.start()

    def ask(self, kept):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.is_set():
            for retry in (False, True):
                try:
                    connection.request("GET", self.path, headers={} if kept else {"Connection": "close"})
                    reply = connection.getresponse()
                    reply.read()
                    if reply.status != 200:
                        self.bad.append(reply.status)
                    self.n += 1
                    break
                except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as e:
                    connection.close()  # a kept connection that was closed while nothing was asked on it: every client tries again
                    if not kept or retry:
                        self.bad.append(repr(e))
                        break
                except OSError as e:
                    connection.close()
                    self.bad.append(repr(e))
                    break
        connection.close()

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        equal(self.bad, [])


class Cases(Gateway):
    # DEP-14: the gateway is replaced under load, again and again
    def test_a_gateway_is_replaced_under_load(self):
        slow = threading.Event()

        def answer(h):
            if h.path == "/slow":
                slow.wait(60)
            h.reply(200, b"ok")

        stub = Stub(answer)
        args = ["--services", f"stub=127.0.0.1:{stub.port}", "--routes", "/stub/*=stub/;role=none;cache=off", "--gateway.fast"]
        first = self.start("serve", "--data-dir", self.root / "g", "--roles", "gateway", "--port", 0, *args)
        load = Load(first.port, "/stub/x")
        servers = [first]
        for i in range(3):
            waiting = []
            t = threading.Thread(target=lambda: waiting.append(first.get("/stub/slow").status))
            t.start()
            rig.wait_for(lambda: "/slow" in stub.paths(), 60, "the slow request")
            threading.Timer(0.3, slow.set).start()
            before = load.n
            servers.append(self.start("serve", "--data-dir", self.root / "g", "--roles", "gateway", "--port", first.port, "--takeover", *args))
            equal(servers[-1].port, first.port)
            equal(servers[-2].process.wait(60), 0, "the old process ended by itself")
            t.join()
            equal(waiting, [200], "what the old one had begun it ended")
            rig.wait_for(lambda: load.n > before + 20, 60, "the load to go on")
            stub.seen.clear()
            slow.clear()
        load.end()
        # nobody there: an ordinary start; a file that is no good sends nobody away
        servers[-1].stop()
        alone = self.start("serve", "--data-dir", self.root / "g", "--roles", "gateway", "--port", 0, "--takeover", *args)
        done = self.cli("serve", "--roles", "gateway", "--takeover", "--routes", "/a=nobody;role=fry", "--port", 0, status=None)
        check(done.returncode != 0, done.stderr)
        equal(alone.get("/stub/x").status, 200)
        stub.close()

    # A role with stores is replaced: one owner at a time, and readings through the gateway only wait
    def test_a_role_with_stores_is_replaced_behind_the_gateway(self):
        market = self.start("serve", "--data-dir", self.data, "--roles", "market", "--port", 0)
        gateway = self.gateway(f"market=127.0.0.1:{market.port}", flags=["--gateway.cache", 0])
        load = Load(gateway.port, "/api/v1/market/series")
        for _ in range(2):
            before = load.n
            second = self.start("serve", "--data-dir", self.data, "--roles", "market", "--port", market.port, "--takeover")
            equal(market.process.wait(60), 0)
            market = second
            rig.wait_for(lambda: load.n > before + 20, 60, "the load to go on")
        load.end()

    # A service manager's socket: it stays when the process ends, and the next one has it again
    def test_a_socket_of_a_service_manager(self):
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
            load = None
            for i in range(2):
                p = subprocess.Popen([sys.executable, "-c", LIST_FDS, str(held.fileno()), self.binary, "serve", "--data-dir", str(self.data),
                                      "--port", "1", "--json"], pass_fds=[held.fileno()], stdout=subprocess.PIPE, env=self.environment(),
                                     stderr=subprocess.DEVNULL)  # fmt: skip
                server = rig.Server(p, json.loads(p.stdout.readline()))
                self.servers.append(server)
                equal(server.port, port)
                load = load or Load(port, "/health", 2)
                before = load.n
                rig.wait_for(lambda: load.n > before + 20, 60, "answers")
                if i == 0:
                    p.send_signal(signal.SIGTERM)
                    equal(p.wait(60), 0)
                    time.sleep(0.2)  # who asks now waits in the kernel's queue
            load.end()


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
