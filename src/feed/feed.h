#pragma once

/* feed/feed.h - syndicated feeds: bytes in, items out.
 *
 * Reads RSS 0.90 to 2.0 and RSS 1.0 (RDF), Atom 0.3 and 1.0, CDF and JSON Feed 1 and 1.1, with the modules that
 * news carry (Dublin Core, content, media, itunes…). What is not well-formed XML is read again by a tolerant reader
 * and marked `malformed`: a person would still see the items. Pure: bytes come from the caller, nothing is fetched,
 * external entities are never resolved, internal ones only as far as they are plain text.
 *
 * Meaning of the fields: docs/feeds.md; they are those of Python's feedparser, which is the yardstick (NWS-09).
 * Memory: everything in `arena`; nothing borrows from the bytes given. Bounded: depth, items, expansion (FeedBounds).
 * Threads: any. */

#include "base/ctx.h"

typedef enum FeedFormat {
    FEED_UNKNOWN, /* nothing in it says that it is a feed; an HTML page for example */
    FEED_RSS,     /* of no version we know */
    FEED_RSS_090,
    FEED_RSS_091N, /* Netscape's */
    FEED_RSS_091U, /* Userland's */
    FEED_RSS_092,
    FEED_RSS_093,
    FEED_RSS_094,
    FEED_RSS_10,
    FEED_RSS_20,
    FEED_ATOM, /* of no version we know */
    FEED_ATOM_01,
    FEED_ATOM_02,
    FEED_ATOM_03,
    FEED_ATOM_10,
    FEED_CDF,
    FEED_JSON_1,
    FEED_JSON_11,
    FEED_FORMATS,
} FeedFormat;

/* "rss20", "atom10", "json11"…; "" for FEED_UNKNOWN. */
const char *feed_format_name(FeedFormat format);

/* A text construct. `value` is safe to show: markup of `html` values has passed the sanitiser (html.h) and its
 * links are absolute. */
typedef struct FeedText {
    Str value; /* empty: absent */
    bool html; /* value is HTML; otherwise literal text */
} FeedText;

/* The words alone: tags out, scripts and styles with what is in them, entities resolved, white space folded. */
Str feed_text_plain(Arena *arena, FeedText text);

typedef struct FeedMedia {
    Str url;
    Str type;     /* "image/jpeg"; empty if not told */
    Str medium;   /* "image", "video"… of media:content; "thumbnail", "enclosure" otherwise */
    int64_t size; /* bytes as told, which is often a lie; -1 if not */
} FeedMedia;

typedef struct FeedTag {
    Str term, scheme, label; /* p NULL: not told, as opposed to empty */
} FeedTag;

typedef struct FeedItem {
    Str id;         /* guid, atom:id, rdf:about; empty when the item has none */
    Str url;        /* where to read it; absolute when the feed told enough to make it so */
    FeedText title; /* one line of text, or a little HTML */
    FeedText summary;
    FeedText content; /* the first whole text; the summary is the same value when the item has but one text */
    Str author;       /* the last one's name, "name (address)" if both are told */
    Str *authors;     /* each one's name or, without a name, address */
    size_t n_authors;
    FeedTag *tags;
    size_t n_tags;
    FeedMedia *media; /* enclosures, media:content, media:thumbnail; in the order of the document */
    size_t n_media;
    Str image;                    /* a picture that stands for the item; empty if none */
    Str comments;                 /* URL */
    Str language;                 /* of the item's text where it differs from the feed's; empty if not told */
    Str source_title, source_url; /* of the feed it was taken from (RSS source, atom:source) */
    bool has_published, has_updated;
    Time published, updated;          /* set only where has_… says so */
    Str published_text, updated_text; /* as written */
} FeedItem;

typedef struct Feed {
    FeedFormat format;
    bool malformed;  /* not well-formed, or in another encoding than declared */
    const char *why; /* static words for it; NULL when not malformed */
    Str encoding;    /* what the bytes were read as: "utf-8", "windows-1252"… */
    FeedText title, subtitle;
    Str url; /* of the site */
    Str id, author, language, image, generator;
    bool has_updated;
    Time updated;
    int ttl_minutes; /* 0 if not told */
    Str new_url;     /* the feed says that it has moved; empty if not */
    FeedItem *items;
    size_t n_items;
    bool cut; /* there were more items than the limit */
} Feed;

typedef struct FeedBounds {
    size_t bytes;  /* of the document, decoded to UTF-8 */
    size_t items;  /* further ones are left out and `cut` is set */
    int depth;     /* of elements; deeper ones are read as text of their parent */
    size_t memory; /* the arena may grow by; past it ERR_TOO_LARGE */
} FeedBounds;
#define FEED_BOUNDS_STANDARD ((FeedBounds){ .bytes = 32 << 20, .items = 20000, .depth = 512, .memory = 256 << 20 })

/* What is known besides the bytes. All-zero is fine. */
typedef struct FeedHints {
    Str url;              /* where it was read; base of relative links */
    Str content_type;     /* HTTP header, with its charset parameter */
    Str content_location; /* HTTP header */
    Str content_language; /* HTTP header */
    bool has_http;        /* headers are those of a real answer: without it the encoding is the document's to tell */
    Time now;             /* for dates that leave out the year or century */
    FeedBounds limits;    /* all-zero: FEED_BOUNDS_STANDARD */
} FeedHints;

/* 0 also for what is no feed (format FEED_UNKNOWN, usually without items): it is the caller who knows whether that is
 * an error. ERR_TOO_LARGE past a limit. hints may be NULL. */
int feed_parse(Arena *arena, Str bytes, const FeedHints *hints, Feed *out);

/* The dates of feeds: RFC 822 and 2822 with their usual mistakes, W3CDTF and ISO 8601 in all its short forms, asctime,
 * Perforce's, and those of Greek, Hungarian and Korean programs. False when it is none of them. `now` gives what a
 * form leaves out. */
bool feed_date_parse(Str text, Time now, Time *out);
