#pragma once

/* core/near_text.h - are two texts the same story in nearly the same words? (NWS-17)
 *
 * near_hash is a simhash (Charikar 2002) of 64 bits over hashed pairs of neighbouring words: texts that differ in few
 * words differ in few bits. Alone it errs both ways on short texts, so it only finds candidates: near_similarity, the
 * share of common word triples (Jaccard, Broder 1997), decides. The thresholds were chosen on planted pairs of our own
 * making (tests/property/near_text.c). Pure; any thread. */

#include "base/str.h"

enum {
    NEAR_BITS_MAX = 18,    /* candidates differ in at most so many of 64 bits */
    NEAR_WORDS_MIN = 12,   /* fewer words say too little: hash 0, never the same */
    NEAR_WORDS_READ = 600, /* of a text */
};
#define NEAR_SIMILARITY_MIN 0.6

uint64_t near_hash(Str title, Str body);
static inline int near_distance(uint64_t a, uint64_t b) {
    return __builtin_popcountll(a ^ b);
}
double near_similarity(Arena *scratch, Str title_a, Str body_a, Str title_b, Str body_b);
/* Both together. */
bool near_same(Arena *scratch, Str title_a, Str body_a, Str title_b, Str body_b);
