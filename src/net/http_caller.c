/* net/http_caller.c - see http_caller.h. A non-blocking socket and poll, so that deadline and cancel are kept. */

#include "net/http_caller.h"
#include "net/caller_wire.h"
#include "net/http_request.h"
#include "net/http_response.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_MS = 30 * 1000, CANCEL_MS = 100, HEAD_MAX = 64 * 1024, READ_SIZE = 64 * 1024 };
#define BODY_MAX ((size_t)64 << 20)

enum { CALL_STALE = 1 }; /* the kept connection was dead before a byte of the reply came */

struct HttpCaller {
    char address[128]; /* for words */
    bool local;
    char host[112]; /* or the path of the socket */
    char port[8];
    char name[112]; /* that the certificate must be for */
    TlsClient *tls; /* NULL: plain */
    CallerWire wire;
    bool used; /* the connection has had a call */
    char buf[READ_SIZE];
};

/* One call under way. */
typedef struct Calling {
    HttpCaller *c;
    Ctx *cx;
    const HttpCall *call;
    MonoNs deadline;
    Buf head, body;
    size_t body_max;
} Calling;

/* --- the address --- */

static int bad_address(Ctx *cx, Str address) {
    return err_set(cx, ERR_USAGE, "\"" STR_FMT "\" is not an address: give http://HOST:PORT or unix:/PATH",
                   STR_ARG(address));
}

static int trust(HttpCaller *c, Ctx *cx, const HttpTrust *t) {
    Str name = t->name.n ? t->name : str_c(c->host);
    if (!t->ca.n)
        return err_set(cx, ERR_USAGE, "%s is asked over TLS: say whose certificates are believed", c->address);
    if (name.n >= sizeof c->name)
        return err_set(cx, ERR_USAGE, "%s: the name of its certificate is too long", c->address);
    memcpy(c->name, name.p, name.n);
    return tls_client_new(cx, &(TlsClientOptions){ .ca = t->ca, .no_system = true, .cert = t->cert, .key = t->key },
                          &c->tls);
}

int http_caller_new_trusting(Ctx *cx, Str address, const HttpTrust *t, HttpCaller **out) {
    enum { SCHEME = sizeof "https://" - 1 };
    HttpCaller *c = NULL;
    bool over_tls = str_starts(address, S("https://"));
    int r = http_caller_new(cx, over_tls ? str_from(address, SCHEME) : address, &c);
    if (r == 0 && over_tls)
        r = trust(c, cx, t);
    if (r == 0)
        *out = c;
    else
        http_caller_free(c);
    return r;
}

int http_caller_new(Ctx *cx, Str address, HttpCaller **out) {
    Str rest = address, host, port;
    bool local = str_starts(rest, S("unix:"));
    if (local) {
        host = str_from(rest, 5);
        port = (Str){ 0 };
        if (host.n == 0 || host.n >= sizeof((struct sockaddr_un *)0)->sun_path)
            return bad_address(cx, address);
    } else {
        if (str_starts(rest, S("http://")))
            rest = str_from(rest, 7);
        if (str_ends(rest, S("/")))
            rest.n--;
        const char *mark = rest.n ? memrchr(rest.p, ':', rest.n) : NULL;
        size_t colon = mark ? (size_t)(mark - rest.p) + 1 : 0;
        int64_t number;
        if (colon < 2 || !str_to_i64(str_from(rest, colon), &number) || number < 1 || number > 65535)
            return bad_address(cx, address);
        port = str_from(rest, colon);
        host = str_first(rest, colon - 1);
        if (host.p[0] == '[' && host.p[host.n - 1] == ']')
            host = str_first(str_from(host, 1), host.n - 2);
        if (host.n == 0 || port.n > 5 || str_find_char(host, '/') >= 0)
            return bad_address(cx, address);
    }
    HttpCaller *c = mem_new(HttpCaller);
    if (host.n >= sizeof c->host || address.n >= sizeof c->address || memchr(host.p, '\0', host.n)) {
        mem_free(c);
        return bad_address(cx, address);
    }
    c->local = local;
    c->wire.fd = -1;
    memcpy(c->address, address.p, address.n);
    memcpy(c->host, host.p, host.n);
    if (port.n)
        memcpy(c->port, port.p, port.n);
    *out = c;
    return 0;
}

static void hang_up(HttpCaller *c) {
    wire_close(&c->wire);
    c->used = false;
}

HttpCaller *http_caller_free(HttpCaller *c) {
    if (!c)
        return NULL;
    hang_up(c);
    tls_client_free(c->tls);
    return mem_free(c);
}

/* --- waiting --- */

