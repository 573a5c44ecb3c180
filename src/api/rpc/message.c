/* api/rpc/message.c - see message.h. */

#include "api/rpc/message.h"

#include "api/rpc/rpc.h"
#include "base/time.h"

#include <protobuf-c/protobuf-c.h>

/* Memory goes with the arena. Past its limit there is none: a message of a million empty parts is refused. */
static void *take(void *arena, size_t n) {
    return arena_try(arena, n);
}

static void leave(void *arena, void *p) {
    UNUSED(arena);
    UNUSED(p);
}

void *rpc_unpack(Ctx *cx, const ProtobufCMessageDescriptor *type, Str bytes) {
    ProtobufCAllocator in_arena = { take, leave, cx->arena };
    void *message = protobuf_c_message_unpack(type, &in_arena, bytes.n, (const uint8_t *)bytes.p);
    if (!message)
        err_set(cx, ERR_BAD_REQUEST, "the message is not a %s", type->name);
    return message;
}

int rpc_send(GrpcCall *c, Ctx *cx, const ProtobufCMessage *message) {
    size_t n = protobuf_c_message_get_packed_size(message);
    char *to = grpc_compresses(c) ? arena_alloc(cx->arena, n + 1) : grpc_send_reserve(c, cx, n);
    if (!to)
        return ERR_LIMIT;
    protobuf_c_message_pack(message, (uint8_t *)to);
    return grpc_compresses(c) ? grpc_send(c, cx, str_n(to, n)) : 0;
}

char *rpc_text(Ctx *cx, Str s) {
    return str_cz(cx->arena, s);
}

char *rpc_time(Ctx *cx, Time t) {
    char text[TIME_TEXT_MAX];
    return str_cz(cx->arena, str_n(text, time_format_iso(t, text)));
}

/* Made of proto/ by tools/bytes_to_c.py. */
extern const unsigned char proto_descriptors[];
extern const size_t proto_descriptors_size;

Str rpc_descriptors(void) {
    return str_n((const char *)proto_descriptors, proto_descriptors_size);
}
