/* app/restore.c - a backup back into a folder, or only checked. No server is asked: restoring is for the day it is gone. */

#include "app/app.h"

#include "adapters/article/sqlite.h"
#include "adapters/backtest/sqlite.h"
#include "adapters/bus/log.h"
#include "adapters/jobs/sqlite.h"
#include "adapters/object/dir.h"
#include "adapters/registry/sqlite.h"
#include "adapters/store/sqlite.h"
#include "base/file.h"
#include "cli/term.h"
#include "services/models/registry.h"
#include "services/storage/backup.h"

#include <dirent.h>
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
    FIELD(RestoreIn, to, .doc = "Data folder to restore into. It must not hold any of what is restored.", .example = "/srv/finsight-restored"),
    FIELD(RestoreIn, from, .doc = "Folder of the backups. Left out: backup.dir."),
    FIELD(RestoreIn, check, .doc = "Only read the backup and check every sum."),
};
static SHAPE(restore_shape, RestoreIn, restore_f);
/* clang-format on */

/* Parts are written to a folder inside of the target, checked there, and moved out only when all of them are whole and
 * synced; while that folder is there no server starts on the target. A restore that was killed before the move is begun
 * anew by the next one, a killed move is gone on with. */
typedef struct Target {
    const char *dir, *stage; /* dir NULL: only checking */
    FILE *f;                 /* the file at work, … */
    const char *path;
    ObjectStore *objects; /* … or the object, */
    Str folder;           /* of objects: one after the other */
    ObjectWriter *writer;
    int64_t bytes, n_objects;
    int64_t versions, unfit; /* of models; those whose weights are not the registered ones */
    const char *first_unfit;
    Progress bar;
} Target;

#define PLACING "placing" /* in the stage: all is whole, the move has begun; the backup's id is in it */

static int open_folder(Target *t, Ctx *cx, Str folder) {
    if (t->objects && str_eq(t->folder, folder))
        return 0;
    object_store_close(TAKE(t->objects));
    t->folder = folder;
    return object_dir_open(cx, t->path, &t->objects);
}

static int begin_part(void *arg, Ctx *cx, const BackupPart *part) {
    Target *t = arg;
    if (!t->dir)
        return 0;
    const char *name = str_cz(cx->arena, part->folder.n ? part->folder : part->name);
    const char *final = path_join(cx->arena, t->dir, name);
    if (file_exists(final) || dir_exists(final))
        return err_set(cx, ERR_CONFLICT, "%s is there already: a backup is restored beside it, never over it", final);
    t->path = path_join(cx->arena, t->stage, name);
    if (part->folder.n) {
        ObjectPut put = {
            .key = part->name, .content_type = part->content_type, .labels = part->labels, .n_labels = part->n_labels
        };
        int r = open_folder(t, cx, part->folder);
        return r ? r : object_put_begin(t->objects, cx, &put, &t->writer);
    }
    t->f = fopen(t->path, "wb");
    return t->f ? 0 : file_fail(cx, errno, "create", t->path);
}

static int put_part(void *arg, Ctx *cx, Str bytes) {
    Target *t = arg;
    t->bytes += (int64_t)bytes.n;
    progress_update(&t->bar, 0, 0, t->bytes / 1000000);
    if (t->writer)
        return object_put_data(t->writer, cx, bytes);
    if (t->f && fwrite(bytes.p, 1, bytes.n, t->f) != bytes.n)
        return file_fail(cx, errno, "write", t->path);
    return 0;
}

