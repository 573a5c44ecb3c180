/* api/market/ops.c - the table of market operations. Handlers are in read.c and write.c. */

#include "api/market/handlers.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Market data"

/* clang-format off */

const Op op_market_candles = {
    .name = "market.candles", .method = "GET", .path = "/api/v1/market/candles", .aliases = PATHS("/market-data/ohlcv", "/api/v1/market-data/ohlcv"),
    .summary = "Candles of a series", .tag = TAG,
    .doc = "Returns the candles with start <= open time < end, oldest first. Gaps stay gaps. A timeframe that is not stored is made of a finer one, and derived_from says so. Ask for text/csv to get the rows alone. "
           "Candles not closed yet carry the flag \"open\", filled ones \"synthetic\", simulated ones \"simulated\".",
    .in = &ohlcv_query_shape, .out = &candle_page_shape, .role = ROLE_READ, .lane = LANE_CPU, .cache = CACHE_OHLCV,
    .deadline_ms = 5000, .idempotent = true, .csv = true, .run = market_api_candles, .kept = market_api_candles_kept };

const Op op_market_save = {
    .name = "market.save", .method = "POST", .path = "/api/v1/market/candles", .aliases = PATHS("/market-data/ohlcv", "/api/v1/market-data/ohlcv"),
    .summary = "Store candles", .tag = TAG,
    .doc = "Upserts by open time: saving twice leaves one copy. The first bad candle refuses the request and nothing is stored. "
           "Send JSON, or text/csv with the other members in the query.",
    .in = &ohlcv_save_shape, .out = &save_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 30000,
    .max_body = 24u << 20, .idempotent = true, .csv = true, .run = market_api_save_recorded };

const Op op_market_statistics = {
    .name = "market.statistics", .method = "GET", .path = "/api/v1/market/statistics", .aliases = PATHS("/market-data/statistics", "/market-data/stats"),
    .summary = "Statistics of a series", .tag = TAG, .in = &series_query_shape, .out = &ohlcv_stats_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .cache = CACHE_STATS, .deadline_ms = 30000, .idempotent = true, .run = market_api_statistics, .kept = market_api_statistics_kept };

const Op op_market_gaps = {
    .name = "market.gaps", .method = "GET", .path = "/api/v1/market/gaps", .aliases = PATHS("/market-data/gaps"),
    .summary = "Gaps of a series, and why they are there", .tag = TAG,
    .doc = "Counts holes at which the calendar of the listing expects a candle; without one, every place of the time grid. A class is given only where evidence proves it; everything else is \"unknown\".",
    .in = &gaps_query_shape, .out = &gap_report_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 30000,
    .idempotent = true, .run = market_api_gaps };

const Op op_market_quality = {
    .name = "market.quality", .method = "GET", .path = "/api/v1/market/quality", .aliases = PATHS("/market-data/quality"),
    .summary = "Quality checks of a series", .tag = TAG, .in = &gaps_query_shape, .out = &quality_response_shape,
    .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 30000, .idempotent = true, .run = market_api_quality };

const Op op_market_ensure = {
    .name = "market.ensure", .method = "POST", .path = "/api/v1/market/ensure", .aliases = PATHS("/admin/data/ensure", "/api/v1/admin/data/ensure"),
    .summary = "Make sure candles are stored, fetching what is missing", .tag = TAG,
    .doc = "Looks at what is stored and at what the venue was already asked for; only the rest is requested. A second call makes no request. "
           "Calls for one series at the same time share one collection.",
    .in = &ensure_request_shape, .out = &ensure_response_shape, .role = ROLE_WRITE, .lane = LANE_FEED, .deadline_ms = 600000,
    .max_body = 64u << 10, .idempotent = true, .run = market_api_ensure_recorded };

const Op op_market_symbols = {
    .name = "market.symbols", .method = "GET", .path = "/api/v1/market/symbols", .aliases = PATHS("/market-data/symbols", "/api/v1/market-data/symbols"),
    .summary = "Symbols of a venue", .tag = TAG, .in = &venue_query_shape, .out = &symbol_list_shape, .role = ROLE_READ,
    .lane = LANE_FEED, .deadline_ms = 30000, .idempotent = true, .run = market_api_symbols };

const Op op_market_timeframes = {
    .name = "market.timeframes", .method = "GET", .path = "/api/v1/market/timeframes", .aliases = PATHS("/market-data/timeframes", "/api/v1/market-data/timeframes"),
    .summary = "Timeframes a venue serves", .tag = TAG, .in = &venue_query_shape, .out = &timeframe_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 2000, .idempotent = true, .run = market_api_timeframes };

const Op op_market_exchanges = {
    .name = "market.exchanges", .method = "GET", .path = "/api/v1/market/exchanges", .aliases = PATHS("/market-data/exchanges", "/api/v1/market-data/exchanges"),
    .summary = "Venues known here", .tag = TAG, .out = &exchange_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = market_api_exchanges };

const Op op_market_series = {
    .name = "market.series", .method = "GET", .path = "/api/v1/market/series",
    .summary = "Every stored series", .tag = TAG, .out = &series_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = market_api_series };

const Op op_market_remove = {
    .name = "market.remove", .method = "DELETE", .path = "/api/v1/market/candles",
    .summary = "Remove candles, or a whole series", .tag = TAG,
    .doc = "Without start and end the whole series goes, with what is known about its coverage.",
    .in = &series_query_shape, .out = &remove_response_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 60000,
    .idempotent = true, .run = market_api_remove_recorded };

