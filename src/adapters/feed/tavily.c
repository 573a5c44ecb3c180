/* adapters/feed/tavily.c - see tavily.h. */

#include "adapters/feed/tavily.h"

#include "base/json.h"
#include "base/vec.h"
#include "feed/feed.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

enum { TIMEOUT_MS = 60000, ATTEMPTS = 2, BODY_MAX = 16 << 20, JSON_DEPTH = 32, RESULTS = 5, RETRY_MS = 500 };

/* --- the question --- */

static void put_day(JsonWriter *w, const char *key, Time t) {
    Civil c = time_to_civil(t);
    char day[32];
    int n = snprintf(day, sizeof day, "%04d-%02d-%02d", c.year, c.month, c.day);
    json_key(w, str_c(key));
    json_str(w, str_n(day, (size_t)CLAMP(n, 0, 31)));
}

static void put_domains(JsonWriter *w, const char *key, const Str *v, size_t n) {
    if (n == 0)
        return;
    json_key(w, str_c(key));
    json_array(w);
    for (size_t i = 0; i < n; i++)
        json_str(w, v[i]);
    json_array_end(w);
}

static void write_query(const NewsSearchQuery *q, Buf *out) {
    static const char *const topics[] = { "general", "news", "finance" };
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "query", q->text);
    json_put_str(&w, "topic", str_c(topics[q->topic]));
    json_put_str(&w, "search_depth", q->deep ? S("advanced") : S("basic"));
    json_put_i64(&w, "max_results", q->max_results ? q->max_results : RESULTS);
    if (q->from.ms)
        put_day(&w, "start_date", q->from);
    if (q->to.ms)
        put_day(&w, "end_date", q->to);
    json_put_bool(&w, "include_answer", false);
    json_put_bool(&w, "include_usage", true);
    if (q->raw_content)
        json_put_str(&w, "include_raw_content", S("text"));
    put_domains(&w, "include_domains", q->include_domains, q->n_include);
    put_domains(&w, "exclude_domains", q->exclude_domains, q->n_exclude);
    json_object_end(&w);
}

/* --- the answer --- */

static int read_str(Ctx *cx, JsonReader *r, Str *out) {
    Str s = { 0 };
    int e = json_peek(r) == JSON_STRING ? json_read_str(r, &s) : json_skip(r);
    if (e == 0)
        *out = str_dup(cx->arena, s);
    return e;
}

static int read_number(JsonReader *r, double *out) { /* also in quotes; anything else is nothing */
    double v;
    JsonKind kind = json_peek(r);
    if (kind != JSON_NUMBER)
        return json_skip(r);
    int e = json_read_f64(r, &v);
    if (e == 0 && isfinite(v))
        *out = v;
    return e;
}

static int read_hit(Ctx *cx, JsonReader *r, Time now, NewsSearchHit *hit) {
    Str key, date = { 0 };
    int more;
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0)
        if (str_eq(key, S("url")))
            read_str(cx, r, &hit->url);
        else if (str_eq(key, S("title")))
            read_str(cx, r, &hit->title);
        else if (str_eq(key, S("content")))
            read_str(cx, r, &hit->content);
        else if (str_eq(key, S("raw_content")))
            read_str(cx, r, &hit->raw_content);
        else if (str_eq(key, S("score")))
            read_number(r, &hit->score);
        else if (str_eq(key, S("published_date")))
            read_str(cx, r, &date);
    hit->has_published = feed_date_parse(date, now, &hit->published);
    return more;
}

typedef struct Hits {
    VEC(NewsSearchHit) v;
} Hits;

static int read_hits(Ctx *cx, JsonReader *r, Time now, Hits *out) {
    int more;
    if (json_peek(r) != JSON_ARRAY)
        return json_skip(r);
    json_open_array(r);
    while ((more = json_array_next(r)) > 0) {
        NewsSearchHit hit = { .score = 0 };
        if (json_peek(r) != JSON_OBJECT)
            continue;
        int e = read_hit(cx, r, now, &hit);
        if (e < 0)
            return e;
        if (hit.url.n && out->v.n < TAVILY_HITS_MAX)
            vec_push_in(cx->arena, &out->v, hit);
    }
    return more;
}

