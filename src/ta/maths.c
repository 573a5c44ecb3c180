/* ta/maths.c - arithmetic and functions of single rows, and the prices made of a candle. */

#include "ta/kernel.h"
#include "ta/parts.h"

typedef struct Nothing { /* the state of what remembers nothing */
    char unused;
} Nothing;

static void nothing_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

/* Of a row x0, x1 .., without a branch for a value that is none: 0 times it is NaN, and all else stays as it is. */
#define ROW(name, n_in, value)                                                                                         \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        const double *c0 = in[0], *c1 = in[(n_in) > 1 ? 1 : 0], *c2 = in[(n_in) > 2 ? 2 : 0];                          \
        const double *c3 = in[(n_in) > 3 ? 3 : 0];                                                                     \
        double *const result = out[0];                                                                                 \
        UNUSED(state);                                                                                                 \
        KERNEL_NO_OVERLAP                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double x0 = c0[i], x1 = c1[i], x2 = c2[i], x3 = c3[i];                                                     \
            double all = (n_in) == 1   ? x0                                                                            \
                         : (n_in) == 2 ? x0 + x1                                                                       \
                         : (n_in) == 3 ? x0 + x1 + x2                                                                  \
                                       : (x0 + x1) + (x2 + x3);                                                        \
            UNUSED(x1), UNUSED(x2), UNUSED(x3);                                                                        \
            result[i] = (value) + 0 * all;                                                                             \
        }                                                                                                              \
    }

/* A function of x, called once a row: the call hides the question. */
#define FUNCTION(name, function)                                                                                       \
    static void name##_run(void *state, const double *const *in, size_t n, double *const *out) {                       \
        const double *x = in[0];                                                                                       \
        double *const result = out[0];                                                                                 \
        UNUSED(state);                                                                                                 \
        for (size_t i = 0; i < n; i++)                                                                                 \
            result[i] = isfinite(x[i]) ? function(x[i]) : (double)NAN;                                                 \
    }

ROW(ta_avgprice, 4, (x1 + x2 + x3 + x0) / 4)
ROW(ta_medprice, 2, (x0 + x1) / 2)
ROW(ta_typprice, 3, (x0 + x1 + x2) / 3)
ROW(ta_wclprice, 3, (x0 + x1 + x2 * 2) / 4)
ROW(ta_bop, 4, x1 - x2 < TA_ZERO ? 0 : (x3 - x0) / (x1 - x2))

FUNCTION(ta_acos, acos)
FUNCTION(ta_asin, asin)
FUNCTION(ta_atan, atan)
FUNCTION(ta_ceil, ceil)
FUNCTION(ta_cos, cos)
FUNCTION(ta_cosh, cosh)
FUNCTION(ta_exp, exp)
FUNCTION(ta_floor, floor)
FUNCTION(ta_ln, log)
FUNCTION(ta_log10, log10)
FUNCTION(ta_sin, sin)
FUNCTION(ta_sinh, sinh)
ROW(ta_sqrt, 1, sqrt(x0))
FUNCTION(ta_tan, tan)
FUNCTION(ta_tanh, tanh)
ROW(ta_add, 2, x0 + x1)
ROW(ta_sub, 2, x0 - x1)
ROW(ta_mult, 2, x0 *x1)
ROW(ta_div, 2, x0 / x1)

#define OF_ROW(name_, words_, group_, kernel, ...)                                                                     \
    {                                                                                                                  \
        name_, words_, group_, .inputs = { __VA_ARGS__ }, .outputs = { "value" }, .lookback = ta_lookback_none,        \
                               .state_size = sizeof(Nothing), .init = nothing_init, .run = kernel##_run                \
    }

/* clang-format off */
static const TaIndicator rows[] = {
    OF_ROW("avgprice", "Mean of open, high, low and close", TA_PRICE, ta_avgprice, TA_OPEN, TA_HIGH, TA_LOW, TA_CLOSE),
    OF_ROW("medprice", "Mean of high and low", TA_PRICE, ta_medprice, TA_HIGH, TA_LOW),
    OF_ROW("typprice", "Mean of high, low and close", TA_PRICE, ta_typprice, TA_HIGH, TA_LOW, TA_CLOSE),
    OF_ROW("wclprice", "Mean of high, low and twice the close", TA_PRICE, ta_wclprice, TA_HIGH, TA_LOW, TA_CLOSE),
    OF_ROW("bop", "Balance of power", TA_MOMENTUM, ta_bop, TA_OPEN, TA_HIGH, TA_LOW, TA_CLOSE),
    OF_ROW("acos", "Arc cosine", TA_MATH, ta_acos, TA_X),
    OF_ROW("asin", "Arc sine", TA_MATH, ta_asin, TA_X),
    OF_ROW("atan", "Arc tangent", TA_MATH, ta_atan, TA_X),
    OF_ROW("ceil", "Least whole number not below", TA_MATH, ta_ceil, TA_X),
    OF_ROW("cos", "Cosine", TA_MATH, ta_cos, TA_X),
    OF_ROW("cosh", "Hyperbolic cosine", TA_MATH, ta_cosh, TA_X),
    OF_ROW("exp", "Exponential", TA_MATH, ta_exp, TA_X),
    OF_ROW("floor", "Greatest whole number not above", TA_MATH, ta_floor, TA_X),
    OF_ROW("ln", "Natural logarithm", TA_MATH, ta_ln, TA_X),
    OF_ROW("log10", "Decimal logarithm", TA_MATH, ta_log10, TA_X),
    OF_ROW("sin", "Sine", TA_MATH, ta_sin, TA_X),
    OF_ROW("sinh", "Hyperbolic sine", TA_MATH, ta_sinh, TA_X),
    OF_ROW("sqrt", "Square root", TA_MATH, ta_sqrt, TA_X),
    OF_ROW("tan", "Tangent", TA_MATH, ta_tan, TA_X),
    OF_ROW("tanh", "Hyperbolic tangent", TA_MATH, ta_tanh, TA_X),
    OF_ROW("add", "Sum of two columns", TA_MATH, ta_add, TA_X, TA_Y),
    OF_ROW("sub", "Difference of two columns", TA_MATH, ta_sub, TA_X, TA_Y),
    OF_ROW("mult", "Product of two columns", TA_MATH, ta_mult, TA_X, TA_Y),
    OF_ROW("div", "Quotient of two columns", TA_MATH, ta_div, TA_X, TA_Y),
};
/* clang-format on */

const TaTable ta_maths = { rows, ARRAY_LEN(rows) };
