/* adapters/object/s3.c - see s3.h: reads, lists, removals, opening. */

#include "adapters/object/s3_internal.h"

#include "base/vec.h"

/* --- reading --- */

static int s3_head(ObjectStore *store, Ctx *cx, Str key, ObjectInfo *out) {
    S3Store *s = (S3Store *)store;
    S3Call c = { .method = "HEAD", .key = key };
    HttpResponse r;
    int failed = s3_call(s, cx, &c, &r);
    if (failed)
        return failed;
    if (r.status == 404)
        return s3_missing(s, cx, &c, &r);
    return r.status == 200 ? s3_info(cx, key, &r, out, NULL) : s3_refused(s, cx, &c, &r);
}

/* What of the object the answer holds, checked against its own Content-Range: 0 with the bytes, or < 0. */
static int piece_of(Ctx *cx, const S3Call *c, const HttpResponse *r, int64_t at, size_t n, Str *out) {
    int64_t from, to, size;
    if (r->status == 200) { /* a server that knows no ranges */
        *out = str_first(str_from(r->body, (size_t)at), n);
        return 0;
    }
    bool ranged = s3_content_range(http_response_header(r, S("content-range")), &from, &to, &size);
    if (!ranged || from != at || to - from + 1 != (int64_t)r->body.n || r->body.n > n ||
        (r->body.n < n && to != size - 1))
        return err_set(cx, ERR_COLLECTION, "the object store gives other bytes of '" STR_FMT "' than it was asked for",
                       STR_ARG(c->key));
    *out = r->body;
    return 0;
}

/* One range: 0 with the bytes (none at the end), OBJECT_NONE, OBJECT_CHANGED. `etag` pins the object, and is learnt from the
 * first piece where none is given. */
static int get_piece(S3Store *s, Ctx *cx, Str key, char etag[static OBJECT_ETAG_MAX + 1], int64_t at, size_t n,
                     Str *out) {
    S3Call c = { .method = "GET", .key = key, .answer_max = n + (64U << 10) };
    HttpResponse r;
    char found[OBJECT_ETAG_MAX + 1];
    s3_call_header(&c, S("range"),
                   str_fmt(cx->arena, "bytes=%lld-%lld", (long long)at, (long long)(at + (int64_t)n - 1)));
    if (etag[0])
        s3_call_header(&c, S("if-match"), str_fmt(cx->arena, "\"%s\"", etag));
    int failed = s3_call(s, cx, &c, &r);
    if (failed)
        return failed;
    if (r.status == 404)
        return s3_missing(s, cx, &c, &r);
    if (r.status == 412)
        return OBJECT_CHANGED;
    if (r.status == 416) {
        *out = (Str){ 0 };
        return 0;
    }
    if (r.status != 200 && r.status != 206)
        return s3_refused(s, cx, &c, &r);
    if (!s3_etag(http_response_header(&r, S("etag")), found))
        return err_set(cx, ERR_COLLECTION, "the object store tells no etag of '" STR_FMT "'", STR_ARG(key));
    if (etag[0] && strcmp(etag, found) != 0)
        return OBJECT_CHANGED; /* a server that takes no notice of the condition */
    memcpy(etag, found, sizeof found);
    return piece_of(cx, &c, &r, at, n, out);
}

/* [at, at + n) in pieces, all of one version: that of pin, or, where it is empty, of the first piece. */
static int get_pieces(S3Store *s, Ctx *cx, Str key, char pin[static OBJECT_ETAG_MAX + 1], int64_t at, size_t n,
                      char *out, size_t *got) {
    size_t done = 0;
    for (bool end = false; !end && done < n;) {
        ArenaMark mark = arena_mark(cx->arena);
        size_t want = MIN(n - done, (size_t)S3_PIECE);
        Str piece = { 0 };
        int r = get_piece(s, cx, key, pin, at + (int64_t)done, want, &piece);
        if (r == 0 && piece.n)
            memcpy(out + done, piece.p, piece.n);
        arena_rewind(cx->arena, mark);
        if (r)
            return r;
        done += piece.n;
        end = piece.n < want;
    }
    *got = done;
    return 0;
}

