/* bench/plain_ta.c - see plain_ta.h. */

#include "plain_ta.h"

#include <math.h>

#include "base/defs.h"

#define LOOP(name) static void name(const PlainCandles *k, const double *p, double *const *out)
#define ROWS       const int n = (int)k->n

void plain_not_ready(double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = NAN;
}

static inline double larger(double a, double b) {
    return a > b ? a : b;
}

static inline double smaller(double a, double b) {
    return a < b ? a : b;
}

/* --- sums of a window --- */

LOOP(sum) {
    ROWS, P = (int)p[0];
    double sum = 0;
    plain_not_ready(out[0], P - 1);
    for (int i = 0; i < P - 1; i++)
        sum += k->close[i];
    for (int i = P - 1; i < n; i++) {
        sum += k->close[i];
        out[0][i] = sum;
        sum -= k->close[i - P + 1];
    }
}

LOOP(sma) {
    ROWS, P = (int)p[0];
    double sum = 0;
    plain_not_ready(out[0], P - 1);
    for (int i = 0; i < P - 1; i++)
        sum += k->close[i];
    for (int i = P - 1; i < n; i++) {
        sum += k->close[i];
        out[0][i] = sum / P;
        sum -= k->close[i - P + 1];
    }
}

/* Summed anew and exactly rounded: Shewchuk's, as Python's fsum does it. */
LOOP(sma_exact) {
    ROWS, P = (int)p[0];
    plain_not_ready(out[0], P - 1);
    for (int i = P - 1; i < n; i++) {
        double parts[64], sum = 0;
        int held = 0;
        for (int j = i - P + 1; j <= i; j++) {
            double x = k->close[j];
            int kept = 0;
            for (int m = 0; m < held; m++) {
                double y = parts[m], high = x + y, great = fabs(x) < fabs(y) ? y : x, small = great == x ? y : x;
                double low = small - (high - great);
                if (low != 0)
                    parts[kept++] = low;
                x = high;
            }
            parts[kept] = x;
            held = kept + 1;
        }
        for (int m = held - 1; m >= 0; m--)
            sum += parts[m];
        out[0][i] = sum / P;
    }
}

LOOP(wma) {
    ROWS, P = (int)p[0];
    double sum = 0, weighted = 0, divisor = P * (P + 1) / 2.0;
    plain_not_ready(out[0], P - 1);
    for (int i = 0; i < P - 1; i++) {
        sum += k->close[i];
        weighted += (i + 1) * k->close[i];
    }
    for (int i = P - 1; i < n; i++) {
        weighted += P * k->close[i];
        sum += k->close[i];
        out[0][i] = weighted / divisor;
        weighted -= sum;
        sum -= k->close[i - P + 1];
    }
}

/* The mean of means, by a ring of the first sums. */
LOOP(trima) {
    ROWS, P = (int)p[0], one = (P + 1) / 2, two = P + 1 - one;
    double a = 0, b = 0, ring[512] = { 0 };
    plain_not_ready(out[0], P - 1);
    for (int i = 0, at = 0; i < n; i++) {
        a += k->close[i];
        if (i < one - 1)
            continue;
        b += a - ring[at];
        ring[at] = a;
        at = at + 1 == two ? 0 : at + 1;
        a -= k->close[i - one + 1];
        if (i >= P - 1)
            out[0][i] = b / (one * two);
    }
}

static inline void spread(const PlainCandles *k, int P, double times, bool root, double *out) {
    ROWS;
    double sum = 0, squares = 0;
    plain_not_ready(out, P - 1);
    for (int i = 0; i < n; i++) {
        double x = k->close[i];
        sum += x;
        squares += x * x;
        if (i < P - 1)
            continue;
        double mean = sum / P, variance = squares / P - mean * mean, oldest = k->close[i - P + 1];
        out[i] = root ? (variance < 1e-14 ? 0 : sqrt(variance) * times) : variance;
        sum -= oldest;
        squares -= oldest * oldest;
    }
}

LOOP(stddev) {
    spread(k, (int)p[0], p[1], true, out[0]);
}

LOOP(var) {
    spread(k, (int)p[0], 1, false, out[0]);
}

