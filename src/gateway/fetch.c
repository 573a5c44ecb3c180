/* gateway/fetch.c - one call for all who want the same answer (CAC-15), which is then kept; or for one whose answer must
 * be there as a whole, because rules change its body (alone).
 *
 * A fetch has a copy of the request that began it and a call of its own, so that it goes on when that client leaves and
 * others wait; when none is left it ends. The answer is taken whole, at the speed of the service, not of the slowest
 * client. What turns out not to be kept - by what its head says, or because it is too long - is handed to the request
 * that began, as if it had asked alone, and the others ask for themselves; a mark lets the next ones do so at once.
 *
 * When the service fails, or cannot be asked, what was kept is told once more if the service has allowed that
 * (stale-if-error); the answer names this rung (U34, RES-12). */

#include "gateway/internal.h"

#include "gateway/forward.h"

typedef enum Outcome { OUTCOME_ANSWER, OUTCOME_FAILED, OUTCOME_PASS } Outcome;

struct Fetch {
    FlightWaiter lead; /* first */
    ListNode node;
    Gateway *g;
    Arena arena;
    RouteSet *routes;
    const Route *route;
    Request *first; /* who began it; NULL: has left, or never waited */
    size_t waiting;
    bool behind; /* goes on without anybody who waits */
    bool alone;  /* in no flight: first is all who wait */
    bool change; /* rules change the body */
    bool whole;  /* or the first one is a part of an answer: it is not passed on */
    bool void_;  /* something changed since it was asked for: nobody joins any more */
    HttpHead head;
    ShelfQuestion q;
    ShelfAnswer old;
    bool has_old;
    ClusterRequest request;
    ClusterCall *call;
    SpanLog *spans; /* of this call, which may outlive whoever began it; NULL: none are kept */
    UpHead up;      /* fields live as long as the call */
    HttpField *fields;
    size_t n_fields;
    KeepPlan plan;
    CacheToken since;
    Buf body;
    /* what came of it */
    Outcome outcome;
    KeptWord word;
    ClusterFailure failure;
    CacheBlob *made;
};

static Str service_of(const Fetch *f) {
    return cluster_name(f->route->cluster);
}

/* --- the end --- */

static void fetch_free(Fetch *f) {
    list_remove(&f->node);
    cluster_close(f->call);
    traced_fetch_end(f->g, f->spans, f->up.status);
    buf_done(&f->body);
    if (f->has_old)
        shelf_done(&f->old);
    cache_blob_unref(f->made);
    routes_unref(f->routes);
    arena_done(&f->arena);
    mem_free(f);
}

static Request *waiting_of(FlightWaiter *w) {
    return CONTAINER_OF(w, Request, wait);
}

/* This request goes on as if it had asked alone; the first one with the call that is open. */
static void pass_on(Fetch *f, Request *rq) {
    if (rq != f->first || !f->call) {
        proxy_start(rq);
        return;
    }
    rq->call = TAKE(f->call);
    rq->early = f->body;
    f->body = (Buf){ 0 };
    rq->ex->on_gone = proxy_gone;
    rq->stage = "upstream";
    cluster_adopt(rq->call, &proxy_events, rq);
    proxy_head(rq, &f->up);
}

/* The answer may differ by a field in which this request differs from the one that began. */
static bool fits(const Fetch *f, Request *rq, const ShelfAnswer *a) {
    Str names;
    return vary_names(&rq->arena, a->fields, a->n_fields, &names) &&
           str_eq(vary_values(&rq->arena, names, &rq->ex->head), vary_values(&rq->arena, names, &f->head));
}

/* A FlightWaiter.landed. */
static void on_landed(FlightWaiter *w, int err, void *result) {
    Request *rq = waiting_of(w);
    Fetch *f = result;
    UNUSED(err);
    traced_stage(rq, "fetch", f->outcome == OUTCOME_FAILED ? f->failure.err : 0);
    rq->ex->on_gone = NULL;
    rq->fetch = NULL;
    bool others = f->outcome == OUTCOME_ANSWER && f->word == KEPT_PASSED && rq != f->first;
    if (others) { /* an answer that is for the first one alone */
        proxy_start(rq);
    } else if (f->outcome == OUTCOME_PASS) {
        pass_on(f, rq);
    } else if (f->outcome == OUTCOME_FAILED) {
        proxy_refuse(rq, &f->failure);
    } else {
        ShelfAnswer a;
        shelf_read(&rq->arena, f->made, &a);
        if (f->word == KEPT_FALLBACK)
            a.age_ms = f->old.age_ms;
        if (rq == f->first || fits(f, rq, &a))
            keep_tell(rq, &a, f->word);
        else
            proxy_start(rq);
    }
}

