/* api/market/shapes.c - field tables of the market API: names, bounds and words, once.
 *
 * OpenAPI, validation, CLI flags and clients all read these rows. Names follow the design documents'
 * schemas (OHLCVSchema, OHLCVQuerySchema, OHLCVStatsSchema, DataEnsureResponse). */

#include "api/market/fields.h"

/* clang-format off */

static const char *const adjustments[] = { "none", "splits", "all", NULL };
static const char *const orders[] = { "asc", "latest", NULL };

static const Field ohlcv_query_f[] = {
    ANY_EXCHANGE(OHLCVQuery), SYMBOL(OHLCVQuery), TIMEFRAME(OHLCVQuery), PROVIDER(OHLCVQuery), START(OHLCVQuery), END(OHLCVQuery),
    FIELD(OHLCVQuery, limit, .def = "1000", .min = 1, .max = 20000, .tag = 7, .doc = "Most candles in one answer; more says whether there are others.", .example = "500"),
    FIELD(OHLCVQuery, order, .def = "asc", .choices = orders, .tag = 8, .doc = "asc: the first candles of the range. latest: the last ones. Either way they come oldest first."),
    FIELD(OHLCVQuery, real_only, .tag = 9, .doc = "Leave out candles that were filled in."),
    FIELD(OHLCVQuery, adjust, .def = "none", .choices = adjustments, .tag = 10, .doc = "Prices in today's money: after splits, or splits and dividends. The stored candles stay as they were traded."),
};
SHAPE(ohlcv_query_shape, OHLCVQuery, ohlcv_query_f, .doc = "Which candles.");

static const Field candle_page_f[] = {
    OUT_KEY(CandlePage),
    FIELD(CandlePage, count, .doc = "Candles in this answer."),
    FIELD(CandlePage, revision, .doc = "Grows with every change of the series."),
    FIELD(CandlePage, more, .doc = "The range holds more candles than the limit."),
    FIELD(CandlePage, next_start, .flags = F_NULLABLE, .doc = "Ask again with start set to this when more is true."),
    FIELD(CandlePage, simulated, .doc = "Some of these candles come from the exchange simulator, not from a market."),
    FIELD(CandlePage, derived_from, .flags = F_OMIT_EMPTY, .doc = "These candles are not stored: they were made of this finer timeframe.", .example = "1m"),
    FIELD(CandlePage, actions, .flags = F_OMIT_EMPTY, .doc = "Splits and dividends applied."),
    FIELD(CandlePage, candles, .doc = "Oldest first, no open time twice."),
};
SHAPE(candle_page_shape, CandlePage, candle_page_f, .doc = "A page of candles.");

static const Field ohlcv_save_f[] = {
    EXCHANGE(OHLCVSave), SYMBOL(OHLCVSave), TIMEFRAME(OHLCVSave), PROVIDER(OHLCVSave),
    FIELD(OHLCVSave, source, .max = 23, .tag = 5, .doc = "Where these candles come from. Given, it is recorded that this source was asked for the whole range and gave just these.", .example = "file btc.csv"),
    FIELD(OHLCVSave, covered_start, .flags = F_NULLABLE, .tag = 8, .doc = "Start of the range the source was asked for. Left out: the first candle."),
    FIELD(OHLCVSave, covered_end, .flags = F_NULLABLE, .tag = 9, .doc = "End of that range, excluded. Left out: behind the last candle."),
    FIELD(OHLCVSave, durable, .def = "true", .tag = 6, .doc = "Answer only when the candles are safe on disk."),
    FIELD(OHLCVSave, candles, .flags = F_REQUIRED, .max = 100000, .tag = 7, .doc = "Any order; of equal open times the last one counts. All are stored, or none."),
};
SHAPE(ohlcv_save_shape, OHLCVSave, ohlcv_save_f, .doc = "Candles to store.");

static const Field save_response_f[] = {
    FIELD(SaveResponse, success, .doc = "All candles are stored."),
    FIELD(SaveResponse, received, .doc = "Candles in the request."),
    FIELD(SaveResponse, inserted, .doc = "New ones."),
    FIELD(SaveResponse, updated, .doc = "Known open times with other numbers."),
    FIELD(SaveResponse, unchanged, .doc = "Already stored, equal."),
    FIELD(SaveResponse, kept_real, .doc = "Filled candles left out because a real one is there."),
    FIELD(SaveResponse, warnings, .doc = "Candles stored although something about them is odd (off the time grid, price zero, ...)."),
    FIELD(SaveResponse, revision, .doc = "Of the series, after this save."),
};
SHAPE(save_response_shape, SaveResponse, save_response_f, .doc = "What a save did.");

