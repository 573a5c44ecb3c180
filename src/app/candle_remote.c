/* app/candle_remote.c - see candle_remote.h. Page by page, each from where the one before ended; a series that changes
 * meanwhile is read again from the start, so that all rows are of one revision. */

#include "app/candle_remote.h"

#include "api/market/market_api.h"
#include "api/market/shapes.h"

enum { PAGE_ROWS = 20000, READINGS_MAX = 5, CHANGED = 2 };

static OHLCVQuery question(Ctx *cx, const SourceQuery *q) {
    OHLCVQuery in;
    shape_init(op_market_candles.in, cx, &in);
    if (q->key.venue.s[0])
        in.exchange = venue_str(&q->key.venue);
    in.provider = venue_str(&q->key.provider);
    in.symbol = symbol_str(&q->key.symbol);
    in.timeframe = timeframe_text(q->key.timeframe, arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX));
    in.start = q->from.ms == TIME_MIN.ms ? (Time){ 0 } : q->from;
    in.end = q->to.ms == TIME_MAX.ms ? (Time){ 0 } : q->to;
    in.limit = PAGE_ROWS;
    in.real_only = q->real_only;
    if (q->newest) { /* one row more than is wanted: the last one may be open */
        in.order = S("latest");
        in.limit = (int64_t)MIN(q->most + 1, (size_t)PAGE_ROWS);
    }
    return in;
}

static int read_key(Ctx *cx, const CandlePage *page, SeriesKey *out) {
    bool good = venue_parse(page->exchange, &out->venue) && symbol_parse(page->symbol, &out->symbol) &&
                timeframe_parse(page->timeframe, &out->timeframe) &&
                (!page->provider.n || venue_parse(page->provider, &out->provider));
    return good ? 0 : err_set(cx, ERR_GATEWAY, "the role market named a series that is none");
}

static void append_closed(const CandlePage *page, Arena *arena, SourceCandles *out) {
    candles_reserve(&out->rows, arena, out->rows.n + page->candles.n);
    for (size_t i = 0; i < page->candles.n; i++) {
        Candle c = candles_get(&page->candles, i);
        if (c.flags & CANDLE_OPEN)
            continue;
        out->n_synthetic += (c.flags & CANDLE_SYNTHETIC) != 0;
        candles_push(&out->rows, &c);
    }
}

static int read_all(ApiCaller *market, Ctx *cx, const SourceQuery *q, SourceCandles *out) {
    OHLCVQuery in = question(cx, q);
    CandlePage page = { .more = true };
    *out = (SourceCandles){ .key = q->key };
    candles_init(&out->rows, cx->arena, PAGE_ROWS);
    for (int n = 0; page.more; n++) {
        int r = api_call(market, cx, &op_market_candles, &in, &page);
        if (r == ERR_NOT_FOUND)
            return SOURCE_NO_SERIES;
        if (r == 0 && n == 0)
            r = read_key(cx, &page, &out->key);
        if (r != 0)
            return r;
        if (n > 0 && page.revision != out->revision)
            return CHANGED;
        out->revision = page.revision;
        out->simulated |= page.simulated;
        append_closed(&page, cx->arena, out);
        if (q->newest)
            break;
        if (out->rows.n > q->most)
            return err_set_at(cx, ERR_LIMIT, S("start_date"),
                              "%s holds more than %zu candles in that range; name a shorter one", out->key.symbol.s,
                              q->most);
        in.start = page.next_start;
    }
    if (q->newest && out->rows.n > q->most)
        out->rows = candles_view(&out->rows, out->rows.n - q->most, q->most);
    return 0;
}

static int get(CandleSource *source, Ctx *cx, const SourceQuery *q, SourceCandles *out) {
    const RemoteCandles *s = (const RemoteCandles *)source;
    ApiCaller *market;
    int r = remote_open(cx, s->address, &s->trust, &market); /* a connection of its own: callers are one thread's */
    if (r != 0)
        return r;
    r = CHANGED;
    for (int i = 0; i < READINGS_MAX && r == CHANGED; i++)
        r = read_all(market, cx, q, out);
    api_caller_close(market);
    if (r == CHANGED)
        return err_set(cx, ERR_BUSY, "%s changes faster than it can be read; try again", q->key.symbol.s);
    return r;
}

static const CandleSourceOps ops = { .name = "market over HTTP", .get = get };

void remote_candles_init(RemoteCandles *s, Str address, const RemoteTrust *trust) {
    *s = (RemoteCandles){ .source = { .ops = &ops }, .address = address, .trust = *trust };
}
