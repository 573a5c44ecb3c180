#pragma once

/* api/table.h - a list of records as columns (core/parquet_table.h), by its field table: the names of the columns are those
 * of the JSON.
 *
 * Nullable members become nulls where JSON has null. A member that is ready JSON of flat numbers (the parameters of a
 * sweep) becomes a column for each of its keys, those of the first row. Lists and records inside of records are left out.
 * Results lie in the arena. */

#include "api/op.h"
#include "core/parquet_table.h"

/* The list member `name` of `record`. ERR_LIMIT: more columns than a file may have. */
int shape_table(Ctx *cx, const Shape *shape, const void *record, Str name, ColumnTable *out);

typedef enum TableForm { TABLE_CSV, TABLE_PARQUET } TableForm;
bool table_form_of_name(Str path, TableForm *out); /* "x.csv", "x.parquet" */
int table_write(Ctx *cx, const ColumnTable *t, TableForm form, Buf *out);