static int read_usage(JsonReader *r, double *credits) {
    Str key;
    int more;
    if (json_peek(r) != JSON_OBJECT)
        return json_skip(r);
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0)
        if (str_eq(key, S("credits")))
            read_number(r, credits);
    return more;
}

int tavily_parse(Ctx *cx, Str body, Time now, NewsSearchResult *out) {
    JsonReader r;
    Str key;
    int more = -1;
    Hits hits = { .v = { 0 } };
    NewsSearchResult got = { .credits = -1 };
    json_reader_init(&r, body, cx->arena, JSON_DEPTH);
    int opened = json_open_object(&r);
    while (opened == 0 && (more = json_object_next(&r, &key)) > 0)
        if (str_eq(key, S("results")))
            read_hits(cx, &r, now, &hits);
        else if (str_eq(key, S("usage")))
            read_usage(&r, &got.credits);
        else if (str_eq(key, S("request_id")))
            read_str(cx, &r, &got.request_id);
    if (more < 0 || json_finish(&r))
        return err_set(cx, ERR_COLLECTION, "the answer is not JSON: %s", r.why ? r.why : "it is no object");
    got.hits = hits.v.v;
    got.n_hits = hits.v.n;
    *out = got;
    return 0;
}

/* {"detail":{"error":"…"}}, {"detail":"…"}, {"error":{"message":"…","retry_after_seconds":n}} */
static void read_error(Ctx *cx, JsonReader *r, int depth, Str *words, int64_t *retry_after_ms) {
    Str key;
    if (json_peek(r) == JSON_STRING) {
        read_str(cx, r, words);
        return;
    }
    if (json_peek(r) != JSON_OBJECT || depth > 2) {
        json_skip(r);
        return;
    }
    json_open_object(r);
    while (json_object_next(r, &key) > 0) {
        double seconds = -1;
        if (str_eq(key, S("detail")) || str_eq(key, S("error")) || str_eq(key, S("message")))
            read_error(cx, r, depth + 1, words, retry_after_ms);
        else if (str_eq(key, S("retry_after_seconds")) && read_number(r, &seconds) == 0 && seconds >= 0)
            *retry_after_ms = (int64_t)(MIN(seconds, 1e6) * 1000);
    }
}

Str tavily_error(Arena *a, Str body, int64_t *retry_after_ms) {
    Ctx cx;
    JsonReader r;
    Str words = { 0 };
    ctx_init(&cx, a, NULL);
    json_reader_init(&r, body, a, JSON_DEPTH);
    read_error(&cx, &r, 0, &words, retry_after_ms);
    return str_first(words, 200);
}

/* --- asking --- */

typedef struct Tavily {
    NewsSearch search;
    TavilyOptions o;
    Arena arena;
    Str url, authorization;
    pthread_mutex_t lock; /* of the seed */
    Rng rng;
} Tavily;

/* Everything but 200, in words of ours: what the engine says may quote what it was sent. */
static int refuse(Tavily *t, Ctx *cx, const HttpResponse *res) {
    int64_t retry = http_retry_after_ms(res, clock_wall(cx->clock));
    Str said = tavily_error(cx->arena, res->body, &retry), key = t->o.key;
    bool quotes_key = said.n >= key.n && memmem(said.p, said.n, key.p, key.n) != NULL;
    Str words = quotes_key || said.n == 0 ? S("no reason given") : said;
    static const struct {
        int status, code;
        const char *what;
    } known[] = {
        { 400, ERR_INVALID, "does not understand the search" },
        { 401, ERR_UNAUTHORIZED, "refuses the key: check news.tavily_key" },
        { 403, ERR_DENIED, "does not allow this search" },
        { 429, ERR_LIMIT, "is asked too often" },
        { 432, ERR_LIMIT, "says that the plan or the key is used up" },
        { 433, ERR_LIMIT, "says that the pay-as-you-go limit is reached" },
    };
    int code = res->status >= 500 ? ERR_UNAVAILABLE : ERR_COLLECTION;
    const char *what = "does not answer well";
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].status == res->status) {
            code = known[i].code;
            what = known[i].what;
        }
    err_set(cx, code, "Tavily %s (HTTP %d): " STR_FMT, what, res->status, STR_ARG(words));
    cx->err.retry_after_ms = res->status == 429 ? MAX(retry, 0) : 0;
    return code;
}

