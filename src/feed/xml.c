/* feed/xml.c - the strict reader of XML.
 *
 * One pass over the bytes; errors are static words. The sources are XML 1.0 (fifth edition) and Namespaces in XML 1.0;
 * where expat, which our yardstick reads with, is stricter, so are we. */

#include "feed/xml.h"

#include "feed/entity.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#define XML_URI   "http://www.w3.org/XML/1998/namespace"
#define XMLNS_URI "http://www.w3.org/2000/xmlns/"

typedef struct Binding {
    Str prefix, uri;
} Binding;

typedef struct Open { /* an element that is not closed yet */
    Str qname;
    size_t n_bindings; /* before it */
} Open;

typedef struct Xml {
    const char *p, *end;
    const XmlSink *sink;
    void *arg;
    Arena *scratch;
    const Entities *entities;
    const char *why;
    bool external; /* the DOCTYPE points elsewhere: unknown entities may be defined there */
    bool seen_doctype, seen_root;
    Open *open;
    size_t n_open, cap_open;
    Binding bindings[XML_PREFIXES_MAX];
    size_t n_bindings;
    XmlAttr attrs[XML_ATTRS_MAX];
    size_t n_attrs;
} Xml;

static bool fail(Xml *x, const char *why) {
    if (!x->why)
        x->why = why;
    return false;
}

/* --- characters --- */

enum { PLAIN, MARK, NEWLINE, BAD, HIGH };
/* clang-format off */
static const uint8_t text_class[256] = { /* of a byte of text: MARK stops the run, BAD is no character of XML */
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, PLAIN, PLAIN, BAD, BAD, NEWLINE, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    ['&'] = MARK, ['<'] = MARK, [']'] = MARK, [0xef] = HIGH,
};
/* clang-format on */

/* Past the bytes that need no second look: all but controls, 0xef and, where `marks` are wanted, "<&]". */
static const char *skip_plain(const char *p, const char *end, bool marks) {
#ifdef __SSE2__
    const __m128i control = _mm_set1_epi8(0x1f), high = _mm_set1_epi8((char)0xef), lf = _mm_set1_epi8('\n');
    const __m128i lt = _mm_set1_epi8('<'), amp = _mm_set1_epi8('&'), bracket = _mm_set1_epi8(']');
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i odd = _mm_andnot_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, high));
        if (marks)
            odd = _mm_or_si128(_mm_or_si128(odd, _mm_cmpeq_epi8(v, lt)),
                               _mm_or_si128(_mm_cmpeq_epi8(v, amp), _mm_cmpeq_epi8(v, bracket)));
        int hit = _mm_movemask_epi8(odd);
        if (hit)
            return p + __builtin_ctz((unsigned)hit);
    }
#else
    UNUSED(marks);
#endif
    UNUSED(end);
    return p;
}

/* U+FFFE and U+FFFF are no characters. Everything else that is not valid is no UTF-8, which was seen to before. */
static bool is_noncharacter(const char *p, const char *end) {
    return end - p >= 3 && (unsigned char)p[1] == 0xbf && (unsigned char)p[2] >= 0xbe;
}

static bool is_name_start(uint32_t c) {
    return (c >= 0xc0 && c != 0xd7 && c != 0xf7 && c < 0x2000 && (c < 0x300 || c > 0x36f) && c != 0x37e) ||
           c == 0x200c || c == 0x200d || (c >= 0x2070 && c <= 0x218f) || (c >= 0x2c00 && c <= 0x2fef) ||
           (c >= 0x3001 && c <= 0xd7ff) || (c >= 0xf900 && c <= 0xfdcf) || (c >= 0xfdf0 && c <= 0xfffd) ||
           (c >= 0x10000 && c <= 0xeffff);
}

/* Length of the name character at p, 0 if there is none. */
static size_t name_char(const char *p, const char *end, bool first) {
    if (p == end)
        return 0;
    if (!(*p & 0x80))
        return text_is_alpha(*p) || *p == '_' || *p == ':' || (!first && (text_is_digit(*p) || *p == '-' || *p == '.'));
    uint32_t c;
    size_t n = utf8_decode(p, (size_t)(end - p), &c);
    bool more = !first && (c == 0xb7 || (c >= 0x300 && c <= 0x36f) || c == 0x203f || c == 0x2040);
    return n && (is_name_start(c) || more) ? n : 0;
}

