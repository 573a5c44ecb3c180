/* forecast/artifact.c - see artifact.h. */

#include "forecast/artifact.h"

#include "forecast/sealed.h"

#include <math.h>

enum { PART_CARD, PART_HALF, PART_MEMBERS, CARD_MAX = 1 << 20, LOOK_BACK_MAX = 100000, HORIZON_MAX = 10000 };
static const Str kind = STR_INIT("forecaster");
const double artifact_levels[ARTIFACT_LEVELS] = { 0.5, 0.8, 0.9, 0.95 };

/* --- writing --- */

static void put_figures(JsonWriter *w, Str name, const ArtifactFigures *f) {
    json_key(w, name);
    json_object(w);
    json_put_f64(w, "mse", f->mse);
    json_put_f64(w, "mae", f->mae);
    json_put_f64(w, "naive_mse", f->naive_mse);
    json_put_f64(w, "naive_mae", f->naive_mae);
    json_put_f64(w, "diebold_mariano", f->dm);
    json_put_i64(w, "windows", f->n_windows);
    json_object_end(w);
}

static void put_deciles(JsonWriter *w, const float *v) {
    json_key(w, S("deciles"));
    json_array(w);
    for (size_t i = 0; i < ARTIFACT_DECILES; i++)
        json_f64(w, (double)v[i]);
    json_array_end(w);
}

static void put_lists(const Artifact *a, JsonWriter *w) {
    json_key(w, S("columns"));
    json_array(w);
    for (size_t c = 0; c < a->shape.n_channels; c++) {
        json_object(w);
        json_put_str(w, "name", a->columns[c].name);
        json_put_f64(w, "mean", a->columns[c].mean);
        json_put_f64(w, "std", a->columns[c].std);
        if (!isnan(a->columns[c].deciles[0]))
            put_deciles(w, a->columns[c].deciles);
        json_object_end(w);
    }
    json_array_end(w);
    json_key(w, S("members"));
    json_array(w);
    for (size_t m = 0; m < a->n_members; m++) {
        json_object(w);
        json_put_str(w, "model", a->members[m]);
        json_put_f64(w, "weight", a->weights[m]);
        json_object_end(w);
    }
    json_array_end(w);
}

void artifact_card(const Artifact *a, JsonWriter *w) {
    json_object(w);
    json_put_str(w, "model", a->model);
    json_put_str(w, "preset", a->preset);
    json_put_str(w, "split", a->split);
    json_put_i64(w, "look_back", (int64_t)a->shape.look_back);
    json_put_i64(w, "horizon", (int64_t)a->shape.horizon);
    json_put_i64(w, "season", (int64_t)a->shape.season);
    json_put_i64(w, "targets", (int64_t)a->shape.n_targets);
    json_put_i64(w, "seed", (int64_t)a->seed);
    json_put_i64(w, "step_ms", a->step_ms);
    json_put_str(w, "data", a->data);
    json_put_str(w, "data_sha256", a->data_sha256);
    if (a->features.n)
        json_put_str(w, "features", a->features);
    if (a->known_to_ms)
        json_put_i64(w, "known_to_ms", a->known_to_ms);
    json_put_bool(w, "beats_naive", artifact_beats_naive(a));
    put_figures(w, S("validation"), &a->val);
    put_figures(w, S("test"), &a->test);
    put_lists(a, w);
    json_object_end(w);
}

static size_t half_values(const ForecastShape *s) {
    return ARTIFACT_LEVELS * s->horizon * s->n_targets;
}

int artifact_write(const Artifact *a, Ctx *cx, Buf *out) {
    Str parts[PART_MEMBERS + ARTIFACT_MEMBERS] = { 0 };
    Buf card;
    JsonWriter w;
    assert(a->n_members > 0 && a->n_members <= ARTIFACT_MEMBERS);
    buf_init(&card, CARD_MAX);
    json_writer_init(&w, &card, false);
    artifact_card(a, &w);
    parts[PART_CARD] = buf_str(&card);
    if (a->half)
        parts[PART_HALF] = str_n((const char *)a->half, half_values(&a->shape) * sizeof *a->half);
    for (size_t m = 0; m < a->n_members; m++)
        parts[PART_MEMBERS + m] = a->bytes[m];
    int r = buf_ok(&card) ? sealed_write(kind, parts, ARRAY_LEN(parts), out) : ERR_LIMIT;
    buf_done(&card);
    return r == ERR_LIMIT ? err_set(cx, r, "the model is larger than %d MB", ARTIFACT_MAX >> 20) : r;
}

/* --- reading --- */

/* The writer has null for a figure that is not finite. */
static int read_figure(JsonReader *j, double *to) {
    if (!json_read_null(j))
        return json_read_f64(j, to);
    *to = NAN;
    return 0;
}

