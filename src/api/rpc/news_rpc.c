/* api/rpc/news_rpc.c - finsight.news.NewsService: the documents' three calls (GRP-01 .. GRP-06), and streams of the same.
 *
 * A failure of ours is INTERNAL with "Internal error: ..." and an answer that is empty, or of CollectNews one that says
 * "Error: ...", as the documents have it (GRP-06, GRP-12); what the client has done wrong has the status that says so. */

#include "api/rpc/message.h"
#include "api/rpc/rpc.h"
#include "services/news/news.h"

#include <news_service.pb-c.h>

typedef Finsight__News__NewsCollectionRequest CollectAsk;
typedef Finsight__News__NewsCollectionResponse CollectAnswer;
typedef Finsight__News__NewsQueryRequest ListAsk;
typedef Finsight__News__NewsQueryResponse ListAnswer;
typedef Finsight__News__NewsSearchRequest SearchAsk;
typedef Finsight__News__NewsSearchResponse SearchAnswer;
typedef Finsight__News__NewsArticle Row;

enum { LIMIT_USUAL = 50, STREAM_PAGE = 100 };

/* Whatever failed behind us is one thing to the documents' clients, but what may be tried again stays so. */
static int as_documented(Ctx *cx, int r) {
    bool ours = err_info(r)->http_status >= 500 && !err_info(r)->retryable;
    bool behind = r == ERR_REPOSITORY || r == ERR_COLLECTION;
    if (ours || behind)
        cx->err.code = r = ERR_INTERNAL;
    return r;
}

/* --- articles --- */

static char **put_tags(Ctx *cx, const StrList *list, size_t *n) {
    char **tags = arena_alloc(cx->arena, list->n * sizeof *tags + 1);
    for (size_t i = 0; i < list->n; i++)
        tags[i] = rpc_text(cx, list->v[i]);
    *n = list->n;
    return tags;
}

static void put_article(Ctx *cx, const Article *a, Row *m) {
    finsight__news__news_article__init(m);
    m->id = rpc_text(cx, a->id);
    m->title = rpc_text(cx, a->title);
    m->content = rpc_text(cx, a->text);
    m->summary = rpc_text(cx, a->summary);
    m->source = rpc_text(cx, a->source);
    m->published_at = rpc_time(cx, a->published);
    m->url = rpc_text(cx, a->url);
    m->tags = put_tags(cx, &a->categories, &m->n_tags);
}

static Row **put_articles(Ctx *cx, const ArticlePage *page) {
    Row *rows = arena_alloc(cx->arena, page->n * sizeof *rows + 1);
    Row **at = arena_alloc(cx->arena, page->n * sizeof *at + 1);
    for (size_t i = 0; i < page->n; i++) {
        put_article(cx, &page->v[i].article, &rows[i]);
        at[i] = &rows[i];
    }
    return at;
}

static int32_t count32(int64_t n) {
    return (int32_t)MIN(n, (int64_t)INT32_MAX);
}

/* --- questions --- */

static int read_date(Ctx *cx, const char *field, const char *text, Time *out) {
    if (*text && !time_parse_any(str_c(text), out))
        return err_set_at(cx, ERR_INVALID, str_c(field), "'%s' is no time; write 2024-01-31 or 2024-01-31T12:00:00Z",
                          text);
    return 0;
}

static int read_filter(Ctx *cx, const char *source, const char *start, const char *end, NewsQuery *q) {
    *q = (NewsQuery){ .filter = { .source = str_c(source), .from = TIME_MIN, .to = TIME_MAX, .known_by = TIME_MAX },
                      .order = ARTICLE_NEWEST_FIRST,
                      .whole = true,
                      .count = true };
    int r = read_date(cx, "start_date", start, &q->filter.from);
    return r == 0 ? read_date(cx, "end_date", end, &q->filter.to) : r;
}

/* 0 is "not said". */
static int read_limit(Ctx *cx, int32_t limit, NewsQuery *q) {
    if (limit < 0 || limit > ARTICLE_PAGE_MAX)
        return err_set_at(cx, ERR_INVALID, S("limit"), "limit must be between 1 and %d, not %d", ARTICLE_PAGE_MAX,
                          limit);
    q->limit = limit ? (size_t)limit : LIMIT_USUAL;
    return 0;
}

static int read_offset(Ctx *cx, int32_t offset, NewsQuery *q) {
    if (offset < 0 || offset > ARTICLE_NEWEST)
        return err_set_at(cx, ERR_INVALID, S("offset"), "offset must be between 0 and %d, not %d", ARTICLE_NEWEST,
                          offset);
    q->skip = (size_t)offset;
    return 0;
}

/* --- GetNews --- */

