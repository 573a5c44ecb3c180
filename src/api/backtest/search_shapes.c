/* api/backtest/search_shapes.c - field tables of sweeps. */

#include "api/backtest/search_shapes.h"

/* clang-format off */

SEARCH_METHODS

#define SWEEP_FIELD(member, words, ...) FIELD(SweepRequestIn, member, .doc = words, ##__VA_ARGS__),
static const Field sweep_request_f[] = {
    FIELD(SweepRequestIn, backtest, .flags = F_REQUIRED, .of = &backtest_request_shape, .doc = "What each combination runs; parameters that are swept are left out."),
    FIELD(SweepRequestIn, grid, .flags = F_REQUIRED, .doc = "Values by parameter: a list, or {\"from\", \"to\", \"step\"} with both ends."),
    SEARCH_ROWS(SWEEP_FIELD)
    FIELD(SweepRequestIn, top, .def = "20", .min = 1, .max = 100000, .doc = "Best combinations in the answer."),
    FIELD(SweepRequestIn, heat, .max = 2, .doc = "Two parameters for the heat map; the first two of the grid when left out."),
};
SHAPE(sweep_request_shape, SweepRequestIn, sweep_request_f, .doc = "Many parameters of one strategy.");

static const Field sweep_row_f[] = {
    FIELD(SweepRowOut, rank, .doc = "1 is the best."),
    FIELD(SweepRowOut, parameters, .doc = "The values swept."),
    FIELD(SweepRowOut, total_return, .flags = F_NULLABLE, .doc = "As a fraction."),
    FIELD(SweepRowOut, annual_return, .flags = F_NULLABLE, .doc = "As a fraction."),
    FIELD(SweepRowOut, sharpe_ratio, .flags = F_NULLABLE, .doc = "A year."),
    FIELD(SweepRowOut, max_drawdown, .flags = F_NULLABLE, .doc = "As a positive fraction."),
    FIELD(SweepRowOut, calmar_ratio, .flags = F_NULLABLE, .doc = "Annual return over the deepest drawdown."),
    FIELD(SweepRowOut, volatility, .flags = F_NULLABLE, .doc = "A year."),
    FIELD(SweepRowOut, final_value, .flags = F_NULLABLE, .doc = "Of the account."),
    FIELD(SweepRowOut, total_trades, .doc = "Closed ones."),
    FIELD(SweepRowOut, win_rate, .flags = F_NULLABLE, .doc = "Of them."),
    FIELD(SweepRowOut, profit_factor, .flags = F_NULLABLE, .doc = "Gains over losses."),
    FIELD(SweepRowOut, exposure, .flags = F_NULLABLE, .doc = "Share of the candles with a position."),
    FIELD(SweepRowOut, fees, .flags = F_NULLABLE, .doc = "Paid."),
    FIELD(SweepRowOut, refused_orders, .doc = "For cash."),
};
static SHAPE(sweep_row_shape, SweepRowOut, sweep_row_f, .doc = "A combination and its figures.");

static const Field heat_f[] = {
    FIELD(HeatOut, x, .doc = "Parameter across."),
    FIELD(HeatOut, y, .doc = "Parameter down."),
    FIELD(HeatOut, value, .doc = "Metric."),
    FIELD(HeatOut, x_values, .doc = "Its values."),
    FIELD(HeatOut, y_values, .doc = "Its values."),
    FIELD(HeatOut, values, .doc = "A row for each y, the best over all other parameters; null where there is none."),
};
static SHAPE(heat_shape, HeatOut, heat_f, .doc = "One metric over two parameters.");

static const Field overfit_f[] = {
    FIELD(OverfitOut, probability, .doc = "That the best of one half of the time ends in the lower half on the other: 0.5 is pure luck (Bailey and others, 2017)."),
    FIELD(OverfitOut, loss_probability, .doc = "That it loses there."),
    FIELD(OverfitOut, sharpe_in, .doc = "Mean Sharpe ratio of one candle where it was chosen."),
    FIELD(OverfitOut, sharpe_out, .doc = "And on the other half."),
    FIELD(OverfitOut, ways, .doc = "Ways to halve the time that were looked at."),
};
static SHAPE(overfit_shape, OverfitOut, overfit_f, .doc = "Probability of backtest overfitting.");

static const Field deflated_f[] = {
    FIELD(DeflatedOut, sharpe, .flags = F_NULLABLE, .doc = "Of the best combination, one candle."),
    FIELD(DeflatedOut, expected_max, .flags = F_NULLABLE, .doc = "What the best of as many worthless ones would show."),
    FIELD(DeflatedOut, probabilistic, .flags = F_NULLABLE, .doc = "Probability that its true Sharpe ratio is above 0."),
    FIELD(DeflatedOut, deflated, .flags = F_NULLABLE, .doc = "Probability that it is above expected_max: below 0.95 luck may be all there is (Bailey, Lopez de Prado, 2014)."),
    FIELD(DeflatedOut, trials, .doc = "Combinations."),
};
static SHAPE(deflated_shape, DeflatedOut, deflated_f, .doc = "Deflated Sharpe ratio.");

static const Field sweep_response_f[] = {
    FIELD(SweepResponse, exchange, .doc = "Where it trades."),
    FIELD(SweepResponse, symbol, .doc = "The first asset."),
    FIELD(SweepResponse, timeframe, .doc = "Length of a candle."),
    FIELD(SweepResponse, strategy_type, .doc = "What decided."),
    FIELD(SweepResponse, engine, .doc = "Whose semantics."),
    FIELD(SweepResponse, method, .doc = "How combinations were chosen."),
    FIELD(SweepResponse, objective, .doc = "What they are ranked by."),
    FIELD(SweepResponse, candles, .doc = "Candles each combination ran over."),
    FIELD(SweepResponse, combinations, .doc = "Combinations in all."),
    FIELD(SweepResponse, refused, .doc = "Of them not run: the strategy refuses such parameters."),
    FIELD(SweepResponse, refused_why, .flags = F_OMIT_EMPTY, .doc = "Why, of the first."),
    FIELD(SweepResponse, best, .of = &sweep_row_shape, .max = 100000, .doc = "Best first."),
    FIELD(SweepResponse, heat, .flags = F_OMIT_EMPTY, .of = &heat_shape, .doc = "With two parameters or more."),
    FIELD(SweepResponse, overfit, .flags = F_OMIT_EMPTY, .of = &overfit_shape, .doc = "How much of the best may be luck."),
    FIELD(SweepResponse, deflated, .flags = F_OMIT_EMPTY, .of = &deflated_shape, .doc = "The same by another way."),
    FIELD(SweepResponse, path, .doc = "columns: the fast way; engine: a run of the engine each."),
    FIELD(SweepResponse, why, .flags = F_OMIT_EMPTY, .doc = "Why not the fast way."),
    FIELD(SweepResponse, seconds, .doc = "Wall time."),
    FIELD(SweepResponse, steps_per_second, .doc = "Candles times combinations a second."),
    FIELD(SweepResponse, simulated, .doc = "Some of the candles come from the exchange simulator, not from a market."),
    FIELD(SweepResponse, synthetic, .doc = "Candles that had been filled in."),
    FIELD(SweepResponse, advice, .doc = "How to read it, a sentence each."),
};
SHAPE(sweep_response_shape, SweepResponse, sweep_response_f, .doc = "The best combinations, and what may be believed of them.");
