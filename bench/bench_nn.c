/* bench/bench_nn.c - a training step of each forecaster, in CPU time. Usage:
 *
 *     bench_nn own [WORD [ISA]]   cases whose name holds WORD, on one thread and two
 *     bench_nn turn NAME STEPS    one case on one thread: a turn beside a rival (bench/torch_steps.py)
 *     bench_nn check NAME FILE    the loss of a file's weights on its windows, against the file's
 *
 * The shapes are those of the published ETT settings. GF/s count the products of matrices alone, forward and backward, as the
 * model defines them: what is worked out twice to save memory is not counted twice. The share is of a loop of independent
 * fused multiply-adds on the same core. */

#include "bench.h"

#include "base/file.h"
#include "base/mem.h"
#include "nn/model.h"
#include "nn/safetensors.h"

#include <math.h>

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

static const struct {
    const char *name;
    int d, heads, d_ff;
    double dropout;
    size_t batch;
    int steps;
} shapes[] = {
    { "patchtst_etth", 16, 4, 128, .3, 128, 12 },
    { "patchtst_ettm", 128, 16, 256, .2, 128, 4 },
    { "lstm_etth", 0, 0, 0, 0, 32, 12 },
    { "dlinear_etth", 0, 0, 0, 0, 32, 400 },
};

static Case case_at(size_t i) {
    ModelKind kind = shapes[i].d                               ? MODEL_PATCHTST
                     : strncmp(shapes[i].name, "lstm", 4) == 0 ? MODEL_LSTM
                                                               : MODEL_DLINEAR;
    ModelSettings s = kind == MODEL_PATCHTST ? patchtst(shapes[i].d, shapes[i].heads, shapes[i].d_ff, shapes[i].dropout)
                                             : model_defaults(kind, 336, 96, 7);
    return (Case){ shapes[i].name, s, shapes[i].batch, shapes[i].steps };
}

/* The kernels that a wide model is also run with, though only for who asks for them. */
static const NnKernels *half_for(const Case *c) {
    return c->s.kind == MODEL_PATCHTST && c->s.d_model >= 64 ? nn_kernels_by_name("avx512bf16") : NULL;
}

static int run_own(const char *word, const char *isa) {
    const NnKernels *best = isa ? nn_kernels_by_name(isa) : nn_kernels_best();
    if (!best) {
        fprintf(stderr, "this machine has no kernels %s\n", isa);
        return 1;
    }
    peak_gf_s = measure_peak(best);
    printf("{\"bench\":\"nn_peak\",\"isa\":\"%s\",\"gf_per_cpu_s\":%.1f}\n", best->name, peak_gf_s);
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        Case c = case_at(i);
        if (!strstr(c.name, word))
            continue;
        run_case(&c, 1, best);
        run_case(&c, 2, best);
        if (!isa && half_for(&c))
            run_case(&c, 1, half_for(&c));
    }
    return 0;
}

static int run_turn(size_t i, int steps) {
    Case c = case_at(i);
    c.steps = MAX(steps, 1);
    peak_gf_s = measure_peak(nn_kernels_best());
    run_case(&c, 1, nn_kernels_best());
    if (half_for(&c))
        run_case(&c, 1, half_for(&c));
    return 0;
}

static int read_floats(Ctx *cx, const Tensors *file, const char *name, size_t n, float *out) {
    const Tensor *t = tensors_find(file, str_c(name));
    return t ? tensor_floats(cx, t, n, out) : err_set(cx, ERR_NOT_FOUND, "no tensor %s", name);
}

/* The file's weights into the model, the model's loss on the file's windows, and the file's own. */
static int file_losses(Ctx *cx, const Tensors *file, Model *m, double *loss, double *want) {
    enum { MOST = 64 };
    const ModelSettings *s = model_settings(m);
    const Tensor *t = tensors_find(file, S("x"));
    size_t n = t ? t->shape[0] : 0, xs = (size_t)s->lookback * (size_t)s->channels;
    size_t ys = (size_t)s->horizon * (size_t)s->targets;
    if (n == 0 || n > MOST)
        return err_set(cx, ERR_CORRUPT, "no x of 1 to %d windows", MOST);
    float *x = arena_new_n(cx->arena, float, n *xs), *y = arena_new_n(cx->arena, float, n *ys), one;
    int e = read_floats(cx, file, "x", n * xs, x);
    e = e ? e : read_floats(cx, file, "y", n * ys, y);
    e = e ? e : read_floats(cx, file, "loss", 1, &one);
    Params *p = model_params(m);
    for (size_t i = 0; e == 0 && i < p->n_params; i++)
        e = read_floats(cx, file, p->v[i].name, p->v[i].n, param_value(p, i));
    if (e != 0)
        return e;
    const float *px[MOST], *py[MOST];
    for (size_t b = 0; b < n; b++) {
        px[b] = x + b * xs;
        py[b] = y + b * ys;
    }
    ModelBatch batch = { .n = n, .x = px, .x_stride = (size_t)s->channels, .y = py, .y_stride = (size_t)s->targets };
    *loss = model_backward(m, &batch, &(Loss){ LOSS_MSE, 0 }, 0);
    *want = (double)one;
    return 0;
}

static int run_check(size_t i, const char *path) {
    static const double TOLERANCE = 1e-5; /* relative: both sides have the rounding of floats */
    Arena arena = { 0 };
    ClockManual clock = { 0 };
    Ctx cx;
    Nn nn;
    Model *m = NULL;
    Tensors file;
    double loss = 0, want = 0;
    Case c = case_at(i);
    c.s.dropout = 0;
    ctx_init(&cx, &arena, &clock.clock);
    nn_init(&nn, nn_kernels_best(), 1);
    Str bytes;
    int e = file_read(&cx, path, (size_t)1 << 28, &bytes);
    e = e ? e : tensors_read(&cx, bytes, &file);
    e = e ? e : model_new(&cx, &c.s, &nn, &m);
    e = e ? e : file_losses(&cx, &file, m, &loss, &want);
    if (e != 0)
        fprintf(stderr, "%s: %s\n", path, cx.err.text);
    bool same = e == 0 && fabs(loss - want) <= TOLERANCE * fabs(want);
    printf("{\"bench\":\"nn_check\",\"which\":\"%s\",\"loss\":%.9g,\"rival\":%.9g,\"same\":%s}\n", c.name, loss, want,
           same ? "true" : "false");
    model_free(m);
    nn_done(&nn);
    arena_done(&arena);
    return same ? 0 : 1;
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "own";
    if (strcmp(verb, "own") == 0)
        return run_own(argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : NULL);
    for (size_t i = 0; argc == 4 && i < ARRAY_LEN(shapes); i++)
        if (strcmp(shapes[i].name, argv[2]) == 0)
            return strcmp(verb, "check") == 0 ? run_check(i, argv[3]) : run_turn(i, (int)strtol(argv[3], NULL, 10));
    fprintf(stderr, "usage: bench_nn own [WORD [ISA]] | turn NAME STEPS | check NAME FILE\n");
    return 2;
}
