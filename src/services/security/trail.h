#pragma once

/* services/security/trail.h - security events on their way into the record.
 *
 * Whoever sees an event notes it in memory, in about a microsecond, and goes on; a lane writes what was noted in one
 * transaction. What comes in floods (wrong keys, refusals) is told at once the first time and then counted: one event a
 * minute for each source and kind. All of it is bounded: a flood of sources ends as one event with the number of them.
 *
 * A kill loses what was noted in the last milliseconds; changes of keys do not come this way (services/security/keys.h).
 * Threads: any. */

#include "base/lane.h"
#include "base/log.h"
#include "ports/security_store.h"

typedef struct Trail Trail;

enum { TRAIL_WAITING_MAX = 4096, TRAIL_SOURCES_MAX = 1024, TRAIL_WINDOW_MS = 60 * 1000 };

Trail *trail_new(SecurityStore *store, Logger *log, Clock *clock);
/* Events are written there from now on, as they come; NULL: by trail_flush alone. */
void trail_attach(Trail *t, Lane *lane);
void trail_note(Trail *t, const AuditEvent *e);  /* copied */
void trail_count(Trail *t, const AuditEvent *e); /* of a kind that comes in floods */
/* Ends windows that are over and writes everything that waits; all: windows under way too. */
int trail_flush(Trail *t, Ctx *cx, bool all);
Trail *trail_free(Trail *t); /* NULL is fine. Does not write: flush before. The lane is closed by then */
