#pragma once

/* core/disagree.h - two venues, one instrument: where do their prices part? (MDS-13)
 *
 * Candles of equal open times are compared by their closes, in basis points of the mean of the two. Places that only
 * one of them has are counted, not judged. Streams: both tables may come in pieces. Pure. */

#include "core/candle.h"

/* (a - b) / mean(a, b) * 10,000; NaN when the mean is 0. */
double difference_bps(double a, double b);

enum { DISAGREE_PLACES = 20, DISAGREE_JOIN = 5 };

typedef struct DisagreeRun { /* candles over the threshold, with at most DISAGREE_JOIN quiet ones between two */
    Time from, to;           /* open times of its first and last candle over the threshold */
    int64_t n;               /* candles over the threshold */
    double worst_bps;        /* signed: positive where the first venue is dearer */
    Time worst_at;
} DisagreeRun;

typedef struct Disagreement {
    double threshold_bps;
    int64_t n_compared, n_over, n_runs;
    int64_t only_first, only_second; /* candles whose time the other lacks */
    double sum_bps, sum_abs_bps;     /* over all compared */
    double worst_bps;                /* largest by size, signed */
    Time worst_at;
    DisagreeRun places[DISAGREE_PLACES]; /* the longest runs, longest first */
    /* private */
    DisagreeRun run;
    int64_t quiet; /* candles compared since the last one over the threshold */
} Disagreement;

void disagree_init(Disagreement *d, double threshold_bps);
/* The next piece of each; both must reach to the same time. */
void disagree_add(Disagreement *d, const Candles *first, const Candles *second);
void disagree_finish(Disagreement *d);
