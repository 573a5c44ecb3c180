/* cli/backtest_export.c - results as files for notebooks and DuckDB: the tables of a backtest, the rows of a sweep. */

#include "api/backtest/export.h"
#include "api/backtest/search_shapes.h"
#include "base/file.h"
#include "cli/internal.h"

enum { TABLE_FILE_MAX = 1 << 30 };

static int form_of(Cli *c, Str path, TableForm *out) {
    if (table_form_of_name(path, out))
        return 0;
    return err_set_at(c->cx, ERR_USAGE, S("out"), "'" STR_FMT "' ends neither in .parquet nor in .csv", STR_ARG(path));
}

int cli_backtest_write(Cli *c, ApiCaller *api, Str id, Str table, Str path) {
    TableForm form;
    RawBody file = { 0 };
    int r = form_of(c, path, &form);
    BacktestExportQuery q = { id, table, form == TABLE_PARQUET ? S("parquet") : S("csv") };
    if (r == 0)
        r = api_call(api, c->cx, &op_backtest_export, &q, &file);
    return r ? r : file_write(c->cx, str_cz(c->cx->arena, path), file.bytes, 0644);
}

int cli_sweep_write(Cli *c, const SweepResponse *s, Str path) {
    TableForm form;
    ColumnTable table;
    Buf file;
    int r = form_of(c, path, &form);
    if (r == 0)
        r = shape_table(c->cx, &sweep_response_shape, s, S("best"), &table);
    if (r != 0)
        return r;
    const TableLabel labels[] = { { S("table"), S("sweep") },
                                  { S("exchange"), s->exchange },
                                  { S("symbol"), s->symbol },
                                  { S("timeframe"), s->timeframe },
                                  { S("strategy_type"), s->strategy_type },
                                  { S("engine"), s->engine },
                                  { S("simulated"), s->simulated ? S("true") : S("false") } };
    table.labels = labels;
    table.n_labels = ARRAY_LEN(labels);
    buf_init(&file, TABLE_FILE_MAX);
    r = table_write(c->cx, &table, form, &file);
    if (r == 0)
        r = file_write(c->cx, str_cz(c->cx->arena, path), buf_str(&file), 0644);
    buf_done(&file);
    return r;
}

typedef struct ResultsIn {
    Str id, table, out;
} ResultsIn;

static int run_results(Cli *c, const void *in_) {
    const ResultsIn *in = in_;
    ApiCaller *api;
    Str path = in->out.n ? in->out
                         : str_fmt(c->cx->arena, STR_FMT "-" STR_FMT ".parquet", STR_ARG(in->id), STR_ARG(in->table));
    int r = cli_api(c, &api);
    if (r == 0)
        r = cli_backtest_write(c, api, in->id, in->table, path);
    if (r != 0)
        return cli_fail(c, r);
    if (!c->quiet)
        fprintf(c->err, STR_FMT "\n", STR_ARG(path));
    return 0;
}

/* clang-format off */
static const Field results_f[] = {
    FIELD(ResultsIn, id, .flags = F_REQUIRED, .max = 64, .doc = "Its backtest_id."),
    FIELD(ResultsIn, table, .def = "equity", .choices = backtest_export_tables, .doc = "The account at every candle, every trade, or every order with its fate."),
    FIELD(ResultsIn, out, .max = 4096, .doc = "File to write, .parquet or .csv. Left out: ID-TABLE.parquet here.", .example = "trades.parquet"),
};
static SHAPE(results_flags, ResultsIn, results_f);
/* clang-format on */

const Command cmd_results = {
    .name = "results",
    .group = "Backtesting",
    .summary = "A table of a kept backtest as Parquet or CSV",
    .run = run_results,
    .help = "Columns have the names of the JSON. DuckDB, pandas and polars read the Parquet file as it is.",
    .examples = "finsight results bt_123456789 trades --out trades.parquet\n"
                "finsight results bt_123456789 equity --out equity.csv",
    .flags = &results_flags,
    .positional = (const char *const[]){ "id", "table", NULL },
};
