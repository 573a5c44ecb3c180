/* The contract of ports/event_bus.h, run against every adapter (MSG-39, U07). What an adapter says it cannot do is
 * skipped with the reason; everything else holds for all. */

#include "contract/event_bus.h"

#include <unistd.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    EventBus *b;
    int n_sent;
} Fixture;

/* Names of this run alone: a broker outlives a test. */
static Str named(Fixture *f, const char *name) {
    Str dir = str_c(f->dir), last = { 0 };
    while (str_next(&dir, '/', &last))
        ;
    return str_fmt(&f->t.arena, "t" STR_FMT ".%s", STR_ARG(last), name);
}

static void begin(Fixture *f) {
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->b = bus_maker.open(&f->t, f->dir);
}

static void end(Fixture *f) {
    event_bus_close(f->b);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

#define NEEDS(f, what)                                                                                                 \
    do {                                                                                                               \
        if (!event_bus_can((f)->b, what)) {                                                                            \
            end(f);                                                                                                    \
            SKIP("the %s bus cannot do it (" #what ")", bus_maker.name);                                               \
        }                                                                                                              \
    } while (0)

static void pass_ms(Fixture *f, int64_t ms) {
    clock_manual_advance_ms(&f->t.clock, ms);
    if (!event_bus_can(f->b, BUS_CAN_CLOCK))
        usleep((useconds_t)(ms * 1000));
}

/* A topic exchange "x", a direct one "dlx" with the queue "dlq", and a queue "q" bound to x by `pattern`. */
static void declare(Fixture *f, const BusQueue *q, const char *pattern) {
    BusExchange x[] = { { named(f, "x"), EXCHANGE_TOPIC }, { named(f, "dlx"), EXCHANGE_DIRECT } };
    BusQueue queues[] = { *q, { .name = named(f, "dlq") } };
    BusBinding b[] = { { x[0].name, q->name, false, str_c(pattern) }, { x[1].name, queues[1].name, false, S("dead") } };
    BusTopology t = { x, 2, queues, 2, b, 2 };
    CHECK_OK_PLAIN(&f->t.cx, event_bus_declare(f->b, &f->t.cx, &t));
}

static BusQueue queue(Fixture *f, const char *name) {
    return (BusQueue){ .name = named(f, name), .dead_exchange = named(f, "dlx"), .dead_key = S("dead") };
}

static Event event(Fixture *f, const char *body) {
    return (Event){ .id = str_fmt(&f->t.arena, "id-%d", ++f->n_sent),
                    .type = S("data_update"),
                    .key = S("BTCUSDT"),
                    .correlation_id = S("c-1"),
                    .source = S("market"),
                    .version = 1,
                    .at = clock_wall(f->t.cx.clock),
                    .body = str_c(body) };
}

static int send_event(Fixture *f, const char *exchange, const char *key, const Event *e) {
    Publication p = { exchange[0] ? named(f, exchange) : S(""), str_c(key), true, e };
    return event_bus_publish(f->b, &f->t.cx, &p);
}

static int send(Fixture *f, const char *key, const char *body) {
    Event e = event(f, body);
    return send_event(f, "x", key, &e);
}

static Subscription *subscribe(Fixture *f, const char *name, int prefetch) {
    Subscription *s = NULL;
    SubscribeOptions o = { .queue = named(f, name), .prefetch = prefetch };
    CHECK_OK_PLAIN(&f->t.cx, event_bus_subscribe(f->b, &f->t.cx, &o, &s));
    return s;
}

/* The next one, or NULL where none comes. */
static const Delivery *next(Fixture *f, Subscription *s) {
    Delivery *d;
    size_t n;
    int r = event_bus_receive(s, &f->t.cx, bus_maker.wait_ms, &d, 1, &n);
    if (r == BUS_EMPTY)
        return NULL;
    CHECK_OK_PLAIN(&f->t.cx, r);
    return d;
}

static Str next_body(Fixture *f, Subscription *s) {
    const Delivery *d = next(f, s);
    if (!d)
        return S("(none)");
    CHECK_OK_PLAIN(&f->t.cx, event_bus_ack(s, &f->t.cx, d->tag));
    return d->event.body;
}

/* Bodies of a queue, acknowledged, with spaces between. */
static Str drain(Fixture *f, const char *name) {
    Subscription *s = subscribe(f, name, 1);
    Str all = S("");
    const Delivery *d;
    while ((d = next(f, s))) {
        all = str_fmt(&f->t.arena, STR_FMT "%s" STR_FMT, STR_ARG(all), all.n ? " " : "", STR_ARG(d->event.body));
        CHECK_OK_PLAIN(&f->t.cx, event_bus_ack(s, &f->t.cx, d->tag));
    }
    event_bus_unsubscribe(s);
    return all;
}

/* --- publish and receive --- */

/* MSG-10, MSG-11: body, headers, everything that was said of it. */
TEST(an_event_comes_as_it_went) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    const EventHeader headers[] = { { S("traceparent"), S("00-1-2-01") }, { S("note"), S("ünïcode \"=\" ok") } };
    Event e = event(&f, "{\"a\":[1,2,null],\"b\":\"ü\"}");
    e.version = 2;
    e.headers = headers;
    e.n_headers = 2;
    CHECK_OK(&f.t.cx, send_event(&f, "x", "data_update.market", &e));
    Subscription *s = subscribe(&f, "q", 0);
    const Delivery *d = next(&f, s);
    CHECK(d != NULL);
    CHECK_STR(d->event.id, e.id);
    CHECK_STR(d->event.type, e.type);
    CHECK_STR(d->event.key, e.key);
    CHECK_STR(d->event.correlation_id, e.correlation_id);
    CHECK_STR(d->event.source, e.source);
    CHECK_EQ(d->event.version, 2);
    CHECK_EQ(d->event.at.ms, e.at.ms);
    CHECK_STR(d->event.body, e.body);
    CHECK_STR(d->routing_key, S("data_update.market"));
    CHECK_EQ(d->event.n_headers, 2);
    for (size_t i = 0; i < 2; i++) { /* in any order: RabbitMQ 4 sorts them */
        bool first = str_eq(d->event.headers[0].name, headers[i].name);
        CHECK_STR(d->event.headers[first ? 0 : 1].name, headers[i].name);
        CHECK_STR(d->event.headers[first ? 0 : 1].value, headers[i].value);
    }
    CHECK(!d->again && d->count == 0 && d->death == NULL);
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    CHECK(next(&f, s) == NULL);
    event_bus_unsubscribe(s);
    end(&f);
}

TEST(what_was_confirmed_survives_a_restart) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a.b", "1"));
    CHECK_OK(&f.t.cx, send(&f, "a.b", "2"));
    if (bus_maker.persistent) {
        event_bus_close(f.b);
        f.b = bus_maker.open(&f.t, f.dir);
    }
    CHECK_STR(drain(&f, "q"), S("1 2"));
    end(&f);
}

