/* app/candle_source.c - see candle_source.h. */

#include "app/candle_source.h"

enum { PAGE_ROWS = 1 << 18 };

/* Rows of closed candles, appended; an open one is the last of its series and says nothing yet. False: the series has
 * grown meanwhile, and the table with it. */
static bool append_closed(Candles *to, const Candles *page, Arena *arena, SourceCandles *out) {
    bool room = to->cap - to->n >= page->n;
    if (!room)
        candles_reserve(to, arena, to->n + page->n);
    for (size_t i = 0; i < page->n; i++) {
        uint8_t flags = page->flags[i];
        if (flags & CANDLE_OPEN)
            continue;
        out->n_synthetic += (flags & CANDLE_SYNTHETIC) != 0;
        Candle c = candles_get(page, i);
        candles_push(to, &c);
    }
    return room;
}

/* The rules of the newest listing of the symbol, from what is stored: a backtest asks no venue. */
static const Listing *listing_of(MarketService *m, Ctx *cx, const SeriesKey *key) {
    Ctx quiet = *cx;
    Listing *all;
    size_t n;
    const Listing *found = NULL;
    if (candle_store_listings(market_store(m), &quiet, &key->venue, &all, &n) != 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (symbol_eq(all[i].symbol, key->symbol))
            found = &all[i];
    return found;
}

/* One row more than is wanted: the last one may be open. */
static int get_newest(MarketService *m, Ctx *cx, const SourceQuery *q, SourceCandles *out) {
    CandleQuery last = {
        .from = q->from, .to = q->to, .limit = q->most + 1, .newest = true, .skip_synthetic = q->real_only
    };
    MarketPage page;
    int r = market_get(m, cx, &out->key, &last, &page);
    if (r != 0)
        return r > 0 ? SOURCE_NO_SERIES : r;
    out->simulated = page.simulated;
    candles_init(&out->rows, cx->arena, page.rows.n);
    append_closed(&out->rows, &page.rows, cx->arena, out);
    if (out->rows.n > q->most)
        out->rows = candles_view(&out->rows, out->rows.n - q->most, q->most);
    return 0;
}

static int get(CandleSource *source, Ctx *cx, const SourceQuery *q, SourceCandles *out) {
    MarketService *m = ((MarketSource *)source)->market;
    SeriesInfo info;
    int r = market_resolve(m, cx, &q->key, &info);
    if (r != 0)
        return r > 0 ? SOURCE_NO_SERIES : r;
    out->key = info.key;
    out->revision = info.revision;
    out->listing = listing_of(m, cx, &info.key);
    if (q->newest)
        return get_newest(m, cx, q, out);
    /* Room for all of the series: pages then come and go behind it. */
    candles_init(&out->rows, cx->arena, MIN((size_t)info.n, q->most + PAGE_ROWS));
    MarketPage page = { .more = true, .next = q->from };
    while (page.more) {
        CandleQuery piece = { .from = page.next, .to = q->to, .limit = PAGE_ROWS, .skip_synthetic = q->real_only };
        ArenaMark mark = arena_mark(cx->arena);
        r = market_get(m, cx, &info.key, &piece, &page);
        if (r != 0)
            break;
        out->simulated |= page.simulated;
        if (append_closed(&out->rows, &page.rows, cx->arena, out))
            arena_rewind(cx->arena, mark);
        if (out->rows.n > q->most)
            return err_set_at(cx, ERR_LIMIT, S("start_date"),
                              "%s holds more than %zu candles in that range; name a shorter one", info.key.symbol.s,
                              q->most);
    }
    return r > 0 ? SOURCE_NO_SERIES : r;
}

static const CandleSourceOps ops = { .name = "market", .get = get };

void market_source_init(MarketSource *s, MarketService *market) {
    *s = (MarketSource){ .source = { .ops = &ops }, .market = market };
}
