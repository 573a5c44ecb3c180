/* gateway/request.c - one request on its lane: decode, run, encode, compress, answer. */

#include "gateway/internal.h"

#include "base/hash.h"
#include "base/zip.h"
#include "gateway/auth.h"
#include "gateway/freshness.h"
#include "gateway/hop.h"

enum {
    REPLY_MAX = 64 << 20,
    COMPRESS_FROM = 1024, /* bytes: below, a header costs more than it saves */
    ARENA_MAX = 256 << 20,
    POOL_MAX = 32,                          /* requests at rest; more at once are heap memory of their own */
    POOL_ARENA = 256 << 10,                 /* bytes: an arena that grew larger is given back */
    EXTRA_MAX = OP_DEPRECATION_HEADERS + 4, /* fields beside those every reply has */
};

static Str keep_id(char to[static REQUEST_ID_MAX + 1], Str id) {
    size_t n = MIN(id.n, (size_t)REQUEST_ID_MAX);
    memcpy(to, id.p, n);
    return str_n(to, n);
}

static void request_destroy(Request *rq) {
    arena_done(&rq->arena);
    mem_free(rq->spans);
    mem_free(rq);
}

static Request *pool_take(RequestPool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->out++;
    Request *rq = pool->top;
    if (rq) {
        pool->top = rq->next;
        pool->n--;
    }
    pthread_mutex_unlock(&pool->lock);
    if (rq) {
        *rq = (Request){ .arena = rq->arena, .spans = rq->spans };
    } else {
        rq = mem_new(Request);
        arena_init(&rq->arena, ARENA_MAX);
    }
    return rq;
}

static Request *request_make(Gateway *g, HttpExchange *ex, const atomic_bool *gone) {
    Request *rq = pool_take(&g->pool);
    rq->g = g;
    rq->ex = ex;
    rq->metrics = &g->none;
    rq->stage = "request";
    atomic_init(&rq->owners, 2);
    ctx_init(&rq->cx, &rq->arena, g->o.clock);
    rq->cx.cancel = gone;
    rq->cx.slow = g->o.slow;
    Trace *trace = &rq->cx.trace;
    trace->request_id = keep_id(rq->request_id, ids_uuid4(g->o.ids, &rq->arena));
    Str inbound = http_field(&ex->head, S(API_HEADER_CORRELATION));
    trace->correlation_id = hop_plain_id(inbound) ? keep_id(rq->correlation_id, inbound) : trace->request_id;
    traced_begin(rq);
    rq->coding = negotiate_coding(http_field(&ex->head, S("accept-encoding")));
    rq->is_rpc = ex->intake == HTTP_BODY_OPEN;
    rq->head_only = str_eq(ex->head.method, S("HEAD"));
    rq->origin = g->o.cors.n ? http_field(&ex->head, S("origin")) : (Str){ 0 };
    ex->user = rq;
    return rq;
}

Request *request_new(Gateway *g, HttpExchange *ex) {
    return request_make(g, ex, http_exchange_gone_flag(ex));
}

Request *request_new_part(Gateway *g, RequestPart *p, HttpExchange *ex, const atomic_bool *gone) {
    Request *rq = request_make(g, ex, gone);
    rq->part = p;
    return rq;
}

/* The last owner puts it into the pool, on whatever thread. */
static void let_go(Request *rq) {
    if (atomic_fetch_sub(&rq->owners, 1) != 1)
        return;
    traced_end(rq);
    routes_unref(rq->routes);
    RequestPool *pool = &rq->g->pool;
    pthread_mutex_lock(&pool->lock);
    pool->out--;
    bool kept = pool->n < POOL_MAX;
    if (kept) {
        rq->next = pool->top;
        pool->top = rq;
        pool->n++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!kept)
        request_destroy(rq);
}

/* The answer is given: nothing of the exchange may be touched any more, and large memory goes. */
static void worker_done(Request *rq) {
    if (rq->arena.used > POOL_ARENA)
        arena_done(&rq->arena);
    else
        arena_reset(&rq->arena);
    let_go(rq);
}

void request_left(Request *rq) {
    worker_done(rq);
}

void request_pool_done(Gateway *g) {
    assert(g->pool.out == 0); /* who has one would look for its gateway later */
    while (g->pool.top) {
        Request *rq = g->pool.top;
        g->pool.top = rq->next;
        request_destroy(rq);
    }
    pthread_mutex_destroy(&g->pool.lock);
}

