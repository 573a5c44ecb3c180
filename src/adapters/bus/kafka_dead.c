/* adapters/bus/kafka_dead.c - the dead letters: listed by a reader that belongs to no group, taken away by one that does.
 *
 * Listed are the records of the queue's topics behind its group's committed offsets. Kafka gives none back one by one:
 * to requeue or drop is to consume all. */

#include "adapters/bus/kafka_internal.h"

#include <stdlib.h>

enum { WORK_WAIT_MS = 5000 };

typedef struct Found {
    Delivery d;
    Str topic;
    int32_t partition;
    int64_t offset;
} Found;

typedef struct Scan {
    KafkaBus *bus;
    Str queue;
    rd_kafka_t *rk;
    rd_kafka_topic_partition_list_t *parts;
    Found *v;
    size_t n, cap;
} Scan;

/* --- listing --- */

static rd_kafka_resp_err_t list_parts(Scan *s, char *const *topics, size_t n) {
    s->parts = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < n; i++) {
        const struct rd_kafka_metadata *md = NULL;
        rd_kafka_topic_t *rkt = rd_kafka_topic_new(s->rk, topics[i], NULL);
        rd_kafka_resp_err_t e =
            rkt ? rd_kafka_metadata(s->rk, 0, rkt, &md, KAFKA_CALL_MS) : RD_KAFKA_RESP_ERR__INVALID_ARG;
        for (int p = 0; !e && md->topic_cnt == 1 && p < md->topics[0].partition_cnt; p++)
            rd_kafka_topic_partition_list_add(s->parts, topics[i], md->topics[0].partitions[p].id);
        if (!e)
            rd_kafka_metadata_destroy(md);
        if (rkt)
            rd_kafka_topic_destroy(rkt);
        if (e)
            return e;
    }
    return rd_kafka_committed(s->rk, s->parts, KAFKA_CALL_MS);
}

/* What is behind the committed offsets; partitions without any of it go out of the list. */
static rd_kafka_resp_err_t find_places(Scan *s) {
    for (int i = s->parts->cnt - 1; i >= 0; i--) {
        int64_t low, high;
        rd_kafka_topic_partition_t *p = &s->parts->elems[i];
        rd_kafka_resp_err_t e =
            rd_kafka_query_watermark_offsets(s->rk, p->topic, p->partition, &low, &high, KAFKA_CALL_MS);
        if (e)
            return e;
        p->offset = MAX(p->offset, low);
        if (p->offset >= high)
            rd_kafka_topic_partition_list_del_by_idx(s->parts, i);
    }
    return rd_kafka_assign(s->rk, s->parts);
}

static void keep(Scan *s, Ctx *cx, const rd_kafka_message_t *m) {
    Str exchange, key;
    Found f = { .topic = str_dup(cx->arena, str_c(rd_kafka_topic_name(m->rkt))),
                .partition = m->partition,
                .offset = m->offset };
    if (s->n == BUS_READ_MAX || !event_kafka_address(m, &exchange, &key) ||
        !event_kafka_reaches(s->bus, exchange, key, s->queue, s->queue) || event_kafka_read_record(cx, m, &f.d))
        return;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        s->v = arena_grow(cx->arena, s->v, s->cap * sizeof *s->v, cap * sizeof *s->v);
        s->cap = cap;
    }
    s->v[s->n++] = f;
}

/* Until each partition has told its end. */
static int read_parts(Scan *s, Ctx *cx) {
    struct timespec until = event_kafka_after_ms(s->bus->options.confirm_ms);
    int r = 0, ends = 0;
    while (r == 0 && ends < s->parts->cnt) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(s->rk, KAFKA_LOOK_MS);
        if (m && !m->err)
            keep(s, cx, m);
        ends += m && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (m)
            rd_kafka_message_destroy(m);
        r = event_kafka_passed(&until) ? err_set(cx, ERR_TIMEOUT, "kafka: the dead letters were not read in time")
                                       : ctx_check(cx);
    }
    return r;
}

static int scan_open(Scan *s, Ctx *cx) {
    rd_kafka_conf_t *conf;
    Str group = str_fmt(cx->arena, "%s" STR_FMT, s->bus->options.prefix, STR_ARG(s->queue));
    const char *const ours[] = { "group.id",
                                 str_cz(cx->arena, group),
                                 "enable.auto.commit",
                                 "false",
                                 "enable.auto.offset.store",
                                 "false",
                                 "enable.partition.eof",
                                 "true",
                                 "auto.offset.reset",
                                 "earliest",
                                 "fetch.wait.max.ms",
                                 "100",
                                 NULL };
    int r = event_kafka_conf(s->bus, cx, ours, &conf);
    if (r == 0)
        r = event_kafka_new(s->bus, cx, RD_KAFKA_CONSUMER, conf, &s->rk);
    if (r == 0)
        rd_kafka_poll_set_consumer(s->rk);
    return r;
}

static void scan_done(Scan *s) {
    if (s->parts)
        rd_kafka_topic_partition_list_destroy(s->parts);
    if (s->rk) {
        rd_kafka_assign(s->rk, NULL);
        rd_kafka_consumer_close(s->rk);
        rd_kafka_destroy(s->rk);
    }
}

