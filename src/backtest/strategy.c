/* backtest/strategy.c - configurations: which strategy, with which parameters, and whether it can be.
 *
 * Every complaint names its place as a reader of the configuration has it ("parameters.short_period") and what would
 * be right; an unknown name gets the nearest known one. */

#include "backtest/strategy.h"

#include <math.h>

#include "backtest/strategy_internal.h"
#include "base/num.h"

static const char *const SIZING_NAMES[SIZING_KINDS] = {
    [SIZING_PERCENT] = "percent", [SIZING_FIXED] = "fixed",           [SIZING_EQUITY] = "equity",
    [SIZING_CASH] = "cash",       [SIZING_VOLATILITY] = "volatility", [SIZING_KELLY] = "kelly",
};

const char *sizing_name(SizingKind kind) {
    return kind < SIZING_KINDS ? SIZING_NAMES[kind] : "unknown";
}

bool sizing_parse(Str text, SizingKind *out) {
    for (int kind = 0; kind < SIZING_KINDS; kind++)
        if (str_eq_nocase(text, str_c(SIZING_NAMES[kind]))) {
            *out = (SizingKind)kind;
            return true;
        }
    return false;
}

static bool name_eq(const char *name, Str text) {
    size_t n = strlen(name);
    if (n != text.n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = text.p[i];
        c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
        if (c != name[i])
            return false;
    }
    return true;
}

const StrategyType *strategy_find(const StrategyCatalog *catalog, Str name) {
    catalog = catalog ? catalog : strategy_builtins();
    for (size_t i = 0; i < catalog->n; i++)
        if (name_eq(catalog->types[i]->name, name))
            return catalog->types[i];
    return NULL;
}

/* --- errors --- */

static Str supported_names(const StrategyCatalog *catalog, Arena *arena) {
    Str list = S("");
    for (size_t i = 0; i < catalog->n; i++)
        list = str_fmt(arena, STR_FMT "%s%s", STR_ARG(list), i ? ", " : "", catalog->types[i]->name);
    return list;
}

static int unknown_type(Ctx *cx, const StrategyCatalog *catalog, Str name) {
    return err_set_at(cx, ERR_INVALID, S("strategy_type"), "no strategy \"" STR_FMT "\"; supported: " STR_FMT,
                      STR_ARG(str_first(name, 40)), STR_ARG(supported_names(catalog, cx->arena)));
}

static Str param_place(Ctx *cx, Str name) {
    return str_fmt(cx->arena, "parameters." STR_FMT, STR_ARG(str_first(name, 60)));
}

static size_t n_params(const StrategyType *type) {
    size_t n = 0;
    while (type->params && type->params[n].name)
        n++;
    assert(n <= STRATEGY_PARAMS_MAX);
    return n;
}

static int unknown_param(Ctx *cx, const StrategyType *type, Str name) {
    Str list = S("none");
    size_t n = n_params(type);
    for (size_t i = 0; i < n; i++)
        list =
            i ? str_fmt(cx->arena, STR_FMT ", %s", STR_ARG(list), type->params[i].name) : str_c(type->params[i].name);
    return err_set_at(cx, ERR_INVALID, param_place(cx, name), "%s has no parameter \"" STR_FMT "\"; it has: " STR_FMT,
                      type->name, STR_ARG(str_first(name, 40)), STR_ARG(list));
}

static Str number_text(Arena *arena, double v) {
    char text[NUM_TEXT_MAX];
    if (!isfinite(v))
        return S("not a number");
    return str_dup(arena, str_n(text, num_format_f64(v, text)));
}

/* --- parameters --- */

static int take_value(Ctx *cx, Strategy *s, size_t i, const StrategyValue *v) {
    const ParamSpec *p = &s->type->params[i];
    Str place = param_place(cx, v->name);
    if (p->kind == PARAM_TEXT) {
        if (!v->is_text)
            return err_set_at(cx, ERR_INVALID, place, "%s is a text", p->name);
        s->text[i] = v->text;
        return 0;
    }
    double number = v->number;
    if (v->is_text && !num_parse_f64(str_trim(v->text), &number))
        return err_set_at(cx, ERR_INVALID, place, "%s is a number, not \"" STR_FMT "\"", p->name,
                          STR_ARG(str_first(v->text, 40)));
    if (p->kind != PARAM_REAL && number != floor(number))
        return err_set_at(cx, ERR_INVALID, place, "%s is a whole number, not " STR_FMT, p->name,
                          STR_ARG(number_text(cx->arena, number)));
    if (!(number >= p->min && number <= p->max))
        return err_set_at(cx, ERR_INVALID, place, "%s is " STR_FMT "; it must lie in " STR_FMT " .. " STR_FMT, p->name,
                          STR_ARG(number_text(cx->arena, number)), STR_ARG(number_text(cx->arena, p->min)),
                          STR_ARG(number_text(cx->arena, p->max)));
    s->p[i] = number;
    return 0;
}

