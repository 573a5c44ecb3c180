/* ta/average.c - see average.h. Kaufman: "Smarter Trading" 1995; Tillson: "Smoothing techniques for more accurate
 * signals", 1998; Mulloy: "Smoothing data with faster moving averages", 1994. */

#include "ta/average.h"

void dema_init(Dema *d, int period) {
    ema_init(&d->one, period);
    ema_init(&d->two, period);
}

double dema_next(Dema *d, double x) {
    double one = ema_next(&d->one, x), two = ema_next(&d->two, one);
    return 2 * one - two;
}

void tema_init(Tema *t, int period) {
    ema_init(&t->one, period);
    ema_init(&t->two, period);
    ema_init(&t->three, period);
}

double tema_next(Tema *t, double x) {
    double one = ema_next(&t->one, x), two = ema_next(&t->two, one), three = ema_next(&t->three, two);
    return three + (3 * one - 3 * two);
}

void trima_init(Trima *t, Arena *arena, int period) {
    int half = (period + 1) / 2;
    sum_init(&t->one, arena, half);
    sum_init(&t->two, arena, period + 1 - half);
    t->divisor = (double)half * (period + 1 - half);
}

double trima_next(Trima *t, double x) {
    return sum_next(&t->two, sum_next(&t->one, x)) / t->divisor;
}

void kama_init(Kama *k, Arena *arena, int period) {
    window_init(&k->w, arena, period + 1);
    k->fast = 2.0 / 3;
    k->slow = 2.0 / 31;
}

/* The value before the first is the price. */
double kama_next(Kama *k, double x) {
    if (isnan(x))
        return NAN;
    if (k->w.n > 0)
        k->path += fabs(x - window_at(&k->w, 0));
    window_push(&k->w, x);
    if (!window_full(&k->w)) {
        k->value = x;
        return NAN;
    }
    double value = kama_of(k, x, window_oldest(&k->w));
    k->path -= fabs(window_at(&k->w, k->w.size - 2) - window_oldest(&k->w));
    return value;
}

void t3_init(T3 *t, int period, double v) {
    for (int i = 0; i < 6; i++)
        ema_init(&t->e[i], period);
    t->c[0] = -v * v * v;
    t->c[1] = 3 * v * v + 3 * v * v * v;
    t->c[2] = -6 * v * v - 3 * v - 3 * v * v * v;
    t->c[3] = 1 + 3 * v + v * v * v + 3 * v * v;
}

double t3_next(T3 *t, double x) {
    if (t->e[5].n == t->e[5].period && !isnan(x))
        return t3_steady(t, x);
    double e[6];
    for (int i = 0; i < 6; i++)
        e[i] = x = ema_next(&t->e[i], x);
    return t->c[0] * e[5] + t->c[1] * e[4] + t->c[2] * e[3] + t->c[3] * e[2];
}

void average_init(Average *a, Arena *arena, TaAverage kind, int period) {
    a->kind = period == 1 ? TA_SMA : kind;
    switch (a->kind) {
    case TA_EMA:
        ema_init(&a->ema, period);
        return;
    case TA_WMA:
        wma_init(&a->wma, arena, period);
        return;
    case TA_DEMA:
        dema_init(&a->dema, period);
        return;
    case TA_TEMA:
        tema_init(&a->tema, period);
        return;
    case TA_TRIMA:
        trima_init(&a->trima, arena, period);
        return;
    case TA_KAMA:
        kama_init(&a->kama, arena, period);
        return;
    case TA_T3:
        t3_init(&a->t3, period, 0.7);
        return;
    case TA_MAMA:
        a->mama = arena_new(arena, Mama);
        mama_init(a->mama, 0.5, 0.05);
        return;
    case TA_SMA:
    case TA_AVERAGES:
        sum_init(&a->sma, arena, period);
        return;
    }
}

double average_next(Average *a, double x) {
    switch (a->kind) {
    case TA_EMA:
        return ema_next(&a->ema, x);
    case TA_WMA:
        return wma_next(&a->wma, x);
    case TA_DEMA:
        return dema_next(&a->dema, x);
    case TA_TEMA:
        return tema_next(&a->tema, x);
    case TA_TRIMA:
        return trima_next(&a->trima, x);
    case TA_KAMA:
        return kama_next(&a->kama, x);
    case TA_T3:
        return t3_next(&a->t3, x);
    case TA_MAMA:
        return !isnan(x) && mama_next(a->mama, x) ? a->mama->mama : NAN;
    case TA_SMA:
    case TA_AVERAGES:
        break;
    }
    return sma_next(&a->sma, x);
}

int average_lookback(TaAverage kind, int period) {
    if (period == 1)
        return 0;
    switch (kind) {
    case TA_DEMA:
        return 2 * (period - 1);
    case TA_TEMA:
        return 3 * (period - 1);
    case TA_T3:
        return 6 * (period - 1);
    case TA_KAMA:
        return period;
    case TA_MAMA:
        return CYCLE_LOOKBACK;
    default:
        return period - 1;
    }
}
