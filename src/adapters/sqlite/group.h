#pragma once

/* adapters/sqlite/group.h - many writers of one database, one commit: the wait for the disk is shared.
 *
 * Who comes first leads: it runs its own work and that of all who wait, each in a savepoint, commits once and answers
 * them. While it waits for the disk the next group gathers by itself, and one of that becomes its leader. No thread is
 * needed, so a simulation runs it as it is. Work that fails takes nothing with it but its own savepoint; a commit that
 * fails, fails all of the group.
 *
 * Threads: any, except init and done. */

#include "adapters/sqlite/owner.h"
#include "base/list.h"

typedef struct DbGroup {
    DbOwner *owner;
    pthread_mutex_t lock;
    ListNode waiting;
    bool leading;
    int64_t n_groups, n_works; /* committed; under the lock */
    void (*undone)(
        void *arg); /* NULL, or told of a commit that failed, before anybody has an answer or the next begins */
    void *undone_arg;
} DbGroup;

void db_group_init(DbGroup *g, DbOwner *owner);
void db_group_done(DbGroup *g);

/* fn on the leader's thread, in the group's transaction, with the caller's Ctx, while the caller waits. durable: synced
 * when it returns >= 0. Else a kill loses nothing, a power cut may take the last of them. */
int db_group_write(DbGroup *g, Ctx *cx, bool durable, DbWork *fn, void *arg);
void db_group_stats(DbGroup *g, int64_t *groups, int64_t *works);
