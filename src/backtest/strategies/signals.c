/* backtest/strategies/signals.c - strategies of one indicator: enter on its signal, leave on the opposite one. */

#include "backtest/strategies/builtins.h"
#include "backtest/strategies/plan.h"

static void next(Strategy *s, const View *v, Broker *b) {
    plan_next(s->state, v, b);
}

static void on_crossing(Plan *p, LineId cross) {
    p->enter = (PlanCondition){ .a = cross, .b = LINE_NONE };
    p->leave = (PlanCondition){ .a = cross, .b = LINE_NONE, .below = true };
}

static int finish(Plan *p, StrategySetup *setup) {
    plan_declare(p, setup);
    return 0;
}

/* The first parameter must be less than the second. */
static int check_short_below_long(const Strategy *s, Ctx *cx) {
    if (s->p[0] < s->p[1])
        return 0;
    const char *fast = s->type->params[0].name, *slow = s->type->params[1].name;
    return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "parameters.%s", fast),
                      "%s is %g and %s %g: the short one must be less than the long one", fast, s->p[0], slow, s->p[1]);
}

/* --- crossings of averages --- */

static const ParamSpec periods_10_30[] = {
    { "short_period", PARAM_INT, 10, 1, 100000, NULL, "candles of the fast average" },
    { "long_period", PARAM_INT, 30, 2, 100000, NULL, "candles of the slow average" },
    { 0 },
};

static int sma_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    LineId close = setup_price(setup, 0, TA_CLOSE);
    on_crossing(s->state, line_cross(setup, line_sma(setup, close, s->p[0]), line_sma(setup, close, s->p[1])));
    return finish(s->state, setup);
}

const StrategyType strategy_moving_average_crossover = {
    .name = "moving_average_crossover",
    .words = "Buys when the short simple average crosses above the long one, sells when it crosses below",
    .params = periods_10_30,
    .state_size = sizeof(Plan),
    .check = check_short_below_long,
    .init = sma_init,
    .next = next,
};

static const ParamSpec periods_12_26[] = {
    { "short_period", PARAM_INT, 12, 1, 100000, NULL, "candles of the fast average" },
    { "long_period", PARAM_INT, 26, 2, 100000, NULL, "candles of the slow average" },
    { 0 },
};

static int ema_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    LineId close = setup_price(setup, 0, TA_CLOSE);
    on_crossing(s->state, line_cross(setup, line_ema(setup, close, s->p[0]), line_ema(setup, close, s->p[1])));
    return finish(s->state, setup);
}

const StrategyType strategy_ema_crossover = {
    .name = "ema_crossover",
    .words = "Buys when the short exponential average crosses above the long one, sells when it crosses below",
    .params = periods_12_26,
    .state_size = sizeof(Plan),
    .check = check_short_below_long,
    .init = ema_init,
    .next = next,
};

static const ParamSpec macd_params[] = {
    { "short_period", PARAM_INT, 12, 1, 100000, NULL, "candles of the fast average" },
    { "long_period", PARAM_INT, 26, 2, 100000, NULL, "candles of the slow average" },
    { "signal_period", PARAM_INT, 9, 1, 100000, NULL, "candles of the signal line" },
    { 0 },
};

static int macd_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    LineId macd = setup_indicator(setup, 0, ta_find(S("macd_backtrader")), s->p, NULL);
    on_crossing(s->state, line_cross(setup, macd, macd + 1));
    return finish(s->state, setup);
}

const StrategyType strategy_macd = {
    .name = "macd",
    .words = "Buys when the MACD crosses above its signal line, sells when it crosses below",
    .params = macd_params,
    .state_size = sizeof(Plan),
    .check = check_short_below_long,
    .init = macd_init,
    .next = next,
};

/* --- levels and bands --- */

static const ParamSpec rsi_params[] = {
    { "period", PARAM_INT, 14, 1, 100000, NULL, "candles of the index" },
    { "oversold", PARAM_REAL, 30, 0, 100, NULL, "buys below it" },
    { "overbought", PARAM_REAL, 70, 0, 100, NULL, "sells above it" },
    { 0 },
};

static int rsi_check(const Strategy *s, Ctx *cx) {
    if (s->p[1] < s->p[2])
        return 0;
    return err_set_at(cx, ERR_INVALID, S("parameters.oversold"), "oversold is %g and overbought %g: it must be less",
                      s->p[1], s->p[2]);
}

