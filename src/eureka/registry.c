/* eureka/registry.c - see registry.h.
 *
 * A lease is found by "APP\nID" and hangs in its app's list, in the order of registration. What left stays as long as the
 * queue of changes speaks of it. */

#include "eureka/registry.h"

#include "base/list.h"
#include "base/map.h"
#include "base/vec.h"

enum { MINUTE_MS = 60 * 1000 };

typedef struct App {
    Str name; /* in its own memory */
    ListNode node, leases;
    size_t n;
    Arena arena;
} App;

typedef struct Lease {
    EurekaInstance x;
    Arena arena; /* of x and key */
    Str key;
    App *app; /* NULL: it has left */
    ListNode node, changed;
    size_t index;       /* in registry->leases */
    EurekaStatus stood; /* the override; EUREKA_UNKNOWN = none */
    bool overridden;
    bool renewed_once;
    MonoNs renewed;   /* last renewal or registration */
    MonoNs change_at; /* of its entry in the queue of changes */
} Lease;

struct EurekaRegistry {
    EurekaRegistryOptions o;
    Map leases_by_key, apps_by_name;
    ListNode apps, changes;
    VEC(Lease *) leases;
    size_t n_changes;
    size_t count[EUREKA_STATUSES];
    uint64_t revision;
    Rng rng;
    /* renewals: of the minute that is over, and of the one that runs */
    int64_t last_minute, this_minute;
    MonoNs minute_at, evicted_at;
    int64_t registered, cancelled, evicted, renewed;
    void (*fn)(void *arg, const EurekaEvent *e);
    void *arg;
};

void eureka_registry_options_default(EurekaRegistryOptions *o) {
    *o = (EurekaRegistryOptions){ .max_instances = 4096,
                                  .evict_every_ms = MINUTE_MS,
                                  .delta_keep_ms = 3 * MINUTE_MS,
                                  .renewed_factor = 1,
                                  .expected_s = EUREKA_RENEWAL_S,
                                  .preserve_share = 0.85,
                                  .preserve = true,
                                  .seed = 1 };
}

EurekaRegistry *eureka_registry_new(const EurekaRegistryOptions *o, EurekaNow now) {
    EurekaRegistry *r = mem_new(EurekaRegistry);
    r->o = *o;
    rng_seed(&r->rng, o->seed);
    map_init(&r->leases_by_key, rng_u64(&r->rng));
    map_init(&r->apps_by_name, rng_u64(&r->rng));
    list_init(&r->apps);
    list_init(&r->changes);
    r->minute_at = r->evicted_at = now.mono;
    return r;
}

void eureka_registry_listen(EurekaRegistry *r, void (*fn)(void *arg, const EurekaEvent *e), void *arg) {
    r->fn = fn;
    r->arg = arg;
}

static void tell(EurekaRegistry *r, bool from_peer, EurekaEventKind kind, const Lease *l, EurekaStatus status) {
    if (r->fn && !from_peer)
        r->fn(r->arg, &(EurekaEvent){ kind, &l->x, status });
}

/* --- leases and apps --- */

static Str key_of(Arena *a, Str app, Str id) {
    return str_fmt(a, STR_FMT "\n" STR_FMT, STR_ARG(str_upper(a, app)), STR_ARG(id));
}

static Lease *lease_of(const EurekaRegistry *r, Str app, Str id) {
    Arena scratch = { 0 };
    Lease *l = map_get(&r->leases_by_key, key_of(&scratch, app, id));
    arena_done(&scratch);
    return l;
}

static void lease_free(Lease *l) {
    arena_done(&l->arena);
    mem_free(l);
}

/* The newest change of an instance stands at the end of the queue. */
static void note_change(EurekaRegistry *r, Lease *l, EurekaNow now, EurekaAction action) {
    l->x.action = action;
    l->x.updated_ms = now.wall.ms;
    l->change_at = now.mono;
    if (list_linked(&l->changed))
        list_remove(&l->changed);
    else
        r->n_changes++;
    list_push_back(&r->changes, &l->changed);
    r->revision++;
}

static void forget_change(EurekaRegistry *r, Lease *l) {
    list_remove(&l->changed);
    r->n_changes--;
    if (!l->app)
        lease_free(l);
}

