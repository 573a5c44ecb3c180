/* cli/news.c - news: collect, list, search, show, sources, status; and how a text sounds. */

#include "api/news/news_api.h"
#include "api/sentiment/sentiment_api.h"
#include "cli/internal.h"
#include "core/marks.h"

typedef struct NewsIn {
    Str action, what, source, ticker, category, language, sentiment, since, order, cursor;
    Str older_than;
    Time from, to;
    List keyword;
    int64_t limit, keep;
    bool exact, force, content, archive, dry_run;
} NewsIn;

/* clang-format off */
static const char *const actions[] = { "list", "search", "show", "collect", "sources", "status", "remove", "retain", NULL };
static const char *const orders[] = { "best", "newest", "oldest", NULL };
static const char *const labels[] = { "positive", "negative", "neutral", NULL };
static const Field news_f[] = {
    FIELD(NewsIn, action, .def = "list", .choices = actions, .doc = "list, search, show, collect, sources, status, remove or retain."),
    FIELD(NewsIn, what, .max = 1024, .doc = "search: what to look for. show, remove: an id. collect: a source."),
    FIELD(NewsIn, source, .max = 1000, .doc = "Of this source; collect: several with commas.", .example = "coindesk"),
    FIELD(NewsIn, ticker, .max = 32, .doc = "That speak of it.", .example = "BTC"),
    FIELD(NewsIn, category, .max = 200, .doc = "That the source files under it."),
    FIELD(NewsIn, language, .max = 8, .doc = "In this language.", .example = "en"),
    FIELD(NewsIn, sentiment, .choices = labels, .doc = "That sound so."),
    FIELD(NewsIn, from, .doc = "Published at or after.", .example = "2024-01-01"),
    FIELD(NewsIn, to, .doc = "Published before."),
    FIELD(NewsIn, since, .max = 32, .doc = "Of the last 1h, 24h, 7d, month.", .example = "24h"),
    FIELD(NewsIn, keyword, .flags = F_REPEAT, .max = 32, .doc = "collect: only articles with one of these."),
    FIELD(NewsIn, order, .choices = orders, .doc = "best, newest or oldest first."),
    FIELD(NewsIn, limit, .def = "20", .min = 1, .max = 1000, .doc = "Articles at most."),
    FIELD(NewsIn, cursor, .max = 200, .doc = "The page behind the one that gave it."),
    FIELD(NewsIn, exact, .doc = "search: rank every match, not only the newest."),
    FIELD(NewsIn, content, .doc = "list, search with --json: with the whole text."),
    FIELD(NewsIn, older_than, .max = 32, .doc = "retain: what was published longer ago goes.", .example = "180d"),
    FIELD(NewsIn, keep, .has_min = true, .min = 0, .max = 1e12, .doc = "retain: so many stay, the newest; 0: any number."),
    FIELD(NewsIn, archive, .doc = "retain: append them to data.dir/archive before."),
    FIELD(NewsIn, dry_run, .doc = "retain: only count."),
    FIELD(NewsIn, force, .doc = "collect: ask a source that said it is too early, or gone."),
};
static SHAPE(news_shape, NewsIn, news_f);

typedef struct SentimentIn {
    Str text, title;
} SentimentIn;
static const Field sentiment_f[] = {
    FIELD(SentimentIn, text, .flags = F_REQUIRED, .max = 400000, .doc = "The text."),
    FIELD(SentimentIn, title, .max = 1000, .doc = "Its headline; counts twice."),
};
static SHAPE(sentiment_shape, SentimentIn, sentiment_f);
/* clang-format on */

static Tone label_tone(Str label) {
    return str_eq(label, S("positive")) ? TONE_GOOD : str_eq(label, S("negative")) ? TONE_BAD : TONE_DIM;
}

/* What articles carry must not write to the terminal: control characters go, marks become colours. */
static Str shown(Cli *c, Str marked, Tone tone) {
    Buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < marked.n; i++) {
        Str rest = str_from(marked, i);
        bool begin = str_starts(rest, S(MARK_BEGIN)), end = str_starts(rest, S(MARK_END));
        if (begin || end) {
            buf_put_str(&b, str_c(begin ? term_tone(c, tone) : term_end(c)));
            i += strlen(MARK_BEGIN) - 1;
        } else if ((unsigned char)marked.p[i] >= ' ' && marked.p[i] != 0x7f) {
            buf_put_c(&b, marked.p[i]);
        } else {
            buf_put_c(&b, ' ');
        }
    }
    Str out = str_dup(c->cx->arena, buf_str(&b));
    buf_done(&b);
    return out;
}

