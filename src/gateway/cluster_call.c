/* gateway/cluster_call.c - one call through breaker, balance, pool and retries; see cluster.h. */

#include "gateway/cluster_internal.h"

#include "grpc/wire.h"

enum { TRIED_MAX = 8 };

struct ClusterCall {
    Cluster *c;
    ClusterRequest rq;
    const ClusterEvents *events;
    void *arg;
    BreakerTicket ticket;
    bool admitted; /* the breaker waits for a report */
    bool told;     /* the head was */
    bool well;     /* of the attempt under way, as far as is known */
    int attempts;
    Instance *instance; /* of the attempt under way; NULL between two */
    BalancePick pick, tried[TRIED_MAX];
    size_t n_tried;
    UpCall *up;
    Span *span;      /* of the attempt; NULL: none is open */
    MonoNs began;    /* the attempt */
    int64_t took_ns; /* to the head */
    LoopTimer timer; /* the pause before the next attempt, or a failure to be told */
    ClusterFailure failure;
    /* a place among the calls of its kind */
    BulkheadWaiter waiter;
    bool inside, waiting;
    MonoNs entered;
    /* a second call, before the first has failed */
    LoopTimer hedge;
    ClusterCall *twin; /* under way; NULL: none */
    bool won;          /* the twin's answer is the call's */
    bool over;         /* the first has failed for good; the twin is waited for */
};

static void attempt(ClusterCall *k);

static MonoNs now_of(const ClusterCall *k) {
    return loop_now(k->c->env.loop);
}

/* --- spans --- */

static MonoNs traced_now(const ClusterCall *k) {
    return clock_mono(k->c->env.clock);
}

static void traced(ClusterCall *k, const char *name, MonoNs *from, bool well) {
    if (!k->rq.spans)
        return;
    MonoNs now = traced_now(k);
    Span *s = span_log_open(k->rq.spans, name, k->rq.parent, *from);
    *from = now;
    if (!s)
        return;
    s->end_ns = now.ns;
    s->failed = !well;
}

static void span_of_attempt(ClusterCall *k, MonoNs from) {
    if (!k->rq.spans)
        return;
    k->span = span_log_open(k->rq.spans, k->attempts > 1 ? "retry" : "upstream", k->rq.parent, from);
    if (!k->span)
        return;
    k->span->kind = SPAN_CLIENT;
    span_note(k->span, str_c(k->instance->address));
    span_id_write(k->span->id, k->rq.traceparent + TRACEPARENT_SPAN_AT);
}

static void span_over(ClusterCall *k, bool well) {
    Span *s = TAKE(k->span);
    if (!s)
        return;
    s->end_ns = traced_now(k).ns;
    s->failed = !well;
}

/* --- ends --- */

/* The instance is told how the attempt went, and is another call's. */
static void leave_instance(ClusterCall *k, bool made) {
    Instance *i = TAKE(k->instance);
    if (!i)
        return;
    if (made)
        balancer_done(k->c->balancer, k->pick, k->well, k->took_ns, now_of(k));
    else
        balancer_cancel(k->c->balancer, k->pick);
    instance_unref(i);
}

/* Its place is another's. */
static void leave_gate(ClusterCall *k, GateVerdict verdict) {
    if (k->waiting)
        gate_forget(k->rq.gate, &k->waiter);
    if (k->inside)
        gate_leave(k->rq.gate, now_of(k).ns - k->entered.ns, verdict);
    k->waiting = k->inside = false;
}

static void report(ClusterCall *k, bool success) {
    if (k->admitted)
        breaker_report(&k->c->breaker, k->ticket, success, now_of(k));
    k->admitted = false;
    counter_inc(success ? k->c->calls : k->c->failures);
}

static void call_free(ClusterCall *k) {
    leave_gate(k, GATE_UNKNOWN);
    loop_timer_stop(&k->hedge);
    loop_timer_stop(&k->timer);
    k->c->in_flight--;
    mem_free(k);
}

static void fail(ClusterCall *k) {
    const ClusterEvents *events = k->events;
    void *arg = k->arg;
    ClusterFailure why = k->failure;
    call_free(k);
    events->fail(arg, &why);
}

