/* app/trace_gather.c - see trace_gather.h. */

#include "app/trace_gather.h"

#include <pthread.h>

enum { ASK_MS = 500, LOOP_MS = 1000, ADDRESS_MAX = 112 };

/* A question to the loop: who is there? It outlives whoever gave up waiting. */
typedef struct Question {
    atomic_int refs;
    TraceGather *of;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;
    size_t n;
    char v[TRACE_PROCESSES_MAX][ADDRESS_MAX];
} Question;

struct TraceGather {
    atomic_int refs;
    Platform *p;
    Loop *loop;
    Gateway *gateway; /* the loop's; NULL: gone */
    Str admin_key;
    Arena texts;
};

static void gather_unref(TraceGather *g) {
    if (atomic_fetch_sub(&g->refs, 1) != 1)
        return;
    arena_done(&g->texts);
    mem_free(g);
}

static void question_unref(Question *q) {
    if (atomic_fetch_sub(&q->refs, 1) != 1)
        return;
    gather_unref(q->of);
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->answered);
    mem_free(q);
}

static void look(void *arg) { /* on the loop */
    Question *q = arg;
    const TraceGather *g = q->of;
    Str addresses[TRACE_PROCESSES_MAX];
    pthread_mutex_lock(&q->lock);
    for (size_t k = 0; g->gateway && k < ROLE_IDS; k++) {
        size_t n = gateway_addresses(g->gateway, str_c(app_roles[k].name), addresses, TRACE_PROCESSES_MAX - q->n);
        for (size_t i = 0; i < n; i++)
            if (addresses[i].n < ADDRESS_MAX)
                memcpy(q->v[q->n++], addresses[i].p, addresses[i].n);
    }
    q->done = true;
    pthread_cond_signal(&q->answered);
    pthread_mutex_unlock(&q->lock);
    question_unref(q);
}

static Question *ask_loop(TraceGather *g) {
    Question *q = mem_new(Question);
    struct timespec until;
    atomic_init(&q->refs, 2);
    atomic_fetch_add(&g->refs, 1);
    q->of = g;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->answered, NULL);
    loop_post(g->loop, look, q);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOP_MS / 1000;
    pthread_mutex_lock(&q->lock);
    while (!q->done && pthread_cond_timedwait(&q->answered, &q->lock, &until) == 0)
        ;
    if (!q->done)
        q->n = 0;
    pthread_mutex_unlock(&q->lock);
    return q;
}

static int ask_one(TraceGather *g, Ctx *cx, Str address, const TraceRef *which, TraceDetail *out) {
    ApiCaller *api;
    Ctx own = *cx; /* the words of one that is not there are nobody's */
    RemoteTrust trust = platform_trust(g->p->cfg);
    trust.key = g->admin_key;
    own.deadline = mono_add_ms(clock_mono(cx->clock), MIN(ctx_left_ms(cx, ASK_MS), (int64_t)ASK_MS));
    own.principal = (Principal){ ROLE_ADMIN, S("traces") };
    own.trace = (Trace){ 0 }; /* looking at a trace is no part of one */
    int r = remote_open(&own, address, &trust, &api);
    if (r != 0)
        return r;
    r = api_call(api, &own, &op_traces_part, which, out);
    api_caller_close(api);
    return r;
}

void trace_gather(void *arg, Ctx *cx, const TraceRef *which, TraceDetail *out, size_t cap, size_t *n, size_t *unasked) {
    TraceGather *g = arg;
    Question *q = ask_loop(g);
    for (size_t i = 0; i < q->n && *n < cap; i++) {
        Str address = str_dup(cx->arena, str_c(q->v[i]));
        int r = ask_one(g, cx, address, which, &out[*n]);
        if (r == ERR_NOT_FOUND)
            continue; /* it had no part in it */
        if (r != 0) {
            *unasked += 1;
            continue;
        }
        TraceRow *rows = out[*n].requests.v;
        for (size_t k = 0; k < out[*n].requests.n; k++)
            rows[k].process = address;
        *n += 1;
    }
    question_unref(q);
}

TraceGather *trace_gather_new(Platform *p, Loop *loop, Gateway *gateway, Str admin_key) {
    TraceGather *g = mem_new(TraceGather);
    atomic_init(&g->refs, 1);
    g->p = p;
    g->loop = loop;
    g->gateway = gateway;
    g->admin_key = str_dup(&g->texts, admin_key);
    return g;
}

TraceGather *trace_gather_free(TraceGather *g) {
    if (!g)
        return NULL;
    g->gateway = NULL;
    gather_unref(g);
    return NULL;
}
