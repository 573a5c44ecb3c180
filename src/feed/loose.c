/* feed/loose.c - anything that looks like a feed, to a Reader.
 *
 * References stay in the text and are resolved when the element's text is complete: only then is it known whether
 * they are markup (reader_value.c). */

#include "feed/entity.h"
#include "feed/readers.h"

static bool is_markup_char(uint32_t cp) {
    return cp == '"' || cp == '&' || cp == '\'' || cp == '<' || cp == '>';
}

static void loose_start(void *arg, Str tag, const SgmlAttr *attrs, size_t n) {
    Reader *r = arg;
    ArenaMark mark = arena_mark(r->scratch);
    SgmlAttr *own = arena_new_n(r->scratch, SgmlAttr, n);
    for (size_t i = 0; i < n; i++) {
        Str value = attrs[i].value;
        if (str_eq(attrs[i].name, S("rel")) || str_eq(attrs[i].name, S("type")))
            value = text_lower(r->scratch, value);
        if (text_has(value, S("&amp;"))) {
            char *copy = arena_alloc(r->scratch, value.n);
            size_t k = 0;
            for (size_t at = 0; at < value.n; at++) {
                copy[k++] = value.p[at];
                if (value.p[at] == '&' && str_starts(str_from(value, at), S("&amp;")))
                    at += 4;
            }
            value = str_n(copy, k);
        }
        own[i] = (SgmlAttr){ attrs[i].name, value };
    }
    reader_start(r, tag, own, n);
    arena_rewind(r->scratch, mark);
}

static void loose_end(void *arg, Str tag) {
    reader_end(arg, tag);
}

static void loose_data(void *arg, Str text) {
    reader_text(arg, text, true);
}

static void put_reference(Reader *r, Str before, Str name) {
    reader_text(r, before, false);
    reader_text(r, name, false);
    reader_text(r, S(";"), false);
}

static void put_char(Reader *r, uint32_t cp) {
    char bytes[UTF8_MAX];
    reader_text(r, str_n(bytes, utf8_encode(cp, bytes)), false);
}

static void loose_charref(void *arg, Str ref) {
    Reader *r = arg;
    uint32_t cp = entity_number(ref);
    if (!is_markup_char(cp)) {
        put_char(r, cp ? cp : UTF8_REPLACEMENT);
        return;
    }
    char lower[8];
    size_t n = MIN(ref.n, sizeof lower);
    for (size_t i = 0; i < n; i++)
        lower[i] = text_lower_c(ref.p[i]);
    put_reference(r, S("&#"), str_n(lower, n));
}

static void loose_entityref(void *arg, Str name) {
    Reader *r = arg;
    static const char *const markup[] = { "lt", "gt", "quot", "amp", "apos" };
    for (size_t i = 0; i < ARRAY_LEN(markup); i++)
        if (str_eq(name, str_c(markup[i]))) {
            put_reference(r, S("&"), name);
            return;
        }
    for (size_t i = r->entities->n; i > 0; i--)
        if (str_eq(r->entities->names[i - 1], name)) {
            Str value = r->entities->values[i - 1];
            if (str_starts(value, S("&#")))
                loose_charref(r, str_n(value.p + 2, value.n - 3));
            else
                reader_text(r, value, false);
            return;
        }
    uint32_t cp = entity_find(name);
    if (cp)
        put_char(r, cp);
    else
        put_reference(r, S("&"), name);
}

static void loose_cdata(void *arg, Str text) { /* its characters are themselves */
    Reader *r = arg;
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        while (i < text.n && text.p[i] != '&' && text.p[i] != '<' && text.p[i] != '>')
            i++;
        reader_text(r, str_n(text.p + from, i - from), false);
        if (i < text.n) {
            char c = text.p[i++];
            reader_text(r, c == '&' ? S("&amp;") : c == '<' ? S("&lt;") : S("&gt;"), false);
        }
    }
}

void loose_read(Reader *r, const Prolog *doc) {
    static const SgmlSink sink = {
        .start = loose_start,
        .end = loose_end,
        .data = loose_data,
        .charref = loose_charref,
        .entityref = loose_entityref,
        .cdata = loose_cdata,
        .rest = loose_data,
    };
    Arena own = { 0 };
    r->loose = true;
    r->entities = &doc->entities;
    char *whole = arena_alloc(&own, doc->head.n + doc->body.n + 1);
    if (doc->head.n)
        memcpy(whole, doc->head.p, doc->head.n);
    if (doc->body.n)
        memcpy(whole + doc->head.n, doc->body.p, doc->body.n);
    sgml_read(str_n(whole, doc->head.n + doc->body.n), (SgmlRules){ .xhtml = true, .cdata = true }, &sink, r, &own);
    arena_done(&own);
}
