#pragma once

/* ports/article_store.h - where articles live, and are found again.
 *
 * Adapters:  adapters/article/{sqlite,memory}.  Used by: services/news.
 * Memory:    results go to cx->arena; an adapter keeps no pointer of the caller's.
 * Threads:   any; a read sees all or nothing of each write.
 * Durable:   put and score answer after fsync.
 * Contract:  tests/contract/article_store.c runs against every adapter.
 *
 * An article is stored once. One that comes again under the same id, address or (source, guid) changes the stored one
 * where its words differ; one of another address whose words are nearly the same (core/near_text.h) is noted beside the
 * one that is there (ArticleCopy) and is not stored. */

#include "base/ctx.h"
#include "core/article.h"
#include "core/article_query.h"
#include "ports/outbox.h"
#include "ports/snapshot.h"

typedef struct ArticleStore ArticleStore;

enum { ARTICLE_NO_SUCH = 1, ARTICLE_SCORED = 2 };
enum {
    ARTICLE_PUT_MAX = 10000, /* articles of one put */
    ARTICLE_PAGE_MAX = 1000, /* of one answer */
    ARTICLE_SKIP_MAX = 100000,
    ARTICLE_NEWEST = 20000,    /* matches of a frequent word that are ranked */
    ARTICLE_EVENTS_MAX = 1000, /* of one commit */
};

typedef enum ArticleFate {
    ARTICLE_NEW,
    ARTICLE_CHANGED, /* it was there, with other words */
    ARTICLE_KNOWN,   /* it was there */
    ARTICLE_NEAR,    /* another one with nearly the same words was there */
    ARTICLE_FATES
} ArticleFate;
const char *article_fate_name(ArticleFate f); /* "new", "changed", "known", "near" */

typedef struct ArticlePut { /* one an article given, in order */
    ArticleFate fate;
    Str id; /* of the stored one: of ARTICLE_NEAR, the other's */
    int64_t revision;
} ArticlePut;

/* What is told of a commit goes into it: into the store's outbox (ports/outbox.h), beside the articles. Asked inside the
 * commit, when it is known what became of them. Its events are there when put returns 0, or nothing is. May be called again for the same put when the commit is tried again. */
typedef int ArticleEventsFn(void *arg, Ctx *cx, const ArticlePut *fates, size_t n, OutboxRow *out,
                            size_t *n_out); /* numbers are the store's */

typedef struct ArticlePutRequest {
    const Article *v;
    size_t n;
    bool keep_near;          /* store what is nearly the same as well: for sources that the user trusts to repeat */
    ArticleEventsFn *events; /* NULL = none */
    void *events_arg;
} ArticlePutRequest;

/* One that had nearly the words, or the address, of a stored one. */
typedef struct ArticleCopy {
    Str source, url, title;
    Time published, seen;
} ArticleCopy;

typedef enum ArticleOrder { ARTICLE_BEST, ARTICLE_NEWEST_FIRST, ARTICLE_OLDEST_FIRST } ArticleOrder;

/* A place in an ordered answer: what the next page begins behind. Text form: article_cursor_*. */
typedef struct ArticleCursor {
    bool set;
    double score;     /* of ARTICLE_BEST */
    Time published;   /* of the other orders */
    int64_t row, top; /* of the last one; the newest row there was when the first page was made */
    Time now;         /* that recency was measured from */
} ArticleCursor;

typedef struct ArticleFilter { /* empty: any */
    Str source, ticker, category, language;
    Time from, to; /* [from, to) on published; TIME_MIN, TIME_MAX = unbounded */
    Time known_by; /* only what was known then; TIME_MAX = all */
    Str sentiment; /* label */
    bool no_simulated;
} ArticleFilter;

typedef struct ArticleSearch {
    const ParsedQuery *query; /* NULL = everything that passes the filter */
    ArticleFilter filter;
    ArticleOrder order; /* ARTICLE_BEST without a query is newest first */
    bool exact;         /* rank and count every match, however many */
    bool whole;         /* hits carry their text too; else it is left out */
    bool marks;         /* hits carry title and snippet with the found words marked */
    bool count;         /* fill total */
    Time now;           /* recency is measured from here */
    size_t skip;        /* at most ARTICLE_SKIP_MAX; with `after` 0 */
    size_t limit;       /* 1 .. ARTICLE_PAGE_MAX */
    ArticleCursor after;
} ArticleSearch;

typedef struct ArticleHit {
    Article article;
    double score, bm25;        /* bm25 of the words alone; score has recency in it. 0 without a query */
    Str title_marked, snippet; /* MARK_BEGIN … MARK_END around found words: core/marks.h */
    int64_t n_copies;
} ArticleHit;

typedef struct ArticlePage {
    ArticleHit *v;
    size_t n;
    bool more;
    ArticleCursor next; /* set where more */
    int64_t total;      /* matches, at least; with search.count */
    bool total_exact;
    bool newest_only; /* only the newest ARTICLE_NEWEST matches were ranked */
} ArticlePage;

typedef struct ArticleSourceInfo {
    Str source;
    int64_t n_articles, n_copies;
    Time newest; /* published */
} ArticleSourceInfo;

typedef struct ArticleStoreInfo {
    const char *adapter;
    Str location;
    int64_t n_articles, n_copies, n_scored, bytes, outbox;
    Time newest;
    int schema_version;
} ArticleStoreInfo;

