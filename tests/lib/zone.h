#pragma once

/* tests/lib/zone.h - time zones by their POSIX rule alone, for tests that read no files. */

#include "base/tz.h"

/* "EST5EDT,M3.2.0,M11.1.0"; the zone lives in cx->arena. */
const Tz *test_zone(Ctx *cx, const char *name, const char *rule);
/* The time an ISO text says, UTC unless it names a zone; fails the test when it is none. */
Time test_time(const char *iso);
