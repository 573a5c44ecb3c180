#pragma once

/* grpc/health.h - grpc.health.v1.Health: Check, Watch, List. Threads: the loop's; every method runs there. */

#include "grpc/call.h"

typedef struct GrpcHealth GrpcHealth;

typedef enum GrpcServing { GRPC_SERVING_UNKNOWN, GRPC_SERVING, GRPC_NOT_SERVING, GRPC_SERVICE_UNKNOWN } GrpcServing;

extern const GrpcService grpc_health_service; /* its GrpcStart.service is a GrpcHealth */

GrpcHealth *grpc_health_new(void);           /* the whole server, "", is SERVING */
GrpcHealth *grpc_health_free(GrpcHealth *h); /* no call is left; NULL is fine */
/* Adds the service or changes it; who watches it is told. Names are copied. */
void grpc_health_set(GrpcHealth *h, Str service, GrpcServing status);
/* Before a stop: everything NOT_SERVING, for good. */
void grpc_health_shutdown(GrpcHealth *h);
