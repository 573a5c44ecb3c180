/* feed/reader.c - the state that start tags, end tags and text walk through. */

#include "feed/reader.h"

#include "feed/uri.h"

#define SVG_URI  "http://www.w3.org/2000/svg"
#define MATH_URI "http://www.w3.org/1998/Math/MathML"

void reader_init(Reader *r, Arena *arena, Arena *scratch, const FeedHints *hints) {
    static const Entities none;
    *r = (Reader){ .arena = arena,
                   .scratch = scratch,
                   .now = hints->now,
                   .max_items = hints->limits.items,
                   .entities = &none,
                   .title_depth = -1,
                   .summary_as = EL_OTHER };
    r->max_memory = arena->used + hints->limits.memory;
    r->feed = arena_new(arena, Node);
    r->source = arena_new(arena, Node);
    r->spare = r->item = arena_new(arena, Node);
    size_t limit = hints->limits.memory;
    buf_init(&r->text, limit);
    buf_init(&r->work, limit);
    buf_init(&r->out, limit);
    buf_init(&r->mended, limit);
    Str location = hints->content_location;
    r->base = uri_join_safe(arena, hints->url, location);
    if (hints->url.n == 0)
        r->base = uri_is_safe(location) ? location : str_n(NULL, 0);
    r->base = r->base.n ? r->base : hints->url;
    r->lang = hints->content_language;
    r->has_lang = r->lang.n > 0;
    if (r->has_lang)
        node_set(r->feed, EL_LANGUAGE, r->lang, false);
}

void reader_done(Reader *r) {
    vec_done(&r->items);
    vec_done(&r->prefixes);
    vec_done(&r->in_use);
    vec_done(&r->scopes);
    vec_done(&r->frames);
    buf_done(&r->text);
    buf_done(&r->work);
    buf_done(&r->out);
    buf_done(&r->mended);
}

void node_set(Node *n, Element e, Str value, bool html) {
    assert(e < EL_STORED);
    n->value[e] = value;
    n->has |= 1u << e;
    n->html = html ? n->html | 1u << e : n->html & ~(1u << e);
}

Node *reader_context(Reader *r) {
    if (r->in_source)
        return r->source;
    if (r->in_image && r->image)
        return r->image;
    if (r->in_textinput && r->textinput)
        return r->textinput;
    if (r->in_item)
        return r->item;
    return r->feed;
}

/* --- attributes --- */

const Str *attr_find(Attrs attrs, Str name) {
    for (size_t i = attrs.n; i > 0; i--)
        if (str_eq(attrs.v[i - 1].name, name))
            return &attrs.v[i - 1].value;
    return NULL;
}

/* --- namespaces --- */

static const Namespace *find_prefix(const Namespaces *list, Str prefix) {
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].prefix, prefix))
            return &list->v[i];
    return NULL;
}

static void set_prefix(Reader *r, Namespaces *list, Str prefix, Str to) {
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].prefix, prefix)) {
            if (!str_eq(list->v[i].to, to))
                list->v[i].to = str_dup(r->arena, to);
            return;
        }
    if (list->n < READER_PREFIXES_MAX)
        vec_push(list, ((Namespace){ str_dup(r->arena, prefix), str_dup(r->arena, to) }));
}

static void tell_format(Reader *r, Str prefix, Str uri) {
    if (r->format != FEED_UNKNOWN)
        return;
    if (prefix.n == 0 && str_eq_nocase(uri, S("http://my.netscape.com/rdf/simple/0.9/")))
        r->format = FEED_RSS_090;
    else if (str_eq_nocase(uri, S("http://purl.org/rss/1.0/")))
        r->format = FEED_RSS_10;
    else if (str_eq_nocase(uri, S("http://www.w3.org/2005/atom")))
        r->format = FEED_ATOM_10;
}

void reader_namespace(Reader *r, Str prefix, Str uri) {
    Str standard;
    tell_format(r, prefix, uri);
    if (!namespace_known(uri, &standard)) {
        set_prefix(r, &r->in_use, prefix, uri);
        return;
    }
    if (prefix.n)
        set_prefix(r, &r->prefixes, prefix, standard);
    set_prefix(r, &r->in_use, standard, uri);
}

static Str standard_prefix(const Reader *r, Str prefix) {
    const Namespace *n = prefix.n ? find_prefix(&r->prefixes, prefix) : NULL;
    return n ? n->to : prefix;
}

Str attr_standard(const Reader *r, Attrs attrs, Str name) {
    ptrdiff_t colon = str_find_char(name, ':');
    Str prefix = standard_prefix(r, str_first(name, (size_t)colon));
    char whole[64];
    Str rest = str_from(name, (size_t)colon);
    if (prefix.n + rest.n > sizeof whole)
        return str_n(NULL, 0);
    if (prefix.n)
        memcpy(whole, prefix.p, prefix.n);
    memcpy(whole + prefix.n, rest.p, rest.n);
    return attr_get(attrs, str_n(whole, prefix.n + rest.n));
}

