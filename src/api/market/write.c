/* api/market/write.c - handlers that change the store: save, ensure, remove, verify. */

#include "api/market/handlers.h"

int market_api_save(void *role, Ctx *cx, const void *in_, void *out_) {
    const OHLCVSave *in = in_;
    SaveResponse *out = out_;
    SeriesKey key;
    int r = market_api_key(cx, in->exchange, in->symbol, in->timeframe, in->provider, &key);
    if (r != 0)
        return r;

    MarketSaved saved;
    MarketSave req = { .key = &key,
                       .rows = &in->candles,
                       .source = in->source,
                       .from = in->covered_start,
                       .to = in->covered_end,
                       .durable = in->durable };
    if (req.from.ms || req.to.ms)
        r = market_api_range(cx, req.from, req.to, &req.from, &req.to);
    if (r != 0)
        return r;
    r = market_save(role, cx, &req, &saved);
    if (r != 0)
        return r;

    *out = (SaveResponse){ .success = true,
                           .received = saved.received,
                           .inserted = saved.inserted,
                           .updated = saved.updated,
                           .unchanged = saved.unchanged,
                           .kept_real = saved.kept_real,
                           .warnings = saved.warnings,
                           .revision = saved.revision };
    return 0;
}

static Str ensure_words(Ctx *cx, const DataEnsureRequest *in, const MarketEnsured *e) {
    const char *label = e->simulated ? " (SIMULATED)" : "";
    if (e->hit)
        return str_fmt(cx->arena, "already there: %lld candles, no request made%s", (long long)e->n_candles, label);
    return str_fmt(cx->arena, "Collected %lld price records for " STR_FMT "%s", (long long)e->collected,
                   STR_ARG(in->symbol), label);
}

int market_api_ensure(void *role, Ctx *cx, const void *in_, void *out_) {
    const DataEnsureRequest *in = in_;
    DataEnsureResponse *out = out_;
    SeriesKey key;
    Time from, to;
    int r = market_api_key(cx, in->exchange, in->symbol, in->timeframe, (Str){ 0 }, &key);
    if (r == 0)
        r = market_api_range(cx, in->start, in->end, &from, &to);
    if (r != 0)
        return r;

    MarketEnsured e;
    MarketEnsure req = { .key = &key, .from = from, .to = to, .refresh = in->refresh };
    r = market_api_outcome(cx, &key, market_ensure(role, cx, &req, &e));
    if (r != 0)
        return r;

    KeyTexts texts = market_api_texts(cx, &key);
    *out = (DataEnsureResponse){ .success = true,
                                 .data_available = e.n_candles > 0,
                                 .fetched = !e.hit,
                                 .exchange = texts.exchange,
                                 .symbol = texts.symbol,
                                 .timeframe = texts.timeframe,
                                 .message = ensure_words(cx, in, &e),
                                 .start = from,
                                 .end = e.covered_to,
                                 .records_collected = e.collected,
                                 .records_rejected = e.rejected,
                                 .inserted = e.inserted,
                                 .updated = e.updated,
                                 .unchanged = e.unchanged,
                                 .requests = e.requests,
                                 .candles = e.n_candles,
                                 .gaps = e.gaps,
                                 .missing = e.missing,
                                 .simulated = e.simulated };
    return 0;
}

int market_api_remove(void *role, Ctx *cx, const void *in_, void *out_) {
    const SeriesQuery *in = in_;
    RemoveResponse *out = out_;
    SeriesKey key;
    Time from, to;
    SeriesInfo info;
    int r = ASK(cx, in, &key, &from, &to);
    if (r == 0)
        r = market_api_outcome(cx, &key, market_resolve(role, cx, &key, &info));
    if (r == 0)
        r = candle_store_remove(market_store(role), cx, &info.key, from, to, &out->removed);
    if (r != 0)
        return r > 0 ? market_api_outcome(cx, &key, MARKET_NO_SERIES) : r;
    out->success = true;
    return 0;
}

int market_api_verify(void *role, Ctx *cx, const void *in_, void *out_) {
    UNUSED(in_);
    VerifyResponse *out = out_;
    StoreInfo info;
    int r = candle_store_verify(market_store(role), cx);
    if (r == 0)
        r = candle_store_describe(market_store(role), cx, &info);
    if (r != 0)
        return r;
    *out = (VerifyResponse){ .success = true, .series = info.n_series, .candles = info.n_candles };
    return 0;
}
