/* gateway/batch.c - several readings asked together, of whatever services answer them (GWY-33).
 *
 * Each reading is a request of its own that passes every stage as if it had come alone: it counts against limits, needs
 * its role, is answered from what is kept, may be repeated elsewhere. Its exchange is not one of the server's but a part
 * here, and what would be its reply comes to request_answer, which mails it to the loop. One deadline holds for all; when
 * it is over the answer tells what there is, and what is still under way is ended and forgotten.
 *
 * A batch lives until its last part has ended, which may be after its answer: a lane cannot be stopped. */

#include "gateway/internal.h"

#include "api/batch/batch_api.h"
#include "base/span.h"

enum { PART_MAX = 4 << 20, BATCH_REPLY_MAX = 64 << 20, MEDIA_MAX = 64 };

typedef struct Batch Batch;

struct RequestPart {
    Batch *batch;
    HttpExchange ex;
    Request *rq; /* NULL: ended */
    Str name;
    LoopMail mail;
    /* its reply */
    int status;
    Buf body;
    char media[MEDIA_MAX];
};

struct Batch {
    ListNode node; /* in gateway->batches */
    Gateway *g;
    Arena arena;
    Request *rq; /* who asked; NULL: has its answer, or is gone */
    MonoNs began;
    LoopTimer timer;
    atomic_bool gone; /* what its readings watch */
    RequestPart *parts;
    size_t n, left;
};

static void batch_unref(Batch *b) {
    if (b->left || b->rq)
        return;
    list_remove(&b->node);
    loop_timer_stop(&b->timer);
    for (size_t i = 0; i < b->n; i++)
        buf_done(&b->parts[i].body);
    arena_done(&b->arena);
    mem_free(b);
}

/* --- the answer --- */

static bool is_json(Arena *a, Str body, const char *media) {
    if (media_of(str_c(media)) != MEDIA_JSON || !media[0])
        return false;
    JsonReader r;
    json_reader_init(&r, body, a, SHAPE_DEPTH_MAX);
    return json_skip(&r) == 0 && json_finish(&r) == 0;
}

static void read_failure(Arena *a, const RequestPart *p, BatchFailure *out) {
    *out = (BatchFailure){ .name = p->name,
                           .status = p->status,
                           .code = S("upstream_error"),
                           .message = str_fmt(a, "the service answered %d", p->status) };
    if (!p->status) {
        out->status = 504;
        out->code = S("timeout");
        out->message = S("no answer within the time for all");
        return;
    }
    JsonReader r;
    Str key, inner;
    json_reader_init(&r, buf_str(&p->body), a, SHAPE_DEPTH_MAX);
    if (json_open_object(&r) != 0)
        return;
    while (json_object_next(&r, &key) > 0) {
        if (!str_eq(key, S("error")) || json_peek(&r) != JSON_OBJECT)
            continue;
        json_open_object(&r);
        while (json_object_next(&r, &inner) > 0) {
            Str *to = str_eq(inner, S("code"))      ? &out->code
                      : str_eq(inner, S("message")) ? &out->message
                      : str_eq(inner, S("stage"))   ? &out->stage
                                                    : NULL;
            Str text;
            if (to && json_peek(&r) == JSON_STRING && json_read_str(&r, &text) == 0)
                *to = text;
        }
    }
}

static void write_results(Batch *b, BatchOut *out, Buf *results) {
    BatchFailure *failures = arena_new_n(&b->arena, BatchFailure, b->n);
    JsonWriter w;
    buf_init(results, BATCH_REPLY_MAX);
    json_writer_init(&w, results, false);
    json_object(&w);
    for (size_t i = 0; i < b->n; i++) {
        const RequestPart *p = &b->parts[i];
        if (p->rq || p->status < 200 || p->status > 299) {
            read_failure(&b->arena, p, &failures[out->errors.n++]);
            continue;
        }
        json_key(&w, p->name);
        if (is_json(&b->arena, buf_str(&p->body), p->media))
            json_raw(&w, buf_str(&p->body));
        else
            json_str(&w, buf_str(&p->body));
    }
    json_object_end(&w);
    out->errors.v = failures;
    out->complete = out->errors.n == 0;
    out->results.json = buf_str(results);
}

static void answer(Batch *b) {
    Request *rq = TAKE(b->rq);
    loop_timer_stop(&b->timer);
    rq->ex->on_gone = NULL;
    BatchOut out = { .elapsed_ms = mono_ms_between(b->began, loop_now(b->g->o.loop)) };
    Buf results, body;
    write_results(b, &out, &results);
    buf_init(&body, BATCH_REPLY_MAX);
    JsonWriter w;
    json_writer_init(&w, &body, false);
    shape_write(&batch_out_shape, &w, &out);
    bool fits = buf_ok(&body) && buf_ok(&results);
    buf_done(&results);
    rq->stage = NULL;
    if (fits) {
        request_reply(rq, out.errors.n == b->n ? 502 : 200, S("application/json"), &body, NULL, 0);
        return;
    }
    buf_done(&body);
    err_set(&rq->cx, ERR_TOO_LARGE, "the answers together are too large; ask for less");
    request_fail(rq);
}

