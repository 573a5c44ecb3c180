/* cli/spool.c - see spool.h. A batch is its number of rows, then column after column as they lie in memory. */

#include "cli/spool.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { COLUMNS = 8 };

typedef struct Column {
    void *p;
    size_t width;
} Column;

static void columns_of(const Candles *rows, Column out[static COLUMNS]) {
    out[0] = (Column){ rows->open_ms, sizeof *rows->open_ms };
    out[1] = (Column){ rows->open, sizeof *rows->open };
    out[2] = (Column){ rows->high, sizeof *rows->high };
    out[3] = (Column){ rows->low, sizeof *rows->low };
    out[4] = (Column){ rows->close, sizeof *rows->close };
    out[5] = (Column){ rows->volume, sizeof *rows->volume };
    out[6] = (Column){ rows->known_ms, sizeof *rows->known_ms };
    out[7] = (Column){ rows->flags, sizeof *rows->flags };
}

static int fail(const Spool *s, Ctx *cx, const char *what) {
    const char *where = str_fmt(cx->arena, "a temporary file in %s", s->dir).p;
    return file_fail(cx, errno ? errno : EIO, what, where);
}

/* Without a name from the start where the file system can do that, else removed as soon as it is open. */
static int open_unnamed(Ctx *cx, const char *dir) {
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    char *path = path_join(cx->arena, dir, "finsight-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

void spool_init(Spool *s, const char *dir) {
    *s = (Spool){ .dir = dir };
}

void spool_done(Spool *s) {
    if (s->file)
        fclose(s->file);
    *s = (Spool){ 0 };
}

int spool_put(Spool *s, Ctx *cx, const Candles *rows) {
    Column columns[COLUMNS];
    if (!s->file) {
        int fd = open_unnamed(cx, s->dir);
        s->file = fd >= 0 ? fdopen(fd, "w+b") : NULL;
        if (!s->file)
            return fail(s, cx, "create");
    }
    columns_of(rows, columns);
    bool ok = fwrite(&rows->n, sizeof rows->n, 1, s->file) == 1;
    for (size_t i = 0; ok && rows->n && i < COLUMNS; i++)
        ok = fwrite(columns[i].p, columns[i].width, rows->n, s->file) == rows->n;
    if (!ok)
        return fail(s, cx, "write");
    s->n_rows += (int64_t)rows->n;
    s->n_batches++;
    return 0;
}

int spool_rewind(Spool *s, Ctx *cx) {
    if (s->file && fseeko(s->file, 0, SEEK_SET) != 0) /* flushes, so it may find the disk full */
        return fail(s, cx, "write");
    return 0;
}

int spool_next(Spool *s, Ctx *cx, Candles *out) {
    Column columns[COLUMNS];
    size_t n = 0;
    if (s->n_batches == 0)
        return SPOOL_END;
    bool ok = fread(&n, sizeof n, 1, s->file) == 1;
    if (ok) {
        out->n = 0;
        candles_reserve_heap(out, n);
        columns_of(out, columns);
    }
    for (size_t i = 0; ok && n && i < COLUMNS; i++)
        ok = fread(columns[i].p, columns[i].width, n, s->file) == n;
    if (!ok)
        return fail(s, cx, "read");
    out->n = n;
    s->n_batches--;
    return 0;
}
