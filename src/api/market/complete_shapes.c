/* api/market/complete_shapes.c - field tables of filling, resampling, comparing, retention and corporate actions. */

#include "api/market/fields.h"

/* clang-format off */
static const char *const methods[] = { "forward", "linear", "venue", NULL };
static const char *const action_kinds[] = { "split", "dividend", NULL };

static const Field completeness_query_f[] = {
    ANY_EXCHANGE(CompletenessQuery), SYMBOL(CompletenessQuery), TIMEFRAME(CompletenessQuery), PROVIDER(CompletenessQuery),
    FIELD(CompletenessQuery, start, .flags = F_REQUIRED, .tag = 5, .rename = "start_date", .doc = "First open time that should be there.", .example = "2024-01-01T00:00:00Z"),
    FIELD(CompletenessQuery, end, .flags = F_REQUIRED, .tag = 6, .rename = "end_date", .doc = "Open time to stop before.", .example = "2024-02-01T00:00:00Z"),
    FIELD(CompletenessQuery, limit, .def = "1000", .min = 1, .max = 10000, .tag = 7, .doc = "Most gaps to list; the counts always cover all of them."),
    FIELD(CompletenessQuery, closed, .tag = 8, .doc = "List also the times at which the calendar says the market is closed."),
    FIELD(CompletenessQuery, real_only, .tag = 9, .doc = "Count what was filled in as missing."),
};
SHAPE(completeness_query_shape, CompletenessQuery, completeness_query_f, .doc = "What should be there.");

static const Field fill_request_f[] = {
    ANY_EXCHANGE(FillRequest), SYMBOL(FillRequest), TIMEFRAME(FillRequest), PROVIDER(FillRequest), START(FillRequest), END(FillRequest),
    FIELD(FillRequest, method, .def = "forward", .choices = methods, .tag = 7, .doc = "forward: the last close stands still. linear: a straight line to the next open. venue: another venue's prices."),
    FIELD(FillRequest, donor_exchange, .pattern = "venue", .tag = 8, .doc = "Method venue: where to take from."),
    FIELD(FillRequest, donor_symbol, .pattern = "symbol", .tag = 9, .doc = "Method venue: its symbol there. Left out: the same."),
    FIELD(FillRequest, donor_provider, .pattern = "venue", .tag = 10, .doc = "Method venue: the provider of that series."),
    FIELD(FillRequest, max_bps, .def = "50", .min = 0.001, .max = 10000, .tag = 11, .doc = "Method venue: most the two may differ at the ends of a gap, in basis points."),
    FIELD(FillRequest, max_gap, .def = "1440", .min = 1, .max = 1000000, .tag = 12, .doc = "Longer gaps stay."),
    FIELD(FillRequest, not_fetched, .tag = 13, .doc = "Fill also what was never asked for; fetching it is better."),
    FIELD(FillRequest, dry_run, .tag = 14, .doc = "Only say what would be done."),
};
SHAPE(fill_request_shape, FillRequest, fill_request_f, .doc = "Which gaps to fill, and how.");

static const Field fill_response_f[] = {
    FIELD(FillResponse, success, .doc = "No gap that should be filled is left."),
    FIELD(FillResponse, message, .doc = "In words."),
    OUT_KEY(FillResponse),
    FIELD(FillResponse, method, .doc = "How it was filled."),
    FIELD(FillResponse, dry_run, .doc = "Nothing was stored."),
    FIELD(FillResponse, gaps, .doc = "Gaps found."),
    FIELD(FillResponse, missing, .doc = "Candles missing in them."),
    FIELD(FillResponse, filled_gaps, .doc = "Gaps that got candles."),
    FIELD(FillResponse, filled, .doc = "Candles made."),
    FIELD(FillResponse, too_long, .doc = "Gaps left because they are longer than max_gap."),
    FIELD(FillResponse, not_fetched, .doc = "Gaps left because nobody ever asked for them."),
    FIELD(FillResponse, no_donor, .doc = "Gaps left because the other venue knows nothing there."),
    FIELD(FillResponse, disagree, .doc = "Gaps left because the venues differ too much."),
    FIELD(FillResponse, worst_bps, .doc = "Largest of these differences."),
    FIELD(FillResponse, revision, .doc = "Of the series afterwards."),
};
SHAPE(fill_response_shape, FillResponse, fill_response_f, .doc = "What was filled.");

static const Field resample_request_f[] = {
    ANY_EXCHANGE(ResampleRequest), SYMBOL(ResampleRequest), TIMEFRAME(ResampleRequest), PROVIDER(ResampleRequest), START(ResampleRequest), END(ResampleRequest),
    FIELD(ResampleRequest, to, .flags = F_REQUIRED, .pattern = "timeframe", .tag = 7, .doc = "Timeframe wanted.", .example = "1w"),
    FIELD(ResampleRequest, session, .tag = 8, .max = 20, .doc = "A calendar (hose, us-equities, eurex, forex): days are its trading days.", .example = "us-equities"),
    FIELD(ResampleRequest, limit, .def = "20000", .min = 1, .max = 100000, .tag = 9, .doc = "Most candles in one answer."),
};
SHAPE(resample_request_shape, ResampleRequest, resample_request_f, .doc = "What to make coarser.");

