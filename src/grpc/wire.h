#pragma once

/* grpc/wire.h - the words of gRPC over HTTP/2: status codes, grpc-message, grpc-timeout, -bin metadata. Pure.
 *
 * Facts: the protocol's own description (PROTOCOL-HTTP2.md of the gRPC project). What comes from outside is bounded by
 * the size of its field. */

#include "base/ctx.h"

typedef enum GrpcStatus {
    GRPC_OK,
    GRPC_CANCELLED,
    GRPC_UNKNOWN,
    GRPC_INVALID_ARGUMENT,
    GRPC_DEADLINE_EXCEEDED,
    GRPC_NOT_FOUND,
    GRPC_ALREADY_EXISTS,
    GRPC_PERMISSION_DENIED,
    GRPC_RESOURCE_EXHAUSTED,
    GRPC_FAILED_PRECONDITION,
    GRPC_ABORTED,
    GRPC_OUT_OF_RANGE,
    GRPC_UNIMPLEMENTED,
    GRPC_INTERNAL,
    GRPC_UNAVAILABLE,
    GRPC_DATA_LOSS,
    GRPC_UNAUTHENTICATED,
    GRPC_STATUSES,
} GrpcStatus;

const char *grpc_status_name(int status); /* "NOT_FOUND"; "UNKNOWN" for a number that is none */
GrpcStatus grpc_status_of(int err);       /* of an ErrCode; 0: OK */
int grpc_status_err(int status);          /* the ErrCode that says most of it; 0: OK */
/* What a client makes of an HTTP status without grpc-status. */
GrpcStatus grpc_status_of_http(int http);

/* "5S", "100m": at most eight digits and a unit of H M S m u n. false: it is none. ns: INT64_MAX where it does not fit. */
bool grpc_timeout_parse(Str s, int64_t *ns);
enum { GRPC_TIMEOUT_TEXT = 12 };
/* The shortest exact form of milliseconds, or the next larger unit, rounded up, where that takes more than eight digits. */
Str grpc_timeout_write(int64_t ms, char out[static GRPC_TIMEOUT_TEXT]);

/* grpc-message: bytes outside of 0x20..0x7e and '%' as %XX. Both in the arena, or s itself where nothing changes. A bad
 * escape is left as it is: words are shown, never judged. */
Str grpc_message_encode(Arena *a, Str s);
Str grpc_message_decode(Arena *a, Str s);

/* Values of metadata whose name ends in "-bin": base64, padded or not; written without padding. */
Str grpc_bin_encode(Arena *a, Str bytes);
bool grpc_bin_decode(Arena *a, Str text, Str *out);

/* "application/grpc", alone or with "+proto" or parameters; what follows '+' that is not proto is no gRPC we speak. */
bool grpc_content_type(Str value);
