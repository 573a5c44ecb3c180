#pragma once

/* ta/ta.h - technical indicators: pure functions over columns, and the same numbers candle by candle.
 *
 * An indicator is written once, as a state that takes the next candles. A whole column is one piece, a live feed is
 * pieces of one candle; how a series is cut into pieces never changes a bit of the result, and no value depends on a
 * later candle.
 *
 *     const TaIndicator *rsi = ta_find(S("rsi"));
 *     TaState *s = ta_open(arena, rsi, (double[]){ 14 });
 *     ta_run(s, (const double *[]){ cs.close }, cs.n, (double *[]){ out });       history
 *     ta_run(s, (const double *[]){ &price }, 1, (double *[]){ &value });          the next candle
 *
 * ta/calls.h has the most used ones as plain functions: ta_rsi(x, n, 14, out).
 *
 * Not ready is NaN, never 0: all outputs are NaN before `lookback` values were seen. An input that is not finite is
 * no value: the state stays as it is and the outputs of that row are NaN. So one indicator feeds another as it is.
 * An output may be the very column of an input. Inputs are never written elsewise.
 *
 * Names and definitions are TA-Lib's (0.6, unstable periods 0) where TA-Lib has the indicator. Where another tool
 * means something else by the name, its variant has the tool's name at the end: rsi_backtrader, ema_ta4j.
 *
 * Memory: a state lives in the arena it was opened in. Threads: one state, one thread; the tables are constant. */

#include "base/arena.h"
#include "base/str.h"

enum { TA_INPUTS_MAX = 5, TA_OUTPUTS_MAX = 5, TA_PARAMS_MAX = 8, TA_PERIOD_MAX = 100000 };

typedef enum TaInput {
    TA_END, /* closes a list */
    TA_OPEN,
    TA_HIGH,
    TA_LOW,
    TA_CLOSE,
    TA_VOLUME,
    TA_X,       /* any column; the close where none is named */
    TA_Y,       /* a second one */
    TA_PERIODS, /* a period for each candle */
} TaInput;

typedef enum TaGroup {
    TA_OVERLAP,
    TA_MOMENTUM,
    TA_VOLATILITY,
    TA_VOLUMES,
    TA_CYCLE,
    TA_PRICE,
    TA_STATISTIC,
    TA_MATH,
    TA_PATTERN,
} TaGroup;

typedef enum TaKind {
    TA_INT,
    TA_REAL,
    TA_AVERAGE, /* a TaAverage */
} TaKind;

/* Kinds of moving average, with TA-Lib's numbers. */
typedef enum TaAverage {
    TA_SMA,
    TA_EMA,
    TA_WMA,
    TA_DEMA,
    TA_TEMA,
    TA_TRIMA,
    TA_KAMA,
    TA_MAMA,
    TA_T3,
    TA_AVERAGES
} TaAverage;

typedef struct TaParam {
    const char *name; /* NULL closes the list */
    TaKind kind;
    double standard, min, max;
} TaParam;

typedef struct TaIndicator {
    const char *name;  /* "plus_di" */
    const char *words; /* "Plus directional indicator" */
    TaGroup group;
    TaInput inputs[TA_INPUTS_MAX + 1];
    TaParam params[TA_PARAMS_MAX + 1];
    const char *outputs[TA_OUTPUTS_MAX + 1]; /* NULL closes the list */
    /* Values depend on all candles since the first: a series begun later differs at its start and converges. Else on
     * the last lookback + 1 candles alone. */
    bool recursive;
    /* Values seen before the first row with all outputs. */
    int (*lookback)(const double *params);
    /* private */
    size_t state_size;
    void (*init)(void *state, Arena *arena, const double *params);
    void (*run)(void *state, const double *const *in, size_t n, double *const *out);
} TaIndicator;

typedef struct TaState TaState;

size_t ta_n_inputs(const TaIndicator *ta);
size_t ta_n_params(const TaIndicator *ta);
size_t ta_n_outputs(const TaIndicator *ta);

size_t ta_count(void);                /* indicators there are */
const TaIndicator *ta_at(size_t i);   /* i < ta_count(), group by group */
const TaIndicator *ta_find(Str name); /* NULL when there is none; upper case is fine */

/* The first parameter outside its range, or not whole where it must be: its index; -1 when all are good. */
int ta_bad_param(const TaIndicator *ta, const double *params);
void ta_standard_params(const TaIndicator *ta, double *out); /* ta_n_params values */

/* params: ta_n_params values that ta_bad_param lets pass (asserted); NULL = the standard ones. */
TaState *ta_open(Arena *arena, const TaIndicator *ta, const double *params);
/* The next n rows: in[k] and out[k] are columns of n in the order of the table. */
void ta_run(TaState *s, const double *const *in, size_t n, double *const *out);
/* Open, run over a whole column, forget. */
void ta_compute(const TaIndicator *ta, const double *params, const double *const *in, size_t n, double *const *out);
