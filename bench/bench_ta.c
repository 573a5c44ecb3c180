/* What an indicator costs a value, against a plain loop over the same definition: `make bench`, or
 * build/bench/bench_ta.
 *
 * A quarter of a million made-up candles in memory. Each pair is checked to be equal before the clock, and then runs in
 * turns; the figure is the least CPU time of all turns, because what disturbs a run only ever adds to it.
 *     bench_ta           ours and the plain loop of each that has one, JSON lines
 *     bench_ta WORD      those whose name has the word
 *     bench_ta --csv F   every indicator of the table over the candles of F, in ns a row: for tests/peers/talib */

#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "bench.h"
#include "plain_ta.h"
#include "ta/ta.h"

enum { N = 250000, TURNS = 25 };

typedef struct Bench {
    double *of[TA_PERIODS + 1], *out[TA_OUTPUTS_MAX], *want[TA_OUTPUTS_MAX];
    size_t n;
} Bench;

static void run_ours(const Bench *b, const TaIndicator *ta, const double *params) {
    const double *in[TA_INPUTS_MAX];
    for (size_t i = 0; i < ta_n_inputs(ta); i++)
        in[i] = b->of[ta->inputs[i]];
    ta_compute(ta, params, in, b->n, b->out);
}

static void run_plain(const Bench *b, const PlainLoop *loop) {
    PlainCandles k = { .n = b->n,
                       .open = b->of[TA_OPEN],
                       .high = b->of[TA_HIGH],
                       .low = b->of[TA_LOW],
                       .close = b->of[TA_CLOSE],
                       .volume = b->of[TA_VOLUME],
                       .periods = b->of[TA_PERIODS],
                       .y = b->of[TA_Y] };
    loop->run(&k, loop->params, b->want);
}

/* Running sums differ by rounding, seen through a root at worst. */
static void check(const Bench *b, const TaIndicator *ta) {
    for (size_t k = 0; k < ta_n_outputs(ta); k++)
        for (size_t i = 0; i < b->n; i++) {
            double got = b->out[k][i], want = b->want[k][i];
            if (isnan(want) != isnan(got) || fabs(want - got) > 1e-5 * fmax(1, fabs(want))) {
                fprintf(stderr, "bench_ta: %s.%s[%zu] is %.17g, the plain loop has %.17g\n", ta->name, ta->outputs[k],
                        i, got, want);
                exit(1);
            }
        }
}

static void print(const char *name, const TaIndicator *ta, const double *params, double s, const Bench *b) {
    printf("{\"bench\":\"ta_%s", ta->name);
    for (size_t i = 0; i < ta_n_params(ta) && params[0] > 1; i++) /* periods tell rows of one indicator apart */
        if (ta->params[i].kind == TA_INT)
            printf("_%g", params[i]);
    printf("%s\",\"cpu_ms\":%.3f,\"ns_per_item\":%.3f}\n", name, s * 1e3, s * 1e9 / (double)b->n);
}

static void compare(const Bench *b, const PlainLoop *loop) {
    const TaIndicator *ta = ta_find(str_c(loop->ta));
    double ours_s = INFINITY, plain_s = INFINITY;
    run_ours(b, ta, loop->params);
    run_plain(b, loop);
    check(b, ta);
    for (int i = 0; i < TURNS; i++) {
        double t0 = bench_cpu_s();
        run_ours(b, ta, loop->params);
        double t1 = bench_cpu_s();
        run_plain(b, loop);
        double t2 = bench_cpu_s();
        ours_s = fmin(ours_s, t1 - t0);
        plain_s = fmin(plain_s, t2 - t1);
    }
    print("", ta, loop->params, ours_s, b);
    print("_plain_loop", ta, loop->params, plain_s, b);
    fflush(stdout);
}

static void make_candles(Bench *b) {
    Rng rng;
    int64_t price = 10000;
    rng_seed(&rng, 1);
    for (size_t i = 0; i < b->n; i++) { /* in cents */
        int64_t open = MAX(price + rng_between(&rng, -3, 3), (int64_t)5000);
        int64_t close = MAX(open + (int64_t)(30 * rng_normal(&rng)), (int64_t)5000);
        b->of[TA_OPEN][i] = (double)open / 100;
        b->of[TA_CLOSE][i] = (double)close / 100;
        b->of[TA_HIGH][i] = (double)(MAX(open, close) + rng_between(&rng, 0, 20)) / 100;
        b->of[TA_LOW][i] = (double)(MIN(open, close) - rng_between(&rng, 0, 20)) / 100;
        b->of[TA_VOLUME][i] = (double)rng_between(&rng, 1, 100000);
        price = close;
    }
}

static void read_candles(Bench *b, const char *path) {
    char line[512];
    FILE *f = fopen(path, "r");
    size_t n = 0;
    if (!f || !fgets(line, sizeof line, f)) {
        fprintf(stderr, "bench_ta: %s cannot be read\n", path);
        exit(2);
    }
    while (n < b->n && fgets(line, sizeof line, f)) { /* ts,open,high,low,close,volume */
        char *at = strchr(line, ',');
        for (TaInput k = TA_OPEN; k <= TA_VOLUME && at; k++)
            b->of[k][n] = strtod(at + 1, &at);
        n++;
    }
    fclose(f);
    b->n = n;
}

static void list_all(const Bench *b) {
    for (size_t k = 0; k < ta_count(); k++) {
        double best_s = INFINITY;
        for (int i = 0; i < TURNS; i++) {
            double t0 = bench_cpu_s();
            run_ours(b, ta_at(k), NULL);
            best_s = fmin(best_s, bench_cpu_s() - t0);
        }
        printf("%s %.3f\n", ta_at(k)->name, best_s * 1e9 / (double)b->n);
    }
}

int main(int argc, char **argv) {
    Arena arena = { 0 };
    Bench b = { .n = N };
    bool of_file = argc > 2 && strcmp(argv[1], "--csv") == 0;
    for (int k = TA_OPEN; k <= TA_PERIODS; k++)
        b.of[k] = arena_new_n(&arena, double, N);
    for (int k = 0; k < TA_OUTPUTS_MAX; k++) {
        b.out[k] = arena_new_n(&arena, double, N);
        b.want[k] = arena_new_n(&arena, double, N);
    }
    if (of_file)
        read_candles(&b, argv[2]);
    else
        make_candles(&b);
    for (size_t i = 0; i < b.n; i++) {
        b.of[TA_X][i] = b.of[TA_CLOSE][i];
        b.of[TA_Y][i] = b.of[TA_LOW][i];
        b.of[TA_PERIODS][i] = (double)(2 + i % 28);
    }
    if (of_file)
        list_all(&b);
    for (size_t i = 0; i < N_PLAIN_LOOPS + N_PLAIN_PATTERNS && !of_file; i++) {
        const PlainLoop *loop = i < N_PLAIN_LOOPS ? &PLAIN_LOOPS[i] : &PLAIN_PATTERNS[i - N_PLAIN_LOOPS];
        if (argc < 2 || strstr(loop->ta, argv[1]))
            compare(&b, loop);
    }
    arena_done(&arena);
    return 0;
}
