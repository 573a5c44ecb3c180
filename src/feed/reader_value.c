/* feed/reader_value.c - from the text of an element to a value of the feed.
 *
 * The order of the steps is what makes two readers agree on odd feeds: strip, base64, links, entities (tolerant
 * reader), plain or HTML, cleaning, mended encodings. */

#include "feed/entity.h"
#include "feed/html.h"
#include "feed/reader.h"
#include "feed/uri.h"

/* --- kinds of elements --- */

static bool is_link_element(Element e) {
    return e == EL_ID || e == EL_LINK || e == EL_COMMENTS || e == EL_HREF || e == EL_ICON || e == EL_LOGO ||
           e == EL_URL || e == EL_DOCS || e == EL_WFW_COMMENT || e == EL_WFW_COMMENTRSS;
}

static bool is_text_element(Element e) {
    return e == EL_TITLE || e == EL_SUMMARY || e == EL_SUBTITLE || e == EL_CONTENT || e == EL_DESCRIPTION ||
           e == EL_RIGHTS || e == EL_INFO;
}

Str content_type_map(Arena *a, Str type) {
    Str lower = text_lower(a, type);
    if (str_eq(lower, S("text")) || str_eq(lower, S("plain")))
        return S("text/plain");
    if (str_eq(lower, S("html")))
        return S("text/html");
    return str_eq(lower, S("xhtml")) ? S("application/xhtml+xml") : lower;
}

bool content_type_is_html(Str mapped) {
    return str_eq(mapped, S("text/html")) || str_eq(mapped, S("application/xhtml+xml"));
}

static bool is_atom(FeedFormat f) {
    return f >= FEED_ATOM && f <= FEED_ATOM_10;
}

/* --- steps --- */

/* <div>…</div> around all of it says nothing. */
static Str without_div(Str s) {
    if (!(str_starts(s, S("<div>")) || str_starts(s, S("<div "))) || !str_ends(s, S("</div>")))
        return s;
    const char *end = s.p + s.n - 6, *inside = memchr(s.p, '>', s.n);
    int depth = 0;
    for (const char *p = s.p; p < end && (p = memchr(p, '<', (size_t)(end - p))) != NULL; p++) {
        const char *gt = memchr(p, '>', (size_t)(end - p));
        if (p[1] == '/')
            depth--;
        else if (!(gt && gt[-1] == '/'))
            depth++;
        if (p[1] == '/' && depth == 0)
            return s; /* two of them side by side */
    }
    return inside < end ? str_n(inside + 1, (size_t)(end - inside - 1)) : s;
}

