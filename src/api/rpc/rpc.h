#pragma once

/* api/rpc/rpc.h - the services of this product over gRPC, and messages of protobuf-c in a call's memory.
 *
 * Messages are made of the files in proto/ by protobuf-c in the build folder. A handler turns a message into the question of an
 * operation or a service, which checks it as it checks any other, and the answer into a message. */

#include "grpc/call.h"

/* Served by a MarketService. The roles are those of the operations behind them. */
extern const GrpcService market_rpc;
/* Served by a NewsService. */
extern const GrpcService news_rpc;

/* A serialised FileDescriptorSet of all .proto files, for reflection. */
Str rpc_descriptors(void);
