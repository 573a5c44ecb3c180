/* ta/windows.c - extremes and sums of a window. */

#include "ta/columns.h"

#define ta_sum_column sum_column
KERNEL_WINDOW(ta_sum, Sum, w, sum_init(s, arena, (int)p[0]), sum_next(s, x))
KERNEL_1(ta_max, Extreme, greatest_init(s, arena, (int)p[0]), extreme_next(s, x))
KERNEL_1(ta_min, Extreme, least_init(s, arena, (int)p[0]), extreme_next(s, x))

/* --- both, and where they are: the row, counted from the first value --- */

typedef struct Extremes {
    Extreme high, low;
} Extremes;

typedef struct Places {
    Placed high, low;
    double row; /* of the newest */
} Places;

static void extremes_init(void *state, Arena *arena, const double *p) {
    Extremes *s = state;
    greatest_init(&s->high, arena, (int)p[0]);
    least_init(&s->low, arena, (int)p[0]);
}

static inline void ta_minmax_next(Extremes *s, const double *in, double *out) {
    out[0] = extreme_next(&s->low, in[0]);
    out[1] = extreme_next(&s->high, in[0]);
}

static void places_init(void *state, Arena *arena, const double *p) {
    Places *s = state;
    placed_init(&s->high, arena, (int)p[0], 1);
    placed_init(&s->low, arena, (int)p[0], -1);
}

/* The row of the extreme; NaN while the window is not full. */
static inline double place_next(Placed *e, double x, double row) {
    placed_next(e, x, PLACED_EARLIEST);
    return e->full ? row - e->age : NAN;
}

static inline void ta_minmaxindex_next(Places *s, const double *in, double *out) {
    out[0] = place_next(&s->low, in[0], s->row);
    out[1] = place_next(&s->high, in[0], s->row++);
}

static inline void ta_minindex_next(Places *s, const double *in, double *out) {
    out[0] = place_next(&s->low, in[0], s->row++);
}

static inline void ta_maxindex_next(Places *s, const double *in, double *out) {
    out[0] = place_next(&s->high, in[0], s->row++);
}

static inline void ta_midpoint_next(Extremes *s, const double *in, double *out) {
    out[0] = (extreme_next(&s->high, in[0]) + extreme_next(&s->low, in[0])) / 2;
}

static inline void ta_midprice_next(Extremes *s, const double *in, double *out) {
    out[0] = (extreme_next(&s->high, in[0]) + extreme_next(&s->low, in[1])) / 2;
}

#define ta_minmax_init      extremes_init
#define ta_minmaxindex_init places_init
#define ta_minindex_init    places_init
#define ta_maxindex_init    places_init
#define ta_midpoint_init    extremes_init
#define ta_midprice_init    extremes_init
KERNEL(ta_minmax, Extremes, 1, 2)
KERNEL(ta_minmaxindex, Places, 1, 2)
KERNEL(ta_minindex, Places, 1, 1)
KERNEL(ta_maxindex, Places, 1, 1)
KERNEL(ta_midpoint, Extremes, 1, 1)
KERNEL(ta_midprice, Extremes, 2, 1)

/* Highest high, lowest low and their middle. */
static inline void ta_donchian_next(Extremes *s, const double *in, double *out) {
    out[0] = extreme_next(&s->high, in[0]);
    out[2] = extreme_next(&s->low, in[1]);
    out[1] = (out[0] + out[2]) / 2;
}

#define ta_donchian_init extremes_init
KERNEL(ta_donchian, Extremes, 2, 3)

/* --- Aroon: how long ago the extremes of period + 1 candles were. Chande 1995. --- */

typedef struct Aroon {
    Placed high, low;
    double scale; /* per cent of the period */
} Aroon;

static void ta_aroon_init(void *state, Arena *arena, const double *p) {
    Aroon *s = state;
    placed_init(&s->high, arena, (int)p[0] + 1, 1);
    placed_init(&s->low, arena, (int)p[0] + 1, -1);
    s->scale = 100.0 / (int)p[0];
}

