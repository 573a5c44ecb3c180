/* app/syscall_filter.c - see syscall_filter.h, seccomp(2), and Documentation/userspace-api/seccomp_filter.rst.
 *
 * The program for the kernel is: the right architecture, else the end; calls with rules for their arguments, one by one;
 * a binary search over ranges of permitted numbers. Kernels since 5.11 run it once a number and remember what is always
 * allowed, so that a call on the list costs a bit of a bitmap. */

#include "app/syscall_filter.h"

#include "base/mem.h"
#include "base/thread_signals.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#define FILTER_ARCH 0
#endif

enum { NUMBERS_MAX = 1024, RANGES_MAX = 128, PROGRAM_MAX = 1024, UNKNOWN = -1 };

/* --- the list --- */

/* clang-format off */
static const int allowed[] = {
    /* files */
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev, SYS_preadv2, SYS_pwritev2,
    SYS_openat, SYS_close, SYS_close_range, SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs,
    SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_mkdirat, SYS_unlinkat,
    SYS_renameat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_utimensat, SYS_ftruncate,
    SYS_truncate, SYS_fallocate, SYS_fadvise64, SYS_readahead, SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_flock,
    SYS_fcntl, SYS_dup, SYS_dup3, SYS_pipe2, SYS_umask, SYS_sendfile, SYS_splice, SYS_copy_file_range, SYS_memfd_create,
    /* memory */
    SYS_munmap, SYS_mremap, SYS_madvise, SYS_msync, SYS_brk, SYS_mlock, SYS_mlock2, SYS_munlock, SYS_get_mempolicy, SYS_membarrier,
    /* sockets; socket itself has a rule */
    SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_connect, SYS_shutdown, SYS_getsockname, SYS_getpeername, SYS_getsockopt,
    SYS_setsockopt, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg,
    /* waiting; rings are made before the filter, and can nothing but send (net/send_many.h) */
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_eventfd2, SYS_signalfd4,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_nanosleep, SYS_clock_nanosleep, SYS_io_uring_enter,
    /* threads */
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address, SYS_exit, SYS_exit_group, SYS_gettid,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
    SYS_sched_setscheduler, SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_getcpu, SYS_getpriority, SYS_setpriority,
    SYS_ioprio_get, SYS_ioprio_set, SYS_restart_syscall,
    /* signals */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigtimedwait, SYS_rt_sigsuspend, SYS_rt_sigpending,
    SYS_sigaltstack, SYS_kill, SYS_tgkill,
    /* itself and the time */
    SYS_getpid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups,
    SYS_getpgid, SYS_getsid, SYS_capget, SYS_uname, SYS_sysinfo, SYS_getrandom, SYS_clock_gettime, SYS_clock_getres,
    SYS_gettimeofday, SYS_times, SYS_getrusage, SYS_wait4, SYS_waitid,
#ifdef __x86_64__ /* the forms that newer architectures have no more */
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_link,
    SYS_symlink, SYS_chmod, SYS_dup2, SYS_pipe, SYS_poll, SYS_select, SYS_epoll_create, SYS_epoll_wait, SYS_eventfd, SYS_signalfd,
    SYS_getdents, SYS_utimes, SYS_time, SYS_arch_prctl, SYS_getrlimit, SYS_pause, SYS_getpgrp,
#endif
};

/* Only where processes are started. */
static const int for_children[] = { SYS_execve, SYS_setpgid, SYS_setsid,
#ifdef __x86_64__
    SYS_vfork, SYS_fork,
#endif
};

