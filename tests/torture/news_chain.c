/* tests/torture/news_chain.c - see news_chain.h: the processes and their deaths. */

#include "torture/news_parts.h"

#include "sim/vfs.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_STEP_MS = 60000,
    REST_MS = 1,
    AWAY_MS = 20 /* the processor is the broker's, who starts */,
    STEPS_A_CUT = 3000
};

typedef struct Worker {
    unsigned parts;
    pid_t pid;
} Worker;

typedef struct Run {
    const NewsChainOptions *o;
    NewsLedger *ledger;
    NewsParts parts; /* of the end */
    Rng rng;
    Worker workers[2];
    int n_workers;
    int64_t until_s;
    char *words;
    size_t size;
} Run;

static int64_t now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void nap_us(int64_t us) {
    struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
    nanosleep(&t, NULL);
}

/* --- a process --- */

static NewsParts parts_of(Run *run, unsigned parts) {
    return (NewsParts){ .parts = parts, .dir = run->o->dir, .how = run->o->bus, .ledger = run->ledger };
}

/* Never returns: it is killed, or leaves with a code that tells which step failed. */
static _Noreturn void work(Run *run, unsigned parts, uint64_t seed) {
    NewsParts *p = &run->parts;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    *p = parts_of(run, parts);
    int r = news_parts_open(p, seed);
    news_parts_fear(p, true);
    while (r == 0) {
        bool idle;
        r = news_parts_step(p, &idle);
        if (idle && run->o->bus)
            nap_us((p->away ? AWAY_MS : REST_MS) * 1000);
    }
    fprintf(stderr, "news chain: %s\n", p->cx.err.text);
    _exit(3);
}

static bool start(Run *run, Worker *w) {
    uint64_t seed = rng_u64(&run->rng);
    w->pid = fork();
    if (w->pid == 0)
        work(run, w->parts, seed);
    return w->pid > 0;
}

/* False: it had ended by itself. */
static bool end(Worker *w) {
    int status = 0;
    if (w->pid <= 0)
        return true;
    kill(w->pid, SIGKILL);
    waitpid(w->pid, &status, 0);
    w->pid = 0;
    return WIFSIGNALED(status);
}

/* Some die while they start, some at work. */
static bool let_live(Run *run, const Worker *w, bool from_start) {
    long long before = atomic_load(&run->ledger->steps[w->parts]);
    for (int waited = 0; !from_start && atomic_load(&run->ledger->steps[w->parts]) == before; waited++) {
        if (waited > FIRST_STEP_MS)
            return false;
        nap_us(1000);
    }
    nap_us(rng_between(&run->rng, 200, 40000));
    return true;
}

/* --- deaths --- */

PRINTF_LIKE(2, 3) static int fail(Run *run, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(run->words, run->size, fmt, args);
    va_end(args);
    return -1;
}

static int kill_one(Run *run, int i) {
    Worker *w = &run->workers[rng_below(&run->rng, (uint64_t)run->n_workers)];
    bool lived = let_live(run, w, i % 4 == 0);
    if (!end(w))
        return fail(run, "the process of kill %d had ended by itself", i);
    run->ledger->stats.kills[w->parts]++;
    if (!lived)
        return fail(run, "the process of kill %d did nothing in a minute", i);
    return start(run, w) ? 0 : fail(run, "no process after kill %d", i);
}

/* The others live on, and see it go and come back. */
static int kill_broker(Run *run, int i) {
    const NewsChainBus *bus = run->o->bus;
    bus->kill(bus->arg);
    nap_us(rng_between(&run->rng, 0, 300000));
    if (!bus->again(bus->arg))
        return fail(run, "the broker did not come back after its kill %d", i);
    run->ledger->stats.broker_kills++;
    return 0;
}

static int run_kills(Run *run) {
    const NewsChainOptions *o = run->o;
    int r = 0, brokers = 0;
    for (int i = 0; i < run->n_workers; i++)
        r = r ? r : start(run, &run->workers[i]) ? 0 : fail(run, "no process %d", i);
    for (int i = 0; r == 0 && i < o->kills; i++) {
        r = kill_one(run, i);
        if (r == 0 && brokers < o->broker_kills &&
            (int64_t)(i + 1) * o->broker_kills >= (int64_t)(brokers + 1) * o->kills)
            r = kill_broker(run, brokers++);
        if (r == 0 && o->most_s && now_s() > run->until_s)
            r = fail(run, "only %d kills in the time it may take", i);
    }
    for (int i = 0; i < run->n_workers; i++)
        if (!end(&run->workers[i]) && r == 0)
            r = fail(run, "process %d had ended by itself", i);
    return r;
}

