/* gateway/live_conn.c - one client of the live API: what it asks, what it is told, and what happens when it is slow. */

#include "gateway/live_internal.h"

/* --- sending --- */

bool live_send_text(LiveConn *c, Buf *text) {
    bool sent = buf_ok(text) && ws_send(c->ws, WS_TEXT, buf_str(text)) == 0;
    buf_done(text);
    return sent;
}

void live_conn_behind(LiveConn *c) {
    if (!c->slow) {
        c->slow = true;
        c->slow_since = loop_now(c->hub->o.loop);
    }
    ws_drain_mark(c->ws, LIVE_RESUME);
}

void live_sub_forget(LiveSub *s) {
    if (s->conn)
        s->conn->pending_bytes -= s->pending.n * LIVE_ROW_BYTES;
    candles_done_heap(&s->pending);
    s->pending = (Candles){ 0 };
}

/* Puts the row where its open time belongs; a later row of the same time takes the earlier one's place. */
static bool upsert(Candles *cs, const Candle *row) {
    size_t at = candles_lower_bound(cs, row->open_time);
    if (at < cs->n && cs->open_ms[at] == row->open_time.ms) {
        candles_set(cs, at, row);
        return false;
    }
    candles_reserve_heap(cs, cs->n + 1);
    candles_push(cs, row);
    for (size_t i = cs->n - 1; i > at; i--) {
        Candle before = candles_get(cs, i - 1);
        candles_set(cs, i, &before);
    }
    candles_set(cs, at, row);
    return true;
}

/* The client is behind: the newest state of each open time is all it will be told. */
static void conflate(LiveSub *s, const LiveDelta *d) {
    LiveConn *c = s->conn;
    counter_inc(c->hub->metrics.conflated);
    live_conn_behind(c);
    if (s->view_again)
        return;
    for (size_t i = 0; i < d->rows.n; i++) {
        Candle row = candles_get(&d->rows, i);
        if (upsert(&s->pending, &row))
            c->pending_bytes += LIVE_ROW_BYTES;
    }
    s->pending_seq = d->seq;
    if (c->pending_bytes + ws_queued(c->ws) > c->hub->o.live.ws.max_queue) {
        live_sub_forget(s); /* too much even so: a snapshot will tell */
        s->view_again = true;
    }
}

void live_sub_tell(LiveSub *s, LiveDelta *d) {
    LiveConn *c = s->conn;
    if (!c || s->loading || d->seq <= s->seq)
        return;
    s->seq = d->seq;
    if (c->slow || s->pending.n || ws_queued(c->ws) > LIVE_MARK || ws_send_frame(c->ws, d->frame) != 0)
        conflate(s, d);
    else
        counter_inc(c->hub->metrics.messages);
}

static bool send_rows(LiveSub *s, const LiveRows *head, const Candles *rows) {
    Buf text;
    buf_init(&text, LIVE_MESSAGE_MAX);
    live_write_rows(&text, head, rows);
    return live_send_text(s->conn, &text);
}

static bool send_pending(LiveSub *s) {
    LiveRows head = { .type = "delta", .series = s->topic->name, .id = "", .seq = s->pending_seq, .conflated = true };
    if (!send_rows(s, &head, &s->pending))
        return false;
    counter_inc(s->conn->hub->metrics.messages);
    live_sub_forget(s);
    return true;
}

/* The socket has taken most of what was queued. */
static void on_drain(void *arg) {
    LiveConn *c = arg;
    bool behind = false;
    LIST_FOR (it, &c->subs) {
        LiveSub *s = LIST_ENTRY(it, LiveSub, in_conn);
        if (ws_queued(c->ws) > LIVE_MARK) {
            behind |= s->pending.n || s->view_again;
        } else if (s->view_again && !s->loading) {
            s->view_again = false;
            live_sub_load(s, "slow");
        } else if (s->pending.n && !send_pending(s)) {
            live_sub_forget(s); /* more than one message holds: a snapshot is shorter */
            s->view_again = behind = true;
        }
    }
    behind |= live_news_drained(c);
    c->slow = behind;
    if (behind)
        ws_drain_mark(c->ws, LIVE_RESUME);
}

void live_conn_check(LiveConn *c, MonoNs now) {
    if (c->slow && ws_queued(c->ws) < LIVE_RESUME)
        on_drain(c); /* what waits for a lane with room, not for the socket */
    if (!c->slow || mono_ms_between(c->slow_since, now) < c->hub->o.live.slow_ms)
        return;
    counter_inc(c->hub->metrics.closed_slow);
    c->slow = false;
    ws_close(c->ws, WS_CLOSE_TRY_LATER, S("too slow"));
}

/* --- subscriptions --- */