/* Ends what is under way. Each ends by its own way, through the mail. */
static void stop_parts(Batch *b) {
    atomic_store(&b->gone, true);
    for (size_t i = 0; i < b->n; i++) {
        RequestPart *p = &b->parts[i];
        if (p->rq && !p->mail.fn && p->ex.on_gone)
            p->ex.on_gone(&p->ex);
    }
}

static void on_time(void *arg) {
    Batch *b = arg;
    answer(b);
    stop_parts(b);
}

static void on_gone(HttpExchange *ex) {
    Request *rq = ex->user;
    Batch *b = rq->batch;
    b->rq = NULL;
    err_set(&rq->cx, ERR_CANCELLED, "the client is gone");
    request_fail(rq);
    stop_parts(b);
}

/* --- its parts --- */

/* On the loop: the part's reply is there. */
static void on_part(void *arg) {
    RequestPart *p = arg;
    Batch *b = p->batch;
    Request *rq = TAKE(p->rq);
    HttpDone done = { .status = p->status,
                      .sent = (int64_t)p->body.n,
                      .took_ns = loop_now(b->g->o.loop).ns - b->began.ns };
    counter_inc(rq->metrics->requests[CLAMP(p->status / 100, 0, 5)]);
    histogram_observe(rq->metrics->seconds, (double)done.took_ns * 1e-9);
    traced_done(rq, &p->ex, &done);
    request_ended(rq);
    if (--b->left == 0 && b->rq)
        answer(b);
    batch_unref(b);
}

void request_answer(Request *rq, HttpReply *reply) {
    RequestPart *p = rq->part;
    if (!p) {
        http_reply(rq->ex, reply);
        return;
    }
    p->status = reply->status;
    p->body = reply->body;
    reply->body = (Buf){ 0 };
    if (reply->shared) {
        buf_init(&p->body, MAX(http_shared_text(reply->shared).n, (size_t)1));
        buf_put_str(&p->body, http_shared_text(reply->shared));
        reply->shared = http_shared_unref(reply->shared);
    }
    for (size_t i = 0; i < reply->n_fields; i++) {
        Str v = reply->fields[i].value;
        if (!str_eq_nocase(reply->fields[i].name, S("content-type")))
            continue;
        memcpy(p->media, v.p, MIN(v.n, sizeof p->media - 1));
    }
    if (p->body.n > PART_MAX) {
        static const char words[] =
            "{\"error\":{\"code\":\"too_large\",\"message\":\"the answer is too large to be one of several\"}}";
        p->status = 413;
        buf_done(&p->body);
        buf_init(&p->body, sizeof words);
        buf_put(&p->body, words, sizeof words - 1);
    }
    p->mail = (LoopMail){ .fn = on_part, .arg = p };
    loop_mail(p->batch->g->o.loop, &p->mail);
}

bool request_gone(const Request *rq) {
    return rq->cx.cancel && atomic_load(rq->cx.cancel);
}

/* What of the request's fields is every reading's too: who asks, and what services may want to know. */
static bool goes_on(Str name) {
    static const Str stay[] = { STR_INIT("accept"),
                                STR_INIT("accept-encoding"),
                                STR_INIT("range"),
                                STR_INIT("expect"),
                                STR_INIT("idempotency-key"),
                                STR_INIT("connection"),
                                STR_INIT("if-none-match"),
                                STR_INIT("if-modified-since"),
                                STR_INIT("if-range"),
                                STR_INIT("if-match"),
                                STR_INIT("if-unmodified-since"),
                                STR_INIT("transfer-encoding"),
                                STR_INIT("upgrade"),
                                STR_INIT("trailer"),
                                STR_INIT("te"),
                                STR_INIT(API_HEADER_CORRELATION),
                                STR_INIT(API_HEADER_DEADLINE),
                                STR_INIT(API_HEADER_TRACE) };
    if (str_starts(name, S("content-")))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(stay); i++)
        if (str_eq(name, stay[i]))
            return false;
    return true;
}

