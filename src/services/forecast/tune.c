/* services/forecast/tune.c - settings looked for by TPE or at random, each trial as long as ASHA lets it; see forecast.h. */

#include "services/forecast/internal.h"

#include "forecast/search.h"

#include <math.h>

enum { EPOCHS_LEAST = 1, ETA = 3 };

/* What is looked for, by the way a model learns. */
static const SearchParam network_params[] = { { "rate", 1e-5, 3e-2, true, false }, { "batch", 8, 256, true, true } };

static size_t network_epochs(const TrainJob *j, ModelKind kind) {
    TrainSettings s;
    preset_train(j->preset, kind, &j->shape, j->q->seed, &s);
    return j->q->epochs ? j->q->epochs : s.epochs;
}

/* Trains with these settings for `epochs` and answers the validation error; a run that diverges is as bad as can be. */
static int try_settings(Ctx *cx, TrainJob *j, const double *x, size_t epochs, double *out) {
    TrainRequest q = *j->q;
    TrainReport ignored = { 0 };
    ForecastScore score;
    const TrainRequest *before = j->q;
    q.rate = x[0];
    q.batch = (size_t)x[1];
    q.epochs = epochs;
    q.patience = 0;
    j->q = &q;
    int r = job_fit(j, cx, &ignored);
    if (r == 0)
        r = forecast_evaluate(cx, j->whole, &j->data, PART_VAL, &(EvaluateOptions){ .season = j->shape.season },
                              &score);
    job_forget(j);
    j->q = before;
    if (r == ERR_INVALID) {
        err_clear(cx);
        *out = INFINITY;
        return 0;
    }
    *out = r == 0 ? score.model.mse : INFINITY;
    return r;
}

typedef struct Tuning {
    TrainJob job;
    const TuneRequest *t;
    Search *search;
    Asha *asha;
    double (*settings)[ARRAY_LEN(network_params)]; /* (trials) */
} Tuning;

/* One piece of work: a new trial, or one that goes on from its first epoch with more of them (order and dropout depend on
 * seed and epoch alone, so the longer run repeats the shorter one). */
static int tune_step(Ctx *cx, Tuning *u, size_t *begun, TuneReport *out) {
    AshaTask task = asha_ask(u->asha);
    double *x, value;
    if (task.trial >= u->t->trials)
        return 1;
    x = u->settings[task.trial];
    if (task.rung == 0) {
        search_ask(u->search, x);
        *begun = task.trial + 1;
    }
    ArenaMark mark = arena_mark(cx->arena);
    int r = try_settings(cx, &u->job, x, (size_t)task.resource, &value);
    arena_rewind(cx->arena, mark);
    if (r)
        return r;
    asha_tell(u->asha, &task, value);
    out->epochs += (int64_t)task.resource;
    search_tell(u->search, x, value);
    if (u->t->tell)
        r = u->t->tell(u->t->arg, cx, task.trial, (size_t)task.resource, x[0], (size_t)x[1], value);
    if (value < out->val_mse) {
        out->val_mse = value;
        out->rate = x[0];
        out->batch = (size_t)x[1];
        out->best_epochs = (size_t)task.resource;
    }
    return r;
}

int forecast_tune(Ctx *cx, const TrainRequest *q, const TuneRequest *t, TuneReport *out) {
    Tuning u = { .t = t };
    ModelKind kind;
    Arena memory = { 0 }; /* of the searches: cx->arena is rewound after each trial */
    const ForecasterKind *k = forecaster_find(q->model, NULL);
    size_t begun = 0;
    *out = (TuneReport){ .val_mse = INFINITY };
    if (!k || !forecaster_is_learned(k, &kind))
        return err_set_at(cx, ERR_INVALID, S("model"), "only networks are tuned: dlinear, nlinear, lstm, patchtst");
    job_init(&u.job, q);
    int r = job_table(&u.job, cx);
    if (r == 0)
        r = job_data(&u.job, cx, NULL);
    if (r == 0) {
        double most = (double)network_epochs(&u.job, kind);
        u.search = search_new(&memory, network_params, ARRAY_LEN(network_params),
                              t->random ? SEARCH_RANDOM : SEARCH_TPE, q->seed);
        u.asha = asha_new(&memory, t->whole ? most : EPOCHS_LEAST, most, ETA);
        u.settings = arena_zalloc(&memory, mem_mul(t->trials, sizeof *u.settings));
    }
    while (r == 0)
        r = tune_step(cx, &u, &begun, out);
    out->trials = begun;
    job_done(&u.job);
    arena_done(&memory);
    if (r == 1)
        r = isfinite(out->val_mse) ? 0 : err_set(cx, ERR_INVALID, "none of %zu trials could be trained", begun);
    return r;
}
