/* backtest/lab/sweep_columns.c - the fast way of a sweep: see sweep.h.
 *
 * Each combination declares its lines as it would for an engine. Lines that are the same are one node here, whoever
 * declared them: a thousand pairs of averages are sixty-five columns. Time goes in slices of a few thousand rows; in
 * each, first all nodes are computed, level by level, then all accounts follow their signals. A slice's columns fit the
 * cache, and memory does not grow with the candles.
 *
 * A crossover of two nodes is not a column: it is found by comparing the two directly, as bits. */

#include <math.h>
#include <string.h>

#include "backtest/lab/sweep_internal.h"
#include "backtest/setup.h"
#include "backtest/strategies/plan.h"
#include "base/hash.h"
#include "base/parallel.h"

enum { BATCH = 16, SLICE_PIECES = 16, SLICE_SIZE = 8 << 20, NODES_MAX = 1 << 18 };
#define NO_NODE UINT32_MAX

typedef struct Node {
    Line line;           /* inputs are node numbers; the further outputs of a group are the nodes behind it */
    uint32_t level;      /* prices 0, others above all their inputs */
    double *column;      /* (slice) */
    const double *whole; /* a price: (n) */
} Node;

typedef struct Condition { /* a > b or a < b */
    uint32_t a, b;         /* nodes; b NO_NODE: the number */
    double number;
    bool below, never;
} Condition;

typedef enum SignalKind {
    SIGNAL_CROSSOVER, /* of enter.a and enter.b */
    SIGNAL_CONDITIONS,
    SIGNAL_LINE, /* enter.a: > 0 buy, < 0 sell */
} SignalKind;

typedef struct Signal {
    SignalKind kind;
    Condition enter, leave;
    size_t warmup; /* candles before the first decision */
} Signal;

typedef struct Columns {
    Sweep *s;
    Arena arena, setups; /* nodes and accounts; what combinations declared */
    AccountMarket market;
    AccountRules rules;
    Node *nodes;
    size_t n_nodes, cap;
    uint32_t *places; /* open addressing: node number + 1 */
    size_t n_places;
    uint32_t *order;  /* nodes to compute, by level */
    size_t *level_at; /* (n_levels + 1) */
    uint32_t n_levels;
    uint32_t *rows; /* (n) of those that are run */
    size_t n;
    Signal *signals;               /* (n) */
    Account *accounts;             /* (n) */
    size_t slice, from, to, level; /* of the present step */
} Columns;

/* --- which requests fit --- */

static const char *sizing_misfit(const StrategyConfig *config) {
    SizingKind sizing = config->has_sizing ? config->position_sizing : SIZING_PERCENT;
    bool fits = sizing == SIZING_PERCENT || sizing == SIZING_EQUITY || sizing == SIZING_FIXED || sizing == SIZING_CASH;
    return fits ? NULL : "this sizing needs an engine";
}

static const char *broker_misfit(const BrokerConfig *b) {
    if (b->leverage != 1 || b->margin != 0 || b->multiplier != 1)
        return "leverage and margin need an engine";
    if (b->interest_long && b->interest != 0)
        return "interest needs an engine";
    if (b->no_cash_check)
        return "a broker without its check at submission needs an engine";
    if (b->slippage.kind != SLIPPAGE_NONE && (!b->slippage.on_open || !b->slippage.match || b->slippage.out))
        return "slippage other than up to the candle's ends needs an engine";
    return NULL;
}

static const char *candles_misfit(const Candles *cs) {
    for (size_t i = 0; i < cs->n; i++)
        if (!(cs->close[i] > 0 && cs->open[i] > 0 && isfinite(cs->close[i]) && isfinite(cs->open[i])))
            return "a candle without a price above 0";
    return cs->n > UINT32_MAX ? "too many candles" : NULL;
}

static const char *request_misfit(const Sweep *s) {
    const char *why = NULL;
    if (s->options->engine_only)
        return "asked for the engine";
    if (strcmp(s->engine->name, "backtrader") != 0)
        return "only the backtrader engine has a faster way";
    if (s->base->n_assets != 1)
        return "several assets need an engine";
    why = sizing_misfit(s->base->strategy);
    why = why ? why : broker_misfit(&s->base->broker);
    return why ? why : candles_misfit(s->base->assets[0].candles);
}

