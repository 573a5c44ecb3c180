/* net/http_exchange.c - an exchange's life, and the calls by which a handler answers it. */

#include "net/http_exchange.h"

#include "net/http_request.h"

enum { FREE_EXCHANGES_MAX = 64, RAW_KEEP = 4096, LINES_KEEP = 2048, FIELDS_KEEP = 32, LINES_MAX = 64 * 1024 };

Exchange *exchange_new(HttpConn *c) {
    HttpCore *core = c->core;
    Exchange *x = core->free_exchanges;
    if (x) {
        core->free_exchanges = x->next;
        core->n_free_exchanges--;
        Exchange fresh = { .raw = x->raw, .lines_out = x->lines_out };
        fresh.fields.v = x->fields.v;
        fresh.fields.cap = x->fields.cap;
        *x = fresh;
    } else {
        x = mem_new(Exchange);
        buf_init(&x->raw, core->o.max_header_bytes);
        buf_init(&x->lines_out, LINES_MAX);
    }
    x->core = core;
    x->conn = c;
    x->pub.started = core->now;
    x->pub.head.peer = str_n(c->peer, c->peer_n);
    x->pub.head.major = 1;
    x->pub.head.local = c->local;
    x->pub.head.secure = c->secure;
    http_count(&core->counts.requests, 1);
    return x;
}

void exchange_count(Exchange *x, bool aborted) {
    if (x->counted)
        return;
    x->counted = true;
    HttpCore *core = x->core;
    http_count(aborted ? &core->counts.aborted : &core->counts.replied, 1);
    if (!core->o.on_done)
        return;
    HttpDone done = {
        .status = x->ready ? x->status : 0,
        .sent = x->sent,
        .took_ns = core->now.ns - x->pub.started.ns,
        .aborted = aborted,
        .refused = x->refused,
    };
    core->o.on_done(core->arg, &x->pub, &done);
}

void exchange_detach(Exchange *x) {
    x->conn = NULL;
    x->next = NULL;
    atomic_store_explicit(&x->gone, true, memory_order_relaxed);
    exchange_count(x, true);
    bool answer_owed = x->dispatched && (!x->ready || x->waiting);
    if (answer_owed) {
        x->core->owed++;
        if (x->pub.on_gone)
            x->pub.on_gone(&x->pub); /* may answer, and so release x */
        return;
    }
    if (x->pump)
        x->pump_done(x->pump_arg);
    exchange_release(x);
}

static void exchange_free(Exchange *x) {
    buf_done(&x->raw);
    buf_done(&x->lines_out);
    vec_done(&x->fields);
    mem_free(x);
}

void exchange_release(Exchange *x) {
    HttpCore *core = x->core;
    buf_done(&x->body);
    buf_done(&x->body_out);
    x->shared_out = out_shared_unref(x->shared_out);
    buf_done(&x->trailers_out);
    if (core->n_free_exchanges == FREE_EXCHANGES_MAX || x->raw.cap > RAW_KEEP || x->lines_out.cap > LINES_KEEP ||
        x->fields.cap > FIELDS_KEEP) {
        exchange_free(x);
        return;
    }
    buf_clear(&x->raw);
    buf_clear(&x->lines_out);
    x->next = core->free_exchanges;
    core->free_exchanges = x;
    core->n_free_exchanges++;
}

void exchanges_free_all(HttpCore *core) {
    while (core->free_exchanges) {
        Exchange *x = core->free_exchanges;
        core->free_exchanges = x->next;
        exchange_free(x);
    }
    core->n_free_exchanges = 0;
}

/* --- what the handler says --- */

/* The server's own: an application's copy would contradict it. */
static bool field_is_ours(Str name) {
    static const Str ours[] = { STR_INIT("content-length"), STR_INIT("date"), STR_INIT("connection"),
                                STR_INIT("transfer-encoding"), STR_INIT("server") };
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (str_eq_nocase(name, ours[i]))
            return true;
    return false;
}

