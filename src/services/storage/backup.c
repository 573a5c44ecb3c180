/* services/storage/backup.c - see backup.h: making, listing and removing backups. */

#include "services/storage/backup.h"

#include "services/storage/backup_internal.h"

enum { CANDLE_CHANGES_PAGE = 1000 };

/* --- ids --- */

static Str backup_id(Arena *a, Time t) {
    Civil c = time_to_civil(t);
    return str_fmt(a, "%04d%02d%02dT%02d%02d%02d.%03dZ", c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms);
}

/* Of an id, "20240301T120000Z" of earlier versions too: the end of its second. False for what is none. */
static bool backup_id_time(Str id, Time *out) {
    int64_t v[7] = { 0 };
    const size_t at[] = { 0, 4, 6, 9, 11, 13, 16 }, n[] = { 4, 2, 2, 2, 2, 2, 3 };
    size_t fields = id.n == strlen("20240301T120000.000Z") ? 7 : 6;
    if (fields == 6 && id.n != strlen("20240301T120000Z"))
        return false;
    v[6] = 999;
    for (size_t i = 0; i < fields; i++)
        if (!str_to_i64(str_first(str_from(id, at[i]), n[i]), &v[i]))
            return false;
    Civil c = { (int)v[0], (int)v[1], (int)v[2], (int)v[3], (int)v[4], (int)v[5], (int)v[6] };
    if (!civil_valid(&c))
        return false;
    *out = time_from_civil(&c);
    return true;
}

/* Now, or just behind the newest backup where the clock is not. */
static Time id_time(Ctx *cx, const Str *ids, size_t n) {
    Time now = clock_wall(cx->clock), newest;
    if (n > 0 && backup_id_time(ids[n - 1], &newest) && time_cmp(now, newest) <= 0)
        return time_add_ms(newest, 1);
    return now;
}

/* --- making --- */

static void know_parent(Making *k) {
    k->m.b.parent = k->parent.b.id;
    k->packs = arena_new_n(k->cx->arena, uint32_t, k->parent.packs.n + 1);
    map_reserve(&k->known, k->parent.blocks.n);
    for (size_t i = 0; i < k->parent.blocks.n; i++) {
        BlockPlace *p = &k->parent.blocks.v[i];
        map_put(&k->known, str_n((const char *)p->sum, sizeof p->sum), p);
    }
    k->firsts = arena_new_n(k->cx->arena, size_t, k->parent.parts.n + 1);
    for (size_t i = 0; i < k->parent.parts.n; i++) {
        BackupPart *p = &k->parent.parts.v[i];
        k->firsts[i + 1] = k->firsts[i] + blocks_of(p->bytes);
        if (p->folder.n)
            map_put(&k->had, had_key(k->cx->arena, p->folder, p->name), p);
    }
}

/* The newest backup; none for a whole one, or when there is no earlier one, or when it is spread over so many packs that
 * a new beginning is due. */
static int load_parent(Making *k, const Str *ids, size_t n) {
    if (k->o->whole || n == 0)
        return 0;
    int r = manifest_get(k->cx, k->o->objects, ids[n - 1], true, &k->parent);
    if (r == ERR_CORRUPT) { /* a damaged one is no reason to have no backup: this one is whole */
        err_clear(k->cx);
        return 0;
    }
    if (r == 0 && k->parent.packs.n < PACKS_MAX)
        know_parent(k);
    return MIN(r, 0);
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
    Str *ids;
    size_t n;
    Ctx *cx = k->cx;
    Backup *b = &k->m.b;
    int r = candle_store_describe(k->o->store, cx, &info);
    if (r == 0)
        r = newest_sequence(k->o->store, cx, &b->sequence);
    if (r == 0)
        r = manifest_ids(cx, k->o->objects, &ids, &n);
    if (r)
        return r;
    b->created = clock_wall(cx->clock);
    b->id = backup_id(cx->arena, id_time(cx, ids, n));
    b->adapter = str_c(info.adapter);
    b->series = info.n_series;
    b->candles = info.n_candles;
    return load_parent(k, ids, n);
}

