#pragma once

/* api/place.h - where in the input something is wrong, and the words for it. Internal to api.
 *
 * A Place is a chain on the stack of the decoder: nothing is formatted until something fails. */

#include "base/buf.h"
#include "base/ctx.h"

typedef struct Place {
    const struct Place *up; /* NULL at the root, which has neither name nor index */
    Str name;               /* a member; p NULL: an item of a list */
    size_t index;
} Place;

static inline Place place_member(const Place *up, Str name) {
    return (Place){ .up = up, .name = name };
}
static inline Place place_item(const Place *up, size_t index) {
    return (Place){ .up = up, .index = index };
}

/* "candles[3].high"; "body" for the root itself. Cut to what Err.field holds. */
Str place_text(Arena *a, const Place *at);
/* ERR_INVALID at the place; the words begin with it: "limit must be ...". */
int place_invalid(Ctx *cx, const Place *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A quoted, shortened copy of somebody's text, fit for a message: control characters are escaped. */
Str words_quote(Arena *a, Str text);
/* "; did you mean \"limit\"?" for the nearest of the names, or an empty Str when none is near. */
typedef struct Nearest {
    Str wanted, best;
    size_t rank;
} Nearest;
void nearest_offer(Nearest *n, Str name);
Str nearest_hint(const Nearest *n, Arena *a);