/* A value may carry what a client sent (a request id, a file name): a CR or LF in it must not start a new field. */
static char *put_clean(char *to, Str s) {
    memcpy(to, s.n ? s.p : "", s.n);
    if (!http_one_line(s))
        for (size_t i = 0; i < s.n; i++) {
            unsigned char ch = (unsigned char)to[i];
            to[i] = (ch < 0x20 && ch != '\t') || ch == 0x7f ? ' ' : to[i];
        }
    return to + s.n;
}

static void put_fields(Buf *lines, const HttpField *fields, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const HttpField *f = &fields[i];
        if (f->name.n == 0 || field_is_ours(f->name))
            continue;
        size_t before = lines->n;
        char *to = buf_reserve(lines, f->name.n + f->value.n + 4);
        if (!to) { /* a field that does not fit is left out whole */
            buf_clear(lines);
            lines->n = before;
            continue;
        }
        to = put_clean(to, f->name);
        memcpy(to, ": ", 2);
        to = put_clean(to + 2, f->value);
        memcpy(to, "\r\n", 2);
        lines->n += f->name.n + f->value.n + 4;
    }
}

static void reply_fill(Exchange *x, HttpReply *r) {
    assert(r->status >= 200 && r->status <= 599);
    x->status = r->status;
    x->length = r->length;
    put_fields(&x->lines_out, r->fields, r->n_fields);
    if (!r->bare)
        buf_put_str(&x->lines_out, x->core->o.fixed_lines);
    if (x->pub.head.secure && !r->bare)
        buf_put_str(&x->lines_out, x->core->o.fixed_secure_lines);
    if (r->n_trailers) {
        buf_init(&x->trailers_out, LINES_MAX);
        put_fields(&x->trailers_out, r->trailers, r->n_trailers);
    }
    x->body_out = r->body;
    r->body = (Buf){ 0 };
    assert(!r->shared || (!x->pump && !x->body_out.n));
    x->shared_out = TAKE(r->shared);
}

HttpShared *http_shared_new(Str bytes) {
    OutShared *s = out_shared_new(bytes.n);
    memcpy(s->bytes, bytes.n ? bytes.p : "", bytes.n);
    return s;
}

HttpShared *http_shared_of(Str lasting) {
    return out_shared_of(lasting);
}

HttpShared *http_shared_ref(HttpShared *s) {
    return out_shared_ref(s);
}

HttpShared *http_shared_unref(HttpShared *s) {
    return out_shared_unref(s);
}

Str http_shared_text(const HttpShared *s) {
    return s ? str_n(s->bytes, s->n) : (Str){ 0 };
}

static void deliver(Exchange *x, HttpNews news) {
    HttpCore *core = x->core;
    if (core->deliver)
        core->deliver(core->owner, x, news);
    else
        http_conn_news(x, news, core->now);
}

void http_reply(HttpExchange *ex, HttpReply *reply) {
    Exchange *x = exchange_of(ex);
    reply_fill(x, reply);
    deliver(x, HTTP_NEWS_REPLY);
}

void http_reply_stream(HttpExchange *ex, HttpReply *head, HttpPump *pump, void *arg, void (*done)(void *arg)) {
    Exchange *x = exchange_of(ex);
    x->pump = pump;
    x->pump_arg = arg;
    x->pump_done = done;
    reply_fill(x, head);
    deliver(x, HTTP_NEWS_REPLY);
}

void http_stream_wake(HttpExchange *ex) {
    deliver(exchange_of(ex), HTTP_NEWS_WAKE);
}

void http_reply_trailers(HttpExchange *ex, const HttpField *fields, size_t n) {
    Exchange *x = exchange_of(ex);
    buf_done(&x->trailers_out);
    buf_init(&x->trailers_out, LINES_MAX);
    put_fields(&x->trailers_out, fields, n);
}

/* --- a body that streams --- */

