#pragma once

/* api/backtest/request_rows.h - the fields of a backtest's request: names, bounds, standards and words, once for the wire
 * (shapes.c) and for the command line (cli/run_flags.h).
 *
 * X(member, flag, words, ...): member of the record, which is also its name on the wire; its name as a flag; one
 * sentence; the rest of its Field. Choices are the arrays below. */

#define SHARE .has_min = true, .min = 0, .max = 1
#define ABOVE .has_min = true, .min = 0

/* clang-format off */

#define BACKTEST_CHOICES \
    static const char *const sizings[] = { "percent", "fixed", "equity", "cash", "volatility", "kelly", NULL }; \
    static const char *const commissions[] = { "percent", "per_unit", NULL }; \
    static const char *const slippages[] = { "percent", "fixed", NULL };

/* BacktestRequestIn, but for what decides (strategy_type), which the wire must have and the command line has a standard for. */
#define BACKTEST_SERIES_ROWS(X) \
    X(symbol, symbol, "The venue's own name of the instrument.", .flags = F_REQUIRED, .pattern = "symbol", .example = "BTCUSDT") \
    X(timeframe, timeframe, "Length of a candle.", .flags = F_REQUIRED, .pattern = "timeframe", .rename = "interval", .example = "1h") \
    X(exchange, exchange, "Where the instrument trades. Left out: the only venue it is stored of.", .pattern = "venue", .example = "binance") \
    X(provider, provider, "Who supplied the data, where that is not the venue itself.", .pattern = "venue", .example = "csv") \
    X(symbols, symbols, "More assets of the same venue and timeframe in one account.", .max = 63) \
    X(start_date, start, "First open time (included). Left out: from the first candle.", .flags = F_NULLABLE, .rename = "start", .example = "2024-01-01T00:00:00Z") \
    X(end_date, end, "Open time to stop before. Left out: to the newest closed candle.", .flags = F_NULLABLE, .rename = "end", .example = "2024-12-31T00:00:00Z") \
    X(real_only, real_only, "Leave out candles that were filled in.")

#define BACKTEST_BROKER_ROWS(X) \
    X(engine, engine, "Whose semantics: backtrader, ta4j or zoot.", .max = 32, .def = "backtrader", .example = "backtrader") \
    X(parameters, parameters, "Values by name, an object; what is left out has its standard value. Unknown names are refused.", .rename = "strategy_params") \
    X(position_sizing, sizing, "How large an entry is: percent of the cash (standard), fixed units, a share of equity, an amount of cash, a volatility target, a fraction of Kelly.", .choices = sizings) \
    X(position_size, size, "In (0, 1] where it is a share; 0 = the sizing's standard (0.95, or 1 unit).", ABOVE, .max = 1e15, .example = "0.95") \
    X(initial_capital, cash, "Money at the start.", .def = "10000", .min = 1e-9, .max = 1e15, .rename = "cash") \
    X(commission, commission, "Rate of the traded value, or money a unit; each side.", .def = "0.001", ABOVE, .max = 1e6) \
    X(commission_type, commission_type, "What commission is.", .def = "percent", .choices = commissions) \
    X(slippage, slippage, "Fraction of the price, or an amount of it.", .def = "0", ABOVE, .max = 1e6) \
    X(slippage_type, slippage_type, "What slippage is.", .def = "percent", .choices = slippages) \
    X(leverage, leverage, "Cash needed is the value over it.", .def = "1", .min = 1, .max = 1000) \
    X(margin, margin, "Above 0: futures, money a contract; 0: like stocks.", .def = "0", ABOVE, .max = 1e12) \
    X(multiplier, multiplier, "Value of a price change of 1 a contract.", .def = "1", .min = 1e-9, .max = 1e9) \
    X(interest, interest, "A year, on short positions.", .def = "0", ABOVE, .max = 10) \
    X(cheat_on_close, cheat_on_close, "Fill market orders at the close of the signal's candle. It is called cheating for a reason.") \
    X(allow_short, allow_short, "Let strategies sell short.", .def = "true") \
    X(risk_free_rate, risk_free, "A year; for the ratios.", .def = "0", .min = -1, .max = 10)

/* ZootIn and Ta4jIn; a list and a switch of zoot have no place on a command line that is worth one. */
#define ZOOT_ROWS(X) \
    X(spread, spread, "Between bid and ask, of the price: takers pay half of it at each side.", SHARE) \
    X(volume_share, volume_share, "Of a candle's volume that the account may take; 0 = no bound. The rest of an order waits.", SHARE) \
    X(impact, impact, "A fill that takes all of a candle's volume moves the price by this fraction.", SHARE) \
    X(maintenance, maintenance, "Margin below which a position is liquidated, of its value; 0 = half of the initial margin.", SHARE) \
    X(liquidation_fee, liquidation_fee, "Of the liquidated value.", SHARE) \
    X(funding_rate, funding_rate, "Of the position's value at each funding; above 0 longs pay shorts.", .min = -1, .max = 1) \
    X(funding_hours, funding_hours, "Hours from one funding to the next; 0 = 8.", ABOVE, .max = 8760) \
    X(fine_timeframe, fine, "Stored candles of this shorter timeframe decide what happened inside a candle.", .flags = F_OMIT_EMPTY, .pattern = "timeframe", .example = "1m") \
    X(ignore_rules, ignore_rules, "Do not round to the venue's tick, lot and smallest notional.")

#define TA4J_ROWS(X) \
    X(sells_first, sells_first, "Positions are short.") \
    X(borrowing, borrowing, "Of the entry's value, a candle, of short positions.", SHARE)

/* clang-format on */