static void fail_soon(ClusterCall *k, int err, const char *stage, const char *words) {
    k->failure = (ClusterFailure){ .err = err, .stage = stage, .words = words };
    if (err == ERR_UNAVAILABLE)
        k->failure.retry_after_ms = MAX(breaker_retry_after_ms(&k->c->breaker, now_of(k)), (int64_t)1000);
    loop_timer_start(&k->timer, 0, 0);
}

/* --- attempts --- */

/* Another try, if it is allowed, affordable and in time. The attempt has been left already. */
static bool again(ClusterCall *k, RetryCause cause, int64_t retry_after_ms) {
    Cluster *c = k->c;
    if (!retry_allowed(cause, k->rq.repeatable) || k->n_tried == TRIED_MAX)
        return false;
    int64_t left_ms = mono_ms_between(now_of(k), k->rq.up.deadline);
    int64_t wait_ms = retry_wait_ms(c->o.retry, k->attempts, retry_after_ms, left_ms, &c->rng);
    if (wait_ms == RETRY_NO_MORE || !retry_budget_take(&c->budget))
        return false;
    k->tried[k->n_tried++] = k->pick;
    counter_inc(c->retries);
    if (balancer_available(c->balancer, now_of(k)) > k->n_tried)
        wait_ms = 0; /* there is one that has not failed yet: no reason to wait */
    loop_timer_start(&k->timer, wait_ms, 0);
    return true;
}

static int64_t told_to_wait_ms(const ClusterCall *k, const UpHead *head) {
    int64_t ms = 0;
    for (size_t i = 0; i < head->n_fields; i++)
        if (str_eq(head->fields[i].name, S("retry-after")))
            retry_after_parse(head->fields[i].value, clock_wall(k->c->env.clock), &ms);
    return ms;
}

int rpc_http_status(const HttpField *fields, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t status;
        if (!str_eq(fields[i].name, S("grpc-status")))
            continue;
        bool good = str_to_u64(fields[i].value, &status) && status < GRPC_STATUSES;
        return !good ? 500 : status == GRPC_OK ? 200 : err_info(grpc_status_err((int)status))->http_status;
    }
    return 200;
}

/* A call of gRPC is judged by its trailers, which come with the head where there is no message. */
static void on_rpc_head(ClusterCall *k, const UpHead *head) {
    int status = head->status == 200 ? rpc_http_status(head->fields, head->n_fields) : head->status;
    k->well = breaker_is_success(k->c->o.breaker, 0, status);
    k->told = true;
    span_over(k, k->well);
    if (head->whole || head->status != 200)
        report(k, k->well);
    k->events->head(k->arg, head);
}

static void on_head(void *arg, const UpHead *head) {
    ClusterCall *k = arg;
    k->took_ns = now_of(k).ns - k->began.ns;
    if (k->rq.rpc) {
        on_rpc_head(k, head);
        return;
    }
    k->well = breaker_is_success(k->c->o.breaker, 0, head->status == 101 ? 200 : head->status);
    span_over(k, k->well);
    RetryCause cause = retry_cause(0, true, head->status);
    bool elsewhere = !k->rq.answers || head->status == 429 || head->status == 503;
    if (cause == RETRY_ASKED && elsewhere) {
        if (again(k, cause, told_to_wait_ms(k, head))) {
            upstream_close(TAKE(k->up));
            leave_instance(k, true);
            return;
        }
    }
    cluster_close(TAKE(k->twin));
    loop_timer_stop(&k->hedge);
    k->told = true;
    report(k, k->well);
    leave_gate(k, head->status == 429 || head->status == 503 ? GATE_DROPPED : GATE_ANSWERED);
    k->events->head(k->arg, head);
}

static const char *words_of(int err) {
    return err == ERR_TIMEOUT   ? "the service did not answer in time"
           : err == ERR_GATEWAY ? "the service answered with something that is not HTTP"
                                : "the service cannot be reached";
}

