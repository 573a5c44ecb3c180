#pragma once

/* sim/s3_sim_internal.h - shared by the s3_sim*.c files only. */

#include "base/sha256.h"
#include "base/vec.h"
#include "sim/s3_sim.h"

enum { S3_SIM_META_MAX = 40, S3_SIM_QUERY_MAX = 32, S3_SIM_PARTS_MAX = 10000, S3_SIM_ETAG = 48 };

typedef struct SimPair { /* decoded */
    Str name, value;
} SimPair;

typedef struct SimObject { /* one piece of heap memory each: text and bytes are its own */
    Str key, content_type, bytes;
    HttpHeader meta[S3_SIM_META_MAX];
    size_t n_meta;
    char etag[S3_SIM_ETAG];
    Time modified;
} SimObject;

typedef struct SimPart {
    int number;
    Str bytes; /* heap */
    char etag[S3_SIM_ETAG];
} SimPart;

typedef struct SimUpload {
    char id[33];
    SimObject *object;  /* without bytes */
    VEC(SimPart) parts; /* by number */
    Time begun;
} SimUpload;

typedef struct SimBucket {
    char name[64];
    Time made;
    VEC(SimObject *) objects; /* by key */
    VEC(SimUpload *) uploads;
} SimBucket;

struct S3Sim {
    Arena arena;
    S3SimOptions o;
    SimBucket buckets[S3_SIM_BUCKETS_MAX];
    size_t n_buckets;
    size_t bytes; /* held in all */
    Faults faults;
    Rng rng;
};

typedef struct SimCall { /* one request under way */
    S3Sim *s;
    Arena *a;
    const S3SimRequest *req;
    Time now;
    SimPair query[S3_SIM_QUERY_MAX];
    size_t n_query;
    Str host;        /* of the request */
    Str path;        /* decoded */
    Str bucket, key; /* key empty: the bucket; both: the service */
    S3SimReply *out;
} SimCall;

/* --- s3_sim_auth.c: true, or the refusal is in c->out --- */
bool s3_sim_authorised(SimCall *c);

/* --- s3_sim.c --- */
Str sim_header(const S3SimRequest *r, const char *name);        /* the first; empty if none */
Str sim_query(const SimCall *c, const char *name, bool *there); /* there may be NULL */
bool sim_decode(Arena *a, Str text, bool plus, Str *out);       /* %XX; false: a '%' that begins none */
void sim_put_header(SimCall *c, const char *name, Str value);
void sim_xml(SimCall *c, int status, const char *fmt, ...) PRINTF_LIKE(3, 4); /* with the declaration */
Str sim_escape(Arena *a, Str text);                                           /* for XML */
void sim_error(SimCall *c, int status, const char *code, const char *message, Str more_xml);
SimBucket *sim_bucket(S3Sim *s, Str name);
/* Room for n more bytes, or the refusal. */
bool sim_room(SimCall *c, size_t n);
void sim_etag_of(Str bytes, char out[static S3_SIM_ETAG]);

/* --- s3_sim_object.c --- */
SimObject *sim_object_new(const SimCall *c); /* key, type and metadata of the request */
SimObject *sim_object_free(S3Sim *s, SimObject *o);
SimObject *sim_object(const SimBucket *b, Str key);
/* o is the bucket's from now on. */
void sim_object_store(S3Sim *s, SimBucket *b, SimObject *o);
bool sim_object_remove(S3Sim *s, SimBucket *b, Str key);
/* May the key be put? else the refusal. */
bool sim_condition(SimCall *c, const SimBucket *b);
void sim_object_call(SimCall *c, SimBucket *b);
void sim_list(SimCall *c, const SimBucket *b);
void sim_remove_many(SimCall *c, SimBucket *b);

/* --- s3_sim_upload.c: false: it is no call of uploads --- */
bool sim_upload_call(SimCall *c, SimBucket *b);
SimUpload *sim_upload_free(S3Sim *s, SimUpload *u);
