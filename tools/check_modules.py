#!/usr/bin/env python3
"""Every module of the product is a library of its own with tests of its own, and what all share exists once (PRI-13, PRI-16).

usage: check_modules.py BUILD_DIR | --self-test
Reads the build graph (meson introspect) and the include lines.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Where a module's own tests are, when that is not tests/unit/<its first folder>.
TESTED_IN = {"app": ["tests/e2e"], "cli": ["tests/unit/cli", "tests/e2e"],
             "adapters": ["tests/unit/adapters", "tests/contract", "tests/e2e"]}
# Logging, metrics, failures, workers, JSON: one module each, used by several layers. Configuration is read once, by app,
# which hands it down.
SHARED = ["cfg", "log", "metrics", "err", "lane", "json", "ctx", "clock"]
USERS_MIN = {"cfg": 1}


def modules(targets):
    """{folder below src: library} of the build graph."""
    found = {}
    for t in targets:
        folder = pathlib.PurePath(t["folder"])
        if t["type"] == "static library" and folder.parts[0] == "src":
            found["/".join(folder.parts[1:])] = t["name"]
    return found


def faults(found, folders, test_folders, users, tests_of):
    for folder in folders:
        if folder not in found and folder != "app":
            yield f"src/{folder}: has sources and no library of its own"
    for folder in sorted(set(found) | {"app"}):
        first = folder.split("/")[0]
        places = TESTED_IN.get(first, [f"tests/unit/{first}"])
        if not any(place == t or t.startswith(place + "/") for place in places for t in test_folders):
            yield f"src/{folder}: no test of {' or '.join(places)} is in the build"
    for name in SHARED:
        layers = users.get(name, set())
        if len(layers - {"base"}) < USERS_MIN.get(name, 2):
            yield f"base/{name}.h: used by {sorted(layers)} only; is it shared?"
        if not tests_of.get(name):
            yield f"base/{name}.h: no test under tests/unit/base includes it"


def read_tree():
    folders = sorted({str(p.parent.relative_to(ROOT / "src")) for p in (ROOT / "src").rglob("*.c")})
    users, tests_of = {}, {}
    for p in list((ROOT / "src").rglob("*.[ch]")) + list((ROOT / "tests/unit/base").glob("*.c")):
        for name in re.findall(r'#include "base/(\w+)\.h"', p.read_text()):
            parts = p.relative_to(ROOT).parts
            if parts[0] == "src":
                users.setdefault(name, set()).add(parts[1])
            else:
                tests_of.setdefault(name, []).append(p.name)
    # One header includes another: ctx.h brings clock.h and err.h, as every caller of them knows.
    for name, brings in (("log", ("ctx",)), ("ctx", ("clock", "err"))):
        for other in brings:
            users.setdefault(other, set()).update(users.get(name, set()))
            tests_of.setdefault(other, []).extend(tests_of.get(name, []))
    return folders, users, tests_of


def introspect(build, what):
    return json.loads(subprocess.run(["meson", "introspect", what, build], check=True, capture_output=True, text=True).stdout)


def self_test():
    users = {n: {"api", "net"} for n in SHARED}
    tests_of = {n: ["test_x.c"] for n in SHARED}
    good = ({"base": "base", "net": "net"}, ["base", "net", "app"], ["tests/unit/base", "tests/unit/net", "tests/e2e"])
    assert list(faults(*good, users, tests_of)) == []
    assert len(list(faults(good[0], ["base", "net", "new"], good[2], users, tests_of))) == 1
    assert len(list(faults(good[0], good[1], ["tests/unit/base", "tests/e2e"], users, tests_of))) == 1
    assert len(list(faults(*good, {**users, "log": {"base", "api"}}, tests_of))) == 1
    assert len(list(faults(*good, users, {**tests_of, "cfg": []}))) == 1


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    targets = introspect(sys.argv[1], "--targets")
    for t in targets:
        t["folder"] = str(pathlib.Path(t["defined_in"]).parent.relative_to(ROOT))
    test_ids = {i for t in introspect(sys.argv[1], "--tests") for i in t["depends"]}
    test_folders = {t["folder"] for t in targets if t["id"] in test_ids and t["folder"].startswith("tests/")}
    test_folders |= {"tests/e2e"} if any(t["suite"][0].endswith("e2e") for t in introspect(sys.argv[1], "--tests")) else set()
    found = modules(targets)
    folders, users, tests_of = read_tree()
    bad = list(faults(found, folders, test_folders, users, tests_of))
    for line in bad:
        print(line)
    print(f"{len(found)} libraries, {len(SHARED)} shared modules, {len(bad)} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
