/* Map against a model that is an array: any sequence of puts, deletes, clears and look-ups gives the same. */

#include "base/map.h"
#include "base/rng.h"
#include "lib/test.h"

enum { KEYS = 300 };

static char names[KEYS][24];
static void *model[KEYS];
static char values[KEYS * 4];

static void check_all(const Map *m, bool by_name, void **state_) {
    size_t n = 0;
    for (uint64_t k = 0; k < KEYS; k++) {
        CHECK((by_name ? map_get(m, str_c(names[k])) : map_get_u64(m, k)) == model[k]);
        n += model[k] != NULL;
    }
    CHECK_EQ(m->n, n);
    MapEntry e;
    size_t visited = 0;
    for (size_t at = 0; map_next(m, &at, &e); visited++)
        CHECK(e.value == model[by_name ? strtoull(e.key.p + 1, NULL, 10) : e.u64]);
    CHECK_EQ(visited, n);
}

static void run(bool by_name, void **state_) {
    Rng rng;
    rng_seed(&rng, prop_seed(2024 + by_name));
    for (int k = 0; k < KEYS; k++)
        snprintf(names[k], sizeof names[k], "k%d", k);
    for (int round = 0; round < 60; round++) {
        Map m;
        map_init(&m, rng_u64(&rng));
        memset(model, 0, sizeof model);
        uint64_t range = 1 + rng_below(&rng, KEYS); /* few keys: many collisions of the same; many keys: growth */
        for (int step = 0; step < 1500; step++) {
            uint64_t k = rng_below(&rng, range);
            uint64_t act = rng_below(&rng, 100);
            void *got, *had = model[k];
            if (act < 50) {
                void *v = model[k] = &values[rng_below(&rng, sizeof values)];
                got = by_name ? map_put(&m, str_c(names[k]), v) : map_put_u64(&m, k, v);
            } else if (act < 95) {
                got = by_name ? map_del(&m, str_c(names[k])) : map_del_u64(&m, k);
                model[k] = NULL;
            } else {
                got = by_name ? map_get(&m, str_c(names[k])) : map_get_u64(&m, k);
            }
            CHECK(got == had);
        }
        check_all(&m, by_name, state_);
        map_clear(&m);
        memset(model, 0, sizeof model);
        check_all(&m, by_name, state_);
        map_done(&m);
    }
}

TEST(a_map_of_numbers_equals_the_model) {
    run(false, state_);
}

TEST(a_map_of_names_equals_the_model) {
    run(true, state_);
}

TESTS(T(a_map_of_numbers_equals_the_model), T(a_map_of_names_equals_the_model))
