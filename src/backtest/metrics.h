#pragma once

/* backtest/metrics.h - what a backtest was worth, in figures for people (MDS-36).
 *
 * Each metric is a row of METRIC_TABLE: its wire name, label, unit, definition in words, formula, source, and when it
 * has no value. docs/metrics.md is that table. Definitions are those of empyrical 0.5 and numpy; where a sign or a unit
 * differs the row says so. What is not defined (a ratio to zero, a deviation of one value) is NaN, null on the wire:
 * never 0, never infinity.
 *
 * Symbols: e_0 the starting cash; e_1..e_n the account's value at each candle's close; r_t = e_t / e_(t-1) - 1;
 * P candles a year; f the risk-free return of one candle; p_k the net profit of closed trade k of N.
 *
 * P is counted, not assumed: candles over the time between the first and the last open, so that stocks get about 252
 * days a year, markets that never close 365, and minutes with sessions what there really were.
 *
 * Backtrader's own figures (its Sharpe of years, its SQN, its VWR) are backtest/analyzers.h. Pure; threads: any. */

#include "backtest/result.h"
#include "base/buf.h"

typedef enum MetricUnit {
    METRIC_IN_FRACTION, /* 0.25, shown as 25 % */
    METRIC_IN_RATIO,
    METRIC_IN_MONEY,
    METRIC_IN_COUNT,
    METRIC_IN_CANDLES, /* a number of candles, may be a mean */
    METRIC_IN_YEARS,
} MetricUnit;
const char *metric_unit_name(MetricUnit unit); /* "fraction", … */

typedef enum MetricGroup {
    METRIC_OF_RETURN,
    METRIC_OF_RISK,
    METRIC_OF_DRAWDOWN,
    METRIC_OF_TRADES,
    METRIC_OF_ACCOUNT,
    METRIC_OF_BENCHMARK,
    METRIC_GROUPS,
} MetricGroup;
const char *metric_group_name(MetricGroup group); /* "return", … */

/* X(id, name, label, group, unit, better, words, formula, source, null)
 * better: +1 more is better, -1 less is, 0 neither. */
