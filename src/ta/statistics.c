/* ta/statistics.c - moments, lines and pairs over a window. */

#include "ta/columns.h"

/* --- spread --- */

typedef struct Deviation {
    Variance variance;
    double times;
} Deviation;

static void ta_stddev_init(void *state, Arena *arena, const double *p) {
    Deviation *s = state;
    variance_init(&s->variance, arena, (int)p[0]);
    s->times = p[1];
}

static inline void ta_stddev_next(Deviation *s, const double *in, double *out) {
    out[0] = deviation_next(&s->variance, in[0]) * s->times;
}

VARIANCE_COLUMN(ta_stddev, Deviation, &s->variance, deviation_of(variance) * s->times)
VARIANCE_COLUMN(ta_var, Variance, s, variance)
KERNEL_COLUMN(ta_stddev, Deviation, variance.w, 1)
KERNEL_WINDOW(ta_var, Variance, w, variance_init(s, arena, (int)p[0]), variance_next(s, x))

static inline double avgdev_next(Window *w, double x) {
    window_push(w, x);
    return window_full(w) ? window_mean_deviation(w, window_mean(w)) : NAN;
}

KERNEL_1(ta_avgdev, Window, window_init(s, arena, (int)p[0]), avgdev_next(s, x))

/* --- the least-squares line through a window, by sums of y and of age times y that roll along. The second one takes
 * up the first one's error at every step, so both are taken anew once a turn of the window. --- */

typedef struct Line {
    Window w;
    double sum, aged;
    double slope, intercept; /* at the oldest value */
} Line;

static void line_init(Line *l, Arena *arena, int period) {
    window_init(&l->w, arena, period);
}

static inline void line_anew(Line *l) { /* the oldest value is at the start of the ring */
    l->sum = l->aged = 0;
    for (int i = 0; i < l->w.size; i++) {
        l->sum += l->w.at[i];
        l->aged += (l->w.size - 1 - i) * l->w.at[i];
    }
}

static inline bool line_next(Line *l, double y) {
    double p = l->w.size, oldest = window_push(&l->w, y);
    l->aged += l->sum; /* all are one older */
    if (!isnan(oldest)) {
        l->aged -= p * oldest;
        l->sum -= oldest;
    }
    l->sum += y;
    if (!window_full(&l->w))
        return false;
    if (l->w.next == 0)
        line_anew(l);
    double ages = p * (p - 1) / 2, squares = p * (p - 1) * (2 * p - 1) / 6;
    l->slope = (p * l->aged - ages * l->sum) / (ages * ages - p * squares);
    l->intercept = (l->sum - l->slope * ages) / p;
    return true;
}

static const double DEGREES = 57.295779513082320876798;

KERNEL_1(ta_linearreg, Line, line_init(s, arena, (int)p[0]),
         line_next(s, x) ? s->intercept + s->slope *(s->w.size - 1) : NAN)
KERNEL_1(ta_linearreg_slope, Line, line_init(s, arena, (int)p[0]), line_next(s, x) ? s->slope : NAN)
KERNEL_1(ta_linearreg_intercept, Line, line_init(s, arena, (int)p[0]), line_next(s, x) ? s->intercept : NAN)
KERNEL_1(ta_linearreg_angle, Line, line_init(s, arena, (int)p[0]), line_next(s, x) ? atan(s->slope) * DEGREES : NAN)
KERNEL_1(ta_tsf, Line, line_init(s, arena, (int)p[0]), line_next(s, x) ? s->intercept + s->slope * s->w.size : NAN)

/* --- two columns --- */

typedef struct Pair {
    Window wx, wy;
    double x, y, xx, yy, xy; /* sums */
    double before_x, before_y;
    bool begun;
} Pair;

static void pair_init(void *state, Arena *arena, const double *p) {
    Pair *s = state;
    window_init(&s->wx, arena, (int)p[0]);
    window_init(&s->wy, arena, (int)p[0]);
}

static inline void pair_add(Pair *s, double x, double y, double sign) {
    s->x += sign * x;
    s->y += sign * y;
    s->xx += sign * (x * x);
    s->yy += sign * (y * y);
    s->xy += sign * (x * y);
}

static inline void pair_push(Pair *s, double x, double y) {
    window_push(&s->wx, x);
    window_push(&s->wy, y);
    pair_add(s, x, y, 1);
}

