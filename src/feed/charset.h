#pragma once

/* feed/charset.h - bytes of any character set to UTF-8. Private to feed/. */

#include "feed/feed.h"
#include "feed/text.h"

/* Appends `bytes` as UTF-8. False, with nothing appended, if the name is none we know or the bytes are not of that
 * set: nothing is guessed or left out. Past out's limit it is false too, and out is full. */
bool charset_decode(Str name, Str bytes, Buf *out);

typedef struct CharsetText {
    Str text;     /* UTF-8; in the arena, or `bytes` itself */
    Str encoding; /* what it was read as */
    bool other;   /* not what the document or its server say */
    bool unknown; /* it was read as nothing: text is bytes with what is no UTF-8 replaced */
} CharsetText;

/* Finds out what the document is written in and reads it as that. Candidates, the first that fits counts: what the
 * server says, what the document says, its first bytes, UTF-8, what guess.h thinks, windows-1252, iso-8859-2. ERR_TOO_LARGE past `limit`
 * bytes of UTF-8. */
int charset_read(Arena *a, Str bytes, const FeedHints *hints, size_t limit, CharsetText *out);
