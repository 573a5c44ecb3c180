/* net/h2_conn.c - HTTP/2 (RFC 9113) as a protocol of http_conn.h: nghttp2 does the framing, the exchanges are those of
 * HTTP/1.1, and a handler cannot tell which it answers.
 *
 * What a client may cost is bounded here, beside what nghttp2 bounds itself:
 *   frames     each frame that asks for work and brings none (RST_STREAM, SETTINGS, PING, PRIORITY, WINDOW_UPDATE, empty
 *              DATA) takes tokens; requests and bodies earn them. None left: GOAWAY ENHANCE_YOUR_CALM. That is Rapid Reset
 *              (CVE-2023-44487), the floods of CVE-2019-9511 to 9518, and their like.
 *   heads      max_header_bytes and max_fields of a stream, decoded (431); CONTINUATION frames: eight.
 *   bodies     the limit of the path (413); of all streams together BODIES_MAX times the largest: past it credit of the
 *              connection is withheld until a reply sets memory free. Of one that its handler takes in pieces the window
 *              alone, which is given back as it reads.
 *   replies    made as the client takes them: flow control of HTTP/2 first, then the queue's mark. A reply that moves less
 *              than SLOW_BYTES in write_ms is cut.
 *   time       the deadlines of HTTP/1.1, absolute, a stream each. A client that is silent while a request is open is asked
 *              by PING whether it is there. */

#include "net/h2_conn.h"

#include "base/mem.h"
#include "net/http_exchange.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

enum {
    STREAM_WINDOW = HTTP_STREAM_WINDOW,
    CONN_WINDOW = 1 << 20,
    BODIES_MAX = 2,
    SLOW_BYTES = 16 << 10,
    TOKENS_MAX = 2000, /* frames that bring nothing, at once */
    TOKENS_A_SECOND = 100,
    GAPS_MAX = 4,
    COST_RESET = 10,
    COST_SETTINGS = 10,
    COST_FRAME = 1,
    EARN_REQUEST = 4,
    EARN_DATA = 2, /* a DATA frame of ours may be answered by two WINDOW_UPDATEs */
    REPLY_FIELDS_MAX = 100,
};

typedef struct H2Gap {
    int32_t from, to;
} H2Gap;

typedef struct H2 {
    HttpConn *conn;
    nghttp2_session *session;
    int64_t tokens;
    MonoNs tokens_at, began, heard_at;
    size_t buffered, withheld; /* bytes of bodies in memory; of them not given back as credit */
    bool greeted;              /* the client's SETTINGS are there */
    bool asked;                /* by PING, and not heard since */
    bool pause;                /* the request that begins is one more than its turn has */
    bool ended, told_to_go;    /* GOAWAY: for good; because we drain */
    int32_t last;              /* number of the client's newest stream */
    H2Gap gaps[GAPS_MAX];      /* numbers it has left out, the newest ones */
    unsigned n_gaps;
} H2;

static H2 *h2_of(const HttpConn *c) {
    return c->speaker;
}

/* --- what floods cost --- */

static void cut(H2 *h, uint32_t code) {
    if (h->ended)
        return;
    h->ended = true;
    nghttp2_session_terminate_session(h->session, code);
}

