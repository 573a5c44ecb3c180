/* crypto/fernet: the vectors of the specification, several keys, and values of the configuration (SEC-04, SEC-05). */

#include "crypto/secure_value.h"
#include "lib/test.h"

#define SECRET "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="

static FernetKeys keys_of(const char *text) {
    FernetKeys k;
    assert_true(fernet_keys_parse(str_c(text), &k));
    return k;
}

TEST(generate_is_the_specifications_token) {
    uint8_t iv[FERNET_IV];
    Arena a = { 0 };
    FernetKeys k = keys_of(SECRET);
    for (size_t i = 0; i < sizeof iv; i++)
        iv[i] = (uint8_t)i;
    Str token = fernet_encrypt(&a, &k.v[0], time_ms(499162800000), iv, S("hello"));
    CHECK_STR(
        token,
        S("gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="));
    arena_done(&a);
}

TEST(verify_and_invalid_are_the_specifications) {
    static const struct {
        const char *name;
        int64_t now_s;
        const char *token;
        bool want;
    } rows[] = {
        { "good", 499162801,
          "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==",
          true },
        { "wrong MAC", 499162801,
          "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==",
          false },
        { "too short", 499162801, "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", false },
        { "no base64", 499162801,
          "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
          false },
        { "not whole blocks", 499162801,
          "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm", false },
        { "padding", 499162801,
          "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==",
          false },
        { "far future", 499162801,
          "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw==",
          false },
        { "expired", 499162891,
          "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
          false },
        { "wrong IV", 499162801,
          "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==",
          false },
        { "nothing", 499162801, "", false },
    };
    Arena a = { 0 };
    FernetKeys k = keys_of(SECRET);
    EACH_ROW (r, rows) {
        Str out = S("untouched");
        CHECK_EQ(fernet_decrypt(&a, &k, str_c(r->token), 60, time_ms(r->now_s * 1000), &out), r->want);
        CHECK_STR(out, r->want ? S("hello") : S("untouched"));
    }
    Str out;
    CHECK(fernet_decrypt(&a, &k, str_c(rows[7].token), 0, time_ms(0), &out)); /* "expired", where no age is asked for */
    arena_done(&a);
}

TEST(lengths_around_a_block_come_back) {
    uint8_t iv[FERNET_IV] = { 9 };
    char text[70];
    Arena a = { 0 };
    FernetKeys k = keys_of(SECRET);
    memset(text, 'x', sizeof text);
    for (size_t n = 0; n <= sizeof text; n++) {
        Str out, token = fernet_encrypt(&a, &k.v[0], time_ms(5000), iv, str_n(text, n));
        CHECK(fernet_decrypt(&a, &k, token, 60, time_ms(6000), &out));
        CHECK_STR(out, str_n(text, n));
    }
    arena_done(&a);
}

TEST(the_first_of_several_keys_encrypts_and_each_decrypts) {
    uint8_t other[32] = { 1, 2, 3 }, iv[FERNET_IV] = { 0 };
    char text[FERNET_KEY_TEXT + 1];
    Arena a = { 0 };
    Str out;
    fernet_key_write(other, text);
    FernetKeys old = keys_of(SECRET), both = keys_of(str_cz(&a, str_fmt(&a, "%s, %s", text, SECRET)));
    CHECK_EQ(both.n, 2);
    Str before = fernet_encrypt(&a, &old.v[0], time_ms(0), iv, S("a"));
    Str after = fernet_encrypt(&a, &both.v[0], time_ms(0), iv, S("b"));
    CHECK(fernet_decrypt(&a, &both, before, 0, time_ms(0), &out));
    CHECK(fernet_decrypt(&a, &both, after, 0, time_ms(0), &out));
    CHECK(!fernet_decrypt(&a, &old, after, 0, time_ms(0), &out));
    arena_done(&a);
}

TEST(what_is_no_key_is_refused) {
    static const char *const bad[] = { "",
                                       "short",
                                       SECRET "=",
                                       "cw_0x689RpI-jtRR7oE8h/eQsKImvJapLeSbXpwF4e4=",
                                       "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e5=",
                                       SECRET ",",
                                       "%%%" };
    FernetKeys k;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!fernet_keys_parse(str_c(bad[i]), &k) || (i == 5 && k.n == 1));
}

/* SecureConfig's get_secure_value, both branches (and not the seed's, which could only give nothing: U31). */
TEST(a_value_is_opened_or_taken_as_it_stands) {
    uint8_t iv[FERNET_IV] = { 3 };
    Arena a = { 0 };
    FernetKeys k = keys_of(SECRET), none = { .n = 0 };
    Str token = fernet_encrypt(&a, &k.v[0], time_ms(1.7e12), iv, S("s3cret"));
    Str marked = str_fmt(&a, "enc:" STR_FMT, STR_ARG(token)), wrong = str_fmt(&a, "enc:" STR_FMT "x", STR_ARG(token));
    const struct {
        const char *name;
        const FernetKeys *keys;
        Str text, value;
        SecureVerdict want;
    } rows[] = {
        { "plain", &k, S("hello"), S("hello"), SECURE_PLAIN },
        { "plain without a key", &none, S("hello"), S("hello"), SECURE_PLAIN },
        { "marked", &k, marked, S("s3cret"), SECURE_OPENED },
        { "a bare token", &k, token, S("s3cret"), SECURE_OPENED },
        { "a bare token without a key falls back", &none, token, token, SECURE_PLAIN },
        { "marked without a key", &none, marked, S("untouched"), SECURE_NO_KEY },
        { "marked and wrong", &k, wrong, S("untouched"), SECURE_WRONG },
    };
    EACH_ROW (r, rows) {
        Str out = S("untouched");
        CHECK_EQ(secure_value(&a, r->keys, r->text, &out), r->want);
        CHECK_STR(out, r->value);
    }
    arena_done(&a);
}

TESTS(T(generate_is_the_specifications_token), T(verify_and_invalid_are_the_specifications),
      T(lengths_around_a_block_come_back), T(the_first_of_several_keys_encrypts_and_each_decrypts),
      T(what_is_no_key_is_refused), T(a_value_is_opened_or_taken_as_it_stands))