static int read_figures_field(JsonReader *j, Str key, ArtifactFigures *f) {
    const struct {
        const char *name;
        double *to;
    } figures[] = { { "mse", &f->mse },
                    { "mae", &f->mae },
                    { "naive_mse", &f->naive_mse },
                    { "naive_mae", &f->naive_mae },
                    { "diebold_mariano", &f->dm } };
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        if (str_eq(key, str_c(figures[i].name)))
            return read_figure(j, figures[i].to);
    return str_eq(key, S("windows")) ? json_read_i64(j, &f->n_windows) : json_skip(j);
}

static int read_figures(JsonReader *j, ArtifactFigures *f) {
    Str key;
    int more;
    json_open_object(j);
    while ((more = json_object_next(j, &key)) > 0) {
        int r = read_figures_field(j, key, f);
        if (r)
            return r;
    }
    return more;
}

static int read_deciles(JsonReader *j, float *out) {
    size_t n = 0;
    int more, r = 0;
    json_open_array(j);
    while (r == 0 && (more = json_array_next(j)) > 0) {
        double v = 0;
        if (n == ARTIFACT_DECILES)
            return json_fail(j, "too many deciles");
        r = json_read_f64(j, &v);
        out[n] = (float)v;
        if (r == 0 && n > 0 && out[n] < out[n - 1])
            return json_fail(j, "deciles that do not ascend");
        n++;
    }
    if (r == 0 && more == 0 && n != ARTIFACT_DECILES)
        return json_fail(j, "too few deciles");
    return r ? r : more;
}

static int read_column(JsonReader *j, ArtifactColumn *c) {
    Str key;
    int more;
    for (size_t i = 0; i < ARTIFACT_DECILES; i++)
        c->deciles[i] = NAN;
    json_open_object(j);
    while ((more = json_object_next(j, &key)) > 0) {
        int r = str_eq(key, S("name"))      ? json_read_str(j, &c->name)
                : str_eq(key, S("mean"))    ? json_read_f64(j, &c->mean)
                : str_eq(key, S("std"))     ? json_read_f64(j, &c->std)
                : str_eq(key, S("deciles")) ? read_deciles(j, c->deciles)
                                            : json_skip(j);
        if (r)
            return r;
    }
    if (more == 0 && !(c->std > 0))
        return json_fail(j, "a deviation that is not above 0");
    return more;
}

static int read_columns(JsonReader *j, Arena *arena, Artifact *a) {
    ArtifactColumn *v = arena_new_n(arena, ArtifactColumn, TABLE_COLUMNS);
    size_t n = 0;
    int more;
    json_open_array(j);
    while ((more = json_array_next(j)) > 0) {
        if (n == TABLE_COLUMNS)
            return json_fail(j, "too many columns");
        int r = read_column(j, &v[n]);
        if (r)
            return r;
        n++;
    }
    a->columns = v;
    a->shape.n_channels = n;
    return more;
}

static int read_members(JsonReader *j, Artifact *a) {
    int more, inner = 0;
    json_open_array(j);
    while ((more = json_array_next(j)) > 0) {
        Str key;
        size_t m = a->n_members;
        if (m == ARTIFACT_MEMBERS)
            return json_fail(j, "too many members");
        json_open_object(j);
        while ((inner = json_object_next(j, &key)) > 0) {
            int r = str_eq(key, S("model"))    ? json_read_str(j, &a->members[m])
                    : str_eq(key, S("weight")) ? json_read_f64(j, &a->weights[m])
                                               : json_skip(j);
            if (r)
                return r;
        }
        if (inner < 0)
            return inner;
        a->n_members++;
    }
    return more;
}

static int read_size(JsonReader *j, size_t least, size_t most, size_t *out) {
    int64_t v;
    int r = json_read_i64(j, &v);
    if (r)
        return r;
    if (v < (int64_t)least || v > (int64_t)most)
        return json_fail(j, "a size out of its range");
    *out = (size_t)v;
    return 0;
}

static int read_field(JsonReader *j, Arena *arena, Str key, Artifact *a) {
    const struct {
        const char *name;
        Str *to;
    } texts[] = { { "model", &a->model }, { "preset", &a->preset },           { "split", &a->split },
                  { "data", &a->data },   { "data_sha256", &a->data_sha256 }, { "features", &a->features } };
    const struct {
        const char *name;
        size_t *to, most;
    } sizes[] = { { "look_back", &a->shape.look_back, LOOK_BACK_MAX },
                  { "horizon", &a->shape.horizon, HORIZON_MAX },
                  { "season", &a->shape.season, LOOK_BACK_MAX },
                  { "targets", &a->shape.n_targets, TABLE_COLUMNS } };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (str_eq(key, str_c(texts[i].name)))
            return json_read_str(j, texts[i].to);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (str_eq(key, str_c(sizes[i].name)))
            return read_size(j, 1, sizes[i].most, sizes[i].to);
    if (str_eq(key, S("seed"))) {
        int64_t seed = 0;
        int r = json_read_i64(j, &seed);
        a->seed = (uint64_t)seed;
        return r;
    }
    return str_eq(key, S("step_ms"))       ? json_read_i64(j, &a->step_ms)
           : str_eq(key, S("known_to_ms")) ? json_read_i64(j, &a->known_to_ms)
           : str_eq(key, S("validation"))  ? read_figures(j, &a->val)
           : str_eq(key, S("test"))        ? read_figures(j, &a->test)
           : str_eq(key, S("columns"))     ? read_columns(j, arena, a)
           : str_eq(key, S("members"))     ? read_members(j, a)
                                           : json_skip(j);
}

