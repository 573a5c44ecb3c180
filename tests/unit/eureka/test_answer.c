/* Eureka's REST API as texts: statuses, both forms, both spellings of an id, and a client's copy kept by deltas. */

#include "eureka/answer.h"
#include "eureka/mirror.h"
#include "lib/test.h"

typedef struct World {
    EurekaRegistry *r;
    EurekaNode *node;
    EurekaNow now;
    Arena arena;
    EurekaReply reply;
} World;

static void begin(World *w, int64_t wait_ms) {
    EurekaRegistryOptions o;
    eureka_registry_options_default(&o);
    *w = (World){ .now = { time_ms(INT64_C(1760000000000)), { 1000 * NS_PER_SECOND } } };
    w->r = eureka_registry_new(&o, w->now);
    w->node = eureka_node_new(w->r, mono_add_ms(w->now.mono, wait_ms));
}

static void end(World *w) {
    eureka_node_free(w->node);
    eureka_registry_free(w->r);
    arena_done(&w->arena);
}

static int ask(World *w, const char *method, const char *path, const char *query, const char *body) {
    EurekaRequest rq = { .method = str_c(method),
                         .path = str_c(path),
                         .query = str_c(query),
                         .accept = S("application/json"),
                         .content_type = body[0] == '<' ? S("application/xml") : S("application/json; charset=UTF-8"),
                         .body = str_c(body) };
    return eureka_answer(w->node, &w->arena, w->now, &rq, &w->reply) ? w->reply.status : -1;
}

#define BODY(id, app)                                                                                                  \
    "{\"instance\":{\"instanceId\":\"" id "\",\"hostName\":\"h\",\"app\":\"" app "\",\"ipAddr\":\"10.0.0.5\","         \
    "\"port\":{\"$\":8081,\"@enabled\":\"true\"},\"dataCenterInfo\":{\"@class\":\"c\",\"name\":\"MyOwn\"},"            \
    "\"vipAddress\":\"quotes\",\"lastDirtyTimestamp\":\"5\"}}"

/* §1.2, in the order in which the reference looks. */
TEST(registrations_that_lack_something_are_told_what) {
    const struct {
        const char *name, *body, *words;
    } rows[] = {
        { "id", "{\"instance\":{}}", "Missing instanceId" },
        { "host", "{\"instance\":{\"instanceId\":\"i\"}}", "Missing hostname" },
        { "ip", "{\"instance\":{\"instanceId\":\"i\",\"hostName\":\"h\"}}", "Missing ip address" },
        { "app", "{\"instance\":{\"instanceId\":\"i\",\"hostName\":\"h\",\"ipAddr\":\"1\"}}", "Missing appName" },
        { "other app", "{\"instance\":{\"instanceId\":\"i\",\"hostName\":\"h\",\"ipAddr\":\"1\",\"app\":\"x\"}}",
          "Mismatched appName, expecting quotes but was X" },
        { "centre", "{\"instance\":{\"instanceId\":\"i\",\"hostName\":\"h\",\"ipAddr\":\"1\",\"app\":\"quotes\"}}",
          "Missing dataCenterInfo" },
        { "its name",
          "{\"instance\":{\"instanceId\":\"i\",\"hostName\":\"h\",\"ipAddr\":\"1\",\"app\":\"quotes\","
          "\"dataCenterInfo\":{\"@class\":\"c\"}}}",
          "Missing dataCenterInfo Name" },
        { "no json", "{", "the body is no instance" },
    };
    World w;
    begin(&w, 0);
    EACH_ROW (r, rows) {
        CHECK_EQ(ask(&w, "POST", "/apps/quotes", "", r->body), 400);
        CHECK_STR(w.reply.body, str_c(r->words));
    }
    end(&w);
}

