#pragma once

/* adapters/lake/duck_lib.h - DuckDB's C API, as much of it as is used, bound at run time. Declared by hand, by name and
 * layout of DuckDB 1.x's duckdb.h, so that nothing of it is needed to build. */

#include "base/str.h"

typedef struct DuckResult { /* duckdb_result */
    uint64_t columns, rows, changed;
    void *column_data;
    char *error;
    void *internal;
} DuckResult;

typedef union DuckString { /* duckdb_string_t */
    struct {
        uint32_t n;
        char prefix[4];
        const char *p;
    } far;
    struct {
        uint32_t n;
        char bytes[12];
    } near;
} DuckString;

enum { DUCK_SELECT = 1 };

typedef struct DuckLib {
    void *library, *db, *connection;
    int (*open)(const char *path, void **db);
    int (*connect)(void *db, void **connection);
    int (*query)(void *connection, const char *sql, DuckResult *out);
    const char *(*result_error)(DuckResult *r);
    void (*destroy_result)(DuckResult *r);
    uint64_t (*extract_statements)(void *connection, const char *sql, void **out);
    const char *(*extract_statements_error)(void *extracted);
    int (*prepare_extracted_statement)(void *connection, void *extracted, uint64_t i, void **out);
    int (*prepare)(void *connection, const char *sql, void **out);
    const char *(*prepare_error)(void *statement);
    int (*prepared_statement_type)(void *statement);
    int (*execute_prepared_streaming)(void *statement, DuckResult *out);
    uint64_t (*column_count)(DuckResult *r);
    const char *(*column_name)(DuckResult *r, uint64_t column);
    int (*column_type)(DuckResult *r, uint64_t column);
    void *(*fetch_chunk)(DuckResult r);
    void (*destroy_data_chunk)(void **chunk);
    uint64_t (*data_chunk_get_size)(void *chunk);
    void *(*data_chunk_get_vector)(void *chunk, uint64_t column);
    void *(*vector_get_data)(void *vector);
    uint64_t *(*vector_get_validity)(void *vector);
} DuckLib;

/* Opens the library and a database in memory. NULL, or why not. */
const char *duck_lib_open(DuckLib *d, Str library, Arena *a);