static void forget_changes(EurekaRegistry *r, MonoNs now) {
    LIST_FOR (it, &r->changes) {
        Lease *l = LIST_ENTRY(it, Lease, changed);
        bool old = mono_ms_between(l->change_at, now) >= r->o.delta_keep_ms;
        if (!old && r->n_changes <= 2 * r->o.max_instances)
            return;
        forget_change(r, l);
        r->revision++;
    }
}

static void set_status(EurekaRegistry *r, Lease *l, EurekaStatus s) {
    r->count[l->x.status]--;
    r->count[s]++;
    l->x.status = s;
}

static App *app_get(EurekaRegistry *r, Str name) {
    App *app = map_get(&r->apps_by_name, name);
    if (app)
        return app;
    app = mem_new(App);
    app->name = str_dup(&app->arena, name);
    list_init(&app->leases);
    list_push_back(&r->apps, &app->node);
    map_put(&r->apps_by_name, app->name, app);
    return app;
}

static void lease_leave(EurekaRegistry *r, Lease *l) {
    App *app = l->app;
    map_del(&r->leases_by_key, l->key);
    list_remove(&l->node);
    r->count[l->x.status]--;
    Lease *last = r->leases.v[--r->leases.n];
    r->leases.v[l->index] = last;
    last->index = l->index;
    l->app = NULL;
    if (--app->n > 0)
        return;
    map_del(&r->apps_by_name, app->name);
    list_remove(&app->node);
    arena_done(&app->arena);
    mem_free(app);
}

static void lease_enter(EurekaRegistry *r, Lease *l) {
    l->app = app_get(r, l->x.app);
    l->app->n++;
    list_push_back(&l->app->leases, &l->node);
    l->index = r->leases.n;
    vec_push(&r->leases, l);
    map_put(&r->leases_by_key, l->key, l);
    r->count[l->x.status]++;
}

EurekaRegistry *eureka_registry_free(EurekaRegistry *r) {
    if (!r)
        return NULL;
    while (r->leases.n) {
        Lease *l = r->leases.v[0];
        lease_leave(r, l);
        if (!list_linked(&l->changed))
            lease_free(l);
    }
    LIST_FOR (it, &r->changes)
        lease_free(LIST_ENTRY(it, Lease, changed));
    vec_done(&r->leases);
    map_done(&r->leases_by_key);
    map_done(&r->apps_by_name);
    return mem_free(r);
}

/* --- status --- */

/* §1.6: the first rule that fits. */
static EurekaStatus effective(const Lease *known, EurekaStatus says, bool from_peer) {
    if (says != EUREKA_UP && says != EUREKA_OUT_OF_SERVICE)
        return says;
    if (known && known->overridden)
        return known->stood;
    if (!from_peer && known && (known->x.status == EUREKA_UP || known->x.status == EUREKA_OUT_OF_SERVICE))
        return known->x.status;
    return says;
}

/* --- what clients ask --- */

const char *eureka_registration_fault(Arena *a, const EurekaInstance *x, Str path_app) {
    if (!x->id.n)
        return "Missing instanceId";
    if (!x->host.n)
        return "Missing hostname";
    if (!x->ip.n)
        return "Missing ip address";
    if (!x->app.n)
        return "Missing appName";
    if (!str_eq_nocase(x->app, path_app))
        return str_cz(a, str_fmt(a, "Mismatched appName, expecting " STR_FMT " but was " STR_FMT, STR_ARG(path_app),
                                 STR_ARG(x->app)));
    if (!x->center.n && !x->center_class.n)
        return "Missing dataCenterInfo";
    if (!x->center.n)
        return "Missing dataCenterInfo Name";
    return NULL;
}

/* The body of a lease replaced; its times stay. */
static void take_body(Lease *l, const EurekaInstance *x) {
    Arena arena = { 0 };
    EurekaInstance copy;
    eureka_instance_copy(&arena, x, &copy);
    l->key = key_of(&arena, copy.app, copy.id);
    copy.lease.up_ms = l->x.lease.up_ms;
    l->x = copy;
    arena_done(&l->arena);
    l->arena = arena;
}

static void fresh_lease(Lease *l, EurekaNow now) {
    l->renewed = now.mono;
    l->renewed_once = false;
    l->x.lease.registered_ms = l->x.lease.renewed_ms = now.wall.ms;
    l->x.lease.evicted_ms = 0;
    if (!l->x.lease.up_ms && l->x.status == EUREKA_UP)
        l->x.lease.up_ms = now.wall.ms;
}

