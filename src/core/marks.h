#pragma once

/* core/marks.h - the found words of a query, marked in a text, and the piece of a text that shows most of them.
 *
 * Marks are MARK_BEGIN and MARK_END around each found word or phrase; what a page makes of them is its affair. Both are
 * noncharacters' neighbours in the private use area, which article_clip takes out of articles, so no text can forge
 * one. Pure; any thread. */

#include "core/article_query.h"

#define MARK_BEGIN "\xEE\x80\x80" /* U+E000 */
#define MARK_END   "\xEE\x80\x81" /* U+E001 */

/* The whole text with marks; the text itself when nothing of it is found. fields: where it stands (ARTICLE_IN_…). */
Str marks_all(Arena *a, const ParsedQuery *q, Str text, unsigned field);
/* About `words` words around the densest place of found ones, "…" where it is cut; the beginning when nothing is. */
Str marks_snippet(Arena *a, const ParsedQuery *q, Str text, unsigned field, size_t words);
/* How often a term of the query stands in the text. */
size_t marks_count(const QueryNode *term, Str text);
