/* adapters/article/memory.c - see memory.h. Nothing is indexed and nothing approximated: this is what the words of the port
 * mean, as plainly as they can be said. */

#include "adapters/article/memory.h"

#include "adapters/article/look.h"
#include "adapters/article/rank.h"
#include "base/vec.h"
#include "core/near_text.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct Item {
    Article a;
    size_t words;
    bool gone;
    VEC(ArticleCopy) copies;
    VEC(Str) copy_ids;
    VEC(ArticleSentiment) scores;
} Item;

typedef struct Pair {
    Str key, value;
} Pair;

typedef struct Memory {
    ArticleStore store; /* first */
    pthread_mutex_t lock;
    Arena arena; /* everything kept; given back when the store closes */
    VEC(Item *) items;
    VEC(Pair) state;
    Outbox outbox;
    VEC(OutboxRow) events;
    int64_t events_taken, revision;
} Memory;

static Memory *lock(ArticleStore *s) {
    Memory *m = (Memory *)s;
    pthread_mutex_lock(&m->lock);
    return m;
}

static int unlock(Memory *m, int r) {
    pthread_mutex_unlock(&m->lock);
    return r;
}

/* --- in --- */

static Item *find(Memory *m, Str id) {
    for (size_t i = 0; i < m->items.n; i++) {
        Item *it = m->items.v[i];
        if (it->gone)
            continue;
        if (str_eq(it->a.id, id))
            return it;
        for (size_t k = 0; k < it->copy_ids.n; k++)
            if (str_eq(it->copy_ids.v[k], id))
                return it;
    }
    return NULL;
}

static Item *find_stored(Memory *m, const Article *a) {
    Item *it = find(m, a->id);
    for (size_t i = 0; !it && a->guid.n && i < m->items.n; i++) {
        Item *o = m->items.v[i];
        if (!o->gone && str_eq(o->a.source, a->source) && str_eq(o->a.guid, a->guid))
            it = o;
    }
    return it;
}

static Item *find_near(Memory *m, Ctx *cx, const Article *a) {
    for (size_t i = 0; i < m->items.n; i++) {
        Item *it = m->items.v[i];
        int64_t apart = llabs(it->a.published.ms - a->published.ms);
        if (it->gone || !it->a.near_hash || apart > (int64_t)NEAR_DAYS * MS_PER_DAY ||
            near_distance(it->a.near_hash, a->near_hash) > NEAR_BITS_MAX)
            continue;
        double least = str_eq(it->a.source, a->source) ? NEAR_OWN_MIN : NEAR_SIMILARITY_MIN;
        if (near_similarity(cx->arena, a->title, near_body(a), it->a.title, near_body(&it->a)) >= least)
            return it;
    }
    return NULL;
}

static void add_copy(Memory *m, Item *it, const Article *a, Str id) {
    for (size_t i = 0; i < it->copy_ids.n; i++)
        if (str_eq(it->copy_ids.v[i], id))
            return;
    Article c = article_copy(a, &m->arena);
    ArticleCopy copy = { c.source, c.url, c.title, c.published, c.collected };
    vec_push(&it->copies, copy);
    vec_push(&it->copy_ids, str_dup(&m->arena, id));
}

static void put_stored(Memory *m, Item *it, const Article *a, ArticlePut *out) {
    bool same_id = str_eq(it->a.id, a->id), same_guid = a->guid.n && str_eq(it->a.guid, a->guid);
    out->id = it->a.id;
    out->fate = ARTICLE_KNOWN;
    if ((same_id || same_guid) && look_corrects(&it->a, a)) {
        Article now = article_copy(a, &m->arena);
        out->fate = ARTICLE_CHANGED;
        it->a.title = now.title;
        it->a.summary = now.summary;
        it->a.text = now.text;
        it->a.categories = now.categories;
        it->a.tickers = now.tickers;
        it->a.known_at = now.known_at;
        it->a.near_hash = now.near_hash;
        it->a.revision = ++m->revision;
        it->words = look_words(&it->a);
        if (now.image_url.n)
            it->a.image_url = now.image_url;
    } else if (same_id && !str_eq(it->a.source, a->source)) {
        Article other = { .source = a->source, .guid = a->url };
        char id[ARTICLE_ID_SIZE];
        article_id(&other, id);
        add_copy(m, it, a, str_n(id, sizeof id));
    }
    out->revision = it->a.revision;
}

