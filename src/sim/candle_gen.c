/* sim/candle_gen.c - see candle_gen.h.
 *
 * Two constructions meet at the day.
 *   Above: a dyadic tree of 2^16 days. Each node knows the log price at both ends and its variance mass; its middle
 *   is a bridge draw, its mass is shared between the halves by a random multiplier (a multiplicative cascade).
 *   Below: split(): a parent candle becomes 24 or 60 children by bridges pinned at its open, high, low and close,
 *   folded into [low, high], with volume and trades dealt out in whole lots. Nothing is rounded twice: children are
 *   integers whose sums and extremes are the parent's. */

#include "sim/candle_gen.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

enum {
    TREE_LEVELS = 16,
    DAY_MIN = -(1 << (TREE_LEVELS - 1)),
    DAY_END = 1 << (TREE_LEVELS - 1),
    REGIME_LEVEL = 5, /* a regime lasts about 32 days */
    WANDER_LEVEL = 8, /* beyond 256 days the price no longer spreads as a free random walk would */
    PARTS_MAX = 60,
    DAY_SLOTS = 1024,
    SPLIT_SLOTS = 64,
};

typedef enum Unit { OF_SECOND, OF_MINUTE, OF_HOUR, OF_DAY } Unit;

static const int64_t unit_ms[] = { MS_PER_SECOND, MS_PER_MINUTE, MS_PER_HOUR, MS_PER_DAY };

typedef struct Node { /* a candle and the variance of its log return */
    GenCandle c;
    double theta;
} Node;

typedef struct DaySlot {
    uint64_t key;
    int64_t day;
    bool used;
    Node node;
} DaySlot;

typedef struct Split { /* the children of one node */
    uint64_t key;
    int64_t index; /* of the parent, in its unit since 1970 */
    Unit unit;     /* of the parent */
    bool used;
    int n;
    Node part[PARTS_MAX];
} Split;

struct CandleGen {
    uint64_t seed, market;
    DaySlot days[DAY_SLOTS];
    Split splits[SPLIT_SLOTS];
};

CandleGen *candle_gen_new(uint64_t seed) {
    CandleGen *g = mem_new(CandleGen);
    g->seed = seed;
    g->market = UINT64_C(0x6d61726b6574); /* the key of the noise all symbols share */
    return g;
}

CandleGen *candle_gen_free(CandleGen *g) {
    return mem_free(g);
}

/* --- noise --- */

