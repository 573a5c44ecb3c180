#pragma once

/* ports/discovery.h - who serves what and where; and telling others what this process serves.
 *
 * Adapters:  adapters/discovery/{fixed,eureka}.  Used by: services/discovery.
 * Drive:     discovery_step does what is due (registers, renews, looks) and says when it wants to be called again.
 *            Nothing happens between two steps; the driver owns thread and clock.
 * Failure:   a registry that is away is no failure of a step: what was known stays known, and the step says when it tries
 *            again, for ever (U14). What happened is told through `news`, in the documents' kinds.
 * Threads:   one at a time. Memory: results in cx->arena.
 * Contract:  tests/contract/discovery.c. */

#include "base/ctx.h"

typedef struct Discovery Discovery;

typedef enum DiscoveryStatus {
    DISCOVERY_UNKNOWN,
    DISCOVERY_UP,
    DISCOVERY_DOWN,
    DISCOVERY_STARTING,
    DISCOVERY_OUT_OF_SERVICE,
} DiscoveryStatus;
const char *discovery_status_name(DiscoveryStatus s); /* "OUT_OF_SERVICE" */
bool discovery_status_parse(Str name, DiscoveryStatus *out);

typedef struct DiscoveryInstance {
    Str service; /* in lower case: "market" */
    Str id;
    Str address; /* "10.0.0.5:8000", "[::1]:8000" */
    int weight;  /* 1 unless told */
    DiscoveryStatus status;
} DiscoveryInstance;

typedef struct DiscoveryView {
    DiscoveryInstance *v; /* those whose address can be called, by service and id */
    size_t n;
    bool known;        /* somebody who knows has answered, ever: an empty list means nobody */
    uint64_t revision; /* another number: another list */
} DiscoveryView;

/* One of ours, as this adapter sees it. */
typedef struct DiscoveryOwn {
    Str service, id;
    bool registered;
    DiscoveryStatus status;
    int64_t renewals, failures; /* ever; in a row */
} DiscoveryOwn;

typedef enum DiscoveryNewsKind {
    DISCOVERY_REGISTERED, /* one of ours is known there */
    DISCOVERY_REFUSED,    /* status: the registry's answer to a registration */
    DISCOVERY_UNREACHED,  /* words: a registration did not get through */
    DISCOVERY_FORGOTTEN,  /* a renewal was answered 404: it registers again */
    DISCOVERY_LATE,       /* words: a renewal did not get through */
    DISCOVERY_BLIND,      /* words: the list could not be had; the old one stays. Told once */
    DISCOVERY_SEES,       /* it can be had again */
    DISCOVERY_LEFT,       /* one of ours is taken off */
} DiscoveryNewsKind;

typedef struct DiscoveryNews {
    DiscoveryNewsKind kind;
    Str service; /* of ours; empty: of the list */
    Str server;  /* who was asked, without its password */
    int status;
    Str words;
} DiscoveryNews;
typedef void DiscoveryListener(void *arg, const DiscoveryNews *news);

typedef struct DiscoveryOps {
    const char *name;
    int (*step)(Discovery *d, Ctx *cx, MonoNs *next);
    int (*list)(Discovery *d, Ctx *cx, DiscoveryView *out);
    size_t (*own)(Discovery *d, Ctx *cx, DiscoveryOwn **out);
    /* What ours say of themselves from the next step on. UP again after a leave registers again. */
    int (*announce)(Discovery *d, Ctx *cx, DiscoveryStatus status);
    /* An override at the registry: it stands whatever we say. UNKNOWN takes it off. */
    int (*override)(Discovery *d, Ctx *cx, DiscoveryStatus status);
    int (*refresh)(Discovery *d, Ctx *cx); /* the next step looks anew, whatever is due */
    int (*leave)(Discovery *d, Ctx *cx);   /* takes ours off, now; best effort */
    void (*close)(Discovery *d);
} DiscoveryOps;

struct Discovery { /* the first member of every adapter's own struct */
    const DiscoveryOps *ops;
    DiscoveryListener *news; /* NULL: nobody listens */
    void *news_arg;
};

int discovery_step(Discovery *d, Ctx *cx, MonoNs *next);
int discovery_list(Discovery *d, Ctx *cx, DiscoveryView *out);
size_t discovery_own(Discovery *d, Ctx *cx, DiscoveryOwn **out);
int discovery_announce(Discovery *d, Ctx *cx, DiscoveryStatus status);
int discovery_override(Discovery *d, Ctx *cx, DiscoveryStatus status); /* ERR_UNSUPPORTED where there is no registry */
int discovery_refresh(Discovery *d, Ctx *cx);
int discovery_leave(Discovery *d, Ctx *cx);
Discovery *discovery_close(Discovery *d); /* NULL is fine; returns NULL */
