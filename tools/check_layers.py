#!/usr/bin/env python3
"""The include graph obeys tools/layers.txt and has no cycle (PRI-04, PRI-15, MDS-06, MDS-49).

A file under src/ may include what its layer is granted; includes of ours are written from src/; third-party headers
stay in the .c files named for them; a header X_internal.h stays in its own folder. With --self-test the checker proves
on a made-up tree that each of its complaints can be made.
"""
import fnmatch
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)
SYSTEM = re.compile(r"^(assert|ctype|dirent|elf|errno|fcntl|fenv|float|ftw|getopt|grp|ifaddrs|immintrin|inttypes|libgen|limits|link|locale"
                    r"|malloc|math|netdb|poll|pthread|pwd|sched|semaphore|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef"
                    r"|stdint|stdio|stdlib|string|strings|termios|time|ucontext|unistd|wchar|cpuid|x86intrin|nmmintrin|dlfcn"
                    r"|(sys|net|netinet|arpa|linux|asm)/[a-z0-9_/-]+)\.h$")


class Rules:
    def __init__(self, text):
        self.layers, self.third_party = [], {}
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] == "third-party":
                self.third_party[words[1]] = words[2:]
            else:
                self.layers.append((words[0], words[1:]))

    def granted(self, layer):
        return next((allowed for pattern, allowed in self.layers if fnmatch.fnmatch(layer, pattern)), None)


def layer_of(parts):
    """services/market/x.c -> services/market; core/x.c -> core"""
    return "/".join(parts[:2]) if parts[0] in ("services", "adapters") and len(parts) > 2 else parts[0]


def check_ours(src, path, name, rules, complain):
    target = pathlib.PurePath(name)
    if len(target.parts) < 2 or not (src / name).exists():
        complain(path, f'"{name}": write the path from src/ of a file that exists')
        return
    mine, its = layer_of(path.parts), layer_of(target.parts)
    allowed = rules.granted(mine)
    if allowed is None:
        complain(path, f"layer {mine} is not in tools/layers.txt")
    elif its != mine and not any(fnmatch.fnmatch(its, pattern) for pattern in allowed):
        complain(path, f"{mine} must not include {name} ({its})")
    if target.stem.endswith("_internal") and target.parent != path.parent:
        complain(path, f"{name} is for its own folder")


def check_system(path, name, rules, complain):
    if name in rules.third_party:
        named = str(path) in rules.third_party[name]
        if (path.suffix == ".h" and not named) or not any(fnmatch.fnmatch(str(path), p) for p in rules.third_party[name]):
            complain(path, f"<{name}> may be included by {' '.join(rules.third_party[name])} alone, from .c files")
    elif not SYSTEM.match(name):
        complain(path, f"<{name}> is neither of the C library nor named in tools/layers.txt")


def find_cycle(graph):
    """A list of nodes that leads back to its first, or None. Depth first; grey nodes are on the path."""
    state, path = {}, []

    def visit(node):
        state[node] = "grey"
        path.append(node)
        for other in sorted(graph.get(node, ())):
            if state.get(other) == "grey":
                return path[path.index(other):] + [other]
            if other not in state:
                found = visit(other)
                if found:
                    return found
        path.pop()
        state[node] = "black"
        return None

    for node in sorted(graph):
        if node not in state:
            found = visit(node)
            if found:
                return found
    return None


def check(src, rules):
    complaints, files, layers = [], {}, {}

    def complain(path, words):
        complaints.append(f"src/{path}: {words}")

    for full in sorted(p for p in src.rglob("*") if p.suffix in (".c", ".h")):
        path = full.relative_to(src)
        for kind, name in INCLUDE.findall(full.read_text()):
            if kind == "<":
                check_system(path, name, rules, complain)
                continue
            check_ours(src, path, name, rules, complain)
            files.setdefault(str(path), set()).add(name)
            if len(pathlib.PurePath(name).parts) > 1:
                mine, its = layer_of(path.parts), layer_of(pathlib.PurePath(name).parts)
                if mine != its:
                    layers.setdefault(mine, set()).add(its)
    for what, graph in (("headers", files), ("layers", layers)):
        cycle = find_cycle(graph)
        if cycle:
            complaints.append(f"{what} include each other: {' -> '.join(cycle)}")
    return complaints, len(files)


def self_test(rules):
    cases = {  # name -> files, and words the complaint holds
        "clean": ({"base/a.h": "", "core/b.c": '#include "base/a.h"\n#include <stdio.h>'}, None),
        "upward": ({"core/a.h": "", "base/b.c": '#include "core/a.h"'}, "base must not include"),
        "api to adapters": ({"adapters/store/a.h": "", "api/b.c": '#include "adapters/store/a.h"'}, "api must not"),
        "service to service": ({"services/news/a.h": "", "services/market/b.c": '#include "services/news/a.h"'}, "must not"),
        "adapter to service": ({"services/news/a.h": "", "adapters/store/b.c": '#include "services/news/a.h"'}, "must not"),
        "gateway to service": ({"services/news/a.h": "", "gateway/b.c": '#include "services/news/a.h"'}, "must not"),
        "not from src": ({"core/a.h": "", "core/b.c": '#include "a.h"'}, "write the path"),
        "unknown layer": ({"base/a.h": "", "misc/b.c": '#include "base/a.h"'}, "not in tools/layers.txt"),
        "library in a header": ({"adapters/store/a.h": "#include <sqlite3.h>"}, "from .c files"),
        "library elsewhere": ({"core/a.c": "#include <sqlite3.h>"}, "may be included by"),
        "unknown library": ({"core/a.c": "#include <glib.h>"}, "neither"),
        "internal": ({"net/x_internal.h": "", "api/b.c": '#include "net/x_internal.h"'}, "own folder"),
        "cycle": ({"core/a.h": '#include "core/b.h"', "core/b.h": '#include "core/a.h"'}, "include each other"),
    }
    failed = 0
    for name, (files, want) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            src = pathlib.Path(folder)
            for path, text in files.items():
                (src / path).parent.mkdir(parents=True, exist_ok=True)
                (src / path).write_text(text)
            got, _ = check(src, rules)
        ok = not got if want is None else len(got) == 1 and want in got[0]
        if not ok:
            print(f"self-test '{name}': wanted {want!r}, got {got}")
            failed += 1
    return failed


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    rules = Rules((root / "tools/layers.txt").read_text())
    if "--self-test" in sys.argv:
        sys.exit(self_test(rules) > 0)
    complaints, n = check(root / "src", rules)
    print("\n".join(complaints))
    if n == 0:
        sys.exit("no files under src/: wrong place?")
    sys.exit(len(complaints) > 0)


main()
