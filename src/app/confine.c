/* app/confine.c - see confine.h. */

#include "app/confine.h"

#include "app/dumps.h"
#include "app/landlock.h"
#include "app/platform.h"
#include "app/syscall_filter.h"
#include "base/file.h"
#include "base/num.h"
#include "net/http_server.h"

#include <elf.h>
#include <errno.h>
#include <grp.h>
#include <link.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WHY_MAX = 400, USER_ROOM = 16 << 10, PATHS_MAX = 64, ROOT = 0 };

/* Their runtimes trace, map and start what they need. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { WITH_SANITIZER = true };
#else
enum { WITH_SANITIZER = false };
#endif

/* --- who it is --- */

/* server.user: a name, or numbers: 10001 or 10001:10001. */
static int find_user(Ctx *cx, Str user, Confine *c) {
    int64_t uid, gid;
    ptrdiff_t colon = str_find_char(user, ':');
    Str group = colon < 0 ? user : str_from(user, (size_t)colon + 1);
    if (str_to_i64(colon < 0 ? user : str_first(user, (size_t)colon), &uid) && str_to_i64(group, &gid) && uid > ROOT &&
        gid > ROOT && uid < UINT32_MAX && gid < UINT32_MAX) {
        c->uid = (uint32_t)uid;
        c->gid = (uint32_t)gid;
        return 0;
    }
    struct passwd room, *found = NULL;
    char *text = arena_new_n(cx->arena, char, USER_ROOM);
    if (getpwnam_r(str_cz(cx->arena, user), &room, text, USER_ROOM, &found) != 0 || !found)
        return err_set_at(cx, ERR_USAGE, S("server.user"), "there is no user '" STR_FMT "' here", STR_ARG(user));
    if (found->pw_uid == ROOT)
        return err_set_at(cx, ERR_USAGE, S("server.user"), "'" STR_FMT "' is root itself", STR_ARG(user));
    c->uid = found->pw_uid;
    c->gid = found->pw_gid;
    return 0;
}

/* While it is root: a folder it makes is the user's. One that is there is as it is, and must do. */
static int make_folder(Ctx *cx, const Confine *c, const char *path) {
    if (dir_exists(path))
        return 0;
    int r = dir_make(cx, path);
    if (r == 0 && geteuid() == ROOT && c->uid != ROOT && chown(path, c->uid, c->gid) != 0)
        r = file_fail(cx, errno, "cannot give away", path);
    return r;
}

/* No way back: the capabilities go with the last of the three ids, the saved one. */
static int become(Ctx *cx, const Confine *c) {
    if (setgroups(0, NULL) != 0 || setresgid(c->gid, c->gid, c->gid) != 0 || setresuid(c->uid, c->uid, c->uid) != 0)
        return err_set_at(cx, ERR_DENIED, S("server.user"), "cannot become user %u: %s", (unsigned)c->uid,
                          strerrordesc_np(errno));
    return setuid(ROOT) == 0 ? err_set_at(cx, ERR_DENIED, S("server.user"), "root could come back") : 0;
}

/* Those it has, and those that a program of root would get. Refused for who has none: nothing is lost. */
static void drop_capabilities(void) {
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    syscall(SYS_capset, &head, none);
}

/* --- what it may write and start --- */

typedef struct Paths {
    const char *v[PATHS_MAX];
    size_t n;
} Paths;

static void add(Paths *p, const char *path) {
    if (path && path[0] && p->n < PATHS_MAX)
        p->v[p->n++] = path;
}

/* The folder of a file that is replaced as a whole, or put aside; of a device, itself. */
static void add_file(Ctx *cx, Paths *p, const char *path) {
    struct stat st;
    if (!path || !path[0])
        return;
    bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    add(p, special ? path : path_dir(cx->arena, path));
}

static void writable(Ctx *cx, const AppCfg *cfg, Paths *p) {
    add(p, cfg->data_dir);
    add(p, cfg->storage_dir);
    add(p, cfg->backup_dir);
    add_file(cx, p, cfg->log_file);
    add_file(cx, p, cfg->audit_anchor);
    add_file(cx, p, cfg->storage_keys);
    add(p, getenv("TMPDIR"));
    add(p, "/tmp");
    add(p, "/var/tmp");
    add(p, "/dev/null");
    for (size_t i = 0; i < cfg->server_confine_write.n; i++)
        add(p, str_cz(cx->arena, cfg->server_confine_write.v[i]));
}

/* dl_iterate_phdr's first object is the program: what loads it. */
static int find_loader(struct dl_phdr_info *info, size_t size, void *out) {
    UNUSED(size);
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_INTERP)
            *(const char **)out = (const char *)(uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    return 1;
}

static void keep_files(Ctx *cx, const AppCfg *cfg, Confine *c) {
    Paths may = { .n = 0 };
    const char *programs[] = { "/proc/self/exe", NULL };
    writable(cx, cfg, &may);
    dl_iterate_phdr(find_loader, &programs[1]);
    LandlockOptions o = {
        .writable = may.v, .n_writable = may.n, .programs = programs, .n_programs = programs[1] ? 2 : 1
    };
    c->files = landlock_on(cx, &o) == 0;
    if (!c->files)
        c->why_files = str_dup(cx->arena, str_c(cx->err.text));
    err_clear(cx);
}

