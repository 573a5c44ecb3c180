/* golden/indicator_dump.c - see indicator_dump.h. What is said of both forms, and TA-Lib's. */

#include "golden/indicator_dump.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/dump_check.h"

/* --- one line against the dump's --- */

static double mean_size(const double *x, size_t n) {
    double sum = 0;
    size_t n_finite = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) {
            sum += fabs(x[i]);
            n_finite++;
        }
    return n_finite > 0 ? sum / (double)n_finite : 0;
}

double dump_noise(const double *const *prices, size_t n_columns, size_t n) {
    double size = 0;
    for (size_t i = 0; i < n_columns; i++)
        size = fmax(size, mean_size(prices[i], n));
    return 4 * DBL_EPSILON * size;
}

static bool same(double got, double want, const DumpLine *l, double least) {
    if (!isfinite(want))
        return !isfinite(got);
    return fabs(got - want) <= fmax(l->tolerance * fmax(fabs(want), least), l->noise);
}

size_t dump_compare(DumpReport *rep, const DumpLine *l, const double *got, const double *want, size_t n) {
    double least = fmin(1, mean_size(want, n)), worst = 0;
    size_t n_bad = 0, shown = rep->rows_shown > 0 ? rep->rows_shown : 5;
    for (size_t i = 0; i < n; i++) {
        if (same(got[i], want[i], l, least))
            continue;
        if (n_bad++ < shown)
            fprintf(rep->out, STR_FMT " " STR_FMT "[%zu]: %.17g, the dump has %.17g\n", STR_ARG(l->indicator),
                    STR_ARG(l->name), i, got[i], want[i]);
        double error = fabs(got[i] - want[i]);
        worst = isfinite(error) ? fmax(worst, error) : worst;
    }
    if (n_bad > 0)
        fprintf(rep->out, STR_FMT " " STR_FMT ": %zu of %zu rows differ, at most by %.3g\n", STR_ARG(l->indicator),
                STR_ARG(l->name), n_bad, n, worst);
    return n_bad;
}

/* --- parameters and inputs of TA-Lib's form --- */

/* Letters and digits in lower case: timePeriod, optInTimePeriod and timeperiod are one word. */
static Str bare(Arena *a, Str name) {
    char *p = arena_alloc(a, name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != '_')
            p[n++] = (char)tolower((unsigned char)name.p[i]);
    Str out = str_n(p, n);
    return str_starts(out, S("optin")) ? str_from(out, 5) : out;
}

/* Words of TA-Lib's that are others here. */
static Str our_word(Arena *a, Str word) {
    static const struct {
        const char *theirs, *ours;
    } words[] = { { "timeperiod", "period" }, { "matype", "average" }, { "vfactor", "factor" },
                  { "nbdevup", "up" },        { "nbdevdn", "down" },   { "startvalue", "start" } };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        ptrdiff_t at = str_find(word, str_c(words[i].theirs));
        if (at < 0)
            continue;
        Str tail = str_from(word, (size_t)at + strlen(words[i].theirs));
        return str_fmt(a, STR_FMT "%s" STR_FMT, (int)at, word.p, words[i].ours, STR_ARG(tail));
    }
    return word;
}

static int place_of_param(Arena *a, const TaIndicator *ta, Str name) {
    Str word = our_word(a, bare(a, name));
    if (str_eq(word, S("nbdev"))) /* of STDDEV and VAR, which call it otherwise */
        return ta_n_params(ta) == 2 ? 1 : -1;
    for (size_t i = 0; i < ta_n_params(ta); i++)
        if (str_eq(word, bare(a, str_c(ta->params[i].name))))
            return (int)i;
    return -1;
}

static int read_params(Ctx *cx, const TaIndicator *ta, Str json, double *params) {
    Members m;
    int err = dump_members(cx, json, &m);
    ta_standard_params(ta, params);
    for (size_t i = 0; err == 0 && i < m.n; i++) {
        int at = place_of_param(cx->arena, ta, m.of[i].key);
        if (at < 0)
            return err_set(cx, ERR_UNSUPPORTED, "there is no parameter " STR_FMT, STR_ARG(m.of[i].key));
        err = dump_number(cx, m.of[i].json, &params[at]);
    }
    int bad = err ? -1 : ta_bad_param(ta, params);
    if (bad >= 0)
        return err_set(cx, ERR_UNSUPPORTED, "%s cannot be %g", ta->params[bad].name, params[bad]);
    return err;
}

