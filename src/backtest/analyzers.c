/* backtest/analyzers.c - see analyzers.h.
 *
 * Backtrader sums with math.fsum, and where a deviation is exactly 0 it prints None: sums here are rounded once too
 * (fsum), or a run without trades would show a Sharpe ratio of 10^16. */

#include "backtest/analyzers.h"

#include <math.h>

#include "backtest/fsum.h"

static double mean_of(const double *x, size_t n) {
    return fsum(x, n) / (double)n;
}

/* standarddev(x, avgx, bessel) */
static double deviation_of(const double *x, size_t n, double mean, bool sample, Arena *scratch) {
    ArenaMark mark = arena_mark(scratch);
    double *squares = arena_alloc(scratch, mem_mul(MAX(n, 1), sizeof(double)));
    for (size_t i = 0; i < n; i++)
        squares[i] = (x[i] - mean) * (x[i] - mean);
    double sum = fsum(squares, n);
    arena_rewind(scratch, mark);
    size_t bessel = sample ? 1 : 0;
    return n > bessel ? sqrt(sum / (double)(n - bessel)) : NAN;
}

/* --- periods --- */

double analyzer_frame_factor(AnalyzerFrame frame) {
    static const double factors[] = { 0, 252, 52, 12, 1 };
    return factors[frame];
}

/* A number that grows from one period to the next, and the day that Backtrader names the period by. */
static int64_t period_of(AnalyzerFrame frame, int64_t time_ms_, int64_t *key) {
    int64_t days = floor_div(time_ms_, MS_PER_DAY), week;
    int year, month, day;
    switch (frame) {
    case FRAME_CANDLES:
        return *key = time_ms_;
    case FRAME_DAYS:
        return *key = days;
    case FRAME_WEEKS:
        week = floor_div(days + 3, 7); /* 1970-01-01 was a Thursday */
        *key = week * 7 - 3 + 6;
        return week;
    default:
        break;
    }
    civil_from_days(days, &year, &month, &day);
    if (frame == FRAME_YEARS) {
        *key = civil_to_days(year, 12, 31);
        return year;
    }
    *key = civil_to_days(year, month, days_in_month(year, month));
    return (int64_t)year * 12 + month;
}

/* Walks the steps and tells where a new period begins. */
typedef struct Periods {
    AnalyzerFrame frame;
    bool begun;
    int64_t period, key;
    int64_t day_seen; /* steps of one day need no calendar */
} Periods;

static bool period_begins(Periods *p, int64_t time) {
    if (p->begun && p->frame >= FRAME_DAYS && floor_div(time, MS_PER_DAY) == p->day_seen)
        return false;
    p->day_seen = floor_div(time, MS_PER_DAY);
    int64_t key, period = period_of(p->frame, time, &key);
    if (p->begun && period <= p->period)
        return false;
    p->begun = true;
    p->period = period;
    p->key = key;
    return true;
}

static size_t count_periods(const BacktestResult *r, AnalyzerFrame frame) {
    Periods p = { .frame = frame };
    size_t n = 0;
    for (size_t i = 0; i < r->n_steps; i++)
        n += period_begins(&p, r->time_ms[i]);
    return n;
}

static void returns_init(PeriodReturns *out, Arena *arena, size_t n) {
    *out = (PeriodReturns){ .key_days = arena_new_n(arena, int64_t, MAX(n, 1)),
                            .value = arena_new_n(arena, double, MAX(n, 1)) };
}

void analyzer_time_return(const BacktestResult *r, AnalyzerFrame frame, Arena *arena, PeriodReturns *out) {
    returns_init(out, arena, count_periods(r, frame));
    Periods p = { .frame = frame };
    double start = r->initial_cash, last = r->initial_cash;
    for (size_t i = 0; i < r->n_steps; i++) {
        if (period_begins(&p, r->time_ms[i])) {
            start = last;
            out->key_days[out->n++] = p.key;
        }
        last = r->equity[i];
        out->value[out->n - 1] = last / start - 1;
    }
}

