#pragma once

/* api/storage/storage_api.h - the operations of the storage role: datasets and backups.
 *
 * The role object of every operation is a StorageRole. Paths of the design documents (/storage/…) are aliases. */

#include "api/op.h"
#include "api/storage/shapes.h"
#include "ports/job_store.h"
#include "ports/sql_engine.h"
#include "services/storage/backup.h"
#include "services/storage/storage.h"

/* Datasets by which the lake is brought up to date; they are gone again at once, and nobody's business. */
#define STORAGE_LAKE_NAMES "lake-export/"

typedef struct StorageRole { /* borrowed */
    StorageService *storage;
    CandleStore *store;
    const BackupDatabase *beside; /* the other databases of the data folder */
    size_t n_beside;
    ObjectStore *datasets, *backups;
    const BackupFolder *folders; /* other objects that are backed up */
    size_t n_folders;
    JobStore *record; /* the audit; NULL = none is kept */
    SqlEngine *sql;
    /* The folder of the lake, brought up to date unless `stale`. */
    int (*lake)(void *arg, Ctx *cx, bool stale, const char **out);
    void *lake_arg;
    pthread_mutex_t backup_turn; /* one backup at a time */
} StorageRole;

extern const OpTable storage_api;

extern const Op op_storage_upload, op_storage_upload_symbol, op_storage_download, op_storage_convert, op_storage_load,
    op_storage_list, op_storage_info, op_storage_remove, op_storage_health, op_storage_backup, op_storage_backups,
    op_storage_backup_verify, op_storage_sql;
