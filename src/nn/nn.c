/* nn/nn.c - see nn.h. */

#include "nn/nn.h"

#include "base/arena.h"

void nn_init(Nn *nn, const NnKernels *kernels, int threads) {
    *nn = (Nn){ .k = kernels ? kernels : nn_kernels_best(), .pool = parallel_pool_new(threads) };
}

void nn_done(Nn *nn) {
    parallel_pool_free(nn->pool);
    *nn = (Nn){ 0 };
}

typedef struct Shards {
    NnShardFn *fn;
    void *arg;
} Shards;

static void run_shard(void *arg, int worker, size_t i) {
    UNUSED(worker);
    Shards *s = arg;
    s->fn(s->arg, (int)i);
}

void nn_shards(const Nn *nn, NnShardFn *fn, void *arg) {
    Shards s = { .fn = fn, .arg = arg };
    parallel_pool_run(nn->pool, NN_SHARDS, run_shard, &s);
}

typedef struct ShardSum {
    const Nn *nn;
    float *const *v;
    size_t n;
} ShardSum;

static void sum_part(void *arg, int shard) {
    const ShardSum *s = arg;
    NnRange r = nn_part(s->n, shard);
    for (int i = 1; i < NN_SHARDS; i++)
        s->nn->k->add(r.to - r.from, s->v[i] + r.from, s->v[0] + r.from);
}

void nn_sum_shards(const Nn *nn, float *const v[NN_SHARDS], size_t n) {
    nn_shards(nn, sum_part, &(ShardSum){ nn, v, n });
}

enum {
    SPLIT_ROWS = 16,
    SPLIT_COLUMNS = 48,
    SPLIT_WORK = 1 << 19
}; /* pieces that keep whole tiles; what a wake-up is worth */

typedef struct GemmSplit {
    const Nn *nn;
    Gemm g;
    bool columns;
    size_t step;
} GemmSplit;

static void gemm_piece(void *arg, int worker, size_t i) {
    UNUSED(worker);
    const GemmSplit *s = arg;
    Gemm g = s->g;
    size_t from = i * s->step;
    if (s->columns) {
        g.n = MIN(s->step, g.n - from);
        g.b += from;
        g.c += from;
    } else {
        g.m = MIN(s->step, g.m - from);
        g.a += from * g.a_row;
        g.c += from * g.ldc;
        g.bias = g.bias ? g.bias + from : NULL;
    }
    s->nn->k->gemm(&g);
}

void nn_gemm(const Nn *nn, const Gemm *g) {
    size_t threads = (size_t)parallel_pool_threads(nn->pool);
    bool columns = g->n >= SPLIT_COLUMNS * threads;
    size_t unit = columns ? SPLIT_COLUMNS : SPLIT_ROWS, length = columns ? g->n : g->m;
    size_t step = ((length + threads - 1) / threads + unit - 1) / unit * unit;
    if (threads == 1 || g->m * g->n * g->k < SPLIT_WORK || step >= length) {
        nn->k->gemm(g);
        return;
    }
    GemmSplit s = { .nn = nn, .g = *g, .columns = columns, .step = step };
    parallel_pool_run(nn->pool, (length + step - 1) / step, gemm_piece, &s);
}

float *nn_floats(Arena *a, size_t n) {
    char *p = arena_alloc(a, mem_mul(n, sizeof(float)) + NN_ALIGN);
    return (float *)(void *)(p + (NN_ALIGN - (uintptr_t)p % NN_ALIGN) % NN_ALIGN);
}
