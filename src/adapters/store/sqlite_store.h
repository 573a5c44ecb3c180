#pragma once

/* adapters/store/sqlite_store.h - what the files of the SQLite store share. Not for others: see sqlite.h. */

#include "adapters/store/block.h"
#include "adapters/store/merge.h"
#include "adapters/store/sqlite.h"
#include "adapters/store/sqlite_cache.h"
#include "adapters/store/sqlite_schema.h"
#include "base/list.h"
#include "base/map.h"
#include "ports/outbox.h"

#include <pthread.h>

/* --- rows and buckets (sqlite_rows.c) --- */

/* The block a time belongs to: 1,440 grid places, counted in months where the timeframe is. */
int64_t bucket_of(Timeframe tf, Time t);
/* Number of rows from `at` on that share its bucket. */
size_t bucket_run(Timeframe tf, const Candles *rows, size_t at);
/* Inclusive bounds of the times a store can hold within [from, to); false when there are none. */
bool stored_range(Time from, Time to, Time *first, Time *last);

enum { TAIL_ROW_SIZE = 53 }; /* five doubles, known_at, flags, crc32c */
Str tail_encode(int64_t series_id, const Candle *c, char out[static TAIL_ROW_SIZE]);
bool tail_decode(int64_t series_id, int64_t open_ms, Str row, Candle *out); /* false: damaged */
/* Rows of the tail with first <= open time <= last, on the heap, appended. */
int tail_read(Db *db, Ctx *cx, int64_t series_id, Time first, Time last, Candles *out);

/* Union of two ascending tables in which `over` wins, appended to *out (heap, grows). */
void rows_overlay(const Candles *under, const Candles *over, Candles *out);

int series_query(Db *db, Ctx *cx, const SeriesKey *key, SeriesInfo *out); /* 0 or STORE_NO_SERIES */
void series_from_row(sqlite3_stmt *st, SeriesInfo *out);
int block_damage(Db *db, Ctx *cx, int code, int64_t series_id, int64_t bucket);

/* --- readers (sqlite_reader.c): connections and codecs, one a thread while it works --- */

typedef struct Reader {
    Db db;
    BlockCodec *codec;
    Candles block, joined; /* heap scratch */
    ListNode idle;
} Reader;

typedef struct ReaderPool {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    ListNode idle;
    int open;
} ReaderPool;

typedef struct SqliteStore SqliteStore;

void reader_pool_init(ReaderPool *p);
void reader_pool_done(ReaderPool *p);
int reader_acquire(SqliteStore *s, Ctx *cx, Reader **out);
void reader_release(SqliteStore *s, Reader *r);
/* Runs fn inside one read transaction: all that it reads is of one moment. */
int reader_transaction(SqliteStore *s, Ctx *cx, int (*fn)(SqliteStore *s, Reader *r, Ctx *cx, void *arg), void *arg);

/* --- the writer (sqlite_writer.c) --- */

typedef struct Writer Writer;

typedef struct WriteJob {
    /* Runs on the writer's thread inside a savepoint, with the Ctx of the caller, who waits. */
    int (*run)(Writer *w, Ctx *cx, void *arg);
    void *arg;
    Ctx *cx;
    bool durable;
    bool alone; /* between the groups: no transaction, no savepoint */
    /* private */
    int result;
    bool done;
    ListNode node;
    pthread_cond_t answered;
} WriteJob;

typedef struct WriterSeries { /* what the writer knows of a series without asking the file */
    SeriesInfo info;
    int64_t tail_n, tail_bucket; /* bucket: where tail_n > 0 */
    Time tail_last;
    int64_t newest_bucket; /* of blocks and tail; where info.n > 0 */
} WriterSeries;

struct Writer {
    Db db;
    SqliteStore *store;
    BlockCodec *codec;
    Map series; /* SeriesKey bytes -> WriterSeries; a rolled-back one is dropped and read anew */
    Candles block, tail, joined, merged; /* heap scratch */
    Buf blob;
    size_t group_bytes; /* written by the group so far */
    int64_t wal_pages;
    bool sync_full; /* state of the connection */
    bool unsynced;  /* the last commit was not synced */
    /* queue */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    ListNode queue;
    bool threaded, stop;
    pthread_t thread;
};

int writer_open(Writer *w, Ctx *cx, SqliteStore *s);
void writer_close(Writer *w);
/* Queues the job and waits for its commit. */
int writer_call(Writer *w, Ctx *cx, bool durable, int (*run)(Writer *w, Ctx *cx, void *arg), void *arg);
/* Runs it on the writer's thread between two groups. */
int writer_call_alone(Writer *w, Ctx *cx, int (*run)(Writer *w, Ctx *cx, void *arg), void *arg);

/* 0, or STORE_NO_SERIES when it is not there and `create` is false. */
int writer_series(Writer *w, Ctx *cx, const SeriesKey *key, bool create, WriterSeries **out);
void writer_forget(Writer *w, const SeriesKey *key);
int writer_log_change(Writer *w, Ctx *cx, WriterSeries *s, Time from, Time to);
/* Rows of the block into w->block; none when there is no block. *bytes = its size. */
int writer_load_block(Writer *w, Ctx *cx, int64_t series_id, int64_t bucket, int64_t *bytes);
int writer_put_block(Writer *w, Ctx *cx, const WriterSeries *s, int64_t bucket, const Candles *rows, Str blob);
/* The event of new candles, in the transaction of the save. */
int writer_announce(Writer *w, Ctx *cx, const WriterSeries *s, const MergeCount *count);
int writer_cut_coverage(Writer *w, Ctx *cx, int64_t series_id, Time from, Time to, bool *cut);

/* --- the store --- */

struct SqliteStore {
    CandleStore store; /* first: the ops get this pointer back */
    char *path, *vfs;
    size_t cache_bytes;
    int page_size, lock_fd;
    bool read_only, immutable, inline_writer;
    BlockCache *cache;
    ReaderPool readers;
    Writer writer;
    Outbox outbox;
};

DbOptions store_db_options(const SqliteStore *s, bool reader);

int sqlite_save(CandleStore *store, Ctx *cx, const SaveRequest *req, SaveResult *out);
int sqlite_save_many(CandleStore *store, Ctx *cx, const SaveRequest *reqs, size_t n, SaveResult *out);
int sqlite_remove(CandleStore *store, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed);
int sqlite_read(CandleStore *store, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out, bool *more);
int sqlite_info(CandleStore *store, Ctx *cx, const SeriesKey *key, SeriesInfo *out);
int sqlite_list(CandleStore *store, Ctx *cx, SeriesInfo **out, size_t *n);
int sqlite_coverage(CandleStore *store, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out, size_t *n);
int sqlite_changes(CandleStore *store, Ctx *cx, int64_t after, size_t limit, SeriesChange **out, size_t *n);
int sqlite_put_listings(CandleStore *store, Ctx *cx, const Listing *v, size_t n);
int sqlite_listings(CandleStore *store, Ctx *cx, const Venue *venue, Listing **out, size_t *n);
int sqlite_put_actions(CandleStore *store, Ctx *cx, const CorporateAction *v, size_t n, bool remove);
int sqlite_actions(CandleStore *store, Ctx *cx, const Symbol *instrument, CorporateAction **out, size_t *n);
Outbox *sqlite_outbox(CandleStore *store);
int sqlite_describe(CandleStore *store, Ctx *cx, StoreInfo *out);
int sqlite_verify(CandleStore *store, Ctx *cx);
int sqlite_snapshot(CandleStore *store, Ctx *cx, SnapshotPiece *piece, void *arg);
