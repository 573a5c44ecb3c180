/* base/map: the contract in small; tests/property/test_map.c compares it with a model. */

#include "base/map.h"
#include "lib/test.h"

TEST(put_get_replace_delete) {
    Map m = { 0 };
    int one = 1, two = 2;
    CHECK(map_get(&m, S("a")) == NULL);
    CHECK(map_del(&m, S("a")) == NULL);
    CHECK(map_put(&m, S("a"), &one) == NULL);
    CHECK(map_put(&m, S(""), &two) == NULL); /* the empty key is a key */
    CHECK(map_get(&m, S("a")) == &one);
    CHECK(map_get(&m, S("")) == &two);
    CHECK(map_put(&m, S("a"), &two) == &one);
    CHECK_EQ(m.n, 2);
    CHECK(map_del(&m, S("a")) == &two);
    CHECK(map_get(&m, S("a")) == NULL);
    CHECK_EQ(m.n, 1);
    map_done(&m);
    CHECK_EQ(m.n, 0);
}

TEST(keys_may_hold_any_byte) {
    Map m;
    map_init(&m, 42);
    int v[3];
    map_put(&m, str_n("a\0b", 3), &v[0]);
    map_put(&m, str_n("a\0c", 3), &v[1]);
    map_put(&m, S("a"), &v[2]);
    CHECK(map_get(&m, str_n("a\0b", 3)) == &v[0]);
    CHECK(map_get(&m, str_n("a\0c", 3)) == &v[1]);
    CHECK(map_get(&m, S("a")) == &v[2]);
    map_done(&m);
}

TEST(numbers_are_keys_and_clear_allows_the_other_kind) {
    Map m;
    map_init(&m, 1);
    int v;
    CHECK(map_put_u64(&m, 0, &v) == NULL);
    CHECK(map_put_u64(&m, UINT64_MAX, &m) == NULL);
    CHECK(map_get_u64(&m, 0) == &v);
    CHECK(map_get_u64(&m, UINT64_MAX) == &m);
    CHECK(map_get_u64(&m, 1) == NULL);
    CHECK(map_del_u64(&m, 0) == &v);
    map_clear(&m);
    CHECK(map_get(&m, S("k")) == NULL);
    CHECK(map_put(&m, S("k"), &v) == NULL);
    CHECK(map_get(&m, S("k")) == &v);
    map_done(&m);
}

TEST(iteration_visits_every_entry_once) {
    Map m = { 0 };
    static char visited[500];
    memset(visited, 0, sizeof visited);
    for (uint64_t i = 0; i < ARRAY_LEN(visited); i++)
        map_put_u64(&m, i * 1000003, &visited[i]);
    MapEntry e;
    size_t n = 0;
    for (size_t at = 0; map_next(&m, &at, &e); n++) {
        char *v = e.value;
        CHECK_EQ(e.u64, (uint64_t)(v - visited) * 1000003);
        CHECK_EQ((*v)++, 0);
    }
    CHECK_EQ(n, ARRAY_LEN(visited));
    map_done(&m);
}

TESTS(T(put_get_replace_delete), T(keys_may_hold_any_byte), T(numbers_are_keys_and_clear_allows_the_other_kind),
      T(iteration_visits_every_entry_once))
