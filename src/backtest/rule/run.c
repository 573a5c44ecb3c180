/* backtest/rule/run.c - nodes evaluated by column, RULE_BLOCK rows at a time.
 *
 * Every node has a column of the block; prices and extra columns are used where they lie. The live nodes have none:
 * they are computed for a row when it is asked for. */

#include "backtest/rule/internal.h"

typedef struct Lag { /* the last `size` values, oldest at `next` */
    double *at;
    size_t size, next;
} Lag;

typedef struct Cross {
    double sign; /* of the last difference that was not 0; 0: none yet */
    bool begun;
} Cross;

typedef struct Streak { /* rising, falling */
    double before;
    int64_t n; /* steps in the direction in a row; -1 before the first value */
    int64_t seen;
} Streak;

typedef struct Count {
    Lag window;
    size_t seen;
    double sum;
} Count;

typedef struct Since {
    double n; /* NaN before the first */
} Since;

typedef struct NodeState {
    const double *column; /* of the block */
    double *own;          /* where the node writes; NULL for prices, extra columns and live nodes */
    union {
        Lag lag;
        Cross cross;
        Streak streak;
        Count count;
        Since since;
        struct {
            TaState *state;
            double *outputs[TA_OUTPUTS_MAX];
        } ta;
        struct {
            int64_t until_ms, offset_ms; /* the zone's offset holds before until_ms */
        } calendar;
    };
} NodeState;

struct RuleRun {
    const RuleProgram *program;
    NodeState *nodes;
    size_t n; /* rows of the block */
};

static double *new_column(Arena *arena) {
    return arena_alloc(arena, RULE_BLOCK * sizeof(double));
}

static void open_ta(NodeState *s, const RuleNode *node, Arena *arena) {
    s->ta.state = ta_open(arena, node->ta, node->params);
    for (size_t i = 0; i < ta_n_outputs(node->ta); i++)
        s->ta.outputs[i] = new_column(arena);
}

static Lag new_lag(Arena *arena, size_t size) {
    Lag lag = { arena_alloc(arena, size * sizeof(double)), size, 0 };
    for (size_t i = 0; i < size; i++)
        lag.at[i] = NAN;
    return lag;
}

static void open_node(NodeState *all, size_t i, const RuleNode *node, Arena *arena) {
    NodeState *s = &all[i];
    bool borrows = node->op == OP_PRICE || node->op == OP_EXTRA || node->op == OP_TA || node->op == OP_OUT;
    if (!borrows && !node->live)
        s->column = s->own = new_column(arena);
    switch ((RuleOp)node->op) {
    case OP_CONST:
        for (size_t k = 0; k < RULE_BLOCK; k++)
            s->own[k] = node->number;
        break;
    case OP_TA:
        open_ta(s, node, arena);
        break;
    case OP_OUT:
        s->column = all[node->in[0]].ta.outputs[node->arg];
        break;
    case OP_LAG:
        s->lag = new_lag(arena, (size_t)node->arg);
        break;
    case OP_COUNT:
        s->count.window = new_lag(arena, (size_t)node->arg);
        break;
    case OP_RISING:
    case OP_FALLING:
        s->streak = (Streak){ .before = NAN };
        break;
    case OP_SINCE:
        s->since.n = NAN;
        break;
    case OP_CALENDAR:
        s->calendar.until_ms = INT64_MIN;
        break;
    default:
        break;
    }
}

RuleRun *rule_open(Arena *arena, const RuleProgram *p) {
    assert(!p->unbound);
    RuleRun *r = arena_new(arena, RuleRun);
    r->program = p;
    r->nodes = arena_new_n(arena, NodeState, p->n_nodes);
    for (size_t i = 0; i < p->n_nodes; i++)
        open_node(r->nodes, i, &p->nodes[i], arena);
    return r;
}

/* --- the market's columns --- */

static const double *price_column(const RuleInput *in, int which) {
    const double *const columns[PRICES] = { in->open, in->high, in->low, in->close, in->volume };
    return columns[which];
}

static double calendar_value(int which, int64_t local_ms) {
    switch (which) {
    case CALENDAR_MINUTE:
        return (double)floor_div(floor_mod(local_ms, MS_PER_HOUR), MS_PER_MINUTE);
    case CALENDAR_HOUR:
        return (double)floor_div(floor_mod(local_ms, MS_PER_DAY), MS_PER_HOUR);
    case CALENDAR_WEEKDAY:
        return weekday_of_days(floor_div(local_ms, MS_PER_DAY));
    default: {
        int year, month, day;
        civil_from_days(floor_div(local_ms, MS_PER_DAY), &year, &month, &day);
        return which == CALENDAR_DAY ? day : which == CALENDAR_MONTH ? month : year;
    }
    }
}

