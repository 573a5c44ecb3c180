#pragma once

/* core/words.h - a text as words: one cutter for the index, queries, marks, hashes and scores, so that they agree.
 *
 * A word is a run of letters, digits and marks of any script; everything else separates. Letters are folded: case goes
 * (ASCII, Latin, Greek, Cyrillic, Armenian), and the accents of Latin letters with it (é = e, ß = ss stays ß). Ideographs,
 * kana and Hangul syllables, which come without spaces, are words of one sign each. An apostrophe between letters
 * belongs to the word and is folded to ' ("don't"), as are dots and commas between digits ("3.5"). Invalid UTF-8
 * separates. Words are cut after WORD_MAX bytes. Pure; any thread. */

#include "base/str.h"

enum { WORD_MAX = 64 }; /* bytes of a folded word */

typedef struct Word {
    char text[WORD_MAX + 4]; /* folded; no terminator */
    size_t n;
    size_t at, end; /* bytes of the text it was read from */
} Word;

typedef struct WordReader {
    Str text;
    size_t at;
} WordReader;

static inline void words_init(WordReader *r, Str text) {
    *r = (WordReader){ .text = text };
}
/* The next word; false at the end. */
bool words_next(WordReader *r, Word *out);
/* Folded without cutting: for names that are compared. */
static inline Str word_str(const Word *w) {
    return (Str){ w->text, w->n };
}
