#pragma once

/* api/rpc/message.h - protobuf-c in the arena of a turn. Private to this folder. */

#include "grpc/call.h"

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;

/* The message, in cx->arena; NULL with words when the bytes are none. Its strings end in a NUL. */
void *rpc_unpack(Ctx *cx, const struct ProtobufCMessageDescriptor *type, Str bytes);
/* Sends the message to the client. 0 or ERR_LIMIT. */
int rpc_send(GrpcCall *c, Ctx *cx, const struct ProtobufCMessage *message);
char *rpc_text(Ctx *cx, Str s);  /* s with a NUL behind it; never NULL */
char *rpc_time(Ctx *cx, Time t); /* ISO 8601 */
