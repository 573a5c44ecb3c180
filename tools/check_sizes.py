#!/usr/bin/env python3
"""No function over 70 lines, no file over 800 in src/; tests may have 120 and 1000. What is longer stands in
tools/sizes.txt with its length and its reason: that record may only fall. --top shows the ten longest of each."""
import pathlib
import re
import sys

LIMITS = {"src": (70, 800), "tests": (120, 1000), "bench": (120, 1000)}


def functions(text):
    """(name, lines) of each function. clang-format leaves at column 0 only a function's first line and its closing
    brace; what it closes began at the last such line."""
    start = name = None
    for n, line in enumerate(text.splitlines()):
        if re.match(r"(?!typedef )[A-Za-z_].*\w\(", line):
            start = n
            line = re.sub(r"__attribute__\(\(.*?\)\) ?|TEST\(", "", line)
            name = re.search(r"\w+(?=[()]|$)", line).group()
        elif line == "}" and start is not None:
            yield name, n - start + 1
            start = None


def record(text):
    kept = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            kept[words[0]] = int(words[1])
    return kept


def measure(root):
    for top, (function_max, file_max) in LIMITS.items():
        for p in sorted((root / top).rglob("*.[ch]")):
            text, path = p.read_text(), str(p.relative_to(root))
            yield path, text.count("\n"), file_max
            for name, n in functions(text):
                yield f"{path}:{name}", n, function_max


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    kept = record((root / "tools/sizes.txt").read_text())
    sizes = list(measure(root))
    if "--top" in sys.argv:
        for kind in (False, True):
            for path, n, _ in sorted((s for s in sizes if (":" in s[0]) == kind), key=lambda s: -s[1])[:10]:
                print(f"{n:6} {path}")
    if sum(":" in path for path, _, _ in sizes) < 100:
        sys.exit("found hardly any function: the scan is broken")
    bad, seen = 0, set()
    for path, n, limit in sizes:
        allowed = max(kept.get(path, 0), limit)
        seen.add(path)
        if n > allowed:
            print(f"{path}: {n} lines, at most {allowed}: split it by meaning")
            bad += 1
        elif path in kept and n < kept[path]:
            print(f"{path}: {n} lines now: lower its record in tools/sizes.txt from {kept[path]}" +
                  (" (or drop it)" if n <= limit else ""))
            bad += 1
    for path in sorted(set(kept) - seen):
        print(f"{path}: is gone: drop it from tools/sizes.txt")
        bad += 1
    sys.exit(bad > 0)


main()