static int answer_list(GrpcCall *c, Ctx *cx, const ListAsk *m, ListAnswer *out) {
    NewsQuery q;
    NewsPage page;
    int r = read_filter(cx, m->source, m->start_date, m->end_date, &q);
    if (r == 0)
        r = read_limit(cx, m->limit, &q);
    if (r == 0)
        r = read_offset(cx, m->offset, &q);
    if (r == 0)
        r = news_find(grpc_service(c), cx, &q, &page);
    if (r != 0)
        return r;
    out->articles = put_articles(cx, &page.page);
    out->n_articles = page.page.n;
    out->total_count = count32(page.page.total);
    out->has_more = page.page.more;
    return 0;
}

static int get_news(GrpcCall *c, Ctx *cx, Str message) {
    ListAnswer out = FINSIGHT__NEWS__NEWS_QUERY_RESPONSE__INIT;
    const ListAsk *m = rpc_unpack(cx, &finsight__news__news_query_request__descriptor, message);
    int r = m ? answer_list(c, cx, m, &out) : ERR_BAD_REQUEST;
    if (r == 0)
        return rpc_send(c, cx, &out.base);
    r = as_documented(cx, r);
    if (r == ERR_INTERNAL) /* empty, as the documents have it: no bytes at all */
        grpc_send(c, cx, S(""));
    return r;
}

/* --- SearchNews, SearchMany --- */

static int answer_search(GrpcCall *c, Ctx *cx, const SearchAsk *m, SearchAnswer *out) {
    NewsQuery q;
    NewsPage page;
    if (!*m->query)
        return err_set_at(cx, ERR_INVALID, S("query"), "say what to look for");
    int r = read_filter(cx, m->source, m->start_date, m->end_date, &q);
    if (r == 0)
        r = read_limit(cx, m->limit, &q);
    if (r != 0)
        return r;
    q.text = str_c(m->query);
    q.order = ARTICLE_BEST;
    r = news_find(grpc_service(c), cx, &q, &page);
    if (r != 0)
        return r;
    out->articles = put_articles(cx, &page.page);
    out->n_articles = page.page.n;
    out->total_count = count32(page.page.total);
    out->search_time_ms = (float)page.took_ms;
    return 0;
}

static int search_news(GrpcCall *c, Ctx *cx, Str message) {
    SearchAnswer out = FINSIGHT__NEWS__NEWS_SEARCH_RESPONSE__INIT;
    const SearchAsk *m = rpc_unpack(cx, &finsight__news__news_search_request__descriptor, message);
    int r = m ? answer_search(c, cx, m, &out) : ERR_BAD_REQUEST;
    if (r == 0)
        return rpc_send(c, cx, &out.base);
    r = as_documented(cx, r);
    if (r == ERR_INTERNAL)
        grpc_send(c, cx, S(""));
    return r;
}

/* --- CollectNews, CollectMany --- */

static int collect(GrpcCall *c, Ctx *cx, const CollectAsk *m, NewsCollected *out) {
    NewsCollect q = { .source = str_c(m->source), .max_articles = m->max_articles };
    if (m->max_articles < 0 || m->max_articles > NEWS_COLLECT_MAX)
        return err_set_at(cx, ERR_INVALID, S("max_articles"), "max_articles must be between 1 and %d, not %d",
                          NEWS_COLLECT_MAX, m->max_articles);
    if (m->n_keywords > NEWS_KEYWORDS_MAX)
        return err_set_at(cx, ERR_INVALID, S("keywords"), "there may be %d keywords", NEWS_KEYWORDS_MAX);
    q.keywords = (StrList){ arena_alloc(cx->arena, m->n_keywords * sizeof(Str) + 1), m->n_keywords };
    for (size_t i = 0; i < m->n_keywords; i++)
        q.keywords.v[i] = str_c(m->keywords[i]);
    int r = news_time_range(cx, str_c(m->time_range), clock_wall(cx->clock), &q.from, &q.to);
    return r == 0 ? news_collect(grpc_service(c), cx, &q, out) : r;
}

/* What a collection that failed answers beside its status. */
static int collect_failed(GrpcCall *c, Ctx *cx, int r) {
    r = as_documented(cx, r);
    if (r != ERR_INTERNAL)
        return r;
    CollectAnswer out = FINSIGHT__NEWS__NEWS_COLLECTION_RESPONSE__INIT;
    out.message = rpc_text(cx, str_fmt(cx->arena, "Error: %s", cx->err.text));
    rpc_send(c, cx, &out.base);
    return r;
}

static int collect_news(GrpcCall *c, Ctx *cx, Str message) {
    NewsCollected done;
    CollectAnswer out = FINSIGHT__NEWS__NEWS_COLLECTION_RESPONSE__INIT;
    const CollectAsk *m = rpc_unpack(cx, &finsight__news__news_collection_request__descriptor, message);
    int r = m ? collect(c, cx, m, &done) : ERR_BAD_REQUEST;
    if (r != 0)
        return collect_failed(c, cx, r);
    out.success = true;
    out.message = rpc_text(cx, done.message);
    out.articles_collected = count32(done.n_articles);
    out.job_id = rpc_text(cx, done.job_id);
    return rpc_send(c, cx, &out.base);
}

