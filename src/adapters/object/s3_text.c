/* adapters/object/s3_text.c - see s3_text.h. */

#include "adapters/object/s3_text.h"

#include "base/utf8.h"
#include "base/vec.h"
#include "base/xml.h"

enum { MESSAGE_MAX = 200, KEY_TEXT_MAX = 3 * 1024 };

/* --- elements as they end --- */

typedef struct Leaf { /* an element that ended */
    int depth;        /* 1: the root */
    Str name, text;   /* text: of the piece of it that came last, which for these documents is all */
    Str parent;
} Leaf;

typedef struct Walk {
    XmlReader xml;
    Str open[XML_DEPTH_MAX];
    int depth;
    Str text;
} Walk;

enum { WALK_END = 1 };

/* 0 with the next element that ends (or, *opened, begins), WALK_END, or the reader's failure. */
static int walk_next(Walk *w, Leaf *out, bool *opened) {
    for (;;) {
        XmlToken t;
        int r = xml_next(&w->xml, &t);
        if (r)
            return r;
        switch (t.kind) {
        case XML_END_OF_TEXT:
            return WALK_END;
        case XML_TEXT:
            w->text = t.text;
            break;
        case XML_OPEN:
        case XML_CLOSE:
            *opened = t.kind == XML_OPEN;
            if (*opened)
                w->open[w->depth++] = t.text;
            *out = (Leaf){ w->depth, t.text, *opened ? (Str){ 0 } : w->text,
                           w->depth > 1 ? w->open[w->depth - 2] : (Str){ 0 } };
            if (!*opened)
                w->depth--;
            w->text = (Str){ 0 };
            return 0;
        }
    }
}

static Walk walk_of(Arena *a, Str body) {
    Walk w = { 0 };
    xml_reader_init(&w.xml, body, a);
    return w;
}

/* --- errors --- */

static Str one_line(Arena *a, Str s) {
    s = str_first(str_trim(s), MESSAGE_MAX);
    while (s.n > 0 && !utf8_valid(s))
        s.n--;
    char *p = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (uint8_t)s.p[i] < ' ' ? ' ' : s.p[i];
    return str_n(p, s.n);
}

void s3_error_read(Arena *a, Str body, S3Error *out) {
    Walk w = walk_of(a, body);
    Leaf leaf;
    bool opened;
    *out = (S3Error){ 0 };
    while (walk_next(&w, &leaf, &opened) == 0) {
        if (leaf.depth == 1 && opened && !str_eq(leaf.name, S("Error")))
            return;
        if (leaf.depth != 2 || opened)
            continue;
        if (str_eq(leaf.name, S("Code")))
            out->code = one_line(a, leaf.text);
        else if (str_eq(leaf.name, S("Message")))
            out->message = one_line(a, leaf.text);
        else if (str_eq(leaf.name, S("Region")))
            out->region = one_line(a, leaf.text);
    }
}

int s3_element_read(Arena *a, Str body, Str root, Str name, Str *out) {
    Walk w = walk_of(a, body);
    Leaf leaf;
    bool opened, found = false;
    int r;
    while ((r = walk_next(&w, &leaf, &opened)) == 0) {
        if (leaf.depth == 1 && !str_eq(leaf.name, root))
            return ERR_BAD_REQUEST;
        if (leaf.depth == 2 && !opened && str_eq(leaf.name, name)) {
            *out = str_trim(leaf.text);
            found = out->n > 0;
        }
    }
    return r != WALK_END ? r : found ? 0 : ERR_BAD_REQUEST;
}

/* --- lists --- */

