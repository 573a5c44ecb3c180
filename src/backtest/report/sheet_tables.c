/* backtest/report/sheet_tables.c - the tear sheet's tables. */

#include "backtest/report/series.h"
#include "backtest/report/sheet.h"
#include "backtest/ta4j/ta4j.h"

#include <math.h>

static void scroll(Sheet *s, const char *label) { /* a wide table scrolls by itself, also by keyboard */
    buf_printf(s->b, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">", label);
}

/* --- months --- */

static void month_cell(Sheet *s, double v, double scale, const char *class) {
    if (isnan(v)) {
        buf_printf(s->b, "<td class=\"%s\"></td>", class);
        return;
    }
    double strength = scale > 0 ? MIN(fabs(v) / scale, 1) : 0;
    buf_printf(s->b, "<td class=\"%s%s\" style=\"--h:%.2f\">", class, v < 0 ? "q" : "p", 0.04 + 0.44 * strength);
    html_number(s->b, 100 * v, 1);
    HTML(s->b, "</td>");
}

void sheet_months(Sheet *s) {
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    MonthReturns *years;
    size_t n;
    double scale = 0;
    month_returns(s->r->initial_cash, s->r->equity, s->r->time_ms, s->r->n_steps, s->scratch, &years, &n);
    for (size_t y = 0; y < n; y++)
        for (int m = 0; m < 12; m++)
            scale = isnan(years[y].month[m]) ? scale : MAX(scale, fabs(years[y].month[m]));
    scale = MIN(scale, 0.2);
    sheet_section(s, "months", "Returns by month",
                  "Per cent, from the last candle before the month to its last. Blue gained, orange lost.");
    scroll(s, "Returns by month");
    HTML(s->b, "<table class=\"months\"><thead><tr><th scope=\"col\">year</th>");
    for (int m = 0; m < 12; m++)
        buf_printf(s->b, "<th scope=\"col\">%s</th>", names[m]);
    HTML(s->b, "<th scope=\"col\" class=\"y\">year</th></tr></thead><tbody>\n");
    for (size_t y = 0; y < n; y++) {
        buf_printf(s->b, "<tr><th scope=\"row\">%d</th>", years[y].year);
        for (int m = 0; m < 12; m++)
            month_cell(s, years[y].month[m], scale, "");
        month_cell(s, years[y].total, scale * 2.5, "y ");
        HTML(s->b, "</tr>\n");
    }
    HTML(s->b, "</tbody></table></div>\n");
    sheet_section_end(s);
}

/* --- metrics --- */

void sheet_metrics(Sheet *s) {
    static const char *const groups[METRIC_GROUPS] = { "Return", "Risk",    "Drawdown",
                                                       "Trades", "Account", "Against the benchmark" };
    sheet_section(s, "metrics", "All figures",
                  "Each with what it says and how it is computed. A dash means that the figure has no value here; the "
                  "definition tells when.");
    scroll(s, "All figures");
    HTML(s->b, "<table><thead><tr><th scope=\"col\">figure</th><th class=\"n\" scope=\"col\">value</th>"
               "<th scope=\"col\">what it says</th></tr></thead>\n");
    for (MetricGroup g = 0; g < METRIC_GROUPS; g++) {
        if (g == METRIC_OF_BENCHMARK && !s->in->benchmark)
            continue;
        buf_printf(s->b, "<tbody><tr class=\"group\"><th colspan=\"3\" scope=\"rowgroup\">%s</th></tr>\n", groups[g]);
        for (MetricId id = 0; id < METRICS; id++) {
            const MetricInfo *m = metric_info(id);
            if (m->group != g)
                continue;
            buf_printf(s->b, "<tr><th scope=\"row\">%s</th><td class=\"n\">", m->label);
            html_metric(s->b, m->unit, s->m->v[id]);
            HTML(s->b, "</td><td class=\"d\">");
            html_text(s->b, str_c(m->words));
            HTML(s->b, " <code>");
            html_text(s->b, str_c(m->formula));
            HTML(s->b, "</code>");
            if (isnan(s->m->v[id]) && m->null[0]) {
                HTML(s->b, " <b>No value:</b> ");
                html_text(s->b, str_c(m->null));
                HTML(s->b, ".");
            }
            HTML(s->b, "</td></tr>\n");
        }
        HTML(s->b, "</tbody>");
    }
    HTML(s->b, "</table></div>\n");
    sheet_section_end(s);
}

