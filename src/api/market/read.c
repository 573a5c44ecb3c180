/* api/market/read.c - handlers that read candles and what is known of venues and series. */

#include "api/market/handlers.h"

#include "base/num.h"

int market_api_candles(void *role, Ctx *cx, const void *in_, void *out_) {
    const OHLCVQuery *in = in_;
    CandlePage *out = out_;
    SeriesKey key;
    CandleQuery q = { .limit = (size_t)in->limit,
                      .newest = str_eq(in->order, S("latest")),
                      .skip_synthetic = in->real_only };
    MarketPage page;
    int r = ASK(cx, in, &key, &q.from, &q.to);
    Adjustment adjust = ADJUST_NONE;
    if (r == 0 && in->adjust.n && adjustment_parse(in->adjust, &adjust))
        key.adjustment = (uint8_t)adjust;
    if (r == 0)
        r = market_api_outcome(cx, &key, market_get(role, cx, &key, &q, &page));
    if (r != 0)
        return r;

    SeriesKey shown = page.series.key; /* of derived candles that is their source's */
    shown.timeframe = key.timeframe;
    PUT_KEY(cx, &shown, out);
    if (page.derived_from.unit)
        out->derived_from = timeframe_text(page.derived_from, arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX));
    out->actions = (int64_t)page.n_actions;
    out->count = (int64_t)page.rows.n;
    out->revision = page.series.revision;
    out->more = page.more;
    out->next_start = page.next;
    out->simulated = page.simulated;
    out->candles = page.rows;
    return 0;
}

static Str decimal_text(Ctx *cx, Decimal d) {
    char *p = arena_alloc(cx->arena, NUM_TEXT_MAX);
    return d.mantissa ? str_n(p, decimal_format(d, p)) : (Str){ 0 };
}

static const char *const asset_names[] = { "unknown", "crypto", "stock", "forex", "future", "index" };
static const char *const status_names[] = { "trading", "halted", "break", "delisted" };

int market_api_symbols(void *role, Ctx *cx, const void *in_, void *out_) {
    const VenueQuery *in = in_;
    SymbolList *out = out_;
    SeriesKey key = { 0 };
    if (!venue_parse(in->exchange, &key.venue))
        return err_set_at(cx, ERR_INVALID, S("exchange"), "'" STR_FMT "' is not the name of a venue",
                          STR_ARG(in->exchange));
    Listing *v;
    size_t n;
    int r = market_api_outcome(cx, &key, market_listings(role, cx, key.venue, in->refresh, &v, &n));
    if (r != 0)
        return r;

    SymbolRow *rows = arena_new_n(cx->arena, SymbolRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (SymbolRow){ .symbol = symbol_str(&v[i].symbol),
                               .instrument = symbol_str(&v[i].instrument),
                               .base = symbol_str(&v[i].base),
                               .quote = symbol_str(&v[i].quote),
                               .asset = str_c(asset_names[v[i].asset]),
                               .status = str_c(status_names[v[i].status]),
                               .tick_size = decimal_text(cx, v[i].tick),
                               .lot_size = decimal_text(cx, v[i].lot),
                               .min_notional = decimal_text(cx, v[i].min_notional),
                               .calendar = str_c(v[i].calendar) };
    out->exchange = in->exchange;
    out->count = (int64_t)n;
    out->symbols = (List){ rows, n };
    return 0;
}

int market_api_timeframes(void *role, Ctx *cx, const void *in_, void *out_) {
    const VenueQuery *in = in_;
    TimeframeList *out = out_;
    Venue venue;
    const Timeframe *v = TIMEFRAMES;
    size_t n = ARRAY_LEN(TIMEFRAMES);
    MarketFeed *feed = venue_parse(in->exchange, &venue) ? market_feed_of(role, venue) : NULL;
    int r = feed ? market_feed_timeframes(feed, &v, &n) : 0; /* stored data may have any */
    if (r != 0)
        return r;

    TimeframeRow *rows = arena_new_n(cx->arena, TimeframeRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] =
            (TimeframeRow){ timeframe_text(v[i], arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX)), timeframe_ms(v[i]) };
    out->exchange = in->exchange;
    out->timeframes = (List){ rows, n };
    return 0;
}

static ExchangeRow *exchange_row(ExchangeRow *rows, size_t *n, Str name) {
    for (size_t i = 0; i < *n; i++)
        if (str_eq(rows[i].exchange, name))
            return &rows[i];
    rows[*n] = (ExchangeRow){ .exchange = name };
    return &rows[(*n)++];
}

int market_api_exchanges(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    ExchangeList *out = out_;
    SeriesInfo *series;
    size_t n_series, n = 0;
    int r = candle_store_list(market_store(role), cx, &series, &n_series);
    if (r != 0)
        return r;
    MarketFeed *const *feeds;
    size_t n_feeds = market_feeds(role, &feeds);

    ExchangeRow *rows = arena_new_n(cx->arena, ExchangeRow, n_feeds + n_series);
    for (size_t i = 0; i < n_feeds; i++) {
        FeedLimits limits;
        market_feed_limits(feeds[i], &limits);
        ExchangeRow *row = exchange_row(rows, &n, str_c(feeds[i]->ops->name));
        row->collects = true;
        row->simulated = market_feed_simulated(feeds[i]);
        row->requests = limits.requests;
        row->weight_used = limits.weight_used;
        row->weight_limit = limits.weight_limit;
    }
    for (size_t i = 0; i < n_series; i++)
        exchange_row(rows, &n, venue_str(&series[i].key.venue))->series++;
    out->exchanges = (List){ rows, n };
    return 0;
}

int market_api_series(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    SeriesList *out = out_;
    SeriesInfo *v;
    size_t n;
    int r = candle_store_list(market_store(role), cx, &v, &n);
    if (r != 0)
        return r;
    SeriesRow *rows = arena_new_n(cx->arena, SeriesRow, n);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (SeriesRow){ .series = series_key_text(cx->arena, &v[i].key),
                               .candles = v[i].n,
                               .synthetic = v[i].n_synthetic,
                               .revision = v[i].revision,
                               .bytes = v[i].bytes };
        PUT_KEY(cx, &v[i].key, &rows[i]);
        if (v[i].n) {
            rows[i].first = v[i].first;
            rows[i].last = v[i].last;
        }
    }
    out->count = (int64_t)n;
    out->series = (List){ rows, n };
    return 0;
}

int market_api_changes(void *role, Ctx *cx, const void *in_, void *out_) {
    const ChangesQuery *in = in_;
    ChangeList *out = out_;
    SeriesChange *v;
    size_t n;
    int r = candle_store_changes(market_store(role), cx, in->after, (size_t)in->limit, &v, &n);
    if (r != 0)
        return r;
    ChangeRow *rows = arena_new_n(cx->arena, ChangeRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (ChangeRow){ v[i].sequence, v[i].series_id, v[i].revision, v[i].from, v[i].to, v[i].at };
    out->changes = (List){ rows, n };
    out->next_after = n ? v[n - 1].sequence : in->after;
    return 0;
}

int market_api_storage(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    StorageInfo *out = out_;
    StoreInfo info;
    int r = candle_store_describe(market_store(role), cx, &info);
    if (r != 0)
        return r;
    *out = (StorageInfo){ .adapter = str_c(info.adapter),
                          .location = info.location,
                          .series = info.n_series,
                          .candles = info.n_candles,
                          .bytes = info.bytes,
                          .schema_version = info.schema_version,
                          .bytes_per_candle = info.n_candles ? (double)info.bytes / (double)info.n_candles : 0 };
    return 0;
}
