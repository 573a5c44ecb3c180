/* policy/limit.c - see limit.h.
 *
 * Sets of WAYS places; a key may stand in any place of its one set. A place is a head and, behind it, what its kind of
 * counting keeps. The table is zeroed memory that the kernel gives page by page as sets are used. */

#include "policy/limit.h"

#include "base/hash.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdatomic.h>

enum { WAYS = 8, KEYS_MIN = 64, SPINS = 64 };

const LimitRule limit_anonymous = { .name = "ip", .kind = LIMIT_SLIDING, .most = 60, .window_ms = MS_PER_MINUTE };
const LimitRule limit_keyed = { .name = "key", .kind = LIMIT_SLIDING, .most = 100, .window_ms = MS_PER_MINUTE };

typedef struct Place {
    uint64_t key;    /* 0 = free */
    int64_t last_ms; /* of the last request counted */
    union {
        struct {
            uint32_t first, n; /* of the ring behind the place: ms, modulo 2^32, rounded up */
        } sliding;
        struct {
            int64_t window, n;
        } fixed;
        int64_t full_at_ns; /* BUCKET: when the bucket is full again */
    } u;
    uint32_t ring[];
} Place;

struct Limiter {
    LimitRule rule;
    uint64_t seed;
    size_t n_sets, place_size, bytes;
    char *places;
    atomic_flag *locks; /* one a set */
    _Atomic uint64_t passed, refused, displaced;
    _Atomic size_t keys;
};

Limiter *limiter_new(const LimitRule *rule, size_t max_keys, uint64_t seed) {
    assert(rule->most >= 1 && rule->window_ms >= 1 && rule->window_ms <= MS_PER_DAY);
    assert(rule->kind != LIMIT_SLIDING || rule->most <= LIMIT_SLIDING_MAX);
    Limiter *l = mem_new(Limiter);
    l->rule = *rule;
    l->seed = seed;
    size_t keys = KEYS_MIN;
    while (keys < max_keys)
        keys = mem_mul(keys, 2);
    l->n_sets = keys / WAYS;
    size_t ring = rule->kind == LIMIT_SLIDING ? (size_t)rule->most * sizeof(uint32_t) : 0;
    l->place_size = (sizeof(Place) + ring + 7) / 8 * 8;
    l->bytes = mem_mul(keys, l->place_size);
    l->places = mem_zalloc(l->bytes);
    l->locks = mem_new_n(atomic_flag, l->n_sets);
    for (size_t i = 0; i < l->n_sets; i++)
        atomic_flag_clear_explicit(&l->locks[i], memory_order_relaxed);
    return l;
}

Limiter *limiter_free(Limiter *l) {
    if (!l)
        return NULL;
    mem_free(l->places);
    mem_free(l->locks);
    return mem_free(l);
}

static void set_lock(Limiter *l, size_t set) {
    for (int i = 1; atomic_flag_test_and_set_explicit(&l->locks[set], memory_order_acquire); i++)
        if (i % SPINS == 0) /* its holder has lost the CPU: give it ours */
            sched_yield();
}

static void set_unlock(Limiter *l, size_t set) {
    atomic_flag_clear_explicit(&l->locks[set], memory_order_release);
}

static Place *place_at(const Limiter *l, size_t set, size_t way) {
    return (Place *)(void *)(l->places + (set * WAYS + way) * l->place_size);
}

static int64_t ms_floor(MonoNs t) {
    return t.ns / NS_PER_MS;
}

