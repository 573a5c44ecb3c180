/* backtest/lines.c - lines: what a strategy declares, and their values.
 *
 * Lines are computed in the order of their declaration, so that inputs come before what is made of them, and in blocks
 * of rows, so that inputs are still in the cache when the next line reads them. A block of one row is a live feed. */

#include "backtest/extras.h"
#include "backtest/strategy_internal.h"

#include <string.h>

StrategySetup *setup_new(Arena *arena, const MarketAsset *assets, size_t n_assets) {
    StrategySetup *s = arena_new(arena, StrategySetup);
    *s = (StrategySetup){ .arena = arena, .assets = assets, .n_assets = n_assets, .signal = LINE_NONE };
    s->warmup = arena_new_n(arena, size_t, n_assets);
    s->at = arena_new_n(arena, size_t, n_assets);
    return s;
}

size_t setup_assets(const StrategySetup *s) {
    return s->n_assets;
}

const MarketAsset *setup_asset(const StrategySetup *s, size_t asset) {
    assert(asset < s->n_assets);
    return &s->assets[asset];
}

size_t setup_line_asset(const StrategySetup *s, LineId line) {
    assert(line < s->n_lines);
    return s->lines[line].asset;
}

/* --- declaring --- */

static bool line_same(const Line *a, const Line *b) {
    return a->kind == b->kind && a->asset == b->asset && a->price == b->price && a->output == b->output &&
           a->ta == b->ta && a->kernel == b->kernel && a->arg == b->arg && a->extra == b->extra &&
           a->n_inputs == b->n_inputs && memcmp(a->inputs, b->inputs, sizeof a->inputs) == 0 &&
           memcmp(a->params, b->params, sizeof a->params) == 0;
}

/* The line, or one that is the same and was declared before. */
static LineId line_add(StrategySetup *s, const Line *line) {
    for (size_t i = 0; i < s->n_lines; i++)
        if (line_same(&s->lines[i], line))
            return (LineId)i;
    assert(s->n_lines < LINES_MAX);
    if (s->n_lines == s->cap) {
        size_t cap = MAX(16, 2 * s->cap);
        s->lines = arena_grow(s->arena, s->lines, s->cap * sizeof(Line), cap * sizeof(Line));
        s->cap = cap;
    }
    s->lines[s->n_lines] = *line;
    return (LineId)s->n_lines++;
}

static LineId group_add(StrategySetup *s, Line *line) {
    LineId first = line_add(s, line);
    for (line->output = 1; line->output < line->n_outputs; line->output++)
        line_add(s, line);
    s->warmup[line->asset] = MAX(s->warmup[line->asset], line->ready);
    return first;
}

LineId setup_price(StrategySetup *s, size_t asset, TaInput column) {
    assert(asset < s->n_assets && column >= TA_OPEN && column <= TA_VOLUME);
    return line_add(s, &(Line){ .kind = LINE_IS_PRICE, .asset = (uint32_t)asset, .price = column });
}

LineId setup_extra(StrategySetup *s, size_t asset, Str name) {
    const MarketAsset *a = setup_asset(s, asset);
    for (size_t i = 0; i < a->n_extras; i++)
        if (str_eq_nocase(a->extras[i].name, name))
            return line_add(s, &(Line){ .kind = LINE_IS_EXTRA, .asset = (uint32_t)asset, .extra = &a->extras[i] });
    return LINE_NONE;
}

static void take_inputs(StrategySetup *s, Line *line, const LineId *inputs, size_t n_inputs) {
    assert(n_inputs > 0 && n_inputs <= LINE_INPUTS_MAX);
    line->n_inputs = n_inputs;
    for (size_t i = 0; i < n_inputs; i++) {
        assert(inputs[i] < s->n_lines && s->lines[inputs[i]].asset == s->lines[inputs[0]].asset);
        line->inputs[i] = inputs[i];
        line->ready = MAX(line->ready, s->lines[inputs[i]].ready);
    }
    line->asset = s->lines[inputs[0]].asset;
}

LineId setup_indicator(StrategySetup *s, size_t asset, const TaIndicator *ta, const double *params,
                       const LineId *inputs) {
    LineId own[TA_INPUTS_MAX];
    size_t n_inputs = ta_n_inputs(ta);
    for (size_t i = 0; inputs == NULL && i < n_inputs; i++) {
        TaInput input = ta->inputs[i] <= TA_VOLUME ? ta->inputs[i] : TA_CLOSE;
        own[i] = setup_price(s, asset, input);
    }
    Line line = { .kind = LINE_IS_TA, .ta = ta, .n_outputs = ta_n_outputs(ta) };
    if (params)
        memcpy(line.params, params, ta_n_params(ta) * sizeof(double));
    else
        ta_standard_params(ta, line.params);
    assert(ta_bad_param(ta, line.params) < 0);
    take_inputs(s, &line, inputs ? inputs : own, n_inputs);
    assert(line.asset == asset);
    line.ready += (size_t)ta->lookback(line.params);
    return group_add(s, &line);
}

