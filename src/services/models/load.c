/* services/models/load.c - weights by their hash: from an object store beside us, else from the registry's files.
 *
 * The key of a cached object is the hash of its bytes, which is checked whenever it is read: several processes may use one
 * cache, and what a disk spoiled is fetched again. */

#include "services/models/internal.h"

#include <stdlib.h>

static bool is_hash(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (hex_value(s.p[i]) < 0)
            return false;
    return s.n == SHA256_HEX;
}

static bool has_hash(Str bytes, Str want) {
    char hex[SHA256_HEX + 1];
    sha256_hex(bytes, hex);
    return str_eq(str_c(hex), want);
}

/* --- the cache --- */

static int oldest_first(const void *a, const void *b) {
    int64_t x = ((const ObjectInfo *)a)->modified.ms, y = ((const ObjectInfo *)b)->modified.ms;
    return (x > y) - (x < y);
}

/* Takes away what was put first until `room` bytes fit. What cannot be removed stays: a cache is nobody's only copy. */
static void cache_clear(Models *m, Ctx *cx, size_t room) {
    ObjectInfo *v;
    int64_t total = (int64_t)room;
    size_t n;
    bool more;
    if (object_list(m->o.cache, cx, (Str){ 0 }, (Str){ 0 }, OBJECT_PAGE_MAX, &v, &n, &more) != 0)
        return;
    for (size_t i = 0; i < n; i++)
        total += v[i].size;
    if (n)
        qsort(v, n, sizeof *v, oldest_first);
    for (size_t i = 0; i < n && total > (int64_t)m->o.cache_max; i++)
        if (object_remove(m->o.cache, cx, v[i].key) == 0)
            total -= v[i].size;
}

static bool cache_get(Models *m, Ctx *cx, Str hash, Str *out) {
    bool good = m->o.cache && object_get_all(m->o.cache, cx, hash, m->o.weights_max, out) == 0 && has_hash(*out, hash);
    if (m->o.cache && !good)
        object_remove(m->o.cache, cx, hash); /* spoiled, or not there at all */
    err_clear(cx);
    return good;
}

/* That it could not be kept is nobody's failure. */
static void cache_put(Models *m, Ctx *cx, Str hash, Str bytes) {
    ObjectInfo info;
    if (!m->o.cache || bytes.n > m->o.cache_max)
        return;
    pthread_mutex_lock(&m->cache_lock);
    cache_clear(m, cx, bytes.n);
    object_put(m->o.cache, cx, &(ObjectPut){ .key = hash }, bytes, &info);
    pthread_mutex_unlock(&m->cache_lock);
    err_clear(cx);
}

/* --- loading --- */

static int fetch(Models *m, Ctx *cx, const ModelVersion *v, Str *out) {
    Str file = ml_tag(v->v.tags, v->v.n_tags, MODEL_TAG_FILE), path;
    int r = models_path(m, cx, &v->v, file.n ? file : S("weights"), &path);
    if (r == 0)
        r = ml_file_get_all(m->o.registry, cx, path, m->o.weights_max, out);
    if (r == ERR_NOT_FOUND)
        return err_set(cx, r, "the weights of " STR_FMT "/" STR_FMT " are gone: there is no file " STR_FMT,
                       STR_ARG(v->v.name), STR_ARG(v->v.version), STR_ARG(path));
    if (r == 0 && !has_hash(*out, v->sha256))
        return err_set(cx, ERR_CORRUPT,
                       "the weights of " STR_FMT "/" STR_FMT " are not those that were registered: their SHA-256 is "
                       "another one; register the model again",
                       STR_ARG(v->v.name), STR_ARG(v->v.version));
    return r;
}

int models_load(Models *m, Ctx *cx, const ModelVersion *v, ModelWeights *out) {
    MonoNs from = clock_mono(cx->clock);
    Artifact a;
    *out = (ModelWeights){ 0 };
    if (!is_hash(v->sha256))
        return err_set(cx, ERR_UNSUPPORTED,
                       STR_FMT "/" STR_FMT
                               " was not registered here: no hash of its weights is known, so they cannot be "
                               "checked",
                       STR_ARG(v->v.name), STR_ARG(v->v.version));
    Str bytes = { 0 };
    bool warm = cache_get(m, cx, v->sha256, &bytes);
    int r = warm ? 0 : fetch(m, cx, v, &bytes);
    if (r == 0)
        r = artifact_read(cx, bytes, &a);
    if (r)
        return r;
    if (!warm)
        cache_put(m, cx, v->sha256, bytes);
    *out = (ModelWeights){ bytes, warm, (double)(clock_mono(cx->clock).ns - from.ns) / 1e9 };
    return 0;
}
