/* services/storage/backup_parts.c - what a backup is of: the databases, the objects of the datasets and of the folders
 * beside them. */

#include "services/storage/backup_internal.h"
#include "services/storage/internal.h"

/* --- databases --- */

static int candles_snapshot(void *store, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return candle_store_snapshot(store, cx, piece, arg);
}

static int put_database(Making *k, const BackupDatabase *d) {
    BackupPart part = { .name = str_c(d->file) };
    part_begin(k);
    int r = d->snapshot(d->store, k->cx, part_put, k);
    if (r == 0)
        r = part_end(k, &part);
    return r < 0 ? err_prefix(k->cx, "%s", d->file) : r;
}

static int put_beside(Making *k, bool last) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < k->o->n_beside; i++)
        if (k->o->beside[i].last == last)
            r = put_database(k, &k->o->beside[i]);
    return r;
}

int backup_databases(Making *k) {
    BackupDatabase candles = { BACKUP_STORE_FILE, candles_snapshot, k->o->store, false };
    int r = put_beside(k, false);
    if (r == 0)
        r = put_database(k, &candles);
    if (r == 0)
        k->m.b.sha256 = k->m.parts.v[k->m.parts.n - 1].sha256;
    return r ? r : put_beside(k, true);
}

/* --- objects --- */

static const char *folder_name(const BackupFolder *f) {
    return f ? f->name : BACKUP_DATASETS;
}

/* The parent has it, byte for byte: nothing is read. */
static const BackupPart *unchanged(const Making *k, const BackupFolder *f, const ObjectInfo *info) {
    const BackupPart *p = map_get(&k->had, had_key(k->cx->arena, str_c(folder_name(f)), info->key));
    return p && p->bytes == info->size && str_eq(p->etag, str_c(info->etag)) ? p : NULL;
}

static BackupPart part_of(Arena *a, const BackupFolder *f, const ObjectInfo *info) {
    ObjectLabel *labels = arena_new_n(a, ObjectLabel, info->n_labels + 1);
    for (size_t i = 0; i < info->n_labels; i++)
        labels[i] = (ObjectLabel){ str_dup(a, info->labels[i].name), str_dup(a, info->labels[i].value) };
    return (BackupPart){ .name = str_dup(a, info->key),
                         .folder = str_c(folder_name(f)),
                         .etag = str_dup(a, str_c(info->etag)),
                         .content_type = str_dup(a, info->content_type),
                         .labels = labels,
                         .n_labels = info->n_labels };
}

static int copy_object(Making *k, ObjectStore *objects, const ObjectInfo *info) {
    enum { PIECE = 1 << 20 };
    char *bytes = mem_alloc(PIECE);
    int r = 0;
    for (int64_t at = 0; r == 0 && at < info->size;) {
        size_t got = 0;
        ArenaMark mark = arena_mark(k->cx->arena);
        r = object_get(objects, k->cx, info->key, str_c(info->etag), at, PIECE, bytes, &got);
        arena_rewind(k->cx->arena, mark);
        if (r == 0 && got == 0)
            r = err_set(k->cx, ERR_CORRUPT, "object " STR_FMT " ends too early", STR_ARG(info->key));
        if (r == 0)
            r = part_put(k, k->cx, str_n(bytes, got));
        at += (int64_t)got;
    }
    mem_free(bytes);
    return r;
}

/* Of the datasets (f NULL) or a folder. 0, or OBJECT_NONE and OBJECT_CHANGED: it went, or became another, before it was
 * copied; then it is no part. */
static int put_object(Making *k, const BackupFolder *f, Str key) {
    ObjectStore *objects = f ? f->objects : k->o->datasets;
    ObjectInfo info;
    int r = object_head(objects, k->cx, key, &info);
    if (r)
        return r;
    info.key = key;
    const BackupPart *had = unchanged(k, f, &info);
    if (had)
        return part_take_over(k, had);
    BackupPart part = part_of(k->cx->arena, f, &info);
    part_begin(k);
    r = copy_object(k, objects, &info);
    if (r > 0)
        part_drop(k);
    return r ? r : part_end(k, &part);
}

static int put_record(Making *k, Str key, Str text) {
    char etag[SHA256_HEX + 1];
    sha256_hex(text, etag);
    BackupPart part = { .name = str_dup(k->cx->arena, key),
                        .folder = S(BACKUP_DATASETS),
                        .etag = str_dup(k->cx->arena, str_c(etag)),
                        .content_type = S("application/json") };
    part_begin(k);
    int r = part_put(k, k->cx, text);
    return r ? r : part_end(k, &part);
}

/* Bytes first, by the record that names them, and then that very record. The upload that replaces a dataset takes the old
 * bytes away once its record is there: whoever finds them gone reads the record again. A record that is damaged, or whose
 * bytes are gone for good, is copied as it lies: it must not keep the candles from being backed up. */
static int put_dataset(Making *k, Str key) {
    enum { TRIES = 16 };
    Str text = { 0 };
    int r = OBJECT_CHANGED;
    for (int i = 0; r > 0 && i < TRIES; i++) {
        Dataset d;
        Ctx quiet = *k->cx;
        r = object_get_all(k->o->datasets, k->cx, key, RECORD_MAX, &text);
        if (r == OBJECT_NONE)
            return 0; /* removed since it was listed */
        if (r == 0 && record_parse(&quiet, str_from(key, strlen(RECORDS)), text, &d) == 0)
            r = put_object(k, NULL, d.object);
    }
    return r < 0 ? r : put_record(k, key, text);
}

/* Whoever replaces a file of a folder keeps changing it under us, or is done at the second look. */
static int put_file(Making *k, const BackupFolder *f, Str key) {
    int r = put_object(k, f, key);
    return r == OBJECT_CHANGED ? put_object(k, f, key) : r;
}

static int put_any(Making *k, const BackupFolder *f, Str key) {
    if (f)
        return MIN(put_file(k, f, key), 0);
    if (str_starts(key, S(RECORDS)))
        return put_dataset(k, key);
    if (str_starts(key, S(DATASETS))) /* with its record, or nobody's */
        return 0;
    return MIN(put_file(k, NULL, key), 0);
}

static int put_all(Making *k, ObjectStore *objects, const BackupFolder *f) {
    Str after = { 0 };
    int r = 0;
    for (bool more = true; r == 0 && more;) {
        ObjectInfo *v;
        size_t n;
        r = object_list(objects, k->cx, (Str){ 0 }, after, OBJECT_PAGE_MAX, &v, &n, &more);
        for (size_t i = 0; r == 0 && i < n; i++) {
            r = ctx_check(k->cx);
            if (r == 0)
                r = put_any(k, f, v[i].key);
        }
        if (r == 0 && n)
            after = v[n - 1].key;
        more &= r == 0 && n > 0;
    }
    return r;
}

int backup_objects(Making *k) {
    int r = k->o->datasets ? put_all(k, k->o->datasets, NULL) : 0;
    for (size_t i = 0; r == 0 && i < k->o->n_folders; i++)
        r = put_all(k, k->o->folders[i].objects, &k->o->folders[i]);
    return r;
}
