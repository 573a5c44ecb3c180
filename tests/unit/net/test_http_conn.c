/* A connection over time: order of replies, backlog, deadlines, half-close, drain, counts. */

#include "conn_check.h"

static void open_default(Driver *d) {
    HttpServerOptions o = driver_options();
    driver_open(d, &o);
}

static int64_t count(const _Atomic int64_t *c) {
    return atomic_load(c);
}

/* --- order --- */

TEST(pipelined_replies_leave_in_the_order_of_requests) {
    Driver d;
    open_default(&d);
    driver_input(&d, S("GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
                       "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK_EQ(d.handled, 3); /* all three are worked on at once */
    CHECK_EQ(d.out.n, 0);
    driver_answer(&d, 1, S("third\n"));
    CHECK_EQ(d.out.n, 0);
    driver_answer(&d, 0, S("first\n"));
    ptrdiff_t first = str_find(buf_str(&d.out), S("first")), second = str_find(buf_str(&d.out), S("/fast")),
              third = str_find(buf_str(&d.out), S("third"));
    CHECK(first > 0 && second > first && third > second);
    CHECK_STR(statuses(&d), S("200,200,200"));
    driver_end(&d);
}

TEST(refusal_waits_for_the_replies_before_it) {
    Driver d;
    open_default(&d);
    driver_input(&d,
                 S("GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK_EQ(d.out.n, 0);
    driver_answer(&d, 0, S("held"));
    CHECK_STR(statuses(&d), S("200,400")); /* and the third request is never looked at */
    CHECK_EQ(d.handled, 1);
    driver_end(&d);
}

TEST(backlog_is_capped_and_goes_on) {
    HttpServerOptions o = driver_options();
    o.max_pipelined = 4;
    Driver d;
    driver_open(&d, &o);
    Buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 10; i++)
        buf_put_str(&b, REQ("GET /hold HTTP/1.1"));
    driver_input(&d, buf_str(&b));
    CHECK_EQ(d.handled, 4);
    CHECK(!http_conn_wants_read(&d.conn)); /* the socket is left alone until there is room */
    driver_answer(&d, 0, S("0"));
    CHECK_EQ(d.handled, 5);
    for (size_t i = 1; i < 10; i++)
        driver_answer(&d, i, S("n"));
    CHECK_EQ(d.handled, 10);
    CHECK(http_conn_wants_read(&d.conn));
    CHECK_EQ(count_of(&d, S("HTTP/1.1 200")), 10);
    buf_done(&b);
    driver_end(&d);
}

/* A client that pipelines without end begins a few requests, and then others have their turn. */
TEST(a_turn_begins_few_requests_and_the_rest_keeps_its_order) {
    HttpServerOptions o = driver_options();
    o.turn_requests = 3;
    Driver d;
    driver_open(&d, &o);
    Buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < 8; i++)
        buf_printf(&b, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
    http_conn_input(&d.conn, b.p, b.n, driver_now(&d));
    driver_send(&d);
    CHECK_EQ(d.handled, 3);
    CHECK(http_conn_wants_turn(&d.conn));
    CHECK(!http_conn_wants_read(&d.conn)); /* what else it sends stays in the socket */
    driver_send(&d);
    CHECK_EQ(d.handled, 3); /* that it can write does not make it its turn */
    http_conn_turn(&d.conn, driver_now(&d));
    driver_send(&d);
    CHECK_EQ(d.handled, 6);
    http_conn_eof(&d.conn, driver_now(&d)); /* that it sends no more takes nothing of what it sent */
    CHECK(http_conn_wants_turn(&d.conn));
    http_conn_turn(&d.conn, driver_now(&d));
    driver_send(&d);
    CHECK_EQ(d.handled, 8);
    CHECK(!http_conn_wants_turn(&d.conn));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    CHECK_EQ(count_of(&d, S("HTTP/1.1 200")), 8);
    CHECK(str_ends(buf_str(&d.out), S("GET /7\n")));
    buf_done(&b);
    driver_end(&d);
}

/* While it waits for an answer of its own a connection wants no turn. */
TEST(a_full_backlog_wants_no_turn) {
    HttpServerOptions o = driver_options();
    o.max_pipelined = 2;
    o.turn_requests = 3;
    Driver d;
    driver_open(&d, &o);
    Buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < 4; i++)
        buf_printf(&b, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    driver_input(&d, buf_str(&b));
    CHECK_EQ(d.handled, 2);
    CHECK(!http_conn_wants_turn(&d.conn));
    driver_answer(&d, 0, S("x"));
    CHECK_EQ(d.handled, 3);
    for (size_t i = 1; i < 4; i++)
        driver_answer(&d, i, S("x"));
    CHECK_EQ(count_of(&d, S("HTTP/1.1 200")), 4);
    buf_done(&b);
    driver_end(&d);
}

TEST(reading_stops_while_replies_are_over_the_mark) {
    HttpServerOptions o = driver_options();
    o.reply_mark = 150000;
    Driver d;
    driver_open(&d, &o);
    d.socket = 0; /* a client that does not read */
    driver_input(&d, REQ("GET /big HTTP/1.1"));
    CHECK(http_conn_wants_read(&d.conn)); /* 100 KB are under it */
    driver_input(&d, REQ("GET /big HTTP/1.1"));
    CHECK(!http_conn_wants_read(&d.conn));
    driver_input(&d, REQ("GET /big HTTP/1.1")); /* already on its way: kept, not answered */
    CHECK_EQ(d.handled, 2);
    d.socket = SIZE_MAX;
    driver_flush(&d);
    CHECK_EQ(d.handled, 3);
    CHECK_EQ(count_of(&d, S("HTTP/1.1 200")), 3);
    CHECK(http_conn_wants_read(&d.conn));
    driver_end(&d);
}

TEST(partial_writes_lose_nothing) {
    Driver d;
    open_default(&d);
    d.socket = 0;
    driver_input(&d, REQ("GET /big HTTP/1.1"));
    driver_input(&d, REQ("GET /small HTTP/1.1"));
    for (int i = 0; i < 200; i++) {
        d.socket = 777;
        driver_flush(&d);
    }
    CHECK_STR(statuses(&d), S("200,200"));
    CHECK(str_ends(buf_str(&d.out), S("GET /small\n")));
    CHECK(d.out.n > 100000 && d.out.n < 101000);
    driver_end(&d);
}

/* --- keep-alive --- */

TEST(who_closes_when) {
    static const struct {
        const char *name, *bytes;
        HttpConnState want;
        const char *says; /* Connection: of the reply; NULL = none */
    } rows[] = {
        { "1.1", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_CONN_OPEN, NULL },
        { "1.1 close", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", HTTP_CONN_CLOSE, "close" },
        { "1.1 Close in a list", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: te, Close\r\n\r\n", HTTP_CONN_CLOSE,
          "close" },
        { "1.0", "GET /a HTTP/1.0\r\n\r\n", HTTP_CONN_CLOSE, "close" },
        { "1.0 keep-alive", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", HTTP_CONN_OPEN, "keep-alive" },
        { "close, and more behind it",
          "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_CONN_LINGER,
          "close" },
    };
    EACH_ROW (r, rows) {
        Driver d;
        open_default(&d);
        driver_input(&d, str_c(r->bytes));
        CHECK_STR(statuses(&d), S("200"));
        CHECK_EQ(http_conn_state(&d.conn), r->want);
        CHECK_EQ(sent(&d, S("Connection: ")), r->says != NULL);
        if (r->says)
            CHECK(sent(&d, strcmp(r->says, "close") == 0 ? S("\r\nConnection: close\r\n")
                                                         : S("\r\nConnection: keep-alive\r\n")));
        driver_end(&d);
    }
}

TEST(half_closed_client_still_gets_its_answer) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    http_conn_eof(&d.conn, driver_now(&d));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
    CHECK(!http_conn_wants_read(&d.conn));
    CHECK(!http_exchange_gone(d.held[0]));
    driver_answer(&d, 0, S("here"));
    CHECK(str_ends(buf_str(&d.out), S("\r\n\r\nhere")));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_end(&d);
}

/* TCP cannot tell a client that waits with its half closed from one that has gone: after a while it counts as gone, and
 * whoever works for it can see that. */
TEST(half_closed_client_is_gone_after_a_while) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    const atomic_bool *gone = http_exchange_gone_flag(d.held[0]);
    driver_advance_ms(&d, 60 * 1000);
    http_conn_eof(&d.conn, driver_now(&d));
    driver_advance_ms(&d, d.core.o.half_closed_ms - 1);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
    CHECK(!atomic_load(gone));
    driver_advance_ms(&d, 1);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_close(&d);
    CHECK(atomic_load(gone) && http_exchange_gone(d.held[0]));
    driver_answer(&d, 0, S("too late"));
    driver_end(&d);
}

TEST(eof_in_the_middle_of_a_request_drops_it) {
    static const struct {
        const char *name, *bytes;
    } rows[] = { { "head", "GET /a HTTP/1.1\r\nHo" },
                 { "body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab" } };
    EACH_ROW (r, rows) {
        Driver d;
        open_default(&d);
        driver_input(&d, str_c(r->bytes));
        http_conn_eof(&d.conn, driver_now(&d));
        CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
        CHECK_EQ(d.handled, 0);
        CHECK_EQ(count(&d.core.counts.aborted), 1);
        driver_end(&d);
    }
}

/* --- deadlines: absolute, on both sides of the line --- */

TEST(slow_head_is_cut_at_its_deadline_however_it_drips) {
    Driver d;
    open_default(&d);
    driver_input(&d, S("GET /a HTTP/1.1\r\nHost: x\r\nX: "));
    for (int s = 1; s < 10; s++) { /* a byte a second does not buy time */
        driver_advance_ms(&d, 1000);
        driver_input(&d, S("a"));
    }
    driver_advance_ms(&d, 999);
    CHECK_EQ(d.out.n, 0);
    driver_advance_ms(&d, 1);
    CHECK_STR(statuses(&d), S("408"));
    CHECK_EQ(count(&d.core.counts.refused_408), 1);
    driver_end(&d);
}

TEST(slow_body_is_cut_at_its_deadline) {
    Driver d;
    open_default(&d);
    driver_advance_ms(&d, 5000);
    driver_input(&d, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"));
    for (int s = 1; s < 30; s++) {
        driver_advance_ms(&d, 1000);
        driver_input(&d, S("a"));
    }
    driver_advance_ms(&d, 999);
    CHECK_EQ(d.out.n, 0);
    driver_advance_ms(&d, 1);
    CHECK_STR(statuses(&d), S("408"));
    driver_end(&d);
}

TEST(idle_connections_end_quietly) {
    Driver d;
    open_default(&d);
    driver_advance_ms(&d, 9999); /* a new one has the time of a head */
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
    driver_advance_ms(&d, 1);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_end(&d);

    open_default(&d);
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    driver_advance_ms(&d, 59999); /* one that had a request has longer */
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
    driver_advance_ms(&d, 1);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    CHECK_STR(statuses(&d), S("200"));
    driver_end(&d);
}

TEST(client_that_takes_no_reply_is_cut_but_a_slow_one_is_not) {
    Driver d;
    open_default(&d);
    d.socket = 1000;
    driver_input(&d, REQ("GET /big HTTP/1.1"));
    for (int i = 0; i < 5; i++) { /* progress now and then is enough */
        driver_advance_ms(&d, 29999);
        CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
        d.socket = 1000;
        driver_flush(&d);
    }
    driver_advance_ms(&d, 29999);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
    driver_advance_ms(&d, 1);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_close(&d);
    CHECK_EQ(count(&d.core.counts.aborted), 1); /* its reply was queued, and never arrived */
    CHECK_EQ(count(&d.core.counts.replied), 0);
    driver_end(&d);
}

TEST(a_handler_may_take_its_time) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    driver_advance_ms(&d, 3600 * 1000);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
    driver_answer(&d, 0, S("late"));
    CHECK_STR(statuses(&d), S("200"));
    driver_end(&d);
}

TEST(after_a_refusal_the_rest_is_read_and_dropped_for_a_while) {
    Driver d;
    open_default(&d);
    driver_input(&d, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"));
    CHECK_STR(statuses(&d), S("413"));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_LINGER);
    CHECK(http_conn_wants_read(&d.conn));
    for (int i = 0; i < 100; i++)
        driver_input(&d, S("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK_EQ(d.handled, 0);
    driver_advance_ms(&d, 1999);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_LINGER);
    driver_advance_ms(&d, 1);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_end(&d);
}

TEST(linger_ends_with_the_client) {
    Driver d;
    open_default(&d);
    driver_input(&d, S("GARBAGE\r\n\r\n"));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_LINGER);
    http_conn_eof(&d.conn, driver_now(&d));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_end(&d);
}

/* --- Expect: 100-continue --- */

TEST(continue_is_said_when_the_body_is_wanted_and_its_turn_has_come) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    driver_input(&d, S("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"));
    CHECK_EQ(d.out.n, 0); /* not before the reply that is due first */
    driver_answer(&d, 0, S("held"));
    CHECK_STR(statuses(&d), S("200,100"));
    driver_input(&d, S("ab"));
    CHECK_STR(statuses(&d), S("200,100,200"));
    CHECK(str_ends(buf_str(&d.out), S("\r\n\r\nab")));
    driver_end(&d);
}

TEST(continue_is_not_said_needlessly) {
    static const struct {
        const char *name, *bytes, *want;
    } rows[] = {
        { "body is there already",
          "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", "200" },
        { "no body", "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", "200" },
        { "1.0", "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "" },
        { "refused", "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n",
          "413" },
    };
    EACH_ROW (r, rows) {
        Driver d;
        open_default(&d);
        driver_input(&d, str_c(r->bytes));
        CHECK_STR(statuses(&d), str_c(r->want));
        driver_end(&d);
    }
}

/* --- leaving --- */

TEST(answer_for_a_client_that_left_goes_nowhere_and_is_counted) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    driver_close(&d);
    CHECK(http_exchange_gone(d.held[0]));
    CHECK_EQ(d.core.owed, 1);
    CHECK_EQ(d.done_aborted, 1);
    driver_answer(&d, 0, S("nobody"));
    CHECK_EQ(d.core.owed, 0);
    CHECK_EQ(d.dones, 1); /* told once */
    driver_end(&d);
}

TEST(every_request_is_counted_once_whatever_became_of_it) { /* OBS-08 */
    Driver d;
    open_default(&d);
    driver_input(&d, S("\r\n")); /* no request yet */
    CHECK_EQ(count(&d.core.counts.requests), 0);
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    driver_input(&d, REQ("GET /b HTTP/1.1"));                            /* answered, waits for its turn */
    driver_input(&d, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Le")); /* half a head */
    CHECK_EQ(count(&d.core.counts.requests), 4);
    CHECK_EQ(count(&d.core.counts.replied), 1);
    driver_close(&d);
    CHECK_EQ(count(&d.core.counts.replied), 1);
    CHECK_EQ(count(&d.core.counts.aborted), 3);
    CHECK_EQ(d.dones, 4);
    CHECK_EQ(d.done_aborted, 3);
    driver_end(&d);
    CHECK_EQ(d.dones, 4);
}

TEST(drain_closes_after_the_last_reply) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    driver_input(&d, REQ("GET /hold HTTP/1.1"));
    d.core.draining = true;
    driver_answer(&d, 0, S("one"));
    CHECK(!sent(&d, S("Connection: close")));
    driver_answer(&d, 1, S("two"));
    CHECK_EQ(count_of(&d, S("Connection: close")), 1);
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE);
    driver_end(&d);

    open_default(&d);
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_OPEN);
    d.core.draining = true;
    CHECK_EQ(http_conn_state(&d.conn), HTTP_CONN_CLOSE); /* idle ones go at once */
    driver_end(&d);
}

