#pragma once

/* gateway/negotiate.h - which form an answer takes. Pure. RFC 9110 §12. */

#include "base/str.h"

typedef enum MediaType { MEDIA_JSON, MEDIA_CSV, MEDIA_NONE } MediaType;
typedef enum Coding { CODING_IDENTITY, CODING_GZIP, CODING_ZSTD, CODINGS } Coding;

/* Of JSON and, where `csv` may be had, CSV: the one the Accept header likes best; JSON on a tie and without a header.
 * MEDIA_NONE when it accepts neither. */
MediaType negotiate_media(Str accept, bool csv);
/* The best of zstd, gzip and identity that Accept-Encoding allows; at equal weight in this order. */
Coding negotiate_coding(Str accept_encoding);
/* "text/csv; charset=utf-8" is CSV; application/json and *+json are JSON; no header is JSON. */
MediaType media_of(Str content_type);
