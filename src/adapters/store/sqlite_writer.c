/* adapters/store/sqlite_writer.c - the one thread that writes, and its group commit.
 *
 * Jobs wait in a queue. The writer takes what is there, runs each in a savepoint of one transaction, keeps
 * taking while 2 ms and 1 MB last and more is waiting, commits, and only then answers. It never waits for a
 * fuller group: while it waits for the disk, the next group gathers by itself. A job that fails takes nothing
 * with it but its own savepoint; a commit that fails, fails every job of the group.
 *
 * The group is synchronous=FULL when its first jobs ask for durability; one that asks for it while a NORMAL
 * group runs begins the next group. */

#include "adapters/store/sqlite_store.h"

#include <sqlite3.h>

enum {
    GROUP_NS = 2 * 1000 * 1000,
    GROUP_BYTES = 1 << 20,
    CHECKPOINT_PAGES = 4096, /* of WAL: 16 MB */
    WAL_PAGES_MAX = 32768,   /* past this the writer waits for readers and cuts the WAL to nothing */
    BLOB_MAX = 64 << 20,
    CHANGES_KEPT = 1 << 20, /* rows of the change log; who is farther behind reads the series anew */
    CHANGES_PRUNED = 4096,  /* at a time */
};

/* --- series the writer knows --- */

_Static_assert(sizeof(SeriesKey) == 68, "a key without padding: its bytes are its identity");

static Str key_bytes(const SeriesKey *key) {
    return str_n((const char *)key, sizeof *key);
}

void writer_forget(Writer *w, const SeriesKey *key) {
    mem_free(map_del(&w->series, key_bytes(key)));
}

static void forget_all(Writer *w) {
    MapEntry e;
    for (size_t at = 0; map_next(&w->series, &at, &e);)
        mem_free(e.value);
    map_clear(&w->series);
}

static int load_tail_state(Writer *w, Ctx *cx, WriterSeries *s) {
    sqlite3_stmt *st;
    int r = db_query(&w->db, cx, SQL_TAIL_SUM, &st, "i", s->info.id);
    if (r == 0 && (r = db_step(&w->db, cx, st)) > 0) {
        s->tail_n = db_i64(st, 0);
        s->tail_last = time_ms(db_i64(st, 1));
        db_reset(st);
        r = 0;
    }
    s->tail_bucket = bucket_of(s->info.key.timeframe, s->tail_last);
    s->newest_bucket = bucket_of(s->info.key.timeframe, s->info.last);
    return r;
}

static int add_series(Writer *w, Ctx *cx, const SeriesKey *key) {
    char tf_text[TIMEFRAME_TEXT_MAX];
    return db_run(&w->db, cx, SQL_SERIES_ADD, "ssssii", venue_str(&key->venue), symbol_str(&key->symbol),
                  timeframe_text(key->timeframe, tf_text), venue_str(&key->provider), (int64_t)key->price,
                  (int64_t)key->adjustment);
}

int writer_series(Writer *w, Ctx *cx, const SeriesKey *key, bool create, WriterSeries **out) {
    *out = map_get(&w->series, key_bytes(key));
    if (*out)
        return 0;
    SeriesInfo info;
    int r = series_query(&w->db, cx, key, &info);
    if (r == STORE_NO_SERIES && create) {
        r = add_series(w, cx, key);
        if (r == 0)
            r = series_query(&w->db, cx, key, &info);
    }
    if (r)
        return r;
    WriterSeries *s = mem_new(WriterSeries);
    s->info = info;
    s->info.key = *key;
    r = load_tail_state(w, cx, s);
    if (r) {
        mem_free(s);
        return r;
    }
    map_put(&w->series, key_bytes(&s->info.key), s);
    *out = s;
    return 0;
}

int writer_log_change(Writer *w, Ctx *cx, WriterSeries *s, Time from, Time to) {
    s->info.revision++;
    int r = db_run(&w->db, cx, SQL_CHANGE_ADD, "iiiii", s->info.id, s->info.revision, from.ms, to.ms,
                   clock_wall(cx->clock).ms);
    int64_t sequence = sqlite3_last_insert_rowid(w->db.handle);
    if (r == 0 && sequence > CHANGES_KEPT && sequence % CHANGES_PRUNED == 0)
        r = db_run(&w->db, cx, SQL_CHANGE_PRUNE, "i", sequence - CHANGES_KEPT);
    return r;
}

/* --- blocks --- */

int writer_load_block(Writer *w, Ctx *cx, int64_t series_id, int64_t bucket, int64_t *bytes) {
    sqlite3_stmt *st;
    w->block.n = 0;
    *bytes = 0;
    int r = db_query(&w->db, cx, SQL_BLOCK_GET, &st, "ii", series_id, bucket);
    if (r || (r = db_step(&w->db, cx, st)) <= 0)
        return r;
    Str blob = db_text(st, 0);
    size_t n = block_rows(blob);
    candles_reserve_heap(&w->block, n);
    r = block_decode(w->codec, blob, &w->block);
    *bytes = (int64_t)blob.n;
    db_reset(st);
    return r ? block_damage(&w->db, cx, r, series_id, bucket) : 0;
}

