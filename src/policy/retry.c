/* policy/retry.c - see retry.h. */

#include "policy/retry.h"

#include "base/err.h"

#include <math.h>

const RetryProfile retry_handler = {
    .name = "handler", .attempts = 4, .base_ms = 1000, .max_ms = 60000, .factor = 2, .how = RETRY_EXACT
};
const RetryProfile retry_collection = {
    .name = "collection", .attempts = 4, .base_ms = 2000, .max_ms = 60000, .factor = 2, .how = RETRY_EXACT
};
const RetryProfile retry_strategy = {
    .name = "strategy", .attempts = 3, .base_ms = 1000, .max_ms = 60000, .factor = 2, .how = RETRY_FULL
};
const RetryProfile retry_python = {
    .name = "python", .attempts = 3, .base_ms = 1000, .max_ms = 60000, .factor = 1.5, .how = RETRY_ADDED, .jitter = 0.1
};
const RetryProfile retry_hop = {
    .name = "hop", .attempts = 3, .base_ms = 10, .max_ms = 250, .factor = 2, .how = RETRY_FULL
};
const RetryProfile retry_endless = {
    .name = "endless", .attempts = RETRY_ENDLESS, .base_ms = 1000, .max_ms = 30000, .factor = 2, .how = RETRY_FULL
};
const RetryProfile retry_callback = { .name = "callback",
                                      .attempts = 8,
                                      .base_ms = 2000,
                                      .max_ms = 3600 * 1000,
                                      .factor = 3,
                                      .how = RETRY_ADDED,
                                      .jitter = 0.1 };
const RetryProfile retry_none = { .name = "none", .attempts = 1, .factor = 1 };

const RetryProfile *const retry_profiles[] = { &retry_handler,  &retry_collection, &retry_strategy,
                                               &retry_python,   &retry_hop,        &retry_endless,
                                               &retry_callback, &retry_none,       NULL };

const RetryProfile *retry_profile(Str name) {
    for (size_t i = 0; retry_profiles[i]; i++)
        if (str_eq(name, str_c(retry_profiles[i]->name)))
            return retry_profiles[i];
    return NULL;
}

RetryCause retry_cause(int err, bool sent, int status) {
    if (err < 0) {
        if (err != ERR_UNAVAILABLE && err != ERR_TIMEOUT && err != ERR_IO)
            return RETRY_FINAL; /* cancelled, not valid, too large: as bad the next time */
        return sent ? RETRY_CUT : RETRY_UNSENT;
    }
    bool asked = status == 429 || status == 502 || status == 503 || status == 504;
    return asked ? RETRY_ASKED : RETRY_FINAL;
}

bool retry_allowed(RetryCause cause, bool repeatable) {
    return cause == RETRY_UNSENT || (cause != RETRY_FINAL && repeatable);
}

/* base * factor^(n-1), at most max_ms. */
static double backoff_ms(const RetryProfile *p, int n) {
    double wait = (double)p->base_ms * pow(p->factor, MIN(n - 1, 1000));
    return MIN(wait, (double)p->max_ms); /* also when the power is infinite */
}

int64_t retry_wait_ms(const RetryProfile *p, int n, int64_t retry_after_ms, int64_t left_ms, Rng *rng) {
    assert(n >= 1);
    if (p->attempts != RETRY_ENDLESS && n >= p->attempts)
        return RETRY_NO_MORE;
    double backoff = backoff_ms(p, n);
    if (p->how == RETRY_FULL)
        backoff *= rng_f64(rng);
    else if (p->how == RETRY_ADDED)
        backoff *= 1 + p->jitter * rng_f64(rng);
    int64_t wait = MAX(retry_after_ms, (int64_t)llround(backoff));
    return wait < left_ms ? wait : RETRY_NO_MORE;
}

/* --- Retry-After --- */

enum { RETRY_AFTER_MOST_MS = MS_PER_DAY };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* "120" or "1.5". */
static bool seconds_parse(Str s, int64_t *out_ms) {
    int64_t seconds = 0;
    size_t i = 0;
    for (; i < s.n && is_digit(s.p[i]); i++)
        seconds = MIN(seconds * 10 + (s.p[i] - '0'), INT64_C(1) << 40);
    if (i == 0)
        return false;
    int64_t ms = 0;
    if (i < s.n) {
        if (s.p[i++] != '.' || i == s.n)
            return false;
        bool more = false; /* digits behind the ms that are not 0 */
        for (int64_t place = 100; i < s.n; i++, place /= 10) {
            if (!is_digit(s.p[i]))
                return false;
            ms += place * (s.p[i] - '0');
            more |= place == 0 && s.p[i] != '0';
        }
        ms += more;
    }
    *out_ms = MIN(seconds * MS_PER_SECOND + ms, RETRY_AFTER_MOST_MS);
    return true;
}

/* Two digits at p. -1 if they are none. */
static int two_digits(const char *p) {
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

/* The one form of RFC 9110 that servers may still send: "Fri, 01 Mar 2024 12:34:56 GMT". */
static bool http_date_parse(Str s, Time *out) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (s.n != 29 || memcmp(s.p + 3, ", ", 2) != 0 || s.p[7] != ' ' || s.p[11] != ' ' || s.p[16] != ' ' ||
        s.p[19] != ':' || s.p[22] != ':' || memcmp(s.p + 25, " GMT", 4) != 0)
        return false;
    Civil c = { .day = two_digits(s.p + 5), .hour = two_digits(s.p + 17), .minute = two_digits(s.p + 20) };
    c.second = two_digits(s.p + 23);
    int century = two_digits(s.p + 12), year = two_digits(s.p + 14);
    for (int m = 0; m < 12; m++)
        if (memcmp(months + 3 * m, s.p + 8, 3) == 0)
            c.month = m + 1;
    if (century < 0 || year < 0)
        return false;
    c.year = century * 100 + year;
    c.second = MIN(c.second, 59); /* a leap second is the one before it */
    if (!civil_valid(&c))
        return false;
    *out = time_from_civil(&c);
    return true;
}

bool retry_after_parse(Str value, Time now, int64_t *out_ms) {
    Str s = str_trim(value);
    if (seconds_parse(s, out_ms))
        return true;
    Time at;
    if (!http_date_parse(s, &at))
        return false;
    *out_ms = CLAMP(at.ms - now.ms, 0, RETRY_AFTER_MOST_MS);
    return true;
}

/* --- the budget --- */

enum { CENTS = 100 };

void retry_budget_init(RetryBudget *b, int percent, int64_t burst) {
    assert(percent >= 0 && burst >= 0);
    b->percent = percent;
    b->burst = burst;
    atomic_init(&b->refused, 0);
    atomic_init(&b->cents, burst * CENTS);
}

void retry_budget_first(RetryBudget *b) {
    int64_t most = b->burst * CENTS, have = atomic_load_explicit(&b->cents, memory_order_relaxed);
    while (have < most && !atomic_compare_exchange_weak_explicit(&b->cents, &have, MIN(most, have + b->percent),
                                                                 memory_order_relaxed, memory_order_relaxed))
        ;
}

bool retry_budget_take(RetryBudget *b) {
    int64_t have = atomic_load_explicit(&b->cents, memory_order_relaxed);
    while (have >= CENTS)
        if (atomic_compare_exchange_weak_explicit(&b->cents, &have, have - CENTS, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    atomic_fetch_add_explicit(&b->refused, 1, memory_order_relaxed);
    return false;
}
