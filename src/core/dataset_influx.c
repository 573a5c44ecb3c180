/* core/dataset_influx.c - candles as InfluxDB line protocol, and back.
 *
 *     measurement[,tag=value…] field=value[,field=value…] timestamp
 * Timestamps are nanoseconds. A comma, a space or an '=' inside of a name or tag is escaped with '\', in strings '"' and
 * '\' are. Reading takes lines of others: unknown tags and fields are passed over, integers may stand for floats; but
 * one file is one series, so tags that we know may not change from line to line. */

#include "base/num.h"
#include "core/dataset_text.h"

enum { NS = 1000000, LINE_TEXT_MAX = 5 * NUM_TEXT_MAX + 2 * NUM_TEXT_MAX + CANDLE_FLAGS_TEXT_MAX + 64 };

/* --- writing --- */

static void put_tag(Buf *out, const char *name, Str value) {
    if (value.n == 0)
        return; /* an empty tag cannot be said: it is left out */
    buf_printf(out, ",%s=", name);
    for (size_t i = 0; i < value.n; i++) {
        if (strchr(", =\\", value.p[i]))
            buf_put_c(out, '\\');
        buf_put_c(out, value.p[i]);
    }
}

/* Everything before the fields. Tags in the order of their names: what InfluxDB likes best. */
static void put_series(const SeriesKey *key, Buf *out) {
    char tf[TIMEFRAME_TEXT_MAX];
    BUF_LIT(out, "ohlcv");
    if (key->adjustment)
        put_tag(out, "adjustment", str_c(adjustment_name(key->adjustment)));
    if (key->price)
        put_tag(out, "price", str_c(price_type_name(key->price)));
    put_tag(out, "provider", venue_str(&key->provider));
    put_tag(out, "symbol", symbol_str(&key->symbol));
    if (timeframe_valid(key->timeframe))
        put_tag(out, "timeframe", timeframe_text(key->timeframe, tf));
    put_tag(out, "venue", venue_str(&key->venue));
    buf_put_c(out, ' ');
}

static size_t put_fields(const Candles *cs, size_t i, int hints[5], char *line) {
    static const char *const names[] = { "open=", ",high=", ",low=", ",close=", ",volume=" };
    const double *const columns[] = { cs->open, cs->high, cs->low, cs->close, cs->volume };
    char *p = line;
    for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
        p = (char *)memcpy(p, names[k], strlen(names[k])) + strlen(names[k]);
        p += num_format_f64_hint(columns[k][i], &hints[k], p);
    }
    if (cs->known_ms[i]) {
        p = (char *)memcpy(p, ",known_at=", 10) + 10;
        p += num_format_i64(cs->known_ms[i], p);
        *p++ = 'i';
    }
    if (cs->flags[i]) {
        p = (char *)memcpy(p, ",flags=\"", 8) + 8;
        p += candle_flags_format(cs->flags[i], p);
        *p++ = '"';
    }
    *p++ = ' ';
    return (size_t)(p - line);
}

int dataset_lines(Ctx *cx, const SeriesKey *key, const Candles *cs, size_t from, size_t n, Buf *out) {
    Buf series;
    int hints[5] = { 0 }, e = 0;
    buf_init(&series, 4096);
    put_series(key, &series);
    for (size_t i = from; e == 0 && i < from + n; i++) {
        int64_t ns;
        char *p = buf_reserve(out, series.n + LINE_TEXT_MAX);
        if (!p) {
            e = ERR_LIMIT;
        } else if (__builtin_mul_overflow(cs->open_ms[i], (int64_t)NS, &ns)) {
            Time t = time_ms(cs->open_ms[i]);
            e = err_set(cx, ERR_INVALID, "InfluxDB lines count nanoseconds and end in 2262: " STR_FMT " cannot be said",
                        STR_ARG(time_iso(cx->arena, t)));
        } else {
            memcpy(p, series.p, series.n);
            size_t at = series.n;
            at += put_fields(cs, i, hints, p + at);
            at += num_format_i64(ns, p + at);
            p[at++] = '\n';
            out->n += at;
        }
    }
    buf_done(&series);
    return e;
}

