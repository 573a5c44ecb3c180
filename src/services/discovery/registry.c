/* services/discovery/registry.c - see registry.h. */

#include "services/discovery/registry.h"

#include "eureka/peers.h"
#include "policy/retry.h"

#include <pthread.h>

enum {
    BATCH_WAIT_MS = 500,
    SYNC_TRIES = 5,
    SYNC_AGAIN_MS = 30 * 1000,
    WAIT_MS = 5 * 60 * 1000, /* how long a node that found nobody answers 403 (wire facts §1.8) */
    PEERS_MAX = 16,
    CONNECT_MS = 1000,
    READ_MS = 5000,
};

typedef struct Peer {
    RegistryPeer at;
    EurekaPeer *queue;
    MonoNs due;   /* not told before */
    int failures; /* in a row */
} Peer;

struct RegistryService {
    RegistryOptions o;
    Arena arena;          /* of the peers' texts */
    pthread_mutex_t lock; /* of registry, node, the peers' queues */
    EurekaRegistry *registry;
    EurekaNode *node;
    Peer peers[PEERS_MAX];
    /* of the thread that runs */
    bool synced;
    int sync_tries;
    MonoNs sync_due;
    Rng rng;
};

static EurekaNow now_of(const RegistryService *s) {
    return (EurekaNow){ clock_wall(s->o.clock), clock_mono(s->o.clock) };
}

static void on_event(void *arg, const EurekaEvent *e) { /* under the lock */
    RegistryService *s = arg;
    for (size_t i = 0; i < s->o.n_peers; i++)
        eureka_peer_tell(s->peers[i].queue, now_of(s), e);
}

RegistryService *registry_service_new(const RegistryOptions *o) {
    RegistryService *s = mem_new(RegistryService);
    s->o = *o;
    s->o.n_peers = MIN(o->n_peers, (size_t)PEERS_MAX);
    s->o.batch_wait_ms = o->batch_wait_ms ? o->batch_wait_ms : BATCH_WAIT_MS;
    pthread_mutex_init(&s->lock, NULL);
    rng_seed(&s->rng, o->registry.seed);
    EurekaNow now = now_of(s);
    s->registry = eureka_registry_new(&o->registry, now);
    s->node = eureka_node_new(s->registry, s->o.n_peers ? mono_add_ms(now.mono, WAIT_MS) : (MonoNs){ 0 });
    eureka_registry_listen(s->registry, on_event, s);
    for (size_t i = 0; i < s->o.n_peers; i++)
        s->peers[i] =
            (Peer){ .at = { str_dup(&s->arena, o->peers[i].base), str_dup(&s->arena, o->peers[i].authorization) },
                    .queue = eureka_peer_new() };
    s->synced = s->o.n_peers == 0;
    s->sync_due = now.mono;
    return s;
}

RegistryService *registry_service_free(RegistryService *s) {
    if (!s)
        return NULL;
    eureka_node_free(s->node);
    eureka_registry_free(s->registry);
    for (size_t i = 0; i < s->o.n_peers; i++)
        eureka_peer_free(s->peers[i].queue);
    pthread_mutex_destroy(&s->lock);
    arena_done(&s->arena);
    return mem_free(s);
}

bool registry_answer(RegistryService *s, Arena *a, const EurekaRequest *rq, EurekaReply *out) {
    pthread_mutex_lock(&s->lock);
    uint64_t before = eureka_revision(s->registry);
    bool known = eureka_answer(s->node, a, now_of(s), rq, out);
    if (known)
        out->body = str_dup(a, out->body); /* the node's own is its until the next call */
    bool wake = eureka_revision(s->registry) != before;
    for (size_t i = 0; i < s->o.n_peers; i++)
        wake |= eureka_peer_waiting(s->peers[i].queue) == 1; /* the first to wait */
    pthread_mutex_unlock(&s->lock);
    if (wake && s->o.wake)
        s->o.wake(s->o.arg);
    return known;
}

void registry_view(RegistryService *s, EurekaRegistryView *out) {
    pthread_mutex_lock(&s->lock);
    eureka_registry_view(s->registry, now_of(s), out);
    pthread_mutex_unlock(&s->lock);
}

