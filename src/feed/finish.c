/* feed/finish.c - from the Reader's nodes to the Feed that callers see. */

#include "feed/reader.h"

static FeedText text_of(const Node *n, Element e) {
    return (FeedText){ n->value[e], (n->html >> e) & 1 };
}

static Str *authors_of(Arena *a, const Node *n, size_t *n_out) {
    Str *list = arena_new_n(a, Str, MAX(n->authors.n, (size_t)1));
    size_t k = 0;
    for (size_t i = 0; i < n->authors.n; i++) {
        const Person *p = &n->authors.v[i];
        Str name = p->name.n ? p->name : p->email;
        if (name.n)
            list[k++] = name;
    }
    *n_out = k;
    return list;
}

static bool is_picture(const FeedMedia *m) {
    return str_eq(m->medium, S("image")) || str_eq(m->medium, S("thumbnail")) || str_starts(m->type, S("image/"));
}

/* Links that are no page of the item: files, other versions. */
static void add_enclosures(Arena *a, Node *n) {
    for (size_t i = 0; i < n->links.n && n->media.n < READER_LIST_MAX; i++) {
        const Link *l = &n->links.v[i];
        FeedMedia m = { .url = l->href, .type = l->type, .medium = S("enclosure"), .size = -1 };
        bool known = !str_eq(l->rel, S("enclosure")) || l->href.n == 0;
        for (size_t k = 0; k < n->media.n && !known; k++)
            known = str_eq(n->media.v[k].url, l->href);
        if (known)
            continue;
        if (!str_to_i64(str_trim(l->length), &m.size) || m.size < 0)
            m.size = -1;
        vec_push_in(a, &n->media, m);
    }
}

static void finish_item(Arena *a, Node *n, FeedItem *out) {
    add_enclosures(a, n);
    *out = (FeedItem){
        .id = n->value[EL_ID],
        .url = n->value[EL_LINK],
        .title = text_of(n, EL_TITLE),
        .summary = text_of(n, EL_SUMMARY),
        .content = n->content,
        .author = n->value[EL_AUTHOR],
        .tags = n->tags.v,
        .n_tags = n->tags.n,
        .media = n->media.v,
        .n_media = n->media.n,
        .image = n->image,
        .comments = n->value[EL_COMMENTS],
        .language = n->value[EL_LANGUAGE],
        .source_title = n->source_title,
        .source_url = n->source_url,
        .has_published = n->has_published,
        .has_updated = n->has_updated,
        .published = n->published,
        .updated = n->updated,
        .published_text = n->value[EL_PUBLISHED],
        .updated_text = n->value[EL_UPDATED],
    };
    out->authors = authors_of(a, n, &out->n_authors);
    for (size_t i = 0; i < n->media.n && out->image.n == 0; i++)
        if (is_picture(&n->media.v[i]))
            out->image = n->media.v[i].url;
}

void reader_finish(Reader *r, Feed *out) {
    const Node *f = r->feed;
    int64_t ttl = 0;
    if (!str_to_i64(str_trim(f->value[EL_TTL]), &ttl) || ttl < 0 || ttl > 1000000)
        ttl = 0;
    out->format = r->format == FEED_UNKNOWN && r->channel_is_root ? FEED_CDF : r->format;
    out->title = text_of(f, EL_TITLE);
    out->subtitle = text_of(f, EL_SUBTITLE);
    out->url = f->value[EL_LINK];
    out->id = f->value[EL_ID];
    out->author = f->value[EL_AUTHOR];
    out->language = f->value[EL_LANGUAGE];
    out->generator = f->value[EL_GENERATOR];
    out->image = r->image && r->image->value[EL_HREF].n ? r->image->value[EL_HREF]
                 : f->image.n                           ? f->image
                 : f->value[EL_LOGO].n                  ? f->value[EL_LOGO]
                                                        : f->value[EL_ICON];
    out->has_updated = f->has_updated;
    out->updated = f->updated;
    out->ttl_minutes = (int)ttl;
    out->new_url = r->new_url;
    out->cut = r->cut;
    out->n_items = r->items.n;
    out->items = arena_new_n(r->arena, FeedItem, MAX(r->items.n, (size_t)1));
    for (size_t i = 0; i < r->items.n; i++)
        finish_item(r->arena, r->items.v[i], &out->items[i]);
}
