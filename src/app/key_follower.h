#pragma once

/* app/key_follower.h - keys as another gateway has them, asked for three times a second (SEC-23).
 *
 * A revocation there is one here within a second. While the other cannot be reached the keys known last stay good, and
 * the log says so: a gateway that locked everybody out because its neighbour restarts would be the worse failure. */

#include "base/log.h"
#include "net/http_caller.h"
#include "policy/key_ring.h"

typedef struct KeyFollower KeyFollower;

typedef struct KeyFollowerOptions {
    Str address;           /* "http://10.0.0.5:8080", "unix:/srv/a/gateway.sock"; borrowed, as all texts */
    Str internal_key, key; /* how it is asked: as a hop of ours, else with the admin key */
    HttpTrust tls;         /* of an address that begins with https:// */
    Clock *clock;
    Logger *log;
    void (*learned)(void *arg, KeySet *set); /* takes the reference; on the follower's thread */
    /* Asked when the other is not there: 0 says that nobody needs to be followed any more. NULL: there is no such way. */
    int (*instead)(void *arg, Ctx *cx);
    void *arg;
} KeyFollowerOptions;

/* Asks before it returns, for a while when there is `instead`: ERR_... when the other cannot be asked. */
int key_follower_start(Ctx *cx, const KeyFollowerOptions *o, KeyFollower **out);
KeyFollower *key_follower_stop(KeyFollower *f); /* NULL is fine */
