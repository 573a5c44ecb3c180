#pragma once

/* ta/average.h - any of TA-Lib's kinds of moving average as one part. Private to ta/. */

#include "ta/cycle.h"
#include "ta/parts.h"

typedef struct Dema {
    Ema one, two;
} Dema;

typedef struct Tema {
    Ema one, two, three;
} Tema;

typedef struct Trima { /* a mean of means: the sum of sums is divided once */
    Sum one, two;
    double divisor;
} Trima;

typedef struct Kama {
    Window w;    /* one more than the period */
    double path; /* sizes of its changes, summed */
    double fast, slow, value;
} Kama;

typedef struct T3 {
    Ema e[6];
    double c[4];
} T3;

typedef struct Average {
    TaAverage kind;
    union {
        Sum sma;
        Ema ema;
        Wma wma;
        Dema dema;
        Tema tema;
        Trima trima;
        Kama kama;
        T3 t3;
        Mama *mama; /* apart: it is five times as large as the others. In the arena */
    };
} Average;

void dema_init(Dema *d, int period);
double dema_next(Dema *d, double x);
void tema_init(Tema *t, int period);
double tema_next(Tema *t, double x);
void trima_init(Trima *t, Arena *arena, int period);
double trima_next(Trima *t, double x);
void kama_init(Kama *k, Arena *arena, int period);
double kama_next(Kama *k, double x);
void t3_init(T3 *t, int period, double factor);
double t3_next(T3 *t, double x);

/* Once they are ready. */
static inline double trima_steady(Trima *t, double x) {
    return sum_steady(&t->two, sum_steady(&t->one, x)) / t->divisor;
}

/* The way made over `period` steps, over the sum of the steps, is the efficiency. TA-Lib looks at the way before it
 * renews the oldest step, and takes 1 where the way is no shorter. */
static inline double kama_of(Kama *k, double x, double oldest) {
    double way = x - oldest, efficiency = fabs(way / k->path);
    efficiency = k->path <= way || nearly_zero(k->path) ? 1 : efficiency;
    double weight = efficiency * (k->fast - k->slow) + k->slow;
    return k->value += (x - k->value) * (weight * weight);
}

static inline double t3_steady(T3 *t, double x) {
    double e[6];
    KERNEL_UNROLL
    for (int i = 0; i < 6; i++)
        e[i] = x = t->e[i].value = t->e[i].weight * x + (1 - t->e[i].weight) * t->e[i].value;
    return t->c[0] * e[5] + t->c[1] * e[4] + t->c[2] * e[3] + t->c[3] * e[2];
}

/* period 1: the value itself. MAMA takes no period: it has the limits 0.5 and 0.05 */
void average_init(Average *a, Arena *arena, TaAverage kind, int period);
double average_next(Average *a, double x);
int average_lookback(TaAverage kind, int period);