static int end_part(void *arg, Ctx *cx, const BackupPart *part) {
    Target *t = arg;
    t->n_objects += part->folder.n > 0;
    if (t->writer)
        return object_put_end(TAKE(t->writer), cx, NULL);
    if (!t->f)
        return 0;
    FILE *f = TAKE(t->f);
    int r = fflush(f) != 0 || fsync(fileno(f)) != 0 ? file_fail(cx, errno, "write", t->path) : 0;
    if (fclose(f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", t->path);
    return r;
}

/* --- is what was restored fit for use? --- */

static int verify_version(Target *t, Ctx *cx, Models *m, const MlVersion *v) {
    ModelVersion version;
    ModelWeights weights;
    ArenaMark mark = arena_mark(cx->arena);
    int r = models_version(m, cx, v->name, v->version, &version);
    if (r == 0 && version.sha256.n == 0) /* a client of MLflow registered it: nobody knows a hash */
        return 0;
    if (r == 0)
        r = models_load(m, cx, &version, &weights);
    arena_rewind(cx->arena, mark);
    t->versions++;
    if (r != ERR_CORRUPT && r != ERR_NOT_FOUND)
        return r;
    if (t->unfit++ == 0) /* it was so when it was backed up: no reason to have nothing back */
        t->first_unfit =
            str_cz(cx->arena, str_fmt(cx->arena, STR_FMT "/" STR_FMT, STR_ARG(v->name), STR_ARG(v->version)));
    err_clear(cx);
    return 0;
}

/* Every version's weights are there and have the hash under which they were registered. */
static int verify_models(Target *t, Ctx *cx, const char *dir) {
    CLEANUP(object_store_closep) ObjectStore *files = NULL;
    CLEANUP(model_registry_closep) ModelRegistry *registry = NULL;
    CLEANUP(models_freep) Models *m = NULL;
    IdsSeeded ids; /* nothing is made */
    const char *path = path_join(cx->arena, dir, "models.db");
    if (!file_exists(path))
        return 0;
    ids_seeded_init(&ids, 0);
    int r = object_dir_open(cx, path_join(cx->arena, dir, "models"), &files);
    if (r == 0)
        r = registry_sqlite_open(cx, &(RegistrySqliteOptions){ .path = path, .files = files, .ids = &ids.ids },
                                 &registry);
    if (r)
        return r;
    m = models_new(&(ModelsOptions){ .registry = registry });
    MlSearch q = { .limit = ML_PAGE_MAX };
    do {
        MlVersion *v;
        size_t n;
        r = ml_versions(registry, cx, &q, &v, &n, &q.page_token);
        for (size_t i = 0; r == 0 && i < n; i++)
            r = verify_version(t, cx, m, &v[i]);
    } while (r == 0 && q.page_token.n);
    return r;
}

/* What was restored opens, and every block in it has the right sum. */
static int verify_stage(Target *t, Ctx *cx, const char *dir) {
    CLEANUP(candle_store_closep) CandleStore *store = NULL;
    CLEANUP(backtest_store_closep) BacktestStore *backtests = NULL;
    CLEANUP(article_store_closep) ArticleStore *articles = NULL;
    CLEANUP(event_bus_closep) EventBus *bus = NULL;
    static const char *const job_stores[] = { "control.db", "training.db" };
    const char *kept = path_join(cx->arena, dir, "backtest.db"), *news = path_join(cx->arena, dir, "news.db");
    const char *events = path_join(cx->arena, dir, "bus.db");
    int r = store_sqlite_open(cx, &(StoreSqliteOptions){ .path = path_join(cx->arena, dir, "market.db") }, &store);
    if (r == 0)
        r = candle_store_verify(store, cx);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(job_stores); i++) { /* opening reads the schema */
        CLEANUP(job_store_closep) JobStore *jobs = NULL;
        const char *path = path_join(cx->arena, dir, job_stores[i]);
        if (file_exists(path))
            r = job_store_sqlite_open(cx, &(JobStoreOptions){ .path = path }, &jobs);
    }
    if (r == 0 && file_exists(kept))
        r = backtest_sqlite_open(cx, &(BacktestSqliteOptions){ .path = kept }, &backtests);
    if (r == 0 && file_exists(news))
        r = article_sqlite_open(cx, &(ArticleSqliteOptions){ .path = news }, &articles);
    if (r == 0 && articles)
        r = article_store_verify(articles, cx);
    if (r == 0 && file_exists(events))
        r = event_log_open(cx, &(EventLogOptions){ .path = events }, &bus);
    return r ? r : verify_models(t, cx, dir);
}

/* --- the move --- */

static int place_one(Ctx *cx, const char *stage, const char *dir, const char *name) {
    const char *from = path_join(cx->arena, stage, name), *to = path_join(cx->arena, dir, name);
    if (str_ends(str_c(name), S(".lock"))) /* of the check */
        return file_remove(cx, from);
    return rename(from, to) == 0 ? 0 : file_fail(cx, errno, "move into place", from);
}

/* May be done again after a kill at any of its steps. */
static int place_all(Ctx *cx, const char *stage, const char *dir) {
    DIR *d = opendir(stage);
    int r = d ? 0 : file_fail(cx, errno, "read", stage);
    for (struct dirent *e; r == 0 && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, PLACING) != 0)
            r = place_one(cx, stage, dir, e->d_name);
    if (d)
        closedir(d);
    if (r == 0)
        r = dir_sync(cx, dir);
    return r ? r : dir_remove_all(cx, stage);
}

/* A move that was cut short has nothing left to read from the backup: 1 when it was gone on with. */
static int go_on(Ctx *cx, const Target *t, Str *id) {
    enum { ID_MAX = 200 };
    const char *marker = path_join(cx->arena, t->stage, PLACING);
    Str had;
    if (!file_exists(marker))
        return dir_remove_all(cx, t->stage);
    int r = file_read(cx, marker, ID_MAX, &had);
    had = r == 0 ? str_trim(had) : had;
    if (r == 0 && id->n && !str_eq(*id, had))
        r = err_set(cx, ERR_CONFLICT,
                    "%s: a restore of backup " STR_FMT " was cut short here; restore that one, or take another folder",
                    t->dir, STR_ARG(had));
    *id = had;
    if (r == 0)
        r = place_all(cx, t->stage, t->dir);
    return r ? r : 1;
}