LOOP(bbands) {
    ROWS, P = (int)p[0];
    double sum = 0, squares = 0;
    for (int line = 0; line < 3; line++)
        plain_not_ready(out[line], P - 1);
    for (int i = 0; i < n; i++) {
        double x = k->close[i];
        sum += x;
        squares += x * x;
        if (i < P - 1)
            continue;
        double mean = sum / P, variance = squares / P - mean * mean, oldest = k->close[i - P + 1];
        double deviation = variance < 1e-14 ? 0 : sqrt(variance);
        out[0][i] = mean + p[1] * deviation;
        out[1][i] = mean;
        out[2][i] = mean - p[2] * deviation;
        sum -= oldest;
        squares -= oldest * oldest;
    }
}

LOOP(correl) {
    ROWS, P = (int)p[0];
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    plain_not_ready(out[0], P - 1);
    for (int i = 0; i < n; i++) {
        double a = k->close[i], b = k->y[i];
        x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
        if (i < P - 1)
            continue;
        double both = (xx - x * x / P) * (yy - y * y / P);
        out[0][i] = both < 1e-14 ? 0 : (xy - x * y / P) / sqrt(both);
        a = k->close[i - P + 1], b = k->y[i - P + 1];
        x -= a, y -= b, xx -= a * a, yy -= b * b, xy -= a * b;
    }
}

LOOP(linearreg) {
    ROWS, P = (int)p[0];
    const double x = P * (P - 1) / 2.0, xx = P * (P - 1.0) * (2 * P - 1) / 6, divisor = P * xx - x * x;
    plain_not_ready(out[0], P - 1);
    for (int i = P - 1; i < n; i++) {
        double y = 0, xy = 0;
        for (int j = 0; j < P; j++) {
            y += k->close[i - P + 1 + j];
            xy += j * k->close[i - P + 1 + j];
        }
        double slope = (P * xy - x * y) / divisor;
        out[0][i] = (y - slope * x) / P + slope * (P - 1);
    }
}

LOOP(cci) {
    ROWS, P = (int)p[0];
    double typical[512];
    plain_not_ready(out[0], P - 1);
    for (int i = 0; i < n; i++) {
        double mean = 0, deviation = 0, now = typical[i % P] = (k->high[i] + k->low[i] + k->close[i]) / 3;
        if (i < P - 1)
            continue;
        for (int j = 0; j < P; j++)
            mean += typical[j];
        mean /= P;
        for (int j = 0; j < P; j++)
            deviation += fabs(typical[j] - mean);
        out[0][i] = deviation == 0 ? 0 : (now - mean) / (0.015 * (deviation / P));
    }
}

/* --- exponential --- */

LOOP(ema) {
    ROWS, P = (int)p[0];
    double value = 0, weight = 2.0 / (P + 1);
    plain_not_ready(out[0], P - 1);
    for (int i = 0; i < P; i++)
        value += k->close[i];
    out[0][P - 1] = value /= P;
    for (int i = P; i < n; i++)
        out[0][i] = value += (k->close[i] - value) * weight;
}

/* `depth` averages one of the other, in one loop. */
static inline void chained(const PlainCandles *k, int P, int depth, double *e, int i) {
    double x = k->close[i], weight = 2.0 / (P + 1);
    for (int d = 0; d < depth; d++) {
        int since = i - d * (P - 1); /* rows this one has seen */
        if (since < 0)
            return;
        if (since < P) {
            e[d] += x;
            if (since < P - 1)
                return;
            e[d] /= P;
        } else {
            e[d] += (x - e[d]) * weight;
        }
        x = e[d];
    }
}

LOOP(dema) {
    ROWS, P = (int)p[0], begin = 2 * (P - 1);
    double a = 0, b = 0, e[2] = { 0 }, weight = 2.0 / (P + 1);
    plain_not_ready(out[0], begin);
    for (int i = 0; i <= begin; i++)
        chained(k, P, 2, e, i);
    a = e[0], b = e[1];
    out[0][begin] = 2 * a - b;
    for (int i = begin + 1; i < n; i++) {
        a += (k->close[i] - a) * weight;
        b += (a - b) * weight;
        out[0][i] = 2 * a - b;
    }
}

