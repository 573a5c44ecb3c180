#pragma once

/* services/discovery/discovery.h - this process among the others: told to the registry, and told by it.
 *
 * Drives a discovery port, writes the documents' log lines, and tells whoever routes when the list of instances is another
 * one. What people ask for (register, deregister, refresh, a status) is a wish: it is done by the next run, so that nobody
 * waits for a registry that is away.
 *
 * Threads: discovery_run by one thread at a time, everything else by any. `changed` runs on the thread of discovery_run. */

#include "base/json.h"
#include "base/log.h"
#include "ports/discovery.h"

typedef struct DiscoveryService DiscoveryService;

typedef struct DiscoveryServiceOptions {
    Discovery *discovery;                                  /* owned from now on */
    Logger *log;                                           /* NULL = silent */
    void (*changed)(void *arg, const DiscoveryView *view); /* may be NULL */
    void (*wake)(void *arg);                               /* a wish waits: run soon; any thread. May be NULL */
    void *arg;
} DiscoveryServiceOptions;

DiscoveryService *discovery_service_new(const DiscoveryServiceOptions *o);
DiscoveryService *discovery_service_free(DiscoveryService *s); /* NULL is fine */

/* Does what is due and what is wished for; *next: when to run again. */
int discovery_run(DiscoveryService *s, Ctx *cx, MonoNs *next);

typedef enum DiscoveryWish {
    DISCOVERY_WISH_REGISTER = 1u << 0,
    DISCOVERY_WISH_LEAVE = 1u << 1,
    DISCOVERY_WISH_REFRESH = 1u << 2,
    DISCOVERY_WISH_OVERRIDE = 1u << 3,
} DiscoveryWish;
void discovery_wish(DiscoveryService *s, DiscoveryWish wish, DiscoveryStatus override);

/* {"adapter":"eureka","registered":true,"own":[…],"instances":[…]} as of the last run. */
void discovery_service_write(DiscoveryService *s, JsonWriter *w);
