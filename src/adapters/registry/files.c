/* adapters/registry/files.c - the files of runs and models, in the object store. */

#include "adapters/registry/internal.h"

#include <stdlib.h>

enum { LIST_MAX = 100000 };

static int key_of(Registry *s, Ctx *cx, Str path, Str *out) {
    if (!s->files)
        return err_set(cx, ERR_UNSUPPORTED, "this registry keeps no files");
    *out = str_fmt(cx->arena, "models/" STR_FMT, STR_ARG(path));
    return 0;
}

static int absent(Ctx *cx, Str path) {
    return err_set(cx, ERR_NOT_FOUND, "No such artifact: '" STR_FMT "'", STR_ARG(path));
}

int do_file_put(ModelRegistry *r, Ctx *cx, Str path, Str bytes) {
    Registry *s = (Registry *)r;
    ObjectInfo info;
    Str key;
    int e = key_of(s, cx, path, &key);
    if (e == 0)
        e = object_put(s->files, cx, &(ObjectPut){ .key = key }, bytes, &info);
    return e;
}

int do_file_get(ModelRegistry *r, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got) {
    Registry *s = (Registry *)r;
    Str key;
    int e = key_of(s, cx, path, &key);
    if (e == 0)
        e = object_get(s->files, cx, key, (Str){ 0 }, at, n, out, got);
    return e == OBJECT_NONE ? absent(cx, path) : e;
}

int do_file_size(ModelRegistry *r, Ctx *cx, Str path, int64_t *out) {
    Registry *s = (Registry *)r;
    ObjectInfo info;
    Str key;
    int e = key_of(s, cx, path, &key);
    if (e == 0)
        e = object_head(s->files, cx, key, &info);
    if (e == OBJECT_NONE)
        return absent(cx, path);
    *out = e ? 0 : info.size;
    return e;
}

typedef int EachFile(void *arg, Ctx *cx, Str rest, const ObjectInfo *info); /* rest: behind the folder */

static int each_below(Registry *s, Ctx *cx, Str path, EachFile *fn, void *arg) {
    Str prefix, after = { 0 };
    bool more = true;
    size_t seen = 0;
    int e = key_of(s, cx, path, &prefix);
    if (e == 0 && path.n)
        prefix = str_fmt(cx->arena, STR_FMT "/", STR_ARG(prefix));
    while (e == 0 && more) {
        ObjectInfo *v;
        size_t n;
        e = object_list(s->files, cx, prefix, after, OBJECT_PAGE_MAX, &v, &n, &more);
        for (size_t i = 0; i < n && e == 0; i++)
            e = fn(arg, cx, str_from(v[i].key, prefix.n), &v[i]);
        if (e == 0 && n)
            after = v[n - 1].key;
        seen += n;
        if (e == 0 && seen > LIST_MAX)
            e = err_set(cx, ERR_LIMIT, "more than %d files lie below '" STR_FMT "'", LIST_MAX, STR_ARG(path));
    }
    return e;
}

typedef VEC(MlFile) Files;

static int list_one(void *arg, Ctx *cx, Str rest, const ObjectInfo *info) {
    Files *list = arg;
    ptrdiff_t slash = str_find_char(rest, '/');
    Str name = slash < 0 ? rest : str_first(rest, (size_t)slash);
    const MlFile *last = list->n ? &list->v[list->n - 1] : NULL;
    if (slash >= 0 && last && last->is_dir && str_eq(last->path, name)) /* what lies in one folder comes together */
        return 0;
    MlFile f = { .path = str_dup(cx->arena, name), .is_dir = slash >= 0, .size = slash < 0 ? info->size : 0 };
    vec_push_in(cx->arena, list, f);
    return 0;
}

static int by_path(const void *a, const void *b) {
    return str_cmp(((const MlFile *)a)->path, ((const MlFile *)b)->path);
}

int do_file_list(ModelRegistry *r, Ctx *cx, Str path, MlFile **out, size_t *n) {
    Files list = { 0 };
    int e = each_below((Registry *)r, cx, path, list_one, &list);
    if (e == 0 && list.n)
        qsort(list.v, list.n, sizeof *list.v, by_path);
    *out = list.v;
    *n = list.n;
    return e;
}

typedef VEC(Str) Keys;

static int take_key(void *arg, Ctx *cx, Str rest, const ObjectInfo *info) {
    UNUSED(rest);
    vec_push_in(cx->arena, (Keys *)arg, str_dup(cx->arena, info->key));
    return 0;
}

int files_remove_below(Registry *s, Ctx *cx, Str path, int64_t *n) {
    Keys keys = { 0 };
    Str key;
    if (!s->files)
        return 0;
    int e = key_of(s, cx, path, &key);
    if (e == 0)
        e = each_below(s, cx, path, take_key, &keys);
    vec_push_in(cx->arena, &keys, key);
    for (size_t i = 0; i < keys.n && e == 0; i++) {
        e = object_remove(s->files, cx, keys.v[i]);
        *n += e == 0;
        e = e == OBJECT_NONE ? 0 : e;
    }
    return e;
}

int do_file_remove(ModelRegistry *r, Ctx *cx, Str path) {
    int64_t n = 0;
    int e = files_remove_below((Registry *)r, cx, path, &n);
    return e == 0 && n == 0 ? absent(cx, path) : e;
}
