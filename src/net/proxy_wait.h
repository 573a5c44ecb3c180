#pragma once

/* net/proxy_wait.h - an accepted socket whose PROXY header is still to come. Private to net/.
 *
 * Looks with MSG_PEEK and takes exactly the header, so that TLS or HTTP begins where the client's bytes begin. A header
 * that does not come in time, or is none, ends the connection without a word, as the specification asks. */

#include "base/list.h"
#include "net/loop.h"
#include "net/proxy_protocol.h"

typedef struct ProxyWait ProxyWait;

typedef struct ProxyWaitEvents {
    /* The socket is the callee's from now on; peer: who the hop speaks for, or the hop itself. */
    void (*ready)(void *arg, int fd, const char *peer, void *from);
    void (*over)(void *arg); /* it came to nothing, and is closed */
    void *arg;
} ProxyWaitEvents;

/* Takes fd over. list: where it hangs until it is over. 0 or ErrCode, and then fd is still the caller's. */
int proxy_wait_start(Loop *loop, int fd, const char *peer, int64_t wait_ms, const ProxyWaitEvents *events, void *from,
                     ListNode *list);
void proxy_waits_close(ListNode *list); /* all of them, silently */
