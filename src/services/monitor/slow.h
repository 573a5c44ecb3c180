#pragma once

/* services/monitor/slow.h - the slow-query log (STO-13): calls of a store and statements of SQL that took longer than
 * they may, with the plan of these, the last of them in memory and each as a WARNING. Threads: any; a call that is not slow takes no lock. */

#include "base/ctx.h"
#include "base/log.h"
#include "base/slow.h"

enum { SLOW_WHAT_MAX = 24, SLOW_OPERATION_MAX = 48, SLOW_DETAIL_MAX = 320, SLOW_ID_MAX = 40 };

typedef struct SlowEntry {
    Time at;
    int64_t took_ns, rows;
    char what[SLOW_WHAT_MAX];           /* "store.read", "sql" */
    char operation[SLOW_OPERATION_MAX]; /* it was done for; empty: none's */
    char detail[SLOW_DETAIL_MAX];       /* of what: a series, a statement without its values; cut */
    char plan[SLOW_DETAIL_MAX];         /* of a statement; cut */
    char request_id[SLOW_ID_MAX], trace_id[SLOW_ID_MAX];
} SlowEntry;

typedef struct SlowLog SlowLog;

SlowLog *slow_log_new(size_t most, int64_t threshold_ns, Logger *log); /* threshold 0: nothing is slow */
SlowLog *slow_log_free(SlowLog *l);
bool slow_log_wants(const SlowLog *l, int64_t took_ns); /* NULL: no */
void slow_log_add(SlowLog *l, const Ctx *cx, const SlowCall *call);
/* For Ctx.slow; NULL where nothing is slow. */
const SlowWatch *slow_log_watch(const SlowLog *l);
/* Copies, the newest first. */
size_t slow_log_list(SlowLog *l, Arena *a, size_t most, SlowEntry **out);
int64_t slow_log_total(SlowLog *l);
