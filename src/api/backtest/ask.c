/* api/backtest/ask.c - a request record as the service takes it. */

#include "api/backtest/handlers.h"

#include "base/num.h"

enum { PARAMETERS_MAX = 64, JSON_DEPTH = 4 };

static int bad_parameters(Ctx *cx, Str field, const char *why) {
    return err_set_at(cx, ERR_INVALID, field, "%s; send an object like {\"short_window\": 10, \"long_window\": 30}",
                      why);
}

/* What the design documents call some parameters. */
static Str parameter_name(Str name) {
    return str_eq(name, S("short_window"))  ? S("short_period")
           : str_eq(name, S("long_window")) ? S("long_period")
                                            : name;
}

static int read_value(JsonReader *r, StrategyValue *v) {
    switch (json_peek(r)) {
    case JSON_NUMBER:
        return json_read_f64(r, &v->number);
    case JSON_TRUE:
    case JSON_FALSE: {
        bool yes = false;
        int e = json_read_bool(r, &yes);
        v->number = yes;
        return e;
    }
    case JSON_STRING:
        v->is_text = true;
        return json_read_str(r, &v->text);
    default:
        return ERR_INVALID;
    }
}

int backtest_api_parameters(Ctx *cx, Str json, Str field, const StrategyValue **out, size_t *n) {
    StrategyValue *v = arena_new_n(cx->arena, StrategyValue, PARAMETERS_MAX);
    JsonReader r;
    Str key;
    int more;
    *out = v;
    *n = 0;
    if (!str_trim(json).n || str_eq(str_trim(json), S("null")))
        return 0;
    json_reader_init(&r, json, cx->arena, JSON_DEPTH);
    if (json_open_object(&r) != 0)
        return bad_parameters(cx, field, "is not an object");
    while ((more = json_object_next(&r, &key)) > 0) {
        key = parameter_name(key);
        if (*n == PARAMETERS_MAX)
            return bad_parameters(cx, field, "has too many members");
        for (size_t i = 0; i < *n; i++)
            if (str_eq(v[i].name, key))
                return err_set_at(cx, ERR_INVALID,
                                  str_fmt(cx->arena, STR_FMT "." STR_FMT, STR_ARG(field), STR_ARG(key)), "comes twice");
        v[*n].name = key;
        if (read_value(&r, &v[*n]) != 0)
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, STR_FMT "." STR_FMT, STR_ARG(field), STR_ARG(key)),
                              "must be a number, true, false or a text");
        (*n)++;
    }
    return more < 0 ? bad_parameters(cx, field, "is not JSON") : 0;
}

/* --- assets --- */

static int first_asset(Ctx *cx, const BacktestRequestIn *in, SourceQuery *q) {
    if (in->exchange.n && !venue_parse(in->exchange, &q->key.venue))
        return err_set_at(cx, ERR_INVALID, S("exchange"), "is not the name of a venue");
    if (!symbol_parse(in->symbol, &q->key.symbol))
        return err_set_at(cx, ERR_INVALID, S("symbol"), "is not a symbol");
    if (!timeframe_parse(in->timeframe, &q->key.timeframe))
        return err_set_at(cx, ERR_INVALID, S("timeframe"), "is not a timeframe; try 1m, 1h, 1d, 1M");
    if (in->provider.n && !venue_parse(in->provider, &q->key.provider))
        return err_set_at(cx, ERR_INVALID, S("provider"), "is not the name of a provider");
    q->from = in->start_date.ms ? in->start_date : TIME_MIN;
    q->to = in->end_date.ms ? in->end_date : TIME_MAX;
    q->real_only = in->real_only;
    if (time_cmp(q->from, q->to) >= 0)
        return err_set_at(cx, ERR_INVALID, S("end_date"),
                          "must be later than start_date; the range is start <= t < end");
    return 0;
}

int backtest_api_assets(Ctx *cx, const BacktestRequestIn *in, const SourceQuery **out, size_t *n) {
    SourceQuery *q = arena_new_n(cx->arena, SourceQuery, in->symbols.n + 1);
    *out = q;
    int r = first_asset(cx, in, &q[0]);
    for (size_t i = 0; r == 0 && i < in->symbols.n; i++) {
        q[i + 1] = q[0];
        if (!symbol_parse(((const Str *)in->symbols.v)[i], &q[i + 1].key.symbol))
            r = err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "symbols[%zu]", i), "is not a symbol");
        for (size_t k = 0; r == 0 && k <= i; k++)
            if (symbol_eq(q[k].key.symbol, q[i + 1].key.symbol))
                r = err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "symbols[%zu]", i), "%s is in the account already",
                               q[k].key.symbol.s);
    }
    *n = in->symbols.n + 1;
    return r;
}

