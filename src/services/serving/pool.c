/* services/serving/pool.c - which models are ready.
 *
 * Two tables under one lock: what the registry said of a ref, believed for a while; and the models in memory, by name and
 * version. A version is loaded by whoever asks first, others wait for him. A request holds the model it was given, so
 * taking it out of the table never takes it from under a request: its memory goes with its last holder.
 *
 * When memory is short the longest unused leave the table; the one just asked for stays, whatever its size. */

#include "services/serving/internal.h"

enum { LOADED_MAX = 256, REFS_MAX = 512, RESOLVE_STANDARD_MS = 1000 };
static const size_t memory_standard = (size_t)1 << 30;

typedef struct Slot {
    char *name, *version; /* owned; of what is loaded or being loaded */
    Served *m;            /* NULL: somebody loads it */
} Slot;

typedef struct Said { /* the registry's word on a ref */
    char *ref;        /* owned */
    Arena arena;
    ServableModel of;
    MonoNs at;
    bool stale; /* changed since: asked again, and only told when the registry is away */
} Said;

struct Pool {
    ServingOptions o;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a load ended */
    Slot slots[LOADED_MAX];
    size_t n;
    size_t bytes; /* of those in slots */
    Said *said[REFS_MAX];
    size_t n_said;
    Gauge *loaded, *memory;
    Counter *loads, *evictions;
    Histogram *took;
};

Pool *pool_new(const ServingOptions *o) {
    Pool *p = mem_new(Pool);
    p->o = *o;
    p->o.memory_max = o->memory_max ? o->memory_max : memory_standard;
    p->o.resolve_ms = o->resolve_ms ? o->resolve_ms : RESOLVE_STANDARD_MS;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (o->metrics) {
        p->loaded = metrics_gauge(o->metrics, "finsight_models_loaded", "Models in memory.", METRIC_NO_LABELS);
        p->memory = metrics_gauge(o->metrics, "finsight_models_bytes", "Memory of loaded models.", METRIC_NO_LABELS);
        p->loads = metrics_counter(o->metrics, "finsight_model_loads_total", "Models loaded.", METRIC_NO_LABELS);
        p->took = metrics_histogram(o->metrics, "finsight_model_load_seconds",
                                    "From asking the registry for a model's weights to its first forecast.", NULL, 0,
                                    METRIC_NO_LABELS);
        p->evictions = metrics_counter(o->metrics, "finsight_model_evictions_total",
                                       "Models that left memory to make room.", METRIC_NO_LABELS);
    }
    return p;
}

static char *text_keep(Str s) {
    char *out = mem_new_n(char, s.n + 1);
    memcpy(out, s.p ? s.p : "", s.n);
    return out;
}

static void slot_done(Slot *s) {
    mem_free(s->name);
    mem_free(s->version);
    served_drop(s->m);
}

static void said_free(Said *s) {
    mem_free(s->ref);
    arena_done(&s->arena);
    mem_free(s);
}

Pool *pool_free(Pool *p) {
    if (!p)
        return NULL;
    for (size_t i = 0; i < p->n; i++)
        slot_done(&p->slots[i]);
    for (size_t i = 0; i < p->n_said; i++)
        said_free(p->said[i]);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    return mem_free(p);
}

/* --- what the registry says --- */

static Said *find_said(const Pool *p, Str ref) {
    for (size_t i = 0; i < p->n_said; i++)
        if (str_eq(str_c(p->said[i]->ref), ref))
            return p->said[i];
    return NULL;
}

static void copy_model(Arena *a, const ServableModel *of, ServableModel *out) {
    *out = *of;
    Str *const texts[] = { &out->name, &out->version, &out->sha256, &out->kind };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(a, *texts[i]);
}

/* With the lock held. The oldest word makes room. */
static void believe(Pool *p, Str ref, const ServableModel *of, MonoNs now) {
    Said *s = find_said(p, ref);
    if (!s && p->n_said == REFS_MAX) {
        size_t oldest = 0;
        for (size_t i = 1; i < p->n_said; i++)
            oldest = p->said[i]->at.ns < p->said[oldest]->at.ns ? i : oldest;
        said_free(p->said[oldest]);
        p->said[oldest] = p->said[--p->n_said];
    }
    if (!s) {
        s = p->said[p->n_said++] = mem_new(Said);
        s->ref = text_keep(ref);
    }
    arena_reset(&s->arena);
    copy_model(&s->arena, of, &s->of);
    s->at = now;
    s->stale = false;
}

static int ask_registry(Pool *p, Ctx *cx, Str ref, ServableModel *out) {
    ServableModel *v;
    size_t n;
    if (!str_starts(ref, S("~")))
        return model_source_resolve(p->o.models, cx, ref, out);
    int r = model_source_models(p->o.models, cx, str_from(ref, 1), &v, &n);
    if (r == 0 && n == 0)
        return MODEL_NONE;
    if (r == 0)
        *out = v[0];
    return r;
}

int pool_resolve(Pool *p, Ctx *cx, Str ref, ServableModel *out, bool *kept) {
    MonoNs now = clock_mono(cx->clock);
    bool has = false, fresh = false;
    ServableModel before;
    *kept = false;
    pthread_mutex_lock(&p->lock);
    const Said *s = find_said(p, ref);
    if (s) {
        has = true;
        fresh = !s->stale && mono_ms_between(s->at, now) < p->o.resolve_ms;
        copy_model(cx->arena, &s->of, &before);
    }
    pthread_mutex_unlock(&p->lock);
    if (fresh) {
        *out = before;
        return 0;
    }
    int r = ask_registry(p, cx, ref, out);
    if (r < 0 && has && r != ERR_INVALID && r != ERR_CANCELLED) {
        LOG_WARNING(p->o.log, cx, S("the registry of models does not answer; what it said last holds"),
                    F_STR("model", ref), F_STR("reason", str_c(cx->err.text)));
        err_clear(cx);
        *out = before;
        *kept = true;
        return 0;
    }
    if (r == 0) {
        pthread_mutex_lock(&p->lock);
        believe(p, ref, out, now);
        pthread_mutex_unlock(&p->lock);
    }
    return r;
}

