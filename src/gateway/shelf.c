/* gateway/shelf.c - see shelf.h.
 *
 * A kept answer is a head, then for each field two lengths and its texts, then the body. blob->flags says which of the
 * three things a blob is. Every entry has two tags: its service, and its base, by which all its forms go together. */

#include "gateway/shelf.h"

#include "base/hash.h"
#include "base/mem.h"
#include "policy/surrogate.h"

enum { BLOB_ANSWER, BLOB_VARY, BLOB_PASS };
enum { QUERY_MEMBERS_MAX = 64, TAG_TEXT = 24 };

typedef struct Head {
    int32_t status;
    uint32_t n_fields, etag, last_modified; /* numbers of fields; n_fields: none */
    int64_t age_ms, fresh_ms, while_ms, error_ms;
    uint64_t for_all;
} Head;

struct Shelf {
    MemoryCache *cache;
    uint64_t seed;
};

Shelf *shelf_new(size_t max_bytes, uint64_t seed) {
    Shelf *s = mem_new(Shelf);
    s->seed = seed;
    s->cache = memory_cache_new(&(MemoryCacheOptions){ .max_bytes = max_bytes, .policy = CACHE_TINYLFU, .seed = seed });
    return s;
}

Shelf *shelf_free(Shelf *s) {
    if (!s)
        return NULL;
    memory_cache_free(s->cache);
    return mem_free(s);
}

/* --- keys --- */

static Str member_name(Str member) {
    ptrdiff_t equals = str_find_char(member, '=');
    return equals < 0 ? member : str_first(member, (size_t)equals);
}

/* Stable, so that the members of one name keep their order, which has a meaning. */
static size_t sort_members(Str query, Str *v) {
    size_t n = 0;
    Str member;
    while (str_next(&query, '&', &member)) {
        if (n == QUERY_MEMBERS_MAX)
            return SIZE_MAX;
        size_t at = n++;
        for (; at > 0 && str_cmp(member_name(v[at - 1]), member_name(member)) > 0; at--)
            v[at] = v[at - 1];
        v[at] = member;
    }
    return n;
}

static char *put(char *to, Str s) {
    memcpy(to, s.n ? s.p : "", s.n);
    return to + s.n;
}

Str shelf_base(Arena *a, Str service, Str host, Str path, Str query) {
    Str v[QUERY_MEMBERS_MAX];
    size_t all = service.n + host.n + path.n + query.n + 4;
    size_t n = query.p ? sort_members(query, v) : 0;
    if (n == SIZE_MAX || all > CACHE_KEY_MAX / 2)
        return (Str){ 0 };
    char *start = arena_alloc(a, all), *to = put(put(start, service), S("\n"));
    to = put(put(put(to, host), S("\n")), path);
    if (query.p)
        to = put(to, S("?"));
    for (size_t i = 0; i < n; i++)
        to = put(put(to, i ? S("&") : S("")), v[i]);
    return str_n(start, (size_t)(to - start));
}

/* Empty when it is too long. */
static Str key_of(Arena *a, Str base, Str who, Str values) {
    size_t n = base.n + who.n + values.n + 2;
    if (n > CACHE_KEY_MAX)
        return (Str){ 0 };
    char *start = arena_alloc(a, n), *to = put(put(start, base), S("\t"));
    to = put(put(put(to, who), S("\t")), values);
    return str_n(start, (size_t)(to - start));
}

static Str base_tag(const Shelf *s, Str base, char text[static TAG_TEXT]) {
    static const char digits[] = "0123456789abcdef";
    uint64_t h = hash64_str(base, s->seed);
    char *to = put(text, S("base:"));
    for (int shift = 60; shift >= 0; shift -= 4)
        *to++ = digits[h >> shift & 15];
    return str_n(text, (size_t)(to - text));
}

static Str key_tag(Arena *a, Str surrogate) {
    return str_fmt(a, "key:" STR_FMT, STR_ARG(surrogate));
}

/* Its names in Surrogate-Key. SIZE_MAX: more than it could be forgotten by. */
static size_t key_tags(Arena *a, const HttpField *fields, size_t n_fields, Str to[SHELF_KEYS_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < n_fields; i++) {
        Str rest = fields[i].value, key;
        if (!str_eq(fields[i].name, S("surrogate-key")))
            continue;
        while (str_next(&rest, ' ', &key)) {
            if (!surrogate_valid(key))
                continue; /* none that could be asked for */
            if (n == SHELF_KEYS_MAX)
                return SIZE_MAX;
            to[n++] = key_tag(a, key);
        }
    }
    return n;
}

/* --- entries --- */

