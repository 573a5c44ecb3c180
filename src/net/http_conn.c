/* net/http_conn.c - see http_conn.h: requests in order of arrival, replies in the same order, and every deadline. */

#include "net/h2_conn.h"
#include "net/http_exchange.h"

void http_server_options_default(HttpServerOptions *o) {
    *o = (HttpServerOptions){
        .max_header_bytes = 16 * 1024,
        .max_fields = 100,
        .max_body = 16 * 1024 * 1024,
        .header_ms = 10 * 1000,
        .body_ms = 30 * 1000,
        .idle_ms = 60 * 1000,
        .write_ms = 30 * 1000,
        .linger_ms = 2000,
        .half_closed_ms = 5000,
        .max_connections = 10000,
        .max_pipelined = 32,
        .turn_requests = 4,
        .h2 = true,
        .h2_max_streams = 100,
        .h2_ping_ms = 60 * 1000,
        .h2_pong_ms = 20 * 1000,
        .reply_mark = 1024 * 1024,
        .reply_total = 256 * 1024 * 1024,
        .unread_ms = 5000,
        .server_name = S("finsight"),
    };
}

void http_core_init(HttpCore *core, const HttpServerOptions *o, HttpHandler *fn, void *arg, Clock *clock) {
    *core = (HttpCore){ .o = *o, .fn = fn, .arg = arg, .clock = clock, .now = clock_mono(clock) };
}

void http_core_done(HttpCore *core) {
    assert(core->owed == 0);
    exchanges_free_all(core);
    out_pool_done(&core->segs);
}

void http_conn_init(HttpConn *c, HttpCore *core, Str peer, bool local, MonoNs now) {
    *c = (HttpConn){ .core = core, .local = local, .idle_since = now, .peer_n = (uint8_t)MIN(peer.n, sizeof c->peer) };
    c->out.pool = &core->segs;
    memcpy(c->peer, peer.p, c->peer_n);
    core->now = now;
    http_count(&core->counts.connections, 1);
    http_count(&core->counts.accepted, 1);
}

/* --- the list of replies owed --- */

static void list_append(HttpConn *c, Exchange *x) {
    if (c->last)
        c->last->next = x;
    else
        c->first = x;
    c->last = x;
    c->n_owed++;
}

static void list_drop_first(HttpConn *c) {
    Exchange *x = c->first;
    c->first = x->next;
    if (!c->first)
        c->last = NULL;
    x->next = NULL;
    c->n_owed--;
}

static void list_drop_last(HttpConn *c) {
    Exchange *before = NULL;
    for (Exchange *x = c->first; x != c->last; x = x->next)
        before = x;
    if (before)
        before->next = NULL;
    else
        c->first = NULL;
    c->last = before;
    c->n_owed--;
}

/* The rest of the body that streams will never come, and nothing behind it is a request. Its handler answers all the
 * same, and may do so here. */
static void fail_body(HttpConn *c, int err) {
    Exchange *x = TAKE(c->cur);
    x->keep_alive = false;
    c->closing = c->linger = true;
    exchange_body_fail(x, err);
}

/* Drops the request that will never be whole. */
static void drop_cur(HttpConn *c) {
    Exchange *x = TAKE(c->cur);
    if (!x || x->dispatched) /* that is in the list, with those that are owed an answer */
        return;
    if (c->last == x)
        list_drop_last(c);
    exchange_count(x, true);
    exchange_release(x);
}

/* Requests behind the last one that is answered: a client must not expect anything of them (RFC 9112 §9.6). */
static void drop_all(HttpConn *c) {
    drop_cur(c);
    while (c->first) {
        Exchange *x = c->first;
        list_drop_first(c);
        exchange_detach(x);
    }
    buf_done(&c->stash);
    c->held_bytes = 0;
}

