/* tests/fuzz/fuzz_coinbase.c - whatever coinbase, or someone in its place, sends. The first byte chooses the parser. */

#include "adapters/market/coinbase.h"

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
    Time at;
    Str words;
    if (data[0] == 'c' && coinbase_parse_candles(&cx, text, &rows) == 0)
        check_rows(&rows, COINBASE_ROWS_MAX);
    else if (data[0] == 'p' && coinbase_parse_products(&cx, text, &listings, &n) == 0)
        check_listings(listings, n, COINBASE_PRODUCTS_MAX);
    else if (data[0] == 't' && coinbase_parse_time(&cx, text, &at) == 0)
        MUST(at.ms >= 0 && at.ms <= TIME_ISO_MAX.ms);
    else if (data[0] == 'e' && coinbase_parse_error(&arena, text, &words))
        MUST(words.n > 0);
    arena_done(&arena);
    return 0;
}
