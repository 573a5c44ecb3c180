#pragma once

/* adapters/bus/log.h - the event bus in a file: bus.db. No server; what it confirms is fsynced.
 *
 * Every event is a row of `log`, appended once and kept for replay until retention takes it. What a queue still owes is a
 * row of `entry`, in the order it will be given: by priority, then by position. A queue's place in the log is a cursor a
 * priority, in memory; whatever is behind it and still has an entry is unacknowledged, so a crash or a lost consumer
 * loses nothing and needs no repair. Dead letters are events again, with the story of their death, in a queue like any
 * other. Memory is flat: a million waiting events are rows, not objects.
 *
 * Writers share commits (adapters/sqlite/group.h): publishing is synced, acknowledging is not by itself, because an
 * acknowledgement lost with the power only repeats a delivery.
 *
 * Expired messages leave at the head of their priority, as in RabbitMQ: at a receive or a tick. */

#include "ports/event_bus.h"

typedef struct EventLogOptions {
    const char *path;       /* NULL = in memory, gone with the bus */
    const char *vfs;        /* NULL = the system's. With a named one (simulation) no lock file is taken */
    bool lazy;              /* open the file at the first call */
    int64_t retention_ms;   /* of events nobody is owed any more; 0 = 7 days */
    int64_t retention_rows; /* 0 = 2,000,000 */
    int64_t max_length;     /* of a queue without one of its own; 0 = 10,000,000. Dead letters: the oldest go then */
} EventLogOptions;

int event_log_open(Ctx *cx, const EventLogOptions *o, EventBus **out);
/* Commits so far, and how many calls they were: the batch that the wait for the disk is shared by. */
void event_log_commits(EventBus *b, int64_t *commits, int64_t *calls);
