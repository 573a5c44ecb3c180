/* feed/element_parts.c - people, dates, tags and links of a feed or item. */

#include "feed/elements.h"
#include "feed/uri.h"

static const Str none;

/* --- people --- */

static void add_person(Reader *r, Node *n) {
    n->has_authors = true;
    if (n->authors.n < READER_LIST_MAX)
        vec_push_in(r->arena, &n->authors, ((Person){ .name = none }));
}

static bool is_mail_char(char c) {
    return text_is_alpha(c) || text_is_digit(c) || c == '_' || c == '-' || c == '.' || c == '+';
}

/* The first address in s. */
static Str find_mail(Str s) {
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] != '@' || !is_mail_char(s.p[i - 1]))
            continue;
        size_t from = i, to = i + 1, dots = 0;
        while (from > 0 && is_mail_char(s.p[from - 1]))
            from--;
        for (; to < s.n && (text_is_alpha(s.p[to]) || text_is_digit(s.p[to]) || s.p[to] == '-' || s.p[to] == '.'); to++)
            dots += s.p[to] == '.' && to + 1 < s.n && text_is_alpha(s.p[to + 1]);
        while (to > i && s.p[to - 1] == '.')
            to--;
        if (dots > 0)
            return str_n(s.p + from, to - from);
    }
    return none;
}

/* "Ann Example (ann@example.com)" or the other way round, to name and address. */
static void split_person(Reader *r, Str text, Person *out) {
    out->email = find_mail(text);
    Str name = text;
    if (out->email.n) {
        char *copy = arena_alloc(r->arena, text.n);
        size_t before = (size_t)(out->email.p - text.p), behind = before + out->email.n;
        memcpy(copy, text.p, before);
        memcpy(copy + before, text.p + behind, text.n - behind);
        name = text_strip(str_n(copy, text.n - out->email.n));
        while (name.n && strchr("(<[,;:", name.p[0]))
            name = text_strip(str_from(name, 1));
        while (name.n && strchr(")>],;:(<", name.p[name.n - 1]))
            name = text_strip(str_first(name, name.n - 1));
    }
    out->name = name;
    out->told = name.n > 0 || out->email.n > 0;
}

static void sync_author(Reader *r) {
    Node *n = reader_context(r);
    Person *p = n->authors.n ? &n->authors.v[n->authors.n - 1] : NULL;
    if (!p || !p->told) {
        if (p && n->value[EL_AUTHOR].n)
            split_person(r, n->value[EL_AUTHOR], p);
        return;
    }
    if (p->name.n && p->email.n)
        node_set(n, EL_AUTHOR, str_fmt(r->arena, STR_FMT " (" STR_FMT ")", STR_ARG(p->name), STR_ARG(p->email)), false);
    else if (p->name.n || p->email.n)
        node_set(n, EL_AUTHOR, p->name.n ? p->name : p->email, false);
}

void start_author(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(attrs);
    UNUSED(row);
    r->in_author = 1;
    reader_push(r, EL_AUTHOR, none, true);
    add_person(r, reader_context(r));
}

bool end_author(Reader *r, const Row *row) {
    end_text(r, row);
    r->in_author = 0;
    sync_author(r);
    return true;
}

/* A part of a person, where one is being told of. */
static void save_person(Reader *r, size_t offset, Str value) {
    Node *n = reader_context(r);
    if (r->in_publisher || !r->in_author)
        return;
    sync_author(r);
    if (!n->has_authors || n->authors.n == 0)
        add_person(r, n);
    Person *p = &n->authors.v[n->authors.n - 1];
    p->told = true;
    memcpy((char *)p + offset, &value, sizeof value);
}

bool end_name(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    reader_pop(r, EL_NAME, none, &value);
    save_person(r, offsetof(Person, name), value);
    return true;
}

bool end_email(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    reader_pop(r, EL_EMAIL, none, &value);
    save_person(r, offsetof(Person, email), value);
    return true;
}

bool end_url(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    reader_pop(r, EL_HREF, none, &value);
    save_person(r, offsetof(Person, href), value);
    return true;
}

void start_contributor(Reader *r, Attrs attrs, const Row *row) {
    r->in_contributor = 1;
    start_text(r, attrs, row);
}

