/* adapters/feed/web.c - see web.h. */

#include "adapters/feed/web.h"

#include "adapters/feed/hosts.h"
#include "feed/uri.h"

enum {
    MAX_BYTES = 16 << 20,
    TIMEOUT_MS = 20000,
    GAP_MS = 1000,
    PATIENCE_MS = 5000,
    REDIRECTS = 5,
    FRESH_MAX_MS = 24 * 3600 * 1000, /* whatever max-age and ttl say */
};

typedef struct Web {
    NewsFeed feed;
    FeedWebOptions o;
    Arena arena; /* of the options' strings */
    Hosts *hosts;
} Web;

typedef struct Visit { /* one call of fetch */
    Web *web;
    Ctx *cx;
    const NewsFeedState *was;
    NewsFeedResult *out;
    Str url;
    HttpUrl parts;
    Str host;       /* of the address we were given */
    bool permanent; /* every redirect so far was */
} Visit;

/* --- what an answer says about time --- */

static int64_t seconds_of(Str value, Str name) { /* "max-age=300, public" */
    Str part;
    int64_t v = 0;
    while (str_next(&value, ',', &part)) {
        part = str_trim(part);
        if (part.n > name.n && str_eq_nocase(str_first(part, name.n), name) && str_to_i64(str_from(part, name.n), &v))
            return CLAMP(v, 0, FRESH_MAX_MS / 1000);
    }
    return 0;
}

static Time fresh_until(const Visit *v, const HttpResponse *res, int ttl_minutes) {
    int64_t ms = seconds_of(http_response_header(res, S("cache-control")), S("max-age=")) * 1000;
    ms = MAX(ms, (int64_t)ttl_minutes * MS_PER_MINUTE);
    return ms > 0 ? time_add_ms(clock_wall(v->cx->clock), MIN(ms, (int64_t)FRESH_MAX_MS)) : time_ms(0);
}

/* --- one exchange --- */

/* A private address may be read where the operator named it: a server that sends us on to another asks for what only
 * we can reach. */
static bool may_be_private(const Visit *v) {
    return v->web->o.allow_private && str_eq_nocase(v->parts.host, v->host);
}

static int ask(Visit *v, HttpResponse *res) {
    const NewsFeedState *was = v->was;
    HttpHeader headers[5] = {
        { S("User-Agent"), v->web->o.user_agent },
        { S("Accept"), S("application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, "
                         "text/xml;q=0.9, */*;q=0.5") },
    };
    size_t n = 2;
    if (was->etag.n)
        headers[n++] = (HttpHeader){ S("If-None-Match"), was->etag };
    if (was->last_modified.n)
        headers[n++] = (HttpHeader){ S("If-Modified-Since"), was->last_modified };
    HttpRequest req = { .method = "GET",
                        .url = v->url,
                        .headers = headers,
                        .n_headers = n,
                        .total_ms = v->web->o.timeout_ms,
                        .max_body = v->web->o.max_bytes,
                        .allow_private = may_be_private(v) };
    RetryPolicy once = { .attempts = 1 }; /* whoever schedules the feed asks again */
    return http_fetch(v->web->o.http, v->cx, &req, &once, res, NULL);
}

static int too_large(Visit *v) {
    return err_set(v->cx, ERR_TOO_LARGE, "the feed is larger than %zu bytes and was not read", v->web->o.max_bytes);
}

static int refuse(Visit *v, int status) {
    Ctx *cx = v->cx;
    if (status == 401 || status == 403)
        return err_set(cx, ERR_DENIED, "the server does not let us read it (HTTP %d)", status);
    if (status == 404)
        return err_set(cx, ERR_NOT_FOUND, "there is nothing at this address (HTTP 404)");
    return err_set(cx, status >= 500 ? ERR_UNAVAILABLE : ERR_COLLECTION, "the server answers HTTP %d", status);
}

/* --- what is in it --- */

static const char *what_else(Str body) {
    Str head = str_first(str_trim(body), 1024);
    if (head.n == 0)
        return "nothing";
    static const Str html[] = { STR_INIT("<!doctype html"), STR_INIT("<html") };
    for (size_t i = 0; i + 14 <= head.n; i++)
        for (size_t k = 0; k < ARRAY_LEN(html); k++)
            if (str_eq_nocase(str_n(head.p + i, MIN(html[k].n, head.n - i)), html[k]))
                return "an HTML page";
    return head.p[0] == '<' ? "XML of another kind" : "something else";
}

static int read_feed(Visit *v, const HttpResponse *res) {
    FeedHints hints = {
        .url = v->url,
        .content_type = http_response_header(res, S("content-type")),
        .content_location = http_response_header(res, S("content-location")),
        .content_language = http_response_header(res, S("content-language")),
        .has_http = true,
        .now = clock_wall(v->cx->clock),
    };
    NewsFeedResult *out = v->out;
    int r = feed_parse(v->cx->arena, res->body, &hints, &out->feed);
    if (r == ERR_TOO_LARGE)
        return err_set(v->cx, r, "the feed is larger, or nested deeper, than any feed should be");
    if (r < 0)
        return err_note(v->cx, r, "the feed cannot be read");
    if (out->feed.n_items == 0 && out->feed.format == FEED_UNKNOWN)
        return err_set(v->cx, ERR_COLLECTION, "there is no feed at this address, but %s", what_else(res->body));
    out->simulated = v->web->o.simulated || str_eq(http_response_header(res, S("x-finsight-simulated")), S("1"));
    out->bytes = (int64_t)res->body.n;
    out->next.etag = str_dup(v->cx->arena, http_response_header(res, S("etag")));
    out->next.last_modified = str_dup(v->cx->arena, http_response_header(res, S("last-modified")));
    out->next.not_before = fresh_until(v, res, out->feed.ttl_minutes);
    return 0;
}

