/* policy/sketch.c - see sketch.h. */

#include "policy/sketch.h"

#include "base/hash.h"

enum { ROWS = 4, COUNTER_MAX = 15, COUNTED_A_ENTRY = 10, ENTRIES_MIN = 256 };
#define LOW_THREE_OF_EACH UINT64_C(0x7777777777777777)

void sketch_init(Sketch *s, size_t n_words) {
    assert(n_words && (n_words & (n_words - 1)) == 0);
    *s = (Sketch){ .words = mem_new_n(uint64_t, n_words), .n_words = n_words };
}

void sketch_done(Sketch *s) {
    mem_free(s->words);
    *s = (Sketch){ 0 };
}

/* The row's word of a hash and the bit its counter begins at. */
static size_t word_at(const Sketch *s, uint64_t hash, int row, unsigned *shift) {
    uint64_t h = hash64_u64(hash, (uint64_t)row);
    *shift = (unsigned)(h >> 60) * 4;
    return h & (s->n_words - 1);
}

static void halve(Sketch *s) {
    for (size_t i = 0; i < s->n_words; i++)
        s->words[i] = s->words[i] >> 1 & LOW_THREE_OF_EACH;
    s->counted /= 2;
}

void sketch_add(Sketch *s, uint64_t hash, size_t entries) {
    for (int row = 0; row < ROWS; row++) {
        unsigned shift;
        size_t w = word_at(s, hash, row, &shift);
        if ((s->words[w] >> shift & COUNTER_MAX) < COUNTER_MAX)
            s->words[w] += UINT64_C(1) << shift;
    }
    if (++s->counted >= COUNTED_A_ENTRY * (uint64_t)MAX(entries, ENTRIES_MIN))
        halve(s);
}

int sketch_estimate(const Sketch *s, uint64_t hash) {
    int least = COUNTER_MAX;
    for (int row = 0; row < ROWS; row++) {
        unsigned shift;
        size_t w = word_at(s, hash, row, &shift);
        least = MIN(least, (int)(s->words[w] >> shift & COUNTER_MAX));
    }
    return least;
}