void request_ended(Request *rq) {
    let_go(rq);
}

/* --- answers --- */

static Str coding_name(Coding c) {
    return c == CODING_ZSTD ? S("zstd") : S("gzip");
}

/* Replaces body by its compressed form where that pays. */
static bool compress(Request *rq, Buf *body) {
    if (rq->coding == CODING_IDENTITY || body->n < COMPRESS_FROM)
        return false;
    enum { FAST = 1 };
    Buf packed;
    buf_init(&packed, body->n);
    int r = zip_compress(NULL, rq->coding == CODING_ZSTD ? ZIP_ZSTD : ZIP_GZIP, FAST, buf_str(body), &packed);
    if (r != 0) { /* did not get smaller */
        buf_done(&packed);
        return false;
    }
    buf_done(body);
    *body = packed;
    return true;
}

size_t request_own_fields(Request *rq, HttpField *to) {
    size_t n = 0;
    to[n++] = (HttpField){ S("X-Request-ID"), rq->cx.trace.request_id };
    to[n++] = (HttpField){ S("X-Correlation-ID"), rq->cx.trace.correlation_id };
    if (rq->tell) {
        LimitHeaders h;
        limit_headers(&rq->arena, rq->tell, &h);
        to[n++] = (HttpField){ S("RateLimit-Limit"), h.limit };
        to[n++] = (HttpField){ S("RateLimit-Remaining"), h.remaining };
        to[n++] = (HttpField){ S("RateLimit-Reset"), h.reset };
    }
    Str origin = rq->origin;
    if (origin.n)
        n += cors_fields(&rq->g->o.cors, origin, to + n);
    return n;
}

/* reply: status and body. */
static void reply_with(Request *rq, HttpReply *reply, Str content_type, const HttpField *extra, size_t n_extra) {
    enum { OWN = 4 + REQUEST_OWN_FIELDS };
    HttpField fields[OWN + EXTRA_MAX];
    size_t n = 0;
    assert(n_extra <= EXTRA_MAX);
    if (content_type.n)
        fields[n++] = (HttpField){ S("Content-Type"), content_type };
    n += request_own_fields(rq, fields + n);
    fields[n++] = (HttpField){ S("Vary"), S("Accept, Accept-Encoding") };
    if (rq->coding != CODING_IDENTITY)
        fields[n++] = (HttpField){ S("Content-Encoding"), coding_name(rq->coding) };
    for (size_t i = 0; i < n_extra; i++)
        fields[n++] = extra[i];

    reply->fields = fields;
    reply->n_fields = n;
    request_answer(rq, reply); /* copies the fields */
    worker_done(rq);
}

void request_reply_coded(Request *rq, int status, Str content_type, Buf *body, const HttpField *extra, size_t n_extra) {
    HttpReply reply = { .status = status, .body = *body };
    *body = (Buf){ 0 };
    reply_with(rq, &reply, content_type, extra, n_extra);
}

void request_reply_shared(Request *rq, Str content_type, HttpShared *body, const HttpField *extra, size_t n_extra) {
    HttpReply reply = { .status = 200, .shared = http_shared_ref(body) };
    reply_with(rq, &reply, content_type, extra, n_extra);
}

void request_reply(Request *rq, int status, Str content_type, Buf *body, const HttpField *extra, size_t n_extra) {
    if (!compress(rq, body))
        rq->coding = CODING_IDENTITY;
    request_reply_coded(rq, status, content_type, body, extra, n_extra);
}

void request_fail(Request *rq) {
    if (rq->is_rpc) {
        grpc_fail(rq);
        return;
    }
    const ErrInfo *info = err_info(rq->cx.err.code);
    Buf body;
    buf_init(&body, 16 << 10);
    JsonWriter w;
    json_writer_init(&w, &body, false);
    rq->cx.err.stage = rq->stage;
    const Op *op = rq->match.op;
    (op && op->write_error ? op->write_error : op_write_error)(&w, &rq->cx);

    HttpField extra[EXTRA_MAX];
    size_t n = 0;
    if (info->code == ERR_METHOD && rq->match.allow.n)
        extra[n++] = (HttpField){ S("Allow"), rq->match.allow };
    if (info->code == ERR_UNAUTHORIZED)
        extra[n++] = (HttpField){ S("WWW-Authenticate"), S("Bearer realm=\"finsight\"") };
    if (rq->cx.err.retry_after_ms > 0 || info->code == ERR_BUSY || info->code == ERR_LIMIT) {
        long long s = (long long)((rq->cx.err.retry_after_ms + 999) / 1000);
        extra[n++] = (HttpField){ S("Retry-After"), str_fmt(&rq->arena, "%lld", MAX(s, 1)) };
    }
    if (info->http_status >= 500)
        log_failure(rq->g->o.log, &rq->cx, rq->ex->head.path);
    request_reply(rq, info->http_status, S("application/json"), &body, extra, n);
}

