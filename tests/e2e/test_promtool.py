#!/usr/bin/env python3
"""Prometheus's own checker reads our exposition and finds nothing wrong; and it does find a planted fault."""
import shutil
import subprocess
import sys


def check(text):
    return subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)


def main():
    print("1..2")
    if not shutil.which("promtool"):
        print("ok 1 # SKIP promtool is not installed (Debian package prometheus)")
        print("ok 2 # SKIP promtool is not installed")
        return
    text = subprocess.run([sys.argv[1]], capture_output=True, check=True).stdout
    good = check(text)
    print("ok 1" if good.returncode == 0 and not good.stderr else "not ok 1", "- promtool accepts the exposition")
    for line in (good.stdout + good.stderr).decode().splitlines():
        print("#", line)
    bad = check(text.replace(b"# TYPE finsight_queue_depth gauge", b"# TYPE finsight_queue_depth counter"))
    print("ok 2" if bad.returncode != 0 else "not ok 2", "- a counter without _total is found")


main()
