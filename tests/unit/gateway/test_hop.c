/* What a caller's headers may ask for: correlation id, trace, deadline. */

#include "lib/test.h"

#include "gateway/hop.h"

/* OBS-18: an id from outside is kept only where it cannot forge a header or a line. */
TEST(only_plain_tokens_are_taken_as_ids) {
    static const struct {
        const char *name;
        const char *id;
        bool ok;
    } rows[] = {
        { "uuid", "7d444840-9dc0-11d1-b245-5ffdce74fad2", true },
        { "word", "job-42", true },
        { "dots and underscores", "a.b_c", true },
        { "empty", "", false },
        { "space", "a b", false },
        { "new line", "a\r\nSet-Cookie: x", false },
        { "tab", "a\tb", false },
        { "quote", "a\"b", false },
        { "beyond ASCII", "caf\xc3\xa9", false },
        { "64 bytes", "0123456789012345678901234567890123456789012345678901234567890123", true },
        { "65 bytes", "01234567890123456789012345678901234567890123456789012345678901234", false },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(hop_plain_id(str_c(r->id)), r->ok);
    CHECK(!hop_plain_id(str_n("a\0b", 3)));
    CHECK(!hop_plain_id((Str){ 0 }));
}

TEST(a_trace_is_read_or_nothing_is) {
    static const struct {
        const char *name;
        const char *v;
        bool ok;
    } rows[] = {
        { "the specification's", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true },
        { "empty", "", false },
        { "upper case", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false },
        { "no trace", "00-00000000000000000000000000000000-b7ad6b7169203331-01", false },
        { "no span", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false },
        { "version to come", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false },
        { "a byte short", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false },
        { "a byte long", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011", false },
        { "dashes elsewhere", "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01", false },
    };
    EACH_ROW (r, rows) {
        Trace t = { .span = 5 };
        CHECK_EQ(hop_trace(str_c(r->v), &t), r->ok);
        if (r->ok) {
            CHECK(t.trace_hi == 0x0af7651916cd43dd && t.trace_lo == 0x8448eb211c80319c);
            CHECK(t.span == 0xb7ad6b7169203331);
        } else {
            CHECK(!t.trace_hi && !t.trace_lo && t.span == 5);
        }
    }
    Trace t = { 0 };
    CHECK(!hop_trace((Str){ 0 }, &t));
}

TEST(a_deadline_comes_nearer_but_not_farther) {
    static const struct {
        const char *name;
        const char *header;
        int64_t want_ms; /* < 0: refused */
    } rows[] = {
        { "nearer", "500", 500 }, { "farther", "60000", 5000 },
        { "now", "0", 0 },        { "for ever", "9223372036854775807", 5000 },
        { "negative", "-1", -1 }, { "not a number", "soon", -1 },
        { "empty", "", -1 },      { "a fraction", "1.5", -1 },
        { "two", "1, 2", -1 },    { "too long", "99999999999999999999", -1 },
    };
    TestCtx t;
    test_ctx_init(&t);
    MonoNs started = clock_mono(t.cx.clock);
    EACH_ROW (r, rows) {
        MonoNs deadline = mono_add_ms(started, 5000);
        int e = hop_deadline(&t.cx, str_c(r->header), started, &deadline);
        CHECK_EQ(e, r->want_ms < 0 ? ERR_BAD_REQUEST : 0);
        CHECK_EQ(mono_ms_between(started, deadline), r->want_ms < 0 ? 5000 : r->want_ms);
    }
    MonoNs deadline = mono_add_ms(started, 7);
    CHECK_OK(&t.cx, hop_deadline(&t.cx, (Str){ 0 }, started, &deadline));
    CHECK_EQ(mono_ms_between(started, deadline), 7);
    test_ctx_done(&t);
}

TESTS(T(only_plain_tokens_are_taken_as_ids), T(a_trace_is_read_or_nothing_is),
      T(a_deadline_comes_nearer_but_not_farther))
