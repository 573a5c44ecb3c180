/* ta/cycles.c - what is read off the dominant cycle. */

#include "ta/cycle.h"
#include "ta/kernel.h"

static const double TURN = 2 * 3.14159265358979323846, DEGREE = 1 / (180 / 3.14159265358979323846);

static void cycle_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena), UNUSED(p);
    Cycle *c = state;
    c->start = PHASE_START;
}

static int lookback_cycle(const double *p) {
    UNUSED(p);
    return CYCLE_LOOKBACK;
}

static int lookback_phase(const double *p) {
    UNUSED(p);
    return 63;
}

static inline void ta_ht_dcperiod_next(Cycle *c, const double *in, double *out) {
    cycle_next(c, in[0]);
    if (c->row > CYCLE_LOOKBACK)
        out[0] = c->smooth_period;
}

static inline void ta_ht_phasor_next(Cycle *c, const double *in, double *out) {
    cycle_next(c, in[0]);
    if (c->row <= CYCLE_LOOKBACK)
        return;
    out[0] = c->i1;
    out[1] = c->q1;
}

#define ta_ht_dcperiod_init cycle_init
#define ta_ht_phasor_init   cycle_init
KERNEL(ta_ht_dcperiod, Cycle, 1, 1)
KERNEL(ta_ht_phasor, Cycle, 1, 2)

/* --- MESA adaptive average --- */

static void ta_mama_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    mama_init(state, p[0], p[1]);
}

static inline void ta_mama_next(Mama *s, const double *in, double *out) {
    if (!mama_next(s, in[0]))
        return;
    out[0] = s->mama;
    out[1] = s->fama;
}

KERNEL(ta_mama, Mama, 1, 2)

/* --- phase of the dominant cycle, its sine, the line without it, and whether there is a trend --- */

typedef struct Phase {
    Cycle cycle;
    Window smooth, price;
    DoublePair *waves[CYCLE_MAX + 1]; /* sine and cosine of the parts of a turn, of each period that came up */
    bool known[CYCLE_MAX + 1];
    double phase, sine, lead, line;
    double means[3]; /* before this row */
    double n_in_trend;
} Phase;

static void phase_init(void *state, Arena *arena, const double *p) {
    UNUSED(p);
    Phase *s = state;
    s->cycle.start = TREND_START;
    window_init(&s->smooth, arena, CYCLE_MAX);
    window_init(&s->price, arena, CYCLE_MAX);
    for (int i = 0; i < CYCLE_MAX; i++)
        window_push(&s->smooth, 0);
    for (int period = 1; period <= CYCLE_MAX; period++)
        s->waves[period] = arena_new_n(arena, DoublePair, (size_t)period);
}

/* TA-Lib takes a sine and a cosine of each part of the turn at every row: most of what it does. */
static const DoublePair *phase_waves(Phase *s, int period) {
    DoublePair *waves = s->waves[period];
    for (int i = 0; i < period && !s->known[period]; i++) {
        double angle = i * TURN / period;
        waves[i] = (DoublePair){ sin(angle), cos(angle) };
    }
    s->known[period] = true;
    return waves;
}

static inline double phase_of(Phase *s, int period) {
    const DoublePair *waves = phase_waves(s, period);
    DoublePair sums = { 0, 0 }; /* real, imaginary */
    for (int i = 0; i < period; i++)
        sums += waves[i] * window_at(&s->smooth, i);
    double phase = s->phase, real = sums[0], imaginary = sums[1];
    if (imaginary != 0)
        phase = atan(real / imaginary) * PHASE_DEGREES;
    else if (real != 0)
        phase += real < 0 ? -90 : 90;
    phase += 90;
    phase += 360 / s->cycle.smooth_period;
    phase += imaginary < 0 ? 180 : 0;
    return phase > 315 ? phase - 360 : phase;
}

static inline double phase_line(Phase *s, int period) {
    double mean = 0;
    for (int i = 0; i < period; i++)
        mean += window_at(&s->price, i);
    mean = period > 0 ? mean / period : 0;
    double line = (4 * mean + 3 * s->means[0] + 2 * s->means[1] + s->means[2]) / 10;
    s->means[2] = s->means[1];
    s->means[1] = s->means[0];
    s->means[0] = mean;
    return line;
}

enum { WAVE = 1, LINE = 2 }; /* what is asked for: the phase, the line */

