/* backtest/rule/strategy.c - rules as a strategy: their columns are lines, their decisions orders. */

#include "backtest/rule/strategy.h"

#include <math.h>

#include "backtest/rule/rule.h"

enum { P_ENTRY, P_EXIT, P_SHORT, P_COVER, P_SIZE, P_STOP_LOSS, P_TAKE_PROFIT, P_TRAILING_STOP, P_FIRST };
enum { N_RULES = P_SIZE + 1, N_NUMBERS = 6, CHILDREN = 3 };

#define RULE(name_, words_)                                                                                            \
    { .name = (name_), .kind = PARAM_TEXT, .standard_text = "", .words = (words_) }
#define FRACTION(name_, most, words_)                                                                                  \
    { .name = (name_), .kind = PARAM_REAL, .max = (most), .words = (words_) }
#define NUMBER(name_)                                                                                                  \
    { .name = (name_), .kind = PARAM_REAL, .min = -1e12, .max = 1e12, .words = "a number that rules may name" }

static const ParamSpec PARAMS[] = {
    RULE("entry", "rule to buy"),
    RULE("exit", "rule to sell what was bought"),
    RULE("short", "rule to sell short"),
    RULE("cover", "rule to buy back"),
    RULE("size", "fraction of the account's value to enter with; empty: as position_size says"),
    FRACTION("stop_loss", 0.99, "distance of a stop from the signal's close, 0.05 = 5 %; 0 = none"),
    FRACTION("take_profit", 100, "distance of a limit from the signal's close; 0 = none"),
    FRACTION("trailing_stop", 0.99, "distance of a trailing stop; 0 = none"),
    NUMBER("p1"),
    NUMBER("p2"),
    NUMBER("p3"),
    NUMBER("p4"),
    NUMBER("p5"),
    NUMBER("p6"),
    { 0 },
};

typedef struct RuleAsset {
    const RuleProgram *program;
    const MarketAsset *market;
    int8_t source[N_RULES]; /* place among the program's sources; -1: no such rule */
    uint32_t column[LINE_INPUTS_MAX];
    size_t n_columns, n_exports;
    bool has_signal;
    LineId lines;
    /* as it goes */
    double *exports; /* (n_exports) of the present candle */
    int side;
    size_t entry_row;
    OrderId order, children[CHILDREN];
    size_t n_children;
} RuleAsset;

typedef struct RuleStrategy {
    RuleAsset *assets;
    size_t n_assets;
} RuleStrategy;

/* --- compiling --- */

static int compile(const Strategy *s, Ctx *cx, RuleEnv *env, RuleAsset *out) {
    RuleSource sources[N_RULES];
    RuleParam numbers[N_NUMBERS];
    size_t n = 0;
    for (int k = 0; k < N_NUMBERS; k++)
        numbers[k] = (RuleParam){ str_c(PARAMS[P_FIRST + k].name), s->p[P_FIRST + k] };
    env->params = numbers;
    env->n_params = N_NUMBERS;
    for (int k = 0; k < N_RULES; k++) {
        out->source[k] = -1;
        if (!str_trim(s->text[k]).n)
            continue;
        out->source[k] = (int8_t)n;
        sources[n++] = (RuleSource){ str_c(PARAMS[k].name), s->text[k], k == P_SIZE };
    }
    int r = rule_compile(cx, env, sources, n, &out->program);
    if (r < 0 && cx->err.field[0]) { /* the place as a reader of the configuration has it */
        char field[ERR_FIELD_MAX];
        memcpy(field, cx->err.field, sizeof field);
        Str place = str_fmt(cx->arena, "parameters.%s", field);
        size_t size = MIN(place.n, sizeof cx->err.field - 1);
        memcpy(cx->err.field, place.p, size);
        cx->err.field[size] = 0;
    }
    return r;
}