bool end_contributor(Reader *r, const Row *row) {
    end_text(r, row);
    r->in_contributor = 0;
    return true;
}

bool end_dc_contributor(Reader *r, const Row *row) {
    end_name(r, row);
    r->in_contributor = 0;
    return true;
}

void start_owner(Reader *r, Attrs attrs, const Row *row) {
    r->in_publisher = 1;
    start_text(r, attrs, row);
}

bool end_owner(Reader *r, const Row *row) {
    end_text(r, row);
    r->in_publisher = 0;
    return true;
}

/* --- dates --- */

bool end_published(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    reader_pop(r, EL_PUBLISHED, none, &value);
    Node *n = reader_context(r);
    n->has_published = feed_date_parse(value, r->now, &n->published);
    return true;
}

bool end_updated(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    reader_pop(r, EL_UPDATED, none, &value);
    Node *n = reader_context(r);
    n->has_updated = feed_date_parse(value, r->now, &n->updated);
    return true;
}

/* --- tags --- */

static bool same_tag(const FeedTag *a, const FeedTag *b) {
    return str_eq(a->term, b->term) && str_eq(a->scheme, b->scheme) && str_eq(a->label, b->label);
}

static Str keep(Reader *r, Str s) {
    return s.n ? str_dup(r->arena, s) : str_n(s.p ? "" : NULL, 0);
}

void node_add_tag(Reader *r, Node *n, FeedTag tag) {
    if ((!tag.term.n && !tag.scheme.n && !tag.label.n) || n->tags.n == READER_LIST_MAX)
        return;
    for (size_t i = 0; i < n->tags.n; i++)
        if (same_tag(&n->tags.v[i], &tag))
            return;
    tag = (FeedTag){ keep(r, tag.term), keep(r, tag.scheme), keep(r, tag.label) };
    vec_push_in(r->arena, &n->tags, tag);
}

void start_category(Reader *r, Attrs attrs, const Row *row) {
    const Str *scheme = attr_find(attrs, S("scheme"));
    Str fallback = row->type ? str_c(row->type) : attr_get(attrs, S("domain"));
    node_add_tag(r, reader_context(r),
                 (FeedTag){ attr_get(attrs, S("term")), scheme ? *scheme : fallback, attr_get(attrs, S("label")) });
    reader_push(r, EL_CATEGORY, none, true);
}

void start_itunes_category(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    node_add_tag(r, reader_context(r), (FeedTag){ attr_get(attrs, S("text")), S("http://www.itunes.com/"), none });
    reader_push(r, EL_CATEGORY, none, true);
}

bool end_category(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    if (!reader_pop(r, EL_CATEGORY, none, &value) || value.n == 0)
        return true;
    Tags *tags = &reader_context(r)->tags;
    if (tags->n > 0 && tags->v[tags->n - 1].term.n == 0)
        tags->v[tags->n - 1].term = value;
    else
        node_add_tag(r, reader_context(r), (FeedTag){ .term = value });
    return true;
}

/* Words between commas. */
bool end_keywords(Reader *r, const Row *row) {
    Str value, word;
    reader_pop(r, row->element, row->name, &value);
    while (str_next(&value, ',', &word)) {
        word = text_strip(word);
        if (word.n)
            node_add_tag(r, reader_context(r), (FeedTag){ word, str_c(row->type), none });
    }
    return true;
}

bool end_tags(Reader *r, const Row *row) {
    return end_keywords(r, row);
}

/* --- links --- */

static Str href_of(Attrs attrs, bool *told) {
    const Str *names[] = { attr_find(attrs, S("url")), attr_find(attrs, S("uri")), attr_find(attrs, S("href")) };
    const Str *first = names[0] ? names[0] : names[1] ? names[1] : names[2];
    if (first && first->n == 0)
        first = names[2];
    *told = first != NULL;
    return first ? *first : none;
}

static void add_link(Reader *r, Node *n, Link link) {
    n->has_links = true;
    if (n->links.n < READER_LIST_MAX)
        vec_push_in(r->arena, &n->links, link);
}

