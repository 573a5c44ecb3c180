/* backtest/report/result_csv.c - see result_csv.h. */

#include "backtest/report/result_csv.h"

#include "base/csv.h"
#include "base/num.h"

#include <math.h>

typedef struct Row {
    Buf *out;
    size_t n;
} Row;

static void put_text(Row *row, Str text) {
    if (row->n++ > 0)
        buf_put_c(row->out, ',');
    csv_write_field(row->out, ',', text);
}

static void put_number(Row *row, double v) {
    char text[NUM_TEXT_MAX];
    put_text(row, isfinite(v) ? str_n(text, num_format_f64(v, text)) : (Str){ 0 });
}

static void put_time(Row *row, const BacktestResult *r, size_t step, bool known) {
    char text[TIME_TEXT_MAX];
    put_text(row, known ? str_n(text, time_format_iso(time_ms(r->time_ms[step]), text)) : (Str){ 0 });
}

static void end_row(Row *row) {
    BUF_LIT(row->out, "\r\n");
    row->n = 0;
}

static int done(const Buf *out) {
    return buf_ok(out) ? 0 : ERR_LIMIT;
}

int result_trades_csv(const BacktestResult *r, Buf *out) {
    Row row = { .out = out };
    BUF_LIT(out, "id,symbol,side,size,entry_time,entry_price,exit_time,exit_price,pnl,fees,costs,pnl_net,candles\r\n");
    for (size_t i = 0; i < r->n_trades; i++) {
        const Trade *t = &r->trades[i];
        put_number(&row, t->id);
        put_text(&row, symbol_str(&r->assets[t->asset].symbol));
        put_text(&row, str_c(side_name(t->side)));
        put_number(&row, t->size);
        put_time(&row, r, t->entry_step, true);
        put_number(&row, t->entry_price);
        put_time(&row, r, t->exit_step, t->closed);
        put_number(&row, t->closed ? t->exit_price : NAN);
        put_number(&row, t->pnl);
        put_number(&row, t->fees);
        put_number(&row, t->costs);
        put_number(&row, t->pnl_net);
        put_number(&row, t->closed ? (double)(t->exit_step - t->entry_step) : NAN);
        end_row(&row);
    }
    return done(out);
}

int result_equity_csv(const BacktestResult *r, Buf *out) {
    Row row = { .out = out };
    double peak = r->initial_cash;
    BUF_LIT(out, "time,equity,drawdown\r\n");
    for (size_t i = 0; i < r->n_steps; i++) {
        peak = MAX(peak, r->equity[i]);
        put_time(&row, r, i, true);
        put_number(&row, r->equity[i]);
        put_number(&row, 1 - r->equity[i] / peak);
        end_row(&row);
    }
    return done(out);
}

int sweep_csv(const SweepResult *r, Buf *out) {
    Row row = { .out = out };
    put_text(&row, S("rank"));
    for (size_t k = 0; k < r->n_axes; k++)
        put_text(&row, r->axes[k].name);
    for (SweepFigure f = 0; f < SWEEP_FIGURES; f++)
        put_text(&row, str_c(sweep_figure_info(f)->name));
    put_text(&row, S("refused_orders"));
    end_row(&row);
    for (size_t i = 0; i < r->n; i++) {
        const SweepRow *s = &r->rows[r->ranked[i]];
        put_number(&row, (double)i + 1);
        for (size_t k = 0; k < r->n_axes; k++)
            put_number(&row, s->p[k]);
        for (SweepFigure f = 0; f < SWEEP_FIGURES; f++)
            put_number(&row, s->err ? NAN : s->v[f]);
        put_number(&row, s->err ? NAN : s->n_refused);
        end_row(&row);
    }
    return done(out);
}