/* "" or what does not fit together. */
static const char *contradiction(const Artifact *a, Str half) {
    const ForecastShape *s = &a->shape;
    if (a->model.n == 0 || a->n_members == 0)
        return "it names no model";
    if (s->look_back == 0 || s->horizon == 0 || s->n_targets == 0 || s->n_targets > s->n_channels || a->step_ms < 1)
        return "it has no shape";
    if (half.n != 0 && half.n != half_values(s) * sizeof(float))
        return "its intervals are of another shape";
    double sum = 0;
    for (size_t m = 0; m < a->n_members; m++) {
        if (!(a->weights[m] >= 0))
            return "a member has no weight";
        sum += a->weights[m];
    }
    return fabs(sum - 1) < 1e-6 ? "" : "its weights do not sum to 1";
}

int artifact_read(Ctx *cx, Str bytes, Artifact *out) {
    Str parts[PART_MEMBERS + ARTIFACT_MEMBERS], key;
    Artifact a = { .shape.season = 1 };
    JsonReader j;
    int r = sealed_read(cx, kind, bytes, parts, ARRAY_LEN(parts));
    if (r)
        return r;
    json_reader_init(&j, parts[PART_CARD], cx->arena, 8);
    json_open_object(&j);
    while (json_object_next(&j, &key) > 0) /* json_finish repeats the error of any call before it */
        if (read_field(&j, cx->arena, key, &a))
            break;
    if (json_finish(&j))
        return err_set(cx, ERR_CORRUPT, "the model's card cannot be read: %s", j.why);
    const char *what = contradiction(&a, parts[PART_HALF]);
    if (*what)
        return err_set(cx, ERR_CORRUPT, "the model's card contradicts itself: %s", what);
    for (size_t m = 0; m < a.n_members; m++)
        a.bytes[m] = parts[PART_MEMBERS + m];
    if (parts[PART_HALF].n) {
        float *half = arena_alloc(cx->arena, parts[PART_HALF].n); /* the bytes need not be aligned */
        memcpy(half, parts[PART_HALF].p, parts[PART_HALF].n);
        a.half = half;
    }
    *out = a;
    return 0;
}

void artifact_keep(Arena *arena, const Artifact *a, Artifact *out) {
    ArtifactColumn *columns = arena_new_n(arena, ArtifactColumn, a->shape.n_channels);
    size_t half = half_values(&a->shape) * sizeof *a->half;
    *out = *a;
    Str *const texts[] = { &out->model, &out->preset, &out->split, &out->data, &out->data_sha256, &out->features };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(arena, *texts[i]);
    for (size_t m = 0; m < a->n_members; m++) {
        out->members[m] = str_dup(arena, a->members[m]);
        out->bytes[m] = (Str){ 0 };
    }
    for (size_t c = 0; c < a->shape.n_channels; c++) {
        columns[c] = a->columns[c];
        columns[c].name = str_dup(arena, a->columns[c].name);
    }
    out->columns = columns;
    out->half = a->half ? memcpy(arena_alloc(arena, half), a->half, half) : NULL;
}

int artifact_level(Ctx *cx, double wanted, size_t *out) {
    static const double standard = 0.9;
    for (size_t i = 0; i < ARTIFACT_LEVELS; i++)
        if (fabs(artifact_levels[i] - (wanted > 0 ? wanted : standard)) < 1e-9) {
            *out = i;
            return 0;
        }
    return err_set_at(cx, ERR_INVALID, S("level"), "intervals are kept for the levels 0.5, 0.8, 0.9 and 0.95");
}

/* --- opening --- */

int artifact_open(Ctx *cx, const Artifact *a, const ForecasterOptions *o, Forecaster **out) {
    Forecaster *members[ARTIFACT_MEMBERS] = { 0 };
    int r = 0;
    size_t n = 0;
    for (; n < a->n_members && r == 0; n++) {
        const ForecasterKind *k = forecaster_find(a->members[n], o);
        if (!k)
            r = err_set(cx, ERR_UNSUPPORTED, "this program has no model \"" STR_FMT "\"", STR_ARG(a->members[n]));
        if (r == 0)
            r = forecaster_new(cx, k, &a->shape, o, &members[n]);
        if (r == 0)
            r = forecaster_load(members[n], cx, a->bytes[n]);
    }
    if (r == 0 && a->n_members > 1) {
        r = ensemble_new(cx, members, a->weights, a->n_members, out);
        if (r == 0)
            ensemble_own(*out);
        return r;
    }
    if (r == 0)
        *out = members[0];
    for (size_t i = 0; r != 0 && i < n; i++)
        forecaster_free(members[i]);
    return r;
}
