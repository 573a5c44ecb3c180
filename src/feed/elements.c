/* feed/elements.c - what each element of a feed does: one table for all dialects.
 *
 * A row names the element in full ("dc_date"), what happens at its start and at its end, and what its text is kept
 * as. An end that a row does not have takes the element's own name off the stack, which is also what happens to
 * elements without a row. */

#include "feed/elements.h"

static const Str none;

/* --- rows that only keep text --- */

void start_text(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(attrs);
    reader_push(r, row->element, str_c(row->name), row->wanted);
}

bool end_text(Reader *r, const Row *row) {
    Str value;
    reader_pop(r, row->element, str_c(row->name), &value);
    return true;
}

static void start_nothing(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(r);
    UNUSED(attrs);
    UNUSED(row);
}

static bool end_nothing(Reader *r, const Row *row) {
    UNUSED(r);
    UNUSED(row);
    return true;
}

bool text_has_place(const Reader *r) {
    return r->in_feed || r->in_item || r->in_source;
}

static void start_construct(Reader *r, Attrs attrs, const Row *row) {
    reader_push_content(r, row->element, attrs, str_c(row->type), row->wanted || text_has_place(r));
}

static bool end_construct(Reader *r, const Row *row) {
    Str value;
    reader_pop_content(r, row->element, &value);
    return true;
}

/* --- formats, feed and item --- */

static void start_rss(Reader *r, Attrs attrs, const Row *row) {
    static const struct {
        const char *version;
        FeedFormat format;
    } versions[] = {
        { "0.91", FEED_RSS_091U }, { "0.92", FEED_RSS_092 }, { "0.93", FEED_RSS_093 }, { "0.94", FEED_RSS_094 }
    };
    Str version = attr_get(attrs, S("version"));
    UNUSED(row);
    if (r->format >= FEED_RSS && r->format <= FEED_RSS_20)
        return;
    r->format = str_starts(version, S("2.")) ? FEED_RSS_20 : FEED_RSS;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (str_eq(version, str_c(versions[i].version)))
            r->format = versions[i].format;
}

/* CDF has its date and link as attributes. */
static void read_cdf(Reader *r, Attrs attrs) {
    const Str *date = attr_find(attrs, S("lastmod")), *href = attr_find(attrs, S("href"));
    Str value;
    if (date) {
        reader_push(r, EL_UPDATED, none, true);
        reader_put(r, *date);
        end_updated(r, NULL);
    }
    if (href) {
        start_link(r, (Attrs){ 0 }, NULL);
        reader_put(r, *href);
        reader_pop(r, EL_LINK, none, &value);
    }
}

static void start_channel(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    r->in_feed = 1;
    r->channel_is_root |= r->depth == 1;
    read_cdf(r, attrs);
}

static void start_feed(Reader *r, Attrs attrs, const Row *row) {
    Str version = attr_get(attrs, S("version"));
    UNUSED(row);
    r->in_feed = 1;
    if (r->format != FEED_UNKNOWN)
        return;
    r->format = str_eq(version, S("0.1"))   ? FEED_ATOM_01
                : str_eq(version, S("0.2")) ? FEED_ATOM_02
                : str_eq(version, S("0.3")) ? FEED_ATOM_03
                                            : FEED_ATOM;
}

static bool end_feed(Reader *r, const Row *row) {
    UNUSED(row);
    r->in_feed = 0;
    return true;
}

static void start_item(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    if (r->items.n < r->max_items) {
        r->item = arena_new(r->arena, Node);
        vec_push(&r->items, r->item);
    } else {
        *r->spare = (Node){ 0 };
        r->item = r->spare;
        r->cut = true;
    }
    reader_push(r, EL_ITEM, none, false);
    r->in_item = 1;
    r->guid_is_link = false;
    r->title_depth = -1;
    Str about = attr_standard(r, attrs, S("rdf:about"));
    if (about.n)
        node_set(reader_context(r), EL_ID, str_dup(r->arena, about), false);
    read_cdf(r, attrs);
}

