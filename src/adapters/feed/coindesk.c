/* adapters/feed/coindesk.c - see coindesk.h. */

#include "adapters/feed/coindesk.h"

#include "base/json.h"
#include "base/vec.h"

#include <pthread.h>

enum {
    TIMEOUT_MS = 20000,
    GAP_MS = 10000,
    BODY_MAX = 16 << 20,
    ARTICLES_MAX = 2000,
    TAGS_MAX = 100,
    JSON_DEPTH = 32,
};

/* --- reading --- */

typedef struct Article {
    FeedItem item;
    FeedTag tags[TAGS_MAX];
    int64_t id, published_s, updated_s;
    bool has_id;
} Article;

static int read_str(Ctx *cx, JsonReader *r, Str *out) { /* null and other kinds: nothing */
    Str s = { 0 };
    int e = json_peek(r) == JSON_STRING ? json_read_str(r, &s) : json_skip(r);
    if (e == 0)
        *out = str_dup(cx->arena, str_trim(s));
    return e;
}

static int read_i64(JsonReader *r, int64_t *out, bool *has) {
    JsonKind kind = json_peek(r);
    if (kind != JSON_NUMBER && kind != JSON_STRING)
        return json_skip(r);
    int e = json_read_i64(r, out);
    *has = e == 0;
    return e;
}

static void add_tag(Ctx *cx, Article *a, Str term, Str scheme) {
    for (size_t i = 0; i < a->item.n_tags; i++)
        if (str_eq_nocase(a->tags[i].term, term))
            return;
    if (term.n && a->item.n_tags < TAGS_MAX)
        a->tags[a->item.n_tags++] = (FeedTag){ str_dup(cx->arena, term), scheme, { NULL, 0 } };
}

static int read_keywords(Ctx *cx, JsonReader *r, Article *a) { /* "BTC|ETF" */
    Str all = { 0 }, word;
    int e = read_str(cx, r, &all);
    while (e == 0 && str_next(&all, '|', &word))
        add_tag(cx, a, str_trim(word), str_n(NULL, 0));
    return e;
}

static int read_categories(Ctx *cx, JsonReader *r, Article *a) {
    int more, inner = 0;
    if (json_peek(r) != JSON_ARRAY)
        return json_skip(r);
    json_open_array(r);
    while ((more = json_array_next(r)) > 0) {
        Str key, name = { 0 };
        if (json_peek(r) != JSON_OBJECT)
            continue;
        json_open_object(r);
        while ((inner = json_object_next(r, &key)) > 0)
            if (str_eq(key, S("NAME")) || (str_eq(key, S("CATEGORY")) && name.n == 0))
                read_str(cx, r, &name);
        add_tag(cx, a, name, S("category"));
    }
    return inner < 0 ? inner : more;
}

static int read_source(Ctx *cx, JsonReader *r, Article *a) {
    Str key;
    int more;
    if (json_peek(r) != JSON_OBJECT)
        return json_skip(r);
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0)
        if (str_eq(key, S("NAME")))
            read_str(cx, r, &a->item.source_title);
        else if (str_eq(key, S("URL")))
            read_str(cx, r, &a->item.source_url);
    return more;
}

static int read_field(Ctx *cx, JsonReader *r, Str key, Article *a) {
    FeedItem *item = &a->item;
    bool ignored;
    const struct {
        Str name;
        Str *to;
    } texts[] = { { S("GUID"), &item->id },
                  { S("TITLE"), &item->title.value },
                  { S("SUBTITLE"), &item->summary.value },
                  { S("BODY"), &item->content.value },
                  { S("AUTHORS"), &item->author },
                  { S("URL"), &item->url },
                  { S("IMAGE_URL"), &item->image },
                  { S("LANG"), &item->language } };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (str_eq(key, texts[i].name))
            return read_str(cx, r, texts[i].to);
    if (str_eq(key, S("ID")))
        return read_i64(r, &a->id, &a->has_id);
    if (str_eq(key, S("PUBLISHED_ON")))
        return read_i64(r, &a->published_s, &item->has_published);
    if (str_eq(key, S("UPDATED_ON")) || str_eq(key, S("CREATED_ON")))
        return str_eq(key, S("UPDATED_ON")) ? read_i64(r, &a->updated_s, &item->has_updated)
                                            : read_i64(r, &(int64_t){ 0 }, &ignored);
    if (str_eq(key, S("KEYWORDS")))
        return read_keywords(cx, r, a);
    if (str_eq(key, S("CATEGORY_DATA")))
        return read_categories(cx, r, a);
    return str_eq(key, S("SOURCE_DATA")) ? read_source(cx, r, a) : json_skip(r);
}

