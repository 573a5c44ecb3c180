#pragma once

/* ports/candle_store.h - where candles live.
 *
 * Adapters:  adapters/store/{sqlite,memory,csv}.  Used by: services/market.
 * Memory:    results go to cx->arena; an adapter keeps no pointer of the caller's.
 * Threads:   every call may come from any thread; adapters serialise writes themselves. A read sees
 *            either all or nothing of each save.
 * Durable:   save answers after the commit; with SAVE_DURABLE after fsync.
 * Contract:  tests/contract/candle_store.c runs against every adapter.
 *
 * Callers use the candle_store_* wrappers, never ops: there both sides are checked (arguments, order of
 * the rows, deadline, cancel) and faults are injected in tests. */

#include "base/ctx.h"
#include "core/action.h"
#include "core/gap.h"
#include "core/instrument.h"
#include "core/series.h"
#include "ports/snapshot.h"

typedef struct CandleStore CandleStore;
typedef struct Outbox Outbox; /* ports/outbox.h */

enum { STORE_NO_SERIES = 1 }; /* > 0: the series was never saved */

enum {
    SAVE_DURABLE = 1u << 0,  /* fsync before the answer (a save that answers a client) */
    SAVE_COVERAGE = 1u << 1, /* record `coverage` in the same commit, even when rows is empty */
    SAVE_ANNOUNCE = 1u << 2, /* new candles are an event, in the same commit where the store has an outbox */
};

typedef struct SaveRequest {
    const SeriesKey *key; /* created when new */
    const Candles *rows;  /* ascending, unique, valid (core/validate.h); may be empty */
    unsigned flags;
    Coverage coverage;
} SaveRequest;

typedef struct SaveResult {
    int64_t inserted;
    int64_t updated; /* same open time, other data or flags */
    int64_t unchanged;
    int64_t kept_real; /* synthetic rows refused because a real candle is there */
    int64_t revision;  /* of the series after the commit */
} SaveResult;

typedef struct CandleQuery {
    Time from, to; /* [from, to) on open time; TIME_MIN / TIME_MAX = unbounded */
    size_t limit;  /* most rows; 0 = the store's page limit (CANDLE_PAGE_MAX) */
    bool newest;   /* the last `limit` rows of the range (still ascending) instead of the first */
    bool skip_synthetic;
} CandleQuery;

enum { CANDLE_PAGE_MAX = 1000000 };

typedef struct SeriesChange { /* one commit that changed one series */
    int64_t sequence;         /* of the store: grows by commit */
    int64_t series_id, revision;
    Time from, to; /* open times touched, [from, to) */
    Time at;
} SeriesChange;

typedef struct StoreInfo {
    const char *adapter; /* "sqlite" */
    Str location;        /* path or description */
    int64_t n_series, n_candles, bytes;
    int schema_version;
} StoreInfo;

typedef struct CandleStoreOps {
    const char *name;

    /* Required. Upsert on (series, open time); all rows or none. */
    int (*save)(CandleStore *s, Ctx *cx, const SaveRequest *req, SaveResult *out);
    /* Optional. Saves of several series in one commit, all or none; without it they are saved one by one. */
    int (*save_many)(CandleStore *s, Ctx *cx, const SaveRequest *reqs, size_t n, SaveResult *out);
    /* Required. Appends to *out (in cx->arena), ascending. *more: rows of the range are left beyond
     * the limit. 0, STORE_NO_SERIES, ErrCode. An empty range is 0 with no rows. */
    int (*read)(CandleStore *s, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out, bool *more);
    /* Required. 0 or STORE_NO_SERIES. */
    int (*info)(CandleStore *s, Ctx *cx, const SeriesKey *key, SeriesInfo *out);
    /* Required. Every series, ordered by venue, symbol, timeframe length. */
    int (*list)(CandleStore *s, Ctx *cx, SeriesInfo **out, size_t *n);
    /* Required. Removes rows and coverage of [from, to); TIME_MIN..TIME_MAX also drops the series.
     * *removed = rows. 0 or STORE_NO_SERIES. */
    int (*remove)(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed);
    /* Required. Merged coverage windows of the series that touch [from, to), ascending. */
    int (*coverage)(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out, size_t *n);
    /* Required. Changes with sequence > after, oldest first, at most limit. */
    int (*changes)(CandleStore *s, Ctx *cx, int64_t after, size_t limit, SeriesChange **out, size_t *n);
    /* Required. Listings: upsert by (venue, symbol, valid_from); list of one venue, or all (venue NULL). */
    int (*put_listings)(CandleStore *s, Ctx *cx, const Listing *v, size_t n);
    int (*listings)(CandleStore *s, Ctx *cx, const Venue *venue, Listing **out, size_t *n);
    /* Optional, both or none: splits and dividends. Upsert by (instrument, ex, kind), or removal of those; list of
     * one instrument, or all (NULL), ordered by instrument, ex, kind. A store without them has none. */
    int (*put_actions)(CandleStore *s, Ctx *cx, const CorporateAction *v, size_t n, bool remove);
    int (*actions)(CandleStore *s, Ctx *cx, const Symbol *instrument, CorporateAction **out, size_t *n);
    /* Optional. Where the events of SAVE_ANNOUNCE wait; the store's own. NULL: it has none. */
    Outbox *(*outbox)(CandleStore *s);
    /* Optional: forgets what is cached of the files; returns the bytes given back. */
    int64_t (*drop_cache)(CandleStore *s);
    /* Required. */
    int (*describe)(CandleStore *s, Ctx *cx, StoreInfo *out);
    /* Required. Reads every block and row, checks sums and order; words in cx->err on damage. */
    int (*verify)(CandleStore *s, Ctx *cx);
    /* Optional. The whole store as it is at one moment, as the bytes of a file that the same adapter opens. Saves go on
     * meanwhile; everything acknowledged before the call is in it. */
    int (*snapshot)(CandleStore *s, Ctx *cx, SnapshotPiece *piece, void *arg);
    void (*close)(CandleStore *s); /* Required. Flushes and frees. */
} CandleStoreOps;

