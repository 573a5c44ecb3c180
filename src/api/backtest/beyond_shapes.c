/* api/backtest/beyond_shapes.c - field tables of walk-forward, Monte Carlo and the proof. */

#include "api/backtest/beyond_shapes.h"

#include "api/backtest/search_shapes.h"

/* clang-format off */

SEARCH_METHODS
static const char *const kinds[] = { "stationary", "circular", NULL };

#define SERIES_OUT(T) \
    FIELD(T, exchange, .doc = "Where it trades."), \
    FIELD(T, symbol, .doc = "The asset."), \
    FIELD(T, timeframe, .doc = "Length of a candle."), \
    FIELD(T, strategy_type, .doc = "What decided."), \
    FIELD(T, engine, .doc = "Whose semantics.")

#define WALK_FIELD(member, words, ...) FIELD(WalkRequestIn, member, .doc = words, ##__VA_ARGS__),
static const Field walk_request_f[] = {
    FIELD(WalkRequestIn, backtest, .flags = F_REQUIRED, .of = &backtest_request_shape, .doc = "What each combination runs."),
    FIELD(WalkRequestIn, grid, .flags = F_REQUIRED, .doc = "Values by parameter, as of a sweep."),
    SEARCH_ROWS(WALK_FIELD)
    WALK_ROWS(WALK_FIELD)
    FIELD(WalkRequestIn, equity_points, .def = "500", .has_min = true, .min = 0, .max = 1000000, .doc = "Points of the equity curve in the answer."),
};
SHAPE(walk_request_shape, WalkRequestIn, walk_request_f, .doc = "Choose on one stretch, trade on the next, go on.");

static const Field walk_window_f[] = {
    FIELD(WalkWindowOut, train_start, .doc = "First candle of the training."),
    FIELD(WalkWindowOut, train_end, .doc = "Behind its last."),
    FIELD(WalkWindowOut, test_start, .doc = "First candle of the test."),
    FIELD(WalkWindowOut, test_end, .doc = "Behind its last."),
    FIELD(WalkWindowOut, chosen, .doc = "False: no combination had a value in the training, and the test stayed flat."),
    FIELD(WalkWindowOut, parameters, .doc = "Chosen by the training."),
    FIELD(WalkWindowOut, train_objective, .flags = F_NULLABLE, .doc = "The objective in the training."),
    FIELD(WalkWindowOut, test_objective, .flags = F_NULLABLE, .doc = "And in the test."),
    FIELD(WalkWindowOut, train_return, .flags = F_NULLABLE, .doc = "As a fraction."),
    FIELD(WalkWindowOut, test_return, .flags = F_NULLABLE, .doc = "As a fraction."),
    FIELD(WalkWindowOut, test_trades, .doc = "Closed ones."),
};
static SHAPE(walk_window_shape, WalkWindowOut, walk_window_f, .doc = "A training and its test.");

static const Field walk_response_f[] = {
    SERIES_OUT(WalkResponse),
    FIELD(WalkResponse, objective, .doc = "What trainings chose by."),
    FIELD(WalkResponse, windows, .of = &walk_window_shape, .doc = "Oldest first."),
    FIELD(WalkResponse, metrics, .of = &metrics_out_shape, .doc = "Of all tests, one after the other: the honest figure."),
    FIELD(WalkResponse, efficiency, .flags = F_NULLABLE, .doc = "Yearly return of the tests over that of the trainings."),
    FIELD(WalkResponse, equity_curve, .of = &equity_out_shape, .max = 1000000, .doc = "Of all tests."),
    FIELD(WalkResponse, seconds, .doc = "Wall time."),
    FIELD(WalkResponse, simulated, .doc = "Some of the candles come from the exchange simulator, not from a market."),
    FIELD(WalkResponse, synthetic, .doc = "Candles that had been filled in."),
    FIELD(WalkResponse, advice, .doc = "How to read it, a sentence each."),
};
SHAPE(walk_response_shape, WalkResponse, walk_response_f, .doc = "What a strategy earned on candles it was not chosen on.");

static const Field monte_carlo_request_f[] = {
    FIELD(MonteCarloRequest, id, .flags = F_REQUIRED, .max = 64, .doc = "A kept backtest.", .example = "bt_123456789"),
    FIELD(MonteCarloRequest, kind, .def = "stationary", .choices = kinds, .doc = "Blocks of random length, or all alike."),
    FIELD(MonteCarloRequest, block, .def = "0", .has_min = true, .min = 0, .max = 1e9, .doc = "Candles of a block, a mean if stationary; 0: the cube root of their number."),
    FIELD(MonteCarloRequest, paths, .def = "1000", .min = 10, .max = 100000, .doc = "How often the returns are drawn again."),
    FIELD(MonteCarloRequest, seed, .def = "1", .has_min = true, .min = 0, .max = 9e15, .doc = "The same seed draws the same."),
};
SHAPE(monte_carlo_request_shape, MonteCarloRequest, monte_carlo_request_f, .doc = "Draw the candles' returns again, in blocks.");

