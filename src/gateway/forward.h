#pragma once

/* gateway/forward.h - which fields go on with a request, and come back with its reply. Pure.
 *
 * Fields of one hop alone are taken out both ways (RFC 9110 section 7.6.1), also those that Connection names; so are the
 * names by which our own hops speak to each other (x-finsight-*), whoever sent them. What says where a request comes from
 * is written anew: X-Forwarded-For goes on with what a trusted hop told, and begins with the peer otherwise. */

#include "base/ctx.h"
#include "net/http_server.h"

typedef struct ForwardRequest {
    const HttpHead *head;
    Str client;   /* address of whoever asks, without its port */
    bool trusted; /* the peer is a hop of ours: what it says of the client is kept */
    bool upgrade; /* Connection and Upgrade go on: a WebSocket */
    const Trace *trace;
    Str traceparent;  /* empty: none goes on */
    int64_t left_ms;  /* of the deadline */
    Str internal_key; /* not empty: the caller is vouched for, and the keys it sent stay here */
    const Principal *who;
} ForwardRequest;

/* Fields in the arena; values borrow from the request. */
void forward_request(Arena *a, const ForwardRequest *f, HttpField **out, size_t *n);
/* fields: of the upstream's reply; room for FORWARD_ROOM more is left behind *n. */
enum { FORWARD_ROOM = 16 };
void forward_reply(Arena *a, const HttpField *fields, size_t n_fields, HttpField **out, size_t *n);

/* Is the field one that this hop writes, or takes out, by itself? */
bool forward_owns(Str name, bool request);

#define FORWARD_INTERNAL_KEY "x-finsight-internal"  /* the key by which our own hops know each other */
#define FORWARD_PRINCIPAL    "x-finsight-principal" /* "role id" of whom the gateway has let in */
