/* What an indicator costs a value, against a plain loop over the same definition: `make bench`, or
 * build/bench/bench_ta.
 *
 * A million closes and candles in memory. Each pair is checked to be equal before the clock. The plain loops are what
 * one writes by hand: they index the column itself, and search a window from one end to the other.
 * bench_ta WORD runs those whose name has it. */

#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "bench.h"
#include "ta/ta.h"

enum { N = 1000000 };

typedef struct Bench {
    double *open, *high, *low, *close;
    double *out[TA_OUTPUTS_MAX], *want[TA_OUTPUTS_MAX];
    const TaIndicator *ta;
    const double *params;
    void (*plain)(struct Bench *b, double *out);
} Bench;

static double run_ta(void *arg) {
    Bench *b = arg;
    const double *const of[] = {
        [TA_OPEN] = b->open, [TA_HIGH] = b->high, [TA_LOW] = b->low, [TA_CLOSE] = b->close, [TA_X] = b->close
    };
    const double *in[TA_INPUTS_MAX];
    for (size_t i = 0; i < ta_n_inputs(b->ta); i++)
        in[i] = of[b->ta->inputs[i]];
    ta_compute(b->ta, b->params, in, N, b->out);
    return b->out[0][N - 1];
}

static double run_plain(void *arg) {
    Bench *b = arg;
    b->plain(b, b->want[0]);
    return b->want[0][N - 1];
}

enum { P = 30 };

static void not_ready(double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = NAN;
}

static void plain_sma(Bench *b, double *out) {
    double sum = 0;
    not_ready(out, P - 1);
    for (int i = 0; i < N; i++) {
        sum += b->close[i];
        if (i >= P - 1) {
            out[i] = sum / P;
            sum -= b->close[i - P + 1];
        }
    }
}

static void plain_ema(Bench *b, double *out) {
    double value = 0, weight = 2.0 / (P + 1);
    not_ready(out, P - 1);
    for (int i = 0; i < P; i++)
        value += b->close[i];
    out[P - 1] = value /= P;
    for (int i = P; i < N; i++)
        out[i] = value += (b->close[i] - value) * weight;
}

static void plain_rsi(Bench *b, double *out) {
    double gain = 0, loss = 0;
    not_ready(out, P);
    for (int i = 1; i < N; i++) {
        double d = b->close[i] - b->close[i - 1], up = d > 0 ? d : 0, down = d < 0 ? -d : 0;
        if (i <= P) {
            gain += up / P;
            loss += down / P;
        } else {
            gain += (up - gain) / P;
            loss += (down - loss) / P;
        }
        if (i >= P)
            out[i] = 100 * (gain / (gain + loss));
    }
}

static void plain_max(Bench *b, double *out) {
    not_ready(out, P - 1);
    for (int i = P - 1; i < N; i++) {
        double best = b->close[i];
        for (int k = i - P + 1; k < i; k++)
            best = b->close[k] > best ? b->close[k] : best;
        out[i] = best;
    }
}

static void plain_linearreg(Bench *b, double *out) {
    const double p = P, x = p * (p - 1) / 2, xx = p * (p - 1) * (2 * p - 1) / 6, divisor = p * xx - x * x;
    not_ready(out, P - 1);
    for (int i = P - 1; i < N; i++) {
        double y = 0, xy = 0;
        for (int k = 0; k < P; k++) {
            y += b->close[i - P + 1 + k];
            xy += k * b->close[i - P + 1 + k];
        }
        double slope = (P * xy - x * y) / divisor;
        out[i] = (y - slope * x) / P + slope * (P - 1);
    }
}

static void plain_atr(Bench *b, double *out) {
    double value = 0;
    not_ready(out, P);
    for (int i = 1; i < N; i++) {
        double before = b->close[i - 1];
        double range = fmax(b->high[i] - b->low[i], fmax(fabs(before - b->high[i]), fabs(before - b->low[i])));
        value = i <= P ? value + range / P : value + (range - value) / P;
        if (i >= P)
            out[i] = value;
    }
}