static int s3_get(ObjectStore *store, Ctx *cx, Str key, Str etag, int64_t at, size_t n, char *out, size_t *got) {
    enum { TRIES = 8 };
    if (etag.n > OBJECT_ETAG_MAX)
        return OBJECT_CHANGED;
    if (n == 0) { /* no range says so little */
        ObjectInfo info;
        int r = s3_head(store, cx, key, &info);
        *got = 0;
        return r == 0 && etag.n && !str_eq(etag, str_c(info.etag)) ? OBJECT_CHANGED : r;
    }
    int r = OBJECT_CHANGED;
    for (int i = 0; i < TRIES && r == OBJECT_CHANGED; i++) {
        char pin[OBJECT_ETAG_MAX + 1] = "";
        if (etag.n)
            memcpy(pin, etag.p, etag.n);
        r = get_pieces((S3Store *)store, cx, key, pin, at, n, out, got);
        if (etag.n) /* the caller wants this one or none; else any will do, but whole */
            return r;
    }
    return r == OBJECT_CHANGED
               ? err_set(cx, ERR_BUSY, "'" STR_FMT "' is replaced faster than it can be read", STR_ARG(key))
               : r;
}

/* --- lists --- */

static bool is_key(Str key) { /* what the port calls one: others may have put what is none */
    Str rest = key, segment;
    bool ok = key.n > 0 && key.n <= OBJECT_KEY_MAX && key.p[key.n - 1] != '/';
    while (ok && str_next(&rest, '/', &segment))
        ok = segment.n > 0 && segment.n <= OBJECT_SEGMENT_MAX && !str_eq(segment, S(".")) && !str_eq(segment, S(".."));
    return ok;
}

static int list_page(S3Store *s, Ctx *cx, Str prefix, Str after, Str token, size_t limit, S3Page *out) {
    Arena *a = cx->arena;
    S3Call c = { .method = "GET" };
    HttpResponse r;
    s3_call_query(&c, S("list-type"), S("2"));
    s3_call_query(&c, S("encoding-type"), S("url"));
    s3_call_query(&c, S("max-keys"), str_fmt(a, "%zu", limit));
    s3_call_query(&c, S("prefix"), str_fmt(a, STR_FMT STR_FMT, STR_ARG(s->o.prefix), STR_ARG(prefix)));
    if (after.n)
        s3_call_query(&c, S("start-after"), str_fmt(a, STR_FMT STR_FMT, STR_ARG(s->o.prefix), STR_ARG(after)));
    if (token.n)
        s3_call_query(&c, S("continuation-token"), token);
    int failed = s3_call(s, cx, &c, &r);
    if (failed)
        return failed;
    if (r.status != 200)
        return s3_refused(s, cx, &c, &r);
    failed = s3_page_read(a, r.body, limit, out);
    return failed ? err_set(cx, ERR_COLLECTION, "bucket " STR_FMT " at " STR_FMT ": its list of objects makes no sense",
                            STR_ARG(s->o.bucket), STR_ARG(s->host))
                  : 0;
}

/* A full page that says it is the last: MinIO (2025-09) says so of some pages begun by start-after, wrongly. */
static int list_ends(S3Store *s, Ctx *cx, Str prefix, Str last, bool *more) {
    S3Page page = { 0 };
    int r = list_page(s, cx, prefix, last, (Str){ 0 }, 1, &page);
    if (r == 0)
        *more = page.n > 0;
    return r;
}

static int s3_list(ObjectStore *store, Ctx *cx, Str prefix, Str after, size_t limit, ObjectInfo **out, size_t *n,
                   bool *more) {
    S3Store *s = (S3Store *)store;
    VEC(ObjectInfo) found = { 0 };
    S3Page page = { .more = true };
    while (page.more && found.n < limit) {
        Str token = page.token;
        int r = list_page(s, cx, prefix, after, token, limit - found.n, &page);
        for (size_t i = 0; r == 0 && i < page.n; i++) {
            page.v[i].key = str_from(page.v[i].key, s->o.prefix.n);
            if (is_key(page.v[i].key))
                vec_push_in(cx->arena, &found, page.v[i]);
        }
        if (r == 0 && page.more && str_eq(token, page.token))
            r = err_set(cx, ERR_COLLECTION, "bucket " STR_FMT " at " STR_FMT ": its list of objects goes in a circle",
                        STR_ARG(s->o.bucket), STR_ARG(s->host));
        if (r)
            return r;
    }
    *out = found.v;
    *n = found.n;
    *more = page.more;
    return found.n == limit && !page.more ? list_ends(s, cx, prefix, found.v[limit - 1].key, more) : 0;
}

/* --- removing --- */

