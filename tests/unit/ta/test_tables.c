/* Indicators against the tables of ta4j (a CSV a function) and Tulip (three decimals), used in place. */

#include "base/num.h"
#include "golden/columns.h"
#include "ta/ta.h"
#include "test.h"

/* --- ta4j: candles, and the indicator in the last column --- */

static const struct {
    const char *name, *file, *ta;
    double params[TA_PARAMS_MAX];
    size_t from; /* rows that begin otherwise here, or were begun before the file */
} TA4J[] = {
    { "VWMA", "ta4j_VWMA", "vwma", { 10 }, 9 },
    { "SMMA", "ta4j_SMMA", "rma_ta4j", { 10 }, 0 },
    { "TMA", "ta4j_TMA", "tma_ta4j", { 50 }, 0 },
    { "ATMA, which is triangular", "ta4j_ATMA", "trima", { 10 }, 9 },
    { "VIDYA", "ta4j_VIDYA", "vidya_ta4j", { 9, 1 }, 0 },
    { "LSMA", "ta4j_LSMA1", "linearreg", { 20 }, 19 },
    { "LSMA of other data", "ta4j_LSMA2", "linearreg", { 20 }, 19 },
    { "KiJun", "ta4j_KiJunV2", "midprice", { 9 }, 8 },
    { "McGinley", "ta4j_McGinley", "mcginley", { 14, 2 }, 700 },
    /* ta4j_SGMA is left out: its filter takes prices of later rows, and no value here does */
};

/* The last field of each row; NaN where it is none. */
static size_t last_column(Str text, double *out, size_t cap) {
    Str line, field;
    size_t n = 0;
    str_next(&text, '\n', &line);
    while (str_next(&text, '\n', &line)) {
        Str rest = str_trim(line);
        if (rest.n == 0)
            continue;
        while (str_next(&rest, ',', &field)) {
        }
        if (n == cap)
            FAIL("more rows than candles");
        if (!num_parse_f64(field, &out[n++]))
            out[n - 1] = NAN;
    }
    return n;
}

TEST(columns_of_ta4j) {
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, TA4J) {
        Columns c;
        const char *path = test_shared_file(str_cz(&t.arena, str_fmt(&t.arena, "data/indicators/%s.csv", r->file)));
        if (!path)
            SKIP("../shared/data/indicators is absent");
        Str text = test_read_file(&t.arena, path);
        CHECK_OK(&t.cx, columns_load(&t.cx, test_shared_file("data"), str_c(r->file), 0, &c));
        double *want = arena_new_n(&t.arena, double, c.n), *out = arena_new_n(&t.arena, double, c.n);
        const double *in[TA_INPUTS_MAX];
        const TaIndicator *ta = ta_find(str_c(r->ta));
        CHECK_EQ(last_column(text, want, c.n), c.n);
        for (size_t i = 0; i < ta_n_inputs(ta); i++)
            in[i] = c.of[ta->inputs[i]];
        ta_compute(ta, r->params, in, c.n, &out);
        CHECK(c.n > r->from + 500);
        for (size_t i = r->from; i < c.n; i++)
            if (!(fabs(out[i] - want[i]) <= 1e-8 * fabs(want[i])))
                FAIL("row %zu is %.15g, ta4j has %.15g", i, out[i], want[i]);
    }
    test_ctx_done(&t);
}

/* --- Tulip: a line of name and options, then inputs and outputs in braces --- */

enum { BRACES_MAX = 12, VALUES_MAX = 2000 };

typedef struct Vector {
    Str name;
    double options[TA_PARAMS_MAX];
    size_t n_options, n_braces, n_values[BRACES_MAX];
    double *values[BRACES_MAX];
} Vector;

