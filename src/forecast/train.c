/* forecast/train.c - see train.h. */

#include "forecast/train.h"

#include "base/rng.h"
#include "forecast/train_internal.h"

#include <math.h>

enum { VALIDATION_BATCH = 128, KEEP_EVERY_S = 30 };

/* --- making --- */

const char *train_stop_words(TrainStop s) {
    static const char *const words[] = { "not ended", "all epochs done", "no better epoch within the patience",
                                         "the minutes were over" };
    return words[s];
}

static int check_settings(Ctx *cx, const TrainSettings *s, const ForecastData *d) {
    const ModelSettings *m = &s->model;
    assert((size_t)m->lookback == d->look_back && (size_t)m->horizon == d->horizon);
    assert((size_t)m->channels == d->n_channels && (size_t)m->targets == d->n_targets);
    if (s->batch == 0 || s->epochs == 0 || s->epochs > TRAIN_EPOCHS_MAX)
        return err_set_at(cx, ERR_INVALID, S("epochs"),
                          "at least one epoch of batches of at least one window are needed, "
                          "and at most %d epochs",
                          TRAIN_EPOCHS_MAX);
    if (!(s->schedule.rate > 0))
        return err_set_at(cx, ERR_INVALID, S("rate"), "a learning rate above 0 is needed");
    if (data_windows(d, PART_VAL) == 0)
        return err_set_at(cx, ERR_INVALID, S("split"), "training needs a validation part: it tells when to stop");
    return 0;
}

static int check_memory(Ctx *cx, const Training *t) {
    size_t n = model_params(t->model)->n, batch = MAX(t->s.batch, (size_t)VALIDATION_BATCH);
    size_t bytes =
        n * sizeof(float) * 5 + model_work_bytes(t->model, batch, true); /* weight, gradient, two moments, best */
    if (t->s.memory_max && bytes > t->s.memory_max)
        return err_set_at(
            cx, ERR_LIMIT, S("memory"),
            "this model needs about %zu MB to be trained, %zu MB are allowed: take a smaller batch or model",
            bytes >> 20, t->s.memory_max >> 20);
    return 0;
}

int training_new(Ctx *cx, const TrainSettings *s, const ForecastData *d, const Nn *nn, Training **out) {
    int r = check_settings(cx, s, d);
    if (r)
        return r;
    Training *t = arena_new(cx->arena, Training);
    t->s = *s;
    t->d = d;
    t->nn = nn;
    t->n_windows = data_windows(d, PART_TRAIN);
    t->s.batch = MIN(s->batch, t->n_windows);
    t->steps = t->n_windows / t->s.batch;
    t->s.schedule.steps_total = (uint64_t)s->epochs * t->steps;
    t->best_val = INFINITY;
    r = model_new(cx, &t->s.model, nn, &t->model);
    if (r == 0)
        r = check_memory(cx, t);
    if (r) {
        training_free(t);
        return r;
    }
    const Params *p = model_params(t->model), *b = model_buffers(t->model);
    size_t batch = MAX(t->s.batch, (size_t)VALIDATION_BATCH);
    t->best = mem_new_n(float, p->n + b->n + 1);
    t->history = mem_new_n(TrainEpoch, s->epochs);
    t->order = mem_new_n(uint32_t, t->n_windows);
    t->x = mem_new_n(const float *, batch);
    t->y = mem_new_n(const float *, batch);
    adam_init(&t->adam, p->n);
    t->adam.weight_decay = s->weight_decay;
    *out = t;
    return 0;
}

Training *training_free(Training *t) {
    if (!t)
        return NULL;
    if (t->order)
        adam_done(&t->adam);
    t->best = mem_free(t->best);
    t->history = mem_free(t->history);
    t->order = mem_free(t->order);
    mem_free(t->x);
    mem_free(t->y);
    t->x = t->y = NULL;
    t->model = model_free(t->model);
    return NULL;
}

/* --- batches --- */