/* --- nodes --- */

static uint64_t line_hash(const Line *l) {
    struct {
        uint64_t kind, price, n_inputs, inputs[LINE_INPUTS_MAX];
        uintptr_t ta, kernel, arg;
        double params[TA_PARAMS_MAX];
    } key;
    memset(&key, 0, sizeof key);
    key.kind = l->kind;
    key.price = l->price;
    key.n_inputs = l->n_inputs;
    for (size_t i = 0; i < l->n_inputs; i++)
        key.inputs[i] = l->inputs[i];
    key.ta = (uintptr_t)l->ta;
    key.kernel = (uintptr_t)l->kernel;
    key.arg = (uintptr_t)l->arg;
    memcpy(key.params, l->params, sizeof key.params);
    return hash64(&key, sizeof key, 0);
}

static bool line_same(const Line *a, const Line *b) {
    return a->kind == b->kind && a->price == b->price && a->ta == b->ta && a->kernel == b->kernel && a->arg == b->arg &&
           a->n_inputs == b->n_inputs && memcmp(a->inputs, b->inputs, a->n_inputs * sizeof a->inputs[0]) == 0 &&
           memcmp(a->params, b->params, sizeof a->params) == 0;
}

static void places_grow(Columns *c) {
    size_t n = MAX(1024, c->n_places * 2);
    c->places = arena_zalloc(&c->arena, mem_mul(n, sizeof *c->places));
    c->n_places = n;
    for (size_t id = 0; id < c->n_nodes; id++) {
        if (c->nodes[id].line.output > 0)
            continue;
        size_t at = line_hash(&c->nodes[id].line) & (n - 1);
        while (c->places[at])
            at = (at + 1) & (n - 1);
        c->places[at] = (uint32_t)id + 1;
    }
}

static void node_push(Columns *c, const Line *line, uint32_t level) {
    if (c->n_nodes == c->cap) {
        size_t cap = MAX(64, c->cap * 2);
        c->nodes = arena_grow(&c->arena, c->nodes, c->cap * sizeof(Node), mem_mul(cap, sizeof(Node)));
        c->cap = cap;
    }
    c->nodes[c->n_nodes++] = (Node){ .line = *line, .level = level };
}

static const double *price_of(const Candles *cs, TaInput price) {
    const double *const of[] = { cs->open, cs->high, cs->low, cs->close, cs->volume };
    assert(price >= TA_OPEN && price <= TA_VOLUME);
    return of[price - TA_OPEN];
}

/* The node of a line whose inputs are already node numbers; *added tells whether it is new. */
static uint32_t node_of(Columns *c, const Line *line, bool *added) {
    if (2 * (c->n_nodes + 1) > c->n_places)
        places_grow(c);
    size_t at = line_hash(line) & (c->n_places - 1);
    for (; c->places[at]; at = (at + 1) & (c->n_places - 1))
        if (line_same(&c->nodes[c->places[at] - 1].line, line))
            return c->places[at] - 1;
    uint32_t id = (uint32_t)c->n_nodes, level = line->kind == LINE_IS_PRICE ? 0 : 1;
    for (size_t i = 0; i < line->n_inputs; i++)
        level = MAX(level, c->nodes[line->inputs[i]].level + 1);
    c->places[at] = id + 1;
    Line part = *line;
    for (part.output = 0; part.output == 0 || part.output < line->n_outputs; part.output++)
        node_push(c, &part, level);
    if (line->kind == LINE_IS_PRICE)
        c->nodes[id].whole = price_of(c->s->base->assets[0].candles, line->price);
    c->n_levels = MAX(c->n_levels, level + 1);
    *added = true;
    return id;
}

