/* Beyond one run: the account of a sweep against a plain one, the block bootstrap, the corrections for having chosen. */

#include "backtest/lab/account.h"
#include "backtest/lab/bootstrap.h"
#include "backtest/lab/overfit.h"
#include "backtest/sample.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "test.h"

/* --- parallel --- */

enum { PIECES = 1000 };

static void add_one(void *arg, int worker, size_t i) {
    atomic_int *hits = arg;
    assert(worker >= 0 && worker < 8);
    atomic_fetch_add(&hits[i], 1);
}

TEST(every_piece_is_done_once_on_any_number_of_threads) {
    static atomic_int hits[PIECES];
    for (int threads = 0; threads <= 8; threads += 4) {
        for (int i = 0; i < PIECES; i++)
            atomic_store(&hits[i], 0);
        parallel_for(threads, PIECES, add_one, hits);
        for (int i = 0; i < PIECES; i++)
            CHECK_EQ(atomic_load(&hits[i]), 1);
    }
    parallel_for(4, 0, add_one, hits);
}

/* --- the account --- */

enum { ROWS = 5000 };

typedef struct World {
    double open[ROWS], high[ROWS], low[ROWS], close[ROWS], a[ROWS], b[ROWS];
    AccountMarket market;
} World;

static World *make_world(Arena *arena, uint64_t seed) {
    World *w = arena_new(arena, World);
    Rng rng;
    double price = 100;
    rng_seed(&rng, seed);
    for (int i = 0; i < ROWS; i++) {
        w->open[i] = round(price * (1 + 0.01 * rng_normal(&rng)) * 100) / 100;
        if (rng_chance(&rng, 0.01)) /* a gap that money for 95 % does not bridge */
            w->open[i] *= 1.08;
        price = fmax(5, round(w->open[i] * (1 + 0.01 * rng_normal(&rng)) * 100) / 100);
        w->close[i] = price;
        w->high[i] = fmax(w->open[i], price) * (1 + 0.002 * rng_f64(&rng));
        w->low[i] = fmin(w->open[i], price) * (1 - 0.002 * rng_f64(&rng));
        w->a[i] = i < 20 ? NAN : (double)rng_between(&rng, -3, 3); /* differences of 0 come up */
        w->b[i] = i < 20 ? NAN : (double)rng_between(&rng, -1, 1);
    }
    w->market = (AccountMarket){ ROWS, w->open, w->high, w->low, w->close };
    return w;
}

typedef struct Plain { /* the same written down as slowly as it is defined */
    double final_value, max_drawdown, sum, squares, won, lost, fees;
    size_t n_trades, n_won, n_refused, n_long;
} Plain;

static void run_plain(const World *w, const AccountRules *r, Plain *out) {
    double cash = r->cash, size = 0, peak = cash, before = peak, pending = 0, last = 0;
    double entry = 0, entry_fee = 0;
    bool begun = false;
    *out = (Plain){ 0 };
    for (int i = 0; i < ROWS; i++) {
        double decided_at = i ? w->close[i - 1] : NAN;
        if (pending > 0) {
            double price =
                r->at_close ? decided_at : fmin(w->open[i] * (1 + r->slip_rate) + r->slip_amount, w->high[i]);
            double at = decided_at, fee = pending * price * r->fee_rate + pending * r->fee_per_unit;
            if (cash - pending * at * (1 + r->fee_rate) - pending * r->fee_per_unit < 0 ||
                cash - pending * price - fee < 0)
                out->n_refused++;
            else
                size = pending, cash -= pending * price + fee, out->fees += fee, entry = price, entry_fee = fee;
        } else if (pending < 0) {
            double price = r->at_close ? decided_at : fmax(w->open[i] * (1 - r->slip_rate) - r->slip_amount, w->low[i]);
            double fee = size * price * r->fee_rate + size * r->fee_per_unit,
                   net = size * (price - entry) - (entry_fee + fee);
            cash += size * price - fee, out->fees += fee, size = 0, out->n_trades++;
            out->n_won += net > 0;
            *(net > 0 ? &out->won : &out->lost) += fabs(net);
        }
        pending = 0;
        double equity = cash + size * w->close[i], ret = equity / before - 1, d = w->a[i] - w->b[i];
        before = equity;
        peak = fmax(peak, equity);
        out->sum += ret;
        out->squares += ret * ret;
        out->max_drawdown = fmax(out->max_drawdown, 1 - equity / peak);
        out->n_long += size != 0;
        bool up = begun && last < 0 && d > 0, down = begun && last > 0 && d < 0;
        if (!isnan(d) && (d != 0 || !begun))
            last = d, begun = true;
        if (up && size == 0)
            pending = r->sizing == ACCOUNT_UNITS   ? r->size
                      : r->sizing == ACCOUNT_MONEY ? r->size / w->close[i]
                                                   : cash * r->size / w->close[i];
        else if (down && size != 0)
            pending = -1;
        out->final_value = equity;
    }
}

