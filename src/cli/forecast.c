/* cli/forecast.c - train a forecaster on a file, judge it, and let it forecast.
 *
 * The work is done in this process: training is a long computation that holds no store. A server that trains runs this
 * very command as a child (app/child.h). */

#include "cli/forecast.h"
#include "cli/models.h"

#include "base/file.h"

#include <errno.h>
#include <math.h>

enum { LINE_MAX = 1 << 20 };

/* --- what is printed --- */

static void put_figures(JsonWriter *w, const char *before, const ForecastScore *s) {
    char key[48];
    const struct {
        const char *name;
        double v;
    } rows[] = { { "mse", s->model.mse },
                 { "mae", s->model.mae },
                 { "rmse", s->model.rmse },
                 { "mape", s->model.mape },
                 { "smape", s->model.smape },
                 { "mase", s->model.mase },
                 { "directional_accuracy", s->model.directional_accuracy } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int n = snprintf(key, sizeof key, "%s_%s", before, rows[i].name);
        json_key(w, str_n(key, (size_t)n));
        json_f64(w, rows[i].v);
    }
}

static void put_naive(JsonWriter *w, const ForecastScore *s) {
    json_put_f64(w, "naive_mse", s->naive.mse);
    json_put_f64(w, "naive_mae", s->naive.mae);
    json_put_f64(w, "naive_mase", s->naive.mase);
    json_put_f64(w, "vs_naive", s->vs_naive);
    json_put_i64(w, "windows", (int64_t)s->n_windows);
}

static void put_interval(JsonWriter *w, const char *key, const IntervalFigures *f) {
    json_key(w, str_c(key));
    json_object(w);
    json_put_f64(w, "coverage", f->coverage);
    json_put_f64(w, "width", f->width);
    json_put_f64(w, "pinball", f->pinball);
    json_object_end(w);
}

static void put_intervals(JsonWriter *w, const IntervalScore *s) {
    json_put_f64(w, "interval_level", s->level);
    put_interval(w, "interval_adaptive", &s->adaptive);
    put_interval(w, "interval_split", &s->split);
}

static int print_line(Cli *c, Buf *b) {
    bool ok = buf_ok(b) && fwrite(b->p, 1, b->n, c->out) == b->n;
    fputc('\n', c->out);
    buf_done(b);
    return ok ? 0 : cli_out_fail(c, 0);
}

static void figure_row(Cli *c, Table *t, const char *name, const char *form, double model, double naive,
                       bool more_is_better) {
    Arena *a = c->cx->arena;
    bool better = more_is_better ? model > naive : model < naive;
    char text[2][32];
    const double v[2] = { model, naive };
    for (int i = 0; i < 2; i++)
        snprintf(text[i], sizeof text[i], fabs(v[i]) < 1e4 ? "%.*f" : "%.*e", *form - '0', v[i]);
    table_cell(t, str_c(name), TONE_PLAIN);
    table_cell(t, isnan(model) ? S("-") : str_dup(a, str_c(text[0])), better ? TONE_GOOD : TONE_BAD);
    table_cell(t, isnan(naive) ? S("-") : str_dup(a, str_c(text[1])), TONE_DIM);
}

static void print_score(Cli *c, const char *model, const ForecastScore *s, const IntervalScore *i) {
    const char *const heads[] = { "test part", str_fmt(c->cx->arena, ">%s", model).p, ">last value", NULL };
    const ForecastFigures *m = &s->model, *n = &s->naive;
    Table t;
    table_init(&t, c->cx->arena, heads);
    figure_row(c, &t, "mse", "4", m->mse, n->mse, false);
    figure_row(c, &t, "mae", "4", m->mae, n->mae, false);
    figure_row(c, &t, "rmse", "4", m->rmse, n->rmse, false);
    figure_row(c, &t, "mase", "4", m->mase, n->mase, false);
    figure_row(c, &t, "smape %", "2", m->smape, n->smape, false);
    figure_row(c, &t, "mape %", "2", m->mape, n->mape, false);
    figure_row(c, &t, "right direction %", "1", 100 * m->directional_accuracy, 100 * n->directional_accuracy, true);
    table_print(&t, c);
    fprintf(c->out,
            "%s windows; mse, mae, rmse of scaled values. Intervals of %g %%: %.1f %% covered, width %.2f "
            "(adaptive); %.1f %%, %.2f (split)\n",
            term_count(c->cx->arena, (int64_t)s->n_windows).p, 100 * i->level, 100 * i->adaptive.coverage,
            i->adaptive.width, 100 * i->split.coverage, i->split.width);
}

