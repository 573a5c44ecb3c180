/* The contract of ports/security_store, run against security.db, in memory and on a disk that loses power (SEC-12,
 * SEC-26). */

#include "adapters/security/sqlite.h"
#include "lib/test.h"
#include "sim/vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

#ifdef SECURITY_STORE_MEMORY
enum { PERSISTENT = 0 };
#else
enum { PERSISTENT = 1 };
#endif

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    char *path, *anchor;
    SecurityStore *store;
} Fixture;

static int try_open(Fixture *f, Str key, int64_t kept) {
    SecurityStoreOptions o = { .path = f->path, .anchor = f->anchor, .key = key, .kept = kept };
    return security_store_sqlite_open(&f->t.cx, &o, &f->store);
}

static void begin_kept(Fixture *f, int64_t kept) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->path = f->anchor = NULL;
    if (PERSISTENT) {
        f->path = str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/security.db", f->dir));
        f->anchor = str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/security.anchor", f->dir));
    }
    CHECK_OK_PLAIN(&f->t.cx, try_open(f, S("the key"), kept));
}

static void begin(Fixture *f) {
    begin_kept(f, 0);
}

static void reopen(Fixture *f) {
    security_store_close(f->store);
    CHECK_OK_PLAIN(&f->t.cx, try_open(f, S("the key"), 0));
}

