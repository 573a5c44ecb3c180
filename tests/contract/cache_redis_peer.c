/* adapters/cache/redis against the real server's life (restarts, passwords, pools) and against peers that send what they
 * like: redirects, hostile replies, bytes that drip, silence. */

#include "adapters/cache/redis.h"
#include "adapters/cache/redis_client.h"
#include "adapters/cache/redis_url.h"
#include "lib/redis_server.h"
#include "lib/test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a peer whose answers are the test's --- */

enum { COMMAND_MAX = 4096 };
typedef struct Peer Peer;
/* Writes the answer to one command, given as its words with blanks between; false closes the connection. */
typedef bool PeerAnswer(Peer *p, int fd, const char *command);

struct Peer {
    PeerAnswer *answer;
    void *_Atomic arg; /* the test may change it between two calls */
    int fd, port;
    pthread_t thread;
    _Atomic int connections, commands;
    _Atomic bool stop;
};

static bool say(int fd, const char *text) {
    size_t n = strlen(text);
    return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool read_line(int fd, char *out, size_t cap) {
    size_t n = 0;
    while (n + 1 < cap) {
        if (recv(fd, out + n, 1, 0) != 1)
            return false;
        if (out[n] == '\n') {
            out[n - (n > 0)] = '\0';
            return true;
        }
        n++;
    }
    return false;
}

static bool read_command(int fd, char out[static COMMAND_MAX]) {
    char line[64];
    size_t n = 0;
    out[0] = '\0';
    if (!read_line(fd, line, sizeof line))
        return false;
    for (long words = strtol(line + 1, NULL, 10); words > 0; words--) {
        if (!read_line(fd, line, sizeof line))
            return false;
        long size = strtol(line + 1, NULL, 10);
        if (size < 0 || n + (size_t)size + 3 > COMMAND_MAX)
            return false;
        if (n)
            out[n++] = ' ';
        for (long got = 0, r; got < size + 2; got += r)
            if ((r = recv(fd, out + n + got, (size_t)(size + 2 - got), 0)) <= 0)
                return false;
        n += (size_t)size;
        out[n] = '\0';
    }
    return true;
}

typedef struct PeerConn {
    Peer *p;
    int fd;
} PeerConn;

static void *serve_one(void *arg) {
    PeerConn pc = *(PeerConn *)arg;
    mem_free(arg);
    char command[COMMAND_MAX];
    while (read_command(pc.fd, command)) {
        atomic_fetch_add(&pc.p->commands, 1);
        if (!pc.p->answer(pc.p, pc.fd, command))
            break;
    }
    close(pc.fd);
    return NULL;
}

/* One thread a connection: a client may hold several. They end when the client closes. */
static void *serve(void *arg) {
    Peer *p = arg;
    pthread_t threads[64];
    int n = 0;
    for (int fd; (fd = accept(p->fd, NULL, NULL)) >= 0;) {
        if (atomic_load(&p->stop) || n == 64) {
            close(fd);
            break;
        }
        atomic_fetch_add(&p->connections, 1);
        PeerConn *pc = mem_new(PeerConn);
        *pc = (PeerConn){ p, fd };
        if (pthread_create(&threads[n], NULL, serve_one, pc) == 0)
            n++;
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return NULL;
}

static void peer_start(Peer *p, PeerAnswer *answer, void *arg) {
    *p = (Peer){ .answer = answer, .arg = arg };
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof sa;
    assert_int_equal(bind(p->fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(p->fd, 64), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&sa, &size), 0);
    p->port = ntohs(sa.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

/* After the client has closed its connections. */
static void peer_stop(Peer *p) {
    atomic_store(&p->stop, true);
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)p->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
    pthread_join(p->thread, NULL);
    close(fd);
    close(p->fd);
}

/* --- with it --- */

static TestCtx t;

static Cache *open_at(int port, int64_t timeout_ms, int max_connections, const char *rest) {
    RedisOptions o;
    redis_options_default(&o);
    o.timeout_ms = timeout_ms;
    o.max_connections = max_connections;
    o.url = str_fmt(&t.arena, "redis://127.0.0.1:%d%s", port, rest);
    Cache *c;
    CHECK_OK_PLAIN(&t.cx, cache_redis_open(&t.cx, &o, &c));
    return c;
}

static int get(Cache *c, Str key, CacheFound *found) {
    CacheHit hit;
    *found = CACHE_MISS;
    int r = cache_get(c, &t.cx, key, found, &hit);
    if (r == 0 && *found != CACHE_MISS)
        cache_blob_unref(hit.value);
    return r;
}

static int put(Cache *c, Str key) {
    CacheBlob *b = cache_blob_of(S("value"));
    Str tag = S("tag");
    int r = cache_put(c, &t.cx, &(CacheEntry){ .key = key, .ttl_ms = 60000, .tags = &tag, .n_tags = 1 }, b);
    cache_blob_unref(b);
    return r;
}

static bool say_arg(Peer *p, int fd, const char *command) {
    return str_starts(str_c(command), S("CLUSTER")) ? say(fd, "-ERR no cluster\r\n") : say(fd, p->arg);
}

/* Each is an error or a miss within the time-out, and leaves nothing behind: the next answer is read as it is. The Ctx's
 * clock stands still: what ends a wait is poll's own time-out. */
TEST(hostile_replies_are_errors_and_the_next_call_starts_anew) {
    const struct {
        const char *name;
        int code; /* 0: a miss */
    } rows[] = {
        { "$-1\r\n", 0 },                                                 /* nil */
        { ":12\r\n", 0 },                                                 /* of another type */
        { "$3\r\nabc\r\n", 0 },                                           /* too short for a header */
        { "$44\r\nFSC9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 0 }, /* of another version */
        { "$44\r\nFSC1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 0 }, /* its numbers make no sense */
        { "-ERR something\r\n", ERR_UNAVAILABLE },
        { "-MOVED\r\n", ERR_UNAVAILABLE },
        { "-MOVED 99999 127.0.0.1:1\r\n", ERR_UNAVAILABLE },
        { "-MOVED 1 127.0.0.1:99999\r\n", ERR_UNAVAILABLE },
        { "-ASK x y\r\n", ERR_UNAVAILABLE },
        { "-LOADING Redis is loading the dataset in memory\r\n", ERR_UNAVAILABLE },
        { "hello\r\n", ERR_CORRUPT },
        { "HTTP/1.1 400 Bad Request\r\n\r\n", ERR_CORRUPT },
        { "*99999999\r\n", ERR_CORRUPT }, /* more elements than anything has */
        { "*2000000000\r\n", ERR_CORRUPT },
        { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", ERR_CORRUPT }, /* too deep */
        { "$1000000000\r\nx", ERR_TIMEOUT }, /* waits for what does not come; takes no memory for it */
        { "$", ERR_TIMEOUT },
        { "*2\r\n$1\r\na\r\n", ERR_TIMEOUT },
        { "", ERR_TIMEOUT },
    };
    test_ctx_init(&t);
    Peer p;
    static const char good[] = "$-1\r\n";
    EACH_ROW (r, rows) {
        peer_start(&p, say_arg, (void *)(uintptr_t)r->name);
        Cache *c = open_at(p.port, 50, 20, "");
        CacheFound found;
        CHECK_EQ(get(c, S("k"), &found), r->code);
        CHECK_EQ(found, CACHE_MISS);
        p.arg = (void *)(uintptr_t)good;
        CHECK_EQ(get(c, S("k"), &found), 0);
        cache_close(c);
        peer_stop(&p);
    }
    test_ctx_done(&t);
}

static bool hang_up(Peer *p, int fd, const char *command) {
    UNUSED(command);
    say(fd, p->arg ? p->arg : "");
    return false;
}

TEST(a_peer_that_hangs_up_is_asked_twice_and_no_more) {
    test_ctx_init(&t);
    const char *const before[] = { NULL, "$100\r\nhalf of it" };
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        Peer p;
        peer_start(&p, hang_up, (void *)(uintptr_t)before[i]);
        Cache *c = open_at(p.port, 5000, 20, "");
        CacheFound found;
        CHECK_EQ(get(c, S("k"), &found), ERR_UNAVAILABLE);
        CHECK_EQ(atomic_load(&p.connections), 2);
        CacheStats st;
        cache_stats(c, &st);
        CHECK_EQ(st.connections, 0); /* none is kept that failed */
        cache_close(c);
        peer_stop(&p);
    }
    test_ctx_done(&t);
}

/* One byte after the other, each in time, the whole never: the deadline is of the call. */
static bool drip(Peer *p, int fd, const char *command) {
    UNUSED(command);
    clock_manual_advance_ms(p->arg, 40);
    if (!say(fd, "$1000\r\n"))
        return false;
    for (int i = 0; i < 100; i++) {
        clock_manual_advance_ms(p->arg, 40);
        if (!say(fd, "x"))
            return false;
        usleep(2000);
    }
    return true;
}

TEST(bytes_that_drip_do_not_prolong_a_call) {
    test_ctx_init(&t);
    Peer p;
    peer_start(&p, drip, &t.clock);
    Cache *c = open_at(p.port, 500, 20, "");
    CacheFound found;
    CHECK_EQ(get(c, S("k"), &found), ERR_TIMEOUT);
    cache_close(c);
    peer_stop(&p);
    test_ctx_done(&t);
}

static bool flood(Peer *p, int fd, const char *command) {
    UNUSED(p);
    UNUSED(command);
    static char piece[1 << 20];
    memset(piece, 'x', sizeof piece - 1);
    if (!say(fd, "$2000000000\r\n"))
        return false;
    while (say(fd, piece))
        ;
    return false;
}

TEST(an_endless_reply_is_cut_off) {
    test_ctx_init(&t);
    Peer p;
    peer_start(&p, flood, NULL);
    Cache *c = open_at(p.port, 60000, 20, "");
    CacheFound found;
    CHECK_EQ(get(c, S("k"), &found), ERR_LIMIT);
    cache_close(c);
    peer_stop(&p);
    test_ctx_done(&t);
}

/* --- redirects --- */

typedef struct Node {
    Peer peer;
    char text[200];  /* the answer to everything but ASKING and CLUSTER */
    char slots[400]; /* the answer to CLUSTER SLOTS */
    _Atomic int asking, slots_asked, gets;
    bool want_asking; /* without ASKING before it the answer is MOVED back */
    bool had_asking;
} Node;

static bool node_answer(Peer *p, int fd, const char *command) {
    Node *n = p->arg;
    if (str_starts(str_c(command), S("CLUSTER"))) {
        atomic_fetch_add(&n->slots_asked, 1);
        return say(fd, n->slots[0] ? n->slots : "*0\r\n");
    }
    if (str_eq(str_c(command), S("ASKING"))) {
        atomic_fetch_add(&n->asking, 1);
        n->had_asking = true;
        return say(fd, "+OK\r\n");
    }
    atomic_fetch_add(&n->gets, 1);
    if (n->want_asking && !n->had_asking)
        return say(fd, "-MOVED 0 127.0.0.1:1\r\n");
    n->had_asking = false;
    return say(fd, n->text);
}

static void node_start(Node *n) {
    *n = (Node){ .text = "$-1\r\n" };
    peer_start(&n->peer, node_answer, n);
}

TEST(sto_17_moved_is_followed_learnt_and_refreshes_the_map) {
    test_ctx_init(&t);
    Node a, b;
    node_start(&a);
    node_start(&b);
    unsigned slot = redis_slot(S("finsight:k:key"));
    snprintf(a.text, sizeof a.text, "-MOVED %u 127.0.0.1:%d\r\n", slot, b.peer.port);
    snprintf(b.slots, sizeof b.slots,
             "*2\r\n*3\r\n:0\r\n:8191\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n"
             "*3\r\n:8192\r\n:16383\r\n*3\r\n$0\r\n\r\n:%d\r\n$2\r\nid\r\n",
             b.peer.port, b.peer.port); /* the second without a host: that of who answers */
    Cache *c = open_at(a.peer.port, 5000, 20, "");
    CacheFound found;
    CHECK_OK(&t.cx, get(c, S("key"), &found));
    CHECK_EQ(atomic_load(&a.gets), 1);
    CHECK_EQ(atomic_load(&b.gets), 1);
    CHECK_EQ(atomic_load(&b.slots_asked), 1);
    CHECK_OK(&t.cx, get(c, S("key"), &found)); /* straight to the right one */
    CHECK_OK(&t.cx, get(c, S("another key"), &found));
    CHECK_EQ(atomic_load(&a.gets), 1);
    CHECK_EQ(atomic_load(&b.gets), 3);
    cache_close(c);
    peer_stop(&a.peer);
    peer_stop(&b.peer);
    test_ctx_done(&t);
}

TEST(sto_17_ask_is_followed_once_with_asking_and_not_learnt) {
    test_ctx_init(&t);
    Node a, b;
    node_start(&a);
    node_start(&b);
    b.want_asking = true;
    snprintf(a.text, sizeof a.text, "-ASK 7 127.0.0.1:%d\r\n", b.peer.port);
    Cache *c = open_at(a.peer.port, 5000, 20, "");
    CacheFound found;
    for (int i = 1; i <= 3; i++) {
        CHECK_OK(&t.cx, get(c, S("key"), &found));
        CHECK_EQ(atomic_load(&a.gets), i);
        CHECK_EQ(atomic_load(&b.asking), i);
        CHECK_EQ(atomic_load(&b.gets), i);
    }
    CHECK_EQ(atomic_load(&b.slots_asked), 0);
    cache_close(c);
    peer_stop(&a.peer);
    peer_stop(&b.peer);
    test_ctx_done(&t);
}

TEST(sto_17_nodes_that_send_to_each_other_are_left_after_five) {
    test_ctx_init(&t);
    Node a, b;
    node_start(&a);
    node_start(&b);
    snprintf(a.text, sizeof a.text, "-MOVED 7 127.0.0.1:%d\r\n", b.peer.port);
    snprintf(b.text, sizeof b.text, "-MOVED 7 127.0.0.1:%d\r\n", a.peer.port);
    Cache *c = open_at(a.peer.port, 5000, 20, "");
    CacheFound found;
    CHECK_EQ(get(c, S("key"), &found), ERR_UNAVAILABLE);
    CHECK_EQ(atomic_load(&a.gets) + atomic_load(&b.gets), REDIS_REDIRECTS_MAX + 1);
    cache_close(c);
    peer_stop(&a.peer);
    peer_stop(&b.peer);
    test_ctx_done(&t);
}

TEST(redirects_are_read_strictly) {
    const struct {
        const char *name;
        bool ok, ask;
        unsigned slot;
        const char *host;
        int port;
    } rows[] = {
        { "MOVED 3999 127.0.0.1:6381", true, false, 3999, "127.0.0.1", 6381 },
        { "ASK 0 host.example:1", true, true, 0, "host.example", 1 },
        { "MOVED 16383 :6381", true, false, 16383, "seed", 6381 },
        { "MOVED 1 2001:db8::1:6381", true, false, 1, "2001:db8::1", 6381 },
        { "MOVED 16384 a:1", false, false, 0, "", 0 },
        { "MOVED -1 a:1", false, false, 0, "", 0 },
        { "MOVED 1 a:0", false, false, 0, "", 0 },
        { "MOVED 1 a:65536", false, false, 0, "", 0 },
        { "MOVED 1 a", false, false, 0, "", 0 },
        { "MOVED 1", false, false, 0, "", 0 },
        { "MOVED 1 /etc/socket:1", false, false, 0, "", 0 }, /* no peer names a path of ours */
        { "OTHER 1 a:1", false, false, 0, "", 0 },
        { "", false, false, 0, "", 0 },
    };
    RedisAddress from = { "seed", 9 };
    EACH_ROW (r, rows) {
        bool ask = false;
        unsigned slot = 0;
        RedisAddress at = { 0 };
        CHECK_EQ(redis_redirect_parse(str_c(r->name), &from, &ask, &slot, &at), r->ok);
        if (!r->ok)
            continue;
        CHECK_EQ(ask, r->ask);
        CHECK_EQ(slot, r->slot);
        CHECK_STR(str_c(at.host), str_c(r->host));
        CHECK_EQ(at.port, r->port);
    }
}

TEST(slots_are_those_of_the_specification) {
    CHECK_EQ(redis_slot(S("123456789")), 0x31c3); /* CRC-16/XMODEM's check value */
    CHECK_EQ(redis_slot(S("")), 0);
    CHECK_EQ(redis_slot(S("{user1000}.following")), redis_slot(S("{user1000}.followers")));
    CHECK_EQ(redis_slot(S("foo{bar}{zap}")), redis_slot(S("bar")));
    CHECK_EQ(redis_slot(S("foo{{bar}}zap")), redis_slot(S("{bar")));
    CHECK(redis_slot(S("foo{}{bar}")) != redis_slot(S("bar"))); /* empty braces do not count */
}

TEST(urls) {
    const struct {
        const char *name;
        int code;
        const char *host;
        int port;
        const char *user, *password;
        int db;
    } rows[] = {
        { "redis://localhost", 0, "localhost", 6379, "", "", 0 },
        { "redis://localhost:7000/3", 0, "localhost", 7000, "", "", 3 },
        { "redis://[::1]:7000", 0, "::1", 7000, "", "", 0 },
        { "redis://u:p%40ss@h", 0, "h", 6379, "u", "p@ss", 0 },
        { "redis://:secret@h/0", 0, "h", 6379, "", "secret", 0 },
        { "redis://secret@h", 0, "h", 6379, "", "secret", 0 },
        { "redis://u:a@b@h", 0, "h", 6379, "u", "a@b", 0 },
        { "unix:/run/redis.sock", 0, "/run/redis.sock", 0, "", "", 0 },
        { "unix:///run/redis.sock", 0, "/run/redis.sock", 0, "", "", 0 },
        { "rediss://h", ERR_UNSUPPORTED, "", 0, "", "", 0 },
        { "http://h", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://h:0", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://h:65536", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://h/x", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://h/-1", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://[::1", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://[::1]x", ERR_INVALID, "", 0, "", "", 0 },
        { "redis://u:%4@h", ERR_INVALID, "", 0, "", "", 0 },
        { "unix:relative", ERR_INVALID, "", 0, "", "", 0 },
        { "", ERR_INVALID, "", 0, "", "", 0 },
    };
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        RedisUrl u;
        CHECK_EQ(redis_url_parse(&t.cx, str_c(r->name), &u), r->code);
        if (r->code != 0) {
            CHECK(!strstr(t.cx.err.text, "%4@"));
            continue;
        }
        CHECK_STR(str_c(u.at.host), str_c(r->host));
        CHECK_EQ(u.at.port, r->port);
        CHECK_STR(u.login.user, str_c(r->user));
        CHECK_STR(u.login.password, str_c(r->password));
        CHECK_EQ(u.login.db, r->db);
    }
    test_ctx_done(&t);
}

/* --- the real server's life --- */

static RedisServer *server_or_skip(const char *password) {
    if (!redis_server_there())
        SKIP("redis-server is not installed");
    test_ctx_init(&t);
    RedisServer *s = redis_server_start(&(RedisServerOptions){ .password = password });
    assert_non_null(s);
    return s;
}

static int open_fds(void) {
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

TEST(a_server_that_is_gone_is_an_error_and_one_that_is_back_an_answer) {
    RedisServer *s = server_or_skip(NULL);
    int port = redis_server_port(s);
    Cache *c = open_at(port, 30000, 20, "");
    CHECK_OK(&t.cx, put(c, S("k")));
    CacheFound found;
    CHECK_OK(&t.cx, get(c, S("k"), &found));
    CHECK_EQ(found, CACHE_FRESH);
    redis_server_stop(s);
    CHECK_EQ(get(c, S("k"), &found), ERR_UNAVAILABLE);
    CHECK_EQ(put(c, S("k")), ERR_UNAVAILABLE);
    s = redis_server_start(&(RedisServerOptions){ .port = port });
    CHECK(s != NULL);
    CHECK_OK(&t.cx, get(c, S("k"), &found));
    CHECK_EQ(found, CACHE_MISS);
    CHECK_OK(&t.cx, put(c, S("k")));
    redis_server_tell(s, "CLIENT KILL TYPE normal"); /* kept connections die; the call is made again on a new one */
    CHECK_OK(&t.cx, get(c, S("k"), &found));
    CHECK_EQ(found, CACHE_FRESH);
    cache_close(c);
    redis_server_stop(s);
    test_ctx_done(&t);
}

TEST(passwords_databases_and_sockets) {
    RedisServer *s = server_or_skip("open sesame");
    CacheFound found;
    Cache *c = open_at(redis_server_port(s), 30000, 20, "");
    CHECK_EQ(get(c, S("k"), &found), ERR_UNAVAILABLE);
    CHECK(strstr(t.cx.err.text, "NOAUTH") != NULL);
    cache_close(c);
    RedisOptions o;
    redis_options_default(&o);
    o.timeout_ms = 30000;
    const char *const urls[] = { "redis://:open%%20sesame@127.0.0.1:%d/2",
                                 "redis://default:open%%20sesame@127.0.0.1:%d/2" };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        char url[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(url, sizeof url, urls[i], redis_server_port(s));
#pragma GCC diagnostic pop
        o.url = str_c(url);
        CHECK_OK(&t.cx, cache_redis_open(&t.cx, &o, &c));
        CHECK_OK(&t.cx, put(c, S("k")));
        cache_close(c);
    }
    o.url = str_fmt(&t.arena, "redis://wrong@127.0.0.1:%d", redis_server_port(s));
    CHECK_OK(&t.cx, cache_redis_open(&t.cx, &o, &c));
    CHECK_EQ(get(c, S("k"), &found), ERR_UNAVAILABLE);
    CHECK(strstr(t.cx.err.text, "wrong@") == NULL);
    cache_close(c);
    redis_server_stop(s);
    s = redis_server_start(&(RedisServerOptions){ 0 });
    o.url = str_fmt(&t.arena, "unix:%s", redis_server_socket(s));
    CHECK_OK(&t.cx, cache_redis_open(&t.cx, &o, &c));
    CHECK_OK(&t.cx, put(c, S("k")));
    cache_close(c);
    redis_server_stop(s);
    test_ctx_done(&t);
}

TEST(sto_09_what_has_expired_leaves_the_server_and_other_tenants_are_left_alone) {
    RedisServer *s = server_or_skip(NULL);
    Cache *c = open_at(redis_server_port(s), 30000, 20, "");
    redis_server_tell(s, "SET finsight:other-tool keep");
    redis_server_tell(s, "SET tenant keep");
    CacheBlob *b = cache_blob_of(S("v"));
    Str tag = S("tag");
    CHECK_OK(&t.cx,
             cache_put(c, &t.cx, &(CacheEntry){ .key = S("short"), .ttl_ms = 30, .tags = &tag, .n_tags = 1 }, b));
    CHECK_OK(&t.cx, put(c, S("long")));
    bool gone = false;
    for (int i = 0; i < 3000 && !gone; i++) {
        gone = strstr(redis_server_tell(s, "EXISTS finsight:k:short"), ":0") != NULL;
        usleep(20000);
    }
    CHECK(gone);
    clock_manual_advance_ms(&t.clock, 1000); /* the next put tidies the tag's set */
    CHECK_OK(&t.cx,
             cache_put(c, &t.cx, &(CacheEntry){ .key = S("next"), .ttl_ms = 60000, .tags = &tag, .n_tags = 1 }, b));
    CHECK(strstr(redis_server_tell(s, "ZCARD finsight:t:tag"), ":2") != NULL);
    cache_blob_unref(b);
    size_t n;
    CHECK_OK(&t.cx, cache_drop_pattern(c, &t.cx, S("*"), &n));
    CHECK_EQ(n, 2);
    CHECK(strstr(redis_server_tell(s, "MGET finsight:other-tool tenant"), "$4\r\nkeep\r\n$4\r\nkeep") != NULL);
    cache_close(c);
    redis_server_stop(s);
    test_ctx_done(&t);
}

enum { CROWD = 40 };
typedef struct Crowd {
    Cache *c;
    _Atomic int failed, most;
} Crowd;

static void *crowd_member(void *arg) {
    Crowd *w = arg;
    TestCtx own;
    test_ctx_init(&own);
    for (int i = 0; i < 50; i++) {
        CacheFound found;
        CacheHit hit;
        CacheStats st;
        if (cache_get(w->c, &own.cx, S("k"), &found, &hit) != 0 || found == CACHE_MISS)
            atomic_fetch_add(&w->failed, 1);
        else
            cache_blob_unref(hit.value);
        cache_stats(w->c, &st);
        int seen = atomic_load(&w->most);
        while (st.connections > seen && !atomic_compare_exchange_weak(&w->most, &seen, (int)st.connections))
            ;
    }
    test_ctx_done(&own);
    return NULL;
}

/* RES-14, RES-15 */
TEST(res_14_res_15_forty_callers_share_twenty_connections_and_closing_leaves_none) {
    RedisServer *s = server_or_skip(NULL);
    int before = open_fds();
    Crowd w = { .c = open_at(redis_server_port(s), 60000, 20, "") };
    CHECK_OK(&t.cx, put(w.c, S("k")));
    pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, crowd_member, &w), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&w.failed), 0);
    CHECK(atomic_load(&w.most) <= 20);
    CacheStats st;
    cache_stats(w.c, &st);
    CHECK(st.reused > 1900); /* RES-10's kin: 2,000 calls, 20 connections at most */
    cache_close(w.c);
    CHECK_EQ(open_fds(), before);
    redis_server_stop(s);
    test_ctx_done(&t);
}

static bool never(Peer *p, int fd, const char *command) {
    UNUSED(p);
    UNUSED(fd);
    UNUSED(command);
    return true;
}

TEST(res_14_who_waits_for_a_connection_longer_than_its_time_is_told_so) {
    test_ctx_init(&t);
    Peer p;
    peer_start(&p, never, NULL);
    Cache *c = open_at(p.port, 20, 1, "");
    Crowd w = { .c = c };
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, crowd_member, &w), 0);
    UNUSED(threads);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&w.failed), 100);
    CHECK(atomic_load(&w.most) <= 1);
    cache_close(c);
    peer_stop(&p);
    test_ctx_done(&t);
}

