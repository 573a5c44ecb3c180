#pragma once

/* nn/nn.h - what every part of the library gets handed: the kernels of this machine and the threads to run them.
 *
 * One layout rules: a *panel* is a matrix with features in rows and tokens in columns, so that neighbouring tokens are
 * neighbouring SIMD lanes. A linear layer is then C(out, tokens) = W(out, in) B(in, tokens): weights stay as they are on
 * disk and are broadcast, nothing is packed or transposed on the way. A token is a window, a patch or a batch entry,
 * whatever the layer treats alike.
 *
 * Sums over tokens (gradients, statistics) are taken by NN_SHARDS shards, each over a fixed part of the tokens and in
 * order, then over the shards in order: the same bits come out of one thread and of eight. */

#include "base/arena.h"
#include "base/parallel.h"
#include "nn/kernel/kernels.h"

enum { NN_SHARDS = 8 };

typedef struct Nn {
    const NnKernels *k;
    ParallelPool *pool;
} Nn;

/* kernels: NULL for the best of this machine. threads: 1..PARALLEL_MAX, the caller's included. */
void nn_init(Nn *nn, const NnKernels *kernels, int threads);
void nn_done(Nn *nn);

/* Calls fn(arg, shard) for every shard, on the pool's threads. */
typedef void NnShardFn(void *arg, int shard);
void nn_shards(const Nn *nn, NnShardFn *fn, void *arg);

/* A matrix product on all threads. Which of them computes an element does not change its bits. */
void nn_gemm(const Nn *nn, const Gemm *g);

typedef struct NnRange {
    size_t from, to;
} NnRange;
/* A shard's part of n pieces. */
static inline NnRange nn_part(size_t n, int shard) {
    return (NnRange){ n * (size_t)shard / NN_SHARDS, n * ((size_t)shard + 1) / NN_SHARDS };
}

/* v[0] += v[1], then v[2], ...: what the shards summed, n floats each, on all threads. */
void nn_sum_shards(const Nn *nn, float *const v[NN_SHARDS], size_t n);

/* Floats in an arena, on a cache line of their own. Not zeroed. */
enum { NN_ALIGN = 64 };
float *nn_floats(Arena *a, size_t n);

/* Whole cache lines of floats. */
static inline size_t nn_whole(size_t n) {
    return (n + 15) & ~(size_t)15;
}

/* Floats of a panel's row: whole cache lines, an odd number of them. Rows an even number of lines apart would share a part
 * of the cache's sets and drive each other out of it; so products read panels where they lie. */
static inline size_t nn_ld(size_t tokens) {
    return nn_whole(tokens) | 16;
}