/* The same definition: Tulip's options are our first parameters. */
static const struct {
    const char *name, *ta;
    double rest[TA_PARAMS_MAX]; /* parameters behind Tulip's options */
    int outputs[3];             /* of ours, for Tulip's in order; -1: another row's */
} SAME[] = {
    /* clang-format off */
    { "acos", "acos", { 0 }, { 0 } }, { "ad", "ad", { 0 }, { 0 } }, { "add", "add", { 0 }, { 0 } },
    { "adosc", "adosc", { 0 }, { 0 } }, { "ao", "ao", { 5, 34 }, { 0 } }, { "aroon", "aroon", { 0 }, { 0, 1 } },
    { "aroonosc", "aroonosc", { 0 }, { 0 } }, { "asin", "asin", { 0 }, { 0 } }, { "atan", "atan", { 0 }, { 0 } },
    { "avgprice", "avgprice", { 0 }, { 0 } }, { "bop", "bop", { 0 }, { 0 } }, { "cci", "cci", { 0 }, { 0 } },
    { "bbands", "bbands_backtrader", { 0 }, { 2, 1, 0 } },
    { "ceil", "ceil", { 0 }, { 0 } }, { "cos", "cos", { 0 }, { 0 } }, { "cosh", "cosh", { 0 }, { 0 } },
    { "div", "div", { 0 }, { 0 } }, { "exp", "exp", { 0 }, { 0 } },
    { "floor", "floor", { 0 }, { 0 } }, { "hma", "hma", { 0 }, { 0 } },
    { "linreg", "linearreg", { 0 }, { 0 } }, { "linregintercept", "linearreg_intercept", { 0 }, { 0 } },
    { "linregslope", "linearreg_slope", { 0 }, { 0 } }, { "ln", "ln", { 0 }, { 0 } },
    { "log10", "log10", { 0 }, { 0 } }, { "max", "max", { 0 }, { 0 } }, { "md", "avgdev", { 0 }, { 0 } },
    { "medprice", "medprice", { 0 }, { 0 } }, { "mfi", "mfi", { 0 }, { 0 } }, { "min", "min", { 0 }, { 0 } },
    { "mom", "mom", { 0 }, { 0 } }, { "mul", "mult", { 0 }, { 0 } }, { "roc", "rocp", { 0 }, { 0 } },
    { "rocr", "rocr", { 0 }, { 0 } }, { "rsi", "rsi", { 0 }, { 0 } }, { "sin", "sin", { 0 }, { 0 } },
    { "sinh", "sinh", { 0 }, { 0 } }, { "sma", "sma", { 0 }, { 0 } }, { "sqrt", "sqrt", { 0 }, { 0 } },
    { "stddev", "stddev_backtrader", { 0 }, { 0 } }, { "sub", "sub", { 0 }, { 0 } },
    { "stoch", "stoch_backtrader", { 0 }, { 1, 2 } },
    { "sum", "sum", { 0 }, { 0 } }, { "tan", "tan", { 0 }, { 0 } }, { "tanh", "tanh", { 0 }, { 0 } },
    { "trima", "trima", { 0 }, { 0 } }, { "tsf", "tsf", { 0 }, { 0 } },
    { "typprice", "typprice", { 0 }, { 0 } }, { "ultosc", "ultosc", { 0 }, { 0 } }, { "var", "var", { 1 }, { 0 } },
    { "vwma", "vwma", { 0 }, { 0 } }, { "cmf", "cmf", { 0 }, { 0 } }, { "wcprice", "wclprice", { 0 }, { 0 } }, { "wilders", "rma", { 0 }, { 0 } },
    { "willr", "willr", { 0 }, { 0 } }, { "wma", "wma", { 0 }, { 0 } },
    { "dm", "plus_dm", { 0 }, { 0, -1 } }, { "dm", "minus_dm", { 0 }, { -1, 0 } },
    /* clang-format on */
};

#define SEED  "seeded by the first price; ours by a mean, as TA-Lib's"
#define RANGE "the first candle has a range of its own; ours needs a close before, as TA-Lib's"
#define EARLY "a row earlier, without the true range of Wilder"
#define NONE  "there is none here"

static const struct {
    const char *name, *why;
} OTHERS[] = {
    /* clang-format off */
    { "ema", SEED }, { "dema", SEED }, { "tema", SEED }, { "macd", SEED }, { "apo", SEED }, { "ppo", SEED },
    { "trix", SEED }, { "zlema", SEED }, { "kama", SEED }, { "tr", RANGE }, { "atr", RANGE }, { "natr", RANGE },
    { "di", EARLY }, { "dx", EARLY }, { "adx", EARLY }, { "adxr", EARLY },
    { "cmo", "by plain sums; ours is TA-Lib's, smoothed" },
    { "dpo", "against a mean of half a period and one before; ours is Backtrader's" },
    { "obv", "begins at 0; ours with the first volume, as TA-Lib's" },
    { "psar", "the first side is told by another candle" },
    { "stochrsi", "of 0 to 1 and over one period; ours is TA-Lib's" },
    { "crossover", "tells only of crossings up" },
    { "vidya", "by two deviations; ours is ta4j's, by the CMO" },
    { "abs", NONE }, { "crossany", NONE }, { "cvi", NONE }, { "decay", NONE }, { "edecay", NONE },
    { "emv", NONE }, { "fisher", NONE }, { "fosc", NONE }, { "kvo", NONE }, { "lag", NONE },
    { "marketfi", NONE }, { "mass", NONE }, { "msw", NONE }, { "nvi", NONE }, { "pvi", NONE },
    { "qstick", NONE }, { "round", NONE }, { "stderr", NONE }, { "todeg", NONE }, { "torad", NONE },
    { "trunc", NONE }, { "vhf", NONE }, { "volatility", NONE }, { "vosc", NONE }, { "wad", NONE },
    { "abands", NONE }, { "alma", NONE }, { "ce", NONE }, { "ikhts", NONE }, { "rmta", NONE },
    /* clang-format on */
};

