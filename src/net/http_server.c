/* net/http_server.c - sockets, timers and other threads round the connections of http_conn.h.
 *
 * A connection costs one registration with the kernel for its whole life: what it wants of its socket changes only when
 * a peer is slow. A request that comes and is answered at once costs one recv and one send, and touches no timer: the
 * timer of a connection is left where it is when its deadline moves away, and looks again when it fires.
 *
 * A connection begins few requests and sends few bytes, and then all others have their turn: what it sent beyond that
 * waits in a queue that is as fair as epoll's. So a client that pipelines without end delays nobody else for long. */

#include "base/list.h"
#include "net/h2_conn.h"
#include "net/http_exchange.h"
#include "net/http_listen.h"
#include "net/proxy_wait.h"
#include "net/send_turn.h"
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTENERS_MAX = 8,
    ACCEPTS_A_TURN = 64,
    TURNED_AWAY_MAX = 64,
    TURNS_A_TURN = 32,
    FLUSH_MAX = 512 << 10,
    RELIEF_MS = 250
};

typedef struct ServerConn {
    HttpConn http;
    HttpServer *server;
    Stream stream;
    LoopTimer timer;
    ListNode node, turn; /* in conns; in turns, while it has requests and others are to have theirs first */
    SendLater later;
    bool busy; /* its bytes are being worked on further up the stack: settle later, and there */
    bool shut; /* our sending half is closed */
} ServerConn;

typedef struct ServerListener {
    Listener socket;
    LoopFd fd;
    TlsServer *tls; /* NULL: plain */
    HttpServer *server;
} ServerListener;

struct HttpServer {
    HttpCore core;
    Loop *loop;
    ListNode conns, turns;
    LoopLater next_turns;
    SendTurn *sends, *own_sends;
    int n_conns;
    ListNode waits; /* hops that have not said yet whom they speak for */
    int n_waits;
    ServerListener listeners[LISTENERS_MAX];
    int n_listeners;
    LoopTimer relief; /* while the queues of all together are too full */
    int spare_fd;     /* given up to accept, and close, a connection when descriptors run out */
    LoopTimer drain;
    int64_t drain_left_ms; /* behind the moment for those who have just connected */
    bool stopping, stopped;
    void (*stop_done)(void *arg);
    void *stop_arg;
    char buf[HTTP_READ_BODY]; /* every connection reads into it, one at a time */
};

/* --- stop --- */

static void stop_check(HttpServer *s) {
    if (!s->stopping || s->stopped || s->n_conns > 0 || s->core.owed > 0)
        return;
    s->stopped = true;
    loop_timer_stop(&s->drain);
    if (s->stop_done)
        loop_post(s->loop, s->stop_done, s->stop_arg); /* not from within a callback of ours: done may free us */
}

/* --- a connection's turn --- */

static void conn_close(ServerConn *sc) {
    HttpServer *s = sc->server;
    sc->busy = true; /* done callbacks may call back in */
    stream_close(&sc->stream);
    loop_timer_stop(&sc->timer);
    http_conn_done(&sc->http);
    list_remove(&sc->node);
    list_remove(&sc->turn);
    send_later_stop(&sc->later);
    s->n_conns--;
    mem_free(sc);
    stop_check(s);
}

/* Writes what there is to write, until the socket is full, nothing is left, or it was much. */
static void conn_flush(ServerConn *sc) {
    HttpConn *c = &sc->http;
    MonoNs now = loop_now(sc->server->loop);
    for (size_t all = 0;;) {
        struct iovec iov[HTTP_IOV_MAX];
        int n = http_conn_output(c, iov, now);
        if (n == 0 || all >= FLUSH_MAX)
            return;
        size_t want = 0;
        for (int i = 0; i < n; i++)
            want += iov[i].iov_len;
        ssize_t sent = stream_write(&sc->stream, iov, n);
        if (sent < 0) {
            c->dead |= sent == STREAM_FAILED;
            return;
        }
        http_conn_sent(c, (size_t)sent, now);
        all += (size_t)sent;
        if ((size_t)sent < want)
            return;
    }
}

