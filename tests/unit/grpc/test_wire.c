/* The words of gRPC: statuses, timeouts, messages, metadata of bytes. */

#include "grpc/call.h"
#include "grpc/pb.h"
#include "lib/test.h"

TEST(statuses_and_codes_of_ours) {
    static const struct {
        const char *name;
        int err;
        GrpcStatus status;
    } rows[] = {
        { "well", 0, GRPC_OK },
        { "a bad value", ERR_INVALID, GRPC_INVALID_ARGUMENT },
        { "not there", ERR_NOT_FOUND, GRPC_NOT_FOUND },
        { "no key", ERR_UNAUTHORIZED, GRPC_UNAUTHENTICATED },
        { "no right", ERR_DENIED, GRPC_PERMISSION_DENIED },
        { "too often", ERR_LIMIT, GRPC_RESOURCE_EXHAUSTED },
        { "too busy", ERR_BUSY, GRPC_UNAVAILABLE },
        { "too late", ERR_TIMEOUT, GRPC_DEADLINE_EXCEEDED },
        { "our fault", ERR_INTERNAL, GRPC_INTERNAL },
        { "a number that is none", -999, GRPC_UNKNOWN },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(grpc_status_of(r->err), r->status);
    for (int s = GRPC_OK; s < GRPC_STATUSES; s++)
        CHECK((grpc_status_err(s) == 0) == (s == GRPC_OK));
    CHECK_STR(str_c(grpc_status_name(GRPC_DATA_LOSS)), S("DATA_LOSS"));
    CHECK_STR(str_c(grpc_status_name(99)), S("UNKNOWN"));
    CHECK_EQ(grpc_status_of_http(404), GRPC_UNIMPLEMENTED);
    CHECK_EQ(grpc_status_of_http(503), GRPC_UNAVAILABLE);
}

TEST(every_code_has_a_status) {
#define KNOWN(code, nr, name, http, retry, exit, words) CHECK(grpc_status_of(code) != GRPC_UNKNOWN);
    ERR_TABLE(KNOWN)
#undef KNOWN
}

TEST(timeouts) {
    static const struct {
        const char *name;
        int64_t ns; /* -1: refused */
    } rows[] = {
        { "1n", 1 },
        { "7u", 7000 },
        { "250m", 250000000 },
        { "5S", INT64_C(5000000000) },
        { "2M", INT64_C(120000000000) },
        { "1H", INT64_C(3600000000000) },
        { "99999999H", INT64_MAX },
        { "0S", 0 },
        { "", -1 },
        { "S", -1 },
        { "5", -1 },
        { "5s", -1 },
        { "-5S", -1 },
        { "+5S", -1 },
        { " 5S", -1 },
        { "123456789S", -1 },
        { "1.5S", -1 },
    };
    EACH_ROW (r, rows) {
        int64_t ns = -1;
        CHECK_EQ(grpc_timeout_parse(str_c(r->name), &ns), r->ns >= 0);
        if (r->ns >= 0)
            CHECK_EQ(ns, r->ns);
    }
}

TEST(timeouts_are_written_so_that_they_are_never_shorter) {
    static const int64_t values[] = { 0, 1, 999, 99999999, 100000000, 100000001, INT64_C(99999999999), INT64_MAX };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char text[GRPC_TIMEOUT_TEXT];
        int64_t ns;
        Str s = grpc_timeout_write(values[i], text);
        CHECK(grpc_timeout_parse(s, &ns));
        CHECK(ns / NS_PER_MS >= values[i] || s.n == 9); /* 99999999H is for ever */
    }
    char text[GRPC_TIMEOUT_TEXT];
    CHECK_STR(grpc_timeout_write(5000, text), S("5000m"));
    CHECK_STR(grpc_timeout_write(-3, text), S("0m"));
}

