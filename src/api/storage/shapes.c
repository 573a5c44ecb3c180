/* api/storage/shapes.c - field tables of the storage API. Names follow the design documents' schemas
 * (DatasetUploadRequest, DatasetDownloadRequest, FormatConversionRequest, UploadResponse). */

#include "api/storage/shapes.h"

/* clang-format off */

static const char *const formats[] = { "csv", "json", "parquet", "influx", NULL };
static const char *const sql_types[] = { "number", "boolean", "moment", "text", NULL };
static const char *const packs[] = { "auto", "none", "gzip", "zstd", NULL };

#define FORMAT(T, standard) FIELD(T, format, .def = standard, .choices = formats, .rename = "target_format", \
        .doc = "csv, json, parquet, or influx for InfluxDB line protocol.")
#define PACK(T) FIELD(T, compression, .def = "auto", .choices = packs, \
        .doc = "auto: zstd, but none for Parquet, whose pages are zstd already.")
#define LEVEL(T) FIELD(T, level, .min = 0, .max = 19, .has_min = true, .flags = F_OMIT_EMPTY, \
        .doc = "Of the compression: 1 is fast, 9 (gzip) or 19 (zstd) small. 0 is the usual one.")
#define NAME(T, what) FIELD(T, name, .max = 400, .flags = F_OMIT_EMPTY, .doc = what, .example = "binance/BTCUSDT/1h.csv.zst")
#define REPLACE(T) FIELD(T, replace, .doc = "Take the place of a dataset of that name; it stays readable until the new one is whole.")
#define DATASET(T) FIELD(T, dataset, .flags = F_REQUIRED, .max = 400, .rename = "object_key", \
        .doc = "Name of the dataset.", .example = "binance/BTCUSDT/1h.csv.zst")

static const Field upload_f[] = {
    FIELD(DatasetUploadRequest, exchange, .pattern = "venue", .flags = F_OMIT_EMPTY, .doc = "Where the instrument trades. Left out: the only venue it is stored of.", .example = "binance"),
    FIELD(DatasetUploadRequest, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "The venue's own name of the instrument.", .example = "BTCUSDT"),
    FIELD(DatasetUploadRequest, timeframe, .flags = F_REQUIRED, .pattern = "timeframe", .rename = "interval", .doc = "Length of a candle.", .example = "1h"),
    FIELD(DatasetUploadRequest, provider, .flags = F_OMIT_EMPTY, .pattern = "venue", .doc = "Who supplied the data, where that is not the venue itself."),
    FIELD(DatasetUploadRequest, start, .flags = F_NULLABLE, .rename = "start_date", .doc = "First open time wanted. Left out: from the first candle."),
    FIELD(DatasetUploadRequest, end, .flags = F_NULLABLE, .rename = "end_date", .doc = "Open time to stop before. Left out: to the newest candle."),
    FORMAT(DatasetUploadRequest, "parquet"), PACK(DatasetUploadRequest), LEVEL(DatasetUploadRequest),
    NAME(DatasetUploadRequest, "Name of the dataset. Left out: exchange/symbol/timeframe and the format's ending."), REPLACE(DatasetUploadRequest),
};
SHAPE(dataset_upload_shape, DatasetUploadRequest, upload_f, .doc = "Stored candles to keep as a dataset.");

static const Field upload_response_f[] = {
    FIELD(UploadResponse, success, .doc = "The dataset is there, whole."),
    FIELD(UploadResponse, dataset, .doc = "Its name."),
    FIELD(UploadResponse, object, .doc = "Key of its bytes in the object store."),
    FIELD(UploadResponse, exchange, .doc = "Where it trades."),
    FIELD(UploadResponse, symbol, .doc = "The venue's name."),
    FIELD(UploadResponse, timeframe, .doc = "Length of a candle."),
    FIELD(UploadResponse, provider, .flags = F_OMIT_EMPTY, .doc = "Who supplied the data; left out for the venue itself."),
    FIELD(UploadResponse, format, .doc = "csv, json, parquet or influx."),
    FIELD(UploadResponse, compression, .doc = "none, gzip or zstd."),
    FIELD(UploadResponse, content_type, .doc = "Media type of the unpacked bytes."),
    FIELD(UploadResponse, etag, .doc = "Of the stored object."),
    FIELD(UploadResponse, sha256, .doc = "Of the stored bytes."),
    FIELD(UploadResponse, size, .doc = "Bytes stored."),
    FIELD(UploadResponse, plain_size, .doc = "Bytes before compression; of Parquet, of its columns in memory."),
    FIELD(UploadResponse, candles, .doc = "Candles in it."),
    FIELD(UploadResponse, revision, .doc = "Revision of the series when it was read."),
    FIELD(UploadResponse, ratio, .doc = "plain_size / size."),
    FIELD(UploadResponse, first, .flags = F_NULLABLE, .doc = "First open time."),
    FIELD(UploadResponse, last, .flags = F_NULLABLE, .doc = "Last open time."),
    FIELD(UploadResponse, created, .flags = F_NULLABLE, .doc = "When it was made."),
    FIELD(UploadResponse, simulated, .doc = "Some of its candles come from the exchange simulator."),
};
SHAPE(upload_response_shape, UploadResponse, upload_response_f, .doc = "A dataset.");

