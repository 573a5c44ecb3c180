/* gateway/live_news.c - the live API's channel "news": articles and scores as they are stored, to whoever listens.
 *
 * Unlike a series, what was told is over: there is no snapshot and nothing to conflate. A client that reads too slowly is
 * told that it has missed some, and asks /api/v1/news for them. */

#include "gateway/live_internal.h"

typedef struct NewsLetter {
    LoopMail mail;
    LiveHub *hub;
    WsFrame *frame;
    bool to_all; /* a score: whoever listens */
    Str source;  /* texts behind the struct */
    StrList tickers;
    char texts[];
} NewsLetter;

static bool wants(const LiveConn *c, const NewsLetter *l) {
    Str source = str_c(c->news_source), ticker = str_c(c->news_ticker);
    if (!c->news)
        return false;
    if (l->to_all)
        return true;
    bool tagged = ticker.n == 0;
    for (size_t i = 0; i < l->tickers.n && !tagged; i++)
        tagged = str_eq_nocase(l->tickers.v[i], ticker);
    return tagged && (source.n == 0 || str_eq_nocase(l->source, source));
}

/* On the loop. */
static void on_letter(void *arg) {
    NewsLetter *l = arg;
    LiveHub *h = l->hub;
    LIST_FOR (it, &h->conns) {
        LiveConn *c = LIST_ENTRY(it, LiveConn, node);
        if (h->closed || !wants(c, l))
            continue;
        if (c->slow || ws_queued(c->ws) > LIVE_MARK || ws_send_frame(c->ws, l->frame) != 0) {
            c->news_missed = true;
            live_conn_behind(c);
        } else {
            counter_inc(h->metrics.messages);
        }
    }
    ws_frame_unref(l->frame);
    mem_free(l->tickers.v);
    mem_free(l);
    live_hub_unref(h);
}

/* On the committing thread. */
static void heard(void *arg, const LiveNews *n) {
    LiveHub *h = arg;
    NewsLetter *l = mem_zalloc(sizeof *l + n->source.n);
    memcpy(l->texts, n->source.p ? n->source.p : "", n->source.n);
    l->source = str_n(l->texts, n->source.n);
    size_t size = n->tickers.n * sizeof(Str), at = size;
    for (size_t i = 0; i < n->tickers.n; i++)
        size += n->tickers.v[i].n;
    char *texts = mem_alloc(size);
    l->tickers = (StrList){ (Str *)(void *)texts, n->tickers.n };
    for (size_t i = 0; i < n->tickers.n; i++) {
        Str t = n->tickers.v[i];
        memcpy(texts + at, t.p, t.n);
        l->tickers.v[i] = str_n(texts + at, t.n);
        at += t.n;
    }
    l->mail = (LoopMail){ .fn = on_letter, .arg = l };
    l->hub = h;
    l->to_all = n->source.n == 0;
    l->frame = ws_frame_new(WS_TEXT, n->text);
    pthread_mutex_lock(&h->lock);
    h->in_flight++;
    pthread_mutex_unlock(&h->lock);
    loop_mail(h->o.loop, &l->mail);
}

static bool wanted(void *arg) {
    return atomic_load_explicit(&((LiveHub *)arg)->n_news, memory_order_relaxed) > 0;
}

void live_news_listen(LiveHub *h, bool on) {
    const LiveNewsSource *s = h->o.news;
    if (s)
        s->listen(s->role, on ? &(LiveNewsEar){ heard, wanted, h } : NULL);
}

static void say(LiveConn *c, const char *type, Str id) {
    Buf text;
    JsonWriter w;
    buf_init(&text, 4096);
    json_writer_init(&w, &text, false);
    json_object(&w);
    json_put_str(&w, "type", str_c(type));
    if (id.n)
        json_put_str(&w, "id", id);
    json_put_str(&w, "channel", S("news"));
    json_object_end(&w);
    live_send_text(c, &text);
}

void live_news_subscribe(LiveConn *c, Ctx *cx, Str message) {
    LiveNewsSubscribe in;
    int r = shape_decode(&live_news_subscribe_shape, cx, message, &in);
    if (r == 0 && !c->hub->o.news)
        r = err_set_at(cx, ERR_UNSUPPORTED, S("channel"), "this process stores no news");
    if (r != 0) {
        live_send_error(c, in.id, cx);
        return;
    }
    if (!c->news)
        atomic_fetch_add(&c->hub->n_news, 1);
    c->news = true;
    memset(c->news_source, 0, sizeof c->news_source);
    memset(c->news_ticker, 0, sizeof c->news_ticker);
    memcpy(c->news_source, in.source.n ? in.source.p : "", in.source.n); /* both within the table's bounds */
    memcpy(c->news_ticker, in.ticker.n ? in.ticker.p : "", in.ticker.n);
    say(c, "subscribed", in.id);
}

bool live_news_end(LiveConn *c) {
    bool was = c->news;
    if (was)
        atomic_fetch_sub(&c->hub->n_news, 1);
    c->news = c->news_missed = false;
    return was;
}

bool live_news_drained(LiveConn *c) {
    if (c->news_missed && ws_queued(c->ws) <= LIVE_MARK) {
        c->news_missed = false;
        say(c, "missed", (Str){ 0 });
    }
    return c->news_missed;
}
