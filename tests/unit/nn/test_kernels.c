/* nn/kernel: every fast kernel against the plain one, over shapes that leave ragged edges on all sides. */

#include "base/rng.h"
#include "nn/nn.h"
#include "nn/op.h"

#include "test.h"

enum { GUARD = 7 }; /* columns beyond the panel's: never touched */

typedef struct Panel {
    size_t rows, cols, ld;
    float *v;
} Panel;

static Arena arena;
static Rng rng;

static Panel panel(size_t rows, size_t cols) {
    Panel p = { rows, cols, cols + GUARD, nn_floats(&arena, rows * (cols + GUARD) + 1) };
    for (size_t i = 0; i < rows * p.ld; i++)
        p.v[i] = (float)rng_normal(&rng);
    return p;
}

static Panel copied(Panel p) {
    Panel q = p;
    q.v = nn_floats(&arena, p.rows * p.ld + 1);
    memcpy(q.v, p.v, p.rows * p.ld * sizeof(float));
    return q;
}

/* Elements within tol of each other, and everything beyond the columns equal to the bit. */
static void check_panels(const char *what, const char *isa, Panel got, Panel want, double tol) {
    for (size_t r = 0; r < got.rows; r++)
        for (size_t c = 0; c < got.ld; c++) {
            double g = got.v[r * got.ld + c], w = want.v[r * want.ld + c];
            if (c < got.cols ? !(fabs(g - w) <= tol) : memcmp(&got.v[r * got.ld + c], &want.v[r * got.ld + c], 4) != 0)
                FAIL("%s of %s, %zu x %zu: at %zu,%zu %.9g, not %.9g", what, isa, got.rows, got.cols, r, c, g, w);
        }
}

/* Calls fn for each fast table, `rounds` times, with shapes that come from the seed. */
static void each_table(int rounds, void (*fn)(const NnKernels *k)) {
    for (size_t i = 1; nn_kernels_at(i); i++) {
        rng_seed(&rng, prop_seed(7));
        for (int r = 0; r < rounds; r++) {
            fn(nn_kernels_at(i));
            arena_reset(&arena);
        }
    }
    arena_done(&arena);
}

static void gemm_once(const NnKernels *k) {
    size_t m = 1 + rng_below(&rng, 40), n = 1 + rng_below(&rng, 120),
           depth = rng_below(&rng, 10) ? rng_below(&rng, 60) : 300;
    bool transposed = rng_chance(&rng, .5), add = rng_chance(&rng, .5), bias = rng_chance(&rng, .5);
    if (rng_chance(&rng, .2)) /* rows of B an odd number of cache lines apart: read where they lie */
        n = (rng_chance(&rng, .5) ? 80 : 112) - GUARD;
    Panel a = transposed ? panel(MAX(depth, 1), m) : panel(m, MAX(depth, 1)), b = panel(MAX(depth, 1), n),
          c = panel(m, n);
    Panel d = panel(1, m), want = copied(c);
    Gemm g = { .m = m,
               .n = n,
               .k = depth,
               .a = a.v,
               .a_row = transposed ? 1 : a.ld,
               .a_col = transposed ? a.ld : 1,
               .b = b.v,
               .ldb = b.ld,
               .c = c.v,
               .ldc = c.ld,
               .bias = bias ? d.v : NULL,
               .add = add };
    k->gemm(&g);
    g.c = want.v;
    nn_kernels_plain.gemm(&g);
    check_panels("gemm", k->name, c, want, 1e-4);
}

TEST(gemm_equals_the_plain_one) {
    UNUSED(state_);
    each_table(400, gemm_once);
}

