/* tests/torture/kill_store.c - see kill_store.h.
 *
 * The child makes the calls of a seed and writes a byte into a pipe after each answer. The parent counts bytes,
 * kills, and makes the same calls on the model: the store must hold the state after the last byte, or the one
 * after the call behind it. */

#include "torture/kill_store.h"

#include "adapters/store/sqlite.h"
#include "torture/store_model.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_ANSWER_MS = 30000 };

typedef struct Killer {
    Arena arena;
    ClockManual clock;
    Ctx cx;
    char path[512];
    Model model;
    KillStats *stats;
    char *words;
    size_t words_size;
} Killer;

static int fail(Killer *k, const char *what) {
    snprintf(k->words, k->words_size, "%s: %s", what, k->cx.err.text);
    return -1;
}

static int open_store(Killer *k, CandleStore **out) {
    StoreSqliteOptions o = { .path = k->path };
    return store_sqlite_open(&k->cx, &o, out);
}

static void sleep_us(int64_t us) {
    struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
    nanosleep(&t, NULL);
}

/* Never returns: it is killed, or leaves with an exit code that tells which step failed. */
static void child(Killer *k, uint64_t seed, int answers) {
    CandleStore *store;
    Rng rng;
    rng_seed(&rng, seed);
    if (open_store(k, &store))
        _exit(2);
    for (int i = 0; i < 100000; i++) {
        Model after;
        bool durable;
        ArenaMark mark = arena_mark(&k->arena);
        if (model_call(&k->model, store, &k->cx, &rng, &after, &durable))
            _exit(3);
        arena_rewind(&k->arena, mark);
        k->model = after;
        if (write(answers, "a", 1) != 1)
            _exit(4);
    }
    _exit(5);
}

static int64_t count_answers(int fd) {
    char bytes[256];
    int64_t n = 0;
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
        n += got;
    return n;
}

/* Runs a child for a while, which begins at its start or, not to be all opening on a slow machine, at its first answer.
 * *answers = calls that it got an answer for. */
static int run_and_kill(Killer *k, uint64_t seed, bool from_start, int64_t life_us, int64_t *answers) {
    int fds[2], status;
    if (pipe(fds) != 0)
        return fail(k, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        child(k, seed, fds[1]);
    }
    close(fds[1]);
    if (pid < 0)
        return fail(k, "fork");
    struct pollfd answered = { .fd = fds[0], .events = POLLIN };
    bool silent = !from_start && poll(&answered, 1, FIRST_ANSWER_MS) != 1;
    sleep_us(life_us);
    kill(pid, SIGKILL);
    *answers = count_answers(fds[0]);
    close(fds[0]);
    waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status)) {
        snprintf(k->words, k->words_size, "the child ended by itself, with code %d", WEXITSTATUS(status));
        return -1;
    }
    return silent ? fail(k, "the child answers no call") : 0;
}

static int check(Killer *k, uint64_t seed, int64_t answers) {
    CandleStore *store;
    Model got, before = k->model, after;
    Rng rng;
    if (open_store(k, &store))
        return fail(k, "the store does not open after the kill");
    int r = candle_store_verify(store, &k->cx) ? fail(k, "verify after the kill") : 0;
    if (r == 0 && model_read(store, &k->cx, &got))
        r = fail(k, "reading after the kill");
    candle_store_close(store);
    if (r)
        return r;
    rng_seed(&rng, seed);
    for (int64_t i = 0; i < answers; i++) {
        model_skip(&before, &rng, &after);
        before = after;
    }
    model_skip(&before, &rng, &after);
    uint64_t hash = model_hash(&got);
    if (hash != model_hash(&before) && hash != model_hash(&after)) {
        snprintf(k->words, k->words_size, "after %lld answered calls the content is not what they made",
                 (long long)answers);
        return -1;
    }
    k->model = got;
    return 0;
}

int kill_store_run(const char *dir, uint64_t seed, int n, KillStats *stats, char *words, size_t size) {
    Killer *k = mem_new(Killer);
    Rng rng;
    int r = 0;
    k->stats = stats;
    k->words = words;
    k->words_size = size;
    rng_seed(&rng, seed);
    clock_manual_init(&k->clock, time_ms(1704067200000));
    ctx_init(&k->cx, &k->arena, &k->clock.clock);
    snprintf(k->path, sizeof k->path, "%s/market.db", dir);
    for (int i = 0; i < n && r == 0; i++) {
        int64_t answers = 0, life_us = rng_between(&rng, 500, 60000);
        uint64_t calls = rng_u64(&rng);
        r = run_and_kill(k, calls, i % 4 == 0, life_us, &answers);
        if (r == 0)
            r = check(k, calls, answers);
        stats->kills++;
        stats->acknowledged += answers;
        arena_reset(&k->arena);
    }
    arena_done(&k->arena);
    mem_free(k);
    return r;
}
