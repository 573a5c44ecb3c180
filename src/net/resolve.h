#pragma once

/* net/resolve.h - a host's addresses, without blocking the loop. Private to net/.
 *
 * A number is answered at once (from the loop's next turn); a name by getaddrinfo on a thread made for it, since that
 * call blocks for as long as it likes. fn runs once on the loop, unless resolve_cancel came first; then neither runs. */

#include "net/loop.h"

#include <netdb.h>

typedef struct Resolve Resolve;

/* list is valid during the call; NULL, and then why says more. */
typedef void ResolveFn(void *arg, const struct addrinfo *list, const char *why);

/* host and port are copied. Never fails: what is wrong is told by fn. */
Resolve *resolve_start(Loop *l, const char *host, const char *port, ResolveFn *fn, void *arg);
/* Before fn has run. The thread, if there is one, ends on its own time and touches neither loop nor arg. */
void resolve_cancel(Resolve *r);
