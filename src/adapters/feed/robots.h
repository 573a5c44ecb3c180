#pragma once

/* adapters/feed/robots.h - what a site's robots.txt asks of us (RFC 9309).
 *
 * Only the group that is meant for our agent is kept, of any length of file no more than ROBOTS_RULES_MAX rules; the
 * longest rule that matches decides, and allows where two are of the same length. Immutable once parsed: any thread
 * may ask. */

#include "base/str.h"

enum { ROBOTS_RULES_MAX = 1000, ROBOTS_RULE_MAX = 512, ROBOTS_BYTES_MAX = 500 << 10 };

typedef struct Robots Robots;

/* agent: our product token ("finsight"). Of the text only the first ROBOTS_BYTES_MAX bytes are read. */
Robots *robots_parse(Str text, Str agent);
Robots *robots_free(Robots *r); /* NULL is fine; returns NULL */
/* path: with its query, "/" at least. robots NULL: everything is allowed. */
bool robots_allow(const Robots *r, Str path);
/* Crawl-delay, which many sites write though no standard has it; 0 if there is none, at most a minute. */
int64_t robots_delay_ms(const Robots *r);