static int take_parameters(Ctx *cx, Strategy *s, const StrategyConfig *config) {
    size_t n = n_params(s->type);
    bool given[STRATEGY_PARAMS_MAX] = { false };
    for (size_t k = 0; k < config->n_parameters; k++) {
        const StrategyValue *v = &config->parameters[k];
        size_t i = 0;
        while (i < n && !name_eq(s->type->params[i].name, v->name))
            i++;
        if (i == n)
            return unknown_param(cx, s->type, v->name);
        if (given[i])
            return err_set_at(cx, ERR_INVALID, param_place(cx, v->name), "%s is given twice", s->type->params[i].name);
        given[i] = true;
        int err = take_value(cx, s, i, v);
        if (err)
            return err;
    }
    for (size_t i = 0; i < n; i++) {
        const ParamSpec *p = &s->type->params[i];
        if (given[i])
            continue;
        if (p->kind == PARAM_TEXT && !p->standard_text)
            return err_set_at(cx, ERR_INVALID, param_place(cx, str_c(p->name)), "%s needs %s: %s", s->type->name,
                              p->name, p->words);
        s->p[i] = p->standard;
        s->text[i] = str_c(p->standard_text);
    }
    return 0;
}

static int take_sizing(Ctx *cx, Strategy *s, const StrategyConfig *config) {
    s->sizing = config->has_sizing ? config->position_sizing : SIZING_PERCENT;
    if (s->sizing >= SIZING_KINDS)
        return err_set_at(cx, ERR_INVALID, S("position_sizing"),
                          "no such sizing; supported: percent, fixed, equity, cash, volatility, kelly");
    bool units = s->sizing == SIZING_FIXED || s->sizing == SIZING_CASH;
    s->size = config->position_size != 0 ? config->position_size : units ? 1 : 0.95;
    bool good = units ? s->size > 0 && isfinite(s->size) : s->size > 0 && s->size <= 1;
    if (!good)
        return err_set_at(cx, ERR_INVALID, S("position_size"), "position_size is " STR_FMT "; it must lie in %s",
                          STR_ARG(number_text(cx->arena, s->size)), units ? "(0, any]" : "(0, 1]");
    return 0;
}

int strategy_open(Ctx *cx, const StrategyCatalog *catalog, const StrategyConfig *config, Strategy **out) {
    catalog = catalog ? catalog : strategy_builtins();
    const StrategyType *type = strategy_find(catalog, config->strategy_type);
    if (!type)
        return unknown_type(cx, catalog, config->strategy_type);
    Strategy *s = arena_new(cx->arena, Strategy);
    s->type = type;
    int err = take_parameters(cx, s, config);
    if (err == 0)
        err = take_sizing(cx, s, config);
    if (err == 0 && type->check)
        err = type->check(s, cx);
    if (err)
        return err;
    *out = s;
    return 0;
}

/* --- setup --- */

static int check_assets(Ctx *cx, const StrategyType *type, size_t n) {
    size_t min = MAX(type->assets_min, 1), max = MAX(type->assets_max, 1);
    if (n >= min && n <= max)
        return 0;
    return err_set_at(cx, ERR_INVALID, S("symbols"), "%s takes %zu asset%s%s, not %zu", type->name, n < min ? min : max,
                      (n < min ? min : max) == 1 ? "" : "s",
                      min == max ? ""
                      : n < min  ? " or more"
                                 : " at most",
                      n);
}

/* Deviation of 20 returns, which the sizing by volatility reads. */
static void declare_volatility(StrategySetup *s) {
    const TaIndicator *rocp = ta_find(S("rocp")), *stddev = ta_find(S("stddev"));
    s->volatility = arena_new_n(s->arena, LineId, s->n_assets);
    for (size_t asset = 0; asset < s->n_assets; asset++) {
        LineId change = setup_indicator(s, asset, rocp, (double[]){ 1 }, NULL);
        s->volatility[asset] = setup_indicator(s, asset, stddev, (double[]){ 20, 1 }, &change);
    }
}

int strategy_setup(Strategy *s, Ctx *cx, const MarketAsset *assets, size_t n_assets) {
    int err = check_assets(cx, s->type, n_assets);
    if (err)
        return err;
    s->setup = setup_new(cx->arena, assets, n_assets);
    s->state = arena_zalloc(cx->arena, MAX(s->type->state_size, 1));
    if (s->sizing == SIZING_VOLATILITY)
        declare_volatility(s->setup);
    return s->type->init(s, s->setup, cx);
}
