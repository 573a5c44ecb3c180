/* core/resample: hand cases on calendar timeframes and sessions; which grids nest. */

#include "core/resample.h"
#include "lib/test.h"
#include "lib/zone.h"

static Timeframe tf(const char *text) {
    Timeframe out = { 0 };
    if (!timeframe_parse(str_c(text), &out))
        FAIL("%s is no timeframe", text);
    return out;
}

/* Candle i of a series that rises by one each step; high one above, low one below; volume 1. */
static void push(Candles *cs, Arena *a, Time t, double i) {
    Candle c = { .open_time = t, .open = i, .high = i + 2, .low = i - 1, .close = i + 1, .volume = 1 };
    candles_reserve(cs, a, cs->n + 1);
    candles_push(cs, &c);
}

static Candles run(TestCtx *t, const Candles *rows, const ResampleOptions *o, Time until) {
    Resampler r;
    Candles out;
    candles_init(&out, &t->arena, 4);
    resample_init(&r, o);
    for (size_t i = 0; i < rows->n; i += 7) { /* the cut into pieces changes nothing */
        Candles piece = candles_view(rows, i, MIN((size_t)7, rows->n - i));
        resample_add(&r, &piece, &t->arena, &out);
    }
    resample_finish(&r, until, &t->arena, &out);
    return out;
}

static Candles grid(TestCtx *t, const char *step, const char *from, const char *to) {
    Candles cs;
    candles_init(&cs, &t->arena, 16);
    Timeframe f = tf(step);
    int i = 0;
    for (Time at = test_time(from); time_before(at, test_time(to)); at = timeframe_next(f, at))
        push(&cs, &t->arena, at, 100 + i++);
    return cs;
}

/* What pandas gives: resample(rule, label="left", closed="left").agg(first, max, min, last, sum). */
TEST(cells_are_first_highest_lowest_last_and_sum) {
    static const struct {
        const char *name, *from, *to, *start, *end, *label;
        size_t n;
        double open, high, low, close, volume;
        bool partial;
    } rows[] = {
        { "hours to a day", "1h", "1d", "2024-01-01", "2024-01-02", "2024-01-01", 1, 100, 125, 99, 124, 24, false },
        { "days to a week, from Monday", "1d", "1w", "2024-01-01", "2024-01-08", "2024-01-01", 1, 100, 108, 99, 107, 7,
          false },
        { "a week begun on Wednesday", "1d", "1w", "2024-01-03", "2024-01-08", "2024-01-01", 1, 100, 106, 99, 105, 5,
          true },
        { "a leap February", "1d", "1M", "2024-02-01", "2024-03-01", "2024-02-01", 1, 100, 130, 99, 129, 29, false },
        { "a month cut short", "1d", "1M", "2024-02-01", "2024-02-29", "2024-02-01", 1, 100, 129, 99, 128, 28, true },
        { "three days, counted from 1970-01-01", "1d", "3d", "2024-01-01", "2024-01-04", "2023-12-31", 2, 100, 103, 99,
          102, 2, true },
        { "months to a quarter", "1M", "3M", "2024-04-01", "2024-07-01", "2024-04-01", 1, 100, 104, 99, 103, 3, false },
        { "before 1970", "1h", "4h", "1969-12-31T20:00:00", "1970-01-01", "1969-12-31T20:00:00", 1, 100, 105, 99, 104,
          4, false },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Candles in = grid(&t, r->from, r->start, r->end);
        Candles out = run(&t, &in, &(ResampleOptions){ .from = tf(r->from), .to = tf(r->to) }, test_time(r->end));
        CHECK_EQ(out.n, r->n);
        Candle c = candles_get(&out, 0);
        CHECK_EQ(c.open_time.ms, test_time(r->label).ms);
        CHECK(c.open == r->open && c.high == r->high && c.low == r->low && c.close == r->close);
        CHECK(c.volume == r->volume);
        CHECK_EQ(c.flags & CANDLE_PARTIAL, r->partial ? CANDLE_PARTIAL : 0);
    }
    test_ctx_done(&t);
}

TEST(a_hole_a_flag_and_the_present_mark_a_cell) {
    TestCtx t;
    test_ctx_init(&t);
    Candles in = grid(&t, "1m", "2024-01-01", "2024-01-01T00:20:00");
    in.flags[1] = CANDLE_SYNTHETIC | CANDLE_SIMULATED;
    in.known_ms[3] = 77;
    in.flags[7] = CANDLE_PARTIAL;
    Candles holed;
    candles_init(&holed, &t.arena, 20);
    candles_append(&holed, &in, 0, 12);
    candles_append(&holed, &in, 13, 7); /* 00:12 is missing */
    ResampleOptions o = { .from = tf("1m"), .to = tf("5m"), .now = test_time("2024-01-01T00:18:00") };
    Candles out = run(&t, &holed, &o, test_time("2024-01-01T00:20:00"));
    CHECK_EQ(out.n, 4);
    CHECK_EQ(out.flags[0], CANDLE_SYNTHETIC | CANDLE_SIMULATED);
    CHECK_EQ(out.known_ms[0], 77);
    CHECK_EQ(out.flags[1], CANDLE_PARTIAL);
    CHECK_EQ(out.flags[2], CANDLE_PARTIAL);
    CHECK_EQ(out.flags[3], CANDLE_OPEN);
    /* Read to 00:17 only, the last cell is not whole, however many candles it has. */
    Candles cut = run(&t, &holed, &o, test_time("2024-01-01T00:19:00"));
    CHECK(cut.flags[3] & CANDLE_PARTIAL);
    test_ctx_done(&t);
}

