/* adapters/article/docs.c - see docs.h. */

#include "adapters/article/docs.h"

static int64_t get64(const _Atomic int64_t *p) {
    return atomic_load_explicit(p, memory_order_relaxed);
}

static void add64(_Atomic int64_t *p, int64_t v) {
    atomic_fetch_add_explicit(p, v, memory_order_relaxed);
}

static DocChunk *chunk_of(const Docs *d, int64_t row) {
    if (row <= 0 || row >= (int64_t)DOC_CHUNK * DOC_CHUNKS)
        return NULL;
    return atomic_load_explicit(&d->chunks[row / DOC_CHUNK], memory_order_acquire);
}

unsigned doc_label_flag(Str label) {
    return str_eq(label, S("positive"))   ? DOC_POSITIVE
           : str_eq(label, S("negative")) ? DOC_NEGATIVE
           : str_eq(label, S("neutral"))  ? DOC_NEUTRAL
                                          : 0;
}

void docs_done(Docs *d) {
    for (size_t i = 0; i < DOC_CHUNKS; i++)
        mem_free(atomic_load_explicit(&d->chunks[i], memory_order_relaxed));
}

static DocChunk *make_chunk(Docs *d, int64_t row) {
    DocChunk *c = mem_alloc(sizeof *c);
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < DOC_CHUNK; i++)
        atomic_store_explicit(&c->flags[i], DOC_GONE, memory_order_relaxed);
    atomic_store_explicit(&d->chunks[row / DOC_CHUNK], c, memory_order_release);
    return c;
}

bool docs_set(Docs *d, int64_t row, const Doc *doc) {
    if (row <= 0 || row >= (int64_t)DOC_CHUNK * DOC_CHUNKS)
        return false;
    DocChunk *c = chunk_of(d, row);
    Doc was = docs_get(d, row);
    size_t i = (size_t)(row % DOC_CHUNK);
    unsigned words = MIN(doc->words, (unsigned)UINT16_MAX);
    if (!c)
        c = make_chunk(d, row);
    atomic_store_explicit(&c->published[i], doc->published, memory_order_relaxed);
    atomic_store_explicit(&c->words[i], (uint16_t)words, memory_order_relaxed);
    atomic_store_explicit(&c->flags[i], (uint8_t)doc->flags, memory_order_relaxed);
    add64(&d->n, (was.flags & DOC_GONE) ? 1 : 0);
    add64(&d->words, (int64_t)words - ((was.flags & DOC_GONE) ? 0 : (int64_t)was.words));
    if (row > docs_top(d))
        atomic_store_explicit(&d->top, row, memory_order_release);
    return true;
}

void docs_flags(Docs *d, int64_t row, unsigned flags) {
    DocChunk *c = chunk_of(d, row);
    if (c)
        atomic_store_explicit(&c->flags[row % DOC_CHUNK], (uint8_t)flags, memory_order_relaxed);
}

void docs_drop(Docs *d, int64_t row) {
    Doc was = docs_get(d, row);
    if (was.flags & DOC_GONE)
        return;
    docs_flags(d, row, DOC_GONE);
    add64(&d->n, -1);
    add64(&d->words, -(int64_t)was.words);
}

Doc docs_get(const Docs *d, int64_t row) {
    const DocChunk *c = chunk_of(d, row);
    if (!c)
        return (Doc){ .flags = DOC_GONE };
    size_t i = (size_t)(row % DOC_CHUNK);
    return (Doc){ get64(&c->published[i]), atomic_load_explicit(&c->words[i], memory_order_relaxed),
                  atomic_load_explicit(&c->flags[i], memory_order_relaxed) };
}

void docs_bounds(const Docs *d, int64_t from, int64_t to, int64_t *lo, int64_t *hi) {
    int64_t top = docs_top(d);
    *lo = 1;
    *hi = top;
    if (from == INT64_MIN && to == INT64_MAX)
        return;
    *lo = top + 1;
    *hi = 0;
    for (int64_t at = 0; at <= top; at += DOC_CHUNK) {
        const DocChunk *c = atomic_load_explicit(&d->chunks[at / DOC_CHUNK], memory_order_acquire);
        for (int64_t i = 0; c && i < DOC_CHUNK && at + i <= top; i++) {
            int64_t p = get64(&c->published[i]);
            if (p < from || p >= to || (atomic_load_explicit(&c->flags[i], memory_order_relaxed) & DOC_GONE))
                continue;
            *lo = MIN(*lo, at + i);
            *hi = at + i;
        }
    }
}
