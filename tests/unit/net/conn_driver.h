#pragma once

/* tests/unit/net/conn_driver.h - an HttpConn with a manual clock, a recording handler and no socket.
 *
 * Paths the handler knows: /hold (kept until driver_answer), /echo (the body back), /stream (see Driver.pump),
 * /nothing (204), /big (100 KB); any other path is answered with "METHOD target\n".
 * With driver_intake the bodies of some stream: /take is read as it comes and answered with its length, /lazy is read by
 * driver_take alone, /open is sent back as it comes, with a trailer, and may be silent. */

#include <stdio.h>
#include <stdlib.h>

#include "net/http_conn.h"

enum { DRIVER_HELD_MAX = 64 };

typedef struct Driver {
    HttpCore core;
    HttpConn conn;
    ClockManual clock;
    Buf out;       /* all that was sent */
    size_t socket; /* bytes the pretended socket takes before it is full; SIZE_MAX: any */
    bool open;
    HttpExchange *held[DRIVER_HELD_MAX];
    size_t n_held, handled;
    bool no_hold; /* /hold is a path like any other */
    int (*pump)(void *arg, Buf *out);
    int pumped, streams_done;
    HttpExchange *stream;
    int dones, done_aborted;
    HttpDone last_done;
    int64_t head_says; /* what on_head returns, with use_on_head */
    size_t taken;      /* bytes of bodies that streamed, since the last one began */
    int take_end;      /* of the last one: 1 or an ErrCode; 0: not yet */
} Driver;

static inline void driver_reply(HttpExchange *ex, int status, Str body) {
    HttpField f = { S("Content-Type"), S("text/plain") };
    HttpReply r = { .status = status, .fields = &f, .n_fields = 1 };
    buf_init(&r.body, MAX(body.n, (size_t)1));
    buf_put_str(&r.body, body);
    http_reply(ex, &r);
}

static inline void driver_stream_done(void *arg) {
    ((Driver *)arg)->streams_done++;
}

/* --- bodies that stream --- */

static inline HttpIntake driver_intake(void *arg, const HttpHead *head) {
    UNUSED(arg);
    return str_eq(head->path, S("/take")) || str_eq(head->path, S("/lazy")) ? HTTP_BODY_STREAM
           : str_eq(head->path, S("/open"))                                 ? HTTP_BODY_OPEN
                                                                            : HTTP_BODY_WHOLE;
}

/* Reads until there is nothing; answers at the end. */
static inline void driver_take_from(Driver *d, HttpExchange *ex) {
    for (;;) {
        Buf piece = { 0 };
        int r = http_body_read(ex, &piece);
        d->taken += piece.n;
        buf_done(&piece);
        if (r == HTTP_PUMP_MORE)
            continue;
        if (r == HTTP_PUMP_WAIT)
            return;
        char text[32];
        d->take_end = r == HTTP_PUMP_DONE ? 1 : r;
        int n = snprintf(text, sizeof text, "took %zu", d->taken);
        for (size_t i = 0; i < d->n_held; i++)
            if (d->held[i] == ex)
                d->held[i] = NULL;
        driver_reply(ex, r < 0 ? err_info(r)->http_status : 200, str_n(text, (size_t)n));
        return;
    }
}

/* The first of those that are read when the test says so. */
static inline void driver_take(Driver *d) {
    for (size_t i = 0; i < d->n_held; i++)
        if (d->held[i] && str_eq(d->held[i]->head.path, S("/lazy"))) {
            driver_take_from(d, d->held[i]);
            return;
        }
}

static inline void driver_on_body(HttpExchange *ex) {
    Driver *d = ex->user;
    if (str_eq(ex->head.path, S("/open")))
        http_stream_wake(ex);
    else
        driver_take_from(d, ex);
}

static inline int driver_echo(void *arg, Buf *out) {
    HttpExchange *ex = arg;
    int r = http_body_read(ex, out);
    if (r == HTTP_PUMP_DONE)
        http_reply_trailers(ex, &(HttpField){ S("x-end"), S("yes") }, 1);
    return r;
}

static inline void driver_echo_done(void *arg) {
    ((Driver *)((HttpExchange *)arg)->user)->streams_done++;
}

static inline bool driver_handle_stream(Driver *d, HttpExchange *ex) {
    if (ex->intake == HTTP_BODY_WHOLE)
        return false;
    ex->user = d;
    ex->on_body = driver_on_body;
    d->taken = 0;
    if (str_eq(ex->head.path, S("/open"))) {
        HttpReply r = { .status = 200 };
        ex->on_gone = driver_on_body;
        http_reply_stream(ex, &r, driver_echo, ex, driver_echo_done);
    } else if (str_eq(ex->head.path, S("/take"))) {
        ex->on_gone = driver_on_body;
        driver_take_from(d, ex);
    } else if (d->n_held < DRIVER_HELD_MAX) {
        d->held[d->n_held++] = ex;
    } else {
        driver_reply(ex, 503, S("full"));
    }
    return true;
}

