#!/usr/bin/env python3
"""Files of a page as constants of C: embed.py HEADER OUT.c NAME=FILE... makes `const Str NAME` of each."""
import sys


def literal(data):
    rows = []
    for at in range(0, len(data), 96):
        text = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in data[at : at + 96])
        rows.append(f'    "{text}"')
    return "\n".join(rows) or '    ""'


def main():
    header, out, files = sys.argv[1], sys.argv[2], [a.split("=", 1) for a in sys.argv[3:]]
    with open(out, "w") as f:
        f.write(f'/* Made by tools/embed.py. */\n\n#include "{header}"\n')
        for name, path in files:
            f.write(f"\nconst Str {name} = STR_INIT(\n{literal(open(path, 'rb').read())});\n")


main()
