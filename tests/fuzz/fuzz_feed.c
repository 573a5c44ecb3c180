/* tests/fuzz/fuzz_feed.c - any bytes as a feed, with and without what a server says of them. */

#include "feed/feed.h"
#include "fuzz.h"

#include <string.h>

static void check_text(Arena *a, FeedText t) {
    Str plain = feed_text_plain(a, t);
    MUST(plain.n == 0 || (plain.p[0] != ' ' && plain.p[plain.n - 1] != ' '));
    for (size_t i = 0; t.html && i + 7 <= t.value.n; i++) /* no script comes through */
        MUST(!str_eq_nocase(str_n(t.value.p + i, 7), S("<script")));
}

static void check(Arena *a, const Feed *feed, size_t most) {
    MUST(feed->n_items <= most);
    MUST(feed->format >= 0 && feed->format < FEED_FORMATS);
    MUST((feed->why != NULL) == feed->malformed);
    check_text(a, feed->title);
    for (size_t i = 0; i < feed->n_items; i++) {
        const FeedItem *item = &feed->items[i];
        check_text(a, item->title);
        check_text(a, item->summary);
        check_text(a, item->content);
        MUST(!item->has_published ||
             (time_cmp(item->published, TIME_ISO_MIN) >= 0 && time_cmp(item->published, TIME_ISO_MAX) <= 0));
        for (size_t k = 0; k < item->n_tags; k++)
            MUST(item->tags[k].term.n || item->tags[k].scheme.n || item->tags[k].label.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    Arena arena = { 0 };
    Feed feed;
    bool http = data[0] & 1;
    FeedHints hints = { .limits = { .bytes = 1 << 20, .items = 50, .depth = 100, .memory = 16 << 20 },
                        .url = data[0] & 2 ? S("http://example.com/a/b?c") : S(""),
                        .has_http = http,
                        .content_type = http ? S("application/xml; charset=\"koi8-r\"") : S("") };
    char *copy = malloc(size); /* freed before the feed is looked at: nothing may borrow from it */
    memcpy(copy, data + 1, size - 1);
    int r = feed_parse(&arena, str_n(copy, size - 1), &hints, &feed);
    memset(copy, 'x', size);
    free(copy);
    MUST(r == 0 || r == ERR_TOO_LARGE);
    if (r == 0)
        check(&arena, &feed, 50);
    arena_done(&arena);
    return 0;
}
