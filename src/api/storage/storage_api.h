#pragma once

/* api/storage/storage_api.h - the operations of the storage role: datasets and backups.
 *
 * The role object of every operation is a StorageRole. Paths of the design documents (/storage/…) are aliases. */

#include "api/op.h"
#include "api/storage/shapes.h"
#include "ports/job_store.h"
#include "services/storage/backup.h"
#include "services/storage/storage.h"

typedef struct StorageRole { /* borrowed */
    StorageService *storage;
    CandleStore *store;
    const BackupDatabase *beside; /* the other databases of the data folder */
    size_t n_beside;
    ObjectStore *datasets, *backups;
    JobStore *record;            /* the audit; NULL = none is kept */
    pthread_mutex_t backup_turn; /* one backup at a time */
} StorageRole;

extern const OpTable storage_api;

extern const Op op_storage_upload, op_storage_upload_symbol, op_storage_download, op_storage_convert, op_storage_load,
    op_storage_list, op_storage_info, op_storage_remove, op_storage_health, op_storage_backup, op_storage_backups,
    op_storage_backup_verify;
