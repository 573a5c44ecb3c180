/* net/h2_upstream.c - calls over HTTP/2: by prior knowledge on a plain connection, by ALPN over TLS. See http_upstream.h.
 *
 * A link carries as many calls as both sides allow; the one with room that was opened first takes the next call, so that a
 * quiet upstream keeps one. Credit is per stream: what a call has not taken is not asked for, while others go on.
 *
 * A call whose stream the upstream did not look at (REFUSED_STREAM, or above the last of its GOAWAY) is told as not sent:
 * it may go elsewhere. A link on which nothing is heard while calls are open is asked by PING, and given up. */

#include "net/upstream_internal.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

enum {
    LINK_CALLS_MAX = 100,
    LINK_WINDOW = 4 << 20,
    HEAD_MAX = 64 * 1024,
    FIELDS_MAX = 200,
    PING_MS = 30 * 1000, /* of silence */
    PONG_MS = 10 * 1000,
    FIELD_OVERHEAD = 32, /* RFC 9113 section 6.5.2 */
    BLOCK = 64 * 1024,   /* queued for the socket at once */
};

struct H2Link {
    Upstream *u;
    ListNode node;  /* in links */
    ListNode calls; /* with a stream, or to get one when the link is ready */
    int n_calls;
    Stream stream;
    nghttp2_session *session;
    OutQueue out;
    LoopTimer timer; /* connecting, silence, idleness: whichever is due */
    MonoNs heard;
    bool ready, going; /* connected; no new calls */
    bool asked;        /* by PING, not heard since */
    bool busy;         /* further up the stack: flushed there */
    bool broken;       /* to be freed there */
    bool resting;      /* counted as idle */
};

static void link_fail(H2Link *l, int err);

/* --- the life of a link --- */

static void rest(H2Link *l, bool resting) {
    l->u->stats.idle += resting - l->resting;
    l->resting = resting;
}

static void link_free(H2Link *l) {
    Upstream *u = l->u;
    rest(l, false);
    assert(list_empty(&l->calls));
    stream_close(&l->stream);
    loop_timer_stop(&l->timer);
    nghttp2_session_del(l->session);
    out_queue_clear(&l->out);
    list_remove(&l->node);
    u->stats.connections--;
    mem_free(l);
}

static void link_rest(H2Link *l) {
    if (l->going || l->u->retired) {
        if (l->busy)
            l->broken = true;
        else
            link_free(l);
        return;
    }
    rest(l, true);
    loop_timer_start(&l->timer, l->u->o.idle_ms, 0);
}

static void next_waiting(Upstream *u) {
    while (!list_empty(&u->waiting) && h2_has_room(u)) {
        UpCall *c = LIST_ENTRY(list_pop_front(&u->waiting), UpCall, node);
        u->stats.waiting--;
        h2_call_start(c);
    }
}

/* Off its link; the link may be freed, or marked to be. */
static void unlink_call(UpCall *c) {
    H2Link *l = TAKE(c->link);
    if (c->stream > 0)
        nghttp2_session_set_stream_user_data(l->session, c->stream, NULL);
    c->stream = -1;
    list_remove(&c->node);
    l->n_calls--;
    if (l->n_calls == 0)
        link_rest(l);
}

/* --- the request --- */

static nghttp2_nv nv_of(Str name, Str value) {
    return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.p,
                         .namelen = name.n,
                         .value = (uint8_t *)(uintptr_t)value.p,
                         .valuelen = value.n };
}

