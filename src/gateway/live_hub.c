/* gateway/live_hub.c - from commits to subscribers; see live.h. */

#include "gateway/live_internal.h"

#include "base/hash.h"

enum { TICK_MS = 100 };

void live_options_default(LiveOptions *o) {
    *o = (LiveOptions){ .max_connections = 10000,
                        .max_subscriptions = 256,
                        .messages_second = 20,
                        .heartbeat_ms = 15 * 1000,
                        .slow_ms = 10 * 1000 };
    ws_options_default(&o->ws);
    o->ws.max_message = 16 << 10;
}

/* --- topics --- */

static uint64_t key_hash(const SeriesKey *k) {
    uint64_t h = hash64_str(venue_str(&k->venue), 0);
    h = hash64_str(symbol_str(&k->symbol), h);
    h = hash64_str(venue_str(&k->provider), h);
    return hash64_u64((uint64_t)timeframe_ms(k->timeframe) << 8 | k->price << 4 | k->adjustment, h);
}

/* Under the lock. */
static LiveTopic *topic_find(LiveHub *h, const SeriesKey *key, uint64_t hash) {
    LiveTopic *t = map_get_u64(&h->topics, hash);
    while (t && !series_key_eq(&t->key, key))
        t = t->next;
    return t;
}

LiveTopic *live_topic_get(LiveHub *h, const SeriesKey *key) {
    uint64_t hash = key_hash(key);
    pthread_mutex_lock(&h->lock);
    LiveTopic *t = topic_find(h, key, hash);
    if (!t) {
        Arena scratch = { 0 };
        t = mem_new(LiveTopic);
        *t = (LiveTopic){ .hub = h, .key = *key, .seq = LIVE_NO_SEQ };
        Str name = series_key_text(&scratch, key);
        assert(name.n < sizeof t->name);
        memcpy(t->name, name.p, name.n);
        arena_done(&scratch);
        list_init(&t->subs);
        t->next = map_put_u64(&h->topics, hash, t);
        atomic_fetch_add(&h->n_topics, 1);
    }
    t->users++;
    pthread_mutex_unlock(&h->lock);
    return t;
}

static void delta_unref(LiveDelta *d) {
    if (--d->refs > 0)
        return;
    ws_frame_unref(d->frame);
    candles_done_heap(&d->rows);
    mem_free(d);
}

static void deltas_clear(LiveDeltas *v) {
    VEC_FOR (d, v)
        delta_unref(*d);
    v->n = 0;
}

/* Under the lock. */
static void topic_unlink(LiveHub *h, LiveTopic *t) {
    uint64_t hash = key_hash(&t->key);
    LiveTopic *first = map_get_u64(&h->topics, hash);
    if (first != t) {
        while (first->next != t)
            first = first->next;
        first->next = t->next;
    } else if (t->next) {
        map_put_u64(&h->topics, hash, t->next);
    } else {
        map_del_u64(&h->topics, hash);
    }
    atomic_fetch_sub(&h->n_topics, 1);
}

void live_topic_hold(LiveTopic *t) {
    pthread_mutex_lock(&t->hub->lock);
    t->users++;
    pthread_mutex_unlock(&t->hub->lock);
}

void live_topic_put(LiveTopic *t) {
    LiveHub *h = t->hub;
    pthread_mutex_lock(&h->lock);
    bool last = --t->users == 0;
    if (last)
        topic_unlink(h, t);
    pthread_mutex_unlock(&h->lock);
    if (!last)
        return;
    deltas_clear(&t->held);
    deltas_clear(&t->recent);
    vec_done(&t->held);
    vec_done(&t->recent);
    mem_free(t);
}

/* --- publishing, on the loop --- */

static void publish(LiveTopic *t, LiveDelta *d) {
    t->seq = d->seq;
    if (!d->frame)
        return;
    counter_inc(t->hub->metrics.deltas);
    LIST_FOR (it, &t->subs)
        live_sub_tell(LIST_ENTRY(it, LiveSub, in_topic), d);
    if (t->loading) {
        d->refs++;
        vec_push(&t->recent, d);
    }
}

