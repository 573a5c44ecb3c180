/* backtest/strategies/plan.c - see plan.h. */

#include "backtest/strategies/plan.h"

#include "backtest/setup.h"

#include <math.h>

bool plan_met(const PlanCondition *c, const View *v) {
    if (c->never)
        return false;
    double a = view_line(v, c->a, 0), b = c->b == LINE_NONE ? c->number : view_line(v, c->b, 0);
    return c->below ? a < b : a > b;
}

/* --- entering --- */

static void enter_bracket(const Plan *p, double size, double close, Broker *b) {
    OrderId parent = broker_submit(b, &(OrderRequest){ .size = size, .hold = true, .tag = "entry" });
    if (parent == ORDER_NONE)
        return;
    broker_submit(b, &(OrderRequest){ .type = ORDER_STOP,
                                      .size = -size,
                                      .price = p->stop * close,
                                      .parent = parent,
                                      .hold = true,
                                      .tag = "stop loss" });
    broker_submit(
        b, &(OrderRequest){
               .type = ORDER_LIMIT, .size = -size, .price = p->limit * close, .parent = parent, .tag = "take profit" });
}

static void enter_limit(Plan *p, const View *v, double size, double close, Broker *b) {
    if (broker_alive(b, p->live))
        return;
    Time until = p->valid_days > 0 ? time_add_ms(v->now, (int64_t)llround(p->valid_days * MS_PER_DAY)) : time_ms(0);
    p->live = broker_submit(
        b,
        &(OrderRequest){
            .type = ORDER_LIMIT, .size = size, .price = p->entry_limit * close, .valid_until = until, .tag = "entry" });
}

static void enter_stop_limit(Plan *p, double size, double close, Broker *b) {
    if (broker_alive(b, p->live))
        broker_cancel(b, p->live);
    p->live = broker_submit(b, &(OrderRequest){ .type = ORDER_STOP_LIMIT,
                                                .size = size,
                                                .price = p->entry_stop * close,
                                                .limit_price = p->entry_limit * close,
                                                .tag = "entry" });
}

static void enter(Plan *p, const View *v, Broker *b) {
    double close = view_close(v, 0, 0), size = broker_entry_size(b, 0);
    if (!(size > 0))
        return;
    if (p->side == SIDE_SHORT)
        size = -size;
    p->entered = true;
    switch (p->entry) {
    case PLAN_BRACKET:
        enter_bracket(p, size, close, b);
        break;
    case PLAN_LIMIT:
        enter_limit(p, v, size, close, b);
        break;
    case PLAN_STOP_LIMIT:
        enter_stop_limit(p, size, close, b);
        break;
    default:
        broker_submit(b, &(OrderRequest){ .size = size, .tag = "entry" });
    }
}

/* --- in position --- */

static void protect(Plan *p, const ViewAsset *a, Broker *b) {
    if (p->guard != ORDER_NONE)
        return;
    double size = -a->position;
    if (p->protection == PLAN_TRAIL) {
        p->guard = broker_submit(
            b, &(OrderRequest){
                   .type = ORDER_STOP_TRAIL, .size = size, .trail_percent = p->trail_percent, .tag = "trailing stop" });
        return;
    }
    p->guard = broker_submit(
        b,
        &(OrderRequest){ .type = ORDER_LIMIT, .size = size, .price = p->limit * a->entry_price, .tag = "take profit" });
    broker_submit(
        b,
        &(OrderRequest){
            .type = ORDER_STOP, .size = size, .price = p->stop * a->entry_price, .oco = p->guard, .tag = "stop loss" });
}

static void leave(const Plan *p, const ViewAsset *a, Broker *b) {
    if (p->exit == PLAN_EXIT_CLOSE)
        broker_submit(b, &(OrderRequest){ .type = ORDER_CLOSE, .size = -a->position, .tag = "exit" });
    else
        broker_close(b, 0);
}

static void turn(Plan *p, const View *v, Broker *b) {
    if (plan_met(&p->enter, v))
        broker_target_percent(b, 0, p->part);
    else if (plan_met(&p->leave, v))
        broker_target_percent(b, 0, -p->part);
}