/* DIS-12: one life by the REST API. */
TEST(a_life_in_requests) {
    const struct {
        const char *name, *method, *path, *query;
        int status;
    } rows[] = {
        { "nobody yet", "GET", "/apps/quotes", "", 404 },
        { "renew a stranger", "PUT", "/apps/quotes/10.0.0.5:quotes:8081", "", 404 },
        { "register", "POST", "/apps/QUOTES", "", 204 },
        { "renew", "PUT", "/apps/QUOTES/10.0.0.5:quotes:8081", "status=UP&lastDirtyTimestamp=5", 200 },
        { "renew, escaped", "PUT", "/apps/quotes/10.0.0.5%3Aquotes%3A8081", "", 200 },
        { "a bad escape", "PUT", "/apps/quotes/10.0.0.5%3", "", -1 },
        { "renew, later", "PUT", "/apps/QUOTES/10.0.0.5:quotes:8081", "lastDirtyTimestamp=6", 404 },
        { "all", "GET", "/apps/", "", 200 },
        { "regions are ignored", "GET", "/apps", "regions=a,b", 200 },
        { "one app", "GET", "/apps/Quotes", "", 200 },
        { "one", "GET", "/apps/QUOTES/10.0.0.5:quotes:8081", "", 200 },
        { "one by id", "GET", "/instances/10.0.0.5:quotes:8081", "", 200 },
        { "no such id", "GET", "/instances/x", "", 404 },
        { "vip", "GET", "/vips/quotes", "", 200 },
        { "unknown vip", "GET", "/vips/x", "", 200 },
        { "override", "PUT", "/apps/QUOTES/10.0.0.5:quotes:8081/status", "value=OUT_OF_SERVICE", 200 },
        { "bad override", "PUT", "/apps/QUOTES/10.0.0.5:quotes:8081/status", "value=SIDEWAYS", 500 },
        { "override of a stranger", "PUT", "/apps/QUOTES/x/status", "value=UP", 404 },
        { "override off", "DELETE", "/apps/QUOTES/10.0.0.5:quotes:8081/status", "value=UP", 200 },
        { "metadata", "PUT", "/apps/QUOTES/10.0.0.5:quotes:8081/metadata", "zone=eu%20w", 200 },
        { "no such method", "PATCH", "/apps/QUOTES", "", 405 },
        { "no such path", "GET", "/nothing/here", "", -1 },
        { "cancel", "DELETE", "/apps/QUOTES/10.0.0.5:quotes:8081", "", 200 },
        { "cancel again", "DELETE", "/apps/QUOTES/10.0.0.5:quotes:8081", "", 404 },
    };
    World w;
    begin(&w, 0);
    EACH_ROW (r, rows)
        CHECK_EQ(ask(&w, r->method, r->path, r->query, BODY("10.0.0.5:quotes:8081", "QUOTES")), r->status);
    end(&w);
}

TEST(an_override_shows_in_every_view) {
    World w;
    begin(&w, 0);
    CHECK_EQ(ask(&w, "POST", "/apps/QUOTES", "", BODY("i", "QUOTES")), 204);
    CHECK_EQ(ask(&w, "GET", "/apps", "", ""), 200);
    CHECK(str_find(w.reply.body, S("\"apps__hashcode\":\"UP_1_\"")) > 0);
    CHECK_EQ(ask(&w, "PUT", "/apps/QUOTES/i/status", "value=OUT_OF_SERVICE", ""), 200);
    const char *const views[] = { "/apps", "/apps/delta", "/apps/QUOTES", "/apps/QUOTES/i", "/vips/quotes" };
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        CHECK_EQ(ask(&w, "GET", views[i], "", ""), 200);
        CHECK(str_find(w.reply.body, S("\"status\":\"OUT_OF_SERVICE\",\"overriddenStatus\":\"OUT_OF_SERVICE\"")) > 0);
    }
    end(&w);
}

/* §1.1: XML also when Accept is absent; XML is taken as well. */
TEST(xml_is_the_default_and_is_taken) {
    World w;
    begin(&w, 0);
    CHECK_EQ(ask(&w, "POST", "/apps/A", "",
                 "<instance><instanceId>i</instanceId><hostName>h</hostName><app>A</app><ipAddr>1</ipAddr>"
                 "<dataCenterInfo class=\"c\"><name>MyOwn</name></dataCenterInfo></instance>"),
             204);
    EurekaRequest rq = { .method = S("GET"), .path = S("/apps") };
    CHECK(eureka_answer(w.node, &w.arena, w.now, &rq, &w.reply));
    CHECK_STR(w.reply.media, S("application/xml"));
    CHECK(str_starts(w.reply.body,
                     S("<applications><versions__delta>1</versions__delta><apps__hashcode>UP_1_</apps__hashcode>"
                       "<application><name>A</name><instance><instanceId>i</instanceId>")));
    CHECK(str_ends(w.reply.body, S("</instance></application></applications>")));
    EurekaRequest odd = { .method = S("POST"), .path = S("/apps/A"), .content_type = S("text/plain"), .body = S("{}") };
    CHECK(eureka_answer(w.node, &w.arena, w.now, &odd, &w.reply));
    CHECK_EQ(w.reply.status, 415);
    end(&w);
}

