/* cli/storage.c - datasets and backups: upload, download, datasets, load, backup, backups. Files of candles are
 * convert.c's. */

#include "cli/internal.h"

#include "api/storage/storage_api.h"
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

#define MAYBE_EXCHANGE(T)                                                                                              \
    FIELD(T, exchange, .pattern = "venue", .doc = "Venue. Left out: the only one it is stored of.")

/* --- what they print --- */

static Str ratio_text(Arena *a, double ratio) {
    return ratio > 0 ? str_fmt(a, "%.1f", ratio) : S("-");
}

static void print_dataset(Cli *c, const UploadResponse *d) {
    Arena *a = c->cx->arena;
    fprintf(c->out, "%s" STR_FMT "%s%s\n", term_tone(c, TONE_BOLD), STR_ARG(d->dataset), term_end(c),
            cli_simulated(c, d->simulated));
    cli_line(c, "series", STR_FMT, STR_ARG(cli_series_name(a, d->exchange, d->symbol, d->timeframe, d->provider)));
    cli_line(c, "candles", STR_FMT "  " STR_FMT " .. " STR_FMT, STR_ARG(term_count(a, d->candles)),
             STR_ARG(term_minute(a, d->first)), STR_ARG(term_minute(a, d->last)));
    cli_line(c, "format", STR_FMT ", " STR_FMT, STR_ARG(d->format), STR_ARG(d->compression));
    cli_line(c, "size", STR_FMT ", " STR_FMT " times smaller than " STR_FMT, STR_ARG(term_bytes(a, d->size)),
             STR_ARG(ratio_text(a, d->ratio)), STR_ARG(term_bytes(a, d->plain_size)));
    cli_line(c, "sha256", STR_FMT, STR_ARG(d->sha256));
}

/* --- upload --- */

static const char *const formats[] = { "csv", "json", "parquet", "influx", NULL };
static const char *const packs[] = { "auto", "none", "gzip", "zstd", NULL };

/* clang-format off */
static const Field upload_f[] = {
    MAYBE_EXCHANGE(DatasetUploadRequest),
    FIELD(DatasetUploadRequest, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "Symbol."),
    FIELD(DatasetUploadRequest, timeframe, .flags = F_REQUIRED, .pattern = "timeframe", .doc = "Length of a candle."),
    FIELD(DatasetUploadRequest, provider, .pattern = "venue", .doc = "Who supplied the data."),
    FIELD(DatasetUploadRequest, start, .doc = "First open time wanted."),
    FIELD(DatasetUploadRequest, end, .doc = "Open time to stop before."),
    FIELD(DatasetUploadRequest, format, .def = "parquet", .choices = formats, .doc = "Format of the dataset."),
    FIELD(DatasetUploadRequest, compression, .def = "auto", .choices = packs, .doc = "auto: zstd, but none for Parquet."),
    FIELD(DatasetUploadRequest, level, .min = 0, .max = 19, .has_min = true, .doc = "Of the compression; 0 is the usual one."),
    FIELD(DatasetUploadRequest, name, .doc = "Name of the dataset. Left out: exchange/symbol/timeframe and the format's ending."),
    FIELD(DatasetUploadRequest, replace, .doc = "Take the place of a dataset of that name."),
};
static const Shape upload_shape = { .name = "UploadIn", .size = sizeof(DatasetUploadRequest), .fields = upload_f, .n_fields = ARRAY_LEN(upload_f) };
/* clang-format on */

static int run_upload(Cli *c, const void *in) {
    ApiCaller *api;
    UploadResponse d = { 0 };
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_storage_upload, in, &d);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &upload_response_shape, &d);
    print_dataset(c, &d);
    return 0;
}

