/* examples/turtle.c - a strategy as a plug-in: buys a breakout over the highest high, sells under the lowest low, and
 * keeps a stop two average ranges below the entry.
 *
 *     cc -O2 -shared -fPIC -I include -o turtle.so examples/turtle.c */

#include "finsight/strategy.h"

enum { ENTRY, EXIT, STOP_RANGES };

static const FinsightParam params[] = {
    { "entry_period", 20, 2, 1000, 1, "candles of the breakout" },
    { "exit_period", 10, 2, 1000, 1, "candles of the way out" },
    { "stop_ranges", 2, 0, 100, 0, "average true ranges to the stop; 0 = none" },
};

typedef struct Turtle {
    int highest, lowest, range;
    unsigned stop;
} Turtle;

static int setup(void *state, const FinsightSetup *s) {
    Turtle *t = state;
    double atr_period = 14;
    if (s->params[EXIT] > s->params[ENTRY]) {
        s->refuse(s->host, "exit_period is longer than entry_period");
        return 1;
    }
    /* donchian's lines are the upper band, the middle and the lower band */
    t->highest = s->indicator(s->host, 0, "donchian", &s->params[ENTRY], 1);
    t->lowest = s->indicator(s->host, 0, "donchian", &s->params[EXIT], 1) + 2;
    t->range = s->indicator(s->host, 0, "atr", &atr_period, 1);
    s->warmup(s->host, 0, (unsigned long)s->params[ENTRY] + 1);
    return t->highest < 0 || t->lowest < 2 || t->range < 0;
}

static void next(void *state, const FinsightHost *h) {
    Turtle *t = state;
    double close = h->price(h->host, 0, FINSIGHT_CLOSE, 0);
    if (h->position(h->host, 0) > 0) {
        if (close < h->line(h->host, t->lowest, 1)) { /* of the candle before: this one is part of the band */
            h->cancel(h->host, t->stop);
            h->close(h->host, 0);
        }
        return;
    }
    if (close <= h->line(h->host, t->highest, 1))
        return;
    unsigned entry = h->enter(h->host, 0, 1);
    double distance = h->params[STOP_RANGES] * h->line(h->host, t->range, 0);
    if (entry == 0 || distance <= 0 || distance >= close)
        return;
    FinsightOrder stop = { 0 };
    stop.kind = FINSIGHT_STOP;
    stop.size = -h->order_size(h->host, entry);
    stop.price = close - distance;
    stop.parent = entry;
    t->stop = h->order(h->host, &stop);
}

static const FinsightStrategy turtle = {
    FINSIGHT_STRATEGY_ABI,
    sizeof(FinsightStrategy),
    "turtle",
    "Buys a close over the highest high of the last candles, sells under the lowest low or at a stop",
    params,
    3,
    1,
    1,
    sizeof(Turtle),
    setup,
    next,
};

const FinsightStrategy *finsight_strategy(unsigned index) {
    return index == 0 ? &turtle : 0;
}
