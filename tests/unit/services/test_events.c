/* services/events on a log in memory: publishing, the outbox, handlers, dead letters, and the documents' sentences. */

#include "services/events/events.h"

#include "adapters/bus/log.h"
#include "adapters/bus/outbox.h"
#include "lib/test.h"

typedef struct Fixture {
    TestCtx t;
    IdsSeeded ids;
    EventBus *bus;
    Outbox *kept;
    LogSink *lines;
    Logger *log;
    EventService *s;
    bool away; /* the bus does not answer */
} Fixture;

static int away(void *arg, Ctx *cx, const char *point) {
    UNUSED(point);
    return ((Fixture *)arg)->away ? err_set(cx, ERR_UNAVAILABLE, "connection refused") : 0;
}

static void begin(Fixture *f) {
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    ids_seeded_init(&f->ids, 7);
    CHECK_OK_PLAIN(&f->t.cx, event_log_open(&f->t.cx, &(EventLogOptions){ 0 }, &f->bus));
    CHECK_OK_PLAIN(&f->t.cx, outbox_file_open(&f->t.cx, &(OutboxFileOptions){ 0 }, &f->kept));
    event_bus_set_fault(f->bus, away, f);
    f->lines = log_sink_memory(1 << 20);
    f->log = log_new(&(LogCfg){ .level = LEVEL_INFO, .service = S("test") }, &f->t.clock.clock, f->lines);
    f->s =
        event_service_new(&(EventServiceOptions){ .bus = f->bus, .kept = f->kept, .ids = &f->ids.ids, .log = f->log });
}

static void end(Fixture *f) {
    event_service_free(f->s);
    outbox_close(f->kept);
    event_bus_close(f->bus);
    log_free(f->log);
    test_ctx_done(&f->t);
}

static bool logged(Fixture *f, const char *words) {
    return str_find(log_sink_memory_text(f->lines, &f->t.arena), str_c(words)) >= 0;
}

static int64_t waiting(Fixture *f, const char *queue) {
    QueueDepth *v;
    size_t n;
    CHECK_OK_PLAIN(&f->t.cx, event_bus_stats(f->bus, &f->t.cx, &v, &n));
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].queue, str_c(queue)))
            return v[i].ready + v[i].unacked;
    return -1;
}

static int64_t kept(Fixture *f) {
    int64_t n = -1;
    CHECK_OK_PLAIN(&f->t.cx, outbox_depth(f->kept, &f->t.cx, &n));
    return n;
}

static const Str news =
    STR_INIT("{\"articles_count\":3,\"source\":\"coindesk\",\"collection_time\":\"2024-01-01T00:00:00Z\"}");

/* --- publishing --- */

/* MSG-12, MSG-13, MSG-44: the documents' call, its sentences, its answer. */
TEST(publish_event_says_true_and_logs_it) {
    Fixture f;
    begin(&f);
    CHECK(event_service_connect(f.s, &f.t.cx));
    CHECK(logged(&f, "Successfully connected to the event log"));
    CHECK(publish_event(f.s, &f.t.cx, S("news_collected"), news, S("news_collected.news")));
    CHECK(logged(&f, "Published event news_collected with routing key news_collected.news"));
    CHECK_EQ(waiting(&f, "sentiment_analysis_queue"), 1);
    CHECK_EQ(waiting(&f, "news_processing_queue"), 1);
    CHECK_EQ(kept(&f), 0);
    end(&f);
}