static int finish(Making *k) {
    k->m.b.blocks = (int64_t)k->m.blocks.n;
    k->m.b.parts = k->m.parts.v;
    k->m.b.n_parts = k->m.parts.n;
    return manifest_put(k->cx, k->o->objects, &k->m);
}

static int make(Ctx *cx, const BackupOptions *o, Backup *out) {
    Making k;
    making_init(&k, cx, o);
    int r = begin(&k);
    if (r == 0)
        r = backup_databases(&k);
    if (r == 0)
        r = backup_objects(&k);
    bool packed = false;
    if (r == 0) {
        r = pack_end(&k);
        packed = r == 0 && k.own_pack > 0;
    }
    if (r == 0)
        r = finish(&k);
    if (r < 0 && r != ERR_CONFLICT && packed) { /* a pack without a manifest is of no use */
        Ctx quiet = *cx;
        object_remove(o->objects, &quiet, pack_key(cx->arena, k.m.b.id));
    }
    if (r == 0)
        *out = k.m.b;
    making_done(&k);
    return r;
}

/* Who is cancelled meanwhile notices when the one before has ended, which is cancelled with the process too. */
static int take_turn(Ctx *cx, pthread_mutex_t *turn) {
    if (turn)
        pthread_mutex_lock(turn);
    int r = ctx_check(cx);
    if (r && turn)
        pthread_mutex_unlock(turn);
    return r;
}

int backup_make(Ctx *cx, const BackupOptions *o, Backup *out) {
    Backup made = { 0 };
    size_t removed = 0;
    int r = take_turn(cx, o->turn);
    if (r)
        return r;
    r = make(cx, o, &made);
    if (r == 0 && !o->skip_verify)
        r = backup_restore(cx, o->objects, made.id, NULL, &made);
    if (r == 0 && o->keep > 0)
        r = backup_prune(cx, o->objects, o->keep, &removed);
    if (o->turn)
        pthread_mutex_unlock(o->turn);
    made.removed = removed;
    if (r == 0)
        *out = made;
    return r;
}

/* --- those there are --- */

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

/* Those up to `newest`: a later one may be another process's at work. */
static int remove_packs(Ctx *cx, ObjectStore *objects, const Manifest *kept, size_t n_kept, Str newest) {
    Str after = { 0 };
    int r = 0;
    for (bool more = true; r == 0 && more;) {
        ObjectInfo *v;
        size_t n;
        r = object_list(objects, cx, S("packs/"), after, 0, &v, &n, &more);
        for (size_t i = 0; r == 0 && i < n; i++) {
            Str id = str_from(v[i].key, strlen("packs/"));
            if (str_cmp(id, newest) <= 0 && !needed(kept, n_kept, id))
                r = MIN(object_remove(objects, cx, v[i].key), 0);
        }
        if (r == 0 && n)
            after = v[n - 1].key;
        more &= r == 0 && n > 0;
    }
    return r;
}

/* A manifest that cannot be read might need any pack: then nothing goes. */
int backup_prune(Ctx *cx, ObjectStore *objects, size_t keep, size_t *removed) {
    Str *ids;
    size_t n;
    *removed = 0;
    int r = manifest_ids(cx, objects, &ids, &n);
    if (r || n == 0 || keep == 0)
        return r;
    keep = MIN(keep, n);
    Manifest *kept = arena_new_n(cx->arena, Manifest, keep);
    for (size_t i = 0; r == 0 && i < keep; i++)
        r = manifest_get(cx, objects, ids[n - keep + i], false, &kept[i]);
    for (size_t i = 0; r == 0 && i < n - keep; i++) {
        r = MIN(manifest_remove(cx, objects, ids[i]), 0);
        *removed += r == 0;
    }
    return r ? MIN(r, 0) : remove_packs(cx, objects, kept, keep, ids[n - 1]);
}
