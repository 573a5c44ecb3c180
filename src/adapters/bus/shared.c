/* adapters/bus/shared.c - see shared.h. */

#include "adapters/bus/shared.h"

#include "adapters/bus/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { IDLE_MAX = 8, TAG_BITS = 48 };

typedef struct SharedBus {
    EventBus bus; /* first */
    char *path;
    pthread_mutex_t lock;
    int idle[IDLE_MAX]; /* connections that wait for a call */
    size_t n_idle;
} SharedBus;

typedef struct SharedSubscription {
    Subscription sub; /* first */
    int fd;           /* -1: not connected */
    int64_t life;     /* times it was; in the tags, so that those of an earlier life are known */
    SubscribeOptions o;
    Arena keep;
} SharedSubscription;

/* --- connections --- */

bool shared_address(const char *path, struct sockaddr_un *out, int *dir_fd) {
    Arena a = { 0 };
    const char *slash = strrchr(path, '/');
    Str dir = slash ? str_n(path, MAX((size_t)(slash - path), (size_t)1)) : S(".");
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    *dir_fd = open(str_cz(&a, dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
    arena_done(&a);
    int n = snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/%s", *dir_fd, slash ? slash + 1 : path);
    if (*dir_fd < 0 || (n > 0 && (size_t)n < sizeof out->sun_path))
        return *dir_fd >= 0;
    close(*dir_fd);
    errno = ENAMETOOLONG;
    return false;
}

int shared_connect(const char *path) {
    struct sockaddr_un a;
    int dir;
    if (!shared_address(path, &a, &dir))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a)) {
        int why = errno;
        close(fd);
        errno = why;
        fd = -1;
    }
    close(dir);
    return fd;
}

/* One call on a connection. 0 or an outcome: *in is what follows the code; below 0 with *whole: the bus said so, and the
 * connection is as good as before. */
static int call_on(int fd, Ctx *cx, const Buf *request, WireIn *in, bool *whole) {
    Str frame;
    *whole = false;
    int r = wire_send(cx, fd, request);
    if (r == 0)
        r = wire_receive(cx, fd, NULL, &frame);
    if (r)
        return r;
    *in = (WireIn){ frame, false };
    int64_t code = wire_take_i64(in), retry_after_ms = 0;
    Str text = { 0 }, field = { 0 };
    if (code < 0) {
        text = wire_take_str(in);
        field = wire_take_str(in);
        retry_after_ms = wire_take_i64(in);
    }
    if (in->bad || code < INT16_MIN || code > INT16_MAX)
        return err_set(cx, ERR_UNAVAILABLE, "the event bus of the other process answers something else than answers");
    *whole = true;
    if (code >= 0)
        return (int)code;
    err_set_at(cx, (int)code, field, STR_FMT, STR_ARG(text));
    cx->err.retry_after_ms = retry_after_ms;
    return (int)code;
}

static void request_init(Buf *b, WireCall call) {
    buf_init(b, WIRE_FRAME_MAX);
    wire_i64(b, call);
}

static int connect_to(SharedBus *b, Ctx *cx, int *out) {
    enum { PATIENCE_S = 60 };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = shared_connect(b->path);
    if (fd < 0)
        return err_set(cx, ERR_UNAVAILABLE, "%s: the process that has the event bus is not there: %s", b->path,
                       errno == ENOENT || errno == ECONNREFUSED ? "it does not run" : strerrorname_np(errno));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    Buf hello;
    WireIn in;
    bool whole;
    request_init(&hello, WIRE_HELLO);
    wire_i64(&hello, WIRE_VERSION);
    int r = call_on(fd, cx, &hello, &in, &whole);
    buf_done(&hello);
    if (r)
        close(fd);
    else
        *out = fd;
    return r;
}

/* An idle line that the other end has closed is of no use: it is readable. */
static bool usable(int fd) {
    struct pollfd one = { .fd = fd, .events = POLLIN | POLLRDHUP };
    return poll(&one, 1, 0) == 0;
}

