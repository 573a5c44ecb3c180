#pragma once

/* services/alerts/abuse.h - who fails to log in, and how often (SEC-28): the times of the last ten failures of each source,
 * so that "ten within a minute" is exact. Bounded: a source that is new takes the place of the one in its row that has
 * been quiet for longest. One thread. */

#include "services/alerts/alert.h"

enum { ABUSE_ROWS = 256, ABUSE_WAYS = 4, ABUSE_TIMES = 10, ABUSE_WINDOW_MS = 60 * 1000 };

typedef struct AbuseWatch AbuseWatch;

AbuseWatch *abuse_watch_new(uint64_t seed);
AbuseWatch *abuse_watch_free(AbuseWatch *w);
void abuse_failed(AbuseWatch *w, Str source, MonoNs now);
/* A sample for each source with ABUSE_TIMES failures in the window; labels are copied into a. Returns how many. */
size_t abuse_samples(const AbuseWatch *w, Arena *a, MonoNs now, AlertSample *out, size_t cap);
