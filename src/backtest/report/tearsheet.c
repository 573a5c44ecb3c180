/* backtest/report/tearsheet.c - see tearsheet.h: the frame of the page. Charts and tables have their own files. */

#include "backtest/report/tearsheet.h"

#include "backtest/report/sheet.h"

#include <math.h>

void sheet_section(Sheet *s, const char *id, const char *title, const char *caption) {
    buf_printf(s->b, "<section id=\"%s\" aria-labelledby=\"%s-h\"><h2 id=\"%s-h\">%s</h2>\n", id, id, id, title);
    if (caption)
        buf_printf(s->b, "<p class=\"cap\">%s</p>\n", caption);
}

void sheet_section_end(Sheet *s) {
    HTML(s->b, "</section>\n");
}

/* --- what is computed once --- */

/* Prices by step: with one asset a step is a row; with several the last known candle stands. */
static void align_prices(Sheet *s) {
    const Candles *cs = s->in->candles;
    size_t n = s->r->n_steps, row = 0;
    s->price = arena_alloc(s->scratch, mem_mul(MAX(n, 1), sizeof(double)));
    s->low = arena_alloc(s->scratch, mem_mul(MAX(n, 1), sizeof(double)));
    s->high = arena_alloc(s->scratch, mem_mul(MAX(n, 1), sizeof(double)));
    for (size_t i = 0; i < n; i++) {
        while (row < cs->n && cs->open_ms[row] <= s->r->time_ms[i])
            row++;
        s->price[i] = row > 0 ? cs->close[row - 1] : NAN;
        s->low[i] = row > 0 ? cs->low[row - 1] : NAN;
        s->high[i] = row > 0 ? cs->high[row - 1] : NAN;
    }
    for (size_t i = 0; i < cs->n && cs->flags; i++) {
        s->n_simulated += (cs->flags[i] & CANDLE_SIMULATED) != 0;
        s->n_filled += (cs->flags[i] & CANDLE_SYNTHETIC) != 0;
    }
}

static void prepare(Sheet *s) {
    const BacktestResult *r = s->r;
    size_t n = r->n_steps;
    s->returns = arena_alloc(s->scratch, mem_mul(MAX(n, 1), sizeof(double)));
    s->drawdown = arena_alloc(s->scratch, mem_mul(MAX(n, 1), sizeof(double)));
    equity_returns(r->initial_cash, r->equity, n, s->returns);
    equity_drawdowns(r->initial_cash, r->equity, n, s->drawdown);
    for (size_t i = 0; i < n; i++)
        s->drawdown[i] = -s->drawdown[i];
    s->with_time = n > 1 && r->time_ms[n - 1] - r->time_ms[0] < (int64_t)(n - 1) * MS_PER_DAY * 9 / 10;
    if (s->in->candles && s->in->candles->n > 0)
        align_prices(s);
}

/* --- the head --- */

static void put_assets(Sheet *s) {
    for (size_t i = 0; i < s->r->n_assets && i < 6; i++) {
        if (i > 0)
            HTML(s->b, ", ");
        html_text(s->b, symbol_str(&s->r->assets[i].symbol));
    }
    if (s->r->n_assets > 6)
        buf_printf(s->b, " and %zu more", s->r->n_assets - 6);
}

static void put_name(Buf *b, Str name) { /* moving_average_crossover -> moving average crossover, first letter great */
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i] == '_' ? ' ' : name.p[i];
        if (i == 0 && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c >= 0x20 && c < 0x7F && !strchr("&<>\"'", c))
            buf_put_c(b, c);
        else
            html_text(b, (Str){ name.p + i, 1 });
    }
}

