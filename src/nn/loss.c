/* nn/loss.c - see loss.h. */

#include "nn/loss.h"

#include <math.h>

const char *loss_kind_name(LossKind kind) {
    static const char *const names[LOSS_KINDS] = { "mse", "mae", "huber", "pinball" };
    return (size_t)kind < LOSS_KINDS ? names[kind] : NULL;
}

double loss_one(const Loss *loss, double forecast, double wanted) {
    double e = wanted - forecast, delta = loss->parameter;
    switch (loss->kind) {
    case LOSS_MAE:
        return fabs(e);
    case LOSS_HUBER:
        return fabs(e) <= delta ? e * e / 2 : delta * (fabs(e) - delta / 2);
    case LOSS_PINBALL:
        return e > 0 ? loss->parameter * e : (loss->parameter - 1) * e;
    default:
        return e * e;
    }
}

double loss_slope(const Loss *loss, double forecast, double wanted) {
    double e = wanted - forecast, sign = (e > 0) - (e < 0);
    switch (loss->kind) {
    case LOSS_MAE:
        return -sign;
    case LOSS_HUBER:
        return fabs(e) <= loss->parameter ? -e : -loss->parameter * sign;
    case LOSS_PINBALL:
        return e > 0 ? -loss->parameter : e < 0 ? 1 - loss->parameter : 0;
    default:
        return -2 * e;
    }
}
