#pragma once

/* eureka/text.h - percent-decoding and queries. Private to this folder. */

#include "base/str.h"

/* false: a bad escape, or a NUL. Borrows where nothing is escaped. */
bool eureka_decode(Arena *a, Str s, Str *out);
/* The value of a parameter; p NULL if it is not there, or cannot be decoded. */
Str eureka_parameter(Arena *a, Str query, Str name);
