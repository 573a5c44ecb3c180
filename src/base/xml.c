/* base/xml.c - see xml.h. */

#include "base/xml.h"

#include "base/err.h"
#include "base/utf8.h"

void xml_reader_init(XmlReader *r, Str text, Arena *arena) {
    *r = (XmlReader){ .p = text.p, .end = text.p ? text.p + text.n : NULL, .arena = arena };
}

static Str rest(const XmlReader *r) {
    return str_n(r->p, (size_t)(r->end - r->p));
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(XmlReader *r) {
    while (r->p < r->end && is_space(*r->p))
        r->p++;
}

/* Past `end`, which has to come; *inside is what lies before it. */
static int skip_past(XmlReader *r, Str end, Str *inside) {
    ptrdiff_t at = str_find(rest(r), end);
    if (at < 0)
        return ERR_BAD_REQUEST;
    *inside = str_first(rest(r), (size_t)at);
    r->p += (size_t)at + end.n;
    return 0;
}

/* A name up to a delimiter, without its prefix. */
static int take_name(XmlReader *r, Str *out) {
    const char *from = r->p;
    while (r->p < r->end && !is_space(*r->p) && *r->p != '>' && *r->p != '/' && *r->p != '=' && *r->p != '<')
        r->p++;
    Str name = str_n(from, (size_t)(r->p - from));
    ptrdiff_t colon = str_find_char(name, ':');
    *out = colon < 0 ? name : str_from(name, (size_t)colon + 1);
    return out->n ? 0 : ERR_BAD_REQUEST;
}

/* --- text --- */

static bool is_char(uint32_t c) { /* XML 1.0 §2.2 */
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) || (c >= 0xe000 && c < 0xfffe) ||
           (c >= 0x10000 && c <= 0x10ffff);
}

static bool number_of(Str name, uint32_t *out) {
    bool hex = name.n > 1 && (name.p[1] | 0x20) == 'x';
    uint32_t v = 0;
    size_t i = hex ? 2 : 1;
    if (i == name.n || name.n > 9)
        return false;
    for (; i < name.n; i++) {
        char c = name.p[i];
        uint32_t digit = c >= '0' && c <= '9'                            ? (uint32_t)(c - '0')
                         : hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (uint32_t)((c | 0x20) - 'a' + 10)
                                                                         : 99;
        if (digit == 99)
            return false;
        v = v * (hex ? 16 : 10) + digit;
    }
    *out = v;
    return is_char(v);
}

static bool entity(Str name, uint32_t *out) {
    static const struct {
        Str name;
        char c;
    } known[] = {
        { STR_INIT("amp"), '&' },  { STR_INIT("lt"), '<' },    { STR_INIT("gt"), '>' },
        { STR_INIT("quot"), '"' }, { STR_INIT("apos"), '\'' },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(name, known[i].name)) {
            *out = (uint32_t)known[i].c;
            return true;
        }
    return name.n > 1 && name.p[0] == '#' && number_of(name, out);
}

/* Text never grows by unescaping: an entity is longer than what it stands for. */
static int unescape(XmlReader *r, Str raw, Str *out) {
    if (!utf8_valid(raw))
        return ERR_BAD_REQUEST;
    if (str_find_char(raw, '&') < 0) {
        *out = raw;
        return 0;
    }
    char *to = arena_try(r->arena, raw.n);
    if (!to)
        return ERR_LIMIT;
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] != '&') {
            to[n++] = raw.p[i];
            continue;
        }
        Str behind = str_from(raw, i + 1);
        ptrdiff_t end = str_find_char(str_first(behind, 12), ';');
        uint32_t c;
        if (end < 1 || !entity(str_first(behind, (size_t)end), &c))
            return ERR_BAD_REQUEST;
        n += utf8_encode(c, to + n);
        i += (size_t)end + 1;
    }
    *out = str_n(to, n);
    return 0;
}

/* --- tags --- */

