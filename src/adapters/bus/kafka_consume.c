/* adapters/bus/kafka_consume.c - subscriptions: they share what the bus's member of their group has taken in. */

#include "adapters/bus/kafka_internal.h"

/* --- subscribing --- */

static KafkaMember *member_new(KafkaBus *b, const SubscribeOptions *o, Str name) {
    KafkaMember *m = mem_new(KafkaMember);
    *m = (KafkaMember){ .bus = b,
                        .name = str_dup(&b->texts, name),
                        .queue = str_dup(&b->texts, o->queue),
                        .group = str_dup(&b->texts, o->group),
                        .from = o->from };
    pthread_mutex_init(&m->life, NULL);
    pthread_mutex_init(&m->lock, NULL);
    event_kafka_cond_init(&m->came);
    m->next = b->members;
    b->members = m;
    return m;
}

/* The bus's member of the group; it is kept until the bus is closed. */
static int find_member(KafkaBus *b, Ctx *cx, const SubscribeOptions *o, KafkaMember **out) {
    Str name = o->group.n ? str_fmt(cx->arena, STR_FMT "@" STR_FMT, STR_ARG(o->queue), STR_ARG(o->group)) : o->queue;
    if (!event_name_valid(name))
        return err_set_at(cx, ERR_INVALID, S("group"), "queue and group have more than %d letters together",
                          EVENT_NAME_MAX - 1);
    pthread_mutex_lock(&b->state);
    bool declared = event_kafka_queue(b, o->queue) != NULL;
    KafkaMember *m = b->members;
    while (m && !str_eq(m->name, name))
        m = m->next;
    if (!m && declared)
        m = member_new(b, o, name);
    pthread_mutex_unlock(&b->state);
    *out = m;
    return m ? 0
             : err_set_at(cx, ERR_NOT_FOUND, S("queue"), "no queue " STR_FMT ": declare it first", STR_ARG(o->queue));
}

/* Until the group gave it partitions, or a while: then they come later. Who wants what comes from now on must not miss
 * what is published behind this call. */
static int wait_joined(KafkaMember *m, Ctx *cx) {
    struct timespec until = event_kafka_after_ms(m->bus->options.join_ms);
    int r = 0;
    pthread_mutex_lock(&m->lock);
    while (r == 0 && !m->joined && m->running && !event_kafka_passed(&until)) {
        struct timespec t = event_kafka_after_ms(KAFKA_LOOK_MS);
        pthread_cond_timedwait(&m->came, &m->lock, &t);
        r = ctx_check(cx);
    }
    pthread_mutex_unlock(&m->lock);
    return r;
}

static void count_consumer(KafkaMember *m, int by) {
    pthread_mutex_lock(&m->lock);
    m->consumers += by;
    pthread_mutex_unlock(&m->lock);
}

int event_kafka_subscribe(EventBus *bus, Ctx *cx, const SubscribeOptions *o, Subscription **out) {
    KafkaMember *m;
    int r = find_member((KafkaBus *)bus, cx, o, &m);
    if (r)
        return r;
    count_consumer(m, 1);
    r = event_kafka_member_start(m, cx);
    if (r == 0)
        r = wait_joined(m, cx);
    if (r) {
        count_consumer(m, -1);
        return r;
    }
    KafkaSubscription *s = mem_new(KafkaSubscription);
    *s = (KafkaSubscription){ .sub = { bus }, .member = m, .prefetch = o->prefetch };
    *out = &s->sub;
    return 0;
}

/* Whoever waits is given it; its place is where it was. */
static void give_back(KafkaMember *m, KafkaRecord *r) {
    map_del_u64(&m->held, (uint64_t)r->tag);
    r->by->n_held--;
    r->by = NULL;
    r->count++;
    m->requeued++;
    event_kafka_ready_put(m, r);
}

void event_kafka_unsubscribe(Subscription *sub) {
    KafkaSubscription *s = (KafkaSubscription *)sub;
    KafkaMember *m = s->member;
    pthread_mutex_lock(&m->lock);
    for (KafkaPart *p = m->parts; p; p = p->next_part)
        for (KafkaRecord *r = p->first; r; r = r->next)
            if (r->by == s)
                give_back(m, r);
    m->consumers--;
    pthread_mutex_unlock(&m->lock);
    mem_free(s);
}

/* --- receiving --- */

static void hand_out(KafkaSubscription *s, KafkaRecord *r, Delivery *d) {
    KafkaMember *m = s->member;
    r->tag = ++m->last_tag;
    r->by = s;
    map_put_u64(&m->held, (uint64_t)r->tag, r);
    s->n_held++;
    m->delivered++;
    d->tag = r->tag;
    d->count = r->count;
    d->again = r->count > 0;
}

/* Under lock. What cannot be read is passed over, and counted: it would be no other the next time. */
static size_t take(KafkaSubscription *s, Ctx *cx, Delivery *v, size_t most) {
    KafkaMember *m = s->member;
    size_t n = 0;
    while (n < most && s->n_held < s->prefetch) {
        KafkaRecord *r = event_kafka_ready_take(m);
        if (!r)
            break;
        if (event_kafka_read_record(cx, r->m, &v[n])) {
            m->dropped++;
            event_kafka_settle(m, r);
            err_clear(cx);
            continue;
        }
        hand_out(s, r, &v[n++]);
    }
    return n;
}

/* Told once: the client goes on trying by itself. */
static int tell_trouble(KafkaMember *m, Ctx *cx) {
    rd_kafka_resp_err_t e = m->trouble;
    m->trouble = RD_KAFKA_RESP_ERR_NO_ERROR;
    return e ? event_kafka_fail(cx, e, "receive") : BUS_EMPTY;
}

