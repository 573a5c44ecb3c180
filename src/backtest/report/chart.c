/* backtest/report/chart.c - see chart.h. */

#include "backtest/report/chart.h"

#include <math.h>

void chart_range(const double *v, size_t n, double *low, double *high) {
    for (size_t i = 0; i < n; i++) {
        *low = v[i] < *low ? v[i] : *low; /* false for NaN */
        *high = v[i] > *high ? v[i] : *high;
    }
}

/* 1, 2 or 5 times a power of ten, at least x. */
static double nice(double x) {
    double p = pow(10, floor(log10(x)));
    return x <= p * 1.0000001 ? p : x <= 2 * p ? 2 * p : x <= 5 * p ? 5 * p : 10 * p;
}

static double tick_step(double low, double high) {
    return nice((high - low) / 5);
}

void chart_scale(Chart *c, double low, double high, bool from_zero, bool may_log) {
    if (!(low <= high))
        low = 0, high = 1;
    if (from_zero)
        low = MIN(low, 0), high = MAX(high, 0);
    c->log = may_log && low > 0 && high / low > 8;
    if (c->log) {
        c->low = low * 0.95;
        c->high = high * 1.05;
        return;
    }
    if (high - low <= 1e-9 * fabs(high))
        low -= fabs(low) * 0.01 + 1e-9, high += fabs(high) * 0.01 + 1e-9;
    double step = tick_step(low, high), pad = from_zero ? 0 : 0.04 * (high - low);
    c->low = from_zero ? floor(low / step + 1e-9) * step : low - pad;
    c->high = from_zero ? ceil(high / step - 1e-9) * step : high + pad;
}

double chart_x(const Chart *c, double step) {
    return CHART_LEFT + (step + 0.5) / (double)c->n * c->width;
}

double chart_y(const Chart *c, double v) {
    double part = c->log ? log(v / c->low) / log(c->high / c->low) : (v - c->low) / (c->high - c->low);
    return CHART_TOP + (1 - CLAMP(part, 0, 1)) * c->height;
}

void chart_begin(Chart *c, const char *title, Str words) {
    c->width = CHART_WIDTH - CHART_LEFT - CHART_RIGHT;
    buf_printf(
        c->b,
        "<svg class=\"chart\" data-time id=\"%s\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\">"
        "<title id=\"%s-t\">%s</title><desc id=\"%s-d\">",
        c->id, CHART_WIDTH, CHART_TOP + c->height + CHART_BOTTOM, c->id, c->id, c->id, title, c->id);
    html_text(c->b, words);
    HTML(c->b, "</desc>\n");
}

void chart_end(const Chart *c) {
    HTML(c->b, "</svg>\n");
}

/* --- axes --- */

static void label_y(const Chart *c, ChartUnit unit, double v, double step) {
    double y = chart_y(c, v);
    buf_printf(c->b, "<line class=\"grid\" x1=\"%d\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>", CHART_LEFT,
               CHART_LEFT + c->width, y, y);
    buf_printf(c->b, "<text class=\"tick\" x=\"%.0f\" y=\"%.1f\">", CHART_LEFT + c->width + 8, y + 3.5);
    if (unit == CHART_PERCENT)
        html_percent(c->b, v, step < 0.00999 ? 1 : 0);
    else
        html_compact(c->b, v);
    HTML(c->b, "</text>\n");
}

static void axis_y(const Chart *c, ChartUnit unit) {
    if (!c->log) {
        double step = tick_step(c->low, c->high);
        double k = ceil(c->low / step - 1e-9); /* a whole number, so counting it up is exact */
        while (k * step <= c->high + 1e-9 * step) {
            label_y(c, unit, k == 0 ? 0 : k * step, step);
            k++;
        }
        return;
    }
    bool few = log10(c->high / c->low) > 2.5;
    double p = pow(10, floor(log10(c->low)));
    while (p <= c->high) {
        for (int k = 1; k <= 5; k += k == 1 ? 1 : 3)
            if (p * k >= c->low && p * k <= c->high && (k == 1 || !few))
                label_y(c, unit, p * k, p);
        p *= 10;
    }
}

