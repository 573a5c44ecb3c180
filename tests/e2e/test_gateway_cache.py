#!/usr/bin/env python3
"""Answers of services that the gateway keeps: what is told again, to whom, for how long, and what never is."""
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402
from test_gateway import SERIES, Cases as Gateway, Stub  # noqa: E402


def word(reply):
    return reply.headers.get("x-cache")


class Cases(Gateway):
    def counter(self, gateway, outcome):
        text = gateway.get("/metrics").body.decode()
        for line in text.splitlines():
            if line.startswith(f'finsight_gateway_cache_total{{outcome="{outcome}"}}'):
                return int(line.split()[-1])
        return None

    # GWY-16, GWY-39: the second reading is a HIT and costs no call; HEAD is answered from it; what says no-store, private
    # or nothing, sets a cookie or varies by everything is not kept
    def test_what_may_be_kept_is_told_again(self):
        say = {"cc": "max-age=60"}

        def answer(h):
            fields = {"Cache_Control": say["cc"]} if say["cc"] else {}
            h.reply(200, f"n{len(stub.seen)}".encode(), ETag='"1"', Content_Type="text/plain", **fields, **say.get("more", {}))

        stub = Stub(answer)
        gateway = self.stub_gateway(stub)
        first, second = gateway.get("/stub/a?x=1&y=2"), gateway.get("/stub/a?y=2&x=1")
        equal((word(first), word(second)), ("MISS", "HIT"))
        equal((second.body, second.headers["etag"], second.headers["content-type"]), (first.body, '"1"', "text/plain"))
        check(int(second.headers["age"]) >= 0 and second.headers["x-request-id"] != first.headers["x-request-id"])
        equal(len(stub.paths()), 1)
        head = gateway.request("HEAD", "/stub/a?x=1&y=2")
        equal((head.status, head.body, head.headers["content-length"], word(head)), (200, b"", str(len(first.body)), "HIT"))
        equal(word(gateway.get("/stub/a?x=1&y=2&y=1")), "MISS", "another question")
        n = len(stub.paths())
        for cc, more in ((None, {}), ("no-store, max-age=60", {}), ("private, max-age=60", {}), ("max-age=60", {"Set_Cookie": "a=1"}),
                         ("max-age=60", {"Vary": "*"})):  # fmt: skip
            say.update(cc=cc, more=more)
            path = f"/stub/{cc}-{len(more)}{list(more)}".replace(" ", "").replace("'", "").replace(",", "")
            replies = [gateway.get(path) for _ in range(3)]
            check(all(word(r) is None for r in replies), cc, more, [word(r) for r in replies])
            equal(len(stub.paths()), n + 3, (cc, more))
            n += 3
        say.update(cc="max-age=60", more={})
        gateway.get("/stub/q")
        equal(word(gateway.get("/stub/q", Cache_Control="no-store")), None, "who wants nothing kept is not told what is")
        equal(word(gateway.get("/stub/q", Range="bytes=0-1")), None)
        # CAC-01 counted: python_services_cache_* are the documents' names
        text = gateway.get("/metrics").body.decode()
        check('finsight_gateway_cache_total{outcome="hit"} ' in text and "python_services_cache_hits_total" in text)
        stub.close()

    # CAC-14: a service's own names; by one of them its answers go, those on their way too; who says too many has nothing kept
    def test_answers_of_services_go_by_their_surrogate_keys(self):
        names = {"/a": "user:1 list", "/b": "user:2 list", "/c": " ".join(f"k{i}" for i in range(15)), "/d": "k* list"}

        def answer(h):
            h.reply(200, f"n{len(stub.seen)}".encode(), Cache_Control="max-age=60", Surrogate_Key=names[h.path[-2:]])

        stub = Stub(answer)
        self.extra = {"FINSIGHT_AUTH_ADMIN_KEY": "an-admin-key-of-both"}
        market = self.start("serve", "--data-dir", self.data, "--roles", "market", "--port", 0)
        gateway = self.gateway(f"stub=127.0.0.1:{stub.port}", f"market=127.0.0.1:{market.port}", routes=["/stub/*=stub/;role=none"])
        words = lambda: [word(gateway.get("/stub" + p)) for p in names]
        words()
        equal(words(), ["HIT", "HIT", "MISS", "HIT"])
        purge = lambda *keys: equal(gateway.request("POST", "/api/v1/admin/cache/purge", json.dumps({"keys": keys}),
                                                    {"X-API-Key": "an-admin-key-of-both", "Content-Type": "application/json"}).status, 200)
        purge("user:1", "nobody")
        equal(words(), ["MISS", "HIT", "MISS", "HIT"])
        purge("list")
        equal(words(), ["MISS", "MISS", "MISS", "MISS"])
        equal(gateway.get("/stub/a").headers["surrogate-key"], "user:1 list", "the edge in front reads it too")
        stub.close()

    # GWY-16: Vary, and validators: 304 to who has it, revalidation of what is over
    def test_forms_and_validators(self):
        def answer(h):
            asked.append(h.headers.get("If-None-Match"))
            lang = h.headers.get("Accept-Language", "-")
            if h.headers.get("If-None-Match") == f'"{lang}"':
                h.send_response(304)
                h.send_header("ETag", f'"{lang}"')
                h.send_header("Cache-Control", say["cc"])
                h.end_headers()
                return
            h.reply(200, lang.encode() * 100, ETag=f'"{lang}"', Vary="Accept-Language", Cache_Control=say["cc"])

        asked, say = [], {"cc": "max-age=60"}
        stub = Stub(answer)
        gateway = self.stub_gateway(stub, flags=["--gateway.health-path", ""])
        for lang in ("de", "fr", "de", "fr"):
            equal(gateway.get("/stub/x", Accept_Language=lang).body, lang.encode() * 100, lang)
        equal(len(stub.paths()), 2)
        equal(word(gateway.get("/stub/x", Accept_Language="de")), "HIT")
        for tag, status in (('"de"', 304), ('W/"de"', 304), ('"x", "de"', 304), ("*", 304), ('"x"', 200)):
            reply = gateway.get("/stub/x", Accept_Language="de", If_None_Match=tag)
            equal((reply.status, word(reply), reply.headers["etag"]), (status, "HIT", '"de"'), tag)
            equal(len(reply.body), 0 if status == 304 else 200)
        equal(len(stub.paths()), 2)
        # no-cache: kept, and asked about each time
        say["cc"] = "no-cache"
        del asked[:]
        replies = [gateway.get("/stub/y", Accept_Language="it") for _ in range(3)]
        equal([word(r) for r in replies], ["MISS", "REVALIDATED", "REVALIDATED"])
        equal([r.body for r in replies], [b"it" * 100] * 3)
        equal(asked, [None, '"it"', '"it"'])
        # the asker may want it asked anew
        say["cc"] = "max-age=60"
        gateway.get("/stub/z", Accept_Language="es")
        equal(word(gateway.get("/stub/z", Accept_Language="es", Cache_Control="no-cache")), "REVALIDATED")
        equal(gateway.get("/stub/never", Cache_Control="only-if-cached").status, 504)
        stub.close()

    # GWY-16, RES-12: stale while it is fetched anew, stale when the service fails; the rung is named (U34)
    def test_stale_is_told_while_it_is_fetched_and_when_it_cannot_be(self):
        say = {"cc": "max-age=1, stale-while-revalidate=60", "status": 200, "n": 0}

        def answer(h):
            say["n"] += 1
            h.reply(say["status"], str(say["n"]).encode(), Cache_Control=say["cc"])

        stub = Stub(answer)
        gateway = self.stub_gateway(stub, flags=["--gateway.health-path", ""])
        equal(gateway.get("/stub/a").body, b"1")
        rig.wait_for(lambda: word(gateway.get("/stub/a")) == "STALE", 60, "the life of the answer to be over")
        rig.wait_for(lambda: (r := gateway.get("/stub/a")).body == b"2" and word(r) == "HIT", 60, "the fresh one")
        say.update(cc="max-age=1, stale-if-error=60", n=0)
        equal(gateway.get("/stub/b").body, b"1")
        say["status"] = 500
        rig.wait_for(lambda: word(gateway.get("/stub/b")) == "STALE", 60, "the rung below")
        reply = gateway.get("/stub/b")
        equal((reply.status, reply.body, reply.headers["x-fallback"]), (200, b"1", "stale-cache"))
        check(reply.headers["warning"].startswith("110") and int(reply.headers["age"]) >= 1, reply.headers)
        stub.close()
        reply = gateway.get("/stub/b")
        equal((reply.status, reply.body, word(reply)), (200, b"1", "STALE"), "the service is dead")
        equal(gateway.get("/stub/c").status, 503, "what was never kept")

    # CAC-15, CAC-13: many who want the same cost one call; what a change made void is not told after it
    def test_one_call_for_all_and_none_older_than_a_change(self):
        gate, say = threading.Event(), {"v": 1}

        def answer(h):
            if h.command == "POST":
                say["v"] += 1
                h.reply(200, b"ok")
                return
            if h.path.startswith("/slow"):
                gate.wait(60)
            h.reply(200, str(say["v"]).encode(), Cache_Control="max-age=60" if "private" not in h.path else "private")

        stub = Stub(answer)
        gateway = self.stub_gateway(stub)

        def crowd(path, n):
            out = []
            gate.clear()
            threads = [threading.Thread(target=lambda: out.append(gateway.get(path))) for _ in range(n)]
            for t in threads:
                t.start()
            rig.wait_for(lambda: any(path[5:] in p for p in stub.paths()), 60, "the call")
            time.sleep(0.3)  # the others come meanwhile; if they come later they get a HIT, and the count is the same
            gate.set()
            for t in threads:
                t.join()
            return out

        out = crowd("/stub/slow/1", 50)
        equal({(r.status, r.body) for r in out}, {(200, b"1")})
        equal(len([p for p in stub.paths() if p == "/slow/1"]), 1, "one call")
        check({word(r) for r in out} <= {"MISS", "HIT"})
        out = crowd("/stub/slow/private", 10)
        equal({(r.status, r.body, word(r)) for r in out}, {(200, b"1", None)}, "what is not kept is asked for by each")
        equal(len([p for p in stub.paths() if p == "/slow/private"]), 10)
        # RFC 9111 section 4.4: a change through the gateway
        equal(gateway.get("/stub/t").body, b"1")
        equal(word(gateway.get("/stub/t")), "HIT")
        equal(gateway.request("POST", "/stub/t", "x").status, 200)
        equal((r := gateway.get("/stub/t")).body, b"2")
        equal(word(r), "MISS")
        stub.close()

    # GWY-16, SEC-06: what came for one key is told to no other; public is for all
    def test_answers_are_not_shared_between_keys(self):
        def answer(h):
            public = "public, " if "public" in h.path else ""
            h.reply(200, (h.headers.get("X-API-Key") or "nobody").encode(), Cache_Control=public + "max-age=60")

        stub = Stub(answer)
        gateway = self.stub_gateway(stub)
        key = (self.root / "gateway" / "admin.key").read_text().strip()
        equal(gateway.get("/stub/a", X_API_Key=key).body, key.encode())
        equal(gateway.get("/stub/a").body, b"nobody", "nobody is not told what a key was")
        equal(gateway.get("/stub/public", X_API_Key=key).body, key.encode())
        equal((r := gateway.get("/stub/public")).body, key.encode())
        equal(word(r), "HIT")
        equal(gateway.get("/stub/c", Cookie="a=1").body, b"nobody")
        equal(word(gateway.get("/stub/c", Cookie="a=1")), None, "with a cookie only what is public")
        stub.close()

    # What is too long to be kept goes through as it comes, also when its length was not told
    def test_long_answers_pass_through(self):
        big = random.Random(1).randbytes(3 << 20)

        def answer(h):
            if "chunked" in h.path:
                h.send_response(200)
                h.send_header("Cache-Control", "max-age=60")
                h.send_header("Transfer-Encoding", "chunked")
                h.end_headers()
                for at in range(0, len(big), 50000):
                    piece = big[at:at + 50000]
                    h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                h.wfile.write(b"0\r\n\r\n")
            else:
                h.reply(200, big, Cache_Control="max-age=60")

        stub = Stub(answer)
        gateway = self.stub_gateway(stub)
        for path in ("/stub/chunked", "/stub/told"):
            for _ in range(2):
                reply = gateway.get(path)
                check(reply.body == big, path, len(reply.body))
                equal(word(reply), None)
        stub.close()

    # GWY-40, CAC-11: nineteen of twenty readings cost no call, measured at the gateway
    def test_most_readings_are_answered_from_what_is_kept(self):
        stub = Stub(lambda h: h.reply(200, b"x" * 500, Cache_Control="max-age=600"))
        gateway = self.stub_gateway(stub)
        rng = random.Random(7)
        keys = list(range(1, 101))
        weights = [1 / k for k in keys]
        connection = rig.http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        for k in rng.choices(keys, weights, k=3000):
            connection.request("GET", f"/stub/{k}")
            reply = connection.getresponse()
            equal((reply.status, len(reply.read())), (200, 500))
        connection.close()
        hits, misses = self.counter(gateway, "hit"), self.counter(gateway, "miss")
        equal(hits + misses, 3000)
        check(hits >= 0.95 * 3000 and len(stub.paths()) == misses, hits, misses, len(stub.paths()))
        stub.close()

    # A role is asked each time whether its answer is still so, which costs it no writing; its operator may allow an age
    def test_answers_of_roles_are_asked_about(self):
        self.exchange_ = self.exchange("--seed", 7)
        venue = ["--binance-url", self.exchange_.url, "--binance-simulated", "--binance-private"]
        market = self.start("serve", "--data-dir", self.data, "--roles", "market", "--port", 0, *venue)
        body = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-01-01", "end": "2023-02-01"})
        key = {"X-API-Key": self.key(), "Content-Type": "application/json"}
        equal(market.request("POST", "/api/v1/market/ensure", body, key).status, 200)
        direct = market.get(f"/api/v1/market/candles?{SERIES}&limit=500")
        equal((direct.headers["cache-control"], direct.headers["etag"][:3]), ("no-cache", 'W/"'))
        equal(market.get(f"/api/v1/market/candles?{SERIES}&limit=500", If_None_Match=direct.headers["etag"]).status, 304)
        equal(market.get("/api/v1/admin/health", X_API_Key=self.key()).headers["cache-control"], "no-store")
        gateway = self.gateway(f"market=127.0.0.1:{market.port}")
        path = f"/api/v1/market/candles?{SERIES}&limit=500"
        equal([word(gateway.get(path)) for _ in range(3)], ["MISS", "REVALIDATED", "REVALIDATED"])
        equal(gateway.get(path).body, direct.body)
        (self.root / "aged").mkdir()
        rig.shutil.copy(self.data / "admin.key", self.root / "aged")
        aged = self.start("serve", "--data-dir", self.root / "aged", "--roles", "gateway", "--port", 0, "--gateway.fast",
                          "--gateway.role-age", "1m", "--services", f"market=127.0.0.1:{market.port}")  # fmt: skip
        equal([word(aged.get(path)) for _ in range(3)], ["MISS", "HIT", "HIT"])
        # what is written through the gateway is read through it
        body = json.dumps({"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-02-01", "end": "2023-02-03"})
        equal(aged.request("POST", "/api/v1/market/ensure", body, key).status, 200)
        equal(word(aged.get(path)), "MISS")


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
