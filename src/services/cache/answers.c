/* services/cache/answers.c - see answers.h.
 *
 * A kept value is a head of 72 bytes, the name of the series, and the answer's bytes. The head says whose life it is of:
 * within the same life the label decides, else the revision, and then the structure must be that of the store, too. */

#include "services/cache/answers.h"

#include "policy/flight.h"

#include <pthread.h>

enum { FLIGHTS_MAX = 4096, WAITERS_MAX = 65536 };

typedef struct Head { /* in memory order: processes of one machine kind share a Redis, others see another magic */
    uint32_t magic, flags;
    uint64_t life, label, structure;
    int64_t from, to, revision;
    uint32_t revision_at, revision_n;
    uint32_t series_n, zero;
} Head;
_Static_assert(sizeof(Head) == 72, "the head of a kept answer");
#define MAGIC UINT32_C(0x31534e41)

/* One caller in a flight: leader or waiter. */
typedef struct Load {
    FlightWaiter w; /* first */
    Answers *a;
    CacheBlob *result; /* a reference */
    bool landed;
} Load;

struct Answers {
    AnswersOptions o;
    MultiCache *cache;
    pthread_mutex_t lock; /* of log, flights, structure; never held during a call of a cache or the source */
    pthread_cond_t landed;
    ChangeLog *log;
    Flights *flights;
    uint64_t structure, structure_label; /* of the store, read when the log's structure was that; 0 = not known */
};

static bool accept(void *arg, Ctx *cx, const CacheBlob *value);
static void describe(void *arg, Ctx *cx, const CacheBlob *value, CacheEntry *e);

Answers *answers_new(const AnswersOptions *o) {
    assert(o->seed);
    Answers *a = mem_new(Answers);
    a->o = *o;
    a->o.cache.values = (MultiCacheValues){ .accept = accept, .describe = describe, .arg = a };
    a->cache = multi_cache_new(&a->o.cache);
    a->log = change_log_new(o->seed);
    a->flights = flights_new(FLIGHTS_MAX, WAITERS_MAX, o->seed);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->landed, NULL);
    return a;
}

Answers *answers_free(Answers *a) {
    if (!a)
        return NULL;
    multi_cache_free(a->cache);
    change_log_free(a->log);
    flights_free(a->flights);
    pthread_cond_destroy(&a->landed);
    pthread_mutex_destroy(&a->lock);
    return mem_free(a);
}

MultiCache *answers_cache(Answers *a) {
    return a->cache;
}

/* --- kept values --- */

/* false: not one of ours, or not whole. */
static bool head_read(const CacheBlob *b, Head *h, Str *series, Str *bytes) {
    Str all = cache_blob_str(b);
    if (all.n < sizeof *h)
        return false;
    memcpy(h, all.p, sizeof *h);
    if (h->magic != MAGIC || h->series_n > all.n - sizeof *h)
        return false;
    *series = str_n(all.p + sizeof *h, h->series_n);
    *bytes = str_from(all, sizeof *h + h->series_n);
    return (size_t)h->revision_at + h->revision_n <= bytes->n;
}

static CacheBlob *value_make(const Answers *a, const AnswerMade *made, uint64_t label, uint64_t structure) {
    Head h = { .magic = MAGIC,
               .flags = made->flags,
               .life = a->o.seed,
               .label = label,
               .structure = structure,
               .from = made->from.ms,
               .to = made->to.ms,
               .revision = made->revision,
               .revision_at = (uint32_t)made->revision_at,
               .revision_n = (uint32_t)made->revision_n,
               .series_n = (uint32_t)made->series.n };
    CacheBlob *b = cache_blob_new(sizeof h + made->series.n + made->bytes.n);
    memcpy(b->bytes, &h, sizeof h);
    if (made->series.n)
        memcpy(b->bytes + sizeof h, made->series.p, made->series.n);
    if (made->bytes.n)
        memcpy(b->bytes + sizeof h + made->series.n, made->bytes.p, made->bytes.n);
    return b;
}

