/* api/news/live.c - see live.h. A message is written on the committing thread, once, if anybody listens. */

#include "api/news/live.h"

#include "api/news/handlers.h"

enum { MESSAGE_MAX = 128 << 10 };

static void tell(NewsLive *l, Buf *text, Str source, StrList tickers) {
    if (buf_ok(text))
        l->ear.heard(l->ear.arg, &(LiveNews){ source, tickers, buf_str(text) });
}

static void tell_article(NewsLive *l, const Article *a, const ArticlePut *fate) {
    Arena arena = { 0 };
    Ctx cx = { .arena = &arena };
    Buf text;
    JsonWriter w;
    Article short_one = *a;
    short_one.text = (Str){ 0 };
    NewsRow row = news_api_row(&cx, &(ArticleHit){ .article = short_one });
    buf_init(&text, MESSAGE_MAX);
    json_writer_init(&w, &text, false);
    json_object(&w);
    json_put_str(&w, "type", fate->fate == ARTICLE_NEW ? S("article") : S("correction"));
    json_put_str(&w, "channel", S("news"));
    json_put_i64(&w, "seq", fate->revision);
    json_key(&w, S("article"));
    shape_write(&news_row_shape, &w, &row);
    json_object_end(&w);
    tell(l, &text, a->source, a->tickers);
    buf_done(&text);
    arena_done(&arena);
}

static void tell_score(NewsLive *l, Str id, const ArticleSentiment *s) {
    Buf text;
    JsonWriter w;
    buf_init(&text, MESSAGE_MAX);
    json_writer_init(&w, &text, false);
    json_object(&w);
    json_put_str(&w, "type", S("score"));
    json_put_str(&w, "channel", S("news"));
    json_put_str(&w, "id", id);
    json_put_str(&w, "model", s->model);
    json_put_str(&w, "label", s->label);
    json_put_f64(&w, "score", s->score);
    json_put_f64(&w, "confidence", s->confidence);
    json_object_end(&w);
    tell(l, &text, (Str){ 0 }, (StrList){ 0 });
    buf_done(&text);
}

static void on_commit(void *arg, const ArticleCommit *c) {
    NewsLive *l = arg;
    if (!l->ear.wanted(l->ear.arg))
        return;
    if (c->score)
        tell_score(l, c->v[0].id, c->score);
    for (size_t i = 0; !c->score && i < c->n; i++)
        if (c->fates[i].fate == ARTICLE_NEW || c->fates[i].fate == ARTICLE_CHANGED)
            tell_article(l, &c->v[i], &c->fates[i]);
}

static void listen(void *role, const LiveNewsEar *ear) {
    NewsLive *l = role;
    article_store_unwatch(news_store(l->news), &l->watch);
    l->watch = (ArticleStoreWatch){ .heard = on_commit, .arg = l };
    if (!ear)
        return;
    l->ear = *ear;
    article_store_watch(news_store(l->news), &l->watch);
}

void news_live_init(NewsLive *l, NewsService *news, LiveNewsSource *out) {
    *l = (NewsLive){ .news = news };
    *out = (LiveNewsSource){ .role = l, .listen = listen };
}
