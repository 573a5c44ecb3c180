/* finsight.news.NewsService on its service and a store in memory, called over HTTP/2 by bytes that are written down here:
 * the documents' messages both ways (GRP-01 .. GRP-06, GRP-12, GRP-13), pages that are all and nothing twice, streams. */

#include "lib/test.h"

#include "adapters/article/memory.h"
#include "adapters/clock/system.h"
#include "api/rpc/rpc.h"
#include "grpc/pb.h"
#include "net/http_upstream.h"
#include "services/news/news.h"

enum { ARTICLES = 120 };

typedef struct World {
    Clock clock;
    Ids ids;
    Loop *loop;
    Lane *lane;
    HttpServer *server;
    Upstream *up;
    char address[64];
    NewsFeed feed;
    bool feed_fails;
    ArticleStore broken, *store; /* broken: a search of it fails */
    NewsService *news;
    Arena arena;
    Ctx cx;
    NewsSource source;
} World;

/* --- a feed of one item, and a store that fails --- */

static int feed_fetch(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out) {
    if (CONTAINER_OF(f, World, feed)->feed_fails)
        return err_set(cx, ERR_COLLECTION, "there is no feed");
    FeedItem *item = arena_new(cx->arena, FeedItem);
    *item = (FeedItem){ .id = S("g1"),
                        .url = S("https://example.org/halving"),
                        .title = { S("Halving is near"), false },
                        .summary = { S("Miners wait."), false },
                        .has_published = true,
                        .published = time_ms(INT64_C(1704067200000)) };
    *out =
        (NewsFeedResult){ .feed = { .format = FEED_RSS_20, .items = item, .n_items = 1 }, .next = *was, .status = 200 };
    return 0;
}

static bool feed_simulated(NewsFeed *f) {
    UNUSED(f);
    return false;
}

static void feed_close(NewsFeed *f) {
    UNUSED(f);
}

static const NewsFeedOps feed_ops = { "test", feed_fetch, feed_simulated, feed_close };

static int fail_search(ArticleStore *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out) {
    UNUSED(s);
    UNUSED(q);
    UNUSED(out);
    return err_set(cx, ERR_REPOSITORY, "the disk is gone");
}

static const ArticleStoreOps broken_ops = { .name = "broken", .search = fail_search };

/* --- the world --- */

static const GrpcMethod *method_of(Str path) {
    for (size_t i = 0; i < news_rpc.n_methods; i++) {
        char text[128];
        int n = snprintf(text, sizeof text, "/%s/%s", news_rpc.name, news_rpc.methods[i].name);
        if (str_eq(path, str_n(text, (size_t)n)))
            return &news_rpc.methods[i];
    }
    return NULL;
}

static void handle(void *arg, HttpExchange *ex) {
    World *w = arg;
    Ctx cx;
    Arena none = { 0 };
    ctx_init(&cx, &none, &w->clock);
    const GrpcMethod *m = method_of(ex->head.path);
    if (!m) {
        err_set(&cx, ERR_UNSUPPORTED, "no such method");
        grpc_refuse(ex, &cx, NULL, 0);
        return;
    }
    GrpcStart start = { .loop = w->loop,
                        .lanes = { [GRPC_ON_CPU] = w->lane, [GRPC_ON_IO] = w->lane, [GRPC_ON_FEED] = w->lane },
                        .method = m,
                        .service = w->news,
                        .cx = &cx };
    grpc_start(ex, &start);
}

static HttpIntake intake(void *arg, const HttpHead *head) {
    UNUSED(arg);
    UNUSED(head);
    return HTTP_BODY_OPEN;
}

static void make_news(World *w, ArticleStore *store) {
    news_service_free(w->news);
    NewsOptions o = {
        .store = store, .feed = &w->feed, .sources = &w->source, .n_sources = 1, .clock = &w->clock, .ids = &w->ids
    };
    w->news = news_service_new(&o);
}

