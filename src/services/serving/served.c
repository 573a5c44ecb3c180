/* services/serving/served.c - a model that is ready: checked, opened, run once, and asked by many at a time.
 *
 * Who asks puts a ticket at the end of the model's queue. If nobody works the asker does: it takes tickets from the front,
 * as many windows as fit a pass, runs the model on all of them, and gives everybody his part; who came meanwhile finds
 * himself in the next pass. So a pass begins at once when the model is idle, and grows with the load (as Triton's dynamic
 * batcher with a delay of 0). No thread belongs to a model. */

#include "base/sha256.h"
#include "services/serving/internal.h"

#include <math.h>

enum { BATCH_STANDARD = 32, QUEUE_STANDARD = 1024 };

/* --- loading --- */

static void keep_name(Arena *a, const ServableModel *of, ServableModel *out) {
    *out = *of;
    Str *const texts[] = { &out->name, &out->version, &out->sha256, &out->kind };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(a, *texts[i]);
}

static int check_hash(Ctx *cx, const ServableModel *of, Str bytes) {
    char hex[SHA256_HEX + 1];
    sha256_hex(bytes, hex);
    if (!of->sha256.n || str_eq_nocase(of->sha256, str_n(hex, SHA256_HEX)))
        return 0;
    return err_set(cx, ERR_CORRUPT,
                   "model " STR_FMT " version " STR_FMT ": its weights are not those that were registered (sha256 "
                   "%.12s…, not " STR_FMT "…); they are not used",
                   STR_ARG(of->name), STR_ARG(of->version), hex, STR_ARG(str_first(of->sha256, 12)));
}

/* One pass over windows of the mean: what a first request would wait for, and a model that gives no numbers is found. */
static int warm(Served *m, Ctx *cx) {
    const ForecastShape *s = &m->card.shape;
    ArenaMark mark = arena_mark(cx->arena);
    size_t n = s->look_back * s->n_channels;
    float *x = arena_new_n(cx->arena, float, n);
    float *out = arena_new_n(cx->arena, float, s->horizon * s->n_targets);
    for (size_t i = 0; i < n; i++) /* not constant: some models have nothing to say of a constant */
        x[i] = (float)(i / s->n_channels % 7) / 7 - 0.5F;
    const float *const windows[] = { x };
    int r = forecaster_predict(m->f, cx, &(WindowBatch){ windows, s->n_channels, 1 }, out);
    arena_rewind(cx->arena, mark);
    return r;
}

/* The forecaster lives in the model's own arena, whatever request loads it. */
static int open_model(Served *m, Ctx *cx, const ServingOptions *o, Str bytes) {
    Arena scratch = { 0 };
    Artifact a;
    Ctx own = *cx;
    own.arena = &scratch;
    int r = artifact_read(&own, bytes, &a);
    if (r == 0) {
        artifact_keep(&m->arena, &a, &m->card);
        own.arena = &m->arena;
        r = artifact_open(&own, &a, &(ForecasterOptions){ .nn = &m->nn, .extra = o->kinds }, &m->f);
    }
    if (r == 0)
        r = warm(m, cx);
    else
        cx->err = own.err;
    if (r == 0)
        forecaster_rest(m->f);
    arena_done(&scratch);
    return r;
}

int served_load(Ctx *cx, const ServingOptions *o, const ServableModel *of, Str bytes, Served **out) {
    MonoNs begun = clock_mono(cx->clock);
    int r = check_hash(cx, of, bytes);
    if (r)
        return r;
    Served *m = mem_new(Served);
    *m = (Served){ .batch_max = o->batch_max ? o->batch_max : BATCH_STANDARD,
                   .queue_max = o->queue_max ? o->queue_max : QUEUE_STANDARD,
                   .delay_ms = o->batch_delay_ms,
                   .refs = 1 };
    m->last = &m->first;
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->track_lock, NULL);
    pthread_cond_init(&m->turn, NULL);
    nn_init(&m->nn, NULL, 1);
    keep_name(&m->arena, of, &m->of);
    r = open_model(m, cx, o, bytes);
    if (r) {
        err_prefix(cx, "model " STR_FMT " version " STR_FMT, STR_ARG(of->name), STR_ARG(of->version));
        served_drop(m);
        return r;
    }
    if (!m->of.kind.n)
        m->of.kind = m->card.model;
    m->bytes = sizeof *m + m->arena.used + bytes.n;
    m->loaded = clock_wall(cx->clock);
    m->load_ms = (double)(clock_mono(cx->clock).ns - begun.ns) / (double)NS_PER_MS;
    *out = m;
    return 0;
}

