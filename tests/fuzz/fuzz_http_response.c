/* tests/fuzz/fuzz_http_response.c - bytes of a hostile server: what is read does not depend on how they were cut. */

#include "net/http_response.h"

#include "base/rng.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Got {
    Arena arena;
    Buf body;
    HttpResponse r;
    int err;
} Got;

static int keep(void *arg, const char *p, size_t n) {
    return buf_put(&((Got *)arg)->body, p, n);
}

static void must(bool holds) {
    if (!holds)
        abort();
}

static void read_cut(Got *g, Str all, uint64_t seed) {
    Rng rng;
    rng_seed(&rng, seed);
    *g = (Got){ 0 };
    buf_init(&g->body, 4096);
    http_response_init(&g->r, &g->arena, seed % 4 == 3, keep, g);
    for (Str rest = all; rest.n && g->err == 0 && !g->r.complete;) {
        size_t n = seed ? 1 + (size_t)rng_below(&rng, 20) : rest.n;
        n = n < rest.n ? n : rest.n;
        g->err = http_response_feed(&g->r, rest.p, n);
        rest = str_from(rest, n);
    }
    if (g->err == 0)
        g->err = http_response_eof(&g->r);
    must(g->err != 0 || (g->r.complete && g->r.status >= 200));
    must(g->r.n_fields <= 200);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    Str all = { (const char *)data + 1, size - 1 };
    Got whole, cut;
    uint64_t seed = data[0] % 4 == 3 ? 3 : 4;
    read_cut(&whole, all, seed == 3 ? 7 : 0);
    read_cut(&cut, all, seed == 3 ? 11 : data[0] * 4 + 4);
    must(whole.err == cut.err && whole.r.status == cut.r.status && whole.r.complete == cut.r.complete);
    must(whole.err == ERR_LIMIT || str_eq(buf_str(&whole.body), buf_str(&cut.body)));
    must(whole.r.n_fields == cut.r.n_fields);
    for (size_t i = 0; i < whole.r.n_fields; i++)
        must(str_eq(whole.r.fields[i].name, cut.r.fields[i].name) &&
             str_eq(whole.r.fields[i].value, cut.r.fields[i].value));
    Got *both[] = { &whole, &cut };
    for (int i = 0; i < 2; i++) {
        buf_done(&both[i]->body);
        http_response_done(&both[i]->r);
        arena_done(&both[i]->arena);
    }
    return 0;
}