static void head(Sheet *s) {
    HTML(s->b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
               "script-src 'unsafe-inline'\"><title>");
    put_name(s->b, s->r->strategy_type);
    HTML(s->b, " \xC2\xB7 ");
    put_assets(s);
    HTML(s->b, "</title><style>");
    buf_put_str(s->b, str_c(SHEET_STYLE));
    HTML(
        s->b,
        "</style></head>\n<body><a class=\"skip\" href=\"#equity\">Skip to the charts</a>\n<header class=\"top\"><h1>");
    put_name(s->b, s->r->strategy_type);
    HTML(s->b, "</h1>\n<p class=\"sub\">");
    put_assets(s);
    char tf[TIMEFRAME_TEXT_MAX];
    HTML(s->b, " \xC2\xB7 ");
    html_text(s->b, timeframe_text(s->r->timeframe, tf));
    HTML(s->b, " \xC2\xB7 ");
    html_date(s->b, s->r->start.ms, false);
    HTML(s->b, " to ");
    html_date(s->b, s->r->end.ms, false);
    HTML(s->b, " \xC2\xB7 ");
    html_count(s->b, s->r->n_steps);
    HTML(s->b, " candles</p>\n<ul class=\"params\" aria-label=\"Parameters\">");
    for (size_t i = 0; i < s->r->n_params; i++) {
        HTML(s->b, "<li><span>");
        html_text(s->b, s->r->params[i].name);
        HTML(s->b, "</span><b>");
        html_text(s->b, s->r->params[i].text);
        HTML(s->b, "</b></li>");
    }
    HTML(s->b, "<li><span>sizing</span><b>");
    html_text(s->b, s->r->position_sizing);
    buf_printf(s->b, " %g</b></li></ul>\n", s->r->position_size);
}

static void notes(Sheet *s) {
    const BacktestResult *r = s->r;
    if (s->n_simulated > 0) {
        HTML(s->b, "<p class=\"note\" role=\"note\"><b>SIMULATED.</b> ");
        html_count(s->b, s->n_simulated);
        HTML(s->b, " of the candles came from a simulator, not from a market. Nothing here says anything about a real "
                   "one.</p>\n");
    }
    if (s->n_filled > 0) {
        HTML(s->b, "<p class=\"note\" role=\"note\"><b>FILLED.</b> ");
        html_count(s->b, s->n_filled);
        HTML(s->b, " of the candles were filled in where the market gave none.</p>\n");
    }
    if (r->explanation.n > 0) {
        HTML(s->b, "<p class=\"note\" role=\"note\"><b>No closed trade.</b> ");
        html_text(s->b, r->explanation);
        HTML(s->b, "</p>\n");
    }
    if (r->warnings.n == 0)
        return;
    HTML(s->b, "<div class=\"note\" role=\"note\"><b>Mind</b><ul>");
    for (size_t i = 0; i < r->warnings.n; i++) {
        HTML(s->b, "<li>");
        html_text(s->b, r->warnings.v[i]);
        HTML(s->b, "</li>");
    }
    HTML(s->b, "</ul></div>\n");
}

static void key(Sheet *s, MetricId id, bool sign) {
    const MetricInfo *info = metric_info(id);
    double v = s->m->v[id];
    bool colour = sign && isfinite(v) && v != 0;
    buf_printf(s->b, "<div><dt>%s</dt><dd%s>", info->label,
               !colour ? ""
               : v > 0 ? " class=\"gain\""
                       : " class=\"loss\"");
    if (sign)
        html_signed_percent(s->b, v, fabs(v) >= 10 ? 0 : 1);
    else if (info->unit == METRIC_IN_FRACTION)
        html_percent(s->b, v, 1);
    else
        html_number(s->b, v, info->unit == METRIC_IN_COUNT ? 0 : 2);
    HTML(s->b, "<small>");
}

