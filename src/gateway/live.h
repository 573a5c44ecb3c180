#pragma once

/* gateway/live.h - the live API: series over WebSocket, a snapshot and then what changes (docs/live-api.md).
 *
 * A commit is told on the thread that made it. If anybody subscribes to its series it is written and framed there, once,
 * and mailed to the loop, which hands the frame to every subscriber by reference. Commits of one series are published
 * in the order of their revisions, whatever threads made them.
 *
 * A client that reads slowly keeps others waiting for nothing: past a mark its deltas are conflated by series and open
 * time; past its share of memory they are dropped for a fresh snapshot; past its time it is closed with 1013.
 *
 * Threads: live_heard any; all else the loop's. */

#include "api/live.h"
#include "base/lane.h"
#include "base/metrics.h"
#include "net/ws_server.h"
#include "policy/key_ring.h"

typedef struct LiveHub LiveHub;

typedef struct LiveOptions {
    int max_connections;     /* 10,000 */
    int max_subscriptions;   /* a connection: 256 */
    int64_t messages_second; /* a connection may send: 20; five seconds' worth at once */
    int64_t heartbeat_ms;    /* 15,000 */
    int64_t slow_ms;         /* 10,000: how long a client may be behind before it is closed with 1013 */
    WsOptions ws;
} LiveOptions;
void live_options_default(LiveOptions *o);

typedef struct LiveHubOptions {
    Loop *loop;
    Lane *lane; /* views are read there */
    Clock *clock;
    const LiveSource *source;   /* borrowed */
    const LiveNewsSource *news; /* borrowed; NULL: none are stored here */
    Metrics *metrics;
    LiveOptions live;
} LiveHubOptions;

LiveHub *live_hub_new(const LiveHubOptions *o);
/* After the server has stopped, the lanes are closed and nobody commits. Letters under way are still taken: the memory
 * goes with the last of them, at the latest in loop_free. */
LiveHub *live_hub_free(LiveHub *h);

/* Takes the exchange over, or gives the status and words to refuse it with: see ws_accept; 503 when there are too many.
 * The caller has checked key and origin; key_id: of the key it came in by, empty: of none that can be revoked. */
int live_accept(LiveHub *h, HttpExchange *ex, Str key_id, const char **why);
/* Closes the connections whose key is no longer good. */
void live_hub_keys(LiveHub *h, const KeySet *set);
