/* Indicators against the dumps of TA-Lib and Backtrader, and the tables of Tulip, used in place. */

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/num.h"
#include "ta/ta.h"
#include "test.h"

/* --- data sets: columns by the names of a CSV header --- */

typedef struct Columns {
    size_t n;
    double *of[TA_PERIODS + 1];
} Columns;

static const char *const COLUMN_NAMES[] = {
    [TA_OPEN] = "open", [TA_HIGH] = "high", [TA_LOW] = "low", [TA_CLOSE] = "close", [TA_VOLUME] = "volume"
};

enum { ROWS_MAX = 100000 };

static void load(Arena *a, Str text, Columns *c) {
    CsvReader r;
    CsvRow row;
    int place[TA_VOLUME + 1], got;
    bool header = true;
    *c = (Columns){ 0 };
    for (TaInput k = TA_OPEN; k <= TA_PERIODS; k++)
        c->of[k] = arena_new_n(a, double, ROWS_MAX);
    csv_reader_init(&r, &(CsvLimits){ 0 }, ',');
    csv_feed(&r, text);
    while ((got = csv_next(&r, &row)) != CSV_END) {
        if (got == CSV_MORE) {
            csv_end(&r);
            continue;
        }
        if (got < 0 || c->n == ROWS_MAX)
            FAIL("line %zu of the data", r.err_line);
        for (TaInput k = TA_OPEN; k <= TA_VOLUME; k++) {
            if (!header) {
                if (!num_parse_f64(row.fields[place[k]], &c->of[k][c->n]))
                    FAIL("line %zu, %s", row.line, COLUMN_NAMES[k]);
                continue;
            }
            place[k] = -1;
            for (size_t f = 0; f < row.n_fields; f++)
                if (str_eq_nocase(row.fields[f], str_c(COLUMN_NAMES[k])))
                    place[k] = (int)f;
            if (place[k] < 0)
                FAIL("the data have no column %s", COLUMN_NAMES[k]);
        }
        c->n += !header;
        header = false;
    }
    csv_reader_done(&r);
    for (size_t i = 0; i < c->n; i++) {
        c->of[TA_X][i] = c->of[TA_CLOSE][i];
        c->of[TA_PERIODS][i] = (double)(2 + i % 28);
    }
}

static bool load_dataset(Arena *a, Str name, Columns *out) {
    static const char *const folders[] = { "data", "data/ohlcv", "data/indicators" };
    for (size_t f = 0; f < ARRAY_LEN(folders); f++) {
        for (int bare = 0; bare < 2; bare++) {
            char path[256];
            snprintf(path, sizeof path, "%s/" STR_FMT "%s", folders[f], STR_ARG(name), bare ? "" : ".csv");
            const char *found = test_shared_file(path);
            if (found) {
                load(a, test_read_file(a, found), out);
                return true;
            }
        }
    }
    return false;
}

/* --- one column of a dump: null is not finite --- */

typedef struct Worst {
    double error;
    size_t n_compared, n_bad;
} Worst;

static void compare(Worst *w, Arena *a, Str what, Str json, size_t begin, const double *got, size_t n, double tol) {
    JsonReader r;
    size_t i = begin;
    json_reader_init(&r, json, a, 4);
    json_open_array(&r);
    for (size_t k = 0; k < begin && k < n; k++)
        if (!isnan(got[k]) && w->n_bad++ < 4)
            print_message("# " STR_FMT "[%zu]: %.17g, wanted nothing yet\n", STR_ARG(what), k, got[k]);
    for (; json_array_next(&r) > 0; i++) {
        double want = NAN;
        if (!json_read_null(&r) && json_read_f64(&r, &want) < 0)
            FAIL("the dump's " STR_FMT, STR_ARG(what));
        if (i >= n)
            FAIL(STR_FMT ": the dump is longer than the data", STR_ARG(what));
        double error = fabs(got[i] - want) / fmax(1, fabs(want));
        bool same = isfinite(want) ? error <= tol : !isfinite(got[i]);
        if (isfinite(error))
            w->error = fmax(w->error, error);
        w->n_compared++;
        if (!same && w->n_bad++ < 4)
            print_message("# " STR_FMT "[%zu]: %.17g, wanted %.17g\n", STR_ARG(what), i, got[i], want);
    }
    if (json_finish(&r) < 0)
        FAIL("the dump's " STR_FMT " is cut", STR_ARG(what));
    if (i != n)
        FAIL(STR_FMT ": %zu rows in the dump, %zu in the data", STR_ARG(what), i, n);
}

