#pragma once

/* api/jobs/handlers.h - handlers of the job operations; inside this folder only. */

#include "api/jobs/jobs_api.h"

#define HANDLER(name) int name(void *role, Ctx *cx, const void *in, void *out)
HANDLER(jobs_api_list);
HANDLER(jobs_api_get);
HANDLER(jobs_api_define);
HANDLER(jobs_api_remove);
HANDLER(jobs_api_start);
HANDLER(jobs_api_stop);
HANDLER(jobs_api_run);
HANDLER(jobs_api_runs);
HANDLER(jobs_api_run_get);
HANDLER(jobs_api_kinds);
HANDLER(jobs_api_health);
HANDLER(jobs_api_queue_put);
HANDLER(jobs_api_queue_claim);
HANDLER(jobs_api_queue_done);
HANDLER(jobs_api_queue_status);
HANDLER(jobs_api_queue_drop);
