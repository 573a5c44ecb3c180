/* adapters/object/s3_put.c - a put: gathered, then sent whole or in parts, under its condition. */

#include "adapters/object/s3_internal.h"

#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct S3Writer {
    ObjectWriter base;
    Arena arena; /* the put's own texts */
    ObjectPut put;
    ObjectLabel labels[OBJECT_LABELS_MAX];
    Buf head; /* all bytes, up to one part; then they go to fd */
    int fd;   /* -1: not yet */
    Sha256 sum;
    int64_t size;
} S3Writer;

/* --- gathering --- */

static void writer_free(S3Writer *w) {
    if (w->fd >= 0)
        close(w->fd);
    buf_done(&w->head);
    arena_done(&w->arena);
    mem_free(w);
}

int s3_put_begin(ObjectStore *store, Ctx *cx, const ObjectPut *put, ObjectWriter **out) {
    S3Store *s = (S3Store *)store;
    for (size_t i = 0; i < put->n_labels; i++)
        if (str_starts(put->labels[i].name, S(S3_META_OWN)))
            return err_set_at(cx, ERR_INVALID, S("labels"),
                              "labels that begin with '" S3_META_OWN "' are the store's own");
    S3Writer *w = mem_new(S3Writer);
    w->put = *put;
    w->put.key = str_dup(&w->arena, put->key);
    w->put.content_type = str_dup(&w->arena, put->content_type);
    w->put.if_etag = str_dup(&w->arena, put->if_etag);
    for (size_t i = 0; i < put->n_labels; i++)
        w->labels[i] =
            (ObjectLabel){ str_dup(&w->arena, put->labels[i].name), str_dup(&w->arena, put->labels[i].value) };
    w->put.labels = w->labels;
    w->fd = -1;
    buf_init(&w->head, s->o.part_size);
    sha256_init(&w->sum);
    *out = &w->base;
    return 0;
}

/* A file that nobody else can open, and that is gone with the process. */
static int spool_open(Ctx *cx, const char *folder, int *out) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) { /* a file system without them */
        char *path = path_join(cx->arena, folder, "finsight-put-XXXXXX");
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    *out = fd;
    return fd >= 0 ? 0 : file_fail(cx, errno, "write in", folder);
}

static int spool_write(Ctx *cx, int fd, const char *folder, Str bytes) {
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_fail(cx, errno, "write in", folder);
        bytes = str_from(bytes, (size_t)n);
    }
    return 0;
}

int s3_put_data(ObjectWriter *writer, Ctx *cx, Str bytes) {
    S3Writer *w = (S3Writer *)writer;
    const S3Store *s = (S3Store *)writer->store;
    int r = 0;
    sha256_put(&w->sum, bytes);
    w->size += (int64_t)bytes.n;
    if (w->size > (int64_t)S3_PARTS_MAX * S3_PART_MAX)
        return err_set(cx, ERR_TOO_LARGE, "an object of more than %lld bytes", (long long)S3_PARTS_MAX * S3_PART_MAX);
    if (w->fd < 0 && buf_put_str(&w->head, bytes) == 0)
        return 0;
    if (w->fd < 0) {
        r = spool_open(cx, s->o.spool, &w->fd);
        if (r == 0)
            r = spool_write(cx, w->fd, s->o.spool, buf_str(&w->head));
        buf_done(&w->head);
    }
    return r ? r : spool_write(cx, w->fd, s->o.spool, bytes);
}

void s3_put_abort(ObjectWriter *writer) {
    writer_free((S3Writer *)writer);
}

/* --- conditions --- */

/* Does the server honour If-None-Match? Tried on a key that nobody else has: the second put must fail. */
static int try_conditions(S3Store *s, Ctx *cx) {
    if (atomic_load(&s->conditions) == S3_HONOURED)
        return 0;
    Str key = str_fmt(cx->arena, ".finsight-condition-%016llx", (unsigned long long)ids_u64(s->o.ids));
    HttpResponse answer = { 0 };
    int r = atomic_load(&s->conditions) == S3_IGNORED;
    for (int i = 0; r == 0 && i < 2; i++) {
        S3Call c = { .method = "PUT", .key = key };
        s3_call_header(&c, S("if-none-match"), S("*"));
        s3_call_header(&c, S("content-type"), S("application/octet-stream"));
        r = s3_call(s, cx, &c, &answer);
        bool held = answer.status == 412; /* an earlier try of the first may have come through */
        if (r == 0 && !held && answer.status / 100 != 2)
            r = s3_refused(s, cx, &c, &answer);
        if (r == 0 && (held || i == 1))
            atomic_store(&s->conditions, held ? S3_HONOURED : S3_IGNORED);
    }
    S3Call gone = { .method = "DELETE", .key = key };
    if (r == 0)
        r = s3_call(s, cx, &gone, &answer);
    if (r == 0 && atomic_load(&s->conditions) == S3_HONOURED)
        return 0;
    return r < 0 ? r
                 : err_set(cx, ERR_UNSUPPORTED,
                           "the object store at " STR_FMT
                           " takes no notice of If-None-Match: two writers could undo each "
                           "other; use a server that does (S3, MinIO), or objects.store: dir",
                           STR_ARG(s->host));
}

/* A condition that failed, or an upload that is gone: was it an earlier try of our own that came through? Asked always: the
 * HTTP client may have sent twice by itself, on a kept connection that had died. */
