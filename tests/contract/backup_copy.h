#pragma once

/* A backup restored into a folder: databases as files, datasets below objects/, files of models below models/. */

#include "adapters/object/dir.h"
#include "base/buf.h"
#include "base/file.h"
#include "lib/test.h"
#include "services/storage/backup.h"

typedef struct Copy {
    const char *dir;
    ObjectStore *objects, *models;
    ObjectWriter *writer;
    const char *path;
    Buf file;
    int n_objects, n_models, n_files;
} Copy;

static inline int copy_begin(void *arg, Ctx *cx, const BackupPart *part) {
    Copy *c = arg;
    ObjectPut put = {
        .key = part->name, .content_type = part->content_type, .labels = part->labels, .n_labels = part->n_labels
    };
    buf_clear(&c->file);
    bool model = str_eq(part->folder, S("models"));
    c->n_objects += part->folder.n > 0 && !model;
    c->n_models += model;
    c->n_files += part->folder.n == 0;
    c->path = part->folder.n ? NULL : path_join(cx->arena, c->dir, str_cz(cx->arena, part->name));
    if (part->folder.n == 0)
        return 0;
    return object_put_begin(model ? c->models : c->objects, cx, &put, &c->writer);
}

static inline int copy_data(void *arg, Ctx *cx, Str bytes) {
    Copy *c = arg;
    return c->writer ? object_put_data(c->writer, cx, bytes) : buf_put_str(&c->file, bytes);
}

static inline int copy_end(void *arg, Ctx *cx, const BackupPart *part) {
    Copy *c = arg;
    UNUSED(part);
    return c->writer ? object_put_end(TAKE(c->writer), cx, NULL) : file_write(cx, c->path, buf_str(&c->file), 0600);
}

static inline Copy copy_restore(TestCtx *t, ObjectStore *backups, Str id, const char *dir) {
    Copy c = { .dir = dir };
    Backup b;
    CHECK_OK_PLAIN(&t->cx, dir_make(&t->cx, c.dir));
    CHECK_OK_PLAIN(&t->cx, object_dir_open(&t->cx, path_join(&t->arena, c.dir, "objects"), &c.objects));
    CHECK_OK_PLAIN(&t->cx, object_dir_open(&t->cx, path_join(&t->arena, c.dir, "models"), &c.models));
    buf_init(&c.file, 64 << 20);
    BackupSink sink = { copy_begin, copy_data, copy_end, &c };
    CHECK_OK_PLAIN(&t->cx, backup_restore(&t->cx, backups, id, &sink, &b));
    buf_done(&c.file);
    return c;
}

static inline void copy_close(Copy *c) {
    object_store_close(c->objects);
    object_store_close(c->models);
}
