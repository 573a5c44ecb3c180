/* adapters/bus/kafka_publish.c - the idempotent producer, and waiting for its answers. */

#include "adapters/bus/kafka_internal.h"

/* --- what a call waits for --- */

typedef struct Wait { /* lives as long as its caller or a report that has not come, whichever is longer */
    pthread_mutex_t lock;
    pthread_cond_t came;
    size_t left, refs;
    rd_kafka_resp_err_t *v; /* one a message */
    bool *told;
} Wait;

typedef struct Ticket { /* of one message: its opaque */
    Wait *wait;
    size_t i;
} Ticket;

static Wait *wait_new(size_t n) {
    Wait *w = mem_new(Wait);
    pthread_mutex_init(&w->lock, NULL);
    event_kafka_cond_init(&w->came);
    w->refs = 1;
    w->v = mem_new_n(rd_kafka_resp_err_t, n);
    w->told = mem_new_n(bool, n);
    return w;
}

/* Takes the lock's holder's reference away; the last one frees it. */
static void wait_leave(Wait *w) {
    bool last = --w->refs == 0;
    pthread_mutex_unlock(&w->lock);
    if (!last)
        return;
    pthread_cond_destroy(&w->came);
    pthread_mutex_destroy(&w->lock);
    mem_free(w->v);
    mem_free(w->told);
    mem_free(w);
}

static void wait_answer(Ticket *t, rd_kafka_resp_err_t e) {
    Wait *w = t->wait;
    pthread_mutex_lock(&w->lock);
    w->v[t->i] = e;
    w->told[t->i] = true;
    if (--w->left == 0)
        pthread_cond_signal(&w->came);
    wait_leave(w);
    mem_free(t);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    UNUSED(rk);
    UNUSED(opaque);
    wait_answer(m->_private, m->err);
}

static void *serve_answers(void *arg) {
    KafkaBus *b = arg;
    while (!atomic_load(&b->stop)) /* the producer is replaced only after this thread has ended */
        rd_kafka_poll(b->producer, KAFKA_LOOK_MS);
    return NULL;
}

/* --- its life --- */

int event_kafka_producer_open(KafkaBus *b, Ctx *cx) {
    rd_kafka_conf_t *conf;
    Str timeout = str_fmt(cx->arena, "%lld", (long long)b->options.confirm_ms);
    const char *const ours[] = { "enable.idempotence",
                                 "true",
                                 "partitioner",
                                 "murmur2_random", /* as Java's producers */
                                 "linger.ms",
                                 "1",
                                 "message.timeout.ms",
                                 str_cz(cx->arena, timeout),
                                 "message.max.bytes",
                                 "2097152",
                                 "queue.buffering.max.messages",
                                 "100000",
                                 "queue.buffering.max.kbytes",
                                 "65536",
                                 NULL };
    int r = event_kafka_conf(b, cx, ours, &conf);
    if (r)
        return r;
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    r = event_kafka_new(b, cx, RD_KAFKA_PRODUCER, conf, &b->producer);
    if (r)
        return r;
    atomic_store(&b->stop, false);
    if (pthread_create(&b->answers, NULL, serve_answers, b)) {
        rd_kafka_destroy(b->producer);
        b->producer = NULL;
        return err_set(cx, ERR_BUSY, "kafka: no thread for the producer");
    }
    return 0;
}

/* Whoever publishes has gone or gives up waiting: what is not sent is taken back, and its reports are served here. */
void event_kafka_producer_close(KafkaBus *b) {
    if (!b->producer)
        return;
    atomic_store(&b->stop, true);
    pthread_join(b->answers, NULL);
    rd_kafka_purge(b->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(b->producer) > 0)
        rd_kafka_poll(b->producer, KAFKA_LOOK_MS);
    rd_kafka_destroy(b->producer);
    b->producer = NULL;
}

/* Fenced or out of sequence: librdkafka takes nothing more. A new one has a new producer id; what the old one has not
 * confirmed was told as such. */
static int replace_if_fatal(KafkaBus *b, Ctx *cx) {
    char words[200];
    pthread_rwlock_rdlock(&b->out);
    bool fatal = !b->producer || rd_kafka_fatal_error(b->producer, words, sizeof words);
    pthread_rwlock_unlock(&b->out);
    if (!fatal)
        return 0;
    int r = 0;
    pthread_rwlock_wrlock(&b->out);
    if (!b->producer || rd_kafka_fatal_error(b->producer, words, sizeof words)) { /* nobody was faster */
        event_kafka_producer_close(b);
        r = event_kafka_producer_open(b, cx);
    }
    pthread_rwlock_unlock(&b->out);
    return r;
}

/* --- sending --- */

