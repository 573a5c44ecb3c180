#pragma once

/* services/storage/backup.h - backups of what a data folder holds, whole and incremental, and the way back (MDS-40,
 * RES-18).
 *
 * A backup has parts: each database as a file of one moment, copied while it is written to, and each object of the
 * datasets and of the folders beside them (the files of models). A part is cut into blocks of 64 KiB. A backup is a manifest, which says what the parts are and where each
 * block lies, and a pack with the blocks that no earlier backup has, packed one by one: the first is whole, each later
 * one has what changed, and every manifest is enough to restore by. The manifest is put last, so a backup is there whole
 * or not at all.
 *
 *     manifests/<id>   one JSON line, then a record for each block: sha256, pack, place, size
 *     packs/<id>       blocks, one behind the other
 * ids are times, 20240301T120000.000Z, and grow: two backups of one millisecond, or a clock set back, share none.
 *
 * The databases are copied in the order given, the candles last of them, then the datasets and the folders: what a
 * database says was done to the candles before (a job's checkpoint) was done in the copy too, and a file that is put
 * before the row which names it (a model's weights) is in the copy of every row. A dataset is copied with the bytes that
 * its record names, or not at all. Secrets are in no part. */

#include "ports/candle_store.h"
#include "ports/object_store.h"

#include <pthread.h>

enum {
    BACKUP_NONE = 1, /* > 0: no backup of that id, or none at all */
    BACKUP_BLOCK = 64 << 10,
    BACKUP_PARTS_MAX = 1 << 20,
    BACKUP_FILE_NAME_MAX = 40,
};

#define BACKUP_DATASETS "objects" /* where the datasets' objects go in a folder that is restored into */

typedef struct BackupPart {
    Str name;   /* of a file in the data folder, "market.db", or of an object */
    Str folder; /* of an object: BACKUP_DATASETS, or one of BackupOptions.folders; else empty */
    int64_t bytes;
    Str sha256;
    Str etag, content_type; /* of an object */
    const ObjectLabel *labels;
    size_t n_labels;
} BackupPart;

typedef struct Backup {
    Str id, parent; /* parent: whose blocks it shares; empty for a whole one */
    Time created;
    Str adapter;   /* of the store: "sqlite" */
    int64_t bytes; /* of all parts */
    int64_t blocks, new_blocks;
    int64_t packed; /* bytes that this backup added */
    int64_t series, candles;
    int64_t sequence; /* of the store's change log when it began: all commits up to it are in it */
    Str sha256;       /* of the store's file */
    const BackupPart *parts;
    size_t n_parts;
    size_t removed; /* older ones, by backup_make */
} Backup;

typedef struct BackupDatabase { /* one beside the candles */
    const char *file;           /* "control.db"; letters, digits, '_' and '-' before ".db" */
    int (*snapshot)(void *store, Ctx *cx, SnapshotPiece *piece, void *arg);
    void *store;
    bool last; /* after the candles: it holds what their outbox has let go of */
} BackupDatabase;

typedef struct
    BackupFolder {    /* objects beside the datasets; each as it lies. One that others change meanwhile is left out */
    const char *name; /* "models"; letters, digits, '_' and '-', at most BACKUP_FILE_NAME_MAX */
    ObjectStore *objects;
} BackupFolder;

typedef struct BackupOptions {
    CandleStore *store;
    const BackupDatabase *beside;
    size_t n_beside;
    ObjectStore *datasets; /* NULL = none */
    const BackupFolder *folders;
    size_t n_folders;
    ObjectStore *objects;  /* where backups go: a folder elsewhere, best on another disk */
    bool whole;            /* share no blocks with earlier backups */
    bool skip_verify;      /* do not read it back afterwards */
    size_t keep;           /* remove all but so many of the newest afterwards; 0 = none */
    pthread_mutex_t *turn; /* held for the whole of it: the next waits. NULL = the caller sees to that */
    /* Called now and then with bytes done and, when it is known, in all. What is not 0 ends it. May be NULL. */
    int (*progress)(void *arg, Ctx *cx, int64_t done, int64_t total);
    void *progress_arg;
} BackupOptions;

int backup_make(Ctx *cx, const BackupOptions *o, Backup *out);
/* Newest first. */
int backup_list(Ctx *cx, ObjectStore *objects, Backup **out, size_t *n);

typedef struct BackupSink { /* parts in order: begin, data as often as need be, end */
    int (*begin)(void *arg, Ctx *cx, const BackupPart *part);
    int (*data)(void *arg, Ctx *cx, Str bytes);
    int (*end)(void *arg, Ctx *cx, const BackupPart *part);
    void *arg;
} BackupSink;
/* The backup's parts; each block's sum is checked before it is given, a part's before its end. id empty: the newest.
 * sink NULL: only check. 0, BACKUP_NONE, ERR_CORRUPT naming the block. */
int backup_restore(Ctx *cx, ObjectStore *objects, Str id, const BackupSink *sink, Backup *out);
/* Removes all but the newest `keep` backups, and the packs nobody needs any more, those of killed backups too. */
int backup_prune(Ctx *cx, ObjectStore *objects, size_t keep, size_t *removed);
