/* adapters/cache/redis.c - see redis.h. */

#include "adapters/cache/redis.h"

#include "adapters/cache/redis_client.h"
#include "adapters/cache/redis_url.h"
#include "base/buf.h"
#include "base/hash.h"

/* What stands before each value, little-endian: magic and version, the caller's flags, time of the put (wall, ms), ttl
 * and stale (ms), CRC-32C of the value, zero. */
enum { HEADER = 40, SCAN_COUNT = 500, TAG_LIFE_DAYS = 8 };
static const char magic[4] = { 'F', 'S', 'C', '1' };

typedef struct RedisCache {
    Cache base; /* first */
    RedisClient *client;
    Arena arena; /* of the prefix */
    Str prefix;
    _Atomic int64_t hits, misses, dropped;
} RedisCache;

void redis_options_default(RedisOptions *o) {
    *o = (RedisOptions){ .prefix = S("finsight:"), .max_connections = 20, .timeout_ms = 500 };
}

static Str key_of(const RedisCache *rc, Ctx *cx, Str key) {
    return str_fmt(cx->arena, STR_FMT "k:" STR_FMT, STR_ARG(rc->prefix), STR_ARG(key));
}

static Str tag_of(const RedisCache *rc, Ctx *cx, Str tag) {
    return str_fmt(cx->arena, STR_FMT "t:" STR_FMT, STR_ARG(rc->prefix), STR_ARG(tag));
}

static Str number(Ctx *cx, int64_t v) {
    return str_fmt(cx->arena, "%lld", (long long)v);
}

/* --- values --- */

static void put64(char *p, uint64_t v) {
    for (int i = 0; i < 8; i++)
        p[i] = (char)(v >> 8 * i);
}

static uint64_t get64(const char *p) {
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)(uint8_t)p[i] << 8 * i;
    return v;
}

static Str value_write(Ctx *cx, const CacheEntry *e, const CacheBlob *b) {
    char *p = arena_alloc(cx->arena, HEADER + b->n);
    memcpy(p, magic, sizeof magic);
    put64(p + 4, b->flags); /* its upper half is written over by the next */
    put64(p + 8, (uint64_t)clock_wall(cx->clock).ms);
    put64(p + 16, (uint64_t)e->ttl_ms);
    put64(p + 24, (uint64_t)e->stale_ms);
    put64(p + 32, crc32c(0, b->bytes, b->n));
    memcpy(p + HEADER, b->bytes, b->n);
    return str_n(p, HEADER + b->n);
}

/* What is not whole, not ours or over its time is not there. */
static CacheFound value_read(Ctx *cx, Str s, CacheHit *out) {
    if (s.n < HEADER || memcmp(s.p, magic, sizeof magic) != 0)
        return CACHE_MISS;
    Str body = str_from(s, HEADER);
    int64_t put = (int64_t)get64(s.p + 8), ttl = (int64_t)get64(s.p + 16), stale = (int64_t)get64(s.p + 24), life, age;
    if (ttl < 0 || stale < 0 || __builtin_add_overflow(ttl, stale, &life) ||
        __builtin_sub_overflow(clock_wall(cx->clock).ms, put, &age))
        return CACHE_MISS;
    age = MAX(age, 0); /* put by a clock ahead of ours */
    if (age >= life || get64(s.p + 32) != crc32c(0, body.p, body.n))
        return CACHE_MISS;
    *out = (CacheHit){ .value = cache_blob_of(body), .age_ms = age, .left_ms = ttl - age };
    out->value->flags = (uint32_t)(get64(s.p + 4) & UINT32_MAX);
    return age < ttl ? CACHE_FRESH : CACHE_STALE;
}

static int get(Cache *c, Ctx *cx, Str key, CacheFound *found, CacheHit *out) {
    RedisCache *rc = (RedisCache *)c;
    Str k = key_of(rc, cx, key);
    RedisValue *v;
    int r = redis_client_call(rc->client, cx, k, (const Str[]){ S("GET"), k }, 2, &v);
    if (r != 0)
        return r;
    *found = v->type == REDIS_TEXT ? value_read(cx, v->str, out) : CACHE_MISS;
    atomic_fetch_add(*found == CACHE_MISS ? &rc->misses : &rc->hits, 1);
    return 0;
}

/* --- puts --- */

/* A member of a tag's set: "FROM|TO|KEY", the key as it is in Redis. */
static Str member_of(Ctx *cx, const CacheEntry *e, Str key) {
    bool whole = e->from.ms == 0 && e->to.ms == 0;
    return str_fmt(cx->arena, "%lld|%lld|" STR_FMT, (long long)(whole ? INT64_MIN : e->from.ms),
                   (long long)(whole ? INT64_MAX : e->to.ms), STR_ARG(key));
}

