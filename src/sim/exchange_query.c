/* sim/exchange_query.c - see exchange_query.h. Codes and messages: the venue's errors.md. */

#include "sim/exchange_query.h"

#include <stdio.h>

void query_fail(Query *q, int code, const char *fmt, ...) {
    if (q->error)
        return;
    q->error = code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(q->msg, sizeof q->msg, fmt, args);
    va_end(args);
}

static Str percent_decode(Arena *a, Str s) {
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int hi = s.p[i] == '%' && i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex_value(s.p[i + 2]) : -1;
        if (lo >= 0) {
            out[n++] = (char)(hi * 16 + lo);
            i += 2;
        } else {
            out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return str_n(out, n);
}

void query_parse(Query *q, Str text, Arena *arena) {
    *q = (Query){ .arena = arena, .status = 400 };
    Str rest = text, one;
    while (str_next(&rest, '&', &one)) {
        if (one.n == 0)
            continue;
        if (q->n == QUERY_MAX) {
            query_fail(q, -1101, "Too many parameters sent for this endpoint.");
            return;
        }
        ptrdiff_t eq = str_find_char(one, '=');
        Str name = percent_decode(arena, eq < 0 ? one : str_first(one, (size_t)eq));
        Str value = percent_decode(arena, eq < 0 ? S("") : str_from(one, (size_t)eq + 1));
        for (size_t i = 0; i < q->n; i++)
            if (str_eq(q->v[i].name, name))
                query_fail(q, -1101, "Duplicate values for a parameter detected.");
        q->v[q->n++] = (QueryParam){ name, value, false };
    }
}

Str query_take(Query *q, const char *name) {
    for (size_t i = 0; i < q->n; i++)
        if (str_eq(q->v[i].name, str_c(name))) {
            q->v[i].read = true;
            if (q->v[i].value.n == 0)
                query_fail(q, -1105, "Parameter '%s' was empty.", name);
            return q->v[i].value;
        }
    return (Str){ NULL, 0 };
}

Str query_require(Query *q, const char *name) {
    Str s = query_take(q, name);
    if (!s.p)
        query_fail(q, -1102, "Mandatory parameter '%s' was not sent, was empty/null, or malformed.", name);
    return s;
}

int64_t query_take_i64(Query *q, const char *name, int64_t fallback) {
    Str s = query_take(q, name);
    if (!s.p || s.n == 0)
        return fallback;
    bool digits = s.n <= 20;
    for (size_t i = 0; i < s.n; i++)
        digits = digits && s.p[i] >= '0' && s.p[i] <= '9';
    int64_t v = fallback;
    if (!digits)
        query_fail(q, -1100, "Illegal characters found in parameter '%s'; legal range is '^[0-9]{1,20}$'.", name);
    else if (!str_to_i64(s, &v))
        query_fail(q, -1108, "Parameter '%s' overflowed.", name);
    return v;
}

Time query_take_time(Query *q, const char *name, Time fallback) {
    int64_t v = query_take_i64(q, name, fallback.ms);
    static const int64_t micros_from = INT64_C(100000000000000);
    if (v >= micros_from && v != fallback.ms)
        v /= 1000;
    return time_ms(v);
}

bool query_finish(Query *q) {
    size_t read = 0;
    for (size_t i = 0; i < q->n; i++)
        read += q->v[i].read;
    if (read < q->n && read == 0)
        query_fail(q, -1101, "Too many parameters; expected '0' and received '%zu'.", q->n);
    else if (read < q->n)
        query_fail(q, -1104, "Not all sent parameters were read; read '%zu' parameter(s) but was sent '%zu'.", read,
                   q->n);
    return q->error == 0;
}

bool query_symbol_legal(Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return s.n >= 1 && s.n <= 20;
}
