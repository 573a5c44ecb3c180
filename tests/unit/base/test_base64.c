/* base/base64: the vectors of RFC 4648 §10 both ways, and what is refused. */

#include "base/base64.h"
#include "lib/test.h"

TEST(vectors_of_the_rfc_both_ways) {
    const struct {
        const char *name, *plain, *coded;
    } rows[] = {
        { "none", "", "" },
        { "f", "f", "Zg==" },
        { "fo", "fo", "Zm8=" },
        { "foo", "foo", "Zm9v" },
        { "foob", "foob", "Zm9vYg==" },
        { "fooba", "fooba", "Zm9vYmE=" },
        { "foobar", "foobar", "Zm9vYmFy" },
        { "high bits", "\xff\xfe\xfb", "//77" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Buf b;
        buf_init(&b, 64);
        CHECK_EQ(base64_put(&b, str_c(r->plain)), 0);
        CHECK_STR(buf_str(&b), str_c(r->coded));
        Str back;
        CHECK(base64_read(&t.arena, str_c(r->coded), &back));
        CHECK_STR(back, str_c(r->plain));
        buf_done(&b);
    }
    Buf small;
    buf_init(&small, 4);
    CHECK_EQ(base64_put(&small, S("abcd")), ERR_LIMIT);
    buf_done(&small);
    test_ctx_done(&t);
}

TEST(other_texts_are_refused) {
    static const char *const bad[] = {
        "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Z\n==", "Zm-_", "=Zg="
    };
    TestCtx t;
    test_ctx_init(&t);
    Str out;
    CHECK(base64_read(&t.arena, S("Zg=="), &out));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (base64_read(&t.arena, str_c(bad[i]), &out))
            FAIL("%s was read", bad[i]);
    test_ctx_done(&t);
}

TESTS(T(vectors_of_the_rfc_both_ways), T(other_texts_are_refused))
