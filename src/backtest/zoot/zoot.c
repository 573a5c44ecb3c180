/* backtest/zoot/zoot.c - the time line and the life of a step.
 *
 * A step is a moment at which candles close: those of all assets that close then are new. Assets of different
 * timeframes meet only so: at the close of an hour the running day's candle is not known. Within a step
 *
 *     1  interest for the time since the last step, funding due inside the new candles
 *     2  their opens: liquidation, reductions, everything else that the open fills
 *     3  their insides, asset by asset (finer candles one after the other)
 *     4  their closes: orders for the close, trailing stops, marks, a last look at the margin
 *     5  the strategy is told of orders and trades, sees the closes, sends orders for later candles */

#include "backtest/zoot/internal.h"

enum { CHECK_STEPS = 4096, PROGRESS_STEPS = 65536 };

/* --- setting up --- */

static int check_tiers(Ctx *cx, const ZootOptions *o) {
    for (size_t i = 0; i < o->n_tiers; i++) {
        const ZootFeeTier *t = &o->tiers[i];
        bool first_wrong = i == 0 && t->volume != 0, order_wrong = i > 0 && !(t->volume > o->tiers[i - 1].volume);
        if (first_wrong || order_wrong || !isfinite(t->maker) || !isfinite(t->taker) || fabs(t->maker) >= 1 ||
            fabs(t->taker) >= 1)
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "tiers[%zu]", i),
                              "zoot: fee tiers begin at volume 0 and ascend; their rates are below 1");
    }
    return 0;
}

static int check_options(Ctx *cx, const BacktestRequest *req, const ZootOptions *o) {
    if (o->n_assets && o->n_assets != req->n_assets)
        return err_set_at(cx, ERR_INVALID, S("zoot.assets"), "zoot: options for %zu assets, and there are %zu",
                          o->n_assets, req->n_assets);
    struct {
        const char *name;
        double value, below;
    } fractions[] = { { "volume_share", o->volume_share, 1.0000001 },
                      { "impact", o->impact, 1 },
                      { "maintenance", o->maintenance, 1 },
                      { "liquidation_fee", o->liquidation_fee, 1 } };
    for (size_t i = 0; i < ARRAY_LEN(fractions); i++)
        if (!(fractions[i].value >= 0 && fractions[i].value < fractions[i].below))
            return err_set_at(cx, ERR_INVALID, str_c(fractions[i].name), "zoot: %s is a fraction, not %g",
                              fractions[i].name, fractions[i].value);
    if (o->maintenance * req->broker.leverage >= 1)
        return err_set_at(cx, ERR_INVALID, S("maintenance"),
                          "zoot: a maintenance of %g is not less than the initial margin of %g", o->maintenance,
                          1 / req->broker.leverage);
    for (size_t i = 0; i < o->n_assets; i++)
        if (!(o->assets[i].spread >= 0 && o->assets[i].spread < 1))
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "assets[%zu].spread", i),
                              "zoot: the spread is a fraction of the price, not %g", o->assets[i].spread);
    return check_tiers(cx, o);
}

static int zoot_validate(Ctx *cx, const StrategyConfig *config, const BrokerConfig *broker) {
    UNUSED(config);
    if (broker->cheat_on_close)
        return err_set_at(cx, ERR_UNSUPPORTED, S("cheat_on_close"),
                          "zoot never fills before the next candle; the engines backtrader and ta4j do on demand");
    if (broker->margin > 0)
        return err_set_at(cx, ERR_UNSUPPORTED, S("margin"),
                          "zoot has margin by leverage, not money a contract; use the engine backtrader");
    if (broker->no_short_cash)
        return err_set_at(cx, ERR_UNSUPPORTED, S("no_short_cash"),
                          "zoot books the money of a short sale; use the engine backtrader");
    return 0;
}

static int64_t close_of(const ZootPlace *p, size_t row) {
    const Candles *cs = p->m->candles;
    Timeframe tf = p->m->timeframe;
    int64_t open = cs->open_ms[row];
    int64_t close = timeframe_is_fixed(tf) ? open + timeframe_ms(tf) : timeframe_next(tf, time_ms(open)).ms;
    /* a series off its grid: what follows has begun, so this one is over */
    return row + 1 < cs->n ? MIN(close, cs->open_ms[row + 1]) : close;
}

static void init_place(Zoot *z, size_t i) {
    ZootPlace *p = &z->places[i];
    p->m = &z->req->assets[i];
    if (z->opt.n_assets)
        p->is = z->opt.assets[i];
    if (p->is.listing) {
        p->tick = decimal_to_f64(p->is.listing->tick);
        p->lot = decimal_to_f64(p->is.listing->lot);
        p->min_notional = decimal_to_f64(p->is.listing->min_notional);
    }
    p->next_close_ms = p->m->candles->n ? close_of(p, 0) : INT64_MAX;
    p->warmup = strategy_warmup(z->strategy, i);
    z->seen[i].candles = p->m->candles;
}

