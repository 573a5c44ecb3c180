/* app/demo_split.c - the demo's platform in pieces: a gateway and two instances of the role market, each a process of its
 * own with the newest backup restored into its own folder. One is killed while clients ask; none of them is to notice.
 *
 * The processes die with this one, are killed at the end whatever happened, and are waited for. */

#include "app/demo.h"

#include "api/market/market_api.h"
#include "app/remote.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    INSTANCES = 2,
    PIECES = INSTANCES + 1,
    CLIENTS = 4,
    ASKED = 300,
    KILLED_AT = 100,
    START_MS = 20000,
    LINE_ROOM = 512
};

typedef struct Piece {
    pid_t pid; /* 0: not running */
    int port;
} Piece;

typedef struct Split {
    Demo *d;
    const DemoSeries *series;
    const char *dir;
    Piece pieces[PIECES]; /* the gateway is the last */
    int64_t there;        /* candles of the series, up to ASKED */
    atomic_int next, failed;
    _Atomic int64_t slowest_us;
} Split;

/* --- processes --- */

static NORETURN void become(const char *const *argv, int out, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0); /* Ctrl-C at a terminal is the demo's to answer */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before that was said */
        _exit(127);
    dup2(out, STDOUT_FILENO);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* What it says: its first line, which a server writes when it listens or when it cannot, or all of it. */
static int hear(Ctx *cx, int fd, bool all, Str *out) {
    char line[LINE_ROOM];
    size_t n = 0;
    MonoNs until = mono_add_ms(clock_mono(cx->clock), START_MS);
    while (n < sizeof line) {
        int r = ctx_check(cx);
        int64_t left = mono_ms_between(clock_mono(cx->clock), until);
        if (r != 0 || left <= 0)
            return r != 0 ? r
                          : err_set(cx, ERR_TIMEOUT, "a process of the demo does not start in %d s", START_MS / 1000);
        if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, (int)MIN(left, (int64_t)50)) <= 0)
            continue;
        ssize_t got = read(fd, line + n, sizeof line - n);
        if (got < 0 && errno == EINTR)
            continue;
        n += got > 0 ? (size_t)got : 0;
        if (got <= 0 || (!all && line[n - 1] == '\n'))
            break;
    }
    *out = str_dup(cx->arena, str_n(line, n));
    return 0;
}

static int piece_start(Split *s, Piece *p, const char *const *argv, bool all, Str *said) {
    Ctx *cx = s->d->c->cx;
    int pipe_fd[2];
    pid_t self = getpid();
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return err_set(cx, ERR_BUSY, "no pipe for a process of the demo");
    fflush(NULL);
    p->pid = fork();
    if (p->pid == 0)
        become(argv, pipe_fd[1], self);
    close(pipe_fd[1]);
    int r = p->pid > 0 ? hear(cx, pipe_fd[0], all, said) : err_set(cx, ERR_BUSY, "no process for the demo");
    p->pid = MAX(p->pid, 0);
    close(pipe_fd[0]);
    return r;
}

/* Kills and waits; once for each. */
static void piece_end(Piece *p) {
    if (p->pid == 0)
        return;
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
}

static int port_of(Ctx *cx, Str said, int *port) {
    Str mark = S("\"url\":\"http://127.0.0.1:");
    ptrdiff_t at = str_find(said, mark);
    Str rest = at < 0 ? (Str){ 0 } : str_from(said, (size_t)at + mark.n), number;
    int64_t n;
    if (!str_next(&rest, '"', &number) || !str_to_i64(number, &n))
        return err_set(cx, ERR_UNAVAILABLE, "a process of the demo does not start: " STR_FMT,
                       STR_ARG(str_first(str_trim(said), 200)));
    *port = (int)n;
    return 0;
}

static int serve(Split *s, size_t k, const char *roles, const char *dir, const char *services) {
    Ctx *cx = s->d->c->cx;
    const char *argv[] = { s->d->app->program, "serve", "--json",      "--host", "127.0.0.1",
                           "--port",           "0",     "--log-level", "off",    "--gateway.fast",
                           "--roles",          roles,   "--data-dir",  dir,      services ? "--services" : NULL,
                           services,           NULL };
    Str said = { 0 };
    int r = piece_start(s, &s->pieces[k], argv, false, &said);
    return r == 0 ? port_of(cx, said, &s->pieces[k].port) : r;
}

static int restore(Split *s, const char *to) {
    Ctx *cx = s->d->c->cx;
    const char *argv[] = {
        s->d->app->program, "restore", "--to", to, "--from", platform_backup_dir(cx->arena, &s->d->app->cfg), NULL
    };
    Piece p = { 0 };
    Str said;
    int status = 0, r = piece_start(s, &p, argv, true, &said);
    if (r != 0) {
        piece_end(&p);
        return r;
    }
    while (waitpid(p.pid, &status, 0) < 0 && errno == EINTR)
        ;
    /* What went wrong it said on standard error. */
    return status == 0 ? 0 : err_set(cx, ERR_UNAVAILABLE, "the backup cannot be restored into %s", to);
}