static const Field download_f[] = {
    DATASET(DatasetDownloadRequest),
    FIELD(DatasetDownloadRequest, etag, .flags = F_OMIT_EMPTY, .max = 79, .doc = "Of the dataset that was begun with; 409 when it was replaced since."),
    FIELD(DatasetDownloadRequest, offset, .max = 9e15, .has_min = true, .doc = "First byte wanted."),
    FIELD(DatasetDownloadRequest, length, .def = "4194304", .min = 1, .max = 4194304, .doc = "Most bytes in one answer; fewer come only at the end."),
};
SHAPE(dataset_download_shape, DatasetDownloadRequest, download_f, .doc = "A piece of a dataset's bytes.");

static const Field conversion_f[] = {
    DATASET(FormatConversionRequest), FORMAT(FormatConversionRequest, "parquet"), PACK(FormatConversionRequest), LEVEL(FormatConversionRequest),
    NAME(FormatConversionRequest, "Name of the new dataset. Left out: the old one's with another ending."), REPLACE(FormatConversionRequest),
};
SHAPE(format_conversion_shape, FormatConversionRequest, conversion_f, .doc = "A dataset in another format.");

static const Field dataset_query_f[] = { DATASET(DatasetQuery) };
SHAPE(dataset_query_shape, DatasetQuery, dataset_query_f, .doc = "Which dataset.");

static const Field list_query_f[] = {
    FIELD(DatasetListQuery, prefix, .max = 400, .flags = F_OMIT_EMPTY, .doc = "Only names that begin so.", .example = "binance/"),
    FIELD(DatasetListQuery, after, .max = 400, .flags = F_OMIT_EMPTY, .doc = "Only names behind this one."),
    FIELD(DatasetListQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "Most datasets in one answer."),
};
SHAPE(dataset_list_query_shape, DatasetListQuery, list_query_f, .doc = "Which datasets.");

static const Field list_f[] = {
    FIELD(DatasetList, count, .doc = "Datasets in this answer."),
    FIELD(DatasetList, more, .doc = "There are others."),
    FIELD(DatasetList, next_after, .flags = F_OMIT_EMPTY, .doc = "Ask again with after set to this when more is true."),
    FIELD(DatasetList, datasets, .of = &upload_response_shape, .doc = "In the order of their names."),
};
SHAPE(dataset_list_shape, DatasetList, list_f, .doc = "Datasets.");

static const Field loaded_f[] = {
    FIELD(DatasetLoaded, success, .doc = "All candles of the dataset are stored."),
    FIELD(DatasetLoaded, exchange, .doc = "Where it trades."),
    FIELD(DatasetLoaded, symbol, .doc = "The venue's name."),
    FIELD(DatasetLoaded, timeframe, .doc = "Length of a candle."),
    FIELD(DatasetLoaded, provider, .flags = F_OMIT_EMPTY, .doc = "Who supplied the data."),
    FIELD(DatasetLoaded, candles, .doc = "Candles in the dataset."),
    FIELD(DatasetLoaded, inserted, .doc = "New ones."),
    FIELD(DatasetLoaded, updated, .doc = "Known open times with other numbers."),
    FIELD(DatasetLoaded, unchanged, .doc = "Already stored, equal."),
    FIELD(DatasetLoaded, kept_real, .doc = "Filled candles left out because a real one is there."),
};
SHAPE(dataset_loaded_shape, DatasetLoaded, loaded_f, .doc = "What a load did.");

static const Field removed_f[] = { FIELD(DatasetRemoved, success, .doc = "The dataset is gone.") };
SHAPE(dataset_removed_shape, DatasetRemoved, removed_f, .doc = "What a removal did.");

static const Field stats_f[] = {
    FIELD(StorageStats, status, .doc = "healthy."),
    FIELD(StorageStats, datasets, .doc = "Datasets kept."),
    FIELD(StorageStats, bytes, .doc = "Their bytes."),
    FIELD(StorageStats, backups, .doc = "Backups kept."),
    FIELD(StorageStats, last_backup, .flags = F_NULLABLE, .doc = "When the newest was made."),
    FIELD(StorageStats, last_backup_id, .flags = F_OMIT_EMPTY, .doc = "Its id."),
};
SHAPE(storage_stats_shape, StorageStats, stats_f, .doc = "What is kept.");