int eureka_register(EurekaRegistry *r, EurekaNow now, const EurekaInstance *x, bool from_peer) {
    Lease *l = lease_of(r, x->app, x->id);
    bool known = l != NULL;
    if (!known && r->leases.n >= r->o.max_instances)
        return EUREKA_FULL;
    if (!known) {
        l = mem_new(Lease);
        l->x.status = EUREKA_UNKNOWN;
    }
    EurekaStatus says = x->status;
    bool keep_body = known && l->x.dirty_ms > x->dirty_ms;
    if (keep_body)
        says = l->x.status;
    EurekaStatus status;
    if (!l->overridden && x->overridden != EUREKA_UNKNOWN && !keep_body) { /* a peer's, or one kept by the client */
        l->overridden = true;
        l->stood = x->overridden;
    }
    status = effective(known || l->overridden ? l : NULL, says, from_peer);
    if (known) {
        map_del(&r->leases_by_key, l->key); /* its text moves with the body */
        r->count[l->x.status]--;
    }
    if (!keep_body)
        take_body(l, x);
    l->x.overridden = l->overridden ? l->stood : EUREKA_UNKNOWN;
    l->x.status = status;
    fresh_lease(l, now);
    if (known) {
        map_put(&r->leases_by_key, l->key, l);
        r->count[status]++;
    } else {
        lease_enter(r, l);
    }
    r->registered++;
    note_change(r, l, now, EUREKA_ADDED);
    forget_changes(r, now.mono);
    tell(r, from_peer, EUREKA_EV_REGISTER, l, status);
    return 0;
}

static void rotate_minute(EurekaRegistry *r, MonoNs now) {
    int64_t passed = mono_ms_between(r->minute_at, now) / MINUTE_MS;
    if (passed <= 0)
        return;
    r->last_minute = passed == 1 ? r->this_minute : 0;
    r->this_minute = 0;
    r->minute_at = mono_add_ms(r->minute_at, passed * MINUTE_MS);
}

static void touch(EurekaRegistry *r, Lease *l, EurekaNow now) {
    l->renewed = now.mono;
    l->renewed_once = true;
    l->x.lease.renewed_ms = now.wall.ms;
    rotate_minute(r, now.mono);
    r->this_minute++;
    r->renewed++;
}

int eureka_renew(EurekaRegistry *r, EurekaNow now, const EurekaRenewal *renewal) {
    Lease *l = lease_of(r, renewal->app, renewal->id);
    if (!l)
        return EUREKA_ABSENT;
    EurekaStatus status = effective(l, l->x.status, renewal->from_peer);
    if (status == EUREKA_UNKNOWN) /* its override was taken off: only the instance knows what it is */
        return EUREKA_ABSENT;
    if (status != l->x.status) {
        set_status(r, l, status);
        note_change(r, l, now, EUREKA_MODIFIED);
    }
    touch(r, l, now);
    if (renewal->from_peer && renewal->overridden != EUREKA_UNKNOWN && !l->overridden) {
        l->overridden = true;
        l->stood = l->x.overridden = renewal->overridden;
        set_status(r, l, renewal->overridden);
        note_change(r, l, now, EUREKA_MODIFIED);
    }
    if (renewal->dirty_ms > l->x.dirty_ms)
        return EUREKA_ABSENT;
    if (renewal->dirty_ms && renewal->dirty_ms < l->x.dirty_ms && renewal->from_peer)
        return EUREKA_STALE;
    tell(r, renewal->from_peer, EUREKA_EV_HEARTBEAT, l, l->x.status);
    return 0;
}

static void remove_lease(EurekaRegistry *r, EurekaNow now, Lease *l) {
    l->x.lease.evicted_ms = now.wall.ms;
    lease_leave(r, l);
    note_change(r, l, now, EUREKA_DELETED);
    forget_changes(r, now.mono);
}

int eureka_cancel(EurekaRegistry *r, EurekaNow now, Str app, Str id, bool from_peer) {
    Lease *l = lease_of(r, app, id);
    if (!l)
        return EUREKA_ABSENT;
    r->cancelled++;
    tell(r, from_peer, EUREKA_EV_CANCEL, l, l->x.status);
    remove_lease(r, now, l);
    return 0;
}

static void take_dirty(Lease *l, int64_t dirty_ms) {
    if (dirty_ms > l->x.dirty_ms)
        l->x.dirty_ms = dirty_ms;
}