void analyzer_annual(const BacktestResult *r, Arena *arena, PeriodReturns *out) {
    returns_init(out, arena, count_periods(r, FRAME_YEARS));
    Periods p = { .frame = FRAME_YEARS };
    double start = 0, last = 0;
    for (size_t i = 0; i < r->n_steps; i++) {
        if (period_begins(&p, r->time_ms[i])) {
            start = out->n == 0 ? r->equity[i] : last;
            out->key_days[out->n++] = p.period;
        }
        last = r->equity[i];
        out->value[out->n - 1] = last / start - 1;
    }
}

/* --- ratios of returns --- */

SharpeOptions sharpe_options_standard(void) {
    return (SharpeOptions){ .frame = FRAME_YEARS, .risk_free = 0.01 };
}

double analyzer_sharpe(const PeriodReturns *returns, const SharpeOptions *o, Arena *scratch) {
    double factor = o->factor != 0 ? o->factor : analyzer_frame_factor(o->frame), rate = o->risk_free;
    size_t n = returns->n;
    if (n == (size_t)o->sample || n == 0)
        return NAN;
    ArenaMark mark = arena_mark(scratch);
    double *excess = arena_alloc(scratch, mem_mul(n, sizeof(double)));
    if (factor != 0 && !o->no_convert)
        rate = pow(1 + rate, 1 / factor) - 1;
    for (size_t i = 0; i < n; i++) {
        double x = returns->value[i];
        excess[i] = (factor != 0 && o->no_convert ? pow(1 + x, factor) - 1 : x) - rate;
    }
    double mean = mean_of(excess, n), deviation = deviation_of(excess, n, mean, o->sample, scratch);
    arena_rewind(scratch, mark);
    if (deviation == 0)
        return NAN;
    double ratio = mean / deviation;
    return factor != 0 && !o->no_convert && o->annualize ? sqrt(factor) * ratio : ratio;
}

void analyzer_period_stats(const PeriodReturns *returns, Arena *scratch, PeriodStats *out) {
    *out = (PeriodStats){ .average = NAN, .stddev = NAN, .best = NAN, .worst = NAN };
    size_t n = returns->n;
    if (n == 0)
        return;
    out->average = mean_of(returns->value, n);
    out->stddev = deviation_of(returns->value, n, out->average, false, scratch);
    out->best = out->worst = returns->value[0];
    for (size_t i = 0; i < n; i++) {
        double x = returns->value[i];
        out->best = MAX(out->best, x);
        out->worst = MIN(out->worst, x);
        out->positive += x > 0;
        out->negative += x < 0;
        out->unchanged += x == 0;
    }
}

void analyzer_returns(const BacktestResult *r, AnalyzerFrame frame, LogReturns *out) {
    size_t n = count_periods(r, frame);
    double ratio = r->final_value / r->initial_cash, factor = analyzer_frame_factor(frame);
    out->total = ratio > 0 ? log(ratio) : -INFINITY;
    out->average = out->total / (double)n;
    out->normal = isinf(out->average) ? out->average : expm1(out->average * (factor != 0 ? factor : 1));
    out->normal_percent = out->normal * 100;
}

/* Each period begins with the value at its first candle, not at the last candle before it; a last period of a single
 * candle has no end and is left out. */
double analyzer_vwr(const BacktestResult *r, AnalyzerFrame frame, double tau, double sdev_max, Arena *arena) {
    LogReturns returns;
    analyzer_returns(r, frame, &returns);
    ArenaMark mark = arena_mark(arena);
    size_t n = 0;
    double *off = arena_alloc(arena, mem_mul(count_periods(r, frame) + 1, sizeof(double)));
    Periods p = { .frame = frame };
    double start = r->initial_cash, end = NAN;
    bool ended = false;
    for (size_t i = 0; i < r->n_steps; i++) {
        end = r->equity[i];
        ended = true;
        if (!period_begins(&p, r->time_ms[i]))
            continue;
        n++;
        off[n - 1] = end / (start * exp(returns.average * (double)n)) - 1;
        start = end;
        ended = false;
    }
    if (ended) {
        n++;
        off[n - 1] = end / (start * exp(returns.average * (double)n)) - 1;
    }
    double deviation = n > 1 ? deviation_of(off, n, mean_of(off, n), true, arena) : NAN;
    arena_rewind(arena, mark);
    return returns.normal_percent * (1 - pow(deviation / sdev_max, tau));
}