static void land(Fetch *f, Outcome outcome) {
    f->outcome = outcome;
    list_remove(&f->node);
    if (!f->alone)
        flight_land(f->g->keep.flights, &f->lead, 0, f);
    else if (f->first)
        on_landed(&f->first->wait, 0, f);
    fetch_free(f);
}

/* --- what came --- */

static void land_answer(Fetch *f, CacheBlob *b, KeptWord word) {
    f->made = b;
    f->word = word;
    land(f, OUTCOME_ANSWER);
}

/* The service failed: what is kept is told again, where that is allowed. */
static bool land_old(Fetch *f) {
    int64_t since_ms = -f->old.left_ms;
    if (!f->has_old || f->old.error_ms <= 0 || since_ms > f->old.error_ms)
        return false;
    land_answer(f, cache_blob_ref(f->old.blob), KEPT_FALLBACK);
    return true;
}

static void land_failure(Fetch *f, const ClusterFailure *why) {
    if (land_old(f))
        return;
    f->failure = *why;
    land(f, OUTCOME_FAILED);
}

static KeepPlan plan_of(const Fetch *f, int status) {
    KeepQuestion q = { .status = status,
                       .fields = f->up.fields,
                       .n_fields = f->up.n_fields,
                       .keyed = f->q.who.n > 0,
                       .standard_ms = f->route->fresh_ms,
                       .now = clock_wall(f->g->o.clock) };
    KeepPlan plan = keep_plan(&q);
    if (plan.keep && f->route->op) /* a role wants to be asked each time; its operator may know better */
        plan.fresh_ms = MAX(plan.fresh_ms, f->route->fresh_ms);
    return plan;
}

/* The fields as they are kept: without those that are the gateway's own, or of the moment. */
static void take_fields(Fetch *f) {
    HttpField *v;
    size_t n, kept = 0;
    forward_reply(&f->arena, f->up.fields, f->up.n_fields, &v, &n);
    for (size_t i = 0; i < n; i++)
        if (!str_eq(v[i].name, S("age")) && !str_eq(v[i].name, S("x-cache")))
            v[kept++] = v[i];
    if (f->route->rules && f->route->rules->fields[RULE_REPLY])
        rules_fields(f->route->rules, RULE_REPLY, &f->arena, &v, &kept, 0);
    f->fields = v;
    f->n_fields = kept;
}

static void land_bad(Fetch *f, const char *words) {
    cluster_close(TAKE(f->call));
    land_failure(f, &(ClusterFailure){ ERR_GATEWAY, f->change ? "rules" : "upstream", words, 0 });
}

/* false: it cannot be changed. */
static bool change_body(Fetch *f) {
    Ctx cx;
    Buf changed;
    ctx_init(&cx, &f->arena, f->g->o.clock);
    if (rules_body(f->route->rules, RULE_REPLY, &cx, buf_str(&f->body), &changed) != 0)
        return false;
    buf_done(&f->body);
    f->body = changed;
    return true;
}

static void finish(Fetch *f) {
    if (f->change && !change_body(f)) {
        land_bad(f, "the service's answer is not JSON that rules can change");
        return;
    }
    MonoNs now = loop_now(f->g->o.loop);
    ShelfPut put = { .plan = &f->plan,
                     .status = f->up.status,
                     .fields = f->fields,
                     .n_fields = f->n_fields,
                     .body = buf_str(&f->body),
                     .tag = service_of(f),
                     .since = f->since };
    CacheBlob *b = shelf_put(f->g->keep.shelf, &f->arena, &f->q, &put, now);
    assert(b); /* what cannot be kept was passed on at its head, or is not kept */
    cluster_close(TAKE(f->call));
    land_answer(f, b, f->plan.keep ? KEPT_MISS : KEPT_PASSED);
}

