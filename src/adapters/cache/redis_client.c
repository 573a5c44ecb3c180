/* adapters/cache/redis_client.c - see redis_client.h.
 *
 * A node is never forgotten before the client goes, so that its index stays good outside of the lock. The map starts
 * with the one node that is known; the first MOVED tells that it is a cluster. */

#include "adapters/cache/redis_client.h"

#include <pthread.h>
#include <time.h>

typedef struct Node {
    RedisAddress at;
    RedisConn **idle; /* a stack of at most max_connections */
    int n_idle, n_open;
} Node;

struct RedisClient {
    RedisClientOptions o;
    Arena arena; /* of the login's texts */
    pthread_mutex_t lock;
    pthread_cond_t returned; /* a connection was given back or closed */
    Node *nodes[REDIS_NODES_MAX];
    size_t n_nodes;
    uint16_t slots[REDIS_SLOTS]; /* index of the node */
    MonoNs refreshed_at;
    RedisClientStats stats;
};

enum { REFRESH_PAUSE_MS = 200 };

/* --- nodes --- */

/* Under the lock. SIZE_MAX when there are too many. */
static size_t node_of_address(RedisClient *c, const RedisAddress *at) {
    for (size_t i = 0; i < c->n_nodes; i++)
        if (c->nodes[i]->at.port == at->port && strcmp(c->nodes[i]->at.host, at->host) == 0)
            return i;
    if (c->n_nodes == REDIS_NODES_MAX)
        return SIZE_MAX;
    Node *n = mem_new(Node);
    n->at = *at;
    n->idle = mem_new_n(RedisConn *, (size_t)c->o.max_connections);
    c->nodes[c->n_nodes] = n;
    return c->n_nodes++;
}

RedisClient *redis_client_new(const RedisClientOptions *o) {
    assert(o->max_connections >= 1 && o->timeout_ms >= 1);
    RedisClient *c = mem_new(RedisClient);
    c->o = *o;
    c->o.user = str_dup(&c->arena, o->user);
    c->o.password = str_dup(&c->arena, o->password);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_t mono;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&c->returned, &mono);
    pthread_condattr_destroy(&mono);
    node_of_address(c, &o->seed);
    return c;
}

RedisClient *redis_client_free(RedisClient *c) {
    if (!c)
        return NULL;
    for (size_t i = 0; i < c->n_nodes; i++) {
        Node *n = c->nodes[i];
        assert(n->n_idle == n->n_open);
        for (int k = 0; k < n->n_idle; k++)
            redis_conn_close(n->idle[k]);
        mem_free(n->idle);
        mem_free(n);
    }
    pthread_cond_destroy(&c->returned);
    pthread_mutex_destroy(&c->lock);
    arena_done(&c->arena);
    return mem_free(c);
}

/* --- the pool --- */

static MonoNs call_until(const RedisClient *c, Ctx *cx) {
    return mono_add_ms(clock_mono(cx->clock), ctx_left_ms(cx, c->o.timeout_ms));
}

/* Under the lock: waits until a connection came back; false when the time is over. */
static bool wait_for_return(RedisClient *c, int64_t ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + ms % MS_PER_SECOND * NS_PER_MS;
    t.tv_sec += ms / MS_PER_SECOND + ns / NS_PER_SECOND;
    t.tv_nsec = ns % NS_PER_SECOND;
    return pthread_cond_timedwait(&c->returned, &c->lock, &t) == 0;
}

/* A connection out of the node's pool (*fresh false), or a place for a new one (*out NULL). */
static int take_place(RedisClient *c, Ctx *cx, Node *n, bool fresh, MonoNs until, RedisConn **out) {
    *out = NULL;
    int r = 0;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        if (n->n_idle) {
            *out = n->idle[--n->n_idle];
            break;
        }
        if (n->n_open < c->o.max_connections) {
            n->n_open++;
            break;
        }
        int64_t left = mono_ms_between(clock_mono(cx->clock), until);
        if (left <= 0 || !wait_for_return(c, left)) {
            r = err_set(cx, ERR_TIMEOUT, "redis: all %d connections are in use", c->o.max_connections);
            break;
        }
    }
    if (*out && !fresh)
        c->stats.reused++;
    pthread_mutex_unlock(&c->lock);
    return r;
}