static int init(Zoot *z, Ctx *cx, const BacktestRequest *req, Strategy *s) {
    *z = (Zoot){ .cx = cx, .req = req, .strategy = s, .broker = req->broker, .n_places = req->n_assets };
    z->cash = req->broker.cash;
    if (req->zoot)
        z->opt = *req->zoot;
    int r = check_options(cx, req, &z->opt);
    if (r < 0)
        return r;
    z->multiplier = req->broker.multiplier > 0 ? req->broker.multiplier : 1;
    z->maintenance = z->opt.maintenance > 0     ? z->opt.maintenance
                     : req->broker.leverage > 1 ? 0.5 / req->broker.leverage
                                                : 0;
    z->interest_from_ms = INT64_MIN;
    size_t most = 0;
    z->places = arena_new_n(cx->arena, ZootPlace, z->n_places);
    z->seen = arena_new_n(cx->arena, ViewAsset, z->n_places);
    for (size_t i = 0; i < z->n_places; i++) {
        init_place(z, i);
        most += req->assets[i].candles->n;
    }
    z->time_ms = arena_alloc(cx->arena, mem_mul(most, sizeof *z->time_ms));
    z->equity = arena_alloc(cx->arena, mem_mul(most, sizeof *z->equity));
    z->view = (View){ .cash = z->cash,
                      .value = z->cash,
                      .assets = z->seen,
                      .n_assets = z->n_places,
                      .lines = strategy_lines(s),
                      .line_asset = strategy_line_assets(s) };
    z->face = (Broker){ &zoot_broker_ops, &z->view, z->strategy };
    z->first_next_step = SIZE_MAX;
    return 0;
}

static void done(Zoot *z) {
    vec_done(&z->orders);
    vec_done(&z->alive);
    vec_done(&z->events);
    vec_done(&z->changed);
    vec_done(&z->trades);
    vec_done(&z->closings);
    vec_done(&z->traded);
}

/* --- a step --- */

static void take_candle(ZootPlace *p) {
    p->row = p->next++;
    p->begun = p->fresh = true;
    p->candle_open_ms = p->m->candles->open_ms[p->row];
    p->volume_used = 0;
}

static ZootBar bar_of(const Candles *cs, size_t row) {
    return (ZootBar){ cs->open_ms[row], cs->open[row], cs->high[row], cs->low[row], cs->close[row], cs->volume[row] };
}

/* The first bar of the candle, or the next finer one: false when there is none. */
static bool take_bar(ZootPlace *p, bool first) {
    const Candles *fine = p->is.fine;
    if (!fine) {
        if (first)
            p->bar = bar_of(p->m->candles, p->row);
        return first;
    }
    while (p->fine_next < fine->n && fine->open_ms[p->fine_next] < p->candle_open_ms)
        p->fine_next++;
    p->volume_used = 0;
    if (p->fine_next < fine->n && fine->open_ms[p->fine_next] < p->next_close_ms) {
        p->bar = bar_of(fine, p->fine_next++);
        return true;
    }
    if (first)
        p->bar = bar_of(p->m->candles, p->row); /* a hole in the finer ones */
    return first;
}

static bool last_bar(const ZootPlace *p) {
    const Candles *fine = p->is.fine;
    return !fine || p->fine_next >= fine->n || fine->open_ms[p->fine_next] >= p->next_close_ms;
}

static bool idle(const ZootPlace *p) {
    return p->position == 0 && p->n_alive == 0;
}

static void walk_inside(Zoot *z, uint32_t asset) {
    ZootPlace *p = &z->places[asset];
    for (bool more = true; more;) {
        bool last = last_bar(p);
        zoot_match_inside(z, asset);
        zoot_match_close(z, asset, last);
        more = !last && take_bar(p, false);
        if (!more)
            break;
        z->bar_seq++;
        p->mark = p->bar.open;
        zoot_liquidate_at_open(z, asset);
        zoot_match_open(z, asset);
    }
}

/* What the closes together do to the margin: the largest position goes first. */
static void check_margin(Zoot *z) {
    for (size_t n = 0; n < z->n_places; n++) {
        double gross = 0, largest = 0;
        uint32_t which = 0;
        bool risky = z->broker.leverage > 1;
        for (uint32_t i = 0; i < z->n_places; i++) {
            double value = fabs(z->places[i].position * z->places[i].mark * z->multiplier);
            gross += value;
            risky = risky || z->places[i].position < 0;
            if (value > largest) {
                largest = value;
                which = i;
            }
        }
        if (!risky || gross == 0 || zoot_equity(z) > z->maintenance * gross)
            return;
        z->bar_time_ms = z->places[which].bar.open_ms;
        zoot_liquidate(z, which, z->places[which].mark);
    }
}