typedef struct Member {
    Str key, json;
} Member;

static size_t members(Arena *a, Str json, Member *out, size_t cap) {
    JsonReader r;
    Str key;
    size_t n = 0;
    json_reader_init(&r, json, a, 16);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0) {
        if (n == cap)
            FAIL("the dump has too many members");
        out[n].key = key;
        json_skip_raw(&r, &out[n++].json);
    }
    if (json_finish(&r) < 0)
        FAIL("not JSON: %s", r.why);
    return n;
}

static Str member(Arena *a, Str json, const char *key) {
    Member m[256];
    size_t n = members(a, json, m, ARRAY_LEN(m));
    for (size_t i = 0; i < n; i++)
        if (str_eq(m[i].key, str_c(key)))
            return m[i].json;
    FAIL("the dump has no %s", key);
}

static Str plain(Arena *a, Str json) {
    JsonReader r;
    Str s = { 0 };
    json_reader_init(&r, json, a, 1);
    if (json_read_str(&r, &s) < 0)
        FAIL("not a string: " STR_FMT, STR_ARG(json));
    return s;
}

static double number(Arena *a, Str json) {
    JsonReader r;
    double v = 0;
    json_reader_init(&r, json, a, 1);
    if (json_read_f64(&r, &v) < 0)
        FAIL("not a number: " STR_FMT, STR_ARG(json));
    return v;
}

/* --- TA-Lib --- */

/* A dump's inputs by name. */
static size_t inputs(Arena *a, Str json, const Columns *c, const double **in) {
    static const struct {
        const char *name;
        TaInput column;
    } names[] = { { "open", TA_OPEN },    { "high", TA_HIGH },     { "low", TA_LOW },
                  { "close", TA_CLOSE },  { "volume", TA_VOLUME }, { "inReal", TA_CLOSE },
                  { "inReal0", TA_HIGH }, { "inReal1", TA_LOW },   { "inPeriods", TA_PERIODS } };
    JsonReader r;
    size_t n = 0;
    json_reader_init(&r, json, a, 2);
    json_open_array(&r);
    while (json_array_next(&r) > 0) {
        Str name;
        const double *column = NULL;
        if (json_read_str(&r, &name) < 0 || n == TA_INPUTS_MAX)
            FAIL("the dump's inputs");
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (str_eq(name, str_c(names[i].name)))
                column = c->of[names[i].column];
        if (!column)
            FAIL("an input " STR_FMT, STR_ARG(name));
        in[n++] = column;
    }
    return n;
}

static void check_function(Arena *a, Str name, Str json, const Columns *c, Worst *w) {
    const TaIndicator *ta = ta_find(name);
    const double *in[TA_INPUTS_MAX];
    double params[TA_PARAMS_MAX], *out[TA_OUTPUTS_MAX];
    Member p[TA_PARAMS_MAX], lines[TA_OUTPUTS_MAX];
    size_t n_params = members(a, member(a, json, "params"), p, ARRAY_LEN(p));
    size_t n_out = members(a, member(a, json, "outputs"), lines, ARRAY_LEN(lines));
    size_t n_in = inputs(a, member(a, json, "inputs"), c, in);
    if (n_in != ta_n_inputs(ta) || n_params != ta_n_params(ta) || n_out != ta_n_outputs(ta))
        FAIL(STR_FMT ": the dump has %zu inputs, %zu parameters, %zu outputs", STR_ARG(name), n_in, n_params, n_out);
    for (size_t i = 0; i < n_params; i++) {
        params[i] = number(a, p[i].json);
        if (params[i] != ta->params[i].standard)
            FAIL(STR_FMT ": the standard of %s is %g there", STR_ARG(name), ta->params[i].name, params[i]);
    }
    for (size_t i = 0; i < n_out; i++)
        out[i] = arena_new_n(a, double, c->n);
    size_t begin = (size_t)number(a, member(a, json, "begin"));
    if (begin != (size_t)ta->lookback(params))
        FAIL(STR_FMT ": looks back %d, begins at %zu", STR_ARG(name), ta->lookback(params), begin);
    ta_compute(ta, params, in, c->n, out);
    for (size_t i = 0; i < n_out; i++)
        compare(w, a, name, lines[i].json, begin, out[i], c->n, 1e-9);
}

