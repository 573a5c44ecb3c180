/* gateway/hop.c - see hop.h. */

#include "gateway/hop.h"

enum { ID_MAX = 64, TRACEPARENT = 55, DEADLINE_MS_MAX = 24 * 3600 * 1000 };

bool hop_plain_id(Str s) {
    if (s.n == 0 || s.n > ID_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok =
            (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_' || c == '.';
        if (!ok)
            return false;
    }
    return true;
}

/* Lower case only: Trace Context §3.2.2. */
static bool hex(Str s, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f'))
            return false;
        *out = *out << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    return true;
}

bool hop_trace(Str v, Trace *out) {
    uint64_t version, hi, lo, span, flags;
    bool form = v.n == TRACEPARENT && v.p[2] == '-' && v.p[35] == '-' && v.p[52] == '-' &&
                hex(str_first(v, 2), &version) && hex(str_n(v.p + 3, 16), &hi) && hex(str_n(v.p + 19, 16), &lo) &&
                hex(str_n(v.p + 36, 16), &span) && hex(str_n(v.p + 53, 2), &flags);
    if (!form || version != 0 || !(hi | lo) || !span)
        return false;
    out->trace_hi = hi;
    out->trace_lo = lo;
    out->span = span;
    return true;
}

static char *put_hex(char *to, uint64_t v) {
    for (int shift = 60; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[v >> shift & 15];
    return to;
}

Str hop_trace_id(const Trace *t, char out[static HOP_TRACE_ID_TEXT]) {
    put_hex(put_hex(out, t->trace_hi), t->trace_lo);
    return str_n(out, HOP_TRACE_ID_TEXT);
}

Str hop_trace_write(const Trace *t, char out[static HOP_TRACE_TEXT]) {
    memcpy(out, "00-", 3);
    char *to = put_hex(put_hex(out + 3, t->trace_hi), t->trace_lo);
    *to++ = '-';
    memcpy(put_hex(to, t->span), "-01", 3);
    return str_n(out, HOP_TRACE_TEXT);
}

int hop_deadline(Ctx *cx, Str header, MonoNs started, MonoNs *deadline) {
    if (!header.p)
        return 0;
    int64_t left_ms;
    if (!str_to_i64(header, &left_ms) || left_ms < 0)
        return err_set_at(cx, ERR_BAD_REQUEST, S("x-deadline-ms"),
                          "x-deadline-ms must be a whole number of milliseconds, 0 or more");
    MonoNs asked = mono_add_ms(started, MIN(left_ms, (int64_t)DEADLINE_MS_MAX));
    if (!deadline->ns || asked.ns < deadline->ns)
        *deadline = asked;
    return 0;
}