static int take_attributes(XmlReader *r, XmlToken *out) {
    for (;;) {
        skip_space(r);
        if (r->p == r->end)
            return ERR_BAD_REQUEST;
        if (*r->p == '>' || *r->p == '/')
            return 0;
        XmlAttribute a;
        int e = take_name(r, &a.name);
        skip_space(r);
        if (e != 0 || r->p == r->end || *r->p != '=')
            return ERR_BAD_REQUEST;
        r->p++;
        skip_space(r);
        if (r->p == r->end || (*r->p != '"' && *r->p != '\''))
            return ERR_BAD_REQUEST;
        char quote[1] = { *r->p++ };
        e = skip_past(r, str_n(quote, 1), &a.value);
        if (e == 0)
            e = unescape(r, a.value, &a.value);
        if (e != 0)
            return e;
        if (out->n_attributes == XML_ATTRIBUTES_MAX)
            return ERR_LIMIT;
        out->attributes[out->n_attributes++] = a;
    }
}

static int take_open(XmlReader *r, XmlToken *out) {
    out->kind = XML_OPEN;
    int e = take_name(r, &out->text);
    if (e == 0)
        e = take_attributes(r, out);
    if (e != 0)
        return e;
    if (r->depth == XML_DEPTH_MAX)
        return ERR_LIMIT;
    if (r->depth == 0 && r->begun)
        return ERR_BAD_REQUEST; /* a second root */
    r->begun = true;
    r->open[r->depth++] = out->text;
    if (*r->p == '/') {
        r->p++;
        if (r->p == r->end || *r->p != '>')
            return ERR_BAD_REQUEST;
        r->empty = true;
    }
    r->p++;
    return 0;
}

static int take_close(XmlReader *r, XmlToken *out) {
    out->kind = XML_CLOSE;
    int e = take_name(r, &out->text);
    skip_space(r);
    if (e != 0 || r->p == r->end || *r->p != '>' || r->depth == 0 || !str_eq(r->open[r->depth - 1], out->text))
        return ERR_BAD_REQUEST;
    r->p++;
    r->depth--;
    return 0;
}

/* Comments and instructions tell nothing. true: something was skipped. */
static int skip_silent(XmlReader *r, bool *skipped) {
    Str inside;
    *skipped = true;
    if (str_starts(rest(r), S("<!--"))) {
        r->p += 4;
        return skip_past(r, S("-->"), &inside);
    }
    if (str_starts(rest(r), S("<?"))) {
        r->p += 2;
        return skip_past(r, S("?>"), &inside);
    }
    *skipped = false;
    return 0;
}

static int take_cdata(XmlReader *r, XmlToken *out) {
    r->p += S("<![CDATA[").n;
    out->kind = XML_TEXT;
    int e = skip_past(r, S("]]>"), &out->text);
    return e == 0 && (r->depth == 0 || !utf8_valid(out->text)) ? ERR_BAD_REQUEST : e;
}

static int take_text(XmlReader *r, XmlToken *out) {
    const char *from = r->p;
    while (r->p < r->end && *r->p != '<')
        r->p++;
    Str raw = str_n(from, (size_t)(r->p - from));
    if (r->depth == 0)
        return str_trim(raw).n ? ERR_BAD_REQUEST
                               : xml_next(r, out); /* at most once: what follows is a tag, or the end */
    out->kind = XML_TEXT;
    return unescape(r, raw, &out->text);
}

int xml_next(XmlReader *r, XmlToken *out) {
    *out = (XmlToken){ .kind = XML_END_OF_TEXT };
    if (r->empty) {
        r->empty = false;
        out->kind = XML_CLOSE;
        out->text = r->open[--r->depth];
        return 0;
    }
    for (bool skipped = true; skipped;) {
        int e = skip_silent(r, &skipped);
        if (e != 0)
            return e;
    }
    if (r->p == r->end)
        return r->depth || !r->begun ? ERR_BAD_REQUEST : 0;
    if (*r->p != '<')
        return take_text(r, out);
    if (str_starts(rest(r), S("<![CDATA[")))
        return take_cdata(r, out);
    if (str_starts(rest(r), S("<!")))
        return ERR_BAD_REQUEST; /* a document type: nobody who is read here has one */
    if (str_starts(rest(r), S("</"))) {
        r->p += 2;
        return take_close(r, out);
    }
    r->p++;
    return take_open(r, out);
}

Str xml_attribute(const XmlToken *t, Str name) {
    for (size_t i = 0; i < t->n_attributes; i++)
        if (str_eq(t->attributes[i].name, name))
            return t->attributes[i].value;
    return (Str){ 0 };
}
