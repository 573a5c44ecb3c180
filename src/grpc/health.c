/* grpc/health.c - see health.h. Field numbers: grpc/health/v1/health.proto. */

#include "grpc/health.h"

#include "base/list.h"
#include "base/map.h"
#include "grpc/pb.h"

enum { NAME_MAX_BYTES = 256, SERVICES_MAX = 256 };

typedef struct Entry {
    char name[NAME_MAX_BYTES];
    size_t n;
    GrpcServing status;
} Entry;

struct GrpcHealth {
    Entry *entries[SERVICES_MAX];
    size_t n;
    ListNode watches;
    bool shut;
};

typedef struct Watch { /* the state of a call */
    ListNode node;
    GrpcCall *call;
    char name[NAME_MAX_BYTES];
    size_t n;
    int told; /* -1: nothing yet */
} Watch;

static Entry *find(const GrpcHealth *h, Str name) {
    for (size_t i = 0; i < h->n; i++)
        if (str_eq(str_n(h->entries[i]->name, h->entries[i]->n), name))
            return h->entries[i];
    return NULL;
}

GrpcHealth *grpc_health_new(void) {
    GrpcHealth *h = mem_new(GrpcHealth);
    list_init(&h->watches);
    grpc_health_set(h, S(""), GRPC_SERVING);
    return h;
}

GrpcHealth *grpc_health_free(GrpcHealth *h) {
    if (!h)
        return NULL;
    assert(list_empty(&h->watches));
    for (size_t i = 0; i < h->n; i++)
        mem_free(h->entries[i]);
    return mem_free(h);
}

static void tell_all(const GrpcHealth *h) {
    for (ListNode *it = h->watches.next; it != &h->watches; it = it->next)
        grpc_wake(LIST_ENTRY(it, Watch, node)->call);
}

void grpc_health_set(GrpcHealth *h, Str service, GrpcServing status) {
    Entry *e = find(h, service);
    assert(service.n < NAME_MAX_BYTES && (e || h->n < SERVICES_MAX));
    if (!e) {
        e = h->entries[h->n++] = mem_new(Entry);
        memcpy(e->name, service.n ? service.p : "", service.n);
        e->n = service.n;
    }
    e->status = h->shut ? GRPC_NOT_SERVING : status;
    tell_all(h);
}

void grpc_health_shutdown(GrpcHealth *h) {
    h->shut = true;
    for (size_t i = 0; i < h->n; i++)
        h->entries[i]->status = GRPC_NOT_SERVING;
    tell_all(h);
}

/* HealthCheckRequest.service */
static int read_name(Ctx *cx, Str message, Str *out) {
    enum { SERVICE = 1 };
    PbReader r = pb_reader(message);
    *out = S("");
    for (PbField f; pb_next(&r, &f);)
        if (f.number == SERVICE && f.wire == PB_BYTES)
            *out = f.bytes;
    if (r.bad || out->n >= NAME_MAX_BYTES)
        return err_set(cx, ERR_BAD_REQUEST, "the message is not a HealthCheckRequest");
    return 0;
}

static void write_status(Buf *b, GrpcServing status) {
    enum { STATUS = 1 };
    if (status != GRPC_SERVING_UNKNOWN) /* the zero value is not written */
        pb_put_number(b, STATUS, status);
}

static int send_status(GrpcCall *c, Ctx *cx, GrpcServing status) {
    Buf b;
    buf_init(&b, 16);
    write_status(&b, status);
    int r = grpc_send(c, cx, buf_str(&b));
    buf_done(&b);
    return r;
}

static int check(GrpcCall *c, Ctx *cx, Str message) {
    Str name;
    int r = read_name(cx, message, &name);
    const Entry *e = r == 0 ? find(grpc_service(c), name) : NULL;
    if (r == 0 && !e)
        return err_set(cx, ERR_NOT_FOUND, "unknown service");
    return r == 0 ? send_status(c, cx, e->status) : r;
}

static int watch(GrpcCall *c, Ctx *cx, Str message) {
    GrpcHealth *h = grpc_service(c);
    Watch *w = grpc_state(c);
    Str name;
    int r = read_name(cx, message, &name);
    if (r != 0)
        return r;
    memcpy(w->name, name.n ? name.p : "", name.n);
    w->n = name.n;
    w->told = -1;
    w->call = c;
    list_push_back(&h->watches, &w->node);
    return 0;
}

static int watch_next(GrpcCall *c, Ctx *cx) {
    Watch *w = grpc_state(c);
    const Entry *e = find(grpc_service(c), str_n(w->name, w->n));
    GrpcServing now = e ? e->status : GRPC_SERVICE_UNKNOWN;
    const GrpcHealth *h = grpc_service(c);
    if ((int)now == w->told) /* one that has been told of the end would keep the server from stopping */
        return h->shut ? err_set(cx, ERR_UNAVAILABLE, "the server is stopping") : GRPC_NEXT_WAIT;
    w->told = (int)now;
    int r = send_status(c, cx, now);
    return r == 0 ? GRPC_NEXT_MORE : r;
}

static void watch_close(GrpcCall *c) {
    Watch *w = grpc_state(c);
    if (w->call)
        list_remove(&w->node);
}

/* HealthListResponse.statuses: a map of names to HealthCheckResponse */
static int list(GrpcCall *c, Ctx *cx, Str message) {
    enum { STATUSES = 1, KEY = 1, VALUE = 2 };
    UNUSED(message);
    const GrpcHealth *h = grpc_service(c);
    Buf all;
    buf_init(&all, SERVICES_MAX * (NAME_MAX_BYTES + 32));
    for (size_t i = 0; i < h->n; i++) {
        Buf entry, status;
        buf_init(&entry, NAME_MAX_BYTES + 32);
        buf_init(&status, 16);
        write_status(&status, h->entries[i]->status);
        pb_put_bytes(&entry, KEY, str_n(h->entries[i]->name, h->entries[i]->n));
        pb_put_bytes(&entry, VALUE, buf_str(&status));
        pb_put_bytes(&all, STATUSES, buf_str(&entry));
        buf_done(&entry);
        buf_done(&status);
    }
    int r = grpc_send(c, cx, buf_str(&all));
    buf_done(&all);
    return r;
}

static const GrpcMethod methods[] = {
    { .name = "Check", .lane = GRPC_ON_LOOP, .message = check },
    { .name = "Watch",
      .server_streams = true,
      .lane = GRPC_ON_LOOP,
      .state_size = sizeof(Watch),
      .message = watch,
      .next = watch_next,
      .close = watch_close },
    { .name = "List", .lane = GRPC_ON_LOOP, .message = list },
};

const GrpcService grpc_health_service = { "grpc.health.v1.Health", methods, ARRAY_LEN(methods) };
