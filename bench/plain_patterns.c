/* bench/plain_patterns.c - candle patterns of one to five candles as one writes them by hand: sums that roll along, and
 * a test that stops at the first condition that fails. See plain_ta.h. */

#include "plain_ta.h"

#include <math.h>

#include "base/defs.h"

#define LOOP(name) static void name(const PlainCandles *k, const double *p, double *const *out)

static inline double body(const PlainCandles *k, int i) {
    return fabs(k->close[i] - k->open[i]);
}

static inline double range(const PlainCandles *k, int i) {
    return k->high[i] - k->low[i];
}

static inline double top(const PlainCandles *k, int i) {
    return k->close[i] > k->open[i] ? k->close[i] : k->open[i];
}

static inline double bottom(const PlainCandles *k, int i) {
    return k->close[i] < k->open[i] ? k->close[i] : k->open[i];
}

static inline double upper(const PlainCandles *k, int i) {
    return k->high[i] - top(k, i);
}

static inline double lower(const PlainCandles *k, int i) {
    return bottom(k, i) - k->low[i];
}

static inline bool rises(const PlainCandles *k, int i) {
    return k->close[i] >= k->open[i];
}

/* `begin`: the first row with a value. Sums are of the ten rows before `at`, and roll after the test. */
#define SUM_OF(sum, size, at, begin)                                                                                   \
    double sum = 0;                                                                                                    \
    for (int j = (begin)-10; j < (begin); j++)                                                                         \
    sum += size(k, j - (at))
#define ROLL(sum, size, at) (sum) += size(k, i - (at)) - size(k, i - 10 - (at))

LOOP(doji) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 10);
    SUM_OF(ranges, range, 0, 10);
    for (int i = 10; i < n; i++) {
        out[0][i] = body(k, i) <= 0.1 * (ranges / 10) ? 100 : 0;
        ROLL(ranges, range, 0);
    }
    UNUSED(p);
}

LOOP(marubozu) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 10);
    SUM_OF(bodies, body, 0, 10);
    SUM_OF(ranges, range, 0, 10);
    for (int i = 10; i < n; i++) {
        double least = 0.1 * (ranges / 10);
        bool is = body(k, i) > bodies / 10 && upper(k, i) < least && lower(k, i) < least;
        out[0][i] = is ? (rises(k, i) ? 100 : -100) : 0;
        ROLL(bodies, body, 0);
        ROLL(ranges, range, 0);
    }
    UNUSED(p);
}

LOOP(spinningtop) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 10);
    SUM_OF(bodies, body, 0, 10);
    for (int i = 10; i < n; i++) {
        bool is = body(k, i) < bodies / 10 && upper(k, i) > body(k, i) && lower(k, i) > body(k, i);
        out[0][i] = is ? (rises(k, i) ? 100 : -100) : 0;
        ROLL(bodies, body, 0);
    }
    UNUSED(p);
}

LOOP(engulfing) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 2);
    for (int i = 2; i < n; i++) {
        const double *o = k->open, *c = k->close;
        bool is = rises(k, i) != rises(k, i - 1) && top(k, i) >= top(k, i - 1) && bottom(k, i) <= bottom(k, i - 1) &&
                  (top(k, i) > top(k, i - 1) || bottom(k, i) < bottom(k, i - 1));
        out[0][i] = is ? (rises(k, i) ? 1 : -1) * (o[i] != c[i - 1] && c[i] != o[i - 1] ? 100 : 80) : 0;
    }
    UNUSED(p);
}

LOOP(harami) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 11);
    SUM_OF(longs, body, 1, 11);
    SUM_OF(shorts, body, 0, 11);
    for (int i = 11; i < n; i++) {
        out[0][i] = 0;
        if (body(k, i - 1) > longs / 10 && body(k, i) <= shorts / 10) {
            int way = rises(k, i - 1) ? -1 : 1;
            if (top(k, i) < top(k, i - 1) && bottom(k, i) > bottom(k, i - 1))
                out[0][i] = way * 100;
            else if (top(k, i) <= top(k, i - 1) && bottom(k, i) >= bottom(k, i - 1))
                out[0][i] = way * 80;
        }
        ROLL(longs, body, 1);
        ROLL(shorts, body, 0);
    }
    UNUSED(p);
}

LOOP(three_inside) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 12);
    SUM_OF(longs, body, 2, 12);
    SUM_OF(shorts, body, 1, 12);
    for (int i = 12; i < n; i++) {
        const double *o = k->open, *c = k->close;
        out[0][i] = 0;
        if (body(k, i - 2) > longs / 10 && body(k, i - 1) <= shorts / 10 && top(k, i - 1) < top(k, i - 2) &&
            bottom(k, i - 1) > bottom(k, i - 2)) {
            if (rises(k, i - 2) && !rises(k, i) && c[i] < o[i - 2])
                out[0][i] = -100;
            else if (!rises(k, i - 2) && rises(k, i) && c[i] > o[i - 2])
                out[0][i] = 100;
        }
        ROLL(longs, body, 2);
        ROLL(shorts, body, 1);
    }
    UNUSED(p);
}

