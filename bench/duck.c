/* bench/duck.c - see duck.h. The types are those of DuckDB 1.x's duckdb.h, by name and layout. */

#include "duck.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>

typedef struct DuckResult { /* duckdb_result */
    uint64_t columns, rows, changed;
    void *column_data;
    char *error;
    void *internal;
} DuckResult;

enum { TYPE_BIGINT = 5, TYPE_DOUBLE = 11, N_COLUMNS = 9 };

struct Duck {
    void *library, *db, *connection;
    int (*open)(const char *path, void **db);
    void (*close)(void **db);
    int (*connect)(void *db, void **connection);
    void (*disconnect)(void **connection);
    int (*query)(void *connection, const char *sql, DuckResult *out);
    void (*destroy_result)(DuckResult *r);
    uint64_t (*vector_size)(void);
    void *(*create_logical_type)(int type);
    void (*destroy_logical_type)(void **type);
    void *(*create_data_chunk)(void **types, uint64_t n);
    void (*destroy_data_chunk)(void **chunk);
    void (*data_chunk_reset)(void *chunk);
    void *(*data_chunk_get_vector)(void *chunk, uint64_t column);
    uint64_t (*data_chunk_get_size)(void *chunk);
    void (*data_chunk_set_size)(void *chunk, uint64_t n);
    void *(*vector_get_data)(void *vector);
    int (*appender_create)(void *connection, const char *schema, const char *table, void **out);
    int (*append_data_chunk)(void *appender, void *chunk);
    int (*appender_destroy)(void **appender);
    void *(*fetch_chunk)(DuckResult result);
};

static bool bind_symbols(Duck *d) {
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        { "duckdb_open", &d->open },
        { "duckdb_close", &d->close },
        { "duckdb_connect", &d->connect },
        { "duckdb_disconnect", &d->disconnect },
        { "duckdb_query", &d->query },
        { "duckdb_destroy_result", &d->destroy_result },
        { "duckdb_vector_size", &d->vector_size },
        { "duckdb_create_logical_type", &d->create_logical_type },
        { "duckdb_destroy_logical_type", &d->destroy_logical_type },
        { "duckdb_create_data_chunk", &d->create_data_chunk },
        { "duckdb_destroy_data_chunk", &d->destroy_data_chunk },
        { "duckdb_data_chunk_reset", &d->data_chunk_reset },
        { "duckdb_data_chunk_get_vector", &d->data_chunk_get_vector },
        { "duckdb_data_chunk_get_size", &d->data_chunk_get_size },
        { "duckdb_data_chunk_set_size", &d->data_chunk_set_size },
        { "duckdb_vector_get_data", &d->vector_get_data },
        { "duckdb_appender_create", &d->appender_create },
        { "duckdb_append_data_chunk", &d->append_data_chunk },
        { "duckdb_appender_destroy", &d->appender_destroy },
        { "duckdb_fetch_chunk", &d->fetch_chunk },
    };
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        void *p = dlsym(d->library, symbols[i].name);
        if (!p)
            return false;
        memcpy(symbols[i].slot, &p, sizeof p);
    }
    return true;
}

static bool run(Duck *d, const char *sql) {
    DuckResult r;
    bool ok = d->query(d->connection, sql, &r) == 0;
    d->destroy_result(&r);
    return ok;
}

Duck *duck_open(const char *library, const char *path, const char **why) {
    Duck *d = mem_new(Duck);
    *why = "libduckdb.so is not installed (tools/setup bench fetches it)";
    d->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!d->library)
        d->library = dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL);
    if (!d->library)
        return mem_free(d);
    *why = "libduckdb.so is of another version or does not open a file";
    if (!bind_symbols(d) || d->open(path, &d->db) || d->connect(d->db, &d->connection) || !run(d, "SET threads=1") ||
        !run(d, "CREATE TABLE candle(series BIGINT, t BIGINT, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, "
                "volume DOUBLE, known BIGINT, flags BIGINT)"))
        return mem_free(d);
    return d;
}

Duck *duck_close(Duck *d) {
    if (!d)
        return NULL;
    d->disconnect(&d->connection);
    d->close(&d->db);
    return mem_free(d);
}

static void fill_chunk(Duck *d, void *chunk, int series, const Candles *rows, size_t at, size_t n) {
    const void *const columns[N_COLUMNS] = { NULL,        rows->open_ms, rows->open,     rows->high, rows->low,
                                             rows->close, rows->volume,  rows->known_ms, NULL };
    for (int c = 0; c < N_COLUMNS; c++) {
        int64_t *to = d->vector_get_data(d->data_chunk_get_vector(chunk, (uint64_t)c));
        if (columns[c])
            memcpy(to, (const char *)columns[c] + at * 8, n * 8);
        for (size_t i = 0; i < n && !columns[c]; i++)
            to[i] = c == 0 ? series : rows->flags[at + i];
    }
    d->data_chunk_set_size(chunk, n);
}

bool duck_append(Duck *d, int series, const Candles *rows) {
    static const int types[N_COLUMNS] = { TYPE_BIGINT, TYPE_BIGINT, TYPE_DOUBLE, TYPE_DOUBLE, TYPE_DOUBLE,
                                          TYPE_DOUBLE, TYPE_DOUBLE, TYPE_BIGINT, TYPE_BIGINT };
    void *logical[N_COLUMNS], *appender;
    for (int c = 0; c < N_COLUMNS; c++)
        logical[c] = d->create_logical_type(types[c]);
    void *chunk = d->create_data_chunk(logical, N_COLUMNS);
    bool ok = d->appender_create(d->connection, NULL, "candle", &appender) == 0;
    size_t most = d->vector_size();
    for (size_t at = 0; ok && at < rows->n; at += most) {
        d->data_chunk_reset(chunk);
        fill_chunk(d, chunk, series, rows, at, MIN(most, rows->n - at));
        ok = d->append_data_chunk(appender, chunk) == 0;
    }
    ok = d->appender_destroy(&appender) == 0 && ok; /* flushes and commits */
    d->destroy_data_chunk(&chunk);
    for (int c = 0; c < N_COLUMNS; c++)
        d->destroy_logical_type(&logical[c]);
    return ok;
}

static void take_chunk(Duck *d, void *chunk, Candles *out) {
    size_t n = d->data_chunk_get_size(chunk);
    void *const columns[] = { out->open_ms, out->open, out->high, out->low, out->close, out->volume, out->known_ms };
    for (size_t c = 0; c < ARRAY_LEN(columns); c++)
        memcpy((char *)columns[c] + out->n * 8, d->vector_get_data(d->data_chunk_get_vector(chunk, c)), n * 8);
    const int64_t *flags = d->vector_get_data(d->data_chunk_get_vector(chunk, ARRAY_LEN(columns)));
    for (size_t i = 0; i < n; i++)
        out->flags[out->n + i] = (uint8_t)flags[i];
    out->n += n;
}

bool duck_read(Duck *d, int series, Time from, size_t limit, Candles *out) {
    char sql[256];
    DuckResult r;
    snprintf(sql, sizeof sql,
             "SELECT t, open, high, low, close, volume, known, flags FROM candle WHERE series=%d AND t>=%" PRId64
             " ORDER BY t LIMIT %zu",
             series, from.ms, limit);
    if (d->query(d->connection, sql, &r) != 0) {
        d->destroy_result(&r);
        return false;
    }
    for (void *chunk; (chunk = d->fetch_chunk(r)); d->destroy_data_chunk(&chunk))
        take_chunk(d, chunk, out);
    d->destroy_result(&r);
    return true;
}
