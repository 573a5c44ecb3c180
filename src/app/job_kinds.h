#pragma once

/* app/job_kinds.h - what jobs can do here. The composition root knows both the scheduler and the services. */

#include "app/platform.h"
#include "services/jobs/jobs.h"

/* Kinds over the platform's services; borrowed, live as long as the program. */
size_t job_kinds(Platform *p, JobKind *out, size_t cap);
/* Jobs that the configuration asks for (jobs.collect, jobs.retention): defined or changed, and started. */
int job_kinds_configure(Platform *p, Ctx *cx);
