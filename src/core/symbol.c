/* core/symbol.c - see symbol.h. */

#include "core/symbol.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool symbol_parse(Str text, Symbol *out) {
    if (text.n == 0 || text.n > SYMBOL_MAX)
        return false;
    bool named = false; /* "..", "/" and the like name nothing, and would be a path to a file store */
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (is_digit(c) || is_letter(c))
            named = true;
        else if (c == '\0' || !strchr("._-/:^=", c))
            return false;
    }
    if (!named)
        return false;
    Symbol symbol = { { 0 } };
    memcpy(symbol.s, text.p, text.n);
    *out = symbol;
    return true;
}

bool venue_parse(Str text, Venue *out) {
    if (text.n == 0 || text.n > VENUE_MAX)
        return false;
    Venue venue = { { 0 } };
    bool named = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (is_digit(c) || is_letter(c))
            named = true;
        else if (c != '-' && c != '_')
            return false;
        venue.s[i] = c;
    }
    if (!named)
        return false;
    *out = venue;
    return true;
}