static Track *track_free(Track *t) {
    if (!t)
        return NULL;
    tracker_free(t->tracker);
    mem_free(t->series);
    pthread_mutex_destroy(&t->lock);
    return mem_free(t);
}

Served *served_hold(Served *m) {
    atomic_fetch_add(&m->refs, 1);
    return m;
}

Served *served_drop(Served *m) {
    if (!m || atomic_fetch_sub(&m->refs, 1) > 1)
        return NULL;
    for (size_t i = 0; i < m->n_tracks; i++)
        track_free(m->tracks[i]);
    forecaster_free(m->f);
    nn_done(&m->nn);
    pthread_cond_destroy(&m->turn);
    pthread_mutex_destroy(&m->track_lock);
    pthread_mutex_destroy(&m->lock);
    arena_done(&m->arena);
    return mem_free(m);
}

void served_info(const Served *m, ServedInfo *out) {
    *out = (ServedInfo){ .name = m->of.name,
                         .version = m->of.version,
                         .kind = m->of.kind,
                         .sha256 = m->of.sha256,
                         .shape = m->card.shape,
                         .columns = m->card.columns,
                         .step_ms = m->card.step_ms,
                         .features = m->card.features };
}

/* --- passes --- */

struct Ticket { /* on the stack of who waits */
    Ctx *cx;
    const WindowBatch *in;
    float *out;
    int code; /* of a done one */
    bool done;
    Ticket *next;
};

/* With the lock held: tickets for one pass, from the front. One that alone is larger than a pass goes alone. */
static Ticket *take_tickets(Served *m, size_t *n_windows) {
    Ticket *first = NULL, **end = &first;
    *n_windows = 0;
    while (m->first && (*n_windows == 0 || *n_windows + m->first->in->n <= m->batch_max)) {
        Ticket *t = m->first;
        m->first = t->next;
        if (!m->first)
            m->last = &m->first;
        *n_windows += t->in->n;
        *end = t;
        end = &t->next;
        t->next = NULL;
    }
    m->n_waiting -= *n_windows;
    return first;
}

static void run_alone(Served *m, Ticket *t) {
    t->code = forecaster_predict(m->f, t->cx, t->in, t->out);
    atomic_fetch_add(&m->n_passes, 1);
}

/* Several as one batch. When the pass fails each is run by itself: one whose numbers blow up spoils nobody's answer. */
static void run_together(Served *m, Ticket *first, size_t n) {
    const ForecastShape *s = &m->card.shape;
    size_t values = s->horizon * s->n_targets, at = 0;
    Arena scratch = { 0 };
    const float **x = arena_new_n(&scratch, const float *, n);
    float *out = arena_new_n(&scratch, float, n *values);
    Ctx cx;
    for (Ticket *t = first; t; t = t->next)
        for (size_t i = 0; i < t->in->n; i++)
            x[at++] = t->in->x[i];
    ctx_init(&cx, &scratch, first->cx->clock); /* nobody's deadline ends the others' work */
    int r = forecaster_predict(m->f, &cx, &(WindowBatch){ x, s->n_channels, n }, out);
    atomic_fetch_add(&m->n_passes, 1);
    at = 0;
    for (Ticket *t = first; t; t = t->next) {
        if (r)
            run_alone(m, t);
        else
            memcpy(t->out, out + at * values, t->in->n * values * sizeof *out);
        at += t->in->n;
    }
    arena_done(&scratch);
}