/* Names for the log: what attackers reach for, and what a new library may want. */
static const struct { int number; const char *name; } names[] = {
    { SYS_ptrace, "ptrace" }, { SYS_process_vm_readv, "process_vm_readv" }, { SYS_process_vm_writev, "process_vm_writev" },
    { SYS_execve, "execve" }, { SYS_execveat, "execveat" }, { SYS_clone, "clone" }, { SYS_unshare, "unshare" },
    { SYS_setns, "setns" }, { SYS_mount, "mount" }, { SYS_umount2, "umount2" }, { SYS_pivot_root, "pivot_root" },
    { SYS_chroot, "chroot" }, { SYS_bpf, "bpf" }, { SYS_perf_event_open, "perf_event_open" }, { SYS_keyctl, "keyctl" },
    { SYS_add_key, "add_key" }, { SYS_request_key, "request_key" }, { SYS_userfaultfd, "userfaultfd" },
    { SYS_init_module, "init_module" }, { SYS_finit_module, "finit_module" }, { SYS_delete_module, "delete_module" },
    { SYS_kexec_load, "kexec_load" }, { SYS_reboot, "reboot" }, { SYS_io_uring_setup, "io_uring_setup" },
    { SYS_io_uring_register, "io_uring_register" }, { SYS_setuid, "setuid" }, { SYS_setgid, "setgid" },
    { SYS_setresuid, "setresuid" }, { SYS_setresgid, "setresgid" }, { SYS_setgroups, "setgroups" }, { SYS_capset, "capset" },
    { SYS_socket, "socket" }, { SYS_socketpair, "socketpair" }, { SYS_prctl, "prctl" }, { SYS_ioctl, "ioctl" },
    { SYS_mmap, "mmap" }, { SYS_mprotect, "mprotect" }, { SYS_pkey_mprotect, "pkey_mprotect" }, { SYS_prlimit64, "prlimit64" },
    { SYS_personality, "personality" }, { SYS_seccomp, "seccomp" }, { SYS_shmget, "shmget" }, { SYS_mknodat, "mknodat" },
    { SYS_fchownat, "fchownat" }, { SYS_name_to_handle_at, "name_to_handle_at" }, { SYS_open_by_handle_at, "open_by_handle_at" },
    { SYS_inotify_init1, "inotify_init1" }, { SYS_pidfd_open, "pidfd_open" }, { SYS_pidfd_getfd, "pidfd_getfd" },
    { SYS_setrlimit, "setrlimit" }, { SYS_settimeofday, "settimeofday" }, { SYS_clock_settime, "clock_settime" },
    { SYS_sethostname, "sethostname" }, { SYS_swapon, "swapon" }, { SYS_acct, "acct" }, { SYS_syslog, "syslog" },
    { SYS_quotactl, "quotactl" }, { SYS_timer_create, "timer_create" }, { SYS_openat2, "openat2" }, { SYS_vhangup, "vhangup" },
};
/* clang-format on */

static const char *name_of(int number) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].number == number)
            return names[i].name;
    return NULL;
}

/* --- the program --- */

typedef struct Program {
    struct sock_filter v[PROGRAM_MAX];
    size_t n;
    uint32_t refuse; /* what the kernel returns for a call that is not on the list */
} Program;

static void put(Program *p, struct sock_filter f) {
    assert(p->n < PROGRAM_MAX);
    p->v[p->n++] = f;
}

static void give(Program *p, uint32_t what) {
    put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

static void load(Program *p, size_t at) {
    put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)at));
}

/* Goes on behind the next `skip` instructions unless the word is v. */
static void unless(Program *p, uint32_t v, uint8_t skip) {
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, 0, skip));
}

static size_t argument(int i) { /* its low half: both architectures are little-endian */
    return offsetof(struct seccomp_data, args) + (size_t)i * sizeof(uint64_t);
}

/* A rule is the block of one call, and leaves the number in the accumulator when it does not fit. */
static void rule_begin(Program *p, int number, size_t *at) {
    unless(p, (uint32_t)number, 0);
    *at = p->n;
}

static void rule_end(Program *p, size_t at) { /* in the block no way leads out but a return */
    assert(p->n - at <= UINT8_MAX);
    p->v[at - 1].jf = (uint8_t)(p->n - at);
}

static void allow_word(Program *p, uint32_t v) {
    unless(p, v, 1);
    give(p, SECCOMP_RET_ALLOW);
}

