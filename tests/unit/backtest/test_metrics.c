/* The metrics of a backtest (MDS-36): figures computed with numpy and scipy by metrics_golden.py, hand-made trades, and
 * what has no value. */

#include "backtest/metrics.h"
#include "backtest/sample.h"
#include "test.h"

enum { N = 750 };

typedef struct Series {
    double equity[N], benchmark[N];
    int64_t time_ms[N];
} Series;

static uint32_t next(uint32_t seed) {
    return (uint32_t)((UINT64_C(1103515245) * seed + 12345) % (UINT64_C(1) << 31));
}

static void make_series(Series *s) { /* that of metrics_golden.py */
    uint32_t seed = 12345;
    double value = 10000, price = 100;
    for (int i = 0; i < N; i++) {
        seed = next(seed);
        double r = (seed / 2147483648.0 - 0.48) * 0.04;
        seed = next(seed);
        double b = (seed / 2147483648.0 - 0.49) * 0.03;
        value *= 1 + (i > 20 ? r + b : 0.0);
        price *= 1 + b;
        s->equity[i] = value;
        s->benchmark[i] = price;
        s->time_ms[i] = (int64_t)(i / 5 * 7 + i % 5) * MS_PER_DAY;
    }
}

static MetricsInput input_of(const Series *s, size_t n) {
    return (MetricsInput){ .initial = 10000,
                           .equity = s->equity,
                           .time_ms = s->time_ms,
                           .n = n,
                           .traded = NAN,
                           .fees = NAN,
                           .costs = NAN,
                           .benchmark = s->benchmark,
                           .risk_free = 0.02 };
}

TEST(figures_are_those_of_numpy_mds_36) {
    static const struct {
        MetricId id;
        double want;
    } rows[] = {
        { METRIC_TOTAL_RETURN, 1.1279693426140853 },
        { METRIC_ANNUAL_RETURN, 0.30094650148928115 },
        { METRIC_CANDLES_PER_YEAR, 261.29154727793696 },
        { METRIC_VOLATILITY, 0.22935048004569775 },
        { METRIC_SHARPE, 1.1757035712241042 },
        { METRIC_SORTINO, 1.7909613117659995 },
        { METRIC_CALMAR, 1.5316186609606373 },
        { METRIC_OMEGA, 1.1994469928307856 },
        { METRIC_VAR_95, -0.023157284238934473 },
        { METRIC_ES_95, -0.026761048670632642 },
        { METRIC_SKEW, 0.061096873581505777 },
        { METRIC_KURTOSIS, -0.43581581009011927 },
        { METRIC_TAIL_RATIO, 1.1313310079922139 },
        { METRIC_MAX_DRAWDOWN, 0.19648918439040586 },
        { METRIC_UNDER_WATER, 0.8813333333333333 },
        { METRIC_BEST_CANDLE, 0.034984925763122732 },
        { METRIC_WORST_CANDLE, -0.031923580708540955 },
        { METRIC_BENCHMARK_RETURN, 0.57506145009740939 },
        { METRIC_BETA, 0.96984353124614009 },
        { METRIC_ALPHA, 0.13383641028082027 },
        { METRIC_CORRELATION, 0.6028711403229694 },
        { METRIC_INFORMATION_RATIO, 0.6614401611894779 },
    };
    Arena a = { 0 };
    Series s;
    BacktestMetrics m;
    make_series(&s);
    MetricsInput in = input_of(&s, N);
    metrics_compute(&in, &a, &m);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!(fabs(m.v[rows[i].id] - rows[i].want) <= 1e-9 * fabs(rows[i].want)))
            FAIL("%s is %.17g, not %.17g", metric_info(rows[i].id)->name, m.v[rows[i].id], rows[i].want);
    CHECK(m.v[METRIC_FINAL_VALUE] == s.equity[N - 1]);
    arena_done(&a);
}

/* --- drawdown --- */

TEST(the_deepest_drawdown_has_its_dates_and_its_length) {
    static const double equity[] = { 100, 120, 90, 110, 121, 119, 122 };
    Arena a = { 0 };
    BacktestMetrics m;
    MetricsInput in = { .initial = 100, .equity = equity, .n = 7, .candles_per_year = 252, .traded = 0 };
    metrics_compute(&in, &a, &m);
    CHECK_NEAR(m.v[METRIC_MAX_DRAWDOWN], 0.25, 1e-15);
    CHECK_NEAR(m.v[METRIC_MAX_DRAWDOWN_MONEY], 30, 0);
    CHECK_EQ(m.peak, 1);
    CHECK_EQ(m.trough, 2);
    CHECK_EQ(m.recovery, 4);
    CHECK_NEAR(m.v[METRIC_MAX_DRAWDOWN_CANDLES], 3, 0);
    CHECK_NEAR(m.v[METRIC_LONGEST_UNDER_WATER], 2, 0);
    CHECK_NEAR(m.v[METRIC_UNDER_WATER], 3 / 7.0, 1e-15);
    in.n = 4; /* not back before the end */
    metrics_compute(&in, &a, &m);
    CHECK_EQ(m.recovery, -1);
    CHECK_NEAR(m.v[METRIC_MAX_DRAWDOWN_CANDLES], 2, 0);
    arena_done(&a);
}