static void plain_wma(Bench *b, double *out) {
    double sum = 0, weighted = 0;
    not_ready(out, P - 1);
    for (int i = 0; i < N; i++) {
        weighted += MIN(i + 1, P) * b->close[i];
        sum += b->close[i];
        if (i < P - 1)
            continue;
        out[i] = weighted / (P * (P + 1) / 2.0);
        weighted -= sum;
        sum -= b->close[i - P + 1];
    }
}

static void plain_mom(Bench *b, double *out) {
    not_ready(out, P);
    for (int i = P; i < N; i++)
        out[i] = b->close[i] - b->close[i - P];
}

static void plain_willr(Bench *b, double *out) {
    not_ready(out, P - 1);
    for (int i = P - 1; i < N; i++) {
        double top = b->high[i], bottom = b->low[i];
        for (int k = i - P + 1; k < i; k++) {
            top = b->high[k] > top ? b->high[k] : top;
            bottom = b->low[k] < bottom ? b->low[k] : bottom;
        }
        out[i] = (top - b->close[i]) / ((top - bottom) / -100);
    }
}

static void plain_cci(Bench *b, double *out) {
    double typical[P];
    not_ready(out, P - 1);
    for (int i = 0; i < N; i++) {
        double mean = 0, deviation = 0, now = typical[i % P] = (b->high[i] + b->low[i] + b->close[i]) / 3;
        if (i < P - 1)
            continue;
        for (int k = 0; k < P; k++)
            mean += typical[k];
        mean /= P;
        for (int k = 0; k < P; k++)
            deviation += fabs(typical[k] - mean);
        out[i] = (now - mean) / (0.015 * (deviation / P));
    }
}

/* The window summed anew and exactly: Shewchuk's, as Python's fsum does it. */
static void plain_sma_backtrader(Bench *b, double *out) {
    not_ready(out, P - 1);
    for (int i = P - 1; i < N; i++) {
        double parts[64];
        int n = 0;
        for (int k = i - P + 1; k <= i; k++) {
            double x = b->close[k];
            int kept = 0;
            for (int j = 0; j < n; j++) {
                double y = parts[j];
                if (fabs(x) < fabs(y)) {
                    double other = x;
                    x = y, y = other;
                }
                double high = x + y, low = y - (high - x);
                if (low != 0)
                    parts[kept++] = low;
                x = high;
            }
            parts[kept] = x;
            n = kept + 1;
        }
        double sum = 0;
        for (int j = n - 1; j >= 0; j--)
            sum += parts[j];
        out[i] = sum / P;
    }
}

/* Three exponential averages, each seeded by a mean; the fast one begins where the slow one has as many values. */
static void plain_macd(Bench *b, double *out) {
    enum { FAST = 12, SLOW = 26, SIGNAL = 9 };
    double fast = 0, slow = 0, signal = 0, *signals = b->want[1], *histogram = b->want[2];
    for (int k = 0; k < 3; k++)
        not_ready(b->want[k], SLOW + SIGNAL - 2);
    for (int i = 0; i < SLOW; i++) {
        slow += b->close[i] / SLOW;
        fast += i >= SLOW - FAST ? b->close[i] / FAST : 0;
    }
    for (int i = SLOW - 1; i < N; i++) {
        if (i >= SLOW) {
            slow += (b->close[i] - slow) * (2.0 / (SLOW + 1));
            fast += (b->close[i] - fast) * (2.0 / (FAST + 1));
        }
        double macd = fast - slow;
        if (i < SLOW + SIGNAL - 1)
            signal += macd / SIGNAL;
        else
            signal += (macd - signal) * (2.0 / (SIGNAL + 1));
        if (i >= SLOW + SIGNAL - 2) {
            out[i] = macd;
            signals[i] = signal;
            histogram[i] = macd - signal;
        }
    }
}