static void run_fast(const World *w, const AccountRules *r, size_t piece, Account *a) {
    uint64_t buy[ACCOUNT_WORDS], sell[ACCOUNT_WORDS];
    double sum = 0, squares = 0;
    account_init(a, r);
    for (size_t from = 0; from < ROWS; from += piece) {
        size_t n = MIN(piece, ROWS - from);
        account_cross_bits(w->a + from, w->b + from, n, r->avx2, &a->sign, buy, sell);
        account_run(a, r, &w->market, from, buy, sell, from, from + n / 2); /* a stop within a piece */
        account_run(a, r, &w->market, from, buy, sell, from + n / 2, from + n);
        sum += a->returns.sum;
        squares += a->returns.squares;
        a->returns = (BlockSum){ 0 };
    }
    a->returns = (BlockSum){ sum, squares };
}

TEST(a_sweeps_account_trades_as_the_plain_one) {
    static const struct {
        const char *name;
        AccountRules rules;
    } rows[] = {
        { "95 %", { .cash = 10000, .fee_rate = 0.001, .sizing = ACCOUNT_PERCENT, .size = 0.95 } },
        { "all in", { .cash = 10000, .fee_rate = 0.001, .sizing = ACCOUNT_PERCENT, .size = 1 } },
        { "one unit", { .cash = 1000, .fee_rate = 0.001, .sizing = ACCOUNT_UNITS, .size = 1 } },
        { "money", { .cash = 1000, .fee_per_unit = 0.05, .sizing = ACCOUNT_MONEY, .size = 500 } },
        { "slips", { .cash = 1000, .fee_rate = 0.001, .slip_rate = 0.001, .sizing = ACCOUNT_PERCENT, .size = 0.9 } },
        { "slips fixed", { .cash = 1000, .slip_amount = 0.05, .sizing = ACCOUNT_PERCENT, .size = 0.9 } },
        { "at close", { .cash = 1000, .fee_rate = 0.001, .at_close = true, .sizing = ACCOUNT_PERCENT, .size = 0.9 } },
    };
    Arena arena = { 0 };
    World *w = make_world(&arena, prop_seed(7));
    EACH_ROW (row, rows) {
        Plain p;
        Account a;
        run_plain(w, &row->rules, &p);
        run_fast(w, &row->rules, ACCOUNT_PIECE, &a);
        CHECK_EQ(a.n_trades, p.n_trades);
        CHECK_EQ(a.n_won, p.n_won);
        CHECK_EQ(a.n_refused, p.n_refused);
        CHECK_EQ(a.n_long, p.n_long);
        CHECK_NEAR(a.equity, p.final_value, 1e-9 * p.final_value);
        CHECK_NEAR(1 - a.worst, p.max_drawdown, 1e-12);
        CHECK_NEAR(a.returns.sum, p.sum, 1e-11);
        CHECK_NEAR(a.returns.squares, p.squares, 1e-11);
        CHECK_NEAR(a.won, p.won, 1e-9 * p.won);
        CHECK_NEAR(a.lost, p.lost, 1e-9 * p.lost);
        CHECK_NEAR(a.fees, p.fees, 1e-9 * p.fees);
    }
    CHECK(w->market.n == ROWS);
    arena_done(&arena);
}