int event_kafka_receive(Subscription *sub, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n) {
    KafkaSubscription *s = (KafkaSubscription *)sub;
    KafkaMember *m = s->member;
    struct timespec until = event_kafka_after_ms(wait_ms);
    most = MIN(most, (size_t)s->prefetch);
    *out = arena_new_n(cx->arena, Delivery, most);
    int r = event_kafka_member_start(m, cx);
    if (r)
        return r;
    pthread_mutex_lock(&m->lock);
    while ((*n = take(s, cx, *out, most)) == 0 && r == 0) {
        if (wait_ms == 0 || event_kafka_passed(&until)) {
            r = tell_trouble(m, cx);
            break;
        }
        struct timespec t = event_kafka_after_ms(MIN(wait_ms, (int64_t)KAFKA_LOOK_MS));
        pthread_cond_timedwait(&m->came, &m->lock, &t);
        r = ctx_check(cx);
    }
    pthread_mutex_unlock(&m->lock);
    return *n ? 0 : r;
}

/* --- answers --- */

static KafkaRecord *held_by(KafkaSubscription *s, int64_t tag) {
    KafkaRecord *r = map_get_u64(&s->member->held, (uint64_t)tag);
    return r && r->by == s ? r : NULL;
}

/* Under lock. */
static int answer(KafkaSubscription *s, int64_t tag, int64_t *counter) {
    KafkaRecord *r = held_by(s, tag);
    if (!r)
        return BUS_STALE;
    map_del_u64(&s->member->held, (uint64_t)tag);
    s->n_held--;
    r->by = NULL;
    ++*counter;
    return event_kafka_settle(s->member, r);
}

int event_kafka_ack(Subscription *sub, Ctx *cx, const int64_t *tags, size_t n) {
    KafkaSubscription *s = (KafkaSubscription *)sub;
    int r = 0;
    UNUSED(cx);
    pthread_mutex_lock(&s->member->lock);
    for (size_t i = 0; i < n; i++)
        if (answer(s, tags[i], &s->member->acked))
            r = BUS_STALE;
    pthread_cond_broadcast(&s->member->came); /* it may take more now */
    pthread_mutex_unlock(&s->member->lock);
    return r;
}

static int requeue(KafkaSubscription *s, int64_t tag) {
    pthread_mutex_lock(&s->member->lock);
    KafkaRecord *r = held_by(s, tag);
    if (r)
        give_back(s->member, r);
    pthread_mutex_unlock(&s->member->lock);
    return r ? 0 : BUS_STALE;
}

/* A copy of what the tag names. */
static int read_held(KafkaSubscription *s, Ctx *cx, int64_t tag, Delivery *d) {
    pthread_mutex_lock(&s->member->lock);
    const KafkaRecord *r = held_by(s, tag);
    int err = r ? event_kafka_read_record(cx, r->m, d) : BUS_STALE;
    pthread_mutex_unlock(&s->member->lock);
    return err;
}

static Death death_of(const KafkaMember *m, Ctx *cx, const Delivery *d, Str words) {
    Death why = { .reason = S("rejected"),
                  .detail = words,
                  .queue = m->name,
                  .exchange = d->exchange,
                  .routing_key = d->routing_key,
                  .at = clock_wall(cx->clock),
                  .count = 1 };
    if (d->death && str_eq(d->death->queue, why.queue) && str_eq(d->death->reason, why.reason))
        why.count += d->death->count;
    return why;
}

/* Confirmed as a dead letter first and answered then: a crash between the two makes two of it, never none. */
static int bury(KafkaSubscription *s, Ctx *cx, const Delivery *d, Str words) {
    KafkaBus *b = s->member->bus;
    BusQueue q = { 0 };
    pthread_mutex_lock(&b->state);
    const BusQueue *there = event_kafka_queue(b, s->member->queue);
    if (there)
        q = *there;
    pthread_mutex_unlock(&b->state);
    if (q.dead_exchange.n == 0)
        return BUS_UNROUTED;
    Death why = death_of(s->member, cx, d, words);
    Event e = d->event;
    e.ttl_ms = 0;
    KafkaOut out = { .exchange = q.dead_exchange,
                     .routing_key = q.dead_key.n ? q.dead_key : d->routing_key,
                     .event = &e,
                     .death = &why };
    char *topic;
    int r = event_kafka_topic(b, cx, out.exchange, out.routing_key, &topic), outcome;
    if (r == ERR_NOT_FOUND)
        return BUS_UNROUTED;
    out.topic = topic;
    r = r ? r : event_kafka_send(b, cx, &out, 1, &outcome);
    return r == 0 && event_kafka_count(b, out.exchange, out.routing_key) == 0 ? BUS_UNROUTED : r;
}

int event_kafka_reject(Subscription *sub, Ctx *cx, int64_t tag, BusReject how, Str words) {
    KafkaSubscription *s = (KafkaSubscription *)sub;
    KafkaMember *m = s->member;
    Delivery d;
    if (how == REJECT_REQUEUE)
        return requeue(s, tag);
    int r = read_held(s, cx, tag, &d);
    if (r == 0)
        r = bury(s, cx, &d, words);
    if (r < 0 || r == BUS_STALE)
        return r;
    pthread_mutex_lock(&m->lock);
    r = answer(s, tag, r == BUS_UNROUTED ? &m->dropped : &m->dead);
    pthread_cond_broadcast(&m->came);
    pthread_mutex_unlock(&m->lock);
    return r;
}
