#pragma once

/* eureka/registry.h - who is where: leases, their expiry, overrides, and what changed lately.
 *
 * The rules are those of the reference server (wire facts §1.5 to §1.7), on a clock that is passed in:
 *   lease       duration_s after its last renewal it is over. The reference counts a renewal's duration twice, so that a
 *               lease once renewed lives 180 s; `renewed_factor` 2 does the same, 1 is what the lease says.
 *   eviction    every evict_every_ms; a run that comes late gives every lease that much more. At most
 *               1 - preserve_share of all leases a run, drawn at random.
 *   preservation  while fewer renewals come than preserve_share of those expected, nothing is evicted: it is the network
 *               that is broken, not everybody.
 *   conflicts   the registration with the later lastDirtyTimestamp wins; a renewal with a later one than is known here is
 *               EUREKA_ABSENT, so that the client registers again.
 *   overrides   a status set from outside stays until it is taken off, whatever the instance says, unless that is
 *               neither UP nor OUT_OF_SERVICE.
 *   changes     for delta_keep_ms, the newest of each instance; a client that missed some finds out by the hash.
 *
 * Threads: one at a time. Memory: bounded by max_instances; instances are copied in. */

#include "base/rng.h"
#include "eureka/instance.h"

typedef struct EurekaRegistry EurekaRegistry;

enum { EUREKA_ABSENT = 1, EUREKA_STALE = 2, EUREKA_FULL = 3 };

typedef struct EurekaNow { /* one moment on both clocks */
    Time wall;
    MonoNs mono;
} EurekaNow;

typedef struct EurekaRegistryOptions {
    size_t max_instances;   /* 4096 */
    int64_t evict_every_ms; /* 60,000 */
    int64_t delta_keep_ms;  /* 180,000 */
    int renewed_factor;     /* 1 */
    int64_t expected_s;     /* 30: how often an instance is expected to renew */
    double preserve_share;  /* 0.85 */
    bool preserve;          /* true */
    uint64_t seed;          /* of the draw among the expired */
} EurekaRegistryOptions;
void eureka_registry_options_default(EurekaRegistryOptions *o);

/* What happened here and peers have to hear of. Nothing that a peer told is an event. */
typedef enum EurekaEventKind {
    EUREKA_EV_REGISTER,
    EUREKA_EV_HEARTBEAT,
    EUREKA_EV_CANCEL,
    EUREKA_EV_STATUS,
    EUREKA_EV_STATUS_OFF,
} EurekaEventKind;
typedef struct EurekaEvent { /* borrowed */
    EurekaEventKind kind;
    const EurekaInstance *instance; /* as it is now, or was */
    EurekaStatus status;            /* of STATUS, STATUS_OFF */
} EurekaEvent;

EurekaRegistry *eureka_registry_new(const EurekaRegistryOptions *o, EurekaNow now);
EurekaRegistry *eureka_registry_free(EurekaRegistry *r); /* NULL is fine */
void eureka_registry_listen(EurekaRegistry *r, void (*fn)(void *arg, const EurekaEvent *e), void *arg);

/* from_peer: a peer tells it; such a thing is not told on, and conflicts are answered. */

/* 0 or EUREKA_FULL. The instance has passed eureka_registration_fault. */
int eureka_register(EurekaRegistry *r, EurekaNow now, const EurekaInstance *x, bool from_peer);
/* Why a registration cannot be taken, in the reference's words; NULL: it can. path_app: of the path. */
const char *eureka_registration_fault(Arena *a, const EurekaInstance *x, Str path_app);

typedef struct EurekaRenewal {
    Str app, id;
    int64_t dirty_ms;        /* 0 = not told */
    EurekaStatus overridden; /* by a peer; EUREKA_UNKNOWN = none */
    bool from_peer;
} EurekaRenewal;
/* 0, EUREKA_ABSENT (register again), EUREKA_STALE (to a peer: what it has is older than ours). */
int eureka_renew(EurekaRegistry *r, EurekaNow now, const EurekaRenewal *renewal);
/* The rest: 0 or EUREKA_ABSENT. */
int eureka_cancel(EurekaRegistry *r, EurekaNow now, Str app, Str id, bool from_peer);
int eureka_override(EurekaRegistry *r, EurekaNow now, const EurekaRenewal *which, EurekaStatus status);
int eureka_override_off(EurekaRegistry *r, EurekaNow now, const EurekaRenewal *which, EurekaStatus status);
int eureka_metadata_set(EurekaRegistry *r, EurekaNow now, Str app, Str id, EurekaPairs pairs);

/* Evicts and forgets what is due; when to be called again. */
MonoNs eureka_registry_tick(EurekaRegistry *r, EurekaNow now);

/* --- reading --- */

/* Valid until the next change; app in any case. NULL: not there. app empty: the first of that id. */
const EurekaInstance *eureka_find(EurekaRegistry *r, Str app, Str id);
bool eureka_has_app(const EurekaRegistry *r, Str app);
uint64_t eureka_revision(const EurekaRegistry *r); /* grows with every change but renewals */

typedef struct EurekaSelect {
    Str app, vip, secure_vip; /* all empty: everybody. vip: one of a comma-separated list */
    bool delta;               /* recent changes instead */
} EurekaSelect;
/* The instances grouped by app, in the arena's list but borrowed from the registry; hash is of the whole registry. */
void eureka_select(EurekaRegistry *r, Arena *a, const EurekaSelect *which, EurekaList *out);

typedef struct EurekaRegistryView {
    size_t instances, up, apps;
    int64_t renewals_last_minute, renewals_expected; /* least that let eviction go on */
    bool preserving;                                 /* nothing is evicted now */
    int64_t registered, cancelled, evicted, renewed; /* ever */
} EurekaRegistryView;
void eureka_registry_view(const EurekaRegistry *r, EurekaNow now, EurekaRegistryView *out);