static int restore_folder(Ctx *cx, ObjectStore *backups, Str id, const BackupSink *sink, Target *t, Backup *out) {
    int r = dir_make(cx, t->stage);
    if (r == 0)
        r = backup_restore(cx, backups, id, sink, out);
    object_put_abort(TAKE(t->writer));
    object_store_close(TAKE(t->objects));
    if (t->f)
        fclose(TAKE(t->f));
    if (r == 0)
        r = verify_stage(t, cx, t->stage);
    if (r == 0)
        r = file_write(cx, path_join(cx->arena, t->stage, PLACING), out->id, 0644);
    if (r != 0) { /* nothing was moved yet */
        Ctx quiet = *cx;
        dir_remove_all(&quiet, t->stage);
        return r;
    }
    return place_all(cx, t->stage, t->dir);
}

static int restore_into(Ctx *cx, ObjectStore *backups, Str id, Target *t, Backup *out) {
    BackupSink sink = { begin_part, put_part, end_part, t };
    if (!t->dir)
        return backup_restore(cx, backups, id, &sink, out);
    t->stage = path_join(cx->arena, t->dir, RESTORE_STAGE);
    int r = dir_make(cx, t->dir);
    if (r == 0 && dir_exists(t->stage))
        r = go_on(cx, t, &id);
    if (r == 1) /* what it was: the manifest tells */
        return backup_restore(cx, backups, id, NULL, out);
    return r ? r : restore_folder(cx, backups, id, &sink, t, out);
}

static void say_restored(Cli *c, const Backup *b, const Target *t) {
    const char *dir = t->dir;
    fprintf(c->out, "backup " STR_FMT " %s%s: ", STR_ARG(b->id), dir ? "restored to " : "is whole", dir ? dir : "");
    for (size_t i = 0; i < b->n_parts; i++)
        if (!b->parts[i].folder.n)
            fprintf(c->out, STR_FMT ", ", STR_ARG(b->parts[i].name));
    if (t->n_objects)
        fprintf(c->out, STR_FMT " objects of datasets and models, ", STR_ARG(term_count(c->cx->arena, t->n_objects)));
    fprintf(c->out, STR_FMT ", all sums right\n", STR_ARG(term_bytes(c->cx->arena, b->bytes)));
    if (t->unfit)
        fprintf(c->out,
                "%lld version%s of models (the first: %s) had no weights, or not the registered ones, when this was "
                "backed up: register again\n",
                (long long)t->unfit, t->unfit == 1 ? "" : "s", t->first_unfit);
    else if (t->versions)
        fprintf(c->out, "%lld version%s of models with the weights that were registered\n", (long long)t->versions,
                t->versions == 1 ? "" : "s");
    if (dir)
        fprintf(c->out, "not in a backup: admin.key (a server makes a new one), the configuration, plug-ins\n");
}

static int run_restore(Cli *c, const void *in_) {
    const RestoreIn *in = in_;
    App *app = (App *)c;
    Ctx *cx = c->cx;
    CLEANUP(object_store_closep) ObjectStore *backups = NULL;
    const char *dir = str_cz(cx->arena, in->to);
    const char *from = in->from.n ? str_cz(cx->arena, in->from) : platform_backup_dir(cx->arena, &app->cfg);
    Target t = { .dir = in->check ? NULL : dir };
    Backup b = { 0 };
    int r = in->check != (in->to.n > 0)
                ? 0
                : err_set(cx, ERR_USAGE, "say where to restore with --to, or only look with --check");
    if (r == 0 && !dir_exists(from))
        r = err_set(cx, ERR_NOT_FOUND, "there is no folder %s of backups; name it with --from", from);
    if (r == 0)
        r = app_seal(app, cx); /* what was backed up sealed is looked at sealed */
    if (r == 0)
        r = object_dir_open(cx, from, &backups);
    progress_init(&t.bar, c, in->check ? "checking" : "restoring", "MB");
    if (r == 0)
        r = restore_into(cx, backups, in->id, &t, &b);
    if (r == 0 && !in->check)
        r = app_seal_copy(app, cx, dir);
    progress_end(&t.bar);
    if (r == BACKUP_NONE)
        r = err_set(cx, ERR_NOT_FOUND, "there is no such backup in %s; finsight backup --list shows those there are",
                    from);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        fprintf(c->out, "{\"id\":\"" STR_FMT "\",\"bytes\":%lld,\"candles\":%lld,\"objects\":%lld,\"verified\":true}\n",
                STR_ARG(b.id), (long long)b.bytes, (long long)b.candles, (long long)t.n_objects);
    else
        say_restored(c, &b, &t);
    return 0;
}

const Command cmd_restore = {
    .name = "restore",
    .group = "Platform",
    .summary = "Restore a backup into an empty folder, or check it",
    .run = run_restore,
    .help = "Brings back candles, jobs, backtests, datasets and models. Each block's sum is checked before it is "
            "written, the "
            "store's "
            "own afterwards; then all of it is moved into place. A restore that was killed is run again. Then start a "
            "server there: finsight serve --data-dir DIR. It makes a new admin.key.",
    .examples = "finsight restore --to /srv/restored\nfinsight restore 20240301T120000Z --to /srv/restored --from "
                "/mnt/backups\n"
                "finsight restore --check",
    .flags = &restore_shape,
    .positional = (const char *const[]){ "id", NULL },
};
