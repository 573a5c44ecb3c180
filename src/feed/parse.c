/* feed/parse.c - feed_parse: character set, prolog, then the strict reader, then the tolerant one. */

#include "feed/charset.h"
#include "feed/readers.h"

static int read_markup(Arena *arena, Arena *scratch, Str text, const FeedHints *hints, Feed *out) {
    Prolog doc;
    Reader r;
    bool too_deep = false;
    doctype_read(arena, text, &doc);
    reader_init(&r, arena, scratch, hints);
    const char *why =
        out->malformed && out->encoding.n == 0 ? out->why : strict_read(&r, &doc, hints->limits.depth, &too_deep);
    if (why && !too_deep) {
        reader_done(&r);
        reader_init(&r, arena, scratch, hints);
        out->malformed = true;
        out->why = why;
        loose_read(&r, &doc);
    }
    bool full = r.full || too_deep;
    reader_finish(&r, out);
    reader_done(&r);
    if (doc.netscape)
        out->format = FEED_RSS_091N;
    return full ? ERR_TOO_LARGE : 0;
}

int feed_parse(Arena *arena, Str bytes, const FeedHints *given, Feed *out) {
    FeedHints hints = given ? *given : (FeedHints){ 0 };
    FeedBounds standard = FEED_BOUNDS_STANDARD, *b = &hints.limits;
    b->bytes = b->bytes ? b->bytes : standard.bytes;
    b->items = b->items ? b->items : standard.items;
    b->depth = b->depth ? b->depth : standard.depth;
    b->memory = b->memory ? b->memory : standard.memory;

    CharsetText text;
    Feed feed = { .format = FEED_UNKNOWN };
    Arena scratch = { 0 };
    int r = charset_read(arena, bytes, &hints, b->bytes, &text);
    if (r == 0) {
        feed.encoding = text.encoding;
        feed.malformed = text.other || text.unknown;
        feed.why = feed.malformed ? "it is not in the character set that it says" : NULL;
        r = json_feed_looks(text.text) ? json_feed_read(arena, &scratch, text.text, &hints, &feed)
                                       : read_markup(arena, &scratch, text.text, &hints, &feed);
    }
    arena_done(&scratch);
    if (r == 0)
        *out = feed;
    return r;
}
