/* base/json_reader.c - see json.h. The grammar is RFC 8259's; `state` says what may come next. */

#include "base/json.h"
#include "base/json_plain.h"
#include "base/num.h"
#include "base/utf8.h"

typedef enum State {
    WANT_VALUE,        /* at the start, behind a key, behind a comma of an array */
    WANT_ITEM_OR_END,  /* behind '[' */
    WANT_KEY,          /* behind a comma of an object */
    WANT_KEY_OR_END,   /* behind '{' */
    WANT_COMMA_OR_END, /* behind a value; outside of everything: the end of the text */
} State;

static int fail(JsonReader *r, int code, const char *why) {
    if (!r->err) {
        r->err = code;
        r->why = why;
    }
    return r->err;
}

static int fail_syntax(JsonReader *r, const char *at, const char *why) {
    r->p = at;
    return fail(r, ERR_BAD_REQUEST, at == r->end ? "the text ends too early" : why);
}

void json_reader_init(JsonReader *r, Str text, Arena *scratch, int max_depth) {
    assert(scratch && max_depth >= 1 && max_depth <= JSON_DEPTH_MAX);
    const char *p = text.p ? text.p : "";
    *r = (JsonReader){ .begin = p, .p = p, .end = p + text.n, .scratch = scratch, .max_depth = max_depth };
}

int json_fail(JsonReader *r, const char *why) {
    return fail(r, ERR_INVALID, why);
}

void json_where(const JsonReader *r, size_t *line, size_t *column) {
    const char *start = r->begin;
    *line = 1;
    for (const char *nl; (nl = memchr(start, '\n', (size_t)(r->p - start))); start = nl + 1)
        ++*line;
    *column = (size_t)(r->p - start) + 1;
}

/* --- levels --- */

static bool in_object(const JsonReader *r) {
    int level = r->depth - 1;
    return level >= 0 && r->is_object[level / 64] >> level % 64 & 1;
}