/* MSG-12, MSG-44, U25: false on failure, and the event waits; when the bus is back it is told, with the same id. */
TEST(a_bus_that_is_away_costs_no_event) {
    Fixture f;
    begin(&f);
    f.away = true; /* at the start */
    CHECK(!event_service_connect(f.s, &f.t.cx));
    CHECK(logged(&f, "Failed to connect to the event log: connection refused"));
    CHECK(!publish_event(f.s, &f.t.cx, S("news_collected"), news, S("news_collected.news")));
    CHECK(logged(&f, "Failed to publish event: connection refused"));
    CHECK_EQ(kept(&f), 1);
    size_t n;
    CHECK_EQ(event_relay(f.s, &f.t.cx, f.kept, &n), ERR_UNAVAILABLE);
    CHECK_EQ(kept(&f), 1);
    f.away = false; /* publishing connects by itself */
    CHECK(publish_event(f.s, &f.t.cx, S("news_collected"), news, S("news_collected.news")));
    f.away = true; /* mid-way */
    EventDraft d = { .type = S("news_collected"), .source = S("news"), .body = news, .id = S("mine") };
    CHECK_EQ(event_publish(f.s, &f.t.cx, &d, NULL), EVENT_KEPT);
    CHECK_EQ(kept(&f), 2);
    f.away = false;
    CHECK_OK(&f.t.cx, event_relay(f.s, &f.t.cx, f.kept, &n));
    CHECK_EQ(n, 2);
    CHECK_EQ(event_relay(f.s, &f.t.cx, f.kept, &n), BUS_EMPTY);
    CHECK_EQ(kept(&f), 0);
    BusPage page;
    CHECK_OK(&f.t.cx, event_bus_read(f.bus, &f.t.cx, &(BusRead){ .after = -1, .limit = 10 }, &page));
    CHECK_EQ(page.n, 3);
    CHECK_STR(page.v[2].event.id, S("mine"));
    end(&f);
}

/* MSG-37: what does not fit its schema is refused at publish, and not kept either. */
TEST(a_bad_event_is_refused_and_never_kept) {
    Fixture f;
    begin(&f);
    CHECK(!publish_event(f.s, &f.t.cx, S("news_collected"), S("{\"source\":\"x\"}"), S("news_collected.news")));
    CHECK_STR(str_c(f.t.cx.err.field), S("articles_count"));
    CHECK(!publish_event(f.s, &f.t.cx, S("unheard_of"), S("{}"), S("unheard_of.news")));
    EventDraft d = { .type = S("news_collected"), .source = S("news"), .body = news, .version = 9 };
    CHECK_EQ(event_publish(f.s, &f.t.cx, &d, NULL), ERR_INVALID);
    CHECK_EQ(kept(&f), 0);
    end(&f);
}

/* MSG-11, MSG-26: what is made of a draft. */
TEST(a_draft_is_completed_from_its_body) {
    Fixture f;
    begin(&f);
    static const struct {
        const char *name, *priority;
        int want;
    } rows[] = { { "high", ",\"priority\":\"high\"", 9 }, { "none", "", 4 }, { "low", ",\"priority\":\"low\"", 0 } };
    EACH_ROW (r, rows) {
        EventDraft d = { .type = S("data_collection_request"), .source = S("cli"), .priority = -1 };
        d.body = str_fmt(
            &f.t.arena,
            "{\"exchange\":\"binance\",\"symbol\":\"BTCUSDT\",\"timeframe\":\"1h\",\"start_date\":\"2024-01-01\","
            "\"end_date\":\"2024-01-02\",\"correlation_id\":\"req_1\"%s}",
            r->priority);
        Event e;
        CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, &e));
        CHECK_EQ(e.priority, r->want);
        CHECK_STR(e.key, S("BTCUSDT"));
        CHECK_STR(e.correlation_id, S("req_1"));
        CHECK(uuid_valid(e.id));
        CHECK_EQ(e.at.ms, clock_wall(f.t.cx.clock).ms);
        CHECK_EQ(e.version, 1);
    }
    EventDraft nobody = { .type = S("news_collected"), .source = S("nobody"), .body = news };
    CHECK_EQ(event_publish(f.s, &f.t.cx, &nobody, NULL), EVENT_NOBODY);
    end(&f);
}

/* --- consuming --- */

typedef struct Calls {
    int n, fail_first;
    int code; /* of a failure */
    Str seen_correlation;
    Fixture *f;
} Calls;

static int handler(void *arg, Ctx *cx, const Delivery *d) {
    UNUSED(d);
    Calls *c = arg;
    c->n++;
    c->seen_correlation = str_dup(&c->f->t.arena, cx->trace.correlation_id);
    if (c->n <= c->fail_first)
        return err_set(cx, c->code, "article 7 has no words");
    return 0;
}

