/* cli/tune.c - look for settings of a network: learning rate and batch, by TPE and ASHA. */

#include "cli/forecast.h"

typedef struct TuneIn {
    ForecastSource source;
    Str model, preset, method, split, columns, target;
    int64_t horizon, look_back, seed, trials, epochs, threads;
    bool whole;
} TuneIn;

static int on_trial(void *arg, Ctx *cx, size_t trial, size_t epochs, double rate, size_t batch, double val_mse) {
    Cli *c = arg;
    UNUSED(cx);
    if (c->err_tty && !c->quiet && !c->json)
        fprintf(c->err, "trial %zu  %zu epochs  rate %.2g  batch %zu  validation mse %.4f\n", trial + 1, epochs, rate,
                batch, val_mse);
    return 0;
}

static void print_tuned(Cli *c, const TuneIn *in, const TuneReport *t) {
    if (!c->json) {
        fprintf(c->out,
                "best of %zu trials (%lld epochs): --rate %.6g --batch %zu, validation mse %.4f after %zu epochs\n",
                t->trials, (long long)t->epochs, t->rate, t->batch, t->val_mse, t->best_epochs);
        return;
    }
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 16);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "model", in->model);
    json_put_i64(&w, "trials", (int64_t)t->trials);
    json_put_i64(&w, "epochs", t->epochs);
    json_put_f64(&w, "rate", t->rate);
    json_put_i64(&w, "batch", (int64_t)t->batch);
    json_put_f64(&w, "val_mse", t->val_mse);
    json_put_i64(&w, "best_epochs", (int64_t)t->best_epochs);
    json_object_end(&w);
    fprintf(c->out, STR_FMT "\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
}

static int run_tune(Cli *c, const void *in_) {
    const TuneIn *in = in_;
    ForecastTable table;
    TuneReport report;
    Str name;
    char hex[SHA256_HEX + 1];
    int r = forecast_source_read(c, &in->source, &table, &name, hex);
    TrainRequest q = { .table = &table,
                       .data = name,
                       .model = in->model,
                       .preset = in->preset,
                       .horizon = (size_t)in->horizon,
                       .look_back = (size_t)in->look_back,
                       .split = in->split,
                       .columns = in->columns,
                       .target = in->target,
                       .seed = (uint64_t)in->seed,
                       .epochs = (size_t)in->epochs,
                       .patience = 0,
                       .threads = (int)in->threads };
    TuneRequest t = { .trials = (size_t)in->trials,
                      .random = str_eq(in->method, S("random")),
                      .whole = in->whole,
                      .tell = on_trial,
                      .arg = c };
    if (r == 0)
        r = forecast_tune(c->cx, &q, &t, &report);
    if (r)
        return cli_fail(c, r);
    print_tuned(c, in, &report);
    return 0;
}

/* clang-format off */
static const char *const methods[] = { "tpe", "random", NULL };
static const Field tune_f[] = {
    FORECAST_SOURCE(TuneIn, "CSV: a column of times, columns of numbers, a header."),
    FIELD(TuneIn, model, .def = "dlinear", .max = 128, .doc = "dlinear, nlinear, lstm or patchtst."),
    FIELD(TuneIn, preset, .def = "price", .max = 16, .doc = "Where everything else comes from: etth, ettm, weather, price."),
    FIELD(TuneIn, trials, .def = "20", .min = 1, .max = 10000, .doc = "Settings tried."),
    FIELD(TuneIn, method, .def = "tpe", .choices = methods, .doc = "How the next settings are found."),
    FIELD(TuneIn, whole, .doc = "Train every trial to its end; else ASHA gives more epochs to the best third."),
    FIELD(TuneIn, horizon, .def = "96", .min = 1, .max = 10000, .doc = "Rows ahead."),
    FIELD(TuneIn, look_back, .def = "0", .has_min = true, .min = 0, .max = 100000, .doc = "Rows a forecast looks at; 0: the preset's."),
    FIELD(TuneIn, split, .max = 64, .doc = "Training, validation, test. Left out: the preset's."),
    FIELD(TuneIn, columns, .max = 65536, .doc = "Columns to look at. Left out: all."),
    FIELD(TuneIn, target, .max = 256, .doc = "Forecast this column alone."),
    FIELD(TuneIn, epochs, .def = "0", .has_min = true, .min = 0, .max = TRAIN_EPOCHS_MAX, .doc = "Of a trial at most; 0: the preset's."),
    FIELD(TuneIn, seed, .def = "2021", .has_min = true, .min = 0, .max = 9e15, .doc = "Of the search and of each training."),
    FIELD(TuneIn, threads, .def = "1", .min = 1, .max = 64, .doc = "Threads."),
};
static SHAPE(tune_shape, TuneIn, tune_f);
/* clang-format on */

const Command cmd_tune = {
    .name = "tune",
    .group = "Forecasting",
    .summary = "Look for the learning rate and batch of a network",
    .run = run_tune,
    .help = "Judged by validation alone; the test part is never looked at. The best settings are printed as options of "
            "train.",
    .examples = "finsight tune ETTh1.csv --model dlinear --preset etth --trials 20\n"
                "finsight tune ETTh1.csv --model nlinear --method random --whole --json",
    .flags = &tune_shape,
    .positional = (const char *const[]){ "csv", NULL },
};
