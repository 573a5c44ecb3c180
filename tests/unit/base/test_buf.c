/* base/buf: a growing buffer with a ceiling. */

#include "base/buf.h"
#include "lib/test.h"

TEST(puts_append_until_the_limit_and_then_refuse_everything) {
    Buf b;
    buf_init(&b, 10);
    CHECK_EQ(BUF_LIT(&b, "12345"), 0);
    CHECK_EQ(buf_printf(&b, "%d", 678), 0);
    CHECK_EQ(BUF_LIT(&b, "abc"), ERR_LIMIT);
    CHECK(!buf_ok(&b));
    CHECK_EQ(BUF_LIT(&b, "a"), ERR_LIMIT); /* full stays full, so one check at the end is enough */
    CHECK_STR(buf_str(&b), S("12345678"));
    buf_clear(&b);
    CHECK_EQ(BUF_LIT(&b, "0123456789"), 0);
    buf_done(&b);
}

TEST(consume_drops_the_front) {
    Buf b;
    buf_init(&b, 100);
    BUF_LIT(&b, "hello world");
    buf_consume(&b, 6);
    CHECK_STR(buf_str(&b), S("world"));
    buf_consume(&b, 5);
    CHECK_EQ(b.n, 0);
    buf_done(&b);
}

TEST(printf_grows_past_its_stack) {
    Buf b;
    buf_init(&b, 100000);
    CHECK_EQ(buf_printf(&b, "%0600d", 7), 0);
    CHECK_EQ(b.n, 600);
    CHECK_EQ(b.p[599], '7');
    buf_done(&b);
}

TEST(an_uninitialised_buffer_refuses) {
    Buf b = { 0 };
    CHECK_EQ(buf_put_c(&b, 'x'), ERR_LIMIT);
    buf_done(&b);
}

TESTS(T(puts_append_until_the_limit_and_then_refuse_everything), T(consume_drops_the_front),
      T(printf_grows_past_its_stack), T(an_uninitialised_buffer_refuses))