static int check(const Strategy *s, Ctx *cx) {
    RuleAsset unused = { 0 };
    RuleEnv env = { .columns_later = true };
    if (!str_trim(s->text[P_ENTRY]).n && !str_trim(s->text[P_SHORT]).n)
        return err_set_at(cx, ERR_INVALID, S("parameters.entry"),
                          "rules: say when to buy (entry) or to sell short (short): "
                          "\"crossover(sma(close, 10), sma(close, 30))\"");
    return compile(s, cx, &env, &unused);
}

/* --- lines --- */

typedef struct KernelState {
    const RuleAsset *asset;
    RuleRun *run;
    const double **extra;
    size_t row;
} KernelState;

static void kernel_open(void *state, Arena *arena, const void *arg) {
    KernelState *k = state;
    k->asset = arg;
    k->run = rule_open(arena, k->asset->program);
    k->extra = arena_new_n(arena, const double *, k->asset->market->n_extras + 1);
}

/* What engines without `next` act on; the order of precedence is that of `decide`. */
static double signal_of(const RuleAsset *a, double *const *exports, size_t i) {
    double row[RULE_SOURCES_MAX]; /* one export a rule, as none is live */
    for (size_t k = 0; k < a->n_exports; k++)
        row[k] = exports[k][i];
    bool shorts = a->source[P_SHORT] >= 0;
    int8_t enter = a->source[shorts ? P_SHORT : P_ENTRY], leave = a->source[shorts ? P_COVER : P_EXIT];
    double side = shorts ? -1 : 1;
    if (leave >= 0 && rule_decide(a->program, (size_t)leave, row, NULL) == 1)
        return -side;
    return rule_decide(a->program, (size_t)enter, row, NULL) == 1 ? side : 0;
}

static void kernel_run(void *state, const double *const *in, size_t n, double *const *out) {
    KernelState *k = state;
    const RuleAsset *a = k->asset;
    const Candles *cs = a->market->candles;
    for (size_t c = 0; c < a->n_columns; c++)
        k->extra[a->column[c]] = in[c];
    RuleInput rows = { cs->open_ms + k->row, cs->open + k->row,   cs->high + k->row, cs->low + k->row,
                       cs->close + k->row,   cs->volume + k->row, k->extra };
    rule_run_exports(k->run, &rows, n, out);
    for (size_t i = 0; i < n && a->has_signal; i++)
        out[a->n_exports][i] = signal_of(a, out, i);
    k->row += n;
}

static const LineKernel KERNEL = { "rules", sizeof(KernelState), kernel_open, kernel_run };

static int find_columns(StrategySetup *setup, size_t asset, Ctx *cx, RuleAsset *a, LineId *inputs) {
    for (size_t k = 0; k < a->market->n_extras; k++) {
        if (!rule_uses_column(a->program, k))
            continue;
        if (a->n_columns == LINE_INPUTS_MAX)
            return err_set(cx, ERR_LIMIT, "rules may use %d extra columns at most", LINE_INPUTS_MAX);
        inputs[a->n_columns] = setup_extra(setup, asset, a->market->extras[k].name);
        a->column[a->n_columns++] = (uint32_t)k;
    }
    return 0;
}

/* One direction, no sizes and stops of its own, nothing that looks at the position. */
static bool is_plain_signal(const Strategy *s, const RuleAsset *a) {
    bool both = a->source[P_ENTRY] >= 0 && a->source[P_SHORT] >= 0;
    bool stops = s->p[P_STOP_LOSS] > 0 || s->p[P_TAKE_PROFIT] > 0 || s->p[P_TRAILING_STOP] > 0;
    return !both && !stops && a->source[P_SIZE] < 0 && !rule_any_live(a->program);
}

