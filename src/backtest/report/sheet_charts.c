/* backtest/report/sheet_charts.c - the tear sheet's charts. */

#include "backtest/report/series.h"
#include "backtest/report/sheet.h"
#include "base/json.h"

#include <math.h>

enum { EQUITY_HEIGHT = 250, DRAWDOWN_HEIGHT = 90, PRICE_HEIGHT = 230, ROLLING_HEIGHT = 120, HISTOGRAM_HEIGHT = 150 };
enum { MARKS_MAX = 240, CANDLES_DRAWN_MAX = 200, POINTS_MAX = 480 };

static Chart chart_of(const Sheet *s, const char *id, double height) {
    return (Chart){ .b = s->b, .n = s->r->n_steps, .time_ms = s->r->time_ms, .height = height, .id = id };
}

/* Words for those who cannot see the chart: a small buffer, escaped by chart_begin. */
static Str words(Sheet *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static Str words(Sheet *s, const char *fmt, ...) {
    Buf b;
    va_list args;
    buf_init(&b, 512);
    va_start(args, fmt);
    buf_vprintf(&b, fmt, args);
    va_end(args);
    Str copy = str_dup(s->scratch, buf_str(&b));
    buf_done(&b);
    return copy;
}

/* --- the account --- */

static const double *benchmark_values(Sheet *s) {
    if (!s->in->benchmark || s->r->n_steps == 0 || !(s->in->benchmark[0] > 0))
        return NULL;
    double *v = arena_alloc(s->scratch, mem_mul(s->r->n_steps, sizeof *v));
    for (size_t i = 0; i < s->r->n_steps; i++)
        v[i] = s->r->initial_cash * s->in->benchmark[i] / s->in->benchmark[0];
    return v;
}

static void draw_equity(Sheet *s, const double *benchmark) {
    const BacktestResult *r = s->r;
    Chart c = chart_of(s, "chart-equity", EQUITY_HEIGHT);
    double low = r->initial_cash, high = low;
    chart_range(r->equity, r->n_steps, &low, &high);
    if (benchmark)
        chart_range(benchmark, r->n_steps, &low, &high);
    chart_scale(&c, low, high, false, true);
    HTML(s->b, "<ul class=\"legend\"><li><i class=\"k-eq\"></i>account</li>");
    if (benchmark) {
        HTML(s->b, "<li><i class=\"k-bm\"></i>");
        html_text(s->b, s->in->benchmark_name.n ? s->in->benchmark_name : S("benchmark"));
        HTML(s->b, "</li>");
    }
    buf_put_str(s->b, str_c(c.log ? "<li>logarithmic axis</li></ul>\n" : "</ul>\n"));
    chart_begin(&c, "Account value",
                words(s, "From %.2f to %.2f over %zu candles.", r->initial_cash, r->final_value, r->n_steps));
    chart_axes(&c, CHART_MONEY);
    chart_level(&c, r->initial_cash, "zero");
    if (benchmark)
        chart_line(&c, benchmark, "bm");
    chart_line(&c, r->equity, "eq");
    chart_end(&c);
}

static void draw_drawdown(Sheet *s) {
    Chart c = chart_of(s, "chart-drawdown", DRAWDOWN_HEIGHT);
    double low = 0, high = 0;
    chart_range(s->drawdown, c.n, &low, &high);
    chart_scale(&c, low, high, true, false);
    HTML(s->b, "<h3>Drawdown: below the highest value so far</h3>\n");
    chart_begin(&c, "Drawdown", words(s, "The deepest is %.2f %%.", 100 * s->m->v[METRIC_MAX_DRAWDOWN]));
    chart_axes(&c, CHART_PERCENT);
    chart_area(&c, s->drawdown, 0, "dd-fill");
    chart_line(&c, s->drawdown, "dd");
    chart_end(&c);
}

void sheet_equity(Sheet *s) {
    sheet_section(
        s, "equity", "Account",
        "Value at each candle's close, open positions at their mark. Point at a chart, or focus it and use the "
        "arrow keys, to read values.");
    HTML(s->b, "<output id=\"readout\" aria-live=\"polite\"></output>\n");
    if (s->r->n_steps > 0) {
        draw_equity(s, benchmark_values(s));
        draw_drawdown(s);
    }
    if (s->m->trough >= 0) {
        const int64_t *t = s->r->time_ms;
        HTML(s->b, "<p class=\"cap\">Deepest drawdown: from ");
        html_date(s->b, t[MAX(s->m->peak, 0)], s->with_time);
        HTML(s->b, " to ");
        html_date(s->b, t[s->m->trough], s->with_time);
        if (s->m->recovery >= 0) {
            HTML(s->b, ", back at the peak on ");
            html_date(s->b, t[s->m->recovery], s->with_time);
        } else {
            HTML(s->b, ", not back at the peak before the data ended");
        }
        HTML(s->b, ".</p>\n");
    }
    sheet_section_end(s);
}

/* --- the price --- */

static void draw_candles(const Chart *c, const Sheet *s) {
    const Candles *cs = s->in->candles;
    chart_bars(c, s->low, s->high, "wick");
    double w = MAX(0.62 * c->width / (double)c->n, 1);
    for (size_t i = 0; i < c->n; i++) {
        double open = chart_y(c, cs->open[i]), close = chart_y(c, cs->close[i]);
        buf_printf(c->b, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                   cs->close[i] < cs->open[i] ? "down" : "up", chart_x(c, (double)i) - w / 2, MIN(open, close), w,
                   MAX(fabs(open - close), 0.8));
    }
    HTML(c->b, "\n");
}

static void mark(const Chart *c, size_t step, double price, bool buys, double size) {
    double x = chart_x(c, (double)step), y = chart_y(c, price);
    if (buys)
        buf_printf(c->b, "<path class=\"buy\" d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"/>", x, y + 2, size, 1.7 * size,
                   -2 * size);
    else
        buf_printf(c->b, "<path class=\"sell\" d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"/>", x, y - 2, size, -1.7 * size,
                   -2 * size);
}

static size_t end_of(const Sheet *s, const Trade *t) {
    return t->closed ? t->exit_step : s->r->n_steps - 1;
}

static void draw_marks(const Chart *c, const Sheet *s, size_t n_trades) {
    double size = n_trades > 80 ? 3 : 4.5;
    for (size_t i = 0; i < s->r->n_trades; i++) {
        const Trade *t = &s->r->trades[i];
        if (t->asset != 0)
            continue;
        buf_printf(c->b, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"><title>", t->pnl_net < 0 ? "lose" : "win",
                   chart_x(c, (double)t->entry_step), chart_y(c, t->entry_price), chart_x(c, (double)end_of(s, t)),
                   chart_y(c, t->exit_price));
        buf_printf(c->b, "%s ", side_name(t->side));
        html_price(c->b, t->entry_price);
        HTML(c->b, " \xE2\x86\x92 ");
        html_price(c->b, t->exit_price);
        HTML(c->b, ", net ");
        html_number(c->b, t->pnl_net, 2);
        HTML(c->b, "</title></path>");
    }
    for (size_t i = 0; i < s->r->n_trades; i++) {
        const Trade *t = &s->r->trades[i];
        if (t->asset != 0)
            continue;
        mark(c, t->entry_step, t->entry_price, t->side == SIDE_LONG, size);
        if (t->closed)
            mark(c, t->exit_step, t->exit_price, t->side == SIDE_SHORT, size);
    }
    HTML(c->b, "\n");
}

/* Where there was a position: one strip below the chart, whatever the number of trades. Pieces under half a unit are
 * drawn as wide as that, so that none is lost. */
static void draw_strip(const Chart *c, const Sheet *s) {
    static const char *const classes[] = { [SIDE_LONG] = "long", [SIDE_SHORT] = "short" };
    double y = CHART_TOP + c->height - 7;
    for (int side = SIDE_LONG; side <= SIDE_SHORT; side++) {
        double from = -1, to = -1;
        buf_printf(c->b, "<path class=\"%s\" d=\"", classes[side]);
        for (size_t i = 0; i < s->r->n_trades; i++) {
            const Trade *t = &s->r->trades[i];
            if (t->asset != 0 || (int)t->side != side)
                continue;
            double a = chart_x(c, (double)t->entry_step - 0.5),
                   z = MAX(chart_x(c, (double)end_of(s, t) - 0.5), a + 0.5);
            if (a > to + 0.25) {
                if (to > from)
                    buf_printf(c->b, "M%.1f %.1fH%.1fv5H%.1fz", from, y, to, from);
                from = a;
            }
            to = MAX(to, z);
        }
        if (to > from)
            buf_printf(c->b, "M%.1f %.1fH%.1fv5H%.1fz", from, y, to, from);
        HTML(c->b, "\"/>\n");
    }
}

void sheet_price(Sheet *s) {
    if (!s->price)
        return;
    size_t n_trades = 0;
    for (size_t i = 0; i < s->r->n_trades; i++)
        n_trades += s->r->trades[i].asset == 0;
    bool marks = n_trades <= MARKS_MAX;
    Chart c = chart_of(s, "chart-price", PRICE_HEIGHT);
    double low = INFINITY, high = -INFINITY;
    chart_range(s->low, c.n, &low, &high);
    chart_range(s->high, c.n, &low, &high);
    chart_scale(&c, low, high, false, true);
    bool candles = c.n <= CANDLES_DRAWN_MAX && s->in->candles->n == c.n;
    sheet_section(s, "price", "Trades on the price", NULL);
    HTML(s->b, "<p class=\"cap\">");
    html_text(s->b, symbol_str(&s->r->assets[0].symbol));
    buf_put_str(s->b, candles
                          ? S(", each candle. ")
                          : S(", close and range from low to high; each pixel shows the extremes of its candles. "));
    buf_put_str(s->b, str_c(marks ? "A line joins entry and exit. "
                                  : "Too many trades to mark each: the strip shows when there was a position. "));
    buf_put_str(s->b, str_c(c.log ? "Logarithmic axis.</p>\n" : "</p>\n"));
    HTML(s->b, "<ul class=\"legend\">");
    buf_put_str(s->b, marks ? S("<li><i class=\"k-buy\"></i>buy</li><li><i class=\"k-sell\"></i>sell</li>") : S(""));
    HTML(s->b, "<li><i class=\"k-band\"></i>position</li></ul>\n");
    chart_begin(&c, "Price and trades", words(s, "Price between %.6g and %.6g, %zu trades.", low, high, n_trades));
    chart_axes(&c, CHART_PRICE);
    if (candles) {
        draw_candles(&c, s);
    } else {
        chart_bars(&c, s->low, s->high, "wick");
        chart_line(&c, s->price, "px");
    }
    draw_strip(&c, s);
    if (marks)
        draw_marks(&c, s, n_trades);
    chart_end(&c);
    sheet_section_end(s);
}

/* --- rolling --- */

static void draw_rolling(Sheet *s, const char *id, const char *title, const double *v, ChartUnit unit) {
    Chart c = chart_of(s, id, ROLLING_HEIGHT);
    double low = INFINITY, high = -INFINITY;
    chart_range(v, c.n, &low, &high);
    chart_scale(&c, low, high, true, false);
    buf_printf(s->b, "<h3>%s</h3>\n", title);
    chart_begin(&c, title, words(s, "Between %.3g and %.3g.", low, high));
    chart_axes(&c, unit);
    chart_level(&c, 0, "zero");
    chart_line(&c, v, "r1");
    chart_end(&c);
}

void sheet_rolling(Sheet *s) {
    size_t n = s->r->n_steps, window = rolling_window(s->m->v[METRIC_CANDLES_PER_YEAR], n);
    sheet_section(s, "rolling", "Rolling figures", NULL);
    if (window == 0 || s->m->wiped_out) {
        HTML(s->b, "<p class=\"cap\">The run is too short for a window that says anything.</p>\n");
        sheet_section_end(s);
        return;
    }
    HTML(s->b, "<p class=\"cap\">Of the last ");
    html_count(s->b, window);
    HTML(s->b,
         " candles at each candle, scaled to a year. Nothing is drawn before there were as many, nor a Sharpe ratio "
         "where the account stood still.</p>\n");
    double *sharpe = arena_alloc(s->scratch, mem_mul(n, sizeof *sharpe)),
           *volatility = arena_alloc(s->scratch, mem_mul(n, sizeof *sharpe));
    rolling_figures(s->returns, n, window, s->m->v[METRIC_CANDLES_PER_YEAR], sharpe, volatility);
    draw_rolling(s, "chart-sharpe", "Sharpe ratio", sharpe, CHART_RATIO);
    draw_rolling(s, "chart-volatility", "Volatility", volatility, CHART_PERCENT);
    sheet_section_end(s);
}

/* --- trades --- */

static void draw_histogram(Sheet *s, const char *id, const char *title, const Histogram1 *h) {
    double left = 30, plot = 440 - left - 8, bottom = HISTOGRAM_HEIGHT, w = plot / (double)h->n_bins;
    buf_printf(s->b,
               "<svg class=\"chart\" id=\"%s\" viewBox=\"0 0 440 %d\" role=\"img\" aria-labelledby=\"%s-t\"><title "
               "id=\"%s-t\">%s",
               id, HISTOGRAM_HEIGHT + 28, id, id, title);
    HTML(s->b, "</title>\n");
    for (int k = 0; k <= 2; k++) {
        double y = bottom - (bottom - 10) * k / 2;
        buf_printf(s->b, "<line class=\"grid\" x1=\"%.0f\" x2=\"432\" y1=\"%.1f\" y2=\"%.1f\"/>", left, y, y);
        if (k * h->most % 2 == 0)
            buf_printf(s->b, "<text class=\"tick\" text-anchor=\"end\" x=\"%.0f\" y=\"%.1f\">%zu</text>", left - 6,
                       y + 4, h->most * (size_t)k / 2);
    }
    for (size_t k = 0; k < h->n_bins; k++) {
        double from = h->from + (double)k * h->step, height = (bottom - 10) * (double)h->n[k] / (double)h->most;
        if (h->n[k] == 0)
            continue;
        buf_printf(s->b, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>",
                   from + h->step * 0.5 < 0 ? "bar-down" : "bar-up", left + (double)k * w + 0.5, bottom - height,
                   MAX(w - 1, 1), height);
        html_signed_percent(s->b, from, 2);
        HTML(s->b, " to ");
        html_signed_percent(s->b, from + h->step, 2);
        buf_printf(s->b, ": %zu</title></rect>\n", h->n[k]);
    }
    size_t every = MAX(1, (h->n_bins + 4) / 5), zero = (size_t)lround(-h->from / h->step);
    for (size_t k = zero % every; k <= h->n_bins; k += every) {
        double v = h->from + (double)k * h->step, x = left + (double)k * w;
        buf_printf(s->b, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.0f\">", MIN(x, 416),
                   bottom + 18);
        html_percent(s->b, k == zero ? 0 : v, h->step < 0.00999 ? 1 : 0);
        HTML(s->b, "</text>");
    }
    HTML(s->b, "</svg>\n");
}

static double trade_return(const Trade *t) {
    double in = fabs(t->size * t->entry_price);
    return in > 0 ? t->pnl_net / in : 0;
}

void sheet_trade_distribution(Sheet *s) {
    if (s->r->n_closed == 0)
        return;
    size_t n = 0;
    double *x = arena_alloc(s->scratch, mem_mul(s->r->n_trades, sizeof *x));
    Histogram1 trades, candles;
    for (size_t i = 0; i < s->r->n_trades; i++)
        if (s->r->trades[i].closed)
            x[n++] = trade_return(&s->r->trades[i]);
    histogram_of(x, n, &trades);
    sheet_section(s, "distribution", "Distribution",
                  "Bars left of zero lost. The outermost bars hold what lies beyond them.");
    HTML(s->b, "<div class=\"two\"><div><h3>Net return of a trade</h3>\n");
    draw_histogram(s, "chart-trades", "Net return of a trade", &trades);
    HTML(s->b, "</div><div><h3>Return of a candle, while there was one</h3>\n");
    x = arena_alloc(s->scratch, mem_mul(MAX(s->r->n_steps, 1), sizeof *x));
    n = 0;
    for (size_t i = 0; i < s->r->n_steps && !s->m->wiped_out; i++)
        if (s->returns[i] != 0)
            x[n++] = s->returns[i];
    histogram_of(x, n, &candles);
    if (candles.n_bins > 0)
        draw_histogram(s, "chart-candles", "Return of a candle", &candles);
    HTML(s->b, "</div></div>\n");
    sheet_section_end(s);
}

/* --- beyond one run --- */

static void heat_labels(Sheet *s, const HeatMap *h, double left, double top, double w, double cell) {
    size_t every_x = MAX(1, (h->n_x * 34 + (size_t)w - 1) / (size_t)w), every_y = MAX(1, (size_t)(13 / cell + 0.999));
    for (size_t x = 0; x < h->n_x; x += every_x)
        buf_printf(s->b, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%.6g</text>",
                   left + ((double)x + 0.5) * w / (double)h->n_x, top + (double)h->n_y * cell + 15, h->x[x]);
    for (size_t y = 0; y < h->n_y; y += every_y)
        buf_printf(s->b, "<text class=\"tick\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%.6g</text>", left - 7,
                   top + ((double)(h->n_y - 1 - y) + 0.5) * cell + 4, h->y[y]);
    buf_printf(s->b, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">", left + w / 2,
               top + (double)h->n_y * cell + 33);
    html_text(s->b, h->x_name);
    buf_printf(s->b, "</text><text class=\"tick\" text-anchor=\"middle\" transform=\"translate(12 %.0f) rotate(-90)\">",
               top + (double)h->n_y * cell / 2);
    html_text(s->b, h->y_name);
    HTML(s->b, "</text>\n");
}

static void draw_heat(Sheet *s, const HeatMap *h) {
    double left = 58, top = 6, w = 640 - left, cell = CLAMP(320 / (double)h->n_y, 4, 26), low = INFINITY,
           high = -INFINITY;
    chart_range(h->value, h->n_x * h->n_y, &low, &high);
    buf_printf(
        s->b,
        "<svg class=\"chart\" id=\"chart-heat\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"chart-heat-t\">"
        "<title id=\"chart-heat-t\">",
        CHART_WIDTH, top + (double)h->n_y * cell + 40);
    html_text(s->b, h->value_name);
    HTML(s->b, " by parameters</title>\n");
    for (size_t y = 0; y < h->n_y; y++)
        for (size_t x = 0; x < h->n_x; x++) {
            double v = h->value[y * h->n_x + x], part = high > low ? (v - low) / (high - low) : 1;
            if (isnan(v))
                continue;
            buf_printf(s->b,
                       "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                       "style=\"fill:rgba(var(--blue-rgb),%.2f)\"><title>",
                       left + (double)x * w / (double)h->n_x, top + (double)(h->n_y - 1 - y) * cell,
                       w / (double)h->n_x - 0.6, cell - 0.6, 0.06 + 0.92 * (h->less_is_better ? 1 - part : part));
            buf_printf(s->b, "%.6g, %.6g: %.4g</title></rect>", h->x[x], h->y[y], v);
        }
    if (h->best_x < h->n_x)
        buf_printf(s->b, "<rect class=\"best\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                   left + (double)h->best_x * w / (double)h->n_x - 0.3,
                   top + (double)(h->n_y - 1 - h->best_y) * cell - 0.3, w / (double)h->n_x, cell);
    heat_labels(s, h, left, top, w, cell);
    double from = left + w + 36; /* the key */
    for (int k = 0; k < 40; k++)
        buf_printf(
            s->b, "<rect x=\"%.0f\" y=\"%.1f\" width=\"14\" height=\"4.1\" style=\"fill:rgba(var(--blue-rgb),%.2f)\"/>",
            from, top + 4.0 * k, 0.06 + 0.92 * (1 - k / 39.0));
    for (int k = 0; k <= 2; k++)
        buf_printf(s->b, "<text class=\"tick\" x=\"%.0f\" y=\"%.0f\">%.4g</text>", from + 22, top + 5 + 78.0 * k,
                   h->less_is_better ? low + (high - low) * k / 2 : high - (high - low) * k / 2);
    HTML(s->b, "</svg>\n");
}

static void overfit_line(Sheet *s) {
    const Pbo *p = s->in->pbo;
    const DeflatedSharpe *d = s->in->deflated;
    HTML(s->b, "<ul class=\"list\">");
    if (p) {
        HTML(s->b, "<li>Probability of overfitting: <b>");
        html_percent(s->b, p->probability, 0);
        HTML(s->b, "</b>. In so many of the ");
        html_count(s->b, p->n_ways);
        HTML(
            s->b,
            " ways to halve the time, what was best on one half ended in the lower half on the other. Pure noise gives "
            "50\xE2\x80\xAF%. <span class=\"muted\">(Bailey, Borwein, L\xC3\xB3pez de Prado, Zhu 2017)</span></li>");
    }
    if (d) {
        HTML(s->b, "<li>Deflated Sharpe ratio: <b>");
        html_percent(s->b, d->deflated, 1);
        HTML(s->b, "</b> is the probability that the true ratio is above what the best of ");
        html_count(s->b, d->n_trials);
        HTML(s->b, " worthless trials would show. Below 95\xE2\x80\xAF% luck may be all there is. <span "
                   "class=\"muted\">(Bailey, "
                   "L\xC3\xB3pez de Prado 2014)</span></li>");
    }
    HTML(s->b, "</ul>\n");
}

void sheet_heat(Sheet *s) {
    const HeatMap *h = s->in->heat;
    if (!h)
        return;
    sheet_section(s, "sweep", "The sweep it was chosen from", NULL);
    HTML(s->b, "<p class=\"cap\">");
    html_text(s->b, h->value_name);
    HTML(s->b, " of ");
    html_count(s->b, s->in->n_combos);
    HTML(s->b, " combinations; stronger is better, the frame marks the best. A good region is worth more than a good "
               "cell.</p>\n");
    draw_heat(s, h);
    overfit_line(s);
    sheet_section_end(s);
}

static void band_area(const Chart *c, const Bootstrap *b, int low, int high, const char *class) {
    buf_printf(c->b, "<path class=\"%s\" d=\"", class);
    for (size_t k = 0; k < b->n_points; k++)
        buf_printf(c->b, "%c%.1f %.1f", k ? 'L' : 'M', chart_x(c, (double)b->point_step[k] - 1),
                   chart_y(c, b->band[high][k]));
    for (size_t k = b->n_points; k-- > 0;)
        buf_printf(c->b, "L%.1f %.1f", chart_x(c, (double)b->point_step[k] - 1), chart_y(c, b->band[low][k]));
    HTML(c->b, "Z\"/>\n");
}

static void bootstrap_row(Sheet *s, const char *name, const BootstrapFigure *f, bool percent) {
    const double v[] = { f->observed, f->band[0], f->band[1], f->band[2], f->band[3], f->band[4] };
    buf_printf(s->b, "<tr><th scope=\"row\">%s</th>", name);
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        HTML(s->b, "<td class=\"n\">");
        if (percent)
            html_percent(s->b, v[i], 1);
        else
            html_number(s->b, v[i], 2);
        HTML(s->b, "</td>");
    }
    HTML(s->b, "</tr>\n");
}

