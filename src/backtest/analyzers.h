#pragma once

/* backtest/analyzers.h - Backtrader's analyzers, odd defaults included, over the result of any engine.
 *
 * They answer "the same figure as Backtrader prints". For figures that people compare (annualised, with their
 * definitions) see backtest/metrics.h. Where Backtrader prints None the number here is NaN.
 *
 * Source: Backtrader 1.9.78.123, checked against dumps of it. A day of a period is the UTC date of the candle's time.
 * Memory: columns in the arena given. Pure; any thread. */

#include "backtest/result.h"

typedef enum AnalyzerFrame { FRAME_CANDLES, FRAME_DAYS, FRAME_WEEKS, FRAME_MONTHS, FRAME_YEARS } AnalyzerFrame;
double analyzer_frame_factor(AnalyzerFrame frame); /* periods a year: 252, 52, 12, 1; 0 = none (candles) */

/* TimeReturn: value at the end of a period over the value at the end of the one before, less 1; the first is over the
 * starting cash. Keys are the day (days), the last day of the calendar period (weeks: Sunday; months, years). */
typedef struct PeriodReturns {
    size_t n;
    int64_t *key_days; /* (n) days since 1970-01-01; FRAME_CANDLES: the candle's time in ms */
    double *value;     /* (n) */
} PeriodReturns;
void analyzer_time_return(const BacktestResult *r, AnalyzerFrame frame, Arena *arena, PeriodReturns *out);

typedef struct SharpeOptions { /* sharpe_options_standard(): Backtrader's */
    AnalyzerFrame frame;       /* years */
    double risk_free;          /* 0.01 a year */
    double factor;             /* periods a year; 0 = of the frame */
    bool no_convert;           /* up-convert the returns to years instead of the rate to the frame */
    bool annualize;            /* times sqrt(factor) */
    bool sample;               /* n - 1 */
} SharpeOptions;
SharpeOptions sharpe_options_standard(void);
/* NaN: too few, or no deviation. */
double analyzer_sharpe(const PeriodReturns *returns, const SharpeOptions *o, Arena *scratch);

typedef struct DrawDown {
    size_t len, max_len; /* candles */
    double percent, max_percent;
    double money, max_money;
} DrawDown;
void analyzer_drawdown(const BacktestResult *r, DrawDown *out);

/* TimeDrawDown: the same at the ends of periods. */
typedef struct TimeDrawDown {
    double max_percent;
    size_t max_periods;
} TimeDrawDown;
void analyzer_time_drawdown(const BacktestResult *r, AnalyzerFrame frame, TimeDrawDown *out);

typedef struct Sqn {
    double sqn; /* 0 with one trade or none; NaN without deviation */
    size_t n;
} Sqn;
void analyzer_sqn(const BacktestResult *r, Arena *scratch, Sqn *out);

typedef struct LogReturns { /* Returns */
    double total;           /* rtot: ln(end / start); -inf when nothing is left */
    double average;         /* ravg: a period */
    double normal;          /* rnorm: a year */
    double normal_percent;  /* rnorm100 */
} LogReturns;
void analyzer_returns(const BacktestResult *r, AnalyzerFrame frame, LogReturns *out);

/* AnnualReturn: calendar years, the first from the value at the first candle. key_days holds the year. */
void analyzer_annual(const BacktestResult *r, Arena *arena, PeriodReturns *out);
/* Variability-weighted return; tau 0.2, sdev_max 2 are Backtrader's. */
double analyzer_vwr(const BacktestResult *r, AnalyzerFrame frame, double tau, double sdev_max, Arena *arena);

typedef struct PeriodStats {
    double average, stddev, best, worst;
    size_t positive, negative, unchanged;
} PeriodStats;
void analyzer_period_stats(const PeriodReturns *returns, Arena *scratch, PeriodStats *out);

/* Calmar over a sliding window of periods (36 months): a log return a month over a drawdown in percent. */
typedef struct Calmar {
    double last;
    size_t n; /* periods */
} Calmar;
void analyzer_calmar(const BacktestResult *r, AnalyzerFrame frame, size_t window, Calmar *out);

/* --- TradeAnalyzer --- */

typedef struct TradeSum { /* of net or gross pnl */
    double total, average, max;
} TradeSum;

typedef struct TradeLen {   /* candles */
    size_t total, max, min; /* min: INT64_MAX without a trade, as Backtrader */
    double average;
} TradeLen;

typedef struct TradeSideStats {
    size_t n, won, lost;
    TradeSum pnl, pnl_won, pnl_lost; /* max of lost: the least */
    TradeLen len, len_won, len_lost;
} TradeSideStats;

typedef struct TradeAnalysis {
    size_t n, open, closed; /* n = 0: Backtrader gives nothing but total.total */
    size_t streak_won, streak_won_longest, streak_lost, streak_lost_longest;
    TradeSum gross;      /* without max */
    TradeSideStats both; /* pnl net; won: pnl_net >= 0 */
    TradeSideStats side[2];
} TradeAnalysis;
void analyzer_trades(const BacktestResult *r, TradeAnalysis *out);

/* --- all of them, with the defaults of Backtrader --- */

typedef struct Analyzers {
    double sharpe_years;       /* SharpeRatio() */
    double sharpe_days;        /* timeframe=Days */
    double sharpe_days_annual; /* + annualize */
    DrawDown drawdown;
    TimeDrawDown drawdown_months;
    TradeAnalysis trades;
    Sqn sqn;
    PeriodReturns days, months, years;
    PeriodReturns annual;
    LogReturns returns; /* days */
    double vwr;
    PeriodStats year_stats;
    Calmar calmar; /* months, 36 */
} Analyzers;
void analyzers_compute(BacktestResult *r, Arena *arena); /* sets r->analyzers */
