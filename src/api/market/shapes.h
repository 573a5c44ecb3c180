#pragma once

/* api/market/shapes.h - the records of the market API; shapes.c has their field tables. */

#include "api/op.h"

typedef struct OHLCVQuery {
    Str exchange, symbol, timeframe, provider;
    Time start, end;
    int64_t limit;
    Str order;
    bool real_only;
    Str adjust;
} OHLCVQuery;

typedef struct CandlePage {
    Str exchange, symbol, timeframe, provider;
    int64_t count, revision;
    bool more;
    Time next_start;
    bool simulated;
    Str derived_from;
    int64_t actions;
    Candles candles;
} CandlePage;

typedef struct OHLCVSave {
    Str exchange, symbol, timeframe, provider, source;
    Time covered_start, covered_end;
    bool durable;
    Candles candles;
} OHLCVSave;

typedef struct SaveResponse {
    bool success;
    int64_t received, inserted, updated, unchanged, kept_real, warnings, revision;
} SaveResponse;

typedef struct SeriesQuery { /* one series and a range */
    Str exchange, symbol, timeframe, provider;
    Time start, end;
} SeriesQuery;

typedef struct Distribution {
    int64_t n;
    double min, max, mean, std, sum;
} Distribution;

typedef struct OHLCVStats {
    Str exchange, symbol, timeframe, provider;
    int64_t count, expected;
    double completeness_percent;
    Time first, last;
    double first_open, last_close, highest, lowest, change_percent, vwap;
    Distribution close, volume, returns;
    bool simulated;
} OHLCVStats;

typedef struct GapsQuery {
    Str exchange, symbol, timeframe, provider;
    Time start, end;
    int64_t limit;
    bool closed;
} GapsQuery;

typedef struct GapRow {
    Time from, to;
    int64_t missing;
    Str class_name, evidence;
} GapRow;

typedef struct GapReport {
    Str exchange, symbol, timeframe, provider;
    int64_t gaps, missing, expected;
    double completeness_percent;
    int64_t unknown, no_trade, venue_down, market_closed, not_fetched;
    int64_t closed, synthetic;
    Str calendar;
    List items; /* GapRow */
    bool truncated;
} GapReport;

typedef struct QualityItem {
    Str check;
    Time from, to;
    int64_t count;
    double value;
    Str words;
} QualityItem;

typedef struct QualityResponse {
    Str exchange, symbol, timeframe, provider;
    int64_t candles, findings;
    List items; /* QualityItem */
    bool truncated;
} QualityResponse;

typedef struct DataEnsureRequest {
    Str exchange, symbol, timeframe;
    Time start, end;
    bool refresh;
} DataEnsureRequest;

typedef struct DataEnsureResponse {
    bool success, data_available, fetched;
    Str exchange, symbol, timeframe, message;
    Time start, end;
    int64_t records_collected, records_rejected, inserted, updated, unchanged, requests, candles, gaps, missing;
    bool simulated;
} DataEnsureResponse;

typedef struct VenueQuery {
    Str exchange;
    bool refresh;
} VenueQuery;

typedef struct SymbolRow {
    Str symbol, instrument, base, quote, asset, status, tick_size, lot_size, min_notional, calendar;
} SymbolRow;
typedef struct SymbolList {
    Str exchange;
    int64_t count;
    List symbols; /* SymbolRow */
} SymbolList;

typedef struct TimeframeRow {
    Str timeframe;
    int64_t milliseconds;
} TimeframeRow;
typedef struct TimeframeList {
    Str exchange;
    List timeframes; /* TimeframeRow */
} TimeframeList;

typedef struct ExchangeRow {
    Str exchange;
    bool collects, simulated;
    int64_t series, requests, weight_used, weight_limit;
} ExchangeRow;
typedef struct ExchangeList {
    List exchanges; /* ExchangeRow */
} ExchangeList;

