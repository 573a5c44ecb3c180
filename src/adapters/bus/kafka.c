/* adapters/bus/kafka.c - see kafka.h: life of the bus, its settings, its failures, its numbers. */

#include "adapters/bus/kafka_internal.h"

#include <stdlib.h>
#include <time.h>

enum { PARTITIONS_STANDARD = 12, CONFIRM_STANDARD_MS = 30000, JOIN_STANDARD_MS = 15000, DESCRIBE_MS = 2000 };

/* --- failures --- */

int event_kafka_code(rd_kafka_resp_err_t e) {
    switch ((int)e) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return ERR_LIMIT;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        return ERR_TOO_LARGE;
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        return ERR_TIMEOUT;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return ERR_NOT_FOUND;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return ERR_DENIED;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        return ERR_UNAUTHORIZED;
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return ERR_INVALID;
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        return ERR_UNSUPPORTED;
    default: /* leaders moving, brokers gone, replicas missing, purged: what the client tries again, and so may we */
        return ERR_UNAVAILABLE;
    }
}

int event_kafka_fail(Ctx *cx, rd_kafka_resp_err_t e, const char *what) {
    return err_set(cx, event_kafka_code(e), "kafka: %s: %s", what, rd_kafka_err2str(e));
}

/* --- the threads' own time: a clock that is moved by hand would never let a wait end --- */

struct timespec event_kafka_after_ms(int64_t ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + ms % MS_PER_SECOND * NS_PER_MS;
    return (struct timespec){ .tv_sec = t.tv_sec + ms / MS_PER_SECOND + ns / NS_PER_SECOND,
                              .tv_nsec = ns % NS_PER_SECOND };
}

bool event_kafka_passed(const struct timespec *t) {
    struct timespec now = event_kafka_after_ms(0);
    return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

void event_kafka_cond_init(pthread_cond_t *c) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

/* --- settings --- */

static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *buf) {
    UNUSED(rk); /* a library prints nothing; what matters comes as an error */
    UNUSED(level);
    UNUSED(fac);
    UNUSED(buf);
}

static int set(Ctx *cx, rd_kafka_conf_t *conf, const char *name, const char *value) {
    char words[300];
    if (rd_kafka_conf_set(conf, name, value, words, sizeof words) == RD_KAFKA_CONF_OK)
        return 0;
    return err_set_at(cx, ERR_INVALID, str_c(name), "kafka: %s", words);
}

int event_kafka_conf(KafkaBus *b, Ctx *cx, const char *const *ours, rd_kafka_conf_t **out) {
    const EventKafkaOptions *o = &b->options;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    int r = set(cx, conf, "client.id", o->client_id);
    for (size_t i = 0; r == 0 && i < o->n_settings; i++)
        r = set(cx, conf, o->settings[i].name, o->settings[i].value);
    if (r == 0)
        r = set(cx, conf, "bootstrap.servers", o->brokers);
    for (; r == 0 && *ours; ours += 2)
        r = set(cx, conf, ours[0], ours[1]);
    if (r) {
        rd_kafka_conf_destroy(conf);
        return r;
    }
    *out = conf;
    return 0;
}

int event_kafka_new(KafkaBus *b, Ctx *cx, rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out) {
    char words[300];
    UNUSED(b);
    *out = rd_kafka_new(type, conf, words, sizeof words);
    if (*out)
        return 0;
    rd_kafka_conf_destroy(conf);
    return err_set(cx, ERR_INVALID, "kafka: %s", words);
}

/* --- numbers --- */

static int by_name(const void *a, const void *b) {
    const QueueDepth *x = a, *y = b;
    int c = str_cmp(x->queue, y->queue);
    return c ? c : str_cmp(x->group, y->group);
}

static void add_member(KafkaMember *m, QueueDepth *d) {
    pthread_mutex_lock(&m->lock);
    d->unacked = (int64_t)m->held.n;
    d->consumers = m->consumers;
    d->delivered = m->delivered;
    d->acked = m->acked;
    d->requeued = m->requeued;
    d->dead = m->dead;
    d->dropped = m->dropped;
    pthread_mutex_unlock(&m->lock);
}