/* --- the way there --- */

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* A turn at the host, and its leave. */
static int approach(Visit *v) {
    int r = http_url_parse(v->cx, v->url, &v->parts);
    if (r < 0)
        return r;
    v->host = v->host.n ? v->host : v->parts.host;
    r = hosts_check_robots(v->web->hosts, v->cx, &v->parts, may_be_private(v));
    if (r < 0)
        return r;
    int64_t wait;
    if (!hosts_take_turn(v->web->hosts, v->cx, &v->parts, v->web->o.patience_ms, &wait)) {
        v->out->wait_ms = wait;
        return NEWS_FEED_EARLY;
    }
    return http_wait_ms(v->cx, wait);
}

static int follow(Visit *v, const HttpResponse *res) {
    Str to = http_response_header(res, S("location"));
    v->permanent &= res->status == 301 || res->status == 308;
    Str url = to.n ? uri_join(v->cx->arena, v->url, to) : to;
    if (url.n == 0)
        return err_set(v->cx, ERR_COLLECTION, "a redirect (HTTP %d) that leads nowhere", res->status);
    v->url = str_dup(v->cx->arena, url);
    if (v->permanent)
        v->out->next.url = v->url;
    return 0;
}

static int answer(Visit *v, const HttpResponse *res) {
    v->out->status = res->status;
    v->out->moved = !str_eq(v->out->next.url, v->was->url);
    if (res->status == 200)
        return read_feed(v, res);
    if (res->status == 304) {
        v->out->next.not_before = fresh_until(v, res, 0);
        return NEWS_FEED_SAME;
    }
    return res->status == 410 ? NEWS_FEED_GONE : refuse(v, res->status);
}

static int visit(Visit *v) {
    for (int hop = 0; hop <= v->web->o.redirects; hop++) {
        HttpResponse res;
        int r = approach(v);
        if (r != 0)
            return r;
        r = ask(v, &res);
        if (v->cx->err.retry_after_ms > 0 && r < 0)
            hosts_back_off(v->web->hosts, v->cx, &v->parts, v->cx->err.retry_after_ms);
        if (r == ERR_TOO_LARGE)
            return too_large(v);
        if (r < 0)
            return r;
        if (!is_redirect(res.status))
            return answer(v, &res);
        r = follow(v, &res);
        if (r < 0)
            return r;
    }
    return err_set(v->cx, ERR_COLLECTION, "more than %d redirects, the last to " STR_FMT, v->web->o.redirects,
                   STR_ARG(str_first(v->url, 200)));
}

static int web_fetch(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out) {
    Web *web = (Web *)f;
    int64_t early = was->not_before.ms - clock_wall(cx->clock).ms;
    if (was->not_before.ms && early > 0) {
        out->wait_ms = early;
        return NEWS_FEED_EARLY;
    }
    Visit v = { .web = web, .cx = cx, .was = was, .out = out, .url = was->url, .permanent = true };
    int r = visit(&v);
    return r < 0 ? err_prefix(cx, STR_FMT, STR_ARG(str_first(was->url, 200))) : r;
}

static bool web_simulated(NewsFeed *f) {
    return ((Web *)f)->o.simulated;
}

static void web_close(NewsFeed *f) {
    Web *web = (Web *)f;
    hosts_free(web->hosts);
    arena_done(&web->arena);
    mem_free(web);
}

static Str product_token(Str user_agent) {
    size_t n = 0;
    while (n < user_agent.n && user_agent.p[n] != '/' && user_agent.p[n] != ' ')
        n++;
    return str_first(user_agent, n);
}

NewsFeed *feed_web_open(const FeedWebOptions *options) {
    static const NewsFeedOps ops = { "web", web_fetch, web_simulated, web_close };
    assert(options->http);
    Web *w = mem_new(Web);
    FeedWebOptions *o = &w->o;
    *o = *options;
    w->feed.ops = &ops;
    o->user_agent = str_dup(&w->arena, o->user_agent.n ? o->user_agent : str_c("finsight/" FINSIGHT_VERSION));
    o->max_bytes = o->max_bytes ? o->max_bytes : MAX_BYTES;
    o->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
    o->gap_ms = o->gap_ms == 0 ? GAP_MS : MAX(o->gap_ms, 0);
    o->patience_ms = o->patience_ms ? o->patience_ms : PATIENCE_MS;
    o->redirects = o->redirects ? o->redirects : REDIRECTS;
    w->hosts = hosts_new(&(HostsOptions){ .http = o->http,
                                          .user_agent = o->user_agent,
                                          .agent = product_token(o->user_agent),
                                          .ignore_robots = o->ignore_robots,
                                          .gap_ms = o->gap_ms,
                                          .timeout_ms = o->timeout_ms });
    return &w->feed;
}
