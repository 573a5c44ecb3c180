/* tests/fuzz/fuzz_vci.c - whatever vci, or someone in its place, sends. The first byte chooses the parser. */

#include "adapters/market/vci.h"

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
    bool known;
    if (data[0] == 'c' && vci_parse_chart(&cx, text, &known, &rows) == 0)
        check_rows(&rows, VCI_ROWS_MAX);
    else if (data[0] == 's' && vci_parse_symbols(&cx, text, &listings, &n) == 0)
        check_listings(listings, n, VCI_SYMBOLS_MAX);
    arena_done(&arena);
    return 0;
}