static void put_one(Memory *m, Ctx *cx, const ArticlePutRequest *req, const Article *given, ArticlePut *out) {
    Article a = *given;
    a.near_hash = near_hash(a.title, near_body(&a));
    Item *it = find_stored(m, &a);
    if (it) {
        put_stored(m, it, &a, out);
        return;
    }
    it = a.near_hash && !req->keep_near ? find_near(m, cx, &a) : NULL;
    if (it) {
        add_copy(m, it, &a, a.id);
        *out = (ArticlePut){ ARTICLE_NEAR, it->a.id, it->a.revision };
        return;
    }
    it = arena_new(&m->arena, Item);
    it->a = article_copy(&a, &m->arena);
    it->a.revision = ++m->revision;
    it->words = look_words(&a);
    vec_push(&m->items, it);
    *out = (ArticlePut){ ARTICLE_NEW, it->a.id, it->a.revision };
}

static void add_event(Memory *m, const OutboxRow *row) {
    Arena *a = &m->arena;
    OutboxRow kept = *row;
    Str *texts[] = { &kept.exchange,  &kept.routing_key,          &kept.event.id,     &kept.event.type,
                     &kept.event.key, &kept.event.correlation_id, &kept.event.source, &kept.event.body };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(a, *texts[i]);
    kept.number = (int64_t)m->events.n + 1;
    vec_push(&m->events, kept);
}

static int put(ArticleStore *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out) {
    Memory *m = lock(s);
    for (size_t i = 0; i < req->n; i++)
        put_one(m, cx, req, &req->v[i], &out[i]);
    OutboxRow *v = arena_new_n(cx->arena, OutboxRow, ARTICLE_EVENTS_MAX);
    size_t n = 0;
    int r = req->events ? req->events(req->events_arg, cx, out, req->n, v, &n) : 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        add_event(m, &v[i]);
    return unlock(m, r); /* a model has no way back: its events never fail in tests */
}

static int score(ArticleStore *s, Ctx *cx, Str id, const ArticleSentiment *v) {
    Memory *m = lock(s);
    Item *it = find(m, id);
    UNUSED(cx);
    for (size_t i = 0; it && i < it->scores.n; i++)
        if (str_eq(it->scores.v[i].model, v->model))
            return unlock(m, ARTICLE_SCORED);
    if (!it)
        return unlock(m, ARTICLE_NO_SUCH);
    ArticleSentiment kept = *v;
    kept.model = str_dup(&m->arena, v->model);
    kept.label = str_dup(&m->arena, v->label);
    vec_push(&it->scores, kept);
    if (!it->a.sentiment.model.n || it->a.sentiment.at.ms < v->at.ms)
        it->a.sentiment = kept;
    it->a.revision = ++m->revision;
    return unlock(m, 0);
}

/* --- search --- */

static bool has(const StrList *l, Str s, bool nocase) {
    for (size_t i = 0; i < l->n; i++)
        if (nocase ? str_eq_nocase(l->v[i], s) : str_eq(l->v[i], s))
            return true;
    return false;
}

static bool passes(const ArticleFilter *f, const Item *it) {
    const Article *a = &it->a;
    return !it->gone && a->published.ms >= f->from.ms && a->published.ms < f->to.ms &&
           a->known_at.ms <= f->known_by.ms && (f->source.n == 0 || str_eq(a->source, f->source)) &&
           (f->language.n == 0 || str_eq(a->language, f->language)) &&
           (f->ticker.n == 0 || has(&a->tickers, f->ticker, false)) &&
           (f->category.n == 0 || has(&a->categories, f->category, true)) && !(f->no_simulated && a->simulated) &&
           (f->sentiment.n == 0 || str_eq(a->sentiment.label, f->sentiment));
}

typedef struct Weights { /* of a query's terms */
    double idf[QUERY_TERMS_MAX], average;
} Weights;

static Weights weigh(const Memory *m, const ParsedQuery *q) {
    Weights w = { .average = 1 };
    double n_docs = 0, words = 0, with[QUERY_TERMS_MAX] = { 0 }, skip;
    for (size_t i = 0; i < m->items.n; i++) {
        const Item *it = m->items.v[i];
        if (it->gone)
            continue;
        n_docs++;
        words += (double)it->words;
        for (size_t t = 0; t < q->n_terms; t++)
            with[t] += look_occurrences(q->terms[t], &it->a, &skip) > 0;
    }
    for (size_t t = 0; t < q->n_terms; t++)
        w.idf[t] = rank_idf(n_docs, with[t]);
    w.average = MAX(words / MAX(n_docs, 1.0), 1.0);
    return w;
}

