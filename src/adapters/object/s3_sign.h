#pragma once

/* adapters/object/s3_sign.h - AWS Signature Version 4, in the Authorization header. Pure.
 *
 * After "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)" of the S3 API reference: a
 * path is encoded once, a query sorted by its encoded bytes, the payload named by its SHA-256. There is no unsigned
 * payload here: whoever puts knows the bytes. tests/unit/adapters/test_s3_sign.c has AWS's own examples. */

#include "base/buf.h"
#include "base/sha256.h"
#include "base/time.h"

typedef struct S3Pair {
    Str name, value;
} S3Pair;

enum { S3_QUERY_MAX = 16, S3_SIGNED_MAX = 64, S3_TIME_TEXT = 16 };

typedef struct S3Keys {
    Str access, secret;
    Str token; /* of temporary keys; empty: none */
} S3Keys;

typedef struct S3Signing {
    const char *method;
    Str path;            /* encoded already (s3_encode) */
    const S3Pair *query; /* neither encoded nor sorted */
    size_t n_query;
    S3Pair *headers; /* all of them are signed: lower-case names; get sorted here */
    size_t n_headers;
    const char *payload; /* SHA-256 of the body in hex */
    Str region, service; /* "s3" */
    Time at;
} S3Signing;

/* RFC 3986: all but letters, digits and -._~ as %XX; '/' too unless `path`. */
Str s3_encode(Arena *a, Str text, bool path);
/* "a=1&b=": encoded and sorted; what is signed is also what is sent. */
Str s3_query(Arena *a, const S3Pair *query, size_t n);
/* "20130524T000000Z" */
void s3_time(Time at, char out[static S3_TIME_TEXT + 1]);
/* "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...". */
Str s3_authorization(Arena *a, const S3Keys *keys, const S3Signing *s);