/* --- xml:base and xml:lang --- */

static void set_base(Reader *r, Attrs attrs) {
    const Str *said = attr_find(attrs, S("xml:base"));
    said = said ? said : attr_find(attrs, S("base"));
    if (!said || said->n == 0 || said->n > URI_BASE_MAX)
        return;
    Str base = r->base.n ? uri_join_safe(r->arena, r->base, *said) : uri_join(r->arena, str_n(NULL, 0), *said);
    if (base.n && base.n <= URI_BASE_MAX)
        r->base = str_dup(r->arena, base);
}

static Str with_dashes(Arena *a, Str lang) {
    Str copy = str_dup(a, lang);
    for (size_t i = 0; i < copy.n; i++)
        if (copy.p[i] == '_')
            ((char *)(uintptr_t)copy.p)[i] = '-'; /* the copy is ours */
    return copy;
}

static void set_lang(Reader *r, Str tag, Attrs attrs) {
    const Str *said = attr_find(attrs, S("xml:lang"));
    said = said ? said : attr_find(attrs, S("lang"));
    if (said) {
        r->has_lang = said->n > 0;
        r->lang = said->n ? str_dup(r->arena, *said) : str_n(NULL, 0);
    }
    if (r->has_lang && (str_eq(tag, S("feed")) || str_eq(tag, S("rss"))))
        node_set(r->feed, EL_LANGUAGE, with_dashes(r->arena, r->lang), false);
}

static void open_scope(Reader *r, Str tag, Attrs attrs) {
    set_base(r, attrs);
    set_lang(r, tag, attrs);
    if (r->scopes.n < READER_OPEN_MAX)
        vec_push(&r->scopes, ((Scope){ r->base, r->lang, r->has_lang }));
    else
        r->full = true;
}

static void close_scope(Reader *r) {
    if (r->scopes.n > 0)
        r->scopes.n--;
    if (r->scopes.n == 0)
        return;
    const Scope *s = &r->scopes.v[r->scopes.n - 1];
    if (s->base.n)
        r->base = s->base;
    r->lang = s->lang;
    r->has_lang = s->has_lang;
}

/* --- text --- */

void reader_push(Reader *r, Element e, Str name, bool wanted) {
    if (r->frames.n >= READER_OPEN_MAX) {
        r->full = true;
        return;
    }
    if (e == EL_OTHER)
        name = str_dup(r->arena, name);
    vec_push(&r->frames, ((Frame){ e, wanted, name, r->text.n }));
}

void reader_put(Reader *r, Str text) {
    if (r->frames.n == 0)
        return;
    r->text.n = r->frames.v[r->frames.n - 1].start;
    buf_put_str(&r->text, text);
}

static void put_escaped(Buf *b, Str s, bool quotes_too) {
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        while (i < s.n && s.p[i] != '&' && s.p[i] != '<' && s.p[i] != '>' && !(quotes_too && s.p[i] == '"'))
            i++;
        buf_put(b, s.p + from, i - from);
        if (i < s.n) {
            char c = s.p[i++];
            buf_put_str(b, c == '&' ? S("&amp;") : c == '<' ? S("&lt;") : c == '>' ? S("&gt;") : S("&quot;"));
        }
    }
}

static bool is_inline(const Reader *r) { /* markup is collected as markup */
    return r->has_type && str_eq(r->type, S("application/xhtml+xml"));
}

void reader_text(Reader *r, Str text, bool escape) {
    if (r->frames.n == 0)
        return;
    if (escape && is_inline(r))
        put_escaped(&r->text, text, false);
    else
        buf_put_str(&r->text, text);
}

static void put_attr(Reader *r, Str name, Str value) {
    buf_put_c(&r->text, ' ');
    buf_put_str(&r->text, name);
    BUF_LIT(&r->text, "=\"");
    if (!r->loose) {
        put_escaped(&r->text, value, true);
    } else {
        for (size_t i = 0; i < value.n; i++)
            buf_put_str(&r->text, value.p[i] == '"' ? S("&quot;") : str_n(value.p + i, 1));
    }
    buf_put_c(&r->text, '"');
}

static Str behind_colon(Str name, Str *prefix) {
    ptrdiff_t colon = str_find_char(name, ':');
    *prefix = str_first(name, colon < 0 ? 0 : (size_t)colon);
    return colon < 0 ? name : str_from(name, (size_t)colon + 1);
}

