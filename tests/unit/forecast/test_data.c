/* Tables, splits, scaler and windows (PRD-18: what a forecast may look at). */

#include "base/buf.h"
#include "base/rng.h"
#include "forecast/data.h"
#include "test.h"

static ForecastTable read_ok(TestCtx *t, const char *text) {
    ForecastTable out;
    CHECK_OK_PLAIN(&t->cx, table_read_csv(&t->cx, str_c(text), &out));
    return out;
}

TEST(a_csv_file_becomes_columns) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable a = read_ok(&t, "date,x,y\n2016-07-01 00:00:00,1.5,-2\r\n2016-07-01 01:00:00,3e-1,4\n");
    CHECK_EQ(a.n_rows, 2);
    CHECK_EQ(a.n_columns, 2);
    CHECK_STR(a.names[1], S("y"));
    CHECK_EQ(a.time_ms[1] - a.time_ms[0], 3600 * 1000);
    CHECK(a.columns[0][1] == 0.3 && a.columns[1][0] == -2);
    /* the dates of exchange_rate.csv, a time column that is not the first, other separators */
    ForecastTable b = read_ok(&t, "0;ts;OT\n0.7855;1990/1/1 0:00;1\n0.7818;1990/1/2 0:00;2\n");
    CHECK_EQ(b.time_ms[1] - b.time_ms[0], MS_PER_DAY);
    CHECK_STR(b.names[0], S("0"));
    CHECK(b.columns[0][1] == 0.7818);
    test_ctx_done(&t);
}

TEST(a_faulty_file_is_named_by_line_and_column) {
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "nan", "date,x\n2016-07-01,1\n2016-07-02,NaN\n", "line 3, column x: 'NaN' is not a number" },
        { "hole", "date,x\n2016-07-01,\n", "line 2, column x: '' is not a number" },
        { "order", "date,x\n2016-07-02,1\n2016-07-01,1\n", "line 3 does not come after the row before" },
        { "twice", "date,x\n2016-07-02,1\n2016-07-02,1\n", "does not come after the row before" },
        { "time", "date,x\nyesterday,1\n", "line 2, column time: 'yesterday' is not a time" },
        { "fields", "date,x\n2016-07-02,1,2\n", "line 2 has 3 fields, the header 2" },
        { "no header", "2016-07-02,1\n", "line 1 is no header" },
        { "lonely", "date\n2016-07-02\n", "a time and a number are needed" },
        { "same name", "date,x,x\n", "two columns are named \"x\"" },
        { "quote", "date,x\n\"2016,1\n", "line 2" },
        { "empty", "", "the file is empty" },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        ForecastTable out;
        CHECK_EQ(table_read_csv(&t.cx, str_c(r->text), &out), ERR_INVALID);
        if (!strstr(t.cx.err.text, r->want))
            FAIL("said \"%s\"", t.cx.err.text);
        test_ctx_done(&t);
    }
}

TEST(a_clock_set_back_is_counted_and_kept) {
    TestCtx t;
    test_ctx_init(&t);
    Buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "date,a \xb5mol,b\n"); /* Latin-1, as in the weather of Jena */
    for (int i = 0; i < 2000; i++)
        buf_printf(&b, "%d,%d,%d\n", 1600000000 + 600 * (i == 900 ? 898 : i), i, -i);
    ForecastTable a;
    CHECK_OK(&t.cx, table_read_csv(&t.cx, buf_str(&b), &a));
    CHECK_EQ(a.n_disordered, 1);
    CHECK(a.columns[0][900] == 900);
    CHECK_STR(a.names[0], S("a \xef\xbf\xbdmol"));
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(columns_are_chosen_by_name_and_ordered) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable a = read_ok(&t, "date,x,y,z\n2016-07-01,1,2,3\n"), b;
    CHECK_OK(&t.cx, table_choose(&t.cx, &a, S("z, x"), &b));
    CHECK_EQ(b.n_columns, 2);
    CHECK(b.columns[0][0] == 3 && b.columns[1][0] == 1);
    CHECK_EQ(table_choose(&t.cx, &a, S("q"), &b), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "x, y, z") != NULL);
    CHECK_EQ(table_choose(&t.cx, &a, S("x,x"), &b), ERR_INVALID);
    table_to_front(&a, 2);
    CHECK(a.columns[0][0] == 3 && a.columns[1][0] == 1 && a.columns[2][0] == 2);
    test_ctx_done(&t);
}