static void run_calendar(NodeState *s, const Tz *zone, int which, const int64_t *open_ms, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (open_ms[i] >= s->calendar.until_ms) {
            s->calendar.offset_ms = (int64_t)tz_offset_at(zone, time_ms(open_ms[i])).offset_s * MS_PER_SECOND;
            s->calendar.until_ms = tz_next_change(zone, time_ms(open_ms[i])).ms;
        }
        s->own[i] = calendar_value(which, time_add_ms(time_ms(open_ms[i]), s->calendar.offset_ms).ms);
    }
}

/* --- nodes with a memory. A value that is not known leaves the memory as it is, except for lags, which count rows. --- */

static void run_lag(Lag *l, const double *x, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = l->at[l->next];
        l->at[l->next] = x[i];
        l->next = l->next + 1 == l->size ? 0 : l->next + 1;
    }
}

static void run_cross(Cross *c, int which, const double *a, const double *b, size_t n, double *out) {
    double sign = c->sign;
    for (size_t i = 0; i < n; i++) {
        double now = sign_of(a[i] - b[i]);
        if (isnan(now)) {
            out[i] = NAN;
            continue;
        }
        bool up = sign < 0 && now > 0, down = sign > 0 && now < 0;
        out[i] = truth(c->begun, (which & CROSS_UP && up) || (which & CROSS_DOWN && down));
        c->begun = true; /* the first difference only begins the memory */
        sign = now != 0 ? now : sign;
    }
    c->sign = sign;
}

static void run_streak(Streak *s, int32_t least, double direction, const double *x, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) {
            out[i] = NAN;
            continue;
        }
        s->n = (x[i] - s->before) * direction > 0 ? s->n + 1 : 0;
        s->before = x[i];
        out[i] = truth(s->seen >= least, s->n >= least);
        s->seen++;
    }
}

static void run_count(Count *c, const double *x, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = NAN;
        if (isnan(x[i]))
            continue;
        Lag *w = &c->window;
        c->sum += x[i] - (c->seen >= w->size ? w->at[w->next] : 0);
        w->at[w->next] = x[i];
        w->next = w->next + 1 == w->size ? 0 : w->next + 1;
        if (++c->seen >= w->size)
            out[i] = c->sum;
    }
}

static void run_since(Since *s, const double *x, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        s->n = x[i] == 1 ? 0 : s->n + 1;
        out[i] = s->n;
    }
}

/* --- a block --- */

#define IN(k) (r->nodes[node->in[k]].column)

static void run_row_node(RuleRun *r, const RuleNode *node, double *restrict out, size_t n) {
    const double *x = IN(0), *y = node->n_in > 1 ? IN(1) : x;
    switch ((RuleOp)node->op) {
#define COLUMN_CASE(op_, value)                                                                                        \
    case op_:                                                                                                          \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double a = x[i], b = y[i];                                                                                 \
            UNUSED(b);                                                                                                 \
            out[i] = (value);                                                                                          \
        }                                                                                                              \
        break;
        RULE_UNARY(COLUMN_CASE)
        RULE_BINARY(COLUMN_CASE)
#undef COLUMN_CASE
    default:
        for (size_t i = 0; i < n; i++)
            out[i] = row_value(OP_CHOOSE, (double[]){ x[i], y[i], IN(2)[i] });
    }
}

static void run_ta(RuleRun *r, const RuleNode *node, NodeState *s, size_t n) {
    const double *in[NODE_INPUTS_MAX];
    for (int k = 0; k < node->n_in; k++)
        in[k] = IN(k);
    ta_run(s->ta.state, in, n, s->ta.outputs);
}

static void run_node(RuleRun *r, const RuleNode *node, NodeState *s, const RuleInput *in, size_t n) {
    switch ((RuleOp)node->op) {
    case OP_CONST:
    case OP_OUT:
        break;
    case OP_PRICE:
        s->column = price_column(in, node->arg);
        break;
    case OP_EXTRA:
        s->column = in->extra[node->arg];
        break;
    case OP_CALENDAR:
        run_calendar(s, r->program->zone, node->arg, in->open_ms, n);
        break;
    case OP_TA:
        run_ta(r, node, s, n);
        break;
    case OP_LAG:
        run_lag(&s->lag, IN(0), n, s->own);
        break;
    case OP_CROSS:
        run_cross(&s->cross, node->arg, IN(0), IN(1), n, s->own);
        break;
    case OP_RISING:
        run_streak(&s->streak, node->arg, 1, IN(0), n, s->own);
        break;
    case OP_FALLING:
        run_streak(&s->streak, node->arg, -1, IN(0), n, s->own);
        break;
    case OP_COUNT:
        run_count(&s->count, IN(0), n, s->own);
        break;
    case OP_SINCE:
        run_since(&s->since, IN(0), n, s->own);
        break;
    default:
        run_row_node(r, node, s->own, n);
    }
}

