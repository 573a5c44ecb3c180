#pragma once

/* eureka/answer.h - Eureka's REST API over a registry: a request's texts in, an answer's bytes out.
 *
 * Both prefixes are the caller's: path is what follows /eureka or /eureka/v2. JSON where Accept says json, XML else
 * (wire facts §1.1). Reading answers are made once a revision and kept, as a thousand clients ask for the same; what is
 * kept is at most three seconds old in the times of its renewals, which alone change without a revision.
 * Threads: one at a time, as the registry. */

#include "eureka/registry.h"

typedef struct EurekaNode EurekaNode;

typedef struct EurekaRequest {
    Str method; /* "GET" */
    Str path;   /* "/apps/QUOTES", still percent-encoded */
    Str query;
    Str accept, content_type;
    Str body;
    bool from_peer; /* x-netflix-discovery-replication: true */
} EurekaRequest;

typedef struct EurekaReply {
    int status;
    Str media; /* empty: there is no body */
    Str body;  /* in the arena given, or kept by the node until its next call */
} EurekaReply;

/* Borrows the registry. wait_until: readers get 403 until then, unless somebody has registered; a node that starts
 * beside others lets clients keep asking those. */
EurekaNode *eureka_node_new(EurekaRegistry *r, MonoNs wait_until);
EurekaNode *eureka_node_free(EurekaNode *n);
void eureka_node_ready(EurekaNode *n); /* it has what its peers have */
/* false: the path is none of Eureka's. */
bool eureka_answer(EurekaNode *n, Arena *a, EurekaNow now, const EurekaRequest *rq, EurekaReply *out);
/* Whether such a request changes what is registered: who may do that is the caller's to say. */
bool eureka_changes(const EurekaRequest *rq);
