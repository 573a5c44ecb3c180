/* app/dumps.c - see dumps.h. */

#include "app/dumps.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Sanitizers look into their own process with ptrace. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { DUMPABLE = 1 };
#else
enum { DUMPABLE = 0 };
#endif

void app_no_dumps(void) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC); /* core(5): a bit a kind of mapping */
    if (fd >= 0) {
        ssize_t n = write(fd, "0", 1);
        (void)n;
        close(fd);
    }
    prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0); /* the last: the file above is root's from here on */
}
