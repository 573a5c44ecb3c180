/* Indicators on small vectors worked out by hand, the table, and what to do with values that are none. */

#include "ta/calls.h"
#include "test.h"

enum { ROWS = 12 };

#define _ NAN /* not ready */

static const double OPEN[ROWS] = { 10, 11, 12, 11, 13, 14, 13, 15, 16, 15, 14, 16 };
static const double HIGH[ROWS] = { 12, 13, 13, 14, 15, 15, 16, 17, 17, 16, 17, 18 };
static const double LOW[ROWS] = { 9, 10, 10, 10, 12, 12, 12, 14, 14, 13, 13, 15 };
static const double CLOSE[ROWS] = { 11, 12, 11, 13, 14, 13, 15, 16, 15, 14, 16, 17 };
static const double VOLUME[ROWS] = { 100, 200, 100, 300, 200, 100, 400, 300, 100, 200, 300, 200 };

static const double *column(TaInput input) {
    static const double *const of[] = { [TA_OPEN] = OPEN,     [TA_HIGH] = HIGH, [TA_LOW] = LOW, [TA_CLOSE] = CLOSE,
                                        [TA_VOLUME] = VOLUME, [TA_X] = CLOSE,   [TA_Y] = HIGH,  [TA_PERIODS] = NULL };
    return of[input];
}

static void compute(const TaIndicator *ta, const double *params, double out[TA_OUTPUTS_MAX][ROWS]) {
    const double *in[TA_INPUTS_MAX];
    double *lines[TA_OUTPUTS_MAX];
    for (size_t i = 0; i < ta_n_inputs(ta); i++)
        in[i] = column(ta->inputs[i]);
    for (size_t i = 0; i < TA_OUTPUTS_MAX; i++)
        lines[i] = out[i];
    ta_compute(ta, params, in, ROWS, lines);
}

