#pragma once

/* backtest/lab/heat.h - one figure over two parameters: what a sweep gives to a heat map. Plain data. */

#include "base/str.h"

typedef struct HeatMap {
    Str x_name, y_name, value_name;
    size_t n_x, n_y;
    const double *x, *y; /* (n_x), (n_y) ascending */
    const double *value; /* (n_y, n_x) best over all other parameters; NaN: not run, or no value */
    bool less_is_better;
    size_t best_x, best_y; /* n_x, n_y when no cell has a value */
} HeatMap;