LOOP(tema) {
    ROWS, P = (int)p[0], begin = 3 * (P - 1);
    double e[3] = { 0 }, weight = 2.0 / (P + 1);
    plain_not_ready(out[0], begin);
    for (int i = 0; i <= begin; i++)
        chained(k, P, 3, e, i);
    double a = e[0], b = e[1], c = e[2];
    out[0][begin] = 3 * a - 3 * b + c;
    for (int i = begin + 1; i < n; i++) {
        a += (k->close[i] - a) * weight;
        b += (a - b) * weight;
        c += (b - c) * weight;
        out[0][i] = 3 * a - 3 * b + c;
    }
}

LOOP(trix) {
    ROWS, P = (int)p[0], begin = 3 * (P - 1) + 1;
    double e[3] = { 0 }, weight = 2.0 / (P + 1);
    plain_not_ready(out[0], begin);
    for (int i = 0; i < begin; i++)
        chained(k, P, 3, e, i);
    double a = e[0], b = e[1], c = e[2];
    for (int i = begin; i < n; i++) {
        double before = c;
        a += (k->close[i] - a) * weight;
        b += (a - b) * weight;
        c += (b - c) * weight;
        out[0][i] = (c / before - 1) * 100;
    }
}

LOOP(t3) {
    ROWS, P = (int)p[0], begin = 6 * (P - 1);
    double v = p[1], e[6] = { 0 }, w = 2.0 / (P + 1);
    double c1 = -v * v * v, c2 = 3 * v * v + 3 * v * v * v, c3 = -6 * v * v - 3 * v - 3 * v * v * v;
    double c4 = 1 + 3 * v + v * v * v + 3 * v * v;
    plain_not_ready(out[0], begin);
    for (int i = 0; i <= begin; i++)
        chained(k, P, 6, e, i);
    out[0][begin] = c1 * e[5] + c2 * e[4] + c3 * e[3] + c4 * e[2];
    double a = e[0], b = e[1], c = e[2], d = e[3], f = e[4], g = e[5];
    for (int i = begin + 1; i < n; i++) {
        a = w * k->close[i] + (1 - w) * a;
        b = w * a + (1 - w) * b;
        c = w * b + (1 - w) * c;
        d = w * c + (1 - w) * d;
        f = w * d + (1 - w) * f;
        g = w * f + (1 - w) * g;
        out[0][i] = c1 * g + c2 * f + c3 * d + c4 * c;
    }
}

LOOP(kama) {
    ROWS, P = (int)p[0];
    const double *c = k->close;
    double path = 0, value = c[P - 1];
    plain_not_ready(out[0], P);
    for (int i = 1; i < P; i++)
        path += fabs(c[i] - c[i - 1]);
    for (int i = P; i < n; i++) {
        path += fabs(c[i] - c[i - 1]);
        double way = c[i] - c[i - P], efficiency = path <= way || path < 1e-14 ? 1 : fabs(way / path);
        double weight = efficiency * (2.0 / 3 - 2.0 / 31) + 2.0 / 31;
        out[0][i] = value += (c[i] - value) * (weight * weight);
        path -= fabs(c[i - P + 1] - c[i - P]);
    }
}

LOOP(macd) {
    ROWS, FAST = (int)p[0], SLOW = (int)p[1], SIGNAL = (int)p[2], begin = SLOW + SIGNAL - 2;
    double fast = 0, slow = 0, signal = 0;
    for (int line = 0; line < 3; line++)
        plain_not_ready(out[line], begin);
    for (int i = 0; i < SLOW; i++) {
        slow += k->close[i] / SLOW;
        fast += i >= SLOW - FAST ? k->close[i] / FAST : 0;
    }
    for (int i = SLOW - 1; i < n; i++) {
        if (i >= SLOW) {
            slow += (k->close[i] - slow) * (2.0 / (SLOW + 1));
            fast += (k->close[i] - fast) * (2.0 / (FAST + 1));
        }
        double macd = fast - slow;
        if (i <= begin)
            signal += macd / SIGNAL;
        else
            signal += (macd - signal) * (2.0 / (SIGNAL + 1));
        if (i >= begin) {
            out[0][i] = macd;
            out[1][i] = signal;
            out[2][i] = macd - signal;
        }
    }
}