/* --- trades --- */

static void when(Sheet *s, size_t step) {
    HTML(s->b, "<td class=\"n\">");
    html_date(s->b, s->r->time_ms[step], s->with_time);
    HTML(s->b, "</td>");
}

static void number_cell(Sheet *s, double v, int decimals) {
    HTML(s->b, "<td class=\"n\">");
    html_number(s->b, v, decimals);
    HTML(s->b, "</td>");
}

static void price_cell(Sheet *s, double v) {
    HTML(s->b, "<td class=\"n\">");
    html_price(s->b, v);
    HTML(s->b, "</td>");
}

static void trade_row(Sheet *s, const Trade *t) {
    double in = fabs(t->size * t->entry_price);
    buf_printf(s->b, "<tr><th scope=\"row\">%u</th><td>", t->id);
    html_text(s->b, symbol_str(&s->r->assets[t->asset].symbol));
    buf_printf(s->b, "</td><td>%s</td>", side_name(t->side));
    when(s, t->entry_step);
    price_cell(s, t->entry_price);
    if (t->closed) {
        when(s, t->exit_step);
        price_cell(s, t->exit_price);
    } else {
        HTML(s->b, "<td class=\"n d\">still open</td>");
        price_cell(s, t->exit_price);
    }
    number_cell(s, fabs(t->size), fabs(t->size) >= 100 ? 1 : 4);
    number_cell(s, t->fees + t->costs, 2);
    buf_printf(s->b, "<td class=\"n %s\">", t->pnl_net < 0 ? "loss" : "gain");
    html_number(s->b, t->pnl_net, 2);
    buf_printf(s->b, "</td><td class=\"n %s\">", t->pnl_net < 0 ? "loss" : "gain");
    html_signed_percent(s->b, in > 0 ? t->pnl_net / in : NAN, 2);
    HTML(s->b, "</td></tr>\n");
}

void sheet_trades(Sheet *s) {
    size_t n = s->r->n_trades, most = s->in->trades_max ? s->in->trades_max : 400, half = most / 2;
    if (n == 0)
        return;
    HTML(s->b, "<section id=\"trades\" class=\"long\" aria-labelledby=\"trades-h\"><h2 id=\"trades-h\">List of "
               "trades</h2>\n<p class=\"cap\">");
    html_count(s->b, s->r->n_closed);
    HTML(s->b, " closed, ");
    html_count(s->b, n - s->r->n_closed);
    HTML(s->b, " open at the end. Net is after fees, interest and funding.");
    if (n > most) {
        HTML(s->b, " The first ");
        html_count(s->b, most - half);
        HTML(s->b, " and the last ");
        html_count(s->b, half);
        HTML(s->b, "; the CSV has all.");
    }
    buf_printf(s->b, "</p>\n<details%s><summary>Show the trades</summary>\n", n <= 60 ? " open" : "");
    scroll(s, "Trades");
    HTML(s->b, "<table><thead><tr><th scope=\"col\">nr</th><th scope=\"col\">symbol</th><th scope=\"col\">side</th>"
               "<th class=\"n\" scope=\"col\">entry</th><th class=\"n\" scope=\"col\">at</th><th class=\"n\" "
               "scope=\"col\">exit</th>"
               "<th class=\"n\" scope=\"col\">at</th><th class=\"n\" scope=\"col\">size</th><th class=\"n\" "
               "scope=\"col\">costs</th>"
               "<th class=\"n\" scope=\"col\">net</th><th class=\"n\" scope=\"col\">return</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        if (n > most && i == most - half) {
            HTML(s->b, "<tr><td class=\"d\" colspan=\"11\">\xE2\x80\xA6 ");
            html_count(s->b, n - most);
            HTML(s->b, " left out</td></tr>\n");
            i = n - half;
            if (half == 0)
                break;
        }
        trade_row(s, &s->r->trades[i]);
    }
    HTML(s->b, "</tbody></table></div></details>\n");
    sheet_section_end(s);
}