TEST(the_vector_unit_and_the_cut_into_pieces_change_no_decision) {
    Arena arena = { 0 };
    World *w = make_world(&arena, prop_seed(8));
    AccountRules rules = { .cash = 10000, .fee_rate = 0.001, .sizing = ACCOUNT_PERCENT, .size = 0.95 };
    Account plain, vector, pieces;
    run_fast(w, &rules, ACCOUNT_PIECE, &plain);
    run_fast(w, &rules, 333, &pieces);
    CHECK(plain.n_trades > 100);
    CHECK(plain.equity == pieces.equity && plain.worst == pieces.worst && plain.n_trades == pieces.n_trades);
    if (!account_has_avx2())
        SKIP("no AVX2 here");
    rules.avx2 = true;
    run_fast(w, &rules, ACCOUNT_PIECE, &vector);
    CHECK(memcmp(&plain, &vector, sizeof plain) == 0); /* every bit */
    arena_done(&arena);
}

/* --- bootstrap --- */

static void make_returns(uint64_t seed, double mean, double std, size_t n, double *out) {
    Rng rng;
    rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++)
        out[i] = mean + std * rng_normal(&rng);
}

TEST(a_bootstrap_is_the_same_for_a_seed_and_any_number_of_threads) {
    TestCtx t;
    double r[700];
    Bootstrap one, two, other;
    test_ctx_init(&t);
    make_returns(prop_seed(1), 0.001, 0.01, 700, r);
    for (BootstrapKind kind = BOOTSTRAP_STATIONARY; kind <= BOOTSTRAP_CIRCULAR; kind++) {
        BootstrapOptions o = { .kind = kind, .n_paths = 300, .seed = 5, .candles_per_year = 252 };
        CHECK_OK(&t.cx, bootstrap_run(&t.cx, r, 700, &o, &one));
        o.threads = 3;
        CHECK_OK(&t.cx, bootstrap_run(&t.cx, r, 700, &o, &two));
        CHECK(memcmp(one.band, two.band, sizeof one.band) == 0);
        CHECK(memcmp(&one.sharpe, &two.sharpe, sizeof one.sharpe) == 0);
        CHECK(memcmp(&one.max_drawdown, &two.max_drawdown, sizeof one.max_drawdown) == 0);
        o.seed = 6;
        CHECK_OK(&t.cx, bootstrap_run(&t.cx, r, 700, &o, &other));
        CHECK(other.total_return.mean != one.total_return.mean);
        CHECK_EQ(one.options.block, 9); /* 700^(1/3) */
    }
    test_ctx_done(&t);
}

/* Of equal returns every resample is the account itself, whatever the blocks: a path that is a step too long shows. */
TEST(a_bootstraps_paths_are_as_long_as_the_account) {
    static const struct {
        const char *name;
        BootstrapKind kind;
        size_t n, block;
    } rows[] = {
        { "stationary", BOOTSTRAP_STATIONARY, 700, 0 },
        { "stationary, long blocks", BOOTSTRAP_STATIONARY, 700, 300 },
        { "stationary, fewer returns than points", BOOTSTRAP_STATIONARY, 50, 20 },
        { "circular", BOOTSTRAP_CIRCULAR, 700, 0 },
        { "circular, a last block cut short", BOOTSTRAP_CIRCULAR, 700, 300 },
    };
    TestCtx t;
    double r[700];
    Bootstrap b;
    test_ctx_init(&t);
    for (size_t i = 0; i < ARRAY_LEN(r); i++)
        r[i] = 0.001;
    EACH_ROW (row, rows) {
        BootstrapOptions o = {
            .kind = row->kind, .n_paths = 500, .block = row->block, .seed = 7, .candles_per_year = 252
        };
        CHECK_OK(&t.cx, bootstrap_run(&t.cx, r, row->n, &o, &b));
        for (int q = 0; q < BOOTSTRAP_BANDS; q++) {
            CHECK_NEAR(b.total_return.band[q], pow(1.001, (double)row->n) - 1, 1e-9);
            for (size_t k = 0; k < b.n_points; k++)
                CHECK_NEAR(b.band[q][k], pow(1.001, (double)b.point_step[k]), 1e-9);
        }
    }
    test_ctx_done(&t);
}