static inline void pair_drop_oldest(Pair *s) {
    pair_add(s, window_oldest(&s->wx), window_oldest(&s->wy), -1);
}

/* Of full windows: the newest in, and the oldest out once the sums are used. */
static inline void pair_replace(Pair *s, double x, double y) {
    window_replace(&s->wx, x);
    window_replace(&s->wy, y);
    pair_add(s, x, y, 1);
}

static inline double correl_of(const Pair *s) {
    double n = s->wx.size, spread = (s->xx - s->x * s->x / n) * (s->yy - s->y * s->y / n);
    return spread < TA_ZERO ? 0 : (s->xy - s->x * s->y / n) / sqrt(spread);
}

static inline void ta_correl_steady(Pair *s, const double *in, double *out) {
    pair_replace(s, in[0], in[1]);
    out[0] = correl_of(s);
    pair_drop_oldest(s);
}

static inline void ta_correl_next(Pair *s, const double *in, double *out) {
    pair_push(s, in[0], in[1]);
    if (!window_full(&s->wx))
        return;
    out[0] = correl_of(s);
    pair_drop_oldest(s);
}

/* Slope of the second column's returns on the first's. */
static inline void ta_beta_next(Pair *s, const double *in, double *out) {
    double x = nearly_zero(s->before_x) ? 0 : (in[0] - s->before_x) / s->before_x;
    double y = nearly_zero(s->before_y) ? 0 : (in[1] - s->before_y) / s->before_y;
    s->before_x = in[0];
    s->before_y = in[1];
    if (!s->begun) {
        s->begun = true;
        return;
    }
    pair_push(s, x, y);
    if (!window_full(&s->wx))
        return;
    double n = s->wx.size, spread = n * s->xx - s->x * s->x;
    out[0] = nearly_zero(spread) ? 0 : (n * s->xy - s->x * s->y) / spread;
    pair_drop_oldest(s);
}

#define ta_correl_init pair_init
#define ta_beta_init   pair_init
KERNEL_STEADY(ta_correl, Pair, 2, 1, window_full(&s->wx))
KERNEL(ta_beta, Pair, 2, 1)

#define ONE_IN_ONE_OUT .inputs = { TA_X }, .outputs = { "value" }
#define TWO_IN_ONE_OUT .inputs = { TA_X, TA_Y }, .outputs = { "value" }
#define LINE(name_, words_, kernel)                                                                                    \
    {                                                                                                                  \
        name_, words_, TA_STATISTIC, ONE_IN_ONE_OUT, .params = { PERIOD(2, 14) },                                      \
                                                     .lookback = ta_lookback_period_less_1, KERNEL_OF(kernel, Line)    \
    }

/* clang-format off */
static const TaIndicator rows[] = {
    { "stddev", "Standard deviation (of a population), times a factor", TA_STATISTIC, ONE_IN_ONE_OUT,
      .params = { PERIOD(2, 5), { "times", TA_REAL, 1, -3e37, 3e37 } },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_stddev, Deviation) },
    { "var", "Variance (of a population)", TA_STATISTIC, ONE_IN_ONE_OUT,
      .params = { PERIOD(1, 5), { "unused", TA_REAL, 1, -3e37, 3e37 } },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_var, Variance) },
    { "avgdev", "Mean absolute deviation", TA_STATISTIC, ONE_IN_ONE_OUT, .params = { PERIOD(2, 14) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_avgdev, Window) },
    LINE("linearreg", "End of the least-squares line", ta_linearreg),
    LINE("linearreg_slope", "Slope of the least-squares line", ta_linearreg_slope),
    LINE("linearreg_intercept", "Start of the least-squares line", ta_linearreg_intercept),
    LINE("linearreg_angle", "Slope of the least-squares line, in degrees", ta_linearreg_angle),
    LINE("tsf", "Time series forecast: the line one candle on", ta_tsf),
    { "correl", "Pearson's correlation", TA_STATISTIC, TWO_IN_ONE_OUT, .params = { PERIOD(1, 30) },
      .lookback = ta_lookback_period_less_1, KERNEL_OF(ta_correl, Pair) },
    { "beta", "Beta of returns", TA_STATISTIC, TWO_IN_ONE_OUT, .params = { PERIOD(1, 5) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_beta, Pair) },
};
/* clang-format on */

const TaTable ta_statistics = { rows, ARRAY_LEN(rows) };