typedef struct Found {
    const Item *item;
    double score, bm25;
    int64_t row;
    ArticleOrder order;
} Found;

static int by_order(const void *va, const void *vb) {
    const Found *a = va, *b = vb;
    ArticleCursor c = { .set = true, .score = a->score, .published = a->item->a.published, .row = a->row };
    return a == b || a->row == b->row                                             ? 0
           : rank_behind(a->order, &c, b->score, b->item->a.published.ms, b->row) ? -1
                                                                                  : 1;
}

static void show(Ctx *cx, const ArticleSearch *q, const Found *f, ArticleHit *h) {
    Article *a = &h->article;
    *a = article_copy(&f->item->a, cx->arena);
    h->score = q->query ? f->score : 0;
    h->bm25 = f->bm25;
    h->n_copies = (int64_t)f->item->copies.n;
    if (q->marks && q->query)
        look_marks(cx, q->query, a, h);
    if (!q->whole)
        a->text = (Str){ 0 };
}

static int search(ArticleStore *s, Ctx *cx, const ArticleSearch *given, ArticlePage *out) {
    Memory *m = lock(s);
    ArticleSearch q = *given;
    if (q.order == ARTICLE_BEST && !q.query)
        q.order = ARTICLE_NEWEST_FIRST;
    if (q.after.set)
        q.now = q.after.now;
    int64_t top = q.after.set ? q.after.top : (int64_t)m->items.n;
    Found *v = arena_new_n(cx->arena, Found, MAX(m->items.n, 1));
    size_t n = 0;
    Weights weights = { 0 };
    if (q.query)
        weights = weigh(m, q.query);
    for (size_t i = 0; i < m->items.n && (int64_t)i < top; i++) {
        const Item *it = m->items.v[i];
        if (!passes(&q.filter, it) || (q.query && !look_matches(q.query->root, &it->a)))
            continue;
        Found f = { .item = it, .row = (int64_t)i + 1, .order = q.order };
        f.bm25 = q.query ? look_bm25(q.query, weights.idf, &it->a, (double)it->words, weights.average) : 0;
        f.score = rank_score(f.bm25, it->a.published.ms, q.now);
        out->total++;
        if (rank_behind(q.order, &q.after, f.score, it->a.published.ms, f.row))
            v[n++] = f;
    }
    qsort(v, n, sizeof *v, by_order);
    out->total_exact = true;
    out->v = arena_new_n(cx->arena, ArticleHit, q.limit);
    for (size_t i = q.skip; i < n && out->n < q.limit; i++)
        show(cx, &q, &v[i], &out->v[out->n++]);
    out->more = n > q.skip + q.limit;
    if (out->more) {
        const Found *last = &v[q.skip + q.limit - 1];
        out->next = (ArticleCursor){ true, last->score, last->item->a.published, last->row, top, q.now };
    }
    return unlock(m, 0);
}

/* --- out --- */

static int get(ArticleStore *s, Ctx *cx, Str id, ArticleHit *out) {
    Memory *m = lock(s);
    const Item *it = find(m, id);
    if (!it)
        return unlock(m, ARTICLE_NO_SUCH);
    *out = (ArticleHit){ .article = article_copy(&it->a, cx->arena), .n_copies = (int64_t)it->copies.n };
    return unlock(m, 0);
}

static int newest_first(const void *a, const void *b) {
    const ArticleSentiment *x = a, *y = b;
    int c = time_cmp(y->at, x->at);
    return c ? c : str_cmp(x->model, y->model);
}

static int scores(ArticleStore *s, Ctx *cx, Str id, ArticleSentiment **out, size_t *n) {
    Memory *m = lock(s);
    const Item *it = find(m, id);
    if (!it)
        return unlock(m, ARTICLE_NO_SUCH);
    *out = arena_new_n(cx->arena, ArticleSentiment, MAX(it->scores.n, 1));
    if (it->scores.n)
        memcpy(*out, it->scores.v, it->scores.n * sizeof **out);
    *n = it->scores.n;
    qsort(*out, *n, sizeof **out, newest_first);
    return unlock(m, 0);
}