static const Field compare_query_f[] = {
    ANY_EXCHANGE(CompareQuery), SYMBOL(CompareQuery), TIMEFRAME(CompareQuery), PROVIDER(CompareQuery), START(CompareQuery), END(CompareQuery),
    FIELD(CompareQuery, other_exchange, .pattern = "venue", .tag = 7, .doc = "Venue of the second series. Left out: the same."),
    FIELD(CompareQuery, other_symbol, .pattern = "symbol", .tag = 8, .doc = "Symbol of the second series. Left out: the same."),
    FIELD(CompareQuery, other_provider, .pattern = "venue", .tag = 9, .doc = "Provider of the second series."),
    FIELD(CompareQuery, threshold_bps, .def = "50", .min = 0.001, .max = 100000, .tag = 10, .doc = "Differences above it are told."),
};
SHAPE(compare_query_shape, CompareQuery, compare_query_f, .doc = "Two series.");

static const Field disagree_row_f[] = {
    FIELD(DisagreeRow, from, .doc = "First candle over the threshold."),
    FIELD(DisagreeRow, to, .doc = "Last one."),
    FIELD(DisagreeRow, candles, .doc = "Candles over the threshold."),
    FIELD(DisagreeRow, worst_bps, .doc = "Largest difference; positive where the first is dearer."),
    FIELD(DisagreeRow, worst_at, .doc = "When."),
};
static SHAPE(disagree_row_shape, DisagreeRow, disagree_row_f, .doc = "A time of disagreement.");
static const Field compare_report_f[] = {
    FIELD(CompareReport, first, .doc = "The first series."),
    FIELD(CompareReport, second, .doc = "The second series."),
    FIELD(CompareReport, threshold_bps, .doc = "What counts as a difference."),
    FIELD(CompareReport, compared, .doc = "Open times both have."),
    FIELD(CompareReport, only_first, .doc = "Open times the second lacks."),
    FIELD(CompareReport, only_second, .doc = "Open times the first lacks."),
    FIELD(CompareReport, over, .doc = "Candles over the threshold."),
    FIELD(CompareReport, runs, .doc = "Times of disagreement."),
    FIELD(CompareReport, mean_bps, .flags = F_NULLABLE, .doc = "Mean difference."),
    FIELD(CompareReport, mean_abs_bps, .flags = F_NULLABLE, .doc = "Mean size of the difference."),
    FIELD(CompareReport, worst_bps, .doc = "Largest difference."),
    FIELD(CompareReport, worst_at, .flags = F_NULLABLE, .doc = "When."),
    FIELD(CompareReport, items, .of = &disagree_row_shape, .doc = "The longest ones first."),
};
SHAPE(compare_report_shape, CompareReport, compare_report_f, .doc = "How two series differ.");

static const Field retention_request_f[] = {
    FIELD(RetentionRequest, rules, .flags = F_REQUIRED, .max = 500, .doc = "How long to keep candles of which timeframe.", .example = "1m=90d,1h=5y"),
    FIELD(RetentionRequest, apply, .doc = "Remove them; else only say what would go."),
    FIELD(RetentionRequest, force, .doc = "Also what no collector could bring again."),
};
SHAPE(retention_request_shape, RetentionRequest, retention_request_f, .doc = "What is old.");
static const Field retention_line_f[] = {
    FIELD(RetentionLine, series, .doc = "The series."),
    FIELD(RetentionLine, before, .doc = "Candles that open before it are old."),
    FIELD(RetentionLine, old, .doc = "How many there are."),
    FIELD(RetentionLine, removed, .doc = "Of them removed."),
    FIELD(RetentionLine, kept, .flags = F_OMIT_EMPTY, .doc = "Why they stay."),
};
static SHAPE(retention_line_shape, RetentionLine, retention_line_f, .doc = "A series that a rule speaks of.");
static const Field retention_report_f[] = {
    FIELD(RetentionReport, dry_run, .doc = "Nothing was removed."),
    FIELD(RetentionReport, old, .doc = "Old candles in all."),
    FIELD(RetentionReport, removed, .doc = "Of them removed."),
    FIELD(RetentionReport, series, .of = &retention_line_shape, .doc = "By series."),
};
SHAPE(retention_report_shape, RetentionReport, retention_report_f, .doc = "What went, or would go.");

static const Field actions_query_f[] = {
    FIELD(ActionsQuery, instrument, .pattern = "symbol", .rename = "symbol", .doc = "Of this instrument; left out: all."),
};
SHAPE(actions_query_shape, ActionsQuery, actions_query_f, .doc = "Whose actions.");
static const Field action_row_f[] = {
    FIELD(ActionRow, instrument, .flags = F_REQUIRED, .pattern = "symbol", .rename = "symbol", .doc = "The instrument, as listed.", .example = "AAPL"),
    FIELD(ActionRow, ex, .flags = F_REQUIRED, .rename = "ex_date", .doc = "First open time in the new money.", .example = "2020-08-31T00:00:00Z"),
    FIELD(ActionRow, kind, .flags = F_REQUIRED, .choices = action_kinds, .doc = "split or dividend."),
    FIELD(ActionRow, value, .flags = F_REQUIRED, .max = 32, .doc = "New shares for one old, or money a share; a decimal.", .example = "4"),
};
static SHAPE(action_row_shape, ActionRow, action_row_f, .doc = "A split or a dividend.");
static const Field actions_put_f[] = {
    FIELD(ActionsPut, actions, .of = &action_row_shape, .flags = F_REQUIRED, .min = 1, .max = 10000, .doc = "One of a kind a day; a second one replaces the first."),
    FIELD(ActionsPut, remove, .doc = "Remove these instead."),
};
SHAPE(actions_put_shape, ActionsPut, actions_put_f, .doc = "Splits and dividends to store.");
static const Field action_list_f[] = {
    FIELD(ActionList, count, .doc = "Actions."),
    FIELD(ActionList, actions, .of = &action_row_shape, .doc = "By instrument and date."),
};
SHAPE(action_list_shape, ActionList, action_list_f, .doc = "Splits and dividends.");
/* clang-format on */
