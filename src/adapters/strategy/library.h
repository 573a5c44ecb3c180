#pragma once

/* adapters/strategy/library.h - a shared library with strategies (include/finsight/strategy.h), loaded by its path.
 *
 * Loading runs the library's code with all rights of this process: only paths that the operator configured. A library
 * is never unloaded, for results and catalogues keep its functions. Not on a loop: reads files. */

#include "base/ctx.h"
#include <finsight/strategy.h>

typedef const FinsightStrategy *(*StrategyLibraryEntry)(unsigned index);

/* ERR_NOT_FOUND: no such file; ERR_INVALID: no shared library for this machine, or one without `finsight_strategy`. */
int strategy_library_load(Ctx *cx, Str path, StrategyLibraryEntry *out);