static void answer_of(CacheBlob *b, int64_t revision, Answer *out) {
    Head h;
    Str series, bytes;
    bool ok = head_read(b, &h, &series, &bytes);
    assert(ok);
    UNUSED(ok);
    *out =
        (Answer){ .head = bytes, .series = series, .revision = MAX(revision, h.revision), .flags = h.flags, .blob = b };
    if (h.revision_n) {
        out->head = str_first(bytes, h.revision_at);
        out->tail = str_from(bytes, (size_t)h.revision_at + h.revision_n);
    }
}

void answer_done(Answer *answer) {
    answer->blob = cache_blob_unref(answer->blob);
}

/* --- may it be told? --- */

/* The number of the store's structure, asked again after each change of it. 0: not to be had. */
static uint64_t structure_now(Answers *a, Ctx *cx) {
    if (!a->o.source.structure)
        return 0;
    pthread_mutex_lock(&a->lock);
    uint64_t known = a->structure, label = change_log_label(a->log);
    bool current = known && a->structure_label > change_log_structure(a->log);
    pthread_mutex_unlock(&a->lock);
    if (current)
        return known;
    Ctx quiet = *cx;
    uint64_t now = 0;
    if (a->o.source.structure(a->o.source.arg, &quiet, &now) != 0 || now == 0)
        return 0;
    pthread_mutex_lock(&a->lock);
    if (label >= change_log_structure(a->log)) {
        a->structure = now;
        a->structure_label = label + 1; /* good for changes up to label */
    } else {
        now = 0; /* it changed meanwhile */
    }
    pthread_mutex_unlock(&a->lock);
    return now;
}

static void learn_revision(Answers *a, Ctx *cx, Str series) {
    pthread_mutex_lock(&a->lock);
    bool known = change_log_knows(a->log, series);
    pthread_mutex_unlock(&a->lock);
    if (known || !a->o.source.revision)
        return;
    Ctx quiet = *cx;
    int64_t revision;
    if (a->o.source.revision(a->o.source.arg, &quiet, series, &revision) != 0)
        return;
    pthread_mutex_lock(&a->lock);
    change_log_seen(a->log, series, revision);
    pthread_mutex_unlock(&a->lock);
}

/* *revision: at which it is true. */
static bool may_tell(Answers *a, Ctx *cx, const CacheBlob *b, int64_t *revision) {
    Head h;
    Str series, bytes;
    if (!head_read(b, &h, &series, &bytes))
        return false;
    bool ours = h.life == a->o.seed;
    if (!ours) {
        if (series.n == 0 || h.structure == 0 || structure_now(a, cx) != h.structure)
            return false;
        learn_revision(a, cx, series);
    }
    Time from = { h.from }, to = { h.to };
    pthread_mutex_lock(&a->lock);
    bool ok = ours ? change_log_valid(a->log, series, h.label, from, to, revision)
                   : change_log_valid_at(a->log, series, h.revision, from, to, revision);
    pthread_mutex_unlock(&a->lock);
    return ok;
}

static bool accept(void *arg, Ctx *cx, const CacheBlob *value) {
    int64_t revision;
    return may_tell(arg, cx, value, &revision);
}

static Str tag_of(Arena *arena, Str series) {
    return series.n ? str_fmt(arena, "series:" STR_FMT, STR_ARG(series)) : S("all");
}

static void describe(void *arg, Ctx *cx, const CacheBlob *value, CacheEntry *e) {
    UNUSED(arg);
    Head h;
    Str series, bytes;
    if (!head_read(value, &h, &series, &bytes))
        return;
    Str *tag = arena_new(cx->arena, Str);
    *tag = tag_of(cx->arena, series);
    e->tags = tag;
    e->n_tags = 1;
    e->from = time_ms(h.from);
    e->to = time_ms(h.to);
}

/* --- one loads, all get it --- */

static void on_landed(FlightWaiter *w, int err, void *result) {
    Load *l = (Load *)w;
    l->result = err == 0 ? cache_blob_ref(result) : NULL;
    l->landed = true;
}