LOOP(morningstar) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 12);
    SUM_OF(longs, body, 2, 12);
    SUM_OF(shorts, body, 1, 12);
    SUM_OF(last, body, 0, 12);
    for (int i = 12; i < n; i++) {
        bool is = body(k, i - 2) > longs / 10 && !rises(k, i - 2) && body(k, i - 1) <= shorts / 10 &&
                  top(k, i - 1) < bottom(k, i - 2) && body(k, i) > last / 10 && rises(k, i) &&
                  k->close[i] > k->close[i - 2] + body(k, i - 2) * p[0];
        out[0][i] = is ? 100 : 0;
        ROLL(longs, body, 2);
        ROLL(shorts, body, 1);
        ROLL(last, body, 0);
    }
}

static inline bool falls_to_its_low(const PlainCandles *k, int i, double ranges) {
    return !rises(k, i) && lower(k, i) < 0.1 * (ranges / 10);
}

LOOP(three_black_crows) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 13);
    SUM_OF(a, range, 2, 13);
    SUM_OF(b, range, 1, 13);
    SUM_OF(c, range, 0, 13);
    for (int i = 13; i < n; i++) {
        const double *open = k->open, *close = k->close;
        bool is = rises(k, i - 3) && falls_to_its_low(k, i - 2, a) && falls_to_its_low(k, i - 1, b) &&
                  falls_to_its_low(k, i, c) && open[i - 1] < open[i - 2] && open[i - 1] > close[i - 2] &&
                  open[i] < open[i - 1] && open[i] > close[i - 1] && k->high[i - 3] > close[i - 2] &&
                  close[i - 2] > close[i - 1] && close[i - 1] > close[i];
        out[0][i] = is ? -100 : 0;
        ROLL(a, range, 2);
        ROLL(b, range, 1);
        ROLL(c, range, 0);
    }
    UNUSED(p);
}

LOOP(ladderbottom) {
    const int n = (int)k->n;
    plain_not_ready(out[0], 14);
    SUM_OF(ranges, range, 1, 14);
    for (int i = 14; i < n; i++) {
        const double *o = k->open, *c = k->close;
        bool is = !rises(k, i - 4) && !rises(k, i - 3) && !rises(k, i - 2) && o[i - 4] > o[i - 3] &&
                  o[i - 3] > o[i - 2] && c[i - 4] > c[i - 3] && c[i - 3] > c[i - 2] && !rises(k, i - 1) &&
                  upper(k, i - 1) > 0.1 * (ranges / 10) && rises(k, i) && o[i] > o[i - 1] && c[i] > k->high[i - 1];
        out[0][i] = is ? 100 : 0;
        ROLL(ranges, range, 1);
    }
    UNUSED(p);
}

/* An inside candle broken on one side, and closed beyond it on the other within three rows. */
LOOP(hikkake) {
    const int n = (int)k->n;
    int waiting = 0, since = 0;
    plain_not_ready(out[0], 5);
    for (int i = 2; i < n; i++) {
        const double *h = k->high, *l = k->low;
        double result = 0;
        bool down = h[i] < h[i - 1] && l[i]<l[i - 1], up = h[i]> h[i - 1] && l[i] > l[i - 1];
        if (h[i - 1] < h[i - 2] && l[i - 1] > l[i - 2] && (down || up)) {
            result = waiting = down ? 100 : -100;
            since = i;
        } else if (waiting != 0 && i <= since + 3 &&
                   (waiting > 0 ? k->close[i] > h[since - 1] : k->close[i] < l[since - 1])) {
            result = 2 * waiting;
            waiting = 0;
        }
        if (i >= 5)
            out[0][i] = result;
    }
    UNUSED(p);
}

const PlainLoop PLAIN_PATTERNS[] = {
    { "cdldoji", doji, { 0 } },
    { "cdlmarubozu", marubozu, { 0 } },
    { "cdlspinningtop", spinningtop, { 0 } },
    { "cdlengulfing", engulfing, { 0 } },
    { "cdlharami", harami, { 0 } },
    { "cdl3inside", three_inside, { 0 } },
    { "cdlmorningstar", morningstar, { 0.3 } },
    { "cdl3blackcrows", three_black_crows, { 0 } },
    { "cdlladderbottom", ladderbottom, { 0 } },
    { "cdlhikkake", hikkake, { 0 } },
};
const size_t N_PLAIN_PATTERNS = ARRAY_LEN(PLAIN_PATTERNS);
