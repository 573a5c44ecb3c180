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
        compare(w, a, name, lines[i].json, begin, out[i], c->n, ta->recursive ? 1e-7 : 1e-9);
}

/* What is still to be written. */
static bool is_pending(Str name) {
    static const char *const pending[] = { "HT_DCPERIOD",  "HT_DCPHASE",   "HT_PHASOR", "HT_SINE",
                                           "HT_TRENDLINE", "HT_TRENDMODE", "MAMA" };
    for (size_t i = 0; i < ARRAY_LEN(pending); i++)
        if (str_eq(name, str_c(pending[i])))
            return true;
    return false;
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
        if (!ta_find(f[i].key) && is_pending(f[i].key))
            continue;
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

TESTS(T(talib_on_goog), T(talib_on_its_own_252_rows))