static bool end_item(Reader *r, const Row *row) {
    end_text(r, row);
    r->in_item = 0;
    r->has_content = false;
    return true;
}

static void start_image(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(attrs);
    UNUSED(row);
    if (!r->in_item && !r->in_source && !r->image)
        r->image = arena_new(r->arena, Node);
    r->in_image = 1;
    r->title_depth = -1;
    reader_push(r, EL_IMAGE, none, false);
}

static bool end_image(Reader *r, const Row *row) {
    end_text(r, row);
    r->in_image = 0;
    return true;
}

static void start_textinput(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(attrs);
    UNUSED(row);
    if (!r->textinput)
        r->textinput = arena_new(r->arena, Node);
    r->in_textinput = 1;
    r->title_depth = -1;
    reader_push(r, EL_TEXTINPUT, none, false);
}

static bool end_textinput(Reader *r, const Row *row) {
    end_text(r, row);
    r->in_textinput = 0;
    return true;
}

static void start_source(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    const Str *url = attr_find(attrs, S("url"));
    if (url)
        r->source->source_url = str_dup(r->arena, *url);
    reader_push(r, EL_SOURCE, none, true);
    r->in_source = 1;
    r->title_depth = -1;
}

static bool end_source(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    r->in_source = 0;
    reader_pop(r, EL_SOURCE, none, &value);
    Node *n = reader_context(r), *s = r->source;
    n->source_title = value.n ? value : s->value[EL_TITLE];
    n->source_url = s->source_url.n ? s->source_url : s->value[EL_LINK];
    *s = (Node){ 0 };
    return true;
}

static bool end_language(Reader *r, const Row *row) {
    UNUSED(row);
    r->has_lang = reader_pop(r, EL_LANGUAGE, none, &r->lang) && r->lang.n > 0;
    return true;
}

/* --- texts --- */

static bool end_title(Reader *r, const Row *row) {
    Str value;
    UNUSED(row);
    if (r->svg)
        return true;
    if (reader_pop_content(r, EL_TITLE, &value) && value.n)
        r->title_depth = r->depth;
    return true;
}

static bool end_media_title(Reader *r, const Row *row) {
    int depth = r->title_depth;
    end_title(r, row);
    r->title_depth = depth;
    return true;
}

static void start_content(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    r->has_content = true;
    reader_push_content(r, EL_CONTENT, attrs, S("text/plain"), true);
    reader_push(r, EL_CONTENT, none, true);
}

static bool end_content(Reader *r, const Row *row) {
    UNUSED(row);
    if (!r->has_type)
        return false;
    Str value;
    bool readable = str_eq(r->type, S("text/plain")) || content_type_is_html(r->type);
    reader_pop(r, EL_CONTENT, none, &value);
    bool html = content_type_is_html(r->type); /* plain text may have turned out to be HTML */
    r->in_content--;
    r->has_type = r->base64 = false;
    Node *n = reader_context(r);
    if (readable && !node_has(n, EL_SUMMARY))
        node_set(n, EL_SUMMARY, value, html);
    return true;
}

static void start_encoded(Reader *r, Attrs attrs, const Row *row) {
    UNUSED(row);
    r->has_content = true;
    reader_push_content(r, EL_CONTENT, attrs, S("text/html"), true);
}

/* A second text is the content, whatever it calls itself. */
static void start_description(Reader *r, Attrs attrs, const Row *row) {
    bool second = node_has(reader_context(r), EL_SUMMARY) && !r->has_content;
    r->summary_as = second ? EL_CONTENT : row->element == EL_SUMMARY ? EL_SUMMARY : r->summary_as;
    if (second)
        start_content(r, attrs, row);
    else
        start_construct(r, attrs, row);
}

static bool end_description(Reader *r, const Row *row) {
    Str value;
    bool second = r->summary_as == EL_CONTENT, ok = true;
    if (second)
        ok = end_content(r, row);
    else
        reader_pop_content(r, row->element, &value);
    if (ok)
        r->summary_as = EL_OTHER;
    return ok;
}

/* --- the table --- */