/* Operands rounded to eight bits of mantissa: an error of 2^-8 a product, which the sum's terms share at random. */
TEST(bf16_gemm_is_as_close_as_its_operands_allow) {
    const NnKernels *k = nn_kernels_by_name("avx512bf16");
    if (!k)
        SKIP("this machine has no avx512bf16");
    UNUSED(state_);
    rng_seed(&rng, prop_seed(8));
    for (int round = 0; round < 200; round++) {
        size_t m = 1 + rng_below(&rng, 60), n = 1 + rng_below(&rng, 120),
               depth = 1 + rng_below(&rng, 2) * 300 + rng_below(&rng, 60);
        bool transposed = rng_chance(&rng, .5);
        Panel a = transposed ? panel(depth, m) : panel(m, depth), b = panel(depth, n), c = panel(m, n), d = panel(1, m);
        Panel want = copied(c);
        Gemm g = { .m = m,
                   .n = n,
                   .k = depth,
                   .a = a.v,
                   .a_row = transposed ? 1 : a.ld,
                   .a_col = transposed ? a.ld : 1,
                   .b = b.v,
                   .ldb = b.ld,
                   .c = c.v,
                   .ldc = c.ld,
                   .bias = rng_chance(&rng, .5) ? d.v : NULL,
                   .add = rng_chance(&rng, .5) };
        k->gemm(&g);
        g.c = want.v;
        nn_kernels_plain.gemm(&g);
        check_panels("gemm", k->name, c, want, .02 * sqrt((double)depth) + 1e-4);
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static void transpose_once(const NnKernels *k) {
    Panel x = panel(1 + rng_below(&rng, 50), 1 + rng_below(&rng, 50)), got = panel(x.cols, x.rows), want = copied(got);
    k->transpose(x.rows, x.cols, x.v, x.ld, got.v, got.ld);
    nn_kernels_plain.transpose(x.rows, x.cols, x.v, x.ld, want.v, want.ld);
    check_panels("transpose", k->name, got, want, 0);
}

TEST(transpose_equals_the_plain_one) {
    UNUSED(state_);
    each_table(300, transpose_once);
}

static void sums_once(const NnKernels *k) {
    Panel x = panel(1 + rng_below(&rng, 20), rng_below(&rng, 90)), got = panel(1, x.rows), want = copied(got);
    k->row_sums(x.rows, x.cols, x.v, x.ld, got.v);
    nn_kernels_plain.row_sums(x.rows, x.cols, x.v, x.ld, want.v);
    check_panels("row_sums", k->name, got, want, 1e-5);
    Panel y = panel(1, x.rows * x.ld), y_want = copied(y);
    k->add(y.cols, x.v, y.v);
    nn_kernels_plain.add(y.cols, x.v, y_want.v);
    check_panels("add", k->name, y, y_want, 0);
}

TEST(sums_equal_the_plain_ones) {
    UNUSED(state_);
    each_table(300, sums_once);
}

static NnDropout dropout(void) {
    return (NnDropout){ .keep = rng_chance(&rng, .3) ? 1 : (float)(.1 + .8 * rng_f64(&rng)),
                        .key = (uint32_t)rng_u64(&rng),
                        .first = (uint32_t)rng_u64(&rng),
                        .row_step = (uint32_t)rng_below(&rng, 1000) };
}

static void elementwise_once(const NnKernels *k) {
    const NnKernels *plain = &nn_kernels_plain;
    Panel x = panel(1 + rng_below(&rng, 9), 1 + rng_below(&rng, 60)), y = panel(x.rows, x.cols), want = copied(y);
    Panel slope = copied(x), slope_want = copied(x), rows = panel(4, x.rows);
    NnDropout d = dropout();
    bool residual = rng_chance(&rng, .5);
    slope.v[0] = slope_want.v[0] = 3;
    k->dropout(x.rows, x.cols, x.v, x.ld, residual ? slope.v : NULL, &d, y.v);
    plain->dropout(x.rows, x.cols, x.v, x.ld, residual ? slope.v : NULL, &d, want.v);
    check_panels("dropout", k->name, y, want, 1e-5);
    k->gelu(x.rows, x.cols, x.v, x.ld, &d, y.v);
    plain->gelu(x.rows, x.cols, x.v, x.ld, &d, want.v);
    check_panels("gelu", k->name, y, want, 3e-6 / (double)d.keep);
    k->gelu_back(x.rows, x.cols, x.v, x.ld, &d, y.v, slope.v);
    plain->gelu_back(x.rows, x.cols, x.v, x.ld, &d, want.v, slope_want.v);
    check_panels("gelu_back, value", k->name, y, want, 3e-6 / (double)d.keep);
    check_panels("gelu_back, slope", k->name, slope, slope_want, 3e-6 / (double)d.keep);
    k->scale_rows(x.rows, x.cols, x.v, x.ld, rows.v, rows.v + rows.ld, y.v);
    plain->scale_rows(x.rows, x.cols, x.v, x.ld, rows.v, rows.v + rows.ld, want.v);
    check_panels("scale_rows", k->name, y, want, 1e-5);
    k->norm_back(x.rows, x.cols, x.v, y.v, x.ld, rows.v, rows.v + rows.ld, rows.v + 2 * rows.ld, rows.v + 3 * rows.ld);
    plain->norm_back(x.rows, x.cols, x.v, want.v, x.ld, rows.v, rows.v + rows.ld, rows.v + 2 * rows.ld,
                     rows.v + 3 * rows.ld);
    check_panels("norm_back", k->name, y, want, 1e-4);
}

TEST(elementwise_kernels_equal_the_plain_ones) {
    UNUSED(state_);
    each_table(300, elementwise_once);
}

static void moments_once(const NnKernels *k) {
    Panel x = panel(1 + rng_below(&rng, 9), 1 + rng_below(&rng, 60)), dz = panel(x.rows, x.cols),
          mean = panel(1, x.rows);
    float level = rng_chance(&rng, .5) ? 1000 : 0; /* far from zero: squares around it, not of it */
    for (size_t i = 0; i < x.rows * x.ld; i++)
        x.v[i] += level;
    double sum[9], square[9], sum_want[9], square_want[9];
    k->moments(x.rows, x.cols, x.v, x.ld, sum, square);
    nn_kernels_plain.moments(x.rows, x.cols, x.v, x.ld, sum_want, square_want);
    for (size_t r = 0; r < x.rows; r++)
        if (fabs(sum[r] - sum_want[r]) > 1e-5 + 1e-6 * fabs(sum_want[r]) ||
            fabs(square[r] - square_want[r]) > 1e-3 + 1e-4 * square_want[r])
            FAIL("moments of %s: %.9g %.9g, not %.9g %.9g", k->name, sum[r], square[r], sum_want[r], square_want[r]);
    for (size_t r = 0; r < x.rows; r++)
        mean.v[r] += level;
    k->slope_moments(x.rows, x.cols, x.v, dz.v, x.ld, mean.v, sum, square);
    nn_kernels_plain.slope_moments(x.rows, x.cols, x.v, dz.v, x.ld, mean.v, sum_want, square_want);
    for (size_t r = 0; r < x.rows; r++)
        if (fabs(sum[r] - sum_want[r]) > 1e-4 || fabs(square[r] - square_want[r]) > 1e-4)
            FAIL("slope_moments of %s: %.9g %.9g, not %.9g %.9g", k->name, sum[r], square[r], sum_want[r],
                 square_want[r]);
}

TEST(moments_equal_the_plain_ones) {
    UNUSED(state_);
    each_table(300, moments_once);
}

enum { SCORES_MAX = 3 };

static void attention_once(const NnKernels *k) {
    size_t n = 1 + rng_below(&rng, 70), width = 1 + rng_below(&rng, 18);
    const float *q[SCORES_MAX], *key[SCORES_MAX];
    for (int i = 0; i < SCORES_MAX; i++) {
        q[i] = panel(width, n).v;
        key[i] = panel(width, n).v;
    }
    Panel v = panel(width, n), o = panel(width, n), o_want = copied(o), d_o = panel(width, n);
    size_t ld = NN_ATTENTION_LD(n);
    Panel carry = { n, n, ld, nn_floats(&arena, n * ld) };
    for (size_t i = 0; i < n * ld; i++)
        carry.v[i] = i % ld < n ? (float)rng_normal(&rng) : 0;
    NnAttention a = { .tokens = n,
                      .width = width,
                      .ld = v.ld,
                      .n_scores = 1 + rng_below(&rng, SCORES_MAX),
                      .scale = 1 / sqrtf((float)width),
                      .q = q,
                      .k = key,
                      .v = v.v,
                      .o = o.v,
                      .scratch = nn_floats(&arena, NN_ATTENTION_SCRATCH(n)) };
    k->attention(&a);
    a.o = o_want.v;
    nn_kernels_plain.attention(&a);
    check_panels("attention", k->name, o, o_want, 2e-5);

    Panel got[4] = { panel(width, n), panel(width, n), panel(width, n), copied(carry) }, want[4];
    for (int i = 0; i < 4; i++)
        want[i] = copied(got[i]);
    bool in = rng_chance(&rng, .5), out = rng_chance(&rng, .5);
    k->attention_back(
        &(NnAttentionBack){ a, d_o.v, in ? got[3].v : NULL, out ? got[3].v : NULL, got[0].v, got[1].v, got[2].v });
    nn_kernels_plain.attention_back(
        &(NnAttentionBack){ a, d_o.v, in ? want[3].v : NULL, out ? want[3].v : NULL, want[0].v, want[1].v, want[2].v });
    check_panels("attention_back, dq", k->name, got[0], want[0], 2e-4);
    check_panels("attention_back, dk", k->name, got[1], want[1], 2e-4);
    check_panels("attention_back, dv", k->name, got[2], want[2], 2e-4);
    got[3].ld = want[3].ld = ld;
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            if (fabs(got[3].v[r * ld + c] - want[3].v[r * ld + c]) > 2e-5f)
                FAIL("attention_back, carry, of %s: %g, not %g", k->name, got[3].v[r * ld + c], want[3].v[r * ld + c]);
}

TEST(attention_equals_the_plain_one) {
    UNUSED(state_);
    each_table(150, attention_once);
}

/* The plain attention's slopes against differences of its own output: what the fast ones are compared with is right. */
TEST(plain_attention_slopes_are_differences) {
    UNUSED(state_);
    enum { N = 5, WIDTH = 2 };
    rng_seed(&rng, 1);
    Panel q = panel(WIDTH, N), key = panel(WIDTH, N), v = panel(WIDTH, N), o = panel(WIDTH, N), d_o = panel(WIDTH, N);
    Panel dq = panel(WIDTH, N), dk = panel(WIDTH, N), dv = panel(WIDTH, N);
    const float *qs = q.v, *ks = key.v;
    NnAttention a = { .tokens = N,
                      .width = WIDTH,
                      .ld = v.ld,
                      .n_scores = 1,
                      .scale = .7f,
                      .q = &qs,
                      .k = &ks,
                      .v = v.v,
                      .o = o.v,
                      .scratch = nn_floats(&arena, NN_ATTENTION_SCRATCH(N)) };
    nn_kernels_plain.attention(&a);
    nn_kernels_plain.attention_back(&(NnAttentionBack){ a, d_o.v, NULL, NULL, dq.v, dk.v, dv.v });
    struct {
        Panel at, slope;
    } inputs[] = { { q, dq }, { key, dk }, { v, dv } };
    for (size_t i = 0; i < 3; i++)
        for (size_t e = 0; e < WIDTH * N; e++) {
            size_t at = e / N * q.ld + e % N;
            double value[2];
            float was = inputs[i].at.v[at];
            for (int side = 0; side < 2; side++) {
                inputs[i].at.v[at] = was + (side ? 1e-2f : -1e-2f);
                nn_kernels_plain.attention(&a);
                value[side] = 0;
                for (size_t j = 0; j < WIDTH * N; j++)
                    value[side] += (double)o.v[j / N * o.ld + j % N] * d_o.v[j / N * d_o.ld + j % N];
            }
            inputs[i].at.v[at] = was;
            CHECK_NEAR(inputs[i].slope.v[at], (value[1] - value[0]) / 2e-2, 1e-3);
        }
    arena_done(&arena);
}

static void tokenwise_once(const NnKernels *k) {
    const NnKernels *plain = &nn_kernels_plain;
    Panel x = panel(1 + rng_below(&rng, 40), 1 + rng_below(&rng, 40)), y = panel(x.rows, x.cols), want = copied(y);
    Panel gain = panel(2, x.rows), kept = panel(2, x.cols), kept_want = copied(kept), dy = panel(x.rows, x.cols);
    Panel sums = panel(2, x.rows), sums_want = copied(sums), dx = copied(dy), dx_want = copied(dy);
    float *gamma = gain.v, *beta = gain.v + gain.ld;
    k->layer_norm(x.rows, x.cols, x.v, x.ld, gamma, beta, .1f, kept.v, kept.v + kept.ld, y.v);
    plain->layer_norm(x.rows, x.cols, x.v, x.ld, gamma, beta, .1f, kept_want.v, kept_want.v + kept.ld, want.v);
    check_panels("layer_norm", k->name, y, want, 2e-5);
    check_panels("layer_norm, moments", k->name, kept, kept_want, 1e-5);
    k->layer_norm_back(x.rows, x.cols, x.v, dy.v, x.ld, gamma, kept.v, kept.v + kept.ld, sums.v, sums.v + sums.ld,
                       dx.v);
    plain->layer_norm_back(x.rows, x.cols, x.v, dy.v, x.ld, gamma, kept_want.v, kept_want.v + kept.ld, sums_want.v,
                           sums_want.v + sums.ld, dx_want.v);
    check_panels("layer_norm_back, dx", k->name, dx, dx_want, 1e-4);
    check_panels("layer_norm_back, gain", k->name, sums, sums_want, 1e-4);
    k->softmax(x.rows, x.cols, x.v, x.ld, y.v);
    plain->softmax(x.rows, x.cols, x.v, x.ld, want.v);
    check_panels("softmax", k->name, y, want, 1e-6);
    k->softmax_back(x.rows, x.cols, y.v, x.ld, dx.v);
    plain->softmax_back(x.rows, x.cols, want.v, x.ld, dx_want.v);
    check_panels("softmax_back", k->name, dx, dx_want, 1e-4);
}

TEST(layer_norm_and_softmax_equal_the_plain_ones) {
    UNUSED(state_);
    each_table(300, tokenwise_once);
}

enum { FEATURES = 5, TOKENS = 3 };
static float layer_gamma[FEATURES], layer_beta[FEATURES], layer_weight[FEATURES * TOKENS], layer_mean[TOKENS],
    layer_scale[TOKENS];

/* A weighted sum of LayerNorm's, or softmax's, output: what its slopes are differences of. */
static double layer_value(bool norm, const float *x) {
    float y[FEATURES * TOKENS];
    double sum = 0;
    if (norm)
        nn_kernels_plain.layer_norm(FEATURES, TOKENS, x, TOKENS, layer_gamma, layer_beta, 1e-2f, layer_mean,
                                    layer_scale, y);
    else
        nn_kernels_plain.softmax(FEATURES, TOKENS, x, TOKENS, y);
    for (size_t i = 0; i < FEATURES * TOKENS; i++)
        sum += (double)layer_weight[i] * y[i];
    return sum;
}

TEST(plain_layer_norm_and_softmax_slopes_are_differences) {
    rng_seed(&rng, 2);
    float x[FEATURES * TOKENS], y[FEATURES * TOKENS], got[FEATURES * TOKENS], dgamma[FEATURES] = { 0 },
                                                                              dbeta[FEATURES] = { 0 };
    for (size_t i = 0; i < FEATURES * TOKENS; i++) {
        x[i] = (float)rng_normal(&rng);
        layer_weight[i] = (float)rng_normal(&rng);
        layer_gamma[i % FEATURES] = (float)rng_normal(&rng);
    }
    for (int norm = 0; norm < 2; norm++) {
        layer_value(norm, x);
        memcpy(got, layer_weight, sizeof got);
        if (norm) {
            nn_kernels_plain.layer_norm_back(FEATURES, TOKENS, x, layer_weight, TOKENS, layer_gamma, layer_mean,
                                             layer_scale, dgamma, dbeta, got);
        } else {
            nn_kernels_plain.softmax(FEATURES, TOKENS, x, TOKENS, y);
            nn_kernels_plain.softmax_back(FEATURES, TOKENS, y, TOKENS, got);
        }
        for (size_t i = 0; i < FEATURES * TOKENS + 2 * FEATURES * (size_t)norm; i++) {
            size_t j = i - FEATURES * TOKENS;
            float *at = i < FEATURES * TOKENS ? &x[i]
                        : j < FEATURES        ? &layer_gamma[j]
                                              : &layer_beta[j - FEATURES],
                  was = *at;
            double want =
                i < FEATURES * TOKENS ? (double)got[i] : (double)(j < FEATURES ? dgamma[j] : dbeta[j - FEATURES]);
            *at = was + 1e-2f;
            double up = layer_value(norm, x);
            *at = was - 1e-2f;
            double down = layer_value(norm, x);
            *at = was;
            CHECK_NEAR(want, (up - down) / 2e-2, 2e-3);
        }
    }
}

TEST(an_embedding_takes_rows_and_gives_their_slopes_back) {
    const float table[4][2] = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } };
    const uint32_t ids[3] = { 2, 0, 2 };
    float y[2 * 4] = { 0 }, dtable[4][2] = { { 0 } };
    embed_forward(2, 3, table[0], ids, y, 4);
    const float want[2 * 4] = { 5, 1, 5, 0, 6, 2, 6, 0 };
    CHECK_EQ(memcmp(y, want, sizeof y), 0);
    embed_back(2, 3, y, 4, ids, dtable[0]);
    CHECK(dtable[2][0] == 10 && dtable[2][1] == 12 && dtable[0][0] == 1 && dtable[0][1] == 2 && dtable[1][0] == 0);
}

