#include "adapters/cache/redis.h"
#include "contract/cache.h"
#include "lib/redis_server.h"

static RedisServer *nodes[3];

/* One cluster for all cases: each begins with an empty one. */
static Cache *open_cluster(TestCtx *t) {
    if (!redis_server_there())
        return NULL;
    if (!nodes[0] && !redis_cluster_start(nodes))
        FAIL("three nodes did not become a cluster");
    for (int i = 0; i < 3; i++)
        redis_server_tell(nodes[i], "FLUSHALL");
    RedisOptions o;
    redis_options_default(&o);
    o.timeout_ms = 30000;
    o.url = str_fmt(&t->arena, "redis://127.0.0.1:%d", redis_server_port(nodes[0]));
    Cache *c;
    CHECK_OK_PLAIN(&t->cx, cache_redis_open(&t->cx, &o, &c));
    return c;
}

const CacheMaker cache_maker = { .name = "redis cluster", .open = open_cluster };
