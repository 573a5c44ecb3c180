/* What an indicator costs a value, against a plain loop over the same definition: `make bench`, or
 * build/bench/bench_ta.
 *
 * A million closes and candles in memory. Each pair is checked to be equal before the clock. The plain loops are what
 * one writes by hand: they index the column itself, and search a window from one end to the other. */

#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "bench.h"
#include "ta/ta.h"

enum { N = 1000000 };

typedef struct Bench {
    double *high, *low, *close, *out, *want;
    const TaIndicator *ta;
    void (*plain)(struct Bench *b, double *out);
} Bench;

static double run_ta(void *arg) {
    Bench *b = arg;
    const double *in[TA_INPUTS_MAX] = { b->close };
    if (b->ta->inputs[0] == TA_HIGH) {
        in[0] = b->high;
        in[1] = b->low;
        in[2] = b->close;
    }
    ta_compute(b->ta, (double[]){ 30 }, in, N, &b->out);
    return b->out[N - 1];
}

static double run_plain(void *arg) {
    Bench *b = arg;
    b->plain(b, b->want);
    return b->want[N - 1];
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

static void check(const Bench *b) {
    for (int i = 0; i < N; i++)
        if (isnan(b->want[i]) != isnan(b->out[i]) || fabs(b->want[i] - b->out[i]) > 1e-7) {
            fprintf(stderr, "bench_ta: %s[%d] is %.17g, the plain loop has %.17g\n", b->ta->name, i, b->out[i],
                    b->want[i]);
            exit(1);
        }
}

int main(void) {
    static const struct {
        const char *name;
        void (*plain)(Bench *b, double *out);
    } rows[] = { { "sma", plain_sma },
                 { "ema", plain_ema },
                 { "rsi", plain_rsi },
                 { "max", plain_max },
                 { "atr", plain_atr },
                 { "linearreg", plain_linearreg },
                 { "wma", plain_wma },
                 { "mom", plain_mom },
                 { "willr", plain_willr },
                 { "cci", plain_cci },
                 { "sma_backtrader", plain_sma_backtrader } };
    Arena arena = { 0 };
    Rng rng;
    rng_seed(&rng, 1);
    Bench b = { .high = arena_new_n(&arena, double, N),
                .low = arena_new_n(&arena, double, N),
                .close = arena_new_n(&arena, double, N),
                .out = arena_new_n(&arena, double, N),
                .want = arena_new_n(&arena, double, N) };
    double price = 100;
    for (int i = 0; i < N; i++) {
        price = fmax(1, price + 0.1 * rng_normal(&rng));
        b.close[i] = price;
        b.high[i] = price + rng_f64(&rng);
        b.low[i] = price - rng_f64(&rng);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[64];
        b.ta = ta_find(str_c(rows[i].name));
        b.plain = rows[i].plain;
        run_ta(&b);
        run_plain(&b);
        check(&b);
        snprintf(name, sizeof name, "ta_%s_30", rows[i].name);
        bench_run(name, run_ta, &b, N, 0);
        snprintf(name, sizeof name, "ta_%s_30_plain_loop", rows[i].name);
        bench_run(name, run_plain, &b, N, 0);
    }
    arena_done(&arena);
    return 0;
}