static void lstm_once(const NnKernels *k) {
    size_t hidden = 1 + rng_below(&rng, 9), n = 1 + rng_below(&rng, 40);
    Panel gates = panel(4 * hidden, n), before = panel(hidden, n), c = panel(hidden, n), h = panel(hidden, n);
    Panel gates_want = copied(gates), c_want = copied(c), h_want = copied(h), dh = panel(hidden, n),
          dc = panel(hidden, n);
    Panel dc_want = copied(dc);
    const float *earlier = rng_chance(&rng, .7) ? before.v : NULL;
    k->lstm(hidden, n, gates.v, gates.ld, earlier, c.v, h.v);
    nn_kernels_plain.lstm(hidden, n, gates_want.v, gates.ld, earlier, c_want.v, h_want.v);
    check_panels("lstm, gates", k->name, gates, gates_want, 1e-6);
    check_panels("lstm, c", k->name, c, c_want, 3e-6);
    check_panels("lstm, h", k->name, h, h_want, 3e-6);
    k->lstm_back(hidden, n, gates.v, gates.ld, earlier, c.v, dh.v, dc.v);
    nn_kernels_plain.lstm_back(hidden, n, gates_want.v, gates.ld, earlier, c_want.v, dh.v, dc_want.v);
    check_panels("lstm_back, gates", k->name, gates, gates_want, 1e-5);
    check_panels("lstm_back, dc", k->name, dc, dc_want, 1e-5);
}

