#pragma once

/* api/jobs/jobs_api.h - the operations of the job role (MDS-05). The role object is a JobService. */

#include "api/jobs/shapes.h"

extern const OpTable jobs_api;

extern const Op op_jobs_list, op_jobs_get, op_jobs_define, op_jobs_remove, op_jobs_start, op_jobs_stop, op_jobs_run,
    op_jobs_runs, op_jobs_run_get, op_jobs_kinds, op_jobs_health, op_queue_put, op_queue_claim, op_queue_done,
    op_queue_status, op_queue_drop;
