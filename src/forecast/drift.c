/* forecast/drift.c - see drift.h. */

#include "forecast/drift.h"

#include <math.h>

double drift_psi(const float cuts[static DRIFT_TENTHS - 1], const float *v, size_t n) {
    size_t in[DRIFT_TENTHS] = { 0 };
    double psi = 0;
    assert(n > 0);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < DRIFT_TENTHS - 1 && v[i] >= cuts[k])
            k++;
        in[k]++;
    }
    for (size_t k = 0; k < DRIFT_TENTHS; k++) {
        double p = (in[k] ? (double)in[k] : 0.5) / (double)n, q = 1.0 / DRIFT_TENTHS;
        psi += (p - q) * log(p / q);
    }
    return psi;
}

/* 2 sum (-1)^(k-1) exp(-2 k² x²); near 0 the sum does not settle, and the chance is 1. */
static double kolmogorov(double x) {
    enum { TERMS = 100 };
    double sum = 0, before = 0;
    for (int k = 1; k <= TERMS; k++) {
        double term = (k % 2 ? 2 : -2) * exp(-2 * x * x * k * k);
        sum += term;
        if (fabs(term) <= 1e-3 * before || fabs(term) <= 1e-10 * fabs(sum))
            return CLAMP(sum, 0, 1);
        before = fabs(term);
    }
    return 1;
}

double drift_ks(const float *a, size_t n_a, const float *b, size_t n_b, double *p) {
    size_t i = 0, k = 0;
    double most = 0;
    assert(n_a > 0 && n_b > 0);
    while (i < n_a && k < n_b) {
        float at = MIN(a[i], b[k]);
        while (i < n_a && a[i] == at)
            i++;
        while (k < n_b && b[k] == at)
            k++;
        most = MAX(most, fabs((double)i / (double)n_a - (double)k / (double)n_b));
    }
    double n = sqrt((double)n_a * (double)n_b / (double)(n_a + n_b));
    *p = kolmogorov((n + 0.12 + 0.11 / n) * most);
    return most;
}

/* --- ADWIN --- */

void adwin_init(Adwin *a, double delta) {
    assert(delta > 0 && delta < 1);
    *a = (Adwin){ .delta = delta, .n_rows = 1 };
}

/* Deviations of two parts together, by their means' distance. */
static double joined(double squares_a, double sum_a, double n_a, double squares_b, double sum_b, double n_b) {
    double d = sum_a / n_a - sum_b / n_b;
    return squares_a + squares_b + n_a * n_b / (n_a + n_b) * d * d;
}

static void put_first(Adwin *a, int row, AdwinSum s) {
    for (int i = a->n_row[row]; i > 0; i--)
        a->rows[row][i] = a->rows[row][i - 1];
    a->rows[row][0] = s;
    a->n_row[row]++;
    a->n_rows = MAX(a->n_rows, row + 1);
}

/* A row that has one too many gives its two oldest to the next, as one. */
static void compress(Adwin *a) {
    for (int r = 0; r < ADWIN_ROWS - 1 && a->n_row[r] > ADWIN_PER_ROW; r++) {
        double n = ldexp(1, r);
        AdwinSum x = a->rows[r][a->n_row[r] - 1], y = a->rows[r][a->n_row[r] - 2];
        a->n_row[r] -= 2;
        put_first(a, r + 1, (AdwinSum){ x.sum + y.sum, joined(x.squares, x.sum, n, y.squares, y.sum, n) });
    }
}

static void drop_oldest(Adwin *a) {
    int r = a->n_rows - 1;
    AdwinSum s = a->rows[r][--a->n_row[r]];
    double n = ldexp(1, r), left = (double)a->n - n;
    if (left > 0) {
        double d = s.sum / n - (a->sum - s.sum) / left;
        a->squares = MAX(0, a->squares - s.squares - n * left / (n + left) * d * d);
    } else {
        a->squares = 0;
    }
    a->sum -= s.sum;
    a->n -= (int64_t)n;
    while (a->n_rows > 1 && a->n_row[a->n_rows - 1] == 0)
        a->n_rows--;
}

/* The bound of theorem 3.2 with the variance of the window, over the harmonic mean of the parts' lengths. */
static bool differ(const Adwin *a, double sum_old, double n_old) {
    double n = (double)a->n, n_new = n - n_old, ln = log(2 * log(n) / a->delta);
    double m = 1 / (1 / (n_old - ADWIN_SIDE_MIN + 1) + 1 / (n_new - ADWIN_SIDE_MIN + 1));
    double bound = sqrt(2 / m * (a->squares / n) * ln) + 2 / (3 * m) * ln;
    return fabs(sum_old / n_old - (a->sum - sum_old) / n_new) > bound;
}

/* Is there a place where what is older differs from what is newer? */
static bool has_cut(const Adwin *a) {
    double sum = 0, n = 0;
    for (int r = a->n_rows - 1; r >= 0; r--)
        for (int i = a->n_row[r] - 1; i >= 0; i--) {
            sum += a->rows[r][i].sum;
            n += ldexp(1, r);
            if ((double)a->n - n < ADWIN_SIDE_MIN)
                return false;
            if (n >= ADWIN_SIDE_MIN && differ(a, sum, n))
                return true;
        }
    return false;
}

bool adwin_add(Adwin *a, double v) {
    bool cut = false;
    assert(v >= 0 && v <= 1);
    if (a->n > 0)
        a->squares = joined(a->squares, a->sum, (double)a->n, 0, v, 1);
    a->sum += v;
    a->n++;
    a->n_seen++;
    put_first(a, 0, (AdwinSum){ v, 0 });
    compress(a);
    if (a->n_seen % ADWIN_LOOK_EVERY != 0 || a->n < 2 * ADWIN_SIDE_MIN)
        return false;
    while (a->n >= 2 * ADWIN_SIDE_MIN && has_cut(a)) {
        drop_oldest(a);
        cut = true;
    }
    a->n_cuts += cut;
    return cut;
}