/* --- momentum --- */

LOOP(mom) {
    ROWS, P = (int)p[0];
    plain_not_ready(out[0], P);
    for (int i = P; i < n; i++)
        out[0][i] = k->close[i] - k->close[i - P];
}

LOOP(roc) {
    ROWS, P = (int)p[0];
    plain_not_ready(out[0], P);
    for (int i = P; i < n; i++)
        out[0][i] = k->close[i - P] == 0 ? 0 : (k->close[i] / k->close[i - P] - 1) * 100;
}

static inline void wilder_moves(const PlainCandles *k, int P, bool cmo, double *out) {
    ROWS;
    double gain = 0, loss = 0;
    plain_not_ready(out, P);
    for (int i = 1; i < n; i++) {
        double d = k->close[i] - k->close[i - 1], up = d > 0 ? d : 0, down = d < 0 ? -d : 0;
        if (i <= P) {
            gain += up / P;
            loss += down / P;
        } else {
            gain = (gain * (P - 1) + up) / P;
            loss = (loss * (P - 1) + down) / P;
        }
        if (i >= P) {
            double all = gain + loss;
            out[i] = all < 1e-14 ? 0 : 100 * ((cmo ? gain - loss : gain) / all);
        }
    }
}

LOOP(rsi) {
    wilder_moves(k, (int)p[0], false, out[0]);
}

LOOP(cmo) {
    wilder_moves(k, (int)p[0], true, out[0]);
}

LOOP(willr) {
    ROWS, P = (int)p[0];
    plain_not_ready(out[0], P - 1);
    for (int i = P - 1; i < n; i++) {
        double top = k->high[i], bottom = k->low[i];
        for (int j = i - P + 1; j < i; j++) {
            top = larger(k->high[j], top);
            bottom = smaller(k->low[j], bottom);
        }
        out[0][i] = top == bottom ? 0 : (top - k->close[i]) / ((top - bottom) / -100);
    }
}

/* %K over a window, its mean of three, and the mean of three of that. */
LOOP(stoch) {
    ROWS, P = (int)p[0];
    double raw[3] = { 0 }, slow[3] = { 0 }, sum = 0, slow_sum = 0;
    plain_not_ready(out[0], P + 3);
    plain_not_ready(out[1], P + 3);
    for (int i = P - 1, at = 0; i < n; i++, at = at == 2 ? 0 : at + 1) {
        double top = k->high[i], bottom = k->low[i];
        for (int j = i - P + 1; j < i; j++) {
            top = larger(k->high[j], top);
            bottom = smaller(k->low[j], bottom);
        }
        double x = top == bottom ? 0 : (k->close[i] - bottom) / ((top - bottom) / 100);
        sum += x - raw[at];
        raw[at] = x;
        if (i < P + 1)
            continue;
        slow_sum += sum / 3 - slow[at];
        slow[at] = sum / 3;
        if (i < P + 3)
            continue;
        out[0][i] = sum / 3;
        out[1][i] = slow_sum / 3;
    }
}

static inline double true_range(const PlainCandles *k, int i) {
    double before = k->close[i - 1];
    return larger(k->high[i] - k->low[i], larger(fabs(before - k->high[i]), fabs(before - k->low[i])));
}

LOOP(adx) {
    ROWS, P = (int)p[0];
    double plus = 0, minus = 0, range = 0, adx = 0;
    plain_not_ready(out[0], 2 * P - 1);
    for (int i = 1; i < n; i++) {
        double up = k->high[i] - k->high[i - 1], down = k->low[i - 1] - k->low[i];
        double rise = up > 0 && up > down ? up : 0, fall = down > 0 && down > up ? down : 0;
        bool full = i >= P;
        plus += rise - (full ? plus / P : 0);
        minus += fall - (full ? minus / P : 0);
        range += true_range(k, i) - (full ? range / P : 0);
        if (!full)
            continue;
        double plus_di = 100 * (plus / range), minus_di = 100 * (minus / range);
        double dx = 100 * (fabs(minus_di - plus_di) / (plus_di + minus_di));
        adx = i < 2 * P ? adx + dx / P : (adx * (P - 1) + dx) / P;
        if (i >= 2 * P - 1)
            out[0][i] = adx;
    }
}