/* --- drawdowns --- */

void analyzer_drawdown(const BacktestResult *r, DrawDown *out) {
    double peak = -INFINITY;
    *out = (DrawDown){ 0 };
    for (size_t i = 0; i < r->n_steps; i++) {
        peak = MAX(peak, r->equity[i]);
        out->money = peak - r->equity[i];
        out->percent = 100 * out->money / peak;
        out->max_money = MAX(out->max_money, out->money);
        out->max_percent = MAX(out->max_percent, out->percent);
        out->len = out->percent != 0 ? out->len + 1 : 0;
        out->max_len = MAX(out->max_len, out->len);
    }
}

typedef struct PeriodDrawDown {
    double peak;
    size_t len;
    TimeDrawDown most;
} PeriodDrawDown;

static void period_drawdown(PeriodDrawDown *d, double value) {
    if (value > d->peak) {
        d->peak = value;
        d->len = 0;
    }
    double down = 100 * (d->peak - value) / d->peak;
    d->len += down != 0;
    d->most.max_percent = MAX(d->most.max_percent, down);
    d->most.max_periods = MAX(d->most.max_periods, d->len);
}

void analyzer_time_drawdown(const BacktestResult *r, AnalyzerFrame frame, TimeDrawDown *out) {
    PeriodDrawDown d = { .peak = -INFINITY };
    Periods p = { .frame = frame };
    for (size_t i = 0; i < r->n_steps; i++)
        if (period_begins(&p, r->time_ms[i]))
            period_drawdown(&d, r->equity[i]);
    *out = d.most;
}

/* --- Calmar --- */

enum { CALMAR_WINDOW_MAX = 1200 };

typedef struct CalmarState {
    double values[CALMAR_WINDOW_MAX];
    size_t window, at; /* at: place of the oldest */
    double most;
} CalmarState;

static double calmar_next(CalmarState *s, double drawdown, double value) {
    s->most = MAX(s->most, drawdown);
    s->values[s->at] = value;
    s->at = (s->at + 1) % s->window;
    double grown = log(value / s->values[s->at]) / (double)s->window; /* the oldest, NaN while there is none */
    return grown / (s->most != 0 ? s->most : INFINITY);
}

void analyzer_calmar(const BacktestResult *r, AnalyzerFrame frame, size_t window, Calmar *out) {
    assert(window > 0 && window <= CALMAR_WINDOW_MAX);
    CalmarState s = { .window = window, .most = -INFINITY };
    for (size_t i = 0; i < window; i++)
        s.values[i] = NAN;
    s.values[0] = r->initial_cash;
    s.at = 1 % window;
    PeriodDrawDown d = { .peak = -INFINITY };
    Periods p = { .frame = frame };
    *out = (Calmar){ .last = NAN };
    for (size_t i = 0; i < r->n_steps; i++)
        if (period_begins(&p, r->time_ms[i])) {
            period_drawdown(&d, r->equity[i]);
            calmar_next(&s, d.most.max_percent, r->equity[i]);
            out->n++;
        }
    out->last = calmar_next(&s, d.most.max_percent, r->final_value); /* the end counts as one more */
}

/* --- trades --- */

static const Trade *closing_at(const BacktestResult *r, size_t k) {
    return &r->trades[r->closings ? r->closings[k] : k];
}

void analyzer_sqn(const BacktestResult *r, Arena *scratch, Sqn *out) {
    size_t n = r->n_closed;
    *out = (Sqn){ .n = n };
    if (n <= 1)
        return;
    ArenaMark mark = arena_mark(scratch);
    double *pnl = arena_alloc(scratch, mem_mul(n, sizeof(double)));
    for (size_t i = 0; i < n; i++)
        pnl[i] = closing_at(r, i)->pnl_net;
    double mean = mean_of(pnl, n), deviation = deviation_of(pnl, n, mean, false, scratch);
    out->sqn = deviation == 0 ? NAN : sqrt((double)n) * mean / deviation;
    arena_rewind(scratch, mark);
}

