#pragma once

/* nn/loss.h - how far a forecast is off, and which way to go. Means over all elements. */

#include "base/defs.h"

typedef enum LossKind {
    LOSS_MSE,
    LOSS_MAE,
    LOSS_HUBER,   /* parameter: delta; e^2/2 within it, delta(|e| - delta/2) beyond */
    LOSS_PINBALL, /* parameter: the quantile tau; tau e for e > 0, (tau - 1) e below, e = wanted - forecast */
    LOSS_KINDS,
} LossKind;

typedef struct Loss {
    LossKind kind;
    double parameter; /* huber, pinball */
} Loss;

const char *loss_kind_name(LossKind kind); /* "mse", "mae", "huber", "pinball" */

/* The loss of one element and its derivative to the forecast. */
double loss_one(const Loss *loss, double forecast, double wanted);
double loss_slope(const Loss *loss, double forecast, double wanted);
