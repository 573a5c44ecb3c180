/* bench/bench_events.c - confirmed durable events a second on the embedded log, and its memory with a million queued.
 *
 *     bench_events amqp PORT EVENTS     (the same windows by our own adapter of a broker there)
 *     bench_events [EVENTS [QUEUED [DIR [WINDOW]]]]       (a WINDOW: that one alone, to be looked into)
 * A window of W is what a publisher may have unconfirmed: here one call of W events, at RabbitMQ W outstanding confirms
 * (bench/rabbit_publish.c). The latency is from handing an event over to its confirmation. The fsync time of the same disk
 * is printed beside it, and how many events a commit had. Wall time, because the disk is what is waited for; the CPU time
 * of the process stands beside it. */

#include "adapters/bus/amqp.h"
#include "adapters/bus/log.h"
#include "adapters/clock/system.h"
#include "bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BODY = 512, THREADS = 16 };

static Clock wall;
static const size_t windows[] = { 64, 512, 4096 };

typedef struct Bench {
    Arena arena;
    Ctx cx;
    EventBus *bus;
    char dir[512], body[BODY];
    int port; /* of a broker; 0 = the embedded log */
} Bench;

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    UNUSED(st);
    UNUSED(kind);
    UNUSED(ftw);
    return remove(path);
}

static void stop(Bench *b, const char *what) {
    fprintf(stderr, "bench_events: %s: %s\n", what, b->cx.err.text);
    exit(1);
}

static void open_bus(Bench *b) {
    static const BusExchange x = { STR_INIT("x"), EXCHANGE_TOPIC };
    static const BusQueue q = { .name = STR_INIT("q") };
    static const BusBinding bind = { STR_INIT("x"), STR_INIT("q"), false, STR_INIT("#") };
    if (!mkdtemp(b->dir))
        stop(b, "mkdtemp");
    EventLogOptions o = { .path = str_cz(&b->arena, str_fmt(&b->arena, "%s/bus.db", b->dir)) };
    EventAmqpOptions broker = { .url = str_fmt(&b->arena, "amqp://127.0.0.1:%d", b->port) };
    if ((b->port ? event_amqp_open(&b->cx, &broker, &b->bus) : event_log_open(&b->cx, &o, &b->bus)) ||
        event_bus_declare(b->bus, &b->cx, &(BusTopology){ &x, 1, &q, 1, &bind, 1 }))
        stop(b, "open");
}

static void begin(Bench *b, const char *dir, int port) {
    *b = (Bench){ .port = port };
    ctx_init(&b->cx, &b->arena, &wall);
    snprintf(b->dir, sizeof b->dir, "%s/finsight-bench-events-XXXXXX", dir);
    memset(b->body, 'x', sizeof b->body);
    memcpy(b->body, "{\"x\":\"", 6);
    memcpy(b->body + sizeof b->body - 2, "\"}", 2);
    open_bus(b);
}

static void end(Bench *b) {
    event_bus_close(b->bus);
    arena_done(&b->arena);
    nftw(b->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Median of one write and fdatasync of a page, as a commit makes. */
static double fsync_ms(const char *dir) {
    enum { N = 41 };
    double took[N];
    char path[600], page[4096] = { 1 };
    snprintf(path, sizeof path, "%s/fsync", dir);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < N; i++) {
        double from = bench_now_s();
        if (pwrite(fd, page, sizeof page, (off_t)i * (off_t)sizeof page) != sizeof page || fdatasync(fd))
            exit(1);
        took[i] = bench_now_s() - from;
    }
    close(fd);
    unlink(path);
    qsort(took, N, sizeof took[0], bench_cmp);
    return took[N / 2] * 1e3;
}

static Event event_of(Bench *b, Ctx *cx, int64_t n) {
    return (Event){ .id = str_fmt(cx->arena, "event-%lld", (long long)n),
                    .type = S("data_update"),
                    .key = S("BTCUSDT"),
                    .source = S("market"),
                    .version = 1,
                    .at = time_ms(1704067200000),
                    .body = str_n(b->body, BODY) };
}

static void publish_window(Bench *b, int64_t first, size_t window) {
    ArenaMark mark = arena_mark(&b->arena);
    Event *e = arena_new_n(&b->arena, Event, window);
    Publication *p = arena_new_n(&b->arena, Publication, window);
    for (size_t i = 0; i < window; i++) {
        e[i] = event_of(b, &b->cx, first + (int64_t)i);
        p[i] = (Publication){ S("x"), S("data_update.market"), true, &e[i] };
    }
    if (event_bus_publish_many(b->bus, &b->cx, p, window, NULL))
        stop(b, "publish");
    arena_rewind(&b->arena, mark);
}

static void bench_window(const char *dir, int port, int64_t n, size_t window) {
    Bench b;
    int64_t commits = 0, calls = 0, n_calls = (n + (int64_t)window - 1) / (int64_t)window;
    double *took = mem_new_n(double, (size_t)n_calls);
    begin(&b, dir, port);
    double sync = fsync_ms(b.dir), cpu = bench_cpu_s(), from = bench_now_s();
    for (int64_t i = 0; i < n_calls; i++) {
        double at = bench_now_s();
        publish_window(&b, i * (int64_t)window, window);
        took[i] = bench_now_s() - at;
    }
    double took_s = bench_now_s() - from;
    cpu = bench_cpu_s() - cpu;
    n = n_calls * (int64_t)window;
    if (!port)
        event_log_commits(b.bus, &commits, &calls);
    qsort(took, (size_t)n_calls, sizeof took[0], bench_cmp);
    printf("{\"bench\":\"events_publish\",\"server\":\"%s\",\"which\":\"window %zu\",\"events_per_s\":%.0f,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us_per_event\":%.2f,\"fsync_ms\":%.3f,\"events_per_commit\":%.1f}\n",
           port ? "amqp" : "log", window, (double)n / took_s, took[n_calls / 2] * 1e3, took[n_calls * 99 / 100] * 1e3,
           cpu * 1e6 / (double)n, sync, (double)n / (double)MAX(commits - 1, INT64_C(1)));
    fflush(stdout);
    mem_free(took);
    end(&b);
}

/* --- one event a call, from many threads: the commits are shared --- */

typedef struct Publisher {
    Bench *b;
    int nr, n;
    double *took;
} Publisher;

static void *publish_singly(void *arg) {
    Publisher *p = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, &wall);
    for (int i = 0; i < p->n; i++) {
        arena_reset(&arena);
        Event e = event_of(p->b, &cx, (int64_t)p->nr * 1000000 + i);
        double from = bench_now_s();
        if (event_bus_publish(p->b->bus, &cx, &(Publication){ S("x"), S("data_update.market"), true, &e }))
            exit(1);
        p->took[i] = bench_now_s() - from;
    }
    arena_done(&arena);
    return NULL;
}

