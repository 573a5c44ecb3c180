/* What only the embedded log has: its file, its retention, its group commit, its faults. */

#include "adapters/bus/log.h"
#include "lib/test.h"
#include "sim/vfs.h"

#include <sys/stat.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    EventBus *b;
} Fixture;

static const BusExchange x = { STR_INIT("x"), EXCHANGE_TOPIC };
static const BusQueue queues[] = { { .name = STR_INIT("q") }, { .name = STR_INIT("p"), .max_priority = 9 } };
static const BusBinding bindings[] = { { STR_INIT("x"), STR_INIT("q"), false, STR_INIT("#") },
                                       { STR_INIT("x"), STR_INIT("p"), false, STR_INIT("p.#") } };
static const BusTopology topology = { &x, 1, queues, 2, bindings, 2 };

static void begin(Fixture *f, EventLogOptions o) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    o.path = str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/bus.db", f->dir));
    CHECK_OK_PLAIN(&f->t.cx, event_log_open(&f->t.cx, &o, &f->b));
    CHECK_OK_PLAIN(&f->t.cx, event_bus_declare(f->b, &f->t.cx, &topology));
}

static void end(Fixture *f) {
    event_bus_close(f->b);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static void send(Fixture *f, const char *key, int n) {
    for (int i = 0; i < n; i++) {
        Event e = { .id = S("e"),
                    .type = S("t"),
                    .version = 1,
                    .priority = i % 10,
                    .at = clock_wall(f->t.cx.clock),
                    .body = S("{}") };
        CHECK_OK_PLAIN(&f->t.cx, event_bus_publish(f->b, &f->t.cx, &(Publication){ S("x"), str_c(key), true, &e }));
    }
}

static int drain(Fixture *f, const char *queue) {
    Subscription *s;
    Delivery *d;
    size_t n;
    int total = 0;
    CHECK_OK_PLAIN(&f->t.cx, event_bus_subscribe(f->b, &f->t.cx, &(SubscribeOptions){ .queue = str_c(queue) }, &s));
    while (event_bus_receive(s, &f->t.cx, 0, &d, 64, &n) == 0)
        for (size_t i = 0; i < n; i++, total++)
            CHECK_OK_PLAIN(&f->t.cx, event_bus_ack(s, &f->t.cx, d[i].tag));
    event_bus_unsubscribe(s);
    return total;
}

static size_t logged(Fixture *f) {
    BusPage page;
    CHECK_OK_PLAIN(&f->t.cx, event_bus_read(f->b, &f->t.cx, &(BusRead){ .after = -1, .limit = 1000 }, &page));
    return page.n;
}

/* What nobody is owed any more goes by age; what somebody is owed stays until it is done. */
TEST(retention_takes_what_nobody_waits_for) {
    Fixture f;
    begin(&f, (EventLogOptions){ .retention_ms = 60000 });
    send(&f, "p.a", 20); /* in both queues */
    send(&f, "b", 10);
    CHECK_EQ(drain(&f, "q"), 30);
    CHECK_OK(&f.t.cx, event_bus_tick(f.b, &f.t.cx));
    CHECK_EQ(logged(&f), 30);
    clock_manual_advance_ms(&f.t.clock, 60001);
    send(&f, "b", 1);
    CHECK_OK(&f.t.cx, event_bus_tick(f.b, &f.t.cx));
    CHECK_EQ(logged(&f), 21); /* p is still owed its 20, and the newest is new */
    CHECK_EQ(drain(&f, "p"), 20);
    CHECK_EQ(logged(&f), 1);
    CHECK_EQ(drain(&f, "q"), 1);
    end(&f);
}

TEST(retention_is_bounded_in_rows_too) {
    Fixture f;
    begin(&f, (EventLogOptions){ .retention_rows = 10 });
    send(&f, "b", 100);
    CHECK_EQ(drain(&f, "q"), 100);
    CHECK_OK(&f.t.cx, event_bus_tick(f.b, &f.t.cx));
    CHECK_EQ(logged(&f), 10);
    send(&f, "b", 1); /* positions go on: a group's place stays right */
    BusInfo info;
    CHECK_OK(&f.t.cx, event_bus_describe(f.b, &f.t.cx, &info));
    CHECK_EQ(info.last_position, 101);
    end(&f);
}

static int64_t log_size(Fixture *f) {
    struct stat st;
    return stat(str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/bus.db-wal", f->dir)), &st) == 0 ? (int64_t)st.st_size
                                                                                              : -1;
}

/* A commit's sync waits for the data alone: the file it goes to does not grow with each. A file that is only looked at
 * stays small. */
TEST(the_log_is_made_ahead_of_its_writer) {
    enum { MEBIBYTE = 1 << 20, COMMITS = 200 };
    Fixture f;
    begin(&f, (EventLogOptions){ 0 });
    int64_t small = log_size(&f);
    CHECK(small > 0 && small < MEBIBYTE / 2);
    int grown = 0;
    for (int i = 0; i < COMMITS; i++) {
        int64_t before = log_size(&f);
        send(&f, "a", 1);
        grown += log_size(&f) != before && before >= MEBIBYTE;
    }
    CHECK(log_size(&f) >= MEBIBYTE);
    CHECK(grown <= 8);
    CHECK_EQ(logged(&f), COMMITS);
    event_bus_close(f.b);
    EventLogOptions o = { .path = str_cz(&f.t.arena, str_fmt(&f.t.arena, "%s/bus.db", f.dir)) };
    CHECK_OK(&f.t.cx, event_log_open(&f.t.cx, &o, &f.b));
    CHECK_EQ(logged(&f), COMMITS);
    CHECK_EQ(drain(&f, "q"), COMMITS);
    end(&f);
}

TEST(the_file_has_one_owner) {
    Fixture f;
    begin(&f, (EventLogOptions){ 0 });
    EventBus *other;
    EventLogOptions o = { .path = str_cz(&f.t.arena, str_fmt(&f.t.arena, "%s/bus.db", f.dir)) };
    CHECK_EQ(event_log_open(&f.t.cx, &o, &other), ERR_CONFLICT);
    end(&f);
}

/* A disk that fails: what was not confirmed may be lost, nothing else is, and the bus goes on when the disk is well. */
TEST(a_failing_disk_costs_no_confirmed_event) {
    TestCtx t;
    test_ctx_init(&t);
    SimDisk *disk = sim_disk_new("bus-disk", 5);
    EventBus *b;
    CHECK_OK(&t.cx, event_log_open(&t.cx, &(EventLogOptions){ .path = "/disk/bus.db", .vfs = "bus-disk" }, &b));
    CHECK_OK(&t.cx, event_bus_declare(b, &t.cx, &topology));
    int confirmed = 0, failed = 0;
    sim_disk_set_faults(disk, &(SimDiskFaults){ .error_one_in = 25 });
    for (int i = 0; i < 400; i++) {
        Event e = { .id = str_fmt(&t.arena, "e%d", i), .type = S("t"), .version = 1, .body = S("{}") };
        int r = event_bus_publish(b, &t.cx, &(Publication){ S("x"), S("b"), true, &e });
        confirmed += r == 0;
        failed += r < 0;
    }
    sim_disk_set_faults(disk, &(SimDiskFaults){ 0 });
    CHECK(confirmed > 50 && failed > 5);
    Subscription *s;
    Delivery *d;
    size_t n;
    int64_t got = 0;
    CHECK_OK(&t.cx, event_bus_subscribe(b, &t.cx, &(SubscribeOptions){ .queue = S("q") }, &s));
    while (event_bus_receive(s, &t.cx, 0, &d, 64, &n) == 0)
        for (size_t i = 0; i < n; i++, got++)
            CHECK_OK(&t.cx, event_bus_ack(s, &t.cx, d[i].tag));
    event_bus_unsubscribe(s);
    CHECK(got >= confirmed); /* a commit whose answer was an error may be there */
    event_bus_close(b);
    sim_disk_free(disk);
    test_ctx_done(&t);
}

TESTS(T(retention_takes_what_nobody_waits_for), T(retention_is_bounded_in_rows_too),
      T(the_log_is_made_ahead_of_its_writer), T(the_file_has_one_owner), T(a_failing_disk_costs_no_confirmed_event))
