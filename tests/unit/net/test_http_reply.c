/* Replies as bytes: heads, bodies that must not be there, streams and their backpressure. */

#include "conn_check.h"

static void open_default(Driver *d) {
    HttpServerOptions o = driver_options();
    driver_open(d, &o);
}

TEST(reply_is_these_bytes) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    CHECK_STR(buf_str(&d.out), S("HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:01 GMT\r\nServer: finsight\r\n"
                                 "Content-Type: text/plain\r\nContent-Length: 7\r\n\r\nGET /a\n"));
    driver_end(&d);
}

TEST(date_follows_the_clock_also_back) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    driver_advance_ms(&d, 1000);
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    CHECK(sent(&d, S("00:00:02 GMT")));
    clock_manual_set_wall(&d.clock, time_ms(0));
    driver_advance_ms(&d, 100);
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    CHECK(sent(&d, S("Thu, 01 Jan 1970 00:00:00 GMT")));
    driver_end(&d);
}

TEST(bodies_that_must_not_be_there) {
    static const struct {
        const char *name, *line;
        const char *length; /* as said in the head; NULL = not said */
    } rows[] = {
        { "HEAD", "HEAD /a HTTP/1.1", "\r\nContent-Length: 8\r\n" },
        { "204", "GET /nothing HTTP/1.1", NULL },
        { "HEAD of a refusal", "HEAD /a#f HTTP/1.1", "\r\nContent-Length: " },
    };
    EACH_ROW (r, rows) {
        Driver d;
        open_default(&d);
        char bytes[100];
        int n = snprintf(bytes, sizeof bytes, "%s\r\nHost: x\r\n\r\n", r->line);
        driver_input(&d, str_n(bytes, (size_t)n));
        CHECK(str_ends(buf_str(&d.out), S("\r\n\r\n")));
        CHECK_EQ(count_of(&d, S("\r\n\r\n")), 1);
        CHECK_EQ(sent(&d, S("Content-Length")), r->length != NULL);
        if (r->length)
            CHECK(sent(&d, str_c(r->length)));
        driver_end(&d);
    }
}

static void reply_fields(Driver *d, const HttpField *fields, size_t n) {
    driver_input(d, REQ("GET /hold HTTP/1.1"));
    HttpReply r = { .status = 200, .fields = fields, .n_fields = n };
    http_reply(TAKE(d->held[d->n_held - 1]), &r);
    driver_flush(d);
}

TEST(fields_cannot_break_out_of_their_line) {
    Driver d;
    open_default(&d);
    const HttpField fields[] = {
        { S("X-Id"), S("a\r\nSet-Cookie: b\r\n\r\n<html>") },
        { S("X-Nul"), str_n("a\0b", 3) },
        { S("Content-Length"), S("999") },
        { S("connection"), S("upgrade") },
        { S("Transfer-Encoding"), S("gzip") },
        { S(""), S("no name") },
    };
    reply_fields(&d, fields, ARRAY_LEN(fields));
    CHECK(sent(&d, S("X-Id: a  Set-Cookie: b    <html>\r\n")));
    CHECK(sent(&d, S("X-Nul: a b\r\n")));
    CHECK_EQ(count_of(&d, S("\r\n\r\n")), 1);
    CHECK(sent(&d, S("Content-Length: 0\r\n")) && !sent(&d, S("999")));
    CHECK(!sent(&d, S("upgrade")) && !sent(&d, S("gzip")) && !sent(&d, S("no name")));
    driver_end(&d);
}

TEST(a_field_that_does_not_fit_is_left_out_whole) {
    Driver d;
    open_default(&d);
    char *huge = mem_alloc(70000);
    memset(huge, 'h', 70000);
    const HttpField fields[] = { { S("X-A"), S("a") }, { S("X-Huge"), str_n(huge, 70000) }, { S("X-B"), S("b") } };
    reply_fields(&d, fields, ARRAY_LEN(fields));
    CHECK(sent(&d, S("X-A: a\r\nX-B: b\r\n")));
    CHECK(!sent(&d, S("Huge")));
    mem_free(huge);
    driver_end(&d);
}

static void own_words(void *arg, int status, const char *code, const char *message, Buf *body) {
    UNUSED(arg);
    buf_printf(body, "%d|%s|%s", status, code, message);
}

