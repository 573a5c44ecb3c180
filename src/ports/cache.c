/* ports/cache.c - the checking wrapper around every cache. */

#include "ports/cache.h"

void cache_set_fault(Cache *c, CacheFault *fn, void *arg) {
    c->fault = fn;
    c->fault_arg = arg;
}

static int enter(Cache *c, Ctx *cx, const char *point) {
    assert(c && c->ops && cx);
    int r = ctx_check(cx);
    return r || !c->fault ? r : c->fault(c->fault_arg, cx, point);
}

static int check_key(Ctx *cx, Str key, const char *what) {
    if (key.n >= 1 && key.n <= CACHE_KEY_MAX)
        return 0;
    return err_set_at(cx, ERR_INVALID, S("key"), "a %s of a cache has 1 to %d bytes, not %zu", what, CACHE_KEY_MAX,
                      key.n);
}

int cache_get(Cache *c, Ctx *cx, Str key, CacheFound *found, CacheHit *out) {
    assert(found && out);
    CacheFound got = CACHE_MISS;
    CacheHit hit = { 0 };
    int r = enter(c, cx, "get");
    if (r == 0)
        r = check_key(cx, key, "key");
    if (r == 0)
        r = c->ops->get(c, cx, key, &got, &hit);
    if (r != 0)
        return r;
    assert((got == CACHE_MISS) == !hit.value);
    *found = got;
    if (got != CACHE_MISS)
        *out = hit;
    return 0;
}

int cache_put(Cache *c, Ctx *cx, const CacheEntry *e, CacheBlob *value) {
    assert(e && value && e->n_tags <= CACHE_TAGS_MAX && e->ttl_ms >= 0 && e->stale_ms >= 0);
    int r = enter(c, cx, "put");
    if (r == 0)
        r = check_key(cx, e->key, "key");
    for (size_t i = 0; r == 0 && i < e->n_tags; i++)
        r = check_key(cx, e->tags[i], "tag");
    if (r != 0)
        return r;
    if (value->n > CACHE_VALUE_MAX || e->ttl_ms + e->stale_ms <= 0)
        return CACHE_REFUSED;
    return c->ops->put(c, cx, e, value);
}

int cache_drop(Cache *c, Ctx *cx, Str key, size_t *n) {
    assert(n);
    int r = enter(c, cx, "drop");
    if (r == 0)
        r = check_key(cx, key, "key");
    return r ? r : c->ops->drop(c, cx, key, n);
}

int cache_drop_range(Cache *c, Ctx *cx, Str tag, Time from, Time to, size_t *n) {
    assert(n && from.ms < to.ms);
    int r = enter(c, cx, "drop");
    if (r == 0)
        r = check_key(cx, tag, "tag");
    return r ? r : c->ops->drop_range(c, cx, tag, from, to, n);
}

int cache_drop_tag(Cache *c, Ctx *cx, Str tag, size_t *n) {
    return cache_drop_range(c, cx, tag, TIME_MIN, TIME_MAX, n);
}

int cache_drop_pattern(Cache *c, Ctx *cx, Str pattern, size_t *n) {
    assert(n);
    int r = enter(c, cx, "drop");
    if (r == 0)
        r = check_key(cx, pattern, "pattern");
    return r ? r : c->ops->drop_pattern(c, cx, pattern, n);
}

void cache_stats(Cache *c, CacheStats *out) {
    c->ops->stats(c, out);
}

Cache *cache_close(Cache *c) {
    if (c)
        c->ops->close(c);
    return NULL;
}
