/* api/news/shapes.c - field tables of the news records; see shapes.h. */

#include "api/news/shapes.h"

static const char *const orders[] = { "best", "newest", "oldest", NULL };
static const char *const labels[] = { "positive", "negative", "neutral", NULL };
static const char *const topics[] = { "general", "news", "finance", NULL };

/* clang-format off */
static const Field sentiment_f[] = {
    FIELD(NewsSentimentRow, model, .doc = "Who read it: name and version.", .example = "lexicon-1"),
    FIELD(NewsSentimentRow, label, .choices = labels, .doc = "How it sounds."),
    FIELD(NewsSentimentRow, score, .has_min = true, .min = -1, .max = 1, .doc = "-1 bad to 1 good."),
    FIELD(NewsSentimentRow, confidence, .has_min = true, .min = 0, .max = 1, .doc = "0 to 1; of lexicon-1 no probability."),
    FIELD(NewsSentimentRow, analyzed_at, .doc = "When it was read."),
};
static SHAPE(sentiment_shape, NewsSentimentRow, sentiment_f, .doc = "What a model made of an article.");

static const Field row_f[] = {
    FIELD(NewsRow, id, .doc = "The article's id.", .example = "0f343b0931126a20f133d67c2b018a3b"),
    FIELD(NewsRow, title, .doc = "Headline."),
    FIELD(NewsRow, content, .flags = F_OMIT_EMPTY, .max = 1e6, .doc = "The whole text, where the source gives it and it was asked for."),
    FIELD(NewsRow, summary, .max = 1e5, .doc = "What the source says in short."),
    FIELD(NewsRow, source, .doc = "Where it was collected."),
    FIELD(NewsRow, published_at, .doc = "When the source says it was published; see date_estimated."),
    FIELD(NewsRow, url, .doc = "Address, without tracking parameters."),
    FIELD(NewsRow, tags, .doc = "The source's own categories."),
    FIELD(NewsRow, tickers, .doc = "Coins and companies it speaks of."),
    FIELD(NewsRow, authors, .flags = F_OMIT_EMPTY, .doc = "Who wrote it."),
    FIELD(NewsRow, language, .flags = F_OMIT_EMPTY, .doc = "Language, where it is known."),
    FIELD(NewsRow, image_url, .flags = F_OMIT_EMPTY, .doc = "A picture that stands for it."),
    FIELD(NewsRow, collected_at, .doc = "When it was first stored."),
    FIELD(NewsRow, known_at, .doc = "When its present words were learnt."),
    FIELD(NewsRow, date_estimated, .flags = F_OMIT_EMPTY, .doc = "The source gave no date: it is that of the first sight."),
    FIELD(NewsRow, simulated, .flags = F_OMIT_EMPTY, .doc = "Made by a simulator: nobody published it."),
    FIELD(NewsRow, copies, .flags = F_OMIT_EMPTY, .doc = "Articles elsewhere with nearly these words, or this address."),
    FIELD(NewsRow, sentiment, .of = &sentiment_shape, .doc = "The newest score; empty: nobody has read it yet."),
    FIELD(NewsRow, score, .flags = F_OMIT_EMPTY, .doc = "Of a search: how well it answers, BM25 with the news' age."),
    FIELD(NewsRow, title_marked, .flags = F_OMIT_EMPTY, .doc = "Of a search: the title, found words between U+E000 and U+E001."),
    FIELD(NewsRow, snippet, .flags = F_OMIT_EMPTY, .max = 1e5, .doc = "Of a search: the place that shows most found words, marked so."),
};
SHAPE(news_row_shape, NewsRow, row_f, .doc = "An article (the documents' NewsArticle).");

