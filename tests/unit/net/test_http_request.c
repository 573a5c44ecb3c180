/* What may stand in the head of a request that we write: nothing that would end its line. */

#include "lib/test.h"

#include "base/rng.h"
#include "net/http_request.h"

static int write_field(Str name, Str value, Buf *out) {
    Str bad;
    HttpField f = { name, value };
    buf_init(out, 4096);
    return http_request_write(out, S("GET"), S("a"), S("/"), &f, 1, 0, &bad);
}

static bool naive(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Every byte at every place of a word and of what is left behind it. */
TEST(a_control_byte_is_found_wherever_it_stands) {
    char text[19];
    for (size_t at = 0; at < sizeof text; at++)
        for (int c = 0; c < 256; c++) {
            Buf b;
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            Str value = str_n(text, sizeof text);
            CHECK_EQ(write_field(S("n"), value, &b), naive(value) ? 0 : ERR_USAGE);
            buf_done(&b);
        }
}

TEST(random_values_are_judged_as_byte_by_byte) {
    Rng rng;
    rng_seed(&rng, prop_seed(5));
    for (int i = 0; i < 20000; i++) {
        char text[40];
        size_t n = (size_t)rng_below(&rng, sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = (char)(rng_chance(&rng, 0.02) ? rng_below(&rng, 256) : 0x20 + rng_below(&rng, 0x5f));
        Buf b;
        Str value = str_n(text, n);
        CHECK_EQ(write_field(S("name"), value, &b), naive(value) ? 0 : ERR_USAGE);
        buf_done(&b);
    }
}

TEST(a_head_is_written_as_asked) {
    Buf b;
    Str bad;
    HttpField fields[] = { { S("x-a"), S("1") }, { S("x-empty"), S("") } };
    buf_init(&b, 4096);
    CHECK_EQ(http_request_write(&b, S("POST"), S("host:1"), S("/p?q"), fields, 2, 7, &bad), 0);
    CHECK_STR(buf_str(&b), S("POST /p?q HTTP/1.1\r\nHost: host:1\r\nx-a: 1\r\nx-empty: \r\nContent-Length: 7\r\n\r\n"));
    buf_done(&b);
    CHECK_EQ(write_field(S("a:b"), S("1"), &b), ERR_USAGE);
    buf_done(&b);
    CHECK_EQ(write_field(S("a\nb"), S("1"), &b), ERR_USAGE);
    buf_done(&b);
    buf_init(&b, 4096);
    CHECK_EQ(http_request_write(&b, S("GET"), S("a"), S("/a b"), NULL, 0, 0, &bad), ERR_USAGE);
    CHECK_EQ(http_request_write(&b, S("GET"), S("a"), S("a"), NULL, 0, 0, &bad), ERR_USAGE);
    buf_done(&b);
}

TESTS(T(a_control_byte_is_found_wherever_it_stands), T(random_values_are_judged_as_byte_by_byte),
      T(a_head_is_written_as_asked))
