/* Feeds whole: formats and what becomes of their fields (NWS-09). */

#include "test.h"

#include "feed/feed.h"

TEST(every_format_has_a_name_of_its_own) {
    for (int i = 0; i < FEED_FORMATS; i++)
        for (int k = 0; k < i; k++)
            CHECK(strcmp(feed_format_name(i), feed_format_name(k)) != 0);
    CHECK_STR(str_c(feed_format_name(FEED_ATOM_10)), S("atom10"));
}

TESTS(T(every_format_has_a_name_of_its_own))
