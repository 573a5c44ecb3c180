/* adapters/bus/kafka_topology.c - exchanges, queues and bindings as this bus was told them, and the topics they mean.
 *
 * Kafka knows none of it: whoever reads a topic drops what its queue's bindings do not reach, by the exchange and the
 * routing key in the record's headers. */

#include "adapters/bus/kafka_internal.h"

/* --- finding (under state) --- */

static const BusExchange *find_exchange(const KafkaBus *b, Str name) {
    for (size_t i = 0; i < b->n_exchanges; i++)
        if (str_eq(b->exchanges[i].name, name))
            return &b->exchanges[i];
    return NULL;
}

const BusQueue *event_kafka_queue(KafkaBus *b, Str name) {
    for (size_t i = 0; i < b->n_queues; i++)
        if (str_eq(b->queues[i].name, name))
            return &b->queues[i];
    return NULL;
}

/* --- topics --- */

/* A topic has letters, digits, dot, underscore and minus. */
static char *topic_name(const KafkaBus *b, Arena *a, Str name) {
    char *z = str_cz(a, str_fmt(a, "%s" STR_FMT, b->options.prefix, STR_ARG(name)));
    for (char *c = z; *c; c++)
        if (*c == ':' || *c == '@')
            *c = '-';
    return z;
}

int event_kafka_topic(KafkaBus *b, Ctx *cx, Str exchange, Str key, char **out) {
    pthread_mutex_lock(&b->state);
    const BusExchange *x = find_exchange(b, exchange);
    bool topical = x && x->kind == EXCHANGE_TOPIC;
    pthread_mutex_unlock(&b->state);
    if (exchange.n && !x)
        return err_set_at(cx, ERR_NOT_FOUND, S("exchange"), "no exchange " STR_FMT, STR_ARG(exchange));
    if (exchange.n == 0 && !event_name_valid(key))
        return err_set_at(cx, ERR_NOT_FOUND, S("routing_key"), "no queue " STR_FMT, STR_ARG(str_first(key, 80)));
    *out = topic_name(b, cx->arena, topical ? event_log_topic(key) : exchange.n ? exchange : key);
    return 0;
}

typedef struct Topics {
    KafkaBus *bus;
    Arena *arena;
    char **v;
    size_t n;
} Topics;

static void add_topic(Topics *t, Str name) {
    char *z = topic_name(t->bus, t->arena, name);
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->v[i], z) == 0)
            return;
    if (t->n < KAFKA_TOPICS_MAX)
        t->v[t->n++] = z;
}

/* Those of the keys a pattern can match: the last word says which, and a wild one says all. */
static void add_pattern(Topics *t, Str pattern) {
    Str rest = pattern, last = { 0 };
    while (str_next(&rest, '.', &last))
        ;
    if (!str_eq(last, S("*")) && !str_eq(last, S("#"))) {
        add_topic(t, event_log_topic(pattern));
        return;
    }
    Str topic;
    for (size_t i = 0; event_log_topic_at(i, &topic); i++)
        add_topic(t, topic);
}

/* Which exchanges can reach the queue, whatever the key. */
static void mark_sources(const KafkaBus *b, Str destination, bool to_exchange, bool seen[KAFKA_EXCHANGES_MAX]) {
    for (size_t i = 0; i < b->n_bindings; i++) {
        const BusBinding *v = &b->bindings[i];
        const BusExchange *x = find_exchange(b, v->source);
        if (v->to_exchange != to_exchange || !str_eq(v->destination, destination) || seen[x - b->exchanges])
            continue;
        seen[x - b->exchanges] = true;
        mark_sources(b, x->name, true, seen);
    }
}

size_t event_kafka_topics(KafkaBus *b, Arena *a, Str of, Str name, char *out[KAFKA_TOPICS_MAX]) {
    bool seen[KAFKA_EXCHANGES_MAX] = { false }, topical = false;
    Topics t = { .bus = b, .arena = a, .v = out };
    add_topic(&t, name);
    pthread_mutex_lock(&b->state);
    mark_sources(b, of, false, seen);
    for (size_t i = 0; i < b->n_exchanges; i++) {
        if (seen[i] && b->exchanges[i].kind == EXCHANGE_DIRECT)
            add_topic(&t, b->exchanges[i].name);
        topical = topical || (seen[i] && b->exchanges[i].kind == EXCHANGE_TOPIC);
    }
    for (size_t i = 0; topical && i < b->n_bindings; i++)
        if (!b->bindings[i].to_exchange && str_eq(b->bindings[i].destination, of))
            add_pattern(&t, b->bindings[i].key);
    pthread_mutex_unlock(&b->state);
    return t.n;
}

/* --- routes --- */

typedef struct Walk {
    const KafkaBus *bus;
    Str key;
    bool seen[KAFKA_EXCHANGES_MAX];
    bool taken[KAFKA_QUEUES_MAX];
} Walk;

