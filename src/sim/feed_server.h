#pragma once

/* sim/feed_server.h - the feed simulator on a loopback port, with a thread of its own.
 *
 * Threads: start and stop from the owner's thread. */

#include "sim/feed_sim.h"

typedef struct FeedServer FeedServer;

typedef struct FeedServerOptions {
    uint64_t seed;
    const char *host;  /* NULL = "127.0.0.1" */
    int port;          /* 0 = any free one */
    Clock *clock;      /* what time the articles think it is; required, outlives the server */
    Clock *loop_clock; /* of timers, where `clock` is a manual one; NULL = clock */
} FeedServerOptions;

int feed_server_start(Ctx *cx, const FeedServerOptions *o, FeedServer **out);
int feed_server_port(const FeedServer *s);
int64_t feed_server_requests(FeedServer *s); /* answered so far; any thread */
FeedServer *feed_server_stop(FeedServer *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(FeedServer *, feed_server_stop)