static int take_line(SharedBus *b, Ctx *cx, int *out) {
    int fd = -1;
    pthread_mutex_lock(&b->lock);
    while (fd < 0 && b->n_idle) {
        fd = b->idle[--b->n_idle];
        if (!usable(fd)) {
            close(fd);
            fd = -1;
        }
    }
    pthread_mutex_unlock(&b->lock);
    *out = fd;
    return fd >= 0 ? 0 : connect_to(b, cx, out);
}

static void give_line(SharedBus *b, int fd) {
    pthread_mutex_lock(&b->lock);
    bool room = b->n_idle < IDLE_MAX;
    if (room)
        b->idle[b->n_idle++] = fd;
    pthread_mutex_unlock(&b->lock);
    if (!room)
        close(fd);
}

/* Takes the request: it is freed. */
static int call(EventBus *bus, Ctx *cx, Buf *request, WireIn *in) {
    SharedBus *b = (SharedBus *)bus;
    bool whole = false;
    int fd, r = take_line(b, cx, &fd);
    if (r == 0) {
        r = call_on(fd, cx, request, in, &whole);
        if (whole)
            give_line(b, fd);
        else
            close(fd);
    }
    buf_done(request);
    return r;
}

static int misread(Ctx *cx) {
    return err_set(cx, ERR_UNAVAILABLE, "the event bus of the other process answers something else than answers");
}

/* --- publishing --- */

static int declare(EventBus *bus, Ctx *cx, const BusTopology *t) {
    Buf b;
    WireIn in;
    request_init(&b, WIRE_DECLARE);
    wire_topology(&b, t);
    return call(bus, cx, &b, &in);
}

static int publish_some(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome) {
    Buf b;
    WireIn in = { 0 };
    request_init(&b, WIRE_PUBLISH);
    wire_i64(&b, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        wire_str(&b, v[i].exchange);
        wire_str(&b, v[i].routing_key);
        wire_i64(&b, v[i].mandatory);
        wire_event(&b, v[i].event);
    }
    int r = call(bus, cx, &b, &in);
    if (in.rest.n == 0) /* no line, or refused before it was read */
        return r;
    if (wire_take_count(&in, sizeof(int64_t), n) != n)
        return misread(cx);
    for (size_t i = 0; i < n; i++)
        outcome[i] = (int)wire_take_i64(&in);
    return wire_all(&in) ? r : misread(cx);
}

static int publish(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome) {
    int first = 0;
    for (size_t i = 0; i < n; i++)
        outcome[i] = ERR_UNAVAILABLE;
    for (size_t at = 0, k; at < n; at += k) {
        size_t bytes = 0;
        for (k = 0; at + k < n && (k == 0 || bytes < WIRE_PART_BYTES); k++)
            bytes += v[at + k].event->body.n + 1024;
        int r = publish_some(bus, cx, v + at, k, outcome + at);
        first = first ? first : r;
        if (r == ERR_UNAVAILABLE || r == ERR_CANCELLED || r == ERR_TIMEOUT)
            break;
    }
    return first;
}

/* --- consuming --- */

static int sub_call(SharedSubscription *s, Ctx *cx, Buf *request, WireIn *in) {
    bool whole = false;
    int r = call_on(s->fd, cx, request, in, &whole);
    if (!whole) { /* what it held goes back at the other end */
        close(s->fd);
        s->fd = -1;
    }
    buf_done(request);
    return r;
}