static void mark_passed(Fetch *f) {
    if (f->g->keep.shelf && !f->alone)
        shelf_pass(f->g->keep.shelf, &f->q, loop_now(f->g->o.loop));
}

/* Takes what has come. Over the bound it is passed on, with what there is of it. */
static void collect(void *arg) {
    Fetch *f = arg;
    for (;;) {
        if (f->body.n > SHELF_ENTRY_MAX && f->whole) {
            land_bad(f, f->change ? "the service's answer is larger than what rules change"
                                  : "the service's answer is too large to be one of several");
            return;
        }
        if (f->body.n > SHELF_ENTRY_MAX) {
            mark_passed(f);
            f->up.whole = false;
            land(f, OUTCOME_PASS);
            return;
        }
        Buf piece = { 0 };
        int r = cluster_take(f->call, &piece);
        if (r < 0) {
            buf_done(&piece);
            cluster_close(TAKE(f->call));
            land_failure(f, &(ClusterFailure){ ERR_UNAVAILABLE, "upstream", "the service's answer broke off", 0 });
            return;
        }
        if (!f->body.limit && piece.limit) {
            f->body = piece;
            f->body.limit = 2 * SHELF_ENTRY_MAX + piece.n; /* a piece is at most a window: it never says no */
        } else if (piece.n) {
            buf_put_str(&f->body, buf_str(&piece));
            buf_done(&piece);
        } else {
            buf_done(&piece);
        }
        if (r == HTTP_PUMP_WAIT)
            return;
        if (r == HTTP_PUMP_DONE) {
            finish(f);
            return;
        }
    }
}

static bool is_failure(int status) {
    return status == 500 || status == 502 || status == 503 || status == 504;
}

/* It is still as it was. */
static void renew(Fetch *f) {
    KeepPlan plan = plan_of(f, f->old.status);
    if (!plan.keep) /* it tells nothing of its life: it can be asked again */
        plan = (KeepPlan){ .keep = true, .for_all = f->old.for_all };
    cluster_close(TAKE(f->call));
    ShelfRenew r = { &plan, service_of(f), f->since };
    shelf_renew(f->g->keep.shelf, &f->arena, &f->q, &r, &f->old, loop_now(f->g->o.loop));
    land_answer(f, cache_blob_ref(f->old.blob), KEPT_REVALIDATED);
}

static Str field_of(const UpHead *head, Str name) {
    for (size_t i = 0; i < head->n_fields; i++)
        if (str_eq(head->fields[i].name, name))
            return head->fields[i].value;
    return (Str){ 0 };
}

static bool is_json(const UpHead *head) {
    Str type = field_of(head, S("content-type"));
    return type.n && media_of(type) == MEDIA_JSON;
}

static bool is_coded(const UpHead *head) {
    Str coding = field_of(head, S("content-encoding"));
    return coding.n && !str_eq_nocase(coding, S("identity"));
}

static void on_head(void *arg, const UpHead *head) {
    Fetch *f = arg;
    f->up = *head;
    if (f->alone)
        fetch_changed(f->first, head->status);
    if (head->status == 304 && f->has_old) {
        renew(f);
        return;
    }
    if (is_failure(head->status) && f->has_old && f->old.error_ms > 0 && -f->old.left_ms <= f->old.error_ms) {
        cluster_close(TAKE(f->call));
        land_old(f);
        return;
    }
    f->plan = plan_of(f, head->status);
    take_fields(f);
    f->change = rules_change_reply(f->route) && head->status / 100 == 2 && is_json(head);
    f->whole = f->change || (f->first && f->first->part);
    Str names;
    f->plan.keep &= !f->alone && head->length <= SHELF_ENTRY_MAX && head->status <= 599 &&
                    vary_names(&f->arena, f->fields, f->n_fields, &names);
    if (!f->plan.keep && !is_failure(head->status)) /* a failure says nothing of the answer there will be */
        mark_passed(f);
    if (f->change && is_coded(head))
        land_bad(f, "the service's answer is compressed, and rules cannot change it");
    else if (f->plan.keep || f->whole)
        collect(f);
    else
        land(f, OUTCOME_PASS);
}

static void on_fail(void *arg, const ClusterFailure *why) {
    Fetch *f = arg;
    f->call = NULL;
    land_failure(f, why);
}

static const ClusterEvents events = { .head = on_head, .fail = on_fail, .more = collect };