int writer_put_block(Writer *w, Ctx *cx, const WriterSeries *s, int64_t bucket, const Candles *rows, Str blob) {
    if (rows->n > BLOCK_ROWS_MAX)
        return err_set(cx, ERR_LIMIT,
                       "%zu candles fall into the span of %d: the times do not fit the timeframe of the series",
                       rows->n, BLOCK_ROWS);
    if (blob.n == 0) {
        buf_clear(&w->blob);
        if (block_encode(w->codec, rows, 0, rows->n, &w->blob))
            return err_set(cx, ERR_LIMIT, "a block of %zu candles is too large", rows->n);
        blob = buf_str(&w->blob);
    }
    w->group_bytes += blob.n;
    return db_run(&w->db, cx, SQL_BLOCK_PUT, "iiiiiiib", s->info.id, bucket, (int64_t)rows->n, candles_synthetic(rows),
                  rows->open_ms[0], rows->open_ms[rows->n - 1], s->info.revision + 1, blob);
}

/* --- the group --- */

/* A durable save may find every row there already, from a group that was not synced: it must not be answered
 * from a page cache. So the first durable group behind such a one writes something, and its sync covers both. */
static int begin_group(Writer *w, Ctx *cx, bool durable) {
    int r = 0;
    if (durable != w->sync_full) {
        r = db_run(&w->db, cx, durable ? SQL_SYNC_FULL : SQL_SYNC_NORMAL, "");
        w->sync_full = durable;
    }
    w->group_bytes = 0;
    if (r == 0)
        r = db_run(&w->db, cx, SQL_BEGIN_WRITE, "");
    if (r == 0 && durable && w->unsynced)
        r = db_run(&w->db, cx, SQL_TOUCH, "");
    return r;
}

/* Undoes one job; the group goes on unless SQLite has already rolled all of it back. */
static void undo_job(Writer *w, Ctx *cx) {
    Ctx quiet = *cx;
    if (sqlite3_get_autocommit(w->db.handle))
        return;
    db_run(&w->db, &quiet, SQL_ROLLBACK_TO, "");
    db_run(&w->db, &quiet, SQL_RELEASE, "");
    forget_all(w); /* what the job changed in memory */
}

static int run_job(Writer *w, WriteJob *job) {
    Ctx *cx = job->cx;
    int r = ctx_check(cx);
    if (r == 0)
        r = db_run(&w->db, cx, SQL_SAVEPOINT, "");
    if (r)
        return r;
    r = job->run(w, cx, job->arg);
    if (r == 0)
        r = db_run(&w->db, cx, SQL_RELEASE, "");
    if (r)
        undo_job(w, cx);
    return r;
}

static void fail_job(WriteJob *job, int code, const Err *why) {
    if (job->result == 0) {
        job->result = code;
        job->cx->err = *why;
    }
}

