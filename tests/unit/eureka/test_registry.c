/* The registry on a virtual clock: leases, expiry, self-preservation, overrides, conflicts, changes. */

#include "eureka/registry.h"
#include "lib/test.h"

typedef struct World {
    EurekaRegistry *r;
    EurekaNow now;
    Arena arena;
    int events[5];
} World;

static void heard(void *arg, const EurekaEvent *e) {
    ((World *)arg)->events[e->kind]++;
}

static void begin(World *w, const EurekaRegistryOptions *o) {
    EurekaRegistryOptions usual;
    eureka_registry_options_default(&usual);
    *w = (World){ .now = { time_ms(INT64_C(1760000000000)), { 1000 * NS_PER_SECOND } } };
    w->r = eureka_registry_new(o ? o : &usual, w->now);
    eureka_registry_listen(w->r, heard, w);
}

static void end(World *w) {
    eureka_registry_free(w->r);
    arena_done(&w->arena);
}

/* Time goes on, and the registry is asked as often as it wants to be. */
static void pass(World *w, int64_t ms) {
    MonoNs until = mono_add_ms(w->now.mono, ms);
    for (;;) {
        MonoNs next = eureka_registry_tick(w->r, w->now);
        MonoNs to = next.ns < until.ns ? next : until;
        if (to.ns <= w->now.mono.ns)
            to = mono_add_ms(w->now.mono, 1);
        w->now.wall.ms += mono_ms_between(w->now.mono, to);
        w->now.mono = to;
        if (to.ns >= until.ns)
            break;
    }
    eureka_registry_tick(w->r, w->now);
}

static EurekaInstance instance(Str app, Str id) {
    EurekaInstance x;
    eureka_instance_init(&x);
    x.app = app;
    x.id = id;
    x.host = x.ip = S("10.0.0.1");
    x.center = S("MyOwn");
    x.dirty_ms = 100;
    return x;
}

static void enter(World *w, Str app, Str id) {
    EurekaInstance x = instance(app, id);
    if (eureka_register(w->r, w->now, &x, false) != 0)
        FAIL("not registered");
}

static int renew(World *w, Str app, Str id, int64_t dirty_ms, bool from_peer) {
    return eureka_renew(w->r, w->now, &(EurekaRenewal){ app, id, dirty_ms, EUREKA_UNKNOWN, from_peer });
}

static size_t count(World *w, const EurekaSelect *which, EurekaList *out) {
    EurekaList list;
    eureka_select(w->r, &w->arena, which, &list);
    if (out)
        *out = list;
    return list.n;
}

static EurekaRegistryOptions plain(void) {
    EurekaRegistryOptions o;
    eureka_registry_options_default(&o);
    o.preserve = false;
    return o;
}

/* DIS-03: the server honours the duration; a lease that is renewed lives on. */
TEST(a_lease_ends_after_its_duration) {
    const struct {
        const char *name;
        int factor;
        bool renewed;
        int64_t there_ms, gone_ms;
    } rows[] = {
        { "never renewed", 1, false, 90 * 1000, 151 * 1000 },
        { "renewed once", 1, true, 90 * 1000, 151 * 1000 },
        { "renewed once, as the reference counts", 2, true, 180 * 1000, 241 * 1000 },
        { "never renewed, as the reference counts", 2, false, 90 * 1000, 151 * 1000 },
    };
    EACH_ROW (r, rows) {
        World w;
        EurekaRegistryOptions o = plain();
        o.renewed_factor = r->factor;
        begin(&w, &o);
        enter(&w, S("A"), S("a1"));
        if (r->renewed)
            CHECK_EQ(renew(&w, S("A"), S("a1"), 0, false), 0);
        pass(&w, r->there_ms);
        CHECK(eureka_find(w.r, S("A"), S("a1")) != NULL);
        pass(&w, r->gone_ms - r->there_ms);
        CHECK(eureka_find(w.r, S("A"), S("a1")) == NULL);
        CHECK_EQ(renew(&w, S("A"), S("a1"), 0, false), EUREKA_ABSENT);
        end(&w);
    }
}