/* Until the socket is ready: 0, or ERR_TIMEOUT, ERR_CANCELLED with words. */
static int wait_for(Calling *k, short events) {
    for (;;) {
        int err = ctx_check(k->cx);
        if (err != 0)
            return err;
        int64_t left_ms = (k->deadline.ns - clock_mono(k->cx->clock).ns + NS_PER_MS - 1) / NS_PER_MS;
        if (left_ms <= 0)
            return err_set(k->cx, ERR_TIMEOUT, "%s: no answer in %lld ms", k->c->address,
                           (long long)(k->call->timeout_ms ? k->call->timeout_ms : TIMEOUT_MS));
        struct pollfd p = { .fd = k->c->wire.fd, .events = events };
        int n = poll(&p, 1, (int)MIN(left_ms, (int64_t)CANCEL_MS));
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_set(k->cx, ERR_IO, "%s: poll: %s", k->c->address, strerrordesc_np(errno));
    }
}

static int not_there(Calling *k, int os_errno) {
    hang_up(k->c);
    if (os_errno == ECONNREFUSED || os_errno == ENOENT)
        return err_set(k->cx, ERR_UNAVAILABLE, "%s: nobody listens there; is the server running?", k->c->address);
    return err_set(k->cx, os_errno == EACCES ? ERR_DENIED : ERR_UNAVAILABLE, "%s: %s", k->c->address,
                   strerrordesc_np(os_errno));
}

/* --- connecting --- */

static int connect_to(Calling *k, const struct sockaddr *a, socklen_t n) {
    HttpCaller *c = k->c;
    int on = 1;
    c->wire.fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->wire.fd < 0)
        return not_there(k, errno);
    if (!c->local)
        setsockopt(c->wire.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->wire.fd, a, n) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return not_there(k, errno);
    int err = wait_for(k, POLLOUT);
    if (err != 0)
        return err;
    int os_errno = 0;
    socklen_t size = sizeof os_errno;
    getsockopt(c->wire.fd, SOL_SOCKET, SO_ERROR, &os_errno, &size);
    return os_errno == 0 ? 0 : not_there(k, os_errno);
}

/* What one side said of the other's certificate. */
static int not_believed(Calling *k) {
    int r = err_set(k->cx, ERR_UNAVAILABLE, "%s: TLS: %s", k->c->address, k->c->wire.why);
    hang_up(k->c);
    return r;
}

static int secure(Calling *k) {
    HttpCaller *c = k->c;
    if (tls_client_stale(c->tls)) {
        Ctx quiet = *k->cx; /* files that are no good, or half there: those of before are */
        tls_client_reload(c->tls, &quiet);
    }
    if (wire_secure(&c->wire, c->tls, str_c(c->name)) != 0)
        return err_set(k->cx, ERR_UNAVAILABLE, "%s: no TLS to be had", c->address);
    int r;
    while ((r = wire_handshake(&c->wire)) == WIRE_AGAIN)
        if ((r = wait_for(k, c->wire.wants)) != 0)
            return r;
    return r == WIRE_FAILED ? not_believed(k) : 0;
}

static int reach(Calling *k);

static int dial(Calling *k) {
    int r = reach(k);
    if (r == 0 && k->c->tls)
        r = secure(k);
    if (r != 0)
        hang_up(k->c);
    return r;
}

static int reach(Calling *k) {
    HttpCaller *c = k->c;
    if (c->local) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        memcpy(a.sun_path, c->host, strlen(c->host));
        return connect_to(k, (struct sockaddr *)&a, sizeof a);
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *all = NULL;
    int e = getaddrinfo(c->host, c->port, &hints, &all);
    if (e != 0)
        return err_set(k->cx, ERR_UNAVAILABLE, "%s: %s", c->address, gai_strerror(e));
    int err = 0;
    for (struct addrinfo *ai = all; ai; ai = ai->ai_next) {
        hang_up(c);
        err = connect_to(k, ai->ai_addr, ai->ai_addrlen);
        if (err == 0 || err == ERR_TIMEOUT || err == ERR_CANCELLED)
            break;
    }
    freeaddrinfo(all);
    return err;
}

/* A kept connection on which something lies ready is one the server has closed, or one that is out of step. */
static bool still_good(const HttpCaller *c) {
    struct pollfd p = { .fd = c->wire.fd, .events = POLLIN };
    return c->wire.fd >= 0 && poll(&p, 1, 0) == 0;
}

/* --- the request --- */

static int write_head(Calling *k, Str method) {
    const HttpCall *call = k->call;
    char host[sizeof k->c->host + 16] = "localhost";
    if (!k->c->local)
        snprintf(host, sizeof host, strchr(k->c->host, ':') ? "[%s]:%s" : "%s:%s", k->c->host, k->c->port);
    Str bad;
    int err =
        http_request_write(&k->head, method, str_c(host), call->path, call->fields, call->n_fields, call->body.n, &bad);
    if (err == ERR_USAGE)
        return err_set(k->cx, err, "\"" STR_FMT "\" is not a path, or a field with a line break", STR_ARG(bad));
    return err == 0 ? 0 : err_set(k->cx, ERR_USAGE, "the request's header block is over %d bytes", HEAD_MAX);
}

