/* bench/live_clients.c - a thousand clients of the live API, and one that saves candles: how long is a tick on its way?
 *
 *     live_clients PORT KEY CLIENTS TICKS SERIES stamp|read
 * Clients are spread evenly over the series; a tick saves one candle of each. The clock of a series starts before its
 * save's request is written, so the way holds the HTTP request, the commit and the fan-out. It stops
 *     stamp  when the delta can be read at the client: the kernel's own stamp of its arrival. The clients sleep
 *            meanwhile, so that on shared cores their reading is no part of the server's figure;
 *     read   when one process that reads all of the sockets, as frames come, has the delta in its hands.
 * One JSON line. bench_live.py starts the server. */

#include "bench.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAUSE_US = 20000, BUF = 1 << 16, TICK_TIMEOUT_MS = 10000, WARM_UP = 5 };

static char buf[BUF];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int open_socket(int port) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t did = write(fd, p, n);
        if (did <= 0)
            die("write");
        p += did;
        n -= (size_t)did;
    }
}

/* Reads until `word` has come `times` times. */
static void read_until(int fd, const char *word, int times) {
    size_t n = 0, word_n = strlen(word);
    while (times > 0) {
        ssize_t did = read(fd, buf + n, sizeof buf - n);
        if (did <= 0)
            die("read");
        n += (size_t)did;
        char *at = buf, *found;
        while ((found = memmem(at, n - (size_t)(at - buf), word, word_n)) != NULL) {
            at = found + word_n;
            times--;
        }
        size_t left = MIN(n - (size_t)(at - buf), word_n - 1); /* the word may be cut */
        memmove(buf, buf + n - left, left);
        n = left;
    }
}

static void save(int fd, const char *key, int series, int tick) {
    char body[1024], head[512];
    int n =
        snprintf(body, sizeof body,
                 "{\"exchange\":\"binance\",\"symbol\":\"TICK%d\",\"timeframe\":\"1m\",\"durable\":false,\"candles\":["
                 "{\"timestamp\":\"2024-01-01T00:00:00Z\",\"open\":1,\"high\":%d,\"low\":1,\"close\":%d,\"volume\":1,"
                 "\"flags\":[\"open\"]}]}",
                 series, tick + 2, tick + 2);
    int m = snprintf(head, sizeof head,
                     "POST /api/v1/market/candles HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: "
                     "application/json\r\nContent-Length: %d\r\n\r\n",
                     key, n);
    memmove(body + m, body, (size_t)n);
    memcpy(body, head, (size_t)m);
    write_all(fd, body, (size_t)m + (size_t)n);
}

static void join(int fd, int series) {
    static const char shake[] = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char frame[128];
    int n = snprintf(frame + 6, sizeof frame - 6, "{\"op\":\"subscribe\",\"symbol\":\"TICK%d\",\"timeframe\":\"1m\"}",
                     series);
    frame[0] = (char)0x81;
    frame[1] = (char)(0x80 | n);
    memset(frame + 2, 0, 4); /* masked with zeros */
    write_all(fd, shake, sizeof shake - 1);
    write_all(fd, frame, 6 + (size_t)n);
}

/* --- a tick --- */

typedef struct Bench {
    int clients, series, poll_fd, saver;
    bool stamps;
    const char *key;
    int *fds;       /* of the clients; client i has series i % series */
    int *client_of; /* by descriptor */
    double *from_s; /* of each series, in this tick */
} Bench;

static double wall_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t); /* what the kernel stamps with */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Reads what there is. True: a delta was in it, and came at *at_s. */
static bool take(int fd, bool stamps, double *at_s) {
    char control[128];
    struct iovec iov = { buf, sizeof buf - 1 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    ssize_t did = recvmsg(fd, &m, 0);
    if (did <= 0)
        die("a client was cut");
    *at_s = wall_s();
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); stamps && c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            *at_s = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
        }
    return memmem(buf, (size_t)did, "\"delta\"", 7) != NULL;
}

/* One tick to all; their times go into took_s. */
static void tick(Bench *b, int nr, double *took_s) {
    struct epoll_event events[256];
    int got = 0;
    for (int i = 0; i < b->series; i++) {
        b->from_s[i] = wall_s();
        save(b->saver, b->key, i, nr);
    }
    if (b->stamps)
        usleep(PAUSE_US);
    while (got < b->clients) {
        int n = epoll_wait(b->poll_fd, events, 256, TICK_TIMEOUT_MS);
        if (n <= 0)
            die("a client waits in vain");
        for (int i = 0; i < n; i++) {
            double at_s;
            if (take(events[i].data.fd, b->stamps, &at_s))
                took_s[got++] = at_s - b->from_s[b->client_of[events[i].data.fd] % b->series];
        }
    }
    read_until(b->saver, "\"revision\"", b->series);
    usleep(PAUSE_US);
}

static void open_all(Bench *b, int port) {
    int on = 1;
    b->saver = open_socket(port);
    b->poll_fd = epoll_create1(0);
    for (int i = 0; i < b->series; i++)
        save(b->saver, b->key, i, -1);
    read_until(b->saver, "\"revision\"", b->series);
    for (int i = 0; i < b->clients; i++) {
        int fd = b->fds[i] = open_socket(port);
        b->client_of[fd] = i;
        if (b->stamps && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
            die("stamps of arrival");
        join(fd, i % b->series);
    }
    for (int i = 0; i < b->clients; i++) {
        read_until(b->fds[i], "\"snapshot\"", 1);
        struct epoll_event e = { .events = EPOLLIN, .data.fd = b->fds[i] };
        epoll_ctl(b->poll_fd, EPOLL_CTL_ADD, b->fds[i], &e);
    }
}

int main(int argc, char **argv) {
    if (argc < 7)
        return fprintf(stderr, "usage: live_clients PORT KEY CLIENTS TICKS SERIES stamp|read\n"), 2;
    int port = (int)strtol(argv[1], NULL, 10), ticks = (int)strtol(argv[4], NULL, 10);
    Bench b = { .key = argv[2],
                .clients = (int)strtol(argv[3], NULL, 10),
                .series = (int)strtol(argv[5], NULL, 10),
                .stamps = strcmp(argv[6], "stamp") == 0 };
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    b.fds = mem_new_n(int, (size_t)b.clients);
    b.client_of = mem_new_n(int, (size_t)b.clients + 64);
    b.from_s = mem_new_n(double, (size_t)b.series);
    open_all(&b, port);
    size_t n = 0;
    double *took_s = mem_new_n(double, mem_mul((size_t)b.clients, (size_t)ticks + WARM_UP));
    for (int t = 0; t < ticks + WARM_UP; t++) {
        tick(&b, t, took_s + n);
        n += t < WARM_UP ? 0 : (size_t)b.clients;
    }
    qsort(took_s, n, sizeof *took_s, bench_cmp);
    printf("{\"bench\":\"live_tick\",\"which\":\"%s\",\"clients\":%d,\"series\":%d,\"ticks\":%d,\"p1_ms\":%.3f,\"p50_"
           "ms\":%.3f,"
           "\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           b.stamps ? "readable" : "read", b.clients, b.series, ticks, took_s[n / 100] * 1e3, took_s[n / 2] * 1e3,
           took_s[n * 99 / 100] * 1e3, took_s[n - 1] * 1e3);
    return 0;
}