typedef struct SeriesRow {
    Str series, exchange, symbol, timeframe, provider;
    int64_t candles, synthetic, revision, bytes;
    Time first, last;
} SeriesRow;
typedef struct SeriesList {
    int64_t count;
    List series; /* SeriesRow */
} SeriesList;

typedef struct RemoveResponse {
    bool success;
    int64_t removed;
} RemoveResponse;

typedef struct ChangesQuery {
    int64_t after, limit;
} ChangesQuery;
typedef struct ChangeRow {
    int64_t sequence, series_id, revision;
    Time from, to, at;
} ChangeRow;
typedef struct ChangeList {
    List changes; /* ChangeRow */
    int64_t next_after;
} ChangeList;

typedef struct StorageInfo {
    Str adapter, location;
    int64_t series, candles, bytes, schema_version;
    double bytes_per_candle;
} StorageInfo;

typedef struct VerifyResponse {
    bool success;
    int64_t series, candles;
} VerifyResponse;

/* --- completeness: fill, resample, compare, retention, corporate actions --- */

typedef struct CompletenessQuery {
    Str exchange, symbol, timeframe, provider;
    Time start, end;
    int64_t limit;
    bool closed, real_only;
} CompletenessQuery;

typedef struct FillRequest {
    Str exchange, symbol, timeframe, provider;
    Time start, end;
    Str method, donor_exchange, donor_symbol, donor_provider;
    double max_bps;
    int64_t max_gap;
    bool not_fetched, dry_run;
} FillRequest;

typedef struct FillResponse {
    bool success;
    Str message, exchange, symbol, timeframe, provider, method;
    bool dry_run;
    int64_t gaps, missing, filled_gaps, filled, too_long, not_fetched, no_donor, disagree;
    double worst_bps;
    int64_t revision;
} FillResponse;

typedef struct ResampleRequest {
    Str exchange, symbol, timeframe, provider;
    Time start, end;
    Str to, session;
    int64_t limit;
} ResampleRequest;

typedef struct CompareQuery {
    Str exchange, symbol, timeframe, provider;
    Time start, end;
    Str other_exchange, other_symbol, other_provider;
    double threshold_bps;
} CompareQuery;

typedef struct DisagreeRow {
    Time from, to;
    int64_t candles;
    double worst_bps;
    Time worst_at;
} DisagreeRow;

typedef struct CompareReport {
    Str first, second;
    double threshold_bps;
    int64_t compared, only_first, only_second, over, runs;
    double mean_bps, mean_abs_bps, worst_bps;
    Time worst_at;
    List items; /* DisagreeRow */
} CompareReport;

typedef struct RetentionRequest {
    Str rules;
    bool apply, force;
} RetentionRequest;

typedef struct RetentionLine {
    Str series;
    Time before;
    int64_t old, removed;
    Str kept;
} RetentionLine;

typedef struct RetentionReport {
    bool dry_run;
    int64_t old, removed;
    List series; /* RetentionLine */
} RetentionReport;

typedef struct ActionsQuery {
    Str instrument;
} ActionsQuery;

typedef struct ActionRow {
    Str instrument;
    Time ex;
    Str kind, value;
} ActionRow;

typedef struct ActionsPut {
    List actions; /* ActionRow */
    bool remove;
} ActionsPut;

typedef struct ActionList {
    int64_t count;
    List actions; /* ActionRow */
} ActionList;

extern const Shape completeness_query_shape, fill_request_shape, fill_response_shape, resample_request_shape,
    compare_query_shape, compare_report_shape, retention_request_shape, retention_report_shape, actions_query_shape,
    actions_put_shape, action_list_shape;

extern const Shape ohlcv_query_shape, candle_page_shape, ohlcv_save_shape, save_response_shape, series_query_shape,
    ohlcv_stats_shape, gaps_query_shape, gap_report_shape, quality_response_shape, ensure_request_shape,
    ensure_response_shape, venue_query_shape, symbol_list_shape, timeframe_list_shape, exchange_list_shape,
    series_list_shape, remove_response_shape, changes_query_shape, change_list_shape, storage_info_shape,
    verify_response_shape;
