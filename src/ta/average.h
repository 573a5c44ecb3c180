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

/* Once they are ready, of values alone. */
static inline double dema_steady(Dema *d, double x) {
    double one = ema_steady(&d->one, x);
    return 2 * one - ema_steady(&d->two, one);
}

static inline double tema_steady(Tema *t, double x) {
    double one = ema_steady(&t->one, x), two = ema_steady(&t->two, one);
    return ema_steady(&t->three, two) + (3 * one - 3 * two);
}

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

/* TA-Lib's form of the sum, to the bit. */
static inline double t3_step(Ema *e, double x, double weight) {
    return e->value = weight * x + (1 - weight) * e->value;
}

static inline double t3_steady(T3 *t, double x) {
    double weight = t->e[0].weight, two = t3_step(&t->e[1], t3_step(&t->e[0], x, weight), weight);
    double three = t3_step(&t->e[2], two, weight), four = t3_step(&t->e[3], three, weight);
    double five = t3_step(&t->e[4], four, weight), six = t3_step(&t->e[5], five, weight);
    return t->c[0] * six + t->c[1] * five + t->c[2] * four + t->c[3] * three;
}

/* period 1: the value itself. MAMA takes no period: it has the limits 0.5 and 0.05 */
void average_init(Average *a, Arena *arena, TaAverage kind, int period);
double average_next(Average *a, double x);
int average_lookback(TaAverage kind, int period);