void start_link(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    bool told;
    Node *n = reader_context(r);
    const Str *rel = attr_find(attrs, S("rel")), *type = attr_find(attrs, S("type"));
    Link link = { .rel = rel ? str_dup(r->arena, *rel) : S("alternate"), .href = href_of(attrs, &told) };
    link.type = type                          ? content_type_map(r->arena, str_dup(r->arena, *type))
                : str_eq(link.rel, S("self")) ? S("application/atom+xml")
                                              : S("text/html");
    link.length = str_dup(r->arena, attr_get(attrs, S("length")));
    if (told)
        link.href = str_dup(r->arena, uri_join(r->arena, r->base, link.href));
    if (!(r->in_item && r->in_image))
        add_link(r, n, link);
    if (!told)
        reader_push(r, EL_LINK, none, text_has_place(r));
    else if (str_eq(link.rel, S("alternate")) && content_type_is_html(link.type))
        node_set(n, EL_LINK, link.href, false);
}

void start_guid(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    const Str *permanent = attr_find(attrs, S("ispermalink"));
    r->guid_is_link = !permanent || str_eq(*permanent, S("true"));
    reader_push(r, EL_ID, none, true);
}

bool end_guid(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    reader_pop(r, EL_ID, none, &value);
    Node *n = reader_context(r);
    if (r->guid_is_link && !node_has(n, EL_LINK))
        node_set(n, EL_LINK, value, false);
    return true;
}

bool end_newlocation(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    if (reader_pop(r, EL_NEWLOCATION, none, &value) && reader_context(r) == r->feed)
        r->new_url = str_dup(r->arena, uri_join_safe(r->arena, r->base, text_strip(value)));
    return true;
}

static void add_media(Reader *r, Attrs attrs, Str url, const char *medium) {
    Node *n = reader_context(r);
    FeedMedia m = { .size = -1 };
    Str told = attr_get(attrs, S("medium")), length = attr_get(attrs, S("length"));
    if (length.n == 0)
        length = attr_get(attrs, S("filesize"));
    if (!str_to_i64(str_trim(length), &m.size) || m.size < 0)
        m.size = -1;
    m.url = str_dup(r->arena, uri_join_safe(r->arena, r->base, text_strip(url)));
    m.type = str_dup(r->arena, attr_get(attrs, S("type")));
    m.medium = told.n ? str_dup(r->arena, told) : str_c(medium);
    if (m.url.n && uri_is_safe(m.url) && n->media.n < READER_LIST_MAX)
        vec_push_in(r->arena, &n->media, m);
}

void start_enclosure(Reader *r, Attrs attrs, const Row *row) {
    bool told;
    Str href = href_of(attrs, &told);
    UNUSED(row);
    Str whole = uri_join_safe(r->arena, r->base, text_strip(href));
    add_link(r, reader_context(r), (Link){ .rel = S("enclosure"), .href = str_dup(r->arena, whole) });
    if (told)
        add_media(r, attrs, href, "enclosure");
}

void start_media_content(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    add_media(r, attrs, attr_get(attrs, S("url")), "");
}

void start_thumbnail(Reader *r, Attrs attrs, const Row *row) {
    add_media(r, attrs, attr_get(attrs, S("url")), "thumbnail");
    start_text(r, attrs, row);
}

bool end_thumbnail(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    if (reader_pop(r, EL_URL, none, &value) && value.n)
        add_media(r, (Attrs){ 0 }, value, "thumbnail");
    return true;
}

void start_itunes_image(Reader *r, Attrs attrs, const Row *row) {
    bool told;
    Str href = href_of(attrs, &told);
    if (href.n)
        reader_context(r)->image = str_dup(r->arena, uri_join_safe(r->arena, r->base, href));
    start_text(r, attrs, row);
}

void start_license(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    Str href = attr_standard(r, attrs, S("rdf:resource"));
    add_link(r, reader_context(r), (Link){ .rel = S("license"), .href = str_dup(r->arena, href) });
}

bool end_license(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    reader_pop(r, EL_LICENSE, none, &value);
    add_link(r, reader_context(r), (Link){ .rel = S("license"), .href = value });
    return true;
}

void start_resource(Reader *r, Attrs attrs, const Row *row) {
    Str value;
    reader_push(r, row->element, none, true);
    reader_put(r, attr_standard(r, attrs, S("rdf:resource")));
    reader_pop(r, row->element, none, &value);
}