static int rsi_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = s->state;
    LineId rsi = setup_indicator(setup, 0, ta_find(S("rsi_backtrader")), s->p, NULL);
    p->enter = (PlanCondition){ .a = rsi, .b = LINE_NONE, .number = s->p[1], .below = true };
    p->leave = (PlanCondition){ .a = rsi, .b = LINE_NONE, .number = s->p[2] };
    return finish(p, setup);
}

const StrategyType strategy_rsi = {
    .name = "rsi",
    .words = "Buys when the relative strength index is below one level, sells when it is above the other",
    .params = rsi_params,
    .state_size = sizeof(Plan),
    .check = rsi_check,
    .init = rsi_init,
    .next = next,
};

static const ParamSpec band_params[] = {
    { "period", PARAM_INT, 20, 1, 100000, NULL, "candles of mean and deviation" },
    { "deviations", PARAM_REAL, 2, 0, 100, NULL, "deviations between mean and band" },
    { 0 },
};

static int reversion_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = s->state;
    LineId close = setup_price(setup, 0, TA_CLOSE);
    LineBands bands = line_bollinger(setup, close, s->p[0], s->p[1]);
    p->enter = (PlanCondition){ .a = close, .b = bands.lower, .below = true };
    p->leave = (PlanCondition){ .a = close, .b = bands.middle };
    return finish(p, setup);
}

const StrategyType strategy_bollinger_reversion = {
    .name = "bollinger_reversion",
    .words = "Buys when the close is below the lower Bollinger band, sells when it is above the middle",
    .params = band_params,
    .state_size = sizeof(Plan),
    .init = reversion_init,
    .next = next,
};

static int breakout_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = s->state;
    LineId close = setup_price(setup, 0, TA_CLOSE);
    LineBands bands = line_bollinger(setup, close, s->p[0], s->p[1]);
    p->enter = (PlanCondition){ .a = close, .b = bands.upper };
    p->leave = (PlanCondition){ .a = close, .b = bands.middle, .below = true };
    return finish(p, setup);
}

const StrategyType strategy_bollinger_breakout = {
    .name = "bollinger_breakout",
    .words = "Buys when the close is above the upper Bollinger band, sells when it is below the middle",
    .params = band_params,
    .state_size = sizeof(Plan),
    .init = breakout_init,
    .next = next,
};

static const ParamSpec donchian_params[] = {
    { "entry_period", PARAM_INT, 20, 2, 100000, NULL, "candles of the channel that is broken upwards" },
    { "exit_period", PARAM_INT, 10, 2, 100000, NULL, "candles of the channel that is broken downwards" },
    { 0 },
};

/* The channel of the candles before: a candle cannot break a channel it is part of. */
static int donchian_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = s->state;
    LineId close = setup_price(setup, 0, TA_CLOSE);
    LineId high = setup_price(setup, 0, TA_HIGH), low = setup_price(setup, 0, TA_LOW);
    LineId top = setup_indicator(setup, 0, ta_find(S("max")), &s->p[0], &high);
    LineId bottom = setup_indicator(setup, 0, ta_find(S("min")), &s->p[1], &low);
    p->enter = (PlanCondition){ .a = close, .b = line_before(setup, top) };
    p->leave = (PlanCondition){ .a = close, .b = line_before(setup, bottom), .below = true };
    return finish(p, setup);
}

const StrategyType strategy_donchian_breakout = {
    .name = "donchian_breakout",
    .words = "Buys when the close is above the highest high of the candles before, sells below their lowest low",
    .params = donchian_params,
    .state_size = sizeof(Plan),
    .init = donchian_init,
    .next = next,
};

static const ParamSpec momentum_params[] = {
    { "period", PARAM_INT, 20, 1, 100000, NULL, "candles the change is taken over" },
    { "enter", PARAM_REAL, 0, -1e9, 1e9, NULL, "percent; buys above it" },
    { "leave", PARAM_REAL, 0, -1e9, 1e9, NULL, "percent; sells below it" },
    { 0 },
};

static int momentum_init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    UNUSED(cx);
    Plan *p = s->state;
    LineId change = setup_indicator(setup, 0, ta_find(S("roc")), s->p, NULL);
    p->enter = (PlanCondition){ .a = change, .b = LINE_NONE, .number = s->p[1] };
    p->leave = (PlanCondition){ .a = change, .b = LINE_NONE, .number = s->p[2], .below = true };
    return finish(p, setup);
}

const StrategyType strategy_momentum = {
    .name = "momentum",
    .words = "Buys while the change over some candles is above one level, sells when it is below the other",
    .params = momentum_params,
    .state_size = sizeof(Plan),
    .init = momentum_init,
    .next = next,
};
