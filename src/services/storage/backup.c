/* services/storage/backup.c - see backup.h: making backups. */

#include "services/storage/backup.h"

#include "base/map.h"
#include "base/zip.h"
#include "services/storage/backup_internal.h"

enum { CANDLE_CHANGES_PAGE = 1000, SEND = 1 << 20 };

typedef struct Making {
    Ctx *cx;
    const BackupOptions *o;
    Manifest m, parent;
    Map known;                /* sum of a block -> its place in the parent */
    Map mine;                 /* blocks put by this backup: the file may hold one twice */
    VEC(BlockPlace *) places; /* the values of `mine` */
    uint32_t *packs;          /* the parent's indexes -> ours + 1; 0 = not taken over yet */
    ObjectWriter *pack;
    Zip *zip;
    Buf block, packed, out; /* the block being filled; packed; waiting to be sent */
    uint64_t pack_at;
    Sha256 sum;
} Making;

static Str backup_id(Arena *a, Time t) {
    Civil c = time_to_civil(t);
    return str_fmt(a, "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
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
    if (k->m.b.new_blocks == 0) /* ours is the first pack of a whole backup, else the last that comes up */
        pack_index(k, k->m.b.id);
    for (p->pack = 0; !str_eq(k->m.packs.v[p->pack], k->m.b.id);)
        p->pack++;
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

static int on_piece(void *arg, Ctx *cx, Str bytes) {
    UNUSED(cx);
    Making *k = arg;
    int r = 0;
    sha256_put(&k->sum, bytes);
    k->m.b.bytes += (int64_t)bytes.n;
    while (r == 0 && bytes.n > 0) {
        Str some = str_first(bytes, BACKUP_BLOCK - k->block.n);
        buf_put_str(&k->block, some);
        bytes = str_from(bytes, some.n);
        if (k->block.n == BACKUP_BLOCK)
            r = put_block(k);
    }
    if (r == 0 && k->o->progress)
        k->o->progress(k->o->progress_arg, k->m.b.bytes, 0);
    return r;
}

/* The newest backup's blocks; none for a whole one, or when there is no earlier one. */
static int load_parent(Making *k) {
    Str *ids;
    size_t n;
    int r = k->o->whole ? 0 : manifest_ids(k->cx, k->o->objects, &ids, &n);
    if (r || k->o->whole || n == 0)
        return r;
    r = manifest_get(k->cx, k->o->objects, ids[n - 1], true, &k->parent);
    if (r == ERR_CORRUPT) { /* a damaged one is no reason to have no backup: this one is whole */
        err_clear(k->cx);
        return 0;
    }
    if (r)
        return MIN(r, 0);
    k->m.b.parent = k->parent.b.id;
    k->packs = arena_new_n(k->cx->arena, uint32_t, k->parent.packs.n + 1);
    map_reserve(&k->known, k->parent.blocks.n);
    for (size_t i = 0; i < k->parent.blocks.n; i++) {
        BlockPlace *p = &k->parent.blocks.v[i];
        map_put(&k->known, str_n((const char *)p->sum, sizeof p->sum), p);
    }
    return 0;
}

static int newest_sequence(CandleStore *store, Ctx *cx, int64_t *out) {
    ArenaMark mark = arena_mark(cx->arena);
    SeriesChange *v;
    size_t n = CANDLE_CHANGES_PAGE;
    int r = 0;
    for (*out = 0; r == 0 && n == CANDLE_CHANGES_PAGE;) {
        arena_rewind(cx->arena, mark);
        r = candle_store_changes(store, cx, *out, CANDLE_CHANGES_PAGE, &v, &n);
        if (r == 0 && n > 0)
            *out = v[n - 1].sequence;
    }
    return r;
}

static int begin(Making *k) {
    StoreInfo info;
    Ctx *cx = k->cx;
    Backup *b = &k->m.b;
    int r = candle_store_describe(k->o->store, cx, &info);
    if (r == 0)
        r = newest_sequence(k->o->store, cx, &b->sequence);
    if (r)
        return r;
    b->created = clock_wall(cx->clock);
    b->id = backup_id(cx->arena, b->created);
    b->adapter = str_c(info.adapter);
    b->series = info.n_series;
    b->candles = info.n_candles;
    return load_parent(k);
}

static int finish(Making *k) {
    char sum[SHA256_HEX + 1];
    int r = k->block.n ? put_block(k) : 0;
    if (r == 0 && k->out.n)
        r = send(k);
    if (r == 0 && k->pack)
        r = object_put_end(TAKE(k->pack), k->cx, NULL);
    if (r)
        return r > 0 ? err_set(k->cx, ERR_CONFLICT, "another backup began in the same second; try again") : r;
    sha256_end_hex(&k->sum, sum);
    k->m.b.sha256 = str_dup(k->cx->arena, str_c(sum));
    k->m.b.blocks = (int64_t)k->m.blocks.n;
    return manifest_put(k->cx, k->o->objects, &k->m);
}

static void making_done(Making *k) {
    object_put_abort(TAKE(k->pack));
    for (size_t i = 0; i < k->places.n; i++)
        mem_free(k->places.v[i]);
    vec_done(&k->places);
    map_done(&k->known);
    map_done(&k->mine);
    manifest_done(&k->m);
    manifest_done(&k->parent);
    zip_free(k->zip);
    buf_done(&k->block);
    buf_done(&k->packed);
    buf_done(&k->out);
}

int backup_make(Ctx *cx, const BackupOptions *o, Backup *out) {
    Making k = { .cx = cx, .o = o, .zip = zip_new() };
    buf_init(&k.block, BACKUP_BLOCK);
    buf_init(&k.packed, 2 * BACKUP_BLOCK);
    buf_init(&k.out, SEND + 2 * BACKUP_BLOCK);
    sha256_init(&k.sum);
    int r = begin(&k);
    if (r == 0)
        r = candle_store_snapshot(o->store, cx, on_piece, &k);
    if (r == 0)
        r = finish(&k);
    Backup made = k.m.b;
    if (r < 0 && r != ERR_CONFLICT && k.m.b.new_blocks > 0 && !k.pack) { /* a pack without a manifest is of no use */
        Ctx quiet = *cx;
        object_remove(o->objects, &quiet, pack_key(cx->arena, made.id));
    }
    making_done(&k);
    if (r == 0 && !o->skip_verify)
        r = backup_restore(cx, o->objects, made.id, NULL, NULL, &made);
    if (r == 0)
        *out = made;
    return r;
}

int backup_list(Ctx *cx, ObjectStore *objects, Backup **out, size_t *n) {
    Str *ids;
    size_t count;
    int r = manifest_ids(cx, objects, &ids, &count);
    if (r)
        return r;
    Backup *v = arena_new_n(cx->arena, Backup, count + 1);
    *n = 0;
    for (size_t i = count; i-- > 0;) {
        Manifest m;
        r = manifest_get(cx, objects, ids[i], false, &m);
        if (r < 0)
            return r;
        if (r == 0)
            v[(*n)++] = m.b;
    }
    *out = v;
    return 0;
}

static bool needed(const Manifest *kept, size_t n, Str pack) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < kept[i].packs.n; k++)
            if (str_eq(kept[i].packs.v[k], pack))
                return true;
    return false;
}

/* A manifest that cannot be read might need any pack: then nothing goes. */
int backup_prune(Ctx *cx, ObjectStore *objects, size_t keep, size_t *removed) {
    Str *ids;
    size_t n;
    *removed = 0;
    int r = manifest_ids(cx, objects, &ids, &n);
    if (r || n <= keep || keep == 0)
        return r;
    Manifest *kept = arena_new_n(cx->arena, Manifest, keep);
    for (size_t i = 0; r == 0 && i < keep; i++)
        r = manifest_get(cx, objects, ids[n - keep + i], false, &kept[i]);
    for (size_t i = 0; r == 0 && i < n - keep; i++) {
        r = object_remove(objects, cx, str_fmt(cx->arena, "manifests/" STR_FMT, STR_ARG(ids[i])));
        if (r == 0 && !needed(kept, keep, ids[i]))
            r = object_remove(objects, cx, pack_key(cx->arena, ids[i]));
        r = MIN(r, 0); /* it had no pack of its own */
        *removed += r == 0;
    }
    return r;
}
