#pragma once

/* feed/reader.h - what the elements of a feed mean. Private to feed/.
 *
 * Both readers of markup (strict.c over xml.h, loose.c over sgml.h) tell a Reader of start tags, end tags and text; it
 * keeps a stack of the elements whose text is wanted, and a table (elements.c) of what each element's start and end
 * do. Dialects differ in names, not in kind, so one table serves them all. The semantics are those of Python's
 * feedparser 6, with its rules for feeds that break the rules.
 *
 * Memory: what is kept is in `arena`; `scratch` is the Reader's own and given back at every step. */

#include "feed/doctype.h"
#include "feed/feed.h"
#include "feed/sgml.h"
#include "feed/text.h"

#include "base/vec.h"

/* Elements by the name that their text is kept under. Those before EL_STORED are kept in a Node. */
typedef enum Element {
    EL_ID,
    EL_TITLE,
    EL_LINK,
    EL_SUMMARY,
    EL_SUBTITLE,
    EL_AUTHOR,
    EL_LANGUAGE,
    EL_PUBLISHED,
    EL_UPDATED,
    EL_COMMENTS,
    EL_GENERATOR,
    EL_TTL,
    EL_HREF,
    EL_ICON,
    EL_LOGO,
    EL_PUBLISHER,
    EL_STORED,
    EL_CATEGORY = EL_STORED,
    EL_CONTENT,
    EL_CONTRIBUTOR,
    EL_CREATED,
    EL_DESCRIPTION,
    EL_DOCS,
    EL_EMAIL,
    EL_ERRORREPORTS,
    EL_EXPIRED,
    EL_GEOMETRY,
    EL_IMAGE,
    EL_INFO,
    EL_ITEM,
    EL_ITUNES_IMAGE,
    EL_ITUNES_KEYWORDS,
    EL_LICENSE,
    EL_MEDIA_KEYWORDS,
    EL_MEDIA_PLAYER,
    EL_NAME,
    EL_NEWLOCATION,
    EL_POS,
    EL_RIGHTS,
    EL_SOURCE,
    EL_TAGS,
    EL_TEXTINPUT,
    EL_URL,
    EL_VALIDITY,
    EL_WFW_COMMENT,
    EL_WFW_COMMENTRSS,
    EL_WHERE,
    EL_OTHER, /* known by its name alone */
} Element;

typedef struct Person {
    Str name, email, href;
    bool told; /* of any of them, be it empty */
} Person;

typedef struct Link {
    Str rel, type, href, length;
} Link;

typedef VEC(Person) Persons;
typedef VEC(Link) Links;
typedef VEC(FeedTag) Tags;
typedef VEC(FeedMedia) Medias;

/* The feed itself, an item, a feed's image or text input, the source of an item: each may have anything. */
typedef struct Node {
    Str value[EL_STORED];
    uint32_t has; /* bit of each Element that has a value, be it empty */
    uint32_t html;
    int depth[EL_STORED]; /* of the element a value came from; 0 = none: a deeper one does not replace it */
    FeedText content;
    bool has_content;
    bool has_published, has_updated;
    Time published, updated;
    Persons authors;
    bool has_authors;
    Links links;
    bool has_links;
    Tags tags;
    Medias media;
    Str image, thumbnail;
    Str source_title, source_url;
} Node;

typedef struct Frame { /* an element whose text is collected: from `start` of Reader.text to the next frame's */
    Element element;
    bool wanted; /* its text is a value of the feed, not only a handler's */
    Str name;    /* of EL_OTHER */
    size_t start;
} Frame;

typedef struct Scope { /* of an open tag */
    Str base, lang;
    bool has_lang;
} Scope;

typedef struct Namespace {
    Str prefix; /* as the feed writes it; or the standard one */
    Str to;     /* the standard prefix; or the URI */
} Namespace;

typedef VEC(Frame) Frames;
typedef VEC(Scope) Scopes;
typedef VEC(Namespace) Namespaces;
typedef VEC(Node *) Nodes;

