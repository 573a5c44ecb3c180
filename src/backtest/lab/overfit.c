/* backtest/lab/overfit.c - see overfit.h. */

#include "backtest/lab/overfit.h"

#include "backtest/sample.h"
#include "base/parallel.h"

#include <math.h>

#define EULER_GAMMA 0.57721566490153286061

double expected_max_sharpe(size_t n_trials, double std_of_trials) {
    if (n_trials < 2)
        return 0;
    double n = (double)n_trials;
    return std_of_trials *
           ((1 - EULER_GAMMA) * normal_quantile(1 - 1 / n) + EULER_GAMMA * normal_quantile(1 - 1 / (n * M_E)));
}

/* P(true Sharpe > than), Bailey and López de Prado 2012: normal, with the estimate's variance for these moments. */
static double probability_above(double sharpe, double than, const SampleMoments *m) {
    double variance = 1 - sample_skew(m) * sharpe + (sample_kurtosis(m) + 2) / 4 * sharpe * sharpe;
    return variance > 0 ? normal_cdf((sharpe - than) * sqrt((double)(m->n - 1) / variance)) : NAN;
}

void deflated_sharpe(const double *returns, size_t n, const double *sharpes, size_t n_trials, Arena *scratch,
                     DeflatedSharpe *out) {
    ArenaMark mark = arena_mark(scratch);
    double *known = arena_alloc(scratch, mem_mul(MAX(n_trials, 1), sizeof *known));
    SampleMoments m, trials;
    sample_moments(returns, n, &m);
    for (size_t i = 0; i < n_trials; i++)
        known[i] = isnan(sharpes[i]) ? 0 : sharpes[i];
    sample_moments(known, n_trials, &trials);
    arena_rewind(scratch, mark);
    double std = sample_std(&m, 1);
    double expected = n_trials < 2 ? 0 : MAX(expected_max_sharpe(n_trials, sample_std(&trials, 1)), 0);
    *out = (DeflatedSharpe){ NAN, expected, NAN, NAN, NAN, n_trials };
    if (n < 3 || !(std > 4.5e-16))
        return;
    out->sharpe = m.mean / std;
    out->haircut_sharpe = out->sharpe - expected;
    out->probabilistic = probability_above(out->sharpe, 0, &m);
    out->deflated = probability_above(out->sharpe, expected, &m);
}

/* --- probability of overfitting --- */

typedef struct Way { /* one half against the other */
    uint32_t in;     /* bits of the blocks of the half that chooses */
    float rank;      /* of the chosen on the other half: 0 worst, 1 best */
    double sharpe_in, sharpe_out;
} Way;

typedef struct PboJob {
    const BlockSum *blocks;
    size_t n_trials, n_blocks;
    const size_t *n_in_block;
    const atomic_bool *cancel;
    Way *ways;
    double **out_sharpe; /* (n_trials) for each worker */
} PboJob;

static double sharpe_of(double sum, double squares, double n) {
    double mean = sum / n, variance = (squares - sum * mean) / (n - 1);
    return variance > 1e-30 && variance > 1e-14 * mean * mean ? mean / sqrt(variance) : 0;
}

/* Ties with the chosen count half, so that a field of equal trials ranks in the middle. */
static void judge_way(void *arg, int worker, size_t w) {
    PboJob *j = arg;
    Way *way = &j->ways[w];
    double n_in = 0, n_out = 0, best = -INFINITY, *other = j->out_sharpe[worker];
    size_t chosen = 0, below = 0, equal = 0;
    if (j->cancel && atomic_load_explicit(j->cancel, memory_order_relaxed))
        return;
    for (size_t b = 0; b < j->n_blocks; b++)
        *(way->in >> b & 1 ? &n_in : &n_out) += (double)j->n_in_block[b];
    for (size_t t = 0; t < j->n_trials; t++) {
        const BlockSum *row = j->blocks + t * j->n_blocks;
        BlockSum in = { 0 }, all = { 0 };
        for (size_t b = 0; b < j->n_blocks; b++) {
            double take = way->in >> b & 1;
            in.sum += take * row[b].sum;
            in.squares += take * row[b].squares;
            all.sum += row[b].sum;
            all.squares += row[b].squares;
        }
        double sharpe = sharpe_of(in.sum, in.squares, n_in);
        other[t] = sharpe_of(all.sum - in.sum, all.squares - in.squares, n_out);
        if (sharpe > best) {
            best = sharpe;
            chosen = t;
        }
    }
    for (size_t t = 0; t < j->n_trials; t++) {
        below += other[t] < other[chosen];
        equal += other[t] == other[chosen];
    }
    way->rank = (float)(((double)below + 0.5 * ((double)equal + 1)) / ((double)j->n_trials + 1));
    way->sharpe_in = best;
    way->sharpe_out = other[chosen];
}