static Str joined(Arena *a, const List *l) {
    Str out = { 0 };
    for (size_t i = 0; i < l->n; i++)
        out = str_fmt(a, STR_FMT "%s" STR_FMT, STR_ARG(out), i ? " " : "", STR_ARG(((const Str *)l->v)[i]));
    return out;
}

static void print_article(Cli *c, const NewsRow *r) {
    Arena *a = c->cx->arena;
    const NewsSentimentRow *s = r->sentiment.n ? r->sentiment.v : NULL;
    fprintf(c->out, "%s" STR_FMT "%s  " STR_FMT, term_tone(c, TONE_DIM), STR_ARG(term_minute(a, r->published_at)),
            term_end(c), STR_ARG(shown(c, r->title_marked.n ? r->title_marked : r->title, TONE_ACCENT)));
    fprintf(c->out, "%s\n                  %s" STR_FMT "%s", cli_simulated(c, r->simulated), term_tone(c, TONE_DIM),
            STR_ARG(r->source), term_end(c));
    if (r->tickers.n)
        fprintf(c->out, "  " STR_FMT, STR_ARG(joined(a, &r->tickers)));
    if (s)
        fprintf(c->out, "  %s" STR_FMT " %+.2f%s", term_tone(c, label_tone(s->label)), STR_ARG(s->label), s->score,
                term_end(c));
    if (r->copies)
        fprintf(c->out, "  %s+%lld elsewhere%s", term_tone(c, TONE_DIM), (long long)r->copies, term_end(c));
    fprintf(c->out, "  %s" STR_FMT "%s\n", term_tone(c, TONE_DIM), STR_ARG(r->id), term_end(c));
    if (r->snippet.n)
        fprintf(c->out, "                  " STR_FMT "\n", STR_ARG(shown(c, r->snippet, TONE_ACCENT)));
}

static int find(Cli *c, ApiCaller *api, const NewsIn *in, bool search) {
    NewsListQuery q = { .q = in->what,
                        .source = in->source,
                        .ticker = in->ticker,
                        .category = in->category,
                        .language = in->language,
                        .sentiment = in->sentiment,
                        .start_date = in->from,
                        .end_date = in->to,
                        .time_range = in->since,
                        .order = in->order.n ? in->order
                                 : search    ? S("best")
                                             : S("newest"),
                        .exact = in->exact,
                        .content = in->content,
                        .limit = in->limit,
                        .cursor = in->cursor };
    NewsPageOut out = { 0 };
    int r = api_call(api, c->cx, search ? &op_news_search : &op_news_list, &q, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &news_page_shape, &out);
    const NewsRow *v = out.articles.v;
    for (size_t i = 0; i < out.articles.n; i++)
        print_article(c, &v[i]);
    if (c->quiet)
        return 0;
    fprintf(c->err, "%zu of %s" STR_FMT " articles, " STR_FMT "%s\n", out.articles.n,
            out.total_exact ? "" : "at least ", STR_ARG(term_count(c->cx->arena, out.total_count)),
            STR_ARG(term_ms(c->cx->arena, out.search_time_ms)),
            out.newest_only ? "; ranked among the newest 20,000 matches, --exact ranks all" : "");
    if (out.has_more)
        fprintf(c->err, "more: --cursor " STR_FMT "\n", STR_ARG(out.next_cursor));
    return 0;
}

static int show(Cli *c, ApiCaller *api, const NewsIn *in) {
    NewsRef ref = { in->what };
    NewsRow r = { 0 };
    int e = api_call(api, c->cx, &op_news_get, &ref, &r);
    if (e != 0)
        return cli_fail(c, e);
    if (c->json)
        return cli_print_json(c, &news_row_shape, &r);
    const NewsSentimentRow *s = r.sentiment.n ? r.sentiment.v : NULL;
    fprintf(c->out, "%s" STR_FMT "%s%s\n", term_tone(c, TONE_BOLD), STR_ARG(shown(c, r.title, TONE_PLAIN)), term_end(c),
            cli_simulated(c, r.simulated));
    cli_line(c, "published", STR_FMT "%s", STR_ARG(term_minute(c->cx->arena, r.published_at)),
             r.date_estimated ? " (first seen: the source gave no date)" : "");
    cli_line(c, "source", STR_FMT, STR_ARG(r.source));
    if (r.url.n)
        cli_line(c, "address", STR_FMT, STR_ARG(shown(c, r.url, TONE_PLAIN)));
    if (r.authors.n)
        cli_line(c, "by", STR_FMT, STR_ARG(shown(c, joined(c->cx->arena, &r.authors), TONE_PLAIN)));
    if (r.tickers.n)
        cli_line(c, "speaks of", STR_FMT, STR_ARG(joined(c->cx->arena, &r.tickers)));
    if (s)
        cli_line(c, "sounds", STR_FMT " %+.2f (" STR_FMT ", confidence %.2f)", STR_ARG(s->label), s->score,
                 STR_ARG(s->model), s->confidence);
    if (r.copies)
        cli_line(c, "elsewhere", "%lld times", (long long)r.copies);
    fprintf(c->out, "\n" STR_FMT "\n", STR_ARG(shown(c, r.content.n ? r.content : r.summary, TONE_PLAIN)));
    return 0;
}

