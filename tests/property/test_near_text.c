/* core/near_text: planted pairs of the same story in other words, and pairs that only look alike (NWS-17: precision and
 * recall of at least 0.99). */

#include "base/rng.h"
#include "core/near_text.h"
#include "core/words.h"
#include "lib/test.h"

enum { PAIRS = 1500, WORDS_MAX = 400, VOCABULARY = 4000 };

typedef struct Text {
    int v[WORDS_MAX];
    size_t n;
} Text;

static int zipf(Rng *r) { /* rank 0 is the commonest */
    return (int)(exp(rng_f64(r) * log(VOCABULARY))) - 1;
}

static Text story(Rng *r) {
    Text t = { .n = (size_t)rng_between(r, 30, 300) };
    for (size_t i = 0; i < t.n; i++)
        t.v[i] = zipf(r);
    return t;
}

static Str spell(Arena *a, const Text *t) {
    char *p = arena_alloc(a, t->n * 9);
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += (size_t)snprintf(p + n, 9, "%sw%d", i ? " " : "", t->v[i]);
    return str_n(p, n);
}

/* One word in 25 is another, one is left out, one is put in; and a line of the reprinter's own at the end. */
static Text reprint(Rng *r, const Text *from) {
    Text t = { 0 };
    for (size_t i = 0; i < from->n && t.n < WORDS_MAX - 4; i++) {
        double dice = rng_f64(r);
        if (dice < 0.01)
            continue;
        t.v[t.n++] = dice < 0.03 ? zipf(r) : from->v[i];
        if (dice > 0.99)
            t.v[t.n++] = zipf(r);
    }
    for (int i = 0; i < 3 && t.n < WORDS_MAX && from->n > 60; i++)
        t.v[t.n++] = 9000 + i;
    return t;
}

/* The same subject in words of its own: a third of the sentences' words are shared, in another order. */
static Text sibling(Rng *r, const Text *from) {
    Text t = story(r);
    for (size_t i = 0; i < t.n; i++)
        if (rng_chance(r, 0.33))
            t.v[i] = from->v[rng_below(r, from->n)];
    return t;
}

TEST(reprints_are_found_and_siblings_are_not) {
    Rng r;
    Arena a = { 0 };
    rng_seed(&r, prop_seed(20261));
    int found = 0, wrong = 0;
    for (int i = 0; i < PAIRS; i++) {
        Text one = story(&r), two = reprint(&r, &one), three = sibling(&r, &one), four = story(&r);
        Str body = spell(&a, &one);
        found += near_same(&a, (Str){ 0 }, body, (Str){ 0 }, spell(&a, &two));
        wrong += near_same(&a, (Str){ 0 }, body, (Str){ 0 }, spell(&a, &three));
        wrong += near_same(&a, (Str){ 0 }, body, (Str){ 0 }, spell(&a, &four));
        arena_reset(&a);
    }
    double recall = (double)found / PAIRS, precision = (double)found / (found + wrong);
    print_message("# near text: recall %.4f, precision %.4f over %d pairs\n", recall, precision, 3 * PAIRS);
    CHECK(recall >= 0.99);
    CHECK(precision >= 0.99);
    arena_done(&a);
}

TEST(sameness_is_reflexive_and_symmetric_and_needs_words) {
    Rng r;
    Arena a = { 0 };
    rng_seed(&r, prop_seed(7));
    for (int i = 0; i < 300; i++) {
        Text one = story(&r), two = reprint(&r, &one);
        Str x = spell(&a, &one), y = spell(&a, &two);
        CHECK(near_same(&a, (Str){ 0 }, x, (Str){ 0 }, x));
        CHECK_EQ(near_same(&a, (Str){ 0 }, x, (Str){ 0 }, y), near_same(&a, (Str){ 0 }, y, (Str){ 0 }, x));
        CHECK_NEAR(near_similarity(&a, (Str){ 0 }, x, (Str){ 0 }, x), 1, 1e-12);
        arena_reset(&a);
    }
    CHECK_EQ(near_hash(S("Bitcoin rises"), S("five more words than nothing")), 0);
    CHECK(!near_same(&a, S("same"), S("few words"), S("same"), S("few words")));
    arena_done(&a);
}

/* The hash is stored: its value may not change. */
TEST(the_hash_is_fixed) {
    CHECK_EQ((int64_t)near_hash(S("Central bank cuts its main rate by a quarter point"),
                                S("The decision was expected by most economists, who see two more cuts this year.")),
             INT64_C(-5992144714881293861));
}

TESTS(T(reprints_are_found_and_siblings_are_not), T(sameness_is_reflexive_and_symmetric_and_needs_words),
      T(the_hash_is_fixed))
