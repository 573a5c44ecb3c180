/* gateway/live_load.c - views of series: from the loop to a lane, and back to their subscription.
 *
 * No commit falls between a view and the deltas behind it: the topic exists, and hears, before the view is read; what is
 * published meanwhile is kept for whoever waits for one. */

#include "gateway/live_internal.h"

static void on_loaded(void *arg);

static int write_view(LiveLoad *l) {
    const LiveView *v = &l->view;
    bool resumed = v->kind == LIVE_RESUMED;
    const char *reason = resumed ? NULL : l->after != LIVE_NO_SEQ ? "too_old" : l->reason;
    LiveRows head = { .type = resumed ? "resumed" : "snapshot",
                      .series = l->topic->name,
                      .id = l->sub->id,
                      .reason = reason,
                      .seq = v->seq,
                      .from = v->from,
                      .to = v->to };
    Buf text;
    buf_init(&text, LIVE_MESSAGE_MAX);
    live_write_rows(&text, &head, &v->rows);
    if (buf_ok(&text))
        l->frame = ws_frame_new(WS_TEXT, buf_str(&text));
    buf_done(&text);
    return l->frame ? 0 : err_set(&l->cx, ERR_TOO_LARGE, "the snapshot is too large; ask for a smaller limit");
}

/* On the lane. The topic exists before the view is read: no commit falls between. */
static void load_run(void *arg, int lane_err) {
    LiveLoad *l = arg;
    LiveHub *h = l->hub;
    const LiveSource *src = h->o.source;
    SeriesKey key;
    int r = lane_err;
    if (r != 0)
        err_set(&l->cx, r, r == ERR_TIMEOUT ? "the request waited too long in the queue" : "the server is stopping");
    if (r == 0 && !l->topic) {
        r = src->resolve(src->role, &l->cx, &l->asked, &key);
        if (r == 0)
            l->topic = live_topic_get(h, &key);
    }
    if (r == 0)
        r = src->view(src->role, &l->cx, &l->topic->key, l->after, (size_t)l->asked.limit, &l->view);
    if (r == 0)
        r = write_view(l);
    l->err = r;
    l->mail = (LoopMail){ .fn = on_loaded, .arg = l };
    loop_mail(h->o.loop, &l->mail);
}

static void load_free(LiveLoad *l) {
    ws_frame_unref(l->frame);
    arena_done(&l->arena);
    mem_free(l);
}

static LiveLoad *load_new(LiveSub *s, const char *reason, int64_t after) {
    enum { LOAD_ARENA_MAX = 8 << 20 };
    LiveHub *h = s->conn->hub;
    LiveLoad *l = mem_new(LiveLoad);
    *l = (LiveLoad){ .hub = h, .sub = s, .topic = s->topic, .reason = reason, .after = after };
    arena_init(&l->arena, LOAD_ARENA_MAX);
    ctx_init(&l->cx, &l->arena, h->o.clock);
    l->asked.limit = s->limit;
    return l;
}

static void load_failed(LiveSub *s, LiveLoad *l) {
    bool fresh = !list_linked(&s->in_topic);
    if (!fresh && err_info(l->err)->retryable) { /* later, if the client still wants it then */
        s->view_again = true;
        live_conn_behind(s->conn);
        return;
    }
    live_send_error(s->conn, str_c(s->id), &l->cx);
    if (!fresh) {
        Buf text;
        buf_init(&text, 4096);
        live_write_unsubscribed(&text, (Str){ 0 }, s->topic->name, S("removed"));
        live_send_text(s->conn, &text);
    }
    live_sub_end(s);
}

/* The view goes out, and behind it what was published while it was read. */
static void load_tell(LiveSub *s, LiveLoad *l) {
    LiveTopic *t = s->topic;
    LiveConn *c = s->conn;
    if (!list_linked(&s->in_topic))
        list_push_back(&t->subs, &s->in_topic);
    s->seq = l->view.seq;
    if (ws_send_frame(c->ws, l->frame) != 0) {
        s->view_again = true;
        live_conn_behind(c);
    }
    counter_inc(l->view.kind == LIVE_RESUMED ? c->hub->metrics.resumed : c->hub->metrics.snapshots);
    live_topic_begin(t, l->view.seq);
    for (size_t i = 0; i < t->recent.n; i++)
        live_sub_tell(s, t->recent.v[i]);
}

