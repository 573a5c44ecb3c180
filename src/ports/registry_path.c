/* ports/registry_path.c - where a run's or a version's files lie, as a path that cannot lead out of the root. */

#include "ports/model_registry.h"

enum { ENCODED_TIMES = 8 };

/* One round of percent-decoding; false: there was nothing to decode. */
static bool decode_once(char *p, size_t *n) {
    size_t to = 0;
    bool found = false;
    for (size_t i = 0; i < *n; i++) {
        int high = i + 2 < *n ? hex_value(p[i + 1]) : -1, low = i + 2 < *n ? hex_value(p[i + 2]) : -1;
        if (p[i] == '%' && high >= 0 && low >= 0) {
            p[to++] = (char)(high << 4 | low);
            i += 2;
            found = true;
        } else {
            p[to++] = p[i];
        }
    }
    *n = to;
    return found;
}

static bool plain_path_ok(Str path) {
    Str rest = path, segment;
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] < 0x20 || path.p[i] == 0x7f || path.p[i] == '\\')
            return false;
    if (path.n == 0 || path.p[0] == '/' || path.p[path.n - 1] == '/')
        return false;
    if (path.n >= 2 && path.p[1] == ':' && (path.n == 2 || path.p[2] == '/')) /* a drive */
        return false;
    while (str_next(&rest, '/', &segment))
        if (segment.n == 0 || str_eq(segment, S(".")) || str_eq(segment, S("..")))
            return false;
    return true;
}

bool ml_path_ok(Str path) {
    char copy[ML_PATH_MAX];
    size_t n = path.n;
    if (n > sizeof copy || !plain_path_ok(path))
        return false;
    memcpy(copy, path.p, n);
    for (int i = 0; i < ENCODED_TIMES; i++)
        if (!decode_once(copy, &n))
            return plain_path_ok(str_n(copy, n));
    return false;
}

int ml_file_path(Ctx *cx, Str location, Str rel, Str *out) {
    Str scheme = S("mlflow-artifacts:"), root = location;
    if (!str_starts(location, scheme))
        return err_set_at(cx, ERR_INVALID, S("source"),
                          "\"" STR_FMT "\" lies outside of this registry: only mlflow-artifacts:/ can be read here",
                          STR_ARG(str_first(location, 120)));
    root = str_from(root, scheme.n);
    if (str_starts(root, S("//"))) { /* a host, which is us: the path begins behind it */
        ptrdiff_t slash;
        root = str_from(root, 2);
        slash = str_find_char(root, '/');
        root = slash < 0 ? (Str){ 0 } : str_from(root, (size_t)slash);
    }
    while (root.n && root.p[0] == '/')
        root = str_from(root, 1);
    while (root.n && root.p[root.n - 1] == '/')
        root.n--;
    *out = root.n && rel.n ? str_fmt(cx->arena, STR_FMT "/" STR_FMT, STR_ARG(root), STR_ARG(rel)) : root.n ? root : rel;
    return ml_path_ok(*out)
               ? 0
               : err_set_at(cx, ERR_INVALID, S("path"), "Invalid path: \"" STR_FMT "\"", STR_ARG(str_first(*out, 120)));
}

/* "runs:/RUN/a/b" -> RUN and "a/b". */
static bool split_uri(Str uri, Str scheme, Str *first, Str *rest) {
    if (!str_starts(uri, scheme))
        return false;
    Str s = str_from(uri, scheme.n);
    while (s.n && s.p[0] == '/')
        s = str_from(s, 1);
    str_next(&s, '/', first);
    *rest = s;
    return first->n > 0;
}

int ml_version_location(ModelRegistry *r, Ctx *cx, const MlVersion *v, Str *out) {
    enum { STEPS = 8 }; /* versions that were copied from versions */
    MlVersion at = *v;
    Str first, rest;
    for (int i = 0; i < STEPS; i++) {
        if (split_uri(at.source, S("runs:"), &first, &rest)) {
            MlRun run;
            int e = ml_run(r, cx, first, &run);
            if (e == 0)
                *out = rest.n ? str_fmt(cx->arena, STR_FMT "/" STR_FMT, STR_ARG(run.artifact_uri), STR_ARG(rest))
                              : run.artifact_uri;
            return e;
        }
        if (!split_uri(at.source, S("models:"), &first, &rest)) {
            *out = at.source;
            return 0;
        }
        int e = ml_version(r, cx, first, rest, &at);
        if (e)
            return e;
    }
    return err_set(cx, ERR_INVALID, "version " STR_FMT " of " STR_FMT " was copied in a circle", STR_ARG(v->version),
                   STR_ARG(v->name));
}