static EventConsumer *consumer(Fixture *f, const EventRoute *routes, size_t n) {
    EventConsumer *c = NULL;
    ConsumerOptions o = { .queue = S("sentiment_analysis_queue"), .name = S("sas"), .routes = routes, .n_routes = n };
    CHECK_OK_PLAIN(&f->t.cx, event_consumer_open(f->s, &f->t.cx, &o, &c));
    return c;
}

static ConsumedEvents consume(Fixture *f, EventConsumer *c) {
    ConsumedEvents got;
    int r = event_consume(c, &f->t.cx, 0, &got);
    CHECK_OK_PLAIN(&f->t.cx, r == BUS_EMPTY ? 0 : r);
    return got;
}

/* MSG-16, MSG-21: two handlers of one type both run, and only then it is acknowledged. */
TEST(every_handler_of_a_type_runs) {
    Fixture f;
    begin(&f);
    Calls a = { .f = &f }, b = { .f = &f };
    const EventRoute routes[] = { { "news_collected", handler, &a }, { "news_collected", handler, &b } };
    EventConsumer *c = consumer(&f, routes, 2);
    CHECK(logged(&f, "Started consuming events from sentiment_analysis_queue"));
    EventDraft d = { .type = S("news_collected"), .source = S("news"), .body = news, .correlation_id = S("story") };
    CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, NULL));
    CHECK_EQ(consume(&f, c).done, 1);
    CHECK(a.n == 1 && b.n == 1);
    CHECK_STR(a.seen_correlation, S("story"));
    CHECK_EQ(waiting(&f, "sentiment_analysis_queue"), 0);
    CHECK(logged(&f, "Successfully processed message from sentiment_analysis_queue"));
    event_consumer_close(c);
    end(&f);
}

