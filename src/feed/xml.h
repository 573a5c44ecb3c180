#pragma once

/* feed/xml.h - well-formed XML with namespaces, or the place where it is not. Private to feed/.
 *
 * XML 1.0 without validation, as expat reads it: UTF-8, namespaces 1.0, the entities handed in and the five of XML.
 * Nothing is fetched; a document whose DOCTYPE points elsewhere may use entities that are not known, which are left
 * out. No recursion: depth costs a few bytes a level and is bounded.
 *
 * Memory: what a handler is given lives until it returns. */

#include "feed/doctype.h"
#include "feed/text.h"

typedef struct XmlName {
    Str uri;    /* empty: in no namespace */
    Str prefix; /* as written */
    Str local;
} XmlName;

typedef struct XmlAttr {
    XmlName name;
    Str value;
} XmlAttr;

enum { XML_ATTRS_MAX = 200, XML_PREFIXES_MAX = 500 };

typedef struct XmlSink {
    void (*prefix)(void *arg, Str prefix, Str uri); /* a declaration, before the start of its element */
    void (*start)(void *arg, XmlName name, const XmlAttr *attrs, size_t n);
    void (*end)(void *arg, XmlName name);
    void (*text)(void *arg, Str text); /* in pieces */
} XmlSink;

/* NULL, or static words for why it is not well-formed; the sink was told what came before. *too_deep: past
 * `max_depth`, not worth another reader. */
const char *xml_read(const Prolog *doc, int max_depth, const XmlSink *sink, void *arg, Arena *scratch, bool *too_deep);