/* Becomes leader (ANSWER_LOAD), or waits for the one there is: 0 with what it made, or NULL when it made nothing. */
static int join(Answers *a, Ctx *cx, Str key, AnswerTicket *ticket, CacheBlob **made) {
    Load waiter = { .w.landed = on_landed, .a = a };
    Load *leader = mem_new(Load);
    *leader = waiter;
    *made = NULL;
    pthread_mutex_lock(&a->lock);
    FlightJoin how = flight_join(a->flights, key, &leader->w);
    *ticket = (AnswerTicket){ .key = key, .label = change_log_label(a->log), .load = leader };
    int r = ANSWER_LOAD;
    if (how == FLIGHT_WAITS) {
        while (!leader->landed) /* the leader's load has a deadline of its own */
            pthread_cond_wait(&a->landed, &a->lock);
        *made = leader->result;
        r = 0;
    }
    pthread_mutex_unlock(&a->lock);
    if (how != FLIGHT_LEAD)
        ticket->load = mem_free(leader); /* too many fly already: it loads for itself */
    if (r == 0 && (r = ctx_check(cx)) != 0)
        *made = cache_blob_unref(*made);
    if (r == ANSWER_LOAD && a->o.cache.l2)
        ticket->structure = structure_now(a, cx);
    return r;
}

int answers_find(Answers *a, Ctx *cx, Str key, AnswerTicket *ticket, Answer *out) {
    for (;;) {
        CacheHit hit;
        int64_t revision = 0;
        CacheLevel level = multi_cache_get(a->cache, cx, key, false, &hit);
        if (level != CACHE_NOWHERE && may_tell(a, cx, hit.value, &revision)) {
            answer_of(hit.value, revision, out);
            out->level = level;
            out->age_ms = hit.age_ms;
            return 0;
        }
        if (level != CACHE_NOWHERE)
            cache_blob_unref(hit.value);
        CacheBlob *made;
        int r = join(a, cx, key, ticket, &made);
        if (r != 0)
            return r;
        if (made && may_tell(a, cx, made, &revision)) {
            answer_of(made, revision, out);
            return 0;
        }
        cache_blob_unref(made); /* it failed, or a change came between: from the start */
    }
}

static void land(Answers *a, AnswerTicket *ticket, int err, CacheBlob *b) {
    Load *leader = ticket->load;
    if (!leader)
        return;
    pthread_mutex_lock(&a->lock);
    flight_land(a->flights, &leader->w, err, b);
    pthread_cond_broadcast(&a->landed);
    pthread_mutex_unlock(&a->lock);
    ticket->load = mem_free(leader);
}

void answers_keep(Answers *a, Ctx *cx, AnswerTicket *ticket, const AnswerMade *made) {
    bool shared = made->series.n && ticket->structure;
    CacheBlob *b = value_make(a, made, ticket->label, ticket->structure);
    pthread_mutex_lock(&a->lock);
    if (made->series.n)
        change_log_seen(a->log, made->series, made->revision);
    pthread_mutex_unlock(&a->lock);
    int64_t revision;
    if (may_tell(a, cx, b, &revision)) {
        CacheEntry e = { .key = ticket->key };
        describe(a, cx, b, &e);
        multi_cache_put(a->cache, cx, made->kind, made->immutable, shared, &e, b);
    }
    land(a, ticket, 0, b);
    cache_blob_unref(b);
}

void answers_give_up(Answers *a, AnswerTicket *ticket) {
    land(a, ticket, ERR_UNAVAILABLE, NULL);
}

/* --- changes --- */

void answers_changed(Answers *a, Ctx *cx, const Change *c) {
    pthread_mutex_lock(&a->lock);
    change_log_note(a->log, c);
    pthread_mutex_unlock(&a->lock);
    /* What is void now is not told any more; its memory is better used otherwise. */
    multi_cache_drop_range_l1(a->cache, cx, tag_of(cx->arena, c->series), c->from, c->to);
    multi_cache_drop_range_l1(a->cache, cx, S("all"), TIME_MIN, TIME_MAX);
}

void answers_doubt(Answers *a, Str series) {
    pthread_mutex_lock(&a->lock);
    change_log_doubt(a->log, series);
    pthread_mutex_unlock(&a->lock);
}

size_t answers_clear(Answers *a, Ctx *cx) {
    return multi_cache_drop_pattern(a->cache, cx, S("*"));
}

size_t answers_purge(Answers *a, Ctx *cx, Str pattern) {
    return multi_cache_drop_pattern(a->cache, cx, pattern);
}
