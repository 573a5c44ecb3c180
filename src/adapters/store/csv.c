/* adapters/store/csv.c - see csv.h. The store is the memory store; this is its journal of files. */

#include "adapters/store/csv.h"

#include "adapters/store/csv_files.h"
#include "adapters/store/memory.h"
#include "adapters/store/merge.h"
#include "base/file.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct CsvStore {
    const RowFiles *files;
    char *dir;
    int lock_fd, changes_fd;
    VEC(SeriesInfo) series; /* what series.csv says */
    Buf text;
} CsvStore;

static int write_text(CsvStore *s, Ctx *cx, const char *path) {
    if (!buf_ok(&s->text))
        return err_set(cx, ERR_LIMIT, "%s would pass %d bytes: use the sqlite store for this much", path, CSV_FILE_MAX);
    return file_write(cx, path, buf_str(&s->text), 0644);
}

/* The change is known before the data: a revision may run ahead of its file, never behind. A line that cannot be
 * written whole is taken back. */
static int append_change(CsvStore *s, Ctx *cx, const SeriesChange *c) {
    buf_clear(&s->text);
    csv_put_change(&s->text, c);
    off_t end = lseek(s->changes_fd, 0, SEEK_END);
    ssize_t n = write(s->changes_fd, s->text.p, s->text.n);
    if (n == (ssize_t)s->text.n && fsync(s->changes_fd) == 0)
        return 0;
    int why = n < 0 ? errno : n < (ssize_t)s->text.n ? ENOSPC : errno;
    if (end < 0 || ftruncate(s->changes_fd, end) != 0)
        return err_set(cx, ERR_IO, "%s/changes.csv: a line was cut short and cannot be taken back", s->dir);
    return file_fail(cx, why, "append to", csv_store_path(cx->arena, s->dir, "changes.csv"));
}

static size_t series_place(const CsvStore *s, const SeriesInfo *info) {
    size_t i = 0;
    while (i < s->series.n && s->series.v[i].id != info->id)
        i++;
    return i;
}

static int write_index(CsvStore *s, Ctx *cx, const MemoryCommit *c) {
    size_t at = series_place(s, c->info), had = s->series.n;
    SeriesInfo old = at < had ? s->series.v[at] : *c->info;
    if (c->dropped) {
        assert(at < had);
        s->series.v[at] = s->series.v[--s->series.n];
    } else if (at < had) {
        s->series.v[at] = *c->info;
    } else {
        vec_push(&s->series, *c->info);
    }
    buf_clear(&s->text);
    csv_put_series(&s->text, cx->arena, s->series.v, s->series.n);
    int r = write_text(s, cx, csv_store_path(cx->arena, s->dir, "series.csv"));
    if (r) { /* as it was */
        if (c->dropped)
            s->series.v[s->series.n++] = s->series.v[at];
        s->series.n = had;
        if (at < had)
            s->series.v[at] = old;
    }
    return r;
}

static int write_series(CsvStore *s, Ctx *cx, const MemoryCommit *c) {
    const char *path = s->files->path(cx->arena, s->dir, &c->info->key, s->files->suffix);
    int r = dir_make(cx, path_dir(cx->arena, path));
    if (r)
        return r;
    buf_clear(&s->text);
    s->files->put(&s->text, &c->info->key, c->rows);
    return write_text(s, cx, path);
}

static int write_coverage(CsvStore *s, Ctx *cx, const MemoryCommit *c) {
    const char *path = s->files->path(cx->arena, s->dir, &c->info->key, ".coverage.csv");
    if (c->n_cover == 0)
        return file_remove(cx, path);
    buf_clear(&s->text);
    csv_put_coverage(&s->text, c->cover, c->n_cover);
    return write_text(s, cx, path);
}

static int remove_series(CsvStore *s, Ctx *cx, const SeriesKey *key) {
    int r = file_remove(cx, s->files->path(cx->arena, s->dir, key, s->files->suffix));
    return r ? r : file_remove(cx, s->files->path(cx->arena, s->dir, key, ".coverage.csv"));
}

