#pragma once

/* sentiment/words.h - the lexicon itself; private to this folder. */

#include "base/str.h"

typedef enum LexiconKind {
    LEX_WEIGHT,    /* sounds by itself */
    LEX_NEGATE,    /* turns the next ones round */
    LEX_EMPHASIS,  /* weight is a factor for the next one */
    LEX_GROWS,     /* it goes up: good of good things, bad of bad ones; weight as by itself */
    LEX_SHRINKS,   /* it goes down */
    LEX_BAD_THING, /* one that had better shrink */
} LexiconKind;

typedef struct LexiconGroup {
    LexiconKind kind;
    double weight;
    const char *words; /* '|' between them; a phrase has blanks */
} LexiconGroup;

extern const LexiconGroup lexicon_groups[];
extern const size_t n_lexicon_groups;
