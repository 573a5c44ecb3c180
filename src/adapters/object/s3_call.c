/* adapters/object/s3_call.c - one call to the server: its URL, its signature, its retries, and what it may answer. */

#include "adapters/object/s3_internal.h"

enum { RETRY_MAX_MS = 8000, RETRY_TOTAL_MS = 5 * 60 * 1000, ERROR_MAX = 64 << 10 };

void s3_call_query(S3Call *c, Str name, Str value) {
    assert(c->n_query < S3_QUERY_MAX);
    c->query[c->n_query++] = (S3Pair){ name, value };
}

void s3_call_header(S3Call *c, Str name, Str value) {
    assert(c->n_headers < S3_HEADERS_MAX);
    c->headers[c->n_headers++] = (S3Pair){ name, value };
}

/* --- which answers are worth another try --- */

static bool one_of(Str code, const char *const *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(code, str_c(v[i])))
            return true;
    return false;
}

/* Beyond the platform's statuses: S3's 500 asks for a retry, as do some of its 400s and 409s, and the error in a 200.
 * ("Error responses", S3 API reference.) */
static int judge(void *arg, Ctx *cx, const HttpResponse *r, int failed) {
    static const char *const again[] = { "InternalError",    "RequestTimeout",     "IncompleteBody",
                                         "OperationAborted", "BadDigest",          "XAmzContentSHA256Mismatch",
                                         "SlowDown",         "ServiceUnavailable", "ConditionalRequestConflict" };
    UNUSED(arg);
    S3Error e = { 0 };
    bool may_tell = r->status == 200 || r->status == 400 || r->status == 409 || r->status == 500;
    if (failed || !may_tell)
        return 0;
    if (r->body.n && r->body.n <= ERROR_MAX && r->body.p[0] == '<')
        s3_error_read(cx->arena, r->body, &e);
    if (r->status == 200 && e.code.n == 0)
        return 0;
    if (r->status != 500 && !one_of(e.code, again, ARRAY_LEN(again)))
        return 0;
    err_set(cx, ERR_UNAVAILABLE, "HTTP %d " STR_FMT ": " STR_FMT, r->status, STR_ARG(e.code), STR_ARG(e.message));
    return HTTP_RETRY;
}

/* --- the call --- */

static Str call_path(const S3Store *s, Arena *a, Str key) {
    Str whole =
        s->o.virtual_host ? str_fmt(a, "/" STR_FMT STR_FMT, STR_ARG(key.n ? s->o.prefix : key), STR_ARG(key))
        : key.n ? str_fmt(a, "/" STR_FMT "/" STR_FMT STR_FMT, STR_ARG(s->o.bucket), STR_ARG(s->o.prefix), STR_ARG(key))
                : str_fmt(a, "/" STR_FMT, STR_ARG(s->o.bucket));
    return s3_encode(a, whole, true);
}

/* The signature and what it covers, as the request's headers. */
static size_t sign(const S3Store *s, Ctx *cx, const S3Call *c, Str path, HttpHeader *out) {
    S3Pair v[S3_SIGNED_MAX];
    char sum[SHA256_HEX + 1], at[S3_TIME_TEXT + 1];
    size_t n = c->n_headers;
    S3Signing g = { .method = c->method,
                    .path = path,
                    .query = c->query,
                    .n_query = c->n_query,
                    .headers = v,
                    .payload = sum,
                    .region = s->o.region,
                    .service = S("s3"),
                    .at = clock_wall(cx->clock) };
    memcpy(v, c->headers, n * sizeof *v);
    sha256_hex(c->body, sum);
    s3_time(g.at, at);
    v[n++] = (S3Pair){ S("host"), s->host };
    v[n++] = (S3Pair){ S("x-amz-content-sha256"), str_dup(cx->arena, str_c(sum)) };
    v[n++] = (S3Pair){ S("x-amz-date"), str_dup(cx->arena, str_c(at)) };
    if (s->o.session_token.n)
        v[n++] = (S3Pair){ S("x-amz-security-token"), s->o.session_token };
    g.n_headers = n;
    S3Keys keys = { s->o.access_key, s->o.secret_key, s->o.session_token };
    Str authorization = s3_authorization(cx->arena, &keys, &g);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (!str_eq(v[i].name, S("host"))) /* the client's own */
            out[k++] = (HttpHeader){ v[i].name, v[i].value };
    out[k++] = (HttpHeader){ S("authorization"), authorization };
    return k;
}