static int attach(SharedSubscription *s, Ctx *cx) {
    if (s->fd >= 0)
        return 0;
    Buf b;
    WireIn in;
    int r = connect_to((SharedBus *)s->sub.bus, cx, &s->fd);
    if (r) {
        s->fd = -1;
        return r;
    }
    s->life++;
    request_init(&b, WIRE_SUBSCRIBE);
    wire_str(&b, s->o.queue);
    wire_str(&b, s->o.group);
    wire_str(&b, s->o.consumer);
    wire_i64(&b, s->o.from);
    wire_i64(&b, s->o.prefetch);
    r = sub_call(s, cx, &b, &in);
    if (r && s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    return r;
}

static int subscribe(EventBus *bus, Ctx *cx, const SubscribeOptions *o, Subscription **out) {
    SharedSubscription *s = mem_new(SharedSubscription);
    *s = (SharedSubscription){ .sub = { bus }, .fd = -1, .o = *o };
    s->o.queue = str_dup(&s->keep, o->queue);
    s->o.group = str_dup(&s->keep, o->group);
    s->o.consumer = str_dup(&s->keep, o->consumer);
    int r = attach(s, cx);
    if (r == 0) {
        *out = &s->sub;
        return 0;
    }
    arena_done(&s->keep);
    mem_free(s);
    return r;
}

static int64_t tag_here(const SharedSubscription *s, int64_t tag) {
    return (s->life & 0x7fff) << TAG_BITS | tag;
}

static bool tag_there(const SharedSubscription *s, int64_t *tag) {
    bool mine = s->fd >= 0 && *tag >> TAG_BITS == (s->life & 0x7fff);
    *tag &= (INT64_C(1) << TAG_BITS) - 1;
    return mine;
}

static int take_deliveries(SharedSubscription *s, Ctx *cx, WireIn *in, Delivery *v, size_t most, size_t *n) {
    size_t k = wire_take_count(in, sizeof(int64_t), MIN(most, (size_t)WIRE_EVENTS_MAX));
    for (size_t i = 0; i < k; i++) {
        Delivery *d = &v[*n + i];
        *d = (Delivery){ .tag = tag_here(s, wire_take_i64(in)) };
        d->exchange = wire_take_str(in);
        d->routing_key = wire_take_str(in);
        d->again = wire_take_i64(in) != 0;
        d->count = wire_take_i64(in);
        d->position = wire_take_i64(in);
        d->event = wire_take_event(in, cx->arena);
        d->death = wire_take_death(in, cx->arena);
    }
    if (!wire_all(in)) {
        close(s->fd);
        s->fd = -1;
        return misread(cx);
    }
    *n += k;
    return 0;
}

static int receive(Subscription *sub, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n) {
    SharedSubscription *s = (SharedSubscription *)sub;
    int r = attach(s, cx);
    *out = arena_new_n(cx->arena, Delivery, most);
    *n = 0;
    for (bool full = true; r == 0 && *n < most && full;) { /* answers are short: more of them while there is more */
        Buf b;
        WireIn in;
        size_t had = *n;
        request_init(&b, WIRE_RECEIVE);
        wire_i64(&b, had ? 0 : wait_ms);
        wire_i64(&b, (int64_t)(most - had));
        r = sub_call(s, cx, &b, &in);
        if (r == 0)
            r = take_deliveries(s, cx, &in, *out, most - had, n);
        full = *n - had == WIRE_EVENTS_MAX;
    }
    if (*n && r) { /* those that came are good; what went wrong is told by the next call */
        bool lost = s->fd < 0;
        if (r < 0)
            err_clear(cx);
        if (lost)
            *n = 0;
        return lost ? err_set(cx, ERR_UNAVAILABLE, "the line to the event bus broke") : 0;
    }
    return r;
}

static int ack(Subscription *sub, Ctx *cx, const int64_t *tags, size_t n) {
    SharedSubscription *s = (SharedSubscription *)sub;
    int64_t *mine = arena_new_n(cx->arena, int64_t, n);
    size_t n_mine = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t tag = tags[i];
        if (tag_there(s, &tag))
            mine[n_mine++] = tag;
    }
    if (n_mine == 0)
        return n ? BUS_STALE : 0;
    Buf b;
    WireIn in;
    request_init(&b, WIRE_ACK);
    wire_i64(&b, (int64_t)n_mine);
    for (size_t i = 0; i < n_mine; i++)
        wire_i64(&b, mine[i]);
    int r = sub_call(s, cx, &b, &in);
    return r == 0 && n_mine < n ? BUS_STALE : r;
}

static int reject(Subscription *sub, Ctx *cx, int64_t tag, BusReject how, Str words) {
    SharedSubscription *s = (SharedSubscription *)sub;
    Buf b;
    WireIn in;
    if (!tag_there(s, &tag))
        return BUS_STALE;
    request_init(&b, WIRE_REJECT);
    wire_i64(&b, tag);
    wire_i64(&b, how);
    wire_str(&b, words);
    return sub_call(s, cx, &b, &in);
}

