#pragma once

/* app/process.h - the process and its machine as metrics (OBS-15), under the names that Prometheus' own clients use
 * (process_*), and the platform's lanes. Read at the scrape, from /proc and the kernel. */

#include "base/lane.h"
#include "base/metrics.h"

typedef struct ProcessMetrics ProcessMetrics;

/* folder: whose disk is told of; NULL = none. Borrowed until the end. */
ProcessMetrics *process_metrics_new(Metrics *m, Clock *clock, const char *folder);
ProcessMetrics *process_metrics_free(ProcessMetrics *p);
/* What waits and works in a lane, which outlives the scrapes. name: a literal. */
void lane_metrics(Metrics *m, const char *name, Lane *lane);

/* Of /proc/PID/stat: what stands behind the name, which may itself have blanks and brackets. false: not of that form. */
typedef struct ProcStat {
    int64_t user_ticks, system_ticks, threads, start_ticks, virtual_bytes, resident_pages;
} ProcStat;
bool proc_stat_read(Str text, ProcStat *out);

/* Share of the disk of a folder, of the memory and of the descriptors that are in use: what capacity alerts ask.
 * 0 .. 1; what cannot be known is 0. */
typedef struct ProcessShares {
    double disk, memory, descriptors;
} ProcessShares;
void process_shares(const char *folder, ProcessShares *out);