static void keys(Sheet *s) {
    const double *v = s->m->v;
    HTML(s->b, "<dl class=\"keys\">");
    key(s, METRIC_TOTAL_RETURN, true);
    if (!isnan(v[METRIC_BENCHMARK_RETURN])) {
        html_text(s->b, s->in->benchmark_name.n ? s->in->benchmark_name : S("benchmark"));
        HTML(s->b, " ");
        html_signed_percent(s->b, v[METRIC_BENCHMARK_RETURN], fabs(v[METRIC_BENCHMARK_RETURN]) >= 10 ? 0 : 1);
    } else {
        HTML(s->b, "of ");
        html_number(s->b, s->r->initial_cash, 0);
    }
    HTML(s->b, "</small></dd></div>");
    key(s, METRIC_ANNUAL_RETURN, true);
    html_number(s->b, v[METRIC_YEARS], 1);
    HTML(s->b, " years</small></dd></div>");
    key(s, METRIC_SHARPE, false);
    HTML(s->b, "Sortino ");
    html_number(s->b, v[METRIC_SORTINO], 2);
    HTML(s->b, "</small></dd></div>");
    key(s, METRIC_MAX_DRAWDOWN, false);
    html_metric(s->b, METRIC_IN_CANDLES, v[METRIC_MAX_DRAWDOWN_CANDLES]);
    buf_put_str(s->b, str_c(s->m->recovery < 0 && s->m->trough >= 0 ? " candles, not over" : " candles long"));
    HTML(s->b, "</small></dd></div>");
    key(s, METRIC_WIN_RATE, false);
    HTML(s->b, "profit factor ");
    html_number(s->b, v[METRIC_PROFIT_FACTOR], 2);
    HTML(s->b, "</small></dd></div>");
    key(s, METRIC_TOTAL_TRADES, false);
    HTML(s->b, "exposure ");
    html_percent(s->b, v[METRIC_EXPOSURE], 0);
    HTML(s->b, "</small></dd></div></dl>\n</header>\n");
}

static void navigation(Sheet *s) {
    static const char *const links[][2] = {
        { "equity", "Account" },        { "price", "Trades on the price" }, { "months", "Months" },
        { "rolling", "Rolling" },       { "distribution", "Trades" },       { "sweep", "Sweep" },
        { "bootstrap", "Luck" },        { "metrics", "All figures" },       { "criteria", "ta4j" },
        { "trades", "List of trades" }, { "refused", "Refused" },           { "assumptions", "Assumptions" },
    };
    const bool shown[] = { true,
                           s->price != NULL,
                           true,
                           true,
                           s->r->n_closed > 0,
                           s->in->heat != NULL,
                           s->in->bootstrap != NULL,
                           true,
                           s->r->n_criteria > 0,
                           s->r->n_trades > 0,
                           true,
                           true };
    HTML(s->b, "<nav aria-label=\"Sections\"><ul>");
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        if (shown[i])
            buf_printf(s->b, "<li><a href=\"#%s\">%s</a></li>", links[i][0], links[i][1]);
    HTML(s->b, "</ul></nav>\n<main>\n");
}

static void foot(Sheet *s) {
    HTML(s->b, "</main>\n<footer><p>FinSight " FINSIGHT_VERSION " \xC2\xB7 engine ");
    html_text(s->b, s->r->engine);
    HTML(s->b, " ");
    html_text(s->b, s->r->engine_version);
    if (s->r->backtest_id.n > 0) {
        HTML(s->b, " \xC2\xB7 ");
        html_text(s->b, s->r->backtest_id);
    }
    HTML(s->b, " \xC2\xB7 times are UTC. What was, says nothing sure of what will be.</p></footer>\n");
    sheet_points(s);
    HTML(s->b, "<script>");
    buf_put_str(s->b, str_c(SHEET_SCRIPT));
    HTML(s->b, "</script></body></html>\n");
}

int tearsheet_write(Ctx *cx, const TearSheet *t, Buf *out) {
    if (!t->result->metrics)
        return err_set(cx, ERR_INVALID, "tear sheet: the result has no metrics yet");
    ArenaMark mark = arena_mark(cx->arena);
    Sheet s = { .in = t, .r = t->result, .m = t->result->metrics, .scratch = cx->arena, .b = out };
    prepare(&s);
    head(&s);
    notes(&s);
    keys(&s);
    navigation(&s);
    sheet_equity(&s);
    sheet_price(&s);
    sheet_months(&s);
    sheet_rolling(&s);
    sheet_trade_distribution(&s);
    sheet_heat(&s);
    sheet_bootstrap(&s);
    sheet_metrics(&s);
    sheet_criteria(&s);
    sheet_trades(&s);
    sheet_refused(&s);
    sheet_assumptions(&s);
    foot(&s);
    arena_rewind(cx->arena, mark);
    return buf_ok(out) ? 0 : err_set(cx, ERR_LIMIT, "tear sheet: more than %zu bytes", out->limit);
}
