/* forecast/checkpoint.c - a training run as bytes, to the last bit, and back.
 *
 * Four sealed parts: where the run stands as JSON; weights, buffers and moments as safetensors (nn/model.h); the best
 * weights; the best buffers. The fingerprint of data and settings refuses a resume on anything else. */

#include "forecast/train_internal.h"

#include "base/json.h"
#include "base/sha256.h"
#include "forecast/sealed.h"

#include <math.h>

enum { PART_STATE, PART_NOW, PART_BEST, CHECKPOINT_PARTS, STATE_MAX = 4 << 20 };
static const Str kind = STR_INIT("checkpoint");

/* Everything that decides which weights come out, but for the number of epochs where the schedule does not ask for it. */
static void fingerprint(const Training *t, char out[static SHA256_HEX + 1]) {
    const TrainSettings *s = &t->s;
    const ModelSettings *m = &s->model;
    const ForecastData *d = t->d;
    Sha256 h;
    Buf b;
    buf_init(&b, STATE_MAX);
    buf_printf(&b, "%d %d %d %d %d %d %llu %a %d %d %d %d %d %d %d %d %d %a", (int)m->kind, (int)m->norm, m->lookback,
               m->horizon, m->channels, m->targets, (unsigned long long)m->seed, m->dropout, m->kernel, m->layers,
               m->hidden, m->d_model, m->heads, m->d_ff, m->patch, m->stride, m->pad_end, m->bn_momentum);
    buf_printf(&b, " %zu %d %a %a %d %d %a %a %a", s->batch, (int)s->schedule.kind, s->schedule.rate,
               s->schedule.pct_start, s->schedule.constructed_quirk, (int)s->loss.kind, s->loss.parameter, s->clip,
               s->weight_decay);
    if (s->schedule.kind == SCHEDULE_ONECYCLE)
        buf_printf(&b, " %zu", s->epochs);
    for (int p = 0; p < FORECAST_PARTS; p++)
        buf_printf(&b, " %zu %zu", d->split.parts[p].from, d->split.parts[p].to);
    sha256_init(&h);
    sha256_put(&h, buf_str(&b));
    sha256_put(&h, str_n((const char *)d->x, d->n_rows * d->n_channels * sizeof *d->x));
    sha256_end_hex(&h, out);
    buf_done(&b);
}

/* --- writing --- */

static int write_state(const Training *t, Buf *out) {
    char hex[SHA256_HEX + 1];
    JsonWriter w;
    fingerprint(t, hex);
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "fingerprint", str_c(hex));
    json_put_i64(&w, "epoch", (int64_t)t->epoch);
    json_put_i64(&w, "step", (int64_t)t->step);
    json_put_f64(&w, "loss_sum", t->loss_sum);
    json_put_i64(&w, "best_epoch", (int64_t)t->best_epoch);
    json_put_f64(&w, "seconds", t->seconds);
    json_key(&w, S("history"));
    json_array(&w);
    for (size_t i = 0; i < t->epoch; i++) {
        json_f64(&w, t->history[i].train_loss);
        json_f64(&w, t->history[i].val_mse);
    }
    json_array_end(&w);
    json_object_end(&w);
    return buf_ok(out) ? 0 : ERR_LIMIT;
}

int checkpoint_write(Training *t, Ctx *cx, Buf *out) {
    size_t n_best = t->best_epoch ? model_params(t->model)->n + model_buffers(t->model)->n : 0;
    Buf state, now;
    buf_init(&state, STATE_MAX);
    buf_init(&now, CHECKPOINT_MAX);
    int r = write_state(t, &state);
    if (r == 0)
        r = model_save(t->model, &t->adam, NULL, 0, &now);
    if (r == 0)
        r = sealed_write(
            kind, (Str[]){ buf_str(&state), buf_str(&now), str_n((const char *)t->best, n_best * sizeof(float)) },
            CHECKPOINT_PARTS, out);
    buf_done(&state);
    buf_done(&now);
    return r == ERR_LIMIT ? err_set(cx, r, "the checkpoint is larger than %d MB", CHECKPOINT_MAX >> 20) : r;
}

/* --- reading --- */

typedef struct State {
    Str fingerprint;
    int64_t epoch, step, best_epoch;
    double loss_sum, seconds;
    TrainEpoch *history;
    size_t n_history;
} State;

