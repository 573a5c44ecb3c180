/* forecast/data.c - see data.h. Borders as in Zhou et al., Informer (AAAI 2021), and the loaders of everybody since. */

#include "forecast/data.h"

#include "base/num.h"

#include <math.h>

const char *forecast_part_name(ForecastPart p) {
    static const char *const names[FORECAST_PARTS] = { "train", "validation", "test" };
    return names[p];
}

/* --- splits --- */

static int split_at(Ctx *cx, size_t train, size_t val, size_t test, size_t n_rows, ForecastSplit *out) {
    if (test > n_rows)
        return err_set_at(cx, ERR_INVALID, S("split"), "the split ends at row %zu, the table has %zu rows", test,
                          n_rows);
    if (train == 0 || val < train || test < val)
        return err_set_at(cx, ERR_INVALID, S("split"),
                          "the parts end at rows %zu, %zu and %zu: each must end after the "
                          "one before",
                          train, val, test);
    *out = (ForecastSplit){ { { 0, train }, { train, val }, { val, test } } };
    return 0;
}

static int split_shares(Ctx *cx, const double *v, size_t n_rows, ForecastSplit *out) {
    if (fabs(v[0] + v[1] + v[2] - 1) > 1e-6)
        return err_set_at(cx, ERR_INVALID, S("split"), "the shares sum to %g, not to 1", v[0] + v[1] + v[2]);
    size_t train = (size_t)((double)n_rows * v[0]), test = (size_t)((double)n_rows * v[2]);
    return split_at(cx, train, n_rows - test, n_rows, n_rows, out);
}

int split_parse(Ctx *cx, Str text, size_t n_rows, ForecastSplit *out) {
    enum { ETT_MONTH_HOURS = 30 * 24 };
    double v[FORECAST_PARTS];
    size_t n = 0;
    Str rest = text, one;
    if (str_eq(text, S("etth")) || str_eq(text, S("ettm"))) {
        size_t month = text.p[3] == 'h' ? ETT_MONTH_HOURS : 4 * ETT_MONTH_HOURS;
        return split_at(cx, 12 * month, 16 * month, 20 * month, n_rows, out);
    }
    while (n < FORECAST_PARTS && str_next(&rest, ',', &one) && num_parse_f64(str_trim(one), &v[n]) && v[n] >= 0)
        n++;
    if (n != FORECAST_PARTS || rest.n > 0)
        return err_set_at(cx, ERR_INVALID, S("split"),
                          "'" STR_FMT
                          "' is no split: etth, ettm, three shares (0.7,0.1,0.2) or three rows (5000,6000,7000)",
                          STR_ARG(str_first(text, 40)));
    if (v[0] < 1 || v[2] <= 1)
        return split_shares(cx, v, n_rows, out);
    for (size_t i = 0; i < FORECAST_PARTS; i++)
        if (v[i] != floor(v[i]) || v[i] > 1e15)
            return err_set_at(cx, ERR_INVALID, S("split"), "%g is no row", v[i]);
    return split_at(cx, (size_t)v[0], (size_t)v[1], (size_t)v[2], n_rows, out);
}

/* --- windows --- */

/* Training has no rows before it: its first window begins with its first row. */
static size_t first_row(const ForecastData *d, ForecastPart part) {
    size_t from = d->split.parts[part].from;
    return from > d->look_back ? from - d->look_back : 0;
}

size_t data_windows(const ForecastData *d, ForecastPart part) {
    size_t n = d->split.parts[part].to - first_row(d, part), need = d->look_back + d->horizon;
    return d->split.parts[part].to > d->split.parts[part].from && n >= need ? n - need + 1 : 0;
}

size_t data_window(const ForecastData *d, ForecastPart part, size_t i) {
    assert(i < data_windows(d, part));
    return first_row(d, part) + i;
}

/* --- the scaler --- */

/* Two passes in long double: what numpy's mean and std give to the last digits. */
static int measure(Ctx *cx, ForecastData *d, const ForecastTable *t) {
    size_t from = d->split.parts[PART_TRAIN].from, to = d->split.parts[PART_TRAIN].to, n = to - from;
    for (size_t c = 0; c < d->n_channels; c++) {
        long double sum = 0, squares = 0;
        for (size_t i = from; i < to; i++)
            sum += t->columns[c][i];
        long double mean = sum / (long double)n;
        for (size_t i = from; i < to; i++)
            squares += (t->columns[c][i] - mean) * (t->columns[c][i] - mean);
        d->mean[c] = (double)mean;
        d->std[c] = (double)sqrtl(squares / (long double)n);
        if (!(d->std[c] > 1e-12 * fabs(d->mean[c])))
            return err_set_at(cx, ERR_INVALID, d->names[c],
                              "column " STR_FMT " is %g in all %zu training rows: a constant cannot be learned from; "
                              "choose other columns or another split",
                              STR_ARG(d->names[c]), d->mean[c], n);
    }
    return 0;
}

static void scale(ForecastData *d, const ForecastTable *t) {
    for (size_t c = 0; c < d->n_channels; c++) {
        double mean = d->mean[c], std = d->std[c];
        for (size_t i = 0; i < d->n_rows; i++)
            d->x[i * d->n_channels + c] = (float)((t->columns[c][i] - mean) / std);
    }
}

static int check_parts(Ctx *cx, const ForecastData *d) {
    for (int p = 0; p < FORECAST_PARTS; p++) {
        const ForecastRows *rows = &d->split.parts[p];
        if (rows->to == rows->from || data_windows(d, (ForecastPart)p) > 0)
            continue;
        return err_set_at(cx, ERR_INVALID, S("rows"),
                          "the series is too short: %s has %zu rows, look-back %zu and horizon %zu need %zu",
                          forecast_part_name((ForecastPart)p), rows->to - first_row(d, (ForecastPart)p), d->look_back,
                          d->horizon, d->look_back + d->horizon);
    }
    return data_windows(d, PART_TRAIN) ? 0 : err_set_at(cx, ERR_INVALID, S("rows"), "there is no training row");
}

int data_new(Ctx *cx, const ForecastTable *t, const ForecastDataOptions *o, ForecastData *out) {
    ForecastData d = { .n_rows = t->n_rows,
                       .n_channels = t->n_columns,
                       .n_targets = o->n_targets ? o->n_targets : t->n_columns,
                       .names = t->names,
                       .time_ms = t->time_ms,
                       .look_back = o->look_back,
                       .horizon = o->horizon,
                       .split = o->split };
    assert(d.look_back > 0 && d.horizon > 0 && d.n_targets <= d.n_channels);
    assert(d.split.parts[PART_TEST].to <= d.n_rows);
    int r = check_parts(cx, &d);
    if (r)
        return r;
    d.x = arena_try(cx->arena, mem_mul(mem_mul(d.n_channels, d.n_rows), sizeof *d.x));
    if (!d.x)
        return err_set(cx, ERR_LIMIT, "%zu rows of %zu channels do not fit into the memory allowed", d.n_rows,
                       d.n_channels);
    d.mean = arena_new_n(cx->arena, double, d.n_channels);
    d.std = arena_new_n(cx->arena, double, d.n_channels);
    if (o->mean) {
        memcpy(d.mean, o->mean, d.n_channels * sizeof *d.mean);
        memcpy(d.std, o->std, d.n_channels * sizeof *d.std);
    } else if ((r = measure(cx, &d, t)) != 0) {
        return r;
    }
    scale(&d, t);
    *out = d;
    return 0;
}
