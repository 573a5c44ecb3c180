/* tests/lib/raw_server.c - see raw_server.h. */

#include "raw_server.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 128, REQUEST_MAX = 1 << 20 };

typedef struct Connection {
    RawServer *server;
    pthread_t thread;
    int fd;
} Connection;

struct RawServer {
    RawAnswerFn *fn;
    void *arg;
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock;
    Connection connections[CONNECTIONS_MAX];
    int n; /* under the lock */
};

static void check(bool ok, const char *what) {
    if (ok)
        return;
    perror(what);
    abort();
}

bool raw_write(int fd, Str bytes) {
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes = str_from(bytes, (size_t)n);
    }
    return true;
}

bool raw_pause_ms(int fd, int ms) {
    struct pollfd p = { .fd = fd, .events = POLLRDHUP };
    return poll(&p, 1, ms) == 0;
}

static size_t body_length(Str head) {
    Str rest = head, line;
    uint64_t n = 0;
    while (str_next(&rest, '\n', &line))
        if (line.n > 15 && str_eq_nocase(str_first(line, 15), S("Content-Length:")))
            str_to_u64(str_trim(str_from(line, 15)), &n);
    return (size_t)n;
}

/* Reads up to one whole request; false at the end of the connection. */
static bool read_request(int fd, Buf *in, RawRequest *req) {
    for (;;) {
        Str all = buf_str(in);
        ptrdiff_t end = str_find(all, S("\r\n\r\n"));
        if (end >= 0) {
            req->head = str_first(all, (size_t)end + 2);
            size_t body = body_length(req->head);
            if (all.n >= (size_t)end + 4 + body) {
                Str line = req->head;
                str_next(&line, ' ', &req->path);
                str_next(&line, ' ', &req->path);
                req->body = str_n(all.p + end + 4, body);
                return true;
            }
        }
        char *p = buf_reserve(in, 4096);
        ssize_t n = p ? recv(fd, p, 4096, 0) : 0;
        if (n <= 0)
            return false;
        in->n += (size_t)n;
    }
}

static void *serve_connection(void *arg) {
    Connection *c = arg;
    RawRequest req = { .nth = 0 };
    Buf in;
    buf_init(&in, REQUEST_MAX);
    while (read_request(c->fd, &in, &req)) {
        if (!c->server->fn(c->server->arg, c->fd, &req))
            break;
        req.nth++;
        buf_consume(&in, req.head.n + 2 + req.body.n);
    }
    shutdown(c->fd, SHUT_RDWR);
    buf_done(&in);
    return NULL;
}

static void *accept_all(void *arg) {
    RawServer *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pthread_mutex_lock(&s->lock);
        check(s->n < CONNECTIONS_MAX, "too many connections");
        Connection *c = &s->connections[s->n++];
        *c = (Connection){ .server = s, .fd = fd };
        check(pthread_create(&c->thread, NULL, serve_connection, c) == 0, "pthread_create");
        pthread_mutex_unlock(&s->lock);
    }
}

RawServer *raw_server_start(RawAnswerFn *fn, void *arg) {
    RawServer *s = mem_new(RawServer);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    s->fn = fn;
    s->arg = arg;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&a, n) == 0 && listen(s->fd, 64) == 0, "listen");
    check(getsockname(s->fd, (struct sockaddr *)&a, &n) == 0, "getsockname");
    s->port = ntohs(a.sin_port);
    pthread_mutex_init(&s->lock, NULL);
    check(pthread_create(&s->thread, NULL, accept_all, s) == 0, "pthread_create");
    return s;
}

int raw_server_port(const RawServer *s) {
    return s->port;
}

int raw_server_connections(RawServer *s) {
    pthread_mutex_lock(&s->lock);
    int n = s->n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

RawServer *raw_server_stop(RawServer *s) {
    shutdown(s->fd, SHUT_RDWR); /* accept returns */
    pthread_join(s->thread, NULL);
    for (int i = 0; i < s->n; i++) {
        shutdown(s->connections[i].fd, SHUT_RDWR);
        pthread_join(s->connections[i].thread, NULL);
        close(s->connections[i].fd);
    }
    close(s->fd);
    pthread_mutex_destroy(&s->lock);
    return mem_free(s);
}
