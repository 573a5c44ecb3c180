/* backtest/plugin/plugin.c - see plugin.h.
 *
 * Every question of a plug-in goes through a function that checks it: an asset or a line that does not exist, and a
 * candle that is not there yet, answer NaN. */

#include "backtest/plugin/plugin.h"

#include <math.h>

typedef struct PluginType {
    StrategyType type;
    FinsightStrategy plugin; /* a copy: the library's table is read once */
} PluginType;

typedef struct PluginState { /* in front of the plug-in's own state */
    FinsightHost host;
    Strategy *s;
    const View *v;
    Broker *b;
    max_align_t state[];
} PluginState;

static const PluginType *type_of(const Strategy *s) {
    return CONTAINER_OF(s->type, PluginType, type);
}

/* --- setup --- */

typedef struct PluginSetup {
    FinsightSetup face;
    StrategySetup *setup;
    Ctx *cx;
    const char *name;
    bool refused;
} PluginSetup;

static int setup_line(LineId line) {
    return line == LINE_NONE || line > INT32_MAX ? -1 : (int)line;
}

static int on_indicator(void *host, unsigned asset, const char *name, const double *params, unsigned n_params) {
    PluginSetup *p = host;
    const TaIndicator *ta = name ? ta_find(str_c(name)) : NULL;
    if (!ta || asset >= setup_assets(p->setup) || n_params > ta_n_params(ta))
        return -1;
    for (size_t i = 0; i < ta_n_inputs(ta); i++)
        if (ta->inputs[i] > TA_X)
            return -1; /* takes a second column, which this interface cannot name */
    double all[TA_PARAMS_MAX];
    ta_standard_params(ta, all);
    for (unsigned i = 0; i < n_params; i++)
        all[i] = params[i];
    return ta_bad_param(ta, all) >= 0 ? -1 : setup_line(setup_indicator(p->setup, asset, ta, all, NULL));
}

static int on_extra(void *host, unsigned asset, const char *name) {
    PluginSetup *p = host;
    return name && asset < setup_assets(p->setup) ? setup_line(setup_extra(p->setup, asset, str_c(name))) : -1;
}

static void on_warmup(void *host, unsigned asset, unsigned long candles) {
    PluginSetup *p = host;
    if (asset < setup_assets(p->setup))
        setup_warmup(p->setup, asset, candles);
}

static void on_refuse(void *host, const char *words) {
    PluginSetup *p = host;
    p->refused = true;
    err_set(p->cx, ERR_INVALID, "%s: %.300s", p->name, words ? words : "refused");
}

static int init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    const PluginType *t = type_of(s);
    PluginState *state = s->state;
    PluginSetup p = { .setup = setup, .cx = cx, .name = t->type.name };
    p.face = (FinsightSetup){ .size = sizeof p.face,
                              .host = &p,
                              .n_assets = (unsigned)setup_assets(setup),
                              .params = s->p,
                              .indicator = on_indicator,
                              .extra = on_extra,
                              .warmup = on_warmup,
                              .refuse = on_refuse };
    state->s = s;
    if (t->plugin.setup && t->plugin.setup(state->state, &p.face) != 0)
        return p.refused ? ERR_INVALID : err_set(cx, ERR_INVALID, "%s: its setup failed and does not say why", p.name);
    return 0;
}

/* --- what it sees --- */

static const ViewAsset *asset_at(const PluginState *p, unsigned asset, unsigned long ago) {
    if (asset >= p->v->n_assets)
        return NULL;
    const ViewAsset *a = &p->v->assets[asset];
    return a->begun && ago <= a->i ? a : NULL;
}

static int on_fresh(void *host, unsigned asset) {
    const PluginState *p = host;
    return asset < p->v->n_assets && p->v->assets[asset].fresh;
}

static double on_price(void *host, unsigned asset, int column, unsigned long ago) {
    const ViewAsset *a = asset_at(host, asset, ago);
    if (!a)
        return NAN;
    size_t i = a->i - ago;
    switch (column) {
    case FINSIGHT_OPEN:
        return a->candles->open[i];
    case FINSIGHT_HIGH:
        return a->candles->high[i];
    case FINSIGHT_LOW:
        return a->candles->low[i];
    case FINSIGHT_CLOSE:
        return a->candles->close[i];
    case FINSIGHT_VOLUME:
        return a->candles->volume[i];
    default:
        return NAN;
    }
}