static void conn_arm(ServerConn *sc) {
    MonoNs at = http_conn_deadline(&sc->http);
    if (at.ns == INT64_MAX)
        return; /* a timer still running finds that out itself */
    if (!loop_timer_armed(&sc->timer) || sc->timer.timer.due.ns > at.ns)
        loop_timer_start_at(&sc->timer, at);
}

/* After anything happened to a connection: flush, close or go on. May free sc. */
static void conn_settle(ServerConn *sc) {
    HttpConn *c = &sc->http;
    sc->busy = true;
    conn_flush(sc);
    sc->busy = false;
    HttpConnState state = http_conn_state(c);
    if (state == HTTP_CONN_CLOSE && !c->dead && !c->eof && c->closing && !c->linger) {
        int unread = 0; /* closing over unread bytes sends a reset, which may overtake the reply */
        if (ioctl(stream_fd(&sc->stream), FIONREAD, &unread) == 0 && unread > 0) {
            c->linger = true;
            state = http_conn_state(c);
        }
    }
    if (state == HTTP_CONN_CLOSE) {
        conn_close(sc);
        return;
    }
    if (state == HTTP_CONN_LINGER && !sc->shut) {
        sc->shut = true;
        stream_shut(&sc->stream);
    }
    stream_want(&sc->stream, (http_conn_wants_read(c) ? LOOP_READ : 0u) | (c->out.bytes ? LOOP_WRITE : 0u));
    conn_arm(sc);
    if (sc->server->core.segs.bytes > c->core->o.reply_total && !loop_timer_armed(&sc->server->relief))
        loop_timer_start(&sc->server->relief, 0, RELIEF_MS);
    if (http_conn_wants_turn(c) && !list_linked(&sc->turn)) {
        list_push_back(&sc->server->turns, &sc->turn);
        loop_later(sc->server->loop, &sc->server->next_turns);
    }
}

static void conn_read(ServerConn *sc) {
    HttpServer *s = sc->server;
    HttpConn *c = &sc->http;
    ssize_t n = stream_read(&sc->stream, s->buf, http_conn_read_size(c));
    if (n < 0) {
        c->dead |= n == STREAM_FAILED;
        return;
    }
    sc->busy = true;
    if (n == 0)
        http_conn_eof(c, loop_now(s->loop));
    else
        http_conn_input(c, s->buf, (size_t)n, loop_now(s->loop));
}

/* --- output, at the end of the turn --- */

/* May its queue leave with those of others? A socket that was full is left to its event. */
static bool sends_with_others(const ServerConn *sc) {
    return !stream_is_tls(&sc->stream) && stream_is_ready(&sc->stream) && !(sc->stream.want & LOOP_WRITE);
}

static int gather_send(SendLater *l, int *fd, struct iovec iov[SEND_IOV_MAX]) {
    ServerConn *sc = CONTAINER_OF(l, ServerConn, later);
    struct iovec all[HTTP_IOV_MAX];
    sc->busy = true; /* what it asks for its bytes may have news of it */
    int n = sends_with_others(sc) ? http_conn_output(&sc->http, all, loop_now(sc->server->loop)) : 0;
    sc->busy = false;
    if (n > SEND_IOV_MAX)
        return 0;
    *fd = stream_fd(&sc->stream);
    memcpy(iov, all, (size_t)n * sizeof *all);
    return n;
}

/* What came of it; then the connection's turn is like any other. */
static void was_sent(SendLater *l, ssize_t n) {
    ServerConn *sc = CONTAINER_OF(l, ServerConn, later);
    sc->busy = true;
    if (n >= 0)
        http_conn_sent(&sc->http, (size_t)n, loop_now(sc->server->loop));
    else if (n != SEND_NOTHING && n != -EAGAIN && n != -EINTR)
        sc->http.dead = true;
    sc->busy = false;
    conn_settle(sc);
}

static const SendLaterWays conn_sends = { gather_send, was_sent };

/* As conn_settle, but what there is to send leaves with the rest of the turn. May free sc. */
static void conn_turn(ServerConn *sc) {
    if (sc->http.out.bytes && !sc->http.dead && sends_with_others(sc))
        send_later(sc->server->sends, &sc->later);
    else
        conn_settle(sc);
}