uint64_t registry_revision(RegistryService *s) {
    pthread_mutex_lock(&s->lock);
    uint64_t revision = eureka_revision(s->registry);
    pthread_mutex_unlock(&s->lock);
    return revision;
}

void registry_service_write(RegistryService *s, JsonWriter *w) {
    EurekaRegistryView v;
    registry_view(s, &v);
    json_object(w);
    json_put_i64(w, "instances", (int64_t)v.instances);
    json_put_i64(w, "up", (int64_t)v.up);
    json_put_i64(w, "applications", (int64_t)v.apps);
    json_put_i64(w, "renewals_last_minute", v.renewals_last_minute);
    json_put_i64(w, "renewals_threshold", v.renewals_expected);
    json_put_bool(w, "self_preservation", v.preserving);
    json_put_i64(w, "registered_total", v.registered);
    json_put_i64(w, "cancelled_total", v.cancelled);
    json_put_i64(w, "evicted_total", v.evicted);
    json_put_i64(w, "renewed_total", v.renewed);
    json_put_i64(w, "peers", (int64_t)s->o.n_peers);
    json_object_end(w);
}

/* --- peers --- */

static int call_peer(RegistryService *s, Ctx *cx, const Peer *p, const char *method, const char *path, Str body,
                     HttpResponse *out) {
    HttpHeader headers[4] = { { S("Accept"), S("application/json") },
                              { S("x-netflix-discovery-replication"), S("true") } };
    size_t n = 2;
    if (body.n)
        headers[n++] = (HttpHeader){ S("Content-Type"), S("application/json") };
    if (p->at.authorization.n)
        headers[n++] = (HttpHeader){ S("Authorization"), p->at.authorization };
    HttpRequest rq = { .method = method,
                       .url = str_fmt(cx->arena, STR_FMT "%s", STR_ARG(p->at.base), path),
                       .headers = headers,
                       .n_headers = n,
                       .body = body,
                       .connect_ms = CONNECT_MS,
                       .total_ms = READ_MS,
                       .max_body = EUREKA_ANSWER_MAX,
                       .allow_private = true };
    *out = (HttpResponse){ 0 };
    int r = http_fetch(s->o.http, cx, &rq, &(RetryPolicy){ .attempts = 1 }, out, NULL);
    return out->status ? 0 : r;
}

/* Takes everybody a peer knows; what is here already and newer stays. */
static void take_all(RegistryService *s, const EurekaList *list) {
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < list->n; i++) {
        EurekaInstance *x = &list->v[i];
        x->action = EUREKA_SAME;
        if (x->id.n && x->app.n)
            eureka_register(s->registry, now_of(s), x, true);
    }
    eureka_node_ready(s->node);
    pthread_mutex_unlock(&s->lock);
}

/* At the start: what peers know. One that answers is enough, also with nobody: it is no blank any more. */
static void sync_once(RegistryService *s, Ctx *cx) {
    HttpResponse out;
    EurekaList list;
    for (size_t i = 0; i < s->o.n_peers; i++) {
        int r = call_peer(s, cx, &s->peers[i], "GET", "/apps/", (Str){ 0 }, &out);
        if (r != 0 || out.status != 200 || eureka_read_list_json(out.body, cx->arena, &list) != 0)
            continue;
        take_all(s, &list);
        s->synced = true;
        LOG_INFO(s->o.log, NULL, S("registry filled from a peer"), F_STR("peer", s->peers[i].at.base),
                 F_I64("instances", list.n));
        return;
    }
    s->sync_due = mono_add_ms(clock_mono(s->o.clock), SYNC_AGAIN_MS);
    s->synced = ++s->sync_tries == SYNC_TRIES;
    if (s->synced)
        LOG_WARNING(s->o.log, NULL, S("no peer answered: the registry starts empty"));
}

static void peer_away(RegistryService *s, Ctx *cx, Peer *p, int status) {
    MonoNs now = clock_mono(s->o.clock);
    p->due = mono_add_ms(now, MAX(retry_wait_ms(&retry_endless, ++p->failures, 0, INT64_MAX, &s->rng), INT64_C(100)));
    if (p->failures == 1)
        LOG_WARNING(s->o.log, NULL, S("a peer of the registry is away"), F_STR("peer", p->at.base),
                    F_I64("status", status), F_STR("reason", str_c(status ? "" : cx->err.text)));
}

