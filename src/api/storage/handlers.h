#pragma once

/* api/storage/handlers.h - handlers of the storage operations; inside this folder only. */

#include "api/storage/storage_api.h"

#define HANDLER(name) int name(void *role, Ctx *cx, const void *in, void *out)
HANDLER(storage_api_upload);
HANDLER(storage_api_download);
HANDLER(storage_api_convert);
HANDLER(storage_api_load);
HANDLER(storage_api_list);
HANDLER(storage_api_info);
HANDLER(storage_api_remove);
HANDLER(storage_api_health);
HANDLER(storage_api_backup);
HANDLER(storage_api_backups);
HANDLER(storage_api_backup_verify);
HANDLER(storage_api_sql);
#undef HANDLER
