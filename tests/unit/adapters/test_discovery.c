/* The client of Eureka on a manual clock, against the real registry without a socket. */

#include "adapters/discovery/eureka.h"
#include "lib/fake_eureka.h"
#include "lib/test.h"

enum { HEARD_MAX = 64 };

typedef struct World {
    TestCtx t;
    FakeEureka fake;
    Discovery *d;
    EurekaOptions o;
    MonoNs start;
    int heard[8];
    DiscoveryNews last[8];
    char words[8][80];
} World;

static void hear(void *arg, const DiscoveryNews *news) {
    World *w = arg;
    w->heard[news->kind]++;
    w->last[news->kind] = *news;
    snprintf(w->words[news->kind], sizeof w->words[0], STR_FMT " " STR_FMT, STR_ARG(news->server),
             STR_ARG(news->words));
}

static const EurekaOwn market = { .service = STR_INIT("market"),
                                  .host = STR_INIT("node-1"),
                                  .ip = STR_INIT("10.0.0.5") };

static void begin(World *w, int64_t look_ms) {
    static const Str servers[] = { STR_INIT("http://10.0.0.1:8761/eureka/"), STR_INIT("http://10.0.0.2:8761") };
    *w = (World){ 0 };
    test_ctx_init(&w->t);
    fake_eureka_init(&w->fake, &w->t.clock.clock);
    w->o = (EurekaOptions){ .http = &w->fake.base,
                            .servers = servers,
                            .n_servers = ARRAY_LEN(servers),
                            .own = &market,
                            .n_own = 1,
                            .look_ms = look_ms,
                            .seed = prop_seed(5) };
    CHECK_OK_PLAIN(&w->t.cx, discovery_eureka_open(&w->t.cx, &w->o, &w->d));
    w->d->news = hear;
    w->d->news_arg = w;
    w->start = clock_mono(&w->t.clock.clock);
}

static void end(World *w) {
    discovery_close(w->d);
    fake_eureka_done(&w->fake);
    test_ctx_done(&w->t);
}

/* Steps as often as it wants, for so long. */
static void pass(World *w, int64_t ms) {
    MonoNs until = mono_add_ms(clock_mono(&w->t.clock.clock), ms), next = { 0 };
    for (;;) {
        CHECK_OK_PLAIN(&w->t.cx, discovery_step(w->d, &w->t.cx, &next));
        MonoNs now = clock_mono(&w->t.clock.clock);
        int64_t wait = mono_ms_between(now, next.ns < until.ns ? next : until);
        if (now.ns >= until.ns)
            return;
        clock_manual_advance_ms(&w->t.clock, MAX(wait, (int64_t)1));
    }
}

static int64_t since_start(const World *w, const FakeCall *c) {
    return c->at_ms - w->start.ns / NS_PER_MS;
}

/* DIS-01, DIS-04: POST answered 204, then PUT at 30, 60, 90 s. */
TEST(registers_once_and_renews_every_30_s) {
    World w;
    begin(&w, 0);
    pass(&w, 100 * 1000);
    CHECK_EQ(w.fake.n, 4);
    CHECK_STR(str_c(w.fake.calls[0].text), S("POST /apps/MARKET"));
    CHECK_EQ(w.fake.calls[0].status, 204);
    for (size_t i = 1; i < 4; i++) {
        CHECK(str_starts(str_c(w.fake.calls[i].text),
                         S("PUT /apps/MARKET/node-1:market:8000?status=UP&lastDirtyTimestamp=")));
        CHECK_EQ(since_start(&w, &w.fake.calls[i]), (int64_t)i * 30 * 1000);
        CHECK_EQ(w.fake.calls[i].status, 200);
    }
    CHECK_EQ(w.heard[DISCOVERY_REGISTERED], 1);
    const EurekaInstance *x = eureka_find(w.fake.registry, S("MARKET"), S("node-1:market:8000"));
    CHECK(x && x->status == EUREKA_UP && x->port == 8000 && x->lease.duration_s == 90);
    end(&w);
}

