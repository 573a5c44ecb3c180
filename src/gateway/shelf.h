#pragma once

/* gateway/shelf.h - answers of services, kept whole: policy/memory_cache.h with what HTTP wants of it.
 *
 * A question is a base (service, host, path, query with its names in order) and whoever asked. Under the base lies the
 * answer, or the names of the fields by which answers differ (Vary); then the answer lies under the base and what the
 * request has for them. What is not public lies under the id of whom it was for. A base may hold a mark instead: its
 * answers are not kept, so that the next does not wait for one to find out.
 *
 * What a service calls its answer (Surrogate-Key) are names to forget it by: shelf_forget_key.
 *
 * Threads: one (the loop's). Memory: SHELF options' bytes and no more; a hit is a reference. */

#include "gateway/freshness.h"
#include "policy/memory_cache.h"

typedef struct Shelf Shelf;

enum { SHELF_KEYS_MAX = CACHE_TAGS_MAX - 2 }; /* surrogate keys of an answer; one with more is not kept */
enum { SHELF_ENTRY_MAX = 1 << 20, SHELF_PASS_MS = 10 * 1000, SHELF_VALIDATED_MS = 10 * 60 * 1000 };

Shelf *shelf_new(size_t max_bytes, uint64_t seed);
Shelf *shelf_free(Shelf *s); /* NULL is fine */

typedef struct ShelfQuestion {
    Str base;             /* shelf_base */
    Str who;              /* id of the key it came for; empty: nobody's */
    bool public_only;     /* a cookie came with it */
    const HttpHead *head; /* what the answer may vary by */
} ShelfQuestion;

/* One text for one question: the query's members in order of their names, those of one name as they came. Empty when
 * it is too long to be kept. */
Str shelf_base(Arena *a, Str service, Str host, Str path, Str query);

typedef enum ShelfFound { SHELF_MISS, SHELF_PASS, SHELF_FRESH, SHELF_STALE } ShelfFound;

typedef struct ShelfAnswer {
    int status;
    HttpField *fields; /* in the arena; texts borrow from blob */
    size_t n_fields;
    Str body, etag, last_modified;
    int64_t age_ms, left_ms;    /* left_ms: fresh for; < 0: stale since */
    int64_t while_ms, error_ms; /* as KeepPlan */
    bool for_all;
    CacheBlob *blob; /* a reference: shelf_done */
} ShelfAnswer;

ShelfFound shelf_find(Shelf *s, Arena *a, const ShelfQuestion *q, MonoNs now, ShelfAnswer *out);
void shelf_done(ShelfAnswer *answer);

typedef struct ShelfPut {
    const KeepPlan *plan;
    int status;
    const HttpField *fields; /* as they are to be told again; names in lower case */
    size_t n_fields;
    Str body;
    Str tag;          /* of the service: shelf_forget_tag */
    CacheToken since; /* shelf_token, before it was asked for */
} ShelfPut;
/* Now, in changes: what was asked for before one of its kind is not kept after it. */
CacheToken shelf_token(const Shelf *s);
/* The entry, as a reference, whether or not there was room for it. NULL: it varies by what cannot be told. A plan that
 * keeps nothing gives the entry alone. */
CacheBlob *shelf_put(Shelf *s, Arena *a, const ShelfQuestion *q, const ShelfPut *p, MonoNs now);
/* The same with what is kept already: its life begins anew. */
typedef struct ShelfRenew {
    const KeepPlan *plan;
    Str tag;
    CacheToken since;
} ShelfRenew;
void shelf_renew(Shelf *s, Arena *a, const ShelfQuestion *q, const ShelfRenew *r, ShelfAnswer *old, MonoNs now);
void shelf_pass(Shelf *s, const ShelfQuestion *q, MonoNs now);
/* An answer told of blob, as if it had just been found. */
void shelf_read(Arena *a, CacheBlob *blob, ShelfAnswer *out);

size_t shelf_forget_tag(Shelf *s, Str tag);
size_t shelf_forget_key(Shelf *s, Str surrogate);
/* Whatever is kept of this base: for all, for each key, in each form. */
size_t shelf_forget_base(Shelf *s, Str base);
size_t shelf_clear(Shelf *s);
void shelf_stats(const Shelf *s, MemoryCacheStats *out);
