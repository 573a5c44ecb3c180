#pragma once

/* sim/feed_articles.h - made up articles and the documents that hold them. Private to sim/feed_*. */

#include "base/buf.h"
#include "base/time.h"

typedef struct SimArticle {
    int64_t number; /* of the ten minutes it appeared in, since 1970 */
    Time published;
    Str title, summary, text;  /* plain text */
    Str author, second_author; /* the second one may be empty */
    Str tag, coin;
    Str slug;
    char uuid[37];
} SimArticle;

/* The `n` newest at that time, newest first. */
void sim_articles(uint64_t seed, Arena *a, Time now, size_t n, SimArticle *out);

void feed_doc_coindesk(const SimArticle *v, size_t n, Buf *out);
void feed_doc_cointelegraph(const SimArticle *v, size_t n, Buf *out);
void feed_doc_atom(const SimArticle *v, size_t n, Buf *out);
void feed_doc_rdf(const SimArticle *v, size_t n, Buf *out);
void feed_doc_json(const SimArticle *v, size_t n, Buf *out);
void feed_doc_data_api(const SimArticle *v, size_t n, Buf *out);
void feed_doc_tavily(const SimArticle *v, size_t n, Str query, Buf *out);
