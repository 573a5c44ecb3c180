/* adapters/registry/mlflow_files.c - files of runs: through the MLflow server, or straight in the object store that it
 * uses. */

#include "adapters/registry/mlflow_internal.h"

#include "base/vec.h"

static const char artifacts[] = "mlflow-artifacts/artifacts";

static void split(Str path, Str *folder, Str *name) { /* "a/b/c" -> "a/b", "c" */
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    *folder = str_first(path, n ? n - 1 : 0);
    *name = str_from(path, n);
}

static int not_there(Ctx *cx, Str path) {
    return err_set(cx, ERR_NOT_FOUND, "there is no file " STR_FMT, STR_ARG(str_first(path, 200)));
}

/* --- through the server --- */

static int list_served(Mlflow *m, Ctx *cx, Str path, MlFile **out, size_t *n) {
    MlflowQuery q = { 0 };
    HttpResponse r;
    if (path.n)
        mlflow_query_put(&q, "path", path);
    int e = mlflow_get(m, cx, artifacts, &q, &r);
    if (e == ERR_NOT_FOUND) { /* a folder that is not there is empty */
        err_clear(cx);
        *out = NULL;
        *n = 0;
        return 0;
    }
    if (e)
        return e;
    e = mlflow_read_files(cx, r.body, out, n);
    for (size_t i = 0; e == 0 && i < *n; i++) /* names they should be; a path's last part in any case */
        split((*out)[i].path, &(Str){ 0 }, &(*out)[i].path);
    return e;
}

static int find_served(Mlflow *m, Ctx *cx, Str path, MlFile *out) {
    Str folder, name;
    MlFile *v;
    size_t n;
    split(path, &folder, &name);
    int e = list_served(m, cx, folder, &v, &n);
    if (e)
        return e;
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].path, name)) {
            *out = v[i];
            return 0;
        }
    return not_there(cx, path);
}

static int get_served(Mlflow *m, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got) {
    MlFile f;
    HttpResponse r;
    int e = find_served(m, cx, path, &f); /* a server says 500 of a file that is not there */
    if (e)
        return e;
    if (f.is_dir)
        return not_there(cx, path);
    *got = 0;
    if (n == 0 || at >= f.size)
        return 0;
    ArenaMark mark = arena_mark(cx->arena);
    MlflowCall c = { .method = "GET",
                     .path = artifacts,
                     .file = path,
                     .reads = true,
                     .answer_max = (size_t)f.size + 4096,
                     .timeout_ms = 10 * m->o.timeout_ms,
                     .range = str_fmt(cx->arena, "bytes=%lld-%lld", (long long)at,
                                      (long long)MIN(at + (int64_t)n, f.size) - 1) };
    e = mlflow_call(m, cx, &c, &r);
    Str bytes = e ? (Str){ 0 } : r.status == 206 ? str_first(r.body, n) : str_first(str_from(r.body, (size_t)at), n);
    if (e == 0 && r.status != 206 && (int64_t)r.body.n != f.size)
        e = err_set(cx, ERR_COLLECTION, STR_FMT " has %lld bytes, and the MLflow server gave %zu",
                    STR_ARG(str_first(path, 200)), (long long)f.size, r.body.n);
    if (e == 0 && bytes.n)
        memcpy(out, bytes.p, bytes.n);
    *got = bytes.n;
    arena_rewind(cx->arena, mark);
    return e;
}

static int put_served(Mlflow *m, Ctx *cx, Str path, Str bytes) {
    HttpResponse r;
    MlflowCall c = { .method = "PUT",
                     .path = artifacts,
                     .file = path,
                     .body = bytes,
                     .type = S("application/octet-stream"),
                     .reads = true, /* the same bytes again are the same file */
                     .timeout_ms = 10 * m->o.timeout_ms };
    return mlflow_call(m, cx, &c, &r);
}

static int remove_served(Mlflow *m, Ctx *cx, Str path) {
    MlflowCall c = { .method = "DELETE", .path = artifacts, .file = path };
    HttpResponse r;
    return mlflow_call(m, cx, &c, &r);
}

/* --- in the object store --- */

static int put_stored(Mlflow *m, Ctx *cx, Str path, Str bytes) {
    ObjectPut p = { .key = path };
    int e = object_put(m->o.files, cx, &p, bytes, NULL);
    return e > 0 ? err_set(cx, ERR_CONFLICT, STR_FMT " was changed meanwhile", STR_ARG(path)) : e;
}

