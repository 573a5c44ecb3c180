/* api/place.c - see place.h. */

#include "api/place.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

enum { QUOTE_MAX = 48 };

static void put_place(Buf *b, const Place *at) {
    if (!at || (!at->up && !at->name.p))
        return;
    put_place(b, at->up);
    if (!at->name.p)
        buf_printf(b, "[%zu]", at->index);
    else
        buf_printf(b, "%s" STR_FMT, b->n ? "." : "", STR_ARG(at->name));
}

Str place_text(Arena *a, const Place *at) {
    Buf b;
    buf_init(&b, ERR_FIELD_MAX - 1);
    put_place(&b, at);
    Str text = b.n ? str_dup(a, buf_str(&b)) : S("body");
    buf_done(&b);
    return text;
}

int place_invalid(Ctx *cx, const Place *at, const char *fmt, ...) {
    char words[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    Str where = place_text(cx->arena, at);
    return err_set_at(cx, ERR_INVALID, where, STR_FMT " %s", STR_ARG(where), words);
}

Str words_quote(Arena *a, Str text) {
    Buf b;
    buf_init(&b, QUOTE_MAX * 4 + 8);
    size_t n = utf8_first(text, QUOTE_MAX).n;
    buf_put_c(&b, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(&b, "\\x%02x", c);
        else
            buf_put_c(&b, (char)c);
    }
    buf_put_str(&b, n < text.n ? S("…\"") : S("\""));
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

void nearest_offer(Nearest *n, Str name) {
    size_t cap = 1 + n->wanted.n / 3; /* "limt" may be one edit away, "timefrmae" three */
    size_t d = str_distance(n->wanted, name, cap + 1);
    bool same_start = name.n && n->wanted.n && name.p[0] == n->wanted.p[0];
    size_t rank = 2 * d + !same_start; /* of equals, the one that begins alike: people seldom miss the first letter */
    if (d <= cap && (!n->best.p || rank < n->rank)) {
        n->best = name;
        n->rank = rank;
    }
}

Str nearest_hint(const Nearest *n, Arena *a) {
    return n->best.p ? str_fmt(a, "; did you mean \"" STR_FMT "\"?", STR_ARG(n->best)) : (Str){ 0 };
}