/* Those that had their turn and have more requests: one after the other, and after whatever else there was to do. */
static void next_turns(void *arg) {
    HttpServer *s = arg;
    ListNode *node;
    for (int i = 0; i < TURNS_A_TURN && (node = list_pop_front(&s->turns)); i++) {
        ServerConn *sc = LIST_ENTRY(node, ServerConn, turn);
        sc->busy = true;
        http_conn_turn(&sc->http, loop_now(s->loop));
        sc->busy = false;
        conn_turn(sc);
    }
    if (!list_empty(&s->turns))
        loop_later(s->loop, &s->next_turns);
}

static void on_conn(void *arg, unsigned events) {
    ServerConn *sc = arg;
    HttpConn *c = &sc->http;
    if ((events & STREAM_READY) && stream_alpn(&sc->stream) == STREAM_ALPN_H2 && !c->closing)
        h2_start(c, loop_now(sc->server->loop));
    if ((events & LOOP_GONE) && !stream_is_ready(&sc->stream) && stream_is_tls(&sc->stream) && c->core->o.on_handshake)
        c->core->o.on_handshake(c->core->arg, str_n(c->peer, c->peer_n), stream_why(&sc->stream));
    if ((events & LOOP_GONE) && !stream_is_ready(&sc->stream))
        http_count(&sc->server->core.counts.tls_failed, 1);
    if ((events & LOOP_READ) && http_conn_wants_read(c))
        conn_read(sc);
    if ((events & LOOP_GONE) && (!(events & LOOP_READ) || !http_conn_wants_read(c)))
        c->dead = true;
    sc->busy = false;
    conn_turn(sc);
}

static void on_timer(void *arg) {
    ServerConn *sc = arg;
    sc->busy = true; /* who hears that its body will not come may answer there and then */
    http_conn_expire(&sc->http, loop_now(sc->server->loop));
    conn_settle(sc);
}

/* --- accepting --- */

static void conn_open(HttpServer *s, int fd, const char *peer, const ServerListener *from) {
    ServerConn *sc = mem_new(ServerConn);
    MonoNs now = loop_now(s->loop);
    sc->server = s;
    if (stream_accept(&sc->stream, s->loop, fd, from->tls, LOOP_READ, on_conn, sc) != 0) {
        close(fd);
        mem_free(sc);
        return;
    }
    loop_timer_init(&sc->timer, s->loop, on_timer, sc);
    send_later_init(&sc->later, &conn_sends);
    list_push_back(&s->conns, &sc->node);
    http_conn_init(&sc->http, &s->core, str_c(peer), from->socket.local, now);
    sc->http.secure = from->tls != NULL;
    if (++s->n_conns > s->core.o.max_connections)
        http_conn_turn_away(&sc->http, now);
    conn_settle(sc);
}

static void hop_ready(void *arg, int fd, const char *peer, void *from) {
    HttpServer *s = arg;
    s->n_waits--;
    conn_open(s, fd, peer, from);
}

static void hop_over(void *arg) {
    ((HttpServer *)arg)->n_waits--;
}

/* A hop of ours: it says first whom it speaks for. */
static void hop_open(HttpServer *s, int fd, const char *peer, ServerListener *from) {
    const ProxyWaitEvents events = { .ready = hop_ready, .over = hop_over, .arg = s };
    if (proxy_wait_start(s->loop, fd, peer, s->core.o.header_ms, &events, from, &s->waits) == 0)
        s->n_waits++;
    else
        close(fd);
}

/* Out of descriptors: a listener left readable would spin. Take the connection and close it. */
static void shed_one(HttpServer *s, const Listener *l) {
    char peer[64];
    close(s->spare_fd);
    int fd = listener_accept(l, peer, sizeof peer);
    if (fd >= 0) {
        close(fd);
        http_count(&s->core.counts.refused_503, 1);
    }
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_accept(void *arg, unsigned events) {
    ServerListener *sl = arg;
    HttpServer *s = sl->server;
    UNUSED(events);
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        char peer[64];
        int fd = listener_accept(&sl->socket, peer, sizeof peer);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                shed_one(s, &sl->socket);
            return; /* EAGAIN, or a client that has given up already */
        }
        if (s->n_conns + s->n_waits >= s->core.o.max_connections + TURNED_AWAY_MAX) {
            close(fd);
            http_count(&s->core.counts.refused_503, 1);
            continue;
        }
        if (s->core.o.proxied && !sl->socket.local && s->core.o.proxied(s->core.arg, str_c(peer)))
            hop_open(s, fd, peer, sl);
        else
            conn_open(s, fd, peer, sl);
    }
}

