#pragma once

/* adapters/article/mongo_internal.h - shared by the files of the MongoDB store: mongo.c (life and small calls),
 * mongo_doc.c (documents), mongo_call.c (calls of the server), mongo_commit.c (commits), mongo_put.c (in), mongo_find.c
 * (search). */

#include "adapters/article/mongo.h"
#include "base/map.h"
#include "base/vec.h"

#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdatomic.h>

enum { MONGO_RECENT_MAX = 16384, MONGO_CODE_DUPLICATE = 11000 };

typedef struct MongoItem { /* a document of `articles`; everything in the call's arena */
    int64_t row, seq;      /* seq: of the commit that wrote it; 0 = not stored yet */
    Article a;
    int64_t words;
    VEC(ArticleCopy) copies;
    VEC(Str) copy_ids;
    VEC(ArticleSentiment) scores;
    bool changed, gone;
} MongoItem;

typedef struct MongoHead {
    int64_t seq;                  /* of the last commit */
    int64_t parts;                /* of its documents in the journal that may not be in place yet; 0 = done */
    char token[40];               /* by which they are found there */
    int64_t row, revision, event; /* the last numbers given */
    int64_t articles, words, copies, scored; /* of what is stored */
} MongoHead;

typedef struct MongoRecent { /* the newest ones, for near-same texts */
    uint64_t hash;
    int64_t row, published;
    MongoItem *item; /* of the put under way; NULL: in the database */
} MongoRecent;

typedef struct ArticleMongo {
    ArticleStore store; /* first: the ops get this pointer back */
    Outbox outbox;
    mongoc_uri_t *uri;
    mongoc_client_pool_t *pool;
    char *database, *location; /* location: the URL without its password */
    uint64_t token;
    int64_t newest;
    pthread_rwlock_t turn;  /* shared by those who read, alone for who puts a commit in place */
    pthread_mutex_t writer; /* one commit at a time; before `turn` */
    atomic_bool behind;     /* a commit of ours may not be in place: read the head first */
    /* Of the writer */
    bool head_known, recent_loaded;
    MongoHead head;
    VEC(MongoRecent) recent;
    int64_t n_commits; /* begun */
} ArticleMongo;

/* --- calls (mongo_call.c) --- */

typedef struct MongoCall { /* a client of the pool, for one call */
    ArticleMongo *s;
    Ctx *cx;
    mongoc_client_t *client;
} MongoCall;

/* Words and code of what the server or the line said. */
int mongo_failed(Ctx *cx, const bson_error_t *e, const char *what);
mongoc_collection_t *mongo_collection(MongoCall *c, const char *name);
/* Each document in turn; 0 go on, > 0 enough (and mongo_each answers 0), < 0 failed. */
typedef int MongoEach(void *arg, Ctx *cx, const bson_t *doc);
int mongo_each(MongoCall *c, const char *collection, const bson_t *filter, const bson_t *opts, MongoEach *fn,
               void *arg);
int mongo_each_group(MongoCall *c, const char *collection, const bson_t *stages, MongoEach *fn, void *arg);
int mongo_count(MongoCall *c, const char *collection, const bson_t *filter, int64_t *n);
int mongo_insert(MongoCall *c, const char *collection, const bson_t *doc);
/* *matched: 0 or 1. */
int mongo_update(MongoCall *c, const char *collection, const bson_t *filter, const bson_t *change, bool upsert,
                 int64_t *matched);
int mongo_delete(MongoCall *c, const char *collection, const bson_t *filter);
/* fn with a client, shared with the other readers, after every commit of ours is in place. */
typedef int MongoWork(MongoCall *c, void *arg);
int mongo_read(ArticleMongo *s, Ctx *cx, MongoWork *fn, void *arg);
/* fn with a client, alone among the writers. */
int mongo_write(ArticleMongo *s, Ctx *cx, MongoWork *fn, void *arg);

/* --- documents (mongo_doc.c) --- */

void mongo_put_str(bson_t *b, const char *key, Str s);
Str mongo_str(const bson_iter_t *it, Arena *a); /* a copy; empty where it is no text */
int64_t mongo_i64(const bson_iter_t *it);       /* numbers and dates */
bool mongo_field(const bson_t *doc, const char *key, bson_iter_t *it);
int64_t mongo_field_i64(const bson_t *doc, const char *key);

void mongo_item_write(const MongoItem *it, int64_t seq, Arena *a, bson_t *doc);
void mongo_item_read(const bson_t *doc, Arena *a, MongoItem *out);
void mongo_hit(const MongoItem *it, bool whole, ArticleHit *out);
/* What source and guid are found by, among ids: "g" and an id made of both. */
Str mongo_guid_key(Arena *a, Str source, Str guid);
void mongo_event_write(const OutboxRow *row, bson_t *doc);
void mongo_event_read(const bson_t *doc, Arena *a, OutboxRow *out);
/* The documents that have these keys. */
int mongo_items(MongoCall *c, const bson_t *filter, const bson_t *opts, MongoItem ***out, size_t *n);
int mongo_item_by_id(MongoCall *c, Str id, MongoItem **out); /* 0 or ARTICLE_NO_SUCH */

/* --- commits (mongo_commit.c) --- */

enum { MONGO_AGAIN = 100 }; /* another process has written: plan anew */

typedef struct MongoCommit {
    MongoItem *const *items; /* changed ones are written, gone ones removed, others let be */
    size_t n;
    OutboxRow *events; /* numbers are filled in */
    size_t n_events;
    MongoHead next; /* the head behind it, but for seq, parts and token */
} MongoCommit;

/* The head as the server has it. */
int mongo_peek(MongoCall *c, MongoHead *out);
/* The same by the writer: on its way is put in place first. */
int mongo_head(MongoCall *c, MongoHead *out);
/* 0 or MONGO_AGAIN. */
int mongo_commit(MongoCall *c, MongoCommit *commit);

/* --- in, and out --- */

int article_mongo_put(ArticleStore *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out);
int article_mongo_search(ArticleStore *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out);