TEST(many_are_confirmed_at_once_and_keep_their_order) {
    enum { N = 500 };
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    Event e[N];
    Publication p[N];
    int outcome[N];
    for (int i = 0; i < N; i++) {
        e[i] = event(&f, "{}");
        e[i].body = str_fmt(&f.t.arena, "%d", i);
        p[i] = (Publication){ named(&f, "x"), S("a.b"), true, &e[i] };
    }
    CHECK_OK(&f.t.cx, event_bus_publish_many(f.b, &f.t.cx, p, N, outcome));
    Subscription *s = subscribe(&f, "q", 100);
    int at = 0;
    while (at < N) {
        Delivery *d;
        size_t n;
        int64_t tags[64];
        CHECK_OK(&f.t.cx, event_bus_receive(s, &f.t.cx, bus_maker.wait_ms, &d, 64, &n));
        for (size_t i = 0; i < n; i++, at++) {
            CHECK_STR(d[i].event.body, str_fmt(&f.t.arena, "%d", at));
            CHECK_EQ(outcome[at], 0);
            tags[i] = d[i].tag;
        }
        CHECK_OK(&f.t.cx, event_bus_ack_many(s, &f.t.cx, tags, n));
    }
    CHECK(next(&f, s) == NULL);
    event_bus_unsubscribe(s);
    end(&f);
}

/* U09: an event nobody gets is told, not lost in silence. */
TEST(an_unroutable_event_is_told) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_MANDATORY);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "a.*");
    CHECK_EQ(send(&f, "b.c", "1"), BUS_UNROUTED);
    Event e = event(&f, "2");
    Publication p = { named(&f, "x"), S("b.c"), false, &e };
    CHECK_OK(&f.t.cx, event_bus_publish(f.b, &f.t.cx, &p));
    CHECK_OK(&f.t.cx, send(&f, "a.c", "3"));
    CHECK_STR(drain(&f, "q"), S("3"));
    end(&f);
}

TEST(an_exchange_that_is_not_there_is_an_error_and_the_bus_goes_on) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_ROUTE);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    Event e = event(&f, "1");
    CHECK_EQ(send_event(&f, "nothing", "a", &e), ERR_NOT_FOUND);
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    CHECK_STR(drain(&f, "q"), S("2"));
    end(&f);
}