void sheet_bootstrap(Sheet *s) {
    const Bootstrap *b = s->in->bootstrap;
    if (!b || s->r->n_steps == 0)
        return;
    Chart c = chart_of(s, "chart-bootstrap", PRICE_HEIGHT);
    double low = 1, high = 1, *own = arena_alloc(s->scratch, mem_mul(s->r->n_steps, sizeof *own));
    for (size_t i = 0; i < s->r->n_steps; i++)
        own[i] = s->r->equity[i] / s->r->initial_cash;
    chart_range(own, c.n, &low, &high);
    for (int q = 0; q < BOOTSTRAP_BANDS; q++)
        chart_range(b->band[q], b->n_points, &low, &high);
    chart_scale(&c, low, high, false, true);
    sheet_section(s, "bootstrap", "How much was luck", NULL);
    HTML(s->b, "<p class=\"cap\">The candles' returns drawn again in ");
    buf_printf(s->b, "%s blocks of %zu, ", bootstrap_kind_name(b->options.kind), b->options.block);
    html_count(s->b, b->options.n_paths);
    buf_printf(
        s->b,
        " times (seed %llu): middle 50\xE2\x80\xAF%% and 90\xE2\x80\xAF%% of the accounts, as multiples of the start. ",
        (unsigned long long)b->options.seed);
    html_percent(s->b, b->loss_probability, 1);
    HTML(s->b, " of them lost. It draws only from what happened once.</p>\n");
    chart_begin(
        &c, "Accounts from returns drawn again",
        words(s, "Median end %.3g, 5 %% below %.3g.", b->band[2][b->n_points - 1], b->band[0][b->n_points - 1]));
    chart_axes(&c, CHART_RATIO);
    band_area(&c, b, 0, 4, "band-wide");
    band_area(&c, b, 1, 3, "band");
    chart_level(&c, 1, "zero");
    chart_line(&c, own, "eq");
    chart_end(&c);
    HTML(s->b, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Bands\"><table><thead><tr><th "
               "scope=\"col\">figure</th>"
               "<th class=\"n\" scope=\"col\">this run</th><th class=\"n\" scope=\"col\">5\xE2\x80\xAF%</th><th "
               "class=\"n\" scope=\"col\">25\xE2\x80\xAF%</th>"
               "<th class=\"n\" scope=\"col\">median</th><th class=\"n\" scope=\"col\">75\xE2\x80\xAF%</th><th "
               "class=\"n\" scope=\"col\">95\xE2\x80\xAF%</th></tr></thead><tbody>\n");
    bootstrap_row(s, "Total return", &b->total_return, true);
    bootstrap_row(s, "Deepest drawdown", &b->max_drawdown, true);
    bootstrap_row(s, "Sharpe ratio", &b->sharpe, false);
    HTML(s->b, "</tbody></table></div>\n");
    sheet_section_end(s);
}