typedef struct Collected { /* of all questions of one call */
    int64_t n_articles, n_asked;
    char job_id[64]; /* of the last */
} Collected;

static int collect_next(GrpcCall *c, Ctx *cx, Str message) {
    Collected *sum = grpc_state(c);
    NewsCollected done;
    const CollectAsk *m = rpc_unpack(cx, &finsight__news__news_collection_request__descriptor, message);
    int r = m ? collect(c, cx, m, &done) : ERR_BAD_REQUEST;
    if (r != 0)
        return collect_failed(c, cx, r);
    sum->n_articles += done.n_articles;
    sum->n_asked++;
    size_t n = MIN(done.job_id.n, sizeof sum->job_id - 1);
    memcpy(sum->job_id, done.job_id.n ? done.job_id.p : "", n);
    sum->job_id[n] = '\0';
    return 0;
}

static int collect_ended(GrpcCall *c, Ctx *cx) {
    Collected *sum = grpc_state(c);
    CollectAnswer out = FINSIGHT__NEWS__NEWS_COLLECTION_RESPONSE__INIT;
    out.success = true;
    out.message = rpc_text(cx, str_fmt(cx->arena, "Collected %lld articles in %lld collections",
                                       (long long)sum->n_articles, (long long)sum->n_asked));
    out.articles_collected = count32(sum->n_articles);
    out.job_id = sum->job_id;
    return rpc_send(c, cx, &out.base);
}

/* --- StreamNews --- */

typedef struct Stream {
    NewsQuery q; /* its texts lie in the call's arena */
    int64_t left;
    char cursor[512];
} Stream;

static int stream_ask(GrpcCall *c, Ctx *cx, Str message) {
    Stream *s = grpc_state(c);
    const ListAsk *m = rpc_unpack(cx, &finsight__news__news_query_request__descriptor, message);
    int r = m ? read_filter(cx, m->source, m->start_date, m->end_date, &s->q) : ERR_BAD_REQUEST;
    if (r == 0)
        r = read_offset(cx, m->offset, &s->q);
    if (r == 0 && m->limit < 0)
        r = err_set_at(cx, ERR_INVALID, S("limit"), "limit must not be negative");
    if (r != 0)
        return r;
    s->q.filter.source = str_dup(grpc_arena(c), s->q.filter.source);
    s->q.count = false;
    s->left = m->limit ? m->limit : INT64_MAX;
    return 0;
}

static int stream_next(GrpcCall *c, Ctx *cx) {
    Stream *s = grpc_state(c);
    NewsPage page;
    s->q.limit = (size_t)MIN(s->left, (int64_t)STREAM_PAGE);
    int r = news_find(grpc_service(c), cx, &s->q, &page);
    for (size_t i = 0; r == 0 && i < page.page.n; i++) {
        Row m;
        put_article(cx, &page.page.v[i].article, &m);
        r = rpc_send(c, cx, &m.base);
    }
    if (r != 0)
        return as_documented(cx, r);
    s->left -= (int64_t)page.page.n;
    if (!page.page.more || s->left <= 0)
        return GRPC_NEXT_DONE;
    if (page.next_cursor.n > sizeof s->cursor)
        return err_set(cx, ERR_INTERNAL, "a cursor of %zu bytes", page.next_cursor.n);
    memcpy(s->cursor, page.next_cursor.p, page.next_cursor.n);
    s->q.cursor = str_n(s->cursor, page.next_cursor.n);
    s->q.skip = 0;
    return GRPC_NEXT_MORE;
}

/* clang-format off */
static const GrpcMethod methods[] = {
    { .name = "CollectNews", .role = ROLE_WRITE, .lane = GRPC_ON_FEED, .deadline_ms = 120000, .message = collect_news },
    { .name = "GetNews", .role = ROLE_READ, .lane = GRPC_ON_CPU, .deadline_ms = 10000, .message = get_news },
    { .name = "SearchNews", .role = ROLE_READ, .lane = GRPC_ON_CPU, .deadline_ms = 10000, .message = search_news },
    { .name = "StreamNews", .server_streams = true, .role = ROLE_READ, .lane = GRPC_ON_CPU, .state_size = sizeof(Stream),
      .message = stream_ask, .next = stream_next },
    { .name = "CollectMany", .client_streams = true, .role = ROLE_WRITE, .lane = GRPC_ON_FEED,
      .state_size = sizeof(Collected), .message = collect_next, .ended = collect_ended },
    { .name = "SearchMany", .client_streams = true, .server_streams = true, .role = ROLE_READ, .lane = GRPC_ON_CPU,
      .message = search_news },
};
/* clang-format on */

const GrpcService news_rpc = { "finsight.news.NewsService", methods, ARRAY_LEN(methods) };