LineId setup_kernel(StrategySetup *s, const LineKernel *kernel, const void *arg, const LineId *inputs, size_t n_inputs,
                    size_t n_outputs, int lookback) {
    assert(lookback >= 0 && n_outputs > 0 && n_outputs <= LINE_OUTPUTS_MAX);
    Line line = { .kind = LINE_IS_KERNEL, .kernel = kernel, .arg = arg, .n_outputs = n_outputs };
    take_inputs(s, &line, inputs, n_inputs);
    line.ready += (size_t)lookback;
    return group_add(s, &line);
}

void setup_warmup(StrategySetup *s, size_t asset, size_t candles) {
    assert(asset < s->n_assets);
    s->warmup[asset] = MAX(s->warmup[asset], candles);
}

void setup_signal(StrategySetup *s, LineId line, SignalRule rule) {
    assert(line < s->n_lines);
    s->signal = line;
    s->rule = rule;
}

/* --- computing --- */

static const double *price_column(const Candles *cs, TaInput column) {
    switch (column) {
    case TA_OPEN:
        return cs->open;
    case TA_HIGH:
        return cs->high;
    case TA_LOW:
        return cs->low;
    case TA_VOLUME:
        return cs->volume;
    default:
        return cs->close;
    }
}

static void line_open(StrategySetup *s, Line *line) {
    line->extra_next = 0;
    if (line->kind == LINE_IS_TA && line->output == 0)
        line->state = ta_open(s->arena, line->ta, line->params);
    if (line->kind != LINE_IS_KERNEL || line->output > 0)
        return;
    line->state = arena_zalloc(s->arena, MAX(line->kernel->state_size, 1));
    if (line->kernel->open)
        line->kernel->open(line->state, s->arena, line->arg);
}

static void begin(StrategySetup *s, bool unknown_is_nan) {
    s->columns = arena_new_n(s->arena, const double *, MAX(s->n_lines, 1));
    s->line_asset = arena_new_n(s->arena, uint32_t, MAX(s->n_lines, 1));
    for (size_t i = 0; i < s->n_lines; i++) {
        Line *line = &s->lines[i];
        const Candles *cs = s->assets[line->asset].candles;
        s->line_asset[i] = line->asset;
        line_open(s, line);
        if (line->kind == LINE_IS_PRICE) {
            s->columns[i] = price_column(cs, line->price);
            continue;
        }
        double *column = arena_alloc(s->arena, mem_mul(MAX(cs->n, 1), sizeof(double)));
        for (size_t row = 0; unknown_is_nan && row < cs->n; row++)
            column[row] = NAN;
        s->columns[i] = column;
    }
    memset(s->at, 0, s->n_assets * sizeof *s->at);
}

void strategy_compute_begin(Strategy *s) {
    begin(s->setup, true);
}

static double *column_at(const StrategySetup *s, size_t line, size_t row) {
    return (double *)s->columns[line] + row; /* ours: never a price column */
}

static void line_run(StrategySetup *s, size_t id, size_t from, size_t n) {
    Line *line = &s->lines[id];
    const double *in[LINE_INPUTS_MAX];
    double *out[LINE_OUTPUTS_MAX];
    for (size_t k = 0; k < line->n_inputs; k++)
        in[k] = s->columns[line->inputs[k]] + from;
    switch (line->kind) {
    case LINE_IS_PRICE:
        break;
    case LINE_IS_EXTRA:
        extra_align(&s->assets[line->asset], line->extra, from, n, &line->extra_next, column_at(s, id, from));
        break;
    case LINE_IS_KERNEL:
    case LINE_IS_TA:
        if (line->output > 0)
            break;
        for (size_t k = 0; k < line->n_outputs; k++)
            out[k] = column_at(s, id + k, from);
        if (line->kind == LINE_IS_TA)
            ta_run(line->state, in, n, out);
        else
            line->kernel->run(line->state, in, n, out);
        break;
    }
}

static void asset_run(StrategySetup *s, size_t asset, size_t n) {
    for (size_t id = 0; id < s->n_lines; id++)
        if (s->lines[id].asset == asset)
            line_run(s, id, s->at[asset], n);
    s->at[asset] += n;
}

void strategy_compute_row(Strategy *strategy, size_t asset) {
    asset_run(strategy->setup, asset, 1);
}

int strategy_compute(Strategy *strategy, Ctx *cx) {
    StrategySetup *s = strategy->setup;
    begin(s, false); /* every row is written below */
    for (size_t asset = 0; asset < s->n_assets; asset++)
        for (size_t n = s->assets[asset].candles->n; s->at[asset] < n;) {
            asset_run(s, asset, MIN(n - s->at[asset], (size_t)LINE_BLOCK));
            int err = ctx_check(cx);
            if (err)
                return err;
        }
    return 0;
}

size_t strategy_warmup(const Strategy *s, size_t asset) {
    assert(asset < s->setup->n_assets);
    return s->setup->warmup[asset];
}

size_t strategy_n_lines(const Strategy *s) {
    return s->setup->n_lines;
}

const double *const *strategy_lines(const Strategy *s) {
    return s->setup->columns;
}

const uint32_t *strategy_line_assets(const Strategy *s) {
    return s->setup->line_asset;
}

bool strategy_signal(const Strategy *s, LineId *line, SignalRule *rule) {
    *line = s->setup->signal;
    *rule = s->setup->rule;
    return s->setup->signal != LINE_NONE;
}
