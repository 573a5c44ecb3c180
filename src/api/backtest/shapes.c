/* api/backtest/shapes.c - field tables of the backtesting API: names, bounds and words, once.
 *
 * Names follow the design documents' BacktestRequest, StrategyConfig and BacktestResult; the metrics are the rows of
 * METRIC_TABLE, so a new one needs nothing here. */

#include "api/backtest/shapes.h"

#include "api/backtest/request_rows.h"

/* clang-format off */

BACKTEST_CHOICES
static const char *const order_lists[] = { "none", "refused", "all", NULL };
static const char *const sorts[] = { "newest", "score", "return", "sharpe", NULL };

#define EQUITY_POINTS(T) FIELD(T, equity_points, .def = "500", .has_min = true, .min = 0, .max = 1000000, \
        .doc = "Points of the equity curve in the answer, spread evenly, the last one included; 0 = none. All candles are kept.")
#define ORDERS(T) FIELD(T, orders, .def = "refused", .choices = order_lists, .doc = "Which orders the answer lists.")

static const Field fee_tier_f[] = {
    FIELD(FeeTierIn, volume, .has_min = true, .min = 0, .max = 1e18, .doc = "Money traded in the last 30 days from which on it holds; the first tier has 0."),
    FIELD(FeeTierIn, maker, .min = -1, .max = 1, .doc = "Rate of a resting order's fill; below 0 is a rebate."),
    FIELD(FeeTierIn, taker, SHARE, .doc = "Rate of any other fill."),
};
static SHAPE(fee_tier_shape, FeeTierIn, fee_tier_f, .doc = "Fees from a volume on.");
#define ZOOT_FIELD(member, flag, words, ...) FIELD(ZootIn, member, .doc = words, ##__VA_ARGS__),
static const Field zoot_f[] = {
    ZOOT_ROWS(ZOOT_FIELD)
    FIELD(ZootIn, fee_tiers, .of = &fee_tier_shape, .max = 32, .doc = "Ascending by volume; none = commission."),
};
static SHAPE(zoot_shape, ZootIn, zoot_f, .doc = "What the engine zoot knows beyond the other members.");
#define TA4J_FIELD(member, flag, words, ...) FIELD(Ta4jIn, member, .doc = words, ##__VA_ARGS__),
static const Field ta4j_f[] = { TA4J_ROWS(TA4J_FIELD) };
static SHAPE(ta4j_shape, Ta4jIn, ta4j_f, .doc = "What the engine ta4j knows beyond the other members.");

static const Field column_value_f[] = {
    FIELD(ColumnValueIn, timestamp, .flags = F_REQUIRED, .doc = "When the value became known; not what it is about.", .example = "2024-01-01T09:30:00Z"),
    FIELD(ColumnValueIn, value, .doc = "The value."),
};
static SHAPE(column_value_shape, ColumnValueIn, column_value_f, .doc = "A value of a column.");
static const Field column_f[] = {
    FIELD(ColumnIn, name, .flags = F_REQUIRED, .max = 64, .doc = "What rules call it: letters, digits and _, no name that rules know already.", .example = "sentiment"),
    FIELD(ColumnIn, symbol, .flags = F_OMIT_EMPTY, .pattern = "symbol", .doc = "The asset it belongs to. Left out: every asset sees it."),
    FIELD(ColumnIn, max_age, .flags = F_OMIT_EMPTY, .max = 16, .doc = "Oldest value that a candle's close may still see: 36h, 7d. Left out: any age.", .example = "36h"),
    FIELD(ColumnIn, values, .flags = F_REQUIRED, .of = &column_value_shape, .max = 1000000, .doc = "Ascending by time."),
};
static SHAPE(column_shape, ColumnIn, column_f, .doc = "A column beside the candles: sentiment, a forecast, a rating. A candle sees the newest value known at its close.");

