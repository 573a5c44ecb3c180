/* The operations of the event bus, on a log in memory. */

#include "api/events/events_api.h"

#include "adapters/bus/log.h"
#include "lib/test.h"
#include "services/events/events.h"

typedef struct Rig {
    TestCtx t;
    IdsSeeded ids;
    EventBus *bus;
    EventService *s;
} Rig;

static void rig_init(Rig *r) {
    test_ctx_init(&r->t);
    ids_seeded_init(&r->ids, 3);
    CHECK_OK_PLAIN(&r->t.cx, event_log_open(&r->t.cx, &(EventLogOptions){ 0 }, &r->bus));
    r->s = event_service_new(&(EventServiceOptions){ .bus = r->bus, .ids = &r->ids.ids });
}

static void rig_done(Rig *r) {
    event_service_free(r->s);
    event_bus_close(r->bus);
    test_ctx_done(&r->t);
}

static void tell(Rig *r, const char *id) {
    EventPublish in;
    EventReceipt out = { 0 };
    shape_init(&event_publish_shape, &r->t.cx, &in);
    in.event_type = S("news_collection_completed");
    in.source = S("news");
    in.payload.json = S("{\"articles_count\":1}");
    in.id = str_c(id);
    CHECK_OK_PLAIN(&r->t.cx, op_bus_publish.run(r->s, &r->t.cx, &in, &out));
    if (!out.success || !str_eq(out.routing_key, S("news_collection_completed.news")))
        FAIL("the receipt of %s", id);
}

static int64_t replay(Rig *r, const char *queue, int64_t limit, int want) {
    EventsReplay in;
    EventsReplayed out = { 0 };
    shape_init(&events_replay_shape, &r->t.cx, &in);
    in.queue = str_c(queue);
    in.limit = limit;
    int got = op_bus_replay.run(r->s, &r->t.cx, &in, &out);
    if (got != want)
        FAIL("replay into %s: %d, not %d", queue, got, want);
    return out.replayed;
}

TEST(the_table_is_right_and_an_administrators) {
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *const tables[] = { &events_api };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    for (size_t i = 0; i < events_api.n_ops; i++)
        CHECK_EQ(events_api.ops[i]->role, ROLE_ADMIN);
    test_ctx_done(&t);
}

TEST(what_is_told_is_listed_page_by_page) {
    Rig r;
    rig_init(&r);
    static const char *const ids[] = { "a", "b", "c", "d", "e" };
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        tell(&r, ids[i]);
    EventsQuery q;
    shape_init(&events_query_shape, &r.t.cx, &q);
    q.limit = 2;
    size_t seen = 0;
    for (bool more = true; more;) {
        BusEventList out = { 0 };
        CHECK_OK(&r.t.cx, op_bus_list.run(r.s, &r.t.cx, &q, &out));
        const BusEvent *v = out.events.v;
        for (size_t i = 0; i < out.events.n; i++)
            CHECK_STR(v[i].id, str_c(ids[seen++]));
        more = out.more;
        q.after = out.next;
    }
    CHECK_EQ(seen, ARRAY_LEN(ids));
    shape_init(&events_query_shape, &r.t.cx, &q);
    q.limit = 2;
    q.newest = true;
    BusEventList out = { 0 };
    CHECK_OK(&r.t.cx, op_bus_list.run(r.s, &r.t.cx, &q, &out));
    CHECK_EQ(out.events.n, 2);
    CHECK_STR(((const BusEvent *)out.events.v)[0].id, S("d"));
    rig_done(&r);
}

/* Copies that a replay puts into the log are not replayed themselves. */
TEST(a_replay_is_of_what_was_told_and_of_nothing_twice) {
    Rig r;
    rig_init(&r);
    tell(&r, "a");
    tell(&r, "b");
    CHECK_EQ(replay(&r, "prediction_queue", 1000, 0), 2);
    CHECK_EQ(replay(&r, "prediction_queue", 1000, 0), 2);
    CHECK_EQ(replay(&r, "prediction_queue", 1, 0), 1);
    replay(&r, "nothing", 1000, ERR_NOT_FOUND);
    QueueDepths out = { 0 };
    CHECK_OK(&r.t.cx, op_bus_queues.run(r.s, &r.t.cx, NULL, &out));
    const QueueDepthRow *v = out.queues.v;
    for (size_t i = 0; i < out.queues.n; i++)
        if (str_eq(v[i].queue, S("prediction_queue")))
            CHECK_EQ(v[i].ready, 5);
    rig_done(&r);
}

