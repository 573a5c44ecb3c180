#pragma once

/* adapters/object/s3.h - an object store in a bucket of Amazon S3, MinIO, or whoever else speaks their REST.
 *
 *     PREFIX + key            the object; labels are x-amz-meta-NAME, percent-encoded where a header could not carry them
 *     x-amz-meta-finsight-*   sha256 of the bytes, time of the put in ms, a number that the put drew
 *
 * Every request is signed with the SHA-256 of its body (s3_sign.h), over TLS or not, so a body changed on the way is
 * refused by the server. Puts are gathered first, in memory up to one part and behind that in an unlinked file of the
 * spool folder: the sum is known before the first byte leaves, retries read it again, and nothing is seen before the end.
 * Larger than a part goes up in parts; one at a time is in memory. A put that fails is aborted on the server too; what a
 * kill leaves there a lifecycle rule of the bucket should end (AbortIncompleteMultipartUpload).
 *
 * Conditional puts are If-None-Match and If-Match. A server that takes no notice of them would lose updates: the first
 * conditional put tries it on a key of its own, and ERR_UNSUPPORTED comes back from such a server. A condition that fails
 * only because an earlier try of the same put had come through is known by the number.
 *
 * Objects that others put are read too; their sha256 is empty. MinIO lists nothing below a key that is an object itself
 * ("a/b" beside "a"), though it keeps and gives both.
 * Threads: any. Calls block. */

#include "base/rng.h"
#include "ports/http_client.h"
#include "ports/object_store.h"

typedef struct S3Options { /* copied, but for http and ids, which outlive the store */
    HttpClient *http;
    bool own_http; /* closed with the store, also when opening fails */
    Ids *ids;
    Str endpoint; /* "https://s3.eu-central-1.amazonaws.com", "http://127.0.0.1:9000"; nothing behind the host */
    Str region;   /* empty: "us-east-1" */
    Str bucket;
    Str prefix; /* of every key here: "finsight/objects/"; may be empty */
    Str access_key, secret_key, session_token;
    bool virtual_host;  /* BUCKET.HOST/KEY instead of HOST/BUCKET/KEY */
    bool allow_private; /* the endpoint may have a private address */
    const char *spool;  /* a folder; NULL: /tmp */
    size_t part_size;   /* 0: 8 MiB; S3 wants 5 MiB at least */
    int64_t timeout_ms; /* of one exchange; 0: 60,000 */
    int attempts;       /* 0: 5 */
    int64_t backoff_ms; /* first wait before a retry at most; 0: 200 */
} S3Options;

/* Calls nobody. ERR_INVALID: an option. */
int object_s3_open(Ctx *cx, const S3Options *o, ObjectStore **out);
