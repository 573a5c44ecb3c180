/* ta/volumes.c - indicators of traded volume. */

#include "ta/kernel.h"
#include "ta/parts.h"

/* --- accumulation and distribution --- */

typedef struct Ad {
    double sum;
} Ad;

static inline double ad_next(Ad *s, const double *in) {
    double high = in[0], low = in[1], close = in[2], range = high - low;
    double flow = ((close - low) - (high - close)) / range * in[3];
    return s->sum += range > 0 ? flow : 0;
}

static void ta_ad_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

static inline void ta_ad_next(Ad *s, const double *in, double *out) {
    out[0] = ad_next(s, in);
}

KERNEL(ta_ad, Ad, 4, 1)

/* Both averages are seeded by the first value. */
typedef struct AdOscillator {
    Ad ad;
    double fast_weight, slow_weight, fast, slow;
    int wait; /* rows before the first value */
    bool begun;
} AdOscillator;

static int lookback_adosc(const double *p) {
    return (int)MAX(p[0], p[1]) - 1;
}

static void ta_adosc_init(void *state, Arena *arena, const double *p) {
    UNUSED(arena);
    AdOscillator *s = state;
    s->fast_weight = 2 / (p[0] + 1);
    s->slow_weight = 2 / (p[1] + 1);
    s->wait = lookback_adosc(p);
}

static inline void ta_adosc_next(AdOscillator *s, const double *in, double *out) {
    double ad = ad_next(&s->ad, in);
    if (!s->begun) {
        s->begun = true;
        s->fast = s->slow = ad;
    }
    s->fast += s->fast_weight * (ad - s->fast);
    s->slow += s->slow_weight * (ad - s->slow);
    if (s->wait > 0)
        s->wait--;
    else
        out[0] = s->fast - s->slow;
}

KERNEL(ta_adosc, AdOscillator, 4, 1)

/* --- on balance volume: TA-Lib's begins with the first volume --- */

typedef struct Obv {
    Change price;
    double sum;
} Obv;

static void ta_obv_init(void *state, Arena *arena, const double *p) {
    UNUSED(state), UNUSED(arena), UNUSED(p);
}

static inline void ta_obv_next(Obv *s, const double *in, double *out) {
    double change = change_next(&s->price, in[0]);
    if (isnan(change))
        s->sum = in[1];
    else if (change > 0)
        s->sum += in[1];
    else if (change < 0)
        s->sum -= in[1];
    out[0] = s->sum;
}

/* No branch: which way it goes is a toss-up. */
static inline void ta_obv_steady(Obv *s, const double *in, double *out) {
    double before = s->price.before, up = in[0] > before ? in[1] : 0, down = in[0] < before ? in[1] : 0;
    s->price.before = in[0];
    out[0] = s->sum += up - down;
}

KERNEL_STEADY(ta_obv, Obv, 2, 1, s->price.begun)

/* --- money flow index --- */

typedef struct Mfi {
    Change typical;
    Sum up, down;
} Mfi;

static void ta_mfi_init(void *state, Arena *arena, const double *p) {
    Mfi *s = state;
    sum_init(&s->up, arena, (int)p[0]);
    sum_init(&s->down, arena, (int)p[0]);
}

/* 0 where less than one unit flowed, as TA-Lib has it. */
static inline void ta_mfi_next(Mfi *s, const double *in, double *out) {
    double typical = (in[0] + in[1] + in[2]) / 3, change = change_next(&s->typical, typical), flow = typical * in[3];
    double up = sum_next(&s->up, isnan(change) ? NAN : change > 0 ? flow : 0);
    double down = sum_next(&s->down, isnan(change) ? NAN : change < 0 ? flow : 0);
    out[0] = up + down < 1 ? 0 : 100 * (up / (up + down));
}

static inline void ta_mfi_steady(Mfi *s, const double *in, double *out) {
    double typical = (in[0] + in[1] + in[2]) / 3, before = s->typical.before, flow = typical * in[3];
    s->typical.before = typical;
    double up = sum_steady(&s->up, typical > before ? flow : 0),
           down = sum_steady(&s->down, typical < before ? flow : 0);
    double all = up + down, share = 100 * (up / all);
    out[0] = all < 1 ? 0 : share;
}

KERNEL_STEADY(ta_mfi, Mfi, 4, 1, window_full(&s->up.w))

#define CANDLE_4 .inputs = { TA_HIGH, TA_LOW, TA_CLOSE, TA_VOLUME }, .outputs = { "value" }

/* clang-format off */
static const TaIndicator rows[] = {
    { "ad", "Accumulation and distribution line", TA_VOLUMES, CANDLE_4, .recursive = true,
      .lookback = ta_lookback_none, KERNEL_OF(ta_ad, Ad) },
    { "adosc", "Accumulation and distribution oscillator", TA_VOLUMES, CANDLE_4,
      .params = { PERIOD_NAMED("fast_period", 2, 3), PERIOD_NAMED("slow_period", 2, 10) }, .recursive = true,
      .lookback = lookback_adosc, KERNEL_OF(ta_adosc, AdOscillator) },
    { "obv", "On balance volume", TA_VOLUMES, .inputs = { TA_X, TA_VOLUME }, .outputs = { "value" },
      .recursive = true, .lookback = ta_lookback_none, KERNEL_OF(ta_obv, Obv) },
    { "mfi", "Money flow index", TA_VOLUMES, CANDLE_4, .params = { PERIOD(2, 14) },
      .lookback = ta_lookback_period, KERNEL_OF(ta_mfi, Mfi) },
};
/* clang-format on */

const TaTable ta_volumes = { rows, ARRAY_LEN(rows) };
