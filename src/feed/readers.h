#pragma once

/* feed/readers.h - the two readers of markup and the one of JSON, each to a Reader or Feed. Private to feed/. */

#include "feed/doctype.h"
#include "feed/reader.h"

/* NULL, or why the document is not well-formed XML: what the Reader holds then is to be thrown away. */
const char *strict_read(Reader *r, const Prolog *doc, int max_depth, bool *too_deep);
/* Reads anything. */
void loose_read(Reader *r, const Prolog *doc);

/* Whether it begins like a JSON document. */
bool json_feed_looks(Str text);
/* 0; *out says FEED_UNKNOWN if it is JSON but no feed, or no JSON (malformed). */
int json_feed_read(Arena *arena, Arena *scratch, Str text, const FeedHints *hints, Feed *out);
