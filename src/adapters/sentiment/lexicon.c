/* adapters/sentiment/lexicon.c - see lexicon.h. */

#include "adapters/sentiment/lexicon.h"

#include "sentiment/lexicon.h"

typedef struct LexiconReader {
    SentimentReader reader; /* first */
    Lexicon *lexicon;
} LexiconReader;

static int read_text(SentimentReader *r, Ctx *cx, const SentimentText *t, SentimentResult *out) {
    lexicon_read(((LexiconReader *)r)->lexicon, cx->arena, t, out);
    return 0;
}

static void close_reader(SentimentReader *r) {
    lexicon_free(((LexiconReader *)r)->lexicon);
    mem_free(r);
}

static const SentimentReaderOps ops = {
    .name = "lexicon-1",
    .doc = "Weighed words and phrases of financial news, with negation, emphasis and but-clauses. Small and "
           "transparent, no "
           "trained model: its confidence is no probability.",
    .read = read_text,
    .close = close_reader,
};

SentimentReader *sentiment_lexicon_new(void) {
    LexiconReader *r = mem_new(LexiconReader);
    r->reader.ops = &ops;
    r->lexicon = lexicon_new();
    return &r->reader;
}