TEST(a_fall_below_the_starting_cash_counts_from_it) {
    static const double equity[] = { 80, 90 };
    Arena a = { 0 };
    BacktestMetrics m;
    metrics_compute(&(MetricsInput){ .initial = 100, .equity = equity, .n = 2, .candles_per_year = 252 }, &a, &m);
    CHECK_NEAR(m.v[METRIC_MAX_DRAWDOWN], 0.2, 1e-15);
    CHECK_EQ(m.peak, -1);
    CHECK_EQ(m.trough, 0);
    arena_done(&a);
}

/* --- trades --- */

static Trade trade(double net, size_t entry, size_t exit) {
    return (Trade){ .closed = true,
                    .size = 10,
                    .entry_price = 100,
                    .exit_price = 100 + (net + 2) / 10,
                    .entry_step = entry,
                    .exit_step = exit,
                    .pnl = net + 2,
                    .fees = 2,
                    .pnl_net = net };
}

TEST(figures_of_trades_are_those_worked_out_by_hand_mds_36) {
    Arena a = { 0 };
    BacktestMetrics m;
    double equity[20];
    for (int i = 0; i < 20; i++)
        equity[i] = 1000 + i;
    Trade trades[] = { trade(30, 1, 3),   trade(-10, 4, 5),
                       trade(-20, 6, 9),  trade(0, 10, 11),
                       trade(40, 12, 15), { .size = 5, .entry_price = 100, .entry_fees = 1, .entry_step = 17 } };
    MetricsInput in = { .initial = 1000,
                        .equity = equity,
                        .n = 20,
                        .candles_per_year = 20,
                        .trades = trades,
                        .n_trades = ARRAY_LEN(trades),
                        .traded = NAN,
                        .fees = NAN,
                        .costs = NAN };
    metrics_compute(&in, &a, &m);
    static const struct {
        MetricId id;
        double want;
    } rows[] = {
        { METRIC_TOTAL_TRADES, 5 },
        { METRIC_WIN_RATE, 0.4 },
        { METRIC_PROFIT_FACTOR, 7 / 3.0 },
        { METRIC_EXPECTANCY, 8 / 15.0 },
        { METRIC_AVERAGE_TRADE, 8 },
        { METRIC_AVERAGE_TRADE_RETURN, 0.008 },
        { METRIC_AVERAGE_WIN, 35 },
        { METRIC_AVERAGE_LOSS, -15 },
        { METRIC_BEST_TRADE, 40 },
        { METRIC_WORST_TRADE, -20 },
        { METRIC_AVERAGE_CANDLES, 2 },
        { METRIC_LOSSES_IN_A_ROW, 2 },
        { METRIC_KELLY, 0.4 - 0.6 / (35 / 15.0) },
        { METRIC_FEES, 11 },
        { METRIC_COSTS, 0 },
        { METRIC_EXPOSURE, 13 / 20.0 },
        { METRIC_SQN, 0.77266740928625588 },
        { METRIC_TURNOVER, (5 * 1000 + 5050 + 500) / 1009.5 },
    }; /* SQN: sqrt(5) * 8 / sqrt(536) */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!(fabs(m.v[rows[i].id] - rows[i].want) <= 1e-9 * fabs(rows[i].want)))
            FAIL("%s is %.17g, not %.17g", metric_info(rows[i].id)->name, m.v[rows[i].id], rows[i].want);
    CHECK(!m.wiped_out);
    arena_done(&a);
}

/* --- what has no value --- */

