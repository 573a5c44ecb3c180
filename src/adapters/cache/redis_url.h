#pragma once

/* adapters/cache/redis_url.h - redis://[user:password@]HOST[:PORT][/DB] and unix:/PATH. Private to this folder. Pure. */

#include "adapters/cache/redis_conn.h"

typedef struct RedisUrl {
    RedisAddress at;
    RedisLogin login; /* texts in the arena */
} RedisUrl;

/* 0, ERR_INVALID, ERR_UNSUPPORTED (rediss), with words that do not show a password. */
int redis_url_parse(Ctx *cx, Str url, RedisUrl *out);
