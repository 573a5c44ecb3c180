/* ta/calls.c - see calls.h. */

#include "ta/calls.h"

static const TaIndicator *named(const char *name) {
    const TaIndicator *ta = ta_find(str_c(name));
    assert(ta && ta_n_params(ta) == 1 && ta_n_outputs(ta) == 1);
    return ta;
}

#define DEFINE_LOOKBACK(name)                                                                                          \
    int ta_##name##_lookback(int period) {                                                                             \
        return named(#name)->lookback((double[]){ period });                                                           \
    }

#define DEFINE(name)                                                                                                   \
    void ta_##name(const double *x, size_t n, int period, double *out) {                                               \
        ta_compute(named(#name), (double[]){ period }, (const double *[]){ x }, n, (double *[]){ out });               \
    }                                                                                                                  \
    DEFINE_LOOKBACK(name)
TA_CALLS_OF_COLUMN(DEFINE)
#undef DEFINE

#define DEFINE(name)                                                                                                   \
    void ta_##name(const double *high, const double *low, const double *close, size_t n, int period, double *out) {    \
        ta_compute(named(#name), (double[]){ period }, (const double *[]){ high, low, close }, n,                      \
                   (double *[]){ out });                                                                               \
    }                                                                                                                  \
    DEFINE_LOOKBACK(name)
TA_CALLS_OF_CANDLES(DEFINE)
#undef DEFINE