static const Field backup_request_f[] = {
    FIELD(BackupRequest, whole, .doc = "Share no blocks with earlier backups."),
    FIELD(BackupRequest, skip_verify, .doc = "Do not read the backup back once it is made."),
    FIELD(BackupRequest, keep, .max = 10000, .has_min = true, .doc = "Remove all but this many of the newest backups afterwards; 0 keeps all."),
};
SHAPE(backup_request_shape, BackupRequest, backup_request_f, .doc = "How to back up.");

static const Field backup_part_f[] = {
    FIELD(BackupPartRow, name, .doc = "A database of the data folder, as market.db; or a folder of objects: objects (the datasets and their records), models (weights and other files of models)."),
    FIELD(BackupPartRow, count, .doc = "1, or the number of objects."),
    FIELD(BackupPartRow, bytes, .doc = "Their bytes."),
};
SHAPE(backup_part_shape, BackupPartRow, backup_part_f, .doc = "What is in a backup.");

static const Field backup_id_f[] = {
    FIELD(BackupId, id, .max = 80, .flags = F_OMIT_EMPTY, .doc = "Which backup. Left out: the newest.", .example = "20240301T120000.000Z"),
};
SHAPE(backup_id_shape, BackupId, backup_id_f, .doc = "A backup by its id.");

static const Field backup_row_f[] = {
    FIELD(BackupRow, id, .doc = "Its id: the time it was made."),
    FIELD(BackupRow, parent, .flags = F_OMIT_EMPTY, .doc = "The backup whose blocks it shares; left out for a whole one."),
    FIELD(BackupRow, created, .flags = F_NULLABLE, .doc = "When it began."),
    FIELD(BackupRow, adapter, .doc = "The store it is of."),
    FIELD(BackupRow, bytes, .doc = "Size of what it restores to, all parts."),
    FIELD(BackupRow, blocks, .doc = "Its blocks of 64 KiB."),
    FIELD(BackupRow, new_blocks, .doc = "Those no earlier backup had."),
    FIELD(BackupRow, packed, .doc = "Bytes this backup added."),
    FIELD(BackupRow, series, .doc = "Series in it, at least."),
    FIELD(BackupRow, candles, .doc = "Candles in it, at least."),
    FIELD(BackupRow, sequence, .doc = "All changes up to this number are in it."),
    FIELD(BackupRow, removed, .flags = F_OMIT_EMPTY, .doc = "Old backups removed with it."),
    FIELD(BackupRow, sha256, .doc = "Of the restored file of candles, market.db."),
    FIELD(BackupRow, parts, .of = &backup_part_shape, .doc = "What is in it. The admin key, the configuration and the plug-ins are in no backup."),
};
SHAPE(backup_row_shape, BackupRow, backup_row_f, .doc = "A backup.");

static const Field backup_list_f[] = {
    FIELD(BackupList, count, .doc = "Backups kept."),
    FIELD(BackupList, backups, .of = &backup_row_shape, .doc = "Newest first."),
};
SHAPE(backup_list_shape, BackupList, backup_list_f, .doc = "Backups.");

static const Field sql_request_f[] = {
    FIELD(SqlRequest, query, .flags = F_REQUIRED, .max = 100000, .doc = "One SELECT. The view candles has every stored series: exchange, symbol, timeframe, ts, open, high, low, close, volume, known_at, flags.", .example = "SELECT symbol, count(*) AS n, max(high) AS top FROM candles GROUP BY ALL ORDER BY 1"),
    FIELD(SqlRequest, limit, .def = "1000", .min = 1, .max = 100000, .doc = "Most rows in the answer; LIMIT and OFFSET in the query page through more."),
    FIELD(SqlRequest, timeout_ms, .def = "30000", .min = 10, .max = 300000, .doc = "The query is ended after so long; sql.timeout is the ceiling."),
    FIELD(SqlRequest, stale, .doc = "Take the lake as it lies; do not write the files of changed series first."),
};
SHAPE(sql_request_shape, SqlRequest, sql_request_f, .doc = "A query over the stored candles.");

static const Field sql_column_f[] = {
    FIELD(SqlColumnRow, name, .doc = "As the query names it."),
    FIELD(SqlColumnRow, type, .choices = sql_types, .doc = "What its values are in JSON; moments are text, as DuckDB writes them in UTC."),
};
static SHAPE(sql_column_shape, SqlColumnRow, sql_column_f, .doc = "A column of the answer.");

static const Field sql_response_f[] = {
    FIELD(SqlResponse, count, .doc = "Rows in this answer."),
    FIELD(SqlResponse, truncated, .doc = "There are more rows: limit, or 16 MB of them, was reached."),
    FIELD(SqlResponse, columns, .of = &sql_column_shape, .doc = "In the order of the values."),
    FIELD(SqlResponse, rows, .doc = "An array a row. Null is NULL; numbers that JSON does not have (nan, inf) are text."),
    FIELD(SqlResponse, elapsed_ms, .doc = "Bringing the lake up to date included."),
};
SHAPE(sql_response_shape, SqlResponse, sql_response_f, .doc = "What the query found.");
/* clang-format on */
