/* feed/html.c - making the HTML of strangers safe. */

#include "feed/html.h"

#include "feed/entity.h"
#include "feed/html_names.h"
#include "feed/sgml.h"
#include "feed/uri.h"

typedef struct Cleaner {
    Buf *out;
    Arena *scratch;
    Str base;
    bool xhtml;
    int scripts; /* open elements whose content is left out */
    int math, svg;
    bool lt;       /* the last byte of out is a '<' that is text */
    size_t half;   /* where half a tag begins that ended out, up to its '>'; SIZE_MAX if none did */
    size_t budget; /* past so many bytes of output links are no longer made absolute: a long base would make it large */
} Cleaner;

/* A '<' that is text is written as it is ("1 < 2") unless what follows would make a tag of it. */
static void settle_lt(Cleaner *c, Str next) {
    if (!c->lt || next.n == 0)
        return;
    c->lt = false;
    char f = next.p[0];
    if (!text_is_alpha(f) && f != '/' && f != '!' && f != '?')
        return;
    c->out->n--;
    BUF_LIT(c->out, "&lt;");
}

static void put(Cleaner *c, Str s) {
    settle_lt(c, s);
    if (s.n)
        c->half = SIZE_MAX;
    buf_put_str(c->out, s);
}

/* --- start and end tags --- */