void plan_next(Plan *p, const View *v, Broker *b) {
    const ViewAsset *a = &v->assets[0];
    if (p->entry == PLAN_TARGET_PERCENT) {
        turn(p, v, b);
    } else if (a->position == 0) {
        p->guard = ORDER_NONE;
        if (p->once ? !p->entered : plan_met(&p->enter, v))
            enter(p, v, b);
    } else if (p->protection != PLAN_BARE && p->guard == ORDER_NONE) {
        protect(p, a, b);
    } else if (plan_met(&p->leave, v)) {
        leave(p, a, b);
    }
}

/* --- the line of decisions --- */

typedef struct Decision {
    const Plan *plan;
    bool enter_line, leave_line; /* compared with a line, not a number */
} Decision;

static bool decided(const PlanCondition *c, const double *const *in, size_t a, size_t b, size_t i) {
    if (c->never)
        return false;
    double left = in[a][i], right = c->b == LINE_NONE ? c->number : in[b][i];
    return c->below ? left < right : left > right;
}

static void decision_open(void *state, Arena *arena, const void *arg) {
    UNUSED(arena);
    ((Decision *)state)->plan = arg;
}

static void decision_run(void *state, const double *const *in, size_t n, double *const *out) {
    const Plan *p = ((Decision *)state)->plan;
    for (size_t i = 0; i < n; i++)
        out[0][i] = decided(&p->enter, in, 0, 1, i) ? 1 : decided(&p->leave, in, 2, 3, i) ? -1 : 0;
}

static const LineKernel decision = { "decision", sizeof(Decision), decision_open, decision_run };

void plan_declare(Plan *p, StrategySetup *setup) {
    LineId in[4] = { p->enter.a, p->enter.b == LINE_NONE ? p->enter.a : p->enter.b, p->leave.a,
                     p->leave.b == LINE_NONE ? p->leave.a : p->leave.b };
    if (p->enter.never)
        in[0] = in[1] = in[2];
    if (p->leave.never)
        in[2] = in[3] = in[0];
    LineId line = setup_kernel(setup, &decision, p, in, 4, 1, 0);
    setup_signal(setup, line,
                 p->entry == PLAN_TARGET_PERCENT ? SIGNAL_REVERSE
                 : p->side == SIDE_SHORT         ? SIGNAL_SHORT_ONLY
                                                 : SIGNAL_LONG_ONLY);
}

const Plan *plan_of_line(const StrategySetup *setup, LineId line) {
    const Line *l = &setup->lines[line];
    return l->kind == LINE_IS_KERNEL && l->kernel == &decision ? l->arg : NULL;
}

/* --- lines --- */

static LineId of_period(StrategySetup *s, const TaIndicator *ta, LineId x, double period) {
    assert(ta);
    return setup_indicator(s, setup_line_asset(s, x), ta, &period, &x);
}

LineId line_sma(StrategySetup *s, LineId x, double period) {
    return of_period(s, ta_find(S("sma_backtrader")), x, period);
}

LineId line_ema(StrategySetup *s, LineId x, double period) {
    return of_period(s, ta_find(S("ema")), x, period);
}

LineId line_cross(StrategySetup *s, LineId a, LineId b) {
    return setup_indicator(s, setup_line_asset(s, a), ta_find(S("crossover")), NULL, (LineId[]){ a, b });
}

LineBands line_bollinger(StrategySetup *s, LineId x, double period, double deviations) {
    const TaIndicator *ta = ta_find(S("bbands_backtrader"));
    LineId upper = setup_indicator(s, setup_line_asset(s, x), ta, (double[]){ period, deviations }, &x);
    return (LineBands){ .upper = upper, .middle = upper + 1, .lower = upper + 2 };
}

typedef struct Before {
    double last;
    bool begun;
} Before;

static void before_run(void *state, const double *const *in, size_t n, double *const *out) {
    Before *b = state;
    for (size_t i = 0; i < n; i++) {
        out[0][i] = b->begun ? b->last : NAN;
        b->last = in[0][i];
        b->begun = true;
    }
}

LineId line_before(StrategySetup *s, LineId x) {
    static const LineKernel before = { .name = "before", .state_size = sizeof(Before), .run = before_run };
    return setup_kernel(s, &before, NULL, &x, 1, 1, 1);
}