/* --- orders that were refused --- */

enum { REFUSED_MAX = 100 };

static bool refused(const Order *o) {
    return o->status == ORDER_MARGIN || o->status == ORDER_REJECTED;
}

static void refused_row(Sheet *s, const Order *o) {
    buf_printf(s->b, "<tr><th scope=\"row\">%u</th>", o->id);
    when(s, o->created_step);
    HTML(s->b, "<td>");
    html_text(s->b, symbol_str(&s->r->assets[o->asset].symbol));
    buf_printf(s->b, "</td><td>%s %s</td>", o->size < 0 ? "sell" : "buy", order_type_name(o->type));
    number_cell(s, fabs(o->size), 4);
    price_cell(s, o->created_price);
    HTML(s->b, "<td class=\"d\">");
    html_text(s->b, str_c(order_reason_words(o->reason)));
    if (o->needed > 0) {
        HTML(s->b, "; ");
        html_number(s->b, o->needed, 2);
        HTML(s->b, " short");
    }
    HTML(s->b, "</td></tr>\n");
}

void sheet_refused(Sheet *s) {
    const BacktestResult *r = s->r;
    size_t n = r->counts.by_status[ORDER_MARGIN] + r->counts.by_status[ORDER_REJECTED], shown = 0;
    sheet_section(s, "refused", "Refused orders", NULL);
    HTML(s->b, "<p class=\"cap\">");
    html_count(s->b, n);
    HTML(s->b, " of ");
    html_count(s->b, r->counts.n);
    buf_put_str(s->b, n > REFUSED_MAX ? S(" orders; the first 100 are listed.</p>\n") : S(" orders.</p>\n"));
    if (n > 0 && r->orders) {
        scroll(s, "Refused orders");
        HTML(s->b,
             "<table><thead><tr><th scope=\"col\">order</th><th class=\"n\" scope=\"col\">decided</th><th "
             "scope=\"col\">symbol</th>"
             "<th scope=\"col\">what</th><th class=\"n\" scope=\"col\">size</th><th class=\"n\" scope=\"col\">at</th>"
             "<th scope=\"col\">why not</th></tr></thead><tbody>\n");
        for (size_t i = 0; i < r->n_orders && shown < REFUSED_MAX; i++)
            if (refused(&r->orders[i])) {
                refused_row(s, &r->orders[i]);
                shown++;
            }
        HTML(s->b, "</tbody></table></div>\n");
    }
    sheet_section_end(s);
}

/* --- ta4j's criteria --- */

void sheet_criteria(Sheet *s) {
    const BacktestResult *r = s->r;
    if (r->n_criteria == 0)
        return;
    sheet_section(s, "criteria", "ta4j's criteria", "By ta4j's names and conventions: closed positions alone.");
    scroll(s, "ta4j's criteria");
    HTML(s->b, "<table><thead><tr><th scope=\"col\">criterion</th><th class=\"n\" scope=\"col\">value</th>"
               "<th scope=\"col\">what it is</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < r->n_criteria; i++) {
        HTML(s->b, "<tr><td>");
        html_text(s->b, str_c(r->criteria[i].name));
        HTML(s->b, "</td><td class=\"n\">");
        if (isnan(r->criteria[i].value))
            HTML(s->b, "\xE2\x80\x93");
        else
            html_number(s->b, r->criteria[i].value, 6);
        HTML(s->b, "</td><td>");
        html_text(s->b, str_c(r->criteria[i].words));
        HTML(s->b, "</td></tr>\n");
    }
    HTML(s->b, "</tbody></table></div>\n");
    sheet_section_end(s);
}

/* --- what was assumed --- */

void sheet_assumptions(Sheet *s) {
    sheet_section(s, "assumptions", "Assumptions",
                  "What the engine took for granted. A live account is not obliged to.");
    HTML(s->b, "<ul class=\"list\">");
    for (size_t i = 0; i < s->r->assumptions.n; i++) {
        HTML(s->b, "<li>");
        html_text(s->b, s->r->assumptions.v[i]);
        HTML(s->b, "</li>\n");
    }
    HTML(s->b, "</ul>\n");
    sheet_section_end(s);
}