/* --- on the lane --- */

/* An operation without an input still refuses what it does not know. */
static const Shape nothing = { .name = "Nothing", .size = 1 };

static int decode(Request *rq, void *in) {
    Op plain = *rq->match.op;
    plain.in = plain.in ? plain.in : &nothing;
    const Op *op = &plain;
    const HttpHead *head = &rq->ex->head;
    QueryPair *query;
    size_t n_query;
    int r = query_split(&rq->cx, head->query, &query, &n_query);
    if (r != 0)
        return r;
    MediaType sent = rq->ex->body.n ? media_of(http_field(head, S("content-type"))) : MEDIA_JSON;
    if (sent == MEDIA_CSV && op->csv && op->max_body)
        return op_decode_csv(op, &rq->cx, &(OpText){ rq->match.params, query, rq->match.n_params, n_query },
                             rq->ex->body, in);
    if (sent != MEDIA_JSON)
        return err_set(&rq->cx, ERR_MEDIA_TYPE, "Content-Type '" STR_FMT "' is not read here; send application/json%s",
                       STR_ARG(http_field(head, S("content-type"))), op->csv && op->max_body ? " or text/csv" : "");
    return op_decode(op, &rq->cx, rq->match.params, rq->match.n_params, query, n_query, rq->ex->body, in);
}

int request_decode(Request *rq, void **in) {
    const Op *op = rq->match.op;
    *in = arena_zalloc(&rq->arena, op->in ? op->in->size : nothing.size);
    return decode(rq, *in);
}

int request_check(Request *rq) {
    void *in;
    return request_decode(rq, &in);
}

static int encode(Request *rq, const void *out, Buf *body) {
    const Op *op = rq->match.op;
    buf_init(body, REPLY_MAX);
    if (op->raw) {
        const RawBody *raw = out;
        rq->raw_media = raw->media;
        buf_put_str(body, raw->bytes);
        return buf_ok(body) ? 0 : err_set(&rq->cx, ERR_TOO_LARGE, "the answer is too large to send in one piece");
    }
    if (rq->media == MEDIA_CSV) {
        int r = op_write_csv(op, out, body);
        if (r != 0)
            return err_set(&rq->cx, ERR_TOO_LARGE, "the answer is too large; ask for fewer rows");
        return 0;
    }
    JsonWriter w;
    json_writer_init(&w, body, false);
    if (op->out)
        shape_write(op->out, &w, out);
    else
        BUF_LIT(body, "{}");
    return buf_ok(body) ? 0 : err_set(&rq->cx, ERR_TOO_LARGE, "the answer is too large; ask for fewer rows");
}

/* The answer as it was kept, or OP_TO_RUN. */
static int find_kept(Request *rq, const void *in, Str form, OpCached *c, Buf *body) {
    buf_init(body, REPLY_MAX);
    int r = op_cached_find(rq->g->o.answers, &rq->cx, rq->match.op, in, form, c, body);
    rq->kept = op_cached_word(c);
    if (r != 0)
        buf_done(body);
    return r;
}

