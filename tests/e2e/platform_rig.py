"""tests/e2e/platform_rig.py - starts the real binary for whole-process tests, and speaks TAP.

    class Cases(rig.Suite):
        def test_something(self): ...
    rig.main(Cases)

The binary is argv[1]. Every process is started by the suite, on a free loopback port, and stopped by it.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback


class Skip(Exception):
    """A case that cannot run here, with the reason."""


def check(condition, *words):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in words) or "check failed")


def equal(got, want, words=""):
    if got != want:
        raise AssertionError(f"{words}: got {got!r}, want {want!r}")


class Reply:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A started `finsight serve` or `finsight exchange-sim`."""

    def __init__(self, process, info):
        self.process = process
        self.port = int(info["url"].rsplit(":", 1)[1])
        self.url = info["url"]
        self.info = info

    def request(self, method, path, body=None, headers=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Reply(response, response.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def stop(self, how=signal.SIGTERM, timeout=20):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the process did not stop in time")
        finally:
            for stream in (self.process.stdout, self.process.stderr):
                if stream:
                    stream.close()
        return self.process.returncode


class SlowService:
    """A service in a process of its own that bears `places` requests at once, each of `seconds` (tests/lib/slow_service.py)."""

    def __init__(self, places, seconds):
        tool = pathlib.Path(__file__).parent.parent / "lib/slow_service.py"
        self.process = subprocess.Popen([sys.executable, tool, str(places), str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


class Suite:
    def __init__(self, binary):
        self.binary = str(pathlib.Path(binary).resolve())
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="finsight-e2e-"))
        self.data = self.root / "data"
        self.servers = []

    # --- starting things ---

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("FINSIGHT_")}
        return {**env, "HOME": str(self.root), "NO_COLOR": "1"}

    def start(self, *args, log=None):
        err = open(log or self.root / f"log-{len(self.servers)}", "wb")
        process = subprocess.Popen([self.binary, *map(str, args), "--json"], stdout=subprocess.PIPE, stderr=err,
                                   env=self.environment())
        err.close()
        line = process.stdout.readline()
        if not line:
            process.wait(10)
            process.stdout.close()
            raise AssertionError(f"{args[0]} did not start: status {process.returncode}")
        info = json.loads(line)
        if "error" in info:
            process.wait(10)
            process.stdout.close()
            raise AssertionError(f"{args[0]} did not start: {info['error']}")
        server = Server(process, info)
        self.servers.append(server)
        return server

    def exchange(self, *args):
        return self.start("exchange-sim", "--port", 0, *args)

    def serve(self, *args, exchange=None):
        flags = ["--data-dir", self.data, "--port", 0]
        if exchange:
            flags += ["--binance-url", exchange.url, "--binance-simulated", "--binance-private"]
        return self.start("serve", *flags, *args)

    def key(self):
        return (self.data / "admin.key").read_text().strip()

    def cli(self, *args, status=0, stdin=None, timeout=60):
        done = subprocess.run([self.binary, *map(str, args), "--data-dir", str(self.data)], env=self.environment(),
                              input=stdin, capture_output=True, text=True, timeout=timeout)
        if status is not None and done.returncode != status:
            raise AssertionError(f"finsight {' '.join(map(str, args))}: status {done.returncode}, not {status}\n"
                                 f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done

    def close(self):
        problem = None
        for server in self.servers:
            if server.process.poll() is None:
                try:
                    server.stop()
                except AssertionError as e:
                    problem = e
            elif server.process.stdout and not server.process.stdout.closed:
                server.process.stdout.close()
        shutil.rmtree(self.root, ignore_errors=True)
        if problem:
            raise problem


def wait_for(condition, seconds=10, what="condition"):
    """Polls: used where another process must get somewhere, never to guess how long something takes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true in {seconds} s")


def main(suite_class):
    binary = sys.argv[1]
    only = sys.argv[2:]
    names = [n for n in vars(suite_class) if n.startswith("test_") and (not only or any(o in n for o in only))]
    print(f"1..{len(names)}", flush=True)
    failed = 0
    for i, name in enumerate(names, 1):
        suite = suite_class(binary)
        try:
            try:
                getattr(suite, name)()
            finally:
                suite.close()
            print(f"ok {i} - {name}", flush=True)
        except Skip as e:
            print(f"ok {i} - {name} # SKIP {e}\n# skipped: {e}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {i} - {name}")
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
    return int(failed > 0)