const Command cmd_upload = {
    .name = "upload",
    .group = "Data",
    .summary = "Keep stored candles as a dataset",
    .run = run_upload,
    .help =
        "Datasets lie in the object store, by default a folder beside the database. One is there whole or not at all.",
    .examples =
        "finsight upload BTCUSDT 1h\nfinsight upload BTCUSDT 1m --format csv --compression gzip --start 2024-01-01",
    .flags = &upload_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

/* --- download --- */

typedef struct DownloadIn {
    Str dataset, out;
} DownloadIn;
static const Field download_f[] = {
    FIELD(DownloadIn, dataset, .flags = F_REQUIRED, .doc = "Name of the dataset."),
    FIELD(DownloadIn, out, .doc = "File to write; - is standard output. Left out: the last part of the name."),
};
static SHAPE(download_shape, DownloadIn, download_f);

static int copy_bytes(Cli *c, ApiCaller *api, const UploadResponse *d, FILE *f, const char *path) {
    char sum[SHA256_HEX + 1];
    Sha256 all;
    Arena scratch = { 0 };
    Ctx inner = *c->cx;
    inner.arena = &scratch;
    DatasetDownloadRequest q = { .dataset = d->dataset, .etag = d->etag, .length = 4 << 20 };
    int r = 0;
    sha256_init(&all);
    while (r == 0 && q.offset < d->size) {
        RawBody piece = { 0 };
        arena_reset(&scratch);
        r = api_call(api, &inner, &op_storage_download, &q, &piece);
        if (r == 0 && piece.bytes.n == 0)
            r = err_set(&inner, ERR_CORRUPT, "the dataset ends too early");
        sha256_put(&all, piece.bytes);
        if (r == 0 && fwrite(piece.bytes.p, 1, piece.bytes.n, f) != piece.bytes.n)
            r = f == c->out ? cli_out_fail(c, errno) : file_fail(&inner, errno, "write", path);
        q.offset += (int64_t)piece.bytes.n;
        if (r == 0)
            r = ctx_check(&inner);
    }
    sha256_end_hex(&all, sum);
    if (r == 0 && !str_eq(str_c(sum), d->sha256))
        r = err_set(&inner, ERR_CORRUPT, "the bytes that came are not those of the dataset: their sum is wrong");
    if (inner.err.code)
        c->cx->err = inner.err;
    arena_done(&scratch);
    return r;
}

/* The file appears whole or not at all. */
static int download_file(Cli *c, ApiCaller *api, const UploadResponse *d, const char *path) {
    Ctx *cx = c->cx;
    char *temp = str_cz(cx->arena, str_fmt(cx->arena, "%s.part", path));
    FILE *f = fopen(temp, "wb");
    if (!f)
        return file_fail(cx, errno, "create", temp);
    int r = copy_bytes(c, api, d, f, temp);
    if (r == 0 && (fflush(f) != 0 || fsync(fileno(f)) != 0))
        r = file_fail(cx, errno, "write", temp);
    if (fclose(f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", temp);
    if (r == 0 && rename(temp, path) != 0)
        r = file_fail(cx, errno, "rename", temp);
    if (r != 0)
        unlink(temp);
    return r;
}

static int run_download(Cli *c, const void *in_) {
    const DownloadIn *in = in_;
    ApiCaller *api;
    UploadResponse d = { 0 };
    DatasetQuery q = { .dataset = in->dataset };
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_storage_info, &q, &d);
    bool to_out = str_eq(in->out, S("-"));
    Str name = in->out.n ? in->out : path_base(str_cz(c->cx->arena, in->dataset));
    const char *path = str_cz(c->cx->arena, name);
    if (r == 0)
        r = to_out ? copy_bytes(c, api, &d, c->out, "standard output") : download_file(c, api, &d, path);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json && !to_out)
        return cli_print_json(c, &upload_response_shape, &d);
    if (!c->quiet)
        fprintf(c->err, STR_FMT " written to %s%s\n", STR_ARG(term_bytes(c->cx->arena, d.size)),
                to_out ? "standard output" : path, cli_simulated(c, d.simulated));
    return 0;
}

const Command cmd_download = {
    .name = "download",
    .group = "Data",
    .summary = "A dataset's bytes to a file",
    .run = run_download,
    .help = "The sum is checked; the file appears whole or not at all.",
    .examples = "finsight download binance/BTCUSDT/1h.parquet\nfinsight download binance/BTCUSDT/1h.csv.zst --out - | "
                "zstd -d | head",
    .flags = &download_shape,
    .positional = (const char *const[]){ "dataset", "out", NULL },
};

/* --- datasets --- */

typedef struct DatasetsIn {
    Str prefix, remove, load;
} DatasetsIn;
static const Field datasets_f[] = {
    FIELD(DatasetsIn, prefix, .doc = "Only names that begin so.", .example = "binance/"),
    FIELD(DatasetsIn, remove, .doc = "Remove this dataset instead."),
    FIELD(DatasetsIn, load, .doc = "Store this dataset's candles instead."),
};
static SHAPE(datasets_shape, DatasetsIn, datasets_f);

static int list_datasets(Cli *c, ApiCaller *api, Str prefix) {
    static const char *const heads[] = { "dataset", "series", ">candles", "first", "last", ">size", ">ratio", NULL };
    Arena *a = c->cx->arena;
    DatasetListQuery q = { .prefix = prefix, .limit = 1000 };
    Table t;
    int64_t n = 0, bytes = 0;
    table_init(&t, a, heads);
    for (bool more = true; more;) {
        DatasetList page = { 0 };
        int r = api_call(api, c->cx, &op_storage_list, &q, &page);
        if (r != 0)
            return cli_fail(c, r);
        const UploadResponse *v = page.datasets.v;
        for (size_t i = 0; i < page.datasets.n; i++) {
            if (c->json) {
                cli_print_json(c, &upload_response_shape, &v[i]);
                continue;
            }
            table_cell(&t, v[i].dataset, TONE_BOLD);
            table_cell(&t, cli_series_name(a, v[i].exchange, v[i].symbol, v[i].timeframe, v[i].provider), TONE_PLAIN);
            table_cell(&t, term_count(a, v[i].candles), TONE_PLAIN);
            table_cell(&t, term_minute(a, v[i].first), TONE_DIM);
            table_cell(&t, term_minute(a, v[i].last), TONE_DIM);
            table_cell(&t, term_bytes(a, v[i].size), TONE_PLAIN);
            table_cell(&t, ratio_text(a, v[i].ratio), TONE_PLAIN);
            bytes += v[i].size;
        }
        n += page.count;
        more = page.more;
        q.after = page.next_after;
    }
    if (c->json)
        return 0;
    if (n > 0)
        table_print(&t, c);
    fprintf(c->out, STR_FMT " datasets, " STR_FMT "\n", STR_ARG(term_count(a, n)), STR_ARG(term_bytes(a, bytes)));
    return 0;
}

static int run_datasets(Cli *c, const void *in_) {
    const DatasetsIn *in = in_;
    ApiCaller *api;
    DatasetQuery q = { .dataset = in->remove.n ? in->remove : in->load };
    int r = cli_api(c, &api);
    if (r == 0 && in->remove.n && in->load.n)
        r = err_set(c->cx, ERR_USAGE, "--remove and --load are two things: choose one");
    if (r != 0)
        return cli_fail(c, r);
    if (!q.dataset.n)
        return list_datasets(c, api, in->prefix);
    DatasetRemoved removed = { 0 };
    DatasetLoaded loaded = { 0 };
    r = in->remove.n ? api_call(api, c->cx, &op_storage_remove, &q, &removed)
                     : api_call(api, c->cx, &op_storage_load, &q, &loaded);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return in->remove.n ? cli_print_json(c, &dataset_removed_shape, &removed)
                            : cli_print_json(c, &dataset_loaded_shape, &loaded);
    if (in->remove.n)
        fprintf(c->out, STR_FMT " removed\n", STR_ARG(q.dataset));
    else
        fprintf(
            c->out, STR_FMT " candles of " STR_FMT ": " STR_FMT " new, " STR_FMT " updated\n",
            STR_ARG(term_count(c->cx->arena, loaded.candles)),
            STR_ARG(cli_series_name(c->cx->arena, loaded.exchange, loaded.symbol, loaded.timeframe, loaded.provider)),
            STR_ARG(term_count(c->cx->arena, loaded.inserted)), STR_ARG(term_count(c->cx->arena, loaded.updated)));
    return 0;
}

const Command cmd_datasets = {
    .name = "datasets",
    .group = "Data",
    .summary = "Datasets kept: list, load, remove",
    .run = run_datasets,
    .examples = "finsight datasets binance/\nfinsight datasets --load binance/BTCUSDT/1h.parquet\n"
                "finsight datasets --remove binance/BTCUSDT/1h.parquet",
    .flags = &datasets_shape,
    .positional = (const char *const[]){ "prefix", NULL },
};

/* --- backups --- */

static Str parts_text(Arena *a, const BackupRow *b) {
    const BackupPartRow *v = b->parts.v;
    Buf text;
    buf_init(&text, 4096);
    for (size_t i = 0; i < b->parts.n; i++)
        if (v[i].count == 1)
            buf_printf(&text, "%s" STR_FMT, i ? ", " : "", STR_ARG(v[i].name));
        else
            buf_printf(&text, "%s" STR_FMT " " STR_FMT, i ? ", " : "", STR_ARG(term_count(a, v[i].count)),
                       STR_ARG(v[i].name));
    Str out = str_dup(a, buf_str(&text));
    buf_done(&text);
    return out;
}

static int print_backups(Cli *c, const BackupRow *v, size_t n) {
    static const char *const heads[] = { "backup", "shares with", ">candles", ">size", ">added", "contents", NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < n; i++) {
        table_cell(&t, v[i].id, TONE_BOLD);
        table_cell(&t, v[i].parent.n ? v[i].parent : S("-"), TONE_DIM);
        table_cell(&t, term_count(a, v[i].candles), TONE_PLAIN);
        table_cell(&t, term_bytes(a, v[i].bytes), TONE_PLAIN);
        table_cell(&t, term_bytes(a, v[i].packed), TONE_PLAIN);
        table_cell(&t, parts_text(a, &v[i]), TONE_DIM);
    }
    table_print(&t, c);
    return 0;
}

static int print_verified(Cli *c, const BackupRow *b) {
    const BackupPartRow *v = b->parts.v;
    Arena *a = c->cx->arena;
    fprintf(c->out, "backup %s" STR_FMT "%s is whole: every sum right\n", term_tone(c, TONE_BOLD), STR_ARG(b->id),
            term_end(c));
    for (size_t i = 0; i < b->parts.n; i++)
        cli_line(c, str_cz(a, v[i].name), STR_FMT "%s", STR_ARG(term_bytes(a, v[i].bytes)),
                 v[i].count == 1 ? ""
                                 : str_cz(a, str_fmt(a, ", " STR_FMT " objects", STR_ARG(term_count(a, v[i].count)))));
    fprintf(c->out, "not in it: admin.key, the configuration, plug-ins\n");
    return 0;
}

typedef struct BackupIn {
    Str id;
    bool whole, skip_verify, list, verify;
    int64_t keep;
} BackupIn;
static const Field backup_f[] = {
    FIELD(BackupIn, whole, .doc = "Share no blocks with earlier backups."),
    FIELD(BackupIn, skip_verify, .doc = "Do not read the backup back once it is made."),
    FIELD(BackupIn, keep, .max = 10000, .has_min = true, .doc = "Remove all but this many of the newest; 0 keeps all."),
    FIELD(BackupIn, list, .doc = "List the backups and what is in them instead."),
    FIELD(BackupIn, verify, .doc = "Read a backup and check every sum instead."),
    FIELD(BackupIn, id, .doc = "Which one to verify. Left out: the newest.", .example = "20240301T120000.000Z"),
};
static SHAPE(backup_shape, BackupIn, backup_f);

static int list_backups(Cli *c, ApiCaller *api) {
    BackupList all = { 0 };
    int r = api_call(api, c->cx, &op_storage_backups, NULL, &all);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &backup_list_shape, &all);
    if (all.count > 0)
        return print_backups(c, all.backups.v, all.backups.n);
    fprintf(c->out, "no backups yet; finsight backup makes one\n");
    return 0;
}