/* --- train --- */

typedef struct TrainIn {
    ForecastSource source;
    Str model, preset;
    int64_t horizon, look_back, season, seed, epochs, patience, batch, memory, threads;
    double rate, max_minutes;
    Str split, columns, target, out, checkpoint, log, made_of, data_name;
    Str registered; /* --register */
    bool drop_last, fresh, rolling, promote;
    int64_t folds, purge;
} TrainIn;

typedef struct TrainShow {
    Cli *c;
    Progress bar;
    const char *checkpoint; /* NULL = none */
    FILE *log;              /* NULL = none */
} TrainShow;

/* For who follows a run that is nobody's terminal. */
static void log_epoch(const TrainShow *s, const TrainProgress *p) {
    char time[TIME_TEXT_MAX];
    size_t n = time_format_iso(clock_wall(s->c->cx->clock), time);
    if (!s->log)
        return;
    fprintf(s->log, "%.*s epoch %zu of %zu training %.6g validation %.6g best %zu elapsed %.1f s\n", (int)n, time,
            p->epoch, p->epochs, p->train_loss, p->val_mse, p->best_epoch, p->elapsed_s);
    fflush(s->log);
}

static int on_progress(void *arg, Ctx *cx, const TrainProgress *p) {
    TrainShow *s = arg;
    Cli *c = s->c;
    UNUSED(cx);
    double done = (double)(p->epoch - 1) + (double)p->step / (double)p->steps;
    progress_update(&s->bar, done, (double)p->epochs, (int64_t)((double)p->steps * done));
    if (p->epoch_ended)
        log_epoch(s, p);
    if (p->epoch_ended && c->err_tty && !c->quiet && !c->json) {
        progress_end(&s->bar);
        fprintf(c->err, "epoch %zu of %zu  training %.4f  validation %.4f%s  %s, at most %s to go\n", p->epoch,
                p->epochs, p->train_loss, p->val_mse, p->best_epoch == p->epoch ? "  best" : "",
                term_ms(c->cx->arena, 1000 * p->elapsed_s).p, term_ms(c->cx->arena, 1000 * p->left_s).p);
    }
    return 0;
}

static int on_keep(void *arg, Ctx *cx, Str bytes) {
    TrainShow *s = arg;
    return s->checkpoint ? file_write(cx, s->checkpoint, bytes, 0644) : 0;
}

static int read_checkpoint(Cli *c, const TrainIn *in, const char *path, Str *out) {
    *out = (Str){ 0 };
    if (!path || !file_exists(path) || in->fresh)
        return 0;
    int r = file_read(c->cx, path, ARTIFACT_MAX, out);
    if (r == 0 && !c->quiet && !c->json)
        fprintf(c->err, "going on from %s\n", path);
    return r;
}

