#pragma once

/* tests/contract/cache.h - what an adapter gives the suite. */

#include "lib/test.h"
#include "ports/cache.h"

typedef struct CacheMaker {
    const char *name;
    Cache *(*open)(TestCtx *t); /* an empty one; NULL when what it needs is not installed */
    void (*done)(void);         /* after close; may be NULL */
} CacheMaker;
extern const CacheMaker cache_maker;