static void end(Fixture *f) {
    security_store_close(f->store);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static KeyRecord a_key(const char *id) {
    KeyRecord k = { .id = str_c(id),
                    .name = S("a script"),
                    .role = ROLE_WRITE,
                    .scopes = S("market"),
                    .limit = 7,
                    .created = time_ms(1),
                    .expires = time_ms(2),
                    .revoked = time_ms(3),
                    .last_used = time_ms(4),
                    .rotated = time_ms(5),
                    .old_until = time_ms(6) };
    memset(k.digest, 0xd1, sizeof k.digest);
    memset(k.old_digest, 0xd2, sizeof k.old_digest);
    return k;
}

static AuditEvent an_event(const char *action) {
    return (AuditEvent){ .who = S("admin"),
                         .action = str_c(action),
                         .subject = S("s"),
                         .outcome = S("ok"),
                         .address = S("127.0.0.1"),
                         .request_id = S("r"),
                         .detail = S("d"),
                         .count = 3 };
}

static void append(Fixture *f, int n) {
    for (int i = 0; i < n; i++) {
        AuditEvent e = an_event("thing");
        CHECK_OK_PLAIN(&f->t.cx, security_store_append(f->store, &f->t.cx, &e, 1));
    }
}

static AuditWalk walk(Fixture *f, const AuditAnchor *anchor) {
    AuditWalk w;
    CHECK_OK_PLAIN(&f->t.cx, security_store_walk(f->store, &f->t.cx, anchor, &w));
    return w;
}

TEST(a_key_comes_back_as_it_was_put) {
    Fixture f;
    KeyRecord k = a_key("aaaaaaaa"), *v;
    AuditEvent e = an_event("key.create");
    size_t n;
    int64_t revision;
    begin(&f);
    CHECK_OK(&f.t.cx, security_store_put(f.store, &f.t.cx, &k, &e));
    if (PERSISTENT)
        reopen(&f);
    CHECK_OK(&f.t.cx, security_store_keys(f.store, &f.t.cx, &v, &n, &revision));
    CHECK_EQ(n, 1);
    CHECK_STR(v->id, k.id);
    CHECK_STR(v->name, k.name);
    CHECK_STR(v->scopes, k.scopes);
    CHECK_EQ(v->role, k.role);
    CHECK_EQ(v->limit, 7);
    CHECK_EQ(v->created.ms * 100000 + v->expires.ms * 10000 + v->revoked.ms * 1000 + v->last_used.ms * 100 +
                 v->rotated.ms * 10 + v->old_until.ms,
             123456);
    CHECK(memcmp(v->digest, k.digest, sizeof k.digest) == 0);
    CHECK(memcmp(v->old_digest, k.old_digest, sizeof k.old_digest) == 0);
    CHECK_EQ(v->revision, 1);
    end(&f);
}

TEST(a_change_of_a_stale_row_changes_nothing_and_records_nothing) {
    Fixture f;
    KeyRecord k = a_key("aaaaaaaa"), *v;
    AuditEvent e = an_event("key.create");
    size_t n;
    int64_t before, after;
    begin(&f);
    CHECK_OK(&f.t.cx, security_store_put(f.store, &f.t.cx, &k, &e));
    CHECK_EQ(security_store_put(f.store, &f.t.cx, &k, &e), KEY_STALE); /* it is there already */
    CHECK_OK(&f.t.cx, security_store_keys(f.store, &f.t.cx, &v, &n, &before));
    k = v[0];
    k.name = S("renamed");
    CHECK_OK(&f.t.cx, security_store_put(f.store, &f.t.cx, &k, &e));
    CHECK_EQ(security_store_put(f.store, &f.t.cx, &k, &e), KEY_STALE);
    CHECK_OK(&f.t.cx, security_store_keys(f.store, &f.t.cx, &v, &n, &after));
    CHECK_STR(v[0].name, S("renamed"));
    CHECK(after > before);
    AuditSpan span;
    CHECK_OK(&f.t.cx, security_store_span(f.store, &f.t.cx, &span));
    CHECK_EQ(span.head.seq, 2);
    CHECK_EQ(security_store_drop(f.store, &f.t.cx, S("bbbbbbbb"), &e), KEY_NONE);
    CHECK_EQ(security_store_drop(f.store, &f.t.cx, S("aaaaaaaa"), &e), 0);
    CHECK_EQ(walk(&f, NULL).at.seq, 3);
    end(&f);
}

TEST(use_only_moves_forward) {
    Fixture f;
    KeyRecord k = a_key("aaaaaaaa"), *v;
    AuditEvent e = an_event("key.create");
    size_t n;
    int64_t revision;
    begin(&f);
    CHECK_OK(&f.t.cx, security_store_put(f.store, &f.t.cx, &k, &e));
    k.last_used = time_ms(100);
    CHECK_OK(&f.t.cx, security_store_used(f.store, &f.t.cx, &k, 1));
    k.last_used = time_ms(50);
    CHECK_OK(&f.t.cx, security_store_used(f.store, &f.t.cx, &k, 1));
    CHECK_OK(&f.t.cx, security_store_keys(f.store, &f.t.cx, &v, &n, &revision));
    CHECK_EQ(v->last_used.ms, 100);
    end(&f);
}

TEST(events_come_back_in_order_and_whole) {
    Fixture f;
    AuditEvent batch[3] = { an_event("a"), an_event("b"), an_event("c") }, *v;
    size_t n;
    begin(&f);
    CHECK_OK(&f.t.cx, security_store_append(f.store, &f.t.cx, batch, 3));
    append(&f, 2);
    if (PERSISTENT)
        reopen(&f);
    append(&f, 1);
    CHECK_OK(&f.t.cx, security_store_events(f.store, &f.t.cx, 1, 4, &v, &n));
    CHECK_EQ(n, 4);
    CHECK_EQ(v[0].seq, 2);
    CHECK_STR(v[0].action, S("b"));
    CHECK_STR(v[0].address, S("127.0.0.1"));
    CHECK_EQ(v[0].count, 3);
    CHECK_EQ(v[0].at.ms, clock_wall(&f.t.clock.clock).ms);
    AuditWalk w = walk(&f, NULL);
    CHECK_EQ(w.fault, AUDIT_WHOLE);
    CHECK_EQ(w.at.seq, 6);
    end(&f);
}

TEST(old_events_go_and_the_record_still_proves_where_it_begins) {
    Fixture f;
    begin_kept(&f, 300);
    append(&f, 600);
    AuditSpan span;
    CHECK_OK(&f.t.cx, security_store_span(f.store, &f.t.cx, &span));
    CHECK_EQ(span.before.seq, 212); /* at 512, 300 were kept */
    CHECK_EQ(walk(&f, NULL).fault, AUDIT_WHOLE);
    if (PERSISTENT) {
        reopen(&f);
        AuditWalk w = walk(&f, NULL);
        CHECK_EQ(w.fault, AUDIT_WHOLE);
        CHECK_EQ(w.at.seq, 600);
    }
    end(&f);
}

static void *append_many(void *arg) {
    TestCtx own;
    test_ctx_init(&own);
    for (int i = 0; i < 50; i++) {
        AuditEvent e = an_event("thread");
        CHECK_OK_PLAIN(&own.cx, security_store_append(((Fixture *)arg)->store, &own.cx, &e, 1));
    }
    test_ctx_done(&own);
    return NULL;
}

TEST(threads_make_one_chain) {
    Fixture f;
    pthread_t threads[4];
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, append_many, &f), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    AuditWalk w = walk(&f, NULL);
    CHECK_EQ(w.fault, AUDIT_WHOLE);
    CHECK_EQ(w.at.seq, 200);
    end(&f);
}