#define REQUEST_FIELD(member, flag, words, ...) FIELD(BacktestRequestIn, member, .doc = words, ##__VA_ARGS__),
static const Field backtest_request_f[] = {
    FIELD(BacktestRequestIn, backtest_id, .max = 64, .doc = "Name of the result; made when left out. Taken ones are refused.", .example = "bt_123456789"),
    BACKTEST_SERIES_ROWS(REQUEST_FIELD)
    FIELD(BacktestRequestIn, strategy_type, .flags = F_REQUIRED, .max = 64, .doc = "What decides; /backtesting/strategies lists them with their parameters.", .example = "moving_average_crossover"),
    BACKTEST_BROKER_ROWS(REQUEST_FIELD)
    FIELD(BacktestRequestIn, columns, .flags = F_OMIT_EMPTY, .of = &column_shape, .max = 16, .doc = "Columns beside the candles, which rules and plug-ins may read by name."),
    FIELD(BacktestRequestIn, save, .def = "true", .doc = "Keep the result."),
    FIELD(BacktestRequestIn, note, .max = 500, .doc = "Your words, kept with it."),
    FIELD(BacktestRequestIn, zoot, .flags = F_OMIT_EMPTY | F_NULLABLE, .of = &zoot_shape, .doc = "For the engine zoot: spread, volume share, margin, funding, fee tiers."),
    FIELD(BacktestRequestIn, ta4j, .flags = F_OMIT_EMPTY | F_NULLABLE, .of = &ta4j_shape, .doc = "For the engine ta4j."),
    EQUITY_POINTS(BacktestRequestIn), ORDERS(BacktestRequestIn),
};
const Shape backtest_request_shape = { .name = "BacktestRequest", .doc = "What to run, on what, under which costs.",
    .size = sizeof(BacktestRequestIn), .fields = backtest_request_f, .n_fields = ARRAY_LEN(backtest_request_f) };