#define FILTERS                                                                                                        \
    FIELD(NewsListQuery, source, .max = 64, .doc = "Of this source.", .example = "coindesk"),                          \
    FIELD(NewsListQuery, ticker, .max = 32, .doc = "That speak of it: BTC, $btc, bitcoin.", .example = "BTC"),         \
    FIELD(NewsListQuery, category, .rename = "tag", .max = 200, .doc = "That the source files under it.", .example = "Markets"), \
    FIELD(NewsListQuery, language, .max = 8, .doc = "In this language.", .example = "en"),                             \
    FIELD(NewsListQuery, sentiment, .choices = labels, .doc = "Whose newest score says so."),                          \
    FIELD(NewsListQuery, start_date, .rename = "from", .doc = "Published at or after.", .example = "2024-01-01"),      \
    FIELD(NewsListQuery, end_date, .rename = "to", .doc = "Published before.", .example = "2024-02-01"),               \
    FIELD(NewsListQuery, time_range, .max = 32, .doc = "Instead of dates: 1h, 24h, 7d, month.", .example = "24h"),     \
    FIELD(NewsListQuery, known_by, .doc = "Only what was known at that time, in the words of then."),                  \
    FIELD(NewsListQuery, no_simulated, .doc = "Leave out what a simulator made."),                                     \
    FIELD(NewsListQuery, content, .doc = "With the whole text."),                                                      \
    FIELD(NewsListQuery, limit, .def = "20", .min = 1, .max = 1000, .doc = "Articles a page."),                        \
    FIELD(NewsListQuery, offset, .has_min = true, .min = 0, .max = 100000, .doc = "Leave out so many; cursors are cheaper."), \
    FIELD(NewsListQuery, cursor, .max = 200, .doc = "The page behind the one that gave it as next_cursor.")

static const Field list_f[] = {
    FIELD(NewsListQuery, q, .rename = "keyword", .max = 1024, .doc = "With these words; see the search.", .example = "rate cut"),
    FIELD(NewsListQuery, order, .def = "newest", .choices = orders, .doc = "Newest or oldest first, or best answer first."),
    FIELD(NewsListQuery, exact, .doc = "Rank and count every match, however many."),
    FILTERS,
};
SHAPE(news_list_query_shape, NewsListQuery, list_f, .doc = "Which articles.");

static const Field search_f[] = {
    FIELD(NewsListQuery, q, .flags = F_REQUIRED, .rename = "query", .max = 1024, .doc = "Words, \"phrases\", begin*, OR, -without, title:word, (groups).", .example = "\"interest rate\" bitcoin -etf"),
    FIELD(NewsListQuery, order, .def = "best", .choices = orders, .doc = "Best answer first, or by date."),
    FIELD(NewsListQuery, exact, .doc = "Rank and count every match, however many."),
    FILTERS,
};
SHAPE(news_search_query_shape, NewsListQuery, search_f, .doc = "What to look for.");

static const Field page_f[] = {
    FIELD(NewsPageOut, count, .doc = "Articles of this page."),
    FIELD(NewsPageOut, articles, .of = &news_row_shape, .doc = "In the order asked for."),
    FIELD(NewsPageOut, total_count, .doc = "Articles that match; at least so many when total_exact is false."),
    FIELD(NewsPageOut, total_exact, .doc = "total_count is all of them."),
    FIELD(NewsPageOut, has_more, .doc = "There is a next page."),
    FIELD(NewsPageOut, newest_only, .doc = "More than 20,000 match: the 20,000 stored last were ranked. exact=true ranks all."),
    FIELD(NewsPageOut, next_cursor, .flags = F_OMIT_EMPTY, .doc = "Of the next page."),
    FIELD(NewsPageOut, search_time_ms, .doc = "Time this took, measured."),
};
SHAPE(news_page_shape, NewsPageOut, page_f, .doc = "A page of articles.");

static const Field ref_f[] = {
    FIELD(NewsRef, id, .flags = F_REQUIRED, .pattern = "id", .doc = "The article's id.", .example = "0f343b0931126a20f133d67c2b018a3b"),
};
SHAPE(news_ref_shape, NewsRef, ref_f, .doc = "An article.");

static const Field collect_f[] = {
    FIELD(NewsCollectRequest, source, .max = 1000, .doc = "One source, or several with commas; left out: all that are on.", .example = "coindesk"),
    FIELD(NewsCollectRequest, keywords, .max = 32, .doc = "Only articles with one of these words or phrases."),
    FIELD(NewsCollectRequest, max_articles, .def = "1000", .rename = "limit", .min = 1, .max = 1000, .doc = "The newest so many, of all sources together."),
    FIELD(NewsCollectRequest, time_range, .max = 32, .doc = "Only articles of the last 1h, 24h, 7d, month.", .example = "24h"),
    FIELD(NewsCollectRequest, force, .doc = "Ask a source that said it is too early, or gone."),
};
SHAPE(news_collect_request_shape, NewsCollectRequest, collect_f, .doc = "What to collect (the documents' NewsCollectionRequest).");