/* '&' that begins a reference. */
static bool is_reference(Str s) {
    size_t i = 1;
    if (i < s.n && s.p[i] == '#') {
        bool hex = i + 1 < s.n && s.p[i + 1] == 'x';
        size_t from = i += 1 + hex;
        while (i < s.n && (text_is_digit(s.p[i]) || (hex && (s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'f')))
            i++;
        return i > from && i < s.n && s.p[i] == ';';
    }
    while (i < s.n && text_is_word(s.p[i]))
        i++;
    return i > 1 && i < s.n && s.p[i] == ';';
}

static void put_value(Buf *out, Str v) {
    for (size_t i = 0; i < v.n; i++) {
        size_t from = i;
        while (i < v.n && v.p[i] != '<' && v.p[i] != '>' && v.p[i] != '"' && v.p[i] != '&')
            i++;
        buf_put(out, v.p + from, i - from);
        if (i == v.n)
            return;
        char ch = v.p[i];
        if (ch == '&')
            buf_put_str(out, is_reference(str_from(v, i)) ? S("&") : S("&amp;"));
        else
            buf_put_str(out, ch == '<' ? S("&lt;") : ch == '>' ? S("&gt;") : S("&quot;"));
    }
}

static bool is_uri_attr(Str name) {
    return str_eq(name, S("href")) || str_eq(name, S("src")) || str_eq(name, S("cite")) ||
           str_eq(name, S("longdesc")) || str_eq(name, S("poster")) || str_eq(name, S("xlink:href"));
}

/* The value with its references resolved is what a browser follows: that is what must be safe. */
static bool value_is_safe(Cleaner *c, Str value) {
    if (!memchr(value.p ? value.p : "", '&', value.n))
        return uri_is_safe(value);
    Buf plain;
    buf_init(&plain, value.n + 16);
    entity_decode(value, &plain);
    bool ok = uri_is_safe(buf_str(&plain)) && !text_has(buf_str(&plain), S("&#"));
    buf_done(&plain);
    UNUSED(c);
    return ok;
}

static void put_attr(Cleaner *c, Str tag, SgmlAttr attr, bool graphics) {
    if (!(html_keeps_attr(attr.name) || (graphics && html_keeps_svg_attr(attr.name))))
        return;
    Str value = attr.value;
    if (html_is_link(tag, attr.name) && c->out->n < c->budget)
        value = uri_join_safe(c->scratch, c->base, text_strip(value));
    if (is_uri_attr(attr.name) && !value_is_safe(c, value))
        value = str_n(NULL, 0);
    buf_put_c(c->out, ' ');
    buf_put_str(c->out, attr.name);
    BUF_LIT(c->out, "=\"");
    put_value(c->out, value);
    buf_put_c(c->out, '"');
}

static void put_start(Cleaner *c, Str tag, const SgmlAttr *attrs, size_t n, bool graphics) {
    put(c, S("<"));
    buf_put_str(c->out, tag);
    for (size_t i = 0; i < n; i++) {
        bool again = false; /* of two values of one name the last one counts */
        for (size_t k = i + 1; k < n && !again; k++)
            again = str_eq(attrs[k].name, attrs[i].name);
        if (!again)
            put_attr(c, tag, attrs[i], graphics);
    }
    buf_put_str(c->out, sgml_is_void(tag) ? S(" />") : S(">"));
}

static bool has_namespace(const SgmlAttr *attrs, size_t n, Str uri, bool implied) {
    for (size_t i = n; i > 0; i--)
        if (str_eq(attrs[i - 1].name, S("xmlns")))
            return attrs[i - 1].value.n ? str_eq(attrs[i - 1].value, uri) : implied;
    return implied;
}

static void clean_start(void *arg, Str tag, const SgmlAttr *attrs, size_t n) {
    Cleaner *c = arg;
    HtmlKind kind = html_kind(tag);
    bool graphics = false;
    if (kind != HTML_ELEMENT || c->svg > 0) {
        if (kind == HTML_SCRIPT)
            c->scripts++;
        if (str_eq(tag, S("math")))
            c->math += has_namespace(attrs, n, S("http://www.w3.org/1998/Math/MathML"), !c->xhtml);
        if (str_eq(tag, S("svg")))
            c->svg += has_namespace(attrs, n, S("http://www.w3.org/2000/svg"), !c->xhtml);
        graphics = (c->math > 0 && html_is_math(tag)) || (c->svg > 0 && html_is_svg(tag));
        if (!graphics && kind != HTML_ELEMENT)
            return;
    }
    put_start(c, tag, attrs, n, graphics);
}

static void clean_end(void *arg, Str tag) {
    Cleaner *c = arg;
    HtmlKind kind = html_kind(tag);
    if (kind != HTML_ELEMENT) {
        if (kind == HTML_SCRIPT)
            c->scripts--;
        if (c->math > 0 && html_is_math(tag))
            c->math -= str_eq(tag, S("math"));
        else if (c->svg > 0 && html_is_svg(tag))
            c->svg -= str_eq(tag, S("svg"));
        else
            return;
    }
    if (sgml_is_void(tag))
        return;
    put(c, S("</"));
    buf_put_str(c->out, tag);
    buf_put_c(c->out, '>');
}

/* --- text --- */

/* Text with what looks like tags in it, which nobody has read as tags: they go, whatever they are, and a '<' that ends
 * nowhere is text. */
static void clean_rest(void *arg, Str text) {
    Cleaner *c = arg;
    const char *p = text.p, *end = text.p + text.n;
    while (p < end && c->scripts == 0) {
        const char *lt = memchr(p, '<', (size_t)(end - p));
        put(c, str_n(p, (size_t)((lt ? lt : end) - p)));
        if (!lt)
            return;
        const char *gt = memchr(lt, '>', (size_t)(end - lt));
        put(c, gt ? S(" ") : S("<"));
        c->lt = !gt;
        p = gt ? gt + 1 : lt + 1;
    }
}

/* The text of <tag/text/ with tags in it. "<br/ >one</p>" is read so too: its text ends within the second tag. */
static void clean_short_text(Cleaner *c, Str text) {
    const char *lt = text.p + text.n;
    while (*--lt != '<')
        ;
    size_t tail = (size_t)(text.p + text.n - lt);
    clean_rest(c, str_first(text, text.n - tail));
    size_t half = c->out->n;
    clean_rest(c, str_n(lt, tail));
    c->half = memchr(lt, '>', tail) ? SIZE_MAX : half;
}

static void clean_data(void *arg, Str text) {
    Cleaner *c = arg;
    if (c->scripts != 0 ||
        text.n == 0) /* also below 0: an end without a start hides what follows, as it hides it there */
        return;
    if (text.n > 1 && memchr(text.p, '<', text.n)) {
        clean_short_text(c, text);
        return;
    }
    const char *gt = c->half == SIZE_MAX ? NULL : memchr(text.p, '>', text.n);
    if (gt) { /* the other half */
        c->out->n = c->half;
        c->lt = false;
        put(c, S(" "));
        text = str_from(text, (size_t)(gt + 1 - text.p));
        if (text.n == 0)
            return;
    }
    put(c, text);
    c->lt = text.p[text.n - 1] == '<';
}

static void clean_charref(void *arg, Str ref) {
    Cleaner *c = arg;
    uint32_t cp = entity_number(ref), mapped = entity_cp1252(cp);
    put(c, S("&#"));
    if (mapped != cp)
        buf_printf(c->out, "x%x", mapped);
    else
        for (size_t i = 0; i < ref.n; i++)
            buf_put_c(c->out, text_lower_c(ref.p[i]));
    buf_put_c(c->out, ';');
}

static void clean_entityref(void *arg, Str name) {
    Cleaner *c = arg;
    bool known = entity_find(name) || str_eq(name, S("apos"));
    put(c, known ? S("&") : S("&amp;"));
    if (known || c->scripts == 0) /* an unknown name is text, which scripts lose */
        buf_put_str(c->out, name);
    if (known)
        buf_put_c(c->out, ';');
}

/* Kept, as markup around it may depend on its being there; what would end it earlier in a browser gets a space. */
static void clean_comment(void *arg, Str text) {
    Cleaner *c = arg;
    put(c, S("<!--"));
    if (text.n && (text.p[0] == '>' || text.p[0] == '-' || text.p[0] == '!'))
        buf_put_c(c->out, ' ');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '!' && i >= 2 && text.p[i - 1] == '-' && text.p[i - 2] == '-')
            buf_put_c(c->out, ' ');
        buf_put_c(c->out, text.p[i]);
    }
    BUF_LIT(c->out, "-->");
}

void html_clean(Str html, bool xhtml, Str base, Arena *scratch, Buf *out) {
    static const SgmlSink sink = {
        .start = clean_start,
        .end = clean_end,
        .data = clean_data,
        .charref = clean_charref,
        .entityref = clean_entityref,
        .comment = clean_comment,
        .rest = clean_rest,
    };
    Cleaner c = { .out = out, .scratch = scratch, .base = base, .xhtml = xhtml, .half = SIZE_MAX };
    c.budget = out->n + html.n * 8 + (256 << 10);
    sgml_read(html, (SgmlRules){ .xhtml = xhtml, .comments_forgive = true }, &sink, &c, scratch);
    settle_lt(&c, S("/")); /* whatever comes behind it */
}