static int open_level(JsonReader *r, bool object) {
    if (r->depth == r->max_depth)
        return fail(r, ERR_LIMIT, "nested too deeply");
    uint64_t bit = UINT64_C(1) << r->depth % 64;
    uint64_t *word = &r->is_object[r->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    r->depth++;
    r->state = object ? WANT_KEY_OR_END : WANT_ITEM_OR_END;
    r->p++;
    return 0;
}

static void close_level(JsonReader *r) {
    r->depth--;
    r->state = WANT_COMMA_OR_END;
    r->p++;
}

/* --- where the next token starts, and what it is --- */

static inline void skip_space(JsonReader *r) {
    const char *p = r->p;
    while (p < r->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    r->p = p;
}

static JsonKind value_kind(char c) {
    switch (c) {
    case '"':
        return JSON_STRING;
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER : JSON_NONE;
    }
}

/* Behind a value: takes the comma, or sees the closing bracket or the end of the text. */
static int settle_behind_value(JsonReader *r, JsonKind *kind) {
    *kind = JSON_NONE;
    if (r->depth == 0)
        return r->p == r->end ? 0 : fail_syntax(r, r->p, "something follows the value");
    bool object = in_object(r);
    if (r->p == r->end)
        return fail_syntax(r, r->p, "");
    if (*r->p == ',') {
        r->p++;
        skip_space(r);
        r->state = object ? WANT_KEY : WANT_VALUE;
        return 0;
    }
    if (*r->p != (object ? '}' : ']'))
        return fail_syntax(r, r->p, object ? "',' or '}' is expected" : "',' or ']' is expected");
    *kind = object ? JSON_OBJECT_END : JSON_ARRAY_END;
    return 0;
}

/* Moves p to the next token, over white space and a comma, and tells its kind by its first byte. */
static int settle(JsonReader *r, JsonKind *kind) {
    if (UNLIKELY(r->err)) {
        *kind = JSON_NONE;
        return r->err;
    }
    skip_space(r);
    if (r->state == WANT_COMMA_OR_END) {
        int e = settle_behind_value(r, kind);
        if (e || r->state == WANT_COMMA_OR_END)
            return e;
    }
    *kind = JSON_NONE;
    if (r->p == r->end)
        return fail_syntax(r, r->p, "");
    if (r->state == WANT_KEY || r->state == WANT_KEY_OR_END) {
        if (*r->p == '"')
            *kind = JSON_KEY;
        else if (*r->p == '}' && r->state == WANT_KEY_OR_END)
            *kind = JSON_OBJECT_END;
        else
            return fail_syntax(r, r->p, "a key in quotes is expected");
        return 0;
    }
    if (*r->p == ']' && r->state == WANT_ITEM_OR_END)
        *kind = JSON_ARRAY_END;
    else if ((*kind = value_kind(*r->p)) == JSON_NONE)
        return fail_syntax(r, r->p, "a value is expected");
    return 0;
}

/* --- strings --- */

static int hex4(const char *p, const char *end) { /* -1: not four hex digits */
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* The code point written at p, which is behind "\u"; *size gets the bytes used, 4 or 10. -1: none. */
static int32_t escaped_code_point(const char *p, const char *end, size_t *size) {
    int high = hex4(p, end);
    *size = 4;
    if (high < 0xD800 || high > 0xDFFF)
        return high;
    if (high > 0xDBFF || end - p < 6 || p[4] != '\\' || p[5] != 'u')
        return -1;
    int low = hex4(p + 6, end);
    *size = 10;
    return low < 0xDC00 || low > 0xDFFF ? -1 : 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* The byte that "\c" means; 0: c is no such escape. */
static char simple_escape(char c) {
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Checks one escape at p (the backslash); returns its size, 0 with the error set. */
static size_t check_escape(JsonReader *r, const char *p) {
    size_t size;
    if (r->end - p < 2) {
        fail_syntax(r, r->end, "");
        return 0;
    }
    if (simple_escape(p[1]))
        return 2;
    if (p[1] == 'u' && escaped_code_point(p + 2, r->end, &size) >= 0)
        return 2 + size;
    fail_syntax(r, p, p[1] == 'u' ? "\\u needs four hex digits, a surrogate its other half" : "no such escape");
    return 0;
}

/* p is at the opening quote. Checks everything; *raw gets what is between the quotes, p moves behind. */
static int scan_string(JsonReader *r, Str *raw, bool *escaped) {
    const char *begin = r->p + 1, *p = begin;
    *escaped = false;
    for (;;) {
        p += json_plain_size(p, (size_t)(r->end - p));
        if (p == r->end)
            return fail_syntax(r, p, "");
        if (*p == '"')
            break;
        size_t size;
        if (*p == '\\') {
            *escaped = true;
            if ((size = check_escape(r, p)) == 0)
                return r->err;
        } else {
            if ((unsigned char)*p < 0x20)
                return fail_syntax(r, p, "a control character in a string");
            if ((size = utf8_decode(p, (size_t)(r->end - p), NULL)) == 0)
                return fail_syntax(r, p, "a string is not UTF-8");
        }
        p += size;
    }
    *raw = str_n(begin, (size_t)(p - begin));
    r->p = p + 1;
    return 0;
}

/* raw has passed scan_string; no escape becomes longer than it was written. */
static int unescape(JsonReader *r, Str raw, Str *out) {
    char *to = arena_try(r->scratch, raw.n);
    if (!to)
        return fail(r, ERR_LIMIT, "a string is too long");
    const char *p = raw.p, *end = raw.p + raw.n;
    size_t n = 0;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash ? slash : end) - p);
        memcpy(to + n, p, run);
        n += run;
        p += run;
        if (p == end)
            break;
        size_t size = 0;
        if (p[1] == 'u')
            n += utf8_encode((uint32_t)escaped_code_point(p + 2, end, &size), to + n);
        else
            to[n++] = simple_escape(p[1]);
        p += 2 + size;
    }
    *out = str_n(to, n);
    return 0;
}

/* --- numbers and words --- */

static const char *skip_digits(const char *p, const char *end) {
    while (p < end && (unsigned char)(*p - '0') <= 9)
        p++;
    return p;
}

static int scan_number(JsonReader *r, Str *out) {
    const char *begin = r->p, *end = r->end;
    const char *p = begin + (*begin == '-');
    const char *digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return fail_syntax(r, p, "a digit is missing, or a 0 too many");
    if (p < end && *p == '.') {
        digits = ++p;
        if ((p = skip_digits(p, end)) == digits)
            return fail_syntax(r, p, "a digit is expected behind the point");
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        digits = p;
        if ((p = skip_digits(p, end)) == digits)
            return fail_syntax(r, p, "a digit is expected in the exponent");
    }
    *out = str_n(begin, (size_t)(p - begin));
    r->p = p;
    return 0;
}

static int scan_word(JsonReader *r, Str word) {
    if ((size_t)(r->end - r->p) < word.n || memcmp(r->p, word.p, word.n) != 0)
        return fail_syntax(r, r->p, "a value is expected");
    r->p += word.n;
    return 0;
}

/* --- tokens --- */

static int scan_text(JsonReader *r, bool keep, Str *out) {
    bool escaped;
    int e = scan_string(r, out, &escaped);
    return e || !escaped || !keep ? e : unescape(r, *out, out);
}

static int scan_key(JsonReader *r, bool keep, Str *out) {
    int e = scan_text(r, keep, out);
    if (e)
        return e;
    skip_space(r);
    if (r->p == r->end || *r->p != ':')
        return fail_syntax(r, r->p, "':' is expected");
    r->p++;
    r->state = WANT_VALUE;
    return 0;
}

static int scan_scalar(JsonReader *r, JsonKind kind, bool keep, Str *out) {
    r->state = WANT_COMMA_OR_END;
    switch (kind) {
    case JSON_NULL:
        return scan_word(r, S("null"));
    case JSON_TRUE:
        return scan_word(r, S("true"));
    case JSON_FALSE:
        return scan_word(r, S("false"));
    case JSON_NUMBER:
        return scan_number(r, out);
    default:
        return scan_text(r, keep, out);
    }
}

/* keep: the token's text is wanted, so that escapes must be resolved. */
static int next(JsonReader *r, bool keep, JsonToken *out) {
    JsonKind kind;
    int e = settle(r, &kind);
    *out = (JsonToken){ .kind = kind };
    if (e)
        return e;
    switch (kind) {
    case JSON_NONE:
        return 0;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return open_level(r, kind == JSON_OBJECT);
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        close_level(r);
        return 0;
    case JSON_KEY:
        return scan_key(r, keep, &out->text);
    default:
        return scan_scalar(r, kind, keep, &out->text);
    }
}

int json_next(JsonReader *r, JsonToken *out) {
    return next(r, true, out);
}

JsonKind json_peek(JsonReader *r) {
    JsonKind kind;
    return settle(r, &kind) ? JSON_NONE : kind;
}

int json_skip(JsonReader *r) {
    int depth = r->depth;
    JsonToken t;
    JsonKind kind;
    int e = settle(r, &kind);
    if (e)
        return e;
    if (kind == JSON_NONE || kind == JSON_OBJECT_END || kind == JSON_ARRAY_END)
        return json_fail(r, "a value is expected");
    do
        e = next(r, false, &t);
    while (!e && (r->depth > depth || t.kind == JSON_KEY));
    return e;
}

int json_skip_raw(JsonReader *r, Str *out) {
    JsonKind kind;
    int e = settle(r, &kind);
    if (e)
        return e;
    const char *begin = r->p;
    if ((e = json_skip(r)))
        return e;
    *out = str_n(begin, (size_t)(r->p - begin));
    return 0;
}

int json_finish(JsonReader *r) {
    JsonKind kind;
    int e = settle(r, &kind);
    assert(e || r->depth == 0);
    return e || kind == JSON_NONE ? e : fail_syntax(r, r->p, "something follows the value");
}

/* --- values of a wanted kind --- */

static int want(JsonReader *r, JsonKind wanted, const char *why) {
    JsonKind kind;
    int e = settle(r, &kind);
    return e ? e : kind == wanted ? 0 : json_fail(r, why);
}

int json_open_object(JsonReader *r) {
    int e = want(r, JSON_OBJECT, "an object is expected");
    return e ? e : open_level(r, true);
}

int json_open_array(JsonReader *r) {
    int e = want(r, JSON_ARRAY, "an array is expected");
    return e ? e : open_level(r, false);
}

int json_object_next(JsonReader *r, Str *key) {
    JsonKind kind;
    if (r->state == WANT_VALUE && !r->err)
        json_skip(r); /* the caller did not want the last one */
    int e = settle(r, &kind);
    if (e)
        return e;
    assert(kind == JSON_KEY || kind == JSON_OBJECT_END);
    if (kind == JSON_OBJECT_END) {
        close_level(r);
        return 0;
    }
    e = scan_key(r, true, key);
    return e ? e : 1;
}

int json_array_next(JsonReader *r) {
    JsonKind kind;
    if (r->state == WANT_VALUE && !r->err)
        json_skip(r);
    int e = settle(r, &kind);
    if (e)
        return e;
    assert(r->depth > 0 && !in_object(r));
    if (kind == JSON_ARRAY_END) {
        close_level(r);
        return 0;
    }
    r->state = WANT_VALUE;
    return 1;
}

int json_read_str(JsonReader *r, Str *out) {
    Str s;
    int e = want(r, JSON_STRING, "a string is expected");
    if (e || (e = scan_scalar(r, JSON_STRING, true, &s)))
        return e;
    *out = s;
    return 0;
}

/* The text of a number, or of a string that should hold one. */
static int read_numeric(JsonReader *r, Str *out) {
    JsonKind kind;
    int e = settle(r, &kind);
    if (e)
        return e;
    if (kind != JSON_NUMBER && kind != JSON_STRING)
        return json_fail(r, "a number is expected");
    return scan_scalar(r, kind, true, out);
}

static int fail_at(JsonReader *r, const char *at, const char *why) {
    r->p = at;
    return json_fail(r, why);
}

int json_read_i64(JsonReader *r, int64_t *out) {
    const double exact = 9007199254740992.0; /* 2^53 */
    Str s = { 0 };
    double v;
    int e = read_numeric(r, &s);
    if (e || str_to_i64(s, out))
        return e;
    if (!num_parse_f64(s, &v) || v < -exact || v > exact || v != (double)(int64_t)v)
        return fail_at(r, s.p >= r->begin && s.p < r->end ? s.p : r->p, "a whole number of 64 bits is expected");
    *out = (int64_t)v;
    return 0;
}

int json_read_f64(JsonReader *r, double *out) {
    Str s = { 0 };
    int e = read_numeric(r, &s);
    if (e || num_parse_f64(s, out))
        return e;
    return fail_at(r, s.p >= r->begin && s.p < r->end ? s.p : r->p, "a finite number is expected");
}

int json_read_bool(JsonReader *r, bool *out) {
    JsonKind kind;
    Str unused;
    int e = settle(r, &kind);
    if (e)
        return e;
    if (kind != JSON_TRUE && kind != JSON_FALSE)
        return json_fail(r, "true or false is expected");
    if ((e = scan_scalar(r, kind, false, &unused)))
        return e;
    *out = kind == JSON_TRUE;
    return 0;
}

bool json_read_null(JsonReader *r) {
    Str unused;
    return json_peek(r) == JSON_NULL && scan_scalar(r, JSON_NULL, false, &unused) == 0;
}
