#pragma once

/* app/takeover.h - a new process takes the place of the old one on its port, and no connection is refused meanwhile.
 *
 * `serve` offers its listening socket on data-dir/takeover.sock (mode 0600, the same user alone). `serve --takeover` asks
 * for it there: the old process hands the socket over, ends what it has begun, closes its stores and exits; the new one
 * waits for that, opens the stores and goes on with the same socket. Who connects between waits in the kernel's queue, so
 * what a restart costs is time: that of the last requests under way (server.drain at most) and of the start. There is one
 * owner of a store at any time. Without an old process --takeover is an ordinary start.
 *
 * The other way to the same: a service manager that holds the socket (LISTEN_FDS and LISTEN_PID of the environment). */

#include "app/config.h"
#include "net/http_server.h"

/* *fd: the socket, or -1 when there is nobody to take it from. Blocks until the old process is gone. 0 or ErrCode. */
int takeover_take(Ctx *cx, const AppCfg *cfg, int *fd);
/* The socket that a service manager has opened for this process, or -1. pid, fds: LISTEN_PID and LISTEN_FDS; NULL is
 * fine. */
int takeover_inherited(const char *pid, const char *fds);

typedef struct Takeover Takeover;
/* Offers the server's TCP socket; stop is called on the loop when it has been taken. NULL: it cannot be offered here. */
Takeover *takeover_offer(Loop *loop, Arena *scratch, const AppCfg *cfg, HttpServer *server, void (*stop)(void *arg),
                         void *arg);
Takeover *takeover_free(Takeover *t); /* the one who has taken it sees the end of the process, not this; NULL is fine */