#define METRIC_FIELD(id, wire, label, group, unit, better, words, ...) \
    { .name = wire, .offset = offsetof(MetricsOut, v) + METRIC_##id * sizeof(double), .type = FT_F64, .flags = F_NULLABLE, .doc = words },
static const Field metrics_out_f[] = { METRIC_TABLE(METRIC_FIELD) };
const Shape metrics_out_shape = { .name = "BacktestMetrics", .doc = "Figures of a backtest; null where one is not defined. docs/metrics.md has the formulas.",
    .size = sizeof(MetricsOut), .fields = metrics_out_f, .n_fields = ARRAY_LEN(metrics_out_f) };

static const Field trade_out_f[] = {
    FIELD(TradeOut, trade_id, .doc = "In the order of entries, from 1."),
    FIELD(TradeOut, symbol, .doc = "The asset."),
    FIELD(TradeOut, side, .doc = "long or short."),
    FIELD(TradeOut, status, .doc = "closed, or open when the data ended."),
    FIELD(TradeOut, size, .doc = "Signed units of the entry."),
    FIELD(TradeOut, entry_time, .doc = "Open time of the candle of the entry."),
    FIELD(TradeOut, entry_price, .doc = "Mean price."),
    FIELD(TradeOut, exit_time, .flags = F_NULLABLE, .doc = "Open time of the candle of the exit."),
    FIELD(TradeOut, exit_price, .doc = "Mean price; of an open trade the last close."),
    FIELD(TradeOut, pnl, .doc = "Before fees and costs."),
    FIELD(TradeOut, fees, .doc = "Commissions of entry and exit."),
    FIELD(TradeOut, costs, .doc = "Interest and funding."),
    FIELD(TradeOut, pnl_net, .doc = "pnl - fees - costs."),
    { .name = "return", .offset = offsetof(TradeOut, return_fraction), .type = FT_F64, .flags = F_NULLABLE, .doc = "pnl_net over the money put in." },
    FIELD(TradeOut, candles, .doc = "From entry to exit."),
};
const Shape trade_out_shape = { .name = "Trade", .doc = "From flat to flat in one asset.", .size = sizeof(TradeOut), .fields = trade_out_f, .n_fields = ARRAY_LEN(trade_out_f) };

static const Field order_out_f[] = {
    FIELD(OrderOut, order_id, .doc = "In the order of submission, from 1."),
    FIELD(OrderOut, symbol, .doc = "The asset."),
    FIELD(OrderOut, side, .doc = "buy or sell."),
    FIELD(OrderOut, type, .doc = "Market, Limit, Stop, StopLimit, StopTrail, StopTrailLimit or Close."),
    FIELD(OrderOut, status, .doc = "Completed, Margin, Canceled, Expired, Rejected, Partial or Accepted."),
    FIELD(OrderOut, reason, .flags = F_OMIT_EMPTY, .doc = "Why it ended without a fill."),
    FIELD(OrderOut, size, .doc = "Signed units asked for."),
    FIELD(OrderOut, created_price, .doc = "Price asked for, or the close at the signal."),
    FIELD(OrderOut, created_at, .doc = "Open time of the signal's candle."),
    FIELD(OrderOut, changed_at, .doc = "Open time of the candle of its last change."),
    FIELD(OrderOut, filled, .doc = "Signed units filled."),
    FIELD(OrderOut, price, .doc = "Mean price of the fill."),
    FIELD(OrderOut, fees, .doc = "Commission."),
    FIELD(OrderOut, needed, .flags = F_OMIT_EMPTY, .doc = "Money that was missing."),
    FIELD(OrderOut, tag, .flags = F_OMIT_EMPTY, .doc = "The strategy's word for it."),
};
static const Shape order_out_shape = { .name = "Order", .doc = "An order and what became of it.", .size = sizeof(OrderOut), .fields = order_out_f, .n_fields = ARRAY_LEN(order_out_f) };

static const Field equity_out_f[] = {
    FIELD(EquityOut, timestamp, .doc = "Open time of the candle."),
    FIELD(EquityOut, value, .doc = "Value of the account at its close."),
    FIELD(EquityOut, drawdown, .doc = "Fall from the highest value so far, as a fraction."),
};
const Shape equity_out_shape = { .name = "EquityPoint", .doc = "The account at a candle's close.", .size = sizeof(EquityOut), .fields = equity_out_f, .n_fields = ARRAY_LEN(equity_out_f) };

static const Field criterion_out_f[] = {
    FIELD(CriterionOut, name, .doc = "ta4j's name."),
    FIELD(CriterionOut, value, .flags = F_NULLABLE, .doc = "Null where ta4j gives NaN or divides by 0."),
    FIELD(CriterionOut, words, .doc = "What it is."),
};
static const Shape criterion_out_shape = { .name = "Criterion", .doc = "A figure of ta4j.", .size = sizeof(CriterionOut), .fields = criterion_out_f, .n_fields = ARRAY_LEN(criterion_out_f) };

#define OUT_LABELS(T) \
        FIELD(T, simulated, .doc = "Some of the candles come from the exchange simulator, not from a market."), \
        FIELD(T, synthetic, .doc = "Candles that had been filled in.")

static const Field backtest_response_f[] = {
    FIELD(BacktestResponse, backtest_id, .doc = "Ask for it again under this name."),
    FIELD(BacktestResponse, exchange, .doc = "Where it trades."),
    FIELD(BacktestResponse, symbol, .doc = "The first asset."),
    FIELD(BacktestResponse, timeframe, .doc = "Length of a candle."),
    FIELD(BacktestResponse, symbols, .doc = "All assets."),
    FIELD(BacktestResponse, strategy_type, .doc = "What decided."),
    FIELD(BacktestResponse, parameters, .doc = "Every parameter as used."),
    FIELD(BacktestResponse, position_sizing, .doc = "How entries were sized."),
    FIELD(BacktestResponse, position_size, .doc = "Its number."),
    FIELD(BacktestResponse, engine, .doc = "Whose semantics."),
    FIELD(BacktestResponse, engine_version, .doc = "Their version."),
    FIELD(BacktestResponse, start_date, .doc = "Open time of the first candle."),
    FIELD(BacktestResponse, end_date, .doc = "Open time of the last candle."),
    FIELD(BacktestResponse, initial_capital, .doc = "Money at the start."),
    FIELD(BacktestResponse, final_capital, .doc = "Value of the account at the last close; an open position at its mark."),
    FIELD(BacktestResponse, final_cash, .doc = "Of that, cash."),
    FIELD(BacktestResponse, metrics, .of = &metrics_out_shape, .doc = "Figures."),
    FIELD(BacktestResponse, criteria, .flags = F_OMIT_EMPTY, .of = &criterion_out_shape, .doc = "ta4j's own criteria, of a run of the engine ta4j; docs/metrics.md."),
    FIELD(BacktestResponse, score, .flags = F_NULLABLE, .doc = "What recommendations rank by: the Sharpe ratio, less what is not sure of it and what fell too deep; null where too little was seen or it lost."),
    FIELD(BacktestResponse, trades, .of = &trade_out_shape, .max = 10000000, .doc = "By entry."),
    FIELD(BacktestResponse, orders, .of = &order_out_shape, .max = 10000000, .doc = "As asked for: refused ones, all, none."),
    FIELD(BacktestResponse, orders_submitted, .doc = "Orders in all."),
    FIELD(BacktestResponse, orders_refused, .doc = "Of them refused for cash, size or the like."),
    FIELD(BacktestResponse, equity_curve, .of = &equity_out_shape, .max = 1000000, .doc = "Oldest first."),
    FIELD(BacktestResponse, assumptions, .doc = "What was assumed, a sentence each."),
    FIELD(BacktestResponse, warnings, .doc = "What to be careful of: gaps, refused orders, doubtful data."),
    FIELD(BacktestResponse, explanation, .flags = F_OMIT_EMPTY, .doc = "Why there is no trade, where there is none."),
    FIELD(BacktestResponse, candles, .doc = "Candles read."),
    FIELD(BacktestResponse, warmup, .doc = "Candles before the strategy was first asked."),
    OUT_LABELS(BacktestResponse),
    FIELD(BacktestResponse, execution_time_seconds, .doc = "Wall time of the engine."),
    FIELD(BacktestResponse, created_at, .doc = "When it was run."),
    FIELD(BacktestResponse, note, .flags = F_OMIT_EMPTY, .doc = "The caller's words."),
};
SHAPE(backtest_response_shape, BacktestResponse, backtest_response_f, .doc = "A backtest.");

static const Field backtest_get_f[] = {
    FIELD(BacktestGetQuery, id, .flags = F_REQUIRED, .max = 64, .doc = "Its backtest_id.", .example = "bt_123456789"),
    EQUITY_POINTS(BacktestGetQuery), ORDERS(BacktestGetQuery),
};
SHAPE(backtest_get_shape, BacktestGetQuery, backtest_get_f, .doc = "Which backtest, and how much of it.");

static const Field backtest_id_f[] = {
    FIELD(BacktestId, id, .flags = F_REQUIRED, .max = 64, .doc = "Its backtest_id.", .example = "bt_123456789"),
};
SHAPE(backtest_id_shape, BacktestId, backtest_id_f, .doc = "Which backtest.");
static const Field backtest_removed_f[] = { FIELD(BacktestRemoved, success, .doc = "It is gone.") };
SHAPE(backtest_removed_shape, BacktestRemoved, backtest_removed_f, .doc = "It is gone.");

static const Field backtest_list_query_f[] = {
    FIELD(BacktestListQuery, symbol, .pattern = "symbol", .doc = "Of this symbol alone.", .example = "BTCUSDT"),
    FIELD(BacktestListQuery, timeframe, .pattern = "timeframe", .doc = "Of this timeframe alone.", .example = "1h"),
    FIELD(BacktestListQuery, strategy_type, .max = 64, .doc = "Of this strategy alone.", .example = "moving_average_crossover"),
    FIELD(BacktestListQuery, engine, .max = 32, .doc = "Of this engine alone.", .example = "backtrader"),
    FIELD(BacktestListQuery, sort, .def = "newest", .choices = sorts, .doc = "What comes first."),
    FIELD(BacktestListQuery, offset, .def = "0", .has_min = true, .min = 0, .max = 1e9, .doc = "Backtests to leave out."),
    FIELD(BacktestListQuery, limit, .def = "50", .min = 1, .max = 1000, .doc = "Most backtests in one answer."),
};
SHAPE(backtest_list_query_shape, BacktestListQuery, backtest_list_query_f, .doc = "Which backtests.");

static const Field backtest_summary_f[] = {
    FIELD(BacktestSummaryOut, backtest_id, .doc = "Its name."),
    FIELD(BacktestSummaryOut, exchange, .doc = "Where it trades."),
    FIELD(BacktestSummaryOut, symbol, .doc = "The first asset."),
    FIELD(BacktestSummaryOut, timeframe, .doc = "Length of a candle."),
    FIELD(BacktestSummaryOut, strategy_type, .doc = "What decided."),
    FIELD(BacktestSummaryOut, engine, .doc = "Whose semantics."),
    FIELD(BacktestSummaryOut, start_date, .doc = "First candle."),
    FIELD(BacktestSummaryOut, end_date, .doc = "Last candle."),
    FIELD(BacktestSummaryOut, initial_capital, .doc = "Money at the start."),
    FIELD(BacktestSummaryOut, final_capital, .doc = "Value at the end."),
    FIELD(BacktestSummaryOut, total_return, .flags = F_NULLABLE, .doc = "As a fraction."),
    FIELD(BacktestSummaryOut, annual_return, .flags = F_NULLABLE, .doc = "As a fraction."),
    FIELD(BacktestSummaryOut, max_drawdown, .flags = F_NULLABLE, .doc = "As a positive fraction."),
    FIELD(BacktestSummaryOut, sharpe_ratio, .flags = F_NULLABLE, .doc = "A year."),
    FIELD(BacktestSummaryOut, total_trades, .doc = "Closed ones."),
    FIELD(BacktestSummaryOut, win_rate, .flags = F_NULLABLE, .doc = "Of the closed trades."),
    FIELD(BacktestSummaryOut, score, .flags = F_NULLABLE, .doc = "What recommendations rank by."),
    FIELD(BacktestSummaryOut, execution_time_seconds, .doc = "Wall time of the engine."),
    FIELD(BacktestSummaryOut, candles, .doc = "Candles read."),
    OUT_LABELS(BacktestSummaryOut),
    FIELD(BacktestSummaryOut, created_at, .doc = "When it was run."),
    FIELD(BacktestSummaryOut, note, .flags = F_OMIT_EMPTY, .doc = "The caller's words."),
};
const Shape backtest_summary_shape = { .name = "BacktestSummary", .doc = "A backtest in a line.", .size = sizeof(BacktestSummaryOut), .fields = backtest_summary_f, .n_fields = ARRAY_LEN(backtest_summary_f) };
static const Field backtest_list_f[] = {
    FIELD(BacktestList, total, .doc = "Backtests that fit."),
    FIELD(BacktestList, backtests, .of = &backtest_summary_shape, .doc = "In the order asked for."),
};
SHAPE(backtest_list_shape, BacktestList, backtest_list_f, .doc = "Stored backtests.");

static const Field parameter_out_f[] = {
    FIELD(ParameterOut, name, .doc = "Its name."),
    FIELD(ParameterOut, kind, .doc = "int, real, bool or text."),
    FIELD(ParameterOut, standard, .flags = F_NULLABLE, .doc = "Value when left out."),
    FIELD(ParameterOut, minimum, .flags = F_NULLABLE, .doc = "Least value."),
    FIELD(ParameterOut, maximum, .flags = F_NULLABLE, .doc = "Greatest value."),
    FIELD(ParameterOut, words, .doc = "What it is."),
};
static const Shape parameter_out_shape = { .name = "StrategyParameter", .doc = "A parameter of a strategy.", .size = sizeof(ParameterOut), .fields = parameter_out_f, .n_fields = ARRAY_LEN(parameter_out_f) };
static const Field strategy_out_f[] = {
    FIELD(StrategyOut, strategy_type, .doc = "Its name."),
    FIELD(StrategyOut, words, .doc = "When it buys, when it sells."),
    FIELD(StrategyOut, parameters, .of = &parameter_out_shape, .doc = "What it takes."),
    FIELD(StrategyOut, engines, .doc = "Engines that run it."),
};
static const Shape strategy_out_shape = { .name = "Strategy", .doc = "A strategy.", .size = sizeof(StrategyOut), .fields = strategy_out_f, .n_fields = ARRAY_LEN(strategy_out_f) };
static const Field engine_out_f[] = {
    FIELD(EngineOut, name, .doc = "Its name."),
    FIELD(EngineOut, version, .doc = "Version of its semantics."),
    FIELD(EngineOut, words, .doc = "What it is."),
};
static const Shape engine_out_shape = { .name = "BacktestEngine", .doc = "An engine.", .size = sizeof(EngineOut), .fields = engine_out_f, .n_fields = ARRAY_LEN(engine_out_f) };
static const Field strategy_list_f[] = {
    FIELD(StrategyList, strategies, .of = &strategy_out_shape, .doc = "By name."),
    FIELD(StrategyList, engines, .of = &engine_out_shape, .doc = "The engines there are."),
};
SHAPE(strategy_list_shape, StrategyList, strategy_list_f, .doc = "What can be run.");

static const Field compare_request_f[] = {
    FIELD(CompareRequest, backtest_ids, .max = 100, .doc = "Stored backtests."),
    FIELD(CompareRequest, requests, .of = &backtest_request_shape, .max = 100, .doc = "Backtests to run first."),
    FIELD(CompareRequest, sort, .def = "score", .choices = sorts, .doc = "What they are ranked by."),
};
SHAPE(compare_request_shape, CompareRequest, compare_request_f, .doc = "What to compare.");
static const Field compare_response_f[] = {
    FIELD(CompareResponse, backtests, .of = &backtest_summary_shape, .doc = "Best first; those without a value last."),
    FIELD(CompareResponse, best, .flags = F_OMIT_EMPTY, .doc = "Name of the first."),
};
SHAPE(compare_response_shape, CompareResponse, compare_response_f, .doc = "Backtests beside each other.");

static const Field recommend_query_f[] = {
    FIELD(RecommendQuery, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "Of what.", .example = "BTCUSDT"),
    FIELD(RecommendQuery, timeframe, .pattern = "timeframe", .doc = "Of this timeframe alone.", .example = "1h"),
    FIELD(RecommendQuery, limit, .def = "10", .min = 1, .max = 100, .doc = "Most recommendations."),
};
SHAPE(recommend_query_shape, RecommendQuery, recommend_query_f, .doc = "For what.");
static const Field recommendation_out_f[] = {
    FIELD(RecommendationOut, strategy_type, .doc = "The strategy."),
    FIELD(RecommendationOut, backtest_id, .doc = "Its best stored backtest."),
    FIELD(RecommendationOut, timeframe, .doc = "Of that backtest."),
    FIELD(RecommendationOut, engine, .doc = "Of that backtest."),
    FIELD(RecommendationOut, score, .doc = "What recommendations rank by."),
    FIELD(RecommendationOut, total_return, .flags = F_NULLABLE, .doc = "As a fraction."),
    FIELD(RecommendationOut, sharpe_ratio, .flags = F_NULLABLE, .doc = "A year."),
    FIELD(RecommendationOut, max_drawdown, .flags = F_NULLABLE, .doc = "As a positive fraction."),
    FIELD(RecommendationOut, total_trades, .doc = "Closed ones."),
    FIELD(RecommendationOut, backtests, .doc = "Stored backtests of this strategy that were looked at."),
    FIELD(RecommendationOut, simulated, .doc = "Run on candles of the exchange simulator."),
    FIELD(RecommendationOut, why, .doc = "Its figures in a sentence."),
};
static const Shape recommendation_out_shape = { .name = "Recommendation", .doc = "A strategy and why.", .size = sizeof(RecommendationOut), .fields = recommendation_out_f, .n_fields = ARRAY_LEN(recommendation_out_f) };
static const Field recommendation_list_f[] = {
    FIELD(RecommendationList, symbol, .doc = "Of what."),
    FIELD(RecommendationList, formula, .doc = "How the score is made."),
    FIELD(RecommendationList, recommendations, .of = &recommendation_out_shape, .doc = "Best first."),
};
SHAPE(recommendation_list_shape, RecommendationList, recommendation_list_f, .doc = "Strategies by the score of their best stored backtest. Past results are no promise.");
