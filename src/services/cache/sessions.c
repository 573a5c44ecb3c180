/* services/cache/sessions.c - see sessions.h. The value: the ms at which it was made, 8 bytes little-endian, and the data. */

#include "services/cache/sessions.h"

enum { MADE_BYTES = 8 };

static Str key_of(Ctx *cx, Str id) {
    return str_fmt(cx->arena, "session:" STR_FMT, STR_ARG(id));
}

static int put(const Sessions *s, Ctx *cx, Str id, int64_t made_ms, Str data) {
    if (data.n > SESSION_DATA_MAX)
        return err_set(cx, ERR_TOO_LARGE, "a session holds at most %d bytes, not %zu", SESSION_DATA_MAX, data.n);
    int64_t left = MIN(s->idle_ms, made_ms + s->most_ms - clock_wall(cx->clock).ms);
    if (left <= 0)
        return SESSION_NONE;
    CacheBlob *b = cache_blob_new(MADE_BYTES + data.n);
    for (int i = 0; i < MADE_BYTES; i++)
        b->bytes[i] = (char)((uint64_t)made_ms >> 8 * i);
    if (data.n)
        memcpy(b->bytes + MADE_BYTES, data.p, data.n);
    int r = cache_put(s->cache, cx, &(CacheEntry){ .key = key_of(cx, id), .ttl_ms = left }, b);
    cache_blob_unref(b);
    return r == CACHE_REFUSED ? err_set(cx, ERR_LIMIT, "the session does not fit into the cache") : r;
}

/* Reads without prolonging. Ids that are none are not asked for. */
static int look(const Sessions *s, Ctx *cx, Str id, int64_t *made_ms, Str *data) {
    if (!uuid_valid(id))
        return SESSION_NONE;
    CacheFound found;
    CacheHit hit;
    int r = cache_get(s->cache, cx, key_of(cx, id), &found, &hit);
    if (r != 0)
        return r;
    if (found == CACHE_MISS)
        return SESSION_NONE;
    bool whole = hit.value->n >= MADE_BYTES;
    uint64_t made = 0;
    for (int i = 0; whole && i < MADE_BYTES; i++)
        made |= (uint64_t)(uint8_t)hit.value->bytes[i] << 8 * i;
    *made_ms = (int64_t)made;
    if (whole)
        *data = str_dup(cx->arena, str_from(cache_blob_str(hit.value), MADE_BYTES));
    cache_blob_unref(hit.value);
    return whole ? 0 : SESSION_NONE;
}

int session_begin(const Sessions *s, Ctx *cx, Str data, Str *id) {
    Str made = ids_uuid4(s->ids, cx->arena);
    int r = put(s, cx, made, clock_wall(cx->clock).ms, data);
    if (r == 0)
        *id = made;
    return r;
}

int session_get(const Sessions *s, Ctx *cx, Str id, Str *data) {
    int64_t made;
    Str found;
    int r = look(s, cx, id, &made, &found);
    if (r == 0)
        r = put(s, cx, id, made, found);
    if (r == 0)
        *data = found;
    return r;
}

int session_set(const Sessions *s, Ctx *cx, Str id, Str data) {
    int64_t made;
    Str before;
    int r = look(s, cx, id, &made, &before);
    return r == 0 ? put(s, cx, id, made, data) : r;
}

int session_end(const Sessions *s, Ctx *cx, Str id) {
    size_t n;
    return uuid_valid(id) ? cache_drop(s->cache, cx, key_of(cx, id), &n) : 0;
}
