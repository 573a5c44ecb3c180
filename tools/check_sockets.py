#!/usr/bin/env python3
"""Unit tests open no socket (PRI-06): every test of suite 'unit' runs under no_sockets, whose kernel filter kills a
program that asks for one. usage: check_sockets.py BUILD_DIR NO_SOCKETS
"""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys


def verdict(build, guard, test):
    """None when the test passes under the filter, else what went wrong."""
    try:
        r = subprocess.run([guard, *test["cmd"]], env=os.environ | test["env"], cwd=test["workdir"] or build,
                           capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "did not end in 300 s"
    if r.returncode == 0:
        return None
    if r.returncode == -signal.SIGSYS:
        return "opened a socket"
    return f"ended with {r.returncode}\n{(r.stdout + r.stderr)[-1500:]}"


def main():
    build, guard = pathlib.Path(sys.argv[1]).resolve(), str(pathlib.Path(sys.argv[2]).resolve())
    tests = json.loads((build / "meson-info/intro-tests.json").read_text())
    units = [t for t in tests if any(s.split(":")[-1] == "unit" for s in t["suite"])]
    if not units:
        sys.exit("no unit tests found: the list of tests has another shape now")
    if subprocess.run([guard, "/bin/true"], capture_output=True).returncode == 77:
        sys.exit(77)  # no seccomp here
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = [(t["name"], v) for t, v in zip(units, pool.map(lambda t: verdict(build, guard, t), units)) if v]
    for name, words in bad:
        print(f"{name}: {words}")
    print(f"{len(units)} unit tests, {len(bad)} of them not clean")
    sys.exit(bool(bad))


main()