static const Field figure_f[] = {
    FIELD(FigureOut, observed, .flags = F_NULLABLE, .doc = "Of the backtest itself."),
    FIELD(FigureOut, mean, .flags = F_NULLABLE, .doc = "Over the paths."),
    FIELD(FigureOut, deviation, .flags = F_NULLABLE, .doc = "Over the paths."),
    FIELD(FigureOut, p05, .flags = F_NULLABLE, .doc = "One path in twenty is below."),
    FIELD(FigureOut, p25, .flags = F_NULLABLE, .doc = "One in four."),
    FIELD(FigureOut, p50, .flags = F_NULLABLE, .doc = "Half of them."),
    FIELD(FigureOut, p75, .flags = F_NULLABLE, .doc = "Three in four."),
    FIELD(FigureOut, p95, .flags = F_NULLABLE, .doc = "Nineteen in twenty."),
};
static SHAPE(figure_shape, FigureOut, figure_f, .doc = "A figure over the paths.");

static const Field band_f[] = {
    FIELD(BandOut, timestamp, .doc = "Open time of the candle."),
    FIELD(BandOut, p05, .doc = "Of the account, as a multiple of its start."),
    FIELD(BandOut, p25, .doc = "The same."), FIELD(BandOut, p50, .doc = "The same."),
    FIELD(BandOut, p75, .doc = "The same."), FIELD(BandOut, p95, .doc = "The same."),
};
static SHAPE(band_shape, BandOut, band_f, .doc = "Where the paths were at a candle.");

static const Field monte_carlo_response_f[] = {
    FIELD(MonteCarloResponse, backtest_id, .doc = "Of what."),
    FIELD(MonteCarloResponse, kind, .doc = "How blocks were drawn."),
    FIELD(MonteCarloResponse, block, .doc = "Candles of a block."),
    FIELD(MonteCarloResponse, paths, .doc = "Paths drawn."),
    FIELD(MonteCarloResponse, seed, .doc = "Drawn with."),
    FIELD(MonteCarloResponse, returns, .doc = "Returns there were to draw from."),
    FIELD(MonteCarloResponse, total_return, .of = &figure_shape, .doc = "As fractions."),
    FIELD(MonteCarloResponse, max_drawdown, .of = &figure_shape, .doc = "As positive fractions."),
    FIELD(MonteCarloResponse, sharpe_ratio, .of = &figure_shape, .doc = "A year."),
    FIELD(MonteCarloResponse, loss_probability, .doc = "Share of the paths that lost."),
    FIELD(MonteCarloResponse, worse_drawdown_probability, .doc = "Share whose drawdown was deeper than the backtest's."),
    FIELD(MonteCarloResponse, bands, .of = &band_shape, .doc = "Along the way."),
    FIELD(MonteCarloResponse, simulated, .doc = "The backtest ran on candles of the exchange simulator."),
    FIELD(MonteCarloResponse, advice, .doc = "How to read it."),
};
SHAPE(monte_carlo_response_shape, MonteCarloResponse, monte_carlo_response_f, .doc = "What else the same returns could have come to.");

#define PROVE_FIELD(member, words, ...) FIELD(ProveRequest, member, .doc = words, ##__VA_ARGS__),
static const Field prove_request_f[] = {
    FIELD(ProveRequest, backtest, .flags = F_REQUIRED, .of = &backtest_request_shape, .doc = "What to prove."),
    PROVE_ROWS(PROVE_FIELD)
};
SHAPE(prove_request_shape, ProveRequest, prove_request_f, .doc = "Run again on data that ends earlier.");
static const Field prove_response_f[] = {
    FIELD(ProveResponse, proved, .doc = "No decision changed: no look into the future was found."),
    FIELD(ProveResponse, cuts, .doc = "Places the data was ended at."),
    FIELD(ProveResponse, decisions, .doc = "Orders compared, over all of them."),
    FIELD(ProveResponse, fault, .flags = F_OMIT_EMPTY, .doc = "What was found."),
    FIELD(ProveResponse, words, .flags = F_OMIT_EMPTY, .doc = "What differs."),
    FIELD(ProveResponse, cut, .flags = F_OMIT_EMPTY, .doc = "Candles the run had that differs."),
    FIELD(ProveResponse, at, .flags = F_NULLABLE, .doc = "Open time of the candle where it differs first."),
};
SHAPE(prove_response_shape, ProveResponse, prove_response_f, .doc = "Whether a strategy looks ahead.");
