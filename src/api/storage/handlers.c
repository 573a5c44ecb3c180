/* api/storage/handlers.c - request records -> services/storage -> reply records. */

#include "api/storage/handlers.h"

/* --- what they share --- */

static int outcome(Ctx *cx, Str name, int r) {
    switch (r) {
    case STORAGE_NO_SERIES:
        return err_set_at(cx, ERR_NOT_FOUND, S("symbol"),
                          "no candles of " STR_FMT " are stored; collect them with ensure, or import a file",
                          STR_ARG(name));
    case STORAGE_NO_DATASET:
        return err_set_at(cx, ERR_NOT_FOUND, S("dataset"),
                          "there is no dataset " STR_FMT "; datasets lists those there are", STR_ARG(name));
    case STORAGE_EXISTS:
        return err_set_at(cx, ERR_CONFLICT, S("name"),
                          "there is a dataset of that name: replace it, or choose another name");
    default:
        return r;
    }
}

/* Texts that validation has passed. */
static DatasetForm form_of(Str format, Str compression, int64_t level) {
    DatasetForm form = { .level = (int)level };
    bool ok = dataset_format_parse(format, &form.format);
    assert(ok);
    UNUSED(ok);
    if (!dataset_pack_parse(compression, &form.pack)) /* auto */
        form.pack = form.format == DATASET_PARQUET ? DATASET_PLAIN : DATASET_ZSTD;
    return form;
}

static UploadResponse row_of(Ctx *cx, const Dataset *d) {
    char tf[TIMEFRAME_TEXT_MAX];
    return (UploadResponse){ .success = true,
                             .dataset = d->name,
                             .object = d->object,
                             .exchange = str_dup(cx->arena, venue_str(&d->key.venue)),
                             .symbol = str_dup(cx->arena, symbol_str(&d->key.symbol)),
                             .timeframe = str_dup(cx->arena, timeframe_text(d->key.timeframe, tf)),
                             .provider = str_dup(cx->arena, venue_str(&d->key.provider)),
                             .format = str_c(dataset_format_name(d->form.format)),
                             .compression = str_c(dataset_pack_name(d->form.pack)),
                             .content_type = str_c(dataset_content_type(d->form.format)),
                             .etag = d->etag,
                             .sha256 = d->sha256,
                             .size = d->size,
                             .plain_size = d->plain,
                             .candles = d->candles,
                             .revision = d->revision,
                             .ratio = d->size ? (double)d->plain / (double)d->size : 0,
                             .first = d->first,
                             .last = d->last,
                             .created = d->created,
                             .simulated = d->simulated };
}

/* One row a request in the audit (MDS-44). */
static int recorded(StorageRole *role, Ctx *cx, const char *action, Str subject, int64_t rows, int r) {
    if (str_starts(subject, S(STORAGE_LAKE_NAMES)))
        return r;
    AuditRow row = { .action = str_c(action), .subject = subject, .rows = r == 0 ? rows : 0 };
    return job_store_record(role->record, cx, &row, r);
}

/* --- datasets --- */

int storage_api_upload(void *role, Ctx *cx, const void *in_, void *out) {
    const DatasetUploadRequest *in = in_;
    SeriesKey key = { 0 };
    bool ok = symbol_parse(in->symbol, &key.symbol) && timeframe_parse(in->timeframe, &key.timeframe) &&
              (!in->exchange.n || venue_parse(in->exchange, &key.venue)) &&
              (!in->provider.n || venue_parse(in->provider, &key.provider));
    if (!ok)
        return err_set_at(cx, ERR_INVALID, S("symbol"), "no such series can be");
    StorageUpload up = { .key = &key,
                         .from = in->start.ms ? in->start : TIME_MIN,
                         .to = in->end.ms ? in->end : TIME_MAX,
                         .form = form_of(in->format, in->compression, in->level),
                         .name = in->name,
                         .replace = in->replace };
    if (time_cmp(up.from, up.to) >= 0)
        return err_set_at(cx, ERR_INVALID, S("end"), "end must be later than start; the range is start <= t < end");
    Dataset d = { 0 };
    int r = outcome(cx, in->symbol, storage_upload(((StorageRole *)role)->storage, cx, &up, &d));
    r = recorded(role, cx, "storage.upload", d.name.n ? d.name : in->symbol, d.candles, r);
    if (r == 0)
        *(UploadResponse *)out = row_of(cx, &d);
    return r;
}

