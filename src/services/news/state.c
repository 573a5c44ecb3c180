/* services/news/state.c - what is known of a source between collections, and of collections: JSON texts in the store. */

#include "services/news/internal.h"

#include "base/json.h"

static Str source_key(Ctx *cx, Str name) {
    return str_fmt(cx->arena, "source:" STR_FMT, STR_ARG(name));
}

static void read_member(JsonReader *r, Str key, SourceState *s) {
    Str text;
    if (json_read_null(r))
        return;
    if (str_eq(key, S("gone"))) {
        json_read_bool(r, &s->gone);
    } else if (str_eq(key, S("simulated"))) {
        json_read_bool(r, &s->simulated);
    } else if (str_eq(key, S("failed"))) {
        json_read_i64(r, &s->n_failed);
    } else if (str_eq(key, S("asked"))) {
        json_read_i64(r, &s->asked_at.ms);
    } else if (str_eq(key, S("good"))) {
        json_read_i64(r, &s->good_at.ms);
    } else if (str_eq(key, S("not_before"))) {
        json_read_i64(r, &s->feed.not_before.ms);
    } else if (json_read_str(r, &text) == 0) {
        if (str_eq(key, S("url")))
            s->feed.url = text;
        else if (str_eq(key, S("etag")))
            s->feed.etag = text;
        else if (str_eq(key, S("last_modified")))
            s->feed.last_modified = text;
        else if (str_eq(key, S("error")))
            s->error = text;
    }
}

/* A state that cannot be read, or is of another address than is configured now, is a fresh one. */
int source_state_read(NewsService *s, Ctx *cx, const NewsSource *src, SourceState *out) {
    Str text, key, configured = src->url;
    SourceState st = { .feed = { .url = src->url } };
    int r = article_store_state_get(s->o.store, cx, source_key(cx, src->name), &text);
    *out = st;
    if (r || text.n == 0)
        return r;
    JsonReader j;
    int more;
    bool same = false;
    json_reader_init(&j, text, cx->arena, 8);
    json_open_object(&j);
    while ((more = json_object_next(&j, &key)) > 0) {
        Str was;
        if (str_eq(key, S("configured")) && json_read_str(&j, &was) == 0)
            same = str_eq(was, configured);
        else
            read_member(&j, key, &st);
    }
    if (more == 0 && json_finish(&j) == 0 && same)
        *out = st;
    return 0;
}

int source_state_write(NewsService *s, Ctx *cx, const NewsSource *src, const SourceState *st) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 64 << 10);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "configured", src->url);
    json_put_str(&w, "url", st->feed.url);
    json_put_str(&w, "etag", st->feed.etag);
    json_put_str(&w, "last_modified", st->feed.last_modified);
    json_put_i64(&w, "not_before", st->feed.not_before.ms);
    json_put_i64(&w, "asked", st->asked_at.ms);
    json_put_i64(&w, "good", st->good_at.ms);
    json_put_i64(&w, "failed", st->n_failed);
    json_put_str(&w, "error", st->error);
    json_put_bool(&w, "gone", st->gone);
    json_put_bool(&w, "simulated", st->simulated);
    json_object_end(&w);
    int r = buf_ok(&b) ? article_store_state_put(s->o.store, cx, source_key(cx, src->name), buf_str(&b))
                       : err_set(cx, ERR_LIMIT, "the validators of %s are too long", str_cz(cx->arena, src->name));
    buf_done(&b);
    return r;
}
