#!/usr/bin/env python3
"""A server that has given away what it does not need (SEC-24, SEC-11): no new privileges, no capability, system calls of a
list, writing in its own folders, starting itself alone. Every other suite runs against it too, because it is so by
default; here somebody who got in tries the doors, and a day's work is done on a read-only root, by another user than
root, and no door that is needed is found locked.

usage: test_confined.py FINSIGHT BURGLAR.so [CASE...]"""
import errno
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

import platform_rig as rig
from platform_rig import check, equal, wait_for

BURGLAR = str(pathlib.Path(sys.argv.pop(2)).resolve())
BINARY = pathlib.Path(sys.argv[1]).read_bytes()
SANITIZED = b"__asan_init" in BINARY or b"__tsan_init" in BINARY
NOBODY = 65534
ROOT = os.geteuid() == 0

# what a burglar tries -> what tells that it was refused; all else must succeed
EPERM, EACCES = errno.EPERM, errno.EACCES
CALLS = ["ptrace", "process_vm_readv", "pidfd_getfd", "prlimit64", "raw", "packet", "audit", "unshare", "mount", "bpf",
         "perf_event_open", "keyctl", "userfaultfd", "io_uring_setup", "init_module", "setuid", "dumpable",
         "written_and_run", "made_to_run"]  # fmt: skip
FILES = ["make", "overwrite", "truncate", "rename", "remove", "folder", "shell"]
ALLOWED = ["tcp", "inside", "read"]


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def metric(server, name):
    found = re.search(rf"(?m)^{name} (\S+)$", server.get("/metrics").body.decode())
    check(found, f"{name} is not there")
    return float(found[1])