static void cut_for(H2 *h, const char *why, _Atomic int64_t *count) {
    HttpCore *core = h->conn->core;
    if (h->ended)
        return;
    http_count(count, 1);
    if (core->o.on_cut)
        core->o.on_cut(core->arg, why);
    cut(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void pay(H2 *h, int cost) {
    MonoNs now = h->conn->core->now;
    int64_t gained = mono_ms_between(h->tokens_at, now) * TOKENS_A_SECOND / 1000;
    if (gained > 0) {
        h->tokens = MIN(h->tokens + gained, (int64_t)TOKENS_MAX);
        h->tokens_at = now;
    }
    h->tokens -= cost;
    if (h->tokens < 0)
        cut_for(h, "flood", &h->conn->core->counts.h2_floods);
}

static void earn(H2 *h, int tokens) {
    h->tokens = MIN(h->tokens + tokens, (int64_t)TOKENS_MAX);
}

/* --- the list of streams --- */

static void list_add(HttpConn *c, Exchange *x) {
    x->next = c->first;
    c->first = x;
    if (!c->last)
        c->last = x;
    c->n_owed++;
}

static void list_drop(HttpConn *c, Exchange *x) {
    Exchange **at = &c->first, *before = NULL;
    while (*at != x) {
        before = *at;
        at = &before->next;
    }
    *at = x->next;
    if (c->last == x)
        c->last = before;
    x->next = NULL;
    c->n_owed--;
}

/* --- bodies and their credit --- */

static size_t bodies_max(const H2 *h) {
    return h->conn->core->o.max_body * BODIES_MAX;
}

static void body_freed(H2 *h, size_t n) {
    h->buffered -= n;
    if (h->withheld && h->buffered <= bodies_max(h)) {
        nghttp2_session_consume_connection(h->session, h->withheld);
        h->withheld = 0;
    }
}

/* The connection's credit; the stream's own is given back here too, or by whoever reads the body. */
static void body_taken(H2 *h, const Exchange *x, int32_t id, size_t n) {
    if (!x || !exchange_streams(x) || x->all_sent)
        nghttp2_session_consume_stream(h->session, id, n);
    if (h->buffered > bodies_max(h))
        h->withheld += n;
    else
        nghttp2_session_consume_connection(h->session, n);
}

/* --- replies --- */

/* Bytes of the reply's body that are at hand, made by the pump if need be. 0 with *eof, or DEFERRED, or a failure. */
static ssize_t body_ready(Exchange *x, bool *eof) {
    enum { PIECE_MAX = 1024 * 1024 };
    while (x->out_at == x->body_out.n && x->pump && !x->pumped) {
        buf_done(&x->body_out);
        buf_init(&x->body_out, PIECE_MAX);
        x->out_at = 0;
        if (x->waiting)
            return NGHTTP2_ERR_DEFERRED;
        int r = x->pump(x->pump_arg, &x->body_out);
        if (r < 0 || !buf_ok(&x->body_out))
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream is reset: its body would have a hole */
        x->pumped = r == HTTP_PUMP_DONE;
        if (r == HTTP_PUMP_WAIT)
            x->waiting = !x->woken;
        x->woken = false;
    }
    *eof = !x->pump || x->pumped;
    return (ssize_t)(exchange_body_out(x).n - x->out_at);
}

/* The lines of a reply's fields as nghttp2 wants them; names in lower case, as RFC 9113 §8.2 insists. */
static size_t fields_of(Buf *lines, nghttp2_nv *nv, size_t n, size_t max) {
    Str rest = buf_str(lines), line;
    while (n < max && str_next(&rest, '\n', &line)) {
        ptrdiff_t colon = str_find_char(line, ':');
        if (colon < 0)
            break;
        char *name = lines->p + (line.p - lines->p);
        for (ptrdiff_t i = 0; i < colon; i++)
            if (name[i] >= 'A' && name[i] <= 'Z')
                name[i] |= 0x20;
        Str value = str_trim(str_from(line, (size_t)colon + 1));
        nv[n++] = (nghttp2_nv){ .name = (uint8_t *)name,
                                .namelen = (size_t)colon,
                                .value = (uint8_t *)(lines->p + (value.p - lines->p)),
                                .valuelen = value.n };
    }
    return n;
}

static ssize_t read_body(nghttp2_session *s, int32_t id, uint8_t *buf, size_t length, uint32_t *flags,
                         nghttp2_data_source *source, void *arg) {
    UNUSED(buf);
    UNUSED(arg);
    Exchange *x = source->ptr;
    bool eof;
    ssize_t have = body_ready(x, &eof);
    if (have < 0)
        return have;
    size_t n = MIN((size_t)have, length);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!eof || n < (size_t)have)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (x->trailers_out.n) {
        nghttp2_nv nv[REPLY_FIELDS_MAX];
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(s, id, nv, fields_of(&x->trailers_out, nv, 0, REPLY_FIELDS_MAX));
    }
    return (ssize_t)n;
}

static int send_body(nghttp2_session *s, nghttp2_frame *frame, const uint8_t *head, size_t length,
                     nghttp2_data_source *source, void *arg) {
    enum { FRAME_HEAD = 9 };
    UNUSED(s);
    UNUSED(frame);
    H2 *h = arg;
    HttpConn *c = h->conn;
    Exchange *x = source->ptr;
    if (c->out.bytes >= HTTP_PUMP_LOW)
        return NGHTTP2_ERR_WOULDBLOCK;
    out_put(c, head, FRAME_HEAD);
    if (x->shared_out)
        out_share_part(c, x->shared_out, x->out_at, length);
    else
        out_put(c, x->body_out.p + x->out_at, length);
    x->out_at += length;
    x->sent += (int64_t)length;
    earn(h, EARN_DATA);
    return 0;
}

#define NV(literal_name, text, text_n)                                                                                 \
    (nghttp2_nv) {                                                                                                     \
        .name = (uint8_t *)(uintptr_t)(literal_name), .namelen = sizeof(literal_name) - 1,                             \
        .value = (uint8_t *)(uintptr_t)(text), .valuelen = (text_n)                                                    \
    }

static void reply(H2 *h, Exchange *x) {
    HttpCore *core = h->conn->core;
    nghttp2_nv nv[REPLY_FIELDS_MAX + 4];
    char status[4], length[24];
    size_t n = 0;
    bool bodiless = x->head_only || x->status == 204 || x->status == 304;
    nv[n++] = NV(":status", status, (size_t)snprintf(status, sizeof status, "%03d", x->status));
    nv[n++] = NV("date", http_date(core), HTTP_DATE_TEXT);
    if (core->o.server_name.n)
        nv[n++] = NV("server", core->o.server_name.p, core->o.server_name.n);
    int64_t told = x->length > 0 && (x->pump || x->head_only) ? x->length
                   : x->pump || x->length < 0                 ? -1
                                                              : (int64_t)exchange_body_out(x).n;
    if (told >= 0 && x->status != 204 && x->status != 304)
        nv[n++] = NV("content-length", length, (size_t)snprintf(length, sizeof length, "%lld", (long long)told));
    n = fields_of(&x->lines_out, nv, n, ARRAY_LEN(nv));
    nghttp2_data_provider body = { .source.ptr = x, .read_callback = read_body };
    bool empty = bodiless || (!x->pump && exchange_body_out(x).n == 0 && !x->trailers_out.n);
    x->started = true;
    x->slow_at = core->now;
    if (nghttp2_submit_response(h->session, x->stream, nv, n, empty ? NULL : &body) != 0)
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, x->stream, NGHTTP2_INTERNAL_ERROR);
}

