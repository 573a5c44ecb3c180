/* ta/kernel.c - see kernel.h. */

#include "ta/kernel.h"

/* At first all at once: a sum of finite values is finite but for an overflow, and then they are looked at one by one. */
static inline size_t finite_of(const double *const *in, int n_in, size_t at, size_t n) {
    DoublePair zero = { 0 }, other = { 0 };
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        DoublePair a = pair_at(in[0] + at + i), b = pair_at(in[0] + at + i + 2);
        KERNEL_UNROLL
        for (int k = 1; k < n_in; k++) {
            a += pair_at(in[k] + at + i);
            b += pair_at(in[k] + at + i + 2);
        }
        zero += 0 * a; /* NaN where one is not finite */
        other += 0 * b;
    }
    zero += other;
    i = zero[0] + zero[1] == 0 ? i : 0;
    for (; i < n; i++)
        for (int k = 0; k < n_in; k++)
            if (!isfinite(in[k][at + i]))
                return i;
    return n;
}

size_t rows_finite(const double *const *in, int n_in, size_t at, size_t n) {
    switch (n_in) { /* each with its own loop */
    case 1:
        return finite_of(in, 1, at, n);
    case 2:
        return finite_of(in, 2, at, n);
    case 3:
        return finite_of(in, 3, at, n);
    case 4:
        return finite_of(in, 4, at, n);
    default:
        return finite_of(in, n_in, at, n);
    }
}
