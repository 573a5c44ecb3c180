/* adapters/cache/redis_url.c - see redis_url.h. */

#include "adapters/cache/redis_url.h"

enum { REDIS_PORT = 6379, DB_MAX = 1 << 20 };

static int bad(Ctx *cx, const char *why) {
    return err_set_at(cx, ERR_INVALID, S("redis.url"),
                      "not a URL of Redis: %s; it is redis://[user:password@]HOST[:PORT][/DB] or unix:/PATH", why);
}

/* %XX -> byte. false on a bad escape or a NUL. */
static bool unescape(Arena *a, Str s, Str *out) {
    char *p = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 1 < s.n ? hex_value(s.p[i + 1]) : -1, lo = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (c == '\0')
            return false;
        p[n++] = c;
    }
    *out = str_n(p, n);
    return true;
}

static int login_parse(Ctx *cx, Str s, RedisLogin *out) {
    Str user;
    bool has_password = str_find_char(s, ':') >= 0;
    str_next(&s, ':', &user);
    if (!has_password) {
        s = user; /* redis://password@host, as some tools write it */
        user = (Str){ 0 };
    }
    if (!unescape(cx->arena, user, &out->user) || !unescape(cx->arena, s, &out->password))
        return bad(cx, "user or password holds a bad escape");
    return 0;
}

static int host_parse(Ctx *cx, Str s, RedisAddress *out) {
    Str host, port = { 0 };
    if (s.n && s.p[0] == '[') {
        ptrdiff_t close = str_find_char(s, ']');
        if (close < 0)
            return bad(cx, "a bracket is not closed");
        host = str_n(s.p + 1, (size_t)close - 1);
        port = str_from(s, (size_t)close + 1);
        if (port.n && port.p[0] != ':')
            return bad(cx, "something stands behind the bracket");
        port = str_from(port, 1);
    } else {
        ptrdiff_t colon = str_find_char(s, ':');
        host = colon < 0 ? s : str_first(s, (size_t)colon);
        port = colon < 0 ? port : str_from(s, (size_t)colon + 1);
    }
    int64_t n = REDIS_PORT;
    if (port.n && (!str_to_i64(port, &n) || n < 1 || n > 65535))
        return bad(cx, "the port is not 1 to 65535");
    if (host.n == 0 || host.n > REDIS_HOST_MAX || host.p[0] == '/')
        return bad(cx, "it names no host");
    *out = (RedisAddress){ .port = (int)n };
    memcpy(out->host, host.p, host.n);
    return 0;
}

static int unix_parse(Ctx *cx, Str path, RedisAddress *out) {
    while (str_starts(path, S("//")))
        path = str_from(path, 1);
    if (path.n < 2 || path.n > REDIS_HOST_MAX || path.p[0] != '/')
        return bad(cx, "the path of a socket begins with / and has at most 255 bytes");
    *out = (RedisAddress){ 0 };
    memcpy(out->host, path.p, path.n);
    return 0;
}

int redis_url_parse(Ctx *cx, Str url, RedisUrl *out) {
    RedisUrl u = { 0 };
    if (str_find_char(url, '\0') >= 0)
        return bad(cx, "it holds a NUL");
    if (str_starts(url, S("rediss://")))
        return err_set_at(cx, ERR_UNSUPPORTED, S("redis.url"),
                          "rediss:// is not supported: put a TLS tunnel on this machine and name its end");
    int r;
    if (str_starts(url, S("unix:"))) {
        r = unix_parse(cx, str_from(url, 5), &u.at);
    } else if (str_starts(url, S("redis://"))) {
        Str rest = str_from(url, 8), place;
        ptrdiff_t at = -1; /* the last one: a password may hold others */
        for (size_t i = 0; i < rest.n; i++)
            at = rest.p[i] == '@' ? (ptrdiff_t)i : at;
        r = at >= 0 ? login_parse(cx, str_first(rest, (size_t)at), &u.login) : 0;
        rest = at >= 0 ? str_from(rest, (size_t)at + 1) : rest;
        str_next(&rest, '/', &place);
        if (r == 0 && rest.n && (!str_to_i64(rest, &u.login.db) || u.login.db < 0 || u.login.db > DB_MAX))
            r = bad(cx, "behind the / stands the number of a database");
        if (r == 0)
            r = host_parse(cx, place, &u.at);
    } else {
        r = bad(cx, "it begins with neither redis:// nor unix:");
    }
    if (r == 0)
        *out = u;
    return r;
}
