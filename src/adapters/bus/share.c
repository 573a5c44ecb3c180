/* adapters/bus/share.c - see share.h. */

#include "adapters/bus/share.h"

#include "adapters/bus/shared.h"
#include "adapters/bus/wire.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct Line { /* a connection */
    BusShare *share;
    int fd;
    pthread_t thread;
    bool used, over; /* under the share's lock; over: the thread has nothing left to do */
    Subscription *sub;
} Line;

struct BusShare {
    EventBus *bus;
    Clock *clock;
    char *path;
    int fd;
    atomic_bool stop;
    pthread_t accepter;
    pthread_mutex_t lock;
    Line lines[SHARE_CONNECTIONS_MAX];
};

/* --- calls: each reads its arguments and writes what it answers behind the code --- */

typedef int Serve(Line *l, Ctx *cx, WireIn *in, Buf *out);

static int misread(Ctx *cx) {
    return err_set(cx, ERR_BAD_REQUEST, "a call of the event bus is not well formed");
}

static int serve_hello(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    int64_t version = wire_take_i64(in);
    if (!wire_all(in))
        return misread(cx);
    if (version != WIRE_VERSION)
        return err_set(cx, ERR_VERSION, "the process that has the event bus is of another version (%d, not %lld)",
                       WIRE_VERSION, (long long)version);
    wire_i64(out, l->share->bus->ops->can);
    return 0;
}

static int serve_declare(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    UNUSED(out);
    BusTopology t = wire_take_topology(in, cx->arena);
    return wire_all(in) ? event_bus_declare(l->share->bus, cx, &t) : misread(cx);
}

