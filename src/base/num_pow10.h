#pragma once

/* base/num_pow10.h - the table of powers of ten behind num.c, which alone includes it. */

#include <stdint.h>

enum { NUM_POW10_MIN = -342, NUM_POW10_MAX = 324 };

/* [k - NUM_POW10_MIN]: the 128 leading bits of 10^k, high half first, cut rather than rounded. */
extern const uint64_t num_pow10_bits[NUM_POW10_MAX - NUM_POW10_MIN + 1][2];
