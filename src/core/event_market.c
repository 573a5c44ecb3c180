/* core/event_market.c - see event_market.h. */

#include "core/event_market.h"

#include "base/json.h"

enum { BODY_MAX = 4096 };

Event event_data_update(Arena *a, const DataUpdate *u, Time at, Str correlation_id) {
    char timeframe[TIMEFRAME_TEXT_MAX];
    Str provider = venue_str(&u->key->provider);
    Buf b;
    JsonWriter w;
    buf_init(&b, BODY_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "exchange", venue_str(&u->key->venue));
    json_put_str(&w, "symbol", symbol_str(&u->key->symbol));
    json_put_str(&w, "timeframe", timeframe_text(u->key->timeframe, timeframe));
    json_put_time(&w, "from", u->from);
    json_put_time(&w, "to", u->to);
    json_put_i64(&w, "candles", u->n);
    json_put_i64(&w, "revision", u->revision);
    if (provider.n)
        json_put_str(&w, "provider", provider);
    json_put_bool(&w, "simulated", str_eq(provider, S("sim")));
    json_object_end(&w);
    Event e = { .id = str_fmt(a, "data_update:" STR_FMT ":%lld:%lld", STR_ARG(series_key_text(a, u->key)),
                              (long long)u->revision, (long long)at.ms),
                .type = S("data_update"),
                .key = str_dup(a, symbol_str(&u->key->symbol)),
                .correlation_id = str_first(correlation_id, EVENT_ID_MAX),
                .source = S("market"),
                .version = 1,
                .at = at,
                .priority = 4,
                .body = str_dup(a, buf_str(&b)) };
    buf_done(&b);
    return e;
}