LiveSub *live_sub_of(const LiveConn *c, const LiveTopic *t, const LiveSub *but) {
    LIST_FOR (it, &c->subs) {
        LiveSub *s = LIST_ENTRY(it, LiveSub, in_conn);
        if (s != but && s->topic == t)
            return s;
    }
    return NULL;
}

void live_sub_free(LiveSub *s) {
    candles_done_heap(&s->pending);
    list_remove(&s->in_topic);
    list_remove(&s->in_conn);
    if (s->topic)
        live_topic_put(s->topic);
    mem_free(s);
}

void live_sub_end(LiveSub *s) {
    LiveConn *c = s->conn;
    live_sub_forget(s);
    c->n_subs--;
    gauge_add(c->hub->metrics.subscriptions, -1);
    list_remove(&s->in_conn);
    s->conn = NULL;
    if (!s->loading)
        live_sub_free(s);
}

/* --- what a client says --- */

void live_send_error(LiveConn *c, Str id, const Ctx *cx) {
    Buf text;
    buf_init(&text, LIVE_MESSAGE_MAX);
    live_write_error(&text, id, cx);
    live_send_text(c, &text);
}

/* The value of "channel" of a message that is known to be an object. */
static bool asks_for_news(Ctx *cx, Str message) {
    JsonReader r;
    Str key, channel = { 0 };
    json_reader_init(&r, message, cx->arena, 8);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, S("channel")) && json_peek(&r) == JSON_STRING)
            json_read_str(&r, &channel);
    return str_eq(channel, S("news"));
}

static void subscribe(LiveConn *c, Ctx *cx, Str message) {
    LiveSubscribe in;
    if (asks_for_news(cx, message)) {
        live_news_subscribe(c, cx, message);
        return;
    }
    int r = shape_decode(&live_subscribe_shape, cx, message, &in);
    if (r == 0 && c->n_subs >= c->hub->o.live.max_subscriptions)
        r = err_set(cx, ERR_LIMIT, "a connection has at most %d subscriptions", c->hub->o.live.max_subscriptions);
    if (r != 0) {
        live_send_error(c, in.id, cx);
        return;
    }
    LiveSub *s = mem_new(LiveSub);
    *s = (LiveSub){ .conn = c, .limit = in.limit };
    memcpy(s->id, in.id.n ? in.id.p : "", MIN(in.id.n, (size_t)LIVE_ID_MAX));
    list_push_back(&c->subs, &s->in_conn);
    c->n_subs++;
    gauge_add(c->hub->metrics.subscriptions, 1);
    live_sub_begin(s, &in);
}

static void unsubscribe(LiveConn *c, Ctx *cx, Str message) {
    LiveUnsubscribe in;
    int r = shape_decode(&live_unsubscribe_shape, cx, message, &in);
    if (r == 0 && str_eq(in.series, S("news")) && live_news_end(c)) {
        Buf text;
        buf_init(&text, 4096);
        live_write_unsubscribed(&text, in.id, "news", (Str){ 0 });
        live_send_text(c, &text);
        return;
    }
    LIST_FOR (it, &c->subs) {
        LiveSub *s = LIST_ENTRY(it, LiveSub, in_conn);
        if (r != 0 || !s->topic || !str_eq(str_c(s->topic->name), in.series))
            continue;
        Buf text;
        buf_init(&text, 4096);
        live_write_unsubscribed(&text, in.id, s->topic->name, (Str){ 0 });
        live_send_text(c, &text);
        live_sub_end(s);
        return;
    }
    if (r == 0)
        err_set_at(cx, ERR_NOT_FOUND, S("series"), "there is no subscription to '" STR_FMT "'", STR_ARG(in.series));
    live_send_error(c, in.id, cx);
}

static void plain(LiveConn *c, Ctx *cx, Str message) {
    LivePlain in;
    if (shape_decode(&live_plain_shape, cx, message, &in) != 0) {
        live_send_error(c, in.id, cx);
        return;
    }
    Buf text;
    buf_init(&text, LIVE_MESSAGE_MAX);
    if (str_eq(in.op, S("list")))
        live_write_list(&text, in.id, c);
    else
        live_write_plain(&text, "pong", in.id, clock_wall(c->hub->o.clock));
    live_send_text(c, &text);
}

static const struct {
    Str op;
    void (*run)(LiveConn *c, Ctx *cx, Str message);
} live_ops[] = { { STR_INIT("subscribe"), subscribe },
                 { STR_INIT("unsubscribe"), unsubscribe },
                 { STR_INIT("ping"), plain },
                 { STR_INIT("list"), plain } };

