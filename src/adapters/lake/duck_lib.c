/* adapters/lake/duck_lib.c - see duck_lib.h. */

#include "adapters/lake/duck_lib.h"

#include <dlfcn.h>
#include <unistd.h>

static bool bind_symbols(DuckLib *d) {
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        { "duckdb_open", &d->open },
        { "duckdb_connect", &d->connect },
        { "duckdb_query", &d->query },
        { "duckdb_result_error", &d->result_error },
        { "duckdb_destroy_result", &d->destroy_result },
        { "duckdb_extract_statements", &d->extract_statements },
        { "duckdb_extract_statements_error", &d->extract_statements_error },
        { "duckdb_prepare_extracted_statement", &d->prepare_extracted_statement },
        { "duckdb_prepare", &d->prepare },
        { "duckdb_prepare_error", &d->prepare_error },
        { "duckdb_prepared_statement_type", &d->prepared_statement_type },
        { "duckdb_execute_prepared_streaming", &d->execute_prepared_streaming },
        { "duckdb_column_count", &d->column_count },
        { "duckdb_column_name", &d->column_name },
        { "duckdb_column_type", &d->column_type },
        { "duckdb_fetch_chunk", &d->fetch_chunk },
        { "duckdb_destroy_data_chunk", &d->destroy_data_chunk },
        { "duckdb_data_chunk_get_size", &d->data_chunk_get_size },
        { "duckdb_data_chunk_get_vector", &d->data_chunk_get_vector },
        { "duckdb_vector_get_data", &d->vector_get_data },
        { "duckdb_vector_get_validity", &d->vector_get_validity },
    };
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        void *p = dlsym(d->library, symbols[i].name);
        if (!p)
            return false;
        memcpy(symbols[i].slot, &p, sizeof p);
    }
    return true;
}

/* Where it may lie: as told; beside the program, as it is installed; in the cache that tools/setup fills. */
static void *open_library(Str library, Arena *a) {
    char exe[4096];
    if (library.n)
        return dlopen(str_cz(a, library), RTLD_NOW | RTLD_LOCAL);
    void *lib = NULL;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    for (; n > 0 && !lib; n--)
        if (exe[n - 1] == '/') {
            static const char *const places[] = { "libduckdb.so", "lib/finsight/libduckdb.so",
                                                  ".cache/duckdb/libduckdb.so" };
            for (size_t i = 0; i < ARRAY_LEN(places) && !lib; i++)
                lib = dlopen(str_cz(a, str_fmt(a, "%.*s%s", (int)n, exe, places[i])), RTLD_NOW | RTLD_LOCAL);
        }
    return lib ? lib : dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL);
}

const char *duck_lib_open(DuckLib *d, Str library, Arena *a) {
    *d = (DuckLib){ .library = open_library(library, a) };
    if (!d->library)
        return "DuckDB is not installed: run  tools/setup peers , or fetch libduckdb.so 1.x and name it with "
               "sql.library";
    if (!bind_symbols(d))
        return "libduckdb.so is of a version that does not fit: 1.4 is known to";
    if (d->open(NULL, &d->db) || d->connect(d->db, &d->connection))
        return "DuckDB did not start";
    return NULL;
}
