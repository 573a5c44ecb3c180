/* tests/fuzz/fuzz_http.c - bytes of a hostile client, in any pieces, at any time, with handlers that answer late.
 *
 * The first byte seeds the pieces. Whatever comes: the counts add up, every exchange is answered, what is sent starts
 * with a status line, and a connection whose handlers answer at once sends the same bytes however its input was cut
 * (but for "100 Continue", which is about what has not come yet). Inputs stay below the header limit, so that the bound
 * on chunk framing, which is looked at piece by piece, is not reached. A client that begins with HTTP/2's preface gets
 * frames, which fuzz_http2 judges; here its counts still add up. */

#include "../unit/net/conn_driver.h"

#include "base/rng.h"
#include "net/h2_conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

static void check_end(Driver *d) {
    driver_end(d);
    HttpCounts *n = &d->core.counts;
    must(n->requests == n->replied + n->aborted);
    must(n->connections == 0);
    must(d->core.owed == 0);
    must(d->dones == n->requests);
}

static void drop_continues(Buf *b) {
    static const char word[] = "HTTP/1.1 100 Continue\r\n\r\n";
    for (ptrdiff_t at; (at = str_find(buf_str(b), str_c(word))) >= 0;) {
        memmove(b->p + at, b->p + at + sizeof word - 1, b->n - (size_t)at - (sizeof word - 1));
        b->n -= sizeof word - 1;
    }
}

static int pump(void *arg, Buf *out) {
    Driver *d = arg;
    BUF_LIT(out, "0123456789");
    return ++d->pumped % 5 == 0 ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
}

static void open_driver(Driver *d, bool streams) {
    HttpServerOptions o;
    http_server_options_default(&o);
    o.on_done = driver_done_hook;
    o.max_body = 4096;
    o.on_intake = streams ? driver_intake : NULL;
    o.max_pipelined = 4;
    driver_open(d, &o);
    d->pump = pump;
}

/* Answers at once: one input in one piece against the same in many. */
static void cut_makes_no_difference(Str all, uint64_t seed) {
    Driver whole, cut;
    Rng rng;
    rng_seed(&rng, seed);
    open_driver(&whole, false); /* what streams is answered in the pieces it came in */
    open_driver(&cut, false);
    whole.no_hold = cut.no_hold = true;
    driver_input(&whole, all);
    for (Str rest = all; rest.n;) {
        size_t n = 1 + (size_t)rng_below(&rng, rng_chance(&rng, 0.5) ? 4 : rest.n);
        driver_input(&cut, str_first(rest, n));
        rest = str_from(rest, n);
    }
    drop_continues(&whole.out);
    drop_continues(&cut.out);
    if (str_starts(all, S(H2_PREFACE)))
        must(whole.core.counts.h2_connections == 1 && cut.core.counts.h2_connections == 1);
    else
        must(str_eq(buf_str(&whole.out), buf_str(&cut.out)));
    must(whole.out.n == 0 || whole.core.counts.h2_connections == 1 || str_starts(buf_str(&whole.out), S("HTTP/1.1 ")));
    must((http_conn_state(&whole.conn) == HTTP_CONN_OPEN) == (http_conn_state(&cut.conn) == HTTP_CONN_OPEN));
    check_end(&whole);
    check_end(&cut);
}

/* Late answers, a socket that fills, time that passes, a client that leaves. */
static void anything_goes(Str all, uint64_t seed) {
    Driver d;
    Rng rng;
    rng_seed(&rng, seed);
    open_driver(&d, true);
    for (Str rest = all; rest.n && d.open;) {
        size_t n = 1 + (size_t)rng_below(&rng, MIN(rest.n, (size_t)300));
        d.socket = (size_t)rng_below(&rng, 2000);
        if (http_conn_wants_read(&d.conn)) {
            driver_input(&d, str_first(rest, n));
            rest = str_from(rest, n);
        }
        size_t i = d.n_held ? (size_t)rng_below(&rng, d.n_held) : 0;
        if (d.n_held && d.held[i])
            driver_answer(&d, i, S("held"));
        if (rng_chance(&rng, 0.05))
            driver_advance_ms(&d, rng_between(&rng, 1, 20000));
        if (http_conn_state(&d.conn) == HTTP_CONN_CLOSE || rng_chance(&rng, 0.01))
            driver_close(&d);
        else if (rng_chance(&rng, 0.01))
            http_conn_eof(&d.conn, driver_now(&d));
        if (d.conn.eof)
            break;
        if (!http_conn_wants_read(&d.conn) && rng_chance(&rng, 0.2))
            driver_close(&d);
    }
    check_end(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 15000)
        return 0;
    Str all = { (const char *)data + 1, size - 1 };
    cut_makes_no_difference(all, data[0]);
    anything_goes(all, data[0]);
    return 0;
}
