/* services/security/trail.c - see trail.h. */

#include "services/security/trail.h"

#include "base/map.h"
#include "base/vec.h"

#include <pthread.h>

enum { BATCH = 256, SOURCE_TEXT_MAX = 160 };

/* An event with its texts in one piece of memory. */
typedef struct Noted {
    AuditEvent e;
    char text[];
} Noted;

typedef struct Source { /* what comes in floods, from one place */
    char key[SOURCE_TEXT_MAX];
    size_t key_n;
    MonoNs since;
    int64_t count; /* in this window, the first one not counted */
    Noted *last;
} Source;

struct Trail {
    SecurityStore *store;
    Logger *log;
    Clock *clock;
    Lane *lane;
    pthread_mutex_t lock; /* of memory alone: nobody writes while it is held */
    pthread_mutex_t writing;
    VEC(Noted *) waiting;
    Map sources;
    int64_t dropped; /* events that found no place */
    bool posted;
};

Trail *trail_new(SecurityStore *store, Logger *log, Clock *clock) {
    Trail *t = mem_new(Trail);
    *t = (Trail){ .store = store, .log = log, .clock = clock };
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->writing, NULL);
    return t;
}

void trail_attach(Trail *t, Lane *lane) {
    t->lane = lane;
}

static Noted *noted_new(Trail *t, const AuditEvent *e) {
    const Str from[] = { e->who, e->action, e->subject, e->outcome, e->address, e->request_id, e->detail };
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        n += MIN(from[i].n, (size_t)AUDIT_DETAIL_MAX);
    Noted *x = mem_alloc(sizeof *x + n);
    x->e = *e;
    Str *const to[] = { &x->e.who,     &x->e.action,     &x->e.subject, &x->e.outcome,
                        &x->e.address, &x->e.request_id, &x->e.detail };
    char *p = x->text;
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        size_t take = MIN(from[i].n, (size_t)AUDIT_DETAIL_MAX);
        if (take)
            memcpy(p, from[i].p, take);
        *to[i] = str_n(p, take);
        p += take;
    }
    x->e.at = e->at.ms ? e->at : clock_wall(t->clock);
    x->e.count = MAX(e->count, (int64_t)1);
    return x;
}

/* Under the lock. */
static void wait_for_lane(Trail *t, Noted *x) {
    if (t->waiting.n >= TRAIL_WAITING_MAX) {
        t->dropped += x->e.count;
        mem_free(x);
        return;
    }
    vec_push(&t->waiting, x);
}

static void on_lane(void *arg, int err);

static void wake(Trail *t) {
    pthread_mutex_lock(&t->lock);
    bool post = t->lane && !t->posted && t->waiting.n > 0;
    t->posted |= post;
    pthread_mutex_unlock(&t->lock);
    if (!post || lane_post(t->lane, &(LaneJob){ .run = on_lane, .arg = t }) == 0)
        return;
    pthread_mutex_lock(&t->lock);
    t->posted = false; /* the lane is full: the next event, or the next flush */
    pthread_mutex_unlock(&t->lock);
}

void trail_note(Trail *t, const AuditEvent *e) {
    Noted *x = noted_new(t, e);
    pthread_mutex_lock(&t->lock);
    wait_for_lane(t, x);
    pthread_mutex_unlock(&t->lock);
    wake(t);
}

/* --- floods --- */

static size_t source_key(const AuditEvent *e, char out[static SOURCE_TEXT_MAX]) {
    const Str parts[] = { e->action, e->address, e->who, e->outcome };
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t take = MIN(parts[i].n, SOURCE_TEXT_MAX - 1 - n);
        if (take)
            memcpy(out + n, parts[i].p, take);
        n += take;
        if (n < SOURCE_TEXT_MAX - 1)
            out[n++] = '\n';
    }
    return n;
}

/* The window is over: how many came in it, and how the last one looked. Under the lock. */
static void source_end(Trail *t, Source *s) {
    map_del(&t->sources, str_n(s->key, s->key_n));
    if (s->last) {
        s->last->e.count = s->count;
        wait_for_lane(t, s->last);
    }
    mem_free(s);
}

static void sources_end(Trail *t, bool all) {
    VEC(Source *) over = { 0 };
    MonoNs now = clock_mono(t->clock);
    MapEntry e;
    for (size_t at = 0; map_next(&t->sources, &at, &e);) {
        Source *s = e.value;
        if (all || mono_ms_between(s->since, now) >= TRAIL_WINDOW_MS)
            vec_push(&over, s);
    }
    VEC_FOR (s, &over)
        source_end(t, *s);
    vec_done(&over);
}

