/* feed/html_text.c - the words of HTML, and whether text is HTML at all. */

#include "feed/entity.h"
#include "feed/html.h"
#include "feed/html_names.h"
#include "feed/sgml.h"

typedef struct Words {
    Buf *out;
    size_t from; /* where in out this text begins */
    int scripts; /* open elements whose content is no text */
    bool space;  /* white space came since the last word */
} Words;

static void put_text(Words *w, Str s) {
    for (size_t i = 0; i < s.n;) {
        size_t k = text_space_size(str_from(s, i));
        if (k > 0) {
            w->space = true;
            i += k;
            continue;
        }
        size_t from = i;
        while (i < s.n && !text_is_space(s.p[i]) && !(s.p[i] & 0x80))
            i++;
        while (i < s.n && (s.p[i] & 0x80) && text_space_size(str_from(s, i)) == 0)
            i += MAX(utf8_decode(s.p + i, s.n - i, NULL), (size_t)1);
        if (w->space && w->out->n > w->from)
            buf_put_c(w->out, ' ');
        w->space = false;
        buf_put(w->out, s.p + from, i - from);
    }
}

static void words_start(void *arg, Str tag, const SgmlAttr *attrs, size_t n) {
    Words *w = arg;
    UNUSED(attrs);
    UNUSED(n);
    w->scripts += html_kind(tag) == HTML_SCRIPT;
    w->space |= html_is_block(tag);
}

static void words_end(void *arg, Str tag) {
    Words *w = arg;
    if (html_kind(tag) == HTML_SCRIPT && w->scripts > 0)
        w->scripts--;
    w->space |= html_is_block(tag);
}

static void words_data(void *arg, Str text) {
    Words *w = arg;
    if (w->scripts == 0)
        put_text(w, text);
}

static void put_char(Words *w, uint32_t cp) {
    char bytes[UTF8_MAX];
    put_text(w, str_n(bytes, utf8_encode(cp, bytes)));
}

static void words_charref(void *arg, Str ref) {
    Words *w = arg;
    uint32_t cp = entity_cp1252(entity_number(ref));
    if (w->scripts == 0 && cp)
        put_char(w, cp);
}

static void words_entityref(void *arg, Str name) {
    Words *w = arg;
    uint32_t cp = str_eq(name, S("apos")) ? '\'' : entity_find(name);
    if (w->scripts > 0)
        return;
    if (cp) {
        put_char(w, cp);
        return;
    }
    put_text(w, S("&"));
    put_text(w, name);
}

void html_to_text(Str html, Arena *scratch, Buf *out) {
    static const SgmlSink sink = {
        .start = words_start,
        .end = words_end,
        .data = words_data,
        .charref = words_charref,
        .entityref = words_entityref,
        .rest = words_data,
    };
    Words w = { .out = out, .from = out->n };
    sgml_read(html, (SgmlRules){ .comments_forgive = true }, &sink, &w, scratch);
}

Str feed_text_plain(Arena *arena, FeedText text) {
    Buf out;
    buf_init(&out, text.value.n * 2 + 64);
    if (text.html) {
        html_to_text(text.value, arena, &out);
    } else {
        Words w = { .out = &out };
        put_text(&w, text.value);
    }
    Str plain = str_dup(arena, buf_str(&out));
    buf_done(&out);
    return plain;
}

/* --- is it HTML? --- */

static size_t word_size(Str s) {
    size_t n = 0;
    while (n < s.n && text_is_word(s.p[n]))
        n++;
    return n;
}

bool html_is_element(Str name) {
    char lower[16];
    if (name.n > sizeof lower)
        return false;
    for (size_t i = 0; i < name.n; i++)
        lower[i] = text_lower_c(name.p[i]);
    return html_kind(str_n(lower, name.n)) == HTML_ELEMENT;
}

bool html_is_meant(Str text) {
    bool qualifies = false;
    for (size_t i = 0; i + 1 < text.n; i++) {
        Str s = str_from(text, i + 1);
        if (text.p[i] == '<') {
            bool end = s.p[0] == '/';
            s = str_from(s, end);
            size_t n = word_size(s);
            if (n > 0 && !html_is_element(str_first(s, n)))
                return false;
            qualifies |= end && n > 0 && n < s.n && s.p[n] == '>';
        } else if (text.p[i] == '&') {
            bool number = s.p[0] == '#';
            s = str_from(s, number);
            size_t n = word_size(s);
            bool whole = n > 0 && n < s.n && s.p[n] == ';';
            if (whole && !number && !entity_find(str_first(s, n)))
                return false;
            qualifies |= whole;
        }
    }
    return qualifies;
}