static int start_listening(HttpServer *s, const Listener *socket, TlsServer *tls) {
    assert(s->n_listeners < LISTENERS_MAX);
    ServerListener *sl = &s->listeners[s->n_listeners];
    *sl = (ServerListener){ .socket = *socket, .tls = tls, .server = s };
    int r = loop_fd_start(s->loop, &sl->fd, socket->fd, LOOP_READ, on_accept, sl);
    if (r != 0)
        listener_close(&sl->socket);
    else
        s->n_listeners++;
    return r;
}

int http_server_listen_tcp(HttpServer *s, const char *host, int port, int *out_port, char *why, size_t why_size) {
    return http_server_listen_tls(s, NULL, host, port, out_port, why, why_size);
}

int http_server_listen_tls(HttpServer *s, TlsServer *tls, const char *host, int port, int *out_port, char *why,
                           size_t why_size) {
    Listener l;
    int r = listener_tcp(&l, host, port, out_port, why, why_size);
    return r != 0 ? r : start_listening(s, &l, tls);
}

int http_server_bind(const char *host, int port, int *out_fd, char *why, size_t why_size) {
    Listener l;
    int r = listener_tcp(&l, host, port, NULL, why, why_size);
    if (r == 0)
        *out_fd = l.fd;
    return r;
}

int http_server_listen_fd(HttpServer *s, int fd, TlsServer *tls, int *out_port) {
    Listener l;
    int r = listener_fd(&l, fd, out_port);
    return r != 0 ? r : start_listening(s, &l, tls);
}

void http_server_prepare(HttpServer *s) {
    send_turn_prepare(s->sends);
}

int http_server_tcp_fd(const HttpServer *s) {
    for (int i = 0; i < s->n_listeners; i++)
        if (!s->listeners[i].socket.local)
            return s->listeners[i].socket.fd;
    return -1;
}

int http_server_listen_unix(HttpServer *s, const char *path, char *why, size_t why_size) {
    Listener l;
    int r = listener_unix(&l, path, why, why_size);
    return r != 0 ? r : start_listening(s, &l, NULL);
}

/* --- replies from other threads --- */

static void take_news(Exchange *x, HttpNews news) {
    HttpServer *s = x->core->owner;
    HttpConn *c = http_conn_news(x, news, loop_now(s->loop));
    if (!c) {
        stop_check(s);
        return;
    }
    ServerConn *sc = CONTAINER_OF(c, ServerConn, http);
    if (!sc->busy)
        conn_turn(sc);
}

static void mail_reply(void *arg) {
    take_news(arg, HTTP_NEWS_REPLY);
}

static void mail_wake(void *arg) {
    take_news(arg, HTTP_NEWS_WAKE);
}

static void deliver(void *owner, Exchange *x, HttpNews news) {
    HttpServer *s = owner;
    if (loop_is_mine(s->loop)) {
        take_news(x, news);
        return;
    }
    x->mail = (LoopMail){ .fn = news == HTTP_NEWS_REPLY ? mail_reply : mail_wake, .arg = x };
    loop_mail(s->loop, &x->mail);
}

/* A thousand frames for a thousand connections: one system call a connection, or one for many. */
static void touch(void *owner, HttpConn *c) {
    HttpServer *s = owner;
    ServerConn *sc = CONTAINER_OF(c, ServerConn, http);
    if (!sc->busy && !s->stopped)
        send_later(s->sends, &sc->later);
}

/* --- life --- */

/* What all connections have queued is more than may be: whose replies have lain there for long gives its memory back. */
static void relieve(void *arg) {
    HttpServer *s = arg;
    enum { LITTLE = 64 << 10 };
    MonoNs now = loop_now(s->loop);
    LIST_FOR (it, &s->conns) {
        ServerConn *sc = LIST_ENTRY(it, ServerConn, node);
        if (s->core.segs.bytes <= s->core.o.reply_total)
            break;
        if (sc->http.out.bytes <= LITTLE || mono_ms_between(sc->http.queued_at, now) < s->core.o.unread_ms)
            continue;
        http_count(&s->core.counts.cut_unread, 1);
        if (s->core.o.on_cut)
            s->core.o.on_cut(s->core.arg, "unread");
        sc->http.dead = true;
        conn_close(sc);
    }
    if (s->core.segs.bytes <= s->core.o.reply_total)
        loop_timer_stop(&s->relief);
}

