#pragma once

/* feed/uri.h - links: relative ones made absolute, dangerous ones refused. */

#include "base/str.h"

enum { URI_BASE_MAX = 2048 }; /* a longer base is no base: each link made absolute is as long as it */

/* RFC 3986, section 5.2, with what people write: "http:////host", white space before it. Empty if it cannot be read
 * as a URI. The result is one of the arguments or in the arena. */
Str uri_join(Arena *a, Str base, Str uri);
/* The same; empty if the scheme of what comes of it is not one that is safe to follow (javascript: is not). With no
 * base a relative `uri` stays as it is, whatever its scheme: there is nothing to judge it by. */
Str uri_join_safe(Arena *a, Str base, Str uri);
/* Whether it is relative or its scheme is safe to follow. */
bool uri_is_safe(Str uri);