/* What lies between two labels of the time axis, coarsest last; months of 0 count in ms. */
static const struct {
    int64_t ms;
    int months;
} SPACINGS[] = {
    { MS_PER_MINUTE, 0 },
    { 5 * MS_PER_MINUTE, 0 },
    { 15 * MS_PER_MINUTE, 0 },
    { 30 * MS_PER_MINUTE, 0 },
    { MS_PER_HOUR, 0 },
    { 3 * MS_PER_HOUR, 0 },
    { 6 * MS_PER_HOUR, 0 },
    { 12 * MS_PER_HOUR, 0 },
    { MS_PER_DAY, 0 },
    { 2 * MS_PER_DAY, 0 },
    { 7 * MS_PER_DAY, 0 },
    { 0, 1 },
    { 0, 2 },
    { 0, 3 },
    { 0, 6 },
    { 0, 12 },
    { 0, 24 },
    { 0, 60 },
    { 0, 120 },
    { 0, 240 },
};

static int64_t next_mark(size_t spacing, int64_t ms) { /* the first mark after ms */
    if (SPACINGS[spacing].ms)
        return (floor_div(ms, SPACINGS[spacing].ms) + 1) * SPACINGS[spacing].ms;
    Civil c = time_to_civil((Time){ ms });
    int64_t step = SPACINGS[spacing].months, month = (floor_div(c.year * INT64_C(12) + c.month - 1, step) + 1) * step;
    return civil_to_days((int)floor_div(month, 12), (int)floor_mod(month, 12) + 1, 1) * MS_PER_DAY;
}

static void label_x(const Chart *c, size_t spacing, size_t step, int64_t mark) {
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    Civil t = time_to_civil((Time){ mark });
    double x = chart_x(c, (double)step) - 0.5 * c->width / (double)c->n;
    if (x > CHART_LEFT + c->width - 24)
        return;
    buf_printf(c->b, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.0f\"/>", x, x, CHART_TOP,
               CHART_TOP + c->height);
    buf_printf(c->b, "<text class=\"tick\" x=\"%.1f\" y=\"%.0f\">", x + 3, CHART_TOP + c->height + 16);
    if (SPACINGS[spacing].months && t.month == 1)
        buf_printf(c->b, "%d", t.year);
    else if (SPACINGS[spacing].months)
        buf_printf(c->b, "%s", months[t.month - 1]);
    else if (SPACINGS[spacing].ms >= MS_PER_DAY || (t.hour == 0 && t.minute == 0))
        buf_printf(c->b, "%d %s", t.day, months[t.month - 1]);
    else
        buf_printf(c->b, "%02d:%02d", t.hour, t.minute);
    HTML(c->b, "</text>\n");
}

/* Places of the marks are the first steps at or behind them. At most ten, none nearer than 60 units to the one before. */
static void axis_x(const Chart *c) {
    if (c->n < 2)
        return;
    int64_t first = c->time_ms[0], last = c->time_ms[c->n - 1];
    size_t spacing = 0;
    for (; spacing + 1 < ARRAY_LEN(SPACINGS); spacing++) {
        int64_t ms = SPACINGS[spacing].ms ? SPACINGS[spacing].ms : SPACINGS[spacing].months * INT64_C(30) * MS_PER_DAY;
        if ((last - first) / ms < 11)
            break;
    }
    double before = -INFINITY;
    size_t from = 0;
    for (int64_t mark = next_mark(spacing, first); mark <= last; mark = next_mark(spacing, mark)) {
        size_t lo = from, hi = c->n;
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (c->time_ms[mid] < mark)
                lo = mid + 1;
            else
                hi = mid;
        }
        double x = chart_x(c, (double)lo);
        if (x - before >= 44)
            label_x(c, spacing, lo, mark), before = x;
        from = lo;
    }
}

