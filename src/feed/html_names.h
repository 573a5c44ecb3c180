#pragma once

/* feed/html_names.h - elements and attributes that html.c keeps. Private to feed/. */

#include "feed/text.h"

typedef enum HtmlKind {
    HTML_OTHER,   /* not kept */
    HTML_ELEMENT, /* kept */
    HTML_SCRIPT,  /* left out with what is in it */
} HtmlKind;

HtmlKind html_kind(Str name);         /* lower case */
bool html_is_math(Str name);          /* of MathML, kept inside of <math> */
bool html_is_svg(Str name);           /* of SVG, kept inside of <svg>; lower case */
bool html_keeps_attr(Str name);       /* of any element */
bool html_keeps_svg_attr(Str name);   /* of SVG's and MathML's */
bool html_is_link(Str tag, Str attr); /* its value is a URI */
bool html_is_block(Str name);         /* breaks the line: words before and behind it are two words */
