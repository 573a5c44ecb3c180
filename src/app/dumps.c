/* app/dumps.c - see dumps.h. */

#include "app/dumps.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

void app_no_dumps(void) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC); /* core(5): a bit a kind of mapping */
    if (fd < 0)
        return;
    ssize_t n = write(fd, "0", 1);
    (void)n;
    close(fd);
}
