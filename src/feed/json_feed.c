/* feed/json_feed.c - JSON Feed 1 and 1.1 (https://jsonfeed.org/version/1.1). */

#include "feed/html.h"
#include "feed/readers.h"
#include "feed/uri.h"

#include "base/json.h"

typedef struct JsonFeed {
    JsonReader r;
    Arena *arena, *scratch;
    const FeedHints *hints;
    VEC(FeedItem) items;
    bool cut;
} JsonFeed;

bool json_feed_looks(Str text) {
    return str_starts(text_strip(text), S("{"));
}

/* A string; null and every other kind are passed over: one odd field is no reason to lose a feed. */
static int read_text(JsonFeed *j, Str *out) {
    Str s;
    if (json_peek(&j->r) != JSON_STRING)
        return json_peek(&j->r) == JSON_NUMBER ? json_skip_raw(&j->r, out) : json_skip(&j->r);
    int e = json_read_str(&j->r, &s);
    if (e == 0)
        *out = str_dup(j->arena, text_strip(s));
    return e;
}

static int read_link(JsonFeed *j, Str *out) {
    Str s = { 0 };
    int e = read_text(j, &s);
    s = uri_join(j->arena, j->hints->url, s);
    if (e == 0 && s.n && uri_is_safe(s))
        *out = str_dup(j->arena, s);
    return e;
}

static int read_html(JsonFeed *j, FeedText *out) {
    Str s = { 0 };
    int e = read_text(j, &s);
    if (e || s.n == 0)
        return e;
    Buf clean;
    buf_init(&clean, j->hints->limits.memory);
    html_clean(s, false, j->hints->url, j->scratch, &clean);
    *out = (FeedText){ str_dup(j->arena, text_strip(buf_str(&clean))), true };
    bool full = clean.full;
    buf_done(&clean);
    return full ? ERR_TOO_LARGE : 0;
}

static int read_date(JsonFeed *j, bool *has, Time *out, Str *text) {
    int e = read_text(j, text);
    if (e == 0)
        *has = feed_date_parse(*text, j->hints->now, out);
    return e;
}

static bool enter(JsonFeed *j, JsonKind kind) { /* anything else is passed over */
    if (json_peek(&j->r) != kind) {
        json_skip(&j->r);
        return false;
    }
    return (kind == JSON_OBJECT ? json_open_object(&j->r) : json_open_array(&j->r)) == 0;
}

static int read_author(JsonFeed *j, Str *out) {
    Str key, name = { 0 }, url = { 0 };
    int more = 0;
    if (!enter(j, JSON_OBJECT))
        return j->r.err;
    while ((more = json_object_next(&j->r, &key)) > 0)
        if (str_eq(key, S("name")))
            read_text(j, &name);
        else if (str_eq(key, S("url")))
            read_text(j, &url);
    *out = name.n ? name : url;
    return more;
}

static void put_author(JsonFeed *j, FeedItem *item, Str name) {
    if (name.n == 0 || item->n_authors == READER_LIST_MAX)
        return;
    size_t n = item->n_authors * sizeof *item->authors;
    item->authors = arena_grow(j->arena, item->authors, n, n + sizeof name);
    item->authors[item->n_authors++] = name;
    item->author = name;
}

static int read_authors(JsonFeed *j, FeedItem *item) {
    int more = 0;
    if (!enter(j, JSON_ARRAY))
        return j->r.err;
    while ((more = json_array_next(&j->r)) > 0) {
        Str name = { 0 };
        read_author(j, &name);
        put_author(j, item, name);
    }
    return more;
}

static int read_tags(JsonFeed *j, FeedItem *item) {
    int more = 0;
    if (!enter(j, JSON_ARRAY))
        return j->r.err;
    while ((more = json_array_next(&j->r)) > 0) {
        Str term = { 0 };
        read_text(j, &term);
        if (term.n == 0 || item->n_tags == READER_LIST_MAX)
            continue;
        size_t n = item->n_tags * sizeof *item->tags;
        item->tags = arena_grow(j->arena, item->tags, n, n + sizeof *item->tags);
        item->tags[item->n_tags++] = (FeedTag){ .term = term };
    }
    return more;
}

static int read_attachment(JsonFeed *j, FeedMedia *m) {
    Str key;
    int more = 0;
    *m = (FeedMedia){ .medium = S("enclosure"), .size = -1 };
    if (!enter(j, JSON_OBJECT))
        return j->r.err;
    while ((more = json_object_next(&j->r, &key)) > 0)
        if (str_eq(key, S("url")))
            read_link(j, &m->url);
        else if (str_eq(key, S("mime_type")))
            read_text(j, &m->type);
        else if (str_eq(key, S("size_in_bytes")) && json_peek(&j->r) == JSON_NUMBER)
            json_read_i64(&j->r, &m->size);
    return more;
}

