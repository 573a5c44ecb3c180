/* tests/unit/cli/test_spool.c - candles that wait on a temporary file come back bit by bit. */

#include "cli/spool.h"
#include "test.h"

static Candles some_rows(size_t n, int64_t first) {
    Candles rows;
    candles_init_heap(&rows, n);
    for (size_t i = 0; i < n; i++) {
        double v = (double)i / 3 - 1;
        Candle c = { time_ms(first + (int64_t)i), v, v + 2, -0.0, v * 1e-300, 0.1, time_ms(-(int64_t)i), i % 8 };
        candles_push(&rows, &c);
    }
    return rows;
}

TEST(batches_come_back_as_they_went) {
    static const size_t sizes[] = { 3, 0, 50000, 1 };
    const char *dir = test_dir();
    TestCtx t;
    test_ctx_init(&t);
    Spool s;
    spool_init(&s, dir);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        Candles rows = some_rows(sizes[i], (int64_t)i * 1000);
        CHECK_OK(&t.cx, spool_put(&s, &t.cx, &rows));
        candles_done_heap(&rows);
    }
    CHECK_EQ(s.n_rows, 50004);
    CHECK_OK(&t.cx, spool_rewind(&s, &t.cx));
    Candles got;
    candles_init_heap(&got, 1);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CHECK_OK(&t.cx, spool_next(&s, &t.cx, &got));
        Candles want = some_rows(sizes[i], (int64_t)i * 1000);
        CHECK_EQ(got.n, want.n);
        for (size_t k = 0; k < got.n; k++) {
            Candle a = candles_get(&got, k), b = candles_get(&want, k);
            CHECK(candle_same_data(&a, &b) && a.known_at.ms == b.known_at.ms && a.flags == b.flags);
        }
        candles_done_heap(&want);
    }
    CHECK_EQ(spool_next(&s, &t.cx, &got), SPOOL_END);
    candles_done_heap(&got);
    spool_done(&s);
    test_ctx_done(&t);
    test_dir_done(dir);
}

TEST(nothing_is_made_before_the_first_batch) {
    TestCtx t;
    test_ctx_init(&t);
    Spool s;
    Candles got = { 0 };
    spool_init(&s, "/nowhere/at/all");
    CHECK_OK(&t.cx, spool_rewind(&s, &t.cx));
    CHECK_EQ(spool_next(&s, &t.cx, &got), SPOOL_END);
    Candles rows = some_rows(1, 0);
    CHECK(spool_put(&s, &t.cx, &rows) < 0);
    CHECK(str_find(str_c(t.cx.err.text), S("/nowhere/at/all")) > 0);
    candles_done_heap(&rows);
    spool_done(&s);
    test_ctx_done(&t);
}

TESTS(T(batches_come_back_as_they_went), T(nothing_is_made_before_the_first_batch))