static void leave_place(RedisClient *c, Node *n) {
    pthread_mutex_lock(&c->lock);
    n->n_open--;
    pthread_cond_signal(&c->returned);
    pthread_mutex_unlock(&c->lock);
}

/* fresh: one that was open before is closed instead: it may have died with the one that just failed. */
static int conn_take(RedisClient *c, Ctx *cx, Node *n, bool fresh, MonoNs until, RedisConn **out) {
    RedisConn *conn;
    int r = take_place(c, cx, n, fresh, until, &conn);
    if (r != 0)
        return r;
    if (conn && (fresh || !redis_conn_idle(conn)))
        conn = redis_conn_close(conn); /* the place stays ours */
    if (!conn) {
        RedisLogin login = { c->o.user, c->o.password, c->o.db };
        r = redis_conn_open(cx, &n->at, &login, until, &conn);
        if (r != 0) {
            leave_place(c, n);
            return r;
        }
        pthread_mutex_lock(&c->lock);
        c->stats.opened++;
        pthread_mutex_unlock(&c->lock);
    }
    *out = conn;
    return 0;
}

static void conn_give(RedisClient *c, Node *n, RedisConn *conn) {
    pthread_mutex_lock(&c->lock);
    n->idle[n->n_idle++] = conn;
    pthread_cond_signal(&c->returned);
    pthread_mutex_unlock(&c->lock);
}

/* The commands on one node; on a failure of an old connection once more on a new one (RES-14: retry on timeout, too). */
static int exchange(RedisClient *c, Ctx *cx, size_t node, const RedisCommand *cmds, size_t n, RedisValue **out) {
    pthread_mutex_lock(&c->lock);
    Node *at = c->nodes[node];
    pthread_mutex_unlock(&c->lock);
    int r = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        MonoNs until = call_until(c, cx);
        RedisConn *conn;
        r = conn_take(c, cx, at, attempt > 0, until, &conn);
        if (r != 0)
            break;
        r = redis_conn_call(conn, cx, cmds, n, until, out);
        if (r == 0) {
            conn_give(c, at, conn);
            return 0;
        }
        redis_conn_close(conn);
        leave_place(c, at);
        if (r != ERR_UNAVAILABLE && r != ERR_TIMEOUT)
            break;
    }
    pthread_mutex_lock(&c->lock);
    c->stats.errors++;
    pthread_mutex_unlock(&c->lock);
    return r;
}

/* --- slots --- */

unsigned redis_slot(Str key) {
    ptrdiff_t open = str_find_char(key, '{');
    if (open >= 0) {
        Str rest = str_from(key, (size_t)open + 1);
        ptrdiff_t close = str_find_char(rest, '}');
        if (close > 0)
            key = str_first(rest, (size_t)close);
    }
    uint32_t crc = 0; /* x^16 + x^12 + x^5 + 1, most significant bit first */
    for (size_t i = 0; i < key.n; i++) {
        crc ^= (uint32_t)(uint8_t)key.p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc & 0x8000 ? 0x11021 : 0);
    }
    return crc % REDIS_SLOTS;
}

static bool address_parse(Str s, const RedisAddress *from, RedisAddress *out) {
    size_t colon = s.n;
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--; /* the last one: a number of IPv6 has others */
    int64_t port;
    if (colon == 0 || !str_to_i64(str_from(s, colon), &port) || port < 1 || port > 65535)
        return false;
    Str host = str_first(s, colon - 1);
    if (host.n == 0)
        host = str_c(from->host); /* the node that answers does not know its own name */
    if (host.n > REDIS_HOST_MAX || str_find_char(host, '/') == 0 || str_find_char(host, '\0') >= 0)
        return false;
    *out = (RedisAddress){ .port = (int)port };
    memcpy(out->host, host.p, host.n);
    return true;
}

bool redis_redirect_parse(Str error, const RedisAddress *from, bool *ask, unsigned *slot, RedisAddress *out) {
    Str rest = error, kind, number;
    if (!str_next(&rest, ' ', &kind) || !str_next(&rest, ' ', &number))
        return false;
    int64_t n;
    if (!str_to_i64(number, &n) || n < 0 || n >= REDIS_SLOTS)
        return false;
    *ask = str_eq(kind, S("ASK"));
    *slot = (unsigned)n;
    return (*ask || str_eq(kind, S("MOVED"))) && address_parse(rest, from, out);
}

