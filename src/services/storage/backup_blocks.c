/* services/storage/backup_blocks.c - parts into blocks, blocks into the pack unless an earlier backup has them. */

#include "services/storage/backup_internal.h"

enum { SEND = 1 << 20 };

void making_init(Making *k, Ctx *cx, const BackupOptions *o) {
    *k = (Making){ .cx = cx, .o = o, .zip = zip_new() };
    buf_init(&k->block, BACKUP_BLOCK);
    buf_init(&k->packed, 2 * BACKUP_BLOCK);
    buf_init(&k->out, SEND + 2 * BACKUP_BLOCK);
}

void making_done(Making *k) {
    object_put_abort(TAKE(k->pack));
    for (size_t i = 0; i < k->places.n; i++)
        mem_free(k->places.v[i]);
    vec_done(&k->places);
    map_done(&k->known);
    map_done(&k->had);
    map_done(&k->mine);
    manifest_done(&k->m);
    manifest_done(&k->parent);
    zip_free(k->zip);
    buf_done(&k->block);
    buf_done(&k->packed);
    buf_done(&k->out);
}

static uint32_t pack_index(Making *k, Str id) {
    vec_push_in(k->cx->arena, &k->m.packs, id);
    return (uint32_t)k->m.packs.n - 1;
}

/* A block the parent has: its place, by our own numbers. */
static bool take_over(Making *k, BlockPlace *p) {
    const BlockPlace *had = map_get(&k->known, str_n((const char *)p->sum, sizeof p->sum));
    if (!had)
        return false;
    if (k->packs[had->pack] == 0)
        k->packs[had->pack] = pack_index(k, k->parent.packs.v[had->pack]) + 1;
    p->pack = k->packs[had->pack] - 1;
    p->size = had->size;
    p->at = had->at;
    return true;
}

static int open_pack(Making *k) {
    if (k->pack)
        return 0;
    ObjectPut put = { .key = pack_key(k->cx->arena, k->m.b.id),
                      .content_type = S("application/octet-stream"),
                      .if_absent = true };
    return object_put_begin(k->o->objects, k->cx, &put, &k->pack);
}

static int send(Making *k) {
    int r = open_pack(k);
    if (r == 0)
        r = object_put_data(k->pack, k->cx, buf_str(&k->out));
    buf_clear(&k->out);
    return r;
}

static int put_new(Making *k, BlockPlace *p) {
    Str bytes = buf_str(&k->block);
    buf_clear(&k->packed);
    zip_compress(k->zip, ZIP_ZSTD, 1, bytes, &k->packed);
    if (k->packed.n < bytes.n)
        bytes = buf_str(&k->packed);
    if (k->own_pack == 0)
        k->own_pack = pack_index(k, k->m.b.id) + 1;
    p->pack = k->own_pack - 1;
    p->size = (uint32_t)bytes.n;
    p->at = k->pack_at;
    k->pack_at += bytes.n;
    k->m.b.new_blocks++;
    k->m.b.packed += (int64_t)bytes.n;
    buf_put_str(&k->out, bytes);
    BlockPlace *kept = mem_new(BlockPlace);
    *kept = *p;
    vec_push(&k->places, kept);
    map_put(&k->mine, str_n((const char *)kept->sum, sizeof kept->sum), kept);
    return k->out.n >= SEND ? send(k) : 0;
}

static int put_block(Making *k) {
    BlockPlace p = { 0 };
    Sha256 sum;
    sha256_init(&sum);
    sha256_put(&sum, buf_str(&k->block));
    sha256_end(&sum, p.sum);
    const BlockPlace *had = map_get(&k->mine, str_n((const char *)p.sum, sizeof p.sum));
    int r = 0;
    if (had)
        p = *had;
    else if (!take_over(k, &p))
        r = put_new(k, &p);
    vec_push(&k->m.blocks, p);
    buf_clear(&k->block);
    return r;
}

void part_begin(Making *k) {
    k->first = k->m.blocks.n;
    k->bytes = 0;
    buf_clear(&k->block);
    sha256_init(&k->sum);
}

int part_put(void *making, Ctx *cx, Str bytes) {
    Making *k = making;
    int r = 0;
    sha256_put(&k->sum, bytes);
    k->bytes += (int64_t)bytes.n;
    while (r == 0 && bytes.n > 0) {
        Str some = str_first(bytes, BACKUP_BLOCK - k->block.n);
        buf_put_str(&k->block, some);
        bytes = str_from(bytes, some.n);
        if (k->block.n == BACKUP_BLOCK)
            r = put_block(k);
    }
    if (r == 0 && k->o->progress)
        r = k->o->progress(k->o->progress_arg, cx, k->m.b.bytes + k->bytes, 0);
    return r;
}

int part_end(Making *k, BackupPart *part) {
    char sum[SHA256_HEX + 1];
    int r = k->block.n ? put_block(k) : 0;
    sha256_end_hex(&k->sum, sum);
    part->bytes = k->bytes;
    part->sha256 = str_dup(k->cx->arena, str_c(sum));
    if (r == 0 && k->m.parts.n == BACKUP_PARTS_MAX)
        r = err_set(k->cx, ERR_LIMIT, "a backup has at most %d files and objects", BACKUP_PARTS_MAX);
    if (r)
        return r;
    vec_push_in(k->cx->arena, &k->m.parts, *part);
    k->m.b.bytes += k->bytes;
    return 0;
}

void part_drop(Making *k) {
    k->m.blocks.n = k->first;
    buf_clear(&k->block);
}

int part_take_over(Making *k, const BackupPart *part) {
    size_t first = k->firsts[part - k->parent.parts.v];
    for (size_t i = 0; i < blocks_of(part->bytes); i++) {
        BlockPlace p = k->parent.blocks.v[first + i];
        if (!take_over(k, &p))
            return err_set(k->cx, ERR_INTERNAL, "a block of the parent is not its own");
        vec_push(&k->m.blocks, p);
    }
    vec_push_in(k->cx->arena, &k->m.parts, *part);
    k->m.b.bytes += part->bytes;
    return 0;
}

int pack_end(Making *k) {
    int r = k->out.n ? send(k) : 0;
    if (r == 0 && k->pack)
        r = object_put_end(TAKE(k->pack), k->cx, NULL);
    return r > 0 ? err_set(k->cx, ERR_CONFLICT, "another process backs up to the same folder; try again") : r;
}
