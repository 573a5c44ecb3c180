#pragma once

/* adapters/object/s3_text.h - what S3 answers, read: XML and header values. Pure; all of it comes from outside. */

#include "adapters/object/s3_sign.h"
#include "ports/object_store.h"

typedef struct S3Error { /* empty where the body told none */
    Str code;            /* "NoSuchKey" */
    Str message;         /* at most 200 bytes, on one line */
    Str region;          /* where the bucket is, of a wrong region */
} S3Error;

typedef struct S3Page {
    ObjectInfo *v; /* key, size, etag, modified; as the server ordered them */
    size_t n;
    bool more;
    Str token; /* for the next page */
} S3Page;

/* Also of bodies that are no XML at all: then nothing is told. */
void s3_error_read(Arena *a, Str body, S3Error *out);
/* A ListBucketResult: 0, ERR_BAD_REQUEST, or ERR_LIMIT for more keys than were asked for. */
int s3_page_read(Arena *a, Str body, size_t limit, S3Page *out);
/* The text of <root><name>: ERR_BAD_REQUEST where it is not there. */
int s3_element_read(Arena *a, Str body, Str root, Str name, Str *out);
/* "\"abc\"" -> abc; false: it is no etag that this platform can keep. */
bool s3_etag(Str header, char out[static OBJECT_ETAG_MAX + 1]);
/* "bytes 0-9/100" -> 0, 9, 100. */
bool s3_content_range(Str header, int64_t *from, int64_t *to, int64_t *size);
/* Labels as header values: what is not printable ASCII, '%' and spaces that would be lost become %XX. */
Str s3_label_write(Arena *a, Str value);
Str s3_label_read(Arena *a, Str header); /* as it stands where it was not written by us */
