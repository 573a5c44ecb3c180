#pragma once

/* adapters/cache/redis_client.h - nodes, their pools, the map of slots, redirects. Private to this folder.
 *
 * Threads: any. Each call takes a connection of its node's pool, or waits for one until its deadline. */

#include "adapters/cache/redis_conn.h"

typedef struct RedisClient RedisClient;

typedef struct RedisClientOptions {
    RedisAddress seed;  /* the node named by the configuration */
    Str user, password; /* copied */
    int64_t db;
    int max_connections;
    int64_t timeout_ms;
} RedisClientOptions;

enum { REDIS_SLOTS = 16384, REDIS_NODES_MAX = 256, REDIS_REDIRECTS_MAX = 5, REDIS_PIPELINE_MAX = 64 };

RedisClient *redis_client_new(const RedisClientOptions *o);
RedisClient *redis_client_free(RedisClient *c); /* no call is under way */

/* One command about `key`. 0 with the reply, which is never of type ERROR: those are ERR_UNAVAILABLE with the words. */
int redis_client_call(RedisClient *c, Ctx *cx, Str key, const Str *args, size_t n, RedisValue **out);
/* Several commands, args[1] of each its key: in one round trip where one node has all. Their order is kept. */
int redis_client_pipeline(RedisClient *c, Ctx *cx, const RedisCommand *commands, size_t n, RedisValue **out);
/* The same command to every node that has slots. each: called with each reply; != 0 ends. */
typedef int RedisEachNode(void *arg, Ctx *cx, size_t node);
int redis_client_each_node(RedisClient *c, Ctx *cx, RedisEachNode *fn, void *arg);
int redis_client_call_node(RedisClient *c, Ctx *cx, size_t node, const Str *args, size_t n, RedisValue **out);

typedef struct RedisClientStats {
    int64_t open, idle;     /* connections now */
    int64_t opened, reused; /* ever; calls that found one */
    int64_t moved, asked, refreshed, errors;
    size_t nodes;
    bool cluster;
} RedisClientStats;
void redis_client_stats(RedisClient *c, RedisClientStats *out);

/* CRC-16/XMODEM of the key, or of what stands between its first braces, modulo the slots. */
unsigned redis_slot(Str key);
/* "MOVED 3999 10.0.0.1:6381", "ASK ...": slot and address; an empty host is that of `from`. false: not of that form. */
bool redis_redirect_parse(Str error, const RedisAddress *from, bool *ask, unsigned *slot, RedisAddress *out);
