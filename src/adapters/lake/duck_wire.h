#pragma once

/* adapters/lake/duck_wire.h - what goes over the pipes between the program and its DuckDB child.
 *
 * To the child: one JSON object, then the end. Back: frames of a kind, a size and that many bytes.
 *     'C' columns: JSON array of {"name","type"}
 *     'R' rows: n_rows (uint32), then column by column, row by row: size (uint32; UINT32_MAX is NULL) and text
 *     'E' failure: code as text, a space, words
 *     '.' the end: every row was sent */

#include "base/buf.h"

typedef struct DuckFrame {
    uint32_t kind, size;
} DuckFrame;

enum { DUCK_FRAME_MAX = 64 << 20, DUCK_ROWS = 1024, DUCK_COLUMNS_MAX = 1024, DUCK_REQUEST_MAX = 4 << 20 };