/* What no adapter takes. */
TEST(bad_events_are_refused_with_their_place) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    char much[EVENT_KEY_MAX + 2];
    memset(much, 'a', sizeof much);
    static const struct {
        const char *name, *field;
    } rows[] = { { "no id", "id" },          { "no type", "event_type" },
                 { "priority", "priority" }, { "version", "version" },
                 { "ttl", "ttl" },           { "routing key", "routing_key" },
                 { "header name", "header" } };
    const EventHeader bad = { S("a b"), S("") };
    EACH_ROW (r, rows) {
        Event e = event(&f, "{}");
        Publication p = { named(&f, "x"), S("a.b"), true, &e };
        switch (r - rows) {
        case 0:
            e.id = S("");
            break;
        case 1:
            e.type = S("a b");
            break;
        case 2:
            e.priority = EVENT_PRIORITIES;
            break;
        case 3:
            e.version = 0;
            break;
        case 4:
            e.ttl_ms = -1;
            break;
        case 5:
            p.routing_key = str_n(much, sizeof much);
            break;
        default:
            e.headers = &bad, e.n_headers = 1;
            break;
        }
        CHECK_EQ(event_bus_publish(f.b, &f.t.cx, &p), ERR_INVALID);
        CHECK_STR(str_c(f.t.cx.err.field), str_c(r->field));
    }
    CHECK_STR(drain(&f, "q"), S(""));
    end(&f);
}

static int fail_at(void *arg, Ctx *cx, const char *point) {
    return strcmp(point, arg) == 0 ? err_set(cx, ERR_UNAVAILABLE, "lost at %s", point) : 0;
}

/* A relay marks what has outcome >= 0: a call that failed before it reached the bus has confirmed nothing. */
TEST(a_publish_that_fails_early_has_confirmed_nothing) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    Event e[2] = { event(&f, "1"), event(&f, "2") };
    Publication p[2] = { { named(&f, "x"), S("a"), true, &e[0] }, { named(&f, "x"), S("a"), true, &e[1] } };
    int outcome[2] = { 0, 0 };
    char before[] = "publish", after[] = "published";
    event_bus_set_fault(f.b, fail_at, before);
    CHECK_EQ(event_bus_publish_many(f.b, &f.t.cx, p, 2, outcome), ERR_UNAVAILABLE);
    CHECK(outcome[0] < 0 && outcome[1] < 0);
    event_bus_set_fault(f.b, fail_at, after);
    CHECK_EQ(event_bus_publish_many(f.b, &f.t.cx, p, 2, outcome), ERR_UNAVAILABLE);
    CHECK(outcome[0] == 0 && outcome[1] == 0); /* the answer was lost, not the events */
    event_bus_set_fault(f.b, NULL, NULL);
    CHECK_STR(drain(&f, "q"), S("1 2"));
    end(&f);
}

/* --- routing --- */

/* MSG-19 through the adapter: the same words as tests/unit/core/test_event.c. */
TEST(topics_are_routed_as_amqp_says) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_ROUTE);
    static const struct {
        const char *name, *pattern, *key;
        bool want;
    } rows[] = {
        { "equal", "a.b", "a.b", true },           { "star", "a.*", "a.b", true },
        { "star none", "a.*", "a", false },        { "star two", "a.*", "a.b.c", false },
        { "hash none", "a.#", "a", true },         { "hash many", "a.#", "a.b.c", true },
        { "hash between", "a.#.d", "a.d", true },  { "hash alone", "#", "x.y", true },
        { "star hash", "*.#", "a", true },         { "hash star empty", "#.*", "", false },
        { "empty word", "a.*.b", "a..b", true },   { "case", "A.b", "a.b", false },
        { "a hash in a word", "a#", "ab", false },
    };
    int i = 0;
    EACH_ROW (r, rows) {
        BusQueue q = { .name = named(&f, str_cz(&f.t.arena, str_fmt(&f.t.arena, "q%d", i))) };
        BusExchange x = { named(&f, str_cz(&f.t.arena, str_fmt(&f.t.arena, "x%d", i))), EXCHANGE_TOPIC };
        BusBinding b = { x.name, q.name, false, str_c(r->pattern) };
        BusTopology t = { &x, 1, &q, 1, &b, 1 };
        CHECK_OK(&f.t.cx, event_bus_declare(f.b, &f.t.cx, &t));
        Event e = event(&f, "{}");
        Publication p = { x.name, str_c(r->key), true, &e };
        CHECK_EQ(event_bus_publish(f.b, &f.t.cx, &p), r->want ? 0 : BUS_UNROUTED);
        i++;
    }
    end(&f);
}

/* MSG-01, MSG-02, MSG-03, MSG-04, MSG-05, MSG-06, MSG-07, U08: the documents' own names; through two exchanges, each queue once. */
TEST(the_documents_topology_delivers_once_to_each_queue) {
    Fixture f;
    begin(&f);
    CHECK_OK(&f.t.cx, event_bus_declare(f.b, &f.t.cx, &event_topology));
    CHECK_OK(&f.t.cx, event_bus_declare(f.b, &f.t.cx, &event_topology)); /* alike: nothing happens */
    Event e = event(&f, "{}");
    Publication p = { BUS_EVENTS, S("data_collection_request.market"), true, &e };
    CHECK_OK(&f.t.cx, event_bus_publish(f.b, &f.t.cx, &p));
    static const struct {
        const char *name;
        int want;
    } rows[] = { { "data_collection_queue", 1 }, { "notification_queue", 1 },
                 { "news_processing_queue", 0 }, { "sentiment_analysis_queue", 0 },
                 { "prediction_queue", 0 },      { "backtest_queue", 0 },
                 { "storage_queue", 0 },         { "finsight.dlq", 0 } };
    EACH_ROW (r, rows) {
        Subscription *s;
        SubscribeOptions o = { .queue = str_c(r->name) };
        CHECK_OK(&f.t.cx, event_bus_subscribe(f.b, &f.t.cx, &o, &s));
        int n = 0;
        for (const Delivery *d; (d = next(&f, s)); n++)
            CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
        CHECK_EQ(n, r->want);
        event_bus_unsubscribe(s);
    }
    end(&f);
}

