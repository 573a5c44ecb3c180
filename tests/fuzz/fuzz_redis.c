/* tests/fuzz/fuzz_redis.c - what a hostile or broken Redis may answer: the input is the answer to every command.
 *
 * A thread plays the server on a socket of its own: each connection gets the same bytes and then the end. They go the
 * whole way: hiredis, our replies in the arena with their limits, redirects and the map of slots, values with their
 * headers, members of tags, cursors of SCAN. Whatever they were: each call ends, a failure has words, a hit has a value
 * whose age its header allows. No name is looked up: a redirect to elsewhere leads nowhere. */

#include "adapters/cache/redis.h"
#include "adapters/cache/redis_client.h"
#include "fuzz.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* In the place of libc's: the target never leaves this machine. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    UNUSED(node);
    UNUSED(service);
    UNUSED(hints);
    *out = NULL;
    return EAI_FAIL;
}

enum { CONNECTIONS_MAX = 40, INPUT_MAX = 32 << 10 };

typedef struct Server {
    int listener;
    char url[128];
    Str answer;
    atomic_bool enough; /* a cursor that never comes to its end is cancelled */
    pthread_t thread;
} Server;

static Server server;

static void *play(void *arg) {
    Server *s = arg;
    int open[CONNECTIONS_MAX], n = 0;
    for (int fd; n < CONNECTIONS_MAX && (fd = accept(s->listener, NULL, NULL)) >= 0;) {
        open[n++] = fd; /* closed later: what the client has not read yet would go with it */
        if (n >= CONNECTIONS_MAX / 2)
            atomic_store(&s->enough, true);
        if (s->answer.n && send(fd, s->answer.p, s->answer.n, MSG_NOSIGNAL) < 0)
            continue;
        shutdown(fd, SHUT_WR);
    }
    while (n > 0)
        close(open[--n]);
    return NULL;
}

static void server_start(Server *s, Str answer) {
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    snprintf(at.sun_path, sizeof at.sun_path, "/tmp/finsight-fuzz-redis-%d", (int)getpid());
    snprintf(s->url, sizeof s->url, "unix:%s", at.sun_path);
    unlink(at.sun_path);
    s->answer = answer;
    atomic_store(&s->enough, false);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(s->listener >= 0 && bind(s->listener, (struct sockaddr *)&at, sizeof at) == 0 &&
         listen(s->listener, CONNECTIONS_MAX) == 0);
    MUST(pthread_create(&s->thread, NULL, play, s) == 0);
}

static void server_stop(Server *s) {
    shutdown(s->listener, SHUT_RDWR); /* ends accept */
    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(s->url + strlen("unix:"));
}

static void ended(Ctx *cx, int r) {
    MUST(r <= 0);
    MUST(r == 0 || (cx->err.code == r && cx->err.text[0]));
    err_clear(cx);
}

static void ask(Cache *c, Ctx *cx) {
    CacheFound found = CACHE_MISS;
    CacheHit hit = { 0 };
    int r = cache_get(c, cx, S("candles"), &found, &hit);
    ended(cx, r);
    if (r == 0 && found != CACHE_MISS) {
        MUST(hit.value && hit.age_ms >= 0);
        MUST((hit.left_ms > 0) == (found == CACHE_FRESH));
        cache_blob_unref(hit.value);
    }
    Str tag = S("series");
    CacheBlob *b = cache_blob_of(S("value"));
    CacheEntry e = { .key = S("candles"), .tags = &tag, .n_tags = 1, .to = { 1000 }, .ttl_ms = 1000 };
    ended(cx, cache_put(c, cx, &e, b));
    cache_blob_unref(b);
    size_t n = 0;
    ended(cx, cache_drop(c, cx, S("candles"), &n));
    MUST(n <= 1);
    ended(cx, cache_drop_range(c, cx, tag, time_ms(0), time_ms(1000), &n));
    ended(cx, cache_drop_pattern(c, cx, S("*"), &n));
}

/* What a redirect names is an address inside of its bounds, whatever its words. */
static void redirect(Str words) {
    RedisAddress from = { .host = "127.0.0.1", .port = 6379 }, to;
    bool asks;
    unsigned slot;
    if (!redis_redirect_parse(words, &from, &asks, &slot, &to))
        return;
    MUST(slot < REDIS_SLOTS && to.port > 0 && to.port < 65536);
    MUST(to.host[0] && to.host[0] != '/' && strlen(to.host) <= REDIS_HOST_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str answer = str_n((const char *)data, MIN(size, (size_t)INPUT_MAX));
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    Cache *c = NULL;
    RedisOptions o;
    redirect(answer.n && answer.p[0] == '-' ? str_trim(str_from(answer, 1)) : answer);
    clock_manual_init(&clock, time_ms(INT64_C(1700000000000)));
    ctx_init(&cx, &arena, &clock.clock);
    cx.cancel = &server.enough;
    server_start(&server, answer);
    redis_options_default(&o);
    o.url = str_c(server.url);
    o.timeout_ms = 2000;
    MUST(cache_redis_open(&cx, &o, &c) == 0);
    ask(c, &cx);
    cache_close(c);
    server_stop(&server);
    arena_done(&arena);
    return 0;
}