/* --- the beginning --- */

/* The request's head without what asks for less than all of the answer. */
static void copy_head(Fetch *f, const HttpHead *from) {
    static const Str conditions[] = { STR_INIT("if-none-match"), STR_INIT("if-modified-since"), STR_INIT("if-range"),
                                      STR_INIT("range"),         STR_INIT("cache-control"),     STR_INIT("pragma") };
    bool plain = rules_change_reply(f->route); /* it must not come compressed */
    enum { ROOM = 2 };
    Arena *a = &f->arena;
    HttpField *to = arena_alloc(a, (from->n_fields + ROOM) * sizeof *to);
    size_t n = 0;
    for (size_t i = 0; i < from->n_fields; i++) {
        bool drop = plain && str_eq(from->fields[i].name, S("accept-encoding"));
        for (size_t k = 0; k < ARRAY_LEN(conditions); k++)
            drop |= str_eq(from->fields[i].name, conditions[k]);
        if (!drop)
            to[n++] = (HttpField){ str_dup(a, from->fields[i].name), str_dup(a, from->fields[i].value) };
    }
    if (f->has_old && f->old.etag.n)
        to[n++] = (HttpField){ S("if-none-match"), f->old.etag };
    if (f->has_old && f->old.last_modified.n)
        to[n++] = (HttpField){ S("if-modified-since"), f->old.last_modified };
    f->head = *from;
    f->head.method = str_eq(from->method, S("HEAD")) && !f->alone ? S("GET") : str_dup(a, from->method);
    f->head.host = str_dup(a, from->host);
    f->head.peer = str_dup(a, from->peer);
    f->head.fields = to;
    f->head.n_fields = n;
}

static Fetch *fetch_new(Request *rq, const FetchQuestion *fq, bool alone) {
    enum { MEMORY_MAX = 8 << 20 };
    Gateway *g = rq->g;
    Fetch *f = mem_new(Fetch);
    arena_init(&f->arena, MEMORY_MAX);
    f->g = g;
    f->routes = routes_ref(rq->routes);
    f->route = rq->route;
    f->behind = fq->behind;
    f->alone = alone;
    f->has_old = fq->old != NULL;
    if (fq->old) { /* its fields lie with the request */
        shelf_read(&f->arena, fq->old->blob, &f->old);
        f->old.age_ms = fq->old->age_ms;
        f->old.left_ms = fq->old->left_ms;
    }
    if (g->keep.shelf)
        f->since = shelf_token(g->keep.shelf);
    copy_head(f, &rq->ex->head);
    f->q = (ShelfQuestion){ .base = str_dup(&f->arena, fq->q.base),
                            .who = str_dup(&f->arena, fq->q.who),
                            .head = &f->head };
    list_push_back(&g->keep.fetches, &f->node);
    return f;
}

/* Texts that borrow from the request: it may be gone before the call is. */
static void keep_texts(Fetch *f) {
    Arena *a = &f->arena;
    UpRequest *up = &f->request.up;
    up->target = str_dup(a, up->target);
    HttpField *v = arena_alloc(a, (up->n_fields + 1) * sizeof *v);
    for (size_t i = 0; i < up->n_fields; i++)
        v[i] = (HttpField){ up->fields[i].name, up->fields[i].value.p == f->request.traceparent
                                                    ? up->fields[i].value /* ours, and still to be written */
                                                    : str_dup(a, up->fields[i].value) };
    up->fields = v;
    if (!f->alone) /* who is alone has its own request's, which waits for it */
        up->body = (Str){ 0 };
}

/* The client of one who waits is gone. */
static void on_gone(HttpExchange *ex) {
    Request *rq = ex->user;
    Fetch *f = TAKE(rq->fetch);
    if (!f->alone)
        flight_leave(f->g->keep.flights, &rq->wait);
    f->first = f->first == rq ? NULL : f->first;
    if (--f->waiting == 0 && !f->behind) {
        cluster_close(TAKE(f->call)); /* nobody wants it any more */
        land(f, OUTCOME_PASS);
    }
    err_set(&rq->cx, ERR_CANCELLED, "the client is gone");
    request_fail(rq);
}