static int init_asset(Strategy *s, StrategySetup *setup, Ctx *cx, size_t asset, RuleAsset *a) {
    a->market = setup_asset(setup, asset);
    Str *names = arena_new_n(cx->arena, Str, a->market->n_extras + 1);
    for (size_t k = 0; k < a->market->n_extras; k++)
        names[k] = a->market->extras[k].name;
    RuleEnv env = { .columns = names, .n_columns = a->market->n_extras };
    LineId inputs[LINE_INPUTS_MAX] = { setup_price(setup, asset, TA_CLOSE) };
    int r = compile(s, cx, &env, a);
    if (r == 0)
        r = find_columns(setup, asset, cx, a, inputs);
    if (r < 0)
        return r;
    a->n_exports = rule_n_exports(a->program);
    a->exports = arena_new_n(cx->arena, double, a->n_exports);
    if (a->n_exports >= LINE_OUTPUTS_MAX)
        return err_set(cx, ERR_LIMIT, "rules may read %d different columns while they look at the position, not %zu",
                       LINE_OUTPUTS_MAX - 1, a->n_exports);
    a->has_signal = setup_assets(setup) == 1 && is_plain_signal(s, a);
    a->lines = setup_kernel(setup, &KERNEL, a, inputs, MAX(a->n_columns, 1), a->n_exports + a->has_signal,
                            (int)rule_lookback(a->program));
    if (a->has_signal)
        setup_signal(setup, a->lines + (LineId)a->n_exports,
                     a->source[P_SHORT] >= 0 ? SIGNAL_SHORT_ONLY : SIGNAL_LONG_ONLY);
    return 0;
}

