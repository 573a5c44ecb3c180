/* adapters/store/block_scale.c - see block_scale.h.
 *
 * Rounding to an integer and converting it both use one addition: for |x| < 2^51 the sum x + 1.5 * 2^52 has
 * the integer nearest to x in its low mantissa bits. That is branch-free, needs SSE2 only and vectorises. The
 * fit checks each value through the very arithmetic of the way back, so a value that fits comes back by
 * construction, and one that does not (too large, NaN, -0) makes the fit fail. */

#include "adapters/store/block_scale.h"

#include <string.h>

#define MAGIC            6755399441055744.0 /* 1.5 * 2^52 */
#define MAGIC_BITS       INT64_C(0x4338000000000000)
#define INTEGER_MAX_BITS 51

static const double POWERS[SCALE_DECIMALS_MAX + 1] = { 1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };

static inline int64_t bits_of(double x) {
    int64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static inline double from_bits(int64_t b) {
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

static inline double undo_decimal(int64_t m, double power) {
    return (from_bits((int64_t)((uint64_t)m + MAGIC_BITS)) - MAGIC) / power;
}

/* Non-zero bits where the value does not come back from its integer. */
static inline uint64_t misfit(double v, double power, bool narrow, int64_t *m) {
    *m = (int64_t)((uint64_t)bits_of(v * power + MAGIC) - MAGIC_BITS);
    double back = undo_decimal(*m, power);
    if (narrow)
        back = (double)(float)back;
    uint64_t too_large = ((uint64_t)*m + (UINT64_C(1) << INTEGER_MAX_BITS)) >> (INTEGER_MAX_BITS + 1);
    return (uint64_t)(bits_of(back) ^ bits_of(v)) | too_large;
}

static bool column_fits(const double *v, size_t n, double power, bool narrow, int64_t *restrict m) {
    uint64_t bad = 0;
    if (narrow)
        for (size_t i = 0; i < n; i++)
            bad |= misfit(v[i], power, true, &m[i]);
    else
        for (size_t i = 0; i < n; i++)
            bad |= misfit(v[i], power, false, &m[i]);
    return bad == 0;
}

/* Raises *decimals until v fits; false when none does. */
static bool value_decimals(double v, bool narrow, int *decimals) {
    int64_t m;
    while (misfit(v, POWERS[*decimals], narrow, &m))
        if (++*decimals > SCALE_DECIMALS_MAX)
            return false;
    return true;
}

/* A guess from a few rows, then all rows; each row that does not fit raises the guess. */
static bool fit_decimals(const double *const *columns, size_t n_columns, size_t n, bool narrow, int64_t *const *out,
                         int *decimals) {
    enum { SAMPLES = 8 };
    *decimals = 0;
    for (size_t c = 0; c < n_columns; c++)
        for (size_t k = 0; k < SAMPLES; k++)
            if (!value_decimals(columns[c][k * (n - 1) / (SAMPLES - 1)], narrow, decimals))
                return false;
    for (size_t c = 0; c < n_columns;) {
        if (column_fits(columns[c], n, POWERS[*decimals], narrow, out[c])) {
            c++;
            continue;
        }
        int had = *decimals;
        for (size_t i = 0; i < n && *decimals == had; i++)
            if (!value_decimals(columns[c][i], narrow, decimals))
                return false;
        c = 0; /* the integers of the earlier columns have grown by a power of ten */
    }
    return true;
}

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The largest integer that divides all of them; 1 when all are 0. Most columns end at a few rows. */
static uint64_t common_unit(int64_t *const *columns, size_t n_columns, size_t n) {
    uint64_t unit = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < n_columns; c++) {
            int64_t m = columns[c][i];
            uint64_t size = m < 0 ? 0 - (uint64_t)m : (uint64_t)m;
            if (unit == 0 || size % unit != 0)
                unit = gcd(unit, size);
            if (unit == 1)
                return 1;
        }
    return unit ? unit : 1;
}

static void divide(int64_t *const *columns, size_t n_columns, size_t n, int64_t unit) {
    for (size_t c = 0; c < n_columns; c++)
        for (size_t i = 0; i < n; i++)
            columns[c][i] /= unit;
}

/* Doubles that came from floats or small fractions share trailing zero bits. */
static Scale fit_bits(const double *const *columns, size_t n_columns, size_t n, int64_t *const *out) {
    uint64_t all = 0;
    for (size_t c = 0; c < n_columns; c++) {
        memcpy(out[c], columns[c], n * sizeof(double));
        for (size_t i = 0; i < n; i++)
            all |= (uint64_t)out[c][i];
    }
    int zeros = all ? __builtin_ctzll(all) : 0;
    for (size_t c = 0; c < n_columns && zeros; c++)
        for (size_t i = 0; i < n; i++)
            out[c][i] >>= zeros;
    return (Scale){ .kind = SCALE_BITS, .unit = UINT64_C(1) << zeros };
}

Scale scale_fit(const double *const *columns, size_t n_columns, size_t n, int64_t *const *out) {
    assert(n > 0);
    int decimals;
    bool narrow = false;
    if (!fit_decimals(columns, n_columns, n, false, out, &decimals)) {
        narrow = true;
        if (!fit_decimals(columns, n_columns, n, true, out, &decimals))
            return fit_bits(columns, n_columns, n, out);
    }
    uint64_t unit = common_unit(out, n_columns, n);
    if (unit > 1)
        divide(out, n_columns, n, (int64_t)unit);
    return (Scale){ .kind = narrow ? SCALE_FLOAT : SCALE_DECIMAL, .decimals = (uint8_t)decimals, .unit = unit };
}

void scale_undo(Scale s, const int64_t *m, size_t n, double *out) {
    double power = POWERS[s.decimals];
    uint64_t unit = s.unit;
    switch (s.kind) {
    case SCALE_DECIMAL:
        if (unit == 1)
            for (size_t i = 0; i < n; i++)
                out[i] = undo_decimal(m[i], power);
        else
            for (size_t i = 0; i < n; i++)
                out[i] = undo_decimal((int64_t)((uint64_t)m[i] * unit), power);
        return;
    case SCALE_FLOAT:
        for (size_t i = 0; i < n; i++)
            out[i] = (double)(float)undo_decimal((int64_t)((uint64_t)m[i] * unit), power);
        return;
    default:
        for (size_t i = 0; i < n; i++)
            out[i] = from_bits((int64_t)((uint64_t)m[i] * unit));
    }
}
