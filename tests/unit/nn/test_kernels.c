/* nn/kernel: every fast kernel against the plain one, over shapes that leave ragged edges on all sides. */

#include "base/rng.h"
#include "nn/nn.h"

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

TESTS(T(gemm_equals_the_plain_one), T(transpose_equals_the_plain_one), T(sums_equal_the_plain_ones),
      T(adam_equals_the_plain_one), T(the_best_kernels_are_of_the_list_and_unknown_names_are_not))
