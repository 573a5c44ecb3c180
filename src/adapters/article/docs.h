#pragma once

/* adapters/article/docs.h - what ranking needs of every article, in memory: when it was published, how many words it has,
 * and a byte of flags. 11 bytes an article, read from the file at the first search.
 *
 * Rows are numbered as they were stored. Threads: any number read while one (the store's writer) adds and changes; what a
 * reader sees of a row is whole, and rows appear in order. */

#include "base/time.h"

#include <stdatomic.h>

enum {
    DOC_SIMULATED = 1,
    DOC_ESTIMATED = 2, /* the date */
    DOC_POSITIVE = 4,  /* the newest score's label: one of three, or none */
    DOC_NEGATIVE = 8,
    DOC_NEUTRAL = 16,
    DOC_LABELS = DOC_POSITIVE | DOC_NEGATIVE | DOC_NEUTRAL,
    DOC_GONE = 128, /* removed; not in the file */
};
unsigned doc_label_flag(Str label); /* 0: none of the three */

enum { DOC_CHUNK = 1 << 16, DOC_CHUNKS = 4096 };

typedef struct DocChunk {
    _Atomic int64_t published[DOC_CHUNK];
    _Atomic uint16_t words[DOC_CHUNK];
    _Atomic uint8_t flags[DOC_CHUNK];
} DocChunk;

typedef struct Docs {
    _Atomic(DocChunk *) chunks[DOC_CHUNKS];
    _Atomic int64_t top; /* highest row */
    _Atomic int64_t n;   /* rows that are not gone */
    _Atomic int64_t words;
} Docs;

typedef struct Doc {
    int64_t published;
    unsigned words, flags;
} Doc;

void docs_done(Docs *d);
/* Adds a row or changes it. False: the store is full (DOC_CHUNK * DOC_CHUNKS rows). */
bool docs_set(Docs *d, int64_t row, const Doc *doc);
void docs_flags(Docs *d, int64_t row, unsigned flags);
void docs_drop(Docs *d, int64_t row);
static inline int64_t docs_top(const Docs *d) {
    return atomic_load_explicit(&d->top, memory_order_acquire);
}
/* A row that was never stored is DOC_GONE. */
Doc docs_get(const Docs *d, int64_t row);
/* The rows [*lo, *hi] outside of which nothing was published in [from, to); *lo > *hi: nothing was. */
void docs_bounds(const Docs *d, int64_t from, int64_t to, int64_t *lo, int64_t *hi);
