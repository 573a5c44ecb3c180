/* services/news/tell.c - storing with events in the commit (NWS-05), and hearing of scores (NWS-06, FLW-15, FLW-21).
 *
 * news_collected is told for at most EVENT_ARTICLES new articles at a time, with their words: who reads them need not ask
 * back. Its id is made of the collection and the first article, so a commit that is tried again tells the same.
 *
 * A score event has its effect by the store's rule of one score an article and model, so hearing it twice is hearing it
 * once; news_collection_completed then goes out under an id made of the event's. */

#include "services/news/internal.h"

#include "base/json.h"
#include "core/event_schema.h"

enum {
    PUT_BATCH = 200,
    EVENT_ARTICLES = 20,    /* × (title + summary + EVENT_TEXT) stays below EVENT_BODY_MAX */
    EVENT_TEXT = 16 * 1000, /* of an article's text: more does not change how it sounds */
    RESULTS_MAX = 1000,
};

/* --- telling --- */

typedef struct Telling {
    NewsService *s;
    Str source, job_id;
    const Article *v; /* the batch */
} Telling;

static Str body_of(Ctx *cx, const Telling *t, const ArticlePut *fates, const size_t *chosen, size_t n) {
    Buf b;
    JsonWriter w;
    buf_init(&b, EVENT_BODY_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_i64(&w, "articles_count", (int64_t)n);
    json_put_str(&w, "source", t->source);
    json_put_time(&w, "collection_time", clock_wall(cx->clock));
    json_put_str(&w, "job_id", t->job_id);
    json_key(&w, S("article_ids"));
    json_array(&w);
    for (size_t i = 0; i < n; i++)
        json_str(&w, fates[chosen[i]].id);
    json_array_end(&w);
    json_key(&w, S("articles"));
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        const Article *a = &t->v[chosen[i]];
        Str text = a->text;
        while (text.n > EVENT_TEXT) { /* at the end of a word */
            text.n = EVENT_TEXT;
            while (text.n && text.p[text.n - 1] != ' ')
                text.n--;
        }
        json_object(&w);
        json_put_str(&w, "id", a->id);
        json_put_str(&w, "title", a->title);
        json_put_str(&w, "summary", a->summary);
        json_put_str(&w, "text", text);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    Str out = str_dup(cx->arena, buf_str(&b));
    assert(buf_ok(&b));
    buf_done(&b);
    return out;
}

static OutboxRow row_of(Ctx *cx, Str type, Str id, Str body, Str correlation) {
    OutboxRow row = { .exchange = BUS_EVENTS,
                      .event = { .id = id,
                                 .type = type,
                                 .key = S("news"),
                                 .correlation_id = correlation,
                                 .source = S("news"),
                                 .version = 1,
                                 .at = clock_wall(cx->clock),
                                 .priority = 4,
                                 .body = body } };
    row.routing_key = event_routing_key(cx->arena, &row.event);
    return row;
}

/* An ArticleEventsFn. */
static int tell_new(void *arg, Ctx *cx, const ArticlePut *fates, size_t n, OutboxRow *out, size_t *n_out) {
    const Telling *t = arg;
    size_t chosen[EVENT_ARTICLES], m = 0;
    *n_out = 0;
    for (size_t i = 0; i <= n; i++) {
        if (m == EVENT_ARTICLES || (i == n && m > 0)) {
            Str id = str_fmt(cx->arena, "news_collected:" STR_FMT ":" STR_FMT, STR_ARG(t->job_id),
                             STR_ARG(t->v[chosen[0]].id));
            out[(*n_out)++] = row_of(cx, S("news_collected"), id, body_of(cx, t, fates, chosen, m), t->job_id);
            m = 0;
        }
        if (i < n && fates[i].fate == ARTICLE_NEW)
            chosen[m++] = i;
    }
    return 0;
}

int news_store_all(NewsService *s, Ctx *cx, Str source, Str job_id, Article *v, size_t n, NewsSourceResult *out) {
    ArticlePut fates[PUT_BATCH];
    Article batch[PUT_BATCH];
    for (size_t left = n; left > 0;) { /* v is newest first: the oldest go in first */
        size_t m = MIN(left, (size_t)PUT_BATCH);
        for (size_t i = 0; i < m; i++)
            batch[i] = v[left - 1 - i];
        Telling t = { s, source, job_id, batch };
        ArticlePutRequest req = {
            .v = batch, .n = m, .keep_near = !s->o.near_same, .events = tell_new, .events_arg = &t
        };
        pthread_mutex_lock(&s->storing);
        int r = article_store_put(s->o.store, cx, &req, fates);
        pthread_mutex_unlock(&s->storing);
        if (r)
            return r;
        int64_t *counts[ARTICLE_FATES] = { &out->n_new, &out->n_changed, &out->n_known, &out->n_near };
        for (size_t i = 0; i < m; i++) {
            ++*counts[fates[i].fate];
            counter_inc(s->collected[fates[i].fate]);
        }
        left -= m;
    }
    return 0;
}

/* --- hearing --- */

static int read_result(JsonReader *r, Str *id, ArticleSentiment *s) {
    Str key;
    int more;
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0) {
        if (str_eq(key, S("id")))
            json_read_str(r, id);
        else if (str_eq(key, S("label")))
            json_read_str(r, &s->label);
        else if (str_eq(key, S("model")))
            json_read_str(r, &s->model);
        else if (str_eq(key, S("score")))
            json_read_f64(r, &s->score);
        else if (str_eq(key, S("confidence")))
            json_read_f64(r, &s->confidence);
        else
            json_skip(r);
    }
    return more;
}

