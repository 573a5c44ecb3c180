/* app/follow_remote.c - `collect --follow` beside a server: it owns the store, so it follows, and we show what it stores.
 *
 * A server follows what its live.series names, from its start to its end: what is not there is refused with the way to
 * get it. Nothing is followed behind its back, and nothing goes on unseen when this command ends. */

#include "app/follow.h"
#include "app/watch.h"

#include "api/admin/admin_api.h"

/* The value of live.series in the server's configuration. */
static int server_follows(Ctx *cx, ApiCaller *api, Str *list) {
    enum { DEPTH = 8 };
    AdminConfig config = { 0 };
    JsonReader r;
    Str member, key = { 0 }, value = { 0 };
    int e = api_call(api, cx, &op_admin_config, NULL, &config);
    *list = (Str){ 0 };
    if (e)
        return e;
    json_reader_init(&r, config.options.json, cx->arena, DEPTH);
    json_open_array(&r);
    while (json_array_next(&r) > 0) {
        json_open_object(&r);
        while (json_object_next(&r, &member) > 0)
            if (str_eq(member, S("key")))
                json_read_str(&r, &key);
            else if (str_eq(member, S("value")))
                json_read_str(&r, &value);
        if (str_eq(key, S("live.series")))
            *list = value;
    }
    return r.err ? err_set(cx, ERR_CORRUPT, "the server's configuration cannot be read: %s", r.why) : 0;
}

static bool is_followed(Str list, const SeriesKey *key) {
    Str one;
    SeriesKey known;
    while (str_next(&list, ',', &one))
        if (series_key_parse(str_trim(one), &known) && series_key_eq(&known, key))
            return true;
    return false;
}

static int refuse(Ctx *cx, Str list, const SeriesKey *key, Str wanted) {
    return err_set(cx, ERR_CONFLICT,
                   "a server has the store open and does not follow " STR_FMT ": restart it with `finsight serve "
                   "--live-series " STR_FMT "%s" STR_FMT "` (or set live.series), then this command shows what it "
                   "stores; or stop it and follow from here",
                   STR_ARG(series_key_text(cx->arena, key)), STR_ARG(list), list.n ? "," : "", STR_ARG(wanted));
}

/* Those of the keys that the server does not follow, as live.series wants them. */
static Str not_followed(Ctx *cx, Str list, const SeriesKey *keys, size_t n, const SeriesKey **first) {
    Str out = S("");
    *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (is_followed(list, &keys[i]))
            continue;
        *first = *first ? *first : &keys[i];
        out = str_fmt(cx->arena, STR_FMT "%s" STR_FMT, STR_ARG(out), out.n ? "," : "",
                      STR_ARG(series_key_text(cx->arena, &keys[i])));
    }
    return out;
}

int follow_through_server(App *app, ApiCaller *api, const SeriesKey *keys, size_t n) {
    Cli *c = &app->cli;
    Arena *a = c->cx->arena;
    Str list;
    const SeriesKey *first;
    int r = server_follows(c->cx, api, &list);
    if (r)
        return cli_fail(c, r);
    Str wanted = not_followed(c->cx, list, keys, n, &first);
    if (first)
        return cli_fail(c, refuse(c->cx, list, first, wanted));
    WatchTarget *v = arena_new_n(a, WatchTarget, n);
    for (size_t i = 0; i < n; i++) {
        char tf[TIMEFRAME_TEXT_MAX];
        v[i] = (WatchTarget){ venue_str(&keys[i].venue), symbol_str(&keys[i].symbol),
                              str_dup(a, timeframe_text(keys[i].timeframe, tf)), (Str){ 0 } };
    }
    if (!c->quiet && !c->json)
        fprintf(c->err, "a server has the store open and follows: this shows what it stores\n");
    return watch_run(app, &(WatchOptions){ .v = v, .n = n, .limit = 1, .follows = true });
}
