#pragma once

/* sim/s3_server.h - the S3 simulator on a loopback port, with a thread of its own.
 *
 * Threads: start, fault and stop from the owner's thread; the counts from any. */

#include "sim/s3_sim.h"

typedef struct S3Server S3Server;

typedef struct S3ServerOptions {
    S3SimOptions sim;
    const char *host;  /* NULL = "127.0.0.1" */
    int port;          /* 0 = any free one */
    const Str *faults; /* rules of sim/fault.h */
    size_t n_faults;
    Clock *clock;      /* what time the store thinks it is; required, outlives the server */
    Clock *loop_clock; /* of timers, where `clock` is a manual one; NULL = clock */
} S3ServerOptions;

int s3_server_start(Ctx *cx, const S3ServerOptions *o, S3Server **out);
int s3_server_port(const S3Server *s);
int64_t s3_server_requests(S3Server *s); /* answered so far */
int64_t s3_server_refused(S3Server *s);  /* of them with 4xx */
/* The rules from now on: in place of those before. 0 or the words of faults_add. */
int s3_server_faults(S3Server *s, Ctx *cx, const Str *faults, size_t n);
/* Uploads in parts that were begun and neither ended nor aborted. */
size_t s3_server_uploads(S3Server *s);
S3Server *s3_server_stop(S3Server *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(S3Server *, s3_server_stop)
