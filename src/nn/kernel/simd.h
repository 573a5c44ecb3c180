#pragma once

/* nn/kernel/simd.h - a vector of floats, as wide as the compiler's target.
 *
 * GCC's vector types give + - * / and comparisons; what they lack is here, with intrinsics where a plain expression would
 * not become one instruction. Kernels are written against this file once and compiled for each instruction set with
 * -ffp-contract=fast, so that a * b + c is one fused operation where the machine has it. Private to kernel/. */

#include "base/defs.h"

#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <immintrin.h>
#define LANES      16
#define SIMD_NAME  "avx512"
#define SIMD_TABLE nn_kernels_avx512
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define LANES      8
#define SIMD_NAME  "avx2"
#define SIMD_TABLE nn_kernels_avx2
#else
#define LANES      4
#define SIMD_NAME  "sse2"
#define SIMD_TABLE nn_kernels_sse2
#endif

typedef float VF __attribute__((vector_size(4 * LANES)));
typedef int32_t VI __attribute__((vector_size(4 * LANES)));
typedef uint32_t VU __attribute__((vector_size(4 * LANES)));
typedef float VFloose __attribute__((vector_size(4 * LANES), aligned(4), may_alias)); /* anywhere in memory */

#define INLINE static inline __attribute__((always_inline, unused))

/* Loops over a handful of vectors must become straight code, or the vectors end up in memory. */
#ifdef __clang__
#define UNROLL  _Pragma("unroll")
#define UNROLL4 _Pragma("unroll 4")
#else
#define UNROLL  _Pragma("GCC unroll 32")
#define UNROLL4 _Pragma("GCC unroll 4")
#endif

INLINE VF vf_load(const float *p) {
    return *(const VFloose *)p;
}
INLINE void vf_store(float *p, VF v) {
    *(VFloose *)p = v;
}
INLINE VF vf_all(float x) {
    return x - (VF){ 0 }; /* minus zero changes no float, so this folds into a broadcast */
}
INLINE VU vu_all(uint32_t x) {
    return x - (VU){ 0 };
}
INLINE VF vf_select(VI mask, VF yes, VF no) {
    return (VF)((mask & (VI)yes) | (~mask & (VI)no));
}

/* The first n of LANES; the others read as zero and are not written. */
#if LANES == 16
INLINE VF vf_load_n(const float *p, size_t n) {
    return (VF)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
INLINE void vf_store_n(float *p, VF v, size_t n) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
INLINE VF vf_first(VF v, size_t n) {
    return (VF)_mm512_maskz_mov_ps((__mmask16)((1u << n) - 1), (__m512)v);
}
INLINE VF vf_max(VF a, VF b) {
    return (VF)_mm512_max_ps((__m512)a, (__m512)b);
}
INLINE VF vf_min(VF a, VF b) {
    return (VF)_mm512_min_ps((__m512)a, (__m512)b);
}
INLINE VF vf_sqrt(VF a) {
    return (VF)_mm512_sqrt_ps((__m512)a);
}
INLINE float vf_sum(VF a) {
    return _mm512_reduce_add_ps((__m512)a);
}
/* Lanes of a and b in turn: the low halves, the high halves. */
#define VF_LOW_PAIRS(a, b)  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define VF_HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#else
#if LANES == 8
INLINE __m256i vf_mask_n(size_t n) {
    static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - n));
}
INLINE VF vf_load_n(const float *p, size_t n) {
    return (VF)_mm256_maskload_ps(p, vf_mask_n(n));
}
INLINE void vf_store_n(float *p, VF v, size_t n) {
    _mm256_maskstore_ps(p, vf_mask_n(n), (__m256)v);
}
INLINE VF vf_first(VF v, size_t n) {
    return (VF)((VI)v & (VI)vf_mask_n(n));
}
INLINE VF vf_max(VF a, VF b) {
    return (VF)_mm256_max_ps((__m256)a, (__m256)b);
}
INLINE VF vf_min(VF a, VF b) {
    return (VF)_mm256_min_ps((__m256)a, (__m256)b);
}
INLINE VF vf_sqrt(VF a) {
    return (VF)_mm256_sqrt_ps((__m256)a);
}
#define VF_LOW_PAIRS(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define VF_HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
INLINE VF vf_load_n(const float *p, size_t n) {
    VF v = { 0 };
    memcpy(&v, p, n * sizeof *p);
    return v;
}
INLINE void vf_store_n(float *p, VF v, size_t n) {
    memcpy(p, &v, n * sizeof *p);
}
INLINE VF vf_first(VF v, size_t n) {
    VI lane = { 0, 1, 2, 3 };
    return (VF)((VI)v & (lane < (int32_t)n));
}
INLINE VF vf_max(VF a, VF b) {
    return vf_select(a > b, a, b);
}
INLINE VF vf_min(VF a, VF b) {
    return vf_select(a < b, a, b);
}
INLINE VF vf_sqrt(VF a) {
    for (int i = 0; i < LANES; i++)
        a[i] = __builtin_sqrtf(a[i]);
    return a;
}
#define VF_LOW_PAIRS(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define VF_HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif
INLINE float vf_sum(VF a) {
    float s[LANES];
    memcpy(s, &a, sizeof s);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}
#endif

/* Lanes of a square of vectors: v[i][j] becomes v[j][i]. Each round deals the vectors out like two halves of a pack of
 * cards; after log2(LANES) rounds rows are columns. */
INLINE void vf_transpose(VF v[LANES]) {
    VF t[LANES];
    UNROLL for (int round = 1; round < LANES; round *= 2) {
        UNROLL for (int i = 0; i < LANES / 2; i++) {
            t[2 * i] = VF_LOW_PAIRS(v[i], v[i + LANES / 2]);
            t[2 * i + 1] = VF_HIGH_PAIRS(v[i], v[i + LANES / 2]);
        }
        UNROLL for (int i = 0; i < LANES; i++) v[i] = t[i];
    }
}
/* Lane i of the result is the sum of v[i]'s lanes. */
INLINE VF vf_sums(VF v[LANES]) {
    vf_transpose(v);
    UNROLL for (int half = LANES / 2; half; half /= 2) UNROLL for (int i = 0; i < half; i++) v[i] += v[i + half];
    return v[0];
}