/* Said and answered, so that what it held is back when this returns. */
static void unsubscribe(Subscription *sub) {
    SharedSubscription *s = (SharedSubscription *)sub;
    if (s->fd >= 0) {
        Arena arena = { 0 };
        Clock clock = { 0 };
        Ctx cx;
        Buf b;
        WireIn in;
        ctx_init(&cx, &arena, &clock); /* without a deadline nobody asks it */
        request_init(&b, WIRE_UNSUBSCRIBE);
        sub_call(s, &cx, &b, &in);
        arena_done(&arena);
    }
    if (s->fd >= 0)
        close(s->fd);
    arena_done(&s->keep);
    mem_free(s);
}

/* --- the past and the dead --- */

static int read_some(EventBus *bus, Ctx *cx, const BusRead *q, BusPage *out) {
    Buf b;
    WireIn in;
    request_init(&b, WIRE_READ);
    wire_i64(&b, q->after);
    wire_i64(&b, q->from.ms);
    wire_str(&b, q->pattern);
    wire_str(&b, q->type);
    wire_str(&b, q->key);
    wire_i64(&b, (int64_t)(q->limit - out->n));
    int r = call(bus, cx, &b, &in);
    if (r)
        return r;
    out->next = wire_take_i64(&in);
    out->more = wire_take_i64(&in) != 0;
    size_t n = wire_take_count(&in, sizeof(int64_t), q->limit - out->n);
    for (size_t i = 0; i < n; i++) {
        LoggedEvent *e = &out->v[out->n++];
        e->position = wire_take_i64(&in);
        e->exchange = wire_take_str(&in);
        e->routing_key = wire_take_str(&in);
        e->at = time_ms(wire_take_i64(&in));
        e->event = wire_take_event(&in, cx->arena);
    }
    return wire_all(&in) ? 0 : misread(cx);
}

static int read_past(EventBus *bus, Ctx *cx, const BusRead *q, BusPage *out) {
    BusRead rest = *q;
    *out = (BusPage){ .v = arena_new_n(cx->arena, LoggedEvent, q->limit), .next = q->after, .more = true };
    int r = 0;
    while (r == 0 && out->more && out->n < q->limit) {
        rest.after = out->next;
        r = read_some(bus, cx, &rest, out);
    }
    return r;
}

static int dead_some(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter *v, size_t *n) {
    Buf b;
    WireIn in;
    request_init(&b, WIRE_DEAD_LIST);
    wire_str(&b, queue);
    wire_str(&b, after);
    wire_i64(&b, (int64_t)limit);
    int r = call(bus, cx, &b, &in);
    *n = r ? 0 : wire_take_count(&in, sizeof(int64_t), limit);
    for (size_t i = 0; i < *n; i++) {
        v[i].handle = wire_take_str(&in);
        v[i].event = wire_take_event(&in, cx->arena);
        const Death *d = wire_take_death(&in, cx->arena);
        v[i].death = d ? *d : (Death){ 0 };
    }
    return r ? r : wire_all(&in) ? 0 : misread(cx);
}

static int dead_list(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n) {
    DeadLetter *v = arena_new_n(cx->arena, DeadLetter, limit);
    int r = 0;
    *out = v;
    for (size_t k = WIRE_EVENTS_MAX; r == 0 && k == WIRE_EVENTS_MAX && *n < limit; *n += k) {
        r = dead_some(bus, cx, queue, after, limit - *n, v + *n, &k);
        after = r == 0 && k ? v[*n + k - 1].handle : after;
    }
    return r;
}