/* The head of all readings; each has another path. */
static HttpHead head_of(Batch *b, const Request *rq, int64_t timeout_ms) {
    enum { OWN = 3 };
    Arena *a = &b->arena;
    HttpHead h = rq->ex->head;
    HttpField *to = arena_alloc(a, (h.n_fields + OWN) * sizeof *to);
    size_t n = 0;
    for (size_t i = 0; i < h.n_fields; i++)
        if (goes_on(h.fields[i].name))
            to[n++] = (HttpField){ str_dup(a, h.fields[i].name), str_dup(a, h.fields[i].value) };
    to[n++] = (HttpField){ S(API_HEADER_CORRELATION), str_dup(a, rq->cx.trace.correlation_id) };
    to[n++] = (HttpField){ S(API_HEADER_DEADLINE), str_fmt(a, "%lld", (long long)timeout_ms) };
    to[n++] = (HttpField){ S(API_HEADER_TRACE), traceparent_write(&rq->cx.trace, arena_alloc(a, TRACEPARENT_TEXT)) };
    h.method = S("GET");
    h.peer = str_dup(a, h.peer);
    h.host = str_dup(a, h.host);
    h.fields = to;
    h.n_fields = n;
    return h;
}

static void part_start(Batch *b, RequestPart *p, HttpHead head, const BatchItem *item) {
    Str target = str_dup(&b->arena, item->path);
    ptrdiff_t question = str_find_char(target, '?');
    head.target = target;
    head.path = question < 0 ? target : str_first(target, (size_t)question);
    head.query = question < 0 ? (Str){ 0 } : str_from(target, (size_t)question + 1);
    p->batch = b;
    p->name = str_dup(&b->arena, item->name);
    p->ex = (HttpExchange){ .head = head, .started = b->began };
    p->rq = request_new_part(b->g, p, &p->ex, &b->gone);
    stages_run(p->rq);
}

/* What of the input the tables cannot say. */
static int check(Request *rq, const BatchIn *in) {
    const BatchItem *v = in->requests.v;
    for (size_t i = 0; i < in->requests.n; i++) {
        Str place = str_fmt(&rq->arena, "requests[%zu].path", i);
        if (!str_starts(v[i].path, S("/")))
            return err_set_at(&rq->cx, ERR_INVALID, place, "a path begins with /");
        for (size_t k = 0; k < v[i].path.n; k++)
            if ((unsigned char)v[i].path.p[k] <= ' ' || (unsigned char)v[i].path.p[k] >= 0x7f || v[i].path.p[k] == '#')
                return err_set_at(&rq->cx, ERR_INVALID, place, "write the path as in a URL, percent-encoded");
        for (size_t k = 0; k < i; k++)
            if (str_eq(v[k].name, v[i].name))
                return err_set_at(&rq->cx, ERR_INVALID, str_fmt(&rq->arena, "requests[%zu].name", i),
                                  "the name " STR_FMT " is there twice", STR_ARG(v[i].name));
    }
    return 0;
}

void batch_serve(Request *rq) {
    BatchIn *in;
    rq->stage = "validation";
    if (rq->part ? err_set(&rq->cx, ERR_INVALID, "several readings are not one of several") != 0
                 : request_decode(rq, (void **)&in) != 0 || check(rq, in) != 0) {
        request_fail(rq);
        return;
    }
    enum { MEMORY_MAX = 64 << 20 };
    Gateway *g = rq->g;
    Batch *b = mem_new(Batch);
    arena_init(&b->arena, MEMORY_MAX);
    list_push_back(&g->batches, &b->node);
    b->g = g;
    b->rq = rq;
    b->began = loop_now(g->o.loop);
    b->n = b->left = in->requests.n;
    b->parts = arena_new_n(&b->arena, RequestPart, b->n);
    atomic_init(&b->gone, false);
    loop_timer_init(&b->timer, g->o.loop, on_time, b);
    int64_t timeout_ms = MIN(in->timeout_ms, ctx_left_ms(&rq->cx, in->timeout_ms));
    loop_timer_start(&b->timer, timeout_ms, 0);
    rq->batch = b;
    rq->ex->on_gone = on_gone;
    HttpHead head = head_of(b, rq, timeout_ms);
    for (size_t i = 0; i < b->n; i++) /* none answers before the loop's next turn */
        part_start(b, &b->parts[i], head, &((BatchItem *)in->requests.v)[i]);
}

/* A letter that comes when there is no gateway any more. */
static void on_late_part(void *arg) {
    Batch *b = ((RequestPart *)arg)->batch;
    b->left--;
    batch_unref(b);
}

void batches_end(Gateway *g) {
    LIST_FOR (it, &g->batches) {
        Batch *b = LIST_ENTRY(it, Batch, node);
        list_remove(&b->node);
        loop_timer_stop(&b->timer);
        assert(!b->rq); /* the server has ended all who asked */
        stop_parts(b);
        for (size_t i = 0; i < b->n; i++) {
            RequestPart *p = &b->parts[i];
            if (!p->rq)
                continue;
            assert(p->mail.fn); /* lanes are closed and calls ended: each has its reply */
            p->mail.fn = on_late_part;
            request_ended(TAKE(p->rq));
        }
    }
}
