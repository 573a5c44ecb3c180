/* base/arena: memory that follows a request. */

#include "lib/test.h"

TEST(allocations_are_aligned_and_apart) {
    Arena a = { 0 };
    char *last = NULL;
    for (size_t size = 1; size < 3000; size += 37) {
        char *p = arena_alloc(&a, size);
        CHECK_EQ((uintptr_t)p % 16, 0);
        memset(p, (int)size, size);
        CHECK(p != last);
        last = p;
    }
    arena_done(&a);
}

TEST(try_stops_at_the_limit) {
    Arena a;
    arena_init(&a, 1024);
    CHECK(arena_try(&a, 1024) != NULL);
    CHECK(arena_try(&a, 1) == NULL);
    CHECK(arena_alloc(&a, 16) != NULL); /* alloc never says no */
    arena_reset(&a);
    CHECK(arena_try(&a, SIZE_MAX) == NULL);
    CHECK(arena_try(&a, 1000) != NULL);
    arena_done(&a);
}

TEST(grow_keeps_the_bytes_and_extends_in_place_at_the_top) {
    Arena a = { 0 };
    char *p = arena_alloc(&a, 10);
    memcpy(p, "0123456789", 10);
    char *q = arena_grow(&a, p, 10, 100);
    CHECK(q == p);
    arena_alloc(&a, 1);
    char *r = arena_grow(&a, q, 100, 200);
    CHECK(r != q);
    CHECK(memcmp(r, "0123456789", 10) == 0);
    CHECK(arena_grow(&a, NULL, 0, 5) != NULL);
    arena_done(&a);
}

TEST(rewind_gives_back_what_came_after_the_mark) {
    Arena a = { 0 };
    arena_alloc(&a, 100);
    ArenaMark mark = arena_mark(&a);
    size_t used = a.used;
    for (int i = 0; i < 100; i++)
        arena_alloc(&a, 10000);
    arena_rewind(&a, mark);
    CHECK_EQ(a.used, used);
    arena_alloc(&a, 8);
    arena_reset(&a);
    CHECK_EQ(a.used, 0);
    arena_done(&a);
}

TESTS(T(allocations_are_aligned_and_apart), T(try_stops_at_the_limit),
      T(grow_keeps_the_bytes_and_extends_in_place_at_the_top), T(rewind_gives_back_what_came_after_the_mark))
