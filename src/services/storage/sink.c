/* services/storage/sink.c - rows going into a new dataset, and rows coming out of one. */

#include "services/storage/internal.h"

static Str series_prefix(Arena *a, Str name) {
    return str_fmt(a, DATASETS STR_FMT "/", STR_ARG(name));
}

int sink_open(Sink *k, StorageService *s, Ctx *cx, const Dataset *d, bool replace) {
    ObjectInfo had;
    *k = (Sink){ .s = s, .d = *d, .replace = replace };
    int r = storage_check_name(cx, d->name);
    if (r == 0 && !replace) { /* said now rather than after the work; decided at the end */
        r = object_head(s->o.objects, cx, record_key(cx->arena, d->name), &had);
        r = r == 0 ? STORAGE_EXISTS : r == OBJECT_NONE ? 0 : r;
    }
    if (r == 0)
        r = dataset_writer_new(cx, d->form, &d->key, &k->writer);
    if (r)
        return r;
    pthread_mutex_lock(&s->lock);
    uint64_t serial = s->serial++;
    pthread_mutex_unlock(&s->lock);
    k->d.name = str_dup(cx->arena, d->name);
    k->d.created = clock_wall(cx->clock);
    k->d.object = str_fmt(cx->arena, STR_FMT "%llx-%llx", STR_ARG(series_prefix(cx->arena, d->name)),
                          (unsigned long long)k->d.created.ms, (unsigned long long)serial);
    ObjectPut put = { .key = k->d.object,
                      .content_type = str_c(dataset_content_type(d->form.format)),
                      .if_absent = true };
    r = object_put_begin(s->o.objects, cx, &put, &k->object);
    buf_init(&k->piece, PIECE_MAX);
    if (r)
        sink_abort(k);
    return r;
}

void sink_abort(Sink *k) {
    dataset_writer_free(TAKE(k->writer));
    object_put_abort(TAKE(k->object));
    buf_done(&k->piece);
}

static int send_piece(Sink *k, Ctx *cx) {
    int r = object_put_data(k->object, cx, buf_str(&k->piece));
    buf_clear(&k->piece);
    return r;
}

int sink_put(Sink *k, Ctx *cx, const Candles *rows) {
    enum { SOME = 20000 };
    int r = 0;
    for (size_t at = 0; r == 0 && at < rows->n; at += SOME) {
        r = dataset_put(k->writer, cx, rows, at, MIN(rows->n - at, (size_t)SOME), &k->piece);
        if (r == 0)
            r = send_piece(k, cx);
    }
    for (size_t i = 0; i < rows->n; i++) {
        k->d.simulated |= (rows->flags[i] & CANDLE_SIMULATED) != 0;
        k->d.first.ms = k->d.candles == 0 && i == 0 ? rows->open_ms[i] : MIN(k->d.first.ms, rows->open_ms[i]);
        k->d.last.ms = k->d.candles == 0 && i == 0 ? rows->open_ms[i] : MAX(k->d.last.ms, rows->open_ms[i]);
    }
    k->d.candles += (int64_t)rows->n;
    return r;
}

/* Bytes of the dataset's earlier uploads, and of one that ended before its record. */
static void remove_others(StorageService *s, Ctx *cx, const Dataset *d) {
    ObjectInfo *v;
    size_t n;
    bool more;
    Str prefix = series_prefix(cx->arena, d->name);
    Ctx quiet = *cx;
    if (object_list(s->o.objects, &quiet, prefix, (Str){ 0 }, 0, &v, &n, &more) != 0)
        return;
    for (size_t i = 0; i < n; i++) /* "a/b" may be a dataset beside "a": its bytes lie one level deeper */
        if (!str_eq(v[i].key, d->object) && str_find_char(str_from(v[i].key, prefix.n), '/') < 0)
            object_remove(s->o.objects, &quiet, v[i].key);
}

static int commit(Sink *k, Ctx *cx) {
    ObjectInfo info;
    int r = object_put_end(TAKE(k->object), cx, &info);
    if (r)
        return r > 0 ? err_set(cx, ERR_CONFLICT, "two uploads took the same name; try again") : r;
    k->d.size = info.size;
    k->d.etag = str_dup(cx->arena, str_c(info.etag));
    k->d.sha256 = str_dup(cx->arena, str_c(info.sha256));
    r = record_put(k->s, cx, &k->d, k->replace);
    if (r == 0) {
        remove_others(k->s, cx, &k->d);
    } else { /* no record: the bytes are nobody's */
        Ctx quiet = *cx;
        object_remove(k->s->o.objects, &quiet, k->d.object);
    }
    return r;
}

int sink_end(Sink *k, Ctx *cx, Dataset *out) {
    int r = dataset_end(k->writer, cx, &k->piece);
    if (r == 0)
        r = send_piece(k, cx);
    k->d.plain = dataset_plain_bytes(k->writer);
    k->d.simulated |= str_eq(venue_str(&k->d.key.provider), S("sim"));
    if (r == 0) {
        storage_span(k->s, "put_object");
        pthread_mutex_lock(&k->s->lock);
        r = commit(k, cx);
        pthread_mutex_unlock(&k->s->lock);
    }
    if (r == 0)
        *out = k->d;
    sink_abort(k);
    return r;
}

/* --- reading --- */

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    DatasetBytes *b = arg;
    size_t got;
    int r = object_get(b->s->o.objects, cx, b->d.object, b->d.etag, at, n, out, &got);
    if (r > 0)
        return err_set(cx, ERR_CONFLICT, "dataset " STR_FMT " was replaced or removed meanwhile; try again",
                       STR_ARG(b->d.name));
    if (r == 0 && got != n)
        r = err_set(cx, ERR_CORRUPT, "dataset " STR_FMT " ends too early", STR_ARG(b->d.name));
    return r;
}

int dataset_of_objects(StorageService *s, Ctx *cx, Str name, DatasetBytes *bytes, DatasetReader **out) {
    bytes->s = s;
    int r = record_get(s, cx, name, &bytes->d);
    if (r)
        return r;
    DatasetSource source = { .read_at = read_at, .arg = bytes, .size = bytes->d.size };
    r = dataset_reader_new(cx, bytes->d.form, &source, &bytes->d.key, out);
    return r == DATASET_FOREIGN
               ? err_set(cx, ERR_CORRUPT, "dataset " STR_FMT " is not what its record says", STR_ARG(name))
               : r;
}