TEST(empty_cells_give_no_candle) {
    TestCtx t;
    test_ctx_init(&t);
    Candles in;
    candles_init(&in, &t.arena, 2);
    push(&in, &t.arena, test_time("2024-01-01"), 1);
    push(&in, &t.arena, test_time("2024-03-01"), 2);
    Candles out = run(&t, &in, &(ResampleOptions){ .from = tf("1d"), .to = tf("1M") }, test_time("2024-03-02"));
    CHECK_EQ(out.n, 2);
    CHECK_EQ(out.open_ms[1], test_time("2024-03-01").ms);
    test_ctx_done(&t);
}

TEST(intraday_candles_become_session_days) {
    TestCtx t;
    test_ctx_init(&t);
    Calendar forex = calendar_bind(calendar_find(S("forex")), test_zone(&t.cx, "NY", "EST5EDT,M3.2.0,M11.1.0"));
    /* From Sunday 17:00 New York (summer: 21:00 UTC) two trading days, the second without its last hour. */
    Candles in = grid(&t, "1h", "2024-07-07T21:00:00", "2024-07-09T20:00:00");
    ResampleOptions o = { .from = tf("1h"), .to = tf("1d"), .days = &forex };
    Candles out = run(&t, &in, &o, test_time("2024-07-09T20:00:00"));
    CHECK_EQ(out.n, 2);
    CHECK_EQ(out.open_ms[0], test_time("2024-07-08").ms);
    CHECK(out.open[0] == 100 && out.close[0] == 124 && out.volume[0] == 24);
    CHECK_EQ(out.flags[0], 0);
    CHECK_EQ(out.open_ms[1], test_time("2024-07-09").ms);
    CHECK_EQ(out.flags[1], CANDLE_PARTIAL);

    Calendar nyse = calendar_bind(calendar_find(S("nyse")), forex.tz);
    Candles share = grid(&t, "30m", "2024-07-03T13:30:00", "2024-07-03T17:00:00"); /* an early close */
    o.from = tf("30m");
    o.days = &nyse;
    out = run(&t, &share, &o, test_time("2024-07-04"));
    CHECK_EQ(out.n, 1);
    CHECK_EQ(out.flags[0], 0); /* whole, though it has but seven half hours */
    test_ctx_done(&t);
}

TEST(an_open_calendar_says_how_many_candles_a_week_has) {
    TestCtx t;
    test_ctx_init(&t);
    Calendar nyse = calendar_bind(calendar_find(S("nyse")), test_zone(&t.cx, "NY", "EST5EDT,M3.2.0,M11.1.0"));
    Candles in = grid(&t, "1d", "2024-07-08", "2024-07-13"); /* Monday to Friday */
    ResampleOptions o = { .from = tf("1d"), .to = tf("1w"), .open = &nyse };
    CHECK_EQ(run(&t, &in, &o, test_time("2024-07-15")).flags[0], 0);
    o.open = NULL;
    CHECK_EQ(run(&t, &in, &o, test_time("2024-07-15")).flags[0], CANDLE_PARTIAL);
    test_ctx_done(&t);
}

TEST(grids_nest_where_every_cell_is_made_of_whole_ones) {
    static const struct {
        const char *name, *fine, *coarse;
        bool nests;
    } rows[] = {
        { "minutes in an hour", "1m", "1h", true },  { "hours in a day", "4h", "1d", true },
        { "days in a week", "1d", "1w", true },      { "hours in a week", "8h", "1w", true },
        { "days in a month", "1d", "1M", true },     { "weeks in two", "1w", "2w", true },
        { "months in a quarter", "1M", "3M", true }, { "themselves", "1h", "1h", false },
        { "backwards", "1h", "1m", false },          { "4h in 6h", "4h", "6h", false },
        { "weeks in a month", "1w", "1M", false },   { "3d in a week", "3d", "1w", false },
        { "5h in a week", "5h", "1w", false },       { "3d in a month", "3d", "1M", false },
        { "2 months in 3", "2M", "3M", false },      { "7m in an hour", "7m", "1h", false },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows)
        CHECK_EQ(resample_nests(tf(r->fine), tf(r->coarse)), r->nests);
    test_ctx_done(&t);
}

TESTS(T(cells_are_first_highest_lowest_last_and_sum), T(a_hole_a_flag_and_the_present_mark_a_cell),
      T(empty_cells_give_no_candle), T(intraday_candles_become_session_days),
      T(an_open_calendar_says_how_many_candles_a_week_has), T(grids_nest_where_every_cell_is_made_of_whole_ones))
