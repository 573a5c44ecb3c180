#!/usr/bin/env python3
"""Discovery across processes: our registry, our client, and the gateway that follows them."""
import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402
from test_gateway import Stub  # noqa: E402

SOON = 60  # s: what waits, waits for the event
JSON = {"Accept": "application/json"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def instance(app, port, id=None, **more):
    return {"instance": {"instanceId": id or f"127.0.0.1:{app}:{port}", "hostName": "127.0.0.1", "app": app,
                         "ipAddr": "127.0.0.1", "status": "UP", "vipAddress": app,
                         "port": {"$": port, "@enabled": "true"}, "dataCenterInfo": {"@class": "c", "name": "MyOwn"},
                         **more}}  # fmt: skip


class Cases(rig.Suite):
    extra = {}

    def environment(self):
        return {**super().environment(), **self.extra}

    def registry(self, *args, port=0, fast=True):
        self.n = getattr(self, "n", 0) + 1
        return self.start("serve", "--roles", "discovery", "--data-dir", self.root / f"registry{self.n}", "--port", port,
                          *(["--discovery.fast"] if fast else []), *args)

    def role(self, role, registry, name, *args, port=0):
        return self.start("serve", "--roles", role, "--data-dir", self.root / name, "--port", port, "--discovery",
                          registry if isinstance(registry, str) else f"http://127.0.0.1:{registry.port}/eureka",
                          "--discovery.fast", *args, log=self.root / f"{name}.log")

    def log(self, name):
        return (self.root / f"{name}.log").read_text()

    def post(self, registry, app, port, **more):
        r = registry.request("POST", f"/eureka/apps/{app}", json.dumps(instance(app, port, **more)),
                             {"Content-Type": "application/json"})
        equal((r.status, r.body), (204, b""), f"registration of {app}")

    def apps(self, registry):
        r = registry.request("GET", "/eureka/apps/", headers=JSON)
        if r.status == 403:  # it has asked none of its peers yet
            return {}
        equal(r.status, 200)
        return {i["instanceId"]: i for a in r.json["applications"]["application"] for i in a["instance"]}

    def services(self, registry):
        return sorted({i["vipAddress"] for i in self.apps(registry).values()})

    # GWY-05, GWY-22: a service that registers is routed to within a second, and one that deregisters no more
    def test_routing_follows_registrations_within_a_second(self):
        registry = self.registry()
        gateway = self.role("gateway", registry, "gateway", "--gateway.fast", "--routes", "/quotes/*=quotes;role=none")
        equal(gateway.get("/quotes/a").status, 503, "nobody is there yet")
        stubs = [Stub(lambda h: h.reply(200, {})) for _ in range(2)]
        ids = [f"127.0.0.1:{app}:{s.port}" for app, s in zip(("QUOTES", "quotes"), stubs)]

        def takes(change, done):
            begin = time.monotonic()
            change()
            rig.wait_for(done, SOON, "the routing to follow")
            return time.monotonic() - begin

        took = [takes(lambda: self.post(registry, "QUOTES", stubs[0].port), lambda: gateway.get("/quotes/a").status == 200)]
        before = len(stubs[1].paths())
        took.append(takes(lambda: self.post(registry, "quotes", stubs[1].port),
                          lambda: gateway.get("/quotes/a").status == 200 and len(stubs[1].paths()) > before))
        # DIS-08: both get their turn
        n = [len(s.paths()) for s in stubs]
        for _ in range(20):
            equal(gateway.get("/quotes/b").status, 200)
        equal([len(s.paths()) - k for s, k in zip(stubs, n)], [10, 10], "round robin")
        # DIS-07: out of service is out of the routing, and taken off comes back
        status = f"/eureka/apps/QUOTES/{ids[0]}/status"
        routed = lambda: [i["address"] for i in gateway.get("/health").json["services"]["quotes"]["instances"]]  # noqa: E731
        equal(registry.request("PUT", status + "?value=OUT_OF_SERVICE").status, 200)
        rig.wait_for(lambda: routed() == [f"127.0.0.1:{stubs[1].port}"], SOON, "the override to be heeded")
        equal([i["status"] for i in gateway.get("/eureka/status").json["client"]["instances"] if i["id"] == ids[0]],
              ["OUT_OF_SERVICE"])
        n = len(stubs[0].paths())
        equal([gateway.get("/quotes/c").status for _ in range(10)], [200] * 10)
        equal(len(stubs[0].paths()), n, "calls to an instance that is out of service")
        equal(registry.request("DELETE", status + "?value=UP").status, 200)
        rig.wait_for(lambda: gateway.get("/quotes/c").status == 200 and len(stubs[0].paths()) > n, SOON, "its return")

        def gone():
            for i in ids:
                equal(registry.request("DELETE", f"/eureka/apps/QUOTES/{i}").status, 200)

        took.append(takes(gone, lambda: gateway.get("/quotes/a").status == 503))
        print("# routing followed in", ", ".join(f"{t:.2f} s" for t in took))
        check(all(t < 1.0 for t in took) or self.loaded(), "slower than a second", took)
        for s in stubs:
            s.close()

    def loaded(self):
        """A machine that is far behind shows nothing about a second."""
        return os.getloadavg()[0] > (os.cpu_count() or 1)

    # DIS-09, DIS-01: instances that registered themselves; one is killed, and no client hears of it
    def test_a_killed_instance_leaves_the_routing_and_no_client_hears_of_it(self):
        registry = self.registry()
        markets = [self.role("market", registry, f"market{i}") for i in range(3)]
        gateway = self.role("gateway", registry, "gateway", "--gateway.fast")
        instances = lambda: gateway.get("/health").json["services"]["market"]["instances"]  # noqa: E731
        rig.wait_for(lambda: sorted(i["address"] for i in instances()) == sorted(f"127.0.0.1:{m.port}" for m in markets), SOON,
                     "all three in the routing")
        failed, n, stop = [], [0], threading.Event()

        def ask():
            c = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
            while not stop.is_set():
                c.request("GET", "/api/v1/market/series")
                r = c.getresponse()
                body = r.read()
                n[0] += 1
                if r.status != 200:
                    failed.append((r.status, body))
            c.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        rig.wait_for(lambda: n[0] > 200, SOON, "traffic")
        markets[0].process.kill()
        killed = time.monotonic()
        dead = f"127.0.0.1:{markets[0].port}"
        out = lambda: all(i["address"] != dead or i["ejected"] or not i["healthy"] for i in instances())  # noqa: E731
        rig.wait_for(out, SOON, "the killed one to be out of the routing")
        took = time.monotonic() - killed
        rig.wait_for(lambda: dead not in [i["address"] for i in instances()], SOON, "its lease to run out")
        lease = time.monotonic() - killed
        stop.set()
        for t in threads:
            t.join()
        print(f"# {n[0]} calls, 0 errors; out after {took:.2f} s, forgotten after {lease:.2f} s")
        equal(failed, [], "calls that failed")
        check(took <= 3.0 or self.loaded(), "out of the routing after", took)

    # DIS-10, DIS-11, PRD-04: each service tells and takes the same on /eureka/*, the prediction service too
    def test_every_service_has_the_router(self):
        registry = self.registry()
        for role in ("market", "backtest", "prediction", "gateway"):
            server = self.role(role, registry, role)
            key = {"X-API-Key": (self.root / role / "admin.key").read_text().strip()}
            own = lambda: server.get("/eureka/status").json["client"]  # noqa: B023, E731
            rig.wait_for(lambda: (own() or {}).get("registered"), SOON, f"{role} to be registered")
            equal(own()["own"][0]["instance_id"], f"127.0.0.1:{role}:{server.port}")
            check(role in self.services(registry))
            for path in ("register", "deregister", "refresh"):
                equal(server.request("POST", f"/eureka/{path}").status, 401, f"{path} without a key")
            equal(server.request("GET", "/eureka/register").status, 405)
            equal(server.request("POST", "/eureka/deregister", headers=key).status, 202)
            rig.wait_for(lambda: role not in self.services(registry), SOON, f"{role} to be off")
            check(not own()["registered"])
            equal(server.request("POST", "/eureka/register", headers=key).status, 202)
            rig.wait_for(lambda: role in self.services(registry), SOON, f"{role} to be on again")
            equal(server.request("POST", "/eureka/refresh", headers=key).status, 202)
            equal(server.request("POST", "/eureka/status?value=SIDEWAYS", headers=key).status, 422)
            equal(server.request("POST", "/eureka/status?value=OUT_OF_SERVICE", headers=key).status, 202)
            id = own()["own"][0]["instance_id"]
            rig.wait_for(lambda: self.apps(registry)[id]["status"] == "OUT_OF_SERVICE", SOON, "the override")
            equal(server.request("DELETE", "/eureka/status", headers=key).status, 202)
            rig.wait_for(lambda: self.apps(registry)[id]["status"] == "UP", SOON, "the override to be off")
            equal(server.get("/eureka/apps").status, 404, "the registry is another process")
        alone = self.start("serve", "--roles", "market", "--data-dir", self.root / "alone", "--port", 0)
        equal(alone.get("/eureka/status").json, {"client": None, "registry": None})

    # DIS-05, DIS-06, DIS-14, U14: a registry that is away, or says no, stops nobody and is asked again
    def test_a_service_runs_without_its_registry(self):
        port = free_port()
        market = self.role("market", f"http://127.0.0.1:{port}/eureka", "market")
        equal(market.get("/api/v1/market/series").status, 200)
        rig.wait_for(lambda: "Service registration failed: " in self.log("market"), SOON, "the documents' line")
        registry = self.registry(port=port)
        rig.wait_for(lambda: "market" in self.services(registry), SOON, "its registration")
        rig.wait_for(lambda: "Successfully registered market" in self.log("market"), SOON, "its word on that")
        # a registry that was killed knows nobody; heartbeats answered 404 bring everybody back
        registry.stop(signal.SIGKILL)
        rig.wait_for(lambda: "Heartbeat failed: " in self.log("market"), SOON, "the documents' line of heartbeats")
        registry = self.registry(port=port)
        rig.wait_for(lambda: "market" in self.services(registry), SOON, "its return")
        check("the registry does not know us any more" in self.log("market"))
        # DIS-07: who stops says so
        market.stop()
        equal(self.services(registry), [])
        check("deregistered" in self.log("market"))

        def no(h):
            h.reply(500, b"")

        refusing = Stub(no)
        self.role("backtest", f"http://127.0.0.1:{refusing.port}", "backtest")
        rig.wait_for(lambda: "Failed to register service: 500" in self.log("backtest") or "Service registration failed" in
                     self.log("backtest"), SOON, "the documents' line")
        refusing.close()
        refusing = Stub(lambda h: h.reply(400, b"Missing dataCenterInfo"))
        other = self.role("backtest", f"http://127.0.0.1:{refusing.port}", "backtest2")
        rig.wait_for(lambda: "Failed to register service: 400" in self.log("backtest2"), SOON, "the documents' line")
        check(all(not p.startswith("/eureka/apps/BACKTEST/") for p in refusing.paths()), "a heartbeat before 204")
        equal(other.get("/health").status, 200)
        refusing.close()

    # DIS-12: two of ours tell each other; one that comes later is filled; XML, gzip, both prefixes
    def test_two_registries_know_the_same(self):
        ports = [free_port(), free_port()]
        peers = [f"http://127.0.0.1:{p}/eureka" for p in ports]
        a = self.registry("--discovery.peers", peers[1], port=ports[0])
        self.post(a, "ONE", 9001)
        b = self.registry("--discovery.peers", peers[0], port=ports[1])
        rig.wait_for(lambda: self.services(b) == ["ONE"], SOON, "the second one to be filled")
        self.post(b, "TWO", 9002)
        rig.wait_for(lambda: self.services(a) == ["ONE", "TWO"], SOON, "news of the second")
        path = "/eureka/apps/TWO/127.0.0.1:TWO:9002"
        equal(a.request("PUT", path + "/status?value=OUT_OF_SERVICE").status, 200)
        rig.wait_for(lambda: self.apps(b)["127.0.0.1:TWO:9002"]["status"] == "OUT_OF_SERVICE", SOON, "the override")
        equal(a.request("PUT", path + "?status=UP").status, 200)
        equal(a.request("DELETE", path.replace(":", "%3A")).status, 200)
        rig.wait_for(lambda: "127.0.0.1:TWO:9002" not in self.apps(b), SOON, "the cancellation")
        equal(a.request("PUT", path).status, 404)
        # forms
        xml = a.request("GET", "/eureka/v2/apps")
        equal(xml.headers["content-type"], "application/xml")
        check(xml.body.startswith(b"<applications><versions__delta>") and b"<app>ONE</app>" in xml.body, xml.body)
        for i in range(20):
            self.post(a, "MANY", 9100 + i)
        packed = a.request("GET", "/eureka/apps", headers={**JSON, "Accept-Encoding": "gzip"})
        equal(packed.headers["content-encoding"], "gzip")
        hash = lambda r: r["applications"]["apps__hashcode"]  # noqa: E731
        equal(hash(json.loads(gzip.decompress(packed.body))), "UP_21_")
        equal(hash(a.request("GET", "/eureka/apps/delta", headers=JSON).json), "UP_21_")
        rig.wait_for(lambda: len(self.apps(b)) == 21, SOON, "all of them")
        bad = a.request("POST", "/eureka/apps/X", "{}", {"Content-Type": "application/json"})
        equal((bad.status, bad.body), (400, b"Missing instanceId"))
        equal(a.request("POST", "/eureka/apps/X", "x" * 100000, {"Content-Type": "application/json"}).status, 400)

    # fast leases run out; on an address that is not loopback a registration takes a key, by Basic as Spring's clients send it
    def test_leases_run_out_and_strangers_need_a_key(self):
        try:
            with socket.socket(socket.AF_INET6) as s:
                s.bind(("::ffff:127.0.0.1", 0))
        except OSError as e:
            raise rig.Skip(f"no IPv6 sockets here: {e}") from None
        registry = self.registry("--host", "::ffff:127.0.0.1")
        body, fields = json.dumps(instance("X", 1)), {"Content-Type": "application/json"}
        key = (self.root / "registry1" / "admin.key").read_text().strip()
        equal(registry.request("POST", "/eureka/apps/X", body, fields).status, 401)
        equal(registry.request("GET", "/eureka/apps", headers=JSON).status, 401)
        import base64

        basic = lambda k: {"Authorization": "Basic " + base64.b64encode(f"eureka:{k}".encode()).decode()}  # noqa: E731
        equal(registry.request("POST", "/eureka/apps/X", body, {**fields, **basic("wrong")}).status, 403)
        lease = json.dumps(instance("X", 1, leaseInfo={"renewalIntervalInSecs": 1, "durationInSecs": 1}))
        equal(registry.request("POST", "/eureka/apps/X", lease, {**fields, **basic(key)}).status, 204)
        self.extra = {"FINSIGHT_DISCOVERY_CREDENTIALS": f"eureka:{key}"}
        market = self.role("market", registry, "market")
        there = lambda: [a["name"] for a in registry.request(  # noqa: E731
            "GET", "/eureka/apps", headers={**JSON, **basic(key)}).json["applications"]["application"]]
        rig.wait_for(lambda: there() == ["MARKET"], SOON, "the market alone: X never renewed")
        check(key not in self.log("market"), "the password is in the log")
        equal(market.get("/health").status, 200)
        done = self.cli("serve", "--discovery", "http://a:secret@127.0.0.1:1", "--port", 0, status=None)
        check(done.returncode != 0 and "discovery.credentials" in done.stderr and "secret" not in done.stderr, done.stderr)

    # one process that hosts everything is its own registry
    def test_all_in_one_is_a_registry_too(self):
        server = self.serve()
        rig.wait_for(lambda: {"backtest", "gateway", "market"} <= set(self.services(server)), SOON, "its own roles")
        roles = len(self.services(server))
        self.post(server, "QUOTES", 9000)
        check("QUOTES" in self.services(server))
        status = server.get("/eureka/status").json
        check(status["registry"]["up"] == roles + 1 and status["client"]["registered"], status)


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
