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

static inline void ad_rows_next(Ad *s, const double *in, double *out) {
    out[0] = ad_next(s, in);
}

KERNEL(ad_rows, Ad, 4, 1)

/* Flows of some rows by twos; false where one is not finite. */
static bool ad_flows(const double *const *in, size_t at, size_t n, double *flow) {
    DoublePair zero = { 0 };
    for (size_t i = 0; i + 2 <= n; i += 2) {
        DoublePair high = pair_at(in[0] + at + i), low = pair_at(in[1] + at + i), close = pair_at(in[2] + at + i);
        DoublePair volume = pair_at(in[3] + at + i), range = high - low;
        DoublePair two = ((close - low) - (high - close)) / range * volume;
        two = (DoublePair)((Mask)two & (range > 0));
        memcpy(flow + i, &two, sizeof two);
        zero += 0 * ((high + low) + (close + volume));
    }
    return zero[0] + zero[1] == 0;
}

/* What does not wait for the sum is done first. */
static void ta_ad_run(void *state, const double *const *in, size_t n, double *const *out) {
    Ad *s = state;
    size_t i = 0;
    while (i < n) {
        double flow[KERNEL_BLOCK], sum = s->sum;
        size_t block = MIN(n - i, (size_t)KERNEL_BLOCK);
        if (block % 2 != 0 || !ad_flows(in, i, block, flow)) {
            const double *rows[4] = { in[0] + i, in[1] + i, in[2] + i, in[3] + i };
            ad_rows_run(state, rows, block, (double *[]){ out[0] + i });
            i += block;
            continue;
        }
        for (size_t k = 0; k < block; k++)
            out[0][i + k] = sum += flow[k];
        s->sum = sum;
        i += block;
    }
}

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
    s->fast = s->fast_weight * ad + (1 - s->fast_weight) * s->fast;
    s->slow = s->slow_weight * ad + (1 - s->slow_weight) * s->slow;
    if (s->wait > 0)
        s->wait--;
    else
        out[0] = s->fast - s->slow;
}

static inline void ta_adosc_steady(AdOscillator *s, const double *in, double *out) {
    double ad = ad_next(&s->ad, in);
    s->fast = s->fast_weight * ad + (1 - s->fast_weight) * s->fast;
    s->slow = s->slow_weight * ad + (1 - s->slow_weight) * s->slow;
    out[0] = s->fast - s->slow;
}

KERNEL_STEADY(ta_adosc, AdOscillator, 4, 1, s->begun && s->wait == 0)

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
    int way = (in[0] > s->price.before) - (in[0] < s->price.before);
    s->price.before = in[0];
    out[0] = s->sum += way * in[1];
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
