/* base/json_writer.c - see json.h. */

#include "base/json.h"
#include "base/json_plain.h"
#include "base/num.h"
#include "base/utf8.h"

#include <math.h>

enum { LEVEL_OBJECT = 1, LEVEL_COMMA = 2 };

void json_writer_init(JsonWriter *w, Buf *out, bool pretty) {
    *w = (JsonWriter){ .out = out, .pretty = pretty };
}

static void new_line(JsonWriter *w) {
    char *p = buf_reserve(w->out, 1 + 2 * (size_t)w->depth);
    if (!p)
        return;
    *p = '\n';
    memset(p + 1, ' ', 2 * (size_t)w->depth);
    w->out->n += 1 + 2 * (size_t)w->depth;
}

/* The comma and the line before a key or an item. */
static void separate(JsonWriter *w) {
    if (w->depth == 0)
        return;
    uint8_t *level = &w->level[w->depth - 1];
    if (*level & LEVEL_COMMA)
        buf_put_c(w->out, ',');
    *level |= LEVEL_COMMA;
    if (w->pretty)
        new_line(w);
}

static void before_value(JsonWriter *w) {
    assert(w->after_key || w->depth == 0 || !(w->level[w->depth - 1] & LEVEL_OBJECT));
    if (!w->after_key)
        separate(w);
    w->after_key = false;
}

static void open_level(JsonWriter *w, char c, uint8_t level) {
    assert(w->depth < JSON_DEPTH_MAX);
    before_value(w);
    buf_put_c(w->out, c);
    w->level[w->depth++] = level;
}

static void close_level(JsonWriter *w, char c, uint8_t level) {
    assert(w->depth > 0 && (w->level[w->depth - 1] & LEVEL_OBJECT) == level && !w->after_key);
    bool empty = !(w->level[--w->depth] & LEVEL_COMMA);
    if (w->pretty && !empty)
        new_line(w);
    buf_put_c(w->out, c);
}

void json_object(JsonWriter *w) {
    open_level(w, '{', LEVEL_OBJECT);
}

void json_object_end(JsonWriter *w) {
    close_level(w, '}', LEVEL_OBJECT);
}

void json_array(JsonWriter *w) {
    open_level(w, '[', 0);
}

void json_array_end(JsonWriter *w) {
    close_level(w, ']', 0);
}

void json_key(JsonWriter *w, Str key) {
    assert(w->depth > 0 && (w->level[w->depth - 1] & LEVEL_OBJECT) && !w->after_key);
    separate(w);
    json_quote(w->out, key);
    buf_put(w->out, ": ", w->pretty ? 2 : 1);
    w->after_key = true;
}

/* --- values --- */

/* Length of the text that goes out as it is: plain ASCII and valid UTF-8. */
static size_t clean_size(Str s) {
    size_t at = 0;
    while (at < s.n) {
        at += json_plain_size(s.p + at, s.n - at);
        if (at == s.n || !((unsigned char)s.p[at] & 0x80))
            break;
        size_t size = utf8_decode(s.p + at, s.n - at, NULL);
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

/* What stands for the piece at the start of s that is not clean; returns how many bytes of s it takes. */
static size_t put_unclean(Buf *b, Str s) {
    static const char hex[] = "0123456789abcdef";
    static const char names[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    unsigned char c = (unsigned char)s.p[0];
    if (c & 0x80) {
        BUF_LIT(b, "\xEF\xBF\xBD"); /* U+FFFD */
        return utf8_bad_size(s.p, s.n);
    }
    for (size_t i = 0; i < sizeof names - 1; i += 2)
        if (c == (unsigned char)names[i]) {
            buf_put(b, (char[]){ '\\', names[i + 1] }, 2);
            return 1;
        }
    buf_put(b, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
    return 1;
}

int json_quote(Buf *b, Str s) {
    size_t clean = clean_size(s);
    if (LIKELY(clean == s.n)) {
        char *p = buf_reserve(b, s.n + 2);
        if (!p)
            return ERR_LIMIT;
        p[0] = '"';
        if (s.n)
            memcpy(p + 1, s.p, s.n);
        p[s.n + 1] = '"';
        b->n += s.n + 2;
        return 0;
    }
    buf_put_c(b, '"');
    while (s.n && buf_ok(b)) {
        clean = clean_size(s);
        buf_put(b, s.p, clean);
        s = str_from(s, clean);
        if (s.n)
            s = str_from(s, put_unclean(b, s));
    }
    return buf_put_c(b, '"');
}

void json_raw(JsonWriter *w, Str json) {
    before_value(w);
    buf_put_str(w->out, json);
}

void json_str(JsonWriter *w, Str s) {
    before_value(w);
    json_quote(w->out, s);
}

void json_i64(JsonWriter *w, int64_t v) {
    char text[NUM_TEXT_MAX];
    json_raw(w, str_n(text, num_format_i64(v, text)));
}

void json_f64(JsonWriter *w, double v) {
    char text[NUM_TEXT_MAX];
    json_raw(w, isfinite(v) ? str_n(text, num_format_f64(v, text)) : S("null"));
}

void json_bool(JsonWriter *w, bool v) {
    json_raw(w, v ? S("true") : S("false"));
}

void json_null(JsonWriter *w) {
    json_raw(w, S("null"));
}

void json_time(JsonWriter *w, Time t) {
    char text[TIME_TEXT_MAX + 2];
    size_t n = time_format_iso(t, text + 1);
    text[0] = text[n + 1] = '"';
    json_raw(w, str_n(text, n + 2));
}
