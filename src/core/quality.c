/* core/quality.c - see quality.h.
 *
 * Returns are judged in windows, each by its own median and median absolute deviation: a market's calm night and its
 * wild day do not share a yardstick, and no outlier can hide behind the deviation it causes itself. */

#include "core/quality.h"

#include "core/validate.h"

#include <math.h>
#include <stdlib.h>

enum { STALE_RUN = 10, ZERO_VOLUME_RUN = 10, WINDOW = 512, WINDOW_MIN = 16 };
static const double SIGMAS = 12, MIN_SIGMA = 1e-4;
static const double MAD_TO_SIGMA = 1.4826; /* of a normal distribution */

const char *quality_kind_name(QualityKind kind) {
    static const char *const names[] = { "stale", "zero_volume", "outlier", "jump", "duplicate", "repeated", "ohlc" };
    assert((size_t)kind < ARRAY_LEN(names));
    return names[kind];
}

void quality_init(QualityCheck *q, Arena *arena, const QualityOptions *options) {
    *q = (QualityCheck){ .options = *options };
    if (q->options.stale_run <= 0)
        q->options.stale_run = STALE_RUN;
    if (q->options.zero_volume_run <= 0)
        q->options.zero_volume_run = ZERO_VOLUME_RUN;
    if (!(q->options.sigmas > 0))
        q->options.sigmas = SIGMAS;
    if (!(q->options.min_sigma > 0))
        q->options.min_sigma = MIN_SIGMA;
    if (q->options.window == 0)
        q->options.window = WINDOW;
    q->options.window = MAX(q->options.window, (size_t)WINDOW_MIN);
    q->returns = arena_new_n(arena, double, q->options.window);
    q->sorted = arena_new_n(arena, double, q->options.window);
    q->times = arena_new_n(arena, int64_t, q->options.window);
}

static void found(QualityCheck *q, QualityKind kind, const QualityFinding *finding) {
    QualityReport *report = &q->report;
    if (report->n_findings[kind] < QUALITY_PLACES)
        report->places[kind][report->n_findings[kind]] = *finding;
    report->n_findings[kind]++;
    report->n_in[kind] += finding->n;
}

/* --- runs --- */

static void run_end(QualityCheck *q, QualityKind kind, int64_t least, double value) {
    QualityRun *run = &q->runs[kind];
    if (run->n >= least)
        found(q, kind, &(QualityFinding){ .from = run->from, .to = q->last.open_time, .n = run->n, .value = value });
    run->n = 0;
}

static void run_add(QualityRun *run, Time t) {
    if (run->n++ == 0)
        run->from = t;
}

static bool is_flat(const Candle *c) {
    return c->open == c->close && c->high == c->close && c->low == c->close;
}

static bool is_repeat(const Candle *a, const Candle *b) {
    return a->open == b->open && a->high == b->high && a->low == b->low && a->close == b->close &&
           a->volume == b->volume && b->volume > 0;
}

static void step_runs(QualityCheck *q, const Candle *c) {
    bool first = q->report.n_candles == 0, again = !first && c->open_time.ms == q->last.open_time.ms;
    if (!is_flat(c) || first || c->close != q->last.close)
        run_end(q, QUALITY_STALE, q->options.stale_run, q->last.close);
    if (is_flat(c))
        run_add(&q->runs[QUALITY_STALE], c->open_time);
    if (c->volume == 0)
        run_add(&q->runs[QUALITY_ZERO_VOLUME], c->open_time);
    else
        run_end(q, QUALITY_ZERO_VOLUME, q->options.zero_volume_run, 0);
    if (again)
        run_add(&q->runs[QUALITY_DUPLICATE], c->open_time);
    else
        run_end(q, QUALITY_DUPLICATE, 1, 0);
    if (candle_issues(c, (Timeframe){ 0 }) & ISSUE_ERRORS)
        run_add(&q->runs[QUALITY_OHLC], c->open_time);
    else
        run_end(q, QUALITY_OHLC, 1, 0);
    if (!first && !again && is_repeat(&q->last, c))
        run_add(&q->runs[QUALITY_REPEATED], c->open_time);
    else
        run_end(q, QUALITY_REPEATED, 1, 0);
}

/* --- returns --- */

static int f64_cmp(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sort_median(double *v, size_t n) {
    qsort(v, n, sizeof *v, f64_cmp);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void measure(QualityCheck *q) {
    size_t n = q->n_returns;
    memcpy(q->sorted, q->returns, n * sizeof *q->sorted);
    q->median = sort_median(q->sorted, n);
    for (size_t i = 0; i < n; i++)
        q->sorted[i] = fabs(q->returns[i] - q->median);
    q->sigma = fmax(MAD_TO_SIGMA * sort_median(q->sorted, n), q->options.min_sigma);
}

static bool far_off(const QualityCheck *q, double r) {
    return fabs(r - q->median) > q->options.sigmas * q->sigma;
}

/* Judges returns [0, n) of those in the window; one behind n may be the way back of the last. */
static void judge(QualityCheck *q, size_t n) {
    size_t i = q->paired ? 1 : 0;
    q->paired = false;
    for (; i < n; i++) {
        double out = q->returns[i];
        if (!far_off(q, out))
            continue;
        QualityFinding f = { .from = time_ms(q->times[i]), .to = time_ms(q->times[i]), .n = 1, .value = out };
        double back = i + 1 < q->n_returns ? q->returns[i + 1] : 0;
        bool returned = far_off(q, back) && fabs(out + back) < 0.5 * fabs(out);
        found(q, returned ? QUALITY_OUTLIER : QUALITY_JUMP, &f);
        i += returned;
    }
    q->paired = i > n; /* the way back is the first of what is left */
}

static void judge_window(QualityCheck *q) {
    measure(q);
    size_t last = q->n_returns - 1; /* waits for the return behind it */
    judge(q, last);
    q->returns[0] = q->returns[last];
    q->times[0] = q->times[last];
    q->n_returns = 1;
}

static void step_return(QualityCheck *q, const Candle *c) {
    if (q->report.n_candles == 0 || c->open_time.ms == q->last.open_time.ms || !(q->last.close > 0) || !(c->close > 0))
        return;
    q->returns[q->n_returns] = log(c->close / q->last.close);
    q->times[q->n_returns++] = c->open_time.ms;
    if (q->n_returns == q->options.window)
        judge_window(q);
}

/* --- the series --- */

void quality_add(QualityCheck *q, const Candles *cs) {
    for (size_t i = 0; i < cs->n; i++) {
        Candle c = candles_get(cs, i);
        step_runs(q, &c);
        step_return(q, &c);
        q->last = c;
        q->report.n_candles++;
    }
}

const QualityReport *quality_finish(QualityCheck *q) {
    run_end(q, QUALITY_STALE, q->options.stale_run, q->last.close);
    run_end(q, QUALITY_ZERO_VOLUME, q->options.zero_volume_run, 0);
    run_end(q, QUALITY_DUPLICATE, 1, 0);
    run_end(q, QUALITY_REPEATED, 1, 0);
    run_end(q, QUALITY_OHLC, 1, 0);
    if (q->n_returns >= WINDOW_MIN)
        measure(q); /* else the window before tells the scale */
    if (q->sigma > 0)
        judge(q, q->n_returns);
    else
        q->report.n_unjudged = (int64_t)q->n_returns;
    q->n_returns = 0;
    return &q->report;
}