/* MSG-14: 406 PRECONDITION_FAILED, in our words. */
TEST(declaring_otherwise_is_refused) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_ROUTE);
    BusQueue q = queue(&f, "q");
    q.ttl_ms = 300000;
    declare(&f, &q, "#");
    q.ttl_ms = 60000;
    BusTopology t = { .queues = &q, .n_queues = 1 };
    CHECK_EQ(event_bus_declare(f.b, &f.t.cx, &t), ERR_CONFLICT);
    q.ttl_ms = 300000;
    CHECK_OK(&f.t.cx, event_bus_declare(f.b, &f.t.cx, &t));
    BusExchange x = { named(&f, "x"), EXCHANGE_DIRECT };
    CHECK_EQ(event_bus_declare(f.b, &f.t.cx, &(BusTopology){ .exchanges = &x, .n_exchanges = 1 }), ERR_CONFLICT);
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_STR(drain(&f, "q"), S("1"));
    end(&f);
}

TEST(exchanges_in_a_circle_deliver_once) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_ROUTE);
    BusExchange x[] = { { named(&f, "x1"), EXCHANGE_TOPIC }, { named(&f, "x2"), EXCHANGE_TOPIC } };
    BusQueue q = { .name = named(&f, "q") };
    BusBinding b[] = { { x[0].name, x[1].name, true, S("#") },
                       { x[1].name, x[0].name, true, S("#") },
                       { x[0].name, q.name, false, S("#") },
                       { x[1].name, q.name, false, S("a.#") } };
    CHECK_OK(&f.t.cx, event_bus_declare(f.b, &f.t.cx, &(BusTopology){ x, 2, &q, 1, b, 4 }));
    Event e = event(&f, "1");
    CHECK_OK(&f.t.cx, send_event(&f, "x1", "a.b", &e));
    CHECK_STR(drain(&f, "q"), S("1"));
    end(&f);
}

/* --- answers --- */

/* MSG-16: what was not acknowledged comes again, and says so. */
TEST(a_consumer_that_goes_leaves_its_messages_to_the_next) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    Subscription *s = subscribe(&f, "q", 10);
    CHECK_STR(next_body(&f, s), S("1"));
    const Delivery *d = next(&f, s);
    CHECK(d && str_eq(d->event.body, S("2")));
    event_bus_unsubscribe(s);
    s = subscribe(&f, "q", 10);
    d = next(&f, s);
    CHECK(d && str_eq(d->event.body, S("2")));
    CHECK(d->again);
    if (event_bus_can(f.b, BUS_CAN_COUNT))
        CHECK_EQ(d->count, 1);
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    event_bus_unsubscribe(s);
    if (bus_maker.persistent) {
        event_bus_close(f.b);
        f.b = bus_maker.open(&f.t, f.dir);
    }
    CHECK_STR(drain(&f, "q"), S(""));
    end(&f);
}

TEST(the_count_of_deliveries_outlives_a_restart) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_COUNT);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    for (int i = 0; i < 4; i++) {
        Subscription *s = subscribe(&f, "q", 1);
        const Delivery *d = next(&f, s);
        CHECK(d != NULL);
        CHECK_EQ(d->count, i);
        CHECK_EQ(d->again, i > 0);
        event_bus_unsubscribe(s);
        if (i % 2 && bus_maker.persistent) {
            event_bus_close(f.b);
            f.b = bus_maker.open(&f.t, f.dir);
        }
    }
    end(&f);
}

TEST(requeue_gives_it_again) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    Subscription *s = subscribe(&f, "q", 1);
    const Delivery *d = next(&f, s);
    CHECK_OK(&f.t.cx, event_bus_reject(s, &f.t.cx, d->tag, REJECT_REQUEUE, S("")));
    d = next(&f, s);
    CHECK(d && d->again && str_eq(d->event.id, S("id-1")));
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    CHECK(next(&f, s) == NULL);
    event_bus_unsubscribe(s);
    end(&f);
}

/* BUS_CAN_DELAY: a requeued message keeps its place. */
TEST(requeue_keeps_the_place) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_DELAY);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    for (int i = 0; i < 3; i++)
        CHECK_OK(&f.t.cx, send(&f, "a", i == 0 ? "1" : i == 1 ? "2" : "3"));
    Subscription *s = subscribe(&f, "q", 2);
    const Delivery *one = next(&f, s), *two = next(&f, s);
    CHECK(next(&f, s) == NULL); /* prefetch 2 */
    CHECK_OK(&f.t.cx, event_bus_reject(s, &f.t.cx, one->tag, REJECT_REQUEUE, S("")));
    CHECK_STR(next_body(&f, s), S("1"));
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, two->tag));
    CHECK_STR(next_body(&f, s), S("3"));
    event_bus_unsubscribe(s);
    end(&f);
}

