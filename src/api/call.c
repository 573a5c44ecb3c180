/* api/call.c - see call.h. */

#include "api/call.h"

#include "base/span.h"

int api_call(ApiCaller *c, Ctx *cx, const Op *op, const void *in, void *out) {
    assert(c && op && (in || !op->in) && (out || !op->out));
    if (op->out)
        memset(out, 0, op->out->size);
    int e = ctx_check(cx);
    if (!e)
        e = c->call(c, cx, op, in, out);
    if (e && op->out)
        memset(out, 0, op->out->size);
    return e;
}

ApiCaller *api_caller_close(ApiCaller *c) {
    if (c)
        c->close(c);
    return NULL;
}

/* --- in this process --- */

typedef struct Local {
    ApiCaller caller; /* first */
    ApiRole *roles;
    size_t n;
    OpRouter *router; /* of the wire kind */
} Local;

static int find_role(const Local *l, Ctx *cx, const Op *op, void **role) {
    for (size_t t = 0; t < l->n; t++)
        for (size_t i = 0; i < l->roles[t].table->n_ops; i++)
            if (l->roles[t].table->ops[i] == op) {
                *role = l->roles[t].role;
                return 0;
            }
    return err_set(cx, ERR_UNAVAILABLE, "%s: no role of this process serves it", op->name);
}

/* Both kinds of caller begin here: defaults where nothing was given, then the checks. */
static int complete_in(Ctx *cx, const Op *op, const void *in, void **full) {
    *full = NULL;
    if (!op->in)
        return 0;
    *full = arena_alloc(cx->arena, op->in->size);
    memcpy(*full, in, op->in->size);
    shape_fill(op->in, cx, *full);
    return shape_validate(op->in, cx, *full);
}

static int local_call(ApiCaller *c, Ctx *cx, const Op *op, const void *in, void *out) {
    void *role = NULL, *full;
    int e = find_role((Local *)c, cx, op, &role);
    if (!e)
        e = complete_in(cx, op, in, &full);
    return e ? e : op->run(role, cx, full, out);
}

static void local_close(ApiCaller *c) {
    Local *l = (Local *)c;
    op_router_free(l->router);
    mem_free(l->roles);
    mem_free(l);
}

static Local *local_new(const ApiRole *roles, size_t n) {
    Local *l = mem_new(Local);
    l->roles = mem_new_n(ApiRole, MAX(n, (size_t)1));
    l->n = n;
    for (size_t i = 0; i < n; i++)
        l->roles[i] = roles[i];
    l->caller.close = local_close;
    return l;
}

ApiCaller *api_caller_local(const ApiRole *roles, size_t n) {
    Local *l = local_new(roles, n);
    l->caller.call = local_call;
    l->caller.name = "local";
    return &l->caller;
}

/* --- in this process, through the form of the wire --- */

