/* Two nodes tell each other: what happened at one is so at the other, and nothing goes round. */

#include "eureka/peers.h"
#include "lib/test.h"

typedef struct Node {
    EurekaRegistry *r;
    EurekaPeer *peer;
    struct World *w;
} Node;

typedef struct World {
    EurekaNow now;
    Arena arena;
    Node node[2];
} World;

static void heard(void *arg, const EurekaEvent *e) {
    const Node *n = arg;
    eureka_peer_tell(n->peer, n->w->now, e);
}

static void begin(World *w) {
    EurekaRegistryOptions o;
    eureka_registry_options_default(&o);
    *w = (World){ .now = { time_ms(INT64_C(1760000000000)), { 1000 * NS_PER_SECOND } } };
    for (int i = 0; i < 2; i++) {
        w->node[i] = (Node){ eureka_registry_new(&o, w->now), eureka_peer_new(), w };
        eureka_registry_listen(w->node[i].r, heard, &w->node[i]);
    }
}

static void end(World *w) {
    for (int i = 0; i < 2; i++) {
        eureka_registry_free(w->node[i].r);
        eureka_peer_free(w->node[i].peer);
    }
    arena_done(&w->arena);
}

/* One exchange from a to the other; false: there was nothing to tell. */
static bool exchange(World *w, int from) {
    Str body = eureka_peer_batch(w->node[from].peer, &w->arena, w->now), answer;
    if (!body.n)
        return false;
    if (eureka_peer_take_batch(w->node[!from].r, &w->arena, w->now, body, &answer) != 0)
        FAIL("the batch was not taken: " STR_FMT, STR_ARG(body));
    if (eureka_peer_heard(w->node[from].peer, w->node[from].r, w->now, answer) != 0)
        FAIL("the answer was not taken: " STR_FMT, STR_ARG(answer));
    return true;
}

static EurekaInstance instance(Str id, int64_t dirty_ms) {
    EurekaInstance x;
    eureka_instance_init(&x);
    x.app = S("A");
    x.id = id;
    x.host = x.ip = S("h");
    x.center = S("MyOwn");
    x.dirty_ms = dirty_ms;
    return x;
}

static const EurekaInstance *at(const World *w, int node, Str id) {
    return eureka_find(w->node[node].r, S("A"), id);
}

TEST(what_happens_at_one_is_so_at_the_other) {
    World w;
    begin(&w);
    EurekaInstance x = instance(S("i"), 7);
    EurekaRenewal which = { .app = S("A"), .id = S("i") };
    CHECK_EQ(eureka_register(w.node[0].r, w.now, &x, false), 0);
    CHECK(exchange(&w, 0));
    CHECK(at(&w, 1, S("i")) && at(&w, 1, S("i"))->status == EUREKA_UP);
    CHECK_EQ(at(&w, 1, S("i"))->dirty_ms, 7);
    CHECK(!exchange(&w, 1)); /* it is not told back */
    CHECK_EQ(eureka_override(w.node[1].r, w.now, &which, EUREKA_OUT_OF_SERVICE), 0);
    CHECK(exchange(&w, 1));
    CHECK_EQ(at(&w, 0, S("i"))->status, EUREKA_OUT_OF_SERVICE);
    CHECK_EQ(eureka_override_off(w.node[0].r, w.now, &which, EUREKA_UP), 0);
    CHECK(exchange(&w, 0));
    CHECK_EQ(at(&w, 1, S("i"))->status, EUREKA_UP);
    CHECK_EQ(eureka_cancel(w.node[0].r, w.now, S("A"), S("i"), false), 0);
    CHECK(exchange(&w, 0));
    CHECK(!at(&w, 1, S("i")));
    CHECK(!exchange(&w, 0) && !exchange(&w, 1));
    end(&w);
}

/* A node that came later hears of everybody within one heartbeat of each. */
TEST(a_heartbeat_to_a_node_that_knows_nothing_brings_the_registration) {
    World w;
    begin(&w);
    EurekaInstance x = instance(S("i"), 7);
    CHECK_EQ(eureka_register(w.node[0].r, w.now, &x, true), 0); /* node 1 never heard of it */
    EurekaRenewal which = { .app = S("A"), .id = S("i"), .dirty_ms = 7 };
    CHECK_EQ(eureka_renew(w.node[0].r, w.now, &which), 0);
    CHECK(exchange(&w, 0));
    CHECK(!at(&w, 1, S("i")));
    CHECK(exchange(&w, 0)); /* the registration it was asked for */
    CHECK(at(&w, 1, S("i")));
    end(&w);
}