/* --- the read-out --- */

void sheet_points(Sheet *s) {
    size_t n = s->r->n_steps, n_points = MIN(n, (size_t)POINTS_MAX);
    JsonWriter w;
    HTML(s->b, "<script type=\"application/json\" id=\"points\">");
    json_writer_init(&w, s->b, false);
    json_object(&w);
    json_put_i64(&w, "steps", (int64_t)n);
    json_put_i64(&w, "left", CHART_LEFT);
    json_put_i64(&w, "top", CHART_TOP);
    json_put_i64(&w, "bottom", CHART_BOTTOM);
    json_put_i64(&w, "width", CHART_WIDTH - CHART_LEFT - CHART_RIGHT);
    static const char *const names[] = { "at", "date", "equity", "drawdown", "price" };
    for (size_t k = 0; k < ARRAY_LEN(names) && (k < 4 || s->price); k++) {
        json_key(&w, str_c(names[k]));
        json_array(&w);
        for (size_t p = 0; p < n_points; p++) {
            size_t i = (size_t)((double)n * (double)(p + 1) / (double)n_points) - 1; /* the last of its stretch */
            char text[TIME_TEXT_MAX];
            if (k == 0)
                json_i64(&w, (int64_t)i);
            else if (k == 1)
                json_str(&w, str_first((Str){ text, time_format_iso(time_ms(s->r->time_ms[i]), text) },
                                       s->with_time ? 16 : 10));
            else
                json_f64(&w, k == 2 ? s->r->equity[i] : k == 3 ? round(s->drawdown[i] * 1e6) / 1e6 : s->price[i]);
        }
        json_array_end(&w);
    }
    json_object_end(&w);
    HTML(s->b, "</script>\n");
}
