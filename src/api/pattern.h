#pragma once

/* api/pattern.h - the named forms a string field may be asked to have. Pure. */

#include "base/str.h"

typedef struct Pattern {
    const char *name;
    const char *regex; /* the same rule in ECMA 262, for OpenAPI */
    const char *words; /* follows "must be" */
    bool (*check)(Str text);
} Pattern;

/* NULL when there is none of that name. */
const Pattern *pattern_find(const char *name);