static void print_train_json(Cli *c, const TrainIn *in, const TrainReport *t, const char *out,
                             const ModelRegisterResponse *as) {
    Buf b;
    JsonWriter w;
    buf_init(&b, LINE_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "model", in->model);
    json_put_str(&w, "preset", in->preset);
    json_put_i64(&w, "horizon", in->horizon);
    json_put_i64(&w, "look_back", (int64_t)t->artifact.shape.look_back);
    json_put_i64(&w, "seed", in->seed);
    put_figures(&w, "test", &t->test);
    put_naive(&w, &t->test);
    json_put_f64(&w, "val_mse", t->val.model.mse);
    json_put_f64(&w, "val_naive_mse", t->val.naive.mse);
    json_put_f64(&w, "val_diebold_mariano", t->val.dm);
    json_put_bool(&w, "beats_naive", artifact_beats_naive(&t->artifact));
    if (t->test_drop_last.n_windows) {
        json_put_f64(&w, "drop_last_mse", t->test_drop_last.model.mse);
        json_put_f64(&w, "drop_last_mae", t->test_drop_last.model.mae);
        json_put_i64(&w, "drop_last_windows", (int64_t)t->test_drop_last.n_windows);
    }
    put_intervals(&w, &t->interval);
    if (t->artifact.n_members > 1) {
        json_key(&w, S("members"));
        json_array(&w);
        for (size_t i = 0; i < t->artifact.n_members; i++) {
            json_object(&w);
            json_put_str(&w, "model", t->artifact.members[i]);
            json_put_f64(&w, "weight", t->artifact.weights[i]);
            json_put_f64(&w, "val_mse", t->member_errors[i]);
            json_object_end(&w);
        }
        json_array_end(&w);
    }
    json_put_i64(&w, "epochs", (int64_t)t->training.n_epochs);
    json_put_i64(&w, "best_epoch", (int64_t)t->training.best_epoch);
    json_put_str(&w, "stopped", str_c(train_stop_words(t->training.stop)));
    json_put_i64(&w, "parameters", (int64_t)t->training.n_weights);
    json_put_str(&w, "weights_sha256", str_c(t->weights_sha256));
    json_put_str(&w, "isa", str_c(t->isa));
    if (out)
        json_put_str(&w, "file", str_c(out));
    if (as) {
        json_put_str(&w, "registered", as->version.model);
        json_put_str(&w, "version", as->version.version);
        json_put_bool(&w, "promoted", as->promoted);
    }
    json_put_f64(&w, "seconds", t->seconds);
    json_object_end(&w);
    print_line(c, &b);
}

static void print_train(Cli *c, const TrainIn *in, const TrainReport *t, const char *out,
                        const ModelRegisterResponse *as) {
    Arena *a = c->cx->arena;
    fprintf(c->out, "%s%.*s%s  %lld rows ahead from %zu, %zu of %zu columns forecast, seed %lld\n",
            term_tone(c, TONE_BOLD), STR_ARG(in->model), term_end(c), (long long)in->horizon,
            t->artifact.shape.look_back, t->artifact.shape.n_targets, t->artifact.shape.n_channels,
            (long long)in->seed);
    print_score(c, str_cz(a, t->artifact.model), &t->test, &t->interval);
    if (t->test_drop_last.n_windows)
        fprintf(c->out,
                "as the papers' loaders count (last partial batch dropped): mse %.4f, mae %.4f over %zu windows\n",
                t->test_drop_last.model.mse, t->test_drop_last.model.mae, t->test_drop_last.n_windows);
    for (size_t i = 0; i < t->artifact.n_members && t->artifact.n_members > 1; i++)
        fprintf(c->out, "  %-14.*s weight %.3f  validation mse %.4f\n", STR_ARG(t->artifact.members[i]),
                t->artifact.weights[i], t->member_errors[i]);
    if (t->training.n_epochs)
        fprintf(c->out, "%zu epochs, the best was %zu (%s); %zu weights; ", t->training.n_epochs,
                t->training.best_epoch, train_stop_words(t->training.stop), t->training.n_weights);
    fprintf(c->out, "%s, %s kernels\n", term_ms(a, 1000 * t->seconds).p, t->isa);
    if (!artifact_beats_naive(&t->artifact))
        fprintf(
            c->out,
            "%sOn validation it is not clearly better than repeating the last value (mse %.4f to %.4f, Diebold-Mariano "
            "%.2f, 1.64 wanted): it is not worth promoting.%s\n",
            term_tone(c, TONE_WARN), t->val.model.mse, t->val.naive.mse, t->val.dm, term_end(c));
    if (out)
        fprintf(c->out, "kept in %s\n", out);
    if (as)
        fprintf(c->out, "registered: " STR_FMT "\n", STR_ARG(as->message));
}