void rule_feed(RuleRun *r, const RuleInput *in, size_t n) {
    assert(n <= RULE_BLOCK);
    const RuleProgram *p = r->program;
    for (size_t i = 0; i < p->n_nodes; i++)
        if (!p->nodes[i].live)
            run_node(r, &p->nodes[i], &r->nodes[i], in, n);
    r->n = n;
}

static double position_value(const RulePosition *p, int which) {
    switch (which) {
    case POSITION_SIDE:
        return p->side;
    case POSITION_SIZE:
        return p->size;
    case POSITION_ENTRY:
        return p->entry_price;
    case POSITION_SINCE:
        return p->bars_since_entry;
    case POSITION_PNL:
        return p->pnl_percent;
    default:
        return p->equity;
    }
}

/* values: by node, those of root->market are there. */
static double decide(const RuleProgram *p, const RuleRoot *root, double *values, const RulePosition *position) {
    for (size_t i = 0; i < root->n_live; i++) {
        const RuleNode *node = &p->nodes[root->live[i]];
        double in[NODE_INPUTS_MAX] = { 0 };
        for (int k = 0; k < node->n_in; k++)
            in[k] = values[node->in[k]];
        values[root->live[i]] =
            node->op == OP_POSITION ? position_value(position, node->arg) : row_value((RuleOp)node->op, in);
    }
    return values[root->node];
}

double rule_value(const RuleRun *r, size_t source, size_t row, const RulePosition *position) {
    assert(source < r->program->n_roots && row < r->n);
    const RuleRoot *root = &r->program->roots[source];
    double values[RULE_NODES_MAX];
    for (size_t i = 0; i < root->n_market; i++)
        values[root->market[i]] = r->nodes[root->market[i]].column[row];
    return decide(r->program, root, values, position ? position : &RULE_FLAT);
}

double rule_decide(const RuleProgram *p, size_t source, const double *exports, const RulePosition *position) {
    assert(source < p->n_roots);
    const RuleRoot *root = &p->roots[source];
    if (!root->n_live)
        return exports[p->nodes[root->node].export_at];
    double values[RULE_NODES_MAX];
    for (size_t i = 0; i < root->n_market; i++)
        values[root->market[i]] = exports[p->nodes[root->market[i]].export_at];
    return decide(p, root, values, position ? position : &RULE_FLAT);
}

/* The columns of the listed nodes, block after block. */
static void run_nodes(RuleRun *r, const RuleInput *in, size_t n, const uint16_t *nodes, size_t n_nodes,
                      double *const *out) {
    Arena scratch = { 0 };
    const double **extra = arena_new_n(&scratch, const double *, r->program->n_columns + 1);
    for (size_t at = 0; at < n; at += RULE_BLOCK) {
        size_t rows = MIN(RULE_BLOCK, n - at);
        RuleInput block = { in->open_ms + at, in->open + at,   in->high + at, in->low + at,
                            in->close + at,   in->volume + at, extra };
        for (size_t k = 0; k < r->program->n_columns; k++)
            extra[k] = in->extra && in->extra[k] ? in->extra[k] + at : NULL;
        rule_feed(r, &block, rows);
        for (size_t k = 0; k < n_nodes; k++)
            memcpy(out[k] + at, r->nodes[nodes[k]].column, rows * sizeof(double));
    }
    arena_done(&scratch);
}

void rule_run(RuleRun *r, const RuleInput *in, size_t n, double *const *out) {
    uint16_t nodes[RULE_SOURCES_MAX];
    assert(!rule_any_live(r->program));
    for (size_t k = 0; k < r->program->n_roots; k++)
        nodes[k] = r->program->roots[k].node;
    run_nodes(r, in, n, nodes, r->program->n_roots, out);
}

void rule_run_exports(RuleRun *r, const RuleInput *in, size_t n, double *const *out) {
    run_nodes(r, in, n, r->program->exports, r->program->n_exports, out);
}
