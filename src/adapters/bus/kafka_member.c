/* adapters/bus/kafka_member.c - a member of a consumer group: its thread, its partitions, and how far they are answered.
 *
 * The thread polls all the time, so that rebalances and heartbeats never wait for a slow subscriber; where enough is
 * waiting it pauses the partitions instead. `lock` is never held across a call that waits for the broker. */

#include "adapters/bus/kafka_internal.h"

/* --- what waits --- */

void event_kafka_ready_put(KafkaMember *m, KafkaRecord *r) {
    KafkaRecord **at = &m->ready;
    if (m->ready_last && m->ready_last->seq < r->seq)
        at = &m->ready_last->next_ready;
    while (*at && (*at)->seq < r->seq)
        at = &(*at)->next_ready;
    r->next_ready = *at;
    *at = r;
    if (!r->next_ready)
        m->ready_last = r;
    m->n_ready++;
    m->ready_bytes += r->m->len;
    pthread_cond_broadcast(&m->came);
}

KafkaRecord *event_kafka_ready_take(KafkaMember *m) {
    KafkaRecord *r = m->ready;
    if (!r)
        return NULL;
    m->ready = r->next_ready;
    if (!m->ready)
        m->ready_last = NULL;
    m->n_ready--;
    m->ready_bytes -= r->m->len;
    r->next_ready = NULL;
    return r;
}

/* --- what is answered --- */

static void record_free(KafkaRecord *r) {
    if (r->m)
        rd_kafka_message_destroy(r->m);
    mem_free(r);
}

static rd_kafka_resp_err_t store(KafkaMember *m, const KafkaPart *p) {
    rd_kafka_topic_partition_list_t *v = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(v, p->topic, p->partition)->offset = p->next;
    rd_kafka_resp_err_t e = rd_kafka_offsets_store(m->rk, v);
    if (!e)
        e = v->elems[0].err;
    rd_kafka_topic_partition_list_destroy(v);
    return e;
}

int event_kafka_settle(KafkaMember *m, KafkaRecord *r) {
    KafkaPart *p = r->part;
    r->done = true;
    if (r->m)
        rd_kafka_message_destroy(r->m);
    r->m = NULL;
    if (p->first != r)
        return 0; /* something before it is unanswered: the offset stays */
    while (p->first && p->first->done) {
        KafkaRecord *front = p->first;
        p->next = front->offset + 1;
        p->first = front->next;
        if (!p->first)
            p->last = NULL;
        record_free(front);
    }
    return store(m, p) ? BUS_STALE : 0;
}

/* --- partitions --- */

static KafkaPart *part_find(const KafkaMember *m, const char *topic, int32_t partition) {
    for (KafkaPart *p = m->parts; p; p = p->next_part)
        if (p->partition == partition && strcmp(p->topic, topic) == 0)
            return p;
    return NULL;
}

static void part_add(KafkaMember *m, const char *topic, int32_t partition) {
    if (part_find(m, topic, partition))
        return;
    KafkaPart *p = mem_new(KafkaPart);
    size_t n = strlen(topic) + 1;
    *p = (KafkaPart){ .topic = memcpy(mem_alloc(n), topic, n), .partition = partition, .next = -1 };
    p->next_part = m->parts;
    m->parts = p;
}

/* Its records are another's now: deliveries under way are forgotten, so their answers are stale. */
static void part_lose(KafkaMember *m, KafkaPart *p) {
    KafkaRecord **at = &m->ready;
    m->ready_last = NULL;
    while (*at) {
        KafkaRecord *r = *at;
        if (r->part != p) {
            m->ready_last = r;
            at = &r->next_ready;
            continue;
        }
        *at = r->next_ready;
        m->n_ready--;
        m->ready_bytes -= r->m->len;
    }
    for (KafkaRecord *r = p->first, *next; r; r = next) {
        next = r->next;
        if (r->by) {
            map_del_u64(&m->held, (uint64_t)r->tag);
            r->by->n_held--;
        }
        record_free(r);
    }
    KafkaPart **link = &m->parts;
    while (*link != p)
        link = &(*link)->next_part;
    *link = p->next_part;
    mem_free(p->topic);
    mem_free(p);
}

static void lose_all(KafkaMember *m) {
    while (m->parts)
        part_lose(m, m->parts);
}

/* A group that is new and wants no past begins at the ends. New: none of these partitions has an offset of it. A broker
 * that does not tell leaves the past in: more is better than less. */
static bool begin_now(KafkaMember *m, const rd_kafka_topic_partition_list_t *v) {
    rd_kafka_topic_partition_list_t *had = rd_kafka_topic_partition_list_copy(v);
    bool new = rd_kafka_committed(m->rk, had, KAFKA_CALL_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; new &&i < had->cnt; i++)
        new = had->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR && had->elems[i].offset == RD_KAFKA_OFFSET_INVALID;
    rd_kafka_topic_partition_list_destroy(had);
    return new;
}