static int run_backup(Cli *c, const void *in_) {
    const BackupIn *in = in_;
    ApiCaller *api;
    BackupRow row = { 0 };
    BackupRequest q = { .whole = in->whole, .skip_verify = in->skip_verify, .keep = in->keep };
    int r = cli_api(c, &api);
    if (r == 0 && in->list && in->verify)
        r = err_set(c->cx, ERR_USAGE, "--list and --verify are two things: choose one");
    if (r == 0 && in->id.n && !in->verify)
        r = err_set(c->cx, ERR_USAGE, "a backup's id goes with --verify; a new backup makes its own");
    if (r != 0)
        return cli_fail(c, r);
    if (in->list)
        return list_backups(c, api);
    r = in->verify ? api_call(api, c->cx, &op_storage_backup_verify, &(BackupId){ in->id }, &row)
                   : api_call(api, c->cx, &op_storage_backup, &q, &row);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &backup_row_shape, &row);
    return in->verify ? print_verified(c, &row) : print_backups(c, &row, 1);
}

const Command cmd_backup = {
    .name = "backup",
    .group = "Platform",
    .summary = "Back the data folder up while it is in use",
    .run = run_backup,
    .help =
        "Copies every database of the data folder as it is at one moment, and the datasets, to backup.dir. Blocks that "
        "the backup before has are not stored again, so a daily backup costs what changed that day; each can be "
        "restored by itself. Afterwards it is read back and its sums are checked. Secrets (admin.key) and the "
        "configuration are not in it.",
    .examples = "finsight backup\nfinsight backup --keep 30\nfinsight backup --list\nfinsight backup --verify",
    .flags = &backup_shape,
    .positional = (const char *const[]){ "id", NULL },
};