static bool member_parse(Str s, Time *from, Time *to, Str *key) {
    Str a, b;
    if (!str_next(&s, '|', &a) || !str_next(&s, '|', &b))
        return false;
    *key = s;
    return str_to_i64(a, &from->ms) && str_to_i64(b, &to->ms);
}

static int put(Cache *c, Ctx *cx, const CacheEntry *e, CacheBlob *value) {
    RedisCache *rc = (RedisCache *)c;
    int64_t now = clock_wall(cx->clock).ms, life = e->ttl_ms + e->stale_ms;
    int64_t tag_life = MAX(life, TAG_LIFE_DAYS * INT64_C(24) * MS_PER_HOUR);
    Str key = key_of(rc, cx, e->key), member = member_of(cx, e, key);
    enum { PER_TAG = 3, ARGS = 5 };
    Str args[CACHE_TAGS_MAX * PER_TAG + 1][ARGS];
    RedisCommand cmds[CACHE_TAGS_MAX * PER_TAG + 1];
    RedisValue *replies[CACHE_TAGS_MAX * PER_TAG + 1];
    size_t n = 0;
#define COMMAND(...)                                                                                                   \
    do {                                                                                                               \
        const Str words_[] = { __VA_ARGS__ };                                                                          \
        memcpy(args[n], words_, sizeof words_);                                                                        \
        cmds[n] = (RedisCommand){ args[n], ARRAY_LEN(words_) };                                                        \
        n++;                                                                                                           \
    } while (0)
    for (size_t i = 0; i < e->n_tags; i++) {
        Str tag = tag_of(rc, cx, e->tags[i]);
        COMMAND(S("ZADD"), tag, number(cx, now + life), member);
        COMMAND(S("ZREMRANGEBYSCORE"), tag, S("-inf"), number(cx, now)); /* what has expired since */
        COMMAND(S("PEXPIRE"), tag, number(cx, tag_life));
    }
    COMMAND(S("SET"), key, value_write(cx, e, value), S("PX"), number(cx, life));
#undef COMMAND
    return redis_client_pipeline(rc->client, cx, cmds, n, replies);
}

/* --- drops --- */

/* UNLINKs the keys, many in one round trip where they are on one node; adds to *n how many were there. */
static int unlink_all(RedisCache *rc, Ctx *cx, const Str *keys, size_t n_keys, size_t *n) {
    for (size_t at = 0; at < n_keys; at += REDIS_PIPELINE_MAX) {
        size_t some = MIN(n_keys - at, (size_t)REDIS_PIPELINE_MAX);
        Str args[REDIS_PIPELINE_MAX][2];
        RedisCommand cmds[REDIS_PIPELINE_MAX];
        RedisValue *replies[REDIS_PIPELINE_MAX];
        for (size_t i = 0; i < some; i++) {
            args[i][0] = S("UNLINK");
            args[i][1] = keys[at + i];
            cmds[i] = (RedisCommand){ args[i], 2 };
        }
        int r = redis_client_pipeline(rc->client, cx, cmds, some, replies);
        if (r != 0)
            return r;
        for (size_t i = 0; i < some; i++)
            *n += replies[i]->type == REDIS_INTEGER && replies[i]->integer > 0;
    }
    return 0;
}

static int counted(RedisCache *rc, int r, size_t n, size_t *out) {
    atomic_fetch_add(&rc->dropped, (int64_t)n);
    if (r == 0)
        *out = n;
    return r;
}

static int drop(Cache *c, Ctx *cx, Str key, size_t *out) {
    RedisCache *rc = (RedisCache *)c;
    Str k = key_of(rc, cx, key);
    size_t n = 0;
    int r = unlink_all(rc, cx, &k, 1, &n);
    return counted(rc, r, n, out);
}

/* Members are taken out one by one as they were seen: what is put meanwhile stays known to its tag. */
static int drop_range(Cache *c, Ctx *cx, Str tag, Time from, Time to, size_t *out) {
    RedisCache *rc = (RedisCache *)c;
    Str t = tag_of(rc, cx, tag), *keys;
    RedisValue *all, *ignored;
    size_t n_keys = 0, n = 0;
    int r = redis_client_call(rc->client, cx, t, (const Str[]){ S("ZRANGE"), t, S("0"), S("-1") }, 4, &all);
    if (r != 0 || all->type != REDIS_ARRAY)
        return r != 0 ? r : counted(rc, 0, 0, out);
    keys = arena_new_n(cx->arena, Str, all->n + 1);
    Str *members = arena_new_n(cx->arena, Str, all->n + 2);
    for (size_t i = 0; i < all->n; i++) {
        Time lo, hi;
        Str key;
        if (all->v[i]->type != REDIS_TEXT || !member_parse(all->v[i]->str, &lo, &hi, &key) || lo.ms >= to.ms ||
            from.ms >= hi.ms)
            continue;
        members[2 + n_keys] = all->v[i]->str;
        keys[n_keys++] = key;
    }
    r = unlink_all(rc, cx, keys, n_keys, &n);
    if (r == 0 && n_keys) {
        members[0] = S("ZREM");
        members[1] = t;
        r = redis_client_call(rc->client, cx, t, members, n_keys + 2, &ignored);
    }
    return counted(rc, r, n, out);
}