TEST(published_borders_and_shares) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastSplit s;
    CHECK_OK(&t.cx, split_parse(&t.cx, S("etth"), 17420, &s));
    CHECK_EQ(s.parts[PART_TRAIN].to, 8640);
    CHECK_EQ(s.parts[PART_VAL].to, 11520);
    CHECK_EQ(s.parts[PART_TEST].to, 14400);
    CHECK_OK(&t.cx, split_parse(&t.cx, S("ettm"), 69680, &s));
    CHECK_EQ(s.parts[PART_TEST].to, 57600);
    CHECK_OK(&t.cx, split_parse(&t.cx, S("0.7,0.1,0.2"), 7588, &s)); /* exchange_rate: 5311, 760, 1517 */
    CHECK_EQ(s.parts[PART_TRAIN].to, 5311);
    CHECK_EQ(s.parts[PART_VAL].to, 6071);
    CHECK_EQ(s.parts[PART_TEST].to, 7588);
    CHECK_OK(&t.cx, split_parse(&t.cx, S("10,20,30"), 30, &s));
    CHECK_EQ(s.parts[PART_VAL].from, 10);
    static const struct {
        const char *name, *text;
    } bad[] = {
        { "short", "etth" },          { "sum", "0.7,0.7,0.1" }, { "two", "0.7,0.3" },    { "word", "half" },
        { "descending", "20,10,30" }, { "beyond", "10,20,31" }, { "part", "1.5,20,30" }, { "four", "1,2,3,4" }
    };
    EACH_ROW (r, bad)
        CHECK_EQ(split_parse(&t.cx, str_c(r->text), 30, &s), ERR_INVALID);
    test_ctx_done(&t);
}

/* n rows of two channels: a ramp, and its square. */
static ForecastTable ramp(Arena *a, size_t n) {
    ForecastTable t = { .n_rows = n,
                        .n_columns = 2,
                        .names = arena_new_n(a, Str, 2),
                        .time_ms = arena_new_n(a, int64_t, n),
                        .columns = arena_new_n(a, double *, 2) };
    t.names[0] = S("ramp");
    t.names[1] = S("square");
    for (size_t c = 0; c < 2; c++)
        t.columns[c] = arena_new_n(a, double, n);
    for (size_t i = 0; i < n; i++) {
        t.time_ms[i] = (int64_t)i * MS_PER_HOUR;
        t.columns[0][i] = (double)i;
        t.columns[1][i] = (double)(i * i);
    }
    return t;
}

TEST(windows_count_as_the_papers_do) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = ramp(&t.arena, 17420);
    ForecastDataOptions o = { .look_back = 336, .horizon = 96 };
    ForecastData d;
    CHECK_OK(&t.cx, split_parse(&t.cx, S("etth"), table.n_rows, &o.split));
    CHECK_OK(&t.cx, data_new(&t.cx, &table, &o, &d));
    CHECK_EQ(data_windows(&d, PART_TRAIN), 8209);
    CHECK_EQ(data_windows(&d, PART_VAL), 2785);
    CHECK_EQ(data_windows(&d, PART_TEST), 2785);
    /* the first target of a part is its first row; the last one its last */
    CHECK_EQ(data_window(&d, PART_VAL, 0) + d.look_back, 8640);
    CHECK_EQ(data_window(&d, PART_TEST, 2784) + d.look_back + d.horizon, 14400);
    test_ctx_done(&t);
}