static int base64_digit(char c) {
    if (text_is_alpha(c))
        return (c & 32) ? c - 'a' + 26 : c - 'A';
    return text_is_digit(c) ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What is no digit of it is passed over; it ends with its padding, whatever follows. False if it does not come out
 * even, or is no UTF-8. */
static bool decode_base64(Str s, Buf *out) {
    uint32_t bits = 0;
    int n = 0, pad = 0;
    buf_clear(out);
    for (size_t i = 0; i < s.n; i++) {
        int d = base64_digit(s.p[i]);
        pad = s.p[i] == '=' ? pad + 1 : d >= 0 ? 0 : pad;
        if (n >= 2 && n + pad >= 4) {
            n = 0;
            break;
        }
        if (d < 0)
            continue;
        bits = (bits << 6 | (uint32_t)d) & 0xffffff;
        if (n > 0)
            buf_put_c(out, (char)(bits >> (6 - 2 * n)));
        n = (n + 1) % 4;
    }
    return n == 0 && !out->full && utf8_valid(buf_str(out));
}

/* The tolerant reader leaves references in its text. Those of markup are written one way; where the text is no markup
 * they are resolved. */
static Str resolve_references(const Reader *r, Str s, Buf *out) {
    static const struct {
        Str from, markup, plain;
    } table[] = {
        { STR_INIT("&#60;"), STR_INIT("&lt;"), STR_INIT("<") },
        { STR_INIT("&#x3c;"), STR_INIT("&lt;"), STR_INIT("<") },
        { STR_INIT("&#x3C;"), STR_INIT("&lt;"), STR_INIT("<") },
        { STR_INIT("&#62;"), STR_INIT("&gt;"), STR_INIT(">") },
        { STR_INIT("&#x3e;"), STR_INIT("&gt;"), STR_INIT(">") },
        { STR_INIT("&#x3E;"), STR_INIT("&gt;"), STR_INIT(">") },
        { STR_INIT("&#38;"), STR_INIT("&amp;"), STR_INIT("&") },
        { STR_INIT("&#x26;"), STR_INIT("&amp;"), STR_INIT("&") },
        { STR_INIT("&#34;"), STR_INIT("&quot;"), STR_INIT("\"") },
        { STR_INIT("&#x22;"), STR_INIT("&quot;"), STR_INIT("\"") },
        { STR_INIT("&#39;"), STR_INIT("&apos;"), STR_INIT("'") },
        { STR_INIT("&#x27;"), STR_INIT("&apos;"), STR_INIT("'") },
        { STR_INIT("&lt;"), STR_INIT("&lt;"), STR_INIT("<") },
        { STR_INIT("&gt;"), STR_INIT("&gt;"), STR_INIT(">") },
        { STR_INIT("&amp;"), STR_INIT("&amp;"), STR_INIT("&") },
        { STR_INIT("&quot;"), STR_INIT("&quot;"), STR_INIT("\"") },
        { STR_INIT("&apos;"), STR_INIT("&apos;"), STR_INIT("'") },
    };
    bool markup = !r->has_type || str_ends(r->type, S("xml"));
    if (!s.n || !memchr(s.p, '&', s.n))
        return s;
    buf_clear(out);
    for (size_t i = 0; i < s.n;) {
        const char *amp = memchr(s.p + i, '&', s.n - i);
        size_t upto = amp ? (size_t)(amp - s.p) : s.n, k = 0;
        buf_put(out, s.p + i, upto - i);
        i = upto;
        if (!amp)
            break;
        while (k < ARRAY_LEN(table) && !str_starts(str_from(s, i), table[k].from))
            k++;
        buf_put_str(out, k == ARRAY_LEN(table) ? S("&") : markup ? table[k].markup : table[k].plain);
        i += k == ARRAY_LEN(table) ? 1 : table[k].from.n;
    }
    return buf_str(out);
}

/* UTF-8 that was taken for ISO 8859-1 and written as UTF-8 again; and windows-1252 taken for the same. */
static Str mend_encoding(Str s, Buf *out) {
    size_t i;
    if (text_ascii_size(s) == s.n)
        return s;
    buf_clear(out);
    bool narrow = true, controls = false;
    for (i = 0; i < s.n && narrow;) {
        uint32_t cp;
        size_t n = utf8_decode(s.p + i, s.n - i, &cp);
        narrow = n > 0 && cp < 0x100;
        buf_put_c(out, (char)cp);
        i += n;
    }
    if (narrow && utf8_valid(buf_str(out)))
        s = buf_str(out);
    for (i = 0; i + 1 < s.n && !controls; i++)
        controls = (unsigned char)s.p[i] == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0;
    if (!controls)
        return s;
    Buf mapped;
    buf_init(&mapped, s.n * 2);
    for (i = 0; i < s.n;) {
        uint32_t cp;
        char bytes[UTF8_MAX];
        size_t n = utf8_decode(s.p + i, s.n - i, &cp), k = n ? utf8_encode(entity_cp1252(cp), bytes) : 0;
        buf_put(&mapped, k ? bytes : s.p + i, k ? k : 1);
        i += MAX(n, (size_t)1);
    }
    buf_clear(out);
    buf_put_str(out, buf_str(&mapped));
    buf_done(&mapped);
    return buf_str(out);
}

/* \r\n becomes \n, in place: s is a piece of a buffer of ours. */
static Str with_line_ends(Str s) {
    if (!text_has(s, S("\r\n")))
        return s;
    char *to = (char *)(uintptr_t)s.p;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n'))
            to[n++] = s.p[i];
    return str_n(s.p, n);
}

static Str clean(Reader *r, Str s, bool xhtml) {
    if (!s.n || (!memchr(s.p, '<', s.n) && !memchr(s.p, '&', s.n)))
        return s;
    buf_clear(&r->out);
    html_clean(s, xhtml, r->base, r->scratch, &r->out);
    r->full |= r->out.full;
    return with_line_ends(text_strip(buf_str(&r->out)));
}

/* --- storing --- */

/* "?a=1&b;=2" comes of "?a=1&b=2" by readers that take &b for a reference. */
static Str mend_query(Reader *r, Str s, bool amp_too) {
    if (!memchr(s.p ? s.p : "", '&', s.n))
        return s;
    char *copy = arena_alloc(r->arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (amp_too && s.p[i] == '&' && str_starts(str_from(s, i), S("&amp;"))) {
            copy[n++] = '&';
            i += 4;
        } else {
            copy[n++] = s.p[i];
        }
    }
    Str whole = str_n(copy, n);
    n = 0;
    for (size_t i = 0; i < whole.n; i++) {
        copy[n++] = whole.p[i];
        size_t k = i + 1;
        while (whole.p[i] == '&' && k < whole.n && text_is_word(whole.p[k]) && !(whole.p[k] & 0x80))
            k++;
        if (whole.p[i] != '&' || k == i + 1 || k == whole.n || whole.p[k] != ';')
            continue;
        while (++i < k)
            copy[n++] = whole.p[i];
    }
    return str_n(copy, n);
}

static void store_link(Reader *r, Node *n, Str value, bool of_item) {
    if (of_item && r->in_image)
        return;
    value = mend_query(r, value, of_item);
    node_set(n, EL_LINK, value, false);
    if (n->links.n > 0 && (value.n > 0 || !of_item))
        n->links.v[n->links.n - 1].href = value;
}

static void store_in_item(Reader *r, Element e, Str value, bool html) {
    Node *n = r->item;
    if (e == EL_CONTENT) {
        if (!n->has_content)
            n->content = (FeedText){ value, html };
        n->has_content = true;
        return;
    }
    if (e == EL_LINK) {
        store_link(r, n, value, true);
        return;
    }
    e = e == EL_DESCRIPTION ? EL_SUMMARY : e;
    if (e >= EL_STORED || (n->depth[e] && r->depth > n->depth[e]))
        return;
    n->depth[e] = r->depth;
    node_set(n, e, value, html);
}

static void store(Reader *r, Element e, Str value, bool html) {
    if (e == EL_CATEGORY || e == EL_TAGS || e == EL_ITUNES_KEYWORDS)
        return;
    if (e == EL_TITLE && r->title_depth > -1 && r->title_depth <= r->depth)
        return;
    if (r->in_item && !r->in_source) {
        store_in_item(r, e, value, html);
    } else if (r->in_feed || r->in_source) {
        Node *n = reader_context(r);
        e = e == EL_DESCRIPTION ? EL_SUBTITLE : e;
        if (e == EL_LINK)
            store_link(r, n, value, false);
        else if (e < EL_STORED)
            node_set(n, e, value, html);
    }
}

static bool is_kept(Element e) { /* somebody reads its value */
    return e != EL_OTHER && e != EL_ITEM && e != EL_GEOMETRY && e != EL_POS && e != EL_WHERE && e != EL_IMAGE;
}

bool reader_pop(Reader *r, Element e, Str name, Str *out) {
    *out = str_n(NULL, 0);
    if (r->frames.n == 0)
        return false;
    Frame f = r->frames.v[r->frames.n - 1];
    if (f.element != e || (e == EL_OTHER && !str_eq(f.name, name)))
        return false;
    r->frames.n--;
    Str s = str_from(buf_str(&r->text), f.start);
    r->text.n = f.start; /* the bytes stay until the next text comes */
    r->full |= r->text.full;
    if (!is_kept(e))
        return true;

    s = text_strip(s);
    if (r->format == FEED_ATOM_10 && r->has_type && str_eq(r->type, S("application/xhtml+xml")))
        s = text_strip(without_div(s));
    if (!f.wanted) {
        *out = str_dup(r->arena, s);
        return true;
    }
    bool base64 = r->base64;
    r->base64 = false;
    if (base64 && decode_base64(s, &r->work))
        s = buf_str(&r->work);
    ArenaMark mark = arena_mark(r->scratch);
    if (is_link_element(e) && s.n && (e != EL_ID || r->guid_is_link))
        s = uri_join(r->scratch, r->base, s);
    if (r->loose && !base64)
        s = resolve_references(r, s, &r->work);
    if (!is_atom(r->format) && r->has_type && str_eq(r->type, S("text/plain")) && html_is_meant(s))
        r->type = S("text/html");
    bool html = !r->has_type || content_type_is_html(r->type);
    if (html && is_text_element(e))
        s = clean(r, s, r->has_type && str_eq(r->type, S("application/xhtml+xml")));
    s = str_dup(r->arena, mend_encoding(s, &r->mended));
    arena_rewind(r->scratch, mark);
    store(r, e, s, html && is_text_element(e));
    *out = s;
    return true;
}

void reader_push_content(Reader *r, Element e, Attrs attrs, Str default_type, bool wanted) {
    r->in_content++;
    const Str *type = attr_find(attrs, S("type"));
    r->type = content_type_map(r->arena, type ? str_dup(r->arena, *type) : default_type);
    r->has_type = true;
    r->base64 = str_eq(attr_get(attrs, S("mode")), S("base64")) ||
                !(str_starts(r->type, S("text/")) || str_ends(r->type, S("+xml")) || str_ends(r->type, S("/xml")));
    reader_push(r, e, str_n(NULL, 0), wanted);
}

bool reader_pop_content(Reader *r, Element e, Str *out) {
    bool ok = reader_pop(r, e, str_n(NULL, 0), out);
    r->in_content--;
    r->has_type = r->base64 = false;
    return ok;
}