static uint64_t mix(uint64_t x) { /* the finaliser of splitmix64 */
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t node_key(uint64_t seed, uint64_t stream, unsigned level, int64_t index) {
    return mix(mix(mix(seed ^ UINT64_C(0x9e3779b97f4a7c15)) ^ stream) + (uint64_t)index * 64 + level);
}

typedef struct Noise { /* of one node: a stream of its own and the market's */
    Rng own, market;
    double rho, rest; /* rho^2 + rest^2 = 1 */
} Noise;

static void noise_init(Noise *n, const CandleGen *g, const GenSymbol *s, unsigned level, int64_t index) {
    rng_seed(&n->own, node_key(g->seed, s->key, level, index));
    rng_seed(&n->market, node_key(g->seed, g->market, level, index));
    n->rho = s->market;
    n->rest = sqrt(1 - s->market * s->market);
}

/* A normal draw, now and then a jump: with probability p it is `scale` times larger, for every symbol at once. */
static double noise_draw(Noise *n, double p, double scale) {
    double z = n->rho * rng_normal(&n->market) + n->rest * rng_normal(&n->own);
    return rng_f64(&n->market) < p ? z * scale : z;
}

static double uniform_open(Rng *r) { /* (0, 1] */
    return 1.0 - rng_f64(r);
}

/* Highest excursion of a Brownian bridge from 0 to d with standard deviation sd: its law in closed form. */
static double bridge_max(double d, double sd, double u) {
    return (d + sqrt(d * d - 2 * sd * sd * log(u))) / 2;
}

/* --- the tree of days --- */

typedef struct DayEnds {
    double a, b;  /* log price over the symbol's level at the start of this day and of the next */
    double theta; /* variance of the day's log return */
    Regime regime;
} DayEnds;

static Regime regime_of(double move, double sd, double *factor) {
    double r = move / sd;
    Regime regime = r < -1.1 ? REGIME_CRISIS : r < -0.3 ? REGIME_BEAR : r < 0.5 ? REGIME_CALM : REGIME_BULL;
    static const double factors[] = {
        [REGIME_CALM] = 0.45, [REGIME_BULL] = 1.0, [REGIME_BEAR] = 1.2, [REGIME_CRISIS] = 2.6
    };
    *factor = factors[regime];
    return regime;
}

static DayEnds tree_descend(const CandleGen *g, const GenSymbol *s, int64_t day) {
    assert(day >= DAY_MIN && day < DAY_END);
    DayEnds e = { .theta = s->daily_vol * s->daily_vol * (double)(DAY_END - DAY_MIN) };
    uint64_t at = (uint64_t)(day - DAY_MIN);
    for (int level = TREE_LEVELS; level > 0; level--) {
        if (level == REGIME_LEVEL) {
            double factor;
            e.regime = regime_of(e.b - e.a, s->daily_vol * sqrt(1 << REGIME_LEVEL), &factor);
            e.theta *= factor;
        }
        Noise n;
        noise_init(&n, g, s, (unsigned)level, (int64_t)(at >> level));
        double spread = level <= WANDER_LEVEL ? 0.24 : 0.04;
        double share = 0.5 + spread * (0.7 * (2 * rng_f64(&n.market) - 1) + 0.3 * (2 * rng_f64(&n.own) - 1));
        double sd = sqrt(e.theta * share * (1 - share));
        if (level > WANDER_LEVEL)
            sd *= sqrt(ldexp(1.0, WANDER_LEVEL - level));
        double z = level <= 3 ? noise_draw(&n, 0.04, 2.3) : noise_draw(&n, 0, 1);
        double middle = e.a + (e.b - e.a) * share + sd * z;
        if (at >> (level - 1) & 1) {
            e.a = middle;
            e.theta *= 1 - share;
        } else {
            e.b = middle;
            e.theta *= share;
        }
    }
    return e;
}

static int64_t price_ticks(const GenSymbol *s, double log_price) {
    double ticks = exp(log_price) * s->price / decimal_to_f64(s->tick);
    return (int64_t)llround(MAX(ticks, 20.0));
}

static Node day_make(const CandleGen *g, const GenSymbol *s, int64_t day) {
    DayEnds e = tree_descend(g, s, day);
    Noise n;
    noise_init(&n, g, s, 0, day);
    Node node = { .theta = e.theta };
    GenCandle *c = &node.c;
    c->open = price_ticks(s, e.a);
    c->close = price_ticks(s, e.b);
    double sd = sqrt(e.theta) * (double)c->open;
    double d = (double)(c->close - c->open);
    double up = bridge_max(d, sd, uniform_open(&n.own)), down = bridge_max(-d, sd, uniform_open(&n.own));
    c->high = MAX(c->open + (int64_t)llround(up), MAX(c->open, c->close));
    c->low = MIN(c->open - (int64_t)llround(down), MIN(c->open, c->close));
    c->low = MAX(c->low, MAX(MIN(c->open, c->close) / 2, 1));

    /* busier when it moves more, quieter at the week's end, and never the same twice */
    double activity = pow(e.theta / (s->daily_vol * s->daily_vol), 0.4) * exp(0.25 * rng_normal(&n.own));
    if (weekday_of_days(day) >= 5)
        activity *= 0.7;
    double lot_quote = decimal_to_f64(s->lot) * decimal_to_f64(s->tick) * (double)(c->open + c->close) / 2;
    c->volume = (int64_t)llround(CLAMP(activity * s->daily_quote / lot_quote, 1.0, 1e15));
    c->trades = (int64_t)llround(CLAMP(activity * s->daily_quote / s->trade_quote, 1.0, (double)c->volume));
    return node;
}

static Node day_get(CandleGen *g, const GenSymbol *s, int64_t day) {
    DaySlot *slot = &g->days[mix(s->key + (uint64_t)day) % DAY_SLOTS];
    if (!slot->used || slot->key != s->key || slot->day != day)
        *slot = (DaySlot){ s->key, day, true, day_make(g, s, day) };
    return slot->node;
}

/* --- splitting --- */

typedef struct Plan { /* how the parts of a split share what the parent has */
    int n;
    double variance[PARTS_MAX]; /* of traded parts; sums to 1 */
    int64_t volume[PARTS_MAX], trades[PARTS_MAX];
    int traded[PARTS_MAX], n_traded; /* indices of parts with trades, ascending */
} Plan;

/* Deals `total` whole pieces by weight: part i gets what its cumulative share rounds to. */
static void deal(int64_t total, const double *weight, int n, int64_t *out) {
    double sum = 0, upto = 0;
    for (int i = 0; i < n; i++)
        sum += weight[i];
    int64_t given = 0;
    for (int i = 0; i < n; i++) {
        upto += weight[i];
        int64_t next = i == n - 1 || sum <= 0 ? total : (int64_t)llround((double)total * (upto / sum));
        next = CLAMP(next, given, total);
        out[i] = next - given;
        given = next;
    }
}

/* Ends of the day trade more than its middle; the full minute more than the rest of its hour. */
static double activity_at(Unit parent, int i, int n) {
    double x = (2.0 * i + 1 - n) / n; /* -1 .. 1 */
    switch (parent) {
    case OF_DAY:
        return 0.6 + 1.1 * x * x;
    case OF_HOUR:
        return i == 0 ? 1.5 : 0.9 + 0.2 * x * x;
    default:
        return 1;
    }
}

static void plan_make(Plan *p, const GenCandle *parent, Unit unit, Noise *noise) {
    double weight[PARTS_MAX], extra[PARTS_MAX], log_vol = rng_normal(&noise->market), sum = 0;
    p->n = unit == OF_DAY ? 24 : 60;
    p->n_traded = 0;
    for (int i = 0; i < p->n; i++) { /* log volatility: stationary AR(1) along the parts */
        log_vol = 0.9 * log_vol + sqrt(1 - 0.81) * (0.8 * rng_normal(&noise->market) + 0.6 * rng_normal(&noise->own));
        p->variance[i] = activity_at(unit, i, p->n) * exp(0.9 * log_vol);
        weight[i] = activity_at(unit, i, p->n) * exp(0.45 * log_vol + 0.35 * rng_normal(&noise->own));
    }
    deal(parent->trades, weight, p->n, p->trades);
    for (int i = 0; i < p->n; i++) {
        extra[i] = p->trades[i] ? weight[i] * exp(0.3 * rng_normal(&noise->own)) : 0;
        if (!p->trades[i])
            p->variance[i] = 0;
        else
            p->traded[p->n_traded++] = i;
        sum += p->variance[i];
    }
    /* every trade moves at least one lot; what is left goes by weight to parts that trade */
    int last = p->n_traded ? p->traded[p->n_traded - 1] : 0;
    deal(parent->volume - parent->trades, extra, last + 1, p->volume);
    for (int i = 0; i < p->n; i++) {
        p->volume[i] = (i <= last ? p->volume[i] : 0) + p->trades[i];
        p->variance[i] = sum > 0 ? p->variance[i] / sum : 0;
    }
}

/* Triangle wave: reflects x at both walls. */
static double fold(double x, double lo, double hi) {
    double width = hi - lo;
    if (width <= 0)
        return lo;
    double t = fmod(x - lo, 2 * width);
    if (t < 0)
        t += 2 * width;
    return lo + (t > width ? 2 * width - t : t);
}

typedef struct Pins { /* parts (places in `traded`) that reach the extremes */
    int high, low;
} Pins;

/* Where the extremes fall: the way is open -> first -> second -> close, and a leg takes time as its length does for
 * a random walk, give or take. A falling parent tends to have its high first. */
static Pins pins_draw(const GenCandle *c, const Plan *p, Rng *r) {
    double range = (double)MAX(c->high - c->low, 1);
    double rise = (double)(c->close - c->open) / range;
    bool high_first = rng_f64(r) < 0.5 - 0.5 * rise;
    double first = (double)(high_first ? c->high - c->open : c->open - c->low);
    double second = (double)(high_first ? c->close - c->low : c->high - c->close);
    double leg[3] = { first, range, second }, sum = 0;
    for (int i = 0; i < 3; i++) {
        leg[i] = pow(leg[i] / range, 1.5) * (0.25 + rng_f64(r)) - 0.02 * log(uniform_open(r));
        sum += leg[i];
    }
    double at1 = leg[0] / sum, at2 = (leg[0] + leg[1]) / sum, upto = 0;
    int i1 = -1, i2 = -1;
    for (int k = 0; k < p->n_traded; k++) {
        upto += p->variance[p->traded[k]];
        if (i1 < 0 && upto >= at1)
            i1 = k;
        if (i2 < 0 && upto >= at2)
            i2 = k;
    }
    i1 = i1 < 0 ? p->n_traded - 1 : i1;
    i2 = i2 < 0 ? p->n_traded - 1 : i2;
    return high_first ? (Pins){ i1, i2 } : (Pins){ i2, i1 };
}

/* Closing levels of the traded parts: a walk with the parts' variances, bent into bridges between the pins. A part
 * that reaches an extreme closes near it, the very last one at the close. */
static void path_draw(const GenCandle *c, const Plan *p, Pins pins, double sd, Noise *noise, Unit unit, double *level) {
    double jump_p = unit == OF_DAY ? 0.01 : 0.004, jump_scale = unit == OF_DAY ? 4 : 6;
    double from = (double)c->open;
    int at = 0;
    while (at < p->n_traded) {
        /* the next pin at or behind `at`: extremes count while they are ahead */
        int end = p->n_traded - 1;
        double to = (double)c->close;
        if (pins.high >= at && pins.high < end) {
            end = pins.high;
            to = (double)c->high - 0.6 * rng_f64(&noise->own) * sd * sqrt(p->variance[p->traded[end]]);
        }
        if (pins.low >= at && pins.low < end) {
            end = pins.low;
            to = (double)c->low + 0.6 * rng_f64(&noise->own) * sd * sqrt(p->variance[p->traded[end]]);
        }
        double walk = 0, time = 0;
        for (int k = at; k <= end; k++) {
            double v = p->variance[p->traded[k]];
            walk += sqrt(v) * noise_draw(noise, jump_p, jump_scale);
            time += v;
            level[k] = walk;
        }
        double total = walk, upto = 0;
        for (int k = at; k <= end; k++) {
            upto += p->variance[p->traded[k]];
            double t = time > 0 ? upto / time : 1;
            level[k] = fold(from + (to - from) * t + sd * (level[k] - total * t), (double)c->low, (double)c->high);
        }
        from = to;
        at = end + 1;
    }
}

static void part_extremes(const GenCandle *parent, double sd, Rng *r, GenCandle *c) {
    double d = (double)(c->close - c->open);
    int64_t up = (int64_t)llround(bridge_max(d, sd, uniform_open(r)));
    int64_t down = (int64_t)llround(bridge_max(-d, sd, uniform_open(r)));
    c->high = CLAMP(c->open + up, MAX(c->open, c->close), parent->high);
    c->low = CLAMP(c->open - down, parent->low, MIN(c->open, c->close));
}

static void split_make(const CandleGen *g, const GenSymbol *s, const Node *parent, Unit unit, int64_t index,
                       Split *out) {
    Noise noise;
    noise_init(&noise, g, s, 32 + (unsigned)unit, index);
    Plan plan;
    double level[PARTS_MAX];
    const GenCandle *pc = &parent->c;
    plan_make(&plan, pc, unit, &noise);
    double sd = sqrt(parent->theta) * (double)pc->open;
    Pins pins = pins_draw(pc, &plan, &noise.own);
    path_draw(pc, &plan, pins, sd, &noise, unit, level);

    *out = (Split){ .key = s->key, .index = index, .unit = unit, .used = true, .n = plan.n };
    int64_t price = pc->open;
    for (int i = 0, k = 0; i < plan.n; i++) {
        Node *part = &out->part[i];
        part->theta = parent->theta * plan.variance[i];
        part->c = (GenCandle){ price, price, price, price, plan.volume[i], plan.trades[i] };
        if (plan.trades[i] == 0)
            continue;
        GenCandle *c = &part->c;
        int64_t bounce = k == 0 ? 0 : rng_between(&noise.own, -3, 3) / 3; /* bid or ask: now and then a tick */
        c->open = CLAMP(price + bounce, pc->low, pc->high);
        c->close = k == plan.n_traded - 1 ? pc->close : CLAMP((int64_t)llround(level[k]), pc->low, pc->high);
        part_extremes(pc, sd * sqrt(plan.variance[i]), &noise.own, c);
        if (k == pins.high)
            c->high = pc->high;
        if (k == pins.low)
            c->low = pc->low;
        price = c->close;
        k++;
    }
}

static Node node_get(CandleGen *g, const GenSymbol *s, Unit unit, int64_t index);

static const Split *split_get(CandleGen *g, const GenSymbol *s, Unit unit, int64_t index) {
    Split *slot = &g->splits[mix(s->key + (uint64_t)index * 4 + unit) % SPLIT_SLOTS];
    if (!slot->used || slot->key != s->key || slot->index != index || slot->unit != unit) {
        Node parent = node_get(g, s, unit, index); /* by value: it may itself pass through this slot */
        split_make(g, s, &parent, unit, index, slot);
    }
    return slot;
}

static Node node_get(CandleGen *g, const GenSymbol *s, Unit unit, int64_t index) {
    if (unit == OF_DAY)
        return day_get(g, s, index);
    int64_t per = unit_ms[unit + 1] / unit_ms[unit];
    return split_get(g, s, unit + 1, floor_div(index, per))->part[floor_mod(index, per)];
}

/* --- what callers see --- */

static void merge(GenCandle *into, const GenCandle *c, bool first) {
    if (first) {
        *into = *c;
        return;
    }
    into->high = MAX(into->high, c->high);
    into->low = MIN(into->low, c->low);
    into->close = c->close;
    into->volume += c->volume;
    into->trades += c->trades;
}

static int64_t second_at_or_after(Time t) {
    return floor_div(t.ms, MS_PER_SECOND) + (floor_mod(t.ms, MS_PER_SECOND) != 0);
}

bool candle_gen_span(CandleGen *g, const GenSymbol *s, Time from, Time to, GenCandle *out) {
    int64_t least = (int64_t)DAY_MIN * MS_PER_DAY, most = (int64_t)DAY_END * MS_PER_DAY;
    from.ms = CLAMP(MAX(from.ms, s->listed.ms), least, most);
    to.ms = CLAMP(to.ms, least, most);
    int64_t at = second_at_or_after(from) * MS_PER_SECOND, end = second_at_or_after(to) * MS_PER_SECOND;
    bool first = true;
    while (at < end) {
        Unit unit = OF_DAY; /* the largest piece that begins here and fits */
        while (unit > OF_SECOND && (floor_mod(at, unit_ms[unit]) != 0 || end - at < unit_ms[unit]))
            unit--;
        Node node = node_get(g, s, unit, floor_div(at, unit_ms[unit]));
        merge(out, &node.c, first);
        first = false;
        at += unit_ms[unit];
    }
    return !first;
}

int64_t candle_gen_price(CandleGen *g, const GenSymbol *s, Time t) {
    GenCandle c;
    int64_t second = floor_div(t.ms, MS_PER_SECOND) * MS_PER_SECOND;
    return candle_gen_span(g, s, time_ms(second), time_ms(second + MS_PER_SECOND), &c) ? c.close : 0;
}

static double decimal_times(Decimal unit, int64_t n) {
    return decimal_to_f64((Decimal){ n * unit.mantissa, unit.scale });
}

void gen_candle_values(const GenSymbol *s, const GenCandle *c, Candle *out) {
    *out = (Candle){ .open = decimal_times(s->tick, c->open),
                     .high = decimal_times(s->tick, c->high),
                     .low = decimal_times(s->tick, c->low),
                     .close = decimal_times(s->tick, c->close),
                     .volume = decimal_times(s->lot, c->volume),
                     .flags = CANDLE_SIMULATED };
}

Regime candle_gen_regime(CandleGen *g, const GenSymbol *s, Time t) {
    return tree_descend(g, s, CLAMP(floor_div(t.ms, MS_PER_DAY), DAY_MIN, DAY_END - 1)).regime;
}

size_t candle_gen_fill(CandleGen *g, const GenSymbol *s, Timeframe tf, Time from, Time to, Candles *cs) {
    size_t before = cs->n;
    Time open = timeframe_floor(tf, time_ms(MAX(from.ms, s->listed.ms)));
    if (open.ms < from.ms)
        open = timeframe_step(tf, open, 1);
    for (; open.ms < to.ms && cs->n < cs->cap; open = timeframe_step(tf, open, 1)) {
        GenCandle exact;
        if (!candle_gen_span(g, s, open, timeframe_step(tf, open, 1), &exact))
            continue;
        Candle c;
        gen_candle_values(s, &exact, &c);
        c.open_time = open;
        candles_push(cs, &c);
    }
    return cs->n - before;
}
