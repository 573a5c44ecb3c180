/* gateway/hop.c - see hop.h. */

#include "gateway/hop.h"

enum { ID_MAX = 64, DEADLINE_MS_MAX = 24 * 3600 * 1000 };

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