static void read_braces(TestCtx *t, Str line, Vector *v) {
    Str inner = line, field;
    double *out = v->values[v->n_braces] = arena_new_n(&t->arena, double, VALUES_MAX);
    size_t n = 0;
    inner = str_from(inner, 1);
    ptrdiff_t close = str_find_char(inner, '}');
    inner = close < 0 ? inner : str_first(inner, (size_t)close);
    while (str_next(&inner, ',', &field)) {
        double x;
        field = str_trim(field);
        if (field.n == 0)
            continue;
        if (field.p[field.n - 1] == '.') /* "10." */
            field.n--;
        if (!num_parse_f64(field, &x) || n == VALUES_MAX)
            FAIL(STR_FMT " is no number", STR_ARG(field));
        out[n++] = x;
    }
    v->n_values[v->n_braces++] = n;
}

static void read_head(Str line, Vector *v) {
    Str word;
    *v = (Vector){ 0 };
    if (!str_next(&line, ' ', &v->name))
        return;
    while (v->n_options < TA_PARAMS_MAX && str_next(&line, ' ', &word))
        if (word.n > 0)
            v->options[v->n_options++] = strtod(word.p, NULL); /* ".2": ends at the blank */
}

/* 0: equal; 1: there is no such indicator with the definition; 2: differs. */
static int check_vector(TestCtx *t, const Vector *v) {
    bool found = false;
    for (size_t k = 0; k < ARRAY_LEN(SAME); k++) {
        if (!str_eq(v->name, str_c(SAME[k].name)))
            continue;
        const TaIndicator *ta = ta_find(str_c(SAME[k].ta));
        size_t n = v->n_values[0], n_in = ta_n_inputs(ta);
        double params[TA_PARAMS_MAX], *out[TA_OUTPUTS_MAX];
        const double *in[TA_INPUTS_MAX];
        ta_standard_params(ta, params);
        for (size_t i = 0; i < ta_n_params(ta); i++)
            params[i] = i < v->n_options ? v->options[i] : SAME[k].rest[i - v->n_options];
        if (v->n_braces <= n_in || ta_bad_param(ta, params) >= 0) {
            print_message("# %s: the vector is another\n", SAME[k].name);
            return 2;
        }
        for (size_t i = 0; i < n_in; i++)
            in[i] = v->values[i];
        for (size_t i = 0; i < ta_n_outputs(ta); i++)
            out[i] = arena_new_n(&t->arena, double, n);
        ta_compute(ta, params, in, n, out);
        for (size_t b = n_in; b < v->n_braces; b++) {
            if (SAME[k].outputs[b - n_in] < 0)
                continue;
            size_t skip_rows = n - v->n_values[b];
            for (size_t i = 0; i < v->n_values[b]; i++) {
                double got = out[SAME[k].outputs[b - n_in]][skip_rows + i], want = v->values[b][i];
                if (!(fabs(got - want) <= 0.00101 + 1e-6 * fabs(want))) {
                    print_message("# %s output %zu row %zu: %g, Tulip has %g\n", SAME[k].name, b - n_in, skip_rows + i,
                                  got, want);
                    return 2;
                }
            }
        }
        found = true;
    }
    if (found)
        return 0;
    for (size_t k = 0; k < ARRAY_LEN(OTHERS); k++)
        if (str_eq(v->name, str_c(OTHERS[k].name)))
            return 1;
    print_message("# %.*s is neither compared nor told why not\n", STR_ARG(v->name));
    return 2;
}

TEST(vectors_of_tulip) {
    static const char *const files[] = { "untest", "atoz", "extra" };
    TestCtx t;
    size_t n_same = 0, n_other = 0, n_bad = 0;
    test_ctx_init(&t);
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        const char *path =
            test_shared_file(str_cz(&t.arena, str_fmt(&t.arena, "data/indicators/tulip_%s.txt", files[f])));
        if (!path)
            SKIP("../shared/data/indicators is absent");
        Str text = test_read_file(&t.arena, path), line;
        Vector v = { 0 };
        for (bool more = true; more;) {
            more = str_next(&text, '\n', &line);
            line = more ? str_trim(line) : (Str){ 0 };
            if (line.n > 0 && line.p[0] == '{') {
                if (v.n_braces == BRACES_MAX)
                    FAIL("more braces than an indicator has");
                read_braces(&t, line, &v);
                continue;
            }
            if (more && (line.n == 0 || line.p[0] == '#'))
                continue;
            if (v.n_braces > 0) { /* the next one's name, or the end */
                int got = check_vector(&t, &v);
                n_same += got == 0;
                n_other += got == 1;
                n_bad += got == 2;
            }
            read_head(line, &v);
        }
    }
    print_message("# %zu equal, %zu of another definition, %zu bad\n", n_same, n_other, n_bad);
    CHECK_EQ(n_bad, 0);
    CHECK(n_same >= 60);
    test_ctx_done(&t);
}

TESTS(T(columns_of_ta4j), T(vectors_of_tulip))
