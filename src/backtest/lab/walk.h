#pragma once

/* backtest/lab/walk.h - walk-forward: choose parameters on one stretch, trade them on the next, and go on.
 *
 *     rolling    |==train==|purge|embargo|==test==|
 *                      |==train==|purge|embargo|==test==|        both ends of the training move
 *     anchored   |==train==|purge|embargo|==test==|
 *                |=====train=====|purge|embargo|==test==|        training begins with the first candle always
 *
 * Purge drops the candles at the end of the training whose trades could still be open in the test; embargo drops those
 * behind it that still remember the training (López de Prado, Advances in Financial Machine Learning, 2018, chapter 7,
 * with training always before the test). So a test never shares a candle with what was chosen on, and no test shares
 * one with another. Each test trades with the parameters that were best on its training, begins flat, and begins with
 * the money the one before ended with; its indicators may look back into the candles before, its trades may not.
 *
 * What the pieces did, one after the other, is the honest figure of the whole procedure: the parameters of each were
 * chosen without it. Efficiency is the yearly return of the tests over that of the trainings (Pardo 2008). */

#include "backtest/lab/sweep.h"

enum { WALK_WINDOWS_MAX = 1000 };

typedef struct WalkOptions {
    bool anchored;
    size_t n_train;        /* candles of training (of the first one, if anchored); 0: so that five windows come out */
    size_t n_test;         /* 0: a quarter of n_train */
    size_t purge, embargo; /* candles */
    SweepOptions sweep;    /* method, objective, threads… of each training; its progress is not used */
    int (*progress)(void *arg, Ctx *cx, const SweepProgress *p); /* over windows and within; as in SweepOptions */
    void *progress_arg;
} WalkOptions;

typedef struct WalkWindow {
    size_t train_from, train_to; /* [from, to) */
    size_t test_from, test_to;
    double p[SWEEP_AXES_MAX]; /* chosen */
    bool chosen;              /* false: no combination had a value in the training; the test stays flat */
    double train_v[SWEEP_FIGURES], test_v[SWEEP_FIGURES];
} WalkWindow;

typedef struct WalkResult {
    SweepAxis axes[SWEEP_AXES_MAX];
    size_t n_axes;
    SweepFigure objective;
    WalkWindow *windows; /* (n) */
    size_t n;
    /* All tests, one after the other. */
    size_t n_steps;
    int64_t *time_ms;        /* (n_steps) */
    double *equity;          /* (n_steps) */
    BacktestMetrics metrics; /* of equity; trades of all tests */
    double efficiency;       /* NaN where the trainings did not gain */
} WalkResult;

/* The windows alone; 0 when the candles are too few. Pure. */
size_t walk_windows(size_t n_candles, const WalkOptions *options, WalkWindow *out, size_t most);
/* One asset. ERR_INVALID: too few candles, and whatever sweep_run refuses; ERR_CANCELLED, ERR_TIMEOUT. */
int walk_run(Ctx *cx, const BacktestEngine *engine, const BacktestRequest *base, const SweepAxis *axes, size_t n_axes,
             const WalkOptions *options, WalkResult *out);
