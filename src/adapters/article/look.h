#pragma once

/* adapters/article/look.h - does this article answer this query, and how well: by looking at it, without an index. What
 * the memory store does with each article, and the MongoDB store with each candidate. */

#include "ports/article_store.h"

/* Words of title, summary and text together. */
size_t look_words(const Article *a);
/* How often the term stands in the article; *weighed: with rank_weights. */
double look_occurrences(const QueryNode *term, const Article *a, double *weighed);
bool look_matches(const QueryNode *n, const Article *a);
/* The sum of the terms' scores; idf: one a term. */
double look_bm25(const ParsedQuery *q, const double *idf, const Article *a, double words, double average);
/* Title and snippet with marks. */
void look_marks(Ctx *cx, const ParsedQuery *q, const Article *a, ArticleHit *h);
/* Is `now` a correction of what was stored? A feed that gives less of an article than another one did has not corrected
 * it. */
bool look_corrects(const Article *was, const Article *now);
