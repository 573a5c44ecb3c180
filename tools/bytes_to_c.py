#!/usr/bin/env python3
"""bytes_to_c.py NAME INPUT OUTPUT - a file as an array of C: NAME, and NAME_size."""
import pathlib
import sys

name, source, target = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
rows = "\n".join("    " + ",".join(str(b) for b in data[i:i + 24]) + "," for i in range(0, len(data), 24))
pathlib.Path(target).write_text(f"#include <stddef.h>\nextern const unsigned char {name}[];\nextern const size_t {name}_size;\n"
                                f"const unsigned char {name}[] = {{\n{rows}\n}};\nconst size_t {name}_size = {len(data)};\n")
