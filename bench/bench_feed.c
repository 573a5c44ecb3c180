/* Feeds from memory, on one core: `make bench`, through bench_feed.py, which makes the file and knows the rival.
 *
 * usage: bench_feed FILE
 *
 * All of the reading: character set, XML, HTML cleaned, dates, items in an arena. The bound is looking at each byte a
 * few times: UTF-8, XML, copy, HTML in, HTML out. Five times at 5 GB/s is 1 ns a byte; branches of short tags and
 * texts make four to five of it. */

#include "base/file.h"
#include "bench.h"
#include "feed/feed.h"

static double parse(void *arg) {
    const Str *bytes = arg;
    Arena arena = { 0 };
    Feed feed;
    if (feed_parse(&arena, *bytes, NULL, &feed) != 0 || feed.n_items == 0)
        exit(1);
    double items = (double)feed.n_items;
    arena_done(&arena);
    return items;
}

int main(int argc, char **argv) {
    Arena arena = { 0 };
    Ctx cx;
    Str bytes;
    ctx_init(&cx, &arena, NULL);
    if (argc != 2 || file_read(&cx, argv[1], (size_t)1 << 28, &bytes)) {
        fprintf(stderr, "bench_feed: %s\n", argc == 2 ? cx.err.text : "usage: bench_feed FILE");
        return 2;
    }
    bench_run("feed_parse", parse, &bytes, parse(&bytes), (double)bytes.n);
    arena_done(&arena);
    return 0;
}