/* The word under the mask is v: the next instruction, else behind it. */
static void masked(Program *p, uint32_t mask, uint32_t v) {
    put(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    unless(p, v, 1);
}

static void rule_socket(Program *p) {
    enum { KIND = 0xf };
    size_t at;
    rule_begin(p, SYS_socket, &at);
    load(p, argument(0));
    allow_word(p, AF_UNIX);
    unless(p, AF_NETLINK, 3); /* addresses of this machine, for getaddrinfo: NETLINK_ROUTE is 0 */
    load(p, argument(2));
    allow_word(p, 0);
    load(p, argument(0));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
    give(p, p->refuse);
    load(p, argument(1));
    put(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, KIND));
    allow_word(p, SOCK_STREAM);
    allow_word(p, SOCK_DGRAM);
    give(p, p->refuse);
    rule_end(p, at);
    rule_begin(p, SYS_socketpair, &at);
    load(p, argument(0));
    allow_word(p, AF_UNIX);
    give(p, p->refuse);
    rule_end(p, at);
}

/* Threads; and where children are started, processes, but none in name spaces of their own. clone3 keeps its flags in
 * memory, where a filter cannot read: told that there is none, the C library takes clone. */
static void rule_clone(Program *p, bool children) {
    const uint32_t spaces =
        CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    size_t at;
    rule_begin(p, SYS_clone3, &at);
    give(p, SECCOMP_RET_ERRNO | ENOSYS);
    rule_end(p, at);
    rule_begin(p, SYS_clone, &at);
    load(p, argument(0));
    uint32_t must = children ? 0 : CLONE_THREAD;
    masked(p, spaces | must, must);
    give(p, SECCOMP_RET_ALLOW);
    give(p, p->refuse);
    rule_end(p, at);
}

static void rule_memory(Program *p) {
    size_t at;
    rule_begin(p, SYS_mmap, &at);
    load(p, argument(2));
    masked(p, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC);
    give(p, p->refuse);
    give(p, SECCOMP_RET_ALLOW);
    rule_end(p, at);
    rule_begin(p, SYS_mprotect, &at);
    load(p, argument(2));
    masked(p, PROT_EXEC, PROT_EXEC);
    give(p, p->refuse);
    give(p, SECCOMP_RET_ALLOW);
    rule_end(p, at);
}

static void rule_words(Program *p, int number, int arg, const uint32_t *v, size_t n) {
    size_t at;
    rule_begin(p, number, &at);
    load(p, argument(arg));
    for (size_t i = 0; i < n; i++)
        allow_word(p, v[i]);
    give(p, p->refuse);
    rule_end(p, at);
}

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

static void rule_prctl(Program *p) {
    static const uint32_t options[] = { PR_SET_NAME,         PR_GET_NAME,     PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS,
                                        PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE, PR_GET_SECCOMP,   PR_CAPBSET_READ,
                                        PR_SET_TIMERSLACK,   PR_SET_VMA };
    size_t at;
    rule_begin(p, SYS_prctl, &at);
    load(p, argument(0));
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        allow_word(p, options[i]);
    unless(p, PR_SET_DUMPABLE, 3); /* away, never back: what is in memory stays there (SEC-11) */
    load(p, argument(1));
    allow_word(p, 0);
    give(p, p->refuse);
    rule_end(p, at);
}

/* The C library makes these on every thread at once, the one that reports among them, which cannot ask itself. The kernel's
 * log has them. */
static void rule_ids(Program *p) {
    static const int all_threads[] = { SYS_setuid,    SYS_setgid,    SYS_setreuid, SYS_setregid,
                                       SYS_setresuid, SYS_setresgid, SYS_setgroups };
    for (size_t i = 0; i < ARRAY_LEN(all_threads); i++) {
        size_t at;
        rule_begin(p, all_threads[i], &at);
        give(p, SECCOMP_RET_LOG);
        rule_end(p, at);
    }
}

