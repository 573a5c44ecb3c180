#!/usr/bin/env python3
"""No banned function (tools/banned.txt), no // comment, no TODO, no tab, no trailing blank, in src/, tests/ and bench/.

A line may be exempted, with its reason, by a comment on it: /* allow goto: one way out of nine */
"""
import fnmatch
import pathlib
import re
import sys

TOKEN = re.compile(r'''/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*\'''', re.S)
WORD = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*(?=\()|\b(goto)\b")
ALLOW = re.compile(r"/\*\s*allow (\w+): \w+.*?\*/")
PROMISE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def rules(text):
    table = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            where = []
            for w in words[1:]:
                if w != "-" and "/" not in w:
                    break
                where.append(w)
            table[words[0]] = (where, " ".join(words[1 + len(where):]))
    return table


def blank(text):
    """Code with comments and strings as spaces, lines kept; and the line numbers of // comments."""
    slashes = []

    def hide(m):
        if m.group().startswith("//"):
            slashes.append(text.count("\n", 0, m.start()) + 1)
        return re.sub(r"[^\n]", " ", m.group())

    return TOKEN.sub(hide, text), slashes


def check(path, text, table):
    code, slashes = blank(text)
    found = [(n, "// comment: write /* */") for n in slashes]
    lines = text.splitlines()
    for n, (line, bare) in enumerate(zip(lines, code.splitlines()), 1):
        exempt = set(ALLOW.findall(line))
        for m in WORD.finditer(bare):
            word = m.group(1) or m.group(2)
            where, instead = table.get(word, (None, None))
            if where is None or word in exempt or any(fnmatch.fnmatch(path, w) for w in where):
                continue
            found.append((n, f"{word}: use {instead}"))
        if PROMISE.search(line):
            found.append((n, "a promise for later: do it or drop it"))
        if "\t" in line:
            found.append((n, "tab"))
        if line != line.rstrip():
            found.append((n, "blank at the end"))
    return [f"{path}:{n}: {words}" for n, words in sorted(found)]


def self_test(table):
    cases = {
        "int f(void) { return 0; }": 0,
        "x = atoi(s);": 1,
        'x = "atoi(s)"; /* atoi(s) // */': 0,
        "y = p->free(x); z.free(x); item_free(x);": 0,
        "free(x);": 1,
        "a = b; // why": 1,
        'a = "http://x";': 0,
        "/* TODO later */": 1,
        "goto out;": 1,
        "goto out; /* allow goto: one way out */": 0,
        "c = '\"'; x = rand();": 1,
        "\tx;": 1,
        "x; ": 1,
    }
    bad = [(line, want, check("src/core/x.c", line, table)) for line, want in cases.items()]
    bad = [b for b in bad if len(b[2]) != b[1]]
    for line, want, got in bad:
        print(f"self-test: {line!r}: wanted {want}, got {got}")
    return len(bad) > 0


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    table = rules((root / "tools/banned.txt").read_text())
    if "--self-test" in sys.argv:
        sys.exit(self_test(table))
    files = sorted(p for top in ("src", "tests", "bench") for p in (root / top).rglob("*.[ch]"))
    complaints = [c for p in files for c in check(str(p.relative_to(root)), p.read_text(), table)]
    print("\n".join(complaints))
    if not files:
        sys.exit("no files")
    sys.exit(len(complaints) > 0)


main()
