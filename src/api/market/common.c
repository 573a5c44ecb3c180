/* api/market/common.c - what the handlers share: keys, ranges, outcomes. */

#include "api/market/handlers.h"

int market_api_key(Ctx *cx, Str exchange, Str symbol, Str timeframe, Str provider, SeriesKey *out) {
    SeriesKey key = { 0 };
    if (exchange.n && !venue_parse(exchange, &key.venue))
        return err_set_at(cx, ERR_INVALID, S("exchange"), "'" STR_FMT "' is not the name of a venue",
                          STR_ARG(exchange));
    if (!symbol_parse(symbol, &key.symbol))
        return err_set_at(cx, ERR_INVALID, S("symbol"), "'" STR_FMT "' is not a symbol", STR_ARG(symbol));
    if (!timeframe_parse(timeframe, &key.timeframe))
        return err_set_at(cx, ERR_INVALID, S("timeframe"), "'" STR_FMT "' is not a timeframe; try 1m, 1h, 1d, 1M",
                          STR_ARG(timeframe));
    if (provider.n && !venue_parse(provider, &key.provider))
        return err_set_at(cx, ERR_INVALID, S("provider"), "'" STR_FMT "' is not the name of a provider",
                          STR_ARG(provider));
    *out = key;
    return 0;
}

int market_api_range(Ctx *cx, Time start, Time end, Time *from, Time *to) {
    *from = start.ms ? start : TIME_MIN;
    *to = end.ms ? end : TIME_MAX;
    if (time_cmp(*from, *to) >= 0)
        return err_set_at(cx, ERR_INVALID, S("end"), "end must be later than start; the range is start <= t < end");
    return 0;
}

int market_api_ask(Ctx *cx, const SeriesQuery *q, SeriesKey *key, Time *from, Time *to) {
    int r = market_api_key(cx, q->exchange, q->symbol, q->timeframe, q->provider, key);
    return r == 0 ? market_api_range(cx, q->start, q->end, from, to) : r;
}

int market_api_outcome(Ctx *cx, const SeriesKey *key, int r) {
    if (r <= 0)
        return r;
    Str text = str_from(series_key_text(cx->arena, key), !key->venue.s[0]); /* no venue: no colon to begin with */
    switch (r) {
    case MARKET_NO_SERIES:
        return err_set_at(cx, ERR_NOT_FOUND, S("symbol"),
                          "no candles of " STR_FMT " are stored; collect them with ensure, or import a file",
                          STR_ARG(text));
    case MARKET_NO_VENUE:
        return err_set_at(cx, ERR_NOT_FOUND, S("exchange"),
                          "there is no collector for '%s'; exchanges lists those there are", key->venue.s);
    case MARKET_NO_SYMBOL:
        return err_set_at(cx, ERR_NOT_FOUND, S("symbol"), "%s does not know the symbol '%s'", key->venue.s,
                          key->symbol.s);
    default:
        return err_set(cx, ERR_INTERNAL, "unexpected outcome %d of the market service", r);
    }
}

KeyTexts market_api_texts(Ctx *cx, const SeriesKey *key) {
    char *tf = arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX);
    return (KeyTexts){
        .exchange = str_dup(cx->arena, venue_str(&key->venue)),
        .symbol = str_dup(cx->arena, symbol_str(&key->symbol)),
        .timeframe = timeframe_text(key->timeframe, tf),
        .provider = str_dup(cx->arena, venue_str(&key->provider)),
    };
}
