/* adapters/feed/hosts.c - see hosts.h.
 *
 * The lock is never held while the network is asked: two threads may fetch the same robots.txt once in a while, which
 * costs less than making one wait for the other's time-out. */

#include "adapters/feed/hosts.h"

#include "feed/uri.h"

#include <pthread.h>
#include <stdio.h>

enum {
    ROBOTS_KEEP_MS = 24 * 3600 * 1000, /* RFC 9309, 2.4 */
    ROBOTS_RETRY_MS = 10 * 60 * 1000,  /* after a failure */
    ROBOTS_REDIRECTS = 5,
    KEY_MAX = 280,
};

typedef struct Host {
    char key[KEY_MAX]; /* "https://example.com:443" */
    size_t key_size;
    int64_t free_at_ms; /* monotonic: when the next request may go */
    int64_t used_at_ms;
    Robots *robots;
    bool robots_known, robots_failed;
    int64_t robots_until_ms;
} Host;

struct Hosts {
    HostsOptions o;
    Arena arena;          /* of the options' strings */
    pthread_mutex_t lock; /* of the hosts */
    Host hosts[HOSTS_MAX];
    size_t n;
};

Hosts *hosts_new(const HostsOptions *o) {
    Hosts *h = mem_new(Hosts);
    h->o = *o;
    h->o.user_agent = str_dup(&h->arena, o->user_agent);
    h->o.agent = str_dup(&h->arena, o->agent);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

Hosts *hosts_free(Hosts *h) {
    if (!h)
        return NULL;
    for (size_t i = 0; i < h->n; i++)
        robots_free(h->hosts[i].robots);
    pthread_mutex_destroy(&h->lock);
    arena_done(&h->arena);
    return mem_free(h);
}

static int64_t now_ms(Ctx *cx) {
    return clock_mono(cx->clock).ns / NS_PER_MS;
}

static Str key_of(const HttpUrl *url, char out[KEY_MAX]) {
    int n = snprintf(out, KEY_MAX, "%s://" STR_FMT ":%d", url->tls ? "https" : "http",
                     STR_ARG(str_first(url->host, 255)), url->port);
    Str key = str_n(out, (size_t)CLAMP(n, 0, KEY_MAX - 1));
    for (size_t i = 0; i < key.n; i++)
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] + 32);
    return key;
}

/* Under the lock. */
static Host *find_host(Hosts *h, Ctx *cx, const HttpUrl *url) {
    char buffer[KEY_MAX];
    Str key = key_of(url, buffer);
    size_t oldest = 0;
    Host *found = NULL;
    for (size_t i = 0; i < h->n && !found; i++) {
        if (str_eq(str_n(h->hosts[i].key, h->hosts[i].key_size), key))
            found = &h->hosts[i];
        else if (h->hosts[i].used_at_ms < h->hosts[oldest].used_at_ms)
            oldest = i;
    }
    if (!found) {
        found = &h->hosts[h->n < HOSTS_MAX ? h->n++ : oldest];
        robots_free(found->robots);
        *found = (Host){ .key_size = key.n };
        memcpy(found->key, key.p, key.n);
    }
    found->used_at_ms = now_ms(cx);
    return found;
}

bool hosts_take_turn(Hosts *h, Ctx *cx, const HttpUrl *url, int64_t patience_ms, int64_t *wait_ms) {
    pthread_mutex_lock(&h->lock);
    Host *host = find_host(h, cx, url);
    int64_t now = now_ms(cx), turn = MAX(now, host->free_at_ms);
    *wait_ms = turn - now;
    bool taken = *wait_ms <= patience_ms;
    if (taken)
        host->free_at_ms = turn + MAX(h->o.gap_ms, robots_delay_ms(host->robots));
    pthread_mutex_unlock(&h->lock);
    return taken;
}

void hosts_back_off(Hosts *h, Ctx *cx, const HttpUrl *url, int64_t ms) {
    pthread_mutex_lock(&h->lock);
    Host *host = find_host(h, cx, url);
    host->free_at_ms = MAX(host->free_at_ms, now_ms(cx) + ms);
    pthread_mutex_unlock(&h->lock);
}