static bool wait_for(Request *rq, Fetch *f, Str key) {
    rq->wait = (FlightWaiter){ .landed = on_landed };
    if (flight_join(f->g->keep.flights, key, &rq->wait) != FLIGHT_WAITS)
        return false;
    rq->fetch = f;
    rq->ex->on_gone = on_gone;
    f->waiting++;
    return true;
}

/* Those wait together who would most likely be told the same: by what they asked, who they are, and the fields by which
 * answers usually differ. */
static Str flight_key(Request *rq, const ShelfQuestion *q) {
    static const Str differ = STR_INIT("accept,accept-encoding,accept-language,origin,x-workspace");
    Str values = vary_values(&rq->arena, differ, q->head);
    return str_fmt(&rq->arena, STR_FMT "\t" STR_FMT "\t" STR_FMT, STR_ARG(q->base), STR_ARG(q->who), STR_ARG(values));
}

bool fetch_join(Request *rq, FetchQuestion *fq) {
    Keeping *keep = &rq->g->keep;
    Str key = flight_key(rq, &fq->q);
    Fetch *f = (Fetch *)flight_leader(keep->flights, key);
    if (f) {
        /* One that may give up before this one's time is over, or began before a change, is not waited for. */
        bool joins =
            !f->void_ && !fq->behind && f->request.up.deadline.ns <= rq->cx.deadline.ns && wait_for(rq, f, key);
        if (joins && fq->old)
            shelf_done(fq->old);
        return joins;
    }
    f = fetch_new(rq, fq, false);
    if (flight_join(keep->flights, key, &f->lead) != FLIGHT_LEAD || (!fq->behind && !wait_for(rq, f, key))) {
        f->has_old = false; /* the caller's still */
        if (flight_leads(&f->lead))
            flight_abandon(keep->flights, &f->lead);
        fetch_free(f);
        return false;
    }
    f->first = fq->behind ? NULL : rq;
    proxy_request(rq, &f->arena, &f->head, &f->request);
    f->spans = traced_fetch(rq, &f->arena, &f->request);
    keep_texts(f);
    f->call = cluster_send(f->route->cluster, &f->request, &events, f);
    return true;
}

void fetch_alone(Request *rq) {
    Fetch *f = fetch_new(rq, &(FetchQuestion){ 0 }, true);
    f->first = rq;
    f->waiting = 1;
    rq->fetch = f;
    rq->ex->on_gone = on_gone;
    rq->stage = "upstream";
    proxy_request(rq, &f->arena, &f->head, &f->request);
    keep_texts(f);
    f->call = cluster_send(f->route->cluster, &f->request, &events, f);
}

/* --- changes --- */

/* What is on its way was asked for before a change: those who ask from now on do not wait for it. */
static void fetches_void(Gateway *g, const Str *service) {
    LIST_FOR (it, &g->keep.fetches) {
        Fetch *f = LIST_ENTRY(it, Fetch, node);
        f->void_ |= !service || str_eq(service_of(f), *service);
    }
}

void fetch_forget(Gateway *g, const Str *keys, size_t n) {
    if (!g->keep.shelf)
        return;
    fetches_void(g, NULL);
    for (size_t i = 0; i < n; i++)
        shelf_forget_key(g->keep.shelf, keys[i]);
}

void fetch_changed(Request *rq, int status) {
    Keeping *keep = &rq->g->keep;
    const HttpHead *head = &rq->ex->head;
    bool reads = rq->head_only || str_eq(head->method, S("GET")) || str_eq(head->method, S("OPTIONS"));
    if (!keep->shelf || reads || status >= 400)
        return;
    Str service = cluster_name(rq->route->cluster);
    fetches_void(rq->g, &service);
    surrogate_purge(rq);
    if (rq->route->op) { /* what a role answers hangs together */
        shelf_forget_tag(keep->shelf, service);
        return;
    }
    Str queries[] = { head->query, { 0 } };
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        Str base = shelf_base(&rq->arena, service, head->host, rq->path, queries[i]);
        if (base.n)
            shelf_forget_base(keep->shelf, base);
    }
}

void fetches_end(Gateway *g) {
    LIST_FOR (it, &g->keep.fetches) {
        Fetch *f = LIST_ENTRY(it, Fetch, node);
        assert(f->waiting == 0); /* the server has ended all who wait */
        cluster_close(TAKE(f->call));
        land(f, OUTCOME_PASS);
    }
}
