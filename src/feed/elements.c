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
    reader_push(r, row->element, row->name, row->wanted);
}

bool end_text(Reader *r, const Row *row) {
    Str value;
    reader_pop(r, row->element, row->name, &value);
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
    { STR_INIT("abstract"),                 start_construct,       end_description,    EL_DESCRIPTION, false, PLAIN },
    { STR_INIT("admin_errorreportsto"),     start_resource,        NULL,               EL_ERRORREPORTS, true, NULL },
    { STR_INIT("admin_generatoragent"),     start_resource,        NULL,               EL_GENERATOR,   true,  NULL },
    { STR_INIT("author"),                   start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { STR_INIT("body"),                     start_construct,       end_content,        EL_CONTENT,     true,  "application/xhtml+xml" },
    { STR_INIT("category"),                 start_category,        end_category,       EL_CATEGORY,    true,  NULL },
    { STR_INIT("cc_license"),               start_license,         NULL,               EL_LICENSE,     false, NULL },
    { STR_INIT("channel"),                  start_channel,         end_feed,           EL_OTHER,       false, NULL },
    { STR_INIT("cloud"),                    start_nothing,         NULL,               EL_OTHER,       false, NULL },
    { STR_INIT("content"),                  start_content,         end_content,        EL_CONTENT,     true,  PLAIN },
    { STR_INIT("content_encoded"),          start_encoded,         end_content,        EL_CONTENT,     true,  HTML },
    { STR_INIT("contributor"),              start_contributor,     end_contributor,    EL_CONTRIBUTOR, false, NULL },
    { STR_INIT("copyright"),                start_construct,       end_construct,      EL_RIGHTS,      true,  PLAIN },
    { STR_INIT("created"),                  start_text,            end_text,           EL_CREATED,     true,  NULL },
    { STR_INIT("creativeCommons_license"),  start_text,            end_license,        EL_LICENSE,     true,  NULL },
    { STR_INIT("creativecommons_license"),  start_text,            end_license,        EL_LICENSE,     true,  NULL },
    { STR_INIT("dc_author"),                start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { STR_INIT("dc_contributor"),           start_contributor,     end_dc_contributor, EL_NAME,        false, NULL },
    { STR_INIT("dc_creator"),               start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { STR_INIT("dc_date"),                  start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { STR_INIT("dc_description"),           start_description,     end_description,    EL_DESCRIPTION, false, HTML },
    { STR_INIT("dc_language"),              start_text,            end_language,       EL_LANGUAGE,    true,  NULL },
    { STR_INIT("dc_publisher"),             start_text,            end_text,           EL_PUBLISHER,   true,  NULL },
    { STR_INIT("dc_rights"),                start_construct,       end_construct,      EL_RIGHTS,      true,  PLAIN },
    { STR_INIT("dc_subject"),               start_category,        end_category,       EL_CATEGORY,    true,  NULL },
    { STR_INIT("dc_title"),                 start_construct,       end_title,          EL_TITLE,       false, PLAIN },
    { STR_INIT("dcterms_created"),          start_text,            end_text,           EL_CREATED,     true,  NULL },
    { STR_INIT("dcterms_issued"),           start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { STR_INIT("dcterms_modified"),         start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { STR_INIT("dcterms_valid"),            start_text,            end_text,           EL_VALIDITY,    true,  NULL },
    { STR_INIT("description"),              start_description,     end_description,    EL_DESCRIPTION, false, HTML },
    { STR_INIT("email"),                    start_text,            end_email,          EL_EMAIL,       false, NULL },
    { STR_INIT("enclosure"),                start_enclosure,       NULL,               EL_OTHER,       false, NULL },
    { STR_INIT("entry"),                    start_item,            end_item,           EL_ITEM,        false, NULL },
    { STR_INIT("expirationdate"),           start_text,            end_text,           EL_EXPIRED,     true,  NULL },
    { STR_INIT("feed"),                     start_feed,            end_feed,           EL_OTHER,       false, NULL },
    { STR_INIT("feedburner_browserfriendly"), start_construct,     end_construct,      EL_INFO,        true,  PLAIN },
    { STR_INIT("fullitem"),                 start_encoded,         end_content,        EL_CONTENT,     true,  HTML },
    { STR_INIT("generator"),                start_text,            end_text,           EL_GENERATOR,   true,  NULL },
    { STR_INIT("georss_box"),               start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("georss_line"),              start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("georss_point"),             start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("georss_polygon"),           start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("georss_where"),             start_text,            end_text,           EL_WHERE,       false, NULL },
    { STR_INIT("gml_exterior"),             start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("gml_linearring"),           start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("gml_linestring"),           start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("gml_point"),                start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("gml_polygon"),              start_text,            end_text,           EL_GEOMETRY,    false, NULL },
    { STR_INIT("gml_pos"),                  start_text,            end_text,           EL_POS,         false, NULL },
    { STR_INIT("gml_poslist"),              start_text,            end_text,           EL_POS,         false, NULL },
    { STR_INIT("guid"),                     start_guid,            end_guid,           EL_ID,          true,  NULL },
    { STR_INIT("height"),                   start_text,            end_text,           EL_OTHER,       false, NULL },
    { STR_INIT("homepage"),                 start_text,            end_url,            EL_HREF,        true,  NULL },
    { STR_INIT("id"),                       start_guid,            end_guid,           EL_ID,          true,  NULL },
    { STR_INIT("image"),                    start_image,           end_image,          EL_IMAGE,       false, NULL },
    { STR_INIT("info"),                     start_construct,       end_construct,      EL_INFO,        true,  PLAIN },
    { STR_INIT("issued"),                   start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { STR_INIT("item"),                     start_item,            end_item,           EL_ITEM,        false, NULL },
    { STR_INIT("itunes_author"),            start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { STR_INIT("itunes_category"),          start_itunes_category, end_category,       EL_CATEGORY,    true,  NULL },
    { STR_INIT("itunes_email"),             start_text,            end_email,          EL_EMAIL,       false, NULL },
    { STR_INIT("itunes_image"),             start_itunes_image,    NULL,               EL_ITUNES_IMAGE, false, NULL },
    { STR_INIT("itunes_keywords"),          NULL,                  end_keywords,       EL_ITUNES_KEYWORDS, true, ITUNES },
    { STR_INIT("itunes_link"),              start_itunes_image,    NULL,               EL_ITUNES_IMAGE, false, NULL },
    { STR_INIT("itunes_name"),              start_text,            end_name,           EL_NAME,        false, NULL },
    { STR_INIT("itunes_owner"),             start_owner,           end_owner,          EL_PUBLISHER,   false, NULL },
    { STR_INIT("itunes_subtitle"),          start_construct,       end_construct,      EL_SUBTITLE,    true,  PLAIN },
    { STR_INIT("itunes_summary"),           start_description,     end_description,    EL_SUMMARY,     true,  PLAIN },
    { STR_INIT("keywords"),                 start_category,        end_category,       EL_CATEGORY,    true,  NULL },
    { STR_INIT("language"),                 start_text,            end_language,       EL_LANGUAGE,    true,  NULL },
    { STR_INIT("lastbuilddate"),            start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { STR_INIT("link"),                     start_link,            end_text,           EL_LINK,        true,  NULL },
    { STR_INIT("managingeditor"),           start_author,          end_author,         EL_AUTHOR,      true,  NULL },
    { STR_INIT("media_category"),           start_category,        end_category,       EL_CATEGORY,    true,  MRSS },
    { STR_INIT("media_content"),            start_media_content,   NULL,               EL_OTHER,       false, NULL },
    { STR_INIT("media_credit"),             start_text,            end_text,           EL_OTHER,       false, NULL },
    { STR_INIT("media_description"),        start_description,     end_description,    EL_DESCRIPTION, false, HTML },
    { STR_INIT("media_group"),              start_nothing,         NULL,               EL_OTHER,       false, NULL },
    { STR_INIT("media_keywords"),           NULL,                  end_keywords,       EL_MEDIA_KEYWORDS, true, NULL },
    { STR_INIT("media_license"),            start_text,            end_text,           EL_OTHER,       false, NULL },
    { STR_INIT("media_player"),             start_text,            end_text,           EL_MEDIA_PLAYER, false, NULL },
    { STR_INIT("media_rating"),             start_text,            end_text,           EL_OTHER,       false, NULL },
    { STR_INIT("media_restriction"),        start_text,            end_text,           EL_OTHER,       false, NULL },
    { STR_INIT("media_thumbnail"),          start_thumbnail,       end_thumbnail,      EL_URL,         true,  NULL },
    { STR_INIT("media_title"),              start_construct,       end_media_title,    EL_TITLE,       false, PLAIN },
    { STR_INIT("modified"),                 start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { STR_INIT("name"),                     start_text,            end_name,           EL_NAME,        false, NULL },
    { STR_INIT("newlocation"),              start_text,            end_newlocation,    EL_NEWLOCATION, true,  NULL },
    { STR_INIT("psc_chapter"),              start_nothing,         NULL,               EL_OTHER,       false, NULL },
    { STR_INIT("psc_chapters"),             start_nothing,         end_nothing,        EL_OTHER,       false, NULL },
    { STR_INIT("pubdate"),                  start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { STR_INIT("published"),                start_text,            end_published,      EL_PUBLISHED,   true,  NULL },
    { STR_INIT("rights"),                   start_construct,       end_construct,      EL_RIGHTS,      true,  PLAIN },
    { STR_INIT("rss"),                      start_rss,             NULL,               EL_OTHER,       false, NULL },
    { STR_INIT("source"),                   start_source,          end_source,         EL_SOURCE,      true,  NULL },
    { STR_INIT("subtitle"),                 start_construct,       end_construct,      EL_SUBTITLE,    true,  PLAIN },
    { STR_INIT("summary"),                  start_description,     end_description,    EL_SUMMARY,     true,  PLAIN },
    { STR_INIT("tagline"),                  start_construct,       end_construct,      EL_SUBTITLE,    true,  PLAIN },
    { STR_INIT("tags"),                     start_text,            end_tags,           EL_TAGS,        true,  NULL },
    { STR_INIT("textinput"),                start_textinput,       end_textinput,      EL_TEXTINPUT,   false, NULL },
    { STR_INIT("title"),                    start_construct,       end_title,          EL_TITLE,       false, PLAIN },
    { STR_INIT("updated"),                  start_text,            end_updated,        EL_UPDATED,     true,  NULL },
    { STR_INIT("uri"),                      start_text,            end_url,            EL_HREF,        true,  NULL },
    { STR_INIT("url"),                      start_text,            end_url,            EL_HREF,        true,  NULL },
    { STR_INIT("webmaster"),                start_text,            end_text,           EL_PUBLISHER,   true,  NULL },
    { STR_INIT("where"),                    start_text,            end_text,           EL_WHERE,       false, NULL },
    { STR_INIT("width"),                    start_text,            end_text,           EL_OTHER,       false, NULL },
    { STR_INIT("xhtml_body"),               start_construct,       end_content,        EL_CONTENT,     true,  "application/xhtml+xml" },
};

/* Names that text is kept under, for elements without a row of that name. */
static const struct {
    Str name;
    Element element;
} kept_names[] = {
    { STR_INIT("author"), EL_AUTHOR },         { STR_INIT("category"), EL_CATEGORY },   { STR_INIT("comments"), EL_COMMENTS },
    { STR_INIT("content"), EL_CONTENT },       { STR_INIT("contributor"), EL_CONTRIBUTOR }, { STR_INIT("created"), EL_CREATED },
    { STR_INIT("description"), EL_DESCRIPTION }, { STR_INIT("docs"), EL_DOCS },         { STR_INIT("email"), EL_EMAIL },
    { STR_INIT("errorreportsto"), EL_ERRORREPORTS }, { STR_INIT("expired"), EL_EXPIRED }, { STR_INIT("generator"), EL_GENERATOR },
    { STR_INIT("geometry"), EL_GEOMETRY },     { STR_INIT("href"), EL_HREF },           { STR_INIT("icon"), EL_ICON },
    { STR_INIT("id"), EL_ID },                 { STR_INIT("image"), EL_IMAGE },         { STR_INIT("info"), EL_INFO },
    { STR_INIT("item"), EL_ITEM },             { STR_INIT("itunes_image"), EL_ITUNES_IMAGE },
    { STR_INIT("itunes_keywords"), EL_ITUNES_KEYWORDS },                      { STR_INIT("language"), EL_LANGUAGE },
    { STR_INIT("license"), EL_LICENSE },       { STR_INIT("link"), EL_LINK },           { STR_INIT("logo"), EL_LOGO },
    { STR_INIT("media_keywords"), EL_MEDIA_KEYWORDS },                        { STR_INIT("media_player"), EL_MEDIA_PLAYER },
    { STR_INIT("name"), EL_NAME },             { STR_INIT("newlocation"), EL_NEWLOCATION }, { STR_INIT("pos"), EL_POS },
    { STR_INIT("published"), EL_PUBLISHED },   { STR_INIT("publisher"), EL_PUBLISHER }, { STR_INIT("rights"), EL_RIGHTS },
    { STR_INIT("source"), EL_SOURCE },         { STR_INIT("subtitle"), EL_SUBTITLE },   { STR_INIT("summary"), EL_SUMMARY },
    { STR_INIT("tags"), EL_TAGS },             { STR_INIT("textinput"), EL_TEXTINPUT }, { STR_INIT("title"), EL_TITLE },
    { STR_INIT("ttl"), EL_TTL },               { STR_INIT("updated"), EL_UPDATED },     { STR_INIT("url"), EL_URL },
    { STR_INIT("validity"), EL_VALIDITY },     { STR_INIT("wfw_comment"), EL_WFW_COMMENT },
    { STR_INIT("wfw_commentrss"), EL_WFW_COMMENTRSS },                        { STR_INIT("where"), EL_WHERE },
};
/* clang-format on */

Element element_find(Str name) {
    for (size_t i = 0; i < ARRAY_LEN(kept_names); i++)
        if (str_eq(kept_names[i].name, name))
            return kept_names[i].element;
    return EL_OTHER;
}

static const Row *search_row(Str name) {
    size_t lo = 0, hi = ARRAY_LEN(rows);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = str_cmp(rows[mid].name, name);
        if (order == 0)
            return &rows[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* A feed has few names, each of them very often. */
static const Row *find_row(Reader *r, Str name) {
    if (name.n == 0)
        return NULL;
    size_t slot =
        ((unsigned char)name.p[0] + 7u * (unsigned char)name.p[name.n - 1] + 31u * name.n) % ARRAY_LEN(r->row_cache);
    const Row *row = r->row_cache[slot];
    if (row && str_eq(row->name, name))
        return row;
    row = search_row(name);
    if (row)
        r->row_cache[slot] = row;
    return row;
}

bool element_start(Reader *r, Str name, Attrs attrs) {
    const Row *row = find_row(r, name);
    if (!row || !row->start)
        return false;
    row->start(r, attrs, row);
    return true;
}

bool element_end(Reader *r, Str name) {
    const Row *row = find_row(r, name);
    return row && row->end && row->end(r, row);
}
