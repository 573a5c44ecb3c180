/* Prints what the reader of feeds makes of files, a line of JSON each, in the layout of the expectations: for
 * golden_feeds.py, which brings both into their normal form and compares.
 *
 * usage: golden_feeds DIR < list of files below DIR */

#include "base/ctx.h"
#include "base/file.h"
#include "base/json.h"
#include "feed/feed.h"

#include <stdio.h>
#include <time.h>

static void put_text(JsonWriter *w, Str key, Str value) {
    json_key(w, key);
    if (value.n)
        json_str(w, value);
    else
        json_null(w);
}

static void put_time(JsonWriter *w, Str key, bool has, Time t) {
    json_key(w, key);
    if (has)
        json_i64(w, floor_div(t.ms, 1000));
    else
        json_null(w);
}

static void put_item(JsonWriter *w, const FeedItem *item) {
    json_object(w);
    put_text(w, S("id"), item->id);
    put_text(w, S("title"), item->title.value);
    put_text(w, S("link"), item->url);
    put_time(w, S("published"), item->has_published, item->published);
    put_time(w, S("updated"), item->has_updated, item->updated);
    put_text(w, S("author"), item->author);
    put_text(w, S("summary"), item->summary.value);
    put_text(w, S("content"), item->content.value);
    json_key(w, S("tags"));
    json_array(w);
    for (size_t i = 0; i < item->n_tags; i++)
        if (item->tags[i].term.p)
            json_str(w, item->tags[i].term);
        else
            json_null(w);
    json_array_end(w);
    json_object_end(w);
}

static void put_feed(JsonWriter *w, Str path, const Feed *feed) {
    /* The yardstick has no name for CDF. */
    const char *version = feed->format == FEED_CDF ? "" : feed_format_name(feed->format);
    json_object(w);
    json_put_str(w, "path", path);
    json_put_str(w, "malformed", str_c(feed->malformed ? feed->why : ""));
    put_text(w, S("version"), str_c(version));
    json_key(w, S("feed"));
    json_object(w);
    put_text(w, S("title"), feed->title.value);
    put_text(w, S("link"), feed->url);
    put_text(w, S("language"), feed->language);
    json_object_end(w);
    json_key(w, S("entries"));
    json_array(w);
    for (size_t i = 0; i < feed->n_items; i++)
        put_item(w, &feed->items[i]);
    json_array_end(w);
    json_object_end(w);
}

static int show(Arena *arena, const char *dir, Str path) {
    Ctx cx;
    Str bytes;
    Feed feed;
    Buf line;
    JsonWriter w;
    ctx_init(&cx, arena, NULL);
    if (file_read(&cx, str_cz(arena, str_fmt(arena, "%s/" STR_FMT, dir, STR_ARG(path))), 1 << 28, &bytes)) {
        fprintf(stderr, "%s\n", cx.err.text);
        return 1;
    }
    int r = feed_parse(arena, bytes, &(FeedHints){ .now = time_ms((int64_t)time(NULL) * 1000) }, &feed);
    if (r) {
        fprintf(stderr, STR_FMT ": %s\n", STR_ARG(path), err_info(r)->words);
        return 1;
    }
    buf_init(&line, (size_t)1 << 30);
    json_writer_init(&w, &line, false);
    put_feed(&w, path, &feed);
    buf_put_c(&line, '\n');
    fwrite(line.p, 1, line.n, stdout);
    buf_done(&line);
    return 0;
}

int main(int argc, char **argv) {
    Arena arena = { 0 };
    char path[4096];
    int failed = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: golden_feeds DIR < list of files\n");
        return 2;
    }
    while (fgets(path, sizeof path, stdin)) {
        failed |= show(&arena, argv[1], str_trim(str_c(path)));
        arena_reset(&arena);
    }
    arena_done(&arena);
    return failed;
}
