/* core/stats.c - see stats.h. */

#include "core/stats.h"

#include <math.h>

/* --- moments --- */

void moments_add(Moments *m, double x) {
    m->min = m->n == 0 || x < m->min ? x : m->min;
    m->max = m->n == 0 || x > m->max ? x : m->max;
    m->n++;
    long double delta = x - m->mean;
    m->mean += delta / (long double)m->n;
    m->m2 += delta * (x - m->mean);
}

void moments_merge(Moments *m, const Moments *more) {
    if (more->n == 0)
        return;
    if (m->n == 0) {
        *m = *more;
        return;
    }
    long double n = (long double)(m->n + more->n), delta = more->mean - m->mean;
    m->m2 += more->m2 + delta * delta * ((long double)m->n * (long double)more->n / n);
    m->mean += delta * ((long double)more->n / n);
    m->n += more->n;
    m->min = MIN(m->min, more->min);
    m->max = MAX(m->max, more->max);
}

double moments_mean(const Moments *m) {
    return m->n > 0 ? (double)m->mean : NAN;
}

double moments_var_population(const Moments *m) {
    return m->n > 0 ? (double)(m->m2 / (long double)m->n) : NAN;
}

double moments_var_sample(const Moments *m) {
    return m->n > 1 ? (double)(m->m2 / (long double)(m->n - 1)) : NAN;
}

double moments_std_population(const Moments *m) {
    return m->n > 0 ? (double)sqrtl(m->m2 / (long double)m->n) : NAN;
}

double moments_std_sample(const Moments *m) {
    return m->n > 1 ? (double)sqrtl(m->m2 / (long double)(m->n - 1)) : NAN;
}

/* --- candles --- */

void candle_stats_init(CandleStats *s, Timeframe tf) {
    *s = (CandleStats){ .timeframe = tf };
}

static void add_return(CandleStats *s, double from, double to) {
    if (from != 0)
        moments_add(&s->returns, to / from - 1);
}

static bool same_cell(const CandleStats *s, Time a, Time b) {
    return timeframe_floor(s->timeframe, a).ms == timeframe_floor(s->timeframe, b).ms;
}

static void add_candle(CandleStats *s, const Candle *c) {
    if (s->n == 0) {
        s->first = c->open_time;
        s->first_open = c->open;
        s->first_close = c->close;
        s->highest = c->high;
        s->lowest = c->low;
        s->n_cells = 1;
    } else {
        add_return(s, s->last_close, c->close);
        s->n_cells += !same_cell(s, s->last, c->open_time);
    }
    s->last = c->open_time;
    s->last_close = c->close;
    s->highest = MAX(s->highest, c->high);
    s->lowest = MIN(s->lowest, c->low);
    s->n++;
    s->n_synthetic += (c->flags & CANDLE_SYNTHETIC) != 0;

    double typical = (c->high + c->low + c->close) / 3;
    moments_add(&s->close, c->close);
    moments_add(&s->volume, c->volume);
    moments_add(&s->typical, typical);
    s->volume_sum += c->volume;
    s->typical_volume_sum += (long double)typical * c->volume;
}

void candle_stats_add(CandleStats *s, const Candles *cs) {
    for (size_t i = 0; i < cs->n; i++) {
        Candle c = candles_get(cs, i);
        add_candle(s, &c);
    }
}

void candle_stats_merge(CandleStats *s, const CandleStats *after) {
    assert(timeframe_eq(s->timeframe, after->timeframe));
    if (after->n == 0)
        return;
    if (s->n == 0) {
        *s = *after;
        return;
    }
    add_return(s, s->last_close, after->first_close);
    moments_merge(&s->returns, &after->returns);
    moments_merge(&s->close, &after->close);
    moments_merge(&s->volume, &after->volume);
    moments_merge(&s->typical, &after->typical);
    s->n_cells += after->n_cells - same_cell(s, s->last, after->first);
    s->n += after->n;
    s->n_synthetic += after->n_synthetic;
    s->last = after->last;
    s->last_close = after->last_close;
    s->highest = MAX(s->highest, after->highest);
    s->lowest = MIN(s->lowest, after->lowest);
    s->volume_sum += after->volume_sum;
    s->typical_volume_sum += after->typical_volume_sum;
}

double candle_stats_volume(const CandleStats *s) {
    return (double)s->volume_sum;
}

double candle_stats_vwap(const CandleStats *s) {
    return s->volume_sum > 0 ? (double)(s->typical_volume_sum / s->volume_sum) : NAN;
}

double candle_stats_completeness(const CandleStats *s) {
    if (s->n == 0)
        return NAN;
    Time from = timeframe_floor(s->timeframe, s->first), to = timeframe_next(s->timeframe, s->last);
    return candle_stats_completeness_in(s, from, to);
}

double candle_stats_completeness_in(const CandleStats *s, Time from, Time to) {
    int64_t expected = timeframe_count(s->timeframe, from, to);
    return expected > 0 ? 100.0 * (double)s->n_cells / (double)expected : NAN;
}