static const Field series_query_f[] = {
    ANY_EXCHANGE(SeriesQuery), SYMBOL(SeriesQuery), TIMEFRAME(SeriesQuery), PROVIDER(SeriesQuery), START(SeriesQuery), END(SeriesQuery),
};
SHAPE(series_query_shape, SeriesQuery, series_query_f, .doc = "One series and a range of it.");

static const Field distribution_f[] = {
    FIELD(Distribution, n, .doc = "Values."),
    FIELD(Distribution, min, .doc = "Smallest."),
    FIELD(Distribution, max, .doc = "Largest."),
    FIELD(Distribution, mean, .doc = "Arithmetic mean."),
    FIELD(Distribution, std, .doc = "Sample standard deviation (n - 1)."),
    FIELD(Distribution, sum, .doc = "Sum."),
};
static SHAPE(distribution_shape, Distribution, distribution_f, .doc = "How values lie.");

static const Field ohlcv_stats_f[] = {
    OUT_KEY(OHLCVStats),
    FIELD(OHLCVStats, count, .doc = "Candles."),
    FIELD(OHLCVStats, expected, .doc = "Places of the time grid from the first to the last candle."),
    FIELD(OHLCVStats, completeness_percent, .flags = F_NULLABLE, .doc = "Share of the time grid from the first to the last candle that has one."),
    FIELD(OHLCVStats, first, .flags = F_NULLABLE, .doc = "Open time of the first candle."),
    FIELD(OHLCVStats, last, .flags = F_NULLABLE, .doc = "Open time of the last candle."),
    FIELD(OHLCVStats, first_open, .doc = "Open price of the first candle."),
    FIELD(OHLCVStats, last_close, .doc = "Close price of the last candle."),
    FIELD(OHLCVStats, highest, .doc = "Highest price."),
    FIELD(OHLCVStats, lowest, .doc = "Lowest price."),
    FIELD(OHLCVStats, change_percent, .doc = "From the first open to the last close."),
    FIELD(OHLCVStats, vwap, .doc = "Volume-weighted mean of the typical price (high + low + close) / 3."),
    FIELD(OHLCVStats, close, .of = &distribution_shape, .doc = "Close prices."),
    FIELD(OHLCVStats, volume, .of = &distribution_shape, .doc = "Volumes."),
    FIELD(OHLCVStats, returns, .of = &distribution_shape, .doc = "Simple returns between neighbouring closes."),
    FIELD(OHLCVStats, simulated, .doc = "Some of these candles come from the exchange simulator."),
};
SHAPE(ohlcv_stats_shape, OHLCVStats, ohlcv_stats_f, .doc = "Statistics of a series.");

static const Field gaps_query_f[] = {
    ANY_EXCHANGE(GapsQuery), SYMBOL(GapsQuery), TIMEFRAME(GapsQuery), PROVIDER(GapsQuery), START(GapsQuery), END(GapsQuery),
    FIELD(GapsQuery, limit, .def = "1000", .min = 1, .max = 10000, .tag = 7, .doc = "Most gaps to list; the counts always cover all of them."),
    FIELD(GapsQuery, closed, .tag = 8, .doc = "List also the times at which the calendar says the market is closed."),
};
SHAPE(gaps_query_shape, GapsQuery, gaps_query_f, .doc = "Where to look for gaps.");

static const Field gap_row_f[] = {
    FIELD(GapRow, from, .doc = "Open time of the first missing candle."),
    FIELD(GapRow, to, .doc = "Open time of the next candle that is there."),
    FIELD(GapRow, missing, .doc = "Candles missing."),
    { .name = "class", .offset = offsetof(GapRow, class_name), .type = FT_STR, .doc = "unknown, no-trade, venue-down, market-closed or not-fetched.", .example = "venue-down" },
    FIELD(GapRow, evidence, .doc = "What the class rests on."),
};
static SHAPE(gap_row_shape, GapRow, gap_row_f, .doc = "A hole in a series.");