/* The reply of the first exchange is queued to its last byte. */
static void finish_first(HttpConn *c) {
    Exchange *x = c->first;
    list_drop_first(c);
    c->unsent_replies++;
    if (x == c->cur) { /* answered in the middle of its body: where the next request begins nobody waits to see */
        c->cur = NULL;
        c->linger = true;
        x->keep_alive = false;
    }
    if (!x->keep_alive) {
        c->closing = true;
        c->linger |= x->refused || c->first || c->cur || c->stash.n;
        drop_all(c);
    }
    exchange_count(x, false);
    exchange_release(x);
}

/* Queues head and body of the first exchange. True when that was all of it. */
static bool start_reply(HttpConn *c, Exchange *x) {
    bool bodiless = x->head_only || x->status == 204 || x->status == 304;
    bool only = c->first == c->last && !c->cur && !c->stash.n;
    if ((c->core->draining && only) || (x == c->cur && !x->pump))
        x->keep_alive = false;
    c->held_bytes -= x->body_out.n;
    x->started = true;
    if (!x->pump) {
        size_t n = exchange_body_out(x).n;
        out_reply_head(c, x, x->head_only && x->length ? x->length : (int64_t)n, !x->keep_alive);
        if (!bodiless)
            x->sent = (int64_t)n;
        if (!bodiless && x->shared_out)
            out_share(c, x->shared_out);
        else if (!bodiless)
            out_take(c, &x->body_out);
        return true;
    }
    bool told = x->length > 0;
    x->chunked = !told && x->pub.head.minor == 1 && x->status != 204 && x->status != 304;
    if (!told && !x->chunked && !bodiless)
        x->keep_alive = false; /* the end of the body is the end of the connection */
    out_reply_head(c, x, told ? x->length : -1, !x->keep_alive);
    if (bodiless) {
        x->pump_done(x->pump_arg);
        return true;
    }
    out_piece(c, x, &x->body_out);
    return false;
}

