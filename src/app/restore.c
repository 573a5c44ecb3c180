/* app/restore.c - a backup back into a folder, or only checked. No server is asked: restoring is for the day it is gone. */

#include "app/app.h"

#include "adapters/object/dir.h"
#include "adapters/store/sqlite.h"
#include "base/file.h"
#include "cli/term.h"
#include "services/storage/backup.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

typedef struct RestoreIn {
    Str id, to, from;
    bool check;
} RestoreIn;

/* clang-format off */
static const Field restore_f[] = {
    FIELD(RestoreIn, id, .doc = "Which backup. Left out: the newest.", .example = "20240301T120000Z"),
    FIELD(RestoreIn, to, .doc = "Data folder to restore into. It must not hold a store yet.", .example = "/srv/finsight-restored"),
    FIELD(RestoreIn, from, .doc = "Folder of the backups. Left out: backup.dir."),
    FIELD(RestoreIn, check, .doc = "Only read the backup and check every sum."),
};
static SHAPE(restore_shape, RestoreIn, restore_f);
/* clang-format on */

typedef struct Target {
    FILE *f; /* NULL: only checking */
    const char *path;
    int64_t bytes;
    Progress bar;
} Target;

static int write_piece(void *arg, Ctx *cx, Str bytes) {
    Target *t = arg;
    if (t->f && fwrite(bytes.p, 1, bytes.n, t->f) != bytes.n)
        return file_fail(cx, errno, "write", t->path);
    t->bytes += (int64_t)bytes.n;
    progress_update(&t->bar, 0, 0, t->bytes / 1000000);
    return 0;
}

static int finish_file(Ctx *cx, Target *t, const char *path, int r) {
    if (r == 0 && (fflush(t->f) != 0 || fsync(fileno(t->f)) != 0))
        r = file_fail(cx, errno, "write", t->path);
    if (fclose(t->f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", t->path);
    if (r == 0 && rename(t->path, path) != 0)
        r = file_fail(cx, errno, "rename", t->path);
    if (r == 0)
        r = dir_sync(cx, path_dir(cx->arena, path));
    if (r != 0)
        unlink(t->path);
    return r;
}

static int restore_file(Ctx *cx, ObjectStore *backups, Str id, Target *t, const char *dir, Backup *out) {
    const char *path = path_join(cx->arena, dir, "market.db");
    if (file_exists(path))
        return err_set(cx, ERR_CONFLICT, "%s is there already: a backup is restored beside it, never over it", path);
    int r = dir_make(cx, dir);
    if (r)
        return r;
    t->path = path_join(cx->arena, dir, "market.db.part");
    t->f = fopen(t->path, "wb");
    if (!t->f)
        return file_fail(cx, errno, "create", t->path);
    return finish_file(cx, t, path, backup_restore(cx, backups, id, write_piece, t, out));
}

/* What was restored opens, and every block in it has the right sum. */
static int verify_store(Ctx *cx, const char *dir) {
    CLEANUP(candle_store_closep) CandleStore *store = NULL;
    StoreSqliteOptions o = { .path = path_join(cx->arena, dir, "market.db") };
    int r = store_sqlite_open(cx, &o, &store);
    return r ? r : candle_store_verify(store, cx);
}

static int run_restore(Cli *c, const void *in_) {
    const RestoreIn *in = in_;
    App *app = (App *)c;
    Ctx *cx = c->cx;
    CLEANUP(object_store_closep) ObjectStore *backups = NULL;
    const char *dir = str_cz(cx->arena, in->to);
    const char *from = in->from.n ? str_cz(cx->arena, in->from) : platform_backup_dir(cx->arena, &app->cfg);
    Target t = { 0 };
    Backup b = { 0 };
    int r = in->check != (in->to.n > 0)
                ? 0
                : err_set(cx, ERR_USAGE, "say where to restore with --to, or only look with --check");
    if (r == 0 && !dir_exists(from))
        r = err_set(cx, ERR_NOT_FOUND, "there is no folder %s of backups; name it with --from", from);
    if (r == 0)
        r = object_dir_open(cx, from, &backups);
    progress_init(&t.bar, c, in->check ? "checking" : "restoring", "MB");
    if (r == 0)
        r = in->check ? backup_restore(cx, backups, in->id, write_piece, &t, &b)
                      : restore_file(cx, backups, in->id, &t, dir, &b);
    progress_end(&t.bar);
    if (r == BACKUP_NONE)
        r = err_set(cx, ERR_NOT_FOUND, "there is no such backup in %s; finsight backup --list shows those there are",
                    from);
    if (r == 0 && !in->check)
        r = verify_store(cx, dir);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        fprintf(c->out, "{\"id\":\"" STR_FMT "\",\"bytes\":%lld,\"candles\":%lld,\"verified\":true}\n", STR_ARG(b.id),
                (long long)b.bytes, (long long)b.candles);
    else
        fprintf(c->out, "backup " STR_FMT " %s%s: " STR_FMT ", all sums right\n", STR_ARG(b.id),
                in->check ? "is whole" : "restored to ", in->check ? "" : dir, STR_ARG(term_bytes(cx->arena, b.bytes)));
    return 0;
}

const Command cmd_restore = {
    .name = "restore",
    .group = "Platform",
    .summary = "Restore a backup into an empty folder, or check it",
    .run = run_restore,
    .help = "Each block's sum is checked before it is written, the store's own afterwards. Then start a server there: "
            "finsight serve --data-dir DIR.",
    .examples = "finsight restore --to /srv/restored\nfinsight restore 20240301T120000Z --to /srv/restored --from "
                "/mnt/backups\n"
                "finsight restore --check",
    .flags = &restore_shape,
    .positional = (const char *const[]){ "id", NULL },
};
