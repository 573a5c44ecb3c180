#pragma once

/* nn/kernel/vmath.h - exp, the normal distribution, tanh, the logistic function, and the hash behind dropout, a vector at
 * a time.
 *
 * The polynomials are least-squares fits with Lawson's reweighting, made for these intervals; errors measured by
 * tests/unit/nn/test_kernels.c over every range, against the C library in double. */

#include "nn/kernel/kernels.h"
#include "nn/kernel/simd.h"

/* e^x = 2^n e^r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 q(r). n is rounded by adding 1.5 * 2^23, whose last bits are then
 * n; AVX-512 has instructions for both. The order of min and max keeps NaN. */
INLINE VF vf_exp(VF x) {
    x = vf_min(vf_all(88.3f), vf_max(vf_all(-86.6f), x));
#if LANES == 16
    VF n = (VF)_mm512_roundscale_ps((__m512)(x * 1.44269504f), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    VF shifted = x * 1.44269504f + 12582912.f;
    VF n = shifted - 12582912.f;
#endif
    VF r = x - n * .693359375f + n * 2.12194440e-4f; /* ln 2 in two parts: the first times n is exact */
    VF q = r * 1.38145401e-3f + 8.36874536e-3f;
    q = q * r + 4.16683908e-2f;
    q = q * r + 1.66665204e-1f;
    q = q * r + 4.99999934e-1f;
    VF p = q * (r * r) + r + 1.f;
#if LANES == 16
    return (VF)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    VF power = (VF)(((VI)shifted + 127) << 23);
    return p * power;
#endif
}

/* Phi(x), and with it e^(-x^2/2), which the density needs. The upper tail of |x| is e^(-x^2/2) t q(t) / 2 with
 * t = 1 / (1 + .33 |x| / sqrt 2): erfc scaled by e^(x^2), which is smooth in t. */
INLINE VF vf_phi(VF x, VF *bell) {
    VF size = (VF)((VI)x & 0x7FFFFFFF);
    VF t = 1.f / (size * (.33f * .707106781f) + 1.f);
    VF q = t * -1.35344379e-1f + 4.60231865e-1f;
    q = q * t + -3.51140995e-1f;
    q = q * t + 4.08492255e-1f;
    q = q * t + 4.72246072e-2f;
    q = q * t + 2.01222723e-1f;
    q = q * t + 1.82956124e-1f;
    q = q * t + 1.86357792e-1f;
    *bell = vf_exp(x * x * -.5f);
    VF tail = *bell * (t * q) * .5f;
    return vf_select(x < 0.f, tail, 1.f - tail);
}

/* Odd polynomial near zero, 1 - 2 / (e^2x + 1) beyond. */
INLINE VF vf_tanh(VF x) {
    VF s = x * x;
    VF q = s * -5.51508366e-3f + 2.04693458e-2f;
    q = q * s + -5.36879998e-2f;
    q = q * s + 1.33308301e-1f;
    q = q * s + -3.33332598e-1f;
    VF near = q * s * x + x, far = 1.f - 2.f / (vf_exp(x + x) + 1.f);
    return vf_select(s < .4f, near, far);
}

INLINE VF vf_logistic(VF x) {
    return 1.f / (vf_exp(-x) + 1.f);
}

/* Two rounds of multiply and xor-shift ("lowbias32" of Wellons' search): every bit of the counter reaches every bit. */
INLINE VU vu_hash(VU x) {
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ x >> 16;
}

INLINE VU vu_lane_numbers(void) {
#if LANES == 16
    return (VU){ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
#elif LANES == 8
    return (VU){ 0, 1, 2, 3, 4, 5, 6, 7 };
#else
    return (VU){ 0, 1, 2, 3 };
#endif
}

/* x of row r, columns c and on, after dropout. */
INLINE VF vf_dropout(VF x, const NnDropout *d, size_t r, size_t c) {
    if (d->keep >= 1)
        return x;
    VU counter = vu_lane_numbers() + (d->first + (uint32_t)r * d->row_step + (uint32_t)c);
    VU drawn = vu_hash(counter ^ d->key);
    VI stays = (VI)(drawn < (uint32_t)((double)d->keep * 4294967295.0));
    return (VF)((VI)(x * (1 / d->keep)) & stays);
}
