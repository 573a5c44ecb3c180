#pragma once

/* base/str.h - strings that carry their length.
 *
 * A Str borrows: it never owns its bytes and they need no terminator. The zero Str is empty.
 * `char *` with a terminator exists only at the edge of libc and libraries (str_cz makes one). */

#include "base/arena.h"

#include <string.h>

typedef struct Str {
    const char *p;
    size_t n;
} Str;

#define S(literal) ((Str){ ("" literal ""), sizeof(literal) - 1 })
#define STR_INIT(literal)                                                                                              \
    { ("" literal ""), sizeof(literal) - 1 } /* for static initialisers */
#define STR_FMT    "%.*s"
#define STR_ARG(s) ((int)MIN((s).n, (size_t)INT32_MAX)), ((s).p ? (s).p : "")

static inline Str str_n(const char *p, size_t n) {
    return (Str){ p, n };
}
static inline Str str_c(const char *z) { /* NULL gives the empty Str */
    return (Str){ z, z ? strlen(z) : 0 };
}
static inline bool str_eq(Str a, Str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline Str str_from(Str s, size_t at) {                                          /* the tail from byte `at` on */
    return at < s.n ? (Str){ s.p + at, s.n - at } : (Str){ s.p ? s.p + s.n : NULL, 0 }; /* NULL + 0 is undefined */
}
static inline Str str_first(Str s, size_t n) { /* at most n leading bytes */
    return (Str){ s.p, MIN(n, s.n) };
}

int str_cmp(Str a, Str b);        /* bytewise; shorter first on a tie */
bool str_eq_nocase(Str a, Str b); /* ASCII letters only */
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
Str str_trim(Str s);                   /* ASCII white space off both ends */
ptrdiff_t str_find(Str s, Str needle); /* byte index or -1 */
ptrdiff_t str_find_char(Str s, char c);

/* Takes the part of *s before the first `sep` and moves *s behind it; false when *s was used up.
 * "a,,b" gives "a", "", "b". Start with a copy of the Str you want to split. */
bool str_next(Str *s, char sep, Str *out);

/* Whole-string number parsing: rejects empty input, trailing bytes, and overflow. No locale. */
bool str_to_i64(Str s, int64_t *out);
bool str_to_u64(Str s, uint64_t *out);

/* A hex digit of either case; -1: it is none. */
static inline int hex_value(char c) {
    char low = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Edit distance (insert, delete, replace, swap neighbours), capped at `cap`. For "did you mean". */
size_t str_distance(Str a, Str b, size_t cap);

/* Copies in the arena. */
Str str_dup(Arena *a, Str s);
char *str_cz(Arena *a, Str s); /* with a terminator; bytes after an embedded NUL are lost to libc */
Str str_fmt(Arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
Str str_lower(Arena *a, Str s); /* ASCII */
Str str_upper(Arena *a, Str s);