/* --- robots.txt --- */

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* 0 with the rules, NULL where there are none; an ErrCode where they cannot be had. */
static int fetch_robots(Hosts *h, Ctx *cx, const HttpUrl *url, bool allow_private, Robots **out) {
    HttpHeader headers[] = { { S("User-Agent"), h->o.user_agent }, { S("Accept"), S("text/plain, */*;q=0.5") } };
    RetryPolicy once = { .attempts = 1 };
    Str host = url->host;
    const char *open = memchr(host.p, ':', host.n) ? "[" : "", *close = *open ? "]" : "";
    Str at = str_fmt(cx->arena, "%s://%s" STR_FMT "%s:%d/robots.txt", url->tls ? "https" : "http", open, STR_ARG(host),
                     close, url->port);
    for (int hop = 0; hop <= ROBOTS_REDIRECTS; hop++) {
        HttpRequest req = { .method = "GET",
                            .url = at,
                            .headers = headers,
                            .n_headers = ARRAY_LEN(headers),
                            .total_ms = h->o.timeout_ms,
                            .max_body = 4 * (size_t)ROBOTS_BYTES_MAX,
                            .allow_private = allow_private };
        HttpResponse res;
        int r = http_fetch(h->o.http, cx, &req, &once, &res, NULL);
        if (r < 0)
            return r;
        if (res.status >= 500)
            return err_set(cx, ERR_UNAVAILABLE, "HTTP %d", res.status);
        *out = res.status == 200 ? robots_parse(res.body, h->o.agent) : NULL;
        if (!is_redirect(res.status))
            return 0;
        at = uri_join(cx->arena, at, http_response_header(&res, S("location")));
    }
    return 0; /* too many redirects count as "there is none" (2.3.1.2) */
}

static int learn_robots(Hosts *h, Ctx *cx, const HttpUrl *url, bool allow_private) {
    Robots *rules = NULL;
    int r = fetch_robots(h, cx, url, allow_private, &rules);
    if (r == ERR_CANCELLED || (r == ERR_TIMEOUT && ctx_check(cx)))
        return r;
    pthread_mutex_lock(&h->lock);
    Host *host = find_host(h, cx, url);
    host->robots_failed = r < 0;
    if (r == 0) {
        robots_free(host->robots);
        host->robots = rules;
    }
    host->robots_known = true;
    host->robots_until_ms = now_ms(cx) + (r < 0 ? ROBOTS_RETRY_MS : ROBOTS_KEEP_MS);
    pthread_mutex_unlock(&h->lock);
    return r < 0
               ? err_prefix(cx, "robots.txt of " STR_FMT " cannot be read, so nothing there may be", STR_ARG(url->host))
               : 0;
}

int hosts_check_robots(Hosts *h, Ctx *cx, const HttpUrl *url, bool allow_private) {
    if (h->o.ignore_robots)
        return 0;
    pthread_mutex_lock(&h->lock);
    Host *host = find_host(h, cx, url);
    bool known = host->robots_known && now_ms(cx) < host->robots_until_ms;
    pthread_mutex_unlock(&h->lock);
    int r = known ? 0 : learn_robots(h, cx, url, allow_private);
    if (r < 0)
        return r;
    Str path = url->path.n ? url->path : S("/");
    ptrdiff_t hash = str_find_char(path, '#');
    path = hash < 0 ? path : str_first(path, (size_t)hash);
    pthread_mutex_lock(&h->lock);
    host = find_host(h, cx, url);
    bool failed = host->robots_known && host->robots_failed, allowed = robots_allow(host->robots, path);
    pthread_mutex_unlock(&h->lock);
    if (failed)
        return err_set(cx, ERR_UNAVAILABLE,
                       "robots.txt of " STR_FMT " could not be read a while ago; it is asked again "
                       "within ten minutes",
                       STR_ARG(url->host));
    return allowed ? 0
                   : err_set(cx, ERR_DENIED, "robots.txt of " STR_FMT " asks not to read " STR_FMT, STR_ARG(url->host),
                             STR_ARG(str_first(path, 200)));
}
