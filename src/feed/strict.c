/* feed/strict.c - well-formed XML to a Reader.
 *
 * Names become what reader_start wants: lower case, with the standard prefix of their namespace where there is one. An
 * attribute of a foreign namespace is told twice, with and without its prefix: people put prefixes where none belong. */

#include "feed/readers.h"
#include "feed/xml.h"

enum { STRICT_ATTRS_MAX = 2 * XML_ATTRS_MAX + 8 };

enum { KNOWN_MAX = 16 };

typedef struct Strict {
    Reader *r;
    SgmlAttr attrs[STRICT_ATTRS_MAX];
    size_t n;
    Str xlink_prefix; /* declared since the last start tag */
    bool xlink;
    Namespace known[KNOWN_MAX]; /* URIs looked up so far, with what namespace_known said: prefix = URI, to = prefix */
    bool is_known[KNOWN_MAX];
    size_t n_known;
} Strict;

static bool look_up(Strict *s, Str uri, Str *prefix) {
    for (size_t i = 0; i < s->n_known; i++)
        if (str_eq(s->known[i].prefix, uri)) {
            *prefix = s->known[i].to;
            return s->is_known[i];
        }
    bool known = namespace_known(uri, prefix);
    if (s->n_known < KNOWN_MAX) {
        s->is_known[s->n_known] = known;
        s->known[s->n_known++] = (Namespace){ str_dup(s->r->arena, uri), *prefix };
    }
    return known;
}

static void strict_prefix(void *arg, Str prefix, Str uri) {
    Strict *s = arg;
    if (uri.n == 0)
        return;
    reader_namespace(s->r, prefix, uri);
    if (prefix.n && str_eq(uri, S("http://www.w3.org/1999/xlink"))) {
        s->xlink = true;
        s->xlink_prefix = prefix;
    }
}

static void set_attr(Strict *s, Str name, Str value) {
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->attrs[i].name, name)) {
            s->attrs[i].value = value;
            return;
        }
    if (s->n < STRICT_ATTRS_MAX)
        s->attrs[s->n++] = (SgmlAttr){ name, value };
}

static Str join_name(Arena *a, Str prefix, Str local) {
    if (prefix.n == 0)
        return text_lower(a, local);
    char *p = arena_alloc(a, prefix.n + 1 + local.n);
    for (size_t i = 0; i < prefix.n; i++)
        p[i] = text_lower_c(prefix.p[i]);
    p[prefix.n] = ':';
    for (size_t i = 0; i < local.n; i++)
        p[prefix.n + 1 + i] = text_lower_c(local.p[i]);
    return str_n(p, prefix.n + 1 + local.n);
}

static Str used_prefix(const Reader *r, Str uri) { /* the first that the feed has declared for it */
    for (size_t i = 0; i < r->in_use.n; i++)
        if (r->in_use.v[i].prefix.n && str_eq(r->in_use.v[i].to, uri))
            return r->in_use.v[i].prefix;
    return str_n(NULL, 0);
}

static Str element_name(Strict *s, XmlName name) {
    Reader *r = s->r;
    Str prefix = str_n(NULL, 0);
    if (name.uri.n && (!look_up(s, name.uri, &prefix) || prefix.n == 0))
        prefix = used_prefix(r, name.uri);
    return join_name(r->scratch, prefix, name.local);
}

static void add_attr(Strict *s, const XmlAttr *a) {
    Arena *scratch = s->r->scratch;
    Str prefix = str_n(NULL, 0);
    bool lower = str_eq_nocase(a->name.local, S("rel")) || str_eq_nocase(a->name.local, S("type"));
    Str value = lower ? text_lower(scratch, a->value) : a->value;
    if (a->name.uri.n)
        look_up(s, a->name.uri, &prefix);
    set_attr(s, join_name(scratch, prefix, a->name.local), prefix.n ? a->value : value);
    if (a->name.prefix.n)
        set_attr(s, join_name(scratch, a->name.prefix, a->name.local), a->value);
}

static void strict_start(void *arg, XmlName name, const XmlAttr *attrs, size_t n) {
    Strict *s = arg;
    Reader *r = s->r;
    ArenaMark mark = arena_mark(r->scratch);
    s->n = 0;
    if (s->xlink)
        set_attr(s, join_name(r->scratch, S("xmlns"), s->xlink_prefix), S("http://www.w3.org/1999/xlink"));
    s->xlink = false;
    if ((str_eq_nocase(name.local, S("math")) && str_eq(name.uri, S("http://www.w3.org/1998/Math/MathML"))) ||
        (str_eq_nocase(name.local, S("svg")) && str_eq(name.uri, S("http://www.w3.org/2000/svg"))))
        set_attr(s, S("xmlns"), name.uri);
    for (size_t i = 0; i < n; i++)
        add_attr(s, &attrs[i]);
    reader_start(r, element_name(s, name), s->attrs, s->n);
    arena_rewind(r->scratch, mark);
}

static void strict_end(void *arg, XmlName name) {
    Strict *s = arg;
    Reader *r = s->r;
    ArenaMark mark = arena_mark(r->scratch);
    reader_end(r, element_name(s, name));
    arena_rewind(r->scratch, mark);
}

static void strict_text(void *arg, Str text) {
    reader_text(((Strict *)arg)->r, text, true);
}

const char *strict_read(Reader *r, const Prolog *doc, int max_depth, bool *too_deep) {
    static const XmlSink sink = {
        .prefix = strict_prefix,
        .start = strict_start,
        .end = strict_end,
        .text = strict_text,
    };
    Strict *s = mem_new(Strict);
    Arena own = { 0 };
    s->r = r;
    const char *why = xml_read(doc, max_depth, &sink, s, &own, too_deep);
    arena_done(&own);
    mem_free(s);
    return why;
}
