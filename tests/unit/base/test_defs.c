/* base/defs: the macros everybody uses evaluate their arguments once. */

#include "base/defs.h"

#include <math.h>

#include "lib/test.h"

static int draw(int *draws, int value) {
    *draws += 1;
    return value;
}

TEST(arguments_are_evaluated_once) {
    int draws = 0;
    CHECK_EQ(MIN(draw(&draws, 2), draw(&draws, 3)), 2);
    CHECK_EQ(MAX(draw(&draws, 2), draw(&draws, 3)), 3);
    CHECK_EQ(CLAMP(draw(&draws, 9), draw(&draws, 2), draw(&draws, 3)), 3);
    CHECK_EQ(draws, 7);
}

TEST(one_stands_inside_another) {
    CHECK_EQ(MAX(MIN(1, 5), MIN(MAX(3, 2), 9)), 3);
    CHECK_EQ(CLAMP(MIN(7, 8), MAX(1, 2), 5), 5);
}

TEST(narrow_integers_and_not_a_number) {
    uint8_t low = 3, high = 250;
    CHECK_EQ(MAX(low, high), 250);
    CHECK(isnan(CLAMP(NAN, 0, 1)));
    CHECK_EQ(MAX(NAN, 1.0), 1.0); /* no comparison holds: the second */
}

TESTS(T(arguments_are_evaluated_once), T(one_stands_inside_another), T(narrow_integers_and_not_a_number))