int http_body_read(HttpExchange *ex, Buf *out) {
    Exchange *x = exchange_of(ex);
    assert(exchange_streams(x) && out->n == 0);
    if (!x->conn)
        return ERR_CANCELLED;
    if (x->body_err)
        return x->body_err;
    size_t n = x->body.n;
    if (n) {
        size_t limit = x->body.limit;
        buf_done(out);
        *out = x->body;
        x->body = (Buf){ 0 };
        buf_init(&x->body, limit);
        x->body_at = x->core->now;
        if (x->conn->protocol)
            x->conn->protocol->body_read(x->conn, x, n);
        else if (n >= HTTP_STREAM_WINDOW)
            http_conn_touch(x->conn); /* it was not read for that */
    }
    if (x->complete)
        return HTTP_PUMP_DONE;
    x->body_waited = n == 0;
    return n ? HTTP_PUMP_MORE : HTTP_PUMP_WAIT;
}

void exchange_body_news(Exchange *x) {
    if (!x->body_waited)
        return;
    x->body_waited = false;
    if (x->pub.on_body)
        x->pub.on_body(&x->pub);
}

void exchange_body_fail(Exchange *x, int err) {
    x->body_err = err;
    exchange_body_news(x);
}

MonoNs exchange_body_deadline(const Exchange *x) {
    bool could_send = !x->complete && !x->body_err && x->body.n < HTTP_STREAM_WINDOW;
    return could_send && x->pub.intake == HTTP_BODY_STREAM ? mono_add_ms(x->body_at, x->core->o.body_ms)
                                                           : (MonoNs){ INT64_MAX };
}

bool http_exchange_gone(const HttpExchange *ex) {
    return atomic_load_explicit(&exchange_of(ex)->gone, memory_order_relaxed);
}

const atomic_bool *http_exchange_gone_flag(const HttpExchange *ex) {
    return &exchange_of(ex)->gone;
}

Str http_field(const HttpHead *h, Str lower_name) {
    for (size_t i = 0; i < h->n_fields; i++)
        if (str_eq(h->fields[i].name, lower_name))
            return h->fields[i].value;
    return (Str){ 0 };
}

/* --- what the server says itself --- */

static void refuse_plain(void *arg, int status, const char *code, const char *message, Buf *body) {
    UNUSED(arg);
    UNUSED(status);
    buf_printf(body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n", code, message);
}

/* The row of base/err.h for a status of ours. */
static const ErrInfo *refusal_info(int status) {
    switch (status) {
    case 408:
        return err_info(ERR_TIMEOUT);
    case 414:
        return err_info(ERR_HEADERS);
    case 417:
        return err_info(ERR_BAD_REQUEST);
    case 505:
        return err_info(ERR_UNSUPPORTED);
    default:
        break;
    }
#define ERR_ROW(code, nr, name, http, retry, exit, words)                                                              \
    if (http == status)                                                                                                \
        return err_info(code);
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
    return err_info(status >= 500 ? ERR_INTERNAL : ERR_BAD_REQUEST);
}

static void count_refusal(HttpCounts *n, int status) {
    switch (status) {
    case 400:
        http_count(&n->refused_400, 1);
        break;
    case 408:
        http_count(&n->refused_408, 1);
        break;
    case 413:
        http_count(&n->refused_413, 1);
        break;
    case 414:
    case 431:
        http_count(&n->refused_431, 1);
        break;
    case 503:
        http_count(&n->refused_503, 1);
        break;
    default:
        http_count(&n->refused_other, 1);
        break;
    }
}

void http_refusal_body(const HttpCore *core, int status, const char *why, Buf *body) {
    const ErrInfo *info = refusal_info(status);
    buf_init(body, 16 * 1024);
    (core->o.on_refuse ? core->o.on_refuse : refuse_plain)(core->arg, status, info->name, why ? why : info->words,
                                                           body);
}

void exchange_refuse(Exchange *x, int status, const char *why) {
    count_refusal(&x->core->counts, status);
    HttpField type = { S("Content-Type"), S("application/json") };
    HttpReply r = { .status = status, .fields = &type, .n_fields = 1 };
    http_refusal_body(x->core, status, why, &r.body);
    buf_clear(&x->lines_out);
    reply_fill(x, &r);
    x->refused = true;
    x->keep_alive = false;
}
