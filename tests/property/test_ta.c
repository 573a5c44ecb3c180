/* Properties of every indicator of the table, on made-up candles with its standard and with other parameters. */

#include "base/rng.h"
#include "ta/ta.h"
#include "test.h"

enum { ROWS = 600, USUAL_ROUNDS = 4, ROUNDS = 7 };

typedef enum Temper { USUAL, AT_REST, NO_VOLUME, COARSE, TEMPERS } Temper;

typedef struct Series {
    double of[TA_PERIODS + 1][ROWS];
    Temper temper;
} Series;

/* Ticks of a cent, so that equal values and flat candles come up; one price throughout; nothing traded; and prices of
 * a few ticks, where most values are equal to others. */
static void make_series(Rng *rng, Temper temper, Series *s) {
    int64_t price = 10000 + rng_between(rng, 0, 5000), tick = temper == COARSE ? 100 : temper == AT_REST ? 0 : 1;
    s->temper = temper;
    for (int i = 0; i < ROWS; i++) {
        int64_t open = price, step = temper == COARSE ? rng_between(rng, -1, 1) : rng_between(rng, -40, 40);
        int64_t close = MAX(open + tick * step, 100);
        int64_t top = temper == COARSE ? rng_between(rng, 0, 1) : rng_between(rng, 0, 20);
        int64_t bottom = temper == COARSE ? rng_between(rng, 0, 1) : rng_between(rng, 0, 20);
        int64_t high = MAX(open, close) + tick * top, low = MIN(open, close) - tick * bottom;
        s->of[TA_OPEN][i] = (double)open / 100;
        s->of[TA_HIGH][i] = (double)high / 100;
        s->of[TA_LOW][i] = (double)low / 100;
        s->of[TA_CLOSE][i] = s->of[TA_X][i] = (double)close / 100;
        s->of[TA_VOLUME][i] = temper == NO_VOLUME ? 0 : (double)rng_between(rng, 0, 100000);
        s->of[TA_Y][i] = (double)rng_between(rng, 5000, 6000) / 100;
        s->of[TA_PERIODS][i] = (double)rng_between(rng, 2, 30);
        price = close;
    }
}

/* The standard parameters at first, then others in their ranges; periods stay short of the series. Some pass 64, from
 * where windows are kept otherwise. */
static void choose_params(Rng *rng, const TaIndicator *ta, int round, double *out) {
    ta_standard_params(ta, out);
    for (size_t i = 0; i < ta_n_params(ta) && round > 0; i++) {
        const TaParam *p = &ta->params[i];
        if (p->kind == TA_INT)
            out[i] = rng_chance(rng, 0.2) ? (double)rng_between(rng, 60, 130)
                                          : (double)rng_between(rng, (int64_t)p->min, 35);
        else if (p->kind == TA_AVERAGE)
            out[i] = (double)rng_between(rng, TA_SMA, TA_AVERAGES - 1);
        else {
            double other = p->standard * (0.5 + rng_f64(rng));
            out[i] = CLAMP(other, p->min, p->max);
        }
    }
    if (ta_bad_param(ta, out) >= 0)
        FAIL("%s: parameter %d", ta->name, ta_bad_param(ta, out));
}

typedef struct Lines {
    double of[TA_OUTPUTS_MAX][ROWS];
} Lines;

static void run(const TaIndicator *ta, TaState *state, const Series *s, size_t from, size_t n, Lines *lines) {
    const double *in[TA_INPUTS_MAX];
    double *out[TA_OUTPUTS_MAX];
    for (size_t i = 0; i < ta_n_inputs(ta); i++)
        in[i] = s->of[ta->inputs[i]] + from;
    for (size_t i = 0; i < ta_n_outputs(ta); i++)
        out[i] = lines->of[i] + from;
    ta_run(state, in, n, out);
}

static bool same_bits(const TaIndicator *ta, const Lines *a, const Lines *b, size_t n) {
    for (size_t k = 0; k < ta_n_outputs(ta); k++)
        for (size_t i = 0; i < n; i++)
            if (isnan(a->of[k][i]) ? !isnan(b->of[k][i]) : a->of[k][i] != b->of[k][i])
                return false;
    return true;
}

typedef struct Case {
    const TaIndicator *ta;
    double params[TA_PARAMS_MAX];
    Series *series;
    Lines *whole; /* of the series in one piece */
    Lines *spare;
    Arena *arena;
    Rng *rng;
} Case;

