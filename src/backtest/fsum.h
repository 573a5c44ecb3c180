#pragma once

/* backtest/fsum.h - the sum of doubles, rounded once (Shewchuk 1997): Python's math.fsum. */

#include "base/defs.h"

/* Finite inputs whose sum does not overflow; anything else gives the plain sum. */
double fsum(const double *x, size_t n);