static void bench_threads(const char *dir, int64_t n) {
    Bench b;
    pthread_t ids[THREADS];
    Publisher p[THREADS];
    int each = (int)(n / THREADS);
    double *took = mem_new_n(double, (size_t)each *THREADS);
    int64_t commits, calls;
    begin(&b, dir, 0);
    double sync = fsync_ms(b.dir), from = bench_now_s();
    for (int i = 0; i < THREADS; i++) {
        p[i] = (Publisher){ &b, i, each, took + (size_t)i * (size_t)each };
        pthread_create(&ids[i], NULL, publish_singly, &p[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    double took_s = bench_now_s() - from;
    size_t total = (size_t)each * THREADS;
    event_log_commits(b.bus, &commits, &calls);
    qsort(took, total, sizeof took[0], bench_cmp);
    printf("{\"bench\":\"events_publish\",\"server\":\"log\",\"which\":\"%d "
           "threads\",\"events_per_s\":%.0f,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"fsync_ms\":%.3f,\"events_per_commit\":%.1f}\n",
           THREADS, (double)total / took_s, took[total / 2] * 1e3, took[total * 99 / 100] * 1e3, sync,
           (double)total / (double)MAX(commits - 1, INT64_C(1)));
    fflush(stdout);
    mem_free(took);
    end(&b);
}

/* --- a million queued, then consumed --- */

static double rss_mb(void) {
    char text[128] = "";
    FILE *f = fopen("/proc/self/statm", "r"); /* pages of the process, those resident, … */
    if (f && !fgets(text, sizeof text, f))
        text[0] = 0;
    if (f)
        fclose(f);
    const char *second = strchr(text, ' ');
    long resident = second ? strtol(second, NULL, 10) : 0;
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void bench_queued(const char *dir, int64_t n) {
    enum { WINDOW = 1024, PREFETCH = 512 };
    Bench b;
    Subscription *s;
    begin(&b, dir, 0);
    publish_window(&b, 0, WINDOW);
    double before = rss_mb();
    for (int64_t i = WINDOW; i < n; i += WINDOW)
        publish_window(&b, i, WINDOW);
    double after = rss_mb(), from = bench_now_s();
    int64_t taken = 0;
    if (event_bus_subscribe(b.bus, &b.cx, &(SubscribeOptions){ .queue = S("q"), .prefetch = PREFETCH }, &s))
        stop(&b, "subscribe");
    while (taken < n) {
        ArenaMark mark = arena_mark(&b.arena);
        Delivery *d;
        size_t got;
        int64_t tags[PREFETCH];
        if (event_bus_receive(s, &b.cx, 0, &d, PREFETCH, &got))
            break;
        for (size_t i = 0; i < got; i++)
            tags[i] = d[i].tag;
        if (event_bus_ack_many(s, &b.cx, tags, got))
            stop(&b, "ack");
        taken += (int64_t)got;
        arena_rewind(&b.arena, mark);
    }
    double took_s = bench_now_s() - from;
    event_bus_unsubscribe(s);
    printf("{\"bench\":\"events_queued\",\"server\":\"log\",\"which\":\"%lld "
           "queued\",\"rss_before_mb\":%.1f,\"rss_after_mb\":%.1f,"
           "\"consumed_per_s\":%.0f}\n",
           (long long)n, before, after, (double)taken / took_s);
    end(&b);
}

static int bench_amqp(int port, int64_t n) {
    clock_system_init(&wall);
    for (size_t i = 0; i < ARRAY_LEN(windows); i++)
        bench_window("/tmp", port, n, windows[i]);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "amqp") == 0)
        return bench_amqp((int)strtol(argv[2], NULL, 10), strtoll(argv[3], NULL, 10));
    int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 40000, queued = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
    const char *dir = argc > 3 ? argv[3] : "/tmp";
    clock_system_init(&wall);
    if (argc > 4) {
        bench_window(dir, 0, n, (size_t)strtoull(argv[4], NULL, 10));
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(windows); i++)
        bench_window(dir, 0, n, windows[i]);
    bench_threads(dir, n / 4);
    if (queued)
        bench_queued(dir, queued);
    return 0;
}