/* The value of "op", and of "id" for the answer to a message that is none. */
static int peek(Ctx *cx, Str message, Str *op, Str *id) {
    enum { DEPTH = 8 };
    JsonReader r;
    Str key;
    int more;
    *op = *id = (Str){ 0 };
    json_reader_init(&r, message, cx->arena, DEPTH);
    json_open_object(&r);
    while ((more = json_object_next(&r, &key)) > 0) {
        if (str_eq(key, S("op")) && json_peek(&r) == JSON_STRING)
            json_read_str(&r, op);
        else if (str_eq(key, S("id")) && json_peek(&r) == JSON_STRING)
            json_read_str(&r, id);
        else
            json_skip(&r);
    }
    *id = str_first(*id, LIVE_ID_MAX);
    if (more < 0 || json_finish(&r) != 0)
        return err_set(cx, ERR_BAD_REQUEST, "the message is not a JSON object: %s", r.why ? r.why : "");
    return op->n ? 0
                 : err_set_at(cx, ERR_INVALID, S("op"), "op is missing; there are subscribe, unsubscribe, list, ping");
}

/* A token bucket that holds five seconds' worth. */
static bool within_rate(LiveConn *c) {
    enum { WORTH_S = 5, PART = 1000 };
    int64_t rate = c->hub->o.live.messages_second;
    MonoNs now = loop_now(c->hub->o.loop);
    int64_t gained = MIN(mono_ms_between(c->tokens_at, now), (int64_t)WORTH_S * 1000) * rate;
    c->tokens = MIN(c->tokens + gained * PART / 1000, rate * WORTH_S * PART);
    c->tokens_at = now;
    c->tokens -= PART;
    return c->tokens >= 0;
}

static void on_message(void *arg, WsKind kind, Str data) {
    enum { MESSAGE_ARENA_MAX = 1 << 20 };
    LiveConn *c = arg;
    if (kind != WS_TEXT) {
        ws_close(c->ws, WS_CLOSE_UNSUPPORTED, S("messages are text"));
        return;
    }
    if (!within_rate(c)) {
        counter_inc(c->hub->metrics.closed_rate);
        ws_close(c->ws, WS_CLOSE_POLICY, S("too many messages"));
        return;
    }
    Arena arena = { .limit = MESSAGE_ARENA_MAX };
    Ctx cx;
    Str op, id;
    ctx_init(&cx, &arena, c->hub->o.clock);
    int r = peek(&cx, data, &op, &id);
    size_t i = 0;
    while (r == 0 && i < ARRAY_LEN(live_ops) && !str_eq(op, live_ops[i].op))
        i++;
    if (r == 0 && i == ARRAY_LEN(live_ops))
        r = err_set_at(&cx, ERR_INVALID, S("op"),
                       "there is no op '" STR_FMT "'; there are subscribe, unsubscribe, list, ping", STR_ARG(op));
    if (r == 0)
        live_ops[i].run(c, &cx, data);
    else
        live_send_error(c, id, &cx);
    arena_done(&arena);
}

/* --- life --- */

static void on_end(void *arg, const WsEnd *end) {
    LiveConn *c = arg;
    LiveHub *h = c->hub;
    UNUSED(end);
    LIST_FOR (it, &c->subs)
        live_sub_end(LIST_ENTRY(it, LiveSub, in_conn));
    live_news_end(c);
    list_remove(&c->node);
    h->n_conns--;
    gauge_add(h->metrics.connections, -1);
    mem_free(c);
}

static const WsEvents live_events = { .on_message = on_message, .on_drain = on_drain, .on_end = on_end };

void live_hub_keys(LiveHub *h, const KeySet *set) {
    Time now = clock_wall(h->o.clock);
    LIST_FOR (it, &h->conns) {
        LiveConn *c = LIST_ENTRY(it, LiveConn, node);
        if (!c->key_id[0] || key_set_still(set, str_n(c->key_id, KEY_ID), now) == KEY_GOOD)
            continue;
        c->key_id[0] = '\0';
        ws_close(c->ws, WS_CLOSE_POLICY, S("the key is no longer good"));
    }
}

int live_accept(LiveHub *h, HttpExchange *ex, Str key_id, const char **why) {
    if (ws_asked_for(&ex->head) && h->n_conns >= h->o.live.max_connections) {
        *why = "too many live connections";
        return 503;
    }
    LiveConn *c = mem_new(LiveConn);
    int status = ws_accept(ex, &h->o.live.ws, &live_events, c, &c->ws, why);
    if (status != 0) {
        mem_free(c);
        return status;
    }
    c->hub = h;
    memcpy(c->key_id, key_id.n == KEY_ID ? key_id.p : c->key_id, KEY_ID);
    c->tokens_at = loop_now(h->o.loop);
    c->tokens = INT32_MAX;
    list_init(&c->subs);
    list_push_back(&h->conns, &c->node);
    h->n_conns++;
    gauge_add(h->metrics.connections, 1);
    Buf text;
    buf_init(&text, 4096);
    live_write_hello(&text, &h->o.live, clock_wall(h->o.clock));
    live_send_text(c, &text);
    return 0;
}
