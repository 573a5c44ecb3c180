#pragma once

/* grpc/frame.h - messages in the body of a call: a byte that says whether it is compressed, four of length, the bytes. Pure.
 *
 * A message past the limit is refused by its prefix, before its bytes are kept; one that is compressed may not grow past
 * the same limit. */

#include "base/zip.h"

enum {
    GRPC_PREFIX = 5,
    GRPC_MESSAGE_MAX = 4 << 20, /* the usual limit of what is received */
};

/* How many leading bytes are whole messages. 0, or ERR_TOO_LARGE (a message over `max`), ERR_BAD_REQUEST (a flag that is
 * none). */
int grpc_frames_whole(Str bytes, size_t max, size_t *whole);

typedef struct GrpcFrame {
    bool compressed;
    Str bytes;
} GrpcFrame;
/* Takes the first of *rest, which holds whole messages alone; false at their end. */
bool grpc_frame_next(Str *rest, GrpcFrame *out);
/* The message itself: expanded into *room (empty, with the limit) where it is compressed. 0, ERR_TOO_LARGE, ERR_CORRUPT. */
int grpc_frame_open(const GrpcFrame *f, Zip *z, Buf *room, Str *out);

/* Room for a message of n bytes behind its prefix, NULL past the buffer's limit. The message is in the buffer then: fill it. */
char *grpc_frame_reserve(Buf *out, size_t n);
/* Appends the message; gzip: compressed, where that makes it smaller. 0 or ERR_LIMIT. */
int grpc_frame_put(Buf *out, Zip *z, bool gzip, Str message);