/* --- kills --- */

static Run *run_new(const NewsChainOptions *o, char *words, size_t size) {
    Run *run = mem_new(Run);
    *run = (Run){ .o = o, .words = words, .size = size, .until_s = now_s() + o->most_s };
    run->ledger = mmap(NULL, sizeof *run->ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    rng_seed(&run->rng, o->seed);
    return run;
}

static void run_free(Run *run, NewsChainStats *stats) {
    news_parts_close(&run->parts);
    arena_done(&run->parts.arena);
    if (run->ledger != MAP_FAILED) {
        *stats = run->ledger->stats;
        munmap(run->ledger, sizeof *run->ledger);
    }
    mem_free(run);
}

int news_chain_kills(const NewsChainOptions *o, NewsChainStats *stats, char *words, size_t size) {
    Run *run = run_new(o, words, size);
    *stats = (NewsChainStats){ 0 };
    if (run->ledger == MAP_FAILED) {
        run_free(run, stats);
        snprintf(words, size, "mmap");
        return -1;
    }
    bool apart = o->bus && o->bus->kill;
    run->workers[0].parts = apart ? NEWS_PART_NEWS : NEWS_PARTS;
    run->workers[1].parts = NEWS_PART_SENTIMENT;
    run->n_workers = apart ? 2 : 1;
    int r = run_kills(run);
    run->parts = parts_of(run, NEWS_PARTS);
    if (r == 0 && news_parts_open(&run->parts, o->seed)) {
        snprintf(words, size, "it does not open after the kills: %s", run->parts.cx.err.text);
        r = -1;
    }
    r = r ? r : news_parts_judge(&run->parts, words, size);
    run_free(run, stats);
    return r;
}

/* --- power cuts --- */

/* Until the power is gone: 0, or what failed on a disk that was well. */
static int live_until_cut(NewsParts *p, SimDisk *disk, uint64_t seed, int64_t op) {
    sim_disk_set_faults(disk, &(SimDiskFaults){ .cut_at_op = op });
    int r = news_parts_open(p, seed);
    news_parts_fear(p, true);
    for (int step = 0; r == 0 && step < STEPS_A_CUT && !sim_disk_is_off(disk); step++) {
        bool idle;
        r = news_parts_step(p, &idle);
    }
    bool cut = sim_disk_is_off(disk);
    sim_disk_power_off(disk);
    news_parts_close(p);
    sim_disk_power_on(disk);
    return cut ? 0 : r;
}

int news_chain_cuts(uint64_t seed, int n, NewsChainStats *stats, char *words, size_t size) {
    NewsChainOptions o = { .dir = "/disk", .seed = seed };
    Run *run = run_new(&o, words, size);
    SimDisk *disk = sim_disk_new("news-cut", seed);
    int r = run->ledger == MAP_FAILED ? -1 : 0;
    run->parts = parts_of(run, NEWS_PARTS);
    run->parts.vfs = "news-cut";
    for (int i = 0; r == 0 && i < n; i++, run->ledger->stats.cuts++) {
        r = live_until_cut(&run->parts, disk, rng_u64(&run->rng), rng_between(&run->rng, 1, 1500));
        if (r)
            snprintf(words, size, "cut %d: a step failed on a disk that was well: %s", i, run->parts.cx.err.text);
    }
    sim_disk_set_faults(disk, &(SimDiskFaults){ 0 });
    if (r == 0 && news_parts_open(&run->parts, seed)) {
        snprintf(words, size, "it does not open after the cuts: %s", run->parts.cx.err.text);
        r = -1;
    }
    r = r ? r : news_parts_judge(&run->parts, words, size);
    if (run->ledger != MAP_FAILED)
        run->ledger->stats.lost_sectors = sim_disk_lost_sectors(disk);
    run_free(run, stats);
    sim_disk_free(disk);
    return r;
}
