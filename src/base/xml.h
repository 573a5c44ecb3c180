#pragma once

/* base/xml.h - a pull reader for the small XML that programs send each other: Eureka's registrations, S3's answers.
 *
 * Elements, attributes, text, CDATA, comments, the five named entities and numeric ones. No document type, so no entity
 * of the sender's own and nothing to expand; a processing instruction is skipped. Depth, names and attributes are bounded.
 * Names come without their prefix. Texts are put together in the arena. Feeds have a reader of their own (feed/xml.h), of
 * all that XML may be. One reader, one thread. */

#include "base/buf.h"

typedef enum XmlKind { XML_END_OF_TEXT, XML_OPEN, XML_CLOSE, XML_TEXT } XmlKind;

enum { XML_DEPTH_MAX = 16, XML_ATTRIBUTES_MAX = 8 };

typedef struct XmlAttribute {
    Str name, value;
} XmlAttribute;

typedef struct XmlToken {
    XmlKind kind;
    Str text; /* OPEN, CLOSE: the name; TEXT: unescaped */
    XmlAttribute attributes[XML_ATTRIBUTES_MAX];
    size_t n_attributes;
} XmlToken;

typedef struct XmlReader {
    const char *p, *end;
    Arena *arena;
    /* private */
    Str open[XML_DEPTH_MAX];
    int depth;
    bool empty; /* <a/>: its close is still to be told */
    bool begun;
} XmlReader;

void xml_reader_init(XmlReader *r, Str text, Arena *arena);
int xml_next(XmlReader *r, XmlToken *out); /* 0, ERR_BAD_REQUEST or ERR_LIMIT */
Str xml_attribute(const XmlToken *t, Str name);