static void rules(Program *p, const FilterOptions *o) {
    static const uint32_t ioctls[] = { FIONREAD,
                                       FIONBIO,
                                       FIOCLEX,
                                       FIONCLEX,
                                       TCGETS,
                                       TIOCGWINSZ,
                                       TIOCOUTQ,
                                       SECCOMP_IOCTL_NOTIF_RECV,
                                       SECCOMP_IOCTL_NOTIF_SEND };
    const size_t of_report = 2;
    static const uint32_t itself[] = { 0 };
    if (o->mode == FILTER_REPORT)
        rule_ids(p);
    rule_socket(p);
    rule_clone(p, o->children);
    rule_memory(p);
    rule_prctl(p);
    rule_words(p, SYS_ioctl, 1, ioctls, ARRAY_LEN(ioctls) - (o->mode == FILTER_ON ? of_report : 0));
    rule_words(p, SYS_prlimit64, 0, itself, ARRAY_LEN(itself)); /* limits of no other process */
}

typedef struct Range {
    uint32_t first, last;
} Range;

static size_t ranges_of(bool children, Range *out) {
    bool may[NUMBERS_MAX] = { false };
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        may[allowed[i]] = true;
    for (size_t i = 0; children && i < ARRAY_LEN(for_children); i++)
        may[for_children[i]] = true;
    size_t n = 0;
    for (uint32_t i = 0; i < NUMBERS_MAX; i++) {
        if (!may[i])
            continue;
        if (n > 0 && out[n - 1].last + 1 == i) {
            out[n - 1].last = i;
            continue;
        }
        assert(n < RANGES_MAX);
        out[n++] = (Range){ i, i };
    }
    return n;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the logarithm of the ranges */
static void search(Program *p, const Range *r, size_t n) {
    if (n > 1) {
        size_t half = n / 2, at = p->n;
        put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, r[half].first, 0, 0));
        search(p, r, half);
        assert(p->n - at - 1 <= UINT8_MAX);
        p->v[at].jt = (uint8_t)(p->n - at - 1);
        search(p, r + half, n - half);
        return;
    }
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, r->first, 0, 1));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, r->last, 0, 1));
    give(p, p->refuse);
    give(p, SECCOMP_RET_ALLOW);
}

static void program_make(Program *p, const FilterOptions *o, uint32_t refuse) {
    Range ranges[RANGES_MAX];
    *p = (Program){ .refuse = refuse };
    load(p, offsetof(struct seccomp_data, arch));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0));
    give(p, SECCOMP_RET_KILL_PROCESS); /* numbers of another architecture mean something else */
    load(p, offsetof(struct seccomp_data, nr));
    rules(p, o);
    search(p, ranges, ranges_of(o->children, ranges));
}

/* --- FILTER_ON: the kernel raises SIGSYS in the thread, before the call --- */

static struct {
    atomic_int wake;                /* an eventfd; -1: told on standard error */
    atomic_uint times[NUMBERS_MAX]; /* how often a call was refused */
    unsigned told[NUMBERS_MAX];     /* as often as the reader knows */
    pthread_mutex_t lock;           /* of o, and while it is told */
    FilterOptions o;
} state = { .wake = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

static int slot_of(int number) {
    return number >= 0 && number < NUMBERS_MAX ? number : NUMBERS_MAX - 1;
}

static void tell(int number, unsigned times, pid_t who) {
    pthread_mutex_lock(&state.lock);
    if (state.o.refused)
        state.o.refused(state.o.arg, number, name_of(number), times, who);
    pthread_mutex_unlock(&state.lock);
}

void syscall_filter_hush(void) {
    pthread_mutex_lock(&state.lock);
    state.o.refused = NULL;
    pthread_mutex_unlock(&state.lock);
}

static void tell_on_stderr(int number) {
    char line[160];
    const char *name = name_of(number);
    int n = snprintf(line, sizeof line,
                     "finsight: system call %d%s%s is not on the list of what this process may do (server.confine)\n",
                     number, name ? " " : "", name ? name : ""); /* numbers and short words alone: takes no lock here */
    if (write(STDERR_FILENO, line, (size_t)n) != n)
        return;
}

/* The call gives EPERM. Signal handler: nothing here waits or takes memory. */
static void on_sigsys(int signo, siginfo_t *info, void *context) {
    UNUSED(signo);
    int before = errno;
    int number = info->si_syscall;
    ucontext_t *u = context;
#if defined(__x86_64__)
    u->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    u->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
    UNUSED(u);
#endif
    int wake = atomic_load(&state.wake);
    if (wake < 0) {
        tell_on_stderr(number);
    } else {
        uint64_t one = 1;
        atomic_fetch_add(&state.times[slot_of(number)], 1);
        ssize_t n = write(wake, &one, sizeof one);
        UNUSED(n);
    }
    errno = before;
}

static void handle(void) {
    struct sigaction sa = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART };
    sigemptyset(&sa.sa_mask);
    sigaction(SIGSYS, &sa, NULL);
}

