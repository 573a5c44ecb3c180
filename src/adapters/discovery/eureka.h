#pragma once

/* adapters/discovery/eureka.h - a client of Eureka: Netflix's, Spring's, or ours.
 *
 * Registers each of `own`, renews it every renewal_s after the registration was answered 204, and registers again when a
 * renewal is answered 404. What fails is tried again after 1, 2, 4 … 30 s with full jitter, for ever (U14). Looks every
 * look_ms: the whole list first, then changes, checked by apps__hashcode; where that does not fit, the whole list again.
 * Several servers: the one that answered last is asked first; another one after a failure to connect or a 5xx.
 *
 * Addresses: "http://[user:password@]HOST:PORT[/eureka]"; credentials go as Basic, and never into words.
 * Instances whose ipAddr is no number, or that speak TLS alone, are not listed: nothing here could call them. */

#include "base/buf.h"
#include "ports/discovery.h"
#include "ports/http_client.h"

typedef struct EurekaOwn { /* what is registered; texts are copied */
    Str service;           /* "market" */
    Str id;                /* empty: HOST:SERVICE:PORT */
    Str host, ip;
    int port;        /* 0: 8000, as the documents have it */
    int secure_port; /* 0: 8443, not enabled */
    int weight;      /* in the metadata where it is not 1 */
    Str health_path; /* "/health" */
} EurekaOwn;

typedef struct EurekaOptions {
    HttpClient *http; /* borrowed */
    const Str *servers;
    size_t n_servers;
    const EurekaOwn *own;
    size_t n_own;
    int64_t renewal_s, duration_s; /* 0: 30, 90 */
    int64_t look_ms;               /* 0: never looks */
    int64_t connect_ms, total_ms;  /* 0: 5,000 and 8,000 */
    uint64_t seed;                 /* of the jitter */
} EurekaOptions;

/* 0; ERR_USAGE with words: an address that is none, nothing to ask. */
int discovery_eureka_open(Ctx *cx, const EurekaOptions *o, Discovery **out);

/* The registration of one of ours, as DIS-02 has it: {"instance":{...}}. */
void eureka_registration_write(const EurekaOwn *own, const EurekaOptions *o, DiscoveryStatus status, int64_t dirty_ms,
                               Buf *out);
