#pragma once

/* app/security.h - keys and the record of security events, where a process hosts the gateway.
 *
 * Opened by the platform (commands use them without a server); the rest is of a process that serves: sets of keys on
 * their way to the loop, events on theirs to the record, and a gateway that learns its keys from another. */

#include "app/platform.h"
#include "net/loop.h"

/* Of the chains of events: configured, else kept in data.dir/audit.key, made there first if need be. */
int platform_audit_key(Ctx *cx, const AppCfg *cfg, Ids *ids, Str *out);
/* Store, services and their record into p->security. The file is opened at its first use. */
int platform_open_security(Platform *p, Ctx *cx);
void platform_close_security(Platform *p);

typedef struct SecurityDesk SecurityDesk;

/* Before the loop runs: the gateway has its keys when this returns. Where another process has the folder's security.db
 * (one that is about to be replaced by this), keys are learned from it until it ends; then this one takes over. owner:
 * called when the file is ours, at once or later, on the loop's thread. */
typedef struct SecurityDeskOptions {
    Gateway *gateway;
    Loop *loop;
    Lane *io;
    void (*owner)(void *arg);
    void *arg;
} SecurityDeskOptions;
int security_desk_open(Platform *p, Ctx *cx, const SecurityDeskOptions *o, SecurityDesk **out);
/* Something that is no request happened: "config.reload". NULL is fine. */
void security_desk_note(SecurityDesk *d, const char *action, Str outcome, Str detail);
void security_desk_stop(SecurityDesk *d); /* first of all: its threads and timers end; NULL is fine */
/* When lanes and loop are at rest: what waits is written. Returns NULL. */
SecurityDesk *security_desk_free(SecurityDesk *d);
/* A GatewayOptions.on_event; arg: the desk's address, which may still be NULL. */
void security_desk_event(void *desk_slot, const AuditEvent *e, bool often);