/* Worked out with pencil and paper from the definitions, on the columns above. */
TEST(values_worked_out_by_hand) {
    /* clang-format off */
    static const struct {
        const char *name, *ta;
        double params[TA_PARAMS_MAX];
        int output;
        double want[ROWS];
    } rows[] = {
        { "mean of 3", "sma", { 3 }, 0,
          { _, _, 34 / 3.0, 12, 38 / 3.0, 40 / 3.0, 14, 44 / 3.0, 46 / 3.0, 15, 15, 47 / 3.0 } },
        { "ema: seed 34/3, weight 1/2", "ema", { 3 }, 0,
          { _, _, 34 / 3.0, 73 / 6.0, 157 / 12.0, 313 / 24.0, 673 / 48.0, 1441 / 96.0, 2881 / 192.0,
            5569 / 384.0, 11713 / 768.0, 24769 / 1536.0 } },
        { "ema of ta4j: seed is the price after 3", "ema_ta4j", { 3 }, 0,
          { _, _, _, 13, 13.5, 13.25, 14.125, 15.0625, 15.03125, 14.515625, 15.2578125, 16.12890625 } },
        { "mean of ta4j: of what there is", "sma_ta4j", { 3 }, 0,
          { 11, 11.5, 34 / 3.0, 12, 38 / 3.0, 40 / 3.0, 14, 44 / 3.0, 46 / 3.0, 15, 15, 47 / 3.0 } },
        { "weights 1 2 over 3", "wma", { 2 }, 0,
          { _, 35 / 3.0, 34 / 3.0, 37 / 3.0, 41 / 3.0, 40 / 3.0, 43 / 3.0, 47 / 3.0, 46 / 3.0, 43 / 3.0, 46 / 3.0,
            50 / 3.0 } },
        { "rsi: gains over all moves", "rsi", { 2 }, 0,
          { _, _, 50, 250 / 3.0, 90, 50, 82, 114.0625 / 1.28125, 50, 28.515625 / 1.0703125,
            114.2578125 / 1.53515625, 107.12890625 / 1.267578125 } },
        { "momentum", "mom", { 3 }, 0, { _, _, _, 2, 2, 2, 2, 2, 2, -1, 0, 2 } },
        { "true range", "trange", { 0 }, 0, { _, 3, 3, 4, 3, 3, 4, 3, 3, 3, 4, 3 } },
        { "atr: mean of two, then half of each new", "atr", { 2 }, 0,
          { _, _, 3, 3.5, 3.25, 3.125, 3.5625, 3.28125, 3.140625, 3.0703125, 3.53515625, 3.267578125 } },
        { "greatest of 3", "max", { 3 }, 0, { _, _, 12, 13, 14, 14, 15, 16, 16, 16, 16, 17 } },
        { "least of 3", "min", { 3 }, 0, { _, _, 11, 11, 11, 13, 13, 13, 15, 14, 14, 14 } },
        { "upper channel", "donchian", { 2 }, 0, { _, 13, 13, 14, 15, 15, 16, 17, 17, 17, 17, 18 } },
        { "middle of channel", "donchian", { 2 }, 1,
          { _, 11, 11.5, 12, 12.5, 13.5, 14, 14.5, 15.5, 15, 15, 15.5 } },
        { "on balance volume", "obv", { 0 }, 0,
          { 100, 300, 200, 500, 700, 600, 1000, 1300, 1200, 1000, 1300, 1500 } },
        { "deviation of 2 is half the step", "stddev", { 2, 1 }, 0,
          { _, .5, .5, 1, .5, .5, 1, .5, .5, .5, 1, .5 } },
        { "upper band", "bbands", { 2, 2, 2, TA_SMA }, 0,
          { _, 12.5, 12.5, 14, 14.5, 14.5, 16, 16.5, 16.5, 15.5, 17, 17.5 } },
        { "williams", "willr", { 2 }, 0,
          { _, -25, -200 / 3.0, -25, -20, -200 / 3.0, -25, -20, -200 / 3.0, -75, -25, -20 } },
        { "fast k of stochastic", "stochf", { 2, 1, TA_SMA }, 0,
          { _, 75, 100 / 3.0, 75, 80, 100 / 3.0, 75, 80, 100 / 3.0, 25, 75, 80 } },
        { "slope of the line through 3", "linearreg_slope", { 3 }, 0,
          { _, _, 0, .5, 1.5, 0, .5, 1.5, 0, -1, .5, 1.5 } },
        { "mean price", "typprice", { 0 }, 0,
          { 32 / 3.0, 35 / 3.0, 34 / 3.0, 37 / 3.0, 41 / 3.0, 40 / 3.0, 43 / 3.0, 47 / 3.0, 46 / 3.0, 43 / 3.0,
            46 / 3.0, 50 / 3.0 } },
        { "aroon up: the latest of equals", "aroon", { 2 }, 1,
          { _, _, 100, 100, 100, 100, 100, 100, 100, 50, 100, 100 } },
        { "plus movement, summed", "plus_dm", { 2 }, 0,
          { _, 1, .5, 1.25, 1.625, .8125, 1.40625, 1.703125, .8515625, .42578125, 1.212890625, 1.6064453125 } },
        { "plus direction over one candle, as TA-Lib has it: a fraction", "plus_di", { 1 }, 0,
          { _, 1 / 3.0, 0, .25, 1 / 3.0, 0, .25, 1 / 3.0, 0, 0, .25, 1 / 3.0 } },
        { "relative true range over one candle, as TA-Lib has it: not relative", "natr", { 1 }, 0,
          { _, 3, 3, 4, 3, 3, 4, 3, 3, 3, 4, 3 } },
    };
    /* clang-format on */
    EACH_ROW (r, rows) {
        double out[TA_OUTPUTS_MAX][ROWS];
        const TaIndicator *ta = ta_find(str_c(r->ta));
        CHECK(ta);
        compute(ta, r->params, out);
        for (int i = 0; i < ROWS; i++) {
            if (isnan(r->want[i]) != isnan(out[r->output][i]))
                FAIL("row %d is %g", i, out[r->output][i]);
            if (!isnan(r->want[i]))
                CHECK_NEAR(out[r->output][i], r->want[i], 1e-12);
        }
    }
}

