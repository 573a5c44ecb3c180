/* nn/model_state.c - a model as bytes and back: weights and buffers as tensors under their own names, the optimiser's
 * moments as two more, settings and the caller's words as metadata. See model.h. */

#include "nn/model_internal.h"

#include "base/json.h"
#include "nn/safetensors.h"

enum { NOTE_MAX = 1 << 16 };

/* One table writes the settings and reads them back. */
static const struct {
    const char *name;
    size_t at;
} integers[] = {
    { "lookback", offsetof(ModelSettings, lookback) }, { "horizon", offsetof(ModelSettings, horizon) },
    { "channels", offsetof(ModelSettings, channels) }, { "targets", offsetof(ModelSettings, targets) },
    { "kernel", offsetof(ModelSettings, kernel) },     { "layers", offsetof(ModelSettings, layers) },
    { "hidden", offsetof(ModelSettings, hidden) },     { "d_model", offsetof(ModelSettings, d_model) },
    { "heads", offsetof(ModelSettings, heads) },       { "d_ff", offsetof(ModelSettings, d_ff) },
    { "patch", offsetof(ModelSettings, patch) },       { "stride", offsetof(ModelSettings, stride) },
};
static const char *const norm_names[MODEL_NORMS] = { "none", "last", "revin" };

static void write_settings(const ModelSettings *s, Buf *out) {
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "kind", str_c(model_kind_name(s->kind)));
    json_put_str(&w, "norm", str_c(norm_names[s->norm]));
    for (size_t i = 0; i < ARRAY_LEN(integers); i++) {
        json_key(&w, str_c(integers[i].name));
        json_i64(&w, *(const int *)(const void *)((const char *)s + integers[i].at));
    }
    json_put_bool(&w, "pad_end", s->pad_end);
    json_put_f64(&w, "dropout", s->dropout);
    json_put_f64(&w, "bn_momentum", s->bn_momentum);
    json_put_i64(&w, "seed", (int64_t)s->seed);
    json_object_end(&w);
}

static int read_words(JsonReader *r, Str key, ModelSettings *s) {
    Str word;
    int e = json_read_str(r, &word);
    if (e != 0)
        return e;
    if (str_eq(key, S("kind")))
        return model_kind_from_name(word, &s->kind) ? 0 : json_fail(r, "a kind of model that is not known");
    for (int i = 0; i < MODEL_NORMS; i++)
        if (str_eq(word, str_c(norm_names[i]))) {
            s->norm = (ModelNorm)i;
            return 0;
        }
    return json_fail(r, "a norm that is not known");
}

static int read_setting(JsonReader *r, Str key, ModelSettings *s) {
    int64_t number;
    if (str_eq(key, S("kind")) || str_eq(key, S("norm")))
        return read_words(r, key, s);
    if (str_eq(key, S("pad_end")))
        return json_read_bool(r, &s->pad_end);
    if (str_eq(key, S("dropout")))
        return json_read_f64(r, &s->dropout);
    if (str_eq(key, S("bn_momentum")))
        return json_read_f64(r, &s->bn_momentum);
    int e = json_read_i64(r, &number);
    if (e != 0)
        return e;
    if (str_eq(key, S("seed"))) {
        s->seed = (uint64_t)number;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(integers); i++)
        if (str_eq(key, str_c(integers[i].name)) && number >= 0 && number <= INT32_MAX) {
            *(int *)(void *)((char *)s + integers[i].at) = (int)number;
            return 0;
        }
    return json_fail(r, "a setting that is not known");
}

static int read_settings(Ctx *cx, Str text, ModelSettings *out) {
    JsonReader r;
    Str key;
    int more, e = 0;
    *out = (ModelSettings){ .kind = MODEL_KINDS };
    json_reader_init(&r, text, cx->arena, 4);
    json_open_object(&r);
    while ((more = json_object_next(&r, &key)) > 0 && e == 0)
        e = read_setting(&r, key, out);
    if (more < 0 || e != 0 || json_finish(&r) != 0)
        return err_set(cx, ERR_CORRUPT, "model: its settings: %s", r.why ? r.why : "cannot be read");
    return 0;
}

