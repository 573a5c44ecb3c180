/* tests/fuzz/fuzz_binance_stream.c - whatever comes on a stream: no crash, and only candles that the port allows. */

#include "adapters/market/binance_stream.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                                     \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = { 0 };
    Ctx cx;
    BinanceStreamText m;
    ctx_init(&cx, &arena, NULL);
    int r = binance_parse_stream(&cx, str_n((const char *)data, size), &m);
    MUST(r == 0 || (r == ERR_COLLECTION && cx.err.text[0]));
    if (r == 0 && m.kind == BINANCE_STREAM_KLINE) {
        const Candle *c = &m.candle;
        MUST(isfinite(c->open) && isfinite(c->high) && isfinite(c->low) && isfinite(c->close) && isfinite(c->volume));
        MUST(c->open_time.ms >= TIME_ISO_MIN.ms && c->open_time.ms <= TIME_ISO_MAX.ms);
        MUST((c->flags & ~CANDLE_OPEN) == 0 && m.symbol.s[0] && timeframe_valid(m.timeframe));
    }
    arena_done(&arena);
    return 0;
}
