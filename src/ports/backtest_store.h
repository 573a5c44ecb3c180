#pragma once

/* ports/backtest_store.h - where finished backtests are kept, and found again.
 *
 * Adapters:  adapters/backtest/sqlite, in a file or in memory.  Used by: services/backtest.
 * Contract:  tests/contract/backtest_store.c runs against every adapter.
 * Memory:    what is read lies in cx->arena.
 * Threads:   calls may come from any thread.
 *
 * A save that answered is kept through a kill and a power cut; one that failed left nothing. */

#include "backtest/metrics.h"
#include "backtest/result.h"
#include "base/ctx.h"
#include "core/series.h"
#include "ports/snapshot.h"

typedef struct BacktestStore BacktestStore;

enum { BACKTEST_NO_SUCH = 1 };
enum { BACKTEST_ID_MAX = 64, BACKTEST_LIST_MAX = 1000 };

/* What lists show, and what they are sorted and filtered by. */
typedef struct BacktestSummary {
    Str backtest_id;
    Str workspace;
    Str symbol, timeframe, exchange; /* of the first asset */
    Str strategy_type, engine;
    Time start, end;
    Time created;
    double initial_cash, final_value;
    double total_return, annual_return, max_drawdown, sharpe_ratio, win_rate; /* NaN = null */
    int64_t total_trades;
    double score;             /* of the recommendations; NaN = none */
    double execution_seconds; /* wall */
    int64_t n_candles;
    bool simulated;      /* candles of a simulator were among them */
    int64_t n_synthetic; /* candles that had been filled in */
    Str note;            /* the caller's words */
} BacktestSummary;

typedef struct StoredBacktest {
    BacktestSummary summary;
    BacktestResult result; /* without analyzers; result.metrics points to metrics */
    BacktestMetrics *metrics;
} StoredBacktest;

typedef enum BacktestOrder {
    BACKTEST_NEWEST,
    BACKTEST_BEST_SCORE,
    BACKTEST_BEST_RETURN,
    BACKTEST_BEST_SHARPE
} BacktestOrder;

typedef struct BacktestFilter { /* an empty text: any */
    Str workspace, symbol, timeframe, strategy_type, engine;
    BacktestOrder order; /* equals: newest first, then by id */
    size_t skip, limit;  /* limit <= BACKTEST_LIST_MAX */
} BacktestFilter;

typedef struct BacktestStoreOps {
    const char *name;
    /* Required. ERR_CONFLICT: there is one of that id. */
    int (*save)(BacktestStore *s, Ctx *cx, const StoredBacktest *b);
    /* Required. 0 or BACKTEST_NO_SUCH; of another workspace it is none. */
    int (*get)(BacktestStore *s, Ctx *cx, Str workspace, Str id, StoredBacktest *out);
    /* Required. *total: all that pass the filter. */
    int (*list)(BacktestStore *s, Ctx *cx, const BacktestFilter *f, BacktestSummary **out, size_t *n, int64_t *total);
    /* Required. 0 or BACKTEST_NO_SUCH. */
    int (*remove)(BacktestStore *s, Ctx *cx, Str workspace, Str id);
    /* Required. Removes what was created before; *removed of them. */
    int (*expire)(BacktestStore *s, Ctx *cx, Time before, int64_t *removed);
    /* Optional. All of it as at one moment, as the bytes of a file that the same adapter opens; saves go on meanwhile. */
    int (*snapshot)(BacktestStore *s, Ctx *cx, SnapshotPiece *piece, void *arg);
    void (*close)(BacktestStore *s); /* Required. */
} BacktestStoreOps;

struct BacktestStore {
    const BacktestStoreOps *ops;
};

/* ERR_INVALID: an id that is empty, longer than BACKTEST_ID_MAX, or holds other than letters, digits, '-', '_', '.'. */
int backtest_store_save(BacktestStore *s, Ctx *cx, const StoredBacktest *b);
int backtest_store_get(BacktestStore *s, Ctx *cx, Str workspace, Str id, StoredBacktest *out);
int backtest_store_list(BacktestStore *s, Ctx *cx, const BacktestFilter *f, BacktestSummary **out, size_t *n,
                        int64_t *total);
int backtest_store_remove(BacktestStore *s, Ctx *cx, Str workspace, Str id);
int backtest_store_expire(BacktestStore *s, Ctx *cx, Time before, int64_t *removed);
/* ERR_UNSUPPORTED without one. */
int backtest_store_snapshot(BacktestStore *s, Ctx *cx, SnapshotPiece *piece, void *arg);
BacktestStore *backtest_store_close(BacktestStore *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(BacktestStore *, backtest_store_close)
