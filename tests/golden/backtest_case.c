/* golden/backtest_case.c - see backtest_case.h. */

#include "golden/backtest_case.h"

#include <math.h>
#include <stdarg.h>

#include "backtest/analyzers.h"
#include "backtest/backtrader/backtrader.h"
#include "golden/dump_read.h"

bool case_near(double got, double want, double scale) {
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    return got == want || fabs(got - want) <= 1e-9 * fabs(want) + 1e-12 * fabs(scale);
}

void case_differs(CaseReport *rep, const char *fmt, ...) {
    rep->n_differences++;
    if (!rep->out || rep->n_differences > CASE_LINES_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    fprintf(rep->out, STR_FMT ": ", STR_ARG(rep->name));
    vfprintf(rep->out, fmt, args);
    fputc('\n', rep->out);
    va_end(args);
}

/* --- reading --- */

static bool is_null(Str json) {
    return json.n == 0 || str_eq(json, S("null"));
}

static int number_or(Ctx *cx, const Members *m, const char *key, double standard, double *out) {
    Str json = dump_member(m, key);
    *out = standard;
    return is_null(json) ? 0 : dump_number(cx, json, out);
}

static bool flag_or(const Members *m, const char *key, bool standard) {
    Str json = dump_member(m, key);
    return is_null(json) ? standard : str_eq(json, S("true"));
}

/* An object, or the rate alone; absent: 0.1 %. */
static int read_commission(Ctx *cx, Str json, BrokerConfig *out) {
    Members m;
    Str kind, sides;
    if (is_null(json))
        return 0;
    if (!str_starts(json, S("{")))
        return dump_number(cx, json, &out->commission_rate);
    int err = dump_members(cx, json, &m);
    if (err == 0)
        err = dump_str(cx, &m, "kind", &kind);
    if (err == 0)
        err = number_or(cx, &m, "rate", 0, &out->commission_rate);
    if (err)
        return err;
    if (!is_null(dump_member(&m, "sides")) && dump_str(cx, &m, "sides", &sides) == 0 && !str_eq(sides, S("both")))
        return err_set(cx, ERR_UNSUPPORTED, "commission of sides \"" STR_FMT "\"", STR_ARG(sides));
    out->commission = str_starts(kind, S("percent")) ? COMMISSION_PERCENT : COMMISSION_PER_UNIT;
    if (out->commission == COMMISSION_PER_UNIT && !str_starts(kind, S("fixed")))
        return err_set(cx, ERR_UNSUPPORTED, "commission of kind \"" STR_FMT "\"", STR_ARG(kind));
    return 0;
}

static int read_slippage(Ctx *cx, Str json, Slippage *out) {
    Members m;
    Str kind;
    if (is_null(json))
        return 0;
    int err = dump_members(cx, json, &m);
    if (err == 0)
        err = dump_str(cx, &m, "kind", &kind);
    if (err == 0)
        err = number_or(cx, &m, "value", 0, &out->value);
    if (err)
        return err;
    out->kind = str_eq(kind, S("percent")) ? SLIPPAGE_PERCENT : SLIPPAGE_FIXED;
    if (out->kind == SLIPPAGE_FIXED && !str_eq(kind, S("fixed")))
        return err_set(cx, ERR_UNSUPPORTED, "slippage of kind \"" STR_FMT "\"", STR_ARG(kind));
    out->on_open = flag_or(&m, "on_open", true);
    out->on_limit = flag_or(&m, "on_limit", true);
    out->match = flag_or(&m, "match_high_low", true);
    out->out = flag_or(&m, "out", false);
    return 0;
}

static int read_interest(Ctx *cx, Str json, BrokerConfig *out) {
    Members m;
    double days;
    if (is_null(json))
        return 0;
    int err = dump_members(cx, json, &m);
    if (err == 0)
        err = number_or(cx, &m, "annual", 0, &out->interest);
    if (err == 0)
        err = number_or(cx, &m, "day_count", 365, &days);
    if (err)
        return err;
    out->interest *= 365 / days;
    out->interest_long = flag_or(&m, "long", false);
    return 0;
}

int case_broker(Ctx *cx, Str json, double cash, BrokerConfig *out) {
    Members m;
    *out = broker_config_standard();
    int err = dump_members(cx, json, &m);
    if (err == 0)
        err = number_or(cx, &m, "cash", cash, &out->cash);
    if (err == 0)
        err = read_commission(cx, dump_member(&m, "commission"), out);
    if (err == 0)
        err = read_slippage(cx, dump_member(&m, "slippage"), &out->slippage);
    if (err == 0)
        err = read_interest(cx, dump_member(&m, "interest"), out);
    if (err == 0)
        err = number_or(cx, &m, "leverage", 1, &out->leverage);
    if (err == 0)
        err = number_or(cx, &m, "margin", 0, &out->margin);
    if (err == 0)
        err = number_or(cx, &m, "multiplier", 1, &out->multiplier);
    out->cheat_on_close = flag_or(&m, "cheat_on_close", false);
    out->no_short_cash = !flag_or(&m, "shortcash", true);
    return err;
}

static int read_broker(Ctx *cx, const Members *m, BrokerConfig *out) {
    double cash;
    int err = number_or(cx, m, "cash", 10000, &cash);
    if (err == 0)
        err = case_broker(cx, dump_member(m, "broker"), cash, out);
    Members broker;
    if (err == 0 && dump_members(cx, dump_member(m, "broker"), &broker) == 0 &&
        is_null(dump_member(&broker, "commission")))
        err = read_commission(cx, dump_member(m, "commission"), out);
    return err;
}

/* Python writes NaN and Infinity, which JSON does not have: null. */
static Str without_nan(Arena *arena, Str json) {
    static const char *const words[] = { "-Infinity", "Infinity", "NaN" };
    char *text = arena_alloc(arena, mem_mul(MAX(json.n, 1), 2));
    size_t n = 0;
    for (size_t i = 0; i < json.n;) {
        size_t taken = 0;
        bool starts = i > 0 && strchr(" :,[", json.p[i - 1]);
        for (size_t w = 0; starts && w < ARRAY_LEN(words) && taken == 0; w++)
            taken = str_starts(str_from(json, i), str_c(words[w])) ? strlen(words[w]) : 0;
        if (taken > 0)
            memcpy(text + n, "null", 4);
        else
            text[n] = json.p[i];
        n += taken > 0 ? 4 : 1;
        i += MAX(taken, 1);
    }
    return str_n(text, n);
}

/* --- comparing --- */

static void check_number(CaseReport *rep, const char *what, size_t i, const char *field, double got, double want,
                         double scale) {
    if (!case_near(got, want, scale))
        case_differs(rep, "%s %zu: %s is %.17g, not %.17g", what, i, field, got, want);
}

typedef struct Fields { /* of one trade or order of the dump */
    Ctx *cx;
    CaseReport *rep;
    Members m;
    const char *what;
    size_t i;
} Fields;

/* A field that the dump has and that is a number. */
static void field(Fields *f, const char *key, double got, double scale) {
    Str json = dump_member(&f->m, key);
    double want;
    if (is_null(json))
        return;
    if (dump_number(f->cx, json, &want) < 0)
        case_differs(f->rep, "%s %zu: %s is not a number in the dump", f->what, f->i, key);
    else
        check_number(f->rep, f->what, f->i, key, got, want, scale);
}

static void word(Fields *f, const char *key, const char *got) {
    Str want;
    if (is_null(dump_member(&f->m, key)))
        return;
    if (dump_str(f->cx, &f->m, key, &want) < 0 || !str_eq(want, str_c(got)))
        case_differs(f->rep, "%s %zu: %s is %s, not " STR_FMT, f->what, f->i, key, got, STR_ARG(want));
}

/* The dumps tell a trade as it was at its first fill, and its exit by what it gained on that. */
static void check_trade(Ctx *cx, CaseReport *rep, size_t i, const Trade *t, double multiplier, Str json) {
    Fields f = { .cx = cx, .rep = rep, .what = "trade", .i = i };
    if (dump_members(cx, json, &f.m) < 0) {
        case_differs(rep, "trade %zu is not an object", i);
        return;
    }
    double value = t->size * t->entry_price;
    field(&f, "ref", t->id, 0);
    word(&f, "dir", side_name(t->side));
    field(&f, "entry_bar", (double)t->entry_step, 0);
    field(&f, "entry_price", t->first_price, 0);
    field(&f, "size", t->first_size, 0);
    field(&f, "entry_comm", t->first_fees, 0);
    if (flag_or(&f.m, "closed", false) != t->closed)
        case_differs(rep, "trade %zu: it is %s", i, t->closed ? "closed" : "open");
    if (!t->closed)
        return;
    field(&f, "exit_bar", (double)t->exit_step, 0);
    double exit_price =
        t->first_size == t->size ? t->exit_price : t->first_price + t->pnl / (t->first_size * multiplier);
    field(&f, "exit_price", exit_price, t->first_price);
    field(&f, "pnl", t->pnl, value);
    field(&f, "pnlcomm", t->pnl_net, value);
    field(&f, "commission", t->fees + t->costs, 0);
    field(&f, "barlen", (double)t->candles, 0);
}

/* An order tells what was filled of it in all: that is compared at its last event. */
static void check_event(Ctx *cx, CaseReport *rep, size_t i, const OrderEvent *e, bool last, const Order *o, Str json) {
    Fields f = { .cx = cx, .rep = rep, .what = "order event", .i = i };
    if (dump_members(cx, json, &f.m) < 0) {
        case_differs(rep, "order event %zu is not an object", i);
        return;
    }
    field(&f, "ref", o->id, 0);
    word(&f, "side", o->size > 0 ? "buy" : "sell");
    word(&f, "type", order_type_name(o->type));
    word(&f, "status", order_status_name(e->status));
    field(&f, "created_bar", (double)o->created_step, 0);
    field(&f, "bar", (double)e->step, 0);
    field(&f, "size_req", o->size, 0);
    field(&f, "created_price", o->created_price, 0);
    if (!last)
        return;
    field(&f, "exec_size", o->filled, 0);
    field(&f, "exec_price", o->price, 0);
    field(&f, "exec_value", o->value, o->filled * o->price);
    field(&f, "exec_comm", o->fees + o->costs, 0);
    field(&f, "exec_pnl", o->pnl, o->value);
}

/* The items of a JSON array, one after the other. */
typedef struct Items {
    JsonReader r;
    Str json;
} Items;

static void items_init(Items *it, Ctx *cx, Str json) {
    json_reader_init(&it->r, json, cx->arena, 8);
    json_open_array(&it->r);
}

static bool items_next(Items *it) {
    return json_array_next(&it->r) > 0 && json_skip_raw(&it->r, &it->json) == 0;
}

static void check_trades(Ctx *cx, CaseReport *rep, const BacktestResult *r, double multiplier, Str json) {
    Items it;
    size_t n = 0;
    if (is_null(json))
        return;
    for (items_init(&it, cx, json); items_next(&it); n++)
        if (n < r->n_trades)
            check_trade(cx, rep, n, &r->trades[n], multiplier, it.json);
    if (n != r->n_trades)
        case_differs(rep, "%zu trades, not %zu", r->n_trades, n);
}

static void check_orders(Ctx *cx, CaseReport *rep, const BacktestResult *r, Str json) {
    Items it;
    size_t n = 0;
    if (is_null(json))
        return;
    size_t told = r->n_events; /* what happened on the last candle, Backtrader's strategy was never told */
    while (told > 0 && r->events[told - 1].step >= r->n_steps)
        told--;
    for (items_init(&it, cx, json); items_next(&it); n++)
        if (n < told)
            check_event(cx, rep, n, &r->events[n], r->events[n].status == r->orders[r->events[n].id - 1].status,
                        &r->orders[r->events[n].id - 1], it.json);
    if (n != told)
        case_differs(rep, "%zu order events, not %zu", told, n);
}

static void check_equity(Ctx *cx, CaseReport *rep, const BacktestResult *r, Str json) {
    double *want;
    size_t n;
    if (is_null(json))
        return;
    if (dump_numbers(cx, json, &want, &n) < 0) {
        case_differs(rep, "equity: %s", cx->err.text);
        return;
    }
    if (n != r->n_steps)
        case_differs(rep, "%zu values of equity, not %zu", r->n_steps, n);
    for (size_t i = 0; i < MIN(n, r->n_steps); i++)
        check_number(rep, "candle", i, "equity", r->equity[i], want[i], 0);
}

static void check_position(Ctx *cx, CaseReport *rep, const BacktestResult *r, Str json) {
    Fields f = { .cx = cx, .rep = rep, .what = "open position" };
    const ResultAsset *a = &r->assets[0];
    if (json.n == 0) /* not told; null is told, and means none */
        return;
    if (is_null(json)) {
        if (a->position != 0)
            case_differs(rep, "a position of %.17g is open at the end", a->position);
        return;
    }
    if (dump_members(cx, json, &f.m) < 0) {
        case_differs(rep, "open position: %s", cx->err.text);
        return;
    }
    field(&f, "size", a->position, 0);
    field(&f, "price", a->entry_price, 0);
}

/* A case that tells nothing of the run would pass whatever the engine does. */
static bool tells_anything(const Members *m) {
    static const char *const keys[] = { "trades", "orders", "equity", "final_value", "final_cash", "n_trades_closed" };
    bool tells = false;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        tells |= !is_null(dump_member(m, keys[i]));
    return tells;
}

static void check_run(Ctx *cx, CaseReport *rep, const Members *m, BacktestResult *r) {
    Fields f = { .cx = cx, .rep = rep, .m = *m, .what = "run" };
    if (!tells_anything(m))
        case_differs(rep, "the case tells nothing of what the run came to");
    field(&f, "bars", (double)r->n_steps, 0);
    field(&f, "first_next_bar", (double)r->first_next_step, 0);
    field(&f, "final_value", r->final_value, 0);
    field(&f, "final_cash", r->final_cash, r->final_value);
    field(&f, "n_trades_closed", (double)r->n_closed, 0);
    check_position(cx, rep, r, dump_member(m, "open_position"));
    BrokerConfig broker;
    if (read_broker(cx, m, &broker) == 0)
        check_trades(cx, rep, r, broker.multiplier, dump_member(m, "trades"));
    check_orders(cx, rep, r, dump_member(m, "orders"));
    check_equity(cx, rep, r, dump_member(m, "equity"));
    analyzers_compute(r, cx->arena);
    if (case_check_analyzers(cx, rep, r, dump_member(m, "analyzers")) < 0)
        case_differs(rep, "analyzers: %s", cx->err.text);
}

/* --- running --- */

static int text_of(Ctx *cx, const Members *m, const char *key, Str *out) {
    *out = S("");
    return is_null(dump_member(m, key)) ? 0 : dump_str(cx, m, key, out);
}

static int read_rules(Ctx *cx, const Members *m, CaseRules *out) {
    *out = (CaseRules){ .params = dump_member(m, "params") };
    int err = text_of(cx, m, "strategy", &out->strategy);
    if (err == 0)
        err = text_of(cx, m, "rules", &out->rules);
    if (err == 0)
        err = text_of(cx, m, "sizing", &out->sizing);
    return err;
}

static int read_strategy(Ctx *cx, const Members *m, const StrategyType **out) {
    CaseRules rules;
    Str script = dump_member(m, "script");
    if (!is_null(script))
        return case_script(cx, script, out);
    int err = read_rules(cx, m, &rules);
    return err ? err : case_strategy(cx, &rules, out);
}

static int run_case(Ctx *cx, const Members *m, const char *data_dir, BacktestResult *out) {
    const StrategyType *type;
    BacktestRequest req = { .n_assets = 1 };
    MarketAsset asset = { 0 };
    Candles candles;
    Str dataset;
    size_t first_rows, bars;
    int err = dump_str(cx, m, "dataset", &dataset);
    if (err || (err = dump_size(cx, m, "first_rows", 0, &first_rows)) || (err = dump_size(cx, m, "bars", 0, &bars)) ||
        (err = read_broker(cx, m, &req.broker)) || (err = read_strategy(cx, m, &type)) ||
        (err = case_data(cx, data_dir, dataset, first_rows ? first_rows : bars, &candles, &asset.timeframe)))
        return err;
    asset.candles = &candles;
    symbol_parse(dataset, &asset.symbol);
    StrategyCatalog catalog = { &type, 1 };
    req.assets = &asset;
    req.strategy = &(StrategyConfig){ .strategy_type = str_c(type->name) };
    req.catalog = &catalog;
    return backtest_run(&backtest_backtrader, cx, &req, out);
}

void case_check(Ctx *cx, CaseReport *rep, Str name, Str json, const char *data_dir) {
    Members m;
    BacktestResult r;
    rep->name = name;
    rep->n_differences = 0;
    int err = dump_members(cx, without_nan(cx->arena, json), &m);
    if (err == 0)
        err = run_case(cx, &m, data_dir, &r);
    if (err)
        case_differs(rep, "%s", cx->err.text);
    else
        check_run(cx, rep, &m, &r);
    if (rep->out && rep->n_differences > CASE_LINES_MAX)
        fprintf(rep->out, STR_FMT ": %zu differences in all\n", STR_ARG(name), rep->n_differences);
    *(rep->n_differences ? &rep->n_failed : &rep->n_passed) += 1;
}