#ifndef SECURITY_STORE_MEMORY
/* Somebody who can write the file, and does so while nobody has it open. */
static void tamper(Fixture *f, const char *sql) {
    sqlite3 *db;
    security_store_close(f->store);
    f->store = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    CHECK_OK_PLAIN(&f->t.cx, try_open(f, S("the key"), 0));
}

TEST(whoever_can_write_the_file_is_found_out) {
    static const struct {
        const char *name, *sql;
        AuditFault fault;
        int64_t seq;
        bool alarm;
    } rows[] = {
        { "an edit", "UPDATE event SET who='nobody' WHERE seq=4", AUDIT_EDITED, 4, false },
        { "a deletion", "DELETE FROM event WHERE seq=4", AUDIT_MISSING, 4, false },
        { "a swap",
          "UPDATE event SET seq=100 WHERE seq=4; UPDATE event SET seq=4 WHERE seq=5; UPDATE event SET seq=5 WHERE "
          "seq=100",
          AUDIT_EDITED, 4, false },
        { "the beginning cut off", "DELETE FROM event WHERE seq<4", AUDIT_MISSING, 1, false },
        { "the end cut off", "DELETE FROM event WHERE seq>7", AUDIT_WHOLE, 0, true },
        { "all cut off", "DELETE FROM event", AUDIT_WHOLE, 0, true },
        { "the newest edited", "UPDATE event SET who='nobody' WHERE seq=10", AUDIT_EDITED, 10, false },
        { "a false beginning", "DELETE FROM event WHERE seq<4; INSERT INTO meta VALUES('before', '3:00 1:00')",
          AUDIT_MISSING, 1, false },
    };
    EACH_ROW (r, rows) {
        Fixture f;
        begin(&f);
        append(&f, 10);
        CHECK_EQ(walk(&f, NULL).fault, AUDIT_WHOLE);
        tamper(&f, r->sql);
        AuditWalk w = walk(&f, NULL);
        CHECK_EQ(w.fault, r->fault);
        CHECK_EQ(w.fault_seq, r->seq);
        CHECK_EQ(w.alarm != 0, r->alarm);
        end(&f);
    }
}

TEST(an_end_cut_off_with_its_anchor_is_found_by_an_anchor_kept_elsewhere) {
    Fixture f;
    AuditSpan span;
    begin(&f);
    append(&f, 10);
    CHECK_OK(&f.t.cx, security_store_span(f.store, &f.t.cx, &span));
    CHECK_EQ(span.anchor.seq, 10);
    security_store_close(f.store);
    CHECK_EQ(unlink(f.anchor), 0);
    CHECK_OK(&f.t.cx, try_open(&f, S("the key"), 0));
    CHECK(walk(&f, NULL).alarm != 0); /* that it went is an event */
    tamper(&f, "DELETE FROM event WHERE seq>5");
    CHECK(walk(&f, NULL).alarm != 0);
    AuditWalk w = walk(&f, &span.head);
    CHECK_EQ(w.fault, AUDIT_CUT);
    end(&f);
}

