/* backtest/report/series.c - see series.h. */

#include "backtest/report/series.h"

#include "backtest/sample.h"

#include <math.h>

void month_returns(double initial, const double *equity, const int64_t *time_ms, size_t n, Arena *arena,
                   MonthReturns **out, size_t *n_years) {
    *out = NULL;
    *n_years = 0;
    if (n == 0)
        return;
    int first = time_to_civil((Time){ time_ms[0] }).year, last = time_to_civil((Time){ time_ms[n - 1] }).year;
    *n_years = (size_t)last - (size_t)first + 1;
    *out = arena_new_n(arena, MonthReturns, *n_years);
    for (size_t y = 0; y < *n_years; y++) {
        (*out)[y].year = first + (int)y;
        (*out)[y].total = NAN;
        for (int m = 0; m < 12; m++)
            (*out)[y].month[m] = NAN;
    }
    double month_start = initial, year_start = initial;
    for (size_t i = 0; i < n;) {
        Civil c = time_to_civil((Time){ time_ms[i] });
        int64_t next = civil_to_days(c.year + (c.month == 12), c.month % 12 + 1, 1) * MS_PER_DAY;
        size_t lo = i + 1, hi = n; /* first candle of another month */
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (time_ms[mid] < next)
                lo = mid + 1;
            else
                hi = mid;
        }
        MonthReturns *y = &(*out)[c.year - first];
        double end = equity[lo - 1];
        y->month[c.month - 1] = month_start > 0 ? end / month_start - 1 : NAN;
        y->total = year_start > 0 ? end / year_start - 1 : NAN;
        month_start = end;
        if (lo < n && time_to_civil((Time){ time_ms[lo] }).year != c.year)
            year_start = end;
        i = lo;
    }
}

size_t rolling_window(double candles_per_year, size_t n) {
    double quarter = candles_per_year / 4;
    if (n < 100 || !(quarter > 0))
        return 0;
    return (size_t)CLAMP(quarter, 20, (double)n / 5);
}

void rolling_figures(const double *returns, size_t n, size_t window, double candles_per_year, double *sharpe,
                     double *volatility) {
    double sum = 0, squares = 0, w = (double)window, year = sqrt(candles_per_year);
    assert(window >= 2);
    for (size_t i = 0; i < n; i++) {
        sum += returns[i];
        squares += returns[i] * returns[i];
        sharpe[i] = volatility[i] = NAN;
        if (i + 1 < window)
            continue;
        double mean = sum / w, variance = (squares - sum * mean) / (w - 1);
        if (variance > 1e-18) { /* below: what adding and taking away leaves of a flat stretch */
            volatility[i] = sqrt(variance) * year;
            sharpe[i] = mean / sqrt(variance) * year;
        } else {
            volatility[i] = 0;
        }
        sum -= returns[i + 1 - window];
        squares -= returns[i + 1 - window] * returns[i + 1 - window];
    }
}

/* 1, 2 or 5 times a power of ten, at least x. */
static double nice_above(double x) {
    double p = pow(10, floor(log10(x)));
    return x <= p ? p : x <= 2 * p ? 2 * p : x <= 5 * p ? 5 * p : 10 * p;
}

void histogram_of(double *x, size_t n, Histogram1 *out) {
    *out = (Histogram1){ 0 };
    if (n == 0)
        return;
    double low = sample_quantile(x, n, 0.01), high = sample_quantile(x, n, 0.99);
    low = MIN(low, 0);
    high = MAX(high, 0);
    double span = high - low, wanted = CLAMP(3 * sqrt((double)n), 12, HISTOGRAM_MAX - 4);
    out->step = span > 0 ? nice_above(span / wanted) : 1;
    double first = floor(low / out->step), last = floor(high / out->step);
    out->from = first * out->step;
    out->n_bins = (size_t)MIN(last - first + 1, (double)HISTOGRAM_MAX);
    for (size_t i = 0; i < n; i++) {
        double bin = floor(x[i] / out->step) - first;
        out->cut_low |= bin < 0;
        out->cut_high |= bin >= (double)out->n_bins;
        size_t k = (size_t)CLAMP(bin, 0, (double)out->n_bins - 1);
        out->n[k]++;
        out->most = MAX(out->most, out->n[k]);
    }
}
