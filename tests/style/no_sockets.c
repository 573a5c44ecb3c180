/* no_sockets PROGRAM [ARGUMENT...] - runs a program that the kernel kills the moment it asks for a socket (PRI-06).
 *
 * no_sockets --self-test: a child that opens one must die of SIGSYS, one that does not must live.
 * socketpair(2) stays: it reaches nobody but the process itself. io_uring, a way round the filter, is not there. */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __x86_64__
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#error "no_sockets.c: add this machine's AUDIT_ARCH"
#endif

enum { NO_SECCOMP = 77 }; /* what meson calls skipped: a kernel that has no seccomp */

/* clang-format off */
static struct sock_filter rules[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 0, 5), /* the 32-bit calls have other numbers: none at all */
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};
/* clang-format on */

static int forbid_sockets(void) {
    struct sock_fprog program = { .len = sizeof rules / sizeof *rules, .filter = rules };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* The wait status of a child that does `body` under the filter. */
static int end_of_child(int (*body)(void)) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(forbid_sockets() == 0 ? body() : NO_SECCOMP);
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static int open_inet(void) {
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int open_unix(void) {
    return socket(AF_UNIX, SOCK_DGRAM, 0) < 0;
}

static int open_pair(void) {
    int fd[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0;
}

static int self_test(void) {
    static const struct {
        const char *name;
        int (*body)(void);
        int want; /* the signal that ends it */
    } rows[] = { { "TCP", open_inet, SIGSYS }, { "a local socket", open_unix, SIGSYS }, { "a pair", open_pair, 0 } };
    int failed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = end_of_child(rows[i].body);
        if (WIFEXITED(status) && WEXITSTATUS(status) == NO_SECCOMP)
            return NO_SECCOMP;
        if (WIFSIGNALED(status) ? WTERMSIG(status) != rows[i].want : rows[i].want || WEXITSTATUS(status)) {
            fprintf(stderr, "%s: the child ended with status %d, wanted signal %d\n", rows[i].name, status,
                    rows[i].want);
            failed = 1;
        }
    }
    return failed;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--self-test") == 0)
        return self_test();
    if (argc < 2) {
        fprintf(stderr, "usage: no_sockets PROGRAM [ARGUMENT...] | --self-test\n");
        return 2;
    }
    if (forbid_sockets() != 0) {
        perror("no_sockets: seccomp");
        return NO_SECCOMP;
    }
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
