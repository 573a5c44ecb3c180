/* The PROXY protocol's two forms: whole, in pieces, at their limits, and what only looks like them (GWY-32). */

#include "lib/test.h"
#include "net/proxy_protocol.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\x00\x02\x07\x0a\x00\x00\x05\xc8\x22\x01\xbb"
#define V6        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xc8\x22\x01\xbb"
#define BYTES(s)                                                                                                       \
    { ("" s ""), sizeof(s) - 1 }

/* Feeds the bytes `step` at a time, as a socket would show them: what was not taken is seen again. */
static ProxyVerdict feed(ProxyReader *r, Str all, size_t step, size_t *taken) {
    ProxyVerdict v = PROXY_MORE;
    size_t shown = 0;
    *taken = 0;
    proxy_reader_init(r);
    while (v == PROXY_MORE && shown < all.n) {
        size_t used;
        shown = MIN(shown + step, all.n);
        v = proxy_read(r, all.p + *taken, shown - *taken, &used);
        if (used > shown - *taken)
            FAIL("more was taken than there was");
        *taken += used;
    }
    return v;
}

TEST(headers_are_read_in_any_pieces_and_nothing_behind_them) {
    static const struct {
        const char *name;
        Str bytes;
        ProxyVerdict want;
        const char *peer;
    } rows[] = {
        { "v1", BYTES("PROXY TCP4 192.0.2.7 10.0.0.5 51234 443\r\n"), PROXY_DONE, "192.0.2.7:51234" },
        { "v1 of IPv6", BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 51234 443\r\n"), PROXY_DONE, "[2001:db8::1]:51234" },
        { "v1 of nobody", BYTES("PROXY UNKNOWN\r\n"), PROXY_DONE, "" },
        { "v1 of nobody, with words", BYTES("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), PROXY_DONE, "" },
        { "v1, longest",
          BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
          PROXY_DONE, "" },
        { "v1, one byte more",
          BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n"),
          PROXY_WRONG, "" },
        { "v1, bare LF", BYTES("PROXY TCP4 192.0.2.7 10.0.0.5 51234 443\n"), PROXY_WRONG, "" },
        { "v1, no such family", BYTES("PROXY UDP4 192.0.2.7 10.0.0.5 51234 443\r\n"), PROXY_WRONG, "" },
        { "v1, family and address differ", BYTES("PROXY TCP6 192.0.2.7 10.0.0.5 51234 443\r\n"), PROXY_WRONG, "" },
        { "v1, a name", BYTES("PROXY TCP4 example.org 10.0.0.5 51234 443\r\n"), PROXY_WRONG, "" },
        { "v1, a port too large", BYTES("PROXY TCP4 192.0.2.7 10.0.0.5 65536 443\r\n"), PROXY_WRONG, "" },
        { "v1, a port with a zero before", BYTES("PROXY TCP4 192.0.2.7 10.0.0.5 051 443\r\n"), PROXY_WRONG, "" },
        { "v1, a word too many", BYTES("PROXY TCP4 192.0.2.7 10.0.0.5 51234 443 x\r\n"), PROXY_WRONG, "" },
        { "v1, a word too few", BYTES("PROXY TCP4 192.0.2.7 10.0.0.5 51234\r\n"), PROXY_WRONG, "" },
        { "v1, two blanks", BYTES("PROXY TCP4  192.0.2.7 10.0.0.5 51234 443\r\n"), PROXY_WRONG, "" },
        { "v2", BYTES(SIGNATURE "\x21\x11\0\x0c" V4), PROXY_DONE, "192.0.2.7:51234" },
        { "v2 of IPv6", BYTES(SIGNATURE "\x21\x21\0\x24" V6), PROXY_DONE, "[2001:db8::1]:51234" },
        { "v2 with a TLV", BYTES(SIGNATURE "\x21\x11\0\x12" V4 "\x04\0\x03xyz"), PROXY_DONE, "192.0.2.7:51234" },
        { "v2 of the hop itself", BYTES(SIGNATURE "\x20\0\0\0"), PROXY_DONE, "" },
        { "v2 of the hop itself, with an address", BYTES(SIGNATURE "\x20\x11\0\x0c" V4), PROXY_DONE, "" },
        { "v2 of no family", BYTES(SIGNATURE "\x21\0\0\0"), PROXY_DONE, "" },
        { "v2 of version 3", BYTES(SIGNATURE "\x31\x11\0\x0c" V4), PROXY_WRONG, "" },
        { "v2 of command 2", BYTES(SIGNATURE "\x22\x11\0\x0c" V4), PROXY_WRONG, "" },
        { "v2, address too short", BYTES(SIGNATURE "\x21\x11\0\x0b" V4), PROXY_WRONG, "" },
        { "v2, too long", BYTES(SIGNATURE "\x21\x11\x10\x01" V4), PROXY_WRONG, "" },
        { "v2, another signature", BYTES("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c" V4), PROXY_NONE, "" },
        { "a request", BYTES("GET / HTTP/1.1\r\n"), PROXY_NONE, "" },
        { "a request that begins alike", BYTES("PROXYISH / HTTP/1.1\r\n"), PROXY_NONE, "" },
        { "TLS", BYTES("\x16\x03\x01\x02\0"), PROXY_NONE, "" },
        { "part of a beginning", BYTES("PROX"), PROXY_MORE, "" },
        { "part of a line", BYTES("PROXY TCP4 192.0.2.7"), PROXY_MORE, "" },
        { "part of a v2", BYTES(SIGNATURE "\x21\x11\0\x0c\xc0"), PROXY_MORE, "" },
    };
    EACH_ROW (r, rows) {
        for (size_t step = 1; step <= r->bytes.n; step++) {
            ProxyReader reader;
            size_t taken;
            char behind[300];
            Str all = r->bytes;
            if (r->want == PROXY_DONE) { /* what follows stays where it is */
                memcpy(behind, r->bytes.p, r->bytes.n);
                memcpy(behind + r->bytes.n, "GET", 3);
                all = str_n(behind, r->bytes.n + 3);
            }
            CHECK_EQ(feed(&reader, all, step, &taken), r->want);
            CHECK_STR(str_c(r->want == PROXY_DONE ? reader.peer : ""), str_c(r->peer));
            if (r->want == PROXY_DONE)
                CHECK_EQ(taken, r->bytes.n);
            if (r->want == PROXY_NONE)
                CHECK_EQ(taken, 0);
        }
    }
}

/* Both sides of the longest version 2: what it brings along is skipped, not kept. */
TEST(the_longest_v2_is_skipped_through) {
    static char bytes[PROXY_PEEK_MAX + 8];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, SIGNATURE "\x21\x11\x10\x00" V4, PROXY_V2_HEAD + 12);
    for (size_t step = 1; step < 5000; step = step * 7 + 1) {
        ProxyReader reader;
        size_t taken;
        CHECK_EQ(feed(&reader, str_n(bytes, sizeof bytes), step, &taken), PROXY_DONE);
        CHECK_EQ(taken, PROXY_PEEK_MAX);
        CHECK_STR(str_c(reader.peer), S("192.0.2.7:51234"));
    }
}

TESTS(T(headers_are_read_in_any_pieces_and_nothing_behind_them), T(the_longest_v2_is_skipped_through))