/* What a strategy's signal is made of, by its own line numbers: *out as far as they go. false: it needs an engine. */
static bool signal_of(const Strategy *strategy, Signal *out) {
    const StrategySetup *setup = strategy->setup;
    LineId line;
    SignalRule rule;
    if (!strategy_signal(strategy, &line, &rule) || rule != SIGNAL_LONG_ONLY)
        return false;
    *out = (Signal){ .kind = SIGNAL_LINE, .enter.a = line };
    const Plan *p = plan_of_line(setup, line);
    if (!p)
        return true;
    if (p->entry != PLAN_MARKET || p->protection != PLAN_BARE || p->exit != PLAN_EXIT_MARKET || p->once)
        return false;
    const PlanCondition *e = &p->enter, *l = &p->leave;
    const Line *first = e->never ? NULL : &setup->lines[e->a];
    bool around_zero = !e->never && !l->never && e->b == LINE_NONE && l->b == LINE_NONE && e->number == 0 &&
                       l->number == 0 && !e->below && l->below && e->a == l->a;
    if (around_zero && first->kind == LINE_IS_TA && strcmp(first->ta->name, "crossover") == 0) {
        *out = (Signal){ .kind = SIGNAL_CROSSOVER, .enter = { .a = first->inputs[0], .b = first->inputs[1] } };
        return true;
    }
    out->kind = SIGNAL_CONDITIONS;
    out->enter = (Condition){ e->a, e->b, e->number, e->below, e->never };
    out->leave = (Condition){ l->a, l->b, l->number, l->below, l->never };
    return true;
}

static uint32_t *operands(Signal *g, size_t i) { /* the line, then node, numbers of a signal; NULL: not one */
    Condition *c = i < 2 ? &g->enter : &g->leave;
    uint32_t *place = i % 2 == 0 ? &c->a : &c->b;
    bool used = g->kind == SIGNAL_LINE ? i == 0 : g->kind == SIGNAL_CROSSOVER ? i < 2 : !c->never && *place != NO_NODE;
    return used ? place : NULL;
}

/* The lines that the signal rests on become nodes. */
static bool take_signal(Columns *c, const Strategy *strategy, Signal *out, bool *keep) {
    const StrategySetup *setup = strategy->setup;
    uint32_t node[LINES_MAX], *place;
    bool wanted[LINES_MAX] = { false };
    if (!signal_of(strategy, out))
        return false;
    for (size_t i = 0; i < 4; i++)
        if ((place = operands(out, i)) != NULL)
            wanted[*place] = true;
    for (size_t i = setup->n_lines; i-- > 0;) {
        if (wanted[i])
            wanted[i - setup->lines[i].output] = true; /* a group is computed by its first line */
        for (size_t k = 0; wanted[i] && k < setup->lines[i].n_inputs; k++)
            wanted[setup->lines[i].inputs[k]] = true;
    }
    for (size_t i = 0; i < setup->n_lines; i++) {
        Line l = setup->lines[i];
        bool added = false;
        if (!wanted[i])
            continue;
        if (l.kind == LINE_IS_EXTRA)
            return false;
        for (size_t k = 0; k < l.n_inputs; k++)
            l.inputs[k] = node[l.inputs[k]];
        node[i] = l.output > 0 ? node[i - l.output] + l.output : node_of(c, &l, &added);
        *keep |= added && l.arg != NULL;
    }
    for (size_t i = 0; i < 4; i++)
        if ((place = operands(out, i)) != NULL)
            *place = node[*place];
    out->warmup = MAX(strategy_warmup(strategy, 0), c->s->options->trade_from);
    return true;
}

/* --- what a sweep's rows declare --- */

static int declare_row(Columns *c, size_t row, Signal *out, bool *fits) {
    Sweep *s = c->s;
    SweepRow *r = &s->r->rows[row];
    Ctx cx = *s->cx;
    cx.arena = &c->setups;
    err_clear(&cx);
    ArenaMark mark = arena_mark(&c->setups);
    Strategy *strategy;
    bool keep = false;
    *fits = true;
    r->err = strategy_open(&cx, s->base->catalog, sweep_config(s, r, &c->setups), &strategy);
    if (r->err == 0)
        r->err = strategy_setup(strategy, &cx, s->base->assets, s->base->n_assets);
    if (r->err == 0)
        *fits = take_signal(c, strategy, out, &keep);
    if (!keep)
        arena_rewind(&c->setups, mark);
    if (r->err && r->err != ERR_INVALID) {
        s->cx->err = cx.err;
        return r->err;
    }
    if (r->err && s->r->refused_words.n == 0)
        s->r->refused_words = str_dup(s->cx->arena, str_c(cx.err.text));
    return c->n_nodes > NODES_MAX
               ? err_set(s->cx, ERR_LIMIT, "sweep: more than %d lines; sweep fewer values at a time", NODES_MAX)
               : 0;
}