static int64_t ns_to_ms_up(int64_t ns) {
    return ns <= 0 ? 0 : (ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* --- the three ways of counting: what take would say, and, if count, that it was said --- */

/* The age of a time in the ring; 0 for one that was rounded up past now. */
static int64_t age_ms(int64_t now_ms, uint32_t then) {
    return MAX(0, (int32_t)((uint32_t)now_ms - then));
}

/* Drops the times that have left the window. */
static void sliding_prune(const Limiter *l, Place *p, int64_t now_ms) {
    /* Times older than the window and the last one are dropped together: the ring's 32 bits cannot tell 49 days ago
     * from now. */
    if (now_ms - p->last_ms >= l->rule.window_ms)
        p->u.sliding.n = 0;
    while (p->u.sliding.n && age_ms(now_ms, p->ring[p->u.sliding.first]) >= l->rule.window_ms) {
        p->u.sliding.first = (p->u.sliding.first + 1) % (uint32_t)l->rule.most;
        p->u.sliding.n--;
    }
}

static uint32_t sliding_at(const Limiter *l, const Place *p, uint32_t i) {
    return p->ring[(p->u.sliding.first + i) % (uint32_t)l->rule.most];
}

static void sliding(const Limiter *l, Place *p, int64_t most, MonoNs now, bool count, LimitVerdict *out) {
    int64_t now_ms = ms_floor(now), window = l->rule.window_ms;
    sliding_prune(l, p, now_ms);
    int64_t n = p->u.sliding.n;
    out->ok = n < most;
    if (out->ok) {
        out->remaining = most - n - 1;
        out->reset_ms = window;
        if (!count)
            return;
        p->ring[(p->u.sliding.first + p->u.sliding.n++) % (uint32_t)l->rule.most] = (uint32_t)ns_to_ms_up(now.ns);
        return;
    }
    /* It passes when all but most - 1 have left. */
    out->retry_after_ms = MAX(1, window - age_ms(now_ms, sliding_at(l, p, (uint32_t)(n - most))));
    out->reset_ms = MAX(1, window - age_ms(now_ms, sliding_at(l, p, (uint32_t)(n - 1))));
}

static void fixed(const Limiter *l, Place *p, int64_t most, MonoNs now, bool count, LimitVerdict *out) {
    int64_t now_ms = ms_floor(now), window = now_ms / l->rule.window_ms;
    int64_t n = p->u.fixed.window == window ? p->u.fixed.n : 0;
    out->ok = n < most;
    out->reset_ms = (window + 1) * l->rule.window_ms - now_ms;
    if (!out->ok) {
        out->retry_after_ms = out->reset_ms;
        return;
    }
    out->remaining = most - n - 1;
    if (count) {
        p->u.fixed.window = window;
        p->u.fixed.n = n + 1;
    }
}

static int64_t token_ns(const Limiter *l, int64_t most) {
    return MAX(1, l->rule.window_ms * NS_PER_MS / most);
}

static void bucket(const Limiter *l, Place *p, int64_t most, MonoNs now, bool count, LimitVerdict *out) {
    int64_t token = token_ns(l, most), missing = MAX(0, p->u.full_at_ns - now.ns);
    out->ok = missing <= token * (most - 1);
    if (!out->ok) {
        out->retry_after_ms = MAX(1, ns_to_ms_up(missing - token * (most - 1)));
        out->reset_ms = ns_to_ms_up(missing);
        return;
    }
    missing += token;
    out->remaining = most - (missing + token - 1) / token;
    out->reset_ms = ns_to_ms_up(missing);
    if (count)
        p->u.full_at_ns = now.ns + missing;
}

static void judge(const Limiter *l, Place *p, int64_t most, MonoNs now, bool count, LimitVerdict *out) {
    switch (l->rule.kind) {
    case LIMIT_SLIDING:
        sliding(l, p, most, now, count, out);
        break;
    case LIMIT_FIXED:
        fixed(l, p, most, now, count, out);
        break;
    case LIMIT_BUCKET:
        bucket(l, p, most, now, count, out);
        break;
    }
    if (count && out->ok)
        p->last_ms = MAX(p->last_ms, ms_floor(now));
}

/* Requests of the key that still count against it: what its place is worth. */
static int64_t place_worth(const Limiter *l, Place *p, MonoNs now) {
    switch (l->rule.kind) {
    case LIMIT_SLIDING:
        sliding_prune(l, p, ms_floor(now));
        return p->u.sliding.n;
    case LIMIT_FIXED:
        return p->u.fixed.window == ms_floor(now) / l->rule.window_ms ? p->u.fixed.n : 0;
    case LIMIT_BUCKET:
        return MAX(0, p->u.full_at_ns - now.ns) / token_ns(l, l->rule.most);
    }
    return 0;
}

/* --- places --- */

static Place *place_find(const Limiter *l, size_t set, uint64_t key) {
    for (size_t way = 0; way < WAYS; way++) {
        Place *p = place_at(l, set, way);
        if (p->key == key)
            return p;
    }
    return NULL;
}

/* A place for a key that has none: a free one, else that of the key worth least, the oldest of equals. */
static Place *place_take(Limiter *l, size_t set, uint64_t key, MonoNs now) {
    Place *least = NULL;
    int64_t least_worth = INT64_MAX;
    for (size_t way = 0; way < WAYS; way++) {
        Place *p = place_at(l, set, way);
        if (!p->key) {
            atomic_fetch_add_explicit(&l->keys, 1, memory_order_relaxed);
            p->key = key;
            return p;
        }
        int64_t worth = place_worth(l, p, now);
        if (worth < least_worth || (worth == least_worth && p->last_ms < least->last_ms)) {
            least = p;
            least_worth = worth;
        }
    }
    if (least_worth > 0)
        atomic_fetch_add_explicit(&l->displaced, 1, memory_order_relaxed);
    memset(least, 0, sizeof *least);
    least->key = key;
    return least;
}

static int64_t most_for(const Limiter *l, int64_t most) {
    if (most <= 0)
        return l->rule.most;
    return l->rule.kind == LIMIT_SLIDING ? MIN(most, l->rule.most) : most;
}

static void ask(Limiter *l, uint64_t key, int64_t most, MonoNs now, bool count, LimitVerdict *out) {
    uint64_t mixed = hash64_u64(key, l->seed);
    mixed += mixed == 0; /* 0 marks a free place */
    size_t set = mixed & (l->n_sets - 1);
    *out = (LimitVerdict){ .rule = &l->rule, .most = most_for(l, most) };
    set_lock(l, set);
    Place *p = place_find(l, set, mixed);
    if (!p && count)
        p = place_take(l, set, mixed, now);
    Place unknown = { .key = mixed };
    judge(l, p ? p : &unknown, out->most, now, count, out);
    set_unlock(l, set);
}

bool limiter_take(Limiter *l, uint64_t key, int64_t most, MonoNs now, LimitVerdict *out) {
    ask(l, key, most, now, true, out);
    atomic_fetch_add_explicit(out->ok ? &l->passed : &l->refused, 1, memory_order_relaxed);
    return out->ok;
}

bool limiter_peek(Limiter *l, uint64_t key, int64_t most, MonoNs now, LimitVerdict *out) {
    ask(l, key, most, now, false, out);
    return out->ok;
}

void limiter_stats(const Limiter *l, LimiterStats *out) {
    *out = (LimiterStats){
        .passed = atomic_load_explicit(&l->passed, memory_order_relaxed),
        .refused = atomic_load_explicit(&l->refused, memory_order_relaxed),
        .displaced = atomic_load_explicit(&l->displaced, memory_order_relaxed),
        .keys = atomic_load_explicit(&l->keys, memory_order_relaxed),
        .bytes = l->bytes + l->n_sets * sizeof *l->locks + sizeof *l,
    };
}

/* --- keys and headers --- */

uint64_t limit_key(const Limiter *l, const Str *parts, size_t n) {
    uint64_t h = l->seed;
    for (size_t i = 0; i < n; i++)
        h = hash64_str(parts[i], h);
    return h;
}

uint64_t limit_key_ip(const Limiter *l, Str address) {
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff }; /* ::ffff:a.b.c.d is a.b.c.d */
    if (address.n == 0 || address.n >= sizeof text)
        return hash64_str(address, l->seed);
    memcpy(text, address.p, address.n);
    text[address.n] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        return hash64(bytes, 4, l->seed);
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return hash64_str(address, l->seed);
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return hash64(bytes + 12, 4, l->seed);
    return hash64(bytes, 8, l->seed);
}

static int64_t seconds_up(int64_t ms) {
    return (ms + MS_PER_SECOND - 1) / MS_PER_SECOND;
}

static Str number(Arena *a, int64_t v) {
    char *p = arena_alloc(a, NUM_TEXT_MAX);
    return str_n(p, num_format_i64(v, p));
}

/* "100;w=60", without printf: every reply has these fields. */
static Str policy_text(Arena *a, const LimitVerdict *v) {
    char *start = arena_alloc(a, 2 * NUM_TEXT_MAX + 3), *to = start + num_format_i64(v->most, start);
    memcpy(to, ";w=", 3);
    to += 3 + num_format_i64(seconds_up(v->rule->window_ms), to + 3);
    return str_n(start, (size_t)(to - start));
}

void limit_headers(Arena *a, const LimitVerdict *v, LimitHeaders *out) {
    *out = (LimitHeaders){
        .limit = number(a, v->most),
        .remaining = number(a, v->remaining),
        .reset = number(a, seconds_up(v->reset_ms)),
        .policy = policy_text(a, v),
    };
    if (!v->ok)
        out->retry_after = number(a, MAX(1, seconds_up(v->retry_after_ms)));
}

const LimitVerdict *limit_tighter(const LimitVerdict *a, const LimitVerdict *b) {
    if (a->ok != b->ok)
        return a->ok ? b : a;
    if (!a->ok)
        return a->retry_after_ms >= b->retry_after_ms ? a : b;
    return a->remaining <= b->remaining ? a : b;
}