/* clang-format off */
#define METRIC_TABLE(X)                                                                                                \
    X(TOTAL_RETURN, "total_return", "Total return", RETURN, FRACTION, 1,                                               \
      "What the account gained over the whole run.", "e_n / e_0 - 1", "empyrical cum_returns_final", "no candle")      \
    X(ANNUAL_RETURN, "annual_return", "Annual return", RETURN, FRACTION, 1,                                            \
      "The yearly growth that compounds to the total return (CAGR).", "(e_n / e_0)^(P / n) - 1",                       \
      "empyrical annual_return", "fewer than two candles, or more than all was lost")                                  \
    X(YEARS, "years", "Length", RETURN, YEARS, 0,                                                                      \
      "Length of the run. What is scaled to a year says little when this is short.", "n / P", "",                      \
      "fewer than two candles")                                                                                        \
    X(CANDLES_PER_YEAR, "candles_per_year", "Candles a year", RETURN, RATIO, 0,                                        \
      "Counted from the open times; a year has 365.25 days.", "P = (n - 1) / (time of e_n - time of e_1)", "",         \
      "fewer than two candles")                                                                                        \
    X(BEST_CANDLE, "best_candle", "Best candle", RETURN, FRACTION, 1, "The greatest return of one candle.", "max r_t", \
      "numpy max", "no candle")                                                                                        \
    X(WORST_CANDLE, "worst_candle", "Worst candle", RETURN, FRACTION, 1, "The least return of one candle.",            \
      "min r_t", "numpy min", "no candle")                                                                             \
    X(VOLATILITY, "volatility", "Volatility", RISK, FRACTION, -1,                                                      \
      "Standard deviation of the candles' returns, scaled to a year.", "std(r, ddof 1) * sqrt(P)",                     \
      "empyrical annual_volatility", "fewer than two returns")                                                         \
    X(SHARPE, "sharpe_ratio", "Sharpe ratio", RISK, RATIO, 1,                                                          \
      "Return above the risk-free one for each unit of deviation, scaled to a year.",                                  \
      "mean(r - f) / std(r - f, ddof 1) * sqrt(P)", "Sharpe 1994; empyrical sharpe_ratio",                             \
      "fewer than two returns, or they are all the same")                                                              \
    X(SORTINO, "sortino_ratio", "Sortino ratio", RISK, RATIO, 1,                                                       \
      "The same for each unit of downside deviation, which counts falls alone.",                                       \
      "mean(r - f) * sqrt(P) / sqrt(mean(min(r - f, 0)^2))", "Sortino, Price 1994; empyrical sortino_ratio",           \
      "no return below the risk-free one")                                                                             \
    X(CALMAR, "calmar_ratio", "Calmar ratio", RISK, RATIO, 1,                                                          \
      "Annual return for each unit of the deepest drawdown.", "annual_return / max_drawdown",                          \
      "Young 1991; empyrical calmar_ratio", "no drawdown")                                                             \
    X(OMEGA, "omega_ratio", "Omega ratio", RISK, RATIO, 1,                                                             \
      "All that returns lie above the risk-free one, over all that they lie below it.",                                \
      "sum max(r - f, 0) / sum max(f - r, 0)", "Keating, Shadwick 2002; empyrical omega_ratio",                        \
      "no return below the risk-free one")                                                                             \
    X(VAR_95, "value_at_risk_95", "Value at risk, 95 %", RISK, FRACTION, 1,                                            \
      "The return that one candle in twenty falls short of. A loss is negative.", "percentile(r, 5)",                  \
      "empyrical value_at_risk", "no candle")                                                                          \
    X(ES_95, "expected_shortfall_95", "Expected shortfall, 95 %", RISK, FRACTION, 1,                                   \
      "Mean of the worst twentieth of the returns. A loss is negative.",                                               \
      "mean of the floor((n - 1) / 20) + 1 least r_t", "empyrical conditional_value_at_risk", "no candle")             \
    X(SKEW, "skew", "Skew", RISK, RATIO, 1,                                                                            \
      "Asymmetry of the returns: below 0 the great ones are losses.", "m_3 / m_2^1.5", "scipy.stats.skew",             \
      "all returns are the same")                                                                                      \
    X(KURTOSIS, "kurtosis", "Kurtosis", RISK, RATIO, -1,                                                               \
      "Weight of the tails above a normal distribution's.", "m_4 / m_2^2 - 3", "scipy.stats.kurtosis",                 \
      "all returns are the same")                                                                                      \
    X(TAIL_RATIO, "tail_ratio", "Tail ratio", RISK, RATIO, 1,                                                          \
      "Size of the good tail over that of the bad one.", "|percentile(r, 95)| / |percentile(r, 5)|",                   \
      "empyrical tail_ratio", "the 5th percentile is 0")                                                               \
    X(MAX_DRAWDOWN, "max_drawdown", "Deepest drawdown", DRAWDOWN, FRACTION, -1,                                        \
      "The greatest fall from a peak of the account, starting cash included. Positive: 0.3 is a loss of 30 %.",        \
      "max over t of 1 - e_t / max(e_0..e_t)", "empyrical max_drawdown, which has it negative", "no candle")           \
    X(MAX_DRAWDOWN_MONEY, "max_drawdown_money", "Deepest drawdown, money", DRAWDOWN, MONEY, -1,                        \
      "What that fall took, from its peak to its lowest close.", "e_peak - e_trough", "", "no candle")                 \
    X(MAX_DRAWDOWN_CANDLES, "max_drawdown_candles", "Length of the deepest drawdown", DRAWDOWN, CANDLES, -1,           \
      "Candles from its peak until the account was back, or until the data ended.", "recovery - peak", "",             \
      "no drawdown")                                                                                                   \
    X(LONGEST_UNDER_WATER, "longest_under_water", "Longest time under water", DRAWDOWN, CANDLES, -1,                   \
      "The most candles in a row that closed below an earlier peak.", "longest run of e_t < max(e_0..e_t)", "",        \
      "no candle")                                                                                                     \
    X(UNDER_WATER, "under_water", "Time under water", DRAWDOWN, FRACTION, -1,                                          \
      "Share of all candles that closed below an earlier peak.", "count(e_t < max(e_0..e_t)) / n", "", "no candle")    \
    X(TOTAL_TRADES, "total_trades", "Trades", TRADES, COUNT, 0, "Closed trades, flat to flat.", "N", "", "")           \
    X(WIN_RATE, "win_rate", "Win rate", TRADES, FRACTION, 1,                                                           \
      "Share of the closed trades that gained after costs; a trade that gave nothing did not.", "count(p_k > 0) / N",  \
      "numpy mean of p > 0", "no closed trade")                                                                        \
    X(PROFIT_FACTOR, "profit_factor", "Profit factor", TRADES, RATIO, 1, "All gains over all losses.",                 \
      "sum max(p, 0) / sum max(-p, 0)", "", "no losing trade")                                                         \
    X(EXPECTANCY, "expectancy", "Expectancy", TRADES, RATIO, 1,                                                        \
      "Mean gain of a trade, counted in mean losses.", "mean(p) / mean(-p of losing trades)",                          \
      "Tharp: expected R multiple", "no losing trade")                                                                 \
    X(AVERAGE_TRADE, "average_trade", "Average trade", TRADES, MONEY, 1, "Mean net profit of a trade.", "mean(p)",     \
      "numpy mean", "no closed trade")                                                                                 \
    X(AVERAGE_TRADE_RETURN, "average_trade_return", "Average trade, return", TRADES, FRACTION, 1,                      \
      "Mean net profit over the money put in at the entry.", "mean(p / |size * entry price|)", "numpy mean",           \
      "no closed trade")                                                                                               \
    X(AVERAGE_WIN, "average_win", "Average win", TRADES, MONEY, 1, "Mean of the gains.", "mean(p of p > 0)",           \
      "numpy mean", "no winning trade")                                                                                \
    X(AVERAGE_LOSS, "average_loss", "Average loss", TRADES, MONEY, 1, "Mean of the losses; negative.",                 \
      "mean(p of p < 0)", "numpy mean", "no losing trade")                                                             \
    X(BEST_TRADE, "best_trade", "Best trade", TRADES, MONEY, 1, "The greatest net profit.", "max p", "numpy max",      \
      "no closed trade")                                                                                               \
    X(WORST_TRADE, "worst_trade", "Worst trade", TRADES, MONEY, 1, "The least net profit.", "min p", "numpy min",      \
      "no closed trade")                                                                                               \
    X(AVERAGE_CANDLES, "average_candles", "Average time in a trade", TRADES, CANDLES, 0,                               \
      "Mean number of candles from entry to exit.", "mean(exit - entry)", "numpy mean", "no closed trade")             \
    X(LOSSES_IN_A_ROW, "losses_in_a_row", "Losses in a row", TRADES, COUNT, -1,                                        \
      "The most losing trades one after the other, by exit.", "longest run of p_k < 0", "", "")                        \
    X(SQN, "sqn", "System quality number", TRADES, RATIO, 1,                                                           \
      "Mean trade over its deviation, times the root of the number.", "sqrt(N) * mean(p) / std(p, ddof 0)",            \
      "Tharp; Backtrader SQN", "fewer than two closed trades, or all are the same")                                    \
    X(KELLY, "kelly", "Kelly fraction", TRADES, FRACTION, 0,                                                           \
      "The stake that would have grown fastest had the trades been independent bets. Below 0: no stake.",              \
      "W - (1 - W) / (average_win / |average_loss|), W = win_rate", "Kelly 1956", "no winning or no losing trade")     \
    X(EXPOSURE, "exposure", "Exposure", ACCOUNT, FRACTION, 0, "Share of the candles that closed with a position.",     \
      "count(position at close) / n", "", "no candle")                                                                 \
    X(TURNOVER, "turnover", "Turnover", ACCOUNT, RATIO, -1,                                                            \
      "How often a year the account was traded over, buying and selling both counted.",                                \
      "sum |filled units * price| / mean(e) / years", "", "fewer than two candles, or no value")                       \
    X(FEES, "fees_paid", "Fees paid", ACCOUNT, MONEY, -1, "Commissions of all fills.", "sum of fees", "", "")          \
    X(COSTS, "costs_paid", "Interest and funding paid", ACCOUNT, MONEY, -1, "Less what was got.", "sum of costs", "",  \
      "")                                                                                                              \
    X(FINAL_VALUE, "final_value", "Final value", ACCOUNT, MONEY, 1,                                                    \
      "The account at the last close; an open position at its mark.", "e_n", "", "no candle")                          \
    X(BENCHMARK_RETURN, "benchmark_return", "Return of the benchmark", BENCHMARK, FRACTION, 0,                         \
      "What holding the benchmark gave over the same candles.", "b_n / b_1 - 1", "empyrical cum_returns_final",        \
      "no benchmark")                                                                                                  \
    X(ALPHA, "alpha", "Alpha", BENCHMARK, FRACTION, 1,                                                                 \
      "Yearly return that the benchmark does not explain.", "(1 + mean(r - f - beta (b - f)))^P - 1",                  \
      "Jensen 1968; empyrical alpha", "no benchmark, or it stood still")                                               \
    X(BETA, "beta", "Beta", BENCHMARK, RATIO, 0, "How much of the benchmark's moves the account made.",                \
      "cov(r - f, b - f) / var(b - f)", "empyrical beta", "no benchmark, or it stood still")                           \
    X(CORRELATION, "correlation", "Correlation", BENCHMARK, RATIO, 0, "Pearson's, of the returns.",                    \
      "cov(r, b) / (std(r) std(b))", "numpy corrcoef", "no benchmark, or one of the two stood still")                  \
    X(INFORMATION_RATIO, "information_ratio", "Information ratio", BENCHMARK, RATIO, 1,                                \
      "Return above the benchmark's for each unit of its deviation, scaled to a year.",                                \
      "mean(r - b) / std(r - b, ddof 1) * sqrt(P)", "empyrical excess_sharpe, which is not scaled",                    \
      "no benchmark, or the difference never changes")
