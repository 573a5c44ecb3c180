/* tests/fuzz/fuzz_kraken.c - whatever kraken, or someone in its place, sends. The first byte chooses the parser. */

#include "adapters/market/kraken_trades.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                                     \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

static void check_rows(const Candles *cs, size_t most) {
    MUST(cs->n <= most);
    for (size_t i = 0; i < cs->n; i++) {
        Candle c = candles_get(cs, i);
        MUST(isfinite(c.open) && isfinite(c.high) && isfinite(c.low) && isfinite(c.close) && isfinite(c.volume));
        MUST(c.open_time.ms >= TIME_ISO_MIN.ms && c.open_time.ms <= TIME_ISO_MAX.ms && c.flags == 0);
    }
}

static void check_listings(const Listing *v, size_t n, size_t most) {
    MUST(n <= most);
    for (size_t i = 0; i < n; i++)
        MUST(v[i].symbol.s[0] && v[i].base.s[0] && v[i].quote.s[0] && v[i].instrument.s[0]);
}

/* Candles of any trades are candles, one a place, as far as a day of them goes. */
static void check_trades(Ctx *cx, const KrakenTrades *trades) {
    enum { PLACES = 1440 };
    TradeCandles b;
    Candles out;
    MUST(trades->n <= KRAKEN_TRADES_MAX && trades->last_ns >= 0);
    if (trades->n == 0)
        return;
    Timeframe m1 = { UNIT_MINUTE, 1 };
    Time from = timeframe_floor(m1, trades->v[0].at), to = timeframe_step(m1, from, PLACES);
    candles_init(&out, cx->arena, 0);
    trade_candles_init(&b, m1, from);
    for (size_t i = 0; i < trades->n && trades->v[i].at.ms < to.ms; i++)
        trade_candles_add(&b, &trades->v[i], &out, cx->arena);
    trade_candles_until(&b, to, &out, cx->arena);
    MUST(out.n == PLACES && candles_sorted_unique(&out));
    for (size_t i = 0; i < out.n; i++)
        MUST(out.low[i] <= out.high[i] && out.volume[i] >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, NULL); /* pure: nothing asks for the time */
    Str text = str_n((const char *)data + 1, size - 1);
    Candles rows;
    Listing *listings;
    size_t n;
    KrakenReply reply;
    KrakenTrades trades;
    Time at;
    if (data[0] == 'o' && kraken_parse_ohlc(&cx, text, &reply, &rows) == 0 && !reply.error)
        check_rows(&rows, KRAKEN_ROWS_MAX);
    else if (data[0] == 't' && kraken_parse_trades(&cx, text, &reply, &trades) == 0 && !reply.error)
        check_trades(&cx, &trades);
    else if (data[0] == 'p' && kraken_parse_pairs(&cx, text, &reply, &listings, &n) == 0 && !reply.error)
        check_listings(listings, n, KRAKEN_PAIRS_MAX);
    else if (data[0] == 'c' && kraken_parse_time(&cx, text, &reply, &at) == 0 && !reply.error)
        MUST(at.ms > 0 && at.ms <= TIME_ISO_MAX.ms);
    arena_done(&arena);
    return 0;
}
