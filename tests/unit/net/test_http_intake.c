/* Bodies that stream to their handlers: pieces, credit, ends of every kind, over HTTP/1.1 and HTTP/2. */

#include "conn_check.h"
#include "net/h2_conn.h"
#include "net/http_exchange.h"

static void open_intake(Driver *d, size_t max_body) {
    HttpServerOptions o = driver_options();
    o.on_intake = driver_intake;
    o.max_body = max_body;
    driver_open(d, &o);
}

static void input_zeros(Driver *d, size_t n) {
    static const char zeros[4096];
    for (size_t k; n; n -= k) {
        k = MIN(n, sizeof zeros);
        driver_input(d, str_n(zeros, k));
    }
}

TEST(handler_has_the_head_before_the_body) {
    Driver d;
    open_intake(&d, 1 << 20);
    driver_input(&d, S("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n"));
    CHECK_EQ(d.handled, 1);
    CHECK_EQ(d.out.n, 0);
    driver_input(&d, S("abc"));
    CHECK_EQ(d.taken, 3);
    driver_input(&d, S("def"));
    CHECK_STR(statuses(&d), S("200"));
    CHECK(sent(&d, S("took 6")));
    driver_input(&d, REQ("GET /next HTTP/1.1"));
    CHECK_STR(statuses(&d), S("200,200"));
    driver_end(&d);
}

