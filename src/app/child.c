/* app/child.c - see child.h. Between fork and exec only calls that a signal handler may make. */

#include "app/child.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 50, GRACE_MS = 500 };

static NORETURN void become(const ChildOptions *o, char **argv, int fd) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0); /* Ctrl-C at a terminal is the parent's to answer */
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
    if (o->memory_max > 0) {
        struct rlimit cap = { (rlim_t)o->memory_max, (rlim_t)o->memory_max };
        setrlimit(RLIMIT_AS, &cap);
    }
    struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    execv(o->program, argv);
    _exit(127);
}

/* The end of what came; more than twice the tail is never kept. */
static void keep(Buf *tail, const char *p, size_t n) {
    if (tail->n + n > 2 * CHILD_TAIL)
        buf_consume(tail, MIN(tail->n, tail->n + n - CHILD_TAIL));
    buf_put(tail, p, n);
}

/* Reads until the pipe closes; 0, or the code that ended the wait. */
static int read_all(Ctx *cx, int fd, Buf *tail) {
    char piece[CHILD_TAIL];
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r = ctx_check(cx);
        if (r != 0)
            return r;
        if (poll(&p, 1, POLL_MS) <= 0)
            continue;
        ssize_t n = read(fd, piece, sizeof piece);
        if (n > 0)
            keep(tail, piece, (size_t)n);
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

int child_run(Ctx *cx, const ChildOptions *o, ChildEnd *out) {
    char *argv[CHILD_ARGS_MAX + 2];
    size_t n = 0;
    argv[n++] = str_cz(cx->arena, str_c(o->program));
    for (char *const *a = o->args; *a && n <= CHILD_ARGS_MAX; a++)
        argv[n++] = *a;
    argv[n] = NULL;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_set(cx, ERR_BUSY, "no pipe for a child process");
    pid_t pid = fork();
    if (pid == 0)
        become(o, argv, fds[1]);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return err_set(cx, ERR_BUSY, "no child process: the system has too many");
    }
    Buf tail;
    buf_init(&tail, 4 * CHILD_TAIL);
    int status = 0, r = read_all(cx, fds[0], &tail);
    if (r != 0) {
        kill(pid, SIGTERM);
        if (wait_for(pid, GRACE_MS, &status) != 0) {
            kill(pid, SIGKILL);
            wait_for(pid, -1, &status);
        }
    } else {
        wait_for(pid, -1, &status);
    }
    close(fds[0]);
    *out = (ChildEnd){ .status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                       .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0 };
    size_t kept = MIN(tail.n, (size_t)CHILD_TAIL);
    out->out_end = str_dup(cx->arena, str_n(tail.p + tail.n - kept, kept));
    buf_done(&tail);
    return r;
}
