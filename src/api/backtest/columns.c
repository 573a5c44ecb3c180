/* api/backtest/columns.c - a request's columns beside the candles, as the service takes them. */

#include "api/backtest/handlers.h"

static int read_column(Ctx *cx, const ColumnIn *in, size_t k, BacktestColumn *out) {
    const ColumnValueIn *v = in->values.v;
    size_t n = in->values.n;
    int64_t *known_ms = arena_new_n(cx->arena, int64_t, n);
    double *value = arena_new_n(cx->arena, double, n);
    for (size_t i = 0; i < n; i++) {
        known_ms[i] = v[i].timestamp.ms;
        value[i] = v[i].value;
    }
    *out = (BacktestColumn){ .column = { .name = in->name, .known_ms = known_ms, .value = value, .n = n } };
    if (in->max_age.n && (!duration_parse_ms(in->max_age, &out->column.max_age_ms) || out->column.max_age_ms == 0))
        return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "columns[%zu].max_age", k),
                          "'" STR_FMT "' is not a length of time above 0; try 90m, 36h or 7d", STR_ARG(in->max_age));
    out->has_symbol = in->symbol.n > 0;
    if (out->has_symbol && !symbol_parse(in->symbol, &out->symbol))
        return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "columns[%zu].symbol", k), "is not a symbol");
    return 0;
}

int backtest_api_columns(Ctx *cx, const BacktestRequestIn *in, const BacktestColumn **out, size_t *n) {
    const ColumnIn *given = in->columns.v;
    BacktestColumn *columns = arena_new_n(cx->arena, BacktestColumn, in->columns.n);
    *out = columns;
    *n = in->columns.n;
    for (size_t k = 0; k < *n; k++) {
        int r = read_column(cx, &given[k], k, &columns[k]);
        if (r != 0)
            return r;
    }
    return 0;
}
