/* api/market/ops.c - the table of market operations. Handlers are in read.c and write.c. */

#include "api/market/handlers.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Market data"

/* clang-format off */

const Op op_market_candles = {
    .name = "market.candles", .method = "GET", .path = "/api/v1/market/candles", .aliases = PATHS("/market-data/ohlcv", "/api/v1/market-data/ohlcv"),
    .summary = "Candles of a series", .tag = TAG,
    .doc = "Returns the candles with start <= open time < end, oldest first. Gaps stay gaps. Ask for text/csv to get the rows alone. "
           "Candles not closed yet carry the flag \"open\", filled ones \"synthetic\", simulated ones \"simulated\".",
    .in = &ohlcv_query_shape, .out = &candle_page_shape, .role = ROLE_READ, .lane = LANE_CPU, .cache = CACHE_OHLCV,
    .deadline_ms = 5000, .idempotent = true, .csv = true, .run = market_api_candles };

const Op op_market_save = {
    .name = "market.save", .method = "POST", .path = "/api/v1/market/candles", .aliases = PATHS("/market-data/ohlcv", "/api/v1/market-data/ohlcv"),
    .summary = "Store candles", .tag = TAG,
    .doc = "Upserts by open time: saving twice leaves one copy. The first bad candle refuses the request and nothing is stored. "
           "Send JSON, or text/csv with the other members in the query.",
    .in = &ohlcv_save_shape, .out = &save_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 30000,
    .max_body = 24u << 20, .idempotent = true, .csv = true, .run = market_api_save };

const Op op_market_statistics = {
    .name = "market.statistics", .method = "GET", .path = "/api/v1/market/statistics", .aliases = PATHS("/market-data/statistics", "/market-data/stats"),
    .summary = "Statistics of a series", .tag = TAG, .in = &series_query_shape, .out = &ohlcv_stats_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .cache = CACHE_STATS, .deadline_ms = 30000, .idempotent = true, .run = market_api_statistics };

const Op op_market_gaps = {
    .name = "market.gaps", .method = "GET", .path = "/api/v1/market/gaps", .aliases = PATHS("/market-data/gaps"),
    .summary = "Gaps of a series, and why they are there", .tag = TAG,
    .doc = "Counts holes on the plain time grid, sessions not considered. A class is given only where evidence proves it; everything else is \"unknown\".",
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
    .max_body = 64u << 10, .idempotent = true, .run = market_api_ensure };

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
    .idempotent = true, .run = market_api_remove };

const Op op_market_changes = {
    .name = "market.changes", .method = "GET", .path = "/api/v1/market/changes",
    .summary = "What changed since a sequence number", .tag = TAG, .in = &changes_query_shape, .out = &change_list_shape,
    .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = market_api_changes };

const Op op_market_storage = {
    .name = "market.storage", .method = "GET", .path = "/api/v1/market/storage",
    .summary = "The store: adapter, place, size", .tag = TAG, .out = &storage_info_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .cache = CACHE_SYSTEM, .deadline_ms = 5000, .idempotent = true, .run = market_api_storage };

const Op op_market_verify = {
    .name = "market.verify", .method = "POST", .path = "/api/v1/market/verify",
    .summary = "Read every stored block and check its sum", .tag = TAG, .out = &verify_response_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 600000, .max_body = 1024, .idempotent = true, .run = market_api_verify };

static const Op *const ops[] = {
    &op_market_candles, &op_market_save, &op_market_remove, &op_market_statistics, &op_market_gaps, &op_market_quality,
    &op_market_ensure, &op_market_symbols, &op_market_timeframes, &op_market_exchanges, &op_market_series,
    &op_market_changes, &op_market_storage, &op_market_verify,
};

const OpTable market_api = { .role = "market", .ops = ops, .n_ops = ARRAY_LEN(ops) };