static int read_history(JsonReader *j, Arena *a, size_t most, State *s) {
    int more = json_open_array(j);
    s->history = arena_new_n(a, TrainEpoch, most);
    while (more == 0 && (more = json_array_next(j)) > 0) {
        if (s->n_history == most)
            return json_fail(j, "more epochs than asked for");
        TrainEpoch *e = &s->history[s->n_history++];
        json_read_f64(j, &e->train_loss);
        if (json_array_next(j) != 1)
            return json_fail(j, "half an epoch");
        more = json_read_f64(j, &e->val_mse);
    }
    return more;
}

static int read_field(JsonReader *j, Arena *a, Str key, size_t most, State *s) {
    const struct {
        const char *name;
        int64_t *to;
    } counts[] = { { "epoch", &s->epoch }, { "step", &s->step }, { "best_epoch", &s->best_epoch } };
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        if (str_eq(key, str_c(counts[i].name)))
            return json_read_i64(j, counts[i].to);
    return str_eq(key, S("fingerprint")) ? json_read_str(j, &s->fingerprint)
           : str_eq(key, S("loss_sum"))  ? json_read_f64(j, &s->loss_sum)
           : str_eq(key, S("seconds"))   ? json_read_f64(j, &s->seconds)
           : str_eq(key, S("history"))   ? read_history(j, a, most, s)
                                         : json_skip(j);
}

static int read_state(Ctx *cx, Str text, size_t most, State *s) {
    JsonReader j;
    Str key;
    json_reader_init(&j, text, cx->arena, 4);
    json_open_object(&j);
    while (json_object_next(&j, &key) > 0) /* json_finish repeats the error of any call before it */
        if (read_field(&j, cx->arena, key, most, s))
            break;
    return json_finish(&j) == 0 ? 0 : err_set(cx, ERR_CORRUPT, "the checkpoint's state cannot be read: %s", j.why);
}

static int check_state(Ctx *cx, const Training *t, const State *s, Str best) {
    char hex[SHA256_HEX + 1];
    size_t n = model_params(t->model)->n + model_buffers(t->model)->n;
    fingerprint(t, hex);
    if (!str_eq(s->fingerprint, str_c(hex)))
        return err_set(cx, ERR_CONFLICT,
                       "the checkpoint is of other data or settings: repeat them as they were, or begin "
                       "anew without it");
    /* step == steps: cut off in the validation, which the resumed run repeats */
    if (s->epoch < 0 || (size_t)s->epoch != s->n_history || s->step < 0 || (size_t)s->step > t->steps ||
        s->best_epoch < 0 || s->best_epoch > s->epoch || (s->epoch > 0) != (s->best_epoch > 0) ||
        best.n != (s->best_epoch ? n : 0) * sizeof(float) || !(s->seconds >= 0) || !isfinite(s->loss_sum))
        return err_set(cx, ERR_CORRUPT, "the checkpoint contradicts itself");
    return 0;
}

int training_resume(Training *t, Ctx *cx, Str bytes) {
    Str parts[CHECKPOINT_PARTS];
    State s = { 0 };
    Adam adam = { 0 };
    int r = sealed_read(cx, kind, bytes, parts, CHECKPOINT_PARTS);
    if (r == 0)
        r = read_state(cx, parts[PART_STATE], TRAIN_EPOCHS_MAX, &s);
    if (r == 0)
        r = check_state(cx, t, &s, parts[PART_BEST]);
    if (r == 0)
        r = model_load_into(cx, parts[PART_NOW], t->model, &adam);
    if (r)
        return r;
    adam_done(&t->adam);
    t->adam = adam;
    t->adam.weight_decay = t->s.weight_decay;
    t->epoch = (size_t)s.epoch;
    t->step = (size_t)s.step;
    t->loss_sum = s.loss_sum;
    t->best_epoch = (size_t)s.best_epoch;
    t->seconds = s.seconds;
    t->stop = TRAIN_NOT_ENDED;
    if (t->epoch > t->s.epochs) { /* fewer epochs are asked for now: all of them were done */
        t->history = mem_realloc(t->history, t->epoch * sizeof *t->history);
    }
    for (size_t i = 0; i < t->epoch; i++)
        t->history[i] = s.history[i];
    t->best_val = t->best_epoch ? t->history[t->best_epoch - 1].val_mse : INFINITY;
    if (parts[PART_BEST].n)
        memcpy(t->best, parts[PART_BEST].p, parts[PART_BEST].n);
    return 0;
}