static CacheBlob *blob_make(const ShelfPut *p) {
    size_t n = sizeof(Head) + p->body.n;
    for (size_t i = 0; i < p->n_fields; i++)
        n += 2 * sizeof(uint32_t) + p->fields[i].name.n + p->fields[i].value.n;
    CacheBlob *b = cache_blob_new(n);
    b->flags = BLOB_ANSWER;
    Head h = { .status = p->status,
               .n_fields = (uint32_t)p->n_fields,
               .etag = (uint32_t)p->n_fields,
               .last_modified = (uint32_t)p->n_fields,
               .age_ms = p->plan->age_ms,
               .fresh_ms = p->plan->fresh_ms,
               .while_ms = p->plan->while_ms,
               .error_ms = p->plan->error_ms,
               .for_all = p->plan->for_all };
    char *to = b->bytes + sizeof h;
    for (size_t i = 0; i < p->n_fields; i++) {
        const HttpField *f = &p->fields[i];
        uint32_t lengths[2] = { (uint32_t)f->name.n, (uint32_t)f->value.n };
        if (str_eq(f->name, S("etag")))
            h.etag = (uint32_t)i;
        else if (str_eq(f->name, S("last-modified")))
            h.last_modified = (uint32_t)i;
        memcpy(to, lengths, sizeof lengths);
        to = put(put(to + sizeof lengths, f->name), f->value);
    }
    memcpy(b->bytes, &h, sizeof h);
    put(to, p->body);
    return b;
}

void shelf_read(Arena *a, CacheBlob *blob, ShelfAnswer *out) {
    enum { ROOM = 16 }; /* for what the gateway says of itself */
    Head h;
    assert(blob->flags == BLOB_ANSWER && blob->n >= sizeof h);
    memcpy(&h, blob->bytes, sizeof h);
    HttpField *fields = arena_alloc(a, (h.n_fields + ROOM) * sizeof *fields);
    char *at = blob->bytes + sizeof h;
    for (size_t i = 0; i < h.n_fields; i++) {
        uint32_t lengths[2];
        memcpy(lengths, at, sizeof lengths);
        at += sizeof lengths;
        fields[i] = (HttpField){ str_n(at, lengths[0]), str_n(at + lengths[0], lengths[1]) };
        at += (size_t)lengths[0] + lengths[1];
    }
    *out = (ShelfAnswer){ .status = h.status,
                          .fields = fields,
                          .n_fields = h.n_fields,
                          .body = str_n(at, (size_t)(blob->bytes + blob->n - at)),
                          .etag = h.etag < h.n_fields ? fields[h.etag].value : (Str){ 0 },
                          .last_modified = h.last_modified < h.n_fields ? fields[h.last_modified].value : (Str){ 0 },
                          .age_ms = h.age_ms,
                          .left_ms = h.fresh_ms,
                          .while_ms = h.while_ms,
                          .error_ms = h.error_ms,
                          .for_all = h.for_all,
                          .blob = blob };
}

void shelf_done(ShelfAnswer *answer) {
    answer->blob = cache_blob_unref(answer->blob);
}

/* --- finding --- */

/* What lies under one of the two places of a base: for all, or for one key. */
static ShelfFound look(Shelf *s, Arena *a, const ShelfQuestion *q, Str who, MonoNs now, ShelfAnswer *out) {
    CacheHit hit;
    Str key = key_of(a, q->base, who, (Str){ 0 });
    CacheFound found = key.n ? memory_cache_get(s->cache, key, now, &hit) : CACHE_MISS;
    if (found != CACHE_MISS && hit.value->flags == BLOB_VARY) {
        Str values = vary_values(a, cache_blob_str(hit.value), q->head);
        cache_blob_unref(hit.value);
        key = key_of(a, q->base, who, values);
        found = key.n ? memory_cache_get(s->cache, key, now, &hit) : CACHE_MISS;
    }
    if (found == CACHE_MISS)
        return SHELF_MISS;
    if (hit.value->flags == BLOB_PASS) {
        cache_blob_unref(hit.value);
        return SHELF_PASS;
    }
    shelf_read(a, hit.value, out);
    out->age_ms += hit.age_ms;
    out->left_ms = hit.left_ms;
    return found == CACHE_FRESH ? SHELF_FRESH : SHELF_STALE;
}

ShelfFound shelf_find(Shelf *s, Arena *a, const ShelfQuestion *q, MonoNs now, ShelfAnswer *out) {
    ShelfFound found = look(s, a, q, (Str){ 0 }, now, out);
    if (found == SHELF_FRESH || found == SHELF_STALE) {
        if (!q->public_only || out->for_all)
            return found;
        shelf_done(out);
        found = SHELF_MISS;
    }
    if (!q->who.n)
        return found;
    ShelfFound own = look(s, a, q, q->who, now, out);
    return own == SHELF_MISS ? found : own;
}

