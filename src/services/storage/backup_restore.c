/* services/storage/backup_restore.c - see backup.h: the way back. Blocks that lie side by side are read together. */

#include "services/storage/backup_internal.h"

enum { RUN_MAX = 4 << 20 };

typedef struct Restore {
    Ctx *cx;
    ObjectStore *objects;
    Manifest m;
    const BackupSink *sink;
    Zip *zip;
    Buf plain;
    char *bytes; /* RUN_MAX */
    size_t end;  /* of the part at work: its last block + 1 */
    Sha256 sum;
    int64_t given, size; /* its bytes */
} Restore;

/* How many blocks from `i` on lie behind one another in one pack, and their bytes. */
static size_t run_of(const Restore *k, size_t i, size_t *size) {
    const BlockPlace *v = k->m.blocks.v;
    size_t n = 1;
    *size = v[i].size;
    while (i + n < k->end && v[i + n].pack == v[i].pack && v[i + n].at == v[i].at + *size &&
           *size + v[i + n].size <= RUN_MAX)
        *size += v[i + n++].size;
    return n;
}

static int damaged(Restore *k, size_t i) {
    return err_set(k->cx, ERR_CORRUPT,
                   "backup " STR_FMT ": block %zu is damaged in pack " STR_FMT "; restore an earlier backup",
                   STR_ARG(k->m.b.id), i, STR_ARG(k->m.packs.v[k->m.blocks.v[i].pack]));
}

static int give_block(Restore *k, size_t i, Str stored) {
    const BlockPlace *p = &k->m.blocks.v[i];
    uint8_t sum[SHA256_BYTES];
    Sha256 s;
    Str plain = stored;
    size_t want = (size_t)MIN((int64_t)BACKUP_BLOCK, k->size - k->given);
    if (stored.n != want) {
        buf_clear(&k->plain);
        if (zip_expand(k->zip, ZIP_ZSTD, stored, &k->plain))
            return damaged(k, i);
        plain = buf_str(&k->plain);
    }
    sha256_init(&s);
    sha256_put(&s, plain);
    sha256_end(&s, sum);
    if (plain.n != want || memcmp(sum, p->sum, sizeof sum) != 0)
        return damaged(k, i);
    sha256_put(&k->sum, plain);
    k->given += (int64_t)plain.n;
    return k->sink ? k->sink->data(k->sink->arg, k->cx, plain) : 0;
}

static int give_run(Restore *k, size_t i, size_t n, size_t size) {
    const BlockPlace *p = &k->m.blocks.v[i];
    size_t got;
    ArenaMark mark = arena_mark(k->cx->arena);
    Str key = pack_key(k->cx->arena, k->m.packs.v[p->pack]);
    int r = object_get(k->objects, k->cx, key, (Str){ 0 }, (int64_t)p->at, size, k->bytes, &got);
    arena_rewind(k->cx->arena, mark);
    if (r > 0 || (r == 0 && got != size))
        return damaged(k, i);
    Str rest = str_n(k->bytes, size);
    for (size_t b = i; r == 0 && b < i + n; b++) {
        size_t stored = k->m.blocks.v[b].size;
        r = give_block(k, b, str_first(rest, stored));
        rest = str_from(rest, stored);
    }
    return r;
}

static int give_part(Restore *k, const BackupPart *part, size_t first) {
    char sum[SHA256_HEX + 1];
    size_t n = 0, size;
    k->end = first + blocks_of(part->bytes);
    k->given = 0;
    k->size = part->bytes;
    sha256_init(&k->sum);
    int r = k->sink ? k->sink->begin(k->sink->arg, k->cx, part) : 0;
    for (size_t i = first; r == 0 && i < k->end; i += n) {
        n = run_of(k, i, &size);
        r = ctx_check(k->cx);
        if (r == 0)
            r = give_run(k, i, n, size);
    }
    sha256_end_hex(&k->sum, sum);
    if (r == 0 && (k->given != k->size || !str_eq(str_c(sum), part->sha256)))
        r = err_set(k->cx, ERR_CORRUPT, "backup " STR_FMT ": the blocks do not make the " STR_FMT " they were made of",
                    STR_ARG(k->m.b.id), STR_ARG(part->name));
    return r == 0 && k->sink ? k->sink->end(k->sink->arg, k->cx, part) : r;
}

static int give_all(Restore *k) {
    size_t first = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < k->m.parts.n; i++) {
        r = give_part(k, &k->m.parts.v[i], first);
        first = k->end;
    }
    return r;
}

int backup_restore(Ctx *cx, ObjectStore *objects, Str id, const BackupSink *sink, Backup *out) {
    Restore k = { .cx = cx, .objects = objects, .sink = sink };
    Str *ids;
    size_t n;
    int r = id.n ? 0 : manifest_ids(cx, objects, &ids, &n);
    if (r == 0 && id.n == 0 && n > 0)
        id = ids[n - 1];
    if (r == 0)
        r = id.n ? manifest_get(cx, objects, id, true, &k.m) : BACKUP_NONE;
    if (r)
        return r;
    k.zip = zip_new();
    k.bytes = mem_alloc(RUN_MAX);
    buf_init(&k.plain, BACKUP_BLOCK);
    r = give_all(&k);
    if (r == 0)
        *out = k.m.b;
    manifest_done(&k.m);
    zip_free(k.zip);
    buf_done(&k.plain);
    mem_free(k.bytes);
    return r;
}