static void match_step(Zoot *z) {
    bool any = false;
    for (uint32_t i = 0; i < z->n_places; i++) {
        ZootPlace *p = &z->places[i];
        if (!p->fresh)
            continue;
        take_bar(p, true);
        if (idle(p) && !p->is.funding.n)
            continue;
        any = true;
        z->bar_time_ms = p->bar.open_ms;
        zoot_pay_funding(z, i, p->next_close_ms);
        zoot_expire(z, p);
        p->mark = p->bar.open;
        zoot_liquidate_at_open(z, i);
    }
    if (any) {
        z->bar_seq++;
        if (z->alive.n)
            zoot_match_open(z, ZOOT_ALL);
        for (uint32_t i = 0; i < z->n_places; i++)
            if (z->places[i].fresh && !idle(&z->places[i]))
                walk_inside(z, i);
    }
    for (size_t i = 0; i < z->n_places; i++)
        if (z->places[i].fresh)
            z->places[i].mark = z->places[i].m->candles->close[z->places[i].row];
    if (any)
        check_margin(z);
    zoot_sweep_ended(z);
}

static void tell(Zoot *z) {
    const StrategyType *type = z->strategy->type;
    for (size_t i = 0; i < z->changed.n; i++)
        type->on_order(z->strategy, &z->view, &zoot_order(z, z->changed.v[i])->o);
    z->changed.n = 0;
    for (; z->n_told < z->closings.n; z->n_told++)
        if (type->on_trade)
            type->on_trade(z->strategy, &z->view, &z->trades.v[z->closings.v[z->n_told]]);
}

static bool look(Zoot *z) {
    bool warm = true;
    for (size_t i = 0; i < z->n_places; i++) {
        ZootPlace *p = &z->places[i];
        ViewAsset *a = &z->seen[i];
        a->i = p->row;
        a->begun = p->begun;
        a->fresh = p->fresh;
        a->position = p->position;
        a->entry_price = p->entry;
        warm = warm && p->begun && p->row >= p->warmup;
    }
    z->view.step = z->step;
    z->view.now = time_ms(z->time_ms[z->step]);
    z->view.cash = z->cash;
    z->view.value = z->equity[z->step];
    return warm;
}

static int64_t take_candles(Zoot *z) {
    int64_t now = INT64_MAX, latest = INT64_MIN;
    for (size_t i = 0; i < z->n_places; i++)
        now = MIN(now, z->places[i].next_close_ms);
    if (now == INT64_MAX)
        return INT64_MIN;
    z->now_ms = now;
    for (size_t i = 0; i < z->n_places; i++) {
        ZootPlace *p = &z->places[i];
        p->fresh = p->next_close_ms == now;
        if (!p->fresh)
            continue;
        take_candle(p);
        if (z->req->options.stepwise)
            strategy_compute_row(z->strategy, i);
        latest = MAX(latest, p->candle_open_ms);
    }
    return latest;
}

static void advance(Zoot *z) {
    for (size_t i = 0; i < z->n_places; i++) {
        ZootPlace *p = &z->places[i];
        if (p->fresh)
            p->next_close_ms = p->next < p->m->candles->n ? close_of(p, p->next) : INT64_MAX;
    }
}

static bool step(Zoot *z) {
    int64_t open_ms = take_candles(z);
    if (open_ms == INT64_MIN)
        return false;
    z->step = z->n_steps;
    /* steps have ascending times also where a long candle closes alone */
    z->time_ms[z->step] = z->step && open_ms <= z->time_ms[z->step - 1] ? z->time_ms[z->step - 1] + 1 : open_ms;
    if (z->broker.interest > 0)
        zoot_pay_interest(z, z->now_ms);
    match_step(z);
    z->equity[z->step] = zoot_equity(z);
    z->n_steps++;
    bool warm = look(z);
    if (z->changed.n || z->n_told < z->closings.n)
        tell(z);
    if (warm) {
        if (z->first_next_step == SIZE_MAX)
            z->first_next_step = z->step;
        z->n_next_calls++;
        z->strategy->type->next(z->strategy, &z->view, &z->face);
    }
    if (z->req->options.probe)
        z->req->options.probe(z->req->options.probe_arg, &z->view);
    zoot_sweep_ended(z);
    advance(z);
    return true;
}

static int walk(Zoot *z) {
    const RunOptions *o = &z->req->options;
    size_t most = 0;
    for (size_t i = 0; i < z->n_places; i++)
        most += z->places[i].m->candles->n;
    while (step(z)) {
        int r = z->failed;
        if (r == 0 && z->n_steps % CHECK_STEPS == 0)
            r = ctx_check(z->cx);
        if (r == 0 && o->progress && z->n_steps % PROGRESS_STEPS == 0)
            r = o->progress(o->progress_arg, z->cx, z->n_steps, most);
        if (r < 0)
            return r;
    }
    return o->progress ? o->progress(o->progress_arg, z->cx, z->n_steps, z->n_steps) : 0;
}

static int zoot_run(Ctx *cx, const BacktestRequest *req, Strategy *s, BacktestResult *out) {
    Zoot z;
    int r = init(&z, cx, req, s);
    if (r == 0)
        r = walk(&z);
    if (r >= 0)
        zoot_report(&z, out);
    done(&z);
    return r < 0 ? r : 0;
}

const BacktestEngine backtest_zoot = {
    .name = "zoot",
    .version = "1",
    .words = "FinSight's own: several assets in one account, margin, liquidation, funding, fee tiers, partial fills",
    .run = zoot_run,
    .validate = zoot_validate,
};