static rd_kafka_resp_err_t produce(KafkaBus *b, Ctx *cx, const KafkaOut *o, Ticket *ticket) {
    const Event *e = o->event;
    rd_kafka_headers_t *h = event_kafka_headers(cx, o);
    rd_kafka_error_t *error = NULL;
    rd_kafka_vu_t vus[] = {
        { .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = o->topic },
        { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)(e->body.n ? e->body.p : ""), e->body.n } },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = h },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = ticket },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { (void *)(uintptr_t)e->key.p, e->key.n } },
    };
    size_t n = e->key.n ? ARRAY_LEN(vus) : ARRAY_LEN(vus) - 1; /* without a key: any partition */
    error = rd_kafka_produceva(b->producer, vus, n);
    if (!error)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(h);
    return code;
}

/* The bounded queue is full: its answers make room, which the other thread serves. */
static rd_kafka_resp_err_t produce_in_time(KafkaBus *b, Ctx *cx, const KafkaOut *o, Ticket *t) {
    struct timespec until = event_kafka_after_ms(b->options.confirm_ms);
    rd_kafka_resp_err_t e;
    while ((e = produce(b, cx, o, t)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && !event_kafka_passed(&until) &&
           ctx_check(cx) == 0) {
        struct timespec a_while = { .tv_nsec = 5 * NS_PER_MS };
        nanosleep(&a_while, NULL);
    }
    return e;
}

static void send_all(KafkaBus *b, Ctx *cx, const KafkaOut *v, size_t n, Wait *w) {
    rd_kafka_resp_err_t e = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; i < n; i++) {
        Ticket *t = mem_new(Ticket);
        *t = (Ticket){ w, i };
        pthread_mutex_lock(&w->lock);
        w->left++;
        w->refs++;
        pthread_mutex_unlock(&w->lock);
        if (e == RD_KAFKA_RESP_ERR_NO_ERROR) /* behind a failure nothing goes: the order would be another */
            e = produce_in_time(b, cx, &v[i], t);
        if (e)
            wait_answer(t, e);
    }
}

/* 0: every message has its answer. */
static int wait_all(Ctx *cx, Wait *w) {
    int r = 0;
    while (r == 0 && w->left > 0) {
        struct timespec t = event_kafka_after_ms(KAFKA_LOOK_MS);
        pthread_cond_timedwait(&w->came, &w->lock, &t);
        if (w->left > 0)
            r = ctx_check(cx);
    }
    return r;
}

static void fill_outcome(const Wait *w, size_t n, int late, int *outcome, rd_kafka_resp_err_t *first) {
    for (size_t i = 0; i < n; i++) {
        outcome[i] = !w->told[i] ? late : w->v[i] ? event_kafka_code(w->v[i]) : 0;
        if (w->told[i] && w->v[i] && !*first)
            *first = w->v[i];
    }
}

int event_kafka_send(KafkaBus *b, Ctx *cx, const KafkaOut *v, size_t n, int *outcome) {
    rd_kafka_resp_err_t first = RD_KAFKA_RESP_ERR_NO_ERROR;
    int r = replace_if_fatal(b, cx);
    for (size_t i = 0; i < n; i++)
        outcome[i] = r;
    if (r)
        return r;
    pthread_rwlock_rdlock(&b->out);
    if (!b->producer) { /* another caller tried to replace it just now, and could not */
        pthread_rwlock_unlock(&b->out);
        for (size_t i = 0; i < n; i++)
            outcome[i] = ERR_UNAVAILABLE;
        return err_set(cx, ERR_UNAVAILABLE, "kafka: the producer is being replaced: try again");
    }
    Wait *w = wait_new(n);
    send_all(b, cx, v, n, w);
    pthread_mutex_lock(&w->lock);
    r = wait_all(cx, w);
    fill_outcome(w, n, r ? r : ERR_UNAVAILABLE, outcome, &first);
    wait_leave(w);
    pthread_rwlock_unlock(&b->out);
    if (r)
        return r;
    return first ? event_kafka_fail(cx, first, "publish") : 0;
}

int event_kafka_publish(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome) {
    KafkaBus *b = (KafkaBus *)bus;
    KafkaOut *out = arena_new_n(cx->arena, KafkaOut, n);
    for (size_t i = 0; i < n; i++) {
        char *topic = NULL;
        int r = event_kafka_topic(b, cx, v[i].exchange, v[i].routing_key, &topic);
        if (r) {
            for (size_t k = 0; k < n; k++)
                outcome[k] = r;
            return r;
        }
        out[i] = (KafkaOut){ topic, v[i].exchange, v[i].routing_key, v[i].event, NULL };
    }
    int r = event_kafka_send(b, cx, out, n, outcome);
    for (size_t i = 0; i < n; i++)
        if (outcome[i] == 0 && event_kafka_count(b, v[i].exchange, v[i].routing_key) == 0 && v[i].mandatory)
            outcome[i] = BUS_UNROUTED; /* confirmed, and of the queues this bus knows none reads it */
    return r;
}
