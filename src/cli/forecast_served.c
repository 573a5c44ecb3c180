/* cli/forecast_served.c - predict by a registered model: asked of the role prediction, as any client does. */

#include "api/prediction/prediction_api.h"
#include "cli/forecast.h"

#include <math.h>

static void print_rungs(Cli *c, const PredictOut *p) {
    const RungOut *v = p->ladder.v;
    if (str_eq(p->fallback, S("none")))
        return;
    fprintf(c->out, "%sfell back to: " STR_FMT "%s", term_tone(c, TONE_WARN), STR_ARG(p->fallback), term_end(c));
    for (size_t i = 0; i + 1 < p->ladder.n; i++)
        fprintf(c->out, "; " STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(v[i].model), v[i].version.n ? "/" : "",
                STR_ARG(v[i].version), STR_ARG(v[i].outcome));
    fputc('\n', c->out);
}

static void print_served(Cli *c, const PredictOut *p) {
    static const char *const heads[] = { "time", "target", ">forecast", ">low", ">high", ">last value", NULL };
    Arena *arena = c->cx->arena;
    const ForecastPoint *v = p->forecasts.v;
    Table t;
    table_init(&t, arena, heads);
    for (size_t i = 0; i < p->forecasts.n; i++) {
        table_cell(&t, term_minute(arena, v[i].time), TONE_PLAIN);
        table_cell(&t, v[i].target, TONE_PLAIN);
        table_cell(&t, str_fmt(arena, "%.6g", v[i].value), TONE_BOLD);
        table_cell(&t, isnan(v[i].low) ? S("-") : str_fmt(arena, "%.6g", v[i].low), TONE_DIM);
        table_cell(&t, isnan(v[i].high) ? S("-") : str_fmt(arena, "%.6g", v[i].high), TONE_DIM);
        table_cell(&t, str_fmt(arena, "%.6g", v[i].last), TONE_DIM);
    }
    table_print(&t, c);
    print_rungs(c, p);
    fprintf(c->out, STR_FMT "%s" STR_FMT "; intervals of %g %% (" STR_FMT ")", STR_ARG(p->model),
            p->version.n ? " version " : "", STR_ARG(p->version), 100 * p->level, STR_ARG(p->interval));
    if (!isnan(p->val_vs_naive))
        fprintf(c->out, "; on validation its mse was %.0f %% of repeating the last value's", 100 * p->val_vs_naive);
    fputs(p->drifted ? "; DRIFTED since\n" : "\n", c->out);
}

int forecast_predict_served(Cli *c, const ForecastSource *s, Str model, double level) {
    ApiCaller *api;
    PredictIn in;
    PredictOut out = { 0 };
    int r = cli_api(c, &api);
    if (r)
        return r;
    shape_init(op_predict_horizon.in, c->cx, &in);
    in.model = model;
    in.exchange = s->exchange;
    in.symbol = s->symbol;
    in.timeframe = s->timeframe;
    in.provider = s->provider;
    in.level = level;
    r = api_call(api, c->cx, &op_predict_horizon, &in, &out);
    if (r)
        return r;
    if (!c->json) {
        print_served(c, &out);
        return 0;
    }
    Buf b;
    JsonWriter w;
    buf_init(&b, 64 << 20);
    json_writer_init(&w, &b, false);
    shape_write(op_predict_horizon.out, &w, &out);
    bool ok = buf_ok(&b) && fwrite(b.p, 1, b.n, c->out) == b.n && fputc('\n', c->out) != EOF;
    buf_done(&b);
    return ok ? 0 : cli_out_fail(c, 0);
}
