/* Any sequence of good requests, cut anywhere, answered in any order: the replies are right and in order. */

#include "unit/net/conn_check.h"

#include "base/rng.h"

enum { ROUNDS = 1000, REQUESTS_MAX = 40 };

typedef struct Plan {
    Buf bytes, want; /* requests; bodies of the replies, one after the other */
    int n;
} Plan;

static void plan_body(Plan *p, Rng *rng, bool chunked) {
    char body[600];
    size_t n = (size_t)rng_below(rng, sizeof body);
    for (size_t i = 0; i < n; i++)
        body[i] = (char)rng_below(rng, 256);
    if (!chunked) {
        buf_printf(&p->bytes, "Content-Length: %zu\r\n\r\n", n);
        buf_put(&p->bytes, body, n);
    } else {
        buf_printf(&p->bytes, "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < n;) {
            size_t piece = 1 + (size_t)rng_below(rng, 100);
            piece = MIN(piece, n - at);
            buf_printf(&p->bytes, rng_chance(rng, 0.5) ? "%zx\r\n" : "%04zX;e\r\n", piece);
            buf_put(&p->bytes, body + at, piece);
            buf_printf(&p->bytes, "\r\n");
            at += piece;
        }
        buf_printf(&p->bytes, rng_chance(rng, 0.5) ? "0\r\n\r\n" : "0\r\nTrailer: t\r\n\r\n");
    }
    buf_put(&p->want, body, n);
}

static void plan_request(Plan *p, Rng *rng, int i) {
    int kind = (int)rng_below(rng, 5);
    switch (kind) {
    case 0:
        buf_printf(&p->bytes, "GET /n%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
        buf_printf(&p->want, "GET /n%d\n", i);
        break;
    case 1:
        buf_printf(&p->bytes, "HEAD /n%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
        break;
    case 2:
        buf_printf(&p->bytes, "%sGET /hold HTTP/1.1\r\nHost: x\r\n\r\n", rng_chance(rng, 0.5) ? "\r\n" : "");
        buf_printf(&p->want, "held");
        break;
    default:
        buf_printf(&p->bytes, "POST /echo HTTP/1.1\r\nHost: x\r\nX-Noise: %d\r\n", i);
        plan_body(p, rng, kind == 3);
        break;
    }
    p->n++;
}

/* Bodies of the replies in out, one after the other; HEAD replies are told by their field. */
static int read_replies(Str out, Buf *bodies) {
    int n = 0;
    while (out.n) {
        ptrdiff_t end = str_find(out, S("\r\n\r\n"));
        if (end < 0 || !str_starts(out, S("HTTP/1.1 200 OK\r\n")))
            return -1;
        Str head = str_first(out, (size_t)end + 2);
        ptrdiff_t at = str_find(head, S("Content-Length: "));
        Str digits = str_from(head, (size_t)at + 16);
        int64_t length = 0;
        str_to_i64(str_first(digits, (size_t)str_find(digits, S("\r\n"))), &length);
        out = str_from(out, (size_t)end + 4);
        n++;
        if (str_starts(out, S("HTTP/1.1 ")) || out.n == 0) /* no body here starts so */
            continue;
        buf_put_str(bodies, str_first(out, (size_t)length));
        out = str_from(out, (size_t)length);
    }
    return n;
}

static void answer_some(Driver *d, Rng *rng, bool all) {
    for (size_t i = 0; i < d->n_held; i++)
        if (d->held[i] && (all || rng_chance(rng, 0.3)))
            driver_answer(d, i, S("held"));
    if (all)
        d->n_held = 0;
}

TEST(replies_are_right_and_in_order_however_the_bytes_come) {
    uint64_t seed = prop_seed(20240311);
    for (int round = 0; round < ROUNDS; round++) {
        Rng rng;
        rng_seed(&rng, seed + (uint64_t)round);
        Plan p = { 0 };
        buf_init(&p.bytes, 1 << 20);
        buf_init(&p.want, 1 << 20);
        int n = 1 + (int)rng_below(&rng, REQUESTS_MAX);
        for (int i = 0; i < n; i++)
            plan_request(&p, &rng, i);
        Driver d;
        HttpServerOptions o = driver_options();
        o.max_pipelined = 1 + (int)rng_below(&rng, 32);
        driver_open(&d, &o);
        for (Str rest = buf_str(&p.bytes); rest.n;) {
            d.socket = rng_chance(&rng, 0.5) ? SIZE_MAX : (size_t)rng_below(&rng, 500);
            size_t take = 1 + (size_t)rng_below(&rng, rng_chance(&rng, 0.3) ? 3 : 400);
            if (http_conn_wants_read(&d.conn)) {
                driver_input(&d, str_first(rest, take));
                rest = str_from(rest, take);
            }
            driver_flush(&d);
            answer_some(&d, &rng, d.n_held > DRIVER_HELD_MAX / 2 || !http_conn_wants_read(&d.conn));
        }
        d.socket = SIZE_MAX;
        for (int i = 0; i < REQUESTS_MAX; i++) {
            answer_some(&d, &rng, true);
            driver_flush(&d);
        }
        Buf bodies;
        buf_init(&bodies, 1 << 20);
        CHECK_EQ(read_replies(buf_str(&d.out), &bodies), p.n);
        CHECK_STR(buf_str(&bodies), buf_str(&p.want));
        CHECK_EQ(atomic_load(&d.core.counts.replied), p.n);
        buf_done(&bodies);
        buf_done(&p.bytes);
        buf_done(&p.want);
        driver_end(&d);
    }
}

TESTS(T(replies_are_right_and_in_order_however_the_bytes_come))