/* The outcomes go out whatever becomes of it: after each its words. */
static int serve_publish(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    enum { LEAST = 16 * sizeof(int64_t) };
    size_t n = wire_take_count(in, LEAST / 2, BUS_BATCH_MAX);
    Publication *v = arena_new_n(cx->arena, Publication, n);
    Event *events = arena_new_n(cx->arena, Event, n);
    int *outcome = arena_new_n(cx->arena, int, n);
    for (size_t i = 0; i < n; i++) {
        v[i].exchange = wire_take_str(in);
        v[i].routing_key = wire_take_str(in);
        v[i].mandatory = wire_take_i64(in) != 0;
        events[i] = wire_take_event(in, cx->arena);
        v[i].event = &events[i];
    }
    if (!wire_all(in))
        return misread(cx);
    int r = event_bus_publish_many(l->share->bus, cx, v, n, outcome);
    wire_i64(out, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        wire_i64(out, outcome[i]);
    return r;
}

static int serve_subscribe(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    UNUSED(out);
    SubscribeOptions o = { .queue = wire_take_str(in), .group = wire_take_str(in), .consumer = wire_take_str(in) };
    o.from = wire_take_i64(in) ? FROM_FIRST : FROM_NOW;
    o.prefetch = (int)CLAMP(wire_take_i64(in), INT64_C(0), (int64_t)BUS_PREFETCH_MAX);
    if (!wire_all(in) || l->sub)
        return misread(cx);
    return event_bus_subscribe(l->share->bus, cx, &o, &l->sub);
}

static bool hung_up(int fd) {
    struct pollfd one = { .fd = fd, .events = POLLRDHUP };
    return poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* Waits in pieces, so that one whose client has gone takes no message with it. */
static int serve_receive(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    enum { PIECE_MS = 100 };
    int64_t wait_ms = wire_take_i64(in), most = wire_take_i64(in);
    Delivery *v = NULL;
    size_t n = 0;
    int r = BUS_EMPTY;
    if (!wire_all(in) || !l->sub || most < 1)
        return misread(cx);
    do {
        int64_t piece = CLAMP(wait_ms, INT64_C(0), (int64_t)PIECE_MS);
        r = event_bus_receive(l->sub, cx, piece, &v, (size_t)MIN(most, (int64_t)WIRE_EVENTS_MAX), &n);
        wait_ms -= piece;
    } while (r == BUS_EMPTY && wait_ms > 0 && !hung_up(l->fd));
    if (r)
        return r;
    wire_i64(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        wire_i64(out, v[i].tag);
        wire_str(out, v[i].exchange);
        wire_str(out, v[i].routing_key);
        wire_i64(out, v[i].again);
        wire_i64(out, v[i].count);
        wire_i64(out, v[i].position);
        wire_event(out, &v[i].event);
        wire_death(out, v[i].death);
    }
    return 0;
}

static int serve_ack(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    UNUSED(out);
    size_t n = wire_take_count(in, sizeof(int64_t), BUS_PREFETCH_MAX);
    int64_t *tags = arena_new_n(cx->arena, int64_t, n);
    for (size_t i = 0; i < n; i++)
        tags[i] = wire_take_i64(in);
    return wire_all(in) && l->sub ? event_bus_ack_many(l->sub, cx, tags, n) : misread(cx);
}

static int serve_reject(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    UNUSED(out);
    int64_t tag = wire_take_i64(in), how = wire_take_i64(in);
    Str words = wire_take_str(in);
    return wire_all(in) && l->sub ? event_bus_reject(l->sub, cx, tag, how ? REJECT_DEAD : REJECT_REQUEUE, words)
                                  : misread(cx);
}

static int serve_unsubscribe(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    UNUSED(out);
    if (!wire_all(in))
        return misread(cx);
    l->sub = event_bus_unsubscribe(l->sub);
    return 0;
}

static int serve_read(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    BusRead q = { .after = wire_take_i64(in), .from = time_ms(wire_take_i64(in)), .pattern = wire_take_str(in) };
    BusPage page = { 0 };
    q.type = wire_take_str(in);
    q.key = wire_take_str(in);
    int64_t limit = wire_take_i64(in);
    if (!wire_all(in) || limit < 1)
        return misread(cx);
    q.limit = (size_t)MIN(limit, (int64_t)WIRE_EVENTS_MAX);
    int r = event_bus_read(l->share->bus, cx, &q, &page);
    if (r)
        return r;
    wire_i64(out, page.next);
    wire_i64(out, page.more);
    wire_i64(out, (int64_t)page.n);
    for (size_t i = 0; i < page.n; i++) {
        wire_i64(out, page.v[i].position);
        wire_str(out, page.v[i].exchange);
        wire_str(out, page.v[i].routing_key);
        wire_i64(out, page.v[i].at.ms);
        wire_event(out, &page.v[i].event);
    }
    return 0;
}

static int serve_dead_list(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    Str queue = wire_take_str(in), after = wire_take_str(in);
    int64_t limit = wire_take_i64(in);
    DeadLetter *v;
    size_t n;
    if (!wire_all(in) || limit < 1)
        return misread(cx);
    int r = event_bus_dead_list(l->share->bus, cx, queue, after, (size_t)MIN(limit, (int64_t)WIRE_EVENTS_MAX), &v, &n);
    if (r)
        return r;
    wire_i64(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        wire_str(out, v[i].handle);
        wire_event(out, &v[i].event);
        wire_death(out, &v[i].death);
    }
    return 0;
}

typedef int DeadChange(EventBus *b, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);

static int change_dead(Line *l, Ctx *cx, WireIn *in, Buf *out, DeadChange *fn) {
    Str queue = wire_take_str(in);
    size_t n = wire_take_count(in, sizeof(int64_t), BUS_READ_MAX);
    Str *handles = arena_new_n(cx->arena, Str, n);
    int64_t done = 0;
    for (size_t i = 0; i < n; i++)
        handles[i] = wire_take_str(in);
    int r = wire_all(in) ? fn(l->share->bus, cx, queue, handles, n, &done) : misread(cx);
    if (r == 0)
        wire_i64(out, done);
    return r;
}

static int serve_dead_requeue(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    return change_dead(l, cx, in, out, event_bus_dead_requeue);
}

static int serve_dead_drop(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    return change_dead(l, cx, in, out, event_bus_dead_drop);
}

static int serve_stats(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    QueueDepth *v;
    size_t n;
    int r = wire_all(in) ? event_bus_stats(l->share->bus, cx, &v, &n) : misread(cx);
    if (r)
        return r;
    wire_i64(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        const QueueDepth *d = &v[i];
        const int64_t numbers[] = { d->ready, d->unacked,  d->consumers, d->oldest.ms, d->published, d->delivered,
                                    d->acked, d->requeued, d->dead,      d->expired,   d->dropped };
        wire_str(out, d->queue);
        wire_str(out, d->group);
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
            wire_i64(out, numbers[k]);
    }
    return 0;
}

static int serve_describe(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    BusInfo i;
    int r = wire_all(in) ? event_bus_describe(l->share->bus, cx, &i) : misread(cx);
    if (r)
        return r;
    wire_str(out, i.location);
    wire_i64(out, i.first_position);
    wire_i64(out, i.last_position);
    wire_i64(out, i.bytes);
    wire_i64(out, i.connected);
    return 0;
}

static int serve_tick(Line *l, Ctx *cx, WireIn *in, Buf *out) {
    UNUSED(out);
    return wire_all(in) ? event_bus_tick(l->share->bus, cx) : misread(cx);
}

static Serve *const served[WIRE_CALLS] = {
    [WIRE_HELLO] = serve_hello,         [WIRE_DECLARE] = serve_declare,           [WIRE_PUBLISH] = serve_publish,
    [WIRE_SUBSCRIBE] = serve_subscribe, [WIRE_RECEIVE] = serve_receive,           [WIRE_ACK] = serve_ack,
    [WIRE_REJECT] = serve_reject,       [WIRE_UNSUBSCRIBE] = serve_unsubscribe,   [WIRE_READ] = serve_read,
    [WIRE_DEAD_LIST] = serve_dead_list, [WIRE_DEAD_REQUEUE] = serve_dead_requeue, [WIRE_DEAD_DROP] = serve_dead_drop,
    [WIRE_STATS] = serve_stats,         [WIRE_DESCRIBE] = serve_describe,         [WIRE_TICK] = serve_tick,
};

/* --- a connection --- */

static int answer(Line *l, Ctx *cx, Str frame) {
    WireIn in = { frame, false };
    Buf body, out;
    int64_t call = wire_take_i64(&in);
    buf_init(&body, WIRE_FRAME_MAX / 2);
    buf_init(&out, WIRE_FRAME_MAX);
    int r = call >= 0 && call < WIRE_CALLS ? served[call](l, cx, &in, &body) : misread(cx);
    if (r == 0 && !buf_ok(&body))
        r = err_set(cx, ERR_TOO_LARGE, "the answer of the event bus is too large");
    wire_i64(&out, r);
    if (r < 0) {
        wire_str(&out, str_c(cx->err.text));
        wire_str(&out, str_c(cx->err.field));
        wire_i64(&out, cx->err.retry_after_ms);
    }
    if (buf_ok(&body))
        buf_put_str(&out, buf_str(&body));
    int e = wire_send(cx, l->fd, &out);
    buf_done(&body);
    buf_done(&out);
    return e;
}

static void *line_main(void *arg) {
    Line *l = arg;
    BusShare *s = l->share;
    int r = 0;
    pthread_setname_np(pthread_self(), "bus-line");
    while (r == 0) {
        Arena arena = { 0 };
        Ctx cx;
        Str frame;
        ctx_init(&cx, &arena, s->clock);
        r = wire_receive(&cx, l->fd, &s->stop, &frame);
        cx.cancel = &s->stop;
        cx.principal = (Principal){ ROLE_ADMIN, S("bus") };
        if (r == 0)
            r = answer(l, &cx, frame);
        arena_done(&arena);
    }
    l->sub = event_bus_unsubscribe(l->sub);
    pthread_mutex_lock(&s->lock);
    close(l->fd);
    l->fd = -1;
    l->over = true;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* A line that is free, those that are over having been put away. */
static Line *free_line(BusShare *s) {
    Line *found = NULL;
    for (size_t i = 0; i < SHARE_CONNECTIONS_MAX; i++) {
        Line *l = &s->lines[i];
        if (l->used && l->over) {
            pthread_join(l->thread, NULL);
            l->used = false;
        }
        if (!l->used && !found)
            found = l;
    }
    return found;
}

static void begin_line(BusShare *s, int fd) {
    enum { PATIENCE_S = 60 };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    pthread_mutex_lock(&s->lock);
    Line *l = free_line(s);
    if (l)
        *l = (Line){ .share = s, .fd = fd, .used = true };
    if (!l || pthread_create(&l->thread, NULL, line_main, l)) {
        if (l)
            l->used = false;
        close(fd);
    }
    pthread_mutex_unlock(&s->lock);
}

static void *accept_main(void *arg) {
    enum { STEP_MS = 100 };
    BusShare *s = arg;
    pthread_setname_np(pthread_self(), "bus-share");
    while (!atomic_load(&s->stop)) {
        struct pollfd one = { .fd = s->fd, .events = POLLIN };
        if (poll(&one, 1, STEP_MS) <= 0)
            continue;
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            begin_line(s, fd);
    }
    return NULL;
}

/* --- life --- */

static int listen_at(Ctx *cx, const char *path, int *out) {
    struct sockaddr_un a;
    int dir, fd = shared_connect(path);
    if (fd >= 0) {
        close(fd);
        return err_set(cx, ERR_CONFLICT, "%s: another process serves the event bus there", path);
    }
    if (!shared_address(path, &a, &dir))
        return file_fail(cx, errno, "reach", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(path);
    /* The mode of the socket before bind is the mode of the file (unix(7)): never a moment open to others. */
    bool good = fd >= 0 && fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
                listen(fd, SHARE_CONNECTIONS_MAX) == 0;
    int why = errno;
    close(dir);
    *out = fd;
    if (good)
        return 0;
    if (fd >= 0)
        close(fd);
    return file_fail(cx, why, "listen at", path);
}

int bus_share_open(Ctx *cx, EventBus *bus, const char *path, Clock *clock, BusShare **out) {
    int fd = -1, r = listen_at(cx, path, &fd);
    if (r)
        return r;
    BusShare *s = mem_new(BusShare);
    *s = (BusShare){ .bus = bus, .clock = clock, .fd = fd, .path = mem_alloc(strlen(path) + 1) };
    memcpy(s->path, path, strlen(path) + 1);
    pthread_mutex_init(&s->lock, NULL);
    if (pthread_create(&s->accepter, NULL, accept_main, s)) {
        close(fd);
        unlink(path);
        mem_free(s->path);
        mem_free(s);
        return err_set(cx, ERR_BUSY, "no thread for the event bus");
    }
    *out = s;
    return 0;
}

BusShare *bus_share_close(BusShare *s) {
    if (!s)
        return NULL;
    atomic_store(&s->stop, true);
    pthread_join(s->accepter, NULL);
    unlink(s->path);
    close(s->fd);
    for (size_t i = 0; i < SHARE_CONNECTIONS_MAX; i++) {
        Line *l = &s->lines[i];
        if (!l->used)
            continue;
        pthread_mutex_lock(&s->lock);
        if (l->fd >= 0)
            shutdown(l->fd, SHUT_RDWR);
        pthread_mutex_unlock(&s->lock);
        pthread_join(l->thread, NULL);
    }
    pthread_mutex_destroy(&s->lock);
    mem_free(s->path);
    return mem_free(s);
}
