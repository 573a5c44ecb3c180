/* base/log.c - see log.h. Levels, the guard against floods, and the making of a line. Sinks are in log_sink.c. */

#include "base/log.h"

#include "base/hash.h"
#include "base/num.h"
#include "base/utf8.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

enum {
    MESSAGE_MAX = 4096, /* bytes before escaping, which makes at most six of one */
    VALUE_MAX = 1024,
    ID_MAX = 128,
    METADATA_MAX = 8192, /* bytes after escaping */
    LINE_MAX_BYTES = 1 << 16,
    GUARD_ROWS = 64,
    GUARD_PROBES = 4,
    GUARD_TEXT = 80,
};

typedef struct GuardRow {
    uint64_t key; /* 0 = free */
    MonoNs since; /* of the running second */
    int64_t lines, suppressed;
    char text[GUARD_TEXT];
    size_t n;
} GuardRow;

struct Logger {
    atomic_int level;
    LogFormat format;
    bool colours;
    char *service;
    int64_t guard_per_s;
    Clock *clock;
    LogSink *sink;
    pthread_mutex_t lock; /* rows */
    GuardRow rows[GUARD_ROWS];
};

/* --- levels --- */

static const char *const level_names[] = { "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "OFF" };

bool log_level_parse(Str s, LogLevel *out) {
    static const struct {
        const char *name;
        LogLevel level;
    } names[] = {
        { "DEBUG", LEVEL_DEBUG },     { "TRACE", LEVEL_DEBUG },    { "VERBOSE", LEVEL_DEBUG },
        { "INFO", LEVEL_INFO },       { "NOTICE", LEVEL_INFO },    { "INFORMATION", LEVEL_INFO },
        { "WARNING", LEVEL_WARNING }, { "WARN", LEVEL_WARNING },   { "ERROR", LEVEL_ERROR },
        { "ERR", LEVEL_ERROR },       { "SEVERE", LEVEL_ERROR },   { "CRITICAL", LEVEL_CRITICAL },
        { "CRIT", LEVEL_CRITICAL },   { "FATAL", LEVEL_CRITICAL }, { "PANIC", LEVEL_CRITICAL },
        { "ALERT", LEVEL_CRITICAL },  { "EMERG", LEVEL_CRITICAL }, { "OFF", LEVEL_OFF },
        { "NONE", LEVEL_OFF },
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(s, str_c(names[i].name))) {
            *out = names[i].level;
            return true;
        }
    return false;
}

const char *log_level_name(LogLevel level) {
    assert((size_t)level < ARRAY_LEN(level_names));
    return level_names[level];
}

bool log_format_parse(Str s, LogFormat *out) {
    if (str_eq_nocase(s, S("json")))
        *out = LOG_JSON;
    else if (str_eq_nocase(s, S("text")))
        *out = LOG_TEXT;
    else
        return false;
    return true;
}

bool log_on(const Logger *l, LogLevel level) {
    return l && (int)level >= atomic_load_explicit(&l->level, memory_order_relaxed);
}

void log_set_level(Logger *l, LogLevel level) {
    if (l)
        atomic_store_explicit(&l->level, (int)level, memory_order_relaxed);
}

/* --- text that cannot forge a line --- */

/* What a terminal or a line-wise reader could take for more than a character: controls of both sets, line and
 * paragraph separators, and the marks that reorder text. */
static bool unsafe(uint32_t cp) {
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || (cp >= 0x200b && cp <= 0x200f) ||
           (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff;
}

/* How many bytes of s, from its start, stand for themselves in a quoted text; eight at a time by the usual tricks on a word
 * (Hacker's Delight 6-1). */
static size_t plain_first(Str s) {
    const uint64_t ones = UINT64_MAX / 255, high = ones << 7, low = ~high;
    size_t at = 0;
    for (uint64_t w; at + sizeof w <= s.n; at += sizeof w) {
        memcpy(&w, s.p + at, sizeof w);
        uint64_t odd = w & high;           /* the sums below carry into no neighbour where there is none of these */
        odd |= ~((w & low) + ones * 0x60); /* a control */
        odd |= (w & low) + ones;           /* 0x7f */
        odd |= ~(((w ^ ones * '"') & low) + low) | ~(((w ^ ones * '\\') & low) + low);
        if (odd & high)
            break;
    }
    while (at < s.n && s.p[at] >= ' ' && s.p[at] < 0x7f && s.p[at] != '\\' && s.p[at] != '"')
        at++;
    return at;
}

static void put_code_point(Buf *b, uint32_t cp) {
    switch (cp) {
    case '\n':
        BUF_LIT(b, "\\n");
        break;
    case '\r':
        BUF_LIT(b, "\\r");
        break;
    case '\t':
        BUF_LIT(b, "\\t");
        break;
    default:
        buf_printf(b, "\\u%04x", (unsigned)cp); /* all of the unsafe ones have four digits */
    }
}

/* s with everything unsafe as an escape that JSON knows too. Quotes are escaped when the text stands in some. */
static void put_safe(Buf *b, Str s, bool quoted) {
    size_t clean = 0, at = 0; /* [clean, at) is not written yet and needs no escape */
    while (at < s.n) {
        at += plain_first(str_from(s, at));
        if (at == s.n)
            break;
        uint32_t cp = 0;
        size_t size = utf8_decode(s.p + at, s.n - at, &cp);
        bool special = cp == '\\' || (cp == '"' && quoted);
        if (size > 0 && !special && !unsafe(cp)) {
            at += size;
            continue;
        }
        buf_put(b, s.p + clean, at - clean);
        if (size == 0)
            BUF_LIT(b, "\\ufffd");
        else if (special)
            buf_put(b, (char[]){ '\\', (char)cp }, 2);
        else
            put_code_point(b, cp);
        at += size ? size : utf8_bad_size(s.p + at, s.n - at);
        clean = at;
    }
    buf_put(b, s.p + clean, s.n - clean);
}

static void put_quoted(Buf *b, Str s) {
    char *to = plain_first(s) == s.n ? buf_reserve(b, s.n + 2) : NULL;
    if (to) {
        *to++ = '"';
        memcpy(to, s.n ? s.p : "", s.n);
        to[s.n] = '"';
        b->n += s.n + 2;
        return;
    }
    buf_put_c(b, '"');
    put_safe(b, s, true);
    buf_put_c(b, '"');
}

static bool is_word(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || strchr("\"=\\{}", s.p[i]))
            return false;
    return s.n > 0;
}

/* --- fields --- */

static bool begins_with(Str s, const char *word) {
    size_t i = 0;
    while (i < s.n && word[i] && (s.p[i] | 0x20) == (word[i] | 0x20))
        i++;
    return word[i] == '\0';
}

/* By the letter they begin with: this runs for each text of each line. */
static bool names_a_secret(Str key) {
    static const char *const words['z' - 'a' + 1][4] = {
        ['a' - 'a'] = { "api_key", "api-key", "apikey", "authorization" },
        ['b' - 'a'] = { "bearer" },
        ['c' - 'a'] = { "cookie", "credential" },
        ['p' - 'a'] = { "passw", "private_key" },
        ['s' - 'a'] = { "secret" },
        ['t' - 'a'] = { "token" },
    };
    for (size_t at = 0; at < key.n; at++) {
        int letter = (key.p[at] | 0x20) - 'a';
        if (letter < 0 || letter > 'z' - 'a')
            continue;
        const char *const *w = words[letter];
        for (int i = 0; i < 4 && w[i]; i++)
            if (begins_with(str_from(key, at), w[i]))
                return true;
    }
    return false;
}

Str log_secret(Arena *a, Str secret) {
    enum { SHOWN = 4, LONG_ENOUGH = 20 };
    return secret.n < LONG_ENOUGH ? S("***") : str_fmt(a, "***" STR_FMT, STR_ARG(str_from(secret, secret.n - SHOWN)));
}

static void put_number(Buf *b, double v) {
    char text[NUM_TEXT_MAX];
    if (isfinite(v))
        buf_put(b, text, num_format_f64(v, text));
    else
        BUF_LIT(b, "null");
}

static void put_text(Buf *b, LogFormat format, Str s) {
    if (format == LOG_JSON || !is_word(s))
        put_quoted(b, s);
    else
        put_safe(b, s, false);
}

static void put_value(Buf *b, LogFormat format, Str key, const LogField *f) {
    switch (f->kind) {
    case FIELD_STR:
        put_text(b, format, names_a_secret(key) ? S("***") : utf8_first(f->s, VALUE_MAX));
        break;
    case FIELD_I64: {
        char text[NUM_TEXT_MAX];
        buf_put(b, text, num_format_i64(f->i, text));
        break;
    }
    case FIELD_BOOL:
        buf_put_str(b, f->i ? S("true") : S("false"));
        break;
    case FIELD_F64:
    case FIELD_MS:
        put_number(b, f->f);
        break;
    }
}

/* Nothing for an empty id. key: as it stands in either format. */
static void put_id(Buf *b, LogFormat format, Str json, Str text, Str id) {
    if (id.n == 0)
        return;
    buf_put_str(b, format == LOG_JSON ? json : text);
    put_text(b, format, utf8_first(id, ID_MAX));
}
#define PUT_ID(b, format, key, id) put_id((b), (format), S(",\"" key "\":"), S(" " key "="), (id))

static void put_key(Buf *b, LogFormat format, bool first, Str key) {
    if (format == LOG_JSON) {
        buf_put_str(b, first ? S(",\"metadata\":{") : S(","));
        put_quoted(b, key);
        buf_put_c(b, ':');
    } else {
        buf_put_c(b, ' ');
        put_safe(b, key, false);
        buf_put_c(b, '=');
    }
}

static void put_metadata(Buf *b, LogFormat format, const LogField *fields, size_t n, int64_t suppressed) {
    size_t start = b->n;
    bool first = true, cut = false;
    for (size_t i = 0; i < n && !cut; i++) {
        size_t before = b->n;
        if (fields[i].kind == FIELD_MS)
            continue;
        Str key = str_c(fields[i].key);
        put_key(b, format, first, key);
        put_value(b, format, key, &fields[i]);
        cut = b->n - start > METADATA_MAX;
        if (cut)
            b->n = before;
        else
            first = false;
    }
    const LogField notes[] = { F_I64("truncated", cut), F_I64("suppressed", suppressed) };
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        if (notes[i].i == 0)
            continue;
        put_key(b, format, first, str_c(notes[i].key));
        put_number(b, (double)notes[i].i);
        first = false;
    }
    if (format == LOG_JSON && !first)
        buf_put_c(b, '}');
}