static Str read_name(Xml *x) {
    const char *from = x->p;
    size_t n = name_char(x->p, x->end, true);
    while (n > 0) {
        x->p += n;
        n = name_char(x->p, x->end, false);
    }
    return str_n(from, (size_t)(x->p - from));
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool skip_spaces(Xml *x) {
    const char *from = x->p;
    while (x->p < x->end && is_space(*x->p))
        x->p++;
    return x->p > from;
}

/* --- references --- */

static bool is_xml_char(uint32_t cp) {
    return cp >= 0x20 ? cp != 0xfffe && cp != 0xffff : cp == '\t' || cp == '\n' || cp == '\r';
}

/* "38", "x26": p is behind "&#", semi at its end. */
static bool read_number(Xml *x, const char *semi, char room[UTF8_MAX], Str *out) {
    Str ref = str_n(x->p, (size_t)(semi - x->p));
    uint32_t cp = ref.n && ref.p[0] != 'X' ? entity_number(ref) : 0;
    /* entity_number says U+FFFD also of what is no character */
    bool no_char = cp == UTF8_REPLACEMENT && !str_eq_nocase(ref, S("xfffd")) && !str_eq(ref, S("65533"));
    if (!is_xml_char(cp) || no_char)
        return fail(x, "a number is no character of XML");
    *out = str_n(room, utf8_encode(cp, room));
    x->p = semi + 1;
    return true;
}

/* One of the DOCTYPE's own. */
static bool read_entity(Xml *x, Str name, char room[UTF8_MAX], Str *out) {
    size_t i = 0;
    while (i < x->entities->n && !str_eq(x->entities->names[i], name))
        i++;
    *out = str_n(NULL, 0);
    if (i == x->entities->n)
        return x->external || fail(x, "an entity is not defined");
    Str value = x->entities->values[i];
    if (value.n > 2 && value.p[0] == '&') {
        uint32_t cp = entity_number(str_n(value.p + 2, value.n - 3));
        value = str_n(room, cp ? utf8_encode(cp, room) : 0);
    }
    if (value.n && (memchr(value.p, '<', value.n) || memchr(value.p, '&', value.n)))
        return fail(x, "an entity holds markup");
    *out = value;
    return true;
}

/* At '&': the text it stands for, in `room` if it is a character. Empty without a failure: not known, left out. */
static bool read_reference(Xml *x, char room[UTF8_MAX], Str *out) {
    static const struct {
        Str name, text;
    } own[] = { { STR_INIT("lt"), STR_INIT("<") },
                { STR_INIT("gt"), STR_INIT(">") },
                { STR_INIT("amp"), STR_INIT("&") },
                { STR_INIT("quot"), STR_INIT("\"") },
                { STR_INIT("apos"), STR_INIT("'") } };
    const char *semi = memchr(x->p, ';', (size_t)(x->end - x->p));
    if (!semi)
        return fail(x, "a reference does not end");
    x->p++;
    if (*x->p == '#') {
        x->p++;
        return read_number(x, semi, room, out);
    }
    Str name = read_name(x);
    if (x->p != semi || name.n == 0)
        return fail(x, "an '&' that begins no reference");
    x->p = semi + 1;
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_eq(own[i].name, name)) {
            *out = own[i].text;
            return true;
        }
    return read_entity(x, name, room, out);
}

/* --- attributes and namespaces --- */

/* [x->p, close) with white space as spaces and references resolved. */
static bool normalise_value(Xml *x, const char *close, Str *out) {
    Buf b;
    bool ok = true;
    buf_init(&b, (size_t)1 << 30);
    while (ok && x->p < close) {
        char room[UTF8_MAX];
        Str text = str_n(x->p, 1);
        if (*x->p == '&') {
            ok = read_reference(x, room, &text);
        } else {
            if (is_space(*x->p))
                text = *x->p == '\r' && x->p[1] == '\n' ? str_n(NULL, 0) : S(" ");
            x->p++;
        }
        buf_put_str(&b, text);
    }
    if (ok)
        *out = str_dup(x->scratch, buf_str(&b));
    buf_done(&b);
    return ok;
}

static bool read_value(Xml *x, Str *out) {
    char quote = x->p < x->end ? *x->p : '\0';
    if (quote != '"' && quote != '\'')
        return fail(x, "an attribute's value is not in quotes");
    const char *from = ++x->p;
    bool plain = true;
    for (; x->p < x->end && *x->p != quote; x->p++) {
        unsigned char c = (unsigned char)*x->p;
        if (c == '<' || text_class[c] == BAD || (c == 0xef && is_noncharacter(x->p, x->end)))
            return fail(x, "a character that an attribute's value may not have");
        plain &= c != '&' && c >= ' ';
    }
    if (x->p == x->end)
        return fail(x, "a tag does not end");
    const char *close = x->p;
    *out = str_n(from, (size_t)(close - from));
    x->p = from;
    bool ok = plain || normalise_value(x, close, out);
    x->p = close + 1;
    return ok;
}