static int settle(S3Store *s, Ctx *cx, const S3Writer *w, Str number, ObjectInfo *out) {
    S3Call c = { .method = "HEAD", .key = w->put.key };
    HttpResponse r;
    ObjectInfo info;
    Str put;
    int failed = s3_call(s, cx, &c, &r);
    if (failed)
        return failed;
    if (r.status != 200)
        return OBJECT_CHANGED;
    failed = s3_info(cx, w->put.key, &r, &info, &put);
    if (failed)
        return failed;
    if (!str_eq(put, number) && !w->put.if_absent && w->put.if_etag.n == 0)
        return err_set(cx, ERR_COLLECTION, "the upload of '" STR_FMT "' is gone from the object store; put it again",
                       STR_ARG(w->put.key));
    if (!str_eq(put, number))
        return OBJECT_CHANGED;
    *out = info;
    return 0;
}

/* --- sending --- */

typedef struct Sending { /* what one put says of itself */
    S3Pair headers[S3_HEADERS_MAX];
    size_t n_headers;
    S3Pair condition[1];
    size_t n_conditions;
    Str number;
} Sending;

static void describe(Ctx *cx, const S3Store *s, const S3Writer *w, const ObjectInfo *info, Sending *out) {
    Arena *a = cx->arena;
    S3Pair *v = out->headers;
    size_t n = 0;
    out->number = str_fmt(a, "%016llx", (unsigned long long)ids_u64(s->o.ids));
    v[n++] = (S3Pair){ S("content-type"), info->content_type };
    v[n++] = (S3Pair){ S(S3_META_SUM), str_dup(a, str_c(info->sha256)) };
    v[n++] = (S3Pair){ S(S3_META_AT), str_fmt(a, "%lld", (long long)info->modified.ms) };
    v[n++] = (S3Pair){ S(S3_META_PUT), out->number };
    for (size_t i = 0; i < w->put.n_labels; i++)
        v[n++] =
            (S3Pair){ str_fmt(a, S3_META STR_FMT, STR_ARG(w->labels[i].name)), s3_label_write(a, w->labels[i].value) };
    out->n_headers = n;
    if (w->put.if_absent)
        out->condition[out->n_conditions++] = (S3Pair){ S("if-none-match"), S("*") };
    else if (w->put.if_etag.n)
        out->condition[out->n_conditions++] =
            (S3Pair){ S("if-match"), str_fmt(a, "\"" STR_FMT "\"", STR_ARG(w->put.if_etag)) };
}

static int send_whole(S3Store *s, Ctx *cx, const S3Writer *w, const Sending *g, HttpResponse *out) {
    S3Call c = { .method = "PUT", .key = w->put.key, .body = buf_str(&w->head) };
    for (size_t i = 0; i < g->n_headers; i++)
        s3_call_header(&c, g->headers[i].name, g->headers[i].value);
    for (size_t i = 0; i < g->n_conditions; i++)
        s3_call_header(&c, g->condition[i].name, g->condition[i].value);
    int r = s3_call(s, cx, &c, out);
    if (r || out->status / 100 == 2 || out->status == 412 || (out->status == 404 && w->put.if_etag.n))
        return r;
    return s3_refused(s, cx, &c, out);
}

static int send_parts(S3Store *s, Ctx *cx, const S3Writer *w, const Sending *g, HttpResponse *out) {
    S3Upload u = { .s = s,
                   .key = w->put.key,
                   .headers = g->headers,
                   .n_headers = g->n_headers,
                   .conditions = g->condition,
                   .n_conditions = g->n_conditions,
                   .fd = w->fd,
                   .size = w->size };
    return s3_upload(&u, cx, out);
}

/* The etag of what was put: told in the answer's header, or (of parts) in its body. */
static int learn_etag(S3Store *s, Ctx *cx, const HttpResponse *r, ObjectInfo *info) {
    Str text = http_response_header(r, S("etag"));
    if (s3_etag(text, info->etag))
        return 0;
    if (s3_element_read(cx->arena, r->body, S("CompleteMultipartUploadResult"), S("ETag"), &text) == 0 &&
        s3_etag(text, info->etag))
        return 0;
    return err_set(cx, ERR_COLLECTION, "the object store at " STR_FMT " tells no etag of '" STR_FMT "'",
                   STR_ARG(s->host), STR_ARG(info->key));
}

static int send(S3Store *s, Ctx *cx, const S3Writer *w, ObjectInfo *info) {
    Sending g = { 0 };
    HttpResponse r = { 0 };
    describe(cx, s, w, info, &g);
    int failed = g.n_conditions ? try_conditions(s, cx) : 0;
    if (failed == 0)
        failed = w->fd < 0 ? send_whole(s, cx, w, &g, &r) : send_parts(s, cx, w, &g, &r);
    if (failed)
        return failed;
    if (r.status == 404 || r.status == 412)
        return settle(s, cx, w, g.number, info);
    return learn_etag(s, cx, &r, info);
}

int s3_put_end(ObjectWriter *writer, Ctx *cx, ObjectInfo *out) {
    S3Writer *w = (S3Writer *)writer;
    S3Store *s = (S3Store *)writer->store;
    Arena *a = cx->arena;
    ObjectInfo info = { .key = str_dup(a, w->put.key),
                        .size = w->size,
                        .modified = clock_wall(cx->clock),
                        .content_type =
                            w->put.content_type.n ? str_dup(a, w->put.content_type) : S("application/octet-stream"),
                        .n_labels = w->put.n_labels };
    sha256_end_hex(&w->sum, info.sha256);
    info.labels = arena_new_n(a, ObjectLabel, w->put.n_labels + 1);
    for (size_t i = 0; i < info.n_labels; i++)
        info.labels[i] = (ObjectLabel){ str_dup(a, w->labels[i].name), str_dup(a, w->labels[i].value) };
    int r = send(s, cx, w, &info);
    writer_free(w);
    if (r == 0)
        *out = info;
    return r;
}