static bool value_ok(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Names that HTTP/2 has no place for (RFC 9113 section 8.2.2): the framing is its own. */
static bool of_one_hop(Str name) {
    return str_eq(name, S("connection")) || str_eq(name, S("keep-alive")) || str_eq(name, S("transfer-encoding")) ||
           str_eq(name, S("upgrade")) || str_eq(name, S("host")) || str_eq(name, S("content-length"));
}

int h2_call_prepare(UpCall *c, const UpRequest *rq) {
    enum { PSEUDO = 4 };
    const Upstream *u = c->u;
    Arena *a = &c->arena;
    if (rq->upgrade || !str_starts(rq->target, S("/")) || !value_ok(rq->target) || !value_ok(rq->host))
        return ERR_USAGE;
    nghttp2_nv *nv = arena_alloc(a, (rq->n_fields + PSEUDO + 1) * sizeof *nv);
    size_t n = 0;
    nv[n++] = nv_of(S(":method"), str_dup(a, rq->method));
    nv[n++] = nv_of(S(":scheme"), u->tls ? S("https") : S("http"));
    nv[n++] = nv_of(S(":path"), str_dup(a, rq->target));
    nv[n++] = nv_of(S(":authority"), str_dup(a, rq->host.n ? rq->host : str_c(u->address.text)));
    size_t length = rq->pump ? rq->length : rq->body.n;
    if (length)
        nv[n++] = nv_of(S("content-length"), str_fmt(a, "%zu", length));
    for (size_t i = 0; i < rq->n_fields; i++) {
        Str name = str_lower(a, rq->fields[i].name);
        if (!name.n || name.p[0] == ':' || !value_ok(name) || !value_ok(rq->fields[i].value))
            return ERR_USAGE;
        if (!of_one_hop(name))
            nv[n++] = nv_of(name, str_dup(a, rq->fields[i].value));
    }
    c->nv = nv;
    c->n_nv = n;
    return 0;
}

static ssize_t read_body(nghttp2_session *s, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *arg) {
    UNUSED(s);
    UNUSED(id);
    UNUSED(arg);
    UpCall *c = source->ptr;
    if (!c->pump && !c->pumped) {
        size_t n = MIN(room, c->body.n - c->sent);
        memcpy(to, n ? c->body.p + c->sent : (const char *)to, n);
        c->sent += n;
        *flags |= c->sent == c->body.n ? (uint32_t)NGHTTP2_DATA_FLAG_EOF : 0u;
        return (ssize_t)n;
    }
    int r = upcall_pump(c);
    if (r < 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* it will never be whole: the stream is reset */
    size_t have = c->piece.n - c->piece_at, n = MIN(room, have);
    if (have == 0 && r == HTTP_PUMP_WAIT)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(to, n ? c->piece.p + c->piece_at : (const char *)to, n);
    c->piece_at += n;
    c->sent += n;
    if (r == HTTP_PUMP_DONE && n == have)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void submit(UpCall *c) {
    nghttp2_data_provider body = { .source.ptr = c, .read_callback = read_body };
    bool has_body = c->body.n || c->pump;
    c->left = true;
    c->stream = nghttp2_submit_request(c->link->session, NULL, c->nv, c->n_nv, has_body ? &body : NULL, c);
    if (c->stream > 0)
        return;
    c->stream = 0; /* no more numbers on this link, or no memory */
    c->link->going = true;
    unlink_call(c);
    upcall_fail_soon(c, ERR_UNAVAILABLE);
}

/* --- the reply --- */

static UpCall *call_at(nghttp2_session *s, int32_t id) {
    return nghttp2_session_get_stream_user_data(s, id);
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *arg) {
    UNUSED(flags);
    UNUSED(arg);
    UpCall *c = call_at(s, frame->hd.stream_id);
    if (!c)
        return 0;
    HttpField f = { str_n((const char *)name, name_n), str_n((const char *)value, value_n) };
    c->head_n += name_n + value_n + FIELD_OVERHEAD;
    if (c->head_n > HEAD_MAX || c->fields.n == FIELDS_MAX) {
        c->err = ERR_LIMIT;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream */
    }
    if (str_eq(f.name, S(":status"))) {
        int64_t status = 0;
        str_to_i64(f.value, &status);
        c->status = (int)status;
    } else if (name_n && name[0] != ':') {
        vec_push(&c->fields, ((HttpField){ str_dup(&c->arena, f.name), str_dup(&c->arena, f.value) }));
    }
    return 0;
}

static void tell_head(UpCall *c) {
    c->told = true;
    UpHead head = { .status = c->status,
                    .fields = arena_alloc(&c->arena, c->fields.n * sizeof(HttpField) + 1),
                    .n_fields = c->fields.n,
                    .length = -1,
                    .whole = c->complete,
                    .reused = c->reused };
    memcpy((void *)(uintptr_t)head.fields, c->fields.n ? c->fields.v : head.fields, c->fields.n * sizeof(HttpField));
    for (size_t i = 0; i < head.n_fields; i++)
        if (str_eq(head.fields[i].name, S("content-length")))
            str_to_i64(head.fields[i].value, &head.length);
    c->fields.n = 0;
    if (c->patient || c->complete)
        loop_timer_stop(&c->timer);
    else
        loop_timer_start(&c->timer, c->u->o.stall_ms, 0);
    c->events->head(c->arg, &head);
}

static void tell_more(UpCall *c) {
    if (!c->waiting)
        return;
    c->waiting = false;
    c->events->more(c->arg);
}

static void take_headers(UpCall *c, bool last) {
    if (!c->head_whole && c->status < 200 && !last) { /* 1xx: the reply is still to come */
        c->fields.n = 0;
        return;
    }
    c->complete = last;
    if (!c->head_whole) {
        c->head_whole = true;
        tell_head(c);
        return;
    }
    c->trailers = arena_alloc(&c->arena, c->fields.n * sizeof(HttpField) + 1);
    memcpy(c->trailers, c->fields.n ? c->fields.v : c->trailers, c->fields.n * sizeof(HttpField));
    c->n_trailers = c->fields.n;
    if (last)
        loop_timer_stop(&c->timer);
    tell_more(c);
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *arg) {
    H2Link *l = arg;
    if (frame->hd.type == NGHTTP2_GOAWAY && !l->going) {
        l->going = true;
        return 0;
    }
    UpCall *c = frame->hd.stream_id ? call_at(s, frame->hd.stream_id) : NULL;
    if (!c)
        return 0;
    bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    c->progress = loop_now(l->u->loop);
    if (frame->hd.type == NGHTTP2_HEADERS) {
        take_headers(c, last);
    } else if (frame->hd.type == NGHTTP2_DATA && last) {
        c->complete = true;
        loop_timer_stop(&c->timer);
        tell_more(c);
    }
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *arg) {
    UNUSED(flags);
    UNUSED(arg);
    UpCall *c = call_at(s, id);
    nghttp2_session_consume_connection(s, n);
    if (!c || !c->head_whole) {
        nghttp2_session_consume_stream(s, id, n);
        return 0;
    }
    c->progress = loop_now(c->u->loop);
    if (buf_put(&c->in, p, n) != 0) { /* past the window: nghttp2 has refused it before */
        c->err = ERR_CORRUPT;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    tell_more(c);
    return 0;
}

/* The stream is over. A reply that is whole stays with its call until it is taken. */
static int on_stream_close(nghttp2_session *s, int32_t id, uint32_t code, void *arg) {
    UNUSED(arg);
    UpCall *c = call_at(s, id);
    if (!c)
        return 0;
    unlink_call(c);
    if (c->complete)
        return 0;
    if (code == NGHTTP2_REFUSED_STREAM && !c->pumped) { /* nobody has looked at it */
        c->left = false;
        c->sent = 0;
    }
    upcall_fail(c, c->err ? c->err : ERR_UNAVAILABLE);
    return 0;
}

/* --- bytes --- */

static void link_want(H2Link *l) {
    stream_want(&l->stream, LOOP_READ | (l->out.bytes ? LOOP_WRITE : 0u));
}

/* Writes what there is. False when the socket is no more. */
static bool link_write(H2Link *l) {
    for (;;) {
        const uint8_t *p;
        ssize_t n = 1;
        while (l->out.bytes < BLOCK && (n = nghttp2_session_mem_send(l->session, &p)) > 0)
            out_queue_put(&l->out, p, (size_t)n);
        struct iovec iov[OUT_IOV_MAX];
        int pieces = out_queue_gather(&l->out, iov);
        if (n < 0 || pieces == 0)
            return n >= 0;
        ssize_t took = stream_write(&l->stream, iov, pieces);
        if (took < 0)
            return took == STREAM_AGAIN;
        out_queue_drop(&l->out, (size_t)took);
    }
}

static void link_flush(H2Link *l) {
    if (l->busy || !l->ready)
        return;
    l->busy = true;
    bool good = link_write(l);
    l->busy = false;
    if (!good)
        link_fail(l, ERR_UNAVAILABLE);
    else if (l->broken)
        link_free(l);
    else
        link_want(l);
}

/* Every call of it fails; what did not get a stream was not sent. */
static void link_fail(H2Link *l, int err) {
    Upstream *u = l->u;
    l->busy = l->going = true;
    while (!list_empty(&l->calls)) {
        UpCall *c = LIST_ENTRY(l->calls.next, UpCall, node);
        bool fresh = c->stream <= 0;
        unlink_call(c);
        if (c->complete)
            continue;
        if (fresh)
            c->left = false;
        upcall_fail(c, err);
    }
    link_free(l);
    next_waiting(u);
}

static int link_start(H2Link *l) {
    const UpstreamOptions *o = &l->u->o;
    if (stream_is_tls(&l->stream) && stream_alpn(&l->stream) != STREAM_ALPN_H2)
        return ERR_CORRUPT; /* it speaks TLS, but not HTTP/2 */
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)o->window },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX },
    };
    nghttp2_submit_settings(l->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(l->session, NGHTTP2_FLAG_NONE, 0, LINK_WINDOW);
    l->ready = true;
    l->heard = loop_now(l->u->loop);
    loop_timer_start(&l->timer, PING_MS, 0);
    for (ListNode *it = l->calls.next, *next; it != &l->calls; it = next) {
        next = it->next;
        UpCall *c = LIST_ENTRY(it, UpCall, node);
        loop_timer_start_at(&c->timer, c->deadline);
        submit(c);
    }
    return 0;
}

/* What came; false when the link is of no more use. */
static int link_read(H2Link *l) {
    Upstream *u = l->u;
    ssize_t n = stream_read(&l->stream, u->buf, sizeof u->buf);
    if (n == STREAM_AGAIN)
        return 0;
    if (n <= 0)
        return ERR_UNAVAILABLE;
    l->heard = loop_now(u->loop);
    l->asked = false;
    return nghttp2_session_mem_recv(l->session, (const uint8_t *)u->buf, (size_t)n) == n ? 0 : ERR_CORRUPT;
}

static void on_stream(void *arg, unsigned events) {
    H2Link *l = arg;
    Upstream *u = l->u;
    int err = 0;
    l->busy = true;
    if (events & STREAM_READY)
        err = link_start(l);
    if (err == 0 && (events & LOOP_READ))
        err = link_read(l);
    else if (events & LOOP_GONE)
        err = ERR_UNAVAILABLE;
    l->busy = false;
    if (err == 0 && l->ready && nghttp2_session_want_read(l->session) == 0 &&
        nghttp2_session_want_write(l->session) == 0)
        err = ERR_UNAVAILABLE; /* ended by GOAWAY or a fault of the protocol */
    if (err != 0)
        link_fail(l, err);
    else if (l->broken)
        link_free(l);
    else
        link_flush(l);
    next_waiting(u);
}

static void on_timer(void *arg) {
    H2Link *l = arg;
    if (!l->ready) { /* does not connect */
        link_fail(l, ERR_UNAVAILABLE);
        return;
    }
    if (l->n_calls == 0) {
        link_free(l);
        return;
    }
    int64_t quiet = mono_ms_between(l->heard, loop_now(l->u->loop));
    if (quiet < PING_MS) {
        loop_timer_start(&l->timer, PING_MS - quiet, 0);
        return;
    }
    if (l->asked) {
        link_fail(l, ERR_UNAVAILABLE);
        return;
    }
    l->asked = true;
    nghttp2_submit_ping(l->session, NGHTTP2_FLAG_NONE, NULL);
    loop_timer_start(&l->timer, PONG_MS, 0);
    link_flush(l);
}

/* --- opening --- */

static nghttp2_session *session_new(H2Link *l) {
    nghttp2_session_callbacks *cb;
    nghttp2_option *option;
    nghttp2_session *s = NULL;
    int r = nghttp2_session_callbacks_new(&cb);
    r |= nghttp2_option_new(&option);
    assert(r == 0);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_option_set_no_auto_window_update(option, 1);
    r = nghttp2_session_client_new2(&s, cb, l, option);
    assert(r == 0);
    UNUSED(r);
    nghttp2_session_callbacks_del(cb);
    nghttp2_option_del(option);
    return s;
}

static H2Link *link_open(Upstream *u) {
    H2Link *l = mem_new(H2Link);
    l->u = u;
    Str host = u->host[0] ? str_c(u->host) : address_host(&u->address);
    if (stream_connect(&l->stream, u->loop, &u->address.any, u->address.n, u->tls, host, on_stream, l) != 0) {
        mem_free(l);
        return NULL;
    }
    l->session = session_new(l);
    l->out.pool = &u->segs;
    list_init(&l->calls);
    loop_timer_init(&l->timer, u->loop, on_timer, l);
    loop_timer_start(&l->timer, u->o.connect_ms, 0);
    list_push_back(&u->links, &l->node);
    u->stats.connections++;
    u->stats.opened++;
    return l;
}

static bool link_has_room(const H2Link *l) {
    uint32_t most = l->ready ? nghttp2_session_get_remote_settings(l->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
                             : LINK_CALLS_MAX;
    return !l->going && !l->broken && l->n_calls < (int)MIN(most, (uint32_t)LINK_CALLS_MAX);
}

static H2Link *link_with_room(const Upstream *u) {
    for (ListNode *it = u->links.next; it != &u->links; it = it->next)
        if (link_has_room(LIST_ENTRY(it, H2Link, node)))
            return LIST_ENTRY(it, H2Link, node);
    return NULL;
}

bool h2_has_room(const Upstream *u) {
    return u->stats.connections < u->o.max_connections || link_with_room(u);
}

void h2_call_start(UpCall *c) {
    Upstream *u = c->u;
    H2Link *l = link_with_room(u);
    c->reused = l && l->ready;
    if (!l)
        l = link_open(u);
    if (!l) {
        upcall_fail_soon(c, ERR_UNAVAILABLE);
        return;
    }
    if (c->reused)
        u->stats.reused++;
    if (l->resting) {
        rest(l, false);
        l->heard = loop_now(u->loop); /* it was not asked meanwhile */
        loop_timer_start(&l->timer, PING_MS, 0);
    }
    c->link = l;
    l->n_calls++;
    list_push_back(&l->calls, &c->node);
    buf_init(&c->in, u->o.window + UP_READ_SIZE);
    c->progress = loop_now(u->loop);
    if (!l->ready)
        return;
    l->busy = true;
    submit(c);
    l->busy = false;
    if (l->broken)
        link_free(l);
    else
        link_flush(l);
}

void h2_call_leave(UpCall *c) {
    H2Link *l = c->link;
    if (!l)
        return;
    if (c->stream > 0)
        nghttp2_submit_rst_stream(l->session, NGHTTP2_FLAG_NONE, c->stream, NGHTTP2_CANCEL);
    bool busy = l->busy;
    l->busy = true; /* it may not be freed before the reset is out */
    unlink_call(c);
    l->busy = busy;
    if (l->broken && !busy && l->ready)
        link_write(l);
    Upstream *u = l->u;
    if (l->broken && !busy)
        link_free(l);
    else
        link_flush(l);
    next_waiting(u);
}

void h2_call_took(UpCall *c, size_t n) {
    if (!c->link || c->stream <= 0)
        return;
    nghttp2_session_consume_stream(c->link->session, c->stream, n);
    link_flush(c->link);
}

void h2_call_wake(UpCall *c) {
    if (!c->link || c->stream <= 0)
        return;
    nghttp2_session_resume_data(c->link->session, c->stream);
    link_flush(c->link);
}

void h2_links_close(Upstream *u) {
    LIST_FOR (it, &u->links) {
        H2Link *l = LIST_ENTRY(it, H2Link, node);
        if (l->n_calls == 0)
            link_free(l);
    }
}
