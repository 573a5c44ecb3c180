/* adapters/store/sqlite_snapshot.c - the whole file as it is at one moment, while saves go on.
 *
 * The steps of adapters/sqlite/copy.h, taken on the writer's thread between two groups: a save waits for one of them at
 * most, a few ms. */

#include "adapters/sqlite/copy.h"
#include "adapters/store/sqlite_store.h"

static int step(Writer *w, Ctx *cx, void *arg) {
    return db_copy_step(arg, cx, w->db.handle);
}

/* On the writer's thread too: the backup holds on to its connection. */
static int finish(Writer *w, Ctx *cx, void *arg) {
    UNUSED(w);
    return db_copy_finish(arg, cx);
}

static int copy_pages(SqliteStore *store, Ctx *cx, DbCopy *c) {
    int r = 0;
    while (r == 0 && !c->done) {
        r = writer_call_alone(&store->writer, cx, step, c);
        if (r == 0)
            r = ctx_check(cx);
    }
    if (c->backup) {
        Ctx quiet = *cx; /* the words of what failed first stay */
        int e = writer_call_alone(&store->writer, r ? &quiet : cx, finish, c);
        r = r ? r : e;
    }
    return r;
}

int sqlite_snapshot(CandleStore *store, Ctx *cx, SnapshotPiece *piece, void *arg) {
    SqliteStore *own = (SqliteStore *)store;
    DbCopy c;
    if (own->vfs)
        return err_set(cx, ERR_UNSUPPORTED, "a store on a virtual disk has no backup");
    int r = db_copy_open(&c, cx, own->path);
    if (r == 0)
        r = copy_pages(own, cx, &c);
    if (r == 0)
        r = db_copy_send(&c, cx, piece, arg);
    db_copy_close(&c);
    return r;
}