/* DIS-14: anything but 204 is no registration: no renewal, and another try later. */
TEST(no_renewal_before_204) {
    const struct {
        const char *name;
        int status;
    } rows[] = { { "400", 400 }, { "200", 200 }, { "500", 500 }, { "302", 302 } };
    EACH_ROW (r, rows) {
        World w;
        begin(&w, 0);
        w.fake.answer_with = r->status;
        pass(&w, 40 * 1000);
        CHECK_EQ(fake_eureka_count(&w.fake, "PUT"), 0);
        CHECK(w.heard[DISCOVERY_REFUSED] > 2);
        CHECK_EQ(w.last[DISCOVERY_REFUSED].status, r->status);
        CHECK_EQ(w.heard[DISCOVERY_REGISTERED], 0);
        w.fake.answer_with = 0;
        pass(&w, 31 * 1000);
        CHECK_EQ(w.heard[DISCOVERY_REGISTERED], 1);
        end(&w);
    }
}

/* DIS-05, DIS-06, U14: a registry that is away is asked again for ever, with a pause that grows to 30 s. */
TEST(a_registry_that_is_away_is_asked_for_ever) {
    World w;
    begin(&w, 0);
    w.fake.fail_with = ERR_UNAVAILABLE;
    pass(&w, 15 * 60 * 1000);
    CHECK(w.heard[DISCOVERY_UNREACHED] >= 30); /* a pause is 15 s on average, 30 s at most */
    CHECK(w.heard[DISCOVERY_UNREACHED] <= 110);
    CHECK(str_find(str_c(w.words[DISCOVERY_UNREACHED]), S("no route to 10.0.0.2")) >= 0);
    for (size_t i = 2; i < w.fake.n; i += 2)
        CHECK(w.fake.calls[i].at_ms - w.fake.calls[i - 1].at_ms <= 30 * 1000);
    w.fake.fail_with = 0;
    pass(&w, 30 * 1000);
    CHECK_EQ(w.heard[DISCOVERY_REGISTERED], 1);
    end(&w);
}

/* U14: the seed's loop ended with its first error. */
TEST(a_renewal_that_fails_is_not_the_last) {
    World w;
    begin(&w, 0);
    pass(&w, 29 * 1000);
    w.fake.fail_with = ERR_TIMEOUT;
    pass(&w, 20 * 1000);
    CHECK(w.heard[DISCOVERY_LATE] >= 2);
    w.fake.fail_with = 0;
    pass(&w, 60 * 1000);
    CHECK_EQ(w.heard[DISCOVERY_REGISTERED], 1); /* the lease never ended */
    CHECK(fake_eureka_last(&w.fake, "PUT")->status == 200);
    end(&w);
}

/* A registry that was restarted: the next renewal is 404, and the registration follows at once. */
TEST(a_registry_that_forgot_us_is_told_again) {
    World w;
    begin(&w, 0);
    pass(&w, 10 * 1000);
    fake_eureka_forget(&w.fake, &w.t.clock.clock);
    pass(&w, 21 * 1000);
    CHECK_EQ(w.heard[DISCOVERY_FORGOTTEN], 1);
    CHECK_EQ(w.heard[DISCOVERY_REGISTERED], 2);
    CHECK_EQ(since_start(&w, fake_eureka_last(&w.fake, "POST")), 30 * 1000);
    CHECK(eureka_find(w.fake.registry, S("MARKET"), S("node-1:market:8000")) != NULL);
    pass(&w, 30 * 1000);
    CHECK_EQ(since_start(&w, fake_eureka_last(&w.fake, "PUT")), 60 * 1000);
    end(&w);
}

TEST(another_server_is_asked_when_one_is_away) {
    World w;
    begin(&w, 0);
    w.fake.dead = "10.0.0.1";
    pass(&w, 65 * 1000);
    CHECK_STR(str_c(w.fake.calls[0].host), S("10.0.0.1"));
    CHECK_STR(str_c(w.fake.calls[1].host), S("10.0.0.2"));
    for (size_t i = 2; i < w.fake.n; i++)
        CHECK_STR(str_c(w.fake.calls[i].host), S("10.0.0.2")); /* who answered last is asked first */
    CHECK_EQ(w.heard[DISCOVERY_REGISTERED], 1);
    w.fake.dead = "10.0.0.2";
    pass(&w, 30 * 1000);
    CHECK_STR(str_c(w.fake.calls[w.fake.n - 1].host), S("10.0.0.1"));
    CHECK_EQ(w.heard[DISCOVERY_LATE], 0);
    end(&w);
}

