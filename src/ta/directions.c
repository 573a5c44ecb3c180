/* ta/directions.c - the directional movement system and the parabolic stop. Wilder: "New concepts in technical trading
 * systems", 1978, with TA-Lib's sums: the first one has period - 1 members. */

#include "ta/kernel.h"
#include "ta/parts.h"

/* --- directional movement --- */

typedef struct Movement {
    TrueRange range;
    double high, low; /* of the candle before */
    double plus, minus, true_range;
    int period, n; /* n: movements seen */
} Movement;

/* False until `period - 1` movements are summed. */
static inline bool movement_next(Movement *m, double high, double low, double close) {
    double range = true_range_next(&m->range, high, low, close);
    double up = high - m->high, down = m->low - low;
    m->high = high;
    m->low = low;
    if (isnan(range))
        return false;
    double rise = MAX(up, 0), fall = MAX(down, 0); /* no branches: which it is is a toss-up */
    double plus = up > down ? rise : 0, minus = up < down ? fall : 0;
    m->n++;
    if (m->period == 1) {
        m->plus = plus, m->minus = minus, m->true_range = range;
    } else if (m->n < m->period) {
        m->plus += plus, m->minus += minus, m->true_range += range;
    } else {
        m->plus += plus - m->plus / m->period;
        m->minus += minus - m->minus / m->period;
        m->true_range += range - m->true_range / m->period;
    }
    return m->n >= m->period - 1;
}

static void movement_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    Movement *m = state;
    m->period = (int)p[0];
}

static inline double movement_plus_di(const Movement *m) {
    return nearly_zero(m->true_range) ? 0 : 100 * (m->plus / m->true_range);
}

static inline double movement_minus_di(const Movement *m) {
    return nearly_zero(m->true_range) ? 0 : 100 * (m->minus / m->true_range);
}

/* Of a period of 1 it is a fraction, no per cent: TA-Lib's way. */
static inline double movement_per_cent(const Movement *m, double di) {
    return m->period == 1 ? di / 100 : di;
}

#define ta_plus_dm_init  movement_init
#define ta_minus_dm_init movement_init
#define ta_plus_di_init  movement_init
#define ta_minus_di_init movement_init

static inline void ta_plus_dm_next(Movement *m, const double *in, double *out) {
    out[0] = movement_next(m, in[0], in[1], in[1]) ? m->plus : NAN;
}

static inline void ta_minus_dm_next(Movement *m, const double *in, double *out) {
    out[0] = movement_next(m, in[0], in[1], in[1]) ? m->minus : NAN;
}

static inline void ta_plus_di_next(Movement *m, const double *in, double *out) {
    movement_next(m, in[0], in[1], in[2]);
    out[0] = m->n >= m->period ? movement_per_cent(m, movement_plus_di(m)) : NAN;
}

static inline void ta_minus_di_next(Movement *m, const double *in, double *out) {
    movement_next(m, in[0], in[1], in[2]);
    out[0] = m->n >= m->period ? movement_per_cent(m, movement_minus_di(m)) : NAN;
}

KERNEL(ta_plus_dm, Movement, 2, 1)
KERNEL(ta_minus_dm, Movement, 2, 1)
KERNEL(ta_plus_di, Movement, 3, 1)
KERNEL(ta_minus_di, Movement, 3, 1)

static int lookback_dm(const double *p) {
    return p[0] > 1 ? (int)p[0] - 1 : 1;
}

/* --- DX, ADX, ADXR --- */

/* |+DI - -DI| over their sum; NaN where there was no movement at all. */
static inline double movement_dx(const Movement *m) {
    double plus = movement_plus_di(m), minus = movement_minus_di(m);
    return nearly_zero(plus + minus) ? NAN : 100 * (fabs(minus - plus) / (plus + minus));
}

typedef struct Dx {
    Movement movement;
    double value; /* stands while nothing moves */
} Dx;

static inline void ta_dx_next(Dx *s, const double *in, double *out) {
    movement_next(&s->movement, in[0], in[1], in[2]);
    if (s->movement.n < s->movement.period)
        return;
    double dx = movement_dx(&s->movement);
    if (!isnan(dx))
        s->value = dx;
    out[0] = s->value;
}

#define ta_dx_init movement_init
KERNEL(ta_dx, Dx, 3, 1)

typedef struct Adx {
    Movement movement;
    double value; /* a sum until it has `period` members, those without movement counting as none */
    int n;
    Lag lag; /* of ADXR */
} Adx;

static inline double adx_next(Adx *s, const double *in) {
    movement_next(&s->movement, in[0], in[1], in[2]);
    int period = s->movement.period;
    if (s->movement.n < period)
        return NAN;
    double dx = movement_dx(&s->movement);
    if (s->n < period) {
        s->value += isnan(dx) ? 0 : dx;
        if (++s->n < period)
            return NAN;
        return s->value /= period;
    }
    if (!isnan(dx))
        s->value = (s->value * (period - 1) + dx) / period;
    return s->value;
}