LOOP(plus_di) {
    ROWS, P = (int)p[0];
    double plus = 0, range = 0;
    plain_not_ready(out[0], P);
    for (int i = 1; i < n; i++) {
        double up = k->high[i] - k->high[i - 1], down = k->low[i - 1] - k->low[i];
        plus += (up > 0 && up > down ? up : 0) - (i >= P ? plus / P : 0);
        range += true_range(k, i) - (i >= P ? range / P : 0);
        if (i >= P)
            out[0][i] = range < 1e-14 ? 0 : 100 * (plus / range);
    }
}

LOOP(aroon) {
    ROWS, P = (int)p[0];
    plain_not_ready(out[0], P);
    plain_not_ready(out[1], P);
    for (int i = P; i < n; i++) {
        int top = i - P, bottom = top;
        for (int j = i - P + 1; j <= i; j++) {
            top = k->high[j] >= k->high[top] ? j : top;
            bottom = k->low[j] <= k->low[bottom] ? j : bottom;
        }
        out[0][i] = 100.0 / P * (P - (i - bottom));
        out[1][i] = 100.0 / P * (P - (i - top));
    }
}

/* --- extremes --- */

LOOP(max) {
    ROWS, P = (int)p[0];
    plain_not_ready(out[0], P - 1);
    for (int i = P - 1; i < n; i++) {
        double best = k->close[i];
        for (int j = i - P + 1; j < i; j++)
            best = larger(k->close[j], best);
        out[0][i] = best;
    }
}

/* The one that stands is kept until it falls out. */
LOOP(maxindex) {
    ROWS, P = (int)p[0];
    int at = -1;
    plain_not_ready(out[0], P - 1);
    for (int i = P - 1; i < n; i++) {
        if (at <= i - P) {
            at = i - P + 1;
            for (int j = at + 1; j <= i; j++)
                at = k->close[j] > k->close[at] ? j : at;
        } else if (k->close[i] >= k->close[at]) {
            at = i;
        }
        out[0][i] = at;
    }
}

LOOP(donchian) {
    ROWS, P = (int)p[0];
    for (int line = 0; line < 3; line++)
        plain_not_ready(out[line], P - 1);
    for (int i = P - 1; i < n; i++) {
        double top = k->high[i], bottom = k->low[i];
        for (int j = i - P + 1; j < i; j++) {
            top = larger(k->high[j], top);
            bottom = smaller(k->low[j], bottom);
        }
        out[0][i] = top;
        out[1][i] = (top + bottom) / 2;
        out[2][i] = bottom;
    }
}

/* --- ranges and volume --- */

LOOP(trange) {
    ROWS;
    UNUSED(p);
    plain_not_ready(out[0], 1);
    for (int i = 1; i < n; i++)
        out[0][i] = true_range(k, i);
}

LOOP(atr) {
    ROWS, P = (int)p[0];
    double value = 0;
    plain_not_ready(out[0], P);
    for (int i = 1; i <= P; i++)
        value += true_range(k, i) / P;
    out[0][P] = value;
    for (int i = P + 1; i < n; i++)
        out[0][i] = value += (true_range(k, i) - value) / P;
}

LOOP(ad) {
    ROWS;
    UNUSED(p);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double h = k->high[i], l = k->low[i], c = k->close[i];
        if (h > l)
            sum += ((c - l) - (h - c)) / (h - l) * k->volume[i];
        out[0][i] = sum;
    }
}

LOOP(obv) {
    ROWS;
    UNUSED(p);
    double sum = out[0][0] = k->volume[0];
    for (int i = 1; i < n; i++) {
        if (k->close[i] > k->close[i - 1])
            sum += k->volume[i];
        else if (k->close[i] < k->close[i - 1])
            sum -= k->volume[i];
        out[0][i] = sum;
    }
}

