#pragma once

/* app/tables.h - every table of operations there is: the API, its contract and its docs. */

#include "api/op.h"

enum { N_PLATFORM_TABLES = 16 };
extern const OpTable *const platform_tables[N_PLATFORM_TABLES];
