#pragma once

/* backtest/plugin/plugin.h - strategies of a shared library (include/finsight/strategy.h) as rows of a catalogue. Pure:
 * the library is loaded by adapters/strategy; here its tables are checked and its calls are bound to View and Broker. */

#include "backtest/strategy.h"
#include <finsight/strategy.h>

typedef const FinsightStrategy *(*PluginEntry)(unsigned index);

enum { PLUGIN_STRATEGIES_MAX = 64, PLUGIN_STATE_MAX = 64 << 20 };

/* All strategies of a library behind those of `before` (NULL: the built-in ones). ERR_VERSION: made for another ABI;
 * ERR_INVALID: a table that cannot be used, or a name that is taken. `path` is for words. Lives in cx->arena and borrows
 * the library's functions. */
int plugin_catalog(Ctx *cx, const StrategyCatalog *before, Str path, PluginEntry entry, StrategyCatalog *out);
