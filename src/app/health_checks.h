#pragma once

/* app/health_checks.h - whether what stands beside the process is well (OBS-02, OBS-03, OBS-28): its databases are asked
 * every health.every, venues are judged by their last call, so that an idle platform asks nobody outside.
 *
 * Until the first answer a thing is "unknown"; then "healthy", or "unhealthy" with the reason. */

#include "app/platform.h"

typedef struct HealthChecks HealthChecks;

/* shared: the Redis of answers; NULL = none. Rounds run on the lane, the first at once. */
HealthChecks *health_checks_start(Platform *p, Cache *shared, Loop *loop, Lane *lane);
void health_checks_stop(HealthChecks *h);          /* asks no more; NULL is fine */
HealthChecks *health_checks_free(HealthChecks *h); /* after lane and loop: their last letters come here; NULL is fine */

typedef enum HealthVerdict { HEALTH_WELL, HEALTH_UNKNOWN, HEALTH_BAD } HealthVerdict;
/* Members "databases" and "external_apis" of a health payload; the worst of what they say. Any thread. */
HealthVerdict health_checks_write(HealthChecks *h, JsonWriter *w);
/* The members of "databases" alone, into an object that is open: OBS-05 has them among the services. */
HealthVerdict health_checks_write_databases(HealthChecks *h, JsonWriter *w);
/* The member "monitoring" of the services (TOP-03): do these rounds come? False: they have not for long. */
bool health_checks_write_monitoring(HealthChecks *h, JsonWriter *w);
