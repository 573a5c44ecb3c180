/* adapters/ws/net.c - see net.h.
 *
 * Two threads meet in the queue: the loop's appends what happens, the poller's takes it. Links belong to the loop;
 * dial, send and hang_up are letters to it, so that a link's fate is decided in one place. */

#include "adapters/ws/net.h"

#include "base/list.h"
#include "net/loop.h"
#include "net/ws_client.h"
#include "ports/http_client.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

enum { QUEUE_MAX = 65536, SLICE_MS = 100, MESSAGE_MAX = 1 << 20 };

typedef struct WsNet WsNet;

typedef struct Link { /* of the loop's thread */
    ListNode node;
    WsNet *owner;
    WsClient *client;
    int id;
} Link;

typedef struct Item { /* an event in the queue */
    ListNode node;
    WsEvent event;
    size_t n;
    char text[];
} Item;

struct WsNet {
    WsDialer dialer; /* first */
    Loop *loop;
    TlsClient *tls;
    bool allow_private;
    Str local, api_key;
    ListNode links; /* of the loop's thread */
    pthread_t thread;
    int last_id; /* of the poller's */
    size_t queue_max;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t came;
    ListNode queue; /* Item */
    size_t queued;
};

/* --- the queue --- */

static void push(WsNet *w, const WsEvent *e, Str text) {
    Item *item = mem_zalloc(sizeof *item + text.n + 1);
    item->event = *e;
    item->n = text.n;
    memcpy(item->text, text.n ? text.p : "", text.n);
    pthread_mutex_lock(&w->lock);
    list_push_back(&w->queue, &item->node);
    w->queued++;
    pthread_cond_signal(&w->came);
    pthread_mutex_unlock(&w->lock);
}

