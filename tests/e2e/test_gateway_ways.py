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


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
