/* services/news/retain.c - what is too old, or too many, goes: archived first where that is wanted, and never while an
 * event that speaks of it waits to be told.
 *
 * A page of the oldest articles is read, those that the outbox speaks of are held back, the rest is archived (and that is on
 * disk), then removed in one commit, with their words, scores and copies. Between the look into the outbox and the removal
 * nothing is stored by this service (NewsService.storing), so no event can come between. Killed after the archive and before
 * the removal, the next round archives the page again: an archive has an article at least once. */

#include "base/json.h"
#include "base/map.h"
#include "services/news/internal.h"

enum { PAGE = 200, MONTH_SIZE = 7 /* "2024-05" */ };

/* --- what waits to be told --- */

static bool is_id(const char *p, const char *end) {
    if (end - p < ARTICLE_ID_SIZE + 1 || p[ARTICLE_ID_SIZE] != '"')
        return false;
    for (size_t i = 0; i < ARTICLE_ID_SIZE; i++)
        if (hex_value(p[i]) < 0)
            return false;
    return true;
}

/* Whatever looks like the id of an article in the body of a waiting event: rather too many than one too few. */
static void note_ids(Map *out, Str body) {
    for (const char *p = body.p, *end = body.p + body.n; p < end; p++)
        if (*p == '"' && is_id(p + 1, end))
            map_put(out, str_n(p + 1, ARTICLE_ID_SIZE), (void *)(uintptr_t)p);
}

/* *all: every waiting event was looked at. */
static int waiting_ids(NewsService *s, Ctx *cx, Map *out, bool *all) {
    OutboxRow *v;
    size_t n = 0;
    int r = outbox_take(article_store_outbox(s->o.store), cx, &v, OUTBOX_TAKE_MAX, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        note_ids(out, v[i].event.body);
    *all = n < OUTBOX_TAKE_MAX;
    return MIN(r, 0);
}

/* --- the archive --- */

static void put_list(JsonWriter *w, const char *key, const StrList *l) {
    json_key(w, str_c(key));
    json_array(w);
    for (size_t i = 0; i < l->n; i++)
        json_str(w, l->v[i]);
    json_array_end(w);
}

static int put_scores(NewsService *s, Ctx *cx, JsonWriter *w, Str id) {
    ArticleSentiment *v;
    size_t n;
    int r = article_store_scores(s->o.store, cx, id, &v, &n);
    json_key(w, S("scores"));
    json_array(w);
    for (size_t i = 0; r == 0 && i < n; i++) {
        json_object(w);
        json_put_str(w, "model", v[i].model);
        json_put_str(w, "label", v[i].label);
        json_put_f64(w, "score", v[i].score);
        json_put_f64(w, "confidence", v[i].confidence);
        json_put_time(w, "analyzed_at", v[i].at);
        json_object_end(w);
    }
    json_array_end(w);
    return MIN(r, 0);
}

static int put_copies(NewsService *s, Ctx *cx, JsonWriter *w, Str id) {
    ArticleCopy *v;
    size_t n;
    int r = article_store_copies(s->o.store, cx, id, &v, &n);
    json_key(w, S("copies"));
    json_array(w);
    for (size_t i = 0; r == 0 && i < n; i++) {
        json_object(w);
        json_put_str(w, "source", v[i].source);
        json_put_str(w, "url", v[i].url);
        json_put_str(w, "title", v[i].title);
        json_put_time(w, "published_at", v[i].published);
        json_put_time(w, "seen_at", v[i].seen);
        json_object_end(w);
    }
    json_array_end(w);
    return MIN(r, 0);
}

/* One article, one line: everything the store has of it. */
static int put_line(NewsService *s, Ctx *cx, const Article *a, Buf *b) {
    JsonWriter w;
    json_writer_init(&w, b, false);
    json_object(&w);
    const struct {
        const char *key;
        Str value;
    } texts[] = { { "id", a->id },         { "guid", a->guid },         { "url", a->url },
                  { "source", a->source }, { "title", a->title },       { "summary", a->summary },
                  { "content", a->text },  { "language", a->language }, { "image_url", a->image_url } };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].value.n) {
            json_key(&w, str_c(texts[i].key));
            json_str(&w, texts[i].value);
        }
    put_list(&w, "authors", &a->authors);
    put_list(&w, "tags", &a->categories);
    put_list(&w, "tickers", &a->tickers);
    json_put_time(&w, "published_at", a->published);
    json_put_time(&w, "collected_at", a->collected);
    json_put_time(&w, "known_at", a->known_at);
    json_put_bool(&w, "date_estimated", a->date_estimated);
    json_put_bool(&w, "simulated", a->simulated);
    int r = put_scores(s, cx, &w, a->id);
    if (r == 0)
        r = put_copies(s, cx, &w, a->id);
    json_object_end(&w);
    buf_put_c(b, '\n');
    return r ? r : buf_ok(b) ? 0 : err_set(cx, ERR_TOO_LARGE, "an article is too large for the archive");
}