static inline double flow_of(const PlainCandles *k, int i, double *down) {
    double now = (k->high[i] + k->low[i] + k->close[i]) / 3;
    double before = (k->high[i - 1] + k->low[i - 1] + k->close[i - 1]) / 3;
    *down = now < before ? now * k->volume[i] : 0;
    return now > before ? now * k->volume[i] : 0;
}

LOOP(mfi) {
    ROWS, P = (int)p[0];
    double up = 0, down = 0, ups[512] = { 0 }, downs[512] = { 0 };
    plain_not_ready(out[0], P);
    for (int i = 1, at = 0; i < n; i++) {
        double d, u = flow_of(k, i, &d);
        up += u;
        down += d;
        ups[at] = u;
        downs[at] = d;
        at = at + 1 == P ? 0 : at + 1;
        if (i < P)
            continue;
        out[0][i] = up + down < 1 ? 0 : 100 * (up / (up + down));
        up -= ups[at];
        down -= downs[at];
    }
}

LOOP(vwma) {
    ROWS, P = (int)p[0];
    double flow = 0, volume = 0;
    plain_not_ready(out[0], P - 1);
    for (int i = 0; i < n; i++) {
        flow += k->close[i] * k->volume[i];
        volume += k->volume[i];
        if (i < P - 1)
            continue;
        out[0][i] = flow / volume;
        flow -= k->close[i - P + 1] * k->volume[i - P + 1];
        volume -= k->volume[i - P + 1];
    }
}

/* --- rows --- */

LOOP(add) {
    ROWS;
    for (int i = 0; i < n; i++)
        out[0][i] = k->close[i] + k->y[i];
    UNUSED(p);
}

LOOP(avgprice) {
    ROWS;
    for (int i = 0; i < n; i++)
        out[0][i] = (k->high[i] + k->low[i] + k->close[i] + k->open[i]) / 4;
    UNUSED(p);
}

LOOP(ln) {
    ROWS;
    for (int i = 0; i < n; i++)
        out[0][i] = log(k->close[i]);
    UNUSED(p);
}

LOOP(heikinashi) {
    ROWS;
    double open = (k->open[0] + k->close[0]) / 2, close = (k->open[0] + k->high[0] + k->low[0] + k->close[0]) / 4;
    out[0][0] = open, out[3][0] = close, out[1][0] = out[2][0] = NAN;
    for (int i = 1; i < n; i++) {
        open = (open + close) / 2;
        close = (k->open[i] + k->high[i] + k->low[i] + k->close[i]) / 4;
        out[0][i] = open;
        out[1][i] = larger(k->high[i], larger(open, close));
        out[2][i] = smaller(k->low[i], smaller(open, close));
        out[3][i] = close;
    }
    UNUSED(p);
}

/* --- around a trend --- */

LOOP(keltner) {
    ROWS, P = (int)p[0], RANGES = (int)p[1], begin = P - 1;
    double middle = 0, width = 0;
    for (int line = 0; line < 3; line++)
        plain_not_ready(out[line], begin);
    for (int i = 0; i < n; i++) {
        if (i < P)
            middle += k->close[i] / P;
        else
            middle += (k->close[i] - middle) * (2.0 / (P + 1));
        if (i > RANGES)
            width += (true_range(k, i) - width) / RANGES;
        else if (i > 0)
            width += true_range(k, i) / RANGES;
        if (i < begin)
            continue;
        out[0][i] = middle + p[2] * width;
        out[1][i] = middle;
        out[2][i] = middle - p[2] * width;
    }
}

/* 1 above the line, -1 below it; 0 before the first candle that has one. */
static inline int trend_after(int way, double close, double lower, double upper) {
    if (way == 0)
        return close <= upper ? -1 : 1;
    if (way < 0)
        return close > upper ? 1 : -1;
    return close < lower ? -1 : 1;
}