void pool_forget(Pool *p, Str name) {
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n_said; i++)
        if (!name.n || str_eq(p->said[i]->of.name, name))
            p->said[i]->stale = true;
    pthread_mutex_unlock(&p->lock);
}

/* --- what is loaded --- */

static Slot *find_slot(Pool *p, Str name, Str version) {
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(str_c(p->slots[i].name), name) && str_eq(str_c(p->slots[i].version), version))
            return &p->slots[i];
    return NULL;
}

static void remove_slot(Pool *p, Slot *s) {
    if (s->m)
        p->bytes -= s->m->bytes;
    slot_done(s);
    *s = p->slots[--p->n];
    gauge_set(p->loaded, (double)p->n);
    gauge_set(p->memory, (double)p->bytes);
}

/* The longest unused that is not `but`; NULL: there is no other. */
static Slot *longest_unused(Pool *p, const Served *but) {
    Slot *best = NULL;
    for (size_t i = 0; i < p->n; i++) {
        Slot *s = &p->slots[i];
        if (s->m && s->m != but && (!best || s->m->used_ns < best->m->used_ns))
            best = s;
    }
    return best;
}

static void make_room(Pool *p, const Served *but) {
    Slot *old;
    while (p->bytes > p->o.memory_max && (old = longest_unused(p, but)) != NULL) {
        counter_inc(p->evictions);
        remove_slot(p, old);
    }
}

static int load(Pool *p, Ctx *cx, const ServableModel *of, Served **out) {
    Arena scratch = { 0 };
    Str bytes;
    Ctx own = *cx;
    MonoNs begun = clock_mono(cx->clock);
    own.arena = &scratch;
    int r = model_source_load(p->o.models, &own, of, &bytes);
    if (r == 0)
        r = served_load(&own, &p->o, of, bytes, out);
    cx->err = own.err;
    arena_done(&scratch);
    if (r == 0)
        histogram_observe(p->took, (double)(clock_mono(cx->clock).ns - begun.ns) / 1e9);
    mem_trim(); /* the file's bytes are as many as the weights */
    return r;
}

/* With the lock held: a place for a model that is about to be loaded. */
static int take_place(Pool *p, Ctx *cx, const ServableModel *of) {
    if (p->n == LOADED_MAX) {
        Slot *old = longest_unused(p, NULL);
        if (!old)
            return err_set(cx, ERR_BUSY, "%d models are being loaded at once", LOADED_MAX);
        counter_inc(p->evictions);
        remove_slot(p, old);
    }
    p->slots[p->n++] = (Slot){ text_keep(of->name), text_keep(of->version), NULL };
    return 0;
}

/* With the lock held, as it is again at the end: loads what has a place. */
static int fill_place(Pool *p, Ctx *cx, const ServableModel *of, Served **out) {
    Served *m = NULL;
    pthread_mutex_unlock(&p->lock);
    int r = load(p, cx, of, &m);
    pthread_mutex_lock(&p->lock);
    Slot *s = find_slot(p, of->name, of->version); /* the table may have moved */
    if (r) {
        remove_slot(p, s);
    } else {
        counter_inc(p->loads);
        s->m = m;
        p->bytes += m->bytes;
        *out = served_hold(m);
        atomic_store(&m->used_ns, clock_mono(cx->clock).ns);
        make_room(p, m);
        gauge_set(p->loaded, (double)p->n);
        gauge_set(p->memory, (double)p->bytes);
    }
    pthread_cond_broadcast(&p->changed);
    return r;
}

/* Same name and version and other bytes: somebody deleted the model and made another of that name. */
static bool is_other(const Served *m, const ServableModel *of) {
    return of->sha256.n && m->of.sha256.n && !str_eq_nocase(of->sha256, m->of.sha256);
}

int pool_get(Pool *p, Ctx *cx, const ServableModel *of, Served **out) {
    int r = 0;
    *out = NULL;
    pthread_mutex_lock(&p->lock);
    while (r == 0 && !*out) {
        Slot *s = find_slot(p, of->name, of->version);
        if (s && s->m && is_other(s->m, of)) {
            remove_slot(p, s);
            s = NULL;
        }
        if (s && s->m) {
            *out = served_hold(s->m);
            atomic_store(&s->m->used_ns, clock_mono(cx->clock).ns);
        } else if (s) { /* its load ends by its own deadline */
            pthread_cond_wait(&p->changed, &p->lock);
            r = ctx_check(cx);
        } else {
            r = take_place(p, cx, of);
            if (r == 0)
                r = fill_place(p, cx, of, out);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

size_t pool_all(Pool *p, Arena *a, Served ***out) {
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    *out = arena_new_n(a, Served *, p->n + 1);
    for (size_t i = 0; i < p->n; i++)
        if (p->slots[i].m)
            (*out)[n++] = served_hold(p->slots[i].m);
    pthread_mutex_unlock(&p->lock);
    return n;
}

int pool_unload(Pool *p, Str name, Str version) {
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    for (size_t i = p->n; i-- > 0;) {
        Slot *s = &p->slots[i];
        if (s->m && str_eq(str_c(s->name), name) && (!version.n || str_eq(str_c(s->version), version))) {
            remove_slot(p, s);
            n++;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return n ? 0 : MODEL_NONE;
}