static int on_commit(void *arg, Ctx *cx, const MemoryCommit *c) {
    CsvStore *s = arg;
    bool is_new = series_place(s, c->info) == s->series.n;
    int r = c->change ? append_change(s, cx, c->change) : 0;
    if (r == 0 && (c->change || is_new))
        r = write_index(s, cx, c);
    if (r == 0 && c->dropped)
        return remove_series(s, cx, &c->info->key);
    if (r == 0 && (c->change || is_new))
        r = write_series(s, cx, c);
    return r ? r : write_coverage(s, cx, c);
}

static int on_listings(void *arg, Ctx *cx, const Listing *v, size_t n) {
    CsvStore *s = arg;
    buf_clear(&s->text);
    csv_put_listings(&s->text, v, n);
    return write_text(s, cx, csv_store_path(cx->arena, s->dir, "listings.csv"));
}

static void on_close(void *arg) {
    CsvStore *s = arg;
    if (s->changes_fd >= 0)
        close(s->changes_fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    vec_done(&s->series);
    buf_done(&s->text);
    mem_free(s->dir);
    mem_free(s);
}

static int take_ownership(CsvStore *s, Ctx *cx) {
    const char *path = csv_store_path(cx->arena, s->dir, ".lock");
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->lock_fd < 0)
        return file_fail(cx, errno, "open", path);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(cx, ERR_CONFLICT, "%s is in use by another process: stop it, or name another directory", s->dir);
    return 0;
}

/* Opens changes.csv for appending; a last line without its end was never answered and goes. */
static int open_changes(CsvStore *s, Ctx *cx) {
    const char *path = csv_store_path(cx->arena, s->dir, "changes.csv");
    Str text = { 0 };
    int r = 0;
    if (!file_exists(path))
        r = file_write(cx, path, str_c(CSV_CHANGES_HEADER), 0644);
    if (r == 0)
        r = file_read(cx, path, CSV_FILE_MAX, &text);
    if (r)
        return r;
    size_t whole = text.n;
    while (whole > 0 && text.p[whole - 1] != '\n')
        whole--;
    s->changes_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (s->changes_fd < 0 || (whole < text.n && ftruncate(s->changes_fd, (off_t)whole) != 0))
        return file_fail(cx, errno, "open", path);
    return 0;
}

static int load(CsvStore *s, Ctx *cx, CandleStore *memory) {
    SeriesInfo *v;
    size_t n;
    int r = take_ownership(s, cx);
    if (r == 0)
        r = open_changes(s, cx);
    if (r == 0)
        r = csv_load(cx, s->dir, s->files, memory);
    if (r == 0)
        r = memory->ops->list(memory, cx, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        vec_push(&s->series, v[i]);
    return r;
}

int store_csv_open(Ctx *cx, const char *dir, CandleStore **out) {
    return store_files_open(cx, dir, &csv_row_files, out);
}

int store_files_open(Ctx *cx, const char *dir, const RowFiles *files, CandleStore **out) {
    if (!dir_exists(dir))
        return err_set(cx, ERR_NOT_FOUND, "the directory %s of the %s store does not exist: create it", dir,
                       files->store);
    CsvStore *s = mem_new(CsvStore);
    s->dir = memcpy(mem_alloc(strlen(dir) + 1), dir, strlen(dir) + 1);
    s->files = files;
    s->lock_fd = s->changes_fd = -1;
    buf_init(&s->text, CSV_FILE_MAX);
    MemoryJournal journal = { .name = files->store,
                              .location = str_c(s->dir),
                              .commit = on_commit,
                              .listings = on_listings,
                              .close = on_close,
                              .arg = s };
    CandleStore *store = store_memory_journaled(&journal);
    int r = load(s, cx, store);
    if (r) {
        candle_store_close(store);
        return r;
    }
    *out = store;
    return 0;
}
