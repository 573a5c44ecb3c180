/* app/foreign.c - see foreign.h. */

#include "app/foreign.h"

#include "app/app.h"

typedef struct Rows {
    int (*row)(void *arg, Ctx *cx, const Str *cells, size_t n);
    void *arg;
    const SqlColumn *columns;
    size_t n;
} Rows;

static int on_names(void *arg, Ctx *cx, const SqlColumn *v, size_t n) {
    Rows *r = arg;
    SqlColumn *columns = arena_new_n(cx->arena, SqlColumn, n);
    for (size_t i = 0; i < n; i++) {
        columns[i] = v[i];
        columns[i].name = str_dup(cx->arena, v[i].name);
    }
    r->columns = columns;
    r->n = n;
    return 0;
}

static int no_row(void *arg, Ctx *cx, const Str *cells, size_t n) {
    UNUSED(arg);
    UNUSED(cx);
    UNUSED(cells);
    UNUSED(n);
    return SQL_ENOUGH;
}

static int header(void *arg, Ctx *cx, const SqlColumn *v, size_t n) {
    Rows *r = arg;
    Str *names = arena_new_n(cx->arena, Str, n);
    for (size_t i = 0; i < n; i++)
        names[i] = v[i].name;
    return r->row(r->arg, cx, names, n);
}

static int on_row(void *arg, Ctx *cx, const Str *cells, size_t n) {
    Rows *r = arg;
    return r->row(r->arg, cx, cells, n);
}

static void put_quoted(Buf *b, Str s, char quote) {
    buf_put_c(b, quote);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == quote)
            buf_put_c(b, quote);
        buf_put_c(b, s.p[i]);
    }
    buf_put_c(b, quote);
}

/* Flags are a number in files that began as ours. */
static bool is_flags(const SqlColumn *c) {
    return c->number && str_eq_nocase(c->name, S("flags"));
}

static void put_column(Buf *b, const SqlColumn *c) {
    if (c->moment)
        BUF_LIT(b, "strftime(make_timestamp(epoch_us(");
    else if (is_flags(c))
        BUF_LIT(b, "concat_ws('+', CASE WHEN ");
    put_quoted(b, c->name, '"');
    if (c->moment) {
        BUF_LIT(b, ")), '%Y-%m-%dT%H:%M:%S.%gZ') AS ");
        put_quoted(b, c->name, '"');
    } else if (is_flags(c)) {
        BUF_LIT(b, " & 1 > 0 THEN 'open' END, CASE WHEN ");
        put_quoted(b, c->name, '"');
        BUF_LIT(b, " & 2 > 0 THEN 'synthetic' END, CASE WHEN ");
        put_quoted(b, c->name, '"');
        BUF_LIT(b, " & 4 > 0 THEN 'simulated' END) AS flags");
    }
}

/* SELECT each column in the form wanted, in the file's order of rows. */
static Str query_of(Ctx *cx, const Rows *r, Str path) {
    enum { TEXT_MAX = 1 << 20 };
    Buf b;
    buf_init(&b, TEXT_MAX);
    BUF_LIT(&b, "SELECT ");
    for (size_t i = 0; i < r->n; i++) {
        buf_put_str(&b, i ? S(", ") : S(""));
        put_column(&b, &r->columns[i]);
    }
    BUF_LIT(&b, " FROM read_parquet(");
    put_quoted(&b, path, '\'');
    BUF_LIT(&b, ", hive_partitioning=false)");
    Str out = buf_ok(&b) ? str_dup(cx->arena, buf_str(&b)) : (Str){ 0 };
    buf_done(&b);
    return out;
}

int app_foreign_rows(Cli *c, const char *path, int (*row)(void *arg, Ctx *cx, const Str *cells, size_t n), void *arg) {
    const App *app = (const App *)c;
    Ctx *cx = c->cx;
    CLEANUP(sql_engine_closep) SqlEngine *engine = platform_sql(&app->cfg, 0);
    Str file = str_c(path);
    Rows rows = { .row = row, .arg = arg };
    SqlAsk ask = { .allow = &file, .n_allow = 1 };
    Buf all;
    buf_init(&all, 1 << 16);
    BUF_LIT(&all, "SELECT * FROM read_parquet(");
    put_quoted(&all, file, '\'');
    BUF_LIT(&all, ", hive_partitioning=false) LIMIT 0");
    ask.sql = buf_str(&all);
    int r = buf_ok(&all) ? sql_engine_query(engine, cx, &ask, &(SqlSink){ on_names, no_row, &rows })
                         : err_set(cx, ERR_INVALID, "the path is too long");
    buf_done(&all);
    if (r < 0)
        return r;
    ask.sql = query_of(cx, &rows, file);
    return sql_engine_query(engine, cx, &ask, &(SqlSink){ header, on_row, &rows });
}