/* The order of an epoch's windows: a shuffle drawn from seed and epoch alone. */
static void draw_order(Training *t) {
    Rng rng;
    rng_seed(&rng, t->s.model.seed * UINT64_C(0x9e3779b97f4a7c15) + t->epoch);
    for (size_t i = 0; i < t->n_windows; i++)
        t->order[i] = (uint32_t)i;
    for (size_t i = t->n_windows; i-- > 1;) {
        size_t k = rng_below(&rng, i + 1);
        uint32_t kept = t->order[i];
        t->order[i] = t->order[k];
        t->order[k] = kept;
    }
    t->ordered_epoch = t->epoch + 1;
}

static ModelBatch batch_of(Training *t, size_t n) {
    for (size_t i = 0; i < n; i++)
        t->y[i] = t->x[i] + t->d->look_back * t->d->n_channels;
    return (ModelBatch){ .n = n, .x = t->x, .x_stride = t->d->n_channels, .y = t->y, .y_stride = t->d->n_channels };
}

static double step_of(const Training *t) {
    return (double)(t->epoch * t->steps + t->step);
}

static int take_step(Training *t, Ctx *cx) {
    uint64_t step = (uint64_t)t->epoch * t->steps + t->step;
    ScheduleStep at = schedule_at(&t->s.schedule, t->epoch, step);
    for (size_t i = 0; i < t->s.batch; i++)
        t->x[i] = data_at(t->d, 0, data_window(t->d, PART_TRAIN, t->order[t->step * t->s.batch + i]));
    ModelBatch b = batch_of(t, t->s.batch);
    double loss = model_backward(t->model, &b, &t->s.loss, step);
    if (!isfinite(loss))
        return err_set(cx, ERR_INVALID,
                       "the loss is no number any more at epoch %zu, step %zu: take a smaller learning rate "
                       "(it was %g)",
                       t->epoch + 1, t->step + 1, at.rate);
    if (t->s.clip > 0)
        params_clip(model_params(t->model), t->s.clip);
    t->adam.beta1 = at.beta1;
    adam_step(&t->adam, t->nn, model_params(t->model), at.rate);
    t->loss_sum += loss;
    t->step++;
    return 0;
}

static int validate(Training *t, Ctx *cx, double *out) {
    size_t n = data_windows(t->d, PART_VAL);
    const Loss mse = { .kind = LOSS_MSE };
    double sum = 0;
    for (size_t at = 0; at < n; at += VALIDATION_BATCH) {
        size_t k = MIN(n - at, (size_t)VALIDATION_BATCH);
        for (size_t i = 0; i < k; i++)
            t->x[i] = data_at(t->d, 0, data_window(t->d, PART_VAL, at + i));
        ModelBatch b = batch_of(t, k);
        sum += model_loss(t->model, &b, &mse) * (double)k;
        int r = ctx_check(cx);
        if (r)
            return r;
    }
    *out = sum / (double)n;
    return isfinite(*out) ? 0
                          : err_set(cx, ERR_INVALID,
                                    "the validation error of epoch %zu is no number: take a smaller "
                                    "learning rate",
                                    t->epoch + 1);
}

/* --- the best weights --- */

static void copy_weights(Training *t, bool keep) {
    const Params *p = model_params(t->model), *b = model_buffers(t->model);
    memcpy(keep ? t->best : p->value, keep ? p->value : t->best, p->n * sizeof(float));
    if (b->n)
        memcpy(keep ? t->best + p->n : b->value, keep ? b->value : t->best + p->n, b->n * sizeof(float));
}

/* --- the loop --- */

static double seconds(const Training *t, Ctx *cx) {
    return t->seconds_before + (double)(clock_mono(cx->clock).ns - t->begun.ns) / (double)NS_PER_SECOND;
}

static int tell(Training *t, Ctx *cx, const TrainHooks *h, bool ended) {
    if (!h->progress)
        return 0;
    double elapsed = seconds(t, cx), done = step_of(t) - t->steps_before;
    size_t n = t->epoch + ended;
    TrainProgress p = { .epoch = t->epoch + 1,
                        .epochs = t->s.epochs,
                        .step = ended ? t->steps : t->step,
                        .steps = t->steps,
                        .epoch_ended = ended,
                        .train_loss = t->step ? t->loss_sum / (double)t->step : NAN,
                        .val_mse = n ? t->history[n - 1].val_mse : NAN,
                        .best_val = t->best_val,
                        .best_epoch = t->best_epoch,
                        .elapsed_s = elapsed,
                        .left_s = NAN };
    if (done > 0)
        p.left_s = (elapsed - t->seconds_before) / done * ((double)(t->s.epochs * t->steps) - step_of(t));
    return h->progress(h->arg, cx, &p);
}

