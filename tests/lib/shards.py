#!/usr/bin/env python3
"""tests/lib/shards.py N PROGRAM - runs the cases of one test program in N processes at once and joins their TAP.

For suites that spend their time waiting (the mock brokers of Kafka hold every new group for three seconds): the cases
share nothing, and the machine is idle meanwhile.
"""
import re
import subprocess
import sys

CASE = re.compile(r"^((?:not )?ok)\b(?: +\d+)?(.*)$")


def main():
    n, program = int(sys.argv[1]), sys.argv[2]
    parts = [subprocess.Popen([program, f"{i}/{n}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace") for i in range(1, n + 1)]
    count = status = 0
    for part in parts:  # a part that has written its pipe full waits here for its turn
        out, err = part.communicate()
        for line in (out + err).splitlines():
            case = CASE.match(line)
            if case:
                count += 1
                line = f"{case[1]} {count}{case[2]}"
            if not line.startswith("1.."):
                print(line)
        if part.returncode:
            status = part.returncode
            print(f"# a part of {program} ended with status {part.returncode}")
    print(f"1..{count}")
    return int(status != 0)


sys.exit(main())