static const Field run_f[] = {
    FIELD(NewsSourceRun, source, .doc = "The source."),
    FIELD(NewsSourceRun, items, .doc = "Items in its feed."),
    FIELD(NewsSourceRun, passed, .doc = "Of them within the filters."),
    FIELD(NewsSourceRun, added, .doc = "New articles."),
    FIELD(NewsSourceRun, changed, .doc = "Articles with corrected words."),
    FIELD(NewsSourceRun, known, .doc = "Known ones."),
    FIELD(NewsSourceRun, near_same, .doc = "Nearly the same as known ones of others."),
    FIELD(NewsSourceRun, unchanged, .flags = F_OMIT_EMPTY, .doc = "The source says that nothing is new (304)."),
    FIELD(NewsSourceRun, early, .flags = F_OMIT_EMPTY, .doc = "Not asked: too early by its own word or our rate."),
    FIELD(NewsSourceRun, wait_ms, .flags = F_OMIT_EMPTY, .doc = "How much too early."),
    FIELD(NewsSourceRun, gone, .flags = F_OMIT_EMPTY, .doc = "It said that it will not be back (410); it is asked no more without `force`."),
    FIELD(NewsSourceRun, simulated, .flags = F_OMIT_EMPTY, .doc = "A simulator answered."),
    FIELD(NewsSourceRun, error, .flags = F_OMIT_EMPTY, .doc = "Why it could not be read."),
    FIELD(NewsSourceRun, took_ms, .doc = "Time it took."),
};
static SHAPE(run_shape, NewsSourceRun, run_f, .doc = "What became of one source.");

static const Field collected_f[] = {
    FIELD(NewsCollectResponse, success, .doc = "At least one source was read."),
    FIELD(NewsCollectResponse, message, .doc = "In words: \"Collected 12 articles\", or \"Error: \" and why."),
    FIELD(NewsCollectResponse, articles_collected, .doc = "New and corrected articles."),
    FIELD(NewsCollectResponse, job_id, .doc = "Of this collection, in its events; empty when it failed."),
    FIELD(NewsCollectResponse, sources, .of = &run_shape, .doc = "Each source."),
};
SHAPE(news_collect_response_shape, NewsCollectResponse, collected_f, .doc = "A collection (the documents' NewsCollectionResult).");

static const Field source_f[] = {
    FIELD(NewsSourceRow, source, .doc = "Its name."),
    FIELD(NewsSourceRow, url, .doc = "Its feed; empty: articles are stored of it, but it is not configured."),
    FIELD(NewsSourceRow, language, .flags = F_OMIT_EMPTY, .doc = "Language, where its feed does not say."),
    FIELD(NewsSourceRow, enabled, .doc = "It is collected when no source is named."),
    FIELD(NewsSourceRow, simulated, .flags = F_OMIT_EMPTY, .doc = "A simulator answers for it."),
    FIELD(NewsSourceRow, gone, .flags = F_OMIT_EMPTY, .doc = "It said that it will not be back (410)."),
    FIELD(NewsSourceRow, articles, .doc = "Stored articles."),
    FIELD(NewsSourceRow, copies, .doc = "Its articles that others had in nearly the same words."),
    FIELD(NewsSourceRow, newest, .flags = F_NULLABLE, .doc = "When its newest was published."),
    FIELD(NewsSourceRow, asked_at, .flags = F_NULLABLE, .doc = "Last tried."),
    FIELD(NewsSourceRow, good_at, .flags = F_NULLABLE, .doc = "Last read well."),
    FIELD(NewsSourceRow, next_at, .flags = F_NULLABLE, .doc = "Not to be asked before, by its own word."),
    FIELD(NewsSourceRow, failures, .doc = "Failed tries since."),
    FIELD(NewsSourceRow, error, .flags = F_OMIT_EMPTY, .doc = "Why the last one failed."),
};
static SHAPE(source_shape, NewsSourceRow, source_f, .doc = "A source of news.");

static const Field sources_f[] = {
    FIELD(NewsSourceList, count, .doc = "Sources."),
    FIELD(NewsSourceList, sources, .of = &source_shape, .doc = "As configured, then those that were."),
};
SHAPE(news_source_list_shape, NewsSourceList, sources_f, .doc = "The sources of news.");