static void sum_add(TradeSum *s, double pnl, size_t n, bool lost) {
    s->total += pnl;
    s->average = s->total / (double)MAX(n, 1);
    s->max = lost ? MIN(s->max, pnl) : MAX(s->max, pnl);
}

/* A least length of 0 is forgotten by the next trade, as Backtrader's `min or MAXINT` forgets it. */
static void len_add(TradeLen *l, size_t candles, size_t n) {
    l->total += candles;
    l->average = (double)l->total / (double)MAX(n, 1);
    l->max = MAX(l->max, candles);
    l->min = MIN(l->min == 0 ? (size_t)INT64_MAX : l->min, candles);
}

static void side_add(TradeSideStats *s, const Trade *t, bool keep_zero) {
    bool won = t->pnl_net >= 0;
    s->n++;
    s->won += won;
    s->lost += !won;
    sum_add(&s->pnl, t->pnl_net, s->n, false);
    sum_add(won ? &s->pnl_won : &s->pnl_lost, t->pnl_net, won ? s->won : s->lost, !won);
    if (t->candles > 0 || keep_zero)
        len_add(&s->len, t->candles, s->n);
    s->len.average = (double)s->len.total / (double)s->n;
    TradeLen *of = won ? &s->len_won : &s->len_lost;
    if (t->candles > 0)
        len_add(of, t->candles, won ? s->won : s->lost);
    of->average = (double)of->total / (double)(won ? s->won : s->lost);
}

static void streak_add(TradeAnalysis *out, bool won) {
    out->streak_won = won ? out->streak_won + 1 : 0;
    out->streak_lost = won ? 0 : out->streak_lost + 1;
    out->streak_won_longest = MAX(out->streak_won_longest, out->streak_won);
    out->streak_lost_longest = MAX(out->streak_lost_longest, out->streak_lost);
}

void analyzer_trades(const BacktestResult *r, TradeAnalysis *out) {
    *out = (TradeAnalysis){ .n = r->n_trades, .closed = r->n_closed, .open = r->n_trades - r->n_closed };
    TradeSideStats *all[] = { &out->both, &out->side[SIDE_LONG], &out->side[SIDE_SHORT] };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i]->len.min = all[i]->len_won.min = all[i]->len_lost.min = (size_t)INT64_MAX;
    for (size_t i = 0; i < r->n_closed; i++) {
        const Trade *t = closing_at(r, i);
        streak_add(out, t->pnl_net >= 0);
        out->gross.total += t->pnl;
        out->gross.average = out->gross.total / (double)(i + 1);
        side_add(&out->both, t, true);
        side_add(&out->side[t->side], t, false);
    }
}

/* --- all --- */

void analyzers_compute(BacktestResult *r, Arena *arena) {
    Analyzers *a = arena_new(arena, Analyzers);
    analyzer_time_return(r, FRAME_DAYS, arena, &a->days);
    analyzer_time_return(r, FRAME_MONTHS, arena, &a->months);
    analyzer_time_return(r, FRAME_YEARS, arena, &a->years);
    SharpeOptions o = sharpe_options_standard();
    a->sharpe_years = analyzer_sharpe(&a->years, &o, arena);
    o.frame = FRAME_DAYS;
    a->sharpe_days = analyzer_sharpe(&a->days, &o, arena);
    o.annualize = true;
    a->sharpe_days_annual = analyzer_sharpe(&a->days, &o, arena);
    analyzer_drawdown(r, &a->drawdown);
    analyzer_time_drawdown(r, FRAME_MONTHS, &a->drawdown_months);
    analyzer_trades(r, &a->trades);
    analyzer_sqn(r, arena, &a->sqn);
    analyzer_annual(r, arena, &a->annual);
    analyzer_returns(r, FRAME_DAYS, &a->returns);
    a->vwr = analyzer_vwr(r, FRAME_DAYS, 0.2, 2, arena);
    analyzer_period_stats(&a->years, arena, &a->year_stats);
    analyzer_calmar(r, FRAME_MONTHS, 36, &a->calmar);
    r->analyzers = a;
}
