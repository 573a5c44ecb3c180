/* api/storage/ops.c - the table of storage operations. Handlers are in handlers.c. */

#include "api/storage/handlers.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Storage"

/* clang-format off */

#define UPLOAD_DOC "Reads the candles, writes them in the format, packs them and puts them into the object store. The dataset is there whole or " \
                   "not at all: until the answer, and after a failure, nothing of it can be seen and one that it replaces stays."

const Op op_storage_upload = {
    .name = "storage.upload", .method = "POST", .path = "/api/v1/storage/datasets", .aliases = PATHS("/storage/upload"),
    .summary = "Keep stored candles as a dataset", .tag = TAG, .doc = UPLOAD_DOC,
    .in = &dataset_upload_shape, .out = &upload_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 600000,
    .max_body = 64u << 10, .idempotent = false, .run = storage_api_upload };

const Op op_storage_upload_symbol = {
    .name = "storage.upload_symbol", .method = "POST", .path = "/api/v1/storage/upload/{symbol}", .aliases = PATHS("/storage/upload/{symbol}"),
    .summary = "Keep stored candles of a symbol as a dataset", .tag = TAG, .doc = UPLOAD_DOC,
    .in = &dataset_upload_shape, .out = &upload_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 600000,
    .max_body = 64u << 10, .idempotent = false, .run = storage_api_upload };

const Op op_storage_download = {
    .name = "storage.download", .method = "GET", .path = "/api/v1/storage/datasets/bytes", .aliases = PATHS("/storage/download"),
    .summary = "A dataset's bytes", .tag = TAG,
    .doc = "Gives the bytes as they are stored, at most 4 MiB at a time. Ask on with offset until fewer bytes than length come, and hold the "
           "whole against the dataset's sha256.",
    .in = &dataset_download_shape, .out = &raw_body_shape, .raw = "application/octet-stream", .role = ROLE_READ, .lane = LANE_IO,
    .deadline_ms = 30000, .idempotent = true, .run = storage_api_download };

const Op op_storage_convert = {
    .name = "storage.convert", .method = "POST", .path = "/api/v1/storage/convert", .aliases = PATHS("/storage/convert"),
    .summary = "A dataset in another format", .tag = TAG,
    .doc = "No value, flag or label changes. Text does not tell the sign of a zero; InfluxDB lines cannot say times outside of 1678 to 2261.",
    .in = &format_conversion_shape, .out = &upload_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 600000,
    .max_body = 64u << 10, .idempotent = false, .run = storage_api_convert };

const Op op_storage_load = {
    .name = "storage.load", .method = "POST", .path = "/api/v1/storage/load", .aliases = PATHS("/storage/load"),
    .summary = "A dataset's candles back into the store", .tag = TAG,
    .in = &dataset_query_shape, .out = &dataset_loaded_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 600000,
    .max_body = 64u << 10, .idempotent = true, .run = storage_api_load };

const Op op_storage_list = {
    .name = "storage.datasets", .method = "GET", .path = "/api/v1/storage/datasets", .aliases = PATHS("/storage/list", "/storage/datasets"),
    .summary = "Datasets kept", .tag = TAG, .in = &dataset_list_query_shape, .out = &dataset_list_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = storage_api_list };

const Op op_storage_info = {
    .name = "storage.info", .method = "GET", .path = "/api/v1/storage/info", .aliases = PATHS("/storage/info"),
    .summary = "What a dataset is", .tag = TAG, .in = &dataset_query_shape, .out = &upload_response_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = storage_api_info };

const Op op_storage_remove = {
    .name = "storage.remove", .method = "DELETE", .path = "/api/v1/storage/datasets",
    .summary = "Remove a dataset", .tag = TAG, .in = &dataset_query_shape, .out = &dataset_removed_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = storage_api_remove };

const Op op_storage_health = {
    .name = "storage.health", .method = "GET", .path = "/api/v1/storage/health", .aliases = PATHS("/storage/health"),
    .summary = "What is kept: datasets and backups", .tag = TAG, .out = &storage_stats_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 30000, .idempotent = true, .run = storage_api_health };

const Op op_storage_backup = {
    .name = "storage.backup", .method = "POST", .path = "/api/v1/storage/backups", .aliases = PATHS("/storage/backup"),
    .summary = "Back the store up", .tag = TAG,
    .doc = "Copies every database of the data folder as it is at one moment, while it is read and written, and the datasets. Blocks that the "
           "backup before has are not stored again. The backup is read back and its sums are checked before the answer. Secrets are not in it.",
    .in = &backup_request_shape, .out = &backup_row_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 7200000,
    .max_body = 64u << 10, .idempotent = false, .run = storage_api_backup };

const Op op_storage_backups = {
    .name = "storage.backups", .method = "GET", .path = "/api/v1/storage/backups",
    .summary = "Backups kept", .tag = TAG, .out = &backup_list_shape, .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 30000,
    .idempotent = true, .run = storage_api_backups };

const Op op_storage_backup_verify = {
    .name = "storage.backup_verify", .method = "POST", .path = "/api/v1/storage/backups/verify",
    .summary = "Read a backup and check every sum", .tag = TAG, .in = &backup_id_shape, .out = &backup_row_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 7200000, .max_body = 64u << 10, .idempotent = true, .run = storage_api_backup_verify };

const Op op_storage_sql = {
    .name = "storage.sql", .method = "POST", .path = "/api/v1/storage/sql", .aliases = PATHS("/storage/sql"),
    .summary = "A SELECT over all stored candles", .tag = TAG,
    .doc = "DuckDB runs it in a process of its own that reads the lake of Parquet files and nothing else, writes nothing, and has a ceiling of memory "
           "(sql.memory) and of time. Two queries run at a time; a third is answered 503. Also 503, with what to do about it, where DuckDB is not "
           "installed. What the query did wrong is 422, with DuckDB's words.",
    .in = &sql_request_shape, .out = &sql_response_shape, .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 600000,
    .max_body = 256u << 10, .idempotent = true, .prose = true, .run = storage_api_sql };

/* clang-format on */

static const Op *const ops[] = {
    &op_storage_upload,  &op_storage_upload_symbol, &op_storage_download, &op_storage_convert, &op_storage_load,
    &op_storage_list,    &op_storage_info,          &op_storage_remove,   &op_storage_health,  &op_storage_backup,
    &op_storage_backups, &op_storage_backup_verify, &op_storage_sql,
};

const OpTable storage_api = { .role = "storage", .ops = ops, .n_ops = ARRAY_LEN(ops) };