static int start_all(Split *s) {
    Ctx *cx = s->d->c->cx;
    Buf services;
    buf_init(&services, LINE_ROOM);
    int r = 0;
    for (size_t k = 0; r == 0 && k < INSTANCES; k++) {
        const char *dir = path_join(cx->arena, s->dir, k == 0 ? "market-1" : "market-2");
        r = restore(s, dir);
        if (r == 0)
            r = serve(s, k, "market", dir, NULL);
        buf_printf(&services, "%smarket=127.0.0.1:%d", k ? "," : "", s->pieces[k].port);
    }
    if (r == 0)
        r = serve(s, INSTANCES, "gateway", path_join(cx->arena, s->dir, "gateway"),
                  str_cz(cx->arena, buf_str(&services)));
    buf_done(&services);
    return r;
}

/* --- clients --- */

/* Each question is another one, so that no answer comes out of the gateway's cache. */
static int ask(Split *s, ApiCaller *api, Ctx *cx, int limit, int64_t *count) {
    OHLCVQuery q = { .exchange = s->series->exchange,
                     .symbol = s->series->symbol,
                     .timeframe = s->series->timeframe,
                     .limit = limit,
                     .order = S("latest") };
    CandlePage page = { 0 };
    int r = api_call(api, cx, &op_market_candles, &q, &page);
    *count = page.count;
    return r;
}

static int client_open(Split *s, Ctx *cx, ApiCaller **api) {
    return remote_open(cx, str_fmt(cx->arena, "127.0.0.1:%d", s->pieces[INSTANCES].port), NULL, api);
}

static void *client(void *arg) {
    Split *s = arg;
    Arena arena = { 0 };
    Ctx cx;
    ApiCaller *api = NULL;
    ctx_init(&cx, &arena, s->d->app->clock);
    bool open = client_open(s, &cx, &api) == 0;
    for (int i; (i = atomic_fetch_add(&s->next, 1)) < ASKED;) {
        ArenaMark mark = arena_mark(&arena);
        MonoNs started = clock_mono(cx.clock);
        int64_t count, slowest = atomic_load(&s->slowest_us);
        if (i == KILLED_AT) /* others are under way */
            kill(s->pieces[0].pid, SIGKILL);
        if (!open || ask(s, api, &cx, i + 1, &count) != 0 || count != MIN((int64_t)i + 1, s->there))
            atomic_fetch_add(&s->failed, 1);
        int64_t us = (clock_mono(cx.clock).ns - started.ns) / 1000;
        while (us > slowest && !atomic_compare_exchange_weak(&s->slowest_us, &slowest, us))
            ;
        arena_rewind(&arena, mark);
    }
    api_caller_close(api);
    arena_done(&arena);
    return NULL;
}

static int ask_all(Split *s) {
    Ctx *cx = s->d->c->cx;
    pthread_t threads[CLIENTS];
    int n = 0;
    int r = ask(s, s->d->api, cx, ASKED, &s->there); /* the whole platform knows */
    while (r == 0 && n < CLIENTS && pthread_create(&threads[n], NULL, client, s) == 0)
        n++;
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    if (r == 0 && n == 0)
        r = err_set(cx, ERR_BUSY, "no thread for the demo's clients");
    return r;
}

static void show(Split *s) {
    Cli *c = s->d->c;
    int failed = atomic_load(&s->failed);
    fprintf(c->out, "  processes: gateway :%d, market :%d and :%d, the backup restored for each of the two\n",
            s->pieces[INSTANCES].port, s->pieces[0].port, s->pieces[1].port);
    fprintf(c->out,
            "  %d requests by %d clients through the gateway, kill -9 of market :%d at the %dth: %s%d failed%s, "
            "slowest %.1f ms\n",
            ASKED, CLIENTS, s->pieces[0].port, KILLED_AT, term_tone(c, failed ? TONE_BAD : TONE_GOOD), failed,
            term_end(c), (double)atomic_load(&s->slowest_us) / 1000);
}

int demo_split(Demo *d, const DemoSeries *series) {
    Ctx *cx = d->c->cx;
    Split s = { .d = d, .series = series, .dir = path_join(cx->arena, d->app->cfg.data_dir, "split") };
    demo_heading(d, "Split", "a process each for the gateway and two of the role market; one of them is killed");
    int r = dir_remove_all(cx, s.dir); /* of a demo that was killed */
    if (r == 0)
        r = start_all(&s);
    if (r == 0)
        r = ask_all(&s);
    for (size_t i = PIECES; i-- > 0;)
        piece_end(&s.pieces[i]);
    if (r == 0)
        show(&s);
    d->requests += r == 0 ? ASKED + 1 : 0;
    Ctx quiet = *cx;
    dir_remove_all(&quiet, s.dir);
    return r == 0 && atomic_load(&s.failed)
               ? err_set(cx, ERR_INTERNAL, "%d of %d requests failed", atomic_load(&s.failed), ASKED)
               : r;
}