static void check_talib(const char *file) {
    const char *path = test_shared_file(file);
    if (!path)
        SKIP("../shared/%s is absent", file);
    Arena arena = { 0 };
    Columns c = { 0 };
    Member f[256];
    Str json = test_read_file(&arena, path);
    if (!load_dataset(&arena, plain(&arena, member(&arena, json, "dataset")), &c))
        SKIP("the data of %s are absent", file);
    size_t n = members(&arena, member(&arena, json, "functions"), f, ARRAY_LEN(f)), n_bad = 0, n_missing = 0;
    for (size_t i = 0; i < n; i++) {
        Worst w = { 0 };
        if (!ta_find(f[i].key)) {
            print_message("# " STR_FMT ": there is none\n", STR_ARG(f[i].key));
            n_missing++;
            continue;
        }
        ArenaMark mark = arena_mark(&arena);
        check_function(&arena, f[i].key, f[i].json, &c, &w);
        arena_rewind(&arena, mark);
        n_bad += w.n_bad > 0;
        if (w.n_bad > 0)
            print_message("# " STR_FMT ": %zu of %zu differ, at most by %.2g\n", STR_ARG(f[i].key), w.n_bad,
                          w.n_compared, w.error);
    }
    arena_done(&arena);
    if (n_bad + n_missing > 0)
        FAIL("%s: %zu functions differ and %zu are missing of %zu", file, n_bad, n_missing, n);
}

TEST(talib_on_goog) {
    UNUSED(state_);
    check_talib("golden/talib/goog_d1.json");
}

TEST(talib_on_its_own_252_rows) {
    UNUSED(state_);
    check_talib("golden/talib/talib_ref252.json");
}

/* --- Backtrader --- */

enum { LINES_MAX = 5, NO_LINE = -1 };