#undef _

/* Zero over zero: each definition's own answer. */
TEST(prices_that_do_not_move) {
    static const struct {
        const char *name;
        double want;
    } rows[] = { { "rsi", 0 },  { "cmo", 0 }, { "willr", 0 },    { "stochf", 0 },  { "cci", 0 },      { "adx", 0 },
                 { "bop", 0 },  { "roc", 0 }, { "stddev", 0 },   { "plus_di", 0 }, { "correl", 0 },   { "beta", 0 },
                 { "kama", 7 }, { "sar", 7 }, { "aroonosc", 0 }, { "ultosc", 0 },  { "linearreg", 7 } };
    enum { N = 120 };
    double flat[N], y[TA_OUTPUTS_MAX][N], *out[TA_OUTPUTS_MAX];
    const double *in[TA_INPUTS_MAX] = { flat, flat, flat, flat, flat };
    for (int i = 0; i < N; i++)
        flat[i] = 7;
    for (int i = 0; i < TA_OUTPUTS_MAX; i++)
        out[i] = y[i];
    EACH_ROW (r, rows) {
        ta_compute(ta_find(str_c(r->name)), NULL, in, N, out);
        CHECK_NEAR(y[0][N - 1], r->want, 1e-12);
    }
}

/* TA-Lib's MAMA as the kind of an average takes its limits 0.5 and 0.05, whatever the period. */
TEST(mesa_as_a_kind_of_average) {
    enum { N = 80 };
    double x[N], kind[N], mama[2][N], bands[3][N];
    const double *in = x;
    for (int i = 0; i < N; i++)
        x[i] = 100 + 5 * sin(i / 3.0);
    ta_compute(ta_find(S("ma")), (double[]){ 9, TA_MAMA }, &in, N, (double *[]){ kind });
    ta_compute(ta_find(S("mama")), NULL, &in, N, (double *[]){ mama[0], mama[1] });
    ta_compute(ta_find(S("bbands")), (double[]){ 5, 2, 2, TA_MAMA }, &in, N,
               (double *[]){ bands[0], bands[1], bands[2] });
    CHECK_EQ(ta_find(S("ma"))->lookback((double[]){ 9, TA_MAMA }), 32);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(isnan(kind[i]), i < 32);
        CHECK(i < 32 || (kind[i] == mama[0][i] && bands[1][i] == mama[0][i]));
    }
}

TEST(table_is_whole) {
    for (size_t i = 0; i < ta_count(); i++) {
        const TaIndicator *ta = ta_at(i);
        double params[TA_PARAMS_MAX];
        test_row_name = ta->name;
        CHECK(ta_find(str_c(ta->name)) == ta); /* names are single */
        CHECK(ta->words && ta->lookback && ta->init && ta->run && ta->state_size > 0);
        CHECK(ta_n_inputs(ta) >= 1 && ta_n_inputs(ta) <= TA_INPUTS_MAX);
        CHECK(ta_n_outputs(ta) >= 1 && ta_n_outputs(ta) <= TA_OUTPUTS_MAX);
        CHECK(ta_n_params(ta) <= TA_PARAMS_MAX);
        ta_standard_params(ta, params);
        CHECK_EQ(ta_bad_param(ta, params), -1);
        for (size_t k = 0; k < ta_n_params(ta); k++) {
            double good = params[k];
            params[k] = ta->params[k].max + 1 > ta->params[k].max ? ta->params[k].max + 1 : INFINITY;
            CHECK_EQ(ta_bad_param(ta, params), k);
            params[k] = NAN;
            CHECK_EQ(ta_bad_param(ta, params), k);
            params[k] = good + 0.5;
            if (ta->params[k].kind != TA_REAL)
                CHECK_EQ(ta_bad_param(ta, params), k);
            params[k] = good;
        }
    }
    CHECK(ta_find(S("RSI")) == ta_find(S("rsi")));
    CHECK(!ta_find(S("nonsense")));
    CHECK(!ta_find(S("")));
}

