#pragma once

/* ta/kernel.h - how an indicator is written. Private to ta/.
 *
 * NAME_next(state, in, out) takes one row of finite inputs; `out` holds NaN and stays so while it is not ready.
 * NAME_init(state, arena, params) fills a zeroed state. KERNEL makes the loop over columns, with `next` inlined
 * and the numbers of columns constant, so that a row costs what the same loop written by hand costs. */

#include <math.h>

#include "ta/ta.h"

/* Written out: a row that went through memory in single values and came back in pairs would wait for the store. */
#ifdef __clang__
#define KERNEL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define KERNEL_UNROLL _Pragma("GCC unroll 8")
#endif

#define KERNEL(name, State, n_in, n_out)                                                                               \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        State s = *(State *)state; /* a local: columns cannot overlap it, so it stays in registers */                  \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double x[n_in], y[n_out];                                                                                  \
            bool whole = true;                                                                                         \
            KERNEL_UNROLL                                                                                              \
            for (int k = 0; k < (n_in); k++) {                                                                         \
                x[k] = in[k][i];                                                                                       \
                whole = whole && isfinite(x[k]);                                                                       \
            }                                                                                                          \
            KERNEL_UNROLL                                                                                              \
            for (int k = 0; k < (n_out); k++)                                                                          \
                y[k] = NAN;                                                                                            \
            if (LIKELY(whole))                                                                                         \
                name##_next(&s, x, y);                                                                                 \
            KERNEL_UNROLL                                                                                              \
            for (int k = 0; k < (n_out); k++)                                                                          \
                out[k][i] = y[k];                                                                                      \
        }                                                                                                              \
        *(State *)state = s;                                                                                           \
    }

/* The same for a state that gets ready once and stays so: `ready` sees s. From then on NAME_steady takes the rows, which
 * asks nothing: no branch, no NaN between its parts. It makes the same sums as NAME_next. */
#define KERNEL_STEADY(name, State, n_in, n_out, ready)                                                                 \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        State local = *(State *)state, *s = &local;                                                                    \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double x[n_in], y[n_out];                                                                                  \
            bool whole = true;                                                                                         \
            KERNEL_UNROLL                                                                                              \
            for (int k = 0; k < (n_in); k++) {                                                                         \
                x[k] = in[k][i];                                                                                       \
                whole = whole && isfinite(x[k]);                                                                       \
            }                                                                                                          \
            KERNEL_UNROLL                                                                                              \
            for (int k = 0; k < (n_out); k++)                                                                          \
                y[k] = NAN;                                                                                            \
            if (LIKELY(whole && (ready)))                                                                              \
                name##_steady(s, x, y);                                                                                \
            else if (whole)                                                                                            \
                name##_next(s, x, y);                                                                                  \
            KERNEL_UNROLL                                                                                              \
            for (int k = 0; k < (n_out); k++)                                                                          \
                out[k][i] = y[k];                                                                                      \
        }                                                                                                              \
        *(State *)state = local;                                                                                       \
    }

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
