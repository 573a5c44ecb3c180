/* core/disagree.c - see disagree.h. */

#include "core/disagree.h"

#include <math.h>

double difference_bps(double a, double b) {
    double mean = a / 2 + b / 2;
    return mean != 0 ? (a - b) / mean * 1e4 : NAN;
}

void disagree_init(Disagreement *d, double threshold_bps) {
    *d = (Disagreement){ .threshold_bps = threshold_bps };
}

/* The longest runs are kept, in order; of equal ones the earlier stays ahead. */
static void run_end(Disagreement *d) {
    if (d->run.n == 0)
        return;
    size_t n = (size_t)MIN(d->n_runs, DISAGREE_PLACES), at = n;
    while (at > 0 && d->places[at - 1].n < d->run.n)
        at--;
    if (at < DISAGREE_PLACES) {
        memmove(&d->places[at + 1], &d->places[at], (MIN(n, (size_t)DISAGREE_PLACES - 1) - at) * sizeof d->places[0]);
        d->places[at] = d->run;
    }
    d->n_runs++;
    d->run = (DisagreeRun){ 0 };
}

static void compare(Disagreement *d, Time t, double a, double b) {
    double bps = difference_bps(a, b);
    if (isnan(bps))
        return;
    d->n_compared++;
    d->sum_bps += bps;
    d->sum_abs_bps += fabs(bps);
    if (fabs(bps) > fabs(d->worst_bps) || d->n_compared == 1) {
        d->worst_bps = bps;
        d->worst_at = t;
    }
    if (!(fabs(bps) > d->threshold_bps)) {
        if (++d->quiet > DISAGREE_JOIN)
            run_end(d);
        return;
    }
    d->n_over++;
    d->quiet = 0;
    if (d->run.n++ == 0)
        d->run.from = t;
    d->run.to = t;
    if (fabs(bps) > fabs(d->run.worst_bps)) {
        d->run.worst_bps = bps;
        d->run.worst_at = t;
    }
}

void disagree_add(Disagreement *d, const Candles *first, const Candles *second) {
    size_t i = 0, k = 0;
    while (i < first->n || k < second->n) {
        int64_t a = i < first->n ? first->open_ms[i] : INT64_MAX, b = k < second->n ? second->open_ms[k] : INT64_MAX;
        if (a == b && i < first->n && k < second->n) {
            compare(d, time_ms(a), first->close[i++], second->close[k++]);
        } else if (k == second->n || (i < first->n && a < b)) {
            d->only_first++;
            i++;
        } else {
            d->only_second++;
            k++;
        }
    }
}

void disagree_finish(Disagreement *d) {
    run_end(d);
}