TEST(chunks_are_taken_out_of_their_framing) {
    Driver d;
    open_intake(&d, 1 << 20);
    driver_input(&d, S("POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n"));
    driver_input(&d, S("3\r\nefg\r\n0\r\nX-Trailer: dropped\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(sent(&d, S("took 7")));
    CHECK_STR(statuses(&d), S("200,200"));
    driver_end(&d);
}

TEST(a_body_nobody_reads_is_not_read_from_the_socket_either) {
    Driver d;
    open_intake(&d, 100 << 20);
    driver_input(&d, S("POST /lazy HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
    size_t came = 0;
    for (; http_conn_wants_read(&d.conn) && came < 1000000; came += 4096)
        input_zeros(&d, 4096);
    CHECK_EQ(came, HTTP_STREAM_WINDOW);
    CHECK_EQ(http_conn_deadline(&d.conn).ns, INT64_MAX); /* it is us who do not read */
    driver_take(&d);
    CHECK_EQ(d.taken, came);
    CHECK(http_conn_wants_read(&d.conn));
    input_zeros(&d, 1000000 - came);
    CHECK(sent(&d, S("took 1000000")));
    driver_end(&d);
}

TEST(a_limit_holds_for_all_pieces_together) {
    Driver d;
    open_intake(&d, 10);
    driver_input(&d, S("POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n"));
    CHECK_EQ(d.taken, 8);
    driver_input(&d, S("8\r\nabcdefgh\r\n"));
    CHECK_EQ(d.take_end, ERR_TOO_LARGE);
    CHECK_STR(statuses(&d), S("413"));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_LINGER);
    driver_end(&d);
    open_intake(&d, 10);
    driver_input(&d, S("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"));
    CHECK_STR(statuses(&d), S("413")); /* told beforehand: nobody is asked */
    CHECK_EQ(d.handled, 0);
    driver_end(&d);
}

TEST(ends_that_are_none) {
    static const struct {
        const char *name, *rest;
        bool eof;
        int64_t wait_ms;
        int err;
        const char *status;
    } rows[] = {
        { "a chunk that is none", "zz\r\n", false, 0, ERR_BAD_REQUEST, "400" },
        { "cut short", "4\r\nab", true, 0, ERR_BAD_REQUEST, "400" },
        { "silent", "4\r\nab", false, 30001, ERR_TIMEOUT, "504" },
    };
    EACH_ROW (r, rows) {
        Driver d;
        open_intake(&d, 1000);
        driver_input(&d, S("POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
        driver_input(&d, str_c(r->rest));
        if (r->eof)
            http_conn_eof(&d.conn, driver_now(&d));
        if (r->wait_ms)
            driver_advance_ms(&d, r->wait_ms);
        driver_flush(&d);
        CHECK_EQ(d.take_end, r->err);
        CHECK_STR(statuses(&d), str_c(r->status));
        CHECK(http_conn_state(&d.conn) != HTTP_CONN_OPEN);
        driver_end(&d);
    }
}

TEST(a_slow_body_that_moves_goes_on) {
    Driver d;
    open_intake(&d, 1000);
    driver_input(&d, S("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"));
    for (int i = 0; i < 10; i++) {
        driver_advance_ms(&d, 20000);
        driver_input(&d, S("a"));
    }
    CHECK(sent(&d, S("took 10")));
    driver_end(&d);
}

TEST(answered_in_the_middle_of_its_body_the_connection_ends) {
    Driver d;
    open_intake(&d, 1000);
    driver_input(&d, S("POST /lazy HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"));
    driver_reply(TAKE(d.held[0]), 403, S("no"));
    driver_flush(&d);
    CHECK_STR(statuses(&d), S("403"));
    CHECK(sent(&d, S("Connection: close")));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_LINGER);
    driver_input(&d, S("GET /not-a-request HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK_EQ(d.handled, 1);
    driver_end(&d);
}

TEST(both_ways_at_once_with_a_trailer) {
    Driver d;
    open_intake(&d, 1000);
    driver_input(&d, S("POST /open HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    CHECK_STR(statuses(&d), S("200"));
    driver_input(&d, S("3\r\nabc\r\n"));
    CHECK(sent(&d, S("3\r\nabc\r\n")));
    driver_advance_ms(&d, 600000); /* it may be silent */
    driver_input(&d, S("3\r\ndef\r\n0\r\n\r\n"));
    CHECK(str_ends(buf_str(&d.out), S("3\r\ndef\r\n0\r\nx-end: yes\r\n\r\n")));
    CHECK_EQ(d.streams_done, 1);
    driver_input(&d, REQ("GET /next HTTP/1.1"));
    CHECK_STR(statuses(&d), S("200,200"));
    driver_end(&d);
}

TEST(a_client_that_leaves_in_the_middle) {
    Driver d;
    open_intake(&d, 1000);
    driver_input(&d, S("POST /lazy HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"));
    driver_close(&d);
    driver_take(&d);
    CHECK_EQ(d.take_end, ERR_CANCELLED);
    CHECK_EQ(d.done_aborted, 1);
    driver_end(&d);
    open_intake(&d, 1000);
    driver_input(&d, S("POST /open HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"));
    driver_close(&d);
    CHECK_EQ(d.streams_done, 1);
    driver_end(&d);
}

/* --- HTTP/2 --- */

enum { DATA = 0, HEADERS = 1, RST = 3, SETTINGS = 4, PING = 6, WINDOW = 8, END_STREAM = 1, END_HEADERS = 4 };

static void put_frame(Buf *b, int kind, int flags, uint32_t stream, Str payload) {
    const uint8_t head[9] = {
        (uint8_t)(payload.n >> 16), (uint8_t)(payload.n >> 8), (uint8_t)payload.n,     (uint8_t)kind,  (uint8_t)flags,
        (uint8_t)(stream >> 24),    (uint8_t)(stream >> 16),   (uint8_t)(stream >> 8), (uint8_t)stream
    };
    buf_put(b, head, sizeof head);
    buf_put_str(b, payload);
}

static void send_frame(Driver *d, int kind, int flags, Str payload) {
    Buf b;
    buf_init(&b, 1 << 20);
    put_frame(&b, kind, flags, kind == SETTINGS || kind == PING ? 0 : 1, payload);
    driver_input(d, buf_str(&b));
    buf_done(&b);
}

static void open_h2(Driver *d, const char *path) {
    char head[256];
    open_intake(d, 1 << 20);
    driver_input(d, S(H2_PREFACE));
    send_frame(d, SETTINGS, 0, S(""));
    send_frame(d, SETTINGS, 1, S("")); /* ours are taken: from here on their window holds */
    size_t n = strlen(path);
    int len = snprintf(head, sizeof head, "\x83\x86%c%c%s%c%cx", 0x04, (int)n, path, 0x01, 1); /* POST, http */
    send_frame(d, HEADERS, END_HEADERS, str_n(head, (size_t)len));
}

/* Frames of a kind among what was sent, from byte `from` on; *bytes: of their payloads. */
static int frames_sent(const Driver *d, int kind, size_t *bytes) {
    int n = 0;
    *bytes = 0;
    for (size_t at = 0; at + 9 <= d->out.n;) {
        const uint8_t *f = (const uint8_t *)d->out.p + at;
        size_t len = (size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2];
        if (f[3] == kind) {
            n++;
            *bytes += len;
        }
        at += 9 + len;
    }
    return n;
}

TEST(h2_handler_has_the_head_before_the_body) {
    Driver d;
    size_t bytes;
    open_h2(&d, "/take");
    CHECK_EQ(d.handled, 1);
    send_frame(&d, DATA, 0, S("abc"));
    CHECK_EQ(d.taken, 3);
    CHECK_EQ(frames_sent(&d, HEADERS, &bytes), 0);
    send_frame(&d, DATA, END_STREAM, S("def"));
    CHECK_EQ(frames_sent(&d, HEADERS, &bytes), 1);
    CHECK(sent(&d, S("took 6")));
    driver_end(&d);
}

TEST(h2_credit_is_given_back_as_the_handler_reads) {
    Driver d;
    size_t bytes;
    static char piece[16384];
    open_h2(&d, "/lazy");
    int before = frames_sent(&d, WINDOW, &bytes);
    for (int i = 0; i < HTTP_STREAM_WINDOW / 16384; i++)
        send_frame(&d, DATA, 0, str_n(piece, sizeof piece));
    int unread = frames_sent(&d, WINDOW, &bytes); /* of the connection alone, of which more streams live */
    driver_take(&d);
    CHECK_EQ(d.taken, HTTP_STREAM_WINDOW);
    driver_flush(&d);
    CHECK(frames_sent(&d, WINDOW, &bytes) > unread && unread >= before);
    send_frame(&d, DATA, 0, str_n(piece, sizeof piece));
    driver_take(&d);
    CHECK_EQ(d.taken, HTTP_STREAM_WINDOW + sizeof piece);
    CHECK(!d.conn.dead);
    driver_end(&d);
}

TEST(h2_more_than_the_window_is_a_fault_of_the_client) {
    Driver d;
    size_t bytes;
    static char piece[16384];
    open_h2(&d, "/lazy");
    for (int i = 0; i <= HTTP_STREAM_WINDOW / 16384; i++)
        send_frame(&d, DATA, 0, str_n(piece, sizeof piece));
    CHECK(frames_sent(&d, RST, &bytes) == 1 || http_conn_state(&d.conn) != HTTP_CONN_OPEN);
    driver_end(&d);
}

TEST(h2_both_ways_at_once_with_a_trailer) {
    Driver d;
    size_t bytes;
    open_h2(&d, "/open");
    CHECK_EQ(frames_sent(&d, HEADERS, &bytes), 1);
    send_frame(&d, DATA, 0, S("abc"));
    CHECK(sent(&d, S("abc")));
    send_frame(&d, DATA, END_STREAM, S("def"));
    CHECK(sent(&d, S("def")));
    CHECK_EQ(frames_sent(&d, HEADERS, &bytes), 2); /* the trailer */
    CHECK_EQ(d.streams_done, 1);
    CHECK_EQ(d.core.counts.replied, 1);
    driver_end(&d);
}

TEST(h2_silence_is_asked_about) {
    Driver d;
    size_t bytes;
    open_h2(&d, "/open");
    driver_advance_ms(&d, 60001);
    CHECK_EQ(frames_sent(&d, PING, &bytes), 1);
    send_frame(&d, PING, 1, S("\0\0\0\0\0\0\0\0"));
    driver_advance_ms(&d, 59000);
    CHECK_EQ(frames_sent(&d, PING, &bytes), 1);
    driver_advance_ms(&d, 2000);
    CHECK_EQ(frames_sent(&d, PING, &bytes), 2);
    driver_advance_ms(&d, 20001);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_end(&d);
}

/* RFC 9113 section 5.1.1: what was left out is closed for good; what was there may still be spoken to. */
TEST(h2_numbers_of_streams_only_grow) {
    Driver d;
    size_t bytes;
    Buf b;
    enum { GOAWAY = 7 };
    const Str head = S("\x82\x86\x84\x01\x01x"); /* GET http / */
    open_h2(&d, "/take");                        /* stream 1 */
    buf_init(&b, 1000);
    put_frame(&b, HEADERS, END_STREAM | END_HEADERS, 7, head);
    driver_input(&d, buf_str(&b));
    CHECK_EQ(frames_sent(&d, GOAWAY, &bytes), 0);
    buf_clear(&b);
    put_frame(&b, HEADERS, END_STREAM | END_HEADERS, 5, head);
    driver_input(&d, buf_str(&b));
    CHECK_EQ(frames_sent(&d, GOAWAY, &bytes), 1);
    CHECK_EQ(d.handled, 2);
    buf_done(&b);
    driver_end(&d);
}

TEST(h2_reset_in_the_middle) {
    Driver d;
    open_h2(&d, "/open");
    send_frame(&d, DATA, 0, S("abc"));
    send_frame(&d, RST, 0, S("\0\0\0\x8"));
    CHECK_EQ(d.streams_done, 1);
    CHECK_EQ(d.core.counts.aborted, 1);
    driver_end(&d);
}

TESTS(T(handler_has_the_head_before_the_body), T(chunks_are_taken_out_of_their_framing),
      T(a_body_nobody_reads_is_not_read_from_the_socket_either), T(a_limit_holds_for_all_pieces_together),
      T(ends_that_are_none), T(a_slow_body_that_moves_goes_on),
      T(answered_in_the_middle_of_its_body_the_connection_ends), T(both_ways_at_once_with_a_trailer),
      T(a_client_that_leaves_in_the_middle), T(h2_handler_has_the_head_before_the_body),
      T(h2_credit_is_given_back_as_the_handler_reads), T(h2_more_than_the_window_is_a_fault_of_the_client),
      T(h2_both_ways_at_once_with_a_trailer), T(h2_silence_is_asked_about), T(h2_numbers_of_streams_only_grow),
      T(h2_reset_in_the_middle))