static void write_adam(const Adam *a, Buf *out) {
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_i64(&w, "step", (int64_t)a->step);
    json_put_f64(&w, "beta1", a->beta1);
    json_put_f64(&w, "beta2", a->beta2);
    json_put_f64(&w, "eps", a->eps);
    json_put_f64(&w, "weight_decay", a->weight_decay);
    json_object_end(&w);
}

static int read_adam_field(JsonReader *r, Str key, Adam *a) {
    if (str_eq(key, S("step"))) {
        int64_t step;
        int e = json_read_i64(r, &step);
        if (e == 0)
            a->step = (uint64_t)step;
        return e;
    }
    double *slot = str_eq(key, S("beta1"))          ? &a->beta1
                   : str_eq(key, S("beta2"))        ? &a->beta2
                   : str_eq(key, S("eps"))          ? &a->eps
                   : str_eq(key, S("weight_decay")) ? &a->weight_decay
                                                    : NULL;
    return slot ? json_read_f64(r, slot) : json_fail(r, "an unknown field");
}

static int read_adam(Ctx *cx, Str text, Adam *a) {
    JsonReader r;
    Str key;
    int more, e = 0;
    json_reader_init(&r, text, cx->arena, 4);
    json_open_object(&r);
    while ((more = json_object_next(&r, &key)) > 0 && e == 0)
        e = read_adam_field(&r, key, a);
    if (more < 0 || e != 0 || json_finish(&r) != 0)
        return err_set(cx, ERR_CORRUPT, "model: its optimiser: %s", r.why ? r.why : "cannot be read");
    return 0;
}

static void list_params(const Params *p, Tensors *t) {
    for (size_t i = 0; i < p->n_params; i++) {
        size_t shape[PARAM_RANK_MAX + 1] = { 0 };
        memcpy(shape, p->v[i].shape, (size_t)p->v[i].rank * sizeof shape[0]);
        t->v[t->n++] = tensor_of_floats(str_c(p->v[i].name), shape, param_value(p, i));
    }
}

int model_save(Model *m, const Adam *adam, const ModelExtra *extra, size_t n_extra, Buf *out) {
    Arena scratch = { 0 };
    Buf settings, moments;
    buf_init(&settings, NOTE_MAX);
    buf_init(&moments, NOTE_MAX);
    Tensors t = { .v = arena_new_n(&scratch, Tensor, m->params.n_params + m->buffers.n_params + 2),
                  .notes = arena_new_n(&scratch, TensorNote, n_extra + 2) };
    write_settings(&m->s, &settings);
    t.notes[t.n_notes++] = (TensorNote){ S("finsight.model"), buf_str(&settings) };
    list_params(&m->params, &t);
    list_params(&m->buffers, &t);
    if (adam) {
        const size_t shape[] = { adam->n, 0 };
        write_adam(adam, &moments);
        t.notes[t.n_notes++] = (TensorNote){ S("finsight.adam"), buf_str(&moments) };
        t.v[t.n++] = tensor_of_floats(S("adam.m"), shape, adam->m);
        t.v[t.n++] = tensor_of_floats(S("adam.v"), shape, adam->v);
    }
    for (size_t i = 0; i < n_extra; i++)
        t.notes[t.n_notes++] =
            (TensorNote){ str_fmt(&scratch, "extra." STR_FMT, STR_ARG(extra[i].key)), extra[i].value };
    int e = tensors_write(&t, out);
    buf_done(&settings);
    buf_done(&moments);
    arena_done(&scratch);
    return e;
}

