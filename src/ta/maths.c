/* ta/maths.c - arithmetic and functions of single rows, and the prices made of a candle. */

#include "ta/kernel.h"
#include "ta/parts.h"

typedef struct Nothing { /* the state of what remembers nothing */
    char unused;
} Nothing;

static void nothing_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

/* `value` sees the row as x[]. */
#define ROW(name, n_in, value)                                                                                         \
    static inline void name##_next(Nothing *s, const double *x, double *out) {                                         \
        UNUSED(s);                                                                                                     \
        out[0] = (value);                                                                                              \
    }                                                                                                                  \
    KERNEL(name, Nothing, n_in, 1)

ROW(ta_avgprice, 4, (x[1] + x[2] + x[3] + x[0]) / 4)
ROW(ta_medprice, 2, (x[0] + x[1]) / 2)
ROW(ta_typprice, 3, (x[0] + x[1] + x[2]) / 3)
ROW(ta_wclprice, 3, (x[0] + x[1] + x[2] * 2) / 4)
ROW(ta_bop, 4, x[1] - x[2] < TA_ZERO ? 0 : (x[3] - x[0]) / (x[1] - x[2]))

ROW(ta_acos, 1, acos(x[0]))
ROW(ta_asin, 1, asin(x[0]))
ROW(ta_atan, 1, atan(x[0]))
ROW(ta_ceil, 1, ceil(x[0]))
ROW(ta_cos, 1, cos(x[0]))
ROW(ta_cosh, 1, cosh(x[0]))
ROW(ta_exp, 1, exp(x[0]))
ROW(ta_floor, 1, floor(x[0]))
ROW(ta_ln, 1, log(x[0]))
ROW(ta_log10, 1, log10(x[0]))
ROW(ta_sin, 1, sin(x[0]))
ROW(ta_sinh, 1, sinh(x[0]))
ROW(ta_sqrt, 1, sqrt(x[0]))
ROW(ta_tan, 1, tan(x[0]))
ROW(ta_tanh, 1, tanh(x[0]))
ROW(ta_add, 2, x[0] + x[1])
ROW(ta_sub, 2, x[0] - x[1])
ROW(ta_mult, 2, x[0] * x[1])
ROW(ta_div, 2, x[0] / x[1])

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
