#pragma once

/* ta/kernel.h - how an indicator is written. Private to ta/.
 *
 * NAME_next(state, in, out) takes one row of finite inputs; `out` holds NaN and stays so while it is not ready.
 * NAME_init(state, arena, params) fills a zeroed state. KERNEL makes the loop over columns, with `next` inlined
 * and the numbers of columns constant, so that a row costs what the same loop written by hand costs. */

#include <math.h>
#include <string.h>

#include "ta/ta.h"

/* Written out: a row that went through memory in single values and came back in pairs would wait for the store. */
#ifdef __clang__
#define KERNEL_UNROLL       _Pragma("clang loop unroll(full)")
#define KERNEL_UNROLL_MEANS /* it does, and complains of a loop over none */
#define KERNEL_NO_OVERLAP   /* it asks at run time, and complains where it cannot */
#else
#define KERNEL_UNROLL       _Pragma("GCC unroll 8")
#define KERNEL_UNROLL_MEANS KERNEL_UNROLL
#define KERNEL_NO_OVERLAP   _Pragma("GCC ivdep") /* but for an output that is an input: row i needs no other row */
#endif

/* Rows looked at before they are worked on: few, so that the processor looks at the next ones while a sum that waits
 * for itself is still at these. */
enum { KERNEL_BLOCK = 64 };

typedef double DoublePair __attribute__((vector_size(16))); /* two at a time, the same bits as one after the other */

static inline DoublePair pair_at(const double *x) {
    DoublePair pair;
    memcpy(&pair, x, sizeof pair);
    return pair;
}

typedef int64_t Mask __attribute__((vector_size(16))); /* what holds of two: all bits or none */

static inline DoublePair pair_select(Mask condition, DoublePair then, DoublePair otherwise) {
    return (DoublePair)(((Mask)then & condition) | ((Mask)otherwise & ~condition));
}

static inline DoublePair pair_max(DoublePair a, DoublePair b) {
    return pair_select(a > b, a, b);
}

static inline DoublePair pair_min(DoublePair a, DoublePair b) {
    return pair_select(a < b, a, b);
}

static inline DoublePair pair_size(DoublePair x) {
    return (DoublePair)((Mask)x & INT64_MAX);
}

/* Finite values at the start of x, none passed over. */
static inline size_t column_finite(const double *x, size_t n) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        DoublePair a = pair_at(x + i), b = pair_at(x + i + 2), c = pair_at(x + i + 4), d = pair_at(x + i + 6);
        DoublePair zero = (0 * a + 0 * b) + (0 * c + 0 * d); /* NaN where one is not finite */
        if (zero[0] + zero[1] != 0)
            break;
    }
    while (i < n && isfinite(x[i]))
        i++;
    return i;
}

/* Rows from `at` on, n at most, whose values are all finite. */
size_t rows_finite(const double *const *in, int n_in, size_t at, size_t n);

#define KERNEL_ROW(step, n_in, n_out)                                                                                  \
    double x[n_in], y[n_out];                                                                                          \
    KERNEL_UNROLL                                                                                                      \
    for (int k = 0; k < (n_in); k++)                                                                                   \
        x[k] = in[k][i];                                                                                               \
    KERNEL_UNROLL                                                                                                      \
    for (int k = 0; k < (n_out); k++)                                                                                  \
        y[k] = NAN;                                                                                                    \
    step(s, x, y);                                                                                                     \
    KERNEL_UNROLL                                                                                                      \
    for (int k = 0; k < (n_out); k++)                                                                                  \
        out[k][i] = y[k];

/* For a state that gets ready once and stays so: `ready` sees s. From then on NAME_steady takes the rows, which asks
 * nothing: no branch, no NaN between its parts. It makes the same sums as NAME_next. */