/* Those whose time is over meanwhile are not computed any more. */
static Ticket *leave_out_late(Ticket *first, size_t *n) {
    Ticket **at = &first;
    while (*at) {
        Ticket *t = *at;
        t->code = ctx_check(t->cx);
        if (t->code == 0) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        *n -= t->in->n;
        t->done = true;
    }
    return first;
}

/* With the lock held and nobody else at work; the lock is let go meanwhile. */
static void run_pass(Served *m, Clock *clock) {
    size_t n;
    m->busy = true;
    for (int64_t waited = 0; waited < m->delay_ms && m->n_waiting < m->batch_max; waited++) {
        pthread_mutex_unlock(&m->lock);
        clock_sleep_ms(clock, 1);
        pthread_mutex_lock(&m->lock);
    }
    Ticket *first = leave_out_late(take_tickets(m, &n), &n);
    pthread_mutex_unlock(&m->lock);
    if (first && first->next)
        run_together(m, first, n);
    else if (first)
        run_alone(m, first);
    atomic_fetch_add(&m->n_forecasts, (int64_t)n);
    pthread_mutex_lock(&m->lock);
    for (Ticket *t = first; t; t = t->next)
        t->done = true;
    if (!m->first) /* who waits for hours needs no buffers of a pass */
        forecaster_rest(m->f);
    m->busy = false;
    pthread_cond_broadcast(&m->turn);
}

int served_predict(Served *m, Ctx *cx, const WindowBatch *batch, float *out) {
    Ticket mine = { .cx = cx, .in = batch, .out = out };
    assert(batch->stride == m->card.shape.n_channels);
    pthread_mutex_lock(&m->lock);
    if (m->n_waiting + batch->n > m->queue_max) {
        size_t waiting = m->n_waiting;
        pthread_mutex_unlock(&m->lock);
        return err_set(cx, ERR_BUSY, "model " STR_FMT ": %zu windows wait already", STR_ARG(m->of.name), waiting);
    }
    *m->last = &mine;
    m->last = &mine.next;
    m->n_waiting += batch->n;
    while (!mine.done)
        if (m->busy)
            pthread_cond_wait(&m->turn, &m->lock); /* a pass ends: its length is bounded by the queue's windows */
        else
            run_pass(m, cx->clock);
    pthread_mutex_unlock(&m->lock);
    return mine.code;
}

/* --- series --- */

static int predict_tracked(void *m, Ctx *cx, const WindowBatch *b, float *out) {
    return served_predict(m, cx, b, out);
}

static int new_track(Ctx *cx, const Served *m, Str series, size_t level, Track **out) {
    Track *t = mem_new(Track);
    int r = tracker_new(cx, &m->card, artifact_levels[level], &t->tracker);
    if (r) {
        mem_free(t);
        return r;
    }
    t->series = mem_new_n(char, series.n + 1);
    memcpy(t->series, series.p, series.n);
    t->level = level;
    pthread_mutex_init(&t->lock, NULL);
    watch_init(&t->watch);
    *out = t;
    return 0;
}

/* With track_lock held: of that series and level, or a new one in place of the longest unused. Held by the caller. */
static int hold_track(Served *m, Ctx *cx, Str series, size_t level, Track **out) {
    Track **place = NULL;
    for (size_t i = 0; i < m->n_tracks; i++) {
        Track *t = m->tracks[i];
        if (t->level == level && str_eq(str_c(t->series), series)) {
            t->used = ++m->track_turn;
            t->n_holders++;
            *out = t;
            return 0;
        }
        if (t->n_holders == 0 && (!place || t->used < (*place)->used))
            place = &m->tracks[i];
    }
    if (m->n_tracks < TRACKS_MAX)
        place = &m->tracks[m->n_tracks++];
    if (!place)
        return err_set(cx, ERR_BUSY, "model " STR_FMT " is asked for more than %d series at once", STR_ARG(m->of.name),
                       TRACKS_MAX);
    *place = track_free(*place);
    int r = new_track(cx, m, series, level, place);
    if (r) {
        *place = m->tracks[--m->n_tracks];
        m->tracks[m->n_tracks] = NULL;
        return r;
    }
    (*place)->used = ++m->track_turn;
    (*place)->n_holders = 1;
    *out = *place;
    return 0;
}