void chart_axes(const Chart *c, ChartUnit unit) {
    HTML(c->b, "<g aria-hidden=\"true\">");
    axis_x(c);
    axis_y(c, unit);
    HTML(c->b, "</g>\n");
}

void chart_level(const Chart *c, double v, const char *class) {
    double y = chart_y(c, v);
    buf_printf(c->b, "<line class=\"%s\" x1=\"%d\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", class, CHART_LEFT,
               CHART_LEFT + c->width, y, y);
}

/* --- series --- */

static void put_point(const Chart *c, char command, double step, double v) {
    buf_printf(c->b, "%c%.1f %.1f", command, chart_x(c, step), chart_y(c, v));
}

typedef struct Column { /* of one pixel */
    size_t first, last, low, high;
    bool any;
} Column;

/* The steps [from, to) of pixel column k of n_columns. */
static Column column_of(const Chart *c, const double *v, size_t k, size_t n_columns) {
    Column out = { 0 };
    size_t from = (size_t)((double)c->n * (double)k / (double)n_columns);
    size_t to = (size_t)((double)c->n * (double)(k + 1) / (double)n_columns);
    for (size_t i = from; i < to; i++) {
        if (isnan(v[i]))
            continue;
        if (!out.any)
            out = (Column){ i, i, i, i, true };
        out.last = i;
        out.low = v[i] < v[out.low] ? i : out.low;
        out.high = v[i] > v[out.high] ? i : out.high;
    }
    return out;
}

static size_t columns_of(const Chart *c) {
    return (size_t)c->width;
}

static void path_of(const Chart *c, const double *v) {
    bool pen = false;
    if (c->n <= 2 * columns_of(c)) {
        for (size_t i = 0; i < c->n; i++) {
            if (!isnan(v[i]))
                put_point(c, pen ? 'L' : 'M', (double)i, v[i]);
            pen = !isnan(v[i]);
        }
        return;
    }
    for (size_t k = 0; k < columns_of(c); k++) {
        Column p = column_of(c, v, k, columns_of(c));
        if (!p.any) {
            pen = false;
            continue;
        }
        size_t early = MIN(p.low, p.high), late = MAX(p.low, p.high), order[4] = { p.first, early, late, p.last };
        for (size_t j = 0; j < 4; j++)
            if (j == 0 || order[j] != order[j - 1])
                put_point(c, pen || j > 0 ? 'L' : 'M', (double)order[j], v[order[j]]);
        pen = true;
    }
}

void chart_line(const Chart *c, const double *v, const char *class) {
    buf_printf(c->b, "<path class=\"%s\" d=\"", class);
    path_of(c, v);
    HTML(c->b, "\"/>\n");
}

void chart_area(const Chart *c, const double *v, double level, const char *class) {
    size_t first = 0, last = c->n;
    while (first < c->n && isnan(v[first]))
        first++;
    while (last > first && isnan(v[last - 1]))
        last--;
    if (first == last)
        return;
    buf_printf(c->b, "<path class=\"%s\" d=\"", class);
    path_of(c, v);
    put_point(c, 'L', (double)(last - 1), level);
    put_point(c, 'L', (double)first, level);
    HTML(c->b, "Z\"/>\n");
}

void chart_bars(const Chart *c, const double *low, const double *high, const char *class) {
    size_t n_columns = MIN(c->n, columns_of(c));
    buf_printf(c->b, "<path class=\"%s\" d=\"", class);
    for (size_t k = 0; k < n_columns; k++) {
        Column a = column_of(c, low, k, n_columns), z = column_of(c, high, k, n_columns);
        if (!a.any || !z.any)
            continue;
        double x = CHART_LEFT + ((double)k + 0.5) / (double)n_columns * c->width;
        buf_printf(c->b, "M%.1f %.1fV%.1f", x, chart_y(c, high[z.high]), chart_y(c, low[a.low]));
    }
    HTML(c->b, "\"/>\n");
}