static size_t see(World *w, DiscoveryView *out) {
    CHECK_OK_PLAIN(&w->t.cx, discovery_list(w->d, &w->t.cx, out));
    return out->n;
}

static void other(World *w, Str app, Str id, Str ip, Str weight) {
    EurekaInstance x;
    eureka_instance_init(&x);
    x.app = app;
    x.id = id;
    x.host = S("host.example");
    x.ip = ip;
    x.center = S("MyOwn");
    x.port = 9000;
    EurekaPair pair = { S("weight"), weight };
    if (weight.n)
        x.metadata = (EurekaPairs){ &pair, 1 };
    if (eureka_register(w->fake.registry, fake_eureka_now(&w->t.clock.clock), &x, false) != 0)
        FAIL("not registered");
}

/* DIS-08: the copy follows: the whole list once, then changes; the whole again where they do not add up. */
TEST(the_list_follows_by_changes) {
    World w;
    DiscoveryView v;
    begin(&w, 30 * 1000);
    other(&w, S("QUOTES"), S("q1"), S("10.0.0.7"), S("3"));
    other(&w, S("QUOTES"), S("q2"), S("fd00::1"), S("many"));
    other(&w, S("QUOTES"), S("no-number"), S("quotes.example"), (Str){ 0 });
    see(&w, &v);
    CHECK(!v.known);
    pass(&w, 1000);
    CHECK_EQ(see(&w, &v), 3);
    CHECK(v.known);
    CHECK_STR(v.v[0].service, S("market"));
    CHECK_STR(v.v[0].address, S("10.0.0.5:8000"));
    CHECK_STR(v.v[1].address, S("10.0.0.7:9000"));
    CHECK_EQ(v.v[1].weight, 3);
    CHECK_STR(v.v[2].address, S("[fd00::1]:9000"));
    CHECK_EQ(v.v[2].weight, 1);
    CHECK_EQ(fake_eureka_count(&w.fake, "GET /apps"), 1);
    uint64_t revision = v.revision;
    eureka_cancel(w.fake.registry, fake_eureka_now(&w.t.clock.clock), S("QUOTES"), S("q1"), false);
    eureka_override(w.fake.registry, fake_eureka_now(&w.t.clock.clock),
                    &(EurekaRenewal){ .app = S("MARKET"), .id = S("node-1:market:8000") }, EUREKA_OUT_OF_SERVICE);
    pass(&w, 30 * 1000);
    CHECK_EQ(see(&w, &v), 2);
    CHECK(v.revision != revision);
    CHECK_EQ(v.v[0].status, DISCOVERY_OUT_OF_SERVICE);
    CHECK_EQ(fake_eureka_count(&w.fake, "GET /apps/delta"), 1);
    CHECK_EQ(fake_eureka_count(&w.fake, "GET /apps"), 2);
    fake_eureka_forget(&w.fake, &w.t.clock.clock); /* its changes no longer fit what we have */
    other(&w, S("QUOTES"), S("q9"), S("10.0.0.9"), (Str){ 0 });
    pass(&w, 30 * 1000);
    CHECK_EQ(fake_eureka_count(&w.fake, "GET /apps/delta"), 2);
    CHECK_EQ(fake_eureka_count(&w.fake, "GET /apps"), 4); /* two whole ones by now */
    CHECK_EQ(see(&w, &v), 2);                             /* market came back with its renewal */
    w.fake.no_delta = "off";
    pass(&w, 30 * 1000);
    CHECK_EQ(see(&w, &v), 2);
    CHECK_EQ(w.heard[DISCOVERY_BLIND], 0);
    end(&w);
}

