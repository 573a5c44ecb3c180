#pragma once

/* adapters/cache/redis.h - a cache shared with other processes, in Redis 6 or 7, alone or as a cluster.
 *
 * What is kept there, all below a prefix, so that a Redis with other tenants is left alone:
 *     PREFIX k:KEY        string: a header of 40 bytes (redis.c) and the value; expires after ttl + stale
 *     PREFIX t:TAG        sorted set: "FROM|TO|KEY" of the entries with that tag, by the time they expire
 * An entry stands in its tags' sets before it can be read, so that dropping a tag misses none. Ages are by the wall
 * clock of whoever reads: two machines that differ by a second differ by it in what is fresh.
 *
 * RESP2 over TCP or a Unix socket (hiredis 0.14 in Debian 12 has neither RESP3 nor TLS). A pool of connections a node
 * (RES-14: 20); a call that finds its connection dead is made once more on a new one. Each call ends by the deadline of
 * its Ctx and by timeout_ms, also when the peer sends a byte now and then. MOVED and ASK are followed, at most 5 of them;
 * MOVED refreshes the map of slots (STO-17). What a peer sends is bounded in bytes, elements and depth. */

#include "ports/cache.h"

typedef struct RedisOptions {
    Str url;             /* redis://[user:password@]HOST[:PORT][/DB], unix:/PATH; copied */
    Str prefix;          /* "finsight:"; copied */
    int max_connections; /* 20, a node */
    int64_t timeout_ms;  /* 500: of one call, connecting included */
} RedisOptions;

void redis_options_default(RedisOptions *o);
/* Connects with the first call, so that a Redis that is down delays no start. ERR_INVALID with words for a URL that is
 * none; ERR_UNSUPPORTED for rediss://. */
int cache_redis_open(Ctx *cx, const RedisOptions *o, Cache **out);