/* --- reading --- */

struct LineRows {
    SeriesKey key;
    Buf carry;   /* the start of a line whose end is not here yet */
    Str series;  /* of the first line, as written: like lines are not looked at again */
    Arena arena; /* of it */
    Arena line;
    int64_t n;
};

LineRows *line_rows_new(const SeriesKey *given) {
    LineRows *r = mem_new(LineRows);
    r->key = *given;
    buf_init(&r->carry, DATASET_ROW_MAX);
    return r;
}

void line_rows_free(LineRows *r) {
    if (!r)
        return;
    buf_done(&r->carry);
    arena_done(&r->arena);
    arena_done(&r->line);
    mem_free(r);
}

const SeriesKey *line_rows_key(const LineRows *r) {
    return &r->key;
}

static int bad_line(const LineRows *r, Ctx *cx, const char *why) {
    return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "line %lld", (long long)r->n), "line %lld: %s",
                      (long long)r->n, why);
}

/* Takes the part before the first of `stops` that is neither escaped nor, with strings, inside of quotes; *stop is
 * what ended it, 0 at the end of the line. */
static Str take_part(Str *s, const char *stops, bool strings, char *stop) {
    size_t i = 0;
    bool quoted = false;
    for (; i < s->n; i++) {
        char c = s->p[i];
        if (c == '\\' && i + 1 < s->n && (!strings || quoted || strchr(", =", s->p[i + 1])))
            i++;
        else if (strings && c == '"')
            quoted = !quoted;
        else if (!quoted && c != '\0' && strchr(stops, c))
            break;
    }
    Str part = str_first(*s, i);
    *stop = i < s->n ? s->p[i] : '\0';
    *s = str_from(*s, i + 1);
    return part;
}

static Str unescape(Arena *a, Str s) {
    if (str_find_char(s, '\\') < 0)
        return s;
    char *out = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && strchr(", =\"\\", s.p[i + 1]))
            i++;
        out[n++] = s.p[i];
    }
    return str_n(out, n);
}

static bool take_label(SeriesKey *key, Str name, Str value) {
    PriceType price;
    Adjustment adjustment;
    if (str_eq(name, S("venue")) || str_eq(name, S("exchange")))
        return venue_parse(value, &key->venue);
    if (str_eq(name, S("symbol")))
        return symbol_parse(value, &key->symbol);
    if (str_eq(name, S("timeframe")) || str_eq(name, S("interval")))
        return timeframe_parse(value, &key->timeframe);
    if (str_eq(name, S("provider")))
        return venue_parse(value, &key->provider);
    if (str_eq(name, S("price"))) {
        if (!price_type_parse(value, &price))
            return false;
        key->price = (uint8_t)price;
    } else if (str_eq(name, S("adjustment"))) {
        if (!adjustment_parse(value, &adjustment))
            return false;
        key->adjustment = (uint8_t)adjustment;
    }
    return true;
}

static int read_series(LineRows *r, Ctx *cx, Str series) {
    SeriesKey key = r->key;
    char stop = 0;
    Str rest = series, name = take_part(&rest, ",", false, &stop);
    if (name.n == 0)
        return bad_line(r, cx, "it has no measurement");
    while (stop) {
        char equals;
        Str tag = take_part(&rest, "=,", false, &equals);
        if (equals != '=' || tag.n == 0)
            return bad_line(r, cx, "a tag without a value");
        Str value = take_part(&rest, ",", false, &stop);
        if (value.n == 0 || !take_label(&key, unescape(&r->line, tag), unescape(&r->line, value)))
            return bad_line(r, cx, "a tag whose value cannot be");
    }
    if (r->series.n && !series_key_eq(&key, &r->key))
        return bad_line(r, cx, "another series than the lines before; one file is one series");
    if (!r->series.n)
        r->series = str_dup(&r->arena, series);
    r->key = key;
    return 0;
}

