/* forecast/candle_features.c - see features.h. */

#include "forecast/candle_features.h"

#include "base/num.h"
#include "ta/ta.h"

#include <math.h>

enum { VOLATILITY_STANDARD = 24 };

typedef struct Features {
    Ctx *cx;
    const Candles *cs;
    size_t n; /* closed candles */
    Timeframe tf;
    ForecastTable t; /* columns of n rows, NaN where not ready */
} Features;

Str features_standard(void) {
    return S("close,return,volatility:24,rsi:14,hour,weekday");
}

/* --- columns --- */

static int add_column(Features *f, Str name, double **out) {
    if (f->t.n_columns == TABLE_COLUMNS)
        return err_set_at(f->cx, ERR_INVALID, S("features"), "more than %d columns", TABLE_COLUMNS);
    if (table_column(&f->t, name) >= 0)
        return err_set_at(f->cx, ERR_INVALID, S("features"), "column \"" STR_FMT "\" comes twice", STR_ARG(name));
    *out = arena_new_n(f->cx->arena, double, f->n);
    f->t.names[f->t.n_columns] = name;
    f->t.columns[f->t.n_columns++] = *out;
    return 0;
}

static Time close_time(const Features *f, size_t i) {
    return timeframe_step(f->tf, time_ms(f->cs->open_ms[i]), 1);
}

static int add_price(Features *f, Str name, const double *from, bool logarithm) {
    double *to;
    int r = add_column(f, name, &to);
    for (size_t i = 0; i < f->n && r == 0; i++) {
        if (logarithm && !(from[i] > 0))
            return err_set(f->cx, ERR_INVALID, "candle %zu closes at %g, which has no logarithm", i + 1, from[i]);
        to[i] = logarithm ? log(from[i]) : from[i];
    }
    return r;
}

/* Changes from the candle before; `plus` keeps volumes of 0 apart from nothing. */
static int add_change(Features *f, Str name, const double *from, double plus) {
    double *to;
    int r = add_column(f, name, &to);
    for (size_t i = 0; i < f->n && r == 0; i++) {
        if (!(from[i] + plus > 0))
            return err_set(f->cx, ERR_INVALID, "candle %zu has %g, of which there is no change in logarithms", i + 1,
                           from[i]);
        to[i] = i ? log((from[i] + plus) / (from[i - 1] + plus)) : NAN;
    }
    return r;
}

static int add_range(Features *f) {
    double *to;
    int r = add_column(f, S("range"), &to);
    for (size_t i = 0; i < f->n && r == 0; i++)
        to[i] = (f->cs->high[i] - f->cs->low[i]) / f->cs->close[i];
    return r;
}

/* Over the window anew for each row: no sum runs on, so a row's bits do not depend on how long the series is. */
static int add_volatility(Features *f, Str name, size_t window) {
    double *to;
    int r = add_column(f, name, &to);
    for (size_t i = 0; i < f->n && r == 0; i++) {
        double mean = 0, squares = 0;
        to[i] = NAN;
        if (i < window)
            continue;
        for (size_t k = i + 1 - window; k <= i; k++)
            mean += log(f->cs->close[k] / f->cs->close[k - 1]) / (double)window;
        for (size_t k = i + 1 - window; k <= i; k++)
            squares += pow(log(f->cs->close[k] / f->cs->close[k - 1]) - mean, 2);
        to[i] = sqrt(squares / (double)window);
    }
    return r;
}

typedef enum Cycle { CYCLE_HOUR, CYCLE_WEEKDAY, CYCLE_MONTH } Cycle;

static double place_in(Cycle cycle, Time t) {
    Civil c = time_to_civil(t);
    double hour = (c.hour * 60 + c.minute) / 60.0;
    if (cycle == CYCLE_HOUR)
        return hour / 24;
    if (cycle == CYCLE_WEEKDAY)
        return (weekday_of_days(floor_div(t.ms, MS_PER_DAY)) + hour / 24) / 7;
    return (c.month - 1 + (c.day - 1) / 31.0) / 12;
}