static int declare(Columns *c, size_t from, size_t n, bool *fits) {
    c->rows = arena_new_n(&c->arena, uint32_t, n);
    c->signals = arena_new_n(&c->arena, Signal, n);
    *fits = true;
    for (size_t i = from; i < from + n && *fits; i++) {
        int e = declare_row(c, i, &c->signals[c->n], fits);
        if (e)
            return e;
        if (c->s->r->rows[i].err == 0)
            c->rows[c->n++] = (uint32_t)i;
    }
    return 0;
}

static void columns_init(Columns *c, Sweep *s) {
    *c = (Columns){ .s = s };
    arena_init(&c->arena, 0);
    arena_init(&c->setups, 0);
}

static void columns_done(Columns *c) {
    arena_done(&c->arena);
    arena_done(&c->setups);
}

Str sweep_columns_fit(const Sweep *s, size_t from, size_t n) {
    const char *why = request_misfit(s);
    if (why)
        return str_c(why);
    Columns c;
    Sweep copy = *s;
    Ctx cx = *s->cx;
    bool fits = true;
    copy.cx = &cx;
    columns_init(&c, &copy);
    Signal signal;
    for (size_t i = from; i < from + n; i++) { /* the first that is not refused speaks for all */
        int e = declare_row(&c, i, &signal, &fits);
        if (e == 0 && s->r->rows[i].err)
            continue;
        why = e ? "the strategy needs an engine" : NULL;
        break;
    }
    columns_done(&c);
    return !fits ? S("the strategy declares no signal of long or flat") : str_c(why);
}

/* --- running --- */

static void rules_of(const Sweep *s, AccountRules *out) {
    const BrokerConfig *b = &s->base->broker;
    const StrategyConfig *config = s->base->strategy;
    SizingKind sizing = config->has_sizing ? config->position_sizing : SIZING_PERCENT;
    bool units = sizing == SIZING_FIXED || sizing == SIZING_CASH;
    *out = (AccountRules){ .cash = b->cash, .at_close = b->cheat_on_close };
    *(b->commission == COMMISSION_PERCENT ? &out->fee_rate : &out->fee_per_unit) = b->commission_rate;
    if (b->slippage.kind != SLIPPAGE_NONE && !b->cheat_on_close)
        *(b->slippage.kind == SLIPPAGE_PERCENT ? &out->slip_rate : &out->slip_amount) = b->slippage.value;
    out->sizing = sizing == SIZING_FIXED ? ACCOUNT_UNITS : sizing == SIZING_CASH ? ACCOUNT_MONEY : ACCOUNT_PERCENT;
    out->size = config->position_size != 0 ? config->position_size : units ? 1 : 0.95;
    out->avx2 = !s->options->no_avx2 && account_has_avx2();
}

