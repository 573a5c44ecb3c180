/* Messages in a body: prefixes, limits, compression; and the small reader of protobuf. */

#include "grpc/frame.h"
#include "grpc/pb.h"
#include "lib/test.h"

#define BYTES(literal) str_n((literal), sizeof(literal) - 1)

TEST(whole_messages_are_counted) {
    static const struct {
        const char *name, *bytes;
        size_t n;
        int err;
        size_t whole;
    } rows[] = {
        { "nothing", "", 0, 0, 0 },
        { "half a prefix", "\0\0\0", 3, 0, 0 },
        { "an empty message", "\0\0\0\0\0", 5, 0, 5 },
        { "one", "\0\0\0\0\2ab", 7, 0, 7 },
        { "one and a half", "\0\0\0\0\2ab\0\0\0\0\2a", 13, 0, 7 },
        { "two", "\0\0\0\0\2ab\1\0\0\0\1c", 13, 0, 13 },
        { "at the limit",
          "\0\0\0\0\x0a"
          "0123456789",
          15, 0, 15 },
        { "past the limit, by its prefix alone", "\0\0\0\0\x0b", 5, ERR_TOO_LARGE, 0 },
        { "four gigabytes", "\0\xff\xff\xff\xff", 5, ERR_TOO_LARGE, 0 },
        { "a flag that is none", "\2\0\0\0\0", 5, ERR_BAD_REQUEST, 0 },
        { "a good one, then a bad one", "\0\0\0\0\0\7\0\0\0\0", 10, ERR_BAD_REQUEST, 0 },
    };
    EACH_ROW (r, rows) {
        size_t whole = 0;
        CHECK_EQ(grpc_frames_whole(str_n(r->bytes, r->n), 10, &whole), r->err);
        if (r->err == 0)
            CHECK_EQ(whole, r->whole);
    }
}

TEST(messages_come_back_as_they_were_put) {
    Buf out, room;
    char big[5000];
    memset(big, 'x', sizeof big);
    buf_init(&out, 1 << 20);
    CHECK_EQ(grpc_frame_put(&out, NULL, false, S("first")), 0);
    CHECK_EQ(grpc_frame_put(&out, NULL, true, str_n(big, sizeof big)), 0);
    CHECK_EQ(grpc_frame_put(&out, NULL, true, S("s")), 0); /* would grow: goes as it is */
    memcpy(grpc_frame_reserve(&out, 3), "abc", 3);
    CHECK(out.n < sizeof big);
    Str rest = buf_str(&out), message;
    GrpcFrame f;
    buf_init(&room, 5000);
    CHECK(grpc_frame_next(&rest, &f) && !f.compressed);
    CHECK_STR(f.bytes, S("first"));
    CHECK(grpc_frame_next(&rest, &f) && f.compressed);
    CHECK_EQ(grpc_frame_open(&f, NULL, &room, &message), 0);
    CHECK_STR(message, str_n(big, sizeof big));
    CHECK(grpc_frame_next(&rest, &f) && !f.compressed);
    CHECK(grpc_frame_next(&rest, &f));
    CHECK_STR(f.bytes, S("abc"));
    CHECK(!grpc_frame_next(&rest, &f));
    buf_done(&out);
    buf_done(&room);
}

TEST(a_bomb_is_refused_at_the_limit) {
    Buf out, room;
    static char zeros[1 << 20];
    buf_init(&out, 1 << 20);
    buf_init(&room, 4096);
    CHECK_EQ(grpc_frame_put(&out, NULL, true, str_n(zeros, sizeof zeros)), 0);
    Str rest = buf_str(&out), message;
    GrpcFrame f;
    CHECK(grpc_frame_next(&rest, &f) && f.compressed);
    CHECK_EQ(grpc_frame_open(&f, NULL, &room, &message), ERR_TOO_LARGE);
    buf_clear(&room);
    f.bytes = S("not gzip at all");
    CHECK_EQ(grpc_frame_open(&f, NULL, &room, &message), ERR_CORRUPT);
    buf_done(&out);
    buf_done(&room);
}

TEST(a_full_buffer_takes_no_half_message) {
    Buf out;
    buf_init(&out, 8);
    CHECK_EQ(grpc_frame_put(&out, NULL, false, S("abc")), 0);
    CHECK_EQ(grpc_frame_put(&out, NULL, false, S("")), ERR_LIMIT);
    CHECK_EQ(out.n, 8);
    buf_done(&out);
}

TEST(fields_of_protobuf) {
    PbField f;
    PbReader r = pb_reader(BYTES("\x08\x96\x01\x12\x07testing\x1d\x01\x02\x03\x04\x21\x01\0\0\0\0\0\0\0"));
    CHECK(pb_next(&r, &f) && f.number == 1 && f.wire == PB_VARINT && f.value == 150);
    CHECK(pb_next(&r, &f) && f.number == 2 && f.wire == PB_BYTES);
    CHECK_STR(f.bytes, S("testing"));
    CHECK(pb_next(&r, &f) && f.number == 3 && f.value == 0x04030201);
    CHECK(pb_next(&r, &f) && f.number == 4 && f.value == 1);
    CHECK(!pb_next(&r, &f) && !r.bad);
    static const struct {
        const char *name, *bytes;
        size_t n;
    } rows[] = {
        { "a tag without an end", "\x80", 1 },
        { "a number without an end", "\x08\xff", 2 },
        { "a number of eleven bytes", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 },
        { "bytes that are not there",
          "\x12\x05"
          "ab",
          4 },
        { "more bytes than there are numbers", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
        { "field 0", "\x00\x01", 2 },
        { "a group", "\x0b", 1 },
        { "half of fixed32", "\x0d\x01", 2 },
    };
    EACH_ROW (row, rows) {
        r = pb_reader(str_n(row->bytes, row->n));
        while (pb_next(&r, &f)) {
        }
        CHECK(r.bad);
    }
    Buf b;
    buf_init(&b, 100);
    pb_put_number(&b, 1, UINT64_MAX);
    pb_put_bytes(&b, 16, S("x"));
    r = pb_reader(buf_str(&b));
    CHECK(pb_next(&r, &f) && f.value == UINT64_MAX);
    CHECK(pb_next(&r, &f) && f.number == 16);
    buf_done(&b);
}

TESTS(T(whole_messages_are_counted), T(messages_come_back_as_they_were_put), T(a_bomb_is_refused_at_the_limit),
      T(a_full_buffer_takes_no_half_message), T(fields_of_protobuf))
