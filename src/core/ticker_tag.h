#pragma once

/* core/ticker_tag.h - which coins and companies a text speaks of.
 *
 * Tagged by: a cashtag ($BTC); an exchange's notation (NASDAQ: AAPL); a pair (BTC/USDT, ETH-USD); a name of the table
 * ("bitcoin", "Apple Inc."); a symbol in capitals ("BTC") where the table calls it safe. Names that are also words of
 * the language ("apple", "link", "near") count only with company: a corporate ending, a cashtag, or another sure
 * sign of the same ticker in the text. Boundaries are those of core/words.h. Pure; any thread. */

#include "core/article.h"

/* Ascending, unique, at most ARTICLE_LIST_MAX; strings live in the arena or are literals. */
StrList ticker_tag(Arena *a, Str title, Str body);
/* Of a field a user gave: "btc", "$BTC", "bitcoin" -> "BTC"; unknown ones in capitals as they are. */
Str ticker_canonical(Arena *a, Str text);
