/* adapters/object/s3_multipart.c - a large object, in parts: begun, sent one after the other, and made one at the end; or
 * taken back. */

#include "adapters/object/s3_internal.h"

#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

enum { ABORT_MS = 10000, END_TEXT_MAX = 4 << 20 };

typedef char Etag[OBJECT_ETAG_MAX + 1];

/* The store's part, or larger where 10,000 of those would not do. */
static int64_t part_size(const S3Upload *u) {
    int64_t size = (int64_t)u->s->o.part_size, whole = (u->size + S3_PARTS_MAX - 1) / S3_PARTS_MAX;
    return MAX(size, whole);
}

static int begin(const S3Upload *u, Ctx *cx, Str *id) {
    S3Call c = { .method = "POST", .key = u->key };
    HttpResponse r;
    s3_call_query(&c, S("uploads"), S(""));
    for (size_t i = 0; i < u->n_headers; i++)
        s3_call_header(&c, u->headers[i].name, u->headers[i].value);
    int failed = s3_call(u->s, cx, &c, &r);
    if (failed)
        return failed;
    if (r.status != 200)
        return s3_refused(u->s, cx, &c, &r);
    if (s3_element_read(cx->arena, r.body, S("InitiateMultipartUploadResult"), S("UploadId"), id) != 0 || id->n > 1024)
        return err_set(cx, ERR_COLLECTION, "the object store at " STR_FMT " begins an upload without an id",
                       STR_ARG(u->s->host));
    return 0;
}

static int read_part(Ctx *cx, int fd, int64_t at, size_t n, char *out) {
    for (size_t got = 0; got < n;) {
        ssize_t k = pread(fd, out + got, n - got, (off_t)(at + (int64_t)got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return file_fail(cx, errno, "read", "what was gathered of the put");
        if (k == 0)
            return err_set(cx, ERR_IO, "what was gathered of the put has become shorter");
        got += (size_t)k;
    }
    return 0;
}

static int send_part(const S3Upload *u, Ctx *cx, Str id, int number, Str bytes, Etag etag) {
    S3Call c = { .method = "PUT", .key = u->key, .body = bytes };
    HttpResponse r;
    s3_call_query(&c, S("partNumber"), str_fmt(cx->arena, "%d", number));
    s3_call_query(&c, S("uploadId"), id);
    s3_call_header(&c, S("content-type"), S("application/octet-stream")); /* else the client names one of its own */
    int failed = s3_call(u->s, cx, &c, &r);
    if (failed)
        return failed;
    if (r.status != 200)
        return s3_refused(u->s, cx, &c, &r);
    if (!s3_etag(http_response_header(&r, S("etag")), etag))
        return err_set(cx, ERR_COLLECTION, "the object store at " STR_FMT " tells no etag of part %d",
                       STR_ARG(u->s->host), number);
    return 0;
}

/* One part in memory at a time; what the calls leave in the arena goes with each. */
static int send_parts(const S3Upload *u, Ctx *cx, Str id, Etag *etags, int n) {
    int64_t size = part_size(u);
    char *bytes = mem_alloc((size_t)size);
    int r = 0;
    for (int i = 0; r == 0 && i < n; i++) {
        ArenaMark mark = arena_mark(cx->arena);
        int64_t at = i * size;
        size_t many = (size_t)MIN(size, u->size - at);
        r = read_part(cx, u->fd, at, many, bytes);
        if (r == 0)
            r = send_part(u, cx, id, i + 1, str_n(bytes, many), etags[i]);
        arena_rewind(cx->arena, mark);
    }
    mem_free(bytes);
    return r;
}

static Str end_text(Ctx *cx, Etag *etags, int n) {
    Buf b;
    buf_init(&b, END_TEXT_MAX);
    BUF_LIT(&b, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (int i = 0; i < n; i++) {
        buf_printf(&b, "<Part><PartNumber>%d</PartNumber><ETag>&quot;", i + 1);
        for (const char *p = etags[i]; *p; p++) /* an etag is the server's text */
            if (*p == '&' || *p == '<' || *p == '>')
                buf_printf(&b, "&#%d;", *p);
            else
                buf_put_c(&b, *p);
        BUF_LIT(&b, "&quot;</ETag></Part>");
    }
    BUF_LIT(&b, "</CompleteMultipartUpload>");
    assert(buf_ok(&b)); /* 10,000 parts of at most 400 bytes */
    Str out = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return out;
}

static int end(const S3Upload *u, Ctx *cx, Str id, Etag *etags, int n, HttpResponse *out) {
    S3Call c = { .method = "POST", .key = u->key, .body = end_text(cx, etags, n) };
    s3_call_query(&c, S("uploadId"), id);
    s3_call_header(&c, S("content-type"), S("application/xml"));
    for (size_t i = 0; i < u->n_conditions; i++)
        s3_call_header(&c, u->conditions[i].name, u->conditions[i].value);
    int r = s3_call(u->s, cx, &c, out);
    /* 404 is NoSuchUpload when an earlier try came through, or a condition on a key that is not there. */
    if (r || out->status == 200 || out->status == 404 || (u->n_conditions && out->status == 412))
        return r;
    return s3_refused(u->s, cx, &c, out);
}

/* Parts cost room until they are taken back. The words of the failure stay. */
static void take_back(const S3Upload *u, Ctx *cx, Str id) {
    Ctx quiet = *cx;
    S3Call c = { .method = "DELETE", .key = u->key };
    HttpResponse r;
    quiet.cancel = NULL;
    quiet.deadline = mono_add_ms(clock_mono(cx->clock), ABORT_MS);
    s3_call_query(&c, S("uploadId"), id);
    s3_call(u->s, &quiet, &c, &r);
}

int s3_upload(const S3Upload *u, Ctx *cx, HttpResponse *out) {
    int64_t size = part_size(u);
    int n = (int)((u->size + size - 1) / size);
    Str id = { 0 };
    Etag *etags = (Etag *)arena_zalloc(cx->arena, mem_mul((size_t)n, sizeof(Etag)));
    int r = begin(u, cx, &id);
    if (r)
        return r;
    r = send_parts(u, cx, id, etags, n);
    if (r == 0)
        r = end(u, cx, id, etags, n, out);
    if (r || out->status != 200)
        take_back(u, cx, id);
    return r;
}
