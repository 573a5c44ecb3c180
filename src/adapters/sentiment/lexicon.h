#pragma once

/* adapters/sentiment/lexicon.h - the reader of this build: sentiment/lexicon.h behind the port. */

#include "ports/sentiment.h"

SentimentReader *sentiment_lexicon_new(void);