static inline void ta_adx_next(Adx *s, const double *in, double *out) {
    out[0] = adx_next(s, in);
}

/* The same once all sums are full. */
static inline void ta_adx_steady(Adx *s, const double *in, double *out) {
    Movement *m = &s->movement;
    double high = in[0], low = in[1], up = high - m->high, down = m->low - low, period = m->period;
    double range = true_range_next(&m->range, high, low, in[2]);
    double rise = MAX(up, 0), fall = MAX(down, 0);
    m->high = high;
    m->low = low;
    m->plus += (up > down ? rise : 0) - m->plus / period;
    m->minus += (up < down ? fall : 0) - m->minus / period;
    m->true_range += range - m->true_range / period;
    double dx = movement_dx(m), value = (s->value * (period - 1) + dx) / period;
    out[0] = s->value = isnan(dx) ? s->value : value;
}

#define ta_adx_init movement_init
KERNEL_STEADY(ta_adx, Adx, 3, 1, s->n == s->movement.period && s->n > 1)

static void ta_adxr_init(void *state, Arena *arena, const double *p) {
    Adx *s = state;
    movement_init(state, arena, p);
    lag_init(&s->lag, arena, (int)p[0] - 1);
}

static inline void ta_adxr_next(Adx *s, const double *in, double *out) {
    double adx = adx_next(s, in);
    out[0] = (adx + lag_next(&s->lag, adx)) / 2;
}

KERNEL(ta_adxr, Adx, 3, 1)

static int lookback_adx(const double *p) {
    return 2 * (int)p[0] - 1;
}

static int lookback_adxr(const double *p) {
    return 3 * (int)p[0] - 2;
}

/* --- parabolic stop and reverse --- */

typedef struct SarSide {
    double first, step, max;
} SarSide;

typedef struct Sar {
    SarSide rise, fall; /* accelerations while long and while short */
    double start;       /* 0: the first candles tell the side; > 0: long from there; < 0: short */
    double offset;      /* of a reversal, as a fraction of the stop */
    double high, low;   /* of the candle before */
    double stop, extreme, acceleration;
    int n;
    bool is_long;
} Sar;

static void ta_sar_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    Sar *s = state;
    double step = MIN(p[0], p[1]);
    s->rise = s->fall = (SarSide){ step, step, p[1] };
}

static void ta_sarext_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    Sar *s = state;
    s->start = p[0];
    s->offset = p[1];
    s->rise = (SarSide){ MIN(p[2], p[4]), MIN(p[3], p[4]), p[4] };
    s->fall = (SarSide){ MIN(p[5], p[7]), MIN(p[6], p[7]), p[7] };
}

static inline void sar_begin(Sar *s, double high, double low) {
    double up = high - s->high, down = s->low - low;
    s->is_long = s->start > 0 || (s->start == 0 && !(down > 0 && down > up));
    s->extreme = s->is_long ? high : low;
    s->stop = s->start != 0 ? fabs(s->start) : s->is_long ? s->low : s->high;
    s->acceleration = s->is_long ? s->rise.first : s->fall.first;
    s->high = high;
    s->low = low;
}

/* Long: the stop may not pass the lows of this candle and the one before; short: the highs. */
static inline double sar_bound(const Sar *s, bool is_long, double stop, double high, double low) {
    double least = MIN(s->low, low), greatest = MAX(s->high, high);
    return is_long ? MIN(stop, least) : MAX(stop, greatest);
}

static inline void sar_turn(Sar *s, bool is_long, double high, double low) { /* to is_long */
    s->is_long = is_long;
    s->stop = sar_bound(s, is_long, s->extreme, high, low);
    if (s->offset != 0)
        s->stop += s->stop * (is_long ? -s->offset : s->offset);
    s->acceleration = is_long ? s->rise.first : s->fall.first;
    s->extreme = is_long ? high : low;
}

/* On the side it is at; for each its own code: the side is the same for many rows. */
static inline void sar_follow(Sar *s, bool is_long, double high, double low, double *out) {
    const SarSide *side = is_long ? &s->rise : &s->fall;
    out[0] = s->stop;
    if (is_long ? high > s->extreme : low < s->extreme) {
        double quicker = s->acceleration + side->step;
        s->extreme = is_long ? high : low;
        s->acceleration = MIN(quicker, side->max);
    }
    s->stop = sar_bound(s, is_long, s->stop + s->acceleration * (s->extreme - s->stop), high, low);
    s->high = high;
    s->low = low;
}

