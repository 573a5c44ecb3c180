#pragma once

/* sim/candle_gen.h - candles that look like a market's, at any time and any timeframe, from a seed.
 *
 * Nothing is generated in sequence. A day's candle is computed from the seed alone: its two end prices are
 * points of a Brownian motion in multifractal time (Mandelbrot, Fisher, Calvet 1997), found by midpoint
 * displacement over a dyadic tree of days; the masses of that tree are the variances, which is what gives fat
 * tails, clustered volatility with a long memory, and regimes. A day is then split into 24 hours, an hour into
 * 60 minutes and a minute into 60 seconds: each split hands on open, high, low, close, volume and trades in
 * whole ticks and lots, so that a larger candle is exactly the aggregate of its parts, by construction.
 * Symbols share the market's noise in proportion to their correlation with it.
 *
 * Cost: a day ~3 µs, a split of an hour ~15 µs; splits are cached. One CandleGen, one thread.
 * The running second counts as already traded: what a span ends in is never taken back later. */

#include "core/candle.h"
#include "core/instrument.h"

typedef enum Regime { REGIME_CALM, REGIME_BULL, REGIME_BEAR, REGIME_CRISIS } Regime;

typedef struct GenSymbol {
    Symbol symbol, base, quote;
    Decimal tick, lot, min_notional; /* mantissas > 0 */
    double price;                    /* the level it wanders about, in quote */
    double daily_vol;                /* of log returns */
    double market;                   /* correlation of its noise with the market's, 0..1 */
    double daily_quote;              /* volume of an ordinary day, in quote */
    double trade_quote;              /* size of an ordinary trade, in quote */
    Time listed;                     /* first trade; a whole minute */
    uint64_t key;                    /* its stream of noise */
} GenSymbol;

/* What a market of the name would be like: the well-known pairs from a table, every other name from its hash.
 * false when the name does not end in a known quote (USDT, USDC, FDUSD, BUSD, TUSD, BTC, ETH, BNB, EUR, TRY, USD). */
bool gen_symbol_from_name(Symbol name, GenSymbol *out);
/* The pairs the simulator lists when nothing else is said. */
extern const char *const GEN_SYMBOLS[12];

typedef struct GenCandle { /* exact: prices in ticks, volume in lots */
    int64_t open, high, low, close;
    int64_t volume;
    int64_t trades;
} GenCandle;

typedef struct CandleGen CandleGen;

CandleGen *candle_gen_new(uint64_t seed);
CandleGen *candle_gen_free(CandleGen *g);

/* Aggregate of the seconds that begin in [from, to). false when there is none: to <= from, all of it before the
 * listing, or outside 1880..2059. A candle of timeframe tf opening at t is the span [t, timeframe_next(tf, t)),
 * the running one the span [t, now]. */
bool candle_gen_span(CandleGen *g, const GenSymbol *s, Time from, Time to, GenCandle *out);
/* Price of the last trade at or before t, in ticks; 0 before the listing. */
int64_t candle_gen_price(CandleGen *g, const GenSymbol *s, Time t);
/* Values of a span as doubles: the decimals that ticks and lots stand for, correctly rounded. */
void gen_candle_values(const GenSymbol *s, const GenCandle *c, Candle *out);
/* The state the market was in on that day: sets the variance of the days around it. */
Regime candle_gen_regime(CandleGen *g, const GenSymbol *s, Time t);
/* Fills an already initialised table with candles of [from, to) on the grid of tf, as far as cs->cap allows;
 * returns the number of rows added. For tests, benches and demo data. */
size_t candle_gen_fill(CandleGen *g, const GenSymbol *s, Timeframe tf, Time from, Time to, Candles *cs);
