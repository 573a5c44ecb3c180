#!/usr/bin/env python3
"""What deploy/ ships fits the program: rules, dashboards, the list of metrics, the unit, the image.

usage: test_deploy.py FINSIGHT SOURCE [CASE...]"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import platform_rig as rig

SOURCE = pathlib.Path(sys.argv.pop(2))
DEPLOY = SOURCE / "deploy"
NAME = re.compile(r"\b(?:finsight|process|python_services)_[a-z0-9_]+\b")
OURS = re.compile(r"^(?:finsight|process|python_services)_")


def without_suffix(name, families):
    for suffix in ("", "_bucket", "_sum", "_count"):
        if name.endswith(suffix) and name[: len(name) - len(suffix)] in families:
            return name[: len(name) - len(suffix)]
    return name


class Cases(rig.Suite):
    def promtool(self, *args):
        if not shutil.which("promtool"):
            raise rig.Skip("promtool is not installed (Debian package prometheus)")
        done = subprocess.run(["promtool", *args], cwd=DEPLOY / "prometheus", capture_output=True, text=True)
        rig.equal(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    # OBS-20 .. OBS-24: the rules for Prometheus, each threshold from both sides by its own tool
    def test_rules_are_right_and_fire_where_they_should(self):
        rig.check("rules found" in self.promtool("check", "rules", "finsight.rules.yml"))
        self.promtool("check", "config", "prometheus.yml")
        rig.check("SUCCESS" in self.promtool("test", "rules", "finsight.test.yml"))

    def families(self):
        """Every family of metrics that the program has, in one process and in pieces."""
        both = [self.serve("--trace-otlp", "http://127.0.0.1:9")]
        both.append(self.start("serve", "--roles", "gateway", "--port", 0, "--data-dir", self.root / "gw",
                               "--services", f"market=127.0.0.1:{both[0].port},backtest=127.0.0.1:{both[0].port}"))
        rig.wait_for(lambda: b"finsight_event_queue_depth" in both[0].get("/metrics").body, 60, "the first look at the queues")
        found = {}
        for server in both:
            text = server.get("/metrics").body.decode()
            found.update((m[1], m[2]) for m in re.finditer(r"^# TYPE (\S+) (\S+)$", text, re.M))
        return found

    # OBS-14, OBS-26: what a dashboard or a rule asks for is there
    def test_dashboards_and_rules_ask_for_what_there_is(self):
        families = self.families()
        asked = {}
        for path in sorted((DEPLOY / "grafana").glob("*.json")):
            board = json.loads(path.read_text())
            rig.check(board["uid"] and board["title"] and board["panels"], path)
            ids = [p["id"] for p in board["panels"]]
            rig.equal(len(set(ids)), len(ids), f"{path}: panels have ids of their own")
            for p in board["panels"]:
                rig.check(p["targets"], f"{path}: {p['title']} asks for nothing")
                for t in p["targets"]:
                    names = NAME.findall(t["expr"])
                    rig.check(names, f"{path}: {p['title']}: {t['expr']}")
                    asked.update((n, f"{path.name}: {p['title']}") for n in names)
        rules = (DEPLOY / "prometheus" / "finsight.rules.yml").read_text()
        recorded = set(re.findall(r"record: (\S+)", rules))
        for n in NAME.findall("\n".join(re.findall(r"expr: (.*)", rules))):
            asked[n] = "finsight.rules.yml"
        for n in re.findall(r"finsight:[a-z0-9_:]+", rules):
            rig.check(n in recorded, f"{n} is not recorded")
        missing = {n: where for n, where in asked.items() if without_suffix(n, families) not in families}
        rig.equal(missing, {})

    # OBS-31: the names in the documentation are those of the program, both ways
    def test_every_metric_is_documented(self):
        families = {n: kind for n, kind in self.families().items() if OURS.match(n)}
        page = (SOURCE / "docs" / "observability.md").read_text()
        table = {m[1]: m[2] for m in re.finditer(r"^\| `([a-z0-9_]+)(?:\{[^`]*\})?` \| (counter|gauge|histogram) \|", page, re.M)}
        rig.equal({n for n in families if n not in table}, set(), "not in docs/observability.md")
        rig.equal({n for n in table if n not in families}, set(), "only in docs/observability.md")
        rig.equal({n: (table[n], k) for n, k in families.items() if table[n] != k}, {})

    def test_the_unit_leaves_little_open(self):
        unit = (DEPLOY / "systemd" / "finsight.service").read_text()
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "SystemCallFilter=@system-service", "User=finsight",
                     "CapabilityBoundingSet=", "MemoryDenyWriteExecute=yes", "UMask=0077", "LimitCORE=0",
                     "SystemCallFilter=seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"):
            rig.check(f"\n{line}\n" in unit, line)
        rig.check(not re.search(r"(?m)^Environment=.*KEY", unit), "no secret in the unit")
        if not shutil.which("systemd-analyze"):
            return
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", str(DEPLOY / "systemd" / "finsight.service")],
                              capture_output=True, text=True)
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        if exposure:  # an older one knows no --offline
            rig.check(float(exposure[1]) <= 2.0, exposure[0])

    # SEC-24: the unit's list of system calls has every one that the server's own, shorter list has
    def test_the_unit_lets_the_server_call_what_it_calls(self):
        if not shutil.which("systemd-analyze"):
            raise rig.Skip("systemd-analyze is not installed")

        def calls(group, seen=()):
            found = set()
            if not group.startswith("@"):
                return {group}
            text = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True).stdout
            for word in re.findall(r"(?m)^ {4}(@?[a-z0-9_-]+)$", text):
                found |= calls(word, (*seen, group)) if word not in seen else set()
            return found

        permitted = set()
        for line in re.findall(r"(?m)^SystemCallFilter=(.*)$", (DEPLOY / "systemd" / "finsight.service").read_text()):
            words = set().union(*(calls(w) for w in line.lstrip("~").split()))
            permitted = permitted - words if line.startswith("~") else permitted | words
        source = (SOURCE / "src" / "app" / "syscall_filter.c").read_text()
        listed = set(re.findall(r"SYS_([a-z0-9_]+)", source[source.index("allowed[] = {") : source.index("/* Names for the log")]))
        rig.check(len(listed) > 150 and len(permitted) > 250, len(listed), len(permitted))
        rig.equal(sorted(listed - permitted), ["fchown"], "SQLite's, of root alone")

    def test_the_image_has_what_the_program_needs_and_no_more_rights(self):
        text = (DEPLOY / "docker" / "Dockerfile").read_text()
        run = text.split("\nFROM ")[-1]
        rig.check(re.search(r"(?m)^USER 10001:10001$", run), "not as root")
        rig.check("gcc" not in run and "meson" not in run, "no compiler in the image that runs")
        if shutil.which("dpkg-query") and shutil.which("readelf") and "Debian GNU/Linux 12" in pathlib.Path("/etc/os-release").read_text():
            dynamic = subprocess.run(["readelf", "-d", self.binary], capture_output=True, text=True).stdout
            for lib in re.findall(r"NEEDED.*\[(.*?)\]", dynamic):
                owners = subprocess.run(["dpkg-query", "-S", f"*/{lib}"], capture_output=True, text=True).stdout
                packages = {line.split(":")[0] for line in owners.splitlines()}
                if not packages or packages & {"libc6", "libgcc-s1"} or re.match(r"lib(asan|ubsan|tsan)", lib):
                    continue
                rig.check(any(re.search(rf"\s{re.escape(p)}\s", run) for p in packages), f"{lib} is of {packages}, which the image lacks")
        compose = (DEPLOY / "docker" / "compose.yaml").read_text()
        for line in ("read_only: true", "cap_drop: [ALL]", 'security_opt: ["no-new-privileges:true"]', 'user: "10001:10001"'):
            rig.check(line in compose, line)
        rig.equal(re.findall(r"ports: (.*)", compose), ['["127.0.0.1:8080:8080"]'], "the gateway alone, and from here alone")
        rig.check(re.search(r"ADMIN_KEY: \$\{FINSIGHT_AUTH_ADMIN_KEY:\?", compose), "keys come from outside")

    # OBS-26: a real Prometheus reads us and finds its targets up
    def test_a_real_prometheus_scrapes_us(self):
        if not shutil.which("prometheus"):
            raise rig.Skip("prometheus is not installed")
        import socket
        import urllib.request
        server = self.serve()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        conf = self.root / "prometheus.yml"
        shutil.copy(DEPLOY / "prometheus" / "finsight.rules.yml", self.root)
        conf.write_text("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [finsight.rules.yml]\n"
                        f"scrape_configs: [{{job_name: finsight, static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]}}]\n")
        process = subprocess.Popen(["prometheus", f"--config.file={conf}", f"--storage.tsdb.path={self.root}/tsdb",
                                    f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
                                   stdout=subprocess.DEVNULL, stderr=open(self.root / "prometheus.log", "w"))
        def ask(path):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as r:
                    return json.load(r)["data"]
            except OSError:
                return None
        try:
            up = lambda: [t for t in (ask("/api/v1/targets") or {"activeTargets": []})["activeTargets"] if t["health"] == "up"]
            target = rig.wait_for(up, 60, "the target is up")[0]
            rig.equal(target["lastError"], "")
            series = rig.wait_for(lambda: (ask("/api/v1/query?query=process_resident_memory_bytes") or {}).get("result"), 60, "a series")
            rig.check(float(series[0]["value"][1]) > 1e6, series)
            groups = rig.wait_for(lambda: (lambda v: v if len(v) == 2 else None)([g for g in (ask("/api/v1/rules") or {"groups": []})["groups"]
                                           if all(r["health"] == "ok" for r in g["rules"])]), 60, "rules that can be evaluated")
            rig.equal(len(groups), 2)

        finally:
            process.terminate()
            process.wait(30)


sys.exit(rig.main(Cases))
