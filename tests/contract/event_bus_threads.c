/* Threads that publish and consume on one bus: each message once, none lost. */

#include "contract/event_bus.h"

#include <pthread.h>

typedef struct Worker {
    EventBus *b;
    int nr, n, r;
    atomic_int *left;
} Worker;

static void *publish_some(void *arg) {
    Worker *w = arg;
    TestCtx t;
    test_ctx_init(&t);
    for (int i = 0; i < w->n && w->r == 0; i++) {
        Event e = { .id = str_fmt(&t.arena, "w%d-%d", w->nr, i),
                    .type = S("t"),
                    .version = 1,
                    .body = S("{}"),
                    .at = clock_wall(t.cx.clock) };
        Publication p = { S("threads.x"), S("a.b"), true, &e };
        w->r = event_bus_publish(w->b, &t.cx, &p);
    }
    test_ctx_done(&t);
    return NULL;
}

static void *consume_some(void *arg) {
    Worker *w = arg;
    TestCtx t;
    Subscription *s;
    test_ctx_init(&t);
    w->r = event_bus_subscribe(w->b, &t.cx, &(SubscribeOptions){ .queue = S("threads.q"), .prefetch = 7 }, &s);
    while (w->r == 0 && atomic_load(w->left) > 0) {
        Delivery *d;
        size_t n;
        int r = event_bus_receive(s, &t.cx, 20, &d, 5, &n);
        if (r == BUS_EMPTY)
            continue;
        w->r = r;
        for (size_t i = 0; w->r == 0 && i < n; i++) {
            w->r = event_bus_ack(s, &t.cx, d[i].tag);
            atomic_fetch_sub(w->left, 1);
            w->n++;
        }
    }
    event_bus_unsubscribe(s);
    test_ctx_done(&t);
    return NULL;
}

void bus_threads_test(void **state_) {
    enum { N = 4, EACH = 100 };
    TestCtx t;
    test_ctx_init(&t);
    const char *dir = test_dir();
    EventBus *bus = bus_maker.open(&t, dir);
    BusExchange x = { S("threads.x"), EXCHANGE_TOPIC };
    BusQueue q = { .name = S("threads.q") };
    BusBinding b = { x.name, q.name, false, S("#") };
    CHECK_OK(&t.cx, event_bus_declare(bus, &t.cx, &(BusTopology){ &x, 1, &q, 1, &b, 1 }));
    pthread_t ids[2 * N];
    Worker w[2 * N];
    atomic_int left = N * EACH;
    for (int i = 0; i < 2 * N; i++) {
        w[i] = (Worker){ .b = bus, .nr = i, .n = i < N ? EACH : 0, .left = &left };
        CHECK_EQ(pthread_create(&ids[i], NULL, i < N ? publish_some : consume_some, &w[i]), 0);
    }
    int consumed = 0;
    for (int i = 0; i < 2 * N; i++) {
        pthread_join(ids[i], NULL);
        CHECK_EQ(w[i].r, 0);
        consumed += i < N ? 0 : w[i].n;
    }
    CHECK_EQ(consumed, N * EACH);
    event_bus_close(bus);
    test_dir_done(dir);
    test_ctx_done(&t);
}