static int add_cycle(Features *f, Str name, Cycle cycle) {
    double *sine, *cosine = NULL;
    int r = add_column(f, str_fmt(f->cx->arena, STR_FMT "_sin", STR_ARG(name)), &sine);
    if (r == 0)
        r = add_column(f, str_fmt(f->cx->arena, STR_FMT "_cos", STR_ARG(name)), &cosine);
    for (size_t i = 0; i < f->n && r == 0; i++) {
        double angle = 6.283185307179586 * place_in(cycle, close_time(f, i));
        sine[i] = sin(angle);
        cosine[i] = cos(angle);
    }
    return r;
}

/* --- indicators --- */

static const double *input_of(const Features *f, TaInput input) {
    switch (input) {
    case TA_OPEN:
        return f->cs->open;
    case TA_HIGH:
        return f->cs->high;
    case TA_LOW:
        return f->cs->low;
    case TA_VOLUME:
        return f->cs->volume;
    case TA_CLOSE:
    case TA_X:
        return f->cs->close;
    default:
        return NULL;
    }
}

static int read_params(Features *f, const TaIndicator *ta, Str text, double *params) {
    Str one;
    ta_standard_params(ta, params);
    for (size_t i = 0; text.n > 0; i++) {
        str_next(&text, '/', &one);
        if (i >= ta_n_params(ta) || !num_parse_f64(one, &params[i]))
            return err_set_at(f->cx, ERR_INVALID, S("features"), "%s: '" STR_FMT "' is no parameter of it", ta->name,
                              STR_ARG(one));
    }
    int bad = ta_bad_param(ta, params);
    return bad < 0 ? 0
                   : err_set_at(f->cx, ERR_INVALID, S("features"), "%s: %s is %g, it must be %g to %g", ta->name,
                                ta->params[bad].name, params[bad], ta->params[bad].min, ta->params[bad].max);
}

static int add_indicator(Features *f, const TaIndicator *ta, Str name, Str text) {
    double params[TA_PARAMS_MAX], *out[TA_OUTPUTS_MAX];
    const double *in[TA_INPUTS_MAX];
    int r = read_params(f, ta, text, params);
    for (size_t i = 0; i < ta_n_inputs(ta) && r == 0; i++)
        if (!(in[i] = input_of(f, ta->inputs[i])))
            r = err_set_at(f->cx, ERR_INVALID, S("features"), "%s needs a second column: it is no feature of candles",
                           ta->name);
    for (size_t i = 0; i < ta_n_outputs(ta) && r == 0; i++)
        r = add_column(
            f, ta_n_outputs(ta) == 1 ? name : str_fmt(f->cx->arena, STR_FMT "_%s", STR_ARG(name), ta->outputs[i]),
            &out[i]);
    if (r == 0)
        ta_compute(ta, params, in, f->n, out);
    return r;
}

/* --- the list --- */

static int add_volatility_of(Features *f, Str name, Str text) {
    int64_t n = VOLATILITY_STANDARD;
    if (text.n > 0 && (!str_to_i64(text, &n) || n < 2 || n > TA_PERIOD_MAX))
        return err_set_at(f->cx, ERR_INVALID, S("features"), "volatility: '" STR_FMT "' is no number of candles",
                          STR_ARG(text));
    for (size_t i = 0; i < f->n; i++)
        if (!(f->cs->close[i] > 0))
            return err_set(f->cx, ERR_INVALID, "candle %zu closes at %g: there is no return", i + 1, f->cs->close[i]);
    return add_volatility(f, name, (size_t)n);
}