static int init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    RuleStrategy *rules = s->state;
    rules->n_assets = setup_assets(setup);
    rules->assets = arena_new_n(cx->arena, RuleAsset, rules->n_assets);
    for (size_t i = 0; i < rules->n_assets; i++) {
        int r = init_asset(s, setup, cx, i, &rules->assets[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- deciding --- */

typedef struct Decision {
    const Strategy *s;
    const View *v;
    Broker *b;
    size_t asset;
    RuleAsset *a;
    RulePosition position;
} Decision;

static double value_of(const Decision *d, int rule) {
    int8_t source = d->a->source[rule];
    return source < 0 ? NAN : rule_decide(d->a->program, (size_t)source, d->a->exports, &d->position);
}

static bool holds(const Decision *d, int rule) {
    return value_of(d, rule) == 1;
}

static void look(Decision *d) {
    const ViewAsset *seen = &d->v->assets[d->asset];
    RuleAsset *a = d->a;
    int side = (seen->position > 0) - (seen->position < 0);
    if (side != a->side)
        a->entry_row = seen->i;
    a->side = side;
    for (size_t k = 0; k < a->n_exports; k++)
        d->a->exports[k] = view_line(d->v, a->lines + (LineId)k, 0);
    d->position = RULE_FLAT;
    d->position.equity = d->v->value;
    if (!side)
        return;
    double close = view_close(d->v, d->asset, 0);
    d->position = (RulePosition){ .side = side,
                                  .size = seen->position,
                                  .entry_price = seen->entry_price,
                                  .bars_since_entry = (double)(seen->i - a->entry_row),
                                  .pnl_percent = 100 * side * (close - seen->entry_price) / seen->entry_price,
                                  .equity = d->v->value };
}

/* Units to enter with; > 0, or 0 when there is nothing to enter with. */
static double entry_units(const Decision *d, bool reversing) {
    double close = view_close(d->v, d->asset, 0);
    if (d->a->source[P_SIZE] >= 0) {
        double fraction = value_of(d, P_SIZE);
        return fraction > 0 ? d->b->ops->units(d->b, d->asset, fraction * d->v->value, close) : 0;
    }
    if (reversing && d->s->sizing == SIZING_PERCENT) /* the cash of now is not the cash after closing */
        return d->b->ops->units(d->b, d->asset, d->s->size * d->v->value, close);
    return broker_entry_size(d->b, d->asset);
}

static void drop_children(Decision *d) {
    for (size_t k = 0; k < d->a->n_children; k++)
        broker_cancel(d->b, d->a->children[k]);
    d->a->n_children = 0;
}

/* Orders that protect an entry of `units`; all of them wait for it. */
static void protect(Decision *d, double units) {
    const double *p = d->s->p;
    double close = view_close(d->v, d->asset, 0), sign = units > 0 ? 1 : -1;
    OrderRequest requests[CHILDREN];
    size_t n = 0;
    OrderRequest base = { .asset = (uint32_t)d->asset, .size = -units, .parent = d->a->order, .hold = true };
    if (p[P_STOP_LOSS] > 0) {
        requests[n] = base;
        requests[n].type = ORDER_STOP;
        requests[n].price = close * (1 - sign * p[P_STOP_LOSS]);
        requests[n++].tag = "stop loss";
    }
    if (p[P_TRAILING_STOP] > 0) {
        requests[n] = base;
        requests[n].type = ORDER_STOP_TRAIL;
        requests[n].trail_percent = p[P_TRAILING_STOP];
        requests[n++].tag = "trailing stop";
    }
    if (p[P_TAKE_PROFIT] > 0 && close * (1 - p[P_TAKE_PROFIT]) > 0) {
        requests[n] = base;
        requests[n].type = ORDER_LIMIT;
        requests[n].price = close * (1 + sign * p[P_TAKE_PROFIT]);
        requests[n++].tag = "take profit";
    }
    for (size_t k = 0; k < n; k++) {
        requests[k].hold = k + 1 < n;
        d->a->children[d->a->n_children++] = broker_submit(d->b, &requests[k]);
    }
}

static void enter(Decision *d, double sign) {
    bool reversing = d->a->side != 0;
    double units = sign * entry_units(d, reversing);
    if (units == 0)
        return;
    const double *p = d->s->p;
    bool limit_possible = p[P_TAKE_PROFIT] > 0 && p[P_TAKE_PROFIT] < 1;
    bool protects =
        p[P_STOP_LOSS] > 0 || p[P_TRAILING_STOP] > 0 || limit_possible || (sign > 0 && p[P_TAKE_PROFIT] > 0);
    d->a->order = broker_submit(d->b, &(OrderRequest){ .asset = (uint32_t)d->asset,
                                                       .size = units - d->v->assets[d->asset].position,
                                                       .hold = protects,
                                                       .tag = reversing ? "reverse" : "entry" });
    if (protects && d->a->order)
        protect(d, units);
}

static void decide(Decision *d) {
    look(d);
    int side = d->a->side;
    if (broker_alive(d->b, d->a->order)) /* still waits for volume */
        return;
    if (side == 0) {
        bool buy = holds(d, P_ENTRY) && !holds(d, P_EXIT), sell = holds(d, P_SHORT) && !holds(d, P_COVER);
        if (buy != sell) {
            drop_children(d);
            enter(d, buy ? 1 : -1);
        }
        return;
    }
    bool leaves = holds(d, side > 0 ? P_EXIT : P_COVER), turns = holds(d, side > 0 ? P_SHORT : P_ENTRY);
    if (!leaves && !turns)
        return;
    drop_children(d);
    if (turns && !holds(d, side > 0 ? P_COVER : P_EXIT))
        enter(d, -side);
    else
        d->a->order = broker_close(d->b, d->asset);
}

static void next(Strategy *s, const View *v, Broker *b) {
    RuleStrategy *rules = s->state;
    Decision d = { .s = s, .v = v, .b = b };
    for (size_t i = 0; i < rules->n_assets; i++) {
        if (!v->assets[i].fresh)
            continue;
        d.asset = i;
        d.a = &rules->assets[i];
        decide(&d);
    }
}

const StrategyType strategy_rules = {
    .name = "rules",
    .words = "Buys where the rule `entry` holds and sells where `exit` does; `short` and `cover` the other way round",
    .params = PARAMS,
    .state_size = sizeof(RuleStrategy),
    .assets_min = 1,
    .assets_max = SIZE_MAX,
    .check = check,
    .init = init,
    .next = next,
};
