#pragma once

/* feed/sgml.h - markup as people write it: a tokenizer that never fails. Private to feed/.
 *
 * HTML inside of feeds, and feeds that are not well-formed XML, are read by the rules of the old SGML shorthand, as
 * Python's sgmllib has them (our yardstick reads so): attributes without quotes or values, <tag/text/, <> for the
 * last tag again. What is not markup is data. Linear in the size of the text (see START_TAG_WORK).
 *
 * Memory: what a handler is given lives until it returns. Handlers may be NULL where nothing is to be done. */

#include "feed/text.h"

typedef struct SgmlAttr {
    Str name;  /* lower case */
    Str value; /* references are left in it */
} SgmlAttr;

enum { SGML_ATTRS_MAX = 200 }; /* of one tag; what follows is left out */

typedef struct SgmlSink {
    void (*start)(void *arg, Str tag, const SgmlAttr *attrs, size_t n); /* tag in lower case */
    void (*end)(void *arg, Str tag);
    void (*data)(void *arg, Str text);
    void (*charref)(void *arg, Str ref);    /* "160", "xA0" */
    void (*entityref)(void *arg, Str name); /* "nbsp" */
    void (*cdata)(void *arg, Str text);     /* of rules.cdata */
    void (*comment)(void *arg, Str text);   /* without its marks */
    /* What is left when a tag, comment or declaration does not end: not read as markup. */
    void (*rest)(void *arg, Str text);
} SgmlSink;

typedef struct SgmlRules {
    bool xhtml;            /* <tag/> closes what it opens */
    bool cdata;            /* <![CDATA[ ]]> is given to the sink; it is nothing otherwise */
    bool comments_forgive; /* a comment that does not end with --> ends at the next "--…>", or at the end */
} SgmlRules;

/* `scratch` is given back what is taken from it. */
void sgml_read(Str text, SgmlRules rules, const SgmlSink *sink, void *arg, Arena *scratch);

/* Elements that have no end tag (br, img…). */
bool sgml_is_void(Str tag);