static void world_start(World *w) {
    *w = (World){ .feed = { &feed_ops }, .broken = { .ops = &broken_ops } };
    w->source = (NewsSource){ .name = S("coindesk"), .url = S("https://example.org/feed") };
    clock_system_init(&w->clock);
    ids_system_init(&w->ids);
    ctx_init(&w->cx, &w->arena, &w->clock);
    w->loop = loop_new(&w->clock);
    w->lane = lane_threads_new("test", 2, 64, &w->clock);
    w->store = article_memory_new();
    make_news(w, w->store);
    HttpServerOptions so;
    http_server_options_default(&so);
    so.on_intake = intake;
    w->server = http_server_new(w->loop, &so, handle, w);
    char why[200];
    int port = 0;
    if (http_server_listen_tcp(w->server, "127.0.0.1", 0, &port, why, sizeof why) != 0)
        FAIL("%s", why);
    snprintf(w->address, sizeof w->address, "127.0.0.1:%d", port);
    UpstreamOptions uo;
    upstream_options_default(&uo);
    uo.h2 = true;
    w->up = upstream_new(w->loop, str_c(w->address), &uo, NULL, (Str){ 0 });
}

static void world_end(World *w) {
    upstream_free(w->up);
    lane_close(w->lane);
    http_server_free(w->server);
    loop_free(w->loop);
    news_service_free(w->news);
    article_store_close(w->store);
    arena_done(&w->arena);
}

static void fill(World *w) {
    Article v[ARTICLES];
    ArticlePut fates[ARTICLES];
    for (int i = 0; i < ARTICLES; i++)
        v[i] = (Article){ .url = str_fmt(&w->arena, "https://example.org/%d", i),
                          .source = i % 3 ? S("coindesk") : S("other"),
                          .title = str_fmt(&w->arena, "Title %d %s", i, i % 10 ? "market" : "zebra"),
                          .text = S("Words."),
                          .published = time_ms(INT64_C(1704067200000) + i * INT64_C(60000)) };
    v[0].categories = (StrList){ (Str[]){ S("Bitcoin"), S("Mining") }, 2 };
    v[0].summary = S("In short.");
    for (int i = 0; i < ARTICLES; i++)
        article_clip(&v[i], &w->arena);
    ArticlePutRequest req = { .v = v, .n = ARTICLES, .keep_near = true };
    CHECK_OK_PLAIN(&w->cx, article_store_put(w->store, &w->cx, &req, fates));
}

/* --- a call --- */

typedef struct Call {
    World *w;
    UpCall *up;
    Buf body;
    int status; /* grpc-status */
    char words[200];
    bool failed;
} Call;

static void read_status(Call *c, const HttpField *fields, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int64_t status = -1;
        if (str_eq(fields[i].name, S("grpc-status")) && str_to_i64(fields[i].value, &status))
            c->status = (int)status;
        if (str_eq(fields[i].name, S("grpc-message"))) {
            Str words = grpc_message_decode(&c->w->arena, fields[i].value);
            snprintf(c->words, sizeof c->words, STR_FMT, STR_ARG(words));
        }
    }
}

static void on_more(void *arg) {
    Call *c = arg;
    for (;;) {
        Buf piece = { 0 };
        int r = upstream_take(c->up, &piece);
        buf_put_str(&c->body, buf_str(&piece));
        buf_done(&piece);
        if (r == HTTP_PUMP_WAIT)
            return;
        if (r == HTTP_PUMP_MORE)
            continue;
        const HttpField *fields;
        size_t n;
        upstream_trailers(c->up, &fields, &n);
        read_status(c, fields, n);
        c->failed = r < 0;
        upstream_close(c->up);
        loop_stop(c->w->loop);
        return;
    }
}

static void on_head(void *arg, const UpHead *head) {
    Call *c = arg;
    read_status(c, head->fields, head->n_fields);
    on_more(c);
}

static void on_fail(void *arg, int err, bool sent) {
    Call *c = arg;
    UNUSED(sent);
    c->failed = err != 0;
    loop_stop(c->w->loop);
}

static const UpEvents events = { .head = on_head, .fail = on_fail, .more = on_more };

static void put_message(Buf *b, Str message) {
    if (grpc_frame_put(b, NULL, false, message) != 0)
        FAIL("the message is too large");
}