/* Publishes what is held and has its turn. */
static void drain(LiveTopic *t) {
    size_t done = 0;
    while (done < t->held.n && t->held.v[done]->seq <= t->seq + 1) {
        LiveDelta *d = t->held.v[done++];
        if (d->seq == t->seq + 1)
            publish(t, d);
        delta_unref(d);
    }
    t->held.n -= done;
    if (done > 0 && t->held.n > 0) /* a topic that never held anything has no room to move in */
        memmove(t->held.v, t->held.v + done, t->held.n * sizeof *t->held.v);
    t->held_since = loop_now(t->hub->o.loop);
}

static void hold(LiveTopic *t, LiveDelta *d) {
    vec_push(&t->held, d);
    size_t i = t->held.n - 1;
    for (; i > 0 && t->held.v[i - 1]->seq > d->seq; i--)
        t->held.v[i] = t->held.v[i - 1];
    t->held.v[i] = d;
    d->refs++;
    if (t->held.n == 1)
        t->held_since = loop_now(t->hub->o.loop);
}

void live_topic_take(LiveTopic *t, LiveDelta *d) {
    enum { HELD_MAX = 4096 };
    if (d->view_again) {
        live_topic_view_again(t, d->seq ? "bulk" : "removed");
    } else if (t->seq == LIVE_NO_SEQ || d->seq > t->seq + 1) {
        hold(t, d);
        if (t->held.n > HELD_MAX)
            live_topic_view_again(t, "resync");
    } else if (d->seq == t->seq + 1) {
        publish(t, d);
        drain(t);
    } /* else a view, or a commit that changed nothing: told already */
}

/* What was published may be followed by a gap from now on: everybody begins anew. */
void live_topic_view_again(LiveTopic *t, const char *reason) {
    t->seq = LIVE_NO_SEQ;
    deltas_clear(&t->held);
    LIST_FOR (it, &t->subs)
        live_sub_load(LIST_ENTRY(it, LiveSub, in_topic), reason);
}

void live_topic_begin(LiveTopic *t, int64_t seq) {
    if (t->seq != LIVE_NO_SEQ)
        return;
    t->seq = seq;
    drain(t);
}

void live_topic_loaded(LiveTopic *t) {
    if (--t->loading == 0)
        deltas_clear(&t->recent);
}

/* --- commits, on whatever thread --- */

void live_hub_unref(LiveHub *h) {
    pthread_mutex_lock(&h->lock);
    bool last = --h->in_flight == 0;
    pthread_mutex_unlock(&h->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&h->lock);
    map_done(&h->topics);
    mem_free(h);
}

static void on_delta(void *arg) {
    LiveDelta *d = arg;
    LiveTopic *t = d->topic;
    LiveHub *h = t->hub;
    if (!h->closed)
        live_topic_take(t, d);
    delta_unref(d);
    live_topic_put(t);
    live_hub_unref(h);
}

static void make_frame(LiveDelta *d, const Candles *rows) {
    Buf text;
    buf_init(&text, LIVE_MESSAGE_MAX);
    live_write_rows(&text, &(LiveRows){ .type = "delta", .series = d->topic->name, .id = "", .seq = d->seq }, rows);
    if (buf_ok(&text))
        d->frame = ws_frame_new(WS_TEXT, buf_str(&text));
    else
        d->view_again = true;
    buf_done(&text);
    candles_init_heap(&d->rows, rows->n);
    candles_append(&d->rows, rows, 0, rows->n);
}

static void heard(void *arg, const LiveCommit *c) {
    LiveHub *h = arg;
    if (atomic_load_explicit(&h->n_topics, memory_order_relaxed) == 0)
        return;
    uint64_t hash = key_hash(c->key);
    pthread_mutex_lock(&h->lock);
    LiveTopic *t = topic_find(h, c->key, hash);
    if (t) {
        t->users++;
        h->in_flight++;
    }
    pthread_mutex_unlock(&h->lock);
    if (!t)
        return;
    LiveDelta *d = mem_new(LiveDelta);
    *d = (LiveDelta){ .mail = { .fn = on_delta, .arg = d }, .topic = t, .refs = 1, .seq = c->seq };
    if (c->changed && (!c->rows || c->rows->n > LIVE_DELTA_ROWS))
        d->view_again = true;
    else if (c->changed)
        make_frame(d, c->rows);
    loop_mail(h->o.loop, &d->mail);
}

/* --- time --- */