TEST(bootstrap_bands_hold_what_they_should) {
    TestCtx t;
    double r[1000];
    Bootstrap b;
    test_ctx_init(&t);
    make_returns(prop_seed(2), 0.0005, 0.01, 1000, r);
    BootstrapOptions o = { .n_paths = 2000, .block = 1, .seed = 1, .candles_per_year = 252 };
    CHECK_OK(&t.cx, bootstrap_run(&t.cx, r, 1000, &o, &b));
    SampleMoments m;
    sample_moments(r, 1000, &m);
    double sharpe = m.mean / sample_std(&m, 1) * sqrt(252);
    CHECK_NEAR(b.sharpe.observed, sharpe, 1e-9);
    CHECK_NEAR(b.sharpe.mean, sharpe, 0.1); /* independent draws: mean and deviation are known */
    CHECK_NEAR(b.sharpe.std, sqrt(252 / 1000.0), 0.05);
    for (int q = 1; q < BOOTSTRAP_BANDS; q++)
        CHECK(b.total_return.band[q] > b.total_return.band[q - 1] &&
              b.max_drawdown.band[q] > b.max_drawdown.band[q - 1]);
    CHECK(b.max_drawdown.band[0] > 0 && b.max_drawdown.band[4] < 1);
    CHECK_EQ(b.point_step[b.n_points - 1], 1000);
    CHECK_NEAR(b.band[2][b.n_points - 1], 1 + b.total_return.band[2], 1e-12);
    test_ctx_done(&t);
}

TEST(a_bootstrap_refuses_what_it_cannot_draw_from) {
    TestCtx t;
    Bootstrap b;
    double r[3] = { 0.1, -1, 0.1 };
    test_ctx_init(&t);
    BootstrapOptions o = { .candles_per_year = 252 };
    CHECK_EQ(bootstrap_run(&t.cx, r, 1, &o, &b), ERR_INVALID);
    CHECK_EQ(bootstrap_run(&t.cx, r, 3, &o, &b), ERR_INVALID);
    r[1] = NAN;
    CHECK_EQ(bootstrap_run(&t.cx, r, 3, &o, &b), ERR_INVALID);
    r[1] = 0;
    o.n_paths = BOOTSTRAP_PATHS_MAX + 1;
    CHECK_EQ(bootstrap_run(&t.cx, r, 3, &o, &b), ERR_LIMIT);
    atomic_bool cancel = true;
    t.cx.cancel = &cancel;
    o.n_paths = 10;
    CHECK_EQ(bootstrap_run(&t.cx, r, 3, &o, &b), ERR_CANCELLED);
    test_ctx_done(&t);
}

/* --- having chosen --- */

TEST(the_deflated_sharpe_ratio_is_below_the_plain_one) {
    TestCtx t;
    double r[1000], sharpes[200];
    DeflatedSharpe d, alone;
    test_ctx_init(&t);
    make_returns(prop_seed(3), 0.001, 0.01, 1000, r);
    make_returns(prop_seed(4), 0, 0.03, 200, sharpes);
    deflated_sharpe(r, 1000, sharpes, 200, &t.arena, &d);
    deflated_sharpe(r, 1000, sharpes, 1, &t.arena, &alone);
    CHECK(d.expected_max > 0.06 && d.expected_max < 0.11); /* about 2.75 deviations for 200 */
    CHECK(d.haircut_sharpe < d.sharpe && d.deflated < d.probabilistic);
    CHECK(alone.expected_max == 0 && alone.deflated == alone.probabilistic && alone.sharpe == d.sharpe);
    double flat[10] = { 0 };
    deflated_sharpe(flat, 10, sharpes, 200, &t.arena, &d);
    CHECK(isnan(d.sharpe) && isnan(d.deflated));
    test_ctx_done(&t);
}

