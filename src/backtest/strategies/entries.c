/* backtest/strategies/entries.c - the crossing of two averages with other ways in and out, and strategies that look at
 * no indicator at all. */

#include "backtest/strategies/builtins.h"
#include "backtest/strategies/plan.h"

static void next(Strategy *s, const View *v, Broker *b) {
    plan_next(s->state, v, b);
}

#define AVERAGES                                                                                                       \
    { "short_period", PARAM_INT, 10, 1, 100000, NULL, "candles of the fast average" }, {                               \
        "long_period", PARAM_INT, 30, 2, 100000, NULL, "candles of the slow average"                                   \
    }

static int check(const Strategy *s, Ctx *cx) {
    if (s->p[0] < s->p[1])
        return 0;
    return err_set_at(cx, ERR_INVALID, S("parameters.short_period"),
                      "short_period is %g and long_period %g: the short one must be less than the long one", s->p[0],
                      s->p[1]);
}

/* Enter on the crossing upwards, leave on the one downwards. */
static Plan *crossing(Strategy *s, StrategySetup *setup) {
    Plan *p = s->state;
    LineId close = setup_price(setup, 0, TA_CLOSE);
    LineId cross = line_cross(setup, line_sma(setup, close, s->p[0]), line_sma(setup, close, s->p[1]));
    p->enter = (PlanCondition){ .a = cross, .b = LINE_NONE };
    p->leave = (PlanCondition){ .a = cross, .b = LINE_NONE, .below = true };
    return p;
}

/* --- short, and both sides --- */

static const ParamSpec crossing_params[] = { AVERAGES, { 0 } };

static int short_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = crossing(s, setup);
    PlanCondition up = p->enter;
    p->enter = p->leave;
    p->leave = up;
    p->side = SIDE_SHORT;
    plan_declare(p, setup);
    return 0;
}

const StrategyType strategy_short_crossover = {
    .name = "short_crossover",
    .words = "Sells short when the short average crosses below the long one, buys back when it crosses above",
    .params = crossing_params,
    .state_size = sizeof(Plan),
    .check = check,
    .init = short_init,
    .next = next,
};

static const ParamSpec reversal_params[] = {
    AVERAGES,
    { "target_percent", PARAM_REAL, 95, 0, 1000, NULL, "per cent of the account's value on either side" },
    { 0 },
};

static int reversal_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = crossing(s, setup);
    p->entry = PLAN_TARGET_PERCENT;
    p->part = s->p[2] / 100;
    plan_declare(p, setup);
    return 0;
}

const StrategyType strategy_reversal_crossover = {
    .name = "reversal_crossover",
    .words = "Long above the crossing of two simple averages, short below it, whole units",
    .params = reversal_params,
    .state_size = sizeof(Plan),
    .check = check,
    .init = reversal_init,
    .next = next,
};

/* --- orders that wait --- */

static const ParamSpec bracket_params[] = {
    AVERAGES,
    { "stop_percent", PARAM_REAL, 3, 0, 100, NULL, "stop below the signal's close" },
    { "limit_percent", PARAM_REAL, 5, 0, 1000, NULL, "profit taken above the signal's close" },
    { 0 },
};

static int bracket_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = crossing(s, setup);
    p->leave.never = true;
    p->entry = PLAN_BRACKET;
    p->stop = 1 - s->p[2] / 100;
    p->limit = 1 + s->p[3] / 100;
    return 0;
}

const StrategyType strategy_bracket_crossover = {
    .name = "bracket_crossover",
    .words = "Buys on the crossing of two averages; a stop and a limit around the signal's close end the trade",
    .params = bracket_params,
    .state_size = sizeof(Plan),
    .check = check,
    .init = bracket_init,
    .next = next,
};

static const ParamSpec trailing_params[] = {
    AVERAGES,
    { "trail_percent", PARAM_REAL, 5, 0, 100, NULL, "distance of the stop below the highest close since the entry" },
    { 0 },
};

static int trailing_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = crossing(s, setup);
    p->leave.never = true;
    p->protection = PLAN_TRAIL;
    p->trail_percent = s->p[2] / 100;
    return 0;
}