TEST(no_more_than_prefetch_are_unacknowledged) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    for (int i = 0; i < 5; i++)
        CHECK_OK(&f.t.cx, send(&f, "a", "x"));
    Subscription *s = subscribe(&f, "q", 3);
    int64_t first = -1;
    int n = 0;
    for (const Delivery *d; (d = next(&f, s)); n++)
        first = first < 0 ? d->tag : first;
    CHECK_EQ(n, 3);
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, first));
    CHECK(next(&f, s) != NULL);
    CHECK(next(&f, s) == NULL);
    event_bus_unsubscribe(s);
    end(&f);
}

TEST(two_consumers_share_a_queue) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    Subscription *a = subscribe(&f, "q", 1), *b = subscribe(&f, "q", 1);
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    int got[2] = { 0 };
    for (int i = 0; i < 4 && got[0] + got[1] < 2; i++) {
        Subscription *s = i % 2 ? b : a;
        const Delivery *d = next(&f, s);
        if (!d)
            continue;
        got[i % 2]++;
        CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    }
    CHECK_EQ(got[0] + got[1], 2);
    event_bus_unsubscribe(a);
    event_bus_unsubscribe(b);
    CHECK_STR(drain(&f, "q"), S(""));
    end(&f);
}

TEST(an_answer_to_what_is_not_ones_own_is_stale) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_DEPTH);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    Subscription *a = subscribe(&f, "q", 1), *b = subscribe(&f, "q", 1);
    const Delivery *d = next(&f, a);
    CHECK_EQ(event_bus_ack(b, &f.t.cx, d->tag), BUS_STALE);
    CHECK_OK(&f.t.cx, event_bus_ack(a, &f.t.cx, d->tag));
    CHECK_EQ(event_bus_ack(a, &f.t.cx, d->tag), BUS_STALE);
    CHECK_EQ(event_bus_reject(a, &f.t.cx, d->tag, REJECT_DEAD, S("x")), BUS_STALE);
    CHECK_EQ(event_bus_reject(a, &f.t.cx, d->tag, REJECT_REQUEUE, S("x")), BUS_STALE);
    event_bus_unsubscribe(a);
    event_bus_unsubscribe(b);
    end(&f);
}

/* --- the dead --- */

/* MSG-03, MSG-17: in the queue of dead letters, with the reason and where it came from. */
TEST(a_rejected_message_is_a_dead_letter_with_its_reason) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a.b", "poison"));
    Subscription *s = subscribe(&f, "q", 1);
    const Delivery *d = next(&f, s);
    CHECK_OK(&f.t.cx, event_bus_reject(s, &f.t.cx, d->tag, REJECT_DEAD, S("symbol: is missing")));
    CHECK(next(&f, s) == NULL);
    event_bus_unsubscribe(s);
    s = subscribe(&f, "dlq", 1);
    d = next(&f, s);
    CHECK(d && d->death);
    CHECK_STR(d->event.body, S("poison"));
    CHECK_STR(d->event.id, S("id-1"));
    CHECK_STR(d->death->reason, S("rejected"));
    CHECK_STR(d->death->detail, S("symbol: is missing"));
    CHECK_STR(d->death->queue, q.name);
    CHECK_STR(d->death->exchange, named(&f, "x"));
    CHECK_STR(d->death->routing_key, S("a.b"));
    CHECK_EQ(d->death->count, 1);
    event_bus_unsubscribe(s);
    end(&f);
}

static DeadLetter *dead(Fixture *f, size_t *n) {
    DeadLetter *v;
    CHECK_OK_PLAIN(&f->t.cx, event_bus_dead_list(f->b, &f->t.cx, named(f, "dlq"), S(""), 100, &v, n));
    return v;
}

static void kill_all(Fixture *f, const char *name, const char *words) {
    Subscription *s = subscribe(f, name, 1);
    for (const Delivery *d; (d = next(f, s));)
        CHECK_OK_PLAIN(&f->t.cx, event_bus_reject(s, &f->t.cx, d->tag, REJECT_DEAD, str_c(words)));
    event_bus_unsubscribe(s);
}

TEST(dead_letters_are_listed_and_stay) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    kill_all(&f, "q", "no");
    for (int i = 0; i < 2; i++) {
        size_t n;
        const DeadLetter *v = dead(&f, &n);
        CHECK_EQ(n, 2);
        CHECK_STR(v[0].event.body, S("1"));
        CHECK_STR(v[1].death.detail, S("no"));
        CHECK_STR(v[1].death.queue, q.name);
    }
    CHECK_STR(drain(&f, "dlq"), S("1 2"));
    end(&f);
}

