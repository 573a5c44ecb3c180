#pragma once

/* adapters/article/fts.h - what this store adds to SQLite's FTS5: core/words as its tokenizer, a ranking function that
 * takes lengths from memory, and queries as its expressions.
 *
 * FTS5's own syntax never sees what a person typed: each word goes as a quoted string that begins with FTS_VERBATIM, which
 * the tokenizer takes as it is; articles cannot hold that sign (article_clip). */

#include "adapters/article/docs.h"
#include "adapters/sqlite/db.h"
#include "base/buf.h"
#include "core/article_query.h"
#include "ports/article_store.h"

#define FTS_VERBATIM "\x01" /* before each word that is not to be cut or folded */
#define FTS_TAG      "\x02" /* the first sign of the words of the column `tags` */

enum { FTS_PHRASES_MAX = QUERY_TERMS_MAX + 8 };

typedef struct FtsRank { /* of one search */
    const Docs *docs;
    int n_phrases;               /* of the expression: terms, also those left out, then tags */
    double idf[FTS_PHRASES_MAX]; /* 0: does not count */
    double average;              /* words of an article */
} FtsRank;

typedef struct FtsUser { /* one a connection */
    FtsRank *rank;
    int64_t n_words; /* cut since it was last set: what the last insert indexed */
} FtsUser;

/* Makes the tokenizer "finsight_words" and the function news_rank known to the connection. */
int fts_register(Db *db, Ctx *cx, FtsUser *user);

/* One term as an expression of its own, for counting. */
void fts_put_term(Buf *b, const QueryNode *term);
/* The whole tree; counts[i]: its i-th phrase is one that an article may be found by. *n: phrases. */
void fts_put_query(Buf *b, const QueryNode *n, bool wanted, bool *counts, int *n_phrases);
void fts_put_tag(Buf *b, char kind, Str name); /* behind a query: AND the tag */
/* The words of the column. */
void fts_tag_words(Buf *b, char kind, Str name);
