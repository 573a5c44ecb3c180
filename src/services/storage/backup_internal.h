#pragma once

/* services/storage/backup_internal.h - manifests and blocks, shared by the files of backups. */

#include "base/map.h"
#include "base/vec.h"
#include "base/zip.h"
#include "services/storage/backup.h"

#define BACKUP_STORE_FILE "market.db" /* the candles' part */
enum { MANIFEST_MAX = 256 << 20, BLOCK_RECORD = 48, PACKS_MAX = 4096 };

typedef struct BlockPlace {
    uint8_t sum[SHA256_BYTES];
    uint32_t pack; /* index into packs */
    uint32_t size; /* stored; BACKUP_BLOCK or the block's own size: not packed */
    uint64_t at;
} BlockPlace;

typedef struct Manifest {
    Backup b;               /* b.parts borrows from `parts` */
    VEC(Str) packs;         /* ids; in the arena */
    VEC(BackupPart) parts;  /* in the arena */
    VEC(BlockPlace) blocks; /* of all parts, in order; heap */
} Manifest;

static inline size_t blocks_of(int64_t bytes) {
    return (size_t)((bytes + BACKUP_BLOCK - 1) / BACKUP_BLOCK);
}

void manifest_done(Manifest *m);
int manifest_put(Ctx *cx, ObjectStore *objects, const Manifest *m);
/* blocks: false reads the head alone. BACKUP_NONE. */
int manifest_get(Ctx *cx, ObjectStore *objects, Str id, bool blocks, Manifest *out);
int manifest_remove(Ctx *cx, ObjectStore *objects, Str id);
/* Ids of all backups, oldest first. */
int manifest_ids(Ctx *cx, ObjectStore *objects, Str **out, size_t *n);
Str pack_key(Arena *a, Str id);

/* No two objects share one: a key has no empty segment. */
static inline Str had_key(Arena *a, Str folder, Str name) {
    return str_fmt(a, STR_FMT "//" STR_FMT, STR_ARG(folder), STR_ARG(name));
}

/* --- backup_blocks.c: bytes of parts -> blocks, and the new ones into the pack --- */

typedef struct Making {
    Ctx *cx;
    const BackupOptions *o;
    Manifest m, parent;
    Map known;                /* sum of a block -> its place in the parent */
    Map had;                  /* had_key of an object -> its part in the parent */
    size_t *firsts;           /* the first block of each of the parent's parts */
    Map mine;                 /* blocks put by this backup: a part may hold one twice */
    VEC(BlockPlace *) places; /* the values of `mine` */
    uint32_t *packs;          /* the parent's indexes -> ours + 1; 0 = not taken over yet */
    uint32_t own_pack;        /* index of this backup's pack + 1; 0 = it has none yet */
    ObjectWriter *pack;
    Zip *zip;
    Buf block, packed, out; /* the block being filled; packed; waiting to be sent */
    uint64_t pack_at;
    /* The part at work: */
    size_t first; /* its first block */
    int64_t bytes;
    Sha256 sum;
} Making;

void making_init(Making *k, Ctx *cx, const BackupOptions *o);
void making_done(Making *k);
void part_begin(Making *k);
/* A SnapshotPiece with a Making as its argument. */
int part_put(void *making, Ctx *cx, Str bytes);
/* Its bytes and sum are filled in. */
int part_end(Making *k, BackupPart *part);
void part_drop(Making *k); /* as if it had never begun; its new blocks stay in the pack */
/* A part that the parent has with the same bytes. */
int part_take_over(Making *k, const BackupPart *part);
int pack_end(Making *k);

/* --- backup_parts.c: what goes in --- */

int backup_databases(Making *k);
int backup_objects(Making *k);