TEST(sto_17_a_slot_that_moves_between_real_nodes_is_followed) {
    if (!redis_server_there())
        SKIP("redis-server is not installed");
    test_ctx_init(&t);
    RedisServer *nodes[3];
    CHECK(redis_cluster_start(nodes));
    Cache *c = open_at(redis_server_port(nodes[0]), 30000, 20, "");
    char key[32];
    CacheFound found;
    for (int i = 0; i < 200; i++)
        CHECK_OK(&t.cx, put(c, str_n(key, (size_t)snprintf(key, sizeof key, "key%d", i))));
    for (int i = 0; i < 200; i++) {
        CHECK_OK(&t.cx, get(c, str_n(key, (size_t)snprintf(key, sizeof key, "key%d", i)), &found));
        CHECK_EQ(found, CACHE_FRESH);
    }
    size_t n;
    CHECK_OK(&t.cx, cache_drop_pattern(c, &t.cx, S("key1?"), &n));
    CHECK_EQ(n, 10);
    CHECK_OK(&t.cx, cache_drop_tag(c, &t.cx, S("tag"), &n));
    CHECK_EQ(n, 190);
    redis_server_stop(nodes[2]); /* its slots are nobody's: an error, not a hang; the others go on */
    int failed = 0;
    for (int i = 0; i < 60; i++)
        failed += put(c, str_n(key, (size_t)snprintf(key, sizeof key, "key%d", i))) != 0;
    CHECK(failed > 0 && failed <= 60);
    cache_close(c);
    redis_server_stop(nodes[0]);
    redis_server_stop(nodes[1]);
    test_ctx_done(&t);
}

TESTS(T(hostile_replies_are_errors_and_the_next_call_starts_anew), T(a_peer_that_hangs_up_is_asked_twice_and_no_more),
      T(bytes_that_drip_do_not_prolong_a_call), T(an_endless_reply_is_cut_off),
      T(sto_17_moved_is_followed_learnt_and_refreshes_the_map),
      T(sto_17_ask_is_followed_once_with_asking_and_not_learnt),
      T(sto_17_nodes_that_send_to_each_other_are_left_after_five), T(redirects_are_read_strictly),
      T(slots_are_those_of_the_specification), T(urls),
      T(a_server_that_is_gone_is_an_error_and_one_that_is_back_an_answer), T(passwords_databases_and_sockets),
      T(sto_09_what_has_expired_leaves_the_server_and_other_tenants_are_left_alone),
      T(res_14_res_15_forty_callers_share_twenty_connections_and_closing_leaves_none),
      T(res_14_who_waits_for_a_connection_longer_than_its_time_is_told_so),
      T(sto_17_a_slot_that_moves_between_real_nodes_is_followed))