int storage_api_download(void *role, Ctx *cx, const void *in_, void *out_) {
    const DatasetDownloadRequest *in = in_;
    RawBody *out = out_;
    Dataset d;
    Str bytes;
    int r = outcome(cx, in->dataset,
                    storage_read(((StorageRole *)role)->storage, cx, in->dataset, in->etag, in->offset,
                                 (size_t)in->length, &bytes, &d));
    if (r == 0)
        *out = (RawBody){ .media = S("application/octet-stream"), .bytes = bytes };
    return r;
}

int storage_api_convert(void *role, Ctx *cx, const void *in_, void *out) {
    const FormatConversionRequest *in = in_;
    StorageConvert c = { .from = in->dataset,
                         .form = form_of(in->format, in->compression, in->level),
                         .name = in->name,
                         .replace = in->replace };
    Dataset d = { 0 };
    int r = outcome(cx, in->dataset, storage_convert(((StorageRole *)role)->storage, cx, &c, &d));
    r = recorded(role, cx, "storage.convert", d.name.n ? d.name : in->dataset, d.candles, r);
    if (r == 0)
        *(UploadResponse *)out = row_of(cx, &d);
    return r;
}

int storage_api_load(void *role, Ctx *cx, const void *in_, void *out_) {
    const DatasetQuery *in = in_;
    DatasetLoaded *out = out_;
    StorageLoaded l = { 0 };
    char tf[TIMEFRAME_TEXT_MAX];
    int r = outcome(cx, in->dataset, storage_load(((StorageRole *)role)->storage, cx, in->dataset, &l));
    r = recorded(role, cx, "storage.load", in->dataset, l.inserted + l.updated, r);
    if (r != 0)
        return r;
    *out = (DatasetLoaded){ .success = true,
                            .exchange = str_dup(cx->arena, venue_str(&l.key.venue)),
                            .symbol = str_dup(cx->arena, symbol_str(&l.key.symbol)),
                            .timeframe = str_dup(cx->arena, timeframe_text(l.key.timeframe, tf)),
                            .provider = str_dup(cx->arena, venue_str(&l.key.provider)),
                            .candles = l.candles,
                            .inserted = l.inserted,
                            .updated = l.updated,
                            .unchanged = l.unchanged,
                            .kept_real = l.kept_real };
    return 0;
}