/* PRI-10: failed events are processed later. */
TEST(dead_letters_go_back_to_work_or_away) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_SELECT);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    static const char *const bodies[] = { "1", "2", "3" };
    for (size_t i = 0; i < 3; i++)
        CHECK_OK(&f.t.cx, send(&f, "a", bodies[i]));
    kill_all(&f, "q", "no");
    size_t n;
    int64_t done;
    const DeadLetter *v = dead(&f, &n);
    CHECK_EQ(n, 3);
    CHECK_OK(&f.t.cx, event_bus_dead_drop(f.b, &f.t.cx, named(&f, "dlq"), &v[1].handle, 1, &done));
    CHECK_EQ(done, 1);
    CHECK_OK(&f.t.cx, event_bus_dead_requeue(f.b, &f.t.cx, named(&f, "dlq"), &v[2].handle, 1, &done));
    CHECK_EQ(done, 1);
    CHECK_OK(&f.t.cx, event_bus_dead_requeue(f.b, &f.t.cx, named(&f, "dlq"), &v[2].handle, 1, &done));
    CHECK_EQ(done, 0); /* it is not there any more */
    Subscription *s = subscribe(&f, "q", 1);
    const Delivery *d = next(&f, s);
    CHECK(d && str_eq(d->event.body, S("3")) && str_eq(d->event.id, v[2].event.id));
    CHECK(d->death && str_eq(d->death->reason, S("rejected")));
    CHECK_OK(&f.t.cx, event_bus_reject(s, &f.t.cx, d->tag, REJECT_DEAD, S("again")));
    event_bus_unsubscribe(s);
    v = dead(&f, &n);
    CHECK_EQ(n, 2);
    CHECK_EQ(v[1].death.count, 2);
    CHECK_OK(&f.t.cx, event_bus_dead_requeue(f.b, &f.t.cx, named(&f, "dlq"), NULL, 0, &done));
    CHECK_EQ(done, 2);
    CHECK_STR(drain(&f, "q"), S("1 3"));
    dead(&f, &n);
    CHECK_EQ(n, 0);
    end(&f);
}

TEST(all_dead_letters_go_back_at_once) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    kill_all(&f, "q", "no");
    int64_t done;
    CHECK_OK(&f.t.cx, event_bus_dead_requeue(f.b, &f.t.cx, named(&f, "dlq"), NULL, 0, &done));
    CHECK_EQ(done, 2);
    CHECK_STR(drain(&f, "q"), S("1 2"));
    end(&f);
}

/* --- time and order --- */

/* MSG-14, MSG-20, U10: expired goes to the dead letters and is counted, never lost in silence. */
TEST(an_old_message_expires_into_the_dead_letters) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_TTL);
    BusQueue q = queue(&f, "q");
    q.ttl_ms = 500;
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "old"));
    pass_ms(&f, 501);
    CHECK_OK(&f.t.cx, send(&f, "a", "new"));
    Subscription *s = subscribe(&f, "q", 1);
    CHECK_STR(next_body(&f, s), S("new"));
    CHECK(next(&f, s) == NULL);
    event_bus_unsubscribe(s);
    size_t n;
    const DeadLetter *v = dead(&f, &n);
    CHECK_EQ(n, 1);
    CHECK_STR(v[0].event.body, S("old"));
    CHECK_STR(v[0].death.reason, S("expired"));
    CHECK_STR(v[0].death.queue, q.name);
    end(&f);
}

TEST(a_message_expires_though_nobody_consumes) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_TTL);
    BusQueue q = queue(&f, "q");
    q.ttl_ms = 500;
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_OK(&f.t.cx, event_bus_tick(f.b, &f.t.cx));
    size_t n;
    dead(&f, &n);
    CHECK_EQ(n, 0);
    pass_ms(&f, 501);
    CHECK_OK(&f.t.cx, event_bus_tick(f.b, &f.t.cx));
    dead(&f, &n);
    CHECK_EQ(n, 1);
    end(&f);
}

TEST(the_smaller_time_to_live_counts) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_TTL);
    BusQueue q = queue(&f, "q");
    q.ttl_ms = 60000;
    declare(&f, &q, "#");
    Event e = event(&f, "short");
    e.ttl_ms = 300;
    CHECK_OK(&f.t.cx, send_event(&f, "x", "a", &e));
    CHECK_OK(&f.t.cx, send(&f, "a", "long"));
    pass_ms(&f, 400);
    CHECK_STR(drain(&f, "q"), S("long"));
    end(&f);
}

/* A delivery under way does not expire under its consumer's hands. */
TEST(what_is_held_does_not_expire) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_TTL | BUS_CAN_DEPTH);
    BusQueue q = queue(&f, "q");
    q.ttl_ms = 500;
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    Subscription *s = subscribe(&f, "q", 1);
    const Delivery *d = next(&f, s);
    pass_ms(&f, 600);
    CHECK_OK(&f.t.cx, event_bus_tick(f.b, &f.t.cx));
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    size_t n;
    dead(&f, &n);
    CHECK_EQ(n, 0);
    event_bus_unsubscribe(s);
    end(&f);
}