TEST(the_scaler_sees_training_rows_alone) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = ramp(&t.arena, 100);
    ForecastDataOptions o = { .look_back = 4, .horizon = 2, .split = { { { 0, 60 }, { 60, 80 }, { 80, 100 } } } };
    ForecastData a, b;
    CHECK_OK(&t.cx, data_new(&t.cx, &table, &o, &a));
    CHECK_NEAR(a.mean[0], 29.5, 1e-12);
    CHECK_NEAR(a.std[0], sqrt((60.0 * 60 - 1) / 12), 1e-12); /* population deviation of 0..59 */
    for (size_t i = 60; i < 100; i++)
        table.columns[0][i] = table.columns[1][i] = 1e9; /* whatever comes later */
    CHECK_OK(&t.cx, data_new(&t.cx, &table, &o, &b));
    CHECK(a.mean[0] == b.mean[0] && a.std[1] == b.std[1]);
    CHECK(memcmp(a.x, b.x, 60 * 2 * sizeof(float)) == 0);
    /* a trained model's scaler is used as it is */
    o.mean = (double[]){ 0, 0 };
    o.std = (double[]){ 1, 1 };
    CHECK_OK(&t.cx, data_new(&t.cx, &table, &o, &b));
    CHECK(*data_at(&b, 0, 7) == 7.0F);
    CHECK_NEAR(data_unscale(&a, 0, *data_at(&a, 0, 7)), 7, 1e-5);
    test_ctx_done(&t);
}

TEST(no_window_reaches_a_later_row_and_parts_share_no_target) {
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    rng_seed(&rng, prop_seed(7));
    ForecastTable table = ramp(&t.arena, 400);
    for (int round = 0; round < 200; round++) {
        size_t train = 60 + rng_below(&rng, 100), val = train + 40 + rng_below(&rng, 60),
               test = val + 40 + rng_below(&rng, 60);
        ForecastDataOptions o = { .look_back = 1 + rng_below(&rng, 30),
                                  .horizon = 1 + rng_below(&rng, 30),
                                  .split = { { { 0, train }, { train, val }, { val, test } } } };
        ForecastData d;
        ArenaMark mark = arena_mark(&t.arena);
        CHECK_OK(&t.cx, data_new(&t.cx, &table, &o, &d));
        for (int p = 0; p < FORECAST_PARTS; p++) {
            size_t n = data_windows(&d, (ForecastPart)p);
            CHECK(n > 0);
            size_t first = data_window(&d, (ForecastPart)p, 0) + d.look_back;
            size_t last = data_window(&d, (ForecastPart)p, n - 1) + d.look_back + d.horizon;
            CHECK_EQ(first, p ? d.split.parts[p].from : d.look_back);
            CHECK_EQ(last, d.split.parts[p].to);
        }
        arena_rewind(&t.arena, mark);
    }
    test_ctx_done(&t);
}

TEST(short_and_constant_series_are_refused_in_words) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = ramp(&t.arena, 100);
    ForecastDataOptions o = { .look_back = 40, .horizon = 30, .split = { { { 0, 60 }, { 60, 80 }, { 80, 100 } } } };
    ForecastData d;
    CHECK_EQ(data_new(&t.cx, &table, &o, &d), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "train has 60 rows, look-back 40 and horizon 30 need 70") != NULL);
    o.look_back = o.horizon = 4;
    for (size_t i = 0; i < 60; i++)
        table.columns[1][i] = 5;
    CHECK_EQ(data_new(&t.cx, &table, &o, &d), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "column square is 5 in all 60 training rows") != NULL);
    t.arena.limit = t.arena.used + 64;
    CHECK_EQ(data_new(&t.cx, &table, &o, &d), ERR_LIMIT);
    test_ctx_done(&t);
}

TESTS(T(a_csv_file_becomes_columns), T(a_faulty_file_is_named_by_line_and_column),
      T(a_clock_set_back_is_counted_and_kept), T(columns_are_chosen_by_name_and_ordered),
      T(published_borders_and_shares), T(windows_count_as_the_papers_do), T(the_scaler_sees_training_rows_alone),
      T(no_window_reaches_a_later_row_and_parts_share_no_target), T(short_and_constant_series_are_refused_in_words))