static const Field status_f[] = {
    FIELD(NewsStatus, status, .doc = "healthy; degraded when every source fails."),
    FIELD(NewsStatus, adapter, .doc = "Where articles live."),
    FIELD(NewsStatus, articles, .doc = "Stored articles."),
    FIELD(NewsStatus, copies, .doc = "Noted copies."),
    FIELD(NewsStatus, scored, .doc = "Sentiment scores."),
    FIELD(NewsStatus, bytes, .doc = "Of the file."),
    FIELD(NewsStatus, outbox, .doc = "Events that wait to be told."),
    FIELD(NewsStatus, sources, .doc = "Configured sources."),
    FIELD(NewsStatus, failing, .doc = "Of them, whose last try failed."),
    FIELD(NewsStatus, newest, .flags = F_NULLABLE, .doc = "When the newest article was published."),
    FIELD(NewsStatus, last_collected, .flags = F_NULLABLE, .doc = "When a source was last read well."),
};
SHAPE(news_status_shape, NewsStatus, status_f, .doc = "How the news service is.");

static const Field copy_f[] = {
    FIELD(NewsCopyRow, source, .doc = "Where it stood, too."),
    FIELD(NewsCopyRow, url, .doc = "Its address there."),
    FIELD(NewsCopyRow, title, .doc = "Its headline there."),
    FIELD(NewsCopyRow, published_at, .doc = "When it was published there."),
    FIELD(NewsCopyRow, seen_at, .doc = "When it was seen."),
};
static SHAPE(copy_shape, NewsCopyRow, copy_f, .doc = "The same story elsewhere.");
static const Field copies_f[] = {
    FIELD(NewsCopyList, count, .doc = "Copies."),
    FIELD(NewsCopyList, copies, .of = &copy_shape, .doc = "As they were seen."),
};
SHAPE(news_copy_list_shape, NewsCopyList, copies_f, .doc = "Where else a story stood.");

static const Field scores_f[] = {
    FIELD(NewsScoreList, id, .doc = "The article."),
    FIELD(NewsScoreList, count, .doc = "Scores: one a model and version."),
    FIELD(NewsScoreList, scores, .of = &sentiment_shape, .doc = "Newest first."),
};
SHAPE(news_score_list_shape, NewsScoreList, scores_f, .doc = "Every score of an article.");

static const Field web_f[] = {
    FIELD(NewsWebQuery, q, .flags = F_REQUIRED, .rename = "query", .max = 400, .doc = "What to look for on the web.", .example = "VNM earnings"),
    FIELD(NewsWebQuery, topic, .def = "news", .choices = topics, .doc = "Where to look."),
    FIELD(NewsWebQuery, start_date, .rename = "from", .doc = "Published on or after the day."),
    FIELD(NewsWebQuery, end_date, .rename = "to", .doc = "Published on or before the day."),
    FIELD(NewsWebQuery, limit, .def = "5", .rename = "max_results", .min = 1, .max = 20, .doc = "Articles at most."),
    FIELD(NewsWebQuery, keep, .doc = "Store what is found, as of the source tavily."),
};
SHAPE(news_web_query_shape, NewsWebQuery, web_f, .doc = "A search of the web; it costs the operator's credits.");

static const Field removed_f[] = {
    FIELD(NewsRemoved, success, .doc = "It is gone."),
    FIELD(NewsRemoved, message, .doc = "In words."),
};
SHAPE(news_removed_shape, NewsRemoved, removed_f, .doc = "A removed article.");

static const Field retain_f[] = {
    FIELD(NewsRetainRequest, older_than, .max = 32, .doc = "Those published longer ago go: 180d, 24h, year; left out: age is no reason.", .example = "180d"),
    FIELD(NewsRetainRequest, keep, .has_min = true, .min = 0, .max = 1e12, .doc = "At most so many stay, the newest; 0: any number."),
    FIELD(NewsRetainRequest, archive, .doc = "Append them to data.dir/archive/news-YYYY-MM.jsonl before they are removed."),
    FIELD(NewsRetainRequest, dry_run, .doc = "Only count what would go."),
};
SHAPE(news_retain_request_shape, NewsRetainRequest, retain_f, .doc = "How long articles are kept.");

static const Field retained_f[] = {
    FIELD(NewsRetainResponse, success, .doc = "It was done."),
    FIELD(NewsRetainResponse, message, .doc = "In words."),
    FIELD(NewsRetainResponse, removed, .doc = "Articles that went, with their scores; with dry_run those that would."),
    FIELD(NewsRetainResponse, archived, .doc = "Of them, archived before."),
    FIELD(NewsRetainResponse, held, .doc = "Articles that an untold event speaks of: they stay until it is told."),
    FIELD(NewsRetainResponse, left, .doc = "Articles that are stored now."),
};
SHAPE(news_retain_response_shape, NewsRetainResponse, retained_f, .doc = "What retention did.");
