/* app/landlock.c - see landlock.h. By its three system calls, and with the numbers of later kernels than the headers may be
 * of: what a kernel knows, it tells as the version of its interface. */

#include "app/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_TRUNCATE    (UINT64_C(1) << 14) /* version 3 */
#define FS_IOCTL_DEV   (UINT64_C(1) << 15) /* version 5 */
#define SCOPE_ABSTRACT (UINT64_C(1) << 0)  /* version 6: sockets without a path, of others */
#define SCOPE_SIGNAL   (UINT64_C(1) << 1)  /* version 6: signals to others than ours */

enum { NEEDED = 2, WITH_TRUNCATE = 3, WITH_NET = 4, WITH_IOCTL = 5, WITH_SCOPES = 6 };

typedef struct Attributes {
    uint64_t files, net, scopes;
} Attributes;

/* What may be done to files, and what to folders. */
#define OF_FILES (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define OF_FOLDERS                                                                                                     \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                    \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                       \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define DEVICES (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

/* Which of them this kernel knows: what is not asked for is not refused. */
static uint64_t known(long version) {
    uint64_t all = OF_FILES | OF_FOLDERS | DEVICES;
    if (version < WITH_TRUNCATE)
        all &= ~FS_TRUNCATE;
    if (version < WITH_IOCTL)
        all &= ~FS_IOCTL_DEV;
    return all;
}

static int permit(int rules, const char *path, uint64_t may) {
    struct landlock_path_beneath_attr a = { .parent_fd = open(path, O_PATH | O_CLOEXEC) };
    struct stat st;
    int e = 0;
    if (a.parent_fd < 0)
        return 0;
    bool folder = fstat(a.parent_fd, &st) == 0 && S_ISDIR(st.st_mode);
    a.allowed_access = folder ? may : may & OF_FILES;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0) != 0)
        e = errno;
    close(a.parent_fd);
    return e;
}

static int refuse_the_rest(const LandlockOptions *o, long version) {
    uint64_t all = known(version);
    Attributes a = { .files = all, .scopes = version >= WITH_SCOPES ? SCOPE_ABSTRACT | SCOPE_SIGNAL : 0 };
    size_t size = version >= WITH_SCOPES ? sizeof a
                  : version >= WITH_NET  ? offsetof(Attributes, scopes)
                                         : offsetof(Attributes, net);
    int rules = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0), e = rules < 0 ? errno : 0;
    for (size_t i = 0; e == 0 && i < o->n_writable; i++)
        e = permit(rules, o->writable[i], all & ~(LANDLOCK_ACCESS_FS_EXECUTE | DEVICES));
    for (size_t i = 0; e == 0 && i < o->n_programs; i++)
        e = permit(rules, o->programs[i], LANDLOCK_ACCESS_FS_EXECUTE);
    if (e == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        e = errno;
    if (rules >= 0)
        close(rules);
    return e;
}

int landlock_on(Ctx *cx, const LandlockOptions *o) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0)
        return err_set(cx, ERR_UNSUPPORTED, "the kernel has no Landlock: %s", strerrordesc_np(errno));
    if (version < NEEDED)
        return err_set(cx, ERR_UNSUPPORTED, "the kernel's Landlock is of version %ld, and %d is needed", version,
                       NEEDED);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set(cx, ERR_UNSUPPORTED, "no-new-privs: %s", strerrordesc_np(errno));
    int e = refuse_the_rest(o, version);
    return e == 0 ? 0 : err_set(cx, ERR_UNSUPPORTED, "Landlock: %s", strerrordesc_np(e));
}
