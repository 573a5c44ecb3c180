#pragma once

/* adapters/cache/redis_conn.h - one connection: commands out, replies in, by a deadline. Private to this folder.
 *
 * hiredis parses; bytes, elements and memory are bounded here, since its reader bounds none of them. Replies lie in
 * cx->arena. After any failure the connection is of no use: close it. One thread at a time. */

#include "base/ctx.h"

enum {
    REDIS_REPLY_MAX = 48 << 20,   /* bytes of the replies to one call */
    REDIS_ELEMENTS_MAX = 1 << 20, /* of one array */
    REDIS_HOST_MAX = 255,
};

typedef enum RedisType { REDIS_NIL, REDIS_TEXT, REDIS_STATUS, REDIS_INTEGER, REDIS_ARRAY, REDIS_ERROR } RedisType;

typedef struct RedisValue RedisValue;
struct RedisValue {
    RedisType type;
    Str str; /* TEXT, STATUS, ERROR */
    int64_t integer;
    RedisValue **v; /* ARRAY */
    size_t n;
};

typedef struct RedisCommand {
    const Str *args;
    size_t n;
} RedisCommand;

typedef struct RedisAddress {
    char host[REDIS_HOST_MAX + 1]; /* a name, a number, or a path that begins with '/' */
    int port;
} RedisAddress;

typedef struct RedisLogin {
    Str user, password; /* empty password: none */
    int64_t db;
} RedisLogin;

typedef struct RedisConn RedisConn;

/* Connects and says who we are. until: ends at the latest then. */
int redis_conn_open(Ctx *cx, const RedisAddress *at, const RedisLogin *login, MonoNs until, RedisConn **out);
RedisConn *redis_conn_close(RedisConn *c);
/* Sends all commands at once and reads as many replies into out. A reply of type ERROR is a success here. */
int redis_conn_call(RedisConn *c, Ctx *cx, const RedisCommand *commands, size_t n, MonoNs until, RedisValue **out);
/* Nothing unread, nobody hung up: fit to be used again. */
bool redis_conn_idle(const RedisConn *c);