static void on_fail(void *arg, int err, bool sent) {
    ClusterCall *k = arg;
    k->up = NULL;
    k->well = false;
    span_over(k, false);
    k->took_ns = now_of(k).ns - k->began.ns;
    bool hurried = err == ERR_TIMEOUT && k->rq.hurried;
    leave_instance(k, !hurried);
    if (hurried && k->admitted) {
        breaker_abandon(&k->c->breaker, k->ticket, now_of(k));
        k->admitted = false;
    }
    if (!k->twin && again(k, retry_cause(err, sent, 0), 0))
        return;
    loop_timer_stop(&k->hedge);
    if (!k->told)
        leave_gate(k, hurried ? GATE_HURRIED : err == ERR_TIMEOUT ? GATE_DROPPED : GATE_UNKNOWN);
    report(k, breaker_is_success(k->c->o.breaker, err, 0));
    err = err == ERR_CORRUPT || err == ERR_LIMIT ? ERR_GATEWAY : err;
    k->failure = (ClusterFailure){ .err = err, .stage = "upstream", .words = words_of(err) };
    k->over = true;
    if (!k->twin)
        fail(k);
}

static void on_more(void *arg) {
    ClusterCall *k = arg;
    k->events->more(k->arg);
}

static void on_drained(void *arg) {
    ClusterCall *k = arg;
    if (k->events->drained)
        k->events->drained(k->arg);
}

static const UpEvents up_events = { .head = on_head, .fail = on_fail, .more = on_more, .drained = on_drained };

static void attempt(ClusterCall *k) {
    Cluster *c = k->c;
    k->attempts++;
    k->began = now_of(k);
    k->well = false;
    MonoNs from = k->rq.spans ? traced_now(k) : k->began;
    int picked = balancer_pick(c->balancer, k->tried, k->n_tried, k->began, &c->rng, &k->pick);
    traced(k, "balance", &from, picked == 0);
    if (picked != 0) {
        if (c->n_instances == 0 && k->admitted) { /* nobody is there: nobody has failed */
            breaker_abandon(&c->breaker, k->ticket, k->began);
            k->admitted = false;
        }
        report(k, false);
        fail_soon(k, ERR_UNAVAILABLE, "balance", "no instance of the service is available");
        return;
    }
    k->instance = k->pick.owner;
    k->instance->calls++;
    span_of_attempt(k, from);
    Upstream *u = k->rq.rpc ? instance_rpc(k->instance) : k->instance->upstream;
    int r = upstream_send(u, &k->rq.up, &up_events, k, &k->up);
    if (r == 0)
        return;
    span_over(k, false);
    leave_instance(k, false);
    if (k->admitted)
        breaker_abandon(&c->breaker, k->ticket, k->began);
    k->admitted = false;
    if (r == ERR_BUSY)
        fail_soon(k, ERR_BUSY, "balance", "too many calls wait for the service");
    else
        fail_soon(k, ERR_BAD_REQUEST, "upstream", "the request has a character that cannot be passed on");
}

static void on_timer(void *arg) {
    ClusterCall *k = arg;
    if (k->failure.err)
        fail(k);
    else
        attempt(k);
}

/* --- a second call --- */

static ClusterCall *call_new(Cluster *c, const ClusterRequest *rq, const ClusterEvents *events, void *arg);
static void begin(ClusterCall *k);

/* The twin was the quicker one: the first attempt is given up, which says nothing of its instance. */
static void twin_head(void *arg, const UpHead *head) {
    ClusterCall *k = arg;
    k->won = true;
    upstream_close(TAKE(k->up));
    span_over(k, false);
    leave_instance(k, false);
    loop_timer_stop(&k->timer);
    if (k->admitted)
        breaker_abandon(&k->c->breaker, k->ticket, now_of(k));
    k->admitted = false;
    leave_gate(k, GATE_ANSWERED);
    k->told = true;
    k->events->head(k->arg, head);
}

static void twin_fail(void *arg, const ClusterFailure *why) {
    ClusterCall *k = arg;
    UNUSED(why);
    k->twin = NULL;
    if (k->over)
        fail(k);
}

static const ClusterEvents twin_events = {
    .head = twin_head, .fail = twin_fail, .more = on_more, .drained = on_drained
};

static void on_hedge(void *arg) {
    ClusterCall *k = arg;
    Cluster *c = k->c;
    if (!k->instance || balancer_available(c->balancer, now_of(k)) < 2 || !retry_budget_take(&c->budget))
        return;
    ClusterRequest rq = k->rq;
    rq.gate = NULL;
    rq.hedge_ms = HEDGE_NEVER;
    rq.repeatable = false; /* two are enough */
    counter_inc(c->hedges);
    k->twin = call_new(c, &rq, &twin_events, k);
    k->twin->tried[k->twin->n_tried++] = k->pick;
    begin(k->twin);
}