/* MSG-21: a type nobody handles warns and is acknowledged. MSG-46: a message_type nobody knows is a dead letter. */
TEST(unknown_types_warn_and_unknown_messages_die) {
    Fixture f;
    begin(&f);
    Calls a = { .f = &f };
    const EventRoute routes[] = { { "news_collected", handler, &a } };
    EventConsumer *c = consumer(&f, routes, 1);
    EventDraft d = { .type = S("news_collection_completed"), .source = S("news"), .body = S("{\"articles_count\":1}") };
    CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, NULL));
    CHECK_EQ(consume(&f, c).done, 1);
    CHECK(logged(&f, "No handler registered for event type: news_collection_completed"));
    d.body = S("{\"articles_count\":1,\"message_type\":\"tea_request\"}");
    CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, NULL));
    CHECK_EQ(consume(&f, c).dead, 1);
    DeadLetter *v;
    size_t n;
    CHECK_OK(&f.t.cx, event_bus_dead_list(f.bus, &f.t.cx, BUS_DEAD_QUEUE, S(""), 10, &v, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(v[0].death.detail, S("unknown message_type tea_request"));
    CHECK_EQ(a.n, 0);
    event_consumer_close(c);
    end(&f);
}

/* MSG-17, MSG-22: a handler that fails makes a dead letter with its words; the handlers behind it do not run. */
TEST(a_handler_s_failure_is_a_dead_letter) {
    Fixture f;
    begin(&f);
    Calls a = { .f = &f, .fail_first = 1, .code = ERR_INVALID }, b = { .f = &f };
    const EventRoute routes[] = { { "news_collected", handler, &a }, { "news_collected", handler, &b } };
    EventConsumer *c = consumer(&f, routes, 2);
    EventDraft d = { .type = S("news_collected"), .source = S("news"), .body = news };
    CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, NULL));
    CHECK_EQ(consume(&f, c).dead, 1);
    CHECK(a.n == 1 && b.n == 0);
    CHECK(logged(&f, "Event handler failed: article 7 has no words"));
    CHECK(logged(&f, "Failed to process message: article 7 has no words"));
    DeadLetter *v;
    size_t n;
    CHECK_OK(&f.t.cx, event_bus_dead_list(f.bus, &f.t.cx, BUS_DEAD_QUEUE, S(""), 10, &v, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(v[0].death.detail, S("article 7 has no words"));
    CHECK_STR(v[0].death.queue, S("sentiment_analysis_queue"));
    event_consumer_close(c);
    end(&f);
}

/* MSG-24, MSG-37: what reached the queue past the publisher's check is checked again by who consumes it. */
TEST(a_body_that_does_not_fit_dies_with_the_field) {
    Fixture f;
    begin(&f);
    Calls a = { .f = &f };
    const EventRoute routes[] = { { "news_collected", handler, &a } };
    EventConsumer *c = consumer(&f, routes, 1);
    static const struct {
        const char *name, *body, *detail;
    } rows[] = { { "a field is missing", "{\"articles_count\":1,\"source\":\"x\"}", "collection_time: is missing" },
                 { "not JSON", "{", "the body is no JSON object" } };
    size_t at = 0;
    EACH_ROW (r, rows) {
        Event e = { .id = str_c(r->name), .type = S("news_collected"), .version = 1, .body = str_c(r->body) };
        CHECK_OK(&f.t.cx,
                 event_bus_publish(f.bus, &f.t.cx, &(Publication){ S(""), S("sentiment_analysis_queue"), true, &e }));
        CHECK_EQ(consume(&f, c).dead, 1);
        DeadLetter *v;
        size_t n;
        CHECK_OK(&f.t.cx, event_bus_dead_list(f.bus, &f.t.cx, BUS_DEAD_QUEUE, S(""), 10, &v, &n));
        CHECK_EQ(n, ++at);
        CHECK(str_starts(v[n - 1].death.detail, str_c(r->detail)));
    }
    CHECK_EQ(a.n, 0);
    event_consumer_close(c);
    end(&f);
}

/* PRI-10: what may pass is tried again, a bounded number of times. */
TEST(a_failure_that_may_pass_is_tried_again) {
    Fixture f;
    begin(&f);
    Calls a = { .f = &f, .fail_first = 3, .code = ERR_UNAVAILABLE };
    const EventRoute routes[] = { { "news_collected", handler, &a } };
    EventConsumer *c = consumer(&f, routes, 1);
    EventDraft d = { .type = S("news_collected"), .source = S("news"), .body = news };
    CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, NULL));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(consume(&f, c).later, 1);
    CHECK_EQ(consume(&f, c).done, 1);
    CHECK_EQ(a.n, 4);
    a = (Calls){ .f = &f, .fail_first = 100, .code = ERR_UNAVAILABLE };
    CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, NULL));
    int tries = 0;
    while (tries < 50 && consume(&f, c).later)
        tries++;
    CHECK_EQ(tries, 5);
    CHECK_EQ(waiting(&f, "finsight.dlq"), 1);
    event_consumer_close(c);
    end(&f);
}

/* MSG-18: consumers were killed with it in their hands; that is no failure of the event. */
TEST(deliveries_to_the_killed_are_no_failures) {
    Fixture f;
    begin(&f);
    Calls a = { .f = &f, .fail_first = 2, .code = ERR_UNAVAILABLE };
    const EventRoute routes[] = { { "news_collected", handler, &a } };
    EventConsumer *c = consumer(&f, routes, 1);
    EventDraft d = { .type = S("news_collected"), .source = S("news"), .body = news };
    CHECK_OK(&f.t.cx, event_publish(f.s, &f.t.cx, &d, NULL));
    for (int i = 0; i < 20; i++) {
        Subscription *sub;
        Delivery *v;
        size_t n;
        CHECK_OK(&f.t.cx, event_bus_subscribe(f.bus, &f.t.cx,
                                              &(SubscribeOptions){ .queue = S("sentiment_analysis_queue") }, &sub));
        CHECK_OK(&f.t.cx, event_bus_receive(sub, &f.t.cx, 0, &v, 64, &n));
        CHECK_EQ(v[0].count, i);
        event_bus_unsubscribe(sub);
    }
    CHECK_EQ(consume(&f, c).later, 1);
    CHECK_EQ(consume(&f, c).later, 1);
    CHECK_EQ(consume(&f, c).done, 1);
    CHECK_EQ(waiting(&f, "finsight.dlq"), 0);
    event_consumer_close(c);
    end(&f);
}

