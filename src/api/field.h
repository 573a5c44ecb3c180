#pragma once

/* api/field.h - one field: its text, its bounds, its default, its absence. Internal to api. */

#include "api/op.h"
#include "api/place.h"

/* The member itself. */
#define FIELD_AT(f, record, T)  ((T *)(void *)((char *)(record) + (f)->offset))
#define FIELD_GET(f, record, T) (*(const T *)(const void *)((const char *)(record) + (f)->offset))

static inline Str field_name(const Field *f) {
    return str_c(f->name);
}

/* A string, number, boolean or time from text, without the bounds: field_check has those. */
int field_scalar(const Field *f, Ctx *cx, const Place *at, Str text, void *record);
/* A value that was given: bounds, characters, pattern, choices; of lists the count and the strings in them. The
 * members of nested shapes are checked by whoever walks them: the reader, or shape_check. */
int field_check(const Field *f, Ctx *cx, const Place *at, const void *record);
/* field_from_text with a place. */
int field_text(const Field *f, Ctx *cx, const Place *at, Str text, void *record);
/* Sets the default, or the value that stands for "none". The default's text is trusted: op_lint checks it. */
void field_default(const Field *f, Ctx *cx, void *record);

/* "Not given", by the rule of op.h. */
bool field_unset(const Field *f, const void *record);
/* Written as null (F_NULLABLE) or left out (F_OMIT_EMPTY). */
bool field_empty(const Field *f, const void *record);
bool shape_empty(const Shape *s, const void *v);

static inline size_t field_item_size(const Field *f) { /* FT_LIST */
    return f->of ? f->of->size : sizeof(Str);
}
static inline size_t field_max_items(const Field *f) {
    return f->max > 0 ? (size_t)f->max : f->type == FT_CANDLES ? FIELD_CANDLES_MAX : FIELD_LIST_MAX;
}
static inline bool field_bounded_below(const Field *f) {
    return f->has_min || f->min != 0;
}

/* Makes room for one more item of a growing list: ERR_TOO_LARGE past the field's or the arena's limit. */
int list_room(const Field *f, Ctx *cx, const Place *at, List *list, size_t *cap);

/* api/shape_check.c */
int shape_check(const Shape *s, Ctx *cx, const Place *at, const void *v);

/* Rows of candles may repeat what the shape around them says once; then they must agree with it. */
typedef struct CandleRowNames {
    Str symbol, exchange, timeframe; /* p NULL: no row named it */
} CandleRowNames;

/* api/shape_read.c */
typedef struct ShapeReader {
    Ctx *cx;
    JsonReader *r;
    bool lenient;     /* a client's reading of an answer */
    uint64_t allowed; /* bits of the fields the top level may have; all ones = every field */
    CandleRowNames names;
} ShapeReader;

/* Reads the members present; *seen gets their bits and refuses those already there. */
int shape_read_members(ShapeReader *rd, const Shape *s, const Place *at, void *out, uint64_t *seen);
/* Required ones missing -> ERR_INVALID; absent ones take their default. */
int shape_finish(const Shape *s, Ctx *cx, const Place *at, uint64_t seen, bool lenient, void *out);
/* A field whose JSON value comes next. */
int shape_read_field(ShapeReader *rd, const Field *f, const Place *at, void *record);
/* The reader's own failure (not JSON, too deep) as an error of the request. */
int shape_json_fault(Ctx *cx, const JsonReader *r);
/* The next value is of the wrong kind, or it is no JSON: says what was wanted and what is there. */
int shape_wrong_kind(ShapeReader *rd, const Place *at, const char *wanted);

/* api/shape_write.c: key and value, or nothing (F_OMIT_EMPTY). */
void field_write(const Field *f, JsonWriter *w, const void *record);
void field_write_value(const Field *f, JsonWriter *w, const void *record);

/* api/candle_json.c */
int candles_read_rows(ShapeReader *rd, const Place *at, size_t most, Candles *out);
