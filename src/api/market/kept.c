/* api/market/kept.c - keys of questions about candles, and what their answers were made of (CAC-04, CAC-05, CAC-08).
 *
 * An answer is of one stored series. One that was made of a finer one depends on all of that: a candle of the finer one
 * outside of the range may close a candle inside. */

#include "api/market/handlers.h"

static CacheSeries asked_series(Str exchange, Str symbol, Str timeframe) {
    return (CacheSeries){ exchange, symbol, timeframe };
}

/* The stored series that an answer names, as text. */
static bool told_series(Ctx *cx, Str exchange, Str symbol, Str timeframe, Str provider, OpKept *k) {
    Ctx quiet = *cx;
    SeriesKey key;
    if (market_api_key(&quiet, exchange, symbol, timeframe, provider, &key) != 0)
        return false;
    k->series = series_key_text(cx->arena, &key);
    return true;
}

/* What was asked is over: no candle of it is still to come. */
static bool is_over(Ctx *cx, Time to) {
    return to.ms <= clock_wall(cx->clock).ms;
}

static size_t add_param(CacheParam *to, size_t n, Str name, Str value, bool standard) {
    if (standard)
        return n;
    to[n] = (CacheParam){ name, value };
    return n + 1;
}

bool market_api_candles_kept(Ctx *cx, const void *in_, const void *out_, OpKept *k) {
    enum { LIMIT_STANDARD = 1000, PARAMS = 4 };
    const OHLCVQuery *in = in_;
    const CandlePage *out = out_;
    Ctx quiet = *cx;
    Time from, to;
    if (in->adjust.n && !str_eq(in->adjust, S("none")))
        return false; /* depends on splits and dividends, which tell of no commit */
    if (market_api_range(&quiet, in->start, in->end, &from, &to) != 0)
        return false;
    if (out) {
        bool derived = out->derived_from.n > 0;
        k->from = derived ? TIME_MIN : from;
        k->to = derived ? TIME_MAX : to;
        k->revision = out->revision;
        k->immutable = is_over(cx, to);
        return out->actions == 0 && told_series(cx, out->exchange, out->symbol,
                                                derived ? out->derived_from : out->timeframe, out->provider, k);
    }
    CacheParam params[PARAMS];
    Str limit = str_fmt(cx->arena, "%lld", (long long)in->limit);
    size_t n = add_param(params, 0, S("limit"), limit, in->limit == LIMIT_STANDARD);
    n = add_param(params, n, S("order"), in->order, !in->order.n || str_eq(in->order, S("asc")));
    n = add_param(params, n, S("provider"), in->provider, !in->provider.n);
    n = add_param(params, n, S("real_only"), S("true"), !in->real_only);
    CacheSeries s = asked_series(in->exchange, in->symbol, in->timeframe);
    k->key = cache_key_ohlcv(cx->arena, &s, from, to, params, n);
    return true;
}

bool market_api_statistics_kept(Ctx *cx, const void *in_, const void *out_, OpKept *k) {
    enum { PARAMS = 3 };
    const SeriesQuery *in = in_;
    const OHLCVStats *out = out_;
    Ctx quiet = *cx;
    Time from, to;
    if (market_api_range(&quiet, in->start, in->end, &from, &to) != 0)
        return false;
    if (out) {
        k->from = from;
        k->to = to;
        k->immutable = is_over(cx, to);
        return told_series(cx, out->exchange, out->symbol, out->timeframe, out->provider, k);
    }
    CacheParam params[PARAMS];
    size_t n = add_param(params, 0, S("provider"), in->provider, !in->provider.n);
    n = add_param(params, n, S("start"), time_iso(cx->arena, from), from.ms == TIME_MIN.ms);
    n = add_param(params, n, S("end"), time_iso(cx->arena, to), to.ms == TIME_MAX.ms);
    CacheSeries s = asked_series(in->exchange, in->symbol, in->timeframe);
    k->key = cache_key_stats(cx->arena, &s, params, n);
    return true;
}

bool market_api_storage_kept(Ctx *cx, const void *in, const void *out, OpKept *k) {
    UNUSED(cx);
    UNUSED(in);
    UNUSED(out);
    k->key = cache_key_system_stats();
    return true;
}