/* A new version of a schema is read by who knows the old one (MSG-37, GOV-04). */
TEST(a_reader_of_version_1_reads_version_2) {
    static const EventField one_f[] = { { "n", EVENT_INT, true } };
    static const EventField two_f[] = { { "n", EVENT_INT, true }, { "more", EVENT_STR, true } };
    static const EventSchema both[] = { { "thing", "", 1, one_f, 1 }, { "thing", "", 2, two_f, 2 } };
    static const EventSchemas newer = { both, 2 }, older = { both, 1 };
    Fixture f;
    begin(&f);
    EventService *writer =
        event_service_new(&(EventServiceOptions){ .bus = f.bus, .ids = &f.ids.ids, .schemas = &newer });
    EventService *reader =
        event_service_new(&(EventServiceOptions){ .bus = f.bus, .ids = &f.ids.ids, .schemas = &older });
    Calls a = { .f = &f };
    const EventRoute routes[] = { { "thing", handler, &a } };
    EventConsumer *c = NULL;
    CHECK_OK(&f.t.cx, event_consumer_open(
                          reader, &f.t.cx,
                          &(ConsumerOptions){ .queue = S("prediction_queue"), .routes = routes, .n_routes = 1 }, &c));
    EventDraft d = { .type = S("thing"), .source = S("prediction"), .body = S("{\"n\":1,\"more\":\"x\"}") };
    Event sent;
    CHECK_OK(&f.t.cx, event_publish(writer, &f.t.cx, &d, &sent));
    CHECK_EQ(sent.version, 2);
    CHECK_EQ(consume(&f, c).done, 1);
    d.body = S("{\"more\":\"x\"}"); /* what version 1 could not read */
    CHECK_EQ(event_publish(writer, &f.t.cx, &d, NULL), ERR_INVALID);
    event_consumer_close(c);
    event_service_free(reader);
    event_service_free(writer);
    end(&f);
}

typedef struct Replica {
    int64_t sum, n;
} Replica;

static int copy_event(void *arg, Ctx *cx, const Delivery *d) {
    Replica *r = arg;
    Str count;
    int64_t n;
    if (!event_body_text(cx->arena, d->event.body, S("articles_count"), &count) || !str_to_i64(count, &n))
        return err_set(cx, ERR_INVALID, "no count");
    r->sum += n;
    r->n++;
    return 0;
}

/* MSG-45, PRI-09: a replica is a group of its own. While it is cut off its lag grows and is measured, the others go on;
 * when it is back it has every event once. */
