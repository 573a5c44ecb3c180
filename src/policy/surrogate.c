/* policy/surrogate.c - see surrogate.h. */

#include "policy/surrogate.h"

static char *put(char *to, Str s) {
    memcpy(to, s.n ? s.p : "", s.n);
    return to + s.n;
}

/* Appends "PREFIXvalue" where there is a value. */
static char *join(char *start, char *to, Str prefix, Str value) {
    if (!value.n)
        return to;
    to = to > start ? put(to, S(" ")) : to;
    return put(put(to, prefix), value);
}

static bool is_plain(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

Str surrogate_field(Arena *a, const SurrogateOf *of) {
    enum { WORDS = 64 }; /* prefixes, colons and blanks */
    const Str none = { 0 };
    CacheSeries s = cache_series_canonical(a, &of->series);
    bool whole = s.exchange.n && s.symbol.n && s.timeframe.n;
    Str series = whole ? cache_tag_series(a, &of->series) : none;
    char *start = arena_alloc(a, of->role.n + of->route.n + s.exchange.n + s.symbol.n + series.n + WORDS), *to = start;
    to = join(start, to, S("role:"), is_plain(of->role) ? of->role : none);
    to = join(start, to, S("route:"), is_plain(of->route) ? of->route : none);
    to = join(start, to, S("exchange:"), s.exchange);
    to = join(start, to, S("symbol:"), s.symbol);
    to = join(start, to, none, series);
    return str_n(start, (size_t)(to - start));
}

bool surrogate_valid(Str key) {
    if (key.n == 0 || key.n > SURROGATE_KEY_MAX)
        return false;
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] <= ' ' || key.p[i] > '~' || memchr("*?[]\\", key.p[i], 5))
            return false;
    return true;
}

/* The value behind prefix, which a name of this kind has and which is not empty. */
static bool value_of(Str key, Str prefix, Str *value) {
    if (!str_starts(key, prefix) || key.n == prefix.n)
        return false;
    *value = str_from(key, prefix.n);
    return true;
}

size_t surrogate_patterns(Arena *a, Str key, Str out[SURROGATE_PATTERNS_MAX]) {
    static const char *const kinds[] = { "ohlcv", "stats" };
    Str v, exchange, symbol;
    size_t n = 0;
    bool venue = value_of(key, S("exchange:"), &v), one = !venue && value_of(key, S("symbol:"), &v);
    bool series =
        !venue && !one && value_of(key, S("series:"), &v) && str_next(&v, ':', &exchange) && str_next(&v, ':', &symbol);
    for (size_t i = 0; i < ARRAY_LEN(kinds) && (venue || one || series); i++) {
        if (venue || series) {
            Str of = venue ? v : exchange, with = series ? str_fmt(a, STR_FMT ":", STR_ARG(symbol)) : (Str){ 0 };
            out[n++] = str_fmt(a, "%s:" STR_FMT ":" STR_FMT "*", kinds[i], STR_ARG(of), STR_ARG(with));
            out[n++] = str_fmt(a, "%s::" STR_FMT "*", kinds[i], STR_ARG(with));
        } else {
            out[n++] = str_fmt(a, "%s:*:" STR_FMT ":*", kinds[i], STR_ARG(v));
        }
    }
    return n;
}
