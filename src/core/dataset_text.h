#pragma once

/* core/dataset_text.h - the two text formats of core/dataset.h that have no file of their own: JSON and InfluxDB lines.
 * Readers are fed in pieces; rows behind the last whole one wait inside. */

#include "base/buf.h"
#include "base/ctx.h"
#include "core/series.h"

enum { DATASET_ROW_MAX = 64 << 10 }; /* bytes of one row of text */

/* A candle in a text row: what candle_issues refuses is ERR_INVALID, with the place. */
int dataset_take(Ctx *cx, const char *unit, int64_t row, const Candle *c, Candles *out);

/* --- JSON --- */

void dataset_json_begin(const SeriesKey *key, Buf *out);
int dataset_json_rows(const Candles *cs, size_t from, size_t n, bool first, Buf *out);
void dataset_json_end(Buf *out);

typedef struct JsonRows JsonRows;
JsonRows *json_rows_new(const SeriesKey *given);
void json_rows_free(JsonRows *r);
int json_rows_feed(JsonRows *r, Ctx *cx, Str bytes, Candles *out);
int json_rows_end(JsonRows *r, Ctx *cx);
const SeriesKey *json_rows_key(const JsonRows *r);

/* --- InfluxDB line protocol --- */

int dataset_lines(Ctx *cx, const SeriesKey *key, const Candles *cs, size_t from, size_t n, Buf *out);

typedef struct LineRows LineRows;
LineRows *line_rows_new(const SeriesKey *given);
void line_rows_free(LineRows *r);
int line_rows_feed(LineRows *r, Ctx *cx, Str bytes, Candles *out);
int line_rows_end(LineRows *r, Ctx *cx, Candles *out);
const SeriesKey *line_rows_key(const LineRows *r);