TEST(a_lease_of_its_own_length_is_honoured) {
    World w;
    EurekaRegistryOptions o = plain();
    o.evict_every_ms = 500;
    begin(&w, &o);
    EurekaInstance x = instance(S("A"), S("a1"));
    x.lease.duration_s = 3;
    CHECK_EQ(eureka_register(w.r, w.now, &x, false), 0);
    for (int i = 0; i < 20; i++) { /* a renewal a second keeps it */
        pass(&w, 1000);
        CHECK_EQ(renew(&w, S("A"), S("a1"), 0, false), 0);
    }
    pass(&w, 3000);
    CHECK(eureka_find(w.r, S("a"), S("a1")) != NULL);
    pass(&w, 1000);
    CHECK(eureka_find(w.r, S("a"), S("a1")) == NULL);
    end(&w);
}

/* §1.5: a run that is late gives everybody the same time more. */
TEST(a_late_run_is_not_held_against_the_leases) {
    World w;
    EurekaRegistryOptions o = plain();
    begin(&w, &o);
    enter(&w, S("A"), S("a1"));
    w.now.mono = mono_add_ms(w.now.mono, 140 * 1000); /* nobody ran for 140 s: 80 s late */
    eureka_registry_tick(w.r, w.now);
    CHECK(eureka_find(w.r, S("A"), S("a1")) != NULL);
    pass(&w, 61 * 1000); /* 201 s: the next run comes in time */
    CHECK(eureka_find(w.r, S("A"), S("a1")) == NULL);
    end(&w);
}

static void enter_many(World *w, int n) {
    for (int i = 0; i < n; i++)
        enter(w, S("A"), str_fmt(&w->arena, "a%d", i));
}

static void renew_some(World *w, int n) {
    for (int i = 0; i < n; i++)
        renew(w, S("A"), str_fmt(&w->arena, "a%d", i), 0, false);
}

/* §1.5: 10 clients are expected to renew 20 times a minute; 17 are the least, more than 17 let eviction go on. */
TEST(self_preservation_keeps_everybody_while_too_few_renew) {
    const struct {
        const char *name;
        int renew; /* of ten, twice a minute */
        size_t after;
        bool preserving;
    } rows[] = { { "nine renew: 18 > 17", 9, 9, false }, { "eight renew: 16", 8, 10, true } };
    EACH_ROW (r, rows) {
        World w;
        begin(&w, NULL);
        enter_many(&w, 10);
        for (int i = 0; i < 8; i++) {
            renew_some(&w, r->renew);
            pass(&w, 30 * 1000);
        }
        EurekaRegistryView v;
        eureka_registry_view(w.r, w.now, &v);
        CHECK_EQ(v.instances, r->after);
        CHECK_EQ(v.preserving, r->preserving);
        CHECK_EQ(count(&w, &(EurekaSelect){ { 0 } }, NULL), r->after); /* they are told all the while */
        end(&w);
    }
}

/* §1.5: of 20, at most 20 - (int)(20 * 0.85) = 3 go in one run. */
TEST(one_run_evicts_a_share_at_most) {
    World w;
    EurekaRegistryOptions o;
    eureka_registry_options_default(&o);
    o.expected_s = 120; /* few renewals are enough: preservation is not what holds it back here */
    begin(&w, &o);
    enter_many(&w, 20);
    size_t last = 20;
    for (int i = 0; i < 4; i++) {
        renew_some(&w, 10);
        pass(&w, 30 * 1000);
    }
    for (int i = 0; i < 8; i++) {
        EurekaRegistryView v;
        eureka_registry_view(w.r, w.now, &v);
        size_t most = last - (size_t)((double)last * 0.85);
        CHECK(last - v.instances <= most);
        last = v.instances;
        renew_some(&w, 10);
        pass(&w, 30 * 1000);
        renew_some(&w, 10);
        pass(&w, 30 * 1000);
    }
    CHECK(last < 20);
    CHECK(last >= 10);
    end(&w);
}

/* §1.6. */
TEST(the_later_registration_wins) {
    World w;
    begin(&w, NULL);
    EurekaInstance x = instance(S("A"), S("a1"));
    x.port = 1;
    CHECK_EQ(eureka_register(w.r, w.now, &x, false), 0);
    x.port = 2;
    x.dirty_ms = 99;
    CHECK_EQ(eureka_register(w.r, w.now, &x, false), 0);
    CHECK_EQ(eureka_find(w.r, S("A"), S("a1"))->port, 1);
    x.dirty_ms = 100; /* equal: taken */
    CHECK_EQ(eureka_register(w.r, w.now, &x, false), 0);
    CHECK_EQ(eureka_find(w.r, S("A"), S("a1"))->port, 2);
    CHECK_EQ(count(&w, &(EurekaSelect){ { 0 } }, NULL), 1);
    CHECK_EQ(renew(&w, S("A"), S("a1"), 101, false), EUREKA_ABSENT);
    CHECK_EQ(renew(&w, S("A"), S("a1"), 99, false), 0);
    CHECK_EQ(renew(&w, S("A"), S("a1"), 99, true), EUREKA_STALE);
    CHECK_EQ(renew(&w, S("A"), S("a1"), 100, true), 0);
    CHECK_EQ(renew(&w, S("A"), S("other"), 0, false), EUREKA_ABSENT);
    end(&w);
}

