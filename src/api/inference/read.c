/* api/inference/read.c - what a request of the open inference protocol says, from its JSON. */

#include "api/inference/internal.h"

static int bad_tensor(Ctx *cx, const char *words) {
    return err_set_at(cx, ERR_INVALID, S("inputs"), "inputs: %s", words);
}

static int read_shape(JsonReader *j, InferTensor *t) {
    int more;
    if (t->rank)
        return json_fail(j, "a shape twice");
    json_open_array(j);
    while ((more = json_array_next(j)) > 0) {
        if (t->rank == ARRAY_LEN(t->shape))
            return json_fail(j, "a shape of more than three numbers");
        if (json_read_i64(j, &t->shape[t->rank++]) != 0)
            return j->err;
    }
    return more;
}

/* No more than the model could want of one request: eight bytes for "0," of a body add up. */
static int put_number(JsonReader *j, Arena *arena, Str text, size_t most, InferTensor *t) {
    JsonReader number;
    if (t->n == t->cap) {
        size_t more = t->cap ? 2 * t->cap : 1024;
        if (t->n >= most)
            return json_fail(j, "more numbers than the model takes at once");
        t->data = arena_grow(arena, t->data, t->cap * sizeof *t->data, more * sizeof *t->data);
        t->cap = more;
    }
    json_reader_init(&number, text, arena, 1);
    return json_read_f64(&number, &t->data[t->n++]) == 0 ? 0 : json_fail(j, "a number out of the range of doubles");
}

/* Flat or nested, row by row: brackets inside are only looked at for their balance, which the reader sees to. */
static int read_data(JsonReader *j, Arena *arena, size_t most, InferTensor *t) {
    JsonToken token;
    int depth = 0;
    if (t->n)
        return json_fail(j, "data twice");
    do {
        int r = json_next(j, &token);
        if (r)
            return r;
        if (token.kind == JSON_ARRAY)
            depth++;
        else if (token.kind == JSON_ARRAY_END)
            depth--;
        else if (token.kind != JSON_NUMBER || depth == 0)
            return json_fail(j, "data that are not numbers");
        else if ((r = put_number(j, arena, token.text, most, t)) != 0)
            return r;
    } while (depth > 0);
    return 0;
}

static int read_tensor(JsonReader *j, Arena *arena, size_t most, InferTensor *t) {
    Str key;
    int more;
    json_open_object(j);
    while ((more = json_object_next(j, &key)) > 0) {
        int r = str_eq(key, S("name"))       ? json_read_str(j, &t->name)
                : str_eq(key, S("datatype")) ? json_read_str(j, &t->type)
                : str_eq(key, S("shape"))    ? read_shape(j, t)
                : str_eq(key, S("data"))     ? read_data(j, arena, most, t)
                                             : json_skip(j);
        if (r)
            return r;
    }
    return more;
}

/* The one input "x", of the shape that the model wants. */
int infer_read_input(Ctx *cx, Str inputs, const ForecastShape *s, InferTensor *t) {
    JsonReader j;
    size_t seen = 0, most = mem_mul(mem_mul(INFER_WINDOWS_MAX, s->look_back), s->n_channels);
    *t = (InferTensor){ 0 };
    json_reader_init(&j, inputs, cx->arena, 8);
    json_open_array(&j);
    while (json_array_next(&j) > 0) {
        if (seen++)
            return bad_tensor(cx, "one tensor is wanted, \"x\"");
        if (read_tensor(&j, cx->arena, most, t))
            break;
    }
    if (j.err)
        return bad_tensor(cx, j.why ? j.why : "they cannot be read");
    if (!seen || (t->name.n && !str_eq(t->name, S("x"))))
        return bad_tensor(cx, "the model has one input, \"x\"");
    if (!str_eq(t->type, S("FP64")) && !str_eq(t->type, S("FP32")) && !str_eq(t->type, S("INT64")))
        return err_set_at(cx, ERR_UNSUPPORTED, S("inputs"),
                          "inputs: the datatype " STR_FMT " is not read here; FP64, FP32 and INT64 are",
                          STR_ARG(t->type));
    bool fits = t->rank == 3 && t->shape[0] >= 1 && t->shape[0] <= INFER_WINDOWS_MAX &&
                t->shape[1] == (int64_t)s->look_back && t->shape[2] == (int64_t)s->n_channels;
    if (!fits)
        return err_set_at(cx, ERR_INVALID, S("inputs"),
                          "inputs: the shape must be [1 to %d, %zu, %zu]: windows, rows of the look-back, columns",
                          INFER_WINDOWS_MAX, s->look_back, s->n_channels);
    size_t want = (size_t)t->shape[0] * s->look_back * s->n_channels;
    if (t->n != want)
        return err_set_at(cx, ERR_INVALID, S("inputs"), "inputs: the shape asks for %zu numbers, there are %zu", want,
                          t->n);
    return 0;
}

/* --- parameters, and the outputs that are wanted --- */

int infer_read_level(Ctx *cx, Str parameters, double *level) {
    JsonReader j;
    Str key;
    *level = 0;
    if (!parameters.n)
        return 0;
    json_reader_init(&j, parameters, cx->arena, 4);
    json_open_object(&j);
    while (json_object_next(&j, &key) > 0)
        if (str_eq(key, S("level")) && json_read_f64(&j, level))
            break;
    return j.err ? err_set_at(cx, ERR_INVALID, S("parameters"), "parameters: %s", j.why ? j.why : "cannot be read") : 0;
}

int infer_read_wanted(Ctx *cx, Str outputs, unsigned *wanted) {
    static const char *const names[] = { "forecast", "low", "high" };
    JsonReader j;
    *wanted = outputs.n ? 0 : INFER_FORECAST | INFER_LOW | INFER_HIGH;
    if (!outputs.n)
        return 0;
    json_reader_init(&j, outputs, cx->arena, 4);
    json_open_array(&j);
    while (json_array_next(&j) > 0) {
        Str key, name = { 0 };
        unsigned found = 0;
        json_open_object(&j);
        while (json_object_next(&j, &key) > 0)
            if (str_eq(key, S("name")))
                json_read_str(&j, &name);
        for (unsigned i = 0; i < ARRAY_LEN(names); i++)
            found |= str_eq(name, str_c(names[i])) ? 1u << i : 0;
        if (!j.err && !found)
            return err_set_at(cx, ERR_INVALID, S("outputs"),
                              "outputs: there is no \"" STR_FMT "\"; forecast, low and high are",
                              STR_ARG(str_first(name, 80)));
        *wanted |= found;
    }
    return j.err ? err_set_at(cx, ERR_INVALID, S("outputs"), "outputs: %s", j.why ? j.why : "cannot be read") : 0;
}