/* The columns behind inReal, inReal0, inReal1 and inPeriods, where the dump says so itself. */
typedef struct Wiring {
    Str in_real, in_real0, in_real1;
    size_t first_period, period_turn;
} Wiring;

/* TA-Lib's words for an input, and those of its wrappers: close, inClose. */
static double *column_named(const Columns *c, Str name) {
    static const struct {
        const char *name;
        TaInput column;
    } names[] = { { "open", TA_OPEN },   { "high", TA_HIGH },     { "low", TA_LOW },
                  { "close", TA_CLOSE }, { "volume", TA_VOLUME }, { "periods", TA_PERIODS } };
    if (name.n > 2 && str_eq_nocase(str_first(name, 2), S("in")))
        name = str_from(name, 2);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(name, str_c(names[i].name)))
            return c->of[names[i].column];
    return NULL;
}

/* "2 + index mod 28" */
static bool read_periods(const char *z, size_t *first, size_t *turn) {
    static const char between[] = " + index mod ";
    char *end;
    *first = strtoul(z, &end, 10);
    if (end == z || strncmp(end, between, sizeof between - 1) != 0)
        return false;
    *turn = strtoul(end + sizeof between - 1, &end, 10);
    return *turn > 0;
}

static int read_wiring(Ctx *cx, const Members *dump, Wiring *w, Columns *c) {
    *w = (Wiring){ S("close"), S("high"), S("low"), 2, 28 };
    const struct {
        const char *key;
        Str *to;
    } reals[] = { { "inReal", &w->in_real }, { "inReal0", &w->in_real0 }, { "inReal1", &w->in_real1 } };
    Str periods = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(reals); i++)
        if (dump_member(dump, reals[i].key).n > 0 && dump_str(cx, dump, reals[i].key, reals[i].to) < 0)
            return cx->err.code;
    if (dump_member(dump, "inPeriods").n > 0) {
        if (dump_str(cx, dump, "inPeriods", &periods) < 0)
            return cx->err.code;
        const char *z = str_cz(cx->arena, periods);
        if (!read_periods(z, &w->first_period, &w->period_turn))
            return err_set(cx, ERR_INVALID, "inPeriods is \"%s\", not \"2 + index mod 28\" or the like", z);
    }
    for (size_t i = 0; i < c->n; i++)
        c->of[TA_PERIODS][i] = (double)(w->first_period + i % w->period_turn);
    return 0;
}

static int read_inputs(Ctx *cx, const TaIndicator *ta, Str json, const Columns *c, const Wiring *w, const double **in) {
    Str *names;
    size_t n;
    int err = dump_strings(cx, json, &names, &n);
    if (err)
        return err;
    if (n != ta_n_inputs(ta))
        return err_set(cx, ERR_UNSUPPORTED, "it takes %zu inputs, the dump names %zu", ta_n_inputs(ta), n);
    for (size_t i = 0; i < n; i++) {
        Str word = bare(cx->arena, names[i]), name = names[i];
        word = str_starts(word, S("in")) ? str_from(word, 2) : word;
        if (str_eq(word, S("real")) || str_eq(word, S("price")))
            name = w->in_real;
        else if (str_eq(word, S("real0")) || str_eq(word, S("price0")))
            name = w->in_real0;
        else if (str_eq(word, S("real1")) || str_eq(word, S("price1")))
            name = w->in_real1;
        in[i] = column_named(c, name);
        if (!in[i])
            return err_set(cx, ERR_UNSUPPORTED, "there is no column " STR_FMT, STR_ARG(name));
    }
    return 0;
}

/* --- one function --- */

typedef struct Function {
    const TaIndicator *ta;
    double params[TA_PARAMS_MAX], *out[TA_OUTPUTS_MAX];
    const double *in[TA_INPUTS_MAX];
    Members lines;
    size_t begin;
} Function;

/* SMA, or where one function stands there more than once: SMA_10, SMA#2. */
static const TaIndicator *function_named(Str name) {
    const TaIndicator *ta = ta_find(name);
    for (size_t n = name.n; !ta && n-- > 1;) {
        bool number = name.p[n] == '_' && n + 1 < name.n && isdigit((unsigned char)name.p[n + 1]);
        if (number || strchr("#(:@ ", name.p[n]))
            ta = ta_find(str_first(name, n));
    }
    return ta;
}

