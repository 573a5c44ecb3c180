/* adapters/cache/redis_conn.c - see redis_conn.h. */

#include "adapters/cache/redis_conn.h"

#include "base/buf.h"

#include <errno.h>
#include <hiredis/read.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_PIECE = 64 << 10, SEND_MAX = 48 << 20 };

struct RedisConn {
    int fd;
    redisReader *reader;
    Arena *arena; /* of the call under way: replies are made there */
    size_t fed;   /* bytes of the call under way */
};

/* --- replies, in the arena --- */

static void *value_place(const redisReadTask *task, RedisValue value) {
    const RedisConn *c = task->privdata;
    RedisValue *v = arena_new(c->arena, RedisValue);
    *v = value;
    if (task->parent) {
        RedisValue *in = task->parent->obj;
        in->v[task->idx] = v;
    }
    return v;
}

static void *make_string(const redisReadTask *task, char *p, size_t n) {
    const RedisConn *c = task->privdata;
    RedisType type = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
                     : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                        : REDIS_TEXT;
    return value_place(task, (RedisValue){ .type = type, .str = str_dup(c->arena, str_n(p, n)) });
}

/* NULL ends the parsing: an array that large is not an answer to anything we ask. */
static void *make_array(const redisReadTask *task, int n) {
    const RedisConn *c = task->privdata;
    if (n < 0 || n > REDIS_ELEMENTS_MAX)
        return NULL;
    RedisValue **v = arena_try(c->arena, (size_t)n * sizeof *v + 1);
    if (!v)
        return NULL;
    memset(v, 0, (size_t)n * sizeof *v);
    return value_place(task, (RedisValue){ .type = REDIS_ARRAY, .v = v, .n = (size_t)n });
}

static void *make_integer(const redisReadTask *task, long long n) {
    return value_place(task, (RedisValue){ .type = REDIS_INTEGER, .integer = n });
}

static void *make_nil(const redisReadTask *task) {
    return value_place(task, (RedisValue){ .type = REDIS_NIL });
}

static void free_nothing(void *v) {
    UNUSED(v); /* the arena's */
}

static redisReplyObjectFunctions in_arena = { .createString = make_string,
                                              .createArray = make_array,
                                              .createInteger = make_integer,
                                              .createNil = make_nil,
                                              .freeObject = free_nothing };

/* --- the socket --- */

static int fail(Ctx *cx, int code, const char *what) {
    return err_set(cx, code, "redis: %s", what);
}

/* Waits until the socket is ready: 0, ERR_TIMEOUT, ERR_CANCELLED, ERR_UNAVAILABLE. */
static int wait_for(Ctx *cx, int fd, short events, MonoNs until) {
    for (;;) {
        int64_t left = (until.ns - clock_mono(cx->clock).ns + NS_PER_MS - 1) / NS_PER_MS;
        if (left <= 0)
            return fail(cx, ERR_TIMEOUT, "no answer in time");
        struct pollfd p = { .fd = fd, .events = events };
        int n = poll(&p, 1, (int)MIN(left, INT32_MAX));
        if (n > 0)
            return 0;
        if (n == 0)
            return fail(cx, ERR_TIMEOUT, "no answer in time");
        if (errno != EINTR)
            return fail(cx, ERR_UNAVAILABLE, "poll failed");
        int r = ctx_check(cx);
        if (r != 0)
            return r;
    }
}

static int connect_to(Ctx *cx, const struct sockaddr *sa, socklen_t n, MonoNs until, int *out) {
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(cx, ERR_UNAVAILABLE, "no socket to be had");
    int r = 0;
    if (connect(fd, sa, n) != 0) {
        int err = errno;
        if (err == EINPROGRESS || err == EAGAIN) {
            socklen_t size = sizeof err;
            r = wait_for(cx, fd, POLLOUT, until);
            if (r == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) != 0)
                err = errno;
        }
        if (r == 0 && err != 0)
            r = err_set(cx, ERR_UNAVAILABLE, "redis: connecting failed: %s", strerrordesc_np(err));
    }
    if (r != 0) {
        close(fd);
        return r;
    }
    int on = 1;
    if (sa->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *out = fd;
    return 0;
}

static int connect_unix(Ctx *cx, const char *path, MonoNs until, int *out) {
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if (n >= sizeof sa.sun_path)
        return err_set(cx, ERR_INVALID, "redis: %s is too long a path for a socket", path);
    memcpy(sa.sun_path, path, n + 1);
    return connect_to(cx, (const struct sockaddr *)&sa, sizeof sa, until, out);
}

