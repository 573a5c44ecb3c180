/* services/security: keys through their life, and events on their way into the record (SEC-12, SEC-23, SEC-26). */

#include "adapters/security/sqlite.h"
#include "lib/test.h"
#include "services/security/keys.h"
#include "services/security/trail.h"

typedef struct Fixture {
    TestCtx t;
    IdsSeeded ids;
    SecurityStore *store;
    KeyService *keys;
    KeySet *set; /* handed over last */
    int n_sets;
} Fixture;

static void changed(void *arg, KeySet *set) {
    Fixture *f = arg;
    key_set_unref(f->set);
    f->set = set;
    f->n_sets++;
}

static void begin(Fixture *f) {
    *f = (Fixture){ .n_sets = 0 };
    test_ctx_init(&f->t);
    ids_seeded_init(&f->ids, 5);
    CHECK_OK_PLAIN(&f->t.cx, security_store_sqlite_open(&f->t.cx, &(SecurityStoreOptions){ .key = S("k") }, &f->store));
    f->keys =
        key_service_new(&(KeyServiceOptions){ .store = f->store, .ids = &f->ids.ids, .changed = changed, .arg = f });
    CHECK_OK_PLAIN(&f->t.cx, keys_load(f->keys, &f->t.cx));
}

static void end(Fixture *f) {
    key_set_unref(f->set);
    key_service_free(f->keys);
    security_store_close(f->store);
    test_ctx_done(&f->t);
}

static KeyVerdict verdict(Fixture *f, Str secret) {
    const KeyEntry *e;
    return key_set_find(f->set, secret, clock_wall(&f->t.clock.clock), &e);
}

TEST(when_a_call_returns_the_set_is_the_new_one) {
    Fixture f;
    KeyRecord k;
    Str first, second;
    begin(&f);
    CHECK_EQ(f.n_sets, 1);
    CHECK_OK(&f.t.cx, keys_create(f.keys, &f.t.cx, &(KeyDraft){ S("a"), ROLE_WRITE, S(""), 0, { 0 } }, &k, &first));
    CHECK_EQ(verdict(&f, first), KEY_GOOD);
    CHECK_OK(&f.t.cx, keys_rotate(f.keys, &f.t.cx, k.id, 5000, &k, &second));
    CHECK_EQ(verdict(&f, first), KEY_GOOD);
    CHECK_EQ(verdict(&f, second), KEY_GOOD);
    clock_manual_advance_ms(&f.t.clock, 5000);
    CHECK_EQ(verdict(&f, first), KEY_EXPIRED);
    CHECK_OK(&f.t.cx, keys_rotate(f.keys, &f.t.cx, k.id, 0, &k, &first));
    CHECK_EQ(verdict(&f, second), KEY_EXPIRED);
    CHECK_OK(&f.t.cx, keys_revoke(f.keys, &f.t.cx, k.id, &k));
    CHECK_EQ(verdict(&f, first), KEY_REVOKED);
    int sets = f.n_sets;
    CHECK_OK(&f.t.cx, keys_revoke(f.keys, &f.t.cx, k.id, &k)); /* again: nothing changes */
    CHECK_EQ(f.n_sets, sets);
    CHECK_EQ(keys_rotate(f.keys, &f.t.cx, k.id, 0, &k, &first), ERR_CONFLICT);
    CHECK_EQ(keys_get(f.keys, &f.t.cx, S("zzzzzzzz"), &k), ERR_NOT_FOUND);
    AuditWalk w;
    CHECK_OK(&f.t.cx, security_store_walk(f.store, &f.t.cx, NULL, &w));
    CHECK_EQ(w.at.seq, 4); /* create, rotate, rotate, revoke */
    end(&f);
}

