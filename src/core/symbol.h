#pragma once

/* core/symbol.h - short names as values: copied freely, owned by no one. */

#include "base/str.h"

enum { SYMBOL_MAX = 31, VENUE_MAX = 15 };

/* A venue's own name of an instrument, in that venue's spelling: "BTCUSDT", "BTC-USD", "VNM".
 * Letters, digits and . _ - / : ^ = ; zero padded, always terminated. */
typedef struct Symbol {
    char s[SYMBOL_MAX + 1];
} Symbol;

/* "binance", "kraken", "csv": lower-case letters, digits, '-' and '_'. */
typedef struct Venue {
    char s[VENUE_MAX + 1];
} Venue;

/* false: empty, too long, a character outside the set, or no letter and no digit at all ("..") */
bool symbol_parse(Str text, Symbol *out);
bool venue_parse(Str text, Venue *out); /* upper case is folded */
static inline Str symbol_str(const Symbol *s) {
    return str_c(s->s);
}
static inline Str venue_str(const Venue *v) {
    return str_c(v->s);
}
static inline bool symbol_eq(Symbol a, Symbol b) {
    return memcmp(a.s, b.s, sizeof a.s) == 0;
}
static inline bool venue_eq(Venue a, Venue b) {
    return memcmp(a.s, b.s, sizeof a.s) == 0;
}
