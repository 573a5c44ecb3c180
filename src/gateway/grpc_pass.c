/* gateway/grpc_pass.c - a call of gRPC that a service elsewhere answers: messages both ways as they come, over HTTP/2 on
 * both sides, on the loop. The gateway does not look into them.
 *
 * Passed on: the deadline that is left (grpc-timeout), metadata as other fields are, cancellation by resetting the stream,
 * the trailers. The breaker of the service hears grpc-status. A call is never repeated but where nothing of it left. */

#include "gateway/internal.h"

#include "gateway/forward.h"

typedef struct GrpcPass {
    LoopTimer timer; /* of the call's deadline; the service is told of it too, and may be silent all the same */
    bool waits;      /* the reply's pump waits to be woken */
    int over;        /* < 0: why it ends before its end */
} GrpcPass;

/* --- the end of a call --- */

static const char *over_words(int over) {
    return over == 0             ? "the service's answer broke off"
           : over == ERR_TIMEOUT ? "the deadline of the call has passed"
                                 : HOLD_WORDS;
}

static int status_in(const HttpField *fields, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t status;
        if (str_eq(fields[i].name, S("grpc-status")))
            return str_to_u64(fields[i].value, &status) && status < GRPC_STATUSES ? (int)status : GRPC_UNKNOWN;
    }
    return -1;
}

static void leave(Request *rq, int status) {
    loop_timer_stop(&rq->pass->timer);
    hold_over(&rq->hold);
    grpc_count(rq, status);
    cluster_close(TAKE(rq->call));
    request_left(rq);
}

/* What is said of the call is the error in rq->cx; no answer has begun. */
static void refuse(Request *rq) {
    loop_timer_stop(&rq->pass->timer);
    hold_over(&rq->hold);
    rq->ex->on_gone = rq->ex->on_body = NULL;
    cluster_close(TAKE(rq->call));
    request_fail(rq);
}

/* --- the reply --- */

/* Trailers of a reply that has begun and has none of its own. */
static void end_with(Request *rq, int status, const char *words) {
    char text[4] = { (char)('0' + status / 10), (char)('0' + status % 10) };
    Str number = status < 10 ? str_n(text + 1, 1) : str_n(text, 2);
    const HttpField fields[] = { { S("grpc-status"), number }, { S("grpc-message"), str_c(words) } };
    rq->rpc_status = status;
    http_reply_trailers(rq->ex, fields, ARRAY_LEN(fields));
}

static void end_well(Request *rq) {
    const HttpField *fields;
    size_t n;
    cluster_trailers(rq->call, &fields, &n);
    int status = status_in(fields, n);
    if (status < 0) {
        end_with(rq, GRPC_UNKNOWN, "the service ended without a status");
        return;
    }
    rq->rpc_status = status;
    http_reply_trailers(rq->ex, fields, n);
}

static int pump(void *arg, Buf *out) {
    Request *rq = arg;
    GrpcPass *p = rq->pass;
    int r = p->over ? p->over : cluster_take(rq->call, out);
    if (r == HTTP_PUMP_WAIT)
        p->waits = true;
    else if (r == HTTP_PUMP_DONE)
        end_well(rq);
    else if (r < 0)
        end_with(rq, p->over ? grpc_status_of(p->over) : GRPC_UNAVAILABLE, over_words(p->over));
    return r < 0 ? HTTP_PUMP_DONE : r;
}

static void pump_done(void *arg) {
    Request *rq = arg;
    leave(rq, rq->rpc_status);
}

static void wake(Request *rq) {
    if (!rq->pass->waits)
        return;
    rq->pass->waits = false;
    http_stream_wake(rq->ex); /* may end the call */
}

static void on_more(void *arg) {
    wake(arg);
}

static HttpField *reply_fields(Request *rq, const UpHead *head, size_t *n) {
    HttpField *fields;
    forward_reply(&rq->arena, head->fields, head->n_fields, &fields, n);
    *n += request_own_fields(rq, fields + *n);
    return fields;
}

/* The whole answer in one head: a failure before any message. */
static void reply_whole(Request *rq, const UpHead *head) {
    HttpReply reply = { .status = 200, .length = -1, .bare = true };
    int status = status_in(head->fields, head->n_fields);
    reply.fields = reply_fields(rq, head, &reply.n_fields);
    rq->ex->on_gone = rq->ex->on_body = NULL;
    http_reply(rq->ex, &reply);
    leave(rq, status);
}