static double on_line(void *host, int line, unsigned long ago) {
    const PluginState *p = host;
    return line >= 0 && (size_t)line < strategy_n_lines(p->s) ? view_line(p->v, (LineId)line, ago) : NAN;
}

static long long on_time_ms(void *host, unsigned asset, unsigned long ago) {
    const ViewAsset *a = asset_at(host, asset, ago);
    return a ? a->candles->open_ms[a->i - ago] : 0;
}

static double on_position(void *host, unsigned asset) {
    const PluginState *p = host;
    return asset < p->v->n_assets ? p->v->assets[asset].position : NAN;
}

static double on_entry_price(void *host, unsigned asset) {
    const PluginState *p = host;
    return asset < p->v->n_assets ? p->v->assets[asset].entry_price : NAN;
}

/* --- what it does --- */

static unsigned on_enter(void *host, unsigned asset, int side) {
    PluginState *p = host;
    return side != 0 && asset_at(p, asset, 0) ? broker_enter(p->b, asset, side > 0 ? SIDE_LONG : SIDE_SHORT) : 0;
}

static unsigned on_close(void *host, unsigned asset) {
    PluginState *p = host;
    return asset_at(p, asset, 0) ? broker_close(p->b, asset) : 0;
}

static unsigned on_order(void *host, const FinsightOrder *o) {
    static const OrderType types[] = { ORDER_MARKET, ORDER_LIMIT, ORDER_STOP, ORDER_STOP_LIMIT, ORDER_STOP_TRAIL };
    PluginState *p = host;
    if (!asset_at(p, o->asset, 0) || o->kind < 0 || o->kind >= (int)ARRAY_LEN(types) || !isfinite(o->size) ||
        o->size == 0)
        return 0;
    if ((o->parent && !p->b->ops->order(p->b, o->parent)) || (o->oco && !p->b->ops->order(p->b, o->oco)))
        return 0;
    return broker_submit(p->b, &(OrderRequest){ .asset = o->asset,
                                                .type = types[o->kind],
                                                .size = o->size,
                                                .price = o->price,
                                                .limit_price = o->limit_price,
                                                .trail_percent = o->trail,
                                                .parent = o->parent,
                                                .oco = o->oco });
}

static void on_cancel(void *host, unsigned id) {
    PluginState *p = host;
    if (id)
        broker_cancel(p->b, id);
}

static int on_alive(void *host, unsigned id) {
    const PluginState *p = host;
    return broker_alive(p->b, id);
}

static double on_order_size(void *host, unsigned id) {
    const PluginState *p = host;
    const Order *o = id ? p->b->ops->order(p->b, id) : NULL;
    return o ? o->size : NAN;
}

static void next(Strategy *s, const View *v, Broker *b) {
    const PluginType *t = type_of(s);
    PluginState *p = s->state;
    p->v = v;
    p->b = b;
    p->host = (FinsightHost){ .size = sizeof p->host,
                              .host = p,
                              .n_assets = (unsigned)v->n_assets,
                              .params = s->p,
                              .step = v->step,
                              .cash = v->cash,
                              .equity = v->value,
                              .fresh = on_fresh,
                              .price = on_price,
                              .line = on_line,
                              .time_ms = on_time_ms,
                              .position = on_position,
                              .entry_price = on_entry_price,
                              .enter = on_enter,
                              .close = on_close,
                              .order = on_order,
                              .cancel = on_cancel,
                              .alive = on_alive,
                              .order_size = on_order_size };
    t->plugin.next(p->state, &p->host);
}

/* --- the tables --- */

static bool name_good(const char *name) {
    size_t n = 0;
    for (; name && name[n] && n < 65; n++)
        if (!((name[n] >= 'a' && name[n] <= 'z') || (name[n] >= '0' && name[n] <= '9') || name[n] == '_'))
            return false;
    return n > 0 && n <= 64;
}