TEST(lstm_steps_equal_the_plain_ones) {
    UNUSED(state_);
    each_table(200, lstm_once);
}

/* Every exponent, both signs, and the ends. */
static void check_function(const char *what, const NnKernels *k, void (*f)(size_t, const float *, float *),
                           double (*want)(double), double absolute, double relative) {
    enum { N = 40000 };
    static float x[N], y[N];
    for (size_t i = 0; i < N; i++)
        x[i] = ((float)i - N / 2) * (100.f / (N / 2));
    f(N, x, y);
    for (size_t i = 0; i < N; i++) {
        double w = want((double)x[i]);
        if (x[i] < -86.5f && absolute == 0)
            continue;
        if (x[i] < 88 && !(fabs((double)y[i] - w) <= absolute + relative * fabs(w)))
            FAIL("%s of %s: at %.9g %.9g, not %.9g", what, k->name, x[i], y[i], w);
    }
    x[0] = NAN;
    f(1, x, y);
    if (!isnan(y[0]))
        FAIL("%s of %s: NaN becomes %g", what, k->name, y[0]);
}

static double phi_double(double x) {
    return erfc(-x / sqrt(2)) / 2;
}

TEST(functions_are_as_exact_as_stated) {
    UNUSED(state_);
    for (size_t i = 0; nn_kernels_at(i); i++) {
        const NnKernels *k = nn_kernels_at(i);
        check_function("exp", k, k->exp, exp, 0, 2e-7);
        check_function("phi", k, k->phi, phi_double, 3e-7, 0);
        check_function("tanh", k, k->tanh, tanh, 3e-7, 0);
    }
}