TEST(who_has_the_newer_one_gives_it) {
    World w;
    begin(&w);
    EurekaInstance old = instance(S("i"), 7), young = instance(S("i"), 9);
    young.port = 99;
    CHECK_EQ(eureka_register(w.node[0].r, w.now, &old, true), 0);
    CHECK_EQ(eureka_register(w.node[1].r, w.now, &young, true), 0);
    EurekaRenewal which = { .app = S("A"), .id = S("i") };
    CHECK_EQ(eureka_renew(w.node[0].r, w.now, &which), 0);
    CHECK(exchange(&w, 0)); /* 409 with the instance */
    CHECK_EQ(at(&w, 0, S("i"))->port, 99);
    CHECK_EQ(at(&w, 0, S("i"))->dirty_ms, 9);
    end(&w);
}

TEST(a_peer_that_is_away_is_told_again_until_it_is_old_news) {
    World w;
    begin(&w);
    EurekaInstance x = instance(S("i"), 7);
    CHECK_EQ(eureka_register(w.node[0].r, w.now, &x, false), 0);
    Str first = eureka_peer_batch(w.node[0].peer, &w.arena, w.now);
    CHECK(first.n > 0);
    CHECK_EQ(eureka_peer_batch(w.node[0].peer, &w.arena, w.now).n, 0); /* one at a time */
    eureka_peer_failed(w.node[0].peer);
    CHECK_STR(eureka_peer_batch(w.node[0].peer, &w.arena, w.now), first);
    eureka_peer_failed(w.node[0].peer);
    w.now.mono = mono_add_ms(w.now.mono, 30 * 1000);
    CHECK_EQ(eureka_peer_batch(w.node[0].peer, &w.arena, w.now).n, 0);
    CHECK_EQ(eureka_peer_waiting(w.node[0].peer), 0);
    end(&w);
}

TEST(batches_and_queues_are_bounded) {
    World w;
    begin(&w);
    Arena names = { 0 };
    for (int i = 0; i < EUREKA_TASKS_MAX + 10; i++) {
        EurekaInstance x = instance(str_fmt(&names, "i%d", i), 7);
        eureka_peer_tell(w.node[0].peer, w.now, &(EurekaEvent){ EUREKA_EV_HEARTBEAT, &x, EUREKA_UP });
        eureka_peer_tell(w.node[0].peer, w.now, &(EurekaEvent){ EUREKA_EV_HEARTBEAT, &x, EUREKA_UP }); /* replaces */
    }
    CHECK_EQ(eureka_peer_waiting(w.node[0].peer), EUREKA_TASKS_MAX);
    CHECK(exchange(&w, 0));
    CHECK_EQ(eureka_peer_waiting(w.node[0].peer), EUREKA_TASKS_MAX - EUREKA_BATCH_MAX);
    arena_done(&names);
    end(&w);
}

TEST(answers_and_batches_that_make_no_sense) {
    const struct {
        const char *name;
        Str text;
    } rows[] = { { "no json", S("{") }, { "a list", S("[1]") }, { "items", S("{\"replicationList\":[1]}") } };
    World w;
    begin(&w);
    EACH_ROW (r, rows) {
        Str out;
        CHECK(eureka_peer_take_batch(w.node[0].r, &w.arena, w.now, r->text, &out) < 0);
    }
    EurekaInstance x = instance(S("i"), 7);
    CHECK_EQ(eureka_register(w.node[0].r, w.now, &x, false), 0);
    CHECK(eureka_peer_batch(w.node[0].peer, &w.arena, w.now).n > 0);
    CHECK(eureka_peer_heard(w.node[0].peer, w.node[0].r, w.now, S("<html>")) < 0);
    CHECK_EQ(eureka_peer_waiting(w.node[0].peer), 1); /* to be told again */
    end(&w);
}

TESTS(T(what_happens_at_one_is_so_at_the_other), T(a_heartbeat_to_a_node_that_knows_nothing_brings_the_registration),
      T(who_has_the_newer_one_gives_it), T(a_peer_that_is_away_is_told_again_until_it_is_old_news),
      T(batches_and_queues_are_bounded), T(answers_and_batches_that_make_no_sense))