/* Sends the framed messages, reads all that comes. */
static void run(World *w, Call *c, const char *method, Str framed) {
    static const HttpField fields[] = { { STR_INIT("content-type"), STR_INIT("application/grpc") },
                                        { STR_INIT("te"), STR_INIT("trailers") } };
    *c = (Call){ .w = w, .status = -1 };
    buf_init(&c->body, 16 << 20);
    UpRequest rq = { .method = S("POST"),
                     .target = str_fmt(&w->arena, "/finsight.news.NewsService/%s", method),
                     .fields = fields,
                     .n_fields = ARRAY_LEN(fields),
                     .body = framed,
                     .deadline = mono_add_ms(clock_mono(&w->clock), 60000) };
    if (upstream_send(w->up, &rq, &events, c, &c->up) != 0)
        FAIL("the call was not taken");
    loop_run(w->loop);
    if (c->failed)
        FAIL("%s broke off", method);
}

/* One message there; the first one back into *out. */
static int ask(World *w, const char *method, Str message, Call *c, Str *out) {
    Buf framed;
    buf_init(&framed, 1 << 20);
    put_message(&framed, message);
    run(w, c, method, buf_str(&framed));
    buf_done(&framed);
    Str rest = buf_str(&c->body);
    GrpcFrame f = { 0 };
    *out = grpc_frame_next(&rest, &f) ? f.bytes : (Str){ 0 };
    return c->status;
}

#define BYTES(literal) str_n((literal), sizeof(literal) - 1)

static Str field_bytes(Str message, uint32_t number, int which) {
    PbReader r = pb_reader(message);
    for (PbField f; pb_next(&r, &f);)
        if (f.number == number && f.wire == PB_BYTES && which-- == 0)
            return f.bytes;
    return (Str){ 0 };
}

static uint64_t field_number(Str message, uint32_t number) {
    PbReader r = pb_reader(message);
    for (PbField f; pb_next(&r, &f);)
        if (f.number == number)
            return f.value;
    return 0;
}

static int count(Str message, uint32_t number) {
    PbReader r = pb_reader(message);
    int n = 0;
    for (PbField f; pb_next(&r, &f);)
        n += f.number == number;
    return n;
}

/* --- tests --- */

/* GRP-02: source, keywords, max_articles, time_range there; success, message, articles_collected, job_id back. */
TEST(collect_news_as_the_documents_have_it) {
    World w;
    Call c;
    Str m;
    world_start(&w);
    CHECK_EQ(ask(&w, "CollectNews",
                 BYTES("\x0a\x08"
                       "coindesk"
                       "\x12\x07"
                       "halving"
                       "\x12\x05"
                       "zebra"
                       "\x18\x0a"),
                 &c, &m),
             GRPC_OK);
    CHECK_EQ(field_number(m, 1), 1);
    CHECK_STR(field_bytes(m, 2, 0), S("Collected 1 articles"));
    CHECK_EQ(field_number(m, 3), 1);
    CHECK_EQ(field_bytes(m, 4, 0).n, 36);
    buf_done(&c.body);
    CHECK_EQ(ask(&w, "CollectNews",
                 BYTES("\x22\x03"
                       "9xy"),
                 &c, &m),
             GRPC_INVALID_ARGUMENT);
    CHECK(strstr(c.words, "9xy") != NULL);
    buf_done(&c.body);
    CHECK_EQ(ask(&w, "CollectNews",
                 BYTES("\x0a\x03"
                       "nix"),
                 &c, &m),
             GRPC_NOT_FOUND);
    buf_done(&c.body);
    world_end(&w);
}

