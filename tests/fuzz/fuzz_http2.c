/* tests/fuzz/fuzz_http2.c - frames of a hostile client of HTTP/2 behind a good preface, in any pieces, at any time, with
 * handlers that answer late.
 *
 * The first byte seeds the pieces. Whatever comes: the counts add up, every exchange is answered or given back, and what
 * is queued stays within its mark and a frame. */

#include "../unit/net/conn_driver.h"

#include "base/rng.h"
#include "fuzz.h"
#include "net/h2_conn.h"

static int pump(void *arg, Buf *out) {
    Driver *d = arg;
    BUF_LIT(out, "0123456789");
    return ++d->pumped % 5 == 0 ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char greeting[] = H2_PREFACE "\0\0\0\4\0\0\0\0\0";
    if (size < 2 || size > 15000)
        return 0;
    HttpServerOptions o;
    Driver d;
    Rng rng;
    http_server_options_default(&o);
    o.on_done = driver_done_hook;
    o.max_body = 4096;
    o.on_intake = driver_intake;
    rng_seed(&rng, data[0]);
    driver_open(&d, &o);
    d.pump = pump;
    driver_input(&d, str_n(greeting, sizeof greeting - 1));
    Str rest = { (const char *)data + 1, size - 1 };
    while (rest.n && d.open && http_conn_state(&d.conn) != HTTP_CONN_CLOSE) {
        size_t n = 1 + (size_t)rng_below(&rng, MIN(rest.n, (size_t)300));
        d.socket = (size_t)rng_below(&rng, 4000);
        if (http_conn_wants_read(&d.conn)) {
            driver_input(&d, str_first(rest, n));
            rest = str_from(rest, n);
        }
        size_t i = d.n_held ? (size_t)rng_below(&rng, d.n_held) : 0;
        if (d.n_held && d.held[i])
            driver_answer(&d, i, S("held"));
        if (rng_chance(&rng, 0.05))
            driver_advance_ms(&d, rng_between(&rng, 1, 20000));
        if (!http_conn_wants_read(&d.conn) && rng_chance(&rng, 0.2))
            break;
        MUST(d.conn.out.bytes < HTTP_PUMP_LOW + o.max_body + 256 * 1024);
    }
    driver_end(&d);
    HttpCounts *n = &d.core.counts;
    MUST(n->requests == n->replied + n->aborted);
    MUST(n->connections == 0 && d.core.owed == 0 && d.dones == n->requests);
    return 0;
}
