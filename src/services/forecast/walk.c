/* services/forecast/walk.c - walk-forward: a model is trained anew for every stretch it is judged on; see forecast.h. */

#include "services/forecast/internal.h"

#include <math.h>

static const double first_share = 0.5, val_share = 0.2;

int walk_splits(Ctx *cx, size_t n_rows, const WalkRequest *w, ForecastSplit *out) {
    size_t first = (size_t)((double)n_rows * first_share), purge = w->purge, test = (n_rows - first) / MAX(1, w->folds);
    size_t val = (size_t)((double)first * val_share),
           length = first - val; /* of the first training, before its purges */
    if (w->folds < 1 || w->folds > WALK_FOLDS_MAX)
        return err_set_at(cx, ERR_INVALID, S("folds"), "1 to %d folds are possible", WALK_FOLDS_MAX);
    if (2 * purge >= length)
        return err_set_at(cx, ERR_INVALID, S("purge"), "a purge of %zu rows twice leaves nothing of %zu training rows",
                          purge, length);
    for (size_t k = 0; k < w->folds; k++) {
        size_t at = first + k * test, end = k + 1 == w->folds ? n_rows : at + test;
        size_t val_to = at - purge, val_from = val_to - val, train_to = val_from - purge;
        size_t train_from = w->rolling ? train_to - (length - 2 * purge) : 0;
        out[k] = (ForecastSplit){ { { train_from, train_to }, { val_from, val_to }, { at, end } } };
    }
    return 0;
}

static int walk_fold(Ctx *cx, TrainJob *j, const ForecastSplit *split, WalkFold *out) {
    EvaluateOptions o = { .season = j->shape.season };
    TrainReport ignored = { 0 };
    out->split = *split;
    int r = job_data(j, cx, split);
    if (r == 0)
        r = job_fit(j, cx, &ignored);
    if (r == 0)
        r = forecast_evaluate(cx, j->whole, &j->data, PART_VAL, &o, &out->val);
    if (r == 0)
        r = forecast_evaluate(cx, j->whole, &j->data, PART_TEST, &o, &out->test);
    job_forget(j);
    return r;
}

/* Over all windows of all folds: every window counts the same. */
static void pool(WalkReport *w) {
    double n = 0, mse = 0, mae = 0, naive_mse = 0, naive_mae = 0;
    for (size_t k = 0; k < w->n; k++) {
        const ForecastScore *s = &w->folds[k].test;
        double windows = (double)s->n_windows;
        n += windows;
        mse += windows * s->model.mse;
        mae += windows * s->model.mae;
        naive_mse += windows * s->naive.mse;
        naive_mae += windows * s->naive.mae;
        w->n_better += s->model.mse < s->naive.mse;
    }
    w->mse = mse / n;
    w->mae = mae / n;
    w->naive_mse = naive_mse / n;
    w->naive_mae = naive_mae / n;
}

int forecast_walk(Ctx *cx, const TrainRequest *q, const WalkRequest *w, WalkReport *out) {
    ForecastSplit splits[WALK_FOLDS_MAX];
    TrainJob j;
    *out = (WalkReport){ 0 };
    if (q->resume.n)
        return err_set_at(cx, ERR_INVALID, S("checkpoint"), "a walk is not resumed: it trains one model a fold");
    job_init(&j, q);
    int r = job_table(&j, cx);
    if (r == 0)
        r = walk_splits(cx, j.table.n_rows, w, splits);
    if (r == 0)
        out->folds = arena_new_n(cx->arena, WalkFold, w->folds);
    for (size_t k = 0; r == 0 && k < w->folds; k++) {
        r = walk_fold(cx, &j, &splits[k], &out->folds[k]);
        out->n = k + 1;
        if (r)
            err_prefix(cx, "fold %zu of %zu", k + 1, w->folds);
    }
    job_done(&j);
    if (r == 0)
        pool(out);
    return r;
}