/* GRP-03, GRP-05, GRP-13: an article's fields by number, pages that are all and nothing twice, has_more exact. */
TEST(pages_are_all_articles_once) {
    World w;
    Call c;
    Str m;
    world_start(&w);
    fill(&w);
    static bool seen[ARTICLES];
    memset(seen, 0, sizeof seen);
    int got = 0;
    for (int offset = 0;; offset += 7) {
        Buf q;
        buf_init(&q, 64);
        pb_put_number(&q, 4, 7);
        pb_put_number(&q, 5, (uint64_t)offset);
        CHECK_EQ(ask(&w, "GetNews", buf_str(&q), &c, &m), GRPC_OK);
        int n = count(m, 1);
        for (int i = 0; i < n; i++) {
            Str title = field_bytes(field_bytes(m, 1, i), 2, 0);
            int64_t at = 0;
            CHECK(str_to_i64(str_first(str_from(title, 6), (size_t)str_find_char(str_from(title, 6), ' ')), &at));
            CHECK(!seen[at]);
            seen[at] = true;
        }
        got += n;
        CHECK_EQ(field_number(m, 2), ARTICLES);
        bool more = field_number(m, 3) == 1;
        CHECK_EQ(more, got < ARTICLES);
        buf_done(&q);
        if (more) {
            buf_done(&c.body);
            continue;
        }
        Str first = field_bytes(m, 1, n - 1); /* the oldest of all: the one with everything */
        CHECK_EQ(field_bytes(first, 1, 0).n, ARTICLE_ID_SIZE);
        CHECK_STR(field_bytes(first, 2, 0), S("Title 0 zebra"));
        CHECK_STR(field_bytes(first, 3, 0), S("Words."));
        CHECK_STR(field_bytes(first, 4, 0), S("In short."));
        CHECK_STR(field_bytes(first, 5, 0), S("other"));
        CHECK_STR(field_bytes(first, 6, 0), S("2024-01-01T00:00:00Z"));
        CHECK_STR(field_bytes(first, 7, 0), S("https://example.org/0"));
        CHECK_STR(field_bytes(first, 8, 1), S("Mining"));
        buf_done(&c.body);
        break;
    }
    CHECK_EQ(got, ARTICLES);
    /* by source and time */
    CHECK_EQ(ask(&w, "GetNews",
                 BYTES("\x0a\x05"
                       "other"
                       "\x1a\x14"
                       "2024-01-01T00:10:00Z"),
                 &c, &m),
             GRPC_OK);
    CHECK_EQ(count(m, 1), 4);
    buf_done(&c.body);
    CHECK_EQ(ask(&w, "GetNews",
                 BYTES("\x12\x04"
                       "soon"),
                 &c, &m),
             GRPC_INVALID_ARGUMENT);
    buf_done(&c.body);
    world_end(&w);
}

/* GRP-04: found, counted, and how long it took: more than nothing. */
TEST(search_news_says_how_long_it_took) {
    World w;
    Call c;
    Str m;
    world_start(&w);
    fill(&w);
    CHECK_EQ(ask(&w, "SearchNews",
                 BYTES("\x0a\x05"
                       "zebra"
                       "\x28\x05"),
                 &c, &m),
             GRPC_OK);
    CHECK_EQ(count(m, 1), 5);
    CHECK_EQ(field_number(m, 2), ARTICLES / 10);
    uint32_t bits = (uint32_t)field_number(m, 3);
    float ms;
    memcpy(&ms, &bits, sizeof ms);
    CHECK(ms > 0 && ms < 60000);
    buf_done(&c.body);
    CHECK_EQ(ask(&w, "SearchNews", S(""), &c, &m), GRPC_INVALID_ARGUMENT);
    buf_done(&c.body);
    world_end(&w);
}

/* GRP-06, GRP-12: a failure of ours is INTERNAL, in the documents' words, beside an answer that is empty or says so. */
TEST(failures_as_the_documents_have_them) {
    World w;
    Call c;
    Str m;
    world_start(&w);
    make_news(&w, &w.broken);
    CHECK_EQ(ask(&w, "GetNews", S(""), &c, &m), GRPC_INTERNAL);
    CHECK_STR(str_c(c.words), S("Internal error: the disk is gone"));
    CHECK_EQ(c.body.n, GRPC_PREFIX); /* a message, and nothing in it */
    buf_done(&c.body);
    CHECK_EQ(ask(&w, "SearchNews",
                 BYTES("\x0a\x05"
                       "zebra"),
                 &c, &m),
             GRPC_INTERNAL);
    CHECK_EQ(c.body.n, GRPC_PREFIX);
    buf_done(&c.body);
    make_news(&w, w.store);
    w.feed_fails = true;
    CHECK_EQ(ask(&w, "CollectNews", S(""), &c, &m), GRPC_INTERNAL);
    CHECK(strncmp(c.words, "Internal error: ", 16) == 0);
    CHECK_EQ(field_number(m, 1), 0);
    CHECK(str_starts(field_bytes(m, 2, 0), S("Error: ")));
    CHECK(count(m, 3) == 0 && count(m, 4) == 0);
    buf_done(&c.body);
    world_end(&w);
}

