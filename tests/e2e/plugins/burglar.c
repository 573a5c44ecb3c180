/* A strategy that tries, from within the server, what somebody would who got in (SEC-24): it writes a line for each try, with what
 * came of it, into $BURGLAR_BOOTY. $BURGLAR_OUTSIDE is a folder that no server has a business in; a file `theirs` is there. */

#include <finsight/strategy.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *booty;

static void told(const char *what, long result) {
    int e = result < 0 ? errno : 0;
    fprintf(booty, "%s %ld %d\n", what, result < 0 ? -1L : 0L, e);
    fflush(booty);
}

static int closed(int fd) { /* what was got is given back */
    if (fd >= 0)
        close(fd);
    return fd;
}

static void others(void) {
    char byte;
    struct iovec mine = { &byte, 1 }, theirs = { &byte, 1 };
    told("ptrace", ptrace(PTRACE_PEEKDATA, getppid(), &byte, 0));
    told("process_vm_readv", process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0));
    told("kill", kill(getppid(), 0));
    told("pidfd_getfd", syscall(SYS_pidfd_getfd, -1, 0, 0));
    told("prlimit64", prlimit(getppid(), RLIMIT_CORE, NULL, &(struct rlimit){ 0 }));
}

static void sockets(void) {
    told("raw", closed(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)));
    told("packet", closed(socket(AF_PACKET, SOCK_RAW, 0)));
    told("audit", closed(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)));
    told("tcp", closed(socket(AF_INET, SOCK_STREAM, 0))); /* this and "inside" are allowed: the tries are no blanks */
}

static void kernel(void) {
    static char page[1 << 16] __attribute__((aligned(1 << 12)));
    struct {
        char room[256];
    } params = { { 0 } };
    told("unshare", unshare(CLONE_NEWUTS));
    told("mount", mount("none", "/mnt", "tmpfs", 0, NULL));
    told("bpf", syscall(SYS_bpf, 99, NULL, 0));
    told("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    told("keyctl", syscall(SYS_keyctl, 0, -3, 0));
    told("userfaultfd", closed((int)syscall(SYS_userfaultfd, 1)));
    told("io_uring_setup", closed((int)syscall(SYS_io_uring_setup, 1, &params)));
    told("init_module", syscall(SYS_init_module, NULL, 0, ""));
    told("setuid", setuid(geteuid() == 0 ? 0 : geteuid()));
    told("dumpable", prctl(PR_SET_DUMPABLE, 1));
    void *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    told("written_and_run", both == MAP_FAILED ? -1 : munmap(both, 4096));
    told("made_to_run", mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static void at(char *to, size_t size, const char *name) {
    snprintf(to, size, "%s/%s", getenv("BURGLAR_OUTSIDE"), name);
}

static void files(void) {
    char theirs[512], ours[512];
    at(theirs, sizeof theirs, "theirs");
    at(ours, sizeof ours, "ours");
    told("inside", ftruncate(fileno(booty), ftell(booty)));
    told("make", closed(open(ours, O_WRONLY | O_CREAT, 0600)));
    told("overwrite", closed(open(theirs, O_WRONLY)));
    told("truncate", truncate(theirs, 0));
    told("rename", rename(theirs, ours));
    told("remove", unlink(theirs));
    told("folder", mkdir(ours, 0700));
    told("read", closed(open("/etc/passwd", O_RDONLY))); /* allowed: see docs/security.md */
}

static void programs(void) {
    char name[] = "sh", *shell[] = { name, NULL }, *none[] = { NULL };
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        close(STDIN_FILENO); /* a shell with nothing to read ends */
        execve("/bin/sh", shell, none);
        _exit(errno);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        told("shell", -1);
        return;
    }
    errno = WEXITSTATUS(status);
    told("shell", errno ? -1 : 0);
}

static int setup(void *state, const FinsightSetup *s) {
    (void)state;
    s->warmup(s->host, 0, 2);
    return 0;
}

static void next(void *state, const FinsightHost *h) {
    (void)state;
    (void)h;
    if (booty)
        return;
    booty = fopen(getenv("BURGLAR_BOOTY"), "w");
    if (!booty)
        return;
    others();
    sockets();
    kernel();
    files();
    programs();
    fputs("end 0 0\n", booty);
    fflush(booty);
}

static const FinsightStrategy burglar = {
    .abi = FINSIGHT_STRATEGY_ABI,
    .size = sizeof(FinsightStrategy),
    .name = "burglar",
    .words = "tries what it must not",
    .setup = setup,
    .next = next,
};

const FinsightStrategy *finsight_strategy(unsigned index) {
    return index == 0 ? &burglar : 0;
}
