#pragma once

/* ports/snapshot.h - what a store gives itself away by: the bytes of a file that the same adapter opens again. */

#include "base/ctx.h"

/* Takes the next bytes of a snapshot; what is not 0 ends it. */
typedef int SnapshotPiece(void *arg, Ctx *cx, Str bytes);