static void close_all(HttpServer *s) {
    LIST_FOR (it, &s->conns)
        conn_close(LIST_ENTRY(it, ServerConn, node));
}

enum { FRESH_MS = 500 }; /* who has just connected is about to ask */

static void on_drained(void *arg) {
    HttpServer *s = arg;
    if (s->core.fresh_too) {
        close_all(s);
        return;
    }
    s->core.fresh_too = true;
    loop_timer_start(&s->drain, s->drain_left_ms, 0);
    LIST_FOR (it, &s->conns)
        conn_settle(LIST_ENTRY(it, ServerConn, node));
    stop_check(s);
}

static void listeners_close(HttpServer *s) {
    for (int i = 0; i < s->n_listeners; i++) {
        loop_fd_stop(s->loop, &s->listeners[i].fd);
        listener_close(&s->listeners[i].socket);
    }
    s->n_listeners = 0;
    proxy_waits_close(&s->waits); /* nothing was asked on them */
    s->n_waits = 0;
}

HttpServer *http_server_new(Loop *loop, const HttpServerOptions *o, HttpHandler *fn, void *arg) {
    HttpServer *s = mem_new(HttpServer);
    s->loop = loop;
    http_core_init(&s->core, o, fn, arg, loop_clock(loop));
    s->core.deliver = deliver;
    s->core.touch = touch;
    s->core.owner = s;
    list_init(&s->conns);
    list_init(&s->turns);
    loop_later_init(&s->next_turns, next_turns, s);
    list_init(&s->waits);
    loop_timer_init(&s->drain, loop, on_drained, s);
    loop_timer_init(&s->relief, loop, relieve, s);
    s->own_sends = o->sends ? NULL : send_turn_new(loop, o->send_helpers);
    s->sends = o->sends ? o->sends : s->own_sends;
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return s;
}

void http_server_stop(HttpServer *s, int64_t drain_ms, void (*done)(void *arg), void *arg) {
    if (s->stopping)
        return;
    s->stopping = true;
    s->stop_done = done;
    s->stop_arg = arg;
    s->core.draining = true;
    listeners_close(s);
    LIST_FOR (it, &s->conns) {
        ServerConn *sc = LIST_ENTRY(it, ServerConn, node);
        if (stream_is_ready(&sc->stream) && http_conn_wants_read(&sc->http))
            conn_read(sc); /* what is there already is answered */
        conn_settle(sc);   /* closes the idle ones */
    }
    s->drain_left_ms = MAX(drain_ms - FRESH_MS, (int64_t)0);
    if (s->n_conns)
        loop_timer_start(&s->drain, MIN(drain_ms, (int64_t)FRESH_MS), 0);
    stop_check(s);
}

HttpServer *http_server_free(HttpServer *s) {
    if (!s)
        return NULL;
    listeners_close(s);
    loop_timer_stop(&s->drain);
    loop_timer_stop(&s->relief);
    s->stopped = true;
    close_all(s);
    loop_later_stop(&s->next_turns);
    http_core_done(&s->core);
    send_turn_free(s->own_sends);
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    return mem_free(s);
}

void http_server_stats(const HttpServer *s, HttpServerStats *out) {
    const HttpCounts *n = &s->core.counts;
#define READ(name) .name = atomic_load_explicit(&n->name, memory_order_relaxed)
    /* clang-format off */
    *out = (HttpServerStats){
        READ(connections), READ(accepted), READ(requests), READ(replied), READ(aborted),
        READ(refused_400), READ(refused_408), READ(refused_413), READ(refused_431), READ(refused_503),
        READ(refused_other), READ(bytes_in), READ(bytes_out), READ(h2_connections), READ(h2_floods), READ(h2_slow),
        READ(tls_failed), READ(cut_unread),
    };
    /* clang-format on */
#undef READ
    out->in_flight = out->requests - out->replied - out->aborted;
}