static bool full(WsNet *w) {
    pthread_mutex_lock(&w->lock);
    bool yes = w->queued >= w->queue_max;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

/* --- on the loop --- */

static Link *find_link(WsNet *w, int id) {
    LIST_FOR (n, &w->links)
        if (LIST_ENTRY(n, Link, node)->id == id)
            return LIST_ENTRY(n, Link, node);
    return NULL;
}

static void drop_link(Link *l) {
    list_remove(&l->node);
    ws_client_free(l->client);
    mem_free(l);
}

/* An end that no answer of the peer's explains. */
static void tell_end(WsNet *w, int id, int err, Str words) {
    push(w, &(WsEvent){ .kind = WS_ENDED, .link = id, .code = WS_CLOSE_LOST, .err = err }, words);
}

static void on_open(void *arg) {
    Link *l = arg;
    push(l->owner, &(WsEvent){ .kind = WS_OPENED, .link = l->id }, (Str){ 0 });
}

static void on_message(void *arg, WsKind kind, Str data) {
    Link *l = arg;
    if (kind != WS_TEXT)
        return;
    if (full(l->owner)) {
        tell_end(l->owner, l->id, ERR_LIMIT, S("nobody reads what comes"));
        drop_link(l);
        return;
    }
    push(l->owner, &(WsEvent){ .kind = WS_TEXT_CAME, .link = l->id }, data);
}

static void on_end(void *arg, const WsClientEnd *end) {
    Link *l = arg;
    char words[256];
    Str why = end->reason.n ? end->reason : str_c(end->why);
    int n = snprintf(words, sizeof words, STR_FMT "%s%d%s", STR_ARG(str_first(why, 180)),
                     end->status ? " (HTTP " : " (", end->status ? end->status : end->code, ")");
    WsEvent e = { .kind = WS_ENDED,
                  .link = l->id,
                  .code = end->code ? end->code : WS_CLOSE_LOST,
                  .err = end->err,
                  .status = end->status,
                  .retry_after_ms = end->retry_after_ms };
    push(l->owner, &e, str_n(words, MIN((size_t)n, sizeof words - 1)));
    drop_link(l);
}

static bool public_only(void *arg, const struct sockaddr *a) {
    UNUSED(arg);
    if (a->sa_family == AF_INET)
        return !http_address_private((const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
    if (a->sa_family == AF_INET6)
        return !http_address_private((const uint8_t *)&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
    return false;
}

typedef enum LetterKind { LETTER_DIAL, LETTER_SEND, LETTER_HANG_UP, LETTER_STOP } LetterKind;

typedef struct Letter { /* from the poller's thread to the loop's */
    WsNet *owner;
    LetterKind kind;
    int id;
    size_t n;
    char text[];
} Letter;

static void dial_on_loop(const Letter *m) {
    WsNet *w = m->owner;
    static const WsClientEvents events = { .on_open = on_open, .on_message = on_message, .on_end = on_end };
    WsClientOptions o;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, loop_clock(w->loop));
    Link *l = mem_new(Link);
    l->owner = w;
    l->id = m->id;
    ws_client_options_default(&o);
    o.url = str_n(m->text, m->n);
    o.tls = w->tls;
    o.max_message = MESSAGE_MAX;
    o.allow = w->allow_private || w->local.n ? NULL : public_only;
    o.local = w->local;
    HttpField key = { S("X-API-Key"), w->api_key };
    o.fields = &key;
    o.n_fields = w->api_key.n ? 1 : 0;
    list_push_back(&w->links, &l->node);
    int r = ws_client_open(&cx, w->loop, &o, &events, l, &l->client);
    if (r) {
        tell_end(w, l->id, r, str_c(cx.err.text));
        drop_link(l);
    }
    arena_done(&arena);
}

static void take_letter(void *arg) {
    Letter *m = arg;
    Link *l = find_link(m->owner, m->id);
    if (m->kind == LETTER_DIAL)
        dial_on_loop(m);
    else if (m->kind == LETTER_STOP)
        loop_stop(m->owner->loop);
    else if (l && m->kind == LETTER_HANG_UP)
        drop_link(l);
    else if (l && ws_client_send(l->client, WS_TEXT, str_n(m->text, m->n)) == ERR_LIMIT) {
        tell_end(m->owner, m->id, ERR_LIMIT, S("the venue does not read what we send"));
        drop_link(l);
    }
    mem_free(m);
}

static void post(WsNet *w, LetterKind kind, int id, Str text) {
    Letter *m = mem_zalloc(sizeof *m + text.n + 1);
    *m = (Letter){ .owner = w, .kind = kind, .id = id, .n = text.n };
    memcpy(m->text, text.n ? text.p : "", text.n);
    loop_post(w->loop, take_letter, m);
}

static void *run_loop(void *arg) {
    WsNet *w = arg;
    sigset_t all; /* signals are for the process's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    loop_run(w->loop);
    return NULL;
}

/* --- the port --- */

static int net_dial(WsDialer *d, Ctx *cx, Str url, int *link) {
    WsNet *w = (WsNet *)d;
    if (!str_starts(url, S("ws://")) && !str_starts(url, S("wss://")))
        return err_set(cx, ERR_USAGE, "'" STR_FMT "' is no WebSocket address: ws:// or wss:// is needed",
                       STR_ARG(str_first(url, 80)));
    *link = ++w->last_id;
    post(w, LETTER_DIAL, *link, url);
    return 0;
}

/* A link that is not open (any more) says so by its WS_ENDED. */
static int net_send(WsDialer *d, Ctx *cx, int link, Str text) {
    UNUSED(cx);
    post((WsNet *)d, LETTER_SEND, link, text);
    return 0;
}

/* What waits of it goes too. */
static void net_hang_up(WsDialer *d, int link) {
    WsNet *w = (WsNet *)d;
    post(w, LETTER_HANG_UP, link, (Str){ 0 });
    pthread_mutex_lock(&w->lock);
    for (ListNode *n = w->queue.next, *next; n != &w->queue; n = next) {
        Item *item = LIST_ENTRY(n, Item, node);
        next = n->next;
        if (item->event.link == link) {
            list_remove(n);
            w->queued--;
            mem_free(item);
        }
    }
    pthread_mutex_unlock(&w->lock);
}

static Item *take(WsNet *w, int64_t wait_ms, Clock *clock) {
    Item *item = NULL;
    MonoNs until = mono_add_ms(clock_mono(clock), wait_ms);
    struct timespec at = { until.ns / NS_PER_SECOND, until.ns % NS_PER_SECOND };
    pthread_mutex_lock(&w->lock);
    while (list_empty(&w->queue))
        if (pthread_cond_timedwait(&w->came, &w->lock, &at) != 0)
            break;
    if (!list_empty(&w->queue)) {
        item = LIST_ENTRY(w->queue.next, Item, node);
        list_remove(&item->node);
        w->queued--;
    }
    pthread_mutex_unlock(&w->lock);
    return item;
}

static int net_poll(WsDialer *d, Ctx *cx, int64_t wait_ms, WsEvent *out) {
    WsNet *w = (WsNet *)d;
    for (int64_t left = wait_ms;; left -= SLICE_MS) { /* in slices, so that a cancel ends it */
        Item *item = take(w, CLAMP(left, 0, SLICE_MS), cx->clock);
        if (item) {
            *out = item->event;
            out->text = str_dup(cx->arena, str_n(item->text, item->n));
            mem_free(item);
            return 0;
        }
        int r = ctx_check(cx);
        if (r || left <= SLICE_MS)
            return r;
    }
}

static void net_close(WsDialer *d) {
    WsNet *w = (WsNet *)d;
    post(w, LETTER_STOP, 0, (Str){ 0 });
    pthread_join(w->thread, NULL);
    while (!list_empty(&w->links))
        drop_link(LIST_ENTRY(w->links.next, Link, node));
    while (!list_empty(&w->queue)) {
        Item *item = LIST_ENTRY(w->queue.next, Item, node);
        list_remove(&item->node);
        mem_free(item);
    }
    loop_free(w->loop);
    tls_client_free(w->tls);
    pthread_cond_destroy(&w->came);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

static const WsDialerOps ops = { "net", net_dial, net_send, net_hang_up, net_poll, net_close };

int ws_net_open(Ctx *cx, const WsNetOptions *o, WsDialer **out) {
    assert(o->clock);
    TlsClient *tls;
    int r = tls_client_new(cx, &(TlsClientOptions){ .ca = o->ca }, &tls);
    if (r)
        return r;
    WsNet *w = mem_new(WsNet);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* as the Clock's own */
    pthread_cond_init(&w->came, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&w->lock, NULL);
    w->dialer.ops = &ops;
    w->tls = tls;
    w->allow_private = o->allow_private;
    w->local = o->local;
    w->api_key = o->api_key;
    w->queue_max = o->queue_max ? o->queue_max : QUEUE_MAX;
    list_init(&w->links);
    list_init(&w->queue);
    w->loop = loop_new(o->clock);
    if (pthread_create(&w->thread, NULL, run_loop, w) != 0) {
        loop_free(w->loop);
        tls_client_free(w->tls);
        mem_free(w);
        return err_set(cx, ERR_BUSY, "no thread to be had for WebSocket connections");
    }
    *out = &w->dialer;
    return 0;
}