/* Batch after batch, until nothing waits or the peer fails. */
static void tell_peer(RegistryService *s, Ctx *cx, Peer *p) {
    while (p->due.ns <= clock_mono(s->o.clock).ns) {
        pthread_mutex_lock(&s->lock);
        Str body = eureka_peer_batch(p->queue, cx->arena, now_of(s));
        pthread_mutex_unlock(&s->lock);
        if (!body.n)
            return;
        HttpResponse out;
        int r = call_peer(s, cx, p, "POST", "/peerreplication/batch/", body, &out);
        bool well = r == 0 && out.status == 200;
        pthread_mutex_lock(&s->lock);
        if (well)
            well = eureka_peer_heard(p->queue, s->registry, now_of(s), out.body) == 0;
        else
            eureka_peer_failed(p->queue);
        pthread_mutex_unlock(&s->lock);
        if (!well) {
            peer_away(s, cx, p, r == 0 ? out.status : 0);
            return;
        }
        p->failures = 0;
    }
}

static MonoNs sooner(MonoNs a, MonoNs b) {
    return a.ns < b.ns ? a : b;
}

int registry_run(RegistryService *s, Ctx *cx, MonoNs *next) {
    if (!s->synced && s->sync_due.ns <= clock_mono(s->o.clock).ns)
        sync_once(s, cx);
    for (size_t i = 0; i < s->o.n_peers; i++)
        tell_peer(s, cx, &s->peers[i]);
    err_clear(cx);
    EurekaNow now = now_of(s);
    pthread_mutex_lock(&s->lock);
    EurekaRegistryView before, after;
    eureka_registry_view(s->registry, now, &before);
    MonoNs at = eureka_registry_tick(s->registry, now);
    eureka_registry_view(s->registry, now, &after);
    for (size_t i = 0; i < s->o.n_peers; i++) {
        if (eureka_peer_waiting(s->peers[i].queue) == 0)
            continue;
        MonoNs soon = mono_add_ms(now.mono, s->o.batch_wait_ms);
        at = sooner(at, s->peers[i].due.ns > soon.ns ? s->peers[i].due : soon);
    }
    pthread_mutex_unlock(&s->lock);
    if (after.evicted > before.evicted)
        LOG_WARNING(s->o.log, NULL, S("leases ran out"), F_I64("evicted", after.evicted - before.evicted),
                    F_I64("instances", after.instances));
    if (!s->synced)
        at = sooner(at, s->sync_due);
    *next = at;
    return 0;
}

/* --- without a socket --- */

typedef struct Near {
    HttpClient base; /* first */
    RegistryService *s;
} Near;

static Str header(const HttpRequest *rq, Str name) {
    for (size_t i = 0; i < rq->n_headers; i++)
        if (str_eq_nocase(rq->headers[i].name, name))
            return rq->headers[i].value;
    return (Str){ 0 };
}

static int near_fetch(HttpClient *c, Ctx *cx, const HttpRequest *rq, HttpResponse *out) {
    RegistryService *s = ((Near *)c)->s;
    HttpUrl url;
    int r = http_url_parse(cx, rq->url, &url);
    if (r != 0)
        return r;
    ptrdiff_t at = str_find(url.path, S("/apps")), mark = str_find_char(url.path, '?');
    Str path = mark < 0 ? url.path : str_first(url.path, (size_t)mark);
    EurekaRequest ask = { .method = str_c(rq->method),
                          .path = at < 0 ? path : str_from(path, (size_t)at),
                          .query = mark < 0 ? (Str){ 0 } : str_from(url.path, (size_t)mark + 1),
                          .accept = header(rq, S("accept")),
                          .content_type = header(rq, S("content-type")),
                          .body = rq->body };
    EurekaReply reply = { .status = 404 };
    registry_answer(s, cx->arena, &ask, &reply);
    *out = (HttpResponse){ .status = reply.status, .body = reply.body };
    return 0;
}

static void near_close(HttpClient *c) {
    mem_free(c);
}

static const HttpClientOps near_ops = { .name = "registry", .fetch = near_fetch, .close = near_close };

HttpClient *registry_http_client(RegistryService *s) {
    Near *n = mem_new(Near);
    *n = (Near){ { &near_ops }, s };
    return &n->base;
}