static int read_function(Ctx *cx, Str name, Str json, const Columns *c, const Wiring *w, Function *f) {
    Members m;
    int err = dump_members(cx, json, &m);
    *f = (Function){ .ta = function_named(name) };
    if (!f->ta)
        return err_set(cx, ERR_UNSUPPORTED, "there is no indicator of this name");
    if (err || (err = read_params(cx, f->ta, dump_member(&m, "params"), f->params)) ||
        (err = read_inputs(cx, f->ta, dump_member(&m, "inputs"), c, w, f->in)) ||
        (err = dump_size(cx, &m, "begin", 0, &f->begin)) ||
        (err = dump_members(cx, dump_member(&m, "outputs"), &f->lines)))
        return err;
    if (f->lines.n != ta_n_outputs(f->ta))
        return err_set(cx, ERR_UNSUPPORTED, "it has %zu outputs, the dump %zu", ta_n_outputs(f->ta), f->lines.n);
    return 0;
}

/* The dump's values, behind the rows it leaves out. A dump without a value says nothing of where it begins. */
static int read_line(Ctx *cx, const Function *f, Str json, const Columns *c, double *want) {
    double *values;
    size_t n, lookback = (size_t)f->ta->lookback(f->params);
    int err = dump_numbers(cx, json, &values, &n);
    if (err)
        return err;
    size_t begin = n > 0 ? f->begin : c->n, n_null = 0;
    while (n_null < n && n_null + begin < lookback && isnan(values[n_null]))
        n_null++; /* a dump of whole columns */
    values += n_null;
    begin += n_null;
    n -= n_null;
    if (begin + n != c->n)
        return err_set(cx, ERR_INVALID, "the dump has rows %zu to %zu, the data %zu rows", begin, begin + n, c->n);
    if (n > 0 && begin != lookback)
        return err_set(cx, ERR_INVALID, "it looks back %zu rows, the dump begins at %zu", lookback, begin);
    for (size_t i = 0; i < c->n; i++)
        want[i] = i < begin ? NAN : values[i - begin];
    return 0;
}

static int check_function(Ctx *cx, DumpReport *rep, const Member *dumped, const Columns *c, const Wiring *w) {
    Function f;
    double *want = arena_new_n(cx->arena, double, c->n + 1);
    size_t n_bad = 0;
    int err = read_function(cx, dumped->key, dumped->json, c, w, &f);
    if (err)
        return err;
    for (size_t i = 0; i < f.lines.n; i++)
        f.out[i] = arena_new_n(cx->arena, double, c->n + 1);
    ta_compute(f.ta, f.params, f.in, c->n, f.out);
    double noise = dump_noise(&(const double *){ c->of[TA_CLOSE] }, 1, c->n);
    for (size_t i = 0; i < f.lines.n; i++) {
        DumpLine l = { dumped->key, f.lines.of[i].key, f.ta->recursive ? 1e-7 : 1e-9, noise };
        if ((err = read_line(cx, &f, f.lines.of[i].json, c, want)) < 0)
            return err;
        n_bad += dump_compare(rep, &l, f.out[i], want, c->n);
    }
    return n_bad > 0;
}

/* --- the whole dump --- */

static void count(Ctx *cx, DumpReport *rep, Str name, int result) {
    rep->n_passed += result == 0;
    rep->n_failed += result != 0;
    if (result < 0)
        fprintf(rep->out, STR_FMT ": %s\n", STR_ARG(name), cx->err.text);
    err_clear(cx);
}

int dump_check(Ctx *cx, Str json, const char *data_dir, DumpReport *rep) {
    Members dump, entries;
    Columns c;
    Wiring w;
    Str dataset;
    size_t first_rows;
    int err = dump_members(cx, json, &dump);
    if (err)
        return err;
    bool of_talib = dump_member(&dump, "functions").n > 0;
    Str list = dump_member(&dump, of_talib ? "functions" : "indicators");
    if (list.n == 0)
        return err_set(cx, ERR_INVALID, "the file has neither functions nor indicators: it is no dump");
    if ((err = dump_members(cx, list, &entries)) || (err = dump_str(cx, &dump, "dataset", &dataset)) ||
        (err = dump_size(cx, &dump, "first_rows", 0, &first_rows)) ||
        (err = columns_load(cx, data_dir, dataset, first_rows, &c)) || (err = read_wiring(cx, &dump, &w, &c)))
        return err;
    for (size_t i = 0; i < entries.n; i++) {
        ArenaMark mark = arena_mark(cx->arena);
        int result = of_talib ? check_function(cx, rep, &entries.of[i], &c, &w)
                              : dump_check_backtrader(cx, rep, entries.of[i].key, entries.of[i].json, &c);
        count(cx, rep, entries.of[i].key, result);
        arena_rewind(cx->arena, mark);
    }
    return 0;
}