static void load_take(LiveLoad *l) {
    LiveSub *s = l->sub;
    s->loading = false;
    if (!s->topic)
        s->topic = l->topic; /* with its share of users */
    if (!s->conn) {
        live_sub_free(s);
    } else if (l->err == 0 && !list_linked(&s->in_topic) && live_sub_of(s->conn, s->topic, s)) {
        err_set(&l->cx, ERR_CONFLICT, "this connection has a subscription to %s already", s->topic->name);
        live_send_error(s->conn, str_c(s->id), &l->cx);
        live_sub_end(s);
    } else if (l->err != 0) {
        load_failed(s, l);
    } else if (s->view_again || (!l->kept && l->view.seq < s->topic->seq)) {
        /* older than what others were told, and what came between was not kept for it: once more, and kept */
        s->view_again = false;
        live_sub_load(s, l->reason);
    } else {
        load_tell(s, l);
    }
}

static void on_loaded(void *arg) {
    LiveLoad *l = arg;
    LiveHub *h = l->hub;
    h->n_loading--;
    LiveTopic *t = l->kept ? l->topic : NULL;
    if (t) /* the topic outlives the subscription's end */
        live_topic_hold(t);
    load_take(l);
    if (t) {
        live_topic_loaded(t);
        live_topic_put(t);
    }
    load_free(l);
    if (!h->closed)
        live_loads_run(h);
    live_hub_unref(h);
}

/* --- the queue of views --- */

/* Hands views to the lane, few at a time: a thousand clients that come back at once wait here, not as refusals. */
void live_loads_run(LiveHub *h) {
    enum { AT_ONCE = 16, LOAD_MS = 5000 };
    if (h->handing)
        return; /* further up the stack */
    h->handing = true;
    while (h->n_loading < AT_ONCE && !list_empty(&h->loads)) {
        LiveLoad *l = LIST_ENTRY(list_pop_front(&h->loads), LiveLoad, node);
        h->n_loading++;
        l->cx.deadline = mono_add_ms(loop_now(h->o.loop), LOAD_MS);
        LaneJob job = { .run = load_run, .arg = l, .deadline = l->cx.deadline };
        if (!l->sub->conn) {
            on_loaded(l); /* nobody waits for it any more */
        } else if (lane_post(h->o.lane, &job) != 0) {
            list_push_front(&h->loads, &l->node); /* the tick tries again */
            h->n_loading--;
            break;
        }
    }
    h->handing = false;
}

static void load_post(LiveLoad *l) {
    LiveHub *h = l->hub;
    pthread_mutex_lock(&h->lock);
    h->in_flight++;
    pthread_mutex_unlock(&h->lock);
    l->sub->loading = true;
    l->kept = l->topic != NULL;
    if (l->kept)
        l->topic->loading++;
    list_push_back(&h->loads, &l->node);
    live_loads_run(h);
}

void live_loads_drop(LiveHub *h) {
    for (ListNode *n; (n = list_pop_front(&h->loads));) {
        h->n_loading++;
        on_loaded(LIST_ENTRY(n, LiveLoad, node));
    }
}

void live_sub_load(LiveSub *s, const char *reason) {
    if (!s->conn || s->loading) {
        s->view_again |= s->conn != NULL; /* the one under way may be too old */
        return;
    }
    live_sub_forget(s);
    load_post(load_new(s, reason, LIVE_NO_SEQ));
}

void live_sub_begin(LiveSub *s, const LiveSubscribe *in) {
    LiveLoad *l = load_new(s, "subscribed", in->from_seq);
    l->asked.exchange = str_dup(&l->arena, in->exchange);
    l->asked.symbol = str_dup(&l->arena, in->symbol);
    l->asked.timeframe = str_dup(&l->arena, in->timeframe);
    l->asked.provider = str_dup(&l->arena, in->provider);
    load_post(l);
}
