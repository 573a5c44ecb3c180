#pragma once

/* adapters/store/sqlite_schema.h - the tables and the statements of market.db. */

#include "adapters/sqlite/schema.h"
#include "adapters/store/sqlite_sql.h"

extern const Schema market_schema;
extern const SqlTable market_sql;