TEST(a_replica_converges_after_a_partition) {
    Fixture f;
    begin(&f);
    Metrics *m = metrics_new(100);
    EventService *s = event_service_new(&(EventServiceOptions){ .bus = f.bus, .ids = &f.ids.ids, .metrics = m });
    Replica primary = { 0 }, replica = { 0 };
    const EventRoute routes[] = { { "news_collection_completed", copy_event, &primary } },
                     copies[] = { { "news_collection_completed", copy_event, &replica } };
    ConsumerOptions o = { .queue = S("sentiment_analysis_queue"), .routes = routes, .n_routes = 1 };
    ConsumerOptions g = {
        .queue = S("sentiment_analysis_queue"), .group = S("replica"), .routes = copies, .n_routes = 1
    };
    EventConsumer *c = NULL, *k = NULL;
    CHECK_OK(&f.t.cx, event_consumer_open(s, &f.t.cx, &o, &c));
    CHECK_OK(&f.t.cx, event_consumer_open(s, &f.t.cx, &g, &k));
    int64_t want = 0;
    for (int i = 1; i <= 60; i++) {
        EventDraft d = { .type = S("news_collection_completed"),
                         .source = S("news"),
                         .body = str_fmt(&f.t.arena, "{\"articles_count\":%d}", i) };
        CHECK_OK(&f.t.cx, event_publish(s, &f.t.cx, &d, NULL));
        want += i;
        if (i == 20)
            k = event_consumer_close(k); /* cut off */
        consume(&f, c);
        if (k)
            consume(&f, k);
    }
    CHECK_EQ(primary.sum, want);
    CHECK_EQ(replica.n, 19);
    Buf b;
    buf_init(&b, 1 << 20);
    CHECK_OK(&f.t.cx, event_service_tick(s, &f.t.cx));
    CHECK_OK(&f.t.cx, metrics_write(m, &b));
    CHECK(str_find(buf_str(&b), S("group=\"replica\",state=\"ready\"} 41")) >= 0);
    CHECK_OK(&f.t.cx, event_consumer_open(s, &f.t.cx, &g, &k));
    consume(&f, k);
    CHECK_EQ(replica.n, 60);
    CHECK_EQ(replica.sum, want);
    event_consumer_close(c);
    event_consumer_close(k);
    buf_done(&b);
    event_service_free(s);
    metrics_free(m);
    end(&f);
}

/* MSG-20, U10: expired events are dead letters, and the metrics tell depth and age. */
TEST(ticks_expire_and_measure) {
    Fixture f;
    begin(&f);
    Metrics *m = metrics_new(100);
    EventService *s = event_service_new(&(EventServiceOptions){ .bus = f.bus, .ids = &f.ids.ids, .metrics = m });
    EventDraft d = {
        .type = S("data_collection_request"),
        .source = S("cli"),
        .priority = -1,
        .body = S("{\"exchange\":\"binance\",\"symbol\":\"B\",\"timeframe\":\"1h\",\"start_date\":\"2024-01-01\","
                  "\"end_date\":\"2024-01-02\"}")
    };
    CHECK_OK(&f.t.cx, event_publish(s, &f.t.cx, &d, NULL));
    clock_manual_advance_ms(&f.t.clock, 10000);
    CHECK_OK(&f.t.cx, event_service_tick(s, &f.t.cx));
    Buf b;
    buf_init(&b, 1 << 20);
    CHECK_OK(&f.t.cx, metrics_write(m, &b));
    CHECK(str_find(buf_str(&b),
                   S("finsight_event_queue_depth{queue=\"data_collection_queue\",group=\"\",state=\"ready\"} 1")) >= 0);
    CHECK(str_find(
              buf_str(&b),
              S("finsight_event_queue_age_seconds{queue=\"data_collection_queue\",group=\"\",state=\"ready\"} 10")) >=
          0);
    CHECK(str_find(buf_str(&b), S("finsight_events_total{outcome=\"published\",type=\"data_collection_request\"} 1")) >=
          0);
    clock_manual_advance_ms(&f.t.clock, 5 * MS_PER_MINUTE);
    CHECK_OK(&f.t.cx, event_service_tick(s, &f.t.cx));
    CHECK_EQ(waiting(&f, "data_collection_queue"), 0);
    CHECK_EQ(waiting(&f, "finsight.dlq"), 2); /* of the notifications too */
    buf_done(&b);
    event_service_free(s);
    metrics_free(m);
    end(&f);
}

TESTS(T(publish_event_says_true_and_logs_it), T(a_bus_that_is_away_costs_no_event),
      T(a_bad_event_is_refused_and_never_kept), T(a_draft_is_completed_from_its_body), T(every_handler_of_a_type_runs),
      T(unknown_types_warn_and_unknown_messages_die), T(a_handler_s_failure_is_a_dead_letter),
      T(a_body_that_does_not_fit_dies_with_the_field), T(a_failure_that_may_pass_is_tried_again),
      T(deliveries_to_the_killed_are_no_failures), T(a_reader_of_version_1_reads_version_2),
      T(a_replica_converges_after_a_partition), T(ticks_expire_and_measure))