/* The server's own answer, before the request is whole: what still comes of it is dropped. */
static void refuse(H2 *h, Exchange *x, int status, const char *why) {
    if (x->ready || x->dispatched)
        return;
    exchange_refuse(x, status, why);
    x->ready = true;
    reply(h, x);
}

/* --- requests --- */

static Exchange *exchange_at(nghttp2_session *s, int32_t id) {
    return nghttp2_session_get_stream_user_data(s, id);
}

static int on_begin_headers(nghttp2_session *s, const nghttp2_frame *frame, void *arg) {
    H2 *h = arg;
    HttpConn *c = h->conn;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    h->pause = c->turn_left-- <= 0;
    Exchange *x = exchange_new(c);
    x->stream = frame->hd.stream_id;
    list_add(c, x);
    c->served = true;
    nghttp2_session_set_stream_user_data(s, x->stream, x);
    return 0;
}

/* Bytes one behind the other; where they lie is known when the block is whole. What is past the limit is charged for:
 * a field in HPACK's table is named again by a byte and decoded to four thousand. */
static void keep_field(H2 *h, Exchange *x, const uint8_t *name, size_t name_n, const uint8_t *value, size_t value_n) {
    enum { OVERHEAD = 32, PSEUDO = 4 }; /* RFC 9113 §6.5.2 */
    const HttpServerOptions *o = &x->core->o;
    size_t before = x->head_n;
    x->head_n += name_n + value_n + OVERHEAD;
    if (x->head_n / o->max_header_bytes > MAX(before / o->max_header_bytes, (size_t)1))
        pay(h, COST_RESET);
    if (x->refuse)
        return;
    if (x->head_n > o->max_header_bytes + PSEUDO * OVERHEAD || x->fields.n >= o->max_fields + PSEUDO) {
        x->refuse = 431;
        x->why = "the header block is too large";
        return;
    }
    buf_put(&x->raw, name, name_n);
    buf_put(&x->raw, value, value_n);
    vec_push(&x->fields, ((HttpField){ { NULL, name_n }, { NULL, value_n } }));
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *arg) {
    UNUSED(flags);
    Exchange *x = exchange_at(s, frame->hd.stream_id);
    if (!x)
        return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        H2 *h = arg;
        keep_field(h, x, name, name_n, value, value_n);
        if (!h->pause)
            return 0;
        h->pause = false;
        return NGHTTP2_ERR_PAUSE; /* h2_input keeps the rest */
    }
    x->head_n += name_n + value_n; /* trailers are dropped, and count with the head */
    return x->head_n > 2 * x->core->o.max_header_bytes ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