/* Each exchange once, so circles end. */
static void walk(Walk *w, const BusExchange *x) {
    const KafkaBus *b = w->bus;
    w->seen[x - b->exchanges] = true;
    for (size_t i = 0; i < b->n_bindings; i++) {
        const BusBinding *v = &b->bindings[i];
        if (!str_eq(v->source, x->name) ||
            !(x->kind == EXCHANGE_TOPIC ? event_topic_match(v->key, w->key) : str_eq(v->key, w->key)))
            continue;
        const BusExchange *next = v->to_exchange ? find_exchange(b, v->destination) : NULL;
        if (next && !w->seen[next - b->exchanges])
            walk(w, next);
        for (size_t q = 0; !v->to_exchange && q < b->n_queues; q++)
            w->taken[q] = w->taken[q] || str_eq(b->queues[q].name, v->destination);
    }
}

static void walk_from(Walk *w, Str exchange) {
    const BusExchange *x = exchange.n ? find_exchange(w->bus, exchange) : NULL;
    if (x)
        walk(w, x);
    for (size_t q = 0; exchange.n == 0 && q < w->bus->n_queues; q++)
        w->taken[q] = str_eq(w->bus->queues[q].name, w->key);
}

bool event_kafka_reaches(KafkaBus *b, Str exchange, Str key, Str of, Str name) {
    if (exchange.n == 0)
        return str_eq(key, name);
    Walk w = { .bus = b, .key = key };
    pthread_mutex_lock(&b->state);
    walk_from(&w, exchange);
    const BusQueue *q = event_kafka_queue(b, of);
    bool reached = q && w.taken[q - b->queues];
    pthread_mutex_unlock(&b->state);
    return reached;
}

size_t event_kafka_count(KafkaBus *b, Str exchange, Str key) {
    Walk w = { .bus = b, .key = key };
    size_t n = 0;
    pthread_mutex_lock(&b->state);
    walk_from(&w, exchange);
    for (size_t q = 0; q < b->n_queues; q++) {
        b->published[q] += w.taken[q];
        n += w.taken[q];
    }
    pthread_mutex_unlock(&b->state);
    return n;
}

/* --- declaring --- */

static int full(Ctx *cx, const char *what, int most) {
    return err_set(cx, ERR_LIMIT, "kafka: more than %d %s", most, what);
}

static int declare_exchange(KafkaBus *b, Ctx *cx, const BusExchange *x) {
    const BusExchange *there = find_exchange(b, x->name);
    if (there)
        return there->kind == x->kind ? 0
                                      : err_set_at(cx, ERR_CONFLICT, S("exchange"),
                                                   "exchange " STR_FMT " is there with another kind", STR_ARG(x->name));
    if (b->n_exchanges == KAFKA_EXCHANGES_MAX)
        return full(cx, "exchanges", KAFKA_EXCHANGES_MAX);
    b->exchanges[b->n_exchanges++] = (BusExchange){ str_dup(&b->texts, x->name), x->kind };
    return 0;
}

static bool alike(const BusQueue *a, const BusQueue *b) {
    return str_eq(a->dead_exchange, b->dead_exchange) && str_eq(a->dead_key, b->dead_key) && a->ttl_ms == b->ttl_ms &&
           a->max_priority == b->max_priority && a->max_length == b->max_length;
}

static int declare_queue(KafkaBus *b, Ctx *cx, const BusQueue *q) {
    const BusQueue *there = event_kafka_queue(b, q->name);
    if (there)
        return alike(there, q) ? 0
                               : err_set_at(cx, ERR_CONFLICT, S("queue"),
                                            "queue " STR_FMT " is there with other arguments", STR_ARG(q->name));
    if (b->n_queues == KAFKA_QUEUES_MAX)
        return full(cx, "queues", KAFKA_QUEUES_MAX);
    BusQueue copy = *q;
    copy.name = str_dup(&b->texts, q->name);
    copy.dead_exchange = str_dup(&b->texts, q->dead_exchange);
    copy.dead_key = str_dup(&b->texts, q->dead_key);
    b->queues[b->n_queues++] = copy;
    return 0;
}

static bool same_binding(const BusBinding *a, const BusBinding *b) {
    return a->to_exchange == b->to_exchange && str_eq(a->source, b->source) && str_eq(a->destination, b->destination) &&
           str_eq(a->key, b->key);
}

static int declare_binding(KafkaBus *b, Ctx *cx, const BusBinding *v) {
    bool there =
        v->to_exchange ? find_exchange(b, v->destination) != NULL : event_kafka_queue(b, v->destination) != NULL;
    if (!find_exchange(b, v->source) || !there)
        return err_set_at(cx, ERR_NOT_FOUND, S("binding"), "a binding of " STR_FMT " to " STR_FMT ": one is not there",
                          STR_ARG(v->source), STR_ARG(v->destination));
    for (size_t i = 0; i < b->n_bindings; i++)
        if (same_binding(&b->bindings[i], v))
            return 0;
    if (b->n_bindings == KAFKA_BINDINGS_MAX)
        return full(cx, "bindings", KAFKA_BINDINGS_MAX);
    b->bindings[b->n_bindings++] = (BusBinding){ str_dup(&b->texts, v->source), str_dup(&b->texts, v->destination),
                                                 v->to_exchange, str_dup(&b->texts, v->key) };
    return 0;
}