const Op op_market_changes = {
    .name = "market.changes", .method = "GET", .path = "/api/v1/market/changes",
    .summary = "What changed since a sequence number", .tag = TAG, .in = &changes_query_shape, .out = &change_list_shape,
    .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = market_api_changes };

const Op op_market_storage = {
    .name = "market.storage", .method = "GET", .path = "/api/v1/market/storage",
    .summary = "The store: adapter, place, size", .tag = TAG, .out = &storage_info_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .cache = CACHE_SYSTEM, .deadline_ms = 5000, .idempotent = true, .run = market_api_storage, .kept = market_api_storage_kept };

const Op op_market_verify = {
    .name = "market.verify", .method = "POST", .path = "/api/v1/market/verify",
    .summary = "Read every stored block and check its sum", .tag = TAG, .out = &verify_response_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 600000, .max_body = 1024, .idempotent = true, .run = market_api_verify };

const Op op_market_completeness = {
    .name = "market.completeness", .method = "GET", .path = "/api/v1/market/completeness", .aliases = PATHS("/admin/data/completeness", "/api/v1/admin/data/completeness"),
    .summary = "Is the range whole? Exactly what is missing, and why", .tag = TAG,
    .doc = "Like gaps, over the whole range asked for: a hole at its begin or end counts too.",
    .in = &completeness_query_shape, .out = &gap_report_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 30000,
    .idempotent = true, .run = market_api_completeness };

const Op op_market_fill = {
    .name = "market.fill", .method = "POST", .path = "/api/v1/market/fill", .aliases = PATHS("/admin/data/fill"),
    .summary = "Fill gaps", .tag = TAG,
    .doc = "Forward, linear, or with another venue's prices where the two agree at both ends of the gap. What is filled is flagged synthetic and has "
           "no volume; real candles are never touched, and one that comes later replaces what was filled.",
    .in = &fill_request_shape, .out = &fill_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 120000,
    .max_body = 64u << 10, .idempotent = true, .run = market_api_fill_recorded };

const Op op_market_unfill = {
    .name = "market.unfill", .method = "POST", .path = "/api/v1/market/unfill",
    .summary = "Take filled candles out again", .tag = TAG, .in = &series_query_shape, .out = &remove_response_shape,
    .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 120000, .max_body = 64u << 10, .idempotent = true, .run = market_api_unfill_recorded };

const Op op_market_resample = {
    .name = "market.resample", .method = "GET", .path = "/api/v1/market/resample",
    .summary = "Coarser candles, or those of trading days", .tag = TAG,
    .doc = "Open of the first, highest high, lowest low, close of the last, sum of the volumes. A candle made of fewer than fit is flagged \"partial\".",
    .in = &resample_request_shape, .out = &candle_page_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 30000,
    .idempotent = true, .csv = true, .run = market_api_resample };

const Op op_market_resample_save = {
    .name = "market.resample.save", .method = "POST", .path = "/api/v1/market/resample",
    .summary = "Make coarser candles and keep them", .tag = TAG, .doc = "They are kept apart, as the provider \"resample\".",
    .in = &resample_request_shape, .out = &save_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 120000,
    .max_body = 64u << 10, .idempotent = true, .run = market_api_resample_save_recorded };

const Op op_market_compare = {
    .name = "market.compare", .method = "GET", .path = "/api/v1/market/compare",
    .summary = "Where two series disagree", .tag = TAG,
    .doc = "Closes of equal open times, in basis points of their mean; positive where the first is dearer.",
    .in = &compare_query_shape, .out = &compare_report_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 30000,
    .idempotent = true, .run = market_api_compare };

const Op op_market_retention = {
    .name = "market.retention", .method = "POST", .path = "/api/v1/market/retention", .aliases = PATHS("/admin/retention"),
    .summary = "Remove old candles", .tag = TAG,
    .doc = "Says what would go; removes only with apply. Candles that no collector could bring again stay unless force.",
    .in = &retention_request_shape, .out = &retention_report_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 300000,
    .max_body = 4096, .run = market_api_retention_recorded };

const Op op_market_actions = {
    .name = "market.actions", .method = "GET", .path = "/api/v1/market/actions",
    .summary = "Splits and dividends", .tag = TAG, .in = &actions_query_shape, .out = &action_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = market_api_actions };

const Op op_market_put_actions = {
    .name = "market.actions.put", .method = "POST", .path = "/api/v1/market/actions",
    .summary = "Store splits and dividends, or remove them", .tag = TAG, .doc = "They are applied when candles are read with adjust; stored candles stay as they were traded.",
    .in = &actions_put_shape, .out = &action_list_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 30000,
    .max_body = 4u << 20, .idempotent = true, .run = market_api_put_actions_recorded };

static const Op *const ops[] = {
    &op_market_candles, &op_market_save, &op_market_remove, &op_market_statistics, &op_market_gaps, &op_market_quality,
    &op_market_ensure, &op_market_symbols, &op_market_timeframes, &op_market_exchanges, &op_market_series,
    &op_market_changes, &op_market_storage, &op_market_verify, &op_market_completeness, &op_market_fill,
    &op_market_unfill, &op_market_resample, &op_market_resample_save, &op_market_compare, &op_market_retention,
    &op_market_actions, &op_market_put_actions,
};

const OpTable market_api = { .role = "market", .ops = ops, .n_ops = ARRAY_LEN(ops) };
