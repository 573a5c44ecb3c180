/* The gateway's hop over HTTP/1.1 and HTTP/2 against our own server, on one loop: bodies that stream both ways, calls that
 * share a connection, credit, trailers, ends of every kind. */

#include "lib/test.h"

#include <unistd.h>

#include "adapters/clock/system.h"
#include "net/http_upstream.h"

enum { CALLS_MAX = 400, BIG = 3 << 20 };

typedef struct World {
    Clock clock;
    Loop *loop;
    HttpServer *server;
    Upstream *up;
    char address[64];
    HttpExchange *held[16];
    int n_held;
    int64_t deadline_ms;
    int ended, wanted;
} World;

typedef struct Call { /* one, with what it sends and what came of it */
    World *w;
    UpCall *call;
    size_t to_send, sent;
    bool wait_first; /* the pump says WAIT before its first bytes */
    LoopTimer timer;
    int status, err;
    bool was_sent, whole, paused;
    size_t got;
    uint64_t sum;
    char trailer[32];
    size_t close_after; /* bytes of the reply; 0: at its end */
} Call;

/* --- the server --- */

static void on_body_echo(HttpExchange *ex) {
    http_stream_wake(ex);
}

static int echo_pump(void *arg, Buf *out) {
    HttpExchange *ex = arg;
    int r = http_body_read(ex, out);
    if (r == HTTP_PUMP_DONE)
        http_reply_trailers(ex, &(HttpField){ S("x-end"), S("well") }, 1);
    return r;
}

static int big_pump(void *arg, Buf *out) {
    size_t *left = arg;
    static char zeros[64 * 1024];
    size_t n = MIN(*left, sizeof zeros);
    buf_put(out, zeros, n);
    *left -= n;
    return *left ? HTTP_PUMP_MORE : HTTP_PUMP_DONE;
}

static void nothing(void *arg) {
    UNUSED(arg);
}

static void free_it(void *arg) {
    mem_free(arg);
}

static void handle(void *arg, HttpExchange *ex) {
    World *w = arg;
    HttpReply r = { .status = 200 };
    if (str_eq(ex->head.path, S("/echo"))) {
        ex->on_body = ex->on_gone = on_body_echo;
        http_reply_stream(ex, &r, echo_pump, ex, nothing);
    } else if (str_eq(ex->head.path, S("/big"))) {
        size_t *left = mem_new(size_t);
        *left = BIG;
        http_reply_stream(ex, &r, big_pump, left, free_it);
    } else if (str_eq(ex->head.path, S("/hold")) && w->n_held < 16) {
        w->held[w->n_held++] = ex;
    } else if (str_eq(ex->head.path, S("/refuse"))) {
        r.status = 403;
        r.length = -1;
        http_reply(ex, &r);
    } else {
        buf_init(&r.body, 1 << 20);
        buf_put_str(&r.body, ex->head.query);
        http_reply(ex, &r);
    }
}

static HttpIntake intake(void *arg, const HttpHead *head) {
    UNUSED(arg);
    return str_eq(head->path, S("/echo")) || str_eq(head->path, S("/refuse")) ? HTTP_BODY_OPEN : HTTP_BODY_WHOLE;
}

static void world_start(World *w, bool h2) {
    *w = (World){ .deadline_ms = 60000 };
    clock_system_init(&w->clock);
    w->loop = loop_new(&w->clock);
    HttpServerOptions so;
    http_server_options_default(&so);
    so.on_intake = intake;
    so.max_body = (size_t)64 << 20;
    w->server = http_server_new(w->loop, &so, handle, w);
    char why[200];
    int port = 0;
    if (http_server_listen_tcp(w->server, "127.0.0.1", 0, &port, why, sizeof why) != 0)
        FAIL("%s", why);
    snprintf(w->address, sizeof w->address, "127.0.0.1:%d", port);
    UpstreamOptions uo;
    upstream_options_default(&uo);
    uo.h2 = h2;
    uo.max_connections = 8;
    w->up = upstream_new(w->loop, str_c(w->address), &uo, NULL, (Str){ 0 });
}

static void world_end(World *w) {
    UpstreamStats st;
    upstream_stats(w->up, &st);
    if (st.open != 0 || st.waiting != 0)
        FAIL("%lld calls are open, %lld wait", (long long)st.open, (long long)st.waiting);
    w->up = upstream_free(w->up);
    for (int i = 0; i < w->n_held; i++)
        http_reply(w->held[i], &(HttpReply){ .status = 200 });
    w->server = http_server_free(w->server);
    w->loop = loop_free(w->loop);
}

/* --- calls --- */

static void end_call(Call *c) {
    upstream_close(TAKE(c->call));
    if (++c->w->ended == c->w->wanted)
        loop_stop(c->w->loop);
}

