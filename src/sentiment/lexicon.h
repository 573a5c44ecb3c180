#pragma once

/* sentiment/lexicon.h - how a text about money sounds, by words that people weighed: "lexicon-1".
 *
 * Every word of the lexicon has a weight from -4 to 4. What stands around it counts:
 *   negation        "did not rise", "no longer", "fails to": turned round and made smaller, within four words of a clause
 *   emphasis        "sharply higher" counts for more, "slightly" for less
 *   things that are bad when they grow: "losses widen", "unemployment falls" are read as one
 *   phrases         "beats expectations", "cut to neutral", "all-time high" count as a whole
 *   but             what stands before it in a sentence counts for less, what stands behind it for more
 *   questions       count for half; a title counts twice
 * score = sum / sqrt(sum^2 + 16): one clear word of weight 3 gives 0.6. Neutral is |score| < 0.2.
 *
 * It is small and everything it says can be checked by hand; that is what it is for. How good it is: docs/news.md.
 * Pure. Threads: a lexicon is read-only after lexicon_new. */

#include "sentiment/result.h"

#define LEXICON_MODEL S("lexicon-1")

typedef struct Lexicon Lexicon;

Lexicon *lexicon_new(void);
Lexicon *lexicon_free(Lexicon *l);
void lexicon_read(const Lexicon *l, Arena *arena, const SentimentText *t, SentimentResult *out);
size_t lexicon_size(const Lexicon *l); /* words and phrases with a weight */
