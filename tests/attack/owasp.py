"""tests/attack/owasp.py - ten real requests for each of OWASP's API security risks of 2023, each with the refusal it must get.

A row is (what, method, path, who asks, headers, body, statuses). Who: a key's name of Keys, or None. The server is on an address
that is not loopback's as far as it knows, so that reading needs a key.
"""
import http.client
import json
import socket

from gateway_torture import Lying
from platform_rig import check, equal, wait_for
from test_gateway import Stub

KEYS = "/api/v1/admin/keys"
JOBS = "/api/v1/jobs"
RUNS = "/api/v1/backtesting/results"
CANDLES = "/api/v1/market/candles"
SERIES = "symbol=BTCUSDT&timeframe=1h"
NO = (401, 403)
GONE = (400, 403, 404)


def submit(url):
    return json.dumps({"job": "check", "callback": url})


def rows(k):
    """The requests. k: ids and secrets that the server gave (see Keys)."""
    other, gone = k["other id"], k["revoked"]
    half = k["read"][:13] + k["write"][13:]  # one key's id, the other's secret
    batch = lambda path: json.dumps({"requests": [{"name": "a", "path": path}]})  # noqa: E731
    deep = '{"symbol":' + "[" * 100000 + "]" * 100000 + "}"
    return {
        "API1 objects of others": [
            ("a key of another", "GET", f"{KEYS}/{other}", "write", {}, None, (403,)),
            ("revoking another's", "DELETE", f"{KEYS}/{other}", "write", {}, None, (403,)),
            ("rotating another's", "POST", f"{KEYS}/{other}/rotate", "write", {}, "{}", (403,)),
            ("a key lists its like", "GET", KEYS, "read", {}, None, (403,)),
            ("a job outside the scope", "GET", f"{JOBS}/check", "scoped", {}, None, (403,)),
            ("a result outside the scope", "GET", f"{RUNS}/x", "scoped", {}, None, (403,)),
            ("deleting a reader's result", "DELETE", f"{RUNS}/x", "read", {}, None, (403,)),
            ("an id that climbs", "GET", f"{RUNS}/..%2f..%2fmarket.db", "read", {}, None, GONE),
            ("an id of SQL", "GET", f"{RUNS}/x'%20OR%20'1'='1", "read", {}, None, GONE + (422,)),
            ("a callback of another", "GET", "/api/v1/webhooks/1", "write", {}, None, (403,)),
        ],
        "API2 authentication": [
            ("no key", "GET", JOBS, None, {}, None, (401,)),
            ("an unknown key", "GET", JOBS, None, {"X-API-Key": "fsk_00000000_" + "0" * 32}, None, (403,)),
            ("a revoked key", "GET", JOBS, None, {"X-API-Key": gone}, None, (403,)),
            ("two keys' halves", "GET", JOBS, None, {"X-API-Key": half}, None, (403,)),
            ("a key cut short", "GET", JOBS, None, {"X-API-Key": k["read"][:-1]}, None, (403,)),
            ("a key in the query", "GET", f"{JOBS}?api_key={k['read']}", None, {}, None, (401, 422)),
            ("Basic", "GET", JOBS, None, {"Authorization": "Basic YWRtaW46YWRtaW4="}, None, NO),
            ("a token of alg none", "GET", JOBS, None, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ."}, None, (403,)),
            ("vouched for by itself", "GET", KEYS, None, {"x-finsight-internal": "x", "x-finsight-principal": "3 root"}, None, NO),
            ("a principal alone", "GET", KEYS, None, {"x-finsight-principal": "3 root"}, None, NO),
        ],
        "API3 properties of objects": [
            ("a key with an id", "POST", KEYS, "admin", {}, '{"name":"x","id":"00000000"}', (400, 422)),
            ("a key with a secret", "POST", KEYS, "admin", {}, '{"name":"x","secret":"mine"}', (400, 422)),
            ("a key's use", "POST", KEYS, "admin", {}, '{"name":"x","last_used":"2001-01-01T00:00:00Z"}', (400, 422)),
            ("a role that is none", "POST", KEYS, "admin", {}, '{"name":"x","role":"root"}', (422,)),
            ("a role twice", "POST", KEYS, "admin", {}, '{"name":"x","role":"read","role":"admin"}', (400, 422)),
            ("a limit below none", "POST", KEYS, "admin", {}, '{"name":"x","limit":-1}', (422,)),
            ("__proto__", "POST", KEYS, "admin", {}, '{"name":"x","__proto__":{"role":"admin"}}', (400, 422)),
            ("a submission with an owner", "POST", f"{JOBS}/submit", "admin", {}, '{"job":"check","owner":"x"}', (422,)),
            ("a query with a role", "POST", "/api/v1/storage/sql", "read", {}, '{"query":"SELECT 1","role":"admin"}', (400, 403, 422)),
            ("a batch with a key", "POST", "/api/v1/batch", "read", {}, '{"requests":[],"key":"x"}', (422,)),
        ],
        "API4 consumption": [
            ("a page of millions", "GET", f"{CANDLES}?{SERIES}&limit=100000000", "read", {}, None, (422,)),
            ("a page of 10^30", "GET", f"{CANDLES}?{SERIES}&limit=1" + "0" * 30, "read", {}, None, (422,)),
            ("3 MB of body", "POST", CANDLES, "write", {}, "[" + "1," * 14000000 + "1]", (413,)),
            ("100,000 levels", "POST", CANDLES, "write", {}, deep, (400, 413, 422)),
            ("a batch of 1,000", "POST", "/api/v1/batch", "read", {}, json.dumps({"requests": [{"name": str(i), "path": "/health"} for i in range(1000)]}), (422,)),
            ("1,000 texts", "POST", "/api/v1/sentiment/batch", "read", {}, json.dumps({"texts": [{"text": "x"}] * 1000}), (422,)),
            ("a bomb of gzip", "POST", CANDLES, "write", {"Content-Encoding": "gzip"}, "\x1f\x8b" + "\0" * 1000, (400, 415)),
            ("200 headers", "GET", JOBS, "read", {f"X-{i}": "a" for i in range(200)}, None, (431,)),
            ("40 kB of target", "GET", "/" + "a" * 40000, "read", {}, None, (414,)),
            ("more than its minute", "GET", JOBS, "spent", {}, None, (429,)),
        ],
        "API5 functions": [
            ("a reader makes a key", "POST", KEYS, "read", {}, '{"name":"x"}', (403,)),
            ("a writer makes a key", "POST", KEYS, "write", {}, '{"name":"x","role":"admin"}', (403,)),
            ("a writer reads the configuration", "GET", "/api/v1/admin/config", "write", {}, None, (403,)),
            ("a reader saves", "POST", CANDLES, "read", {}, "{}", (403,)),
            ("a writer deletes candles", "DELETE", f"{CANDLES}?{SERIES}", "write", {}, None, (403,)),
            ("a method overridden", "GET", f"{KEYS}/{other}", "read", {"X-HTTP-Method-Override": "DELETE"}, None, (403,)),
            ("a path overridden", "GET", KEYS, "read", {"X-Original-URL": "/health", "X-Rewrite-URL": "/health"}, None, (403,)),
            ("in other letters", "GET", "/API/V1/ADMIN/KEYS", "read", {}, None, GONE),
            ("through dots", "GET", "/health/../api/v1/admin/keys", "read", {}, None, GONE),
            ("by HEAD", "HEAD", KEYS, "read", {}, None, (403,)),
        ],
        "API6 business flows": [
            ("a submission by a reader", "POST", f"{JOBS}/submit", "read", {}, '{"job":"check"}', (403,)),
            ("a submission by a writer", "POST", f"{JOBS}/submit", "write", {}, '{"job":"check"}', (403,)),
            ("collecting by a reader", "POST", "/api/v1/market/ensure", "read", {}, "{}", (403,)),
            ("collecting by the documents' path", "POST", "/admin/data/ensure", "read", {}, "{}", (403,)),
            ("news by a reader", "POST", "/api/v1/news/collect", "read", {}, "{}", (403,)),
            ("the web's search by a reader", "POST", "/api/v1/news/search/web", "read", {}, "{}", (403,)),
            ("backtests by a reader", "POST", "/api/v1/backtesting/run", "read", {}, "{}", (403,)),
            ("sweeps by a reader", "POST", "/api/v1/backtesting/sweep", "read", {}, "{}", (403,)),
            ("events by a writer", "POST", "/api/v1/events", "write", {}, "{}", (403,)),
            ("the same by a spent key", "POST", "/api/v1/backtesting/run", "spent", {}, "{}", (429,)),
        ],
        "API7 requests of ours": [(url, "POST", f"{JOBS}/submit", "admin", {}, submit(url), (422, 403)) for url in (
            "http://127.0.0.1/x", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://10.0.0.1/", "http://localhost./", "http://192.168.0.1:22/",
            "http://[::ffff:127.0.0.1]/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "http://0.0.0.0/")],
        "API8 configuration": [
            ("TRACE", "TRACE", "/health", "admin", {}, None, (405, 501)),
            ("CONNECT", "CONNECT", "/health", "admin", {}, None, (400, 403, 404, 405, 501)),
            ("a page of another origin", "OPTIONS", KEYS, None, {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}, None, (403,)),
            ("the traces", "GET", "/api/v1/admin/traces", None, {}, None, (401,)),
            ("the configuration", "GET", "/api/v1/admin/config", None, {}, None, (401,)),
            (".env", "GET", "/.env", "admin", {}, None, GONE),
            (".git", "GET", "/.git/config", "admin", {}, None, GONE),
            ("its key's file", "GET", "/admin.key", "admin", {}, None, GONE),
            ("XML with an entity", "POST", CANDLES, "write", {"Content-Type": "application/xml"}, "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>", (400, 403, 415)),
            ("a host that is none", "GET", "/health", None, {"Host": "a b"}, None, (400,)),
        ],
        "API9 inventory": [(path, "GET", path, "admin", {}, None, GONE) for path in (
            "/api/v0/admin/keys", "/api/v2/admin/keys", "/api/beta/market/candles", "/api/internal/keys", "/debug/pprof/", "/actuator/env", "/swagger-ui.html",
            "/server-status", "/sim/stats", "/graphql")],
        # API10 has no row: what is asked there is a service that lies (consumed)
        "API-batch": [("administration within a batch", "POST", "/api/v1/batch", "read", {}, batch(KEYS), (502,))],
    }  # fmt: skip


class Keys(dict):
    def __init__(self, suite, server):
        super().__init__(admin=suite.key())

        def make(name, **fields):
            reply = server.request("POST", KEYS, json.dumps({"name": name, **fields}), {"X-API-Key": self["admin"]})
            equal(reply.status, 200, reply.body)
            self[name] = reply.json["secret"]
            return reply.json["key"]["id"]

        make("read", role="read")
        make("write", role="write")
        make("scoped", role="write", scopes=["market.exchanges"])
        self["other id"] = make("other", role="read")
        equal(server.request("PUT", f"{JOBS}/check", json.dumps({"kind": "operation", "params": {"operation": "market.verify"}}),
                             {"X-API-Key": self["admin"]}).status // 100, 2)
        make("spent", role="write", limit=1)
        server.request("GET", JOBS, headers={"X-API-Key": self["spent"]})
        server.request("DELETE", f"{KEYS}/{make('revoked', role='admin')}", headers={"X-API-Key": self["admin"]})


def ask(server, method, path, headers, body):
    """(status, body) as it came: http.client would refuse to send some of these."""
    data = body.encode("latin-1") if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1"] + ([] if "Host" in headers else ["Host: x"]) + ["Connection: close"]
    lines += [f"{k}: {v}" for k, v in headers.items()] + ([f"Content-Length: {len(data)}"] if data else [])
    out = b""
    with socket.create_connection(("127.0.0.1", server.port), 60) as s:
        try:
            s.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)
        except OSError:
            pass  # refused before it was all sent
        try:
            while piece := s.recv(65536):
                out += piece
        except ConnectionResetError:
            pass
    check(out.startswith(b"HTTP/1.1 "), "no answer", out[:100])
    return int(out.split()[1]), out.partition(b"\r\n\r\n")[2]


def numbers(server, key):
    """Addresses in the disguise of names are taken, looked up, and refused then: nobody is called."""
    listener = socket.create_server(("127.0.0.1", 0))
    hosts = ("2130706433", "0x7f.1", "127.1", "0177.0.0.1")
    for host in hosts:
        body = submit(f"http://{host}:{listener.getsockname()[1]}/")
        fields = {"X-API-Key": key, "Content-Type": "application/json"}  # 409 while the run before is under way
        wait_for(lambda: ask(server, "POST", f"{JOBS}/submit", fields, body)[0] in (202, 422), 60, f"an answer to {host}")  # noqa: B023
    calls = lambda: server.request("GET", "/api/v1/webhooks", headers={"X-API-Key": key}).json["callbacks"]  # noqa: E731
    wait_for(lambda: all(c["state"] == "dead" and "not public" in c["last_error"] for c in calls()), 60, "their refusal")
    listener.settimeout(0.2)
    try:
        listener.accept()
        raise AssertionError("an address in disguise was called")
    except TimeoutError:
        pass
    listener.close()


def refused(suite):
    """The table; says how many of each risk."""
    server = suite.serve("--host", "0.0.0.0", "--limit.flood", 0, "--limit.anonymous", 0, "--limit.key", 0)
    keys = Keys(suite, server)
    faults, count = [], 0
    for risk, cases in rows(keys).items():
        check(len(cases) == 10 or risk == "API-batch", risk, len(cases))
        for what, method, path, who, headers, body, want in cases:
            if who:
                headers = {**headers, "X-API-Key": keys[who]}
            if body is not None and "Content-Type" not in headers:
                headers = {**headers, "Content-Type": "application/json"}
            status, said = ask(server, method, path, headers, body)
            count += 1
            if status not in want:
                faults.append(f"{risk}: {what}: {status}, not {want}: {said[:200]}")
            for name, secret in keys.items():
                if len(secret) > 20 and secret.encode() in said:
                    faults.append(f"{risk}: {what}: the key '{name}' is in the answer")
            if risk == "API-batch" and b'"results":{}' not in said:
                faults.append(f"{risk}: {what}: {said[:200]}")
            elif method != "HEAD" and status >= 400 and b'"error' not in said:
                faults.append(f"{risk}: {what}: not the uniform refusal: {said[:100]}")
    numbers(server, keys["admin"])
    equal(server.get("/health").status, 200)
    check(not faults, f"{len(faults)} of {count}:", *faults[:12])
    return f"API1 to API9: {count} requests, every one refused as it must be"


def consumed(suite):
    """API10, unsafe consumption: ten services that lie; nobody is told what they made up."""
    ways = ["silent", "reset", "reset in the body", "half closed", "too short", "too long", "two lengths", "bad chunks", "no HTTP", "a long head"]
    bad = {w: Lying(w) for w in ways}
    good = Stub(lambda h: h.reply(200, {"ok": True}))
    services = ",".join([f"bad{i}=127.0.0.1:{bad[w].port}" for i, w in enumerate(ways)] + [f"good=127.0.0.1:{good.port}"])
    routes = ",".join([f"/bad{i}/*=bad{i};role=none;timeout_ms=1500" for i in range(len(ways))] + ["/good/*=good;role=none"])
    server = suite.start("serve", "--roles", "gateway", "--data-dir", suite.root / "consumed", "--port", 0, "--services", services, "--routes", routes)
    for i, way in enumerate(ways):
        try:
            reply = server.request("GET", f"/bad{i}/x")
            said = reply.status
            check(b"forged" not in reply.body, f"{way}: bytes behind a reply reached a client")
        except (http.client.HTTPException, OSError) as e:
            said = type(e).__name__  # a reply that had begun is cut
        fine = (200,) if way == "too long" else (502, 503, 504, "IncompleteRead", "RemoteDisconnected", "ConnectionResetError")
        check(said in fine, f"{way}: {said}")
        equal(server.get("/good/x").status, 200, f"another service, after {way}")
    for s in [*bad.values(), good]:
        s.close()
    return f"API10: {len(ways)} services that lie, none believed"
