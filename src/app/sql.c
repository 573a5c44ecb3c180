/* app/sql.c - `finsight sql`: DuckDB over the lake, the store's series as Parquet files that are brought up to date first.
 *
 * The query runs in a child process that may read the lake and nothing else (adapters/lake/duck.h). */

#include "app/app.h"

#include "adapters/lake/duck.h"
#include "app/lake.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/num.h"
#include "base/vec.h"
#include "cli/term.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { TABLE_ROWS_MAX = 1000, ROW_TEXT_MAX = 16 << 20 };

typedef struct SqlIn {
    Str query, allow;
    bool stale;
} SqlIn;

/* clang-format off */
static const Field sql_f[] = {
    FIELD(SqlIn, query, .flags = F_REQUIRED, .max = 1 << 20, .doc = "One SELECT. The view candles has every stored series: exchange, symbol, timeframe, ts, open, high, low, close, volume, known_at, flags.", .example = "SELECT symbol, count(*) FROM candles GROUP BY ALL"),
    FIELD(SqlIn, allow, .doc = "Other files that the query may read, separated by commas.", .example = "trades.parquet"),
    FIELD(SqlIn, stale, .doc = "Take the lake as it lies; do not bring it up to date first."),
};
static SHAPE(sql_shape, SqlIn, sql_f);
/* clang-format on */

/* --- what is printed --- */

typedef struct Output {
    Cli *c;
    const SqlColumn *columns;
    size_t n_columns;
    int64_t n_rows;
    Table table;
    const char **heads;
    Buf line;
} Output;

static int on_columns(void *arg, Ctx *cx, const SqlColumn *v, size_t n) {
    Output *o = arg;
    o->columns = v;
    o->n_columns = n;
    if (o->c->json) {
        fputs("[", o->c->out);
    } else if (o->c->out_tty && n <= TABLE_COLUMNS_MAX) {
        o->heads = arena_new_n(cx->arena, const char *, n + 1);
        for (size_t i = 0; i < n; i++)
            o->heads[i] =
                str_cz(cx->arena, str_fmt(cx->arena, "%s" STR_FMT, v[i].number ? ">" : "", STR_ARG(v[i].name)));
        table_init(&o->table, cx->arena, o->heads);
    } else {
        Str *names = arena_new_n(cx->arena, Str, n);
        for (size_t i = 0; i < n; i++)
            names[i] = v[i].name;
        csv_write_row(&o->line, ',', names, n);
    }
    return 0;
}

/* nan and inf are no JSON. */
static void put_json_row(Output *o, const Str *cells) {
    JsonWriter w;
    buf_put_str(&o->line, o->n_rows ? S(",\n") : S("\n"));
    json_writer_init(&w, &o->line, false);
    json_object(&w);
    for (size_t i = 0; i < o->n_columns; i++) {
        double number;
        json_key(&w, o->columns[i].name);
        if (!cells[i].p)
            json_null(&w);
        else if (o->columns[i].logical)
            json_bool(&w, str_eq(cells[i], S("true")));
        else if (o->columns[i].number && num_parse_f64(cells[i], &number))
            json_raw(&w, cells[i]);
        else
            json_str(&w, cells[i]);
    }
    json_object_end(&w);
}

static int on_row(void *arg, Ctx *cx, const Str *cells, size_t n) {
    Output *o = arg;
    if (o->c->json)
        put_json_row(o, cells);
    else if (!o->heads)
        csv_write_row(&o->line, ',', cells, n);
    else if (o->n_rows < TABLE_ROWS_MAX)
        for (size_t i = 0; i < n; i++)
            table_cell(&o->table, cells[i].p ? str_dup(cx->arena, cells[i]) : S("NULL"),
                       cells[i].p ? TONE_PLAIN : TONE_DIM);
    o->n_rows++;
    if (!buf_ok(&o->line))
        return err_set(cx, ERR_LIMIT, "a row is too large to print");
    bool ok = fwrite(o->line.p, 1, o->line.n, o->c->out) == o->line.n;
    buf_clear(&o->line);
    return ok ? 0 : cli_out_fail(o->c, errno);
}

static void end_output(Output *o) {
    Cli *c = o->c;
    fwrite(o->line.p, 1, o->line.n, c->out); /* a header without rows */
    if (c->json)
        fputs(o->n_rows ? "\n]\n" : "]\n", c->out);
    if (!o->heads)
        return;
    table_print(&o->table, c);
    if (o->n_rows > TABLE_ROWS_MAX)
        fprintf(c->out, "%s… " STR_FMT " rows in all; a pipe or a file gets every one%s\n", term_tone(c, TONE_DIM),
                STR_ARG(term_count(c->cx->arena, o->n_rows)), term_end(c));
}

/* --- the command --- */

static size_t allowed_files(Ctx *cx, Str list, Str *out, size_t most) {
    Str one;
    size_t n = 0;
    while (n < most && str_next(&list, ',', &one)) {
        char *full = realpath(str_cz(cx->arena, str_trim(one)), NULL);
        out[n++] = str_dup(cx->arena, str_trim(one)); /* as it is written in the query, … */
        if (full && n < most)
            out[n++] = str_dup(cx->arena, str_c(full)); /* … and where it is */
        mem_free(full);
    }
    return n;
}

static int run_sql(Cli *c, const void *in_) {
    enum { ALLOW_MAX = 64 };
    const SqlIn *in = in_;
    App *app = (App *)c;
    Ctx *cx = c->cx;
    Output o = { .c = c };
    Str allow[ALLOW_MAX];
    const char *lake = path_join(cx->arena, app->cfg.data_dir, "lake");
    CLEANUP(sql_engine_closep) SqlEngine *engine = platform_sql(&app->cfg, 0);
    SqlAsk ask = { .sql = in->query,
                   .lake = lake,
                   .allow = allow,
                   .n_allow = in->allow.n ? allowed_files(cx, in->allow, allow, ALLOW_MAX) : 0 };
    SqlSink sink = { .columns = on_columns, .row = on_row, .arg = &o };
    ApiCaller *api;
    bool as_it_lies = in->stale || app->cfg.data_store == STORE_PARQUET;
    int r = as_it_lies ? dir_make(cx, lake) : cli_api(c, &api);
    if (r == 0 && !as_it_lies)
        r = lake_refresh(cx, api, lake);
    buf_init(&o.line, ROW_TEXT_MAX);
    if (r == 0)
        r = sql_engine_query(engine, cx, &ask, &sink);
    if (r == 0)
        end_output(&o);
    buf_done(&o.line);
    return r != 0 ? cli_fail(c, r) : 0;
}

const Command cmd_sql = {
    .name = "sql",
    .group = "Data",
    .summary = "A SELECT over all candles and Parquet files, by DuckDB",
    .run = run_sql,
    .help =
        "Brings the lake (data.dir/lake, a Parquet file for each series) up to date and asks DuckDB in a process of "
        "its own, which may read the lake and the files allowed, and write nothing. Prints a table on a terminal, CSV "
        "into a pipe, JSON with --json. Needs DuckDB: tools/setup peers fetches it.",
    .examples = "finsight sql \"SELECT symbol, count(*), max(high) FROM candles GROUP BY ALL\"\n"
                "finsight sql \"FROM 'other.parquet'\" --allow other.parquet > other.csv",
    .flags = &sql_shape,
    .positional = (const char *const[]){ "query", NULL },
};