static void for_each_case(uint64_t seed, void check(Case *)) {
    Arena arena = { 0 };
    Rng rng;
    rng_seed(&rng, prop_seed(seed));
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < ta_count(); i++) {
            Case c = { .ta = ta_at(i), .arena = &arena, .rng = &rng };
            test_row_name = c.ta->name;
            c.series = arena_new(&arena, Series);
            c.whole = arena_new(&arena, Lines);
            c.spare = arena_new(&arena, Lines);
            make_series(&rng, round < USUAL_ROUNDS ? USUAL : (Temper)(AT_REST + (round - USUAL_ROUNDS) % (TEMPERS - 1)),
                        c.series);
            choose_params(&rng, c.ta, round, c.params);
            run(c.ta, ta_open(&arena, c.ta, c.params), c.series, 0, ROWS, c.whole);
            check(&c);
            arena_reset(&arena);
        }
    }
    test_row_name = NULL;
    arena_done(&arena);
}

static void check_cuts(Case *c) {
    TaState *s = ta_open(c->arena, c->ta, c->params);
    for (size_t at = 0, n; at < ROWS; at += n) {
        size_t piece = rng_chance(c->rng, 0.5) ? 1 : (size_t)rng_between(c->rng, 0, 100);
        n = MIN(piece, ROWS - at);
        run(c->ta, s, c->series, at, n, c->spare);
    }
    if (!same_bits(c->ta, c->whole, c->spare, ROWS))
        FAIL("pieces differ from the whole");
}

TEST(cut_into_pieces_never_changes_a_bit) {
    UNUSED(state_);
    for_each_case(41, check_cuts);
}

/* Rows without a value here and there, one after the other now and then, and stretches long enough for a window that
 * lies in the column: the rows between are those of the series without them. */
static void check_holes(Case *c) {
    Series *holed = arena_new(c->arena, Series);
    size_t from[ROWS], taken = 0;
    double chance = rng_chance(c->rng, 0.5) ? 0.01 : 0.1;
    for (size_t i = 0; i < ROWS; i++) {
        bool hole = rng_chance(c->rng, chance);
        from[i] = hole ? ROWS : taken;
        for (TaInput k = TA_OPEN; k <= TA_PERIODS; k++)
            holed->of[k][i] = hole ? (rng_chance(c->rng, 0.5) ? NAN : -INFINITY) : c->series->of[k][taken];
        taken += !hole;
    }
    run(c->ta, ta_open(c->arena, c->ta, c->params), holed, 0, ROWS, c->spare);
    for (size_t k = 0; k < ta_n_outputs(c->ta); k++)
        for (size_t i = 0; i < ROWS; i++) {
            double got = c->spare->of[k][i], want = from[i] < ROWS ? c->whole->of[k][from[i]] : (double)NAN;
            if (isnan(want) ? !isnan(got) : got != want)
                FAIL("row %zu is %.17g, want %.17g", i, got, want);
        }
}

TEST(rows_without_a_value_are_passed_over) {
    UNUSED(state_);
    for_each_case(46, check_holes);
}

static void check_future(Case *c) {
    size_t known = (size_t)rng_between(c->rng, 1, ROWS - 1);
    for (TaInput k = TA_OPEN; k <= TA_PERIODS; k++)
        for (size_t i = known; i < ROWS; i++)
            c->series->of[k][i] = rng_chance(c->rng, 0.1) ? NAN : 1000 * rng_f64(c->rng);
    run(c->ta, ta_open(c->arena, c->ta, c->params), c->series, 0, ROWS, c->spare);
    if (!same_bits(c->ta, c->whole, c->spare, known))
        FAIL("a candle after %zu changed a value before it", known);
}

TEST(no_candle_changes_an_earlier_value) {
    UNUSED(state_);
    for_each_case(42, check_future);
}

/* All outputs are there from the lookback on, and not all of them before. Where a window holds no move at all a
 * quotient may be nothing, so single rows are let off. */
static void check_lookback(Case *c) {
    size_t lookback = (size_t)c->ta->lookback(c->params), n_missing = 0, n_lines = ta_n_outputs(c->ta);
    for (size_t i = 0; i < ROWS; i++) {
        size_t n_ready = 0;
        for (size_t k = 0; k < n_lines; k++)
            n_ready += !isnan(c->whole->of[k][i]);
        if (i < lookback && n_ready == n_lines)
            FAIL("row %zu is ready, the lookback is %zu", i, lookback);
        n_missing += i >= lookback && n_ready < n_lines;
    }
    bool domain = strstr("acos asin", c->ta->name); /* prices are outside of it */
    bool usual = c->series->temper == USUAL;        /* else there may be nothing to divide by */
    if (lookback < ROWS && !domain && usual && n_missing > ROWS / 100)
        FAIL("%zu rows are missing after the lookback of %zu", n_missing, lookback);
}

