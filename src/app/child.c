/* app/child.c - see child.h. Between fork and exec only calls that a signal handler may make. */

#include "app/child.h"

#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 50, GRACE_MS = 500 };

static void limit(int resource, rlim_t most) {
    struct rlimit cap = { most, most };
    setrlimit((__rlimit_resource_t)resource, &cap);
}

/* dup2 onto itself would keep close-on-exec. */
static void become_fd(int fd, int number) {
    if (fd == number)
        fcntl(fd, F_SETFD, 0);
    else
        dup2(fd, number);
}

static NORETURN void become(const ChildOptions *o, char **argv, int out, int progress) {
    enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0); /* Ctrl-C at a terminal is the parent's to answer */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    become_fd(progress, CHILD_PROGRESS_FD);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0)
        become_fd(nothing, STDIN_FILENO);
    sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
    if (o->memory_max > 0)
        limit(RLIMIT_DATA, (rlim_t)o->memory_max);
    limit(RLIMIT_CORE, 0);
    execv(o->program, argv);
    _exit(127);
}

/* The end of what came; more than twice the tail is never kept. */
static void keep(Buf *tail, const char *p, size_t n) {
    if (tail->n + n > 2 * CHILD_TAIL)
        buf_consume(tail, MIN(tail->n, tail->n + n - CHILD_TAIL));
    buf_put(tail, p, n);
}

typedef struct Ears {
    int out, progress; /* -1: closed */
    Buf tail;
    char line[64]; /* of the progress, as far as it came */
    size_t n;
} Ears;

static int hear_line(Ctx *cx, const ChildOptions *o, Str line) {
    Str done_text;
    int64_t done, total;
    bool ok = str_next(&line, ' ', &done_text) && str_to_i64(done_text, &done) && str_to_i64(line, &total);
    return ok && o->progress ? o->progress(o->progress_arg, cx, done, total) : 0;
}

static int hear_progress(Ctx *cx, const ChildOptions *o, Ears *e) {
    char piece[256];
    ssize_t n = read(e->progress, piece, sizeof piece);
    int r = 0;
    if (n == 0 || (n < 0 && errno != EINTR)) {
        close(e->progress);
        e->progress = -1;
    }
    for (ssize_t i = 0; r == 0 && i < n; i++) {
        if (piece[i] == '\n') {
            r = hear_line(cx, o, str_n(e->line, e->n));
            e->n = 0;
        } else if (e->n < sizeof e->line) {
            e->line[e->n++] = piece[i];
        }
    }
    return r;
}

/* Reads until its output closes; 0, or the code that ended the wait. */
static int read_all(Ctx *cx, const ChildOptions *o, Ears *e) {
    char piece[CHILD_TAIL];
    for (;;) {
        struct pollfd p[2] = { { .fd = e->out, .events = POLLIN }, { .fd = e->progress, .events = POLLIN } };
        int r = ctx_check(cx);
        if (r == 0 && poll(p, 2, POLL_MS) > 0 && p[1].revents)
            r = hear_progress(cx, o, e);
        if (r != 0)
            return r;
        if (!p[0].revents)
            continue;
        ssize_t n = read(e->out, piece, sizeof piece);
        if (n > 0)
            keep(&e->tail, piece, (size_t)n);
        else if (n == 0 || errno != EINTR)
            return 0;
    }
}

static int wait_for(pid_t pid, int grace_ms, int *status) {
    for (int waited = 0;; waited += 10) {
        pid_t got = waitpid(pid, status, grace_ms < 0 ? 0 : WNOHANG);
        if (got == pid)
            return 0;
        if (got < 0 && errno != EINTR)
            return -1;
        if (grace_ms >= 0 && waited >= grace_ms)
            return 1;
        if (grace_ms >= 0)
            poll(NULL, 0, 10);
    }
}

/* What it started itself goes with it. */
static void end_child(pid_t pid, int *status) {
    if (kill(-pid, SIGTERM) != 0) /* it had no time yet to make its group */
        kill(pid, SIGTERM);
    if (wait_for(pid, GRACE_MS, status) != 0) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
        wait_for(pid, -1, status);
    }
}

static void close_pipe(int fds[2]) {
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int start(Ctx *cx, const ChildOptions *o, char **argv, Ears *e, pid_t *pid) {
    int out[2] = { -1, -1 }, progress[2] = { -1, -1 };
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(progress, O_CLOEXEC) != 0) {
        close_pipe(out);
        return err_set(cx, ERR_BUSY, "no pipe for a child process");
    }
    *pid = fork();
    if (*pid == 0)
        become(o, argv, out[1], progress[1]);
    if (*pid < 0) {
        close_pipe(out);
        close_pipe(progress);
        return err_set(cx, ERR_BUSY, "no child process: the system has too many");
    }
    close(out[1]);
    close(progress[1]);
    e->out = out[0];
    e->progress = progress[0];
    return 0;
}

int child_run(Ctx *cx, const ChildOptions *o, ChildEnd *out) {
    char name[] = CHILD_NAME, *argv[CHILD_ARGS_MAX + 2];
    size_t n = 0;
    argv[n++] = name;
    for (char *const *a = o->args; *a && n <= CHILD_ARGS_MAX; a++)
        argv[n++] = *a;
    argv[n] = NULL;
    Ears e = { .out = -1, .progress = -1 };
    pid_t pid = -1;
    int status = 0, r = start(cx, o, argv, &e, &pid);
    if (r != 0)
        return r;
    buf_init(&e.tail, 4 * CHILD_TAIL);
    r = read_all(cx, o, &e);
    if (r != 0)
        end_child(pid, &status);
    else
        wait_for(pid, -1, &status);
    close_pipe((int[2]){ e.out, e.progress });
    *out = (ChildEnd){ .status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                       .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0 };
    size_t kept = MIN(e.tail.n, (size_t)CHILD_TAIL);
    out->out_end = str_dup(cx->arena, str_n(e.tail.p + e.tail.n - kept, kept));
    buf_done(&e.tail);
    return r;
}

/* --- the child's side --- */

bool child_is(const char *program_name) {
    return str_eq(path_base(program_name), S(CHILD_NAME));
}

/* A share in thousandths where the end is known, else the number of things done. Nobody may listen any more. */
void child_tell(double done, double total, int64_t n_units) {
    enum { WHOLE = 1000 };
    char line[64];
    long long at = total > 0 ? (long long)(CLAMP(done / total, 0.0, 1.0) * WHOLE) : (long long)n_units;
    int n = snprintf(line, sizeof line, "%lld %d\n", at, total > 0 ? WHOLE : 0);
    if (write(CHILD_PROGRESS_FD, line, (size_t)n) != n)
        return;
}
