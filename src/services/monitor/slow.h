#pragma once

/* services/monitor/slow.h - the slow-query log (STO-13): calls of a store that took longer than they may, the last of
 * them in memory and each as a WARNING. Threads: any; a call that is not slow takes no lock. */

#include "base/ctx.h"
#include "base/log.h"

enum { SLOW_WHAT_MAX = 24, SLOW_DETAIL_MAX = 160, SLOW_ID_MAX = 40 };

typedef struct SlowEntry {
    Time at;
    int64_t took_ns, rows;
    char what[SLOW_WHAT_MAX];     /* "store.read" */
    char detail[SLOW_DETAIL_MAX]; /* of what: a series, a statement; cut */
    char request_id[SLOW_ID_MAX], trace_id[SLOW_ID_MAX];
} SlowEntry;

typedef struct SlowLog SlowLog;

SlowLog *slow_log_new(size_t most, int64_t threshold_ns, Logger *log); /* threshold 0: nothing is slow */
SlowLog *slow_log_free(SlowLog *l);
bool slow_log_wants(const SlowLog *l, int64_t took_ns); /* NULL: no */
void slow_log_add(SlowLog *l, const Ctx *cx, Str what, Str detail, int64_t rows, int64_t took_ns);
/* Copies, the newest first. */
size_t slow_log_list(SlowLog *l, Arena *a, size_t most, SlowEntry **out);
int64_t slow_log_total(SlowLog *l);