static bool seconds_ok(int64_t s) {
    return s >= TIME_ISO_MIN.ms / 1000 && s <= TIME_ISO_MAX.ms / 1000;
}

static void finish_article(Ctx *cx, Article *a) {
    FeedItem *item = &a->item;
    if (item->id.n == 0 && a->has_id)
        item->id = str_fmt(cx->arena, "%lld", (long long)a->id);
    item->has_published &= seconds_ok(a->published_s);
    item->has_updated &= seconds_ok(a->updated_s);
    item->published = time_ms(item->has_published ? a->published_s * 1000 : 0);
    item->updated = time_ms(item->has_updated ? a->updated_s * 1000 : 0);
    item->language = str_lower(cx->arena, item->language);
    if (item->summary.value.n == 0)
        item->summary = item->content;
    if (item->author.n) {
        item->authors = arena_new(cx->arena, Str);
        item->authors[0] = item->author;
        item->n_authors = 1;
    }
    item->tags = arena_new_n(cx->arena, FeedTag, MAX(item->n_tags, (size_t)1));
    memcpy(item->tags, a->tags, item->n_tags * sizeof *a->tags);
}

typedef struct Articles {
    VEC(FeedItem) items;
    bool cut;
    Str err; /* the API's own words */
} Articles;

static int read_articles(Ctx *cx, JsonReader *r, Articles *out) {
    int more, inner = 0;
    if (json_peek(r) != JSON_ARRAY)
        return json_skip(r);
    json_open_array(r);
    Article *a = arena_new(cx->arena, Article);
    while ((more = json_array_next(r)) > 0) {
        Str key;
        if (json_peek(r) != JSON_OBJECT)
            continue;
        *a = (Article){ 0 };
        json_open_object(r);
        while ((inner = json_object_next(r, &key)) > 0)
            read_field(cx, r, key, a);
        if (inner < 0)
            return inner;
        if (out->items.n == ARTICLES_MAX) {
            out->cut = true;
            continue;
        }
        finish_article(cx, a);
        if (a->item.url.n || a->item.id.n)
            vec_push_in(cx->arena, &out->items, a->item);
    }
    return more;
}

static int read_err(Ctx *cx, JsonReader *r, Str *out) {
    Str key;
    int more;
    if (json_peek(r) != JSON_OBJECT)
        return json_skip(r);
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0)
        if (str_eq(key, S("message")))
            read_str(cx, r, out);
    return more;
}

int coindesk_parse(Ctx *cx, Str body, Feed *out) {
    JsonReader r;
    Articles got = { .cut = false };
    Str key;
    int more = -1;
    bool has_data = false;
    json_reader_init(&r, body, cx->arena, JSON_DEPTH);
    int opened = json_open_object(&r);
    while (opened == 0 && (more = json_object_next(&r, &key)) > 0)
        if (str_eq(key, S("Data"))) {
            has_data = json_peek(&r) == JSON_ARRAY;
            read_articles(cx, &r, &got);
        } else if (str_eq(key, S("Err"))) {
            read_err(cx, &r, &got.err);
        }
    if (more < 0 || json_finish(&r))
        return err_set(cx, ERR_COLLECTION, "the answer is not JSON: %s", r.why ? r.why : "it is no object");
    if (got.err.n)
        return err_set(cx, ERR_COLLECTION, "CoinDesk says: " STR_FMT, STR_ARG(str_first(got.err, 200)));
    if (!has_data)
        return err_set(cx, ERR_COLLECTION, "the answer has no list of articles");
    *out = (Feed){ .format = FEED_JSON_11,
                   .encoding = S("utf-8"),
                   .title = { S("CoinDesk data API"), false },
                   .items = got.items.v,
                   .n_items = got.items.n,
                   .cut = got.cut };
    return 0;
}