#define ITUNES "http://www.itunes.com/"
#define MRSS   "http://search.yahoo.com/mrss/category_schema"
#define HTML   "text/html"
#define PLAIN  "text/plain"

/* clang-format off */
static const Row rows[] = { /* sorted by name */
    { "abstract",                 start_construct,       end_description,    EL_DESCRIPTION, false, PLAIN },
    { "admin_errorreportsto",     start_resource,        NULL,               EL_ERRORREPORTS, true, NULL },
    { "admin_generatoragent",     start_resource,        NULL,               EL_GENERATOR,   true,  NULL },
    { "author",                   start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { "body",                     start_construct,       end_content,        EL_CONTENT,     true,  "application/xhtml+xml" },
    { "category",                 start_category,        end_category,       EL_CATEGORY,    true,  NULL },
    { "cc_license",               start_license,         NULL,               EL_LICENSE,     false, NULL },
    { "channel",                  start_channel,         end_feed,           EL_OTHER,       false, NULL },
    { "cloud",                    start_nothing,         NULL,               EL_OTHER,       false, NULL },
    { "content",                  start_content,         end_content,        EL_CONTENT,     true,  PLAIN },
    { "content_encoded",          start_encoded,         end_content,        EL_CONTENT,     true,  HTML },
    { "contributor",              start_contributor,     end_contributor,    EL_CONTRIBUTOR, false, NULL },
    { "copyright",                start_construct,       end_construct,      EL_RIGHTS,      true,  PLAIN },
    { "created",                  start_text,            end_text,           EL_CREATED,     true,  NULL },
    { "creativeCommons_license",  start_text,            end_license,        EL_LICENSE,     true,  NULL },
    { "creativecommons_license",  start_text,            end_license,        EL_LICENSE,     true,  NULL },
    { "dc_author",                start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { "dc_contributor",           start_contributor,     end_dc_contributor, EL_NAME,        false, NULL },
    { "dc_creator",               start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { "dc_date",                  start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { "dc_description",           start_description,     end_description,    EL_DESCRIPTION, false, HTML },
    { "dc_language",              start_text,            end_language,       EL_LANGUAGE,    true,  NULL },
    { "dc_publisher",             start_text,            end_text,           EL_PUBLISHER,   true,  NULL },
    { "dc_rights",                start_construct,       end_construct,      EL_RIGHTS,      true,  PLAIN },
    { "dc_subject",               start_category,        end_category,       EL_CATEGORY,    true,  NULL },
    { "dc_title",                 start_construct,       end_title,          EL_TITLE,       false, PLAIN },
    { "dcterms_created",          start_text,            end_text,           EL_CREATED,     true,  NULL },
    { "dcterms_issued",           start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { "dcterms_modified",         start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { "dcterms_valid",            start_text,            end_text,           EL_VALIDITY,    true,  NULL },
    { "description",              start_description,     end_description,    EL_DESCRIPTION, false, HTML },
    { "email",                    start_text,            end_email,          EL_EMAIL,       false, NULL },
    { "enclosure",                start_enclosure,       NULL,               EL_OTHER,       false, NULL },
    { "entry",                    start_item,            end_item,           EL_ITEM,        false, NULL },
    { "expirationdate",           start_text,            end_text,           EL_EXPIRED,     true,  NULL },
    { "feed",                     start_feed,            end_feed,           EL_OTHER,       false, NULL },
    { "feedburner_browserfriendly", start_construct,     end_construct,      EL_INFO,        true,  PLAIN },
    { "fullitem",                 start_encoded,         end_content,        EL_CONTENT,     true,  HTML },
    { "generator",                start_text,            end_text,           EL_GENERATOR,   true,  NULL },
    { "georss_box",               start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "georss_line",              start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "georss_point",             start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "georss_polygon",           start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "georss_where",             start_text,            end_text,           EL_WHERE,       false, NULL },
    { "gml_exterior",             start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "gml_linearring",           start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "gml_linestring",           start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "gml_point",                start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "gml_polygon",              start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { "gml_pos",                  start_text,            end_text,           EL_POS,         false, NULL },
    { "gml_poslist",              start_text,            end_text,           EL_POS,         false, NULL },
    { "guid",                     start_guid,            end_guid,           EL_ID,          true,  NULL },
    { "height",                   start_text,            end_text,           EL_OTHER,       false, NULL },
    { "homepage",                 start_text,            end_url,            EL_HREF,        true,  NULL },
    { "id",                       start_guid,            end_guid,           EL_ID,          true,  NULL },
    { "image",                    start_image,           end_image,          EL_IMAGE,       false, NULL },
    { "info",                     start_construct,       end_construct,      EL_INFO,        true,  PLAIN },
    { "issued",                   start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { "item",                     start_item,            end_item,           EL_ITEM,        false, NULL },
    { "itunes_author",            start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { "itunes_category",          start_itunes_category, end_category,       EL_CATEGORY,    true,  NULL },
    { "itunes_email",             start_text,            end_email,          EL_EMAIL,       false, NULL },
    { "itunes_image",             start_itunes_image,    NULL,               EL_ITUNES_IMAGE, false, NULL },
    { "itunes_keywords",          NULL,                  end_keywords,       EL_ITUNES_KEYWORDS, true, ITUNES },
    { "itunes_link",              start_itunes_image,    NULL,               EL_ITUNES_IMAGE, false, NULL },
    { "itunes_name",              start_text,            end_name,           EL_NAME,        false, NULL },
    { "itunes_owner",             start_owner,           end_owner,          EL_PUBLISHER,   false, NULL },
    { "itunes_subtitle",          start_construct,       end_construct,      EL_SUBTITLE,    true,  PLAIN },
    { "itunes_summary",           start_description,     end_description,    EL_SUMMARY,     true,  PLAIN },
    { "keywords",                 start_category,        end_category,       EL_CATEGORY,    true,  NULL },
    { "language",                 start_text,            end_language,       EL_LANGUAGE,    true,  NULL },
    { "lastbuilddate",            start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { "link",                     start_link,            end_text,           EL_LINK,        true,  NULL },
    { "managingeditor",           start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { "media_category",           start_category,        end_category,       EL_CATEGORY,    true,  MRSS },
    { "media_content",            start_media_content,   NULL,               EL_OTHER,       false, NULL },
    { "media_credit",             start_text,            end_text,           EL_OTHER,       false, NULL },
    { "media_description",        start_description,     end_description,    EL_DESCRIPTION, false, HTML },
    { "media_group",              start_nothing,         NULL,               EL_OTHER,       false, NULL },
    { "media_keywords",           NULL,                  end_keywords,       EL_MEDIA_KEYWORDS, true, NULL },
    { "media_license",            start_text,            end_text,           EL_OTHER,       false, NULL },
    { "media_player",             start_text,            end_text,           EL_MEDIA_PLAYER, false, NULL },
    { "media_rating",             start_text,            end_text,           EL_OTHER,       false, NULL },
    { "media_restriction",        start_text,            end_text,           EL_OTHER,       false, NULL },
    { "media_thumbnail",          start_thumbnail,       end_thumbnail,      EL_URL,         true,  NULL },
    { "media_title",              start_construct,       end_media_title,    EL_TITLE,       false, PLAIN },
    { "modified",                 start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { "name",                     start_text,            end_name,           EL_NAME,        false, NULL },
    { "newlocation",              start_text,            end_newlocation,    EL_NEWLOCATION, true,  NULL },
    { "psc_chapter",              start_nothing,         NULL,               EL_OTHER,       false, NULL },
    { "psc_chapters",             start_nothing,         end_nothing,        EL_OTHER,       false, NULL },
    { "pubdate",                  start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { "published",                start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { "rights",                   start_construct,       end_construct,      EL_RIGHTS,      true,  PLAIN },
    { "rss",                      start_rss,             NULL,               EL_OTHER,       false, NULL },
    { "source",                   start_source,          end_source,         EL_SOURCE,      true,  NULL },
    { "subtitle",                 start_construct,       end_construct,      EL_SUBTITLE,    true,  PLAIN },
    { "summary",                  start_description,     end_description,    EL_SUMMARY,     true,  PLAIN },
    { "tagline",                  start_construct,       end_construct,      EL_SUBTITLE,    true,  PLAIN },
    { "tags",                     start_text,            end_tags,           EL_TAGS,        true,  NULL },
    { "textinput",                start_textinput,       end_textinput,      EL_TEXTINPUT,   false, NULL },
    { "title",                    start_construct,       end_title,          EL_TITLE,       false, PLAIN },
    { "updated",                  start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { "uri",                      start_text,            end_url,            EL_HREF,        true,  NULL },
    { "url",                      start_text,            end_url,            EL_HREF,        true,  NULL },
    { "webmaster",                start_text,            end_text,           EL_PUBLISHER,   true,  NULL },
    { "where",                    start_text,            end_text,           EL_WHERE,       false, NULL },
    { "width",                    start_text,            end_text,           EL_OTHER,       false, NULL },
    { "xhtml_body",               start_construct,       end_content,        EL_CONTENT,     true,  "application/xhtml+xml" },
};

/* Names that text is kept under, for elements without a row of that name. */
static const struct {
    const char *name;
    Element element;
} kept_names[] = {
    { "author", EL_AUTHOR },         { "category", EL_CATEGORY },   { "comments", EL_COMMENTS },
    { "content", EL_CONTENT },       { "contributor", EL_CONTRIBUTOR }, { "created", EL_CREATED },
    { "description", EL_DESCRIPTION }, { "docs", EL_DOCS },         { "email", EL_EMAIL },
    { "errorreportsto", EL_ERRORREPORTS }, { "expired", EL_EXPIRED }, { "generator", EL_GENERATOR },
    { "geometry", EL_GEOMETRY },     { "href", EL_HREF },           { "icon", EL_ICON },
    { "id", EL_ID },                 { "image", EL_IMAGE },         { "info", EL_INFO },
    { "item", EL_ITEM },             { "itunes_image", EL_ITUNES_IMAGE },
    { "itunes_keywords", EL_ITUNES_KEYWORDS },                      { "language", EL_LANGUAGE },
    { "license", EL_LICENSE },       { "link", EL_LINK },           { "logo", EL_LOGO },
    { "media_keywords", EL_MEDIA_KEYWORDS },                        { "media_player", EL_MEDIA_PLAYER },
    { "name", EL_NAME },             { "newlocation", EL_NEWLOCATION }, { "pos", EL_POS },
    { "published", EL_PUBLISHED },   { "publisher", EL_PUBLISHER }, { "rights", EL_RIGHTS },
    { "source", EL_SOURCE },         { "subtitle", EL_SUBTITLE },   { "summary", EL_SUMMARY },
    { "tags", EL_TAGS },             { "textinput", EL_TEXTINPUT }, { "title", EL_TITLE },
    { "ttl", EL_TTL },               { "updated", EL_UPDATED },     { "url", EL_URL },
    { "validity", EL_VALIDITY },     { "wfw_comment", EL_WFW_COMMENT },
    { "wfw_commentrss", EL_WFW_COMMENTRSS },                        { "where", EL_WHERE },
};
/* clang-format on */

Element element_find(Str name) {
    for (size_t i = 0; i < ARRAY_LEN(kept_names); i++)
        if (kept_names[i].name[0] == name.p[0] && str_eq(str_c(kept_names[i].name), name))
            return kept_names[i].element;
    return EL_OTHER;
}

static const Row *find_row(Str name) {
    size_t lo = 0, hi = ARRAY_LEN(rows);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = str_cmp(str_c(rows[mid].name), name);
        if (order == 0)
            return &rows[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool element_start(Reader *r, Str name, Attrs attrs) {
    const Row *row = find_row(name);
    if (!row || !row->start)
        return false;
    row->start(r, attrs, row);
    return true;
}

bool element_end(Reader *r, Str name) {
    const Row *row = find_row(name);
    return row && row->end && row->end(r, row);
}
