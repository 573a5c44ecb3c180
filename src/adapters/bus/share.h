#pragma once

/* adapters/bus/share.h - the event bus of this process for the other processes of its data folder, at a Unix socket.
 *
 * Whoever may open the socket, a file of mode 0600, is the user that the process runs as: no other check is made. A
 * connection has at most one subscription, and a thread; what it holds unacknowledged goes back when the connection ends,
 * however it ends, so a process that is killed leaves nothing behind. At most SHARE_CONNECTIONS_MAX of them. */

#include "ports/event_bus.h"

typedef struct BusShare BusShare;

enum { SHARE_CONNECTIONS_MAX = 128 };

/* clock: what the calls of others run by. ERR_CONFLICT: another process serves there. A socket that nobody serves any more
 * is replaced. */
int bus_share_open(Ctx *cx, EventBus *bus, const char *path, Clock *clock, BusShare **out);
/* Ends every connection. NULL is fine; returns NULL. The bus is not closed. */
BusShare *bus_share_close(BusShare *s);