/* One colon at most, and something on both sides of it. */
static bool split_name(Xml *x, Str qname, XmlName *out) {
    ptrdiff_t colon = str_find_char(qname, ':');
    *out = (XmlName){ .local = qname };
    if (colon < 0)
        return true;
    out->prefix = str_first(qname, (size_t)colon);
    out->local = str_from(qname, (size_t)colon + 1);
    if (colon == 0 || out->local.n == 0 || str_find_char(out->local, ':') >= 0 ||
        name_char(out->local.p, out->local.p + out->local.n, true) == 0)
        return fail(x, "a name with a colon in the wrong place");
    return true;
}

static bool bind_prefix(Xml *x, Str prefix, Str uri) {
    bool is_xml = str_eq(prefix, S("xml")), xml_uri = str_eq(uri, S(XML_URI));
    if (str_eq(prefix, S("xmlns")) || is_xml != xml_uri || str_eq(uri, S(XMLNS_URI)))
        return fail(x, "a reserved prefix or namespace is declared");
    if (prefix.n && uri.n == 0)
        return fail(x, "a prefix is undeclared");
    if (uri.n && memchr(uri.p, ' ', uri.n))
        return fail(x, "a namespace with a space in it");
    if (x->n_bindings == XML_PREFIXES_MAX)
        return fail(x, "too many prefixes");
    uri = str_dup(x->scratch, uri);
    x->bindings[x->n_bindings++] = (Binding){ prefix, uri };
    if (x->sink->prefix)
        x->sink->prefix(x->arg, prefix, uri);
    return true;
}

static bool resolve(Xml *x, XmlName *name, bool is_attr) {
    if (name->prefix.n == 0 && is_attr)
        return true;
    if (str_eq(name->prefix, S("xml"))) {
        name->uri = S(XML_URI);
        return true;
    }
    for (size_t i = x->n_bindings; i > 0; i--)
        if (str_eq(x->bindings[i - 1].prefix, name->prefix)) {
            name->uri = x->bindings[i - 1].uri;
            return true;
        }
    return name->prefix.n == 0 || fail(x, "a prefix is not declared");
}

static bool add_attr(Xml *x, Str qname, Str value, size_t n_written) {
    XmlName name;
    if (!split_name(x, qname, &name))
        return false;
    if (str_eq(qname, S("xmlns")))
        return bind_prefix(x, str_n(NULL, 0), value);
    if (str_eq(name.prefix, S("xmlns")))
        return bind_prefix(x, name.local, value);
    if (n_written == XML_ATTRS_MAX)
        return fail(x, "too many attributes");
    x->attrs[x->n_attrs++] = (XmlAttr){ name, value };
    return true;
}

/* Prefixes are resolved when all of the tag's declarations are known. */
static bool check_attrs(Xml *x) {
    for (size_t i = 0; i < x->n_attrs; i++) {
        XmlName *name = &x->attrs[i].name;
        if (name->prefix.n && !resolve(x, name, true))
            return false;
        for (size_t k = 0; k < i; k++)
            if (str_eq(x->attrs[k].name.local, name->local) && str_eq(x->attrs[k].name.uri, name->uri))
                return fail(x, "an attribute comes twice");
    }
    return true;
}

/* name = "value" */
static bool read_attr(Xml *x, Str *qname, Str *value) {
    *qname = read_name(x);
    if (qname->n == 0)
        return fail(x, "a tag is not written as one");
    skip_spaces(x);
    if (x->p == x->end || *x->p++ != '=')
        return fail(x, "an attribute without a value");
    skip_spaces(x);
    return read_value(x, value);
}

/* Declarations too may come but once in a tag. */
static bool is_new_declaration(Xml *x, Str qname, Str *seen, size_t *n_seen) {
    if (!str_starts(qname, S("xmlns")))
        return true;
    for (size_t k = 0; k < *n_seen; k++)
        if (str_eq(seen[k], qname))
            return fail(x, "an attribute comes twice");
    if (*n_seen < XML_ATTRS_MAX)
        seen[(*n_seen)++] = qname;
    return true;
}

