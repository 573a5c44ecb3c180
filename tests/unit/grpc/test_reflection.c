/* The index of descriptors: what is damaged is refused, and never read past its end. */

#include "grpc/pb.h"
#include "grpc/reflection.h"
#include "lib/test.h"

/* A FileDescriptorSet of one file "a.proto", package p, message M with field f, service S with method m. */
static void make_set(Buf *set) {
    Buf file, message, service, part;
    buf_init(&file, 4096);
    buf_init(&message, 4096);
    buf_init(&service, 4096);
    buf_init(&part, 4096);
    pb_put_bytes(&part, 1, S("f"));
    pb_put_bytes(&message, 1, S("M"));
    pb_put_bytes(&message, 2, buf_str(&part));
    buf_clear(&part);
    pb_put_bytes(&part, 1, S("m"));
    pb_put_bytes(&service, 1, S("S"));
    pb_put_bytes(&service, 2, buf_str(&part));
    pb_put_bytes(&file, 1, S("a.proto"));
    pb_put_bytes(&file, 2, S("p"));
    pb_put_bytes(&file, 4, buf_str(&message));
    pb_put_bytes(&file, 6, buf_str(&service));
    buf_init(set, 4096);
    pb_put_bytes(set, 1, buf_str(&file));
    buf_done(&file);
    buf_done(&message);
    buf_done(&service);
    buf_done(&part);
}

TEST(a_set_cut_anywhere_is_refused_or_read) {
    Arena a = { 0 };
    ClockManual clock;
    Ctx cx;
    Buf set;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &a, &clock.clock);
    make_set(&set);
    for (size_t n = 0; n <= set.n; n++) {
        GrpcReflection *r = NULL;
        char *copy = arena_alloc(&a, n + 1); /* so that a sanitizer sees a read past the end */
        memcpy(copy, set.p, n);
        int e = grpc_reflection_new(&cx, str_n(copy, n), &r);
        CHECK_EQ(e, n == 0 || n == set.n ? 0 : ERR_CORRUPT);
        grpc_reflection_free(r);
    }
    buf_done(&set);
    arena_done(&a);
}

TESTS(T(a_set_cut_anywhere_is_refused_or_read))