static int copies(ArticleStore *s, Ctx *cx, Str id, ArticleCopy **out, size_t *n) {
    Memory *m = lock(s);
    const Item *it = find(m, id);
    if (!it)
        return unlock(m, ARTICLE_NO_SUCH);
    *out = arena_new_n(cx->arena, ArticleCopy, MAX(it->copies.n, 1));
    if (it->copies.n)
        memcpy(*out, it->copies.v, it->copies.n * sizeof **out);
    *n = it->copies.n;
    return unlock(m, 0);
}

static int by_revision(const void *a, const void *b) {
    const Article *x = a, *y = b;
    return (x->revision > y->revision) - (x->revision < y->revision);
}

static int changes(ArticleStore *s, Ctx *cx, int64_t after, size_t limit, Article **out, size_t *n) {
    Memory *m = lock(s);
    *out = arena_new_n(cx->arena, Article, MAX(m->items.n, 1));
    for (size_t i = 0; i < m->items.n; i++)
        if (!m->items.v[i]->gone && m->items.v[i]->a.revision > after) {
            (*out)[*n] = article_copy(&m->items.v[i]->a, cx->arena);
            (*out)[(*n)++].text = (Str){ 0 };
        }
    qsort(*out, *n, sizeof **out, by_revision);
    *n = MIN(*n, limit);
    return unlock(m, 0);
}

static ArticleSourceInfo *source_of(ArticleSourceInfo *v, size_t *n, Str name) {
    size_t i = 0;
    while (i < *n && str_cmp(v[i].source, name) < 0)
        i++;
    if (i == *n || !str_eq(v[i].source, name)) {
        memmove(&v[i + 1], &v[i], (*n - i) * sizeof *v);
        v[i] = (ArticleSourceInfo){ .source = name, .newest = TIME_MIN };
        ++*n;
    }
    return &v[i];
}

static int sources(ArticleStore *s, Ctx *cx, ArticleSourceInfo **out, size_t *n) {
    Memory *m = lock(s);
    *out = arena_new_n(cx->arena, ArticleSourceInfo, m->items.n + 1);
    for (size_t i = 0; i < m->items.n; i++) {
        const Item *it = m->items.v[i];
        if (it->gone)
            continue;
        ArticleSourceInfo *info = source_of(*out, n, str_dup(cx->arena, it->a.source));
        info->n_articles++;
        info->newest.ms = MAX(info->newest.ms, it->a.published.ms);
    }
    for (size_t k = 0; k < *n; k++)
        for (size_t i = 0; i < m->items.n; i++)
            for (size_t c = 0; !m->items.v[i]->gone && c < m->items.v[i]->copies.n; c++)
                (*out)[k].n_copies += str_eq(m->items.v[i]->copies.v[c].source, (*out)[k].source);
    return unlock(m, 0);
}

static int remove_one(ArticleStore *s, Ctx *cx, Str id) {
    Memory *m = lock(s);
    Item *it = find(m, id);
    UNUSED(cx);
    if (it)
        it->gone = true;
    return unlock(m, it ? 0 : ARTICLE_NO_SUCH);
}

static int expire(ArticleStore *s, Ctx *cx, Time before, size_t limit, int64_t *removed) {
    Memory *m = lock(s);
    UNUSED(cx);
    while (*removed < (int64_t)limit) {
        Item *oldest = NULL;
        for (size_t i = 0; i < m->items.n; i++) {
            Item *it = m->items.v[i];
            if (!it->gone && time_before(it->a.published, before) &&
                (!oldest || time_before(it->a.published, oldest->a.published)))
                oldest = it;
        }
        if (!oldest)
            break;
        oldest->gone = true;
        ++*removed;
    }
    return unlock(m, 0);
}

static int drop(ArticleStore *s, Ctx *cx, const Str *ids, size_t n, int64_t *removed) {
    Memory *m = lock(s);
    UNUSED(cx);
    for (size_t i = 0; i < n; i++) {
        Item *it = find(m, ids[i]);
        if (it) {
            it->gone = true;
            ++*removed;
        }
    }
    return unlock(m, 0);
}

/* --- state and outbox --- */