static bool read_attrs(Xml *x, bool *empty) {
    Str seen[XML_ATTRS_MAX], qname, value;
    size_t n_seen = 0;
    x->n_attrs = 0;
    for (;;) {
        bool space = skip_spaces(x);
        if (x->p < x->end && *x->p == '>') {
            x->p++;
            return check_attrs(x);
        }
        if (x->end - x->p >= 2 && x->p[0] == '/' && x->p[1] == '>') {
            x->p += 2;
            *empty = true;
            return check_attrs(x);
        }
        if (!space)
            return fail(x, "a tag is not written as one");
        if (!read_attr(x, &qname, &value) || !is_new_declaration(x, qname, seen, &n_seen) ||
            !add_attr(x, qname, value, x->n_attrs))
            return false;
    }
}

/* --- tags --- */

static void push_open(Xml *x, Open o) {
    if (x->n_open == x->cap_open) {
        size_t cap = x->cap_open ? x->cap_open * 2 : 64;
        x->open = mem_realloc(x->open, mem_mul(cap, sizeof *x->open));
        x->cap_open = cap;
    }
    x->open[x->n_open++] = o;
}

static void close_element(Xml *x, XmlName name) {
    if (x->sink->end)
        x->sink->end(x->arg, name);
    x->n_bindings = x->open[--x->n_open].n_bindings;
}

static bool read_start(Xml *x, int max_depth, bool *too_deep) {
    size_t n_bindings = x->n_bindings;
    x->p++;
    Str qname = read_name(x);
    bool empty = false;
    XmlName name;
    if (qname.n == 0)
        return fail(x, "a '<' that begins no tag");
    if (x->n_open == 0 && x->seen_root)
        return fail(x, "a second root element");
    x->seen_root = true;
    if (!read_attrs(x, &empty) || !split_name(x, qname, &name) || !resolve(x, &name, false))
        return false;
    if (x->n_open == (size_t)max_depth) {
        *too_deep = true;
        return fail(x, "elements are nested too deep");
    }
    push_open(x, (Open){ qname, n_bindings });
    if (x->sink->start)
        x->sink->start(x->arg, name, x->attrs, x->n_attrs);
    if (empty)
        close_element(x, name);
    return true;
}

static bool read_end(Xml *x) {
    x->p += 2;
    Str qname = read_name(x);
    XmlName name;
    skip_spaces(x);
    if (x->p == x->end || *x->p != '>' || x->n_open == 0 || !str_eq(x->open[x->n_open - 1].qname, qname))
        return fail(x, "an end tag that ends nothing");
    x->p++;
    if (!split_name(x, qname, &name) || !resolve(x, &name, false))
        return false;
    close_element(x, name);
    return true;
}

/* --- comments, instructions, CDATA, DOCTYPE --- */

static bool characters_are_good(Xml *x, const char *p, const char *end) {
    for (p = skip_plain(p, end, false); p < end; p = skip_plain(p + 1, end, false)) {
        uint8_t class = text_class[(unsigned char)*p];
        if (class == BAD || (class == HIGH && is_noncharacter(p, x->end)))
            return fail(x, "a character that XML does not have");
    }
    return true;
}

static bool read_comment(Xml *x) {
    const char *close = text_find(x->p + 4, x->end, S("--"));
    if (!close || close + 2 >= x->end || close[2] != '>')
        return fail(x, close ? "a comment with \"--\" in it" : "a comment does not end");
    const char *from = x->p;
    x->p = close + 3;
    return characters_are_good(x, from, close);
}

static bool read_instruction(Xml *x) {
    const char *from = x->p, *close = text_find(x->p + 2, x->end, S("?>"));
    x->p += 2;
    Str target = read_name(x);
    bool ends = close && (x->p == close || (x->p < close && is_space(*x->p)));
    if (!ends || target.n == 0 || str_eq_nocase(target, S("xml")) || memchr(target.p, ':', target.n))
        return fail(x, "an instruction is not written as one");
    x->p = close + 2;
    return characters_are_good(x, from, close);
}

/* Text with line ends as XML wants them. */
static void say_text(const Xml *x, const char *p, const char *end) {
    while (p < end && x->sink->text) {
        const char *cr = memchr(p, '\r', (size_t)(end - p));
        const char *stop = cr ? cr : end;
        if (stop > p)
            x->sink->text(x->arg, str_n(p, (size_t)(stop - p)));
        if (!cr)
            return;
        p = cr + 1;
        if (p == end || *p != '\n')
            x->sink->text(x->arg, S("\n"));
    }
}

static bool read_cdata(Xml *x) {
    const char *from = x->p + 9, *close = text_find(from, x->end, S("]]>"));
    if (!close)
        return fail(x, "a CDATA section does not end");
    if (x->n_open == 0)
        return fail(x, "text outside of the root element");
    if (!characters_are_good(x, from, close))
        return false;
    say_text(x, from, close);
    x->p = close + 3;
    return true;
}