/* A registry that is away takes nobody out: what was known is known. */
TEST(what_was_known_stays_known) {
    World w;
    DiscoveryView v;
    begin(&w, 30 * 1000);
    other(&w, S("QUOTES"), S("q1"), S("10.0.0.7"), (Str){ 0 });
    pass(&w, 1000);
    w.fake.fail_with = ERR_UNAVAILABLE;
    pass(&w, 5 * 60 * 1000);
    CHECK_EQ(see(&w, &v), 2);
    CHECK_EQ(w.heard[DISCOVERY_BLIND], 1);
    w.fake.fail_with = 0;
    pass(&w, 60 * 1000);
    CHECK_EQ(w.heard[DISCOVERY_SEES], 1);
    end(&w);
}

/* DIS-07: what we say, and what others say over our head. */
TEST(status_is_told_and_overridden) {
    World w;
    begin(&w, 0);
    pass(&w, 1000);
    const EurekaInstance *x;
#define SEEN (x = eureka_find(w.fake.registry, S("MARKET"), S("node-1:market:8000")), x ? (int)x->status : -1)
    CHECK_OK(&w.t.cx, discovery_announce(w.d, &w.t.cx, DISCOVERY_DOWN));
    pass(&w, 10);
    CHECK_EQ(SEEN, EUREKA_DOWN);
    CHECK_OK(&w.t.cx, discovery_announce(w.d, &w.t.cx, DISCOVERY_UP));
    pass(&w, 10);
    CHECK_EQ(SEEN, EUREKA_UP);
    CHECK_OK(&w.t.cx, discovery_override(w.d, &w.t.cx, DISCOVERY_OUT_OF_SERVICE));
    CHECK_EQ(SEEN, EUREKA_OUT_OF_SERVICE);
    pass(&w, 31 * 1000);
    CHECK_EQ(SEEN, EUREKA_OUT_OF_SERVICE); /* our renewals say UP, and it stands */
    CHECK_OK(&w.t.cx, discovery_override(w.d, &w.t.cx, DISCOVERY_UNKNOWN));
    CHECK_EQ(SEEN, EUREKA_UP);
    CHECK_OK(&w.t.cx, discovery_leave(w.d, &w.t.cx));
    CHECK_EQ(SEEN, -1);
    CHECK_EQ(w.heard[DISCOVERY_LEFT], 1);
    size_t n = w.fake.n;
    pass(&w, 10 * 60 * 1000); /* who has left renews nothing */
    CHECK_EQ(w.fake.n, n);
    CHECK_EQ(discovery_override(w.d, &w.t.cx, DISCOVERY_DOWN), ERR_NOT_FOUND);
    CHECK_OK(&w.t.cx, discovery_announce(w.d, &w.t.cx, DISCOVERY_UP));
    pass(&w, 10);
    CHECK_EQ(SEEN, EUREKA_UP);
#undef SEEN
    end(&w);
}

TEST(a_password_goes_as_basic_and_is_never_told) {
    World w;
    begin(&w, 0);
    discovery_close(w.d);
    const Str server = S("http://user:pass@10.0.0.1:8761");
    w.o.servers = &server;
    w.o.n_servers = 1;
    CHECK_OK(&w.t.cx, discovery_eureka_open(&w.t.cx, &w.o, &w.d));
    w.d->news = hear;
    w.d->news_arg = &w;
    w.fake.fail_with = ERR_UNAVAILABLE;
    pass(&w, 1);
    CHECK(w.fake.calls[0].authorized);
    CHECK(str_find(str_c(w.words[DISCOVERY_UNREACHED]), S("http://10.0.0.1:8761/eureka")) >= 0);
    CHECK(str_find(str_c(w.words[DISCOVERY_UNREACHED]), S("pass")) < 0);
    end(&w);
}