/* --- the first half --- */

static int make_folders(Ctx *cx, const AppCfg *cfg, const Confine *c) {
    const char *folders[] = { cfg->data_dir, cfg->storage_dir, cfg->backup_dir };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(folders); i++)
        if (folders[i] && folders[i][0])
            r = make_folder(cx, c, folders[i]);
    return r;
}

static int leave_root(Ctx *cx, const AppCfg *cfg, int port, Confine *c) {
    char why[WHY_MAX];
    int r = find_user(cx, cfg->server_user, c);
    if (r != 0 || (geteuid() == c->uid && getegid() == c->gid))
        return r;
    if (geteuid() != ROOT)
        return err_set_at(cx, ERR_USAGE, S("server.user"), "only root can become another user");
    if (port >= 0)
        r = http_server_bind(str_cz(cx->arena, cfg->server_host), port, &c->socket, why, sizeof why);
    if (r != 0 && !cfg->server_takeover) /* the one it takes the place of may have the port */
        return err_set(cx, r, "%s", why);
    r = 0;
    if (cfg->data_store != STORE_MEMORY)
        r = make_folders(cx, cfg, c);
    return r == 0 ? become(cx, c) : r;
}

int confine_enter(Ctx *cx, const AppCfg *cfg, int port, Confine *c) {
    *c = (Confine){ .mode = cfg->server_confine, .socket = -1, .uid = geteuid(), .gid = getegid() };
    if (cfg->server_user.n) {
        int r = leave_root(cx, cfg, port, c);
        if (r != 0)
            return r;
    }
    c->root = geteuid() == ROOT;
    if (c->mode != CONFINE_ON || WITH_SANITIZER)
        return 0;
    if (cfg->data_store != STORE_MEMORY && make_folders(cx, cfg, c) != 0)
        err_clear(cx); /* the stores say in their words what is wrong with them */
    drop_capabilities();
    keep_files(cx, cfg, c);
    return 0;
}

/* --- the second half --- */

#define ADVICE "if the server needs it, tell its makers, and until then: server.confine: report"

static void on_refused(void *arg, int number, const char *name, int64_t times, pid_t who) {
    Confine *c = arg;
    bool on = c->mode == CONFINE_ON;
    LOG_AT(c->log, NULL, on ? LEVEL_ERROR : LEVEL_WARNING,
           on ? S("a system call was refused") : S("a system call would be refused"), F_I64("number", number),
           F_STR("name", str_c(name ? name : "")), F_I64("times", times), F_I64("thread", who),
           F_STR("advice", S(ADVICE)));
    char what[64];
    int n = snprintf(what, sizeof what, "system call %d %s", number, name ? name : "");
    if (on && c->note)
        c->note(c->note_arg, str_trim(str_n(what, (size_t)n)));
}

static void read_refused(void *arg, unsigned events) {
    UNUSED(arg);
    UNUSED(events);
    syscall_filter_read();
}

static void tell(const Confine *c) {
    const char *mode = c->mode == CONFINE_ON ? "on" : "report";
    LOG_INFO(c->log, NULL, S("confined"), F_STR("mode", str_c(mode)), F_I64("user", c->uid), F_BOOL("files", c->files),
             F_BOOL("system_calls", c->filter));
    if (!c->filter)
        LOG_WARNING(c->log, NULL, S("system calls are not confined"), F_STR("reason", c->why_filter));
    if (!c->files && c->mode == CONFINE_ON)
        LOG_WARNING(c->log, NULL, S("writing and starting programs are not confined"), F_STR("reason", c->why_files));
}

void confine_seal(Ctx *cx, Confine *c, const ConfineSeal *o) {
    c->log = o->log;
    c->note = o->note;
    c->note_arg = o->note_arg;
    if (c->root)
        LOG_WARNING(c->log, NULL, S("the server runs as root"),
                    F_STR("advice", S("server.user: a user of its own, who owns data.dir")));
    if (c->mode == CONFINE_OFF)
        return;
    if (WITH_SANITIZER) {
        c->why_filter = c->why_files = S("built with a sanitizer");
    } else {
        FilterOptions f = { .mode = c->mode == CONFINE_ON ? FILTER_ON : FILTER_REPORT,
                            .children = o->children,
                            .refused = on_refused,
                            .arg = c };
        c->filter = syscall_filter_on(cx, &f) == 0;
        if (!c->filter)
            c->why_filter = str_dup(cx->arena, str_c(cx->err.text));
        err_clear(cx);
    }
    int fd = syscall_filter_fd();
    if (fd >= 0 && loop_fd_start(o->loop, &c->refused, fd, LOOP_READ, read_refused, c) == 0)
        c->loop = o->loop;
    tell(c);
}

void confine_done(Confine *c) {
    if (c->loop)
        loop_fd_stop(c->loop, &c->refused);
    c->loop = NULL;
    syscall_filter_hush();
}