/* A DOCTYPE that stands where doctype_read does not take it out. Its entities are not known to us. */
static bool read_doctype(Xml *x) {
    if (x->seen_doctype || x->seen_root)
        return fail(x, "a DOCTYPE in the wrong place");
    x->seen_doctype = true;
    int brackets = 0;
    for (const char *p = x->p + 9; p < x->end; p++) {
        if (*p == '"' || *p == '\'') {
            p = memchr(p + 1, *p, (size_t)(x->end - p - 1));
            if (!p)
                break;
        } else if (*p == '[' || *p == ']') {
            brackets += *p == '[' ? 1 : -1;
        } else if (*p == '%' ||
                   (x->end - p > 6 && brackets == 0 && (memcmp(p, "SYSTEM", 6) == 0 || memcmp(p, "PUBLIC", 6) == 0))) {
            x->external = true;
        } else if (*p == '>' && brackets <= 0) {
            x->p = p + 1;
            return true;
        }
    }
    return fail(x, "a DOCTYPE does not end");
}

static bool read_markup(Xml *x, int max_depth, bool *too_deep) { /* at '<' */
    Str rest = str_n(x->p, (size_t)(x->end - x->p));
    if (rest.n < 2)
        return fail(x, "the document ends in a tag");
    if (rest.p[1] == '/')
        return read_end(x);
    if (rest.p[1] == '?')
        return read_instruction(x);
    if (rest.p[1] != '!')
        return read_start(x, max_depth, too_deep);
    if (str_starts(rest, S("<!--")))
        return read_comment(x);
    if (str_starts(rest, S("<![CDATA[")))
        return read_cdata(x);
    return str_starts(rest, S("<!DOCTYPE")) ? read_doctype(x) : fail(x, "a declaration in the wrong place");
}

/* --- the document --- */

/* A run of text up to the next '<' or '&'. */
static bool read_text(Xml *x) {
    const char *from = x->p;
    for (;; x->p++) {
        x->p = skip_plain(x->p, x->end, true);
        if (x->p == x->end || *x->p == '<' || *x->p == '&')
            break;
        uint8_t class = text_class[(unsigned char)*x->p];
        if (class == PLAIN || class == NEWLINE)
            continue;
        if (class == BAD || (class == HIGH && is_noncharacter(x->p, x->end)))
            return fail(x, "a character that XML does not have");
        if (*x->p == ']' && x->end - x->p >= 3 && x->p[1] == ']' && x->p[2] == '>')
            return fail(x, "\"]]>\" in text");
    }
    if (x->n_open > 0) {
        say_text(x, from, x->p);
        return true;
    }
    while (from < x->p)
        if (!is_space(*from++))
            return fail(x, "text outside of the root element");
    return true;
}

static bool read_part(Xml *x, Str part, int max_depth, bool *too_deep) {
    if (part.n == 0)
        return true;
    x->p = part.p;
    x->end = part.p + part.n;
    while (x->p < x->end) {
        bool ok;
        ArenaMark mark = arena_mark(x->scratch);
        size_t n_bindings = x->n_bindings;
        if (*x->p == '<') {
            ok = read_markup(x, max_depth, too_deep);
        } else if (*x->p == '&') {
            char room[UTF8_MAX];
            Str text;
            ok = x->n_open > 0 ? read_reference(x, room, &text) : fail(x, "text outside of the root element");
            if (ok && text.n && x->sink->text)
                x->sink->text(x->arg, text);
        } else {
            ok = read_text(x);
        }
        if (x->n_bindings <= n_bindings) /* else declarations of an open element live there */
            arena_rewind(x->scratch, mark);
        if (!ok)
            return false;
    }
    return true;
}

const char *xml_read(const Prolog *doc, int max_depth, const XmlSink *sink, void *arg, Arena *scratch, bool *too_deep) {
    Xml *x = mem_new(Xml);
    ArenaMark mark = arena_mark(scratch);
    x->sink = sink;
    x->arg = arg;
    x->scratch = scratch;
    x->entities = &doc->entities;
    *too_deep = false;
    if (doc->broken)
        fail(x, "an entity is not declared as XML wants it");
    else if (read_part(x, doc->head, max_depth, too_deep) && read_part(x, doc->body, max_depth, too_deep))
        if (x->n_open > 0 || !x->seen_root)
            fail(x, x->seen_root ? "the document ends inside of an element" : "there is no element");
    const char *why = x->why;
    mem_free(x->open);
    arena_rewind(scratch, mark);
    mem_free(x);
    return why;
}
