/* bench/bench_nn.c - a training step of each forecaster, in CPU time. Usage: bench_nn [WORD]: only benches whose name
 * holds WORD.
 *
 * The shapes are those of the published ETT settings. GF/s count the products of matrices alone, forward and backward, as the
 * model defines them: what is worked out twice to save memory is not counted twice. The share is of a loop of independent
 * fused multiply-adds on the same core. */

#include "bench.h"

#include "base/mem.h"
#include "nn/model.h"

static double peak_gf_s; /* of one core, measured */

typedef struct Step {
    Nn nn;
    Model *m;
    Adam adam;
    ModelBatch batch;
    uint64_t step;
} Step;

static double run_step(void *arg) {
    Step *s = arg;
    const Loss mse = { LOSS_MSE, 0 };
    double loss = model_backward(s->m, &s->batch, &mse, s->step++);
    adam_step(&s->adam, &s->nn, model_params(s->m), 1e-4);
    return loss;
}

/* Rows of a made-up series, and a batch of windows that begin anywhere in it. */
static ModelBatch made_batch(const ModelSettings *s, size_t n) {
    enum { ROWS = 9000 };
    size_t c = (size_t)s->channels;
    float *v = mem_alloc(ROWS * c * sizeof *v);
    const float **x = mem_alloc(n * sizeof *x), **y = mem_alloc(n * sizeof *y);
    uint32_t r = 1;
    for (size_t i = 0; i < ROWS * c; i++) {
        r = r * 1664525u + 1013904223u;
        v[i] = (float)(r >> 8) / (1 << 23) - 1;
    }
    for (size_t b = 0; b < n; b++) {
        x[b] = v + b * 7919 % (ROWS - (size_t)(s->lookback + s->horizon)) * c;
        y[b] = x[b] + (size_t)s->lookback * c;
    }
    return (ModelBatch){ .n = n, .x = x, .x_stride = c, .y = y, .y_stride = c };
}

/* Multiplications and additions of a forward pass; a step has three times as many. */
static double forward_flop(const ModelSettings *s, size_t n) {
    double series = (double)n * s->targets, d = s->d_model;
    switch (s->kind) {
    case MODEL_PATCHTST: {
        int tokens = (s->lookback + (s->pad_end ? s->stride : 0) - s->patch) / s->stride + 1;
        double token = 2 * d * s->patch + s->layers * 2 * (4 * d * d + 2 * d * s->d_ff + 2 * d * tokens);
        return series * tokens * (token + 2 * d * s->horizon);
    }
    case MODEL_LSTM: {
        double flop = 0;
        for (int i = 0; i < s->layers; i++)
            flop += 2.0 * 4 * s->hidden * (s->hidden + (i == 0 ? s->channels : s->hidden));
        return (double)n * s->lookback * flop;
    }
    default:
        return series * 2 * s->lookback * s->horizon;
    }
}

/* What a core does of independent multiply-adds, in 1e9 a second. */
static double measure_peak(const NnKernels *k) {
    enum { ROUNDS = 20 * 1000 * 1000 };
    double best = 0;
    volatile double keep = 0;
    for (int i = 0; i < 3; i++) {
        double from = bench_cpu_s();
        keep += k->peak(ROUNDS);
        best = MAX(best, 2.0 * ROUNDS * NN_PEAK_CHAINS * k->lanes / (bench_cpu_s() - from) * 1e-9);
    }
    UNUSED(keep);
    return best;
}

typedef struct Case {
    const char *name;
    ModelSettings s;
    size_t batch;
    int steps; /* of one run */
} Case;

static void run_case(const Case *c, int threads, const NnKernels *kernels) {
    Arena arena = { 0 };
    ClockManual clock = { 0 };
    Ctx cx;
    Step s = { 0 };
    ctx_init(&cx, &arena, &clock.clock);
    nn_init(&s.nn, kernels, threads);
    if (model_new(&cx, &c->s, &s.nn, &s.m) != 0) {
        fprintf(stderr, "%s: %s\n", c->name, cx.err.text);
        return;
    }
    adam_init(&s.adam, model_params(s.m)->n);
    s.batch = made_batch(&c->s, c->batch);
    double best = 1e9, best_wall = 1e9;
    for (int i = 0; i < c->steps + 1; i++) {
        double wall = bench_now_s(), cpu = bench_cpu_s();
        run_step(&s);
        if (i > 0) {
            best = MIN(best, bench_cpu_s() - cpu);
            best_wall = MIN(best_wall, bench_now_s() - wall);
        }
    }
    double gf = 3 * forward_flop(&c->s, c->batch) * 1e-9;
    printf("{\"bench\":\"nn_step\",\"which\":\"%s\",\"isa\":\"%s\",\"threads\":%d,\"cpu_ms\":%.2f,\"wall_ms\":%.2f,"
           "\"gf_per_cpu_s\":%.1f,\"share_of_peak\":%.3f,\"parameters\":%zu,\"work_mb\":%.0f}\n",
           c->name, s.nn.k->name, threads, best * 1e3, best_wall * 1e3, gf / best, gf / best / peak_gf_s,
           model_params(s.m)->n, (double)model_work_bytes(s.m, c->batch, true) * 1e-6);
    fflush(stdout);
    adam_done(&s.adam);
    model_free(s.m);
    nn_done(&s.nn);
    arena_done(&arena);
}

static ModelSettings patchtst(int d, int heads, int d_ff, double dropout) {
    ModelSettings s = model_defaults(MODEL_PATCHTST, 336, 96, 7);
    s.d_model = d;
    s.heads = heads;
    s.d_ff = d_ff;
    s.dropout = dropout;
    return s;
}

int main(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : "";
    const NnKernels *best = argc > 2 ? nn_kernels_by_name(argv[2]) : nn_kernels_best();
    const NnKernels *half = nn_kernels_by_name("avx512bf16");
    if (!best) {
        fprintf(stderr, "this machine has no kernels %s\n", argv[2]);
        return 1;
    }
    peak_gf_s = measure_peak(best);
    printf("{\"bench\":\"nn_peak\",\"isa\":\"%s\",\"gf_per_cpu_s\":%.1f}\n", best->name, peak_gf_s);
    const Case cases[] = {
        { "patchtst_etth", patchtst(16, 4, 128, .3), 128, 12 },
        { "patchtst_ettm", patchtst(128, 16, 256, .2), 128, 4 },
        { "lstm_etth", model_defaults(MODEL_LSTM, 336, 96, 7), 32, 12 },
        { "dlinear_etth", model_defaults(MODEL_DLINEAR, 336, 96, 7), 32, 400 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (!strstr(cases[i].name, word))
            continue;
        run_case(&cases[i], 1, best);
        run_case(&cases[i], 2, best);
        if (half && argc <= 2 && cases[i].s.kind == MODEL_PATCHTST && cases[i].s.d_model >= 64)
            run_case(&cases[i], 1, half);
    }
    return 0;
}