/* A value that is none is passed over: the rows around it are those of the series without it. */
TEST(rows_without_a_value_are_passed_over) {
    static const double bad[] = { NAN, INFINITY, -INFINITY };
    const TaIndicator *ta = ta_find(S("ema"));
    for (size_t b = 0; b < ARRAY_LEN(bad); b++) {
        double x[ROWS + 2], want[ROWS], got[ROWS + 2];
        x[0] = bad[b];
        memcpy(x + 1, CLOSE, 5 * sizeof(double));
        x[6] = bad[b];
        memcpy(x + 7, CLOSE + 5, (ROWS - 5) * sizeof(double));
        ta_compute(ta, (double[]){ 3 }, (const double *[]){ CLOSE }, ROWS, (double *[]){ want });
        ta_compute(ta, (double[]){ 3 }, (const double *[]){ x }, ROWS + 2, (double *[]){ got });
        CHECK(isnan(got[0]) && isnan(got[6]));
        CHECK(memcmp(got + 3, want + 2, 3 * sizeof(double)) == 0);
        CHECK(memcmp(got + 7, want + 5, (ROWS - 5) * sizeof(double)) == 0);
    }
}

/* Values from 1e-18 to 1e18 with both signs: no running sum of doubles holds them, and the mean is still the nearest
 * double to the true one. Wanted: by hand, as Python's fsum gives it. */
TEST(means_of_backtrader_are_exactly_rounded) {
    static const struct {
        const char *name;
        double x[4], want; /* of the last three */
    } rows[] = {
        { "one of three survives", { 0, 1e18, 1, -1e18 }, 1 / 3.0 },
        { "and after a great one left", { 1e18, 3, 0x1p-50, -0x1p-50 }, 1 },
        { "half a step, and a little more", { 5, 0x1p53, 1, 0x1p-60 }, (0x1p53 + 2) / 3 },
        { "half a step, and a little less", { 5, 0x1p53, 1, -0x1p-60 }, 0x1p53 / 3 },
        { "half a step: to even", { 5, 0x1p53, 1, 0 }, 0x1p53 / 3 },
        { "a tenth thrice", { 7, 0.1, 0.1, 0.1 }, 0.30000000000000004 / 3 },
    };
    EACH_ROW (r, rows) {
        double out[4];
        ta_compute(ta_find(S("sma_backtrader")), (double[]){ 3 }, (const double *[]){ r->x }, 4, (double *[]){ out });
        CHECK(isnan(out[1]) && !isnan(out[2]));
        CHECK_NEAR(out[3], r->want, 0);
    }
}

/* The plain functions are the table's, one output over its input. */
TEST(plain_functions_are_those_of_the_table) {
    double got[ROWS], want[ROWS];
    memcpy(got, CLOSE, sizeof got);
    ta_rsi(got, ROWS, 3, got);
    ta_compute(ta_find(S("rsi")), (double[]){ 3 }, (const double *[]){ CLOSE }, ROWS, (double *[]){ want });
    CHECK(memcmp(got + 3, want + 3, (ROWS - 3) * sizeof(double)) == 0);
    CHECK_EQ(ta_rsi_lookback(3), 3);
    CHECK(isnan(got[2]) && !isnan(got[3]));
    ta_atr(HIGH, LOW, CLOSE, ROWS, 2, got);
    CHECK_NEAR(got[5], 3.125, 1e-12);
    CHECK_EQ(ta_atr_lookback(2), 2);
    CHECK_EQ(ta_hma_lookback(20), 22);
    double five[] = { 5 };
#define CHECK_CALL(name) CHECK_EQ(ta_##name##_lookback(5), ta_find(S(#name))->lookback(five));
    TA_CALLS_OF_COLUMN(CHECK_CALL)
    TA_CALLS_OF_CANDLES(CHECK_CALL)
#undef CHECK_CALL
}

TESTS(T(values_worked_out_by_hand), T(prices_that_do_not_move), T(mesa_as_a_kind_of_average), T(table_is_whole),
      T(rows_without_a_value_are_passed_over), T(means_of_backtrader_are_exactly_rounded),
      T(plain_functions_are_those_of_the_table))