static Str run_words(Arena *a, const NewsSourceRun *s) {
    if (s->error.n)
        return s->error;
    if (s->early)
        return str_fmt(a, "too early to ask again, by " STR_FMT, STR_ARG(term_ms(a, (double)s->wait_ms)));
    if (s->gone)
        return S("gone for good (410); --force asks again");
    if (s->unchanged)
        return S("nothing new since last time");
    return s->simulated ? S("SIMULATED") : S("");
}

static void show_sources_run(Cli *c, const NewsCollectResponse *out) {
    static const char *const heads[] = { "source",     ">items", ">new", ">changed", ">known",
                                         ">near-same", ">time",  "",     NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    const NewsSourceRun *v = out->sources.v;
    for (size_t i = 0; i < out->sources.n; i++) {
        table_cell(&t, v[i].source, TONE_BOLD);
        table_cell(&t, term_count(a, v[i].items), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].added), v[i].added ? TONE_GOOD : TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].changed), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].known), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].near_same), TONE_PLAIN);
        table_cell(&t, term_ms(a, (double)v[i].took_ms), TONE_PLAIN);
        table_cell(&t, run_words(a, &v[i]), v[i].error.n ? TONE_BAD : v[i].simulated ? TONE_WARN : TONE_DIM);
    }
    table_print(&t, c);
}

static int collect(Cli *c, ApiCaller *api, const NewsIn *in) {
    NewsCollectRequest q = { .source = in->source.n ? in->source : in->what,
                             .keywords = in->keyword,
                             .max_articles = 1000,
                             .time_range = in->since,
                             .force = in->force };
    NewsCollectResponse out = { 0 };
    Progress p;
    progress_init(&p, c, "asking the sources", "articles");
    progress_update(&p, 0, 0, 0);
    int r = api_call(api, c->cx, &op_news_collect, &q, &out);
    progress_end(&p);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json) {
        r = cli_print_json(c, &news_collect_response_shape, &out);
        return out.success ? r : err_info(ERR_COLLECTION)->exit_code;
    }
    show_sources_run(c, &out);
    if (!out.success)
        return cli_fail(c, err_set(c->cx, ERR_COLLECTION, STR_FMT, STR_ARG(out.message)));
    if (!c->quiet)
        fprintf(c->err, STR_FMT "\n", STR_ARG(out.message));
    return 0;
}

static int sources(Cli *c, ApiCaller *api) {
    static const char *const heads[] = { "source", "state", ">articles", "newest", "asked", "", NULL };
    NewsSourceList out = { 0 };
    Arena *a = c->cx->arena;
    int r = api_call(api, c->cx, &op_news_sources, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &news_source_list_shape, &out);
    Table t;
    table_init(&t, a, heads);
    const NewsSourceRow *v = out.sources.v;
    for (size_t i = 0; i < out.sources.n; i++) {
        bool bad = v[i].failures > 0 || v[i].gone;
        table_cell(&t, v[i].source, TONE_BOLD);
        table_cell(&t,
                   v[i].gone       ? S("gone")
                   : !v[i].enabled ? S("off")
                   : bad           ? S("failing")
                                   : S("on"),
                   bad ? TONE_BAD : TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].articles), TONE_PLAIN);
        table_cell(&t, v[i].newest.ms ? term_minute(a, v[i].newest) : S("-"), TONE_PLAIN);
        table_cell(&t, v[i].asked_at.ms ? term_minute(a, v[i].asked_at) : S("never"), TONE_PLAIN);
        table_cell(&t, v[i].error.n ? v[i].error : v[i].url, TONE_DIM);
    }
    table_print(&t, c);
    return 0;
}

static int status(Cli *c, ApiCaller *api) {
    NewsStatus s = { 0 };
    Arena *a = c->cx->arena;
    int r = api_call(api, c->cx, &op_news_status, NULL, &s);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &news_status_shape, &s);
    cli_line(c, "articles", STR_FMT " in " STR_FMT, STR_ARG(term_count(a, s.articles)),
             STR_ARG(term_bytes(a, s.bytes)));
    cli_line(c, "copies", STR_FMT, STR_ARG(term_count(a, s.copies)));
    cli_line(c, "scores", STR_FMT, STR_ARG(term_count(a, s.scored)));
    cli_line(c, "sources", "%lld, of them %lld failing", (long long)s.sources, (long long)s.failing);
    cli_line(c, "untold events", "%lld", (long long)s.outbox);
    return 0;
}

