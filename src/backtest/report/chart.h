#pragma once

/* backtest/report/chart.h - charts as SVG: a frame, axes, and series drawn without a lie.
 *
 * The horizontal axis counts steps, so that nights and holidays take no room; its labels are dates. More values than
 * pixels are drawn as each pixel column's first, least, greatest and last value (M4: Jugel et al., VLDB 2014), so that
 * no extreme is lost and the drawn line is the one all values would give. Colours are classes; the page's style sheet
 * knows the themes. Private to report/. */

#include "backtest/report/html.h"

typedef struct Chart {
    Buf *b;
    size_t n;               /* steps */
    const int64_t *time_ms; /* (n) */
    double width, height;   /* of the plot, in user units */
    double low, high;       /* of the vertical axis */
    bool log;
    const char *id;
} Chart;

enum { CHART_WIDTH = 920, CHART_LEFT = 4, CHART_RIGHT = 64, CHART_TOP = 8, CHART_BOTTOM = 24 };

typedef enum ChartUnit { CHART_MONEY, CHART_PERCENT, CHART_RATIO, CHART_PRICE } ChartUnit;

/* The range of values; NaN is passed over. Leaves low > high when there is none. */
void chart_range(const double *v, size_t n, double *low, double *high);
/* Widens to round numbers, keeps 0 where `from_zero`. Takes a logarithmic axis where high / low > 8 and low > 0. */
void chart_scale(Chart *c, double low, double high, bool from_zero, bool may_log);

/* title: what it shows; words: the same in a sentence with its figures, for those who cannot see it (escaped). */
void chart_begin(Chart *c, const char *title, Str words);
void chart_axes(const Chart *c, ChartUnit unit);
void chart_end(const Chart *c);

double chart_x(const Chart *c, double step);
double chart_y(const Chart *c, double v);
void chart_line(const Chart *c, const double *v, const char *class);
/* Between the series and a level; NaN as the level. */
void chart_area(const Chart *c, const double *v, double level, const char *class);
/* From low to high, both (n): where columns are narrower than a pixel, the extremes of each. */
void chart_bars(const Chart *c, const double *low, const double *high, const char *class);
void chart_level(const Chart *c, double v, const char *class);
