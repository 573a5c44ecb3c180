#pragma once

/* adapters/article/rank.h - how well an article answers a query: one formula for every adapter.
 *
 * BM25 (Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework") with the weight of each place put into the
 * number of occurrences, as SQLite's bm25() does: f = 3 title + 1.5 summary + text;
 *     sum over terms of  ln(1 + (N - n + 0.5) / (n + 0.5)) * f (k1 + 1) / (f + k1 (1 - b + b D / average D))
 * with k1 = 1.2, b = 0.75, D the words of title, summary and text, N articles, n of them with the term. The logarithm has
 * its 1 + so that a word of every second article still counts for a little. News age: the score of one published now is
 * half as much again, of one a week old a quarter, and so on. */

#include "ports/article_store.h"

#include <math.h>

enum { RANK_PLACES = 3 }; /* title, summary, text */
static const double rank_weights[RANK_PLACES] = { 3, 1.5, 1 };

static inline double rank_idf(double n_articles, double n_with) {
    return log(1 + (n_articles - n_with + 0.5) / (n_with + 0.5));
}
static inline double rank_term(double idf, double f, double words, double average) {
    const double k1 = 1.2, b = 0.75;
    return idf * f * (k1 + 1) / (f + k1 * (1 - b + b * words / average));
}
static inline double rank_score(double bm25, int64_t published_ms, Time now) {
    double age_days = (double)MAX(now.ms - published_ms, (int64_t)0) / MS_PER_DAY;
    return bm25 * (1 + 0.5 * exp2(-age_days / 7));
}

/* Does (score or time, row) come behind the cursor in this order? Equal ones: the newer row first. */
bool rank_behind(ArticleOrder order, const ArticleCursor *after, double score, int64_t published, int64_t row);

enum { NEAR_DAYS = 7 };  /* apart at most, to be one story */
#define NEAR_OWN_MIN 0.9 /* of one source: what it writes daily in the same form is not the same story */
/* What near_hash and near_similarity read of an article beside the title. */
static inline Str near_body(const Article *a) {
    return a->text.n ? a->text : a->summary;
}