/* The struct as JSON, or the error of the server's Ctx. */
static Str json_text(Arena *a, const Shape *shape, const void *v, const Ctx *failed) {
    Buf b;
    JsonWriter w;
    buf_init(&b, SIZE_MAX / 2);
    json_writer_init(&w, &b, false);
    if (failed)
        op_write_error(&w, failed);
    else
        shape_write(shape, &w, v);
    Str text = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

static const Field raw_body_f[] = {
    FIELD(RawBody, media, .doc = "Its media type."),
    FIELD(RawBody, bytes, .doc = "The document."),
};
SHAPE(raw_body_shape, RawBody, raw_body_f, .doc = "The document itself.");

/* What a gateway does with a request, policy left out. */
static int serve(const Local *l, Ctx *cx, const ApiRequest *rq, const Op **op, RawBody *answer) {
    OpMatch match;
    ptrdiff_t mark = str_find_char(rq->target, '?');
    Str path = mark < 0 ? rq->target : str_first(rq->target, (size_t)mark);
    Str query = mark < 0 ? (Str){ 0 } : str_from(rq->target, (size_t)mark + 1);
    int e = op_route(l->router, cx, rq->method, path, &match);
    if (e)
        return e;
    *op = match.op;
    QueryPair *pairs;
    size_t n;
    if ((e = query_split(cx, query, &pairs, &n)))
        return e;
    void *in = match.op->in ? arena_zalloc(cx->arena, match.op->in->size) : NULL;
    if ((e = op_decode(match.op, cx, match.params, match.n_params, pairs, n, rq->body, in)))
        return e;
    void *out = match.op->out ? arena_zalloc(cx->arena, match.op->out->size) : NULL, *role = NULL;
    if ((e = find_role(l, cx, match.op, &role)) || (e = match.op->run(role, cx, in, out)))
        return e;
    if (match.op->raw)
        *answer = *(const RawBody *)out;
    else if (match.op->out)
        answer->bytes = json_text(cx->arena, match.op->out, out, NULL);
    return 0;
}

/* A read answer that is not what was agreed is the server's fault: its place in the answer stays in the words. */
static int read_answer(Ctx *cx, const Op *op, const RawBody *answer, void *out) {
    if (op->raw) {
        *(RawBody *)out = *answer;
        return 0;
    }
    if (!op->out || shape_decode_reply(op->out, cx, answer->bytes, out) == 0)
        return 0;
    Str why = str_dup(cx->arena, str_c(cx->err.text));
    return err_set(cx, ERR_INTERNAL, "%s: the answer is not a %s: " STR_FMT, op->name, op->out->name, STR_ARG(why));
}

static int wire_call(ApiCaller *c, Ctx *cx, const Op *op, const void *in, void *out) {
    const Local *l = (const Local *)c;
    ApiRequest rq;
    int e = op_encode(op, cx, in, &rq);
    if (e)
        return e;
    Ctx server = *cx; /* as another process would have: its own error, told to us only in JSON */
    err_clear(&server);
    const Op *found = op;
    RawBody answer = { 0 };
    e = serve(l, &server, &rq, &found, &answer);
    assert(found == op); /* the route of an operation leads to it */
    if (e > 0)
        return e;
    if (e < 0)
        return op_read_error(cx, err_info(e)->http_status, json_text(cx->arena, NULL, NULL, &server));
    return read_answer(cx, op, &answer, out);
}

ApiCaller *api_caller_wire(const ApiRole *roles, size_t n) {
    Local *l = local_new(roles, n);
    const OpTable **tables = mem_new_n(const OpTable *, MAX(n, (size_t)1));
    for (size_t i = 0; i < n; i++)
        tables[i] = roles[i].table;
    l->router = op_router_new(tables, n);
    mem_free(tables);
    l->caller.call = wire_call;
    l->caller.name = "wire";
    return &l->caller;
}

/* --- over HTTP --- */

typedef struct Remote {
    ApiCaller caller; /* first */
    ApiExchange *exchange;
    void *arg;
    char *key; /* owned */
} Remote;

enum { CALL_HEADERS = 7 };

static size_t call_headers(const Remote *r, Ctx *cx, bool body, bool raw, QueryPair out[static CALL_HEADERS]) {
    size_t n = 0;
    out[n++] = (QueryPair){ S("accept"), raw ? S("*/*") : S("application/json") };
    if (body)
        out[n++] = (QueryPair){ S("content-type"), S("application/json") };
    if (r->key)
        out[n++] = (QueryPair){ S(API_HEADER_KEY), str_c(r->key) };
    if (cx->trace.correlation_id.n)
        out[n++] = (QueryPair){ S(API_HEADER_CORRELATION), cx->trace.correlation_id };
    if (cx->deadline.ns)
        out[n++] =
            (QueryPair){ S(API_HEADER_DEADLINE), str_fmt(cx->arena, "%lld", (long long)ctx_left_ms(cx, INT64_MAX)) };
    if (cx->trace.trace_hi | cx->trace.trace_lo)
        out[n++] =
            (QueryPair){ S(API_HEADER_TRACE), traceparent_write(&cx->trace, arena_alloc(cx->arena, TRACEPARENT_TEXT)) };
    if (cx->trace.state.n)
        out[n++] = (QueryPair){ S(API_HEADER_TRACESTATE), cx->trace.state };
    return n;
}

static int remote_call(ApiCaller *c, Ctx *cx, const Op *op, const void *in, void *out) {
    Remote *r = (Remote *)c;
    ApiRequest rq;
    ApiAnswer answer = { 0 };
    QueryPair headers[CALL_HEADERS];
    void *full;
    int e = complete_in(cx, op, in, &full); /* what is plainly wrong needs no journey */
    if (!e)
        e = op_encode(op, cx, full, &rq);
    if (e)
        return e;
    rq.headers = headers;
    rq.n_headers = call_headers(r, cx, rq.body.n > 0, op->raw != NULL, headers);
    if ((e = r->exchange(r->arg, cx, &rq, &answer)))
        return e;
    if (answer.status < 200 || answer.status > 299) {
        e = op_read_error(cx, answer.status, answer.body);
        if (!cx->err.retry_after_ms)
            cx->err.retry_after_ms = answer.retry_after_ms;
        return e;
    }
    if (op->out && !op->raw && !str_starts(answer.content_type, S("application/json")))
        return err_set(cx, ERR_INTERNAL, "%s: the server answered " STR_FMT " where JSON was asked for", op->name,
                       STR_ARG(answer.content_type));
    return read_answer(cx, op, &(RawBody){ answer.content_type, answer.body }, out);
}

static void remote_close(ApiCaller *c) {
    Remote *r = (Remote *)c;
    if (r->key)
        explicit_bzero(r->key, strlen(r->key));
    mem_free(r->key);
    mem_free(r);
}

ApiCaller *api_caller_http(ApiExchange *exchange, void *arg, Str key) {
    Remote *r = mem_new(Remote);
    *r = (Remote){ .caller = { .call = remote_call, .close = remote_close, .name = "http" },
                   .exchange = exchange,
                   .arg = arg };
    if (key.n) {
        r->key = mem_zalloc(key.n + 1);
        memcpy(r->key, key.p, key.n);
    }
    return &r->caller;
}
