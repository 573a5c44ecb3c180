/* core/dataset_json.c - candles as a JSON document, read row by row.
 *
 * Reading: a scanner finds the rows, the objects of the array that is the document or its member "candles". Each row,
 * and what is left of the document when its rows are taken out, goes to the strict reader of base/json.h. So the
 * document may be of any size, and nothing that is not JSON passes. */

#include "base/json.h"
#include "base/num.h"
#include "core/dataset_text.h"

enum { HEAD_MAX = 64 << 10, ROW_TEXT_MAX = 2 * TIME_TEXT_MAX + 5 * NUM_TEXT_MAX + CANDLE_FLAGS_TEXT_MAX + 160 };

/* --- writing --- */

void dataset_json_begin(const SeriesKey *key, Buf *out) {
    Arena a = { 0 };
    BUF_LIT(out, "{\"format\":\"finsight-candles\"");
    if (key->venue.s[0] && key->symbol.s[0] && timeframe_valid(key->timeframe)) {
        BUF_LIT(out, ",\"series\":");
        json_quote(out, series_key_text(&a, key));
    }
    if (str_eq(venue_str(&key->provider), S("sim")))
        BUF_LIT(out, ",\"simulated\":true");
    BUF_LIT(out, ",\"candles\":[");
    arena_done(&a);
}

static char *put(char *p, const char *text, size_t n) {
    memcpy(p, text, n);
    return p + n;
}
#define PUT(p, literal) put((p), ("" literal ""), sizeof(literal) - 1)

int dataset_json_rows(const Candles *cs, size_t from, size_t n, bool first, Buf *out) {
    static const char *const names[] = { "\",\"open\":", ",\"high\":", ",\"low\":", ",\"close\":", ",\"volume\":" };
    const double *const columns[] = { cs->open, cs->high, cs->low, cs->close, cs->volume };
    int hints[ARRAY_LEN(columns)] = { 0 };
    for (size_t i = from; i < from + n; i++) {
        char *const row = buf_reserve(out, ROW_TEXT_MAX);
        if (!row)
            return ERR_LIMIT;
        char *p = first && i == from ? PUT(row, "\n{\"timestamp\":\"") : PUT(row, ",\n{\"timestamp\":\"");
        p += time_format_iso(time_ms(cs->open_ms[i]), p);
        for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
            p = put(p, names[k], strlen(names[k]));
            p += num_format_f64_hint(columns[k][i], &hints[k], p);
        }
        if (cs->known_ms[i]) {
            p = PUT(p, ",\"known_at\":\"");
            p += time_format_iso(time_ms(cs->known_ms[i]), p);
            *p++ = '"';
        }
        if (cs->flags[i]) {
            p = PUT(p, ",\"flags\":\"");
            p += candle_flags_format(cs->flags[i], p);
            *p++ = '"';
        }
        *p++ = '}';
        out->n += (size_t)(p - row);
    }
    return 0;
}

void dataset_json_end(Buf *out) {
    BUF_LIT(out, "\n]}\n");
}

/* --- reading --- */

struct JsonRows {
    SeriesKey key;
    Buf head, row; /* the document without its rows; the row under way */
    Arena arena;   /* of one row */
    int depth;     /* of brackets, outside of rows */
    int row_depth; /* inside the row; 0 = between rows */
    int array_at;  /* depth of the array of rows; 0 = not there (yet) */
    bool in_string, escaped, want_comma, key_read, done;
    int64_t n;
};

JsonRows *json_rows_new(const SeriesKey *given) {
    JsonRows *r = mem_new(JsonRows);
    r->key = *given;
    buf_init(&r->head, HEAD_MAX);
    buf_init(&r->row, DATASET_ROW_MAX);
    return r;
}

void json_rows_free(JsonRows *r) {
    if (!r)
        return;
    buf_done(&r->head);
    buf_done(&r->row);
    arena_done(&r->arena);
    mem_free(r);
}

const SeriesKey *json_rows_key(const JsonRows *r) {
    return &r->key;
}

static int bad_row(const JsonRows *r, Ctx *cx, const char *why) {
    return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "candles[%lld]", (long long)r->n), "row %lld: %s",
                      (long long)r->n + 1, why);
}

/* Members known so far: `whole` asks for the end of the document as well. */
static int read_head(JsonRows *r, Ctx *cx, bool whole) {
    JsonReader j;
    Str key, text;
    int more = 0;
    json_reader_init(&j, buf_str(&r->head), cx->arena, 32);
    if (json_peek(&j) == JSON_OBJECT) {
        json_open_object(&j);
        while ((more = json_object_next(&j, &key)) > 0) {
            if (!str_eq(key, S("series")) || json_peek(&j) != JSON_STRING)
                continue;
            json_read_str(&j, &text);
            if (j.err == 0 && !series_key_parse(text, &r->key))
                return err_set_at(cx, ERR_INVALID, S("series"), "'" STR_FMT "' is not a series: venue:symbol:timeframe",
                                  STR_ARG(str_first(text, 80)));
        }
    } else if (whole) {
        json_skip(&j);
    }
    if (whole && (more < 0 || json_finish(&j)))
        return err_set(cx, ERR_INVALID, "not a JSON document: %s", j.why ? j.why : "it does not end");
    r->key_read = true;
    return 0;
}

static int read_time(JsonReader *j, Time *out) {
    Str text;
    if (json_peek(j) == JSON_NUMBER) {
        JsonToken t;
        int e = json_next(j, &t);
        return e ? e : time_parse_any(t.text, out) ? 0 : json_fail(j, "not a time");
    }
    int e = json_read_str(j, &text);
    return e ? e : time_parse_any(text, out) ? 0 : json_fail(j, "not a time");
}

