/* api/backtest/search.c - sweeps: the grid read, the report as records. */

#include "services/backtest/search.h"
#include "api/backtest/handlers.h"
#include "api/backtest/search_shapes.h"

#include <math.h>
#include <stdio.h>

/* --- the grid --- */

static int bad_axis(Ctx *cx, Str name, const char *why) {
    return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "grid." STR_FMT, STR_ARG(name)), "grid: " STR_FMT " %s",
                      STR_ARG(name), why);
}

static int read_list(Ctx *cx, JsonReader *r, SweepAxis *axis) {
    double *v = arena_new_n(cx->arena, double, SWEEP_VALUES_MAX);
    int more = json_open_array(r);
    while (more >= 0 && (more = json_array_next(r)) > 0) {
        if (axis->n == SWEEP_VALUES_MAX)
            return bad_axis(cx, axis->name, "has too many values");
        if (json_read_f64(r, &v[axis->n++]) != 0)
            return bad_axis(cx, axis->name, "must be a list of numbers");
    }
    axis->values = v;
    return more < 0 ? bad_axis(cx, axis->name, "must be a list of numbers") : 0;
}

static int read_range(Ctx *cx, JsonReader *r, SweepAxis *axis) {
    double from = NAN, to = NAN, step = 1;
    Str key;
    int more = json_open_object(r), e = 0;
    while (more >= 0 && e == 0 && (more = json_object_next(r, &key)) > 0)
        e = str_eq(key, S("from"))   ? json_read_f64(r, &from)
            : str_eq(key, S("to"))   ? json_read_f64(r, &to)
            : str_eq(key, S("step")) ? json_read_f64(r, &step)
                                     : ERR_INVALID;
    if (more < 0 || e != 0 || !isfinite(from) || !isfinite(to) || !(step > 0) || !(from <= to))
        return bad_axis(cx, axis->name, "must be {\"from\": number, \"to\": number not below it, \"step\": above 0}");
    double n = floor((to - from) / step + 1e-9) + 1;
    if (!(n <= SWEEP_VALUES_MAX))
        return bad_axis(cx, axis->name, "has too many values");
    double *v = arena_new_n(cx->arena, double, (size_t)n);
    for (size_t i = 0; i < (size_t)n; i++)
        v[i] = from + (double)i * step;
    axis->values = v;
    axis->n = (size_t)n;
    return 0;
}

int backtest_api_grid(Ctx *cx, Str json, const SweepAxis **out, size_t *n) {
    enum { DEPTH = 4 };
    SweepAxis *axes = arena_new_n(cx->arena, SweepAxis, SWEEP_AXES_MAX);
    JsonReader r;
    Str key;
    int more, e = 0;
    *n = 0;
    *out = axes;
    json_reader_init(&r, json, cx->arena, DEPTH);
    if (json_open_object(&r) != 0)
        return err_set_at(cx, ERR_INVALID, S("grid"), "is not an object; send {\"short_period\": [5, 10, 15]}");
    while (e == 0 && (more = json_object_next(&r, &key)) > 0) {
        if (*n == SWEEP_AXES_MAX)
            return err_set_at(cx, ERR_INVALID, S("grid"), "sweeps at most %d parameters", SWEEP_AXES_MAX);
        SweepAxis *axis = &axes[(*n)++];
        *axis = (SweepAxis){ .name = key };
        e = json_peek(&r) == JSON_OBJECT ? read_range(cx, &r, axis) : read_list(cx, &r, axis);
        if (e == 0 && axis->n == 0)
            e = bad_axis(cx, key, "has no value");
    }
    if (e == 0 && more < 0)
        e = err_set_at(cx, ERR_INVALID, S("grid"), "is not JSON");
    if (e == 0 && *n == 0)
        e = err_set_at(cx, ERR_INVALID, S("grid"), "names no parameter");
    return e;
}

static int axis_of(Ctx *cx, const SweepAxis *axes, size_t n, Str name, size_t *out) {
    for (*out = 0; *out < n; (*out)++)
        if (str_eq(axes[*out].name, name))
            return 0;
    return err_set_at(cx, ERR_INVALID, S("heat"), "'" STR_FMT "' is not a parameter of the grid", STR_ARG(name));
}

