#!/usr/bin/env python3
"""Objects of a layer reference no function that tools/symbols.txt denies it (PRI-04): no socket in the core, no clock
in a service, malloc in base/mem.c alone. Reads build objects with nm. usage: check_symbols.py BUILD_DIR [--self-test]
"""
import fnmatch
import pathlib
import subprocess
import sys
import tempfile


class Rules:
    def __init__(self, text):
        self.groups, self.layers, self.allowed = {}, [], {}
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            kind, name, rest = words[0], words[1], words[2:]
            if kind == "group":
                self.groups[name] = rest
            elif kind == "layer":
                unknown = [g for g in rest if g not in self.groups]
                if unknown:
                    sys.exit(f"tools/symbols.txt: layer {name}: no group {unknown}")
                self.layers.append((name, rest))
            elif kind == "allow":
                self.allowed[name] = rest
            else:
                sys.exit(f"tools/symbols.txt: {line}")

    def denied(self, layer, symbol):
        """The group that denies it, or None."""
        groups = next((g for pattern, g in self.layers if fnmatch.fnmatch(layer, pattern)), [])
        for group in groups:
            if any(fnmatch.fnmatchcase(symbol, pattern) for pattern in self.groups[group]):
                return group
        return None


def source_of(build, obj):
    """build/src/core/libcore.a.p/stats.c.o -> core/stats.c; meson writes '_' for a folder inside a target."""
    parts = obj.relative_to(build / "src").parts
    folder = [p for p in parts[:-1] if not p.endswith(".p")]
    return "/".join(folder + [parts[-1][:-2]])


def layer_of(source):
    parts = source.split("/")
    return "/".join(parts[:2]) if parts[0] in ("services", "adapters") else parts[0]


def undefined(objects):
    """(object, symbol) for each undefined symbol."""
    out = subprocess.run(["nm", "-A", "-u", *map(str, objects)], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        obj, _, rest = line.partition(":")
        yield obj, rest.split()[-1].split("@")[0]


def check(build, src, rules):
    objects = sorted((build / "src").rglob("*.o"))
    complaints = []
    for obj, symbol in undefined(objects) if objects else ():
        source = source_of(build, pathlib.Path(obj))
        if not (src / source).exists():
            continue  # a library's source that the build compiles along
        group = rules.denied(layer_of(source), symbol)
        if not group:
            continue
        if symbol not in rules.allowed.get(source, ()):
            complaints.append(f"src/{source}: references {symbol} ({group})")
    return complaints, len(objects)


def self_test(rules):
    program = b"#include <stdlib.h>\n#include <stdio.h>\nvoid *f(void);\nvoid *f(void) { puts(getenv(\"A\")); return malloc(3); }\n"
    with tempfile.TemporaryDirectory() as folder:
        build = pathlib.Path(folder)
        for where, name in (("core/libcore.a.p", "stats.c.o"), ("base/libbase.a.p", "mem.c.o")):
            (build / "src" / where).mkdir(parents=True)
            subprocess.run(["cc", "-c", "-x", "c", "-o", str(build / "src" / where / name), "-"], input=program, check=True)
        got, _ = check(build, pathlib.Path(__file__).resolve().parent.parent / "src", rules)
    want = {"src/core/stats.c: references malloc (heap)", "src/core/stats.c: references puts (console)",
            "src/core/stats.c: references getenv (process)", "src/base/mem.c: references puts (console)",
            "src/base/mem.c: references getenv (process)"}
    if set(got) != want:
        print("self-test: wanted", sorted(want), "got", sorted(got))
    return set(got) != want


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    rules = Rules((root / "tools/symbols.txt").read_text())
    if "--self-test" in sys.argv:
        sys.exit(self_test(rules))
    complaints, n = check(pathlib.Path(sys.argv[1]), root / "src", rules)
    print("\n".join(complaints))
    if n == 0:
        sys.exit(f"no objects under {sys.argv[1]}/src: build first")
    sys.exit(len(complaints) > 0)


main()
