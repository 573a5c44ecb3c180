#pragma once

/* feed/entity.h - the named characters of HTML 4. Private to feed/. */

#include "feed/text.h"

/* "nbsp" -> 160; 0 if HTML 4 has no such name (names are case-sensitive). */
uint32_t entity_find(Str name);
/* "38", "x26" -> the character; 0 if it is not a number, U+FFFD if it is no character. */
uint32_t entity_number(Str ref);
/* What a number of 0x80..0x9f stands for when its writer meant windows-1252; `cp` itself otherwise. */
uint32_t entity_cp1252(uint32_t cp);
/* Every reference with its semicolon resolved, once. Unknown names stay as they are. */
void entity_decode(Str s, Buf *out);