static int change_dead(EventBus *bus, Ctx *cx, WireCall what, Str queue, const Str *handles, size_t n, int64_t *done) {
    Buf b;
    WireIn in;
    request_init(&b, what);
    wire_str(&b, queue);
    wire_i64(&b, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        wire_str(&b, handles[i]);
    int r = call(bus, cx, &b, &in);
    *done = r ? 0 : wire_take_i64(&in);
    return r ? r : wire_all(&in) ? 0 : misread(cx);
}

static int dead_requeue(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    return change_dead(bus, cx, WIRE_DEAD_REQUEUE, queue, handles, n, done);
}

static int dead_drop(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    return change_dead(bus, cx, WIRE_DEAD_DROP, queue, handles, n, done);
}

/* --- numbers --- */

static int stats(EventBus *bus, Ctx *cx, QueueDepth **out, size_t *n) {
    enum { QUEUES_MAX = 10000 };
    Buf b;
    WireIn in;
    request_init(&b, WIRE_STATS);
    int r = call(bus, cx, &b, &in);
    *n = r ? 0 : wire_take_count(&in, sizeof(int64_t), QUEUES_MAX);
    *out = arena_new_n(cx->arena, QueueDepth, *n);
    for (size_t i = 0; i < *n; i++) {
        QueueDepth *d = &(*out)[i];
        int64_t *const numbers[] = { &d->ready,     &d->unacked,   &d->consumers, &d->oldest.ms,
                                     &d->published, &d->delivered, &d->acked,     &d->requeued,
                                     &d->dead,      &d->expired,   &d->dropped };
        d->queue = wire_take_str(&in);
        d->group = wire_take_str(&in);
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
            *numbers[k] = wire_take_i64(&in);
    }
    return r ? r : wire_all(&in) ? 0 : misread(cx);
}

static int describe(EventBus *bus, Ctx *cx, BusInfo *out) {
    Buf b;
    WireIn in;
    request_init(&b, WIRE_DESCRIBE);
    int r = call(bus, cx, &b, &in);
    *out = (BusInfo){ .adapter = "shared", .location = str_c(((SharedBus *)bus)->path) };
    if (r == ERR_UNAVAILABLE) { /* that it is away is what is asked for */
        err_clear(cx);
        out->first_position = out->last_position = -1;
        return 0;
    }
    if (r)
        return r;
    out->location = wire_take_str(&in);
    out->first_position = wire_take_i64(&in);
    out->last_position = wire_take_i64(&in);
    out->bytes = wire_take_i64(&in);
    out->connected = wire_take_i64(&in) != 0;
    return wire_all(&in) ? 0 : misread(cx);
}

static int tick(EventBus *bus, Ctx *cx) {
    Buf b;
    WireIn in;
    request_init(&b, WIRE_TICK);
    return call(bus, cx, &b, &in);
}

/* --- life --- */

static void close_bus(EventBus *bus) {
    SharedBus *b = (SharedBus *)bus;
    for (size_t i = 0; i < b->n_idle; i++)
        close(b->idle[i]);
    pthread_mutex_destroy(&b->lock);
    mem_free(b->path);
    mem_free(b);
}

static const EventBusOps shared_ops = {
    .name = "shared",
    .can = BUS_CAN_ROUTE | BUS_CAN_MANDATORY | BUS_CAN_TTL | BUS_CAN_PRIORITY | BUS_CAN_COUNT | BUS_CAN_REPLAY |
           BUS_CAN_GROUPS | BUS_CAN_DEPTH | BUS_CAN_SELECT | BUS_CAN_BOUND | BUS_CAN_DELAY | BUS_CAN_FIRST |
           BUS_CAN_CLOCK,
    .declare = declare,
    .publish = publish,
    .subscribe = subscribe,
    .receive = receive,
    .ack = ack,
    .reject = reject,
    .unsubscribe = unsubscribe,
    .read = read_past,
    .dead_list = dead_list,
    .dead_requeue = dead_requeue,
    .dead_drop = dead_drop,
    .stats = stats,
    .describe = describe,
    .tick = tick,
    .close = close_bus,
};

EventBus *event_shared_new(const char *path) {
    SharedBus *b = mem_new(SharedBus);
    *b = (SharedBus){ .bus = { .ops = &shared_ops }, .path = mem_alloc(strlen(path) + 1) };
    memcpy(b->path, path, strlen(path) + 1);
    pthread_mutex_init(&b->lock, NULL);
    return &b->bus;
}
