/* base/json: what the reader takes, the writer writes, and the reader then takes as the same; skipping and reading
 * agree on what is JSON. */

#include "base/json.h"
#include "base/utf8.h"

#include "fuzz.h"

static int copy(Arena *a, Str text, bool pretty, Buf *out) {
    JsonReader r;
    JsonWriter w;
    JsonToken t;
    int e;
    json_reader_init(&r, text, a, 64);
    json_writer_init(&w, out, pretty);
    while (!(e = json_next(&r, &t)) && t.kind != JSON_NONE) {
        MUST(utf8_valid(t.text));
        switch (t.kind) {
        case JSON_OBJECT:
            json_object(&w);
            break;
        case JSON_OBJECT_END:
            json_object_end(&w);
            break;
        case JSON_ARRAY:
            json_array(&w);
            break;
        case JSON_ARRAY_END:
            json_array_end(&w);
            break;
        case JSON_KEY:
            json_key(&w, t.text);
            break;
        case JSON_STRING:
            json_str(&w, t.text);
            break;
        case JSON_NUMBER:
            json_raw(&w, t.text);
            break;
        case JSON_NULL:
            json_null(&w);
            break;
        default:
            json_bool(&w, t.kind == JSON_TRUE);
        }
    }
    size_t line, column;
    json_where(&r, &line, &column);
    MUST(line >= 1 && column >= 1 && r.p <= r.end);
    MUST(e == 0 || e == ERR_BAD_REQUEST || e == ERR_LIMIT);
    MUST(json_finish(&r) == e);
    return e;
}

static int skip_all(Arena *a, Str text) {
    JsonReader r;
    json_reader_init(&r, text, a, 64);
    int e = json_skip(&r);
    return e ? e : json_finish(&r);
}

/* The typed calls on whatever comes: no crash, an end, errors that stay. */
static void read_typed(Arena *a, Str text) {
    JsonReader r;
    Str s;
    int64_t i;
    double f;
    bool b;
    json_reader_init(&r, text, a, 8);
    for (size_t n = 0; n <= text.n && !r.err; n++) {
        JsonKind kind = json_peek(&r);
        if (kind == JSON_OBJECT && !json_open_object(&r))
            while (json_object_next(&r, &s) > 0)
                n % 2 ? json_read_f64(&r, &f) : json_skip_raw(&r, &s);
        else if (kind == JSON_ARRAY && !json_open_array(&r))
            while (json_array_next(&r) > 0)
                n % 2 ? json_read_str(&r, &s) : json_read_i64(&r, &i);
        else if (!json_read_null(&r))
            json_read_bool(&r, &b);
        if (kind == JSON_NONE)
            break;
    }
    MUST(r.err || json_finish(&r) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = str_n((const char *)data, size);
    Arena a;
    Buf once, twice;
    arena_init(&a, 1 << 20);
    buf_init(&once, 1 << 22);
    buf_init(&twice, 1 << 22);
    int e = copy(&a, text, size % 2, &once);
    int skipped = skip_all(&a, text);
    MUST(e == ERR_LIMIT || skipped == e);
    if (e == 0 && buf_ok(&once)) {
        MUST(copy(&a, buf_str(&once), size % 2, &twice) == 0);
        MUST(str_eq(buf_str(&once), buf_str(&twice)));
    }
    read_typed(&a, text);

    buf_clear(&once);
    JsonReader r;
    Str back;
    MUST(json_quote(&once, text) == 0 || !buf_ok(&once));
    if (buf_ok(&once)) { /* any bytes at all, quoted, are JSON */
        Arena b;
        arena_init(&b, 0);
        json_reader_init(&r, buf_str(&once), &b, 1);
        MUST(json_read_str(&r, &back) == 0 && json_finish(&r) == 0);
        MUST(str_eq(back, utf8_clean(&b, text)));
        arena_done(&b);
    }
    buf_done(&once);
    buf_done(&twice);
    arena_done(&a);
    return 0;
}
