/* net/http_listen.c - see http_listen.h. */

#include "net/http_listen.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

/* --- TCP --- */

static int why_not_tcp(const char *host, int port, int os_errno, char *why, size_t why_size) {
    if (os_errno == EADDRINUSE)
        snprintf(why, why_size, "%s:%d is in use by another program; see which with: ss -ltnp 'sport = :%d'", host,
                 port, port);
    else if (os_errno == EACCES)
        snprintf(why, why_size, "%s:%d: ports below 1024 need a privilege; take a higher one", host, port);
    else if (os_errno == EADDRNOTAVAIL)
        snprintf(why, why_size, "%s:%d: this machine has no such address", host, port);
    else
        snprintf(why, why_size, "%s:%d: %s", host, port, strerrordesc_np(os_errno));
    return err_from_errno(os_errno);
}

typedef union Address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
} Address;

static int bound_port(int fd) {
    Address a = { .room = { 0 } };
    socklen_t n = sizeof a;
    if (getsockname(fd, &a.any, &n) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int listener_tcp(Listener *l, const char *host, int port, int *out_port, char *why, size_t why_size) {
    *l = (Listener){ .fd = -1 };
    if (port < 0 || port > 65535) {
        snprintf(why, why_size, "%d is not a port: 0 to 65535", port);
        return ERR_USAGE;
    }
    const char *number = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *ai = NULL;
    char service[12];
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(number, service, &hints, &ai) != 0) {
        snprintf(why, why_size, "%s is not an address to listen on; give a number like 127.0.0.1 or ::1", host);
        return ERR_USAGE;
    }
    int on = 1, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    int e = errno;
    freeaddrinfo(ai);
    if (!good) {
        if (fd >= 0)
            close(fd);
        return why_not_tcp(host, port, e, why, why_size);
    }
    l->fd = fd;
    if (out_port)
        *out_port = bound_port(fd);
    return 0;
}

int listener_fd(Listener *l, int fd, int *out_port) {
    *l = (Listener){ .fd = fd };
    int on = 0, flags = fcntl(fd, F_GETFL);
    socklen_t n = sizeof on;
    bool good = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on && flags >= 0 &&
                fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
    if (!good) {
        close(fd);
        l->fd = -1;
        return ERR_USAGE;
    }
    if (out_port)
        *out_port = bound_port(fd);
    return 0;
}

/* --- Unix sockets --- */

/* Whether a server answers at the path. A socket file without one is left from a process that was killed. */
static bool unix_alive(const struct sockaddr_un *a) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* cannot tell: leave it alone */
    bool alive = connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN;
    close(fd);
    return alive;
}

int listener_unix(Listener *l, const char *path, char *why, size_t why_size) {
    *l = (Listener){ .fd = -1, .local = true };
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof a.sun_path) {
        snprintf(why, why_size, "%s: a socket's path has 1 to %zu bytes", path, sizeof a.sun_path - 1);
        return ERR_USAGE;
    }
    memcpy(a.sun_path, path, n);
    memcpy(l->path, path, n);
    struct stat st;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode) || unix_alive(&a)) {
            snprintf(why, why_size, S_ISSOCK(st.st_mode) ? "%s: another server listens there" : "%s is not a socket",
                     path);
            return ERR_CONFLICT;
        }
        unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* The mode of the socket before bind is the mode of the file: never a moment open to others (unix(7)). */
    bool good = fd >= 0 && fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
                chmod(path, 0600) == 0 && listen(fd, BACKLOG) == 0 && lstat(path, &st) == 0;
    if (!good) {
        int e = errno;
        snprintf(why, why_size, "%s: %s", path, strerrordesc_np(e));
        if (fd >= 0)
            close(fd);
        return err_from_errno(e);
    }
    l->fd = fd;
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return 0;
}

void listener_close(Listener *l) {
    if (l->fd < 0)
        return;
    close(l->fd);
    l->fd = -1;
    struct stat st;
    if (l->local && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        unlink(l->path);
}

/* --- accepting --- */

int listener_accept(const Listener *l, char *peer, size_t peer_size) {
    Address a = { .room = { 0 } };
    socklen_t n = sizeof a;
    int on = 1, fd = accept4(l->fd, &a.any, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    char ip[INET6_ADDRSTRLEN] = "";
    if (l->local) {
        snprintf(peer, peer_size, "unix");
    } else if (a.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a.v6.sin6_addr, ip, sizeof ip);
        snprintf(peer, peer_size, "[%s]:%d", ip, ntohs(a.v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &a.v4.sin_addr, ip, sizeof ip);
        snprintf(peer, peer_size, "%s:%d", ip, ntohs(a.v4.sin_port));
    }
    if (!l->local)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}