/* The others share one source when there are too many of them. */
static Source *source_of(Trail *t, const AuditEvent *e, bool *fresh) {
    char key[SOURCE_TEXT_MAX];
    size_t n = source_key(e, key);
    Source *s = map_get(&t->sources, str_n(key, n));
    if (!s && t->sources.n >= TRAIL_SOURCES_MAX) {
        static const char others[] = "others";
        memcpy(key, others, sizeof others);
        n = sizeof others - 1;
        s = map_get(&t->sources, str_n(key, n));
    }
    *fresh = !s;
    if (s)
        return s;
    s = mem_new(Source);
    memcpy(s->key, key, n);
    s->key_n = n;
    s->since = clock_mono(t->clock);
    map_put(&t->sources, str_n(s->key, s->key_n), s);
    return s;
}

void trail_count(Trail *t, const AuditEvent *e) {
    bool fresh;
    Noted *x = noted_new(t, e);
    pthread_mutex_lock(&t->lock);
    Source *s = source_of(t, e, &fresh);
    if (!fresh && mono_ms_between(s->since, clock_mono(t->clock)) >= TRAIL_WINDOW_MS) {
        source_end(t, s);
        s = source_of(t, e, &fresh);
    }
    if (fresh) {
        wait_for_lane(t, x);
    } else {
        s->count++;
        mem_free(s->last);
        s->last = x;
    }
    pthread_mutex_unlock(&t->lock);
    if (fresh)
        wake(t);
}

/* --- writing --- */

static size_t take_batch(Trail *t, Noted *out[static BATCH], int64_t *dropped) {
    pthread_mutex_lock(&t->lock);
    size_t n = MIN(t->waiting.n, (size_t)BATCH);
    memcpy(out, t->waiting.v, n * sizeof *out);
    if (n)
        memmove(t->waiting.v, t->waiting.v + n, (t->waiting.n - n) * sizeof *t->waiting.v);
    t->waiting.n -= n;
    *dropped = t->dropped;
    t->dropped = 0;
    if (n == 0)
        t->posted = false;
    pthread_mutex_unlock(&t->lock);
    return n;
}

/* The file is another process's for now: they wait, before what came meanwhile. */
static void put_back(Trail *t, Noted **batch, size_t n, int64_t dropped) {
    pthread_mutex_lock(&t->lock);
    size_t room = TRAIL_WAITING_MAX - MIN(t->waiting.n, (size_t)TRAIL_WAITING_MAX), keep = MIN(n, room);
    for (size_t i = keep; i < n; i++)
        mem_free(batch[i]);
    for (size_t i = 0; i < keep; i++)
        vec_push(&t->waiting, NULL);
    if (keep) {
        memmove(t->waiting.v + keep, t->waiting.v, (t->waiting.n - keep) * sizeof *t->waiting.v);
        memcpy(t->waiting.v, batch, keep * sizeof *batch);
    }
    t->dropped += dropped + (int64_t)(n - keep);
    t->posted = false;
    pthread_mutex_unlock(&t->lock);
}

static int write_all(Trail *t, Ctx *cx) {
    int r = 0;
    pthread_mutex_lock(&t->writing); /* two writers would turn the order round */
    for (;;) {
        Noted *batch[BATCH];
        AuditEvent events[BATCH + 1];
        int64_t dropped;
        size_t n = take_batch(t, batch, &dropped), n_events = 0;
        for (size_t i = 0; i < n; i++)
            events[n_events++] = batch[i]->e;
        if (dropped)
            events[n_events++] = (AuditEvent){
                .who = S("finsight"), .action = S("audit.overflow"), .outcome = S("busy"), .count = dropped
            };
        int wrote = security_store_append(t->store, cx, events, n_events);
        if (wrote == ERR_CONFLICT) {
            put_back(t, batch, n, dropped);
            r = wrote;
            break;
        }
        if (wrote != 0) {
            LOG_ERROR(t->log, cx, S("security events were not written"), F_I64("events", (int64_t)n_events),
                      F_STR("reason", str_c(cx->err.text)));
            r = wrote;
        }
        for (size_t i = 0; i < n; i++)
            mem_free(batch[i]);
        if (n == 0)
            break;
    }
    pthread_mutex_unlock(&t->writing);
    return r;
}

static void on_lane(void *arg, int err) {
    Trail *t = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, t->clock);
    if (err == 0) {
        write_all(t, &cx);
    } else { /* the lane closes; trail_flush comes after */
        pthread_mutex_lock(&t->lock);
        t->posted = false;
        pthread_mutex_unlock(&t->lock);
    }
    arena_done(&arena);
}

int trail_flush(Trail *t, Ctx *cx, bool all) {
    pthread_mutex_lock(&t->lock);
    sources_end(t, all);
    pthread_mutex_unlock(&t->lock);
    return write_all(t, cx);
}

Trail *trail_free(Trail *t) {
    if (!t)
        return NULL;
    MapEntry e;
    for (size_t at = 0; map_next(&t->sources, &at, &e);) {
        mem_free(((Source *)e.value)->last);
        mem_free(e.value);
    }
    map_done(&t->sources);
    VEC_FOR (x, &t->waiting)
        mem_free(*x);
    vec_done(&t->waiting);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->writing);
    return mem_free(t);
}