TEST(drafts_are_checked) {
    static const struct {
        const char *name;
        KeyDraft draft;
        const char *field;
    } rows[] = {
        { "no name", { { 0 }, ROLE_READ, { 0 }, 0, { 0 } }, "name" },
        { "controls", { STR_INIT("a\tb"), ROLE_READ, { 0 }, 0, { 0 } }, "name" },
        { "not UTF-8", { STR_INIT("\xff\xfe"), ROLE_READ, { 0 }, 0, { 0 } }, "name" },
        { "no role", { STR_INIT("a"), ROLE_NONE, { 0 }, 0, { 0 } }, "role" },
        { "no scope", { STR_INIT("a"), ROLE_READ, STR_INIT("a b/c"), 0, { 0 } }, "scopes" },
        { "limit", { STR_INIT("a"), ROLE_READ, { 0 }, KEY_LIMIT_MAX + 1, { 0 } }, "limit" },
        { "over already", { STR_INIT("a"), ROLE_READ, { 0 }, 0, { 1000 } }, "expires" },
    };
    Fixture f;
    begin(&f);
    EACH_ROW (r, rows) {
        KeyRecord k;
        Str secret;
        CHECK_EQ(keys_create(f.keys, &f.t.cx, &r->draft, &k, &secret), ERR_INVALID);
        CHECK_STR(str_c(f.t.cx.err.field), str_c(r->field));
    }
    CHECK_EQ(f.n_sets, 1);
    end(&f);
}

TEST(use_is_seen_at_once_and_written_when_asked) {
    Fixture f;
    KeyRecord k, *v;
    Str secret;
    size_t n;
    int64_t revision;
    begin(&f);
    CHECK_OK(&f.t.cx, keys_create(f.keys, &f.t.cx, &(KeyDraft){ S("a"), ROLE_READ, S(""), 0, { 0 } }, &k, &secret));
    clock_manual_advance_ms(&f.t.clock, 7);
    CHECK_EQ(verdict(&f, secret), KEY_GOOD);
    CHECK_OK(&f.t.cx, keys_get(f.keys, &f.t.cx, k.id, &k));
    CHECK_EQ(k.last_used.ms, clock_wall(&f.t.clock.clock).ms);
    CHECK_OK(&f.t.cx, security_store_keys(f.store, &f.t.cx, &v, &n, &revision));
    CHECK_EQ(v->last_used.ms, 0);
    CHECK_OK(&f.t.cx, keys_note_use(f.keys, &f.t.cx));
    CHECK_OK(&f.t.cx, security_store_keys(f.store, &f.t.cx, &v, &n, &revision));
    CHECK_EQ(v->last_used.ms, k.last_used.ms);
    end(&f);
}

/* --- the trail --- */

static AuditEvent failed(Str address) {
    return (AuditEvent){
        .who = S("anonymous"), .action = S("login.failed"), .outcome = S("forbidden"), .address = address
    };
}

static size_t events(Fixture *f, AuditEvent **v) {
    size_t n;
    CHECK_OK_PLAIN(&f->t.cx, security_store_events(f->store, &f->t.cx, 0, AUDIT_READ_MAX, v, &n));
    return n;
}

TEST(a_flood_is_one_event_and_then_one_a_minute) {
    Fixture f;
    AuditEvent *v, e = failed(S("10.0.0.1")), other = failed(S("10.0.0.2"));
    begin(&f);
    Trail *t = trail_new(f.store, NULL, &f.t.clock.clock);
    for (int i = 0; i < 1000; i++)
        trail_count(t, &e);
    trail_count(t, &other);
    CHECK_OK(&f.t.cx, trail_flush(t, &f.t.cx, false));
    CHECK_EQ(events(&f, &v), 2);
    CHECK_EQ(v[0].count, 1);
    clock_manual_advance_ms(&f.t.clock, TRAIL_WINDOW_MS);
    CHECK_OK(&f.t.cx, trail_flush(t, &f.t.cx, false));
    CHECK_EQ(events(&f, &v), 3);
    CHECK_EQ(v[2].count, 999);
    CHECK_STR(v[2].address, S("10.0.0.1"));
    trail_count(t, &e); /* a window of its own begins */
    trail_count(t, &e);
    CHECK_OK(&f.t.cx, trail_flush(t, &f.t.cx, true));
    CHECK_EQ(events(&f, &v), 5);
    CHECK_EQ(v[3].count + v[4].count, 2);
    trail_free(t);
    end(&f);
}

