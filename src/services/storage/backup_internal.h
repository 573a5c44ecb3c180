#pragma once

/* services/storage/backup_internal.h - manifests, shared by backup.c and backup_restore.c. */

#include "base/vec.h"
#include "services/storage/backup.h"

enum { MANIFEST_MAX = 256 << 20, BLOCK_RECORD = 48, PACKS_MAX = 4096 };

typedef struct BlockPlace {
    uint8_t sum[SHA256_BYTES];
    uint32_t pack; /* index into packs */
    uint32_t size; /* stored; BACKUP_BLOCK or the block's own size: not packed */
    uint64_t at;
} BlockPlace;

typedef struct Manifest {
    Backup b;
    VEC(Str) packs;         /* ids; in the arena */
    VEC(BlockPlace) blocks; /* heap */
} Manifest;

void manifest_done(Manifest *m);
int manifest_put(Ctx *cx, ObjectStore *objects, const Manifest *m);
/* blocks: false reads the head alone. BACKUP_NONE. */
int manifest_get(Ctx *cx, ObjectStore *objects, Str id, bool blocks, Manifest *out);
/* Ids of all backups, oldest first. */
int manifest_ids(Ctx *cx, ObjectStore *objects, Str **out, size_t *n);
Str pack_key(Arena *a, Str id);