static int keep(Training *t, Ctx *cx, const TrainHooks *h) {
    if (!h->keep)
        return 0;
    Ctx inner = *cx;
    inner.cancel = NULL; /* a cancelled run is kept all the same */
    inner.deadline = (MonoNs){ 0 };
    t->seconds = seconds(t, cx);
    Buf b;
    buf_init(&b, CHECKPOINT_MAX);
    int r = checkpoint_write(t, &inner, &b);
    if (r == 0)
        r = h->keep(h->arg, &inner, buf_str(&b));
    buf_done(&b);
    if (r)
        cx->err = inner.err;
    t->kept = clock_mono(cx->clock);
    return r;
}

static int end_epoch(Training *t, Ctx *cx, const TrainHooks *h) {
    TrainEpoch *e = &t->history[t->epoch];
    int r = validate(t, cx, &e->val_mse);
    if (r)
        return r;
    e->train_loss = t->loss_sum / (double)t->steps;
    if (e->val_mse < t->best_val) {
        t->best_val = e->val_mse;
        t->best_epoch = t->epoch + 1;
        copy_weights(t, true);
    }
    r = tell(t, cx, h, true);
    t->epoch++;
    t->step = 0;
    t->loss_sum = 0;
    return r ? r : keep(t, cx, h);
}

static bool over(Training *t, Ctx *cx) {
    if (t->epoch >= t->s.epochs)
        t->stop = TRAIN_EPOCHS;
    else if (t->s.patience && t->best_epoch && t->epoch - t->best_epoch >= t->s.patience)
        t->stop = TRAIN_PATIENCE;
    else if (t->s.max_minutes > 0 && t->best_epoch && seconds(t, cx) >= t->s.max_minutes * 60)
        t->stop = TRAIN_MINUTES;
    return t->stop != TRAIN_NOT_ENDED;
}

static int run_on(Training *t, Ctx *cx, const TrainHooks *h) {
    double keep_every = h->keep_every_s > 0 ? h->keep_every_s : KEEP_EVERY_S;
    int r = 0;
    while (r == 0 && !over(t, cx)) {
        if (t->ordered_epoch != t->epoch + 1)
            draw_order(t);
        if ((r = ctx_check(cx)) != 0)
            break;
        if (t->step < t->steps)
            r = take_step(t, cx);
        if (r == 0)
            r = t->step == t->steps ? end_epoch(t, cx, h) : tell(t, cx, h, false);
        if (r == 0 && (double)mono_ms_between(t->kept, clock_mono(cx->clock)) >= keep_every * 1000)
            r = keep(t, cx, h);
    }
    return r;
}

int training_run(Training *t, Ctx *cx, const TrainHooks *hooks) {
    static const TrainHooks none = { 0 };
    const TrainHooks *h = hooks ? hooks : &none;
    t->begun = t->kept = clock_mono(cx->clock);
    t->steps_before = step_of(t);
    t->seconds_before = t->seconds;
    int r = run_on(t, cx, h);
    t->seconds = seconds(t, cx);
    if (r == ERR_CANCELLED || r == ERR_TIMEOUT) {
        int kept = keep(t, cx, h);
        return kept ? kept : r;
    }
    return r;
}

void training_end(Training *t, Ctx *cx, TrainResult *out) {
    assert(t->best_epoch > 0);
    copy_weights(t, false);
    *out = (TrainResult){ .epochs = arena_new_n(cx->arena, TrainEpoch, t->epoch),
                          .n_epochs = t->epoch,
                          .best_epoch = t->best_epoch,
                          .best_val = t->best_val,
                          .seconds = t->seconds,
                          .n_weights = model_params(t->model)->n,
                          .stop = t->stop };
    memcpy(out->epochs, t->history, t->epoch * sizeof *t->history);
}

Model *training_model(Training *t) {
    return t->model;
}

Model *training_take(Training *t) {
    return TAKE(t->model);
}
