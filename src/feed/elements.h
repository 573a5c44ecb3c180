#pragma once

/* feed/elements.h - the table's row, and the starts and ends that are not in the table's own file. Private to feed/. */

#include "feed/reader.h"

typedef struct Row Row;
struct Row {
    Str name;
    void (*start)(Reader *r, Attrs attrs, const Row *row);
    bool (*end)(Reader *r, const Row *row); /* false: an end that nothing began */
    Element element;
    bool wanted;
    const char *type; /* of a text construct that does not say */
};

/* Elements that only keep their text. */
void start_text(Reader *r, Attrs attrs, const Row *row);
bool end_text(Reader *r, const Row *row);
/* Whether a text here belongs to the feed or an item. */
bool text_has_place(const Reader *r);

/* people, dates, tags, links: element_parts.c */
void start_author(Reader *r, Attrs attrs, const Row *row);
bool end_author(Reader *r, const Row *row);
bool end_name(Reader *r, const Row *row);
bool end_email(Reader *r, const Row *row);
bool end_url(Reader *r, const Row *row);
void start_contributor(Reader *r, Attrs attrs, const Row *row);
bool end_contributor(Reader *r, const Row *row);
bool end_dc_contributor(Reader *r, const Row *row);
void start_owner(Reader *r, Attrs attrs, const Row *row);
bool end_owner(Reader *r, const Row *row);
bool end_published(Reader *r, const Row *row);
bool end_updated(Reader *r, const Row *row);
void start_category(Reader *r, Attrs attrs, const Row *row);
void start_itunes_category(Reader *r, Attrs attrs, const Row *row);
bool end_category(Reader *r, const Row *row);
bool end_keywords(Reader *r, const Row *row);
bool end_tags(Reader *r, const Row *row);
void start_link(Reader *r, Attrs attrs, const Row *row);
void start_guid(Reader *r, Attrs attrs, const Row *row);
bool end_guid(Reader *r, const Row *row);
bool end_newlocation(Reader *r, const Row *row);
void start_enclosure(Reader *r, Attrs attrs, const Row *row);
void start_media_content(Reader *r, Attrs attrs, const Row *row);
void start_thumbnail(Reader *r, Attrs attrs, const Row *row);
bool end_thumbnail(Reader *r, const Row *row);
void start_itunes_image(Reader *r, Attrs attrs, const Row *row);
void start_license(Reader *r, Attrs attrs, const Row *row);
bool end_license(Reader *r, const Row *row);
void start_resource(Reader *r, Attrs attrs, const Row *row);