TEST(messages_are_escaped_and_back) {
    Arena a = { 0 };
    CHECK_STR(grpc_message_encode(&a, S("plain words")), S("plain words"));
    CHECK_STR(grpc_message_encode(&a, S("50% of\nit: \xc3\xa9")), S("50%25 of%0Ait: %C3%A9"));
    CHECK_STR(grpc_message_decode(&a, S("50%25 of%0ait: %C3%A9")), S("50% of\nit: \xc3\xa9"));
    CHECK_STR(grpc_message_decode(&a, S("100%")), S("100%"));
    CHECK_STR(grpc_message_decode(&a, S("%zz%4")), S("%zz%4"));
    arena_done(&a);
}

TEST(bytes_in_metadata) {
    static const struct {
        const char *name, *text;
    } rows[] = { { "", "" },        { "f", "Zg" },        { "fo", "Zm8" },
                 { "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "\xff\xfe", "//4" } };
    Arena a = { 0 };
    Str back;
    EACH_ROW (r, rows) {
        CHECK_STR(grpc_bin_encode(&a, str_c(r->name)), str_c(r->text));
        CHECK(grpc_bin_decode(&a, str_c(r->text), &back));
        CHECK_STR(back, str_c(r->name));
    }
    CHECK(grpc_bin_decode(&a, S("Zg=="), &back));
    CHECK_STR(back, S("f"));
    CHECK(!grpc_bin_decode(&a, S("Z"), &back));
    CHECK(!grpc_bin_decode(&a, S("Zm_v"), &back));
    arena_done(&a);
}

TEST(types_of_a_body) {
    static const struct {
        const char *name;
        bool want;
    } rows[] = {
        { "application/grpc", true },
        { "application/grpc+proto", true },
        { "application/grpc; x=y", true },
        { "Application/GRPC", true },
        { "application/grpc-web", false },
        { "application/grpc+json", false },
        { "application/grpc-web+proto", false },
        { "application/json", false },
        { "", false },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(grpc_content_type(str_c(r->name)), r->want);
}

/* Field 3 of Status, field 2 of Any: an ErrorInfo whose field 1 is the wire name of the code. */
TEST(details_say_what_an_error_of_ours_says) {
    Arena a = { 0 };
    ClockManual clock;
    Ctx cx;
    Buf out;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &a, &clock.clock);
    cx.trace.request_id = S("id-1");
    err_set_at(&cx, ERR_INVALID, S("limit"), "too small");
    cx.err.retry_after_ms = 1500;
    buf_init(&out, 8192);
    grpc_details(&cx, GRPC_INVALID_ARGUMENT, S("too small"), &out);
    PbReader r = pb_reader(buf_str(&out));
    PbField f;
    CHECK(pb_next(&r, &f) && f.number == 1 && f.value == GRPC_INVALID_ARGUMENT);
    CHECK(pb_next(&r, &f) && f.number == 2);
    CHECK_STR(f.bytes, S("too small"));
    CHECK(pb_next(&r, &f) && f.number == 3);
    PbReader any = pb_reader(f.bytes);
    CHECK(pb_next(&any, &f));
    CHECK_STR(f.bytes, S("type.googleapis.com/google.rpc.ErrorInfo"));
    CHECK(pb_next(&any, &f));
    PbReader info = pb_reader(f.bytes);
    CHECK(pb_next(&info, &f) && f.number == 1);
    CHECK_STR(f.bytes, S("validation_error"));
    CHECK(str_find(buf_str(&out), S("limit")) > 0 && str_find(buf_str(&out), S("id-1")) > 0);
    CHECK(pb_next(&r, &f) && f.number == 3);
    CHECK(str_find(f.bytes, S("google.rpc.RetryInfo")) > 0);
    CHECK(!pb_next(&r, &f) && !r.bad);
    buf_done(&out);
    arena_done(&a);
}

TESTS(T(statuses_and_codes_of_ours), T(every_code_has_a_status), T(timeouts),
      T(timeouts_are_written_so_that_they_are_never_shorter), T(messages_are_escaped_and_back), T(bytes_in_metadata),
      T(types_of_a_body), T(details_say_what_an_error_of_ours_says))