/* Sends head and body. A server that answers early (413) and stops reading is not an error: its reply is read. */
static int send_all(Calling *k) {
    size_t at = 0, total = k->head.n + k->call->body.n;
    while (at < total) {
        struct iovec iov[2];
        int n = 0;
        if (at < k->head.n)
            iov[n++] = (struct iovec){ k->head.p + at, k->head.n - at };
        size_t body_at = at > k->head.n ? at - k->head.n : 0;
        if (k->call->body.n > body_at)
            iov[n++] = (struct iovec){ (char *)(uintptr_t)k->call->body.p + body_at, k->call->body.n - body_at };
        ssize_t sent = wire_write(&k->c->wire, iov, n);
        if (sent > 0) {
            at += (size_t)sent;
            continue;
        }
        if (sent != WIRE_AGAIN)
            return k->c->used && at == 0 ? CALL_STALE : 0; /* the reply, or its absence, will tell */
        int err = wait_for(k, POLLIN | POLLOUT);
        if (err != 0)
            return err;
        struct pollfd p = { .fd = k->c->wire.fd, .events = POLLIN | POLLOUT };
        if (poll(&p, 1, 0) > 0 && (p.revents & POLLIN) && !(p.revents & POLLOUT))
            return 0;
    }
    return 0;
}

/* --- the reply --- */

static int take_body(void *arg, const char *p, size_t n) {
    Calling *k = arg;
    if (k->call->on_body)
        return k->call->on_body(k->call->arg, str_n(p, n));
    if (buf_put(&k->body, p, n) != 0)
        return err_set(k->cx, ERR_LIMIT, "%s: the reply is over %zu bytes", k->c->address, k->body_max);
    return 0;
}

static int words_for(Calling *k, int err) {
    if (err == ERR_CORRUPT)
        return err_set(k->cx, err, "%s: what answers there does not speak HTTP", k->c->address);
    if (err == ERR_UNAVAILABLE)
        return err_set(k->cx, err, "%s: the connection was closed before the reply was whole", k->c->address);
    return err_note(k->cx, err, "%s: the reply's header block is too large", k->c->address);
}

static int read_reply(Calling *k, HttpResponse *r) {
    HttpCaller *c = k->c;
    bool any = false;
    while (!r->complete) {
        ssize_t n = wire_read(&c->wire, c->buf, sizeof c->buf);
        if (n == WIRE_AGAIN) {
            int err = wait_for(k, c->wire.wants);
            if (err != 0)
                return err;
            continue;
        }
        if (n <= 0) {
            if (!any && c->used)
                return CALL_STALE;
            if (n < 0 && c->wire.why[0])
                return not_believed(k); /* TLS 1.3 hears of it behind the handshake */
            int err = n < 0 ? ERR_UNAVAILABLE : http_response_eof(r);
            return err == 0 ? 0 : words_for(k, err);
        }
        any = true;
        int err = http_response_feed(r, c->buf, (size_t)n);
        if (err != 0)
            return words_for(k, err);
    }
    return 0;
}

/* --- the call --- */

static int call_once(Calling *k, Str method, HttpCallReply *out) {
    HttpCaller *c = k->c;
    if (!still_good(c)) {
        hang_up(c);
        int err = dial(k);
        if (err != 0)
            return err;
    }
    HttpResponse r = { 0 };
    http_response_init(&r, k->cx->arena, str_eq(method, S("HEAD")), take_body, k);
    int err = send_all(k);
    if (err == 0)
        err = read_reply(k, &r);
    if (err == 0)
        *out = (HttpCallReply){ .status = r.status, .fields = r.fields, .n_fields = r.n_fields, .reused = c->used };
    if (err == 0 && r.keep_alive)
        c->used = true;
    else
        hang_up(c);
    http_response_done(&r);
    return err;
}

int http_call(HttpCaller *c, Ctx *cx, const HttpCall *call, HttpCallReply *out) {
    Str method = call->method.n ? call->method : S("GET");
    Calling k = { .c = c, .cx = cx, .call = call, .body_max = call->max_body ? call->max_body : BODY_MAX };
    k.deadline = mono_add_ms(clock_mono(cx->clock), call->timeout_ms ? call->timeout_ms : TIMEOUT_MS);
    buf_init(&k.head, HEAD_MAX);
    buf_init(&k.body, k.body_max);
    HttpCallReply reply = { 0 };
    int err = write_head(&k, method);
    if (err == 0)
        err = call_once(&k, method, &reply);
    if (err == CALL_STALE && http_method_idempotent(method))
        err = call_once(&k, method, &reply); /* over a fresh connection, where nothing is stale */
    if (err == CALL_STALE)
        err = err_set(cx, ERR_UNAVAILABLE,
                      "%s: the connection was closed; it is not known whether the request was done", c->address);
    if (err == 0) {
        reply.body = str_dup(cx->arena, buf_str(&k.body));
        *out = reply;
    }
    buf_done(&k.head);
    buf_done(&k.body);
    return err;
}

Str http_call_field(const HttpCallReply *r, Str lower_name) {
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_eq(r->fields[i].name, lower_name))
            return r->fields[i].value;
    return (Str){ 0 };
}