/* 1.5, 17i, 17u; also "1.5" in quotes is none. */
static bool read_number(Str s, double *out) {
    int64_t v;
    if (s.n > 1 && (s.p[s.n - 1] == 'i' || s.p[s.n - 1] == 'u')) {
        if (!str_to_i64(str_first(s, s.n - 1), &v))
            return false;
        *out = (double)v;
        return true;
    }
    return num_parse_f64(s, out);
}

static bool read_field(LineRows *r, Candle *c, Str name, Str value, unsigned *seen) {
    static const char *const names[] = { "open", "high", "low", "close", "volume" };
    double *const numbers[] = { &c->open, &c->high, &c->low, &c->close, &c->volume };
    for (unsigned k = 0; k < ARRAY_LEN(names); k++)
        if (str_eq(name, str_c(names[k]))) {
            if (!read_number(value, numbers[k]))
                return false;
            *numbers[k] += 0.0;
            *seen |= 1u << k;
            return true;
        }
    if (str_eq(name, S("known_at")))
        return value.n > 1 && value.p[value.n - 1] == 'i' && str_to_i64(str_first(value, value.n - 1), &c->known_at.ms);
    if (str_eq(name, S("flags")))
        return value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"' &&
               candle_flags_parse(unescape(&r->line, str_n(value.p + 1, value.n - 2)), &c->flags);
    return value.n > 0;
}

static int read_line(LineRows *r, Ctx *cx, Str line, Candles *out) {
    enum { NEEDED = 15 };
    char stop;
    unsigned seen = 0;
    Candle c = { 0 };
    r->n++;
    line = str_trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return 0;
    arena_reset(&r->line);
    Str rest = line, series = take_part(&rest, " ", false, &stop);
    if (!stop)
        return bad_line(r, cx, "it has no fields");
    int e = r->series.n && str_eq(series, r->series) ? 0 : read_series(r, cx, series);
    if (e)
        return e;
    do {
        char equals;
        Str name = take_part(&rest, "=, ", false, &equals);
        Str value = take_part(&rest, ", ", true, &stop);
        if (equals != '=' || name.n == 0 || !read_field(r, &c, unescape(&r->line, name), value, &seen))
            return bad_line(r, cx, "a field that cannot be read");
    } while (stop == ',');
    int64_t ns;
    if (stop != ' ' || !str_to_i64(rest, &ns))
        return bad_line(r, cx, "it does not end with a time in nanoseconds");
    if ((seen & NEEDED) != NEEDED)
        return bad_line(r, cx, "open, high, low and close are needed");
    if (ns % NS != 0)
        return bad_line(r, cx, "its time is finer than a millisecond");
    c.open_time = time_ms(ns / NS);
    return dataset_take(cx, "line", r->n, &c, out);
}

int line_rows_feed(LineRows *r, Ctx *cx, Str bytes, Candles *out) {
    int e = 0;
    for (ptrdiff_t end; e == 0 && (end = str_find_char(bytes, '\n')) >= 0; bytes = str_from(bytes, (size_t)end + 1)) {
        Str line = str_first(bytes, (size_t)end);
        if (r->carry.n) {
            if (buf_put_str(&r->carry, line))
                return bad_line(r, cx, "too long");
            line = buf_str(&r->carry);
        }
        e = line.n > DATASET_ROW_MAX ? bad_line(r, cx, "too long") : read_line(r, cx, line, out);
        buf_clear(&r->carry);
    }
    if (e == 0 && bytes.n && buf_put_str(&r->carry, bytes))
        e = bad_line(r, cx, "too long");
    return e;
}

int line_rows_end(LineRows *r, Ctx *cx, Candles *out) {
    return r->carry.n ? read_line(r, cx, buf_str(&r->carry), out) : 0;
}
