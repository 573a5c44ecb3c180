#pragma once

/* tests/lib/test.h - cmocka with tables of rows.
 *
 * One executable a module, one group in it; a test is a sentence, a table is a paragraph:
 *
 *     TEST(lower_bound_finds_first_not_before) {
 *         static const struct { const char *name; int64_t t; size_t want; } rows[] = { { "before all", 0, 0 }, ... };
 *         EACH_ROW(r, rows)
 *             CHECK_EQ(candles_lower_bound(&three, time_ms(r->t)), r->want);
 *     }
 *     TESTS(T(lower_bound_finds_first_not_before))
 *
 * Checks report file, line and the row's name. Property tests use prop_seed: PROP_SEED=n reruns one. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ctx.h"

#define TEST(name) static void name(void **state_)
#define T(name)    cmocka_unit_test(name)
/* main(). With an argument I/N it runs every Nth case from the Ith on: tests/lib/shards.py runs all parts at once. */
#define TESTS(...)                                                                                                     \
    int main(int argc, char **argv) {                                                                                  \
        struct CMUnitTest tests_[] = { __VA_ARGS__ };                                                                  \
        size_t n_ = test_part(argc, argv, tests_, ARRAY_LEN(tests_));                                                  \
        return _cmocka_run_group_tests("tests", tests_, n_, NULL, NULL);                                               \
    }

size_t test_part(int argc, char **argv, struct CMUnitTest *tests, size_t n);

extern _Thread_local const char *test_row_name; /* shown by a failing check */

#define EACH_ROW(r, rows)                                                                                              \
    for (__typeof__(&(rows)[0]) r = (rows); r < (rows) + ARRAY_LEN(rows) && (test_row_name = r->name, 1); r++)

void test_fail_at(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4) NORETURN;
#define FAIL(...) test_fail_at(__FILE__, __LINE__, __VA_ARGS__)
/* Skips the rest of the test and says why. */
#define SKIP(...)                                                                                                      \
    do {                                                                                                               \
        print_message("# skipped: " __VA_ARGS__);                                                                      \
        print_message("\n");                                                                                           \
        skip();                                                                                                        \
    } while (0)

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        UNUSED(state_);                                                                                                \
        if (!(cond))                                                                                                   \
            FAIL("%s", #cond);                                                                                         \
    } while (0)
#define CHECK_EQ(got, want)                                                                                            \
    do {                                                                                                               \
        UNUSED(state_);                                                                                                \
        long long got_ = (long long)(got), want_ = (long long)(want);                                                  \
        if (got_ != want_)                                                                                             \
            FAIL("%s is %lld, not %lld", #got, got_, want_);                                                           \
    } while (0)
#define CHECK_NEAR(got, want, tol)                                                                                     \
    do {                                                                                                               \
        UNUSED(state_);                                                                                                \
        double got_ = (got), want_ = (want);                                                                           \
        if (!(fabs(got_ - want_) <= (tol)))                                                                            \
            FAIL("%s is %.17g, not %.17g", #got, got_, want_);                                                         \
    } while (0)
#define CHECK_STR(got, want)                                                                                           \
    do {                                                                                                               \
        UNUSED(state_);                                                                                                \
        Str got_ = (got), want_ = (want);                                                                              \
        if (!str_eq(got_, want_))                                                                                      \
            FAIL("%s is \"" STR_FMT "\", not \"" STR_FMT "\"", #got, STR_ARG(got_), STR_ARG(want_));                   \
    } while (0)
/* r is 0, or the test fails with the words in cx. */
#define CHECK_OK(cx, call)                                                                                             \
    do {                                                                                                               \
        UNUSED(state_);                                                                                                \
        int r_ = (call);                                                                                               \
        if (r_ != 0)                                                                                                   \
            FAIL("%s: %d %s", #call, r_, r_ < 0 ? (cx)->err.text : "");                                                \
    } while (0)

/* The same in a helper outside TEST(). */
#define CHECK_OK_PLAIN(cx, call)                                                                                       \
    do {                                                                                                               \
        int r_ = (call);                                                                                               \
        if (r_ != 0)                                                                                                   \
            FAIL("%s: %d %s", #call, r_, r_ < 0 ? (cx)->err.text : "");                                                \
    } while (0)

/* A Ctx on a manual clock that starts at 2024-01-01, with an arena freed by test_ctx_done. */
typedef struct TestCtx {
    Ctx cx;
    Arena arena;
    ClockManual clock;
} TestCtx;
void test_ctx_init(TestCtx *t);
void test_ctx_done(TestCtx *t);

/* Seed of a property test: PROP_SEED from the environment, or `standard`; printed when a check fails. */
uint64_t prop_seed(uint64_t standard);
/* Directory of the shared test data ($FINSIGHT_SHARED, else ../shared from the source root), or NULL. */
const char *test_shared(void);
/* Path of a file below it in a static buffer, or NULL when it is not there. */
const char *test_shared_file(const char *relative);
/* A fresh directory below $TMPDIR, removed with its content by test_dir_done. */
const char *test_dir(void);
void test_dir_done(const char *path);
/* Whole file into the arena; fails the test when it cannot be read. */
Str test_read_file(Arena *a, const char *path);