static inline void sar_row(Sar *s, const double *in, double *out) {
    double high = in[0], low = in[1];
    if (s->is_long) {
        if (low > s->stop) {
            sar_follow(s, true, high, low, out);
            return;
        }
        sar_turn(s, false, high, low);
        sar_follow(s, false, high, low, out);
    } else {
        if (high < s->stop) {
            sar_follow(s, false, high, low, out);
            return;
        }
        sar_turn(s, true, high, low);
        sar_follow(s, true, high, low, out);
    }
}

static inline void ta_sar_steady(Sar *s, const double *in, double *out) {
    sar_row(s, in, out);
}

static inline void ta_sarext_steady(Sar *s, const double *in, double *out) { /* a short's stop is negative */
    sar_row(s, in, out);
    out[0] = s->is_long ? out[0] : -out[0];
}

static inline bool sar_begun(Sar *s, const double *in) {
    if (s->n == 0) {
        s->n = 1;
        s->high = in[0];
        s->low = in[1];
        return false;
    }
    if (s->n == 1) {
        s->n = 2;
        sar_begin(s, in[0], in[1]);
    }
    return true;
}

static inline void ta_sar_next(Sar *s, const double *in, double *out) {
    if (sar_begun(s, in))
        ta_sar_steady(s, in, out);
}

static inline void ta_sarext_next(Sar *s, const double *in, double *out) {
    if (sar_begun(s, in))
        ta_sarext_steady(s, in, out);
}

KERNEL_STEADY(ta_sar, Sar, 2, 1, s->n == 2)
KERNEL_STEADY(ta_sarext, Sar, 2, 1, s->n == 2)

/* --- the table --- */

#define CANDLE_3 .inputs = { TA_HIGH, TA_LOW, TA_CLOSE }, .outputs = { "value" }
#define CANDLE_2 .inputs = { TA_HIGH, TA_LOW }, .outputs = { "value" }
#define FRACTION(name_, standard_)                                                                                     \
    { (name_), TA_REAL, (standard_), 0, 3e37 }

/* clang-format off */
static const TaIndicator rows[] = {
    { "plus_dm", "Plus directional movement", TA_MOMENTUM, CANDLE_2, .params = { PERIOD(1, 14) }, .recursive = true,
      .lookback = lookback_dm, KERNEL_OF(ta_plus_dm, Movement) },
    { "minus_dm", "Minus directional movement", TA_MOMENTUM, CANDLE_2, .params = { PERIOD(1, 14) }, .recursive = true,
      .lookback = lookback_dm, KERNEL_OF(ta_minus_dm, Movement) },
    { "plus_di", "Plus directional indicator", TA_MOMENTUM, CANDLE_3, .params = { PERIOD(1, 14) }, .recursive = true,
      .lookback = ta_lookback_period, KERNEL_OF(ta_plus_di, Movement) },
    { "minus_di", "Minus directional indicator", TA_MOMENTUM, CANDLE_3, .params = { PERIOD(1, 14) }, .recursive = true,
      .lookback = ta_lookback_period, KERNEL_OF(ta_minus_di, Movement) },
    { "dx", "Directional movement index", TA_MOMENTUM, CANDLE_3, .params = { PERIOD(2, 14) }, .recursive = true,
      .lookback = ta_lookback_period, KERNEL_OF(ta_dx, Dx) },
    { "adx", "Average directional movement index", TA_MOMENTUM, CANDLE_3, .params = { PERIOD(2, 14) },
      .recursive = true, .lookback = lookback_adx, KERNEL_OF(ta_adx, Adx) },
    { "adxr", "Average directional movement index rating", TA_MOMENTUM, CANDLE_3, .params = { PERIOD(2, 14) },
      .recursive = true, .lookback = lookback_adxr, KERNEL_OF(ta_adxr, Adx) },
    { "sar", "Parabolic stop and reverse", TA_OVERLAP, CANDLE_2,
      .params = { FRACTION("acceleration", 0.02), FRACTION("maximum", 0.2) },
      .recursive = true, .lookback = ta_lookback_one, KERNEL_OF(ta_sar, Sar) },
    { "sarext", "Parabolic stop and reverse, extended; negative while short", TA_OVERLAP, CANDLE_2,
      .params = { { "start", TA_REAL, 0, -3e37, 3e37 }, FRACTION("offset_on_reverse", 0),
                  FRACTION("acceleration_init_long", 0.02), FRACTION("acceleration_long", 0.02),
                  FRACTION("acceleration_max_long", 0.2), FRACTION("acceleration_init_short", 0.02),
                  FRACTION("acceleration_short", 0.02), FRACTION("acceleration_max_short", 0.2) },
      .recursive = true, .lookback = ta_lookback_one, KERNEL_OF(ta_sarext, Sar) },
};
/* clang-format on */

const TaTable ta_directions = { rows, ARRAY_LEN(rows) };