TEST(a_node_that_starts_beside_others_waits) {
    World w;
    begin(&w, 300 * 1000);
    CHECK_EQ(ask(&w, "GET", "/apps", "", ""), 403);
    w.now.mono = mono_add_ms(w.now.mono, 300 * 1000 - 1);
    CHECK_EQ(ask(&w, "GET", "/apps/delta", "", ""), 403);
    w.now.mono = mono_add_ms(w.now.mono, 1);
    CHECK_EQ(ask(&w, "GET", "/apps", "", ""), 200);
    end(&w);
    begin(&w, 300 * 1000);
    eureka_node_ready(w.node);
    CHECK_EQ(ask(&w, "GET", "/apps", "", ""), 200);
    end(&w);
}

/* A copy that follows by deltas is the registry, whatever happens; one that missed something finds out. */
TEST(a_copy_follows_by_deltas) {
    World w;
    begin(&w, 0);
    EurekaMirror *m = eureka_mirror_new();
    Rng rng;
    rng_seed(&rng, prop_seed(11));
    CHECK_EQ(eureka_mirror_delta(m, S("{}")), MIRROR_NOT_YET);
    CHECK_EQ(ask(&w, "GET", "/apps", "", ""), 200);
    CHECK_EQ(eureka_mirror_full(m, w.reply.body), 0);
    for (int i = 0; i < 2000; i++) {
        char path[64], id[24];
        int nr = (int)rng_below(&rng, 12);
        snprintf(id, sizeof id, "i%d", nr);
        snprintf(path, sizeof path, "/apps/%c/%s%s", 'A' + nr % 3, id, nr % 4 == 1 ? "/status" : "");
        if (rng_below(&rng, 3)) {
            char body[400];
            snprintf(body, sizeof body, BODY("%s", "%c"), id, 'A' + nr % 3);
            path[7] = '\0';
            CHECK_EQ(ask(&w, "POST", path, "", body), 204);
        } else {
            ask(&w, nr % 4 == 1 ? "PUT" : "DELETE", path, nr & 1 ? "value=DOWN" : "", "");
        }
        w.now.mono = mono_add_ms(w.now.mono, 700);
        if (i % 5)
            continue;
        eureka_registry_tick(w.r, w.now);
        CHECK_EQ(ask(&w, "GET", "/apps/delta", "", ""), 200);
        CHECK_EQ(eureka_mirror_delta(m, w.reply.body), 0);
        EurekaList mine, theirs;
        eureka_mirror_list(m, &w.arena, &mine);
        eureka_select(w.r, &w.arena, &(EurekaSelect){ { 0 } }, &theirs);
        CHECK_EQ(mine.n, theirs.n);
        for (size_t k = 0; k < mine.n; k++) {
            const EurekaInstance *x = eureka_find(w.r, mine.v[k].app, mine.v[k].id);
            CHECK(x && x->status == mine.v[k].status);
        }
        arena_reset(&w.arena);
    }
    CHECK_EQ(ask(&w, "POST", "/apps/Z", "", BODY("late", "Z")), 204);
    w.now.mono = mono_add_ms(w.now.mono, 181 * 1000);
    eureka_registry_tick(w.r, w.now); /* its change is forgotten before the copy heard of it */
    CHECK_EQ(ask(&w, "GET", "/apps/delta", "", ""), 200);
    CHECK_EQ(eureka_mirror_delta(m, w.reply.body), MIRROR_DIFFERS);
    CHECK_EQ(ask(&w, "GET", "/apps", "", ""), 200);
    CHECK_EQ(eureka_mirror_full(m, w.reply.body), 0);
    CHECK_EQ(ask(&w, "GET", "/apps/delta", "", ""), 200);
    CHECK_EQ(eureka_mirror_delta(m, w.reply.body), 0);
    CHECK(eureka_mirror_full(m, S("{")) < 0);
    CHECK(eureka_mirror_filled(m));
    eureka_mirror_free(m);
    end(&w);
}

TESTS(T(registrations_that_lack_something_are_told_what), T(a_life_in_requests), T(an_override_shows_in_every_view),
      T(xml_is_the_default_and_is_taken), T(a_node_that_starts_beside_others_waits), T(a_copy_follows_by_deltas))