/* Of this bus alone; how much waits, only the brokers know together with every binding. */
static int kafka_stats(EventBus *bus, Ctx *cx, QueueDepth **out, size_t *n) {
    KafkaBus *b = (KafkaBus *)bus;
    pthread_mutex_lock(&b->state);
    size_t most = b->n_queues;
    for (KafkaMember *m = b->members; m; m = m->next)
        most++;
    QueueDepth *v = arena_new_n(cx->arena, QueueDepth, most);
    *n = 0;
    for (size_t i = 0; i < b->n_queues; i++)
        v[(*n)++] =
            (QueueDepth){ .queue = str_dup(cx->arena, b->queues[i].name), .ready = -1, .published = b->published[i] };
    for (KafkaMember *m = b->members; m; m = m->next) {
        QueueDepth *d = NULL;
        for (size_t i = 0; m->group.n == 0 && i < b->n_queues; i++)
            d = str_eq(v[i].queue, m->queue) ? &v[i] : d;
        if (!d) {
            d = &v[(*n)++];
            *d = (QueueDepth){ .queue = str_dup(cx->arena, m->queue),
                               .group = str_dup(cx->arena, m->group),
                               .ready = -1 };
        }
        add_member(m, d);
    }
    pthread_mutex_unlock(&b->state);
    if (*n)
        qsort(v, *n, sizeof *v, by_name);
    *out = v;
    return 0;
}

static int kafka_describe(EventBus *bus, Ctx *cx, BusInfo *out) {
    KafkaBus *b = (KafkaBus *)bus;
    const struct rd_kafka_metadata *md = NULL;
    *out = (BusInfo){ .adapter = "kafka",
                      .location = str_dup(cx->arena, str_c(b->options.brokers)),
                      .first_position = -1,
                      .last_position = -1,
                      .bytes = -1 };
    pthread_rwlock_rdlock(&b->out);
    rd_kafka_resp_err_t e =
        b->producer ? rd_kafka_metadata(b->producer, 0, NULL, &md, DESCRIBE_MS) : RD_KAFKA_RESP_ERR__STATE;
    pthread_rwlock_unlock(&b->out);
    out->connected = !e;
    if (!e)
        rd_kafka_metadata_destroy(md);
    return 0;
}

/* --- life --- */

static void kafka_close(EventBus *bus) {
    KafkaBus *b = (KafkaBus *)bus;
    while (b->members) {
        KafkaMember *m = b->members;
        b->members = m->next;
        event_kafka_member_free(m);
    }
    event_kafka_producer_close(b);
    mem_free(b->bindings);
    arena_done(&b->texts);
    pthread_mutex_destroy(&b->state);
    pthread_rwlock_destroy(&b->out);
    mem_free(b);
}

static const EventBusOps kafka_ops = {
    .name = "kafka",
    .can = BUS_CAN_ROUTE | BUS_CAN_MANDATORY | BUS_CAN_GROUPS | BUS_CAN_FIRST | BUS_CAN_DELAY,
    .declare = event_kafka_declare,
    .publish = event_kafka_publish,
    .subscribe = event_kafka_subscribe,
    .receive = event_kafka_receive,
    .ack = event_kafka_ack,
    .reject = event_kafka_reject,
    .unsubscribe = event_kafka_unsubscribe,
    .dead_list = event_kafka_dead_list,
    .dead_requeue = event_kafka_dead_requeue,
    .dead_drop = event_kafka_dead_drop,
    .stats = kafka_stats,
    .describe = kafka_describe,
    .close = kafka_close,
};

static const char *copy(Arena *a, const char *z, const char *standard) {
    return str_cz(a, str_c(z ? z : standard));
}

static void take_options(KafkaBus *b, const EventKafkaOptions *o) {
    EventKafkaSetting *v = arena_new_n(&b->texts, EventKafkaSetting, o->n_settings);
    for (size_t i = 0; i < o->n_settings; i++)
        v[i] =
            (EventKafkaSetting){ copy(&b->texts, o->settings[i].name, ""), copy(&b->texts, o->settings[i].value, "") };
    b->options = (EventKafkaOptions){ .brokers = copy(&b->texts, o->brokers, ""),
                                      .client_id = copy(&b->texts, o->client_id, "finsight"),
                                      .prefix = copy(&b->texts, o->prefix, ""),
                                      .partitions = o->partitions ? o->partitions : PARTITIONS_STANDARD,
                                      .replicas = o->replicas,
                                      .confirm_ms = o->confirm_ms ? o->confirm_ms : CONFIRM_STANDARD_MS,
                                      .join_ms = o->join_ms ? o->join_ms : JOIN_STANDARD_MS,
                                      .settings = v,
                                      .n_settings = o->n_settings };
}

int event_kafka_open(Ctx *cx, const EventKafkaOptions *o, EventBus **out) {
    KafkaBus *b = mem_new(KafkaBus);
    b->bus.ops = &kafka_ops;
    take_options(b, o);
    b->bindings = mem_new_n(BusBinding, KAFKA_BINDINGS_MAX);
    pthread_mutex_init(&b->state, NULL);
    pthread_rwlock_init(&b->out, NULL);
    int r = b->options.brokers[0] ? event_kafka_producer_open(b, cx)
                                  : err_set_at(cx, ERR_INVALID, S("brokers"), "kafka: no broker is named");
    if (r) {
        kafka_close(&b->bus);
        return r;
    }
    *out = &b->bus;
    return 0;
}