/* --- making topics --- */

/* Ours, with so many partitions; one that is there already keeps what it has. */
static rd_kafka_resp_err_t create_topics(KafkaBus *b, char *const *names, size_t n) {
    char words[200];
    rd_kafka_NewTopic_t *v[KAFKA_TOPICS_MAX];
    for (size_t i = 0; i < n; i++)
        v[i] = rd_kafka_NewTopic_new(names[i], b->options.partitions, b->options.replicas ? b->options.replicas : -1,
                                     words, sizeof words);
    rd_kafka_queue_t *q = rd_kafka_queue_new(b->producer);
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(b->producer, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(o, KAFKA_CALL_MS, words, sizeof words);
    rd_kafka_CreateTopics(b->producer, v, n, o, q);
    rd_kafka_event_t *done = rd_kafka_queue_poll(q, KAFKA_CALL_MS + MS_PER_SECOND);
    rd_kafka_resp_err_t e = done ? rd_kafka_event_error(done) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    size_t n_told = 0;
    const rd_kafka_topic_result_t **told =
        done && !e ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(done), &n_told) : NULL;
    for (size_t i = 0; !e && i < n_told; i++)
        if (rd_kafka_topic_result_error(told[i]) != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            e = rd_kafka_topic_result_error(told[i]);
    if (done)
        rd_kafka_event_destroy(done);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_queue_destroy(q);
    rd_kafka_NewTopic_destroy_array(v, n);
    return e;
}

/* Asked for by name, a broker that makes topics by itself makes it. */
static rd_kafka_resp_err_t ask_for_topic(KafkaBus *b, const char *name) {
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(b->producer, name, NULL);
    if (!rkt)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t e = rd_kafka_metadata(b->producer, 0, rkt, &md, KAFKA_CALL_MS);
    if (!e)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    return e;
}

/* Takes out of the list what is there. *led: one of the brokers is the cluster's controller, which makes topics. */
static rd_kafka_resp_err_t drop_known(KafkaBus *b, char **names, size_t *n, bool *led) {
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t e = rd_kafka_metadata(b->producer, 1, NULL, &md, KAFKA_CALL_MS);
    int32_t controller = e ? -1 : rd_kafka_controllerid(b->producer, KAFKA_LOOK_MS);
    *led = false;
    for (int i = 0; !e && i < md->broker_cnt; i++)
        *led = *led || md->brokers[i].id == controller;
    for (int i = 0; !e && i < md->topic_cnt; i++)
        for (size_t k = 0; k < *n; k++)
            if (strcmp(names[k], md->topics[i].topic) == 0)
                names[k--] = names[--*n];
    if (!e)
        rd_kafka_metadata_destroy(md);
    return e;
}

static bool may_not(rd_kafka_resp_err_t e) {
    return e == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE || e == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           e == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

/* Where making is not allowed, or nobody is there to do it, the topics have to make themselves. */
static int make_topics(KafkaBus *b, Ctx *cx, char **names, size_t n) {
    pthread_rwlock_rdlock(&b->out);
    bool led = false;
    rd_kafka_resp_err_t e = b->producer ? drop_known(b, names, &n, &led) : RD_KAFKA_RESP_ERR__STATE;
    if (!e && n > 0 && led)
        e = create_topics(b, names, n);
    bool ask = (!e && !led) || may_not(e);
    if (ask)
        e = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; ask && !e && i < n; i++)
        e = ask_for_topic(b, names[i]);
    pthread_rwlock_unlock(&b->out);
    return e ? event_kafka_fail(cx, e, "making topics") : 0;
}

static int declare_all(KafkaBus *b, Ctx *cx, const BusTopology *t) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < t->n_exchanges; i++)
        r = declare_exchange(b, cx, &t->exchanges[i]);
    for (size_t i = 0; r == 0 && i < t->n_queues; i++)
        r = declare_queue(b, cx, &t->queues[i]);
    for (size_t i = 0; r == 0 && i < t->n_bindings; i++)
        r = declare_binding(b, cx, &t->bindings[i]);
    return r;
}

int event_kafka_declare(EventBus *bus, Ctx *cx, const BusTopology *t) {
    KafkaBus *b = (KafkaBus *)bus;
    pthread_mutex_lock(&b->state);
    int r = declare_all(b, cx, t);
    pthread_mutex_unlock(&b->state);
    char *names[KAFKA_TOPICS_MAX];
    for (size_t i = 0; r == 0 && i < t->n_queues; i++)
        r = make_topics(b, cx, names, event_kafka_topics(b, cx->arena, t->queues[i].name, t->queues[i].name, names));
    return r;
}
