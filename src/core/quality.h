#pragma once

/* core/quality.h - candles that are valid and still look wrong (MDS-13): prices that stand still, runs without volume,
 * bad ticks, jumps, rows that come twice. Nothing here is an error; it is what a person should look at.
 *
 * A table streams through in pieces of any size, and the cut into pieces changes nothing. Memory: two arrays of
 * `window` numbers in the arena given to quality_init. Pure. */

#include "core/candle.h"

typedef enum QualityKind {
    QUALITY_STALE,       /* flat candles (open = high = low = close) at one price */
    QUALITY_ZERO_VOLUME, /* candles without volume */
    QUALITY_OUTLIER,     /* a bad tick: one close far off, the next one back */
    QUALITY_JUMP,        /* a close far off that stays there: a split, a wrong scale, or news */
    QUALITY_DUPLICATE,   /* rows with the open time of the row before */
    QUALITY_REPEATED,    /* candles whose five numbers are those of the candle before, with volume */
    QUALITY_OHLC,        /* candles that are none: high below low, a close outside, a negative volume */
    QUALITY_KINDS,
} QualityKind;
const char *quality_kind_name(QualityKind kind); /* "stale", "zero_volume", … */

typedef struct QualityOptions { /* 0 = the standard */
    int64_t stale_run;          /* candles from which a run counts; 10 */
    int64_t zero_volume_run;    /* 10 */
    /* A log return is far off when it differs from the window's median by more than `sigmas` times the robust
     * deviation 1.4826 * MAD, which is taken as at least `min_sigma` where most returns are 0. 12 and 0.0001. */
    double sigmas, min_sigma;
    size_t window; /* returns judged together, from 16; 512 */
} QualityOptions;

typedef struct QualityFinding {
    Time from, to; /* open times of its first and last candle */
    int64_t n;     /* candles in it */
    double value;  /* stale: the price; outlier, jump: the log return; else 0 */
} QualityFinding;

enum { QUALITY_PLACES = 10 };

typedef struct QualityReport {
    int64_t n_candles;
    int64_t n_findings[QUALITY_KINDS];
    int64_t n_in[QUALITY_KINDS];                          /* candles in the findings of a kind */
    QualityFinding places[QUALITY_KINDS][QUALITY_PLACES]; /* the first of each kind */
    int64_t n_unjudged; /* returns too few to judge: a series shorter than 16 candles */
} QualityReport;

typedef struct QualityRun { /* a run that may go on */
    int64_t n;
    Time from;
} QualityRun;

typedef struct QualityCheck {
    QualityOptions options;
    QualityReport report; /* complete after quality_finish */
    /* private */
    Candle last;
    QualityRun runs[QUALITY_KINDS];
    double *returns, *sorted; /* (window) */
    int64_t *times;           /* (window) open time of the candle a return leads to */
    size_t n_returns;
    double median, sigma; /* of the last full window; sigma 0: none yet */
    bool paired;          /* returns[0] is the way back of an outlier */
} QualityCheck;

void quality_init(QualityCheck *q, Arena *arena, const QualityOptions *options);
void quality_add(QualityCheck *q, const Candles *cs); /* the next rows, ascending; equal times are findings */
const QualityReport *quality_finish(QualityCheck *q);