static int read_flags(JsonReader *j, uint8_t *out) {
    Str text;
    int e = json_read_str(j, &text);
    return e ? e : candle_flags_parse(text, out) ? 0 : json_fail(j, "flags that are not known");
}

/* The member that `key` names; the bits of those that a row needs are added to `seen`. */
static void read_member(JsonReader *j, Str key, Candle *c, unsigned *seen) {
    static const char *const names[] = { "open", "high", "low", "close", "volume" };
    double *const numbers[] = { &c->open, &c->high, &c->low, &c->close, &c->volume };
    if (str_eq(key, S("timestamp")) || str_eq(key, S("ts")) || str_eq(key, S("time"))) {
        *seen |= read_time(j, &c->open_time) == 0 ? 16u : 0;
    } else if (str_eq(key, S("known_at"))) {
        if (!json_read_null(j))
            read_time(j, &c->known_at);
    } else if (str_eq(key, S("flags"))) {
        read_flags(j, &c->flags);
    } else {
        for (unsigned k = 0; k < ARRAY_LEN(names); k++)
            if (str_eq(key, str_c(names[k])) && json_read_f64(j, numbers[k]) == 0)
                *seen |= k < 4 ? 1u << k : 0; /* a volume may be missing */
    }
}

static int read_row(JsonRows *r, Ctx *cx, Candles *out) {
    enum { NEEDED = 31 };
    Candle c = { 0 };
    double *const numbers[] = { &c.open, &c.high, &c.low, &c.close, &c.volume };
    JsonReader j;
    Str key;
    unsigned seen = 0;
    int more;
    arena_reset(&r->arena);
    json_reader_init(&j, buf_str(&r->row), &r->arena, 16);
    json_open_object(&j);
    while ((more = json_object_next(&j, &key)) > 0)
        read_member(&j, key, &c, &seen);
    if (more < 0 || json_finish(&j))
        return bad_row(r, cx, j.why ? j.why : "not an object");
    if (seen != NEEDED)
        return bad_row(r, cx, "timestamp, open, high, low and close are needed");
    for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
        *numbers[k] += 0.0; /* -0 becomes 0 */
    return dataset_take(cx, "row", ++r->n, &c, out);
}

/* The head ends in a '[': whether that one opens the array of rows. */
static bool opens_rows(const JsonRows *r) {
    Str had = str_trim(str_first(buf_str(&r->head), r->head.n - 1));
    if (r->array_at || had.n == 0)
        return !r->array_at; /* the first thing of all does; a second array does not */
    return had.p[had.n - 1] == ':' && r->depth == 1 && str_ends(str_trim(str_first(had, had.n - 1)), S("\"candles\""));
}

/* A byte outside of rows: kept for read_head, and looked at for the array of rows. */
static int take_head(JsonRows *r, Ctx *cx, char c) {
    bool rows = r->array_at && r->depth == r->array_at; /* no string begins between rows */
    if (rows && c == ',') {
        if (!r->want_comma)
            return bad_row(r, cx, "a comma where a row should be");
        r->want_comma = false;
        return 0;
    }
    if (rows && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
        return 0;
    if (rows && c != ']')
        return bad_row(r, cx, "not an object");
    if (buf_put_c(&r->head, c))
        return err_set(cx, ERR_LIMIT, "more than %d bytes beside the rows: not a file of candles", HEAD_MAX);
    if (r->in_string) {
        r->in_string = r->escaped || c != '"';
        r->escaped = !r->escaped && c == '\\';
        return 0;
    }
    r->in_string = c == '"';
    if (c == '[') {
        bool rows_begin = opens_rows(r);
        r->depth++;
        if (rows_begin) {
            r->array_at = r->depth;
            return read_head(r, cx, false);
        }
    } else if (c == '{') {
        r->depth++;
    } else if (c == ']' || c == '}') {
        if (rows && !r->want_comma && r->n > 0)
            return bad_row(r, cx, "a comma with no row behind it");
        if (rows)
            r->array_at = -1; /* there was one; a second is none */
        r->depth--;
    }
    return 0;
}

/* Bytes of a row up to its end or the end of what is there; how many were taken. */
static size_t take_row(JsonRows *r, Str bytes) {
    size_t i = 0;
    do {
        char c = bytes.p[i++];
        if (r->in_string) {
            r->in_string = r->escaped || c != '"';
            r->escaped = !r->escaped && c == '\\';
        } else if (c == '"') {
            r->in_string = true;
        } else {
            r->row_depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    } while (i < bytes.n && r->row_depth > 0);
    return i;
}

int json_rows_feed(JsonRows *r, Ctx *cx, Str bytes, Candles *out) {
    int e = 0;
    for (size_t i = 0; e == 0 && i < bytes.n;) {
        bool starts = r->row_depth == 0 && r->array_at > 0 && r->depth == r->array_at && bytes.p[i] == '{';
        if (r->row_depth == 0 && !starts) {
            e = take_head(r, cx, bytes.p[i++]);
            continue;
        }
        if (starts && r->want_comma)
            return bad_row(r, cx, "no comma before it");
        size_t n = take_row(r, str_from(bytes, i));
        if (buf_put(&r->row, bytes.p + i, n))
            return bad_row(r, cx, "too long for a candle");
        i += n;
        if (r->row_depth == 0) {
            e = read_row(r, cx, out);
            buf_clear(&r->row);
            r->want_comma = true;
        }
    }
    return e;
}

int json_rows_end(JsonRows *r, Ctx *cx) {
    if (r->row_depth > 0)
        return bad_row(r, cx, "it does not end");
    int e = read_head(r, cx, true);
    return e || r->array_at ? e : err_set(cx, ERR_INVALID, "it has no array of candles");
}