int eureka_override(EurekaRegistry *r, EurekaNow now, const EurekaRenewal *which, EurekaStatus status) {
    Lease *l = lease_of(r, which->app, which->id);
    if (!l)
        return EUREKA_ABSENT;
    touch(r, l, now);
    if (l->overridden && l->stood == status)
        return 0;
    l->overridden = true;
    l->stood = l->x.overridden = status;
    set_status(r, l, status);
    take_dirty(l, which->dirty_ms);
    note_change(r, l, now, EUREKA_MODIFIED);
    tell(r, which->from_peer, EUREKA_EV_STATUS, l, status);
    return 0;
}

int eureka_override_off(EurekaRegistry *r, EurekaNow now, const EurekaRenewal *which, EurekaStatus status) {
    Lease *l = lease_of(r, which->app, which->id);
    if (!l)
        return EUREKA_ABSENT;
    touch(r, l, now);
    if (!l->overridden)
        return 0;
    l->overridden = false;
    l->stood = l->x.overridden = EUREKA_UNKNOWN;
    set_status(r, l, status);
    take_dirty(l, which->dirty_ms);
    note_change(r, l, now, EUREKA_MODIFIED);
    tell(r, which->from_peer, EUREKA_EV_STATUS_OFF, l, status);
    return 0;
}

static bool put_pair(EurekaPairs *to, EurekaPair p) {
    for (size_t i = 0; i < to->n; i++)
        if (str_eq(to->v[i].name, p.name)) {
            to->v[i].value = p.value;
            return true;
        }
    if (to->n == EUREKA_PAIRS_MAX)
        return false;
    to->v[to->n++] = p;
    return true;
}

int eureka_metadata_set(EurekaRegistry *r, EurekaNow now, Str app, Str id, EurekaPairs pairs) {
    const Lease *l = lease_of(r, app, id);
    if (!l)
        return EUREKA_ABSENT;
    Arena scratch = { 0 };
    EurekaInstance x = l->x;
    x.metadata.v = arena_new_n(&scratch, EurekaPair, EUREKA_PAIRS_MAX);
    memcpy(x.metadata.v, l->x.metadata.v, l->x.metadata.n * sizeof *x.metadata.v);
    bool fits = true;
    for (size_t i = 0; i < pairs.n; i++)
        fits &= put_pair(&x.metadata, pairs.v[i]);
    x.dirty_ms = MAX(now.wall.ms, l->x.dirty_ms);
    int e = fits ? eureka_register(r, now, &x, false) : EUREKA_FULL;
    arena_done(&scratch);
    return e;
}

/* --- expiry --- */

static int64_t least_renewals(const EurekaRegistry *r) {
    double expected = (double)r->leases.n * ((double)MINUTE_MS / MS_PER_SECOND / (double)MAX(r->o.expected_s, 1));
    return (int64_t)(expected * r->o.preserve_share);
}

static bool may_evict(const EurekaRegistry *r) {
    int64_t least = least_renewals(r);
    return !r->o.preserve || (least > 0 && r->last_minute > least);
}

static bool expired(const EurekaRegistry *r, const Lease *l, MonoNs now, int64_t late_ms) {
    int64_t life_ms = l->x.lease.duration_s * MS_PER_SECOND * (l->renewed_once ? r->o.renewed_factor : 1);
    return mono_ms_between(l->renewed, now) > life_ms + late_ms;
}

static void evict(EurekaRegistry *r, EurekaNow now, int64_t late_ms) {
    size_t n = 0, most = r->leases.n - (size_t)((double)r->leases.n * r->o.preserve_share);
    if (!r->o.preserve)
        most = r->leases.n;
    Lease **over = mem_new_n(Lease *, r->leases.n + 1);
    VEC_FOR (l, &r->leases)
        if (expired(r, *l, now.mono, late_ms))
            over[n++] = *l;
    for (size_t i = 0; i < n && i < most; i++) {
        size_t pick = i + (size_t)rng_below(&r->rng, n - i);
        Lease *l = over[pick];
        over[pick] = over[i];
        r->evicted++;
        remove_lease(r, now, l);
    }
    mem_free(over);
}

MonoNs eureka_registry_tick(EurekaRegistry *r, EurekaNow now) {
    rotate_minute(r, now.mono);
    forget_changes(r, now.mono);
    int64_t since = mono_ms_between(r->evicted_at, now.mono);
    if (since >= r->o.evict_every_ms) {
        if (may_evict(r))
            evict(r, now, since - r->o.evict_every_ms);
        r->evicted_at = now.mono;
    }
    enum { SWEEP_MS = 30 * 1000 };
    MonoNs next = mono_add_ms(r->evicted_at, r->o.evict_every_ms), sweep = mono_add_ms(now.mono, SWEEP_MS);
    return next.ns < sweep.ns ? next : sweep;
}

