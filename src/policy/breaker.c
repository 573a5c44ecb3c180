/* policy/breaker.c - see breaker.h.
 *
 * The word: bits 63-62 the state, 61-48 the failures in a row, 47-0 the ms of the last change of state, counted from
 * the monotonic clock's zero (8,900 years). State and time of change name a period; a ticket is the word of its
 * admission without the failures, so a report is of the present period if and only if the two agree. Each change is one
 * compare-and-swap: who loses it looks again. */

#include "policy/breaker.h"

#include "base/err.h"

enum { STATE_SHIFT = 62, FAILURES_SHIFT = 48 };
#define FAILURES_MASK (UINT64_C(0x3fff) << FAILURES_SHIFT)
#define WHEN_MASK     ((UINT64_C(1) << FAILURES_SHIFT) - 1)

const BreakerProfile breaker_standard = { .name = "standard", .failures = 5, .recovery_ms = 60000, .probe_ms = 60000 };
const BreakerProfile breaker_resilient = {
    .name = "resilient", .failures = 3, .recovery_ms = 30000, .probe_ms = 30000, .only_200 = true
};
const BreakerProfile breaker_python = {
    .name = "python", .failures = 5, .recovery_ms = 60000, .probe_ms = 30000, .call_ms = 30000
};
const BreakerProfile breaker_fast = { .name = "fast", .failures = 3, .recovery_ms = 1000, .probe_ms = 5000 };

const BreakerProfile *const breaker_profiles[] = { &breaker_standard, &breaker_resilient, &breaker_python,
                                                   &breaker_fast, NULL };

const BreakerProfile *breaker_profile(Str name) {
    for (size_t i = 0; breaker_profiles[i]; i++)
        if (str_eq(name, str_c(breaker_profiles[i]->name)))
            return breaker_profiles[i];
    return NULL;
}

static uint64_t word_of(BreakerState s, int failures, MonoNs when) {
    uint64_t ms = when.ns > 0 ? (uint64_t)(when.ns / NS_PER_MS) & WHEN_MASK : 0;
    return (uint64_t)s << STATE_SHIFT | (uint64_t)failures << FAILURES_SHIFT | ms;
}

static BreakerState state_of(uint64_t word) {
    return (BreakerState)(word >> STATE_SHIFT);
}

static int failures_of(uint64_t word) {
    return (int)((word & FAILURES_MASK) >> FAILURES_SHIFT);
}

static uint64_t period_of(uint64_t word) {
    return word & ~FAILURES_MASK;
}

/* ms since the last change; a caller whose time was read before the change gets 0. */
static int64_t since_change_ms(uint64_t word, MonoNs now) {
    return MAX(0, now.ns / NS_PER_MS - (int64_t)(word & WHEN_MASK));
}

void breaker_init(Breaker *b, const BreakerProfile *p, MonoNs now) {
    assert(p->failures >= 1 && p->failures <= BREAKER_FAILURES_MAX && p->recovery_ms >= 0);
    b->profile = p;
    atomic_init(&b->opened, 0);
    atomic_init(&b->refused, 0);
    atomic_init(&b->word, word_of(BREAKER_CLOSED, 0, now));
}

/* How long the present state keeps all others out. */
static int64_t shut_ms(const BreakerProfile *p, BreakerState s) {
    return s == BREAKER_OPEN ? p->recovery_ms : s == BREAKER_HALF_OPEN ? p->probe_ms : 0;
}

bool breaker_admit(Breaker *b, MonoNs now, BreakerTicket *out) {
    uint64_t word = atomic_load_explicit(&b->word, memory_order_acquire);
    for (;;) {
        BreakerState s = state_of(word);
        if (s == BREAKER_CLOSED) {
            out->period = period_of(word);
            return true;
        }
        if (since_change_ms(word, now) < shut_ms(b->profile, s))
            break;
        uint64_t probe = word_of(BREAKER_HALF_OPEN, 0, now);
        if (probe == word) /* a probe_ms of 0 within one ms: the place is taken */
            break;
        if (atomic_compare_exchange_weak_explicit(&b->word, &word, probe, memory_order_acq_rel, memory_order_acquire)) {
            out->period = probe;
            return true;
        }
    }
    atomic_fetch_add_explicit(&b->refused, 1, memory_order_relaxed);
    return false;
}

void breaker_report(Breaker *b, BreakerTicket t, bool success, MonoNs now) {
    uint64_t word = atomic_load_explicit(&b->word, memory_order_acquire), next;
    do {
        if (period_of(word) != t.period)
            return;
        int failures = failures_of(word) + 1;
        bool probe = state_of(word) == BREAKER_HALF_OPEN;
        if (success && !probe && failures == 1)
            return; /* the common case writes nothing */
        if (success)
            next = probe ? word_of(BREAKER_CLOSED, 0, now) : period_of(word);
        else if (probe || failures >= b->profile->failures)
            next = word_of(BREAKER_OPEN, 0, now);
        else
            next = word + (UINT64_C(1) << FAILURES_SHIFT);
    } while (!atomic_compare_exchange_weak_explicit(&b->word, &word, next, memory_order_acq_rel, memory_order_acquire));
    if (state_of(next) == BREAKER_OPEN)
        atomic_fetch_add_explicit(&b->opened, 1, memory_order_relaxed);
}

void breaker_abandon(Breaker *b, BreakerTicket t, MonoNs now) {
    uint64_t word = t.period;
    if (state_of(word) != BREAKER_HALF_OPEN)
        return; /* while closed an admission holds nothing */
    /* Open since so long ago that the next caller may probe at once. Not at the same ms as the probe's begin: that
     * would be a period seen before. */
    MonoNs since = { MAX(0, now.ns - b->profile->recovery_ms * NS_PER_MS) };
    atomic_compare_exchange_strong(&b->word, &word, word_of(BREAKER_OPEN, 0, since));
}

bool breaker_is_success(const BreakerProfile *p, int err, int status) {
    if (err == ERR_CANCELLED)
        return true;
    if (err < 0)
        return false;
    if (status == 0)
        return true;
    return p->only_200 ? status == 200 : status < 500 && status != 429;
}

BreakerState breaker_state(const Breaker *b) {
    return state_of(atomic_load_explicit(&b->word, memory_order_acquire));
}

int breaker_failures(const Breaker *b) {
    return failures_of(atomic_load_explicit(&b->word, memory_order_acquire));
}

int64_t breaker_retry_after_ms(const Breaker *b, MonoNs now) {
    uint64_t word = atomic_load_explicit(&b->word, memory_order_acquire);
    return MAX(0, shut_ms(b->profile, state_of(word)) - since_change_ms(word, now));
}

const char *breaker_state_name(BreakerState s) {
    static const char *const names[] = { "CLOSED", "OPEN", "HALF_OPEN" };
    return names[s];
}

void breaker_force(Breaker *b, BreakerState s, MonoNs now) {
    assert(s != BREAKER_HALF_OPEN);
    atomic_store_explicit(&b->word, word_of(s, 0, now), memory_order_release);
}