LOOP(supertrend) {
    ROWS, P = (int)p[0];
    double width = 0, upper = 0, lower = 0;
    int way = 0;
    plain_not_ready(out[0], P);
    plain_not_ready(out[1], P);
    for (int i = 1; i < n; i++) {
        width += i > P ? (true_range(k, i) - width) / P : true_range(k, i) / P;
        if (i < P)
            continue;
        double middle = (k->high[i] + k->low[i]) / 2, top = middle + p[1] * width, bottom = middle - p[1] * width;
        double close = k->close[i], before = k->close[i - 1];
        upper = way == 0 || top < upper || before > upper ? top : upper;
        lower = way == 0 || bottom > lower || before < lower ? bottom : lower;
        way = trend_after(way, close, lower, upper);
        out[0][i] = way > 0 ? lower : upper;
        out[1][i] = way;
    }
}

LOOP(sar) {
    ROWS;
    const double *h = k->high, *l = k->low;
    bool is_long = !(l[0] - l[1] > 0 && l[0] - l[1] > h[1] - h[0]);
    double step = p[0], most = p[1], factor = step, extreme = is_long ? h[1] : l[1], stop = is_long ? l[0] : h[0];
    plain_not_ready(out[0], 1);
    for (int i = 1; i < n; i++) {
        int before = i == 1 ? 1 : i - 1; /* TA-Lib begins with the second candle as its own one before */
        if (is_long && l[i] <= stop) {
            is_long = false;
            stop = larger(extreme, larger(h[before], h[i]));
            factor = step, extreme = l[i];
        } else if (!is_long && h[i] >= stop) {
            is_long = true;
            stop = smaller(extreme, smaller(l[before], l[i]));
            factor = step, extreme = h[i];
        }
        out[0][i] = stop;
        if (is_long) {
            if (h[i] > extreme)
                extreme = h[i], factor = smaller(factor + step, most);
            stop = smaller(stop + factor * (extreme - stop), smaller(l[before], l[i]));
        } else {
            if (l[i] < extreme)
                extreme = l[i], factor = smaller(factor + step, most);
            stop = larger(stop + factor * (extreme - stop), larger(h[before], h[i]));
        }
    }
}

/* clang-format off */
const PlainLoop PLAIN_LOOPS[] = {
    { "sma", sma, { 30 } }, { "sma_backtrader", sma_exact, { 30 } }, { "ema", ema, { 30 } }, { "wma", wma, { 30 } }, { "dema", dema, { 30 } },
    { "tema", tema, { 30 } }, { "trima", trima, { 30 } }, { "kama", kama, { 30 } }, { "t3", t3, { 5, 0.7 } },
    { "bbands", bbands, { 20, 2, 2, 0 } }, { "donchian", donchian, { 20 } }, { "keltner", keltner, { 20, 10, 2 } },
    { "supertrend", supertrend, { 10, 3 } }, { "sar", sar, { 0.02, 0.2 } }, { "vwma", vwma, { 20 } },
    { "macd", macd, { 12, 26, 9 } }, { "rsi", rsi, { 14 } }, { "cmo", cmo, { 14 } }, { "mom", mom, { 10 } },
    { "roc", roc, { 10 } }, { "trix", trix, { 30 } }, { "willr", willr, { 14 } }, { "cci", cci, { 14 } },
    { "stoch", stoch, { 5, 3, 0, 3, 0 } }, { "stoch", stoch, { 14, 3, 0, 3, 0 } }, { "adx", adx, { 14 } },
    { "plus_di", plus_di, { 14 } }, { "aroon", aroon, { 14 } }, { "atr", atr, { 14 } }, { "trange", trange, { 0 } },
    { "ad", ad, { 0 } }, { "obv", obv, { 0 } }, { "mfi", mfi, { 14 } }, { "stddev", stddev, { 5, 1 } },
    { "var", var, { 5, 1 } }, { "correl", correl, { 30 } }, { "linearreg", linearreg, { 14 } },
    { "sum", sum, { 30 } }, { "max", max, { 30 } }, { "maxindex", maxindex, { 30 } }, { "avgprice", avgprice, { 0 } },
    { "heikinashi", heikinashi, { 0 } }, { "add", add, { 0 } }, { "ln", ln, { 0 } },
};
/* clang-format on */
const size_t N_PLAIN_LOOPS = ARRAY_LEN(PLAIN_LOOPS);