static void to_the_ends(KafkaMember *m, rd_kafka_topic_partition_list_t *v) {
    for (int i = 0; i < v->cnt; i++) {
        int64_t low, high;
        rd_kafka_topic_partition_t *p = &v->elems[i];
        if (!rd_kafka_query_watermark_offsets(m->rk, p->topic, p->partition, &low, &high, KAFKA_CALL_MS))
            p->offset = high;
    }
}

static void assigned(KafkaMember *m, rd_kafka_topic_partition_list_t *v, bool cooperative) {
    bool now = m->group.n && m->from == FROM_NOW && !m->was_assigned && v->cnt > 0 && begin_now(m, v);
    if (now)
        to_the_ends(m, v);
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < v->cnt; i++)
        part_add(m, v->elems[i].topic, v->elems[i].partition);
    m->paused = false; /* the new ones are not; the thread pauses all of them again where it has to */
    pthread_mutex_unlock(&m->lock);
    if (cooperative)
        rd_kafka_error_destroy(rd_kafka_incremental_assign(m->rk, v));
    else
        rd_kafka_assign(m->rk, v);
    if (now) /* so that its place stays though it has answered nothing yet */
        rd_kafka_offsets_store(m->rk, v);
    pthread_mutex_lock(&m->lock);
    m->joined = true;
    m->was_assigned = m->was_assigned || v->cnt > 0;
    pthread_cond_broadcast(&m->came);
    pthread_mutex_unlock(&m->lock);
}