int storage_api_list(void *role, Ctx *cx, const void *in_, void *out_) {
    const DatasetListQuery *in = in_;
    DatasetList *out = out_;
    Dataset *v;
    size_t n;
    bool more;
    int r = storage_list(((StorageRole *)role)->storage, cx, in->prefix, in->after, (size_t)in->limit, &v, &n, &more);
    if (r != 0)
        return r;
    UploadResponse *rows = arena_new_n(cx->arena, UploadResponse, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(cx, &v[i]);
    *out = (DatasetList){ .count = (int64_t)n, .more = more, .datasets = { rows, n } };
    if (more && n > 0)
        out->next_after = v[n - 1].name;
    return 0;
}

int storage_api_info(void *role, Ctx *cx, const void *in_, void *out) {
    const DatasetQuery *in = in_;
    Dataset d;
    int r = outcome(cx, in->dataset, storage_info(((StorageRole *)role)->storage, cx, in->dataset, &d));
    if (r == 0)
        *(UploadResponse *)out = row_of(cx, &d);
    return r;
}

int storage_api_remove(void *role, Ctx *cx, const void *in_, void *out) {
    const DatasetQuery *in = in_;
    int r = outcome(cx, in->dataset, storage_remove(((StorageRole *)role)->storage, cx, in->dataset));
    r = recorded(role, cx, "storage.remove", in->dataset, 0, r);
    if (r == 0)
        ((DatasetRemoved *)out)->success = true;
    return r;
}

/* --- backups --- */

/* Databases by name, the objects of a folder, which come together, as one line. */
static List backup_parts(Ctx *cx, const Backup *b) {
    BackupPartRow *v = arena_new_n(cx->arena, BackupPartRow, b->n_parts + 1);
    size_t n = 0;
    for (size_t i = 0; i < b->n_parts; i++) {
        const BackupPart *p = &b->parts[i];
        Str name = p->folder.n ? p->folder : p->name;
        if (n == 0 || !p->folder.n || !str_eq(v[n - 1].name, name))
            v[n++] = (BackupPartRow){ .name = name };
        v[n - 1].count++;
        v[n - 1].bytes += p->bytes;
    }
    return (List){ v, n };
}

static BackupRow backup_row(Ctx *cx, const Backup *b) {
    return (BackupRow){ .id = b->id,
                        .parent = b->parent,
                        .created = b->created,
                        .adapter = b->adapter,
                        .bytes = b->bytes,
                        .blocks = b->blocks,
                        .new_blocks = b->new_blocks,
                        .packed = b->packed,
                        .series = b->series,
                        .candles = b->candles,
                        .sequence = b->sequence,
                        .removed = (int64_t)b->removed,
                        .sha256 = b->sha256,
                        .parts = backup_parts(cx, b) };
}

static int no_backup(Ctx *cx, int r) {
    return r == BACKUP_NONE ? err_set_at(cx, ERR_NOT_FOUND, S("id"), "there is no such backup; list those there are")
                            : r;
}

int storage_api_health(void *role_, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    StorageRole *role = role_;
    StorageStats *out = out_;
    Backup *v;
    size_t n;
    int r = storage_usage(role->storage, cx, &out->datasets, &out->bytes);
    if (r == 0)
        r = backup_list(cx, role->backups, &v, &n);
    if (r != 0)
        return r;
    out->status = S("healthy");
    out->backups = (int64_t)n;
    if (n > 0) {
        out->last_backup = v[0].created;
        out->last_backup_id = v[0].id;
    }
    return 0;
}

int storage_api_backup(void *role_, Ctx *cx, const void *in_, void *out) {
    StorageRole *role = role_;
    const BackupRequest *in = in_;
    BackupOptions o = { .store = role->store,
                        .beside = role->beside,
                        .n_beside = role->n_beside,
                        .datasets = role->datasets,
                        .folders = role->folders,
                        .n_folders = role->n_folders,
                        .objects = role->backups,
                        .whole = in->whole,
                        .skip_verify = in->skip_verify,
                        .keep = (size_t)in->keep,
                        .turn = &role->backup_turn };
    Backup b = { 0 };
    int r = backup_make(cx, &o, &b);
    r = recorded(role, cx, "storage.backup", b.id, b.candles, r);
    if (r == 0)
        *(BackupRow *)out = backup_row(cx, &b);
    return r;
}

int storage_api_backup_verify(void *role, Ctx *cx, const void *in, void *out) {
    Backup b;
    int r = no_backup(cx, backup_restore(cx, ((StorageRole *)role)->backups, ((const BackupId *)in)->id, NULL, &b));
    if (r == 0)
        *(BackupRow *)out = backup_row(cx, &b);
    return r;
}

int storage_api_backups(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    BackupList *out = out_;
    Backup *v;
    size_t n;
    int r = backup_list(cx, ((StorageRole *)role)->backups, &v, &n);
    if (r != 0)
        return r;
    BackupRow *rows = arena_new_n(cx->arena, BackupRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = backup_row(cx, &v[i]);
    *out = (BackupList){ .count = (int64_t)n, .backups = { rows, n } };
    return 0;
}