/* A dump's name, and what it is here. lines: the dump's line and our output. */
static const struct DumpRow {
    const char *name, *ta;
    double params[TA_PARAMS_MAX];
    struct {
        const char *name;
        int output;
    } lines[LINES_MAX];
    TaInput x; /* what TA_X is, if not the close */
} DUMPS[] = {
    /* clang-format off */
    { "SMA_10", "sma", { 10 }, { { "sma", 0 } } },
    { "SMA_30", "sma", { 30 }, { { "sma", 0 } } },
    { "EMA_12", "ema", { 12 }, { { "ema", 0 } } },
    { "EMA_26", "ema", { 26 }, { { "ema", 0 } } },
    { "SMMA_14", "rma", { 14 }, { { "smma", 0 } } },
    { "WMA_20", "wma", { 20 }, { { "wma", 0 } } },
    { "HMA_20", "hma", { 20 }, { { "hma", 0 } } },
    { "DEMA_20", "dema", { 20 }, { { "dema", 0 } } },
    { "TEMA_20", "tema", { 20 }, { { "tema", 0 } } },
    { "KAMA_30", "kama_backtrader", { 30 }, { { "kama", 0 } } },
    { "ZLEMA_20", "zlema", { 20 }, { { "zlema", 0 } } },
    { "RSI_14", "rsi_backtrader", { 14 }, { { "rsi", 0 } } },
    { "RSI_SMA_14", "rsi_sma_backtrader", { 14 }, { { "rsi", 0 } } },
    { "RSI_EMA_14", "rsi_ema_backtrader", { 14 }, { { "rsi", 0 } } },
    { "MACDHisto_12_26_9", "macd_backtrader", { 12, 26, 9 }, { { "macd", 0 }, { "signal", 1 }, { "histo", 2 } } },
    { "BBANDS_20_2", "bbands", { 20, 2, 2, TA_SMA }, { { "top", 0 }, { "mid", 1 }, { "bot", 2 } } },
    { "STDDEV_20", "stddev", { 20, 1 }, { { "stddev", 0 } } },
    { "MEANDEV_20", "meandev_backtrader", { 20 }, { { "meandev", 0 } } },
    { "TR", "trange", { 0 }, { { "tr", 0 } } },
    { "ATR_14", "atr", { 14 }, { { "atr", 0 } } },
    { "DM_14", "dm_backtrader", { 14 }, { { "plusDI", 0 }, { "minusDI", 1 }, { "adx", 2 }, { "adxr", 3 } } },
    { "STOCH_14_3_3", "stoch_backtrader", { 14, 3, 3 }, { { "percK", 1 }, { "percD", 2 } } },
    { "STOCHFAST_14_3", "stoch_backtrader", { 14, 3, 3 }, { { "percK", 0 }, { "percD", 1 } } },
    { "STOCHFULL_14_3_3", "stoch_backtrader", { 14, 3, 3 }, { { "percK", 0 }, { "percD", 1 }, { "percDSlow", 2 } } },
    { "WILLR_14", "willr", { 14 }, { { "percR", 0 } } },
    { "CCI_20", "cci_backtrader", { 20 }, { { "cci", 0 } } },
    { "MOM_12", "mom", { 12 }, { { "momentum", 0 } } },
    { "ROC_12", "rocp", { 12 }, { { "roc", 0 } } },
    { "AROON_14", "aroon", { 14 }, { { "aroondown", 0 }, { "aroonup", 1 }, { "aroonosc", NO_LINE } } },
    { "AROON_14", "aroonosc", { 14 }, { { "aroonosc", 0 }, { "aroondown", NO_LINE }, { "aroonup", NO_LINE } } },
    { "PSAR", "sar_backtrader", { 0.02, 0.2 }, { { "psar", 0 } } },
    { "ULTOSC_7_14_28", "ultosc", { 7, 14, 28 }, { { "uo", 0 } } },
    { "TRIX_15", "trix", { 15 }, { { "trix", 0 } } },
    { "PPO_12_26_9", "ppo_backtrader", { 12, 26, 9 }, { { "ppo", 0 }, { "signal", 1 }, { "histo", 2 } } },
    { "DPO_20", "dpo", { 20 }, { { "dpo", 0 } } },
    { "HIGHEST_20", "max", { 20 }, { { "highest", 0 } }, TA_HIGH },
    { "LOWEST_20", "min", { 20 }, { { "lowest", 0 } }, TA_LOW },
    /* the lagging span is a later candle's close: it is not computed */
    { "ICHIMOKU", "ichimoku", { 9, 26, 52, 26 }, { { "tenkan_sen", 0 }, { "kijun_sen", 1 }, { "senkou_span_a", 2 },
                                                   { "senkou_span_b", 3 }, { "chikou_span", NO_LINE } } },
    { "VORTEX_14", "vortex", { 14 }, { { "vi_plus", 0 }, { "vi_minus", 1 } } },
    { "TSI_25_13", "tsi", { 25, 13 }, { { "tsi", 0 } } },
    { "AO_5_34", "ao", { 5, 34 }, { { "ao", 0 } } },
    { "KST", "kst", { 9 }, { { "kst", 0 }, { "signal", 1 } } },
    { "PCTRANK_50", "percentrank", { 50 }, { { "pctrank", 0 } } },
    { "HEIKINASHI", "heikinashi", { 0 }, { { "ha_open", 0 }, { "ha_high", 1 }, { "ha_low", 2 }, { "ha_close", 3 } } },
    { "OBV", "obv", { 0 }, { { "obv", 0 } } },
    /* clang-format on */
};

