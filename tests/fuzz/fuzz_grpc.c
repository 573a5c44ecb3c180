/* tests/fuzz/fuzz_grpc.c - a hostile body of messages, hostile metadata, hostile protobuf.
 *
 * What is counted as whole lies within the bytes and is made of messages one behind the other; whatever is opened keeps to
 * its limit; texts that are written are read back as they were. */

#include "grpc/frame.h"
#include "grpc/pb.h"
#include "grpc/wire.h"

#include "fuzz.h"

enum { MESSAGE_MAX = 4096 };

static void frames(Str bytes) {
    size_t whole = 0, seen = 0;
    if (grpc_frames_whole(bytes, MESSAGE_MAX, &whole) != 0)
        return;
    MUST(whole <= bytes.n && bytes.n - whole < GRPC_PREFIX + MESSAGE_MAX);
    Str rest = str_first(bytes, whole), message;
    for (GrpcFrame f; grpc_frame_next(&rest, &f);) {
        Buf room;
        buf_init(&room, MESSAGE_MAX);
        seen += GRPC_PREFIX + f.bytes.n;
        if (grpc_frame_open(&f, NULL, &room, &message) == 0)
            MUST(message.n <= MESSAGE_MAX);
        buf_done(&room);
    }
    MUST(seen == whole);
}

static void words(Str s) {
    Arena a = { 0 };
    Str back;
    int64_t ns;
    MUST(str_eq(grpc_message_decode(&a, grpc_message_encode(&a, s)), s));
    MUST(grpc_bin_decode(&a, grpc_bin_encode(&a, s), &back) && str_eq(back, s));
    if (grpc_bin_decode(&a, s, &back))
        MUST(back.n <= s.n);
    if (grpc_timeout_parse(s, &ns))
        MUST(ns >= 0);
    grpc_content_type(s);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 20000)
        return 0;
    Str all = { (const char *)data, size };
    frames(all);
    words(all);
    PbReader r = pb_reader(all);
    size_t left = all.n;
    for (PbField f; pb_next(&r, &f); left = r.rest.n)
        MUST(r.rest.n < left && f.number > 0 && f.bytes.n <= all.n);
    return 0;
}
