/* Signature Version 4 against AWS's own numbers (STO-15): the examples of the S3 API reference, and cases of the published
 * test suite (aws-sig-v4-test-suite). */

#include "adapters/object/s3_sign.h"
#include "test.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct Case {
    const char *name, *method, *path;
    S3Pair query[3], headers[6];
    const char *payload, *signature, *names;
} Case;

static size_t pairs(const S3Pair *v, size_t most) {
    size_t n = 0;
    while (n < most && v[n].name.n)
        n++;
    return n;
}

/* "SignedHeaders=..., Signature=..." */
static Str sign(Arena *a, const Case *c, const S3Keys *keys, S3Signing s) {
    S3Pair headers[6];
    memcpy(headers, c->headers, sizeof headers);
    s.method = c->method;
    s.path = s3_encode(a, str_c(c->path), true);
    s.query = c->query;
    s.n_query = pairs(c->query, ARRAY_LEN(c->query));
    s.headers = headers;
    s.n_headers = pairs(headers, ARRAY_LEN(headers));
    s.payload = c->payload;
    Str whole = s3_authorization(a, keys, &s);
    return str_from(whole, (size_t)str_find(whole, S("SignedHeaders=")));
}

static Str wanted(Arena *a, const Case *c) {
    return str_fmt(a, "SignedHeaders=%s, Signature=%s", c->names, c->signature);
}

#define HOST                                                                                                           \
    { STR_INIT("host"), STR_INIT("examplebucket.s3.amazonaws.com") }
#define DATE                                                                                                           \
    { STR_INIT("x-amz-date"), STR_INIT("20130524T000000Z") }
#define SUM(s)                                                                                                         \
    { STR_INIT("x-amz-content-sha256"), STR_INIT(s) }
#define PUT_SUM "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

TEST(the_examples_of_the_S3_reference_STO_15) {
    static const Case cases[] = {
        { "get object",
          "GET",
          "/test.txt",
          { { { 0 }, { 0 } } },
          { DATE, HOST, { STR_INIT("range"), STR_INIT("bytes=0-9") }, SUM(EMPTY) },
          EMPTY,
          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
          "host;range;x-amz-content-sha256;x-amz-date" },
        { "put object",
          "PUT",
          "/test$file.text",
          { { { 0 }, { 0 } } },
          { { STR_INIT("date"), STR_INIT("Fri, 24 May 2013 00:00:00 GMT") },
            HOST,
            DATE,
            SUM(PUT_SUM),
            { STR_INIT("x-amz-storage-class"), STR_INIT("REDUCED_REDUNDANCY") } },
          PUT_SUM,
          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
          "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class" },
        { "get bucket lifecycle",
          "GET",
          "/",
          { { STR_INIT("lifecycle"), { 0 } } },
          { HOST, DATE, SUM(EMPTY) },
          EMPTY,
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
          "host;x-amz-content-sha256;x-amz-date" },
        { "list objects",
          "GET",
          "/",
          { { STR_INIT("prefix"), STR_INIT("J") }, { STR_INIT("max-keys"), STR_INIT("2") } },
          { HOST, DATE, SUM(EMPTY) },
          EMPTY,
          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
          "host;x-amz-content-sha256;x-amz-date" },
    };
    static const S3Keys keys = { STR_INIT("AKIAIOSFODNN7EXAMPLE"),
                                 STR_INIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                 { 0 } };
    S3Signing s = { .region = S("us-east-1"), .service = S("s3"), .at = time_ms(INT64_C(1369353600000)) };
    Arena a = { 0 };
    EACH_ROW (c, cases)
        CHECK_STR(sign(&a, c, &keys, s), wanted(&a, c));
    arena_done(&a);
}

#define ORG                                                                                                            \
    { STR_INIT("host"), STR_INIT("example.amazonaws.com") }
#define AT                                                                                                             \
    { STR_INIT("x-amz-date"), STR_INIT("20150830T123600Z") }

TEST(cases_of_the_published_suite_STO_15) {
    static const Case cases[] = {
        { "get-vanilla",
          "GET",
          "/",
          { { { 0 }, { 0 } } },
          { ORG, AT },
          EMPTY,
          "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
          "host;x-amz-date" },
        { "post-vanilla",
          "POST",
          "/",
          { { { 0 }, { 0 } } },
          { AT, ORG },
          EMPTY,
          "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
          "host;x-amz-date" },
        { "get-vanilla-query-order-key-case",
          "GET",
          "/",
          { { STR_INIT("Param2"), STR_INIT("value2") }, { STR_INIT("Param1"), STR_INIT("value1") } },
          { ORG, AT },
          EMPTY,
          "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
          "host;x-amz-date" },
        { "get-utf8",
          "GET",
          "/\xe1\x88\xb4",
          { { { 0 }, { 0 } } },
          { ORG, AT },
          EMPTY,
          "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
          "host;x-amz-date" },
        { "get-unreserved",
          "GET",
          "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
          { { { 0 }, { 0 } } },
          { ORG, AT },
          EMPTY,
          "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
          "host;x-amz-date" },
        { "get-header-value-trim",
          "GET",
          "/",
          { { { 0 }, { 0 } } },
          { ORG,
            AT,
            { STR_INIT("my-header1"), STR_INIT(" value1") },
            { STR_INIT("my-header2"), STR_INIT(" \"a   b   c\"") } },
          EMPTY,
          "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
          "host;my-header1;my-header2;x-amz-date" },
        { "post-header-key-sort",
          "POST",
          "/",
          { { { 0 }, { 0 } } },
          { { STR_INIT("my-header1"), STR_INIT("value1") }, ORG, AT },
          EMPTY,
          "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
          "host;my-header1;x-amz-date" },
    };
    static const S3Keys keys = { STR_INIT("AKIDEXAMPLE"), STR_INIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), { 0 } };
    S3Signing s = { .region = S("us-east-1"), .service = S("service"), .at = time_ms(INT64_C(1440938160000)) };
    Arena a = { 0 };
    EACH_ROW (c, cases)
        CHECK_STR(sign(&a, c, &keys, s), wanted(&a, c));
    arena_done(&a);
}

TEST(queries_are_sorted_by_their_encoded_bytes) {
    Arena a = { 0 };
    static const S3Pair v[] = { { STR_INIT("uploads"), { 0 } },
                                { STR_INIT("prefix"), STR_INIT("a/b c~\xc3\xa9") },
                                { STR_INIT("max-keys"), STR_INIT("7") },
                                { STR_INIT("list-type"), STR_INIT("2") } };
    CHECK_STR(s3_query(&a, v, ARRAY_LEN(v)), S("list-type=2&max-keys=7&prefix=a%2Fb%20c~%C3%A9&uploads="));
    CHECK_STR(s3_query(&a, v, 0), S(""));
    arena_done(&a);
}

TEST(keys_keep_their_slashes_and_nothing_else) {
    Arena a = { 0 };
    CHECK_STR(s3_encode(&a, S("a b/%41+=:@$/\xc3\xbc"), true), S("a%20b/%2541%2B%3D%3A%40%24/%C3%BC"));
    CHECK_STR(s3_encode(&a, S("a/b"), false), S("a%2Fb"));
    arena_done(&a);
}

TESTS(T(the_examples_of_the_S3_reference_STO_15), T(cases_of_the_published_suite_STO_15),
      T(queries_are_sorted_by_their_encoded_bytes), T(keys_keep_their_slashes_and_nothing_else))