/* --- asking --- */

typedef struct Coindesk {
    NewsFeed feed;
    FeedCoindeskOptions o;
    Arena arena;
    pthread_mutex_t lock;
    int64_t free_at_ms; /* monotonic */
} Coindesk;

static int64_t wait_for_turn(Coindesk *c, Ctx *cx) {
    pthread_mutex_lock(&c->lock);
    int64_t now = clock_mono(cx->clock).ns / NS_PER_MS, wait = MAX(c->free_at_ms - now, 0);
    if (wait == 0)
        c->free_at_ms = now + c->o.gap_ms;
    pthread_mutex_unlock(&c->lock);
    return wait;
}

static int refuse(Ctx *cx, int status) {
    if (status == 401 || status == 403)
        return err_set(cx, status == 401 ? ERR_UNAUTHORIZED : ERR_DENIED,
                       "CoinDesk refuses the key (HTTP %d): check news.coindesk_key", status);
    return err_set(cx, status >= 500 ? ERR_UNAVAILABLE : ERR_COLLECTION, "CoinDesk answers HTTP %d", status);
}

static int coindesk_fetch(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out) {
    Coindesk *c = (Coindesk *)f;
    out->wait_ms = wait_for_turn(c, cx);
    if (out->wait_ms > 0)
        return NEWS_FEED_EARLY;
    HttpHeader headers[] = { { S("User-Agent"), S("finsight/" FINSIGHT_VERSION) },
                             { S("Accept"), S("application/json") },
                             { S("X-API-Key"), c->o.key } };
    HttpRequest req = { .method = "GET",
                        .url = was->url,
                        .headers = headers,
                        .n_headers = ARRAY_LEN(headers),
                        .total_ms = c->o.timeout_ms,
                        .max_body = BODY_MAX,
                        .allow_private = c->o.allow_private };
    RetryPolicy once = { .attempts = 1 };
    HttpResponse res;
    int r = http_fetch(c->o.http, cx, &req, &once, &res, NULL);
    if (r < 0)
        return err_prefix(cx, "CoinDesk data API");
    out->status = res.status;
    out->bytes = (int64_t)res.body.n;
    out->simulated = c->o.simulated || str_eq(http_response_header(&res, S("x-finsight-simulated")), S("1"));
    return res.status == 200 ? coindesk_parse(cx, res.body, &out->feed) : refuse(cx, res.status);
}

static bool coindesk_simulated(NewsFeed *f) {
    return ((Coindesk *)f)->o.simulated;
}

static void coindesk_close(NewsFeed *f) {
    Coindesk *c = (Coindesk *)f;
    pthread_mutex_destroy(&c->lock);
    arena_done(&c->arena);
    mem_free(c);
}

int feed_coindesk_open(Ctx *cx, const FeedCoindeskOptions *options, NewsFeed **out) {
    static const NewsFeedOps ops = { "coindesk", coindesk_fetch, coindesk_simulated, coindesk_close };
    assert(options->http);
    for (size_t i = 0; i < options->key.n; i++)
        if (options->key.p[i] <= ' ' || options->key.p[i] == 0x7f)
            return err_set_at(cx, ERR_INVALID, S("news.coindesk_key"),
                              "the key of CoinDesk's API has a byte in it that no "
                              "key has");
    if (options->key.n == 0)
        return err_set_at(cx, ERR_INVALID, S("news.coindesk_key"),
                          "CoinDesk's data API needs a key: set news.coindesk_key");
    Coindesk *c = mem_new(Coindesk);
    c->feed.ops = &ops;
    c->o = *options;
    c->o.key = str_dup(&c->arena, options->key);
    c->o.timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    c->o.gap_ms = options->gap_ms ? options->gap_ms : GAP_MS;
    pthread_mutex_init(&c->lock, NULL);
    *out = &c->feed;
    return 0;
}
