#pragma once

/* tests/unit/net/conn_check.h - reading what a driver's connection sent. */

#include "conn_driver.h"
#include "lib/test.h"

/* Status lines in what was sent, as "200,404". */
static inline Str statuses(const Driver *d) {
    static char text[512];
    size_t n = 0;
    Str all = buf_str(&d->out);
    for (ptrdiff_t at; n + 4 < sizeof text && (at = str_find(all, S("HTTP/1.1 "))) >= 0;) {
        if (all.p[at + 9] >= '1' && all.p[at + 9] <= '5') /* not words that name the protocol */
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.3s", n ? "," : "", all.p + at + 9);
        all = str_from(all, (size_t)at + 12);
    }
    return str_n(text, n);
}

static inline int count_of(const Driver *d, Str what) {
    int n = 0;
    Str all = buf_str(&d->out);
    for (ptrdiff_t at; (at = str_find(all, what)) >= 0; n++)
        all = str_from(all, (size_t)at + what.n);
    return n;
}

static inline bool sent(const Driver *d, Str what) {
    return str_find(buf_str(&d->out), what) >= 0;
}

#define REQ(line) S(line "\r\nHost: x\r\n\r\n")
