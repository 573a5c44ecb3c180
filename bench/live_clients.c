/* bench/live_clients.c - a thousand clients of the live API, and one that saves candles: how long is a tick on its way?
 *
 *     live_clients PORT KEY CLIENTS TICKS
 * The clock starts before the save's request is written and stops when a client has read the first byte of its delta, so
 * the way holds the HTTP request, the commit and the fan-out; and, on shared cores, the reading of the clients before it.
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

enum { PAUSE_US = 20000, BUF = 1 << 16, TICK_TIMEOUT_MS = 10000 };

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

/* Reads until `word` has come. */
static void read_until(int fd, const char *word) {
    size_t n = 0;
    for (;;) {
        ssize_t did = read(fd, buf + n, sizeof buf - 1 - n);
        if (did <= 0)
            die("read");
        n += (size_t)did;
        buf[n] = '\0';
        if (memmem(buf, n, word, strlen(word)))
            return;
        if (n > sizeof buf / 2) { /* keep the end: the word may be cut */
            memmove(buf, buf + n - 64, 64);
            n = 64;
        }
    }
}

static void save(int fd, const char *key, int tick) {
    char body[512], head[512];
    int n =
        snprintf(body, sizeof body,
                 "{\"exchange\":\"binance\",\"symbol\":\"TICK\",\"timeframe\":\"1m\",\"durable\":false,\"candles\":["
                 "{\"timestamp\":\"2024-01-01T00:00:00Z\",\"open\":1,\"high\":%d,\"low\":1,\"close\":%d,\"volume\":1,"
                 "\"flags\":[\"open\"]}]}",
                 tick + 2, tick + 2);
    int m = snprintf(head, sizeof head,
                     "POST /api/v1/market/candles HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: "
                     "application/json\r\nContent-Length: %d\r\n\r\n%s",
                     key, n, body);
    write_all(fd, head, (size_t)m);
}

static void join(int fd) {
    static const char shake[] = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static const char ask[] = "{\"op\":\"subscribe\",\"symbol\":\"TICK\",\"timeframe\":\"1m\"}";
    char frame[256] = { (char)0x81, (char)(0x80 | (sizeof ask - 1)) }; /* masked with zeros */
    memcpy(frame + 6, ask, sizeof ask - 1);
    write_all(fd, shake, sizeof shake - 1);
    write_all(fd, frame, 6 + sizeof ask - 1);
}

/* One tick to all; their times go into took_s. */
static void tick(int poll_fd, int clients, double from_s, double *took_s) {
    struct epoll_event events[256];
    int got = 0;
    while (got < clients) {
        int n = epoll_wait(poll_fd, events, 256, TICK_TIMEOUT_MS);
        if (n <= 0)
            die("a client waits in vain");
        double now_s = bench_now_s();
        for (int i = 0; i < n; i++) {
            ssize_t did = read(events[i].data.fd, buf, sizeof buf - 1);
            if (did <= 0)
                die("a client was cut");
            if (memmem(buf, (size_t)did, "\"delta\"", 7))
                took_s[got++] = now_s - from_s;
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 5)
        return fprintf(stderr, "usage: live_clients PORT KEY CLIENTS TICKS\n"), 2;
    int port = (int)strtol(argv[1], NULL, 10), clients = (int)strtol(argv[3], NULL, 10),
        ticks = (int)strtol(argv[4], NULL, 10);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int saver = open_socket(port), poll_fd = epoll_create1(0);
    save(saver, argv[2], -1);
    read_until(saver, "\"revision\"");
    int *fds = mem_new_n(int, (size_t)clients);
    for (int i = 0; i < clients; i++)
        join(fds[i] = open_socket(port));
    for (int i = 0; i < clients; i++) {
        read_until(fds[i], "\"snapshot\"");
        struct epoll_event e = { .events = EPOLLIN, .data.fd = fds[i] };
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fds[i], &e);
    }
    size_t n = 0, warm = 5;
    double *took_s = mem_new_n(double, mem_mul((size_t)clients, (size_t)ticks));
    for (size_t t = 0; t < (size_t)ticks + warm; t++) {
        double from_s = bench_now_s();
        save(saver, argv[2], (int)t);
        tick(poll_fd, clients, from_s, took_s + n);
        read_until(saver, "\"revision\"");
        n += t < warm ? 0 : (size_t)clients;
        usleep(PAUSE_US);
    }
    qsort(took_s, n, sizeof *took_s, bench_cmp);
    printf("{\"bench\":\"live_tick\",\"clients\":%d,\"ticks\":%d,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           clients, ticks, took_s[n / 2] * 1e3, took_s[n * 99 / 100] * 1e3, took_s[n - 1] * 1e3);
    return 0;
}
