/* ports/object_store.c - the checking wrapper around every object store. */

#include "ports/object_store.h"

#include "base/utf8.h"

void object_store_set_fault(ObjectStore *s, ObjectStoreFault *fn, void *arg) {
    s->fault = fn;
    s->fault_arg = arg;
}

static int enter(ObjectStore *s, Ctx *cx, const char *point) {
    assert(s && s->ops && cx && cx->arena);
    int r = ctx_check(cx);
    return r || !s->fault ? r : s->fault(s->fault_arg, cx, point);
}

static bool plain_text(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return utf8_valid(s);
}

static int check_key(Ctx *cx, Str key) {
    Str rest = key, segment;
    bool ok = key.n > 0 && key.n <= OBJECT_KEY_MAX && plain_text(key) && key.p[key.n - 1] != '/';
    while (ok && str_next(&rest, '/', &segment))
        ok = segment.n > 0 && segment.n <= OBJECT_SEGMENT_MAX && !str_eq(segment, S(".")) && !str_eq(segment, S(".."));
    return ok ? 0
              : err_set_at(cx, ERR_INVALID, S("key"),
                           "'" STR_FMT "' is not a key: 1 to %d bytes, segments of 1 to %d split by '/', not . or ..",
                           STR_ARG(str_first(key, 80)), OBJECT_KEY_MAX, OBJECT_SEGMENT_MAX);
}

static bool label_name(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' || s.p[i] == '_'))
            return false;
    return s.n > 0;
}

static int check_labels(Ctx *cx, const ObjectPut *put) {
    size_t bytes = 0;
    for (size_t i = 0; i < put->n_labels; i++) {
        if (!label_name(put->labels[i].name) || !plain_text(put->labels[i].value))
            return err_set_at(cx, ERR_INVALID, S("labels"), "label %zu is not a lower-case name with plain text", i);
        bytes += put->labels[i].name.n + put->labels[i].value.n;
    }
    if (put->n_labels > OBJECT_LABELS_MAX || bytes > OBJECT_LABELS_BYTES)
        return err_set_at(cx, ERR_INVALID, S("labels"), "more than %d labels or %d bytes of them", OBJECT_LABELS_MAX,
                          OBJECT_LABELS_BYTES);
    return 0;
}

int object_put_begin(ObjectStore *s, Ctx *cx, const ObjectPut *put, ObjectWriter **out) {
    assert(put && out && !(put->if_absent && put->if_etag.n));
    int r = enter(s, cx, "put_begin");
    if (r == 0)
        r = check_key(cx, put->key);
    if (r == 0)
        r = check_labels(cx, put);
    if (r == 0)
        r = s->ops->put_begin(s, cx, put, out);
    if (r == 0)
        (*out)->store = s;
    return r;
}

int object_put_data(ObjectWriter *w, Ctx *cx, Str bytes) {
    int r = enter(w->store, cx, "put_data");
    return r || bytes.n == 0 ? r : w->store->ops->put_data(w, cx, bytes);
}

int object_put_end(ObjectWriter *w, Ctx *cx, ObjectInfo *out) {
    int r = enter(w->store, cx, "put_end");
    if (r) {
        object_put_abort(w);
        return r;
    }
    ObjectInfo info = { 0 };
    r = w->store->ops->put_end(w, cx, &info);
    if (r == 0 && out)
        *out = info;
    return r;
}

ObjectWriter *object_put_abort(ObjectWriter *w) {
    if (w)
        w->store->ops->put_abort(w);
    return NULL;
}

int object_put(ObjectStore *s, Ctx *cx, const ObjectPut *put, Str bytes, ObjectInfo *out) {
    ObjectWriter *w;
    int r = object_put_begin(s, cx, put, &w);
    if (r)
        return r;
    r = object_put_data(w, cx, bytes);
    if (r)
        object_put_abort(w);
    return r ? r : object_put_end(w, cx, out);
}

int object_head(ObjectStore *s, Ctx *cx, Str key, ObjectInfo *out) {
    int r = enter(s, cx, "head");
    if (r == 0)
        r = check_key(cx, key);
    ObjectInfo info = { 0 };
    if (r == 0)
        r = s->ops->head(s, cx, key, &info);
    if (r == 0)
        *out = info;
    return r;
}

int object_get(ObjectStore *s, Ctx *cx, Str key, Str etag, int64_t at, size_t n, char *out, size_t *got) {
    assert(at >= 0 && got);
    int r = enter(s, cx, "get");
    if (r == 0)
        r = check_key(cx, key);
    return r ? r : s->ops->get(s, cx, key, etag, at, n, out, got);
}

int object_get_all(ObjectStore *s, Ctx *cx, Str key, size_t max, Str *out) {
    ObjectInfo info;
    char sum[SHA256_HEX + 1];
    int r = object_head(s, cx, key, &info);
    if (r)
        return r;
    if (info.size < 0 || (uint64_t)info.size > max)
        return err_set(cx, ERR_TOO_LARGE, STR_FMT " has %lld bytes, more than %zu", STR_ARG(key), (long long)info.size,
                       max);
    char *p = arena_alloc(cx->arena, (size_t)info.size + 1);
    size_t got = 0;
    r = object_get(s, cx, key, str_c(info.etag), 0, (size_t)info.size, p, &got);
    if (r)
        return r;
    p[got] = '\0';
    sha256_hex(str_n(p, got), sum);
    if (got != (size_t)info.size || (info.sha256[0] && strcmp(sum, info.sha256) != 0))
        return err_set(cx, ERR_CORRUPT, STR_FMT ": its bytes are not those that were stored", STR_ARG(key));
    *out = str_n(p, got);
    return 0;
}

int object_list(ObjectStore *s, Ctx *cx, Str prefix, Str after, size_t limit, ObjectInfo **out, size_t *n, bool *more) {
    assert(out && n && more);
    int r = enter(s, cx, "list");
    size_t most = limit == 0 || limit > OBJECT_PAGE_MAX ? OBJECT_PAGE_MAX : limit;
    ObjectInfo *v = NULL;
    size_t count = 0;
    bool rest = false;
    if (r == 0 && (prefix.n > OBJECT_KEY_MAX || !plain_text(prefix)))
        r = err_set_at(cx, ERR_INVALID, S("prefix"), "no key begins like that");
    if (r == 0)
        r = s->ops->list(s, cx, prefix, after, most, &v, &count, &rest);
    for (size_t i = 0; r == 0 && i < count; i++)
        if (!str_starts(v[i].key, prefix) || str_cmp(v[i].key, i ? v[i - 1].key : after) <= 0)
            r = err_set(cx, ERR_INTERNAL, "%s: its list is out of order", s->ops->name);
    if (r)
        return r;
    *out = v;
    *n = count;
    *more = rest;
    return 0;
}

int object_remove(ObjectStore *s, Ctx *cx, Str key) {
    int r = enter(s, cx, "remove");
    if (r == 0)
        r = check_key(cx, key);
    return r ? r : s->ops->remove(s, cx, key);
}

ObjectStore *object_store_close(ObjectStore *s) {
    if (s)
        s->ops->close(s);
    return NULL;
}

Str object_label(const ObjectInfo *info, Str name) {
    for (size_t i = 0; i < info->n_labels; i++)
        if (str_eq(info->labels[i].name, name))
            return info->labels[i].value;
    return (Str){ 0 };
}