static const Field gap_report_f[] = {
    OUT_KEY(GapReport),
    FIELD(GapReport, gaps, .doc = "Holes in the range, outside of closed markets."),
    FIELD(GapReport, missing, .doc = "Candles missing in all of them."),
    FIELD(GapReport, expected, .doc = "Places from the first to the last candle at which one is to be expected."),
    FIELD(GapReport, completeness_percent, .flags = F_NULLABLE, .doc = "Share of these places that have a candle."),
    FIELD(GapReport, unknown, .doc = "Listed gaps for which nothing proves a class."),
    FIELD(GapReport, no_trade, .doc = "Listed gaps in which the venue was up and nobody traded this."),
    FIELD(GapReport, venue_down, .doc = "Listed gaps that every other known symbol of the venue has too."),
    FIELD(GapReport, market_closed, .doc = "Listed gaps outside the sessions of the market's calendar."),
    FIELD(GapReport, not_fetched, .doc = "Listed gaps nobody asked the source for."),
    FIELD(GapReport, closed, .doc = "Places without a candle because the market was closed; no part of missing."),
    FIELD(GapReport, synthetic, .doc = "Of the candles that are there, those filled in."),
    FIELD(GapReport, calendar, .flags = F_OMIT_EMPTY, .doc = "The calendar that says what is to be expected; none: every place of the grid."),
    FIELD(GapReport, items, .of = &gap_row_shape, .doc = "The gaps, oldest first."),
    FIELD(GapReport, truncated, .doc = "There are more gaps than the limit."),
};
SHAPE(gap_report_shape, GapReport, gap_report_f, .doc = "Gaps and why they are there.");

static const Field quality_item_f[] = {
    FIELD(QualityItem, check, .doc = "Which check found it.", .example = "stale-run"),
    FIELD(QualityItem, from, .doc = "First candle concerned."),
    FIELD(QualityItem, to, .doc = "Last candle concerned."),
    FIELD(QualityItem, count, .doc = "Candles concerned."),
    FIELD(QualityItem, value, .doc = "Size of the finding in the check's own unit."),
    FIELD(QualityItem, words, .doc = "The finding in words."),
};
static SHAPE(quality_item_shape, QualityItem, quality_item_f, .doc = "A finding.");

static const Field quality_response_f[] = {
    OUT_KEY(QualityResponse),
    FIELD(QualityResponse, candles, .doc = "Candles read."),
    FIELD(QualityResponse, findings, .doc = "All findings."),
    FIELD(QualityResponse, items, .of = &quality_item_shape, .doc = "The findings, in time order within a check."),
    FIELD(QualityResponse, truncated, .doc = "There are more findings than are listed."),
};
SHAPE(quality_response_shape, QualityResponse, quality_response_f, .doc = "Quality checks of a series.");

static const Field ensure_request_f[] = {
    EXCHANGE(DataEnsureRequest), SYMBOL(DataEnsureRequest), TIMEFRAME(DataEnsureRequest),
    FIELD(DataEnsureRequest, start, .flags = F_REQUIRED, .tag = 5, .rename = "start_date", .doc = "First open time that must be there.", .example = "2024-01-01T00:00:00Z"),
    FIELD(DataEnsureRequest, end, .flags = F_NULLABLE, .tag = 6, .rename = "end_date", .doc = "Open time to stop before. Left out: up to the newest closed candle.", .example = "2024-02-01T00:00:00Z"),
    FIELD(DataEnsureRequest, refresh, .tag = 7, .rename = "force_refresh", .doc = "Ask the venue even for what is already covered."),
};
SHAPE(ensure_request_shape, DataEnsureRequest, ensure_request_f, .doc = "Candles that must be in the store.");