static int s3_remove(ObjectStore *store, Ctx *cx, Str key) {
    S3Store *s = (S3Store *)store;
    S3Call c = { .method = "DELETE", .key = key };
    HttpResponse r;
    ObjectInfo info;
    int failed = s3_head(store, cx, key, &info); /* S3 says 204 of what never was, too */
    if (failed == 0)
        failed = s3_call(s, cx, &c, &r);
    if (failed)
        return failed;
    if (r.status == 404)
        return s3_missing(s, cx, &c, &r);
    return r.status / 100 == 2 ? 0 : s3_refused(s, cx, &c, &r);
}

/* --- opening --- */

static void wipe(Str s) {
    if (s.n)
        explicit_bzero((char *)(uintptr_t)s.p, s.n); /* the arena's own copy */
}

static void s3_close(ObjectStore *store) {
    S3Store *s = (S3Store *)store;
    wipe(s->o.secret_key);
    wipe(s->o.session_token);
    if (s->o.own_http)
        http_client_close(s->o.http);
    arena_done(&s->arena);
    mem_free(s);
}

static const ObjectStoreOps ops = {
    .name = "s3",
    .put_begin = s3_put_begin,
    .put_data = s3_put_data,
    .put_end = s3_put_end,
    .put_abort = s3_put_abort,
    .head = s3_head,
    .get = s3_get,
    .list = s3_list,
    .remove = s3_remove,
    .close = s3_close,
};

/* "3 to 63 lower-case letters, digits, '-' and '.'": the name becomes part of a host or a path. */
static bool bucket_ok(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              (i > 0 && i + 1 < s.n && (s.p[i] == '-' || s.p[i] == '.'))))
            return false;
    return s.n >= 3 && s.n <= 63 && str_find(s, S("..")) < 0;
}

static bool header_text(Str s) { /* of keys and regions, which travel in a header */
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static int check_options(Ctx *cx, const S3Options *o, HttpUrl *url) {
    int r = http_url_parse(cx, o->endpoint, url);
    if (r)
        return err_prefix(cx, "objects.s3_endpoint");
    if (url->path.n > 1)
        return err_set_at(cx, ERR_INVALID, S("objects.s3_endpoint"),
                          "an endpoint is SCHEME://HOST[:PORT], without a path");
    if (!bucket_ok(o->bucket))
        return err_set_at(cx, ERR_INVALID, S("objects.s3_bucket"),
                          "'" STR_FMT "' is no bucket: 3 to 63 lower-case letters, digits, '-' and '.'",
                          STR_ARG(str_first(o->bucket, 80)));
    if (o->access_key.n == 0 || o->secret_key.n == 0 || !header_text(o->access_key) || !header_text(o->region) ||
        !header_text(o->session_token))
        return err_set_at(cx, ERR_INVALID, S("objects.s3_access_key"),
                          "an access key and a secret key are needed, without spaces");
    if (o->prefix.n > 200 || (o->prefix.n && (o->prefix.p[0] == '/' || o->prefix.p[o->prefix.n - 1] != '/')))
        return err_set_at(cx, ERR_INVALID, S("objects.s3_prefix"), "a prefix ends in '/' and does not begin with it");
    return 0;
}

int object_s3_open(Ctx *cx, const S3Options *o, ObjectStore **out) {
    HttpUrl url;
    assert(o->http && o->ids && o->part_size <= S3_PART_MAX);
    int r = check_options(cx, o, &url);
    if (r && o->own_http)
        http_client_close(o->http);
    if (r)
        return r;
    S3Store *s = mem_new(S3Store);
    Arena *a = &s->arena;
    s->base.ops = &ops;
    s->o = *o;
    Str *const texts[] = { &s->o.region,     &s->o.bucket,     &s->o.prefix,
                           &s->o.access_key, &s->o.secret_key, &s->o.session_token };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(a, *texts[i]);
    if (s->o.region.n == 0)
        s->o.region = S("us-east-1");
    if (s->o.part_size == 0)
        s->o.part_size = S3_PIECE;
    s->o.spool = str_cz(a, o->spool ? str_c(o->spool) : S("/tmp"));
    s->scheme = url.tls ? S("https://") : S("http://");
    bool v6 = str_find_char(url.host, ':') >= 0;
    Str host = str_lower(a, url.host);
    Str port = url.port == (url.tls ? 443 : 80) ? S("") : str_fmt(a, ":%d", url.port);
    s->host = str_fmt(a, STR_FMT "%s%s" STR_FMT "%s" STR_FMT, STR_ARG(o->virtual_host ? s->o.bucket : S("")),
                      o->virtual_host ? "." : "", v6 ? "[" : "", STR_ARG(host), v6 ? "]" : "", STR_ARG(port));
    *out = &s->base;
    return 0;
}