/* One row of CLUSTER SLOTS: [from, to, [host, port, ...], ...]. Under the lock. */
static void learn_row(RedisClient *c, const RedisValue *row, const RedisAddress *from) {
    if (row->type != REDIS_ARRAY || row->n < 3 || row->v[0]->type != REDIS_INTEGER || row->v[1]->type != REDIS_INTEGER)
        return;
    int64_t lo = row->v[0]->integer, hi = row->v[1]->integer;
    const RedisValue *master = row->v[2];
    if (lo < 0 || hi >= REDIS_SLOTS || lo > hi || master->type != REDIS_ARRAY || master->n < 2 ||
        master->v[1]->type != REDIS_INTEGER)
        return;
    RedisAddress at = { .port = (int)master->v[1]->integer };
    Str host = master->v[0]->type == REDIS_TEXT ? master->v[0]->str : (Str){ 0 };
    if (host.n == 0 || str_eq(host, S("?")))
        host = str_c(from->host);
    if (host.n > REDIS_HOST_MAX || host.p[0] == '/' || at.port < 1 || at.port > 65535)
        return;
    memcpy(at.host, host.p, host.n);
    size_t node = node_of_address(c, &at);
    if (node == SIZE_MAX)
        return;
    for (int64_t s = lo; s <= hi; s++)
        c->slots[s] = (uint16_t)node;
    c->stats.cluster = true;
}

/* Asks the node for the map. What it cannot tell is learnt of later redirects. */
static void refresh(RedisClient *c, Ctx *cx, size_t node) {
    Ctx quiet = *cx;
    MonoNs now = clock_mono(cx->clock);
    pthread_mutex_lock(&c->lock);
    bool soon = c->stats.refreshed && mono_ms_between(c->refreshed_at, now) < REFRESH_PAUSE_MS;
    c->refreshed_at = soon ? c->refreshed_at : now;
    c->stats.refreshed += !soon;
    RedisAddress from = c->nodes[node]->at;
    pthread_mutex_unlock(&c->lock);
    if (soon)
        return;
    const Str args[] = { S("CLUSTER"), S("SLOTS") };
    RedisValue *v;
    if (exchange(c, &quiet, node, &(RedisCommand){ args, 2 }, 1, &v) != 0 || v->type != REDIS_ARRAY)
        return;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < v->n; i++)
        learn_row(c, v->v[i], &from);
    pthread_mutex_unlock(&c->lock);
}

/* A node that died may have a successor: any other node knows. */
static bool refresh_from_another(RedisClient *c, Ctx *cx, size_t dead) {
    pthread_mutex_lock(&c->lock);
    bool cluster = c->stats.cluster;
    size_t n = c->n_nodes;
    pthread_mutex_unlock(&c->lock);
    if (!cluster || n < 2)
        return false;
    refresh(c, cx, (dead + 1) % n);
    return true;
}

static size_t node_for(RedisClient *c, Str key) {
    pthread_mutex_lock(&c->lock);
    size_t node = c->stats.cluster ? c->slots[redis_slot(key)] : 0;
    pthread_mutex_unlock(&c->lock);
    return node;
}

/* --- calls --- */

typedef struct Redirect {
    size_t node;
    bool ask;
} Redirect;

/* Is the error a redirect? Then where to: learnt, unless it is for this once. */
static bool follow(RedisClient *c, Ctx *cx, size_t node, Str error, Redirect *out) {
    unsigned slot;
    RedisAddress to;
    bool ask;
    pthread_mutex_lock(&c->lock);
    RedisAddress from = c->nodes[node]->at;
    bool ok = redis_redirect_parse(error, &from, &ask, &slot, &to);
    size_t next = ok ? node_of_address(c, &to) : SIZE_MAX;
    if (next != SIZE_MAX) {
        if (ask) {
            c->stats.asked++;
        } else {
            c->stats.moved++;
            c->slots[slot] = (uint16_t)next;
        }
    }
    pthread_mutex_unlock(&c->lock);
    if (next == SIZE_MAX)
        return false;
    if (!ask) {
        refresh(c, cx, next);
        pthread_mutex_lock(&c->lock);
        c->stats.cluster = true;
        c->slots[slot] = (uint16_t)next; /* what was told of this slot is newer than the map */
        pthread_mutex_unlock(&c->lock);
    }
    *out = (Redirect){ next, ask };
    return true;
}