static void revoked(KafkaMember *m, rd_kafka_topic_partition_list_t *v, bool cooperative) {
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < v->cnt; i++) {
        KafkaPart *p = part_find(m, v->elems[i].topic, v->elems[i].partition);
        if (p)
            part_lose(m, p);
    }
    pthread_mutex_unlock(&m->lock);
    if (cooperative)
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(m->rk, v)); /* commits what is stored of them */
    else
        rd_kafka_assign(m->rk, NULL);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t e, rd_kafka_topic_partition_list_t *v, void *opaque) {
    KafkaMember *m = opaque;
    bool cooperative = strcmp(rd_kafka_rebalance_protocol(rk), "COOPERATIVE") == 0;
    if (e == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        assigned(m, v, cooperative);
    else
        revoked(m, v, cooperative);
}

static void on_error(rd_kafka_t *rk, int e, const char *reason, void *opaque) {
    KafkaMember *m = opaque;
    UNUSED(rk);
    UNUSED(reason);
    pthread_mutex_lock(&m->lock);
    m->trouble = (rd_kafka_resp_err_t)e;
    pthread_cond_broadcast(&m->came);
    pthread_mutex_unlock(&m->lock);
}

/* --- the thread --- */

static void take_in(KafkaMember *m, rd_kafka_message_t *msg) {
    Str exchange, key;
    bool ours = event_kafka_address(msg, &exchange, &key);
    bool wanted = ours && event_kafka_reaches(m->bus, exchange, key, m->queue, m->name);
    pthread_mutex_lock(&m->lock);
    KafkaPart *p = part_find(m, rd_kafka_topic_name(msg->rkt), msg->partition);
    if (!p) { /* revoked meanwhile */
        pthread_mutex_unlock(&m->lock);
        rd_kafka_message_destroy(msg);
        return;
    }
    KafkaRecord *r = mem_new(KafkaRecord);
    *r = (KafkaRecord){ .part = p, .m = msg, .offset = msg->offset, .seq = ++m->last_seq };
    if (p->last)
        p->last->next = r;
    else
        p->first = r;
    p->last = r;
    m->dropped += !ours;
    if (wanted)
        event_kafka_ready_put(m, r);
    else
        event_kafka_settle(m, r);
    pthread_mutex_unlock(&m->lock);
}

/* Pauses where enough waits, and goes on where half of it is gone. */
static void keep_bounds(KafkaMember *m) {
    pthread_mutex_lock(&m->lock);
    bool full = m->n_ready >= KAFKA_READY_MAX || m->ready_bytes >= KAFKA_READY_BYTES;
    bool low = m->n_ready <= KAFKA_READY_MAX / 2 && m->ready_bytes <= KAFKA_READY_BYTES / 2;
    bool pause = full && !m->paused, resume = low && m->paused;
    m->paused = (m->paused || pause) && !resume;
    pthread_mutex_unlock(&m->lock);
    rd_kafka_topic_partition_list_t *v = NULL;
    if ((!pause && !resume) || rd_kafka_assignment(m->rk, &v))
        return;
    if (pause)
        rd_kafka_pause_partitions(m->rk, v);
    else
        rd_kafka_resume_partitions(m->rk, v);
    rd_kafka_topic_partition_list_destroy(v);
}

static bool goes_on(KafkaMember *m, int64_t *idle_ms) {
    pthread_mutex_lock(&m->lock);
    *idle_ms = m->consumers ? 0 : *idle_ms;
    bool on = !m->stop && *idle_ms < KAFKA_IDLE_MS && m->trouble != RD_KAFKA_RESP_ERR__FATAL;
    if (!on)
        m->running = false;
    pthread_mutex_unlock(&m->lock);
    return on;
}

static void *member_run(void *arg) {
    KafkaMember *m = arg;
    int64_t idle_ms = 0;
    while (goes_on(m, &idle_ms)) {
        rd_kafka_message_t *msg = rd_kafka_consumer_poll(m->rk, KAFKA_LOOK_MS);
        if (msg && !msg->err)
            take_in(m, msg);
        else if (msg)
            rd_kafka_message_destroy(msg); /* topics that are not made yet, and what librdkafka mends by itself */
        else
            idle_ms += KAFKA_LOOK_MS;
        keep_bounds(m);
    }
    pthread_mutex_lock(&m->lock);
    lose_all(m); /* messages go before their consumer does */
    pthread_mutex_unlock(&m->lock);
    rd_kafka_consumer_close(m->rk); /* commits what is stored, and leaves the group */
    return NULL;
}

/* --- life --- */

static void join_thread(KafkaMember *m) {
    if (!m->started)
        return;
    pthread_join(m->thread, NULL);
    pthread_mutex_lock(&m->lock);
    lose_all(m);
    rd_kafka_t *rk = m->rk;
    m->rk = NULL;
    pthread_mutex_unlock(&m->lock);
    rd_kafka_destroy(rk);
    m->started = false;
}

static int subscribe_topics(KafkaMember *m, Ctx *cx) {
    char *names[KAFKA_TOPICS_MAX];
    size_t n = event_kafka_topics(m->bus, cx->arena, m->queue, m->name, names);
    rd_kafka_topic_partition_list_t *v = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(v, names[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t e = rd_kafka_subscribe(m->rk, v);
    rd_kafka_topic_partition_list_destroy(v);
    return e ? event_kafka_fail(cx, e, "subscribe") : 0;
}

static int open_consumer(KafkaMember *m, Ctx *cx) {
    rd_kafka_conf_t *conf;
    Str group = str_fmt(cx->arena, "%s" STR_FMT, m->bus->options.prefix, STR_ARG(m->name));
    const char *const ours[] = { "group.id",
                                 str_cz(cx->arena, group),
                                 "enable.auto.commit",
                                 "true",
                                 "auto.commit.interval.ms",
                                 "1000",
                                 "enable.auto.offset.store",
                                 "false",
                                 "auto.offset.reset",
                                 "earliest",
                                 "partition.assignment.strategy",
                                 "cooperative-sticky",
                                 "allow.auto.create.topics",
                                 "true",
                                 "queued.max.messages.kbytes",
                                 "16384",
                                 "fetch.wait.max.ms",
                                 "100",
                                 NULL };
    int r = event_kafka_conf(m->bus, cx, ours, &conf);
    if (r)
        return r;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, m);
    r = event_kafka_new(m->bus, cx, RD_KAFKA_CONSUMER, conf, &m->rk);
    if (r)
        return r;
    rd_kafka_poll_set_consumer(m->rk);
    r = subscribe_topics(m, cx);
    if (r) {
        rd_kafka_destroy(m->rk);
        m->rk = NULL;
    }
    return r;
}

static int start(KafkaMember *m, Ctx *cx) {
    join_thread(m);
    m->joined = m->paused = m->stop = false;
    m->trouble = RD_KAFKA_RESP_ERR_NO_ERROR;
    int r = open_consumer(m, cx);
    if (r)
        return r;
    m->running = true;
    if (pthread_create(&m->thread, NULL, member_run, m)) {
        m->running = false;
        rd_kafka_consumer_close(m->rk);
        rd_kafka_destroy(m->rk);
        m->rk = NULL;
        return err_set(cx, ERR_BUSY, "kafka: no thread for group " STR_FMT, STR_ARG(m->name));
    }
    m->started = true;
    return 0;
}

int event_kafka_member_start(KafkaMember *m, Ctx *cx) {
    pthread_mutex_lock(&m->life);
    pthread_mutex_lock(&m->lock);
    bool runs = m->running;
    pthread_mutex_unlock(&m->lock);
    int r = runs ? 0 : start(m, cx);
    pthread_mutex_unlock(&m->life);
    return r;
}

void event_kafka_member_free(KafkaMember *m) {
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_mutex_unlock(&m->lock);
    join_thread(m);
    map_done(&m->held);
    pthread_cond_destroy(&m->came);
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->life);
    mem_free(m);
}
