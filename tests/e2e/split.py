#!/usr/bin/env python3
"""FINSIGHT, but `serve` is three processes: market and backtest, and a gateway before them (TOP-13).

usage: REAL_FINSIGHT=build/src/app/finsight split.py ARGS...
A suite that is given this program in the place of the real one runs against the platform in pieces. Whatever is not
`serve` is the real program. The gateway's line on standard output is this program's; TERM ends all, gateway first.
"""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

REAL = os.environ["REAL_FINSIGHT"]
PR_SET_PDEATHSIG = 1  # sys/prctl.h


def die_with_parent():
    """A KILL of this program is a KILL of the platform: no process may be left behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def option(args, name, standard=None):
    """Takes --name VALUE out of the arguments."""
    if name not in args:
        return standard
    at = args.index(name)
    value = args[at + 1]
    del args[at:at + 2]
    return value


def main():
    args = sys.argv[1:]
    if not args or args[0] != "serve" or "--roles" in args or "--help" in args:
        os.execv(REAL, [REAL, *args])
    data = pathlib.Path(option(args, "--data-dir") or os.environ.get("FINSIGHT_DATA_DIR") or pathlib.Path.home() / "finsight")
    port = option(args, "--port", "-1")
    processes, stopping = [], []

    def stop(signo, frame):
        stopping.append(signo)
        for p in processes[-1:]:  # the gateway drains while its services are there; the others follow below
            p.send_signal(signo)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, lambda *_: [p.send_signal(signal.SIGHUP) for p in processes])

    def start(roles, folder, *flags):
        p = subprocess.Popen([REAL, *args, "--json", "--roles", roles, "--data-dir", str(folder), *flags], stdout=subprocess.PIPE, text=True,
                             preexec_fn=die_with_parent)
        line = p.stdout.readline()
        if not line or "error" in json.loads(line):
            sys.stdout.write(line)
            sys.stdout.flush()
            for other in processes:
                other.terminate()
            sys.exit(p.wait())
        processes.append(p)
        return line, int(json.loads(line)["url"].rsplit(":", 1)[1])

    plain = ["--server.tls.cert", "", "--server.tls.key", ""] if any("tls" in a for a in args) else []
    _, market = start("market", data, "--port", "0", "--server.host", "127.0.0.1", *plain)
    _, backtest = start("backtest", data, "--port", "0", "--services", f"market=127.0.0.1:{market}")
    (data / "gateway").mkdir(parents=True, exist_ok=True)
    if (data / "admin.key").exists():
        shutil.copy(data / "admin.key", data / "gateway")
    line, _ = start("gateway", data / "gateway", "--port", port, "--gateway.fast", "--services",
                    f"market=127.0.0.1:{market},backtest=127.0.0.1:{backtest}")  # fmt: skip
    sys.stdout.write(line)
    sys.stdout.flush()
    status = processes[-1].wait()
    for p in reversed(processes[:-1]):
        p.send_signal(signal.SIGTERM)
    return max([status, *(p.wait() for p in processes[:-1])], key=abs)


if __name__ == "__main__":
    sys.exit(main())
