#pragma once

/* net/http_listen.h - sockets that accept. Private to net/. */

#include "net/loop.h"

#include <sys/types.h>

typedef struct Listener {
    int fd;
    bool local;     /* a Unix socket */
    char path[108]; /* of a Unix socket */
    dev_t dev;      /* of the path as bound: only our own file is removed */
    ino_t ino;
} Listener;

/* 0, or ErrCode with words in why. */
int listener_tcp(Listener *l, const char *host, int port, int *out_port, char *why, size_t why_size);
/* A socket that listens already; ERR_USAGE (and closed) when it does not. */
int listener_fd(Listener *l, int fd, int *out_port);
int listener_unix(Listener *l, const char *path, char *why, size_t why_size);
void listener_close(Listener *l);

/* A connected, non-blocking socket, or -1 with errno. peer gets its address as text. */
int listener_accept(const Listener *l, char *peer, size_t peer_size);
