/* api/storage/sql.c - a query over the lake, its rows as JSON arrays. */

#include "api/storage/handlers.h"
#include "base/num.h"

enum { ROWS_BYTES = 16 << 20, CELL_MAX = 1 << 20 };

typedef struct Answer {
    SqlResponse *out;
    const SqlColumn *columns;
    int64_t limit;
    Buf rows;
} Answer;

static int on_columns(void *arg, Ctx *cx, const SqlColumn *v, size_t n) {
    Answer *a = arg;
    SqlColumnRow *rows = arena_new_n(cx->arena, SqlColumnRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (SqlColumnRow){ v[i].name, v[i].number    ? S("number")
                                             : v[i].logical ? S("boolean")
                                             : v[i].moment  ? S("moment")
                                                            : S("text") };
    a->columns = v;
    a->out->columns = (List){ rows, n };
    return 0;
}

/* nan and inf are no JSON. */
static void put_cell(JsonWriter *w, const SqlColumn *c, Str cell) {
    double number;
    if (!cell.p)
        json_null(w);
    else if (c->logical)
        json_bool(w, str_eq(cell, S("true")));
    else if (c->number && num_parse_f64(cell, &number))
        json_raw(w, cell);
    else
        json_str(w, cell);
}

static int on_row(void *arg, Ctx *cx, const Str *cells, size_t n) {
    Answer *a = arg;
    size_t had = a->rows.n;
    JsonWriter w;
    if (a->out->count == a->limit) {
        a->out->truncated = true;
        return SQL_ENOUGH;
    }
    for (size_t i = 0; i < n; i++)
        if (cells[i].n > CELL_MAX)
            return err_set(cx, ERR_LIMIT, "a value of column " STR_FMT " is larger than %d bytes",
                           STR_ARG(a->columns[i].name), CELL_MAX);
    if (a->out->count)
        buf_put_c(&a->rows, ',');
    json_writer_init(&w, &a->rows, false);
    json_array(&w);
    for (size_t i = 0; i < n; i++)
        put_cell(&w, &a->columns[i], cells[i]);
    json_array_end(&w);
    if (!buf_ok(&a->rows)) { /* the rows before it are whole */
        a->rows.n = had;
        a->out->truncated = true;
        return SQL_ENOUGH;
    }
    a->out->count++;
    return 0;
}

int storage_api_sql(void *role_, Ctx *cx, const void *in_, void *out_) {
    StorageRole *role = role_;
    const SqlRequest *in = in_;
    SqlResponse *out = out_;
    Answer a = { .out = out, .limit = in->limit };
    SqlAsk ask = { .sql = in->query, .timeout_ms = in->timeout_ms };
    SqlSink sink = { on_columns, on_row, &a };
    MonoNs start = clock_mono(cx->clock);
    *out = (SqlResponse){ 0 };
    if (!role->sql)
        return err_set(cx, ERR_UNAVAILABLE, "this server answers no SQL");
    int r = role->lake(role->lake_arg, cx, in->stale, &ask.lake);
    buf_init(&a.rows, ROWS_BYTES);
    buf_put_c(&a.rows, '[');
    if (r == 0)
        r = sql_engine_query(role->sql, cx, &ask, &sink);
    if (r >= 0) {
        out->rows.json = str_fmt(cx->arena, STR_FMT "]", STR_ARG(buf_str(&a.rows)));
        out->elapsed_ms = (double)(clock_mono(cx->clock).ns - start.ns) / 1e6;
    }
    buf_done(&a.rows);
    return MIN(r, 0);
}
