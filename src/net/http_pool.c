/* net/http_pool.c - see http_pool.h. */

#include "net/http_pool.h"

#include "base/list.h"
#include "net/address.h"
#include "net/http_request.h"
#include "net/http_response.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, REQUEST_HEAD_MAX = 64 * 1024 };

typedef struct PoolConn {
    HttpPool *pool;
    ListNode node; /* in idle or busy */
    LoopFd fd;
    LoopTimer idle_timer;
    PoolCall *call; /* NULL: idle */
    size_t sent;
    bool used, any; /* had a call before; a byte of this reply came */
    HttpResponse response;
    Arena arena;
    Buf body;
} PoolConn;

struct PoolCall {
    HttpPool *pool;
    ListNode node; /* in waiting or ending, while it has no connection */
    PoolConn *conn;
    Buf request;
    bool idempotent, head_only, retried;
    LoopTimer timer;
    HttpPoolDone *done;
    void *arg;
    int early_err; /* found before there was anything to wait for: told by the timer */
};

struct HttpPool {
    Loop *loop;
    HttpPoolOptions o;
    Address address;
    ListNode idle, busy; /* connections */
    ListNode waiting;    /* calls without a connection */
    ListNode ending;     /* calls whose failure is still to be told */
    HttpPoolStats stats;
    char buf[READ_SIZE];
};

static void on_event(void *arg, unsigned events);
static void call_start(PoolCall *c);

/* --- calls --- */

static void call_free(PoolCall *c) {
    loop_timer_stop(&c->timer);
    list_remove(&c->node);
    buf_done(&c->request);
    mem_free(c);
}

static void call_end(PoolCall *c, int err, const HttpPoolReply *reply) {
    HttpPoolDone *done = c->done;
    void *arg = c->arg;
    c->pool->stats.failed += err != 0;
    call_free(c);
    done(arg, err, reply);
}

/* Ends the call from the loop's next turn, so that done never runs within http_pool_call. */
static void call_end_soon(PoolCall *c, int err) {
    c->early_err = err;
    list_push_back(&c->pool->ending, &c->node);
    loop_timer_start(&c->timer, 0, 0);
}

/* --- connections --- */

static void conn_free(PoolConn *k) {
    HttpPool *p = k->pool;
    loop_fd_stop(p->loop, &k->fd);
    close(k->fd.fd);
    loop_timer_stop(&k->idle_timer);
    list_remove(&k->node);
    http_response_done(&k->response);
    buf_done(&k->body);
    arena_done(&k->arena);
    p->stats.connections--;
    mem_free(k);
}

static void next_waiting(HttpPool *p) {
    ListNode *node = list_pop_front(&p->waiting);
    if (!node)
        return;
    p->stats.waiting--;
    call_start(LIST_ENTRY(node, PoolCall, node));
}

static void idle_over(void *arg) {
    conn_free(arg);
}

/* The connection failed under its call. */
static void conn_fail(PoolConn *k, int err) {
    HttpPool *p = k->pool;
    PoolCall *c = k->call;
    bool again = k->used && !k->any && c->idempotent && !c->retried;
    conn_free(k);
    c->conn = NULL;
    if (again) {
        c->retried = true;
        p->stats.retried++;
        call_start(c);
        return;
    }
    next_waiting(p);
    call_end(c, err, NULL);
}

static void conn_finish(PoolConn *k) {
    HttpPool *p = k->pool;
    PoolCall *c = TAKE(k->call);
    HttpResponse *r = &k->response;
    HttpPoolReply reply = { .status = r->status, .fields = r->fields, .n_fields = r->n_fields, .reused = k->used };
    Buf body = k->body;
    Arena arena = k->arena;
    k->body = (Buf){ 0 };
    k->arena = (Arena){ 0 };
    reply.body = buf_str(&body);
    list_remove(&k->node);
    if (r->keep_alive && k->sent == c->request.n) {
        http_response_done(r);
        k->used = true;
        list_push_front(&p->idle, &k->node); /* the one used last is the one least likely to be closed */
        p->stats.idle++;
        loop_fd_want(p->loop, &k->fd, LOOP_READ);
        loop_timer_start(&k->idle_timer, p->o.idle_ms, 0);
    } else {
        conn_free(k);
    }
    next_waiting(p);
    call_end(c, 0, &reply); /* last: it may free the pool */
    buf_done(&body);
    arena_done(&arena);
}

static int keep_body(void *arg, const char *bytes, size_t n) {
    return buf_put(&((PoolConn *)arg)->body, bytes, n);
}

static void conn_write(PoolConn *k) {
    const Buf *b = &k->call->request;
    while (k->sent < b->n) {
        ssize_t n = send(k->fd.fd, b->p + k->sent, b->n - k->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) /* if it is worse than full, reading will tell: an early answer may be there */
            break;
        k->sent += (size_t)n;
    }
    loop_fd_want(k->pool->loop, &k->fd, LOOP_READ | (k->sent < b->n && errno == EAGAIN ? LOOP_WRITE : 0u));
}