int backtest_api_nested(Ctx *cx, int r) {
    Str place = str_dup(cx->arena, str_c(cx->err.field)), first = place;
    for (size_t i = 0; i < place.n && first.n == place.n; i++)
        if (place.p[i] == '.' || place.p[i] == '[')
            first = str_first(place, i);
    if (r < 0 && shape_field(&backtest_request_shape, first))
        snprintf(cx->err.field, sizeof cx->err.field, "backtest.%s", str_cz(cx->arena, place));
    return r;
}

int backtest_api_nested_ask(Ctx *cx, const BacktestRequestIn *in, BacktestAsk *out) {
    int r = backtest_api_nested(cx, backtest_api_ask(cx, in, out));
    if (r != 0 && !cx->err.field[0])
        snprintf(cx->err.field, sizeof cx->err.field, "backtest");
    return r;
}

static int ask_of(Ctx *cx, const SweepRequestIn *in, SweepAsk *ask) {
    *ask = (SweepAsk){ .heat_x = SWEEP_AXES_MAX, .heat_y = SWEEP_AXES_MAX };
    int r = backtest_api_nested_ask(cx, &in->backtest, &ask->base);
    if (r == 0)
        r = backtest_api_grid(cx, in->grid.json, &ask->axes, &ask->n_axes);
    if (r != 0)
        return r;
    if (in->heat.n == 1)
        return err_set_at(cx, ERR_INVALID, S("heat"), "takes two parameters");
    if (in->heat.n == 2) {
        r = axis_of(cx, ask->axes, ask->n_axes, ((const Str *)in->heat.v)[0], &ask->heat_x);
        if (r == 0)
            r = axis_of(cx, ask->axes, ask->n_axes, ((const Str *)in->heat.v)[1], &ask->heat_y);
    }
    sweep_method_parse(in->method, &ask->options.method);
    ask->options.objective = str_cz(cx->arena, in->objective);
    ask->options.n_samples = (size_t)in->samples;
    ask->options.seed = (uint64_t)in->seed;
    return r;
}

/* --- the report --- */

typedef struct JsonText {
    Buf b;
    JsonWriter w;
} JsonText;

static JsonWriter *text_begin(JsonText *t) {
    buf_init(&t->b, 64 << 20);
    json_writer_init(&t->w, &t->b, false);
    return &t->w;
}

static RawJson text_end(JsonText *t, Ctx *cx) {
    RawJson out = { str_dup(cx->arena, buf_str(&t->b)) };
    buf_done(&t->b);
    return out;
}

static RawJson numbers(Ctx *cx, const double *v, size_t n, size_t n_rows) {
    JsonText t;
    JsonWriter *w = text_begin(&t);
    if (n_rows)
        json_array(w);
    for (size_t k = 0; k < MAX(n_rows, 1); k++) {
        json_array(w);
        for (size_t i = 0; i < n; i++)
            if (isnan(v[k * n + i]))
                json_null(w);
            else
                json_f64(w, v[k * n + i]);
        json_array_end(w);
    }
    if (n_rows)
        json_array_end(w);
    return text_end(&t, cx);
}

RawJson backtest_api_values(Ctx *cx, const SweepAxis *axes, size_t n, const double *values) {
    JsonText t;
    JsonWriter *w = text_begin(&t);
    json_object(w);
    for (size_t i = 0; i < n; i++) {
        json_key(w, axes[i].name);
        json_f64(w, values[i]);
    }
    json_object_end(w);
    return text_end(&t, cx);
}

static List best_of(Ctx *cx, const SweepResult *s, size_t top) {
    size_t n = MIN(top, s->n), k = 0;
    SweepRowOut *v = arena_new_n(cx->arena, SweepRowOut, n);
    for (size_t i = 0; i < n; i++) {
        const SweepRow *row = &s->rows[s->ranked[i]];
        if (row->err != 0)
            break;
        v[k++] = (SweepRowOut){ .rank = (int64_t)i + 1,
                                .parameters = backtest_api_values(cx, s->axes, s->n_axes, row->p),
                                .total_return = row->v[SWEEP_TOTAL_RETURN],
                                .annual_return = row->v[SWEEP_ANNUAL_RETURN],
                                .sharpe_ratio = row->v[SWEEP_SHARPE],
                                .max_drawdown = row->v[SWEEP_MAX_DRAWDOWN],
                                .calmar_ratio = row->v[SWEEP_CALMAR],
                                .volatility = row->v[SWEEP_VOLATILITY],
                                .final_value = row->v[SWEEP_FINAL_VALUE],
                                .total_trades = (int64_t)row->v[SWEEP_TOTAL_TRADES],
                                .win_rate = row->v[SWEEP_WIN_RATE],
                                .profit_factor = row->v[SWEEP_PROFIT_FACTOR],
                                .exposure = row->v[SWEEP_EXPOSURE],
                                .fees = row->v[SWEEP_FEES],
                                .refused_orders = row->n_refused };
    }
    return (List){ v, k };
}

