/* What a caller's headers may ask for: correlation id, deadline. */

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

TESTS(T(only_plain_tokens_are_taken_as_ids), T(a_deadline_comes_nearer_but_not_farther))
