#pragma once

/* services/cache/sessions.h - what a server remembers of a client between requests, outside of its process (STO-09,
 * PRI-11): the next instance finds the same.
 *
 * A session is bytes under an unguessable id. It expires `idle_ms` after it was last read or written, at the latest `most_ms`
 * after it was made. It lives in a shared cache where there is one; in memory it ends with the process. Unlike a cached
 * answer a session cannot be made again, so here an unreachable cache is an error. Threads: any; blocks. */

#include "base/rng.h"
#include "ports/cache.h"

typedef struct Sessions {
    Cache *cache; /* borrowed */
    Ids *ids;     /* of the kernel: 122 random bits an id */
    int64_t idle_ms, most_ms;
} Sessions;

enum { SESSION_NONE = 1, SESSION_DATA_MAX = 64 << 10 };

/* *id in cx->arena. ERR_TOO_LARGE past SESSION_DATA_MAX. */
int session_begin(const Sessions *s, Ctx *cx, Str data, Str *id);
/* The data, in cx->arena; its time begins anew. 0 or SESSION_NONE: never there, expired, ended. */
int session_get(const Sessions *s, Ctx *cx, Str id, Str *data);
int session_set(const Sessions *s, Ctx *cx, Str id, Str data); /* 0 or SESSION_NONE */
int session_end(const Sessions *s, Ctx *cx, Str id);           /* 0 also when it was not there */
