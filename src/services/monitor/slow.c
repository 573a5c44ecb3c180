/* services/monitor/slow.c - see slow.h. */

#include "services/monitor/slow.h"

#include "base/span.h"

#include <pthread.h>

struct SlowLog {
    pthread_mutex_t lock;
    SlowWatch watch;
    Logger *log;
    SlowEntry *v;
    size_t cap;
    int64_t put;
};

static void tell(void *arg, const Ctx *cx, const SlowCall *call) {
    slow_log_add(arg, cx, call);
}

SlowLog *slow_log_new(size_t most, int64_t threshold_ns, Logger *log) {
    assert(most > 0);
    SlowLog *l = mem_new(SlowLog);
    *l = (SlowLog){ .log = log, .v = mem_new_n(SlowEntry, most), .cap = most };
    l->watch = (SlowWatch){ threshold_ns, tell, l };
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

SlowLog *slow_log_free(SlowLog *l) {
    if (!l)
        return NULL;
    pthread_mutex_destroy(&l->lock);
    mem_free(l->v);
    return mem_free(l);
}

bool slow_log_wants(const SlowLog *l, int64_t took_ns) {
    return l && l->watch.threshold_ns > 0 && took_ns > l->watch.threshold_ns;
}

const SlowWatch *slow_log_watch(const SlowLog *l) {
    return l && l->watch.threshold_ns > 0 ? &l->watch : NULL;
}

static void keep(char *to, size_t cap, Str s) {
    size_t n = MIN(s.n, cap - 1);
    memcpy(to, n ? s.p : "", n);
    to[n] = '\0';
}

void slow_log_add(SlowLog *l, const Ctx *cx, const SlowCall *c) {
    if (!slow_log_wants(l, c->took_ns))
        return;
    const Trace *t = &cx->trace;
    Str operation = cx->operation ? str_c(cx->operation) : (Str){ 0 };
    SlowEntry e = { .at = clock_wall(cx->clock), .took_ns = c->took_ns, .rows = c->rows };
    keep(e.what, sizeof e.what, c->what);
    keep(e.operation, sizeof e.operation, operation);
    keep(e.detail, sizeof e.detail, c->detail);
    keep(e.plan, sizeof e.plan, c->plan);
    keep(e.request_id, sizeof e.request_id, t->request_id);
    if (t->trace_hi | t->trace_lo)
        trace_id_write(t->trace_hi, t->trace_lo, e.trace_id);
    pthread_mutex_lock(&l->lock);
    l->v[(size_t)l->put++ % l->cap] = e;
    pthread_mutex_unlock(&l->lock);
    LOG_WARNING(l->log, cx, S("slow query"), F_STR("what", c->what), F_STR("operation", operation),
                F_STR("detail", c->detail), F_STR("plan", c->plan), F_I64("rows", c->rows),
                F_MS((double)c->took_ns * 1e-6));
}

size_t slow_log_list(SlowLog *l, Arena *a, size_t most, SlowEntry **out) {
    pthread_mutex_lock(&l->lock);
    size_t n = MIN(MIN((size_t)l->put, l->cap), most);
    *out = arena_new_n(a, SlowEntry, n);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = l->v[((size_t)l->put - 1 - i) % l->cap];
    pthread_mutex_unlock(&l->lock);
    return n;
}

int64_t slow_log_total(SlowLog *l) {
    pthread_mutex_lock(&l->lock);
    int64_t n = l->put;
    pthread_mutex_unlock(&l->lock);
    return n;
}