static void advise(Ctx *cx, const SweepReport *p, SweepResponse *out) {
    Str *v = arena_new_n(cx->arena, Str, 4);
    size_t n = 0;
    v[n++] = str_fmt(cx->arena,
                     "The best of %zu combinations was chosen by looking: judge it on candles that were not searched "
                     "(walk-forward).",
                     p->sweep.n - p->sweep.n_refused);
    if (p->has_overfit && p->overfit.probability >= 0.3)
        v[n++] = str_fmt(cx->arena,
                         "The choice is probably overfit: it fails on the other half of the time in %.0f %% "
                         "of the ways to halve it.",
                         p->overfit.probability * 100);
    if (p->has_deflated && p->deflated.deflated < 0.95)
        v[n++] = str_fmt(cx->arena,
                         "Luck may be all there is: the probability that its Sharpe ratio beats the best of "
                         "as many worthless ones is %.2f, not 0.95.",
                         p->deflated.deflated);
    if (p->simulated)
        v[n++] = S("SIMULATED: candles of the exchange simulator, not of a market.");
    out->advice = (List){ v, n };
}

static void show(Ctx *cx, const SweepRequestIn *in, const SweepReport *p, SweepResponse *out) {
    const SweepResult *s = &p->sweep;
    char *tf = arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX);
    *out = (SweepResponse){ .exchange = str_dup(cx->arena, venue_str(&p->key.venue)),
                            .symbol = str_dup(cx->arena, symbol_str(&p->key.symbol)),
                            .timeframe = timeframe_text(p->key.timeframe, tf),
                            .strategy_type = in->backtest.strategy_type,
                            .engine = in->backtest.engine,
                            .method = in->method,
                            .objective = str_c(sweep_figure_info(s->objective)->name),
                            .candles = (int64_t)s->n_candles,
                            .combinations = (int64_t)s->n,
                            .refused = (int64_t)s->n_refused,
                            .refused_why = s->refused_words,
                            .best = best_of(cx, s, (size_t)in->top),
                            .path = str_c(s->path),
                            .why = s->why,
                            .seconds = p->seconds,
                            .steps_per_second = p->seconds > 0 ? s->n_steps / p->seconds : 0,
                            .simulated = p->simulated,
                            .synthetic = p->n_synthetic };
    if (p->has_heat)
        out->heat = (HeatOut){ .x = p->heat.x_name,
                               .y = p->heat.y_name,
                               .value = p->heat.value_name,
                               .x_values = numbers(cx, p->heat.x, p->heat.n_x, 0),
                               .y_values = numbers(cx, p->heat.y, p->heat.n_y, 0),
                               .values = numbers(cx, p->heat.value, p->heat.n_x, p->heat.n_y) };
    if (p->has_overfit)
        out->overfit = (OverfitOut){ p->overfit.probability, p->overfit.loss_probability, p->overfit.sharpe_in,
                                     p->overfit.sharpe_out, (int64_t)p->overfit.n_ways };
    if (p->has_deflated)
        out->deflated = (DeflatedOut){ p->deflated.sharpe, p->deflated.expected_max, p->deflated.probabilistic,
                                       p->deflated.deflated, (int64_t)p->deflated.n_trials };
    advise(cx, p, out);
}

int backtest_api_sweep(void *role, Ctx *cx, const void *in, void *out) {
    SweepAsk ask;
    SweepReport report;
    int r = ask_of(cx, in, &ask);
    if (r == 0)
        r = backtest_api_nested(cx, backtest_service_sweep(role, cx, &ask, &report));
    if (r == 0)
        show(cx, in, &report, out);
    return r;
}
