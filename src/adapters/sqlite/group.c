/* adapters/sqlite/group.c - see group.h. */

#include "adapters/sqlite/group.h"

#include <sqlite3.h>

enum { GROUP_NS = 4 * 1000 * 1000, GROUP_WORKS = 256 };

typedef struct Work {
    DbWork *fn;
    void *arg;
    Ctx *cx;
    bool durable, done;
    int result;
    ListNode node;
    pthread_cond_t woken;
} Work;

typedef struct Group { /* one commit */
    DbGroup *of;
    bool durable;
    size_t n;
    Work *v[GROUP_WORKS];
} Group;

void db_group_init(DbGroup *g, DbOwner *owner) {
    *g = (DbGroup){ .owner = owner };
    pthread_mutex_init(&g->lock, NULL);
    list_init(&g->waiting);
}

void db_group_done(DbGroup *g) {
    assert(list_empty(&g->waiting) && !g->leading);
    pthread_mutex_destroy(&g->lock);
}

void db_group_stats(DbGroup *g, int64_t *groups, int64_t *works) {
    pthread_mutex_lock(&g->lock);
    *groups = g->n_groups;
    *works = g->n_works;
    pthread_mutex_unlock(&g->lock);
}

/* The next work that fits the group, or NULL. */
static Work *take(Group *group) {
    DbGroup *g = group->of;
    Work *w = NULL;
    pthread_mutex_lock(&g->lock);
    if (!list_empty(&g->waiting) && group->n < GROUP_WORKS) {
        w = LIST_ENTRY(g->waiting.next, Work, node);
        if (w->durable && !group->durable)
            w = NULL;
        else
            list_remove(&w->node);
    }
    pthread_mutex_unlock(&g->lock);
    if (w)
        group->v[group->n++] = w;
    return w;
}

static int run_saved(Db *db, Work *w) {
    Ctx quiet = *w->cx;
    int r = db_exec(db, w->cx, "SAVEPOINT work");
    if (r)
        return r;
    int outcome = w->fn(db, w->cx, w->arg);
    if (outcome >= 0 && (r = db_exec(db, w->cx, "RELEASE work")) == 0)
        return outcome;
    if (!sqlite3_get_autocommit(db->handle)) { /* else SQLite has rolled all of it back */
        db_exec(db, &quiet, "ROLLBACK TO work");
        db_exec(db, &quiet, "RELEASE work");
    }
    return outcome < 0 ? outcome : r;
}

/* The first needs no savepoint: if it fails, the whole transaction was its own. */
static int run_group(Db *db, Ctx *cx, void *arg) {
    Group *group = arg;
    MonoNs start = clock_mono(cx->clock);
    Work *w = take(group);
    if (!w)
        return 0;
    int r = ctx_check(w->cx);
    w->result = r ? r : w->fn(db, w->cx, w->arg);
    if (w->result < 0)
        return w->result;
    while (clock_mono(cx->clock).ns - start.ns < GROUP_NS && (w = take(group))) {
        r = ctx_check(w->cx);
        w->result = r ? r : run_saved(db, w);
        if (sqlite3_get_autocommit(db->handle))
            return err_set(cx, ERR_REPOSITORY, "%s: the whole group was rolled back; try again", db->path);
    }
    return 0;
}

/* Whom the commit failed, was told so before, or is told now. */
static void answer(DbGroup *g, Group *group, int r, const Err *why) {
    pthread_mutex_lock(&g->lock);
    if (r >= 0) {
        g->n_groups++;
        g->n_works += (int64_t)group->n;
    }
    for (size_t i = 0; i < group->n; i++) {
        Work *w = group->v[i];
        if (r < 0 && w->result >= 0) {
            w->result = r;
            w->cx->err = *why;
        }
        w->done = true;
        pthread_cond_signal(&w->woken);
    }
    g->leading = false;
    if (!list_empty(&g->waiting))
        pthread_cond_signal(&LIST_ENTRY(g->waiting.next, Work, node)->woken);
    pthread_mutex_unlock(&g->lock);
}

static bool any_durable(DbGroup *g) { /* under the lock */
    bool durable = false;
    LIST_FOR (node, &g->waiting)
        durable |= LIST_ENTRY(node, Work, node)->durable;
    return durable;
}

static void lead(DbGroup *g, Ctx *cx, bool durable) {
    Group group = { .of = g, .durable = durable };
    Ctx own = *cx; /* the group has the deadline of none */
    own.deadline = (MonoNs){ 0 };
    own.cancel = NULL;
    int r = durable ? db_owner_write(g->owner, &own, run_group, &group)
                    : db_owner_write_often(g->owner, &own, run_group, &group);
    if (r < 0 && group.n == 0) /* it could not even begin */
        take(&group);
    if (r < 0 && g->undone)
        g->undone(g->undone_arg);
    answer(g, &group, r, &own.err);
}

int db_group_write(DbGroup *g, Ctx *cx, bool durable, DbWork *fn, void *arg) {
    Work w = { .fn = fn, .arg = arg, .cx = cx, .durable = durable };
    pthread_cond_init(&w.woken, NULL);
    pthread_mutex_lock(&g->lock);
    list_push_back(&g->waiting, &w.node);
    while (!w.done) {
        if (g->leading) {
            pthread_cond_wait(&w.woken, &g->lock);
            continue;
        }
        g->leading = true;
        bool sync = any_durable(g);
        pthread_mutex_unlock(&g->lock);
        lead(g, cx, sync);
        pthread_mutex_lock(&g->lock);
    }
    pthread_mutex_unlock(&g->lock);
    pthread_cond_destroy(&w.woken);
    return w.result;
}