static inline void driver_handle(void *arg, HttpExchange *ex) {
    Driver *d = arg;
    d->handled++;
    if (driver_handle_stream(d, ex))
        return;
    Str path = ex->head.path;
    if (str_eq(path, S("/hold")) && !d->no_hold && d->n_held < DRIVER_HELD_MAX) {
        d->held[d->n_held++] = ex;
    } else if (str_eq(path, S("/echo"))) {
        driver_reply(ex, 200, ex->body);
    } else if (str_eq(path, S("/nothing"))) {
        driver_reply(ex, 204, S(""));
    } else if (str_eq(path, S("/big"))) {
        char *big = mem_zalloc(100000);
        driver_reply(ex, 200, str_n(big, 100000));
        mem_free(big);
    } else if (str_eq(path, S("/stream")) && d->pump) {
        HttpReply r = { .status = 200 };
        d->stream = ex;
        http_reply_stream(ex, &r, d->pump, d, driver_stream_done);
    } else {
        char text[256];
        int n = snprintf(text, sizeof text, STR_FMT " " STR_FMT "\n", STR_ARG(ex->head.method),
                         (int)MIN(ex->head.target.n, (size_t)200), ex->head.target.p);
        driver_reply(ex, 200, str_n(text, (size_t)n));
    }
}

static inline void driver_done_hook(void *arg, const HttpExchange *ex, const HttpDone *done) {
    Driver *d = arg;
    UNUSED(ex);
    d->dones++;
    d->done_aborted += done->aborted;
    d->last_done = *done;
}

static inline int64_t driver_head_hook(void *arg, const HttpHead *head) {
    UNUSED(head);
    return ((Driver *)arg)->head_says;
}

static inline MonoNs driver_now(Driver *d) {
    return clock_mono(&d->clock.clock);
}

static inline void driver_send(Driver *d) {
    struct iovec iov[HTTP_IOV_MAX];
    int n;
    while (d->open && d->socket > 0 && (n = http_conn_output(&d->conn, iov, driver_now(d))) > 0) {
        size_t sent = 0;
        for (int i = 0; i < n && d->socket > 0; i++) {
            size_t take = MIN(iov[i].iov_len, d->socket);
            buf_put(&d->out, iov[i].iov_base, take);
            sent += take;
            d->socket -= d->socket == SIZE_MAX ? 0 : take;
        }
        http_conn_sent(&d->conn, sent, driver_now(d));
    }
}

/* Takes what the connection has to send, as far as the socket goes; nobody else has a turn. */
static inline void driver_flush(Driver *d) {
    driver_send(d);
    while (d->open && d->socket > 0 && http_conn_wants_turn(&d->conn)) {
        http_conn_turn(&d->conn, driver_now(d));
        driver_send(d);
    }
}

static inline void driver_input(Driver *d, Str bytes) {
    http_conn_input(&d->conn, bytes.p, bytes.n, driver_now(d));
    driver_flush(d);
}

/* Answers the i-th held exchange. */
static inline void driver_answer(Driver *d, size_t i, Str body) {
    HttpExchange *ex = TAKE(d->held[i]);
    driver_reply(ex, 200, body);
    driver_flush(d);
}

static inline void driver_advance_ms(Driver *d, int64_t ms) {
    clock_manual_advance_ms(&d->clock, ms);
    if (http_conn_deadline(&d->conn).ns <= driver_now(d).ns)
        http_conn_expire(&d->conn, driver_now(d));
    driver_flush(d);
}

static inline HttpServerOptions driver_options(void) {
    HttpServerOptions o;
    http_server_options_default(&o);
    o.on_done = driver_done_hook;
    return o;
}

static inline void driver_open(Driver *d, const HttpServerOptions *o) {
    *d = (Driver){ .socket = SIZE_MAX, .open = true };
    clock_manual_init(&d->clock, time_ms(INT64_C(1704067200000)));
    clock_manual_advance_ms(&d->clock, 1000);
    buf_init(&d->out, (size_t)64 << 20);
    http_core_init(&d->core, o, driver_handle, d, &d->clock.clock);
    http_conn_init(&d->conn, &d->core, S("127.0.0.1:9"), false, driver_now(d));
}

static inline void driver_close(Driver *d) {
    if (d->open)
        http_conn_done(&d->conn);
    d->open = false;
}

/* Closes, answers what is still owed, and frees. */
static inline void driver_end(Driver *d) {
    driver_close(d);
    for (size_t i = 0; i < d->n_held; i++)
        if (d->held[i])
            driver_answer(d, i, S("late"));
    http_core_done(&d->core);
    buf_done(&d->out);
}