static void on_head(void *arg, const UpHead *head) {
    Request *rq = arg;
    int status = status_in(head->fields, head->n_fields);
    Str type = { 0 };
    for (size_t i = 0; i < head->n_fields; i++)
        if (str_eq(head->fields[i].name, S("content-type")))
            type = head->fields[i].value;
    if (head->status != 200 || !str_starts(type, S("application/grpc")) || (head->whole && status < 0)) {
        int err = grpc_status_err(grpc_status_of_http(head->status));
        err_set(&rq->cx, err, "the service answered with HTTP %d, not with gRPC", head->status);
        refuse(rq);
        return;
    }
    if (head->whole) {
        reply_whole(rq, head);
        return;
    }
    HttpReply reply = { .status = 200, .bare = true };
    reply.fields = reply_fields(rq, head, &reply.n_fields);
    rq->streaming = true;
    rq->rpc_status = GRPC_CANCELLED; /* unless it comes to its end */
    http_reply_stream(rq->ex, &reply, pump, rq, pump_done);
}

static void on_fail(void *arg, const ClusterFailure *why) {
    Request *rq = arg;
    rq->call = NULL;
    loop_timer_stop(&rq->pass->timer);
    hold_over(&rq->hold);
    rq->ex->on_body = NULL;
    proxy_refuse(rq, why);
}

static const ClusterEvents events = { .head = on_head, .fail = on_fail, .more = on_more };

/* --- the request --- */

static int body_pump(void *arg, Buf *out) {
    return http_body_read(arg, out);
}

static void on_body(HttpExchange *ex) {
    Request *rq = ex->user;
    if (rq->call)
        cluster_wake(rq->call);
}

static void on_gone(HttpExchange *ex) {
    Request *rq = ex->user;
    if (rq->streaming) {
        wake(rq); /* ends the stream, which closes the call */
        return;
    }
    err_set(&rq->cx, ERR_CANCELLED, "the client is gone");
    refuse(rq);
}

static void end_early(Request *rq, int why) {
    rq->pass->over = why;
    if (rq->streaming) {
        wake(rq);
        return;
    }
    err_set(&rq->cx, why, "%s", over_words(why));
    refuse(rq);
}

static void on_deadline(void *arg) {
    end_early(arg, ERR_TIMEOUT);
}

/* The service is rid of the call at once, also where the client does not read. */
static void key_gone(KeyHold *h) {
    Request *rq = CONTAINER_OF(h, Request, hold);
    rq->ex->on_body = NULL;
    cluster_close(TAKE(rq->call));
    end_early(rq, hold_refusal(rq->g));
}

/* The fields that go on, and those of gRPC's own hop. */
static void put_fields(Request *rq, UpRequest *up) {
    HttpField *to = arena_alloc(&rq->arena, (up->n_fields + 2) * sizeof *to);
    size_t n = 0;
    for (size_t i = 0; i < up->n_fields; i++)
        if (!str_eq(up->fields[i].name, S("grpc-timeout")))
            to[n++] = up->fields[i];
    to[n++] = (HttpField){ S("te"), S("trailers") };
    if (rq->cx.deadline.ns) {
        int64_t left_ms = MAX(mono_ms_between(loop_now(rq->g->o.loop), rq->cx.deadline), (int64_t)1);
        char *text = arena_alloc(&rq->arena, GRPC_TIMEOUT_TEXT);
        to[n++] = (HttpField){ S("grpc-timeout"), grpc_timeout_write(left_ms, text) };
    }
    up->fields = to;
    up->n_fields = n;
}

void grpc_pass(Request *rq) {
    GrpcPass *p = rq->pass = arena_new(&rq->arena, GrpcPass);
    HttpExchange *ex = rq->ex;
    ClusterRequest call;
    proxy_request(rq, &rq->arena, &ex->head, &call);
    put_fields(rq, &call.up);
    call.up.body = (Str){ 0 };
    call.up.pump = body_pump;
    call.up.pump_arg = ex;
    call.up.patient = true;
    call.repeatable = false;
    call.rpc = true;
    loop_timer_init(&p->timer, rq->g->o.loop, on_deadline, rq);
    if (rq->cx.deadline.ns)
        loop_timer_start_at(&p->timer, rq->cx.deadline);
    else
        call.up.deadline = (MonoNs){ INT64_MAX };
    ex->on_body = on_body;
    ex->on_gone = on_gone;
    rq->stage = "upstream";
    hold_begin(rq, &rq->hold, key_gone);
    rq->call = cluster_send(rq->route->cluster, &call, &events, rq);
}
