#pragma once

/* adapters/model/xgboost.h - gradient boosted trees as a forecaster, by XGBoost's C library (Chen and Guestrin 2016).
 *
 * The library is bound at run time (libxgboost.so.0 of Debian, or libxgboost.so); where it is not installed, making the
 * forecaster fails with ERR_UNSUPPORTED and the words for it.
 *
 * One model for all channels and steps: a row is one window, one channel, one step ahead, and the trees learn the change
 * from the window's last value out of how the window lies about it (recent changes, the values of the same phase in
 * earlier seasons, means and deviations), the step and the channel. Training takes a drawn part of all such rows, the
 * same for the same seed; validation rows tell when to stop. One thread: with more, OpenMP spins where a core is busy. */

#include "forecast/forecaster.h"

extern const ForecasterKind xgboost_kind;

typedef struct XgboostOptions { /* 0: the standard */
    uint64_t seed;
    int rounds;     /* 400 at most, less where validation stops getting better */
    int depth;      /* 6 */
    double rate;    /* 0.05 */
    size_t samples; /* training rows drawn; 150,000 */
} XgboostOptions;

/* Before fit; the standard ones otherwise. */
void xgboost_options(Forecaster *f, const XgboostOptions *o);
/* Is the library there? */
bool xgboost_available(void);
