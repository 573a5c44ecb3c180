#pragma once

/* nn/schedule.h - learning rates by epoch or step: those of the LTSF papers' scripts, with their quirks. Pure. */

#include "base/defs.h"

typedef enum ScheduleKind {
    SCHEDULE_CONSTANT,
    SCHEDULE_HALVE,    /* "type1": halved after each epoch but the first, as the scripts count */
    SCHEDULE_TYPE3,    /* three epochs, then x 0.9 after each */
    SCHEDULE_ONECYCLE, /* "TST": up to the rate and down again by cosines, every step; beta1 the other way round */
    SCHEDULE_KINDS,
} ScheduleKind;

typedef struct Schedule {
    ScheduleKind kind;
    double rate;      /* the script's learning rate */
    double pct_start; /* onecycle: part of the steps that climb; .4 in the ETTm scripts, .3 usual */
    uint64_t
        steps_total; /* onecycle: epochs x batches; of the epochs asked for, not of those that early stopping leaves */
    bool constructed_quirk; /* type3 as PatchTST's script runs it, see below */
} Schedule;

typedef struct ScheduleStep {
    double rate, beta1;
} ScheduleStep;

const char *schedule_kind_name(ScheduleKind kind); /* "constant", "type1", "type3", "onecycle" */

/* Rate and beta1 for a step (from 0, over all epochs) of an epoch (from 0).
 *
 * The quirk: PatchTST's script constructs torch's OneCycleLR whatever the schedule. Constructing it sets the rate to
 * rate / 25 and Adam's beta1 to .95. With type3 the scheduler never steps: the first epoch runs at rate / 25, and beta1
 * stays .95 for good. */
ScheduleStep schedule_at(const Schedule *s, uint64_t epoch, uint64_t step);
