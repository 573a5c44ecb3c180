/* Candles as features: what each says, and that no later candle changes an earlier row. */

#include "forecast/candle_features.h"
#include "made.h"
#include "ta/calls.h"

static Candles made_candles(Arena *a, size_t n, uint64_t seed) {
    Candles cs;
    Rng rng;
    double price = 100;
    candles_init(&cs, a, n);
    rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        double open = price;
        price *= exp(0.01 * rng_normal(&rng));
        Candle c = { .open_time = time_ms((int64_t)i * MS_PER_HOUR),
                     .open = open,
                     .high = fmax(open, price) * 1.001,
                     .low = fmin(open, price) * 0.999,
                     .close = price,
                     .volume = 1 + rng_f64(&rng) };
        candles_push(&cs, &c);
    }
    return cs;
}

static const Timeframe hour = { UNIT_HOUR, 1 };
static const Str everything =
    STR_INIT("close,open,high,low,volume,log_close,return,range,volume_change,volatility:5,hour,weekday,"
             "month,rsi:14,macd:5/9/3,atr:10");

TEST(each_feature_says_what_it_should) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = made_candles(&t.arena, 200, 1);
    ForecastTable f;
    CHECK_OK(&t.cx, features_table(&t.cx, &cs, hour, everything, NULL, &f));
    size_t first = (size_t)(f.time_ms[0] / MS_PER_HOUR), k = 150 - first;
    CHECK_EQ(first, 14); /* rsi:14 is ready behind 14 candles */
    CHECK_EQ(f.n_rows, 200 - first);
    double rsi[200];
    ta_rsi(cs.close, 200, 14, rsi);
#define AT(name) f.columns[table_column(&f, S(name))][k]
    CHECK(AT("close") == cs.close[150] && AT("volume") == cs.volume[150] && AT("rsi_14") == rsi[150]);
    CHECK_NEAR(AT("return"), log(cs.close[150] / cs.close[149]), 1e-15);
    CHECK_NEAR(AT("volume_change"), log((cs.volume[150] + 1) / (cs.volume[149] + 1)), 1e-15);
    CHECK_NEAR(AT("range"), (cs.high[150] - cs.low[150]) / cs.close[150], 1e-15);
    /* candle 150 opens on the 7th day (a Wednesday: 1970-01-07) at 06:00 and closes at 07:00 */
    CHECK_NEAR(AT("hour_sin"), sin(6.283185307179586 * 7 / 24), 1e-12);
    CHECK_NEAR(AT("weekday_cos"), cos(6.283185307179586 * (2 + 7.0 / 24) / 7), 1e-12);
    double mean = 0, squares = 0;
    for (size_t i = 146; i <= 150; i++)
        mean += log(cs.close[i] / cs.close[i - 1]) / 5;
    for (size_t i = 146; i <= 150; i++)
        squares += pow(log(cs.close[i] / cs.close[i - 1]) - mean, 2);
    CHECK_NEAR(AT("volatility_5"), sqrt(squares / 5), 1e-12);
    CHECK(table_column(&f, S("macd_5_9_3_macdsignal")) >= 0 || table_column(&f, S("macd_5_9_3_signal")) >= 0);
    test_ctx_done(&t);
}

TEST(no_later_candle_changes_a_row) {
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    rng_seed(&rng, prop_seed(17));
    Candles whole = made_candles(&t.arena, 160, 2);
    ForecastTable all, cut, extra = made_table(&t.arena, 100, 2, 3);
    for (size_t i = 0; i < extra.n_rows; i++)
        extra.time_ms[i] = (int64_t)i * 7000000 - 10000000;
    CHECK_OK(&t.cx, features_table(&t.cx, &whole, hour, everything, &extra, &all));
    for (int round = 0; round < 30; round++) {
        size_t n = 40 + rng_below(&rng, 120);
        Candles part = made_candles(&t.arena, 160, 2);
        for (size_t i = n; i < 160; i++) { /* another future */
            part.open[i] *= 3, part.high[i] *= 9, part.close[i] *= 2, part.volume[i] = 0;
            part.low[i] /= 2;
        }
        CHECK_OK(&t.cx, features_table(&t.cx, &part, hour, everything, &extra, &cut));
        for (size_t c = 0; c < all.n_columns; c++)
            for (size_t i = 0; all.time_ms[i] < (int64_t)n * MS_PER_HOUR; i++)
                if (memcmp(&all.columns[c][i], &cut.columns[c][i], sizeof(double)) != 0)
                    FAIL("%.*s of row %zu depends on candle %zu or later", STR_ARG(all.names[c]), i, n);
    }
    test_ctx_done(&t);
}

TEST(other_data_join_when_they_were_known) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = made_candles(&t.arena, 10, 4);
    int64_t times[] = { 2 * MS_PER_HOUR, 4 * MS_PER_HOUR + 1 };
    double values[] = { 7, 8 }, *columns[] = { values };
    ForecastTable extra = { 2, 1, (Str[]){ S("x") }, times, columns }, f;
    CHECK_OK(&t.cx, features_table(&t.cx, &cs, hour, S("close"), &extra, &f));
    CHECK_EQ(f.time_ms[0], 1 * MS_PER_HOUR); /* the candle of 01:00 closes at 02:00, when 7 is known */
    CHECK(f.columns[1][0] == 7 && f.columns[1][2] == 7);
    CHECK(f.columns[1][3] == 8); /* 04:00 closes at 05:00; at 04:00 sharp 8 was not known */
    test_ctx_done(&t);
}

TEST(open_candles_and_faults) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = made_candles(&t.arena, 50, 5);
    ForecastTable f;
    cs.flags[49] |= CANDLE_OPEN;
    CHECK_OK(&t.cx, features_table(&t.cx, &cs, hour, S("close"), NULL, &f));
    CHECK_EQ(f.n_rows, 49);
    static const struct {
        const char *name, *list, *want;
    } rows[] = {
        { "unknown", "close,magic", "no feature \"magic\"" },
        { "twice", "close,close", "comes twice" },
        { "period", "rsi:0", "rsi: " },
        { "parameter", "rsi:14/3", "is no parameter" },
        { "window", "volatility:1", "no number of candles" },
        { "second column", "beta:5", "needs a second column" },
        { "long", "rsi:48", "too few" },
    };
    EACH_ROW (r, rows) {
        CHECK_EQ(features_table(&t.cx, &cs, hour, str_c(r->list), NULL, &f), ERR_INVALID);
        if (!strstr(t.cx.err.text, r->want))
            FAIL("said \"%s\"", t.cx.err.text);
    }
    test_row_name = NULL;
    cs.close[20] = 0;
    CHECK_EQ(features_table(&t.cx, &cs, hour, S("return"), NULL, &f), ERR_INVALID);
    CHECK_EQ(features_table(&t.cx, &cs, hour, S("log_close"), NULL, &f), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(each_feature_says_what_it_should), T(no_later_candle_changes_a_row), T(other_data_join_when_they_were_known),
      T(open_candles_and_faults))
