#pragma once

/* app/lake.h - the lake of a store in another form: a Parquet file for each series, as SQL reads them.
 *
 * DATA/lake/exported tells the revision of each file; what did not change is not written again. Works through the API, so
 * that a command beside a server and the server itself do the same. One call at a time a process. */

#include "api/call.h"

int lake_refresh(Ctx *cx, ApiCaller *api, const char *lake);
