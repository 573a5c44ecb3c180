#pragma once

/* base/json.h - RFC 8259: a pull reader over bytes in memory, and a writer into a Buf.
 *
 * Reader: strict (every y_ of JSONTestSuite parses, no n_ does), bounded (depth, and the arena's limit
 * for unescaped strings), zero-copy where a string has no escape: token text borrows from the input or
 * from `scratch`. Numbers stay text until asked for. Strings must be valid UTF-8; lone surrogates are
 * refused. Errors are ERR_BAD_REQUEST (not JSON), ERR_INVALID (JSON, but not the value asked for) or
 * ERR_LIMIT; `why` and json_where say what and where. A key that comes twice is given twice: whoever must
 * refuse that keeps a mark per field.
 *
 *     json_reader_init(&r, text, arena, 64);
 *     json_open_object(&r);
 *     while ((more = json_object_next(&r, &key)) > 0)
 *         if (str_eq(key, S("limit"))) e = json_read_i64(&r, &limit); else e = json_skip(&r);
 *     if (more < 0 || (e = json_finish(&r))) ...
 *
 * A value that was not read is skipped by the next json_object_next or json_array_next. Every call after
 * an error returns that error: check where it suits. One reader, one thread. */

#include "base/buf.h"
#include "base/time.h"

typedef enum JsonKind {
    JSON_NONE, /* end of the text */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,  /* '[' */
    JSON_OBJECT, /* '{' */
    JSON_ARRAY_END,
    JSON_OBJECT_END,
    JSON_KEY, /* followed by its value */
} JsonKind;

typedef struct JsonToken {
    JsonKind kind;
    Str text; /* STRING, KEY: unescaped; NUMBER: as written */
} JsonToken;

enum { JSON_DEPTH_MAX = 256 };

typedef struct JsonReader {
    const char *begin, *p, *end;
    Arena *scratch;
    int err;         /* first error; 0 = none */
    const char *why; /* static words for it */
    /* private */
    int depth, max_depth;
    uint8_t state;
    uint64_t is_object[JSON_DEPTH_MAX / 64]; /* one bit a level */
} JsonReader;

void json_reader_init(JsonReader *r, Str text, Arena *scratch, int max_depth);
int json_next(JsonReader *r, JsonToken *out); /* the raw token stream */
JsonKind json_peek(JsonReader *r);            /* kind of the next token; JSON_NONE also on error */
int json_skip(JsonReader *r);                 /* one whole value; at a key, the key and its value */
int json_skip_raw(JsonReader *r, Str *out);   /* one whole value, its bytes */
int json_finish(JsonReader *r);               /* 0 when only white space is left */
void json_where(const JsonReader *r, size_t *line, size_t *column); /* 1-based, of p; columns count bytes */
int json_fail(JsonReader *r, const char *why);                      /* a semantic error of the caller, at this place */

int json_open_object(JsonReader *r);
int json_object_next(JsonReader *r, Str *key); /* 1 key read, 0 the object is closed, < 0 error */
int json_open_array(JsonReader *r);
int json_array_next(JsonReader *r); /* 1 an item follows, 0 the array is closed, < 0 error */

int json_read_str(JsonReader *r, Str *out);
int json_read_i64(JsonReader *r, int64_t *out); /* also 1e3 and "17" in quotes: venues write both */
int json_read_f64(JsonReader *r, double *out);  /* also a decimal string */
int json_read_bool(JsonReader *r, bool *out);
bool json_read_null(JsonReader *r); /* consumes a null if one is next */

/* --- writer --- */

typedef struct JsonWriter {
    Buf *out;
    bool pretty; /* two spaces an indent */
    /* private */
    int depth;
    uint8_t level[JSON_DEPTH_MAX]; /* object or array; a value was written */
    bool after_key;
} JsonWriter;

/* Commas and quoting are the writer's; balance is the caller's (asserted). The Buf's limit is the limit:
 * check buf_ok at the end. Non-finite doubles are written as null. Invalid UTF-8 becomes U+FFFD. */
void json_writer_init(JsonWriter *w, Buf *out, bool pretty);
void json_object(JsonWriter *w);
void json_object_end(JsonWriter *w);
void json_array(JsonWriter *w);
void json_array_end(JsonWriter *w);
void json_key(JsonWriter *w, Str key);
void json_str(JsonWriter *w, Str s);
void json_i64(JsonWriter *w, int64_t v);
void json_f64(JsonWriter *w, double v);
void json_bool(JsonWriter *w, bool v);
void json_null(JsonWriter *w);
void json_time(JsonWriter *w, Time t);  /* ISO-8601 string */
void json_raw(JsonWriter *w, Str json); /* already JSON */

/* key and value in one call; key is a C literal */
#define json_put_str(w, key, v)  (json_key((w), S(key)), json_str((w), (v)))
#define json_put_i64(w, key, v)  (json_key((w), S(key)), json_i64((w), (v)))
#define json_put_f64(w, key, v)  (json_key((w), S(key)), json_f64((w), (v)))
#define json_put_bool(w, key, v) (json_key((w), S(key)), json_bool((w), (v)))
#define json_put_time(w, key, v) (json_key((w), S(key)), json_time((w), (v)))

/* Quotes and escapes s onto b; the piece of the writer that logs use too. */
int json_quote(Buf *b, Str s);
