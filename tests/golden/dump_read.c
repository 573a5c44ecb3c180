/* golden/dump_read.c - see dump_read.h. */

#include "golden/dump_read.h"

#include <math.h>

enum { DEPTH_MAX = 16 };

static int not_json(Ctx *cx, JsonReader *r, const char *what) {
    return err_set(cx, ERR_INVALID, "the dump's JSON, %s: %s", what, r->why ? r->why : "not what is due here");
}

int dump_members(Ctx *cx, Str json, Members *out) {
    JsonReader r;
    Str key;
    int more;
    size_t cap = 0;
    *out = (Members){ 0 };
    if (json.n == 0 || str_eq(json, S("null")))
        return 0;
    json_reader_init(&r, json, cx->arena, DEPTH_MAX);
    if (json_open_object(&r) != 0)
        return not_json(cx, &r, "an object");
    while ((more = json_object_next(&r, &key)) > 0) {
        if (out->n == cap) {
            size_t wider = MAX(2 * cap, 16);
            out->of = arena_grow(cx->arena, out->of, cap * sizeof(Member), wider * sizeof(Member));
            cap = wider;
        }
        Member *m = &out->of[out->n++];
        m->key = key;
        if (json_skip_raw(&r, &m->json) < 0)
            return not_json(cx, &r, "an object");
    }
    return more < 0 || json_finish(&r) < 0 ? not_json(cx, &r, "an object") : 0;
}

Str dump_member(const Members *m, const char *key) {
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(m->of[i].key, str_c(key)))
            return m->of[i].json;
    return (Str){ 0 };
}

int dump_str(Ctx *cx, const Members *m, const char *key, Str *out) {
    JsonReader r;
    json_reader_init(&r, dump_member(m, key), cx->arena, 1);
    return json_read_str(&r, out) < 0 ? err_set(cx, ERR_INVALID, "the dump has no %s", key) : 0;
}

int dump_number(Ctx *cx, Str json, double *out) {
    JsonReader r;
    json_reader_init(&r, json, cx->arena, 1);
    return json_read_f64(&r, out) < 0 ? err_set(cx, ERR_INVALID, STR_FMT " is no number", STR_ARG(json)) : 0;
}

int dump_size(Ctx *cx, const Members *m, const char *key, size_t standard, size_t *out) {
    Str json = dump_member(m, key);
    double v = (double)standard;
    if (json.n > 0 && !str_eq(json, S("null")) && dump_number(cx, json, &v) < 0)
        return err_prefix(cx, "%s: ", key);
    if (!(v >= 0 && v <= 1e9 && v == floor(v)))
        return err_set(cx, ERR_INVALID, "the dump's %s is %g, not a count", key, v);
    *out = (size_t)v;
    return 0;
}

int dump_strings(Ctx *cx, Str json, Str **out, size_t *n) {
    JsonReader r;
    int more;
    *n = 0;
    *out = arena_new_n(cx->arena, Str, json.n / 2 + 1);
    json_reader_init(&r, json, cx->arena, 2);
    json_open_array(&r);
    while ((more = json_array_next(&r)) > 0)
        if (json_read_str(&r, &(*out)[(*n)++]) < 0)
            return not_json(cx, &r, "a list of words");
    return more < 0 ? not_json(cx, &r, "a list of words") : 0;
}

int dump_numbers(Ctx *cx, Str json, double **out, size_t *n) {
    JsonReader r;
    int more;
    *n = 0;
    *out = arena_new_n(cx->arena, double, json.n / 2 + 1); /* a number takes a digit and a comma */
    json_reader_init(&r, json, cx->arena, 2);
    json_open_array(&r);
    while ((more = json_array_next(&r)) > 0) {
        double *v = &(*out)[(*n)++];
        *v = NAN;
        if (!json_read_null(&r) && json_read_f64(&r, v) < 0)
            return not_json(cx, &r, "a list of numbers");
    }
    return more < 0 || json_finish(&r) < 0 ? not_json(cx, &r, "a list of numbers") : 0;
}
