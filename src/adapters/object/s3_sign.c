/* adapters/object/s3_sign.c - see s3_sign.h. */

#include "adapters/object/s3_sign.h"

#include "base/hmac.h"

#include <stdio.h>
#include <stdlib.h>

enum { CANONICAL_MAX = 64 << 10 };

static bool unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

Str s3_encode(Arena *a, Str text, bool path) {
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, text.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (unreserved(c) || (path && c == '/')) {
            out[n++] = c;
        } else {
            out[n++] = '%';
            out[n++] = hex[(uint8_t)c >> 4];
            out[n++] = hex[(uint8_t)c & 15];
        }
    }
    return str_n(out, n);
}

static int pair_cmp(const void *a, const void *b) {
    const S3Pair *x = a, *y = b;
    int c = str_cmp(x->name, y->name);
    return c ? c : str_cmp(x->value, y->value);
}

Str s3_query(Arena *a, const S3Pair *query, size_t n) {
    S3Pair v[S3_QUERY_MAX];
    Buf b;
    assert(n <= S3_QUERY_MAX);
    for (size_t i = 0; i < n; i++)
        v[i] = (S3Pair){ s3_encode(a, query[i].name, false), s3_encode(a, query[i].value, false) };
    if (n > 1)
        qsort(v, n, sizeof *v, pair_cmp);
    buf_init(&b, CANONICAL_MAX);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s" STR_FMT "=" STR_FMT, i ? "&" : "", STR_ARG(v[i].name), STR_ARG(v[i].value));
    Str out = str_dup(a, buf_str(&b));
    assert(buf_ok(&b));
    buf_done(&b);
    return out;
}

void s3_time(Time at, char out[static S3_TIME_TEXT + 1]) {
    Civil c = time_to_civil(at);
    assert(c.year >= 0 && c.year <= 9999);
    snprintf(out, S3_TIME_TEXT + 1, "%04u%02u%02uT%02u%02u%02uZ", (unsigned)c.year % 10000U, (unsigned)c.month % 100U,
             (unsigned)c.day % 100U, (unsigned)c.hour % 100U, (unsigned)c.minute % 100U, (unsigned)c.second % 100U);
}

/* A header's value as it is signed: trimmed, runs of spaces as one. */
static void put_value(Buf *b, Str value) {
    Str v = str_trim(value);
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] != ' ' || v.p[i - 1] != ' ')
            buf_put_c(b, v.p[i]);
}

static Str signed_names(Arena *a, const S3Signing *s) {
    Buf b;
    buf_init(&b, CANONICAL_MAX);
    for (size_t i = 0; i < s->n_headers; i++)
        buf_printf(&b, "%s" STR_FMT, i ? ";" : "", STR_ARG(s->headers[i].name));
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

static void canonical_sum(Arena *a, const S3Signing *s, Str names, char out[static SHA256_HEX + 1]) {
    Buf b;
    Str query = s3_query(a, s->query, s->n_query);
    buf_init(&b, CANONICAL_MAX);
    buf_printf(&b, "%s\n" STR_FMT "\n" STR_FMT "\n", s->method, STR_ARG(s->path), STR_ARG(query));
    for (size_t i = 0; i < s->n_headers; i++) {
        buf_printf(&b, STR_FMT ":", STR_ARG(s->headers[i].name));
        put_value(&b, s->headers[i].value);
        buf_put_c(&b, '\n');
    }
    buf_printf(&b, "\n" STR_FMT "\n%s", STR_ARG(names), s->payload);
    assert(buf_ok(&b)); /* keys, labels and conditions are bounded by the port */
    sha256_hex(buf_str(&b), out);
    buf_done(&b);
}

static void signing_key(Arena *a, const S3Keys *keys, const S3Signing *s, Str day, uint8_t out[static SHA256_BYTES]) {
    Str first = str_fmt(a, "AWS4" STR_FMT, STR_ARG(keys->secret));
    hmac_sha256(first, day, out);
    const Str steps[] = { s->region, s->service, S("aws4_request") };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        uint8_t next[SHA256_BYTES];
        hmac_sha256(str_n((const char *)out, SHA256_BYTES), steps[i], next);
        memcpy(out, next, SHA256_BYTES);
    }
}

Str s3_authorization(Arena *a, const S3Keys *keys, const S3Signing *s) {
    static const char hex[] = "0123456789abcdef";
    char at[S3_TIME_TEXT + 1], sum[SHA256_HEX + 1], signature[SHA256_HEX + 1] = "";
    uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];
    assert(s->n_headers && s->n_headers <= S3_SIGNED_MAX);
    qsort(s->headers, s->n_headers, sizeof *s->headers, pair_cmp);
    s3_time(s->at, at);
    Str day = str_n(at, 8), names = signed_names(a, s);
    Str scope = str_fmt(a, STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request", STR_ARG(day), STR_ARG(s->region),
                        STR_ARG(s->service));
    canonical_sum(a, s, names, sum);
    Str text = str_fmt(a, "AWS4-HMAC-SHA256\n%s\n" STR_FMT "\n%s", at, STR_ARG(scope), sum);
    signing_key(a, keys, s, day, key);
    hmac_sha256(str_n((const char *)key, sizeof key), text, mac);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        signature[i * 2] = hex[mac[i] >> 4];
        signature[i * 2 + 1] = hex[mac[i] & 15];
    }
    return str_fmt(a, "AWS4-HMAC-SHA256 Credential=" STR_FMT "/" STR_FMT ", SignedHeaders=" STR_FMT ", Signature=%s",
                   STR_ARG(keys->access), STR_ARG(scope), STR_ARG(names), signature);
}