typedef struct ArticleStoreOps {
    const char *name;
    /* Required. All or nothing, events included. */
    int (*put)(ArticleStore *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out);
    /* Required. 0 or ARTICLE_NO_SUCH; with its text. */
    int (*get)(ArticleStore *s, Ctx *cx, Str id, ArticleHit *out);
    /* Required. */
    int (*search)(ArticleStore *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out);
    /* Required. 0, ARTICLE_NO_SUCH, or ARTICLE_SCORED: this model has scored it before (U23), nothing changes. */
    int (*score)(ArticleStore *s, Ctx *cx, Str id, const ArticleSentiment *score);
    /* Required. Every score of one article, by model. */
    int (*scores)(ArticleStore *s, Ctx *cx, Str id, ArticleSentiment **out, size_t *n);
    /* Required. Those noted beside one. */
    int (*copies)(ArticleStore *s, Ctx *cx, Str id, ArticleCopy **out, size_t *n);
    /* Required. Stored ones whose revision is greater, oldest change first, at most limit, without text. */
    int (*changes)(ArticleStore *s, Ctx *cx, int64_t after, size_t limit, Article **out, size_t *n);
    /* Required. Ordered by name. */
    int (*sources)(ArticleStore *s, Ctx *cx, ArticleSourceInfo **out, size_t *n);
    /* Required. 0 or ARTICLE_NO_SUCH. */
    int (*remove)(ArticleStore *s, Ctx *cx, Str id);
    /* Required. Removes what was published before, at most `limit`; *removed of them. */
    int (*expire)(ArticleStore *s, Ctx *cx, Time before, size_t limit, int64_t *removed);
    /* Required. Removes these in one commit, with words, scores and copies; ids that are not there are passed over. */
    int (*drop)(ArticleStore *s, Ctx *cx, const Str *ids, size_t n, int64_t *removed);
    /* Required: what a source of news is known by between collections (validators, when, how it went): a text a key. */
    int (*state_get)(ArticleStore *s, Ctx *cx, Str key, Str *out); /* empty = none */
    int (*state_put)(ArticleStore *s, Ctx *cx, Str key, Str value);
    Outbox *(*outbox)(ArticleStore *s); /* Required. The store's own: gone with it */
    /* Required. */
    int (*describe)(ArticleStore *s, Ctx *cx, ArticleStoreInfo *out);
    /* Required. Reads everything, checks the index against the articles; words in cx->err on damage. */
    int (*verify)(ArticleStore *s, Ctx *cx);
    int (*snapshot)(ArticleStore *s, Ctx *cx, SnapshotPiece *piece, void *arg); /* Optional. */
    void (*close)(ArticleStore *s);                                             /* Required. */
} ArticleStoreOps;

/* One commit that has just happened, told on the thread that made it. */
typedef struct ArticleCommit {
    const Article *v;        /* as given */
    const ArticlePut *fates; /* of each */
    size_t n;
    const ArticleSentiment *score; /* a score: of v[0], whose id alone is set; fates NULL */
} ArticleCommit;
typedef struct ArticleStoreWatch {
    void (*heard)(void *arg, const ArticleCommit *c); /* quick: the writer waits for it */
    void *arg;
    struct ArticleStoreWatch *next; /* private */
} ArticleStoreWatch;

struct ArticleStore { /* the first member of every adapter's own struct */
    const ArticleStoreOps *ops;
    ArticleStoreWatch *watches;
};

/* Before other threads use the store, and after they have ended. */
void article_store_watch(ArticleStore *s, ArticleStoreWatch *w);
void article_store_unwatch(ArticleStore *s, ArticleStoreWatch *w);

/* Each article: clipped, with its id, title or summary not empty, a source that is valid, published within TIME_ISO_*;
 * else ERR_INVALID. out: one an article. */
int article_store_put(ArticleStore *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out);
int article_store_get(ArticleStore *s, Ctx *cx, Str id, ArticleHit *out);
int article_store_search(ArticleStore *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out);
int article_store_score(ArticleStore *s, Ctx *cx, Str id, const ArticleSentiment *score);
int article_store_scores(ArticleStore *s, Ctx *cx, Str id, ArticleSentiment **out, size_t *n);
int article_store_copies(ArticleStore *s, Ctx *cx, Str id, ArticleCopy **out, size_t *n);
int article_store_changes(ArticleStore *s, Ctx *cx, int64_t after, size_t limit, Article **out, size_t *n);
int article_store_sources(ArticleStore *s, Ctx *cx, ArticleSourceInfo **out, size_t *n);
int article_store_remove(ArticleStore *s, Ctx *cx, Str id);
int article_store_expire(ArticleStore *s, Ctx *cx, Time before, size_t limit, int64_t *removed);
int article_store_drop(ArticleStore *s, Ctx *cx, const Str *ids, size_t n, int64_t *removed);
int article_store_state_get(ArticleStore *s, Ctx *cx, Str key, Str *out);
int article_store_state_put(ArticleStore *s, Ctx *cx, Str key, Str value);
Outbox *article_store_outbox(ArticleStore *s);
int article_store_describe(ArticleStore *s, Ctx *cx, ArticleStoreInfo *out);
int article_store_verify(ArticleStore *s, Ctx *cx);
int article_store_snapshot(ArticleStore *s, Ctx *cx, SnapshotPiece *piece, void *arg);
ArticleStore *article_store_close(ArticleStore *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(ArticleStore *, article_store_close)

/* A cursor as opaque text, and back; false: not one of ours. */
Str article_cursor_write(const ArticleCursor *c, Arena *a);
bool article_cursor_read(Str text, ArticleCursor *out);