static void plain_bbands(Bench *b, double *out) {
    enum { SPAN = 20 };
    double sum = 0, squares = 0, *middle = b->want[1], *lower = b->want[2];
    for (int k = 0; k < 3; k++)
        not_ready(b->want[k], SPAN - 1);
    for (int i = 0; i < N; i++) {
        double x = b->close[i];
        sum += x;
        squares += x * x;
        if (i < SPAN - 1)
            continue;
        double mean = sum / SPAN, variance = squares / SPAN - mean * mean, deviation = sqrt(fmax(variance, 0));
        double oldest = b->close[i - SPAN + 1];
        out[i] = mean + 2 * deviation;
        middle[i] = mean;
        lower[i] = mean - 2 * deviation;
        sum -= oldest;
        squares -= oldest * oldest;
    }
}

/* %K over `span` candles, its mean of three, and the mean of three of that. */
static inline void plain_stoch_of(Bench *b, double *out, int span) {
    double raw[3] = { 0 }, slow[3] = { 0 }, sum = 0, slow_sum = 0, *d = b->want[1];
    not_ready(out, span + 3);
    not_ready(d, span + 3);
    for (int i = span - 1; i < N; i++) {
        double top = b->high[i], bottom = b->low[i];
        for (int k = i - span + 1; k < i; k++) {
            top = b->high[k] > top ? b->high[k] : top;
            bottom = b->low[k] < bottom ? b->low[k] : bottom;
        }
        int at = i % 3, n = i - span + 2; /* values so far */
        double k = (b->close[i] - bottom) / ((top - bottom) / 100);
        sum += k - raw[at];
        raw[at] = k;
        if (n < 3)
            continue;
        slow_sum += sum / 3 - slow[at];
        slow[at] = sum / 3;
        if (n < 5)
            continue;
        out[i] = sum / 3;
        d[i] = slow_sum / 3;
    }
}

static void plain_stoch_5(Bench *b, double *out) {
    plain_stoch_of(b, out, 5);
}

static void plain_stoch_14(Bench *b, double *out) {
    plain_stoch_of(b, out, 14);
}

static void plain_adx(Bench *b, double *out) {
    enum { SPAN = 14 };
    double plus = 0, minus = 0, range = 0, adx = 0;
    not_ready(out, 2 * SPAN - 1);
    for (int i = 1; i < N; i++) {
        double up = b->high[i] - b->high[i - 1], down = b->low[i - 1] - b->low[i], before = b->close[i - 1];
        double rise = up > 0 && up > down ? up : 0, fall = down > 0 && down > up ? down : 0;
        double true_range = fmax(b->high[i] - b->low[i], fmax(fabs(before - b->high[i]), fabs(before - b->low[i])));
        bool full = i >= SPAN;
        plus += rise - (full ? plus / SPAN : 0);
        minus += fall - (full ? minus / SPAN : 0);
        range += true_range - (full ? range / SPAN : 0);
        if (!full)
            continue;
        double plus_di = 100 * (plus / range), minus_di = 100 * (minus / range);
        double dx = 100 * (fabs(minus_di - plus_di) / (plus_di + minus_di));
        if (i < 2 * SPAN)
            adx += dx / SPAN;
        else
            adx = (adx * (SPAN - 1) + dx) / SPAN;
        if (i >= 2 * SPAN - 1)
            out[i] = adx;
    }
}

static void plain_doji(Bench *b, double *out) {
    enum { SPAN = 10 };
    double ranges = 0;
    not_ready(out, SPAN);
    for (int i = 0; i < N; i++) {
        if (i >= SPAN) {
            out[i] = fabs(b->close[i] - b->open[i]) <= 0.1 * (ranges / SPAN) ? 100 : 0;
            ranges -= b->high[i - SPAN] - b->low[i - SPAN];
        }
        ranges += b->high[i] - b->low[i];
    }
}