static int follow(Served *m, Ctx *cx, Track *t, const TrackRows *rows, float *forecast, float *half, bool *drifted) {
    int r = tracker_follow(t->tracker, cx, rows, predict_tracked, m, forecast, half);
    if (r >= 0) {
        const float *errors;
        size_t n = tracker_errors(t->tracker, &errors);
        watch_see(&t->watch, &m->card, rows, errors, n);
        *drifted = watch_inputs(&t->watch) || watch_errors(&t->watch);
    }
    return r;
}

int served_follow_once(Served *m, Ctx *cx, size_t level, const TrackRows *rows, float *forecast, float *half,
                       bool *drifted) {
    Track *t = NULL;
    int r = new_track(cx, m, S(""), level, &t);
    if (r == 0)
        r = follow(m, cx, t, rows, forecast, half, drifted);
    track_free(t);
    return r;
}

int served_follow(Served *m, Ctx *cx, Str series, size_t level, const TrackRows *rows, float *forecast, float *half,
                  bool *drifted) {
    Track *t = NULL;
    pthread_mutex_lock(&m->track_lock);
    int r = hold_track(m, cx, series, level, &t);
    pthread_mutex_unlock(&m->track_lock);
    if (r)
        return r;
    pthread_mutex_lock(&t->lock);
    r = follow(m, cx, t, rows, forecast, half, drifted);
    pthread_mutex_unlock(&t->lock);
    pthread_mutex_lock(&m->track_lock);
    t->n_holders--;
    pthread_mutex_unlock(&m->track_lock);
    return r;
}

bool served_follows(Served *m, Str series, size_t level) {
    bool found = false;
    pthread_mutex_lock(&m->track_lock);
    for (size_t i = 0; i < m->n_tracks; i++)
        found |= m->tracks[i]->level == level && str_eq(str_c(m->tracks[i]->series), series);
    pthread_mutex_unlock(&m->track_lock);
    return found;
}

bool served_follows_symbol(Served *m, Symbol symbol) {
    bool found = false;
    pthread_mutex_lock(&m->track_lock);
    for (size_t i = 0; i < m->n_tracks; i++) {
        SeriesKey key;
        found |= series_key_parse(str_c(m->tracks[i]->series), &key) && symbol_eq(key.symbol, symbol);
    }
    pthread_mutex_unlock(&m->track_lock);
    return found;
}

static void drift_row(const Served *m, Arena *a, const Track *t, DriftRow *out) {
    const Watch *w = &t->watch;
    *out = (DriftRow){ .name = str_dup(a, m->of.name),
                       .version = str_dup(a, m->of.version),
                       .series = str_dup(a, str_c(t->series)),
                       .n_rows = w->n_rows,
                       .n_errors = w->n_errors,
                       .psi = w->psi,
                       .psi_column = isnan(w->psi) ? S("") : str_dup(a, m->card.columns[w->psi_column].name),
                       .ks = w->ks,
                       .ks_p = w->ks_p,
                       .n_cuts = w->adwin.n_cuts,
                       .cut_at = w->cut_at,
                       .inputs = watch_inputs(w),
                       .errors = watch_errors(w) };
}

size_t served_drift(Served *m, Arena *a, DriftRow *out, size_t cap) {
    Track *held[TRACKS_MAX];
    size_t n = 0;
    pthread_mutex_lock(&m->track_lock);
    for (size_t i = 0; i < m->n_tracks && n < cap; i++) {
        held[n] = m->tracks[i];
        held[n++]->n_holders++;
    }
    pthread_mutex_unlock(&m->track_lock);
    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&held[i]->lock);
        drift_row(m, a, held[i], &out[i]);
        pthread_mutex_unlock(&held[i]->lock);
    }
    pthread_mutex_lock(&m->track_lock);
    for (size_t i = 0; i < n; i++)
        held[i]->n_holders--;
    pthread_mutex_unlock(&m->track_lock);
    return n;
}
