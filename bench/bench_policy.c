/* What the gateway pays for each decision: breaker, budgets, limits, balancing, cache. CPU time of one thread in ns a
 * call; three targets, 10,000 clients. */

#include "adapters/cache/memory.h"
#include "policy/balance.h"
#include "policy/breaker.h"
#include "policy/bulkhead.h"
#include "policy/limit.h"
#include "policy/retry.h"

#include <stdio.h>
#include <time.h>

enum { CALLS = 2000000, PUTS = 200000, CLIENTS = 10000 };

static double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#define MEASURE(name, n, ...)                                                                                          \
    do {                                                                                                               \
        double begun_ = cpu_ns();                                                                                      \
        for (int64_t i = 0; i < (n); i++) {                                                                            \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
        printf("%-36s %7.1f ns\n", name, (cpu_ns() - begun_) / (n));                                                   \
    } while (0)

static void bench_guards(void) {
    MonoNs now = { 0 };
    Breaker b;
    BreakerTicket t;
    breaker_init(&b, &breaker_standard, now);
    MEASURE("breaker: admit, report", CALLS, breaker_admit(&b, now, &t); breaker_report(&b, t, true, now));
    RetryBudget budget;
    retry_budget_init(&budget, RETRY_BUDGET_PERCENT, RETRY_BUDGET_BURST);
    MEASURE("retry budget: first attempt", CALLS, retry_budget_first(&budget));
    Bulkhead h;
    bulkhead_init(&h, 100);
    MEASURE("bulkhead: enter, leave", CALLS, bulkhead_enter(&h); bulkhead_leave(&h));
}

static void bench_limits(void) {
    static const char *const names[] = { "sliding", "fixed", "bucket" };
    char name[64];
    LimitVerdict v;
    for (int kind = LIMIT_SLIDING; kind <= LIMIT_BUCKET; kind++) {
        LimitRule rule = { .name = "bench", .kind = (LimitKind)kind, .most = 60, .window_ms = 60000 };
        Limiter *l = limiter_new(&rule, 65536, 9);
        snprintf(name, sizeof name, "limit, %s: known client", names[kind]);
        MEASURE(name, CALLS, limiter_take(l, (uint64_t)(i % CLIENTS), 0, (MonoNs){ i * 1000 }, &v));
        snprintf(name, sizeof name, "limit, %s: a new one each time", names[kind]);
        MEASURE(name, CALLS, limiter_take(l, (uint64_t)i + CALLS, 0, (MonoNs){ i * 1000 }, &v));
        limiter_free(l);
    }
}

static void bench_balance(void) {
    Rng rng;
    rng_seed(&rng, 1);
    char name[64];
    for (int kind = BALANCE_ROUND_ROBIN; kind <= BALANCE_EWMA; kind++) {
        BalanceOptions o;
        balance_options_default(&o);
        o.kind = (BalanceKind)kind;
        Balancer *b = balancer_new(&o);
        BalanceTarget targets[] = { { .id = S("a") }, { .id = S("b") }, { .id = S("c") } };
        balancer_set(b, targets, ARRAY_LEN(targets));
        BalancePick p;
        snprintf(name, sizeof name, "balance, %s: pick, done", balance_kind_name(o.kind));
        MEASURE(name, CALLS, balancer_pick(b, NULL, 0, (MonoNs){ 0 }, &rng, &p);
                balancer_done(b, p, true, 1000, (MonoNs){ i }));
        balancer_free(b);
    }
}

static void bench_cache(void) {
    Arena arena = { 0 };
    ClockManual clock;
    clock_manual_init(&clock, (Time){ 0 });
    Ctx cx;
    ctx_init(&cx, &arena, &clock.clock);
    Cache *c = cache_memory_new(64 << 20, CACHE_TINYLFU, 5);
    CacheBlob *value = cache_blob_new(1000);
    memset(value->bytes, 'v', value->n);
    char key[64];
    MEASURE("cache, memory: put of 1 kB", PUTS,
            Str k = str_n(key, (size_t)snprintf(key, sizeof key, "ohlcv:binance:BTCUSDT:1h:%d", (int)(i % CLIENTS)));
            cache_put(c, &cx, &(CacheEntry){ .key = k, .ttl_ms = 60000 }, value));
    CacheFound found;
    CacheHit hit;
    MEASURE("cache, memory: hit", CALLS,
            if (cache_get(c, &cx, S("ohlcv:binance:BTCUSDT:1h:77"), &found, &hit) == 0 && found != CACHE_MISS)
                cache_blob_unref(hit.value));
    cache_blob_unref(value);
    cache_close(c);
    arena_done(&arena);
}

int main(void) {
    bench_guards();
    bench_limits();
    bench_balance();
    bench_cache();
    return 0;
}