/* All or none of those that went well: the answer is that of the commit. */
static void end_group(Writer *w, WriteJob **jobs, size_t n, Ctx *cx, bool durable) {
    bool lost = sqlite3_get_autocommit(w->db.handle);
    int r = lost ? err_set(cx, ERR_REPOSITORY, "%s: the whole group was rolled back; try again", w->db.path)
                 : db_run(&w->db, cx, SQL_COMMIT, "");
    if (r == 0) {
        w->unsynced = !durable;
        return;
    }
    Ctx quiet = *cx;
    if (!sqlite3_get_autocommit(w->db.handle))
        db_run(&w->db, &quiet, SQL_ROLLBACK, "");
    forget_all(w);
    for (size_t i = 0; i < n; i++)
        fail_job(jobs[i], r, &cx->err);
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages) {
    UNUSED(db);
    UNUSED(name);
    ((Writer *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

/* After the answers, so that no caller waits for it. A reader in its way only delays it. */
static void checkpoint(Writer *w) {
    if (w->wal_pages < CHECKPOINT_PAGES)
        return;
    int in_wal, moved;
    int mode = w->wal_pages > WAL_PAGES_MAX ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    if (sqlite3_wal_checkpoint_v2(w->db.handle, NULL, mode, &in_wal, &moved) == SQLITE_OK)
        w->wal_pages = in_wal - moved;
}

static void answer(Writer *w, WriteJob **jobs, size_t n) {
    if (!w->threaded)
        return;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < n; i++) {
        jobs[i]->done = true;
        pthread_cond_signal(&jobs[i]->answered);
    }
    pthread_mutex_unlock(&w->lock);
}

/* The next job that fits the group, or NULL. */
static WriteJob *take_job(Writer *w, bool durable_group, bool first) {
    pthread_mutex_lock(&w->lock);
    WriteJob *job = list_empty(&w->queue) ? NULL : LIST_ENTRY(w->queue.next, WriteJob, node);
    if (job && (first || (!job->alone && (durable_group || !job->durable))))
        list_remove(&job->node);
    else
        job = NULL;
    pthread_mutex_unlock(&w->lock);
    return job;
}

static bool any_durable(Writer *w) {
    bool durable = false;
    pthread_mutex_lock(&w->lock);
    LIST_FOR (node, &w->queue)
        durable |= LIST_ENTRY(node, WriteJob, node)->durable;
    pthread_mutex_unlock(&w->lock);
    return durable;
}

static void run_group(Writer *w) {
    enum { GROUP_JOBS = 1024 };
    WriteJob *jobs[GROUP_JOBS];
    size_t n = 0;
    bool durable = any_durable(w);
    Arena arena = { 0 };
    WriteJob *job = take_job(w, durable, true);
    if (!job)
        return;
    if (job->alone) {
        job->result = job->run(w, job->cx, job->arg); /* out of time or not: it may be the end of something */
        answer(w, &job, 1);
        return;
    }
    Ctx cx; /* of the group: outlives none of its jobs, has the deadline of none */
    ctx_init(&cx, &arena, job->cx->clock);
    MonoNs start = clock_mono(cx.clock);
    int r = begin_group(w, &cx, durable);
    while (job) {
        jobs[n++] = job;
        if (r)
            fail_job(job, r, &cx.err);
        else if (sqlite3_get_autocommit(w->db.handle))
            fail_job(job, err_set(&cx, ERR_REPOSITORY, "%s: the group was rolled back; try again", w->db.path),
                     &cx.err);
        else
            job->result = run_job(w, job);
        bool room = n < GROUP_JOBS && w->group_bytes < GROUP_BYTES && clock_mono(cx.clock).ns - start.ns < GROUP_NS;
        job = room && r == 0 ? take_job(w, durable, false) : NULL;
    }
    if (r == 0)
        end_group(w, jobs, n, &cx, durable);
    answer(w, jobs, n);
    checkpoint(w);
    arena_done(&arena);
}

static void *writer_main(void *arg) {
    Writer *w = arg;
    pthread_setname_np(pthread_self(), "store-writer");
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (list_empty(&w->queue) && !w->stop)
            pthread_cond_wait(&w->wake, &w->lock);
        if (list_empty(&w->queue))
            break;
        pthread_mutex_unlock(&w->lock);
        run_group(w);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int post_and_wait(Writer *w, WriteJob *job) {
    if (!w->threaded) {
        list_push_back(&w->queue, &job->node);
        run_group(w);
        return job->result;
    }
    pthread_cond_init(&job->answered, NULL);
    pthread_mutex_lock(&w->lock);
    list_push_back(&w->queue, &job->node);
    pthread_cond_signal(&w->wake);
    while (!job->done)
        pthread_cond_wait(&job->answered, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&job->answered);
    return job->result;
}

int writer_call(Writer *w, Ctx *cx, bool durable, int (*run)(Writer *w, Ctx *cx, void *arg), void *arg) {
    if (w->store->read_only)
        return err_set(cx, ERR_DENIED, "%s is opened read-only", w->store->path);
    return post_and_wait(w, &(WriteJob){ .run = run, .arg = arg, .cx = cx, .durable = durable });
}

int writer_call_alone(Writer *w, Ctx *cx, int (*run)(Writer *w, Ctx *cx, void *arg), void *arg) {
    return post_and_wait(w, &(WriteJob){ .run = run, .arg = arg, .cx = cx, .alone = true });
}

int writer_open(Writer *w, Ctx *cx, SqliteStore *s) {
    w->store = s;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    list_init(&w->queue);
    if (s->read_only)
        return 0;
    w->codec = block_codec_new();
    buf_init(&w->blob, BLOB_MAX);
    w->sync_full = true;
    sqlite3_wal_hook(w->db.handle, on_wal, w);
    w->threaded = !s->inline_writer;
    if (w->threaded && pthread_create(&w->thread, NULL, writer_main, w) != 0) {
        w->threaded = false;
        return err_set(cx, ERR_BUSY, "%s: no thread for the writer: the system has too many", s->path);
    }
    return 0;
}

void writer_close(Writer *w) {
    if (w->threaded) {
        pthread_mutex_lock(&w->lock);
        w->stop = true;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    forget_all(w);
    map_done(&w->series);
    if (w->db.handle && !w->store->read_only)
        sqlite3_wal_checkpoint_v2(w->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    db_close(&w->db);
    block_codec_free(w->codec);
    candles_done_heap(&w->block);
    candles_done_heap(&w->tail);
    candles_done_heap(&w->joined);
    candles_done_heap(&w->merged);
    buf_done(&w->blob);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}
