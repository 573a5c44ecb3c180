#pragma once

/* tests/lib/redis_server.h - a real redis-server on a free loopback port, for as long as a test wants it.
 *
 * It saves nothing, has a folder of its own and dies with the test. */

#include "base/str.h"

typedef struct RedisServer RedisServer;

typedef struct RedisServerOptions {
    bool cluster;
    const char *password; /* NULL = none */
    int port;             /* 0 = a free one; else that one again */
} RedisServerOptions;

bool redis_server_there(void); /* is the program installed? */
/* NULL when it does not come up in 60 s. */
RedisServer *redis_server_start(const RedisServerOptions *o);
RedisServer *redis_server_stop(RedisServer *s); /* NULL is fine; returns NULL */
int redis_server_port(const RedisServer *s);
const char *redis_server_socket(const RedisServer *s);
/* Sends one command of plain words and gives the whole answer so far in a static buffer (RESP as it is). */
const char *redis_server_tell(const RedisServer *s, const char *command);
/* Three nodes that know each other and share the slots; false (and none runs) when they do not come to it. */
bool redis_cluster_start(RedisServer *nodes[static 3]);
