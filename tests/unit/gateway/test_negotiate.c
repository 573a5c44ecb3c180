/* gateway/negotiate: the form of an answer, RFC 9110 §12. */

#include "gateway/negotiate.h"
#include "lib/test.h"

TEST(accept_chooses_between_json_and_csv) {
    static const struct {
        const char *name;
        bool csv;
        MediaType want;
    } rows[] = {
        { "", true, MEDIA_JSON },
        { "*/*", true, MEDIA_JSON },
        { "application/json", true, MEDIA_JSON },
        { "text/csv", true, MEDIA_CSV },
        { "text/csv", false, MEDIA_NONE },
        { "text/csv, */*;q=0.1", true, MEDIA_CSV },
        { "text/csv;q=0.5, application/json;q=0.9", true, MEDIA_JSON },
        { "text/csv;q=0.9,application/json;q=0.5", true, MEDIA_CSV },
        { "application/json;q=0, text/*", true, MEDIA_CSV },
        { "TEXT/CSV", true, MEDIA_CSV },
        { "image/png", true, MEDIA_NONE },
        { "text/html,application/xhtml+xml,*/*;q=0.8", true, MEDIA_JSON },
        { "application/*", true, MEDIA_JSON },
        { "*/*;q=0", true, MEDIA_NONE },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(negotiate_media(str_c(r->name), r->csv), r->want);
}

TEST(accept_encoding_chooses_the_coding) {
    static const struct {
        const char *name;
        Coding want;
    } rows[] = {
        { "", CODING_IDENTITY },
        { "gzip", CODING_GZIP },
        { "gzip, deflate, br, zstd", CODING_ZSTD },
        { "zstd;q=0.5, gzip", CODING_GZIP },
        { "gzip;q=0", CODING_IDENTITY },
        { "identity", CODING_IDENTITY },
        { "*", CODING_GZIP },
        { "*;q=0", CODING_IDENTITY },
        { "br", CODING_IDENTITY },
        { "x-gzip", CODING_GZIP },
        { "zstd;q=0, gzip;q=0.2", CODING_GZIP },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(negotiate_coding(str_c(r->name)), r->want);
}

TEST(content_types_are_told_apart) {
    static const struct {
        const char *name;
        MediaType want;
    } rows[] = {
        { "", MEDIA_JSON },
        { "application/json", MEDIA_JSON },
        { "application/json; charset=utf-8", MEDIA_JSON },
        { "application/problem+json", MEDIA_JSON },
        { "text/csv; header=present", MEDIA_CSV },
        { "application/x-www-form-urlencoded", MEDIA_JSON },
        { "application/xml", MEDIA_NONE },
        { "multipart/form-data; boundary=x", MEDIA_NONE },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(media_of(str_c(r->name)), r->want);
}

TEST(an_absent_header_is_no_wish) {
    CHECK_EQ(negotiate_media((Str){ 0 }, true), MEDIA_JSON);
    CHECK_EQ(negotiate_coding((Str){ 0 }), CODING_IDENTITY);
    CHECK_EQ(media_of((Str){ 0 }), MEDIA_JSON);
}

TESTS(T(accept_chooses_between_json_and_csv), T(accept_encoding_chooses_the_coding), T(content_types_are_told_apart),
      T(an_absent_header_is_no_wish))