/* A body that many send is theirs by reference, however little they read, and goes with the last of them. */
TEST(a_shared_body_is_sent_whole_and_copied_for_nobody) {
    enum { SIZE = 300000, CLIENTS = 3 };
    char *text = mem_alloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 26);
    HttpShared *body = http_shared_new(str_n(text, SIZE));
    Driver d[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        open_default(&d[i]);
        d[i].socket = 1000; /* and then it is full */
        driver_input(&d[i], REQ("GET /hold HTTP/1.1"));
        HttpReply r = { .status = 200, .shared = http_shared_ref(body) };
        http_reply(TAKE(d[i].held[0]), &r);
        driver_flush(&d[i]);
        CHECK(d[i].conn.out.bytes > SIZE - 1000);
        CHECK(d[i].core.segs.bytes < 1000); /* the head; what lies in the queue is everybody's */
    }
    body = http_shared_unref(body);
    driver_close(&d[0]); /* one leaves in the middle of it */
    for (int i = 1; i < CLIENTS; i++) {
        d[i].socket = SIZE_MAX;
        driver_flush(&d[i]);
        CHECK(sent(&d[i], S("Content-Length: 300000\r\n")));
        CHECK(str_ends(buf_str(&d[i].out), str_n(text, SIZE)));
    }
    for (int i = 0; i < CLIENTS; i++) {
        CHECK_EQ(d[i].core.segs.bytes * (i > 0), 0);
        driver_end(&d[i]);
    }
    mem_free(text);
}

TEST(application_words_its_refusals) {
    HttpServerOptions o = driver_options();
    o.on_refuse = own_words;
    Driver d;
    driver_open(&d, &o);
    driver_input(&d, S("GET /a HTTP/1.1\r\n\r\n"));
    CHECK(str_ends(buf_str(&d.out), S("\r\n\r\n400|bad_request|the Host field is missing")));
    driver_end(&d);
}

/* --- streams --- */

static int pump_three(void *arg, Buf *out) {
    Driver *d = arg;
    BUF_LIT(out, "piece");
    return ++d->pumped == 3 ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
}

TEST(stream_is_chunked) {
    Driver d;
    open_default(&d);
    d.pump = pump_three;
    driver_input(&d, REQ("GET /stream HTTP/1.1"));
    CHECK(sent(&d, S("Transfer-Encoding: chunked\r\n")) && !sent(&d, S("Content-Length")));
    CHECK(str_ends(buf_str(&d.out), S("\r\n\r\n5\r\npiece\r\n5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n")));
    CHECK_EQ(d.streams_done, 1);
    CHECK_EQ(d.last_done.sent, 15);
    driver_input(&d, REQ("GET /a HTTP/1.1")); /* and the connection goes on */
    CHECK_STR(statuses(&d), S("200,200"));
    driver_end(&d);
}