static bool sound(Str id, const ArticleSentiment *s) {
    bool label = str_eq(s->label, S("positive")) || str_eq(s->label, S("negative")) || str_eq(s->label, S("neutral"));
    return article_id_valid(id) && label && s->model.n > 0 && s->model.n <= ARTICLE_NAME_MAX && s->score >= -1 &&
           s->score <= 1 && s->confidence >= 0 && s->confidence <= 1;
}

/* One by one: each is its own commit, and the ones before stay when a later one is no good. */
static int take_results(NewsService *s, Ctx *cx, JsonReader *r, Str model, Time at, int64_t *n_done) {
    json_open_array(r);
    while (json_array_next(r) > 0) {
        Str id = { 0 };
        ArticleSentiment score = { .model = model, .at = at };
        bool changed;
        if (read_result(r, &id, &score) < 0)
            break;
        if (!sound(id, &score))
            return err_set(cx, ERR_INVALID, "a score of article '" STR_FMT "' makes no sense", STR_ARG(id));
        int e = news_score(s, cx, id, &score, &changed);
        if (e == ERR_NOT_FOUND) /* removed since, or never ours (FLW-15) */
            LOG_WARNING(s->o.log, cx, S("a score for an article that is not stored"), F_STR("id", id));
        else if (e)
            return e;
        ++*n_done;
    }
    return r->err ? err_set(cx, ERR_INVALID, "the scores are not what they should be: %s", r->why) : 0;
}

/* The documents' handle_sentiment_result, and the last word of a collection. */
int news_on_sentiment(void *service, Ctx *cx, const Delivery *d) {
    NewsService *s = service;
    JsonReader r;
    Str key, model = { 0 }, job = { 0 };
    int64_t n = 0;
    int e = 0;
    event_body_text(cx->arena, d->event.body, S("model"), &model);
    event_body_text(cx->arena, d->event.body, S("job_id"), &job);
    json_reader_init(&r, d->event.body, cx->arena, 8);
    json_open_object(&r);
    while (e == 0 && json_object_next(&r, &key) > 0)
        if (str_eq(key, S("results")))
            e = take_results(s, cx, &r, model, d->event.at, &n);
    if (e == 0 && r.err)
        e = err_set(cx, ERR_INVALID, "the event's body: %s", r.why);
    if (e)
        return e;
    LOG_INFO(s->o.log, cx, S("Updated sentiment scores"), F_I64("articles", n), F_STR("job_id", job));
    Str body = str_fmt(cx->arena, "{\"articles_count\":%lld,\"job_id\":\"" STR_FMT "\"}", (long long)n,
                       STR_ARG(uuid_valid(job) ? job : S("")));
    OutboxRow row =
        row_of(cx, S("news_collection_completed"),
               str_fmt(cx->arena, "news_collection_completed:" STR_FMT, STR_ARG(str_first(d->event.id, 150))), body,
               d->event.correlation_id);
    return outbox_put(article_store_outbox(s->o.store), cx, &row, 1);
}

int news_score(NewsService *s, Ctx *cx, Str id, const ArticleSentiment *score, bool *changed) {
    int r = article_store_score(s->o.store, cx, id, score);
    *changed = r == 0;
    counter_inc(r == 0 ? s->scored : r == ARTICLE_SCORED ? s->scored_again : NULL);
    if (r == ARTICLE_NO_SUCH)
        return err_set_at(cx, ERR_NOT_FOUND, S("id"), "no article '" STR_FMT "' is stored", STR_ARG(id));
    return MIN(r, 0);
}
