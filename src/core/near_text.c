/* core/near_text.c - see near_text.h. Hashes are stored, so their values are fixed for ever: FNV-1a (Fowler, Noll, Vo)
 * with the finaliser of splitmix64 behind it, for FNV alone mixes its upper bits badly and a simhash votes with each. */

#include "core/near_text.h"

#include "core/words.h"

#include <stdlib.h>

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static uint64_t word_hash(const Word *w) {
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < w->n; i++)
        h = (h ^ (unsigned char)w->text[i]) * UINT64_C(0x100000001B3);
    return mix(h);
}

/* Hashes of the first words of title and body; how many. */
static size_t read_words(Str title, Str body, uint64_t out[NEAR_WORDS_READ]) {
    const Str texts[] = { title, body };
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        WordReader r;
        Word w;
        words_init(&r, texts[i]);
        while (n < NEAR_WORDS_READ && words_next(&r, &w))
            out[n++] = word_hash(&w);
    }
    return n;
}

uint64_t near_hash(Str title, Str body) {
    uint64_t words[NEAR_WORDS_READ];
    size_t n = read_words(title, body, words);
    int votes[64] = { 0 };
    if (n < NEAR_WORDS_MIN)
        return 0;
    for (size_t i = 0; i + 1 < n; i++) {
        uint64_t h = mix(words[i] + 3 * words[i + 1]);
        for (int b = 0; b < 64; b++)
            votes[b] += (h >> b & 1) ? 1 : -1;
    }
    uint64_t out = 0;
    for (int b = 0; b < 64; b++)
        out |= (uint64_t)(votes[b] > 0) << b;
    return out ? out : 1;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The set of hashed triples, ascending. */
static size_t triples(Str title, Str body, uint64_t *v) {
    size_t n = read_words(title, body, v), m = 0;
    for (size_t i = 0; i + 2 < n; i++)
        v[i] = mix(v[i] + 3 * v[i + 1] + 7 * v[i + 2]);
    n = n > 2 ? n - 2 : 0;
    qsort(v, n, sizeof *v, by_value);
    for (size_t i = 0; i < n; i++)
        if (m == 0 || v[i] != v[m - 1])
            v[m++] = v[i];
    return m;
}

double near_similarity(Arena *scratch, Str title_a, Str body_a, Str title_b, Str body_b) {
    ArenaMark mark = arena_mark(scratch);
    uint64_t *a = arena_alloc(scratch, NEAR_WORDS_READ * sizeof *a);
    uint64_t *b = arena_alloc(scratch, NEAR_WORDS_READ * sizeof *b);
    size_t n = triples(title_a, body_a, a), m = triples(title_b, body_b, b), common = 0;
    for (size_t i = 0, k = 0; i < n && k < m;) {
        common += a[i] == b[k];
        uint64_t x = a[i], y = b[k];
        i += x <= y;
        k += y <= x;
    }
    arena_rewind(scratch, mark);
    return n + m - common ? (double)common / (double)(n + m - common) : 0;
}

bool near_same(Arena *scratch, Str title_a, Str body_a, Str title_b, Str body_b) {
    uint64_t a = near_hash(title_a, body_a), b = near_hash(title_b, body_b);
    return a && b && near_distance(a, b) <= NEAR_BITS_MAX &&
           near_similarity(scratch, title_a, body_a, title_b, body_b) >= NEAR_SIMILARITY_MIN;
}