static void beat(LiveHub *h, MonoNs now) {
    if (now.ns < h->beat_at.ns)
        return;
    h->beat_at = mono_add_ms(now, h->o.live.heartbeat_ms);
    Buf text;
    buf_init(&text, 4096);
    live_write_heartbeat(&text, clock_wall(h->o.clock));
    WsFrame *f = ws_frame_new(WS_TEXT, buf_str(&text));
    LIST_FOR (it, &h->conns) {
        LiveConn *c = LIST_ENTRY(it, LiveConn, node);
        if (!c->slow) /* it has enough to read */
            ws_send_frame(c->ws, f);
    }
    ws_frame_unref(f);
    buf_done(&text);
}

/* Topics that wait for a revision that does not come. Only the loop makes topics go, so the map is read as it is; the
 * lock keeps other threads from changing it meanwhile. */
static void check_holes(LiveHub *h, MonoNs now) {
    enum { AT_ONCE = 64 };
    LiveTopic *late[AT_ONCE];
    size_t n = 0;
    MapEntry e;
    pthread_mutex_lock(&h->lock);
    for (size_t at = 0; n < AT_ONCE && map_next(&h->topics, &at, &e);)
        for (LiveTopic *t = e.value; t && n < AT_ONCE; t = t->next)
            if (t->held.n && !t->loading && mono_ms_between(t->held_since, now) > LIVE_HOLE_MS)
                late[n++] = t;
    pthread_mutex_unlock(&h->lock);
    for (size_t i = 0; i < n; i++)
        live_topic_view_again(late[i], "resync");
}

static void on_tick(void *arg) {
    LiveHub *h = arg;
    MonoNs now = loop_now(h->o.loop);
    LIST_FOR (it, &h->conns)
        live_conn_check(LIST_ENTRY(it, LiveConn, node), now);
    check_holes(h, now);
    live_loads_run(h);
    beat(h, now);
}

/* --- life --- */

static void metrics_make(LiveMetrics *m, Metrics *r) {
    m->connections = metrics_gauge(r, "finsight_live_connections", "Open live connections.", METRIC_NO_LABELS);
    m->subscriptions = metrics_gauge(r, "finsight_live_subscriptions", "Live subscriptions.", METRIC_NO_LABELS);
    m->deltas = metrics_counter(r, "finsight_live_deltas_total", "Commits published to subscribers.", METRIC_NO_LABELS);
    m->messages =
        metrics_counter(r, "finsight_live_messages_total", "Messages of deltas sent to clients.", METRIC_NO_LABELS);
    m->conflated = metrics_counter(r, "finsight_live_conflated_total",
                                   "Deltas merged with later ones because a client reads slowly.", METRIC_NO_LABELS);
    m->snapshots = metrics_counter(r, "finsight_live_snapshots_total", "Snapshots sent.", METRIC_NO_LABELS);
    m->resumed =
        metrics_counter(r, "finsight_live_resumed_total", "Subscriptions resumed from a sequence.", METRIC_NO_LABELS);
    m->closed_slow = metrics_counter(r, "finsight_live_closed_total", "Live connections closed by the server.",
                                     METRIC_L({ "why", S("slow") }));
    m->closed_rate = metrics_counter(r, "finsight_live_closed_total", "Live connections closed by the server.",
                                     METRIC_L({ "why", S("rate") }));
}

LiveHub *live_hub_new(const LiveHubOptions *o) {
    LiveHub *h = mem_new(LiveHub);
    h->o = *o;
    h->in_flight = 1; /* the owner's */
    pthread_mutex_init(&h->lock, NULL);
    map_init(&h->topics, 0);
    list_init(&h->conns);
    list_init(&h->loads);
    metrics_make(&h->metrics, o->metrics);
    loop_timer_init(&h->tick, o->loop, on_tick, h);
    loop_timer_start(&h->tick, TICK_MS, TICK_MS);
    h->beat_at = mono_add_ms(clock_mono(o->clock), o->live.heartbeat_ms);
    o->source->listen(o->source->role, heard, h);
    live_news_listen(h, true);
    return h;
}

LiveHub *live_hub_free(LiveHub *h) {
    if (!h)
        return NULL;
    h->o.source->listen(h->o.source->role, NULL, NULL);
    live_news_listen(h, false);
    loop_timer_stop(&h->tick);
    assert(list_empty(&h->conns));
    h->closed = true;
    live_loads_drop(h);
    live_hub_unref(h);
    return NULL;
}