TEST(the_deflated_sharpe_ratio_is_the_papers) {
    /* Bailey, López de Prado 2014, the numerical example: annual SR 2.5 over 1,250 days (250 a year), N = 100 trials
     * whose annual estimates have variance 1/2, skew -3, kurtosis 10: SR_0 = 0.1132 a day, deflated 0.9004. */
    CHECK_NEAR(expected_max_sharpe(100, sqrt(0.5 / 250)), 0.1132, 0.00005);
    double sr = 2.5 / sqrt(250), sr0 = expected_max_sharpe(100, sqrt(0.5 / 250));
    double z = (sr - sr0) * sqrt(1249) / sqrt(1 + 3 * sr + (10 - 1) / 4.0 * sr * sr);
    CHECK_NEAR(normal_cdf(z), 0.9004, 0.0001);
}

static double pbo_of(TestCtx *t, uint64_t seed, double skill, int threads) {
    enum { TRIALS = 40, CANDLES = 1600 };
    static double r[TRIALS][CANDLES];
    const double *columns[TRIALS];
    Pbo p;
    for (int k = 0; k < TRIALS; k++) {
        make_returns(seed + (uint64_t)k, k == 17 ? skill : 0, 0.01, CANDLES, r[k]);
        columns[k] = r[k];
    }
    CHECK_OK_PLAIN(&t->cx, pbo_of_returns(&t->cx, columns, TRIALS, CANDLES, 10, threads, &p));
    if (p.n_ways != 252)
        FAIL("%zu ways", p.n_ways);
    return p.probability;
}

TEST(overfitting_is_likely_in_noise_and_not_where_there_is_skill) {
    TestCtx t;
    double sum = 0;
    test_ctx_init(&t);
    for (uint64_t k = 0; k < 12; k++) /* single worlds scatter */
        sum += pbo_of(&t, prop_seed(1000) + 100 * k, 0, 1);
    CHECK_NEAR(sum / 12, 0.5, 0.15);
    CHECK(pbo_of(&t, prop_seed(1), 0.003, 1) < 0.01);
    CHECK(pbo_of(&t, prop_seed(5), 0, 1) == pbo_of(&t, prop_seed(5), 0, 3));
    test_ctx_done(&t);
}

TEST(overfitting_needs_a_choice_and_time) {
    TestCtx t;
    Pbo p;
    double r[40] = { 0 };
    const double *columns[2] = { r, r };
    test_ctx_init(&t);
    CHECK_EQ(pbo_of_returns(&t.cx, columns, 1, 40, 4, 1, &p), ERR_INVALID);
    CHECK_EQ(pbo_of_returns(&t.cx, columns, 2, 40, 5, 1, &p), ERR_INVALID);
    CHECK_EQ(pbo_of_returns(&t.cx, columns, 2, 7, 4, 1, &p), ERR_INVALID);
    CHECK_OK(&t.cx, pbo_of_returns(&t.cx, columns, 2, 40, 4, 1, &p));
    CHECK_NEAR(p.probability, 1, 0); /* equal trials rank in the middle, which is not the upper half */
    test_ctx_done(&t);
}

TESTS(T(every_piece_is_done_once_on_any_number_of_threads), T(a_sweeps_account_trades_as_the_plain_one),
      T(the_vector_unit_and_the_cut_into_pieces_change_no_decision),
      T(a_bootstrap_is_the_same_for_a_seed_and_any_number_of_threads), T(a_bootstraps_paths_are_as_long_as_the_account),
      T(bootstrap_bands_hold_what_they_should), T(a_bootstrap_refuses_what_it_cannot_draw_from),
      T(the_deflated_sharpe_ratio_is_below_the_plain_one), T(the_deflated_sharpe_ratio_is_the_papers),
      T(overfitting_is_likely_in_noise_and_not_where_there_is_skill), T(overfitting_needs_a_choice_and_time))
