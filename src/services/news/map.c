/* services/news/map.c - what feeds and search engines say, as articles. */

#include "services/news/internal.h"

#include "core/article_url.h"
#include "core/marks.h"
#include "core/ticker_tag.h"

/* "en-US" and "en_gb" are English; what is longer than a tag is no language. */
static Str language_of(Ctx *cx, Str a, Str b, Str c) {
    Str l = str_trim(a.n ? a : b.n ? b : c);
    size_t n = 0;
    while (n < l.n && ((l.p[n] | 32) >= 'a' && (l.p[n] | 32) <= 'z'))
        n++;
    return n >= 2 && n <= 3 ? str_lower(cx->arena, str_first(l, n)) : (Str){ 0 };
}

/* Finishes what map_item and map_hit began: address, tags, id. False: neither title nor summary. */
static bool finish(Ctx *cx, Article *a) {
    Str url;
    if (!article_url_canonical(cx->arena, a->url, &url))
        url = (Str){ 0 };
    a->url = url;
    article_clip(a, cx->arena);
    a->tickers = ticker_tag(cx->arena, a->title, a->text.n ? a->text : a->summary);
    return a->title.n > 0 || a->summary.n > 0;
}

/* A date that is not told is that of the first sight; one more than a day ahead is a mistake. */
static void date(Article *a, bool told, Time published, Time now) {
    bool good = told && published.ms <= now.ms + MS_PER_DAY && !time_before(published, TIME_ISO_MIN);
    a->published = good ? published : now;
    a->date_estimated = !good;
}

bool news_article(Ctx *cx, const NewsSource *src, const Feed *feed, const FeedItem *item, Time now, bool simulated,
                  Article *out) {
    Arena *a = cx->arena;
    Article art = { .guid = item->id,
                    .url = item->url.n ? item->url : item->id,
                    .source = src->name,
                    .title = feed_text_plain(a, item->title),
                    .summary = feed_text_plain(a, item->summary),
                    .text = feed_text_plain(a, item->content),
                    .language = language_of(cx, item->language, feed->language, src->language),
                    .image_url = item->image,
                    .collected = now,
                    .known_at = now,
                    .simulated = simulated };
    if (str_eq(art.text, art.summary))
        art.text = (Str){ 0 };
    date(&art, item->has_published || item->has_updated, item->has_published ? item->published : item->updated, now);
    art.authors = (StrList){ item->authors, item->n_authors };
    art.categories.v = arena_new_n(a, Str, MAX(item->n_tags, 1));
    for (size_t i = 0; i < item->n_tags; i++)
        art.categories.v[art.categories.n++] = item->tags[i].label.n ? item->tags[i].label : item->tags[i].term;
    *out = art;
    return finish(cx, out);
}

bool news_article_of_hit(Ctx *cx, Str engine, const NewsSearchHit *hit, Time now, bool simulated, Article *out) {
    *out = (Article){ .url = hit->url,
                      .source = engine,
                      .title = hit->title,
                      .summary = hit->content,
                      .text = hit->raw_content,
                      .collected = now,
                      .known_at = now,
                      .simulated = simulated };
    date(out, hit->has_published, hit->published, now);
    return finish(cx, out);
}

/* --- filters (NWS-14) --- */

static bool has_keyword(const ParsedQuery *q, const Article *a) {
    const Str texts[] = { a->title, a->summary, a->text };
    const QueryNode *term = q->root;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (marks_count(term, texts[i]))
            return true;
    for (size_t i = 0; i < a->categories.n; i++)
        if (marks_count(term, a->categories.v[i]))
            return true;
    return false;
}

bool news_passes(const NewsCollect *q, const ParsedQuery *keywords, size_t n, const Article *a) {
    if ((q->from.ms && time_before(a->published, q->from)) || (q->to.ms && !time_before(a->published, q->to)))
        return false;
    bool any = n == 0;
    for (size_t i = 0; i < n && !any; i++)
        any = has_keyword(&keywords[i], a);
    return any;
}

int news_time_range(Ctx *cx, Str text, Time now, Time *from, Time *to) {
    static const struct {
        Str name;
        int64_t ms;
    } names[] = { { STR_INIT("hour"), MS_PER_HOUR },
                  { STR_INIT("day"), MS_PER_DAY },
                  { STR_INIT("week"), 7 * (int64_t)MS_PER_DAY },
                  { STR_INIT("month"), 30 * (int64_t)MS_PER_DAY },
                  { STR_INIT("year"), 365 * (int64_t)MS_PER_DAY } };
    int64_t ms = 0;
    *from = *to = time_ms(0);
    text = str_trim(text);
    if (text.n == 0 || str_eq_nocase(text, S("all")))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(text, names[i].name))
            ms = names[i].ms;
    if (ms == 0 && (!duration_parse_ms(text, &ms) || ms <= 0 || ms > 100 * 365 * (int64_t)MS_PER_DAY))
        return err_set_at(cx, ERR_INVALID, S("time_range"),
                          "'" STR_FMT "' is no time range: write 1h, 24h, 7d, 30d, or hour, day, week, month, year",
                          STR_ARG(text));
    from->ms = MAX(now.ms - ms, INT64_C(1));
    to->ms = now.ms + MS_PER_DAY + 1; /* clocks of sources run ahead */
    return 0;
}
