/* The searches against drawing at random, on functions whose best is known (FUT-03). */

#include "forecast/search.h"
#include "test.h"

enum { DIMS = 4 };
typedef double Function(const double *x); /* on [-5, 5]^4; 0 at best */

static double sphere(const double *x) {
    double s = 0;
    for (int i = 0; i < DIMS; i++)
        s += (x[i] - 1) * (x[i] - 1);
    return s;
}
static double ellipsoid(const double *x) {
    double s = 0;
    for (int i = 0; i < DIMS; i++)
        s += pow(10, i) * (x[i] + 2) * (x[i] + 2);
    return s;
}
static double absolute(const double *x) {
    double s = 0;
    for (int i = 0; i < DIMS; i++)
        s += fabs(x[i] - 3);
    return s;
}
static double largest(const double *x) {
    double s = 0;
    for (int i = 0; i < DIMS; i++)
        s = fmax(s, fabs(x[i] + 1));
    return s;
}
static double rosenbrock(const double *x) {
    double s = 0;
    for (int i = 0; i + 1 < DIMS; i++)
        s += 100 * pow(x[i + 1] - x[i] * x[i], 2) + pow(1 - x[i], 2);
    return s;
}
static double rastrigin(const double *x) {
    double s = 10 * DIMS;
    for (int i = 0; i < DIMS; i++)
        s += (x[i] - 2) * (x[i] - 2) - 10 * cos(6.283185307179586 * (x[i] - 2));
    return s;
}
static double ackley(const double *x) {
    double a = 0, b = 0;
    for (int i = 0; i < DIMS; i++) {
        a += x[i] * x[i] / DIMS;
        b += cos(6.283185307179586 * x[i]) / DIMS;
    }
    return 20 + 2.718281828459045 - 20 * exp(-0.2 * sqrt(a)) - exp(b);
}
static double griewank(const double *x) {
    double a = 0, b = 1;
    for (int i = 0; i < DIMS; i++) {
        a += x[i] * x[i] / 4000;
        b *= cos(x[i] / sqrt(i + 1));
    }
    return 1 + a - b;
}
static double step(const double *x) {
    double s = 0;
    for (int i = 0; i < DIMS; i++)
        s += pow(floor(x[i] + 0.5), 2);
    return s;
}
static double one_matters(const double *x) {
    return fabs(x[2] - 4) + 0.01 * fabs(x[0]);
}

static const SearchParam box[DIMS] = { { "a", -5, 5, false, false },
                                       { "b", -5, 5, false, false },
                                       { "c", -5, 5, false, false },
                                       { "d", -5, 5, false, false } };

static double run(Function *fn, SearchMethod method, uint64_t seed, size_t trials) {
    Arena a = { 0 };
    double x[DIMS], best = INFINITY;
    Search *s = search_new(&a, box, DIMS, method, seed);
    for (size_t i = 0; i < trials; i++) {
        search_ask(s, x);
        for (int d = 0; d < DIMS; d++)
            CHECK_OK_PLAIN((&(Ctx){ 0 }), x[d] >= -5 && x[d] <= 5 ? 0 : ERR_INTERNAL);
        search_tell(s, x, fn(x));
    }
    search_best(s, x, &best);
    arena_done(&a);
    return best;
}

TEST(tpe_beats_drawing_at_random) {
    static const struct {
        const char *name;
        Function *fn;
    } rows[] = { { "sphere", sphere },          { "ellipsoid", ellipsoid },   { "absolute", absolute },
                 { "largest", largest },        { "rosenbrock", rosenbrock }, { "rastrigin", rastrigin },
                 { "ackley", ackley },          { "griewank", griewank },     { "step", step },
                 { "one matters", one_matters } };
    enum { SEEDS = 9, TRIALS = 120 };
    int better = 0;
    UNUSED(state_);
    EACH_ROW (r, rows) {
        double tpe = 0, random = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            tpe += run(r->fn, SEARCH_TPE, seed, TRIALS) / SEEDS;
            random += run(r->fn, SEARCH_RANDOM, seed, TRIALS) / SEEDS;
        }
        better += tpe < random;
        print_message("# %-12s TPE %8.4f  random %8.4f\n", r->name, tpe, random);
    }
    CHECK_EQ(better, ARRAY_LEN(rows));
}

