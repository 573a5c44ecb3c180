/* core/resample: going by way of a middle timeframe changes nothing, where the grids nest; nor do pieces. */

#include "core/resample.h"

#include "base/rng.h"

#include "lib/test.h"

static const Timeframe chains[][3] = {
    { { UNIT_MINUTE, 1 }, { UNIT_MINUTE, 5 }, { UNIT_HOUR, 1 } },
    { { UNIT_MINUTE, 15 }, { UNIT_HOUR, 4 }, { UNIT_DAY, 1 } },
    { { UNIT_HOUR, 1 }, { UNIT_DAY, 1 }, { UNIT_WEEK, 1 } },
    { { UNIT_HOUR, 6 }, { UNIT_DAY, 1 }, { UNIT_MONTH, 1 } },
    { { UNIT_DAY, 1 }, { UNIT_MONTH, 1 }, { UNIT_MONTH, 3 } },
    { { UNIT_DAY, 1 }, { UNIT_DAY, 3 }, { UNIT_DAY, 6 } },
    { { UNIT_HOUR, 8 }, { UNIT_WEEK, 1 }, { UNIT_WEEK, 2 } },
};

/* A walk with holes; all numbers are sums of few binary digits, so that adding them in another order is exact. */
static Candles walk(Arena *a, Rng *rng, Timeframe tf, size_t n) {
    Candles cs;
    candles_init(&cs, a, n);
    Time t = timeframe_floor(tf, time_ms(rng_between(rng, -1000000000, 2000000000) * 1000));
    double price = 4096;
    for (size_t i = 0; i < n; i++) {
        Candle c = { .open_time = t, .open = price, .known_at = time_ms((int64_t)rng_below(rng, 1000)) };
        c.close = price + (double)rng_between(rng, -8, 8) / 4;
        c.high = MAX(c.open, c.close) + (double)rng_below(rng, 4) / 4;
        c.low = MIN(c.open, c.close) - (double)rng_below(rng, 4) / 4;
        c.volume = (double)rng_below(rng, 1024) / 8;
        c.flags = rng_chance(rng, 0.01) ? CANDLE_SYNTHETIC : rng_chance(rng, 0.005) ? CANDLE_SIMULATED : 0;
        candles_push(&cs, &c);
        price = c.close;
        t = timeframe_step(tf, t, rng_chance(rng, 0.02) ? rng_between(rng, 2, 60) : 1);
    }
    return cs;
}

static Candles resample(Arena *a, Rng *rng, const Candles *in, Timeframe from, Timeframe to, Time until) {
    Candles out;
    Resampler r;
    candles_init(&out, a, 16);
    resample_init(&r, &(ResampleOptions){ .from = from, .to = to });
    for (size_t at = 0; at < in->n;) {
        size_t n = 1 + (size_t)rng_below(rng, 50);
        n = MIN(n, in->n - at);
        Candles piece = candles_view(in, at, n);
        resample_add(&r, &piece, a, &out);
        at += n;
    }
    resample_finish(&r, until, a, &out);
    return out;
}

TEST(a_middle_timeframe_changes_nothing) {
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    rng_seed(&rng, prop_seed(7));
    for (int round = 0; round < 200; round++) {
        const Timeframe *chain = chains[rng_below(&rng, ARRAY_LEN(chains))];
        Candles fine = walk(&t.arena, &rng, chain[0], 1 + (size_t)rng_below(&rng, 2000));
        Time until = timeframe_next(chain[0], time_ms(fine.open_ms[fine.n - 1]));
        Candles at_once = resample(&t.arena, &rng, &fine, chain[0], chain[2], until);
        Candles middle = resample(&t.arena, &rng, &fine, chain[0], chain[1], until);
        Candles by_steps = resample(&t.arena, &rng, &middle, chain[1], chain[2], until);
        CHECK_EQ(by_steps.n, at_once.n);
        double volume = 0, volume_fine = 0;
        for (size_t i = 0; i < at_once.n; i++) {
            Candle a = candles_get(&at_once, i), b = candles_get(&by_steps, i);
            CHECK(candle_same_data(&a, &b));
            CHECK_EQ(a.flags, b.flags);
            CHECK_EQ(a.known_at.ms, b.known_at.ms);
            CHECK(timeframe_on_grid(chain[2], a.open_time));
            volume += a.volume;
        }
        for (size_t i = 0; i < fine.n; i++)
            volume_fine += fine.volume[i];
        CHECK(volume == volume_fine); /* nothing lost on the way */
        arena_reset(&t.arena);
    }
    test_ctx_done(&t);
}

TESTS(T(a_middle_timeframe_changes_nothing))