/* The fields get their places; those that begin with ':' are the request line. */
static int head_whole(Exchange *x) {
    Str method = { 0 }, path = { 0 }, authority = { 0 };
    size_t at = 0, pseudo = 0;
    VEC_FOR (f, &x->fields) {
        f->name.p = x->raw.p + at;
        f->value.p = x->raw.p + at + f->name.n;
        at += f->name.n + f->value.n;
        if (f->name.n == 0 || f->name.p[0] != ':')
            continue;
        pseudo++;
        if (str_eq(f->name, S(":method")))
            method = f->value;
        else if (str_eq(f->name, S(":path")))
            path = f->value;
        else if (str_eq(f->name, S(":authority")))
            authority = f->value;
    }
    x->pub.head.fields = x->fields.v + pseudo; /* nghttp2 has seen to it that they come first */
    x->pub.head.n_fields = x->fields.n - pseudo;
    x->head_done = x->core->now;
    x->in_body = x->head_whole = true;
    return x->refuse ? x->refuse : http_head_check(x, method, path, authority);
}

/* The request is whole; or of a body that streams its head is. */
static void dispatch(H2 *h, Exchange *x, bool complete) {
    HttpCore *core = h->conn->core;
    x->complete = complete;
    if (x->dispatched) { /* its handler has been at it since the head */
        exchange_body_news(x);
        return;
    }
    if (x->ready)
        return;
    if (!exchange_streams(x))
        x->pub.body = buf_str(&x->body);
    x->dispatched = true;
    earn(h, EARN_REQUEST);
    core->fn(core->arg, &x->pub);
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *arg) {
    UNUSED(flags);
    H2 *h = arg;
    Exchange *x = exchange_at(s, id);
    bool wanted = x && !x->body_err && (x->dispatched ? !x->ready || x->pump : !x->ready);
    int status = wanted ? http_body_put(x, data, n) : 0;
    if (wanted && status == 0)
        h->buffered += n;
    body_taken(h, x, id, n);
    if (status != 0 && x->dispatched)
        exchange_body_fail(x, ERR_TOO_LARGE);
    else if (status != 0)
        refuse(h, x, status, x->why);
    else if (wanted && x->dispatched)
        exchange_body_news(x);
    return 0;
}

/* Credit for the client to send as much again. */
static void h2_body_read(HttpConn *c, Exchange *x, size_t n) {
    H2 *h = h2_of(c);
    nghttp2_session_consume_stream(h->session, x->stream, n);
    body_freed(h, n);
    http_conn_touch(c);
}