/* MSG-26: high overtakes what is waiting, and among equals the order stays. */
TEST(high_priority_overtakes) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_PRIORITY);
    BusQueue q = queue(&f, "q");
    q.max_priority = EVENT_PRIORITY_HIGH;
    declare(&f, &q, "#");
    static const struct {
        const char *body;
        int priority;
    } rows[] = { { "n1", 0 }, { "n2", 0 }, { "h1", 9 }, { "m1", 5 }, { "h2", 9 }, { "n3", 0 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        Event e = event(&f, rows[i].body);
        e.priority = rows[i].priority;
        CHECK_OK(&f.t.cx, send_event(&f, "x", "a", &e));
    }
    CHECK_STR(drain(&f, "q"), S("h1 h2 m1 n1 n2 n3"));
    end(&f);
}

TEST(a_queue_without_priorities_keeps_the_order) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    for (int i = 0; i < 3; i++) {
        Event e = event(&f, i == 0 ? "1" : i == 1 ? "2" : "3");
        e.priority = i * 4;
        CHECK_OK(&f.t.cx, send_event(&f, "x", "a", &e));
    }
    CHECK_STR(drain(&f, "q"), S("1 2 3"));
    end(&f);
}

TEST(a_full_queue_refuses_and_says_so) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_BOUND);
    BusQueue q = queue(&f, "q");
    q.max_length = 2;
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    CHECK_EQ(send(&f, "a", "3"), ERR_LIMIT);
    Subscription *s = subscribe(&f, "q", 1);
    CHECK_STR(next_body(&f, s), S("1"));
    event_bus_unsubscribe(s);
    CHECK_OK(&f.t.cx, send(&f, "a", "4"));
    CHECK_STR(drain(&f, "q"), S("2 4"));
    end(&f);
}

/* --- groups and the past --- */

static Str drain_group(Fixture *f, const char *name, const char *group, BusFrom from) {
    Subscription *s;
    SubscribeOptions o = { .queue = named(f, name), .group = str_c(group), .from = from, .prefetch = 1 };
    CHECK_OK_PLAIN(&f->t.cx, event_bus_subscribe(f->b, &f->t.cx, &o, &s));
    Str all = S("");
    for (const Delivery *d; (d = next(f, s));) {
        all = str_fmt(&f->t.arena, STR_FMT "%s" STR_FMT, STR_ARG(all), all.n ? " " : "", STR_ARG(d->event.body));
        CHECK_OK_PLAIN(&f->t.cx, event_bus_ack(s, &f->t.cx, d->tag));
    }
    event_bus_unsubscribe(s);
    return all;
}

/* PRI-09: a new consumer group at run time; the producer knows nothing of it. */
TEST(every_group_gets_every_message) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_GROUPS);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    CHECK_STR(drain_group(&f, "q", "late", FROM_NOW), S(""));
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    CHECK_STR(drain_group(&f, "q", "late", FROM_NOW), S("2"));
    CHECK_STR(drain(&f, "q"), S("1 2"));
    CHECK_OK(&f.t.cx, send(&f, "a", "3"));
    CHECK_STR(drain_group(&f, "q", "late", FROM_NOW), S("3")); /* its place stayed */
    CHECK_STR(drain(&f, "q"), S("3"));
    end(&f);
}

TEST(a_group_may_begin_with_the_past) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_GROUPS | BUS_CAN_FIRST);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "a.#");
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    Event other = event(&f, "other");
    Publication p = { named(&f, "x"), S("b"), false, &other };
    CHECK_OK(&f.t.cx, event_bus_publish(f.b, &f.t.cx, &p));
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    CHECK_STR(drain(&f, "q"), S("1 2"));
    CHECK_STR(drain_group(&f, "q", "new", FROM_FIRST), S("1 2"));
    CHECK_STR(drain_group(&f, "q", "new", FROM_FIRST), S("")); /* once */
    end(&f);
}