static EurekaStatus status_of(World *w) {
    return eureka_find(w->r, S("A"), S("a1"))->status;
}

/* DIS-07; §1.6: first match of the four rules. */
TEST(overrides_stand_until_they_are_taken_off) {
    World w;
    begin(&w, NULL);
    enter(&w, S("A"), S("a1"));
    EurekaRenewal which = { .app = S("a"), .id = S("a1") };
    CHECK_EQ(eureka_override(w.r, w.now, &which, EUREKA_OUT_OF_SERVICE), 0);
    CHECK_EQ(status_of(&w), EUREKA_OUT_OF_SERVICE);
    enter(&w, S("A"), S("a1")); /* says UP again: the override stands */
    CHECK_EQ(status_of(&w), EUREKA_OUT_OF_SERVICE);
    EurekaInstance x = instance(S("A"), S("a1"));
    x.status = EUREKA_DOWN; /* is believed, as it is neither UP nor OUT_OF_SERVICE */
    CHECK_EQ(eureka_register(w.r, w.now, &x, false), 0);
    CHECK_EQ(status_of(&w), EUREKA_DOWN);
    enter(&w, S("A"), S("a1"));
    CHECK_EQ(status_of(&w), EUREKA_OUT_OF_SERVICE);
    CHECK_EQ(eureka_override_off(w.r, w.now, &which, EUREKA_UP), 0);
    CHECK_EQ(status_of(&w), EUREKA_UP);
    CHECK_EQ(renew(&w, S("A"), S("a1"), 0, false), 0);
    /* taken off without a status: only the instance knows, and is asked to register again */
    CHECK_EQ(eureka_override(w.r, w.now, &which, EUREKA_DOWN), 0);
    CHECK_EQ(eureka_override_off(w.r, w.now, &which, EUREKA_UNKNOWN), 0);
    CHECK_EQ(status_of(&w), EUREKA_UNKNOWN);
    CHECK_EQ(renew(&w, S("A"), S("a1"), 0, false), EUREKA_ABSENT);
    enter(&w, S("A"), S("a1"));
    CHECK_EQ(status_of(&w), EUREKA_UP);
    /* and it goes with the lease */
    CHECK_EQ(eureka_override(w.r, w.now, &which, EUREKA_OUT_OF_SERVICE), 0);
    CHECK_EQ(eureka_cancel(w.r, w.now, S("A"), S("a1"), false), 0);
    enter(&w, S("A"), S("a1"));
    CHECK_EQ(status_of(&w), EUREKA_UP);
    end(&w);
}

/* §1.7. */
TEST(changes_are_told_for_three_minutes) {
    World w;
    EurekaRegistryOptions o = plain();
    begin(&w, &o);
    EurekaList list;
    EurekaSelect delta = { .delta = true };
    enter(&w, S("B"), S("b1"));
    enter(&w, S("A"), S("a1"));
    enter(&w, S("B"), S("b2"));
    CHECK_EQ(eureka_cancel(w.r, w.now, S("B"), S("b1"), false), 0);
    CHECK_EQ(count(&w, &delta, &list), 3);
    CHECK_STR(list.hash, S("UP_2_")); /* of the registry, not of the changes */
    for (size_t i = 0; i < list.n; i++) {
        bool gone = str_eq(list.v[i].id, S("b1"));
        CHECK_EQ(list.v[i].action, gone ? EUREKA_DELETED : EUREKA_ADDED);
        if (i > 1)
            CHECK(str_eq(list.v[i].app, list.v[i - 1].app) || !str_eq(list.v[i].app, list.v[i - 2].app));
    }
    for (int i = 0; i < 6; i++) { /* both renew; after 3 min nothing is new */
        pass(&w, 29 * 1000);
        renew(&w, S("A"), S("a1"), 0, false);
        renew(&w, S("B"), S("b2"), 0, false);
        CHECK_EQ(count(&w, &delta, NULL), 3);
    }
    pass(&w, 40 * 1000);
    CHECK_EQ(count(&w, &delta, NULL), 0);
    CHECK_EQ(count(&w, &(EurekaSelect){ { 0 } }, NULL), 2);
    uint64_t before = eureka_revision(w.r);
    renew(&w, S("A"), S("a1"), 0, false);
    CHECK_EQ(eureka_revision(w.r), before);
    end(&w);
}