static Str month_of(Ctx *cx, const Article *a) {
    return str_first(time_iso(cx->arena, a->published), MONTH_SIZE); /* articles are of the years 0 to 9999 */
}

/* The articles, oldest first, to the file of their month; a file at a time. */
static int archive(NewsService *s, Ctx *cx, const Article *v, size_t n) {
    enum { BYTES_MAX = 256 << 20 };
    int r = 0;
    for (size_t i = 0; r == 0 && i < n;) {
        Str month = month_of(cx, &v[i]);
        Buf b;
        buf_init(&b, BYTES_MAX);
        for (; r == 0 && i < n && str_eq(month_of(cx, &v[i]), month); i++)
            r = put_line(s, cx, &v[i], &b);
        if (r == 0)
            r = s->o.archive(s->o.archive_arg, cx, month, buf_str(&b));
        buf_done(&b);
    }
    return r;
}

/* --- a round --- */

typedef struct Round {
    NewsService *s;
    const NewsRetain *q;
    NewsRetained *out;
    int64_t excess; /* articles too many, that are still there */
    ArticleCursor after;
    bool more;
} Round;

/* Is it to go, the oldest that is still there being looked at first? */
static bool too_much(const Round *r, const Article *a, int64_t seen) {
    return time_before(a->published, r->q->before) || seen < r->excess;
}

static int drop(Round *round, Ctx *cx, Article *v, size_t n) {
    NewsService *s = round->s;
    NewsRetained *out = round->out;
    Map waiting = { 0 };
    bool all = false;
    pthread_mutex_lock(&s->storing);
    int r = waiting_ids(s, cx, &waiting, &all);
    size_t m = 0;
    Str *ids = arena_new_n(cx->arena, Str, MAX(n, 1));
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!all || map_get(&waiting, v[i].id)) {
            out->held++;
            continue;
        }
        v[m] = v[i];
        ids[m] = v[m].id;
        m++;
    }
    int64_t removed = round->q->dry_run ? (int64_t)m : 0;
    if (r == 0 && m && !round->q->dry_run) {
        r = round->q->archive ? archive(s, cx, v, m) : 0;
        out->archived += r == 0 && round->q->archive ? (int64_t)m : 0;
        r = r ? r : article_store_drop(s->o.store, cx, ids, m, &removed);
    }
    pthread_mutex_unlock(&s->storing);
    map_done(&waiting);
    if (r == 0)
        out->removed += removed;
    return r;
}

static int one_page(Round *round, Ctx *cx) {
    ArticleSearch search = { .filter = { .from = TIME_MIN, .to = TIME_MAX, .known_by = TIME_MAX },
                             .order = ARTICLE_OLDEST_FIRST,
                             .whole = round->q->archive && !round->q->dry_run,
                             .now = clock_wall(cx->clock),
                             .limit = PAGE,
                             .after = round->after };
    ArticlePage page;
    int r = article_store_search(round->s->o.store, cx, &search, &page);
    Article *v = arena_new_n(cx->arena, Article, PAGE);
    size_t n = 0;
    while (r == 0 && n < page.n && too_much(round, &page.v[n].article, (int64_t)n)) {
        v[n] = page.v[n].article;
        n++;
    }
    if (r)
        return r;
    round->more = n == page.n && page.more;
    round->after = page.next;
    round->excess -= (int64_t)n;
    return drop(round, cx, v, n);
}

int news_retain(NewsService *s, Ctx *cx, const NewsRetain *q, NewsRetained *out) {
    ArticleStoreInfo info;
    Round round = { .s = s, .q = q, .out = out, .more = true };
    *out = (NewsRetained){ 0 };
    if (q->archive && !s->o.archive)
        return err_set_at(cx, ERR_UNSUPPORTED, S("archive"), "there is no folder for an archive");
    int r = article_store_describe(s->o.store, cx, &info);
    if (r == 0 && q->keep > 0)
        round.excess = MAX(info.n_articles - q->keep, INT64_C(0));
    while (r == 0 && round.more) {
        Arena page = { 0 };
        Ctx own = *cx; /* a page's memory goes with it */
        own.arena = &page;
        r = ctx_check(cx);
        r = r ? r : one_page(&round, &own);
        cx->err = own.err;
        arena_done(&page);
    }
    out->left = info.n_articles - (q->dry_run ? 0 : out->removed);
    if (r == 0 && (out->removed || out->held))
        LOG_INFO(s->o.log, cx, S("Removed old articles"), F_I64("removed", out->removed),
                 F_I64("archived", out->archived), F_I64("held", out->held), F_BOOL("dry_run", q->dry_run));
    return r;
}