/* --- frames --- */

static void charge(H2 *h, const nghttp2_frame_hd *hd) {
    switch (hd->type) {
    case NGHTTP2_RST_STREAM:
        pay(h, COST_RESET);
        break;
    case NGHTTP2_SETTINGS:
        pay(h, COST_SETTINGS);
        break;
    case NGHTTP2_HEADERS:
        break;
    case NGHTTP2_DATA:
        if (hd->length == 0 && !(hd->flags & NGHTTP2_FLAG_END_STREAM))
            pay(h, COST_FRAME);
        break;
    default:
        pay(h, COST_FRAME);
        break;
    }
}

/* A number that was left out is closed for good (RFC 9113 section 5.1.1). nghttp2 takes its HEADERS for late ones of a
 * stream that has been, and ignores them. */
static void check_number(H2 *h, int32_t id) {
    if (id > h->last) {
        if (id > h->last + 2)
            h->gaps[h->n_gaps++ % GAPS_MAX] = (H2Gap){ h->last + 1, id - 1 };
        h->last = id;
        return;
    }
    for (unsigned i = 0; i < MIN(h->n_gaps, (unsigned)GAPS_MAX); i++)
        if (id >= h->gaps[i].from && id <= h->gaps[i].to)
            cut(h, NGHTTP2_PROTOCOL_ERROR);
}

static int on_begin_frame(nghttp2_session *s, const nghttp2_frame_hd *hd, void *arg) {
    UNUSED(s);
    charge(arg, hd);
    if (hd->type == NGHTTP2_HEADERS && hd->stream_id % 2 == 1)
        check_number(arg, hd->stream_id);
    return 0;
}

/* Frames of kinds nobody knows are ignored (RFC 9113 §5.5), and charged for: nghttp2 tells of those alone that somebody
 * claims to unpack. */
static int unpack_nothing(nghttp2_session *s, void **payload, const nghttp2_frame_hd *hd, void *arg) {
    UNUSED(s);
    UNUSED(hd);
    UNUSED(arg);
    *payload = NULL;
    return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *arg) {
    H2 *h = arg;
    if (frame->hd.type == NGHTTP2_SETTINGS)
        h->greeted = true;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    Exchange *x = exchange_at(s, frame->hd.stream_id);
    if (!x)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        int status = head_whole(x);
        if (status != 0)
            refuse(h, x, status, x->why);
        else if (exchange_streams(x) && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
            dispatch(h, x, false);
    }
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        dispatch(h, x, true);
    return 0;
}

static int on_frame_sent(nghttp2_session *s, const nghttp2_frame *frame, void *arg) {
    UNUSED(arg);
    bool last = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    Exchange *x = last ? exchange_at(s, frame->hd.stream_id) : NULL;
    if (!x)
        return 0;
    x->all_sent = true;
    if (!x->complete) /* the client may stop sending what nobody will read (RFC 9113 §8.1) */
        nghttp2_submit_rst_stream(s, NGHTTP2_FLAG_NONE, x->stream, NGHTTP2_NO_ERROR);
    return 0;
}

/* The stream is over, well or not. */
static int on_stream_close(nghttp2_session *s, int32_t id, uint32_t code, void *arg) {
    UNUSED(code);
    H2 *h = arg;
    HttpConn *c = h->conn;
    Exchange *x = exchange_at(s, id);
    if (!x)
        return 0;
    nghttp2_session_set_stream_user_data(s, id, NULL);
    list_drop(c, x);
    if (!c->first)
        c->idle_since = c->core->now;
    body_freed(h, x->body.n);
    if (!x->all_sent) {
        exchange_detach(x);
        return 0;
    }
    c->unsent_replies++;
    exchange_count(x, false);
    if (x->pump)
        x->pump_done(x->pump_arg);
    exchange_release(x);
    return 0;
}

/* --- the connection's protocol --- */