static int read_attachments(JsonFeed *j, FeedItem *item) {
    int more = 0;
    if (!enter(j, JSON_ARRAY))
        return j->r.err;
    while ((more = json_array_next(&j->r)) > 0) {
        FeedMedia m;
        read_attachment(j, &m);
        if (m.url.n == 0 || item->n_media == READER_LIST_MAX)
            continue;
        size_t n = item->n_media * sizeof *item->media;
        item->media = arena_grow(j->arena, item->media, n, n + sizeof m);
        item->media[item->n_media++] = m;
    }
    return more;
}

static int read_item_field(JsonFeed *j, Str key, FeedItem *item, FeedText *plain) {
    if (str_eq(key, S("id")))
        return read_text(j, &item->id);
    if (str_eq(key, S("url")))
        return read_link(j, &item->url);
    if (str_eq(key, S("title")))
        return read_text(j, &item->title.value);
    if (str_eq(key, S("summary")))
        return read_text(j, &item->summary.value);
    if (str_eq(key, S("content_html")))
        return read_html(j, &item->content);
    if (str_eq(key, S("content_text")))
        return read_text(j, &plain->value);
    if (str_eq(key, S("image")) || (str_eq(key, S("banner_image")) && item->image.n == 0))
        return read_link(j, &item->image);
    if (str_eq(key, S("date_published")))
        return read_date(j, &item->has_published, &item->published, &item->published_text);
    if (str_eq(key, S("date_modified")))
        return read_date(j, &item->has_updated, &item->updated, &item->updated_text);
    if (str_eq(key, S("language")))
        return read_text(j, &item->language);
    if (str_eq(key, S("authors")))
        return read_authors(j, item);
    if (str_eq(key, S("tags")))
        return read_tags(j, item);
    if (str_eq(key, S("attachments")))
        return read_attachments(j, item);
    Str name = { 0 };
    if (str_eq(key, S("author"))) { /* of version 1 */
        int e = read_author(j, &name);
        if (item->n_authors == 0)
            put_author(j, item, name);
        return e;
    }
    return json_skip(&j->r);
}

static int read_item(JsonFeed *j) {
    FeedItem item = { .id = { 0 } };
    FeedText plain = { .html = false };
    Str key;
    int more = 0;
    if (!enter(j, JSON_OBJECT))
        return j->r.err;
    while ((more = json_object_next(&j->r, &key)) > 0)
        if (read_item_field(j, key, &item, &plain) == ERR_TOO_LARGE)
            return ERR_TOO_LARGE;
    if (more < 0)
        return more;
    if (item.content.value.n == 0)
        item.content = plain;
    if (item.summary.value.n == 0)
        item.summary = item.content;
    if (j->items.n == j->hints->limits.items)
        j->cut = true;
    else
        vec_push_in(j->arena, &j->items, item);
    return 0;
}

static int read_items(JsonFeed *j) {
    int more = 0, e = 0;
    if (!enter(j, JSON_ARRAY))
        return j->r.err;
    while ((more = json_array_next(&j->r)) > 0)
        if ((e = read_item(j)) == ERR_TOO_LARGE)
            return e;
    return more;
}

static int read_feed_field(JsonFeed *j, Str key, Feed *out) {
    if (str_eq(key, S("version"))) {
        Str version = { 0 };
        int e = read_text(j, &version);
        if (text_has(version, S("jsonfeed.org/version/")))
            out->format = str_ends(version, S("/1")) ? FEED_JSON_1 : FEED_JSON_11;
        return e;
    }
    if (str_eq(key, S("title")))
        return read_text(j, &out->title.value);
    if (str_eq(key, S("description")))
        return read_text(j, &out->subtitle.value);
    if (str_eq(key, S("home_page_url")))
        return read_link(j, &out->url);
    if (str_eq(key, S("feed_url")))
        return read_link(j, &out->id);
    if (str_eq(key, S("icon")))
        return read_link(j, &out->image);
    if (str_eq(key, S("language")))
        return read_text(j, &out->language);
    if (str_eq(key, S("author")))
        return read_author(j, &out->author);
    if (str_eq(key, S("authors"))) {
        FeedItem people = { .id = { 0 } };
        int e = read_authors(j, &people);
        out->author = people.author;
        return e;
    }
    return str_eq(key, S("items")) ? read_items(j) : json_skip(&j->r);
}

int json_feed_read(Arena *arena, Arena *scratch, Str text, const FeedHints *hints, Feed *out) {
    JsonFeed j = { .arena = arena, .scratch = scratch, .hints = hints };
    Str key;
    int e = 0;
    json_reader_init(&j.r, text_strip(text), scratch, 64);
    if (json_open_object(&j.r) == 0)
        while (e != ERR_TOO_LARGE && json_object_next(&j.r, &key) > 0)
            e = read_feed_field(&j, key, out);
    if (e == ERR_TOO_LARGE)
        return e;
    if (j.r.err || json_finish(&j.r)) {
        out->malformed = true;
        out->why = j.r.why;
    }
    out->items = j.items.v;
    out->n_items = j.items.n;
    out->cut = j.cut;
    return 0;
}