/* Queues every reply whose turn it is. */
static void conn_emit(HttpConn *c) {
    Exchange *x;
    while ((x = c->first) && x->ready && !x->started)
        if (start_reply(c, x))
            finish_first(c);
    if (x && x == c->cur && x->want_continue && !x->complete) {
        x->want_continue = false;
        if (x->raw_body == 0)
            out_put(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
}

void conn_pump(HttpConn *c) {
    Exchange *x = c->first;
    if (!x || !x->started || c->dead)
        return;
    int r = out_pump(c, x);
    if (r == HTTP_PUMP_MORE)
        return;
    x->pump_done(x->pump_arg);
    x->pump = NULL;
    if (r < 0) {
        c->dead = true;
        return;
    }
    finish_first(c);
    conn_emit(c);
}

/* --- bytes in --- */

static bool has_room(const HttpConn *c) {
    return c->n_owed < c->core->o.max_pipelined && c->out.bytes + c->held_bytes <= c->core->o.reply_mark;
}

static void conn_refuse(HttpConn *c, int status, const char *why) {
    Exchange *x = TAKE(c->cur);
    if (c->last != x)
        list_append(c, x);
    exchange_refuse(x, status, why);
    x->ready = true;
    c->held_bytes += x->body_out.n;
    c->closing = c->linger = true;
    buf_done(&c->stash);
    conn_emit(c);
}

static void conn_dispatch(HttpConn *c) {
    Exchange *x = TAKE(c->cur);
    c->served = true;
    if (!x->keep_alive)
        c->closing = true;
    if (x->dispatched) { /* its handler has been at it since the head */
        exchange_body_news(x);
        return;
    }
    x->dispatched = true;
    c->core->fn(c->core->arg, &x->pub); /* may answer, and so release x */
}

/* The head is whole: the handler of a body that streams has it from now on. */
static void conn_head_whole(HttpConn *c, Exchange *x, bool no_more_came) {
    list_append(c, x);
    if (exchange_streams(x) && !x->complete) {
        x->dispatched = true;
        c->core->fn(c->core->arg, &x->pub);
        if (c->cur != x) /* answered, without a look at the body */
            return;
    }
    if (no_more_came) /* else the body is on its way already */
        conn_emit(c);
}

/* What came was no good, or is the end of a request. */
static void conn_took(HttpConn *c, Exchange *x, int status) {
    if (status != 0 && x->dispatched)
        fail_body(c, status == 413 ? ERR_TOO_LARGE : ERR_BAD_REQUEST);
    else if (status != 0)
        conn_refuse(c, status, x->why);
    else if (x->complete)
        conn_dispatch(c);
    else if (x->dispatched && x->body.n)
        exchange_body_news(x);
}

/* Empty lines before a request are forgiven, two at most (RFC 9112 §2.2). Returns how many bytes were theirs. */
static size_t skip_blank(HttpConn *c, const char *p, size_t n) {
    size_t i = 0;
    while (i < n && c->blank < 4 && p[i] == (c->blank % 2 ? '\n' : '\r')) {
        c->blank++;
        i++;
    }
    return i;
}

/* Moves the arriving request on. Returns the bytes it used; 0 only after a refusal. */
static size_t conn_step(HttpConn *c, const char *p, size_t n) {
    Exchange *x = c->cur;
    size_t used = 0;
    int status;
    if (!x->head_whole) {
        status = http_head_take(x, p, n, &used);
        if (status == 0 && x->head_whole)
            status = http_head_parse(x);
        if (status == 0 && x->head_whole)
            conn_head_whole(c, x, used == n);
    } else {
        status = http_body_take(x, p, n, &used);
    }
    if (c->cur == x)
        conn_took(c, x, status);
    return used;
}

static void conn_parse(HttpConn *c, const char *p, size_t n) {
    while (n > 0 && !c->closing && !c->dead && !c->protocol) {
        if (!c->cur) {
            size_t blank = skip_blank(c, p, n);
            p += blank;
            n -= blank;
            if (n == 0)
                return;
            if (!has_room(c) || c->turn_left <= 0) {
                buf_init(&c->stash, MAX(n, (size_t)HTTP_READ_BODY));
                buf_put(&c->stash, p, n);
                return;
            }
            c->blank = 0;
            c->turn_left--;
            c->cur = exchange_new(c);
        }
        size_t used = conn_step(c, p, n);
        p += used;
        n -= used;
    }
    if (n > 0 && c->protocol)
        c->protocol->input(c, p, n);
    else if (n > 0)
        c->linger = true; /* more came after the last request we take: a bare close would reset the reply away */
}

static void conn_resume(HttpConn *c) {
    while (c->stash.n && !c->dead && has_room(c) && c->turn_left > 0) {
        Buf stash = c->stash;
        c->stash = (Buf){ 0 };
        conn_parse(c, stash.p, stash.n);
        buf_done(&stash);
    }
    if (c->eof && !c->stash.n && c->cur && c->cur->dispatched)
        fail_body(c, ERR_BAD_REQUEST);
    else if (c->eof && !c->stash.n)
        drop_cur(c);
}

/* A client that knows beforehand that we speak HTTP/2 begins with its preface. True while p may still be one, or is. */
static bool take_preface(HttpConn *c, const char *p, size_t n) {
    if (!c->core->o.h2 || c->served || c->cur || c->closing || c->stash.n || c->blank)
        return false;
    size_t have = c->preface_n, take = MIN(n, H2_PREFACE_SIZE - have);
    if (memcmp(p, &H2_PREFACE[have], take) != 0) {
        c->preface_n = 0;
        conn_parse(c, H2_PREFACE, have); /* what was taken for its beginning */
        return false;
    }
    c->preface_n = (uint8_t)(have + take);
    if (c->preface_n < H2_PREFACE_SIZE)
        return true;
    h2_start(c, c->core->now);
    c->protocol->input(c, H2_PREFACE, H2_PREFACE_SIZE);
    c->protocol->input(c, p + take, n - take);
    return true;
}

void http_conn_input(HttpConn *c, const char *p, size_t n, MonoNs now) {
    c->core->now = now;
    c->turn_left = c->core->o.turn_requests;
    http_count(&c->core->counts.bytes_in, (int64_t)n);
    if (c->protocol) {
        c->protocol->input(c, p, n);
        return;
    }
    if (take_preface(c, p, n))
        return;
    if (c->closing || c->dead || c->eof) {
        c->linger = true; /* a bare close over these bytes would reset the reply away */
        return;
    }
    if (c->stash.n) { /* not asked for, but in order all the same */
        if (buf_put(&c->stash, p, n) != 0)
            c->dead = true;
        return;
    }
    conn_parse(c, p, n);
}

void http_conn_eof(HttpConn *c, MonoNs now) {
    c->core->now = now;
    c->eof = true;
    c->eof_at = now;
    if (c->protocol)
        c->protocol->eof(c);
    else
        conn_resume(c);
}

bool http_conn_wants_turn(const HttpConn *c) {
    if (!c->stash.n || c->dead)
        return false;
    return c->protocol ? c->out.bytes <= c->core->o.reply_mark : has_room(c);
}

void http_conn_turn(HttpConn *c, MonoNs now) {
    c->core->now = now;
    c->turn_left = c->core->o.turn_requests;
    if (!c->protocol) {
        conn_resume(c);
        return;
    }
    Buf stash = c->stash;
    c->stash = (Buf){ 0 };
    c->protocol->input(c, stash.p, stash.n);
    buf_done(&stash);
}

bool http_conn_wants_read(const HttpConn *c) {
    if (c->dead || c->eof)
        return false;
    if (c->protocol)
        return c->protocol->wants_read(c);
    if (c->closing)
        return c->linger;
    if (c->stash.n)
        return false;
    if (c->cur && exchange_streams(c->cur) && c->cur->body.n >= HTTP_STREAM_WINDOW)
        return false;
    return c->cur ? c->out.bytes + c->held_bytes <= c->core->o.reply_mark : has_room(c);
}

size_t http_conn_read_size(const HttpConn *c) {
    return c->protocol || (c->cur && c->cur->head_whole) ? HTTP_READ_BODY : HTTP_READ_IDLE;
}

void http_conn_turn_away(HttpConn *c, MonoNs now) {
    c->core->now = now;
    c->cur = exchange_new(c);
    conn_refuse(c, 503, "too many connections");
}

void http_conn_switch(HttpConn *c, Exchange *x, const HttpProtocol *protocol, void *speaker) {
    c->protocol = protocol;
    c->speaker = speaker;
    c->served = true;
    if (!x)
        return;
    assert(c->first == x && c->last == x && !c->cur);
    list_drop_first(c);
    x->ready = true;
    x->status = 101;
    exchange_count(x, false);
    exchange_release(x);
}

void http_conn_touch(HttpConn *c) {
    if (c->core->touch)
        c->core->touch(c->core->owner, c);
}

/* --- answers --- */

/* A dispatched exchange whose connection went before its answer came. */
static void settle_owed(Exchange *x) {
    x->core->owed--;
    if (x->pump)
        x->pump_done(x->pump_arg);
    exchange_release(x);
}

HttpConn *http_conn_news(Exchange *x, HttpNews news, MonoNs now) {
    HttpConn *c = x->conn;
    x->core->now = now;
    if (!c) {
        settle_owed(x);
        return NULL;
    }
    if (c->protocol) {
        c->protocol->news(c, x, news);
        return c;
    }
    if (news == HTTP_NEWS_WAKE) {
        x->woken = !x->waiting; /* from within the pump: it has not said WAIT yet */
        x->waiting = false;
        return c;
    }
    assert(!x->ready);
    x->ready = true;
    x->body_waited &= x->pump != NULL;
    c->held_bytes += x->body_out.n;
    conn_emit(c);
    return c;
}

void http_conn_done(HttpConn *c) {
    HttpCounts *n = &c->core->counts;
    c->dead = true;
    if (c->protocol)
        c->protocol->done(c);
    drop_all(c);
    if (c->out.bytes) { /* queued, but the client did not get all of it */
        http_count(&n->replied, -c->unsent_replies);
        http_count(&n->aborted, c->unsent_replies);
    }
    out_queue_clear(&c->out);
    http_count(&n->connections, -1);
}

/* --- time --- */

HttpConnState http_conn_state(const HttpConn *c) {
    if (c->dead)
        return HTTP_CONN_CLOSE;
    if (c->protocol)
        return c->protocol->state(c);
    if (c->first || c->cur || c->out.bytes || c->stash.n)
        return HTTP_CONN_OPEN;
    if (c->closing)
        return c->linger && !c->eof ? HTTP_CONN_LINGER : HTTP_CONN_CLOSE;
    bool over = c->core->draining && (c->served || c->core->fresh_too);
    return c->eof || over ? HTTP_CONN_CLOSE : HTTP_CONN_OPEN;
}

/* Of the request that is arriving; none while we are the ones who do not read. */
static MonoNs arrival_deadline(const HttpConn *c) {
    if (!c->cur || !http_conn_wants_read(c))
        return (MonoNs){ INT64_MAX };
    const HttpServerOptions *o = &c->core->o;
    if (c->cur->dispatched)
        return exchange_body_deadline(c->cur);
    return c->cur->head_whole ? mono_add_ms(c->cur->head_done, o->body_ms)
                              : mono_add_ms(c->cur->pub.started, o->header_ms);
}

MonoNs http_conn_deadline(const HttpConn *c) {
    const HttpServerOptions *o = &c->core->o;
    if (http_conn_state(c) == HTTP_CONN_LINGER)
        return c->linger_until;
    MonoNs at = c->protocol ? c->protocol->deadline(c) : arrival_deadline(c);
    if (c->out.bytes) {
        MonoNs write = mono_add_ms(c->wrote_at, o->write_ms);
        return write.ns < at.ns ? write : at;
    }
    if (c->protocol)
        return at;
    if (c->eof && c->first)
        return mono_add_ms(c->eof_at, o->half_closed_ms);
    if (!c->cur && !c->first)
        return mono_add_ms(c->idle_since, c->served ? o->idle_ms : o->header_ms);
    return at;
}

void http_conn_expire(HttpConn *c, MonoNs now) {
    c->core->now = now;
    if (http_conn_deadline(c).ns > now.ns)
        return;
    if (c->protocol) {
        if (http_conn_state(c) == HTTP_CONN_OPEN && c->protocol->deadline(c).ns <= now.ns)
            c->protocol->expire(c);
        else
            c->dead = true;
        return;
    }
    if (arrival_deadline(c).ns <= now.ns && c->cur->dispatched)
        fail_body(c, ERR_TIMEOUT);
    else if (arrival_deadline(c).ns <= now.ns)
        conn_refuse(c, 408,
                    c->cur->head_whole ? "the body did not arrive in time" : "the header block did not arrive in time");
    else
        c->dead = true; /* idle, does not read its replies, or lingered long enough */
}

/* --- bytes out --- */

int http_conn_output(HttpConn *c, struct iovec iov[HTTP_IOV_MAX], MonoNs now) {
    c->core->now = now;
    if (c->protocol) {
        c->protocol->output(c);
    } else {
        conn_resume(c);
        conn_pump(c);
    }
    return c->dead ? 0 : out_queue_gather(&c->out, iov);
}

void http_conn_sent(HttpConn *c, size_t n, MonoNs now) {
    c->core->now = now;
    http_count(&c->core->counts.bytes_out, (int64_t)n);
    out_queue_drop(&c->out, n);
    c->wrote_at = now;
    if (!c->out.bytes) {
        c->unsent_replies = 0;
        c->idle_since = now;
        c->linger_until = mono_add_ms(now, c->core->o.linger_ms);
    }
    if (c->protocol && c->protocol->sent)
        c->protocol->sent(c);
}
