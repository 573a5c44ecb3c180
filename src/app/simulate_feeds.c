/* app/simulate_feeds.c - `finsight feed-sim`: news sites on loopback, made up, and hostile ones. */

#include "app/app.h"

#include "sim/feed_server.h"

typedef struct FeedSimIn {
    int64_t seed;
} FeedSimIn;

/* clang-format off */
static const Field feed_sim_f[] = {
    FIELD(FeedSimIn, seed, .def = "1", .has_min = true, .max = 9e18, .doc = "The same seed publishes the same articles at the same times."),
};
static SHAPE(feed_sim_shape, FeedSimIn, feed_sim_f);
/* clang-format on */

enum { FEED_SIM_PORT = 9091 };

/* --port is the program's own option: here it counts when it was given as a flag, not when it configures a server. */
static int feed_sim_port(const App *app) {
    bool given = cfg_value(&app->cfg_table, S("server.port"))->rank == CFG_FLAG;
    return given && app->cfg.server_port >= 0 ? (int)app->cfg.server_port : FEED_SIM_PORT;
}

static void say_where(Cli *c, int port, int64_t seed) {
    if (c->json) {
        fprintf(c->out, "{\"url\":\"http://127.0.0.1:%d\",\"simulated\":true}\n", port);
    } else {
        size_t n;
        const FeedHostile *hostile = feed_sim_hostile_names(&n);
        fprintf(c->out, "feed simulator on http://127.0.0.1:%d   SIMULATED news, seed %lld\n", port, (long long)seed);
        fprintf(c->out, "feeds: /coindesk/rss /cointelegraph/rss /atom /rdf /feed.json /koi8/rss\n"
                        "APIs:  /news/v1/article/list (header X-API-Key)   POST /search (Bearer tvly-...)\n");
        for (size_t i = 0; i < n; i++)
            fprintf(c->out, "/hostile/%-17s %s\n", hostile[i].name, hostile[i].what);
    }
    fflush(c->out);
}

static int run_feed_sim(Cli *c, const void *in) {
    const FeedSimIn *o = in;
    FeedServer *server;
    int r = feed_server_start(
        c->cx,
        &(FeedServerOptions){ .seed = (uint64_t)o->seed, .port = feed_sim_port((App *)c), .clock = ((App *)c)->clock },
        &server);
    if (r != 0)
        return cli_fail(c, r);
    say_where(c, feed_server_port(server), o->seed);
    while (ctx_check(c->cx) == 0)
        clock_sleep_ms(c->cx->clock, 100);
    int64_t requests = feed_server_requests(server);
    feed_server_stop(server);
    if (!c->quiet && !c->json)
        fprintf(c->err, "%lld requests\n", (long long)requests);
    return 0;
}

const Command cmd_feed_sim = {
    .name = "feed-sim",
    .group = "Platform",
    .summary = "News sites to test against: feeds, APIs and hostile servers",
    .run = run_feed_sim,
    .help =
        "Listens on 127.0.0.1:9091; --port N takes another, 0 a free one. An article appears every ten minutes, made "
        "from the seed. Feeds have the shape of CoinDesk's and Cointelegraph's, of Atom, RSS 1.0 and JSON Feed; there "
        "are CoinDesk's data API and Tavily's search. Every answer says that it is simulated. Below /hostile/ are "
        "servers that send bombs, redirect for ever, drip, lie or break off.",
    .examples = "finsight feed-sim --seed 7\n"
                "finsight feed-sim --port 0 --json",
    .flags = &feed_sim_shape,
};
