#pragma once

/* app/tables.h - every table of operations there is: the API, its contract and its docs. */

#include "api/op.h"

enum { N_PLATFORM_TABLES = 16 };
extern const OpTable *const platform_tables[N_PLATFORM_TABLES];
/* The same and protocols of others that are answered beside them: what the contract and its page tell of. */
enum { N_DOCUMENTED_TABLES = N_PLATFORM_TABLES + 1 };
void documented_tables(const OpTable *to[static N_DOCUMENTED_TABLES]);
