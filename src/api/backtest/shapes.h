#pragma once

/* api/backtest/shapes.h - the records of the backtesting API; shapes.c has their field tables. */

#include "api/op.h"
#include "backtest/metrics.h"

typedef struct FeeTierIn {
    double volume, maker, taker;
} FeeTierIn;

typedef struct ZootIn {
    double spread, volume_share, impact, maintenance, liquidation_fee, funding_rate, funding_hours;
    List fee_tiers; /* FeeTierIn */
    Str fine_timeframe;
    bool ignore_rules;
} ZootIn;

typedef struct Ta4jIn {
    bool sells_first;
    double borrowing;
} Ta4jIn;

typedef struct ColumnValueIn {
    Time timestamp;
    double value;
} ColumnValueIn;

typedef struct ColumnIn {
    Str name, symbol, max_age;
    List values; /* ColumnValueIn */
} ColumnIn;

typedef struct BacktestRequestIn { /* StrategyConfig of the documents is inside it, flat */
    Str backtest_id;
    Str exchange, symbol, timeframe, provider;
    List symbols; /* Str: more assets in one account */
    Time start_date, end_date;
    Str engine;
    Str strategy_type;
    RawJson parameters; /* object of numbers, booleans and texts */
    Str position_sizing;
    double position_size;
    double initial_capital;
    double commission;
    Str commission_type;
    double slippage;
    Str slippage_type;
    double leverage, margin, multiplier, interest;
    bool cheat_on_close, allow_short;
    double risk_free_rate;
    bool real_only, save;
    Str note;
    List columns; /* ColumnIn */
    ZootIn zoot;
    Ta4jIn ta4j;
    int64_t equity_points;
    Str orders;
} BacktestRequestIn;

typedef struct MetricsOut {
    double v[METRICS];
} MetricsOut;

typedef struct TradeOut {
    int64_t trade_id;
    Str symbol, side, status;
    double size;
    Time entry_time;
    double entry_price;
    Time exit_time;
    double exit_price, pnl, fees, costs, pnl_net, return_fraction;
    int64_t candles;
} TradeOut;

typedef struct OrderOut {
    int64_t order_id;
    Str symbol, side, type, status, reason;
    double size, created_price;
    Time created_at, changed_at;
    double filled, price, fees, needed;
    Str tag;
} OrderOut;

typedef struct EquityOut {
    Time timestamp;
    double value, drawdown;
} EquityOut;

typedef struct BacktestSummaryOut {
    Str backtest_id, exchange, symbol, timeframe, strategy_type, engine;
    Time start_date, end_date;
    double initial_capital, final_capital, total_return, annual_return, max_drawdown, sharpe_ratio;
    int64_t total_trades;
    double win_rate, score, execution_time_seconds;
    int64_t candles;
    bool simulated;
    int64_t synthetic;
    Time created_at;
    Str note;
} BacktestSummaryOut;

typedef struct CriterionOut {
    Str name;
    double value;
    Str words;
} CriterionOut;

typedef struct BacktestResponse { /* BacktestResult of the documents and what explains it */
    Str backtest_id, exchange, symbol, timeframe;
    List symbols; /* Str */
    Str strategy_type;
    RawJson parameters;
    Str position_sizing;
    double position_size;
    Str engine, engine_version;
    Time start_date, end_date;
    double initial_capital, final_capital, final_cash;
    MetricsOut metrics;
    List criteria; /* CriterionOut */
    double score;
    List trades; /* TradeOut */
    List orders; /* OrderOut */
    int64_t orders_submitted, orders_refused;
    List equity_curve;          /* EquityOut */
    List assumptions, warnings; /* Str */
    Str explanation;
    int64_t candles, warmup;
    bool simulated;
    int64_t synthetic;
    double execution_time_seconds;
    Time created_at;
    Str note;
} BacktestResponse;

typedef struct BacktestGetQuery {
    Str id;
    int64_t equity_points;
    Str orders;
} BacktestGetQuery;

typedef struct BacktestListQuery {
    Str symbol, timeframe, strategy_type, engine, sort;
    int64_t offset, limit;
} BacktestListQuery;
typedef struct BacktestList {
    int64_t total;
    List backtests; /* BacktestSummaryOut */
} BacktestList;

typedef struct ParameterOut {
    Str name, kind;
    double standard, minimum, maximum;
    Str words;
} ParameterOut;
typedef struct StrategyOut {
    Str strategy_type, words;
    List parameters; /* ParameterOut */
    List engines;    /* Str */
} StrategyOut;
typedef struct StrategyList {
    List strategies; /* StrategyOut */
    List engines;    /* EngineOut */
} StrategyList;
typedef struct EngineOut {
    Str name, version, words;
} EngineOut;

typedef struct CompareRequest {
    List backtest_ids; /* Str: stored ones */
    List requests;     /* BacktestRequestIn: run and kept as by `run` */
    Str sort;
} CompareRequest;
typedef struct CompareResponse {
    List backtests; /* BacktestSummaryOut, best first */
    Str best;
} CompareResponse;

typedef struct RecommendQuery {
    Str symbol, timeframe;
    int64_t limit;
} RecommendQuery;
typedef struct RecommendationOut {
    Str strategy_type, backtest_id, timeframe, engine;
    double score, total_return, sharpe_ratio, max_drawdown;
    int64_t total_trades, backtests;
    bool simulated;
    Str why;
} RecommendationOut;
typedef struct RecommendationList {
    Str symbol;
    Str formula;
    List recommendations; /* RecommendationOut, best first */
} RecommendationList;

typedef struct BacktestId {
    Str id;
} BacktestId;
typedef struct BacktestRemoved {
    bool success;
} BacktestRemoved;

extern const Shape backtest_request_shape, backtest_response_shape, backtest_get_shape, backtest_list_query_shape,
    backtest_list_shape, strategy_list_shape, compare_request_shape, compare_response_shape, recommend_query_shape,
    recommendation_list_shape, backtest_id_shape, backtest_removed_shape, backtest_summary_shape, metrics_out_shape,
    trade_out_shape, equity_out_shape;
