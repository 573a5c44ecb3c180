/* tests/fuzz/fuzz_proxy.c - bytes before a connection: the verdict does not depend on how they came, and no byte behind
 * the header is taken. */

#include "net/proxy_protocol.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

static ProxyVerdict feed(ProxyReader *r, Str all, size_t step, size_t *taken) {
    ProxyVerdict v = PROXY_MORE;
    proxy_reader_init(r);
    *taken = 0;
    for (size_t shown = 0; v == PROXY_MORE && shown < all.n;) {
        size_t used;
        shown = shown + step < all.n ? shown + step : all.n;
        v = proxy_read(r, all.p + *taken, shown - *taken, &used);
        must(used <= shown - *taken);
        *taken += used;
    }
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str all = str_n((const char *)data, size);
    ProxyReader whole, cut;
    size_t taken, taken_cut;
    ProxyVerdict v = feed(&whole, all, size ? size : 1, &taken);
    must(taken <= PROXY_PEEK_MAX);
    must(v != PROXY_NONE || taken == 0);
    for (size_t step = 1; step < 20; step += 6) {
        ProxyVerdict w = feed(&cut, all, step, &taken_cut);
        must(w == v);
        if (v == PROXY_DONE)
            must(taken == taken_cut && strcmp(whole.peer, cut.peer) == 0);
    }
    return 0;
}
