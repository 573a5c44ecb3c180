#!/usr/bin/env python3
"""Compares the reader of feeds with what another one made of the same files: `make golden-feeds`.

usage: golden_feeds.py PROGRAM EXPECTED.json DIR [-v]

EXPECTED: {path below DIR: {"version", "feed": {"title", "link", "language"}, "entries": [{"id", "title", "link",
"published", "updated", "author", "summary", "content", "tags"}]}}; null is absent, times are epoch seconds, titles and
texts are in their normal form: markup stripped, entities resolved, white space folded. Ours are brought into it here. For each field it prints
how many values that are there are equal, and how many that are absent were made up. A field passes with 98 in 100 equal
(or one difference, with fewer than 100 values) and 1 in 100 made up. Exit status 0: every field passes."""
import html
import json
import pathlib
import re
import subprocess
import sys

TEXTS = {"title", "summary", "content"}
FEED_FIELDS = ["title", "link", "language"]
ENTRY_FIELDS = ["id", "title", "link", "published", "updated", "author", "summary", "content", "tags"]


def normal(value):
    if not value:
        return None
    value = html.unescape(re.sub(r"(?s)<[^>]*>", " ", value))
    return re.sub(r"\s+", " ", value).strip() or None


def fields(feed):
    """(name, value) of everything that is compared, in an order that both sides share."""
    yield "version", feed["version"]
    for name in FEED_FIELDS:
        yield "feed." + name, feed["feed"][name]
    for i, entry in enumerate(feed["entries"]):
        for name in ENTRY_FIELDS:
            yield "entry." + name, entry[name]


def normalise(feed):
    for part in [feed["feed"], *feed["entries"]]:
        for name in TEXTS & part.keys():
            part[name] = normal(part[name])
    return feed


def absent(value):
    return value is None or value == []


class Count:
    def __init__(self):
        self.told = self.equal = self.nulls = self.made_up = 0

    def passes(self):
        wrong = self.told - self.equal
        told_ok = wrong <= 1 if self.told < 100 else self.equal >= 0.98 * self.told
        return told_ok and self.made_up <= 0.01 * self.nulls


def compare(expected, got, counts):
    """Counts each field and gives the names of those that differ, with both values."""
    differing = []
    want_entries, got_entries = expected["entries"], got["entries"]
    blank = {name: None for name in ENTRY_FIELDS}
    if len(want_entries) != len(got_entries):
        differing.append(("entries", len(want_entries), len(got_entries)))
    n = max(len(want_entries), len(got_entries))
    pad = lambda entries: entries + [blank] * (n - len(entries))
    for (name, want), (_, have) in zip(fields({**expected, "entries": pad(want_entries)}),
                                       fields({**got, "entries": pad(got_entries)})):
        c = counts.setdefault(name, Count())
        same = want == have or (absent(want) and absent(have))
        if absent(want):
            c.nulls += 1
            c.made_up += not same
        else:
            c.told += 1
            c.equal += same
        if not same:
            differing.append((name, want, have))
    return differing


def read(program, folder, paths):
    out = subprocess.run([program, str(folder)], input="\n".join(paths).encode(), stdout=subprocess.PIPE,
                         timeout=600 + len(paths))
    if out.returncode:
        print(f"FAIL: the reader ended with {out.returncode}")
    feeds = [json.loads(line) for line in out.stdout.decode().split("\n") if line]
    return {f["path"]: normalise(f) for f in feeds}, out.returncode


def run(program, expected_path, folder, verbose):
    expected = json.loads(pathlib.Path(expected_path).read_text())
    paths = sorted(p for p in expected if (pathlib.Path(folder) / p).exists())
    if not paths:
        sys.exit(f"none of the {len(expected)} files of {expected_path} is below {folder}")
    got, status = read(program, folder, paths)
    counts, differing = {}, {}
    for p in paths:
        found = compare(expected[p], got[p], counts) if p in got else [("file", "a feed", None)]
        if found:
            differing[p] = found
    ok = status == 0 and len(got) == len(paths)
    print(f"{len(paths)} files, {len(paths) - len(differing)} equal in every field"
          + (f"; {len(expected) - len(paths)} are not there" if len(paths) < len(expected) else ""))
    print(f"{'field':<16}{'told':>8}{'equal':>8}{'':>9}{'absent':>10}{'made up':>9}")
    for name, c in counts.items():
        ok &= c.passes()
        print(f"{name:<16}{c.told:>8}{c.equal:>8}{100 * c.equal / c.told if c.told else 100:>8.2f}%{c.nulls:>10}"
              f"{c.made_up:>9}  {'ok' if c.passes() else 'FAIL'}")
    for p, found in differing.items():
        print(f"differs: {p}: {', '.join(sorted({f[0] for f in found}))}")
        for name, want, have in found if verbose else ():
            print(f"    {name}: want {want!r}\n    {'':<{len(name)}}   got {have!r}")
    print("PASS" if ok else "FAIL")
    return 0 if ok else 1


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "-v"]
    if len(arguments) != 3:
        sys.exit(__doc__)
    sys.exit(run(*arguments, "-v" in sys.argv))