TEST(the_past_can_be_read_by_place_time_and_topic) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_REPLAY);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    CHECK_OK(&f.t.cx, send(&f, "one.market", "1"));
    pass_ms(&f, 1000);
    Time later = clock_wall(f.t.cx.clock);
    CHECK_OK(&f.t.cx, send(&f, "two.market", "2"));
    CHECK_OK(&f.t.cx, send(&f, "two.news", "3"));
    CHECK_STR(drain(&f, "q"), S("1 2 3"));
    BusPage page;
    CHECK_OK(&f.t.cx, event_bus_read(f.b, &f.t.cx, &(BusRead){ .after = -1, .limit = 10 }, &page));
    CHECK_EQ(page.n, 3);
    CHECK(!page.more && page.next == page.v[2].position);
    CHECK_STR(page.v[0].routing_key, S("one.market"));
    CHECK_STR(page.v[0].event.id, S("id-1"));
    int64_t first = page.v[0].position;
    CHECK_OK(&f.t.cx, event_bus_read(f.b, &f.t.cx, &(BusRead){ .after = first, .limit = 1 }, &page));
    CHECK(page.n == 1 && page.more && str_eq(page.v[0].event.body, S("2")));
    CHECK_OK(&f.t.cx, event_bus_read(f.b, &f.t.cx, &(BusRead){ .after = -1, .from = later, .limit = 10 }, &page));
    CHECK_EQ(page.n, 2);
    CHECK_OK(&f.t.cx,
             event_bus_read(f.b, &f.t.cx, &(BusRead){ .after = -1, .pattern = S("*.market"), .limit = 10 }, &page));
    CHECK_EQ(page.n, 2);
    CHECK_OK(&f.t.cx,
             event_bus_read(f.b, &f.t.cx, &(BusRead){ .after = -1, .type = S("nothing"), .limit = 10 }, &page));
    CHECK_EQ(page.n, 0);
    end(&f);
}

/* --- numbers --- */

TEST(queues_tell_their_depth_and_age) {
    Fixture f;
    begin(&f);
    NEEDS(&f, BUS_CAN_DEPTH);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    Time told = clock_wall(f.t.cx.clock);
    CHECK_OK(&f.t.cx, send(&f, "a", "1"));
    pass_ms(&f, 1000);
    CHECK_OK(&f.t.cx, send(&f, "a", "2"));
    Subscription *s = subscribe(&f, "q", 1);
    CHECK(next(&f, s) != NULL);
    QueueDepth *v;
    size_t n, found = 0;
    CHECK_OK(&f.t.cx, event_bus_stats(f.b, &f.t.cx, &v, &n));
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].queue, q.name)) {
            found++;
            CHECK_EQ(v[i].ready, 1);
            CHECK_EQ(v[i].unacked, 1);
            CHECK_EQ(v[i].consumers, 1);
            CHECK_EQ(v[i].oldest.ms, told.ms);
        }
    CHECK_EQ(found, 1);
    BusInfo info;
    CHECK_OK(&f.t.cx, event_bus_describe(f.b, &f.t.cx, &info));
    CHECK(info.connected && strcmp(info.adapter, bus_maker.name) == 0);
    event_bus_unsubscribe(s);
    end(&f);
}

/* --- the caller's end --- */

TEST(a_deadline_and_a_cancel_are_heard) {
    Fixture f;
    begin(&f);
    BusQueue q = queue(&f, "q");
    declare(&f, &q, "#");
    Subscription *s = subscribe(&f, "q", 1);
    atomic_bool cancel = true;
    f.t.cx.cancel = &cancel;
    Delivery *d;
    size_t n;
    CHECK_EQ(event_bus_receive(s, &f.t.cx, 60000, &d, 1, &n), ERR_CANCELLED);
    CHECK_EQ(send(&f, "a", "1"), ERR_CANCELLED);
    f.t.cx.cancel = NULL;
    event_bus_unsubscribe(s);
    CHECK_STR(drain(&f, "q"), S(""));
    end(&f);
}

TESTS(T(an_event_comes_as_it_went), T(what_was_confirmed_survives_a_restart),
      T(many_are_confirmed_at_once_and_keep_their_order), T(an_unroutable_event_is_told),
      T(an_exchange_that_is_not_there_is_an_error_and_the_bus_goes_on), T(bad_events_are_refused_with_their_place),
      T(a_publish_that_fails_early_has_confirmed_nothing), T(topics_are_routed_as_amqp_says),
      T(the_documents_topology_delivers_once_to_each_queue), T(declaring_otherwise_is_refused),
      T(exchanges_in_a_circle_deliver_once), T(a_consumer_that_goes_leaves_its_messages_to_the_next),
      T(the_count_of_deliveries_outlives_a_restart), T(requeue_gives_it_again), T(requeue_keeps_the_place),
      T(no_more_than_prefetch_are_unacknowledged), T(two_consumers_share_a_queue),
      T(an_answer_to_what_is_not_ones_own_is_stale), T(a_rejected_message_is_a_dead_letter_with_its_reason),
      T(dead_letters_are_listed_and_stay), T(dead_letters_go_back_to_work_or_away), T(all_dead_letters_go_back_at_once),
      T(an_old_message_expires_into_the_dead_letters), T(a_message_expires_though_nobody_consumes),
      T(the_smaller_time_to_live_counts), T(what_is_held_does_not_expire), T(high_priority_overtakes),
      T(a_queue_without_priorities_keeps_the_order), T(a_full_queue_refuses_and_says_so),
      T(every_group_gets_every_message), T(a_group_may_begin_with_the_past),
      T(the_past_can_be_read_by_place_time_and_topic), T(queues_tell_their_depth_and_age),
      cmocka_unit_test(bus_threads_test), T(a_deadline_and_a_cancel_are_heard))
