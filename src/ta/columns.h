#pragma once

/* ta/columns.h - windows that lie in the input column itself. Private to ta/.
 *
 * A window part (parts.h) copies each value into a ring of its own, because the column of the piece before is gone. In
 * a piece longer than the window the values are still there: the column is read instead, and the ring is filled again
 * where the piece ends or a value is missing. The same sums are made in the same order, so not a bit differs. */

#include "ta/kernel.h"
#include "ta/parts.h"

/* The last values of a column take their places in the ring; x: one past the newest, `next` is that of the one after. */
static inline void window_refill(Window *w, const double *x) {
    int older = w->size - w->next; /* from the oldest, at `next`, to the end of the ring */
    memcpy(w->at + w->next, x - w->size, (size_t)older * sizeof *x);
    memcpy(w->at, x - w->next, (size_t)w->next * sizeof *x);
}

/* A kernel of one column in, whose state has one window of values of that column.
 *     NAME_next(s, in, out)                one value, by the ring
 *     NAME_column(s, size, x, n, out, at)  n values to out[k][at] on; x[-size] .. x[n - 1] are finite, and the window
 *                                          holds x[-size] .. x[-1]
 * An output over its input takes the ring: the values that fall out have been written over. */
#define KERNEL_COLUMN(name, State, window, n_out)                                                                      \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        State s = *(State *)state;                                                                                     \
        const double *x = in[0];                                                                                       \
        size_t size = (size_t)s.window.size, before = 0; /* finite values of the piece straight before row i */        \
        bool by_column = n > 2 * size, stale = false;                                                                  \
        for (int k = 0; k < (n_out); k++)                                                                              \
            by_column = by_column && x != out[k];                                                                      \
        for (size_t i = 0; i < n;) {                                                                                   \
            size_t block = MIN(n - i, (size_t)KERNEL_BLOCK), good = column_finite(x + i, block), end = i + good;       \
            for (; i < end && (before < size || !by_column); i++, before++) {                                          \
                double y[n_out];                                                                                       \
                name##_next(&s, x + i, y);                                                                             \
                for (int k = 0; k < (n_out); k++)                                                                      \
                    out[k][i] = y[k];                                                                                  \
            }                                                                                                          \
            if (i < end) {                                                                                             \
                name##_column(&s, size, x + i, end - i, out, i);                                                       \
                s.window.next = (int)(((unsigned)s.window.next + (unsigned)(end - i)) % (unsigned)size);               \
                stale = true;                                                                                          \
                i = end;                                                                                               \
            }                                                                                                          \
            if (stale && (good < block || i == n)) {                                                                   \
                window_refill(&s.window, x + i);                                                                       \
                stale = false;                                                                                         \
            }                                                                                                          \
            if (good < block) {                                                                                        \
                for (int k = 0; k < (n_out); k++)                                                                      \
                    out[k][i] = NAN;                                                                                   \
                i++;                                                                                                   \
                before = 0;                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        *(State *)state = s;                                                                                           \
    }

/* Both from what is done with a value; see KERNEL_1. `set_up` sees s, arena, p; `value` sees s and x. */
#define KERNEL_WINDOW(name, State, window, set_up, value)                                                              \
    static void name##_init(void *state, Arena *arena, const double *p) {                                              \
        State *s = state;                                                                                              \
        UNUSED(p);                                                                                                     \
        set_up;                                                                                                        \
    }                                                                                                                  \
    static inline void name##_next(State *s, const double *in, double *out) {                                          \
        double x = in[0];                                                                                              \
        out[0] = (value);                                                                                              \
    }                                                                                                                  \
    KERNEL_COLUMN(name, State, window, 1)

/* --- what sums of a window do by column --- */

static inline void sum_column(Sum *s, size_t size, const double *x, size_t n, double *const *lines, size_t at) {
    double *out = lines[0] + at;
    double sum = s->sum;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        out[i] = sum;
        sum -= x[i + 1 - size];
    }
    s->sum = sum;
}

static inline void sma_column(Sum *s, size_t size, const double *x, size_t n, double *const *lines, size_t at) {
    double *out = lines[0] + at;
    double sum = s->sum, divisor = (double)size;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        out[i] = sum / divisor;
        sum -= x[i + 1 - size];
    }
    s->sum = sum;
}

/* Rows where the ring would begin its turn 0 are those where both sums are taken anew. */
static inline void wma_column(Wma *m, size_t size, const double *x, size_t n, double *const *lines, size_t at) {
    double *out = lines[0] + at, p = (double)size, divisor = p * (p + 1) / 2, sum = m->sum, weighted = m->weighted;
    size_t to_turn = size - (size_t)m->w.next, turns = (size_t)m->turn, to_anew = turns ? WMA_TURNS - turns : 0;
    size_t anew = to_turn - 1 + to_anew * size; /* the next such row */
    for (size_t i = 0; i < n; i++) {
        for (size_t end = MIN(n, anew); i < end; i++) {
            sum += x[i];
            weighted += x[i] * p;
            out[i] = weighted / divisor;
            weighted -= sum;
            sum -= x[i + 1 - size];
        }
        if (i < n) {
            const double *window = x + i + 1 - size;
            wma_anew(window, (int)size, &sum, &weighted);
            out[i] = weighted / divisor;
            weighted -= sum;
            sum -= window[0];
            anew += WMA_TURNS * size;
        }
    }
    m->sum = sum;
    m->weighted = weighted;
    if (n >= to_turn)
        m->turn = (int)((turns + 1 + (unsigned)(n - to_turn) / (unsigned)size) % WMA_TURNS);
}

static inline void difference_column(Lag *l, size_t size, const double *x, size_t n, double *const *lines, size_t at) {
    double *out = lines[0] + at;
    size_t i = 0;
    UNUSED(l);
    for (; i + 4 <= n; i += 4) {
        DoublePair a = pair_at(x + i) - pair_at(x + i - size), b = pair_at(x + i + 2) - pair_at(x + i + 2 - size);
        memcpy(out + i, &a, sizeof a);
        memcpy(out + i + 2, &b, sizeof b);
    }
    for (; i < n; i++)
        out[i] = x[i] - x[i - size];
}

/* Both sums of the value and its square at once: a division costs most. `of` sees them divided as means. */
#define VARIANCE_COLUMN(name, State, variance_, of)                                                                    \
    static inline void name##_column(State *s, size_t size, const double *x, size_t n, double *const *lines,           \
                                     size_t at) {                                                                      \
        double *out = lines[0] + at;                                                                                   \
        DoublePair sums = { (variance_)->sum, (variance_)->squares };                                                  \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double newest = x[i], oldest = x[i + 1 - size];                                                            \
            sums += (DoublePair){ newest, newest * newest };                                                           \
            DoublePair means = sums / (double)size;                                                                    \
            double variance = means[1] - means[0] * means[0];                                                          \
            out[i] = (of);                                                                                             \
            sums -= (DoublePair){ oldest, oldest * oldest };                                                           \
        }                                                                                                              \
        (variance_)->sum = sums[0];                                                                                    \
        (variance_)->squares = sums[1];                                                                                \
    }
