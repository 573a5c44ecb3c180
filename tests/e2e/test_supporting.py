#!/usr/bin/env python3
"""What stands beside the services: a crontab that starts jobs (TOP-02), the supporting services' health and metrics (TOP-03), the
two lists of ports, and how soon and how small the platform stands.

usage: test_supporting.py FINSIGHT SOURCE [CASE...]"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import platform_rig as rig
from platform_rig import check, equal, wait_for

SOURCE = pathlib.Path(sys.argv.pop(2))
BINARY = pathlib.Path(sys.argv[1]).read_bytes()
SANITIZED = b"__asan_init" in BINARY or b"__tsan_init" in BINARY
# the promise is 100 ms and 40 MB (bench/bench_start.py measures it); what a busy machine may make of it
READY_MS, RSS_MB = 5000, 60


class Cases(rig.Suite):
    def environment(self):
        return {**super().environment(), "FINSIGHT_AUTH_INTERNAL_KEY": "inner-0123456789abcdef"}  # the roles believe the gateway

    def call(self, server, method, path, body=None, key=None, want=200):
        reply = server.request(method, path, json.dumps(body) if body is not None else None,
                               {"X-API-Key": key or self.key(), "Content-Type": "application/json"})
        equal(reply.status, want, f"{method} {path}: {reply.body[:300]!r}")
        return reply.json

    # --- TOP-02 ---

    def crontab_line(self):
        """The command of the line that docs/jobs.md shows."""
        page = (SOURCE / "docs" / "jobs.md").read_text()
        found = re.search(r"(?m)^5 \* \* \* \*\s+(curl .*)$", page)
        check(found, "docs/jobs.md has the line")
        check("%" not in found[1], "a % would be an end of line to cron")
        return found[1]

    def as_cron_does(self, line):
        """sh, with the little that cron gives its commands in the environment."""
        env = {"HOME": str(self.root), "LOGNAME": "somebody", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
        return subprocess.run(["/bin/sh", "-c", line], env=env, cwd=self.root, capture_output=True, text=True, timeout=120)

    def test_a_crontab_starts_a_job_through_the_gateway_TOP_02(self):
        if not shutil.which("curl", path="/usr/bin:/bin"):
            raise rig.Skip("curl is not where cron would find it")
        exchange = self.exchange("--seed", 7)
        market = self.start("serve", "--roles", "market", "--port", 0, "--data-dir", self.data, "--binance-url", exchange.url,
                            "--binance-simulated", "--binance-private")  # fmt: skip
        (self.root / "g").mkdir()
        shutil.copy(self.data / "admin.key", self.root / "g")
        gateway = self.start("serve", "--roles", "gateway", "--port", 0, "--data-dir", self.root / "g", "--services", f"market=127.0.0.1:{market.port}",
                             "--gateway.fast")  # fmt: skip
        self.call(gateway, "PUT", "/api/v1/jobs/hourly", {"kind": "collect", "params": {"symbols": ["BTCUSDT"], "timeframes": ["1h"]}})
        made = self.call(gateway, "POST", "/api/v1/admin/keys", {"name": "cron", "role": "admin", "scopes": ["jobs.run"]})
        line = self.crontab_line().replace("127.0.0.1:8080", f"127.0.0.1:{gateway.port}")
        header = self.root / ".finsight-cron"
        header.write_text("X-API-Key: " + made["secret"] + "\n")
        header.chmod(0o600)
        done = self.as_cron_does(line)
        equal(done.returncode, 0, done.stderr + done.stdout)
        runs = lambda: self.call(gateway, "GET", "/api/v1/jobs/runs?job=hourly")["runs"]
        row = wait_for(lambda: (r := runs()) and r[0]["state"] in ("succeeded", "failed") and r[0], 60, "the run")
        equal(row["state"], "succeeded", row)
        check(len(gateway.get("/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&limit=5").json["candles"]) == 5, "what it collected")
        # the key is good for this alone, and cron hears of a refusal: a status, and words for its mail
        equal(gateway.request("DELETE", "/api/v1/jobs/hourly", headers={"X-API-Key": made["secret"]}).status, 403, "not its scope")
        self.call(gateway, "POST", f"/api/v1/admin/keys/{made['key']['id']}/revoke")
        wait_for(lambda: self.as_cron_does(line).returncode == 22, 60, "a refusal after the revocation")
        check("403" in self.as_cron_does(line).stderr)
        header.write_text("")
        done = self.as_cron_does(line)
        check(done.returncode == 22 and "401" in done.stderr, done)
        equal(len(runs()), 1, "the refused ones ran nothing")

    # --- TOP-03 ---

    def test_supporting_services_have_health_and_metrics_TOP_03(self):
        """The common part is what every process has: its lanes and itself; authentication and monitoring are the gateway's."""
        server = self.serve()
        services = lambda: server.get("/health").json["services"]
        for name in ("reading", "saving", "collecting", "authentication", "monitoring"):
            one = wait_for(lambda: (s := services().get(name, {})).get("status") == "healthy" and s, 60, f"{name} to be well")  # noqa: B023
            alone = server.get(f"/api/health/{name}")
            equal((alone.status, alone.json.keys()), (200, one.keys()), name)
        equal(server.get("/api/health/nobody").status, 404)
        equal(server.request("GET", "/api/v1/admin/keys", headers={"X-API-Key": "wrong"}).status, 403)
        text = server.get("/metrics").body.decode()
        value = lambda name: float(re.search(rf"(?m)^{name}(?:{{[^}}]*}})? (\S+)$", text)[1])
        check(value("finsight_lane_done_total") >= 0 and value("process_cpu_seconds_total") > 0, "the common part")
        equal(value("finsight_failed_logins_total"), 1, "authentication")
        equal(value("finsight_alerts_firing"), 0, "monitoring")
        server.stop()

    # --- the two lists of ports ---

    def listens(self, role, profile, port):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                raise rig.Skip(f"another program listens on port {port}") from None
        server = self.start("serve", "--roles", role, "--server.ports", profile, "--data-dir", self.root / f"{role}-{profile}")
        equal(server.port, port, f"{role} in the list {profile}")
        equal(server.get("/health").status, 200)
        server.stop()

    def test_each_list_of_ports_keeps_its_numbers_for_its_services(self):
        """U01, TOP-08. 004 numbers models 8001, translation 8002, fraud 8003, data processing 8004, blockchain 8005: in that list
        nobody else may sit there. Of the five, models are in this build; the others are told to be not, not faked."""
        self.listens("prediction", "b", 8001)
        self.listens("news", "a", 8001)
        rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in self.cli("docs", "roles").stdout.splitlines()[2:]]
        b = {int(row[2]): row[0] for row in rows}
        equal([b[n] for n in range(8001, 8006)], ["prediction", "language", "fraud", "processing", "chain"])
        equal((len(b), len({row[1] for row in rows})), (len(rows), len(rows)), "a number is one role's")
        for name, _, _, what in rows:
            if "not in this build" in what:
                done = self.cli("serve", "--roles", name, "--server.ports", "b", status=None)
                check(done.returncode == 3 and f"{name} is not in this build; roles are: all, gateway, market" in done.stderr, name, done.stderr)

    # --- start and size ---

    def test_the_whole_platform_stands_soon_and_small(self):
        """RES-21's lazy loading as a bound that holds on a busy machine, too; bench/bench_start.py has the figures."""
        for folder in ("new", "stored"):
            took = time.monotonic()
            server = self.serve("--access-log=false")
            equal(server.get("/health").status, 200)
            took = (time.monotonic() - took) * 1000
            check(took < READY_MS, folder, f"ready after {took:.0f} ms")
            rss = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1]) / 1024
            check(SANITIZED or rss < RSS_MB, folder, f"{rss:.1f} MB resident")
            server.stop()


sys.exit(rig.main(Cases))