TEST(dropout_keeps_its_share_and_its_mean) {
    enum { N = 100000 };
    static float x[N], y[N];
    for (size_t i = 0; i < N; i++)
        x[i] = 1;
    for (int i = 1; i < 10; i++) {
        NnDropout d = { .keep = (float)i / 10, .key = 12345, .first = 0, .row_step = N };
        size_t n = 0;
        nn_kernels_best()->dropout(1, N, x, N, NULL, &d, y);
        for (size_t j = 0; j < N; j++)
            n += y[j] != 0;
        CHECK_NEAR((double)n / N, (double)d.keep, .006); /* four standard deviations */
    }
}

static void adam_once(const NnKernels *k) {
    size_t n = 1 + rng_below(&rng, 70);
    Panel grad = panel(1, n), value = panel(1, n), m = panel(1, n), v = panel(1, n);
    for (size_t i = 0; i < n; i++)
        v.v[i] = v.v[i] * v.v[i];
    Panel value_want = copied(value), m_want = copied(m), v_want = copied(v);
    const NnAdam c = { .beta1 = .9f, .beta2 = .999f, .eps = 1e-8f, .rate = .01f, .scale2 = 1.5f, .keep = .999f };
    k->adam(n, grad.v, value.v, m.v, v.v, &c);
    nn_kernels_plain.adam(n, grad.v, value_want.v, m_want.v, v_want.v, &c);
    check_panels("adam, value", k->name, value, value_want, 1e-6);
    check_panels("adam, m", k->name, m, m_want, 1e-6);
    check_panels("adam, v", k->name, v, v_want, 1e-6);
}