/* What this process has answered already is not listed any more. */
static void commit_own(KafkaBus *b, Str queue) {
    pthread_mutex_lock(&b->state);
    KafkaMember *m = b->members;
    while (m && !str_eq(m->name, queue))
        m = m->next;
    pthread_mutex_unlock(&b->state);
    if (!m)
        return;
    pthread_mutex_lock(&m->life);
    if (m->started)
        rd_kafka_commit(m->rk, NULL, 0);
    pthread_mutex_unlock(&m->life);
}

static int by_age(const void *a, const void *b) {
    const Found *x = a, *y = b;
    int c = x->d.death && y->d.death ? time_cmp(x->d.death->at, y->d.death->at) : 0;
    if (c == 0)
        c = str_cmp(x->topic, y->topic);
    if (c == 0)
        c = (x->partition > y->partition) - (x->partition < y->partition);
    return c ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

static int scan_run(Scan *s, Ctx *cx) {
    char *topics[KAFKA_TOPICS_MAX];
    size_t n = event_kafka_topics(s->bus, cx->arena, s->queue, s->queue, topics);
    int r = scan_open(s, cx);
    if (r)
        return r;
    rd_kafka_resp_err_t e = list_parts(s, topics, n);
    if (!e)
        e = find_places(s);
    r = e ? event_kafka_fail(cx, e, "reading the dead letters") : read_parts(s, cx);
    if (r == 0 && s->n)
        qsort(s->v, s->n, sizeof *s->v, by_age);
    return r;
}

static int scan(KafkaBus *b, Ctx *cx, Str queue, Found **out, size_t *n) {
    Scan s = { .bus = b, .queue = queue };
    pthread_mutex_lock(&b->state);
    bool there = event_kafka_queue(b, queue) != NULL;
    pthread_mutex_unlock(&b->state);
    if (!there)
        return err_set_at(cx, ERR_NOT_FOUND, S("queue"), "no queue " STR_FMT, STR_ARG(queue));
    commit_own(b, queue);
    int r = scan_run(&s, cx);
    scan_done(&s);
    *out = s.v;
    *n = s.n;
    return r;
}

static Str handle_of(Ctx *cx, const Found *f) {
    return str_fmt(cx->arena, STR_FMT "/%d/%lld", STR_ARG(f->topic), (int)f->partition, (long long)f->offset);
}

int event_kafka_dead_list(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n) {
    static const Death unknown = { 0 };
    Found *v;
    size_t all, at = 0;
    int r = scan((KafkaBus *)bus, cx, queue, &v, &all);
    if (r)
        return r;
    for (size_t i = 0; after.n && i < all; i++) /* one that is gone meanwhile: from the first again */
        if (str_eq(handle_of(cx, &v[i]), after))
            at = i + 1;
    *n = MIN(limit, all - at);
    *out = arena_new_n(cx->arena, DeadLetter, *n);
    for (size_t i = 0; i < *n; i++) {
        const Found *f = &v[at + i];
        (*out)[i] = (DeadLetter){ handle_of(cx, f), f->d.event, f->d.death ? *f->d.death : unknown };
    }
    return 0;
}

/* --- away with them --- */

/* Back to the queue it died in, with its death; one that never died there goes nowhere and stays. */
static int put_back(KafkaBus *b, Ctx *cx, const Delivery *d) {
    char *topic;
    int outcome;
    int r = event_kafka_topic(b, cx, S(""), d->death->queue, &topic);
    KafkaOut out = { topic, S(""), d->death->queue, &d->event, d->death };
    return r ? r : event_kafka_send(b, cx, &out, 1, &outcome);
}

static int work_off(KafkaBus *b, Ctx *cx, Subscription *s, int64_t n, bool back, int64_t *done) {
    int64_t seen = 0;
    while (seen < n) {
        Delivery *v;
        size_t got;
        int r = event_kafka_receive(s, cx, WORK_WAIT_MS, &v, BUS_PREFETCH_STANDARD, &got);
        if (r)
            return r == BUS_EMPTY ? 0 : r; /* another member has the others */
        for (size_t i = 0; i < got; i++, seen++) {
            if (back && !v[i].death)
                continue;
            r = back ? put_back(b, cx, &v[i]) : 0;
            if (r == 0)
                r = event_kafka_ack(s, cx, &v[i].tag, 1);
            if (r < 0)
                return r;
            *done += r == 0;
        }
    }
    return 0;
}

static int work_off_all(EventBus *bus, Ctx *cx, Str queue, bool back, int64_t *done) {
    Found *v;
    size_t n;
    int r = scan((KafkaBus *)bus, cx, queue, &v, &n);
    if (r || n == 0)
        return r;
    Subscription *s;
    r = event_kafka_subscribe(bus, cx, &(SubscribeOptions){ .queue = queue, .prefetch = BUS_PREFETCH_STANDARD }, &s);
    if (r)
        return r;
    r = work_off((KafkaBus *)bus, cx, s, (int64_t)n, back, done);
    event_kafka_unsubscribe(s);
    return r;
}

int event_kafka_dead_requeue(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    UNUSED(handles);
    UNUSED(n); /* 0: event_bus.c refuses others */
    return work_off_all(bus, cx, queue, true, done);
}

int event_kafka_dead_drop(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    UNUSED(handles);
    UNUSED(n);
    return work_off_all(bus, cx, queue, false, done);
}