/* clang-format on */

typedef enum MetricId {
#define METRIC_ENUM(id, ...) METRIC_##id,
    METRIC_TABLE(METRIC_ENUM)
#undef METRIC_ENUM
        METRICS,
} MetricId;

typedef struct MetricInfo {
    const char *name, *label;
    MetricGroup group;
    MetricUnit unit;
    int better;
    const char *words, *formula, *source, *null;
} MetricInfo;

const MetricInfo *metric_info(MetricId id);
bool metric_find(Str name, MetricId *out);
/* The table as a Markdown page: docs/metrics.md. */
void metrics_describe(Buf *out);

typedef struct BacktestMetrics {
    double v[METRICS]; /* NaN = null */
    /* Of the deepest drawdown; steps are places in `equity`. peak -1: the starting cash. */
    ptrdiff_t peak, trough, recovery; /* recovery -1: not before the data ended; all -1: no drawdown */
    bool wiped_out;                   /* the account went to 0 or below: no returns from there on, their figures null */
} BacktestMetrics;

typedef struct MetricsInput {
    double initial; /* e_0 > 0 */
    const double *equity;
    const int64_t *time_ms; /* (n) open times; NULL: candles_per_year is used */
    size_t n;
    const Trade *trades; /* in any order; open ones count for exposure alone */
    size_t n_trades;
    double traded;           /* sum |filled units * price|; NaN: from the trades */
    double fees, costs;      /* NaN: from the trades */
    const double *benchmark; /* (n) prices or values, b_1..b_n; NULL: none */
    double risk_free;        /* a year: 0.01 = 1 % */
    double candles_per_year; /* 0: counted from time_ms */
} MetricsInput;

/* Scratch goes to the arena and is given back. */
void metrics_compute(const MetricsInput *in, Arena *scratch, BacktestMetrics *out);

/* Of a result: fills r->metrics in the arena. benchmark: (r->n_steps) or NULL. */
void result_add_metrics(BacktestResult *r, Arena *arena, const double *benchmark, double risk_free);

/* P of a column of open times; NaN with fewer than two. */
double candles_per_year(const int64_t *time_ms, size_t n);
/* r_1..r_n into out (n). false when a value before the last is <= 0: the account was wiped out and out ends as NaN. */
bool equity_returns(double initial, const double *equity, size_t n, double *out);
/* For each of n closes the fall from the running peak, 0 or above: 0.3 is 30 % below. The peak starts at `initial`. */
void equity_drawdowns(double initial, const double *equity, size_t n, double *out);
