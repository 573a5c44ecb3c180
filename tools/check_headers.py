#!/usr/bin/env python3
"""Every header under src/ compiles alone and twice, with warnings as errors and nothing but src/ on the path. Headers
that tools/layers.txt lets include a library are private to their folder and left out.
usage: check_headers.py COMPILER..."""
import concurrent.futures
import pathlib
import subprocess
import sys

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wundef",
         "-Wno-missing-field-initializers", "-Wno-sign-compare", "-fsyntax-only", "-x", "c", "-"]


def compile_alone(compiler, src, header):
    text = f'#include "{header}"\n#include "{header}"\n'
    r = subprocess.run([*compiler, f"-I{src}", f"-I{src}/../include", *FLAGS], input=text, capture_output=True, text=True)
    return (header, r.stderr) if r.returncode else None


def main():
    compiler = [c for c in sys.argv[1:] if "ccache" not in c] or ["cc"]
    root = pathlib.Path(__file__).resolve().parent.parent
    src = root / "src"
    private = {w for line in open(root / "tools/layers.txt") if line.startswith("third-party") for w in line.split()[2:]}
    headers = sorted(set(str(p.relative_to(src)) for p in src.rglob("*.h")) - private)
    if not headers:
        sys.exit("no headers under src/")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        bad = [r for r in pool.map(lambda h: compile_alone(compiler, src, h), headers) if r]
    for header, words in bad:
        print(f"src/{header} does not compile alone:\n{words}")
    for header in headers:
        if "#pragma once" not in (src / header).read_text()[:200]:
            print(f"src/{header}: begins without #pragma once")
            bad.append(header)
    sys.exit(len(bad) > 0)


main()