/* Tests make calls fail: the wrapper asks at the start of each call (point = "save", "read", …) and after
 * a successful save ("saved": the rows are in, the answer is lost). 0 = go on, else what the call returns. */
typedef int CandleStoreFault(void *arg, Ctx *cx, const char *point);

/* One commit that has just happened, told on the thread that made it, before its caller has the answer. Commits of one
 * series may be told out of order when several threads save it: `revision` says which is which. */
typedef struct StoreCommit {
    const SeriesKey *key;
    int64_t revision;    /* of the series after it; 0 for a removal, which does not tell */
    const Candles *rows; /* as saved; NULL: a removal */
    int64_t kept_real;   /* of them refused because a real candle is there */
    bool changed;        /* rows were inserted or updated */
} StoreCommit;

/* Who hears of commits. The memory is the listener's own, from candle_store_watch to candle_store_unwatch. */
typedef struct CandleStoreWatch {
    void (*heard)(void *arg, const StoreCommit *c); /* quick: the saver waits for it */
    /* A save or a removal failed in the adapter, and may be there all the same: nobody knows. Quick; NULL: no matter. */
    void (*doubted)(void *arg, const SeriesKey *key);
    void *arg;
    struct CandleStoreWatch *next; /* private */
} CandleStoreWatch;

/* One call of the adapter that is over, told on its thread. */
typedef struct StoreCall {
    const char *name;     /* "store.read" */
    const SeriesKey *key; /* NULL: of none, or of several */
    size_t rows;
    int64_t took_ns;
} StoreCall;
typedef void CandleStoreTimed(void *arg, Ctx *cx, const StoreCall *c);

struct CandleStore { /* the first member of every adapter's own struct */
    const CandleStoreOps *ops;
    CandleStoreFault *fault; /* NULL outside of tests */
    void *fault_arg;
    CandleStoreWatch *watches; /* in the order they came */
    CandleStoreTimed *timed;   /* NULL: nobody listens */
    void *timed_arg;
};

void candle_store_set_fault(CandleStore *s, CandleStoreFault *fn, void *arg);
/* Before other threads use the store, and after they have ended: no lock is taken by a commit. Each listener hears each
 * commit, in the order they began to listen. One that does not listen may be taken away. */
void candle_store_watch(CandleStore *s, CandleStoreWatch *w);
void candle_store_unwatch(CandleStore *s, CandleStoreWatch *w);

/* Who hears how long calls take; before others use the store. NULL: nobody. */
void candle_store_time(CandleStore *s, CandleStoreTimed *fn, void *arg);

int candle_store_save(CandleStore *s, Ctx *cx, const SaveRequest *req, SaveResult *out);
/* Several series with one wait for the disk: what live candles come by. All of them are durable when any is. Where the
 * store cannot do it in one commit, a failure may leave the first ones saved. out: one a request. */
int candle_store_save_many(CandleStore *s, Ctx *cx, const SaveRequest *reqs, size_t n, SaveResult *out);
int candle_store_read(CandleStore *s, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out, bool *more);
int candle_store_info(CandleStore *s, Ctx *cx, const SeriesKey *key, SeriesInfo *out);
int candle_store_list(CandleStore *s, Ctx *cx, SeriesInfo **out, size_t *n);
int candle_store_remove(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed);
int candle_store_coverage(CandleStore *s, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out, size_t *n);
int candle_store_changes(CandleStore *s, Ctx *cx, int64_t after, size_t limit, SeriesChange **out, size_t *n);
int candle_store_put_listings(CandleStore *s, Ctx *cx, const Listing *v, size_t n);
int candle_store_listings(CandleStore *s, Ctx *cx, const Venue *venue, Listing **out, size_t *n);
int candle_store_put_actions(CandleStore *s, Ctx *cx, const CorporateAction *v, size_t n, bool remove);
int candle_store_actions(CandleStore *s, Ctx *cx, const Symbol *instrument, CorporateAction **out, size_t *n);
int64_t candle_store_drop_cache(CandleStore *s); /* 0 where there is no cache */
int candle_store_describe(CandleStore *s, Ctx *cx, StoreInfo *out);
int candle_store_verify(CandleStore *s, Ctx *cx);
Outbox *candle_store_outbox(CandleStore *s); /* NULL: the store keeps none, and tells nothing */
/* ERR_UNSUPPORTED where the adapter has none. */
int candle_store_snapshot(CandleStore *s, Ctx *cx, SnapshotPiece *piece, void *arg);
CandleStore *candle_store_close(CandleStore *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(CandleStore *, candle_store_close)
