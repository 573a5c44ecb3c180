/* backtest/sample.c - see sample.h. */

#include "backtest/sample.h"

#include <math.h>
#include <stdlib.h>

void sample_moments(const double *x, size_t n, SampleMoments *out) {
    *out = (SampleMoments){ .n = n, .mean = NAN, .m2 = NAN, .m3 = NAN, .m4 = NAN };
    if (n == 0)
        return;
    long double sum = 0, s2 = 0, s3 = 0, s4 = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    double mean = (double)(sum / (long double)n);
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - mean, d2 = d * d;
        s2 += d2;
        s3 += d2 * d;
        s4 += d2 * d2;
    }
    out->mean = mean;
    out->m2 = (double)(s2 / (long double)n);
    out->m3 = (double)(s3 / (long double)n);
    out->m4 = (double)(s4 / (long double)n);
}

double sample_std(const SampleMoments *m, int ddof) {
    if (m->n <= (size_t)ddof)
        return NAN;
    return sqrt(m->m2 * (double)m->n / ((double)m->n - ddof));
}

double sample_skew(const SampleMoments *m) {
    return m->m2 > 0 ? m->m3 / (m->m2 * sqrt(m->m2)) : NAN;
}

double sample_kurtosis(const SampleMoments *m) {
    return m->m2 > 0 ? m->m4 / (m->m2 * m->m2) - 3 : NAN;
}

/* --- order --- */

static inline void swap(double *a, double *b) {
    double t = *a;
    *a = *b;
    *b = t;
}

/* Hoare's partition around the median of three: equal values split evenly, so a column of zeros stays linear. */
double sample_select(double *x, size_t n, size_t k) {
    assert(k < n);
    ptrdiff_t lo = 0, hi = (ptrdiff_t)n - 1, at = (ptrdiff_t)k;
    while (lo < hi) {
        ptrdiff_t mid = lo + (hi - lo) / 2, i = lo, j = hi;
        if (x[mid] < x[lo])
            swap(&x[mid], &x[lo]);
        if (x[hi] < x[lo])
            swap(&x[hi], &x[lo]);
        if (x[hi] < x[mid])
            swap(&x[hi], &x[mid]);
        double pivot = x[mid];
        while (i <= j) {
            while (x[i] < pivot)
                i++;
            while (x[j] > pivot)
                j--;
            if (i <= j)
                swap(&x[i++], &x[j--]);
        }
        if (at <= j)
            hi = j;
        else if (at >= i)
            lo = i;
        else
            break;
    }
    return x[k];
}

double sample_quantile(double *x, size_t n, double q) {
    assert(q >= 0 && q <= 1);
    if (n == 0)
        return NAN;
    double at = q * (double)(n - 1);
    size_t k = (size_t)at;
    double low = sample_select(x, n, k), part = at - (double)k;
    if (part == 0 || k + 1 >= n)
        return low;
    double high = x[k + 1];
    for (size_t i = k + 2; i < n; i++)
        high = MIN(high, x[i]);
    return low + (high - low) * part;
}

static int compare(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void sample_sort(double *x, size_t n) {
    if (n > 1)
        qsort(x, n, sizeof *x, compare);
}

/* --- the normal distribution --- */

double normal_cdf(double z) {
    return 0.5 * erfc(-z * M_SQRT1_2);
}

static double ratio8(const double num[8], const double den[8], double r) {
    double n = num[7], d = den[7];
    for (int i = 6; i >= 0; i--) {
        n = n * r + num[i];
        d = d * r + den[i];
    }
    return n / d;
}

double normal_quantile(double p) {
    static const double a[8] = { 3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                                 1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                 3.3430575583588128105e4, 2.5090809287301226727e3 };
    static const double b[8] = { 1.0,
                                 4.2313330701600911252e1,
                                 6.8718700749205790830e2,
                                 5.3941960214247511077e3,
                                 2.1213794301586595867e4,
                                 3.9307895800092710610e4,
                                 2.8729085735721942674e4,
                                 5.2264952788528545610e3 };
    static const double c[8] = { 1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                 3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4 };
    static const double d[8] = { 1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9 };
    static const double e[8] = { 6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7 };
    static const double f[8] = { 1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15 };
    if (isnan(p) || p < 0 || p > 1)
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio8(a, b, 0.180625 - q * q);
    double r = sqrt(-log(q < 0 ? p : 1 - p));
    double z = r <= 5 ? ratio8(c, d, r - 1.6) : ratio8(e, f, r - 5);
    return q < 0 ? -z : z;
}