enum {
    READER_LIST_MAX = 1000,    /* links, tags, authors, media of one node; further ones are left out */
    READER_PREFIXES_MAX = 500, /* distinct ones; further ones stay unknown */
    READER_OPEN_MAX = 200000,  /* tags of a tolerated document that are never closed */
};

typedef struct Reader {
    Arena *arena, *scratch;
    Time now;
    size_t max_items, max_memory; /* the latter of `arena`, all that is in it counted */
    const Entities *entities;
    bool loose;
    bool cut, full; /* more items than that; too much open or written */

    FeedFormat format;
    Node *feed, *image, *textinput, *source; /* the middle two are NULL until met */
    Nodes items;
    Node *item; /* the last one; `spare` for those that are too many */
    Node *spare;
    Str new_url;
    bool channel_is_root; /* as in CDF */

    int in_feed, in_item, in_content, in_textinput, in_image, in_author, in_contributor, in_publisher, in_source;
    int svg, depth, title_depth;
    bool has_content, guid_is_link;
    Element summary_as; /* EL_OTHER, EL_SUMMARY or EL_CONTENT */

    bool content_open; /* the four below are of a text construct */
    Str type;
    bool has_type, base64;

    Str base, lang;
    bool has_lang;
    Namespaces prefixes, in_use;
    Scopes scopes;
    Frames frames;
    Buf text, work, out, mended;
    const void *row_cache[64]; /* elements.c: rows found before, by a hash of their name */
} Reader;

void reader_init(Reader *r, Arena *arena, Arena *scratch, const FeedHints *hints);
void reader_done(Reader *r);
/* Moves what was read into a Feed. */
void reader_finish(Reader *r, Feed *out);

/* --- what the readers of markup say --- */

/* prefix empty: the default namespace. */
void reader_namespace(Reader *r, Str prefix, Str uri);
/* tag in lower case, its prefix standard where it is known ("dc:date"), the document's own otherwise. */
void reader_start(Reader *r, Str tag, const SgmlAttr *attrs, size_t n);
void reader_end(Reader *r, Str tag);
/* escape: the text is written as markup wants it where markup is collected. */
void reader_text(Reader *r, Str text, bool escape);

/* The standard prefix of a namespace ("" for those of feeds themselves); false if we know none. */
bool namespace_known(Str uri, Str *prefix);

/* --- for elements.c --- */

typedef struct Attrs {
    const SgmlAttr *v;
    size_t n;
} Attrs;
/* The last of that name; NULL if there is none. */
const Str *attr_find(Attrs attrs, Str name);
static inline Str attr_get(Attrs attrs, Str name) {
    const Str *v = attr_find(attrs, name);
    return v ? *v : str_n(NULL, 0);
}
/* The same, its prefix as the feed declares it ("rdf:about"). */
Str attr_standard(const Reader *r, Attrs attrs, Str name);

Node *reader_context(Reader *r); /* where the values of the present element go */
static inline bool node_has(const Node *n, Element e) {
    return (n->has >> e) & 1;
}
void node_set(Node *n, Element e, Str value, bool html);

void reader_push(Reader *r, Element e, Str name, bool wanted);
void reader_put(Reader *r, Str text); /* to the element pushed last, in place of what it has */
/* Ends the element if it is the last one pushed; false if it is not. *out: its value, which has been stored. */
bool reader_pop(Reader *r, Element e, Str name, Str *out);

void reader_push_content(Reader *r, Element e, Attrs attrs, Str default_type, bool wanted);
bool reader_pop_content(Reader *r, Element e, Str *out);
/* "html" -> "text/html", in lower case. */
Str content_type_map(Arena *a, Str type);
bool content_type_is_html(Str mapped);

Element element_find(Str name); /* EL_OTHER if the name is none of them */
/* The start and end of an element by its full name ("dc_date"); false: nothing is known of it, or it makes no sense. */
bool element_start(Reader *r, Str name, Attrs attrs);
bool element_end(Reader *r, Str name);

void node_add_tag(Reader *r, Node *n, FeedTag tag);