TEST(streams_give_the_same) {
    World w;
    Call c;
    Str m;
    world_start(&w);
    fill(&w);
    CHECK_EQ(ask(&w, "StreamNews", BYTES("\x28\x03"), &c, &m), GRPC_OK);
    Str rest = buf_str(&c.body);
    int n = 0;
    for (GrpcFrame f; grpc_frame_next(&rest, &f); n++) {
        char want[40];
        int len = snprintf(want, sizeof want, "Title %d ", ARTICLES - 4 - n);
        CHECK(str_starts(field_bytes(f.bytes, 2, 0), str_n(want, (size_t)len)));
    }
    CHECK_EQ(n, ARTICLES - 3);
    buf_done(&c.body);
    Buf framed;
    buf_init(&framed, 4096);
    put_message(&framed, BYTES("\x0a\x05"
                               "zebra"
                               "\x28\x01"));
    put_message(&framed, BYTES("\x0a\x06"
                               "market"
                               "\x28\x02"));
    run(&w, &c, "SearchMany", buf_str(&framed));
    CHECK_EQ(c.status, GRPC_OK);
    rest = buf_str(&c.body);
    GrpcFrame first, second;
    CHECK(grpc_frame_next(&rest, &first) && grpc_frame_next(&rest, &second) && rest.n == 0);
    CHECK_EQ(count(first.bytes, 1), 1);
    CHECK_EQ(count(second.bytes, 1), 2);
    buf_done(&c.body);
    buf_clear(&framed);
    put_message(&framed, S(""));
    put_message(&framed, S(""));
    run(&w, &c, "CollectMany", buf_str(&framed));
    CHECK_EQ(c.status, GRPC_OK);
    rest = buf_str(&c.body);
    CHECK(grpc_frame_next(&rest, &first) && rest.n == 0);
    CHECK_EQ(field_number(first.bytes, 3), 1); /* the second time nothing was new */
    CHECK_STR(field_bytes(first.bytes, 2, 0), S("Collected 1 articles in 2 collections"));
    buf_done(&c.body);
    buf_done(&framed);
    world_end(&w);
}

TEST(what_a_client_does_wrong) {
    World w;
    Call c;
    Str m;
    world_start(&w);
    run(&w, &c, "GetNews", S(""));
    CHECK_EQ(c.status, GRPC_INVALID_ARGUMENT); /* no message */
    buf_done(&c.body);
    Buf framed;
    buf_init(&framed, 64);
    put_message(&framed, S(""));
    put_message(&framed, S(""));
    run(&w, &c, "GetNews", buf_str(&framed));
    CHECK_EQ(c.status, GRPC_INVALID_ARGUMENT); /* two */
    buf_done(&c.body);
    buf_done(&framed);
    CHECK_EQ(ask(&w, "GetNews",
                 BYTES("\x0a\x50"
                       "cut"),
                 &c, &m),
             GRPC_INVALID_ARGUMENT);
    buf_done(&c.body);
    CHECK_EQ(ask(&w, "GetNews", BYTES("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &c, &m), GRPC_INVALID_ARGUMENT);
    buf_done(&c.body);
    CHECK_EQ(ask(&w, "Nothing", S(""), &c, &m), GRPC_UNIMPLEMENTED);
    buf_done(&c.body);
    world_end(&w);
}

TESTS(T(collect_news_as_the_documents_have_it), T(pages_are_all_articles_once), T(search_news_says_how_long_it_took),
      T(failures_as_the_documents_have_them), T(streams_give_the_same), T(what_a_client_does_wrong))