/* --- the line --- */

static void put_time(Buf *b, Time t) {
    char text[TIME_TEXT_MAX];
    size_t n = time_format_iso(t, text);
    if (n == sizeof "2024-03-01T12:34:56Z" - 1)
        buf_printf(b, "%.*s.000Z", (int)n - 1, text); /* columns stay in line */
    else
        buf_put(b, text, n);
}

static void put_head(const Logger *l, Buf *b, LogLevel level, Str message) {
    static const char *const colours[] = { "\033[2m", "\033[32m", "\033[33m", "\033[31m", "\033[1;31m" };
    message = utf8_first(message, MESSAGE_MAX);
    if (l->format == LOG_JSON) {
        BUF_LIT(b, "{\"timestamp\":\"");
        put_time(b, clock_wall(l->clock));
        BUF_LIT(b, "\",\"service\":");
        put_quoted(b, str_c(l->service));
        BUF_LIT(b, ",\"level\":\"");
        buf_put_str(b, str_c(log_level_name(level)));
        BUF_LIT(b, "\",\"message\":");
        put_quoted(b, message);
        return;
    }
    put_time(b, clock_wall(l->clock));
    if (l->colours)
        buf_printf(b, " %s%-8s\033[0m ", colours[level], log_level_name(level));
    else
        buf_printf(b, " %-8s ", log_level_name(level));
    put_safe(b, message, false);
}

