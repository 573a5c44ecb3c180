#include "adapters/cache/redis.h"
#include "contract/cache.h"
#include "lib/redis_server.h"

static RedisServer *server;

static Cache *open_redis(TestCtx *t) {
    if (!redis_server_there())
        return NULL;
    server = redis_server_start(&(RedisServerOptions){ 0 });
    assert_non_null(server);
    RedisOptions o;
    redis_options_default(&o);
    o.timeout_ms = 30000; /* on a busy machine, too */
    o.url = str_fmt(&t->arena, "redis://127.0.0.1:%d", redis_server_port(server));
    Cache *c;
    CHECK_OK_PLAIN(&t->cx, cache_redis_open(&t->cx, &o, &c));
    return c;
}

static void stop(void) {
    server = redis_server_stop(server);
}

const CacheMaker cache_maker = { .name = "redis", .open = open_redis, .done = stop };
