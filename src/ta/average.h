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

typedef struct Trima { /* two means, the one of the other */
    Sum one, two;
} Trima;

typedef struct Kama {
    Lag lag;
    Change change;
    Sum steps; /* sizes of the last changes */
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

/* period 1: the value itself. MAMA takes no period: it has the limits 0.5 and 0.05 */
void average_init(Average *a, Arena *arena, TaAverage kind, int period);
double average_next(Average *a, double x);
int average_lookback(TaAverage kind, int period);