static void put_duration(const Logger *l, Buf *b, const LogField *fields, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (fields[i].kind == FIELD_MS) {
            buf_put_str(b, l->format == LOG_JSON ? S(",\"duration_ms\":") : S(" duration_ms="));
            put_number(b, fields[i].f);
            return;
        }
}

/* b has room for LINE_MAX_BYTES: the ceilings of the parts sum up to less. */
static void put_line(const Logger *l, Buf *b, const Ctx *cx, LogLevel level, Str message, const LogField *fields,
                     size_t n, int64_t suppressed) {
    put_head(l, b, level, message);
    put_duration(l, b, fields, n);
    if (cx) {
        PUT_ID(b, l->format, "request_id", cx->trace.request_id);
        PUT_ID(b, l->format, "correlation_id", cx->trace.correlation_id);
        PUT_ID(b, l->format, "user_id", cx->principal.id);
    }
    put_metadata(b, l->format, fields, n, suppressed);
    buf_put_str(b, l->format == LOG_JSON ? S("}\n") : S("\n"));
    assert(buf_ok(b));
}

static void emit(Logger *l, const Ctx *cx, LogLevel level, Str message, const LogField *fields, size_t n,
                 int64_t suppressed) {
    Buf b;
    buf_init(&b, LINE_MAX_BYTES);
    put_line(l, &b, cx, level, message, fields, n, suppressed);
    l->sink->write(l->sink, b.p, b.n);
    buf_done(&b);
}

/* --- the guard --- */

static void emit_summary(Logger *l, const GuardRow *row) {
    if (row->suppressed > 0)
        emit(l, NULL, LEVEL_WARNING, S("lines of one message were suppressed"), &F_STR("of", str_n(row->text, row->n)),
             1, row->suppressed);
}

static GuardRow *guard_row(Logger *l, uint64_t key) {
    GuardRow *oldest = &l->rows[key % GUARD_ROWS];
    for (size_t i = 0; i < GUARD_PROBES; i++) {
        GuardRow *row = &l->rows[(key + i) % GUARD_ROWS];
        if (row->key == key)
            return row;
        if (row->since.ns < oldest->since.ns)
            oldest = row;
    }
    return oldest;
}

