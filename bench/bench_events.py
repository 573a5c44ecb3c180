#!/usr/bin/env python3
"""bench/bench_events.py BENCH_EVENTS [RABBIT_PUBLISH] - the embedded log and RabbitMQ beside it, in one run.

The broker is Debian's package, started on free loopback ports with a folder of its own and stopped at the end; without it
the log's figures stand alone. JSON lines, then a table: events/s and p99 at equal windows, and the factor between them.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

EVENTS = int(os.environ.get("BENCH_EVENTS", "40000"))
QUEUED = int(os.environ.get("BENCH_QUEUED", "1000000"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    """RabbitMQ by its inner script: the package's wrapper insists on its own user and folders."""

    def __init__(self):
        scripts = sorted(pathlib.Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
        if not scripts:
            raise FileNotFoundError("rabbitmq-server is not installed")
        self.bin = scripts[-1]
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="finsight-rabbit-"))
        self.port, self.epmd_port = free_port(), free_port()
        (self.dir / "home").mkdir()
        (self.dir / "enabled_plugins").write_text("[].\n")
        (self.dir / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndisk_free_limit.absolute = 50MB\nlog.file = rabbit.log\n")
        self.env = {**os.environ, "HOME": str(self.dir / "home"), "RABBITMQ_NODENAME": f"fs{self.port}@localhost",
                    "RABBITMQ_MNESIA_BASE": str(self.dir / "mnesia"), "RABBITMQ_LOG_BASE": str(self.dir / "log"),
                    "RABBITMQ_CONFIG_FILE": str(self.dir / "rabbitmq.conf"),
                    "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.dir / "enabled_plugins"),
                    "RABBITMQ_PID_FILE": str(self.dir / "pid"), "RABBITMQ_DIST_PORT": str(free_port()),
                    "ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
                    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-setcookie testcookie",
                    "RABBITMQ_CTL_ERL_ARGS": "-setcookie testcookie"}
        log = open(self.dir / "out", "wb")
        self.process = subprocess.Popen([self.bin / "rabbitmq-server"], env=self.env, stdout=log, stderr=log,
                                        start_new_session=True)
        log.close()
        end = time.monotonic() + 90
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.2)
        words = (self.dir / "out").read_text(errors="replace")[-500:]
        self.stop()
        raise RuntimeError(f"the broker did not start: {words}")

    def stop(self):
        """Its own processes alone: those of its session, and the port mapper it started."""
        try:
            subprocess.run([self.bin / "rabbitmqctl", "shutdown"], env=self.env, capture_output=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            pass
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
            except ProcessLookupError:
                break
            time.sleep(1)
        self.process.wait()
        subprocess.run(["epmd", "-port", str(self.epmd_port), "-kill"], env=self.env, capture_output=True, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def lines(command):
    out = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    for row in rows:
        print(json.dumps(row), flush=True)
    return rows


def main():
    ours, rival = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    print(f"# load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    theirs, adapter = {}, {}
    if rival:
        try:
            broker = Broker()
            try:
                for window in (64, 512, 4096):
                    for row in lines([rival, broker.port, EVENTS, window]):
                        theirs[row["which"]] = row
                adapter = {row["which"]: row for row in lines([ours, "amqp", broker.port, EVENTS])}
            finally:
                broker.stop()
        except (FileNotFoundError, RuntimeError, subprocess.CalledProcessError) as e:
            print(f"# no RabbitMQ beside it: {e}")
    rows = lines([ours, EVENTS, QUEUED, os.environ.get("TMPDIR", "/tmp")])
    print(f"{'':14}{'log/s':>10}{'p99 ms':>9}{'fsync ms':>10}{'a commit':>10}{'rabbit/s':>10}{'p99 ms':>9}{'factor':>8}")
    for row in rows:
        if row["bench"] != "events_publish":
            continue
        other = theirs.get(row["which"])
        tail = f"{other['events_per_s']:>10}{other['p99_ms']:>9}{row['events_per_s'] / other['events_per_s']:>8.1f}" if other else ""
        print(f"{row['which']:14}{row['events_per_s']:>10}{row['p99_ms']:>9}{row['fsync_ms']:>10}{row['events_per_commit']:>10}{tail}")
    for which, row in adapter.items():
        print(f"our adapter of RabbitMQ, {which}: {row['events_per_s']} events/s, p99 {row['p99_ms']} ms, "
              f"{row['cpu_us_per_event']} us CPU an event; a plain loop {theirs[which]['events_per_s']}")
    for row in rows:
        if row["bench"] == "events_queued":
            print(f"{row['which']}: {row['rss_before_mb']} MB before, {row['rss_after_mb']} MB after; "
                  f"{row['consumed_per_s']} consumed and acknowledged a second")
    return 0


sys.exit(main())