TEST(vips_apps_and_ids_are_found) {
    World w;
    begin(&w, NULL);
    EurekaInstance x = instance(S("A"), S("a1"));
    x.vip = S("one,two");
    x.secure_vip = S("s");
    CHECK_EQ(eureka_register(w.r, w.now, &x, false), 0);
    enter(&w, S("B"), S("b1"));
    CHECK_EQ(count(&w, &(EurekaSelect){ .vip = S("two") }, NULL), 1);
    CHECK_EQ(count(&w, &(EurekaSelect){ .vip = S("three") }, NULL), 0);
    CHECK_EQ(count(&w, &(EurekaSelect){ .secure_vip = S("s") }, NULL), 1);
    CHECK_EQ(count(&w, &(EurekaSelect){ .app = S("b") }, NULL), 1);
    CHECK(eureka_find(w.r, (Str){ 0 }, S("b1")) != NULL);
    CHECK(eureka_find(w.r, (Str){ 0 }, S("c1")) == NULL);
    CHECK(eureka_has_app(w.r, S("b")) && !eureka_has_app(w.r, S("c")));
    EurekaPair zone = { S("zone"), S("eu") };
    CHECK_EQ(eureka_metadata_set(w.r, w.now, S("B"), S("b1"), (EurekaPairs){ &zone, 1 }), 0);
    CHECK_STR(eureka_find(w.r, S("B"), S("b1"))->metadata.v[0].value, S("eu"));
    CHECK_EQ(eureka_metadata_set(w.r, w.now, S("B"), S("b9"), (EurekaPairs){ &zone, 1 }), EUREKA_ABSENT);
    end(&w);
}

TEST(a_full_registry_refuses_new_ones_alone) {
    World w;
    EurekaRegistryOptions o = plain();
    o.max_instances = 3;
    begin(&w, &o);
    enter_many(&w, 3);
    EurekaInstance x = instance(S("A"), S("more"));
    CHECK_EQ(eureka_register(w.r, w.now, &x, false), EUREKA_FULL);
    enter(&w, S("A"), S("a1"));
    for (int i = 0; i < 100; i++) { /* comings and goings: the queue of changes has its ceiling, too */
        CHECK_EQ(eureka_cancel(w.r, w.now, S("A"), S("a2"), false), 0);
        enter(&w, S("A"), S("a2"));
    }
    CHECK(count(&w, &(EurekaSelect){ .delta = true }, NULL) <= 6);
    end(&w);
}

/* What a peer told is not told on: two nodes would tell each other for ever. */
TEST(what_peers_tell_is_no_event) {
    World w;
    begin(&w, NULL);
    EurekaInstance x = instance(S("A"), S("a1"));
    EurekaRenewal which = { .app = S("A"), .id = S("a1"), .from_peer = true };
    for (int peer = 1; peer >= 0; peer--) {
        which.from_peer = peer;
        CHECK_EQ(eureka_register(w.r, w.now, &x, peer), 0);
        CHECK_EQ(eureka_renew(w.r, w.now, &which), 0);
        CHECK_EQ(eureka_override(w.r, w.now, &which, EUREKA_DOWN), 0);
        CHECK_EQ(eureka_override_off(w.r, w.now, &which, EUREKA_UP), 0);
        CHECK_EQ(eureka_cancel(w.r, w.now, S("A"), S("a1"), peer), 0);
        for (size_t i = 0; i < ARRAY_LEN(w.events); i++)
            CHECK_EQ(w.events[i], !peer);
    }
    end(&w);
}

TESTS(T(a_lease_ends_after_its_duration), T(a_lease_of_its_own_length_is_honoured),
      T(a_late_run_is_not_held_against_the_leases), T(self_preservation_keeps_everybody_while_too_few_renew),
      T(one_run_evicts_a_share_at_most), T(the_later_registration_wins), T(overrides_stand_until_they_are_taken_off),
      T(changes_are_told_for_three_minutes), T(vips_apps_and_ids_are_found), T(a_full_registry_refuses_new_ones_alone),
      T(what_peers_tell_is_no_event))