/* The order of computing, room for a slice, states. */
static int prepare(Columns *c) {
    Sweep *s = c->s;
    size_t n = 0;
    c->level_at = arena_new_n(&c->arena, size_t, c->n_levels + 1);
    size_t n_columns = 0;
    for (size_t id = 0; id < c->n_nodes; id++)
        n_columns += c->nodes[id].whole == NULL;
    size_t used = c->arena.used + c->setups.used + c->n * sizeof(Account) + n_columns * 512;
    size_t room = s->memory_max > used ? s->memory_max - used : 0, row = MAX(n_columns, 1) * sizeof(double);
    c->slice = MIN(MIN(room, (size_t)SLICE_SIZE) / row / ACCOUNT_PIECE, (size_t)SLICE_PIECES) * ACCOUNT_PIECE;
    if (c->slice == 0 && room / row >= ACCOUNT_PIECE)
        c->slice = ACCOUNT_PIECE;
    if (c->slice == 0)
        return err_set(s->cx, ERR_LIMIT,
                       "sweep: %zu lines need more than %zu MiB; raise the memory or sweep fewer values", n_columns,
                       s->memory_max >> 20);
    c->order = arena_new_n(&c->arena, uint32_t, MAX(c->n_nodes, 1));
    for (uint32_t level = 1; level < c->n_levels; level++) {
        c->level_at[level] = n;
        for (size_t id = 0; id < c->n_nodes; id++)
            if (c->nodes[id].level == level && c->nodes[id].line.output == 0)
                c->order[n++] = (uint32_t)id;
    }
    c->level_at[c->n_levels] = n;
    for (size_t id = 0; id < c->n_nodes; id++) {
        Line *l = &c->nodes[id].line;
        if (c->nodes[id].whole)
            continue;
        c->nodes[id].column = arena_alloc(&c->arena, c->slice * sizeof(double));
        if (l->output > 0)
            continue;
        if (l->kind == LINE_IS_TA) {
            l->state = ta_open(&c->arena, l->ta, l->params);
            continue;
        }
        l->state = arena_zalloc(&c->arena, MAX(l->kernel->state_size, 1));
        if (l->kernel->open)
            l->kernel->open(l->state, &c->arena, l->arg);
    }
    c->accounts = arena_new_n(&c->arena, Account, c->n);
    for (size_t i = 0; i < c->n; i++)
        account_init(&c->accounts[i], &c->rules);
    s->r->n_columns = MAX(s->r->n_columns, n_columns);
    s->r->scratch_size = MAX(s->r->scratch_size, c->arena.used + c->setups.used);
    return 0;
}

static const double *column_of(const Columns *c, uint32_t id) {
    return c->nodes[id].whole ? c->nodes[id].whole + c->from : c->nodes[id].column;
}

static void run_node(void *arg, int worker, size_t i) {
    Columns *c = arg;
    uint32_t id = c->order[c->level_at[c->level] + i];
    Line *l = &c->nodes[id].line;
    const double *in[LINE_INPUTS_MAX];
    double *out[LINE_OUTPUTS_MAX];
    UNUSED(worker);
    for (size_t k = 0; k < l->n_inputs; k++)
        in[k] = column_of(c, l->inputs[k]);
    for (size_t k = 0; k < MAX(l->n_outputs, 1); k++)
        out[k] = c->nodes[id + k].column;
    if (l->kind == LINE_IS_TA)
        ta_run(l->state, in, c->to - c->from, out);
    else
        l->kernel->run(l->state, in, c->to - c->from, out);
}

static void condition_bits(const Columns *c, const Condition *k, size_t at, size_t n, uint64_t *bits) {
    if (k->never)
        memset(bits, 0, ACCOUNT_WORDS * sizeof *bits);
    else
        account_compare_bits(column_of(c, k->a) + at, k->b == NO_NODE ? NULL : column_of(c, k->b) + at, k->number,
                             k->below, n, bits);
}

static void signal_bits(const Columns *c, const Signal *g, size_t at, size_t n, int8_t *sign, uint64_t *buy,
                        uint64_t *sell) {
    const double *x = g->enter.never ? NULL : column_of(c, g->enter.a) + at;
    switch (g->kind) {
    case SIGNAL_CROSSOVER:
        account_cross_bits(x, column_of(c, g->enter.b) + at, n, c->rules.avx2, sign, buy, sell);
        break;
    case SIGNAL_CONDITIONS:
        condition_bits(c, &g->enter, at, n, buy);
        condition_bits(c, &g->leave, at, n, sell);
        break;
    case SIGNAL_LINE:
        account_compare_bits(x, NULL, 0, false, n, buy);
        account_compare_bits(x, NULL, 0, true, n, sell);
        break;
    }
}