int64_t syscall_filter_refused(void) {
    int64_t n = 0;
    for (int i = 0; i < NUMBERS_MAX; i++)
        n += atomic_load(&state.times[i]);
    return n;
}

int syscall_filter_fd(void) {
    return atomic_load(&state.wake);
}

void syscall_filter_read(void) {
    uint64_t n;
    if (read(atomic_load(&state.wake), &n, sizeof n) != sizeof n)
        return;
    for (int i = 0; i < NUMBERS_MAX; i++) {
        unsigned times = atomic_load(&state.times[i]);
        if (times == state.told[i] || times < 2 * state.told[i]) /* of a flood, its doublings */
            continue;
        state.told[i] = times;
        tell(i, times, 0);
    }
}

void syscall_filter_child(void) {
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER)
        handle();
}

/* --- FILTER_REPORT: a thread is asked by the kernel, tells, and lets it go on --- */

/* It is of the process that it watches, so it is no guard: what asks here could answer itself. */
static void *report(void *arg) {
    int fd = (int)(intptr_t)arg;
    struct seccomp_notif asked;
    pthread_setname_np(pthread_self(), "confine");
    for (;;) {
        memset(&asked, 0, sizeof asked);
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) {
            if (errno == EINTR || errno == ENOENT) /* whoever asked is gone */
                continue;
            break;
        }
        struct seccomp_notif_resp answer = { .id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 && errno != ENOENT)
            break;
        int number = asked.data.nr, slot = slot_of(number);
        unsigned times = atomic_fetch_add(&state.times[slot], 1) + 1;
        if ((times & (times - 1)) == 0) /* of a flood, its doublings */
            tell(number, times, (pid_t)asked.pid);
    }
    close(fd);
    return NULL;
}

static bool start_report(int fd) {
    sigset_t before;
    pthread_t thread;
    thread_signals_off(&before);
    int e = pthread_create(&thread, NULL, report, (void *)(intptr_t)fd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e == 0)
        pthread_detach(thread); /* as long as the process: who is asked last must answer */
    return e == 0;
}

/* --- into the kernel --- */

static long install(Program *p, unsigned flags) {
    struct sock_fprog program = { .len = (unsigned short)p->n, .filter = p->v };
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int syscall_filter_on(Ctx *cx, const FilterOptions *o) {
    /* Without SPEC_ALLOW kernels before 5.16 would take a guard against speculation along, at the cost of each call. */
    const unsigned common = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if (FILTER_ARCH == 0)
        return err_set(cx, ERR_UNSUPPORTED, "no list of system calls for this architecture");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set(cx, ERR_UNSUPPORTED, "no-new-privs: %s", strerrordesc_np(errno));
    Program *p = mem_new(Program);
    bool on = o->mode == FILTER_ON;
    int wake = on ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    state.o = *o;
    program_make(p, o, on ? SECCOMP_RET_TRAP : SECCOMP_RET_USER_NOTIF);
    if (on) {
        atomic_store(&state.wake, wake);
        handle();
    }
    long r = install(p, common | (on ? SECCOMP_FILTER_FLAG_LOG
                                     : SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
    int e = r < 0 ? errno : EAGAIN; /* above 0: a thread that has another filter */
    mem_free(p);
    if (on ? r == 0 : r >= 0 && start_report((int)r))
        return 0;
    if (on)
        atomic_store(&state.wake, -1);
    if (wake >= 0)
        close(wake);
    return err_set(cx, ERR_UNSUPPORTED, "the kernel takes no filter of system calls: %s", strerrordesc_np(e));
}