TEST(a_flood_of_sources_is_bounded_and_nobody_is_lost_of_the_count) {
    enum { SOURCES = 20000 };
    Fixture f;
    AuditEvent *v;
    int64_t total = 0;
    begin(&f);
    Trail *t = trail_new(f.store, NULL, &f.t.clock.clock);
    for (int i = 0; i < SOURCES; i++) {
        AuditEvent e = failed(str_fmt(&f.t.arena, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255));
        trail_count(t, &e);
    }
    CHECK_OK(&f.t.cx, trail_flush(t, &f.t.cx, true));
    size_t n = 0, more;
    for (int64_t after = 0;
         (more = 0, security_store_events(f.store, &f.t.cx, after, AUDIT_READ_MAX, &v, &more)) == 0 && more;
         after = v[more - 1].seq)
        for (size_t i = 0; i < more; i++, n++)
            total += v[i].count;
    CHECK_EQ(total, SOURCES);
    CHECK(n <= TRAIL_SOURCES_MAX + 2);
    trail_free(t);
    end(&f);
}

TEST(what_finds_no_place_is_counted) {
    enum { MANY = TRAIL_WAITING_MAX + 500 };
    Fixture f;
    AuditEvent *v, e = { .who = S("x"), .action = S("y") };
    begin(&f);
    Trail *t = trail_new(f.store, NULL, &f.t.clock.clock);
    for (int i = 0; i < MANY; i++)
        trail_note(t, &e);
    CHECK_OK(&f.t.cx, trail_flush(t, &f.t.cx, false));
    AuditSpan span;
    CHECK_OK(&f.t.cx, security_store_span(f.store, &f.t.cx, &span));
    CHECK_EQ(span.head.seq, TRAIL_WAITING_MAX + 1);
    size_t n;
    int64_t lost = 0;
    for (int64_t after = 0; security_store_events(f.store, &f.t.cx, after, AUDIT_READ_MAX, &v, &n) == 0 && n;
         after = v[n - 1].seq)
        for (size_t i = 0; i < n; i++)
            if (str_eq(v[i].action, S("audit.overflow")))
                lost += v[i].count;
    CHECK_EQ(lost, 500);
    trail_free(t);
    end(&f);
}

static int never(SecurityStore *s, Ctx *cx, AuditEvent *v, size_t n) {
    UNUSED(s);
    UNUSED(v);
    UNUSED(n);
    return err_set(cx, ERR_CONFLICT, "owned by another");
}

/* A gateway that waits for another to end: its events wait too, in their order. */
TEST(while_the_file_is_anothers_events_wait) {
    Fixture f;
    AuditEvent *v, a = { .action = S("a") }, b = { .action = S("b") };
    begin(&f);
    const SecurityStoreOps *ours = f.store->ops;
    SecurityStoreOps theirs = *ours;
    theirs.append = never;
    f.store->ops = &theirs;
    Trail *t = trail_new(f.store, NULL, &f.t.clock.clock);
    trail_note(t, &a);
    CHECK_EQ(trail_flush(t, &f.t.cx, false), ERR_CONFLICT);
    trail_note(t, &b);
    f.store->ops = ours;
    CHECK_OK(&f.t.cx, trail_flush(t, &f.t.cx, false));
    CHECK_EQ(events(&f, &v), 2);
    CHECK_STR(v[0].action, S("a"));
    CHECK_STR(v[1].action, S("b"));
    trail_free(t);
    end(&f);
}

TEST(a_lane_writes_as_it_comes) {
    Fixture f;
    AuditEvent *v, a = { .action = S("a") };
    begin(&f);
    Trail *t = trail_new(f.store, NULL, &f.t.clock.clock);
    Lane *lane = lane_inline_new();
    trail_attach(t, lane);
    trail_note(t, &a);
    trail_note(t, &a);
    CHECK_EQ(events(&f, &v), 2);
    trail_attach(t, NULL);
    lane_close(lane);
    trail_free(t);
    end(&f);
}

TESTS(T(when_a_call_returns_the_set_is_the_new_one), T(drafts_are_checked),
      T(use_is_seen_at_once_and_written_when_asked), T(a_flood_is_one_event_and_then_one_a_minute),
      T(a_flood_of_sources_is_bounded_and_nobody_is_lost_of_the_count), T(what_finds_no_place_is_counted),
      T(while_the_file_is_anothers_events_wait), T(a_lane_writes_as_it_comes))
