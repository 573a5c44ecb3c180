/* adapters/article/readers.c - connections that read beside the one that writes. A call borrows one for one transaction,
 * so that no old snapshot keeps the WAL from being reset. They never checkpoint: the owner alone does. */

#include "adapters/article/internal.h"

#include <sqlite3.h>
#include <time.h>

void article_readers_init(ArticleSqlite *s) {
    pthread_mutex_init(&s->readers_lock, NULL);
    pthread_cond_init(&s->readers_freed, NULL);
    list_init(&s->readers_idle);
}

void article_readers_done(ArticleSqlite *s) {
    ListNode *node;
    while ((node = list_pop_front(&s->readers_idle))) {
        ArticleReader *r = LIST_ENTRY(node, ArticleReader, idle);
        db_close(&r->db);
        mem_free(r);
        s->readers_open--;
    }
    assert(s->readers_open == 0); /* no call may be running when the store closes */
    pthread_cond_destroy(&s->readers_freed);
    pthread_mutex_destroy(&s->readers_lock);
}

static int open_reader(ArticleSqlite *s, Ctx *cx, ArticleReader **out) {
    ArticleReader *r = mem_new(ArticleReader);
    DbOptions o = { .path = s->owner.path, .table = article_sql, .reader = true };
    int e = db_open(&r->db, cx, &o);
    if (e == 0)
        e = fts_register(&r->db, cx, &r->fts);
    if (e == 0) /* the lists of words are read again and again: more of them than a store of blobs wants */
        e = db_exec(&r->db, cx, "PRAGMA cache_size=-8192");
    if (e) {
        db_close(&r->db);
        mem_free(r);
        return e;
    }
    *out = r;
    return 0;
}

/* Waits in slices, so that a deadline or a cancel is seen. */
static void wait_a_little(ArticleSqlite *s) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5 * NS_PER_MS;
    if (until.tv_nsec >= NS_PER_SECOND) {
        until.tv_nsec -= NS_PER_SECOND;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&s->readers_freed, &s->readers_lock, &until);
}

static int borrow(ArticleSqlite *s, Ctx *cx, ArticleReader **out) {
    int r = 0;
    pthread_mutex_lock(&s->readers_lock);
    while (list_empty(&s->readers_idle) && s->readers_open == READERS_MAX && (r = ctx_check(cx)) == 0)
        wait_a_little(s);
    ListNode *node = r ? NULL : list_pop_front(&s->readers_idle);
    s->readers_open += r == 0 && !node;
    pthread_mutex_unlock(&s->readers_lock);
    if (r)
        return r;
    if (node) {
        *out = LIST_ENTRY(node, ArticleReader, idle);
        return 0;
    }
    r = open_reader(s, cx, out);
    if (r) {
        pthread_mutex_lock(&s->readers_lock);
        s->readers_open--;
        pthread_mutex_unlock(&s->readers_lock);
    }
    return r;
}

static void give_back(ArticleSqlite *s, ArticleReader *r) {
    pthread_mutex_lock(&s->readers_lock);
    list_push_front(&s->readers_idle, &r->idle); /* the warmest one is taken next */
    pthread_cond_signal(&s->readers_freed);
    pthread_mutex_unlock(&s->readers_lock);
}

typedef struct OwnRead {
    ArticleSqlite *s;
    ArticleRead *fn;
    void *arg;
} OwnRead;

static int own_read(Db *db, Ctx *cx, void *arg) {
    OwnRead *o = arg;
    return o->fn(o->s, db, &o->s->fts, cx, o->arg);
}

static int nothing(Db *db, Ctx *cx, void *arg) {
    UNUSED(db);
    UNUSED(cx);
    UNUSED(arg);
    return 0;
}

int article_read(ArticleSqlite *s, Ctx *cx, ArticleRead *fn, void *arg) {
    if (!s->owner.options.path || s->owner.options.vfs)
        return db_owner_read(&s->owner, cx, own_read, &(OwnRead){ s, fn, arg });
    ArticleReader *r;
    int e = atomic_load(&s->opened) ? 0 : db_owner_read(&s->owner, cx, nothing, NULL); /* a lazy one opens */
    atomic_store(&s->opened, e == 0);
    if (e == 0)
        e = borrow(s, cx, &r);
    if (e)
        return e;
    r->db.cx = cx;
    e = db_run(&r->db, cx, SQL_BEGIN, "");
    if (e == 0) {
        e = fn(s, &r->db, &r->fts, cx, arg);
        Ctx quiet = *cx; /* the end of a read cannot lose anything; the words are those of fn */
        r->db.cx = NULL;
        if (db_run(&r->db, &quiet, SQL_COMMIT, ""))
            db_run(&r->db, &quiet, SQL_ROLLBACK, "");
    }
    r->db.cx = NULL;
    give_back(s, r);
    return e;
}

/* --- the table in memory --- */

static int load_docs(Db *db, Ctx *cx, void *arg) {
    ArticleSqlite *s = arg;
    sqlite3_stmt *st;
    if (atomic_load(&s->docs_loaded))
        return 0;
    int r = db_query(db, cx, SQL_DOCS, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        Doc d = { db_i64(st, 1), (unsigned)db_i64(st, 2), (unsigned)db_i64(st, 3) };
        r = docs_set(&s->docs, db_i64(st, 0), &d)
                ? 0
                : err_set(cx, ERR_LIMIT, "%s has more articles than a store may have", db->path);
        if (r)
            db_reset(st);
    }
    if (r == 0)
        atomic_store(&s->docs_loaded, true);
    return r;
}

/* By the owner's connection: no put comes between reading the table and keeping it up. */
int article_docs_ready(ArticleSqlite *s, Ctx *cx) {
    return atomic_load(&s->docs_loaded) ? 0 : db_owner_read(&s->owner, cx, load_docs, s);
}