static void h2_input(HttpConn *c, const char *p, size_t n) {
    H2 *h = h2_of(c);
    if (h->ended)
        return;
    h->heard_at = c->core->now;
    h->asked = false;
    if (c->stash.n) { /* not asked for, but in order all the same */
        c->dead |= buf_put(&c->stash, p, n) != 0;
        return;
    }
    ssize_t used = nghttp2_session_mem_recv(h->session, (const uint8_t *)p, n);
    if (used >= 0 && (size_t)used < n && !h->ended) { /* paused by on_header */
        buf_init(&c->stash, MAX(n, (size_t)HTTP_READ_BODY));
        buf_put(&c->stash, p + used, n - (size_t)used);
    }
    if (used == NGHTTP2_ERR_FLOODED)
        cut_for(h, "flood", &c->core->counts.h2_floods);
    else if (used < 0)
        cut(h, NGHTTP2_PROTOCOL_ERROR);
}

static void h2_eof(HttpConn *c) {
    c->dead = true; /* a client that takes no more sends no EOF but closes: nobody would read the rest */
}

static bool finished(const H2 *h) {
    return !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
}

static HttpConnState h2_state(const HttpConn *c) {
    if (!finished(h2_of(c)) || c->out.bytes)
        return HTTP_CONN_OPEN;
    return c->eof || c->core->draining ? HTTP_CONN_CLOSE : HTTP_CONN_LINGER;
}

static bool h2_wants_read(const HttpConn *c) {
    return h2_state(c) == HTTP_CONN_LINGER || (!c->stash.n && c->out.bytes <= c->core->o.reply_mark);
}

static void h2_output(HttpConn *c) {
    H2 *h = h2_of(c);
    if (c->core->draining && !h->told_to_go && !h->ended) {
        h->told_to_go = true;
        nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->session),
                              NGHTTP2_NO_ERROR, NULL, 0);
    }
    while (c->out.bytes < HTTP_PUMP_LOW && !c->dead) {
        const uint8_t *data;
        ssize_t n = nghttp2_session_mem_send(h->session, &data);
        if (n < 0)
            c->dead = true;
        if (n <= 0)
            return;
        out_put(c, data, (size_t)n);
    }
}

static void h2_news(HttpConn *c, Exchange *x, HttpNews news) {
    H2 *h = h2_of(c);
    if (news == HTTP_NEWS_REPLY) {
        x->ready = true;
        x->body_waited &= x->pump != NULL;
        reply(h, x);
        return;
    }
    x->woken = !x->waiting;
    x->slow_at = c->core->now;
    if (x->waiting) {
        x->waiting = false;
        nghttp2_session_resume_data(h->session, x->stream);
    }
}

static void h2_done(HttpConn *c) {
    H2 *h = h2_of(c);
    for (Exchange *x; (x = c->first);) {
        nghttp2_session_set_stream_user_data(h->session, x->stream, NULL);
        list_drop(c, x);
        exchange_detach(x);
    }
    nghttp2_session_del(h->session);
    mem_free(h);
}

/* --- time --- */

static bool is_reading(const Exchange *x) { /* something is there for the client to take */
    return x->started && !x->all_sent && !x->waiting;
}

static MonoNs stream_deadline(const HttpServerOptions *o, const Exchange *x) {
    if (is_reading(x))
        return mono_add_ms(x->slow_at, o->write_ms);
    if (x->dispatched && exchange_streams(x))
        return exchange_body_deadline(x);
    if (x->complete || x->ready)
        return (MonoNs){ INT64_MAX };
    return x->head_whole ? mono_add_ms(x->head_done, o->body_ms) : mono_add_ms(x->pub.started, o->header_ms);
}

/* When a client of whom nothing is heard is asked, or given up. */
static MonoNs silence_deadline(const H2 *h) {
    const HttpServerOptions *o = &h->conn->core->o;
    if (o->h2_ping_ms <= 0)
        return (MonoNs){ INT64_MAX };
    return mono_add_ms(h->heard_at, h->asked ? o->h2_ping_ms + o->h2_pong_ms : o->h2_ping_ms);
}

