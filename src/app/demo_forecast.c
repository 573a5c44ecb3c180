/* app/demo_forecast.c - the demo's forecaster: taught over the API on the candles just collected, registered, and served
 * with its interval beside the last value, which on prices is hard to beat. */

#include "app/demo.h"

#include "api/prediction/prediction_api.h"

#include <math.h>

enum { LOOK_BACK = 168, HORIZON = 24, TEACH_MS = 120000, LOOK_MS = 50 };

static int teach(Demo *d, const DemoSeries *s, TrainingRow *out) {
    Ctx *cx = d->c->cx;
    TrainingIn in;
    MonoNs begun = clock_mono(cx->clock);
    shape_init(op_training_submit.in, cx, &in);
    in.name = str_fmt(cx->arena, "demo-" STR_FMT "-" STR_FMT, STR_ARG(s->symbol), STR_ARG(s->timeframe));
    in.exchange = s->exchange;
    in.symbol = s->symbol;
    in.timeframe = s->timeframe;
    in.model = S("nlinear+theta");
    in.horizon = HORIZON;
    in.look_back = LOOK_BACK;
    in.seed = 1;
    in.epochs = 3;
    in.promote = true;
    int r = demo_call(d, &op_training_submit, &in, out);
    while (r == 0 && !out->ended.ms && mono_ms_between(begun, clock_mono(cx->clock)) < TEACH_MS) {
        TrainingRef ref = { out->training };
        clock_sleep_ms(cx->clock, LOOK_MS);
        r = demo_call(d, &op_training_get, &ref, out);
    }
    return r;
}

/* "NAME version 3 registered, …" -> "NAME/3": also one that was not promoted can be asked for by its number. */
static Str version_of(Ctx *cx, const TrainingRow *t) {
    Str rest = t->message, number = { 0 };
    ptrdiff_t at = str_find(rest, S(" version "));
    if (at < 0)
        return t->model;
    rest = str_from(rest, (size_t)at + 9);
    str_next(&rest, ' ', &number);
    return str_fmt(cx->arena, STR_FMT "/" STR_FMT, STR_ARG(t->model), STR_ARG(number));
}

static void show(Demo *d, const TrainingRow *t, const PredictOut *p) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    const ForecastPoint *v = p->forecasts.v, *end = &v[p->forecasts.n - 1];
    double *values = arena_new_n(a, double, p->forecasts.n);
    for (size_t i = 0; i < p->forecasts.n; i++)
        values[i] = v[i].value;
    fprintf(c->out, "  " STR_FMT "   " STR_FMT "\n", STR_ARG(t->message),
            STR_ARG(term_ms(a, (double)(t->ended.ms - t->started.ms))));
    fprintf(c->out,
            "  %s" STR_FMT "%s  the next %zu candles: " STR_FMT ", between " STR_FMT " and " STR_FMT " (%g %%, " STR_FMT
            ")\n",
            term_tone(c, TONE_ACCENT), STR_ARG(term_sparkline(a, values, p->forecasts.n, p->forecasts.n / 2)),
            term_end(c), p->forecasts.n, STR_ARG(term_price(a, end->value)), STR_ARG(term_price(a, end->low)),
            STR_ARG(term_price(a, end->high)), 100 * p->level, STR_ARG(p->interval));
    fprintf(c->out,
            "  the last value: " STR_FMT "   served by " STR_FMT " version " STR_FMT " in " STR_FMT
            "; squared error on validation %.3f times the last value's\n",
            STR_ARG(term_price(a, end->last)), STR_ARG(p->model), STR_ARG(p->version), STR_ARG(term_ms(a, p->took_ms)),
            p->val_vs_naive);
}

int demo_forecast(Demo *d, const DemoSeries *s) {
    Cli *c = d->c;
    TrainingRow t;
    PredictIn in;
    PredictOut p = { 0 };
    demo_heading(d, "Forecast", "a small ensemble, taught on these candles in a child process, registered and served");
    int r = teach(d, s, &t);
    if (r)
        return r;
    if (!str_eq(t.state, S("succeeded"))) { /* candles that do not move, or too few: no reason to end the demo */
        fprintf(c->out, "  " STR_FMT "\n", STR_ARG(t.error));
        return 0;
    }
    shape_init(op_predict_horizon.in, c->cx, &in);
    in.model = version_of(c->cx, &t);
    in.exchange = s->exchange;
    in.symbol = s->symbol;
    in.timeframe = s->timeframe;
    r = demo_call(d, &op_predict_horizon, &in, &p);
    if (r == 0)
        show(d, &t, &p);
    return r;
}