static int run(Request *rq, Buf *body) {
    const Op *op = rq->match.op;
    void *in = arena_zalloc(&rq->arena, op->in ? op->in->size : nothing.size);
    void *out = op->out ? arena_zalloc(&rq->arena, op->out->size) : NULL;
    int r = decode(rq, in);
    if (r == 0)
        r = ctx_check(&rq->cx);
    traced_stage(rq, "validation", r);
    if (r != 0)
        return r;
    OpCached c;
    Str form = rq->media == MEDIA_CSV ? S("csv") : S("json");
    SpanMark look = span_begin(&rq->cx, "cache");
    r = find_kept(rq, in, form, &c, body);
    span_end(&rq->cx, look, MIN(r, 0));
    span_note(look.span, rq->kept);
    if (r == 0)
        surrogate_note(rq, in, c.series);
    if (r != OP_TO_RUN)
        return r;
    SpanMark work = span_begin(&rq->cx, "operation");
    ApiCaller *wire = rq->g->o.wire;
    r = wire ? api_call(wire, &rq->cx, op, op->in ? in : NULL, out)
             : op->run(rq->route->role, &rq->cx, op->in ? in : NULL, out);
    span_end(&rq->cx, work, r);
    assert(r <= 0);
    SpanMark end = span_begin(&rq->cx, "encode");
    if (r == 0)
        r = encode(rq, out, body);
    span_end(&rq->cx, end, r);
    SpanMark keep = span_begin(&rq->cx, "cache.store");
    op_cached_end(&c, &rq->cx, in, out, r == 0 ? buf_str(body) : (Str){ 0 });
    rq->kept = op_cached_word(&c);
    span_end(&rq->cx, keep, 0);
    if (r == 0) {
        surrogate_note(rq, in, c.series);
        surrogate_purge_posted(rq, in);
    }
    return r;
}

/* Of what is said, before it is compressed: weak. The same in every process of the platform. */
static Str etag_of(Request *rq, Str body) {
    enum { SEED = 1 };
    return str_fmt(&rq->arena, "W/\"%016llx\"", (unsigned long long)hash64_str(body, SEED));
}

/* Whoever keeps it asks whether it is still so, which costs a 304; an edge that may tell it for a while without asking is
 * told so only of what all may read. */
static Str cache_control(Request *rq) {
    const GatewayOptions *o = &rq->g->o;
    if (rq->route->needs > ROLE_READ)
        return S("no-store");
    if (o->edge_ms < MS_PER_SECOND || !str_eq(rq->cx.principal.id, S(AUTH_ANONYMOUS)))
        return S("no-cache");
    long long s = (long long)(o->edge_ms / MS_PER_SECOND);
    return str_fmt(&rq->arena, "public, max-age=0, s-maxage=%lld, stale-while-revalidate=%lld", s, s);
}

void request_run(void *arg, int lane_err) {
    Request *rq = arg;
    Buf body = { 0 };
    int r = lane_err;
    traced_stage(rq, "queue", r);
    if (r == ERR_TIMEOUT)
        err_set(&rq->cx, r, "the request waited too long in the queue");
    else if (r != 0)
        err_set(&rq->cx, ERR_UNAVAILABLE, "the server is stopping");
    else if (request_gone(rq))
        r = err_set(&rq->cx, ERR_CANCELLED, "the client is gone");
    if (r == 0)
        r = run(rq, &body);
    if (r != 0) {
        buf_done(&body);
        request_fail(rq);
        return;
    }
    QueryPair ageing[OP_DEPRECATION_HEADERS];
    HttpField extra[EXTRA_MAX];
    size_t n = op_deprecation_headers(&rq->match, &rq->arena, ageing);
    for (size_t i = 0; i < n; i++)
        extra[i] = (HttpField){ ageing[i].name, ageing[i].value };
    if (rq->kept.n)
        extra[n++] = (HttpField){ S("X-Cache"), rq->kept };
    if (str_eq(str_c(rq->match.op->method), S("GET"))) {
        Str etag = etag_of(rq, buf_str(&body));
        extra[n++] = (HttpField){ S("ETag"), etag };
        extra[n++] = (HttpField){ S("Cache-Control"), cache_control(rq) };
        if (rq->surrogates.n)
            extra[n++] = (HttpField){ S("Surrogate-Key"), rq->surrogates };
        if (not_modified(&rq->ex->head, etag, (Str){ 0 })) {
            buf_done(&body);
            rq->coding = CODING_IDENTITY;
            request_reply_coded(rq, 304, (Str){ 0 }, &body, extra, n);
            return;
        }
    }
    Str media = rq->raw_media.n          ? rq->raw_media
                : rq->media == MEDIA_CSV ? S("text/csv; charset=utf-8")
                                         : S("application/json");
    request_reply(rq, rq->match.op->status ? rq->match.op->status : 200, media, &body, extra, n);
}