TEST(what_is_not_defined_is_null_never_zero_or_infinite) {
    Arena a = { 0 };
    BacktestMetrics m;
    double flat[50], steady[50];
    for (int i = 0; i < 50; i++) {
        flat[i] = 1000;
        steady[i] = 1000 * pow(1.001, i + 1);
    }
    Trade won[] = { trade(5, 1, 2) };
    MetricsInput in = { .initial = 1000, .equity = flat, .n = 50, .candles_per_year = 252 };
    metrics_compute(&in, &a, &m);
    static const MetricId of_flat[] = { METRIC_SHARPE,
                                        METRIC_SORTINO,
                                        METRIC_CALMAR,
                                        METRIC_OMEGA,
                                        METRIC_SKEW,
                                        METRIC_KURTOSIS,
                                        METRIC_WIN_RATE,
                                        METRIC_TAIL_RATIO,
                                        METRIC_PROFIT_FACTOR,
                                        METRIC_SQN,
                                        METRIC_KELLY,
                                        METRIC_BETA,
                                        METRIC_MAX_DRAWDOWN_CANDLES };
    for (size_t i = 0; i < ARRAY_LEN(of_flat); i++)
        if (!isnan(m.v[of_flat[i]]))
            FAIL("flat: %s is %g", metric_info(of_flat[i])->name, m.v[of_flat[i]]);
    CHECK(m.v[METRIC_TOTAL_RETURN] == 0 && m.v[METRIC_VOLATILITY] == 0 && m.v[METRIC_MAX_DRAWDOWN] == 0);
    in.equity = steady; /* the same return each candle, but for rounding */
    in.trades = won;
    in.n_trades = 1;
    metrics_compute(&in, &a, &m);
    CHECK(isnan(m.v[METRIC_SHARPE]) && isnan(m.v[METRIC_SKEW]) && isnan(m.v[METRIC_SORTINO]));
    CHECK(isnan(m.v[METRIC_PROFIT_FACTOR]) && isnan(m.v[METRIC_EXPECTANCY]) && isnan(m.v[METRIC_SQN]));
    CHECK_NEAR(m.v[METRIC_WIN_RATE], 1, 0);
    in.n = 0;
    in.n_trades = 0;
    metrics_compute(&in, &a, &m);
    CHECK(isnan(m.v[METRIC_TOTAL_RETURN]) && isnan(m.v[METRIC_MAX_DRAWDOWN]) && m.v[METRIC_TOTAL_TRADES] == 0);
    in.n = 1;
    metrics_compute(&in, &a, &m);
    CHECK(isnan(m.v[METRIC_VOLATILITY]) && !isnan(m.v[METRIC_TOTAL_RETURN]));
    arena_done(&a);
}

TEST(an_account_that_is_wiped_out_has_no_figures_of_returns) {
    static const double equity[] = { 900, 50, -10, 20 };
    Arena a = { 0 };
    BacktestMetrics m;
    metrics_compute(&(MetricsInput){ .initial = 1000, .equity = equity, .n = 4, .candles_per_year = 252 }, &a, &m);
    CHECK(m.wiped_out);
    CHECK(isnan(m.v[METRIC_SHARPE]) && isnan(m.v[METRIC_VAR_95]));
    CHECK_NEAR(m.v[METRIC_TOTAL_RETURN], -0.98, 1e-15);
    CHECK_NEAR(m.v[METRIC_MAX_DRAWDOWN], 1.01, 1e-15);
    arena_done(&a);
}

TEST(candles_a_year_are_counted) {
    static const struct {
        const char *name;
        int64_t step_ms;
        double want;
    } rows[] = { { "days", MS_PER_DAY, 365.25 }, { "hours", MS_PER_HOUR, 8766 }, { "minutes", MS_PER_MINUTE, 525960 } };
    int64_t t[100];
    EACH_ROW (r, rows) {
        for (int i = 0; i < 100; i++)
            t[i] = i * r->step_ms;
        CHECK_NEAR(candles_per_year(t, 100), r->want, 1e-6);
    }
    CHECK(isnan(candles_per_year(t, 1)) && isnan(candles_per_year(NULL, 5)));
}

TEST(every_metric_has_its_words) {
    MetricId id;
    CHECK(METRICS > 40);
    for (MetricId k = 0; k < METRICS; k++) {
        const MetricInfo *m = metric_info(k);
        if (!m->words[0] || !m->formula[0] || !m->label[0])
            FAIL("%s lacks words", m->name);
        CHECK(metric_find(str_c(m->name), &id) && id == k);
    }
    CHECK(!metric_find(S("sharp"), &id));
}

/* --- samples --- */

TEST(quantiles_are_those_of_numpy) {
    double x[] = { 3, 1, 2, 5, 4, 4, 4 };
    CHECK_NEAR(sample_quantile(x, 7, 0.5), 4, 0);
    CHECK_NEAR(sample_quantile(x, 7, 0.05), 1.3, 1e-15);
    CHECK_NEAR(sample_quantile(x, 7, 0.95), 4.7, 1e-15);
    CHECK_NEAR(sample_quantile(x, 7, 0), 1, 0);
    CHECK_NEAR(sample_quantile(x, 7, 1), 5, 0);
    CHECK(isnan(sample_quantile(x, 0, 0.5)));
}

TEST(the_normal_quantile_turns_the_distribution_round) {
    for (int i = 0; i < 1000; i++) {
        double p = 1e-12 + i * 0.001;
        CHECK_NEAR(normal_cdf(normal_quantile(p)), p, 4e-16 + 4e-15 * p);
    }
    CHECK_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-15);
}

TESTS(T(figures_are_those_of_numpy_mds_36), T(the_deepest_drawdown_has_its_dates_and_its_length),
      T(a_fall_below_the_starting_cash_counts_from_it), T(figures_of_trades_are_those_worked_out_by_hand_mds_36),
      T(what_is_not_defined_is_null_never_zero_or_infinite), T(an_account_that_is_wiped_out_has_no_figures_of_returns),
      T(candles_a_year_are_counted), T(every_metric_has_its_words), T(quantiles_are_those_of_numpy),
      T(the_normal_quantile_turns_the_distribution_round))