TEST(with_another_key_nothing_is_added) {
    Fixture f;
    begin(&f);
    append(&f, 3);
    security_store_close(f.store);
    CHECK_OK(&f.t.cx, try_open(&f, S("another key"), 0));
    AuditEvent e = an_event("x");
    KeyRecord *v;
    size_t n;
    int64_t revision;
    CHECK_EQ(security_store_append(f.store, &f.t.cx, &e, 1), ERR_CORRUPT);
    CHECK_EQ(security_store_keys(f.store, &f.t.cx, &v, &n, &revision), ERR_CORRUPT);
    CHECK_EQ(walk(&f, NULL).fault, AUDIT_EDITED);
    reopen(&f);
    append(&f, 1);
    AuditWalk w = walk(&f, NULL);
    CHECK_EQ(w.fault, AUDIT_WHOLE);
    CHECK_EQ(w.at.seq, 4);
    CHECK_EQ(w.alarm, 0);
    end(&f);
}

/* One of the anchor's two places may be torn by a power cut: the other is whole. */
TEST(a_torn_anchor_is_no_alarm) {
    for (int place = 0; place < 2; place++) {
        Fixture f;
        begin(&f);
        append(&f, 5);
        security_store_close(f.store);
        int fd = open(f.anchor, O_RDWR);
        CHECK_EQ(pwrite(fd, "torn", 4, place * 160 + 30), 4);
        close(fd);
        CHECK_OK(&f.t.cx, try_open(&f, S("the key"), 0));
        AuditWalk w = walk(&f, NULL);
        CHECK_EQ(w.fault, AUDIT_WHOLE);
        CHECK_EQ(w.alarm, 0);
        end(&f);
    }
}

/* Power goes at every operation of the disk in turn: what was acknowledged is there, and the chain is whole. */
TEST(a_power_cut_takes_nothing_that_was_acknowledged) {
    int64_t lost = 0;
    for (int64_t cut = 1; cut < 120; cut += 2) {
        TestCtx t;
        SecurityStore *s = NULL;
        int64_t acknowledged = 0;
        test_ctx_init(&t);
        SimDisk *disk = sim_disk_new("security-power", prop_seed(11) + (uint64_t)cut);
        SecurityStoreOptions o = { .path = "/security.db", .vfs = "security-power", .key = S("the key") };
        CHECK_OK(&t.cx, security_store_sqlite_open(&t.cx, &o, &s));
        sim_disk_set_faults(disk, &(SimDiskFaults){ .cut_at_op = cut });
        for (int i = 0; i < 30; i++) {
            AuditEvent e = an_event("x");
            if (security_store_append(s, &t.cx, &e, 1) != 0)
                break;
            acknowledged = e.seq;
        }
        sim_disk_power_off(disk);
        security_store_close(s);
        sim_disk_power_on(disk);
        CHECK_OK(&t.cx, security_store_sqlite_open(&t.cx, &o, &s));
        AuditWalk w;
        CHECK_OK(&t.cx, security_store_walk(s, &t.cx, NULL, &w));
        CHECK_EQ(w.fault, AUDIT_WHOLE);
        CHECK(w.at.seq >= acknowledged && w.at.seq <= acknowledged + 1);
        lost += sim_disk_lost_sectors(disk);
        security_store_close(s);
        sim_disk_free(disk);
        test_ctx_done(&t);
    }
    CHECK(lost > 0);
}

TESTS(T(a_key_comes_back_as_it_was_put), T(a_change_of_a_stale_row_changes_nothing_and_records_nothing),
      T(use_only_moves_forward), T(events_come_back_in_order_and_whole),
      T(old_events_go_and_the_record_still_proves_where_it_begins), T(threads_make_one_chain),
      T(whoever_can_write_the_file_is_found_out),
      T(an_end_cut_off_with_its_anchor_is_found_by_an_anchor_kept_elsewhere), T(with_another_key_nothing_is_added),
      T(a_torn_anchor_is_no_alarm), T(a_power_cut_takes_nothing_that_was_acknowledged))
#else
TESTS(T(a_key_comes_back_as_it_was_put), T(a_change_of_a_stale_row_changes_nothing_and_records_nothing),
      T(use_only_moves_forward), T(events_come_back_in_order_and_whole),
      T(old_events_go_and_the_record_still_proves_where_it_begins), T(threads_make_one_chain))
#endif