static void plain_engulfing(Bench *b, double *out) {
    const double *o = b->open, *c = b->close;
    not_ready(out, 2);
    for (int i = 2; i < N; i++) {
        bool rose = c[i] >= o[i], rose_before = c[i - 1] >= o[i - 1];
        double top = rose ? c[i] : o[i], bottom = rose ? o[i] : c[i];
        double top_before = rose_before ? c[i - 1] : o[i - 1], bottom_before = rose_before ? o[i - 1] : c[i - 1];
        out[i] = 0;
        if (rose != rose_before && top >= top_before && bottom <= bottom_before &&
            (top > top_before || bottom < bottom_before))
            out[i] = (rose ? 1 : -1) * (o[i] != c[i - 1] && c[i] != o[i - 1] ? 100 : 80);
    }
}

static void check(const Bench *b) {
    for (size_t k = 0; k < ta_n_outputs(b->ta); k++)
        for (int i = 0; i < N; i++) {
            double got = b->out[k][i], want = b->want[k][i];
            if (isnan(want) != isnan(got) || fabs(want - got) > 1e-7) {
                fprintf(stderr, "bench_ta: %s.%s[%d] is %.17g, the plain loop has %.17g\n", b->ta->name,
                        b->ta->outputs[k], i, got, want);
                exit(1);
            }
        }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name, *ta;
        void (*plain)(Bench *b, double *out);
        double params[TA_PARAMS_MAX];
    } rows[] = { { "sma_30", "sma", plain_sma, { P } },
                 { "ema_30", "ema", plain_ema, { P } },
                 { "rsi_30", "rsi", plain_rsi, { P } },
                 { "max_30", "max", plain_max, { P } },
                 { "atr_30", "atr", plain_atr, { P } },
                 { "linearreg_30", "linearreg", plain_linearreg, { P } },
                 { "wma_30", "wma", plain_wma, { P } },
                 { "mom_30", "mom", plain_mom, { P } },
                 { "willr_30", "willr", plain_willr, { P } },
                 { "cci_30", "cci", plain_cci, { P } },
                 { "sma_backtrader_30", "sma_backtrader", plain_sma_backtrader, { P } },
                 { "macd_12_26_9", "macd", plain_macd, { 12, 26, 9 } },
                 { "bbands_20", "bbands", plain_bbands, { 20, 2, 2, TA_SMA } },
                 { "stoch_5_3_3", "stoch", plain_stoch_5, { 5, 3, TA_SMA, 3, TA_SMA } },
                 { "stoch_14_3_3", "stoch", plain_stoch_14, { 14, 3, TA_SMA, 3, TA_SMA } },
                 { "adx_14", "adx", plain_adx, { 14 } },
                 { "cdldoji", "cdldoji", plain_doji, { 0 } },
                 { "cdlengulfing", "cdlengulfing", plain_engulfing, { 0 } } };
    Arena arena = { 0 };
    Rng rng;
    rng_seed(&rng, 1);
    Bench b = { .open = arena_new_n(&arena, double, N),
                .high = arena_new_n(&arena, double, N),
                .low = arena_new_n(&arena, double, N),
                .close = arena_new_n(&arena, double, N) };
    for (int k = 0; k < TA_OUTPUTS_MAX; k++) {
        b.out[k] = arena_new_n(&arena, double, N);
        b.want[k] = arena_new_n(&arena, double, N);
    }
    double price = 100;
    for (int i = 0; i < N; i++) {
        b.open[i] = price;
        price = fmax(1, price + 0.1 * rng_normal(&rng));
        b.close[i] = price;
        b.high[i] = fmax(price, b.open[i]) + rng_f64(&rng);
        b.low[i] = fmin(price, b.open[i]) - rng_f64(&rng);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[64];
        if (argc > 1 && !strstr(rows[i].name, argv[1]))
            continue;
        b.ta = ta_find(str_c(rows[i].ta));
        b.plain = rows[i].plain;
        b.params = rows[i].params;
        run_ta(&b);
        run_plain(&b);
        check(&b);
        snprintf(name, sizeof name, "ta_%s", rows[i].name);
        bench_run(name, run_ta, &b, N, 0);
        snprintf(name, sizeof name, "ta_%s_plain_loop", rows[i].name);
        bench_run(name, run_plain, &b, N, 0);
    }
    arena_done(&arena);
    return 0;
}