static inline void ta_aroon_steady(Aroon *s, const double *in, double *out) {
    placed_next(&s->high, in[0], PLACED_LATEST);
    placed_next(&s->low, in[1], PLACED_LATEST);
    out[0] = s->scale * (s->low.size - 1 - s->low.age);
    out[1] = s->scale * (s->high.size - 1 - s->high.age);
}

static inline void ta_aroon_next(Aroon *s, const double *in, double *out) {
    double line[2];
    ta_aroon_steady(s, in, line);
    for (int i = 0; i < 2; i++)
        out[i] = s->high.full ? line[i] : NAN;
}

static inline void ta_aroonosc_steady(Aroon *s, const double *in, double *out) {
    double line[2];
    ta_aroon_steady(s, in, line);
    out[0] = line[1] - line[0];
}

static inline void ta_aroonosc_next(Aroon *s, const double *in, double *out) {
    ta_aroonosc_steady(s, in, out);
    out[0] = s->high.full ? out[0] : NAN;
}

#define ta_aroonosc_init ta_aroon_init
KERNEL_STEADY(ta_aroon, Aroon, 2, 2, s->high.full)
KERNEL_STEADY(ta_aroonosc, Aroon, 2, 1, s->high.full)

#define ONE_IN_ONE_OUT .inputs = { TA_X }, .outputs = { "value" }

/* clang-format off */
static const TaIndicator rows[] = {
    { "sum", "Sum", TA_MATH, ONE_IN_ONE_OUT, .params = { PERIOD(2, 30) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_sum, Sum) },
    { "max", "Greatest value", TA_MATH, ONE_IN_ONE_OUT, .params = { PERIOD(2, 30) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_max, Extreme) },
    { "min", "Least value", TA_MATH, ONE_IN_ONE_OUT, .params = { PERIOD(2, 30) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_min, Extreme) },
    { "maxindex", "Row of the greatest value", TA_MATH, ONE_IN_ONE_OUT, .params = { PERIOD(2, 30) },
      .recursive = true, .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_maxindex, Places) },
    { "minindex", "Row of the least value", TA_MATH, ONE_IN_ONE_OUT, .params = { PERIOD(2, 30) },
      .recursive = true, .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_minindex, Places) },
    { "minmax", "Least and greatest value", TA_MATH, .inputs = { TA_X }, .outputs = { "min", "max" },
      .params = { PERIOD(2, 30) }, .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_minmax, Extremes) },
    { "minmaxindex", "Rows of the least and the greatest value", TA_MATH, .inputs = { TA_X },
      .outputs = { "min_index", "max_index" }, .params = { PERIOD(2, 30) },
      .recursive = true, .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_minmaxindex, Places) },
    { "midpoint", "Middle between the extremes of a column", TA_OVERLAP, ONE_IN_ONE_OUT, .params = { PERIOD(2, 14) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_midpoint, Extremes) },
    { "midprice", "Middle between highest high and lowest low", TA_OVERLAP, .inputs = { TA_HIGH, TA_LOW },
      .outputs = { "value" }, .params = { PERIOD(2, 14) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_midprice, Extremes) },
    { "donchian", "Donchian channel", TA_OVERLAP, .inputs = { TA_HIGH, TA_LOW },
      .outputs = { "upper", "middle", "lower" }, .params = { PERIOD(1, 20) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_donchian, Extremes) },
    { "aroon", "Aroon", TA_MOMENTUM, .inputs = { TA_HIGH, TA_LOW }, .outputs = { "down", "up" },
      .params = { PERIOD(2, 14) }, .lookback = ta_lookback_period, KERNEL_OF(ta_aroon, Aroon) },
    { "aroonosc", "Aroon oscillator", TA_MOMENTUM, .inputs = { TA_HIGH, TA_LOW }, .outputs = { "value" },
      .params = { PERIOD(2, 14) }, .lookback = ta_lookback_period, KERNEL_OF(ta_aroonosc, Aroon) },
};
/* clang-format on */

const TaTable ta_windows = { rows, ARRAY_LEN(rows) };