static int check_params(Ctx *cx, Str path, const FinsightStrategy *f) {
    if (f->n_params > STRATEGY_PARAMS_MAX || (f->n_params && !f->params))
        return err_set(cx, ERR_INVALID, STR_FMT ": %s has %u parameters; there may be %d", STR_ARG(path), f->name,
                       f->n_params, STRATEGY_PARAMS_MAX);
    for (unsigned i = 0; i < f->n_params; i++) {
        const FinsightParam *p = &f->params[i];
        if (!name_good(p->name))
            return err_set(cx, ERR_INVALID, STR_FMT ": parameter %u of %s has no good name", STR_ARG(path), i, f->name);
        if (!(p->min <= p->standard && p->standard <= p->max))
            return err_set(cx, ERR_INVALID, STR_FMT ": %s of %s has a standard of %g outside of %g .. %g",
                           STR_ARG(path), p->name, f->name, p->standard, p->min, p->max);
    }
    return 0;
}

static int check_table(Ctx *cx, Str path, const FinsightStrategy *f) {
    if (f->abi != FINSIGHT_STRATEGY_ABI || f->size < sizeof *f)
        return err_set(cx, ERR_VERSION,
                       STR_FMT
                       ": made for version %u of finsight/strategy.h (a table of %u bytes), and this is version "
                       "%u (%zu bytes); build it again",
                       STR_ARG(path), f->abi, f->size, FINSIGHT_STRATEGY_ABI, sizeof *f);
    if (!name_good(f->name))
        return err_set(cx, ERR_INVALID, STR_FMT ": a strategy's name is made of a-z, 0-9 and _, at most 64 of them",
                       STR_ARG(path));
    if (!f->next)
        return err_set(cx, ERR_INVALID, STR_FMT ": %s has no function `next`", STR_ARG(path), f->name);
    if (f->state_size > PLUGIN_STATE_MAX)
        return err_set(cx, ERR_LIMIT, STR_FMT ": %s wants %lu bytes of state; there are %d", STR_ARG(path), f->name,
                       f->state_size, PLUGIN_STATE_MAX);
    return check_params(cx, path, f);
}

static const char *copy(Arena *a, const char *text) {
    return str_cz(a, str_first(str_c(text), 400));
}

static ParamSpec *copy_params(Arena *a, const FinsightStrategy *f) {
    ParamSpec *specs = arena_new_n(a, ParamSpec, f->n_params + 1);
    for (unsigned i = 0; i < f->n_params; i++) {
        const FinsightParam *p = &f->params[i];
        specs[i] = (ParamSpec){ .name = copy(a, p->name),
                                .kind = p->whole ? PARAM_INT : PARAM_REAL,
                                .standard = p->standard,
                                .min = p->min,
                                .max = p->max,
                                .words = copy(a, p->words) };
    }
    return specs;
}

static const StrategyType *make_type(Arena *a, const FinsightStrategy *f) {
    PluginType *t = arena_new(a, PluginType);
    t->plugin = *f;
    t->type = (StrategyType){ .name = copy(a, f->name),
                              .words = copy(a, f->words),
                              .params = copy_params(a, f),
                              .state_size = sizeof(PluginState) + f->state_size,
                              .assets_min = f->assets_min,
                              .assets_max = f->assets_max,
                              .init = init,
                              .next = next };
    return &t->type;
}

int plugin_catalog(Ctx *cx, const StrategyCatalog *before, Str path, PluginEntry entry, StrategyCatalog *out) {
    before = before ? before : strategy_builtins();
    const StrategyType **types = arena_new_n(cx->arena, const StrategyType *, before->n + PLUGIN_STRATEGIES_MAX);
    StrategyCatalog all = { types, before->n };
    for (size_t i = 0; i < before->n; i++)
        types[i] = before->types[i];
    const FinsightStrategy *f;
    for (unsigned i = 0; (f = entry(i)) != NULL; i++) {
        if (i == PLUGIN_STRATEGIES_MAX)
            return err_set(cx, ERR_LIMIT, STR_FMT ": more than %d strategies", STR_ARG(path), PLUGIN_STRATEGIES_MAX);
        int r = check_table(cx, path, f);
        if (r < 0)
            return r;
        if (strategy_find(&all, str_c(f->name)))
            return err_set(cx, ERR_INVALID, STR_FMT ": there is a strategy called %s already", STR_ARG(path), f->name);
        types[all.n++] = make_type(cx->arena, f);
    }
    if (all.n == before->n)
        return err_set(cx, ERR_INVALID, STR_FMT ": finsight_strategy(0) gives no strategy", STR_ARG(path));
    *out = all;
    return 0;
}
