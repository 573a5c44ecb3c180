#pragma once

/* eureka/peers.h - what another node of ours is told: batches of what happened here (wire facts §1.8).
 *
 * A queue a peer. An event is a task of (action, app, id): a newer one of the same takes its place. Heartbeats wait at
 * most the instance's renewal interval, others 30 s; older ones are dropped, as the next heartbeat tells all again. The
 * answer of a heartbeat may ask for the registration (404), or bring an instance that is newer than ours (409).
 * Threads: one at a time. Memory: bounded; past it the oldest go. */

#include "eureka/registry.h"

typedef struct EurekaPeer EurekaPeer;

enum { EUREKA_BATCH_MAX = 250, EUREKA_TASKS_MAX = 10000 };

EurekaPeer *eureka_peer_new(void);
EurekaPeer *eureka_peer_free(EurekaPeer *p);
void eureka_peer_tell(EurekaPeer *p, EurekaNow now, const EurekaEvent *e);
/* The body for POST peerreplication/batch/, in the arena; empty: nothing is to be told. Until eureka_peer_heard or
 * eureka_peer_failed no other batch is made. */
Str eureka_peer_batch(EurekaPeer *p, Arena *a, EurekaNow now);
/* The answer's body: registrations asked for are queued, newer instances are taken into r. 0 or ErrCode: as failed. */
int eureka_peer_heard(EurekaPeer *p, EurekaRegistry *r, EurekaNow now, Str body);
void eureka_peer_failed(EurekaPeer *p); /* the batch is told again */
size_t eureka_peer_waiting(const EurekaPeer *p);

/* The other side: a batch that came; the answer's body in the arena. 0 or ErrCode. */
int eureka_peer_take_batch(EurekaRegistry *r, Arena *a, EurekaNow now, Str body, Str *out);