/* Every tensor of p is there, with its shape and of floats: reading it then cannot fail. */
static int check_params(Ctx *cx, const Tensors *t, const Params *p) {
    for (size_t i = 0; i < p->n_params; i++) {
        const Tensor *v = tensors_find(t, str_c(p->v[i].name));
        if (!v)
            return err_set(cx, ERR_CORRUPT, "model: no tensor '%s'", p->v[i].name);
        if (v->rank != p->v[i].rank || memcmp(v->shape, p->v[i].shape, (size_t)v->rank * sizeof v->shape[0]) != 0)
            return err_set(cx, ERR_CORRUPT, "model: tensor '%s' has another shape than the settings give it",
                           p->v[i].name);
        int e = tensor_floats(cx, v, v->n, NULL);
        if (e != 0)
            return e;
    }
    return 0;
}

static int check_tensors(Ctx *cx, const Tensors *t, const Model *m) {
    int e = check_params(cx, t, &m->params);
    return e != 0 ? e : check_params(cx, t, &m->buffers);
}

static int load_adam(Ctx *cx, const Tensors *t, size_t n, Adam *adam) {
    const Tensor *first = tensors_find(t, S("adam.m")), *second = tensors_find(t, S("adam.v"));
    Str text;
    if (!first || !second || !tensors_note(t, S("finsight.adam"), &text))
        return err_set(cx, ERR_NOT_FOUND, "model: saved without its optimiser's state: training cannot go on from it");
    Adam a;
    adam_init(&a, n);
    int e = read_adam(cx, text, &a);
    if (e == 0)
        e = tensor_floats(cx, first, n, a.m);
    if (e == 0)
        e = tensor_floats(cx, second, n, a.v);
    if (e == 0)
        *adam = a;
    else
        adam_done(&a);
    return e;
}

static void load_params(Ctx *cx, const Tensors *t, Params *p) {
    for (size_t i = 0; i < p->n_params; i++) {
        int e = tensor_floats(cx, tensors_find(t, str_c(p->v[i].name)), p->v[i].n, param_value(p, i));
        assert(e == 0 && "checked before");
        UNUSED(e);
    }
}

/* What check_tensors has passed. The optimiser first: it alone can still fail. */
static int load_tensors(Ctx *cx, const Tensors *t, Model *m, Adam *adam) {
    int e = adam ? load_adam(cx, t, m->params.n, adam) : 0;
    if (e != 0)
        return e;
    load_params(cx, t, &m->params);
    load_params(cx, t, &m->buffers);
    return 0;
}

int model_load(Ctx *cx, Str bytes, const Nn *nn, Model **out, Adam *adam) {
    Tensors t;
    ModelSettings s;
    Str text;
    int e = tensors_read(cx, bytes, &t);
    if (e != 0)
        return e;
    if (!tensors_note(&t, S("finsight.model"), &text))
        return err_set(cx, ERR_CORRUPT, "model: tensors without the settings of a model of ours");
    CLEANUP(model_freep) Model *m = NULL;
    if ((e = read_settings(cx, text, &s)) != 0)
        return e;
    if (model_lay_out(cx, &s, nn, &m) != 0)
        return err_prefix(cx, "model: its settings: "), cx->err.code = ERR_CORRUPT;
    if ((e = check_tensors(cx, &t, m)) != 0) /* before any memory is taken on the word of the settings */
        return e;
    params_seal(&m->params);
    params_seal(&m->buffers);
    if ((e = load_tensors(cx, &t, m, adam)) != 0)
        return e;
    *out = TAKE(m);
    return 0;
}

int model_load_into(Ctx *cx, Str bytes, Model *m, Adam *adam) {
    Tensors t;
    int e = tensors_read(cx, bytes, &t);
    if (e == 0)
        e = check_tensors(cx, &t, m);
    return e != 0 ? e : load_tensors(cx, &t, m, adam);
}

bool model_extra(Ctx *cx, Str bytes, Str key, Str *value) {
    Tensors t;
    return tensors_read(cx, bytes, &t) == 0 &&
           tensors_note(&t, str_fmt(cx->arena, "extra." STR_FMT, STR_ARG(key)), value);
}