static int add_feature(Features *f, Str feature) {
    Str text = feature, name = { 0 };
    const Candles *cs = f->cs;
    str_next(&text, ':', &name);
    const struct {
        const char *name;
        const double *from;
    } prices[] = {
        { "close", cs->close }, { "open", cs->open }, { "high", cs->high }, { "low", cs->low }, { "volume", cs->volume }
    };
    for (size_t i = 0; i < ARRAY_LEN(prices); i++)
        if (str_eq(feature, str_c(prices[i].name)))
            return add_price(f, str_c(prices[i].name), prices[i].from, false);
    if (str_eq(feature, S("log_close")))
        return add_price(f, S("log_close"), cs->close, true);
    if (str_eq(feature, S("return")))
        return add_change(f, S("return"), cs->close, 0);
    if (str_eq(feature, S("volume_change")))
        return add_change(f, S("volume_change"), cs->volume, 1);
    if (str_eq(feature, S("range")))
        return add_range(f);
    if (str_eq(feature, S("hour")) || str_eq(feature, S("weekday")) || str_eq(feature, S("month")))
        return add_cycle(f, feature,
                         feature.p[0] == 'h'   ? CYCLE_HOUR
                         : feature.p[0] == 'w' ? CYCLE_WEEKDAY
                                               : CYCLE_MONTH);
    Str column = str_dup(f->cx->arena, feature);
    for (size_t i = 0; i < column.n; i++) /* "macd:12/26/9" -> "macd_12_26_9": a name that a list of columns can say */
        if (column.p[i] == ':' || column.p[i] == '/')
            ((char *)(uintptr_t)column.p)[i] = '_';
    if (str_eq(name, S("volatility")))
        return add_volatility_of(f, column, text);
    const TaIndicator *ta = ta_find(name);
    if (ta)
        return add_indicator(f, ta, column, text);
    return err_set_at(f->cx, ERR_INVALID, S("features"),
                      "no feature \"" STR_FMT
                      "\": close, open, high, low, volume, log_close, return, range, volume_change, "
                      "volatility:N, hour, weekday, month, or an indicator as rsi:14",
                      STR_ARG(feature));
}

/* Each candle takes the last row known when it closed. */
static int add_extra(Features *f, const ForecastTable *extra) {
    for (size_t c = 0; c < extra->n_columns; c++) {
        double *to;
        size_t known = 0;
        int r = add_column(f, extra->names[c], &to);
        for (size_t i = 0; i < f->n && r == 0; i++) {
            int64_t by = close_time(f, i).ms;
            while (known < extra->n_rows && extra->time_ms[known] <= by)
                known++;
            to[i] = known ? extra->columns[c][known - 1] : NAN;
        }
        if (r)
            return r;
    }
    return 0;
}

/* --- the whole --- */

/* Rows from the first that is ready on; one that is not behind it is a fault. */
static int cut_front(Features *f, ForecastTable *out) {
    size_t first = 0;
    for (size_t c = 0; c < f->t.n_columns; c++) {
        size_t ready = 0;
        while (ready < f->n && !isfinite(f->t.columns[c][ready]))
            ready++;
        first = MAX(first, ready);
    }
    for (size_t c = 0; c < f->t.n_columns; c++)
        for (size_t i = first; i < f->n; i++)
            if (!isfinite(f->t.columns[c][i]))
                return err_set(f->cx, ERR_INVALID, "feature " STR_FMT " has no value for candle %zu",
                               STR_ARG(f->t.names[c]), i + 1);
    if (first + 1 >= f->n)
        return err_set(f->cx, ERR_INVALID, "%zu closed candles are too few: the features are ready after %zu", f->n,
                       first);
    *out = f->t;
    out->n_rows = f->n - first;
    out->time_ms += first;
    for (size_t c = 0; c < out->n_columns; c++)
        out->columns[c] += first;
    return 0;
}

int features_table(Ctx *cx, const Candles *candles, Timeframe tf, Str list, const ForecastTable *extra,
                   ForecastTable *out) {
    Features f = { .cx = cx, .cs = candles, .n = candles->n, .tf = tf };
    Str one;
    int r = 0;
    while (f.n > 0 && (candles->flags[f.n - 1] & CANDLE_OPEN))
        f.n--;
    f.t.names = arena_new_n(cx->arena, Str, TABLE_COLUMNS);
    f.t.columns = arena_new_n(cx->arena, double *, TABLE_COLUMNS);
    f.t.time_ms = arena_new_n(cx->arena, int64_t, f.n);
    for (size_t i = 0; i < f.n; i++)
        f.t.time_ms[i] = candles->open_ms[i];
    while (r == 0 && str_next(&list, ',', &one))
        r = add_feature(&f, str_trim(one));
    if (r == 0 && extra)
        r = add_extra(&f, extra);
    return r ? r : cut_front(&f, out);
}