static int remove_one(Cli *c, ApiCaller *api, const NewsIn *in) {
    NewsRef ref = { in->what };
    NewsRemoved out = { 0 };
    int r = api_call(api, c->cx, &op_news_remove, &ref, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &news_removed_shape, &out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.message));
    return 0;
}

static int retain(Cli *c, ApiCaller *api, const NewsIn *in) {
    NewsRetainRequest q = { in->older_than, in->keep, in->archive, in->dry_run };
    NewsRetainResponse out = { 0 };
    int r = api_call(api, c->cx, &op_news_retain, &q, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &news_retain_response_shape, &out);
    fprintf(c->out, STR_FMT "; %lld are left\n", STR_ARG(out.message), (long long)out.left);
    if (out.held && !c->quiet)
        fprintf(c->err, "%lld stay until the events that speak of them are told\n", (long long)out.held);
    return 0;
}

static int run_news(Cli *c, const void *in_) {
    const NewsIn *in = in_;
    ApiCaller *api;
    bool wants = str_eq(in->action, S("search")) || str_eq(in->action, S("show")) || str_eq(in->action, S("remove"));
    if (wants && !in->what.n)
        return cli_fail(c, err_set_at(c->cx, ERR_USAGE, S("what"), "news " STR_FMT " needs %s", STR_ARG(in->action),
                                      str_eq(in->action, S("search")) ? "words to look for" : "an article's id"));
    int r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);
    if (str_eq(in->action, S("collect")))
        return collect(c, api, in);
    if (str_eq(in->action, S("sources")))
        return sources(c, api);
    if (str_eq(in->action, S("status")))
        return status(c, api);
    if (str_eq(in->action, S("show")))
        return show(c, api, in);
    if (str_eq(in->action, S("remove")))
        return remove_one(c, api, in);
    if (str_eq(in->action, S("retain")))
        return retain(c, api, in);
    return find(c, api, in, str_eq(in->action, S("search")));
}

const Command cmd_news = {
    .name = "news",
    .group = "Data",
    .summary = "Articles: collect, list, search, show, sources, status, retain",
    .run = run_news,
    .help =
        "Searches take words (all of them), \"phrases\", begin*, OR, -without, title:word and (groups). Articles are "
        "stored once, whoever brings them; each is read for how it sounds by lexicon-1 when a server runs.",
    .examples = "finsight news collect coindesk  # ask one source now\n"
                "finsight news search '\"interest rate\" bitcoin -etf' --since 7d\n"
                "finsight news list --ticker BTC --limit 5 --json\n"
                "finsight news retain --older-than 180d --archive --dry-run\n"
                "finsight news sources",
    .flags = &news_shape,
    .positional = (const char *const[]){ "action", "what", NULL },
};

/* --- sentiment --- */

static int run_sentiment(Cli *c, const void *in_) {
    const SentimentIn *in = in_;
    ApiCaller *api;
    SentimentQuery q = { in->title, in->text };
    SentimentAnswer s = { 0 };
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_sentiment_analyze, &q, &s);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &sentiment_answer_shape, &s);
    fprintf(c->out, "%s" STR_FMT "%s %+.2f  %s(" STR_FMT ", confidence %.2f)%s\n", term_tone(c, label_tone(s.label)),
            STR_ARG(s.label), term_end(c), s.score, term_tone(c, TONE_DIM), STR_ARG(s.model), s.confidence,
            term_end(c));
    const SentimentWhy *why = s.why.v;
    for (size_t i = 0; i < s.why.n; i++)
        fprintf(c->out, "  %+5.2f  " STR_FMT "%s%s\n", why[i].weight, STR_ARG(shown(c, why[i].words, TONE_PLAIN)),
                why[i].negated ? "  (negated)" : "", why[i].in_title ? "  (headline)" : "");
    return 0;
}

const Command cmd_sentiment = {
    .name = "sentiment",
    .group = "Data",
    .summary = "How a text about money sounds, and which words decided",
    .run = run_sentiment,
    .help = "The reader of this build is lexicon-1: weighed words and phrases, negation, emphasis. Small, and every "
            "judgement "
            "can be checked by hand; docs/news.md says how good it is.",
    .examples = "finsight sentiment 'Shares did not fall after the profit warning'",
    .flags = &sentiment_shape,
    .positional = (const char *const[]){ "text", NULL },
};
