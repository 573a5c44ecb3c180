#pragma once

/* backtest/strategies/plan.h - what most strategies are: a condition to enter, one to leave, and a way to do each.
 *
 * A strategy's init fills a Plan and declares its lines; plan_next does the rest, so that "RSI with a trailing stop" is
 * a choice of two words and not another program. One asset. */

#include "backtest/strategy.h"

typedef struct PlanCondition { /* a > b, a < b, or against a number where b is LINE_NONE. NaN: not met */
    LineId a, b;
    double number;
    bool below; /* a < b */
    bool never;
} PlanCondition;

typedef enum PlanEntry {
    PLAN_MARKET,
    PLAN_BRACKET,        /* market, with a stop and a limit around it that live once it was filled */
    PLAN_LIMIT,          /* below the close, valid for some days; one at a time */
    PLAN_STOP_LIMIT,     /* above the close; replaces the one that still lives */
    PLAN_TARGET_PERCENT, /* turns the position: +part of the account's value, or -part */
} PlanEntry;

typedef enum PlanProtection {
    PLAN_BARE,
    PLAN_TRAIL, /* a trailing stop from the first candle in position on */
    PLAN_OCO,   /* a limit and a stop around the entry price */
} PlanProtection;

typedef enum PlanExit { PLAN_EXIT_MARKET, PLAN_EXIT_CLOSE } PlanExit; /* next open, or the session's close */

typedef struct Plan {
    PlanCondition enter, leave;
    Side side;
    bool once; /* enters on the first candle it is asked, and never again */
    PlanEntry entry;
    PlanProtection protection;
    PlanExit exit;
    double stop, limit; /* factors: of the signal's close (bracket, limit, stop-limit), of the entry price (OCO) */
    double entry_stop, entry_limit; /* factors of a stop-limit or limit entry */
    double valid_days;              /* of PLAN_LIMIT; 0 = until cancelled */
    double trail_percent;           /* 0.05 = 5 % */
    double part;                    /* of PLAN_TARGET_PERCENT */
    /* what it remembers */
    bool entered, was_flat_entry;
    OrderId live, guard;
} Plan;

bool plan_met(const PlanCondition *c, const View *v);
void plan_next(Plan *p, const View *v, Broker *b);
/* Declares the line of decisions that sweeps use: 1 enter, -1 leave, 0 neither. */
void plan_declare(Plan *p, StrategySetup *setup);
/* The plan behind a line of decisions; NULL when the line is another. */
const Plan *plan_of_line(const StrategySetup *setup, LineId line);

/* Lines that plans are made of. */
LineId line_sma(StrategySetup *s, LineId x, double period); /* exactly rounded means, as Backtrader's */
LineId line_ema(StrategySetup *s, LineId x, double period);
LineId line_cross(StrategySetup *s, LineId a, LineId b); /* 1 above, -1 below, 0 */
typedef struct LineBands {
    LineId upper, middle, lower;
} LineBands;
LineBands line_bollinger(StrategySetup *s, LineId x, double period, double deviations);
LineId line_before(StrategySetup *s, LineId x); /* the value one candle ago */
