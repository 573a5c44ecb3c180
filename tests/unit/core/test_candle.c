/* core/candle: tables of candles in columns. */

#include "core/candle.h"
#include "lib/test.h"

static Candle candle_at(int64_t ms, double price) {
    return (Candle){ .open_time = time_ms(ms),
                     .open = price,
                     .high = price + 1,
                     .low = price - 1,
                     .close = price + 0.5,
                     .volume = price * 10,
                     .known_at = time_ms(ms + 7),
                     .flags = CANDLE_SIMULATED };
}

static bool same(Candle a, Candle b) {
    return candle_same_data(&a, &b) && a.known_at.ms == b.known_at.ms && a.flags == b.flags;
}

TEST(a_table_grows_and_keeps_every_column) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    candles_init(&cs, &t.arena, 0);
    for (int i = 0; i < 1000; i++) {
        Candle c = candle_at(i * 60000, 100 + i);
        candles_reserve(&cs, &t.arena, cs.n + 1);
        candles_push(&cs, &c);
    }
    CHECK_EQ(cs.n, 1000);
    for (int i = 0; i < 1000; i++)
        CHECK(same(candles_get(&cs, i), candle_at(i * 60000, 100 + i)));
    CHECK(t.arena.used < 1000 * 57 * 4); /* geometric growth: a small multiple of the table */
    test_ctx_done(&t);
}

TEST(a_heap_table_grows_and_is_freed) {
    Candles cs;
    candles_init_heap(&cs, 1);
    for (int i = 0; i < 100; i++) {
        Candle c = candle_at(i, i);
        candles_reserve_heap(&cs, cs.n + 1);
        candles_push(&cs, &c);
    }
    CHECK(same(candles_get(&cs, 99), candle_at(99, 99)));
    candles_done_heap(&cs);
    CHECK_EQ(cs.cap, 0);
    candles_done_heap(&cs); /* an empty table too */
}

TEST(views_borrow_and_append_copies) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs, to;
    candles_init(&cs, &t.arena, 10);
    candles_init(&to, &t.arena, 4);
    for (int i = 0; i < 10; i++) {
        Candle c = candle_at(i * 10, i);
        candles_push(&cs, &c);
    }
    Candles view = candles_view(&cs, 3, 4);
    CHECK_EQ(view.n, 4);
    CHECK_EQ(view.cap, 4);
    CHECK(view.open_ms == cs.open_ms + 3);
    CHECK(same(candles_get(&view, 0), candle_at(30, 3)));
    candles_append(&to, &view, 1, 3);
    CHECK(same(candles_get(&to, 0), candle_at(40, 4)));
    CHECK(same(candles_get(&to, 2), candle_at(60, 6)));
    CHECK_EQ(candles_view(&cs, 10, 0).n, 0);
    test_ctx_done(&t);
}

TEST(lower_bound_finds_first_not_before) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    candles_init(&cs, &t.arena, 3);
    static const int64_t times[] = { -20, 20, 30 };
    for (size_t i = 0; i < 3; i++) {
        Candle c = candle_at(times[i], 1);
        candles_push(&cs, &c);
    }
    static const struct {
        const char *name;
        int64_t t;
        size_t want;
    } rows[] = {
        { "before all", INT64_MIN, 0 }, { "on the first", -20, 0 }, { "between", 0, 1 }, { "on one", 20, 1 },
        { "just after", 21, 2 },        { "after all", 31, 3 },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(candles_lower_bound(&cs, time_ms(r->t)), r->want);
    CHECK_EQ(candles_lower_bound(&(Candles){ 0 }, time_ms(0)), 0);
    test_ctx_done(&t);
}

TEST(sorting_keeps_the_later_of_two_rows_with_one_time) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    candles_init(&cs, &t.arena, 8);
    static const struct {
        int64_t ms;
        double price;
    } in[] = { { 30, 1 }, { 10, 2 }, { 30, 3 }, { -5, 4 }, { 10, 5 }, { 30, 6 } };
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        Candle c = candle_at(in[i].ms, in[i].price);
        candles_push(&cs, &c);
    }
    CHECK(!candles_sorted_unique(&cs));
    size_t used = t.arena.used;
    CHECK_EQ(candles_sort_unique(&cs, &t.arena), 3);
    CHECK_EQ(t.arena.used, used); /* scratch is given back */
    CHECK_EQ(cs.n, 3);
    CHECK(candles_sorted_unique(&cs));
    CHECK(same(candles_get(&cs, 0), candle_at(-5, 4)));
    CHECK(same(candles_get(&cs, 1), candle_at(10, 5)));
    CHECK(same(candles_get(&cs, 2), candle_at(30, 6)));
    CHECK_EQ(candles_sort_unique(&cs, &t.arena), 0);
    test_ctx_done(&t);
}

TEST(same_data_compares_bits_of_time_and_numbers_only) {
    Candle a = candle_at(1, 2), b = a;
    b.flags = 0;
    b.known_at = time_ms(99);
    CHECK(candle_same_data(&a, &b));
    b.low = nextafter(b.low, 0);
    CHECK(!candle_same_data(&a, &b));
    b = a;
    a.volume = 0.0;
    b.volume = -0.0;
    CHECK(!candle_same_data(&a, &b));
    b = a;
    b.open_time = time_ms(2);
    CHECK(!candle_same_data(&a, &b));
}

TESTS(T(a_table_grows_and_keeps_every_column), T(a_heap_table_grows_and_is_freed), T(views_borrow_and_append_copies),
      T(lower_bound_finds_first_not_before), T(sorting_keeps_the_later_of_two_rows_with_one_time),
      T(same_data_compares_bits_of_time_and_numbers_only))