/* One account over one piece; at the end of a block of time its sums are put away. */
static void follow(Columns *c, size_t i, size_t base, size_t n) {
    SweepResult *r = c->s->r;
    Account *a = &c->accounts[i];
    const Signal *g = &c->signals[i];
    BlockSum *blocks = r->blocks + c->rows[i] * r->n_blocks;
    uint64_t buy[ACCOUNT_WORDS], sell[ACCOUNT_WORDS];
    signal_bits(c, g, base - c->from, n, &a->sign, buy, sell);
    for (size_t at = MAX(base, g->warmup), to; at < base + n; at = to) {
        size_t block = a->block;
        while (pbo_block_start(c->market.n, r->n_blocks, block + 1) <= at)
            block++;
        a->block = (uint8_t)block;
        to = MIN(base + n, pbo_block_start(c->market.n, r->n_blocks, block + 1));
        account_run(a, &c->rules, &c->market, base, buy, sell, at, to);
        blocks[block].sum += a->returns.sum;
        blocks[block].squares += a->returns.squares;
        a->returns = (BlockSum){ 0 };
    }
}

static void run_batch(void *arg, int worker, size_t batch) {
    Columns *c = arg;
    const atomic_bool *cancel = c->s->cx->cancel;
    size_t first = batch * BATCH, last = MIN(first + BATCH, c->n);
    UNUSED(worker);
    if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
        return;
    for (size_t base = c->from; base < c->to; base += ACCOUNT_PIECE)
        for (size_t i = first; i < last; i++)
            follow(c, i, base, MIN(c->to - base, (size_t)ACCOUNT_PIECE));
}

static void conclude(Columns *c) {
    SweepResult *r = c->s->r;
    for (size_t i = 0; i < c->n; i++) {
        SweepRow *row = &r->rows[c->rows[i]];
        const Account *a = &c->accounts[i];
        const BlockSum *blocks = r->blocks + c->rows[i] * r->n_blocks;
        double sum = 0, squares = 0, n = (double)(c->market.n - c->s->options->trade_from);
        for (size_t b = 0; b < r->n_blocks; b++) {
            sum += blocks[b].sum;
            squares += blocks[b].squares;
        }
        row->v[SWEEP_FINAL_VALUE] = a->equity;
        row->v[SWEEP_MAX_DRAWDOWN] = 1 - a->worst;
        row->v[SWEEP_TOTAL_TRADES] = a->n_trades;
        row->v[SWEEP_WIN_RATE] = a->n_trades ? (double)a->n_won / a->n_trades : NAN;
        row->v[SWEEP_PROFIT_FACTOR] = a->lost > 0 ? a->won / a->lost : NAN;
        row->v[SWEEP_EXPOSURE] = a->n_long / n;
        row->v[SWEEP_FEES] = a->fees;
        row->n_refused = a->n_refused;
        sweep_conclude(c->s, row, sum, squares);
    }
}

static int run(Columns *c, size_t n_all) {
    Sweep *s = c->s;
    for (c->from = 0; c->from < c->market.n; c->from = c->to) {
        c->to = MIN(c->from + c->slice, c->market.n);
        for (c->level = 1; c->level < c->n_levels; c->level++)
            parallel_for(s->threads, c->level_at[c->level + 1] - c->level_at[c->level], run_node, c);
        parallel_for(s->threads, (c->n + BATCH - 1) / BATCH, run_batch, c);
        int e = ctx_check(s->cx);
        if (e == 0)
            e = sweep_tell(s, c->to == c->market.n ? n_all : 0, (double)c->to / (double)c->market.n * (double)n_all);
        if (e)
            return e;
    }
    conclude(c);
    return 0;
}

int sweep_columns_run(Sweep *s, size_t from, size_t n) {
    const Candles *cs = s->base->assets[0].candles;
    Columns c;
    bool fits;
    columns_init(&c, s);
    c.market = (AccountMarket){ cs->n, cs->open, cs->high, cs->low, cs->close };
    rules_of(s, &c.rules);
    int e = declare(&c, from, n, &fits);
    if (e == 0 && !fits)
        e = err_set(s->cx, ERR_INVALID, "sweep: some combinations declare no signal of long or flat");
    if (e == 0)
        e = prepare(&c);
    if (e == 0)
        e = run(&c, n);
    columns_done(&c);
    return e;
}
