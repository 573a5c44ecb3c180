/* app/takeover.c - see takeover.h. */

#include "app/takeover.h"

#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ROOM_MS = 30 * 1000, LISTEN_FDS_START = 3 };

struct Takeover {
    Loop *loop;
    HttpServer *server;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    LoopFd door;
    int fd, taker; /* -1: none */
    bool taken;
    void (*stop)(void *arg);
    void *arg;
};

static bool address_of(Arena *a, const AppCfg *cfg, struct sockaddr_un *out) {
    const char *path = path_join(a, cfg->data_dir, "takeover.sock");
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof out->sun_path)
        return false;
    memcpy(out->sun_path, path, strlen(path));
    return true;
}

/* --- the new process --- */

/* One message with one descriptor. */
static int receive_fd(int from) {
    char byte;
    struct iovec iov = { &byte, 1 };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room
    };
    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != 1)
        return -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

/* The old process holds the connection until it ends. */
static bool wait_for_end(int fd, int64_t most_ms) {
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char byte;
    return poll(&p, 1, (int)most_ms) == 1 && read(fd, &byte, 1) == 0;
}

int takeover_take(Ctx *cx, const AppCfg *cfg, int *fd) {
    struct sockaddr_un a;
    *fd = -1;
    if (!address_of(cx->arena, cfg, &a))
        return err_set(cx, ERR_USAGE, "%s: the path is too long for a socket, so nothing can be taken over there",
                       cfg->data_dir);
    int old = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (old < 0 || connect(old, (const struct sockaddr *)&a, sizeof a) != 0) {
        if (old >= 0)
            close(old);
        return 0; /* nobody is there */
    }
    int got = receive_fd(old);
    bool gone = got >= 0 && wait_for_end(old, cfg->server_drain_ms + ROOM_MS);
    close(old);
    if (gone) {
        *fd = got;
        return 0;
    }
    if (got >= 0)
        close(got);
    return err_set(cx, ERR_BUSY, "%s: the process that serves there %s", a.sun_path,
                   got < 0 ? "did not hand its socket over; is it of another user?" : "has not ended in time");
}

int takeover_inherited(const char *pid, const char *fds) {
    int64_t who, n;
    if (!pid || !fds || !str_to_i64(str_c(pid), &who) || !str_to_i64(str_c(fds), &n) || who != getpid() || n < 1)
        return -1;
    return LISTEN_FDS_START;
}

/* --- the old process --- */

static bool send_fd(int to, int fd) {
    char byte = 'L';
    struct iovec iov = { &byte, 1 };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(to, &m, MSG_NOSIGNAL) == 1;
}

static bool same_user(int fd) {
    struct ucred who;
    socklen_t n = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && who.uid == geteuid();
}

static void on_taker(void *arg, unsigned events) {
    Takeover *t = arg;
    UNUSED(events);
    int fd = accept4(t->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int listening = http_server_tcp_fd(t->server);
    if (t->taken || listening < 0 || !same_user(fd) || !send_fd(fd, listening)) {
        close(fd);
        return;
    }
    t->taken = true;
    t->taker = fd; /* stays open until this process ends: that is what the other waits for */
    t->stop(t->arg);
}

Takeover *takeover_offer(Loop *loop, Arena *scratch, const AppCfg *cfg, HttpServer *server, void (*stop)(void *arg),
                         void *arg) {
    struct sockaddr_un a;
    if (!address_of(scratch, cfg, &a))
        return NULL;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    unlink(a.sun_path); /* whoever offered there has ended: its stores are ours */
    if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&a, sizeof a) != 0 || chmod(a.sun_path, 0600) != 0 ||
        listen(fd, 1) != 0) {
        close(fd);
        return NULL;
    }
    Takeover *t = mem_new(Takeover);
    *t = (Takeover){ .loop = loop, .server = server, .fd = fd, .taker = -1, .stop = stop, .arg = arg };
    memcpy(t->path, a.sun_path, sizeof t->path);
    if (loop_fd_start(loop, &t->door, fd, LOOP_READ, on_taker, t) != 0) {
        close(fd);
        return mem_free(t);
    }
    return t;
}

Takeover *takeover_free(Takeover *t) {
    if (!t)
        return NULL;
    loop_fd_stop(t->loop, &t->door);
    close(t->fd);
    unlink(t->path);
    return mem_free(t);
}
