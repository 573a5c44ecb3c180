/* cli/cache.c - cache: answers that are kept are forgotten. */

#include "api/admin/admin_api.h"
#include "cli/internal.h"

typedef struct CacheIn {
    Str action;
    List keys;
} CacheIn;

/* clang-format off */
static const char *const actions[] = { "clear", "purge", NULL };
static const Field cache_f[] = {
    FIELD(CacheIn, action, .flags = F_REQUIRED, .choices = actions, .doc = "clear: all of them; purge: those that bear a key."),
    FIELD(CacheIn, keys, .flags = F_REPEAT, .max = 64, .doc = "purge: names as an answer's Surrogate-Key tells them.", .example = "symbol:BTCUSDT"),
};
static SHAPE(cache_shape, CacheIn, cache_f);
/* clang-format on */

static int clear(Cli *c, ApiCaller *api) {
    CacheCleared out = { 0 };
    int r = api_call(api, c->cx, &op_admin_clear_cache, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, op_admin_clear_cache.out, &out);
    if (!c->quiet)
        fprintf(c->out, "cleared, %lld bytes given back\n", (long long)out.freed_bytes);
    return 0;
}

static int purge(Cli *c, ApiCaller *api, const CacheIn *in) {
    CachePurge what = { in->keys };
    CachePurged out = { 0 };
    int r = api_call(api, c->cx, &op_admin_purge_cache, &what, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, op_admin_purge_cache.out, &out);
    if (!c->quiet)
        fprintf(c->out, "purged, %lld answers were in memory\n", (long long)out.purged);
    return 0;
}

static int run_cache(Cli *c, const void *in_) {
    const CacheIn *in = in_;
    bool purges = str_eq(in->action, S("purge"));
    if (purges != (in->keys.n > 0))
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("keys"),
                                      purges ? "name a key: finsight cache purge symbol:BTCUSDT"
                                             : "clear takes no keys; purge does"));
    ApiCaller *api;
    c->wants_gateway = true; /* it forgets its own, and asks who keeps the others */
    int r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);
    return purges ? purge(c, api, in) : clear(c, api);
}

const Command cmd_cache = {
    .name = "cache",
    .group = "Platform",
    .summary = "Forget answers that are kept",
    .run = run_cache,
    .help = "Works on the server that runs (finsight serve), its memory and the shared cache. Answers are never older "
            "than what "
            "is stored, so this is for answers of services elsewhere, and for doubt: docs/cache.md.",
    .examples = "finsight cache purge symbol:BTCUSDT\n"
                "finsight cache purge exchange:binance,route:/api/v1/market/storage\n"
                "finsight cache clear",
    .flags = &cache_shape,
    .positional = (const char *const[]){ "action", "keys", NULL },
};
