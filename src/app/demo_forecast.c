/* app/demo_forecast.c - the demo's forecaster: taught on the candles just collected, shown with its interval beside the
 * last value, which on prices is hard to beat. */

#include "app/demo.h"

#include "cli/forecast.h"

#include <math.h>

enum { LOOK_BACK = 168, HORIZON = 24, ROWS_MIN = 1500, SHOWN = 48, MODEL_MAX = 64 << 20 };

static int learn(Demo *d, const ForecastTable *t, TrainReport *report) {
    TrainRequest q = { .table = t,
                       .data = S("demo"),
                       .data_sha256 = S(""),
                       .model = S("nlinear+theta"),
                       .preset = S("price"),
                       .horizon = HORIZON,
                       .look_back = LOOK_BACK,
                       .season = 24,
                       .seed = 1,
                       .epochs = 3,
                       .batch = 32,
                       .patience = -1 };
    Buf b;
    buf_init(&b, MODEL_MAX);
    int r = forecast_train(d->c->cx, &q, &b, report);
    buf_done(&b);
    return r;
}

static void show(Demo *d, const ForecastTable *t, const TrainReport *m, const Prediction *p) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    const double *close = t->columns[0];
    fprintf(c->out, "  weighted on validation:");
    for (size_t i = 0; i < m->artifact.n_members; i++)
        fprintf(c->out, "%s " STR_FMT " %.2f", i ? "," : "", STR_ARG(m->artifact.members[i]), m->artifact.weights[i]);
    fprintf(c->out, "   " STR_FMT "\n", STR_ARG(term_ms(a, 1000 * m->seconds)));
    fprintf(c->out,
            "  %s" STR_FMT "%s" STR_FMT "  the next %d candles: " STR_FMT ", between " STR_FMT " and " STR_FMT
            " (90 %%)\n",
            term_tone(c, TONE_ACCENT), STR_ARG(term_sparkline(a, close + t->n_rows - SHOWN, SHOWN, SHOWN / 2)),
            term_end(c), STR_ARG(term_sparkline(a, p->value, HORIZON, HORIZON / 2)), HORIZON,
            STR_ARG(term_price(a, p->value[HORIZON - 1])), STR_ARG(term_price(a, p->low[HORIZON - 1])),
            STR_ARG(term_price(a, p->high[HORIZON - 1])));
    fprintf(c->out,
            "  the last value: " STR_FMT "   squared error %.3f times its own on %s unseen windows, %.1f %% covered\n",
            STR_ARG(term_price(a, p->naive[0])), m->test.vs_naive, term_count(a, (int64_t)m->test.n_windows).p,
            100 * m->interval.adaptive.coverage);
    if (!artifact_beats_naive(&m->artifact))
        fprintf(c->out, "  not clearly better than repeating the last value: it would not be promoted\n");
}

int demo_forecast(Demo *d, const DemoSeries *s) {
    Cli *c = d->c;
    ForecastTable t;
    TrainReport report;
    Prediction p;
    Str name;
    char hex[SHA256_HEX + 1];
    ForecastSource source = {
        .exchange = s->exchange, .symbol = s->symbol, .timeframe = s->timeframe, .features = S("close")
    };
    demo_heading(d, "Forecast", "a small ensemble, taught on these candles, beside the last value");
    ApiCaller *before = c->api;
    c->api = d->api; /* as a client of the platform being shown */
    int r = forecast_source_read(c, &source, &t, &name, hex);
    c->api = before;
    if (r)
        return r;
    if (t.n_rows < ROWS_MIN) {
        fprintf(c->out, "  %zu candles are too few to learn from; %d would do\n", t.n_rows, ROWS_MIN);
        return 0;
    }
    r = learn(d, &t, &report);
    if (r == 0)
        r = forecast_predict(c->cx, &report.artifact, &(PredictRequest){ .table = &t }, &p);
    if (r == ERR_INVALID) { /* candles that do not move, say: no reason to end the demo */
        fprintf(c->out, "  %s\n", c->cx->err.text);
        err_clear(c->cx);
        return 0;
    }
    if (r == 0)
        show(d, &t, &report, &p);
    return r;
}