static int get_stored(Mlflow *m, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got) {
    int e = object_get(m->o.files, cx, path, (Str){ 0 }, at, n, out, got);
    return e > 0 ? not_there(cx, path) : e;
}

static int size_stored(Mlflow *m, Ctx *cx, Str path, int64_t *out) {
    ObjectInfo info;
    int e = object_head(m->o.files, cx, path, &info);
    if (e == 0)
        *out = info.size;
    return e > 0 ? not_there(cx, path) : e;
}

typedef int StoredEach(void *arg, Mlflow *m, Ctx *cx, Str folder, const ObjectInfo *o);

/* Every object below the folder, in the order of their keys. */
static int each_below(Mlflow *m, Ctx *cx, Str folder, StoredEach *fn, void *arg) {
    Str prefix = folder.n ? str_fmt(cx->arena, STR_FMT "/", STR_ARG(folder)) : folder, after = { 0 };
    for (bool more = true; more;) {
        ObjectInfo *v;
        size_t n;
        int e = object_list(m->o.files, cx, prefix, after, 0, &v, &n, &more);
        for (size_t i = 0; e == 0 && i < n; i++)
            e = fn(arg, m, cx, prefix, &v[i]);
        if (e)
            return e;
        if (n)
            after = v[n - 1].key;
    }
    return 0;
}

typedef VEC(MlFile) Files;

static int add_entry(void *arg, Mlflow *m, Ctx *cx, Str prefix, const ObjectInfo *o) {
    Files *files = arg;
    Str rest = str_from(o->key, prefix.n);
    ptrdiff_t slash = str_find_char(rest, '/');
    Str name = slash < 0 ? rest : str_first(rest, (size_t)slash);
    UNUSED(m);
    if (slash >= 0 && files->n && files->v[files->n - 1].is_dir && str_eq(files->v[files->n - 1].path, name))
        return 0;
    vec_push_in(cx->arena, files, ((MlFile){ .path = name, .is_dir = slash >= 0, .size = slash < 0 ? o->size : 0 }));
    return 0;
}

static int remove_entry(void *arg, Mlflow *m, Ctx *cx, Str prefix, const ObjectInfo *o) {
    UNUSED(arg);
    UNUSED(prefix);
    int e = object_remove(m->o.files, cx, o->key);
    return e > 0 ? 0 : e;
}

static int remove_stored(Mlflow *m, Ctx *cx, Str path) {
    int e = object_remove(m->o.files, cx, path);
    return e < 0 ? e : each_below(m, cx, path, remove_entry, NULL);
}

/* --- the port --- */

int mlflow_file_put(ModelRegistry *r, Ctx *cx, Str path, Str bytes) {
    Mlflow *m = (Mlflow *)r;
    return m->o.files ? put_stored(m, cx, path, bytes) : put_served(m, cx, path, bytes);
}

int mlflow_file_get(ModelRegistry *r, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got) {
    Mlflow *m = (Mlflow *)r;
    return m->o.files ? get_stored(m, cx, path, at, n, out, got) : get_served(m, cx, path, at, n, out, got);
}

int mlflow_file_size(ModelRegistry *r, Ctx *cx, Str path, int64_t *out) {
    Mlflow *m = (Mlflow *)r;
    MlFile f;
    if (m->o.files)
        return size_stored(m, cx, path, out);
    int e = find_served(m, cx, path, &f);
    if (e == 0 && f.is_dir)
        e = not_there(cx, path);
    if (e == 0)
        *out = f.size;
    return e;
}

int mlflow_file_list(ModelRegistry *r, Ctx *cx, Str path, MlFile **out, size_t *n) {
    Mlflow *m = (Mlflow *)r;
    Files files = { 0 };
    if (!m->o.files)
        return list_served(m, cx, path, out, n);
    int e = each_below(m, cx, path, add_entry, &files);
    *out = files.v;
    *n = files.n;
    return e;
}

int mlflow_file_remove(ModelRegistry *r, Ctx *cx, Str path) {
    Mlflow *m = (Mlflow *)r;
    return m->o.files ? remove_stored(m, cx, path) : remove_served(m, cx, path);
}