/* --- the whole --- */

static BrokerConfig broker_of(const BacktestRequestIn *in) {
    BrokerConfig b = broker_config_standard();
    b.cash = in->initial_capital;
    b.commission = str_eq(in->commission_type, S("per_unit")) ? COMMISSION_PER_UNIT : COMMISSION_PERCENT;
    b.commission_rate = in->commission;
    if (in->slippage > 0) {
        b.slippage.kind = str_eq(in->slippage_type, S("fixed")) ? SLIPPAGE_FIXED : SLIPPAGE_PERCENT;
        b.slippage.value = in->slippage;
    }
    b.leverage = in->leverage;
    b.margin = in->margin;
    b.multiplier = in->multiplier;
    b.interest = in->interest;
    b.cheat_on_close = in->cheat_on_close;
    b.no_short = !in->allow_short;
    return b;
}

static int zoot_of(Ctx *cx, const ZootIn *in, ZootAsk *out) {
    const FeeTierIn *given = in->fee_tiers.v;
    ZootFeeTier *tiers = arena_new_n(cx->arena, ZootFeeTier, in->fee_tiers.n);
    for (size_t i = 0; i < in->fee_tiers.n; i++) {
        tiers[i] = (ZootFeeTier){ given[i].volume, given[i].maker, given[i].taker };
        if (i == 0 ? given[i].volume != 0 : given[i].volume <= given[i - 1].volume)
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "zoot.fee_tiers[%zu].volume", i),
                              i == 0 ? "the first tier begins at a volume of 0" : "tiers ascend by volume");
    }
    *out = (ZootAsk){ .spread = in->spread,
                      .volume_share = in->volume_share,
                      .impact = in->impact,
                      .maintenance = in->maintenance,
                      .liquidation_fee = in->liquidation_fee,
                      .funding_rate = in->funding_rate,
                      .funding_hours = in->funding_hours,
                      .tiers = tiers,
                      .n_tiers = in->fee_tiers.n,
                      .ignore_rules = in->ignore_rules };
    out->has_fine = in->fine_timeframe.n > 0;
    if (out->has_fine && !timeframe_parse(in->fine_timeframe, &out->fine))
        return err_set_at(cx, ERR_INVALID, S("zoot.fine_timeframe"), "is not a timeframe");
    return 0;
}

int backtest_api_ask(Ctx *cx, const BacktestRequestIn *in, BacktestAsk *out) {
    *out = (BacktestAsk){ .backtest_id = in->backtest_id,
                          .engine = in->engine,
                          .strategy = { .strategy_type = in->strategy_type, .position_size = in->position_size },
                          .broker = broker_of(in),
                          .risk_free = in->risk_free_rate,
                          .note = in->note,
                          .transient = !in->save,
                          .ta4j = { .sells_first = in->ta4j.sells_first, .borrowing = in->ta4j.borrowing } };
    if (in->position_sizing.n) {
        out->strategy.has_sizing = true;
        if (!sizing_parse(in->position_sizing, &out->strategy.position_sizing))
            return err_set_at(cx, ERR_INVALID, S("position_sizing"), "is not a kind of sizing");
    }
    int r = zoot_of(cx, &in->zoot, &out->zoot);
    if (r != 0)
        return r;
    r = backtest_api_parameters(cx, in->parameters.json, S("parameters"), &out->strategy.parameters,
                                &out->strategy.n_parameters);
    if (r == 0)
        r = backtest_api_assets(cx, in, &out->assets, &out->n_assets);
    return r ? r : backtest_api_columns(cx, in, &out->columns, &out->n_columns);
}

BacktestOrder backtest_api_sort(Str sort) {
    return str_eq(sort, S("score"))    ? BACKTEST_BEST_SCORE
           : str_eq(sort, S("return")) ? BACKTEST_BEST_RETURN
           : str_eq(sort, S("sharpe")) ? BACKTEST_BEST_SHARPE
                                       : BACKTEST_NEWEST;
}