typedef struct Scan {
    RedisCache *rc;
    Str match; /* with the prefix, as Redis wants it */
    size_t n;
} Scan;

static int scan_node(void *arg, Ctx *cx, size_t node) {
    Scan *s = arg;
    Str cursor = S("0");
    do {
        ArenaMark mark = arena_mark(cx->arena);
        const Str args[] = { S("SCAN"), cursor, S("MATCH"), s->match, S("COUNT"), number(cx, SCAN_COUNT) };
        RedisValue *v;
        int r = redis_client_call_node(s->rc->client, cx, node, args, ARRAY_LEN(args), &v);
        if (r != 0)
            return r;
        if (v->type != REDIS_ARRAY || v->n != 2 || v->v[0]->type != REDIS_TEXT || v->v[1]->type != REDIS_ARRAY)
            return err_set(cx, ERR_CORRUPT, "redis: the answer to SCAN is none");
        Str *keys = arena_new_n(cx->arena, Str, v->v[1]->n + 1);
        size_t n = 0;
        for (size_t i = 0; i < v->v[1]->n; i++)
            if (v->v[1]->v[i]->type == REDIS_TEXT)
                keys[n++] = v->v[1]->v[i]->str;
        r = unlink_all(s->rc, cx, keys, n, &s->n);
        if (r == 0)
            r = ctx_check(cx);
        if (r != 0)
            return r;
        char next[24];
        size_t next_n = MIN(v->v[0]->str.n, sizeof next);
        memcpy(next, v->v[0]->str.p, next_n);
        arena_rewind(cx->arena, mark);
        cursor = str_dup(cx->arena, str_n(next, next_n));
    } while (!str_eq(cursor, S("0")));
    return 0;
}

static int drop_pattern(Cache *c, Ctx *cx, Str pattern, size_t *out) {
    RedisCache *rc = (RedisCache *)c;
    Buf b;
    buf_init(&b, 4 * CACHE_KEY_MAX + 4096);
    for (size_t i = 0; i < rc->prefix.n; i++) { /* the prefix is meant literally */
        if (strchr("*?[]\\^-", rc->prefix.p[i]))
            buf_put_c(&b, '\\');
        buf_put_c(&b, rc->prefix.p[i]);
    }
    BUF_LIT(&b, "k:");
    buf_put_str(&b, pattern);
    Scan s = { .rc = rc, .match = str_dup(cx->arena, buf_str(&b)) };
    buf_done(&b);
    int r = redis_client_each_node(rc->client, cx, scan_node, &s);
    return counted(rc, r, s.n, out);
}

/* --- the rest --- */

static void stats(Cache *c, CacheStats *out) {
    RedisCache *rc = (RedisCache *)c;
    RedisClientStats st;
    redis_client_stats(rc->client, &st);
    *out = (CacheStats){ .entries = -1,
                         .bytes = -1,
                         .max_bytes = -1,
                         .hits = atomic_load(&rc->hits),
                         .misses = atomic_load(&rc->misses),
                         .errors = st.errors,
                         .dropped = atomic_load(&rc->dropped),
                         .connections = st.open,
                         .reused = st.reused };
}

static void close_redis(Cache *c) {
    RedisCache *rc = (RedisCache *)c;
    redis_client_free(rc->client);
    arena_done(&rc->arena);
    mem_free(rc);
}

static const CacheOps ops = { .name = "redis",
                              .get = get,
                              .put = put,
                              .drop = drop,
                              .drop_range = drop_range,
                              .drop_pattern = drop_pattern,
                              .stats = stats,
                              .close = close_redis };

int cache_redis_open(Ctx *cx, const RedisOptions *o, Cache **out) {
    RedisUrl url;
    int r = redis_url_parse(cx, o->url, &url);
    if (r != 0)
        return r;
    RedisCache *rc = mem_new(RedisCache);
    rc->base.ops = &ops;
    rc->prefix = str_dup(&rc->arena, o->prefix);
    rc->client = redis_client_new(&(RedisClientOptions){ .seed = url.at,
                                                         .user = url.login.user,
                                                         .password = url.login.password,
                                                         .db = url.login.db,
                                                         .max_connections = o->max_connections,
                                                         .timeout_ms = o->timeout_ms });
    *out = &rc->base;
    return 0;
}
