#pragma once

/* app/follow.h - the Cli.follow of this program. */

#include "cli/cli.h"
#include "core/series.h"

int app_follow(Cli *c, const SeriesKey *keys, size_t n);
