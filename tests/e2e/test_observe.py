#!/usr/bin/env python3
"""What the platform tells of itself, seen from outside: traces, their collector, the page, metrics.

usage: test_observe.py FINSIGHT [CASE...]"""
import contextlib
import html.parser
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.parse

import otlp_receiver
import platform_rig as rig

CANDLES = "/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&exchange=binance&limit=5"
ENSURE = {"symbol": "BTCUSDT", "timeframe": "1h", "exchange": "binance", "start_date": "2024-01-01", "end_date": "2024-01-03"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"

# What a reading passes on its way, and a backtest whose candles lie in a third process (FLW-09).
READING = """\
request [gateway]
  address
  refusal
  route
  refusal
  authentication
  role
  limit
  validation
  rules
  cache
  fetch
  fetch
    breaker
    balance
    upstream
      request [market]
        address
        refusal
        route
        refusal
        authentication
        role
        limit
        validation
        rules
        queue
        validation
        cache
        operation
          store.info
          store.list
          store.read
        encode
        cache.store"""
BACKTEST = """\
request [gateway]
  address
  refusal
  route
  refusal
  authentication
  role
  limit
  validation
  rules
  breaker
  balance
  upstream
    request [backtest]
      address
      refusal
      route
      refusal
      authentication
      role
      limit
      validation
      rules
      queue
      validation
      cache
      operation
        request [market]
          address
          refusal
          route
          refusal
          authentication
          role
          limit
          validation
          rules
          queue
          validation
          cache
      encode
      cache.store"""


class Page(html.parser.HTMLParser):
    """What a page loads, and what it has inline."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.inline, self.ids, self.labelled = [], [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids.add(a.get("id"))
        if tag in ("script", "link"):
            self.loads.append(a.get("src") or a.get("href"))
        if tag == "style" or (tag == "script" and "src" not in a) or "style" in a or any(k.startswith("on") for k in a):
            self.inline.append(tag)


class Cases(rig.Suite):
    def admin(self, server, path, method="GET"):
        r = server.request(method, path, headers={"X-API-Key": self.key()})
        rig.equal(r.status, 200, f"{path}: {r.body[:300]}")
        return r.json

    def filled(self, *args, **kw):
        exchange = self.exchange()
        server = self.serve(*args, exchange=exchange)
        r = server.request("POST", "/api/v1/market/ensure", json.dumps(ENSURE), {"X-API-Key": self.key(), "Content-Type": "application/json"})
        rig.equal(r.status, 200, r.body)
        return server

    def trace(self, server, trace_id):
        return rig.wait_for(lambda: self.found(server, trace_id), 60, "the trace")

    def found(self, server, trace_id):
        r = server.request("GET", f"/api/v1/admin/traces/{trace_id}", headers={"X-API-Key": self.key()})
        return r.json if r.status == 200 else None

    # FLW-16, TOP-14, OBS-19: the way of a request is told in its order, and a hit ends at the cache
    def test_a_request_tells_what_it_passed(self):
        server = self.filled()
        for flags, want in (("01", "MISS"), ("01", "HIT")):
            trace = "%032x" % (0xABC0 + len(want))
            r = server.request("GET", CANDLES, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-{flags}"})
            rig.equal((r.status, r.headers.get("x-cache")), (200, want))
            t = self.trace(server, trace)
            names = [s["name"] for s in t["spans"]]
            stages = ["request", "address", "route", "authentication", "role", "limit", "validation", "queue", "cache"]
            rig.equal([n for i, n in enumerate(names) if n in stages and n not in names[:i]], stages)
            rig.equal([s.get("note") for s in t["spans"] if s["name"] == "cache"], [want])
            rig.equal("store.read" in names and "operation" in names, want == "MISS", names)
            rig.equal("cache.store" in names, want == "MISS", names)
            ids = {s["span_id"] for s in t["spans"]}
            rig.check(all(s["parent_id"] in ids for s in t["spans"][1:]), "a span without its parent")
            rig.equal(t["spans"][0]["parent_id"], "b7ad6b7169203331", "the caller's span")
            whole = t["spans"][0]
            rig.check(all(0 <= s["start_ms"] and s["start_ms"] + s["duration_ms"] <= whole["duration_ms"] + 0.01 for s in t["spans"]), t)

    # U15: the caller's word whether a trace is kept holds; what is no traceparent begins a new one
    def test_the_caller_decides_and_a_bad_header_is_as_none(self):
        server = self.serve()
        server.get(CANDLES, traceparent=PARENT + "00")
        server.get(CANDLES, traceparent=PARENT.upper() + "01")
        server.get("/nix")
        server.get("/health")
        rows = rig.wait_for(lambda: (lambda l: l["count"] == 2 and l["traces"])(self.admin_only(server)), 60, "two traces")
        rig.equal({r["operation"] for r in rows}, {"market.candles", "none"})
        rig.check(all(r["trace_id"] != "0af7651916cd43dd8448eb211c80319c" for r in rows), rows)
        rig.equal(self.found(server, "0af7651916cd43dd8448eb211c80319c"), None)

    def admin_only(self, server):
        everything = self.admin(server, "/api/v1/admin/traces?limit=1000")
        everything["traces"] = [t for t in everything["traces"] if not t["operation"].startswith("monitor.")]
        everything["count"] = len(everything["traces"])
        return everything

    def test_sampling_is_an_option(self):
        server = self.start(
            "serve", "--data-dir", self.data, "--port", 0, "--config", self.config("trace: {sample: 0}"))
        for _ in range(5):
            server.get(CANDLES)
        server.get(CANDLES, traceparent=PARENT + "01")
        self.trace(server, "0af7651916cd43dd8448eb211c80319c")
        rig.equal(self.admin_only(server)["count"], 1)

    def config(self, text):
        path = self.root / f"config-{len(self.servers)}.yaml"
        path.write_text(text)
        return path

    # OBS-19: gateway and role are one trace, in a collector that takes the protocol at its word; every span has its parent
    def test_processes_are_one_trace_in_a_collector(self):
        receiver = otlp_receiver.Receiver(faults=[(503, {"Retry-After": "0"})])
        try:
            exchange = self.exchange()
            otlp = ["--trace-otlp", receiver.url]
            market = self.serve("--roles", "market", *otlp, exchange=exchange)
            key = self.key()
            config = self.config("auth: {admin_key: '%s'}\ntrace: {flush: 100ms}" % key)
            gateway = self.start("serve", "--roles", "gateway", "--port", 0, "--data-dir", self.root / "gw", "--config", config,
                                 "--services", f"market=127.0.0.1:{market.port},backtest=127.0.0.1:1", *otlp)
            r = gateway.request("POST", "/api/v1/market/ensure", json.dumps(ENSURE), {"X-API-Key": key, "Content-Type": "application/json"})
            rig.equal(r.status, 200, r.body)
            for i in range(40):
                rig.equal(gateway.get(f"{CANDLES}{i}").status, 200)
            rig.equal(gateway.get("/api/v1/backtesting/results").status, 503)  # nobody is there: retried, then given up
            both = lambda: [t for t in receiver.traces().values() if len({s["from"] for s in t}) == 2]
            rig.wait_for(lambda: len(both()) >= 41, 60, "41 traces of two processes")
            rig.wait_for(lambda: any(s["name"] == "retry" or s["name"] == "breaker" and s["status"]["code"] == 2 or s["name"] == "upstream" and s["status"]["code"] == 2
                                     for s in receiver.spans), 60, "the failed attempt")
        finally:
            for s in self.servers:
                s.stop()
            receiver.close()
        rig.equal(receiver.wrong, [])
        spans = receiver.spans
        ids = {(s["traceId"], s["spanId"]) for s in spans}
        rig.equal(len(ids), len(spans), "span ids are there once")
        orphans = [s for s in spans if "parentSpanId" in s and (s["traceId"], s["parentSpanId"]) not in ids]
        rig.equal(orphans, [])
        for t in both():
            roots = [s for s in t if "parentSpanId" not in s]
            rig.equal(len(roots), 1, "one request is one tree")
            of = {s["spanId"]: s for s in t}
            for s in t:
                if s["kind"] == 2 and "parentSpanId" in s:
                    rig.equal(of[s["parentSpanId"]]["kind"], 3, "a server's span is the child of the attempt that called it")
                    rig.check(of[s["parentSpanId"]]["from"] != s["from"], "of another process")

    def test_one_trace_shows_every_process(self):
        """FLW-09: client -> gateway -> discovery -> service -> reply, and a service that asks another: the tree of spans."""
        exchange = self.exchange()
        (self.root / "internal").write_text("an internal key of the platform")
        config = ["--config", self.config(f"auth: {{internal_key: 'file:{self.root / 'internal'}'}}")]
        registry = self.start("serve", "--roles", "discovery", "--port", 0, "--data-dir", self.root / "registry", *config)
        at_registry = ["--discovery.urls", f"{registry.url}/eureka", "--discovery.fast"]
        market = self.serve("--roles", "market", *config, *at_registry, exchange=exchange)
        backtest = self.start("serve", "--roles", "backtest", "--port", 0, "--data-dir", self.root / "bt", *config, *at_registry, "--services",
                              f"market=127.0.0.1:{market.port}")
        gateway = self.start("serve", "--roles", "gateway", "--port", 0, "--data-dir", self.root / "gw", *config, *at_registry)
        keyed = {"X-API-Key": (self.root / "gw/admin.key").read_text().strip(), "Content-Type": "application/json"}
        ask = lambda method, path, body=None, **more: gateway.request(method, path, json.dumps(body) if body else None, {**keyed, **more}, timeout=60)
        rig.wait_for(lambda: ask("POST", "/api/v1/market/ensure", {**ENSURE, "end_date": "2024-03-01"}).status == 200, 60, "discovery knows the market")
        run = {"symbol": "BTCUSDT", "timeframe": "1h", "exchange": "binance", "strategy_type": "moving_average_crossover"}
        rig.wait_for(lambda: ask("POST", "/api/v1/backtesting/run", run).status == 200, 60, "and the backtests")

        def tree(trace_id, processes):
            def whole():
                r = ask("GET", f"/api/v1/admin/traces/{trace_id}")
                return r.json if r.status == 200 and len(r.json["requests"]) == processes else None
            t = rig.wait_for(whole, 60, f"the spans of {processes} processes")
            rig.check("unasked" not in t, "nobody is missing", t)
            names = {market.port: "market", backtest.port: "backtest"}
            where = ["gateway" if "process" not in r else names[int(r["process"].rsplit(":", 1)[1])] for r in t["requests"]]
            ids = [s["span_id"] for s in t["spans"]]
            rig.equal(len(set(ids)), len(ids), "each span is there once")
            of = {s["span_id"]: s for s in t["spans"]}
            lines = []

            def walk(parent, depth):
                for s in [s for s in t["spans"] if s.get("parent_id", "") == parent]:
                    above = of.get(parent)
                    if above:
                        rig.check(s["start_ms"] >= above["start_ms"] - 0.002, "a child begins in its parent", s, above)
                    lines.append("  " * depth + s["name"] + (f" [{where[s['request']]}]" if s["kind"] == "server" else ""))
                    walk(s["span_id"], depth + 1)

            roots = [s for s in t["spans"] if s.get("parent_id", "") not in of]
            rig.equal(len(roots), 1, "one tree")
            walk(roots[0].get("parent_id", ""), 0)
            return "\n".join(lines)

        one = "0af7651916cd43dd8448eb211c80319c"
        rig.equal(ask("GET", CANDLES, traceparent=f"00-{one}-b7ad6b7169203331-01").status, 200)
        rig.equal(tree(one, 3), READING)
        two = "0af7651916cd43dd8448eb211c80319d"
        rig.equal(ask("POST", "/api/v1/backtesting/run", {**run, "initial_capital": 777}, traceparent=f"00-{two}-b7ad6b7169203331-01").status, 200)
        rig.equal(tree(two, 3), BACKTEST)

    def test_a_collector_that_is_away_costs_requests_nothing(self):
        server = self.serve("--trace-otlp", "http://127.0.0.1:9")
        for _ in range(50):
            server.get(CANDLES)
        def tried():
            text = server.get("/metrics").body.decode()
            return float(re.search(r"^finsight_trace_export_retries_total (\S+)$", text, re.M)[1]) >= 1
        rig.wait_for(tried, 60, "a batch that is tried again")
        rig.equal(server.get("/health").status, 200)
        began = time.monotonic()
        rig.equal(server.stop(), 0)
        rig.check(time.monotonic() - began < 15, "the end waits for the collector a moment only")

    # SEC-13: nothing inline, everything from here
    def test_the_page_needs_no_exception_from_the_policy(self):
        server = self.serve()
        r = server.get("/admin/traces")
        rig.equal((r.status, r.headers["content-type"]), (200, "text/html; charset=utf-8"))
        rig.check("default-src 'self'" in r.headers["content-security-policy"])
        page = Page(r.body.decode())
        rig.equal(page.inline, [])
        rig.equal(page.loads, ["/admin/traces.css", "/admin/traces.js"])
        for path, media in (("/admin/traces.css", "text/css"), ("/admin/traces.js", "text/javascript")):
            part = server.get(path)
            rig.equal((part.status, part.headers["content-type"].split(";")[0]), (200, media))
            text = part.body.decode()
            rig.check("innerHTML" not in text and "eval(" not in text and "http://" not in text)
            for name in re.findall(r'at\("(\w+)"\)', text):
                rig.check(name in page.ids, f"the script looks for #{name}")
        rig.equal(server.get("/api/v1/admin/traces").status, 401)  # GWY-37

    # OBS-15: the process as the kernel tells of it
    def test_the_process_is_measured_as_the_kernel_does(self):
        server = self.filled()
        pid = server.process.pid
        for _ in range(400):
            server.get(CANDLES)
        def close_enough():
            text = server.get("/metrics").body.decode()
            told = {n: float(re.search(rf"^{n} (\S+)$", text, re.M)[1]) for n in
                    ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_threads", "process_open_fds",
                     "process_virtual_memory_bytes", "process_start_time_seconds")}
            stat = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            page = 4096
            import os
            try:
                fds = len(os.listdir(f"/proc/{pid}/fd"))
            except PermissionError:  # not dumpable: root's alone
                fds = told["process_open_fds"]
            truth = {"process_cpu_seconds_total": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
                     "process_resident_memory_bytes": int(stat[21]) * page, "process_threads": int(stat[17]),
                     "process_virtual_memory_bytes": int(stat[20]),
                     "process_open_fds": fds, "process_start_time_seconds": time.time()}
            near = {n: abs(told[n] - v) <= 0.05 * v + (0.02 if n == "process_cpu_seconds_total" else 0) for n, v in truth.items()}
            near["process_open_fds"] = abs(told["process_open_fds"] - fds) <= 1  # the scrape's own connection
            near["process_start_time_seconds"] = 0 <= time.time() - told["process_start_time_seconds"] < 600
            self.seen = {n: (told[n], truth[n]) for n, ok in near.items() if not ok}
            return all(near.values())
        rig.wait_for(close_enough, 60, "figures within 5 %")

    # OBS-09, OBS-10, OBS-11, OBS-12, OBS-16, OBS-31, U19: the documents' names, in one scrape, agreeing with ours
    def test_the_documents_metrics_agree_with_ours(self):
        server = self.filled()
        for _ in range(7):
            server.get(CANDLES)
        server.get("/api/v1/market/candles?symbol=!!")
        text = server.get("/metrics").body.decode()
        def value(name, **labels):
            found = 0
            for line in text.splitlines():
                m = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
                if m and m[1] == name and all(f'{k}="{v}"' in (m[2] or "") for k, v in labels.items()):
                    found += float(m[3])
            return found
        at = {"service": "market", "endpoint": "/api/v1/market/candles"}
        rig.equal(value("python_services_requests_total", **at), 8)
        rig.equal(value("python_services_requests_success_total", **at) + value("python_services_requests_failed_total", **at), 8)
        rig.equal(value("python_services_request_latency_seconds_count", **at), 8)
        rig.equal(value("finsight_http_requests_total", op="market.candles"), 8)
        rig.equal(value("python_services_cache_hits_total"), 6)
        rig.equal(value("python_services_cache_hits_total"), value("finsight_cache_requests_total", outcome="hit_l1"))
        for name in ("finsight_store_seconds_count", "finsight_lane_done_total", "process_resident_memory_bytes"):
            rig.check(value(name) > 0, name)
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True)
            rig.equal((done.returncode, done.stderr), (0, b""), done.stdout)
        server.stop()
        plain = self.start("serve", "--data-dir", self.data, "--port", 0, "--config", self.config("metrics: {aliases: false}"))
        rig.check("python_services_requests_total" not in plain.get("/metrics").body.decode(), "switched off")

    # OBS-01, OBS-03, OBS-04, OBS-28, GWY-06, U18: one payload that has what each document asks for
    def test_health_says_what_is_known(self):
        exchange = self.exchange()
        server = self.serve(exchange=exchange)
        health = lambda: server.get("/health").json
        first = health()
        for key in ("status", "overall_status", "timestamp", "services", "databases", "external_apis", "version"):
            rig.check(key in first, key)
        rig.check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", first["timestamp"]), first["timestamp"])
        rig.check("market_data" in first["services"], first["services"])
        rig.equal(first["external_apis"]["binance"], {"status": "unknown"}, "nobody has asked it yet")
        rig.wait_for(lambda: all(d["status"] == "healthy" for d in health()["databases"].values()), 60, "the first check")
        rig.equal(health()["overall_status"], "healthy")
        keyed = {"X-API-Key": self.key(), "Content-Type": "application/json"}
        rig.equal(server.request("POST", "/api/v1/market/ensure", json.dumps(ENSURE), keyed).status, 200)
        rig.equal(health()["external_apis"]["binance"]["status"], "healthy")
        exchange.stop()
        body = json.dumps({**ENSURE, "symbol": "ETHUSDT"})
        rig.check(server.request("POST", "/api/v1/market/ensure", body, keyed, timeout=120).status >= 500)
        after = health()
        rig.equal((after["external_apis"]["binance"]["status"], after["overall_status"]), ("unhealthy", "degraded"))
        rig.check(after["external_apis"]["binance"]["error"], after)
        rig.equal(after["status"], "healthy", "what is stored is served all the same")
        for path in ("/health", "/admin/health", "/jobs/health", "/storage/health", "/api/health/market_data"):
            r = server.request("GET", path, headers=keyed)
            rig.equal((r.status, "status" in r.json), (200, True), path)
        missing = server.get("/api/health/nothing")
        rig.equal((missing.status, missing.json["error"]["message"]), (404, "Service not found"))

    # OBS-02, OBS-05: a Redis that stops is seen within an interval, and again when it is back
    def test_a_redis_that_stops_is_seen(self):
        if not shutil.which("redis-server"):
            raise rig.Skip("redis-server is not installed")
        socket_path = self.root / "redis.sock"
        def redis():
            p = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", str(socket_path), "--save", "", "--appendonly", "no",
                                  "--dir", str(self.root)], stdout=subprocess.DEVNULL)
            rig.wait_for(socket_path.exists, 60, "Redis")
            return p
        process = redis()
        try:
            server = self.start("serve", "--data-dir", self.data, "--port", 0, "--config",
                                self.config(f"health: {{every: 200ms}}\nredis: {{url: 'unix:{socket_path}'}}"))
            status = lambda: server.get("/health").json["services"]["redis"]["status"]
            rig.wait_for(lambda: status() == "healthy", 60, "Redis is well")
            process.terminate()
            process.wait(30)
            rig.wait_for(lambda: status() == "unhealthy", 60, "its end is seen")
            rig.equal(server.get("/health").json["status"], "degraded")
            rig.check(server.get("/health").json["databases"]["redis"]["error"])
            process = redis()
            rig.wait_for(lambda: status() == "healthy", 60, "it is back")
        finally:
            process.terminate()
            process.wait(30)

    # STO-13
    def test_slow_queries_are_told(self):
        exchange = self.exchange()
        server = self.start("serve", "--data-dir", self.data, "--port", 0, "--binance-url", exchange.url, "--binance-simulated",
                            "--binance-private", "--config", self.config("log: {slow_query: 1ms}"))
        body = {**ENSURE, "timeframe": "1m", "end_date": "2024-02-01"}
        r = server.request("POST", "/api/v1/market/ensure", json.dumps(body), {"X-API-Key": self.key(), "Content-Type": "application/json"})
        rig.equal(r.status, 200, r.body)
        slow = self.admin(server, "/api/v1/admin/slow")
        rig.check(slow["count"] > 0, slow)
        rig.check(all(q["duration_ms"] > 1 and (q["what"].startswith("store.") or q["what"] == "sql") for q in slow["queries"]), slow)
        rig.check(any("BTCUSDT:1m" in q.get("detail", "") for q in slow["queries"]), slow)
        self.trace(server, slow["queries"][0]["trace_id"])
        log = (self.root / "log-1").read_text()
        rig.check('slow query' in log, "it is in the log")

    def test_slow_statements_are_told_with_their_plan(self):
        """STO-13: which statement, for which operation, in which trace; its values stay out."""
        self.serve().stop()
        with contextlib.closing(sqlite3.connect(self.data / "control.db")) as db, db:
            db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500000) "
                       "INSERT INTO queue_item(queue, payload, state, worker, until, tries, result) SELECT 'unspoken', '', 1, '', 0, 0, '' FROM n")
        server = self.serve("--config", self.config("log: {slow_query: 1ms}"))
        r = server.request("GET", "/api/v1/queues/unspoken", headers={"X-API-Key": self.key()})
        rig.equal((r.status, r.json["done"]), (200, 500000), r.body)
        slow = self.admin(server, "/api/v1/admin/slow?limit=1000")
        mine = [q for q in slow["queries"] if q["what"] == "sql" and q.get("operation") == "queue.status"]
        rig.equal(len(mine), 1, slow)
        rig.check(mine[0]["detail"].endswith("FROM queue_item WHERE queue=?1"), mine)
        rig.equal(mine[0]["plan"], "SCAN queue_item")
        self.trace(server, mine[0]["trace_id"])
        lines = [line for line in (self.root / "log-1").read_text().splitlines() if "slow query" in line]
        rig.check(any("SCAN queue_item" in line and "queue.status" in line for line in lines), lines)
        rig.check("unspoken" not in json.dumps(slow) and not any("unspoken" in line for line in lines), "the statement's values")

    def test_a_venue_that_cannot_be_reached_is_told_in_the_documents_words(self):
        """RES-24, U25: the log's line, and a typed error for the caller."""
        server = self.start("serve", "--data-dir", self.data, "--port", 0, "--binance-url", "http://127.0.0.1:1", "--binance-private")
        r = server.request("POST", "/api/v1/market/ensure", json.dumps(ENSURE), {"X-API-Key": self.key(), "Content-Type": "application/json"},
                           timeout=120)
        rig.check(r.status >= 500 and r.json["error"]["code"] and r.json["error"]["message"], r.status, r.body)
        rig.check('"level":"ERROR","message":"HTTP GET error"' in (self.root / "log-0").read_text())


sys.exit(rig.main(Cases))
