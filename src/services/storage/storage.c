/* services/storage/storage.c - see storage.h: uploads, conversions, loads, lists. */

#include "services/storage/storage.h"

#include "services/storage/internal.h"

StorageService *storage_service_new(const StorageOptions *o) {
    StorageService *s = mem_new(StorageService);
    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

StorageService *storage_service_free(StorageService *s) {
    if (s)
        pthread_mutex_destroy(&s->lock);
    return mem_free(s);
}

void storage_span(StorageService *s, const char *name) {
    if (s->o.span)
        s->o.span(s->o.span_arg, name);
}

/* --- finding the series --- */

static bool may_be(const SeriesKey *want, const SeriesKey *have) {
    return (!want->venue.s[0] || venue_eq(want->venue, have->venue)) && symbol_eq(want->symbol, have->symbol) &&
           timeframe_eq(want->timeframe, have->timeframe) && want->price == have->price &&
           want->adjustment == have->adjustment && (!want->provider.s[0] || venue_eq(want->provider, have->provider));
}

/* The venue's own data come before those of another provider; two venues are a question. */
static int find_series(StorageService *s, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    SeriesInfo *v;
    size_t n;
    const SeriesInfo *best = NULL;
    int r = candle_store_list(s->o.store, cx, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!may_be(key, &v[i].key))
            continue;
        if (best && !venue_eq(best->key.venue, v[i].key.venue))
            return err_set_at(cx, ERR_CONFLICT, S("exchange"), "%s is stored of %s and of %s: name the exchange",
                              key->symbol.s, best->key.venue.s, v[i].key.venue.s);
        if (!best || !v[i].key.provider.s[0])
            best = &v[i];
    }
    if (r == 0 && !best)
        return STORAGE_NO_SERIES;
    if (r == 0)
        *out = *best;
    return r;
}

/* --- upload --- */

static Str default_name(Arena *a, const SeriesKey *key, DatasetForm form) {
    char tf[TIMEFRAME_TEXT_MAX];
    char *symbol = str_cz(a, symbol_str(&key->symbol));
    for (char *p = symbol; *p; p++)
        if (*p == '/' || (*p == '.' && p == symbol))
            *p = '-';
    return str_fmt(a, "%s/%s/" STR_FMT "%s%s" STR_FMT, key->venue.s, symbol,
                   STR_ARG(timeframe_text(key->timeframe, tf)), key->provider.s[0] ? "@" : "", key->provider.s,
                   STR_ARG(dataset_suffix(a, form)));
}

static int copy_range(StorageService *s, Ctx *cx, const SeriesKey *key, const StorageUpload *up, Sink *k) {
    Arena scratch = { 0 };
    Ctx inner = *cx;
    inner.arena = &scratch;
    CandleQuery q = { .from = up->from, .to = up->to, .limit = PAGE_ROWS };
    bool more = true, first = true;
    int r = 0;
    while (r == 0 && more) {
        Candles page = { 0 };
        arena_reset(&scratch);
        if (first)
            storage_span(s, "get_ohlcv");
        r = candle_store_read(s->o.store, &inner, key, &q, &page, &more);
        if (r == 0 && first) {
            storage_span(s, "convert_format");
            storage_span(s, "compress_data");
            storage_span(s, "upload_to_storage");
        }
        first = false;
        if (r == 0 && page.n > 0) {
            r = sink_put(k, &inner, &page);
            q.from = time_ms(page.open_ms[page.n - 1] + 1);
        }
        more &= page.n > 0;
    }
    if (inner.err.code)
        cx->err = inner.err;
    arena_done(&scratch);
    return r == STORE_NO_SERIES ? STORAGE_NO_SERIES : r;
}

int storage_upload(StorageService *s, Ctx *cx, const StorageUpload *up, Dataset *out) {
    SeriesInfo info;
    Sink k;
    int r = find_series(s, cx, up->key, &info);
    if (r)
        return r;
    Dataset d = { .key = info.key, .form = up->form, .revision = info.revision };
    d.name = up->name.n ? up->name : default_name(cx->arena, &info.key, up->form);
    r = sink_open(&k, s, cx, &d, up->replace);
    if (r)
        return r;
    r = copy_range(s, cx, &info.key, up, &k);
    if (r == 0 && k.d.candles == 0)
        r = err_set_at(cx, ERR_NOT_FOUND, S("start"), "no candles of %s are stored in that range", info.key.symbol.s);
    if (r) {
        sink_abort(&k);
        return r;
    }
    r = sink_end(&k, cx, out);
    if (r == 0)
        LOG_INFO(s->o.log, cx, S("dataset stored"), F_STR("dataset", out->name), F_I64("candles", out->candles),
                 F_I64("bytes", out->size));
    return r;
}

/* --- convert and load --- */

/* Calls put for every piece of a dataset. */
static int each_piece(Ctx *cx, DatasetReader *reader, int (*put)(void *arg, Ctx *cx, Candles *rows), void *arg) {
    Candles rows;
    int r;
    candles_init_heap(&rows, 1);
    while ((r = dataset_next(reader, cx, &rows)) == 0)
        if ((r = put(arg, cx, &rows)) != 0)
            break;
    candles_done_heap(&rows);
    return r == DATASET_ENDED ? 0 : r;
}

static int put_to_sink(void *arg, Ctx *cx, Candles *rows) {
    return sink_put(arg, cx, rows);
}

static Str converted_name(Arena *a, Str from, DatasetForm form) {
    DatasetForm had;
    if (dataset_form_of_name(from, &had)) {
        Str suffix = dataset_suffix(a, had);
        if (str_ends(from, suffix))
            from = str_first(from, from.n - suffix.n);
    }
    return str_fmt(a, STR_FMT STR_FMT, STR_ARG(from), STR_ARG(dataset_suffix(a, form)));
}