/* --- for the caller --- */

static ClusterCall *call_new(Cluster *c, const ClusterRequest *rq, const ClusterEvents *events, void *arg) {
    ClusterCall *k = mem_new(ClusterCall);
    *k = (ClusterCall){ .c = c, .rq = *rq, .events = events, .arg = arg };
    loop_timer_init(&k->timer, c->env.loop, on_timer, k);
    loop_timer_init(&k->hedge, c->env.loop, on_hedge, k);
    c->in_flight++;
    return k;
}

static void begin(ClusterCall *k) {
    Cluster *c = k->c;
    MonoNs from = k->rq.spans ? traced_now(k) : (MonoNs){ 0 };
    k->admitted = breaker_admit(&c->breaker, now_of(k), &k->ticket);
    traced(k, "breaker", &from, k->admitted);
    if (!k->admitted) {
        fail_soon(k, ERR_UNAVAILABLE, "breaker", BREAKER_OPEN_TEXT);
        return;
    }
    retry_budget_first(&c->budget);
    attempt(k);
    int64_t hedge_ms = k->rq.repeatable ? gate_hedge_ms(k->rq.gate, k->rq.hedge_ms) : HEDGE_NEVER;
    if (hedge_ms > 0)
        loop_timer_start(&k->hedge, hedge_ms, 0);
}

static void shed(ClusterCall *k) {
    fail_soon(k, ERR_BUSY, "overload", "the service has more to do than it can answer in time");
}

/* A BulkheadWaiter.turn. */
static void on_turn(BulkheadWaiter *w, int err) {
    ClusterCall *k = CONTAINER_OF(w, ClusterCall, waiter);
    k->waiting = false;
    k->inside = err == 0;
    if (err != 0) {
        counter_inc(k->rq.gate->shed);
        shed(k);
        return;
    }
    k->entered = now_of(k);
    begin(k);
}

ClusterCall *cluster_send(Cluster *c, const ClusterRequest *rq, const ClusterEvents *events, void *arg) {
    ClusterCall *k = call_new(c, rq, events, arg);
    k->waiter.turn = on_turn;
    int r = rq->gate ? gate_enter(rq->gate, &k->waiter, rq->up.deadline) : 0;
    k->inside = rq->gate && r == 0;
    k->waiting = r == BULKHEAD_WAITS;
    k->entered = now_of(k);
    if (r < 0)
        shed(k);
    else if (r == 0)
        begin(k);
    return k;
}

static const ClusterCall *source(const ClusterCall *k) {
    return k->won ? k->twin : k;
}

int cluster_take(ClusterCall *k, Buf *out) {
    ClusterCall *from = k->won ? k->twin : k;
    int r = upstream_take(from->up, out);
    from->well &= r >= 0;
    if (k->rq.rpc && k->admitted && (r < 0 || r == HTTP_PUMP_DONE)) {
        const HttpField *fields;
        size_t n;
        upstream_trailers(k->up, &fields, &n);
        k->well &= breaker_is_success(k->c->o.breaker, 0, rpc_http_status(fields, n));
        report(k, k->well);
    }
    return r;
}

void cluster_trailers(const ClusterCall *k, const HttpField **fields, size_t *n) {
    upstream_trailers(source(k)->up, fields, n);
}

void cluster_wake(ClusterCall *k) {
    if (k->up)
        upstream_wake(k->up);
}

bool cluster_moved(const ClusterCall *k) {
    return source(k)->n_tried > 0;
}

void cluster_push(ClusterCall *k, Str bytes) {
    upstream_push(source(k)->up, bytes);
}

size_t cluster_queued(const ClusterCall *k) {
    return upstream_queued(source(k)->up);
}

void cluster_adopt(ClusterCall *k, const ClusterEvents *events, void *arg) {
    k->events = events;
    k->arg = arg;
}

void cluster_close(ClusterCall *k) {
    if (!k)
        return;
    cluster_close(TAKE(k->twin));
    upstream_close(TAKE(k->up));
    span_over(k, false); /* its head never came */
    if (k->admitted)     /* the client went away: no verdict on the service */
        breaker_abandon(&k->c->breaker, k->ticket, now_of(k));
    leave_instance(k, k->told);
    call_free(k);
}