static void conclude(const Way *ways, Pbo *p) {
    double x = 0, y = 0, xx = 0, xy = 0, n = (double)p->n_ways;
    size_t lower = 0, lost = 0;
    for (size_t w = 0; w < p->n_ways; w++) {
        double logit = log(ways[w].rank / (1 - ways[w].rank));
        int bin = (int)floor((logit + 5) / 10 * PBO_BINS);
        p->n_logit[CLAMP(bin, 0, PBO_BINS - 1)]++;
        lower += logit <= 0;
        lost += ways[w].sharpe_out < 0;
        x += ways[w].sharpe_in;
        y += ways[w].sharpe_out;
    }
    p->sharpe_in = x / n;
    p->sharpe_out = y / n;
    for (size_t w = 0; w < p->n_ways; w++) {
        double dx = ways[w].sharpe_in - p->sharpe_in;
        xx += dx * dx;
        xy += dx * (ways[w].sharpe_out - p->sharpe_out);
    }
    p->slope = xx > 0 ? xy / xx : NAN;
    p->probability = (double)lower / n;
    p->loss_probability = (double)lost / n;
}

static int check(Ctx *cx, size_t n_trials, size_t n_blocks, size_t least) {
    if (n_blocks < 4 || n_blocks > PBO_BLOCKS_MAX || n_blocks % 2 != 0)
        return err_set(cx, ERR_INVALID, "overfitting: %zu blocks; an even number from 4 to %d is needed", n_blocks,
                       PBO_BLOCKS_MAX);
    if (n_trials < 2)
        return err_set(cx, ERR_INVALID, "overfitting: %zu trials; a choice needs two", n_trials);
    if (n_trials > PBO_TRIALS_MAX)
        return err_set(cx, ERR_LIMIT, "overfitting: %zu trials; at most %d", n_trials, PBO_TRIALS_MAX);
    if (least < 2)
        return err_set(cx, ERR_INVALID, "overfitting: a block of time has %zu candles; two are needed", least);
    return 0;
}

int pbo_of_blocks(Ctx *cx, const BlockSum *blocks, size_t n_trials, size_t n_blocks, const size_t *n_in_block,
                  int threads, Pbo *out) {
    size_t least = SIZE_MAX, n_ways = 0;
    for (size_t b = 0; b < n_blocks; b++)
        least = MIN(least, n_in_block[b]);
    int e = check(cx, n_trials, n_blocks, least);
    if (e)
        return e;
    ArenaMark mark = arena_mark(cx->arena);
    double *rows[PARALLEL_MAX];
    PboJob j = { blocks, n_trials, n_blocks, n_in_block, cx->cancel, NULL, rows };
    threads = CLAMP(threads, 1, PARALLEL_MAX);
    for (int t = 0; t < threads; t++)
        rows[t] = arena_alloc(cx->arena, mem_mul(n_trials, sizeof(double)));
    for (int pass = 0; pass < 2; pass++) { /* count, then list */
        n_ways = 0;
        for (uint32_t in = 0; in < 1u << n_blocks; in++)
            if ((size_t)__builtin_popcount(in) == n_blocks / 2) {
                if (pass)
                    j.ways[n_ways].in = in;
                n_ways++;
            }
        if (!pass)
            j.ways = arena_alloc(cx->arena, mem_mul(n_ways, sizeof *j.ways));
    }
    parallel_for(threads, n_ways, judge_way, &j);
    e = ctx_check(cx);
    if (!e) {
        *out = (Pbo){ .n_trials = n_trials, .n_blocks = n_blocks, .n_ways = n_ways };
        conclude(j.ways, out);
    }
    arena_rewind(cx->arena, mark);
    return e;
}

int pbo_of_returns(Ctx *cx, const double *const *returns, size_t n_trials, size_t n, size_t n_blocks, int threads,
                   Pbo *out) {
    size_t n_in_block[PBO_BLOCKS_MAX];
    int e = check(cx, n_trials, n_blocks, n / MAX(n_blocks, 1));
    if (e)
        return e;
    ArenaMark mark = arena_mark(cx->arena);
    BlockSum *blocks = arena_zalloc(cx->arena, mem_mul(n_trials * n_blocks, sizeof *blocks));
    for (size_t b = 0; b < n_blocks; b++) {
        size_t from = pbo_block_start(n, n_blocks, b), to = pbo_block_start(n, n_blocks, b + 1);
        n_in_block[b] = to - from;
        for (size_t t = 0; t < n_trials; t++)
            for (size_t i = from; i < to; i++) {
                blocks[t * n_blocks + b].sum += returns[t][i];
                blocks[t * n_blocks + b].squares += returns[t][i] * returns[t][i];
            }
    }
    e = pbo_of_blocks(cx, blocks, n_trials, n_blocks, n_in_block, threads, out);
    arena_rewind(cx->arena, mark);
    return e;
}