const StrategyType strategy_trailing_crossover = {
    .name = "trailing_crossover",
    .words = "Buys on the crossing of two averages; a trailing stop ends the trade",
    .params = trailing_params,
    .state_size = sizeof(Plan),
    .check = check,
    .init = trailing_init,
    .next = next,
};

static const ParamSpec limit_params[] = {
    AVERAGES,
    { "below_percent", PARAM_REAL, 1, 0, 100, NULL, "limit of the entry below the signal's close" },
    { "valid_days", PARAM_REAL, 5, 0, 10000, NULL, "days the entry waits; 0 = for ever" },
    { "profit_percent", PARAM_REAL, 2, 0, 1000, NULL, "profit taken above the entry" },
    { "stop_percent", PARAM_REAL, 2, 0, 100, NULL, "stop below the entry" },
    { 0 },
};

static int limit_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = crossing(s, setup);
    p->leave.never = true;
    p->entry = PLAN_LIMIT;
    p->entry_limit = 1 - s->p[2] / 100;
    p->valid_days = s->p[3];
    p->protection = PLAN_OCO;
    p->limit = 1 + s->p[4] / 100;
    p->stop = 1 - s->p[5] / 100;
    return 0;
}

const StrategyType strategy_limit_crossover = {
    .name = "limit_crossover",
    .words = "Waits some days below the close of a crossing; a limit and a stop, one cancels the other, end the trade",
    .params = limit_params,
    .state_size = sizeof(Plan),
    .check = check,
    .init = limit_init,
    .next = next,
};

static const ParamSpec stop_limit_params[] = {
    AVERAGES,
    { "trigger_percent", PARAM_REAL, 0.5, 0, 100, NULL, "trigger of the entry above the signal's close" },
    { "limit_percent", PARAM_REAL, 1, 0, 100, NULL, "most that is paid above the signal's close" },
    { 0 },
};

static int stop_limit_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = crossing(s, setup);
    p->entry = PLAN_STOP_LIMIT;
    p->entry_stop = 1 + s->p[2] / 100;
    p->entry_limit = 1 + s->p[3] / 100;
    p->exit = PLAN_EXIT_CLOSE;
    return 0;
}

const StrategyType strategy_stop_limit_crossover = {
    .name = "stop_limit_crossover",
    .words = "Buys by a stop-limit above the close of a crossing, sells at the session's close after the opposite one",
    .params = stop_limit_params,
    .state_size = sizeof(Plan),
    .check = check,
    .init = stop_limit_init,
    .next = next,
};

/* --- without indicators --- */

static int hold_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx), UNUSED(setup);
    Plan *p = s->state;
    p->once = true;
    p->enter.never = p->leave.never = true;
    return 0;
}

const StrategyType strategy_buy_and_hold = {
    .name = "buy_and_hold",
    .words = "Buys on the first candle and never sells",
    .state_size = sizeof(Plan),
    .init = hold_init,
    .next = next,
};

static const ParamSpec rebalance_params[] = {
    { "every", PARAM_INT, 20, 1, 1000000, NULL, "candles between two rebalancings" },
    { "invested_percent", PARAM_REAL, 95, 0, 100, NULL, "per cent of the account's value, shared equally" },
    { 0 },
};

typedef struct Rebalance {
    size_t asked; /* steps since the start */
} Rebalance;

static int rebalance_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(s), UNUSED(setup), UNUSED(cx);
    return 0;
}

/* What is sold goes first: its cash pays for what is bought. */
static void rebalance_next(Strategy *s, const View *v, Broker *b) {
    Rebalance *r = s->state;
    if (r->asked++ % (size_t)s->p[0] != 0)
        return;
    double part = s->p[1] / 100 / (double)v->n_assets;
    for (int buying = 0; buying < 2; buying++)
        for (size_t i = 0; i < v->n_assets; i++) {
            double value = v->assets[i].position * view_close(v, i, 0);
            if ((value < part * v->value) == (buying == 1))
                broker_target_percent(b, i, part);
        }
}

const StrategyType strategy_rebalance = {
    .name = "rebalance",
    .words = "Holds all assets at equal parts of the account and restores the parts from time to time",
    .params = rebalance_params,
    .state_size = sizeof(Rebalance),
    .assets_max = SIZE_MAX,
    .init = rebalance_init,
    .next = rebalance_next,
};
