#pragma once

/* core/article_url.h - the address of an article without what does not belong to it.
 *
 * Scheme and host in lower case, no user, no default port, no fragment, no "www.", dot segments resolved, percent
 * escapes of plain signs undone and the others in capitals, parameters in order without those that only track (utm_*,
 * fbclid, gclid and their like), no "?" without parameters, no slash at the end of a path. http becomes https: the two
 * are one article to a reader. Pure; any thread. */

#include "base/str.h"

/* False: not an http or https address, or longer than ARTICLE_URL_MAX; *out is then left alone. */
bool article_url_canonical(Arena *a, Str url, Str *out);
