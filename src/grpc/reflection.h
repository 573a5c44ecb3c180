#pragma once

/* grpc/reflection.h - grpc.reflection.v1 and v1alpha: what services there are, and the files that describe them, for
 * grpcurl and its like. Read-only once made: any thread. */

#include "grpc/call.h"

typedef struct GrpcReflection GrpcReflection;

extern const GrpcService grpc_reflection_service, grpc_reflection_service_v1alpha; /* served by a GrpcReflection */

/* descriptors: a serialised FileDescriptorSet with all imports (protoc --include_imports --descriptor_set_out); borrowed.
 * 0 or ERR_CORRUPT. */
int grpc_reflection_new(Ctx *cx, Str descriptors, GrpcReflection **out);
GrpcReflection *grpc_reflection_free(GrpcReflection *r); /* NULL is fine */
/* A service that is served here: list_services names those alone. The name is borrowed. */
void grpc_reflection_serve(GrpcReflection *r, Str service);