static void print_walk(Cli *c, const TrainIn *in, const WalkReport *w, const ForecastTable *t) {
    static const char *const heads[] = { "judged from", "to", ">mse", ">last value", ">ratio", NULL };
    Arena *a = c->cx->arena;
    Table rows;
    table_init(&rows, a, heads);
    for (size_t k = 0; k < w->n; k++) {
        const WalkFold *f = &w->folds[k];
        table_cell(&rows, term_minute(a, time_ms(t->time_ms[f->split.parts[PART_TEST].from])), TONE_PLAIN);
        table_cell(&rows, term_minute(a, time_ms(t->time_ms[f->split.parts[PART_TEST].to - 1])), TONE_PLAIN);
        table_cell(&rows, str_fmt(a, "%.4f", f->test.model.mse), f->test.vs_naive < 1 ? TONE_GOOD : TONE_BAD);
        table_cell(&rows, str_fmt(a, "%.4f", f->test.naive.mse), TONE_DIM);
        table_cell(&rows, str_fmt(a, "%.3f", f->test.vs_naive), TONE_PLAIN);
    }
    table_print(&rows, c);
    fprintf(c->out, STR_FMT ": mse %.4f, mae %.4f over all folds; the last value %.4f, %.4f; better in %zu of %zu\n",
            STR_ARG(in->model), w->mse, w->mae, w->naive_mse, w->naive_mae, w->n_better, w->n);
}