class Cases(rig.Suite):
    def log(self, i=0):
        return [json.loads(line) for line in (self.root / f"log-{i}").read_text().splitlines() if line.startswith("{")]

    def said(self, words, i=0):
        return [line for line in self.log(i) if line["message"] == words]

    def call(self, server, method, path, body=None, want=200):
        reply = server.request(method, path, json.dumps(body) if body is not None else None,
                               {"X-API-Key": self.key(), "Content-Type": "application/json"}, timeout=120)
        equal(reply.status, want, f"{method} {path}: {reply.body[:300]!r}")
        return reply.json

    def confined(self, server, i=0):
        """What the log says of it, or a reason to skip."""
        if SANITIZED:
            raise rig.Skip("a sanitizer's runtime cannot be confined")
        line = wait_for(lambda: self.said("confined", i), 30, "the word on what holds")[0]
        if not line["metadata"]["system_calls"]:
            raise rig.Skip("no filter of system calls here: " + self.said("system calls are not confined", i)[0]["metadata"]["reason"])
        return line["metadata"]

    # --- what it has given away ---

    def test_a_server_has_no_rights_and_gets_none(self):
        server = self.serve()
        held = self.confined(server)
        status = status_of(server.process.pid)
        equal((held["mode"], status["NoNewPrivs"], status["Seccomp"]), ("on", "1", "2"))
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            equal(int(status[kind], 16), 0, kind)
        if ROOT:
            equal(int(status["CapBnd"], 16), 0, "what a program of root would get")
            equal(self.said("the server runs as root")[0]["level"], "WARNING")
        for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
            of_thread = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            equal((of_thread["Seccomp"], of_thread["NoNewPrivs"], of_thread["CapEff"].strip("0")), ("2", "1", ""), of_thread["Name"])
        limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
        check(re.search(r"Max core file size +0 +0 ", limits), "core files")
        # not dumpable: what lies in /proc of it is root's; so no debugger of the same user
        equal(os.stat(f"/proc/{server.process.pid}/environ").st_uid, 0, "not dumpable")
        equal(metric(server, "finsight_refused_system_calls_total"), 0)
        equal(server.stop(), 0)

    def test_off_is_off_and_a_role_without_jobs_starts_nothing(self):
        server = self.serve("--server.confine", "off")
        status = status_of(server.process.pid)
        equal((status["Seccomp"], status["NoNewPrivs"]), ("0", "0"))
        equal(self.said("confined"), [])
        server.stop()
        gateway = self.start("serve", "--roles", "gateway", "--port", 0, "--data-dir", self.root / "g")
        self.confined(gateway, 1)
        equal(gateway.get("/health").status, 200)
        gateway.stop()

    def test_a_user_that_is_none_is_said_plainly(self):
        done = self.cli("serve", "--server.user", "no such one", status=None)
        check(done.returncode != 0 and "no user" in done.stderr, done.stderr)
        if not ROOT:
            done = self.cli("serve", "--server.user", "1:1", status=None)
            check(done.returncode != 0 and "only root" in done.stderr, done.stderr)

    # --- who got in ---

    def burgle(self, *flags):
        """A run of the strategy in a server: what it tried -> the error it met, 0 for none."""
        outside = pathlib.Path(tempfile.mkdtemp(prefix="finsight-outside-", dir="/dev/shm" if os.path.isdir("/dev/shm") else "."))
        try:
            (outside / "theirs").write_text("theirs")
            rows = "".join(f"{1_600_000_000_000 + i * 3_600_000},1,2,1,{1 + i % 2},5\n" for i in range(50))
            (self.root / "rows.csv").write_text("ts,open,high,low,close,volume\n" + rows)
            self.cli("import", self.root / "rows.csv", "--symbol", "B", "--exchange", "file")
            self.extra = {"BURGLAR_BOOTY": str(self.data / "booty"), "BURGLAR_OUTSIDE": str(outside)}
            server = self.serve("--backtest.plugins", BURGLAR, *flags)
            self.call(server, "POST", "/api/v1/backtesting/run", {"symbol": "B", "timeframe": "1h", "strategy_type": "burglar"})
            tried = dict((a, int(e)) for a, _, e in (line.split() for line in (self.data / "booty").read_text().splitlines()))
            check("end" in tried, "it did not come to its end", tried)
            left = sorted(p.name for p in outside.iterdir())
            whole = left == ["theirs"] and (outside / "theirs").read_text() == "theirs"
            return server, tried, whole
        finally:
            shutil.rmtree(outside)

    def environment(self):
        return {**super().environment(), **getattr(self, "extra", {})}

    def test_who_got_in_finds_every_door_locked(self):
        server, tried, whole = self.burgle()
        held = self.confined(server)
        equal({k: tried[k] for k in CALLS}, dict.fromkeys(CALLS, EPERM), "system calls")
        equal({k: tried[k] for k in ALLOWED}, dict.fromkeys(ALLOWED, 0), "what a server needs")
        if held["files"]:
            wrong = {k: tried[k] for k in FILES if tried[k] not in (EPERM, EACCES, errno.EXDEV)}
            equal((wrong, whole), ({}, True), "files and programs")
        # it is told: in the log with what to do, in the record of events, in the metrics; and the server goes on
        wait_for(lambda: len(self.said("a system call was refused")) >= 12, 60, "the lines")
        line = next(x for x in self.said("a system call was refused") if x["metadata"]["name"] == "ptrace")
        equal((line["level"], line["metadata"]["number"] > 0), ("ERROR", True))
        check("server.confine: report" in line["metadata"]["advice"])
        check(metric(server, "finsight_refused_system_calls_total") >= len(CALLS))
        wait_for(lambda: "ptrace" in self.cli("audit", "--json").stdout and "confine.refused" in self.cli("audit", "--json").stdout,
                 60, "the event")
        equal(server.get("/health").status, 200)
        equal(server.stop(), 0)

    def test_a_report_lets_through_and_tells(self):
        """And shows that the tries above are real: without the locks most of them succeed."""
        server, tried, whole = self.burgle("--server.confine", "report")
        self.confined(server)
        for name in ("written_and_run", "made_to_run", "dumpable", "make", "rename", "shell"):
            equal(tried[name], 0, name)
        check(not whole, "nothing was changed outside")
        wait_for(lambda: len(self.said("a system call would be refused")) > 8, 60, "the lines")
        told = {x["metadata"]["name"] for x in self.said("a system call would be refused")}
        check({"ptrace", "unshare", "mmap", "mprotect", "socket"} <= told, told)
        equal({x["level"] for x in self.said("a system call would be refused")}, {"WARNING"})
        equal(status_of(server.process.pid)["Seccomp"], "2")
        equal(server.stop(), 0)

    # --- a day's work behind the locks ---

    def certificate(self, name):
        cert, key = self.data / "cert.pem", self.data / "key.pem"
        made = [self.root / "new.crt", self.root / "new.key"]
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", made[1],
                               "-out", made[0], "-days", "30", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"],
                              capture_output=True, text=True)  # fmt: skip
        equal(done.returncode, 0, done.stderr)
        for source, place in zip(made, (cert, key)):
            shutil.copyfile(source, place)
            self.give(place)
        return ["--tls-cert", cert, "--tls-key", key, "--server.tls.check", "1h"]

    def give(self, path):
        if getattr(self, "owner", None):
            os.chown(path, self.owner, self.owner)

    def job(self, server, name, *args):
        self.call(server, "PUT", f"/api/v1/jobs/{name}", {"kind": "command", "params": {"args": list(map(str, args))}})
        self.call(server, "POST", "/jobs/run", {"job": name})
        row = wait_for(lambda: (r := self.call(server, "GET", f"/jobs/{name}")).get("last_state") in ("succeeded", "failed") and r, 120, name)
        equal(row["last_state"], "succeeded", row)

    def work(self, server, exchange, feeds):
        body = {"symbol": "BTCUSDT", "timeframe": "1h", "start": "2023-01-01", "end": "2023-02-01"}
        equal(self.call(server, "POST", "/api/v1/market/ensure", body)["fetched"], True, "collected")
        equal(len(server.get("/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&limit=100").json["candles"]), 100)
        self.call(server, "POST", "/api/v1/backtesting/run", {"symbol": "BTCUSDT", "timeframe": "1h",
                                                              "strategy_type": "moving_average_crossover"})  # fmt: skip
        news = self.call(server, "POST", "/api/v1/news/collect", {})
        check(news["success"] and news["articles_collected"] > 0, news)
        waves, rng = self.data / "waves.csv", random.Random(1)
        waves.write_text("date,c\n" + "".join(f"{1577836800 + 3600 * i},{10 + math.sin(i / 4) + rng.gauss(0, .3):.6f}\n" for i in range(600)))
        self.give(waves)
        self.job(server, "learn", "train", waves, "--model", "dlinear", "--look-back", 48, "--horizon", 12, "--split", "0.6,0.2,0.2",
                 "--epochs", 2, "--out", self.data / "waves.model")  # fmt: skip
        check((self.data / "waves.model").exists(), "the model of the child")
        self.job(server, "keep", "export", "BTCUSDT", "1h", "--out", self.data / "out.csv")
        made = self.call(server, "POST", "/api/v1/storage/backups")
        self.call(server, "POST", "/api/v1/storage/backups/verify", {"id": made["id"]})
        self.call(server, "POST", "/api/v1/admin/keys", {"name": "a", "role": "read"})
        server.process.send_signal(signal.SIGHUP)

    def day(self, flags=()):
        """Work, a reload, a rolling restart, work again, TLS with a new certificate; and nobody was refused anything."""
        exchange, feeds = self.exchange("--seed", 7), self.start("feed-sim", "--port", 0)
        flags = ["--news-sources", f"coindesk={feeds.url}/coindesk/rss", "--news-private", "--news-simulated", "--news.gap", "0s",
                 "--live-series", "binance:ETHUSDT:1s", *flags]  # fmt: skip
        first = self.serve(*flags, exchange=exchange)
        held = self.confined(first, 2)
        self.work(first, exchange, feeds)
        wait_for(lambda: self.said("services and routes reloaded", 2), 60, "the reload")
        equal(metric(first, "finsight_refused_system_calls_total"), 0, self.said("a system call was refused", 2))
        second = self.start("serve", "--data-dir", self.data, "--port", first.port, "--takeover", *flags, "--binance-url", exchange.url,
                            "--binance-simulated", "--binance-private")  # fmt: skip
        equal((second.port, first.process.wait(60)), (first.port, 0), "taken over")
        equal(len(second.get("/api/v1/market/candles?symbol=BTCUSDT&timeframe=1h&limit=100").json["candles"]), 100)
        wait_for(lambda: second.get("/api/v1/market/candles?symbol=ETHUSDT&timeframe=1s&limit=5").json.get("candles"), 60, "live candles")
        equal(metric(second, "finsight_refused_system_calls_total"), 0, self.said("a system call was refused", 3))
        equal(second.stop(), 0)
        if shutil.which("openssl"):
            self.with_tls(self.serve(*self.certificate("first.example"), *flags, exchange=exchange))
        return held

    def with_tls(self, server):
        def name():
            context = ssl.create_default_context(cafile=str(self.data / "cert.pem"))
            with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 10), server_hostname="127.0.0.1") as s:
                return dict(x[0] for x in s.getpeercert()["subject"])["commonName"]
        equal(name(), "first.example")
        self.certificate("second.example")
        server.process.send_signal(signal.SIGHUP)

        def renewed():
            try:
                return name() == "second.example"
            except ssl.SSLError:
                return False
        wait_for(renewed, 60, "the new certificate")
        equal(self.said("a system call was refused", 4), [])
        equal(server.stop(), 0)

    def test_a_days_work_finds_no_door_locked(self):
        self.day()

    def wrapped(self, *lines):
        """The program in a mount namespace of its own in which the whole file system is read-only but for what is named."""
        wrapper = self.root / "finsight"
        wrapper.write_text("\n".join(["#!/bin/sh", 'case "$1" in serve) ;; *) exec "$REAL" "$@";; esac',
                                      "exec unshare --mount --propagation private sh -e -c '", *lines, 'exec "$REAL" "$@"\' sh "$@"', ""]))
        wrapper.chmod(0o755)
        self.extra = {"REAL": self.binary, "BOX": str(self.data)}
        self.binary = str(wrapper)

    def test_a_days_work_on_a_read_only_root_by_another_user(self):
        if not ROOT or not shutil.which("unshare"):
            raise rig.Skip("needs root, who can mount")
        self.root.chmod(0o755)
        self.data.mkdir()
        self.owner = NOBODY
        self.give(self.data)
        self.wrapped('mount --bind "$BOX" "$BOX"', "mount -o remount,bind,ro /", "for m in /tmp /var/tmp /home /dev/shm; do",
                     '  ! mountpoint -q "$m" || mount -o remount,bind,ro "$m"', "done", "! touch /tmp/x 2>/dev/null")
        probe = subprocess.run([self.binary, "serve", "--help"], env=self.environment(), capture_output=True, text=True)
        if probe.returncode != 0:
            raise rig.Skip("no mount namespace here: " + probe.stderr.strip()[-200:])
        key = "fsk_confined_0123456789abcdef"
        self.extra["FINSIGHT_AUTH_ADMIN_KEY"] = key
        self.key = lambda: key
        held = self.day(["--server.user", f"{NOBODY}:{NOBODY}"])
        equal(held["user"], NOBODY)
        for path in self.data.rglob("*"):
            equal(os.lstat(path).st_uid, NOBODY, f"{path} is not the user's")

    def test_root_binds_a_low_port_and_keeps_nothing(self):
        if not ROOT:
            raise rig.Skip("needs root, who may bind a low port")
        for port in range(1023, 900, -1):
            with socket.socket() as s:
                try:
                    s.bind(("127.0.0.1", port))
                    break
                except OSError:
                    continue
        self.root.chmod(0o755)
        server = self.start("serve", "--port", port, "--data-dir", self.data, "--server.user", f"{NOBODY}:{NOBODY}")
        status = status_of(server.process.pid)
        equal((server.port, status["Uid"].split(), status["Gid"].split()), (port, [str(NOBODY)] * 4, [str(NOBODY)] * 4))
        equal((status["Groups"].strip(), int(status["CapPrm"], 16)), ("", 0))
        equal(server.get("/health").status, 200)
        equal(os.stat(self.data).st_uid, NOBODY, "the folder it made")
        equal(self.said("the server runs as root"), [])
        equal(server.stop(), 0)


sys.exit(rig.main(Cases))