static const Field ensure_response_f[] = {
    FIELD(DataEnsureResponse, success, .doc = "The whole range is covered now."),
    FIELD(DataEnsureResponse, data_available, .doc = "There are candles in the range."),
    FIELD(DataEnsureResponse, fetched, .doc = "The venue was asked; false means everything was there already."),
    FIELD(DataEnsureResponse, exchange, .doc = "Where it trades."),
    FIELD(DataEnsureResponse, symbol, .doc = "The venue's name."),
    FIELD(DataEnsureResponse, timeframe, .doc = "Length of a candle."),
    FIELD(DataEnsureResponse, message, .doc = "The outcome in words."),
    FIELD(DataEnsureResponse, start, .doc = "Start of the range."),
    FIELD(DataEnsureResponse, end, .doc = "Open time up to which the range is covered."),
    FIELD(DataEnsureResponse, records_collected, .doc = "Candles the venue gave."),
    FIELD(DataEnsureResponse, records_rejected, .doc = "Of them not valid, left out."),
    FIELD(DataEnsureResponse, inserted, .doc = "New in the store."),
    FIELD(DataEnsureResponse, updated, .doc = "Known open times with other numbers."),
    FIELD(DataEnsureResponse, unchanged, .doc = "Already stored, equal."),
    FIELD(DataEnsureResponse, requests, .doc = "Calls made to the venue."),
    FIELD(DataEnsureResponse, candles, .doc = "Candles in the range now."),
    FIELD(DataEnsureResponse, gaps, .doc = "Holes left in the range."),
    FIELD(DataEnsureResponse, missing, .doc = "Candles missing in them."),
    FIELD(DataEnsureResponse, simulated, .doc = "The venue was the exchange simulator."),
};
SHAPE(ensure_response_shape, DataEnsureResponse, ensure_response_f, .doc = "What was there and what was fetched.");

static const Field venue_query_f[] = {
    EXCHANGE(VenueQuery),
    FIELD(VenueQuery, refresh, .doc = "Ask the venue again instead of using what is stored."),
};
SHAPE(venue_query_shape, VenueQuery, venue_query_f, .doc = "A venue.");

static const Field symbol_row_f[] = {
    FIELD(SymbolRow, symbol, .doc = "The venue's name."),
    FIELD(SymbolRow, instrument, .doc = "The canonical instrument.", .example = "BTC/USDT"),
    FIELD(SymbolRow, base, .doc = "What is traded."),
    FIELD(SymbolRow, quote, .doc = "What it is paid in."),
    FIELD(SymbolRow, asset, .doc = "crypto, stock, forex, future, index or unknown."),
    FIELD(SymbolRow, status, .doc = "trading, halted, break or delisted."),
    FIELD(SymbolRow, tick_size, .flags = F_OMIT_EMPTY, .doc = "Smallest price step."),
    FIELD(SymbolRow, lot_size, .flags = F_OMIT_EMPTY, .doc = "Smallest quantity step."),
    FIELD(SymbolRow, min_notional, .flags = F_OMIT_EMPTY, .doc = "Smallest order value."),
    FIELD(SymbolRow, calendar, .flags = F_OMIT_EMPTY, .doc = "Trading sessions."),
};
static SHAPE(symbol_row_shape, SymbolRow, symbol_row_f, .doc = "A listing.");
static const Field symbol_list_f[] = {
    FIELD(SymbolList, exchange, .doc = "The venue."),
    FIELD(SymbolList, count, .doc = "Listings."),
    FIELD(SymbolList, symbols, .of = &symbol_row_shape, .doc = "By symbol."),
};
SHAPE(symbol_list_shape, SymbolList, symbol_list_f, .doc = "The symbols of a venue.");

static const Field timeframe_row_f[] = {
    FIELD(TimeframeRow, timeframe, .doc = "Its name.", .example = "1h"),
    FIELD(TimeframeRow, milliseconds, .doc = "Its length; nominal for months."),
};
static SHAPE(timeframe_row_shape, TimeframeRow, timeframe_row_f, .doc = "A timeframe.");
static const Field timeframe_list_f[] = {
    FIELD(TimeframeList, exchange, .doc = "The venue."),
    FIELD(TimeframeList, timeframes, .of = &timeframe_row_shape, .doc = "Shortest first."),
};
SHAPE(timeframe_list_shape, TimeframeList, timeframe_list_f, .doc = "The timeframes a venue serves.");

static const Field exchange_row_f[] = {
    FIELD(ExchangeRow, exchange, .doc = "The venue."),
    FIELD(ExchangeRow, collects, .doc = "There is a collector for it; otherwise only stored data."),
    FIELD(ExchangeRow, simulated, .doc = "Its collector talks to the exchange simulator."),
    FIELD(ExchangeRow, series, .doc = "Series stored."),
    FIELD(ExchangeRow, requests, .doc = "Calls made since the start."),
    FIELD(ExchangeRow, weight_used, .doc = "Request weight used in the present window, as the venue told it."),
    FIELD(ExchangeRow, weight_limit, .doc = "Request weight allowed in a window, as the venue told it; 0 = not told yet."),
};
static SHAPE(exchange_row_shape, ExchangeRow, exchange_row_f, .doc = "A venue.");
static const Field exchange_list_f[] = {
    FIELD(ExchangeList, exchanges, .of = &exchange_row_shape, .doc = "By name."),
};
SHAPE(exchange_list_shape, ExchangeList, exchange_list_f, .doc = "The venues known here.");