/* Before anybody has told anything there are no queues: ours are empty then, those of nobody are refused. */
TEST(a_bus_that_nobody_has_used_is_empty_and_not_broken) {
    static const struct {
        const char *name, *queue;
        int want;
    } rows[] = { { "ours", "finsight.dlq", 0 }, { "nobody's", "nothing", ERR_NOT_FOUND } };
    EACH_ROW (row, rows) {
        Rig r;
        rig_init(&r);
        DeadQuery q;
        DeadList list = { .count = -1 };
        shape_init(&dead_query_shape, &r.t.cx, &q);
        q.queue = str_c(row->queue);
        CHECK_EQ(op_bus_dead.run(r.s, &r.t.cx, &q, &list), row->want);
        CHECK_EQ(list.count, row->want ? -1 : 0);
        DeadPick pick;
        DeadDone done = { 0 };
        shape_init(&dead_pick_shape, &r.t.cx, &pick);
        pick.queue = str_c(row->queue);
        pick.all = true;
        CHECK_EQ(op_bus_dead_requeue.run(r.s, &r.t.cx, &pick, &done), row->want);
        CHECK_EQ(op_bus_dead_drop.run(r.s, &r.t.cx, &pick, &done), row->want);
        CHECK_EQ(replay(&r, row->queue, 10, row->want), 0);
        tell(&r, "a"); /* and a range that holds nothing changes neither */
        EventsReplay in;
        EventsReplayed out = { 0 };
        shape_init(&events_replay_shape, &r.t.cx, &in);
        in.queue = str_c(row->queue);
        in.after = 1000;
        CHECK_EQ(op_bus_replay.run(r.s, &r.t.cx, &in, &out), row->want);
        rig_done(&r);
    }
}

static int keeps_nothing(EventBus *b, Ctx *cx, BusInfo *out) {
    UNUSED(b);
    UNUSED(cx);
    *out = (BusInfo){ .adapter = "none", .first_position = -1, .last_position = -1 };
    return 0;
}

/* "0 events are in the queue again" would be a lie: there was nothing to look at. */
TEST(a_bus_without_a_past_refuses_a_replay) {
    static const EventBusOps ops = { .name = "none", .describe = keeps_nothing };
    Rig r;
    EventBus bus = { .ops = &ops };
    rig_init(&r);
    EventService *s = event_service_new(&(EventServiceOptions){ .bus = &bus, .ids = &r.ids.ids });
    EventsReplay in;
    EventsReplayed out = { 0 };
    shape_init(&events_replay_shape, &r.t.cx, &in);
    in.queue = S("prediction_queue");
    CHECK_EQ(op_bus_replay.run(s, &r.t.cx, &in, &out), ERR_UNSUPPORTED);
    CHECK(str_find(str_c(r.t.cx.err.text), S("Kafka")) < 0); /* it keeps none that can be read either */
    event_service_free(s);
    rig_done(&r);
}

TEST(dead_letters_are_picked_or_all) {
    Rig r;
    rig_init(&r);
    tell(&r, "a");
    Subscription *s;
    Delivery *d;
    size_t n;
    CHECK_OK(&r.t.cx,
             event_bus_subscribe(r.bus, &r.t.cx, &(SubscribeOptions){ .queue = S("news_processing_queue") }, &s));
    CHECK_OK(&r.t.cx, event_bus_receive(s, &r.t.cx, 0, &d, 1, &n));
    CHECK_OK(&r.t.cx, event_bus_reject(s, &r.t.cx, d->tag, REJECT_DEAD, S("no")));
    event_bus_unsubscribe(s);
    DeadQuery q;
    DeadList list = { 0 };
    shape_init(&dead_query_shape, &r.t.cx, &q);
    CHECK_OK(&r.t.cx, op_bus_dead.run(r.s, &r.t.cx, &q, &list));
    CHECK_EQ(list.count, 1);
    const DeadRow *row = list.letters.v;
    CHECK_STR(row->detail, S("no"));
    CHECK_STR(row->payload.json, S("{\"articles_count\":1}"));
    DeadPick pick = { .queue = S("finsight.dlq") };
    DeadDone done = { 0 };
    CHECK_EQ(op_bus_dead_requeue.run(r.s, &r.t.cx, &pick, &done), ERR_INVALID); /* neither which nor all */
    Str handle = row->handle;
    pick.handles = (List){ &handle, 1 };
    CHECK_OK(&r.t.cx, op_bus_dead_requeue.run(r.s, &r.t.cx, &pick, &done));
    CHECK_EQ(done.count, 1);
    Str bad = S("x");
    pick.handles = (List){ &bad, 1 };
    CHECK_EQ(op_bus_dead_drop.run(r.s, &r.t.cx, &pick, &done), ERR_INVALID);
    rig_done(&r);
}

TESTS(T(the_table_is_right_and_an_administrators), T(what_is_told_is_listed_page_by_page),
      T(a_replay_is_of_what_was_told_and_of_nothing_twice), T(a_bus_that_nobody_has_used_is_empty_and_not_broken),
      T(a_bus_without_a_past_refuses_a_replay), T(dead_letters_are_picked_or_all))