TEST(one_connection_too_many_is_told_so) {
    Driver d;
    open_default(&d);
    http_conn_turn_away(&d.conn, driver_now(&d));
    driver_flush(&d);
    CHECK_STR(statuses(&d), S("503"));
    driver_input(&d, REQ("GET /a HTTP/1.1"));
    CHECK_EQ(d.handled, 0);
    CHECK_EQ(count(&d.core.counts.refused_503), 1);
    driver_end(&d);
}

TEST(idle_connection_holds_no_memory_beside_itself) {
    Driver d;
    open_default(&d);
    driver_input(&d, REQ("GET /big HTTP/1.1"));
    driver_input(&d, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"));
    CHECK(d.conn.cur == NULL && d.conn.first == NULL && d.conn.out.first == NULL && d.conn.stash.p == NULL);
    CHECK(sizeof(HttpConn) <= 512);
    driver_end(&d);
}

TESTS(T(pipelined_replies_leave_in_the_order_of_requests), T(refusal_waits_for_the_replies_before_it),
      T(backlog_is_capped_and_goes_on), T(a_turn_begins_few_requests_and_the_rest_keeps_its_order),
      T(a_full_backlog_wants_no_turn), T(reading_stops_while_replies_are_over_the_mark), T(partial_writes_lose_nothing),
      T(who_closes_when), T(half_closed_client_still_gets_its_answer), T(half_closed_client_is_gone_after_a_while),
      T(eof_in_the_middle_of_a_request_drops_it), T(slow_head_is_cut_at_its_deadline_however_it_drips),
      T(slow_body_is_cut_at_its_deadline), T(idle_connections_end_quietly),
      T(client_that_takes_no_reply_is_cut_but_a_slow_one_is_not), T(a_handler_may_take_its_time),
      T(after_a_refusal_the_rest_is_read_and_dropped_for_a_while), T(linger_ends_with_the_client),
      T(continue_is_said_when_the_body_is_wanted_and_its_turn_has_come), T(continue_is_not_said_needlessly),
      T(answer_for_a_client_that_left_goes_nowhere_and_is_counted),
      T(every_request_is_counted_once_whatever_became_of_it), T(drain_closes_after_the_last_reply),
      T(one_connection_too_many_is_told_so), T(idle_connection_holds_no_memory_beside_itself))