TEST(stream_to_an_old_client_ends_with_the_connection) {
    Driver d;
    open_default(&d);
    d.pump = pump_three;
    driver_input(&d, S("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    CHECK(!sent(&d, S("chunked")));
    CHECK(sent(&d, S("Connection: close\r\n")));
    CHECK(str_ends(buf_str(&d.out), S("\r\n\r\npiecepiecepiece")));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_end(&d);
}

TEST(stream_of_a_HEAD_is_its_head) {
    Driver d;
    open_default(&d);
    d.pump = pump_three;
    driver_input(&d, REQ("HEAD /stream HTTP/1.1"));
    CHECK(str_ends(buf_str(&d.out), S("Transfer-Encoding: chunked\r\n\r\n")));
    CHECK_EQ(d.pumped, 0);
    CHECK_EQ(d.streams_done, 1);
    driver_end(&d);
}

static int pump_endless(void *arg, Buf *out) {
    Driver *d = arg;
    char *to = buf_reserve(out, 50000);
    memset(to, 'x', 50000);
    out->n += 50000;
    d->pumped++;
    return HTTP_PUMP_MORE;
}

TEST(pump_runs_no_further_than_the_client_reads) {
    Driver d;
    open_default(&d);
    d.pump = pump_endless;
    d.socket = 1000;
    driver_input(&d, REQ("GET /stream HTTP/1.1"));
    CHECK_EQ(d.pumped, 3); /* 150 KB is past the mark of 128 KB */
    d.socket = 0;
    for (int i = 0; i < 10; i++) {
        struct iovec iov[HTTP_IOV_MAX];
        http_conn_output(&d.conn, iov, driver_now(&d));
    }
    CHECK_EQ(d.pumped, 3);
    d.socket = 60000;
    driver_flush(&d);
    d.socket = 1;
    driver_flush(&d);
    CHECK_EQ(d.pumped, 4);
    driver_close(&d);
    CHECK_EQ(d.streams_done, 1);
    driver_end(&d);
}

static int pump_waits(void *arg, Buf *out) {
    Driver *d = arg;
    if (d->pumped++ % 2 == 0)
        return HTTP_PUMP_WAIT;
    BUF_LIT(out, "awake");
    return d->pumped == 4 ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
}

TEST(waiting_stream_is_woken) {
    Driver d;
    open_default(&d);
    d.pump = pump_waits;
    driver_input(&d, REQ("GET /stream HTTP/1.1"));
    driver_flush(&d);
    CHECK_EQ(d.pumped, 1);
    http_stream_wake(d.stream);
    driver_flush(&d);
    CHECK_EQ(d.pumped, 3);
    http_stream_wake(d.stream);
    driver_flush(&d);
    CHECK_EQ(d.streams_done, 1);
    CHECK(str_ends(buf_str(&d.out), S("5\r\nawake\r\n5\r\nawake\r\n0\r\n\r\n")));
    driver_end(&d);
}

static int pump_wakes_itself(void *arg, Buf *out) {
    Driver *d = arg;
    if (d->pumped++ == 0) {
        http_stream_wake(d->stream); /* a producer that was done before we said WAIT */
        return HTTP_PUMP_WAIT;
    }
    BUF_LIT(out, "again");
    return HTTP_PUMP_DONE;
}

TEST(wake_that_comes_before_the_wait_is_not_lost) {
    Driver d;
    open_default(&d);
    d.pump = pump_wakes_itself;
    driver_input(&d, REQ("GET /stream HTTP/1.1"));
    CHECK(sent(&d, S("again")));
    CHECK_EQ(d.streams_done, 1);
    driver_end(&d);
}

TEST(done_waits_for_the_wake_that_is_owed) {
    Driver d;
    open_default(&d);
    d.pump = pump_waits;
    driver_input(&d, REQ("GET /stream HTTP/1.1"));
    driver_close(&d);
    CHECK_EQ(d.streams_done, 0); /* the producer still holds the exchange */
    CHECK(http_exchange_gone(d.stream));
    http_stream_wake(d.stream);
    CHECK_EQ(d.streams_done, 1);
    CHECK_EQ(d.core.owed, 0);
    driver_end(&d);
}

static int pump_fails(void *arg, Buf *out) {
    Driver *d = arg;
    BUF_LIT(out, "piece");
    return d->pumped++ == 0 ? HTTP_PUMP_MORE : ERR_IO;
}

static int pump_too_much(void *arg, Buf *out) {
    UNUSED(arg);
    UNUSED(buf_reserve(out, (size_t)2 << 20));
    return HTTP_PUMP_MORE;
}

TEST(broken_stream_is_cut_so_that_the_client_sees_it) {
    int (*pumps[])(void *, Buf *) = { pump_fails, pump_too_much };
    for (size_t i = 0; i < ARRAY_LEN(pumps); i++) {
        Driver d;
        open_default(&d);
        d.pump = pumps[i];
        driver_input(&d, REQ("GET /stream HTTP/1.1"));
        CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
        CHECK(!sent(&d, S("0\r\n\r\n")));
        driver_close(&d);
        CHECK_EQ(d.streams_done, 1);
        CHECK_EQ(d.done_aborted, 1);
        driver_end(&d);
    }
}

TEST(stream_waits_for_its_turn) {
    Driver d;
    open_default(&d);
    d.pump = pump_three;
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    driver_input(&d, REQ("GET /stream HTTP/1.1"));
    driver_input(&d, REQ("GET /after HTTP/1.1"));
    CHECK_EQ(d.pumped, 0);
    driver_answer(&d, 0, S("held"));
    CHECK_STR(statuses(&d), S("200,200,200"));
    CHECK(str_ends(buf_str(&d.out), S("GET /after\n")));
    driver_end(&d);
}

TESTS(T(reply_is_these_bytes), T(date_follows_the_clock_also_back), T(bodies_that_must_not_be_there),
      T(a_shared_body_is_sent_whole_and_copied_for_nobody), T(fields_cannot_break_out_of_their_line),
      T(a_field_that_does_not_fit_is_left_out_whole), T(application_words_its_refusals), T(stream_is_chunked),
      T(stream_to_an_old_client_ends_with_the_connection), T(stream_of_a_HEAD_is_its_head),
      T(pump_runs_no_further_than_the_client_reads), T(waiting_stream_is_woken),
      T(wake_that_comes_before_the_wait_is_not_lost), T(done_waits_for_the_wake_that_is_owed),
      T(broken_stream_is_cut_so_that_the_client_sees_it), T(stream_waits_for_its_turn))
