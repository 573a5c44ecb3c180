#pragma once

/* feed/doctype.h - what comes before the first element. Private to feed/.
 *
 * A DOCTYPE is taken out of the document before it is read as XML; of its entities only those stay that are plain
 * text or one character: nothing can grow, nothing is fetched. */

#include "feed/text.h"

typedef struct Entities {
    Str *names, *values; /* a value is text, or one "&#…;" */
    size_t n;
} Entities;

typedef struct Prolog {
    Str head, body; /* the document is head and then body; head in the arena if it had to be changed */
    bool netscape;  /* the DOCTYPE is that of RSS 0.91 */
    Entities entities;
    bool broken; /* an entity that was kept is not written as XML wants it */
} Prolog;

enum { DOCTYPE_ENTITIES_MAX = 1000 };

void doctype_read(Arena *a, Str text, Prolog *out);
