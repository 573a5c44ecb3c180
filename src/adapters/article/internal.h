#pragma once

/* adapters/article/internal.h - shared by the files of the SQLite store: sqlite.c (life and small calls), put.c (in),
 * read.c (out), find.c (search), readers.c (connections). */

#include "adapters/article/fts.h"
#include "adapters/article/sqlite.h"
#include "adapters/article/tables.h"
#include "base/list.h"

enum {
    RECENT_MAX = 16384, /* articles that a new one is compared with */
    READERS_MAX = 8,
};

typedef struct Recent { /* the newest ones, for near-same texts; a ring */
    uint64_t hash;
    int64_t row, published;
    uint32_t words;
} Recent;

typedef struct ArticleReader { /* a connection that only reads */
    Db db;
    FtsUser fts;
    ListNode idle;
} ArticleReader;

typedef struct ArticleSqlite {
    ArticleStore store; /* first: the ops get this pointer back */
    Outbox outbox;
    DbOwner owner;
    FtsUser fts; /* of the owner's connection */
    bool unsynced;
    Docs docs;
    atomic_bool docs_loaded, opened;
    pthread_mutex_t docs_lock; /* between writers */
    /* Of the writer, under the owner's lock */
    Recent *recent;
    size_t n_recent, recent_at;
    bool recent_loaded;
    int64_t next_row,
        revision; /* 0 = not read yet. A put that failed leaves holes in both, so that no row is used twice */
    /* Reading connections; none for a store in memory or on a virtual disk, which reads by the owner's */
    pthread_mutex_t readers_lock;
    pthread_cond_t readers_freed;
    ListNode readers_idle;
    int readers_open;
} ArticleSqlite;

typedef struct ArticleKey {
    int64_t key, rest;
} ArticleKey;
ArticleKey article_key_of_id(Str id);
ArticleKey article_key_of_guid(Str source, Str guid);
/* 1 found, 0 not, ErrCode. */
int article_key_find(Db *db, Ctx *cx, ArticleKey k, int64_t *row, int64_t *kind);
/* The article's row by id, also by the id of a copy. 0 or ARTICLE_NO_SUCH. */
int article_row_of(Db *db, Ctx *cx, Str id, int64_t *row);

/* What stands in a row: DOC_COLUMNS, ARTICLE_COLUMNS and, with_text, the text. */
void article_from_row(sqlite3_stmt *st, Arena *a, bool with_text, Article *out, int64_t *n_copies);
ArticleSentiment article_score_from_row(sqlite3_stmt *st, Arena *a);             /* of SQL_SCORES */
int article_load(Db *db, Ctx *cx, int64_t row, bool with_text, ArticleHit *out); /* with its newest score */
Str article_join(Arena *a, const StrList *l);

int article_db_put(ArticleSqlite *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out);
int article_db_remove(ArticleSqlite *s, Ctx *cx, Db *db, int64_t row);
int article_db_search(ArticleSqlite *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out);

/* fn in a read transaction of a connection with its FtsUser. */
typedef int ArticleRead(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg);
int article_read(ArticleSqlite *s, Ctx *cx, ArticleRead *fn, void *arg);
void article_readers_init(ArticleSqlite *s);
void article_readers_done(ArticleSqlite *s);
/* The documents' table in memory, read once. */
int article_docs_ready(ArticleSqlite *s, Ctx *cx);