static const Field series_row_f[] = {
    FIELD(SeriesRow, series, .doc = "The series' key.", .example = "binance:BTCUSDT:1h"),
    FIELD(SeriesRow, exchange, .doc = "Where it trades."),
    FIELD(SeriesRow, symbol, .doc = "The venue's name."),
    FIELD(SeriesRow, timeframe, .doc = "Length of a candle."),
    FIELD(SeriesRow, provider, .flags = F_OMIT_EMPTY, .doc = "Who supplied the data, where that is not the venue."),
    FIELD(SeriesRow, candles, .doc = "Candles stored."),
    FIELD(SeriesRow, synthetic, .doc = "Of them filled in by us."),
    FIELD(SeriesRow, revision, .doc = "Grows with every change."),
    FIELD(SeriesRow, bytes, .doc = "Size on disk."),
    FIELD(SeriesRow, first, .flags = F_NULLABLE, .doc = "Open time of the first candle."),
    FIELD(SeriesRow, last, .flags = F_NULLABLE, .doc = "Open time of the last candle."),
};
static SHAPE(series_row_shape, SeriesRow, series_row_f, .doc = "A stored series.");
static const Field series_list_f[] = {
    FIELD(SeriesList, count, .doc = "Series."),
    FIELD(SeriesList, series, .of = &series_row_shape, .doc = "By venue, symbol and timeframe."),
};
SHAPE(series_list_shape, SeriesList, series_list_f, .doc = "What is stored.");

static const Field remove_response_f[] = {
    FIELD(RemoveResponse, success, .doc = "It is gone."),
    FIELD(RemoveResponse, removed, .doc = "Candles removed."),
};
SHAPE(remove_response_shape, RemoveResponse, remove_response_f, .doc = "What was removed.");

static const Field changes_query_f[] = {
    FIELD(ChangesQuery, after, .def = "0", .has_min = true, .min = 0, .max = 9e18, .doc = "Sequence of the last change you know."),
    FIELD(ChangesQuery, limit, .def = "1000", .min = 1, .max = 10000, .doc = "Most changes in one answer."),
};
SHAPE(changes_query_shape, ChangesQuery, changes_query_f, .doc = "Which changes.");
static const Field change_row_f[] = {
    FIELD(ChangeRow, sequence, .doc = "Grows with every commit."),
    FIELD(ChangeRow, series_id, .doc = "The series."),
    FIELD(ChangeRow, revision, .doc = "Its revision after the commit."),
    FIELD(ChangeRow, from, .doc = "First open time touched."),
    FIELD(ChangeRow, to, .doc = "Behind the last one."),
    FIELD(ChangeRow, at, .doc = "When it was committed."),
};
static SHAPE(change_row_shape, ChangeRow, change_row_f, .doc = "A commit that changed a series.");
static const Field change_list_f[] = {
    FIELD(ChangeList, changes, .of = &change_row_shape, .doc = "Oldest first."),
    FIELD(ChangeList, next_after, .doc = "Ask again with after set to this."),
};
SHAPE(change_list_shape, ChangeList, change_list_f, .doc = "Changes of the store.");

static const Field storage_info_f[] = {
    FIELD(StorageInfo, adapter, .doc = "Which store adapter is in use.", .example = "sqlite"),
    FIELD(StorageInfo, location, .doc = "Where it keeps the data."),
    FIELD(StorageInfo, series, .doc = "Series stored."),
    FIELD(StorageInfo, candles, .doc = "Candles stored."),
    FIELD(StorageInfo, bytes, .doc = "Size on disk."),
    FIELD(StorageInfo, schema_version, .doc = "Version of the store's schema."),
    FIELD(StorageInfo, bytes_per_candle, .doc = "bytes / candles."),
};
SHAPE(storage_info_shape, StorageInfo, storage_info_f, .doc = "The store.");

static const Field verify_response_f[] = {
    FIELD(VerifyResponse, success, .doc = "Every block was read and its checksum is right."),
    FIELD(VerifyResponse, series, .doc = "Series read."),
    FIELD(VerifyResponse, candles, .doc = "Candles read."),
};
SHAPE(verify_response_shape, VerifyResponse, verify_response_f, .doc = "Result of reading everything.");