TEST(the_same_seed_asks_the_same) {
    UNUSED(state_);
    CHECK(run(sphere, SEARCH_TPE, 3, 60) == run(sphere, SEARCH_TPE, 3, 60));
    CHECK(run(sphere, SEARCH_TPE, 3, 60) != run(sphere, SEARCH_TPE, 4, 60));
}

TEST(scales_whole_numbers_and_failures) {
    TestCtx t;
    test_ctx_init(&t);
    const SearchParam params[] = { { "rate", 1e-5, 1e-1, true, false }, { "batch", 1, 9, false, true } };
    Search *s = search_new(&t.arena, params, 2, SEARCH_TPE, 1);
    double x[2], value;
    int small = 0;
    CHECK(!search_best(s, x, &value));
    for (int i = 0; i < 200; i++) {
        search_ask(s, x);
        CHECK(x[0] >= 1e-5 && x[0] <= 1e-1 && x[1] == floor(x[1]) && x[1] >= 1 && x[1] <= 9);
        small += i < 10 && x[0] < 1e-3;
        search_tell(s, x, x[1] > 5 ? NAN : fabs(log(x[0] / 0.003)) + x[1]); /* half of them fail */
    }
    CHECK(small > 1); /* the lower decades get their share */
    CHECK(search_best(s, x, &value));
    CHECK(x[1] == 1 && fabs(log(x[0] / 0.003)) < 0.2);
    test_ctx_done(&t);
}

/* A trial's quality shows itself with the resource: the noise shrinks as it is trained longer. */
TEST(asha_finds_better_for_the_same_price) {
    UNUSED(state_);
    enum { SEEDS = 20 };
    const double budget = 27 * 12;
    double with = 0, without = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        Arena arena = { 0 };
        Asha *a = asha_new(&arena, 1, 27, 3);
        Rng rng;
        double quality[400], spent = 0, best = INFINITY, best_resource = 0, at_random = INFINITY;
        rng_seed(&rng, seed);
        for (int i = 0; i < 400; i++)
            quality[i] = rng_f64(&rng);
        double had[400] = { 0 };
        while (spent < budget) {
            AshaTask task = asha_ask(a);
            spent += task.resource - had[task.trial]; /* a trial goes on where it stood */
            had[task.trial] = task.resource;
            double shown = quality[task.trial] + 0.3 / task.resource * rng_normal(&rng);
            asha_tell(a, &task, shown);
            if (task.resource > best_resource || (task.resource == best_resource && shown < best)) {
                best = task.resource > best_resource ? shown : fmin(best, shown);
                best_resource = task.resource;
            }
        }
        CHECK(best_resource == 27);
        arena_done(&arena);
        for (int i = 0; i < 12; i++) /* twelve whole trainings cost the same */
            at_random = fmin(at_random, quality[i]);
        with += best / SEEDS;
        without += at_random / SEEDS;
    }
    print_message("# ASHA %.4f  random %.4f\n", with, without);
    CHECK(with < without * 0.7);
}

TEST(asha_promotes_the_best_third) {
    TestCtx t;
    test_ctx_init(&t);
    Asha *a = asha_new(&t.arena, 1, 9, 3);
    AshaTask first[3];
    for (int i = 0; i < 3; i++) {
        first[i] = asha_ask(a);
        CHECK(first[i].trial == (size_t)i && first[i].rung == 0 && first[i].resource == 1);
    }
    asha_tell(a, &first[0], 5);
    asha_tell(a, &first[1], 2);
    AshaTask new = asha_ask(a); /* two answers make no third */
    CHECK_EQ(new.trial, 3);
    asha_tell(a, &first[2], NAN);
    AshaTask on = asha_ask(a);
    CHECK(on.trial == 1 && on.rung == 1 && on.resource == 3);
    CHECK_EQ(asha_ask(a).trial, 4); /* it goes on once */
    test_ctx_done(&t);
}

TESTS(T(tpe_beats_drawing_at_random), T(the_same_seed_asks_the_same), T(scales_whole_numbers_and_failures),
      T(asha_finds_better_for_the_same_price), T(asha_promotes_the_best_third))