static void print_walk_json(Cli *c, const TrainIn *in, const WalkReport *w, const ForecastTable *t) {
    Buf b;
    JsonWriter j;
    buf_init(&b, LINE_MAX);
    json_writer_init(&j, &b, false);
    json_object(&j);
    json_put_str(&j, "model", in->model);
    json_put_f64(&j, "test_mse", w->mse);
    json_put_f64(&j, "test_mae", w->mae);
    json_put_f64(&j, "naive_mse", w->naive_mse);
    json_put_f64(&j, "naive_mae", w->naive_mae);
    json_put_i64(&j, "folds_better", (int64_t)w->n_better);
    json_key(&j, S("folds"));
    json_array(&j);
    for (size_t k = 0; k < w->n; k++) {
        const WalkFold *f = &w->folds[k];
        json_object(&j);
        json_put_time(&j, "from", time_ms(t->time_ms[f->split.parts[PART_TEST].from]));
        json_put_f64(&j, "test_mse", f->test.model.mse);
        json_put_f64(&j, "naive_mse", f->test.naive.mse);
        json_put_f64(&j, "vs_naive", f->test.vs_naive);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    print_line(c, &b);
}

static int walk(Cli *c, const TrainIn *in, const TrainRequest *q) {
    WalkReport report;
    int r = forecast_walk(c->cx, q, &(WalkRequest){ (size_t)in->folds, (size_t)in->purge, in->rolling }, &report);
    if (r == 0)
        (c->json ? print_walk_json : print_walk)(c, in, &report, q->table);
    return r;
}

/* What was trained becomes a version of the model. */
static int register_it(Cli *c, const TrainIn *in, Str bytes, const TrainReport *t, ModelRegisterResponse *as) {
    ModelRegisterRequest q;
    ApiCaller *api;
    shape_init(&model_register_request_shape, c->cx, &q);
    q.model = in->registered;
    q.promote = in->promote;
    q.command = str_fmt(c->cx->arena, "finsight train --model " STR_FMT " --preset " STR_FMT " --seed %lld",
                        STR_ARG(in->model), STR_ARG(in->preset), (long long)in->seed);
    q.seconds = t->seconds;
    q.epochs = (int64_t)t->training.n_epochs;
    int r = cli_api(c, &api);
    return r ? r : cli_register(c, api, &q, bytes, as);
}

static int train(Cli *c, const TrainIn *in, TrainShow *show, const char *out) {
    ForecastTable table;
    TrainReport report;
    ModelRegisterResponse as = { 0 };
    char hex[SHA256_HEX + 1];
    Str resume, name;
    Buf b;
    int r = forecast_source_read(c, &in->source, &table, &name, hex);
    if (r == 0)
        r = read_checkpoint(c, in, show->checkpoint, &resume);
    if (r == 0 && in->log.n && !(show->log = fopen(str_cz(c->cx->arena, in->log), "ae")))
        r = file_fail(c->cx, errno, "write", str_cz(c->cx->arena, in->log));
    if (r)
        return r;
    TrainHooks hooks = { .progress = on_progress, .keep = show->checkpoint ? on_keep : NULL, .arg = show };
    TrainRequest q = { .table = &table,
                       .data = in->data_name.n ? in->data_name : name,
                       .data_sha256 = str_c(hex),
                       .features = in->made_of.n ? in->made_of : forecast_source_features(&in->source),
                       .model = in->model,
                       .preset = in->preset,
                       .horizon = (size_t)in->horizon,
                       .look_back = (size_t)in->look_back,
                       .season = (size_t)in->season,
                       .split = in->split,
                       .columns = in->columns,
                       .target = in->target,
                       .seed = (uint64_t)in->seed,
                       .epochs = (size_t)in->epochs,
                       .batch = (size_t)in->batch,
                       .patience = in->patience,
                       .rate = in->rate,
                       .max_minutes = in->max_minutes,
                       .memory_max = (size_t)in->memory << 20,
                       .threads = (int)in->threads,
                       .drop_last = in->drop_last,
                       .hooks = &hooks,
                       .resume = resume,
                       .extra = c->forecasters };
    if (in->folds > 0)
        return walk(c, in, &q);
    buf_init(&b, ARTIFACT_MAX);
    r = forecast_train(c->cx, &q, &b, &report);
    if (r == 0 && out)
        r = file_write(c->cx, out, buf_str(&b), 0644);
    if (r == 0 && in->registered.n)
        r = register_it(c, in, buf_str(&b), &report, &as);
    buf_done(&b);
    if (r == 0 && show->checkpoint)
        r = file_remove(c->cx, show->checkpoint);
    if (r == 0)
        (c->json ? print_train_json : print_train)(c, in, &report, out, in->registered.n ? &as : NULL);
    return r;
}

static int run_train(Cli *c, const void *in_) {
    const TrainIn *in = in_;
    TrainShow show = { .c = c, .checkpoint = in->checkpoint.n ? str_cz(c->cx->arena, in->checkpoint) : NULL };
    size_t limit = c->cx->arena->limit;
    c->cx->arena->limit = in->memory ? c->cx->arena->used + ((size_t)in->memory << 20) : 0;
    progress_init(&show.bar, c, "training", "steps");
    int r = train(c, in, &show, in->out.n ? str_cz(c->cx->arena, in->out) : NULL);
    progress_end(&show.bar);
    if (show.log)
        fclose(show.log);
    c->cx->arena->limit = limit;
    if (r != 0 && show.checkpoint && file_exists(show.checkpoint) && r == ERR_CANCELLED && !c->json)
        fprintf(c->err, "%s is kept: the same command goes on from it\n", show.checkpoint);
    return r ? cli_fail(c, r) : 0;
}

/* clang-format off */
static const Field train_f[] = {
    FORECAST_SOURCE(TrainIn, "CSV: a column of times, columns of numbers, a header."),
    FIELD(TrainIn, model, .def = "dlinear", .max = 128, .doc = "naive, seasonal_naive, drift, theta, ets, dlinear, nlinear, lstm, patchtst, xgboost; with + between them an ensemble."),
    FIELD(TrainIn, preset, .def = "price", .max = 16, .doc = "Settings of the papers for such data: etth, ettm, weather, price."),
    FIELD(TrainIn, horizon, .def = "96", .min = 1, .max = 10000, .doc = "Rows ahead."),
    FIELD(TrainIn, look_back, .def = "0", .has_min = true, .min = 0, .max = 100000, .doc = "Rows a forecast looks at; 0: the preset's."),
    FIELD(TrainIn, season, .def = "0", .has_min = true, .min = 0, .max = 100000, .doc = "Rows of a season; 0: the preset's, 1: none."),
    FIELD(TrainIn, split, .max = 64, .doc = "Training, validation, test: etth, ettm, shares or rows. Left out: the preset's.", .example = "0.7,0.1,0.2"),
    FIELD(TrainIn, columns, .max = 65536, .doc = "Columns to look at, with commas. Left out: all.", .example = "HUFL,OT"),
    FIELD(TrainIn, target, .max = 256, .doc = "Forecast this column alone. Left out: all of them.", .example = "OT"),
    FIELD(TrainIn, seed, .def = "2021", .has_min = true, .min = 0, .max = 9e15, .doc = "Of weights, order and dropout: the same seed gives the same weights."),
    FIELD(TrainIn, epochs, .def = "0", .has_min = true, .min = 0, .max = TRAIN_EPOCHS_MAX, .doc = "Passes over the training windows at most; 0: the preset's."),
    FIELD(TrainIn, patience, .def = "-1", .has_min = true, .min = -1, .max = TRAIN_EPOCHS_MAX, .doc = "Epochs without a better validation error before it ends; -1: the preset's, 0: never."),
    FIELD(TrainIn, max_minutes, .def = "0", .has_min = true, .min = 0, .max = 1e6, .doc = "Ends after the epoch in which they are over; 0: no limit."),
    FIELD(TrainIn, batch, .def = "0", .has_min = true, .min = 0, .max = 65536, .doc = "Windows a step; 0: the preset's."),
    FIELD(TrainIn, rate, .def = "0", .has_min = true, .min = 0, .max = 10, .doc = "Learning rate; 0: the preset's."),
    FIELD(TrainIn, drop_last, .doc = "Judge also as the papers' loaders did, without the last partial batch."),
    FIELD(TrainIn, folds, .def = "0", .has_min = true, .min = 0, .max = WALK_FOLDS_MAX, .doc = "Walk forward: train anew for each of so many pieces of the second half, and judge on it. Nothing is kept."),
    FIELD(TrainIn, purge, .def = "0", .has_min = true, .min = 0, .max = 1e6, .doc = "Rows left out before validation and before each piece of --folds."),
    FIELD(TrainIn, rolling, .doc = "With --folds: training keeps its length instead of its begin."),
    FIELD(TrainIn, memory, .def = "4096", .has_min = true, .min = 0, .max = 1 << 20, .doc = "Megabytes at most; 0: no limit."),
    FIELD(TrainIn, threads, .def = "1", .min = 1, .max = 64, .doc = "Threads; the weights are the same whatever their number."),
    FIELD(TrainIn, out, .doc = "File to keep the model in.", .example = "etth1.model"),
    { .name = "register", .offset = offsetof(TrainIn, registered), .type = FT_STR, .max = 128, .doc = "Register it as the next version of this model; `models` lists them.", .example = "btc-1h" },
    FIELD(TrainIn, promote, .doc = "With --register: promote it if it is clearly better than the last value."),
    FIELD(TrainIn, checkpoint, .doc = "File that keeps the run: after a kill the same command goes on from it. Removed at the end.", .example = "etth1.part"),
    FIELD(TrainIn, log, .doc = "File to which a line is added after each epoch.", .example = "run.log"),
    FIELD(TrainIn, made_of, .max = 4096, .doc = "The file was made of candles with these features: kept in the model, so that it can forecast from candles.", .example = "close,rsi:14"),
    FIELD(TrainIn, data_name, .max = 200, .doc = "What the card calls the data. Left out: the file's name, or that of the series.", .example = "binance:BTCUSDT 1h"),
    FIELD(TrainIn, fresh, .doc = "Begin anew, whatever the checkpoint says."),
};
static SHAPE(train_shape, TrainIn, train_f);
/* clang-format on */

const Command cmd_train = {
    .name = "train",
    .group = "Forecasting",
    .summary = "Teach a forecaster from a file, and tell what it is worth",
    .run = run_train,
    .help =
        "Learns from the first part of the file, stops by the second, and is judged on the third, beside repeating the "
        "last value. With --json the last line is one JSON object: test_mse, test_mae, naive_mse, epochs, seconds…",
    .examples = "finsight train ETTh1.csv --preset etth --horizon 96 --out etth1.model\n"
                "finsight train ETTh1.csv --model patchtst --preset etth --checkpoint run.part\n"
                "finsight train --symbol BTCUSDT --timeframe 1h --target close --horizon 24\n"
                "finsight train rates.csv --horizon 24 --register rates --promote\n"
                "finsight train rates.csv --model dlinear+nlinear+theta --horizon 24 --folds 5",
    .flags = &train_shape,
    .positional = (const char *const[]){ "csv", NULL },
};

/* --- evaluate --- */

typedef struct EvaluateIn {
    ForecastSource source;
    Str model, split;
    bool drop_last;
    int64_t threads;
} EvaluateIn;

/* Candles are made into the columns that the model was taught with, unless others are named. */
static ForecastSource source_for(const ForecastSource *s, const Artifact *a) {
    ForecastSource out = *s;
    if (!out.features.n)
        out.features = a->features;
    return out;
}

static int evaluate(Cli *c, const EvaluateIn *in) {
    ForecastTable table;
    EvaluateReport report;
    Artifact a = { 0 };
    Str name;
    char hex[SHA256_HEX + 1];
    int r = forecast_model_read(c, in->model, &a);
    ForecastSource source = source_for(&in->source, &a);
    if (r == 0)
        r = forecast_source_read(c, &source, &table, &name, hex);
    EvaluateRequest q = { &table, in->split, in->drop_last, (int)in->threads, c->forecasters };
    if (r == 0)
        r = forecast_judge(c->cx, &a, &q, &report);
    if (r)
        return r;
    if (!c->json) {
        print_score(c, str_cz(c->cx->arena, a.model), &report.test, &report.interval);
        return 0;
    }
    Buf b;
    JsonWriter w;
    buf_init(&b, LINE_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "model", a.model);
    json_put_i64(&w, "horizon", (int64_t)a.shape.horizon);
    json_put_bool(&w, "same_data", str_eq(a.data_sha256, str_c(hex)));
    put_figures(&w, "test", &report.test);
    put_naive(&w, &report.test);
    json_put_f64(&w, "val_mse", report.val.model.mse);
    json_put_f64(&w, "val_naive_mse", report.val.naive.mse);
    put_intervals(&w, &report.interval);
    json_object_end(&w);
    return print_line(c, &b);
}

static int run_evaluate(Cli *c, const void *in) {
    int r = evaluate(c, in);
    return r ? cli_fail(c, r) : 0;
}

/* clang-format off */
static const Field evaluate_f[] = {
    FIELD(EvaluateIn, model, .flags = F_REQUIRED, .doc = "A model that train kept.", .example = "etth1.model"),
    FORECAST_SOURCE(EvaluateIn, "CSV with the columns that it was trained on."),
    FIELD(EvaluateIn, split, .max = 64, .doc = "Which rows are its validation and test. Left out: as in training."),
    FIELD(EvaluateIn, drop_last, .doc = "Leave the last partial batch out, as the papers' loaders did."),
    FIELD(EvaluateIn, threads, .def = "1", .min = 1, .max = 64, .doc = "Threads."),
};
static SHAPE(evaluate_shape, EvaluateIn, evaluate_f);
/* clang-format on */

const Command cmd_evaluate = {
    .name = "evaluate",
    .group = "Forecasting",
    .summary = "Judge a kept forecaster on a file, beside the last value",
    .run = run_evaluate,
    .examples = "finsight evaluate etth1.model ETTh1.csv\nfinsight evaluate etth1.model ETTh2.csv --split etth --json",
    .flags = &evaluate_shape,
    .positional = (const char *const[]){ "model", "csv", NULL },
};

/* --- predict --- */

typedef struct PredictIn {
    ForecastSource source;
    Str model;
    double level;
    int64_t threads;
} PredictIn;

static void print_prediction_json(Cli *c, const Artifact *a, const Prediction *p) {
    Buf b;
    JsonWriter w;
    size_t n = a->shape.n_targets;
    buf_init(&b, 64 << 20);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "model", a->model);
    json_put_i64(&w, "horizon", (int64_t)a->shape.horizon);
    json_put_f64(&w, "interval_level", p->level);
    json_put_str(&w, "interval", p->adaptive ? S("adaptive") : S("split"));
    json_put_f64(&w, "val_vs_naive", a->val.mse / a->val.naive_mse);
    json_put_bool(&w, "beats_naive", artifact_beats_naive(a));
    json_key(&w, S("forecasts"));
    json_array(&w);
    for (size_t i = 0; i < a->shape.horizon * n; i++) {
        json_object(&w);
        json_put_time(&w, "time", time_ms(p->time_ms[i / n]));
        json_put_str(&w, "target", a->columns[i % n].name);
        json_put_f64(&w, "value", p->value[i]);
        json_put_f64(&w, "low", p->low[i]);
        json_put_f64(&w, "high", p->high[i]);
        json_put_f64(&w, "naive", p->naive[i % n]);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    print_line(c, &b);
}

static void print_prediction(Cli *c, const Artifact *a, const Prediction *p) {
    static const char *const heads[] = { "time", "target", ">forecast", ">low", ">high", ">last value", NULL };
    Arena *arena = c->cx->arena;
    size_t n = a->shape.n_targets;
    Table t;
    table_init(&t, arena, heads);
    for (size_t i = 0; i < a->shape.horizon * n; i++) {
        table_cell(&t, term_minute(arena, time_ms(p->time_ms[i / n])), TONE_PLAIN);
        table_cell(&t, a->columns[i % n].name, TONE_PLAIN);
        table_cell(&t, str_fmt(arena, "%.6g", p->value[i]), TONE_BOLD);
        table_cell(&t, isnan(p->low[i]) ? S("-") : str_fmt(arena, "%.6g", p->low[i]), TONE_DIM);
        table_cell(&t, isnan(p->high[i]) ? S("-") : str_fmt(arena, "%.6g", p->high[i]), TONE_DIM);
        table_cell(&t, str_fmt(arena, "%.6g", p->naive[i % n]), TONE_DIM);
    }
    table_print(&t, c);
    fprintf(
        c->out,
        "%.*s; intervals of %g %% (%s conformal); on validation its mse was %.0f %% of repeating the last value's\n",
        STR_ARG(a->model), 100 * p->level, p->adaptive ? "adaptive" : "split", 100 * a->val.mse / a->val.naive_mse);
}

static int run_predict(Cli *c, const void *in_) {
    const PredictIn *in = in_;
    ForecastTable table;
    Prediction p;
    Artifact a = { 0 };
    Str name;
    char hex[SHA256_HEX + 1];
    int r = 0;
    if (in->source.symbol.n && !file_exists(str_cz(c->cx->arena, in->model))) {
        r = forecast_predict_served(c, &in->source, in->model, in->level);
        return r ? cli_fail(c, r) : 0;
    }
    r = forecast_model_read(c, in->model, &a);
    ForecastSource source = source_for(&in->source, &a);
    if (r == 0)
        r = forecast_source_read(c, &source, &table, &name, hex);
    PredictRequest q = { &table, in->level, (int)in->threads, c->forecasters };
    if (r == 0)
        r = forecast_predict(c->cx, &a, &q, &p);
    if (r)
        return cli_fail(c, r);
    (c->json ? print_prediction_json : print_prediction)(c, &a, &p);
    return 0;
}

/* clang-format off */
static const Field predict_f[] = {
    FIELD(PredictIn, model, .flags = F_REQUIRED, .doc = "A file that train kept; with --symbol also a registered model: NAME, NAME/VERSION, NAME@ALIAS.", .example = "etth1.model"),
    FORECAST_SOURCE(PredictIn, "CSV with its columns; the forecast begins behind the last row."),
    FIELD(PredictIn, level, .def = "0.9", .min = 0.5, .max = 0.95, .doc = "Of the intervals: 0.5, 0.8, 0.9 or 0.95."),
    FIELD(PredictIn, threads, .def = "1", .min = 1, .max = 64, .doc = "Threads."),
};
static SHAPE(predict_shape, PredictIn, predict_f);
/* clang-format on */

const Command cmd_predict = {
    .name = "predict",
    .group = "Forecasting",
    .summary = "What comes behind the last row of a file, with intervals",
    .run = run_predict,
    .examples = "finsight predict etth1.model ETTh1.csv\nfinsight predict etth1.model ETTh1.csv --level 0.5 --json\n"
                "finsight predict btc-1h --symbol BTCUSDT --timeframe 1h",
    .flags = &predict_shape,
    .positional = (const char *const[]){ "model", "csv", NULL },
};
