/* Asks for everything that is not there: assets, lines, columns, candles, orders. */

#include <finsight/strategy.h>

static int setup(void *state, const FinsightSetup *s) {
    double period = 14, none = 0;
    (void)state;
    return s->indicator(s->host, 0, "no_such", &period, 1) != -1 || s->indicator(s->host, 7, "rsi", &period, 1) != -1 ||
           s->indicator(s->host, 0, "rsi", &none, 1) != -1 || s->indicator(s->host, 0, "rsi", &period, 9) != -1 ||
           s->indicator(s->host, 0, 0, &period, 1) != -1 || s->extra(s->host, 0, "mood") != -1 ||
           s->extra(s->host, 3, "mood") != -1;
}

static int known(double x) {
    return x == x;
}

static void next(void *state, const FinsightHost *h) {
    FinsightOrder bad = { 0 };
    int wrong = 0;
    (void)state;
    wrong += known(h->price(h->host, 1, FINSIGHT_CLOSE, 0));
    wrong += known(h->price(h->host, 0, 99, 0));
    wrong += known(h->price(h->host, 0, FINSIGHT_CLOSE, h->step + 1));
    wrong += known(h->price(h->host, 0, FINSIGHT_CLOSE, (unsigned long)-1));
    wrong += known(h->line(h->host, -1, 0)) + known(h->line(h->host, 12345, 0));
    wrong += known(h->position(h->host, 5)) + known(h->entry_price(h->host, 5)) + known(h->order_size(h->host, 77));
    wrong += h->time_ms(h->host, 9, 0) != 0 || h->fresh(h->host, 9) || h->alive(h->host, 77);
    wrong += h->enter(h->host, 4, 1) != 0 || h->close(h->host, 4) != 0 || h->enter(h->host, 0, 0) != 0;
    wrong += h->order(h->host, &bad) != 0; /* no size */
    bad.size = 1;
    bad.kind = 42;
    wrong += h->order(h->host, &bad) != 0;
    bad.kind = FINSIGHT_STOP;
    bad.parent = 1000;
    wrong += h->order(h->host, &bad) != 0;
    h->cancel(h->host, 1000);
    wrong += !known(h->price(h->host, 0, FINSIGHT_CLOSE, h->step)); /* the first one is known */
    if (wrong)
        h->enter(h->host, 0, 1);
}

static const FinsightStrategy curious = {
    .abi = FINSIGHT_STRATEGY_ABI,
    .size = sizeof(FinsightStrategy),
    .name = "curious",
    .words = "buys when something is known that must not be",
    .setup = setup,
    .next = next,
};

const FinsightStrategy *finsight_strategy(unsigned index) {
    return index == 0 ? &curious : 0;
}
