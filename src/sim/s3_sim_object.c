/* sim/s3_sim_object.c - objects: put, read, listed, removed; see s3_sim.h. */

#include "base/utf8.h"
#include "base/xml.h"
#include "sim/s3_sim_internal.h"

enum { META_BYTES = 2048, KEY_MAX = 1024, LIST_MAX = 1000, LIST_TEXT_MAX = 8 << 20 };

/* --- the shelf --- */

/* Where the key is, or would be. */
static size_t place(const SimBucket *b, Str key, bool *there) {
    size_t low = 0, high = b->objects.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (str_cmp(b->objects.v[mid]->key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *there = low < b->objects.n && str_eq(b->objects.v[low]->key, key);
    return low;
}

SimObject *sim_object(const SimBucket *b, Str key) {
    bool there;
    size_t at = place(b, key, &there);
    return there ? b->objects.v[at] : NULL;
}

static Str heap_dup(Str s) {
    char *p = mem_alloc(s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return str_n(p, s.n);
}

SimObject *sim_object_free(S3Sim *s, SimObject *o) {
    if (!o)
        return NULL;
    s->bytes -= o->bytes.n;
    mem_free((char *)(uintptr_t)o->key.p);
    mem_free((char *)(uintptr_t)o->content_type.p);
    mem_free((char *)(uintptr_t)o->bytes.p);
    for (size_t i = 0; i < o->n_meta; i++) {
        mem_free((char *)(uintptr_t)o->meta[i].name.p);
        mem_free((char *)(uintptr_t)o->meta[i].value.p);
    }
    return mem_free(o);
}

SimObject *sim_object_new(const SimCall *c) {
    SimObject *o = mem_new(SimObject);
    Str type = sim_header(c->req, "content-type");
    o->key = heap_dup(c->key);
    o->content_type = heap_dup(type.n ? type : S("binary/octet-stream"));
    o->modified = c->now;
    for (size_t i = 0; i < c->req->n_headers && o->n_meta < S3_SIM_META_MAX; i++)
        if (str_starts(c->req->headers[i].name, S("x-amz-meta-")))
            o->meta[o->n_meta++] =
                (HttpHeader){ heap_dup(c->req->headers[i].name), heap_dup(c->req->headers[i].value) };
    return o;
}

void sim_object_store(S3Sim *s, SimBucket *b, SimObject *o) {
    bool there;
    size_t at = place(b, o->key, &there);
    if (there) {
        sim_object_free(s, b->objects.v[at]);
    } else {
        vec_push(&b->objects, o);
        memmove(b->objects.v + at + 1, b->objects.v + at, (b->objects.n - 1 - at) * sizeof *b->objects.v);
    }
    b->objects.v[at] = o;
}

bool sim_object_remove(S3Sim *s, SimBucket *b, Str key) {
    bool there;
    size_t at = place(b, key, &there);
    if (!there)
        return false;
    sim_object_free(s, b->objects.v[at]);
    b->objects.n--;
    memmove(b->objects.v + at, b->objects.v + at + 1, (b->objects.n - at) * sizeof *b->objects.v);
    return true;
}

/* --- conditions --- */

/* "\"abc\"", "*", or several with commas. */
static bool etag_in(Str list, const SimObject *o) {
    Str one;
    if (str_eq(str_trim(list), S("*")))
        return true;
    while (str_next(&list, ',', &one)) {
        one = str_trim(one);
        if (one.n >= 2 && one.p[0] == '"')
            one = str_n(one.p + 1, one.n - 2);
        if (str_eq(one, str_c(o->etag)))
            return true;
    }
    return false;
}

bool sim_condition(SimCall *c, const SimBucket *b) {
    const SimObject *o = sim_object(b, c->key);
    Str none = sim_header(c->req, "if-none-match"), match = sim_header(c->req, "if-match");
    if (c->s->o.ignore_conditions)
        return true;
    if (match.n && !o) {
        sim_error(c, 404, "NoSuchKey", "The specified key does not exist.", (Str){ 0 });
        return false;
    }
    if ((none.n && o) || (match.n && !etag_in(match, o))) {
        sim_error(c, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                  (Str){ 0 });
        return false;
    }
    return true;
}

/* --- puts --- */

static bool key_and_meta_ok(SimCall *c) {
    size_t bytes = 0, n = 0;
    for (size_t i = 0; i < c->req->n_headers; i++)
        if (str_starts(c->req->headers[i].name, S("x-amz-meta-"))) {
            bytes += c->req->headers[i].name.n - 11 + c->req->headers[i].value.n;
            n++;
        }
    if (c->key.n > KEY_MAX || !utf8_valid(c->key))
        sim_error(c, 400, "KeyTooLongError", "Your key is too long, or no UTF-8", (Str){ 0 });
    else if (bytes > META_BYTES || n > S3_SIM_META_MAX)
        sim_error(c, 400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size",
                  (Str){ 0 });
    else
        return true;
    return false;
}

static void put_object(SimCall *c, SimBucket *b) {
    if (sim_header(c->req, "x-amz-copy-source").n) {
        sim_error(c, 501, "NotImplemented", "The simulator does not copy.", (Str){ 0 });
        return;
    }
    if (!key_and_meta_ok(c) || !sim_condition(c, b) || !sim_room(c, c->req->body.n))
        return;
    SimObject *o = sim_object_new(c);
    o->bytes = heap_dup(c->req->body);
    c->s->bytes += o->bytes.n;
    sim_etag_of(o->bytes, o->etag);
    c->out->status = 200;
    sim_put_header(c, "etag", str_fmt(c->a, "\"%s\"", o->etag));
    sim_object_store(c->s, b, o);
}

/* --- reads --- */

static void describe(SimCall *c, const SimObject *o) {
    char date[TIME_TEXT_MAX];
    size_t n = time_format_http(o->modified, date);
    sim_put_header(c, "etag", str_fmt(c->a, "\"%s\"", o->etag));
    sim_put_header(c, "last-modified", str_dup(c->a, str_n(date, n)));
    sim_put_header(c, "content-type", o->content_type);
    sim_put_header(c, "accept-ranges", S("bytes"));
    for (size_t i = 0; i < o->n_meta; i++)
        sim_put_header(c, str_cz(c->a, o->meta[i].name), o->meta[i].value);
}

/* "bytes=a-b", "bytes=a-", "bytes=-n": false, with the refusal, when none of it is there; *whole: no range was asked for. */
static bool read_range(SimCall *c, const SimObject *o, size_t *from, size_t *n, bool *whole) {
    Str header = sim_header(c->req, "range"), first;
    int64_t size = (int64_t)o->bytes.n, a = 0, b = size - 1;
    *whole = !str_starts(header, S("bytes=")) || str_find_char(header, ',') >= 0;
    *from = 0;
    *n = o->bytes.n;
    if (*whole)
        return true;
    Str last = str_from(header, 6);
    bool ok = str_next(&last, '-', &first) && (first.n == 0 || str_to_i64(first, &a)) &&
              (last.n == 0 || str_to_i64(last, &b)) && (first.n || last.n);
    if (ok && first.n == 0) {
        a = MAX(size - b, 0);
        b = size - 1;
    }
    if (!ok || b < a) {
        *whole = true; /* no range at all is no range */
        if (!ok || (first.n && last.n))
            return true;
    }
    if (a >= size) {
        sim_error(c, 416, "InvalidRange", "The requested range is not satisfiable", (Str){ 0 });
        sim_put_header(c, "content-range", str_fmt(c->a, "bytes */%lld", (long long)size));
        return false;
    }
    *whole = false;
    *from = (size_t)a;
    *n = (size_t)(MIN(b, size - 1) - a + 1);
    return true;
}

static bool read_condition(SimCall *c, const SimObject *o) {
    Str none = sim_header(c->req, "if-none-match"), match = sim_header(c->req, "if-match");
    if (match.n && !etag_in(match, o)) {
        sim_error(c, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                  (Str){ 0 });
        return false;
    }
    if (none.n && etag_in(none, o)) {
        c->out->status = 304;
        sim_put_header(c, "etag", str_fmt(c->a, "\"%s\"", o->etag));
        return false;
    }
    return true;
}

static void get_object(SimCall *c, const SimBucket *b, bool head) {
    const SimObject *o = sim_object(b, c->key);
    size_t from, n;
    bool whole;
    if (!o) {
        sim_error(c, 404, "NoSuchKey", "The specified key does not exist.", (Str){ 0 });
        return;
    }
    if (!read_condition(c, o) || !read_range(c, o, &from, &n, &whole))
        return;
    describe(c, o);
    c->out->status = whole ? 200 : 206;
    if (!whole)
        sim_put_header(c, "content-range", str_fmt(c->a, "bytes %zu-%zu/%zu", from, from + n - 1, o->bytes.n));
    if (head)
        c->out->length = (int64_t)n;
    else
        c->out->body = str_first(str_from(o->bytes, from), n);
}

void sim_object_call(SimCall *c, SimBucket *b) {
    Str m = c->req->method;
    if (c->n_query && !str_eq(m, S("GET"))) { /* ?acl, ?tagging… ; GET has x-id, response-… which change nothing here */
        bool harmless = c->n_query == 1 && str_eq(c->query[0].name, S("x-id"));
        if (!harmless) {
            sim_error(c, 501, "NotImplemented", "The simulator does not do this to objects.", (Str){ 0 });
            return;
        }
    }
    if (str_eq(m, S("PUT"))) {
        put_object(c, b);
    } else if (str_eq(m, S("GET")) || str_eq(m, S("HEAD"))) {
        get_object(c, b, str_eq(m, S("HEAD")));
    } else if (str_eq(m, S("DELETE"))) {
        sim_object_remove(c->s, b, c->key);
        c->out->status = 204;
    } else {
        sim_error(c, 405, "MethodNotAllowed", "The specified method is not allowed against this resource.", (Str){ 0 });
    }
}

/* --- lists --- */

static Str list_key(const SimCall *c, Str key, bool encode) {
    if (!encode)
        return sim_escape(c->a, key);
    Buf b;
    buf_init(&b, key.n * 3 + 1);
    for (size_t i = 0; i < key.n; i++) { /* as S3 does: '/' stays, a space is '+' */
        char ch = key.p[i];
        bool plain = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
                     (ch && strchr("-_.*/", ch));
        if (plain)
            buf_put_c(&b, ch);
        else if (ch == ' ')
            buf_put_c(&b, '+');
        else
            buf_printf(&b, "%%%02X", (unsigned)(uint8_t)ch);
    }
    Str out = str_dup(c->a, buf_str(&b));
    buf_done(&b);
    return out;
}

static void put_item(SimCall *c, Buf *b, const SimObject *o, bool encode) {
    buf_printf(
        b,
        "<Contents><Key>" STR_FMT "</Key><LastModified>" STR_FMT
        "</LastModified><ETag>&quot;%s&quot;</ETag><Size>%zu</Size><StorageClass>STANDARD</StorageClass></Contents>",
        STR_ARG(list_key(c, o->key, encode)), STR_ARG(time_iso(c->a, o->modified)), o->etag, o->bytes.n);
}

/* After a page: where the next one begins. With a delimiter a whole group counts as one. */
typedef struct Listing {
    Buf items, groups;
    size_t n;
    Str last; /* key or group told last */
    bool more;
} Listing;

static void list_walk(SimCall *c, const SimBucket *b, Str after, size_t limit, bool encode, Listing *l) {
    Str prefix = sim_query(c, "prefix", NULL), delimiter = sim_query(c, "delimiter", NULL);
    for (size_t i = 0; i < b->objects.n; i++) {
        const SimObject *o = b->objects.v[i];
        if (!str_starts(o->key, prefix) || str_cmp(o->key, after) <= 0)
            continue;
        ptrdiff_t cut = delimiter.n ? str_find(str_from(o->key, prefix.n), delimiter) : -1;
        Str group = cut < 0 ? (Str){ 0 } : str_first(o->key, prefix.n + (size_t)cut + delimiter.n);
        if (group.n && (str_eq(group, l->last) || (after.n && str_starts(after, group))))
            continue;
        if (l->n == limit) {
            l->more = true;
            return;
        }
        l->n++;
        l->last = group.n ? group : o->key;
        if (group.n)
            buf_printf(&l->groups, "<CommonPrefixes><Prefix>" STR_FMT "</Prefix></CommonPrefixes>",
                       STR_ARG(list_key(c, group, encode)));
        else
            put_item(c, &l->items, o, encode);
    }
}

/* A token is the last key in hex: opaque enough to show a client that takes it apart. */
static Str token_write(Arena *a, Str key) {
    Buf b;
    buf_init(&b, key.n * 2 + 2);
    buf_put_c(&b, 't');
    for (size_t i = 0; i < key.n; i++)
        buf_printf(&b, "%02x", (unsigned)(uint8_t)key.p[i]);
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

static bool token_read(Arena *a, Str token, Str *out) {
    if (token.n % 2 == 0 || token.p[0] != 't')
        return false;
    char *p = arena_alloc(a, token.n);
    size_t n = 0;
    for (size_t i = 1; i < token.n; i += 2) {
        int high = hex_value(token.p[i]), low = hex_value(token.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        p[n++] = (char)(high << 4 | low);
    }
    *out = str_n(p, n);
    return true;
}

void sim_list(SimCall *c, const SimBucket *b) {
    int64_t limit = LIST_MAX;
    bool sized, resumed, encode = str_eq(sim_query(c, "encoding-type", NULL), S("url"));
    Str text = sim_query(c, "max-keys", &sized), token = sim_query(c, "continuation-token", &resumed);
    Str after = sim_query(c, "start-after", NULL);
    if ((sized && (!str_to_i64(text, &limit) || limit < 0)) || (resumed && !token_read(c->a, token, &after))) {
        sim_error(c, 400, "InvalidArgument", "max-keys or continuation-token makes no sense", (Str){ 0 });
        return;
    }
    limit = MIN(limit, LIST_MAX);
    Listing l = { 0 };
    buf_init(&l.items, LIST_TEXT_MAX);
    buf_init(&l.groups, LIST_TEXT_MAX);
    list_walk(c, b, after, (size_t)limit, encode, &l);
    Str next = l.more && limit > 0 ? str_fmt(c->a, "<NextContinuationToken>" STR_FMT "</NextContinuationToken>",
                                             STR_ARG(token_write(c->a, l.last)))
                                   : (Str){ 0 };
    sim_xml(c, 200,
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>%s</Name><Prefix>" STR_FMT
            "</Prefix><KeyCount>%zu</KeyCount><MaxKeys>%lld</MaxKeys>%s<IsTruncated>%s</IsTruncated>" STR_FMT STR_FMT
                STR_FMT "</ListBucketResult>",
            b->name, STR_ARG(list_key(c, sim_query(c, "prefix", NULL), encode)), l.n, (long long)limit,
            encode ? "<EncodingType>url</EncodingType>" : "", l.more && limit > 0 ? "true" : "false", STR_ARG(next),
            STR_ARG(buf_str(&l.items)), STR_ARG(buf_str(&l.groups)));
    buf_done(&l.items);
    buf_done(&l.groups);
}

/* <Delete><Object><Key>a</Key></Object>…</Delete> */
void sim_remove_many(SimCall *c, SimBucket *b) {
    XmlReader r;
    XmlToken t;
    Str name = { 0 }, text = { 0 };
    Buf done;
    int failed;
    size_t n = 0;
    buf_init(&done, LIST_TEXT_MAX);
    xml_reader_init(&r, c->req->body, c->a);
    while ((failed = xml_next(&r, &t)) == 0 && t.kind != XML_END_OF_TEXT && n <= LIST_MAX) {
        if (t.kind == XML_OPEN)
            name = t.text;
        else if (t.kind == XML_TEXT)
            text = t.text;
        else if (str_eq(t.text, S("Key")) && str_eq(name, S("Key"))) {
            n++;
            sim_object_remove(c->s, b, text);
            buf_printf(&done, "<Deleted><Key>" STR_FMT "</Key></Deleted>", STR_ARG(sim_escape(c->a, text)));
        }
    }
    if (failed || n == 0 || n > LIST_MAX)
        sim_error(c, 400, "MalformedXML", "The XML you provided was not well-formed", (Str){ 0 });
    else
        sim_xml(c, 200, "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" STR_FMT "</DeleteResult>",
                STR_ARG(buf_str(&done)));
    buf_done(&done);
}