int s3_call(S3Store *s, Ctx *cx, const S3Call *c, HttpResponse *out) {
    static const int attempts = 5, backoff_ms = 200, timeout_ms = 60000;
    HttpHeader headers[S3_SIGNED_MAX];
    Rng rng;
    rng_seed(&rng, ids_u64(s->o.ids));
    Str path = call_path(s, cx->arena, c->key), query = s3_query(cx->arena, c->query, c->n_query);
    int64_t first = s->o.backoff_ms ? s->o.backoff_ms : backoff_ms;
    HttpRequest req = {
        .method = c->method,
        .url = str_fmt(cx->arena, STR_FMT STR_FMT STR_FMT "%s" STR_FMT, STR_ARG(s->scheme), STR_ARG(s->host),
                       STR_ARG(path), query.n ? "?" : "", STR_ARG(query)),
        .headers = headers,
        .n_headers = sign(s, cx, c, path, headers),
        .body = c->body,
        .total_ms = s->o.timeout_ms ? s->o.timeout_ms : timeout_ms,
        .max_body = c->answer_max ? c->answer_max : S3_ANSWER_MAX,
        .allow_private = s->o.allow_private,
    };
    /* Every call here may be repeated: a put or an end that came through twice is known by its number. */
    RetryPolicy policy = { .attempts = s->o.attempts ? s->o.attempts : attempts,
                           .base_ms = first,
                           .max_ms = MAX(first, RETRY_MAX_MS),
                           .total_ms = RETRY_TOTAL_MS,
                           .idempotent = true,
                           .rng = &rng,
                           .judge = judge };
    int r = http_fetch(s->o.http, cx, &req, &policy, out, NULL);
    if (r)
        return err_prefix(cx, "bucket " STR_FMT " at " STR_FMT, STR_ARG(s->o.bucket), STR_ARG(s->host));
    if (out->status / 100 == 2)
        atomic_store_explicit(&s->seen, true, memory_order_relaxed);
    return 0;
}

/* --- refusals --- */

typedef struct Refusal {
    const char *code; /* of S3; NULL: any */
    int status, err;
    const char *advice;
} Refusal;

/* clang-format off */
/* What the store's own settings cause is ERR_REPOSITORY: it is not the caller whom the server turned away. */
static const Refusal refusals[] = {
    { "NoSuchBucket",          0, ERR_REPOSITORY, "there is no such bucket: create it, or correct objects.s3_bucket" },
    { "InvalidAccessKeyId",    0, ERR_REPOSITORY, "the server does not know the access key: see objects.s3_access_key" },
    { "SignatureDoesNotMatch", 0, ERR_REPOSITORY, "the signature is not the server's: see objects.s3_secret_key" },
    { "RequestTimeTooSkewed",  0, ERR_REPOSITORY, "the clocks differ too much: set this machine's clock" },
    { "AuthorizationHeaderMalformed", 0, ERR_REPOSITORY, "the request is not signed as the server wants it: see objects.s3_region" },
    { "ExpiredToken",          0, ERR_REPOSITORY, "the session token has expired" },
    { "EntityTooLarge",        0, ERR_TOO_LARGE,  "the object is larger than the server takes" },
    { "MetadataTooLarge",      0, ERR_TOO_LARGE,  "the labels are longer than the server takes" },
    { "QuotaExceeded",         0, ERR_STORAGE,    "the quota is used up" },
    { "XMinioStorageFull",     0, ERR_STORAGE,    "the server's disks are full" },
    { "XMinioParentIsObject",  0, ERR_CONFLICT,   "this server keeps no key below another one" },
    { NULL, 301, ERR_REPOSITORY, "the bucket is elsewhere: see objects.s3_region and objects.s3_endpoint" },
    { NULL, 307, ERR_REPOSITORY, "the bucket is elsewhere: see objects.s3_region and objects.s3_endpoint" },
    { NULL, 400, ERR_REPOSITORY, "the server does not take the request: see objects.s3_region" },
    { NULL, 403, ERR_REPOSITORY, "the key may not do this in that bucket" },
    { NULL, 404, ERR_REPOSITORY, "there is no such bucket: create it, or correct objects.s3_bucket" },
    { NULL, 501, ERR_UNSUPPORTED, "the server cannot do this" },
    { NULL, 507, ERR_STORAGE,    "the server has no room" },
};
/* clang-format on */