static int connect_tcp(Ctx *cx, const RedisAddress *at, MonoNs until, int *out) {
    char port[16];
    snprintf(port, sizeof port, "%d", at->port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list;
    int e = getaddrinfo(at->host, port, &hints, &list);
    if (e != 0)
        return err_set(cx, ERR_UNAVAILABLE, "redis: %s: %s", at->host, gai_strerror(e));
    int r = ERR_UNAVAILABLE;
    for (struct addrinfo *a = list; a && r != 0; a = a->ai_next) {
        r = connect_to(cx, a->ai_addr, a->ai_addrlen, until, out);
        if (r == ERR_TIMEOUT || r == ERR_CANCELLED)
            break;
    }
    freeaddrinfo(list);
    return r;
}

/* --- opening --- */

static int expect_ok(Ctx *cx, RedisConn *c, const Str *args, size_t n, MonoNs until) {
    RedisValue *v = NULL;
    int r = redis_conn_call(c, cx, &(RedisCommand){ args, n }, 1, until, &v);
    if (r == 0 && v->type == REDIS_ERROR) /* the server's words name no password */
        r = err_set(cx, ERR_UNAVAILABLE, "redis: " STR_FMT ": " STR_FMT, STR_ARG(args[0]),
                    STR_ARG(str_first(v->str, 200)));
    return r;
}

static int log_in(Ctx *cx, RedisConn *c, const RedisLogin *login, MonoNs until) {
    int r = 0;
    if (login->password.n && login->user.n)
        r = expect_ok(cx, c, (const Str[]){ S("AUTH"), login->user, login->password }, 3, until);
    else if (login->password.n)
        r = expect_ok(cx, c, (const Str[]){ S("AUTH"), login->password }, 2, until);
    if (r == 0 && login->db)
        r = expect_ok(cx, c, (const Str[]){ S("SELECT"), str_fmt(cx->arena, "%lld", (long long)login->db) }, 2, until);
    return r;
}

int redis_conn_open(Ctx *cx, const RedisAddress *at, const RedisLogin *login, MonoNs until, RedisConn **out) {
    int fd = -1;
    int r = at->host[0] == '/' ? connect_unix(cx, at->host, until, &fd) : connect_tcp(cx, at, until, &fd);
    if (r != 0)
        return r;
    RedisConn *c = mem_new(RedisConn);
    c->fd = fd;
    c->reader = redisReaderCreateWithFunctions(&in_arena);
    assert(c->reader);
    c->reader->privdata = c; /* its macro casts the pointer to int, which clang refuses */
    r = log_in(cx, c, login, until);
    if (r != 0) {
        redis_conn_close(c);
        return r;
    }
    *out = c;
    return 0;
}

RedisConn *redis_conn_close(RedisConn *c) {
    if (!c)
        return NULL;
    redisReaderFree(c->reader);
    close(c->fd);
    return mem_free(c);
}

bool redis_conn_idle(const RedisConn *c) {
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    return c->reader->pos == c->reader->len && poll(&p, 1, 0) == 0;
}

/* --- a call --- */

static void put_command(Buf *b, const RedisCommand *cmd) {
    buf_printf(b, "*%zu\r\n", cmd->n);
    for (size_t i = 0; i < cmd->n; i++) {
        buf_printf(b, "$%zu\r\n", cmd->args[i].n);
        buf_put_str(b, cmd->args[i]);
        BUF_LIT(b, "\r\n");
    }
}

static int send_all(RedisConn *c, Ctx *cx, Str bytes, MonoNs until) {
    while (bytes.n) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n > 0) {
            bytes = str_from(bytes, (size_t)n);
        } else if (errno == EAGAIN) {
            int r = wait_for(cx, c->fd, POLLOUT, until);
            if (r != 0)
                return r;
        } else if (errno != EINTR) {
            return fail(cx, ERR_UNAVAILABLE, "the connection broke");
        }
    }
    return 0;
}

static int feed(RedisConn *c, Ctx *cx, MonoNs until) {
    char piece[READ_PIECE];
    int r = wait_for(cx, c->fd, POLLIN, until);
    if (r != 0)
        return r;
    ssize_t n = recv(c->fd, piece, sizeof piece, 0);
    if (n == 0)
        return fail(cx, ERR_UNAVAILABLE, "the server hung up");
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : fail(cx, ERR_UNAVAILABLE, "the connection broke");
    c->fed += (size_t)n;
    if (c->fed > REDIS_REPLY_MAX)
        return fail(cx, ERR_LIMIT, "the answer is too large");
    if (redisReaderFeed(c->reader, piece, (size_t)n) != 0)
        return fail(cx, ERR_CORRUPT, "the answer is not RESP");
    return 0;
}

static int read_reply(RedisConn *c, Ctx *cx, MonoNs until, RedisValue **out) {
    void *reply = NULL;
    for (;;) {
        if (redisReaderGetReply(c->reader, &reply) != 0)
            return err_set(cx, ERR_CORRUPT, "redis: the answer is not RESP: %s", c->reader->errstr);
        if (reply)
            break;
        int r = feed(c, cx, until);
        if (r != 0)
            return r;
    }
    *out = reply;
    return 0;
}

int redis_conn_call(RedisConn *c, Ctx *cx, const RedisCommand *commands, size_t n, MonoNs until, RedisValue **out) {
    Buf b;
    buf_init(&b, SEND_MAX);
    for (size_t i = 0; i < n; i++)
        put_command(&b, &commands[i]);
    int r = buf_ok(&b) ? send_all(c, cx, buf_str(&b), until) : fail(cx, ERR_LIMIT, "the command is too large");
    buf_done(&b);
    c->arena = cx->arena;
    c->fed = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = read_reply(c, cx, until, &out[i]);
    return r;
}