static size_t check_dump(Arena *a, const struct DumpRow *row, Str json, const Columns *c) {
    const TaIndicator *ta = ta_find(str_c(row->ta));
    const double *in[TA_INPUTS_MAX];
    double *out[TA_OUTPUTS_MAX];
    Worst w = { 0 };
    for (size_t i = 0; i < ta_n_inputs(ta); i++)
        in[i] = c->of[ta->inputs[i] == TA_X && row->x != TA_END ? row->x : ta->inputs[i]];
    for (size_t i = 0; i < ta_n_outputs(ta); i++)
        out[i] = arena_new_n(a, double, c->n);
    ta_compute(ta, row->params, in, c->n, out);
    if (str_eq(str_c(row->name), S("OBV"))) /* the dump's begins at 0, not at the first volume */
        for (size_t i = 0; i < c->n; i++)
            out[0][i] -= c->of[TA_VOLUME][0];
    for (size_t i = 0; i < LINES_MAX && row->lines[i].name; i++)
        if (row->lines[i].output != NO_LINE)
            compare(&w, a, str_c(row->name), member(a, json, row->lines[i].name), 0, out[row->lines[i].output], c->n,
                    1e-9);
    if (w.n_bad > 0)
        print_message("# %s: %zu of %zu differ, at most by %.2g\n", row->name, w.n_bad, w.n_compared, w.error);
    return w.n_bad > 0;
}

/* The crossing of two averages: one indicator fed by others. */
static size_t check_crossover(Arena *a, Str json, const Columns *c) {
    Worst w = { 0 };
    double *fast = arena_new_n(a, double, c->n), *slow = arena_new_n(a, double, c->n);
    const double *close = c->of[TA_CLOSE];
    ta_compute(ta_find(S("sma")), (double[]){ 10 }, &close, c->n, &fast);
    ta_compute(ta_find(S("sma")), (double[]){ 30 }, &close, c->n, &slow);
    ta_compute(ta_find(S("crossover")), NULL, (const double *[]){ fast, slow }, c->n, &fast);
    compare(&w, a, S("CROSS_SMA10_30"), member(a, json, "crossover"), 0, fast, c->n, 0);
    return w.n_bad;
}

TEST(backtrader_on_goog) {
    UNUSED(state_);
    const char *path = test_shared_file("golden/backtrader/indicators_goog_d1.json");
    if (!path)
        SKIP("../shared/golden/backtrader is absent");
    Arena arena = { 0 };
    Columns c = { 0 };
    Member f[256];
    size_t n_bad = 0, n_checked = 0;
    Str json = test_read_file(&arena, path);
    if (!load_dataset(&arena, plain(&arena, member(&arena, json, "dataset")), &c))
        SKIP("the dump's data are absent");
    size_t n = members(&arena, member(&arena, json, "indicators"), f, ARRAY_LEN(f));
    for (size_t i = 0; i < n; i++) {
        bool known = str_eq(f[i].key, S("CROSS_SMA10_30"));
        if (known)
            n_bad += check_crossover(&arena, f[i].json, &c);
        for (size_t d = 0; d < ARRAY_LEN(DUMPS); d++)
            if (str_eq(f[i].key, str_c(DUMPS[d].name))) {
                n_bad += check_dump(&arena, &DUMPS[d], f[i].json, &c);
                known = true;
            }
        if (!known)
            FAIL("the dump's " STR_FMT " is not compared", STR_ARG(f[i].key));
        n_checked++;
    }
    arena_done(&arena);
    if (n_bad > 0)
        FAIL("%zu of %zu differ", n_bad, n_checked);
}

TESTS(T(talib_on_goog), T(talib_on_its_own_252_rows), T(backtrader_on_goog))