static void conn_read(PoolConn *k) {
    HttpPool *p = k->pool;
    ssize_t n = recv(k->fd.fd, p->buf, sizeof p->buf, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (!k->call) { /* closed by the upstream, or out of step */
        p->stats.idle--;
        conn_free(k);
        return;
    }
    int err = ERR_UNAVAILABLE;
    if (n > 0) {
        k->any = true;
        err = http_response_feed(&k->response, p->buf, (size_t)n);
    } else if (n == 0) {
        err = http_response_eof(&k->response);
    }
    if (err != 0)
        conn_fail(k, err);
    else if (k->response.complete)
        conn_finish(k);
}

static void on_event(void *arg, unsigned events) {
    PoolConn *k = arg;
    if ((events & LOOP_WRITE) && k->call && k->sent < k->call->request.n)
        conn_write(k);
    if (events & (LOOP_READ | LOOP_GONE))
        conn_read(k);
}

/* Gives the connection its call. */
static void conn_take(PoolConn *k, PoolCall *c) {
    k->call = c;
    c->conn = k;
    k->sent = 0;
    k->any = false;
    list_push_back(&k->pool->busy, &k->node);
    buf_init(&k->body, k->pool->o.max_body);
    http_response_init(&k->response, &k->arena, c->head_only, keep_body, k);
}

static bool conn_open(HttpPool *p, PoolCall *c) {
    int on = 1, fd = socket(p->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (p->address.any.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    PoolConn *k = mem_new(PoolConn);
    if ((connect(fd, &p->address.any, p->address.n) != 0 && errno != EINPROGRESS) ||
        loop_fd_start(p->loop, &k->fd, fd, LOOP_READ | LOOP_WRITE, on_event, k) != 0) {
        close(fd);
        mem_free(k);
        return false;
    }
    k->pool = p;
    loop_timer_init(&k->idle_timer, p->loop, idle_over, k);
    p->stats.connections++;
    p->stats.opened++;
    conn_take(k, c);
    return true;
}

static void call_start(PoolCall *c) {
    HttpPool *p = c->pool;
    if (!c->retried && !list_empty(&p->idle)) {
        PoolConn *k = LIST_ENTRY(p->idle.next, PoolConn, node);
        list_remove(&k->node);
        p->stats.idle--;
        p->stats.reused++;
        loop_timer_stop(&k->idle_timer);
        conn_take(k, c);
        conn_write(k);
    } else if (!conn_open(p, c)) {
        call_end_soon(c, ERR_UNAVAILABLE);
    }
}

/* Off its connection, which is in mid-reply and of no further use, or out of its queue. */
static void call_leave(PoolCall *c) {
    if (c->conn)
        conn_free(TAKE(c->conn));
    else if (!c->early_err)
        c->pool->stats.waiting--;
    list_remove(&c->node);
}

static void call_timer(void *arg) {
    PoolCall *c = arg;
    HttpPool *p = c->pool;
    int err = c->early_err ? c->early_err : ERR_TIMEOUT;
    call_leave(c);
    next_waiting(p);
    call_end(c, err, NULL);
}

int http_pool_call(HttpPool *p, const HttpPoolCall *call, HttpPoolDone *done, void *arg, PoolCall **out) {
    bool full = p->stats.connections >= p->o.max_connections && list_empty(&p->idle);
    if (full && p->stats.waiting >= p->o.max_waiting)
        return ERR_BUSY;
    PoolCall *c = mem_new(PoolCall);
    *c = (PoolCall){ .pool = p, .done = done, .arg = arg };
    c->idempotent = http_method_idempotent(call->method);
    c->head_only = str_eq(call->method, S("HEAD"));
    loop_timer_init(&c->timer, p->loop, call_timer, c);
    buf_init(&c->request, REQUEST_HEAD_MAX + call->body.n);
    Str bad;
    if (http_request_write(&c->request, call->method, str_c(p->address.text), call->path, call->fields, call->n_fields,
                           call->body.n, &bad) != 0 ||
        buf_put_str(&c->request, call->body) != 0) {
        call_free(c);
        return ERR_USAGE;
    }
    p->stats.calls++;
    loop_timer_start_at(&c->timer, call->deadline);
    if (full) {
        list_push_back(&p->waiting, &c->node);
        p->stats.waiting++;
    } else {
        call_start(c);
    }
    if (out)
        *out = c;
    return 0;
}

void http_pool_cancel(PoolCall *c) {
    HttpPool *p = c->pool;
    call_leave(c);
    call_free(c);
    next_waiting(p);
}

/* --- life --- */

void http_pool_options_default(HttpPoolOptions *o) {
    *o = (HttpPoolOptions){ .max_connections = 32, .max_waiting = 256, .idle_ms = 20 * 1000, .max_body = 16 << 20 };
}

HttpPool *http_pool_new(Loop *l, Str address, const HttpPoolOptions *o) {
    HttpPool *p = mem_new(HttpPool);
    p->loop = l;
    p->o = *o;
    list_init(&p->idle);
    list_init(&p->busy);
    list_init(&p->waiting);
    list_init(&p->ending);
    if (!address_parse(address, &p->address))
        return mem_free(p);
    return p;
}

HttpPool *http_pool_free(HttpPool *p) {
    if (!p)
        return NULL;
    p->o.max_connections = p->o.max_waiting = 0; /* what done calls now is refused */
    list_splice(&p->waiting, &p->ending);
    for (ListNode *n; (n = list_pop_front(&p->waiting));)
        call_end(LIST_ENTRY(n, PoolCall, node), ERR_CANCELLED, NULL);
    while (!list_empty(&p->busy)) {
        PoolConn *k = LIST_ENTRY(p->busy.next, PoolConn, node);
        PoolCall *c = k->call;
        conn_free(k);
        call_end(c, ERR_CANCELLED, NULL);
    }
    while (!list_empty(&p->idle))
        conn_free(LIST_ENTRY(p->idle.next, PoolConn, node));
    return mem_free(p);
}

void http_pool_stats(const HttpPool *p, HttpPoolStats *out) {
    *out = p->stats;
}
