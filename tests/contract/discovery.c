/* The discovery port: what every adapter keeps to. */

#include "adapters/discovery/eureka.h"
#include "adapters/discovery/fixed.h"
#include "lib/fake_eureka.h"
#include "lib/test.h"

typedef struct Subject {
    const char *name;
    Discovery *d;
    FakeEureka fake;
} Subject;

static const DiscoveryInstance known[] = {
    { STR_INIT("Quotes"), STR_INIT("q2"), STR_INIT("10.0.0.2:9000"), 1, DISCOVERY_UP },
    { STR_INIT("quotes"), STR_INIT("q1"), STR_INIT("10.0.0.1:9000"), 5, DISCOVERY_UP },
    { STR_INIT("alpha"), STR_INIT("a1"), STR_INIT("10.0.0.3:9000"), 0, DISCOVERY_OUT_OF_SERVICE },
};

static void open_fixed(Subject *s, TestCtx *t) {
    CHECK_OK_PLAIN(&t->cx, discovery_fixed_open(&t->cx, known, ARRAY_LEN(known), &s->d));
}

static void open_eureka(Subject *s, TestCtx *t) {
    static const Str server = STR_INIT("http://10.0.0.1:8761/eureka");
    fake_eureka_init(&s->fake, &t->clock.clock);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        EurekaInstance x;
        eureka_instance_init(&x);
        x.app = known[i].service;
        x.id = known[i].id;
        x.host = x.ip = str_first(known[i].address, known[i].address.n - 5);
        x.port = 9000;
        x.center = S("MyOwn");
        x.status = eureka_status_of(str_c(discovery_status_name(known[i].status)));
        EurekaPair weight = { S("weight"), str_fmt(&t->arena, "%d", known[i].weight) };
        x.metadata = (EurekaPairs){ &weight, 1 };
        eureka_instance_settle(&x, &t->arena);
        if (eureka_register(s->fake.registry, fake_eureka_now(&t->clock.clock), &x, false) != 0)
            FAIL("not registered");
    }
    EurekaOptions o = { .http = &s->fake.base, .servers = &server, .n_servers = 1, .look_ms = 1000 };
    CHECK_OK_PLAIN(&t->cx, discovery_eureka_open(&t->cx, &o, &s->d));
}

static void close_subject(Subject *s) {
    discovery_close(s->d);
    if (s->fake.registry)
        fake_eureka_done(&s->fake);
}

static const struct {
    const char *name;
    void (*open)(Subject *s, TestCtx *t);
} adapters[] = { { "fixed", open_fixed }, { "eureka", open_eureka } };

TEST(lists_by_service_and_id_with_whole_addresses) {
    EACH_ROW (a, adapters) {
        TestCtx t;
        Subject s = { .name = a->name };
        test_ctx_init(&t);
        a->open(&s, &t);
        MonoNs next = { 0 };
        DiscoveryView v;
        CHECK_OK(&t.cx, discovery_step(s.d, &t.cx, &next));
        CHECK_OK(&t.cx, discovery_list(s.d, &t.cx, &v));
        CHECK(v.known);
        CHECK_EQ(v.n, 3);
        CHECK_STR(v.v[0].service, S("alpha"));
        CHECK_EQ(v.v[0].status, DISCOVERY_OUT_OF_SERVICE);
        CHECK_EQ(v.v[0].weight, 1);
        CHECK_STR(v.v[1].id, S("q1"));
        CHECK_STR(v.v[1].service, S("quotes"));
        CHECK_STR(v.v[1].address, S("10.0.0.1:9000"));
        CHECK_EQ(v.v[1].weight, 5);
        CHECK_STR(v.v[2].id, S("q2"));
        close_subject(&s);
        test_ctx_done(&t);
    }
}

TEST(a_step_says_when_the_next_one_is_due_and_changes_nothing_by_itself) {
    EACH_ROW (a, adapters) {
        TestCtx t;
        Subject s = { .name = a->name };
        test_ctx_init(&t);
        a->open(&s, &t);
        MonoNs next = { 0 };
        DiscoveryView before, after;
        CHECK_OK(&t.cx, discovery_step(s.d, &t.cx, &next));
        CHECK_OK(&t.cx, discovery_list(s.d, &t.cx, &before));
        for (int i = 0; i < 20; i++) {
            CHECK(next.ns > clock_mono(&t.clock.clock).ns);
            clock_manual_advance_ms(&t.clock, mono_ms_between(clock_mono(&t.clock.clock), next) + 1);
            CHECK_OK(&t.cx, discovery_step(s.d, &t.cx, &next));
        }
        CHECK_OK(&t.cx, discovery_list(s.d, &t.cx, &after));
        CHECK_EQ(before.revision, after.revision);
        CHECK_EQ(after.n, 3);
        close_subject(&s);
        test_ctx_done(&t);
    }
}

TEST(leaving_and_refreshing_are_always_possible) {
    EACH_ROW (a, adapters) {
        TestCtx t;
        Subject s = { .name = a->name };
        test_ctx_init(&t);
        a->open(&s, &t);
        DiscoveryOwn *own;
        MonoNs next = { 0 };
        CHECK_EQ(discovery_own(s.d, &t.cx, &own), 0);
        CHECK_OK(&t.cx, discovery_leave(s.d, &t.cx));
        CHECK_OK(&t.cx, discovery_refresh(s.d, &t.cx));
        CHECK_OK(&t.cx, discovery_announce(s.d, &t.cx, DISCOVERY_UP));
        CHECK_OK(&t.cx, discovery_step(s.d, &t.cx, &next));
        close_subject(&s);
        test_ctx_done(&t);
    }
}

TESTS(T(lists_by_service_and_id_with_whole_addresses),
      T(a_step_says_when_the_next_one_is_due_and_changes_nothing_by_itself),
      T(leaving_and_refreshing_are_always_possible))