static int refused(RedisClient *c, Ctx *cx, Str error) {
    pthread_mutex_lock(&c->lock);
    c->stats.errors++;
    pthread_mutex_unlock(&c->lock);
    return err_set(cx, ERR_UNAVAILABLE, "redis: " STR_FMT, STR_ARG(str_first(error, 200)));
}

int redis_client_call(RedisClient *c, Ctx *cx, Str key, const Str *args, size_t n, RedisValue **out) {
    const Str asking[] = { S("ASKING") };
    Redirect to = { node_for(c, key), false };
    bool looked = false;
    for (int hop = 0; hop <= REDIS_REDIRECTS_MAX; hop++) {
        RedisCommand cmds[2] = { { asking, 1 }, { args, n } };
        RedisValue *v[2];
        int skip = to.ask ? 0 : 1;
        int r = exchange(c, cx, to.node, &cmds[skip], (size_t)(2 - skip), &v[skip]);
        if ((r == ERR_UNAVAILABLE || r == ERR_TIMEOUT) && !looked && refresh_from_another(c, cx, to.node)) {
            looked = true;
            to = (Redirect){ node_for(c, key), false };
            continue;
        }
        if (r != 0)
            return r;
        if (v[1]->type != REDIS_ERROR) {
            *out = v[1];
            return 0;
        }
        if (!follow(c, cx, to.node, v[1]->str, &to))
            return refused(c, cx, v[1]->str);
    }
    return err_set(cx, ERR_UNAVAILABLE, "redis: sent from node to node more than %d times", REDIS_REDIRECTS_MAX);
}

int redis_client_pipeline(RedisClient *c, Ctx *cx, const RedisCommand *cmds, size_t n, RedisValue **out) {
    assert(n <= REDIS_PIPELINE_MAX);
    size_t node = 0, done = 0;
    bool one = n > 0;
    for (size_t i = 0; i < n; i++) {
        size_t its = node_for(c, cmds[i].args[1]);
        one = one && (i == 0 || its == node);
        node = its;
    }
    if (one) {
        int r = exchange(c, cx, node, cmds, n, out);
        if (r != 0)
            return r;
        while (done < n && out[done]->type != REDIS_ERROR)
            done++;
    }
    /* From the first that was refused on, one by one: a redirect may be all that is the matter. */
    for (; done < n; done++) {
        int r = redis_client_call(c, cx, cmds[done].args[1], cmds[done].args, cmds[done].n, &out[done]);
        if (r != 0)
            return r;
    }
    return 0;
}

int redis_client_call_node(RedisClient *c, Ctx *cx, size_t node, const Str *args, size_t n, RedisValue **out) {
    RedisValue *v;
    int r = exchange(c, cx, node, &(RedisCommand){ args, n }, 1, &v);
    if (r == 0 && v->type == REDIS_ERROR)
        r = refused(c, cx, v->str);
    if (r == 0)
        *out = v;
    return r;
}

int redis_client_each_node(RedisClient *c, Ctx *cx, RedisEachNode *fn, void *arg) {
    bool has_slots[REDIS_NODES_MAX] = { false };
    pthread_mutex_lock(&c->lock);
    bool known = c->stats.refreshed > 0;
    pthread_mutex_unlock(&c->lock);
    if (!known)
        refresh(c, cx, 0); /* one that is no cluster says so, and stays the only node */
    pthread_mutex_lock(&c->lock);
    for (size_t s = 0; s < REDIS_SLOTS; s++)
        has_slots[c->slots[s]] = true; /* all are node 0 while it is no cluster */
    pthread_mutex_unlock(&c->lock);
    int r = 0;
    for (size_t i = 0; r == 0 && i < REDIS_NODES_MAX; i++)
        if (has_slots[i])
            r = fn(arg, cx, i);
    return r;
}

void redis_client_stats(RedisClient *c, RedisClientStats *out) {
    pthread_mutex_lock(&c->lock);
    *out = c->stats;
    out->nodes = c->n_nodes;
    for (size_t i = 0; i < c->n_nodes; i++) {
        out->open += c->nodes[i]->n_open;
        out->idle += c->nodes[i]->n_idle;
    }
    pthread_mutex_unlock(&c->lock);
}
