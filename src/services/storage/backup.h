#pragma once

/* services/storage/backup.h - backups of the candle store, whole and incremental, and the way back (MDS-40, RES-18).
 *
 * The store gives a snapshot, a consistent file of one moment, while saves go on. It is cut into blocks of 64 KiB. A
 * backup is a manifest, which says where each block lies, and a pack with the blocks that no earlier backup has, packed
 * one by one: the first is whole, each later one has what changed, and every manifest is enough to restore by. The
 * manifest is put last, so a backup is there whole or not at all.
 *
 *     manifests/<id>   one JSON line, then a record for each block: sha256, pack, place, size
 *     packs/<id>       blocks, one behind the other
 * ids are times: 20240301T120000Z. */

#include "ports/candle_store.h"
#include "ports/object_store.h"

enum {
    BACKUP_NONE = 1, /* > 0: no backup of that id, or none at all */
    BACKUP_BLOCK = 64 << 10,
};

typedef struct Backup {
    Str id, parent; /* parent: whose blocks it shares; empty for a whole one */
    Time created;
    Str adapter;   /* of the store: "sqlite" */
    int64_t bytes; /* of the file it restores to */
    int64_t blocks, new_blocks;
    int64_t packed; /* bytes that this backup added */
    int64_t series, candles;
    int64_t sequence; /* of the store's change log when it began: all commits up to it are in it */
    Str sha256;       /* of the restored file */
} Backup;

typedef struct BackupOptions {
    CandleStore *store;
    ObjectStore *objects; /* a folder elsewhere, best on another disk */
    bool whole;           /* share no blocks with earlier backups */
    bool skip_verify;     /* do not read it back afterwards */
    /* Called now and then with bytes done and, when it is known, in all. May be NULL. */
    void (*progress)(void *arg, int64_t done, int64_t total);
    void *progress_arg;
} BackupOptions;

int backup_make(Ctx *cx, const BackupOptions *o, Backup *out);
/* Newest first. */
int backup_list(Ctx *cx, ObjectStore *objects, Backup **out, size_t *n);
/* The backup's file, in order; each block's sum is checked before it is given, the file's at the end. id empty: the
 * newest. sink NULL: only check. 0, BACKUP_NONE, ERR_CORRUPT naming the block. */
int backup_restore(Ctx *cx, ObjectStore *objects, Str id, CandleStorePiece *sink, void *arg, Backup *out);
/* Removes all but the newest `keep` backups, and the packs nobody needs any more. */
int backup_prune(Ctx *cx, ObjectStore *objects, size_t keep, size_t *removed);
