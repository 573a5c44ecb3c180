#pragma once

/* adapters/object/s3_internal.h - shared by the s3_*.c files only. */

#include "adapters/object/s3.h"
#include "adapters/object/s3_text.h"

#include <stdatomic.h>

#define S3_META     "x-amz-meta-"
#define S3_META_OWN "finsight-" /* no label of a caller's begins like that */
#define S3_META_SUM S3_META S3_META_OWN "sha256"
#define S3_META_AT  S3_META S3_META_OWN "time"
#define S3_META_PUT S3_META S3_META_OWN "put"

enum {
    S3_PIECE = 8 << 20,      /* read and sent at once at most, unless an object has more than 10,000 of them */
    S3_PARTS_MAX = 10000,    /* of one object, as S3 has it */
    S3_PART_MAX = 64 << 20,  /* bytes of a part at most: held in memory */
    S3_ANSWER_MAX = 8 << 20, /* bytes of XML: a page of 1,000 keys is a tenth of it */
    S3_HEADERS_MAX = OBJECT_LABELS_MAX + 12,
    S3_NUMBER_TEXT = 16, /* of a put's number, in hex */
};

typedef struct S3Store {
    ObjectStore base;
    Arena arena; /* of the options' texts */
    S3Options o;
    Str scheme, host;      /* as they stand in every URL and in the signature */
    atomic_bool seen;      /* the bucket answered: a 404 speaks of the key */
    atomic_int conditions; /* S3Conditions */
} S3Store;

typedef enum S3Conditions { S3_UNTRIED, S3_HONOURED, S3_IGNORED } S3Conditions;

typedef struct S3Call {
    const char *method;
    Str key; /* without the prefix; empty: the bucket */
    S3Pair query[S3_QUERY_MAX];
    size_t n_query;
    S3Pair headers[S3_HEADERS_MAX]; /* lower-case names; all are signed */
    size_t n_headers;
    Str body;
    size_t answer_max; /* 0: S3_ANSWER_MAX */
} S3Call;

void s3_call_query(S3Call *c, Str name, Str value);
void s3_call_header(S3Call *c, Str name, Str value);
/* Signs and performs it, with retries. 0 with whatever final status; < 0 with words. An error in the body of a 200 (as of
 * CompleteMultipartUpload) is a failure. */
int s3_call(S3Store *s, Ctx *cx, const S3Call *c, HttpResponse *out);
/* Words and code for a status that the caller did not want: always < 0. */
int s3_refused(const S3Store *s, Ctx *cx, const S3Call *c, const HttpResponse *r);
/* After a 404: OBJECT_NONE, or < 0 when it is the bucket that is not there. */
int s3_missing(S3Store *s, Ctx *cx, const S3Call *c, const HttpResponse *r);
/* The headers of a HEAD or GET. put: the number of the put that made it, or empty; may be NULL. */
int s3_info(Ctx *cx, Str key, const HttpResponse *r, ObjectInfo *out, Str *put);

/* --- s3_put.c --- */

int s3_put_begin(ObjectStore *s, Ctx *cx, const ObjectPut *put, ObjectWriter **out);
int s3_put_data(ObjectWriter *w, Ctx *cx, Str bytes);
int s3_put_end(ObjectWriter *w, Ctx *cx, ObjectInfo *out);
void s3_put_abort(ObjectWriter *w);

/* s3_multipart.c: `size` bytes of fd under the key, in parts. headers: of the object; conditions: at the end. */
typedef struct S3Upload {
    S3Store *s;
    Str key;
    const S3Pair *headers, *conditions;
    size_t n_headers, n_conditions;
    int fd;
    int64_t size;
} S3Upload;
/* 0 with the answer to its end, whose status may be 404 or 412; or < 0. */
int s3_upload(const S3Upload *u, Ctx *cx, HttpResponse *out);
