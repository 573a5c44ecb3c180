/* tests/fuzz/fuzz_binance.c - whatever a venue, or someone in its place, sends: no crash, and only values that the
 * port allows. The first byte chooses the parser, so that one corpus serves all. */

#include "adapters/market/binance_parse.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                                     \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

static void check_klines(Ctx *cx, Str text) {
    Time served_at = time_ms(INT64_C(1700000000000));
    Candles cs;
    if (binance_parse_klines(cx, text, served_at, &cs) != 0) {
        MUST(cx->err.code == ERR_COLLECTION && cx->err.text[0]);
        return;
    }
    MUST(cs.n <= BINANCE_ROWS_MAX);
    for (size_t i = 0; i < cs.n; i++) {
        Candle c = candles_get(&cs, i);
        MUST(isfinite(c.open) && isfinite(c.high) && isfinite(c.low) && isfinite(c.close) && isfinite(c.volume));
        MUST(c.open_time.ms >= TIME_ISO_MIN.ms && c.open_time.ms <= TIME_ISO_MAX.ms);
        MUST((c.flags & ~CANDLE_OPEN) == 0);
        MUST(c.open_time.ms < served_at.ms || c.flags == CANDLE_OPEN); /* what begins later cannot have closed */
    }
}

static void check_info(Ctx *cx, Str text) {
    BinanceExchangeInfo info;
    if (binance_parse_exchange_info(cx, text, &info) != 0)
        return;
    MUST(info.n_limits <= BINANCE_LIMITS_MAX && info.n_listings + info.n_unnamed <= BINANCE_SYMBOLS_MAX);
    for (size_t i = 0; i < info.n_limits; i++)
        MUST(info.limits[i].length_ms > 0 && info.limits[i].limit > 0);
    for (size_t i = 0; i < info.n_listings; i++)
        MUST(info.listings[i].symbol.s[0] && info.listings[i].base.s[0] && info.listings[i].quote.s[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, NULL); /* pure: nothing asks for the time */
    Str text = str_n((const char *)data + 1, size - 1);
    BinanceError error;
    Time at;
    switch (data[0]) {
    case 'k':
        check_klines(&cx, text);
        break;
    case 'i':
        check_info(&cx, text);
        break;
    case 't':
        MUST(binance_parse_time(&cx, text, &at) != 0 || at.ms > 0);
        break;
    default:
        if (binance_parse_error(&arena, text, &error)) {
            MUST(error.code != 0);
            MUST(!binance_ban_end(error.msg, &at) || at.ms > 0);
        }
    }
    arena_done(&arena);
    return 0;
}