/* As encoding-type=url writes keys: %XX, and '+' for a space. */
static Str url_decode(Arena *a, Str s) {
    char *p = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.p[i + 2]) : -1;
        if (low >= 0) {
            p[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            p[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return str_n(p, n);
}

static bool item_field(ObjectInfo *o, const Leaf *leaf) {
    if (str_eq(leaf->name, S("Key")))
        o->key = leaf->text;
    else if (str_eq(leaf->name, S("Size")))
        return str_to_i64(leaf->text, &o->size) && o->size >= 0;
    else if (str_eq(leaf->name, S("ETag")))
        return s3_etag(leaf->text, o->etag);
    else if (str_eq(leaf->name, S("LastModified")))
        return time_parse_iso(leaf->text, &o->modified, NULL);
    return true;
}

typedef VEC(ObjectInfo) Items;

/* What the list says of itself. */
static void page_field(const Leaf *leaf, S3Page *page, bool *encoded) {
    if (str_eq(leaf->name, S("IsTruncated")))
        page->more = str_eq(leaf->text, S("true"));
    else if (str_eq(leaf->name, S("NextContinuationToken")))
        page->token = leaf->text;
    else if (str_eq(leaf->name, S("EncodingType")))
        *encoded = str_eq(leaf->text, S("url"));
}

static int page_leaf(Arena *a, const Leaf *leaf, bool opened, size_t limit, Items *items, S3Page *page, bool *encoded) {
    if (leaf->depth == 1 && !str_eq(leaf->name, S("ListBucketResult")))
        return ERR_BAD_REQUEST;
    if (opened && leaf->depth == 2 && str_eq(leaf->name, S("Contents"))) {
        if (items->n == limit)
            return ERR_LIMIT;
        vec_push_in(a, items, ((ObjectInfo){ 0 }));
    }
    if (opened)
        return 0;
    if (leaf->depth == 2)
        page_field(leaf, page, encoded);
    bool in_item = leaf->depth == 3 && str_eq(leaf->parent, S("Contents"));
    return in_item && !item_field(&items->v[items->n - 1], leaf) ? ERR_BAD_REQUEST : 0;
}

int s3_page_read(Arena *a, Str body, size_t limit, S3Page *out) {
    Items items = { 0 };
    Walk w = walk_of(a, body);
    Leaf leaf;
    bool opened, encoded = false;
    S3Page page = { 0 };
    int r = 0, bad = 0;
    while (bad == 0 && (r = walk_next(&w, &leaf, &opened)) == 0)
        bad = page_leaf(a, &leaf, opened, limit, &items, &page, &encoded);
    if (bad)
        return bad;
    if (r != WALK_END || (page.more && page.token.n == 0))
        return r == WALK_END ? ERR_BAD_REQUEST : r;
    VEC_FOR (o, &items) {
        if (o->key.n == 0 || o->key.n > KEY_TEXT_MAX)
            return ERR_BAD_REQUEST;
        if (encoded)
            o->key = url_decode(a, o->key);
    }
    page.v = items.v;
    page.n = items.n;
    *out = page;
    return 0;
}

/* --- header values --- */

bool s3_etag(Str header, char out[static OBJECT_ETAG_MAX + 1]) {
    Str s = str_trim(header);
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = str_n(s.p + 1, s.n - 2);
    if (s.n == 0 || s.n > OBJECT_ETAG_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == 0x7f)
            return false;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

bool s3_content_range(Str header, int64_t *from, int64_t *to, int64_t *size) {
    Str rest = str_trim(header), first, last;
    if (!str_starts(rest, S("bytes ")))
        return false;
    rest = str_from(rest, 6);
    return str_next(&rest, '-', &first) && str_next(&rest, '/', &last) && str_to_i64(first, from) &&
           str_to_i64(last, to) && str_to_i64(rest, size) && *from >= 0 && *from <= *to && *to < *size;
}

Str s3_label_write(Arena *a, Str value) {
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, value.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        bool lost = c == ' ' && (i == 0 || i + 1 == value.n || value.p[i - 1] == ' ');
        if (c >= ' ' && c < 0x7f && c != '%' && !lost) {
            out[n++] = c;
        } else {
            out[n++] = '%';
            out[n++] = hex[(uint8_t)c >> 4];
            out[n++] = hex[(uint8_t)c & 15];
        }
    }
    return str_n(out, n);
}

Str s3_label_read(Arena *a, Str header) {
    char *p = arena_alloc(a, header.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < header.n; i++) {
        int high = header.p[i] == '%' && i + 2 < header.n ? hex_value(header.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(header.p[i + 2]) : -1;
        bool coded = low >= 0;
        p[n++] = coded ? (char)(high << 4 | low) : header.p[i];
        i += coded ? 2 : 0;
    }
    Str out = str_n(p, n);
    return utf8_valid(out) ? out : str_dup(a, header);
}