/* --- reading --- */

const EurekaInstance *eureka_find(EurekaRegistry *r, Str app, Str id) {
    if (app.n) {
        const Lease *l = lease_of(r, app, id);
        return l ? &l->x : NULL;
    }
    VEC_FOR (l, &r->leases)
        if (str_eq((*l)->x.id, id))
            return &(*l)->x;
    return NULL;
}

bool eureka_has_app(const EurekaRegistry *r, Str app) {
    Arena scratch = { 0 };
    bool has = map_get(&r->apps_by_name, str_upper(&scratch, app)) != NULL;
    arena_done(&scratch);
    return has;
}

uint64_t eureka_revision(const EurekaRegistry *r) {
    return r->revision;
}

static bool among(Str list, Str one) {
    Str part;
    while (str_next(&list, ',', &part))
        if (str_eq_nocase(str_trim(part), one))
            return true;
    return false;
}

static bool wanted(const EurekaSelect *s, const EurekaInstance *x) {
    return (!s->app.n || str_eq_nocase(x->app, s->app)) && (!s->vip.n || among(x->vip, s->vip)) &&
           (!s->secure_vip.n || among(x->secure_vip, s->secure_vip));
}

static void add(Arena *a, EurekaList *out, const EurekaInstance *x) {
    if ((out->n & (out->n - 1)) == 0)
        out->v = arena_grow(a, out->v, out->n * sizeof *out->v, MAX(out->n * 2, (size_t)1) * sizeof *out->v);
    out->v[out->n++] = *x;
}

/* Instances of one app stand together, in the order they came: a counting sort by the app's first place. */
static void group(Arena *a, EurekaList *list) {
    size_t n = list->n, n_groups = 0;
    size_t *of = arena_new_n(a, size_t, n + 1), *at = arena_new_n(a, size_t, n + 2);
    EurekaInstance *v = arena_new_n(a, EurekaInstance, n + 1);
    Map groups = { 0 };
    for (size_t i = 0; i < n; i++) {
        size_t *g = map_get(&groups, list->v[i].app);
        if (!g) {
            g = arena_new(a, size_t);
            *g = n_groups++;
            map_put(&groups, list->v[i].app, g);
        }
        of[i] = *g;
        at[*g + 1]++;
    }
    map_done(&groups);
    for (size_t g = 0; g < n_groups; g++)
        at[g + 1] += at[g];
    for (size_t i = 0; i < n; i++)
        v[at[of[i]]++] = list->v[i];
    list->v = v;
}

void eureka_select(EurekaRegistry *r, Arena *a, const EurekaSelect *which, EurekaList *out) {
    EurekaList list = { .hash = eureka_hash(a, r->count), .version = (int64_t)r->revision };
    if (which->delta) {
        for (ListNode *n = r->changes.next; n != &r->changes; n = n->next)
            add(a, &list, &LIST_ENTRY(n, Lease, changed)->x);
        group(a, &list);
    } else {
        for (ListNode *n = r->apps.next; n != &r->apps; n = n->next) {
            const App *app = LIST_ENTRY(n, App, node);
            for (const ListNode *m = app->leases.next; m != &app->leases; m = m->next) {
                const Lease *l = LIST_ENTRY(m, Lease, node);
                if (wanted(which, &l->x))
                    add(a, &list, &l->x);
            }
        }
    }
    *out = list;
}

void eureka_registry_view(const EurekaRegistry *r, EurekaNow now, EurekaRegistryView *out) {
    int64_t minutes = mono_ms_between(r->minute_at, now.mono) / MINUTE_MS;
    *out = (EurekaRegistryView){ .instances = r->leases.n,
                                 .up = r->count[EUREKA_UP],
                                 .apps = r->apps_by_name.n,
                                 .renewals_last_minute = minutes == 0   ? r->last_minute
                                                         : minutes == 1 ? r->this_minute
                                                                        : 0,
                                 .renewals_expected = least_renewals(r),
                                 .preserving = !may_evict(r),
                                 .registered = r->registered,
                                 .cancelled = r->cancelled,
                                 .evicted = r->evicted,
                                 .renewed = r->renewed };
}
