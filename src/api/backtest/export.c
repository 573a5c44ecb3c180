/* api/backtest/export.c - see export.h. */

#include "api/backtest/export.h"

#include "api/backtest/handlers.h"

enum { FILE_MAX = 1 << 30 };

const char *const backtest_export_tables[] = { "equity", "trades", "orders", NULL };
static const char *const formats[] = { "parquet", "csv", NULL };

/* clang-format off */
static const Field export_f[] = {
    FIELD(BacktestExportQuery, id, .flags = F_REQUIRED, .max = 64, .doc = "Its backtest_id.", .example = "bt_123456789"),
    FIELD(BacktestExportQuery, table, .def = "equity", .choices = backtest_export_tables, .doc = "The account at every candle, every trade, or every order with its fate."),
    FIELD(BacktestExportQuery, format, .def = "parquet", .choices = formats, .doc = "parquet, or csv."),
};
SHAPE(backtest_export_shape, BacktestExportQuery, export_f, .doc = "A table of a kept backtest.");
/* clang-format on */

int backtest_table(Ctx *cx, const BacktestResponse *b, Str table, ColumnTable *out) {
    Str member = str_eq(table, S("equity")) ? S("equity_curve") : table;
    TableLabel *labels = arena_new_n(cx->arena, TableLabel, 8);
    int r = shape_table(cx, &backtest_response_shape, b, member, out);
    if (r)
        return r;
    size_t n = 0;
    labels[n++] = (TableLabel){ S("backtest_id"), b->backtest_id };
    labels[n++] = (TableLabel){ S("table"), table };
    labels[n++] = (TableLabel){ S("exchange"), b->exchange };
    labels[n++] = (TableLabel){ S("symbol"), b->symbol };
    labels[n++] = (TableLabel){ S("timeframe"), b->timeframe };
    labels[n++] = (TableLabel){ S("strategy_type"), b->strategy_type };
    labels[n++] = (TableLabel){ S("engine"), b->engine };
    labels[n++] = (TableLabel){ S("simulated"), b->simulated ? S("true") : S("false") };
    out->labels = labels;
    out->n_labels = n;
    return 0;
}

int backtest_api_export(void *role, Ctx *cx, const void *in_, void *out_) {
    const BacktestExportQuery *in = in_;
    RawBody *out = out_;
    StoredBacktest b;
    BacktestResponse all;
    ColumnTable table;
    bool parquet = str_eq(in->format, S("parquet"));
    int r = backtest_api_missing(cx, in->id, backtest_service_get(role, cx, in->id, &b));
    if (r != 0)
        return r;
    backtest_api_show(cx, &b, &(ShowOptions){ INT64_MAX, S("all") }, &all);
    r = backtest_table(cx, &all, in->table, &table);
    Buf file;
    buf_init(&file, FILE_MAX);
    if (r == 0)
        r = table_write(cx, &table, parquet ? TABLE_PARQUET : TABLE_CSV, &file);
    if (r == 0)
        *out = (RawBody){ .media = parquet ? S("application/vnd.apache.parquet") : S("text/csv; charset=utf-8"),
                          .bytes = str_dup(cx->arena, buf_str(&file)) };
    buf_done(&file);
    return r;
}