TEST(lookback_is_where_values_begin) {
    UNUSED(state_);
    for_each_case(43, check_lookback);
}

/* Fewer rows than it looks back, and none at all: nothing is ready, and nothing but those rows is read or written. */
static void check_short(Case *c) {
    size_t n = (size_t)c->ta->lookback(c->params);
    n = MIN(n, (size_t)ROWS - 1);
    for (size_t k = 0; k < ta_n_outputs(c->ta); k++)
        c->spare->of[k][n] = 77;
    TaState *s = ta_open(c->arena, c->ta, c->params);
    run(c->ta, s, c->series, 0, 0, c->spare);
    run(c->ta, s, c->series, 0, n, c->spare);
    if (!same_bits(c->ta, c->whole, c->spare, n))
        FAIL("%zu rows alone differ from those before others", n);
    for (size_t k = 0; k < ta_n_outputs(c->ta); k++)
        if (c->spare->of[k][n] != 77)
            FAIL("a row too many was written");
}

TEST(rows_short_of_the_lookback_are_none) {
    UNUSED(state_);
    for_each_case(48, check_short);
}

/* All memory is taken when the state is opened. */
static void check_memory(Case *c) {
    TaState *s = ta_open(c->arena, c->ta, c->params);
    size_t before = c->arena->used;
    run(c->ta, s, c->series, 0, ROWS, c->spare);
    for (size_t i = 0; i < ROWS; i++)
        run(c->ta, s, c->series, i, 1, c->spare);
    if (c->arena->used != before)
        FAIL("rows took %zu bytes", c->arena->used - before);
}

TEST(a_row_allocates_nothing) {
    UNUSED(state_);
    for_each_case(47, check_memory);
}

static void check_inputs(Case *c) {
    Series *copy = arena_new(c->arena, Series);
    memcpy(copy, c->series, sizeof *copy);
    run(c->ta, ta_open(c->arena, c->ta, c->params), c->series, 0, ROWS, c->spare);
    if (memcmp(copy, c->series, sizeof *copy) != 0)
        FAIL("an input was written");
    /* and each output over each input */
    for (size_t k = 0; k < ta_n_inputs(c->ta); k++) {
        const double *in[TA_INPUTS_MAX];
        double *out[TA_OUTPUTS_MAX];
        memcpy(copy, c->series, sizeof *copy);
        for (size_t i = 0; i < ta_n_inputs(c->ta); i++)
            in[i] = copy->of[c->ta->inputs[i]];
        for (size_t i = 0; i < ta_n_outputs(c->ta); i++)
            out[i] = c->spare->of[i];
        out[0] = copy->of[c->ta->inputs[k]];
        ta_compute(c->ta, c->params, in, ROWS, out);
        memcpy(c->spare->of[0], out[0], sizeof c->spare->of[0]);
        if (!same_bits(c->ta, c->whole, c->spare, ROWS))
            FAIL("in place over input %zu differs", k);
    }
}

TEST(inputs_are_left_alone_and_may_be_overwritten) {
    UNUSED(state_);
    for_each_case(44, check_inputs);
}

/* Begun later: what is not recursive gives the same values after its lookback. */
static void check_later_start(Case *c) {
    if (c->ta->recursive || c->series->temper != USUAL) /* of prices at rest rounding may be all there is */
        return;
    size_t from = (size_t)rng_between(c->rng, 1, ROWS / 2), lookback = (size_t)c->ta->lookback(c->params);
    run(c->ta, ta_open(c->arena, c->ta, c->params), c->series, from, ROWS - from, c->spare);
    for (size_t k = 0; k < ta_n_outputs(c->ta); k++)
        for (size_t i = from + lookback; i < ROWS; i++) {
            double a = c->whole->of[k][i], b = c->spare->of[k][i];
            /* rounding of running sums of squares, seen through a root or a quotient */
            if (isnan(a) != isnan(b) || fabs(a - b) > 1e-5 * fmax(1, fabs(a)))
                FAIL("row %zu is %.17g, begun at %zu %.17g", i, a, from, b);
        }
}

TEST(window_functions_may_begin_anywhere) {
    UNUSED(state_);
    for_each_case(45, check_later_start);
}

TESTS(T(cut_into_pieces_never_changes_a_bit), T(rows_without_a_value_are_passed_over),
      T(no_candle_changes_an_earlier_value), T(lookback_is_where_values_begin),
      T(inputs_are_left_alone_and_may_be_overwritten), T(window_functions_may_begin_anywhere),
      T(a_row_allocates_nothing), T(rows_short_of_the_lookback_are_none))
