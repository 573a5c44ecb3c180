/* app/sql.c - `finsight sql`: DuckDB over the lake, the store's series as Parquet files that are brought up to date first.
 *
 * The query runs in a child process that may read the lake and nothing else (adapters/lake/duck.h). */

#include "app/app.h"

#include "adapters/lake/duck.h"
#include "adapters/store/parquet.h"
#include "api/market/market_api.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/num.h"
#include "base/vec.h"
#include "cli/term.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { INDEX_MAX = 64 << 20, TABLE_ROWS_MAX = 1000, ROW_TEXT_MAX = 16 << 20 };

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

/* --- the lake --- */

/* Revisions that the lake's files have: "series revision" lines. */
static int64_t known_revision(Str index, Str series) {
    Str line, name;
    int64_t revision;
    while (str_next(&index, '\n', &line))
        if (str_next(&line, ' ', &name) && str_eq(name, series) && str_to_i64(line, &revision))
            return revision;
    return -1;
}

static int fetch(Cli *c, ApiCaller *api, const UploadResponse *d, const char *path) {
    Ctx *cx = c->cx;
    char *temp = str_cz(cx->arena, str_fmt(cx->arena, "%s.part", path));
    DatasetDownloadRequest q = { .dataset = d->dataset, .etag = d->etag, .length = 4 << 20 };
    FILE *f = fopen(temp, "wb");
    if (!f)
        return file_fail(cx, errno, "create", temp);
    int r = 0;
    while (r == 0 && q.offset < d->size) {
        ArenaMark mark = arena_mark(cx->arena);
        RawBody piece = { 0 };
        r = api_call(api, cx, &op_storage_download, &q, &piece);
        if (r == 0 && (piece.bytes.n == 0 || fwrite(piece.bytes.p, 1, piece.bytes.n, f) != piece.bytes.n))
            r = file_fail(cx, errno ? errno : EIO, "write", temp);
        q.offset += (int64_t)piece.bytes.n;
        arena_rewind(cx->arena, mark);
    }
    if (fclose(f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", temp);
    if (r == 0 && rename(temp, path) != 0)
        r = file_fail(cx, errno, "rename", temp);
    if (r != 0)
        unlink(temp);
    return r;
}

/* One series as Parquet: made by the store's owner as a dataset, taken over, and the dataset removed again. */
static int export_series(Cli *c, ApiCaller *api, const SeriesRow *s, const char *path) {
    Ctx *cx = c->cx;
    UploadResponse made = { 0 };
    DatasetRemoved gone = { 0 };
    DatasetUploadRequest up = { .exchange = s->exchange,
                                .symbol = s->symbol,
                                .timeframe = s->timeframe,
                                .provider = s->provider,
                                .format = S("parquet"),
                                .compression = S("none"),
                                .name = str_fmt(cx->arena, "lake-export/%d.parquet", (int)getpid()),
                                .replace = true };
    int r = dir_make(cx, path_dir(cx->arena, path));
    if (r == 0)
        r = api_call(api, cx, &op_storage_upload, &up, &made);
    if (r == 0)
        r = fetch(c, api, &made, path);
    if (r == 0)
        r = api_call(api, cx, &op_storage_remove, &(DatasetQuery){ .dataset = made.dataset }, &gone);
    return r;
}

/* Files of series that are stored no more. */
static int drop_removed(Ctx *cx, const char *lake, Str index, const SeriesRow *v, size_t n) {
    Str line, name;
    int r = 0;
    while (r == 0 && str_next(&index, '\n', &line)) {
        SeriesKey key;
        bool there = false;
        if (!str_next(&line, ' ', &name) || !series_key_parse(name, &key))
            continue;
        for (size_t i = 0; i < n; i++)
            there |= str_eq(v[i].series, name);
        if (!there)
            r = file_remove(cx, store_parquet_path(cx->arena, lake, &key));
    }
    return r;
}

static int refresh_lake(Cli *c, const char *lake) {
    Ctx *cx = c->cx;
    const char *path = path_join(cx->arena, lake, "exported");
    ApiCaller *api;
    SeriesList list = { 0 };
    Str index = { 0 };
    Buf now;
    int r = cli_api(c, &api);
    if (r == 0)
        r = dir_make(cx, lake);
    if (r == 0 && file_exists(path))
        r = file_read(cx, path, INDEX_MAX, &index);
    if (r == 0)
        r = api_call(api, cx, &op_market_series, NULL, &list);
    if (r)
        return r;
    const SeriesRow *v = list.series.v;
    buf_init(&now, INDEX_MAX);
    for (size_t i = 0; r == 0 && i < list.series.n; i++) {
        SeriesKey key;
        if (!series_key_parse(v[i].series, &key) || v[i].candles == 0)
            continue;
        const char *file = store_parquet_path(cx->arena, lake, &key);
        if (known_revision(index, v[i].series) != v[i].revision || !file_exists(file))
            r = export_series(c, api, &v[i], file);
        buf_printf(&now, STR_FMT " %lld\n", STR_ARG(v[i].series), (long long)v[i].revision);
    }
    if (r == 0)
        r = drop_removed(cx, lake, index, v, list.series.n);
    if (r == 0 && !str_eq(index, buf_str(&now)))
        r = file_write(cx, path, buf_str(&now), 0644);
    buf_done(&now);
    return r;
}

/* --- what is printed --- */

typedef struct Output {
    Cli *c;
    const DuckColumn *columns;
    size_t n_columns;
    int64_t n_rows;
    Table table;
    const char **heads;
    Buf line;
} Output;

static int on_columns(void *arg, Ctx *cx, const DuckColumn *v, size_t n) {
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
    DuckOptions options = { .library = app->cfg.sql_library,
                            .lake = lake,
                            .allow = allow,
                            .n_allow = in->allow.n ? allowed_files(cx, in->allow, allow, ALLOW_MAX) : 0,
                            .memory = app->cfg.sql_memory,
                            .threads = 2,
                            .timeout_ms = app->cfg.sql_timeout_ms };
    DuckSink sink = { .columns = on_columns, .row = on_row, .arg = &o };
    int r = in->stale || app->cfg.data_store == STORE_PARQUET ? dir_make(cx, lake) : refresh_lake(c, lake);
    buf_init(&o.line, ROW_TEXT_MAX);
    if (r == 0)
        r = duck_query(cx, &options, in->query, &sink);
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