TEST(adam_equals_the_plain_one) {
    UNUSED(state_);
    each_table(300, adam_once);
}

TEST(the_best_kernels_are_of_the_list_and_unknown_names_are_not) {
    CHECK(nn_kernels_by_name(nn_kernels_best()->name) == nn_kernels_best());
    CHECK(nn_kernels_by_name("plain") == &nn_kernels_plain);
    CHECK(nn_kernels_by_name("sse2") == &nn_kernels_sse2);
    CHECK(!nn_kernels_by_name("abacus"));
}

TESTS(T(gemm_equals_the_plain_one), T(bf16_gemm_is_as_close_as_its_operands_allow), T(transpose_equals_the_plain_one),
      T(sums_equal_the_plain_ones), T(elementwise_kernels_equal_the_plain_ones), T(moments_equal_the_plain_ones),
      T(attention_equals_the_plain_one), T(plain_attention_slopes_are_differences), T(lstm_steps_equal_the_plain_ones),
      T(layer_norm_and_softmax_equal_the_plain_ones), T(plain_layer_norm_and_softmax_slopes_are_differences),
      T(an_embedding_takes_rows_and_gives_their_slopes_back), T(functions_are_as_exact_as_stated),
      T(dropout_keeps_its_share_and_its_mean), T(adam_equals_the_plain_one),
      T(the_best_kernels_are_of_the_list_and_unknown_names_are_not))
