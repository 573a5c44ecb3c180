/* tests/fuzz/fuzz_feed_web.c - what servers say beside feeds: robots.txt, CoinDesk's and Tavily's JSON. */

#include "adapters/feed/coindesk.h"
#include "adapters/feed/robots.h"
#include "adapters/feed/tavily.h"
#include "fuzz.h"

#include <math.h>

static void try_robots(Str text) {
    Str path = text;
    str_next(&text, '\n', &path);
    Robots *r = robots_parse(text, S("finsight"));
    MUST(robots_delay_ms(r) >= 0 && robots_delay_ms(r) <= 60000);
    bool once = robots_allow(r, path);
    MUST(once == robots_allow(r, path));
    MUST(robots_allow(r, S("/robots.txt")));
    robots_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, NULL);
    Str text = str_n((const char *)data + 1, size - 1);
    Feed feed;
    NewsSearchResult found;
    int64_t retry = -1;
    if (data[0] == 'r')
        try_robots(text);
    if (data[0] == 'c' && coindesk_parse(&cx, text, &feed) == 0)
        for (size_t i = 0; i < feed.n_items; i++)
            MUST(feed.items[i].id.n || feed.items[i].url.n);
    if (data[0] == 't' && tavily_parse(&cx, text, time_ms(0), &found) == 0) {
        MUST(found.n_hits <= TAVILY_HITS_MAX);
        for (size_t i = 0; i < found.n_hits; i++)
            MUST(found.hits[i].url.n && isfinite(found.hits[i].score));
    }
    if (data[0] == 'e')
        MUST(tavily_error(&arena, text, &retry).n <= 200 && retry >= -1);
    arena_done(&arena);
    return 0;
}
