#pragma once

/* feed/html.h - HTML of strangers: made safe, made absolute, made text. Private to feed/ but for html_to_text.
 *
 * What is kept is a list, not what is left out: elements that show text and pictures, and of their attributes those
 * that cannot run anything. Scripts and styles go with what is in them; of every other element that is not on the
 * list only the tags go. Text that looks like a tag but is none is escaped where a browser would take it for one. */

#include "feed/feed.h"
#include "feed/text.h"

/* `html` safe to show, links resolved against `base` (may be empty), appended to out. xhtml: <a/> is closed. */
void html_clean(Str html, bool xhtml, Str base, Arena *scratch, Buf *out);

/* Whether text that was said to be plain is meant as HTML: it has end tags or references, and every tag and every
 * name in it is one of HTML. */
bool html_is_meant(Str text);

/* Of the elements that html_clean keeps. */
bool html_is_element(Str name);

/* The words of it, as feed_text_plain says. */
void html_to_text(Str html, Arena *scratch, Buf *out);