/* -1: drop the line. Else how many lines of this message were dropped since the last one that passed. */
static int64_t guard_pass(Logger *l, LogLevel level, Str pattern) {
    if (l->guard_per_s <= 0 || level >= LEVEL_CRITICAL)
        return 0;
    uint64_t key = hash64_str(pattern, (uint64_t)level) | 1;
    MonoNs now = clock_mono(l->clock);
    GuardRow evicted = { 0 };
    int64_t passed = 0;
    pthread_mutex_lock(&l->lock);
    GuardRow *row = guard_row(l, key);
    if (row->key != key) {
        evicted = *row;
        *row = (GuardRow){ .key = key, .since = now, .n = MIN(pattern.n, (size_t)GUARD_TEXT) };
        if (row->n)
            memcpy(row->text, pattern.p, row->n);
    }
    if (now.ns - row->since.ns >= NS_PER_SECOND) {
        row->since = now;
        row->lines = 0;
    }
    if (row->lines < l->guard_per_s) {
        row->lines++;
        passed = row->suppressed;
        row->suppressed = 0;
    } else {
        row->suppressed++;
        passed = -1;
    }
    pthread_mutex_unlock(&l->lock);
    emit_summary(l, &evicted);
    return passed;
}

/* --- logging --- */

void log_write(Logger *l, const Ctx *cx, LogLevel level, Str message, const LogField *fields, size_t n) {
    assert(level < LEVEL_OFF);
    if (!log_on(l, level))
        return;
    int64_t suppressed = guard_pass(l, level, message);
    if (suppressed >= 0)
        emit(l, cx, level, message, fields, n, suppressed);
}

void log_record(Logger *l, const Ctx *cx, LogLevel level, Str message, const LogField *fields, size_t n) {
    assert(level < LEVEL_OFF);
    if (log_on(l, level))
        emit(l, cx, level, message, fields, n, 0);
}

void log_batch_record(LogBatch *b, Logger *l, const Ctx *cx, LogLevel level, Str message, const LogField *fields,
                      size_t n) {
    assert(level < LEVEL_OFF);
    if (!log_on(l, level))
        return;
    if (!b->lines.limit)
        buf_init(&b->lines, LOG_BATCH_FULL + LINE_MAX_BYTES);
    put_line(l, &b->lines, cx, level, message, fields, n, 0);
    if (b->lines.n >= LOG_BATCH_FULL)
        log_batch_end(b, l);
}

void log_batch_end(LogBatch *b, Logger *l) {
    if (b->lines.n)
        l->sink->write(l->sink, b->lines.p, b->lines.n);
    buf_clear(&b->lines);
}

void log_batch_done(LogBatch *b, Logger *l) {
    log_batch_end(b, l);
    buf_done(&b->lines);
}

void log_printf(Logger *l, const Ctx *cx, LogLevel level, const char *fmt, ...) {
    assert(level < LEVEL_OFF);
    if (!log_on(l, level))
        return;
    int64_t suppressed = guard_pass(l, level, str_c(fmt));
    if (suppressed < 0)
        return;
    char text[MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    emit(l, cx, level, str_n(text, (size_t)CLAMP(n, 0, MESSAGE_MAX - 1)), NULL, 0, suppressed);
}

void log_failure(Logger *l, const Ctx *cx, Str what) {
    const ErrInfo *info = err_info(cx->err.code);
    LogLevel level = info->http_status < 500 ? LEVEL_INFO : LEVEL_ERROR;
    if (cx->err.field[0])
        LOG_AT(l, cx, level, what, F_STR("code", str_c(info->name)), F_STR("error", str_c(cx->err.text)),
               F_STR("field", str_c(cx->err.field)));
    else
        LOG_AT(l, cx, level, what, F_STR("code", str_c(info->name)), F_STR("error", str_c(cx->err.text)));
}

/* --- the logger --- */

Logger *log_new(const LogCfg *cfg, Clock *clock, LogSink *sink) {
    Logger *l = mem_new(Logger);
    atomic_init(&l->level, (int)cfg->level);
    l->format = cfg->format;
    l->colours = cfg->colours;
    l->service = mem_zalloc(cfg->service.n + 1);
    if (cfg->service.n)
        memcpy(l->service, cfg->service.p, cfg->service.n);
    l->guard_per_s = cfg->guard_per_s;
    l->clock = clock;
    l->sink = sink;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

Logger *log_free(Logger *l) {
    if (!l)
        return NULL;
    for (size_t i = 0; i < GUARD_ROWS; i++)
        emit_summary(l, &l->rows[i]);
    l->sink->close(l->sink);
    pthread_mutex_destroy(&l->lock);
    mem_free(l->service);
    return mem_free(l);
}