#define KERNEL_STEADY(name, State, n_in, n_out, ready)                                                                 \
    static inline void name##_rows(State *state, const double *const *in, size_t i, size_t end, double *const *out) {  \
        State local = *state, *s = &local; /* nobody else has its address: it stays in registers */                    \
        for (; i < end; i++) {                                                                                         \
            KERNEL_ROW(name##_steady, n_in, n_out)                                                                     \
        }                                                                                                              \
        *state = local;                                                                                                \
    }                                                                                                                  \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        State *s = state;                                                                                              \
        for (size_t i = 0; i < n;) {                                                                                   \
            size_t block = MIN(n - i, (size_t)KERNEL_BLOCK), good = rows_finite(in, (n_in), i, block), end = i + good; \
            for (; i < end && !(ready); i++) {                                                                         \
                KERNEL_ROW(name##_next, n_in, n_out)                                                                   \
            }                                                                                                          \
            name##_rows(s, in, i, end, out);                                                                           \
            i = end;                                                                                                   \
            if (good < block) {                                                                                        \
                for (int k = 0; k < (n_out); k++)                                                                      \
                    out[k][i] = NAN;                                                                                   \
                i++;                                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }

#define KERNEL(name, State, n_in, n_out)                                                                               \
    static inline void name##_steady(State *s, const double *in, double *out) {                                        \
        name##_next(s, in, out);                                                                                       \
    }                                                                                                                  \
    KERNEL_STEADY(name, State, n_in, n_out, true)

/* A kernel of one column in, one out. `set_up` sees s, arena and p (the parameters); `value` sees s and x. */
#define KERNEL_1(name, State, set_up, value)                                                                           \
    static void name##_init(void *state, Arena *arena, const double *p) {                                              \
        State *s = state;                                                                                              \
        UNUSED(s), UNUSED(arena), UNUSED(p);                                                                           \
        set_up;                                                                                                        \
    }                                                                                                                  \
    static inline void name##_next(State *s, const double *in, double *out) {                                          \
        double x = in[0];                                                                                              \
        UNUSED(s);                                                                                                     \
        out[0] = (value);                                                                                              \
    }                                                                                                                  \
    KERNEL(name, State, 1, 1)

/* And one for the rows from `ready` on. */
#define KERNEL_1_STEADY(name, State, set_up, value, ready, steady)                                                     \
    static void name##_init(void *state, Arena *arena, const double *p) {                                              \
        State *s = state;                                                                                              \
        UNUSED(s), UNUSED(arena), UNUSED(p);                                                                           \
        set_up;                                                                                                        \
    }                                                                                                                  \
    static inline void name##_next(State *s, const double *in, double *out) {                                          \
        double x = in[0];                                                                                              \
        out[0] = (value);                                                                                              \
    }                                                                                                                  \
    static inline void name##_steady(State *s, const double *in, double *out) {                                        \
        double x = in[0];                                                                                              \
        out[0] = (steady);                                                                                             \
    }                                                                                                                  \
    KERNEL_STEADY(name, State, 1, 1, ready)

/* The private part of a table row. */
#define KERNEL_OF(name, State) .state_size = sizeof(State), .init = name##_init, .run = name##_run

#define PERIOD(first, standard_)                                                                                       \
    { "period", TA_INT, (standard_), (first), TA_PERIOD_MAX }
#define PERIOD_NAMED(name_, first, standard_)                                                                          \
    { (name_), TA_INT, (standard_), (first), TA_PERIOD_MAX }
#define AVERAGE(name_)                                                                                                 \
    { (name_), TA_AVERAGE, TA_SMA, TA_SMA, TA_AVERAGES - 1 }

typedef struct TaTable {
    const TaIndicator *rows;
    size_t n;
} TaTable;

/* One for each file of indicators. */
extern const TaTable ta_averages, ta_momenta, ta_directions, ta_ranges, ta_stochastics, ta_volumes, ta_windows,
    ta_statistics, ta_maths, ta_cycles, ta_trends, ta_exact, ta_backtrader, ta_patterns_one, ta_patterns_two,
    ta_patterns_three, ta_patterns_more;

/* Lookbacks that several indicators share. */
int ta_lookback_none(const double *p);
int ta_lookback_one(const double *p);
int ta_lookback_period(const double *p);        /* p[0] */
int ta_lookback_period_less_1(const double *p); /* p[0] - 1 */
