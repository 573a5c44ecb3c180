#!/usr/bin/env python3
"""Writes src/feed/charset_tables.c: the character sets of one byte a character, and every name that Python knows a
character set by, which is what our yardstick understands. Facts are Python's own codecs.
usage: gen_charsets.py > src/feed/charset_tables.c && clang-format-14 is not for it (tables)"""
import encodings.aliases
import pathlib
import pkgutil
import re

OWN = {"ascii": "ASCII", "utf_8": "UTF_8", "utf_8_sig": "UTF_8", "utf_16": "UTF_16_LE", "utf_16_le": "UTF_16_LE",
       "utf_16_be": "UTF_16_BE", "utf_32": "UTF_32_LE", "utf_32_le": "UTF_32_LE", "utf_32_be": "UTF_32_BE",
       "latin_1": "LATIN_1", "iso8859_1": "LATIN_1"}
ICONV = {"big5": "BIG5-HKSCS", "big5hkscs": "BIG5-HKSCS", "cp932": "CP932", "cp949": "UHC", "cp950": "CP950",
         "euc_jis_2004": "EUC-JISX0213", "euc_jisx0213": "EUC-JISX0213", "euc_jp": "EUC-JP", "euc_kr": "EUC-KR",
         "gb18030": "GB18030", "gb2312": "EUC-CN", "gbk": "GBK", "iso2022_jp": "ISO-2022-JP",
         "iso2022_jp_2": "ISO-2022-JP-2", "iso2022_jp_3": "ISO-2022-JP-3", "iso2022_kr": "ISO-2022-KR",
         "johab": "JOHAB", "shift_jis": "SHIFT_JIS", "shift_jisx0213": "SHIFT_JISX0213",
         "shift_jis_2004": "SHIFT_JISX0213", "utf_7": "UTF-7"}
LACKING = "\ufffd"


def charmap(name):
    out = []
    for b in range(256):
        try:
            c = bytes([b]).decode(name)
        except UnicodeDecodeError:
            c = LACKING
        except (LookupError, UnicodeError, ValueError):
            return None
        if len(c) != 1:
            return None
        out.append(c)
    return out


def quoted(chars):
    lines, line = [], ""
    for c in chars:
        if c in "\"\\":
            t = "\\" + c
        elif c == "?":
            t = "\\?"
        elif ord(c) < 32 or ord(c) == 127:
            t = "\\%03o" % ord(c)
        elif c.isprintable() and c != "\u00a0" and not 0x590 <= ord(c) < 0x700 and ord(c) < 0xe000:
            t = c
        else:
            t = "".join("\\%03o" % b for b in c.encode())
        if len((line + t)) > 104:
            lines.append(line)
            line = ""
        line += t
    lines.append(line)
    return "\n".join('      "%s"' % x for x in lines)


modules = {m.name for m in pkgutil.iter_modules([str(pathlib.Path(encodings.__file__).parent)])}
aliases = {k: v for k, v in encodings.aliases.aliases.items()}
aliases.update({m: m for m in modules})
tables, names = {}, {}
for alias, codec in sorted(aliases.items()):
    if codec in OWN:
        names[alias] = ("CHARSET_" + OWN[codec], None)
    elif codec in ICONV:
        names[alias] = ("CHARSET_ICONV", '"%s"' % ICONV[codec])
    elif codec in modules and codec not in ("charmap", "undefined", "mbcs", "oem", "idna", "punycode"):
        if codec not in tables:
            tables[codec] = charmap(codec) if re.search(r"charmap", pathlib.Path(
                encodings.__file__).parent.joinpath(codec + ".py").read_text()) else None
        if tables[codec]:
            names[alias] = ("CHARSET_TABLE", codec)

print("""/* feed/charset_tables.c - made by tools/gen_charsets.py: do not edit.
 *
 * A table is the characters of the bytes 0x80..0xff in order, or of all 256 where the lower half is not ASCII (EBCDIC);
 * U+FFFD stands where the set has no character. */

#include "feed/charset_internal.h"

/* clang-format off */
const CharsetTable charset_tables[] = {""")
kept = sorted(k for k, v in tables.items() if v)
for codec in kept:
    chars = tables[codec]
    half = chars[:128] == [chr(i) for i in range(128)]
    print('    { "%s", %s,\n%s },' % (codec.replace("_", "-") if not codec.startswith("cp") else codec,
                                     "false" if half else "true", quoted(chars[128:] if half else chars)))
print("""};

const CharsetName charset_names[] = { /* sorted; lower case, '_' for all that is no letter or digit */""")
line = ""
for alias in sorted(names):
    kind, what = names[alias]
    extra = "%d" % kept.index(what) if kind == "CHARSET_TABLE" else "0"
    item = '{ "%s", %s, %s, %s },' % (alias, kind, extra, what if kind == "CHARSET_ICONV" else "NULL")
    if len(line) + len(item) + 5 > 120:
        print("    " + line)
        line = ""
    line = (line + " " + item).strip()
print("    " + line)
print("""};
/* clang-format on */

const size_t charset_names_n = ARRAY_LEN(charset_names);""")
