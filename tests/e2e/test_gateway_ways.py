#!/usr/bin/env python3
"""The gateway's ways with requests: rules, several services asked together, overload, second tries before the first has failed."""
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402
from test_gateway import Cases as Gateway, Stub  # noqa: E402


def echo(h):
    body = {"path": h.path, "headers": {k.lower(): v for k, v in h.headers.items()}, "sent": h.sent.decode(), "debug": {"trace": 1, "x": 2}}
    h.reply(int(h.headers.get("X-Status") or 200), body, Content_Type=h.headers.get("X-Type") or "application/json", X_Old="1", ETag='"1"')


class Cases(Gateway):
    # GWY-17: fields, path, query and body, both ways; bad rules are refused at start and at a reload
    def test_rules_change_requests_and_answers(self):
        stub = Stub(echo)
        conf = self.root / "gateway.yaml"
        doc = {"gateway": {"fast": True, "services": [f"s=127.0.0.1:{stub.port}"],
                           "routes": ["/quotes/{id}/*=s;role=none", "/plain/*=s;role=none"],
                           "rules": ["/quotes/{id}/* request.set X-Tenant acme inc", "/quotes/{id}/* request.remove X-Debug",
                                     "/quotes/{id}/* path /v2/{id}/all/*", "/quotes/{id}/* query.default limit 100",
                                     "/quotes/{id}/* request.body.rename px price", "/quotes/{id}/* request.body.wrap order",
                                     "/quotes/{id}/* reply.remove X-Old", "/quotes/{id}/* reply.set X-New 2",
                                     "/quotes/{id}/* reply.body.remove debug.trace", "/quotes/{id}/* reply.body.rename sent got"]}}  # fmt: skip

        def write(text):
            conf.with_suffix(".new").write_text(text)
            conf.with_suffix(".new").rename(conf)

        write(json.dumps(doc))
        gateway = self.start("serve", "--config", conf, "--data-dir", self.root / "g", "--roles", "gateway", "--port", 0)
        reply = gateway.request("POST", "/quotes/a%2Fb/x/y?z=1", '{"px": 5, "n": 1}',
                                {"Content-Type": "application/json", "X-Debug": "1", "Accept-Encoding": "gzip"})  # fmt: skip
        equal(reply.status, 200, reply.body)
        equal(list(reply.json), ["path", "headers", "got", "debug"])
        equal((reply.json["path"], reply.json["got"], reply.json["debug"]), ("/v2/a%2Fb/all/x/y?z=1&limit=100", '{"order":{"price":5,"n":1}}', {"x": 2}))
        headers = reply.json["headers"]
        equal(headers["x-tenant"], "acme inc")
        check("x-debug" not in headers and "accept-encoding" not in headers, headers)
        check("x-old" not in reply.headers and reply.headers["x-new"] == "2", reply.headers)
        # an answer that is no JSON, or not good, goes through with its fields changed; a request that is not JSON is refused here
        reply = gateway.get("/quotes/1/x", X_Type="text/plain")
        equal((reply.status, "sent" in reply.json, reply.headers["x-new"]), (200, True, "2"))
        equal((r := gateway.get("/quotes/1/x", X_Status="404")).status, 404)
        check("sent" in r.json, r.body)
        n = len(stub.paths())
        bad = gateway.request("POST", "/quotes/1/x", "{", {"Content-Type": "application/json"})
        equal((bad.status, bad.json["error"]["stage"]), (400, "rules"))
        equal(len(stub.paths()), n)
        equal(gateway.get("/plain/x").json["path"], "/plain/x", "other routes are as they were")
        for rules, words in ((["/nosuch reply.set X-A b"], "no route /nosuch"), (["/plain/* reply.set Content-Length 1"], "gateway's own"),
                             (["/plain/* fry X"], "write PATTERN")):  # fmt: skip
            doc["gateway"]["rules"] = rules
            write(json.dumps(doc))
            done = self.cli("serve", "--config", conf, "--roles", "gateway", "--port", 0, status=None)
            check(done.returncode != 0 and words in done.stderr, done.stderr)
            gateway.process.send_signal(rig.signal.SIGHUP)
        doc["gateway"].update(rules=["/plain/* reply.body.wrap data"], routes=["/plain/*=s;role=none", "/last=s;role=none"])
        write(json.dumps(doc))
        gateway.process.send_signal(rig.signal.SIGHUP)
        rig.wait_for(lambda: gateway.get("/last").status == 200, 60, "the last file")
        equal(gateway.get("/plain/x").json["data"]["path"], "/plain/x")
        stub.close()

    # GWY-17: what rules change is kept changed; what is too long for them is refused and not cut
    def test_rules_and_what_is_kept(self):
        say = {"n": 10, "coding": None}

        def answer(h):
            more = {"Content_Encoding": say["coding"]} if say["coding"] else {}
            h.reply(200, {"secret": 1, "x": "y" * say["n"]}, Content_Type="application/json", Cache_Control="max-age=60", **more)

        stub = Stub(answer)
        conf = self.root / "gateway.yaml"
        conf.write_text(json.dumps({"gateway": {"fast": True, "services": [f"s=127.0.0.1:{stub.port}"], "routes": ["/s/*=s/;role=none"],
                                                "rules": ["/s/* reply.body.remove secret"]}}))  # fmt: skip
        gateway = self.start("serve", "--config", conf, "--data-dir", self.root / "g", "--roles", "gateway", "--port", 0)
        for want in ("MISS", "HIT"):
            reply = gateway.get("/s/a")
            equal((reply.json, reply.headers["x-cache"]), ({"x": "y" * 10}, want))
        say["n"] = 2 << 20
        reply = gateway.get("/s/big")
        equal((reply.status, reply.json["error"]["stage"]), (502, "rules"))
        say.update(n=10, coding="gzip")
        equal(gateway.get("/s/packed").status, 502)
        stub.close()

    # GWY-33: several services asked together: results, and a list of what failed; one deadline; limits, roles and caches as alone
    def test_several_readings_in_one_request(self):
        release = threading.Event()

        def answer(h):
            if h.path.startswith("/slow"):
                release.wait(60)
            if h.path.startswith("/text"):
                h.reply(200, b'a "text"', Content_Type="text/plain")
            elif h.path.startswith("/big"):
                h.reply(200, b"x" * (2 << 20))
            elif h.path.startswith("/bad"):
                h.reply(404, b"<html>", Content_Type="text/html")
            elif h.path.startswith("/kept"):
                h.reply(200, [1], Content_Type="application/json", Cache_Control="max-age=60")
            else:
                h.reply(200, {"path": h.path, "headers": {k.lower(): v for k, v in h.headers.items()}}, Content_Type="application/json")

        stub, dead = Stub(answer), Stub(answer)
        dead.close()
        gateway = self.gateway(f"stub=127.0.0.1:{stub.port}", f"dead=127.0.0.1:{dead.port}", f"market=127.0.0.1:{stub.port}",
                               routes=["/stub/*=stub/;role=none", "/dead=dead;role=none", "/own=stub;role=write"])  # fmt: skip
        asks = {"a": "/stub/a?x=1", "kept": "/stub/kept", "text": "/stub/text", "bad": "/stub/bad", "down": "/dead", "own": "/own", "none": "/nosuch",
                "wrong": "/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&limit=0", "health": "/health", "itself": "/api/v1/batch",
                "big": "/stub/big"}  # fmt: skip

        def batch(asks, headers=(), **more):
            body = json.dumps({"requests": [{"name": k, "path": v} for k, v in asks.items()], **more})
            return gateway.request("POST", "/api/v1/batch", body, {"Content-Type": "application/json", **dict(headers)})

        reply = batch(asks, {"X-Correlation-ID": "together-1", "X-Mine": "1", "If-None-Match": "*"}.items())
        equal(reply.status, 200, reply.body)
        got = reply.json
        equal(got["complete"], False)
        equal(sorted(got["results"]), ["a", "health", "kept", "text"])
        equal((got["results"]["kept"], got["results"]["text"], got["results"]["a"]["path"]), ([1], 'a "text"', "/a?x=1"))
        headers = got["results"]["a"]["headers"]
        equal((headers["x-correlation-id"], headers["x-mine"]), ("together-1", "1"))
        check("if-none-match" not in headers and "content-length" not in headers and 0 < int(headers["x-deadline-ms"]) <= 10000, headers)
        failed = {e["name"]: (e["status"], e["code"], e.get("stage")) for e in got["errors"]}
        equal(failed, {"bad": (404, "upstream_error", None), "down": (503, "unavailable", "upstream"), "own": (401, "unauthorized", "role"),
                       "none": (404, "not_found", "route"), "wrong": (422, "validation_error", "validation"), "itself": (405, "method_not_allowed", "route"),
                       "big": (502, "bad_gateway", "upstream")})  # fmt: skip
        n = len(stub.paths())
        equal(batch({"k": "/stub/kept"}).json["results"], {"k": [1]})
        equal(len(stub.paths()), n, "from what is kept")
        # one deadline for all: what is there is told
        began = time.monotonic()
        reply = batch({"slow": "/stub/slow", "a": "/stub/a"}, timeout_ms=300)
        check(time.monotonic() - began < 20, "it waited")
        equal((reply.status, list(reply.json["results"]), reply.json["errors"][0]["status"]), (200, ["a"], 504))
        release.set()
        # none at all: 502, in the same form
        reply = batch({"x": "/dead", "y": "/nosuch"})
        equal((reply.status, reply.json["results"], len(reply.json["errors"])), (502, {}, 2))
        for asks, field in (({}, "requests"), ({"a": "x"}, "requests[0].path"), ({"a": "/a b"}, "requests[0].path"),
                            ({str(i): "/" for i in range(33)}, "requests")):  # fmt: skip
            reply = batch(asks)
            equal((reply.status, reply.json["error"]["field"]), (422, field))
        twice = gateway.request("POST", "/api/v1/batch", json.dumps({"requests": [{"name": "a", "path": "/health"}] * 2}), {"Content-Type": "application/json"})
        equal(twice.json["error"]["field"], "requests[1].name")
        # a client that leaves ends what it began
        release.clear()
        import socket
        with socket.create_connection(("127.0.0.1", gateway.port)) as s:
            body = json.dumps({"requests": [{"name": "s", "path": "/stub/slow/left"}]}).encode()
            s.sendall(b"POST /api/v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            rig.wait_for(lambda: "/slow/left" in stub.paths(), 60, "the call")
        rig.wait_for(lambda: gateway.get("/health").json["services"]["stub"]["in_flight"] == 0, 60, "its end")
        release.set()
        stub.close()

    # GWY-33: of roles in this process too, each on its lane
    def test_several_readings_of_one_process(self):
        server = self.serve("--limit.anonymous", 8)
        body = json.dumps({"requests": [{"name": "s", "path": "/api/v1/market/series"}, {"name": "b", "path": "/api/v1/backtesting/strategies"},
                                        {"name": "n", "path": "/api/v1/market/nothing"}]})  # fmt: skip
        reply = server.request("POST", "/api/v1/batch", body, {"Content-Type": "application/json"})
        equal((reply.status, sorted(reply.json["results"]), [e["name"] for e in reply.json["errors"]]), (200, ["b", "s"], ["n"]))
        alone = server.get("/api/v1/market/series").json
        equal(reply.json["results"]["s"], alone)
        # each reading counts: 1 + 3 and 1 are done, of 8
        reply = server.request("POST", "/api/v1/batch", body, {"Content-Type": "application/json"})
        equal(sorted((e["name"], e["status"]) for e in reply.json["errors"]), [("n", 429)])

    # RES-12, GWY-21: five times the load a service can bear costs refusals at once, and nine of ten answers stay
    def test_overload_costs_refusals_and_not_answers(self):
        stub = rig.SlowService(places=4, seconds=0.02)
        gateway = self.stub_gateway(stub, "/stub/*=stub/;role=none;cache=off", flags=["--gateway.health-path", ""])

        def load(clients, seconds):
            """Each asks again at once; an answer counts when it came in half a second."""
            counts, stop, lock = {}, time.monotonic() + seconds, threading.Lock()

            def ask():
                connection = rig.http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
                while (began := time.monotonic()) < stop:
                    connection.request("GET", "/stub/x", headers={"X-Deadline-Ms": "500"})
                    reply = connection.getresponse()
                    text = reply.read()
                    body = json.loads(text) if reply.status != 200 else None
                    what = reply.status if reply.status == 200 else (reply.status, body["error"].get("stage"))
                    with lock:
                        counts[what] = counts.get(what, 0) + 1
                    if reply.status != 200:
                        if reply.status == 503 and int(reply.getheader("Retry-After") or 0) < 1:
                            counts["without Retry-After"] = 1
                        time.sleep(max(0, 0.05 - (time.monotonic() - began)))  # who is refused comes again, not at once
                connection.close()

            threads = [threading.Thread(target=ask) for _ in range(clients)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            return counts

        load(8, 1)
        alone = load(8, 3)
        equal(set(alone), {200}, "what it can bear")
        load(150, 3)  # the limit finds itself
        over = load(150, 4)
        check((503, "overload") in over and set(over) <= {200, (503, "overload"), (504, "upstream")}, over)
        check(over[200] / 4 >= 0.9 * alone[200] / 3, "goodput", alone, over)
        check(b"finsight_upstream_shed_total" in gateway.get("/metrics").body)
        stub.close()

    # Another instance is asked when the first is slow, for what may be repeated; the quicker answer is told
    def test_a_second_call_when_the_first_is_slow(self):
        hold = threading.Event()

        def slow(h):
            if h.path != "/health":
                hold.wait(60)
            h.reply(200, b"slow")

        stubs = [Stub(slow), Stub(lambda h: h.reply(200, b"quick"))]
        routes = ["/h/*=s/;role=none;hedge=50;timeout_ms=60000", "/n/*=s/;role=none;timeout_ms=60000"]
        gateway = self.gateway(*(f"s=127.0.0.1:{s.port}" for s in stubs), routes=routes, flags=["--gateway.health-path", ""])
        replies = [gateway.get("/h/x") for _ in range(6)]
        equal([(r.status, r.body) for r in replies], [(200, b"quick")] * 6)
        check(any(r.headers.get("x-fallback") == "other-instance" for r in replies), "by the second call")
        check(b'finsight_upstream_hedges_total{service="s"} ' in gateway.get("/metrics").body)
        before = [len(s.paths()) for s in stubs]
        out = []
        posts = [threading.Thread(target=lambda: out.append(gateway.request("POST", "/h/x", "1", timeout=60).body)) for _ in range(4)]
        for t in posts:
            t.start()
        rig.wait_for(lambda: sum(len(s.paths()) for s in stubs) - sum(before) == 4, 60, "four calls")
        time.sleep(0.3)
        equal(sum(len(s.paths()) for s in stubs) - sum(before), 4, "what may not be repeated is asked for once")
        hold.set()
        for t in posts:
            t.join()
        equal(sorted(out), [b"quick"] * 2 + [b"slow"] * 2)
        rig.wait_for(lambda: gateway.get("/health").json["services"]["s"]["in_flight"] == 0, 60, "the ends of all calls")
        for s in stubs:
            s.close()

    # GWY-10: two keys, two endpoints: each counts apart; GWY-09: the hundred-and-first of a key in a minute is refused
    def test_limits_of_routes_and_of_keys(self):
        stub = Stub(lambda h: h.reply(200, b"ok"))
        gateway = self.gateway(f"s=127.0.0.1:{stub.port}", routes=["/a/*=s/a;role=none;limit=3", "/b/*=s/b;role=none;limit=3", "/c/*=s/c;role=none"],
                               flags=["--limit.key", 100, "--server.trusted-hops", "127.0.0.1"])  # fmt: skip
        ann, bob = {"X-Forwarded-For": "10.0.0.1"}, {"X-Forwarded-For": "10.0.0.2"}

        def ask(path, who):
            reply = gateway.request("GET", path, headers=who)
            return reply.status, reply.json["error"]["stage"] if reply.status != 200 else None

        ok, refused = (200, None), (429, "limit")
        equal([ask("/a/x", ann) for _ in range(5)], [ok] * 3 + [refused] * 2)
        equal([ask("/a/y", bob) for _ in range(4)], [ok] * 3 + [refused], "another client counts apart")
        equal([ask("/b/x", ann) for _ in range(4)], [ok] * 3 + [refused], "another endpoint counts apart")
        equal(len(stub.paths()), 9, "GWY-11: a refusal costs no call")
        key = {"X-API-Key": (self.root / "gateway" / "admin.key").read_text().strip()}
        equal([ask("/a/x", key) for _ in range(4)], [ok] * 3 + [refused], "a key is a client of its own")
        equal([ask("/c/x", key) for _ in range(98)], [ok] * 96 + [refused] * 2, "100 a minute of a key (GWY-09), with the four before")
        equal(ask("/c/x", bob), ok)
        stub.close()

    # RES-05: of all who ask when the breaker half opens one call is made
    def test_a_half_open_breaker_lets_one_call_through(self):
        broken, gate = {"now": True}, threading.Event()

        def answer(h):
            if h.path == "/p" and not broken["now"]:
                gate.wait(60)
            h.reply(500 if broken["now"] else 200, b"x")

        stub = Stub(answer)
        gateway = self.gateway(f"stub=127.0.0.1:{stub.port}", routes=["/stub/*=stub/;role=none;cache=off"], flags=["--gateway.health-path", ""])
        broken["now"] = False
        for _ in range(10):  # who gives it a moment only shuts it for nobody
            equal(gateway.get("/stub/p", X_Deadline_Ms="5").status, 504)
        equal(gateway.get("/stub/x").status, 200)
        broken["now"] = True
        for _ in range(3):
            equal(gateway.get("/stub/x").status, 500)
        equal(gateway.get("/stub/x").status, 503)
        broken["now"] = False
        before = len(stub.paths())
        rig.wait_for(lambda: gateway.get("/health").json["services"]["stub"]["breaker"] != "CLOSED", 60)
        out = []

        def ask():
            while not gate.is_set():
                out.append(gateway.get("/stub/p").status)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for t in threads:
            t.start()
        rig.wait_for(lambda: len(stub.paths()) > before, 60, "the probe")
        rig.wait_for(lambda: len(out) > 100, 60, "refusals beside it")
        equal(len(stub.paths()) - before, 1, "one probe")
        gate.set()
        for t in threads:
            t.join()
        equal(set(out), {200, 503})
        equal([gateway.get("/stub/x").status for _ in range(5)], [200] * 5)
        stub.close()


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