static void take_all(Call *c) {
    for (;;) {
        Buf piece = { 0 };
        int r = upstream_take(c->call, &piece);
        c->got += piece.n;
        for (size_t i = 0; i < piece.n; i++)
            c->sum = c->sum * 31 + (uint8_t)piece.p[i];
        buf_done(&piece);
        if (r == HTTP_PUMP_WAIT)
            return;
        if (r == HTTP_PUMP_MORE && !(c->close_after && c->got >= c->close_after))
            continue;
        const HttpField *fields;
        size_t n;
        upstream_trailers(c->call, &fields, &n);
        if (r == HTTP_PUMP_DONE && n == 1)
            snprintf(c->trailer, sizeof c->trailer, STR_FMT, STR_ARG(fields[0].value));
        c->err = r < 0 ? r : 0;
        end_call(c);
        return;
    }
}

static void on_head(void *arg, const UpHead *head) {
    Call *c = arg;
    c->status = head->status;
    c->whole = head->whole;
    if (!c->paused)
        take_all(c);
}

static void on_fail(void *arg, int err, bool sent) {
    Call *c = arg;
    c->call = NULL;
    c->err = err;
    c->was_sent = sent;
    end_call(c);
}

static void on_more(void *arg) {
    take_all(arg);
}

static const UpEvents events = { .head = on_head, .fail = on_fail, .more = on_more };

static void resume(void *arg) {
    Call *c = arg;
    c->wait_first = false;
    if (c->call)
        upstream_wake(c->call);
}

static int pump(void *arg, Buf *out) {
    Call *c = arg;
    enum { PIECE = 10000 };
    if (c->wait_first) {
        loop_timer_start(&c->timer, 20, 0);
        return HTTP_PUMP_WAIT;
    }
    char bytes[PIECE];
    size_t n = MIN(c->to_send - c->sent, (size_t)PIECE);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((c->sent + i) % 251);
    buf_init(out, PIECE);
    buf_put(out, bytes, n);
    c->sent += n;
    return c->sent == c->to_send ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
}

static void start(World *w, Call *c, const char *path, bool streams) {
    c->w = w;
    loop_timer_init(&c->timer, w->loop, resume, c);
    UpRequest rq = { .method = streams ? S("POST") : S("GET"),
                     .target = str_c(path),
                     .pump = streams ? pump : NULL,
                     .pump_arg = c,
                     .deadline = mono_add_ms(clock_mono(&w->clock), w->deadline_ms) };
    int r = upstream_send(w->up, &rq, &events, c, &c->call);
    if (r != 0)
        FAIL("upstream_send: %d", r);
}

static void run(World *w, int wanted) {
    w->ended = 0;
    w->wanted = wanted;
    loop_run(w->loop);
}

static uint64_t sum_of(size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + (uint8_t)(char)(i % 251);
    return sum;
}

static const struct Way {
    const char *name;
    bool h2;
} ways[] = { { "HTTP/1.1", false }, { "HTTP/2", true } };

/* --- tests --- */

TEST(bodies_stream_there_and_back) {
    EACH_ROW (way, ways) {
        World w;
        world_start(&w, way->h2);
        Call small = { .to_send = 10 }, big = { .to_send = BIG }, late = { .to_send = 50000, .wait_first = true },
             none = { .to_send = 0 };
        start(&w, &small, "/echo", true);
        start(&w, &big, "/echo", true);
        start(&w, &late, "/echo", true);
        start(&w, &none, "/echo", true);
        run(&w, 4);
        Call *all[] = { &small, &big, &late, &none };
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
            CHECK_EQ(all[i]->err, 0);
            CHECK_EQ(all[i]->status, 200);
            CHECK_EQ(all[i]->got, all[i]->to_send);
            CHECK(all[i]->sum == sum_of(all[i]->to_send));
            CHECK_STR(str_c(all[i]->trailer), way->h2 ? S("well") : S(""));
        }
        world_end(&w);
    }
}

TEST(h2_calls_share_connections_and_wait_when_all_are_full) {
    World w;
    static Call calls[CALLS_MAX];
    memset(calls, 0, sizeof calls);
    world_start(&w, true);
    for (int i = 0; i < CALLS_MAX; i++)
        start(&w, &calls[i], "/x?abc", false);
    run(&w, CALLS_MAX);
    for (int i = 0; i < CALLS_MAX; i++) {
        CHECK_EQ(calls[i].err, 0);
        CHECK_EQ(calls[i].got, 3);
    }
    UpstreamStats st;
    upstream_stats(w.up, &st);
    CHECK(st.opened >= 4 && st.opened <= 8);
    CHECK_EQ(st.idle, st.connections);
    Call again = { 0 };
    start(&w, &again, "/x?abcd", false);
    run(&w, 1);
    upstream_stats(w.up, &st);
    CHECK_EQ(again.got, 4);
    CHECK_EQ(st.reused >= 1, 1);
    world_end(&w);
}