int s3_refused(const S3Store *s, Ctx *cx, const S3Call *c, const HttpResponse *r) {
    S3Error e;
    s3_error_read(cx->arena, str_first(r->body, ERROR_MAX), &e);
    const Refusal *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(refusals) && !found; i++)
        if (refusals[i].code ? str_eq(e.code, str_c(refusals[i].code)) : refusals[i].status == r->status)
            found = &refusals[i];
    Str region = e.region.n ? e.region : http_response_header(r, S("x-amz-bucket-region"));
    Str told = e.message.n ? e.message : S("no reason told");
    return err_set(cx, found ? found->err : ERR_REPOSITORY,
                   "bucket " STR_FMT " at " STR_FMT ": %s of '" STR_FMT "': %s (HTTP %d " STR_FMT ": " STR_FMT
                   "%s" STR_FMT ")",
                   STR_ARG(s->o.bucket), STR_ARG(s->host), c->method, STR_ARG(str_first(c->key, 80)),
                   found ? found->advice : "refused", r->status, STR_ARG(e.code), STR_ARG(told),
                   region.n ? "; the region is " : "", STR_ARG(str_first(region, 40)));
}

/* A HEAD says 404 of keys and buckets alike, without words: then the bucket is asked, once in the store's life. */
int s3_missing(S3Store *s, Ctx *cx, const S3Call *c, const HttpResponse *r) {
    S3Error e;
    s3_error_read(cx->arena, str_first(r->body, ERROR_MAX), &e);
    if (str_eq(e.code, S("NoSuchBucket")))
        return s3_refused(s, cx, c, r);
    if (e.code.n || atomic_load_explicit(&s->seen, memory_order_relaxed))
        return OBJECT_NONE;
    S3Call ask = { .method = "HEAD" };
    HttpResponse answer;
    int failed = s3_call(s, cx, &ask, &answer);
    if (failed)
        return failed;
    return answer.status / 100 == 2 ? OBJECT_NONE : s3_refused(s, cx, &ask, &answer);
}

/* --- what an object says of itself --- */

static void read_meta(Ctx *cx, const HttpHeader *h, ObjectInfo *out, Str *put, bool *ours) {
    Str name = str_from(h->name, sizeof S3_META - 1);
    int64_t ms;
    if (str_eq(h->name, S(S3_META_SUM)) && h->value.n == SHA256_HEX) {
        memcpy(out->sha256, h->value.p, SHA256_HEX);
        *ours = true;
    } else if (str_eq(h->name, S(S3_META_AT)) && str_to_i64(h->value, &ms)) {
        out->modified = time_ms(ms);
    } else if (str_eq(h->name, S(S3_META_PUT)) && put) {
        *put = h->value;
    } else if (!str_starts(name, S(S3_META_OWN)) && out->n_labels < OBJECT_LABELS_MAX) {
        out->labels[out->n_labels++] = (ObjectLabel){ str_dup(cx->arena, name), h->value };
    }
}

int s3_info(Ctx *cx, Str key, const HttpResponse *r, ObjectInfo *out, Str *put) {
    ObjectInfo info = { .key = str_dup(cx->arena, key), .content_type = http_response_header(r, S("content-type")) };
    bool ours = false;
    Time modified;
    if (put)
        *put = (Str){ 0 };
    if (!str_to_i64(http_response_header(r, S("content-length")), &info.size) || info.size < 0 ||
        !s3_etag(http_response_header(r, S("etag")), info.etag))
        return err_set(cx, ERR_COLLECTION, "the object store tells no size or etag of '" STR_FMT "'", STR_ARG(key));
    if (http_date_parse(http_response_header(r, S("last-modified")), &modified))
        info.modified = modified;
    info.labels = arena_new_n(cx->arena, ObjectLabel, OBJECT_LABELS_MAX);
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_starts(r->headers[i].name, S(S3_META)))
            read_meta(cx, &r->headers[i], &info, put, &ours);
    for (size_t i = 0; ours && i < info.n_labels; i++)
        info.labels[i].value = s3_label_read(cx->arena, info.labels[i].value);
    *out = info;
    return 0;
}