static int judge(void *arg, Ctx *cx, const HttpResponse *res, int failed) {
    if (failed || res->status == 200)
        return 0;
    int code = refuse(arg, cx, res);
    return res->status >= 500 ? HTTP_RETRY : code; /* a rate is the caller's to wait for */
}

static int tavily_search(NewsSearch *s, Ctx *cx, const NewsSearchQuery *q, NewsSearchResult *out) {
    Tavily *t = (Tavily *)s;
    Buf body;
    buf_init(&body, 256 << 10);
    write_query(q, &body);
    if (!buf_ok(&body)) {
        buf_done(&body);
        return err_set(cx, ERR_INVALID, "the search is too long");
    }
    HttpHeader headers[] = { { S("User-Agent"), S("finsight/" FINSIGHT_VERSION) },
                             { S("Accept"), S("application/json") },
                             { S("Content-Type"), S("application/json") },
                             { S("Authorization"), t->authorization } };
    HttpRequest req = { .method = "POST",
                        .url = t->url,
                        .headers = headers,
                        .n_headers = ARRAY_LEN(headers),
                        .body = str_dup(cx->arena, buf_str(&body)),
                        .total_ms = t->o.timeout_ms,
                        .max_body = BODY_MAX,
                        .allow_private = t->o.allow_private };
    buf_done(&body);
    pthread_mutex_lock(&t->lock);
    Rng rng;
    rng_seed(&rng, rng_u64(&t->rng));
    pthread_mutex_unlock(&t->lock);
    RetryPolicy policy = {
        .attempts = t->o.attempts, .base_ms = RETRY_MS, .max_ms = 8 * RETRY_MS, .rng = &rng, .judge = judge, .arg = t
    };
    HttpResponse res;
    int r = http_fetch(t->o.http, cx, &req, &policy, &res, NULL);
    if (r < 0)
        return r;
    r = tavily_parse(cx, res.body, clock_wall(cx->clock), out);
    out->simulated = t->o.simulated || str_eq(http_response_header(&res, S("x-finsight-simulated")), S("1"));
    return r;
}

static void tavily_close(NewsSearch *s) {
    Tavily *t = (Tavily *)s;
    pthread_mutex_destroy(&t->lock);
    arena_done(&t->arena);
    mem_free(t);
}

int tavily_open(Ctx *cx, const TavilyOptions *options, NewsSearch **out) {
    static const NewsSearchOps ops = { "tavily", tavily_search, tavily_close };
    assert(options->http);
    for (size_t i = 0; i < options->key.n; i++)
        if (options->key.p[i] <= ' ' || options->key.p[i] == 0x7f)
            return err_set_at(cx, ERR_INVALID, S("news.tavily_key"),
                              "the key of Tavily has a byte in it that no key has");
    if (options->key.n == 0)
        return err_set_at(cx, ERR_INVALID, S("news.tavily_key"), "Tavily needs a key");
    Tavily *t = mem_new(Tavily);
    Str base = options->base_url.n ? options->base_url : S("https://api.tavily.com");
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    t->search.ops = &ops;
    t->o = *options;
    t->o.key = str_dup(&t->arena, options->key);
    t->url = str_fmt(&t->arena, STR_FMT "/search", STR_ARG(base));
    t->authorization = str_fmt(&t->arena, "Bearer " STR_FMT, STR_ARG(options->key));
    t->o.timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    t->o.attempts = options->attempts ? options->attempts : ATTEMPTS;
    pthread_mutex_init(&t->lock, NULL);
    rng_seed(&t->rng, options->seed);
    *out = &t->search;
    return 0;
}