static MonoNs h2_deadline(const HttpConn *c) {
    const H2 *h = h2_of(c);
    const HttpServerOptions *o = &c->core->o;
    if (h2_state(c) == HTTP_CONN_LINGER)
        return c->linger_until;
    if (!h->greeted)
        return mono_add_ms(h->began, o->header_ms);
    if (!c->first)
        return mono_add_ms(c->idle_since, o->idle_ms);
    MonoNs at = silence_deadline(h);
    for (const Exchange *x = c->first; x; x = x->next) {
        MonoNs mine = stream_deadline(o, x);
        at = mine.ns < at.ns ? mine : at;
    }
    return at;
}

static void stream_expire(H2 *h, Exchange *x) {
    HttpCore *core = h->conn->core;
    if (!is_reading(x)) {
        if (x->dispatched)
            exchange_body_fail(x, ERR_TIMEOUT);
        else if (x->head_whole)
            refuse(h, x, 408, "the body did not arrive in time");
        else
            cut(h, NGHTTP2_PROTOCOL_ERROR); /* in the middle of a header block nothing else can be said */
    } else if (x->sent - x->slow_sent >= SLOW_BYTES) {
        x->slow_at = core->now;
        x->slow_sent = x->sent;
    } else {
        http_count(&core->counts.h2_slow, 1);
        if (core->o.on_cut)
            core->o.on_cut(core->arg, "slow");
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, x->stream, NGHTTP2_ENHANCE_YOUR_CALM);
        x->slow_at = core->now; /* should even that not get out, the queue's own deadline ends it */
    }
}

static void h2_expire(HttpConn *c) {
    H2 *h = h2_of(c);
    MonoNs now = c->core->now;
    if (!h->greeted || !c->first) {
        if (h->ended)
            c->dead = true;
        cut(h, h->greeted ? NGHTTP2_NO_ERROR : NGHTTP2_SETTINGS_TIMEOUT);
        return;
    }
    if (silence_deadline(h).ns <= now.ns) {
        if (!h2_wants_read(c)) { /* it is us who do not listen */
            h->heard_at = now;
            return;
        }
        c->dead |= h->asked;
        h->asked = true;
        nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
    }
    for (Exchange *x = c->first, *next; x; x = next) {
        next = x->next;
        if (stream_deadline(&c->core->o, x).ns <= now.ns)
            stream_expire(h, x);
    }
}

static const HttpProtocol h2_protocol = {
    .input = h2_input,
    .eof = h2_eof,
    .wants_read = h2_wants_read,
    .output = h2_output,
    .state = h2_state,
    .deadline = h2_deadline,
    .expire = h2_expire,
    .news = h2_news,
    .body_read = h2_body_read,
    .done = h2_done,
};

/* --- life --- */

static nghttp2_session *session_new(H2 *h) {
    nghttp2_session_callbacks *cb;
    nghttp2_option *option;
    nghttp2_session *s = NULL;
    int r = nghttp2_session_callbacks_new(&cb);
    r |= nghttp2_option_new(&option);
    assert(r == 0); /* out of memory aborts here as everywhere */
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(cb, send_body);
    nghttp2_session_callbacks_set_unpack_extension_callback(cb, unpack_nothing);
    for (int type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++)
        nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, 4096);
    r = nghttp2_session_server_new2(&s, cb, h, option);
    assert(r == 0);
    UNUSED(r);
    nghttp2_session_callbacks_del(cb);
    nghttp2_option_del(option);
    return s;
}

void h2_start(HttpConn *c, MonoNs now) {
    const HttpServerOptions *o = &c->core->o;
    H2 *h = mem_new(H2);
    *h = (H2){ .conn = c, .tokens = TOKENS_MAX, .tokens_at = now, .began = now, .heard_at = now };
    h->session = session_new(h);
    c->core->now = now;
    c->idle_since = now;
    http_count(&c->core->counts.h2_connections, 1);
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)o->h2_max_streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)o->max_header_bytes },
    };
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONN_WINDOW);
    http_conn_switch(c, NULL, &h2_protocol, h);
}