/* True once outputs are due. */
static inline bool phase_next(Phase *s, double x, int asked) {
    if (asked & LINE)
        window_push(&s->price, x);
    if (!cycle_next(&s->cycle, x))
        return false;
    int period = (int)(s->cycle.smooth_period + 0.5);
    if (asked & WAVE) {
        window_push(&s->smooth, cycle_smoothed(&s->cycle));
        s->phase = phase_of(s, period);
    }
    if (asked & LINE)
        s->line = phase_line(s, period);
    return s->cycle.row > lookback_phase(NULL);
}

static inline void phase_sine(Phase *s) {
    s->sine = sin(s->phase * DEGREE);
    s->lead = sin((s->phase + 45) * DEGREE);
}

static inline bool phase_is_trend(Phase *s, double before, double sine, double lead) {
    double period = s->cycle.smooth_period, turn = s->phase - before, price = cycle_smoothed(&s->cycle);
    bool trend = true;
    if ((s->sine > s->lead && sine <= lead) || (s->sine < s->lead && sine >= lead)) {
        s->n_in_trend = 0;
        trend = false;
    }
    s->n_in_trend++;
    if (s->n_in_trend < 0.5 * period)
        trend = false;
    if (period != 0 && turn > 0.67 * 360 / period && turn < 1.5 * 360 / period)
        trend = false;
    return trend || (s->line != 0 && fabs((price - s->line) / s->line) >= 0.015);
}

static inline void ta_ht_dcphase_next(Phase *s, const double *in, double *out) {
    if (phase_next(s, in[0], WAVE))
        out[0] = s->phase;
}

static inline void ta_ht_sine_next(Phase *s, const double *in, double *out) {
    if (!phase_next(s, in[0], WAVE))
        return;
    phase_sine(s);
    out[0] = s->sine;
    out[1] = s->lead;
}

static inline void ta_ht_trendline_next(Phase *s, const double *in, double *out) {
    if (phase_next(s, in[0], LINE))
        out[0] = s->line;
}

static inline void ta_ht_trendmode_next(Phase *s, const double *in, double *out) {
    double phase = s->phase, sine = s->sine, lead = s->lead;
    bool due = phase_next(s, in[0], WAVE | LINE);
    if (s->cycle.row <= TREND_START)
        return;
    phase_sine(s);
    bool trend = phase_is_trend(s, phase, sine, lead);
    if (due)
        out[0] = trend;
}

#define ta_ht_dcphase_init   phase_init
#define ta_ht_sine_init      phase_init
#define ta_ht_trendline_init phase_init
#define ta_ht_trendmode_init phase_init
KERNEL(ta_ht_dcphase, Phase, 1, 1)
KERNEL(ta_ht_sine, Phase, 1, 2)
KERNEL(ta_ht_trendline, Phase, 1, 1)
KERNEL(ta_ht_trendmode, Phase, 1, 1)

#define OF_X TA_CYCLE, .inputs = { TA_X }, .recursive = true
#define LIMIT(name_, standard_)                                                                                        \
    { (name_), TA_REAL, (standard_), 0.01, 0.99 }

/* clang-format off */
static const TaIndicator rows[] = {
    { "ht_dcperiod", "Period of the dominant cycle", OF_X, .outputs = { "value" },
      .lookback = lookback_cycle, KERNEL_OF(ta_ht_dcperiod, Cycle) },
    { "ht_phasor", "Phasor of the dominant cycle", OF_X, .outputs = { "in_phase", "quadrature" },
      .lookback = lookback_cycle, KERNEL_OF(ta_ht_phasor, Cycle) },
    { "ht_dcphase", "Phase of the dominant cycle, degrees", OF_X, .outputs = { "value" },
      .lookback = lookback_phase, KERNEL_OF(ta_ht_dcphase, Phase) },
    { "ht_sine", "Sine of the dominant cycle, and 45 degrees ahead", OF_X, .outputs = { "sine", "lead_sine" },
      .lookback = lookback_phase, KERNEL_OF(ta_ht_sine, Phase) },
    { "ht_trendline", "Price without its dominant cycle", OF_X, .outputs = { "value" },
      .lookback = lookback_phase, KERNEL_OF(ta_ht_trendline, Phase) },
    { "ht_trendmode", "1 in a trend, 0 in a cycle", OF_X, .outputs = { "value" },
      .lookback = lookback_phase, KERNEL_OF(ta_ht_trendmode, Phase) },
    { "mama", "MESA adaptive moving average", OF_X, .outputs = { "mama", "fama" },
      .params = { LIMIT("fast_limit", 0.5), LIMIT("slow_limit", 0.05) },
      .lookback = lookback_cycle, KERNEL_OF(ta_mama, Mama) },
};
/* clang-format on */

const TaTable ta_cycles = { rows, ARRAY_LEN(rows) };