static int state_get(ArticleStore *s, Ctx *cx, Str key, Str *out) {
    Memory *m = lock(s);
    for (size_t i = 0; i < m->state.n; i++)
        if (str_eq(m->state.v[i].key, key))
            *out = str_dup(cx->arena, m->state.v[i].value);
    return unlock(m, 0);
}

static int state_put(ArticleStore *s, Ctx *cx, Str key, Str value) {
    Memory *m = lock(s);
    UNUSED(cx);
    Pair p = { str_dup(&m->arena, key), str_dup(&m->arena, value) };
    for (size_t i = 0; i < m->state.n; i++)
        if (str_eq(m->state.v[i].key, key)) {
            m->state.v[i] = p;
            return unlock(m, 0);
        }
    vec_push(&m->state, p);
    return unlock(m, 0);
}

static Memory *lock_outbox(Outbox *o) {
    return lock(&CONTAINER_OF(o, Memory, outbox)->store);
}

static int outbox_take_rows(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n) {
    Memory *m = lock_outbox(o);
    *n = MIN(most, m->events.n - (size_t)m->events_taken);
    *out = arena_new_n(cx->arena, OutboxRow, MAX(*n, 1));
    if (*n)
        memcpy(*out, m->events.v + m->events_taken, *n * sizeof **out);
    return unlock(m, *n ? 0 : BUS_EMPTY);
}

static int outbox_done_rows(Outbox *o, Ctx *cx, int64_t last) {
    Memory *m = lock_outbox(o);
    UNUSED(cx);
    m->events_taken = CLAMP(last, m->events_taken, (int64_t)m->events.n);
    return unlock(m, 0);
}

static int outbox_count(Outbox *o, Ctx *cx, int64_t *n) {
    Memory *m = lock_outbox(o);
    UNUSED(cx);
    *n = (int64_t)m->events.n - m->events_taken;
    return unlock(m, 0);
}

static int outbox_put_rows(Outbox *o, Ctx *cx, const OutboxRow *rows, size_t n) {
    Memory *m = lock_outbox(o);
    UNUSED(cx);
    for (size_t i = 0; i < n; i++)
        add_event(m, &rows[i]);
    return unlock(m, 0);
}

static const OutboxOps outbox_ops = {
    .name = "news",
    .take = outbox_take_rows,
    .done = outbox_done_rows,
    .depth = outbox_count,
    .put = outbox_put_rows,
};

static Outbox *outbox(ArticleStore *s) {
    return &((Memory *)s)->outbox;
}

static int describe(ArticleStore *s, Ctx *cx, ArticleStoreInfo *out) {
    Memory *m = lock(s);
    UNUSED(cx);
    *out = (ArticleStoreInfo){ .adapter = "memory",
                               .location = S("memory"),
                               .outbox = (int64_t)m->events.n - m->events_taken };
    for (size_t i = 0; i < m->items.n; i++) {
        const Item *it = m->items.v[i];
        if (it->gone)
            continue;
        out->n_articles++;
        out->n_copies += (int64_t)it->copies.n;
        out->n_scored += (int64_t)it->scores.n;
        out->newest.ms = MAX(out->newest.ms, it->a.published.ms);
    }
    return unlock(m, 0);
}

static int verify(ArticleStore *s, Ctx *cx) {
    UNUSED(s);
    UNUSED(cx);
    return 0;
}

static void close_store(ArticleStore *s) {
    Memory *m = (Memory *)s;
    for (size_t i = 0; i < m->items.n; i++) {
        vec_done(&m->items.v[i]->copies);
        vec_done(&m->items.v[i]->copy_ids);
        vec_done(&m->items.v[i]->scores);
    }
    vec_done(&m->items);
    vec_done(&m->state);
    vec_done(&m->events);
    arena_done(&m->arena);
    pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

static const ArticleStoreOps ops = {
    .name = "memory",
    .put = put,
    .get = get,
    .search = search,
    .score = score,
    .scores = scores,
    .copies = copies,
    .changes = changes,
    .sources = sources,
    .remove = remove_one,
    .expire = expire,
    .drop = drop,
    .state_get = state_get,
    .state_put = state_put,
    .outbox = outbox,
    .describe = describe,
    .verify = verify,
    .close = close_store,
};

ArticleStore *article_memory_new(void) {
    Memory *m = mem_new(Memory);
    m->store.ops = &ops;
    m->outbox.ops = &outbox_ops;
    pthread_mutex_init(&m->lock, NULL);
    return &m->store;
}