TEST(addresses_that_are_none_are_refused) {
    static const Str bad[] = { STR_INIT("10.0.0.1:8761"), STR_INIT("ftp://10.0.0.1/"), STR_INIT("http://"),
                               STR_INIT("http://h:99999") };
    World w;
    begin(&w, 0);
    Discovery *d = NULL;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        w.o.servers = &bad[i];
        w.o.n_servers = 1;
        CHECK_EQ(discovery_eureka_open(&w.t.cx, &w.o, &d), ERR_USAGE);
    }
    w.o.n_servers = 0;
    CHECK_EQ(discovery_eureka_open(&w.t.cx, &w.o, &d), ERR_USAGE);
    end(&w);
}

/* DIS-02, DIS-03, DIS-15: the documents' members, in their order, on two hosts. */
TEST(the_registration_is_the_documents_own) {
#define GOLDEN(id, host, app, ip, port, vip, own)                                                                      \
    "{\"instance\":{\"instanceId\":\"" id "\",\"hostName\":\"" host "\",\"app\":\"" app "\",\"ipAddr\":\"" ip "\","    \
    "\"status\":\"UP\",\"overriddenstatus\":\"UNKNOWN\",\"port\":{\"$\":" port ",\"@enabled\":\"true\"},"              \
    "\"securePort\":{\"$\":8443,\"@enabled\":\"false\"},\"countryId\":1,\"dataCenterInfo\":{\"@class\":"               \
    "\"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo\",\"name\":\"MyOwn\"},\"leaseInfo\":{"                   \
    "\"renewalIntervalInSecs\":30,\"durationInSecs\":90,\"registrationTimestamp\":0,\"lastRenewalTimestamp\":0,"       \
    "\"evictionTimestamp\":0,\"serviceUpTimestamp\":0},\"metadata\":" own ",\"vipAddress\":\"" vip "\","               \
    "\"homePageUrl\":\"http://" ip ":" port "/\",\"statusPageUrl\":\"http://" ip ":" port "/eureka/status\","          \
    "\"healthCheckUrl\":\"http://" ip ":" port "/health\",\"lastDirtyTimestamp\":\"7\"}}"
    const struct {
        const char *name;
        EurekaOwn own;
        const char *want;
    } rows[] = {
        { "filled in by itself",
          { .service = S("market"), .host = S("node-1"), .ip = S("10.0.0.5") },
          GOLDEN("node-1:market:8000", "node-1", "MARKET", "10.0.0.5", "8000", "market",
                 "{\"@class\":\"java.util.Collections$EmptyMap\"}") },
        { "told",
          { .service = S("backtest"),
            .id = S("b1"),
            .host = S("b.example"),
            .ip = S("192.168.7.9"),
            .port = 8004,
            .weight = 4 },
          GOLDEN("b1", "b.example", "BACKTEST", "192.168.7.9", "8004", "backtest", "{\"weight\":\"4\"}") },
    };
    EACH_ROW (r, rows) {
        World w;
        begin(&w, 0);
        discovery_close(w.d);
        w.o.own = &r->own;
        CHECK_OK(&w.t.cx, discovery_eureka_open(&w.t.cx, &w.o, &w.d));
        DiscoveryOwn *own;
        CHECK_EQ(discovery_own(w.d, &w.t.cx, &own), 1);
        EurekaOwn filled = r->own;
        filled.id = own[0].id;
        filled.port = filled.port ? filled.port : 8000;
        filled.secure_port = 8443;
        filled.health_path = S("/health");
        w.o.renewal_s = 30;
        w.o.duration_s = 90;
        Buf b;
        buf_init(&b, 1 << 16);
        eureka_registration_write(&filled, &w.o, DISCOVERY_UP, 7, &b);
        CHECK_STR(buf_str(&b), str_c(r->want));
        buf_done(&b);
        end(&w);
    }
}

TESTS(T(registers_once_and_renews_every_30_s), T(no_renewal_before_204), T(a_registry_that_is_away_is_asked_for_ever),
      T(a_renewal_that_fails_is_not_the_last), T(a_registry_that_forgot_us_is_told_again),
      T(another_server_is_asked_when_one_is_away), T(the_list_follows_by_changes), T(what_was_known_stays_known),
      T(status_is_told_and_overridden), T(a_password_goes_as_basic_and_is_never_told),
      T(addresses_that_are_none_are_refused), T(the_registration_is_the_documents_own))
