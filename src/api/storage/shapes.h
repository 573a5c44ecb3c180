#pragma once

/* api/storage/shapes.h - the records of the storage API; shapes.c has their field tables. */

#include "api/op.h"

typedef struct DatasetUploadRequest {
    Str exchange, symbol, timeframe, provider;
    Time start, end;
    Str format, compression;
    int64_t level;
    Str name;
    bool replace;
} DatasetUploadRequest;

typedef struct UploadResponse {
    bool success;
    Str dataset, object, exchange, symbol, timeframe, provider, format, compression, content_type, etag, sha256;
    int64_t size, plain_size, candles, revision;
    double ratio;
    Time first, last, created;
    bool simulated;
} UploadResponse;

typedef struct DatasetDownloadRequest {
    Str dataset, etag;
    int64_t offset, length;
} DatasetDownloadRequest;

typedef struct FormatConversionRequest {
    Str dataset, format, compression;
    int64_t level;
    Str name;
    bool replace;
} FormatConversionRequest;

typedef struct DatasetQuery {
    Str dataset;
} DatasetQuery;

typedef struct DatasetListQuery {
    Str prefix, after;
    int64_t limit;
} DatasetListQuery;

typedef struct DatasetList {
    int64_t count;
    bool more;
    Str next_after;
    List datasets; /* of UploadResponse */
} DatasetList;

typedef struct DatasetLoaded {
    bool success;
    Str exchange, symbol, timeframe, provider;
    int64_t candles, inserted, updated, unchanged, kept_real;
} DatasetLoaded;

typedef struct DatasetRemoved {
    bool success;
} DatasetRemoved;

typedef struct StorageStats {
    Str status;
    int64_t datasets, bytes, backups;
    Time last_backup;
    Str last_backup_id;
} StorageStats;

typedef struct BackupRequest {
    bool whole, skip_verify;
    int64_t keep;
} BackupRequest;

typedef struct BackupRow {
    Str id, parent;
    Time created;
    Str adapter;
    int64_t bytes, blocks, new_blocks, packed, series, candles, sequence, removed;
    Str sha256;
    List parts; /* of BackupPartRow */
} BackupRow;

typedef struct BackupPartRow {
    Str name;
    int64_t count, bytes;
} BackupPartRow;

typedef struct SqlRequest {
    Str query;
    int64_t limit, timeout_ms;
    bool stale;
} SqlRequest;

typedef struct SqlColumnRow {
    Str name, type;
} SqlColumnRow;

typedef struct SqlResponse {
    int64_t count;
    bool truncated;
    List columns; /* of SqlColumnRow */
    RawJson rows; /* arrays */
    double elapsed_ms;
} SqlResponse;

typedef struct BackupId {
    Str id;
} BackupId;

typedef struct BackupList {
    int64_t count;
    List backups; /* of BackupRow */
} BackupList;

extern const Shape dataset_upload_shape, upload_response_shape, dataset_download_shape, format_conversion_shape,
    dataset_query_shape, dataset_list_query_shape, dataset_list_shape, dataset_loaded_shape, dataset_removed_shape,
    storage_stats_shape, backup_request_shape, backup_row_shape, backup_list_shape, backup_part_shape, backup_id_shape,
    sql_request_shape, sql_response_shape;
