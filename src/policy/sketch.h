#pragma once

/* policy/sketch.h - about how often each of very many things was asked for lately.
 *
 * A count-min sketch (Cormode, Muthukrishnan 2005) of 4-bit counters, four for each thing, of which the least is the
 * estimate; it errs upwards only. When ten times as many were counted as there are entries, all counters are halved, so
 * that what was popular yesterday gives way (TinyLFU's reset). 8 bytes an entry.
 *
 * One thread, or under the caller's lock. */

#include "base/mem.h"

typedef struct Sketch {
    uint64_t *words; /* 16 counters each */
    size_t n_words;  /* a power of two */
    uint64_t counted;
} Sketch;

void sketch_init(Sketch *s, size_t n_words);
void sketch_done(Sketch *s);
void sketch_add(Sketch *s, uint64_t hash, size_t entries);
int sketch_estimate(const Sketch *s, uint64_t hash); /* 0 .. 15 */
