#pragma once

/* adapters/bus/shared.h - the event bus of another process on this machine, which shares it (share.h).
 *
 * Everything is as there: confirms, acknowledgements, positions, what it can do (it is the embedded log). While the other
 * process is away calls answer ERR_UNAVAILABLE at once; each call connects anew, and a subscription subscribes again: what
 * it had delivered before is BUS_STALE then, and comes again. Whether a publication was taken whose answer was lost nobody
 * knows: it is published again with its id. */

#include "ports/event_bus.h"

/* path is copied. Connects at the first call. */
EventBus *event_shared_new(const char *path);

/* A connected socket at a path of any length; also for share.c, which wants to know whether anybody is there. -1 and
 * errno. */
int shared_connect(const char *path);
/* The address of a path however long: through its folder, which *dir_fd is then, to be closed after bind or connect. */
struct sockaddr_un;
bool shared_address(const char *path, struct sockaddr_un *out, int *dir_fd);
