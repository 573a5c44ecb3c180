#pragma once

/* backtest/zoot/zoot.h - our own engine: several assets in one account, as a venue would treat it.
 *
 * Orders fill in the first candle that opens at or after the decision, never before. What happens inside a candle is
 * not known, so the worse is assumed: see ZOOT_RULES. With `fine` candles of a shorter timeframe the same rule is
 * applied to those instead. Money is one currency; the account is cross-margined: all positions answer with all of it.
 *
 *     equity = cash + sum of position * price           always, also for shorts (a short sale brings cash)
 *     margin = sum of |position| * price / leverage      opening needs equity - fees >= margin afterwards
 *     liquidation of a position at the price where equity = sum of |position| * price * maintenance
 *
 * docs/zoot.md is the reference; every rule that a run used stands in its list of assumptions. */

#include "backtest/engine.h"
#include "core/instrument.h"

extern const BacktestEngine backtest_zoot;

/* The intrabar rule, in words for results and documentation. */
extern const char *const ZOOT_RULES[];
extern const size_t ZOOT_N_RULES;

typedef struct ZootFunding { /* payments of a perpetual: rate > 0 is paid by longs to shorts */
    const int64_t *time_ms;  /* (n) ascending */
    const double *rate;      /* (n) of the position's value at the moment */
    size_t n;
} ZootFunding;

typedef struct ZootAsset {
    const Listing *listing; /* tick, lot and smallest notional; NULL = none */
    ZootFunding funding;
    double spread;       /* between bid and ask, of the price: takers pay half of it at each side */
    const Candles *fine; /* candles of a shorter timeframe that decide what happened inside; NULL = none */
} ZootAsset;

typedef struct ZootFeeTier {
    double volume; /* money traded in the last 30 days, from which on it holds; the first tier has 0 */
    double maker, taker;
} ZootFeeTier;

/* All-zero is the standard: fees of BrokerConfig for makers and takers, any volume fills, standard maintenance. */
struct ZootOptions {
    const ZootAsset *assets; /* as many as the request has, or none */
    size_t n_assets;
    const ZootFeeTier *tiers; /* ascending by volume; none = BrokerConfig's commission */
    size_t n_tiers;
    double volume_share;    /* of a candle's volume that the account may take: 0.1 = 10 %; 0 = no bound */
    double impact;          /* a fill that takes all of a candle's volume moves the price by this fraction; linear */
    double maintenance;     /* of a position's value; 0 = half of the initial margin with leverage, else nothing */
    double liquidation_fee; /* of the liquidated value */
};