static void put_start_tag(Reader *r, Str tag, Attrs attrs) {
    if (r->frames.n == 0)
        return;
    Str prefix, local = behind_colon(tag, &prefix);
    const Namespace *ns = prefix.n ? find_prefix(&r->in_use, prefix) : NULL;
    buf_put_c(&r->text, '<');
    buf_put_str(&r->text, local);
    for (size_t i = 0; i < attrs.n; i++)
        put_attr(r, attrs.v[i].name, attrs.v[i].value);
    if (ns && ((str_eq(local, S("math")) && str_eq(ns->to, S(MATH_URI))) ||
               (str_eq(local, S("svg")) && str_eq(ns->to, S(SVG_URI)))))
        put_attr(r, S("xmlns"), ns->to);
    r->svg += str_eq(local, S("svg"));
    buf_put_c(&r->text, '>');
}

/* --- tags --- */

/* Whether a tag inside of a text construct is part of that text. One that said it was plain or escaped was wrong. */
static bool collects_markup(Reader *r, Str tag, bool *ignore) {
    *ignore = false;
    if (!r->in_content)
        return false;
    if (r->has_type && !str_ends(r->type, S("xml"))) {
        *ignore = str_eq(tag, S("xhtml:div")) || str_eq(tag, S("div"));
        if (!*ignore)
            r->type = S("application/xhtml+xml");
    }
    return is_inline(r);
}

static void note_side_tracks(Reader *r, Str local) {
    static const char *const of_both[] = { "title", "link", "description" };
    static const char *const of_image[] = { "url", "href", "width", "height" };
    for (size_t i = 0; i < ARRAY_LEN(of_both); i++)
        if (str_eq(local, str_c(of_both[i])))
            return;
    if (!str_eq(local, S("name")))
        r->in_textinput = 0;
    for (size_t i = 0; i < ARRAY_LEN(of_image); i++)
        if (str_eq(local, str_c(of_image[i])))
            return;
    r->in_image = 0;
}

enum { FULL_NAME_MAX = 80 };

/* "dc:date" -> "dc_date". What is longer than any name we know is cut. */
static Str full_name(const Reader *r, Str tag, char out[FULL_NAME_MAX], Str *local) {
    Str prefix;
    *local = behind_colon(tag, &prefix);
    prefix = str_first(standard_prefix(r, prefix), FULL_NAME_MAX / 2);
    if (prefix.n == 0)
        return *local;
    Str rest = str_first(*local, FULL_NAME_MAX - prefix.n - 1);
    memcpy(out, prefix.p, prefix.n);
    out[prefix.n] = '_';
    if (rest.n)
        memcpy(out + prefix.n + 1, rest.p, rest.n);
    return str_n(out, prefix.n + 1 + rest.n);
}

static void note_namespaces(Reader *r, Attrs attrs) {
    for (size_t i = 0; i < attrs.n; i++)
        if (str_eq(attrs.v[i].name, S("xmlns")))
            reader_namespace(r, str_n(NULL, 0), attrs.v[i].value);
        else if (str_starts(attrs.v[i].name, S("xmlns:")))
            reader_namespace(r, str_from(attrs.v[i].name, 6), attrs.v[i].value);
}

void reader_start(Reader *r, Str tag, const SgmlAttr *v, size_t n) {
    Attrs attrs = { v, n };
    bool ignore;
    r->full |= r->arena->used > r->max_memory;
    if (r->full)
        return; /* the feed is refused as a whole: nothing more is kept of it */
    r->depth++;
    open_scope(r, tag, attrs);
    note_namespaces(r, attrs);
    bool collected = collects_markup(r, tag, &ignore);
    if (ignore)
        return;
    if (collected) {
        put_start_tag(r, tag, attrs);
        return;
    }
    char whole[FULL_NAME_MAX];
    Str local, name = full_name(r, tag, whole, &local);
    if (name.p == local.p)
        note_side_tracks(r, local);
    if (!element_start(r, name, attrs) && n == 0)
        reader_push(r, element_find(name), name, true);
}

static void leave_markup(Reader *r, Str tag) {
    bool ignore;
    if (!collects_markup(r, tag, &ignore) || r->frames.n == 0)
        return;
    Str prefix;
    BUF_LIT(&r->text, "</");
    for (Str rest = tag; rest.n; rest = prefix.n ? tag : str_n(NULL, 0))
        tag = behind_colon(rest, &prefix);
    buf_put_str(&r->text, tag);
    buf_put_c(&r->text, '>');
}

void reader_end(Reader *r, Str tag) {
    char whole[FULL_NAME_MAX];
    Str local, name = full_name(r, tag, whole, &local), value;
    if (r->svg && str_eq(local, S("svg")))
        r->svg--;
    if (r->svg || !element_end(r, name))
        reader_pop(r, element_find(name), name, &value);

    bool ignored = r->in_content && r->has_type && !str_ends(r->type, S("xml")) &&
                   (str_eq(tag, S("xhtml:div")) || str_eq(tag, S("div")));
    if (ignored)
        return;
    leave_markup(r, tag);
    close_scope(r);
    r->depth--;
}