/* --- keeping --- */

CacheToken shelf_token(const Shelf *s) {
    return memory_cache_token(s->cache);
}

typedef struct Place { /* what all blobs of one entry share */
    const KeepPlan *plan;
    Str tags[2 + SHELF_KEYS_MAX];
    size_t n_tags;
    CacheToken since;
} Place;

static void put_blob(Shelf *s, Str key, CacheBlob *b, const Place *at, int64_t longer_ms, MonoNs now) {
    const KeepPlan *plan = at->plan;
    int64_t stale = MAX(plan->while_ms, plan->error_ms);
    CacheEntry e = { .key = key,
                     .ttl_ms = plan->fresh_ms + longer_ms,
                     .stale_ms = MAX(stale, (int64_t)SHELF_VALIDATED_MS), /* so long it can be asked about */
                     .tags = at->tags,
                     .n_tags = at->n_tags };
    if (key.n)
        memory_cache_put(s->cache, &e, b, &at->since, now);
}

/* The entry under the names it varies by, and these under the base. */
static void shelve(Shelf *s, Arena *a, const ShelfQuestion *q, Str names, const ShelfPut *p, CacheBlob *b, MonoNs now) {
    char text[TAG_TEXT];
    Place at = { .plan = p->plan, .tags = { p->tag, base_tag(s, q->base, text) }, .since = p->since };
    size_t n_keys = key_tags(a, p->fields, p->n_fields, at.tags + 2);
    if (n_keys == SIZE_MAX)
        return;
    at.n_tags = 2 + n_keys;
    Str who = p->plan->for_all ? (Str){ 0 } : q->who;
    if (names.n) {
        CacheBlob *vary = cache_blob_of(names);
        vary->flags = BLOB_VARY;
        put_blob(s, key_of(a, q->base, who, (Str){ 0 }), vary, &at, SHELF_VALIDATED_MS, now);
        cache_blob_unref(vary);
    }
    Str values = names.n ? vary_values(a, names, q->head) : (Str){ 0 };
    put_blob(s, key_of(a, q->base, who, values), b, &at, 0, now);
}

CacheBlob *shelf_put(Shelf *s, Arena *a, const ShelfQuestion *q, const ShelfPut *p, MonoNs now) {
    Str names;
    if (!vary_names(a, p->fields, p->n_fields, &names))
        return NULL;
    CacheBlob *b = blob_make(p);
    if (p->plan->keep)
        shelve(s, a, q, names, p, b, now);
    return b;
}

void shelf_renew(Shelf *s, Arena *a, const ShelfQuestion *q, const ShelfRenew *r, ShelfAnswer *old, MonoNs now) {
    KeepPlan plan = *r->plan;
    plan.for_all = old->for_all;
    ShelfPut same = { &plan, old->status, old->fields, old->n_fields, old->body, r->tag, r->since };
    CacheBlob *b = shelf_put(s, a, q, &same, now);
    if (!b)
        return;
    ShelfAnswer fresh;
    shelf_read(a, b, &fresh);
    shelf_done(old);
    *old = fresh;
}

void shelf_pass(Shelf *s, const ShelfQuestion *q, MonoNs now) {
    Arena scratch = { 0 };
    CacheBlob *b = cache_blob_of(S("-"));
    b->flags = BLOB_PASS;
    char text[TAG_TEXT];
    Str tag = base_tag(s, q->base, text);
    CacheEntry e = {
        .key = key_of(&scratch, q->base, q->who, (Str){ 0 }), .ttl_ms = SHELF_PASS_MS, .tags = &tag, .n_tags = 1
    };
    if (e.key.n)
        memory_cache_put(s->cache, &e, b, NULL, now);
    cache_blob_unref(b);
    arena_done(&scratch);
}

/* --- forgetting --- */

size_t shelf_forget_tag(Shelf *s, Str tag) {
    return memory_cache_drop_tag(s->cache, tag);
}

size_t shelf_forget_key(Shelf *s, Str surrogate) {
    Arena scratch = { 0 };
    size_t n = memory_cache_drop_tag(s->cache, key_tag(&scratch, surrogate));
    arena_done(&scratch);
    return n;
}

size_t shelf_forget_base(Shelf *s, Str base) {
    char text[TAG_TEXT];
    return memory_cache_drop_tag(s->cache, base_tag(s, base, text));
}

size_t shelf_clear(Shelf *s) {
    return memory_cache_clear(s->cache);
}

void shelf_stats(const Shelf *s, MemoryCacheStats *out) {
    memory_cache_stats(s->cache, out);
}
