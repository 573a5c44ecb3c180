#pragma once

/* sim/s3_sim.h - an S3 server in memory that verifies: each request's signature is worked out again from the bytes that
 * came, by code that shares nothing with the adapter's (sim/s3_sim_auth.c).
 *
 * Operations: buckets (list, make, head, remove, location), objects (put, get with ranges and conditions, head, remove,
 * remove many, list v2), uploads in parts (begin, part, list parts, list uploads, end, abort); by path or by host. Puts and
 * ends take If-Match and If-None-Match. What it does not do it answers as NotImplemented.
 *
 * Unlike S3: an etag is the first 32 digits of the SHA-256, not the MD5; Content-MD5 and checksum headers are not looked
 * at; everything is gone with the process. A signature in the query (a presigned URL), a payload in signed chunks and an
 * unsigned payload are refused. Every answer says X-FinSight-Simulated: 1.
 *
 * Faults (sim/fault.h): 500, 503 (SlowDown), truncated, trickle, reset, stall, lost, wrong-etag; path= is looked for in
 * "METHOD /path?query". An operation that a 500, 503 or stall hits is not done; `reset` does it not either, unless it is a
 * read, which breaks in its body; `lost` does it and breaks the connection.
 *
 * Pure but for its memory: time comes with each request. One thread at a time. */

#include "ports/http_client.h"
#include "sim/fault.h"

typedef struct S3Sim S3Sim;

typedef enum S3Wire { /* how the answer travels */
                      S3_WIRE_WHOLE,
                      S3_WIRE_TRICKLE, /* wire_n bytes every 100 ms */
                      S3_WIRE_CUT,     /* the head and half of the body, then the connection breaks */
                      S3_WIRE_STALL,   /* nothing, for wire_n ms */
} S3Wire;

enum { S3_SIM_HEADERS_MAX = 48, S3_SIM_BUCKETS_MAX = 16, S3_SIM_BODY_MAX = 80 << 20 };

typedef struct S3SimOptions { /* copied */
    Str access, secret;
    Str token;              /* of temporary keys: required with each request; empty: none */
    Str region;             /* empty: "us-east-1" */
    Str bucket;             /* made at once; empty: none */
    size_t bytes_max;       /* of all objects and parts; 0: 512 MiB; then QuotaExceeded */
    size_t part_min;        /* of all parts but the last; 0: 5 MiB, as S3 has it */
    bool ignore_conditions; /* a server that takes no notice of If-Match and If-None-Match of puts */
    uint64_t seed;          /* of upload ids and faults */
} S3SimOptions;

typedef struct S3SimRequest {
    Str method, path, query;   /* as sent: encoded, the query without '?' */
    const HttpHeader *headers; /* names in lower case; a repeated header comes twice */
    size_t n_headers;
    Str body;
} S3SimRequest;

typedef struct S3SimReply {
    int status;
    HttpHeader headers[S3_SIM_HEADERS_MAX];
    size_t n_headers;
    Str body;
    int64_t length; /* of what a HEAD asks about; 0: the body's own */
    S3Wire wire;
    int64_t wire_n;
} S3SimReply;

S3Sim *s3_sim_new(const S3SimOptions *o);
S3Sim *s3_sim_free(S3Sim *s);
Faults *s3_sim_faults(S3Sim *s);
void s3_sim_handle(S3Sim *s, Arena *a, const S3SimRequest *req, Time now, S3SimReply *out);
/* Uploads in parts that were begun and neither ended nor aborted. */
size_t s3_sim_uploads(const S3Sim *s);