int storage_convert(StorageService *s, Ctx *cx, const StorageConvert *c, Dataset *out) {
    DatasetBytes bytes;
    CLEANUP(dataset_reader_freep) DatasetReader *reader = NULL;
    Sink k;
    int r = dataset_of_objects(s, cx, c->from, &bytes, &reader);
    if (r)
        return r;
    Dataset d = { .key = bytes.d.key, .form = c->form, .revision = bytes.d.revision };
    d.name = c->name.n ? c->name : converted_name(cx->arena, c->from, c->form);
    r = sink_open(&k, s, cx, &d, c->replace);
    if (r)
        return r;
    r = each_piece(cx, reader, put_to_sink, &k);
    if (r == 0 && k.d.candles != bytes.d.candles)
        r = err_set(cx, ERR_CORRUPT, "dataset " STR_FMT " has %lld candles, its record says %lld", STR_ARG(c->from),
                    (long long)k.d.candles, (long long)bytes.d.candles);
    if (r) {
        sink_abort(&k);
        return r;
    }
    return sink_end(&k, cx, out);
}

typedef struct Load {
    StorageService *s;
    StorageLoaded *out;
    Arena scratch;
} Load;

static int put_to_store(void *arg, Ctx *cx, Candles *rows) {
    Load *l = arg;
    SaveResult saved;
    Ctx inner = *cx;
    arena_reset(&l->scratch);
    inner.arena = &l->scratch;
    candles_sort_unique(rows, &l->scratch);
    SaveRequest req = { .key = &l->out->key, .rows = rows, .flags = SAVE_DURABLE };
    int r = candle_store_save(l->s->o.store, &inner, &req, &saved);
    if (r) {
        cx->err = inner.err;
        return r;
    }
    l->out->candles += (int64_t)rows->n;
    l->out->inserted += saved.inserted;
    l->out->updated += saved.updated;
    l->out->unchanged += saved.unchanged;
    l->out->kept_real += saved.kept_real;
    return 0;
}

int storage_load(StorageService *s, Ctx *cx, Str name, StorageLoaded *out) {
    DatasetBytes bytes;
    CLEANUP(dataset_reader_freep) DatasetReader *reader = NULL;
    int r = dataset_of_objects(s, cx, name, &bytes, &reader);
    if (r)
        return r;
    StorageLoaded loaded = { .key = bytes.d.key };
    Load l = { .s = s, .out = &loaded };
    r = each_piece(cx, reader, put_to_store, &l);
    arena_done(&l.scratch);
    if (r == 0)
        *out = loaded;
    return r;
}

/* --- what is there --- */

int storage_info(StorageService *s, Ctx *cx, Str name, Dataset *out) {
    return record_get(s, cx, name, out);
}

int storage_list(StorageService *s, Ctx *cx, Str prefix, Str after, size_t limit, Dataset **out, size_t *n,
                 bool *more) {
    ObjectInfo *v;
    size_t count;
    Str after_key = after.n ? record_key(cx->arena, after) : (Str){ 0 };
    int r = object_list(s->o.objects, cx, record_key(cx->arena, prefix), after_key, limit, &v, &count, more);
    if (r)
        return r;
    Dataset *found = arena_new_n(cx->arena, Dataset, count + 1);
    *n = 0;
    for (size_t i = 0; i < count; i++) {
        r = record_get(s, cx, str_from(v[i].key, strlen(RECORDS)), &found[*n]);
        if (r < 0)
            return r;
        *n += r == 0; /* removed since: not there */
    }
    *out = found;
    return 0;
}

int storage_remove(StorageService *s, Ctx *cx, Str name) {
    Dataset d;
    pthread_mutex_lock(&s->lock);
    int r = record_get(s, cx, name, &d);
    if (r == 0)
        r = object_remove(s->o.objects, cx, record_key(cx->arena, name));
    if (r == 0) {
        Ctx quiet = *cx;
        object_remove(s->o.objects, &quiet, d.object);
    }
    pthread_mutex_unlock(&s->lock);
    return r == OBJECT_NONE ? STORAGE_NO_DATASET : r;
}

int storage_read(StorageService *s, Ctx *cx, Str name, Str etag, int64_t at, size_t n, Str *out, Dataset *info) {
    Dataset d;
    int r = record_get(s, cx, name, &d);
    if (r)
        return r;
    if (etag.n && !str_eq(etag, d.etag))
        return err_set_at(cx, ERR_CONFLICT, S("etag"), "the dataset was replaced since; begin again");
    char *bytes = arena_alloc(cx->arena, n + 1);
    size_t got = 0;
    r = object_get(s->o.objects, cx, d.object, d.etag, at, n, bytes, &got);
    if (r > 0)
        return err_set_at(cx, ERR_CONFLICT, S("etag"), "the dataset was replaced since; begin again");
    if (r == 0) {
        *out = str_n(bytes, got);
        *info = d;
    }
    return r;
}

int storage_usage(StorageService *s, Ctx *cx, int64_t *n, int64_t *bytes) {
    Str after = { 0 };
    *n = *bytes = 0;
    for (bool more = true; more;) {
        Dataset *v;
        size_t count;
        int r = storage_list(s, cx, (Str){ 0 }, after, OBJECT_PAGE_MAX, &v, &count, &more);
        if (r)
            return r;
        for (size_t i = 0; i < count; i++)
            *bytes += v[i].size;
        *n += (int64_t)count;
        more &= count > 0;
        if (count)
            after = v[count - 1].name;
    }
    return 0;
}