static void start_taking(void *arg) {
    Call *c = arg;
    c->paused = false;
    take_all(c);
}

TEST(h2_a_reply_nobody_takes_does_not_hold_others) {
    World w;
    world_start(&w, true);
    Call slow = { .paused = true }, quick = { 0 };
    start(&w, &slow, "/big", false);
    start(&w, &quick, "/big", false);
    run(&w, 1); /* the quick one alone can end */
    CHECK_EQ(quick.got, BIG);
    CHECK_EQ(slow.got, 0);
    LoopTimer t;
    loop_timer_init(&t, w.loop, start_taking, &slow);
    loop_timer_start(&t, 1, 0);
    run(&w, 1);
    CHECK_EQ(slow.got, BIG);
    world_end(&w);
}

TEST(a_call_that_is_given_up_leaves_the_others) {
    EACH_ROW (way, ways) {
        World w;
        world_start(&w, way->h2);
        Call left = { .close_after = 1 }, stays = { 0 };
        start(&w, &left, "/big", false);
        start(&w, &stays, "/big", false);
        run(&w, 2);
        CHECK_EQ(stays.got, BIG);
        CHECK(left.got > 0 && left.got < BIG);
        world_end(&w);
    }
}

TEST(an_early_answer_ends_the_upload) {
    EACH_ROW (way, ways) {
        World w;
        world_start(&w, way->h2);
        Call c = { .to_send = (size_t)32 << 20 };
        start(&w, &c, "/refuse", true);
        run(&w, 1);
        CHECK_EQ(c.err == 0 ? c.status : 403, 403); /* over HTTP/1.1 the reset may overtake the answer */
        if (way->h2) {
            CHECK_EQ(c.err, 0);
            CHECK(c.whole && c.sent < c.to_send);
        }
        world_end(&w);
    }
}

TEST(deadlines_and_upstreams_that_are_not_there) {
    EACH_ROW (way, ways) {
        World w;
        world_start(&w, way->h2);
        w.deadline_ms = 150;
        Call c = { 0 };
        start(&w, &c, "/hold", false);
        run(&w, 1);
        CHECK_EQ(c.err, ERR_TIMEOUT);
        CHECK(c.was_sent);
        world_end(&w);

        world_start(&w, way->h2);
        w.server = http_server_free(w.server);
        Call d = { .to_send = 100 };
        start(&w, &d, "/echo", true);
        run(&w, 1);
        CHECK_EQ(d.err, ERR_UNAVAILABLE);
        CHECK(!d.was_sent && d.sent == 0); /* so it may go elsewhere, whatever it is */
        world_end(&w);
    }
}

TEST(h2_a_server_that_dies_in_the_middle) {
    World w;
    world_start(&w, true);
    Call first = { .close_after = 1, .paused = false }, held = { 0 };
    start(&w, &held, "/hold", false);
    start(&w, &first, "/big", false);
    run(&w, 1);
    w.ended = 0;
    w.wanted = 1;
    for (int i = 0; i < w.n_held; i++)
        http_reply(w.held[i], &(HttpReply){ .status = 200 });
    w.n_held = 0;
    w.server = http_server_free(w.server); /* before the answer is out */
    loop_run(w.loop);
    CHECK(held.err == ERR_UNAVAILABLE || held.status == 200);
    world_end(&w);
}

/* A server of anything but HTTP/2. */
TEST(h2_nonsense_is_told_as_such) {
    World w;
    world_start(&w, false); /* ours is asked by HTTP/1.1 what h2 cannot read */
    UpstreamOptions uo;
    upstream_options_default(&uo);
    uo.h2 = true;
    upstream_free(w.up);
    HttpServerOptions so;
    http_server_options_default(&so);
    so.h2 = false; /* it will answer the preface with 505 */
    w.server = http_server_free(w.server);
    w.server = http_server_new(w.loop, &so, handle, &w);
    char why[200];
    int port = 0;
    if (http_server_listen_tcp(w.server, "127.0.0.1", 0, &port, why, sizeof why) != 0)
        FAIL("%s", why);
    snprintf(w.address, sizeof w.address, "127.0.0.1:%d", port);
    w.up = upstream_new(w.loop, str_c(w.address), &uo, NULL, (Str){ 0 });
    Call c = { 0 };
    start(&w, &c, "/x", false);
    run(&w, 1);
    CHECK(c.err == ERR_CORRUPT || c.err == ERR_UNAVAILABLE);
    world_end(&w);
}

TESTS(T(bodies_stream_there_and_back), T(h2_calls_share_connections_and_wait_when_all_are_full),
      T(h2_a_reply_nobody_takes_does_not_hold_others), T(a_call_that_is_given_up_leaves_the_others),
      T(an_early_answer_ends_the_upload), T(deadlines_and_upstreams_that_are_not_there),
      T(h2_a_server_that_dies_in_the_middle), T(h2_nonsense_is_told_as_such))
